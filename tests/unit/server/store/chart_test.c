/* A chart that is to open at once: which ops come, and how many sessions there are. */
#include "store_fixture.h"

#include "support/plain_sample.h"

#define ARENA_BYTES (16u << 20)
#define SESSIONS 6u
#define DAY_MS_ 86400000u
#define OPS_OF_SESSION 2u /* frame and text */

struct scene {
	struct fx *fx;
	struct fx_lane *mara;
	struct arena arena;
	struct id patient;
	struct id sessions[SESSIONS]; /* oldest first; the last two began at once */
	uint64_t started[SESSIONS];
	struct id frames[SESSIONS]; /* op ids */
	struct id texts[SESSIONS];
};

static struct id plain(struct scene *s, enum kind kind, const struct id *session)
{
	const struct kind_info *info = kind_find((uint64_t)kind);
	union {
		ProtobufCMessage any;
		uint8_t room[512];
	} m;
	struct id op_id = { 0 };
	struct id record_id = fx_id(s->fx);
	assert_true(info->message->sizeof_message <= sizeof(m));
	plain_sample(info, 7, &s->arena, &m.any);
	plain_sample_id(&m.any, info->subject_field, &record_id, &s->arena);
	plain_sample_id(&m.any, "patient_id", &s->patient, &s->arena);
	if (session != NULL) plain_sample_id(&m.any, "session_id", session, &s->arena);
	ASSERT_COMMITTED(fx_push(s->fx, s->mara, kind, &m.any, &op_id));
	return op_id;
}

static void session(struct scene *s, size_t i)
{
	const uint64_t now_ms = s->fx->now_ms;
	s->fx->now_ms = s->started[i];
	ASSERT_COMMITTED(fx_push_frame(s->fx, s->mara, &s->sessions[i], &s->patient, true, 0,
				       &s->frames[i]));
	s->fx->now_ms = now_ms;
	ASSERT_COMMITTED(fx_push_text(s->fx, s->mara, &s->sessions[i], ROOMKEEP__TEXT_FIELD__PLAN,
				      "p", NULL, 0, &s->texts[i]));
}

/* In the order of writing they are not sorted. */
static void scene_begin(struct fx *fx, struct scene *s)
{
	static const size_t order[SESSIONS] = { 3, 0, 5, 1, 4, 2 };
	*s = (struct scene){ .fx = fx, .mara = fx_lane_new(fx, MARA, 1, OP_LANE_CHART) };
	arena_init(&s->arena, ARENA_BYTES);
	fx_begin(fx);
	s->patient = fx_id(fx);
	const struct id other = fx_id(fx);
	const struct id others = fx_id(fx);
	for (size_t i = 0; i < SESSIONS; i++) {
		s->sessions[i] = fx_id(fx);
		s->started[i] = FX_NOW - (SESSIONS - i) * DAY_MS_;
	}
	s->started[SESSIONS - 1] = s->started[SESSIONS - 2];
	if (memcmp(s->sessions[SESSIONS - 2].b, s->sessions[SESSIONS - 1].b, ID_BYTES) > 0) {
		const struct id swap = s->sessions[SESSIONS - 2];
		s->sessions[SESSIONS - 2] = s->sessions[SESSIONS - 1];
		s->sessions[SESSIONS - 1] = swap;
	}
	ASSERT_COMMITTED(fx_push_patient(fx, s->mara, &s->patient, "Ada", NULL, NULL));
	ASSERT_COMMITTED(fx_push_patient(fx, s->mara, &other, "Ben", NULL, NULL));
	ASSERT_COMMITTED(fx_push_frame(fx, s->mara, &others, &other, true, 0, NULL));
	for (size_t i = 0; i < SESSIONS; i++) session(s, order[i]);
}

static struct store_page chart(struct scene *s, uint64_t before_ms, size_t sessions_max,
			       uint64_t *ret_sessions)
{
	const struct store_chart c = { .patient_id = s->patient,
				       .before_ms = before_ms,
				       .sessions_max = sessions_max };
	struct store_page page;
	OK(store_chart_page(store_as_reader(s->fx->store), &c, 0, 100, ARENA_BYTES, &s->arena,
			    &page, ret_sessions));
	assert_false(page.more);
	for (size_t i = 1; i < page.count; i++)
		assert_true(page.rows[i - 1].seq < page.rows[i].seq);
	return page;
}

static bool has(const struct store_page *page, const struct id *op_id)
{
	for (size_t i = 0; i < page->count; i++)
		if (id_equal(&page->rows[i].op_id, op_id)) return true;
	return false;
}

static void scene_end(struct scene *s)
{
	fx_commit(s->fx);
	fx_check_ok(s->fx);
	arena_fini(&s->arena);
}

static void test_the_newest_sessions_whole(void **state)
{
	struct scene s;
	uint64_t sessions = 0;
	scene_begin(*state, &s);
	for (size_t max = 0; max <= SESSIONS + 1; max++) {
		const size_t some = max < SESSIONS ? max : SESSIONS;
		const struct store_page page = chart(&s, UINT64_MAX, max, &sessions);
		assert_int_equal(sessions, SESSIONS);
		assert_int_equal(page.count, 1 + some * OPS_OF_SESSION); /* and the patient */
		for (size_t i = 0; i < SESSIONS; i++) {
			assert_int_equal(has(&page, &s.frames[i]), i >= SESSIONS - some);
			assert_int_equal(has(&page, &s.texts[i]), i >= SESSIONS - some);
		}
	}
	scene_end(&s);
}

static void test_only_what_began_before(void **state)
{
	struct scene s;
	uint64_t sessions = 0;
	scene_begin(*state, &s);
	for (size_t i = 0; i < SESSIONS - 1; i++) {
		/* The millisecond itself is not before. */
		struct store_page page = chart(&s, s.started[i], 1, &sessions);
		assert_int_equal(sessions, i);
		assert_int_equal(page.count, i > 0 ? OPS_OF_SESSION : 0);
		page = chart(&s, s.started[i] + 1, 1, &sessions);
		assert_int_equal(sessions, i == SESSIONS - 2 ? SESSIONS : i + 1);
		assert_int_equal(page.count, OPS_OF_SESSION);
	}
	(void)chart(&s, (uint64_t)INT64_MAX + 1, 0, &sessions);
	assert_int_equal(sessions, SESSIONS);
	(void)chart(&s, 0, 1, &sessions);
	assert_int_equal(sessions, 0);
	scene_end(&s);
}

/* Of a session that does not come: an allergy told in it does, its words and moods do not. */
static void test_what_a_chart_shows_at_any_time(void **state)
{
	struct scene s;
	uint64_t sessions = 0;
	scene_begin(*state, &s);
	const struct id alert = plain(&s, KIND_ALERT, NULL);
	const struct id answer = plain(&s, KIND_HEALTH_ANSWER, &s.sessions[0]);
	const struct id mood = plain(&s, KIND_MOOD_READ, &s.sessions[0]);
	const struct id late = plain(&s, KIND_HEALTH_ANSWER, &s.sessions[5]);
	struct store_page page = chart(&s, UINT64_MAX, 0, &sessions);
	assert_int_equal(page.count, 4);
	assert_true(has(&page, &alert) && has(&page, &answer) && has(&page, &late));
	/* With its session the mood comes too, and nothing twice. */
	page = chart(&s, UINT64_MAX, SESSIONS, &sessions);
	assert_int_equal(page.count, 1 + SESSIONS * OPS_OF_SESSION + 4);
	assert_true(has(&page, &mood));
	/* What is of no session or of a later one is with who asks. */
	page = chart(&s, s.started[1], 0, &sessions);
	assert_int_equal(page.count, 1);
	assert_true(has(&page, &answer));
	scene_end(&s);
}

static void test_what_was_erased(void **state)
{
	struct scene s;
	uint64_t sessions = 0;
	scene_begin(*state, &s);
	const struct id answer = plain(&s, KIND_HEALTH_ANSWER, &s.sessions[0]);
	ASSERT_COMMITTED(fx_push_tombstone(s.fx, s.mara, &answer));
	ASSERT_COMMITTED(fx_push_tombstone(s.fx, s.mara, &s.texts[1]));
	struct store_page page = chart(&s, s.started[2], 0, &sessions);
	assert_int_equal(sessions, 2);
	assert_int_equal(page.count, 2); /* the answer, without its words, and its tombstone */
	assert_true(page.rows[0].hidden);
	assert_int_equal(page.rows[1].target_kind, KIND_HEALTH_ANSWER);
	page = chart(&s, s.started[2], 1, &sessions);
	assert_int_equal(page.count, 2 + OPS_OF_SESSION + 1);
	/* A session without a frame is in no list: the one before it takes its place. */
	ASSERT_COMMITTED(fx_push_tombstone(s.fx, s.mara, &s.frames[1]));
	page = chart(&s, s.started[2], 1, &sessions);
	assert_int_equal(sessions, 1);
	assert_true(has(&page, &s.texts[0]));
	assert_false(has(&page, &s.texts[1]));
	scene_end(&s);
}

static void test_pages_lose_nothing(void **state)
{
	struct scene s;
	scene_begin(*state, &s);
	(void)plain(&s, KIND_ALERT, NULL);
	(void)plain(&s, KIND_HEALTH_ANSWER, &s.sessions[0]);
	const struct store_chart c = { .patient_id = s.patient,
				       .before_ms = UINT64_MAX,
				       .sessions_max = 2 };
	const size_t all = 1 + 2 + 2 * OPS_OF_SESSION;
	for (size_t limit = 1; limit <= all + 1; limit++) {
		size_t rows = 0;
		uint64_t after = 0;
		bool more = true;
		while (more) {
			struct store_page page;
			uint64_t sessions = 0;
			OK(store_chart_page(store_as_reader(s.fx->store), &c, after, limit,
					    ARENA_BYTES, &s.arena, &page, &sessions));
			assert_int_equal(sessions, SESSIONS);
			assert_true(page.count > 0 && page.count <= limit);
			assert_true(page.rows[0].seq > after);
			rows += page.count;
			after = page.up_to_seq;
			more = page.more;
		}
		assert_int_equal(rows, all);
	}
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define FOUNDED(test) cmocka_unit_test_setup_teardown(test, fx_setup, fx_teardown)
		FOUNDED(test_the_newest_sessions_whole),
		FOUNDED(test_only_what_began_before),
		FOUNDED(test_what_a_chart_shows_at_any_time),
		FOUNDED(test_what_was_erased),
		FOUNDED(test_pages_lose_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
