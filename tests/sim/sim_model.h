/* sim_model: what must be true, and what was said to be true.
 *
 * Keeps every op that a room called saved, every receipt that a room has booked, every row that
 * the server has ever shown, every note and its texts. Deliberately simple, and none of it is the
 * product's code but the parsers of cores and payloads and the fold of records.
 *
 * After every commit the new rows are looked at; after every start of the server all of them
 * again. */
#pragma once

#include "server/core/dialog.h"
#include "sim/sim_room.h"

struct sim_model *sim_model_new(void);
void sim_model_free(struct sim_model *m);

/* A room called this op saved. Not `sure`: the room died before it could say so. */
void sim_model_on_saved(struct sim *s, const struct sim_room *r, const struct id *op_id, bool sure);
/* The disk failed while this room saved something: up to one op of it may be there all the same,
 * and the room never named it. */
void sim_model_on_doubt(struct sim *s, const struct sim_room *r);
/* An Ack was booked: what it calls committed is at the server, once, under that number. */
void sim_model_on_ack(struct sim *s, const struct sim_room *r, struct view body);
void sim_model_on_commit(struct sim *s);
void sim_model_on_server_start(struct sim *s);
/* Frames leave for the person of this dialog: nothing in them that is not that person's to see. */
void sim_model_on_send(struct sim *s, const struct dialog *d, struct view frames);

/* ---- what there is to work on -------------------------------------------------------- */
struct sim_thing {
	struct id id;
	struct id patient_id;
	unsigned user; /* author */
	bool sure;
};
enum sim_shelf { SIM_PATIENTS, SIM_SESSIONS, SIM_NOTES, SIM_SHELVES };
void sim_model_add(struct sim *s, enum sim_shelf shelf, struct sim_thing thing);
/* NULL when there is none. */
const struct sim_thing *sim_model_pick(struct sim *s, enum sim_shelf shelf, unsigned user);
const struct sim_thing *sim_model_find(const struct sim *s, enum sim_shelf shelf,
				       const struct id *id);
size_t sim_model_count(const struct sim *s, enum sim_shelf shelf);
const struct sim_thing *sim_model_at(const struct sim *s, enum sim_shelf shelf, size_t at);
/* A text that this note may show from now on; and whether it may. */
void sim_model_note_text(struct sim *s, const struct id *note_id, struct view text);
bool sim_model_note_may_say(const struct sim *s, const struct id *note_id, struct view text);

/* ---- the long looks ------------------------------------------------------------------ */
/* All rows again, store_check, canaries in all files. */
void sim_model_sweep(struct sim *s);
/* Everything saved is at the server now, and nothing else is. */
void sim_model_end(struct sim *s);
uint64_t sim_model_ops(const struct sim *s);

/* ---- sim_digest.c: what a person sees, as one number --------------------------------- */
struct sim_digest {
	uint64_t sum; /* order of records does not matter */
	uint64_t patients, sessions, open_conflicts, late, signed_sessions;
};
/* Of the signed-in person's room. */
MUST_USE enum err sim_digest_room(struct sim *s, struct sim_room *r, struct sim_digest *ret);
/* Of all that the server has accepted, folded from its rows. */
MUST_USE enum err sim_digest_server(struct sim *s, bool clinical, struct sim_digest *ret);
/* What a Sign has fixed in a session; ERR_NOT_FOUND while it is a draft. */
MUST_USE enum err sim_digest_signed(struct sim *s, const struct id *session_id, uint64_t *ret);
