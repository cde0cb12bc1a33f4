/* verbs_report: how the signed-in therapist assesses, told to nobody else (DOMAIN 4.6): what was
 * measured before and after treatment, and what of it was beyond the measure's error. */
#include "client/api/care.h"
#include "client/api/proof_load.h"
#include "client/api/verbs.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "record/access.h"
#include "record/calendar.h"
#include "record/care.h"
#include "record/proof_report.h"

#define REPORT_DAYS 90

/* Days, the last one included. */
struct span {
	int64_t from, to;
};

static enum err read_day(struct verb *v, const char *key, int64_t otherwise, int64_t *ret)
{
	*ret = otherwise;
	if (!verb_has(v, key) || care_day(verb_text(v, key), ret)) return ERR_OK;
	return fault_set(&v->fault, ERR_BAD_VALUE, NULL, "%s: a day as YYYY-MM-DD", key);
}

static enum err read_span(struct verb *v, struct span *ret)
{
	TRY(read_day(v, "to", care_local_day(v->now_ms), &ret->to));
	TRY(read_day(v, "from", ret->to - REPORT_DAYS + 1, &ret->from));
	if (ret->from <= ret->to) return ERR_OK;
	return fault_set(&v->fault, ERR_BAD_VALUE, NULL, "from: a day that is not after %s",
			 verb_has(v, "to") ? "\"to\"" : "today");
}

/* ---- counting ------------------------------------------------------------------------------ */

struct counting {
	struct span days;
	struct proof_report report;
};

/* Only the therapist's own sessions count. */
static enum err add_session(struct verb *v, const struct id *session_id, struct proof_report *r)
{
	CLEANUP(proof_session_finip) struct proof_session p = { 0 };
	struct session_fold fold;
	struct session_state s;
	enum err e = ERR_OK;

	TRY(local_load_session(verb_local(v), verb_vault(v), session_id, &fold, &s));
	if (id_equal(&s.therapist_id, desk_person(v->desk))) {
		e = proof_session_of(&s, &p);
		if (e == ERR_OK) proof_report_add(r, p.sets, p.set_count);
	}
	session_fold_fini(&fold);
	return e;
}

static enum err add_patient(struct verb *v, void *ctx, const struct local_patient *p)
{
	CLEANUP(local_sessions_finip) struct local_sessions s = { 0 };
	struct counting *c = ctx;
	const struct id patient_id = p->id;

	TRY(local_find_sessions(verb_local(v), verb_vault(v), &patient_id, &s));
	TRY(local_drop_misfiled(verb_local(v), verb_vault(v), &patient_id, &s));
	for (size_t i = 0; i < s.count; i++) {
		const int64_t day = care_local_day(s.held[i].started_ms);
		if (day < c->days.from || day > c->days.to) continue;
		TRY(add_session(v, &s.held[i].session_id, &c->report));
	}
	return ERR_OK;
}

/* ---- the answer ---------------------------------------------------------------------------- */

static enum err put_count(json_t *object, const char *key, unsigned count)
{
	return json_put(object, key, json_integer(count));
}

/* Rounded; null of nothing. */
static enum err put_percent(json_t *object, const char *key, unsigned part, unsigned whole)
{
	return json_put(object, key,
			whole == 0 ? json_null() : json_integer((part * 100 + whole / 2) / whole));
}

static enum err put_tally(json_t *object, const struct proof_tally *t)
{
	TRY(put_count(object, "before", t->tested));
	TRY(put_count(object, "again", t->again));
	TRY(put_percent(object, "again_percent", t->again, t->tested));
	TRY(put_count(object, "improved", t->improved));
	TRY(put_percent(object, "improved_percent", t->improved, t->again));
	TRY(put_count(object, "within_error", t->within));
	TRY(put_count(object, "worse", t->worse));
	return put_count(object, "not_comparable", t->not_comparable);
}

static enum err put_day(json_t *object, const char *key, int64_t day)
{
	CLEANUP(buf_finip) struct buf text = { 0 };

	TRY(calendar_print(day, &text));
	return json_put_text(object, key, buf_view(&text));
}

static enum err put_report(struct verb *v, struct span days, const struct proof_report *r)
{
	json_t *all = json_object();
	json_t *groups = json_array();

	TRY(json_put(v->answer, "all", all));
	TRY(json_put(v->answer, "groups", groups));
	TRY(put_day(v->answer, "from", days.from));
	TRY(put_day(v->answer, "to", days.to));
	TRY(put_count(v->answer, "visits", r->visits));
	TRY(put_count(v->answer, "visits_enough", r->visits_enough));
	TRY(put_count(v->answer, "wanted", PROOF_TESTS_WANTED));
	TRY(put_tally(all, &r->all));
	for (size_t i = 0; i < r->group_count; i++) {
		json_t *object = json_object();
		ENSURE(json_array_append_new(groups, object) == 0, ERR_NOMEM);
		TRY(json_put(object, "group", json_string(r->groups[i].name)));
		TRY(put_tally(object, &r->groups[i].tally));
	}
	return ERR_OK;
}

static enum err may_treat(struct verb *v)
{
	const struct dir_user *user =
		dir_user(local_directory(verb_local(v)), desk_person(v->desk));

	if (user != NULL && user->active && access_may_read_sessions(user->roles)) return ERR_OK;
	return fault_set(&v->fault, ERR_DENIED, NULL, "only who treats has such a report");
}

enum err verb_show_report(struct verb *v)
{
	struct counting c = { 0 };

	TRY(read_span(v, &c.days));
	TRY(may_treat(v));
	TRY(verb_each_patient(v, (struct verb_patient_visitor){ add_patient, &c }));
	return put_report(v, c.days, &c.report);
}
