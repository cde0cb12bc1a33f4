/* work: what the server does for a room's request, in stages that name their thread.
 *
 *   pool thread    work_check   reads, proofs and signatures; many at a time, each with its
 *                               own reader
 *   writer thread  work_write   inside the batch's transaction; only if ask->needs_write
 *                  ... the caller commits the batch: work_committed, or else work_rolled_back ...
 *   writer thread  work_finish  makes the reply; nothing of a write leaves before the commit stood
 *   writer thread  work_publish what the batch committed, for the feeds
 *   loop thread    work_apply   the roster learns; then the dialogs (dialog.h, caller's duties)
 *
 * An ask without a write goes from work_check straight to work_finish (on the pool thread).
 * What the peer did wrong becomes ask->result and the reply; the functions themselves fail only
 * when the server does (store, memory), and then the caller rolls the batch back.
 *
 * Rules: SECURITY 2.6-2.9, 2.13, 2.15, 3.1-3.4, 3.7. Decided here:
 *  - An op is judged one by one. What cannot be attributed (core is no core, another clinic or
 *    author, a lane that begins in another room) is REJECTED. What names its author but does not
 *    hold (signature, payload hash, heads) is QUARANTINED: kept aside, and its lane waits, since
 *    nothing genuine says where the lane is. What is genuine but senseless or not allowed takes its
 *    place in the lane and the lane goes on; store_append_op decides that.
 *  - Ops of a disabled or blocked author that arrive later (courier) are QUARANTINED with
 *    ERR_DENIED: nothing that was written is lost, and nothing that may have been written after
 *    the dismissal takes effect by itself, since the time inside an op is its author's word only.
 *  - A lane begins in the room that it names: its intro's room is the room of this TLS key.
 *  - The server does not judge client_time_ms: a room whose clock is wrong still delivers (3.6).
 *  - A new entry of the directory is signed by the person who is signed in, not just any owner.
 *
 * Owns:    secrets, the checked directory (behind a lock, for all threads).
 * Errors:  ERR_NOMEM, ERR_STORE, ERR_IO, ERR_DISK_FULL, ERR_CORRUPT.  Logs: nothing. */
#pragma once

#include "server/work/ask.h"
#include "server/work/secrets.h"

struct store;
struct store_reader;
struct work;

struct work_options {
	const struct server_secrets *secrets; /* borrowed for the life of the work */
	const uint8_t *server_spki; /* 32 bytes, copied: SPKI hash of this server's TLS key */
};

/* Loads and verifies the directory. ERR_CORRUPT when it does not hold. */
MUST_USE enum err work_open(const struct work_options *options, struct store_reader *reader,
			    struct work **ret_work);
void work_close(struct work *w);
void work_closep(struct work **w);

/* Fills an initialised roster from the store. Loop thread, at start. */
MUST_USE enum err work_load_roster(struct work *w, struct store_reader *reader, uint64_t wall_ms,
				   struct roster *r);

/* While true, pushes are answered BUSY_DISK (SECURITY 3.3). Any thread. */
void work_set_disk_low(struct work *w, bool low);

void work_check(struct work *w, struct ask *a, struct store_reader *reader);

/* Requires: the store is inside its batch transaction. An error means that the transaction cannot
 * be committed: roll back, and work_finish all its asks with that error. */
MUST_USE enum err work_write(struct work *w, struct ask *a, struct store *store);

/* Once per batch, right after store_commit gave ERR_OK and before its asks are finished: notes
 * the new heads. An error: the store cannot be read; stop. */
MUST_USE enum err work_committed(struct work *w, struct store *store);
/* Once per batch that was rolled back, before its asks are finished: forgets what was not
 * committed. */
MUST_USE enum err work_rolled_back(struct work *w, struct store *store);

/* `commit_err`: what became of the ask's batch; ERR_OK if it needed no write. */
void work_finish(struct work *w, struct ask *a, enum err commit_err);

/* Ops that were committed and not published yet, one page (one Feed frame) per call. */
struct work_published {
	struct arena arena;    /* owns the rows */
	struct feed_page page; /* empty range: there is no more */
};
/* Writer thread, after work_committed: call until the page's range is empty. `ret` is initialised
 * here also on failure; give it back by work_published_fini. */
MUST_USE enum err work_publish(struct work *w, struct store *store, struct work_published *ret);
void work_published_fini(struct work_published *p);

/* True when rooms, people or rights changed: give every dialog a DIALOG_EV_ROSTER. */
bool work_apply(struct ask *a, struct roster *r);
