/* What leaves the store: pages, their bounds, and what the access decision needs. */
#include "store_fixture.h"

#define ARENA_BYTES (16u << 20)

struct scene {
	struct fx_lane *sam;
	struct fx_lane *mara;
	struct fx_lane *sealed;
	struct id patients[2];
	struct id session;
	struct id text;
};

/* seq: 1 patient, 2 patient, 3 frame, 4 text, 5 unknown in the sealed lane, 6 tombstone of 4,
 * 7 rejected */
static struct scene scene_make(struct fx *fx)
{
	struct scene s = { .sam = fx_lane_new(fx, SAM, 0, OP_LANE_CHART),
			   .mara = fx_lane_new(fx, MARA, 1, OP_LANE_CHART),
			   .sealed = fx_lane_new(fx, MARA, 1, OP_LANE_SEALED),
			   .patients = { fx_id(fx), fx_id(fx) },
			   .session = fx_id(fx) };
	struct fx_op op;
	fx_begin(fx);
	for (size_t i = 0; i < 2; i++) {
		ASSERT_COMMITTED(fx_push_patient(fx, s.sam, &s.patients[i], "Ada", NULL, NULL));
	}
	ASSERT_COMMITTED(fx_push_frame(fx, s.mara, &s.session, &s.patients[0], true, 0, NULL));
	ASSERT_COMMITTED(fx_push_text(fx, s.mara, &s.session, ROOMKEEP__TEXT_FIELD__PLAN, "p", NULL,
				      0, &s.text));
	fx_op_make_raw(fx, s.sealed, 200, view_str("sealed bytes"), &op);
	ASSERT_COMMITTED(fx_append(fx, &op));
	fx_lane_move(s.sealed, &op);
	fx_op_fini(&op);
	ASSERT_COMMITTED(fx_push_tombstone(fx, s.mara, &s.text));
	ASSERT_VERDICT(
		fx_push_text(fx, s.sam, &s.session, ROOMKEEP__TEXT_FIELD__PLAN, "x", NULL, 0, NULL),
		STORE_OP_REJECTED, ERR_DENIED);
	fx_commit(fx);
	return s;
}

static void test_rows_say_what_access_needs(void **state)
{
	struct fx *fx = *state;
	struct scene s = scene_make(fx);
	struct arena arena;
	struct store_page page;
	arena_init(&arena, ARENA_BYTES);
	OK(store_feed_page(store_as_reader(fx->store), 0, 100, ARENA_BYTES, &arena, &page));
	assert_int_equal(page.count, 7);
	assert_false(page.more);
	assert_int_equal(page.up_to_seq, 7);

	const struct store_row *text = &page.rows[3];
	assert_int_equal(text->kind, KIND_SESSION_TEXT);
	assert_true(id_equal(&text->op_id, &s.text));
	assert_true(id_equal(&text->author_id, &fx->users[MARA]));
	assert_true(id_equal(&text->room_id, &fx->rooms[1]));
	assert_true(id_equal(&text->patient_id, &s.patients[0]));
	assert_true(id_equal(&text->session_id, &s.session));
	assert_true(id_equal(&text->therapist_id, &fx->users[MARA]));
	assert_int_equal(text->started_ms, FX_NOW + 7); /* the transaction after the founding */
	assert_int_equal(text->received_ms, FX_NOW + 7);
	assert_true(text->hidden); /* but its payload is there for 30 days */
	assert_true(text->payload.len > 0);
	assert_false(text->has_intro);
	struct op_core core;
	OK(op_core_parse(text->core, &core));
	OK(op_check_payload(&core, text->payload));
	OK(op_verify(&fx->keys[MARA].pk, text->core, &text->signature));

	assert_true(page.rows[2].has_intro);
	assert_true(id_equal(&page.rows[2].intro.user_id, &fx->users[MARA]));
	const struct store_row *sealed = &page.rows[4];
	assert_int_equal(sealed->lane_class, OP_LANE_SEALED);
	assert_true(id_is_zero(&sealed->patient_id));
	const struct store_row *tombstone = &page.rows[5];
	assert_int_equal(tombstone->target_kind, KIND_SESSION_TEXT);
	assert_true(
		id_equal(&tombstone->session_id, &s.session)); /* it goes where its target went */
	assert_int_equal(page.rows[6].code, ERR_DENIED);
	arena_fini(&arena);
}

static void test_pages_are_bounded_and_lose_nothing(void **state)
{
	struct fx *fx = *state;
	(void)scene_make(fx);
	struct store_reader *r = store_as_reader(fx->store);
	for (size_t limit = 1; limit <= 8; limit++) {
		uint64_t after = 0;
		size_t rows = 0;
		bool more = true;
		while (more) {
			struct arena arena;
			struct store_page page;
			arena_init(&arena, ARENA_BYTES);
			OK(store_feed_page(r, after, limit, ARENA_BYTES, &arena, &page));
			assert_true(page.count > 0 && page.count <= limit);
			for (size_t i = 0; i < page.count; i++) {
				assert_int_equal(page.rows[i].seq, ++rows);
			}
			assert_int_equal(page.more, rows < 7);
			after = page.up_to_seq;
			more = page.more;
			arena_fini(&arena);
		}
		assert_int_equal(rows, 7);
	}
}

static void test_bytes_bound_a_page_but_one_op_always_goes(void **state)
{
	struct fx *fx = *state;
	(void)scene_make(fx);
	struct store_reader *r = store_as_reader(fx->store);
	struct arena arena;
	struct store_page page;
	arena_init(&arena, ARENA_BYTES);
	OK(store_feed_page(r, 0, 100, ARENA_BYTES, &arena, &page));
	const size_t first = page.rows[0].core.len + SIGN_SIG_BYTES + page.rows[0].payload.len;
	const size_t second = page.rows[1].core.len + SIGN_SIG_BYTES + page.rows[1].payload.len;
	OK(store_feed_page(r, 0, 100, 1, &arena, &page));
	assert_int_equal(page.count, 1);
	assert_true(page.more);
	OK(store_feed_page(r, 0, 100, first + second - 1, &arena, &page));
	assert_int_equal(page.count, 1);
	OK(store_feed_page(r, 0, 100, first + second, &arena, &page));
	assert_int_equal(page.count, 2);
	assert_int_equal(page.up_to_seq, 2);
	arena_fini(&arena);

	struct arena tiny;
	arena_init(&tiny, 16);
	assert_int_equal(store_feed_page(r, 0, 1, 1, &tiny, &page), ERR_TOO_BIG);
	arena_fini(&tiny);
}

static void test_beyond_the_end(void **state)
{
	struct fx *fx = *state;
	(void)scene_make(fx);
	struct arena arena;
	struct store_page page;
	arena_init(&arena, ARENA_BYTES);
	OK(store_feed_page(store_as_reader(fx->store), 7, 10, 1000, &arena, &page));
	assert_int_equal(page.count, 0);
	assert_int_equal(page.up_to_seq, 7);
	assert_false(page.more);
	OK(store_feed_page(store_as_reader(fx->store), INT64_MAX, 10, 1000, &arena, &page));
	assert_int_equal(page.count, 0);
	arena_fini(&arena);
}

static void test_by_patient_and_by_session(void **state)
{
	struct fx *fx = *state;
	const struct scene s = scene_make(fx);
	struct store_reader *r = store_as_reader(fx->store);
	struct arena arena;
	struct store_page page;
	arena_init(&arena, ARENA_BYTES);
	OK(store_patient_page(r, &s.patients[0], 0, 100, ARENA_BYTES, &arena, &page));
	/* identity, frame, text, tombstone, and Sam's refused text (code set: to Sam only) */
	assert_int_equal(page.count, 5);
	OK(store_patient_page(r, &s.patients[1], 0, 100, ARENA_BYTES, &arena, &page));
	assert_int_equal(page.count, 1);
	OK(store_session_page(r, &s.session, 0, 100, ARENA_BYTES, &arena, &page));
	assert_int_equal(page.count, 4);
	OK(store_session_page(r, &s.session, 3, 1, ARENA_BYTES, &arena, &page));
	assert_int_equal(page.count, 1);
	assert_int_equal(page.rows[0].seq, 4);
	assert_true(page.more);
	const struct id unknown = { { 1 } };
	OK(store_session_page(r, &unknown, 0, 100, ARENA_BYTES, &arena, &page));
	assert_int_equal(page.count, 0);

	OK(store_patient_exists(r, &s.patients[1]));
	assert_int_equal(store_patient_exists(r, &unknown), ERR_NOT_FOUND);
	struct store_session_ref ref;
	assert_int_equal(store_session_ref(r, &unknown, &ref), ERR_NOT_FOUND);
	arena_fini(&arena);
}

static void test_own_lane_heads(void **state)
{
	struct fx *fx = *state;
	const struct scene s = scene_make(fx);
	struct arena arena;
	struct store_lane_head *heads = NULL;
	size_t count = 0;
	arena_init(&arena, ARENA_BYTES);
	OK(store_lane_heads(store_as_reader(fx->store), &fx->users[MARA], &arena, &heads, &count));
	assert_int_equal(count, 2);
	assert_true(hash_compare(&heads[0].head.lane_id, &heads[1].head.lane_id) < 0);
	for (size_t i = 0; i < count; i++) {
		const struct fx_lane *lane = heads[i].lane_class == OP_LANE_CHART ? s.mara
										  : s.sealed;
		assert_int_equal(heads[i].head.lane_seq, lane->seq);
		assert_true(hash_equal(&heads[i].head.op_hash, &lane->prev));
		assert_true(hash_equal(&heads[i].head.lane_id, &lane->lane_id));
		assert_true(id_equal(&heads[i].room_id, &fx->rooms[1]));
	}
	OK(store_lane_heads(store_as_reader(fx->store), &fx->users[JO], &arena, &heads, &count));
	assert_int_equal(count, 0);
	arena_fini(&arena);
}

static void test_status_counts(void **state)
{
	struct fx *fx = *state;
	struct store_status status;
	(void)scene_make(fx);
	OK(store_status(store_as_reader(fx->store), &status));
	assert_int_equal(status.seq, 7);
	assert_int_equal(status.patients, 2);
	assert_int_equal(status.sessions, 1);
	assert_int_equal(status.rejected, 1);
	assert_int_equal(status.quarantined, 0);
	assert_int_equal(status.dir_seq, 3);
	struct hash32 head;
	assert_int_equal(dir_head(&fx->directory, &head), 3);
	assert_true(hash_equal(&head, &status.dir_hash));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define FOUNDED(test) cmocka_unit_test_setup_teardown(test, fx_setup, fx_teardown)
		FOUNDED(test_rows_say_what_access_needs),
		FOUNDED(test_pages_are_bounded_and_lose_nothing),
		FOUNDED(test_bytes_bound_a_page_but_one_op_always_goes),
		FOUNDED(test_beyond_the_end),
		FOUNDED(test_by_patient_and_by_session),
		FOUNDED(test_own_lane_heads),
		FOUNDED(test_status_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
