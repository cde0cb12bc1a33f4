/* session_model: the merge rule of fold.h a second time, as slow and plain as it can be written. It
 * shares no code with the fold; session_fold_test.c holds the two together. */
#pragma once

#include "unit/record/fold_ops.h"

struct model {
	const struct test_op *ops;
	size_t count;
};

/* The rule `newer`. */
static inline bool model_newer(const struct test_op *a, const struct test_op *b)
{
	const uint64_t far = UINT64_MAX;
	const uint64_t x = a->seq == 0 ? far : a->seq;
	const uint64_t y = b->seq == 0 ? far : b->seq;
	if (x != y) return x > y;
	if (a->seq == 0 && a->local_order != b->local_order) return a->local_order > b->local_order;
	return a->op_id > b->op_id;
}

static inline bool model_links(const struct test_op *op, uint8_t id)
{
	for (size_t i = 0; i < op->link_count; i++) {
		if (op->links[i] == id) return true;
	}
	return false;
}

static inline bool model_erased(const struct model *m, const struct test_op *op)
{
	for (size_t i = 0; i < m->count; i++) {
		if (m->ops[i].kind == KIND_TOMBSTONE && m->ops[i].links[0] == op->op_id)
			return true;
	}
	return false;
}

/* The oldest op that `want` accepts; NULL for none. */
static inline const struct test_op *model_oldest(const struct model *m,
						 bool (*want)(const struct test_op *, const void *),
						 const void *arg)
{
	const struct test_op *best = NULL;
	for (size_t i = 0; i < m->count; i++) {
		if (!want(&m->ops[i], arg)) continue;
		if (best == NULL || model_newer(best, &m->ops[i])) best = &m->ops[i];
	}
	return best;
}

static inline bool model_is_frame(const struct test_op *op, const void *arg)
{
	(void)arg;
	return op->kind == KIND_SESSION_FRAME;
}

static inline bool model_is_sign(const struct test_op *op, const void *arg)
{
	const struct test_op *frame = arg;
	if (op->kind != KIND_SIGN) return false;
	return frame == NULL || frame->imported || op->author == 3;
}

static inline const struct test_op *model_frame(const struct model *m)
{
	return model_oldest(m, model_is_frame, NULL);
}

static inline const struct test_op *model_sign(const struct model *m)
{
	return model_oldest(m, model_is_sign, model_frame(m));
}

static inline bool model_covered(const struct model *m, const struct test_op *op)
{
	const struct test_op *sign = model_sign(m);
	if (sign == NULL || op == model_frame(m)) return true;
	return model_links(sign, op->op_id);
}

static inline bool model_same_field(const struct test_op *a, const struct test_op *b)
{
	return a->kind == KIND_SESSION_TEXT && b->kind == KIND_SESSION_TEXT && a->field == b->field;
}

/* Is `op` an ancestor of a covered text? Grows the set until nothing is added. */
static inline bool model_replaced(const struct model *m, const struct test_op *op)
{
	if (model_sign(m) == NULL) return false;
	bool in[OPS_MAX] = { false };
	for (size_t round = 0; round <= m->count; round++) {
		for (size_t i = 0; i < m->count; i++) {
			const struct test_op *child = &m->ops[i];
			if (!model_covered(m, child) && !in[i]) continue;
			for (size_t j = 0; j < m->count; j++) {
				if (!model_same_field(child, &m->ops[j])) continue;
				if (model_links(child, m->ops[j].op_id)) in[j] = true;
			}
		}
	}
	return in[op - m->ops];
}

static inline bool model_named(const struct model *m, const struct test_op *op)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct test_op *other = &m->ops[i];
		if (other == op || !model_same_field(other, op) || !model_covered(m, other))
			continue;
		if (model_links(other, op->op_id)) return true;
	}
	return false;
}

/* Sorts pointers oldest first (bubble sort). */
static inline void model_sort(const struct test_op **list, size_t count, bool by_time)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j + 1 < count; j++) {
			bool swap = model_newer(list[j], list[j + 1]);
			if (by_time && list[j]->at_ms != list[j + 1]->at_ms) {
				swap = list[j]->at_ms > list[j + 1]->at_ms;
			}
			if (!swap) continue;
			const struct test_op *keep = list[j];
			list[j] = list[j + 1];
			list[j + 1] = keep;
		}
	}
}
