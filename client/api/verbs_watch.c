/* verbs_watch: who stays away, asked of the server, which holds what this room does not; the words
 * are made here (record/watch.h). */
#include "client/api/verbs.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "record/calendar.h"
#include "record/watch.h"
#include "wire/frame.h"
#include "wire/op.h"

#include <time.h>

#define WATCH_MS 30000u /* a large clinic on a slow disk */

/* How far this room's clock is from UTC, now. */
static int32_t offset_minutes(uint64_t now_ms)
{
	const time_t seconds = (time_t)(now_ms / 1000u);
	struct tm tm;

	if (localtime_r(&seconds, &tm) == NULL) return 0;
	return (int32_t)(tm.tm_gmtoff / 60);
}

static enum err ask_watch(struct verb *v)
{
	Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;
	Roomkeep__WatchGet get = ROOMKEEP__WATCH_GET__INIT;

	get.has_offset_minutes = 1;
	get.offset_minutes = offset_minutes(v->now_ms);
	frame.body_case = ROOMKEEP__FRAME__BODY_WATCH_GET;
	frame.watch_get = &get;
	return verb_ask(v, &frame, SYNC_NEEDS_PERSON, WATCH_MS);
}

/* ---- the answer ---------------------------------------------------------------------------- */

/* A code that this build does not know has no words: a newer server's. */
static bool reason_read(const Roomkeep__WatchReason *from, struct watch_reason *ret)
{
	if (from->code >= WATCH_CODE_COUNT) return false;
	*ret = (struct watch_reason){ (enum watch_code)from->code, from->a, from->b };
	return true;
}

static enum err put_reason(json_t *list, const struct watch_reason *reason, struct buf *why)
{
	CLEANUP(buf_finip) struct buf text = { 0 };
	json_t *object = json_object();

	ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
	TRY(watch_reason_print(reason, &text));
	TRY(json_put(object, "code", json_string(watch_code_name(reason->code))));
	TRY(json_put(object, "a", json_integer(reason->a)));
	TRY(json_put(object, "b", json_integer(reason->b)));
	TRY(json_put_text(object, "text", buf_view(&text)));
	if (why->len > 0) TRY(buf_append_str(why, "; "));
	return buf_append(why, buf_view(&text));
}

static enum err put_reasons(json_t *object, const Roomkeep__WatchRow *row)
{
	CLEANUP(buf_finip) struct buf why = { 0 };
	json_t *list = json_array();

	TRY(json_put(object, "reasons", list));
	for (size_t i = 0; i < row->n_reasons; i++) {
		struct watch_reason reason;
		if (reason_read(row->reasons[i], &reason)) TRY(put_reason(list, &reason, &why));
	}
	return json_put_text(object, "text", buf_view(&why));
}

static enum err put_name(struct verb *v, json_t *object, const struct id *patient_id)
{
	struct local_patient p;
	const enum err e = local_get_patient(verb_local(v), verb_vault(v), patient_id, &p);

	if (e == ERR_NOT_FOUND) return json_put(object, "name", json_null());
	TRY(e);
	return json_put(object, "name", json_string(p.name));
}

static enum err put_last_visit(json_t *object, int32_t day)
{
	CLEANUP(buf_finip) struct buf text = { 0 };

	ENSURE(calendar_day_is_valid(day), ERR_PROTO);
	TRY(calendar_print(day, &text));
	return json_put_text(object, "last_visit", buf_view(&text));
}

static enum err put_row(struct verb *v, json_t *list, const Roomkeep__WatchRow *row)
{
	json_t *object = json_object();
	struct id patient_id;
	struct id therapist_id;

	ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
	ENSURE(wire_id(row->patient_id, &patient_id) == ERR_OK &&
		       wire_id(row->therapist_id, &therapist_id) == ERR_OK &&
		       row->step >= WATCH_COOLING && row->step <= WATCH_LAPSED,
	       ERR_PROTO);
	TRY(json_put_id(object, "patient_id", &patient_id));
	TRY(put_name(v, object, &patient_id));
	TRY(json_put(object, "step", json_string(watch_step_name((enum watch_step)row->step))));
	TRY(put_last_visit(object, row->last_day));
	TRY(verb_put_login(v, object, "therapist", &therapist_id));
	TRY(json_put(object, "may_touch", json_boolean(row->may_touch)));
	return put_reasons(object, row);
}

enum err verb_list_watch(struct verb *v)
{
	CLEANUP(arena_finip) struct arena arena;
	Roomkeep__Frame *frame = NULL;
	json_t *list = json_array();

	arena_init(&arena, FRAME_PARSE_BYTES_MAX);
	TRY(json_put(v->answer, "patients", list));
	if (v->step == 0) return ask_watch(v);
	if (v->reply_err == ERR_DENIED) {
		return fault_set(&v->fault, ERR_DENIED, NULL, "you may not read who stays away");
	}
	if (v->reply_err != ERR_OK) return verb_fail_server(v);
	TRY(frame_decode(&arena, buf_view(&v->reply), &frame));
	ENSURE(frame->body_case == ROOMKEEP__FRAME__BODY_WATCH_REPLY, ERR_PROTO);
	for (size_t i = 0; i < frame->watch_reply->n_rows; i++) {
		TRY(put_row(v, list, frame->watch_reply->rows[i]));
	}
	return json_put(v->answer, "left_out",
			json_integer((json_int_t)frame->watch_reply->left_out));
}
