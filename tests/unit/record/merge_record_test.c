/* Charts of one person (DOMAIN 4.1, merge of duplicates). */
#include "record/merge_record.h"

#include "base/check.h"
#include "record/kinds.h"
#include "wire/op.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct id id_of(uint8_t n)
{
	return (struct id){ { n } };
}

static struct merge_pair pair(uint8_t from, uint8_t into)
{
	return (struct merge_pair){ id_of(from), id_of(into) };
}

static size_t same(const struct merge_pair *pairs, size_t count, uint8_t of, uint8_t *ret_bits)
{
	struct id ids[MERGE_SAME_MAX];
	const struct id id = id_of(of);
	const size_t n = merge_same(pairs, count, &id, ids);
	*ret_bits = 0;
	assert_true(id_equal(&ids[0], &id));
	for (size_t i = 0; i < n; i++) *ret_bits |= (uint8_t)(1u << ids[i].b[0]);
	return n;
}

static uint8_t stays(const struct merge_pair *pairs, size_t count, uint8_t of)
{
	const struct id id = id_of(of);
	return merge_stays(pairs, count, &id).b[0];
}

static void test_41_two_charts_are_read_as_one_from_the_one_that_stays(void **state)
{
	(void)state;
	const struct merge_pair pairs[] = { pair(2, 1) };
	uint8_t bits = 0;
	assert_int_equal(same(pairs, 1, 1, &bits), 2);
	assert_int_equal(bits, 1u << 1 | 1u << 2);
	assert_int_equal(same(pairs, 1, 2, &bits), 1); /* its own history by itself */
	assert_int_equal(same(pairs, 0, 1, &bits), 1);
	assert_int_equal(stays(pairs, 1, 2), 1);
	assert_int_equal(stays(pairs, 1, 1), 1);
	assert_int_equal(stays(pairs, 1, 3), 3);
}

/* Whatever the order in which the merges came. */
static void test_41_a_chain_ends_where_it_stays(void **state)
{
	(void)state;
	const struct merge_pair pairs[] = { pair(2, 3), pair(1, 2), pair(5, 3) };
	uint8_t bits = 0;
	assert_int_equal(stays(pairs, 3, 1), 3);
	assert_int_equal(stays(pairs, 3, 5), 3);
	assert_int_equal(same(pairs, 3, 3, &bits), 4);
	assert_int_equal(bits, 1u << 1 | 1u << 2 | 1u << 3 | 1u << 5);
	assert_int_equal(same(pairs, 3, 2, &bits), 2);
}

static void test_41_a_circle_of_two_rooms_ends(void **state)
{
	(void)state;
	const struct merge_pair pairs[] = { pair(1, 2), pair(2, 1), pair(3, 1) };
	const struct merge_pair outside[] = { pair(1, 4), pair(4, 2), pair(2, 3), pair(3, 2) };
	uint8_t bits = 0;
	assert_int_equal(stays(pairs, 3, 1),
			 1); /* one stays: nobody is there twice, or not at all */
	assert_int_equal(stays(pairs, 3, 2), 1);
	assert_int_equal(stays(pairs, 3, 3), 1);
	assert_int_equal(same(pairs, 3, 1, &bits), 3);
	assert_int_equal(same(pairs, 3, 2, &bits), 3);
	assert_int_equal(stays(outside, 4, 1), 2); /* not 1, which only leads there */
	assert_int_equal(stays(outside, 4, 3), 2);
}

static void test_41_more_than_are_looked_at(void **state)
{
	(void)state;
	struct merge_pair pairs[MERGE_SAME_MAX + 4];
	uint8_t bits = 0;
	for (size_t i = 0; i < COUNT_OF(pairs); i++) pairs[i] = pair((uint8_t)(i + 2), 1);
	assert_int_equal(same(pairs, COUNT_OF(pairs), 1, &bits), MERGE_SAME_MAX);
	for (size_t i = 0; i < COUNT_OF(pairs); i++)
		pairs[i] = pair((uint8_t)(i + 1), (uint8_t)(i + 2));
	assert_int_equal(stays(pairs, COUNT_OF(pairs), 1), MERGE_SAME_MAX); /* and no further */
}

/* ---- the record ------------------------------------------------------------------------------ */

static Roomkeep__PatientMerge record(struct id *from, struct id *into)
{
	Roomkeep__PatientMerge m = ROOMKEEP__PATIENT_MERGE__INIT;
	m.has_patient_id = m.has_into_id = true;
	m.patient_id = wire_id_bytes(from);
	m.into_id = wire_id_bytes(into);
	return m;
}

static void test_41_what_was_taken_back_or_torn_merges_nothing(void **state)
{
	(void)state;
	static char day[] = "2026-12-01";
	struct id one = id_of(1);
	struct id two = id_of(2);
	struct merge_pair p;
	Roomkeep__PatientMerge m = record(&one, &two);
	assert_true(merge_record_read(&m, &p));
	assert_true(id_equal(&p.from, &one) && id_equal(&p.into, &two));
	m.ended_on = day;
	assert_false(merge_record_read(&m, &p));
	m = record(&one, &one);
	assert_false(merge_record_read(&m, &p));
	m = record(&one, &two);
	m.into_id.len = 4;
	assert_false(merge_record_read(&m, &p));
	m = record(&one, &two);
	m.patient_id.len = 0;
	assert_false(merge_record_read(&m, &p));
}

static void test_41_a_merge_keeps_its_two_patients(void **state)
{
	(void)state;
	const struct kind_info *info = kind_find(KIND_PATIENT_MERGE);
	struct record_error error = { .err = ERR_OK };
	struct id one = id_of(1);
	struct id two = id_of(2);
	struct id three = id_of(3);
	const Roomkeep__PatientMerge was = record(&one, &two);
	Roomkeep__PatientMerge m = record(&one, &two);
	struct kind_change change = { .after = &m.base };
	assert_int_equal(info->check_change(&change, &error), ERR_OK);
	change.before = &was.base;
	assert_int_equal(info->check_change(&change, &error), ERR_OK);
	m = record(&one, &three);
	assert_int_equal(info->check_change(&change, &error), ERR_BAD_VALUE);
	assert_string_equal(error.field, "into_id");
	m = record(&one, &one);
	change.before = NULL;
	assert_int_equal(info->check_change(&change, &error), ERR_BAD_VALUE);
	assert_string_equal(error.field, "into_id");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_41_two_charts_are_read_as_one_from_the_one_that_stays),
		cmocka_unit_test(test_41_a_chain_ends_where_it_stays),
		cmocka_unit_test(test_41_a_circle_of_two_rooms_ends),
		cmocka_unit_test(test_41_more_than_are_looked_at),
		cmocka_unit_test(test_41_what_was_taken_back_or_torn_merges_nothing),
		cmocka_unit_test(test_41_a_merge_keeps_its_two_patients),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
