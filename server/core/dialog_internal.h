/* dialog_internal: parts of dialog.c that stand in files of their own. Not for other folders. */
#pragma once

#include "server/core/dialog.h"

/* dialog_say.c: what the server says by itself. Each appends one frame to out->send; when that
 * fails the dialog is dropped, and the caller finds it CLOSED. */
void dialog_say_result(struct dialog *d, uint64_t request, enum err err,
		       struct dialog_actions *out);
void dialog_say_welcome(struct dialog *d, uint64_t request, const Roomkeep__Hello *hello,
			uint32_t proto, uint64_t wall_ms, struct dialog_actions *out);
void dialog_say_pong(struct dialog *d, uint64_t request, const Roomkeep__Ping *ping,
		     uint64_t wall_ms, struct dialog_actions *out);
void dialog_say_rooms(struct dialog *d, uint64_t request, uint64_t wall_ms,
		      struct dialog_actions *out);
/* With all that is withheld from this person now. */
void dialog_say_scope_change(struct dialog *d, uint64_t wall_ms, struct dialog_actions *out);

/* Says why, and closes. */
void dialog_refuse(struct dialog *d, Roomkeep__RefuseReason reason, struct dialog_actions *out);
/* Closes without a word: memory ran out, or nothing fits. */
void dialog_drop(struct dialog *d, struct dialog_actions *out);
/* dialog.c: leaves the roster and becomes CLOSED. */
void dialog_leave(struct dialog *d);
