/* join: how a machine becomes a room: `found` (the clinic's first) and `enrol` (every other).
 * Both run in the command's own process, before any agent, and talk to the server themselves.
 *
 * Owns:    nothing.    Threads: one; both block (network, passphrase hashing).
 * Errors:  with the fault filled: exit 65 for a typing error in a code or a passphrase that is not
 *          good enough, 69 server not reachable, 77 refused or another server, 1 joined already.
 * Lost answers: what was sent is kept in room.db first; running the same command again asks the
 *          server whether it had arrived.
 * Sources: SECURITY 2.6, 2.8. */
#pragma once

#include "cli/fault.h"
#include "client/api/json.h"

/* request: code, server, clinic, owner, login, room, passphrase, kit. Fills `answer`. */
MUST_USE enum err join_found(const char *home_path, const json_t *request, json_t *answer,
			     struct fault *fault);

/* request: code, server. */
MUST_USE enum err join_enrol(const char *home_path, const json_t *request, json_t *answer,
			     struct fault *fault);
