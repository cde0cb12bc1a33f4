/* verbs: the functions behind verb.h's table. Shapes of requests and answers: issue 2, "The
 * command-line contract"; ROOM-UI C1 (ids lower-case UUID text, times RFC 3339 UTC, absent = null).
 * Threads: the desk thread. Each does what the path in the table says. */
#pragma once

#include "client/api/verb.h"

/* verbs_room.c */
MUST_USE enum err verb_status(struct verb *v);
MUST_USE enum err verb_sync(struct verb *v);
MUST_USE enum err verb_sign_in(struct verb *v);
MUST_USE enum err verb_lock_room(struct verb *v);
MUST_USE enum err verb_set_server(struct verb *v);
MUST_USE enum err verb_confirm_kit(struct verb *v);
/* The names of rooms and logins of people, which only a signed-in connection is told. They are for
 * display: learning them fails only when the disk does. `begin` asks, `more` takes each reply and
 * may ask on; verb_learn is both as a verb, for the agent itself. */
MUST_USE enum err verb_learn_begin(struct verb *v);
MUST_USE enum err verb_learn_more(struct verb *v);
MUST_USE enum err verb_learn(struct verb *v);

/* verbs_people.c */
MUST_USE enum err verb_set_passphrase(struct verb *v);
MUST_USE enum err verb_add_user(struct verb *v);
MUST_USE enum err verb_disable_user(struct verb *v);
MUST_USE enum err verb_unlock_user(struct verb *v);
MUST_USE enum err verb_list_users(struct verb *v);
MUST_USE enum err verb_invite_room(struct verb *v);
MUST_USE enum err verb_retire_room(struct verb *v);
MUST_USE enum err verb_list_rooms(struct verb *v);

/* verbs_patient.c */
MUST_USE enum err verb_add_patient(struct verb *v);
MUST_USE enum err verb_set_patient(struct verb *v);
MUST_USE enum err verb_find_patient(struct verb *v);
MUST_USE enum err verb_list_patients(struct verb *v);
MUST_USE enum err verb_show_patient(struct verb *v);

/* verbs_card.c */
MUST_USE enum err verb_show_card(struct verb *v);
MUST_USE enum err verb_show_safety_card(struct verb *v);

/* verbs_lockbox.c */
MUST_USE enum err verb_open_withheld(struct verb *v);
MUST_USE enum err verb_list_reviews(struct verb *v);
MUST_USE enum err verb_list_audit(struct verb *v);

/* verbs_watch.c */
MUST_USE enum err verb_list_watch(struct verb *v);

/* verbs_session.c */
MUST_USE enum err verb_start_session(struct verb *v);
MUST_USE enum err verb_set_session(struct verb *v);
MUST_USE enum err verb_correct_session(struct verb *v);
MUST_USE enum err verb_sign_session(struct verb *v);
MUST_USE enum err verb_add_addendum(struct verb *v);
MUST_USE enum err verb_list_sessions(struct verb *v);

/* verbs_measure.c */
MUST_USE enum err verb_add_measure(struct verb *v);

/* verbs_proof.c */
MUST_USE enum err verb_show_progress(struct verb *v);
MUST_USE enum err verb_show_report(struct verb *v);
MUST_USE enum err verb_list_tests(struct verb *v);

/* export_proof.c, export_patient.c, export_letter.c, export_receipt.c */
MUST_USE enum err verb_export_proof(struct verb *v);
MUST_USE enum err verb_export_patient(struct verb *v);
MUST_USE enum err verb_export_letter(struct verb *v);
MUST_USE enum err verb_export_receipt(struct verb *v);

/* verbs_record.c: of the row's kind */
MUST_USE enum err verb_add_record(struct verb *v);
MUST_USE enum err verb_set_record(struct verb *v);
MUST_USE enum err verb_list_records(struct verb *v);
MUST_USE enum err verb_show_record(struct verb *v);

/* verbs_booking.c */
MUST_USE enum err verb_list_day_sheet(struct verb *v);
MUST_USE enum err verb_list_waitlist(struct verb *v);
MUST_USE enum err verb_add_walk_in(struct verb *v);
MUST_USE enum err verb_rebook(struct verb *v);

/* export_day.c, export_calendar.c */
MUST_USE enum err verb_export_day_sheet(struct verb *v);
MUST_USE enum err verb_export_calendar(struct verb *v);

/* verbs_trust.c */
MUST_USE enum err verb_show_retention(struct verb *v);

/* show.c */
MUST_USE enum err verb_show_session(struct verb *v);

/* verbs_note.c */
MUST_USE enum err verb_add_note(struct verb *v);
MUST_USE enum err verb_list_notes(struct verb *v);
MUST_USE enum err verb_list_pending(struct verb *v);

/* import.c */
MUST_USE enum err verb_import(struct verb *v);
