/* server_box: a whole server in one thread, without sockets, clocks or TLS, for tests and the
 * simulator.
 *
 * The real dialogs, stages and store; the caller brings time, keys and frames. What the threads of
 * server/net do stands in server_box_work: it runs every ask that waits, all writes in one
 * transaction, and delivers what comes of them. Between two calls nothing happens, so a simulator
 * chooses when a batch is cut, and a crash is server_box_crash in between.
 *
 * Owns:    conns, store, secrets (made in `folder` at the first open).   Threads: one.
 * Errors:  opening returns them; a store that fails later makes server_box_broken true: then only
 *          server_box_close is left, as the real server exits. */
#pragma once

#include "server/core/dialog.h"
#include "server/store/store.h"
#include "server/work/secrets.h"
#include "server/work/work.h"

struct server_box;
struct box_conn;

struct server_box_options {
	const char *folder;              /* for clinic.db and secrets */
	uint8_t server_spki[HASH_BYTES]; /* of the TLS key it pretends to have */
	struct rand_source rand;
	uint64_t now_ms;  /* loop clock */
	uint64_t wall_ms; /* server's clock */
};

MUST_USE enum err server_box_open(const struct server_box_options *options,
				  struct server_box **ret_box);
/* Says Refuse(SHUTTING_DOWN) to nobody: conns are dropped. NULL is fine. */
void server_box_close(struct server_box *b);
void server_box_closep(struct server_box **b);
/* As kill -9: what was not committed is gone, replies that were not taken are gone. */
void server_box_crash(struct server_box *b);

/* Both clocks move on (never back); deadlines that passed are told to their dialogs. */
void server_box_set_time(struct server_box *b, uint64_t now_ms, uint64_t wall_ms);
/* The earliest deadline of any dialog. */
uint64_t server_box_deadline_ms(const struct server_box *b);

/* A peer with this key. Exporters are derived from the conn, as TLS would give both ends the same
 * values: read them from box_conn_peer. NULL when memory ran out. */
struct box_conn *server_box_connect(struct server_box *b, const uint8_t spki[HASH_BYTES]);
/* The conn breaks: the server notices, late answers are dropped. The conn is freed. */
void server_box_disconnect(struct server_box *b, struct box_conn *c);

/* One frame's body reaches the server; nothing is written or answered but by server_box_work,
 * except for what the dialog answers by itself. ERR_CLOSED when the server has closed this conn;
 * ERR_BUSY while the dialog does not read (send it later). */
MUST_USE enum err box_conn_send(struct server_box *b, struct box_conn *c, struct view body);
/* A length prefix over the limit reaches the server. */
void box_conn_send_too_big(struct server_box *b, struct box_conn *c);
/* The next frame's body that the server has sent; false: none. The view lives until the next call
 * on this conn. Frames stay readable after the server has closed. */
bool box_conn_receive(struct box_conn *c, struct view *ret_body);
bool box_conn_is_closed(const struct box_conn *c);
Roomkeep__RefuseReason box_conn_reason(const struct box_conn *c);
const struct dialog_peer *box_conn_peer(const struct box_conn *c);
const struct dialog *box_conn_dialog(const struct box_conn *c);

/* Runs the asks that wait: checks, then all writes in one transaction. True if there were any: call
 * it until it is false to let everything settle. */
bool server_box_work(struct server_box *b);
/* The next commits fail with this error and roll back (ERR_OK: as usual). */
void server_box_fail_commits(struct server_box *b, enum err err);
bool server_box_broken(const struct server_box *b);

struct roster *server_box_roster(struct server_box *b);
struct store *server_box_store(struct server_box *b);
struct work *server_box_work_state(struct server_box *b);
const struct server_secrets *server_box_secrets(const struct server_box *b);
const struct dialog_metrics *server_box_metrics(const struct server_box *b);
uint64_t server_box_wall_ms(const struct server_box *b);
/* Rooms or people were changed past the asks (setup_block_user): tells every dialog. */
void server_box_tell_roster(struct server_box *b);
