/* dialog_rules: the table of frames: in which state, with which role and size each may come.
 * Static data; any thread. */
#pragma once

#include "server/core/dialog.h"

enum dialog_answer {
	DIALOG_INLINE, /* the dialog answers by itself */
	DIALOG_ASKS,   /* becomes an ask */
};

struct dialog_rule {
	Roomkeep__Frame__BodyCase body;
	uint32_t states;  /* FSM_TO bits: where it may come */
	uint64_t roles;   /* any of these; 0 = no role needed */
	size_t bytes_max; /* of the whole frame */
	enum dialog_answer answer;
	enum dialog_ask_kind ask; /* DIALOG_ASKS */
};

/* NULL for frames that only the server sends. */
const struct dialog_rule *dialog_rule_for(Roomkeep__Frame__BodyCase body);
