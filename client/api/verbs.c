#include "client/api/verbs.h"

#include "base/check.h"

#include <string.h>

#define PERSON .needs_person = true, .is_presence = true
#define SESSION PERSON, .needs_session = true

static const struct verb_row rows[] = {
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
	{ "import", "roomkeep.import/1", verb_import, PERSON },
	{ "add/patient", "roomkeep.patient/1", verb_add_patient, PERSON },
	{ "set/patient", "roomkeep.patient/1", verb_set_patient, PERSON },
	{ "find/patient", "roomkeep.patients/1", verb_find_patient, PERSON },
	{ "list/patients", "roomkeep.patients/1", verb_list_patients, PERSON },
	{ "start/session", "roomkeep.session_started/1", verb_start_session, PERSON },
	{ "set/session", "roomkeep.session_set/1", verb_set_session, SESSION },
	{ "add/measure", "roomkeep.measure/1", verb_add_measure, SESSION },
	{ "show/progress", "roomkeep.progress/1", verb_show_progress, PERSON },
	{ "list/tests", "roomkeep.tests/1", verb_list_tests, PERSON },
	{ "export/proof", "roomkeep.proof_page/1", verb_export_proof, PERSON },
	{ "sign/session", "roomkeep.session_signed/1", verb_sign_session, SESSION },
	{ "show/session", "roomkeep.session/1", verb_show_session, SESSION },
	{ "list/sessions", "roomkeep.sessions/1", verb_list_sessions, PERSON },
	{ "add/addendum", "roomkeep.addendum/1", verb_add_addendum, SESSION },
	{ "add/note", "roomkeep.note/1", verb_add_note, PERSON },
	{ "list/notes", "roomkeep.notes/1", verb_list_notes, PERSON },
	{ "list/pending", "roomkeep.pending/1", verb_list_pending, PERSON },
};

const struct verb_row *verb_find(const char *path)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (strcmp(rows[i].path, path) == 0) return &rows[i];
	}
	return NULL;
}

const struct verb_row *verb_table(size_t *ret_count)
{
	*ret_count = COUNT_OF(rows);
	return rows;
}
