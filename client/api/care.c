#include "client/api/care.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "record/calendar.h"
#include "record/care.h"
#include "record/duty_record.h"
#include "record/reflect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t care_local_day(uint64_t ms)
{
	const time_t seconds = (time_t)(ms / 1000u);
	struct tm tm;

	if (localtime_r(&seconds, &tm) == NULL) return (int64_t)(ms / CALENDAR_DAY_MS);
	const struct date d = { .year = (unsigned)tm.tm_year + 1900u,
				.month = (unsigned)tm.tm_mon + 1u,
				.day = (unsigned)tm.tm_mday };
	return date_days(&d);
}

/* ---- times that are stamped ---------------------------------------------------------------- */

static enum err stamp(struct verb *v, const char *key)
{
	return verb_has(v, key) ? ERR_OK : json_put_time(v->request, key, v->now_ms);
}

enum err care_fill(struct verb *v)
{
	if (v->row->kind->kind != KIND_CONSENT) return ERR_OK;
	const json_t *mark = json_object_get(v->request, "withdrawn");
	const bool is_marked = json_is_true(mark);

	if (mark != NULL && !json_is_boolean(mark)) {
		return fault_set(&v->fault, ERR_USAGE, "usage", "withdrawn is true or absent");
	}
	if (mark != NULL) (void)json_object_del(v->request, "withdrawn");
	if (is_marked) TRY(json_put(v->request, "answer", json_string("withdrawn")));
	if (strcmp(verb_text(v, "answer"), "withdrawn") == 0) TRY(stamp(v, "withdrawn_at"));
	/* A withdrawal in one go with the answer was answered when it was withdrawn. */
	if (verb_has(v, "consent_id") || verb_has(v, "withdrawn_at")) return ERR_OK;
	return stamp(v, "answered_at");
}

/* ---- what the record will be --------------------------------------------------------------- */

/* The newest state and this change on top of it; texts belong to the fold and to `m`. */
struct whole {
	struct record_fold fold;
	bool is_loaded;
	bool is_new;
	const ProtobufCMessage *before;
	ProtobufCMessage *message;
};

static void whole_finip(struct whole *w)
{
	if (w->is_loaded) record_fold_fini(&w->fold);
	free(w->message);
}

static enum err id_of(const ProtobufCMessage *m, const char *field, struct id *ret)
{
	ProtobufCBinaryData bytes = { 0, NULL };

	reflect_get(m, reflect_field(m->descriptor, field), &bytes, sizeof(bytes));
	return id_from_view(view_of(bytes.data, bytes.len), ret);
}

static enum err whole_load(struct verb *v, const ProtobufCMessage *m, struct whole *w)
{
	const struct kind_info *info = v->row->kind;
	const struct record_state *now = NULL;
	struct id record_id;

	TRY(id_of(m, info->subject_field, &record_id));
	w->message = calloc(1, info->message->sizeof_message);
	ENSURE(w->message != NULL, ERR_NOMEM);
	protobuf_c_message_init(info->message, w->message);
	const enum err e = local_get_record(verb_local(v), verb_vault(v), info->kind, &record_id,
					    &w->fold, &now);
	w->is_new = e == ERR_NOT_FOUND;
	w->is_loaded = e == ERR_OK;
	if (!w->is_new) TRY(e);
	if (!w->is_new) record_apply(info, w->message, true, now->message);
	if (!w->is_new) w->before = now->message;
	record_apply(info, w->message, w->is_new, m);
	return ERR_OK;
}

enum err care_load_detail(struct verb *v, const struct id *patient_id, struct record_fold *fold,
			  const Roomkeep__PatientDetail **ret)
{
	const struct record_state *s = NULL;
	const enum err e = local_get_record(verb_local(v), verb_vault(v), KIND_PATIENT_DETAIL,
					    patient_id, fold, &s);

	*ret = NULL;
	if (e == ERR_NOT_FOUND) return ERR_OK;
	TRY(e);
	*ret = (const Roomkeep__PatientDetail *)(const void *)s->message;
	return ERR_OK;
}

/* ---- consent ------------------------------------------------------------------------------- */

static enum err check_minor(struct verb *v, const struct id *patient_id, const Roomkeep__Consent *m)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const Roomkeep__PatientDetail *detail = NULL;
	struct local_patient p;
	unsigned laws = 0;

	/* Of age is who is so where they live now, else where the clinic is. */
	TRY(care_load_detail(v, patient_id, &fold, &detail));
	if (detail != NULL) laws = duty_jurisdiction_bit(detail);
	if (laws == 0) TRY(local_jurisdictions(verb_local(v), verb_vault(v), NULL, &laws));
	TRY(local_get_patient(verb_local(v), verb_vault(v), patient_id, &p));
	const uint64_t on_ms = m->has_answered_ms ? m->answered_ms : v->now_ms;
	if (!care_consent_lacks_basis(m, care_is_minor(p.born, laws, care_local_day(on_ms)))) {
		return ERR_OK;
	}
	err_ignore(fault_set(&v->fault, ERR_BAD_VALUE, "capacity_basis",
			     "capacity_basis: a minor who answers without a guardian needs a "
			     "reason why that may be"));
	return fault_hint(&v->fault, "Give capacity_basis, or given_by guardian");
}

static enum err check_consent(struct verb *v, const struct id *patient_id, const struct whole *w)
{
	const Roomkeep__Consent *m = (const Roomkeep__Consent *)(const void *)w->message;
	const Roomkeep__Consent *before = (const Roomkeep__Consent *)(const void *)w->before;

	if (before != NULL && before->has_withdrawn_ms && m->has_withdrawn_ms &&
	    m->answer != before->answer && m->answer == ROOMKEEP__CONSENT__ANSWER__YES) {
		err_ignore(fault_set(&v->fault, ERR_BAD_VALUE, "withdrawn",
				     "answer: this consent was withdrawn, and stays so"));
		return fault_hint(&v->fault, "Ask again, and add consent");
	}
	return check_minor(v, patient_id, m);
}

/* ---- touch --------------------------------------------------------------------------------- */

static enum err fail_touch_consent(struct verb *v, const Roomkeep__Touch *m)
{
	const bool by_mail = care_touch_channel(m) == ROOMKEEP__TOUCH__CHANNEL__EMAIL;
	const bool by_voice = care_touch_channel(m) == ROOMKEEP__TOUCH__CHANNEL__PHONE &&
			      m->what != ROOMKEEP__TOUCH__WHAT__SHORT_MESSAGE;

	err_ignore(fault_set(&v->fault, ERR_BAD_VALUE, "no_consent", "%s",
			     by_mail    ? "the patient has not agreed to e-mail"
			     : by_voice ? "the patient does not want to be called"
					: "the patient has not agreed to messages"));
	return fault_hint(&v->fault, "Ask, then roomkeep set patient-detail --patient ID %s yes",
			  by_mail    ? "--email-ok"
			  : by_voice ? "--phone-ok"
				     : "--message-ok");
}

static enum err fail_touch_day(struct verb *v, int64_t other)
{
	CLEANUP(buf_finip) struct buf when = { 0 };
	CLEANUP(buf_finip) struct buf next = { 0 };
	const char *when_text = NULL;
	const char *next_text = NULL;

	TRY(calendar_print(other, &when));
	TRY(calendar_print(other + CARE_TOUCH_DAYS, &next));
	TRY(buf_cstr(&when, &when_text));
	TRY(buf_cstr(&next, &next_text));
	err_ignore(fault_set(&v->fault, ERR_BAD_VALUE, "too_soon",
			     "on: somebody reached out on %s, and at most one touch in %d days "
			     "is kind",
			     when_text, CARE_TOUCH_DAYS));
	return fault_hint(&v->fault, "From %s on", next_text);
}

/* One touch that is there beside the one that shall be. */
static enum err check_beside(struct verb *v, int64_t on, const Roomkeep__Touch *other)
{
	int64_t other_on = 0;

	if (!care_day(other->on, &other_on)) return ERR_OK;
	if (!care_touch_reaches_out(other->what)) {
		if (other_on > on) return ERR_OK;
		return fault_set(&v->fault, ERR_BAD_VALUE, "in_peace",
				 "this patient is to be left in peace");
	}
	return care_touch_is_too_soon(on, other_on) ? fail_touch_day(v, other_on) : ERR_OK;
}

static enum err check_others(struct verb *v, const struct id *patient_id, const struct id *touch_id,
			     int64_t on)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *others = NULL;
	size_t count = 0;

	TRY(local_list_records(verb_local(v), verb_vault(v), KIND_TOUCH, patient_id, &fold, &others,
			       &count));
	for (size_t i = 0; i < count; i++) {
		if (id_equal(&others[i].record_id, touch_id)) continue;
		TRY(check_beside(v, on, (const Roomkeep__Touch *)(const void *)others[i].message));
	}
	return ERR_OK;
}

static enum err check_touch(struct verb *v, const struct id *patient_id, const struct whole *w)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const Roomkeep__Touch *m = (const Roomkeep__Touch *)(const void *)w->message;
	const Roomkeep__Touch *before = (const Roomkeep__Touch *)(const void *)w->before;
	const Roomkeep__PatientDetail *detail = NULL;
	struct id touch_id;
	int64_t on = 0;

	if (!care_day(m->on, &on) || !care_touch_reaches_out(m->what)) return ERR_OK;
	/* What came of it is learned later, whatever has been said since. */
	if (before != NULL && before->what == m->what && strcmp(before->on, m->on) == 0 &&
	    care_touch_channel(before) == care_touch_channel(m)) {
		return ERR_OK;
	}
	TRY(id_of(w->message, "touch_id", &touch_id));
	TRY(care_load_detail(v, patient_id, &fold, &detail));
	if (!care_touch_is_consented(m, detail)) return fail_touch_consent(v, m);
	return check_others(v, patient_id, &touch_id, on);
}

/* -------------------------------------------------------------------------------------------- */

static enum err check(struct verb *v, const ProtobufCMessage *m)
{
	CLEANUP(whole_finip) struct whole w = { 0 };
	struct id patient_id;

	TRY(id_of(m, v->row->kind->patient_field, &patient_id));
	TRY(whole_load(v, m, &w));
	return v->row->kind->kind == KIND_CONSENT ? check_consent(v, &patient_id, &w)
						  : check_touch(v, &patient_id, &w);
}

enum err care_check(struct verb *v, const ProtobufCMessage *m)
{
	const enum kind kind = v->row->kind->kind;
	if (kind != KIND_CONSENT && kind != KIND_TOUCH) return ERR_OK;
	const enum err e = check(v, m);

	/* Nobody to look up, or who may not look: local_append says it. */
	return v->fault.err == ERR_OK && (e == ERR_NOT_FOUND || e == ERR_DENIED) ? ERR_OK : e;
}
