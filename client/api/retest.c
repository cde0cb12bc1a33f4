#include "client/api/retest.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "client/api/session_chart.h"
#include "client/api/show_proof.h"
#include "record/calendar.h"
#include "record/retest.h"

#include <stdlib.h>

#define RETEST_REACH_MS (2u * CALENDAR_HOUR_MS) /* how far an appointment may be from the start */

static uint64_t apart(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* `*ret_ms` 0: none. */
static enum err find_booked_end(struct verb *v, const struct session_state *s, uint64_t *ret_ms)
{
	CLEANUP(freep) struct local_appointment *rows = NULL;
	uint64_t nearest = RETEST_REACH_MS + 1;
	size_t count = 0;

	*ret_ms = 0;
	TRY(local_list_appointments(verb_local(v), verb_vault(v), s->started_ms - RETEST_REACH_MS,
				    s->started_ms + RETEST_REACH_MS, &rows, &count));
	for (size_t i = 0; i < count; i++) {
		const struct booking *b = &rows[i].booking;
		if (!rows[i].holds_time || !id_equal(&b->patient, &s->patient_id)) continue;
		if (apart(b->start_ms, s->started_ms) >= nearest) continue;
		nearest = apart(b->start_ms, s->started_ms);
		*ret_ms = b->end_ms;
	}
	return ERR_OK;
}

static enum err is_asleep(struct verb *v, const struct session_state *s, bool *ret)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const Roomkeep__SessionChart *chart = NULL;

	TRY(session_chart_get(v, &s->session_id, NULL, &fold, &chart));
	*ret = chart->has_asleep && chart->asleep;
	return ERR_OK;
}

static enum err put_row(json_t *list, const struct proof_row *pre)
{
	json_t *object = json_object();

	ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
	TRY(json_put_id(object, "measure_id", &pre->measure_id));
	return show_what(object, pre);
}

static enum err put_rows(json_t *object, const struct proof_session *p)
{
	json_t *mid = json_array();
	json_t *post = json_array();

	TRY(json_put(object, "mid", mid));
	TRY(json_put(object, "post", post));
	for (size_t i = 0; i < p->set_count; i++) {
		const struct proof_set *set = &p->sets[i];
		if (!proof_set_counts(set) || set->post != NULL) continue;
		TRY(put_row(post, set->pre));
		if (set->mid == NULL) TRY(put_row(mid, set->pre));
	}
	return ERR_OK;
}

static bool is_under_way(const struct session_state *s)
{
	return s->has_frame && s->sign == NULL && s->ended_ms == 0 &&
	       s->started_ms > RETEST_REACH_MS && s->started_ms < TIME_MS_END - RETEST_REACH_MS;
}

static bool has_assessment(const struct proof_session *p)
{
	for (size_t i = 0; i < p->set_count; i++)
		if (proof_set_counts(&p->sets[i])) return true;
	return false;
}

enum err retest_put(struct verb *v, const struct session_state *s, const struct proof_session *p)
{
	struct retest_times times;
	uint64_t end_ms = 0;
	bool asleep = false;

	if (is_under_way(s) && has_assessment(p)) TRY(find_booked_end(v, s, &end_ms));
	if (!retest_times_of(s->started_ms, end_ms, &times))
		return json_put(v->answer, "retest", json_null());
	TRY(is_asleep(v, s, &asleep));
	json_t *object = json_object();
	const char *due = retest_due_name(retest_due_at(&times, v->now_ms, asleep));
	TRY(json_put(v->answer, "retest", object));
	TRY(json_put_time(object, "mid_from", times.mid_from_ms));
	TRY(json_put_time(object, "mid_until", times.mid_until_ms));
	TRY(json_put_time(object, "post_at", times.post_ms));
	TRY(json_put(object, "due", due != NULL ? json_string(due) : json_null()));
	return put_rows(object, p);
}
