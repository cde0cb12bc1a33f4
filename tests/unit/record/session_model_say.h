/* session_model_say: what the model shows, in the words of say_state of fold_ops.h. */
#pragma once

#include "unit/record/session_model.h"

static inline void model_say_frame(const struct model *m, struct buf *b)
{
	const struct test_op *first = model_frame(m);
	if (first == NULL) return;
	say(b, "frame patient %u therapist %u imported %d\n",
	    first->patient == 0 ? 1u : first->patient, 3u, first->imported);
	const struct test_op *list[OPS_MAX];
	size_t count = 0;
	for (size_t i = 0; i < m->count; i++) {
		if (model_is_frame(&m->ops[i], NULL) && model_covered(m, &m->ops[i])) {
			list[count++] = &m->ops[i];
		}
	}
	model_sort(list, count, false);
	unsigned room = 0;
	unsigned long long started = 0;
	unsigned long long ended = 0;
	for (size_t i = 0; i < count; i++) {
		if (list[i]->room != 0) room = list[i]->room;
		if (list[i]->started_ms != 0) started = list[i]->started_ms;
		if (list[i]->ended_ms != 0) ended = list[i]->ended_ms;
	}
	say(b, "room %u started %llu ended %llu\n", room, started, ended);
}

static inline bool model_say_field(const struct model *m, struct buf *b, int field)
{
	const struct test_op *heads[OPS_MAX];
	size_t count = 0;
	for (int ring = 0; ring < 2 && count == 0; ring++) {
		for (size_t i = 0; i < m->count; i++) {
			const struct test_op *op = &m->ops[i];
			if (op->kind != KIND_SESSION_TEXT || op->field != field) continue;
			if (!model_covered(m, op)) continue;
			const bool below = model_named(m, op) || model_replaced(m, op);
			if (ring == 1 || !below) heads[count++] = op;
		}
	}
	model_sort(heads, count, false);
	for (size_t i = 0; i < count; i++) {
		const bool erased = model_erased(m, heads[i]);
		say(b, "field %d head %u '%s'%s\n", field, heads[i]->op_id,
		    erased ? "" : heads[i]->text, erased ? " erased" : "");
	}
	return count > 1;
}

/* Does this op hold its row: is there none of the same row that goes before it? */
static inline bool model_holds_row(const struct model *m, const struct test_op *op)
{
	const bool covered = model_sign(m) != NULL && model_covered(m, op);
	for (size_t i = 0; i < m->count; i++) {
		const struct test_op *other = &m->ops[i];
		if (other == op || other->kind != op->kind || other->row_id != op->row_id) continue;
		const bool other_covered = model_sign(m) != NULL && model_covered(m, other);
		if (other_covered != covered) {
			if (other_covered) return false;
		} else if (model_newer(op, other)) {
			return false;
		}
	}
	return true;
}

static inline void model_say_rows(const struct model *m, struct buf *b, enum kind kind)
{
	const struct test_op *rows[OPS_MAX];
	size_t count = 0;
	for (size_t i = 0; i < m->count; i++) {
		const struct test_op *op = &m->ops[i];
		if (op->kind != kind || model_erased(m, op) || !model_holds_row(m, op)) continue;
		if (kind == KIND_ADDENDUM || model_covered(m, op)) rows[count++] = op;
	}
	model_sort(rows, count, kind == KIND_MEASURE);
	for (size_t i = 0; i < count; i++) {
		if (kind == KIND_MEASURE) {
			say(b, "measure op %u row %u value %lld\n", rows[i]->op_id, rows[i]->row_id,
			    (long long)rows[i]->value);
		} else {
			say(b, "addendum op %u '%s'\n", rows[i]->op_id, rows[i]->text);
		}
	}
}

static inline bool model_late(const struct model *m, const struct test_op *op)
{
	if (model_sign(m) == NULL || model_covered(m, op)) return false;
	if (op->kind == KIND_SESSION_FRAME) return true;
	if (model_erased(m, op)) return false;
	if (op->kind == KIND_SESSION_TEXT) return !model_replaced(m, op);
	return op->kind == KIND_MEASURE && model_holds_row(m, op);
}

static inline void model_say_late(const struct model *m, struct buf *b)
{
	const struct test_op *late[OPS_MAX];
	size_t count = 0;
	for (size_t i = 0; i < m->count; i++) {
		if (model_late(m, &m->ops[i])) late[count++] = &m->ops[i];
	}
	model_sort(late, count, false);
	for (size_t i = 0; i < count; i++) {
		if (late[i]->kind == KIND_SESSION_TEXT) {
			say(b, "late text %u field %d\n", late[i]->op_id, late[i]->field);
		} else {
			say(b, "late %s %u\n", late[i]->kind == KIND_MEASURE ? "measure" : "frame",
			    late[i]->op_id);
		}
	}
}

static inline void model_say(const struct model *m, struct buf *b)
{
	model_say_frame(m, b);
	if (model_sign(m) != NULL) say(b, "signed by %u\n", model_sign(m)->op_id);
	bool conflict = false;
	for (int field = 1; field <= 4; field++) {
		if (model_say_field(m, b, field)) conflict = true;
	}
	model_say_rows(m, b, KIND_MEASURE);
	model_say_rows(m, b, KIND_ADDENDUM);
	model_say_late(m, b);
	say(b, "conflict %d\n", conflict);
}
