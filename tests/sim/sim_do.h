/* sim_do: what people do, in three files: sim_do.c has the verbs of every day, sim_more.c the rarer
 * ones, sim_plain.c plain records. Each returns what the room said; sim_do.c knows which errors an
 * honest person may meet. */
#pragma once

#include "sim/sim_model.h"
#include "sim/sim_room.h"

/* Canary, then letters, blanks and line ends, some of more than one byte. */
MUST_USE enum err sim_make_text(struct sim *s, const char *canary, size_t most, struct buf *out);
/* A name that nobody else has, with the chart's canary in it. */
void sim_make_name(struct sim *s, char ret_name[64]);
/* One op through local_append, remembered as saved. */
MUST_USE enum err sim_append(struct sim *s, struct sim_room *r, enum kind kind,
			     const ProtobufCMessage *m);

/* ERR_NOT_FOUND: it is not held here. */
MUST_USE enum err sim_look_here(struct sim_room *r, const struct id *session_id, bool *ret_signed);
/* The session is signed as far as this room knows. */
bool sim_is_signed_here(struct sim_room *r, const struct id *session_id);

MUST_USE enum err sim_do_set_frame(struct sim *s, struct sim_room *r);
/* A chart tombstone for any op that the server has; a sealed one for an own note. */
MUST_USE enum err sim_do_erase(struct sim *s, struct sim_room *r);
MUST_USE enum err sim_do_erase_note(struct sim *s, struct sim_room *r);
/* Sessions of another system, with their therapists, in one transaction. */
MUST_USE enum err sim_do_import(struct sim *s, struct sim_room *r);
/* A plain record of any kind: a new one, or a change of one that the server has. */
MUST_USE enum err sim_do_plain(struct sim *s, struct sim_room *r);
/* The newest revision of an own note here: what is saved. ERR_NOT_FOUND. */
MUST_USE enum err sim_note_op(struct sim_room *r, const struct id *note_id, struct id *ret_op_id);
