#include "client/api/agent.h"
#include "client/api/home.h"
#include "client/api/join.h"
#include "client/api/json.h"
#include "client/cli/ask.h"
#include "client/cli/commands.h"
#include "client/cli/help.h"
#include "client/cli/input.h"
#include "client/cli/print.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "crypt/secret.h"

#include <curl/curl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHARES_ASKED_MAX 16u

static int fail(struct cli_call *call, enum err e)
{
	fault_default(&call->fault, e);
	return print_fault(call, &call->fault);
}

/* ---- commands that ask the agent ------------------------------------------------------------ */

static int run_asked(struct cli_call *call, unsigned wait_s)
{
	CLEANUP(json_decrefp) json_t *answer = NULL;
	const enum err e = ask_agent(call->home, call->command->path, call->request, wait_s,
				     &answer, &call->fault);

	if (e != ERR_OK) return fail(call, e);
	return print_answer(call, answer);
}

int cli_run_verb(struct cli_call *call)
{
	return run_asked(call, call->command->wait_s != 0 ? call->command->wait_s : CLI_WAIT_S);
}

int cli_run_sync(struct cli_call *call)
{
	const char *wait = cli_value_of(call, "wait_s");
	const unsigned long seconds = wait != NULL ? strtoul(wait, NULL, 10) : 0;

	return run_asked(call, (unsigned)seconds + CLI_WAIT_S);
}

/* One share from a line of standard input; ERR_CLOSED at the end or at an empty line. */
static enum err read_share_line(json_t *shares, unsigned number)
{
	char line[512];
	enum err e = ERR_CLOSED;

	if (isatty(STDIN_FILENO) == 1) {
		(void)fprintf(stderr, "Recovery share %u (Enter to end): ", number);
	}
	if (fgets(line, (int)sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		if (line[strspn(line, " \t")] != '\0') {
			e = json_array_append_new(shares, json_string(line)) == 0 ? ERR_OK
										  : ERR_BAD_TEXT;
		}
	}
	secret_wipe(line, sizeof(line));
	return e;
}

int cli_run_confirm_kit(struct cli_call *call)
{
	json_t *shares = json_object_get(call->request, "shares");

	if (shares == NULL) {
		shares = json_array();
		enum err e = json_put(call->request, "shares", shares);
		for (unsigned i = 1; e == ERR_OK && i <= SHARES_ASKED_MAX; i++) {
			e = read_share_line(shares, i);
		}
		if (e != ERR_OK && e != ERR_CLOSED) return fail(call, e);
	}
	return run_asked(call, CLI_WAIT_S);
}

/* ---- commands of this process --------------------------------------------------------------- */

static int run_join(struct cli_call *call,
		    enum err (*join)(const char *home_path, const json_t *request, json_t *answer,
				     struct fault *fault),
		    const char *schema)
{
	CLEANUP(json_decrefp) json_t *answer = json_object();
	CLEANUP(freep) char *home = NULL;

	if (answer == NULL) return fail(call, ERR_NOMEM);
	enum err e = json_put(answer, "schema", json_string(schema));
	if (e == ERR_OK) e = home_path(call->home, &home);
	if (e == ERR_OK) e = join(home, call->request, answer, &call->fault);
	if (e != ERR_OK) return fail(call, e);
	return print_answer(call, answer);
}

int cli_run_found(struct cli_call *call)
{
	return run_join(call, join_found, "roomkeep.found/1");
}

int cli_run_enrol(struct cli_call *call)
{
	return run_join(call, join_enrol, "roomkeep.enrolled/1");
}

int cli_run_serve(struct cli_call *call)
{
	CLEANUP(freep) char *home = NULL;
	const char *minutes = cli_value_of(call, "idle_lock");

	enum err e = home_path(call->home, &home);
	if (e != ERR_OK) return fail(call, e);
	const struct agent_options options = {
		.home_path = home,
		.idle_ms = minutes != NULL ? strtoul(minutes, NULL, 10) * 60000u : 0,
	};
	e = agent_serve(&options, &call->fault);
	return e == ERR_OK ? EXIT_DONE : fail(call, e);
}

/* ---- the program ---------------------------------------------------------------------------- */

static enum err start_libraries(void)
{
	json_start();
	TRY(crypt_init());
	TRY(secret_harden_process());
	ENSURE(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, ERR_NOMEM);
	/* Without a locale smartcols prints umlauts as escapes; numbers stay with a point. */
	if (setlocale(LC_CTYPE, "") == NULL) log_debug("cli", "the locale is not installed");
	return ERR_OK;
}

static int run_call(struct cli_call *call)
{
	if (call->help) return help_show(call);
	if (call->version) return help_version(call);
	const enum err e = cli_gather(call);
	if (e != ERR_OK) return fail(call, e);
	return call->command->run(call);
}

int cli_main(int argc, char **argv)
{
	CLEANUP(cli_call_finip) struct cli_call call = { 0 };

	const enum err started = start_libraries();
	if (started != ERR_OK) return fail(&call, started);
	const enum err parsed = cli_parse(argc, argv, &call);
	cli_blank_argv(argc, argv);
	if (call.verbose) log_set_level(LOG_LEVEL_INFO);
	const int exit_code = parsed == ERR_OK ? run_call(&call) : fail(&call, parsed);
	curl_global_cleanup();
	return exit_code;
}
