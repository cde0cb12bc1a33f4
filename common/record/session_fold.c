#include "base/check.h"
#include "base/cleanup.h"
#include "record/fold_store.h"
#include "wire/op.h"

#include <stdlib.h>

static const char *const session_field_names[FOLD_TEXT_FIELDS] = { "subjective", "objective",
								   "assessment", "plan" };

const char *fold_field_name(Roomkeep__TextField field)
{
	const int at = (int)field - 1;
	return at < 0 || at >= (int)FOLD_TEXT_FIELDS ? NULL : session_field_names[at];
}

Roomkeep__TextField fold_field_parse(struct view name)
{
	for (size_t i = 0; i < FOLD_TEXT_FIELDS; i++) {
		if (view_equal(view_str(session_field_names[i]), name)) {
			return (Roomkeep__TextField)(i + 1);
		}
	}
	return ROOMKEEP__TEXT_FIELD__TEXT_FIELD_UNKNOWN;
}

void session_fold_init(struct session_fold *f, const struct id *session_id,
		       struct fold_hasher hasher)
{
	REQUIRE(hasher.hash != NULL);
	*f = (struct session_fold){ .session_id = *session_id, .hasher = hasher };
	fold_store_init(&f->store);
}

void session_fold_fini(struct session_fold *f)
{
	fold_store_fini(&f->store);
}

void session_fold_finip(struct session_fold *f)
{
	session_fold_fini(f);
}

/* ---- taking an op in ------------------------------------------------------------------------- */

static enum err session_fill_frame(struct fold_entry *e, const Roomkeep__SessionFrame *m)
{
	TRY(wire_id(m->patient_id, &e->as.frame.patient_id));
	if (m->has_therapist_id) TRY(wire_id(m->therapist_id, &e->as.frame.therapist_id));
	if (m->has_supervisor_id) TRY(wire_id(m->supervisor_id, &e->as.frame.supervisor_id));
	e->as.frame.imported = m->has_imported && m->imported;
	struct fold_frame *shown = &e->as.frame.shown;
	shown->has_room = m->has_room_id;
	if (m->has_room_id) TRY(wire_id(m->room_id, &shown->room_id));
	shown->has_started = m->has_started_ms;
	shown->started_ms = m->started_ms;
	shown->has_ended = m->has_ended_ms;
	shown->ended_ms = m->ended_ms;
	return ERR_OK;
}

static enum err session_fill_text(struct fold_store *s, struct fold_entry *e,
				  const Roomkeep__SessionText *m)
{
	e->as.text.field = m->field;
	ENSURE(fold_field_name(m->field) != NULL, ERR_BAD_VALUE);
	TRY(fold_store_copy(s, view_str(m->text), &e->content));
	TRY(fold_store_copy_ids(s, m->parents, m->n_parents, &e->parents));
	e->parent_count = m->n_parents;
	return ERR_OK;
}

/* How it was measured; protobuf-c gives 0 for an enum that is absent. */
static enum err session_fill_how(struct fold_store *s, struct fold_measure *to,
				 const Roomkeep__Measure *m)
{
	to->mode = m->mode;
	to->position = m->position;
	to->method = m->method;
	to->end_feel = m->end_feel;
	to->skipped_reason = m->skipped_reason;
	to->has_pain = m->has_pain_at_end;
	to->pain_at_end = m->pain_at_end;
	to->has_rater = m->has_rater_id;
	if (m->has_rater_id) TRY(wire_id(m->rater_id, &to->rater_id));
	to->has_pair = m->has_pair_id;
	if (m->has_pair_id) TRY(wire_id(m->pair_id, &to->pair_id));
	return fold_store_copy(s, view_str(m->limited_by), &to->limited_by);
}

static enum err session_fill_measure(struct fold_store *s, struct fold_entry *e,
				     const Roomkeep__Measure *m)
{
	struct fold_measure *to = &e->as.measure;
	TRY(wire_id(m->measure_id, &to->measure_id));
	TRY(fold_store_copy(s, view_str(m->ref), &to->ref));
	TRY(fold_store_copy(s, view_str(m->unit), &to->unit));
	to->catalogue = m->catalogue;
	to->phase = m->phase;
	to->has_side = m->has_side;
	to->side = m->side;
	to->has_value = m->has_value_milli;
	to->value_milli = m->value_milli;
	to->result = m->has_result ? m->result : ROOMKEEP__TEST_RESULT__RESULT_NONE;
	to->at_ms = m->at_ms;
	return session_fill_how(s, to, m);
}

static enum err session_fill_sign(struct fold_store *s, struct fold_entry *e,
				  const Roomkeep__Sign *m)
{
	ENSURE(m->values_hash.len == FOLD_HASH_BYTES, ERR_BAD_VALUE);
	memcpy(e->as.sign.values_hash, m->values_hash.data, FOLD_HASH_BYTES);
	TRY(fold_store_copy_ids(s, m->covered, m->n_covered, &e->as.sign.covered));
	e->as.sign.covered_count = m->n_covered;
	TRY(fold_store_copy_ids(s, m->records, m->n_records, &e->as.sign.records));
	e->as.sign.record_count = m->n_records;
	return ERR_OK;
}

static enum err session_fill(struct fold_store *s, struct fold_entry *e, const struct payload *p)
{
	switch (e->kind) {
	case KIND_SESSION_FRAME: return session_fill_frame(e, p->is.session_frame);
	case KIND_SESSION_TEXT: return session_fill_text(s, e, p->is.session_text);
	case KIND_MEASURE: return session_fill_measure(s, e, p->is.measure);
	case KIND_SIGN: return session_fill_sign(s, e, p->is.sign);
	case KIND_ADDENDUM:
		TRY(wire_id(p->is.addendum->addendum_id, &e->as.addendum.addendum_id));
		return fold_store_copy(s, view_str(p->is.addendum->text), &e->as.addendum.text);
	case KIND_TOMBSTONE: return wire_id(p->is.tombstone->target, &e->as.target);
	case KIND_PATIENT:
	case KIND_OPENED:
	case KIND_NOTE:
	case KIND_SEALED_TOMBSTONE:
	case KIND_ANY_PLAIN: break;
	}
	return ERR_BAD_VALUE;
}

enum err session_fold_add(struct session_fold *f, const struct fold_meta *meta,
			  const struct payload *payload)
{
	const enum kind kind = payload->info->kind;
	if (kind != KIND_TOMBSTONE) {
		struct id session;
		ENSURE(kind != KIND_OPENED, ERR_BAD_VALUE);
		ENSURE(payload_session_id(payload, &session), ERR_BAD_VALUE);
		ENSURE(id_equal(&session, &f->session_id), ERR_BAD_VALUE);
	}
	struct fold_entry *entry;
	TRY(fold_store_add(&f->store, meta, kind, &entry));
	if (entry == NULL) return ERR_OK;
	const enum err e = session_fill(&f->store, entry, payload);
	if (e != ERR_OK) fold_store_drop(&f->store, entry);
	return e;
}

/* ---- the state: frame and sign --------------------------------------------------------------- */

struct session_view {
	struct session_fold *fold;
	struct fold_entry **by_age; /* all entries, oldest first */
	size_t count;
	struct fold_entry *first_frame; /* NULL: none */
	struct fold_entry *sign;        /* the one that holds; NULL: none */
	bool sign_lacks;                /* a covered op is missing or erased */
	struct session_state *state;
};

static void session_find_frame(struct session_view *v)
{
	for (size_t i = 0; i < v->count && v->first_frame == NULL; i++) {
		if (v->by_age[i]->kind == KIND_SESSION_FRAME) v->first_frame = v->by_age[i];
	}
}

static bool session_sign_counts(const struct session_view *v, const struct fold_entry *e)
{
	if (e->kind != KIND_SIGN) return false;
	if (v->first_frame == NULL || v->first_frame->as.frame.imported) return true;
	return id_equal(&e->meta.author_id, &v->first_frame->as.frame.therapist_id);
}

/* Marks the ancestors of a text within its field; `todo` has room for all ops. Each op is marked
 * once, so a ring of parents ends too. */
static void session_mark_ancestors(struct session_view *v, const struct fold_entry *from,
				   const struct fold_entry **todo)
{
	const struct fold_store *s = &v->fold->store;
	size_t todo_count = 0;
	const Roomkeep__TextField field = from->as.text.field;
	while (from != NULL) {
		for (size_t i = 0; i < from->parent_count; i++) {
			struct fold_entry *p = fold_store_find(s, &from->parents[i]);
			if (p == NULL || p->kind != KIND_SESSION_TEXT || p->replaced) continue;
			if (p->as.text.field != field) continue;
			p->replaced = true;
			INSIST(todo_count < v->count);
			todo[todo_count++] = p;
		}
		from = todo_count == 0 ? NULL : todo[--todo_count];
	}
}

static enum err session_apply_sign(struct session_view *v)
{
	for (size_t i = 0; i < v->count && v->sign == NULL; i++) {
		if (session_sign_counts(v, v->by_age[i])) v->sign = v->by_age[i];
	}
	if (v->sign == NULL) return ERR_OK;
	for (size_t i = 0; i < v->sign->as.sign.covered_count; i++) {
		struct fold_entry *e =
			fold_store_find(&v->fold->store, &v->sign->as.sign.covered[i]);
		if (e == NULL || e->erased) v->sign_lacks = true;
		if (e != NULL) e->covered = true;
	}
	if (v->first_frame != NULL) v->first_frame->covered = true; /* it made the session */
	const struct fold_entry **todo;
	TRY(fold_store_show(&v->fold->store, v->count, sizeof(struct fold_entry *), &todo));
	for (size_t i = 0; i < v->count; i++) {
		const struct fold_entry *e = v->by_age[i];
		if (e->kind == KIND_SESSION_TEXT && e->covered) session_mark_ancestors(v, e, todo);
	}
	return ERR_OK;
}

/* Is it part of what is shown, as far as a Sign decides? */
static bool session_counts(const struct session_view *v, const struct fold_entry *e)
{
	return v->sign == NULL || e->covered;
}

static void session_show_frame(struct session_view *v)
{
	struct session_state *s = v->state;
	if (v->first_frame == NULL) return;
	s->has_frame = true;
	s->patient_id = v->first_frame->as.frame.patient_id;
	s->therapist_id = v->first_frame->as.frame.therapist_id;
	s->supervisor_id = v->first_frame->as.frame.supervisor_id;
	s->imported = v->first_frame->as.frame.imported;
	for (size_t i = 0; i < v->count; i++) {
		struct fold_entry *e = v->by_age[i];
		if (e->kind != KIND_SESSION_FRAME) continue;
		struct fold_frame *frame = &e->as.frame.shown;
		frame->meta = e->meta;
		if (!session_counts(v, e)) {
			e->late = true;
			continue;
		}
		if (frame->has_room) s->room_id = frame->room_id;
		if (frame->has_started) s->started_ms = frame->started_ms;
		if (frame->has_ended) s->ended_ms = frame->ended_ms;
	}
}

/* ---- the state: texts ------------------------------------------------------------------------ */

static void session_prepare_text(struct fold_entry *e)
{
	e->as.text.meta = e->meta;
	e->as.text.erased = e->erased;
	e->as.text.text = e->erased ? VIEW_EMPTY : e->content;
}

/* A parent counts when it is another text of the same field (and covered, once signed). */
static void session_mark_named(struct session_view *v)
{
	for (size_t i = 0; i < v->count; i++) {
		const struct fold_entry *e = v->by_age[i];
		if (e->kind != KIND_SESSION_TEXT || !session_counts(v, e)) continue;
		for (size_t j = 0; j < e->parent_count; j++) {
			struct fold_entry *p = fold_store_find(&v->fold->store, &e->parents[j]);
			if (p == NULL || p == e || p->kind != KIND_SESSION_TEXT) continue;
			if (p->as.text.field == e->as.text.field) p->named = true;
		}
	}
}

static enum err session_show_field(struct session_view *v, struct fold_field *to)
{
	const struct fold_text **heads;
	TRY(fold_store_show(&v->fold->store, v->count, sizeof(struct fold_text *), &heads));
	/* Twice at most: a ring of forged parents leaves no head, then all stand. */
	for (int ring = 0; ring < 2 && to->head_count == 0; ring++) {
		for (size_t i = 0; i < v->count; i++) {
			const struct fold_entry *e = v->by_age[i];
			if (e->kind != KIND_SESSION_TEXT || e->as.text.field != to->field) continue;
			if (!session_counts(v, e)) continue;
			/* Once signed, a covered ancestor of a covered text is not its rival. */
			const bool below = e->named || (v->sign != NULL && e->replaced);
			if (ring == 0 && below) continue;
			heads[to->head_count++] = &e->as.text;
		}
	}
	to->heads = heads;
	to->value = to->head_count == 1 ? heads[0] : NULL;
	if (to->head_count > 1) v->state->has_conflict = true;
	return ERR_OK;
}

static enum err session_show_texts(struct session_view *v)
{
	for (size_t i = 0; i < v->count; i++) {
		struct fold_entry *e = v->by_age[i];
		if (e->kind != KIND_SESSION_TEXT) continue;
		session_prepare_text(e);
		e->late = v->sign != NULL && !e->covered && !e->replaced && !e->erased;
	}
	session_mark_named(v);
	for (size_t i = 0; i < FOLD_TEXT_FIELDS; i++) {
		v->state->text[i].field = (Roomkeep__TextField)(i + 1);
		TRY(session_show_field(v, &v->state->text[i]));
	}
	return ERR_OK;
}

/* ---- the state: measures and addenda --------------------------------------------------------- */

static int session_compare_ids(const struct id *a, const struct id *b)
{
	return memcmp(a->b, b->b, ID_BYTES);
}

static const struct id *session_row_id(const struct fold_entry *e)
{
	return e->kind == KIND_MEASURE ? &e->as.measure.measure_id : &e->as.addendum.addendum_id;
}

/* By row id; of one id the covered ones first, then the oldest first. */
static int session_compare_rows(const void *a, const void *b)
{
	const struct fold_entry *x = *(const struct fold_entry *const *)a;
	const struct fold_entry *y = *(const struct fold_entry *const *)b;
	const int order = session_compare_ids(session_row_id(x), session_row_id(y));
	if (order != 0) return order;
	if (x->covered != y->covered) return x->covered ? -1 : 1;
	return fold_compare_age(&x->meta, &y->meta);
}

/* The entries of a kind, one per row id, in order of row id. */
static enum err session_rows(struct session_view *v, enum kind kind, struct fold_entry ***ret_rows,
			     size_t *ret_count)
{
	struct fold_entry **rows;
	TRY(fold_store_show(&v->fold->store, v->count, sizeof(struct fold_entry *), &rows));
	size_t count = 0;
	for (size_t i = 0; i < v->count; i++) {
		if (v->by_age[i]->kind == kind) rows[count++] = v->by_age[i];
	}
	if (count > 1) qsort(rows, count, sizeof(struct fold_entry *), session_compare_rows);
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		const bool again = i > 0 && session_compare_ids(session_row_id(rows[i - 1]),
								session_row_id(rows[i])) == 0;
		if (!again) rows[kept++] = rows[i];
	}
	*ret_rows = rows;
	*ret_count = kept;
	return ERR_OK;
}

static int session_compare_measures(const void *a, const void *b)
{
	const struct fold_measure *x = *(const struct fold_measure *const *)a;
	const struct fold_measure *y = *(const struct fold_measure *const *)b;
	if (x->at_ms != y->at_ms) return x->at_ms < y->at_ms ? -1 : 1;
	return fold_compare_age(&x->meta, &y->meta);
}

static enum err session_show_measures(struct session_view *v)
{
	struct fold_entry **rows;
	size_t count;
	TRY(session_rows(v, KIND_MEASURE, &rows, &count));
	const struct fold_measure **measures;
	TRY(fold_store_show(&v->fold->store, count, sizeof(struct fold_measure *), &measures));
	size_t shown = 0;
	for (size_t i = 0; i < count; i++) {
		rows[i]->as.measure.meta = rows[i]->meta;
		if (rows[i]->erased) continue;
		rows[i]->late = !session_counts(v, rows[i]);
		if (!rows[i]->late) measures[shown++] = &rows[i]->as.measure;
	}
	if (shown > 1) {
		qsort(measures, shown, sizeof(struct fold_measure *), session_compare_measures);
	}
	v->state->measures = measures;
	v->state->measure_count = shown;
	return ERR_OK;
}

static int session_compare_addenda(const void *a, const void *b)
{
	const struct fold_addendum *x = *(const struct fold_addendum *const *)a;
	const struct fold_addendum *y = *(const struct fold_addendum *const *)b;
	return fold_compare_age(&x->meta, &y->meta);
}

static enum err session_show_addenda(struct session_view *v)
{
	struct fold_entry **rows;
	size_t count;
	TRY(session_rows(v, KIND_ADDENDUM, &rows, &count));
	const struct fold_addendum **addenda;
	TRY(fold_store_show(&v->fold->store, count, sizeof(struct fold_addendum *), &addenda));
	size_t shown = 0;
	for (size_t i = 0; i < count; i++) {
		rows[i]->as.addendum.meta = rows[i]->meta;
		if (!rows[i]->erased) addenda[shown++] = &rows[i]->as.addendum;
	}
	if (shown > 1) {
		qsort(addenda, shown, sizeof(struct fold_addendum *), session_compare_addenda);
	}
	v->state->addenda = addenda;
	v->state->addendum_count = shown;
	return ERR_OK;
}

static enum err session_show_late(struct session_view *v)
{
	struct fold_late *late;
	TRY(fold_store_show(&v->fold->store, v->count, sizeof(*late), &late));
	size_t count = 0;
	for (size_t i = 0; i < v->count; i++) {
		const struct fold_entry *e = v->by_age[i];
		if (!e->late) continue;
		late[count] = (struct fold_late){ .meta = &e->meta };
		if (e->kind == KIND_SESSION_TEXT) late[count].text = &e->as.text;
		if (e->kind == KIND_MEASURE) late[count].measure = &e->as.measure;
		if (e->kind == KIND_SESSION_FRAME) late[count].frame = &e->as.frame.shown;
		count++;
	}
	v->state->late = late;
	v->state->late_count = count;
	return ERR_OK;
}

/* ---- what is signed -------------------------------------------------------------------------- */

static enum err session_put(struct buf *out, struct view field)
{
	TRY(buf_append_be32(out, (uint32_t)field.len));
	return buf_append(out, field);
}

static enum err session_put_u64(struct buf *out, uint64_t v)
{
	TRY(buf_append_be32(out, 8));
	return buf_append_be64(out, v);
}

static int session_compare_heads(const void *a, const void *b)
{
	const struct fold_text *x = *(const struct fold_text *const *)a;
	const struct fold_text *y = *(const struct fold_text *const *)b;
	return session_compare_ids(&x->meta.op_id, &y->meta.op_id);
}

static enum err session_put_field(struct buf *out, const struct fold_field *field)
{
	TRY(session_put_u64(out, field->head_count));
	if (field->head_count == 0) return ERR_OK;
	CLEANUP(freep)
	const struct fold_text **heads = malloc(field->head_count * sizeof(struct fold_text *));
	ENSURE(heads != NULL, ERR_NOMEM);
	for (size_t i = 0; i < field->head_count; i++) heads[i] = field->heads[i];
	qsort(heads, field->head_count, sizeof(struct fold_text *), session_compare_heads);
	for (size_t i = 0; i < field->head_count; i++) TRY(session_put(out, heads[i]->text));
	return ERR_OK;
}

static int session_compare_by_measure_id(const void *a, const void *b)
{
	const struct fold_measure *x = *(const struct fold_measure *const *)a;
	const struct fold_measure *y = *(const struct fold_measure *const *)b;
	return session_compare_ids(&x->measure_id, &y->measure_id);
}

static enum err session_put_measure(struct buf *out, const struct fold_measure *m)
{
	TRY(session_put(out, id_view(&m->measure_id)));
	TRY(session_put(out, m->ref));
	TRY(session_put_u64(out, m->catalogue));
	TRY(session_put_u64(out, (uint64_t)m->phase));
	TRY(session_put_u64(out, m->has_side ? (uint64_t)m->side : 0));
	TRY(session_put_u64(out, m->has_value ? 1 : 0));
	TRY(session_put_u64(out, m->has_value ? (uint64_t)m->value_milli : 0));
	TRY(session_put(out, m->unit));
	TRY(session_put_u64(out, (uint64_t)m->result));
	TRY(session_put_u64(out, m->at_ms));
	TRY(session_put_u64(out, (uint64_t)m->mode));
	TRY(session_put_u64(out, (uint64_t)m->position));
	TRY(session_put_u64(out, (uint64_t)m->method));
	TRY(session_put_u64(out, (uint64_t)m->end_feel));
	TRY(session_put_u64(out, (uint64_t)m->skipped_reason));
	TRY(session_put_u64(out, m->has_pain ? 1 : 0));
	TRY(session_put_u64(out, m->has_pain ? m->pain_at_end : 0));
	TRY(session_put(out, m->limited_by));
	TRY(session_put(out, m->has_rater ? id_view(&m->rater_id) : VIEW_EMPTY));
	return session_put(out, m->has_pair ? id_view(&m->pair_id) : VIEW_EMPTY);
}

static enum err session_put_measures(struct buf *out, const struct session_state *s)
{
	TRY(session_put_u64(out, s->measure_count));
	if (s->measure_count == 0) return ERR_OK;
	CLEANUP(freep)
	const struct fold_measure **sorted =
		malloc(s->measure_count * sizeof(struct fold_measure *));
	ENSURE(sorted != NULL, ERR_NOMEM);
	for (size_t i = 0; i < s->measure_count; i++) sorted[i] = s->measures[i];
	qsort(sorted, s->measure_count, sizeof(struct fold_measure *),
	      session_compare_by_measure_id);
	for (size_t i = 0; i < s->measure_count; i++) TRY(session_put_measure(out, sorted[i]));
	return ERR_OK;
}

enum err session_values_encode(const struct session_state *s, struct buf *out)
{
	TRY(session_put(out, view_str("crs1/values-2")));
	TRY(session_put(out, id_view(&s->session_id)));
	TRY(session_put(out, id_view(&s->patient_id)));
	TRY(session_put(out, id_view(&s->therapist_id)));
	TRY(session_put(out, id_view(&s->room_id)));
	TRY(session_put_u64(out, s->started_ms));
	TRY(session_put_u64(out, s->ended_ms));
	TRY(session_put_u64(out, s->imported ? 1 : 0));
	for (size_t i = 0; i < FOLD_TEXT_FIELDS; i++) TRY(session_put_field(out, &s->text[i]));
	return session_put_measures(out, s);
}

static enum err session_hash_values(struct session_view *v, uint8_t ret_hash[FOLD_HASH_BYTES])
{
	struct buf bytes = { 0 };
	const enum err e = session_values_encode(v->state, &bytes);
	if (e == ERR_OK) v->fold->hasher.hash(v->fold->hasher.ctx, buf_view(&bytes), ret_hash);
	buf_wipe(&bytes);
	buf_fini(&bytes);
	return e;
}

static enum err session_show_sign(struct session_view *v)
{
	struct fold_sign *sign;
	TRY(fold_store_show(&v->fold->store, 1, sizeof(*sign), &sign));
	sign->meta = v->sign->meta;
	memcpy(sign->values_hash, v->sign->as.sign.values_hash, FOLD_HASH_BYTES);
	sign->records = v->sign->as.sign.records;
	sign->record_count = v->sign->as.sign.record_count;
	uint8_t hash[FOLD_HASH_BYTES];
	TRY(session_hash_values(v, hash));
	sign->check = v->sign_lacks ? FOLD_SIGN_INCOMPLETE : FOLD_SIGN_DIFFERS;
	if (view_equal(VIEW_OF(hash), VIEW_OF(sign->values_hash))) sign->check = FOLD_SIGN_HOLDS;
	v->state->sign = sign;
	return ERR_OK;
}

static enum err session_show_covers(struct session_view *v)
{
	struct session_state *s = v->state;
	if (!s->has_frame || s->has_conflict) return ERR_OK;
	struct id *covers;
	TRY(fold_store_show(&v->fold->store, v->count, sizeof(*covers), &covers));
	size_t count = 0;
	for (size_t i = 0; i < v->count; i++) {
		const struct fold_entry *e = v->by_age[i];
		if (e->kind == KIND_SESSION_FRAME) covers[count++] = e->meta.op_id;
	}
	for (size_t i = 0; i < FOLD_TEXT_FIELDS; i++) {
		if (s->text[i].value != NULL) covers[count++] = s->text[i].value->meta.op_id;
	}
	for (size_t i = 0; i < s->measure_count; i++) covers[count++] = s->measures[i]->meta.op_id;
	INSIST(count <= v->count);
	s->covers = covers;
	s->cover_count = count;
	return session_hash_values(v, s->values_hash);
}

enum err session_fold_state(struct session_fold *f, struct session_state *ret_state)
{
	struct session_state state = { .session_id = f->session_id };
	struct session_view v = { .fold = f, .count = f->store.count, .state = &state };
	TRY(fold_store_begin(&f->store, &v.by_age));
	session_find_frame(&v);
	TRY(session_apply_sign(&v));
	session_show_frame(&v);
	TRY(session_show_texts(&v));
	TRY(session_show_measures(&v));
	TRY(session_show_addenda(&v));
	TRY(session_show_late(&v));
	if (v.sign != NULL) {
		TRY(session_show_sign(&v));
	} else {
		TRY(session_show_covers(&v));
	}
	*ret_state = state;
	return ERR_OK;
}
