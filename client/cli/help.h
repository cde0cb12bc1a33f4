/* help: --help and --version, made from the table.
 * Threads: one.  Prints on stdout; returns an exit status. */
#pragma once

struct cli_call;

int help_show(const struct cli_call *call);
int help_version(const struct cli_call *call);
