/* sim_reference: the reference model (support/reference.h) of this run, told of every row that the
 * server has committed, and who had which rights when.
 *
 * After every commit: each verdict is the reference's, and the server's views of the records that
 * were touched say what the reference says. When a room has all it may read: the room shows what
 * the reference says of that.
 *
 * Rights are taken from the server's committed directory and account rows. A batch may hold a
 * change of rights and ops beside it, so each question is asked of the rights before the last
 * commit and after it, and one yes is enough. */
#pragma once

#include "server/store/store.h"
#include "sim/sim_room.h"
#include "support/reference.h"

struct sim_reference;

struct sim_reference *sim_reference_new(void);
void sim_reference_free(struct sim_reference *m);

/* Before the rows of a commit: takes in what it changed in the rights. */
void sim_reference_on_commit(struct sim *s);
/* A row that was committed: its verdict; then it counts. Remembers what it touched. */
void sim_reference_on_row(struct sim *s, const struct store_row *row);
/* After the rows of a commit: the views of what they touched. */
void sim_reference_check_touched(struct sim *s);
/* All views. */
void sim_reference_check_all(struct sim *s);

/* Rights by the server's rows: may act at all, in one of the two; roles of either. */
bool sim_reference_may_act(const struct sim *s, const struct id *user_id);
bool sim_reference_was_ever_out(const struct sim *s, const struct id *user_id);
/* Also of one whose adding got through while its answer did not: found by the login. */
bool sim_reference_user_was_ever_out(const struct sim *s, const struct sim_user *user);
/* The server keeps this op aside with this code, and its author was dismissed at some time. */
bool sim_reference_is_aside(const struct sim *s, const struct id *op_id, enum err code);
uint64_t sim_reference_roles(const struct sim *s, const struct id *user_id); /* now */
/* A tombstone took this op's words, and all that was on its way then has left. */
bool sim_reference_words_are_gone(const struct sim *s, const struct id *op_id);
/* By the server's committed rows. */
bool sim_reference_is_retired(const struct sim *s, const struct sim_room *r);
bool sim_reference_may_be_sent(const struct sim *s, const struct id *user_id,
			       const struct id *op_id, uint64_t kind, bool is_author);
const struct reference *sim_reference_model(const struct sim *s);

/* Any op of a record that counts, drawn; false while there is none. */
bool sim_reference_pick(struct sim *s, struct id *ret_op_id);
/* A plain record of this kind, drawn, and whose it is; false while there is none. */
bool sim_reference_pick_plain(struct sim *s, uint64_t kind, struct id *ret_record_id,
			      struct id *ret_patient_id);

/* The room has everything that its person may read, and nothing more is queued: then it must show
 * it. False when there was nothing to compare. `all`: every record, otherwise one, by turns. */
bool sim_reference_look(struct sim *s, struct sim_room *r, bool all);
/* What a Sign has fixed in a session, as the server's views say it: a number. ERR_NOT_FOUND while
 * it is a draft. */
MUST_USE enum err sim_reference_signed(struct sim *s, const struct id *session_id,
				       uint64_t *ret_digest);
