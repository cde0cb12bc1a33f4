/* call: one conversation with a server from a program that has no agent: connect, ask, read the
 * answer, ask again. For `found` and `enrol`, which run before a room has anything to serve.
 *
 * It blocks: each function runs a loop of its own until it is done or its time is over.
 * Owns:    a loop and a link, from call_open to call_close.   Threads: one.
 * Limits:  CALL_MS_MAX per step.
 * Errors:  ERR_TIMEOUT, ERR_REFUSED (the server said Refuse: call_refused tells why), ERR_PROTO,
 *          and link's. After an error only call_close and call_refused are useful. */
#pragma once

#include "base/buf.h"
#include "net/tls_identity.h"
#include "roomkeep/wire.pb-c.h"

#define CALL_MS_MAX 15000u

struct call; /* opaque */

/* Dials, finishes the handshake. Who the server is, the caller judges by call_peer before it sends
 * anything. */
MUST_USE enum err call_open(const char *address, const struct tls_identity *id, struct call **ret);

const struct tls_spki *call_peer(const struct call *c);
MUST_USE enum err call_export(struct call *c, const char *label, uint8_t ret_key[32]);

/* Sends one frame (a body without request number; sync.h has the same form) and waits for the reply
 * with that number, or for a Welcome. `ret_reply` gets the body. A Result frame with an error is
 * returned as that error, with the body in ret_reply. */
MUST_USE enum err call_ask(struct call *c, struct view body, struct buf *ret_reply);

/* Why the server closed, ROOMKEEP__REFUSE_REASON__REFUSE_UNKNOWN if it did not say. */
Roomkeep__RefuseReason call_refused(const struct call *c);

void call_close(struct call *c); /* NULL is fine */
void call_closep(struct call **c);
