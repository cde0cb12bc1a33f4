/* The views against record/fold.h, the rule's one home, over random schedules; and against a
 * rebuild from the ops (store_check). A failure prints its seed. */
#include "store_fixture.h"

#include "record/fold.h"
#include "server/store/store_priv.h"

#define SEEDS 20u
#define STEPS 90u
#define PATIENTS 2u
#define SESSIONS 3u
#define KNOWN_MAX 256u

struct known {
	struct id op_id;
	size_t session;
	Roomkeep__TextField field; /* 0: not a text */
};

/* What the schedules met: a comparison that never sees a conflict proves nothing about
 * conflicts. */
static struct {
	unsigned is_signed, conflict, late_text, late_measure, late_frame, erased_head, ring,
		imported;
} met;

struct world {
	struct fx *fx;
	struct fx_lane *jo[2];
	struct fx_lane *mara[2];
	struct id patients[PATIENTS];
	struct id sessions[SESSIONS];
	struct id row_ids[4]; /* measure and addendum ids, few, so that some repeat */
	struct id ahead[2];   /* op ids that a text names before their ops exist */
	bool ahead_used[2];
	struct known known[KNOWN_MAX];
	size_t known_count;
};

static void hash_for_fold(void *ctx, struct view bytes, uint8_t ret_hash[FOLD_HASH_BYTES])
{
	(void)ctx;
	const struct hash32 h = hash_bytes(bytes);
	memcpy(ret_hash, h.b, FOLD_HASH_BYTES);
}

static size_t pick(struct world *w, size_t below)
{
	return (size_t)rand_below(&w->fx->rand, below);
}

static void remember(struct world *w, const struct id *op_id, size_t session,
		     Roomkeep__TextField field)
{
	assert_true(w->known_count < KNOWN_MAX);
	w->known[w->known_count++] = (struct known){ *op_id, session, field };
}

/* Session 0 is Mara's, 1 is Jo's, 2 is one of Mara's that Jo brought in: both may write in it. */
static struct fx_lane *owner_lane(struct world *w, size_t session)
{
	if (session == 2 && pick(w, 2) == 0) return w->jo[pick(w, 2)];
	return session == 1 ? w->jo[pick(w, 2)] : w->mara[pick(w, 2)];
}

static size_t some_ops(struct world *w, size_t session, size_t max, struct id *ret_ids)
{
	size_t count = 0;
	for (size_t i = 0; i < w->known_count && count < max; i++) {
		if (w->known[i].session == session && pick(w, 2) == 0) {
			ret_ids[count++] = w->known[i].op_id;
		}
	}
	return count;
}

static void add_parent(struct id *parents, size_t *count, const struct id *parent)
{
	for (size_t i = 0; i < *count; i++) {
		if (id_equal(&parents[i], parent)) return; /* a list of ids has each once */
	}
	parents[(*count)++] = *parent;
}

static void step_text(struct world *w)
{
	struct id parents[FX_IDS_MAX];
	struct id op_id;
	char text[32];
	const size_t session = pick(w, SESSIONS);
	const Roomkeep__TextField field = (Roomkeep__TextField)(1 + pick(w, 2));
	size_t count = pick(w, 4) == 0 ? 0 : some_ops(w, session, 8, parents);
	/* Now and then a parent nobody has seen yet, or one from another session. */
	if (pick(w, 4) == 0) add_parent(parents, &count, &w->ahead[pick(w, 2)]);
	if (pick(w, 8) == 0 && w->known_count > 0) {
		add_parent(parents, &count, &w->known[pick(w, w->known_count)].op_id);
	}
	const size_t ahead = pick(w, 2);
	if (pick(w, 6) == 0 && !w->ahead_used[ahead]) {
		w->fx->next_op_id = w->ahead[ahead];
		w->ahead_used[ahead] = true;
	}
	(void)snprintf(text, sizeof(text), "t%u", (unsigned)pick(w, 1000));
	const struct store_op_result r = fx_push_text(w->fx, owner_lane(w, session),
						      &w->sessions[session], field, text, parents,
						      count, &op_id);
	if (r.status == STORE_OP_COMMITTED) remember(w, &op_id, session, field);
}

static void step_row(struct world *w)
{
	struct id op_id;
	const size_t session = pick(w, SESSIONS);
	const struct id *row_id = &w->row_ids[pick(w, COUNT_OF(w->row_ids))];
	if (pick(w, 2) == 0) {
		ASSERT_COMMITTED(fx_push_measure(w->fx, owner_lane(w, session),
						 &w->sessions[session], row_id,
						 (int64_t)pick(w, 90), &op_id));
	} else {
		ASSERT_COMMITTED(fx_push_addendum(w->fx, w->jo[pick(w, 2)], &w->sessions[session],
						  row_id, "more words", &op_id));
	}
	remember(w, &op_id, session, 0);
}

static void step_frame(struct world *w)
{
	struct id op_id;
	const size_t session = pick(w, SESSIONS);
	ASSERT_COMMITTED(fx_push_frame(w->fx, owner_lane(w, session), &w->sessions[session],
				       &w->patients[session % PATIENTS], false,
				       w->fx->now_ms + pick(w, 1000), &op_id));
	remember(w, &op_id, session, 0);
}

static void step_sign(struct world *w)
{
	struct id covered[FX_IDS_MAX];
	struct id op_id;
	const size_t session = pick(w, SESSIONS);
	size_t count = some_ops(w, session, 20, covered);
	if (count == 0) covered[count++] = w->sessions[0]; /* an op that does not exist */
	ASSERT_COMMITTED(fx_push_sign(w->fx, owner_lane(w, session), &w->sessions[session], covered,
				      count, &op_id));
	remember(w, &op_id, session, 0);
}

static void step_patient(struct world *w)
{
	struct id op_id;
	char phone[32];
	(void)snprintf(phone, sizeof(phone), "555 %u", (unsigned)(100 + pick(w, 900)));
	ASSERT_COMMITTED(fx_push_patient(w->fx, w->jo[pick(w, 2)], &w->patients[pick(w, PATIENTS)],
					 pick(w, 3) == 0 ? "New Name" : NULL, phone, &op_id));
	remember(w, &op_id, SESSIONS, 0);
}

static void step_tombstone(struct world *w)
{
	if (w->known_count == 0) return;
	/* Jo is an owner: she may erase anything that the server can read. */
	ASSERT_COMMITTED(fx_push_tombstone(w->fx, w->jo[pick(w, 2)],
					   &w->known[pick(w, w->known_count)].op_id));
}

static void step(struct world *w)
{
	w->fx->now_ms += 1 + pick(w, 500);
	const size_t roll = pick(w, 100);
	if (roll < 50) {
		step_text(w);
	} else if (roll < 72) {
		step_row(w);
	} else if (roll < 80) {
		step_frame(w);
	} else if (roll < 84) {
		step_sign(w);
	} else if (roll < 92) {
		step_patient(w);
	} else {
		step_tombstone(w);
	}
}

static struct store_op_result push_imported_frame(struct world *w, size_t session,
						  struct id *ret_op_id)
{
	struct fx *fx = w->fx;
	Roomkeep__SessionFrame m = ROOMKEEP__SESSION_FRAME__INIT;
	m.has_session_id = 1;
	m.session_id = fx_bytes(&w->sessions[session]);
	m.has_patient_id = 1;
	m.patient_id = fx_bytes(&w->patients[session % PATIENTS]);
	m.has_therapist_id = 1;
	m.therapist_id = fx_bytes(&fx->users[MARA]);
	m.has_room_id = 1;
	m.room_id = fx_bytes(&fx->rooms[0]);
	m.has_started_ms = 1;
	m.started_ms = fx->now_ms;
	m.has_imported = 1;
	m.imported = 1;
	return fx_push(fx, w->jo[0], KIND_SESSION_FRAME, &m.base, ret_op_id);
}

static void world_make(struct fx *fx, struct world *w)
{
	struct id op_id;
	*w = (struct world){ .fx = fx };
	for (size_t i = 0; i < 2; i++) {
		w->jo[i] = fx_lane_new(fx, JO, i, OP_LANE_CHART);
		w->mara[i] = fx_lane_new(fx, MARA, i, OP_LANE_CHART);
		w->ahead[i] = fx_id(fx);
	}
	for (size_t i = 0; i < COUNT_OF(w->row_ids); i++) w->row_ids[i] = fx_id(fx);
	for (size_t i = 0; i < PATIENTS; i++) {
		w->patients[i] = fx_id(fx);
		ASSERT_COMMITTED(fx_push_patient(fx, w->jo[0], &w->patients[i], "Ada Example",
						 "555", &op_id));
		remember(w, &op_id, SESSIONS, 0);
	}
	for (size_t i = 0; i < SESSIONS; i++) {
		w->sessions[i] = fx_id(fx);
		fx->now_ms++;
		ASSERT_COMMITTED(i == 2 ? push_imported_frame(w, i, &op_id)
					: fx_push_frame(fx, owner_lane(w, i), &w->sessions[i],
							&w->patients[i % PATIENTS], true, 0,
							&op_id));
		remember(w, &op_id, i, 0);
	}
}

/* ---- what the fold says ---------------------------------------------------------------------- */

static bool row_is_of_session(const struct store_row *row, const struct id *session_id)
{
	if (row->code != ERR_OK || !id_equal(&row->session_id, session_id)) return false;
	switch (row->kind) {
	case KIND_SESSION_FRAME:
	case KIND_SESSION_TEXT:
	case KIND_MEASURE:
	case KIND_SIGN:
	case KIND_ADDENDUM:
	case KIND_TOMBSTONE: return true;
	default: return false;
	}
}

static bool row_is_of_patient(const struct store_row *row, const struct id *patient_id)
{
	if (row->code != ERR_OK || !id_equal(&row->patient_id, patient_id)) return false;
	if (row->kind == KIND_TOMBSTONE) return row->target_kind == KIND_PATIENT;
	return row->kind == KIND_PATIENT;
}

struct folds {
	struct arena arena; /* pages and decoded payloads */
	struct session_fold session;
	struct patient_fold patient;
};

/* Pages small enough that there are several. */
static void fold_all(struct world *w, const struct id *session_id, const struct id *patient_id,
		     struct folds *folds)
{
	uint64_t after = 0;
	bool more = true;
	while (more) {
		struct store_page page;
		arena_reset(&folds->arena);
		OK(store_feed_page(store_as_reader(w->fx->store), after, 16, 1u << 20,
				   &folds->arena, &page));
		for (size_t i = 0; i < page.count; i++) {
			const struct store_row *row = &page.rows[i];
			const struct fold_meta meta = { .op_id = row->op_id,
							.author_id = row->author_id,
							.seq = row->seq };
			struct payload payload;
			if (row_is_of_session(row, session_id)) {
				OK(payload_decode(&folds->arena, row->kind, row->payload, &payload,
						  NULL));
				OK(session_fold_add(&folds->session, &meta, &payload));
			} else if (row_is_of_patient(row, patient_id)) {
				OK(payload_decode(&folds->arena, row->kind, row->payload, &payload,
						  NULL));
				OK(patient_fold_add(&folds->patient, &meta, &payload));
			}
		}
		after = page.up_to_seq;
		more = page.more;
	}
}

/* ---- comparing ------------------------------------------------------------------------------- */

static struct db_stmt *rows_of(struct world *w, const char *sql, const struct id *id)
{
	struct db_stmt *stmt = NULL;
	OK(db_query(store_as_reader(w->fx->store)->db, sql, DB_ARGS(db_id(id)), &stmt));
	return stmt;
}

static bool next(struct db_stmt *stmt)
{
	bool row = false;
	OK(db_step(stmt, &row));
	return row;
}

static void expect_end(struct db_stmt *stmt)
{
	assert_false(next(stmt));
	db_stmt_done(stmt);
}

static void compare_frame(struct world *w, const struct session_state *s)
{
	struct db_stmt *stmt =
		rows_of(w,
			"SELECT p.patient_id, s.therapist_id, s.room_id, s.started_ms, s.ended_ms, "
			"s.imported,"
			" coalesce(s.sign_seq, 0) FROM session s JOIN patient p USING (patient)"
			" WHERE s.session_id = ?1",
			&s->session_id);
	assert_true(next(stmt));
	assert_true(view_equal(db_col_view(stmt, 0), id_view(&s->patient_id)));
	assert_true(view_equal(db_col_view(stmt, 1), id_view(&s->therapist_id)));
	assert_true(view_equal(db_col_view(stmt, 2), id_view(&s->room_id)));
	assert_int_equal(db_col_u64(stmt, 3), s->started_ms);
	assert_int_equal(db_col_u64(stmt, 4), s->ended_ms);
	assert_int_equal(db_col_u64(stmt, 5), s->imported);
	assert_int_equal(db_col_u64(stmt, 6), s->sign == NULL ? 0 : s->sign->meta.seq);
	expect_end(stmt);
}

static void compare_texts(struct world *w, const struct session_state *s)
{
	struct db_stmt *stmt =
		rows_of(w,
			"SELECT t.field, t.seq, t.text, t.erased FROM session_text t"
			" JOIN session s USING (session) WHERE s.session_id = ?1 AND t.head = 1"
			" ORDER BY t.field, t.seq",
			&s->session_id);
	for (size_t i = 0; i < FOLD_TEXT_FIELDS; i++) {
		for (size_t j = 0; j < s->text[i].head_count; j++) {
			const struct fold_text *t = s->text[i].heads[j];
			assert_true(next(stmt));
			assert_int_equal(db_col_u64(stmt, 0), t->field);
			assert_int_equal(db_col_u64(stmt, 1), t->meta.seq);
			assert_true(view_equal(db_col_view(stmt, 2), t->text));
			assert_int_equal(db_col_u64(stmt, 3), t->erased);
		}
	}
	expect_end(stmt);
}

static void compare_rows(struct world *w, const struct session_state *s)
{
	struct db_stmt *stmt = rows_of(
		w,
		"SELECT m.seq, m.measure_id, m.value_milli FROM measure m JOIN session s"
		" USING (session) WHERE s.session_id = ?1 AND m.stands = 1 ORDER BY m.at_ms, m.seq",
		&s->session_id);
	for (size_t i = 0; i < s->measure_count; i++) {
		assert_true(next(stmt));
		assert_int_equal(db_col_u64(stmt, 0), s->measures[i]->meta.seq);
		assert_true(view_equal(db_col_view(stmt, 1), id_view(&s->measures[i]->measure_id)));
		assert_true(db_col_i64(stmt, 2) == s->measures[i]->value_milli);
	}
	expect_end(stmt);
	stmt = rows_of(w,
		       "SELECT a.seq, a.text FROM addendum a JOIN session s USING (session)"
		       " WHERE s.session_id = ?1 AND a.stands = 1 ORDER BY a.seq",
		       &s->session_id);
	for (size_t i = 0; i < s->addendum_count; i++) {
		assert_true(next(stmt));
		assert_int_equal(db_col_u64(stmt, 0), s->addenda[i]->meta.seq);
		assert_true(view_equal(db_col_view(stmt, 1), s->addenda[i]->text));
	}
	expect_end(stmt);
}

static void compare_late(struct world *w, const struct session_state *s)
{
	struct db_stmt *stmt = rows_of(
		w,
		"SELECT seq FROM (SELECT seq, session, late FROM session_text UNION ALL"
		" SELECT seq, session, late FROM measure UNION ALL"
		" SELECT seq, session, late FROM session_frame) JOIN session s USING (session)"
		" WHERE s.session_id = ?1 AND late = 1 ORDER BY seq",
		&s->session_id);
	for (size_t i = 0; i < s->late_count; i++) {
		assert_true(next(stmt));
		assert_int_equal(db_col_u64(stmt, 0), s->late[i].meta->seq);
	}
	expect_end(stmt);
}

static void compare_patient(struct world *w, const struct patient_state *p)
{
	struct db_stmt *stmt = rows_of(w,
				       "SELECT h.field, h.seq, h.value FROM patient_history h JOIN "
				       "patient p USING (patient)"
				       " WHERE p.patient_id = ?1 ORDER BY h.field, h.seq DESC",
				       &p->patient_id);
	struct db_stmt *now = rows_of(w,
				      "SELECT name, name_used, born, phone, email FROM patient"
				      " WHERE patient_id = ?1",
				      &p->patient_id);
	assert_true(next(now));
	for (size_t i = 0; i < PATIENT_FIELD_COUNT; i++) {
		for (size_t j = 0; j < p->fields[i].history_count; j++) {
			assert_true(next(stmt));
			assert_int_equal(db_col_u64(stmt, 0), i);
			assert_int_equal(db_col_u64(stmt, 1), p->fields[i].history[j].meta.seq);
			assert_true(view_equal(db_col_view(stmt, 2), p->fields[i].history[j].text));
		}
		assert_true(view_equal(db_col_view(now, (int)i),
				       patient_text(p, (enum patient_field)i)));
		assert_int_equal(db_col_is_null(now, (int)i), p->fields[i].value == NULL);
	}
	expect_end(stmt);
	expect_end(now);
}

static void count_met(struct world *w, const struct session_state *s)
{
	met.is_signed += s->sign != NULL;
	met.imported += s->imported && s->sign != NULL;
	met.conflict += s->has_conflict;
	for (size_t i = 0; i < s->late_count; i++) {
		met.late_text += s->late[i].text != NULL;
		met.late_measure += s->late[i].measure != NULL;
		met.late_frame += s->late[i].frame != NULL;
	}
	for (size_t i = 0; i < FOLD_TEXT_FIELDS; i++) {
		if (s->text[i].head_count > 0) met.erased_head += s->text[i].heads[0]->erased;
	}
	struct db_stmt *stmt =
		rows_of(w,
			"SELECT count(*) FROM session_text t JOIN session_text_parent l"
			" ON l.seq = t.seq JOIN session_text p ON p.op_id = l.parent"
			" AND p.field = t.field AND p.seq <> t.seq AND"
			" p.session = t.session JOIN session s ON s.session = t.session"
			" WHERE s.session_id = ?1 AND t.head = 1 AND p.head = 1",
			&s->session_id);
	assert_true(next(stmt));
	met.ring += db_col_u64(stmt, 0) > 0;
	db_stmt_done(stmt);
}

static void compare(struct world *w, size_t session)
{
	struct folds folds;
	struct session_state s;
	struct patient_state p;
	const struct fold_hasher hasher = { .hash = hash_for_fold };
	const struct id *patient_id = &w->patients[session % PATIENTS];
	arena_init(&folds.arena, 16u << 20);
	session_fold_init(&folds.session, &w->sessions[session], hasher);
	patient_fold_init(&folds.patient, patient_id);
	fold_all(w, &w->sessions[session], patient_id, &folds);
	OK(session_fold_state(&folds.session, &s));
	OK(patient_fold_state(&folds.patient, &p));
	compare_frame(w, &s);
	compare_texts(w, &s);
	compare_rows(w, &s);
	compare_late(w, &s);
	compare_patient(w, &p);
	count_met(w, &s);
	session_fold_fini(&folds.session);
	patient_fold_fini(&folds.patient);
	arena_fini(&folds.arena);
}

static void run_seed(uint64_t seed)
{
	struct fx *fx = NULL;
	struct world w;
	(void)fx_setup((void **)&fx);
	print_message("seed %llu\n", (unsigned long long)seed);
	fx->rand = rand_seeded_init(&fx->seed, seed);
	fx_begin(fx);
	world_make(fx, &w);
	for (size_t i = 0; i < STEPS; i++) {
		step(&w);
		if (i % 9 == 0) compare(&w, pick(&w, SESSIONS));
	}
	for (size_t i = 0; i < SESSIONS; i++) compare(&w, i);
	fx_commit(fx);
	fx_check_ok(fx);

	/* Thirty days later the erased payloads go; the views stay what they are. */
	const struct store_check_report before = fx_check(fx);
	uint64_t purged = 0;
	fx->now_ms += PURGE_AFTER_MS;
	fx_begin(fx);
	OK(store_purge_due(fx->store, 1000, &purged));
	fx_commit(fx);
	fx_check_ok(fx);
	const struct store_check_report after = fx_check(fx);
	assert_true(hash_equal(&before.logical_digest, &after.logical_digest));
	void *state = fx;
	(void)fx_teardown(&state);
}

static void test_views_follow_the_fold(void **state)
{
	(void)state;
	const char *only = getenv("STORE_VIEWS_SEED");
	if (only != NULL) {
		run_seed(strtoull(only, NULL, 10));
		return;
	}
	for (uint64_t seed = 1; seed <= SEEDS; seed++) run_seed(seed);
	print_message("signed %u conflict %u late %u/%u/%u erased %u imported %u\n", met.is_signed,
		      met.conflict, met.late_text, met.late_measure, met.late_frame,
		      met.erased_head, met.imported);
	assert_true(met.is_signed > 0 && met.conflict > 0 && met.late_text > 0);
	assert_true(met.late_measure > 0 && met.late_frame > 0 && met.erased_head > 0);
	assert_true(met.imported > 0);
}

/* Forged ops that name each other as what they replace: no head would be left, so all stand. */
static void test_ring_of_parents(void **state)
{
	struct fx *fx = *state;
	struct world w;
	fx_begin(fx);
	world_make(fx, &w);
	const Roomkeep__TextField field = ROOMKEEP__TEXT_FIELD__PLAN;
	for (size_t i = 0; i < 2; i++) {
		fx->next_op_id = w.ahead[i];
		ASSERT_COMMITTED(fx_push_text(fx, w.mara[i], &w.sessions[0], field, "ring",
					      &w.ahead[1 - i], 1, NULL));
		compare(&w, 0);
	}
	assert_true(met.ring > 0);
	/* One that names itself is simply there. */
	fx->next_op_id = w.row_ids[0];
	ASSERT_COMMITTED(fx_push_text(fx, w.mara[0], &w.sessions[0],
				      ROOMKEEP__TEXT_FIELD__OBJECTIVE, "self", &w.row_ids[0], 1,
				      NULL));
	compare(&w, 0);
	struct id covered[2] = { w.ahead[0], w.row_ids[0] };
	ASSERT_COMMITTED(fx_push_sign(fx, w.mara[0], &w.sessions[0], covered, 2, NULL));
	compare(&w, 0);
	fx_commit(fx);
	fx_check_ok(fx);
}

/* ---- erasing --------------------------------------------------------------------------------- */

static uint64_t hits(struct fx *fx, const char *sql, const char *needle)
{
	uint64_t n = 0;
	OK(db_get_u64(store_as_reader(fx->store)->db, sql, DB_ARGS(db_text(view_str(needle))), &n));
	return n;
}

static void test_tombstone_hides_now_and_erases_in_30_days(void **state)
{
	struct fx *fx = *state;
	struct world w;
	struct id text;
	struct id next_text;
	const uint64_t erased_ms = fx->now_ms;
	fx_begin(fx);
	world_make(fx, &w);
	const Roomkeep__TextField field = ROOMKEEP__TEXT_FIELD__PLAN;
	ASSERT_COMMITTED(
		fx_push_text(fx, w.mara[0], &w.sessions[0], field, "canary-words", NULL, 0, &text));
	ASSERT_COMMITTED(
		fx_push_text(fx, w.mara[0], &w.sessions[0], field, "after", &text, 1, &next_text));
	ASSERT_COMMITTED(fx_push_tombstone(fx, w.mara[0], &text));
	ASSERT_COMMITTED(fx_push_tombstone(fx, w.jo[0], &text)); /* twice is once */
	fx_commit(fx);
	static const char in_views[] = "SELECT count(*) FROM session_text WHERE text LIKE ?1";
	static const char in_ops[] =
		"SELECT count(*) FROM op_payload WHERE instr(bytes, CAST(?1 AS BLOB)) > 0";
	assert_int_equal(hits(fx, in_views, "%canary%"), 0);
	assert_int_equal(hits(fx, in_ops, "canary-words"), 1);

	uint64_t purged = 1;
	fx->now_ms = erased_ms + PURGE_AFTER_MS - 1;
	fx_begin(fx);
	OK(store_purge_due(fx->store, 10, &purged));
	assert_int_equal(purged, 0);
	fx_commit(fx);
	fx->now_ms = erased_ms + PURGE_AFTER_MS;
	fx_begin(fx);
	OK(store_purge_due(fx->store, 10, &purged));
	assert_int_equal(purged, 1);
	OK(store_purge_due(fx->store, 10, &purged));
	assert_int_equal(purged, 0);
	fx_commit(fx);
	OK(store_checkpoint_erase(fx->store));
	assert_int_equal(hits(fx, in_ops, "canary-words"), 0);
	fx_check_ok(fx);

	/* Nothing of it is left in any file. */
	fx_close(fx);
	static const char *const names[] = { "clinic.db", "clinic.db-wal" };
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char path[128];
		(void)snprintf(path, sizeof(path), "%s/%s", fx->folder, names[i]);
		FILE *f = fopen(path, "rb");
		assert_non_null(f);
		static char bytes[4u << 20];
		const size_t len = fread(bytes, 1, sizeof(bytes), f);
		assert_true(len < sizeof(bytes));
		assert_null(memmem(bytes, len, "canary-words", 12));
		assert_int_equal(fclose(f), 0);
	}
	fx_open(fx);
}

/* What the server does by itself in its idle gaps: so much at a time, and nothing stays in the
 * WAL. */
static void test_tending_erases_in_bounded_steps(void **state)
{
	struct fx *fx = *state;
	struct world w;
	const uint64_t erased_ms = fx->now_ms;
	fx_begin(fx);
	world_make(fx, &w);
	for (unsigned i = 0; i < STORE_TEND_MAX + 1; i++) {
		struct id text;
		ASSERT_COMMITTED(fx_push_text(fx, w.mara[0], &w.sessions[0],
					      ROOMKEEP__TEXT_FIELD__PLAN, "canary-words", NULL, 0,
					      &text));
		ASSERT_COMMITTED(fx_push_tombstone(fx, w.mara[0], &text));
	}
	fx_commit(fx);
	static const char in_ops[] =
		"SELECT count(*) FROM op_payload WHERE instr(bytes, CAST(?1 AS BLOB)) > 0";
	bool again = true;
	OK(store_tend(fx->store, erased_ms + PURGE_AFTER_MS - 1, &again));
	assert_false(again);
	assert_int_equal(hits(fx, in_ops, "canary-words"), STORE_TEND_MAX + 1);
	OK(store_tend(fx->store, erased_ms + PURGE_AFTER_MS, &again));
	assert_true(again);
	assert_int_equal(hits(fx, in_ops, "canary-words"), 1);
	OK(store_tend(fx->store, erased_ms + PURGE_AFTER_MS, &again));
	assert_false(again);
	assert_int_equal(hits(fx, in_ops, "canary-words"), 0);
	assert_int_equal(store_wal_pages(fx->store), 0);
	struct store_status before;
	struct store_status after;
	OK(store_status(store_as_reader(fx->store), &before));
	OK(store_tend(fx->store, erased_ms + PURGE_AFTER_MS, &again));
	OK(store_status(store_as_reader(fx->store), &after));
	assert_int_equal(after.audit_seq, before.audit_seq); /* nothing to do writes nothing */
	fx_check_ok(fx);
}

/* A room of a newer release erases what only such rooms can read: the bytes go all the same. */
static void test_what_only_newer_rooms_know_is_erased_too(void **state)
{
	struct fx *fx = *state;
	struct fx_op op;
	const uint64_t erased_ms = fx->now_ms;
	fx_begin(fx);
	struct fx_lane *mara = fx_lane_new(fx, MARA, 0, OP_LANE_CHART);
	fx_op_make_raw(fx, mara, 999, view_str("canary-words"), &op);
	ASSERT_COMMITTED(fx_append(fx, &op));
	fx_lane_move(mara, &op);
	ASSERT_COMMITTED(fx_push_tombstone(fx, mara, &op.core.op_id));
	fx_commit(fx);
	fx_op_fini(&op);
	static const char in_ops[] =
		"SELECT count(*) FROM op_payload WHERE instr(bytes, CAST(?1 AS BLOB)) > 0";
	assert_int_equal(hits(fx, in_ops, "canary-words"), 1);
	bool again = true;
	OK(store_tend(fx->store, erased_ms + PURGE_AFTER_MS, &again));
	assert_int_equal(hits(fx, in_ops, "canary-words"), 0);
	fx_check_ok(fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_views_follow_the_fold),
		cmocka_unit_test_setup_teardown(test_ring_of_parents, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_tombstone_hides_now_and_erases_in_30_days,
						fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_tending_erases_in_bounded_steps, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(test_what_only_newer_rooms_know_is_erased_too,
						fx_setup, fx_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
