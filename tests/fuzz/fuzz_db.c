/* fuzz_db: database files that something has damaged, opened as a server and as a room would after
 * a restart, and a room's file of an older version.
 * Input:   the file (server's, room's, older room's, none), whether it is cut, and edits of its
 *          bytes: a place of three bytes, a length, bytes.
 * Targets: db_open_writer with its migrations, db_open_reader, store_open, store_check, local_open,
 *          local_counts, local_tidy.
 * Holds:   a damaged file is an error of the documented ones, and never a wrong yes: when
 *          store_check is content the views are those of the undamaged file; a migration keeps
 *          every row. */
#include "fuzz/fuzz_room.h"

#include "base/cleanup.h"
#include "client/store/local_priv.h"
#include "db/db.h"
#include "fuzz/fuzz_keys.h"
#include "server/store/store_check.h"
#include "support/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define EDITS_MAX 32u
#define FILE_BYTES_MAX (4u * MIB)
#define OLD_ROWS 3u

enum { SERVER, ROOM, OLD_ROOM, NOTHING, FILES };

static char folder[64];
static int folder_fd = -1;
static struct buf files[FILES]; /* as they were before any damage */
static struct hash32 digest;    /* of the server's */
static struct sign_key log_key;

static const char *name_of(unsigned file)
{
	return file == SERVER ? STORE_FILE_NAME : LOCAL_FILE;
}

/* ---- files ---- */

static void remove_files(void)
{
	static const char *const names[] = {
		STORE_FILE_NAME, STORE_FILE_NAME "-wal",     STORE_FILE_NAME "-shm",
		LOCAL_FILE,      LOCAL_FILE "-wal",          LOCAL_FILE "-shm",
		DB_LOCK_NAME,    STORE_FILE_NAME "-journal", LOCAL_FILE "-journal",
	};
	for (size_t i = 0; i < COUNT_OF(names); i++)
		INSIST(unlinkat(folder_fd, names[i], 0) == 0 || errno == ENOENT);
}

static void read_file(const char *dir, const char *name, struct buf *out)
{
	char path[256];

	const int n = snprintf(path, sizeof(path), "%s/%s", dir, name);
	INSIST(n > 0 && (size_t)n < sizeof(path));
	CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	INSIST(fd >= 0 && fstat(fd, &st) == 0 && st.st_size < (off_t)FILE_BYTES_MAX);
	INSIST(buf_reserve(out, (size_t)st.st_size) == ERR_OK);
	INSIST(read(fd, out->p, (size_t)st.st_size) == st.st_size);
	out->len = (size_t)st.st_size;
}

static void write_file(const char *name, struct view bytes)
{
	CLEANUP(closep)
	int fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	INSIST(fd >= 0);
	INSIST(bytes.len == 0 || write(fd, bytes.p, bytes.len) == (ssize_t)bytes.len);
}

/* A room's file as version 1 wrote it, with rows in the table that version 2 changes. */
static void make_old_room(void)
{
	static const uint8_t sealed[] = { 1, 2, 3 };
	const struct db_schema first = { .application_id = local_schema.application_id,
					 .steps = local_schema.steps,
					 .step_count = 1 };
	CLEANUP(db_closep) struct db *db = NULL;

	INSIST(db_open_writer(folder, LOCAL_FILE, &first, &db) == ERR_OK);
	for (uint8_t i = 1; i <= OLD_ROWS; i++) {
		const struct id op = { { i } };
		INSIST(db_run(db, "INSERT INTO op (user_id, op_id, sealed) VALUES (?1, ?2, ?3)",
			      DB_ARGS(db_id(&op), db_id(&op), db_blob(VIEW_OF(sealed)))) == ERR_OK);
	}
	INSIST(db_checkpoint(db, true) == ERR_OK);
	db_closep(&db);
	read_file(folder, LOCAL_FILE, &files[OLD_ROOM]);
	remove_files();
}

static void fill(struct room *r)
{
	const struct id patient = room_add_patient(r, "Ann Reed", "1980-02-29");
	const struct id session = room_start_session(r, &patient);
	struct id op;

	OK(room_text(r, &session, ROOMKEEP__TEXT_FIELD__PLAN, "rest"));
	OK(room_measure(r, &session, 52000));
	OK(local_sign_session(r->local, &r->desk.vault, &session, r->w->wall, &op));
}

static enum err check_server(struct store_check_report *ret)
{
	CLEANUP(store_reader_closep) struct store_reader *r = NULL;

	TRY(store_reader_open(folder, &r));
	return store_check(r, ret);
}

static void end_files(void)
{
	for (size_t i = 0; i < FILES; i++) buf_fini(&files[i]);
	remove_files();
	closep(&folder_fd);
	(void)rmdir(folder);
	sign_key_fini(&log_key);
}

static void start_once(void)
{
	struct store_check_report report;
	struct id mara;

	if (folder_fd >= 0) return;
	INSIST(scratch_make(folder, sizeof(folder), "fuzz-db"));
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	INSIST(folder_fd >= 0);
	struct room *r = fuzz_room(1, fill, &mara);
	room_saved(r);
	struct world *w = r->w;
	INSIST(store_checkpoint(server_box_store(w->box)) == ERR_OK);
	INSIST(db_checkpoint(r->local->db, true) == ERR_OK);
	read_file(w->server_folder, STORE_FILE_NAME, &files[SERVER]);
	read_file(r->folder, LOCAL_FILE, &files[ROOM]);
	make_old_room();
	INSIST(sign_key_new(&log_key) == ERR_OK);
	write_file(STORE_FILE_NAME, buf_view(&files[SERVER]));
	INSIST(check_server(&report) == ERR_OK && report.ok);
	digest = report.logical_digest;
	remove_files();
	INSIST(atexit(end_files) == 0);
}

/* ---- damage ---- */

/* True when a byte is another than before. */
static bool damage(struct fuzz_in *in, struct buf *bytes)
{
	bool changed = false;

	if ((fuzz_u8(in) & 1u) != 0) {
		const size_t len = (size_t)fuzz_u16(in) * 16u;
		changed = len < bytes->len;
		if (changed) bytes->len = len;
	}
	for (size_t i = 0; i < EDITS_MAX && fuzz_has(in) && bytes->len > 0; i++) {
		const size_t at = ((size_t)fuzz_u16(in) << 8 | fuzz_u8(in)) % bytes->len;
		const struct view with = fuzz_take(in, fuzz_below(in, 64));
		const size_t len = with.len < bytes->len - at ? with.len : bytes->len - at;
		if (len == 0) continue;
		changed = changed || memcmp(bytes->p + at, with.p, len) != 0;
		memcpy(bytes->p + at, with.p, len);
	}
	return changed;
}

/* What db.h says of a file that is not as it was left. */
static void check_err(enum err e, bool damaged)
{
	INSIST(e == ERR_OK || damaged);
	INSIST(e == ERR_OK || e == ERR_CORRUPT || e == ERR_BAD_FORMAT || e == ERR_VERSION ||
	       e == ERR_STORE || e == ERR_NOT_FOUND || e == ERR_IO || e == ERR_EXISTS ||
	       e == ERR_BAD_VALUE || e == ERR_AUTH || e == ERR_TOO_BIG || e == ERR_FORK ||
	       e == ERR_NOMEM || e == ERR_DENIED);
}

static void run_server(bool damaged)
{
	struct store_check_report report;
	enum err e = check_server(&report);

	check_err(e, damaged);
	if (e == ERR_OK && report.ok)
		INSIST(memcmp(report.logical_digest.b, digest.b, HASH_BYTES) == 0);
	if (e == ERR_OK) INSIST(report.ok || damaged);
	for (int i = 0; i < 2 && e == ERR_OK; i++) {
		CLEANUP(store_closep) struct store *s = NULL;
		const struct store_options o = { .folder = folder,
						 .log_key = &log_key,
						 .space_bytes_min = 1 };
		e = store_open(&o, &s);
		check_err(e, damaged);
		if (e != ERR_OK) return;
		e = store_checkpoint(s);
		check_err(e, damaged);
	}
}

static enum err open_room(void)
{
	CLEANUP(local_closep) struct local *l = NULL;
	struct rand_seeded seeded;
	struct local_counts counts = { 0 };

	const struct rand_source rand = rand_seeded_init(&seeded, 1);
	TRY(local_open(folder, rand, &l));
	TRY(local_counts(l, &counts));
	return local_tidy(l, 1);
}

static void run_room(bool damaged)
{
	const enum err e = open_room();

	check_err(e, damaged);
	if (e == ERR_OK) check_err(open_room(), damaged);
}

/* Every row of version 1 is there in the newest version. */
static void check_old_rows(void)
{
	CLEANUP(db_closep) struct db *db = NULL;
	uint64_t count = 0;

	INSIST(db_open_reader(folder, LOCAL_FILE, &local_schema, &db) == ERR_OK);
	INSIST(db_get_u64(db, "SELECT count(*) FROM op WHERE code = 0 AND length(sealed) = 3",
			  DB_NO_ARGS, &count) == ERR_OK);
	INSIST(count == OLD_ROWS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { view_of(data, size) };
	CLEANUP(buf_finip) struct buf bytes = { 0 };

	start_once();
	const unsigned file = fuzz_below(&in, FILES);
	INSIST(buf_append(&bytes, buf_view(&files[file])) == ERR_OK);
	const bool damaged = damage(&in, &bytes);
	write_file(name_of(file), buf_view(&bytes));
	if (file == SERVER) {
		run_server(damaged);
	} else {
		run_room(damaged);
		if (file == OLD_ROOM && !damaged) check_old_rows();
	}
	remove_files();
	return 0;
}
