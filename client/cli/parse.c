#include "client/cli/parse.h"

#include "base/check.h"
#include "client/cli/near.h"
#include "crypt/secret.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTION_KEY_FIRST 0x100

/* The length of a flag's name in "--name" or "--name=value"; 0 when `arg` is no long flag. */
static size_t flag_name_len(const char *arg)
{
	if (strncmp(arg, "--", 2) != 0) return 0;
	return strcspn(arg + 2, "=");
}

/* Does this argument take the next one as its value? */
static bool takes_next(const struct cli_param *param, const char *arg)
{
	return param != NULL && param->take != CLI_TAKE_NOTHING && strchr(arg, '=') == NULL;
}

/* Finds verb and noun: the first words that are neither flags nor their values. Flags may stand
 * before, between and behind them, so argp's ARGP_IN_ORDER is not needed. */
static void find_words(int argc, char **argv, int ret_at[2])
{
	unsigned found = 0;

	/* `roomkeep help list rooms` is `roomkeep list rooms --help`. */
	const int first = argc > 1 && strcmp(argv[1], "help") == 0 ? 2 : 1;

	ret_at[0] = ret_at[1] = 0;
	for (int i = first; i < argc && found < 2; i++) {
		if (strcmp(argv[i], "--") == 0) break;
		const size_t len = flag_name_len(argv[i]);
		if (len > 0) {
			if (takes_next(cli_flag_find_any(argv[i] + 2, len), argv[i])) i++;
			continue;
		}
		if (argv[i][0] == '-' && argv[i][1] != '\0') continue;
		ret_at[found++] = i;
		/* A bare verb has no noun: its next word is an argument. */
		if (found == 1 && cli_command_find(argv[i], NULL) != NULL) break;
	}
}

static bool verb_exists(const char *verb)
{
	size_t count = 0;
	const struct cli_command *commands = cli_commands(&count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(commands[i].verb, verb) == 0) return true;
	}
	return false;
}

/* "list what? list users, list rooms, ..." into `ret`. */
static void nouns_of(const char *verb, char *ret, size_t cap)
{
	size_t at = 0;
	size_t count = 0;
	const struct cli_command *commands = cli_commands(&count);

	ret[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		const struct cli_command *c = &commands[i];
		if (c->noun == NULL || strcmp(c->verb, verb) != 0) continue;
		const int len = snprintf(ret + at, cap - at, "%s%s %s", at > 0 ? ", " : "", c->verb,
					 c->noun);
		if (len < 0 || (size_t)len >= cap - at) return;
		at += (size_t)len;
	}
}

static enum err fail_unknown(struct cli_call *call, const char *verb, const char *noun)
{
	if (noun == NULL && verb_exists(verb)) {
		char nouns[FAULT_TEXT_BYTES];
		nouns_of(verb, nouns, sizeof(nouns));
		err_ignore(fault_set(&call->fault, ERR_USAGE, "usage",
				     "\"%.20s\" needs a second word",
				     verb)); /* returned by fault_hint */
		return fault_hint(&call->fault, "One of: %.900s", nouns);
	}
	const struct cli_command *meant = near_command(verb, noun);
	err_ignore(fault_set(&call->fault, ERR_USAGE, "usage", "no command \"%.40s%s%.40s\"", verb,
			     noun != NULL ? " " : "", noun != NULL ? noun : ""));
	if (meant == NULL) return fault_hint(&call->fault, "Try: roomkeep --help");
	return fault_hint(&call->fault, "Did you mean \"%s%s%s\"? Try: roomkeep --help",
			  meant->verb, meant->noun != NULL ? " " : "",
			  meant->noun != NULL ? meant->noun : "");
}

/* getopt takes the start of a flag for the flag; a wrong call must change nothing, so names are
 * compared whole before argp sees them. */
static enum err check_flags(struct cli_call *call, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) break;
		const size_t len = flag_name_len(argv[i]);
		if (len == 0) continue;
		const char *name = argv[i] + 2;
		const struct cli_param *param = cli_flag_find(call->command, name, len);
		if (param == NULL) {
			const char *meant = near_flag(call->command, name, len);
			err_ignore(fault_set(&call->fault, ERR_USAGE, "usage",
					     "no flag \"--%.*s\" here", (int)(len > 40 ? 40 : len),
					     name));
			if (meant == NULL)
				return fault_hint(&call->fault, "Add --help to see the flags");
			return fault_hint(&call->fault, "Did you mean --%s?", meant);
		}
		if (!takes_next(param, argv[i])) continue;
		if (i + 1 >= argc) {
			return fault_set(&call->fault, ERR_USAGE, "usage",
					 "--%s needs a value (%s)", param->name, param->meta);
		}
		i++;
	}
	return ERR_OK;
}

static enum err add_value(struct cli_call *call, const struct cli_param *param, const char *text)
{
	if (call->value_count == CLI_VALUES_MAX) {
		return fault_set(&call->fault, ERR_USAGE, "usage", "too many arguments");
	}
	for (size_t i = 0; i < call->value_count; i++) {
		if (call->values[i].param == param && !param->repeat) {
			return fault_set(&call->fault, ERR_USAGE, "usage", "--%s is given twice",
					 param->name);
		}
	}
	char *copy = text != NULL ? strdup(text) : NULL;
	ENSURE(text == NULL || copy != NULL, ERR_NOMEM);
	call->values[call->value_count++] = (struct cli_value){ param, copy };
	return ERR_OK;
}

static enum err add_argument(struct cli_call *call, const char *text)
{
	const struct cli_param *args = call->command->args;

	for (unsigned i = 0; i <= call->arg_count; i++) {
		if (args[i].name != NULL) continue;
		err_ignore(fault_set(&call->fault, ERR_USAGE, "usage", "one word too many"));
		return fault_hint(&call->fault, "Put quotes around text with spaces; add --help");
	}
	return add_value(call, &args[call->arg_count++], text);
}

struct parse_ctx {
	struct cli_call *call;
	const struct cli_param *params[CLI_FLAGS_MAX + 12]; /* by option key */
	size_t param_count;
	enum err failed;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct parse_ctx *ctx = state->input;

	if (key == ARGP_KEY_ARG) {
		ctx->failed = add_argument(ctx->call, arg);
	} else if (key >= OPTION_KEY_FIRST && (size_t)(key - OPTION_KEY_FIRST) < ctx->param_count) {
		ctx->failed = add_value(ctx->call, ctx->params[key - OPTION_KEY_FIRST], arg);
	} else if (key == 'h') {
		ctx->call->help = true;
	} else if (key == 'q') {
		ctx->call->quiet = true;
	} else if (key == 'v') {
		ctx->call->verbose = true;
	} else {
		return ARGP_ERR_UNKNOWN;
	}
	return ctx->failed == ERR_OK ? 0 : EINVAL;
}

static size_t add_options(struct parse_ctx *ctx, const struct cli_param *params,
			  struct argp_option *options, size_t at)
{
	for (const struct cli_param *p = params; p->name != NULL; p++) {
		INSIST(ctx->param_count < COUNT_OF(ctx->params));
		options[at++] = (struct argp_option){
			.name = p->name,
			.key = OPTION_KEY_FIRST + (int)ctx->param_count,
			.arg = p->take == CLI_TAKE_NOTHING ? NULL : p->meta,
		};
		ctx->params[ctx->param_count++] = p;
	}
	return at;
}

/* Runs argp over what is left without verb and noun. */
static enum err run_argp(struct cli_call *call, int argc, char **argv)
{
	struct parse_ctx ctx = { .call = call };
	struct argp_option options[CLI_FLAGS_MAX + 16] = { { 0 } };

	size_t at = add_options(&ctx, cli_global_flags, options, 0);
	if (call->command != NULL) at = add_options(&ctx, call->command->flags, options, at);
	options[at++] = (struct argp_option){ .name = NULL, .key = 'q', .doc = "" };
	options[at++] = (struct argp_option){ .name = NULL, .key = 'v', .doc = "" };
	options[at++] = (struct argp_option){ .name = NULL, .key = 'h', .doc = "" };
	INSIST(at < COUNT_OF(options));

	const struct argp argp = { .options = options, .parser = parse_option };
	const error_t e = argp_parse(&argp, argc, argv, ARGP_NO_EXIT | ARGP_NO_ERRS | ARGP_NO_HELP,
				     NULL, &ctx);
	if (ctx.failed != ERR_OK) return ctx.failed;
	if (e == ENOMEM) return ERR_NOMEM;
	if (e != 0) {
		err_ignore(fault_set(&call->fault, ERR_USAGE, "usage",
				     "the flags could not be understood"));
		return fault_hint(&call->fault, "Add --help to see them");
	}
	return ERR_OK;
}

static void apply_globals(struct cli_call *call)
{
	for (size_t i = 0; i < call->value_count; i++) {
		const struct cli_param *p = call->values[i].param;
		if (p->key != NULL) continue;
		if (strcmp(p->name, "home") == 0) call->home = call->values[i].text;
		if (strcmp(p->name, "json") == 0) call->json = true;
		if (strcmp(p->name, "quiet") == 0) call->quiet = true;
		if (strcmp(p->name, "verbose") == 0) call->verbose = true;
		if (strcmp(p->name, "no-input") == 0) call->no_input = true;
		if (strcmp(p->name, "help") == 0) call->help = true;
		if (strcmp(p->name, "version") == 0) call->version = true;
		if (strcmp(p->name, "color") != 0) continue;
		if (strcmp(call->values[i].text, "always") == 0) call->color = CLI_COLOR_ALWAYS;
		if (strcmp(call->values[i].text, "never") == 0) call->color = CLI_COLOR_NEVER;
	}
}

static bool is_choice(const char *choices, const char *text)
{
	const size_t len = strlen(text);

	for (const char *at = choices; len > 0 && *at != '\0';) {
		const size_t word = strcspn(at, "|");
		if (word == len && strncmp(at, text, len) == 0) return true;
		at += word;
		if (*at == '|') at++;
	}
	return false;
}

static enum err check_choice(struct cli_call *call, const struct cli_value *v)
{
	char meant[WORDS_MAX + 1];

	if (is_choice(v->param->choices, v->text)) return ERR_OK;
	near_choice(v->param->choices, v->text, meant);
	err_ignore(fault_set(&call->fault, ERR_USAGE, "usage", "--%s is one of %s", v->param->name,
			     v->param->choices));
	if (meant[0] == '\0') return ERR_USAGE;
	return fault_hint(&call->fault, "Did you mean --%s %s?", v->param->name, meant);
}

static enum err check_number(struct cli_call *call, const struct cli_value *v)
{
	char *end = NULL;
	const bool whole = v->param->take == CLI_TAKE_COUNT;

	/* strtod knows "inf", "nan" and hex, a person does not. */
	const bool plain = v->text[0] != '\0' &&
			   strspn(v->text, "+-.0123456789") == strlen(v->text);
	errno = 0;
	const double number = plain ? strtod(v->text, &end) : 0;
	if (!plain || errno != 0 || *end != '\0' || (whole && strchr(v->text, '.') != NULL)) {
		return fault_set(&call->fault, ERR_USAGE, "usage", "--%s needs a %s",
				 v->param->name, whole ? "whole number" : "number");
	}
	if (whole && (number < (double)v->param->min || number > (double)v->param->max)) {
		return fault_set(&call->fault, ERR_USAGE, "usage", "--%s must be from %ld to %ld",
				 v->param->name, v->param->min, v->param->max);
	}
	return ERR_OK;
}

static enum err check_values(struct cli_call *call)
{
	unsigned stdin_users = 0;

	for (size_t i = 0; i < call->value_count; i++) {
		const struct cli_value *v = &call->values[i];
		const enum cli_take take = v->param->take;
		if (take == CLI_TAKE_CHOICE || take == CLI_TAKE_YES_NO) TRY(check_choice(call, v));
		if (take == CLI_TAKE_NUMBER || take == CLI_TAKE_COUNT) TRY(check_number(call, v));
		const bool reads = take == CLI_TAKE_TEXT || take == CLI_TAKE_SECRET;
		if (reads && strcmp(v->text, "-") == 0) stdin_users++;
	}
	if (stdin_users > 1) {
		err_ignore(fault_set(&call->fault, ERR_USAGE, "usage",
				     "standard input can be read once only"));
		return fault_hint(&call->fault, "Use @FILE or a file for the other one");
	}
	return ERR_OK;
}

static bool given(const struct cli_call *call, const struct cli_param *param)
{
	for (size_t i = 0; i < call->value_count; i++) {
		if (call->values[i].param == param) return true;
	}
	return false;
}

/* Secrets may be missing: input.h asks for them on a terminal. */
static enum err check_required(struct cli_call *call)
{
	const struct cli_command *c = call->command;

	for (const struct cli_param *p = c->args; p->name != NULL; p++) {
		if (given(call, p)) continue;
		err_ignore(fault_set(&call->fault, ERR_USAGE, "usage", "%s is missing: %s", p->meta,
				     p->help));
		return fault_hint(&call->fault, "For example: %.230s", c->examples[0]);
	}
	for (const struct cli_param *p = c->flags; p->name != NULL; p++) {
		if (!p->required || p->take == CLI_TAKE_SECRET || given(call, p)) continue;
		err_ignore(fault_set(&call->fault, ERR_USAGE, "usage", "--%s %s is missing: %s",
				     p->name, p->meta, p->help));
		return fault_hint(&call->fault, "For example: %.230s", c->examples[0]);
	}
	return ERR_OK;
}

/* argv without the two words, for argp; the strings stay where they are. */
static char **words_removed(int argc, char **argv, const int at[2], int *ret_argc)
{
	char **rest = calloc((size_t)argc + 1, sizeof(*rest));
	int count = 0;

	if (rest == NULL) return NULL;
	for (int i = 0; i < argc; i++) {
		if (i > 0 && (i == at[0] || i == at[1])) continue;
		if (i == 1 && strcmp(argv[i], "help") == 0) continue;
		rest[count++] = argv[i];
	}
	*ret_argc = count;
	return rest;
}

/* --json shapes even the message about a call that could not be parsed. */
static void look_for_json(struct cli_call *call, int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "help") == 0) call->help = true;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) call->json = true;
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) call->help = true;
	}
}

static enum err parse_found(struct cli_call *call, int argc, char **argv)
{
	TRY(check_flags(call, argc, argv));
	TRY(run_argp(call, argc, argv));
	apply_globals(call);
	if (call->help || call->version || call->command == NULL) return ERR_OK;
	TRY(check_values(call));
	return check_required(call);
}

enum err cli_parse(int argc, char **argv, struct cli_call *call)
{
	int at[2];

	*call = (struct cli_call){ 0 };
	look_for_json(call, argc, argv);
	find_words(argc, argv, at);
	const char *verb = at[0] > 0 ? argv[at[0]] : NULL;
	const char *noun = at[1] > 0 ? argv[at[1]] : NULL;
	if (verb != NULL) {
		(void)snprintf(call->verb, sizeof(call->verb), "%s", verb);
		call->command = cli_command_find(verb, noun);
		const bool help_on_verb = call->help && noun == NULL && verb_exists(verb);
		if (call->command == NULL && !help_on_verb) return fail_unknown(call, verb, noun);
	}
	int rest_argc = 0;
	CLEANUP(freep) char **rest = words_removed(argc, argv, at, &rest_argc);
	ENSURE(rest != NULL, ERR_NOMEM);
	TRY(parse_found(call, rest_argc, rest));
	if (call->command == NULL && !call->help && !call->version) {
		err_ignore(fault_set(&call->fault, ERR_USAGE, "usage", "no command is given"));
		return fault_hint(&call->fault, "Try: roomkeep --help");
	}
	return ERR_OK;
}

void cli_call_fini(struct cli_call *call)
{
	for (size_t i = 0; i < call->value_count; i++) {
		char *text = call->values[i].text;
		if (text != NULL) secret_wipe(text, strlen(text));
		free(text);
	}
	json_decref(call->request);
	*call = (struct cli_call){ 0 };
}

void cli_call_finip(struct cli_call *call)
{
	cli_call_fini(call);
}

const char *cli_value_of(const struct cli_call *call, const char *key)
{
	for (size_t i = 0; i < call->value_count; i++) {
		const struct cli_value *v = &call->values[i];
		if (v->param->key != NULL && strcmp(v->param->key, key) == 0) return v->text;
	}
	return NULL;
}

bool cli_value_is(const struct cli_call *call, const char *key)
{
	for (size_t i = 0; i < call->value_count; i++) {
		const struct cli_value *v = &call->values[i];
		if (v->param->key != NULL && strcmp(v->param->key, key) == 0) return true;
	}
	return false;
}

void cli_blank_argv(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const size_t len = strlen(argv[i]);
		secret_wipe(argv[i], len);
	}
}
