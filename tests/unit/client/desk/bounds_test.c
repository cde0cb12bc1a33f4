/* Lists that grow past their first size, values at the edge of what a verb takes, and people who
 * may not ask at all. */
#include "support/rooms_world.h"

#include "client/store/local_priv.h"
#include "client/store/people.h"

#define MANY 70u /* more than the first size of any list here */

struct fixture {
	struct world *w;
	struct room *r; /* room 1, Jo signed in, no network */
	struct local *l;
	struct vault *v;
	struct id patient;
	struct id session;
};

static struct fixture fx;

static int setup(void **state)
{
	(void)state;
	fx = (struct fixture){ .w = world_clinic() };
	fx.r = &fx.w->rooms[0];
	fx.l = fx.r->local;
	fx.v = &fx.r->desk.vault;
	fx.patient = room_add_patient(fx.r, "Maya Rosen", "1984-05-06");
	fx.session = room_start_session(fx.r, &fx.patient);
	room_saved(fx.r);
	room_cut(fx.r, true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_free(fx.w);
	return 0;
}

/* ---- more than fits at first ----------------------------------------------------------------- */

static void test_many_patients_sessions_and_pending_ops(void **state)
{
	(void)state;
	struct local_sessions sessions = { 0 };
	struct local_pending *pending = NULL;
	struct local_patient p;
	size_t count = 0;
	size_t at = 0;
	OK(local_begin(fx.l));
	for (unsigned i = 0; i < MANY; i++) {
		char name[32];
		snprintf(name, sizeof(name), "Omar Said %u", i);
		(void)room_add_patient(fx.r, name, "1970-01-02");
		(void)room_start_session(fx.r, &fx.patient);
	}
	OK(local_commit(fx.l));
	OK(local_find_sessions(fx.l, fx.v, &fx.patient, &sessions));
	assert_int_equal(sessions.count, MANY + 1);
	local_sessions_fini(&sessions);
	OK(local_list_pending(fx.l, fx.v, 0, &pending, &count));
	assert_int_equal(count, 2 * MANY);
	local_pending_free(pending, count);
	for (unsigned pass = 0; pass < 2; pass++) {
		unsigned found = 0;
		for (at = 0; local_find_patient(fx.l, fx.v, view_str("omar"), &at, &p) == ERR_OK;)
			found++;
		assert_int_equal(found, MANY);
		OK(local_load_person(fx.l, fx.v)); /* the same read from the disk */
	}
}

static void test_a_batch_is_bounded(void **state)
{
	(void)state;
	struct id op_id;
	OK(local_begin(fx.l));
	fx.l->batch_ops = LOCAL_BATCH_OPS_MAX - 1; /* as if so many were in it */
	OK(local_set_text(fx.l, fx.v, &fx.session, ROOMKEEP__TEXT_FIELD__PLAN, view_str("rest"),
			  fx.w->wall, &op_id, NULL));
	assert_int_equal(local_set_text(fx.l, fx.v, &fx.session, ROOMKEEP__TEXT_FIELD__PLAN,
					view_str("more rest"), fx.w->wall, &op_id, NULL),
			 ERR_FULL);
	local_cancel(fx.l, fx.v);
}

/* ---- values at the edge ---------------------------------------------------------------------- */

static void test_fields_that_no_session_has(void **state)
{
	(void)state;
	static const int fields[] = { 0, 5, 99 };
	struct id op_id;
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		assert_int_equal(local_set_text(fx.l, fx.v, &fx.session,
						(Roomkeep__TextField)fields[i], view_str("rest"),
						fx.w->wall, &op_id, NULL),
				 ERR_BAD_VALUE);
}

/* The text that stands is no new op; an empty one is, and the same words after it are again. */
static void test_the_same_text_is_no_op(void **state)
{
	(void)state;
	const Roomkeep__TextField plan = ROOMKEEP__TEXT_FIELD__PLAN;
	struct id first, again;
	const char *const words[] = { "rest", "", "rest" };
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		OK(local_set_text(fx.l, fx.v, &fx.session, plan, view_str(words[i]), fx.w->wall,
				  &first, NULL));
		OK(local_set_text(fx.l, fx.v, &fx.session, plan, view_str(words[i]), fx.w->wall,
				  &again, NULL));
		assert_true(id_equal(&first, &again));
	}
	/* Erased words do not stand any more. */
	Roomkeep__Tombstone m = ROOMKEEP__TOMBSTONE__INIT;
	char reason[] = "of somebody else";
	m.has_target = true;
	m.target = wire_id_bytes(&first);
	m.reason = reason;
	OK(local_append(fx.l, fx.v, KIND_TOMBSTONE, &m.base, fx.w->wall, &again, NULL));
	OK(local_set_text(fx.l, fx.v, &fx.session, plan, view_str("rest"), fx.w->wall, &again,
			  NULL));
	assert_false(id_equal(&first, &again));
}

static void test_notes_belong_to_the_sessions_patient(void **state)
{
	(void)state;
	const struct id other = room_add_patient(fx.r, "Omar Said", "1970-01-02");
	const struct id nowhere = local_new_id(fx.l, fx.w->wall);
	struct id note;
	assert_int_equal(local_add_note(fx.l, fx.v, &other, &fx.session, view_str("a"), fx.w->wall,
					&note, NULL),
			 ERR_NOT_FOUND);
	assert_int_equal(local_add_note(fx.l, fx.v, &other, &nowhere, view_str("a"), fx.w->wall,
					&note, NULL),
			 ERR_NOT_FOUND);
	OK(local_add_note(fx.l, fx.v, &fx.patient, &fx.session, view_str("a"), fx.w->wall, &note,
			  NULL));
}

/* Two notes of one moment keep their order; one that is listed is not listed twice. */
static void test_notes_of_one_moment(void **state)
{
	(void)state;
	struct id notes[3];
	struct local_note n;
	size_t at = 0;
	for (size_t i = 0; i < COUNT_OF(notes); i++)
		OK(local_add_note(fx.l, fx.v, &fx.patient, NULL, view_str("a"), fx.w->wall,
				  &notes[i], NULL));
	for (size_t pass = 0; pass < 2; pass++) {
		at = 0;
		for (size_t i = 0; i < COUNT_OF(notes); i++) {
			OK(local_next_note(fx.l, fx.v, &fx.patient, &at, &n));
			assert_true(id_equal(&n.note_id, &notes[i]));
			CLEANUP(op_row_finip) struct op_row row = { 0 };
			OK(row_find(fx.l, fx.v, &n.op_id, &row));
			OK(notes_add(fx.l, fx.v, &row));
		}
		assert_int_equal(local_next_note(fx.l, fx.v, &fx.patient, &at, &n), ERR_NOT_FOUND);
	}
}

static void test_signs_in_the_name_that_is_used(void **state)
{
	(void)state;
	const struct id id = local_new_id(fx.l, fx.w->wall);
	struct local_patient p;
	struct id op_id;
	size_t at = 0;
	Roomkeep__Patient m = ROOMKEEP__PATIENT__INIT;
	char name[] = "Omar Said";
	char used[] = "Omi \xe2\x9c\xbf";
	char born[] = "1970-01-02";
	m.has_patient_id = true;
	m.patient_id = wire_id_bytes(&id);
	m.name = name;
	m.name_used = used;
	m.born = born;
	OK(local_append(fx.l, fx.v, KIND_PATIENT, &m.base, fx.w->wall, &op_id, NULL));
	OK(local_find_patient(fx.l, fx.v, view_str("\xe2\x9c\xbf"), &at, &p));
	assert_string_equal(p.name, "Omar Said");
}

/* ---- who may not ask ------------------------------------------------------------------------- */

static void test_a_passphrase_that_cannot_be_right_is_wrong(void **state)
{
	(void)state;
	static const char *const words[] = { "", "short", "\xff", "not the one that it is at all" };
	CLEANUP(buf_finip) struct buf frame = { 0 };
	struct passphrase_swap *swap = NULL;
	enum passphrase_fault fault = PASSPHRASE_NONE;
	for (size_t i = 0; i < COUNT_OF(words); i++)
		assert_int_equal(people_passphrase(fx.l, fx.v, view_str(words[i]),
						   view_str("a kettle of tea for everybody"),
						   &frame, &swap, &fault),
				 ERR_AUTH);
	OK(people_passphrase(fx.l, fx.v, view_str(JO_PASS),
			     view_str("a kettle of tea for everybody"), &frame, &swap, &fault));
	/* Locked in between: the server's yes comes too late. */
	room_lock(fx.r);
	assert_int_equal(people_passphrase_done(fx.l, fx.v, swap), ERR_SIGNED_OUT);
	passphrase_swap_free(swap);
	assert_int_equal(people_passphrase(fx.l, fx.v, view_str(JO_PASS),
					   view_str("a kettle of tea for everybody"), &frame, &swap,
					   &fault),
			 ERR_SIGNED_OUT);
}

/* The clinic's secret that the copy was sealed under is not here any more. */
static void test_a_copy_under_a_secret_that_is_gone(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf frame = { 0 };
	struct passphrase_swap *swap = NULL;
	enum passphrase_fault fault = PASSPHRASE_NONE;
	fx.l->room.cs_id++;
	assert_int_equal(people_passphrase(fx.l, fx.v, view_str(JO_PASS),
					   view_str("a kettle of tea for everybody"), &frame, &swap,
					   &fault),
			 ERR_NOT_FOUND);
}

static void test_nobody_is_read_to_without_a_role(void **state)
{
	(void)state;
	struct room *r = &fx.w->rooms[1];
	struct local_patient p;
	size_t at = 0;
	room_cut(fx.r, false);
	(void)room_add_user(fx.r, "Ida Moss", "ida", DIR_ADMIN, "a kettle of tea for everybody");
	OK(room_sign_in(r, "ida", "a kettle of tea for everybody"));
	assert_int_equal(local_find_patient(r->local, &r->desk.vault, VIEW_EMPTY, &at, &p),
			 ERR_DENIED);
	assert_int_equal(local_get_patient(r->local, &r->desk.vault, &fx.patient, &p), ERR_DENIED);
}

static void test_a_server_is_pinned_by_its_keys(void **state)
{
	(void)state;
	const struct hash32 other = { { 9 } };
	assert_true(people_server_is_pinned(fx.l, &fx.l->room.server.spki[0]));
	assert_false(people_server_is_pinned(fx.l, &other));
}

#define BOUNDS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOUNDS(test_many_patients_sessions_and_pending_ops),
		BOUNDS(test_a_batch_is_bounded),
		BOUNDS(test_fields_that_no_session_has),
		BOUNDS(test_the_same_text_is_no_op),
		BOUNDS(test_notes_belong_to_the_sessions_patient),
		BOUNDS(test_notes_of_one_moment),
		BOUNDS(test_signs_in_the_name_that_is_used),
		BOUNDS(test_a_passphrase_that_cannot_be_right_is_wrong),
		BOUNDS(test_a_copy_under_a_secret_that_is_gone),
		BOUNDS(test_nobody_is_read_to_without_a_role),
		BOUNDS(test_a_server_is_pinned_by_its_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
