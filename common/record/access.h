/* access: who may read and write which kind. The one home of the rule, for the server (at send and
 * at accept time) and for rooms again. Which roles a kind names stands in its row (kinds.h); what
 * its class allows at most, and every other condition, here.
 *
 * Pure decisions over what the caller looked up; roles add up.  Threads: any.
 * Rule: SECURITY 3.4 (the table until issue 03), and the import rule of issue 02. */
#pragma once

#include "base/err.h"
#include "base/id.h"
#include "record/kinds.h"

/* Bits of a directory entry (SECURITY 2.9). */
#define ROLE_OWNER 1u
#define ROLE_THERAPIST 2u
#define ROLE_DESK 4u
#define ROLE_ADMIN 8u
#define ROLE_LEAD 16u
#define ROLE_STUDENT 32u

/* "owner", "therapist", ... ; NULL for no single known role. */
const char *access_role_name(uint64_t role);
/* ERR_BAD_VALUE for another word. */
MUST_USE enum err access_role_parse(struct view name, uint64_t *ret_role);

struct access_read {
	uint64_t kind;        /* any number, unknown ones too */
	uint64_t target_kind; /* for KIND_TOMBSTONE: kind of the target; 0 = not known */
	uint64_t roles;       /* of the reader, who is active */
	bool is_author;       /* the reader wrote it */
};

/* Payload and core of an op. (The cores of one's own lanes are served in any case.) */
bool access_may_read(const struct access_read *q);

/* A whole class of requests: reading patient identity, or sessions with their clinical content. */
bool access_may_read_patients(uint64_t roles);
bool access_may_read_sessions(uint64_t roles);

/* What the writer needs to know about the record an op belongs to. Fill what the kind needs. */
struct access_write {
	uint64_t kind;
	uint64_t roles; /* of the author, who is active */
	struct id author_id;

	/* session_frame, session_text, measure, sign, addendum, and plain records with
	 * own_session: the session as it is now */
	bool session_exists;
	struct id session_therapist;  /* when it exists */
	struct id session_patient;    /* when it exists */
	struct id session_supervisor; /* when it exists; zeros: none */
	bool session_imported;        /* when it exists */

	/* session_frame: what the op says */
	struct id frame_patient;
	bool frame_has_therapist;
	struct id frame_therapist;
	bool frame_has_supervisor;
	struct id frame_supervisor;
	bool frame_has_imported;
	bool frame_imported;

	/* tombstone, sealed_tombstone */
	bool target_exists;
	uint64_t target_kind;
	struct id target_author;
	bool target_signed; /* a Sign that holds covers it */
	bool target_kept;   /* the law keeps it a while yet (CA1: duty_record.h) */
};

/* Returns: ERR_OK; ERR_DENIED; ERR_SIGNED (tombstone by the author of signed content);
 * ERR_NOT_FOUND when the session or target it needs does not exist;
 * ERR_BAD_VALUE when a frame would change its patient, therapist, supervisor or imported mark, or
 * when a student's names no supervisor.
 * Does not say whether a session is signed: an edit that did not see the Sign is a late change, not
 * a refusal (fold.h). Kinds this build does not know may be written by every role. */
MUST_USE enum err access_may_write(const struct access_write *q);
