/* setup: what `roomkeepd` itself does to the clinic's data, without a room.
 *
 * The setup code exists on the terminal of `roomkeepd init` only; the store keeps setup_mac, for
 * 24 h and one use (SECURITY 2.6). `roomkeepd block user` is unsigned and can only take away (2.7).
 * Each function is one transaction of its own: not inside a batch.
 *
 * Threads: the writer's.
 * Errors:  ERR_EXISTS (the clinic is founded), ERR_NOT_FOUND, ERR_BAD_TEXT, store errors. */
#pragma once

#include "base/err.h"
#include "base/id.h"
#include "crypt/hash.h"
#include "crypt/secret.h"

#define SETUP_CODE_MS (24ull * 60u * 60u * 1000u)

struct store;

/* A new code; the one before it is void. `*ret_code` is the text to print and then wipe. ERR_EXISTS
 * when the clinic has an owner. */
MUST_USE enum err setup_new_code(struct store *store, const struct hash32 *server_spki,
				 uint64_t wall_ms, struct secret **ret_code);

/* Refuses sign-in of this login from now on. The caller then gives roster_block_user the id and
 * every dialog a DIALOG_EV_ROSTER. */
MUST_USE enum err setup_block_user(struct store *store, struct view login, uint64_t wall_ms,
				   struct id *ret_user_id);
