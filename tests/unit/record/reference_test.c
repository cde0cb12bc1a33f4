/* The folds against the reference model over random schedules (SECURITY 6.1 S5): every kind of op,
 * forged parents and covers among them, added to the fold in another order than their numbers. What
 * both say is compared as text; the reference's own words are held to a few written-out examples,
 * so that two equal mistakes do not pass. */
#include "base/cleanup.h"
#include "record/access.h"
#include "support/reference.h"
#include "support/reference_say.h"
#include "support/say_state.h"
#include "unit/record/fold_ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SEEDS 3000u
#define FIRST_OP 100u

static const struct id session = { { 2 } };
static const struct id patient = { { 1 } };

/* What the schedules met. */
static struct {
	unsigned sign, conflict, late, erased, frames;
} met;

static void set_links(const struct test_op *op, ProtobufCBinaryData *links)
{
	for (size_t i = 0; i < op->link_count; i++) links[i] = sample_id(op->links[i]);
}

/* The same message that add_op makes, as payload bytes. */
static enum err tell(struct reference *r, const struct test_op *op)
{
	static const uint8_t blind[PAYLOAD_BLIND_BYTES] = { 1 };
	CLEANUP(buf_finip) struct buf payload = { 0 };
	union sample s = sample_of(op->kind);
	ProtobufCBinaryData links[LINKS_MAX];
	char text[32];
	uint8_t hash[32] = { op->hash };
	memcpy(text, op->text, sizeof(text));
	set_links(op, links);
	if (op->kind == KIND_SESSION_FRAME) fill_frame(op, &s.session_frame);
	if (op->kind == KIND_SESSION_TEXT) {
		s.session_text.field = (Roomkeep__TextField)op->field;
		s.session_text.text = text;
		s.session_text.parents = links;
		s.session_text.n_parents = op->link_count;
	}
	if (op->kind == KIND_MEASURE) {
		s.measure.measure_id = sample_id(op->row_id);
		s.measure.value_milli = op->value;
		s.measure.at_ms = op->at_ms;
	}
	if (op->kind == KIND_SIGN) {
		s.sign.covered = links;
		s.sign.n_covered = op->link_count;
		s.sign.values_hash = (ProtobufCBinaryData){ 32, hash };
	}
	if (op->kind == KIND_ADDENDUM) {
		s.addendum.addendum_id = sample_id(op->row_id);
		s.addendum.text = text;
	}
	if (op->kind == KIND_TOMBSTONE) s.tombstone.target = sample_id(op->links[0]);
	if (op->kind == KIND_PATIENT) {
		s.patient.name = op->field == 0 ? text : NULL;
		s.patient.phone = op->field == 1 ? text : NULL;
	}
	TRY(payload_encode(op->kind, &s.any, false, blind, &payload, NULL));
	const struct reference_op to = { .op_id = id_of(op->op_id),
					 .author_id = id_of(op->author),
					 .kind = (uint64_t)op->kind,
					 .payload = buf_view(&payload) };
	return reference_add(r, &to);
}

static void note_what_was_met(const struct session_state *st)
{
	for (size_t f = 0; f < FOLD_TEXT_FIELDS; f++) {
		for (size_t i = 0; i < st->text[f].head_count; i++)
			met.erased += st->text[f].heads[i]->erased;
	}
	met.frames += st->has_frame;
	met.sign += st->sign != NULL;
	met.conflict += st->has_conflict;
	met.late += st->late_count > 0;
}

/* ---- random schedules ---------------------------------------------------------------- */

static void draw_links(const struct rand_source *r, struct test_op *op, size_t most)
{
	const size_t want = (size_t)rand_below(r, most + 1);
	for (size_t i = 0; i < want; i++) {
		const uint8_t id = (uint8_t)(FIRST_OP + rand_below(r, OPS_MAX + 1));
		bool twice = false;
		for (size_t j = 0; j < op->link_count; j++) twice = twice || op->links[j] == id;
		if (!twice) op->links[op->link_count++] = id;
	}
}

static struct test_op draw_op(const struct rand_source *r, size_t index)
{
	static const enum kind kinds[] = { KIND_SESSION_TEXT,  KIND_SESSION_TEXT, KIND_SESSION_TEXT,
					   KIND_SESSION_FRAME, KIND_MEASURE,      KIND_SIGN,
					   KIND_ADDENDUM,      KIND_TOMBSTONE };
	struct test_op op = { .kind = index == 0 ? KIND_SESSION_FRAME
						 : kinds[rand_below(r, COUNT_OF(kinds))],
			      .op_id = (uint8_t)(FIRST_OP + index),
			      .author = rand_below(r, 8) == 0 ? 9 : 3,
			      .seq = 1 + index,
			      .hash = 1 };
	op.field = 1 + (int)rand_below(r, 2);
	op.row_id = (uint8_t)(30 + rand_below(r, 3));
	op.value = 1000 * (int64_t)rand_below(r, 50);
	op.at_ms = 1700000000000u + rand_below(r, 3);
	op.room = (uint8_t)rand_below(r, 3);
	op.started_ms = rand_below(r, 2) * (1700000000000u + index);
	op.imported = index == 0 && rand_below(r, 5) == 0;
	(void)snprintf(op.text, sizeof(op.text), "text %zu", index);
	if (op.kind == KIND_SESSION_TEXT) draw_links(r, &op, 3);
	if (op.kind == KIND_SIGN) draw_links(r, &op, LINKS_MAX);
	if (op.kind == KIND_SIGN && op.link_count == 0) op.links[op.link_count++] = FIRST_OP;
	if (op.kind == KIND_TOMBSTONE) {
		op.links[0] = (uint8_t)(FIRST_OP + rand_below(r, index));
		op.link_count = 1;
	}
	return op;
}

static void shuffle(const struct rand_source *r, struct test_op *ops, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		const size_t j = (size_t)rand_below(r, i);
		const struct test_op keep = ops[i - 1];
		ops[i - 1] = ops[j];
		ops[j] = keep;
	}
}

static void run_session_seed(uint64_t seed)
{
	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	CLEANUP(buf_finip) struct buf shown = { 0 };
	CLEANUP(buf_finip) struct buf want = { 0 };
	struct rand_seeded seeded;
	const struct rand_source r = rand_seeded_init(&seeded, seed);
	struct reference *reference = reference_new();
	struct session_state st;
	struct test_op ops[OPS_MAX];
	char line[400];
	for (size_t i = 0; i < OPS_MAX; i++) {
		ops[i] = draw_op(&r, i);
		assert_int_equal(tell(reference, &ops[i]), ERR_OK);
	}
	shuffle(&r, ops, OPS_MAX);
	session_fold_init(&fold, &session, test_hasher());
	for (size_t i = 0; i < OPS_MAX; i++) assert_int_equal(add_op(&fold, &ops[i]), ERR_OK);
	assert_int_equal(session_fold_state(&fold, &st), ERR_OK);
	say_session_state(&st, &shown);
	note_what_was_met(&st);
	reference_say_session(reference, &session, &want);
	if (!view_equal(buf_view(&shown), buf_view(&want))) {
		say_difference(&shown, &want, line, sizeof(line));
		fail_msg("seed %llu: %s", (unsigned long long)seed, line);
	}
	reference_free(reference);
}

static void test_sessions_are_what_the_reference_says(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) run_session_seed(seed);
	/* A comparison that never sees a conflict proves nothing about conflicts. */
	assert_true(met.sign > SEEDS / 10 && met.conflict > SEEDS / 10);
	assert_true(met.late > SEEDS / 20 && met.erased > SEEDS / 50 && met.frames == SEEDS);
}

static enum err patient_add(struct patient_fold *f, const struct test_op *op)
{
	union sample s = sample_of(op->kind);
	char text[32];
	memcpy(text, op->text, sizeof(text));
	if (op->kind == KIND_TOMBSTONE) {
		s.tombstone.target = sample_id(op->links[0]);
	} else {
		s.patient.name = op->field == 0 ? text : NULL;
		s.patient.phone = op->field == 1 ? text : NULL;
	}
	const struct payload p = { .info = kind_find((uint64_t)op->kind), .is.any = &s.any };
	const struct fold_meta meta = meta_of(op);
	return patient_fold_add(f, &meta, &p);
}

static void run_patient_seed(uint64_t seed)
{
	CLEANUP(patient_fold_finip) struct patient_fold fold = { 0 };
	CLEANUP(buf_finip) struct buf shown = { 0 };
	CLEANUP(buf_finip) struct buf want = { 0 };
	struct rand_seeded seeded;
	const struct rand_source r = rand_seeded_init(&seeded, seed);
	struct reference *reference = reference_new();
	struct patient_state st;
	struct test_op ops[OPS_MAX];
	for (size_t i = 0; i < OPS_MAX; i++) {
		ops[i] = draw_op(&r, i);
		ops[i].kind = i > 0 && rand_below(&r, 4) == 0 ? KIND_TOMBSTONE : KIND_PATIENT;
		ops[i].field = (int)rand_below(&r, 3);
		ops[i].links[0] = (uint8_t)(FIRST_OP + rand_below(&r, i + 1));
		(void)snprintf(ops[i].text, sizeof(ops[i].text), "55 %zu", i);
		assert_int_equal(tell(reference, &ops[i]), ERR_OK);
	}
	shuffle(&r, ops, OPS_MAX);
	patient_fold_init(&fold, &patient);
	for (size_t i = 0; i < OPS_MAX; i++) assert_int_equal(patient_add(&fold, &ops[i]), ERR_OK);
	assert_int_equal(patient_fold_state(&fold, &st), ERR_OK);
	say_patient_state(&st, &shown);
	reference_say_patient(reference, &patient, true, &want);
	assert_true(want.len > 0);
	assert_true(view_equal(buf_view(&shown), buf_view(&want)));
	reference_free(reference);
}

static void test_patients_are_what_the_reference_says(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS / 10; seed++) run_patient_seed(seed);
}

/* ---- written out --------------------------------------------------------------------- */

static struct test_op text_of(uint8_t op_id, const char *text, uint8_t parent, uint8_t second)
{
	struct test_op op = { .kind = KIND_SESSION_TEXT, .op_id = op_id, .author = 3, .field = 1 };
	(void)snprintf(op.text, sizeof(op.text), "%s", text);
	if (parent != 0) op.links[op.link_count++] = parent;
	if (second != 0) op.links[op.link_count++] = second;
	return op;
}

static size_t count_of(const struct buf *b, const char *word)
{
	const size_t len = strlen(word);
	if (b->len == 0) return len == 0; /* an empty one has no bytes to point at */
	size_t count = 0;
	for (size_t i = 0; i + len <= b->len; i++) count += memcmp(b->p + i, word, len) == 0;
	return count;
}

static void expect_session(const struct reference *r, const char *word, size_t times)
{
	CLEANUP(buf_finip) struct buf text = { 0 };
	reference_say_session(r, &session, &text);
	assert_int_equal(count_of(&text, word), times);
}

static void test_the_reference_by_hand(void **state)
{
	(void)state;
	struct reference *r = reference_new();
	const struct test_op frame = { .kind = KIND_SESSION_FRAME, .op_id = 10, .author = 3 };
	const struct test_op a = text_of(11, "one", 0, 0);
	const struct test_op b = text_of(12, "two", 0, 0);
	const struct test_op both = text_of(13, "both", 11, 12);
	struct test_op sign = { .kind = KIND_SIGN, .op_id = 14, .author = 3, .link_count = 1 };
	const struct test_op late = text_of(15, "late", 13, 0);
	const struct test_op gone = { .kind = KIND_TOMBSTONE, .op_id = 16, .links = { 13 } };
	sign.links[0] = 13;
	expect_session(r, "", 1); /* nothing yet: only the end */
	assert_int_equal(tell(r, &frame), ERR_OK);
	assert_int_equal(tell(r, &a), ERR_OK);
	assert_int_equal(tell(r, &b), ERR_OK);
	expect_session(r, "field 1 head", 2); /* side by side */
	assert_int_equal(tell(r, &both), ERR_OK);
	expect_session(r, "field 1 head", 1); /* a set that names both */
	expect_session(r, "4:both", 1);
	assert_int_equal(tell(r, &sign), ERR_OK);
	assert_int_equal(tell(r, &late), ERR_OK);
	expect_session(r, "signed by", 1);
	expect_session(r, "4:both", 1); /* late changes are listed, never applied */
	expect_session(r, "late text", 1);
	assert_int_equal(tell(r, &gone), ERR_OK);
	expect_session(r, "4:both", 0);
	expect_session(r, "field 1 erased", 1);
	reference_free(r);
}

/* Every role, kind and authorship; targets of every kind. */
static void test_reading_rights_are_those_of_access(void **state)
{
	(void)state;
	for (uint64_t roles = 0; roles < 64; roles++) {
		for (uint64_t kind = 0; kind < 80; kind++) {
			for (uint64_t target = 0; target < 80; target++) {
				for (int own = 0; own < 2; own++) {
					const struct access_read q = { kind, target, roles,
								       own != 0 };
					assert_int_equal(
						access_may_read(&q),
						reference_may_read(kind, target, roles, own != 0));
				}
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_reference_by_hand),
		cmocka_unit_test(test_sessions_are_what_the_reference_says),
		cmocka_unit_test(test_patients_are_what_the_reference_says),
		cmocka_unit_test(test_reading_rights_are_those_of_access),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
