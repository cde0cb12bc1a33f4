#include "record/law.h"

#include "base/check.h"

#define ROW(place, what, number, in, id, from, own)                                                \
	{                                                                                          \
		LAW_##place, LAW_##what, number, LAW_##in, id, from, own                           \
	}

static const struct law_row law_rows[] = {
	ROW(CA_BC, MAJORITY, 19, YEARS, "BC10", "L14", false),
	/* The two texts are other colleges' and the insurer's: 16 is adopted, to be confirmed. */
	ROW(CA_BC, KEEP, 16, YEARS, "BC4", "L5 L6", true),
	ROW(CA_BC, KEEP_MINOR, 16, YEARS, "BC4", "L5 L6", true),
	ROW(CA_BC, ACCESS, 30, OPEN_DAYS, "BC6", "L10", true),
	ROW(CA_BC, ACCESS_EXTENSION, 30, OPEN_DAYS, "BC6", "L10", true),
	ROW(CA_BC, CORRECTION, 30, OPEN_DAYS, "BC5", "", true),
	ROW(CA_BC, CORRECTION_EXTENSION, 30, OPEN_DAYS, "BC5", "", true),
	ROW(CA_BC, INCIDENT_KEEP, 24, MONTHS, "CA1", "L27", true),
	ROW(CA_BC, BREACH_NOTICE, 0, AT_ONCE, "CA1", "L27", true),

	ROW(CA_ON, MAJORITY, 18, YEARS, "ON2", "L16", false),
	ROW(CA_ON, KEEP, 10, YEARS, "ON2", "L16", false),
	ROW(CA_ON, KEEP_MINOR, 10, YEARS, "ON2", "L16", false),
	ROW(CA_ON, ACCESS, 30, DAYS, "ON6", "L19", false),
	ROW(CA_ON, ACCESS_EXTENSION, 30, DAYS, "ON6", "L19", false),
	ROW(CA_ON, CORRECTION, 30, DAYS, "ON6", "L21", true),
	ROW(CA_ON, CORRECTION_EXTENSION, 30, DAYS, "ON6", "L21", true),
	ROW(CA_ON, RELEASE_CONSENT, 183, DAYS, "ON4", "L18", false),
	ROW(CA_ON, INCIDENT_KEEP, 24, MONTHS, "CA1", "L27", true),
	ROW(CA_ON, BREACH_NOTICE, 0, AT_ONCE, "ON3", "L17", false),

	/* New York: six years or until the age of 22. */
	ROW(US, MAJORITY, 18, YEARS, "US13", "", true),
	ROW(US, KEEP, 6, YEARS, "US13", "L34", false),
	ROW(US, KEEP_MINOR, 4, YEARS, "US13", "L34", true),
	ROW(US, ACCESS, 30, DAYS, "US10", "", true),
	ROW(US, ACCESS_EXTENSION, 30, DAYS, "US10", "", true),
	ROW(US, CORRECTION, 60, DAYS, "US10", "L32", false),
	ROW(US, CORRECTION_EXTENSION, 30, DAYS, "US10", "L32", false),
	ROW(US, INCIDENT_KEEP, 72, MONTHS, "US11", "", true),
	ROW(US, BREACH_NOTICE, 60, DAYS, "US11", "", true),
	ROW(US, DISCLOSURE_KEEP, 6, YEARS, "US11", "", true),

	ROW(OTHER, MAJORITY, 19, YEARS, "house", "", true),
	ROW(OTHER, KEEP, 16, YEARS, "house", "", true),
	ROW(OTHER, KEEP_MINOR, 16, YEARS, "house", "", true),
	ROW(OTHER, ACCESS, 30, DAYS, "house", "", true),
	ROW(OTHER, ACCESS_EXTENSION, 30, DAYS, "house", "", true),
	ROW(OTHER, CORRECTION, 30, DAYS, "house", "", true),
	ROW(OTHER, CORRECTION_EXTENSION, 30, DAYS, "house", "", true),
	ROW(OTHER, RELEASE_CONSENT, 183, DAYS, "house", "", true),
	ROW(OTHER, INCIDENT_KEEP, 72, MONTHS, "house", "", true),
	ROW(OTHER, BREACH_NOTICE, 0, AT_ONCE, "house", "", true),
	ROW(OTHER, DISCLOSURE_KEEP, 6, YEARS, "house", "", true),
};
#undef ROW

static const char *const law_jurisdictions[] = {
	[LAW_CA_BC] = "ca-bc",
	[LAW_CA_ON] = "ca-on",
	[LAW_US] = "us",
	[LAW_OTHER] = "other",
};

static const char *const law_requests[] = {
	[LAW_REQUEST_ACCESS] = "access",
	[LAW_REQUEST_CORRECTION] = "correction",
	[LAW_REQUEST_RESTRICTION] = "restriction",
	[LAW_REQUEST_PORTABILITY] = "portability",
	[LAW_REQUEST_DISCLOSURE_LIST] = "disclosure_list",
};

static enum err law_parse(const char *const *names, size_t count, struct view name, size_t *ret_i)
{
	for (size_t i = 0; i < count; i++) {
		if (!view_equal(view_str(names[i]), name)) continue;
		*ret_i = i;
		return ERR_OK;
	}
	return ERR_BAD_VALUE;
}

const char *law_jurisdiction_name(enum law_jurisdiction jurisdiction)
{
	REQUIRE((size_t)jurisdiction < COUNT_OF(law_jurisdictions));
	return law_jurisdictions[jurisdiction];
}

enum err law_jurisdiction_parse(struct view name, enum law_jurisdiction *ret_jurisdiction)
{
	size_t i;
	TRY(law_parse(law_jurisdictions, COUNT_OF(law_jurisdictions), name, &i));
	*ret_jurisdiction = (enum law_jurisdiction)i;
	return ERR_OK;
}

const char *law_request_name(enum law_request kind)
{
	REQUIRE((size_t)kind < COUNT_OF(law_requests));
	return law_requests[kind];
}

enum err law_request_parse(struct view name, enum law_request *ret_kind)
{
	size_t i;
	TRY(law_parse(law_requests, COUNT_OF(law_requests), name, &i));
	*ret_kind = (enum law_request)i;
	return ERR_OK;
}

const struct law_row *law_table(size_t *ret_count)
{
	*ret_count = COUNT_OF(law_rows);
	return law_rows;
}

const struct law_row *law_find(enum law_jurisdiction jurisdiction, enum law_item item)
{
	for (size_t i = 0; i < COUNT_OF(law_rows); i++) {
		const struct law_row *row = &law_rows[i];
		if (row->jurisdiction == jurisdiction && row->item == item) return row;
	}
	return NULL;
}

/* A row that every jurisdiction has (a test looks). */
static const struct law_row *law_get(enum law_jurisdiction jurisdiction, enum law_item item)
{
	const struct law_row *row = law_find(jurisdiction, item);
	INSIST(row != NULL);
	return row;
}

enum err law_add(const struct law_row *row, int64_t day, const struct calendar *calendar,
		 int64_t *ret_day)
{
	ENSURE(calendar_day_is_valid(day), ERR_BAD_VALUE);
	switch (row->unit) {
	case LAW_YEARS: *ret_day = calendar_add_years(day, row->value); return ERR_OK;
	case LAW_MONTHS: *ret_day = calendar_add_months(day, row->value); return ERR_OK;
	case LAW_DAYS: *ret_day = day + row->value; return ERR_OK;
	case LAW_OPEN_DAYS: {
		REQUIRE(calendar != NULL);
		return calendar_add_open(calendar, day, row->value, ret_day);
	}
	case LAW_AT_ONCE: *ret_day = day; return ERR_OK;
	}
	INSIST(false);
	return ERR_BUG;
}

/* ---- keeping --------------------------------------------------------------------------------- */

static struct law_retention law_retention_of(const struct law_record *record,
					     enum law_jurisdiction jurisdiction)
{
	const struct law_row *keep = law_get(jurisdiction, LAW_KEEP);
	const struct law_row *majority = law_get(jurisdiction, LAW_MAJORITY);
	const struct law_row *minor = law_get(jurisdiction, LAW_KEEP_MINOR);
	INSIST(keep->unit == LAW_YEARS && majority->unit == LAW_YEARS && minor->unit == LAW_YEARS);

	const int64_t born = record->has_born ? record->born : record->last_entry;
	const int64_t of_age = calendar_add_years(born, majority->value);
	const int64_t by_entry = calendar_add_years(record->last_entry, keep->value);
	const int64_t by_age = calendar_add_years(of_age, minor->value);
	const bool from_majority = by_age > by_entry;
	return (struct law_retention){
		.until = from_majority ? by_age : by_entry,
		.jurisdiction = jurisdiction,
		.rule = from_majority ? minor->rule : keep->rule,
		.from_majority = from_majority,
		.born_assumed = !record->has_born,
	};
}

enum err law_retention_until(const struct law_record *record, struct law_retention *ret_retention)
{
	const unsigned set = record->jurisdictions;
	ENSURE(set != 0 && (set & ~LAW_BITS_ALL) == 0, ERR_BAD_VALUE);
	ENSURE(calendar_day_is_valid(record->last_entry), ERR_BAD_VALUE);
	ENSURE(!record->has_born || calendar_day_is_valid(record->born), ERR_BAD_VALUE);

	struct law_retention longest = { .until = CALENDAR_DAY_MIN - 1 };
	for (int j = 0; j < LAW_JURISDICTION_COUNT; j++) {
		if ((set & LAW_BIT(j)) == 0) continue;
		const struct law_retention one = law_retention_of(record, (enum law_jurisdiction)j);
		if (one.until > longest.until) longest = one;
	}
	*ret_retention = longest;
	return ERR_OK;
}

/* ---- requests with a clock ------------------------------------------------------------------- */

static enum law_item law_request_item(enum law_request kind, enum law_jurisdiction jurisdiction)
{
	switch (kind) {
	case LAW_REQUEST_ACCESS:
	case LAW_REQUEST_PORTABILITY: return LAW_ACCESS;
	case LAW_REQUEST_CORRECTION:
	case LAW_REQUEST_RESTRICTION: return LAW_CORRECTION;
	case LAW_REQUEST_DISCLOSURE_LIST:
		return jurisdiction == LAW_US ? LAW_CORRECTION : LAW_ACCESS;
	case LAW_REQUEST_COUNT: break;
	}
	INSIST(false);
	return LAW_ITEM_COUNT;
}

enum err law_request_due(enum law_request kind, enum law_jurisdiction jurisdiction,
			 int64_t received, bool extended, const struct calendar *calendar,
			 struct law_clock *ret_clock)
{
	const enum law_item item = law_request_item(kind, jurisdiction);
	const struct law_row *row = law_get(jurisdiction, item);
	struct law_clock clock = {
		.received = received,
		.days = row->value,
		.open_days = row->unit == LAW_OPEN_DAYS,
		.rule = kind == LAW_REQUEST_DISCLOSURE_LIST && jurisdiction == LAW_US ? "US11"
										      : row->rule,
		.own_knowledge = row->own_knowledge || kind == LAW_REQUEST_RESTRICTION ||
				 kind == LAW_REQUEST_DISCLOSURE_LIST,
	};
	TRY(law_add(row, received, calendar, &clock.due));
	if (extended) {
		const struct law_row *more =
			law_get(jurisdiction, item == LAW_ACCESS ? LAW_ACCESS_EXTENSION
								 : LAW_CORRECTION_EXTENSION);
		INSIST(more->unit == row->unit);
		clock.days += more->value;
		TRY(law_add(more, clock.due, calendar, &clock.due));
	}
	*ret_clock = clock;
	return ERR_OK;
}

enum law_light law_request_light(const struct law_clock *clock, int64_t today,
				 const struct calendar *calendar)
{
	if (today > clock->due) return LAW_OVERDUE;
	/* A time before the receipt is a clock that was set back: nothing has passed. */
	const int64_t now = today < clock->received ? clock->received : today;
	const int64_t left = clock->open_days ? calendar_count_open(calendar, now, clock->due)
					      : clock->due - now;
	if (left <= LAW_RED_DAYS) return LAW_RED;
	return 2 * left <= (int64_t)clock->days ? LAW_AMBER : LAW_GREEN;
}

/* ---- consents and registers ------------------------------------------------------------------ */

enum err law_release_consent_check(unsigned jurisdictions, int64_t signed_on, int64_t today)
{
	ENSURE(jurisdictions != 0 && (jurisdictions & ~LAW_BITS_ALL) == 0, ERR_BAD_VALUE);
	ENSURE(signed_on <= today, ERR_BAD_VALUE);
	for (int j = 0; j < LAW_JURISDICTION_COUNT; j++) {
		const struct law_row *row = law_find((enum law_jurisdiction)j, LAW_RELEASE_CONSENT);
		if ((jurisdictions & LAW_BIT(j)) == 0 || row == NULL) continue;
		ENSURE(today - signed_on <= (int64_t)row->value, ERR_EXPIRED);
	}
	return ERR_OK;
}

enum err law_incident_delete_check(enum law_jurisdiction jurisdiction, int64_t recorded,
				   int64_t today)
{
	int64_t until;
	TRY(law_add(law_get(jurisdiction, LAW_INCIDENT_KEEP), recorded, NULL, &until));
	return today > until ? ERR_OK : ERR_DENIED;
}
