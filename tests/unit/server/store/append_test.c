/* Lanes, idempotency, quarantine, and every verdict of store_append_op. */
#include "store_fixture.h"

#define SUBJECTIVE ROOMKEEP__TEXT_FIELD__SUBJECTIVE

struct chart {
	struct fx_lane *jo;   /* owner and therapist, Room 1 */
	struct fx_lane *mara; /* therapist, Room 2 */
	struct fx_lane *sam;  /* desk, Room 1 */
	struct id patient;
	struct id session; /* Mara's */
	struct id text;    /* op id of its subjective */
};

/* Inside an open transaction. */
static struct chart chart_make(struct fx *fx)
{
	struct chart c = { .jo = fx_lane_new(fx, JO, 0, OP_LANE_CHART),
			   .mara = fx_lane_new(fx, MARA, 1, OP_LANE_CHART),
			   .sam = fx_lane_new(fx, SAM, 0, OP_LANE_CHART),
			   .patient = fx_id(fx),
			   .session = fx_id(fx) };
	ASSERT_COMMITTED(fx_push_patient(fx, c.sam, &c.patient, "Ada Example", "555 01 02", NULL));
	ASSERT_COMMITTED(fx_push_frame(fx, c.mara, &c.session, &c.patient, true, 0, NULL));
	ASSERT_COMMITTED(
		fx_push_text(fx, c.mara, &c.session, SUBJECTIVE, "first", NULL, 0, &c.text));
	return c;
}

static struct store_status status_of(struct fx *fx)
{
	struct store_status status;
	OK(store_status(store_as_reader(fx->store), &status));
	return status;
}

/* ---- lanes and idempotency ------------------------------------------------------------------- */

static void test_duplicate_is_the_first_answer_again(void **state)
{
	struct fx *fx = *state;
	struct fx_op op;
	fx_begin(fx);
	struct chart c = chart_make(fx);
	Roomkeep__Patient m = ROOMKEEP__PATIENT__INIT;
	m.has_patient_id = 1;
	m.patient_id = fx_bytes(&c.patient);
	m.phone = (char *)(uintptr_t) "555 99";
	fx_op_make(fx, c.jo, KIND_PATIENT, &m.base, false, &op);
	const struct store_op_result first = fx_append(fx, &op);
	ASSERT_COMMITTED(first);
	assert_int_equal(first.seq, 4);
	fx_commit(fx);

	for (int round = 0; round < 2; round++) {
		fx_begin(fx);
		const struct store_op_result again = fx_append(fx, &op);
		ASSERT_VERDICT(again, STORE_OP_DUPLICATE, ERR_OK);
		assert_int_equal(again.seq, first.seq);
		fx_commit(fx);
		fx_close(fx);
		fx_open(fx);
	}
	assert_int_equal(status_of(fx).seq, 4);
	fx_op_fini(&op);
	fx_check_ok(fx);
}

static void test_rejected_op_keeps_its_verdict_and_its_place(void **state)
{
	struct fx *fx = *state;
	struct fx_op op;
	fx_begin(fx);
	struct chart c = chart_make(fx);
	const struct id nobody = fx_id(fx);
	Roomkeep__Opened m = ROOMKEEP__OPENED__INIT;
	m.has_patient_id = 1;
	m.patient_id = fx_bytes(&nobody);
	fx_op_make(fx, c.mara, KIND_OPENED, &m.base, false, &op);
	const struct store_op_result first = fx_append(fx, &op);
	ASSERT_VERDICT(first, STORE_OP_REJECTED, ERR_NOT_FOUND);
	assert_true(first.seq > 0);
	fx_lane_move(c.mara, &op);
	const struct store_op_result again = fx_append(fx, &op);
	ASSERT_VERDICT(again, STORE_OP_REJECTED, ERR_NOT_FOUND);
	assert_int_equal(again.seq, first.seq);
	/* The lane goes on behind it. */
	ASSERT_COMMITTED(
		fx_push_text(fx, c.mara, &c.session, SUBJECTIVE, "next", &c.text, 1, NULL));
	fx_commit(fx);
	assert_int_equal(status_of(fx).rejected, 1);
	fx_op_fini(&op);
	fx_check_ok(fx);
}

static void test_first_op_of_a_lane_needs_its_intro(void **state)
{
	struct fx *fx = *state;
	struct fx_op op;
	struct fx_lane *lane = fx_lane_new(fx, SAM, 0, OP_LANE_CHART);
	const struct id patient = fx_id(fx);
	Roomkeep__Patient m = ROOMKEEP__PATIENT__INIT;
	m.has_patient_id = 1;
	m.patient_id = fx_bytes(&patient);
	m.name = (char *)(uintptr_t) "Ada";
	m.born = (char *)(uintptr_t) "2000-01-01";
	fx_op_make(fx, lane, KIND_PATIENT, &m.base, true, &op);
	fx_begin(fx);
	op.op.intro = NULL;
	struct store_op_result r = fx_append(fx, &op);
	ASSERT_VERDICT(r, STORE_OP_REJECTED, ERR_BAD_VALUE);
	assert_int_equal(r.seq, 0);
	op.intro.user_id = fx->users[MARA]; /* somebody else's lane */
	op.op.intro = &op.intro;
	ASSERT_VERDICT(fx_append(fx, &op), STORE_OP_REJECTED, ERR_DENIED);
	op.intro.user_id = fx->users[SAM];
	op.intro.lane_class = (enum op_lane_class)3;
	ASSERT_VERDICT(fx_append(fx, &op), STORE_OP_REJECTED, ERR_BAD_VALUE);
	op.intro.lane_class = OP_LANE_CHART;
	ASSERT_COMMITTED(fx_append(fx, &op));
	fx_commit(fx);
	fx_op_fini(&op);
	fx_check_ok(fx);
}

static void test_gap_names_what_is_expected(void **state)
{
	struct fx *fx = *state;
	struct fx_op ops[3];
	fx_begin(fx);
	struct chart c = chart_make(fx);
	struct fx_lane walk = *c.mara; /* stands at 2 */
	for (size_t i = 0; i < 3; i++) {
		Roomkeep__SessionText m = ROOMKEEP__SESSION_TEXT__INIT;
		m.has_session_id = 1;
		m.session_id = fx_bytes(&c.session);
		m.has_field = 1;
		m.field = ROOMKEEP__TEXT_FIELD__PLAN;
		m.text = (char *)(uintptr_t) "plan";
		fx_op_make(fx, &walk, KIND_SESSION_TEXT, &m.base, false, &ops[i]);
		fx_lane_move(&walk, &ops[i]);
	}
	struct store_op_result r = fx_append(fx, &ops[2]);
	ASSERT_VERDICT(r, STORE_OP_LANE_GAP, ERR_LANE_GAP);
	assert_int_equal(r.expected_seq, 3);
	ASSERT_COMMITTED(fx_append(fx, &ops[0]));
	r = fx_append(fx, &ops[2]);
	assert_int_equal(r.status, STORE_OP_LANE_GAP);
	assert_int_equal(r.expected_seq, 4);
	ASSERT_COMMITTED(fx_append(fx, &ops[1]));
	ASSERT_COMMITTED(fx_append(fx, &ops[2]));

	/* A lane the server has never seen. */
	struct fx_lane *lane = fx_lane_new(fx, JO, 1, OP_LANE_CHART);
	struct fx_lane ahead = *lane;
	struct fx_op late;
	ahead.seq = 1;
	ahead.prev.b[0] = 1;
	fx_op_make_raw(fx, &ahead, 999, view_str("bytes"), &late);
	r = fx_append(fx, &late);
	assert_int_equal(r.status, STORE_OP_LANE_GAP);
	assert_int_equal(r.expected_seq, 1);
	fx_commit(fx);
	fx_op_fini(&late);
	for (size_t i = 0; i < 3; i++) fx_op_fini(&ops[i]);
	fx_check_ok(fx);
}

static void test_somebody_elses_lane_and_clinic(void **state)
{
	struct fx *fx = *state;
	struct fx_op op;
	fx_begin(fx);
	struct chart c = chart_make(fx);
	struct fx_lane forged = *c.mara;
	forged.intro.user_id = fx->users[JO];
	fx_op_make_raw(fx, &forged, 999, view_str("x"), &op);
	struct store_op_result r = fx_append(fx, &op);
	ASSERT_VERDICT(r, STORE_OP_REJECTED, ERR_DENIED);
	assert_int_equal(r.seq, 0);
	fx_op_fini(&op);

	fx_op_make_raw(fx, c.mara, 999, view_str("x"), &op);
	op.core.clinic_id.b[0] ^= 1;
	fx_op_sign(fx, &op);
	ASSERT_VERDICT(fx_append(fx, &op), STORE_OP_REJECTED, ERR_BAD_VALUE);
	fx_op_fini(&op);
	fx_op_make_raw(fx, c.mara, UINT64_MAX, view_str("x"), &op);
	ASSERT_VERDICT(fx_append(fx, &op), STORE_OP_REJECTED, ERR_BAD_VALUE);
	fx_op_fini(&op);
	fx_op_make_raw(fx, c.mara, INT64_MAX, view_str("x"), &op);
	ASSERT_COMMITTED(fx_append(fx, &op)); /* unknown, but a number we can keep */
	fx_op_fini(&op);
	fx_commit(fx);
	fx_check_ok(fx);
}

static void test_lanes_of_one_author_are_bounded(void **state)
{
	struct fx *fx = *state;
	fx_begin(fx);
	for (unsigned i = 0; i <= HEADS_MAX + 1; i++) {
		fx->lane_count = 0;
		struct fx_lane *lane = fx_lane_new(fx, JO, 0, OP_LANE_SEALED);
		struct fx_op op;
		fx_op_make_raw(fx, lane, 999, view_str("x"), &op);
		const struct store_op_result r = fx_append(fx, &op);
		if (i <= HEADS_MAX) {
			ASSERT_COMMITTED(r);
		} else {
			ASSERT_VERDICT(r, STORE_OP_REJECTED, ERR_FULL);
		}
		fx_op_fini(&op);
	}
	fx_commit(fx);
}

/* ---- forks ----------------------------------------------------------------------------------- */

static void test_fork_keeps_both_and_applies_one(void **state)
{
	struct fx *fx = *state;
	struct fx_op a;
	struct fx_op b;
	struct fx_op next;
	fx_begin(fx);
	struct chart c = chart_make(fx);
	fx_op_make_raw(fx, c.mara, 999, view_str("branch a"), &a);
	fx_op_make_raw(fx, c.mara, 999, view_str("branch b"), &b);
	ASSERT_COMMITTED(fx_append(fx, &a));
	for (int i = 0; i < 2; i++) { /* sent again: the same answer, kept once */
		const struct store_op_result r = fx_append(fx, &b);
		ASSERT_VERDICT(r, STORE_OP_QUARANTINED, ERR_FORK);
		assert_int_equal(r.seq, 0);
	}
	assert_int_equal(status_of(fx).quarantined, 1);
	/* What follows branch b is a branch too and does not ask for what comes before it for
	 * ever. */
	struct fx_lane branch = *c.mara;
	fx_lane_move(&branch, &b);
	fx_op_make_raw(fx, &branch, 999, view_str("b2"), &next);
	ASSERT_VERDICT(fx_append(fx, &next), STORE_OP_QUARANTINED, ERR_FORK); /* wrong prev */
	fx_lane_move(&branch, &next);
	fx_op_fini(&next);
	fx_op_make_raw(fx, &branch, 999, view_str("b3"), &next);
	ASSERT_VERDICT(fx_append(fx, &next), STORE_OP_QUARANTINED, ERR_FORK); /* behind it */
	fx_op_fini(&next);
	assert_int_equal(status_of(fx).quarantined, 3);
	/* Branch a goes on. */
	fx_lane_move(c.mara, &a);
	ASSERT_COMMITTED(fx_push_text(fx, c.mara, &c.session, SUBJECTIVE, "x", &c.text, 1, NULL));
	fx_commit(fx);
	fx_op_fini(&a);
	fx_op_fini(&b);
	fx_check_ok(fx);
}

static void test_op_id_used_twice(void **state)
{
	struct fx *fx = *state;
	struct fx_op a;
	fx_begin(fx);
	struct chart c = chart_make(fx);
	fx_op_make_raw(fx, c.mara, 999, view_str("one"), &a);
	ASSERT_COMMITTED(fx_append(fx, &a));
	fx_lane_move(c.mara, &a);
	struct fx_op b;
	fx_op_make_raw(fx, c.jo, 999, view_str("two"), &b);
	b.core.op_id = a.core.op_id;
	fx_op_sign(fx, &b);
	ASSERT_VERDICT(fx_append(fx, &b), STORE_OP_QUARANTINED, ERR_FORK);
	fx_commit(fx);
	fx_op_fini(&a);
	fx_op_fini(&b);
	fx_check_ok(fx);
}

static void test_payload_that_is_not_its_kind(void **state)
{
	struct fx *fx = *state;
	struct fx_op op;
	fx_begin(fx);
	struct chart c = chart_make(fx);
	fx_op_make_raw(fx, c.mara, KIND_SESSION_TEXT, view_str("0123456789abcdef then no protobuf"),
		       &op);
	const struct store_op_result r = fx_append(fx, &op);
	assert_int_equal(r.status, STORE_OP_QUARANTINED);
	assert_int_not_equal(r.code, ERR_OK);
	assert_true(r.seq > 0); /* one poison op does not block the lane */
	fx_lane_move(c.mara, &op);
	const struct store_op_result again = fx_append(fx, &op);
	assert_int_equal(again.status, STORE_OP_QUARANTINED);
	assert_int_equal(again.code, r.code);
	ASSERT_COMMITTED(fx_push_text(fx, c.mara, &c.session, SUBJECTIVE, "y", &c.text, 1, NULL));
	fx_commit(fx);
	fx_op_fini(&op);
	fx_check_ok(fx);
}

static void test_clock_outside_2000_to_2100_does_not_count(void **state)
{
	struct fx *fx = *state;
	const struct {
		uint64_t time_ms;
		enum store_op_status status;
	} times[] = { { 0, STORE_OP_QUARANTINED },
		      { TIME_MS_MIN - 1, STORE_OP_QUARANTINED },
		      { TIME_MS_MIN, STORE_OP_COMMITTED },
		      { TIME_MS_END - 1, STORE_OP_COMMITTED },
		      { TIME_MS_END, STORE_OP_QUARANTINED } };
	struct fx_lane *lane = fx_lane_new(fx, JO, 0, OP_LANE_CHART);
	fx_begin(fx);
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		struct fx_op op;
		fx_op_make_raw(fx, lane, 999, view_str("bytes of a later build"), &op);
		op.core.client_time_ms = times[i].time_ms;
		fx_op_sign(fx, &op);
		const struct store_op_result r = fx_append(fx, &op);
		assert_int_equal(r.status, times[i].status);
		assert_int_equal(r.seq, i + 1); /* the lane goes on */
		fx_lane_move(lane, &op);
		fx_op_fini(&op);
	}
	fx_commit(fx);
	fx_check_ok(fx);
}

static void test_unsound_op_is_kept_once_by_the_caller(void **state)
{
	struct fx *fx = *state;
	struct fx_op op;
	fx_begin(fx);
	struct chart c = chart_make(fx);
	fx_op_make_raw(fx, c.mara, 999, view_str("x"), &op);
	op.op.signature.b[0] ^= 1;
	OK(store_quarantine_op(fx->store, &op.op, ERR_AUTH));
	OK(store_quarantine_op(fx->store, &op.op, ERR_AUTH));
	assert_int_equal(status_of(fx).quarantined, 1);
	op.op.signature.b[0] ^= 1; /* the true one is not hindered by it */
	ASSERT_COMMITTED(fx_append(fx, &op));
	fx_commit(fx);
	fx_op_fini(&op);
	fx_check_ok(fx);
}

/* ---- domain ---------------------------------------------------------------------------------- */

static void test_who_may_write_what(void **state)
{
	struct fx *fx = *state;
	fx_begin(fx);
	struct chart c = chart_make(fx);
	struct fx_lane *sealed = fx_lane_new(fx, MARA, 1, OP_LANE_SEALED);
	const struct id unknown = fx_id(fx);
	const struct id other = fx_id(fx);

	/* Another therapist's session: read, never write; an addendum may come from any
	 * therapist. */
	ASSERT_VERDICT(fx_push_text(fx, c.jo, &c.session, SUBJECTIVE, "x", NULL, 0, NULL),
		       STORE_OP_REJECTED, ERR_DENIED);
	ASSERT_VERDICT(fx_push_measure(fx, c.jo, &c.session, &other, 50, NULL), STORE_OP_REJECTED,
		       ERR_DENIED);
	ASSERT_VERDICT(fx_push_sign(fx, c.jo, &c.session, &c.text, 1, NULL), STORE_OP_REJECTED,
		       ERR_DENIED);
	ASSERT_COMMITTED(fx_push_addendum(fx, c.jo, &c.session, &other, "seen", NULL));
	ASSERT_VERDICT(fx_push_frame(fx, c.jo, &c.session, &c.patient, false, fx->now_ms, NULL),
		       STORE_OP_REJECTED, ERR_DENIED);
	/* The desk writes people, nothing clinical. */
	ASSERT_VERDICT(fx_push_frame(fx, c.sam, &other, &c.patient, true, 0, NULL),
		       STORE_OP_REJECTED, ERR_DENIED);
	ASSERT_VERDICT(fx_push_addendum(fx, c.sam, &c.session, &other, "x", NULL),
		       STORE_OP_REJECTED, ERR_DENIED);
	/* What does not exist. */
	ASSERT_VERDICT(fx_push_text(fx, c.mara, &unknown, SUBJECTIVE, "x", NULL, 0, NULL),
		       STORE_OP_REJECTED, ERR_NOT_FOUND);
	ASSERT_VERDICT(fx_push_frame(fx, c.mara, &other, &unknown, true, 0, NULL),
		       STORE_OP_REJECTED, ERR_NOT_FOUND);
	ASSERT_VERDICT(fx_push_tombstone(fx, c.mara, &unknown), STORE_OP_REJECTED, ERR_NOT_FOUND);
	/* First ops need their whole form. */
	ASSERT_VERDICT(fx_push_patient(fx, c.sam, &unknown, NULL, "555", NULL), STORE_OP_REJECTED,
		       ERR_BAD_VALUE);
	ASSERT_VERDICT(fx_push_frame(fx, c.mara, &other, &c.patient, false, fx->now_ms, NULL),
		       STORE_OP_REJECTED, ERR_BAD_VALUE);
	/* A frame never moves to another patient. */
	ASSERT_COMMITTED(fx_push_patient(fx, c.sam, &unknown, "Bo Other", NULL, NULL));
	ASSERT_VERDICT(fx_push_frame(fx, c.mara, &c.session, &unknown, false, fx->now_ms, NULL),
		       STORE_OP_REJECTED, ERR_BAD_VALUE);
	/* A kind of the other lane class. */
	const struct store_op_result wrong =
		fx_push_text(fx, sealed, &c.session, SUBJECTIVE, "x", NULL, 0, NULL);
	ASSERT_VERDICT(wrong, STORE_OP_QUARANTINED, ERR_BAD_VALUE);
	fx_commit(fx);
	fx_check_ok(fx);
}

/* Numbers that no honest room makes and the database could not keep. */
static void test_numbers_beyond_the_database(void **state)
{
	struct fx *fx = *state;
	struct fx_lane *lane = fx_lane_new(fx, MARA, 1, OP_LANE_CHART);
	struct fx_op op;
	const uint64_t large = (uint64_t)INT64_MAX + 1;
	for (unsigned which = 0; which < 3; which++) {
		fx_op_make_raw(fx, lane, KIND_PATIENT, view_str("sixteen bytes or more"), &op);
		if (which == 0) op.core.kind = large;
		if (which == 1) op.core.client_time_ms = large;
		if (which == 2) op.core.lane_seq = large;
		if (which == 2) op.core.prev_hash = (struct hash32){ { 1 } };
		fx_op_sign(fx, &op);
		fx_begin(fx);
		assert_int_equal(store_quarantine_op(fx->store, &op.op, ERR_AUTH), ERR_BAD_VALUE);
		const struct store_op_result r = fx_append(fx, &op);
		assert_int_not_equal(r.status, STORE_OP_COMMITTED);
		assert_int_equal(r.code, ERR_BAD_VALUE);
		store_rollback(fx->store);
		fx_op_fini(&op);
	}
}

static void test_nobody_without_roles(void **state)
{
	struct fx *fx = *state;
	fx_begin(fx);
	struct chart c = chart_make(fx);
	fx->roles[MARA] = 0; /* disabled since */
	ASSERT_VERDICT(fx_push_text(fx, c.mara, &c.session, SUBJECTIVE, "x", &c.text, 1, NULL),
		       STORE_OP_REJECTED, ERR_DENIED);
	fx_commit(fx);
}

static void test_edit_that_saw_the_sign_is_refused(void **state)
{
	struct fx *fx = *state;
	struct id sign;
	struct store_session_ref ref;
	fx_begin(fx);
	struct chart c = chart_make(fx);
	OK(store_session_ref(store_as_reader(fx->store), &c.session, &ref));
	assert_false(ref.is_signed);
	assert_true(id_equal(&ref.therapist_id, &fx->users[MARA]));
	ASSERT_COMMITTED(fx_push_sign(fx, c.mara, &c.session, &c.text, 1, &sign));
	OK(store_session_ref(store_as_reader(fx->store), &c.session, &ref));
	assert_true(ref.is_signed);
	const struct id parents[2] = { c.text, sign };
	ASSERT_VERDICT(fx_push_text(fx, c.mara, &c.session, SUBJECTIVE, "x", parents, 2, NULL),
		       STORE_OP_REJECTED, ERR_SIGNED);
	/* One that did not see it is taken: a late change. */
	ASSERT_COMMITTED(
		fx_push_text(fx, c.mara, &c.session, SUBJECTIVE, "late", &c.text, 1, NULL));
	fx_commit(fx);
	fx_check_ok(fx);
}

static void test_opened_becomes_a_log_row(void **state)
{
	struct fx *fx = *state;
	fx_begin(fx);
	struct chart c = chart_make(fx);
	const uint64_t before = status_of(fx).audit_seq;
	Roomkeep__Opened m = ROOMKEEP__OPENED__INIT;
	m.has_patient_id = 1;
	m.patient_id = fx_bytes(&c.patient);
	m.has_session_id = 1;
	m.session_id = fx_bytes(&c.session);
	ASSERT_COMMITTED(fx_push(fx, c.jo, KIND_OPENED, &m.base, NULL));
	assert_int_equal(status_of(fx).audit_seq, before + 1);
	const struct id other = fx_id(fx);
	ASSERT_COMMITTED(fx_push_patient(fx, c.sam, &other, "Bo Other", NULL, NULL));
	m.patient_id = fx_bytes(&other); /* that session is another patient's */
	ASSERT_VERDICT(fx_push(fx, c.jo, KIND_OPENED, &m.base, NULL), STORE_OP_REJECTED,
		       ERR_BAD_VALUE);
	fx_commit(fx);
	fx_check_ok(fx);
}

static Roomkeep__Note note_make(const struct id *note_id, uint8_t *bytes)
{
	Roomkeep__Note m = ROOMKEEP__NOTE__INIT;
	m.has_note_id = 1;
	m.note_id = fx_bytes(note_id);
	m.has_note_gen = 1;
	m.note_gen = 1;
	m.has_commitment = 1;
	m.commitment = (ProtobufCBinaryData){ 32, bytes };
	m.has_ciphertext = 1;
	m.ciphertext = (ProtobufCBinaryData){ 1100, bytes };
	m.has_author_wrap = 1;
	m.author_wrap = (ProtobufCBinaryData){ 72, bytes };
	return m;
}

static void test_sealed_lane(void **state)
{
	struct fx *fx = *state;
	uint8_t bytes[1100] = { 1 };
	struct id op_id;
	fx_begin(fx);
	struct chart c = chart_make(fx);
	struct fx_lane *mine = fx_lane_new(fx, MARA, 1, OP_LANE_SEALED);
	struct fx_lane *jos = fx_lane_new(fx, JO, 0, OP_LANE_SEALED);
	const struct id note_id = id_make_random(&fx->rand);
	const Roomkeep__Note m = note_make(&note_id, bytes);
	ASSERT_COMMITTED(fx_push(fx, mine, KIND_NOTE, &m.base, &op_id));
	/* In a chart lane it would show its number to others. */
	ASSERT_VERDICT(fx_push(fx, c.mara, KIND_NOTE, &m.base, NULL), STORE_OP_QUARANTINED,
		       ERR_BAD_VALUE);
	ASSERT_VERDICT(fx_push_tombstone(fx, jos, &op_id), STORE_OP_REJECTED, ERR_DENIED);
	ASSERT_VERDICT(fx_push_tombstone(fx, c.jo, &op_id), STORE_OP_REJECTED, ERR_DENIED);
	ASSERT_COMMITTED(fx_push_tombstone(fx, mine, &op_id));
	fx_commit(fx);
	fx_check_ok(fx);
}

static void test_signed_words_are_not_their_authors_to_erase(void **state)
{
	struct fx *fx = *state;
	struct id edit;
	struct id late;
	fx_begin(fx);
	struct chart c = chart_make(fx);
	ASSERT_COMMITTED(
		fx_push_text(fx, c.mara, &c.session, SUBJECTIVE, "second", &c.text, 1, &edit));
	ASSERT_COMMITTED(fx_push_sign(fx, c.mara, &c.session, &edit, 1, NULL));
	ASSERT_COMMITTED(
		fx_push_text(fx, c.mara, &c.session, SUBJECTIVE, "late", &c.text, 1, &late));
	ASSERT_VERDICT(fx_push_tombstone(fx, c.mara, &edit), STORE_OP_REJECTED, ERR_SIGNED);
	ASSERT_COMMITTED(fx_push_tombstone(fx, c.mara, &c.text)); /* a draft the Sign left behind */
	ASSERT_COMMITTED(fx_push_tombstone(fx, c.mara, &late));   /* was never signed */
	ASSERT_COMMITTED(fx_push_tombstone(fx, c.jo, &edit));     /* an owner: retention */
	fx_commit(fx);
	fx_check_ok(fx);
}

static void test_heads_travel_with_the_op(void **state)
{
	struct fx *fx = *state;
	struct fx_op op;
	struct arena arena;
	struct store_page page;
	fx_begin(fx);
	struct chart c = chart_make(fx);
	struct fx_lane *second = fx_lane_new(fx, MARA, 0, OP_LANE_CHART);
	const struct op_head heads[1] = {
		{ .lane_id = c.mara->lane_id, .lane_seq = c.mara->seq, .op_hash = c.mara->prev }
	};
	fx_op_make_raw(fx, second, 999, view_str("x"), &op);
	OK(op_heads_hash(heads, 1, &op.core.seen_heads_hash));
	fx_op_sign(fx, &op);
	op.op.heads = heads;
	op.op.head_count = 1;
	const struct store_op_result r = fx_append(fx, &op);
	ASSERT_COMMITTED(r);
	fx_commit(fx);
	fx_op_fini(&op);

	arena_init(&arena, 1u << 20);
	OK(store_feed_page(store_as_reader(fx->store), r.seq - 1, 10, 1u << 20, &arena, &page));
	assert_int_equal(page.count, 1);
	assert_true(page.rows[0].has_heads);
	assert_int_equal(page.rows[0].head_count, 1);
	assert_int_equal(page.rows[0].heads[0].lane_seq, 2);
	assert_true(hash_equal(&page.rows[0].heads[0].op_hash, &heads[0].op_hash));
	assert_true(page.rows[0].has_intro);
	assert_memory_equal(page.rows[0].intro.random16, second->intro.random16, LANE_RANDOM_BYTES);
	arena_fini(&arena);
	fx_check_ok(fx);
}

static void test_undo_of_one_request(void **state)
{
	struct fx *fx = *state;
	struct fx_op op;
	fx_begin(fx);
	struct chart c = chart_make(fx);
	OK(store_mark(fx->store));
	fx_op_make_raw(fx, c.mara, 999, view_str("taken back"), &op);
	const struct store_op_result r = fx_append(fx, &op);
	ASSERT_COMMITTED(r);
	OK(store_undo(fx->store));
	const struct store_op_result again = fx_append(fx, &op);
	ASSERT_COMMITTED(again); /* as if it had never been */
	assert_int_equal(again.seq, r.seq);
	fx_commit(fx);
	fx_op_fini(&op);
	fx_check_ok(fx);
}

static void test_rollback_forgets_the_batch(void **state)
{
	struct fx *fx = *state;
	fx_begin(fx);
	(void)chart_make(fx);
	store_rollback(fx->store);
	fx->lane_count = 0;
	assert_int_equal(status_of(fx).seq, 0);
	fx_begin(fx);
	(void)chart_make(fx);
	fx_commit(fx);
	assert_int_equal(status_of(fx).seq, 3);
	fx_check_ok(fx);
}

static void test_unfounded_store_takes_no_op(void **state)
{
	struct fx *fx = *state;
	struct fx_op op;
	struct fx_lane *lane = fx_lane_new(fx, JO, 0, OP_LANE_CHART);
	fx->clinic_id = (struct id){ { 1 } };
	fx_op_make_raw(fx, lane, 999, view_str("x"), &op);
	fx_begin(fx);
	ASSERT_VERDICT(fx_append(fx, &op), STORE_OP_REJECTED, ERR_BAD_VALUE);
	fx_commit(fx);
	fx_op_fini(&op);
	fx_check_ok(fx);
}

/* ---- what an acknowledgement says ------------------------------------------------------------ */

static void assert_now_is_as_read(struct fx *fx)
{
	struct store_now now;
	struct store_now read;
	store_now(fx->store, &now);
	OK(store_now_read(store_as_reader(fx->store), &read));
	assert_int_equal(now.seq, read.seq);
	assert_int_equal(now.backed_up_seq, read.backed_up_seq);
	assert_int_equal(now.has_head, read.has_head);
	if (!now.has_head) return;
	assert_int_equal(now.head.head.seq, read.head.head.seq);
	assert_int_equal(now.head.head.time_ms, read.head.head.time_ms);
	assert_memory_equal(now.head.head.entry.b, read.head.head.entry.b, HASH_BYTES);
	assert_memory_equal(now.head.head.epoch.b, read.head.head.epoch.b, ID_BYTES);
	assert_memory_equal(now.head.head.clinic_id.b, read.head.head.clinic_id.b, ID_BYTES);
	assert_memory_equal(now.head.signature.b, read.head.signature.b, SIGN_SIG_BYTES);
}

static void test_the_writer_knows_what_readers_read(void **state)
{
	struct fx *fx = *state;
	assert_now_is_as_read(fx);
	fx_begin(fx);
	struct chart c = chart_make(fx);
	fx_commit(fx);
	assert_now_is_as_read(fx);

	fx_begin(fx);
	OK(store_mark(fx->store));
	ASSERT_COMMITTED(fx_push_patient(fx, c.jo, &c.patient, "Ada Example", "555 77", NULL));
	OK(store_undo(fx->store));
	fx_commit(fx);
	assert_now_is_as_read(fx);
	struct store_now before;
	store_now(fx->store, &before);

	fx_begin(fx);
	for (unsigned i = 0; i < STORE_HEAD_ENTRIES; i++) {
		struct store_event event = { .kind = STORE_EVENT_SIGN_IN };
		OK(store_audit(fx->store, &event));
	}
	fx_commit(fx);
	assert_now_is_as_read(fx);
	struct store_now after;
	store_now(fx->store, &after);
	assert_int_equal(after.seq, before.seq);
	assert_true(after.has_head);
	assert_true(!before.has_head || after.head.head.seq > before.head.head.seq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define FOUNDED(test) cmocka_unit_test_setup_teardown(test, fx_setup, fx_teardown)
		FOUNDED(test_the_writer_knows_what_readers_read),
		FOUNDED(test_duplicate_is_the_first_answer_again),
		FOUNDED(test_rejected_op_keeps_its_verdict_and_its_place),
		FOUNDED(test_first_op_of_a_lane_needs_its_intro),
		FOUNDED(test_gap_names_what_is_expected),
		FOUNDED(test_somebody_elses_lane_and_clinic),
		FOUNDED(test_lanes_of_one_author_are_bounded),
		FOUNDED(test_fork_keeps_both_and_applies_one),
		FOUNDED(test_op_id_used_twice),
		FOUNDED(test_payload_that_is_not_its_kind),
		FOUNDED(test_clock_outside_2000_to_2100_does_not_count),
		FOUNDED(test_unsound_op_is_kept_once_by_the_caller),
		FOUNDED(test_who_may_write_what),
		FOUNDED(test_numbers_beyond_the_database),
		FOUNDED(test_nobody_without_roles),
		FOUNDED(test_edit_that_saw_the_sign_is_refused),
		FOUNDED(test_opened_becomes_a_log_row),
		FOUNDED(test_sealed_lane),
		FOUNDED(test_signed_words_are_not_their_authors_to_erase),
		FOUNDED(test_heads_travel_with_the_op),
		FOUNDED(test_undo_of_one_request),
		FOUNDED(test_rollback_forgets_the_batch),
		cmocka_unit_test_setup_teardown(test_unfounded_store_takes_no_op,
						fx_setup_unfounded, fx_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
