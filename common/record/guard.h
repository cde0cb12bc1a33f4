/* guard: what a family link does. It arms a guard; it never gives a right (DOMAIN 4.8).
 *
 *   1 grants, not links, share; one way, dated, revocable, never clinical     guard_may_share
 *   2 a fixed band on the open chart                                          guard_band_find
 *   3 a wall of 2 seconds between the charts of one family                    guard_switch_wall
 *   4 names of relatives in a text                                            guard_words.h
 *   5 nothing leaves with an unresolved name                                  guard_output_check
 *   6 the desk neither confirms nor denies; shared contacts; receipts         guard_desk_answer
 *   7 a parent's grants lapse                                                 guard_grant_state_at
 *   8 separation or a safety flag: a hard split                               guard_split_clash
 *   9 who opened two charts of one family in a day              guard_find_double_opens
 *
 * Owns:    nothing, allocates nothing.   Threads: any, pure functions.
 * Times:   ms since 1970; days as calendar.h.   No clock.   Words: static.
 * Access:  a caller asks only about links its viewer may know of: a link that must stay unknown is
 *          not passed in, and every answer is then the one without a link. */
#pragma once

#include "base/err.h"
#include "base/id.h"
#include "record/fields.h"

#define GUARD_WALL_MS 2000u
#define GUARD_WALL_WITHIN_MS 86400000u /* 24 h */
#define GUARD_SPLIT_GAP_MS 3600000u    /* between two bookings that must not meet */

enum guard_kin {
	GUARD_KIN_SPOUSE = 1, /* or partner */
	GUARD_KIN_FORMER,     /* separated or divorced */
	GUARD_KIN_PARENT,
	GUARD_KIN_CHILD,
	GUARD_KIN_SIBLING,
	GUARD_KIN_HOUSEHOLD,
	GUARD_KIN_OTHER,
};
#define GUARD_KIN_COUNT 7

/* Who the person at the screen is, for the guard. */
enum guard_side {
	GUARD_SIDE_NONE, /* admin, owner without a chart: sees no band */
	GUARD_SIDE_DESK,
	GUARD_SIDE_THERAPIST, /* therapist, lead, student */
};
#define GUARD_SIDE_BIT(side) (1u << (unsigned)(side))

struct guard_link {
	struct id patient; /* the one whose chart is meant */
	struct id relative;
	enum guard_kin kin; /* what the relative is to the patient */
	unsigned known_by;  /* GUARD_SIDE_BIT()s: to whom it was told */
	bool split;         /* separation, divorce, or a safety flag */
};

/* "spouse or partner"; NULL for an unknown number. */
const char *guard_kin_words(enum guard_kin kin);
/* What the first is to the second when the second is `kin` to the first. */
enum guard_kin guard_kin_reverse(enum guard_kin kin);

/* ---- 1 and 7: sharing ------------------------------------------------------------------------ */

enum guard_action {
	GUARD_SEE_BOOKING = 1,
	GUARD_SEE_BILLING,
	GUARD_SEE_HOMECARE,
	GUARD_SEE_SUBJECTIVE, /* from here on nothing can be granted */
	GUARD_SEE_ASSESSMENT,
	GUARD_SEE_NOTE,
};
#define GUARD_ACTION_BIT(action) (1u << (unsigned)(action))
#define GUARD_SCOPE_ALL                                                                            \
	(GUARD_ACTION_BIT(GUARD_SEE_BOOKING) | GUARD_ACTION_BIT(GUARD_SEE_BILLING) |               \
	 GUARD_ACTION_BIT(GUARD_SEE_HOMECARE))

struct guard_grant {
	struct id from; /* whose information */
	struct id to;   /* who may have it */
	unsigned scope; /* GUARD_ACTION_BIT()s within GUARD_SCOPE_ALL */
	int64_t given_on;
	bool has_expiry;
	int64_t expires_on; /* the last day */
	bool revoked;
	bool by_parent; /* given for a minor */
	bool has_majority;
	int64_t majority_on; /* `from` comes of age (law.h, LAW_MAJORITY) */
	bool capable;        /* `from` was found capable of deciding alone */
};

enum guard_grant_state {
	GUARD_GRANT_VALID,
	GUARD_GRANT_NOT_YET,
	GUARD_GRANT_REVOKED,
	GUARD_GRANT_EXPIRED,
	GUARD_GRANT_LAPSED, /* the minor is of age or capable: a task to ask again */
};

/* ERR_BAD_VALUE: undated, empty or clinical scope, to oneself, or an end before the start. */
MUST_USE enum err guard_grant_check(const struct guard_grant *grant,
				    struct record_error *ret_error);

enum guard_grant_state guard_grant_state_at(const struct guard_grant *grant, int64_t today);

/* May `to` have this of `from`? Only by a valid grant in this direction. */
bool guard_may_share(const struct guard_grant *grants, size_t count, const struct id *from,
		     const struct id *to, enum guard_action action, int64_t today);

/* ---- 2 and 3: the open chart ----------------------------------------------------------------- */

/* The band's words for this side, or NULL for none: with the kin for the therapist's side, without
 * it for the desk. The relative's name is never in it. */
const char *guard_band_words(const struct guard_link *link, enum guard_side side);

/* The first link of `patient` that puts up a band, or NULL. */
const struct guard_link *guard_band_find(const struct guard_link *links, size_t count,
					 const struct id *patient, enum guard_side side);

struct guard_wall {
	uint32_t ms;       /* how long it stands; 0 = none */
	const char *words; /* names only the rule; NULL for none */
	bool clear;        /* clipboard, recent searches and suggestions go */
};

/* From the chart last open at `from_ms` to that of `to`, now. After 24 hours there is none. */
struct guard_wall guard_switch_wall(const struct guard_link *links, size_t count,
				    const struct id *from, uint64_t from_ms, const struct id *to,
				    uint64_t now_ms);

/* "Same as last time" and drafts: never from one patient to another, linked or not. */
bool guard_may_carry(const struct id *from, const struct id *to);

/* ---- 5 and 6: what leaves -------------------------------------------------------------------- */

/* A relative's name or a third-party span found in a letter, an export, a receipt or a proof. */
enum guard_resolution {
	GUARD_UNRESOLVED,
	GUARD_REMOVED,   /* shown as a labelled gap */
	GUARD_REPHRASED, /* the text was changed and no longer holds it */
	GUARD_NOT_THEM,  /* the same name, somebody else; a person said so */
};

/* ERR_DENIED while one is unresolved. */
MUST_USE enum err guard_output_check(const enum guard_resolution *found, size_t count,
				     struct record_error *ret_error);

/* What the desk says to a relative who asks after a patient: the same sentence, patient or not,
 * unless a grant to see bookings is valid; NULL then: the question may be answered. */
const char *guard_desk_answer(bool may_share_booking);

/* Would a reminder to `mine` reach `theirs` too? Phones by their digits, e-mail without case. */
bool guard_contact_is_shared(struct view mine, struct view theirs);

enum guard_receipt_part {
	GUARD_RECEIPT_NAME = 1,
	GUARD_RECEIPT_DATE,
	GUARD_RECEIPT_SERVICE,
	GUARD_RECEIPT_AMOUNT,
	GUARD_RECEIPT_REGISTRATION,
	GUARD_RECEIPT_COMPLAINT,
	GUARD_RECEIPT_THERAPIST_NOTES,
};
/* `to_payer`: it goes to somebody else than the patient. */
bool guard_receipt_may_show(enum guard_receipt_part part, bool to_payer);

/* ---- 8 and 9 --------------------------------------------------------------------------------- */

/* Two bookings [start, end) of a split pair: true when less than an hour lies between them, so that
 * the two do not meet at the door. */
bool guard_split_clash(const struct guard_link *link, uint64_t a_start_ms, uint64_t a_end_ms,
		       uint64_t b_start_ms, uint64_t b_end_ms);
bool guard_may_share_reminder(const struct guard_link *link);

struct guard_open {
	struct id user;
	struct id patient;
	int64_t day;
};
struct guard_double {
	size_t first; /* index of the opens */
	size_t second;
};

/* Every user and day with both charts of a link, once each, in the order of `opens`. Returns how
 * many there are; the first `cap` are written. Cost: opens squared by links: pass one day. */
size_t guard_find_double_opens(const struct guard_link *links, size_t link_count,
			       const struct guard_open *opens, size_t open_count,
			       struct guard_double *ret_found, size_t cap);
