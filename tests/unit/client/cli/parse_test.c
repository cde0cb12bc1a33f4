/* The command line: every line of the contract parses; what is wrong is said, and nothing runs. */
#include "client/cli/help.h"
#include "client/cli/input.h"
#include "client/cli/near.h"
#include "client/cli/parse.h"
#include "client/cli/print.h"

#include "base/check.h"
#include "client/api/json.h"
#include "client/api/verb.h"
#include "client/cli/commands.h"
#include "record/field_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGV_MAX 40

/* Parses a line cut at blanks; words in single quotes stay whole. */
static enum err parse(const char *line, struct cli_call *call)
{
	static char text[1024];
	char *argv[ARGV_MAX + 1] = { NULL };
	int argc = 0;

	assert_true(strlen(line) < sizeof(text));
	(void)snprintf(text, sizeof(text), "%s", line);
	for (char *at = text; *at != '\0' && argc < ARGV_MAX;) {
		while (*at == ' ') *at++ = '\0';
		if (*at == '\0') break;
		const char end = *at == '\'' ? '\'' : ' ';
		if (end == '\'') *at++ = '\0';
		argv[argc++] = at;
		while (*at != '\0' && *at != end) at++;
		if (*at == '\'') *at++ = '\0';
	}
	return cli_parse(argc, argv, call);
}

static const struct {
	const char *line;
	const char *verb;
	const char *noun;
} contract[] = {
	{ "roomkeep found ABCD --server 127.0.0.1:7340 --home R1 --clinic N --owner 'Jo Park' "
	  "--login jo "
	  "--room 'Room 1' --passphrase-file F --kit DIR --json",
	  "found", NULL },
	{ "roomkeep confirm kit --home R1", "confirm", "kit" },
	{ "roomkeep set server 127.0.0.1:7340 --home R", "set", "server" },
	{ "roomkeep serve --home R1", "serve", NULL },
	{ "roomkeep serve --home R1 --idle-lock 1", "serve", NULL },
	{ "roomkeep sign-in jo --home R --passphrase-file F --json", "sign-in", NULL },
	{ "roomkeep lock --home R", "lock", NULL },
	{ "roomkeep set passphrase --passphrase-file OLD --new-passphrase-file NEW --home R --json",
	  "set", "passphrase" },
	{ "roomkeep add user 'Mara Lind' --login mara --role therapist --new-passphrase-file F "
	  "--home R1 "
	  "--json",
	  "add", "user" },
	{ "roomkeep add user 'A B' --login ab --role desk --role admin --new-passphrase-file - "
	  "--home R1",
	  "add", "user" },
	{ "roomkeep disable user mara --home R1", "disable", "user" },
	{ "roomkeep unlock user mara --home R1", "unlock", "user" },
	{ "roomkeep list users --home R --json", "list", "users" },
	{ "roomkeep list rooms --home R --json", "list", "rooms" },
	{ "roomkeep list patients --home R --json", "list", "patients" },
	{ "roomkeep invite room 'Room 2' --home R1 --json", "invite", "room" },
	{ "roomkeep invite room 'Room 2' --kind desk --home R1 --json", "invite", "room" },
	{ "roomkeep retire room 'Room 2' --home R1", "retire", "room" },
	{ "roomkeep enrol ABCD --server 127.0.0.1:7340 --home R2 --json", "enrol", NULL },
	{ "roomkeep import FOLDER --home R1 --json", "import", NULL },
	{ "roomkeep import FOLDER --home R1 --dry-run --json", "import", NULL },
	{ "roomkeep add patient --name N --born 1980-02-29 --phone 1 --home R --json", "add",
	  "patient" },
	{ "roomkeep set patient ID --phone 1", "set", "patient" },
	{ "roomkeep find patient TEXT --home R --json", "find", "patient" },
	{ "roomkeep list watch --home R --json", "list", "watch" },
	{ "roomkeep show card --patient ID --home R --json", "show", "card" },
	{ "roomkeep start session --patient ID --home R --json", "start", "session" },
	{ "roomkeep set session SID --subjective T --objective T --assessment T --plan T --home R "
	  "--json",
	  "set", "session" },
	{ "roomkeep set session SID --home R --json --plan -", "set", "session" },
	{ "roomkeep add measure --session SID --ref cx_rot --side L --phase pre --value 52 --home "
	  "R --json",
	  "add", "measure" },
	{ "roomkeep list tests --region neck --complaint headache --patient ID --home R --json",
	  "list", "tests" },
	{ "roomkeep export proof --patient ID --file /tmp/x.pdf --overwrite --home R", "export",
	  "proof" },
	{ "roomkeep show progress --patient ID --ref cx_rot --home R", "show", "progress" },
	{ "roomkeep add measure --session SID --pair MID --value 64 --pain 2 --home R", "add",
	  "measure" },
	{ "roomkeep add measure --session SID --ref cx_rot --side L --phase pre --value 52 --mode "
	  "active --position seated --method goniometer --end-feel firm --limited-by - --rater jo "
	  "--home R",
	  "add", "measure" },
	{ "roomkeep add measure --session SID --ref neer --side R --phase post --result neg --home "
	  "R",
	  "add", "measure" },
	{ "roomkeep sign session SID --home R --json", "sign", "session" },
	{ "roomkeep add addendum --session SID - --home R --json", "add", "addendum" },
	{ "roomkeep show session SID --home R --json", "show", "session" },
	{ "roomkeep list sessions --patient ID --home R --json", "list", "sessions" },
	{ "roomkeep add note --patient ID - --home R --json", "add", "note" },
	{ "roomkeep add note --patient ID --session SID - --home R --json", "add", "note" },
	{ "roomkeep list notes --home R --json", "list", "notes" },
	{ "roomkeep list notes --patient ID --home R --json", "list", "notes" },
	{ "roomkeep list pending --home R --json", "list", "pending" },
	{ "roomkeep status --home R --json", "status", NULL },
	{ "roomkeep sync --wait 30 --home R", "sync", NULL },
	/* flags may stand anywhere */
	{ "roomkeep --home R --json list rooms", "list", "rooms" },
	{ "roomkeep list --json rooms --home R", "list", "rooms" },
	{ "roomkeep --json --home=R list rooms -q", "list", "rooms" },
	{ "roomkeep add --patient ID note - --json", "add", "note" },
};

static void test_contract_lines_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(contract); i++) {
		struct cli_call call;
		const enum err e = parse(contract[i].line, &call);
		if (e != ERR_OK) print_message("%s: %s\n", contract[i].line, call.fault.message);
		assert_int_equal(e, ERR_OK);
		assert_string_equal(call.command->verb, contract[i].verb);
		if (contract[i].noun != NULL) {
			assert_string_equal(call.command->noun, contract[i].noun);
		} else {
			assert_null(call.command->noun);
		}
		assert_int_equal(call.json, strstr(contract[i].line, "--json") != NULL);
		if (strstr(contract[i].line, "--home R1") != NULL) {
			assert_string_equal(call.home, "R1");
		}
		cli_call_fini(&call);
	}
}

static const struct {
	const char *line;
	const char *message; /* part of it */
	const char *hint;    /* part of it; "" for none */
} wrong[] = {
	{ "roomkeep", "no command", "--help" },
	{ "roomkeep shwo rooms", "no command \"shwo rooms\"", "\"list rooms\"" },
	{ "roomkeep show rooms", "no command \"show rooms\"", "\"list rooms\"" },
	{ "roomkeep list room", "no command", "\"list rooms\"" },
	{ "roomkeep lsit rooms --home R", "no command", "\"list rooms\"" },
	{ "roomkeep add patinet --name N --born 1980-01-01", "no command", "\"add patient\"" },
	{ "roomkeep ad patient", "no command", "\"add patient\"" },
	{ "roomkeep statsu", "no command", "\"status\"" },
	{ "roomkeep signin jo", "no command", "\"sign-in\"" },
	{ "roomkeep sigin-in jo", "no command", "\"sign-in\"" },
	{ "roomkeep frobnicate", "no command", "--help" },
	{ "roomkeep list", "needs a second word", "list users" },
	{ "roomkeep add", "needs a second word", "add patient" },
	{ "roomkeep list rooms --jsno", "no flag \"--jsno\"", "--json" },
	{ "roomkeep set session SID --subjectiv T", "no flag", "--subjective" },
	{ "roomkeep set session SID --subj T", "no flag", "--subjective" },
	{ "roomkeep add patient --name N --born 1980-01-01 --fone 1", "no flag", "--phone" },
	{ "roomkeep add patient --zzzzzzzz N", "no flag", "--help" },
	{ "roomkeep list rooms extra", "one word too many", "" },
	{ "roomkeep sign-in", "LOGIN is missing", "" },
	{ "roomkeep sign-in jo mara", "one word too many", "" },
	{ "roomkeep add patient --born 1980-01-01", "--name NAME is missing", "" },
	{ "roomkeep add patient --name", "--name needs a value", "" },
	{ "roomkeep add patient --name A --name B --born 1980-01-01", "--name is given twice", "" },
	{ "roomkeep add measure --session S --ref r --phase per --value 1", "--phase is one of",
	  "--phase pre" },
	{ "roomkeep add measure --session S --ref r --side X --phase pre --value 1",
	  "--side is one of", "" },
	{ "roomkeep add measure --session S --ref r --phase pre --value abc", "needs a number",
	  "" },
	{ "roomkeep add measure --session S --ref r --phase pre --value 1e5", "needs a number",
	  "" },
	{ "roomkeep add measure --session S --ref r --phase pre --value ''", "needs a number", "" },
	{ "roomkeep add user N --login l --role therapst", "--role is one of", "--role therapist" },
	{ "roomkeep serve --idle-lock 0", "from 1 to 720", "" },
	{ "roomkeep serve --idle-lock 721", "from 1 to 720", "" },
	{ "roomkeep serve --idle-lock 1.5", "whole number", "" },
	{ "roomkeep sync --wait -1", "from 0", "" },
	{ "roomkeep add note -", "--patient ID is missing", "" },
	{ "roomkeep add note --patient ID", "is missing", "" },
	{ "roomkeep set passphrase --passphrase-file - --new-passphrase-file -", "once only",
	  "@FILE" },
	{ "roomkeep add patient --name - --born -", "once only", "" },
	{ "roomkeep status --home", "--home needs a value", "" },
	{ "roomkeep status -z", "could not be understood", "" },
	{ "roomkeep status --json=yes", "could not be understood", "" },
};

static void test_wrong_lines_are_explained(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct cli_call call;
		assert_int_equal(parse(wrong[i].line, &call), ERR_USAGE);
		const bool said = strstr(call.fault.message, wrong[i].message) != NULL &&
				  strstr(call.fault.hint, wrong[i].hint) != NULL;
		if (!said) {
			print_message("%s\n  %s\n  %s\n", wrong[i].line, call.fault.message,
				      call.fault.hint);
		}
		assert_true(said);
		assert_int_equal(call.fault.exit, 64);
		assert_string_equal(call.fault.code, "usage");
		assert_null(call.request);
		cli_call_fini(&call);
	}
}

static void test_limits_of_counts(void **state)
{
	(void)state;
	struct cli_call call;

	assert_int_equal(parse("roomkeep serve --idle-lock 720", &call), ERR_OK);
	cli_call_fini(&call);
	assert_int_equal(parse("roomkeep sync --wait 86400", &call), ERR_OK);
	cli_call_fini(&call);
	assert_int_equal(parse("roomkeep sync --wait 86401", &call), ERR_USAGE);
	cli_call_fini(&call);
}

static void test_json_is_known_even_when_wrong(void **state)
{
	(void)state;
	struct cli_call call;

	assert_int_equal(parse("roomkeep shwo rooms --json", &call), ERR_USAGE);
	assert_true(call.json);
	cli_call_fini(&call);
}

static void test_help_and_version(void **state)
{
	(void)state;
	struct cli_call call;

	assert_int_equal(parse("roomkeep --help", &call), ERR_OK);
	assert_true(call.help && call.command == NULL);
	cli_call_fini(&call);
	assert_int_equal(parse("roomkeep -h", &call), ERR_OK);
	assert_true(call.help);
	cli_call_fini(&call);
	assert_int_equal(parse("roomkeep list --help", &call), ERR_OK);
	assert_string_equal(call.verb, "list");
	cli_call_fini(&call);
	assert_int_equal(parse("roomkeep add patient --help", &call),
			 ERR_OK); /* nothing is missing */
	assert_true(call.help && call.command != NULL);
	cli_call_fini(&call);
	assert_int_equal(parse("roomkeep help", &call), ERR_OK);
	assert_true(call.help && call.command == NULL);
	cli_call_fini(&call);
	assert_int_equal(parse("roomkeep help list rooms", &call), ERR_OK);
	assert_true(call.help);
	assert_string_equal(call.command->noun, "rooms");
	cli_call_fini(&call);
	assert_int_equal(parse("roomkeep find patient help", &call), ERR_OK); /* a text like any */
	assert_false(call.help);
	assert_string_equal(cli_value_of(&call, "text"), "help");
	cli_call_fini(&call);
	assert_int_equal(parse("roomkeep --version", &call), ERR_OK);
	assert_true(call.version);
	cli_call_fini(&call);
}

static void test_values_arrive(void **state)
{
	(void)state;
	struct cli_call call;

	assert_int_equal(parse("roomkeep set session SID --plan=a=b --home=R", &call), ERR_OK);
	assert_string_equal(cli_value_of(&call, "plan"), "a=b");
	assert_string_equal(cli_value_of(&call, "session_id"), "SID");
	assert_string_equal(call.home, "R");
	assert_null(cli_value_of(&call, "subjective"));
	cli_call_fini(&call);
	assert_int_equal(
		parse("roomkeep add measure --session S --ref r --phase pre --value -5", &call),
		ERR_OK);
	assert_string_equal(cli_value_of(&call, "value"), "-5");
	cli_call_fini(&call);
	assert_int_equal(parse("roomkeep find patient -- --json", &call), ERR_OK);
	assert_string_equal(cli_value_of(&call, "text"), "--json");
	cli_call_fini(&call);
}

static void test_argv_is_blanked(void **state)
{
	(void)state;
	char words[3][20] = { "roomkeep", "find", "patient" };
	char *argv[] = { words[0], words[1], words[2], NULL };

	cli_blank_argv(3, argv);
	assert_string_equal(words[0], "roomkeep");
	for (size_t i = 0; i < 7; i++) assert_int_equal(words[2][i], 0);
}

/* ---- gathering ----------------------------------------------------------------------------- */

static void write_file(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static enum err gather(const char *line, struct cli_call *call)
{
	assert_int_equal(parse(line, call), ERR_OK);
	call->no_input = true;
	return cli_gather(call);
}

static void test_gather_makes_the_request(void **state)
{
	(void)state;
	struct cli_call call;
	char *text = NULL;

	write_file("/tmp/rk-pass", "correct horse \n\n", 16);
	assert_int_equal(
		gather("roomkeep add user 'Mara Lind' --login mara --role therapist --role owner "
		       "--new-passphrase-file /tmp/rk-pass --json --home R",
		       &call),
		ERR_OK);
	assert_int_equal(json_text_dump(call.request, &text), ERR_OK);
	/* Exactly one newline is dropped, and globals are not part of it. */
	assert_string_equal(text,
			    "{\"login\":\"mara\",\"roles\":[\"therapist\",\"owner\"],"
			    "\"new_passphrase\":\"correct horse \\n\",\"name\":\"Mara Lind\"}");
	json_text_free(text);
	cli_call_fini(&call);
	unlink("/tmp/rk-pass");
}

static void test_gather_numbers_and_switches(void **state)
{
	(void)state;
	struct cli_call call;

	assert_int_equal(
		gather("roomkeep add measure --session S --ref r --phase pre --value 52", &call),
		ERR_OK);
	assert_int_equal(json_integer_value(json_object_get(call.request, "value")), 52);
	cli_call_fini(&call);
	assert_int_equal(
		gather("roomkeep add measure --session S --ref r --phase pre --value 52.5", &call),
		ERR_OK);
	assert_true(json_real_value(json_object_get(call.request, "value")) > 52.4);
	cli_call_fini(&call);
	assert_int_equal(gather("roomkeep import some/folder --dry-run", &call), ERR_OK);
	assert_true(json_is_true(json_object_get(call.request, "dry_run")));
	const char *folder = json_text_of(call.request, "folder");
	assert_int_equal(folder[0], '/');
	assert_non_null(strstr(folder, "/some/folder"));
	cli_call_fini(&call);
}

static void test_gather_texts_from_files(void **state)
{
	(void)state;
	struct cli_call call;

	write_file("/tmp/rk-text", "two\r\nlines\r\n", 12);
	assert_int_equal(
		gather("roomkeep set session SID --plan @/tmp/rk-text --objective ''", &call),
		ERR_OK);
	assert_string_equal(json_text_of(call.request, "plan"), "two\r\nlines");
	assert_string_equal(json_text_of(call.request, "objective"), "");
	cli_call_fini(&call);
	unlink("/tmp/rk-text");
	assert_int_equal(gather("roomkeep set session SID --plan @/tmp/rk-text", &call),
			 ERR_NOT_FOUND);
	assert_int_equal(call.fault.exit, 66);
	cli_call_fini(&call);
}

static void test_gather_limits_and_bad_bytes(void **state)
{
	(void)state;
	struct cli_call call;
	char *big = malloc(70000);

	for (size_t i = 0; i < 70000; i++) big[i] = 'a';
	big[65536] = '\n';
	write_file("/tmp/rk-text", big, 65537); /* TEXT_BYTES_MAX and a newline */
	assert_int_equal(gather("roomkeep set session SID --plan @/tmp/rk-text", &call), ERR_OK);
	assert_int_equal(strlen(json_text_of(call.request, "plan")), 65536);
	cli_call_fini(&call);
	big[65536] = 'a';
	write_file("/tmp/rk-text", big, 65537);
	assert_int_equal(gather("roomkeep set session SID --plan @/tmp/rk-text", &call),
			 ERR_TOO_BIG);
	assert_int_equal(call.fault.exit, 65);
	cli_call_fini(&call);
	write_file("/tmp/rk-text", "a\0b", 3);
	assert_int_equal(gather("roomkeep set session SID --plan @/tmp/rk-text", &call),
			 ERR_BAD_TEXT);
	cli_call_fini(&call);
	write_file("/tmp/rk-text", "\xff\xfe", 2);
	assert_int_equal(gather("roomkeep set session SID --plan @/tmp/rk-text", &call),
			 ERR_BAD_TEXT);
	cli_call_fini(&call);
	unlink("/tmp/rk-text");
	free(big);
}

static void test_secrets_are_never_asked_without_a_person(void **state)
{
	(void)state;
	struct cli_call call;

	assert_int_equal(gather("roomkeep sign-in jo", &call), ERR_USAGE);
	assert_non_null(strstr(call.fault.message, "--passphrase-file"));
	cli_call_fini(&call);
	assert_int_equal(gather("roomkeep sign-in jo --passphrase-file /no/such", &call),
			 ERR_NOT_FOUND);
	cli_call_fini(&call);
}

/* ---- the table ----------------------------------------------------------------------------- */

static void test_every_row_is_whole(void **state)
{
	(void)state;
	size_t count = 0;
	const struct cli_command *commands = cli_commands(&count);
	for (size_t i = 0; i < count; i++) {
		const struct cli_command *c = &commands[i];
		struct cli_call call;
		assert_non_null(c->verb);
		assert_non_null(c->help);
		assert_non_null(c->run);
		assert_non_null(c->exits);
		for (int k = 0; k < 2; k++) {
			assert_non_null(c->examples[k]);
			assert_int_equal(strncmp(c->examples[k], "roomkeep ", 9), 0);
			assert_non_null(strstr(c->examples[k], c->verb));
		}
		if (c->path != NULL) assert_non_null(verb_find(c->path));
		if (c->list != NULL) assert_non_null(c->columns);
		/* Each row is found by its own words, and by nothing else. */
		assert_ptr_equal(cli_command_find(c->verb, c->noun), c);
		(void)call;
	}
	size_t rows = 0;
	const struct verb_row *table = verb_table(&rows);
	for (size_t i = 0; i < rows; i++) {
		bool used = false;
		for (size_t k = 0; k < count; k++) {
			used = used || (commands[k].path != NULL &&
					strcmp(commands[k].path, table[i].path) == 0);
		}
		assert_true(used); /* every verb has its command */
		assert_int_equal(strncmp(table[i].schema, "roomkeep.", 9), 0);
		assert_string_equal(table[i].schema + strlen(table[i].schema) - 2, "/1");
	}
}

static void test_flags_of_one_name_take_alike(void **state)
{
	(void)state;
	size_t count = 0;
	const struct cli_command *commands = cli_commands(&count);
	for (size_t i = 0; i < count; i++) {
		for (const struct cli_param *p = commands[i].flags; p->name != NULL; p++) {
			const struct cli_param *any = cli_flag_find_any(p->name, strlen(p->name));
			assert_int_equal(any->take == CLI_TAKE_NOTHING,
					 p->take == CLI_TAKE_NOTHING);
		}
	}
}

/* ---- plain records ------------------------------------------------------------------------- */

static void expect_flags(const struct kind_info *info, const struct cli_command *c)
{
	char key[FIELD_KEY_BYTES];
	size_t count = 0;
	for (const struct cli_param *p = c->flags; p->name != NULL; p++, count++) {
		/* No flag of its own hides one that every command takes. */
		assert_ptr_equal(cli_flag_find(c, p->name, strlen(p->name)), p);
		assert_non_null(p->help);
		assert_int_equal(p->meta == NULL, p->take == CLI_TAKE_NOTHING);
		for (const struct cli_param *q = c->flags; q != p; q++)
			assert_string_not_equal(q->name, p->name);
	}
	assert_true(count <= CLI_FLAGS_MAX);
	for (size_t i = 0; i < info->field_count; i++) {
		const struct field_rule *rule = &info->fields[i];
		bool found = false;
		if (rule->format == FIELD_CLEARS || rule->format == FIELD_ID) continue;
		field_key(rule, key);
		for (const struct cli_param *p = c->flags; p->name != NULL; p++)
			found = found || strcmp(p->key, key) == 0;
		assert_true(found);
	}
}

static void test_every_field_of_every_record_has_its_flag(void **state)
{
	(void)state;
	size_t count = 0;
	size_t seen = 0;
	const struct cli_command *commands = cli_commands(&count);
	for (size_t i = 0; i < count; i++) {
		const struct cli_command *c = &commands[i];
		if (c->kind == NULL) continue;
		const bool writes = strcmp(c->verb, "add") == 0 || strcmp(c->verb, "set") == 0;
		if (writes) expect_flags(c->kind, c);
		seen += writes;
	}
	assert_true(seen > KIND_PLAIN_COUNT);
}

static void test_a_record_as_it_is_typed(void **state)
{
	(void)state;
	struct cli_call call;
	assert_int_equal(parse("roomkeep add alert --patient P --kind allergi --text x", &call),
			 ERR_USAGE);
	assert_non_null(strstr(call.fault.message, "contraindication_local|precaution|allergy"));
	assert_non_null(strstr(call.fault.hint, "--kind allergy"));
	cli_call_fini(&call);
	assert_int_equal(parse("roomkeep add alert --patient P --kind allergy", &call), ERR_USAGE);
	assert_non_null(strstr(call.fault.message, "--text"));
	cli_call_fini(&call);
	assert_int_equal(parse("roomkeep set preference --patient P --pressure 6", &call),
			 ERR_USAGE);
	assert_non_null(strstr(call.fault.message, "from 1 to 5"));
	cli_call_fini(&call);
	assert_int_equal(gather("roomkeep set comfort --patient P --chaperone no", &call), ERR_OK);
	assert_true(json_is_false(json_object_get(call.request, "chaperone")));
	cli_call_fini(&call);
	assert_int_equal(gather("roomkeep set preference --patient P --avoid-positions prone "
				"--avoid-positions seated --clear music",
				&call),
			 ERR_OK);
	assert_int_equal(json_array_size(json_object_get(call.request, "avoid_positions")), 2);
	assert_int_equal(json_array_size(json_object_get(call.request, "clear")), 1);
	cli_call_fini(&call);
	assert_int_equal(parse("roomkeep set alert A --clear text", &call), ERR_USAGE);
	cli_call_fini(&call);
}

static void test_distances(void **state)
{
	(void)state;
	assert_int_equal(words_distance("", ""), 0);
	assert_int_equal(words_distance("abc", "abc"), 0);
	assert_int_equal(words_distance("abc", "acb"), 1);
	assert_int_equal(words_distance("abc", "ab"), 1);
	assert_int_equal(words_distance("", "abc"), 3);
	assert_int_equal(words_distance("kitten", "sitting"), 3);
	assert_int_equal(words_distance("ca", "abc"),
			 3); /* optimal string alignment, not Damerau */
	char longer[WORDS_MAX + 2] = { 0 };
	for (size_t i = 0; i < sizeof(longer) - 1; i++) longer[i] = 'a';
	assert_int_equal(words_distance(longer, "a"), WORDS_NOTHING);
	longer[WORDS_MAX] = '\0';
	assert_int_equal(words_distance(longer, ""), WORDS_MAX);
}

static void test_done_lines_are_filled(void **state)
{
	(void)state;
	json_t *answer = json_pack("{s:s, s:[s,s], s:i}", "login", "mara", "roles", "therapist",
				   "desk", "n", 3);
	json_t *request = json_pack("{s:s, s:s}", "login", "other", "name", "Mara");
	char *line = print_fill("{login}, {roles}: {n} {name}{none}.", answer, request);

	assert_string_equal(line, "mara, therapist, desk: 3 Mara.");
	free(line);
	json_decref(answer);
	json_decref(request);
}

static int start(void **state)
{
	(void)state;
	json_start();
	return crypt_init() == ERR_OK ? 0 : 1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contract_lines_parse),
		cmocka_unit_test(test_wrong_lines_are_explained),
		cmocka_unit_test(test_limits_of_counts),
		cmocka_unit_test(test_json_is_known_even_when_wrong),
		cmocka_unit_test(test_help_and_version),
		cmocka_unit_test(test_values_arrive),
		cmocka_unit_test(test_argv_is_blanked),
		cmocka_unit_test(test_gather_makes_the_request),
		cmocka_unit_test(test_gather_numbers_and_switches),
		cmocka_unit_test(test_gather_texts_from_files),
		cmocka_unit_test(test_gather_limits_and_bad_bytes),
		cmocka_unit_test(test_secrets_are_never_asked_without_a_person),
		cmocka_unit_test(test_every_row_is_whole),
		cmocka_unit_test(test_flags_of_one_name_take_alike),
		cmocka_unit_test(test_every_field_of_every_record_has_its_flag),
		cmocka_unit_test(test_a_record_as_it_is_typed),
		cmocka_unit_test(test_distances),
		cmocka_unit_test(test_done_lines_are_filled),
	};
	return cmocka_run_group_tests(tests, start, NULL);
}
