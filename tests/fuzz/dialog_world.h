/* dialog_world: one dialog, its roster, and a caller that keeps the duties of
 * server/core/dialog.h and looks at all that comes out.
 *
 * Owns:    all in it, from world_begin to world_end.   Threads: one. */
#pragma once

#include "fuzz/fuzz.h"
#include "server/core/dialog.h"
#include "wire/frame.h"

#define PEOPLE 3u
#define LOG_OPS_MAX 64u
#define PAGES_MAX 8u
#define PAGE_ROWS_MAX 4u

/* A committed op, as the feed may show it. */
struct log_op {
	uint64_t kind;
	uint64_t target_kind;
	uint8_t author; /* world_person */
	bool author_only;
	bool old; /* its session began before what a feed sends */
};

struct world {
	struct roster *roster;
	struct dialog d;
	struct dialog_actions out;
	struct dialog_metrics metrics;
	struct rand_seeded seeded;
	struct rand_source rand;
	struct dialog_peer peer;
	uint64_t now_ms;
	uint64_t conn_id;
	bool dialled; /* `d` is in use */
	bool closed;
	struct log_op log[LOG_OPS_MAX]; /* of seq 1.. */
	size_t log_count;
	uint64_t scope_version;
	uint64_t fed_seq;                        /* of the newest op sent since the last Pull */
	struct dialog_ask asks[DIALOG_ASKS_MAX]; /* not answered, oldest first */
	size_t ask_count;
	uint64_t answered; /* ask id that was given its answer */
	struct dialog_ask pages[PAGES_MAX];
	size_t page_count;
};

struct page_rows {
	struct feed_page page;
	struct feed_row rows[PAGE_ROWS_MAX];
	uint8_t fields[PAGE_ROWS_MAX][2][16];
};

void world_begin(struct world *w);
void world_end(struct world *w);

/* Person 0..PEOPLE - 1 of the roster, or one it may not know. */
struct id world_person(uint8_t n);

void world_found(struct world *w);
void world_put_room(struct world *w, enum roster_room_state state);
void world_put_person(struct world *w, uint8_t n, uint64_t roles, bool active);

/* A new op in the log; nothing when the log is full. */
void world_commit(struct world *w, uint8_t what, uint8_t author);
/* Up to `count` (at most PAGE_ROWS_MAX) ops behind `after_seq`. */
void world_read_page(const struct world *w, uint64_t after_seq, size_t count,
		     struct page_rows *ret);

/* A new conn of the same machine. */
void world_dial(struct world *w);
/* One event, and every check of what came out. */
void world_step(struct world *w, const struct dialog_event *ev);
