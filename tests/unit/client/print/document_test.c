/* A document of any length: pages are counted, long texts go on, nothing is lost in between.
 * What it
 * looks like, a person sees: ROOMKEEP_PAGE_OUT=document.pdf saves the first test's. */
#include "client/print/document.h"

#include "base/check.h"
#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OK(call) assert_int_equal(call, ERR_OK)

static const struct document_head head = { .title = "Patient record",
					   .clinic = "Harbour Massage",
					   .subject = "Maya Rowe" };

static void fill(struct document *d, size_t rows)
{
	static const char *const titles[] = { "Measure", "When", "Result" };
	static const char *const cells[] = { "Cervical rotation, left", "before", "50 degrees" };
	static const unsigned widths[] = { 50, 20, 30 };

	OK(document_add(d, DOCUMENT_TITLE, "Maya Rowe"));
	OK(document_add(d, DOCUMENT_LINE, "The whole record."));
	OK(document_add(d, DOCUMENT_NOTICE, "Something is withheld."));
	OK(document_add(d, DOCUMENT_SECTION, "Session"));
	OK(document_add(d, DOCUMENT_HEADING, "What was said"));
	OK(document_add_field(d, "Subjective", "Stiff since Monday."));
	OK(document_add_field(d, "Nothing", ""));
	OK(document_add_gap(d));
	OK(document_add_row(d, true, titles, widths, COUNT_OF(titles)));
	for (size_t i = 0; i < rows; i++)
		OK(document_add_row(d, false, cells, widths, COUNT_OF(cells)));
	OK(document_add(d, DOCUMENT_SMALL, "Written by Mara Lind."));
}

static size_t count_in(const struct buf *pdf, const char *word)
{
	const size_t len = strlen(word);
	size_t count = 0;

	for (size_t i = 0; i + len <= pdf->len; i++)
		if (memcmp(pdf->p + i, word, len) == 0) count++;
	return count;
}

static unsigned pages_of(size_t rows, struct buf *pdf)
{
	CLEANUP(document_finip) struct document d = { 0 };
	unsigned pages = 0;

	document_init(&d, &head);
	fill(&d, rows);
	OK(document_draw(&d, pdf, &pages));
	return pages;
}

static void test_pages_are_counted(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf one = { 0 };
	CLEANUP(buf_finip) struct buf many = { 0 };
	const char *out = getenv("ROOMKEEP_PAGE_OUT");

	assert_int_equal(pages_of(3, &one), 1);
	assert_memory_equal(one.p, "%PDF-", 5);
	assert_true(count_in(&one, "/StructTreeRoot") > 0);
	assert_true(pages_of(120, &many) >= 3);
	if (out == NULL) return;
	FILE *f = fopen(out, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(many.p, 1, many.len, f), many.len);
	assert_int_equal(fclose(f), 0);
}

static void test_a_text_longer_than_pages_goes_on(void **state)
{
	(void)state;
	static const enum document_piece pieces[] = { DOCUMENT_TEXT, DOCUMENT_NOTICE,
						      DOCUMENT_SMALL };
	CLEANUP(freep) char *text = malloc(60001);

	assert_non_null(text);
	for (size_t i = 0; i < 60000; i++) text[i] = i % 7 == 6 ? ' ' : 'x';
	text[60000] = '\0';
	for (size_t i = 0; i < COUNT_OF(pieces); i++) {
		CLEANUP(document_finip) struct document d = { 0 };
		CLEANUP(buf_finip) struct buf pdf = { 0 };
		unsigned pages = 0;
		document_init(&d, &head);
		OK(document_add(&d, pieces[i], text));
		OK(document_draw(&d, &pdf, &pages));
		assert_true(pages > 5 && pages < 40);
	}
	CLEANUP(document_finip) struct document d = { 0 };
	CLEANUP(buf_finip) struct buf pdf = { 0 };
	unsigned pages = 0;
	document_init(&d, &head);
	OK(document_add_field(&d, "Plan", text));
	OK(document_draw(&d, &pdf, &pages));
	assert_true(pages > 5 && pages < 60);
}

static void test_nothing_is_still_a_page(void **state)
{
	(void)state;
	CLEANUP(document_finip) struct document d = { 0 };
	CLEANUP(buf_finip) struct buf pdf = { 0 };
	unsigned pages = 0;

	document_init(&d, &head);
	OK(document_draw(&d, &pdf, &pages));
	assert_int_equal(pages, 1);
}

static void test_a_text_that_is_not_utf8_is_refused(void **state)
{
	(void)state;
	CLEANUP(document_finip) struct document d = { 0 };
	CLEANUP(buf_finip) struct buf pdf = { 0 };
	unsigned pages = 0;

	document_init(&d, &head);
	OK(document_add(&d, DOCUMENT_TEXT, "\xff\xfe"));
	assert_int_equal(document_draw(&d, &pdf, &pages), ERR_BAD_TEXT);
	assert_int_equal(pdf.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages_are_counted),
		cmocka_unit_test(test_a_text_longer_than_pages_goes_on),
		cmocka_unit_test(test_nothing_is_still_a_page),
		cmocka_unit_test(test_a_text_that_is_not_utf8_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
