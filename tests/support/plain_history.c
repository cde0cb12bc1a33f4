#include "support/plain_history.h"

#include "base/cleanup.h"
#include "record/record_fold.h"
#include "support/reference.h"
#include "support/reference_say.h"
#include "support/say_state.h"
#include "unit/record/samples.h"

#define RECORDS 3u

struct op {
	const struct kind_info *info;
	union sample m;
};

static struct id op_id_of(size_t at)
{
	return (struct id){ { (uint8_t)(100 + at) } };
}

static struct id record_of(const struct kind_info *info, size_t at)
{
	/* One per patient: the patients differ. */
	return (struct id){ { (uint8_t)(kind_is_one_per_patient(info) ? 40 + at : 50 + at) } };
}

static void draw(const struct rand_source *r, const struct kind_info *info, struct arena *a,
		 size_t at, struct op *op)
{
	if (at > 2 && rand_below(r, 5) == 0) {
		op->info = kind_find(KIND_TOMBSTONE);
		op->m = sample_of(KIND_TOMBSTONE);
		op->m.tombstone.target = sample_id((uint8_t)(100 + rand_below(r, at)));
		return;
	}
	const struct id record = record_of(info, (size_t)rand_below(r, RECORDS));
	op->info = info;
	plain_sample_change(info, rand_u64(r), true, a, &op->m.any);
	if (info->patient_field != NULL && !kind_is_one_per_patient(info))
		plain_sample_id(&op->m.any, info->patient_field, &(struct id){ { 1 } }, a);
	plain_sample_id(&op->m.any, info->subject_field, &record, a);
}

static void tell(struct reference *r, size_t at, const struct op *op)
{
	static const uint8_t blind[PAYLOAD_BLIND_BYTES] = { 1 };
	CLEANUP(buf_finip) struct buf payload = { 0 };
	INSIST(payload_encode(op->info->kind, &op->m.any, false, blind, &payload, NULL) == ERR_OK);
	const struct reference_op to = { .op_id = op_id_of(at),
					 .kind = (uint64_t)op->info->kind,
					 .payload = buf_view(&payload) };
	INSIST(reference_add(r, &to) == ERR_OK);
}

static void add(struct record_fold *f, size_t at, struct op *op)
{
	const struct payload p = { .info = op->info, .is.any = &op->m.any };
	const struct fold_meta meta = { .op_id = op_id_of(at), .seq = at + 1 };
	INSIST(record_fold_add(f, &meta, &p) == ERR_OK);
}

static bool agrees(const struct kind_info *info, struct record_fold *f, const struct reference *r,
		   char *ret_line, size_t line_cap)
{
	const struct record_state *states;
	size_t count;
	INSIST(record_fold_state(f, &states, &count) == ERR_OK);
	for (size_t i = 0; i < RECORDS; i++) {
		CLEANUP(buf_finip) struct buf shown = { 0 };
		CLEANUP(buf_finip) struct buf want = { 0 };
		const struct id record = record_of(info, i);
		for (size_t k = 0; k < count; k++)
			if (id_equal(&states[k].record_id, &record))
				say_record_state(info, &states[k], &shown);
		reference_say_plain(r, (uint64_t)info->kind, &record, &want);
		if (view_equal(buf_view(&shown), buf_view(&want))) continue;
		say_difference(&shown, &want, ret_line, line_cap);
		return false;
	}
	return true;
}

bool plain_history_agrees(const struct kind_info *info, const struct rand_source *r, char *ret_line,
			  size_t line_cap)
{
	CLEANUP(arena_finip) struct arena a;
	CLEANUP(record_fold_finip) struct record_fold f;
	struct reference *reference = reference_new();
	struct op ops[PLAIN_HISTORY_OPS];
	size_t order[PLAIN_HISTORY_OPS];
	arena_init(&a, MIB);
	record_fold_init(&f, info);
	for (size_t i = 0; i < PLAIN_HISTORY_OPS; i++) {
		draw(r, info, &a, i, &ops[i]);
		tell(reference, i, &ops[i]);
		const size_t j = (size_t)rand_below(r, i + 1);
		order[i] = i;
		order[i] = order[j];
		order[j] = i;
	}
	for (size_t i = 0; i < PLAIN_HISTORY_OPS; i++) add(&f, order[i], &ops[order[i]]);
	const bool same = agrees(info, &f, reference, ret_line, line_cap);
	reference_free(reference);
	return same;
}
