/* work_internal: the state of work.h, what check stages find out, and what handlers share. Not for
 * other folders. */
#pragma once

#include "crypt/directory.h"
#include "crypt/op.h"
#include "crypt/proof.h"
#include "crypt/records.h"
#include "record/lockbox.h"
#include "server/store/store.h"
#include "server/work/blob.h"
#include "server/work/work.h"
#include "wire/op.h"

#include <pthread.h>
#include <stdatomic.h>

_Static_assert(DIR_USERS_MAX <= ROSTER_USERS_MAX, "everybody of the directory fits the roster");
_Static_assert(RECORD_BYTES_MAX <= ROSTER_RECORD_BYTES_MAX, "any signed record fits the roster");

struct work_room {
	struct id room_id;
	bool active;
};

struct work {
	const struct server_secrets *secrets; /* borrowed */
	struct hash32 spki;                   /* of this server's TLS key */
	atomic_bool disk_low;

	/* Written by the writer thread under the lock; pool threads read under it. */
	pthread_rwlock_t lock;
	bool founded;
	struct id clinic_id;
	struct id epoch;
	struct directory dir; /* while founded */
	struct work_room
		rooms[2u * ROOMS_MAX]; /* active ones; retired ones until space is needed */
	size_t room_count;
	struct id decoy_id; /* an account to read when a login is unknown */
	uint32_t cs_id;     /* newest clinic secret that any blob names */
	struct ask_now now;

	/* Writer thread only. */
	uint64_t published_seq;
};

/* ---- what a check stage found out, by kind ----------------------------------------------- */

struct found_checked {
	struct store_founding founding;
	enum err proof_err; /* not ERR_OK: burn the code */
};

struct enrol_checked {
	struct store_invite invite;
	struct id join_id;
	struct id room_id;
	bool proof_ok;
	struct ask_effect room; /* what the roster gets */
};

struct login_checked {
	bool known; /* may sign in, as far as the account says */
	bool proof_ok;
	uint64_t retry_ms;
	struct id user_id;
	struct store_account account;
	struct blob_head head;
	uint8_t salt[KDF_SALT_BYTES]; /* real or fake */
	struct kdf_params kdf;
	uint32_t cs_id;
	struct view vault;
	uint64_t vault_rev;
	struct store_lane_head *lanes;
	size_t lane_count;
};

struct push_op {
	struct id op_id;             /* zeros while not known */
	enum store_op_status status; /* 0: to be appended */
	enum err code;
	bool busy; /* BUSY_DISK: nothing was decided */
	struct wire_op wire;
	struct op_core core;
	struct sign_sig signature;
	struct store_lane_intro intro;
	struct op_head *heads;
	struct store_op_result verdict; /* of the store */
};

struct push_checked {
	struct push_op *ops;
	size_t count;
};

struct people_checked {
	struct dir_signed item;
	struct dir_entry entry;
	struct store_account account;
};

struct passphrase_checked {
	struct view blob;
	struct sign_pk auth_pk;
	struct blob_head head;
};

struct fetch_checked {
	struct id subject_id;
	Roomkeep__FetchPage page;
	uint32_t sessions; /* with sessions_max: how many there are to take from */
	bool withheld;     /* something of it, at the patient's request */
	struct id withheld_patient;
};

struct watch_checked {
	Roomkeep__WatchReply reply;
};

struct review_checked {
	Roomkeep__ReviewReply reply;
};

struct openings_checked {
	struct id patient_id;
	Roomkeep__OpeningsReply reply;
};

struct list_checked {
	Roomkeep__Directory directory;
};

struct ask_checked {
	union {
		struct found_checked found;
		struct enrol_checked enrol;
		struct login_checked login;
		struct push_checked push;
		struct people_checked people;
		struct passphrase_checked passphrase;
		struct fetch_checked fetch;
		struct watch_checked watch;
		struct review_checked review;
		struct openings_checked openings;
		struct list_checked list;
		struct store_invite invite;
	} is;
};

/* ---- shared ------------------------------------------------------------------------------ */

/* (Re)loads what the lock guards. Takes the lock for writing. */
MUST_USE enum err work_load(struct work *w, struct store_reader *r);

/* For check stages: takes the lock for reading. Zeros while unfounded. */
struct id work_clinic_id(struct work *w);
/* False: no such key. Takes the lock for reading. */
bool work_find_key(struct work *w, const struct id *user_id, uint64_t g, struct sign_pk *ret_pk);

/* The asking room is still on the allow-list, and the asking person still may act. Writer thread.
 * ERR_REFUSED (and a->refuse) for a retired room, ERR_SIGNED_OUT for a person who may not. */
MUST_USE enum err work_check_who(struct work *w, struct ask *a, struct store *s);
/* Active in the directory and not blocked by the admin. `ret_roles` only then. */
MUST_USE enum err work_user_may_act(struct work *w, struct store_reader *r, struct arena *arena,
				    const struct id *user_id, bool *ret_may, uint64_t *ret_roles);

MUST_USE enum err work_audit(struct ask *a, struct store *s, enum store_event_kind kind,
			     const struct id *subject, enum err code);

/* A clean one-line text of 1..NAME_BYTES_MAX bytes. ERR_BAD_TEXT, ERR_TOO_BIG. */
MUST_USE enum err work_check_name(const char *text, struct view *ret);
MUST_USE enum err work_check_login(const char *text, struct view *ret);
/* Directory item and account of a frame; views borrow from the frame. */
MUST_USE enum err work_read_item(const Roomkeep__DirectoryItem *m, struct dir_signed *ret,
				 struct dir_entry *ret_entry);
MUST_USE enum err work_read_account(const Roomkeep__Account *m, const struct id *clinic_id,
				    struct store_account *ret);
MUST_USE enum err work_read_signed(const Roomkeep__Signed *m, struct store_signed *ret);

void work_effect_user(const struct directory *d, const struct id *user_id, struct ask *a);

/* ---- replies ----------------------------------------------------------------------------- */

Roomkeep__Frame reply_frame(const struct ask *a, Roomkeep__Frame__BodyCase body);
MUST_USE enum err reply_send(struct ask *a, const Roomkeep__Frame *frame);
MUST_USE enum err reply_result(struct ask *a, enum err err, uint64_t retry_ms);
void reply_fill_head(const struct roster_head *from, Roomkeep__SignedHead *to);
/* A NUL-terminated copy for a protobuf-c string; NULL when the arena is full. */
char *reply_text(struct arena *arena, struct view text);
