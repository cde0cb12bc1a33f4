#include "record/guard.h"

#include "base/check.h"

#define GUARD_DIGITS_MIN 7 /* fewer are an extension, not a number of its own */

/* ---- kin ------------------------------------------------------------------------------------- */

static const struct guard_kin_row {
	const char *words;
	const char *band; /* what the therapist's side reads */
	enum guard_kin reverse;
} guard_kins[GUARD_KIN_COUNT + 1] = {
	[GUARD_KIN_SPOUSE] = { "spouse or partner",
			       "This patient's spouse or partner is also a patient. What one says "
			       "stays with that one.",
			       GUARD_KIN_SPOUSE },
	[GUARD_KIN_FORMER] = { "former spouse or partner",
			       "This patient's former spouse or partner is also a patient. What "
			       "one says stays with that one.",
			       GUARD_KIN_FORMER },
	[GUARD_KIN_PARENT] = { "parent",
			       "This patient's parent is also a patient. What one says stays with "
			       "that one.",
			       GUARD_KIN_CHILD },
	[GUARD_KIN_CHILD] = { "child",
			      "This patient's child is also a patient. What one says stays with "
			      "that one.",
			      GUARD_KIN_PARENT },
	[GUARD_KIN_SIBLING] = { "brother or sister",
				"This patient's brother or sister is also a patient. What one "
				"says stays with that one.",
				GUARD_KIN_SIBLING },
	[GUARD_KIN_HOUSEHOLD] = { "member of the household",
				  "Somebody of this patient's household is also a patient. What "
				  "one says stays with that one.",
				  GUARD_KIN_HOUSEHOLD },
	[GUARD_KIN_OTHER] = { "relative or friend",
			      "Somebody close to this patient is also a patient. What one says "
			      "stays with that one.",
			      GUARD_KIN_OTHER },
};

static const char guard_band_desk[] =
	"Somebody close to this patient may ask. Neither confirm nor deny a visit.";
static const char guard_band_split[] =
	"Keep these two apart: no bookings close together, no shared reminders. Neither confirm "
	"nor deny a visit.";
static const char guard_wall_words[] =
	"You are changing between the charts of one family. What one says stays with that one.";
static const char guard_desk_words[] =
	"We do not say who comes here and who does not. We say it about nobody.";

static const struct guard_kin_row *guard_kin_get(enum guard_kin kin)
{
	return kin >= GUARD_KIN_SPOUSE && kin <= GUARD_KIN_OTHER ? &guard_kins[kin] : NULL;
}

const char *guard_kin_words(enum guard_kin kin)
{
	const struct guard_kin_row *row = guard_kin_get(kin);
	return row == NULL ? NULL : row->words;
}

enum guard_kin guard_kin_reverse(enum guard_kin kin)
{
	const struct guard_kin_row *row = guard_kin_get(kin);
	REQUIRE(row != NULL);
	return row->reverse;
}

static bool guard_link_joins(const struct guard_link *link, const struct id *a, const struct id *b)
{
	return (id_equal(&link->patient, a) && id_equal(&link->relative, b)) ||
	       (id_equal(&link->patient, b) && id_equal(&link->relative, a));
}

/* ---- sharing --------------------------------------------------------------------------------- */

enum err guard_grant_check(const struct guard_grant *grant, struct record_error *ret_error)
{
	if (id_is_zero(&grant->from)) {
		return field_fail(ret_error, ERR_BAD_VALUE, "from", "a patient");
	}
	if (id_is_zero(&grant->to) || id_equal(&grant->from, &grant->to)) {
		return field_fail(ret_error, ERR_BAD_VALUE, "to", "another person");
	}
	if (grant->scope == 0 || (grant->scope & ~GUARD_SCOPE_ALL) != 0) {
		return field_fail(ret_error, ERR_BAD_VALUE, "scope",
				  "booking, billing, homecare; nothing clinical can be shared");
	}
	if (grant->has_expiry && grant->expires_on < grant->given_on) {
		return field_fail(ret_error, ERR_BAD_VALUE, "expires_on",
				  "a day on or after given_on");
	}
	return ERR_OK;
}

enum guard_grant_state guard_grant_state_at(const struct guard_grant *grant, int64_t today)
{
	if (grant->revoked) return GUARD_GRANT_REVOKED;
	if (today < grant->given_on) return GUARD_GRANT_NOT_YET;
	const bool of_age = grant->has_majority && today >= grant->majority_on;
	if (grant->by_parent && (of_age || grant->capable)) return GUARD_GRANT_LAPSED;
	if (grant->has_expiry && today > grant->expires_on) return GUARD_GRANT_EXPIRED;
	return GUARD_GRANT_VALID;
}

bool guard_may_share(const struct guard_grant *grants, size_t count, const struct id *from,
		     const struct id *to, enum guard_action action, int64_t today)
{
	const unsigned bit = GUARD_ACTION_BIT(action) & GUARD_SCOPE_ALL;
	for (size_t i = 0; i < count; i++) {
		const struct guard_grant *g = &grants[i];
		if (!id_equal(&g->from, from) || !id_equal(&g->to, to)) continue;
		if ((g->scope & bit) == 0) continue;
		if (guard_grant_check(g, NULL) != ERR_OK) continue;
		if (guard_grant_state_at(g, today) == GUARD_GRANT_VALID) return true;
	}
	return false;
}

/* ---- the open chart -------------------------------------------------------------------------- */

const char *guard_band_words(const struct guard_link *link, enum guard_side side)
{
	const struct guard_kin_row *row = guard_kin_get(link->kin);
	REQUIRE(row != NULL);
	if ((link->known_by & GUARD_SIDE_BIT(side)) == 0) return NULL;
	switch (side) {
	case GUARD_SIDE_NONE: break;
	case GUARD_SIDE_DESK: return link->split ? guard_band_split : guard_band_desk;
	case GUARD_SIDE_THERAPIST: return row->band;
	}
	return NULL;
}

const struct guard_link *guard_band_find(const struct guard_link *links, size_t count,
					 const struct id *patient, enum guard_side side)
{
	const struct guard_link *found = NULL;
	for (size_t i = 0; i < count; i++) {
		if (!id_equal(&links[i].patient, patient)) continue;
		if (guard_band_words(&links[i], side) == NULL) continue;
		if (links[i].split) return &links[i]; /* the strictest stands first */
		if (found == NULL) found = &links[i];
	}
	return found;
}

struct guard_wall guard_switch_wall(const struct guard_link *links, size_t count,
				    const struct id *from, uint64_t from_ms, const struct id *to,
				    uint64_t now_ms)
{
	const struct guard_wall none = { 0 };
	/* A clock that was set back is no way round the wall. */
	if (now_ms >= from_ms && now_ms - from_ms >= GUARD_WALL_WITHIN_MS) return none;
	for (size_t i = 0; i < count; i++) {
		if (!guard_link_joins(&links[i], from, to)) continue;
		return (struct guard_wall){ GUARD_WALL_MS, guard_wall_words, true };
	}
	return none;
}

bool guard_may_carry(const struct id *from, const struct id *to)
{
	return id_equal(from, to);
}

/* ---- what leaves ----------------------------------------------------------------------------- */

enum err guard_output_check(const enum guard_resolution *found, size_t count,
			    struct record_error *ret_error)
{
	for (size_t i = 0; i < count; i++) {
		if (found[i] == GUARD_REMOVED || found[i] == GUARD_REPHRASED ||
		    found[i] == GUARD_NOT_THEM) {
			continue;
		}
		return field_fail(ret_error, ERR_DENIED, "third_party",
				  "each mention removed, rephrased, or said to be somebody else");
	}
	return ERR_OK;
}

const char *guard_desk_answer(bool may_share_booking)
{
	return may_share_booking ? NULL : guard_desk_words;
}

/* The last digits of a phone number, newest last; country codes and zeros in front differ. */
static size_t guard_digits(struct view text, uint8_t ret_digits[GUARD_DIGITS_MIN])
{
	size_t count = 0;
	for (size_t i = text.len; i > 0 && count < GUARD_DIGITS_MIN; i--) {
		const uint8_t c = text.p[i - 1];
		if (c >= '0' && c <= '9') ret_digits[count++] = c;
	}
	return count;
}

static uint8_t guard_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool guard_email_equal(struct view a, struct view b)
{
	if (a.len != b.len) return false;
	for (size_t i = 0; i < a.len; i++) {
		if (guard_lower(a.p[i]) != guard_lower(b.p[i])) return false;
	}
	return true;
}

bool guard_contact_is_shared(struct view mine, struct view theirs)
{
	if (mine.len == 0 || theirs.len == 0) return false;
	const bool mine_is_email = memchr(mine.p, '@', mine.len) != NULL;
	const bool theirs_is_email = memchr(theirs.p, '@', theirs.len) != NULL;
	if (mine_is_email != theirs_is_email) return false;
	if (mine_is_email) return guard_email_equal(mine, theirs);

	uint8_t a[GUARD_DIGITS_MIN];
	uint8_t b[GUARD_DIGITS_MIN];
	const size_t a_count = guard_digits(mine, a);
	const size_t b_count = guard_digits(theirs, b);
	return a_count > 0 && a_count == b_count && memcmp(a, b, a_count) == 0;
}

bool guard_receipt_may_show(enum guard_receipt_part part, bool to_payer)
{
	switch (part) {
	case GUARD_RECEIPT_NAME:
	case GUARD_RECEIPT_DATE:
	case GUARD_RECEIPT_SERVICE:
	case GUARD_RECEIPT_AMOUNT:
	case GUARD_RECEIPT_REGISTRATION: return true;
	case GUARD_RECEIPT_COMPLAINT:
	case GUARD_RECEIPT_THERAPIST_NOTES: return !to_payer;
	}
	return false;
}

/* ---- hard split, and the review -------------------------------------------------------------- */

bool guard_split_clash(const struct guard_link *link, uint64_t a_start_ms, uint64_t a_end_ms,
		       uint64_t b_start_ms, uint64_t b_end_ms)
{
	REQUIRE(a_start_ms < a_end_ms && b_start_ms < b_end_ms);
	if (!link->split) return false;
	if (a_end_ms <= b_start_ms) return b_start_ms - a_end_ms < GUARD_SPLIT_GAP_MS;
	if (b_end_ms <= a_start_ms) return a_start_ms - b_end_ms < GUARD_SPLIT_GAP_MS;
	return true;
}

bool guard_may_share_reminder(const struct guard_link *link)
{
	return !link->split;
}

static bool guard_open_same(const struct guard_open *a, const struct guard_open *b)
{
	return a->day == b->day && id_equal(&a->user, &b->user) &&
	       id_equal(&a->patient, &b->patient);
}

/* The same user opened the same chart on that day before: said once is enough. */
static bool guard_open_is_again(const struct guard_open *opens, size_t i)
{
	for (size_t j = 0; j < i; j++) {
		if (guard_open_same(&opens[j], &opens[i])) return true;
	}
	return false;
}

static bool guard_opens_joined(const struct guard_link *links, size_t link_count,
			       const struct guard_open *a, const struct guard_open *b)
{
	if (a->day != b->day || !id_equal(&a->user, &b->user)) return false;
	for (size_t i = 0; i < link_count; i++) {
		if (guard_link_joins(&links[i], &a->patient, &b->patient)) return true;
	}
	return false;
}

size_t guard_find_double_opens(const struct guard_link *links, size_t link_count,
			       const struct guard_open *opens, size_t open_count,
			       struct guard_double *ret_found, size_t cap)
{
	size_t count = 0;
	for (size_t i = 0; i < open_count; i++) {
		if (guard_open_is_again(opens, i)) continue;
		for (size_t j = i + 1; j < open_count; j++) {
			if (!guard_opens_joined(links, link_count, &opens[i], &opens[j])) continue;
			if (guard_open_is_again(opens, j)) continue;
			if (count < cap) ret_found[count] = (struct guard_double){ i, j };
			count++;
		}
	}
	return count;
}
