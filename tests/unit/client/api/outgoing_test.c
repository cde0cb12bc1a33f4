/* What is looked at before a text leaves: a sentence that names a relative becomes a labelled
 * gap, and
 * nothing leaves while nobody decided. The rules about whole records: tests/integration. */
#include "client/api/outgoing.h"

#include "base/check.h"
#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define OK(call) assert_int_equal(call, ERR_OK)
#define GAP "[withheld: about another person]"

/* Looks for Ann and Tom. */
static void begin(struct outgoing *o, struct verb *v, enum outgoing_how how)
{
	*o = (struct outgoing){ .v = v, .withheld = json_array(), .how = how, .name_count = 2 };
	OK(guard_name_make(view_str("Ann"), &o->names[0]));
	OK(guard_name_make(view_str("Tom"), &o->names[1]));
}

static void expect(struct outgoing *o, const char *text, const char *left)
{
	json_t *object = json_pack("{s:s}", "text", text);

	assert_non_null(object);
	OK(outgoing_text(o, "session", "id", object, "text"));
	assert_string_equal(json_text_of(object, "text"), left);
	json_decref(object);
}

static void test_a_sentence_about_another_is_a_gap(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "Neck is stiff.", "Neck is stiff." },
		{ "Ann is ill.", GAP },
		{ "Stiff. Ann is ill. Better now.", "Stiff. " GAP " Better now." },
		{ "Stiff.\nAnn is ill\nBetter.", "Stiff.\n" GAP "\nBetter." },
		{ "Told by ANN, who is ill! Stiff", GAP " Stiff" },
		{ "Ann and Tom quarrel. Stiff.", GAP " Stiff." },
		{ "Ann is ill. Tom is not. Stiff.", GAP " " GAP " Stiff." },
		{ "Annual check. Tomorrow again.", "Annual check. Tomorrow again." },
		{ "", "" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct verb v = { 0 };
		struct outgoing o;
		begin(&o, &v, OUTGOING_GAP);
		expect(&o, cases[i][0], cases[i][1]);
		OK(outgoing_end(&o));
		json_decref(o.withheld);
	}
}

static void test_each_gap_is_on_the_list(void **state)
{
	(void)state;
	struct verb v = { 0 };
	struct outgoing o;

	begin(&o, &v, OUTGOING_GAP);
	expect(&o, "Ann is ill. Stiff. Tom is not.", GAP " Stiff. " GAP);
	expect(&o, "Nothing.", "Nothing.");
	assert_int_equal(json_array_size(o.withheld), 1);
	const json_t *row = json_array_get(o.withheld, 0);
	assert_int_equal(json_integer_value(json_object_get(row, "count")), 2);
	assert_string_equal(json_text_of(row, "field"), "text");
	assert_string_equal(json_text_of(row, "record_id"), "id");
	assert_string_equal(json_text_of(row, "reason"), "other_person");
	assert_string_equal(outgoing_sentence(&o),
			    "Information about another person was withheld.");
	json_decref(o.withheld);
}

static void test_nothing_leaves_while_nobody_decided(void **state)
{
	(void)state;
	struct verb v = { 0 };
	struct outgoing o;

	begin(&o, &v, OUTGOING_REFUSE);
	expect(&o, "Ann is ill.", "Ann is ill.");
	assert_int_equal(outgoing_end(&o), ERR_DENIED);
	assert_string_equal(v.fault.code, "names_relative");
	assert_null(strstr(v.fault.message, "Ann"));
	assert_non_null(strstr(v.fault.message, "session, text"));
	assert_int_equal(json_array_size(o.withheld), 0);
	json_decref(o.withheld);

	begin(&o, &v, OUTGOING_NOT_THEM);
	expect(&o, "Ann is ill.", "Ann is ill.");
	OK(outgoing_end(&o));
	assert_null(outgoing_sentence(&o));
	json_decref(o.withheld);
}

static void test_lists_and_other_values(void **state)
{
	(void)state;
	struct verb v = { 0 };
	struct outgoing o;
	json_t *object = json_pack("{s:[s,s],s:i,s:n}", "list", "sitting with Tom", "stairs",
				   "number", 5, "nothing");

	begin(&o, &v, OUTGOING_GAP);
	OK(outgoing_text(&o, "episode", "id", object, "list"));
	OK(outgoing_text(&o, "episode", "id", object, "number"));
	OK(outgoing_text(&o, "episode", "id", object, "nothing"));
	OK(outgoing_text(&o, "episode", "id", object, "missing"));
	const json_t *list = json_object_get(object, "list");
	assert_string_equal(json_string_value(json_array_get(list, 0)), GAP);
	assert_string_equal(json_string_value(json_array_get(list, 1)), "stairs");
	assert_int_equal(o.gaps, 1);
	json_decref(object);
	json_decref(o.withheld);
}

/* Words that somebody marked are a gap whatever was decided about names, and where no name is. */
static void test_marked_words_are_a_gap_in_every_paper(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "Stiff. He drinks again. Better.", "Stiff. " GAP ". Better." },
		{ "He drinks again", GAP },
		{ "he drinks again", "he drinks again" }, /* other words */
		{ "He drinks again, He drinks again", GAP ", " GAP },
		{ "His mother is ill, He drinks again.", GAP GAP "." }, /* two marks that touch */
		{ "Ann says He drinks again.", "Ann says " GAP "." },
		{ "", "" },
	};
	const enum outgoing_how hows[] = { OUTGOING_REFUSE, OUTGOING_NOT_THEM };
	for (size_t h = 0; h < COUNT_OF(hows); h++) {
		for (size_t i = 0; i < COUNT_OF(cases); i++) {
			struct verb v = { 0 };
			struct outgoing o;
			begin(&o, &v, hows[h]);
			o.marks = json_pack("[s,s]", "He drinks again", "His mother is ill, ");
			expect(&o, cases[i][0], cases[i][1]);
			json_decref(o.withheld);
			outgoing_finip(&o);
		}
	}
}

/* With a name in the same sentence the sentence goes, once. */
static void test_marked_words_and_names_are_one_gap_where_they_overlap(void **state)
{
	(void)state;
	struct verb v = { 0 };
	struct outgoing o;

	begin(&o, &v, OUTGOING_GAP);
	o.marks = json_pack("[s]", "drinks again. And");
	expect(&o, "Stiff. Ann drinks again. And more. Better.", "Stiff. " GAP " more. Better.");
	assert_int_equal(o.gaps, 1);
	expect(&o, "He drinks again. And Tom left.", "He " GAP);
	json_decref(o.withheld);
	outgoing_finip(&o);
}

/* More places than are kept one by one: the whole text goes. */
static void test_a_text_full_of_names_is_one_gap(void **state)
{
	(void)state;
	struct verb v = { 0 };
	struct outgoing o;
	CLEANUP(buf_finip) struct buf names = { 0 };
	const char *text = NULL;

	for (size_t i = 0; i < 200; i++) OK(buf_append_str(&names, "Ann came. "));
	OK(buf_cstr(&names, &text));
	begin(&o, &v, OUTGOING_GAP);
	expect(&o, text, GAP);
	assert_int_equal(o.gaps, 1);
	json_decref(o.withheld);
}

static void test_what_the_patient_asked_for_is_said_first(void **state)
{
	(void)state;
	struct verb v = { 0 };
	struct outgoing o;

	begin(&o, &v, OUTGOING_GAP);
	o.gaps = 1;
	o.is_restricted = true;
	assert_string_equal(outgoing_sentence(&o),
			    "Information was withheld at the patient's request.");
	json_decref(o.withheld);
}

int main(void)
{
	json_start();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_sentence_about_another_is_a_gap),
		cmocka_unit_test(test_each_gap_is_on_the_list),
		cmocka_unit_test(test_nothing_leaves_while_nobody_decided),
		cmocka_unit_test(test_lists_and_other_values),
		cmocka_unit_test(test_marked_words_are_a_gap_in_every_paper),
		cmocka_unit_test(test_marked_words_and_names_are_one_gap_where_they_overlap),
		cmocka_unit_test(test_a_text_full_of_names_is_one_gap),
		cmocka_unit_test(test_what_the_patient_asked_for_is_said_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
