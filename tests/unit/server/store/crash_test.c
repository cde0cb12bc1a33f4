/* What is acknowledged stays, once, whenever the process dies; and full disks, locks, versions.
 *
 * A child runs a scenario and is killed by its own crash point; the parent opens what is left,
 * checks it, runs the same scenario again (every step is idempotent) and must end with the same
 * views. */
#include "store_fixture.h"

#include "server/store/store_priv.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#define OPS 12u
#define VISITS_MAX 3u
#define KILLS 15u

struct scenario {
	struct fx *fx;
	struct fx_op ops[OPS];
	struct fx_op forked; /* claims the place of ops[OPS - 1] */
	struct id patient;
	struct id session;
	int acks; /* pipe: one byte per acknowledged commit; -1 in the parent */
};

/* Ops are made once, before any fork: the same bytes in every run. */
static void scenario_make(struct fx *fx, struct scenario *s)
{
	*s = (struct scenario){ .fx = fx, .patient = fx_id(fx), .session = fx_id(fx), .acks = -1 };
	struct fx_lane *lane = fx_lane_new(fx, JO, 0, OP_LANE_CHART);
	Roomkeep__Patient patient = ROOMKEEP__PATIENT__INIT;
	patient.has_patient_id = 1;
	patient.patient_id = fx_bytes(&s->patient);
	patient.name = (char *)(uintptr_t) "Ada Example";
	patient.born = (char *)(uintptr_t) "1990-05-05";
	fx_op_make(fx, lane, KIND_PATIENT, &patient.base, true, &s->ops[0]);
	fx_lane_move(lane, &s->ops[0]);
	Roomkeep__SessionFrame frame = ROOMKEEP__SESSION_FRAME__INIT;
	frame.has_session_id = 1;
	frame.session_id = fx_bytes(&s->session);
	frame.has_patient_id = 1;
	frame.patient_id = fx_bytes(&s->patient);
	frame.has_therapist_id = 1;
	frame.therapist_id = fx_bytes(&fx->users[JO]);
	frame.has_room_id = 1;
	frame.room_id = fx_bytes(&fx->rooms[0]);
	frame.has_started_ms = 1;
	frame.started_ms = fx->now_ms;
	fx_op_make(fx, lane, KIND_SESSION_FRAME, &frame.base, true, &s->ops[1]);
	fx_lane_move(lane, &s->ops[1]);
	for (size_t i = 2; i < OPS; i++) {
		const struct id parent = s->ops[i - 1].core.op_id;
		ProtobufCBinaryData parents[1] = { fx_bytes(&parent) };
		Roomkeep__SessionText text = ROOMKEEP__SESSION_TEXT__INIT;
		Roomkeep__Tombstone erase = ROOMKEEP__TOMBSTONE__INIT;
		text.has_session_id = 1;
		text.session_id = fx_bytes(&s->session);
		text.has_field = 1;
		text.field = ROOMKEEP__TEXT_FIELD__SUBJECTIVE;
		text.text = (char *)(uintptr_t) "some words of a session";
		text.n_parents = i > 2 ? 1 : 0;
		text.parents = parents;
		erase.has_target = 1;
		erase.target = fx_bytes(&s->ops[3].core.op_id);
		erase.reason = (char *)(uintptr_t) "asked for";
		if (i + 1 < OPS) {
			fx_op_make(fx, lane, KIND_SESSION_TEXT, &text.base, false, &s->ops[i]);
		} else {
			fx_op_make(fx, lane, KIND_TOMBSTONE, &erase.base, false, &s->ops[i]);
			fx_op_make_raw(fx, lane, 999, view_str("forked"), &s->forked);
		}
		fx_lane_move(lane, &s->ops[i]);
	}
}

static void scenario_free(struct scenario *s)
{
	for (size_t i = 0; i < OPS; i++) fx_op_fini(&s->ops[i]);
	fx_op_fini(&s->forked);
}

static bool fine(enum err e, enum err again)
{
	return e == ERR_OK || e == again;
}

/* One commit; in the child the acknowledgement leaves only after it. */
static bool acked(struct scenario *s)
{
	if (store_commit(s->fx->store) != ERR_OK) return false;
	return s->acks < 0 || write(s->acks, "a", 1) == 1;
}

static bool run_founding(struct scenario *s)
{
	struct fx *fx = s->fx;
	const uint8_t mac[SETUP_MAC_BYTES] = { 1 };
	if (store_begin(fx->store, fx->now_ms) != ERR_OK) return false;
	if (!fine(store_setup_put(fx->store, mac, fx->now_ms + 1000), ERR_EXISTS)) return false;
	if (!acked(s)) return false;
	if (store_begin(fx->store, fx->now_ms) != ERR_OK) return false;
	if (!fine(fx_found(fx), ERR_EXISTS)) return false;
	return acked(s);
}

static bool run_room(struct scenario *s)
{
	struct fx *fx = s->fx;
	const struct hash32 spki = { { 0x22 } };
	const struct store_invite invite = { .join_id = { { 5 } },
					     .expires_ms = fx->now_ms + 100000,
					     .name = view_str("Room 2"),
					     .kind = view_str("treatment"),
					     .join_blob = view_str("sealed") };
	if (store_begin(fx->store, fx->now_ms) != ERR_OK) return false;
	if (!fine(store_invite_put(fx->store, &invite), ERR_EXISTS)) return false;
	if (!acked(s)) return false;
	if (store_begin(fx->store, fx->now_ms) != ERR_OK) return false;
	if (!fine(store_room_enrol(fx->store, &invite.join_id, &fx->rooms[1], &spki), ERR_USED)) {
		return false;
	}
	return acked(s);
}

static bool run_ops(struct scenario *s)
{
	struct fx *fx = s->fx;
	struct store_op_result r;
	for (size_t i = 0; i < OPS; i++) {
		if (store_begin(fx->store, fx->now_ms) != ERR_OK) return false;
		/* A request that is taken back beside one that stays. */
		if (store_mark(fx->store) != ERR_OK) return false;
		if (store_append_op(fx->store, &s->ops[i].op, &r) != ERR_OK) return false;
		if (store_undo(fx->store) != ERR_OK) return false;
		if (store_mark(fx->store) != ERR_OK) return false;
		if (store_append_op(fx->store, &s->ops[i].op, &r) != ERR_OK) return false;
		if (r.status != STORE_OP_COMMITTED && r.status != STORE_OP_DUPLICATE) return false;
		if (!acked(s)) return false;
	}
	if (store_begin(fx->store, fx->now_ms) != ERR_OK) return false;
	if (store_append_op(fx->store, &s->forked.op, &r) != ERR_OK) return false;
	if (r.status != STORE_OP_QUARANTINED) return false;
	return acked(s);
}

static bool run_upkeep(struct scenario *s)
{
	struct fx *fx = s->fx;
	uint64_t purged = 0;
	if (store_checkpoint(fx->store) != ERR_OK) return false;
	if (store_begin(fx->store, fx->now_ms + PURGE_AFTER_MS + 1) != ERR_OK) return false;
	if (store_purge_due(fx->store, 10, &purged) != ERR_OK) return false;
	if (!acked(s)) return false; /* a head is due as well */
	return store_checkpoint_erase(fx->store) == ERR_OK;
}

static bool scenario_run(struct scenario *s)
{
	const struct store_options options = { .folder = s->fx->folder,
					       .log_key = &s->fx->log,
					       .space_bytes_min = 1,
					       .space_percent_min = 1 };
	if (store_open(&options, &s->fx->store) != ERR_OK) return false;
	const bool ok = run_founding(s) && run_room(s) && run_ops(s) && run_upkeep(s);
	store_close(s->fx->store);
	s->fx->store = NULL;
	return ok;
}

static void files_remove(const struct fx *fx)
{
	static const char *const names[] = { "clinic.db", "clinic.db-wal", "clinic.db-shm",
					     "lock" };
	char path[128];
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", fx->folder, names[i]);
		(void)unlink(path);
	}
}

/* Runs the scenario in a child that dies at the n-th visit. Returns true when it was killed; the
 * acknowledgements it gave in *ret_acks. */
static bool run_killed(struct scenario *s, const char *point, uint64_t visit, size_t *ret_acks)
{
	int pipe_fds[2];
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	const pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		s->acks = pipe_fds[1];
		if (crashpoint_arm(point, visit) != ERR_OK) _exit(3);
		_exit(scenario_run(s) ? 0 : 1);
	}
	assert_int_equal(close(pipe_fds[1]), 0);
	size_t acks = 0;
	char byte;
	while (read(pipe_fds[0], &byte, 1) == 1) acks++;
	assert_int_equal(close(pipe_fds[0]), 0);
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	*ret_acks = acks;
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGKILL);
		return true;
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

/* Acknowledgements 1 setup, 2 founding, 3 invite, 4 room, then one per op. */
static void check_nothing_lost(struct fx *fx, size_t acks)
{
	CLEANUP(store_reader_closep) struct store_reader *r = NULL;
	struct store_check_report report;
	struct store_status status;
	const enum err e = store_reader_open(fx->folder, &r);
	if (e == ERR_NOT_FOUND || e == ERR_VERSION || e == ERR_BAD_FORMAT) {
		assert_int_equal(acks, 0); /* it died while the file was made */
		return;
	}
	OK(e);
	OK(store_check(r, &report));
	assert_true(report.ok);
	OK(store_status(r, &status));
	assert_true(acks < 2 || status.founded);
	if (acks > 4) assert_true(status.seq >= (acks - 4 > OPS ? OPS : acks - 4));
	assert_true(status.seq <= OPS);
}

static void test_killed_at_every_crash_point(void **state)
{
	struct fx *fx = *state;
	struct scenario s;
	scenario_make(fx, &s);
	fx_close(fx);
	files_remove(fx);
	assert_true(scenario_run(&s));
	const struct store_check_report whole = fx_check(fx);
	assert_true(whole.ok);
	for (unsigned i = 0; i < CRASHPOINT_COUNT; i++) {
		const char *name = crashpoint_name((enum crashpoint)i);
		if (strncmp(name, "store.", 6) != 0 && strncmp(name, "db.", 3) != 0) continue;
		for (uint64_t visit = 1; visit <= VISITS_MAX; visit++) {
			size_t acks = 0;
			files_remove(fx);
			const bool killed = run_killed(&s, name, visit, &acks);
			if (!killed && visit == 1) fail_msg("%s is never visited", name);
			if (!killed) break;
			check_nothing_lost(fx, acks);
			assert_true(scenario_run(&s)); /* the rooms send everything again */
			const struct store_check_report again = fx_check(fx);
			assert_true(again.ok);
			assert_true(hash_equal(&again.logical_digest, &whole.logical_digest));
		}
	}
	scenario_free(&s);
	fx_open(fx);
}

/* ---- killed from outside, at any moment ------------------------------------------------------ */

/* Writes ops for ever; tells the seq of each after its commit. */
static void write_until_killed(struct fx *fx, int out)
{
	fx->lane_count = 0;
	rand_fill(&fx->rand, &fx->seed.state, sizeof(fx->seed.state));
	fx_open(fx);
	struct fx_lane *lane = fx_lane_new(fx, JO, 0, OP_LANE_CHART);
	for (;;) {
		struct fx_op op;
		struct store_op_result r;
		fx_op_make_raw(fx, lane, 999, view_str("bytes of a kind to come"), &op);
		if (store_begin(fx->store, fx->now_ms++) != ERR_OK) _exit(1);
		if (store_append_op(fx->store, &op.op, &r) != ERR_OK) _exit(1);
		if (r.status != STORE_OP_COMMITTED) _exit(1);
		if (store_commit(fx->store) != ERR_OK) _exit(1);
		if (write(out, &r.seq, sizeof(r.seq)) != (ssize_t)sizeof(r.seq)) _exit(1);
		fx_lane_move(lane, &op);
		fx_op_fini(&op);
		if (r.seq % 16 == 0 && store_checkpoint(fx->store) != ERR_OK) _exit(1);
	}
}

static void test_killed_from_outside(void **state)
{
	struct fx *fx = *state;
	fx_close(fx);
	uint64_t last = 0;
	for (unsigned i = 0; i < KILLS; i++) {
		int pipe_fds[2];
		assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
		const uint64_t seed = rand_u64(&fx->rand); /* other lanes and ids in every child */
		const pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			fx->seed.state = seed;
			write_until_killed(fx, pipe_fds[1]);
		}
		assert_int_equal(close(pipe_fds[1]), 0);
		/* The kill falls somewhere into the next op or checkpoint. */
		const unsigned acks = 1 + (unsigned)rand_below(&fx->rand, 40);
		for (unsigned j = 0; j < acks; j++) {
			uint64_t seq = 0;
			assert_int_equal(read(pipe_fds[0], &seq, sizeof(seq)), sizeof(seq));
			assert_true(seq > last);
			last = seq;
		}
		assert_int_equal(kill(child, SIGKILL), 0);
		int status = 0;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		uint64_t seq = 0;
		while (read(pipe_fds[0], &seq, sizeof(seq)) == sizeof(seq)) last = seq;
		assert_int_equal(close(pipe_fds[0]), 0);

		struct store_reader *r = NULL;
		struct store_status now;
		OK(store_reader_open(fx->folder, &r));
		OK(store_status(r, &now));
		assert_true(now.seq >= last && now.seq <= last + 1);
		last = now.seq;
		store_reader_close(r);
		fx_check_ok(fx);
	}
	fx_open(fx);
}

/* ---- full disk, versions --------------------------------------------------------------------- */

static void test_full_disk_loses_no_acknowledged_op(void **state)
{
	struct fx *fx = *state;
	struct fx_lane *lane = fx_lane_new(fx, JO, 0, OP_LANE_CHART);
	static uint8_t bytes[60000];
	uint64_t pages = 0;
	struct db *db = store_as_reader(fx->store)->db;
	OK(db_get_u64(db, "PRAGMA page_count", DB_NO_ARGS, &pages));
	OK(db_set_pages_max(db, pages + 60));
	uint64_t committed = 0;
	bool full = false;
	for (int i = 0; i < 30 && !full; i++) {
		struct fx_op op;
		struct store_op_result r;
		fx_op_make_raw(fx, lane, 999, VIEW_OF(bytes), &op);
		fx_begin(fx);
		OK(store_mark(fx->store));
		const enum err e = store_append_op(fx->store, &op.op, &r);
		if (e == ERR_OK) {
			OK(store_commit(fx->store));
			fx_lane_move(lane, &op);
			committed = r.seq;
		} else {
			assert_int_equal(e, ERR_DISK_FULL);
			full = true;
			/* The request is undone, or SQLite gave the whole batch up and says so. */
			if (store_undo(fx->store) == ERR_OK) {
				OK(store_commit(fx->store));
			} else {
				store_rollback(fx->store);
			}
		}
		fx_op_fini(&op);
	}
	assert_true(full && committed > 0);
	struct store_status status;
	OK(store_status(store_as_reader(fx->store), &status));
	assert_int_equal(status.seq, committed);
	fx_check_ok(fx);

	OK(db_set_pages_max(db, 1000000)); /* space again: the room sends once more */
	struct fx_op op;
	fx_op_make_raw(fx, lane, 999, VIEW_OF(bytes), &op);
	fx_begin(fx);
	const struct store_op_result r = fx_append(fx, &op);
	ASSERT_COMMITTED(r);
	assert_int_equal(r.seq, committed + 1);
	fx_commit(fx);
	fx_op_fini(&op);
	fx_check_ok(fx);
}

static void test_low_disk_is_told_before(void **state)
{
	struct fx *fx = *state;
	OK(store_check_space(fx->store));
	fx_close(fx);
	const struct store_options options = { .folder = fx->folder,
					       .log_key = &fx->log,
					       .space_bytes_min = UINT64_MAX,
					       .space_percent_min = 101 };
	OK(store_open(&options, &fx->store));
	assert_int_equal(store_check_space(fx->store), ERR_DISK_FULL);
}

static void test_newer_database_is_refused_an_older_one_is_brought_up(void **state)
{
	struct fx *fx = *state;
	char path[128];
	sqlite3 *raw = NULL;
	struct store_reader *r = NULL;
	const struct store_options options = { .folder = fx->folder, .log_key = &fx->log };
	fx_close(fx);
	(void)snprintf(path, sizeof(path), "%s/clinic.db", fx->folder);
	assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
	assert_int_equal(sqlite3_exec(raw, "PRAGMA user_version=99", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(store_open(&options, &fx->store), ERR_VERSION);
	assert_int_equal(store_reader_open(fx->folder, &r), ERR_VERSION);
	assert_int_equal(sqlite3_close(raw), SQLITE_OK);
	/* One of an older version, with ops in it, gets the tables that came later. */
#define NO_6 "DROP INDEX plain_patient_merge;"
#define NO_5                                                                                       \
	NO_6 " DROP INDEX plain_lockbox; DROP INDEX plain_family_link;"                            \
	     " DROP INDEX plain_desk_family_link; ALTER TABLE session DROP COLUMN supervisor_id;"
#define NO_4 NO_5 " DROP INDEX op_apart;"
	static const char *const older[] = {
		NO_6 " PRAGMA user_version=5",
		NO_5 " PRAGMA user_version=4",
		NO_4 " PRAGMA user_version=3",
		NO_4 " DROP TABLE booking; DROP TABLE turnover; PRAGMA user_version=2",
		NO_4 " DROP TABLE booking; DROP TABLE turnover; DROP TABLE plain_op;"
		     " DROP TABLE plain; PRAGMA user_version=1",
	};
	for (size_t i = 0; i < COUNT_OF(older); i++) {
		assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
		assert_int_equal(sqlite3_exec(raw, older[i], NULL, NULL, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_close(raw), SQLITE_OK);
		fx_open(fx);
		fx_check_ok(fx);
		fx_close(fx);
	}
	fx_open(fx);
}

static void test_durable_reopen(void **state)
{
	struct fx *fx = *state;
	struct fx_lane *lane = fx_lane_new(fx, JO, 0, OP_LANE_CHART);
	for (int i = 0; i < 5; i++) {
		const struct id patient = fx_id(fx);
		struct store_status status;
		fx_begin(fx);
		ASSERT_COMMITTED(fx_push_patient(fx, lane, &patient, "Ada", NULL, NULL));
		fx_commit(fx);
		fx_close(fx);
		fx_open(fx);
		OK(store_status(store_as_reader(fx->store), &status));
		assert_int_equal(status.patients, i + 1);
	}
	fx_check_ok(fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define FOUNDED(test) cmocka_unit_test_setup_teardown(test, fx_setup, fx_teardown)
		cmocka_unit_test_setup_teardown(test_killed_at_every_crash_point,
						fx_setup_unfounded, fx_teardown),
		FOUNDED(test_killed_from_outside),
		FOUNDED(test_full_disk_loses_no_acknowledged_op),
		FOUNDED(test_low_disk_is_told_before),
		FOUNDED(test_newer_database_is_refused_an_older_one_is_brought_up),
		FOUNDED(test_durable_reopen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
