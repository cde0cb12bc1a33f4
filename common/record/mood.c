#include "record/mood.h"

#include "base/check.h"

static const char *const mood_scales[2][MOOD_STEP_MAX + 1] = {
	[MOOD_SPIRITS] = { NULL, "very low", "low", "even", "bright", "very bright" },
	[MOOD_ENERGY] = { NULL, "drained", "tired", "steady", "fresh", "lively" },
};

static const char *const mood_chips[MOOD_CHIP_COUNT] = {
	[MOOD_CHIP_SLUMPED] = "slumped",
	[MOOD_CHIP_GUARDED] = "guarded",
	[MOOD_CHIP_RUSHED] = "rushed",
	[MOOD_CHIP_LIMPING] = "limping",
	[MOOD_CHIP_BREATH_HOLDING] = "holding the breath",
	[MOOD_CHIP_TEARFUL] = "tearful",
	[MOOD_CHIP_CHEERFUL] = "cheerful",
	[MOOD_CHIP_CHATTY] = "chatty",
	[MOOD_CHIP_SILENT] = "silent",
};

static const char *const mood_lifts[MOOD_LIFT_COUNT] = {
	[MOOD_LIFT_MUSIC] = "Music helped last time.",
	[MOOD_LIFT_STORY] = "A story helped last time.",
	[MOOD_LIFT_SILENCE] = "Silence helped last time.",
};

static const char *const mood_usual[] = {
	"Slow down.",     "Ask one open question.", "Offer other music.",
	"Let them lead.", "Fewer tests first.",
};
_Static_assert(COUNT_OF(mood_lifts) + COUNT_OF(mood_usual) <= MOOD_PROMPTS_MAX, "all prompts fit");

const char *mood_words(enum mood_scale scale, unsigned step)
{
	REQUIRE(scale == MOOD_SPIRITS || scale == MOOD_ENERGY);
	return step <= MOOD_STEP_MAX ? mood_scales[scale][step] : NULL;
}

enum err mood_parse(enum mood_scale scale, struct view words, unsigned *ret_step)
{
	for (unsigned step = 1; step <= MOOD_STEP_MAX; step++) {
		if (!view_equal(view_str(mood_words(scale, step)), words)) continue;
		*ret_step = step;
		return ERR_OK;
	}
	return ERR_BAD_VALUE;
}

const char *mood_source_words(enum mood_source source)
{
	switch (source) {
	case MOOD_MY_READ: return "my read";
	case MOOD_PATIENT_SAID: return "the patient said so";
	}
	return NULL;
}

const char *mood_chip_words(enum mood_chip chip)
{
	REQUIRE((size_t)chip < MOOD_CHIP_COUNT);
	return mood_chips[chip];
}

/* ---- flags and prompts ----------------------------------------------------------------------- */

static bool mood_is_low(uint8_t step)
{
	return step != 0 && step <= MOOD_LOW;
}

unsigned mood_flags(const struct mood_visit *visits, size_t count)
{
	if (count == 0) return 0;
	const struct mood_visit *last = &visits[count - 1];
	const uint8_t left = last->departure.spirits;
	unsigned flags = 0;
	if (count >= 2 && mood_is_low(left) && mood_is_low(visits[count - 2].departure.spirits)) {
		flags |= MOOD_FLAG_LOW_TWICE;
	}
	/* Nothing read on arrival is 0, and nothing falls from there. */
	if (left != 0 && last->arrival.spirits >= left + MOOD_DROP) flags |= MOOD_FLAG_DROP;
	return flags;
}

const char *mood_flag_words(unsigned flags)
{
	switch (flags & (MOOD_FLAG_LOW_TWICE | MOOD_FLAG_DROP)) {
	case 0: return NULL;
	case MOOD_FLAG_LOW_TWICE:
		return "Left in low spirits twice running. Was anything said that is worth a "
		       "sealed "
		       "note?";
	case MOOD_FLAG_DROP:
		return "Left in much lower spirits than on arrival. Was anything said that is "
		       "worth "
		       "a sealed note?";
	default:
		return "Left in low spirits twice running, and much lower than on arrival today. "
		       "Was "
		       "anything said that is worth a sealed note?";
	}
}

size_t mood_prompts(const struct mood_read *arrival, unsigned lifted,
		    const char *ret_prompts[MOOD_PROMPTS_MAX])
{
	if (!mood_is_low(arrival->spirits) && !mood_is_low(arrival->energy)) return 0;
	size_t count = 0;
	for (unsigned i = 0; i < MOOD_LIFT_COUNT; i++) {
		if ((lifted & (1u << i)) != 0) ret_prompts[count++] = mood_lifts[i];
	}
	for (size_t i = 0; i < COUNT_OF(mood_usual); i++) ret_prompts[count++] = mood_usual[i];
	return count;
}
