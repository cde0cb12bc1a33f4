/* A room's database that somebody or something changed behind the room's back: what is pinned is
 * checked at every start, what is sealed when it is read, and nothing damaged is believed. The hand
 * is a raw connection without our pragmas. */
#include "support/rooms_world.h"

#include "client/store/feed.h"
#include "client/store/local_priv.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
	struct world *w;
	struct room *r; /* room 2, where Mara has signed in, with a record of each kind */
	char path[192];
	struct buf whole; /* the file before any damage */
	struct id mara;
};

static void read_whole(struct fixture *f)
{
	struct stat st = { 0 };
	const int fd = open(f->path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	OK(buf_reserve(&f->whole, (size_t)st.st_size));
	assert_int_equal(read(fd, f->whole.p, (size_t)st.st_size), st.st_size);
	f->whole.len = (size_t)st.st_size;
	close(fd);
}

static void write_whole(const struct fixture *f)
{
	char path[200];
	const int fd = open(f->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, f->whole.p, f->whole.len), f->whole.len);
	close(fd);
	snprintf(path, sizeof(path), "%s-wal", f->path);
	unlink(path);
	snprintf(path, sizeof(path), "%s-shm", f->path);
	unlink(path);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	f->w = world_clinic();
	f->r = &f->w->rooms[1];
	OK(room_sign_in(f->r, "mara", MARA_PASS));
	f->mara = f->r->desk.vault.user_id;
	const struct id patient = room_add_patient(f->r, "Maya Rosen", "1984-05-06");
	const struct id session = room_start_session(f->r, &patient);
	struct id note;
	OK(room_text(f->r, &session, ROOMKEEP__TEXT_FIELD__PLAN, "rest"));
	OK(local_add_note(f->r->local, &f->r->desk.vault, &patient, NULL, view_str("between us"),
			  f->w->wall, &note, NULL));
	room_saved(f->r);
	room_lock(f->r);
	room_cut(f->r, true);
	OK(db_checkpoint(f->r->local->db, true));
	snprintf(f->path, sizeof(f->path), "%s/room.db", f->r->folder);
	room_close(f->r);
	read_whole(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	buf_fini(&f->whole);
	world_free(f->w);
	free(f);
	return 0;
}

/* The file as it was, then the hand. */
static void damage(const struct fixture *f, const char *sql)
{
	char *message = NULL;
	sqlite3 *raw = NULL;

	write_whole(f);
	assert_int_equal(sqlite3_open(f->path, &raw), SQLITE_OK);
	if (sqlite3_exec(raw, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	if (sqlite3_total_changes(raw) == 0) fail_msg("changed nothing: %s", sql);
	assert_int_equal(sqlite3_close(raw), SQLITE_OK);
}

/* ---- what is pinned -------------------------------------------------------------------------- */

#define META(name, value) "UPDATE meta SET value = " value " WHERE name = '" name "'"
#define META_NEW(name, value) "INSERT OR REPLACE INTO meta VALUES ('" name "', " value ")"
#define GONE(name) "DELETE FROM meta WHERE name = '" name "'"
#define CUT(name, len) META(name, "CAST(substr(value, 1, " len ") AS BLOB)")
/* Another last byte than it has. */
#define FLIP(column)                                                                               \
	"CAST(substr(" column ", 1, length(" column ") - 1) || CASE substr(" column ", -1)"        \
	" WHEN x'ff' THEN x'00' ELSE x'ff' END AS BLOB)"
#define FLIPPED(name) META(name, FLIP("value"))

/* Each is found before anybody signs in. */
static void test_damaged_pins(void **state)
{
	static const char *const hands[] = {
		META("state", "x'0000000000000009'"),
		META("state", "x'00'"),
		CUT("clinic_id", "15"),
		META("clinic_id", "zeroblob(16)"),
		GONE("clinic_id"),
		CUT("room_id", "3"),
		CUT("root_pk", "31"),
		FLIPPED("root_pk"),
		GONE("root_pk"),
		META("room_name", "CAST(zeroblob(2000) AS BLOB)"),
		META("address", "CAST(zeroblob(2000) AS BLOB)"),
		CUT("cs", "31"),
		GONE("cs"),
		META("cs_id", "x'0000000000000000'"),
		META("cs_id", "x'0000000100000000'"),
		META_NEW("prev_cs", "x'01'"),
		META_NEW("kit", "x'0000000000000009'"),
		CUT("server_record", "64"),
		FLIPPED("server_record"),
		META("server_record", "(SELECT value FROM meta WHERE name = 'policy')"),
		FLIPPED("policy"),
		GONE("policy"),
		CUT("epoch_record", "80"),
		CUT("epoch_record", "10"),
		META("floor_ms", "x'01'"),
	};
	const struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(hands); i++) {
		struct local *l = NULL;
		damage(f, hands[i]);
		const enum err e = local_open(f->r->folder, f->w->rand, &l);
		if (e != ERR_CORRUPT) fail_msg("%s: %s", hands[i], err_name(e));
	}
}

/* The directory is a signed chain: a row less, an exchanged one or a changed byte is found. */
static void test_damaged_directory(void **state)
{
	static const char *const hands[] = {
		"DELETE FROM dir_entry WHERE dir_seq = 1",
		"UPDATE dir_entry SET entry = zeroblob(10) WHERE dir_seq = 1",
		"UPDATE dir_entry SET by_signer = zeroblob(64)",
		"UPDATE dir_entry SET by_new = x'00' WHERE dir_seq = 2",
		"UPDATE dir_entry SET entry = (SELECT entry FROM dir_entry WHERE dir_seq = 1)",
		"UPDATE dir_entry SET dir_seq = 9 WHERE dir_seq = 2",
	};
	const struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(hands); i++) {
		struct local *l = NULL;
		damage(f, hands[i]);
		const enum err e = local_open(f->r->folder, f->w->rand, &l);
		if (e == ERR_OK) fail_msg("believed: %s", hands[i]);
		assert_null(l);
	}
}

static void test_alarms_of_a_newer_program_are_left_alone(void **state)
{
	const struct fixture *f = *state;
	struct local *l = NULL;

	damage(f, "INSERT INTO alarm VALUES (63, 1), (999, 1), (3, 1)");
	OK(local_open(f->r->folder, f->w->rand, &l));
	assert_int_equal(local_alarms(l), 1ull << LOCAL_ALARM_LANE_GAP);
	local_close(l);
}

/* ---- what stands beside the keys ------------------------------------------------------------- */

static void test_damaged_accounts(void **state)
{
	static const char *const hands[] = {
		"UPDATE account SET login = ''",
		"UPDATE account SET login = CAST(zeroblob(300) AS TEXT)",
		"UPDATE account SET kdf_t = 4294967296",
		"UPDATE account SET kdf_m_kib = 4294967296",
	};
	const struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(hands); i++) {
		struct local *l = NULL;
		struct account a = { 0 };
		damage(f, hands[i]);
		OK(local_open(f->r->folder, f->w->rand, &l));
		const enum err e = account_by_id(l, &f->mara, &a);
		if (e != ERR_CORRUPT) fail_msg("%s: %s", hands[i], err_name(e));
		local_close(l);
	}
}

/* ---- what is sealed -------------------------------------------------------------------------- */

/* What Mara gets to see: patients, and the state of her own ops. */
static enum err look(struct room *r)
{
	struct local_pending *rows = NULL;
	struct local_patient p;
	size_t count = 0;
	size_t at = 0;

	TRY(local_find_patient(r->local, &r->desk.vault, VIEW_EMPTY, &at, &p));
	assert_string_equal(p.name, "Maya Rosen");
	TRY(local_list_pending(r->local, &r->desk.vault, 100, &rows, &count));
	local_pending_free(rows, count);
	return ERR_OK;
}

/* Signs in without the server: what this room says then is from this file alone. */
static enum err sign_in_and_look(struct fixture *f)
{
	room_start(f->r);
	f->r->cut = true;
	const enum err e = room_sign_in(f->r, "mara", MARA_PASS);
	return e == ERR_OK ? look(f->r) : e;
}

static void test_damaged_rows_are_not_believed(void **state)
{
	static const char *const hands[] = {
		"UPDATE account SET blob = zeroblob(10)",
		"UPDATE account SET blob = " FLIP("blob"),
		"UPDATE lane SET sealed = zeroblob(60)",
		"UPDATE lane SET sealed = zeroblob(3)",
		"UPDATE lane SET rev = rev + 1",
		"UPDATE op SET sealed = zeroblob(100) WHERE ord = (SELECT min(ord) FROM op)",
		"UPDATE op SET sealed = x'00' WHERE ord = (SELECT min(ord) FROM op)",
		"UPDATE op SET sealed = (SELECT sealed FROM op ORDER BY ord DESC LIMIT 1)"
		" WHERE ord = (SELECT min(ord) FROM op)",
		"UPDATE op SET op_id = CAST(zeroblob(15) || x'01' AS BLOB) WHERE ord = (SELECT "
		"min(ord) FROM op)",
		"UPDATE op SET op_id = zeroblob(3) WHERE ord = (SELECT min(ord) FROM op)",
	};
	struct fixture *f = *state;

	write_whole(f);
	OK(sign_in_and_look(f));
	room_close(f->r);
	for (size_t i = 0; i < COUNT_OF(hands); i++) {
		damage(f, hands[i]);
		const enum err e = sign_in_and_look(f);
		if (e == ERR_OK) fail_msg("believed: %s", hands[i]);
		if (e != ERR_CORRUPT && e != ERR_AUTH && e != ERR_BAD_FORMAT && e != ERR_NOT_FOUND)
			fail_msg("%s: %s", hands[i], err_name(e));
		room_close(f->r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_damaged_pins, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_alarms_of_a_newer_program_are_left_alone,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_accounts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_rows_are_not_believed, setup,
						teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
