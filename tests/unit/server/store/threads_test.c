/* One writer and several readers on their own threads, as the server runs them: each reader sees
 * only whole transactions, in order. For TSan as well. */
#include "store_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#define READERS 3u
#define BATCHES 60u
#define BATCH_OPS 4u

struct shared {
	const char *folder;
	atomic_uint_fast64_t acked; /* seq of the newest committed op */
	atomic_bool done;
};

/* NULL, or what went wrong. */
static const char *read_once(struct store_reader *r, struct shared *shared, uint64_t *last)
{
	struct arena arena;
	struct store_page page;
	struct store_status status;
	const uint64_t acked = atomic_load(&shared->acked);
	if (store_status(r, &status) != ERR_OK) return "status";
	if (status.seq < acked) return "an acknowledged op is not there";
	if (status.seq % BATCH_OPS != 0) return "half a batch is there";
	arena_init(&arena, 1u << 20);
	const enum err e = store_feed_page(r, *last, 64, 1u << 20, &arena, &page);
	const char *wrong = e == ERR_OK ? NULL : "feed";
	for (size_t i = 0; wrong == NULL && i < page.count; i++) {
		if (page.rows[i].seq != *last + 1 + i) wrong = "an op is missing in the feed";
	}
	if (wrong == NULL) *last = page.up_to_seq;
	arena_fini(&arena);
	return wrong;
}

static void *read_until_done(void *arg)
{
	struct shared *shared = arg;
	struct store_reader *r = NULL;
	uint64_t last = 0;
	if (store_reader_open(shared->folder, &r) != ERR_OK) return (void *)(uintptr_t) "open";
	const char *wrong = NULL;
	while (wrong == NULL && !atomic_load(&shared->done)) wrong = read_once(r, shared, &last);
	for (int i = 0; i < 4 && wrong == NULL; i++) wrong = read_once(r, shared, &last);
	if (wrong == NULL && last != (uint64_t)BATCHES * BATCH_OPS) wrong = "not all was read";
	store_reader_close(r);
	return (void *)(uintptr_t)wrong;
}

static void test_readers_beside_the_writer(void **state)
{
	struct fx *fx = *state;
	struct shared shared = { .folder = fx->folder };
	pthread_t threads[READERS];
	struct fx_lane *lane = fx_lane_new(fx, JO, 0, OP_LANE_CHART);
	for (size_t i = 0; i < READERS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, read_until_done, &shared), 0);
	}
	for (unsigned i = 0; i < BATCHES; i++) {
		uint64_t seq = 0;
		fx_begin(fx);
		for (unsigned j = 0; j < BATCH_OPS; j++) {
			const struct id patient = fx_id(fx);
			const struct store_op_result r =
				fx_push_patient(fx, lane, &patient, "Ada Example", NULL, NULL);
			ASSERT_COMMITTED(r);
			seq = r.seq;
		}
		fx_commit(fx);
		atomic_store(&shared.acked, seq);
		if (i % 10 == 9) OK(store_checkpoint(fx->store));
	}
	atomic_store(&shared.done, true);
	for (size_t i = 0; i < READERS; i++) {
		void *wrong = NULL;
		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		if (wrong != NULL) fail_msg("reader: %s", (const char *)wrong);
	}
	fx_check_ok(fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_readers_beside_the_writer, fx_setup,
						fx_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
