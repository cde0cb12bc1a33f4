/* make: from a checked payload to an op that is "saved in this room": numbered, signed, sealed
 * twice. */
#include "client/store/local_priv.h"

#include "base/crashpoint.h"
#include "record/duty_record.h"
#include "record/measure.h"

#define MAKE_ARENA_BYTES MIB

enum err make_begin(struct local *l, const struct vault *v, enum kind kind, uint64_t now_ms,
		    struct making *ret)
{
	const struct kind_info *info = kind_find((uint64_t)kind);
	REQUIRE(info != NULL);
	ENSURE(!l->batch || l->batch_ops < LOCAL_BATCH_OPS_MAX, ERR_FULL);
	/* The server would keep such an op aside: better no op than one that does not count. */
	ENSURE(now_ms >= TIME_MS_MIN && now_ms < TIME_MS_END, ERR_CONFIG);
	struct making m = { .kind = (uint64_t)kind };
	TRY(lane_mine(l, v, (uint32_t)info->lane, &m.lane));
	if (info->lane == LANE_SEALED) {
		/* Nothing about a sealed op says when it was made but the day (SECURITY 2.13). */
		m.op_id = id_make_random(&l->rand);
		m.time_ms = now_ms / DAY_MS * DAY_MS;
	} else {
		m.op_id = id_make_v7(&l->ids, now_ms);
		m.time_ms = now_ms;
	}
	*ret = m;
	return ERR_OK;
}

static enum err make_core(const struct vault *v, const struct making *m, struct view payload,
			  const struct hash32 *heads_hash, struct op_core *ret, struct buf *bytes)
{
	*ret = (struct op_core){ .clinic_id = v->clinic_id,
				 .op_id = m->op_id,
				 .kind = m->kind,
				 .author_id = v->user_id,
				 .author_gen = v->g,
				 .lane_id = m->lane->lane_id,
				 .lane_seq = m->lane->seq + 1,
				 .prev_hash = m->lane->hash,
				 .seen_heads_hash = *heads_hash,
				 .client_time_ms = m->time_ms,
				 .payload_hash = op_payload_hash(payload) };
	return op_core_encode(ret, bytes);
}

/* ---- storing --------------------------------------------------------------------------------- */

static enum err boot_store(struct local *l, const struct vault *v)
{
	uint64_t have = 0;
	TRY(db_get_u64(l->db, "SELECT count(*) FROM boot WHERE boot_id = ?1",
		       DB_ARGS(db_id(&v->boot.boot_id)), &have));
	if (have != 0) return ERR_OK;
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	TRY(boot_key_seal(&v->boot, &l->room.server.ingest_pk, &v->room_id, &sealed));
	return db_run(l->db, "INSERT INTO boot (boot_id, sealed_key) VALUES (?1, ?2)",
		      DB_ARGS(db_id(&v->boot.boot_id), db_blob(buf_view(&sealed))));
}

static enum err outbox_store(struct local *l, const struct vault *v, const struct op_core *core,
			     const struct wire_op *op, uint64_t now_ms)
{
	TRY(boot_store(l, v));
	CLEANUP(buf_finip) struct buf plain = { 0 };
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	const struct outbox_row row = { .room_id = v->room_id,
					.op_id = core->op_id,
					.lane_id = core->lane_id,
					.lane_seq = core->lane_seq };
	enum err e = wire_op_encode(op, &plain);
	if (e == ERR_OK) e = outbox_row_seal(&v->boot, &row, buf_view(&plain), &sealed);
	buf_wipe(&plain);
	TRY(e);
	return db_run(l->db,
		      "INSERT INTO outbox (op_id, user_id, lane_id, lane_seq, boot_id, state, code,"
		      " day, sealed) VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, ?6, ?7)",
		      DB_ARGS(db_id(&core->op_id), db_id(&v->user_id),
			      db_blob(hash_view(&core->lane_id)), db_u64(core->lane_seq),
			      db_id(&v->boot.boot_id), db_u64(now_ms / DAY_MS),
			      db_blob(buf_view(&sealed))));
}

static enum err make_store(struct local *l, struct vault *v, const struct op_core *core,
			   const struct wire_op *op, uint64_t now_ms)
{
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, MAKE_ARENA_BYTES);
	struct payload p = { 0 };
	struct op_tags tags;
	TRY(payload_decode(&a, core->kind, op->payload, &p, NULL));
	TRY(row_tags(l, v, core->kind, &p, &tags));
	crashpoint(CRASHPOINT_LOCAL_APPEND_BEFORE);
	const struct row_origin here = { .room_id = v->room_id };
	TRY(row_insert(l, v, core, op, &here, &tags));
	crashpoint(CRASHPOINT_LOCAL_APPEND_AFTER_ROW);
	TRY(outbox_store(l, v, core, op, now_ms));
	crashpoint(CRASHPOINT_LOCAL_APPEND_AFTER_OUTBOX);
	return ERR_OK;
}

enum err make_finish(struct local *l, struct vault *v, const struct making *m, struct view payload,
		     uint64_t now_ms)
{
	REQUIRE(l->batch || db_in_transaction(l->db));
	struct op_head heads[HEADS_MAX];
	struct wire_head wire_heads[HEADS_MAX];
	const size_t head_count = lane_other_heads(l, m->lane, heads);
	struct hash32 heads_hash;
	TRY(op_heads_hash(heads, head_count, &heads_hash));

	CLEANUP(buf_finip) struct buf core_bytes = { 0 };
	struct op_core core;
	TRY(make_core(v, m, payload, &heads_hash, &core, &core_bytes));
	const struct sign_sig sig = op_sign(&v->sign, buf_view(&core_bytes));

	struct wire_op op = { .core = buf_view(&core_bytes),
			      .signature = sign_sig_view(&sig),
			      .payload = payload,
			      .has_payload = true };
	if (core.lane_seq == 1) {
		op.has_intro = true;
		op.intro = (struct wire_intro){ .user_id = v->user_id,
						.room_id = v->room_id,
						.lane_class = m->lane->class };
		memcpy(op.intro.random16.b, m->lane->random16, LANE_RANDOM_BYTES);
	}
	if (!hash_equal(&heads_hash, &m->lane->heads_hash)) {
		for (size_t i = 0; i < head_count; i++) {
			memcpy(wire_heads[i].lane_id, heads[i].lane_id.b, HASH_BYTES);
			memcpy(wire_heads[i].op_hash, heads[i].op_hash.b, HASH_BYTES);
			wire_heads[i].lane_seq = heads[i].lane_seq;
		}
		op.heads = wire_heads;
		op.head_count = head_count;
	}
	TRY(make_store(l, v, &core, &op, now_ms));
	m->lane->seq = core.lane_seq;
	m->lane->hash = op_hash(buf_view(&core_bytes));
	m->lane->heads_hash = heads_hash;
	l->batch_ops++;
	return lane_store(l, v, m->lane);
}

/* ---- may it be written? ---------------------------------------------------------------------- */

/* A payload of the message; it is only read. */
static struct payload msg_payload(const struct kind_info *info, const ProtobufCMessage *msg)
{
	union {
		const ProtobufCMessage *in;
		ProtobufCMessage *out;
	} m = { .in = msg };
	return (struct payload){ .info = info, .is.any = m.out };
}

/* The session an op is about, or zeros. */
static struct id msg_session(enum kind kind, const ProtobufCMessage *msg)
{
	union {
		const ProtobufCMessage *any;
		const Roomkeep__SessionFrame *frame;
		const Roomkeep__SessionText *text;
		const Roomkeep__Measure *measure;
		const Roomkeep__Sign *sign;
		const Roomkeep__Addendum *addendum;
	} m = { .any = msg };
	struct id id = { 0 };
	enum err e = ERR_NOT_FOUND;
	if (kind == KIND_SESSION_FRAME) e = wire_id(m.frame->session_id, &id);
	if (kind == KIND_SESSION_TEXT) e = wire_id(m.text->session_id, &id);
	if (kind == KIND_MEASURE) e = wire_id(m.measure->session_id, &id);
	if (kind == KIND_SIGN) e = wire_id(m.sign->session_id, &id);
	if (kind == KIND_ADDENDUM) e = wire_id(m.addendum->session_id, &id);
	return e == ERR_OK ? id : (struct id){ 0 };
}

static bool kind_is_of_session(enum kind kind)
{
	return kind == KIND_SESSION_FRAME || kind == KIND_SESSION_TEXT || kind == KIND_MEASURE ||
	       kind == KIND_SIGN || kind == KIND_ADDENDUM;
}

static enum err write_fill_frame(const struct local *l, const Roomkeep__SessionFrame *f,
				 struct access_write *q)
{
	TRY(wire_id(f->patient_id, &q->frame_patient));
	q->frame_has_therapist = f->has_therapist_id;
	if (f->has_therapist_id) TRY(wire_id(f->therapist_id, &q->frame_therapist));
	q->frame_has_supervisor = f->has_supervisor_id;
	if (f->has_supervisor_id) TRY(wire_id(f->supervisor_id, &q->frame_supervisor));
	q->frame_has_imported = f->has_imported;
	q->frame_imported = f->has_imported && f->imported;
	return patients_have(l, &q->frame_patient) ? ERR_OK : ERR_NOT_FOUND;
}

static enum err write_check_session(struct local *l, const struct vault *v, enum kind kind,
				    const ProtobufCMessage *msg, struct access_write *q,
				    struct record_error *ret_error)
{
	const struct id session_id = msg_session(kind, msg);
	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	struct session_state s = { 0 };
	const enum err e = local_load_session(l, v, &session_id, &fold, &s);
	if (e != ERR_OK && e != ERR_NOT_FOUND) return e;
	q->session_exists = e == ERR_OK && s.has_frame;
	if (q->session_exists) {
		q->session_therapist = s.therapist_id;
		q->session_patient = s.patient_id;
		q->session_supervisor = s.supervisor_id;
		q->session_imported = s.imported;
	}
	if (kind == KIND_SESSION_FRAME) {
		union {
			const ProtobufCMessage *any;
			const Roomkeep__SessionFrame *frame;
		} m = { .any = msg };
		TRY(write_fill_frame(l, m.frame, q));
	}
	TRY(access_may_write(q));
	ENSURE(!q->session_exists || s.sign == NULL || kind == KIND_ADDENDUM, ERR_SIGNED);
	if (kind != KIND_MEASURE) return ERR_OK;
	union {
		const ProtobufCMessage *any;
		const Roomkeep__Measure *measure;
	} m = { .any = msg };
	TRY(measure_check(m.measure, ret_error));
	return measure_check_pair(m.measure, &s, ret_error);
}

static enum err write_check_target(struct local *l, const struct vault *v,
				   const Roomkeep__Tombstone *t, uint64_t now_ms,
				   struct access_write *q)
{
	struct id target = { 0 };
	TRY(wire_id(t->target, &target));
	CLEANUP(op_row_finip) struct op_row row = { 0 };
	TRY(row_find(l, v, &target, &row));
	q->target_exists = true;
	q->target_kind = row.core.kind;
	q->target_author = row.core.author_id;
	const uint64_t came_ms = row_taken_ms(&row);
	q->target_kept = row.core.kind == KIND_INCIDENT && duty_incident_is_kept(came_ms, now_ms);
	return access_may_write(q);
}

/* Of a plain record that only who treats in its session may write. */
static enum err write_fill_session(struct local *l, const struct vault *v,
				   const struct kind_info *info, const ProtobufCMessage *msg,
				   struct access_write *q, struct record_error *ret_error)
{
	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	struct session_state s = { 0 };
	const struct payload p = msg_payload(info, msg);
	struct id session_id = { 0 };
	if (!payload_session_id(&p, &session_id)) {
		return field_fail(ret_error, ERR_BAD_VALUE, info->session_field, "an id");
	}
	const enum err e = local_load_session(l, v, &session_id, &fold, &s);
	/* Who reads no sessions may not write: access_may_write says so. */
	if (e == ERR_NOT_FOUND || e == ERR_DENIED) return ERR_OK;
	TRY(e);
	q->session_exists = s.has_frame;
	q->session_therapist = s.therapist_id;
	q->session_patient = s.patient_id;
	q->session_imported = s.imported;
	return ERR_OK;
}

static enum err write_check_plain(struct local *l, const struct vault *v,
				  const struct kind_info *info, const ProtobufCMessage *msg,
				  bool *ret_first, struct record_error *ret_error)
{
	const struct payload p = msg_payload(info, msg);
	return record_check_write(l, v, &p, ret_first, ret_error);
}

/* `*ret_first`: it is the first op of its patient, session or record. */
static enum err write_check(struct local *l, const struct vault *v, enum kind kind,
			    const ProtobufCMessage *msg, uint64_t now_ms, bool *ret_first,
			    struct record_error *ret_error)
{
	const struct kind_info *info = kind_find((uint64_t)kind);
	struct access_write q = { .kind = (uint64_t)kind,
				  .roles = person_roles(l, &v->user_id),
				  .author_id = v->user_id };
	*ret_first = false;
	union {
		const ProtobufCMessage *any;
		const Roomkeep__Patient *patient;
		const Roomkeep__Tombstone *tombstone;
	} m = { .any = msg };
	if (kind_is_of_session(kind)) {
		TRY(write_check_session(l, v, kind, msg, &q, ret_error));
		*ret_first = kind == KIND_SESSION_FRAME && !q.session_exists;
		return ERR_OK;
	}
	if (kind == KIND_TOMBSTONE) return write_check_target(l, v, m.tombstone, now_ms, &q);
	if (info->own_session) TRY(write_fill_session(l, v, info, msg, &q, ret_error));
	TRY(access_may_write(&q));
	if (kind_is_plain(info)) return write_check_plain(l, v, info, msg, ret_first, ret_error);
	if (kind == KIND_PATIENT) {
		struct id id = { 0 };
		*ret_first = wire_id(m.patient->patient_id, &id) == ERR_OK &&
			     !patients_have(l, &id);
	}
	return ERR_OK;
}

/* ---- appending ------------------------------------------------------------------------------- */

static enum err append_tx(struct local *l, struct vault *v, enum kind kind, struct view payload,
			  uint64_t now_ms, struct id *ret_op_id)
{
	CLEANUP(local_tx_endp) struct local_tx tx = { 0 };
	TRY(local_tx_begin(l, &tx));
	struct making m;
	TRY(make_begin(l, v, kind, now_ms, &m));
	TRY(make_finish(l, v, &m, payload, now_ms));
	crashpoint(CRASHPOINT_LOCAL_COMMIT_BEFORE);
	TRY(local_tx_commit(&tx));
	crashpoint(CRASHPOINT_LOCAL_COMMIT_AFTER);
	*ret_op_id = m.op_id;
	return ERR_OK;
}

enum err make_append(struct local *l, struct vault *v, enum kind kind, const ProtobufCMessage *msg,
		     bool first, uint64_t now_ms, struct id *ret_op_id,
		     struct record_error *ret_error)
{
	uint8_t blind[PAYLOAD_BLIND_BYTES];
	make_blind(l, blind);
	struct buf payload = { 0 };
	enum err e = buf_reserve(&payload, OP_BYTES_MAX); /* at once: growing leaves copies */
	if (e == ERR_OK) e = payload_encode(kind, msg, first, blind, &payload, ret_error);
	if (e == ERR_OK && payload.len + OP_CORE_BYTES + SIGN_SIG_BYTES > OP_BYTES_MAX) {
		e = ERR_TOO_BIG;
	}
	if (e == ERR_OK) {
		e = append_tx(l, v, kind, buf_view(&payload), now_ms, ret_op_id);
		/* Numbers given out in a transaction that did not hold are taken back. */
		if (e != ERR_OK && !l->batch && lanes_load(l, v) != ERR_OK) person_must_reload(l);
	}
	buf_wipe(&payload);
	buf_fini(&payload);
	return e;
}

enum err local_append(struct local *l, struct vault *v, enum kind kind, const ProtobufCMessage *msg,
		      uint64_t now_ms, struct id *ret_op_id, struct record_error *ret_error)
{
	TRY(person_check(l, v));
	ENSURE(kind == KIND_PATIENT || kind == KIND_SESSION_FRAME || kind == KIND_MEASURE ||
		       kind == KIND_ADDENDUM || kind == KIND_TOMBSTONE ||
		       kind_is_plain(kind_find((uint64_t)kind)),
	       ERR_USAGE);
	union {
		const ProtobufCMessage *any;
		const Roomkeep__Patient *patient;
		const Roomkeep__Tombstone *tombstone;
	} m = { .any = msg };
	bool first = false;
	TRY(write_check(l, v, kind, msg, now_ms, &first, ret_error));
	struct id op_id = { 0 };
	TRY(make_append(l, v, kind, msg, first, now_ms, &op_id, ret_error));
	if (kind == KIND_PATIENT) {
		struct id id = { 0 };
		TRY(wire_id(m.patient->patient_id, &id));
		TRY(patients_refresh(l, v, &id));
	}
	if (kind == KIND_TOMBSTONE) {
		struct id target = { 0 };
		TRY(wire_id(m.tombstone->target, &target));
		TRY(patients_refresh_target(l, v, &target));
	}
	*ret_op_id = op_id;
	return ERR_OK;
}

/* ---- texts and signing ----------------------------------------------------------------------- */

static enum err text_make(struct local *l, struct vault *v, const struct fold_field *field,
			  const struct id *session_id, struct view text, uint64_t now_ms,
			  struct id *ret_op_id, struct record_error *ret_error)
{
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, MAKE_ARENA_BYTES);
	ENSURE(text.len == 0 || memchr(text.p, '\0', text.len) == NULL, ERR_BAD_TEXT);
	ENSURE(text.len <= TEXT_BYTES_MAX, ERR_TOO_BIG);
	const struct view copy = arena_dup(&a, text);
	ProtobufCBinaryData parents[PARENTS_MAX];
	size_t parent_count = 0;
	for (; parent_count < field->head_count && parent_count < PARENTS_MAX; parent_count++)
		parents[parent_count] = wire_id_bytes(&field->heads[parent_count]->meta.op_id);
	ENSURE(copy.p != NULL, ERR_NOMEM);

	Roomkeep__SessionText m = ROOMKEEP__SESSION_TEXT__INIT;
	union {
		const uint8_t *in;
		char *out;
	} chars = { .in = copy.p };
	m.has_session_id = m.has_field = true;
	m.session_id = wire_id_bytes(session_id);
	m.field = field->field;
	m.text = chars.out;
	m.parents = parents;
	m.n_parents = parent_count;
	return make_append(l, v, KIND_SESSION_TEXT, &m.base, false, now_ms, ret_op_id, ret_error);
}

enum err local_set_text(struct local *l, struct vault *v, const struct id *session_id,
			Roomkeep__TextField field, struct view text, uint64_t now_ms,
			struct id *ret_op_id, struct record_error *ret_error)
{
	TRY(person_check(l, v));
	ENSURE(field >= ROOMKEEP__TEXT_FIELD__SUBJECTIVE && field <= ROOMKEEP__TEXT_FIELD__PLAN,
	       ERR_BAD_VALUE);
	Roomkeep__SessionText probe = ROOMKEEP__SESSION_TEXT__INIT;
	probe.has_session_id = true;
	probe.session_id = wire_id_bytes(session_id);
	bool first = false;
	TRY(write_check(l, v, KIND_SESSION_TEXT, &probe.base, now_ms, &first, ret_error));

	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	struct session_state s = { 0 };
	TRY(local_load_session(l, v, session_id, &fold, &s));
	const struct fold_field *f = &s.text[field - 1];
	if (f->value != NULL && !f->value->erased && view_equal(f->value->text, text)) {
		*ret_op_id = f->value->meta.op_id;
		return ERR_OK;
	}
	return text_make(l, v, f, session_id, text, now_ms, ret_op_id, ret_error);
}

/* The plain records of the session as they stand: the Sign names them. */
static enum err sign_records(struct local *l, const struct vault *v, const struct id *session_id,
			     struct arena *a, Roomkeep__Sign *m)
{
	ProtobufCBinaryData *list = arena_alloc(a, COVERED_MAX * sizeof(*list));
	struct id *ids = arena_alloc(a, COVERED_MAX * sizeof(*ids));
	size_t count = 0;
	ENSURE(list != NULL && ids != NULL, ERR_NOMEM);
	for (size_t k = 0; k < kind_count(); k++) {
		CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
		const struct record_state *records = NULL;
		size_t record_count = 0;
		if (!kind_at(k)->closed_by_sign) continue;
		TRY(local_list_session_records(l, v, kind_at(k)->kind, session_id, NULL, &fold,
					       &records, &record_count));
		for (size_t i = 0; i < record_count; i++) {
			ENSURE(count + records[i].change_count <= COVERED_MAX, ERR_TOO_BIG);
			for (size_t c = 0; c < records[i].change_count; c++) {
				ids[count] = records[i].changes[c].meta.op_id;
				list[count] = wire_id_bytes(&ids[count]);
				count++;
			}
		}
	}
	m->records = list;
	m->n_records = count;
	return ERR_OK;
}

enum err local_sign_session(struct local *l, struct vault *v, const struct id *session_id,
			    uint64_t now_ms, struct id *ret_op_id)
{
	TRY(person_check(l, v));
	Roomkeep__Sign m = ROOMKEEP__SIGN__INIT;
	m.has_session_id = m.has_values_hash = true;
	m.session_id = wire_id_bytes(session_id);
	bool first = false;
	TRY(write_check(l, v, KIND_SIGN, &m.base, now_ms, &first, NULL));

	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	struct session_state s = { 0 };
	TRY(local_load_session(l, v, session_id, &fold, &s));
	ENSURE(!s.has_conflict, ERR_CONFLICT);
	ENSURE(s.cover_count <= COVERED_MAX, ERR_TOO_BIG);
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, MAKE_ARENA_BYTES);
	ProtobufCBinaryData *covered = arena_alloc(&a, (s.cover_count + 1) * sizeof(*covered));
	ENSURE(covered != NULL, ERR_NOMEM);
	for (size_t i = 0; i < s.cover_count; i++) covered[i] = wire_id_bytes(&s.covers[i]);
	m.covered = covered;
	m.n_covered = s.cover_count;
	m.values_hash = wire_bytes(VIEW_OF(s.values_hash));
	TRY(sign_records(l, v, session_id, &a, &m));
	return make_append(l, v, KIND_SIGN, &m.base, false, now_ms, ret_op_id, NULL);
}

/* ---- a chart was shown ----------------------------------------------------------------------- */

enum err local_opened(struct local *l, struct vault *v, const struct id *patient_id,
		      const struct id *session_id, uint64_t now_ms)
{
	TRY(person_check(l, v));
	const struct id session = session_id != NULL ? *session_id : (struct id){ 0 };
	for (size_t i = 0; i < LOCAL_OPENED_MARKS; i++) {
		const struct local_opened_mark *mark = &l->opened[i];
		if (mark->at_ms != 0 && id_equal(&mark->patient_id, patient_id) &&
		    id_equal(&mark->session_id, &session) &&
		    now_ms < mark->at_ms + LOCAL_OPENED_MS) {
			return ERR_OK;
		}
	}
	bool first = false;
	Roomkeep__Opened m = ROOMKEEP__OPENED__INIT;
	m.has_patient_id = true;
	m.patient_id = wire_id_bytes(patient_id);
	m.has_session_id = session_id != NULL;
	m.session_id = wire_id_bytes(&session);
	TRY(write_check(l, v, KIND_OPENED, &m.base, now_ms, &first, NULL));
	struct id op_id;
	TRY(make_append(l, v, KIND_OPENED, &m.base, false, now_ms, &op_id, NULL));
	l->opened[l->opened_next] = (struct local_opened_mark){ .patient_id = *patient_id,
								.session_id = session,
								.at_ms = now_ms };
	l->opened_next = (l->opened_next + 1) % LOCAL_OPENED_MARKS;
	return ERR_OK;
}
