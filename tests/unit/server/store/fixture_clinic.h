/* fixture_clinic: keys, folders, a founded clinic with three people. Part of store_fixture.h. */
#pragma once

#include "base/check.h"
#include "base/limits.h"
#include "crypt/records.h"
#include "crypt/sealed_box.h"
#include "record/access.h"
#include "record/payload.h"
#include "server/store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define FX_USERS 3u
#define FX_LANES 16u
#define FX_NOW 1700000000000u /* 2023-11-14 */
#define FX_SETUP_MAC_BYTE 0x5e

enum fx_user { JO = 0, MARA = 1, SAM = 2 };

struct fx_lane {
	struct store_lane_intro intro;
	struct hash32 lane_id;
	uint64_t seq;
	struct hash32 prev;
};

struct fx {
	char folder[64];
	struct rand_seeded seed;
	struct rand_source rand;
	struct id_source ids;
	struct sign_key root;
	struct sign_key log;
	struct sign_key keys[FX_USERS];
	struct box_key boxes[FX_USERS];
	struct id users[FX_USERS];
	uint64_t roles[FX_USERS];
	struct id rooms[2];
	struct id clinic_id;
	struct id epoch;
	struct directory directory;
	struct store *store; /* NULL while closed */
	uint64_t now_ms;
	struct id next_op_id; /* for the next op instead of a new one; zeros: none */
	struct fx_lane lanes[FX_LANES];
	size_t lane_count;
};

/* An op as a room sends it; the bytes live here. */
struct fx_op {
	struct op_core core;
	struct buf core_bytes;
	struct buf payload;
	struct store_lane_intro intro;
	struct store_op op;
};

#define OK(call) assert_int_equal((call), ERR_OK)

static inline struct view fx_text(const char *s)
{
	return view_str(s);
}

static inline ProtobufCBinaryData fx_bytes(const struct id *id)
{
	return (ProtobufCBinaryData){ ID_BYTES, (uint8_t *)(uintptr_t)id->b };
}

static inline struct id fx_id(struct fx *fx)
{
	return id_make_v7(&fx->ids, fx->now_ms);
}

static inline void fx_open(struct fx *fx)
{
	const struct store_options options = { .folder = fx->folder,
					       .log_key = &fx->log,
					       .space_bytes_min = 1,
					       .space_percent_min = 1 };
	assert_null(fx->store);
	OK(store_open(&options, &fx->store));
}

static inline void fx_close(struct fx *fx)
{
	store_close(fx->store);
	fx->store = NULL;
}

static inline void fx_begin(struct fx *fx)
{
	OK(store_begin(fx->store, fx->now_ms));
}

static inline void fx_commit(struct fx *fx)
{
	OK(store_commit(fx->store));
	fx->now_ms += 7;
}
