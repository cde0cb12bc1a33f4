#include "client/cli/help.h"

#include "base/crashpoint.h"
#include "cli/fault.h"
#include "client/cli/parse.h"
#include "client/cli/record_table.h"
#include "crypt/kdf.h"

#include <stdio.h>
#include <string.h>

#define NAME_COLUMN 18

static void show_param(const struct cli_param *p, bool is_flag)
{
	char left[64];

	(void)snprintf(left, sizeof(left), "%s%s%s%s", is_flag ? "--" : "", is_flag ? p->name : "",
		       is_flag && p->meta != NULL ? " " : "", p->meta != NULL ? p->meta : "");
	(void)printf("  %-30s %s%s\n", left, p->help,
		     is_flag && p->required && p->take != CLI_TAKE_SECRET ? " (needed)" : "");
}

static void show_flags(const struct cli_param *flags)
{
	for (const struct cli_param *p = flags; p->name != NULL; p++) show_param(p, true);
}

static void show_command(const struct cli_command *c)
{
	(void)printf("Usage: roomkeep %s%s%s", c->verb, c->noun != NULL ? " " : "",
		     c->noun != NULL ? c->noun : "");
	for (const struct cli_param *p = c->args; p->name != NULL; p++)
		(void)printf(" %s", p->meta);
	for (const struct cli_param *p = c->flags; p->name != NULL; p++) {
		const bool needed = p->required && p->take != CLI_TAKE_SECRET;
		(void)printf(" %s--%s%s%s%s", needed ? "" : "[", p->name,
			     p->meta != NULL ? " " : "", p->meta != NULL ? p->meta : "",
			     needed ? "" : "]");
	}
	(void)printf("\n%s.\n\n", c->help);
	for (const struct cli_param *p = c->args; p->name != NULL; p++) show_param(p, false);
	show_flags(c->flags);
	(void)printf("\nEvery command takes\n");
	show_flags(cli_global_flags);
	(void)printf("\nTexts and codes also come from - (standard input) or @FILE.\n"
		     "Exit: 0 done, 64 wrong call, 70 bug%s%s\n\nExamples\n  %s\n  %s\n"
		     "Manual: roomkeep(1)\n",
		     c->exits != NULL ? ", " : "", c->exits != NULL ? c->exits : "", c->examples[0],
		     c->examples[1]);
}

static void show_line(const struct cli_command *c)
{
	char name[40];

	(void)snprintf(name, sizeof(name), "%s%s%s", c->verb, c->noun != NULL ? " " : "",
		       c->noun != NULL ? c->noun : "");
	(void)printf("  %-*s %s\n", NAME_COLUMN, name, c->help);
}

/* One line for all that can be done with a kind of record; its commands stand together. */
static size_t show_record_lines(const struct cli_command *commands, size_t count, size_t at)
{
	const struct kind_info *kind = commands[at].kind;
	char noun[40];

	cli_record_noun(kind, noun, sizeof(noun));
	(void)printf("  %-*s %s: ", NAME_COLUMN, noun, kind->about);
	for (bool first = true; at < count && commands[at].kind == kind; at++, first = false) {
		(void)printf("%s%s %s", first ? "" : ", ", commands[at].verb, commands[at].noun);
	}
	(void)printf("\n");
	return at;
}

static void show_records(const struct cli_command *commands, size_t count)
{
	(void)printf("\nRecords\n");
	for (size_t i = 0; i < count;) {
		i = commands[i].kind == NULL ? i + 1 : show_record_lines(commands, count, i);
	}
}

/* All commands, or those of one verb. */
static void show_overview(const char *verb)
{
	size_t count = 0;
	const struct cli_command *commands = cli_commands(&count);
	const bool all = verb[0] == '\0';

	(void)printf("Usage: roomkeep COMMAND [ARGUMENTS] [--home DIR] [--json]\n"
		     "The room's agent, and everything that needs keys or clinical access.\n\n");
	for (size_t i = 0; i < count; i++) {
		if (all ? commands[i].kind == NULL : strcmp(commands[i].verb, verb) == 0) {
			show_line(&commands[i]);
		}
	}
	if (all) show_records(commands, count);
	(void)printf("\nroomkeep COMMAND --help says more about one.\n");
}

int help_show(const struct cli_call *call)
{
	if (call->command != NULL) {
		show_command(call->command);
	} else {
		show_overview(call->verb);
	}
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_DISK;
}

int help_version(const struct cli_call *call)
{
	if (call->json) {
		(void)printf("{\"schema\":\"roomkeep.version/1\",\"version\":\"%s\","
			     "\"kdf_floor\":\"%s\",\"crash_points\":%s}\n",
			     ROOMKEEP_VERSION, kdf_floor_text(),
			     crashpoint_built_in() ? "true" : "false");
	} else {
		(void)printf("roomkeep %s, %s%s\n", ROOMKEEP_VERSION, kdf_floor_text(),
			     crashpoint_built_in() ? ", crash points built in" : "");
	}
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_DISK;
}
