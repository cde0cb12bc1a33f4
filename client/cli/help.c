#include "client/cli/help.h"

#include "base/crashpoint.h"
#include "cli/fault.h"
#include "client/cli/parse.h"
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

/* All commands, or those of one verb. */
static void show_overview(const char *verb)
{
	(void)printf("Usage: roomkeep COMMAND [ARGUMENTS] [--home DIR] [--json]\n"
		     "The room's agent, and everything that needs keys or clinical access.\n\n");
	for (size_t i = 0; i < cli_command_count; i++) {
		if (verb[0] == '\0' || strcmp(cli_commands[i].verb, verb) == 0) {
			show_line(&cli_commands[i]);
		}
	}
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
