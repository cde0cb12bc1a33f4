/* Appointments of another program, past and future. The server judges each as any other: what
 * clashes
 * there is shown as clashed and never dropped. */
#include "client/api/import_priv.h"

#include "base/check.h"
#include "record/field_words.h"
#include "wire/op.h"

#include <string.h>

#define FILE_NAME "appointments.csv"

enum { A_PATIENT, A_LOGIN, A_ROOM, A_DAY, A_START, A_MINUTES, A_STATE, A_COUNT };

const char *const import_appointment_columns[IMPORT_APPOINTMENT_COLUMNS] = {
	"patient_ref", "staff_login", "room", "day", "start_hhmm", "minutes", "state"
};
_Static_assert((int)A_COUNT == (int)IMPORT_APPOINTMENT_COLUMNS, "one name each");

static const char *text_of(const struct import *m, size_t row, int column)
{
	return csv_file_text(&m->appointments, row, (size_t)column);
}

static enum err fail_row(struct import *m, size_t row, int column, const char *what)
{
	return import_fail_line(m, FILE_NAME, m->appointments.rows[row].line, ERR_BAD_VALUE,
				import_appointment_columns[column], what);
}

static enum err read_who(struct import *m, size_t row, struct id *patient, struct id *therapist,
			 struct id *room)
{
	const struct named *named = import_named_find(m->patient_ids, m->patients.row_count,
						      text_of(m, row, A_PATIENT));

	if (named == NULL) return fail_row(m, row, A_PATIENT, "is not a ref of patients.csv");
	*patient = named->id;
	if (local_user_by_login(verb_local(m->v), text_of(m, row, A_LOGIN), therapist) != ERR_OK) {
		return fail_row(m, row, A_LOGIN, "nobody has that login; add the person first");
	}
	if (import_find_room(m, text_of(m, row, A_ROOM), room) == ERR_OK) return ERR_OK;
	return fail_row(m, row, A_ROOM, "no room has that name; invite it first");
}

static enum err read_when(struct import *m, size_t row, Roomkeep__Appointment *a)
{
	static const int columns[] = {
		[IMPORT_WHEN_DAY] = A_DAY,
		[IMPORT_WHEN_CLOCK] = A_START,
		[IMPORT_WHEN_MINUTES] = A_MINUTES,
	};
	const struct import_when when = { text_of(m, row, A_DAY), text_of(m, row, A_START),
					  text_of(m, row, A_MINUTES) };
	enum import_when_field field = IMPORT_WHEN_DAY;
	const char *allowed = NULL;
	long minutes = 0;

	const enum err e = import_read_when(m, &when, &a->starts_ms, &minutes, &field, &allowed);
	if (e == ERR_BAD_VALUE) return fail_row(m, row, columns[field], allowed);
	TRY(e);
	a->has_starts_ms = a->has_minutes = 1;
	a->minutes = (uint32_t)minutes;
	return ERR_OK;
}

/* Empty: booked. */
static enum err read_state(struct import *m, size_t row, Roomkeep__Appointment *a)
{
	const char *word = text_of(m, row, A_STATE);
	int state = (int)ROOMKEEP__APPOINTMENT__STATE__BOOKED;

	if (word[0] != '\0' &&
	    enum_parse(&roomkeep__appointment__state__descriptor, word, &state) != ERR_OK) {
		return fail_row(m, row, A_STATE,
				"empty, booked, arrived, in_session, done, cancelled, "
				"late_cancelled or no_show");
	}
	a->has_state = 1;
	a->state = (Roomkeep__Appointment__State)state;
	return ERR_OK;
}

static enum err import_row(struct import *m, size_t row)
{
	struct record_error error = { .err = ERR_OK };
	Roomkeep__Appointment a = ROOMKEEP__APPOINTMENT__INIT;
	const struct id id = local_new_id(verb_local(m->v), m->v->now_ms);
	struct id patient;
	struct id therapist;
	struct id room;
	struct id op_id;

	TRY(read_who(m, row, &patient, &therapist, &room));
	TRY(read_when(m, row, &a));
	TRY(read_state(m, row, &a));
	a.has_appointment_id = a.has_patient_id = a.has_room_id = a.has_therapist_id = 1;
	a.appointment_id = wire_id_bytes(&id);
	a.patient_id = wire_id_bytes(&patient);
	a.room_id = wire_id_bytes(&room);
	a.therapist_id = wire_id_bytes(&therapist);
	const enum err e = local_append(verb_local(m->v), verb_vault(m->v), KIND_APPOINTMENT,
					&a.base, m->v->now_ms, &op_id, &error);
	if (e == ERR_OK) return ERR_OK;
	return import_fail_store(m, FILE_NAME, m->appointments.rows[row].line, e, &error);
}

enum err import_appointments(struct import *m)
{
	for (size_t i = 0; i < m->appointments.row_count; i++) TRY(import_row(m, i));
	return ERR_OK;
}
