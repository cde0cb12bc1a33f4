#include "record/referral.h"

#include "base/check.h"
#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define N REFERRAL_NOTICED
#define D REFERRAL_DISCUSSED
#define C REFERRAL_CONSENTED
#define L REFERRAL_DRAFTED
#define S REFERRAL_SENT
#define A REFERRAL_ACKNOWLEDGED
#define R REFERRAL_REPLIED
#define T REFERRAL_TOLD

/* Rows from, columns to, in the order of the enum, written down by hand. */
static void test_referral_49_moves_follow_the_drawing(void **state)
{
	(void)state;
	const char *rows[REFERRAL_STATE_COUNT] = {
		/* N D C L S A R T closed declined */
		".x.......x", /* noticed */
		"..x......x", /* discussed */
		"...x.....x", /* consented */
		"....x....x", /* drafted */
		".....xx.xx", /* sent */
		"......x.xx", /* acknowledged */
		".......x..", /* replied */
		"........x.", /* told */
		"..........", "..........",
	};
	for (int from = 0; from < REFERRAL_STATE_COUNT; from++) {
		for (int to = 0; to < REFERRAL_STATE_COUNT; to++) {
			assert_int_equal(referral_may_move((enum referral_state)from,
							   (enum referral_state)to),
					 rows[from][to] == 'x');
		}
		assert_int_equal(referral_is_over((enum referral_state)from),
				 strchr(rows[from], 'x') == NULL);
	}
}

static void test_referral_49_consent_is_dated_and_ends_have_reasons(void **state)
{
	(void)state;
	const struct {
		enum referral_state from;
		enum referral_state to;
		bool dated;
		const char *reason;
		const char *field; /* NULL: fine */
	} rows[] = {
		{ D, C, true, "", NULL },
		{ D, C, false, "", "consent_on" },
		{ N, C, true, "", "state" }, /* nobody consents to what was not discussed */
		{ N, S, true, "urgent", "state" },
		{ D, REFERRAL_DECLINED, false, "", "reason" },
		{ D, REFERRAL_DECLINED, false, "would rather wait", NULL },
		{ S, REFERRAL_CLOSED, false, "", "reason" },
		{ S, REFERRAL_CLOSED, false, "no answer", NULL },
		{ A, REFERRAL_CLOSED, false, "", "reason" },
		{ T, REFERRAL_CLOSED, false, "", NULL },
		{ R, REFERRAL_CLOSED, false, "x", "state" }, /* the patient must be told */
		{ REFERRAL_CLOSED, N, true, "x", "state" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct referral_move m = { rows[i].from, rows[i].to, rows[i].dated,
						 view_str(rows[i].reason) };
		struct record_error e = { 0 };
		assert_int_equal(referral_move_check(&m, &e),
				 rows[i].field == NULL ? ERR_OK : ERR_BAD_VALUE);
		if (rows[i].field != NULL) assert_string_equal(e.field, rows[i].field);
	}
}

static void test_referral_49_timers_and_their_words(void **state)
{
	(void)state;
	/* noticed on day 100, the state entered on 105, sent on 110 */
	const struct {
		enum referral_state state;
		bool red;
		int64_t today;
		bool overdue;
		const char *words;
	} rows[] = {
		{ N, false, 900, false, "" },
		{ D, false, 900, false, "" },
		{ N, true, 100, false,
		  "a red flag is to be sent on the day it is noticed: due today" },
		{ N, true, 101, true,
		  "a red flag is to be sent on the day it is noticed: 1 day overdue" },
		{ D, true, 102, true,
		  "a red flag is to be sent on the day it is noticed: 2 days overdue" },
		{ C, true, 101, true,
		  "a red flag is to be sent on the day it is noticed: 1 day overdue" },
		{ L, true, 100, false,
		  "a red flag is to be sent on the day it is noticed: due today" },
		{ C, false, 105, false, "the letter is not drafted: due in 2 days" },
		{ C, false, 106, false, "the letter is not drafted: due in 1 day" },
		{ C, false, 107, false, "the letter is not drafted: due today" },
		{ C, false, 108, true, "the letter is not drafted: 1 day overdue" },
		{ L, false, 107, false, "the draft is not sent: due today" },
		{ L, false, 109, true, "the draft is not sent: 2 days overdue" },
		{ S, true, 110, false, "nobody has acknowledged the letter: due in 14 days" },
		{ S, false, 124, false, "nobody has acknowledged the letter: due today" },
		{ S, false, 125, true, "nobody has acknowledged the letter: 1 day overdue" },
		{ A, false, 140, false, "no reply has come: due today" },
		{ A, false, 143, true, "no reply has come: 3 days overdue" },
		{ R, false, 900, false, "" },
		{ T, true, 900, false, "" },
		{ REFERRAL_CLOSED, true, 900, false, "" },
		{ REFERRAL_DECLINED, true, 900, false, "" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct referral r = { rows[i].state, rows[i].red, 100, 105, 110 };
		assert_int_equal(referral_is_overdue(&r, rows[i].today), rows[i].overdue);
		const struct referral_due due = referral_due_at(&r, rows[i].today);
		assert_int_equal(due.due + due.days_late,
				 due.timer == REFERRAL_TIMER_NONE ? 0 : rows[i].today);
		CLEANUP(buf_finip) struct buf b = { 0 };
		assert_int_equal(referral_due_print(&due, &b), ERR_OK);
		assert_true(view_equal(buf_view(&b), view_str(rows[i].words)));
	}
}

static void test_state_names_go_both_ways(void **state)
{
	(void)state;
	enum referral_state got = REFERRAL_STATE_COUNT;
	for (int s = 0; s < REFERRAL_STATE_COUNT; s++) {
		const char *name = referral_state_name((enum referral_state)s);
		assert_int_equal(referral_state_parse(view_str(name), &got), ERR_OK);
		assert_int_equal(got, s);
	}
	assert_int_equal(referral_state_parse(view_str("lost"), &got), ERR_BAD_VALUE);
	assert_int_equal(got, REFERRAL_DECLINED);
}

static bool has_word(const char *words, const char *word)
{
	const size_t len = strlen(word);
	for (const char *at = strstr(words, word); at != NULL; at = strstr(at + 1, word)) {
		if ((at == words || at[-1] == ' ') && strchr(" ,:", at[len]) != NULL) return true;
	}
	return false;
}

/* What may follow is said of every state, and names each state that may. */
static void test_what_comes_next_is_said_of_each_state(void **state)
{
	(void)state;
	for (int from = 0; from < REFERRAL_STATE_COUNT; from++) {
		const char *words = referral_next_words((enum referral_state)from);
		assert_non_null(words);
		for (int to = 0; to < REFERRAL_STATE_COUNT; to++) {
			const char *name = referral_state_name((enum referral_state)to);
			if (to == from) continue;
			assert_int_equal(has_word(words, name),
					 referral_may_move((enum referral_state)from,
							   (enum referral_state)to));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_referral_49_moves_follow_the_drawing),
		cmocka_unit_test(test_referral_49_consent_is_dated_and_ends_have_reasons),
		cmocka_unit_test(test_referral_49_timers_and_their_words),
		cmocka_unit_test(test_state_names_go_both_ways),
		cmocka_unit_test(test_what_comes_next_is_said_of_each_state),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
