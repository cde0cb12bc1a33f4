/* The page as bytes: that it is a tagged PDF with what it was given. What it says in words is read
 * back by tests/integration (pdftotext); what it looks like, by a person:
 * ROOMKEEP_PAGE_OUT=page.pdf saves the first test's page. */
#include "client/print/proof_page.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "client/print/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct proof_page_test tests_today[] = {
	{ .title = "Neck rotation, left",
	  .how = "by goniometer, active, seated",
	  .bars = { { true, "Before", 50000, "50 degrees" },
		    { true, "During", 56000, "56 degrees" },
		    { true, "After", 64000, "64 degrees" } },
	  .low_milli = 0,
	  .high_milli = 90000,
	  .band_milli = 6000,
	  .sentence = "You turned 14 degrees further; the measure is good to about 6." },
	{ .title = "Neck lateral flexion, left",
	  .how = "by goniometer, active, seated",
	  .bars = { { true, "Before", 30000, "30 degrees" },
		    { false, "During", 0, "" },
		    { true, "After", 33000, "33 degrees" } },
	  .low_milli = 0,
	  .high_milli = 60000,
	  .band_milli = 6000,
	  .sentence = "About the same: 3 degrees apart; the measure is good to about 6." },
	{ .title = "Numeric pain rating",
	  .how = "said by patient, less is better",
	  .bars = { { true, "Before", 6000, "6 points" },
		    { false, "During", 0, "" },
		    { true, "After", 3000, "3 points" } },
	  .low_milli = 0,
	  .high_milli = 10000,
	  .band_milli = 2000,
	  .sentence = "Your pain is 3 points lower; 2 or more count as a change." },
};

static const struct proof_page_test tests_whole[] = {
	{ .title = "Neck rotation, left",
	  .how = "by goniometer, active, seated",
	  .bars = { { true, "2 Nov", 40000, "40 degrees" },
		    { false, "", 0, "" },
		    { true, "Today", 64000, "64 degrees" } },
	  .low_milli = 0,
	  .high_milli = 90000,
	  .band_milli = 6000,
	  .sentence = "You turned 24 degrees further; the measure is good to about 6." },
	{ .title = "Numeric pain rating",
	  .how = "said by patient, less is better",
	  .bars = { { true, "2 Nov", 7000, "7 points" },
		    { false, "", 0, "" },
		    { true, "Today", 3000, "3 points" } },
	  .low_milli = 0,
	  .high_milli = 10000,
	  .band_milli = 2000,
	  .sentence = "Your pain is 4 points lower; 2 or more count as a change." },
};

static struct proof_page sample(void)
{
	return (struct proof_page){
		.clinic = "Harbour Massage",
		.patient = "Maya Ros\xc3\xa9n",
		.date = "30 November 2026",
		.today = { "Today", tests_today, COUNT_OF(tests_today), "" },
		.whole = { "Since the first visit", tests_whole, COUNT_OF(tests_whole), "" },
	};
}

static bool holds(const struct buf *b, const char *what)
{
	return memmem(b->p, b->len, what, strlen(what)) != NULL;
}

static void save(const struct buf *b)
{
	const char *path = getenv("ROOMKEEP_PAGE_OUT");
	if (path == NULL) return;
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(b->p, 1, b->len, f), b->len);
	assert_int_equal(fclose(f), 0);
}

static void test_the_page_is_a_tagged_pdf_of_one_page(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf out = { 0 };
	const struct proof_page page = sample();
	assert_int_equal(proof_page_draw(&page, &out), ERR_OK);
	save(&out);
	assert_memory_equal(out.p, "%PDF-1.", 7);
	assert_true(holds(&out, "%%EOF"));
	assert_true(holds(&out, "/Count 1"));
	assert_true(holds(&out, "/StructTreeRoot"));
	assert_true(holds(&out, "/Marked true"));
	assert_true(holds(&out, "/H1") && holds(&out, "/H2") && holds(&out, "/Figure"));
	assert_true(holds(&out, "What changed")); /* the title */
	assert_true(out.len < 200 * 1000);
}

static void test_what_does_not_fit_is_left_out_and_said(void **state)
{
	(void)state;
	struct proof_page_test many[40];
	for (size_t i = 0; i < COUNT_OF(many); i++) many[i] = tests_today[i % 3];
	struct proof_page page = sample();
	page.today.tests = page.whole.tests = many;
	page.today.count = page.whole.count = COUNT_OF(many);
	CLEANUP(buf_finip) struct buf out = { 0 };
	assert_int_equal(proof_page_draw(&page, &out), ERR_OK);
	assert_true(holds(&out, "/Count 1"));
}

static void test_extreme_values_and_empty_panels(void **state)
{
	(void)state;
	struct proof_page_test odd = tests_today[0];
	odd.bars[0].milli = INT64_MIN / 4;
	odd.bars[2].milli = INT64_MAX / 4;
	odd.low_milli = -60000;
	odd.band_milli = 0;
	struct proof_page page = sample();
	page.today = (struct proof_page_panel){ "Today", &odd, 1, "A note." };
	page.whole = (struct proof_page_panel){ "Since the first visit", NULL, 0, "No line yet." };
	CLEANUP(buf_finip) struct buf out = { 0 };
	assert_int_equal(proof_page_draw(&page, &out), ERR_OK);
}

static void test_a_text_that_is_not_utf8_is_an_error(void **state)
{
	(void)state;
	struct proof_page page = sample();
	page.patient = "Maya \xff";
	CLEANUP(buf_finip) struct buf out = { 0 };
	assert_int_equal(proof_page_draw(&page, &out), ERR_BAD_TEXT);
	assert_int_equal(out.len, 0);
}

static void test_a_page_may_be_given_up(void **state)
{
	(void)state;
	struct page *p = NULL;
	page_free(NULL);
	assert_int_equal(page_new("title", &p), ERR_OK);
	page_tag_begin(p, "P");
	assert_true(page_text(p, PAGE_BODY, PAGE_LEFT, PAGE_BLACK, 10, 10, 100, "words") > 5);
	page_free(p);
	/* A tag that was not closed is our own mistake. */
	CLEANUP(buf_finip) struct buf out = { 0 };
	assert_int_equal(page_new("title", &p), ERR_OK);
	page_tag_begin(p, "P");
	assert_int_equal(page_finish(p, &out), ERR_BUG);
	page_free(p);
	assert_int_equal(out.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_page_is_a_tagged_pdf_of_one_page),
		cmocka_unit_test(test_what_does_not_fit_is_left_out_and_said),
		cmocka_unit_test(test_extreme_values_and_empty_panels),
		cmocka_unit_test(test_a_text_that_is_not_utf8_is_an_error),
		cmocka_unit_test(test_a_page_may_be_given_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
