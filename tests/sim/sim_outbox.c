#include "sim/sim_outbox.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "client/store/local_priv.h"
#include "sim/sim_model.h"
#include "sim/sim_reference.h"

static void check_row(struct sim *s, const struct sim_room *r, const struct db_stmt *stmt)
{
	struct id op_id, epoch;
	char text[ID_TEXT_BYTES];
	uint64_t seq = 0;
	enum err code = ERR_OK;
	if (db_col_id(stmt, 0, &op_id) != ERR_OK || db_col_id(stmt, 3, &epoch) != ERR_OK) {
		sim_fail(s, "room %u: an outbox row has no good id", r->index);
		return;
	}
	id_print(&op_id, text);
	const enum local_op_state state = (enum local_op_state)db_col_u64(stmt, 1);
	const enum err said = (enum err)db_col_i64(stmt, 2);
	const uint64_t number = db_col_u64(stmt, 4);
	const bool there = sim_model_row(s, &op_id, &seq, &code);
	switch (state) {
	case LOCAL_OP_QUEUED: return;
	case LOCAL_OP_COMMITTED:
		SIM_CHECK(s,
			  there && code == ERR_OK && number == seq &&
				  id_equal(&epoch, &local_room(r->local)->epoch.epoch),
			  "room %u: op %s is booked as committed under %llu and is %llu", r->index,
			  text, (unsigned long long)number, (unsigned long long)seq);
		return;
	case LOCAL_OP_REJECTED:
		SIM_CHECK(s, there && code == said && said != ERR_OK,
			  "room %u: op %s is booked as rejected (%s) and is not", r->index, text,
			  err_name(said));
		return;
	case LOCAL_OP_QUARANTINED:
		SIM_CHECK(s, !there && sim_reference_is_aside(s, &op_id, said),
			  "room %u: op %s is booked as quarantined (%s)", r->index, text,
			  err_name(said));
		return;
	}
	sim_fail(s, "room %u: op %s is in no state", r->index, text);
}

void sim_outbox_check(struct sim *s, struct sim_room *r)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	if (!r->up) return;
	enum err e = db_query(r->local->db,
			      "SELECT op_id, state, code, epoch, seq FROM outbox ORDER BY ord",
			      DB_NO_ARGS, &stmt);
	for (bool row = true; e == ERR_OK && row && !s->failed;) {
		e = db_step(stmt, &row);
		if (e == ERR_OK && row) check_row(s, r, stmt);
	}
	SIM_CHECK(s, e == ERR_OK, "room %u: its outbox cannot be read: %s", r->index, err_name(e));
}

bool sim_outbox_may_keep(struct sim *s, unsigned room, const struct id *op_id)
{
	struct sim_room *r = s->rooms[room];
	uint64_t state = 0;
	if (sim_reference_is_aside(s, op_id, ERR_DENIED)) return true;
	if (!r->up || !sim_reference_is_retired(s, r)) return false;
	return db_get_u64(r->local->db, "SELECT state FROM outbox WHERE op_id = ?1",
			  DB_ARGS(db_id(op_id)), &state) == ERR_OK &&
	       state == LOCAL_OP_QUEUED;
}
