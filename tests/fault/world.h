/* world: two rooms and a server (support/rooms_world.h) for scenes: what was said to be saved, and
 * what must be so when the faults are over. */
#pragma once

#include "scenes.h"

#include "support/rooms_world.h"

#define FAULT_SAVED_MAX 64u
#define FW_FIELD ROOMKEEP__TEXT_FIELD__PLAN

struct fault_world {
	struct world *w;
	struct id saved[FAULT_SAVED_MAX]; /* ops that an append reported as saved */
	size_t saved_count;
	struct id patient;
	struct id session;
	const char *text; /* of the session's plan, if its op was saved */
};
extern struct fault_world fw;

struct room *fw_room(size_t k);
void fw_note_saved(const struct id *op_id);

/* ---- set: without faults ------------------------------------------------------------------ */

void fw_set_empty(void);  /* a server that nobody has founded */
void fw_set_clinic(void); /* Jo in room 1; Mara in room 2; a patient and a session of Jo's */
void fw_end(void);

/* ---- run ---------------------------------------------------------------------------------- */

/* Everything that is in an outbox reached the server: ERR_OFFLINE if not (yet). */
enum err fw_delivered(size_t k);
/* Makes records as Jo in room k; each is noted as saved when it was. */
enum err fw_save_patient(size_t k);
enum err fw_save_session(size_t k);
enum err fw_save_measure(size_t k);
enum err fw_save_text(size_t k, const char *text);
enum err fw_save_note(size_t k);

/* A frame and its answer on a connection of its own, as joining does. An error of the server's is
 * returned. */
enum err fw_talk(struct box_conn *c, struct view body, struct buf *ret_reply);
/* `who` NULL: a machine that belongs to no clinic. */
enum err fw_hello(struct box_conn *c, const struct local_room *who, bool *ret_known);

/* ---- check: the faults are over ------------------------------------------------------------- */

/* What failed for good is started again; time passes until nothing waits; who was signed in is. */
void fw_recover(void);
/* Everything saved has arrived, once; nothing was refused; no alarm; the records can be read. */
void fw_look(void);
/* All programs end and start, and fw_look. */
void fw_restart(void);
