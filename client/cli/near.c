#include "client/cli/near.h"

#include "cli/words.h"
#include "client/cli/table.h"

#include <stdint.h>
#include <string.h>

/* "room" for "rooms": the noun a person wants, in the other number. */
static bool near_same_noun(const char *typed, const char *known)
{
	const size_t a = strlen(typed);
	const size_t b = strlen(known);

	if (strcmp(typed, known) == 0) return true;
	if (a + 1 == b) return strncmp(typed, known, a) == 0 && known[b - 1] == 's';
	return b + 1 == a && strncmp(typed, known, b) == 0 && typed[a - 1] == 's';
}

/* "show rooms" or "shwo rooms" where rooms are listed: a verb beside the known one. */
static const struct cli_command *near_by_noun(const char *verb, const char *noun)
{
	const struct cli_command *best = NULL;
	unsigned best_score = WORDS_NOTHING * 2u;
	size_t count = 0;
	const struct cli_command *commands = cli_commands(&count);

	for (size_t i = 0; i < count; i++) {
		const struct cli_command *c = &commands[i];
		if (c->noun == NULL || !near_same_noun(noun, c->noun)) continue;
		const unsigned score =
			words_distance(verb, c->verb) * 2u + (strcmp(noun, c->noun) == 0 ? 0u : 1u);
		if (score < best_score) {
			best = c;
			best_score = score;
		}
	}
	return best;
}

const struct cli_command *near_command(const char *verb, const char *noun)
{
	const struct cli_command *best = NULL;
	unsigned best_score = WORDS_NOTHING;
	size_t count = 0;
	const struct cli_command *commands = cli_commands(&count);

	for (size_t i = 0; i < count; i++) {
		const struct cli_command *c = &commands[i];
		unsigned score = words_near(verb, c->verb);
		if (c->noun != NULL) {
			score += noun == NULL ? WORDS_NOTHING : words_near(noun, c->noun);
		}
		if (score < best_score) {
			best = c;
			best_score = score;
		}
	}
	if (best == NULL && noun != NULL) best = near_by_noun(verb, noun);
	return best;
}

static void near_among(const struct cli_param *flags, const char *name, struct words_best *best)
{
	for (const struct cli_param *p = flags; p->name != NULL; p++)
		words_offer(best, name, p->name);
}

const char *near_flag(const struct cli_command *command, const char *name, size_t len)
{
	struct words_best best = WORDS_BEST_NONE;
	char word[WORDS_MAX + 1] = { 0 };

	if (len > WORDS_MAX) return NULL;
	memcpy(word, name, len);
	if (command != NULL) near_among(command->flags, word, &best);
	near_among(cli_global_flags, word, &best);
	return best.word;
}

void near_choice(const char *choices, const char *typed, char *ret)
{
	unsigned best_score = WORDS_NOTHING;

	ret[0] = '\0';
	for (const char *at = choices; *at != '\0';) {
		const size_t len = strcspn(at, "|");
		char word[WORDS_MAX + 1] = { 0 };
		if (len <= WORDS_MAX) memcpy(word, at, len);
		const unsigned score = words_near(typed, word);
		if (score < best_score) {
			best_score = score;
			memcpy(ret, word, sizeof(word));
		}
		at += len;
		if (*at == '|') at++;
	}
}
