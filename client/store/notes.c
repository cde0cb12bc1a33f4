/* notes: one's own confidential notes. At sign-in each is opened once to learn which patient it is
 * about and when it was written; the text is wiped at once and opened again only to be shown
 * (SECURITY 2.4).
 * All plain text stands in the guarded block and nowhere else in this folder. */
#include "client/store/local_priv.h"

#include "base/crashpoint.h"
#include "seal/note.h"

#include <stdlib.h>

#define NOTES_MAX 200000u
#define NOTE_ARENA_BYTES MIB

_Static_assert(NOTE_ROOM_BYTES >= 2u * NOTE_PADDED_BYTES_MAX, "writing and padding fit the block");

/* ---- opening --------------------------------------------------------------------------------- */

struct note_op {
	const Roomkeep__Note *msg;
	struct note_head head;
	struct id parents[PARENTS_MAX];
	struct hash32 commitment;
};

static enum err note_read_op(struct op_row *row, struct note_op *ret)
{
	struct payload p = { 0 };
	ENSURE(row->core.kind == KIND_NOTE, ERR_BAD_VALUE);
	TRY(row_payload(row, &p));
	const Roomkeep__Note *n = p.is.note;
	ret->msg = n;
	ENSURE(n->n_parents <= PARENTS_MAX, ERR_BAD_VALUE);
	for (size_t i = 0; i < n->n_parents; i++) TRY(wire_id(n->parents[i], &ret->parents[i]));
	ret->head = (struct note_head){ .clinic_id = row->core.clinic_id,
					.note_gen = n->note_gen,
					.author_id = row->core.author_id,
					.author_gen = row->core.author_gen,
					.lane_id = row->core.lane_id,
					.lane_seq = row->core.lane_seq,
					.parents = ret->parents,
					.parent_count = n->n_parents };
	TRY(wire_id(n->note_id, &ret->head.note_id));
	return hash_from_view(wire_view(n->commitment), &ret->commitment);
}

static enum err note_unwrap(const struct vault *v, const struct note_op *op, struct secret **ret_nk)
{
	CLEANUP(secret_freep) struct secret *kek = NULL;
	TRY(vault_note_kek(v, op->head.author_gen, &kek));
	const struct note_wrap_context c = { .clinic_id = op->head.clinic_id,
					     .user_id = op->head.author_id,
					     .g = op->head.author_gen,
					     .note_id = op->head.note_id,
					     .note_gen = op->head.note_gen };
	return note_key_unwrap(kek, &c, wire_view(op->msg->author_wrap), ret_nk);
}

/* Opens into the guarded block; `ret->text` points there. */
static enum err note_open_row(struct local *l, const struct vault *v, struct op_row *row,
			      struct note_op *op, struct note_plain *ret)
{
	TRY(note_read_op(row, op));
	ENSURE(id_equal(&op->head.author_id, &v->user_id), ERR_DENIED);
	CLEANUP(secret_freep) struct secret *nk = NULL;
	TRY(note_unwrap(v, op, &nk));
	guarded_wipe(&l->guarded);
	size_t len = 0;
	TRY(note_open(nk, &op->head, &op->commitment, wire_view(op->msg->ciphertext), l->guarded.p,
		      l->guarded.cap, &len));
	return note_plain_read(view_of(l->guarded.p, len), ret, NULL);
}

/* ---- index ----------------------------------------------------------------------------------- */

void notes_forget(struct local *l)
{
	if (l->notes != NULL) secret_wipe(l->notes, l->note_cap * sizeof(*l->notes));
	if (l->note_parents != NULL)
		secret_wipe(l->note_parents, l->note_parent_cap * sizeof(*l->note_parents));
	free(l->notes);
	free(l->note_parents);
	l->notes = NULL;
	l->note_parents = NULL;
	l->note_count = l->note_cap = l->note_parent_count = l->note_parent_cap = 0;
	l->notes_sorted = false;
}

static enum err index_reserve(struct local *l, size_t parents)
{
	if (l->note_count == l->note_cap) {
		ENSURE(l->note_cap < NOTES_MAX, ERR_FULL);
		const size_t cap = l->note_cap == 0 ? 64 : l->note_cap * 2;
		struct local_note_entry *more = realloc(l->notes, cap * sizeof(*more));
		ENSURE(more != NULL, ERR_NOMEM);
		l->notes = more;
		l->note_cap = cap;
	}
	if (l->note_parent_cap - l->note_parent_count < parents) {
		const size_t cap = l->note_parent_cap * 2 + parents + 64;
		struct id *more = realloc(l->note_parents, cap * sizeof(*more));
		ENSURE(more != NULL, ERR_NOMEM);
		l->note_parents = more;
		l->note_parent_cap = cap;
	}
	return ERR_OK;
}

static bool index_has(const struct local *l, const struct id *op_id)
{
	for (size_t i = 0; i < l->note_count; i++)
		if (id_equal(&l->notes[i].n.op_id, op_id)) return true;
	return false;
}

enum err notes_add(struct local *l, const struct vault *v, struct op_row *row)
{
	if (row->core.kind != KIND_NOTE || !row_counts(row) || index_has(l, &row->op_id))
		return ERR_OK;
	struct note_op op;
	struct note_plain plain = { 0 };
	const enum err e = note_open_row(l, v, row, &op, &plain);
	guarded_wipe(&l->guarded);
	/* Erased, or of a key this room does not have: it stays stored, it is only not listed. */
	if (e == ERR_NOT_FOUND) return ERR_OK;
	TRY(e);
	TRY(index_reserve(l, op.head.parent_count));
	struct local_note_entry *entry = &l->notes[l->note_count++];
	*entry = (struct local_note_entry){ .ord = row->ord,
					    .parent_at = l->note_parent_count,
					    .parent_count = op.head.parent_count };
	entry->n = (struct local_note){ .op_id = row->op_id,
					.note_id = op.head.note_id,
					.patient_id = plain.patient_id,
					.has_session = plain.has_session,
					.session_id = plain.session_id,
					.written_ms = plain.written_ms };
	for (size_t i = 0; i < op.head.parent_count; i++)
		l->note_parents[l->note_parent_count++] = op.parents[i];
	l->notes_sorted = false;
	return ERR_OK;
}

struct note_visit {
	struct local *l;
	const struct vault *v;
};

static enum err note_visit_row(void *ctx, struct op_row *row)
{
	const struct note_visit *n = ctx;
	const enum err e = notes_add(n->l, n->v, row);
	/* Decryption failure never hides the others (SECURITY 1.4): this one is not listed. */
	return e == ERR_AUTH || e == ERR_BAD_FORMAT || e == ERR_BAD_VALUE ? ERR_OK : e;
}

enum err notes_load(struct local *l, const struct vault *v)
{
	uint8_t tag[VAULT_TAG_BYTES];
	vault_tag(v, TAG_NOTES, &(struct id){ 0 }, tag);
	struct note_visit n = { .l = l, .v = v };
	return row_each_subject(l, v, tag, (struct row_visitor){ note_visit_row, &n });
}

static int note_compare(const void *a, const void *b)
{
	const struct local_note_entry *x = a;
	const struct local_note_entry *y = b;
	if (x->n.written_ms != y->n.written_ms) return x->n.written_ms < y->n.written_ms ? -1 : 1;
	return x->ord < y->ord ? -1 : x->ord > y->ord;
}

static bool named_as_parent(const struct local *l, const struct local_note_entry *e)
{
	for (size_t i = 0; i < l->note_count; i++) {
		const struct local_note_entry *o = &l->notes[i];
		if (!id_equal(&o->n.note_id, &e->n.note_id)) continue;
		for (size_t p = 0; p < o->parent_count; p++)
			if (id_equal(&l->note_parents[o->parent_at + p], &e->n.op_id)) return true;
	}
	return false;
}

/* Which revisions stand, in the order in which they are shown. */
static void notes_sort(struct local *l)
{
	if (l->notes_sorted || l->note_count == 0) return;
	qsort(l->notes, l->note_count, sizeof(*l->notes), note_compare);
	for (size_t i = 0; i < l->note_count; i++) {
		l->notes[i].replaced = named_as_parent(l, &l->notes[i]);
		l->notes[i].n.conflict = false;
	}
	for (size_t i = 0; i < l->note_count; i++) {
		for (size_t k = 0; k < l->note_count; k++) {
			if (i != k && !l->notes[i].replaced && !l->notes[k].replaced &&
			    id_equal(&l->notes[i].n.note_id, &l->notes[k].n.note_id)) {
				l->notes[i].n.conflict = true;
			}
		}
	}
	l->notes_sorted = true;
}

enum err local_next_note(struct local *l, const struct vault *v, const struct id *patient_id,
			 size_t *at, struct local_note *ret)
{
	struct id ids[MERGE_SAME_MAX];
	size_t count = 0;
	TRY(person_check(l, v));
	if (patient_id != NULL) TRY(local_same_person(l, v, patient_id, ids, &count));
	notes_sort(l);
	while (*at < l->note_count) {
		const struct local_note_entry *e = &l->notes[(*at)++];
		bool is_of = patient_id == NULL;
		for (size_t i = 0; i < count; i++)
			is_of = is_of || id_equal(&e->n.patient_id, &ids[i]);
		if (e->replaced || !is_of) continue;
		*ret = e->n;
		return ERR_OK;
	}
	return ERR_NOT_FOUND;
}

enum err local_note_text(struct local *l, const struct vault *v, const struct id *op_id,
			 struct view *ret_text)
{
	TRY(person_check(l, v));
	CLEANUP(op_row_finip) struct op_row row = { 0 };
	TRY(row_find(l, v, op_id, &row));
	struct note_op op;
	struct note_plain plain = { 0 };
	const enum err e = note_open_row(l, v, &row, &op, &plain);
	if (e != ERR_OK) {
		guarded_wipe(&l->guarded);
		return e;
	}
	*ret_text = plain.text;
	return ERR_OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

struct note_new {
	struct id note_id;
	uint64_t note_gen;
	const struct secret *nk;
	struct note_plain plain;
	struct id parents[PARENTS_MAX];
	size_t parent_count;
};

static enum err note_write_tx(struct local *l, struct vault *v, const struct note_new *n,
			      uint64_t now_ms, struct id *ret_op_id, struct record_error *ret_error)
{
	CLEANUP(local_tx_endp) struct local_tx tx = { 0 };
	TRY(local_tx_begin(l, &tx));
	struct making m;
	TRY(make_begin(l, v, KIND_NOTE, now_ms, &m));

	/* Sealed here, because its place in the lane is part of what is sealed (2.4 item 6). */
	const struct note_head head = { .clinic_id = v->clinic_id,
					.note_id = n->note_id,
					.note_gen = n->note_gen,
					.author_id = v->user_id,
					.author_gen = v->g,
					.lane_id = m.lane->lane_id,
					.lane_seq = m.lane->seq + 1,
					.parents = n->parents,
					.parent_count = n->parent_count };
	size_t len = 0;
	struct hash32 commitment;
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	guarded_wipe(&l->guarded);
	enum err e = note_plain_write(&n->plain, l->guarded.p, l->guarded.cap, &len);
	if (e == ERR_OK) {
		e = note_seal(n->nk, &head, view_of(l->guarded.p, len), &commitment, &sealed);
	}
	guarded_wipe(&l->guarded);
	TRY(e);

	CLEANUP(secret_freep) struct secret *kek = NULL;
	CLEANUP(buf_finip) struct buf wrap = { 0 };
	TRY(vault_note_kek(v, v->g, &kek));
	const struct note_wrap_context wc = { .clinic_id = v->clinic_id,
					      .user_id = v->user_id,
					      .g = v->g,
					      .note_id = n->note_id,
					      .note_gen = n->note_gen };
	TRY(note_key_wrap(kek, &wc, n->nk, &wrap));

	ProtobufCBinaryData parents[PARENTS_MAX];
	for (size_t i = 0; i < n->parent_count; i++) parents[i] = wire_id_bytes(&n->parents[i]);
	Roomkeep__Note msg = ROOMKEEP__NOTE__INIT;
	msg.has_note_id = msg.has_note_gen = msg.has_commitment = true;
	msg.has_ciphertext = msg.has_author_wrap = true;
	msg.note_id = wire_id_bytes(&n->note_id);
	msg.note_gen = n->note_gen;
	msg.parents = parents;
	msg.n_parents = n->parent_count;
	msg.commitment = wire_bytes(hash_view(&commitment));
	msg.ciphertext = wire_bytes(buf_view(&sealed));
	msg.author_wrap = wire_bytes(buf_view(&wrap));
	uint8_t blind[PAYLOAD_BLIND_BYTES];
	make_blind(l, blind);
	CLEANUP(buf_finip) struct buf payload = { 0 };
	TRY(payload_encode(KIND_NOTE, &msg.base, false, blind, &payload, ret_error));
	TRY(make_finish(l, v, &m, buf_view(&payload), now_ms));
	crashpoint(CRASHPOINT_LOCAL_COMMIT_BEFORE);
	TRY(local_tx_commit(&tx));
	crashpoint(CRASHPOINT_LOCAL_COMMIT_AFTER);
	*ret_op_id = m.op_id;
	return ERR_OK;
}

static enum err note_write(struct local *l, struct vault *v, const struct note_new *n,
			   uint64_t now_ms, struct record_error *ret_error)
{
	const struct access_write q = { .kind = KIND_NOTE,
					.roles = person_roles(l, &v->user_id),
					.author_id = v->user_id };
	TRY(access_may_write(&q));
	TRY(note_plain_check(&n->plain, ret_error));
	struct id op_id = { 0 };
	const enum err e = note_write_tx(l, v, n, now_ms, &op_id, ret_error);
	if (e != ERR_OK) {
		if (!l->batch && lanes_load(l, v) != ERR_OK) person_must_reload(l);
		return e;
	}
	CLEANUP(op_row_finip) struct op_row row = { 0 };
	TRY(row_find(l, v, &op_id, &row));
	return notes_add(l, v, &row);
}

static enum err note_check_session(struct local *l, const struct vault *v,
				   const struct id *session_id, const struct id *patient_id)
{
	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	struct session_state s = { 0 };
	TRY(local_load_session(l, v, session_id, &fold, &s));
	return s.has_frame && id_equal(&s.patient_id, patient_id) ? ERR_OK : ERR_NOT_FOUND;
}

enum err local_add_note(struct local *l, struct vault *v, const struct id *patient_id,
			const struct id *session_id, struct view text, uint64_t now_ms,
			struct id *ret_note_id, struct record_error *ret_error)
{
	TRY(person_check(l, v));
	ENSURE(patients_have(l, patient_id), ERR_NOT_FOUND);
	if (session_id != NULL) TRY(note_check_session(l, v, session_id, patient_id));
	CLEANUP(secret_freep) struct secret *nk = NULL;
	TRY(note_key_new(&nk));
	struct note_new n = { .note_id = id_make_random(&l->rand), .note_gen = 1, .nk = nk };
	n.plain = (struct note_plain){ .patient_id = *patient_id,
				       .has_session = session_id != NULL,
				       .text = text,
				       .written_ms = now_ms };
	if (session_id != NULL) n.plain.session_id = *session_id;
	TRY(note_write(l, v, &n, now_ms, ret_error));
	*ret_note_id = n.note_id;
	return ERR_OK;
}

enum err local_set_note(struct local *l, struct vault *v, const struct id *note_id,
			struct view text, uint64_t now_ms, struct record_error *ret_error)
{
	TRY(person_check(l, v));
	notes_sort(l);
	struct note_new n = { .note_id = *note_id };
	const struct local_note_entry *newest = NULL;
	for (size_t i = 0; i < l->note_count; i++) {
		const struct local_note_entry *e = &l->notes[i];
		if (e->replaced || !id_equal(&e->n.note_id, note_id)) continue;
		if (n.parent_count < PARENTS_MAX) n.parents[n.parent_count++] = e->n.op_id;
		newest = e;
	}
	ENSURE(newest != NULL, ERR_NOT_FOUND);

	CLEANUP(op_row_finip) struct op_row row = { 0 };
	struct note_op op;
	TRY(row_find(l, v, &newest->n.op_id, &row));
	TRY(note_read_op(&row, &op));
	CLEANUP(secret_freep) struct secret *nk = NULL;
	TRY(note_unwrap(v, &op, &nk));
	n.nk = nk;
	n.note_gen = op.head.note_gen; /* revisions of a generation share its key */
	n.plain = (struct note_plain){ .patient_id = newest->n.patient_id,
				       .has_session = newest->n.has_session,
				       .session_id = newest->n.session_id,
				       .text = text,
				       .written_ms = now_ms };
	return note_write(l, v, &n, now_ms, ret_error);
}
