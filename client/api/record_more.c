#include "client/api/record_more.h"

#include "base/check.h"
#include "client/api/house.h"
#include "client/api/record_json.h"
#include "client/api/withheld.h"
#include "record/duty_record.h"
#include "record/guard_record.h"
#include "record/lockbox.h"
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

/* ---- requests with a clock (3f) ------------------------------------------------------------ */

/* Days on which the law's clock stands: weekends, also where the clinic works on them, and the days
 * on which it says it is closed. Borrows from `h`. */
static struct calendar open_days(const struct house *h)
{
	struct calendar c = h->calendar;

	c.closed_weekdays = WEEKDAY_BITS_WEEKEND;
	return c;
}

static const char *light_name(enum law_light light)
{
	switch (light) {
	case LAW_GREEN: return "green";
	case LAW_AMBER: return "amber";
	case LAW_RED: return "red";
	case LAW_OVERDUE: break;
	}
	return "overdue";
}

/* "the answer is due in 12 open days", "the answer is 3 days overdue". */
static enum err print_left(const struct law_clock *clock, int64_t today,
			   const struct calendar *open, struct buf *out)
{
	const bool late = today > clock->due;
	const long long days = late               ? today - clock->due
			       : clock->open_days ? calendar_count_open(open, today, clock->due)
						  : clock->due - today;
	const char *unit = days == 1 ? "day" : "days";
	const char *which = clock->open_days ? "open " : "";

	if (late) return buf_append_fmt(out, "the answer is %lld %s overdue", days, unit);
	return buf_append_fmt(out, "the answer is due in %lld %s%s", days, which, unit);
}

static enum err put_clock(struct verb *v, const struct law_clock *clock,
			  const struct calendar *open, json_t *object)
{
	CLEANUP(buf_finip) struct buf words = { 0 };
	const int64_t today = record_today(v);

	TRY(print_left(clock, today, open, &words));
	TRY(put_words(object, "waiting", &words));
	TRY(json_put(object, "light",
		     json_string(light_name(law_request_light(clock, today, open)))));
	TRY(json_put(object, "rule", json_string(clock->rule)));
	return json_put(object, "rule_is_verified", json_boolean(!clock->own_knowledge));
}

static enum err put_request(struct verb *v, const struct record_state *s, json_t *object,
			    bool *ret_overdue)
{
	CLEANUP(house_finip) struct house h = { 0 };
	const Roomkeep__Request *m = (const Roomkeep__Request *)(const void *)s->message;
	struct law_clock clock;
	unsigned bits = 0;

	TRY(house_load(v, &h));
	const struct calendar open = open_days(&h);
	TRY(local_jurisdictions(verb_local(v), verb_vault(v), &s->patient_id, &bits));
	const enum err e = duty_request_clock(m, bits, &open, &clock);
	const bool runs = e == ERR_OK && m->sent_on == NULL;
	ENSURE(e == ERR_OK || e == ERR_NOT_FOUND, e);
	*ret_overdue = runs && record_today(v) > clock.due;
	TRY(record_put_day(object, "due_on", e == ERR_OK, e == ERR_OK ? clock.due : 0));
	TRY(json_put(object, "overdue", json_boolean(*ret_overdue)));
	if (runs) return put_clock(v, &clock, &open, object);
	TRY(json_put(object, "waiting", json_null())); /* answered: the clock stands */
	TRY(json_put(object, "light", json_null()));
	TRY(json_put(object, "rule", json_null()));
	return json_put(object, "rule_is_verified", json_null());
}

/* ---- incidents (CA1, CA2, ON9) ------------------------------------------------------------- */

static const char *incident_waits(const Roomkeep__Incident *m, const struct duty_incident *i)
{
	if (i->notice.person && m->told_on == NULL) return "the people are not told";
	if (i->notice.commissioner && m->commissioner_told_on == NULL)
		return "the authority is not told";
	return NULL;
}

static enum err put_incident(struct verb *v, const struct record_state *s, json_t *object,
			     bool *ret_overdue)
{
	const Roomkeep__Incident *m = (const Roomkeep__Incident *)(const void *)s->message;
	const struct law_row *keep = law_find(LAW_DEFAULT, LAW_INCIDENT_KEEP);
	const int64_t recorded = calendar_day_of(s->first->client_time_ms, 0);
	struct duty_incident i = { .encryption = "encrypted: not said" };
	int64_t until = 0;
	int64_t found = 0;

	const enum err e = duty_incident_read(m, &i);
	ENSURE(e == ERR_OK || e == ERR_NOT_FOUND, e);
	TRY(law_add(keep, recorded, NULL, &until));
	const char *waits = incident_waits(m, &i);
	*ret_overdue = waits != NULL && duty_day(m->found_on, &found) && record_today(v) > found;
	TRY(json_put(object, "real_risk", json_boolean(i.real_risk)));
	TRY(json_put(object, "tell_people", json_boolean(i.notice.person)));
	TRY(json_put(object, "tell_authority", json_boolean(i.notice.commissioner)));
	TRY(json_put(object, "encryption", json_string(i.encryption)));
	TRY(json_put(object, "waiting", waits == NULL ? json_null() : json_string(waits)));
	TRY(json_put(object, "overdue", json_boolean(*ret_overdue)));
	return record_put_day(object, "kept_until", true, until);
}

/* ---- sharing grants (4.8) ------------------------------------------------------------------ */

/* When the giver comes of age by the law that says it last. */
static enum err majority_of(struct verb *v, const struct id *patient_id, bool *ret_has,
			    int64_t *ret_day)
{
	struct local_patient p;
	unsigned bits = 0;
	int64_t born = 0;
	int64_t last = 0;

	*ret_has = local_get_patient(verb_local(v), verb_vault(v), patient_id, &p) == ERR_OK &&
		   duty_day(p.born, &born);
	TRY(local_jurisdictions(verb_local(v), verb_vault(v), patient_id, &bits));
	for (int j = 0; j < LAW_JURISDICTION_COUNT && *ret_has; j++) {
		const struct law_row *row = law_find((enum law_jurisdiction)j, LAW_MAJORITY);
		int64_t day = 0;
		if ((bits & LAW_BIT(j)) == 0 || row == NULL) continue;
		TRY(law_add(row, born, NULL, &day));
		if (day > last) last = day;
	}
	*ret_day = last;
	return ERR_OK;
}

static enum err put_grant(struct verb *v, const struct record_state *s, json_t *object)
{
	const void *any = s->message;
	struct guard_grant g;
	bool has_majority = false;
	int64_t majority = 0;

	TRY(majority_of(v, &s->patient_id, &has_majority, &majority));
	guard_grant_read(any, has_majority, majority, &g);
	const char *state = guard_grant_state_name(guard_grant_state_at(&g, record_today(v)));
	return json_put(object, "grant_state", json_string(state));
}

/* ---- the lock-box (ON7, ON8) --------------------------------------------------------------- */

static enum err put_directive(struct verb *v, const struct record_state *s, json_t *object)
{
	const char *state = NULL;

	TRY(withheld_directive_state(v, s, &state));
	return json_put(object, "directive_state", json_string(state));
}

/* The notice to the patient is a task until it is given; the day after it is late. */
static enum err put_override(struct verb *v, const struct record_state *s, json_t *object,
			     bool *ret_overdue)
{
	const void *any = s->message;
	const Roomkeep__Override *m = any;
	const bool waits = m->told_on == NULL;
	const int64_t made = calendar_day_of(s->first->client_time_ms, 0);

	*ret_overdue = waits && record_today(v) > made;
	TRY(json_put_time(object, "open_until", s->first->client_time_ms + LOCKBOX_OPEN_MS));
	TRY(json_put(object, "waiting",
		     waits ? json_string("the patient is not told") : json_null()));
	return json_put(object, "overdue", json_boolean(*ret_overdue));
}

/* ---- statements of disagreement (ON6, US10) ------------------------------------------------ */

static bool names(ProtobufCBinaryData bytes, const struct id *id)
{
	struct id named = { 0 };

	return id_from_view(view_of(bytes.data, bytes.len), &named) == ERR_OK &&
	       id_equal(&named, id);
}

enum err record_put_statements(struct verb *v, const struct id *patient_id, const struct id *of,
			       json_t *object)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	json_t *list = json_array();
	size_t count = 0;

	TRY(json_put(object, "statements", list));
	TRY(local_list_records(verb_local(v), verb_vault(v), KIND_STATEMENT, patient_id, &fold,
			       &records, &count));
	for (size_t i = 0; i < count; i++) {
		const void *any = records[i].message;
		const Roomkeep__Statement *m = any;
		if (!names(m->session_id, of) && !names(m->request_id, of)) continue;
		json_t *one = json_object();
		ENSURE(json_array_append_new(list, one) == 0, ERR_NOMEM);
		TRY(json_put_id(one, "statement_id", &records[i].record_id));
		TRY(json_put(one, "text", json_string(m->text)));
		TRY(json_put(one, "written_on", json_string(m->written_on)));
		TRY(verb_put_login(v, one, "by", &records[i].first->author_id));
	}
	return ERR_OK;
}

enum err record_put_more(struct verb *v, const struct kind_info *info, const struct record_state *s,
			 json_t *object, bool *ret_overdue)
{
	*ret_overdue = false;
	if (info->kind == KIND_REFERRAL) return put_referral(v, s->message, object, ret_overdue);
	if (info->kind == KIND_REQUEST) return put_request(v, s, object, ret_overdue);
	if (info->kind == KIND_SHARING_GRANT) return put_grant(v, s, object);
	if (info->kind == KIND_DIRECTIVE) return put_directive(v, s, object);
	if (info->kind == KIND_OVERRIDE) return put_override(v, s, object, ret_overdue);
	if (info->kind == KIND_INCIDENT) return put_incident(v, s, object, ret_overdue);
	return ERR_OK;
}

/* ---- who said it, and when ----------------------------------------------------------------- */

enum err record_put_people(struct verb *v, json_t *object, const struct record_state *s)
{
	TRY(verb_put_login(v, object, "added_by", &s->first->author_id));
	TRY(json_put_time(object, "added_at", s->first->client_time_ms));
	TRY(verb_put_login(v, object, "changed_by", &s->newest->author_id));
	return json_put_time(object, "changed_at", s->newest->client_time_ms);
}

enum err record_put_history(struct verb *v, const struct kind_info *info,
			    const struct record_state *s, json_t *object)
{
	json_t *list = json_array();

	TRY(json_put(object, "history", list));
	for (size_t i = 0; i < s->change_count; i++) {
		const struct record_change *c = &s->changes[i];
		json_t *one = json_object();
		json_t *said = json_object();
		ENSURE(json_array_append_new(list, one) == 0, ERR_NOMEM);
		TRY(json_put(one, "said", said));
		TRY(record_change_to_json(said, info, c->message));
		TRY(json_put(one, "late", json_boolean(c->late)));
		TRY(verb_put_login(v, one, "by", &c->meta.author_id));
		TRY(verb_put_room(v, one, "room", &c->meta.room_id));
		TRY(json_put_time(one, "at", c->meta.client_time_ms));
		TRY(json_put_id(one, "op_id", &c->meta.op_id));
	}
	return ERR_OK;
}
