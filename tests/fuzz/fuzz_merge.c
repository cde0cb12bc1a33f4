/* fuzz_merge: the ops of one session and of one patient, as the input says, added in two orders and
 * with repeats.
 * Targets: session_fold_add, session_fold_state, session_values_encode, patient_fold_add,
 *          patient_fold_state.
 * Holds:   the order of adding never matters; a session is shown as the plain model of the merge
 *          rule shows it (unit/record/session_model.h), a patient as the one below: the newest
 *          value of each field that was not erased, with the older ones behind it. */
#include "base/cleanup.h"
#include "fuzz/fuzz.h"
#include "unit/record/session_model_say.h"

#define FIRST_OP_ID 100u
#define TIME_MS 1700000000000u

static void read_links(struct fuzz_in *in, struct test_op *op, size_t max)
{
	const size_t want = fuzz_below(in, (unsigned)max + 1);
	for (size_t i = 0; i < want; i++) {
		/* one of them may not exist */
		const uint8_t id = (uint8_t)(FIRST_OP_ID + fuzz_below(in, OPS_MAX + 1));
		bool twice = false;
		for (size_t j = 0; j < op->link_count; j++) twice = twice || op->links[j] == id;
		if (!twice) op->links[op->link_count++] = id;
	}
}

static void read_by_kind(struct fuzz_in *in, struct test_op *op, size_t index)
{
	if (op->kind == KIND_SESSION_TEXT) {
		op->field = 1 + fuzz_below(in, FOLD_TEXT_FIELDS);
		read_links(in, op, 3);
	} else if (op->kind == KIND_SIGN) {
		op->hash = fuzz_u8(in);
		read_links(in, op, LINKS_MAX);
	} else if (op->kind == KIND_TOMBSTONE) {
		op->links[0] = (uint8_t)(FIRST_OP_ID + fuzz_below(in, OPS_MAX));
	} else if (op->kind == KIND_SESSION_FRAME) {
		const uint8_t flags = fuzz_u8(in);
		op->room = (uint8_t)(flags & 3u);
		op->started_ms = (flags & 4u) != 0 ? TIME_MS + index : 0;
		op->ended_ms = (flags & 8u) != 0 ? TIME_MS + 900000u + index : 0;
		op->patient = (flags & 16u) != 0 ? 1 : 2;
		op->imported = (flags & 32u) != 0;
	} else {
		op->row_id = (uint8_t)(30 + fuzz_below(in, 3));
		op->value = fuzz_u8(in);
		op->at_ms = TIME_MS + fuzz_below(in, 3);
	}
}

/* Ids and server numbers are unique, as the server sees to. */
static struct test_op read_op(struct fuzz_in *in, size_t index)
{
	static const enum kind kinds[] = { KIND_SESSION_TEXT, KIND_SESSION_FRAME, KIND_MEASURE,
					   KIND_SIGN,         KIND_ADDENDUM,      KIND_TOMBSTONE };
	const uint8_t about = fuzz_u8(in);
	const uint8_t age = fuzz_u8(in);
	struct test_op op = { .kind = kinds[about % COUNT_OF(kinds)],
			      .op_id = (uint8_t)(FIRST_OP_ID + index),
			      .author = (about & 0x40u) != 0 ? 9 : 3,
			      .seq = (about & 0x80u) != 0 ? 0 : 1 + (uint64_t)age * OPS_MAX + index,
			      .local_order = age & 3u,
			      .hash = 1 };
	const int n = snprintf(op.text, sizeof(op.text), "text %zu", index);
	INSIST(n > 0);
	read_by_kind(in, &op, index);
	return op;
}

/* ---- session ---- */

static void fold_add(struct session_fold *f, const struct test_op *op)
{
	INSIST(add_op(f, op) == ERR_OK);
}

static void fold_show(struct session_fold *f, struct buf *text, uint8_t *hash, struct buf *values)
{
	struct session_state s;

	INSIST(session_fold_state(f, &s) == ERR_OK);
	say_state(text, &s);
	memcpy(hash, s.values_hash, FOLD_HASH_BYTES);
	INSIST(session_values_encode(&s, values) == ERR_OK);
}

struct shown {
	struct buf text;
	struct buf values;
	uint8_t hash[FOLD_HASH_BYTES];
};

static void shown_finip(struct shown *s)
{
	buf_fini(&s->text);
	buf_fini(&s->values);
}

/* Adds from the front, or from the back with every op twice. */
static void show_in_order(const struct test_op *ops, size_t count, bool back, struct shown *ret)
{
	static const struct id session = { { 2 } };
	CLEANUP(session_fold_finip) struct session_fold f;

	session_fold_init(&f, &session, test_hasher());
	for (size_t i = 0; i < count; i++) {
		fold_add(&f, &ops[back ? count - 1 - i : i]);
		if (back) fold_add(&f, &ops[count - 1 - i / 2]);
	}
	fold_show(&f, &ret->text, ret->hash, &ret->values);
}

static void run_session(const struct test_op *ops, size_t count)
{
	CLEANUP(shown_finip) struct shown front = { 0 };
	CLEANUP(shown_finip) struct shown back = { 0 };
	CLEANUP(buf_finip) struct buf model_text = { 0 };
	const struct model m = { ops, count };

	show_in_order(ops, count, false, &front);
	show_in_order(ops, count, true, &back);
	INSIST(view_equal(buf_view(&front.text), buf_view(&back.text)));
	INSIST(view_equal(buf_view(&front.values), buf_view(&back.values)));
	INSIST(view_equal(VIEW_OF(front.hash), VIEW_OF(back.hash)));
	model_say(&m, &model_text);
	INSIST(view_equal(buf_view(&front.text), buf_view(&model_text)));
}

/* ---- patient ---- */

static void patient_add(struct patient_fold *f, const struct test_op *op)
{
	union sample s = sample_of(op->kind == KIND_TOMBSTONE ? KIND_TOMBSTONE : KIND_PATIENT);
	const struct fold_meta meta = meta_of(op);
	char name[sizeof(op->text)];

	memcpy(name, op->text, sizeof(name));
	if (op->kind == KIND_TOMBSTONE) {
		s.tombstone.target = sample_id(op->links[0]);
	} else {
		/* which fields it touches */
		s.patient.name = (op->value & 1) != 0 || op->field > 0 ? name : NULL;
		s.patient.name_used = (op->value & 2) != 0 ? name : NULL;
		if ((op->value & 4) != 0) s.patient.born = NULL;
		if ((op->value & 8) != 0) s.patient.phone = NULL;
		if ((op->value & 16) != 0) s.patient.email = NULL;
	}
	const struct payload p = { .info = kind_find(op->kind == KIND_TOMBSTONE ? KIND_TOMBSTONE
										: KIND_PATIENT),
				   .is.any = &s.any };
	INSIST(patient_fold_add(f, &meta, &p) == ERR_OK);
}

static void patient_show(const struct test_op *ops, size_t count, bool back, struct buf *text)
{
	static const struct id patient = { { 1 } };
	CLEANUP(patient_fold_finip) struct patient_fold f;
	struct patient_state s;

	patient_fold_init(&f, &patient);
	for (size_t i = 0; i < count; i++) patient_add(&f, &ops[back ? count - 1 - i : i]);
	INSIST(patient_fold_state(&f, &s) == ERR_OK);
	for (size_t i = 0; i < PATIENT_FIELD_COUNT; i++) {
		const struct patient_field_state *field = &s.fields[i];
		INSIST((field->value == NULL) == (field->history_count == 0));
		for (size_t j = 0; j < field->history_count; j++) {
			const struct patient_value *v = &field->history[j];
			say(text, "%s by %u '%.*s'\n", field->name, v->meta.op_id.b[0],
			    (int)v->text.len, (const char *)v->text.p);
		}
	}
}

/* What an op says about a field of PATIENT_FIELD_COUNT; NULL: nothing. */
static const char *model_patient_text(const struct test_op *op, size_t field)
{
	const union sample s = sample_of(KIND_PATIENT);
	const bool bit = (op->value >> field & 1) != 0;

	if (op->kind == KIND_TOMBSTONE) return NULL;
	switch (field) {
	case PATIENT_NAME: return bit || op->field > 0 ? op->text : NULL;
	case PATIENT_NAME_USED: return bit ? op->text : NULL;
	case PATIENT_BORN: return bit ? NULL : s.patient.born;
	case PATIENT_PHONE: return bit ? NULL : s.patient.phone;
	default: return bit ? NULL : s.patient.email;
	}
}

static void model_say_patient(const struct model *m, struct buf *b)
{
	static const char *const names[] = { "name", "name_used", "born", "phone", "email" };

	for (size_t field = 0; field < COUNT_OF(names); field++) {
		const struct test_op *list[OPS_MAX];
		size_t count = 0;
		for (size_t i = 0; i < m->count; i++) {
			if (model_patient_text(&m->ops[i], field) == NULL) continue;
			if (!model_erased(m, &m->ops[i])) list[count++] = &m->ops[i];
		}
		model_sort(list, count, false);
		while (count-- > 0)
			say(b, "%s by %u '%s'\n", names[field], list[count]->op_id,
			    model_patient_text(list[count], field));
	}
}

static void run_patient(const struct test_op *ops, size_t count)
{
	CLEANUP(buf_finip) struct buf front = { 0 };
	CLEANUP(buf_finip) struct buf back = { 0 };
	CLEANUP(buf_finip) struct buf model_text = { 0 };
	const struct model m = { ops, count };

	patient_show(ops, count, false, &front);
	patient_show(ops, count, true, &back);
	INSIST(view_equal(buf_view(&front), buf_view(&back)));
	model_say_patient(&m, &model_text);
	INSIST(view_equal(buf_view(&front), buf_view(&model_text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { view_of(data, size) };
	struct test_op ops[OPS_MAX];
	size_t count = 0;

	while (count < OPS_MAX && fuzz_has(&in)) {
		ops[count] = read_op(&in, count);
		count++;
	}
	run_session(ops, count);
	run_patient(ops, count);
	return 0;
}
