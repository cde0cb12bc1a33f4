/* The ops and feeds of box_clinic.h. */
#include "base/check.h"
#include "base/cleanup.h"
#include "record/payload.h"
#include "support/box_clinic.h"
#include "wire/op.h"

#define MUST(call) INSIST((call) == ERR_OK)

/* ---- ops --------------------------------------------------------------------------------- */

struct id box_make_id(struct box_clinic *c)
{
	return id_make_v7(&c->ids, c->wall_ms);
}

void box_lane_init(struct box_clinic *c, struct box_lane *lane, const struct box_person *author,
		   const struct box_room *room, enum op_lane_class lane_class)
{
	*lane = (struct box_lane){ .author_id = author->id,
				   .room_id = room->room_id,
				   .lane_class = lane_class };
	rand_fill(&c->rand, lane->random, sizeof(lane->random));
	MUST(lane_id_make(&lane->author_id, &lane->room_id, lane_class, lane->random,
			  &lane->lane_id));
}

static struct op_core box_core(struct box_clinic *c, const struct box_person *author,
			       struct box_lane *lane, uint64_t kind, struct view payload)
{
	const bool sealed = lane->lane_class == OP_LANE_SEALED;
	const uint64_t day_ms = 24 * 3600 * 1000;
	return (struct op_core){ .clinic_id = c->clinic_id,
				 .op_id = sealed ? id_make_random(&c->rand) : box_make_id(c),
				 .kind = kind,
				 .author_id = author->id,
				 .author_gen = 1,
				 .lane_id = lane->lane_id,
				 .lane_seq = ++lane->seq,
				 .prev_hash = lane->prev,
				 .client_time_ms = sealed ? c->wall_ms / day_ms * day_ms
							  : c->wall_ms,
				 .payload_hash = op_payload_hash(payload) };
}

Roomkeep__Op *box_op_raw(struct box_clinic *c, const struct box_person *author,
			 struct box_lane *lane, uint64_t kind, struct view message)
{
	uint8_t *payload = box_alloc(c, OP_BLIND_BYTES + message.len);
	rand_fill(&c->rand, payload, OP_BLIND_BYTES);
	if (message.len > 0) memcpy(payload + OP_BLIND_BYTES, message.p, message.len);
	const struct view payload_view = view_of(payload, OP_BLIND_BYTES + message.len);
	const bool first = lane->seq == 0;
	const struct op_core core = box_core(c, author, lane, kind, payload_view);
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	MUST(op_core_encode(&core, &bytes));
	lane->prev = op_hash(buf_view(&bytes));
	const struct sign_sig sig = op_sign(&author->sign, buf_view(&bytes));
	Roomkeep__Op *op = box_alloc(c, sizeof(*op));
	roomkeep__op__init(op);
	op->has_core = 1;
	op->core = box_bytes(c, buf_view(&bytes));
	op->has_signature = 1;
	op->signature = box_bytes(c, sign_sig_view(&sig));
	op->has_payload = 1;
	op->payload = wire_bytes(payload_view);
	if (!first) return op;
	op->intro = box_alloc(c, sizeof(*op->intro));
	roomkeep__lane_intro__init(op->intro);
	op->intro->has_user_id = 1;
	op->intro->user_id = box_bytes(c, id_view(&lane->author_id));
	op->intro->has_room_id = 1;
	op->intro->room_id = box_bytes(c, id_view(&lane->room_id));
	op->intro->has_lane_class = 1;
	op->intro->lane_class = lane->lane_class;
	op->intro->has_random16 = 1;
	op->intro->random16 = box_bytes(c, VIEW_OF(lane->random));
	return op;
}

Roomkeep__Op *box_op(struct box_clinic *c, const struct box_person *author, struct box_lane *lane,
		     uint64_t kind, const ProtobufCMessage *message)
{
	const size_t len = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = box_alloc(c, len);
	INSIST(protobuf_c_message_pack(message, bytes) == len);
	return box_op_raw(c, author, lane, kind, view_of(bytes, len));
}

struct id box_op_id(const Roomkeep__Op *op)
{
	struct op_core core;
	MUST(op_core_parse(wire_view(op->core), &core));
	return core.op_id;
}

Roomkeep__Op *box_op_patient(struct box_clinic *c, const struct box_person *author,
			     struct box_lane *lane, const struct id *patient_id, const char *name)
{
	Roomkeep__Patient m = ROOMKEEP__PATIENT__INIT;
	m.has_patient_id = 1;
	m.patient_id = wire_id_bytes(patient_id);
	m.name = box_text(c, name);
	m.born = box_text(c, "1980-02-29");
	return box_op(c, author, lane, KIND_PATIENT, &m.base);
}

Roomkeep__Op *box_op_frame(struct box_clinic *c, const struct box_person *author,
			   struct box_lane *lane, const struct id *session_id,
			   const struct id *patient_id, uint64_t started_ms)
{
	Roomkeep__SessionFrame m = ROOMKEEP__SESSION_FRAME__INIT;
	m.has_session_id = 1;
	m.session_id = wire_id_bytes(session_id);
	m.has_patient_id = 1;
	m.patient_id = wire_id_bytes(patient_id);
	m.has_therapist_id = 1;
	m.therapist_id = wire_id_bytes(&author->id);
	m.has_room_id = 1;
	m.room_id = wire_id_bytes(&lane->room_id);
	m.has_started_ms = 1;
	m.started_ms = started_ms;
	return box_op(c, author, lane, KIND_SESSION_FRAME, &m.base);
}

Roomkeep__Op *box_op_text(struct box_clinic *c, const struct box_person *author,
			  struct box_lane *lane, const struct id *session_id, const char *text,
			  const struct id *parent)
{
	Roomkeep__SessionText m = ROOMKEEP__SESSION_TEXT__INIT;
	ProtobufCBinaryData parents[1];
	m.has_session_id = 1;
	m.session_id = wire_id_bytes(session_id);
	m.has_field = 1;
	m.field = ROOMKEEP__TEXT_FIELD__SUBJECTIVE;
	m.text = box_text(c, text);
	if (parent != NULL) {
		parents[0] = wire_id_bytes(parent);
		m.n_parents = 1;
		m.parents = parents;
	}
	return box_op(c, author, lane, KIND_SESSION_TEXT, &m.base);
}

Roomkeep__Op *box_op_sign(struct box_clinic *c, const struct box_person *author,
			  struct box_lane *lane, const struct id *session_id,
			  const struct id *covered, size_t count)
{
	uint8_t values_hash[HASH_BYTES];
	rand_fill(&c->rand, values_hash, sizeof(values_hash));
	ProtobufCBinaryData *list = box_alloc(c, count * sizeof(*list));
	for (size_t i = 0; i < count; i++) list[i] = wire_id_bytes(&covered[i]);
	Roomkeep__Sign m = ROOMKEEP__SIGN__INIT;
	m.has_session_id = 1;
	m.session_id = wire_id_bytes(session_id);
	m.n_covered = count;
	m.covered = list;
	m.has_values_hash = 1;
	m.values_hash = wire_bytes(VIEW_OF(values_hash));
	return box_op(c, author, lane, KIND_SIGN, &m.base);
}

Roomkeep__Op *box_op_note(struct box_clinic *c, const struct box_person *author,
			  struct box_lane *lane)
{
	uint8_t noise[1200];
	rand_fill(&c->rand, noise, sizeof(noise));
	const struct id note_id = id_make_random(&c->rand);
	Roomkeep__Note m = ROOMKEEP__NOTE__INIT;
	m.has_note_id = 1;
	m.note_id = wire_id_bytes(&note_id);
	m.has_note_gen = 1;
	m.note_gen = 1;
	m.has_commitment = 1;
	m.commitment = wire_bytes(view_of(noise, HASH_BYTES));
	m.has_ciphertext = 1;
	/* 1 KiB of padded text, its nonce and tag. */
	m.ciphertext = wire_bytes(view_of(noise, 1024 + AEAD_OVERHEAD_BYTES));
	m.has_author_wrap = 1;
	m.author_wrap = wire_bytes(view_of(noise, KEY_BYTES + AEAD_OVERHEAD_BYTES));
	return box_op(c, author, lane, KIND_NOTE, &m.base);
}

Roomkeep__Frame *box_push_frame(struct box_clinic *c, Roomkeep__Op **ops, size_t count)
{
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_PUSH);
	f->push->n_ops = count;
	f->push->ops = ops;
	return f;
}

Roomkeep__Ack *box_push(struct box_clinic *c, struct box_room *room, Roomkeep__Op **ops,
			size_t count)
{
	Roomkeep__Frame *reply = box_call(c, room, box_push_frame(c, ops, count));
	INSIST(reply != NULL && reply->body_case == ROOMKEEP__FRAME__BODY_ACK);
	return reply->ack;
}

uint64_t box_push_one(struct box_clinic *c, struct box_room *room, Roomkeep__Op *op)
{
	const Roomkeep__Ack *ack = box_push(c, room, &op, 1);
	INSIST(ack->n_results == 1);
	INSIST(ack->results[0]->status == ROOMKEEP__OP_STATUS__COMMITTED);
	return ack->results[0]->seq;
}

static Roomkeep__CourierRow *box_courier_row(struct box_clinic *c, const struct boot_key *key,
					     const struct box_room *room, const Roomkeep__Op *op)
{
	struct op_core core;
	MUST(op_core_parse(wire_view(op->core), &core));
	const struct outbox_row row = { .room_id = room->room_id,
					.op_id = core.op_id,
					.lane_id = core.lane_id,
					.lane_seq = core.lane_seq };
	const size_t len = roomkeep__op__get_packed_size(op);
	uint8_t *plain = box_alloc(c, len);
	INSIST(roomkeep__op__pack(op, plain) == len);
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	MUST(outbox_row_seal(key, &row, view_of(plain, len), &sealed));
	Roomkeep__CourierRow *m = box_alloc(c, sizeof(*m));
	roomkeep__courier_row__init(m);
	m->has_op_id = 1;
	m->op_id = box_bytes(c, id_view(&core.op_id));
	m->has_lane_id = 1;
	m->lane_id = box_bytes(c, hash_view(&core.lane_id));
	m->has_lane_seq = 1;
	m->lane_seq = core.lane_seq;
	m->has_sealed = 1;
	m->sealed = box_bytes(c, buf_view(&sealed));
	return m;
}

Roomkeep__Frame *box_courier_frame(struct box_clinic *c, struct box_room *room,
				   const struct box_key *ingest, Roomkeep__Op **ops, size_t count)
{
	const struct box_pk *to = ingest != NULL ? &ingest->pk
						 : &server_box_secrets(c->box)->ingest.pk;
	CLEANUP(boot_key_finip) struct boot_key key = { 0 };
	MUST(boot_key_new(&key));
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	MUST(boot_key_seal(&key, to, &room->room_id, &sealed));
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_COURIER_PUSH);
	f->courier_push->has_boot_id = 1;
	f->courier_push->boot_id = box_bytes(c, id_view(&key.boot_id));
	f->courier_push->has_sealed_boot_key = 1;
	f->courier_push->sealed_boot_key = box_bytes(c, buf_view(&sealed));
	f->courier_push->n_rows = count;
	f->courier_push->rows = box_alloc(c, count * sizeof(*f->courier_push->rows));
	for (size_t i = 0; i < count; i++)
		f->courier_push->rows[i] = box_courier_row(c, &key, room, ops[i]);
	return f;
}

/* ---- feed -------------------------------------------------------------------------------- */

void box_pull(struct box_clinic *c, struct box_room *room, uint64_t seq)
{
	const struct dialog *d = box_conn_dialog(room->conn);
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_PULL);
	f->pull->has_epoch = 1;
	f->pull->epoch = box_bytes(c, id_view(&c->epoch));
	f->pull->has_seq = 1;
	f->pull->seq = seq;
	f->pull->has_scope_version = 1;
	f->pull->scope_version = d->scope_version;
	INSIST(box_call(c, room, f) == NULL);
}

void box_feed_ack(struct box_clinic *c, struct box_room *room, uint64_t up_to_seq)
{
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_FEED_ACK);
	f->feed_ack->has_up_to_seq = 1;
	f->feed_ack->up_to_seq = up_to_seq;
	INSIST(box_call(c, room, f) == NULL);
}

size_t box_feed_ops(const struct box_room *room, const Roomkeep__FeedOp **ret, size_t max)
{
	size_t count = 0;
	for (size_t i = 0; i < room->pushed_count; i++) {
		if (room->pushed[i]->body_case != ROOMKEEP__FRAME__BODY_FEED) continue;
		const Roomkeep__Feed *feed = room->pushed[i]->feed;
		for (size_t k = 0; k < feed->n_ops; k++) {
			if (count < max) ret[count] = feed->ops[k];
			count++;
		}
	}
	return count;
}
