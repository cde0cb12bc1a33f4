#include "client/api/session_chart.h"

#include "base/check.h"
#include "client/api/record_json.h"
#include "client/api/show.h"
#include "record/care.h"
#include "record/law_duty.h"
#include "record/reflect.h"

static const Roomkeep__SessionChart nothing_said = ROOMKEEP__SESSION_CHART__INIT;

/* ---- reading ------------------------------------------------------------------------------- */

enum err session_chart_get(struct verb *v, const struct id *session_id,
			   const struct fold_sign *sign, struct record_fold *ret_fold,
			   const Roomkeep__SessionChart **ret)
{
	const struct record_state *records = NULL;
	size_t count = 0;

	TRY(local_list_session_records(verb_local(v), verb_vault(v), KIND_SESSION_CHART, session_id,
				       sign, ret_fold, &records, &count));
	const void *any = count > 0 ? records[0].message : &nothing_said.base;
	*ret = any;
	return ERR_OK;
}

enum err session_before(struct verb *v, const struct session_state *s, struct id *ret_session_id)
{
	CLEANUP(local_sessions_finip) struct local_sessions all = { 0 };

	*ret_session_id = (struct id){ 0 };
	TRY(local_find_sessions(verb_local(v), verb_vault(v), &s->patient_id, &all));
	TRY(local_drop_misfiled(verb_local(v), verb_vault(v), &s->patient_id, &all));
	for (size_t i = 0; i < all.count && all.held[i].started_ms < s->started_ms; i++) {
		if (!id_equal(&all.held[i].session_id, &s->session_id))
			*ret_session_id = all.held[i].session_id;
	}
	return ERR_OK;
}

/* ---- what is missing ----------------------------------------------------------------------- */

static enum err find_treated(struct verb *v, const struct session_state *s, struct session_facts *f)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;

	TRY(local_list_session_records(verb_local(v), verb_vault(v), KIND_TREATMENT, &s->session_id,
				       s->sign, &fold, &records, &f->treatment_count));
	for (size_t i = 0; i < f->treatment_count; i++) {
		const void *any = records[i].message;
		f->areas_treated |= session_areas_of(any);
	}
	return ERR_OK;
}

static enum err find_consented(struct verb *v, const struct session_state *s,
			       struct session_facts *f)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	size_t count = 0;

	if (f->areas_treated == 0) return ERR_OK;
	TRY(local_list_records(verb_local(v), verb_vault(v), KIND_CONSENT, &s->patient_id, &fold,
			       &records, &count));
	for (size_t i = 0; i < count; i++) {
		const void *any = records[i].message;
		const Roomkeep__Consent *m = any;
		struct id session = { 0 };
		if (!m->has_session_id || !m->has_area) continue;
		TRY(id_from_view(view_of(m->session_id.data, m->session_id.len), &session));
		if (id_equal(&session, &s->session_id) &&
		    care_consent_answer(m) == ROOMKEEP__CONSENT__ANSWER__YES)
			f->areas_consented |= SESSION_AREA_BIT(m->area);
	}
	return ERR_OK;
}

enum err session_chart_gaps(struct verb *v, const struct session_state *s,
			    struct session_gap *ret_gaps, size_t *ret_count)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	CLEANUP(record_fold_finip) struct record_fold adverse = { 0 };
	const struct record_state *records = NULL;
	struct session_facts f = { .has_ended = s->ended_ms != 0 };
	struct id before;

	TRY(session_chart_get(v, &s->session_id, s->sign, &fold, &f.chart));
	TRY(local_list_session_records(verb_local(v), verb_vault(v), KIND_ADVERSE_EVENT,
				       &s->session_id, s->sign, &adverse, &records,
				       &f.adverse_count));
	TRY(find_treated(v, s, &f));
	TRY(find_consented(v, s, &f));
	TRY(session_before(v, s, &before));
	f.is_first = id_is_zero(&before);
	*ret_count = session_find_gaps(&f, ret_gaps);
	return ERR_OK;
}

static enum err put_gaps(struct verb *v, const struct session_state *s)
{
	struct session_gap gaps[SESSION_GAPS_MAX];
	json_t *list = json_array();
	size_t count = 0;

	TRY(json_put(v->answer, "missing", list));
	if (s->sign != NULL || s->imported) return ERR_OK;
	TRY(session_chart_gaps(v, s, gaps, &count));
	for (size_t i = 0; i < count; i++) {
		json_t *one = json_object();
		ENSURE(json_array_append_new(list, one) == 0, ERR_NOMEM);
		TRY(json_put(one, "field", json_string(gaps[i].field)));
		TRY(json_put(one, "say", json_string(gaps[i].say)));
	}
	return ERR_OK;
}

/* ---- what the last session offers ---------------------------------------------------------- */

bool session_is_proposed(const Roomkeep__SessionChart *last, const Roomkeep__SessionChart *now,
			 const char *field)
{
	const ProtobufCFieldDescriptor *f =
		reflect_field(&roomkeep__session_chart__descriptor, field);

	return reflect_is_set(&last->base, f) && !reflect_is_set(&now->base, f);
}

/* Of what is offered alone, as JSON. */
static enum err put_proposed_fields(json_t *object, const Roomkeep__SessionChart *last,
				    const Roomkeep__SessionChart *now)
{
	const struct kind_info *info = kind_find(KIND_SESSION_CHART);
	json_t *all = json_object();
	enum err e = all != NULL ? record_to_json(all, info, &last->base) : ERR_NOMEM;

	for (size_t i = 0; e == ERR_OK && session_carry_at(i) != NULL; i++) {
		const char *field = session_carry_at(i);
		if (!session_is_proposed(last, now, field)) continue;
		e = json_put(object, field, json_incref(json_object_get(all, field)));
	}
	json_decref(all);
	return e;
}

static enum err put_records(struct verb *v, json_t *object, enum kind kind, const char *key,
			    const struct id *session_id, const struct fold_sign *sign)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	json_t *list = json_array();
	size_t count = 0;

	TRY(json_put(object, key, list));
	TRY(local_list_session_records(verb_local(v), verb_vault(v), kind, session_id, sign, &fold,
				       &records, &count));
	for (size_t i = 0; i < count; i++) {
		json_t *one = json_object();
		ENSURE(json_array_append_new(list, one) == 0, ERR_NOMEM);
		TRY(record_to_json(one, kind_find((uint64_t)kind), records[i].message));
	}
	return ERR_OK;
}

/* Of a signed session, and of another's, nothing is offered. */
static enum err put_proposed(struct verb *v, const struct session_state *s,
			     const Roomkeep__SessionChart *now)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const Roomkeep__SessionChart *last = NULL;
	json_t *object = json_object();
	struct id before;

	TRY(json_put(v->answer, "proposed", object));
	if (s->sign != NULL || !id_equal(&s->therapist_id, desk_person(v->desk))) return ERR_OK;
	TRY(session_before(v, s, &before));
	if (id_is_zero(&before)) return ERR_OK;
	TRY(session_chart_get(v, &before, NULL, &fold, &last));
	TRY(put_proposed_fields(object, last, now));
	if (json_array_size(json_object_get(v->answer, CARRY_TREATMENTS)) > 0) return ERR_OK;
	TRY(put_records(v, object, KIND_TREATMENT, CARRY_TREATMENTS, &before, NULL));
	if (json_array_size(json_object_get(object, CARRY_TREATMENTS)) == 0) {
		ENSURE(json_object_del(object, CARRY_TREATMENTS) == 0, ERR_BUG);
	}
	return ERR_OK;
}

/* ---- changes that the Sign did not see ----------------------------------------------------- */

static bool was_seen(const struct fold_sign *sign, const struct id *op_id)
{
	for (size_t i = 0; i < sign->record_count; i++)
		if (id_equal(&sign->records[i], op_id)) return true;
	return false;
}

static enum err put_late_change(struct verb *v, const struct kind_info *info,
				const struct record_change *c)
{
	json_t *object = json_object();
	json_t *said = json_object();

	ENSURE(json_array_append_new(json_object_get(v->answer, "late_changes"), object) == 0,
	       ERR_NOMEM);
	TRY(json_put(object, "kind", json_string(info->name)));
	TRY(json_put(object, "field", json_null()));
	TRY(json_put(object, "text", json_null()));
	TRY(json_put(object, "said", said));
	TRY(record_change_to_json(said, info, c->message));
	return show_meta(v, object, &c->meta);
}

static enum err put_late_of_kind(struct verb *v, const struct session_state *s,
				 const struct kind_info *info)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	size_t count = 0;

	TRY(local_list_session_records(verb_local(v), verb_vault(v), info->kind, &s->session_id,
				       NULL, &fold, &records, &count));
	for (size_t i = 0; i < count; i++) {
		for (size_t c = 0; c < records[i].change_count; c++) {
			const struct record_change *change = &records[i].changes[c];
			if (was_seen(s->sign, &change->meta.op_id)) continue;
			TRY(put_late_change(v, info, change));
		}
	}
	return ERR_OK;
}

/* ---- showing ------------------------------------------------------------------------------- */

static const struct {
	enum kind kind;
	const char *key;
} lists[] = {
	{ KIND_DISCOMFORT, "discomforts" },       { KIND_PALPATION, "palpations" },
	{ KIND_TREATMENT, CARRY_TREATMENTS },     { KIND_HOMECARE_ITEM, "homecare_items" },
	{ KIND_ADVERSE_EVENT, "adverse_events" },
};

enum err session_put_late(json_t *object, uint64_t started_ms, uint64_t ended_ms,
			  uint64_t signed_ms)
{
	CLEANUP(buf_finip) struct buf words = { 0 };
	const uint64_t over_ms = ended_ms != 0 ? ended_ms : started_ms;
	const uint32_t hours = law_late_hours(over_ms, signed_ms);
	const char *text = NULL;

	TRY(json_put(object, "late_entry_hours",
		     hours == 0 ? json_null() : json_integer((json_int_t)hours)));
	if (hours == 0) return json_put(object, "late_entry", json_null());
	TRY(law_late_print(over_ms, signed_ms, &words));
	TRY(buf_cstr(&words, &text));
	return json_put(object, "late_entry", json_string(text));
}

enum err session_chart_show(struct verb *v, const struct session_state *s)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const Roomkeep__SessionChart *chart = NULL;
	json_t *object = json_object();

	TRY(json_put(v->answer, "chart", object));
	TRY(session_chart_get(v, &s->session_id, s->sign, &fold, &chart));
	TRY(record_to_json(object, kind_find(KIND_SESSION_CHART), &chart->base));
	/* They stand beside it. */
	ENSURE(json_object_del(object, "session_id") == 0, ERR_BUG);
	ENSURE(json_object_del(object, "patient_id") == 0, ERR_BUG);
	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		TRY(put_records(v, v->answer, lists[i].kind, lists[i].key, &s->session_id,
				s->sign));
	}
	TRY(session_put_late(v->answer, s->started_ms, s->ended_ms,
			     s->sign == NULL ? 0 : s->sign->meta.client_time_ms));
	TRY(put_gaps(v, s));
	TRY(put_proposed(v, s, chart));
	for (size_t k = 0; s->sign != NULL && k < kind_count(); k++) {
		if (kind_at(k)->closed_by_sign) TRY(put_late_of_kind(v, s, kind_at(k)));
	}
	return ERR_OK;
}

enum err session_chart_show_nothing(struct verb *v)
{
	TRY(json_put(v->answer, "chart", json_null()));
	for (size_t i = 0; i < COUNT_OF(lists); i++)
		TRY(json_put(v->answer, lists[i].key, json_array()));
	TRY(session_put_late(v->answer, 0, 0, 0));
	TRY(json_put(v->answer, "missing", json_array()));
	return json_put(v->answer, "proposed", json_object());
}
