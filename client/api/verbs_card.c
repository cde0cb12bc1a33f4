/* verbs_card: the welcome card and the safety card as verbs. */
#include "client/api/card.h"
#include "client/api/session_calls.h"
#include "client/api/verbs.h"

#include "base/check.h"
#include "record/access.h"
#include "record/safety.h"

static enum err may_read_cards(struct verb *v)
{
	const struct dir_user *user =
		dir_user(local_directory(verb_local(v)), desk_person(v->desk));

	if (user != NULL && user->active && access_may_read_sessions(user->roles)) return ERR_OK;
	return fault_set(&v->fault, ERR_DENIED, NULL, "you may not read welcome cards");
}

enum err verb_show_card(struct verb *v)
{
	struct local_patient p;
	struct id patient_id;
	bool partial = false;

	TRY(verb_need_id(v, "patient_id", &patient_id));
	TRY(may_read_cards(v));
	TRY(verb_fetch_chart(v, &patient_id, CARD_SESSIONS, &partial));
	if (v->ask.len > 0) return ERR_OK;
	const enum err e = local_get_patient(verb_local(v), verb_vault(v), &patient_id, &p);
	if (e == ERR_NOT_FOUND) return verb_fail_unknown(v, "patient", "patient_id");
	TRY(e);
	TRY(card_put(v, &p, partial));
	/* The chart was shown: the audit trail hears of it (SECURITY 2.15). */
	v->effects.outbox = true;
	return local_opened(verb_local(v), verb_vault(v), &patient_id, NULL, v->now_ms);
}

/* ---- the safety card ----------------------------------------------------------------------- */

static enum err put_safety(json_t *list, const struct safety_row *row)
{
	json_t *object = json_object();

	ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
	TRY(json_put(object, "what", json_string(safety_what_name(row->what))));
	TRY(json_put(object, "text", json_string(row->text)));
	TRY(json_put(object, "number",
		     row->number[0] != '\0' ? json_string(row->number) : json_null()));
	TRY(json_put(object, "source",
		     row->source[0] != '\0' ? json_string(row->source) : json_null()));
	return json_put(object, "unverified", json_boolean(row->own_knowledge));
}

/* A patient who moved has the lines of both places; the steps stand once. */
enum err verb_show_safety_card(struct verb *v)
{
	json_t *list = json_array();
	struct id patient_id;
	const struct id *of = NULL;
	unsigned bits = 0;
	bool again = false;

	TRY(json_put(v->answer, "rows", list));
	if (verb_has(v, "patient_id")) {
		TRY(session_need_patient(v, &patient_id));
		of = &patient_id;
	}
	TRY(local_jurisdictions(verb_local(v), verb_vault(v), of, &bits));
	for (int j = 0; j < LAW_JURISDICTION_COUNT; j++) {
		const struct safety_row *row;
		if ((bits & LAW_BIT(j)) == 0) continue;
		for (size_t i = 0; (row = safety_row((enum law_jurisdiction)j, i)) != NULL; i++)
			if (!again || row->what != SAFETY_DO) TRY(put_safety(list, row));
		again = true;
	}
	return ERR_OK;
}
