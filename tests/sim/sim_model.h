/* sim_model: what must be true, and what was said to be true.
 *
 * Keeps every op that a room called saved, every receipt that a room has booked, every row that
 * the server has ever shown, every note and its texts. Deliberately simple, and none of it is the
 * product's code but the parsers of cores and payloads.
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
/* The op's number and verdict at the server; false: it is none of its rows. */
bool sim_model_row(const struct sim *s, const struct id *op_id, uint64_t *ret_seq,
		   enum err *ret_code);
/* Frames leave for the person of this dialog: nothing in them that is not that person's to see. */
void sim_model_on_send(struct sim *s, const struct dialog *d, struct view frames);

/* ---- what there is to work on -------------------------------------------------------- */
struct sim_thing {
	struct id id;
	struct id op_id; /* of a note: its first revision */
	struct id patient_id;
	unsigned user; /* author */
	bool sure;
	bool erased; /* a note: a tombstone names its first revision */
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
/* The op is a row of the server. */
bool sim_model_is_at_server(const struct sim *s, const struct id *op_id);
void sim_model_note_erased(struct sim *s, const struct id *note_id);
bool sim_model_note_may_say(const struct sim *s, const struct id *note_id, struct view text);

/* ---- the long looks ------------------------------------------------------------------ */
/* All rows again, store_check, canaries in all files. */
void sim_model_sweep(struct sim *s);
/* Everything saved is at the server now, and nothing else is. */
void sim_model_end(struct sim *s);
uint64_t sim_model_ops(const struct sim *s);
