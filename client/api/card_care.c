/* card_care: the parts of the welcome card that weigh several records: what to take care of, what
 * may be touched, how the patient left and came. */
#include "client/api/card.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "client/api/care.h"
#include "client/api/misfiled.h"
#include "record/care.h"
#include "record/field_words.h"
#include "record/mood.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALLERGY_PREFIX "allergy_"

static enum err new_row(json_t *list, json_t **ret)
{
	*ret = json_object();
	return json_array_append_new(list, *ret) == 0 ? ERR_OK : ERR_NOMEM;
}

/* ---- what to take care of ------------------------------------------------------------------ */

static enum err put_alert(json_t *list, const char *kind, const char *text, const char *since)
{
	json_t *object = NULL;

	TRY(new_row(list, &object));
	TRY(json_put(object, "kind", json_string(kind)));
	TRY(json_put(object, "text", json_string(text)));
	return json_put(object, "since", since != NULL ? json_string(since) : json_null());
}

static enum err put_standing(struct verb *v, const struct id *patient_id, int64_t today,
			     json_t *list)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	char kind[FIELD_WORD_BYTES];
	size_t count = 0;

	TRY(local_list_records(verb_local(v), verb_vault(v), KIND_ALERT, patient_id, &fold,
			       &records, &count));
	for (size_t i = 0; i < count; i++) {
		const Roomkeep__Alert *m =
			(const Roomkeep__Alert *)(const void *)records[i].message;
		int64_t ended = 0;
		if (m->kind != ROOMKEEP__ALERT__KIND__ALLERGY &&
		    m->kind != ROOMKEEP__ALERT__KIND__CONTRAINDICATION_ABSOLUTE) {
			continue;
		}
		if (m->text == NULL || (care_day(m->ended, &ended) && ended < today)) continue;
		if (!enum_word(&roomkeep__alert__kind__descriptor, (int)m->kind, kind)) continue;
		TRY(put_alert(list, kind, m->text, m->started));
	}
	return ERR_OK;
}

static const Roomkeep__HealthAnswer *answer_of(const struct record_state *s)
{
	return (const Roomkeep__HealthAnswer *)(const void *)s->message;
}

/* The newest answer to a question is today's; of two on one day the one written last. */
static bool is_newest_answer(const struct record_state *records, size_t count, size_t index)
{
	const Roomkeep__HealthAnswer *m = answer_of(&records[index]);

	for (size_t i = 0; i < count; i++) {
		const Roomkeep__HealthAnswer *other = answer_of(&records[i]);
		if (i == index || other->question != m->question) continue;
		const int order = strcmp(other->asked_on, m->asked_on);
		if (order > 0 || (order == 0 && i > index)) return false;
	}
	return true;
}

static enum err put_allergy(json_t *list, const Roomkeep__HealthAnswer *m, const char *word)
{
	CLEANUP(buf_finip) struct buf text = { 0 };
	const char *out = NULL;

	TRY(buf_reserve(&text, 2u * FIELD_WORD_BYTES + TEXT_BYTES_MAX)); /* growing leaves copies */
	TRY(buf_append_str(&text, word));
	if (m->answer == ROOMKEEP__HEALTH_ANSWER__ANSWER__UNSURE)
		TRY(buf_append_str(&text, " (not sure)"));
	if (m->detail != NULL) TRY(buf_append_fmt(&text, ": %s", m->detail));
	TRY(buf_cstr(&text, &out));
	const enum err e = put_alert(list, "allergy", out, m->asked_on);
	buf_wipe(&text);
	return e;
}

static enum err put_allergies(struct verb *v, const struct id *patient_id, json_t *list)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	CLEANUP(freep) struct record_state *stand = NULL;
	const struct record_state *records = NULL;
	const size_t prefix = strlen(ALLERGY_PREFIX);
	char word[FIELD_WORD_BYTES];
	size_t count = 0;

	TRY(local_list_records(verb_local(v), verb_vault(v), KIND_HEALTH_ANSWER, patient_id, &fold,
			       &records, &count));
	TRY(misfiled_drop(v, KIND_HEALTH_ANSWER, records, &count, &stand));
	records = stand;
	for (size_t i = 0; i < count; i++) {
		const Roomkeep__HealthAnswer *m = answer_of(&records[i]);
		if (m->answer == ROOMKEEP__HEALTH_ANSWER__ANSWER__NO) continue;
		if (!enum_word(&roomkeep__health_answer__question__descriptor, (int)m->question,
			       word) ||
		    strncmp(word, ALLERGY_PREFIX, prefix) != 0) {
			continue;
		}
		if (is_newest_answer(records, count, i)) TRY(put_allergy(list, m, word + prefix));
	}
	return ERR_OK;
}

enum err card_put_alerts(struct verb *v, const struct id *patient_id, int64_t today)
{
	json_t *list = json_array();

	TRY(json_put(v->answer, "take_care", list));
	TRY(put_standing(v, patient_id, today, list));
	return put_allergies(v, patient_id, list);
}

/* ---- consents ------------------------------------------------------------------------------ */

#define AREAS_MAX 32u

static uint64_t answered_ms(const struct record_state *s)
{
	const Roomkeep__Consent *m = (const Roomkeep__Consent *)(const void *)s->message;

	return m->has_answered_ms ? m->answered_ms : s->first->client_time_ms;
}

/* NULL: a yes of today, nothing to be said. */
static const char *consent_words(const struct record_state *s, int64_t today)
{
	const Roomkeep__Consent *m = (const Roomkeep__Consent *)(const void *)s->message;

	switch ((int)care_consent_answer(m)) {
	case ROOMKEEP__CONSENT__ANSWER__NO: return "refused";
	case ROOMKEEP__CONSENT__ANSWER__WITHDRAWN: return "withdrawn";
	default: return care_local_day(answered_ms(s)) == today ? NULL : "ask_again";
	}
}

static enum err put_consent(struct verb *v, json_t *list, const struct record_state *s,
			    int64_t today)
{
	const Roomkeep__Consent *m = (const Roomkeep__Consent *)(const void *)s->message;
	const char *words = consent_words(s, today);
	char area[FIELD_WORD_BYTES];
	json_t *object = NULL;

	if (words == NULL || !enum_word(&roomkeep__consent__area__descriptor, (int)m->area, area)) {
		return ERR_OK;
	}
	TRY(new_row(list, &object));
	TRY(json_put(object, "area", json_string(area)));
	TRY(json_put(object, "state", json_string(words)));
	TRY(json_put_time(object, "at", m->has_withdrawn_ms ? m->withdrawn_ms : answered_ms(s)));
	return verb_put_login(v, object, "by", &s->newest->author_id);
}

/* Consent is for a visit: what was given before is open again, and what was refused is known. */
enum err card_put_consents(struct verb *v, const struct id *patient_id, int64_t today)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *newest[AREAS_MAX] = { NULL };
	CLEANUP(freep) struct record_state *stand = NULL;
	const struct record_state *records = NULL;
	json_t *list = json_array();
	size_t count = 0;

	TRY(json_put(v->answer, "consent", list));
	TRY(local_list_records(verb_local(v), verb_vault(v), KIND_CONSENT, patient_id, &fold,
			       &records, &count));
	TRY(misfiled_drop(v, KIND_CONSENT, records, &count, &stand));
	records = stand;
	for (size_t i = 0; i < count; i++) {
		const Roomkeep__Consent *m =
			(const Roomkeep__Consent *)(const void *)records[i].message;
		if (!m->has_area || (unsigned)m->area >= AREAS_MAX) continue;
		const struct record_state **place = &newest[m->area];
		if (*place == NULL || answered_ms(*place) <= answered_ms(&records[i]))
			*place = &records[i];
	}
	for (size_t i = 0; i < AREAS_MAX; i++) {
		if (newest[i] != NULL) TRY(put_consent(v, list, newest[i], today));
	}
	return ERR_OK;
}

/* ---- moods --------------------------------------------------------------------------------- */

struct moods {
	struct mood_visit *visits; /* owned; oldest first */
	struct id *sessions;       /* owned; of each visit, zeros: none */
	int64_t *days;             /* owned */
	size_t count;
	const struct record_state *last_departure;
	unsigned lifted; /* bits of mood.h, of the newest read that says */
};

static void moods_finip(struct moods *m)
{
	free(m->visits);
	free(m->sessions);
	free(m->days);
}

static const Roomkeep__MoodRead *read_of(const struct record_state *s)
{
	return (const Roomkeep__MoodRead *)(const void *)s->message;
}

/* By session, or by day where none is told. */
static size_t visit_of(struct moods *m, const struct record_state *s)
{
	const Roomkeep__MoodRead *r = read_of(s);
	const int64_t day = care_local_day(s->first->client_time_ms);
	struct id session = { 0 };

	if (r->has_session_id) {
		err_ignore(id_from_view(view_of(r->session_id.data, r->session_id.len), &session));
	}
	for (size_t i = 0; i < m->count; i++) {
		if (id_is_zero(&session) ? m->days[i] == day : id_equal(&m->sessions[i], &session))
			return i;
	}
	m->sessions[m->count] = session;
	m->days[m->count] = day;
	return m->count++;
}

static void moods_add(struct moods *m, const struct record_state *s)
{
	const Roomkeep__MoodRead *r = read_of(s);
	struct mood_visit *visit = &m->visits[visit_of(m, s)];
	const bool leaves = r->when == ROOMKEEP__MOOD_READ__WHEN__DEPARTURE;
	struct mood_read *read = leaves ? &visit->departure : &visit->arrival;

	if (r->has_spirits) read->spirits = (uint8_t)r->spirits;
	if (r->has_energy) read->energy = (uint8_t)r->energy;
	if (leaves) m->last_departure = s;
	if (r->n_lifted > 0) m->lifted = 0;
	for (size_t i = 0; i < r->n_lifted; i++) {
		const unsigned lift = (unsigned)r->lifted[i] - 1;
		if (lift < MOOD_LIFT_COUNT) m->lifted |= 1u << lift;
	}
}

static enum err put_mood_word(json_t *object, const char *key, enum mood_scale scale, bool is_read,
			      unsigned step)
{
	const char *words = is_read ? mood_words(scale, step) : NULL;

	return json_put(object, key, words != NULL ? json_string(words) : json_null());
}

static enum err put_last_mood(struct verb *v, const struct record_state *s)
{
	json_t *object = json_object();

	TRY(json_put(v->answer, "last_mood", object));
	if (s == NULL) return json_put(v->answer, "last_mood", json_null());
	const Roomkeep__MoodRead *r = read_of(s);
	const char *source = mood_source_words((enum mood_source)r->source);
	TRY(put_mood_word(object, "spirits", MOOD_SPIRITS, r->has_spirits, (unsigned)r->spirits));
	TRY(put_mood_word(object, "energy", MOOD_ENERGY, r->has_energy, (unsigned)r->energy));
	TRY(json_put(object, "source", source != NULL ? json_string(source) : json_null()));
	TRY(json_put_time(object, "at", s->first->client_time_ms));
	return verb_put_login(v, object, "by", &s->first->author_id);
}

/* The flags are about visits that are over, the prompts about the arrival of today. */
static enum err put_mood_advice(struct verb *v, const struct moods *m, int64_t today)
{
	const char *prompts[MOOD_PROMPTS_MAX];
	const struct mood_visit *last = m->count > 0 ? &m->visits[m->count - 1] : NULL;
	const bool is_here = last != NULL && m->days[m->count - 1] == today;
	const bool is_over = is_here && (last->departure.spirits | last->departure.energy) != 0;
	const char *flag = mood_flag_words(
		mood_flags(m->visits, is_here && !is_over ? m->count - 1 : m->count));
	json_t *list = json_array();

	TRY(json_put(v->answer, "mood_prompts", list));
	TRY(json_put(v->answer, "mood_flag", flag != NULL ? json_string(flag) : json_null()));
	const size_t count = is_here ? mood_prompts(&last->arrival, m->lifted, prompts) : 0;
	for (size_t i = 0; i < count; i++)
		ENSURE(json_array_append_new(list, json_string(prompts[i])) == 0, ERR_NOMEM);
	return ERR_OK;
}

enum err card_put_moods(struct verb *v, const struct id *patient_id, int64_t today)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	CLEANUP(moods_finip) struct moods m = { 0 };
	CLEANUP(freep) struct record_state *stand = NULL;
	const struct record_state *records = NULL;
	size_t count = 0;

	TRY(local_list_records(verb_local(v), verb_vault(v), KIND_MOOD_READ, patient_id, &fold,
			       &records, &count));
	TRY(misfiled_drop(v, KIND_MOOD_READ, records, &count, &stand));
	records = stand;
	m.visits = calloc(count + 1, sizeof(*m.visits));
	m.sessions = calloc(count + 1, sizeof(*m.sessions));
	m.days = calloc(count + 1, sizeof(*m.days));
	ENSURE(m.visits != NULL && m.sessions != NULL && m.days != NULL, ERR_NOMEM);
	for (size_t i = 0; i < count; i++) moods_add(&m, &records[i]);
	TRY(put_last_mood(v, m.last_departure));
	return put_mood_advice(v, &m, today);
}
