/* store_clinic: the setup code, founding, the clinic's records, rooms and their invites.
 *
 * Owns, threads, errors, memory: as store.h.   Rules: SECURITY 2.6, 2.8. */
#pragma once

#include "base/arena.h"
#include "base/id.h"
#include "crypt/directory.h"
#include "crypt/hash.h"
#include "crypt/sign.h"
#include "server/store/store_people.h"

struct store;
struct store_reader;

/* ---- setup code and founding ----------------------------------------------------------------- */

#define SETUP_MAC_BYTES 32u

/* Replaces an older one. ERR_EXISTS once the clinic is founded. */
MUST_USE enum err store_setup_put(struct store *s, const uint8_t mac[SETUP_MAC_BYTES],
				  uint64_t expires_ms);
/* ERR_NOT_FOUND: none, or burnt. ERR_EXPIRED at and after expires_ms. */
MUST_USE enum err store_setup_get(struct store_reader *r, uint64_t now_ms,
				  uint8_t ret_mac[SETUP_MAC_BYTES]);
MUST_USE enum err store_setup_burn(struct store *s);

struct store_signed {
	struct view body;
	struct sign_sig signature;
};

enum store_room_state { STORE_ROOM_INVITED = 0, STORE_ROOM_ACTIVE = 1, STORE_ROOM_RETIRED = 2 };

struct store_room {
	struct id room_id; /* zeros while only invited */
	struct view name;
	struct view kind;   /* "treatment" | "desk" */
	struct hash32 spki; /* zeros while only invited */
	enum store_room_state state;
};

struct store_founding {
	struct id clinic_id;
	struct view clinic_name;
	struct sign_pk root_pk;
	struct store_signed policy;
	struct store_signed server_record;
	struct store_signed epoch_record;
	struct dir_signed first_owner;
	struct store_account account;
	struct store_room room; /* state is ignored: active */
};

/* Writes all of it and burns the setup code. The caller has checked every signature (dir_apply,
 * *_verify); the store parses the records again for ids and numbers.
 * ERR_EXISTS: founded already. ERR_BAD_FORMAT, ERR_BAD_VALUE: a record does not parse or they do
 * not belong together. */
MUST_USE enum err store_found(struct store *s, const struct store_founding *f);

struct store_clinic {
	struct id clinic_id;
	struct view name;
	struct sign_pk root_pk;
	struct store_signed policy;
	struct store_signed server_record; /* newest */
	struct store_signed epoch_record;  /* newest */
	struct id epoch;
	uint64_t epoch_n;
	uint64_t backed_up_seq; /* highest seq in a verified backup; 0 = none */
};

/* ERR_NOT_FOUND while unfounded. */
MUST_USE enum err store_clinic_get(struct store_reader *r, struct arena *arena,
				   struct store_clinic *ret);

/* ---- rooms and invites ----------------------------------------------------------------------- */

struct store_invite {
	struct id join_id;
	uint8_t join_mac[32];
	uint64_t expires_ms;
	struct view name;
	struct view kind;
	struct view join_blob; /* sealed under the join code */
	struct id invited_by;
};

/* ERR_EXISTS: an active room or a live invite has this name, or the join_id was used. */
MUST_USE enum err store_invite_put(struct store *s, const struct store_invite *invite);
/* ERR_NOT_FOUND; ERR_EXPIRED; ERR_USED when it was burnt. */
MUST_USE enum err store_invite_find(struct store_reader *r, const struct id *join_id,
				    uint64_t now_ms, struct arena *arena, struct store_invite *ret);
/* One use: also after a wrong MAC. Burning twice is fine. ERR_NOT_FOUND. */
MUST_USE enum err store_invite_burn(struct store *s, const struct id *join_id);

/* Burns the invite and puts (room_id, spki) on the allow-list under the invite's name and kind. A
 * room that is already active under exactly this id and key only gets its invite burnt (--renew).
 * ERR_EXISTS: room_id or spki is taken, also by a retired room. ERR_NOT_FOUND, ERR_EXPIRED,
 * ERR_USED as store_invite_find. ERR_FULL above ROOMS_MAX active rooms. */
MUST_USE enum err store_room_enrol(struct store *s, const struct id *join_id,
				   const struct id *room_id, const struct hash32 *spki);
/* By name; also withdraws a live invite of that name (then ret_room_id is zeros). ERR_NOT_FOUND. */
MUST_USE enum err store_room_retire(struct store *s, struct view name, struct id *ret_room_id);
/* Active, retired and live invited rooms, by age. */
MUST_USE enum err store_rooms_list(struct store_reader *r, uint64_t now_ms, struct arena *arena,
				   struct store_room **ret_rooms, size_t *ret_count);
