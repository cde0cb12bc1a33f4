/* verbs_session_set: everything that `set session` changes, in one call and all or nothing: the
 * texts, when it began and ended, the single values, and what is confirmed of the last session. */
#include "client/api/chart_guard.h"
#include "client/api/hints.h"
#include "client/api/record_json.h"
#include "client/api/referral_offer.h"
#include "client/api/session_calls.h"
#include "client/api/session_chart.h"
#include "client/api/verbs.h"

#include "base/check.h"
#include "base/limits.h"
#include "record/reflect.h"
#include "wire/op.h"

#include <string.h>

#define SET_ARENA_BYTES (8u * OP_BYTES_MAX)
#define HINT_KEYS_MAX 64u

/* One call. */
struct setting {
	struct verb *v;
	struct session_fold fold;
	struct session_state s; /* before anything is changed */
	struct arena arena;
	unsigned changed;
};

static void setting_finip(struct setting *c)
{
	session_fold_fini(&c->fold);
	arena_fini(&c->arena);
}

/* ---- texts --------------------------------------------------------------------------------- */

static enum err set_texts(struct setting *c)
{
	struct verb *v = c->v;
	struct record_error error = { .err = ERR_OK };
	struct id op_id;

	for (int field = 1; field <= (int)FOLD_TEXT_FIELDS; field++) {
		const char *name = fold_field_name((Roomkeep__TextField)field);
		if (!verb_has(v, name)) continue;
		const json_t *value = json_object_get(v->request, name);
		if (!json_is_string(value)) {
			return fault_set(&v->fault, ERR_USAGE, "usage", "%s is no text", name);
		}
		const struct view text =
			view_of(json_string_value(value), json_string_length(value));
		const enum err e = local_set_text(verb_local(v), verb_vault(v), &c->s.session_id,
						  (Roomkeep__TextField)field, text, v->now_ms,
						  &op_id, &error);
		if (e != ERR_OK) return session_fail(v, e, &error);
		c->changed++;
	}
	return ERR_OK;
}

/* ---- when it began and ended --------------------------------------------------------------- */

static enum err read_time(struct setting *c, const char *key, uint64_t *ret_ms)
{
	const char *text = json_text_of(c->v->request, key);

	if (text == NULL || json_time_parse(text, ret_ms) != ERR_OK) {
		return fault_set(&c->v->fault, ERR_BAD_VALUE, NULL,
				 "%s: a time as RFC 3339, such as 2026-11-24T10:41:00Z", key);
	}
	return ERR_OK;
}

static enum err read_frame(struct setting *c, Roomkeep__SessionFrame *m)
{
	struct verb *v = c->v;
	uint64_t ended_ms = v->now_ms;
	uint64_t started_ms = c->s.started_ms;

	m->has_started_ms = verb_has(v, "started_at");
	if (m->has_started_ms) TRY(read_time(c, "started_at", &started_ms));
	m->has_ended_ms = verb_has(v, "ended_at") ||
			  json_is_true(json_object_get(v->request, "ends_now"));
	if (verb_has(v, "ended_at")) TRY(read_time(c, "ended_at", &ended_ms));
	m->started_ms = started_ms;
	m->ended_ms = ended_ms;
	const uint64_t over_ms = m->has_ended_ms ? ended_ms : c->s.ended_ms;
	if (over_ms == 0 || over_ms >= started_ms) return ERR_OK;
	return fault_set(&v->fault, ERR_BAD_VALUE, NULL, "%s: a time after the session began",
			 m->has_ended_ms ? "ended_at" : "started_at");
}

static enum err set_frame(struct setting *c)
{
	Roomkeep__SessionFrame m = ROOMKEEP__SESSION_FRAME__INIT;
	struct record_error error = { .err = ERR_OK };
	struct id op_id;

	TRY(read_frame(c, &m));
	if (!m.has_started_ms && !m.has_ended_ms) return ERR_OK;
	m.has_session_id = m.has_patient_id = 1;
	m.session_id = wire_id_bytes(&c->s.session_id);
	m.patient_id = wire_id_bytes(&c->s.patient_id);
	const enum err e = local_append(verb_local(c->v), verb_vault(c->v), KIND_SESSION_FRAME,
					&m.base, c->v->now_ms, &op_id, &error);
	if (e != ERR_OK) return session_fail(c->v, e, &error);
	c->changed += (m.has_started_ms ? 1u : 0u) + (m.has_ended_ms ? 1u : 0u);
	return ERR_OK;
}

/* ---- what is confirmed of the last session ------------------------------------------------- */

struct carrying {
	struct record_fold last_fold;
	struct record_fold now_fold;
	const Roomkeep__SessionChart *last;
	const Roomkeep__SessionChart *now;
	struct id before; /* zeros: this is the first session */
};

static void carrying_finip(struct carrying *k)
{
	record_fold_fini(&k->last_fold);
	record_fold_fini(&k->now_fold);
}

static enum err carry_load(struct setting *c, struct carrying *k)
{
	TRY(session_before(c->v, &c->s, &k->before));
	TRY(session_chart_get(c->v, &c->s.session_id, NULL, &k->now_fold, &k->now));
	k->last = k->now; /* offers nothing */
	if (id_is_zero(&k->before)) return ERR_OK;
	return session_chart_get(c->v, &k->before, NULL, &k->last_fold, &k->last);
}

/* A value that the same call sets is the newer word. */
static bool carry_field(const struct carrying *k, const char *field, ProtobufCMessage *m)
{
	const ProtobufCFieldDescriptor *f = reflect_field(m->descriptor, field);

	if (!session_is_proposed(k->last, k->now, field) || reflect_is_set(m, f)) return false;
	reflect_copy(m, &k->last->base, f);
	return true;
}

static enum err carry_treatment(struct setting *c, const ProtobufCMessage *from)
{
	struct record_error error = { .err = ERR_OK };
	const struct id record_id = local_new_id(verb_local(c->v), c->v->now_ms);
	const void *any = from;
	struct id op_id;

	Roomkeep__Treatment m = *(const Roomkeep__Treatment *)any;
	m.treatment_id = wire_id_bytes(&record_id);
	m.session_id = wire_id_bytes(&c->s.session_id);
	/* How the tissue answered was seen that day. */
	m.has_response = 0;
	const enum err e = local_append(verb_local(c->v), verb_vault(c->v), KIND_TREATMENT, &m.base,
					c->v->now_ms, &op_id, &error);
	if (e != ERR_OK) return record_fail(c->v, kind_find(KIND_TREATMENT), e, &error);
	c->changed++;
	return ERR_OK;
}

static enum err carry_treatments(struct setting *c, const struct carrying *k)
{
	CLEANUP(record_fold_finip) struct record_fold last = { 0 };
	CLEANUP(record_fold_finip) struct record_fold now = { 0 };
	const struct record_state *records = NULL;
	size_t count = 0;

	if (id_is_zero(&k->before)) return ERR_OK;
	TRY(local_list_session_records(verb_local(c->v), verb_vault(c->v), KIND_TREATMENT,
				       &c->s.session_id, NULL, &now, &records, &count));
	if (count > 0) return ERR_OK; /* this session has its own */
	TRY(local_list_session_records(verb_local(c->v), verb_vault(c->v), KIND_TREATMENT,
				       &k->before, NULL, &last, &records, &count));
	for (size_t i = 0; i < count; i++) TRY(carry_treatment(c, records[i].message));
	return ERR_OK;
}

static enum err fail_confirm(struct setting *c)
{
	CLEANUP(buf_finip) struct buf words = { 0 };
	const char *text = NULL;

	TRY(buf_append_str(&words, CARRY_ALL ", " CARRY_TREATMENTS));
	for (size_t i = 0; session_carry_at(i) != NULL; i++)
		TRY(buf_append_fmt(&words, ", %s", session_carry_at(i)));
	TRY(buf_cstr(&words, &text));
	return fault_set(&c->v->fault, ERR_BAD_VALUE, NULL, "confirm: one of %s", text);
}

static enum err confirm_one(struct setting *c, const struct carrying *k, const char *word,
			    ProtobufCMessage *m)
{
	const unsigned before = c->changed;
	const bool all = strcmp(word, CARRY_ALL) == 0;
	unsigned fields = 0;

	if (!all && strcmp(word, CARRY_TREATMENTS) != 0 && !session_may_carry(view_str(word)))
		return fail_confirm(c);
	for (size_t i = 0; session_carry_at(i) != NULL; i++) {
		const char *field = session_carry_at(i);
		if (all || strcmp(word, field) == 0) fields += carry_field(k, field, m);
	}
	if (all || strcmp(word, CARRY_TREATMENTS) == 0) TRY(carry_treatments(c, k));
	if (fields > 0 || c->changed > before) return ERR_OK;
	return fault_set(&c->v->fault, ERR_BAD_VALUE, NULL,
			 "confirm: nothing is proposed for \"%s\"", word);
}

static enum err confirm_asked(struct setting *c, const struct carrying *k, ProtobufCMessage *m)
{
	const json_t *list = json_object_get(c->v->request, "confirm");

	if (list == NULL || json_is_null(list)) return ERR_OK;
	if (!json_is_array(list)) return fail_confirm(c);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *word = json_string_value(json_array_get(list, i));
		if (word == NULL) return fail_confirm(c);
		TRY(confirm_one(c, k, word, m));
	}
	return ERR_OK;
}

/* ---- the single values --------------------------------------------------------------------- */

static const char *const own_keys[] = { "session_id", "patient_id", "started_at",
					"ended_at",   "ends_now",   "confirm" };

/* What of the request is about the single values. */
static json_t *chart_request(const json_t *request)
{
	union {
		const json_t *in;
		json_t *out; /* jansson counts references in what it copies */
	} cast = { .in = request };
	json_t *rest = json_copy(cast.out);

	for (size_t i = 0; rest != NULL && i < COUNT_OF(own_keys); i++)
		(void)json_object_del(rest, own_keys[i]); /* -1: it is not there */
	for (int field = 1; rest != NULL && field <= (int)FOLD_TEXT_FIELDS; field++)
		(void)json_object_del(rest, fold_field_name((Roomkeep__TextField)field));
	return rest;
}

/* Reads what concerns it; texts stay the request's. */
static enum err read_chart(struct setting *c, const struct kind_info *info, ProtobufCMessage *m)
{
	json_t *whole = c->v->request;
	json_t *rest = chart_request(whole);

	ENSURE(rest != NULL, ERR_NOMEM);
	c->v->request = rest;
	enum err e = record_from_json(c->v, info, &c->arena, m);
	if (e == ERR_OK) e = record_check_ref(c->v, info, c->s.patient_id);
	c->v->request = whole;
	json_decref(rest);
	return e;
}

static unsigned count_changes(const ProtobufCMessage *m)
{
	unsigned count = 0;

	for (unsigned i = 0; i < m->descriptor->n_fields; i++)
		count += reflect_is_set(m, &m->descriptor->fields[i]);
	return count;
}

static enum err set_chart(struct setting *c)
{
	CLEANUP(carrying_finip) struct carrying k = { 0 };
	const struct kind_info *info = kind_find(KIND_SESSION_CHART);
	Roomkeep__SessionChart m = ROOMKEEP__SESSION_CHART__INIT;
	struct record_error error = { .err = ERR_OK };
	struct id op_id;

	TRY(read_chart(c, info, &m.base));
	TRY(carry_load(c, &k));
	TRY(confirm_asked(c, &k, &m.base));
	const unsigned count = count_changes(&m.base);
	if (count == 0) return ERR_OK;
	m.has_session_id = m.has_patient_id = 1;
	m.session_id = wire_id_bytes(&c->s.session_id);
	m.patient_id = wire_id_bytes(&c->s.patient_id);
	const enum err e = local_append(verb_local(c->v), verb_vault(c->v), info->kind, &m.base,
					c->v->now_ms, &op_id, &error);
	if (e == ERR_DENIED) return session_fail(c->v, e, &error);
	if (e != ERR_OK) return record_fail(c->v, info, e, &error);
	c->changed += count;
	return ERR_OK;
}

/* ---- hints --------------------------------------------------------------------------------- */

/* Every text that a therapist types into a session. */
static size_t text_keys(const char *keys[HINT_KEYS_MAX])
{
	const struct kind_info *info = kind_find(KIND_SESSION_CHART);
	size_t count = 0;

	for (; count < FOLD_TEXT_FIELDS; count++)
		keys[count] = fold_field_name((Roomkeep__TextField)(count + 1));
	for (size_t i = 0; i < info->field_count && count < HINT_KEYS_MAX; i++) {
		if (info->fields[i].format == FIELD_TEXT) keys[count++] = info->fields[i].name;
	}
	return count;
}

/* The texts are saved; what they name is said beside it. */
static enum err put_hints(struct setting *c)
{
	const char *keys[HINT_KEYS_MAX];
	const size_t count = text_keys(keys);

	TRY(hints_put(c->v, keys, count));
	json_t *hints = json_object_get(c->v->answer, "hints");
	for (size_t i = 0; i < count; i++) {
		if (!verb_has(c->v, keys[i])) continue;
		TRY(chart_guard_hint(c->v, &c->s.patient_id, keys[i],
				     view_str(verb_text(c->v, keys[i])), hints));
	}
	return ERR_OK;
}

/* ---- the verb ------------------------------------------------------------------------------ */

static bool found_red_flags(const struct verb *v)
{
	const char *screen = json_text_of(v->request, "red_flags");

	return (screen != NULL && strcmp(screen, "flagged") == 0) ||
	       json_array_size(json_object_get(v->request, "red_flags_found")) > 0;
}

static enum err set_all(struct setting *c)
{
	TRY(set_texts(c));
	TRY(set_frame(c));
	TRY(set_chart(c));
	if (c->changed > 0) return ERR_OK;
	return fault_set(&c->v->fault, ERR_USAGE, "usage",
			 "nothing to change: give subjective, objective, assessment, plan or a "
			 "field of the session");
}

enum err verb_set_session(struct verb *v)
{
	CLEANUP(setting_finip) struct setting c = { .v = v };
	const struct record_error none = { .err = ERR_OK };
	struct id session_id;

	arena_init(&c.arena, SET_ARENA_BYTES);
	TRY(verb_need_id(v, "session_id", &session_id));
	enum err e = local_load_session(verb_local(v), verb_vault(v), &session_id, &c.fold, &c.s);
	if (e != ERR_OK) return session_fail(v, e, &none);
	/* All or nothing: one call is one change. */
	TRY(local_begin(verb_local(v)));
	TRY(verb_end_batch(v, set_all(&c)));
	v->effects.outbox = true;
	TRY(json_put_id(v->answer, "session_id", &session_id));
	TRY(json_put(v->answer, "changed", json_integer((json_int_t)c.changed)));
	TRY(referral_offer_prompts(v, found_red_flags(v), &c.s.patient_id, &session_id));
	return put_hints(&c);
}
