#include "client/api/verbs.h"

#include "base/check.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define PERSON .needs_person = true, .is_presence = true
#define SESSION PERSON, .needs_session = true
#define CHART .is_chart = true

static const struct verb_row own_rows[] = {
	{ "status", "roomkeep.status/1", verb_status, .is_presence = false },
	{ "sync", "roomkeep.sync/1", verb_sync, .is_presence = false },
	{ "sign-in", "roomkeep.sign_in/1", verb_sign_in, .is_presence = true },
	{ "lock", "roomkeep.lock/1", verb_lock_room, .is_presence = true },
	{ "set/passphrase", "roomkeep.passphrase/1", verb_set_passphrase, PERSON },
	{ "set/server", "roomkeep.server/1", verb_set_server, .is_presence = true },
	{ "confirm/kit", "roomkeep.kit/1", verb_confirm_kit, .is_presence = true },
	{ "add/user", "roomkeep.user/1", verb_add_user, PERSON },
	{ "disable/user", "roomkeep.user/1", verb_disable_user, PERSON },
	{ "unlock/user", "roomkeep.unlocked/1", verb_unlock_user, PERSON },
	{ "list/users", "roomkeep.users/1", verb_list_users, PERSON },
	{ "invite/room", "roomkeep.invitation/1", verb_invite_room, PERSON },
	{ "retire/room", "roomkeep.room/1", verb_retire_room, PERSON },
	{ "list/rooms", "roomkeep.rooms/1", verb_list_rooms, PERSON },
	{ "show/retention", "roomkeep.retention/1", verb_show_retention, PERSON, CHART },
	{ "import", "roomkeep.import/1", verb_import, PERSON },
	{ "add/patient", "roomkeep.patient/1", verb_add_patient, PERSON },
	{ "set/patient", "roomkeep.patient/1", verb_set_patient, PERSON },
	{ "show/patient", "roomkeep.chart/1", verb_show_patient, PERSON, CHART },
	{ "find/patient", "roomkeep.patients/1", verb_find_patient, PERSON },
	{ "list/patients", "roomkeep.patients/1", verb_list_patients, PERSON },
	{ "show/card", "roomkeep.card/1", verb_show_card, PERSON, CHART },
	{ "show/safety-card", "roomkeep.safety_card/1", verb_show_safety_card, PERSON },
	{ "list/watch", "roomkeep.watch/1", verb_list_watch, PERSON },
	{ "start/session", "roomkeep.session_started/1", verb_start_session, PERSON },
	{ "set/session", "roomkeep.session_set/1", verb_set_session, SESSION },
	{ "correct/session", "roomkeep.session_corrected/1", verb_correct_session, SESSION },
	{ "add/measure", "roomkeep.measure/1", verb_add_measure, SESSION },
	{ "show/progress", "roomkeep.progress/1", verb_show_progress, PERSON, CHART },
	{ "show/report", "roomkeep.report/1", verb_show_report, PERSON },
	{ "list/tests", "roomkeep.tests/1", verb_list_tests, PERSON },
	{ "export/proof", "roomkeep.proof_page/1", verb_export_proof, PERSON, CHART },
	{ "export/patient", "roomkeep.patient_file/1", verb_export_patient, PERSON, CHART },
	{ "export/letter", "roomkeep.letter_file/1", verb_export_letter, PERSON, CHART },
	{ "export/receipt", "roomkeep.receipt_file/1", verb_export_receipt, SESSION },
	{ "sign/session", "roomkeep.session_signed/1", verb_sign_session, SESSION },
	{ "open/withheld", "roomkeep.opened/1", verb_open_withheld, PERSON },
	{ "list/reviews", "roomkeep.reviews/1", verb_list_reviews, PERSON },
	{ "list/audit", "roomkeep.audit/1", verb_list_audit, PERSON },
	{ "show/session", "roomkeep.session/1", verb_show_session, SESSION, CHART },
	{ "list/sessions", "roomkeep.sessions/1", verb_list_sessions, PERSON, CHART },
	{ "add/addendum", "roomkeep.addendum/1", verb_add_addendum, SESSION },
	{ "add/note", "roomkeep.note/1", verb_add_note, PERSON },
	{ "list/notes", "roomkeep.notes/1", verb_list_notes, PERSON },
	{ "list/day-sheet", "roomkeep.day_sheet/1", verb_list_day_sheet, PERSON },
	{ "list/waitlist", "roomkeep.waitlist/1", verb_list_waitlist, PERSON },
	{ "add/walk-in", "roomkeep.walk_in/1", verb_add_walk_in, PERSON },
	{ "rebook", "roomkeep.rebooked/1", verb_rebook, PERSON },
	{ "export/day-sheet", "roomkeep.day_sheet_file/1", verb_export_day_sheet, PERSON },
	{ "export/calendar", "roomkeep.calendar_file/1", verb_export_calendar, PERSON },
	{ "list/pending", "roomkeep.pending/1", verb_list_pending, PERSON },
};

/* ---- rows of plain records ----------------------------------------------------------------- */

#define RECORD_VERBS 4u
#define NAME_BYTES 64u

/* All rows, made once: own_rows, then those of each kind. */
static struct verb_row rows[COUNT_OF(own_rows) + RECORD_VERBS * KIND_PLAIN_COUNT];
static size_t row_count;
static char paths[RECORD_VERBS * KIND_PLAIN_COUNT][NAME_BYTES];
static char schemas[RECORD_VERBS * KIND_PLAIN_COUNT][NAME_BYTES];
static pthread_once_t rows_once = PTHREAD_ONCE_INIT;

/* `by_session`: of a session's records, the request names the session, which is fetched first.
 * "add/health-answer": words of a path are joined as in "sign-in", those of a schema as in JSON. */
static void add_row(const struct kind_info *info, const char *verb, const char *plural,
		    const char *answer, enum err (*run)(struct verb *v), bool by_session)
{
	char *path = paths[row_count - COUNT_OF(own_rows)];
	char *schema = schemas[row_count - COUNT_OF(own_rows)];

	(void)snprintf(path, NAME_BYTES, "%s/%s%s", verb, info->name, plural);
	for (char *at = path; *at != '\0'; at++)
		if (*at == '_') *at = '-';
	(void)snprintf(schema, NAME_BYTES, "roomkeep.%s%s/1", info->name, answer);
	const bool reads = run == verb_show_record || run == verb_list_records;
	rows[row_count++] = (struct verb_row){
		path,
		schema,
		run,
		PERSON,
		.is_chart = reads && info->class == KIND_CLASS_CLINICAL,
		.kind = info,
	};
	rows[row_count - 1].needs_session = info->own_session && by_session;
}

static void add_rows(const struct kind_info *info)
{
	const bool one = kind_is_one_per_patient(info);
	const char *many = kind_plural_end(info);

	if (!one) add_row(info, "add", "", "_added", verb_add_record, true);
	if (info->merge == KIND_MERGE_FIELDS)
		add_row(info, "set", "", "_set", verb_set_record, false);
	add_row(info, "show", "", "", verb_show_record, false);
	if (!one) add_row(info, "list", many, many, verb_list_records, true);
}

static void make_rows(void)
{
	memcpy(rows, own_rows, sizeof(own_rows));
	row_count = COUNT_OF(own_rows);
	for (size_t i = 0; i < kind_count(); i++) {
		const struct kind_info *info = kind_at(i);
		if (kind_is_plain(info) && !kind_is_one_per_session(info)) add_rows(info);
	}
}

const struct verb_row *verb_table(size_t *ret_count)
{
	INSIST(pthread_once(&rows_once, make_rows) == 0);
	*ret_count = row_count;
	return rows;
}

const struct verb_row *verb_find(const char *path)
{
	size_t count = 0;
	const struct verb_row *table = verb_table(&count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(table[i].path, path) == 0) return &table[i];
	}
	return NULL;
}
