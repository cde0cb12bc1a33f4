#include "db/db.h"

#include "base/buf.h"
#include "base/crashpoint.h"
#include "db/db_priv.h"
#include "db/err_sqlite.h"
#include "db/lockfile.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DB_BUSY_MS 5000 /* a reader that meets the recovery of another waits for it */

/* SECURITY 3.3. temp_store: temporary tables would be plain files elsewhere. cell_size_check:
 * damage is an error instead of a wrong answer. journal_size_limit: with it the WAL that is kept
 * is emptied when the last connection closes; a full one left beside a restored database would
 * be played into it. */
#define DB_PRAGMAS_COMMON                                                                          \
	"PRAGMA mmap_size=0; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"                \
	"PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=0; PRAGMA foreign_keys=ON;"
#define DB_PRAGMAS_WRITER                                                                          \
	DB_PRAGMAS_COMMON "PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;"                      \
			  "PRAGMA journal_size_limit=67108864;"
#define DB_PRAGMAS_READER DB_PRAGMAS_COMMON "PRAGMA query_only=ON;"

enum err db_last_err(struct db *db, int code)
{
	const int extended = sqlite3_extended_errcode(db->raw);
	const int system = sqlite3_system_errno(db->raw);
	/* The index of the WAL could not grow: SQLite does not say whether the disk is full, and
	 * not every file system says why. */
	if (extended == SQLITE_IOERR_SHMSIZE && (code & 0xff) == SQLITE_IOERR && system != 0)
		return err_from_errno(system);
	/* The connection knows more than the call returned, unless it is about an earlier call. */
	return err_from_sqlite((extended & 0xff) == (code & 0xff) ? extended : code);
}

enum err db_exec(struct db *db, const char *sql)
{
	const int rc = sqlite3_exec(db->raw, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? ERR_OK : db_last_err(db, rc);
}

static int db_on_wal_commit(void *ctx, sqlite3 *raw, const char *name, int pages)
{
	struct db *db = ctx;
	(void)raw;
	(void)name;
	db->wal_pages = pages < 0 ? 0 : (uint64_t)pages;
	return SQLITE_OK;
}

static enum err db_config_flag(struct db *db, int option, int on)
{
	const int rc = sqlite3_db_config(db->raw, option, on, NULL);
	return rc == SQLITE_OK ? ERR_OK : err_from_sqlite(rc);
}

static enum err db_new(struct db **ret_db)
{
	struct db *db = calloc(1, sizeof(*db));
	ENSURE(db != NULL, ERR_NOMEM);
	db->lock_fd = -1;
	*ret_db = db;
	return ERR_OK;
}

static enum err db_connect(struct db *db, const char *path, int flags)
{
	const int rc = sqlite3_open_v2(path, &db->raw,
				       flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
					       SQLITE_OPEN_EXRESCODE,
				       NULL);
	ENSURE(rc == SQLITE_OK, err_from_sqlite(rc));
	ENSURE(sqlite3_busy_timeout(db->raw, DB_BUSY_MS) == SQLITE_OK, ERR_STORE);
	TRY(db_config_flag(db, SQLITE_DBCONFIG_DEFENSIVE, 1));
	TRY(db_config_flag(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0));
	TRY(db_config_flag(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0));
	TRY(db_config_flag(db, SQLITE_DBCONFIG_DQS_DML, 0));
	return db_config_flag(db, SQLITE_DBCONFIG_DQS_DDL, 0);
}

/* After the migrations: a change of the schema makes SQLite prepare every statement again. */
static enum err rollback_prepare(struct db *db)
{
	const int rc = sqlite3_prepare_v3(db->raw, "ROLLBACK", -1, SQLITE_PREPARE_PERSISTENT,
					  &db->rollback, NULL);
	return rc == SQLITE_OK ? ERR_OK : db_last_err(db, rc);
}

/* ---- migrations ------------------------------------------------------------------------------ */

static enum err schema_state(struct db *db, const struct db_schema *schema, uint64_t *ret_version)
{
	uint64_t application = 0;
	uint64_t version = 0;
	uint64_t tables = 0;
	TRY(db_get_u64(db, "PRAGMA application_id", DB_NO_ARGS, &application));
	TRY(db_get_u64(db, "PRAGMA user_version", DB_NO_ARGS, &version));
	TRY(db_get_u64(db, "SELECT count(*) FROM sqlite_schema", DB_NO_ARGS, &tables));
	const bool fresh = application == 0 && version == 0 && tables == 0;
	ENSURE(fresh || application == schema->application_id, ERR_BAD_FORMAT);
	ENSURE(version <= schema->step_count, ERR_VERSION);
	*ret_version = version;
	return ERR_OK;
}

static enum err schema_step(struct db *db, const struct db_schema *schema, unsigned step)
{
	CLEANUP(buf_finip) struct buf sql = { 0 };
	TRY(buf_append_fmt(&sql, "PRAGMA application_id=%u; PRAGMA user_version=%u;",
			   schema->application_id, step + 1));
	const char *marks = NULL;
	TRY(buf_cstr(&sql, &marks));

	TRY(db_begin(db));
	enum err e = db_exec(db, schema->steps[step]);
	if (e == ERR_OK) e = db_exec(db, marks);
	if (e != ERR_OK) {
		db_rollback(db);
		return e;
	}
	crashpoint(CRASHPOINT_DB_MIGRATE_BEFORE);
	TRY(db_commit(db));
	crashpoint(CRASHPOINT_DB_MIGRATE_AFTER);
	return ERR_OK;
}

static enum err schema_migrate(struct db *db, const struct db_schema *schema)
{
	uint64_t version = 0;
	TRY(schema_state(db, schema, &version));
	for (unsigned i = (unsigned)version; i < schema->step_count; i++) {
		TRY(schema_step(db, schema, i));
	}
	return ERR_OK;
}

/* ---- open, close ----------------------------------------------------------------------------- */

static enum err path_make(struct buf *path, const char *folder, const char *name,
			  const char *suffix, const char **ret_path)
{
	buf_clear(path);
	TRY(buf_append_fmt(path, "%s/%s%s", folder, name, suffix));
	return buf_cstr(path, ret_path);
}

/* SQLite gives -wal and -shm the mode of the database, so one file made with 0600 is enough; files
 * that were there before are looked at one by one. */
static enum err files_check(const char *folder, const char *name)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	CLEANUP(buf_finip) struct buf path = { 0 };
	for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
		const char *text = NULL;
		TRY(path_make(&path, folder, name, suffixes[i], &text));
		const enum err e = file_check_mode(text);
		if (e != ERR_OK && !(e == ERR_NOT_FOUND && i > 0)) return e;
	}
	return ERR_OK;
}

static enum err journal_set_wal(struct db *db)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query_row(db, "PRAGMA journal_mode=WAL", DB_NO_ARGS, &stmt));
	/* SQLite answers with the mode it has, not with an error. */
	ENSURE(view_equal(db_col_view(stmt, 0), view_str("wal")), ERR_STORE);
	return ERR_OK;
}

static enum err writer_setup(struct db *db, const struct db_schema *schema)
{
	TRY(db_exec(db, DB_PRAGMAS_WRITER));
	TRY(journal_set_wal(db));
	int keep =
		1; /* the WAL file stays when the last connection closes: nothing to create again */
	ENSURE(sqlite3_file_control(db->raw, "main", SQLITE_FCNTL_PERSIST_WAL, &keep) == SQLITE_OK,
	       ERR_STORE);
	(void)sqlite3_wal_hook(db->raw, db_on_wal_commit, db);
	TRY(schema_migrate(db, schema));
	return rollback_prepare(db);
}

/* A file that does not open for writing, the WAL and its index too, SQLite opens for reading: then
 * nothing could be saved until the program is started again. */
static enum err writer_connect(struct db *db, const char *path, const struct db_schema *schema)
{
	TRY(db_connect(db, path, SQLITE_OPEN_READWRITE));
	ENSURE(sqlite3_db_readonly(db->raw, "main") == 0, ERR_DENIED);
	TRY(writer_setup(db, schema));
	return db_exec(db, "BEGIN IMMEDIATE; ROLLBACK");
}

/* SQLite does not say why: a file may not be written, or the disk fails. */
static enum err writer_blame(const char *folder, const char *name)
{
	static const char *const files[] = { "", "-wal", "-shm" };
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		CLEANUP(buf_finip) struct buf path = { 0 };
		const char *text = NULL;
		TRY(path_make(&path, folder, name, files[i], &text));
		ENSURE(access(text, W_OK) == 0 || errno == ENOENT, ERR_DENIED);
	}
	return ERR_IO;
}

enum err db_open_writer(const char *folder, const char *name, const struct db_schema *schema,
			struct db **ret_db)
{
	CLEANUP(db_closep) struct db *db = NULL;
	CLEANUP(buf_finip) struct buf path = { 0 };
	const char *text = NULL;
	TRY(db_new(&db));
	TRY(folder_prepare(folder));
	TRY(path_make(&path, folder, DB_LOCK_NAME, "", &text));
	TRY(lockfile_open(text, &db->lock_fd));
	TRY(path_make(&path, folder, name, "", &text));
	TRY(file_create(folder, text));
	TRY(files_check(folder, name));
	/* A process that was killed, or that ended because a sync failed, leaves commits in the WAL
	 * that only the kernel's cache has. From now on they are shown and acknowledged, even
	 * without any write of ours ("is there already"); and a checkpoint of a WAL that is not on
	 * the disk would tear the database at a power cut. */
	TRY(path_make(&path, folder, name, "-wal", &text));
	TRY(file_settle(text));
	TRY(path_make(&path, folder, name, "", &text));
	const enum err e = writer_connect(db, text, schema);
	if (e == ERR_DENIED) return writer_blame(folder, name);
	TRY(e);
	*ret_db = TAKE(db);
	return ERR_OK;
}

static enum err reader_setup(struct db *db, const struct db_schema *schema)
{
	TRY(db_config_flag(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1));
	TRY(db_exec(db, DB_PRAGMAS_READER));
	uint64_t version = 0;
	TRY(schema_state(db, schema, &version));
	ENSURE(version == schema->step_count, ERR_VERSION);
	return rollback_prepare(db);
}

enum err db_open_reader(const char *folder, const char *name, const struct db_schema *schema,
			struct db **ret_db)
{
	CLEANUP(db_closep) struct db *db = NULL;
	CLEANUP(buf_finip) struct buf path = { 0 };
	const char *text = NULL;
	TRY(db_new(&db));
	TRY(files_check(folder, name));
	TRY(path_make(&path, folder, name, "", &text));
	TRY(db_connect(db, text, SQLITE_OPEN_READONLY));
	TRY(reader_setup(db, schema));
	*ret_db = TAKE(db);
	return ERR_OK;
}

/* The path as a URI (RFC 3986 section 2.1), because that is how SQLite takes readonly_shm. */
static enum err uri_make(struct buf *uri, const char *path, const char **ret_uri)
{
	TRY(buf_append_str(uri, "file:"));
	for (const char *p = path; *p != '\0'; p++) {
		const unsigned char c = (unsigned char)*p;
		const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
				   (c >= '0' && c <= '9') || strchr("/._-", c) != NULL;
		TRY(plain ? buf_append_u8(uri, c) : buf_append_fmt(uri, "%%%02x", c));
	}
	TRY(buf_append_str(uri, "?readonly_shm=1"));
	return buf_cstr(uri, ret_uri);
}

enum err db_open_onlooker(const char *folder, const char *name, const struct db_schema *schema,
			  struct db **ret_db)
{
	CLEANUP(db_closep) struct db *db = NULL;
	CLEANUP(buf_finip) struct buf path = { 0 };
	CLEANUP(buf_finip) struct buf uri = { 0 };
	const char *text = NULL;
	const char *link = NULL;
	TRY(db_new(&db));
	TRY(files_check(folder, name));
	TRY(path_make(&path, folder, name, "", &text));
	TRY(uri_make(&uri, text, &link));
	enum err e = db_connect(db, link, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
	if (e == ERR_OK) e = reader_setup(db, schema);
	/* Without a -shm, or beside a writer whose index offers no place for us. */
	if (e != ERR_OK) return db_open_reader(folder, name, schema, ret_db);
	*ret_db = TAKE(db);
	return ERR_OK;
}

enum err db_open_memory(const struct db_schema *schema, struct db **ret_db)
{
	CLEANUP(db_closep) struct db *db = NULL;
	TRY(db_new(&db));
	TRY(db_connect(db, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
	TRY(db_exec(db, DB_PRAGMAS_COMMON));
	TRY(schema_migrate(db, schema));
	TRY(rollback_prepare(db));
	*ret_db = TAKE(db);
	return ERR_OK;
}

void db_close(struct db *db)
{
	if (db == NULL) return;
	if (db->raw != NULL) {
		db_rollback(db);
		(void)sqlite3_finalize(db->rollback); /* repeats the error of the last step */
		db_cache_clear(db);
		const int rc = sqlite3_close(db->raw);
		INSIST(rc == SQLITE_OK); /* BUSY: a statement was not given back */
	}
	lockfile_close(&db->lock_fd); /* last: nobody may write before SQLite is through */
	free(db);
}

void db_closep(struct db **db)
{
	db_close(*db);
	*db = NULL;
}

const char *db_library_version(void)
{
	return sqlite3_libversion();
}

bool db_library_has_wal_reset_bug(void)
{
	return db_version_has_wal_reset_bug(sqlite3_libversion_number());
}

bool db_version_has_wal_reset_bug(int v)
{
	if (v >= 3051003 || v < 3007000) return false;
	if (v >= 3050007 && v < 3051000) return false;
	return !(v >= 3044006 && v < 3045000);
}

/* ---- transactions ---------------------------------------------------------------------------- */

enum err db_begin(struct db *db)
{
	REQUIRE(!db_in_transaction(db));
	db->marked = false;
	if (sqlite3_db_readonly(db->raw, "main") == 1) {
		return db_run(db, "BEGIN", DB_NO_ARGS);
	}
	return db_run(db, "BEGIN IMMEDIATE", DB_NO_ARGS);
}

enum err db_commit(struct db *db)
{
	db->marked = false;
	/* A full disk makes SQLite roll back by itself: committing would then confirm nothing. */
	ENSURE(db_in_transaction(db), ERR_STORE);
	const enum err e = db_run(db, "COMMIT", DB_NO_ARGS);
	if (e != ERR_OK) db_rollback(db);
	return e;
}

void db_rollback(struct db *db)
{
	db->marked = false;
	if (db->rollback == NULL || !db_in_transaction(db)) return;
	/* Whatever it answers, SQLite leaves the transaction; what is not committed does not
	 * exist. A statement made only now could fail for want of memory, and leave it open. (There
	 * is none yet in a migration: then the connection is closed next.) */
	(void)sqlite3_step(db->rollback);
	(void)sqlite3_reset(db->rollback);
}

bool db_in_transaction(const struct db *db)
{
	return sqlite3_get_autocommit(db->raw) == 0;
}

enum err db_mark(struct db *db)
{
	REQUIRE(!db->marked);
	ENSURE(db_in_transaction(db), ERR_STORE);
	TRY(db_run(db, "SAVEPOINT mark", DB_NO_ARGS));
	db->marked = true;
	return ERR_OK;
}

enum err db_mark_undo(struct db *db)
{
	REQUIRE(db->marked || !db_in_transaction(db));
	ENSURE(db_in_transaction(db), ERR_STORE);
	TRY(db_run(db, "ROLLBACK TO mark", DB_NO_ARGS));
	return db_mark_release(db);
}

enum err db_mark_release(struct db *db)
{
	REQUIRE(db->marked || !db_in_transaction(db));
	ENSURE(db_in_transaction(db), ERR_STORE);
	db->marked = false;
	return db_run(db, "RELEASE mark", DB_NO_ARGS);
}

/* ---- checkpoint and space -------------------------------------------------------------------- */

enum err db_checkpoint(struct db *db, bool truncate)
{
	REQUIRE(!db_in_transaction(db));
	int pages = 0;
	int copied = 0;
	const int rc = sqlite3_wal_checkpoint_v2(
		db->raw, "main", truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE,
		&pages, &copied);
	ENSURE(rc == SQLITE_OK, db_last_err(db, rc));
	/* A WAL that was copied whole starts again from its beginning at the next write. */
	if (pages == copied) db->wal_pages = 0;
	return ERR_OK;
}

uint64_t db_wal_pages(const struct db *db)
{
	return db->wal_pages;
}

enum err db_check_space(const char *folder, struct db_space space)
{
	struct statvfs fs;
	ENSURE(statvfs(folder, &fs) == 0, err_from_errno(errno));
	const uint64_t free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	const uint64_t all_bytes = (uint64_t)fs.f_blocks * fs.f_frsize;
	const uint64_t part = all_bytes / 100 * space.percent_min;
	const uint64_t least = part < space.bytes_min ? part : space.bytes_min;
	return free_bytes < least ? ERR_DISK_FULL : ERR_OK;
}

/* ---- checks ---------------------------------------------------------------------------------- */

static enum err complaints_count(struct db *db, const char *sql, uint64_t *ret_complaints)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(db, sql, DB_NO_ARGS, &stmt));
	uint64_t count = 0;
	bool row = true;
	while (count < 100) {
		TRY(db_step(stmt, &row));
		if (!row) break;
		if (!view_equal(db_col_view(stmt, 0), view_str("ok"))) count++;
	}
	*ret_complaints = count;
	return ERR_OK;
}

enum err db_check_integrity(struct db *db, uint64_t *ret_complaints)
{
	return complaints_count(db, "PRAGMA integrity_check", ret_complaints);
}

enum err db_check_foreign_keys(struct db *db, uint64_t *ret_complaints)
{
	return complaints_count(db, "PRAGMA foreign_key_check", ret_complaints);
}

enum err db_set_pages_max(struct db *db, uint64_t pages)
{
	REQUIRE(pages > 0 && pages < INT32_MAX);
	CLEANUP(buf_finip) struct buf sql = { 0 };
	TRY(buf_append_fmt(&sql, "PRAGMA max_page_count=%llu", (unsigned long long)pages));
	const char *text = NULL;
	TRY(buf_cstr(&sql, &text));
	return db_exec(db, text);
}
