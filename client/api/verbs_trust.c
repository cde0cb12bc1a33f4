/* verbs_trust: how long a patient's record is kept (BC4, ON2, US13). */
#include "client/api/record_more.h"
#include "client/api/retention.h"
#include "client/api/verbs.h"

#include "base/check.h"
#include "record/access.h"
#include "record/duty_record.h"

#include <stdlib.h>

static enum err need_reader(struct verb *v)
{
	const struct dir_user *user =
		dir_user(local_directory(verb_local(v)), desk_person(v->desk));

	if (user != NULL && user->active && access_may_read_sessions(user->roles)) return ERR_OK;
	return fault_set(&v->fault, ERR_DENIED, NULL, "you may not read charts");
}

/* The newest of sessions and of changes of any record. */
static enum err last_entry(struct verb *v, const struct id *patient_id, uint64_t *ret_ms)
{
	CLEANUP(local_sessions_finip) struct local_sessions s = { 0 };
	uint64_t newest = 0;
	size_t count = 0;

	TRY(local_find_sessions(verb_local(v), verb_vault(v), patient_id, &s));
	if (s.count > 0) newest = s.held[s.count - 1].started_ms;
	for (size_t k = 0; k < kind_count(); k++) {
		CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
		const struct record_state *records = NULL;
		const struct kind_info *info = kind_at(k);
		if (!kind_is_plain(info) || info->patient_field == NULL) continue;
		if (info->own_session) continue; /* its session was looked at */
		const enum err e = local_list_records(verb_local(v), verb_vault(v), info->kind,
						      patient_id, &fold, &records, &count);
		if (e == ERR_DENIED) continue;
		TRY(e);
		for (size_t i = 0; i < count; i++) {
			const uint64_t ms = records[i].newest->client_time_ms;
			if (ms > newest) newest = ms;
		}
	}
	*ret_ms = newest != 0 ? newest : v->now_ms; /* nothing is written: as if today */
	return ERR_OK;
}

static enum err put_jurisdictions(struct verb *v, unsigned bits)
{
	json_t *list = json_array();

	TRY(json_put(v->answer, "jurisdictions", list));
	for (int j = 0; j < LAW_JURISDICTION_COUNT; j++) {
		if ((bits & LAW_BIT(j)) == 0) continue;
		const char *name = law_jurisdiction_name((enum law_jurisdiction)j);
		ENSURE(json_array_append_new(list, json_string(name)) == 0, ERR_NOMEM);
	}
	return ERR_OK;
}

static enum err put_holds(struct verb *v, const struct id *patient_id, bool *ret_held)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	json_t *list = json_array();
	size_t count = 0;

	TRY(json_put(v->answer, "holds", list));
	TRY(local_list_records(verb_local(v), verb_vault(v), KIND_LEGAL_HOLD, patient_id, &fold,
			       &records, &count));
	for (size_t i = 0; i < count; i++) {
		const void *any = records[i].message;
		const Roomkeep__LegalHold *m = any;
		if (m->lifted_on != NULL) continue;
		json_t *one = json_object();
		ENSURE(json_array_append_new(list, one) == 0, ERR_NOMEM);
		TRY(json_put_id(one, "legal_hold_id", &records[i].record_id));
		TRY(json_put(one, "placed_on",
			     m->placed_on == NULL ? json_null() : json_string(m->placed_on)));
		TRY(json_put(one, "reason",
			     m->reason == NULL ? json_null() : json_string(m->reason)));
		*ret_held = true;
	}
	return ERR_OK;
}

enum err retention_put(struct verb *v, const struct id *patient_id, const char *born)
{
	struct law_record record = { 0 };
	struct law_retention keep;
	struct record_error error = { .err = ERR_OK };
	uint64_t newest_ms = 0;
	bool held = false;

	record.has_born = duty_day(born, &record.born);
	TRY(local_jurisdictions(verb_local(v), verb_vault(v), patient_id, &record.jurisdictions));
	TRY(last_entry(v, patient_id, &newest_ms));
	record.last_entry = calendar_day_of(newest_ms, 0);
	TRY(law_retention_until(&record, &keep));
	TRY(put_jurisdictions(v, record.jurisdictions));
	TRY(record_put_day(v->answer, "last_entry", true, record.last_entry));
	TRY(record_put_day(v->answer, "retention_until", true, keep.until));
	TRY(json_put(v->answer, "rule", json_string(keep.rule)));
	TRY(json_put(v->answer, "from_majority", json_boolean(keep.from_majority)));
	TRY(json_put(v->answer, "born_assumed", json_boolean(keep.born_assumed)));
	TRY(put_holds(v, patient_id, &held));
	/* Two people confirm a disposal; here only whether it may come to it. */
	const struct law_disposal d = { .retention_until = keep.until,
					.legal_hold = held,
					.first = { { 1 } },
					.second = { { 2 } } };
	const bool may = law_disposal_check(&d, record_today(v), &error) == ERR_OK;
	TRY(json_put(v->answer, "may_dispose", json_boolean(may)));
	return json_put(v->answer, "because", may ? json_null() : json_string(error.allowed));
}

enum err verb_show_retention(struct verb *v)
{
	struct local_patient p;
	struct id patient_id;
	bool partial = false;

	TRY(verb_need_id(v, "patient_id", &patient_id));
	TRY(need_reader(v));
	enum err e = local_get_patient(verb_local(v), verb_vault(v), &patient_id, &p);
	if (e == ERR_NOT_FOUND) return verb_fail_unknown(v, "patient", "patient_id");
	TRY(e);
	TRY(verb_fetch_patient(v, &patient_id, &partial));
	if (v->ask.len > 0) return ERR_OK;
	e = local_get_patient(verb_local(v), verb_vault(v), &patient_id, &p);
	TRY(e);
	TRY(json_put_id(v->answer, "patient_id", &patient_id));
	TRY(retention_put(v, &patient_id, p.born));
	return json_put(v->answer, "partial", json_boolean(partial));
}
