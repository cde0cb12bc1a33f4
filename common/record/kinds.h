/* kinds: every kind of op this build knows, one row each: class, lane, message, fields, who may
 * read and write it, how it is merged, and the words for people.
 *
 * Plain records (KIND_MERGE_FIELDS, KIND_MERGE_FIRST) need no code of their own anywhere: store,
 * room, local API and command line serve them from their row. A new one is a message in
 * proto/roomkeep/record.proto, a line in a map below and a row with its field table in the area's
 * kinds_<area>.c; a new field is one line in the message and one in that kind's field table.
 * Threads: any; all data is static and constant.  Numbers: the wire contract, never used again. */
#pragma once

#include "base/err.h"
#include "base/view.h"
#include "record/fields.h"

/* Plain records by area, X(NAME, number), in rising order; rows of an area: kinds_<area>.c. */
#define KIND_INTAKE_MAP(X)                                                                         \
	X(PATIENT_DETAIL, 16)                                                                      \
	X(COMFORT, 17)                                                                             \
	X(PREFERENCE, 18)                                                                          \
	X(ALERT, 19)                                                                               \
	X(HEALTH_ANSWER, 20)                                                                       \
	X(EPISODE, 21)
#define KIND_SESSION_MAP(X)                                                                        \
	X(SESSION_CHART, 22)                                                                       \
	X(DISCOMFORT, 23)                                                                          \
	X(PALPATION, 24)                                                                           \
	X(TREATMENT, 25)                                                                           \
	X(HOMECARE_ITEM, 26)                                                                       \
	X(ADVERSE_EVENT, 27)                                                                       \
	X(MISFILING, 28)
#define KIND_PERSON_MAP(X) X(PATIENT_MERGE, 29) X(THIRD_PARTY_SPAN, 30)
#define KIND_CARE_MAP(X)                                                                           \
	X(MOOD_READ, 32)                                                                           \
	X(PROMISE, 33)                                                                             \
	X(TALK_ABOUT, 34)                                                                          \
	X(CONSENT, 35)                                                                             \
	X(TOUCH, 36)
#define KIND_REFERRAL_MAP(X) X(REFERRAL, 41)
#define KIND_DUTY_MAP(X)                                                                           \
	X(REQUEST, 42)                                                                             \
	X(DISCLOSURE, 43)                                                                          \
	X(INCIDENT, 44)                                                                            \
	X(STATEMENT, 45)                                                                           \
	X(LEGAL_HOLD, 46)
#define KIND_TRUST_MAP(X) X(FAMILY_LINK, 47)
#define KIND_CLINIC_MAP(X) X(PROVIDER, 48)
#define KIND_GRANT_MAP(X) X(SHARING_GRANT, 49)
#define KIND_BOOKING_MAP(X)                                                                        \
	X(APPOINTMENT, 50)                                                                         \
	X(SHIFT, 51)                                                                               \
	X(CLOSED_DAY, 52)                                                                          \
	X(ROOM_SETTING, 53)                                                                        \
	X(WAITLIST_ITEM, 54)                                                                       \
	X(STAFF_PROFILE, 55)
#define KIND_DESK_TRUST_MAP(X) X(DESK_FAMILY_LINK, 56)
#define KIND_PROFILE_MAP(X) X(CLINIC_PROFILE, 57)
#define KIND_LOCKBOX_MAP(X)                                                                        \
	X(DIRECTIVE, 58)                                                                           \
	X(DIRECTIVE_END, 59)                                                                       \
	X(OVERRIDE, 60)                                                                            \
	X(REVIEW_MARK, 61)                                                                         \
	X(COSIGN, 62)
#define KIND_PLAIN_MAP(X)                                                                          \
	KIND_INTAKE_MAP(X)                                                                         \
	KIND_SESSION_MAP(X)                                                                        \
	KIND_PERSON_MAP(X)                                                                         \
	KIND_CARE_MAP(X)                                                                           \
	KIND_REFERRAL_MAP(X)                                                                       \
	KIND_DUTY_MAP(X)                                                                           \
	KIND_TRUST_MAP(X)                                                                          \
	KIND_CLINIC_MAP(X)                                                                         \
	KIND_GRANT_MAP(X)                                                                          \
	KIND_BOOKING_MAP(X)                                                                        \
	KIND_DESK_TRUST_MAP(X)                                                                     \
	KIND_PROFILE_MAP(X)                                                                        \
	KIND_LOCKBOX_MAP(X)

enum kind {
	KIND_PATIENT = 1,
	KIND_SESSION_FRAME = 2,
	KIND_SESSION_TEXT = 3,
	KIND_MEASURE = 4,
	KIND_SIGN = 5,
	KIND_ADDENDUM = 6,
	KIND_OPENED = 7,
	KIND_TOMBSTONE = 8,
	KIND_PLAIN_NONE = 15, /* no kind; KIND_ANY_PLAIN begins with it */
#define KIND_PLAIN_ENUM(name, number) KIND_##name = number,
	KIND_PLAIN_MAP(KIND_PLAIN_ENUM)
#undef KIND_PLAIN_ENUM
		KIND_NOTE = 64,
	/* 65 grant and 66 revoke are reserved: unknown to this build. */
	KIND_SEALED_TOMBSTONE = 67,
};

/* In a switch: `case KIND_ANY_PLAIN:` stands for all plain records. */
#define KIND_PLAIN_CASE(name, number) : case KIND_##name
#define KIND_ANY_PLAIN KIND_PLAIN_NONE KIND_PLAIN_MAP(KIND_PLAIN_CASE)

#define KIND_PLAIN_ONE(name, number) +1
#define KIND_PLAIN_COUNT (0 KIND_PLAIN_MAP(KIND_PLAIN_ONE))

/* Who may see it is decided per kind (access.h); the class is the outer bound. */
enum kind_class {
	KIND_CLASS_STAFF = 1,    /* identity, contact, session frame */
	KIND_CLASS_CLINICAL = 2, /* texts, measures, signing, addenda */
	KIND_CLASS_SEALED = 3,   /* the server cannot read it */
	KIND_CLASS_SYSTEM = 4,   /* about another op: tombstones */
};

/* SECURITY 2.13. The number is in the lane id. */
enum lane_class {
	LANE_CHART = 1,
	LANE_SEALED = 2,
};

/* How ops of one record become what is shown. */
enum kind_merge {
	KIND_MERGE_OWN,    /* by a fold of its own: fold.h */
	KIND_MERGE_FIELDS, /* record_fold.h: of each field the newest value holds */
	KIND_MERGE_FIRST,  /* record_fold.h: written once, the oldest op holds */
};

/* One change of a plain record, for a kind whose steps have an order. */
struct kind_change {
	const ProtobufCMessage *before; /* what held; NULL for the first op */
	const ProtobufCMessage *after;  /* what would hold */
	unsigned jurisdictions;         /* LAW_BIT()s of its patient (law.h), never 0 */
};

struct kind_info {
	enum kind kind;
	const char *name; /* "session_text": for JSON and logs */
	enum kind_class class;
	enum lane_class lane;
	enum kind_merge merge;
	/* Roles (record/access.h, which decides) that see it whoever wrote it, and that may write
	 * one, other conditions apart. No role that reads: it is its author's alone. */
	uint64_t read;
	uint64_t write;
	const ProtobufCMessageDescriptor *message;
	const struct field_rule *fields; /* field_count rows */
	size_t field_count;
	const char *subject_field; /* field with the record's own id, NULL for none */
	const char *session_field; /* field with a session id, NULL for none */
	const char *patient_field; /* field with a patient id, NULL for none */
	/* What the field table cannot say; NULL for none. `error` is never NULL. */
	enum err (*check)(const ProtobufCMessage *message, struct record_error *error);

	/* Plain records only. What may follow what: looked at where the record is at hand, in the
	 * room before an op is made and on the server before it counts. NULL: any change may be. */
	enum err (*check_change)(const struct kind_change *change, struct record_error *error);
	/* A field with a second patient, in every op: the record is listed for both. NULL: none. */
	const char *relative_field;
	/* An optional field with the id of a `ref_kind` that must be here when a person names it: a
	 * patient, or a plain record of the same patient or of none. NULL for none. */
	const char *ref_field;
	enum kind ref_kind;
	/* Part of a session: its session_field stands in every op and never changes, and who treats
	 * in that session alone writes it. */
	bool own_session;
	bool closed_by_sign; /* with own_session: none comes or changes once it is signed */
	bool kept;           /* what it said is not erased: not yet, or never (access.h) */
	bool has_clock; /* it waits for something: listed for all patients too, and --overdue */

	/* Words of the command line. */
	const char *one;         /* "an alert" */
	const char *many;        /* "alerts"; NULL when it is one per patient */
	const char *about;       /* what it is for, one line */
	const char *mark;        /* "withdrawn": a switch of a set that stamps the time; or NULL */
	const char *example;     /* flags of an add, or of a set when it is one per patient */
	const char *example_set; /* flags of a set; NULL when it is never changed, or as above */
	const char *columns;     /* "key:Title,..." of a list; NULL: the first fields */
};

/* Merged by record_fold.h. */
bool kind_is_plain(const struct kind_info *info);
/* What the name gets for many: "s", or "es" as in "touches". */
const char *kind_plural_end(const struct kind_info *info);
/* A patient has one of it, whose id is the patient's. */
bool kind_is_one_per_patient(const struct kind_info *info);
/* A session has one of it, whose id is the session's. Verbs about sessions serve it, not those that
 * every plain record has. */
bool kind_is_one_per_session(const struct kind_info *info);

/* NULL for a kind this build does not know. */
const struct kind_info *kind_find(uint64_t number);
const struct kind_info *kind_find_name(struct view name);

/* Name for logs; "unknown" when it is. */
const char *kind_name(uint64_t number);

/* True when an op of this kind may stand in a lane of this class; an unknown kind may stand in
 * either (SECURITY 2.13). */
bool kind_fits_lane(uint64_t number, uint32_t lane_class);

/* All rows, in rising order of kind. */
size_t kind_count(void);
const struct kind_info *kind_at(size_t index);
