/* engine: the running server: one loop thread, one writer thread, a few reader threads, and the
 * conns between them and the rooms.
 *
 *   conn --frame--> dialog --ask--> pool: work_check --> writer: work_write, COMMIT, finish
 *     ^                                                                          |
 *     +------ DONE, then PUBLISHED to every dialog <------- loop: work_apply <---+
 *
 * Owns:    everything below it, from engine_open to engine_close's callback.
 * Threads: loop thread only; what the other threads do is in engine_jobs.c.
 * Group commit: the writer takes all asks that wait, one transaction for all (SECURITY 3.2): what
 *          gathered during the last flush is the next batch. Replies leave after COMMIT.
 * Failure: a failed flush or a damaged database is never tried again (SECURITY 3.3): nothing more
 *          is acknowledged, the engine stops and engine_failed says why.
 * Limits:  CONNS_MAX conns; CONNS_UNKNOWN_MAX of peers that are not on the allow-list, of these
 *          CONNS_UNKNOWN_PER_ADDRESS_MAX from one address; ENGINE_QUEUE_MAX asks a queue. */
#pragma once

#include "base/list.h"
#include "net/loop.h"
#include "net/pool.h"
#include "net/tcp.h"
#include "net/tls_stream.h"
#include "net/worker.h"
#include "server/core/dialog.h"
#include "server/core/roster.h"
#include "server/store/store.h"
#include "server/work/work.h"

#define ENGINE_QUEUE_MAX 4096u
#define ENGINE_READERS 2u
#define ENGINE_SPACE_MS 5000u        /* how often free disk space is looked at */
#define ENGINE_IDLE_MS 200u          /* a gap this long lets the writer checkpoint */
#define ENGINE_WAL_PAGES_SOFT 1000u  /* checkpoint in a gap above this: SQLite's own default */
#define ENGINE_WAL_PAGES_HARD 16000u /* and between batches above this: 64 MiB */
#define ENGINE_TEND_MS 600000u       /* how often a gap is used to purge what was erased */

struct engine_options {
	const char *folder;  /* the server's data folder */
	const char *address; /* ADDRESS:PORT; port 0 is any */
};

struct engine_metrics {
	uint64_t accepted;
	uint64_t refused_full; /* conns closed because of the limits above */
	uint64_t handshake_failed;
	uint64_t batches;         /* commits that carried at least one ask; writer thread */
	uint64_t dropped_replies; /* the conn was gone when the answer came */
};

/* Something the writer thread does by itself, outside a batch: `roomkeepd block user`. */
struct engine_call {
	struct worker_job job;
	/* Writer thread, no transaction open. */
	void (*run)(struct engine_call *call, struct store *store);
	/* Loop thread. */
	void (*done)(struct engine_call *call);
};

struct engine {
	struct loop *loop; /* borrowed */
	struct engine_options options;
	struct server_secrets secrets;
	struct tls_identity identity;
	struct tls_ctx tls;
	struct store *store;         /* writer thread, once the worker runs */
	struct store_reader *reader; /* loop thread, at start only */
	struct work *work;
	struct roster *roster;
	struct dialog_metrics dialog_metrics;
	struct engine_metrics metrics;
	struct worker writer;
	struct pool readers;
	struct tcp_listener listener;
	struct timer
		space; /* looks at the disk, frees idle buffers, lets overdue heads be signed */
	struct engine_call head; /* the empty transaction that signs one */
	enum err head_failed;    /* what it found in writer_failed */
	struct list conns;       /* of conn.link */
	size_t conn_count;
	size_t unknown_count; /* conns whose peer is not on the allow-list, handshakes included */
	uint64_t next_conn_id;
	unsigned parts_open; /* of worker, pool, listener, timer */
	bool readers_open;
	bool writer_open;
	bool listener_open;
	bool space_open;
	bool head_busy;
	bool closing;
	enum err failed;        /* why it stopped by itself, or ERR_OK; loop thread */
	enum err writer_failed; /* writer thread's own copy: once set, every batch fails */
	uint64_t tended_ms; /* writer thread: wall clock of the last whole store_tend, 0: none */
	void (*on_failed)(struct engine *e); /* the owner stops the loop; may be NULL */
	loop_closed_fn on_closed;
	void *closed_owner;
};

/* Opens keys, store and sockets; rooms can connect when it returns ERR_OK. engine_close ends it,
 * also after an error. Errors: ERR_BUSY (another server writes here, or the port is taken),
 * ERR_NOT_FOUND (no `roomkeepd init` yet), ERR_DENIED (file modes), ERR_CORRUPT, ERR_VERSION,
 * ERR_BAD_VALUE (address). `e` stays at its place until on_closed. */
MUST_USE enum err engine_open(struct engine *e, struct loop *loop,
			      const struct engine_options *options);

/* The address it listens on, port resolved. TCP_ADDRESS_TEXT_MAX bytes. */
void engine_address(const struct engine *e, char *ret_text);

/* Says SHUTTING_DOWN to every room, lets running asks finish and closes. Idempotent. */
void engine_close(struct engine *e, loop_closed_fn on_closed, void *owner);

/* Runs `call` on the writer thread. The call's memory is the caller's until done. */
MUST_USE enum err engine_submit_call(struct engine *e, struct engine_call *call);

/* Rooms, people or rights changed: every dialog looks again, conns of retired rooms close. */
void engine_roster_changed(struct engine *e);

/* ---- for conn.c and engine_jobs.c ------------------------------------------------------------ */

MUST_USE enum err engine_jobs_open(struct engine *e);
void engine_jobs_close(struct engine *e);

/* Sends an ask through its stages; it comes back in conn_on_ask_done. */
MUST_USE enum err engine_submit_ask(struct engine *e, struct ask *ask);

/* What was committed goes to every dialog, after the ask's own reply. */
void engine_publish(struct engine *e, const struct feed_page *page);
void engine_part_closed(void *engine);
void engine_maybe_finish(struct engine *e);
void engine_fail(struct engine *e, enum err why);
