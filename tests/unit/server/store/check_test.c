/* store_check finds what somebody changed behind the store's back, and names it. The hand is a raw
 * connection without our pragmas: what an admin with a shell could do (SECURITY L2). */
#include "server/store/store_priv.h"
#include "store_fixture.h"

#include "base/buf.h"

#include <sqlite3.h>

/* Some of everything: seq 1 patient, 2 frame, 3 and 4 texts, 5 measure, 6 addendum, 7 sign,
 * 8 tombstone of 3, 9 rejected, 10 unknown kind in a sealed lane; one fork aside; a signed head. */
static void fill(struct fx *fx)
{
	struct fx_lane *mara = fx_lane_new(fx, MARA, 1, OP_LANE_CHART);
	struct fx_lane *sam = fx_lane_new(fx, SAM, 0, OP_LANE_CHART);
	struct fx_lane *sealed = fx_lane_new(fx, MARA, 1, OP_LANE_SEALED);
	const struct id patient = fx_id(fx);
	const struct id session = fx_id(fx);
	const struct id row_id = fx_id(fx);
	struct id texts[2];
	struct fx_op op;
	struct fx_op fork;
	const Roomkeep__TextField plan = ROOMKEEP__TEXT_FIELD__PLAN;
	fx_begin(fx);
	ASSERT_COMMITTED(fx_push_patient(fx, sam, &patient, "Ada Example", "555", NULL));
	ASSERT_COMMITTED(fx_push_frame(fx, mara, &session, &patient, true, 0, NULL));
	ASSERT_COMMITTED(fx_push_text(fx, mara, &session, plan, "one", NULL, 0, &texts[0]));
	ASSERT_COMMITTED(fx_push_text(fx, mara, &session, plan, "two", texts, 1, &texts[1]));
	ASSERT_COMMITTED(fx_push_measure(fx, mara, &session, &row_id, 60, NULL));
	ASSERT_COMMITTED(fx_push_addendum(fx, mara, &session, &row_id, "more", NULL));
	ASSERT_COMMITTED(fx_push_sign(fx, mara, &session, &texts[1], 1, NULL));
	ASSERT_COMMITTED(fx_push_tombstone(fx, mara, &texts[0]));
	ASSERT_VERDICT(fx_push_text(fx, sam, &session, plan, "x", NULL, 0, NULL), STORE_OP_REJECTED,
		       ERR_DENIED);
	fx_op_make_raw(fx, sealed, 200, view_str("sealed"), &op);
	fx_op_make_raw(fx, sealed, 200, view_str("forked"), &fork);
	ASSERT_COMMITTED(fx_append(fx, &op));
	ASSERT_VERDICT(fx_append(fx, &fork), STORE_OP_QUARANTINED, ERR_FORK);
	fx_op_fini(&op);
	fx_op_fini(&fork);
	OK(store_audit(fx->store, &(struct store_event){ .kind = STORE_EVENT_SIGN_OUT }));
	fx_commit(fx);
	fx->now_ms += STORE_HEAD_MS;
	fx_begin(fx);
	fx_commit(fx); /* signs the head */
	fx_begin(fx);
	OK(store_audit(fx->store, &(struct store_event){ .kind = STORE_EVENT_SIGN_IN }));
	fx_commit(fx);
}

static void tamper(struct fx *fx, const char *sql)
{
	char path[128];
	char *message = NULL;
	sqlite3 *raw = NULL;
	(void)snprintf(path, sizeof(path), "%s/clinic.db", fx->folder);
	assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
	if (sqlite3_exec(raw, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	if (sqlite3_changes(raw) == 0) fail_msg("changed nothing: %s", sql);
	assert_int_equal(sqlite3_close(raw), SQLITE_OK);
}

struct hand {
	const char *sql;
	enum store_check_item item; /* that must find it */
	uint64_t first_bad;
};

#define FLIP(column)                                                                               \
	column " = CAST(substr(" column ", 1, 20) || x'ff00fa' || substr(" column ", 24) AS BLOB)"

static const struct hand hands[] = {
	/* the log: edit, delete, insert, exchange, re-date */
	{ "UPDATE audit SET " FLIP("body") " WHERE seq = 4", STORE_CHECK_AUDIT_CHAIN, 4 },
	{ "UPDATE audit SET time_ms = time_ms + 1 WHERE seq = 2", STORE_CHECK_AUDIT_CHAIN, 2 },
	{ "UPDATE audit SET entry = zeroblob(32) WHERE seq = 3", STORE_CHECK_AUDIT_CHAIN, 3 },
	{ "UPDATE audit SET epoch = zeroblob(16) WHERE seq = 3", STORE_CHECK_AUDIT_CHAIN, 3 },
	{ "DELETE FROM audit WHERE seq = 5", STORE_CHECK_AUDIT_CHAIN, 6 },
	{ "DELETE FROM audit WHERE seq = 1", STORE_CHECK_AUDIT_CHAIN, 2 },
	{ "UPDATE audit SET seq = -1 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 5;"
	  "UPDATE audit SET seq = 5 WHERE seq = -1",
	  STORE_CHECK_AUDIT_CHAIN, 4 },
	{ "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit_head)",
	  STORE_CHECK_AUDIT_HEADS, 13 },
	{ "UPDATE audit_head SET " FLIP("signature"), STORE_CHECK_AUDIT_HEADS, 13 },
	{ "UPDATE audit_head SET time_ms = time_ms + 1", STORE_CHECK_AUDIT_HEADS, 13 },
	/* ops */
	{ "UPDATE op SET " FLIP("signature") " WHERE seq = 4", STORE_CHECK_OP_SIGNATURES, 4 },
	{ "UPDATE op SET " FLIP("core") " WHERE seq = 4", STORE_CHECK_OP_SIGNATURES, 4 },
	{ "UPDATE op SET author_id = (SELECT author_id FROM op WHERE seq = 1) WHERE seq = 4",
	  STORE_CHECK_OP_SIGNATURES, 4 },
	{ "UPDATE op SET kind = 7 WHERE seq = 4", STORE_CHECK_OP_SIGNATURES, 4 },
	{ "UPDATE op SET op_hash = zeroblob(32) WHERE seq = 4", STORE_CHECK_OP_LANES, 4 },
	{ "UPDATE op SET lane_seq = 99 WHERE seq = 4", STORE_CHECK_OP_LANES, 5 },
	{ "UPDATE lane SET head_seq = head_seq - 1 WHERE class = 1", STORE_CHECK_OP_LANES, 0 },
	{ "UPDATE lane SET random16 = zeroblob(16) WHERE lane = 1", STORE_CHECK_OP_LANES, 0 },
	{ "UPDATE op SET heads = zeroblob(72) WHERE seq = 4", STORE_CHECK_OP_LANES, 4 },
	{ "DELETE FROM op_payload WHERE seq = 8; DELETE FROM op WHERE seq = 8",
	  STORE_CHECK_OP_AUDIT, 8 },
	{ "DELETE FROM op_payload WHERE seq = 10; DELETE FROM op WHERE seq = 10",
	  STORE_CHECK_OP_AUDIT, 10 },
	{ "UPDATE op SET received_ms = received_ms + 1 WHERE seq = 4", STORE_CHECK_OP_AUDIT, 4 },
	{ "UPDATE op SET code = -13, state = 3 WHERE seq = 6", STORE_CHECK_OP_AUDIT, 6 },
	{ "UPDATE op SET code = 0, state = 1 WHERE seq = 9", STORE_CHECK_OP_AUDIT, 9 },
	{ "UPDATE op_payload SET " FLIP("bytes") " WHERE seq = 4", STORE_CHECK_OP_PAYLOADS, 4 },
	{ "DELETE FROM op_payload WHERE seq = 4", STORE_CHECK_OP_PAYLOADS, 4 },
	{ "DELETE FROM op_payload WHERE seq = 4; UPDATE op SET hidden_by = 8 WHERE seq = 4",
	  STORE_CHECK_OP_PAYLOADS, 4 },
	{ "UPDATE op SET hidden_by = 5 WHERE seq = 4", STORE_CHECK_OP_PAYLOADS, 4 },
	{ "UPDATE op SET core = x'00' WHERE seq = 4", STORE_CHECK_OP_SIGNATURES, 4 },
	{ "UPDATE op SET core = x'00' WHERE seq = 4", STORE_CHECK_OP_LANES, 4 },
	{ "UPDATE op SET core = x'00' WHERE seq = 4", STORE_CHECK_OP_PAYLOADS, 4 },
	{ "UPDATE op SET op_id = (SELECT randomblob(16)) WHERE seq = 4", STORE_CHECK_OP_SIGNATURES,
	  4 },
	{ "PRAGMA ignore_check_constraints=ON; UPDATE op SET op_hash = x'01' WHERE seq = 4",
	  STORE_CHECK_OP_LANES, 4 },
	{ "PRAGMA ignore_check_constraints=ON; UPDATE lane SET lane_id = x'01' WHERE lane = 1",
	  STORE_CHECK_OP_LANES, 1 },
	{ "UPDATE lane SET lane_id = randomblob(32) WHERE lane = 1", STORE_CHECK_OP_LANES, 1 },
	{ "UPDATE lane SET class = 3 - class WHERE lane = 1", STORE_CHECK_OP_LANES, 1 },
	{ "UPDATE op SET heads = zeroblob(71) WHERE seq = 4", STORE_CHECK_OP_LANES, 4 },
	{ "UPDATE op SET heads = zeroblob(72 * 257) WHERE seq = 4", STORE_CHECK_OP_LANES, 4 },
	{ "UPDATE op SET heads = zeroblob(144) WHERE seq = 4", STORE_CHECK_OP_LANES, 4 },
	{ "UPDATE op_payload SET bytes = x'00' WHERE seq = 8; UPDATE op SET hidden_by = 8"
	  " WHERE seq = 3",
	  STORE_CHECK_OP_PAYLOADS, 3 },
	/* views */
	{ "UPDATE session_text SET text = 'other' WHERE seq = 4", STORE_CHECK_VIEWS, 4 },
	{ "UPDATE session_text SET head = 1 - head WHERE seq = 3", STORE_CHECK_VIEWS, 3 },
	{ "UPDATE patient SET phone = '666'", STORE_CHECK_VIEWS, 0 },
	{ "DELETE FROM addendum", STORE_CHECK_VIEWS, 6 },
	{ "UPDATE measure SET value_milli = value_milli + 1", STORE_CHECK_VIEWS, 5 },
	{ "UPDATE session SET sign_seq = NULL", STORE_CHECK_VIEWS, 0 },
	{ "DELETE FROM sign_covered", STORE_CHECK_VIEWS, 7 },
	{ "INSERT INTO addendum SELECT 77, session, op_id, addendum_id, 'made up', 0, 0, 1 FROM "
	  "addendum",
	  STORE_CHECK_VIEWS, 77 },
	/* people and records */
	{ "UPDATE directory SET " FLIP("entry") " WHERE dir_seq = 2", STORE_CHECK_DIRECTORY, 2 },
	{ "UPDATE directory SET " FLIP("by_signer") " WHERE dir_seq = 3", STORE_CHECK_DIRECTORY,
	  3 },
	{ "DELETE FROM directory", STORE_CHECK_DIRECTORY, 0 },
	{ "UPDATE record SET " FLIP("signature") " WHERE kind = 1", STORE_CHECK_RECORDS, 1 },
	{ "UPDATE record SET " FLIP("body") " WHERE kind = 2", STORE_CHECK_RECORDS, 1 },
	{ "DELETE FROM record WHERE kind = 3", STORE_CHECK_RECORDS, 0 },
	{ "UPDATE record SET kind = 9 WHERE kind = 3", STORE_CHECK_RECORDS, 1 },
	{ "UPDATE directory SET dir_seq = 9 WHERE dir_seq = 3", STORE_CHECK_DIRECTORY, 9 },
	{ "UPDATE clinic SET root_pk = zeroblob(32)", STORE_CHECK_DIRECTORY, 1 },
	/* the file's own rules */
	{ "INSERT INTO op_payload VALUES (999, x'00')", STORE_CHECK_FOREIGN_KEYS, 0 },
	{ "PRAGMA foreign_keys=OFF; UPDATE session SET patient = 999", STORE_CHECK_FOREIGN_KEYS,
	  0 },
};

static void file_read(const struct fx *fx, struct buf *ret)
{
	char path[128];
	uint8_t bytes[4096];
	(void)snprintf(path, sizeof(path), "%s/clinic.db", fx->folder);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	for (size_t n = fread(bytes, 1, sizeof(bytes), f); n > 0;
	     n = fread(bytes, 1, sizeof(bytes), f)) {
		OK(buf_append(ret, view_of(bytes, n)));
	}
	assert_int_equal(fclose(f), 0);
}

static void file_put_back(const struct fx *fx, struct view bytes)
{
	static const char *const beside[] = { "clinic.db-wal", "clinic.db-shm" };
	char path[128];
	for (size_t i = 0; i < COUNT_OF(beside); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", fx->folder, beside[i]);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof(path), "%s/clinic.db", fx->folder);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes.p, 1, bytes.len, f), bytes.len);
	assert_int_equal(fclose(f), 0);
}

static void test_every_hand_is_seen(void **state)
{
	struct fx *fx = *state;
	fill(fx);
	fx_check_ok(fx);
	fx_close(fx);
	struct buf keep = { 0 };
	file_read(fx, &keep);
	for (size_t i = 0; i < COUNT_OF(hands); i++) {
		tamper(fx, hands[i].sql);
		const struct store_check_report report = fx_check(fx);
		const struct store_check_result *item = &report.items[hands[i].item];
		if (report.ok || item->bad == 0) fail_msg("not seen: %s", hands[i].sql);
		if (item->first_bad != hands[i].first_bad) {
			fail_msg("%s: named %llu (%s)", hands[i].sql,
				 (unsigned long long)item->first_bad, item->what);
		}
		assert_non_null(item->what);
		file_put_back(fx, buf_view(&keep));
	}
	fx_check_ok(fx); /* the copy itself is sound */
	buf_fini(&keep);
	fx_open(fx);
}

/* ---- the verbs read no row that cannot be right ---------------------------------------------- */

static enum err read_rooms(struct store_reader *r, struct arena *a)
{
	struct store_room *rooms = NULL;
	size_t count = 0;
	return store_rooms_list(r, FX_NOW, a, &rooms, &count);
}

static enum err read_accounts(struct store_reader *r, struct arena *a)
{
	struct store_account *accounts = NULL;
	size_t count = 0;
	return store_accounts_list(r, a, &accounts, &count);
}

static enum err read_directory(struct store_reader *r, struct arena *a)
{
	struct store_dir_item *items = NULL;
	size_t count = 0;
	return store_directory_list(r, 0, 100, a, &items, &count);
}

static enum err read_clinic(struct store_reader *r, struct arena *a)
{
	struct store_clinic clinic;
	return store_clinic_get(r, a, &clinic);
}

static enum err read_feed(struct store_reader *r, struct arena *a)
{
	struct store_page page;
	return store_feed_page(r, 0, 100, 1u << 20, a, &page);
}

static enum err read_head(struct store_reader *r, struct arena *a)
{
	struct store_head head;
	(void)a;
	return store_head_latest(r, &head);
}

static enum err read_setup(struct store_reader *r, struct arena *a)
{
	uint8_t mac[SETUP_MAC_BYTES];
	(void)a;
	return store_setup_get(r, FX_NOW, mac);
}

static const struct {
	const char *sql;
	enum err (*read)(struct store_reader *r, struct arena *a);
} damaged_rows[] = {
	{ "UPDATE room SET state = 9", read_rooms },
	{ "UPDATE room SET room_id = x'01'", read_rooms },
	{ "UPDATE room SET spki = x'01'", read_rooms },
	{ "UPDATE account SET auth_pk = x'01' WHERE login = 'jo'", read_accounts },
	{ "UPDATE account SET user_id = x'01' WHERE login = 'jo'", read_accounts },
	{ "UPDATE directory SET by_signer = x'01' WHERE dir_seq = 1", read_directory },
	{ "UPDATE directory SET by_new = x'01' WHERE dir_seq = 1", read_directory },
	{ "UPDATE directory SET by_old = x'01' WHERE dir_seq = 1", read_directory },
	{ "UPDATE clinic SET root_pk = x'01'", read_clinic },
	{ "UPDATE clinic SET epoch = x'01'", read_clinic },
	{ "UPDATE clinic SET clinic_id = x'01'", read_clinic },
	{ "UPDATE record SET signature = x'01' WHERE kind = 1", read_clinic },
	{ "UPDATE record SET signature = x'01' WHERE kind = 2", read_clinic },
	{ "UPDATE record SET signature = x'01' WHERE kind = 3", read_clinic },
	{ "UPDATE op SET signature = x'01' WHERE seq = 4", read_feed },
	{ "UPDATE op SET op_id = x'01' WHERE seq = 4", read_feed },
	{ "UPDATE op SET author_id = x'01' WHERE seq = 4", read_feed },
	{ "UPDATE op SET heads = zeroblob(71) WHERE seq = 4", read_feed },
	{ "UPDATE op SET heads = zeroblob(72 * 257) WHERE seq = 4", read_feed },
	{ "UPDATE lane SET room_id = x'01'", read_feed },
	{ "UPDATE lane SET random16 = x'01'", read_feed },
	{ "UPDATE lane SET user_id = x'01'", read_feed },
	{ "UPDATE audit_head SET signature = x'01'", read_head },
	{ "INSERT INTO setup VALUES (1, x'01', 9000000000000)", read_setup },
};

/* The schema's CHECKs are off for the hand, as they are for a damaged page. */
static void test_rows_that_cannot_be_right_are_not_read(void **state)
{
	struct fx *fx = *state;
	struct buf keep = { 0 };
	fill(fx);
	fx_close(fx);
	file_read(fx, &keep);
	for (size_t i = 0; i < COUNT_OF(damaged_rows); i++) {
		struct store_reader *r = NULL;
		struct arena arena;
		char sql[256];
		(void)snprintf(sql, sizeof(sql), "PRAGMA ignore_check_constraints = ON; %s",
			       damaged_rows[i].sql);
		arena_init(&arena, 1u << 22);
		OK(store_reader_open(fx->folder, &r));
		const enum err before = damaged_rows[i].read(r, &arena);
		if (before != ERR_OK && before != ERR_NOT_FOUND)
			fail_msg("%s: before: %s", damaged_rows[i].sql, err_name(before));
		store_reader_close(r);
		tamper(fx, sql);
		OK(store_reader_open(fx->folder, &r));
		const enum err e = damaged_rows[i].read(r, &arena);
		if (e != ERR_CORRUPT) fail_msg("%s: %s", damaged_rows[i].sql, err_name(e));
		store_reader_close(r);
		arena_fini(&arena);
		file_put_back(fx, buf_view(&keep));
	}
	buf_fini(&keep);
	fx_open(fx);
}

/* Numbers that no row of the log has, in bytes that are one. */
static void test_log_rows_that_cannot_be(void **state)
{
	static const struct audit_row rows[] = {
		{ .event = (enum store_event_kind)0 },
		{ .event = (enum store_event_kind) - 1 },
		{ .event = STORE_EVENT_OP, .code = (enum err)1 },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_finip) struct buf body = { 0 };
		struct audit_row got;
		OK(audit_row_encode(&rows[i], &body));
		assert_int_equal(audit_row_parse(buf_view(&body), &got), ERR_BAD_FORMAT);
	}
}

/* What the merge keeps of an erased op, and what is no such rest. */
static void test_rests_of_erased_ops(void **state)
{
	static const enum kind none[] = { KIND_OPENED, KIND_TOMBSTONE, KIND_NOTE,
					  KIND_SEALED_TOMBSTONE };
	(void)state;
	struct payload p = { 0 };
	for (size_t i = 0; i < COUNT_OF(none); i++) {
		CLEANUP(buf_finip) struct buf rest = { 0 };
		p.info = kind_find(none[i]);
		OK(skeleton_encode(&p, &rest));
		assert_int_equal(rest.len, 0); /* nothing builds on them */
	}
	struct payload got = { 0 };
	assert_int_equal(skeleton_decode(KIND_PATIENT, view_str("\xff\xff"), &got), ERR_CORRUPT);
	assert_null(got.is.any);
	skeleton_free(&got); /* harmless */
}

static void test_damaged_pages(void **state)
{
	struct fx *fx = *state;
	char path[128];
	fill(fx);
	OK(store_checkpoint(fx->store));
	fx_close(fx);
	(void)snprintf(path, sizeof(path), "%s/clinic.db", fx->folder);
	FILE *f = fopen(path, "r+b");
	assert_non_null(f);
	assert_int_equal(fseek(f, 4096 * 3, SEEK_SET), 0);
	for (int i = 0; i < 4096 * 4; i++) assert_int_equal(fputc(0xa5, f), 0xa5);
	assert_int_equal(fclose(f), 0);
	struct store_reader *r = NULL;
	struct store_check_report report = { 0 };
	const enum err opened = store_reader_open(fx->folder, &r);
	if (opened == ERR_OK) {
		const enum err e = store_check(r, &report);
		assert_true(e != ERR_OK || !report.ok);
		if (e == ERR_OK) assert_true(report.items[STORE_CHECK_INTEGRITY].bad > 0);
		store_reader_close(r);
	} else {
		assert_int_equal(opened, ERR_CORRUPT);
	}
}

/* Read-only in fact: the database's bytes are the same before and after. */
static void test_check_beside_a_writer_changes_nothing(void **state)
{
	struct fx *fx = *state;
	struct store_reader *r = NULL;
	struct store_check_report report;
	fill(fx);
	OK(store_reader_open(fx->folder, &r));
	fx_begin(fx);
	OK(store_audit(fx->store, &(struct store_event){ .kind = STORE_EVENT_STARTED }));
	OK(store_check(r, &report)); /* while a transaction is open */
	assert_true(report.ok);
	const uint64_t rows = report.items[STORE_CHECK_AUDIT_CHAIN].looked_at;
	fx_commit(fx);
	OK(store_check(r, &report));
	assert_true(report.ok);
	assert_int_equal(report.items[STORE_CHECK_AUDIT_CHAIN].looked_at, rows + 1);
	store_reader_close(r);
	/* Inside the writer's own transaction too. */
	fx_begin(fx);
	OK(store_audit(fx->store, &(struct store_event){ .kind = STORE_EVENT_STARTED }));
	OK(store_check(store_as_reader(fx->store), &report));
	assert_true(report.ok);
	fx_commit(fx);
}

static void test_digest_is_of_the_content(void **state)
{
	struct fx *fx = *state;
	fill(fx);
	const struct store_check_report a = fx_check(fx);
	fx_begin(fx);
	OK(store_audit(fx->store, &(struct store_event){ .kind = STORE_EVENT_STARTED }));
	fx_commit(fx);
	const struct store_check_report b = fx_check(fx);
	assert_true(hash_equal(&a.logical_digest, &b.logical_digest));
	struct fx_lane *jo = fx_lane_new(fx, JO, 0, OP_LANE_CHART);
	const struct id patient = fx_id(fx);
	fx_begin(fx);
	ASSERT_COMMITTED(fx_push_patient(fx, jo, &patient, "Bo Other", NULL, NULL));
	fx_commit(fx);
	const struct store_check_report c = fx_check(fx);
	assert_false(hash_equal(&a.logical_digest, &c.logical_digest));
	assert_true(c.ok);
}

static void test_unfounded_database_is_sound(void **state)
{
	fx_check_ok(*state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_rows_that_cannot_be),
		cmocka_unit_test(test_rests_of_erased_ops),
#define FOUNDED(test) cmocka_unit_test_setup_teardown(test, fx_setup, fx_teardown)
		FOUNDED(test_every_hand_is_seen),
		FOUNDED(test_rows_that_cannot_be_right_are_not_read),
		FOUNDED(test_damaged_pages),
		FOUNDED(test_check_beside_a_writer_changes_nothing),
		FOUNDED(test_digest_is_of_the_content),
		cmocka_unit_test_setup_teardown(test_unfounded_database_is_sound,
						fx_setup_unfounded, fx_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
