/* import_priv: what the files of `import` share; for import*.c only.
 *
 * Owns:    struct import owns its files, ids and map.   Threads: the desk thread.
 * Errors:  of import_fail_*: ERR_BAD_VALUE & co with a fault that names file, line and column. */
#pragma once

#include "client/api/csv_file.h"
#include "client/api/import_map.h"
#include "client/api/verb.h"

#include <time.h>

/* A `ref` of the files and the id it got. */
struct named {
	const char *ref; /* borrowed from the file */
	struct id id;
	size_t row;
};

/* A measure's row beside the session it belongs to, to walk both together. */
struct placed {
	size_t session; /* row in sessions.csv */
	size_t row;
};

struct import {
	struct verb *v; /* borrowed */
	struct import_map map;
	struct csv_file patients;
	struct csv_file sessions;
	struct csv_file measures;
	struct csv_file appointments; /* without rows when the folder has none */
	struct named *patient_ids;    /* owned; sorted by ref */
	struct named *session_ids;    /* owned; sorted by ref */
	struct placed *placed;        /* owned; sorted by session, then row */
	size_t next_placed;
	time_t today; /* local midnight of the importing machine */
};

/* "sessions.csv line 12: room: no room has that name" */
MUST_USE enum err import_fail_line(struct import *m, const char *file, size_t line, enum err e,
				   const char *column, const char *what);
/* What the store said about a record, for a line. Trouble with the disk stays what it is. */
MUST_USE enum err import_fail_store(struct import *m, const char *file, size_t line, enum err e,
				    const struct record_error *error);

/* NULL: no row has this ref. */
const struct named *import_named_find(const struct named *list, size_t count, const char *ref);
/* This room's name or another's; ERR_NOT_FOUND. */
MUST_USE enum err import_find_room(struct import *m, const char *name, struct id *ret_id);

/* Borrowed texts of one row. */
struct import_when {
	const char *day;     /* a whole number of days ago, or YYYY-MM-DD */
	const char *clock;   /* HH:MM of this machine's time zone */
	const char *minutes; /* at most 1440 */
};
enum import_when_field { IMPORT_WHEN_DAY, IMPORT_WHEN_CLOCK, IMPORT_WHEN_MINUTES };
/* ERR_BAD_VALUE with the field and what would be right. */
MUST_USE enum err import_read_when(const struct import *m, const struct import_when *when,
				   uint64_t *ret_start_ms, long *ret_minutes,
				   enum import_when_field *ret_field, const char **ret_allowed);

/* import_appointments.c */
#define IMPORT_APPOINTMENT_COLUMNS 7u
extern const char *const import_appointment_columns[IMPORT_APPOINTMENT_COLUMNS];
MUST_USE enum err import_appointments(struct import *m);
