/* What patients withhold, as the server keeps it: what holds at a time, what was opened, who may
 * end a directive, who may review an opening (ON7, ON8). */
#include "store_fixture.h"

#include "record/access.h"
#include "server/store/store_feed.h"
#include "server/store/store_lockbox.h"
#include "server/store/store_priv.h"
#include "server/store/store_review.h"

#define HOUR_MS 3600000u

struct house {
	struct fx *fx;
	struct fx_lane *jo, *mara;
	struct id maya, tom;
	struct arena arena;
};

/* A transaction is open until house_end. */
static struct house house_begin(void **state)
{
	struct house h = { .fx = *state };
	arena_init(&h.arena, 4 * MIB);
	fx_begin(h.fx);
	h.jo = fx_lane_new(h.fx, JO, 0, OP_LANE_CHART);
	h.mara = fx_lane_new(h.fx, MARA, 0, OP_LANE_CHART);
	h.maya = fx_id(h.fx);
	h.tom = fx_id(h.fx);
	ASSERT_COMMITTED(fx_push_patient(h.fx, h.mara, &h.maya, "Maya", NULL, NULL));
	ASSERT_COMMITTED(fx_push_patient(h.fx, h.mara, &h.tom, "Tom", NULL, NULL));
	return h;
}

static void house_end(struct house *h)
{
	fx_commit(h->fx);
	fx_check_ok(h->fx);
	arena_fini(&h->arena);
}

/* Of Maya's whole record, against Jo. */
static Roomkeep__Directive against_jo(struct house *h, struct id *id)
{
	Roomkeep__Directive m = ROOMKEEP__DIRECTIVE__INIT;
	*id = fx_id(h->fx);
	m.has_directive_id = m.has_patient_id = m.has_scope = m.has_against = m.has_user_id = 1;
	m.directive_id = fx_bytes(id);
	m.patient_id = fx_bytes(&h->maya);
	m.scope = ROOMKEEP__DIRECTIVE__SCOPE__RECORD;
	m.against = ROOMKEEP__DIRECTIVE__AGAINST__PERSON;
	m.user_id = fx_bytes(&h->jo->intro.user_id);
	return m;
}

static Roomkeep__Directive against_role(struct house *h, struct id *id,
					Roomkeep__Directive__Role role)
{
	Roomkeep__Directive m = against_jo(h, id);
	m.against = ROOMKEEP__DIRECTIVE__AGAINST__ROLE;
	m.has_user_id = 0;
	m.has_role = 1;
	m.role = role;
	return m;
}

static void put_directive(struct house *h, const Roomkeep__Directive *m)
{
	ASSERT_COMMITTED(fx_push(h->fx, h->mara, KIND_DIRECTIVE, &m->base, NULL));
}

static struct store_op_result end_of(struct house *h, struct fx_lane *who,
				     const struct id *directive, const struct id *patient)
{
	Roomkeep__DirectiveEnd m = ROOMKEEP__DIRECTIVE_END__INIT;
	const struct id id = fx_id(h->fx);
	m.has_directive_end_id = m.has_patient_id = m.has_directive_id = 1;
	m.directive_end_id = fx_bytes(&id);
	m.patient_id = fx_bytes(patient);
	m.directive_id = fx_bytes(directive);
	return fx_push(h->fx, who, KIND_DIRECTIVE_END, &m.base, NULL);
}

static struct id put_override(struct house *h, struct fx_lane *who, const struct id *patient)
{
	static char words[] = "she collapsed";
	Roomkeep__Override m = ROOMKEEP__OVERRIDE__INIT;
	const struct id id = fx_id(h->fx);
	m.has_override_id = m.has_patient_id = m.has_reason = 1;
	m.override_id = fx_bytes(&id);
	m.patient_id = fx_bytes(patient);
	m.reason = ROOMKEEP__OVERRIDE__REASON__EMERGENCY;
	m.text = words;
	ASSERT_COMMITTED(fx_push(h->fx, who, KIND_OVERRIDE, &m.base, NULL));
	return id;
}

static struct store_op_result mark(struct house *h, struct fx_lane *who, const struct id *override)
{
	static char day[] = "2026-11-30";
	Roomkeep__ReviewMark m = ROOMKEEP__REVIEW_MARK__INIT;
	const struct id id = fx_id(h->fx);
	m.has_review_mark_id = m.has_override_id = m.has_outcome = 1;
	m.review_mark_id = fx_bytes(&id);
	m.override_id = fx_bytes(override);
	m.outcome = ROOMKEEP__REVIEW_MARK__OUTCOME__JUSTIFIED;
	m.reviewed_on = day;
	return fx_push(h->fx, who, KIND_REVIEW_MARK, &m.base, NULL);
}

static struct lockbox box_at(struct house *h, uint64_t now_ms)
{
	struct lockbox box;
	OK(store_lockbox_load(store_as_reader(h->fx->store), now_ms, &h->arena, &box));
	return box;
}

/* ---- what holds ------------------------------------------------------------------------------ */

static void test_ON7_directives_that_have_neither_ended_nor_run_out(void **state)
{
	struct house h = house_begin(state);
	const uint64_t now = h.fx->now_ms;
	struct id ids[5];
	assert_int_equal(box_at(&h, now).bar_count, 0);
	Roomkeep__Directive m = against_jo(&h, &ids[0]);
	put_directive(&h, &m);
	m = against_role(&h, &ids[1], ROOMKEEP__DIRECTIVE__ROLE__STUDENT);
	m.has_from_ms = m.has_until_ms = 1;
	m.from_ms = now + HOUR_MS;
	m.until_ms = now + 2 * HOUR_MS;
	put_directive(&h, &m);
	m = against_jo(&h, &ids[2]); /* will be ended */
	put_directive(&h, &m);
	static char recipient[] = "Harbour Mutual";
	m = against_jo(&h, &ids[3]); /* against nobody here */
	m.against = ROOMKEEP__DIRECTIVE__AGAINST__RECIPIENT;
	m.has_user_id = 0;
	m.recipient = recipient;
	put_directive(&h, &m);
	m = against_jo(&h, &ids[4]);
	m.scope = ROOMKEEP__DIRECTIVE__SCOPE__ITEM;
	m.has_item_id = 1;
	m.item_id = fx_bytes(&ids[0]);
	put_directive(&h, &m);
	assert_int_equal(box_at(&h, now).bar_count, 4);
	ASSERT_COMMITTED(end_of(&h, h.mara, &ids[2], &h.maya));

	struct lockbox box = box_at(&h, now);
	assert_int_equal(box.bar_count, 3);
	assert_true(id_equal(&box.bars[0].directive_id, &ids[0]));
	assert_true(id_equal(&box.bars[0].user_id, &h.jo->intro.user_id));
	assert_true(box.bars[0].from_ms == now && box.bars[0].until_ms == UINT64_MAX);
	assert_int_equal(box.bars[1].role, ROLE_STUDENT); /* still to come */
	assert_int_equal(box.bars[1].from_ms, now + HOUR_MS);
	assert_int_equal(box.bars[2].scope, LOCKBOX_ITEM);
	assert_true(id_equal(&box.bars[2].item_id, &ids[0]));
	assert_int_equal(box_at(&h, now + 2 * HOUR_MS).bar_count, 2); /* run out */
	house_end(&h);
}

/* One more is refused, and of more that stand the oldest count. */
static void test_ON7_no_more_directives_than_are_looked_at(void **state)
{
	struct house h = house_begin(state);
	struct id id;
	Roomkeep__Directive m = against_jo(&h, &id);
	put_directive(&h, &m);
	OK(db_run(h.fx->store->db,
		  "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)"
		  " INSERT INTO plain (kind, record_id, patient, message) SELECT kind,"
		  " randomblob(16), patient, message FROM plain, n WHERE kind = 58",
		  DB_ARGS(db_u64(LOCKBOX_BARS_MAX))));
	m = against_jo(&h, &id);
	ASSERT_VERDICT(fx_push(h.fx, h.mara, KIND_DIRECTIVE, &m.base, NULL), STORE_OP_REJECTED,
		       ERR_FULL);
	OK(db_run(h.fx->store->db,
		  "INSERT INTO plain (kind, record_id, patient, message) SELECT kind,"
		  " randomblob(16), patient, message FROM plain WHERE kind = 58 LIMIT 9",
		  DB_NO_ARGS));
	assert_int_equal(box_at(&h, h.fx->now_ms).bar_count, 1); /* the others have no op */
	store_rollback(h.fx->store);
	arena_fini(&h.arena);
}

static void test_ON7_a_damaged_directive_lets_nobody_through(void **state)
{
	static const char *const harms[] = {
		"UPDATE plain SET message = x'ffff' WHERE kind = 58",
		"UPDATE plain SET message = x'ffff' WHERE kind = 59",
	};
	for (size_t i = 0; i < COUNT_OF(harms); i++) {
		struct house h = house_begin(state);
		struct lockbox box;
		struct id ids[2];
		for (size_t k = 0; k < 2; k++) {
			const Roomkeep__Directive m = against_jo(&h, &ids[k]);
			put_directive(&h, &m);
		}
		ASSERT_COMMITTED(end_of(&h, h.mara, &ids[0], &h.maya));
		OK(db_run(h.fx->store->db, harms[i], DB_NO_ARGS));
		assert_int_equal(store_lockbox_load(store_as_reader(h.fx->store), h.fx->now_ms,
						    &h.arena, &box),
				 ERR_CORRUPT);
		store_rollback(h.fx->store);
		arena_fini(&h.arena);
		h.fx->lane_count = 0;
	}
}

/* ---- who may end one ------------------------------------------------------------------------- */

static void test_ON7_nobody_ends_what_is_against_him(void **state)
{
	struct house h = house_begin(state);
	struct id person, role, other;
	Roomkeep__Directive m = against_jo(&h, &person);
	put_directive(&h, &m);
	/* To whom it is against there is none. */
	ASSERT_VERDICT(end_of(&h, h.jo, &person, &h.maya), STORE_OP_REJECTED, ERR_NOT_FOUND);
	m = against_role(&h, &role, ROOMKEEP__DIRECTIVE__ROLE__THERAPIST);
	put_directive(&h, &m);
	ASSERT_VERDICT(end_of(&h, h.jo, &role, &h.maya), STORE_OP_REJECTED, ERR_NOT_FOUND);
	m = against_role(&h, &other, ROOMKEEP__DIRECTIVE__ROLE__STUDENT);
	put_directive(&h, &m);
	ASSERT_COMMITTED(end_of(&h, h.jo, &other, &h.maya));
	/* Who wrote it down may take it back, whomever it is against. */
	ASSERT_COMMITTED(end_of(&h, h.mara, &role, &h.maya));
	house_end(&h);
}

static void test_ON7_an_end_names_a_directive_of_its_patient(void **state)
{
	struct house h = house_begin(state);
	static char recipient[] = "Harbour Mutual";
	struct id id, outside;
	const struct id nothing = fx_id(h.fx);
	Roomkeep__Directive m = against_jo(&h, &id);
	put_directive(&h, &m);
	ASSERT_VERDICT(end_of(&h, h.mara, &nothing, &h.maya), STORE_OP_REJECTED, ERR_NOT_FOUND);
	ASSERT_VERDICT(end_of(&h, h.mara, &id, &h.tom), STORE_OP_REJECTED, ERR_BAD_VALUE);
	m = against_jo(&h, &outside);
	m.against = ROOMKEEP__DIRECTIVE__AGAINST__RECIPIENT;
	m.has_user_id = 0;
	m.recipient = recipient;
	put_directive(&h, &m);
	ASSERT_COMMITTED(end_of(&h, h.jo, &outside, &h.maya)); /* against nobody here */
	house_end(&h);
}

/* The row of a directive, and of its end, says to whom it does not go. */
static void test_ON7_whom_a_row_is_kept_from(void **state)
{
	struct house h = house_begin(state);
	struct id person, role;
	Roomkeep__Directive m = against_jo(&h, &person);
	put_directive(&h, &m);
	m = against_role(&h, &role, ROOMKEEP__DIRECTIVE__ROLE__LEAD);
	put_directive(&h, &m);
	ASSERT_COMMITTED(end_of(&h, h.mara, &person, &h.maya));
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	struct store_row row = { .kind = KIND_DIRECTIVE_END };
	OK(db_query_row(h.fx->store->db, "SELECT record_id FROM plain WHERE kind = 59", DB_NO_ARGS,
			&stmt));
	OK(db_col_id(stmt, 0, &row.record_id));
	OK(lockbox_read_against(h.fx->store->db, &row));
	assert_true(id_equal(&row.against_user, &h.jo->intro.user_id));
	row = (struct store_row){ .kind = KIND_DIRECTIVE, .record_id = role };
	OK(lockbox_read_against(h.fx->store->db, &row));
	assert_true(id_is_zero(&row.against_user));
	assert_int_equal(row.against_role, ROLE_LEAD);
	/* Refused, of another kind, and not there: nobody. */
	const struct store_row nobody[] = {
		{ .kind = KIND_DIRECTIVE },
		{ .kind = KIND_ALERT, .record_id = role },
		{ .kind = KIND_DIRECTIVE, .record_id = h.maya },
		{ .kind = KIND_DIRECTIVE_END, .record_id = role },
	};
	for (size_t i = 0; i < COUNT_OF(nobody); i++) {
		row = nobody[i];
		OK(lockbox_read_against(h.fx->store->db, &row));
		assert_true(id_is_zero(&row.against_user) && row.against_role == 0);
	}
	house_end(&h);
}

/* ---- openings -------------------------------------------------------------------------------- */

static void test_ON8_an_opening_lasts_an_hour_by_both_clocks(void **state)
{
	struct house h = house_begin(state);
	const uint64_t now = h.fx->now_ms;
	struct id id;
	put_override(&h, h.jo, &h.maya);
	assert_int_equal(box_at(&h, now).opening_count, 0); /* nothing is withheld */
	const Roomkeep__Directive m = against_jo(&h, &id);
	put_directive(&h, &m);
	/* It lay in an outbox for half an hour: half an hour is left; and for one: nothing is. */
	h.fx->now_ms = now - HOUR_MS / 2;
	put_override(&h, h.jo, &h.tom);
	h.fx->now_ms = now - HOUR_MS;
	put_override(&h, h.mara, &h.tom);
	h.fx->now_ms = now;
	const struct lockbox box = box_at(&h, now);
	assert_int_equal(box.opening_count, 2); /* the newest first */
	assert_true(id_equal(&box.openings[0].patient_id, &h.tom));
	assert_int_equal(box.openings[0].until_ms, now + HOUR_MS / 2);
	assert_true(id_equal(&box.openings[1].patient_id, &h.maya));
	assert_true(id_equal(&box.openings[1].user_id, &h.jo->intro.user_id));
	assert_int_equal(box.openings[1].until_ms, now + HOUR_MS);
	assert_int_equal(box_at(&h, now + HOUR_MS / 2).opening_count, 1);
	assert_int_equal(box_at(&h, now + HOUR_MS).opening_count, 0);
	house_end(&h);
}

static void test_ON8_nobody_reviews_himself(void **state)
{
	static char today[] = "2026-11-30";
	struct house h = house_begin(state);
	const uint64_t now = h.fx->now_ms;
	const struct id nothing = fx_id(h.fx);
	const struct id by_jo = put_override(&h, h.jo, &h.maya);
	const struct id by_mara = put_override(&h, h.mara, &h.maya);
	ASSERT_VERDICT(mark(&h, h.jo, &by_jo), STORE_OP_REJECTED, ERR_DENIED);
	ASSERT_VERDICT(mark(&h, h.jo, &nothing), STORE_OP_REJECTED, ERR_NOT_FOUND);
	ASSERT_COMMITTED(mark(&h, h.jo, &by_mara));
	Roomkeep__Override told = ROOMKEEP__OVERRIDE__INIT;
	told.has_override_id = told.has_patient_id = 1;
	told.override_id = fx_bytes(&by_jo);
	told.patient_id = fx_bytes(&h.maya);
	told.told_on = today;
	ASSERT_COMMITTED(fx_push(h.fx, h.jo, KIND_OVERRIDE, &told.base, NULL));

	struct store_override *rows = NULL;
	size_t count = 0;
	struct store_reader *r = store_as_reader(h.fx->store);
	OK(store_review_overrides(r, now, now + 1, &h.arena, &rows, &count));
	assert_int_equal(count, 2);
	assert_true(id_equal(&rows[0].override_id, &by_jo) && rows[0].told);
	assert_int_equal(rows[0].outcome, 0);
	assert_int_equal(rows[0].reason, ROOMKEEP__OVERRIDE__REASON__EMERGENCY);
	assert_true(id_equal(&rows[1].user_id, &h.mara->intro.user_id) && !rows[1].told);
	assert_int_equal(rows[1].outcome, ROOMKEEP__REVIEW_MARK__OUTCOME__JUSTIFIED);
	OK(store_review_overrides(r, now + 1, now + 2, &h.arena, &rows, &count));
	assert_int_equal(count, 0);
	house_end(&h);
}

#define FX(test) cmocka_unit_test_setup_teardown(test, fx_setup, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX(test_ON7_directives_that_have_neither_ended_nor_run_out),
		FX(test_ON7_no_more_directives_than_are_looked_at),
		FX(test_ON7_a_damaged_directive_lets_nobody_through),
		FX(test_ON7_nobody_ends_what_is_against_him),
		FX(test_ON7_an_end_names_a_directive_of_its_patient),
		FX(test_ON7_whom_a_row_is_kept_from),
		FX(test_ON8_an_opening_lasts_an_hour_by_both_clocks),
		FX(test_ON8_nobody_reviews_himself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
