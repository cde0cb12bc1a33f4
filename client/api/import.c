/* import: a clinic's past from a folder of CSV files (form: tests/data/harbour/README.md), signed
 * by the owner who is signed in, marked as imported, with the original therapist named.
 *
 * All or nothing: everything goes into one transaction, which --dry-run gives up at its end, so a
 * dry run checks exactly what the real one does. Errors name file, line and column, never what
 * stands there. */
#include "client/api/import_priv.h"
#include "client/api/show.h"
#include "client/api/verbs.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "record/access.h"
#include "record/catalogue.h"
#include "record/measure.h"
#include "record/text.h"
#include "wire/op.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { P_REF, P_NAME, P_NAME_USED, P_BORN, P_PHONE, P_EMAIL, P_HOUSEHOLD, P_COUNT };
enum {
	S_REF,
	S_PATIENT,
	S_LOGIN,
	S_ROOM,
	S_DAYS_AGO,
	S_START,
	S_MINUTES,
	S_SUBJECTIVE,
	S_OBJECTIVE,
	S_ASSESSMENT,
	S_PLAN,
	S_SIGNED,
	S_COUNT
};
enum {
	M_SESSION,
	M_PHASE,
	M_REF,
	M_SIDE,
	M_VALUE,
	M_RESULT,
	M_ALWAYS, /* from here on a file may do without */
	M_MODE = M_ALWAYS,
	M_POSITION,
	M_METHOD,
	M_PAIN,
	M_COUNT
};

static const char *const patient_columns[P_COUNT] = { "ref",   "name",  "name_used", "born",
						      "phone", "email", "household" };
static const char *const session_columns[S_COUNT] = { "ref",        "patient_ref", "staff_login",
						      "room",       "days_ago",    "start_hhmm",
						      "minutes",    "subjective",  "objective",
						      "assessment", "plan",        "signed" };
static const char *const measure_columns[M_COUNT] = { "session_ref", "phase",    "ref",
						      "side",        "value",    "result",
						      "mode",        "position", "method",
						      "pain_at_end" };

static void import_finip(struct import *m)
{
	csv_file_fini(&m->patients);
	csv_file_fini(&m->sessions);
	csv_file_fini(&m->measures);
	csv_file_fini(&m->appointments);
	import_map_fini(&m->map);
	free(m->patient_ids);
	free(m->session_ids);
	free(m->placed);
}

/* "sessions.csv line 12: room: no room has that name" */
enum err import_fail_line(struct import *m, const char *file, size_t line, enum err e,
			  const char *column, const char *what)
{
	return fault_set(&m->v->fault, e == ERR_OK ? ERR_BAD_VALUE : e, "bad_line",
			 "%s line %zu: %s%s%s", file, line, column, column[0] != '\0' ? ": " : "",
			 what);
}

static enum err fail_patient(struct import *m, size_t row, int column, const char *what)
{
	return import_fail_line(m, "patients.csv", m->patients.rows[row].line, ERR_BAD_VALUE,
				patient_columns[column], what);
}

static enum err fail_session(struct import *m, size_t row, int column, const char *what)
{
	return import_fail_line(m, "sessions.csv", m->sessions.rows[row].line, ERR_BAD_VALUE,
				session_columns[column], what);
}

static enum err fail_measure(struct import *m, size_t row, int column, const char *what)
{
	return import_fail_line(m, "measures.csv", m->measures.rows[row].line, ERR_BAD_VALUE,
				measure_columns[column], what);
}

/* What the store said about a record, for a line. Trouble with the disk stays what it is. */
enum err import_fail_store(struct import *m, const char *file, size_t line, enum err e,
			   const struct record_error *error)
{
	if (e == ERR_IO || e == ERR_DISK_FULL || e == ERR_STORE || e == ERR_NOMEM) return e;
	if (e == ERR_FULL) {
		return fault_set(&m->v->fault, e, NULL,
				 "this folder makes more than %u changes: import it in parts, "
				 "each patient with all sessions in one part",
				 LOCAL_BATCH_OPS_MAX);
	}
	const bool told = error != NULL && error->err != ERR_OK;
	return import_fail_line(m, file, line, e, told && error->field != NULL ? error->field : "",
				told ? error->allowed : err_text(e));
}

/* ---- reading the files --------------------------------------------------------------------- */

static enum err fail_file(struct import *m, const char *name, enum err e, size_t line)
{
	if (e == ERR_NOMEM) return e;
	if (line == 0) return fault_set(&m->v->fault, e, NULL, "%s: %s", name, err_text(e));
	return import_fail_line(
		m, name, line, e, "",
		e == ERR_BAD_FORMAT
			? (line == 1 ? "the header is not the one expected"
				     : "wrong number of columns, or quotes that do not close")
			: err_text(e));
}

/* With its own columns, or with those that the map says. */
static enum err read_file(struct import *m, int dir_fd, const char *name,
			  const char *const *columns, size_t count, struct csv_file *ret)
{
	size_t line = 0;

	if (import_map_has(&m->map, name)) {
		const enum err e = csv_file_read_any(dir_fd, name, ret, &line);
		return e == ERR_OK ? import_map_apply(m, name, columns, count, ret)
				   : fail_file(m, name, e, line);
	}
	const enum err e = csv_file_read(dir_fd, name, columns, count, ret, &line);
	return e == ERR_OK ? ERR_OK : fail_file(m, name, e, line);
}

/* How a measure was taken may be left out: an older file does not say it. */
static enum err read_measures(struct import *m, int dir_fd)
{
	static const char name[] = "measures.csv";
	struct csv_place places[M_COUNT];
	size_t line = 0, found = 0;

	if (import_map_has(&m->map, name))
		return read_file(m, dir_fd, name, measure_columns, M_COUNT, &m->measures);
	const enum err e = csv_file_read_any(dir_fd, name, &m->measures, &line);
	if (e != ERR_OK) return fail_file(m, name, e, line);
	for (size_t i = 0; i < M_COUNT; i++) {
		places[i] = (struct csv_place){ .value = "" };
		places[i].has_column = csv_file_find(&m->measures, measure_columns[i],
						     &places[i].column) == ERR_OK;
		if (!places[i].has_column && i < M_ALWAYS)
			return fail_file(m, name, ERR_BAD_FORMAT, 1);
		if (places[i].has_column) found++;
	}
	if (found != m->measures.column_count) return fail_file(m, name, ERR_BAD_FORMAT, 1);
	return csv_file_arrange(&m->measures, places, M_COUNT);
}

static enum err read_folder(struct import *m, const char *folder)
{
	CLEANUP(closep) int dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir_fd < 0) {
		const bool missing = errno == ENOENT || errno == ENOTDIR;
		return fault_set(&m->v->fault, missing ? ERR_NOT_FOUND : ERR_DENIED, NULL,
				 "the folder %s", missing ? "does not exist" : "cannot be read");
	}
	TRY(read_file(m, dir_fd, "patients.csv", patient_columns, P_COUNT, &m->patients));
	TRY(read_file(m, dir_fd, "sessions.csv", session_columns, S_COUNT, &m->sessions));
	TRY(read_measures(m, dir_fd));
	/* A folder without appointments is one from before there were any. */
	if (faccessat(dir_fd, "appointments.csv", F_OK, 0) != 0) return ERR_OK;
	return read_file(m, dir_fd, "appointments.csv", import_appointment_columns,
			 IMPORT_APPOINTMENT_COLUMNS, &m->appointments);
}

/* ---- refs ---------------------------------------------------------------------------------- */

static int named_compare(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->ref, ((const struct named *)b)->ref);
}

const struct named *import_named_find(const struct named *list, size_t count, const char *ref)
{
	const struct named key = { .ref = ref };

	if (count == 0) return NULL;
	return bsearch(&key, list, count, sizeof(*list), named_compare);
}

/* Gives each row an id and finds refs that stand twice. */
static enum err name_rows(struct import *m, const struct csv_file *f, const char *file,
			  struct named **ret_list)
{
	struct named *list = calloc(f->row_count + 1, sizeof(*list));

	ENSURE(list != NULL, ERR_NOMEM);
	*ret_list = list; /* the import's from here on */
	for (size_t i = 0; i < f->row_count; i++) {
		list[i] = (struct named){ csv_file_text(f, i, 0),
					  local_new_id(verb_local(m->v), m->v->now_ms), i };
		if (list[i].ref[0] == '\0') {
			return import_fail_line(m, file, f->rows[i].line, ERR_BAD_VALUE, "ref",
						"is empty");
		}
	}
	if (f->row_count > 0) qsort(list, f->row_count, sizeof(*list), named_compare);
	for (size_t i = 1; i < f->row_count; i++) {
		if (strcmp(list[i - 1].ref, list[i].ref) != 0) continue;
		const size_t row = list[i].row > list[i - 1].row ? list[i].row : list[i - 1].row;
		return import_fail_line(m, file, f->rows[row].line, ERR_BAD_VALUE, "ref",
					"stands twice in this file");
	}
	return ERR_OK;
}

static int placed_compare(const void *a, const void *b)
{
	const struct placed *x = a;
	const struct placed *y = b;

	if (x->session != y->session) return x->session < y->session ? -1 : 1;
	if (x->row == y->row) return 0;
	return x->row < y->row ? -1 : 1;
}

static enum err place_measures(struct import *m)
{
	const size_t count = m->measures.row_count;

	m->placed = calloc(count + 1, sizeof(*m->placed));
	ENSURE(m->placed != NULL, ERR_NOMEM);
	for (size_t i = 0; i < count; i++) {
		const char *ref = csv_file_text(&m->measures, i, M_SESSION);
		const struct named *session =
			import_named_find(m->session_ids, m->sessions.row_count, ref);
		if (session == NULL) {
			return fail_measure(m, i, M_SESSION, "is not a ref of sessions.csv");
		}
		m->placed[i] = (struct placed){ session->row, i };
	}
	if (count > 0) qsort(m->placed, count, sizeof(*m->placed), placed_compare);
	m->placed[count].session = SIZE_MAX; /* the end, for the walk */
	return ERR_OK;
}

/* ---- patients ------------------------------------------------------------------------------ */

static enum err import_patient(struct import *m, const struct named *n)
{
	CLEANUP(buf_finip) struct buf name = { 0 };
	struct record_error error = { .err = ERR_OK };
	Roomkeep__Patient p = ROOMKEEP__PATIENT__INIT;
	const char *text = NULL;
	struct id op_id;

	if (text_normalise_name(view_str(csv_file_text(&m->patients, n->row, P_NAME)), &name) !=
	    ERR_OK) {
		return fail_patient(m, n->row, P_NAME, "one line of clean text");
	}
	TRY(buf_cstr(&name, &text));
	p.has_patient_id = 1;
	p.patient_id = wire_id_bytes(&n->id);
	p.name = wire_text_or_null(text);
	p.name_used = wire_text_or_null(csv_file_text(&m->patients, n->row, P_NAME_USED));
	p.born = wire_text_or_null(csv_file_text(&m->patients, n->row, P_BORN));
	p.phone = wire_text_or_null(csv_file_text(&m->patients, n->row, P_PHONE));
	p.email = wire_text_or_null(csv_file_text(&m->patients, n->row, P_EMAIL));
	const enum err e = local_append(verb_local(m->v), verb_vault(m->v), KIND_PATIENT, &p.base,
					m->v->now_ms, &op_id, &error);
	buf_wipe(&name);
	if (e == ERR_OK) return ERR_OK;
	return import_fail_store(m, "patients.csv", m->patients.rows[n->row].line, e, &error);
}

/* ---- sessions ------------------------------------------------------------------------------ */

static enum err find_room(struct import *m, size_t row, struct id *ret_id)
{
	const char *name = csv_file_text(&m->sessions, row, S_ROOM);

	if (import_find_room(m, name, ret_id) == ERR_OK) return ERR_OK;
	return fail_session(m, row, S_ROOM, "no room has that name; invite it first");
}

static enum err read_start(struct import *m, size_t row, uint64_t *ret_start_ms,
			   uint64_t *ret_end_ms)
{
	static const int columns[] = {
		[IMPORT_WHEN_DAY] = S_DAYS_AGO,
		[IMPORT_WHEN_CLOCK] = S_START,
		[IMPORT_WHEN_MINUTES] = S_MINUTES,
	};
	const struct import_when when = { csv_file_text(&m->sessions, row, S_DAYS_AGO),
					  csv_file_text(&m->sessions, row, S_START),
					  csv_file_text(&m->sessions, row, S_MINUTES) };
	enum import_when_field field = IMPORT_WHEN_DAY;
	const char *allowed = NULL;
	long minutes = 0;

	const enum err e = import_read_when(m, &when, ret_start_ms, &minutes, &field, &allowed);
	if (e == ERR_BAD_VALUE) return fail_session(m, row, columns[field], allowed);
	TRY(e);
	*ret_end_ms = *ret_start_ms + (uint64_t)minutes * 60000u;
	return ERR_OK;
}

static enum err import_frame(struct import *m, const struct named *n, uint64_t *ret_start_ms,
			     uint64_t *ret_end_ms)
{
	Roomkeep__SessionFrame f = ROOMKEEP__SESSION_FRAME__INIT;
	struct record_error error = { .err = ERR_OK };
	struct id therapist_id;
	struct id room_id;
	struct id op_id;

	const struct named *patient =
		import_named_find(m->patient_ids, m->patients.row_count,
				  csv_file_text(&m->sessions, n->row, S_PATIENT));
	if (patient == NULL)
		return fail_session(m, n->row, S_PATIENT, "is not a ref of patients.csv");
	if (local_user_by_login(verb_local(m->v), csv_file_text(&m->sessions, n->row, S_LOGIN),
				&therapist_id) != ERR_OK) {
		return fail_session(m, n->row, S_LOGIN,
				    "nobody has that login; add the person first");
	}
	TRY(find_room(m, n->row, &room_id));
	TRY(read_start(m, n->row, ret_start_ms, ret_end_ms));
	f.has_session_id = f.has_patient_id = f.has_therapist_id = f.has_room_id = 1;
	f.session_id = wire_id_bytes(&n->id);
	f.patient_id = wire_id_bytes(&patient->id);
	f.therapist_id = wire_id_bytes(&therapist_id);
	f.room_id = wire_id_bytes(&room_id);
	f.has_started_ms = f.has_ended_ms = f.has_imported = 1;
	f.started_ms = *ret_start_ms;
	f.ended_ms = *ret_end_ms;
	f.imported = 1;
	const enum err e = local_append(verb_local(m->v), verb_vault(m->v), KIND_SESSION_FRAME,
					&f.base, m->v->now_ms, &op_id, &error);
	if (e == ERR_OK) return ERR_OK;
	return import_fail_store(m, "sessions.csv", m->sessions.rows[n->row].line, e, &error);
}

static enum err import_texts(struct import *m, const struct named *n)
{
	for (int i = 0; i < (int)FOLD_TEXT_FIELDS; i++) {
		struct record_error error = { .err = ERR_OK };
		const char *text =
			csv_file_text(&m->sessions, n->row, (size_t)S_SUBJECTIVE + (size_t)i);
		struct id op_id;
		if (text[0] == '\0') continue;
		const enum err e = local_set_text(verb_local(m->v), verb_vault(m->v), &n->id,
						  (Roomkeep__TextField)(i + 1), view_str(text),
						  m->v->now_ms, &op_id, &error);
		if (e == ERR_OK) continue;
		if (error.err != ERR_OK) error.field = session_columns[S_SUBJECTIVE + i];
		return import_fail_store(m, "sessions.csv", m->sessions.rows[n->row].line, e,
					 &error);
	}
	return ERR_OK;
}

/* ---- measures ------------------------------------------------------------------------------ */

static enum err read_value(struct import *m, size_t row, Roomkeep__Measure *r)
{
	const char *text = csv_file_text(&m->measures, row, M_VALUE);
	const char *result = csv_file_text(&m->measures, row, M_RESULT);
	char *end = NULL;

	if ((text[0] == '\0') == (result[0] == '\0')) {
		return fail_measure(m, row, M_VALUE,
				    "either a value or a result, not both or none");
	}
	if (text[0] == '\0') {
		r->has_result = 1;
		r->result = show_result_parse(result);
		if (r->result != ROOMKEEP__TEST_RESULT__RESULT_NONE) return ERR_OK;
		return fail_measure(m, row, M_RESULT, "pos, neg, equivocal or unable");
	}
	const bool plain = strspn(text, "-.0123456789") == strlen(text);
	errno = 0;
	const double value = plain ? strtod(text, &end) : 0;
	if (!plain || errno != 0 || *end != '\0' || fabs(value) > 1e9) {
		return fail_measure(m, row, M_VALUE, "a number");
	}
	r->has_value_milli = 1;
	r->value_milli = llround(value * 1000.0);
	return ERR_OK;
}

static enum err read_place(struct import *m, size_t row, Roomkeep__Measure *r)
{
	const char *side = csv_file_text(&m->measures, row, M_SIDE);

	r->has_phase = 1;
	r->phase = show_phase_parse(csv_file_text(&m->measures, row, M_PHASE));
	if (r->phase == ROOMKEEP__PHASE__PHASE_UNKNOWN) {
		return fail_measure(m, row, M_PHASE, "pre, mid or post");
	}
	if (side[0] == '\0') return ERR_OK;
	r->has_side = 1;
	r->side = show_side_parse(side);
	if (r->side != ROOMKEEP__SIDE__SIDE_UNKNOWN) return ERR_OK;
	return fail_measure(m, row, M_SIDE, "L, R, mid, both or empty");
}

static enum err read_word(struct import *m, size_t row, int column, enum measure_list list,
			  protobuf_c_boolean *ret_has, int *ret)
{
	const char *word = csv_file_text(&m->measures, row, (size_t)column);

	*ret = 0;
	if (word[0] == '\0') return ERR_OK;
	*ret_has = 1;
	*ret = measure_word_parse(list, word);
	return *ret != 0 ? ERR_OK : fail_measure(m, row, column, measure_words(list));
}

static enum err read_how(struct import *m, size_t row, Roomkeep__Measure *r)
{
	const char *pain = csv_file_text(&m->measures, row, M_PAIN);
	int mode = 0, position = 0, method = 0;

	TRY(read_word(m, row, M_MODE, MEASURE_MODE, &r->has_mode, &mode));
	TRY(read_word(m, row, M_POSITION, MEASURE_POSITION, &r->has_position, &position));
	TRY(read_word(m, row, M_METHOD, MEASURE_METHOD, &r->has_method, &method));
	r->mode = (Roomkeep__Mode)mode;
	r->position = (Roomkeep__Position)position;
	r->method = (Roomkeep__Method)method;
	if (pain[0] == '\0') return ERR_OK;
	char *end = NULL;
	const unsigned long points = pain[0] >= '0' && pain[0] <= '9' ? strtoul(pain, &end, 10)
								      : MEASURE_PAIN_MAX + 1;
	if (points > MEASURE_PAIN_MAX || *end != '\0')
		return fail_measure(m, row, M_PAIN, "0 to 10");
	r->has_pain_at_end = 1;
	r->pain_at_end = (uint32_t)points;
	return ERR_OK;
}

static enum err import_measure(struct import *m, size_t row, const struct id *session_id,
			       uint64_t start_ms, uint64_t end_ms)
{
	struct record_error error = { .err = ERR_OK };
	Roomkeep__Measure r = ROOMKEEP__MEASURE__INIT;
	struct id op_id;

	const struct catalogue_entry *entry =
		catalogue_find(view_str(csv_file_text(&m->measures, row, M_REF)));
	if (entry == NULL) return fail_measure(m, row, M_REF, "is not in the catalogue");
	TRY(read_place(m, row, &r));
	TRY(read_value(m, row, &r));
	TRY(read_how(m, row, &r));
	const struct id measure_id = local_new_id(verb_local(m->v), m->v->now_ms);
	r.has_measure_id = r.has_session_id = r.has_catalogue = r.has_at_ms = 1;
	r.measure_id = wire_id_bytes(&measure_id);
	r.session_id = wire_id_bytes(session_id);
	r.ref = wire_text_or_null(entry->ref);
	r.catalogue = CATALOGUE_VERSION;
	if (r.has_value_milli) r.unit = wire_text_or_null(entry->unit);
	r.at_ms = r.phase == ROOMKEEP__PHASE__PRE   ? start_ms
		  : r.phase == ROOMKEEP__PHASE__MID ? start_ms + (end_ms - start_ms) / 2
						    : end_ms;
	const enum err e = local_append(verb_local(m->v), verb_vault(m->v), KIND_MEASURE, &r.base,
					m->v->now_ms, &op_id, &error);
	if (e == ERR_OK) return ERR_OK;
	return import_fail_store(m, "measures.csv", m->measures.rows[row].line, e, &error);
}

static enum err import_signature(struct import *m, const struct named *n)
{
	const char *word = csv_file_text(&m->sessions, n->row, S_SIGNED);
	struct id op_id;

	if (strcmp(word, "no") == 0) return ERR_OK;
	if (strcmp(word, "yes") != 0) return fail_session(m, n->row, S_SIGNED, "yes or no");
	const enum err e = local_sign_session(verb_local(m->v), verb_vault(m->v), &n->id,
					      m->v->now_ms, &op_id);
	if (e == ERR_OK) return ERR_OK;
	return import_fail_store(m, "sessions.csv", m->sessions.rows[n->row].line, e, NULL);
}

static enum err import_session(struct import *m, const struct named *n)
{
	uint64_t start_ms = 0;
	uint64_t end_ms = 0;

	TRY(import_frame(m, n, &start_ms, &end_ms));
	TRY(import_texts(m, n));
	for (; m->placed[m->next_placed].session == n->row; m->next_placed++) {
		TRY(import_measure(m, m->placed[m->next_placed].row, &n->id, start_ms, end_ms));
	}
	return import_signature(m, n);
}

/* ---- the whole ----------------------------------------------------------------------------- */

/* Rows in the order of the file, so that lanes tell the story in order. */
static int by_row(const void *a, const void *b)
{
	const struct named *x = a;
	const struct named *y = b;

	if (x->row == y->row) return 0;
	return x->row < y->row ? -1 : 1;
}

static enum err import_rows(struct import *m)
{
	CLEANUP(freep)
	struct named *sessions = calloc(m->sessions.row_count + 1, sizeof(*sessions));

	ENSURE(sessions != NULL, ERR_NOMEM);
	if (m->sessions.row_count > 0) {
		memcpy(sessions, m->session_ids, m->sessions.row_count * sizeof(*sessions));
		qsort(sessions, m->sessions.row_count, sizeof(*sessions), by_row);
	}
	for (size_t i = 0; i < m->patients.row_count; i++) {
		TRY(import_patient(m, &m->patient_ids[i]));
	}
	for (size_t i = 0; i < m->sessions.row_count; i++) TRY(import_session(m, &sessions[i]));
	return import_appointments(m);
}

static enum err find_today(time_t *ret_today, uint64_t now_ms)
{
	const time_t now = (time_t)(now_ms / 1000u);
	struct tm tm;

	ENSURE(localtime_r(&now, &tm) != NULL, ERR_BUG);
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	*ret_today = mktime(&tm);
	return ERR_OK;
}

static enum err import_all(struct import *m, bool dry_run)
{
	TRY(name_rows(m, &m->patients, "patients.csv", &m->patient_ids));
	TRY(name_rows(m, &m->sessions, "sessions.csv", &m->session_ids));
	TRY(place_measures(m));
	TRY(local_begin(verb_local(m->v)));
	enum err e = import_rows(m);
	if (e == ERR_OK && !dry_run) e = local_commit(verb_local(m->v));
	if (e != ERR_OK || dry_run) local_cancel(verb_local(m->v), verb_vault(m->v));
	return e;
}

static enum err import_folder(struct verb *v)
{
	CLEANUP(import_finip) struct import m = { .v = v };
	const bool dry_run = json_is_true(json_object_get(v->request, "dry_run"));
	const char *folder = NULL;

	TRY(verb_need_text(v, "folder", &folder));
	TRY(find_today(&m.today, v->now_ms));
	if (verb_has(v, "map")) TRY(import_map_read(&m, verb_text(v, "map")));
	TRY(read_folder(&m, folder));
	TRY(import_all(&m, dry_run));
	v->effects.outbox = !dry_run;
	TRY(json_put(v->answer, "patients", json_integer((json_int_t)m.patients.row_count)));
	TRY(json_put(v->answer, "sessions", json_integer((json_int_t)m.sessions.row_count)));
	TRY(json_put(v->answer, "measures", json_integer((json_int_t)m.measures.row_count)));
	TRY(json_put(v->answer, "appointments",
		     json_integer((json_int_t)m.appointments.row_count)));
	return json_put(v->answer, "dry_run", json_boolean(dry_run));
}

enum err verb_import(struct verb *v)
{
	if (!dir_user_has(local_directory(verb_local(v)), desk_person(v->desk), DIR_OWNER)) {
		return fault_set(&v->fault, ERR_DENIED, NULL, "only an owner may import");
	}
	if (!dir_user_has(local_directory(verb_local(v)), desk_person(v->desk), DIR_THERAPIST)) {
		return fault_set(&v->fault, ERR_DENIED, NULL,
				 "an import writes sessions: only an owner who is therapist may");
	}
	if (v->step == 0) {
		/* The files name rooms; only the server knows all names. */
		return verb_learn_begin(v);
	}
	TRY(verb_learn_more(v));
	return v->ask.len > 0 ? ERR_OK : import_folder(v);
}
