/* Ops on their way in: from the signed-in person, or sealed from a room's outbox (SECURITY 3.2). */
#include "base/check.h"
#include "base/cleanup.h"
#include "crypt/courier.h"
#include "record/payload.h"
#include "server/store/store_lockbox.h"
#include "server/work/work_handlers.h"

static enum err push_reject(struct push_op *op, enum err code)
{
	op->status = STORE_OP_REJECTED;
	op->code = code;
	return ERR_OK;
}

static enum err push_quarantine(struct push_op *op, enum err code)
{
	op->status = STORE_OP_QUARANTINED;
	op->code = code;
	return ERR_OK;
}

/* The list that travels beside an op must be the one its core names. */
static enum err push_read_heads(struct arena *arena, struct push_op *op)
{
	if (op->wire.head_count == 0) return ERR_OK;
	op->heads = arena_alloc(arena, op->wire.head_count * sizeof(*op->heads));
	ENSURE(op->heads != NULL, ERR_NOMEM);
	for (size_t i = 0; i < op->wire.head_count; i++) {
		memcpy(op->heads[i].lane_id.b, op->wire.heads[i].lane_id, HASH_BYTES);
		op->heads[i].lane_seq = op->wire.heads[i].lane_seq;
		memcpy(op->heads[i].op_hash.b, op->wire.heads[i].op_hash, HASH_BYTES);
	}
	return ERR_OK;
}

static enum err push_heads_hold(const struct push_op *op, bool *ret_hold)
{
	*ret_hold = true;
	if (op->wire.head_count == 0) return ERR_OK;
	struct hash32 hash;
	const enum err e = op_heads_hash(op->heads, op->wire.head_count, &hash);
	ENSURE(e != ERR_NOMEM, e);
	*ret_hold = e == ERR_OK && hash_equal(&hash, &op->core.seen_heads_hash);
	return ERR_OK;
}

/* A lane begins in its author's hands and in the room that delivers it. */
static enum err push_intro_holds(const struct ask *a, struct push_op *op, bool *ret_holds)
{
	const struct wire_intro *from = &op->wire.intro;
	*ret_holds = false;
	if (!id_equal(&from->user_id, &op->core.author_id) ||
	    !id_equal(&from->room_id, &a->desc.who.room_id))
		return ERR_OK;
	op->intro = (struct store_lane_intro){ .user_id = from->user_id,
					       .room_id = from->room_id,
					       .lane_class = from->lane_class == OP_LANE_CHART
								     ? OP_LANE_CHART
								     : OP_LANE_SEALED };
	memcpy(op->intro.random16, from->random16.b, sizeof(op->intro.random16));
	struct hash32 lane_id;
	TRY(lane_id_make(&from->user_id, &from->room_id, op->intro.lane_class, op->intro.random16,
			 &lane_id));
	*ret_holds = hash_equal(&lane_id, &op->core.lane_id);
	return ERR_OK;
}

/* One op: whose it is, and whether it is genuine. Fails only for want of memory; the op's own
 * faults become its status. `author` NULL: anybody of the clinic. */
static enum err push_check_op(struct work *w, struct ask *a, const struct id *author,
			      const struct id *clinic_id, struct push_op *op)
{
	if (op_core_parse(op->wire.core, &op->core) != ERR_OK)
		return push_reject(op, ERR_BAD_FORMAT);
	op->op_id = op->core.op_id;
	TRY(sign_sig_from_view(op->wire.signature, &op->signature));
	if (!op->wire.has_payload) return push_reject(op, ERR_BAD_FORMAT);
	if (!id_equal(&op->core.clinic_id, clinic_id)) return push_reject(op, ERR_DENIED);
	if (author != NULL && !id_equal(&op->core.author_id, author))
		return push_reject(op, ERR_DENIED);
	bool holds = true;
	if (op->wire.has_intro) TRY(push_intro_holds(a, op, &holds));
	if (!holds) return push_reject(op, ERR_DENIED);
	TRY(push_read_heads(&a->arena, op));

	struct sign_pk pk;
	if (!work_find_key(w, &op->core.author_id, op->core.author_gen, &pk))
		return push_reject(op, ERR_NOT_FOUND);
	if (op_verify(&pk, op->wire.core, &op->signature) != ERR_OK)
		return push_quarantine(op, ERR_AUTH);
	if (op_check_payload(&op->core, op->wire.payload) != ERR_OK)
		return push_quarantine(op, ERR_AUTH);
	TRY(push_heads_hold(op, &holds));
	if (!holds) return push_quarantine(op, ERR_BAD_VALUE);
	return ERR_OK;
}

static enum err push_alloc(struct ask *a, size_t count)
{
	ENSURE(count > 0, ERR_BAD_FORMAT);
	ENSURE(count <= BATCH_OPS_MAX, ERR_TOO_BIG);
	struct push_checked *c = &a->checked->is.push;
	c->ops = arena_alloc(&a->arena, count * sizeof(*c->ops));
	ENSURE(c->ops != NULL, ERR_NOMEM);
	c->count = count;
	return ERR_OK;
}

enum err work_check_push(struct work *w, struct ask *a, struct store_reader *r)
{
	(void)r;
	const Roomkeep__Push *m = a->frame->push;
	const struct id clinic_id = work_clinic_id(w);
	TRY(push_alloc(a, m->n_ops));
	for (size_t i = 0; i < m->n_ops; i++) {
		struct push_op *op = &a->checked->is.push.ops[i];
		const enum err e = wire_op_read(&a->arena, m->ops[i], &op->wire);
		ENSURE(e != ERR_NOMEM, e);
		if (e != ERR_OK)
			TRY(push_reject(op, e));
		else
			TRY(push_check_op(w, a, &a->desc.who.user_id, &clinic_id, op));
	}
	return ERR_OK;
}

/* ---- courier ----------------------------------------------------------------------------- */

/* The row's clear words and what was sealed under them must say the same. */
static bool courier_row_agrees(const struct outbox_row *row, const struct op_core *core)
{
	return id_equal(&row->op_id, &core->op_id) && hash_equal(&row->lane_id, &core->lane_id) &&
	       row->lane_seq == core->lane_seq;
}

static enum err courier_open_row(struct ask *a, const struct boot_key *key,
				 const struct outbox_row *row, struct view sealed,
				 struct push_op *op)
{
	CLEANUP(buf_finip) struct buf plain = { 0 };
	const enum err opened = outbox_row_open(key, row, sealed, &plain);
	ENSURE(opened != ERR_NOMEM, opened);
	if (opened != ERR_OK) return push_quarantine(op, ERR_AUTH);
	const enum err read = wire_op_decode(&a->arena, buf_view(&plain), &op->wire);
	ENSURE(read != ERR_NOMEM, read);
	if (read != ERR_OK) return push_quarantine(op, ERR_BAD_FORMAT);
	return ERR_OK;
}

static enum err courier_check_row(struct work *w, struct ask *a, const struct boot_key *key,
				  const struct id *clinic_id, const Roomkeep__CourierRow *m,
				  struct push_op *op)
{
	struct outbox_row row = { .room_id = a->desc.who.room_id, .lane_seq = m->lane_seq };
	if (!m->has_op_id || !m->has_lane_id || !m->has_lane_seq || !m->has_sealed ||
	    wire_id(m->op_id, &row.op_id) != ERR_OK ||
	    hash_from_view(wire_view(m->lane_id), &row.lane_id) != ERR_OK)
		return push_reject(op, ERR_BAD_FORMAT);
	op->op_id = row.op_id;
	TRY(courier_open_row(a, key, &row, wire_view(m->sealed), op));
	if (op->status != 0) return ERR_OK;
	TRY(push_check_op(w, a, NULL, clinic_id, op));
	op->op_id = row.op_id; /* what the room knows it by */
	if (op->status == 0 && !courier_row_agrees(&row, &op->core))
		return push_reject(op, ERR_BAD_VALUE);
	return ERR_OK;
}

enum err work_check_courier(struct work *w, struct ask *a, struct store_reader *r)
{
	(void)r;
	const Roomkeep__CourierPush *m = a->frame->courier_push;
	const struct id clinic_id = work_clinic_id(w);
	ENSURE(m->has_boot_id && m->has_sealed_boot_key, ERR_BAD_FORMAT);
	struct id boot_id;
	TRY(wire_id(m->boot_id, &boot_id));
	TRY(push_alloc(a, m->n_rows));
	CLEANUP(boot_key_finip) struct boot_key key = { 0 };
	/* Nothing is decided about the rows when this fails: another server key may open them. */
	TRY(boot_key_open(&w->secrets->ingest, &a->desc.who.room_id, &boot_id,
			  wire_view(m->sealed_boot_key), &key));
	for (size_t i = 0; i < m->n_rows; i++)
		TRY(courier_check_row(w, a, &key, &clinic_id, m->rows[i],
				      &a->checked->is.push.ops[i]));
	return ERR_OK;
}

/* ---- write ------------------------------------------------------------------------------- */

/* Whether an author may act is asked once for a run of ops by the same person. */
struct push_author {
	bool asked;
	struct id id;
	bool may;
	uint64_t roles;
};

static enum err push_ask_author(struct work *w, struct ask *a, struct store *s, const struct id *id,
				struct push_author *author)
{
	if (author->asked && id_equal(&author->id, id)) return ERR_OK;
	*author = (struct push_author){ .asked = true, .id = *id };
	return work_user_may_act(w, store_as_reader(s), &a->arena, id, &author->may,
				 &author->roles);
}

/* What was taken before the dismissal stays taken; its receipt may have been lost. */
static enum err push_write_dismissed(struct store *s, const struct store_op *to, struct push_op *op)
{
	bool known = false;
	TRY(store_find_op(s, to, &known, &op->verdict));
	if (known) {
		op->status = op->verdict.status;
		op->code = op->verdict.code;
		return ERR_OK;
	}
	TRY(push_quarantine(op, ERR_DENIED));
	return store_quarantine_op(s, to, op->code);
}

static enum err push_write_op(struct work *w, struct ask *a, struct store *s,
			      struct push_author *author, struct push_op *op)
{
	if (op->status == STORE_OP_REJECTED || op->wire.core.len == 0) return ERR_OK;
	struct store_op to = { .core = &op->core,
			       .core_bytes = op->wire.core,
			       .signature = op->signature,
			       .payload = op->wire.payload,
			       .intro = op->wire.has_intro ? &op->intro : NULL,
			       .heads = op->heads,
			       .head_count = op->wire.head_count };
	if (op->status == 0) {
		TRY(push_ask_author(w, a, s, &op->core.author_id, author));
		to.author_roles = author->roles;
		if (!author->may) return push_write_dismissed(s, &to, op);
	}
	if (op->status == STORE_OP_QUARANTINED) {
		const enum err e = store_quarantine_op(s, &to, op->code);
		return e == ERR_FULL ? push_reject(op, e) : e; /* the room keeps it, and shows it */
	}
	TRY(store_append_op(s, &to, &op->verdict));
	op->status = op->verdict.status;
	op->code = op->verdict.code;
	return ERR_OK;
}

/* ---- the lock-box ------------------------------------------------------------------------ */

static bool op_is_taken(const struct push_op *op, uint64_t kind)
{
	return op->status == STORE_OP_COMMITTED && op->core.kind == kind;
}

static bool changes_lockbox(const struct push_op *op)
{
	return op_is_taken(op, KIND_DIRECTIVE) || op_is_taken(op, KIND_DIRECTIVE_END) ||
	       op_is_taken(op, KIND_OVERRIDE);
}

static enum err push_audit(struct ask *a, struct store *s, enum store_event_kind kind,
			   const struct push_op *op, const struct id *patient_id)
{
	const struct store_event event = { .kind = kind,
					   .user_id = op->core.author_id,
					   .room_id = a->desc.who.room_id,
					   .subject_id = *patient_id };
	return store_audit(s, &event);
}

static bool patient_of(struct ask *a, const struct push_op *op, struct id *ret)
{
	struct payload p;
	return payload_decode(&a->arena, op->core.kind, op->wire.payload, &p, NULL) == ERR_OK &&
	       payload_patient_id(&p, ret);
}

/* What the log says beside the op's own row: a chart was opened of which something is withheld from
 * who opened it, or what was withheld was opened. */
static enum err push_look_at(struct work *w, struct ask *a, struct store *s,
			     const struct lockbox *box, const struct push_op *op)
{
	struct push_author author = { 0 };
	struct id patient_id;
	const bool opened = op_is_taken(op, KIND_OPENED);
	if (!opened && !op_is_taken(op, KIND_OVERRIDE)) return ERR_OK;
	if (opened && box->bar_count == 0) return ERR_OK;
	if (!patient_of(a, op, &patient_id)) return ERR_OK;
	if (!opened) return push_audit(a, s, STORE_EVENT_BREAKGLASS, op, &patient_id);
	TRY(push_ask_author(w, a, s, &op->core.author_id, &author));
	const struct lockbox_reader reader = { .user_id = op->core.author_id,
					       .roles = author.roles,
					       .now_ms = a->wall_ms };
	if (!lockbox_withholds_any(box, &reader, &patient_id)) return ERR_OK;
	return push_audit(a, s, STORE_EVENT_DIRECTIVE_HIT, op, &patient_id);
}

static enum err push_lockbox(struct work *w, struct ask *a, struct store *s)
{
	const struct push_checked *c = &a->checked->is.push;
	bool looks = false;
	bool changed = false;
	for (size_t i = 0; i < c->count; i++) {
		changed = changed || changes_lockbox(&c->ops[i]);
		looks = looks || op_is_taken(&c->ops[i], KIND_OPENED);
	}
	if (!looks && !changed) return ERR_OK;
	TRY(store_lockbox_load(store_as_reader(s), a->wall_ms, &a->arena, &a->box));
	for (size_t i = 0; i < c->count; i++) TRY(push_look_at(w, a, s, &a->box, &c->ops[i]));
	if (!changed) return ERR_OK;
	INSIST(a->effect_count < ASK_EFFECTS_MAX);
	a->effects[a->effect_count++] = (struct ask_effect){ .type = ASK_EFFECT_LOCKBOX };
	return ERR_OK;
}

enum err work_write_push(struct work *w, struct ask *a, struct store *s)
{
	struct push_checked *c = &a->checked->is.push;
	TRY(work_check_who(w, a, s));
	ENSURE(!atomic_load(&w->disk_low), ERR_DISK_FULL);
	struct push_author author = { 0 };
	for (size_t i = 0; i < c->count; i++) TRY(push_write_op(w, a, s, &author, &c->ops[i]));
	return push_lockbox(w, a, s);
}

/* ---- reply ------------------------------------------------------------------------------- */

static void push_fill_result(const struct ask *a, const struct push_op *op, Roomkeep__OpResult *to)
{
	roomkeep__op_result__init(to);
	to->has_op_id = !id_is_zero(&op->op_id);
	if (to->has_op_id) to->op_id = wire_id_bytes(&op->op_id);
	to->has_status = 1;
	if (a->result != ERR_OK) {
		to->status = ROOMKEEP__OP_STATUS__BUSY_DISK;
		return;
	}
	switch (op->status) {
	case STORE_OP_COMMITTED: to->status = ROOMKEEP__OP_STATUS__COMMITTED; break;
	case STORE_OP_DUPLICATE: to->status = ROOMKEEP__OP_STATUS__DUPLICATE; break;
	case STORE_OP_REJECTED: to->status = ROOMKEEP__OP_STATUS__REJECTED; break;
	case STORE_OP_QUARANTINED: to->status = ROOMKEEP__OP_STATUS__QUARANTINED; break;
	case STORE_OP_LANE_GAP:
		to->status = ROOMKEEP__OP_STATUS__LANE_GAP;
		to->has_expected_seq = 1;
		to->expected_seq = op->verdict.expected_seq;
		break;
	}
	to->has_code = op->code != ERR_OK;
	to->code = op->code;
	to->has_seq = op->verdict.seq != 0;
	to->seq = op->verdict.seq;
}

enum err work_reply_push(struct work *w, struct ask *a)
{
	const struct push_checked *c = &a->checked->is.push;
	Roomkeep__OpResult *results = arena_alloc(&a->arena, c->count * sizeof(*results));
	Roomkeep__OpResult **list = arena_alloc(&a->arena, c->count * sizeof(*list));
	ENSURE(results != NULL && list != NULL, ERR_NOMEM);
	for (size_t i = 0; i < c->count; i++) {
		push_fill_result(a, &c->ops[i], &results[i]);
		list[i] = &results[i];
	}
	Roomkeep__Ack ack = ROOMKEEP__ACK__INIT;
	Roomkeep__SignedHead head;
	ack.n_results = c->count;
	ack.results = list;
	REQUIRE(pthread_rwlock_rdlock(&w->lock) == 0);
	const struct id epoch = w->epoch;
	REQUIRE(pthread_rwlock_unlock(&w->lock) == 0);
	ack.has_epoch = 1;
	ack.epoch = wire_id_bytes(&epoch);
	ack.has_backed_up_seq = 1;
	ack.backed_up_seq = a->now.backed_up_seq;
	if (a->now.head.present) {
		reply_fill_head(&a->now.head, &head);
		ack.head = &head;
	}
	Roomkeep__Frame frame = reply_frame(a, ROOMKEEP__FRAME__BODY_ACK);
	frame.ack = &ack;
	return reply_send(a, &frame);
}
