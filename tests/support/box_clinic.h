/* box_clinic: people, rooms and ops of a made-up clinic, for tests of the server's side.
 *
 * It plays the room by hand, with keys it holds in the open: no sync engine, no vault. What a real
 * room would refuse to send can be sent. Every step that must work does, or the process stops.
 * Owns:    a temporary folder, the box, all keys; frames live until box_clinic_free.
 * Threads: one. */
#pragma once

#include "crypt/aead.h"
#include "crypt/codes.h"
#include "crypt/courier.h"
#include "crypt/directory.h"
#include "crypt/kdf.h"
#include "crypt/op.h"
#include "crypt/proof.h"
#include "crypt/records.h"
#include "record/kinds.h"
#include "roomkeep/record.pb-c.h"
#include "support/server_box.h"

#define BOX_PUSHED_MAX 512u

struct box_person {
	struct id id;
	const char *name;
	const char *login;
	uint64_t roles;
	struct sign_key sign;
	struct sign_key auth;
	struct box_key box;
	uint64_t keyring_rev;
	uint8_t salt[KDF_SALT_BYTES];
	struct buf blob;
};

struct box_lane {
	struct id author_id;
	struct id room_id;
	enum op_lane_class lane_class;
	uint8_t random[LANE_RANDOM_BYTES];
	struct hash32 lane_id;
	uint64_t seq;       /* of the newest op made */
	struct hash32 prev; /* its hash */
};

struct box_room {
	struct id room_id;
	uint8_t spki[HASH_BYTES];
	const char *name;
	struct box_conn *conn;                   /* NULL while offline */
	uint64_t request;                        /* last one used */
	Roomkeep__Frame *pushed[BOX_PUSHED_MAX]; /* what came without being asked for */
	size_t pushed_count;
};

struct box_clinic {
	char folder[64];
	struct server_box *box;
	struct arena arena;
	struct rand_seeded seeded;
	struct rand_source rand;
	struct id_source ids;
	uint8_t server_spki[HASH_BYTES];
	struct id clinic_id;
	struct id epoch;
	struct sign_key root;
	struct directory dir;
	struct secret *setup; /* S of the newest setup code */
	uint64_t now_ms;
	uint64_t wall_ms;
	struct box_person owner; /* "Jo Park", login jo: owner and therapist */
	struct box_room room1;   /* "Room 1" */
};

/* An empty server with a setup code, nobody in it. */
struct box_clinic *box_clinic_new(uint64_t seed);
/* Founded by the owner from room 1, which is connected; nobody is signed in. */
struct box_clinic *box_clinic_new_founded(uint64_t seed);
void box_clinic_free(struct box_clinic *c);
/* The server stops (or crashes) and comes back on the same data; all rooms are offline. */
void box_clinic_restart(struct box_clinic *c);

void box_clinic_advance(struct box_clinic *c, uint64_t ms);
void box_clinic_settle(struct box_clinic *c);

/* ---- rooms and frames -------------------------------------------------------------------- */

void box_room_init(struct box_clinic *c, struct box_room *room, const char *name);
/* A conn without Hello. */
void box_room_dial(struct box_clinic *c, struct box_room *room);
/* Dials, says Hello (with clinic and room id if `joined`), returns the answer. */
Roomkeep__Frame *box_room_hello(struct box_clinic *c, struct box_room *room, bool joined);
void box_room_hang_up(struct box_clinic *c, struct box_room *room);

/* Sends with the next request number, lets everything settle, returns the answer; NULL if none
 * came. Other frames go to room->pushed. */
Roomkeep__Frame *box_call(struct box_clinic *c, struct box_room *room, Roomkeep__Frame *frame);
/* The same for frames that are answered by a Result: its code. */
enum err box_call_code(struct box_clinic *c, struct box_room *room, Roomkeep__Frame *frame);
/* Sends without settling. */
enum err box_send(struct box_clinic *c, struct box_room *room, Roomkeep__Frame *frame);
/* Takes what has come; `request` 0: everything is "pushed". */
Roomkeep__Frame *box_collect(struct box_clinic *c, struct box_room *room, uint64_t request);
/* The last Refuse that came, REFUSE_UNKNOWN if none. */
Roomkeep__RefuseReason box_refused(const struct box_room *room);

/* With an empty body of this kind. Frames live in the clinic's arena. */
Roomkeep__Frame *box_frame(struct box_clinic *c, Roomkeep__Frame__BodyCase body);
void *box_alloc(struct box_clinic *c, size_t bytes);
ProtobufCBinaryData box_bytes(struct box_clinic *c, struct view v);
char *box_text(struct box_clinic *c, const char *text);

/* ---- people ------------------------------------------------------------------------------ */

void box_person_init(struct box_clinic *c, struct box_person *p, const char *name,
		     const char *login, uint64_t roles);
void box_person_fini(struct box_person *p);
/* A blob with a well-formed head, this revision, and noise inside. */
void box_person_make_blob(struct box_clinic *c, struct box_person *p);

Roomkeep__Frame *box_found_frame(struct box_clinic *c, struct box_person *p, struct box_room *room);
Roomkeep__Frame *box_login_start(struct box_clinic *c, struct box_room *room, const char *login,
				 uint8_t ret_cn[PROOF_NONCE_BYTES]);
Roomkeep__Frame *box_login_proof_frame(struct box_clinic *c, struct box_room *room,
				       const struct box_person *p, const uint8_t *cn,
				       const Roomkeep__LoginParams *params);
/* Start and proof; a failed one waits for its late answer. */
Roomkeep__Frame *box_try_sign_in(struct box_clinic *c, struct box_room *room,
				 const struct box_person *p);
void box_sign_in(struct box_clinic *c, struct box_room *room, const struct box_person *p);

/* The next entry of the directory, signed by `signer`; not applied to c->dir. `key` signs instead
 * of the signer's own, for forgeries; NULL: its own. */
Roomkeep__DirectoryItem *box_dir_item(struct box_clinic *c, const struct box_person *p,
				      enum dir_status status, const struct box_person *signer,
				      const struct sign_key *key, bool new_keys);
/* Puts a committed item into c->dir. */
void box_dir_take(struct box_clinic *c, const Roomkeep__DirectoryItem *item);
Roomkeep__Account *box_account(struct box_clinic *c, const struct box_person *p);
Roomkeep__Frame *box_add_user_frame(struct box_clinic *c, const struct box_person *p,
				    const struct box_person *signer);
/* `via`: where the owner is signed in. */
void box_add_person(struct box_clinic *c, struct box_room *via, struct box_person *p);
void box_disable_person(struct box_clinic *c, struct box_room *via, const struct box_person *p);

/* ---- joining ----------------------------------------------------------------------------- */

struct box_join {
	struct secret *j;
	struct join_keys keys;
};
Roomkeep__Frame *box_invite_frame(struct box_clinic *c, const char *name, struct box_join *ret);
void box_join_fini(struct box_join *j);
Roomkeep__Frame *box_enrol_proof_frame(struct box_clinic *c, struct box_room *room,
				       const struct box_join *j);
/* Invites over `via`, joins, and leaves the new room in courier mode. */
void box_enrol(struct box_clinic *c, struct box_room *via, struct box_room *room);

/* ---- ops --------------------------------------------------------------------------------- */

void box_lane_init(struct box_clinic *c, struct box_lane *lane, const struct box_person *author,
		   const struct box_room *room, enum op_lane_class lane_class);
/* The next op of the lane, with an intro if it is the first; the lane moves on. */
Roomkeep__Op *box_op(struct box_clinic *c, const struct box_person *author, struct box_lane *lane,
		     uint64_t kind, const ProtobufCMessage *message);
/* The same with any payload bytes behind the blind. */
Roomkeep__Op *box_op_raw(struct box_clinic *c, const struct box_person *author,
			 struct box_lane *lane, uint64_t kind, struct view message);
struct id box_op_id(const Roomkeep__Op *op);
Roomkeep__Op *box_op_patient(struct box_clinic *c, const struct box_person *author,
			     struct box_lane *lane, const struct id *patient_id, const char *name);
Roomkeep__Op *box_op_frame(struct box_clinic *c, const struct box_person *author,
			   struct box_lane *lane, const struct id *session_id,
			   const struct id *patient_id, uint64_t started_ms);
Roomkeep__Op *box_op_text(struct box_clinic *c, const struct box_person *author,
			  struct box_lane *lane, const struct id *session_id, const char *text,
			  const struct id *parent);
Roomkeep__Op *box_op_sign(struct box_clinic *c, const struct box_person *author,
			  struct box_lane *lane, const struct id *session_id,
			  const struct id *covered, size_t count);
Roomkeep__Op *box_op_note(struct box_clinic *c, const struct box_person *author,
			  struct box_lane *lane);

Roomkeep__Frame *box_push_frame(struct box_clinic *c, Roomkeep__Op **ops, size_t count);
Roomkeep__Ack *box_push(struct box_clinic *c, struct box_room *room, Roomkeep__Op **ops,
			size_t count);
/* One op, which must be COMMITTED; its seq. */
uint64_t box_push_one(struct box_clinic *c, struct box_room *room, Roomkeep__Op *op);
Roomkeep__Frame *box_courier_frame(struct box_clinic *c, struct box_room *room,
				   const struct box_key *ingest, Roomkeep__Op **ops, size_t count);
struct id box_make_id(struct box_clinic *c);

/* Pull from `seq` with the room's scope taken from the first ScopeChange. */
void box_pull(struct box_clinic *c, struct box_room *room, uint64_t seq);
void box_feed_ack(struct box_clinic *c, struct box_room *room, uint64_t up_to_seq);
/* Feed ops among what was pushed, in order; fills `ret` up to `max`, returns how many there are. */
size_t box_feed_ops(const struct box_room *room, const Roomkeep__FeedOp **ret, size_t max);
void box_forget_pushed(struct box_room *room);
