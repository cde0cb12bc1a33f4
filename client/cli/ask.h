/* ask: one call of the room's agent over its Unix socket, by libcurl.
 *
 * Owns:    nothing lasting.   Threads: one.   Limits: ASK_ANSWER_BYTES_MAX.
 * Secrets: request and answer pass through memory that is wiped.
 * Errors:  ERR_OFFLINE with the fault "agent_not_running" (exit 69); the agent's own errors come
 *          back as it said them; ERR_NOMEM, ERR_BUG. */
#pragma once

#include "cli/fault.h"
#include "client/api/json.h"

#define ASK_ANSWER_BYTES_MAX (64u * 1024u * 1024u)

/* `path` is a verb's ("add/patient"). `*ret_answer` is a new reference. */
MUST_USE enum err ask_agent(const char *home_flag, const char *path, const json_t *request,
			    unsigned wait_s, json_t **ret_answer, struct fault *fault);
