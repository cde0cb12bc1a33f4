#include "record/session_rules.h"

#include "base/check.h"

/* ---- areas that need a consent of their own -------------------------------------------------- */

Roomkeep__Consent__Area session_area_of(Roomkeep__Treatment__Region region)
{
	switch ((int)region) {
	case ROOMKEEP__TREATMENT__REGION__CHEST: return ROOMKEEP__CONSENT__AREA__CHEST_WALL;
	case ROOMKEEP__TREATMENT__REGION__BREAST: return ROOMKEEP__CONSENT__AREA__BREAST_TISSUE;
	case ROOMKEEP__TREATMENT__REGION__GLUTEAL: return ROOMKEEP__CONSENT__AREA__GLUTEAL;
	case ROOMKEEP__TREATMENT__REGION__INNER_THIGH: return ROOMKEEP__CONSENT__AREA__INNER_THIGH;
	case ROOMKEEP__TREATMENT__REGION__ABDOMEN: return ROOMKEEP__CONSENT__AREA__ABDOMEN;
	case ROOMKEEP__TREATMENT__REGION__COCCYX: return ROOMKEEP__CONSENT__AREA__COCCYX;
	default: return ROOMKEEP__CONSENT__AREA__AREA_UNKNOWN;
	}
}

unsigned session_areas_of(const Roomkeep__Treatment *m)
{
	const Roomkeep__Consent__Area area = session_area_of(m->region);
	unsigned bits = area == ROOMKEEP__CONSENT__AREA__AREA_UNKNOWN ? 0 : SESSION_AREA_BIT(area);
	for (size_t i = 0; i < m->n_technique; i++) {
		if (m->technique[i] == ROOMKEEP__TREATMENT__TECHNIQUE__INTRA_ORAL)
			bits |= SESSION_AREA_BIT(ROOMKEEP__CONSENT__AREA__INTRA_ORAL);
	}
	return bits;
}

#define CONSENT_SAY(area) "add consent --patient ID --session SID --area " area " --answer yes"
static const struct session_gap session_area_gaps[] = {
	[ROOMKEEP__CONSENT__AREA__CHEST_WALL] = { "consent chest_wall", CONSENT_SAY("chest_wall") },
	[ROOMKEEP__CONSENT__AREA__BREAST_TISSUE] = { "consent breast_tissue",
						     CONSENT_SAY("breast_tissue") },
	[ROOMKEEP__CONSENT__AREA__GLUTEAL] = { "consent gluteal", CONSENT_SAY("gluteal") },
	[ROOMKEEP__CONSENT__AREA__INNER_THIGH] = { "consent inner_thigh",
						   CONSENT_SAY("inner_thigh") },
	[ROOMKEEP__CONSENT__AREA__ABDOMEN] = { "consent abdomen", CONSENT_SAY("abdomen") },
	[ROOMKEEP__CONSENT__AREA__INTRA_ORAL] = { "consent intra_oral", CONSENT_SAY("intra_oral") },
	[ROOMKEEP__CONSENT__AREA__COCCYX] = { "consent coccyx", CONSENT_SAY("coccyx") },
};

/* ---- what is missing ------------------------------------------------------------------------- */

/* Who came for relaxation has said by that why pain, change and red flags were not asked. */
static bool is_relaxation(const struct session_facts *f)
{
	return f->chart->no_complaint != 0;
}

static bool has_ended(const struct session_facts *f)
{
	return f->has_ended;
}

static bool has_consent(const struct session_facts *f)
{
	return f->chart->has_consented != 0;
}

static bool has_complaint(const struct session_facts *f)
{
	return f->chart->has_episode_id || is_relaxation(f);
}

static bool has_pain(const struct session_facts *f)
{
	return f->chart->has_pain_now || f->chart->has_pain_not_done || is_relaxation(f);
}

static bool has_change(const struct session_facts *f)
{
	return f->is_first || f->chart->has_change_since || f->chart->has_change_not_done ||
	       is_relaxation(f);
}

static bool has_health(const struct session_facts *f)
{
	return f->chart->has_health_changed || f->chart->has_health_not_done;
}

/* That it changed is not enough: what did? */
static bool has_health_words(const struct session_facts *f)
{
	return !f->chart->health_changed || f->chart->health_change != NULL;
}

static bool has_red_flags(const struct session_facts *f)
{
	return f->chart->has_red_flags || f->chart->has_red_flags_not_done || is_relaxation(f);
}

static bool has_contraindications(const struct session_facts *f)
{
	return f->chart->contraindications_considered != 0;
}

static bool has_treatment(const struct session_facts *f)
{
	return f->treatment_count > 0 || f->chart->has_treatment_not_done;
}

static bool has_draping(const struct session_facts *f)
{
	return f->treatment_count == 0 || f->chart->has_draped_as_consented;
}

static bool has_adverse(const struct session_facts *f)
{
	return f->adverse_count > 0 || f->chart->no_adverse_event;
}

static bool is_adverse_one_word(const struct session_facts *f)
{
	return f->adverse_count == 0 || !f->chart->no_adverse_event;
}

static bool has_next(const struct session_facts *f)
{
	return f->chart->has_next_in_days || f->chart->next_as_needed;
}

static const struct session_need {
	struct session_gap gap;
	bool (*is_met)(const struct session_facts *f);
} session_needs[] = {
	{ { "ended_at", "set session SID --ends-now" }, has_ended },
	{ { "consented", "set session SID --consented yes" }, has_consent },
	{ { "episode_id", "set session SID --episode ID, or --no-complaint yes" }, has_complaint },
	{ { "pain_now", "set session SID --pain-now N, or --pain-not-done REASON" }, has_pain },
	{ { "change_since", "set session SID --change-since WORD, or --change-not-done REASON" },
	  has_change },
	{ { "health_changed", "set session SID --health-changed no, or --health-not-done REASON" },
	  has_health },
	{ { "health_change", "set session SID --health-change -" }, has_health_words },
	{ { "red_flags", "set session SID --red-flags clear, or --red-flags-not-done REASON" },
	  has_red_flags },
	{ { "contraindications_considered", "set session SID --contraindications-considered yes" },
	  has_contraindications },
	{ { "treatments", "add treatment --session SID --region WORD --pressure N, or set session "
			  "SID --treatment-not-done REASON" },
	  has_treatment },
	{ { "draped_as_consented", "set session SID --draped-as-consented yes" }, has_draping },
	{ { "no_adverse_event", "set session SID --no-adverse-event yes, or add adverse-event "
				"--session SID --kind WORD --severity WORD" },
	  has_adverse },
	{ { "no_adverse_event", "set session SID --no-adverse-event no: one is written" },
	  is_adverse_one_word },
	{ { "next_in_days", "set session SID --next-in-days N, or --next-as-needed yes" },
	  has_next },
};
_Static_assert(COUNT_OF(session_needs) + COUNT_OF(session_area_gaps) <= SESSION_GAPS_MAX,
	       "all gaps fit");

size_t session_find_gaps(const struct session_facts *f, struct session_gap *ret)
{
	const unsigned open = f->areas_treated & ~f->areas_consented;
	size_t count = 0;
	REQUIRE(f->chart != NULL);
	for (size_t i = 0; i < COUNT_OF(session_needs); i++) {
		if (!session_needs[i].is_met(f)) ret[count++] = session_needs[i].gap;
	}
	for (size_t i = 0; i < COUNT_OF(session_area_gaps); i++) {
		if ((open & SESSION_AREA_BIT(i)) != 0 && session_area_gaps[i].field != NULL)
			ret[count++] = session_area_gaps[i];
	}
	return count;
}

/* ---- carry-forward --------------------------------------------------------------------------- */

/* Neither what was felt or found that day, nor what was agreed, nor what happened. */
static const char *const session_carried[] = {
	"type",
	"student",
	"supervisor",
	"chaperone",
	"interpreter",
	"episode_id",
	"no_complaint",
	"impression",
	"factors",
	"contraindications",
	"hands_on_minutes",
	"next_in_days",
	"next_as_needed",
	"focus",
};

const char *session_carry_at(size_t at)
{
	return at < COUNT_OF(session_carried) ? session_carried[at] : NULL;
}

bool session_may_carry(struct view field)
{
	for (size_t i = 0; i < COUNT_OF(session_carried); i++) {
		if (view_equal(view_str(session_carried[i]), field)) return true;
	}
	return false;
}
