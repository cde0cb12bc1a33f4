#include "bench/watch.h"

#include "base/check.h"
#include "bench/samples.h"
#include "server/store/store_priv.h"
#include "server/store/store_watch.h"
#include "support/long_clinic.h"

#include <sys/stat.h>

#define MUST(call) INSIST((call) == ERR_OK)
#define FOLDER "watch"
#define NOW_MS UINT64_C(1764000000000) /* 2025-11-24 */
#define TODAY 20416
#define NS_OF_MS 1e6

struct tally {
	uint64_t steps[WATCH_LAPSED + 1];
};

static enum err count(void *ctx, const struct store_watch *p)
{
	struct tally *seen = ctx;
	struct watch_result result;
	watch_judge(&p->facts, TODAY, &result);
	seen->steps[result.step]++;
	return ERR_OK;
}

static void fill(uint64_t patients)
{
	const struct db_schema schema = store_schema();
	struct db *db = NULL;
	INSIST(mkdir(FOLDER, S_IRWXU) == 0);
	MUST(db_open_writer(FOLDER, STORE_FILE_NAME, &schema, &db));
	MUST(db_begin(db));
	long_clinic_fill(db, patients, NOW_MS);
	MUST(db_commit(db));
	MUST(db_checkpoint(db, true));
	db_close(db);
}

static void drain(struct db *db, const char *sql)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	bool row = true;
	MUST(db_query(db, sql, DB_NO_ARGS, &stmt));
	while (row) MUST(db_step(stmt, &row));
}

/* The rows that the watch walks, in its order, and nothing done with them. */
static double read_ms(struct store_reader *r)
{
	const uint64_t begun = now_ns();
	drain(r->db, "SELECT session_id, started_ms FROM session ORDER BY patient, started_ms");
	drain(r->db, "SELECT message FROM plain ORDER BY patient, plain");
	return (double)(now_ns() - begun) / NS_OF_MS;
}

static double watch_ms(struct store_reader *r, struct tally *ret_seen)
{
	const uint64_t begun = now_ns();
	MUST(store_watch_each(r, NOW_MS, 0, (struct store_watch_visitor){ count, ret_seen }));
	return (double)(now_ns() - begun) / NS_OF_MS;
}

json_t *watch_measure(uint64_t patients, unsigned rounds)
{
	CLEANUP(store_reader_closep) struct store_reader *r = NULL;
	json_t *read = json_array();
	json_t *watch = json_array();
	json_t *steps = json_object();
	struct tally seen = { .steps = { 0 } };
	const uint64_t sessions = patients * LONG_CLINIC_VISITS;
	fill(patients);
	MUST(store_reader_open(FOLDER, &r));
	for (unsigned i = 0; i < rounds; i++) {
		seen = (struct tally){ .steps = { 0 } };
		INSIST(json_array_append_new(read, json_real(read_ms(r))) == 0);
		INSIST(json_array_append_new(watch, json_real(watch_ms(r, &seen))) == 0);
	}
	for (int step = WATCH_WARM; step <= (int)WATCH_LAPSED; step++)
		INSIST(json_object_set_new(steps, watch_step_name((enum watch_step)step),
					   json_integer((json_int_t)seen.steps[step])) == 0);
	json_t *out = json_pack("{s:I, s:I, s:o, s:o, s:o}", "patients", (json_int_t)patients,
				"sessions", (json_int_t)sessions, "read_ms", read, "watch_ms",
				watch, "steps", steps);
	INSIST(out != NULL);
	return out;
}
