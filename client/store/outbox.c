/* outbox: what goes out next, and what the receipts say. */
#include "client/store/feed.h"

#include "base/crashpoint.h"
#include "client/store/local_priv.h"

#define OUTBOX_ARENA_BYTES (4u * MIB)

enum err body_encode(const Roomkeep__Frame *f, struct buf *out)
{
	const size_t size = roomkeep__frame__get_packed_size(f);
	ENSURE(size > 0 && size <= FRAME_BODY_BYTES_MAX, ERR_TOO_BIG);
	TRY(buf_reserve(out, size));
	out->len += roomkeep__frame__pack(f, out->p + out->len);
	return ERR_OK;
}

/* ---- Push ------------------------------------------------------------------------------------ */

struct push {
	struct arena arena;
	Roomkeep__Op *ops[BATCH_OPS_MAX];
	size_t count;
	size_t bytes;
	bool full;
};

static enum err push_dup(struct push *p, const struct wire_op *from, struct wire_op *to)
{
	*to = *from;
	to->core = arena_dup(&p->arena, from->core);
	to->signature = arena_dup(&p->arena, from->signature);
	to->payload = arena_dup(&p->arena, from->payload);
	struct wire_head *heads = arena_alloc(&p->arena, (from->head_count + 1) * sizeof(*heads));
	ENSURE(to->core.p != NULL && to->signature.p != NULL && to->payload.p != NULL &&
		       heads != NULL,
	       ERR_NOMEM);
	for (size_t i = 0; i < from->head_count; i++) heads[i] = from->heads[i];
	to->heads = heads;
	return ERR_OK;
}

static enum err push_add(void *ctx, struct op_row *row)
{
	struct push *p = ctx;
	const size_t bytes = wire_op_bytes(&row->op);
	if (p->full || p->count == BATCH_OPS_MAX ||
	    (p->count > 0 && p->bytes + bytes > BATCH_BYTES_MAX)) {
		p->full = true; /* in order: nothing behind this one either */
		return ERR_OK;
	}
	struct wire_op op;
	TRY(push_dup(p, &row->op, &op));
	TRY(wire_op_write(&p->arena, &op, &p->ops[p->count]));
	p->count++;
	p->bytes += bytes;
	return ERR_OK;
}

static enum err push_encode(struct push *p, struct buf *out)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Push push = ROOMKEEP__PUSH__INIT;
	push.ops = p->ops;
	push.n_ops = p->count;
	f.body_case = ROOMKEEP__FRAME__BODY_PUSH;
	f.push = &push;
	return p->count > 0 ? body_encode(&f, out) : ERR_OK;
}

enum err feed_next_push(struct local *l, const struct vault *v, struct buf *out)
{
	TRY(person_check(l, v));
	struct push p = { 0 };
	arena_init(&p.arena, OUTBOX_ARENA_BYTES);
	enum err e = row_each_queued(l, v, BATCH_OPS_MAX, (struct row_visitor){ push_add, &p });
	if (e == ERR_OK) e = push_encode(&p, out);
	arena_fini(&p.arena);
	return e;
}

/* ---- CourierPush ----------------------------------------------------------------------------- */

struct courier {
	struct arena arena;
	struct id boot_id;
	Roomkeep__CourierRow *rows[BATCH_OPS_MAX];
	size_t count;
	size_t bytes;
};

static ProtobufCBinaryData courier_dup(struct courier *c, struct view v, enum err *e)
{
	const struct view copy = arena_dup(&c->arena, v);
	if (copy.p == NULL) *e = ERR_NOMEM;
	return wire_bytes(copy);
}

/* `*ret_done`: this row belongs to a later frame. */
static enum err courier_add(struct courier *c, struct db_stmt *stmt, bool *ret_done)
{
	struct id boot_id = { 0 };
	TRY(db_col_id(stmt, 3, &boot_id));
	const struct view sealed = db_col_view(stmt, 4);
	if (c->count == 0) c->boot_id = boot_id;
	*ret_done = !id_equal(&boot_id, &c->boot_id) ||
		    (c->count > 0 && c->bytes + sealed.len > BATCH_BYTES_MAX);
	if (*ret_done) return ERR_OK;
	Roomkeep__CourierRow *row = arena_alloc(&c->arena, sizeof(*row));
	ENSURE(row != NULL, ERR_NOMEM);
	roomkeep__courier_row__init(row);
	enum err e = ERR_OK;
	row->has_op_id = row->has_lane_id = row->has_lane_seq = row->has_sealed = true;
	row->op_id = courier_dup(c, db_col_view(stmt, 0), &e);
	row->lane_id = courier_dup(c, db_col_view(stmt, 1), &e);
	row->lane_seq = db_col_u64(stmt, 2);
	row->sealed = courier_dup(c, sealed, &e);
	c->rows[c->count++] = row;
	c->bytes += sealed.len;
	return e;
}

static enum err courier_collect(struct local *l, const struct id *except, struct courier *c)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	/* IS NOT, because nobody (NULL) must exclude nobody. */
	TRY(db_query(l->db,
		     "SELECT op_id, lane_id, lane_seq, boot_id, sealed FROM outbox"
		     " WHERE state = 0 AND user_id IS NOT ?1 ORDER BY ord LIMIT ?2",
		     DB_ARGS(db_id(except), db_u64(BATCH_OPS_MAX)), &stmt));
	for (;;) {
		bool row = false;
		bool done = false;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		TRY(courier_add(c, stmt, &done));
		if (done) return ERR_OK;
	}
}

static enum err courier_encode(struct local *l, struct courier *c, struct buf *out)
{
	if (c->count == 0) return ERR_OK;
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query_row(l->db, "SELECT sealed_key FROM boot WHERE boot_id = ?1",
			 DB_ARGS(db_id(&c->boot_id)), &stmt));
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__CourierPush m = ROOMKEEP__COURIER_PUSH__INIT;
	m.has_boot_id = m.has_sealed_boot_key = true;
	m.boot_id = wire_id_bytes(&c->boot_id);
	m.sealed_boot_key = wire_bytes(db_col_view(stmt, 0));
	m.rows = c->rows;
	m.n_rows = c->count;
	f.body_case = ROOMKEEP__FRAME__BODY_COURIER_PUSH;
	f.courier_push = &m;
	return body_encode(&f, out);
}

enum err feed_next_courier(struct local *l, const struct id *except, struct buf *out)
{
	struct courier c = { 0 };
	arena_init(&c.arena, OUTBOX_ARENA_BYTES);
	enum err e = courier_collect(l, except, &c);
	if (e == ERR_OK) e = courier_encode(l, &c, out);
	arena_fini(&c.arena);
	return e;
}

/* ---- Ack ------------------------------------------------------------------------------------- */

static enum err ack_committed(struct local *l, const struct id *op_id, const struct id *epoch,
			      uint64_t seq)
{
	ENSURE(seq > 0, ERR_PROTO);
	TRY(db_run(l->db,
		   "UPDATE outbox SET state = 1, code = 0, epoch = ?2, seq = ?3 WHERE op_id = ?1",
		   DB_ARGS(db_id(op_id), db_id(epoch), db_u64(seq))));
	return db_run(l->db, "UPDATE op SET seq = ?2 WHERE op_id = ?1 AND seq IS NULL",
		      DB_ARGS(db_id(op_id), db_u64(seq)));
}

static enum err ack_refused(struct local *l, const struct id *op_id, enum local_op_state state,
			    int code)
{
	l->merges_read = false;
	return db_run(l->db, "UPDATE outbox SET state = ?2, code = ?3 WHERE op_id = ?1",
		      DB_ARGS(db_id(op_id), db_u64((uint64_t)state), db_i64(err_from_wire(code))));
}

/* The server wants the lane from `expected` on, also what it had given a receipt for. */
static enum err ack_gap(struct local *l, const struct id *op_id, uint64_t expected, uint64_t now_ms)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	const enum err e = db_query_row(l->db, "SELECT lane_id FROM outbox WHERE op_id = ?1",
					DB_ARGS(db_id(op_id)), &stmt);
	if (e == ERR_NOT_FOUND) return ERR_OK;
	TRY(e);
	uint64_t have = 0;
	TRY(db_get_u64(l->db, "SELECT count(*) FROM outbox WHERE lane_id = ?1 AND lane_seq = ?2",
		       DB_ARGS(db_blob(db_col_view(stmt, 0)), db_u64(expected)), &have));
	/* It lost what was in a backup 30 days ago, or it lies: a person has to look. */
	if (have == 0) return local_raise(l, LOCAL_ALARM_LANE_GAP, now_ms);
	return db_run(l->db, "UPDATE outbox SET state = 0 WHERE lane_id = ?1 AND lane_seq >= ?2",
		      DB_ARGS(db_blob(db_col_view(stmt, 0)), db_u64(expected)));
}

/* A LoginOk that is on its way may be older than this receipt (login_lanes). */
static enum err ack_mark_late(struct local *l, const struct id *op_id)
{
	uint64_t ord = 0;
	const enum err e = db_get_u64(l->db, "SELECT ord FROM outbox WHERE op_id = ?1",
				      DB_ARGS(db_id(op_id)), &ord);
	if (e == ERR_NOT_FOUND) return ERR_OK;
	TRY(e);
	if (l->late_ord == 0 || ord < l->late_ord) l->late_ord = ord;
	return ERR_OK;
}

static enum err ack_one(struct local *l, const Roomkeep__OpResult *r, const struct id *epoch,
			uint64_t now_ms, struct feed_ack *ret)
{
	struct id op_id = { 0 };
	TRY(wire_id(r->op_id, &op_id));
	TRY(ack_mark_late(l, &op_id));
	switch (r->status) {
	case ROOMKEEP__OP_STATUS__COMMITTED:
	case ROOMKEEP__OP_STATUS__DUPLICATE:
		ret->receipts++;
		return ack_committed(l, &op_id, epoch, r->seq);
	case ROOMKEEP__OP_STATUS__REJECTED:
		ret->receipts++;
		ret->refused = true;
		return ack_refused(l, &op_id, LOCAL_OP_REJECTED, r->code);
	case ROOMKEEP__OP_STATUS__QUARANTINED:
		ret->receipts++;
		ret->refused = true;
		return ack_refused(l, &op_id, LOCAL_OP_QUARANTINED, r->code);
	case ROOMKEEP__OP_STATUS__LANE_GAP:
		ret->gap = true;
		return ack_gap(l, &op_id, r->expected_seq, now_ms);
	case ROOMKEEP__OP_STATUS__BUSY_DISK: ret->busy = true; return ERR_OK;
	case ROOMKEEP__OP_STATUS__OP_STATUS_UNKNOWN:
	case _ROOMKEEP__OP_STATUS_IS_INT_SIZE: break;
	}
	return ERR_PROTO;
}

static enum err ack_store(struct local *l, const Roomkeep__Ack *ack, const struct id *epoch,
			  uint64_t now_ms, struct feed_ack *ret)
{
	CLEANUP(local_tx_endp) struct local_tx tx = { 0 };
	TRY(local_tx_begin(l, &tx));
	crashpoint(CRASHPOINT_LOCAL_ACK_BEFORE);
	for (size_t i = 0; i < ack->n_results; i++)
		TRY(ack_one(l, ack->results[i], epoch, now_ms, ret));
	TRY(local_tx_commit(&tx));
	crashpoint(CRASHPOINT_LOCAL_ACK_AFTER);
	return ERR_OK;
}

enum err feed_apply_ack(struct local *l, struct view frame, uint64_t now_ms, struct feed_ack *ret)
{
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, FRAME_PARSE_BYTES_MAX);
	Roomkeep__Frame *f = NULL;
	TRY(frame_decode(&a, frame, &f));
	ENSURE(f->body_case == ROOMKEEP__FRAME__BODY_ACK, ERR_PROTO);
	const Roomkeep__Ack *ack = f->ack;
	struct id epoch = { 0 };
	ENSURE(ack->has_epoch && wire_id(ack->epoch, &epoch) == ERR_OK, ERR_PROTO);
	if (!id_equal(&epoch, &l->room.epoch.epoch)) {
		TRY(local_raise(l, LOCAL_ALARM_EPOCH, now_ms));
		return ERR_VERSION;
	}
	struct feed_ack result = { 0 };
	TRY(ack_store(l, ack, &epoch, now_ms, &result));
	if (ack->head != NULL) TRY(head_keep(l, ack->head, now_ms));
	if (ack->has_backed_up_seq) TRY(feed_backed_up(l, ack->backed_up_seq));
	*ret = result;
	return ERR_OK;
}
