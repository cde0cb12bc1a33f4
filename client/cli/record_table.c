#include "client/cli/record_table.h"

#include "base/check.h"
#include "client/cli/commands.h"
#include "record/field_words.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define COLUMNS_SHOWN 4u
#define FLAGS_ABOUT 24u        /* of a command, on average at most */
#define TEXT_BYTES_ABOUT 8192u /* of a kind */
#define EXITS                                                                                      \
	"65 a value is not good, 66 unknown id, 69 agent not running, 77 nobody signed in or not " \
	"allowed"

/* Texts and flags of all commands; what does not fit is our bug, and a test would meet it. */
static char texts[TEXT_BYTES_ABOUT * KIND_PLAIN_COUNT];
static size_t texts_used;
static struct cli_param params[FLAGS_ABOUT * CLI_RECORD_COMMANDS_MAX];
static size_t params_used;

__attribute__((format(printf, 1, 2))) static const char *keep(const char *fmt, ...)
{
	char *text = texts + texts_used;
	const size_t room = sizeof(texts) - texts_used;
	va_list args;

	va_start(args, fmt);
	const int len = vsnprintf(text, room, fmt, args);
	va_end(args);
	INSIST(len >= 0 && (size_t)len < room);
	texts_used += (size_t)len + 1;
	return text;
}

static void dashes(const char *name, char *ret, size_t cap)
{
	(void)snprintf(ret, cap, "%s", name);
	for (char *at = ret; *at != '\0'; at++)
		if (*at == '_') *at = '-';
}

void cli_record_noun(const struct kind_info *info, char *ret, size_t cap)
{
	dashes(info->name, ret, cap);
}

void cli_record_title(const char *key, char *ret, size_t cap)
{
	(void)snprintf(ret, cap, "%s", key);
	for (char *at = ret; *at != '\0'; at++)
		if (*at == '_') *at = ' ';
	if (ret[0] >= 'a' && ret[0] <= 'z') ret[0] = (char)(ret[0] - 'a' + 'A');
}

/* ---- flags --------------------------------------------------------------------------------- */

static struct cli_param *new_param(void)
{
	INSIST(params_used < COUNT_OF(params));
	return &params[params_used++];
}

static enum cli_take take_of(const struct field_rule *rule)
{
	switch (rule->format) {
	case FIELD_ID:
	case FIELD_IDS:
	case FIELD_TIME: return CLI_TAKE_WORD;
	case FIELD_ENUM:
	case FIELD_ENUMS: return CLI_TAKE_CHOICE;
	case FIELD_BOOL: return CLI_TAKE_YES_NO;
	case FIELD_COUNT: return CLI_TAKE_COUNT;
	case FIELD_NUMBER: return CLI_TAKE_NUMBER;
	case FIELD_NAME:
	case FIELD_TEXT:
	case FIELD_TEXTS:
	case FIELD_DATE:
	case FIELD_CLOCK:
	case FIELD_PHONE:
	case FIELD_EMAIL:
	case FIELD_REF:
	case FIELD_UNIT:
	case FIELD_BYTES:
	case FIELD_BYTES32:
	case FIELD_CLEARS: break;
	}
	return CLI_TAKE_TEXT;
}

static const char *meta_of(const struct field_rule *rule)
{
	switch (take_of(rule)) {
	case CLI_TAKE_CHOICE: return "WORD";
	case CLI_TAKE_YES_NO: return "yes|no";
	case CLI_TAKE_COUNT:
	case CLI_TAKE_NUMBER: return "N";
	case CLI_TAKE_WORD: return rule->format == FIELD_TIME ? "TIME" : "ID";
	case CLI_TAKE_NOTHING:
	case CLI_TAKE_TEXT:
	case CLI_TAKE_SECRET:
	case CLI_TAKE_PATH: break;
	}
	if (rule->format == FIELD_CLOCK) return "HH:MM";
	return rule->format == FIELD_DATE ? "YYYY-MM-DD" : "TEXT";
}

static bool is_list(const struct field_rule *rule)
{
	return rule->format == FIELD_IDS || rule->format == FIELD_ENUMS ||
	       rule->format == FIELD_TEXTS;
}

/* --patient for patient_id, --asked-on for asked_on. */
static const char *flag_name(const char *key)
{
	char name[FIELD_KEY_BYTES];
	const size_t len = strlen(key);

	dashes(key, name, sizeof(name));
	if (len > 3 && strcmp(key + len - 3, "_id") == 0) name[len - 3] = '\0';
	return keep("%s", name);
}

static void words_of(const struct kind_info *info, const struct field_rule *rule,
		     struct cli_param *p)
{
	char words[2048];

	if (rule->format == FIELD_BOOL) p->choices = "yes|no";
	if (p->take != CLI_TAKE_CHOICE) return;
	enum_words(field_enum(info, rule), "|", words, sizeof(words));
	p->choices = keep("%s", words);
	enum_words(field_enum(info, rule), ", ", words, sizeof(words));
	p->help = keep("%s: %s%s", rule->help, words, is_list(rule) ? "; repeatable" : "");
}

static void add_flag(const struct kind_info *info, const struct field_rule *rule, bool required)
{
	char key[FIELD_KEY_BYTES];
	struct cli_param *p = new_param();

	field_key(rule, key);
	*p = (struct cli_param){ .name = flag_name(key),
				 .key = keep("%s", key),
				 .meta = meta_of(rule),
				 .help = rule->help,
				 .take = take_of(rule),
				 .required = required,
				 .repeat = is_list(rule),
				 .min = (long)rule->min,
				 .max = (long)rule->max };
	if (p->repeat) p->help = keep("%s; repeatable", rule->help);
	words_of(info, rule, p);
}

static bool is_field(const char *name, const struct field_rule *rule)
{
	return name != NULL && strcmp(name, rule->name) == 0;
}

/* Is it known without being typed? */
static bool is_of_session(const struct kind_info *info, const struct field_rule *rule)
{
	return info->own_session && is_field(info->patient_field, rule);
}

static void add_clear_flag(const struct kind_info *info)
{
	char words[2048];
	char key[FIELD_KEY_BYTES];
	size_t at = 0;

	for (size_t i = 0; i < info->field_count; i++) {
		const struct field_rule *rule = &info->fields[i];
		if (rule->need != FIELD_OPTIONAL || rule->format == FIELD_CLEARS) continue;
		field_key(rule, key);
		const int len =
			snprintf(words + at, sizeof(words) - at, "%s%s", at > 0 ? "|" : "", key);
		INSIST(len > 0 && (size_t)len < sizeof(words) - at);
		at += (size_t)len;
	}
	*new_param() = (struct cli_param){ .name = "clear",
					   .key = "clear",
					   .meta = "FIELD",
					   .help = "take back what was said there; repeatable",
					   .choices = keep("%s", words),
					   .take = CLI_TAKE_CHOICE,
					   .repeat = true };
}

/* Those of an add, or with `change` of a set; whose it is comes first. */
static const struct cli_param *flags_of(const struct kind_info *info, bool change)
{
	const size_t first = params_used;
	const bool one = kind_is_one_per_patient(info);

	for (size_t i = 0; i < info->field_count; i++) {
		const struct field_rule *rule = &info->fields[i];
		const bool patient = is_field(info->patient_field, rule);
		if (rule->format == FIELD_CLEARS) continue;
		if (is_field(info->subject_field, rule) && !one) continue;
		if (is_of_session(info, rule)) continue;
		if (info->own_session && change && is_field(info->session_field, rule)) continue;
		if (patient && change && !one) continue; /* it never changes */
		add_flag(info, rule, patient || (!change && rule->need != FIELD_OPTIONAL));
	}
	if (change) add_clear_flag(info);
	if (change && info->mark != NULL) {
		*new_param() = (struct cli_param){ .name = info->mark,
						   .key = info->mark,
						   .help = "from now on; the time is stamped",
						   .take = CLI_TAKE_NOTHING };
	}
	*new_param() = (struct cli_param){ .name = NULL };
	return &params[first];
}

/* --patient, or nothing for a kind without a patient; a `list` of what waits can do without. */
static const struct cli_param *patient_flag(const struct kind_info *info, bool list)
{
	const size_t first = params_used;
	const bool clock = list && info->has_clock;

	if (info->own_session) {
		add_flag(info, field_find(info->fields, info->field_count, info->session_field),
			 true);
	} else if (info->patient_field != NULL) {
		add_flag(info, field_find(info->fields, info->field_count, info->patient_field),
			 !clock);
	}
	if (clock) {
		*new_param() = (struct cli_param){ .name = "overdue",
						   .key = "overdue",
						   .help = "only what is late",
						   .take = CLI_TAKE_NOTHING };
	}
	*new_param() = (struct cli_param){ .name = NULL };
	return &params[first];
}

/* ---- commands ------------------------------------------------------------------------------ */

/* "ID" as an argument, or "--patient ID" where a patient has one. */
static const char *which(const struct kind_info *info)
{
	return kind_is_one_per_patient(info) ? "--patient ID" : "ID";
}

static void set_examples(struct cli_command *c, const char *rest)
{
	c->examples[0] =
		keep("roomkeep %s %s%s%s", c->verb, c->noun, rest[0] == '\0' ? "" : " ", rest);
	c->examples[1] = keep("%s --json", c->examples[0]);
}

static struct cli_command command_of(const struct kind_info *info, const char *verb,
				     const char *plural)
{
	char noun[FIELD_KEY_BYTES];

	cli_record_noun(info, noun, sizeof(noun));
	struct cli_command c = { .verb = verb, .run = cli_run_verb, .exits = EXITS, .kind = info };
	c.noun = keep("%s%s", noun, plural);
	c.path = keep("%s/%s", verb, c.noun);
	return c;
}

static void take_id(struct cli_command *c)
{
	c->args[0] = (struct cli_param){ .name = c->kind->subject_field,
					 .key = c->kind->subject_field,
					 .meta = "ID",
					 .help = keep("which %s", c->noun),
					 .take = CLI_TAKE_WORD,
					 .required = true };
}

static struct cli_command add_command(const struct kind_info *info)
{
	struct cli_command c = command_of(info, "add", "");

	c.help = keep("Add %s: %s", info->one, info->about);
	c.flags = flags_of(info, false);
	c.done = keep("Added %s {%s}.", c.noun, info->subject_field);
	set_examples(&c, keep("%s%s",
			      info->own_session             ? "--session SID "
			      : info->patient_field != NULL ? "--patient ID "
							    : "",
			      info->example));
	return c;
}

static struct cli_command set_command(const struct kind_info *info)
{
	const bool one = kind_is_one_per_patient(info);
	struct cli_command c = command_of(info, "set", "");

	c.help = keep("Change %s: %s", info->one, info->about);
	c.flags = flags_of(info, true);
	c.done = one ? keep("Changed %s of {%s}.", c.noun, info->subject_field)
		     : keep("Changed %s {%s}.", c.noun, info->subject_field);
	if (!one) take_id(&c);
	set_examples(&c, keep("%s %s", which(info), one ? info->example : info->example_set));
	return c;
}

static struct cli_command show_command(const struct kind_info *info)
{
	struct cli_command c = command_of(info, "show", "");

	c.help = keep("Show %s, with its history", info->one);
	if (!kind_is_one_per_patient(info)) take_id(&c);
	if (kind_is_one_per_patient(info)) c.flags = patient_flag(info, false);
	set_examples(&c, which(info));
	return c;
}

/* The first fields of the table, and the id. */
static const char *columns_of(const struct kind_info *info)
{
	char columns[512] = { 0 };
	char key[FIELD_KEY_BYTES];
	char title[FIELD_KEY_BYTES];
	size_t at = 0;
	unsigned shown = 0;

	if (info->columns != NULL) return info->columns;

	for (size_t i = 0; i < info->field_count && shown < COLUMNS_SHOWN; i++) {
		const struct field_rule *rule = &info->fields[i];
		if (rule->format == FIELD_ID || rule->format == FIELD_CLEARS) continue;
		field_key(rule, key);
		cli_record_title(key, title, sizeof(title));
		at += (size_t)snprintf(columns + at, sizeof(columns) - at, "%s:%s,", key, title);
		INSIST(at < sizeof(columns));
		shown++;
	}
	return keep("%s%s:Id", columns, info->subject_field);
}

static struct cli_command list_command(const struct kind_info *info)
{
	struct cli_command c = command_of(info, "list", kind_plural_end(info));

	const bool of_one = info->patient_field != NULL && !info->has_clock;

	const char *of = info->own_session ? "a session's" : of_one ? "a patient's" : "the";

	c.help = keep("List %s %s", of, info->many);
	c.flags = patient_flag(info, true);
	c.list = keep("%s%s", info->name, kind_plural_end(info));
	c.columns = columns_of(info);
	c.empty = keep("No %s.", info->many);
	set_examples(&c, info->own_session ? "--session SID"
			 : of_one          ? "--patient ID"
			 : info->has_clock ? "--overdue"
					   : "");
	return c;
}

/* Of `set session` beside its texts and fields. */
static const struct cli_param session_params[] = {
	{ .name = "started-at",
	  .key = "started_at",
	  .meta = "TIME",
	  .help = "when it began",
	  .take = CLI_TAKE_WORD },
	{ .name = "ended-at",
	  .key = "ended_at",
	  .meta = "TIME",
	  .help = "when it ended",
	  .take = CLI_TAKE_WORD },
	{ .name = "ends-now", .key = "ends_now", .help = "it ends now", .take = CLI_TAKE_NOTHING },
	{ .name = "confirm",
	  .key = "confirm",
	  .meta = "FIELD",
	  .help = "what was proposed: a field, treatments or all; repeatable",
	  .take = CLI_TAKE_WORD,
	  .repeat = true },
};

const struct cli_param *cli_session_flags(const struct cli_param *own)
{
	const struct kind_info *info = kind_find(KIND_SESSION_CHART);
	const size_t first = params_used;

	while (own->name != NULL) *new_param() = *own++;
	for (size_t i = 0; i < COUNT_OF(session_params); i++) *new_param() = session_params[i];
	for (size_t i = 0; i < info->field_count; i++) {
		const struct field_rule *rule = &info->fields[i];
		if (rule->format == FIELD_CLEARS || is_field(info->subject_field, rule) ||
		    is_field(info->patient_field, rule))
			continue;
		add_flag(info, rule, false);
	}
	add_clear_flag(info);
	*new_param() = (struct cli_param){ .name = NULL };
	INSIST(params_used - first <= CLI_FLAGS_MAX + 1);
	return &params[first];
}

size_t cli_record_commands(struct cli_command *ret)
{
	size_t count = 0;

	REQUIRE(texts_used == 0);
	for (size_t i = 0; i < kind_count(); i++) {
		const struct kind_info *info = kind_at(i);
		const bool one = kind_is_plain(info) && kind_is_one_per_patient(info);
		if (!kind_is_plain(info) || kind_is_one_per_session(info)) continue;
		if (!one) ret[count++] = add_command(info);
		if (info->merge == KIND_MERGE_FIELDS) ret[count++] = set_command(info);
		ret[count++] = show_command(info);
		if (!one) ret[count++] = list_command(info);
	}
	return count;
}
