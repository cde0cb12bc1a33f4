/* verbs_card: the welcome card as a verb. */
#include "client/api/card.h"
#include "client/api/verbs.h"

#include "base/check.h"
#include "record/access.h"

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
