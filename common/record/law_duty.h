/* law_duty: what a person must have done, or may not do, before the record lets something happen.
 * Decisions only; the numbers are law.h's.
 *
 * Threads: any, pure functions.   Times: ms since 1970.   Days: calendar.h.   No clock.
 * Errors:  ERR_BAD_VALUE with the field and what would be right; ERR_DENIED.
 * Rules:   DOMAIN 3: BC1 [L4], BC4 [L5 L6], BC5 [L9 L10], BC7 [L11], BC9 [L12], BC10 [L13 L14],
 *          ON8 [L23], ON9 [L24 L25], CA2 [L28]. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "record/fields.h"
#include "record/law.h"

/* ---- entries --------------------------------------------------------------------------------- */

#define LAW_LATE_HOURS 24

/* Whole hours between the end of a session and its signature when that is more than 24 hours, else
 * 0 (BC1). A signature before the end is not late. */
uint32_t law_late_hours(uint64_t ended_ms, uint64_t signed_ms);

/* Appends "late entry (n h)", for screen and print; nothing when it is not late. ERR_NOMEM. */
MUST_USE enum err law_late_print(uint64_t ended_ms, uint64_t signed_ms, struct buf *out);

enum law_decision {
	LAW_UNDECIDED,
	LAW_GRANTED,
	LAW_REFUSED,
};

/* Refusing a correction without an annotation is impossible (BC5); a decision is needed. */
MUST_USE enum err law_correction_check(enum law_decision decision, struct view annotation,
				       struct record_error *ret_error);

enum law_consent_by {
	LAW_CONSENT_PATIENT = 1,
	LAW_CONSENT_GUARDIAN,
	LAW_CONSENT_SUBSTITUTE, /* for an adult who cannot consent */
};

/* A minor who consents alone needs the basis on which she was held capable (BC10). Without a birth
 * date nobody is known to be of age. */
MUST_USE enum err law_consent_check(enum law_jurisdiction jurisdiction,
				    enum law_consent_by given_by, bool has_born, int64_t born,
				    int64_t today, struct view capacity_basis,
				    struct record_error *ret_error);

/* ---- the end of a record --------------------------------------------------------------------- */

struct law_disposal {
	int64_t retention_until; /* law_retention_until */
	bool legal_hold;
	struct id first; /* the two people who confirm; zero = not yet */
	struct id second;
};

/* The job proposes, two people confirm (BC7). ERR_DENIED: a hold, too early, or fewer than two
 * different people; the error says which. */
MUST_USE enum err law_disposal_check(const struct law_disposal *d, int64_t today,
				     struct record_error *ret_error);

#define LAW_DRILL_DAYS 90

/* No restore was practised within 90 days (BC9): the admin is nagged from the 90th day on. */
bool law_drill_is_due(bool has_drill, int64_t last_drill, int64_t today);

/* ---- break-glass (ON8) ----------------------------------------------------------------------- */

/* The only two. A third needs a change of the law first. */
enum law_override {
	LAW_OVERRIDE_CONSENT = 1, /* the patient expressly agreed */
	LAW_OVERRIDE_EMERGENCY,   /* no time to ask, and serious harm is likely */
};
#define LAW_OVERRIDE_COUNT 2

/* "express_consent", "emergency"; NULL for anything else. */
const char *law_override_name(enum law_override reason);
/* The sentence a person confirms; NULL for anything else. */
const char *law_override_words(enum law_override reason);
/* ERR_BAD_VALUE for another word, with the two. */
MUST_USE enum err law_override_parse(struct view name, enum law_override *ret_reason,
				     struct record_error *ret_error);
/* One of the two and, in free text, what happened. */
MUST_USE enum err law_override_check(enum law_override reason, struct view text,
				     struct record_error *ret_error);

/* ---- incidents (ON9, CA2) -------------------------------------------------------------------- */

/* The seven cases in which Ontario's commissioner is told, and everything else, which is recorded
 * all the same (CA1). The wording of 3 and 5 to 7 is our own knowledge. */
enum law_incident {
	LAW_INCIDENT_SNOOPING = 1,     /* used or disclosed by one who knew better */
	LAW_INCIDENT_THEFT,            /* stolen */
	LAW_INCIDENT_FURTHER_USE,      /* used or disclosed again after it was lost */
	LAW_INCIDENT_PATTERN,          /* one of several alike */
	LAW_INCIDENT_DISCIPLINE,       /* a college member was disciplined for it */
	LAW_INCIDENT_DISCIPLINE_OTHER, /* somebody else was */
	LAW_INCIDENT_SIGNIFICANT,      /* sensitive, large, or several people */
	LAW_INCIDENT_OTHER,            /* none of the seven */
};
#define LAW_INCIDENT_COUNT 8

const char *law_incident_name(enum law_incident category);  /* "snooping"; NULL */
const char *law_incident_words(enum law_incident category); /* a sentence; NULL */
MUST_USE enum err law_incident_parse(struct view name, enum law_incident *ret_category,
				     struct record_error *ret_error);

struct law_notice {
	bool person;       /* the people whose information it is are told */
	bool commissioner; /* so is the authority */
};

/* Whom to tell in Ontario. `sealed`: it was encrypted and the key was not with it; then theft tells
 * nobody. Elsewhere the harm test decides. */
struct law_notice law_incident_notice(enum law_incident category, bool sealed);

/* "encrypted: yes, key not on device" and its three siblings. Static. */
const char *law_incident_encryption(bool encrypted, bool key_on_device);

struct law_incident_row {
	enum law_incident category;
	int64_t day;
};

/* The yearly count, due by 1 March: rows of that year by category (index = the enum). */
void law_incident_count(const struct law_incident_row *rows, size_t count, unsigned year,
			uint32_t ret_counts[LAW_INCIDENT_COUNT + 1]);

enum law_level {
	LAW_LEVEL_UNANSWERED,
	LAW_LEVEL_LOW,
	LAW_LEVEL_MEDIUM,
	LAW_LEVEL_HIGH,
};

/* Is there a real risk of significant harm? Sensitivity times probability of misuse, 3 of 9 and
 * above; this scale is the house's and a person may always tell more people. Both answers are
 * required, and health information is never of low sensitivity (CA2). */
MUST_USE enum err law_harm_test(enum law_level sensitivity, enum law_level probability,
				bool health_data, bool *ret_real_risk,
				struct record_error *ret_error);
