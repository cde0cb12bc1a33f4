/* commands: what a row of the table runs. Each returns the process's exit status (cli/fault.h)
 * and has said everything it has to say.
 *
 * Threads: one, but cli_run_serve, which is the agent. */
#pragma once

#include "client/cli/parse.h"

int cli_run_found(struct cli_call *call);
int cli_run_enrol(struct cli_call *call);
int cli_run_serve(struct cli_call *call);
int cli_run_verb(struct cli_call *call); /* asks the agent's verb of the same name */
int cli_run_sync(struct cli_call *call);
int cli_run_confirm_kit(struct cli_call *call); /* asks for shares that were not given */

/* The whole program: parse, run, say. */
int cli_main(int argc, char **argv);
