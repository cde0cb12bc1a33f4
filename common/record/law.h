/* law: what the clinic's jurisdiction asks for, as one table, and the dates that follow from it.
 *
 * Every number is a row that names its rule and where it was read; a row from our own knowledge
 * says so and must be shown so. The rules are guides for the clinic's own advisers, no legal
 * advice.
 *
 * Threads: any, pure functions.   Days: calendar.h.   No clock: today comes in.
 * Rules: DOMAIN 3 (BC4, BC5, BC6, BC10, ON2, ON3, ON4, ON6, CA1, US10, US11, US13, 3f). Sources:
 * L keys of DOMAIN.   What a person must do or may not do: law_duty.h. */
#pragma once

#include "base/err.h"
#include "record/calendar.h"

enum law_jurisdiction {
	LAW_CA_BC,
	LAW_CA_ON,
	LAW_US,
	LAW_OTHER, /* the longest keeping and the strictest clock of the others */
	LAW_JURISDICTION_COUNT,
};
#define LAW_DEFAULT LAW_CA_BC /* of a patient or clinic that says nothing */
#define LAW_BIT(jurisdiction) (1u << (unsigned)(jurisdiction))
#define LAW_BITS_ALL (LAW_BIT(LAW_JURISDICTION_COUNT) - 1u)

enum law_item {
	LAW_MAJORITY,             /* age */
	LAW_KEEP,                 /* after the last entry */
	LAW_KEEP_MINOR,           /* after the patient comes of age */
	LAW_ACCESS,               /* to answer a request for the record */
	LAW_ACCESS_EXTENSION,     /* once, on top */
	LAW_CORRECTION,           /* to answer a request to correct */
	LAW_CORRECTION_EXTENSION, /* once, on top */
	LAW_RELEASE_CONSENT,      /* how old a consent to release may be; no row = no limit */
	LAW_INCIDENT_KEEP,        /* how long a row of the incident register stays */
	LAW_BREACH_NOTICE,        /* to tell the person */
	LAW_DISCLOSURE_KEEP,      /* how far back "whom was it given to" reaches */
	LAW_ITEM_COUNT,
};

enum law_unit {
	LAW_YEARS,
	LAW_MONTHS,
	LAW_DAYS,
	LAW_OPEN_DAYS, /* days the clinic is open: business days */
	LAW_AT_ONCE,   /* at the first reasonable opportunity; value 0 */
};

struct law_row {
	enum law_jurisdiction jurisdiction;
	enum law_item item;
	uint32_t value;
	enum law_unit unit;
	const char *rule;   /* "BC4"; "house" for LAW_OTHER */
	const char *source; /* "L5 L6"; "" when it is our own knowledge alone */
	bool own_knowledge; /* not verified in the source, or not in all of it */
};

/* "ca-bc", "ca-on", "us", "other". */
const char *law_jurisdiction_name(enum law_jurisdiction jurisdiction);
/* ERR_BAD_VALUE for another word. */
MUST_USE enum err law_jurisdiction_parse(struct view name, enum law_jurisdiction *ret_jurisdiction);

/* NULL when that jurisdiction has no such rule. */
const struct law_row *law_find(enum law_jurisdiction jurisdiction, enum law_item item);
const struct law_row *law_table(size_t *ret_count);

/* `day` plus what the row says. Open days need a calendar, which may be NULL for other units.
 * ERR_BAD_VALUE from calendar_add_open. */
MUST_USE enum err law_add(const struct law_row *row, int64_t day, const struct calendar *calendar,
			  int64_t *ret_day);

/* ---- keeping --------------------------------------------------------------------------------- */

struct law_record {
	unsigned jurisdictions; /* LAW_BIT()s: a patient who moved has several */
	int64_t last_entry;
	bool has_born;
	int64_t born; /* when known */
};

struct law_retention {
	int64_t until; /* the last day on which it must be kept */
	enum law_jurisdiction jurisdiction;
	const char *rule;
	bool from_majority; /* the patient's age decided, not the last entry */
	bool born_assumed;  /* no birth date: as if born on the day of the last entry */
};

/* The longest of all the patient's jurisdictions. Without a birth date the longest it could be.
 * ERR_BAD_VALUE: no or unknown jurisdictions, or a day out of range. */
MUST_USE enum err law_retention_until(const struct law_record *record,
				      struct law_retention *ret_retention);

/* ---- requests with a clock ------------------------------------------------------------------- */

enum law_request {
	LAW_REQUEST_ACCESS,
	LAW_REQUEST_CORRECTION,
	LAW_REQUEST_RESTRICTION,     /* no law names a time: as a correction */
	LAW_REQUEST_PORTABILITY,     /* as access */
	LAW_REQUEST_DISCLOSURE_LIST, /* part of access (BC6); us: as a correction, 60 days (US11) */
	LAW_REQUEST_COUNT,
};

const char *law_request_name(enum law_request kind);
MUST_USE enum err law_request_parse(struct view name, enum law_request *ret_kind);

struct law_clock {
	int64_t received;
	int64_t due;    /* the last day in time */
	uint32_t days;  /* from received to due, in the clock's own days */
	bool open_days; /* the clock runs on open days only */
	const char *rule;
	bool own_knowledge;
};

/* The day of receipt does not count. A due day on which the clinic is closed stays: never later
 * than the law. `extended`: the one extension was told to the patient in writing.
 * ERR_BAD_VALUE: a calendar without open days, or `received` out of range. */
MUST_USE enum err law_request_due(enum law_request kind, enum law_jurisdiction jurisdiction,
				  int64_t received, bool extended, const struct calendar *calendar,
				  struct law_clock *ret_clock);

enum law_light {
	LAW_GREEN,
	LAW_AMBER, /* half of the time is over */
	LAW_RED,   /* LAW_RED_DAYS or fewer are left */
	LAW_OVERDUE,
};
#define LAW_RED_DAYS 5

/* Half and left are counted in the clock's own days (3f). */
enum law_light law_request_light(const struct law_clock *clock, int64_t today,
				 const struct calendar *calendar);

/* ---- consents and registers ------------------------------------------------------------------ */

/* May a letter to a third party lean on this consent? ERR_EXPIRED above the shortest limit of the
 * jurisdictions (ON4: 183 days, the 183rd is fine), ERR_BAD_VALUE when signed after today. */
MUST_USE enum err law_release_consent_check(unsigned jurisdictions, int64_t signed_on,
					    int64_t today);

/* May the row go? ERR_DENIED up to and with the day on which its time is over (CA1, US11). */
MUST_USE enum err law_incident_delete_check(enum law_jurisdiction jurisdiction, int64_t recorded,
					    int64_t today);
