/* feed: what arrives from the server, checked again and stored; and what is next to be sent.
 *
 * Each call is one transaction. Frames are bodies of one roomkeep.Frame as they came.
 * Threads: the desk thread only.  Used by client/desk and, for Fetch pages, by verbs. */
#pragma once

#include "client/store/local.h"
#include "roomkeep/wire.pb-c.h"

/* Welcome: clinic, pinned epoch, ServerRecord (seq >= pinned, signed by the root), signed head,
 * time floor, accounts as in a Pong. `*ret_dir_more`: the directory here is the shorter one.
 * ERR_CONFLICT another clinic; ERR_VERSION another epoch; ERR_AUTH a record or head that does not
 * check out; ERR_FORK the directory head differs or is behind ours (alarm). */
MUST_USE enum err feed_apply_welcome(struct local *l, struct view frame, uint64_t now_ms,
				     bool *ret_dir_more);
/* Pong: the copies go that this room keeps of keyrings under a passphrase that was changed
 * elsewhere, or of people who are blocked (SECURITY 2.6). What the server says here is not signed:
 * it can only make a sign-in need the server. */
MUST_USE enum err feed_apply_pong(struct local *l, struct view frame);
/* Directory: entries after our head, checked one by one. `*ret_more`: at least one was new. */
MUST_USE enum err feed_apply_directory(struct local *l, struct view frame, uint64_t now_ms,
				       bool *ret_more);
/* The room's own trouble (memory, disk, database) and not what the server sent: no alarm, try again
 * later. */
bool feed_err_is_ours(enum err e);
/* Feed: `*ret_cursor` is the new cursor; `*ret_live`: the room now has all it may read.
 * ERR_NOT_FOUND: an author the directory here does not have
 * (nothing stored: fetch it and come again); ERR_AUTH: forged (alarm, nothing stored). */
MUST_USE enum err feed_apply(struct local *l, struct vault *v, struct view frame, uint64_t now_ms,
			     struct local_cursor *ret_cursor, bool *ret_live);
/* ScopeChange: purges what may not be read any more, gives the cursor to pull from. */
MUST_USE enum err feed_apply_scope(struct local *l, struct vault *v, struct view frame,
				   struct local_cursor *ret_cursor);
/* What the pages of a Fetch are of. */
struct feed_fetch {
	struct id patient_id;
	/* Only the newest so many sessions, of those that began before (0: of all); what else a
	 * chart shows is here with them. A server that does not know this sends everything. */
	bool is_part;
	uint32_t sessions_max;
	uint64_t before_ms;
	uint32_t newest; /* so many are here then, with those that the feed has brought */
};
/* FetchPage: stored like a feed but the cursor stays. `what` NULL: pages of a session. The last
 * page of a patient's marks what was fetched (local_history). Ask again with `*ret_after_seq` while
 * `*ret_more`. */
MUST_USE enum err feed_apply_page(struct local *l, struct vault *v, const struct feed_fetch *what,
				  struct view frame, uint64_t now_ms, uint64_t *ret_after_seq,
				  bool *ret_more);
/* A sign-in proof is made: from now on receipts may be newer than the LoginOk that will come. */
void feed_login_begins(struct local *l);
/* LoginOk: pins, vault, heads of own lanes. Gives the cursor. */
MUST_USE enum err feed_apply_login(struct local *l, struct vault *v, struct view frame,
				   uint64_t now_ms, struct local_cursor *ret_cursor);

/* The person's pins and heads as a blob for PutVault (item 3), one revision above the newest
 * seen. */
MUST_USE enum err vault_blob_make(struct local *l, const struct vault *v, uint64_t *ret_rev,
				  struct buf *out);

/* One frame as a body without request number: what asks, results and requests of client/core/sync.h
 * carry. Appends. ERR_TOO_BIG above FRAME_BODY_BYTES_MAX. */
MUST_USE enum err body_encode(const Roomkeep__Frame *f, struct buf *out);

/* Next Push of the signed-in person: ops in lane order. `out` stays empty when there is nothing. */
MUST_USE enum err feed_next_push(struct local *l, const struct vault *v, struct buf *out);
/* Next CourierPush: rows of one boot key, of everybody but `except` (zeros: nobody). */
MUST_USE enum err feed_next_courier(struct local *l, const struct id *except, struct buf *out);
struct feed_ack {
	bool busy;       /* the server's disk is full: try later */
	bool gap;        /* the server wants a lane from an earlier op on */
	size_t receipts; /* ops that are settled now */
	bool refused;    /* an op was rejected or quarantined: what is in memory may show it */
};
/* Ack: receipts. */
MUST_USE enum err feed_apply_ack(struct local *l, struct view frame, uint64_t now_ms,
				 struct feed_ack *ret);
MUST_USE enum err feed_backed_up(struct local *l, uint64_t seq);
