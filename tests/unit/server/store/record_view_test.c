/* Plain records in the store, over every kind there is: the view against record_fold.h over random
 * histories with tombstones, a rebuild from the ops, purging, and what is refused. */
#include "store_fixture.h"

#include "record/record_fold.h"
#include "record/reflect.h"
#include "server/store/store_priv.h"
#include "support/plain_sample.h"

#define SEEDS 6u
#define STEPS 30u
#define RECORDS 3u
#define MESSAGE_BYTES 2048u

/* One patient with a session, and the ops of one kind. */
struct world {
	struct fx *fx;
	struct fx_lane *mara;
	struct fx_lane *jo;
	const struct kind_info *info;
	struct id patient, other, session, records[RECORDS];
	struct id ops[STEPS];
	size_t op_count;
	struct arena arena;
	struct record_fold fold;
	unsigned erased, late;
};

union message {
	ProtobufCMessage any;
	uint64_t room[MESSAGE_BYTES / 8];
};

static void world_make(struct world *w, struct fx *fx, const struct kind_info *info)
{
	*w = (struct world){ .fx = fx, .info = info };
	arena_init(&w->arena, 16u << 20);
	record_fold_init(&w->fold, info);
	w->mara = fx_lane_new(fx, MARA, 0, OP_LANE_CHART);
	w->jo = fx_lane_new(fx, JO, 0, OP_LANE_CHART);
	w->patient = fx_id(fx);
	w->other = fx_id(fx);
	w->session = fx_id(fx);
	for (size_t i = 0; i < RECORDS; i++) w->records[i] = fx_id(fx);
	if (kind_is_one_per_patient(info)) w->records[0] = w->patient;
	if (kind_is_one_per_session(info)) w->records[0] = w->session;
	ASSERT_COMMITTED(fx_push_patient(fx, w->mara, &w->patient, "Ana", NULL, NULL));
	ASSERT_COMMITTED(fx_push_patient(fx, w->mara, &w->other, "Ben", NULL, NULL));
	ASSERT_COMMITTED(fx_push_frame(fx, w->mara, &w->session, &w->patient, true, 0, NULL));
}

static void world_fini(struct world *w)
{
	record_fold_fini(&w->fold);
	arena_fini(&w->arena);
}

/* A change of record `record`; `first`: whole enough to be the first. */
static void make(struct world *w, size_t record, uint64_t seed, bool first, union message *m)
{
	assert_true(w->info->message->sizeof_message <= sizeof(*m));
	plain_sample_change(w->info, seed, first, &w->arena, &m->any);
	plain_sample_id(&m->any, w->info->subject_field, &w->records[record], &w->arena);
	if (w->info->session_field != NULL &&
	    reflect_is_set(&m->any, reflect_field(w->info->message, w->info->session_field)))
		plain_sample_id(&m->any, w->info->session_field, &w->session, &w->arena);
	if (w->info->patient_field != NULL)
		plain_sample_id(&m->any, w->info->patient_field, &w->patient, &w->arena);
}

static struct store_op_result push(struct world *w, const union message *m, struct id *ret_op_id)
{
	return fx_push(w->fx, w->mara, w->info->kind, &m->any, ret_op_id);
}

static void fold_in(struct world *w, const struct kind_info *info, const struct id *op_id,
		    uint64_t seq, ProtobufCMessage *m)
{
	const struct payload p = { .info = info, .is.any = m };
	const struct fold_meta meta = { .op_id = *op_id, .seq = seq };
	OK(record_fold_add(&w->fold, &meta, &p));
}

static void step_tombstone(struct world *w)
{
	const size_t at = (size_t)rand_below(&w->fx->rand, w->op_count);
	struct fx_lane *lane = rand_below(&w->fx->rand, 2) == 0 ? w->mara : w->jo;
	const struct store_op_result r = fx_push_tombstone(w->fx, lane, &w->ops[at]);
	ASSERT_COMMITTED(r);
	Roomkeep__Tombstone t = ROOMKEEP__TOMBSTONE__INIT;
	t.has_target = 1;
	t.target = fx_bytes(&w->ops[at]);
	const struct id op_id = fx_id(w->fx);
	fold_in(w, kind_find(KIND_TOMBSTONE), &op_id, r.seq, &t.base);
	w->erased++;
}

static void step(struct world *w, uint64_t seed)
{
	union message m;
	const bool one = kind_is_one_per_patient(w->info) || kind_is_one_per_session(w->info);
	const size_t records = one ? 1 : RECORDS;
	if (w->op_count > 3 && !w->info->kept && rand_below(&w->fx->rand, 5) == 0) {
		step_tombstone(w);
		return;
	}
	make(w, (size_t)rand_below(&w->fx->rand, records), seed, true, &m);
	const struct store_op_result r = push(w, &m, &w->ops[w->op_count]);
	ASSERT_COMMITTED(r);
	fold_in(w, w->info, &w->ops[w->op_count], r.seq, &m.any);
	w->op_count++;
}

static void compare(struct world *w)
{
	const struct record_state *states;
	size_t count;
	uint64_t live = 0;
	OK(record_fold_state(&w->fold, &states, &count));
	struct db *db = store_as_reader(w->fx->store)->db;
	OK(db_get_u64(db,
		      "SELECT count(*) FROM plain r LEFT JOIN patient p USING (patient)"
		      " WHERE p.patient_id IS ?1 AND r.kind = ?2 AND r.message IS NOT NULL",
		      DB_ARGS(db_maybe(w->info->patient_field != NULL, db_id(&w->patient)),
			      db_u64((uint64_t)w->info->kind)),
		      &live));
	assert_int_equal(live, count);
	for (size_t i = 0; i < count; i++) {
		struct db_stmt *stmt = NULL;
		uint8_t packed[8192];
		const size_t len = protobuf_c_message_pack(states[i].message, packed);
		OK(db_query_row(
			db, "SELECT message FROM plain WHERE record_id = ?1 AND kind = ?2",
			DB_ARGS(db_id(&states[i].record_id), db_u64((uint64_t)w->info->kind)),
			&stmt));
		assert_true(view_equal(db_col_view(stmt, 0), view_of(packed, len)));
		db_stmt_done(stmt);
		for (size_t k = 0; k < states[i].change_count; k++)
			w->late += states[i].changes[k].late;
	}
}

static void schedule(const struct kind_info *info, uint64_t seed)
{
	void *state = NULL;
	struct world w;
	(void)fx_setup(&state);
	struct fx *fx = state;
	fx->rand = rand_seeded_init(&fx->seed, seed);
	fx_begin(fx);
	world_make(&w, fx, info);
	for (size_t i = 0; i < STEPS; i++) {
		step(&w, seed * STEPS + i);
		if (i % 5 == 0) compare(&w);
	}
	compare(&w);
	fx_commit(fx);

	/* Thirty days later the erased payloads go; the views stay what they are. */
	const struct store_check_report before = fx_check_ok(fx);
	uint64_t purged = 0;
	fx->now_ms += PURGE_AFTER_MS;
	fx_begin(fx);
	OK(store_purge_due(fx->store, 1000, &purged));
	assert_int_equal(purged > 0, !info->kept);
	compare(&w);
	fx_commit(fx);
	const struct store_check_report after = fx_check_ok(fx);
	assert_true(hash_equal(&before.logical_digest, &after.logical_digest));
	assert_int_equal(w.erased > 0, !info->kept);
	assert_int_equal(w.late > 0, info->merge == KIND_MERGE_FIRST);
	world_fini(&w);
	(void)fx_teardown(&state);
}

static void test_views_of_every_kind_follow_the_fold(void **state)
{
	(void)state;
	for (size_t i = 0; i < kind_count(); i++) {
		if (!kind_is_plain(kind_at(i)) || !plain_sample_stands_alone(kind_at(i))) continue;
		for (uint64_t seed = 1; seed <= SEEDS; seed++) schedule(kind_at(i), seed);
	}
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void set_patient(struct world *w, union message *m, const struct id *patient)
{
	plain_sample_id(&m->any, w->info->patient_field, patient, &w->arena);
}

static void refuse_wrong_patients(struct world *w)
{
	const struct id nobody = fx_id(w->fx);
	union message m;
	make(w, 0, 2, true, &m);
	ASSERT_COMMITTED(push(w, &m, NULL));
	if (w->info->patient_field == NULL) return;
	make(w, 0, 1, true, &m);
	set_patient(w, &m, &nobody);
	ASSERT_VERDICT(push(w, &m, NULL), STORE_OP_REJECTED, ERR_NOT_FOUND);
	if (kind_is_one_per_patient(w->info)) return;
	/* Once somebody's, always his. */
	make(w, 0, 3, true, &m);
	set_patient(w, &m, &w->other);
	if (w->info->session_field != NULL && !w->info->own_session)
		reflect_clear(&m.any, reflect_field(w->info->message, w->info->session_field));
	ASSERT_VERDICT(push(w, &m, NULL), STORE_OP_REJECTED, ERR_BAD_VALUE);
}

static void refuse_wrong_sessions(struct world *w)
{
	const struct id nothing = fx_id(w->fx);
	union message m;
	if (w->info->session_field == NULL) return;
	make(w, 1, 4, true, &m);
	plain_sample_id(&m.any, w->info->session_field, &nothing, &w->arena);
	ASSERT_VERDICT(push(w, &m, NULL), STORE_OP_REJECTED, ERR_NOT_FOUND);
	plain_sample_id(&m.any, w->info->session_field, &w->session, &w->arena);
	set_patient(w, &m, &w->other);
	ASSERT_VERDICT(push(w, &m, NULL), STORE_OP_REJECTED, ERR_BAD_VALUE);
}

static void refuse_half_a_record(struct world *w)
{
	for (size_t i = 0; i < w->info->field_count; i++) {
		const struct field_rule *rule = &w->info->fields[i];
		union message m;
		if (rule->need != FIELD_FIRST) continue;
		make(w, 2, 5, true, &m);
		reflect_clear(&m.any, reflect_field(w->info->message, rule->name));
		ASSERT_VERDICT(push(w, &m, NULL), STORE_OP_REJECTED, ERR_BAD_VALUE);
	}
	/* Of a record that is there, a change may say as little as it likes. */
	union message m;
	make(w, 0, 6, false, &m);
	ASSERT_COMMITTED(push(w, &m, NULL));
}

static void refuse_wrong_people(struct world *w)
{
	struct fx_lane *sam = fx_lane_new(w->fx, SAM, 0, OP_LANE_CHART);
	union message m;
	make(w, 0, 7, true, &m);
	const struct store_op_result r = fx_push(w->fx, sam, w->info->kind, &m.any, NULL);
	assert_int_equal(r.code, (w->info->write & ROLE_DESK) != 0 ? ERR_OK : ERR_DENIED);
}

static void test_refusals_of_every_kind(void **state)
{
	(void)state;
	for (size_t i = 0; i < kind_count(); i++) {
		void *fixture = NULL;
		struct world w;
		if (!kind_is_plain(kind_at(i)) || !plain_sample_stands_alone(kind_at(i))) continue;
		(void)fx_setup(&fixture);
		fx_begin(fixture);
		world_make(&w, fixture, kind_at(i));
		refuse_wrong_patients(&w);
		refuse_wrong_sessions(&w);
		refuse_half_a_record(&w);
		refuse_wrong_people(&w);
		fx_commit(fixture);
		fx_check_ok(fixture);
		world_fini(&w);
		(void)fx_teardown(&fixture);
	}
}

static void test_an_id_is_of_one_kind_for_ever(void **state)
{
	struct fx *fx = *state;
	struct world w;
	union message m;
	fx_begin(fx);
	world_make(&w, fx, kind_find(KIND_ALERT));
	make(&w, 0, 1, true, &m);
	ASSERT_COMMITTED(push(&w, &m, NULL));
	w.info = kind_find(KIND_EPISODE);
	make(&w, 0, 1, true, &m);
	ASSERT_VERDICT(push(&w, &m, NULL), STORE_OP_REJECTED, ERR_BAD_VALUE);
	fx_commit(fx);
	world_fini(&w);
}

/* What store_check says of a view that was touched. */
static void test_a_changed_view_is_found(void **state)
{
	struct fx *fx = *state;
	struct world w;
	union message m;
	fx_begin(fx);
	world_make(&w, fx, kind_find(KIND_ALERT));
	make(&w, 0, 1, true, &m);
	ASSERT_COMMITTED(push(&w, &m, NULL));
	OK(db_run(store_as_reader(fx->store)->db, "UPDATE plain SET message = x'0801'",
		  DB_NO_ARGS));
	fx_commit(fx);
	const struct store_check_report report = fx_check(fx);
	assert_false(report.ok);
	assert_int_equal(report.items[STORE_CHECK_VIEWS].bad, 1);
	assert_string_equal(report.items[STORE_CHECK_VIEWS].what, "plain");
	world_fini(&w);
}

static enum err append(struct world *w, enum kind kind, const ProtobufCMessage *m)
{
	struct fx_op op;
	struct store_op_result result;
	fx_op_make(w->fx, w->mara, kind, m, false, &op);
	OK(store_mark(w->fx->store));
	const enum err e = store_append_op(w->fx->store, &op.op, &result);
	if (e != ERR_OK) OK(store_undo(w->fx->store));
	fx_op_fini(&op);
	return e;
}

/* What a disk made unreadable is not merged with and not written over: the op waits. */
static void damage_stops_ops(struct world *w)
{
	struct db *db = store_as_reader(w->fx->store)->db;
	union message m;
	struct id op_id;
	Roomkeep__Tombstone t = ROOMKEEP__TOMBSTONE__INIT;
	char reason[] = "asked for";
	make(w, 0, 1, true, &m);
	ASSERT_COMMITTED(push(w, &m, &op_id));
	make(w, 0, 2, true, &m);
	ASSERT_COMMITTED(push(w, &m, NULL));
	t.has_target = 1;
	t.target = fx_bytes(&op_id);
	t.reason = reason;
	OK(db_run(db, "UPDATE plain SET message = x'ffffff'", DB_NO_ARGS));
	make(w, 0, 3, true, &m);
	if (w->info->merge == KIND_MERGE_FIELDS)
		assert_int_equal(append(w, w->info->kind, &m.any), ERR_CORRUPT);
	if (w->info->kind == KIND_ALERT)
		OK(db_run(db, "UPDATE plain_op SET message = x'ffffff'", DB_NO_ARGS));
	if (w->info->kind == KIND_ALERT || w->info->kind == KIND_APPOINTMENT)
		assert_int_equal(append(w, KIND_TOMBSTONE, &t.base), ERR_CORRUPT);
}

static void test_damage_stops_ops_of_every_kind(void **state)
{
	(void)state;
	for (size_t i = 0; i < kind_count(); i++) {
		void *fixture = NULL;
		struct world w;
		if (!kind_is_plain(kind_at(i)) || !plain_sample_stands_alone(kind_at(i))) continue;
		(void)fx_setup(&fixture);
		fx_begin(fixture);
		world_make(&w, fixture, kind_at(i));
		damage_stops_ops(&w);
		store_rollback(((struct fx *)fixture)->store);
		world_fini(&w);
		(void)fx_teardown(&fixture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damage_stops_ops_of_every_kind),
		cmocka_unit_test(test_views_of_every_kind_follow_the_fold),
		cmocka_unit_test(test_refusals_of_every_kind),
		cmocka_unit_test_setup_teardown(test_an_id_is_of_one_kind_for_ever, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(test_a_changed_view_is_found, fx_setup,
						fx_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
