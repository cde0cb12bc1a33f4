/* Words that belong in a confidential note: asked about by field and code, and the text is saved
 * all the same. */
#include "unit/client/api/verbs_rig.h"

static void test_trust_47_words_are_asked_about_and_saved(void **state)
{
	(void)state;
	struct world *w = clinic();
	struct room *mara = &w->rooms[1];
	char *patient_id = copy(text_at(
		ask(mara, "add/patient", "{'name':'Maya','born':'1988-04-02'}"), "patient_id"));
	char *session = copy(text_at(ask(mara, "start/session", "{'patient_id':'%s'}", patient_id),
				     "session_id"));
	expect_json(ask(mara, "set/session",
			"{'session_id':'%s','subjective':'Neck is stiff','plan':'heat'}", session),
		    "hints", "[]");
	expect_json(ask(mara, "set/session",
			"{'session_id':'%s','subjective':'The divorce. Divorced twice.',"
			"'plan':'he wants to kill himself'}",
			session),
		    "hints",
		    "[{'field':'subjective','code':'divorce','asks_note':true,'asks_safety':false},"
		    "{'field':'plan','code':'self_harm','asks_note':true,'asks_safety':true}]");
	expect_json(ask(mara, "show/session", "{'session_id':'%s'}", session), "subjective",
		    "'The divorce. Divorced twice.'");
	fill_session(mara, session);
	done(ask(mara, "sign/session", "{'session_id':'%s'}", session));
	expect_json(ask(mara, "add/addendum", "{'session_id':'%s','text':'an affair'}", session),
		    "hints",
		    "[{'field':'text','code':'affair','asks_note':true,'asks_safety':false}]");
	expect_json(ask(mara, "add/promise", "{'patient_id':'%s','text':'ask about the divorce'}",
			patient_id),
		    "hints",
		    "[{'field':'text','code':'divorce','asks_note':true,'asks_safety':false}]");
	free(session);
	free(patient_id);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trust_47_words_are_asked_about_and_saved),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
