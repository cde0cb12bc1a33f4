/* roster: what the loop knows by heart: rooms by key, people's rights, the clinic's heads.
 *
 * A dialog decides from it without asking the store. It is filled at start (work_load_roster) and
 * changed by the effects of committed asks (work_apply); it never changes by itself.
 *
 * Owns:    everything by value (about 500 KiB: give it the heap).
 * Threads: loop thread only.
 * Limits:  ROOMS_MAX active rooms (ERR_FULL); ROSTER_ROOMS_MAX with invited and retired ones, of
 *          which the oldest are forgotten; ROSTER_USERS_MAX people (ERR_FULL).
 * Errors:  ERR_FULL, ERR_EXISTS, ERR_NOT_FOUND.
 * Rules:   SECURITY 2.8 (a room is its key's SPKI hash, never what it says), 2.9, 3.7. */
#pragma once

#include "base/err.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/view.h"
#include "record/lockbox.h"

#define ROSTER_SPKI_BYTES 32u
#define ROSTER_HASH_BYTES 32u
#define ROSTER_SIG_BYTES 64u
#define ROSTER_RECORD_BYTES_MAX 1024u /* crypt/records.h: any signed record */
#define ROSTER_ROOMS_MAX 256u
#define ROSTER_USERS_MAX 1024u      /* crypt/directory.h: DIR_USERS_MAX */
#define ROSTER_BAD_FRAMES_MAX 3u    /* the third bad frame of a room within ... */
#define ROSTER_BAD_FRAMES_MS 60000u /* ... this closes its conn */

enum roster_room_state { ROSTER_INVITED, ROSTER_ACTIVE, ROSTER_RETIRED };

struct roster_room {
	struct id room_id;               /* zeros while invited */
	uint8_t spki[ROSTER_SPKI_BYTES]; /* zeros while invited */
	char name[NAME_BYTES_MAX + 1];   /* of the clinic's choice; NUL-terminated */
	char kind[16];                   /* "treatment" or "desk" */
	enum roster_room_state state;
	uint64_t expires_ms; /* wall clock; of an invitation */
	uint64_t conn_id;    /* the one conn that has said Hello; 0 = offline */
	struct id user_id;   /* who is signed in there; zeros = nobody */
	uint64_t
		bad_ms[ROSTER_BAD_FRAMES_MAX]; /* loop times of the last bad frames, newest first */
	uint32_t bad_count;                    /* of these in use */
};

struct roster_user {
	struct id user_id;
	uint64_t roles;         /* bits of SECURITY 2.9 */
	bool active;            /* by the signed directory */
	bool blocked;           /* by `roomkeepd block user`: unsigned, can only take away */
	uint64_t scope_version; /* dir_seq of the newest entry about this person */
	uint64_t keyring_rev;   /* 1 while it is the first passphrase; 0 is taken for 1 */
};

struct roster_signed {
	uint8_t body[ROSTER_RECORD_BYTES_MAX];
	size_t body_len; /* 0: absent */
	uint8_t signature[ROSTER_SIG_BYTES];
};

/* The newest signed head of the audit chain. */
struct roster_head {
	bool present;
	struct id epoch;
	uint64_t seq;
	uint8_t entry[ROSTER_HASH_BYTES];
	uint64_t time_ms;
	uint8_t signature[ROSTER_SIG_BYTES];
};

struct roster {
	bool founded;
	struct id clinic_id;
	struct id epoch;
	struct roster_signed epoch_record;
	struct roster_signed server_record;
	struct roster_head head;
	uint64_t seq;           /* newest committed op */
	uint64_t backed_up_seq; /* newest op inside a verified backup */
	uint64_t dir_seq;
	uint8_t dir_hash[ROSTER_HASH_BYTES];
	struct roster_room rooms[ROSTER_ROOMS_MAX];
	size_t room_count;
	struct roster_user users[ROSTER_USERS_MAX];
	size_t user_count;
	struct lockbox_bar bars[LOCKBOX_BARS_MAX];
	size_t bar_count;
	struct lockbox_opening openings[LOCKBOX_OPENINGS_MAX];
	size_t opening_count;
};

/* Requires: `r` is zeroed memory of the caller. An unfounded clinic with nobody in it. */
void roster_init(struct roster *r);

/* ---- rooms ------------------------------------------------------------------------------- */

/* NULL if unknown. Pointers die at the next roster_put_room. */
struct roster_room *roster_room_by_spki(struct roster *r, const uint8_t spki[ROSTER_SPKI_BYTES]);
struct roster_room *roster_room_by_name(struct roster *r, struct view name);

/* Adds a room, or replaces the entry of the same name unless that one is retired (an invitation
 * that becomes a room, a second invitation under the same name). `room`'s conn, user and bad frames
 * are ignored; a replaced room keeps its own. ERR_FULL, ERR_EXISTS (another room has this key). */
MUST_USE enum err roster_put_room(struct roster *r, const struct roster_room *room);
/* The room stays known as retired, so that it is told why it is refused; an invitation is
 * forgotten. ERR_NOT_FOUND if it is neither. A room's dialog closes at the next DIALOG_EV_ROSTER.
 * Pointers to rooms die. */
MUST_USE enum err roster_retire_room(struct roster *r, struct view name);

/* The conn that speaks for the room from now on; returns the one it replaces, 0 if none. A newer
 * conn wins: TLS proved that it is the same machine, and a half-open old one would lock it out for
 * 60 s. */
uint64_t roster_room_connect(struct roster_room *room, uint64_t conn_id);
/* Forgets the conn and who is signed in there, if it is still this conn. */
void roster_room_disconnect(struct roster_room *room, uint64_t conn_id);

/* Counts a bad frame of the room at loop time `now_ms`. True: it was the third within a minute, the
 * conn must close (SECURITY 3.7). */
bool roster_room_count_bad(struct roster_room *room, uint64_t now_ms);

/* "online", "offline", "invited" or "retired"; an invitation past its time counts as retired. */
const char *roster_room_state_text(const struct roster_room *room, uint64_t wall_ms);

/* ---- people ------------------------------------------------------------------------------ */

/* NULL if unknown. Pointers die at the next roster_put_user. */
const struct roster_user *roster_user(const struct roster *r, const struct id *user_id);
/* Known, active and not blocked. */
bool roster_user_may_sign_in(const struct roster *r, const struct id *user_id);
/* Adds or replaces; `blocked` of a known person is kept, and the newest `keyring_rev`. ERR_FULL. */
MUST_USE enum err roster_put_user(struct roster *r, const struct roster_user *user);
/* ERR_NOT_FOUND. */
MUST_USE enum err roster_block_user(struct roster *r, const struct id *user_id);
/* The person has another passphrase now. ERR_NOT_FOUND. */
MUST_USE enum err roster_set_keyring_rev(struct roster *r, const struct id *user_id, uint64_t rev);
/* Another number after each roster_set_keyring_rev and each first roster_block_user; never 0. */
uint64_t roster_accounts_version(const struct roster *r);

/* ---- what patients withhold -------------------------------------------------------------- */

/* Takes the place of what was known. Copied; at most as many as record/lockbox.h allows. */
void roster_set_lockbox(struct roster *r, const struct lockbox *box);
/* Borrowed until the next roster_set_lockbox. */
struct lockbox roster_lockbox(const struct roster *r);
/* The person's scope now: another number when anything else may be read. */
uint64_t roster_scope(const struct roster *r, const struct roster_user *user, uint64_t wall_ms);

/* ---- records ----------------------------------------------------------------------------- */

/* ERR_TOO_BIG, ERR_BAD_FORMAT (signature not 64 bytes). */
MUST_USE enum err roster_set_signed(struct roster_signed *s, struct view body,
				    struct view signature);
