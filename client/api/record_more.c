#include "client/api/record_more.h"

#include "base/check.h"
#include "record/calendar.h"
#include "record/referral_record.h"

#include <time.h>

int64_t record_today(const struct verb *v)
{
	const time_t now = (time_t)(v->now_ms / 1000u);
	struct tm tm = { 0 };

	if (localtime_r(&now, &tm) == NULL) tm.tm_gmtoff = 0;
	return calendar_day_of(v->now_ms, (int32_t)(tm.tm_gmtoff / 60));
}

enum err record_put_day(json_t *object, const char *key, bool is_known, int64_t day)
{
	CLEANUP(buf_finip) struct buf text = { 0 };
	const char *cstr = NULL;

	if (!is_known) return json_put(object, key, json_null());
	TRY(calendar_print(day, &text));
	TRY(buf_cstr(&text, &cstr));
	return json_put(object, key, json_string(cstr));
}

/* Words, or null when there are none. */
static enum err put_words(json_t *object, const char *key, struct buf *words)
{
	const char *text = NULL;

	if (words->len == 0) return json_put(object, key, json_null());
	TRY(buf_cstr(words, &text));
	return json_put(object, key, json_string(text));
}

/* ---- referrals (DOMAIN 4.9) ---------------------------------------------------------------- */

static enum err put_referral(struct verb *v, const ProtobufCMessage *message, json_t *object,
			     bool *ret_overdue)
{
	CLEANUP(buf_finip) struct buf words = { 0 };
	const Roomkeep__Referral *m = (const Roomkeep__Referral *)(const void *)message;
	struct referral r = { .state = referral_record_state(m) };
	struct referral_due due = { .timer = REFERRAL_TIMER_NONE };

	if (referral_record_read(m, &r)) due = referral_due_at(&r, record_today(v));
	const bool waits = due.timer != REFERRAL_TIMER_NONE;
	*ret_overdue = waits && due.days_late > 0;
	TRY(referral_due_print(&due, &words));
	TRY(json_put(object, "state", json_string(referral_state_name(r.state))));
	TRY(put_words(object, "waiting", &words));
	TRY(record_put_day(object, "due_on", waits, due.due));
	TRY(json_put(object, "overdue", json_boolean(*ret_overdue)));
	/* The first day that is too late. */
	return record_put_day(object, "overdue_since", *ret_overdue, due.due + 1);
}

enum err record_put_more(struct verb *v, const struct record_state *s, json_t *object,
			 bool *ret_overdue)
{
	const struct kind_info *info = v->row->kind;

	*ret_overdue = false;
	if (info->kind == KIND_REFERRAL) return put_referral(v, s->message, object, ret_overdue);
	return ERR_OK;
}
