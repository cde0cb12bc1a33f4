/* The fold of plain records against the reference model, over every kind and random histories with
 * tombstones; and a few words of the reference written out. */
#include "base/cleanup.h"
#include "support/plain_history.h"
#include "support/reference.h"
#include "support/reference_say.h"
#include "unit/record/samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define OK(call) assert_int_equal(call, ERR_OK)
#define SEEDS 200u

static const uint8_t blind[PAYLOAD_BLIND_BYTES] = { 1 };

static void run_seed(const struct kind_info *info, uint64_t seed)
{
	struct rand_seeded seeded;
	const struct rand_source source = rand_seeded_init(&seeded, seed);
	char line[400];
	if (!plain_history_agrees(info, &source, line, sizeof(line)))
		fail_msg("%s, seed %u: %s", info->name, (unsigned)seed, line);
}

static void test_records_are_what_the_reference_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < kind_count(); i++) {
		if (!kind_is_plain(kind_at(i))) continue;
		for (uint64_t seed = 1; seed <= SEEDS; seed++) run_seed(kind_at(i), seed);
	}
}

/* ---- the reference by hand ------------------------------------------------------------------- */

struct op {
	const struct kind_info *info;
	union sample m;
};

static void tell(struct reference *r, size_t at, const struct op *op)
{
	CLEANUP(buf_finip) struct buf payload = { 0 };
	OK(payload_encode(op->info->kind, &op->m.any, false, blind, &payload, NULL));
	const struct reference_op to = { .op_id = { { (uint8_t)(100 + at) } },
					 .kind = (uint64_t)op->info->kind,
					 .payload = buf_view(&payload) };
	OK(reference_add(r, &to));
}

static void expect_lines(const struct reference *r, const char *want)
{
	CLEANUP(buf_finip) struct buf out = { 0 };
	const char *text = "";
	reference_say_plain(r, KIND_COMFORT, &(struct id){ { 1 } }, &out);
	if (out.len > 0) OK(buf_cstr(&out, &text));
	assert_string_equal(text, want);
}

/* Field 1 is the patient's id, 2 the word (tag 0x10), 3 yes or no (tag 0x18). */
static void test_the_reference_by_hand(void **state)
{
	(void)state;
	struct reference *r = reference_new();
	Roomkeep__Comfort m[3] = { ROOMKEEP__COMFORT__INIT, ROOMKEEP__COMFORT__INIT,
				   ROOMKEEP__COMFORT__INIT };
	uint32_t numbers[] = { 2 };
	struct op op = { .info = kind_find(KIND_COMFORT) };
	for (size_t i = 0; i < COUNT_OF(m); i++) SAMPLE_SET(&m[i], patient_id, sample_id(1));
	SAMPLE_SET(&m[0], therapist_gender, ROOMKEEP__COMFORT__THERAPIST_GENDER__TALK_FIRST);
	SAMPLE_SET(&m[1], chaperone, true);
	m[2].clears = numbers;
	m[2].n_clears = 1;
	expect_lines(r, "");
	memcpy(&op.m, &m[0], sizeof(m[0]));
	tell(r, 0, &op);
	memcpy(&op.m, &m[1], sizeof(m[1]));
	tell(r, 1, &op);
	CLEANUP(buf_finip) struct buf out = { 0 };
	reference_say_plain(r, KIND_COMFORT, &(struct id){ { 1 } }, &out);
	assert_non_null(memmem(out.p, out.len, "plain field 2 2:\x10\x06\n", 19));
	assert_non_null(memmem(out.p, out.len, "plain field 3 2:\x18\x01\n", 19));
	memcpy(&op.m, &m[2], sizeof(m[2]));
	tell(r, 2, &op);
	buf_clear(&out);
	reference_say_plain(r, KIND_COMFORT, &(struct id){ { 1 } }, &out);
	assert_null(memmem(out.p, out.len, "plain field 2", 13));
	assert_non_null(memmem(out.p, out.len, "plain field 3 2:\x18\x01\n", 19));
	op.info = kind_find(KIND_TOMBSTONE);
	for (size_t i = 0; i < 3; i++) {
		op.m = sample_of(KIND_TOMBSTONE);
		op.m.tombstone.target = sample_id((uint8_t)(100 + i));
		tell(r, 10 + i, &op);
	}
	expect_lines(r, "");
	reference_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_are_what_the_reference_says),
		cmocka_unit_test(test_the_reference_by_hand),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
