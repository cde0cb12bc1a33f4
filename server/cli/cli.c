#include "server/cli/cli.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/crashpoint.h"
#include "base/log.h"
#include "cli/words.h"
#include "crypt/kdf.h"
#include "crypt/secret.h"
#include "db/db.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef ROOMKEEP_VERSION
#define ROOMKEEP_VERSION "0.1.0"
#endif
#define CLI_DATA_DEFAULT "/var/lib/roomkeep"

struct cli_row {
	const char *verb;
	const char *noun;  /* NULL: the verb stands alone */
	const char *word;  /* name of the argument that must follow; NULL: none */
	const char *flags; /* besides the global ones, for the help */
	const char *help;
	const char *examples[2];
	const char *exits;
	enum err (*run)(struct cli_args *args, int *ret_exit);
};

static const struct cli_row cli_rows[] = {
	{ "init",
	  NULL,
	  NULL,
	  "[--listen ADDRESS:PORT] [--renew-code]",
	  "Make an empty clinic and print its setup code",
	  { "roomkeepd init --data /var/lib/roomkeep --listen 192.168.1.10:7340",
	    "roomkeepd init --renew-code" },
	  "1 exists already",
	  cli_init },
	{ "serve",
	  NULL,
	  NULL,
	  "",
	  "Run the server; prints READY ADDRESS when rooms can connect",
	  { "roomkeepd serve", "roomkeepd serve --data /srv/roomkeep --verbose" },
	  "66 no clinic here, 75 another server runs, 74 the disk failed",
	  cli_serve },
	{ "status",
	  NULL,
	  NULL,
	  "",
	  "Say how the server and its rooms are",
	  { "roomkeepd status", "roomkeepd status --json" },
	  "0 whenever it can answer",
	  cli_status },
	{ "check",
	  "database",
	  NULL,
	  "",
	  "Check every op, signature, view and audit entry; never writes",
	  { "roomkeepd check database", "roomkeepd check database --json" },
	  "3 something does not hold",
	  cli_check_database },
	{ "block",
	  "user",
	  "LOGIN",
	  "",
	  "Refuse this person's sign-in from now on; grants nothing",
	  { "roomkeepd block user mara", "roomkeepd block user mara --json" },
	  "66 no such login",
	  cli_block_user },
	{ "show",
	  "paths",
	  NULL,
	  "",
	  "Name the files in use",
	  { "roomkeepd show paths", "roomkeepd show paths --json" },
	  "0",
	  cli_show_paths },
	{ "show",
	  "fingerprint",
	  NULL,
	  "",
	  "Show the fingerprint of the server's key",
	  { "roomkeepd show fingerprint", "roomkeepd show fingerprint --json" },
	  "66 no clinic here",
	  cli_show_fingerprint },
};

enum cli_option {
	CLI_OPT_DATA = 1000,
	CLI_OPT_LISTEN,
	CLI_OPT_RENEW,
	CLI_OPT_JSON,
	CLI_OPT_VERSION
};

static const struct option cli_options[] = {
	{ "data", required_argument, NULL, CLI_OPT_DATA },
	{ "listen", required_argument, NULL, CLI_OPT_LISTEN },
	{ "renew-code", no_argument, NULL, CLI_OPT_RENEW },
	{ "json", no_argument, NULL, CLI_OPT_JSON },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, CLI_OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

enum err cli_print_json(json_t *json)
{
	ENSURE(json != NULL, ERR_NOMEM);
	const int status = json_dumpf(json, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(json);
	ENSURE(status == 0 && putchar('\n') != EOF && fflush(stdout) == 0, ERR_IO);
	return ERR_OK;
}

enum err cli_fail_modes(struct cli_args *args)
{
	err_ignore(fault_set(&args->fault, ERR_CONFIG, "data_not_private",
			     "files in %s can be read by others, or not by this user", args->data));
	return fault_hint(&args->fault,
			  "The folder must be 0700 and its files 0600, all owned by the user who "
			  "runs roomkeepd");
}

enum err cli_fail_folder(struct cli_args *args, enum err e)
{
	if (e == ERR_DENIED || e == ERR_CONFIG) return cli_fail_modes(args);
	if (e == ERR_NOT_FOUND) {
		err_ignore(fault_set(&args->fault, e, "no_clinic", "there is no clinic in %s",
				     args->data));
		return fault_hint(&args->fault, "roomkeepd init --data %s makes one", args->data);
	}
	if (e == ERR_CORRUPT || e == ERR_STORE || e == ERR_BAD_FORMAT) {
		err_ignore(fault_set(&args->fault, e, "damaged", "clinic.db in %s is damaged",
				     args->data));
		return fault_hint(&args->fault, "roomkeepd check database --data %s says more",
				  args->data);
	}
	return e;
}

enum err cli_fail_keys(struct cli_args *args, enum err e)
{
	if (e == ERR_DENIED || e == ERR_CONFIG) return cli_fail_modes(args);
	if (e != ERR_NOT_FOUND && e != ERR_CORRUPT && e != ERR_BAD_FORMAT) return e;
	err_ignore(fault_set(&args->fault, ERR_CONFIG, "no_keys",
			     "server.key or secrets in %s is %s", args->data,
			     e == ERR_NOT_FOUND ? "missing" : "damaged"));
	return fault_hint(&args->fault, "Put both back from a copy of the folder: rooms know this "
					"server by them");
}

/* ---- help ------------------------------------------------------------------------------------ */

static void cli_help_row(const struct cli_row *row)
{
	printf("Usage: roomkeepd %s%s%s%s%s %s\n%s.\n\nExamples:\n  %s\n  %s\n\nExit status: %s; "
	       "64 "
	       "wrong call.\nSee roomkeepd(1).\n",
	       row->verb, row->noun == NULL ? "" : " ", row->noun == NULL ? "" : row->noun,
	       row->word == NULL ? "" : " ", row->word == NULL ? "" : row->word, row->flags,
	       row->help, row->examples[0], row->examples[1], row->exits);
}

static void cli_help(void)
{
	printf("roomkeepd keeps a clinic's records on this machine. It holds no key that opens a "
	       "note.\n\n");
	for (size_t i = 0; i < COUNT_OF(cli_rows); i++) {
		const struct cli_row *row = &cli_rows[i];
		char words[64];
		(void)snprintf(words, sizeof(words), "%s %s %s", row->verb,
			       row->noun == NULL ? "" : row->noun,
			       row->word == NULL ? "" : row->word);
		printf("  %-22s %s\n", words, row->help);
	}
	printf("\nEvery command: --data DIR (or ROOMKEEP_DATA; default %s), --json, --quiet, "
	       "--verbose,\n--help with two examples, --version.\n",
	       CLI_DATA_DEFAULT);
}

static enum err cli_version(const struct cli_args *args)
{
	if (args->json) {
		return cli_print_json(json_pack(
			"{s:s, s:s, s:s, s:s, s:b}", "schema", "roomkeep.version/1", "version",
			ROOMKEEP_VERSION, "sqlite_version", db_library_version(), "kdf_floor",
			kdf_floor_text(), "crash_points", (int)crashpoint_built_in()));
	}
	printf("roomkeepd %s\nSQLite %s%s\npassphrase hashing: %s\n%s", ROOMKEEP_VERSION,
	       db_library_version(),
	       db_library_has_wal_reset_bug() ? " (has the WAL-reset bug; one writer avoids it)"
					      : "",
	       kdf_floor_text(),
	       crashpoint_built_in() ? "crash points: built in (TEST BUILD)\n" : "");
	return ERR_OK;
}

/* ---- parsing --------------------------------------------------------------------------------- */

static enum err cli_suggest_option(struct cli_args *args, const char *typed)
{
	struct words_best best = WORDS_BEST_NONE;
	for (size_t i = 0; cli_options[i].name != NULL; i++)
		words_offer(&best, typed + strspn(typed, "-"), cli_options[i].name);
	const enum err e = fault_set(&args->fault, ERR_USAGE, "usage", "no option \"%s\"", typed);
	if (best.word != NULL) (void)fault_hint(&args->fault, "Did you mean --%s?", best.word);
	return e;
}

/* getopt takes the start of an option for the option; a wrong call must change nothing, so names
 * are compared whole before it sees them. */
static enum err cli_check_options(int argc, char **argv, struct cli_args *args)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strncmp(argv[i], "--", 2) != 0) continue;
		const size_t len = strcspn(argv[i] + 2, "=");
		const struct option *o = cli_options;
		while (o->name != NULL &&
		       (strlen(o->name) != len || strncmp(o->name, argv[i] + 2, len) != 0)) {
			o++;
		}
		if (o->name == NULL) return cli_suggest_option(args, argv[i]);
		const bool takes_next = o->has_arg == required_argument && argv[i][2 + len] == '\0';
		if (takes_next) i++;
	}
	return ERR_OK;
}

static enum err cli_parse_options(int argc, char **argv, struct cli_args *args)
{
	TRY(cli_check_options(argc, argv, args));
	opterr = 0;
	for (int opt; (opt = getopt_long(argc, argv, ":hqv", cli_options, NULL)) != -1;) {
		switch (opt) {
		case CLI_OPT_DATA: args->data = optarg; break;
		case CLI_OPT_LISTEN: args->listen = optarg; break;
		case CLI_OPT_RENEW: args->renew_code = true; break;
		case CLI_OPT_JSON: args->json = true; break;
		case 'q': args->quiet = true; break;
		case 'v': args->verbose = true; break;
		case 'h': args->help = true; break;
		case CLI_OPT_VERSION: args->version = true; break;
		case ':':
			return fault_set(&args->fault, ERR_USAGE, "usage", "%s needs a value",
					 argv[optind - 1]);
		default: return cli_suggest_option(args, argv[optind - 1]);
		}
	}
	return ERR_OK;
}

static const struct cli_row *cli_find(const char *verb, const char *noun)
{
	for (size_t i = 0; i < COUNT_OF(cli_rows); i++) {
		const struct cli_row *row = &cli_rows[i];
		if (strcmp(row->verb, verb) != 0) continue;
		if (row->noun == NULL) return row;
		if (noun != NULL && strcmp(row->noun, noun) == 0) return row;
	}
	return NULL;
}

static enum err cli_suggest(struct cli_args *args, const char *verb, const char *noun)
{
	const struct cli_row *best = NULL;
	unsigned best_score = WORDS_NOTHING;
	for (size_t i = 0; i < COUNT_OF(cli_rows); i++) {
		const struct cli_row *row = &cli_rows[i];
		unsigned score = words_near(verb, row->verb);
		if (noun != NULL && row->noun != NULL) {
			const unsigned near_noun = words_near(noun, row->noun);
			if (near_noun == 0) score = score > 3 ? 3 : score;
			score += near_noun;
		}
		if (score < best_score) {
			best = row;
			best_score = score;
		}
	}
	const enum err e = fault_set(&args->fault, ERR_USAGE, "usage", "no command \"%s%s%s\"",
				     verb, noun == NULL ? "" : " ", noun == NULL ? "" : noun);
	if (best != NULL) {
		(void)fault_hint(&args->fault, "Did you mean \"%s%s%s\"?", best->verb,
				 best->noun == NULL ? "" : " ",
				 best->noun == NULL ? "" : best->noun);
	} else {
		(void)fault_hint(&args->fault, "Try: roomkeepd --help");
	}
	return e;
}

/* Verb, noun and the words after them; `words` is argv from the first non-option. */
static enum err cli_parse_words(struct cli_args *args, char **words, int count,
				const struct cli_row **ret_row)
{
	if (count == 0) {
		if (args->help || args->version) return ERR_OK;
		const enum err e = fault_set(&args->fault, ERR_USAGE, "usage", "no command given");
		(void)fault_hint(&args->fault, "Try: roomkeepd --help");
		return e;
	}
	const struct cli_row *row = cli_find(words[0], count > 1 ? words[1] : NULL);
	if (row == NULL) return cli_suggest(args, words[0], count > 1 ? words[1] : NULL);
	const int used = row->noun == NULL ? 1 : 2;
	const int wanted = used + (row->word == NULL ? 0 : 1);
	*ret_row = row;
	if (args->help) return ERR_OK;
	if (count > wanted) {
		return fault_set(&args->fault, ERR_USAGE, "usage", "\"%s\" is one word too many",
				 words[wanted]);
	}
	if (count < wanted) {
		return fault_set(&args->fault, ERR_USAGE, "usage", "%s is missing", row->word);
	}
	if (row->word != NULL) args->words[0] = words[used];
	const bool is_init = row->run == cli_init;
	if (!is_init && (args->listen != NULL || args->renew_code)) {
		return fault_set(&args->fault, ERR_USAGE, "usage", "%s belongs to init",
				 args->listen != NULL ? "--listen" : "--renew-code");
	}
	return ERR_OK;
}

static void cli_print_fault(const struct cli_args *args)
{
	const struct fault *f = &args->fault;
	if (args->json) {
		json_t *json = fault_to_json(f);
		if (json != NULL) {
			(void)json_dumpf(json, stderr, JSON_COMPACT);
			(void)fputc('\n', stderr);
			json_decref(json);
			return;
		}
	}
	(void)fprintf(stderr, "roomkeepd: %s.%s%s\n", f->message, f->hint[0] == '\0' ? "" : " ",
		      f->hint);
}

static enum err cli_run(int argc, char **argv, struct cli_args *args, int *ret_exit)
{
	TRY(crypt_init());
	TRY(cli_parse_options(argc, argv, args));
	const struct cli_row *row = NULL;
	TRY(cli_parse_words(args, argv + optind, argc - optind, &row));
	if (args->version) return cli_version(args);
	if (args->help) {
		if (row == NULL) cli_help();
		if (row != NULL) cli_help_row(row);
		return ERR_OK;
	}
	if (args->verbose) log_set_level(LOG_LEVEL_INFO);
	TRY(secret_harden_process());
	REQUIRE(row != NULL);
	return row->run(args, ret_exit);
}

int cli_main(int argc, char **argv)
{
	struct cli_args args = { .data = getenv("ROOMKEEP_DATA") };
	if (args.data == NULL) args.data = CLI_DATA_DEFAULT;
	/* Known before the options are read, so that their own faults have the right shape. */
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) args.json = true;
	}
	int status = EXIT_DONE;
	const enum err e = cli_run(argc, argv, &args, &status);
	if (e == ERR_OK) return status;
	fault_default(&args.fault, e);
	cli_print_fault(&args);
	return args.fault.exit;
}
