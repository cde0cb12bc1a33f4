/* feed: ops that arrive are checked as if the server were lying, then stored with the cursor. */
#include "client/store/feed.h"

#include "base/crashpoint.h"
#include "client/store/local_priv.h"

#include <stdlib.h>

/* One batch while it is being stored. */
struct batch {
	struct local *l;
	struct vault *v;
	struct arena *arena;
	bool fetched;    /* some records only: says nothing about lanes */
	uint64_t alarms; /* bits, raised when the transaction is over */
	struct id patients[BATCH_OPS_MAX];
	size_t patient_count;
	bool all_patients; /* a tombstone took a patient op: read them all again */
	struct id notes[BATCH_OPS_MAX];
	size_t note_count;
};

static void batch_alarm(struct batch *b, enum local_alarm a)
{
	b->alarms |= 1ull << a;
}

/* ---- one's own lanes (SECURITY 2.13) --------------------------------------------------------- */

static enum err lane_of_op(struct batch *b, const struct op_core *core, const struct wire_op *op,
			   struct local_lane **ret)
{
	struct local_lane *lane = lane_find(b->l, &core->lane_id);
	if (lane != NULL) {
		*ret = lane;
		return ERR_OK;
	}
	const struct kind_info *info = kind_find(core->kind);
	uint32_t class = info != NULL ? (uint32_t)info->lane : LANE_CHART;
	if (op->has_intro) {
		struct hash32 id;
		TRY(lane_id_make(&op->intro.user_id, &op->intro.room_id,
				 (enum op_lane_class)op->intro.lane_class, op->intro.random16.b,
				 &id));
		ENSURE(hash_equal(&id, &core->lane_id) &&
			       id_equal(&op->intro.user_id, &core->author_id) &&
			       kind_fits_lane(core->kind, op->intro.lane_class),
		       ERR_AUTH);
		class = op->intro.lane_class;
	}
	return lane_add(b->l, &core->lane_id, class, ret);
}

/* `known`: this very op id is stored already. */
static enum err own_lane_check(struct batch *b, const struct op_core *core,
			       const struct wire_op *op, const struct hash32 *hash, bool known)
{
	struct local_lane *lane = NULL;
	TRY(lane_of_op(b, core, op, &lane));
	if (lane->seen_seq == core->lane_seq && !hash_equal(&lane->seen_hash, hash))
		batch_alarm(b, LOCAL_ALARM_LANE_FORK);
	if (core->lane_seq <= lane->seq) {
		if (!known) batch_alarm(b, LOCAL_ALARM_LANE_FORK);
		return ERR_OK;
	}
	if (core->lane_seq != lane->seq + 1) {
		batch_alarm(b, LOCAL_ALARM_LANE_GAP);
	} else if (!hash_equal(&core->prev_hash, &lane->hash)) {
		batch_alarm(b, LOCAL_ALARM_LANE_FORK);
	}
	/* Both are kept and the lane is followed on; the flag stands until a person has looked. */
	lane->seq = core->lane_seq;
	lane->hash = *hash;
	return lane_store(b->l, b->v, lane);
}

/* ---- one op ---------------------------------------------------------------------------------- */

static enum err op_check(struct batch *b, const struct wire_op *op, struct op_core *ret)
{
	struct op_core core;
	TRY(op_core_parse(op->core, &core));
	ENSURE(id_equal(&core.clinic_id, &b->l->room.clinic_id), ERR_AUTH);
	const struct dir_key *key = dir_key(&b->l->dir, &core.author_id, core.author_gen);
	ENSURE(key != NULL, ERR_NOT_FOUND);
	struct sign_sig sig;
	TRY(sign_sig_from_view(op->signature, &sig));
	TRY(op_verify(&key->sign_pk, op->core, &sig));
	if (op->has_payload) TRY(op_check_payload(&core, op->payload));
	*ret = core;
	return ERR_OK;
}

/* Is it stored? If under this id something else is: kept aside. `*ret_whole`: with its payload, or
 * as much of it as has come now. */
static enum err op_known(struct batch *b, const struct op_core *core, const struct wire_op *op,
			 const struct hash32 *hash, const struct row_origin *origin,
			 bool *ret_known, bool *ret_whole)
{
	*ret_known = *ret_whole = false;
	CLEANUP(op_row_finip) struct op_row row = { 0 };
	const enum err e = row_find(b->l, b->v, &core->op_id, &row);
	if (e == ERR_NOT_FOUND) return ERR_OK;
	TRY(e);
	*ret_known = true;
	*ret_whole = row.op.has_payload || !op->has_payload;
	if (!hash_equal(&row.hash, hash)) {
		*ret_whole = true;
		batch_alarm(b, LOCAL_ALARM_LANE_FORK);
		return row_insert_odd(b->l, b->v, core, op, origin);
	}
	if (row.seq != 0) return ERR_OK;
	return db_run(b->l->db, "UPDATE op SET seq = ?3 WHERE user_id = ?1 AND op_id = ?2",
		      DB_ARGS(db_id(&b->v->user_id), db_id(&core->op_id), db_u64(origin->seq)));
}

static enum err op_may_read(struct batch *b, const struct op_core *core, const struct payload *p,
			    bool own, bool *ret)
{
	struct access_read q = { .kind = core->kind,
				 .roles = person_roles(b->l, &b->v->user_id),
				 .is_author = own };
	struct id target = { 0 };
	if (core->kind == KIND_TOMBSTONE && p != NULL && payload_subject_id(p, &target)) {
		CLEANUP(op_row_finip) struct op_row row = { 0 };
		const enum err e = row_find(b->l, b->v, &target, &row);
		if (e == ERR_OK)
			q.target_kind = row.core.kind;
		else if (e != ERR_NOT_FOUND)
			return e;
		if (q.target_kind == KIND_PATIENT) b->all_patients = true;
	}
	*ret = access_may_read(&q);
	return ERR_OK;
}

static void op_touch(struct batch *b, const struct op_core *core, const struct payload *p)
{
	struct id id = { 0 };
	/* Both lists hold an id for each op of a batch (batch_rows). */
	INSIST(b->patient_count < BATCH_OPS_MAX && b->note_count < BATCH_OPS_MAX);
	if (core->kind == KIND_PATIENT && payload_patient_id(p, &id))
		b->patients[b->patient_count++] = id;
	if (core->kind == KIND_NOTE) b->notes[b->note_count++] = core->op_id;
}

static enum err op_store(struct batch *b, const struct op_core *core, const struct wire_op *op,
			 const struct row_origin *origin, bool own)
{
	struct payload p = { 0 };
	struct payload *have = NULL;
	if (op->has_payload) {
		const enum err e = payload_decode(b->arena, core->kind, op->payload, &p, NULL);
		ENSURE(e != ERR_NOMEM, ERR_NOMEM);
		/* Unknown kind or unreadable content: the bytes are kept and shown to nobody. */
		if (e == ERR_OK) have = &p;
	}
	bool may = false;
	TRY(op_may_read(b, core, have, own, &may));
	/* One's own are kept also while their content may not be read, as the cores that the lane
	 * is followed by: an op that is not known here later looks like a fork. */
	if (!may && !own) return ERR_OK;
	struct op_tags tags = { 0 };
	if (have != NULL) TRY(row_tags(b->l, b->v, core->kind, have, &tags));
	TRY(row_insert(b->l, b->v, core, op, origin, &tags));
	if (have == NULL) return ERR_OK;
	op_touch(b, core, have);
	if (core->kind == KIND_TOMBSTONE || core->kind == KIND_SEALED_TOMBSTONE) return ERR_OK;
	return row_adopt_tombstones(b->l, b->v, &core->op_id, &tags);
}

static enum err origin_read(const Roomkeep__FeedOp *f, bool own, struct row_origin *ret)
{
	ENSURE(f->has_seq && f->seq > 0, ERR_BAD_FORMAT);
	*ret = (struct row_origin){ .seq = f->seq };
	if (f->has_received_ms) ret->received_ms = f->received_ms;
	if (f->has_room_id) TRY(wire_id(f->room_id, &ret->room_id));
	if (!f->has_code || f->code == ERR_OK) return ERR_OK;
	/* Nobody else's business: an honest server tells its author only. */
	ENSURE(own, ERR_BAD_VALUE);
	ret->code = err_from_wire(f->code);
	return ERR_OK;
}

static enum err op_apply(struct batch *b, const Roomkeep__FeedOp *f)
{
	ENSURE(f->op != NULL, ERR_BAD_FORMAT);
	struct wire_op op;
	struct op_core core;
	struct row_origin origin;
	TRY(wire_op_read(b->arena, f->op, &op));
	TRY(op_check(b, &op, &core));
	const struct hash32 hash = op_hash(op.core);
	const bool own = id_equal(&core.author_id, &b->v->user_id);
	TRY(origin_read(f, own, &origin));
	bool known = false;
	bool whole = false;
	TRY(op_known(b, &core, &op, &hash, &origin, &known, &whole));
	if (own && !b->fetched) TRY(own_lane_check(b, &core, &op, &hash, known));
	if (known && whole) return ERR_OK;
	/* It came without its payload when that was not allowed, and is allowed now. */
	if (known)
		TRY(db_run(b->l->db, "DELETE FROM op WHERE user_id = ?1 AND op_id = ?2",
			   DB_ARGS(db_id(&b->v->user_id), db_id(&core.op_id))));
	return op_store(b, &core, &op, &origin, own);
}

/* ---- a batch --------------------------------------------------------------------------------- */

static enum err batch_rows(struct batch *b, Roomkeep__FeedOp **ops, size_t count)
{
	ENSURE(count <= BATCH_OPS_MAX, ERR_TOO_BIG);
	for (size_t i = 0; i < count; i++) TRY(op_apply(b, ops[i]));
	return ERR_OK;
}

static enum err cursor_set(struct local *l, const struct id *user_id, const struct local_cursor *c)
{
	return db_run(l->db,
		      "INSERT INTO cursor (user_id, epoch, seq, scope_version)"
		      " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (user_id) DO UPDATE"
		      " SET epoch = ?2, seq = ?3, scope_version = ?4",
		      DB_ARGS(db_id(user_id), db_blob(id_view(&c->epoch)), db_u64(c->seq),
			      db_u64(c->scope_version)));
}

static enum err batch_refresh(struct batch *b)
{
	if (b->all_patients) {
		patients_forget(b->l);
		TRY(patients_load(b->l, b->v));
	}
	for (size_t i = 0; i < b->patient_count && !b->all_patients; i++)
		TRY(patients_refresh(b->l, b->v, &b->patients[i]));
	for (size_t i = 0; i < b->note_count; i++) {
		CLEANUP(op_row_finip) struct op_row row = { 0 };
		TRY(row_find(b->l, b->v, &b->notes[i], &row));
		const enum err e = notes_add(b->l, b->v, &row);
		/* One that does not open is kept and not listed; the others are not hidden by
		 * it. Nothing is read from the disk for it: only memory can run out. */
		ENSURE(e != ERR_NOMEM, e);
	}
	return ERR_OK;
}

static enum err batch_alarms(struct batch *b, uint64_t now_ms)
{
	for (unsigned a = 1; a < LOCAL_ALARM_COUNT; a++)
		if ((b->alarms & 1ull << a) != 0)
			TRY(local_raise(b->l, (enum local_alarm)a, now_ms));
	return ERR_OK;
}

/* What is left to do after a transaction that did not hold. */
static enum err batch_failed(struct batch *b, enum err e, uint64_t now_ms)
{
	if (e == ERR_AUTH || e == ERR_BAD_FORMAT || e == ERR_BAD_VALUE || e == ERR_TOO_BIG)
		batch_alarm(b, LOCAL_ALARM_FORGED);
	if (lanes_load(b->l, b->v) != ERR_OK) person_must_reload(b->l);
	TRY(batch_alarms(b, now_ms));
	return e;
}

static enum err feed_store(struct batch *b, const Roomkeep__Feed *feed, struct local_cursor *c)
{
	struct id epoch = { 0 };
	ENSURE(feed->has_epoch && feed->has_up_to_seq, ERR_BAD_FORMAT);
	TRY(wire_id(feed->epoch, &epoch));
	if (!id_equal(&epoch, &b->l->room.epoch.epoch)) {
		batch_alarm(b, LOCAL_ALARM_EPOCH);
		return ERR_VERSION;
	}
	CLEANUP(local_tx_endp) struct local_tx tx = { 0 };
	TRY(local_tx_begin(b->l, &tx));
	crashpoint(CRASHPOINT_LOCAL_FEED_BEFORE);
	TRY(batch_rows(b, feed->ops, feed->n_ops));
	crashpoint(CRASHPOINT_LOCAL_FEED_AFTER_ROWS);
	TRY(local_cursor(b->l, b->v, c));
	c->epoch = epoch;
	c->seq = feed->up_to_seq;
	TRY(cursor_set(b->l, &b->v->user_id, c));
	TRY(local_tx_commit(&tx));
	crashpoint(CRASHPOINT_LOCAL_FEED_AFTER);
	return ERR_OK;
}

/* With everything here: is what another room of this person had seen among it? */
static void feed_check_seen(struct batch *b)
{
	for (size_t i = 0; i < b->l->lane_count; i++)
		if (b->l->lanes[i].seq < b->l->lanes[i].seen_seq)
			batch_alarm(b, LOCAL_ALARM_LANE_ROLLBACK);
}

enum err feed_apply(struct local *l, struct vault *v, struct view frame, uint64_t now_ms,
		    struct local_cursor *ret_cursor, bool *ret_live)
{
	TRY(person_check(l, v));
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, 2 * FRAME_PARSE_BYTES_MAX);
	Roomkeep__Frame *f = NULL;
	TRY(frame_decode(&a, frame, &f));
	ENSURE(f->body_case == ROOMKEEP__FRAME__BODY_FEED, ERR_PROTO);
	CLEANUP(freep) struct batch *b = calloc(1, sizeof(*b));
	ENSURE(b != NULL, ERR_NOMEM);
	*b = (struct batch){ .l = l, .v = v, .arena = &a };
	struct local_cursor c = { 0 };
	const enum err e = feed_store(b, f->feed, &c);
	if (e != ERR_OK) return batch_failed(b, e, now_ms);
	const bool live = f->feed->has_live && f->feed->live;
	if (live) feed_check_seen(b);
	TRY(batch_refresh(b));
	TRY(batch_alarms(b, now_ms));
	*ret_cursor = c;
	*ret_live = live;
	return ERR_OK;
}

/* ---- pages of older records ------------------------------------------------------------------ */

static enum err page_store(struct batch *b, const Roomkeep__FetchPage *page,
			   const struct feed_fetch *what, uint64_t now_ms)
{
	CLEANUP(local_tx_endp) struct local_tx tx = { 0 };
	TRY(local_tx_begin(b->l, &tx));
	TRY(batch_rows(b, page->ops, page->n_ops));
	if (what != NULL && !(page->has_more && page->more)) {
		TRY(what->is_part && page->has_sessions
			    ? history_set_part(b->l, b->v, what, now_ms, page->sessions)
			    : history_set_whole(b->l, b->v, &what->patient_id, now_ms,
						page->last_seq));
	}
	return local_tx_commit(&tx);
}

enum err feed_apply_page(struct local *l, struct vault *v, const struct feed_fetch *what,
			 struct view frame, uint64_t now_ms, uint64_t *ret_after_seq,
			 bool *ret_more)
{
	TRY(person_check(l, v));
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, 2 * FRAME_PARSE_BYTES_MAX);
	Roomkeep__Frame *f = NULL;
	TRY(frame_decode(&a, frame, &f));
	ENSURE(f->body_case == ROOMKEEP__FRAME__BODY_FETCH_PAGE, ERR_PROTO);
	CLEANUP(freep) struct batch *b = calloc(1, sizeof(*b));
	ENSURE(b != NULL, ERR_NOMEM);
	*b = (struct batch){ .l = l, .v = v, .arena = &a, .fetched = true };
	const enum err e = page_store(b, f->fetch_page, what, now_ms);
	if (e != ERR_OK) return batch_failed(b, e, now_ms);
	TRY(batch_refresh(b));
	TRY(batch_alarms(b, now_ms));
	*ret_after_seq = f->fetch_page->last_seq;
	*ret_more = f->fetch_page->has_more && f->fetch_page->more;
	return ERR_OK;
}

/* ---- scope ----------------------------------------------------------------------------------- */

/* Ids, unsorted. */
struct purge_ids {
	struct id *ids; /* owned */
	size_t count, cap;
};

static enum err ids_add(struct purge_ids *list, const struct id *id)
{
	if (list->count == list->cap) {
		const size_t cap = list->cap == 0 ? 64 : list->cap * 2;
		struct id *more = realloc(list->ids, cap * sizeof(*more));
		ENSURE(more != NULL, ERR_NOMEM);
		list->ids = more;
		list->cap = cap;
	}
	list->ids[list->count++] = *id;
	return ERR_OK;
}

static bool ids_have(const struct purge_ids *list, const struct id *id)
{
	for (size_t i = 0; i < list->count; i++)
		if (id_equal(&list->ids[i], id)) return true;
	return false;
}

struct purge {
	struct local *l;
	const struct vault *v;
	struct purge_ids gone;       /* op ids */
	struct purge_ids tombstones; /* of other people; of these what they erased decides */
	struct purge_ids sessions;   /* of patients who withhold something: session, patient, ... */
};

static void purge_fini(struct purge *p)
{
	free(p->gone.ids);
	free(p->tombstones.ids);
	free(p->sessions.ids);
}

/* A frame of a patient who withholds something: texts and measures name only the session. */
static enum err purge_frame(void *ctx, struct op_row *row)
{
	struct purge *p = ctx;
	struct payload payload = { 0 };
	struct id session_id = { 0 };
	struct id patient_id = { 0 };
	bool any = false;
	if (row->core.kind != KIND_SESSION_FRAME) return ERR_OK;
	const enum err e = row_payload(row, &payload);
	if (e == ERR_NOT_FOUND) return ERR_OK;
	TRY(e);
	if (!payload_session_id(&payload, &session_id) ||
	    !payload_patient_id(&payload, &patient_id))
		return ERR_OK;
	for (size_t i = 0; i < p->l->bar_count; i++)
		any = any || id_equal(&p->l->bars[i].patient_id, &patient_id);
	if (!any) return ERR_OK;
	TRY(ids_add(&p->sessions, &session_id));
	return ids_add(&p->sessions, &patient_id);
}

static enum err purge_is_withheld(struct purge *p, struct op_row *row, bool *ret)
{
	struct payload payload = { 0 };
	struct id session_id = { 0 };
	struct id patient_id = { 0 };
	*ret = false;
	if (p->l->bar_count == 0) return ERR_OK;
	const enum err e = row_payload(row, &payload);
	if (e == ERR_NOT_FOUND) { /* erased: nothing says whose it was; it comes again if it may */
		*ret = true;
		return ERR_OK;
	}
	TRY(e);
	if (payload_session_id(&payload, &session_id)) {
		for (size_t i = 0; i + 1 < p->sessions.count; i += 2)
			if (id_equal(&p->sessions.ids[i], &session_id))
				patient_id = p->sessions.ids[i + 1];
	}
	return withheld_row(p->l, p->v, row, &payload, &patient_id, ret);
}

/* A directive that came before may be against who is in now: all come again that may. */
static bool purge_comes_again(const struct op_row *row)
{
	return row->core.kind == KIND_DIRECTIVE || row->core.kind == KIND_DIRECTIVE_END;
}

static enum err purge_look(void *ctx, struct op_row *row)
{
	struct purge *p = ctx;
	const struct access_read q = { .kind = row->core.kind,
				       .roles = person_roles(p->l, &p->v->user_id),
				       .is_author =
					       id_equal(&row->core.author_id, &p->v->user_id) };
	bool withheld = false;
	if (q.is_author) return ERR_OK; /* one's own stay: outbox, drafts */
	if (row->core.kind == KIND_TOMBSTONE) return ids_add(&p->tombstones, &row->op_id);
	if (access_may_read(&q) && !purge_comes_again(row)) {
		TRY(purge_is_withheld(p, row, &withheld));
		if (!withheld) return ERR_OK;
	}
	return ids_add(&p->gone, &row->op_id);
}

/* Does what it erased stay, to be read? Else it would be shown again until the feed is here. */
static enum err purge_target_stays(struct purge *p, const struct payload *tombstone, bool *ret)
{
	CLEANUP(op_row_finip) struct op_row row = { 0 };
	struct access_read q = { .kind = KIND_TOMBSTONE,
				 .roles = person_roles(p->l, &p->v->user_id) };
	struct id target = { 0 };
	*ret = false;
	if (!payload_subject_id(tombstone, &target) || ids_have(&p->gone, &target)) return ERR_OK;
	const enum err e = row_find(p->l, p->v, &target, &row);
	if (e == ERR_NOT_FOUND) return ERR_OK;
	TRY(e);
	q.target_kind = row.core.kind;
	*ret = access_may_read(&q);
	return ERR_OK;
}

/* What says why something went goes with it, and stays with what stays. */
static enum err purge_tombstone(struct purge *p, const struct id *op_id)
{
	CLEANUP(op_row_finip) struct op_row row = { 0 };
	struct payload payload = { 0 };
	bool stays = false;
	TRY(row_find(p->l, p->v, op_id, &row));
	const enum err e = row_payload(&row, &payload);
	if (e != ERR_NOT_FOUND) {
		TRY(e);
		TRY(purge_target_stays(p, &payload, &stays));
	}
	return stays ? ERR_OK : ids_add(&p->gone, op_id);
}

static enum err purge_find(struct purge *p)
{
	if (p->l->bar_count > 0)
		TRY(row_each_all(p->l, p->v, (struct row_visitor){ purge_frame, p }));
	TRY(row_each_all(p->l, p->v, (struct row_visitor){ purge_look, p }));
	for (size_t i = 0; i < p->tombstones.count; i++)
		TRY(purge_tombstone(p, &p->tombstones.ids[i]));
	return ERR_OK;
}

static enum err scope_store(struct purge *p, const struct local_cursor *c,
			    const Roomkeep__ScopeChange *m)
{
	CLEANUP(local_tx_endp) struct local_tx tx = { 0 };
	TRY(local_tx_begin(p->l, &tx));
	TRY(cursor_set(p->l, &p->v->user_id, c));
	TRY(withheld_store(p->l, p->v, m));
	TRY(withheld_load(p->l, p->v));
	TRY(purge_find(p));
	for (size_t i = 0; i < p->gone.count; i++)
		TRY(db_run(p->l->db, "DELETE FROM op WHERE user_id = ?1 AND op_id = ?2",
			   DB_ARGS(db_id(&p->v->user_id), db_id(&p->gone.ids[i]))));
	TRY(history_forget(p->l, &p->v->user_id));
	p->l->merges_read = false;
	return local_tx_commit(&tx);
}

enum err feed_apply_scope(struct local *l, struct vault *v, struct view frame,
			  struct local_cursor *ret_cursor)
{
	TRY(person_check(l, v));
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, FRAME_PARSE_BYTES_MAX);
	Roomkeep__Frame *f = NULL;
	TRY(frame_decode(&a, frame, &f));
	ENSURE(f->body_case == ROOMKEEP__FRAME__BODY_SCOPE_CHANGE, ERR_PROTO);
	const struct local_cursor c = { .epoch = l->room.epoch.epoch,
					.scope_version = f->scope_change->scope_version };
	struct purge p = { .l = l, .v = v };
	enum err e = scope_store(&p, &c, f->scope_change);
	if (e == ERR_OK && p.gone.count > 0) e = local_load_person(l, v);
	/* What was read of the new lists may not stand: the old ones count. */
	if (e != ERR_OK) person_must_reload(l);
	purge_fini(&p);
	if (e == ERR_OK) *ret_cursor = c;
	return e;
}
