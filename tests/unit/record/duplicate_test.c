#include "record/duplicate.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct sample {
	const char *name, *used, *born, *phone;
};

static struct duplicate_person person_of(const struct sample *s)
{
	return (struct duplicate_person){ view_str(s->name), view_str(s->used), view_str(s->born),
					  view_str(s->phone) };
}

static unsigned same(struct sample a, struct sample b)
{
	const struct duplicate_person x = person_of(&a), y = person_of(&b);
	unsigned there = 99, back = 99;
	assert_int_equal(duplicate_compare(&x, &y, &there), ERR_OK);
	assert_int_equal(duplicate_compare(&y, &x, &back), ERR_OK);
	assert_int_equal(there, back);
	return there;
}

#define NAME_BORN (DUPLICATE_NAME | DUPLICATE_BORN)
#define NAME_PHONE (DUPLICATE_NAME | DUPLICATE_PHONE)
#define BORN_PHONE (DUPLICATE_BORN | DUPLICATE_PHONE)

static void test_41_name_and_birth_date_are_one_person(void **state)
{
	(void)state;
	const struct sample maya = { "Maya Rowe", "", "1988-04-02", "" };
	assert_int_equal(same(maya, maya), NAME_BORN);
	assert_int_equal(same(maya, (struct sample){ "maya  ROWE", "", "1988-04-02", "" }),
			 NAME_BORN);
	assert_int_equal(same(maya, (struct sample){ "Rowe, Maya", "", "1988-04-02", "" }),
			 NAME_BORN);
	assert_int_equal(same(maya, (struct sample){ "Máya Rowe", "", "1988-04-02", "" }),
			 NAME_BORN);
	assert_int_equal(
		same(maya, (struct sample){ "Margarete Rowe", "Maya Rowe", "1988-04-02", "" }),
		NAME_BORN);
}

/* An accent alone has an empty search form. */
static void test_41_a_name_without_a_letter_is_like_no_other(void **state)
{
	(void)state;
	const struct sample accent = { "\u0301", "", "1990-05-02", "030 5550100" };
	assert_int_equal(same(accent, (struct sample){ "Maya", "", "1990-05-02", "030 5550100" }),
			 0);
	assert_int_equal(same(accent, accent), 0);
}

static void test_41_a_name_alone_is_no_sign(void **state)
{
	(void)state;
	assert_int_equal(same((struct sample){ "Maya Rowe", "", "1988-04-02", "604-555-0101" },
			      (struct sample){ "Maya Rowe", "", "1961-01-01", "604-555-0102" }),
			 0);
	assert_int_equal(same((struct sample){ "Maya Rowe", "", "", "" },
			      (struct sample){ "Maya Rowe", "", "", "" }),
			 0);
}

static void test_41_a_telephone_counts_by_its_last_digits(void **state)
{
	(void)state;
	const struct sample maya = { "Maya Rowe", "", "1988-04-02", "604 555 0101" };
	assert_int_equal(
		same(maya, (struct sample){ "Maya Rowe", "", "1988-02-04", "+1 (604) 555-0101" }),
		NAME_PHONE);
	assert_int_equal(same(maya, (struct sample){ "Maya Rowe", "", "1988-02-04", "0101" }), 0);
	assert_int_equal(
		same(maya, (struct sample){ "Maya Rowe", "", "1988-02-04", "604 555 0102" }), 0);
}

static void test_41_households_and_twins_are_not_one_person(void **state)
{
	(void)state;
	const struct sample anna = { "Anna Berg", "", "2001-05-05", "604-555-0101" };
	assert_int_equal(
		same(anna, (struct sample){ "Eva Berg", "", "2001-05-05", "604-555-0101" }), 0);
	assert_int_equal(
		same(anna, (struct sample){ "Jon Berg", "", "1970-01-01", "604-555-0101" }), 0);
	/* A new surname is nothing new under the same number. */
	assert_int_equal(
		same(anna, (struct sample){ "Anna Lund", "", "2001-05-05", "604-555-0101" }),
		BORN_PHONE);
	assert_int_equal(
		same(anna, (struct sample){ "Johanna Lund", "Anna", "2001-05-05", "604-555-0101" }),
		BORN_PHONE);
}

static void test_41_words_that_occur_twice_are_counted(void **state)
{
	(void)state;
	const char *const born = "1990-01-01";
	assert_int_equal(same((struct sample){ "Ana Ana Luz", "", born, "" },
			      (struct sample){ "Ana Luz Luz", "", born, "" }),
			 0);
	assert_int_equal(
		same((struct sample){ "Ana", "", born, "" }, (struct sample){ "", "", born, "" }),
		0);
}

static void test_bad_text_is_an_error(void **state)
{
	(void)state;
	const struct duplicate_person bad = { .name = view_str("\xff"),
					      .born = view_str("1990-01-01") };
	unsigned ret = 99;
	assert_int_equal(duplicate_compare(&bad, &bad, &ret), ERR_BAD_TEXT);
	assert_int_equal(ret, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_41_name_and_birth_date_are_one_person),
		cmocka_unit_test(test_41_a_name_without_a_letter_is_like_no_other),
		cmocka_unit_test(test_41_a_name_alone_is_no_sign),
		cmocka_unit_test(test_41_a_telephone_counts_by_its_last_digits),
		cmocka_unit_test(test_41_households_and_twins_are_not_one_person),
		cmocka_unit_test(test_41_words_that_occur_twice_are_counted),
		cmocka_unit_test(test_bad_text_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
