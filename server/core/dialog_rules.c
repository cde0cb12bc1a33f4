#include "server/core/dialog_rules.h"

#include "base/check.h"
#include "record/access.h"

#define IN_CONNECTED FSM_TO(DIALOG_CONNECTED)
#define IN_FOUNDING FSM_TO(DIALOG_FOUNDING)
#define IN_ENROLLING FSM_TO(DIALOG_ENROLLING)
#define IN_COURIER FSM_TO(DIALOG_COURIER)
#define IN_SIGNED_IN FSM_TO(DIALOG_SIGNED_IN)
#define IN_ROOM (IN_COURIER | IN_SIGNED_IN)

#define SMALL HELLO_BYTES_MAX
#define LARGE FRAME_BODY_BYTES_MAX

#define INLINE_ROW(name, in, size)                                                                 \
	{                                                                                          \
		ROOMKEEP__FRAME__BODY_##name, in, 0, size, DIALOG_INLINE, (enum dialog_ask_kind)0  \
	}
#define ASK_ROW(name, in, role, size)                                                              \
	{                                                                                          \
		ROOMKEEP__FRAME__BODY_##name, in, role, size, DIALOG_ASKS, ASK_##name              \
	}

/* Courier mode has no record of any patient (SECURITY 2.7). The directory is fetched there too,
 * since a room checks it before anybody signs in; it holds names of staff and public keys. A late
 * FeedAck and a second Logout are harmless in courier mode and cost nothing. */
static const struct dialog_rule dialog_rules[] = {
	INLINE_ROW(HELLO, IN_CONNECTED, SMALL),
	ASK_ROW(FOUND_START, IN_FOUNDING, 0, SMALL),
	ASK_ROW(FOUND, IN_FOUNDING, 0, FOUND_BYTES_MAX),
	ASK_ROW(ENROL_START, IN_ENROLLING, 0, SMALL),
	ASK_ROW(ENROL_PROOF, IN_ENROLLING, 0, SMALL),
	ASK_ROW(LOGIN_START, IN_COURIER, 0, SMALL),
	ASK_ROW(LOGIN_PROOF, IN_COURIER, 0, SMALL),
	INLINE_ROW(LOGOUT, IN_ROOM, SMALL),
	ASK_ROW(PUSH, IN_SIGNED_IN, 0, LARGE),
	ASK_ROW(COURIER_PUSH, IN_ROOM, 0, LARGE),
	INLINE_ROW(PULL, IN_SIGNED_IN, SMALL),
	INLINE_ROW(FEED_ACK, IN_ROOM, SMALL),
	ASK_ROW(FETCH, IN_SIGNED_IN, 0, SMALL),
	ASK_ROW(WATCH_GET, IN_SIGNED_IN, 0, SMALL),
	ASK_ROW(REVIEW_GET, IN_SIGNED_IN, ROLE_OWNER | ROLE_LEAD | ROLE_ADMIN, SMALL),
	ASK_ROW(OPENINGS_GET, IN_SIGNED_IN, ROLE_OWNER | ROLE_LEAD | ROLE_ADMIN | ROLE_THERAPIST,
		SMALL),
	ASK_ROW(GET_DIRECTORY, IN_ROOM, 0, SMALL),
	ASK_ROW(ADD_USER, IN_SIGNED_IN, ROLE_OWNER, FOUND_BYTES_MAX),
	ASK_ROW(PUT_DIRECTORY, IN_SIGNED_IN, ROLE_OWNER, SMALL),
	ASK_ROW(PASSPHRASE_CHANGE, IN_SIGNED_IN, 0, FOUND_BYTES_MAX),
	ASK_ROW(PUT_VAULT, IN_SIGNED_IN, 0, LARGE),
	ASK_ROW(INVITE_ROOM, IN_SIGNED_IN, ROLE_OWNER, FOUND_BYTES_MAX),
	ASK_ROW(RETIRE_ROOM, IN_SIGNED_IN, ROLE_OWNER, SMALL),
	ASK_ROW(UNLOCK_LOGIN, IN_SIGNED_IN, ROLE_OWNER, SMALL),
	INLINE_ROW(LIST_ROOMS, IN_SIGNED_IN, SMALL),
	INLINE_ROW(PING, IN_ROOM, SMALL),
};

const struct dialog_rule *dialog_rule_for(Roomkeep__Frame__BodyCase body)
{
	for (size_t i = 0; i < COUNT_OF(dialog_rules); i++)
		if (dialog_rules[i].body == body) return &dialog_rules[i];
	return NULL;
}
