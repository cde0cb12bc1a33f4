/* local_records: making and reading the clinic's records in a room; part of local.h.
 *
 * Owns, threads, errors, lifetimes: as local.h. Everything here needs a person who is signed in:
 * ERR_SIGNED_OUT otherwise. */
#pragma once

#include "client/store/local.h"

/* ---- making ops: "saved in this room" -------------------------------------------------------- */

/* Checks the record and the access table, numbers, signs and seals one op, and stores its row and
 * its outbox row in one transaction with fsync. `msg` is the kind's message with all ids filled in.
 * For patient, session_frame, measure, addendum, tombstone and plain records. Texts, signs, notes
 * and `opened` have calls of their own below, because what they say depends on what is there.
 * Returns: ERR_BAD_VALUE & co with `*ret_error` (may be NULL) naming the field; ERR_DENIED;
 * ERR_SIGNED (the session is signed and this would change it); ERR_NOT_FOUND (its patient or
 * session is not here); ERR_EXISTS (a plain record that is written once); ERR_TOO_BIG. */
MUST_USE enum err local_append(struct local *l, struct vault *v, enum kind kind,
			       const ProtobufCMessage *msg, uint64_t now_ms, struct id *ret_op_id,
			       struct record_error *ret_error);

/* Several appends in one transaction (import: one fsync for many). Nothing of it stands unless
 * local_commit returns ERR_OK; after any error call local_cancel. Reads inside see what was
 * added. */
MUST_USE enum err local_begin(struct local *l);
MUST_USE enum err local_commit(struct local *l);
void local_cancel(struct local *l, struct vault *v); /* harmless when not begun */

/* A new revision of a text field, naming every revision that is now shown: so it also resolves a
 * conflict. `text` equal to the one value shown makes no op: `*ret_op_id` is then the shown
 * one's. */
MUST_USE enum err local_set_text(struct local *l, struct vault *v, const struct id *session_id,
				 Roomkeep__TextField field, struct view text, uint64_t now_ms,
				 struct id *ret_op_id, struct record_error *ret_error);
/* Seals the session's content as it is shown. ERR_CONFLICT while a field has two values;
 * ERR_SIGNED;
 * ERR_DENIED when it is another's. */
MUST_USE enum err local_sign_session(struct local *l, struct vault *v, const struct id *session_id,
				     uint64_t now_ms, struct id *ret_op_id);
/* A chart was shown. No op when one was made for it within LOCAL_OPENED_MS of this sign-in.
 * `session_id` NULL: the patient's record. */
MUST_USE enum err local_opened(struct local *l, struct vault *v, const struct id *patient_id,
			       const struct id *session_id, uint64_t now_ms);

/* When this person last opened this patient's chart, or a session of it, in this room; 0: not after
 * `since_ms`. */
MUST_USE enum err local_last_opened(struct local *l, const struct vault *v,
				    const struct id *patient_id, uint64_t since_ms,
				    uint64_t *ret_ms);

/* A confidential note: sealed for its author only. `session_id` may be NULL. */
MUST_USE enum err local_add_note(struct local *l, struct vault *v, const struct id *patient_id,
				 const struct id *session_id, struct view text, uint64_t now_ms,
				 struct id *ret_note_id, struct record_error *ret_error);
/* A revision that replaces every revision now shown. ERR_NOT_FOUND for a note that is not one's
 * own. */
MUST_USE enum err local_set_note(struct local *l, struct vault *v, const struct id *note_id,
				 struct view text, uint64_t now_ms, struct record_error *ret_error);

/* ---- reading --------------------------------------------------------------------------------- */

/* As merged from all ops held. Texts are NUL-terminated, "" when never said. They live until the
 * patient changes or local_forget. */
struct local_patient {
	struct id id;
	const char *name;
	const char *name_used;
	const char *born;
	const char *phone;
	const char *email;
};

/* Walks all patients whose name, name used or phone matches, by name; an empty text finds all.
 * `*at` starts at 0; ERR_NOT_FOUND after the last. */
MUST_USE enum err local_find_patient(struct local *l, const struct vault *v, struct view text,
				     size_t *at, struct local_patient *ret);
MUST_USE enum err local_get_patient(struct local *l, const struct vault *v, const struct id *id,
				    struct local_patient *ret);
/* Loads a patient with history. patient_fold_init was not called; give it to patient_fold_fini. */
MUST_USE enum err local_load_patient(struct local *l, const struct vault *v, const struct id *id,
				     struct patient_fold *ret_fold,
				     struct patient_state *ret_state);

/* Charts of one person (record/merge_record.h): all that are read as this one, itself first. What
 * is listed of a patient below is listed of all of them. */
MUST_USE enum err local_same_person(struct local *l, const struct vault *v,
				    const struct id *patient_id, struct id ret_ids[MERGE_SAME_MAX],
				    size_t *ret_count);
/* The chart that is read for this one; itself when it was merged into none that is here. */
MUST_USE enum err local_chart_of(struct local *l, const struct vault *v,
				 const struct id *patient_id, struct id *ret_id);

/* Loads a session as record/fold.h shows it. On success the caller gives ret_fold to
 * session_fold_fini (which wipes); on failure there is nothing to give back. ERR_NOT_FOUND: not
 * held here. */
MUST_USE enum err local_load_session(struct local *l, const struct vault *v, const struct id *id,
				     struct session_fold *ret_fold,
				     struct session_state *ret_state);

/* All plain records of a kind that are held here of one patient, oldest first; `patient_id` is not
 * looked at for a kind without one. What a state points to lives in `ret_fold`: give it to
 * record_fold_fini. On failure there is nothing to give back. ERR_DENIED. Requires:
 * kind_is_plain. */
MUST_USE enum err local_list_records(struct local *l, const struct vault *v, enum kind kind,
				     const struct id *patient_id, struct record_fold *ret_fold,
				     const struct record_state **ret_records, size_t *ret_count);
/* All of a kind that is part of a session (kinds.h, own_session); as local_list_records. With
 * `sign` (may be NULL) only what that Sign names: the record as it was signed. */
MUST_USE enum err local_list_session_records(struct local *l, const struct vault *v, enum kind kind,
					     const struct id *session_id,
					     const struct fold_sign *sign,
					     struct record_fold *ret_fold,
					     const struct record_state **ret_records,
					     size_t *ret_count);
/* One of them by its id (of what is one per patient: the patient's). ERR_NOT_FOUND: not here. */
MUST_USE enum err local_get_record(struct local *l, const struct vault *v, enum kind kind,
				   const struct id *record_id, struct record_fold *ret_fold,
				   const struct record_state **ret_record);

/* LAW_BIT()s (record/law.h) of every jurisdiction that was ever said of the patient, else of the
 * clinic's, else of the default: a patient who moved keeps the longer rule. `patient_id` NULL: of
 * the clinic. */
MUST_USE enum err local_jurisdictions(struct local *l, const struct vault *v,
				      const struct id *patient_id, unsigned *ret_bits);

/* ---- appointments (appointments.c) ----------------------------------------------------------- */

/* One as it is shown in a day. It may stand in a list twice: where it is, and, clashed, where a
 * change that the server refused would have put it. */
struct local_appointment {
	struct id appointment_id;
	struct booking booking;
	enum booking_state booking_state;
	Roomkeep__Appointment__State state;
	bool holds_time; /* not cancelled, no no-show, not clashed */
	bool walk_in;
	bool has_reason; /* may stand beside another */
	bool has_type, has_desk_tag;
	Roomkeep__Appointment__Type type;        /* when it has one */
	Roomkeep__Appointment__DeskTag desk_tag; /* when it has one */
};

/* All that begin in [from_ms, to_ms) and are held here, by time; the caller frees `*ret_rows`.
 * ERR_DENIED. Requires: from_ms <= to_ms, both within 2000..2100. */
MUST_USE enum err local_list_appointments(struct local *l, const struct vault *v, uint64_t from_ms,
					  uint64_t to_ms, struct local_appointment **ret_rows,
					  size_t *ret_count);
/* A new one that the server refused because of a clash, as its author wrote it last; as
 * local_get_record, which does not know it. ERR_NOT_FOUND. */
MUST_USE enum err local_get_clashed(struct local *l, const struct vault *v, const struct id *id,
				    struct record_fold *ret_fold, const struct record_state **ret);
/* All places on the waiting list, by age of the first op; as local_list_records. */
MUST_USE enum err local_list_waiting(struct local *l, const struct vault *v,
				     struct record_fold *ret_fold,
				     const struct record_state **ret_records, size_t *ret_count);

/* One head revision of an own note. Two heads of one note are two rows with one note_id. */
struct local_note {
	struct id op_id;
	struct id note_id;
	struct id patient_id;
	bool has_session;
	struct id session_id;
	uint64_t written_ms;
	bool conflict; /* the note has another head */
};
/* Own notes, oldest first; `patient_id` NULL: of all patients. `*at` starts at 0; ERR_NOT_FOUND
 * after the last. */
MUST_USE enum err local_next_note(struct local *l, const struct vault *v,
				  const struct id *patient_id, size_t *at, struct local_note *ret);
/* The text, in the guarded arena: it lives until the next call here or local_forget. Copy it
 * nowhere that is not wiped. */
MUST_USE enum err local_note_text(struct local *l, const struct vault *v, const struct id *op_id,
				  struct view *ret_text);

enum local_op_state {
	LOCAL_OP_QUEUED = 0,
	LOCAL_OP_COMMITTED = 1,
	LOCAL_OP_REJECTED = 3,
	LOCAL_OP_QUARANTINED = 4,
};
const char *local_op_state_name(enum local_op_state s);

/* One op of the signed-in person's that is not committed, or was committed last. */
struct local_pending {
	struct id op_id;
	uint64_t kind;
	enum local_op_state state;
	enum err code;        /* why, when rejected or quarantined */
	uint64_t made_ms;     /* the op's own time; the day for sealed lanes */
	struct id session_id; /* zeros: none */
	/* Owned, NUL-terminated, wiped by local_pending_free: what was typed (a text, an addendum,
	 * a reason, the texts of a plain record); NULL for other kinds and for notes. */
	char *text;
};
/* Queued, rejected and quarantined ops of this person in the order they were made, then up to
 * `committed_max` of the newest committed ones. Free with local_pending_free. */
MUST_USE enum err local_list_pending(struct local *l, const struct vault *v, size_t committed_max,
				     struct local_pending **ret_rows, size_t *ret_count);
void local_pending_free(struct local_pending *rows, size_t count);
