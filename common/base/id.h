/* id: the 16 bytes that name a record, a person, a room or an op, printed as lower-case UUID text.
 *
 * UUIDv7 (RFC 9562 section 5.7; time first, so that keys arrive in order) for patients, sessions,
 * measures, addenda and ops of chart lanes. 16 random bytes for users, rooms, notes, grants and ops
 * of sealed lanes, because their time must stay hidden.
 * Threads: values; a generator one at a time. */
#pragma once

#include "base/err.h"
#include "base/rand.h"
#include "base/view.h"

#define ID_BYTES 16
#define ID_TEXT_BYTES 37 /* 36 characters and the NUL */

struct id {
	uint8_t b[ID_BYTES];
};

/* Keeps ids of one process rising within a millisecond (RFC 9562 section 6.2, method 1). */
struct id_source {
	struct rand_source rand;
	uint64_t last_ms;
	uint16_t counter; /* 12 bits */
};

void id_source_init(struct id_source *s, struct rand_source rand);
struct id id_make_v7(struct id_source *s, uint64_t now_ms);
struct id id_make_random(const struct rand_source *rand);

/* Writes ID_TEXT_BYTES, NUL included. */
void id_print(const struct id *id, char *ret_text);
/* Takes 36 characters of either case; ERR_BAD_VALUE otherwise. */
MUST_USE enum err id_parse(struct view text, struct id *ret_id);
/* ERR_BAD_FORMAT unless exactly 16 bytes. */
MUST_USE enum err id_from_view(struct view v, struct id *ret_id);

static inline struct view id_view(const struct id *id)
{
	return view_of(id->b, ID_BYTES);
}

static inline bool id_equal(const struct id *a, const struct id *b)
{
	return memcmp(a->b, b->b, ID_BYTES) == 0;
}

static inline bool id_is_zero(const struct id *id)
{
	const struct id zero = { { 0 } };
	return id_equal(id, &zero);
}
