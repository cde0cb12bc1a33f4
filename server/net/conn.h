/* conn: one TLS connection of a peer: bytes in, frames to its dialog, actions out.
 *
 * Owns:    the stream, the dialog, a timer, the bytes not yet split into frames, and the asks that
 *          wait their turn. An ask that runs pins the conn: its memory ends when stream and timer
 *          are closed and no ask is out.
 * Threads: loop thread only.     Lives: conn_accept .. by itself.     Logs: how it ended, once.
 * Limits:  one frame and TLS_PLAIN_BYTES_MAX bytes behind it; reading stops while the dialog has as
 *          much to do as it may. */
#pragma once

#include "base/list.h"
#include "net/tcp.h"
#include "server/net/engine.h"

struct conn;

/* Takes `fd`. A conn above the limits is closed at once and counted. */
void conn_accept(struct engine *e, int fd, const struct tcp_address *peer);

struct conn *conn_of_link(struct list *link);
uint64_t conn_id(const struct conn *c);

/* One event for the dialog; its actions are carried out. Harmless once the conn is ending. */
void conn_step(struct conn *c, const struct dialog_event *ev);

/* Gives the buffers of a conn back on which next to nothing has moved since the last call; false:
 * it is busy. */
bool conn_release_idle(struct conn *c);

/* An ask of this conn came back, work_apply done. The conn may be gone afterwards. */
void conn_on_ask_done(struct conn *c, const struct ask *ask);

/* Says goodbye (SHUTTING_DOWN) and ends. */
void conn_shut_down(struct conn *c);
