/* verbs_lockbox: opening what is withheld, for an hour and for two reasons only (ON8), and the
 * review of who did so (US5). */
#include "client/api/record_json.h"
#include "client/api/record_more.h"
#include "client/api/verbs.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "record/calendar.h"
#include "record/lockbox.h"
#include "wire/frame.h"
#include "wire/op.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OPEN_LOOKS_MAX 50u /* at the server's word, each a round trip */
#define REVIEW_MS 30000u
#define REVIEW_DAYS 31

/* ---- opening --------------------------------------------------------------------------------- */

static enum err need_online(struct verb *v)
{
	if (v->link.link == SYNC_LINK_ONLINE) return ERR_OK;
	err_ignore(fault_set(&v->fault, ERR_OFFLINE, "offline",
			     "what is withheld is opened by the server, and it cannot be reached"));
	return fault_hint(&v->fault, "roomkeep status says why; nothing was changed");
}

static enum err need_reason(struct verb *v, Roomkeep__Override__Reason *ret)
{
	const char *word = NULL;

	TRY(verb_need_text(v, "reason", &word));
	if (strcmp(word, "consent") == 0) {
		*ret = ROOMKEEP__OVERRIDE__REASON__CONSENT;
	} else if (strcmp(word, "emergency") == 0) {
		*ret = ROOMKEEP__OVERRIDE__REASON__EMERGENCY;
	} else {
		return fault_set(&v->fault, ERR_BAD_VALUE, NULL,
				 "reason: consent or emergency; there is no third one");
	}
	return ERR_OK;
}

static enum err need_withheld(struct verb *v, const struct id *patient_id)
{
	struct local_withheld w;
	struct local_patient p;

	const enum err e = local_get_patient(verb_local(v), verb_vault(v), patient_id, &p);
	if (e == ERR_NOT_FOUND) return verb_fail_unknown(v, "patient", "patient_id");
	TRY(e);
	TRY(local_withheld(verb_local(v), verb_vault(v), patient_id, &w));
	if (w.any) return ERR_OK;
	return fault_set(&v->fault, ERR_NOT_FOUND, "nothing_withheld",
			 "nothing of this patient is withheld from you");
}

static enum err write_override(struct verb *v, const struct id *patient_id)
{
	Roomkeep__Override m = ROOMKEEP__OVERRIDE__INIT;
	const char *text = NULL;

	TRY(need_online(v));
	TRY(need_reason(v, &m.reason));
	TRY(verb_need_text(v, "text", &text));
	TRY(need_withheld(v, patient_id));
	char *copy = strdup(text);
	ENSURE(copy != NULL, ERR_NOMEM);
	const struct id override_id = local_new_id(verb_local(v), v->now_ms);
	m.has_override_id = m.has_patient_id = m.has_reason = 1;
	m.override_id = wire_id_bytes(&override_id);
	m.patient_id = wire_id_bytes(patient_id);
	m.text = copy;
	const enum err e = record_append(v, kind_find(KIND_OVERRIDE), &m.base, &override_id);
	secret_wipe(copy, strlen(copy));
	free(copy);
	v->effects.now = e == ERR_OK;
	return e;
}

/* A question that changes nothing: by the time it is answered the server has had our op before. */
static enum err ask_again(struct verb *v)
{
	Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;
	Roomkeep__GetDirectory get = ROOMKEEP__GET_DIRECTORY__INIT;
	struct hash32 hash;

	get.has_after_dir_seq = 1;
	get.after_dir_seq = dir_head(local_directory(verb_local(v)), &hash);
	frame.body_case = ROOMKEEP__FRAME__BODY_GET_DIRECTORY;
	frame.get_directory = &get;
	return verb_ask(v, &frame, SYNC_NEEDS_PERSON, 0);
}

enum err verb_open_withheld(struct verb *v)
{
	struct local_withheld w;
	struct id patient_id;

	TRY(verb_need_id(v, "patient_id", &patient_id));
	if (v->step == 0) {
		TRY(write_override(v, &patient_id));
		TRY(json_put_id(v->answer, "patient_id", &patient_id));
		return ask_again(v);
	}
	TRY(local_withheld(verb_local(v), verb_vault(v), &patient_id, &w));
	const bool open = w.open_until_ms != 0;
	if (!open && v->reply_err == ERR_OK && v->step < OPEN_LOOKS_MAX) return ask_again(v);
	/* Written and not confirmed: it opens when the server has taken it, or not at all. */
	TRY(json_put(v->answer, "open", json_boolean(open)));
	return json_put_time(v->answer, "open_until", w.open_until_ms);
}

/* ---- the review ------------------------------------------------------------------------------ */

static int32_t offset_minutes(uint64_t now_ms)
{
	const time_t seconds = (time_t)(now_ms / 1000u);
	struct tm tm;

	if (localtime_r(&seconds, &tm) == NULL) return 0;
	return (int32_t)(tm.tm_gmtoff / 60);
}

static enum err day_of(struct verb *v, const char *key, int64_t other, int64_t *ret)
{
	struct date d;

	*ret = other;
	if (!verb_has(v, key)) return ERR_OK;
	if (date_parse(view_str(verb_text(v, key)), &d) != ERR_OK) {
		return fault_set(&v->fault, ERR_BAD_VALUE, NULL, "%s: %s", key,
				 field_format_allowed(FIELD_DATE));
	}
	*ret = date_days(&d);
	return ERR_OK;
}

static enum err ask_reviews(struct verb *v)
{
	Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;
	Roomkeep__ReviewGet get = ROOMKEEP__REVIEW_GET__INIT;
	int64_t from = 0;
	int64_t to = 0;

	TRY(day_of(v, "to", record_today(v), &to));
	TRY(day_of(v, "from", to - (REVIEW_DAYS - 1), &from));
	if (from > to || to - from >= REVIEW_DAYS) {
		return fault_set(&v->fault, ERR_BAD_VALUE, NULL,
				 "from: a day within the 31 days that end with `to`");
	}
	get.has_offset_minutes = get.has_from_day = get.has_to_day = 1;
	get.offset_minutes = offset_minutes(v->now_ms);
	get.from_day = (int32_t)from;
	get.to_day = (int32_t)to;
	frame.body_case = ROOMKEEP__FRAME__BODY_REVIEW_GET;
	frame.review_get = &get;
	return verb_ask(v, &frame, SYNC_NEEDS_PERSON, REVIEW_MS);
}

static const char *reason_name(uint32_t reason)
{
	if (reason == ROOMKEEP__OVERRIDE__REASON__CONSENT) return "consent";
	return reason == ROOMKEEP__OVERRIDE__REASON__EMERGENCY ? "emergency" : "unknown";
}

static json_t *outcome_json(const Roomkeep__ReviewRow *row)
{
	static const char *const names[] = { "unknown", "justified", "not_justified", "unclear" };

	if (!row->has_outcome) return json_null();
	return json_string(names[row->outcome < COUNT_OF(names) ? row->outcome : 0]);
}

static const char *review_word(uint32_t kind)
{
	static const char *const words[] = { "unknown", "override", "family_charts", "after_hours",
					     "same_last_name" };

	return words[kind < COUNT_OF(words) ? kind : 0];
}

/* Every key in every row. */
static enum err put_review(struct verb *v, json_t *list, const Roomkeep__ReviewRow *row)
{
	json_t *object = json_object();
	const bool opened = row->kind == 1;
	struct id user_id;
	struct id override_id = { 0 };

	ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
	ENSURE(wire_id(row->user_id, &user_id) == ERR_OK && calendar_day_is_valid(row->day),
	       ERR_PROTO);
	if (opened) ENSURE(wire_id(row->override_id, &override_id) == ERR_OK, ERR_PROTO);
	TRY(json_put(object, "kind", json_string(review_word(row->kind))));
	TRY(record_put_day(object, "day", true, row->day));
	TRY(verb_put_login(v, object, "staff", &user_id));
	TRY(json_put_time(object, "at", row->at_ms));
	TRY(json_put(object, "reason",
		     opened ? json_string(reason_name(row->reason)) : json_null()));
	TRY(json_put(object, "told", opened ? json_boolean(row->told) : json_null()));
	TRY(json_put(object, "outcome", outcome_json(row)));
	TRY(json_put(object, "count", opened ? json_null() : json_integer((json_int_t)row->count)));
	return json_put_id(object, "override_id", opened ? &override_id : NULL);
}

enum err verb_list_reviews(struct verb *v)
{
	CLEANUP(arena_finip) struct arena arena;
	Roomkeep__Frame *frame = NULL;
	json_t *list = json_array();

	arena_init(&arena, FRAME_PARSE_BYTES_MAX);
	TRY(json_put(v->answer, "reviews", list));
	if (v->step == 0) return ask_reviews(v);
	if (v->reply_err == ERR_DENIED) {
		return fault_set(&v->fault, ERR_DENIED, NULL, "you may not review others");
	}
	if (v->reply_err != ERR_OK) return verb_fail_server(v);
	TRY(frame_decode(&arena, buf_view(&v->reply), &frame));
	ENSURE(frame->body_case == ROOMKEEP__FRAME__BODY_REVIEW_REPLY, ERR_PROTO);
	for (size_t i = 0; i < frame->review_reply->n_rows; i++) {
		TRY(put_review(v, list, frame->review_reply->rows[i]));
	}
	return json_put(v->answer, "left_out",
			json_integer((json_int_t)frame->review_reply->left_out));
}
