/* dialog_ask: what a dialog wants done, and what came of it: the words between server/core and
 * server/work. Values; what is borrowed says so. */
#pragma once

#include "base/id.h"
#include "base/limits.h"
#include "base/view.h"
#include "roomkeep/wire.pb-c.h"
#include "server/core/feed.h"
#include "server/core/roster.h"

#define DIALOG_EXPORTER_BYTES 32u
#define DIALOG_NONCE_BYTES 32u

/* What TLS proved about the peer. */
struct dialog_peer {
	uint8_t spki[ROSTER_SPKI_BYTES];
	uint8_t exporter_login[DIALOG_EXPORTER_BYTES]; /* labels: crypt/proof.h */
	uint8_t exporter_setup[DIALOG_EXPORTER_BYTES];
	uint8_t exporter_enrol[DIALOG_EXPORTER_BYTES];
};

enum dialog_ask_kind {
	ASK_FOUND_START,
	ASK_FOUND,
	ASK_ENROL_START,
	ASK_ENROL_PROOF,
	ASK_LOGIN_START,
	ASK_LOGIN_PROOF,
	ASK_LOGOUT, /* audit only: the dialog has answered */
	ASK_PUSH,
	ASK_COURIER_PUSH,
	ASK_FETCH,
	ASK_GET_DIRECTORY,
	ASK_ADD_USER,
	ASK_PUT_DIRECTORY,
	ASK_PASSPHRASE_CHANGE,
	ASK_PUT_VAULT,
	ASK_INVITE_ROOM,
	ASK_RETIRE_ROOM,
	ASK_UNLOCK_LOGIN,
	ASK_WATCH_GET,
	ASK_REVIEW_GET,
	ASK_OPENINGS_GET,
	ASK_FEED_PAGE, /* made by the dialog, not by a frame */
};
#define DIALOG_ASK_KINDS 22u

/* Who asks, as of the moment the frame came. */
struct dialog_who {
	uint64_t conn_id;
	struct dialog_peer peer;
	bool enrolled;     /* room_id holds */
	struct id room_id; /* by the peer's key */
	bool signed_in;    /* user_id and roles hold */
	struct id user_id;
	uint64_t roles;
};

/* One sign-in challenge: 60 s, one use. */
struct dialog_challenge {
	char handle[LOGIN_BYTES_MAX + 1];
	size_t handle_len;
	uint8_t cn[DIALOG_NONCE_BYTES];
	uint8_t sn[DIALOG_NONCE_BYTES];
	struct id user_id; /* as LoginParams named it, real or not; zeros until that was answered */
	bool open;         /* a LoginProof may still use it */
	uint64_t expires_ms; /* loop time */
};

struct dialog_ask {
	uint64_t ask_id; /* of this dialog, from 1 */
	enum dialog_ask_kind kind;
	uint64_t request; /* to be repeated in the reply */
	bool held;        /* keep it; it starts when start_ask_id names it */
	bool denied;      /* the role is missing: write that down, answer ERR_DENIED */
	struct dialog_who who;
	struct dialog_challenge challenge; /* ASK_LOGIN_START and ASK_LOGIN_PROOF */
	uint64_t page_after_seq;           /* ASK_FEED_PAGE */
};

/* What came of an ask. */
struct dialog_done {
	uint64_t ask_id;
	enum err err;      /* what the reply says; ERR_OK for success */
	struct view reply; /* whole frames, length prefix included; may be empty; borrowed */
	bool bad;          /* it counts as a bad frame of the room */
	bool refuse;       /* say Refuse(reason) and close */
	Roomkeep__RefuseReason reason;
	struct id user_id; /* LOGIN_START: whom the params named. LOGIN_PROOF, ERR_OK: who it is */
	const struct feed_page *page; /* FEED_PAGE, ERR_OK; borrowed */
};
