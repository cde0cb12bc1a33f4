/* feed: which ops go to one conn, in which batches (SECURITY 3.4).
 *
 * A feed starts at a cursor, reads pages until it has caught up, and then takes each commit as it
 * comes. It decides at send time, with the rights of this moment, what the person may read; the
 * cursor also passes over what he may not. It never sends a batch only to raise the cursor over
 * unreadable ops: frames would then count them (SECURITY 6.1 C8). At most FEED_BATCHES_MAX batches
 * stay unconfirmed.
 *
 *   OFF --feed_start--> READING --page, still behind--> READING
 *                       READING --FEED_BATCHES_MAX unconfirmed--> WAITING --ack--> READING
 *                       READING --page that reaches the newest op--> LIVE --overrun--> READING
 *
 * Owns:    its own fields; rows and pages are borrowed during the call.
 * Threads: loop thread only.
 * Errors:  ERR_NOMEM, ERR_BAD_VALUE (a confirmation of what was never sent). */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/limits.h"
#include "record/lockbox.h"

#define FEED_BATCHES_MAX 4u

/* One op as the feed sees it. */
struct feed_row {
	uint64_t seq;
	uint64_t kind;           /* record/kinds.h */
	uint64_t target_kind;    /* a tombstone's: kind of its target; 0 = not known */
	struct id target_author; /* ... and whose it was; zeros */
	struct id author_id;
	bool author_only;       /* rejected or quarantined: nobody else's business */
	uint64_t subject_ms;    /* when its session began; 0: of no session, or of an unknown one */
	struct id patient_id;   /* zeros: of none */
	struct id session_id;   /* zeros ... */
	struct id record_id;    /* of a plain record; zeros ... */
	struct id therapist_id; /* of its session */
	bool session_signed;
	uint64_t written_ms;    /* when it was taken */
	struct id against_user; /* of a directive: whom it is against, and who does not see it */
	uint64_t against_role;
	struct view field;     /* borrowed: the FeedOp as an element of Feed.ops, with its tag */
	struct view own_field; /* the same for its author: with the heads it was written beside */
};

/* Rows in seq order out of from_seq < seq <= to_seq; what is missing there this person may not see.
 * At most BATCH_OPS_MAX rows of BATCH_BYTES_MAX bytes: what fits one frame. */
struct feed_page {
	const struct feed_row *rows; /* borrowed */
	size_t count;
	uint64_t from_seq; /* exclusive */
	uint64_t to_seq;   /* inclusive: everything up to here was looked at */
};

/* Whose eyes: taken anew at every call, never remembered. */
struct feed_eyes {
	struct id user_id;
	uint64_t roles;
	struct id epoch;
	uint64_t wall_ms;   /* for the 18 months, and for what is withheld now */
	struct lockbox box; /* borrowed: of the whole clinic */
};

enum feed_state { FEED_OFF, FEED_READING, FEED_WAITING, FEED_LIVE };

struct feed {
	enum feed_state state;
	uint64_t cursor;                        /* everything up to here was sent or passed over */
	uint64_t newest;                        /* newest committed op this feed has heard of */
	uint64_t unconfirmed[FEED_BATCHES_MAX]; /* up_to_seq of sent batches, oldest first */
	unsigned unconfirmed_count;
	bool told_live;  /* the room has heard `live` since the start */
	bool page_asked; /* READING: the page is on its way */
};

void feed_init(struct feed *f);
/* From after `seq`; `newest` is the newest committed op. The feed now wants a page. A cursor beyond
 * `newest` is ERR_BAD_VALUE. */
MUST_USE enum err feed_start(struct feed *f, uint64_t seq, uint64_t newest);
void feed_stop(struct feed *f);

/* True once per page: read rows after feed->cursor and give them to feed_on_page. */
bool feed_take_page_wish(struct feed *f);

/* A page that was asked for. Appends a Feed frame (length prefixed) to `out`, or nothing. A page
 * that does not begin at the cursor belongs to an earlier start and is dropped. */
MUST_USE enum err feed_on_page(struct feed *f, const struct feed_eyes *eyes,
			       const struct feed_page *page, struct buf *out);
/* Ops that were just committed: at a live feed they are sent, at any other they are only heard of.
 */
MUST_USE enum err feed_on_published(struct feed *f, const struct feed_eyes *eyes,
				    const struct feed_page *page, struct buf *out);
MUST_USE enum err feed_on_ack(struct feed *f, uint64_t up_to_seq);

/* The patient withholds this from this person: of his own ops he gets the cores. Never what erased
 * one of his own: his rooms hold that op, and would show it again. */
bool feed_withholds(const struct feed_eyes *eyes, const struct feed_row *row);
/* May this person be sent this op now? Also what a Fetch page asks, with `fetch` (no 18 months). */
bool feed_may_see(const struct feed_eyes *eyes, const struct feed_row *row, bool fetch);
