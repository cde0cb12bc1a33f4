/* Memory runs out in a room, at each of its own allocations in turn: every call says so or does all
 * that it promises, never something else. The frames are honest ones, kept from a real sign-in. */
#include "support/rooms_world.h"

#include "client/store/feed.h"
#include "client/store/local_priv.h"
#include "client/store/people.h"
#include "support/nomem.h"

#define NEW_PASS "a kettle of tea for everybody"

struct fixture {
	struct world *w;
	struct room *r; /* room 1, Jo signed in: owner and therapist */
	struct id patient;
	struct id session;
	struct id addendum_op; /* of Jo's, kept for a tombstone */
	struct id mara;
};

static struct fixture fx;
static struct buf kept[128]; /* newest honest frame of each kind, for room 1 */

static bool keep_frame(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	(void)r;
	(void)a;
	assert_true((size_t)f->body_case < COUNT_OF(kept));
	if (f->body_case == ROOMKEEP__FRAME__BODY_DIRECTORY && f->directory->n_items == 0)
		return true;
	if (f->body_case == ROOMKEEP__FRAME__BODY_FEED && f->feed->n_ops == 0) return true;
	buf_clear(&kept[f->body_case]);
	OK(body_encode(f, &kept[f->body_case]));
	return true;
}

static int setup(void **state)
{
	(void)state;
	struct id note;
	fx = (struct fixture){ .w = world_clinic() };
	fx.r = &fx.w->rooms[0];
	world_wait(fx.w, 61000);
	OK(room_sign_in(&fx.w->rooms[1], "mara", MARA_PASS));
	fx.mara = *desk_person(&fx.w->rooms[1].desk);
	room_lock(fx.r);
	fx.r->tamper = keep_frame;
	room_cut(fx.r, true);
	room_cut(fx.r, false);
	OK(room_sign_in(fx.r, "jo", JO_PASS));
	(void)room_add_patient(&fx.w->rooms[1], "Omar Said", "1970-01-02");
	room_saved(&fx.w->rooms[1]);
	fx.patient = room_add_patient(fx.r, "Maya Rosen", "1984-05-06");
	fx.session = room_start_session(fx.r, &fx.patient);
	OK(room_text(fx.r, &fx.session, ROOMKEEP__TEXT_FIELD__PLAN, "rest"));
	OK(room_measure(fx.r, &fx.session, 45));
	OK(local_add_note(fx.r->local, &fx.r->desk.vault, &fx.patient, &fx.session,
			  view_str("between us"), fx.w->wall, &note, NULL));
	room_saved(fx.r);
	room_cut(fx.r, true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(kept); i++) buf_fini(&kept[i]);
	world_free(fx.w);
	return 0;
}

/* ---- one call at a time ---------------------------------------------------------------------- */

struct call {
	const char *name;
	enum err (*run)(struct local *l, struct vault *v);
};

static void sign_in_again(void)
{
	if (fx.r->desk.vault.open && fx.r->local->loaded) return;
	OK(room_sign_in(fx.r, "jo", JO_PASS));
}

static void check_call(const struct call *c)
{
	bool struck = true;
	for (uint64_t n = 1; struck; n++) {
		/* A room that could not read its records again forgets them all. */
		sign_in_again();
		nomem_arm(n);
		const enum err e = c->run(fx.r->local, &fx.r->desk.vault);
		struck = nomem_disarm();
		if (e != ERR_OK && !(struck && e == ERR_NOMEM))
			fail_msg("%s, allocation %llu: %s", c->name, (unsigned long long)n,
				 err_name(e));
		assert_int_equal(local_alarms(fx.r->local), 0);
	}
}

static void check_calls(const struct call *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) check_call(&calls[i]);
}

/* ---- signing in ------------------------------------------------------------------------------ */

static void test_signing_in_offline(void **state)
{
	(void)state;
	bool struck = true;
	for (uint64_t n = 1; struck; n++) {
		struct sign_in *s = NULL;
		struct buf frame = { 0 };
		uint64_t wait = 0;
		room_lock(fx.r);
		nomem_arm(n);
		enum err e = desk_sign_in_begin(&fx.r->desk, "jo", view_str(JO_PASS), &s, &frame);
		if (e == ERR_OK) e = desk_sign_in_offline(&fx.r->desk, s, fx.w->wall, &wait);
		struck = nomem_disarm();
		desk_sign_in_free(s);
		buf_fini(&frame);
		assert_int_equal(e, struck ? ERR_NOMEM : ERR_OK);
		/* No try was lost to it. */
		struct account a = { 0 };
		OK(account_by_login(fx.r->local, "jo", &a));
		assert_true(a.tries <= 1);
		OK(account_clear_tries(fx.r->local, &a.user_id));
		account_fini(&a);
	}
	room_lock(fx.r);
	OK(room_sign_in(fx.r, "jo", JO_PASS));
}

/* ---- reading --------------------------------------------------------------------------------- */

static enum err find(struct local *l, struct vault *v)
{
	struct local_patient p;
	size_t at = 0;
	TRY(local_find_patient(l, v, view_str("maya"), &at, &p));
	assert_string_equal(p.name, "Maya Rosen");
	return local_get_patient(l, v, &fx.patient, &p);
}

static enum err load_patient(struct local *l, struct vault *v)
{
	struct patient_fold fold;
	struct patient_state s;
	TRY(local_load_patient(l, v, &fx.patient, &fold, &s));
	patient_fold_fini(&fold);
	return ERR_OK;
}

static enum err load_session(struct local *l, struct vault *v)
{
	struct session_fold fold;
	struct session_state s;
	TRY(local_load_session(l, v, &fx.session, &fold, &s));
	assert_int_equal(s.measure_count, 1);
	session_fold_fini(&fold);
	return ERR_OK;
}

static enum err list_sessions(struct local *l, struct vault *v)
{
	struct local_session_row *rows = NULL;
	size_t count = 0;
	TRY(local_list_sessions(l, v, &fx.patient, &rows, &count));
	assert_int_equal(count, 1);
	free(rows);
	return ERR_OK;
}

static enum err list_pending(struct local *l, struct vault *v)
{
	struct local_pending *rows = NULL;
	size_t count = 0;
	TRY(local_list_pending(l, v, 100, &rows, &count));
	assert_true(count >= 4);
	local_pending_free(rows, count);
	return ERR_OK;
}

static enum err read_note(struct local *l, struct vault *v)
{
	struct local_note n;
	struct view text;
	size_t at = 0;
	TRY(local_next_note(l, v, &fx.patient, &at, &n));
	return local_note_text(l, v, &n.op_id, &text);
}

static enum err load_person(struct local *l, struct vault *v)
{
	return local_load_person(l, v);
}

static void test_reading(void **state)
{
	(void)state;
	static const struct call calls[] = {
		{ "find", find },
		{ "load patient", load_patient },
		{ "load session", load_session },
		{ "list sessions", list_sessions },
		{ "list pending", list_pending },
		{ "read note", read_note },
		{ "load person", load_person },
	};
	check_calls(calls, COUNT_OF(calls));
}

/* ---- writing --------------------------------------------------------------------------------- */

static enum err set_text(struct local *l, struct vault *v)
{
	static unsigned turn;
	char text[32];
	struct id op_id;
	snprintf(text, sizeof(text), "rest for %u days", turn++);
	return local_set_text(l, v, &fx.session, ROOMKEEP__TEXT_FIELD__PLAN, view_str(text),
			      fx.w->wall, &op_id, NULL);
}

static enum err add_addendum(struct local *l, struct vault *v)
{
	Roomkeep__Addendum m = ROOMKEEP__ADDENDUM__INIT;
	const struct id id = local_new_id(l, fx.w->wall);
	char text[] = "seen once more";
	m.has_addendum_id = m.has_session_id = true;
	m.addendum_id = wire_id_bytes(&id);
	m.session_id = wire_id_bytes(&fx.session);
	m.text = text;
	return local_append(l, v, KIND_ADDENDUM, &m.base, fx.w->wall, &fx.addendum_op, NULL);
}

static enum err erase_addendum(struct local *l, struct vault *v)
{
	Roomkeep__Tombstone m = ROOMKEEP__TOMBSTONE__INIT;
	struct id op_id;
	char reason[] = "of somebody else";
	m.has_target = true;
	m.target = wire_id_bytes(&fx.addendum_op);
	m.reason = reason;
	return local_append(l, v, KIND_TOMBSTONE, &m.base, fx.w->wall, &op_id, NULL);
}

static enum err add_note(struct local *l, struct vault *v)
{
	struct id note_id;
	TRY(local_add_note(l, v, &fx.patient, &fx.session, view_str("and more"), fx.w->wall,
			   &note_id, NULL));
	return local_set_note(l, v, &note_id, view_str("and less"), fx.w->wall, NULL);
}

static enum err opened(struct local *l, struct vault *v)
{
	fx.w->wall += LOCAL_OPENED_MS;
	return local_opened(l, v, &fx.patient, &fx.session, fx.w->wall);
}

static enum err next_push(struct local *l, struct vault *v)
{
	CLEANUP(buf_finip) struct buf out = { 0 };
	TRY(feed_next_push(l, v, &out));
	assert_true(out.len > 0);
	return ERR_OK;
}

static enum err next_courier(struct local *l, struct vault *v)
{
	CLEANUP(buf_finip) struct buf out = { 0 };
	(void)v;
	TRY(feed_next_courier(l, &(struct id){ 0 }, &out));
	assert_true(out.len > 0);
	return ERR_OK;
}

static enum err vault_blob(struct local *l, struct vault *v)
{
	CLEANUP(buf_finip) struct buf out = { 0 };
	uint64_t rev = 0;
	return vault_blob_make(l, v, &rev, &out);
}

static enum err sign_session(struct local *l, struct vault *v)
{
	struct id op_id;
	return local_sign_session(l, v, &fx.session, fx.w->wall, &op_id);
}

static void test_writing(void **state)
{
	(void)state;
	static const struct call calls[] = {
		{ "set text", set_text },
		{ "add addendum", add_addendum },
		{ "erase it", erase_addendum },
		{ "add note", add_note },
		{ "opened", opened },
		{ "next push", next_push },
		{ "next courier", next_courier },
		{ "vault blob", vault_blob },
		{ "sign", sign_session },
	};
	check_calls(calls, COUNT_OF(calls));
}

/* ---- people ---------------------------------------------------------------------------------- */

static enum err add_person(struct local *l, struct vault *v)
{
	CLEANUP(buf_finip) struct buf frame = { 0 };
	const struct new_user u = { .name = "Dee Moss",
				    .login = "dee",
				    .roles = DIR_DESK,
				    .passphrase = view_str(NEW_PASS) };
	struct id id;
	enum passphrase_fault fault = PASSPHRASE_NONE;
	return people_add(l, v, &u, &frame, &id, &fault, NULL);
}

static enum err disable_person(struct local *l, struct vault *v)
{
	CLEANUP(buf_finip) struct buf frame = { 0 };
	return people_disable(l, v, &fx.mara, &frame);
}

static enum err invite_room(struct local *l, struct vault *v)
{
	CLEANUP(buf_finip) struct buf frame = { 0 };
	CLEANUP(secret_freep) struct secret *code = NULL;
	return people_invite(l, v, "Room 9", "treatment", fx.w->wall, &frame, &code);
}

static enum err change_passphrase(struct local *l, struct vault *v)
{
	CLEANUP(buf_finip) struct buf frame = { 0 };
	struct passphrase_swap *swap = NULL;
	enum passphrase_fault fault = PASSPHRASE_NONE;
	TRY(people_passphrase(l, v, view_str(JO_PASS), view_str(NEW_PASS), &frame, &swap, &fault));
	passphrase_swap_free(swap);
	return ERR_OK;
}

static void test_people(void **state)
{
	(void)state;
	static const struct call calls[] = {
		{ "add person", add_person },
		{ "disable person", disable_person },
		{ "invite room", invite_room },
		{ "change passphrase", change_passphrase },
	};
	check_calls(calls, COUNT_OF(calls));
}

/* ---- what comes from the server -------------------------------------------------------------- */

static struct view frame_of(Roomkeep__Frame__BodyCase kind)
{
	assert_true(kept[kind].len > 0);
	return buf_view(&kept[kind]);
}

static enum err welcome(struct local *l, struct vault *v)
{
	bool more = false;
	(void)v;
	return feed_apply_welcome(l, frame_of(ROOMKEEP__FRAME__BODY_WELCOME), fx.w->wall, &more);
}

static enum err login_ok(struct local *l, struct vault *v)
{
	struct local_cursor c;
	l->late_ord = 1; /* as if it were of before all that was written since */
	return feed_apply_login(l, v, frame_of(ROOMKEEP__FRAME__BODY_LOGIN_OK), fx.w->wall, &c);
}

/* As if the ops of the last feed had not come before. */
static enum err feed(struct local *l, struct vault *v)
{
	struct local_cursor c;
	bool live = false;
	return feed_apply(l, v, frame_of(ROOMKEEP__FRAME__BODY_FEED), fx.w->wall, &c, &live);
}

static enum err ack(struct local *l, struct vault *v)
{
	struct feed_ack told;
	(void)v;
	return feed_apply_ack(l, frame_of(ROOMKEEP__FRAME__BODY_ACK), fx.w->wall, &told);
}

static enum err scope(struct local *l, struct vault *v)
{
	CLEANUP(buf_finip) struct buf frame = { 0 };
	Roomkeep__ScopeChange m = ROOMKEEP__SCOPE_CHANGE__INIT;
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	struct local_cursor c;
	m.has_scope_version = true;
	m.scope_version = 2;
	f.body_case = ROOMKEEP__FRAME__BODY_SCOPE_CHANGE;
	f.scope_change = &m;
	TRY(body_encode(&f, &frame));
	return feed_apply_scope(l, v, buf_view(&frame), &c);
}

static void test_what_the_server_says(void **state)
{
	(void)state;
	static const struct call calls[] = {
		{ "welcome", welcome }, { "login ok", login_ok }, { "feed", feed },
		{ "ack", ack },         { "scope", scope },
	};
	check_calls(calls, COUNT_OF(calls));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signing_in_offline),
		cmocka_unit_test(test_reading),
		cmocka_unit_test(test_what_the_server_says),
		cmocka_unit_test(test_people),
		cmocka_unit_test(test_writing),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
