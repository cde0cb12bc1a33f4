#include "support/reference_priv.h"

#include "base/check.h"
#include "base/limits.h"
#include "support/reference_say.h"

#include <stdlib.h>

#define ARENA_BYTES (1024u * MIB)

struct reference *reference_new(void)
{
	struct reference *r = calloc(1, sizeof(*r));
	INSIST(r != NULL);
	arena_init(&r->arena, ARENA_BYTES);
	return r;
}

void reference_free(struct reference *r)
{
	if (r == NULL) return;
	arena_fini(&r->arena);
	free(r->ops);
	free(r);
}

struct id reference_id(ProtobufCBinaryData from)
{
	struct id id = { { 0 } };
	if (from.len == ID_BYTES) memcpy(id.b, from.data, ID_BYTES);
	return id;
}

bool reference_lists(const ProtobufCBinaryData *ids, size_t count, const struct id *id)
{
	for (size_t i = 0; i < count; i++) {
		const struct id one = reference_id(ids[i]);
		if (id_equal(&one, id)) return true;
	}
	return false;
}

const struct entry *reference_find(const struct reference *r, const struct id *op_id)
{
	for (size_t i = 0; i < r->count; i++) {
		if (id_equal(&r->ops[i].op_id, op_id)) return &r->ops[i];
	}
	return NULL;
}

/* ---- taking ops in ------------------------------------------------------------------- */

static void entry_erase(struct reference *r, struct entry *tombstone)
{
	const struct id target = reference_id(tombstone->payload.is.tombstone->target);
	for (size_t i = 0; i < r->count; i++) {
		struct entry *e = &r->ops[i];
		if (!id_equal(&e->op_id, &target)) continue;
		e->erased = true;
		tombstone->target = i;
		tombstone->session_id = e->session_id;
		tombstone->patient_id = e->patient_id;
	}
}

static void entry_belong(struct reference *r, struct entry *e)
{
	const struct payload *p = &e->payload;
	switch (p->info->kind) {
	case KIND_PATIENT: e->patient_id = reference_id(p->is.patient->patient_id); break;
	case KIND_SESSION_FRAME:
		e->session_id = reference_id(p->is.session_frame->session_id);
		break;
	case KIND_SESSION_TEXT: e->session_id = reference_id(p->is.session_text->session_id); break;
	case KIND_MEASURE: e->session_id = reference_id(p->is.measure->session_id); break;
	case KIND_SIGN: e->session_id = reference_id(p->is.sign->session_id); break;
	case KIND_ADDENDUM: e->session_id = reference_id(p->is.addendum->session_id); break;
	case KIND_TOMBSTONE:
	case KIND_SEALED_TOMBSTONE: entry_erase(r, e); break;
	case KIND_OPENED:
	case KIND_NOTE: break;
	case KIND_ANY_PLAIN:
		/* Not the session's: nothing of a session changes by it. */
		(void)payload_subject_id(p, &e->record_id);
		(void)payload_patient_id(p, &e->patient_id);
		break;
	}
}

enum err reference_add(struct reference *r, const struct reference_op *op)
{
	if (reference_find(r, &op->op_id) != NULL) return ERR_OK;
	if (r->count == r->cap) {
		r->cap = r->cap == 0 ? 64 : 2 * r->cap;
		r->ops = realloc(r->ops, r->cap * sizeof(*r->ops));
		INSIST(r->ops != NULL);
	}
	struct entry e = {
		.op_id = op->op_id, .author_id = op->author_id, .kind = op->kind, .target = SIZE_MAX
	};
	if (kind_find(op->kind) != NULL) {
		const struct view kept = arena_dup(&r->arena, op->payload);
		INSIST(kept.p != NULL);
		TRY(payload_decode(&r->arena, op->kind, kept, &e.payload, NULL));
		e.known = true;
		e.bytes = kept;
		entry_belong(r, &e);
	}
	r->ops[r->count++] = e;
	return ERR_OK;
}

/* ---- the ops of one session ---------------------------------------------------------- */

static bool is_of(const struct entry *e, const struct id *session_id, uint64_t kind)
{
	return e->kind == kind && id_equal(&e->session_id, session_id);
}

const struct entry *reference_first_frame(const struct reference *r, const struct id *session_id)
{
	for (size_t i = 0; i < r->count; i++) {
		if (is_of(&r->ops[i], session_id, KIND_SESSION_FRAME)) return &r->ops[i];
	}
	return NULL;
}

/* The oldest Sign of the therapist; of an imported session, of anybody. */
const struct entry *reference_sign(const struct reference *r, const struct id *session_id)
{
	const struct entry *frame = reference_first_frame(r, session_id);
	for (size_t i = 0; i < r->count; i++) {
		const struct entry *e = &r->ops[i];
		if (!is_of(e, session_id, KIND_SIGN)) continue;
		if (frame == NULL || frame->payload.is.session_frame->imported) return e;
		const struct id therapist =
			reference_id(frame->payload.is.session_frame->therapist_id);
		if (id_equal(&e->author_id, &therapist)) return e;
	}
	return NULL;
}

/* A session while it is told: `sign` NULL is a draft, in which everything counts. */
struct telling {
	const struct entry **ops; /* owned: of this session, oldest first */
	size_t count;
	const struct entry *first_frame;
	const struct entry *sign;
	bool *ancestor; /* owned, by place in ops: of a covered text, within its field */
};

static bool is_covered(const struct telling *t, const struct entry *e)
{
	if (t->sign == NULL) return false;
	if (e == t->first_frame) return true; /* it made the session */
	const Roomkeep__Sign *sign = t->sign->payload.is.sign;
	return reference_lists(sign->covered, sign->n_covered, &e->op_id);
}

static bool is_applied(const struct telling *t, const struct entry *e)
{
	return t->sign == NULL || is_covered(t, e);
}

/* `field` 0: any. */
static bool is_text(const struct entry *e, int field)
{
	return e->kind == KIND_SESSION_TEXT &&
	       (field == 0 || (int)e->payload.is.session_text->field == field);
}

/* Does `child` name `e` as what it replaces, within one field? */
static bool replaces(const struct entry *child, const struct entry *e)
{
	if (!is_text(child, 0)) return false;
	const Roomkeep__SessionText *m = child->payload.is.session_text;
	return is_text(e, (int)m->field) && reference_lists(m->parents, m->n_parents, &e->op_id);
}

/* Grows the set of ancestors until nothing is added. */
static void find_ancestors(struct telling *t)
{
	t->ancestor = calloc(t->count + 1, sizeof(*t->ancestor));
	INSIST(t->ancestor != NULL);
	if (t->sign == NULL) return;
	for (bool grew = true; grew;) {
		grew = false;
		for (size_t c = 0; c < t->count; c++) {
			if (!is_covered(t, t->ops[c]) && !t->ancestor[c]) continue;
			for (size_t i = 0; i < t->count; i++) {
				if (t->ancestor[i] || !replaces(t->ops[c], t->ops[i])) continue;
				t->ancestor[i] = grew = true;
			}
		}
	}
}

/* ---- telling a session --------------------------------------------------------------- */

static void tell_frame(const struct telling *t, struct buf *out)
{
	if (t->first_frame == NULL) return;
	const Roomkeep__SessionFrame *first = t->first_frame->payload.is.session_frame;
	struct say_frame f = { .patient_id = reference_id(first->patient_id),
			       .therapist_id = reference_id(first->therapist_id),
			       .imported = first->has_imported && first->imported };
	for (size_t i = 0; i < t->count; i++) {
		const struct entry *e = t->ops[i];
		if (e->kind != KIND_SESSION_FRAME || !is_applied(t, e)) continue;
		const Roomkeep__SessionFrame *m = e->payload.is.session_frame;
		if (m->has_room_id) f.room_id = reference_id(m->room_id);
		if (m->has_started_ms) f.started_ms = m->started_ms;
		if (m->has_ended_ms) f.ended_ms = m->ended_ms;
	}
	say_session_frame(out, &f);
}

static bool is_named(const struct telling *t, const struct entry *e)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct entry *child = t->ops[i];
		if (child != e && is_applied(t, child) && replaces(child, e)) return true;
	}
	return false;
}

/* Heads: not named by another applied text, nor an ancestor of a covered one. When a ring of forged
 * parents leaves none, all stand. */
static void tell_field(const struct telling *t, int field, struct buf *out)
{
	size_t heads = 0;
	for (int ring = 0; ring < 2 && heads == 0; ring++) {
		for (size_t i = 0; i < t->count; i++) {
			const struct entry *e = t->ops[i];
			if (!is_text(e, field) || !is_applied(t, e)) continue;
			if (ring == 0 && (is_named(t, e) || t->ancestor[i])) continue;
			const char *text = e->erased ? "" : e->payload.is.session_text->text;
			say_head(out, field, &e->op_id, view_str(text), e->erased);
			heads++;
		}
	}
}

static struct id row_id(const struct entry *e)
{
	if (e->kind == KIND_MEASURE) return reference_id(e->payload.is.measure->measure_id);
	return reference_id(e->payload.is.addendum->addendum_id);
}

/* Of several ops with one row id one holds the row: a covered one first, else the oldest. */
static bool holds_row(const struct telling *t, const struct entry *e)
{
	const struct id mine = row_id(e);
	for (size_t i = 0; i < t->count; i++) {
		const struct entry *o = t->ops[i];
		if (o == e || o->kind != e->kind) continue;
		const struct id other = row_id(o);
		if (!id_equal(&mine, &other)) continue;
		const bool o_covered = is_covered(t, o);
		const bool e_covered = is_covered(t, e);
		if (o_covered != e_covered ? o_covered : o < e) return false;
	}
	return true;
}

static bool is_row(const struct telling *t, const struct entry *e, uint64_t kind)
{
	return e->kind == kind && !e->erased && holds_row(t, e);
}

static void tell_measure(const struct entry *e, struct buf *out)
{
	const Roomkeep__Measure *m = e->payload.is.measure;
	const struct say_measure say = { .op_id = e->op_id,
					 .measure_id = reference_id(m->measure_id),
					 .ref = view_str(m->ref),
					 .catalogue = m->catalogue,
					 .phase = (int)m->phase,
					 .side = m->has_side ? (int)m->side : 0,
					 .has_value = m->has_value_milli,
					 .value_milli = m->value_milli,
					 .unit = m->unit == NULL ? VIEW_EMPTY : view_str(m->unit),
					 .result = m->has_result ? (int)m->result : 0,
					 .at_ms = m->at_ms,
					 .how = { (int)m->mode, (int)m->position, (int)m->method,
						  (int)m->end_feel, (int)m->skipped_reason },
					 .pain = m->has_pain_at_end ? (int)m->pain_at_end : -1,
					 .limited_by = view_str(m->limited_by),
					 .rater_id = view_of(m->rater_id.data, m->rater_id.len),
					 .pair_id = view_of(m->pair_id.data, m->pair_id.len) };
	say_measure(out, &say);
}

/* By the time that was measured at, then by age: takes the smallest that was not told yet. */
static void tell_measures(const struct telling *t, struct buf *out)
{
	const struct entry *told = NULL;
	for (;;) {
		const struct entry *next = NULL;
		for (size_t i = 0; i < t->count; i++) {
			const struct entry *e = t->ops[i];
			if (!is_row(t, e, KIND_MEASURE) || !is_applied(t, e)) continue;
			const uint64_t at = e->payload.is.measure->at_ms;
			if (told != NULL) {
				const uint64_t last = told->payload.is.measure->at_ms;
				if (at < last || (at == last && e <= told)) continue;
			}
			if (next == NULL || at < next->payload.is.measure->at_ms) next = e;
		}
		if (next == NULL) return;
		tell_measure(next, out);
		told = next;
	}
}

static void tell_addenda(const struct telling *t, struct buf *out)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct entry *e = t->ops[i];
		if (!is_row(t, e, KIND_ADDENDUM)) continue;
		const struct id id = row_id(e);
		say_addendum(out, &e->op_id, &id, view_str(e->payload.is.addendum->text));
	}
}

/* What the Sign does not cover: never applied, always listed. */
static void tell_late(const struct telling *t, struct buf *out)
{
	if (t->sign == NULL) return;
	for (size_t i = 0; i < t->count; i++) {
		const struct entry *e = t->ops[i];
		if (is_covered(t, e)) continue;
		if (e->kind == KIND_SESSION_FRAME) say_late_op(out, &e->op_id, "frame ");
		if (is_text(e, 0) && !t->ancestor[i] && !e->erased)
			say_late_op(out, &e->op_id, "text ");
		if (is_row(t, e, KIND_MEASURE)) say_late_op(out, &e->op_id, "measure ");
	}
}

void reference_say_session(const struct reference *r, const struct id *session_id, struct buf *out)
{
	struct telling t = { .first_frame = reference_first_frame(r, session_id),
			     .sign = reference_sign(r, session_id) };
	t.ops = calloc(r->count + 1, sizeof(struct entry *));
	INSIST(t.ops != NULL);
	for (size_t i = 0; i < r->count; i++) {
		if (id_equal(&r->ops[i].session_id, session_id)) t.ops[t.count++] = &r->ops[i];
	}
	find_ancestors(&t);
	tell_frame(&t, out);
	if (t.sign != NULL) say_signed(out, &t.sign->op_id);
	for (int field = 1; field <= 4; field++) tell_field(&t, field, out);
	tell_measures(&t, out);
	tell_addenda(&t, out);
	tell_late(&t, out);
	free(t.ancestor);
	free(t.ops);
}

/* ---- patients ------------------------------------------------------------------------ */

static const char *patient_word(const struct entry *e, int field)
{
	const Roomkeep__Patient *m = e->payload.is.patient;
	switch (field) {
	case 0: return m->name;
	case 1: return m->name_used;
	case 2: return m->born;
	case 3: return m->phone;
	default: return m->email;
	}
}

void reference_say_patient(const struct reference *r, const struct id *patient_id, bool history,
			   struct buf *out)
{
	for (int field = 0; field < 5; field++) {
		bool said = false;
		for (size_t i = r->count; i-- > 0;) {
			const struct entry *e = &r->ops[i];
			if (e->kind != KIND_PATIENT || e->erased) continue;
			if (!id_equal(&e->patient_id, patient_id)) continue;
			const char *word = patient_word(e, field);
			if (word == NULL) continue;
			if (!said) say_patient(out, field, view_str(word));
			if (history) say_patient_value(out, field, &e->op_id, view_str(word));
			said = true;
		}
	}
}

/* ---- looking up ---------------------------------------------------------------------- */

void reference_record_of(const struct reference *r, const struct id *op_id, struct id *ret_session,
			 struct id *ret_patient)
{
	const struct entry *e = reference_find(r, op_id);
	*ret_session = (struct id){ { 0 } };
	*ret_patient = (struct id){ { 0 } };
	if (e == NULL) return;
	*ret_session = e->session_id;
	*ret_patient = e->patient_id;
}

static bool makes_session(const struct reference *r, const struct entry *e)
{
	return e->kind == KIND_SESSION_FRAME && reference_first_frame(r, &e->session_id) == e;
}

size_t reference_session_count(const struct reference *r)
{
	size_t count = 0;
	for (size_t i = 0; i < r->count; i++) count += makes_session(r, &r->ops[i]);
	return count;
}

const struct id *reference_session_at(const struct reference *r, size_t at,
				      struct id *ret_patient_id)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct entry *e = &r->ops[i];
		if (!makes_session(r, e) || at-- > 0) continue;
		*ret_patient_id = reference_id(e->payload.is.session_frame->patient_id);
		return &e->session_id;
	}
	return NULL;
}

uint64_t reference_target_kind(const struct reference *r, const struct id *op_id)
{
	const struct entry *e = reference_find(r, op_id);
	return e == NULL || e->target == SIZE_MAX ? 0 : r->ops[e->target].kind;
}

bool reference_is_erased(const struct reference *r, const struct id *op_id)
{
	const struct entry *e = reference_find(r, op_id);
	return e != NULL && e->erased;
}
