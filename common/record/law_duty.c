#include "record/law_duty.h"

#include "base/check.h"

#define LATE_MS ((uint64_t)LAW_LATE_HOURS * CALENDAR_HOUR_MS)
#define HARM_REAL 3u

/* ---- entries --------------------------------------------------------------------------------- */

uint32_t law_late_hours(uint64_t ended_ms, uint64_t signed_ms)
{
	if (signed_ms <= ended_ms || signed_ms - ended_ms <= LATE_MS) return 0;
	return (uint32_t)((signed_ms - ended_ms) / CALENDAR_HOUR_MS);
}

enum err law_late_print(uint64_t ended_ms, uint64_t signed_ms, struct buf *out)
{
	const uint32_t hours = law_late_hours(ended_ms, signed_ms);
	return hours == 0 ? ERR_OK : buf_append_fmt(out, "late entry (%u h)", hours);
}

enum err law_correction_check(enum law_decision decision, struct view annotation,
			      struct record_error *ret_error)
{
	switch (decision) {
	case LAW_GRANTED: return ERR_OK;
	case LAW_REFUSED:
		if (annotation.len > 0) return ERR_OK;
		return field_fail(ret_error, ERR_BAD_VALUE, "annotation",
				  "what was asked for and why it was refused");
	case LAW_UNDECIDED: break;
	}
	return field_fail(ret_error, ERR_BAD_VALUE, "decision", "granted or refused");
}

enum err law_consent_check(enum law_jurisdiction jurisdiction, enum law_consent_by given_by,
			   bool has_born, int64_t born, int64_t today, struct view capacity_basis,
			   struct record_error *ret_error)
{
	const struct law_row *majority = law_find(jurisdiction, LAW_MAJORITY);
	REQUIRE(majority != NULL);
	if (given_by != LAW_CONSENT_PATIENT && given_by != LAW_CONSENT_GUARDIAN &&
	    given_by != LAW_CONSENT_SUBSTITUTE) {
		return field_fail(ret_error, ERR_BAD_VALUE, "given_by",
				  "patient, guardian or substitute");
	}
	const bool adult = has_born && calendar_age_years(born, today) >= majority->value;
	if (adult || given_by != LAW_CONSENT_PATIENT || capacity_basis.len > 0) return ERR_OK;
	return field_fail(ret_error, ERR_BAD_VALUE, "capacity_basis",
			  "why this minor was held capable, or a guardian's consent");
}

/* ---- the end of a record --------------------------------------------------------------------- */

enum err law_disposal_check(const struct law_disposal *d, int64_t today,
			    struct record_error *ret_error)
{
	if (d->legal_hold) {
		return field_fail(ret_error, ERR_DENIED, "legal_hold",
				  "nothing goes while a legal hold stands");
	}
	if (today <= d->retention_until) {
		return field_fail(ret_error, ERR_DENIED, "retention_until",
				  "a day after the record's time is over");
	}
	if (id_is_zero(&d->first) || id_is_zero(&d->second) || id_equal(&d->first, &d->second)) {
		return field_fail(ret_error, ERR_DENIED, "confirmed_by", "two different people");
	}
	return ERR_OK;
}

bool law_drill_is_due(bool has_drill, int64_t last_drill, int64_t today)
{
	return !has_drill || today - last_drill >= LAW_DRILL_DAYS;
}

/* ---- words ----------------------------------------------------------------------------------- */

struct law_word {
	const char *name;
	const char *words;
};

static const struct law_word law_overrides[LAW_OVERRIDE_COUNT + 1] = {
	[LAW_OVERRIDE_CONSENT] = { "express_consent",
				   "The patient has expressly agreed that I open this." },
	[LAW_OVERRIDE_EMERGENCY] = { "emergency",
				     "There is no time to ask, and without it serious harm is "
				     "likely." },
};

static const struct law_word law_incidents[LAW_INCIDENT_COUNT + 1] = {
	[LAW_INCIDENT_SNOOPING] = { "snooping",
				    "used or disclosed by somebody who knew it was not allowed" },
	[LAW_INCIDENT_THEFT] = { "theft", "stolen" },
	[LAW_INCIDENT_FURTHER_USE] = { "further_use",
				       "used or disclosed again after a loss or a wrong use" },
	[LAW_INCIDENT_PATTERN] = { "pattern", "one of several alike" },
	[LAW_INCIDENT_DISCIPLINE] = { "discipline",
				      "a member of a college was disciplined for it" },
	[LAW_INCIDENT_DISCIPLINE_OTHER] = { "discipline_other",
					    "somebody who is in no college was disciplined for "
					    "it" },
	[LAW_INCIDENT_SIGNIFICANT] = { "significant",
				       "significant: sensitive, large, or by several people" },
	[LAW_INCIDENT_OTHER] = { "other", "none of the cases that go to the commissioner" },
};

static const struct law_word *law_word_get(const struct law_word *words, size_t count, int value)
{
	return value >= 1 && (size_t)value < count ? &words[value] : NULL;
}

static enum err law_word_parse(const struct law_word *words, size_t count, struct view name,
			       int *ret_value)
{
	for (size_t i = 1; i < count; i++) {
		if (!view_equal(view_str(words[i].name), name)) continue;
		*ret_value = (int)i;
		return ERR_OK;
	}
	return ERR_BAD_VALUE;
}

/* ---- break-glass ----------------------------------------------------------------------------- */

static const char law_override_allowed[] = "express_consent or emergency";

const char *law_override_name(enum law_override reason)
{
	const struct law_word *w =
		law_word_get(law_overrides, COUNT_OF(law_overrides), (int)reason);
	return w == NULL ? NULL : w->name;
}

const char *law_override_words(enum law_override reason)
{
	const struct law_word *w =
		law_word_get(law_overrides, COUNT_OF(law_overrides), (int)reason);
	return w == NULL ? NULL : w->words;
}

enum err law_override_parse(struct view name, enum law_override *ret_reason,
			    struct record_error *ret_error)
{
	int value;
	if (law_word_parse(law_overrides, COUNT_OF(law_overrides), name, &value) != ERR_OK) {
		return field_fail(ret_error, ERR_BAD_VALUE, "reason", law_override_allowed);
	}
	*ret_reason = (enum law_override)value;
	return ERR_OK;
}

enum err law_override_check(enum law_override reason, struct view text,
			    struct record_error *ret_error)
{
	if (law_override_name(reason) == NULL) {
		return field_fail(ret_error, ERR_BAD_VALUE, "reason", law_override_allowed);
	}
	if (text.len == 0) {
		return field_fail(ret_error, ERR_BAD_VALUE, "text", "what happened, in words");
	}
	return ERR_OK;
}

/* ---- incidents ------------------------------------------------------------------------------- */

const char *law_incident_name(enum law_incident category)
{
	const struct law_word *w =
		law_word_get(law_incidents, COUNT_OF(law_incidents), (int)category);
	return w == NULL ? NULL : w->name;
}

const char *law_incident_words(enum law_incident category)
{
	const struct law_word *w =
		law_word_get(law_incidents, COUNT_OF(law_incidents), (int)category);
	return w == NULL ? NULL : w->words;
}

enum err law_incident_parse(struct view name, enum law_incident *ret_category,
			    struct record_error *ret_error)
{
	int value;
	if (law_word_parse(law_incidents, COUNT_OF(law_incidents), name, &value) != ERR_OK) {
		return field_fail(ret_error, ERR_BAD_VALUE, "category",
				  "snooping, theft, further_use, pattern, discipline, "
				  "discipline_other, significant or other");
	}
	*ret_category = (enum law_incident)value;
	return ERR_OK;
}

struct law_notice law_incident_notice(enum law_incident category, bool sealed)
{
	REQUIRE(law_incident_name(category) != NULL);
	if (category == LAW_INCIDENT_THEFT && sealed) return (struct law_notice){ false, false };
	return (struct law_notice){ true, category != LAW_INCIDENT_OTHER };
}

const char *law_incident_encryption(bool encrypted, bool key_on_device)
{
	if (encrypted) {
		return key_on_device ? "encrypted: yes, key on device"
				     : "encrypted: yes, key not on device";
	}
	return key_on_device ? "encrypted: no, key on device" : "encrypted: no";
}

void law_incident_count(const struct law_incident_row *rows, size_t count, unsigned year,
			uint32_t ret_counts[LAW_INCIDENT_COUNT + 1])
{
	for (size_t i = 0; i <= LAW_INCIDENT_COUNT; i++) ret_counts[i] = 0;
	for (size_t i = 0; i < count; i++) {
		REQUIRE(law_incident_name(rows[i].category) != NULL);
		if (calendar_date_of(rows[i].day).year == year) ret_counts[rows[i].category]++;
	}
}

static bool law_level_is_answer(enum law_level level)
{
	return level == LAW_LEVEL_LOW || level == LAW_LEVEL_MEDIUM || level == LAW_LEVEL_HIGH;
}

enum err law_harm_test(enum law_level sensitivity, enum law_level probability, bool health_data,
		       bool *ret_real_risk, struct record_error *ret_error)
{
	if (!law_level_is_answer(sensitivity)) {
		return field_fail(ret_error, ERR_BAD_VALUE, "sensitivity", "low, medium or high");
	}
	if (!law_level_is_answer(probability)) {
		return field_fail(ret_error, ERR_BAD_VALUE, "probability", "low, medium or high");
	}
	if (health_data && sensitivity == LAW_LEVEL_LOW) {
		return field_fail(ret_error, ERR_BAD_VALUE, "sensitivity",
				  "medium or high: health information is sensitive by nature");
	}
	*ret_real_risk = (unsigned)sensitivity * (unsigned)probability >= HARM_REAL;
	return ERR_OK;
}
