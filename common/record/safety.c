#include "record/safety.h"

#include "base/check.h"

/* For every jurisdiction. */
static const struct safety_row safety_steps[] = {
	{ SAFETY_DO, "Stop the treatment, cover the patient, stay with them and stay calm.", "", "",
	  false },
	{ SAFETY_DO, "Ask plainly: are you thinking of killing yourself? Are you safe at home?", "",
	  "", false },
	{ SAFETY_DO, "Do not promise secrecy. Say whom you may have to tell, and why.", "", "",
	  false },
	{ SAFETY_DO,
	  "In danger now: call the emergency number; nobody is left alone until help is there.", "",
	  "", false },
	{ SAFETY_DO, "Else offer to make the call together, from this room.", "", "", false },
	{ SAFETY_DO,
	  "Write what was said, in their words, in a confidential note; then tell the lead "
	  "therapist today.",
	  "", "", false },
};

#define CANADA_LINES                                                                               \
	{ SAFETY_CALL, "Emergency", "911", "", true },                                             \
	{                                                                                          \
		SAFETY_CALL, "Suicide Crisis Helpline, call or text", "988",                       \
			"Government of Canada, announcement of 30 November 2023", false            \
	}

static const struct safety_row safety_ca_bc[] = {
	CANADA_LINES,
	{ SAFETY_DUTY,
	  "Whoever has reason to believe that a child needs protection reports it at once to a "
	  "director under the Child, Family and Community Service Act, section 14.",
	  "", "", true },
};

static const struct safety_row safety_ca_on[] = {
	CANADA_LINES,
	{ SAFETY_DUTY,
	  "Whoever has reasonable grounds to suspect that a child needs protection reports it at "
	  "once, in person, to a children's aid society.",
	  "", "Child, Youth and Family Services Act, 2017, section 125", false },
};

static const struct safety_row safety_us[] = {
	{ SAFETY_CALL, "Emergency", "911", "", true },
	{ SAFETY_CALL, "Suicide and Crisis Lifeline, call or text", "988",
	  "988lifeline.org; Federal Communications Commission, in use since 16 July 2022", false },
	{ SAFETY_CALL, "National Domestic Violence Hotline", "1-800-799-7233", "", true },
	{ SAFETY_DUTY,
	  "Whether a massage therapist must report harm to a child or a dependent adult differs by "
	  "state: know yours.",
	  "", "", true },
};

static const struct safety_row safety_other[] = {
	{ SAFETY_CALL, "Emergency, in the European Union and in most mobile networks", "112", "",
	  true },
	{ SAFETY_DUTY, "Know the crisis line and the duty to report where the clinic is.", "", "",
	  true },
};

static const struct safety_own {
	const struct safety_row *rows;
	size_t count;
} safety_own[LAW_JURISDICTION_COUNT] = {
	[LAW_CA_BC] = { safety_ca_bc, COUNT_OF(safety_ca_bc) },
	[LAW_CA_ON] = { safety_ca_on, COUNT_OF(safety_ca_on) },
	[LAW_US] = { safety_us, COUNT_OF(safety_us) },
	[LAW_OTHER] = { safety_other, COUNT_OF(safety_other) },
};

const struct safety_row *safety_row(enum law_jurisdiction jurisdiction, size_t at)
{
	REQUIRE((size_t)jurisdiction < LAW_JURISDICTION_COUNT);
	const struct safety_own *own = &safety_own[jurisdiction];
	if (at < COUNT_OF(safety_steps)) return &safety_steps[at];
	at -= COUNT_OF(safety_steps);
	return at < own->count ? &own->rows[at] : NULL;
}

const char *safety_what_name(enum safety_what what)
{
	switch (what) {
	case SAFETY_DO: return "do";
	case SAFETY_CALL: return "call";
	case SAFETY_DUTY: return "duty";
	}
	INSIST(false);
	return "";
}
