/* db: a database made, written, read and opened again. What a commit confirmed is there. */
#include "scenes.h"

#include "base/buf.h"
#include "db/db.h"

#include <string.h>

#define ROWS 6u

static const char *const steps[] = {
	"CREATE TABLE thing (thing INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, data BLOB)"
	" STRICT;",
	"CREATE TABLE part (part INTEGER PRIMARY KEY, thing INTEGER NOT NULL REFERENCES thing)"
	" STRICT; INSERT INTO thing (thing, name) VALUES (1000, 'first');",
};
static const struct db_schema schema = { 0x31323334, steps, 2 };

static struct db *db;
static uint64_t confirmed; /* rows that a commit said are there */

static enum err open_here(void)
{
	return db_open_writer(fault_folder(), "x.db", &schema, &db);
}

static void end(void)
{
	db_close(db);
	db = NULL;
}

static void set_open(void)
{
	end();
	confirmed = 0;
	FAULT_OK(open_here());
	FAULT_OK(db_run(db, "DELETE FROM thing WHERE thing < 1000", DB_NO_ARGS));
}

static enum err write_row(uint64_t number)
{
	CLEANUP(buf_finip) struct buf name = { 0 };
	TRY(buf_append_fmt(&name, "thing number %llu", (unsigned long long)number));
	return db_run(db, "INSERT INTO thing (thing, name, data) VALUES (?1, ?2, ?3)",
		      DB_ARGS(db_u64(number), db_text(buf_view(&name)), db_blob(buf_view(&name))));
}

static enum err write_in_transaction(uint64_t number)
{
	TRY(write_row(number));
	TRY(db_mark(db));
	TRY(write_row(number + 500));
	return db_mark_undo(db);
}

static enum err write_all(void)
{
	for (uint64_t i = 1; i <= ROWS; i++) {
		TRY(db_begin(db));
		const enum err e = write_in_transaction(i);
		if (e != ERR_OK) {
			db_rollback(db);
			return e;
		}
		TRY(db_commit(db));
		confirmed = i;
	}
	return db_checkpoint(db, false);
}

/* Exactly the confirmed rows, or one more: a COMMIT that failed may still have reached the disk. */
static void look(void)
{
	uint64_t rows = 0;
	uint64_t top = 0;
	uint64_t bad = 0;
	FAULT_OK(
		db_get_u64(db, "SELECT count(*) FROM thing WHERE thing < 1000", DB_NO_ARGS, &rows));
	FAULT_OK(db_get_u64(db, "SELECT max(thing) FROM thing WHERE thing < 1000", DB_NO_ARGS,
			    &top));
	FAULT_CHECK(rows == top && rows >= confirmed && rows <= confirmed + 1);
	FAULT_OK(db_check_integrity(db, &bad));
	FAULT_CHECK(bad == 0);
}

static void check_written(enum err e)
{
	(void)e;
	look();
	end();
	FAULT_OK(open_here());
	look();
	FAULT_OK(db_run(db, "DELETE FROM thing WHERE thing < 1000", DB_NO_ARGS));
	confirmed = 0;
	FAULT_OK(write_all());
	look();
}

static void check_opened(enum err e)
{
	uint64_t first = 0;
	FAULT_CHECK((e == ERR_OK) == (db != NULL));
	end();
	FAULT_OK(open_here());
	FAULT_OK(db_get_u64(db, "SELECT count(*) FROM thing WHERE name='first'", DB_NO_ARGS,
			    &first));
	FAULT_CHECK(first == 1);
}

static void set_again(void)
{
	set_open();
	FAULT_OK(write_all());
	end();
}

static enum err run_read(void)
{
	CLEANUP(db_closep) struct db *reader = NULL;
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_open_reader(fault_folder(), "x.db", &schema, &reader));
	TRY(db_query(reader, "SELECT thing, name FROM thing ORDER BY name", DB_NO_ARGS, &stmt));
	bool row = true;
	unsigned count = 0;
	for (;;) {
		TRY(db_step(stmt, &row));
		if (!row) break;
		/* A column that cannot be read (memory) must not pass for an empty one. */
		if (db_col_view(stmt, 1).len > 0) count++;
	}
	FAULT_CHECK(count == ROWS + 1);
	return ERR_OK;
}

static void set_read(void)
{
	set_open();
	FAULT_OK(write_all());
}

const struct fault_scene scene_db_new = { .name = "db.new",
					  .says = "a database is made",
					  .run = open_here,
					  .check = check_opened,
					  .end = end,
					  .strict = true,
					  .also = FAULT_MAY(NOMEM) };
const struct fault_scene scene_db_write = { .name = "db.write",
					    .says = "transactions, marks, a checkpoint",
					    .set = set_open,
					    .run = write_all,
					    .check = check_written,
					    .end = end,
					    .strict = true };
const struct fault_scene scene_db_again = { .name = "db.again",
					    .says = "a database with a WAL is opened",
					    .set = set_again,
					    .run = open_here,
					    .check = check_opened,
					    .end = end,
					    .strict = true };
const struct fault_scene scene_db_read = { .name = "db.read",
					   .says = "a reader beside the writer",
					   .set = set_read,
					   .run = run_read,
					   .end = end,
					   .strict = true };
