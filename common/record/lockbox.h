/* lockbox: what a patient withholds, and from whom (ON7), and how it is opened all the same (ON8).
 *
 * A bar is a directive that holds: it withholds clinical content of one patient from one person or
 * from one role. Who the patient is, that there was a visit, and bookings stay seen: the house has
 * to work, and who may not read must be able to see that something is withheld. Notes are their
 * author's and no bar's business.
 *
 * Nothing stops the recording of what must be recorded: what a person wrote himself since the bar
 * began, and his own sessions until he signed them, stay with him. What he wrote before is withheld
 * from him too. An opening suspends all bars of one patient for one person and for an hour.
 *
 * Owns:    nothing; the lists are borrowed.   Threads: any, pure functions.
 * Times:   ms since 1970.   No clock: now comes in. */
#pragma once

#include "base/err.h"
#include "base/id.h"

#define LOCKBOX_BARS_MAX 2048u    /* of a clinic, ended ones included: the oldest stand */
#define LOCKBOX_OPENINGS_MAX 256u /* at one time; the newest stand */
#define LOCKBOX_OPEN_MS 3600000u  /* an opening ends after an hour */

#define LOCKBOX_WORDS "information withheld at the patient's request"

enum lockbox_scope {
	LOCKBOX_RECORD = 1, /* everything clinical; numbers as Directive.Scope */
	LOCKBOX_SESSIONS,   /* what stands in sessions */
	LOCKBOX_ITEM,       /* one session or one plain record */
};

struct lockbox_bar {
	struct id directive_id; /* zeros in a room: whom it is against does not learn it */
	struct id patient_id;
	enum lockbox_scope scope;
	struct id item_id; /* LOCKBOX_ITEM */
	struct id user_id; /* against this person; zeros: against a role */
	uint64_t role;     /* one bit of access.h; 0: against a person */
	uint64_t from_ms;
	uint64_t until_ms; /* UINT64_MAX: no end is known */
};

struct lockbox_opening {
	struct id user_id;
	struct id patient_id;
	uint64_t until_ms;
};

struct lockbox {
	const struct lockbox_bar *bars;
	size_t bar_count;
	const struct lockbox_opening *openings;
	size_t opening_count;
};

/* Whose eyes, and when. */
struct lockbox_reader {
	struct id user_id;
	uint64_t roles;
	uint64_t now_ms;
};

/* What is to be read. */
struct lockbox_item {
	uint64_t kind; /* of a tombstone: of its target */
	struct id patient_id;
	struct id session_id; /* zeros: of no session */
	struct id record_id;  /* of a plain record; zeros for anything else */
	bool own;             /* the reader wrote it */
	bool own_draft;       /* it stands in a session of the reader's that is not signed */
	uint64_t written_ms;  /* when the server took it; the room's own time before */
};

/* Against this reader, whatever the time is. */
bool lockbox_names(const struct id *user_id, uint64_t role, const struct lockbox_reader *reader);
/* Against this reader and in force now, opened or not. */
bool lockbox_bar_stands(const struct lockbox_bar *bar, const struct lockbox_reader *reader);
/* This reader's, and still open. */
bool lockbox_opening_holds(const struct lockbox_opening *o, const struct lockbox_reader *reader);
/* Against this reader, in force now, and not opened. */
bool lockbox_bar_holds(const struct lockbox *box, const struct lockbox_bar *bar,
		       const struct lockbox_reader *reader);

bool lockbox_withholds(const struct lockbox *box, const struct lockbox_reader *reader,
		       const struct lockbox_item *item);
/* Any bar at all on this patient's record. */
bool lockbox_withholds_any(const struct lockbox *box, const struct lockbox_reader *reader,
			   const struct id *patient_id);

/* Another number whenever what is withheld from this reader is another; `base` where nothing is.
 * Fits a signed 64 bit number. */
uint64_t lockbox_version(const struct lockbox *box, const struct lockbox_reader *reader,
			 uint64_t base);
