/* rows: op rows as they stand on disk: a FeedOp with the op's own bytes, sealed for its reader. */
#include "client/store/local_priv.h"

#include "seal/local_row.h"

#include <stdlib.h>

#define ROW_ARENA_BYTES (4u * MIB)
#define ROW_REV 1u

static struct row_context row_context(const struct vault *v, const char *table,
				      const struct id *op_id)
{
	return (struct row_context){ .room_id = v->room_id,
				     .user_id = v->user_id,
				     .table = table,
				     .row_id = id_view(op_id),
				     .row_rev = ROW_REV };
}

void op_row_fini(struct op_row *r)
{
	buf_wipe(&r->plain);
	buf_fini(&r->plain);
	arena_fini(&r->arena);
}

void op_row_finip(struct op_row *r)
{
	op_row_fini(r);
}

/* ---- writing --------------------------------------------------------------------------------- */

static enum err row_encode(const struct wire_op *op, const struct row_origin *origin,
			   struct buf *plain)
{
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, ROW_ARENA_BYTES);
	Roomkeep__FeedOp f = ROOMKEEP__FEED_OP__INIT;
	TRY(wire_op_write(&a, op, &f.op));
	f.has_seq = origin->seq != 0;
	f.seq = origin->seq;
	f.has_received_ms = origin->received_ms != 0;
	f.received_ms = origin->received_ms;
	f.has_room_id = !id_is_zero(&origin->room_id);
	f.room_id = wire_id_bytes(&origin->room_id);
	f.has_code = origin->code != ERR_OK;
	f.code = origin->code;
	const size_t size = roomkeep__feed_op__get_packed_size(&f);
	TRY(buf_reserve(plain, size));
	plain->len = roomkeep__feed_op__pack(&f, plain->p);
	return ERR_OK;
}

static enum err row_sealed(const struct vault *v, const char *table, const struct id *op_id,
			   const struct wire_op *op, const struct row_origin *origin,
			   struct buf *sealed)
{
	struct buf plain = { 0 };
	const struct row_context c = row_context(v, table, op_id);
	enum err e = row_encode(op, origin, &plain);
	if (e == ERR_OK) e = row_seal(v->local_key, &c, buf_view(&plain), sealed);
	buf_wipe(&plain);
	buf_fini(&plain);
	return e;
}

enum err row_insert(struct local *l, const struct vault *v, const struct op_core *core,
		    const struct wire_op *op, const struct row_origin *origin,
		    const struct op_tags *tags)
{
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	TRY(row_sealed(v, "op", &core->op_id, op, origin, &sealed));
	same_on_op(l, core->kind);
	return db_run(l->db,
		      "INSERT INTO op (user_id, op_id, seq, subject, patient, sealed, code, found)"
		      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
		      DB_ARGS(db_id(&v->user_id), db_id(&core->op_id),
			      db_maybe(origin->seq != 0, db_u64(origin->seq)),
			      db_maybe(tags->has_subject, db_blob(VIEW_OF(tags->subject))),
			      db_maybe(tags->has_patient, db_blob(VIEW_OF(tags->patient))),
			      db_blob(buf_view(&sealed)), db_i64(origin->code),
			      db_maybe(tags->has_found, db_blob(VIEW_OF(tags->found)))));
}

enum err row_insert_odd(struct local *l, const struct vault *v, const struct op_core *core,
			const struct wire_op *op, const struct row_origin *origin)
{
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	TRY(row_sealed(v, "odd_op", &core->op_id, op, origin, &sealed));
	return db_run(l->db, "INSERT INTO odd_op (user_id, op_id, sealed) VALUES (?1, ?2, ?3)",
		      DB_ARGS(db_id(&v->user_id), db_id(&core->op_id), db_blob(buf_view(&sealed))));
}

/* ---- reading --------------------------------------------------------------------------------- */

/* With user_id: another person's op may wait in the outbox and have come by the feed too. */
#define ROW_COLUMNS                                                                                \
	"SELECT op.ord, op.op_id, op.seq, op.sealed, outbox.state, outbox.code, op.code FROM op"   \
	" LEFT JOIN outbox ON outbox.op_id = op.op_id AND outbox.user_id = op.user_id"             \
	" WHERE op.user_id = ?1 "

static enum err row_decode(struct op_row *r)
{
	ProtobufCMessage *any = NULL;
	const enum err e = scan_unpack(&r->arena, &roomkeep__feed_op__descriptor,
				       buf_view(&r->plain), &any, NULL, NULL);
	if (e != ERR_OK) return e == ERR_NOMEM ? e : ERR_CORRUPT;
	const Roomkeep__FeedOp *f = (const Roomkeep__FeedOp *)(const void *)any;
	ENSURE(f->op != NULL, ERR_CORRUPT);
	const enum err read = wire_op_read(&r->arena, f->op, &r->op);
	if (read != ERR_OK) return read == ERR_NOMEM ? read : ERR_CORRUPT;
	if (op_core_parse(r->op.core, &r->core) != ERR_OK) return ERR_CORRUPT;
	r->hash = op_hash(r->op.core);
	r->received_ms = f->received_ms;
	if (f->has_room_id && wire_id(f->room_id, &r->room_id) != ERR_OK) return ERR_CORRUPT;
	return ERR_OK;
}

static enum err row_open_stmt(const struct vault *v, struct db_stmt *stmt, struct op_row *r)
{
	*r = (struct op_row){ .ord = db_col_u64(stmt, 0), .seq = db_col_u64(stmt, 2) };
	arena_init(&r->arena, ROW_ARENA_BYTES);
	TRY(db_col_id(stmt, 1, &r->op_id));
	r->state = LOCAL_OP_COMMITTED;
	if (!db_col_is_null(stmt, 4)) {
		r->state = (enum local_op_state)db_col_u64(stmt, 4);
		r->code = (enum err)db_col_i64(stmt, 5);
	} else if (db_col_i64(stmt, 6) != ERR_OK) {
		r->state = LOCAL_OP_REJECTED;
		r->code = (enum err)db_col_i64(stmt, 6);
	}
	const struct view sealed = db_col_view(stmt, 3);
	const struct row_context c = row_context(v, "op", &r->op_id);
	TRY(buf_reserve(&r->plain, sealed.len)); /* at once: growing would leave plain copies */
	const enum err e = row_open(v->local_key, &c, sealed, &r->plain);
	if (e != ERR_OK) return e == ERR_NOMEM ? e : ERR_CORRUPT;
	TRY(row_decode(r));
	return id_equal(&r->core.op_id, &r->op_id) ? ERR_OK : ERR_CORRUPT;
}

enum err row_find(struct local *l, const struct vault *v, const struct id *op_id,
		  struct op_row *ret)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query_row(l->db, ROW_COLUMNS "AND op.op_id = ?2",
			 DB_ARGS(db_id(&v->user_id), db_id(op_id)), &stmt));
	struct op_row r;
	const enum err e = row_open_stmt(v, stmt, &r);
	if (e != ERR_OK) {
		op_row_fini(&r);
		return e;
	}
	*ret = r;
	return ERR_OK;
}

static enum err row_each(const struct vault *v, struct db_stmt *stmt, struct row_visitor visit)
{
	for (;;) {
		bool have = false;
		TRY(db_step(stmt, &have));
		if (!have) return ERR_OK;
		CLEANUP(op_row_finip) struct op_row r = { 0 };
		TRY(row_open_stmt(v, stmt, &r));
		TRY(visit.each(visit.ctx, &r));
	}
}

enum err row_each_subject(struct local *l, const struct vault *v,
			  const uint8_t tag[VAULT_TAG_BYTES], struct row_visitor visit)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(l->db, ROW_COLUMNS "AND op.subject = ?2 ORDER BY op.ord",
		     DB_ARGS(db_id(&v->user_id), db_blob(view_of(tag, VAULT_TAG_BYTES))), &stmt));
	return row_each(v, stmt, visit);
}

enum err row_each_newest(struct local *l, const struct vault *v, const uint8_t tag[VAULT_TAG_BYTES],
			 struct row_visitor visit)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(l->db, ROW_COLUMNS "AND op.subject = ?2 ORDER BY op.ord DESC",
		     DB_ARGS(db_id(&v->user_id), db_blob(view_of(tag, VAULT_TAG_BYTES))), &stmt));
	const enum err e = row_each(v, stmt, visit);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err row_each_patient(struct local *l, const struct vault *v,
			  const uint8_t tag[VAULT_TAG_BYTES], struct row_visitor visit)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(l->db, ROW_COLUMNS "AND op.patient = ?2 ORDER BY op.ord",
		     DB_ARGS(db_id(&v->user_id), db_blob(view_of(tag, VAULT_TAG_BYTES))), &stmt));
	return row_each(v, stmt, visit);
}

enum err row_each_found(struct local *l, const struct vault *v, const uint8_t tag[VAULT_TAG_BYTES],
			struct row_visitor visit)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(l->db, ROW_COLUMNS "AND op.found = ?2 ORDER BY op.ord",
		     DB_ARGS(db_id(&v->user_id), db_blob(view_of(tag, VAULT_TAG_BYTES))), &stmt));
	return row_each(v, stmt, visit);
}

enum err row_each_of_patients(struct local *l, const struct vault *v, struct row_visitor visit)
{
	uint8_t tag[VAULT_TAG_BYTES];
	vault_tag(v, TAG_PATIENTS, &(struct id){ 0 }, tag);
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(l->db, ROW_COLUMNS "AND op.subject = ?2 ORDER BY op.patient, op.ord",
		     DB_ARGS(db_id(&v->user_id), db_blob(VIEW_OF(tag))), &stmt));
	return row_each(v, stmt, visit);
}

enum err row_each_all(struct local *l, const struct vault *v, struct row_visitor visit)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(l->db, ROW_COLUMNS "ORDER BY op.ord", DB_ARGS(db_id(&v->user_id)), &stmt));
	return row_each(v, stmt, visit);
}

enum err row_each_pending(struct local *l, const struct vault *v, struct row_visitor visit)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(l->db, ROW_COLUMNS "AND outbox.state IN (0, 3, 4) ORDER BY outbox.ord",
		     DB_ARGS(db_id(&v->user_id)), &stmt));
	return row_each(v, stmt, visit);
}

enum err row_each_refused(struct local *l, const struct vault *v, struct row_visitor visit)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(l->db, ROW_COLUMNS "AND op.code <> 0 ORDER BY op.ord",
		     DB_ARGS(db_id(&v->user_id)), &stmt));
	return row_each(v, stmt, visit);
}

enum err row_each_committed(struct local *l, const struct vault *v, uint64_t max,
			    struct row_visitor visit)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(l->db, ROW_COLUMNS "AND outbox.state = 1 ORDER BY outbox.ord DESC LIMIT ?2",
		     DB_ARGS(db_id(&v->user_id), db_u64(max)), &stmt));
	return row_each(v, stmt, visit);
}

enum err row_each_queued(struct local *l, const struct vault *v, uint64_t max,
			 struct row_visitor visit)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(l->db, ROW_COLUMNS "AND outbox.state = 0 ORDER BY outbox.ord LIMIT ?2",
		     DB_ARGS(db_id(&v->user_id), db_u64(max)), &stmt));
	return row_each(v, stmt, visit);
}

enum err row_payload(struct op_row *row, struct payload *ret)
{
	ENSURE(row->op.has_payload, ERR_NOT_FOUND);
	return payload_decode(&row->arena, row->core.kind, row->op.payload, ret, NULL);
}

struct fold_meta row_meta(const struct op_row *row)
{
	return (struct fold_meta){ .op_id = row->op_id,
				   .author_id = row->core.author_id,
				   .room_id = row->room_id,
				   .seq = row->seq,
				   .local_order = row->ord,
				   .client_time_ms = row->core.client_time_ms };
}

uint64_t row_taken_ms(const struct op_row *row)
{
	return row->received_ms != 0 ? row->received_ms : row->core.client_time_ms;
}

bool row_counts(const struct op_row *row)
{
	/* What the server did not take is shown to its author as pending, never as the record. */
	return row->state == LOCAL_OP_COMMITTED || row->state == LOCAL_OP_QUEUED;
}

/* ---- tags ------------------------------------------------------------------------------------ */

static void tag_subject(const struct vault *v, const char *what, const struct id *id,
			struct op_tags *ret)
{
	vault_tag(v, what, id, ret->subject);
	ret->has_subject = true;
}

static void tag_patient(const struct vault *v, const char *what, const struct id *id,
			struct op_tags *ret)
{
	vault_tag(v, what, id, ret->patient);
	ret->has_patient = true;
}

/* A tombstone stands with its target, or waits for it under the target's id. */
static enum err tag_tombstone(struct local *l, const struct vault *v, const struct payload *p,
			      struct op_tags *ret)
{
	struct id target = { 0 };
	if (!payload_subject_id(p, &target)) return ERR_OK;
	tag_subject(v, TAG_TARGET, &target, ret);
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	const enum err e = db_query_row(
		l->db, "SELECT subject, patient FROM op WHERE user_id = ?1 AND op_id = ?2",
		DB_ARGS(db_id(&v->user_id), db_id(&target)), &stmt);
	if (e == ERR_NOT_FOUND) return ERR_OK;
	TRY(e);
	/* A target whose words are not here has no tags; a page that was asked for before they were
	 * erased may still bring them, and must find its tombstone waiting. */
	if (db_col_is_null(stmt, 0)) return ERR_OK;
	ret->has_patient = !db_col_is_null(stmt, 1);
	TRY(db_col_bytes(stmt, 0, ret->subject, sizeof(ret->subject)));
	if (ret->has_patient) TRY(db_col_bytes(stmt, 1, ret->patient, sizeof(ret->patient)));
	return ERR_OK;
}

enum err row_tags(struct local *l, const struct vault *v, uint64_t kind, const struct payload *p,
		  struct op_tags *ret)
{
	*ret = (struct op_tags){ 0 };
	struct id id = { 0 };
	if (kind_is_plain(p->info)) {
		record_tags(v, p, ret);
	} else if (kind == KIND_PATIENT && payload_patient_id(p, &id)) {
		tag_subject(v, TAG_PATIENTS, &(struct id){ 0 }, ret);
		tag_patient(v, TAG_PATIENT, &id, ret);
	} else if (kind == KIND_TOMBSTONE || kind == KIND_SEALED_TOMBSTONE) {
		TRY(tag_tombstone(l, v, p, ret));
	} else if (kind == KIND_NOTE) {
		tag_subject(v, TAG_NOTES, &(struct id){ 0 }, ret);
	} else if (kind == KIND_OPENED) {
		tag_subject(v, TAG_OPENED, &(struct id){ 0 }, ret);
	} else if (payload_session_id(p, &id)) {
		tag_subject(v, TAG_SESSION, &id, ret);
		if (kind == KIND_SESSION_FRAME && payload_patient_id(p, &id))
			tag_patient(v, TAG_FRAMES, &id, ret);
	}
	return ERR_OK;
}

/* A tombstone that came before its target is found with it from now on. */
enum err row_adopt_tombstones(struct local *l, const struct vault *v, const struct id *op_id,
			      const struct op_tags *tags)
{
	uint8_t waiting[VAULT_TAG_BYTES];
	vault_tag(v, TAG_TARGET, op_id, waiting);
	return db_run(
		l->db,
		"UPDATE op SET subject = ?3, patient = ?4 WHERE user_id = ?1 AND subject = ?2",
		DB_ARGS(db_id(&v->user_id), db_blob(VIEW_OF(waiting)),
			db_maybe(tags->has_subject, db_blob(VIEW_OF(tags->subject))),
			db_maybe(tags->has_patient, db_blob(VIEW_OF(tags->patient)))));
}
