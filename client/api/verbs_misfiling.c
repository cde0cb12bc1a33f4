/* verbs_misfiling: a session was entered on the wrong chart (3g). It is entered again on the right
 * one, and the wrong one is marked; both name each other. Nothing is erased. */
#include "client/api/session_calls.h"
#include "client/api/session_chart.h"
#include "client/api/verbs.h"

#include "base/check.h"
#include "base/limits.h"
#include "client/api/misfiled.h"
#include "record/reflect.h"
#include "wire/op.h"

#include <stdlib.h>
#include <string.h>

/* One call. */
struct moving {
	struct verb *v;
	struct session_fold fold;
	struct session_state s; /* the wrong one */
	struct id right_id;     /* the session that replaces it */
	struct id patient_id;   /* whose it is */
	const char *reason;     /* borrowed from the request */
	struct id *measure_ids; /* owned: new ones, in the order of s.measures */
};

static void moving_finip(struct moving *c)
{
	session_fold_fini(&c->fold);
	free(c->measure_ids);
}

static enum err append(struct moving *c, enum kind kind, const ProtobufCMessage *m)
{
	struct record_error error = { .err = ERR_OK };
	struct id op_id;

	const enum err e = local_append(verb_local(c->v), verb_vault(c->v), kind, m, c->v->now_ms,
					&op_id, &error);
	return e == ERR_OK ? ERR_OK : session_fail(c->v, e, &error);
}

static enum err move_frame(struct moving *c)
{
	Roomkeep__SessionFrame m = ROOMKEEP__SESSION_FRAME__INIT;

	m.has_session_id = m.has_patient_id = m.has_therapist_id = m.has_room_id = 1;
	m.session_id = wire_id_bytes(&c->right_id);
	m.patient_id = wire_id_bytes(&c->patient_id);
	m.therapist_id = wire_id_bytes(&c->s.therapist_id);
	m.room_id = wire_id_bytes(&c->s.room_id);
	m.has_started_ms = 1;
	m.started_ms = c->s.started_ms;
	m.has_ended_ms = c->s.ended_ms != 0;
	m.ended_ms = c->s.ended_ms;
	return append(c, KIND_SESSION_FRAME, &m.base);
}

static enum err move_texts(struct moving *c)
{
	struct record_error error = { .err = ERR_OK };
	struct id op_id;

	for (size_t i = 0; i < FOLD_TEXT_FIELDS; i++) {
		const struct fold_text *value = c->s.text[i].value;
		if (value == NULL || value->erased) continue;
		const enum err e = local_set_text(verb_local(c->v), verb_vault(c->v), &c->right_id,
						  value->field, value->text, c->v->now_ms, &op_id,
						  &error);
		if (e != ERR_OK) return session_fail(c->v, e, &error);
	}
	return ERR_OK;
}

/* ---- measures ------------------------------------------------------------------------------ */

static enum err text_of(struct arena *a, struct view from, char **ret)
{
	union {
		const uint8_t *in;
		char *out;
	} copy = { .in = arena_dup(a, from).p };

	ENSURE(copy.in != NULL, ERR_NOMEM);
	*ret = from.len == 0 ? NULL : copy.out;
	return ERR_OK;
}

static void put_pair(const struct moving *c, const struct fold_measure *from, Roomkeep__Measure *m)
{
	for (size_t i = 0; from->has_pair && i < c->s.measure_count; i++) {
		if (!id_equal(&c->s.measures[i]->measure_id, &from->pair_id)) continue;
		m->has_pair_id = 1;
		m->pair_id = wire_id_bytes(&c->measure_ids[i]);
	}
}

static enum err move_measure(struct moving *c, size_t at)
{
	CLEANUP(arena_finip) struct arena a;
	const struct fold_measure *from = c->s.measures[at];
	const struct id *rater = from->has_rater ? &from->rater_id : &from->meta.author_id;
	Roomkeep__Measure m = ROOMKEEP__MEASURE__INIT;

	arena_init(&a, OP_BYTES_MAX);
	m.has_measure_id = m.has_session_id = m.has_catalogue = m.has_phase = m.has_at_ms = 1;
	m.measure_id = wire_id_bytes(&c->measure_ids[at]);
	m.session_id = wire_id_bytes(&c->right_id);
	m.catalogue = from->catalogue;
	m.phase = from->phase;
	m.at_ms = from->at_ms;
	TRY(text_of(&a, from->ref, &m.ref));
	TRY(text_of(&a, from->unit, &m.unit));
	TRY(text_of(&a, from->limited_by, &m.limited_by));
	m.has_side = from->has_side;
	m.side = from->side;
	m.has_value_milli = from->has_value;
	m.value_milli = from->value_milli;
	m.has_result = from->result != ROOMKEEP__TEST_RESULT__RESULT_NONE;
	m.result = from->result;
	m.has_mode = from->mode != 0;
	m.mode = from->mode;
	m.has_position = from->position != 0;
	m.position = from->position;
	m.has_method = from->method != 0;
	m.method = from->method;
	m.has_end_feel = from->end_feel != 0;
	m.end_feel = from->end_feel;
	m.has_skipped_reason = from->skipped_reason != 0;
	m.skipped_reason = from->skipped_reason;
	m.has_pain_at_end = from->has_pain;
	m.pain_at_end = from->pain_at_end;
	m.has_rater_id = !id_equal(rater, desk_person(c->v->desk));
	m.rater_id = wire_id_bytes(rater);
	put_pair(c, from, &m);
	return append(c, KIND_MEASURE, &m.base);
}

static enum err move_measures(struct moving *c)
{
	c->measure_ids = calloc(c->s.measure_count + 1, sizeof(*c->measure_ids));
	ENSURE(c->measure_ids != NULL, ERR_NOMEM);
	for (size_t i = 0; i < c->s.measure_count; i++)
		c->measure_ids[i] = local_new_id(verb_local(c->v), c->v->now_ms);
	/* A row that repeats another comes after it. */
	for (size_t i = 0; i < c->s.measure_count; i++)
		if (!c->s.measures[i]->has_pair) TRY(move_measure(c, i));
	for (size_t i = 0; i < c->s.measure_count; i++)
		if (c->s.measures[i]->has_pair) TRY(move_measure(c, i));
	return ERR_OK;
}

/* ---- plain records ------------------------------------------------------------------------- */

static void put_id(ProtobufCMessage *m, const char *field, const struct id *id)
{
	const ProtobufCBinaryData bytes = wire_id_bytes(id);

	reflect_put(m, reflect_field(m->descriptor, field), &bytes, sizeof(bytes));
}

/* The same words in the right session, as a record of its own. */
static enum err move_record(struct moving *c, const struct kind_info *info,
			    const ProtobufCMessage *from)
{
	CLEANUP(freep) ProtobufCMessage *m = malloc(info->message->sizeof_message);
	const struct id record_id = local_new_id(verb_local(c->v), c->v->now_ms);

	ENSURE(m != NULL, ERR_NOMEM);
	memcpy(m, from, info->message->sizeof_message);
	put_id(m, info->subject_field, &record_id);
	put_id(m, info->session_field, &c->right_id);
	put_id(m, info->patient_field, &c->patient_id);
	return append(c, info->kind, m);
}

static enum err move_own_records(struct moving *c, const struct kind_info *info)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	size_t count = 0;

	TRY(local_list_session_records(verb_local(c->v), verb_vault(c->v), info->kind,
				       &c->s.session_id, c->s.sign, &fold, &records, &count));
	for (size_t i = 0; i < count; i++) TRY(move_record(c, info, records[i].message));
	return ERR_OK;
}

/* What was seen, agreed, answered and promised in that hour belongs to who was there. */
static const enum kind told_kinds[] = { KIND_HEALTH_ANSWER, KIND_MOOD_READ, KIND_PROMISE,
					KIND_CONSENT };

static enum err move_told(struct moving *c, const struct kind_info *info)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const ProtobufCFieldDescriptor *f = reflect_field(info->message, info->session_field);
	const struct record_state *records = NULL;
	ProtobufCBinaryData bytes;
	size_t count = 0;

	TRY(local_list_records(verb_local(c->v), verb_vault(c->v), info->kind, &c->s.patient_id,
			       &fold, &records, &count));
	for (size_t i = 0; i < count; i++) {
		struct id session_id;
		if (!reflect_is_set(records[i].message, f)) continue;
		reflect_get(records[i].message, f, &bytes, sizeof(bytes));
		TRY(id_from_view(view_of(bytes.data, bytes.len), &session_id));
		if (!id_equal(&session_id, &c->s.session_id)) continue;
		TRY(move_record(c, info, records[i].message));
	}
	return ERR_OK;
}

static enum err move_chart(struct moving *c)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const Roomkeep__SessionChart *chart = NULL;

	TRY(session_chart_get(c->v, &c->s.session_id, c->s.sign, &fold, &chart));
	Roomkeep__SessionChart m = *chart;
	m.has_session_id = m.has_patient_id = m.has_reentered_from = 1;
	m.session_id = wire_id_bytes(&c->right_id);
	m.patient_id = wire_id_bytes(&c->patient_id);
	m.reentered_from = wire_id_bytes(&c->s.session_id);
	m.has_episode_id = 0; /* the complaint of another */
	return append(c, KIND_SESSION_CHART, &m.base);
}

static enum err move_records(struct moving *c)
{
	TRY(move_chart(c));
	for (size_t k = 0; k < kind_count(); k++) {
		const struct kind_info *info = kind_at(k);
		if (info->closed_by_sign && !kind_is_one_per_session(info))
			TRY(move_own_records(c, info));
	}
	for (size_t i = 0; i < COUNT_OF(told_kinds); i++)
		TRY(move_told(c, kind_find((uint64_t)told_kinds[i])));
	return ERR_OK;
}

/* ---- the mark ------------------------------------------------------------------------------ */

static enum err mark_wrong(struct moving *c)
{
	Roomkeep__Misfiling m = ROOMKEEP__MISFILING__INIT;
	CLEANUP(freep) char *reason = strdup(c->reason);

	ENSURE(reason != NULL, ERR_NOMEM);
	m.has_session_id = m.has_patient_id = m.has_right_session_id = 1;
	m.session_id = wire_id_bytes(&c->s.session_id);
	m.patient_id = wire_id_bytes(&c->s.patient_id);
	m.right_session_id = wire_id_bytes(&c->right_id);
	m.reason = reason;
	const enum err e = append(c, KIND_MISFILING, &m.base);
	secret_wipe(reason, strlen(reason));
	return e;
}

static enum err move_all(struct moving *c)
{
	TRY(move_frame(c));
	TRY(move_texts(c));
	TRY(move_measures(c));
	TRY(move_records(c));
	return mark_wrong(c);
}

/* ---- the verb ------------------------------------------------------------------------------ */

static enum err check_move(struct moving *c)
{
	struct verb *v = c->v;
	bool is_misfiled = false;
	bool is_hidden = false;

	if (!id_equal(&c->s.therapist_id, desk_person(v->desk))) {
		return fault_set(&v->fault, ERR_DENIED, NULL,
				 "only the session's therapist says that it is on the wrong chart");
	}
	TRY(misfiled_look(v, &c->s.session_id, &is_misfiled, &is_hidden));
	if (is_misfiled) {
		return fault_set(&v->fault, ERR_EXISTS, NULL,
				 "the session is marked as entered in error already");
	}
	if (id_equal(&c->patient_id, &c->s.patient_id)) {
		return fault_set(&v->fault, ERR_BAD_VALUE, NULL,
				 "patient_id: another patient than the one it was entered for");
	}
	if (c->s.has_conflict) {
		return fault_set(&v->fault, ERR_CONFLICT, NULL,
				 "two versions of a field stand side by side");
	}
	return ERR_OK;
}

enum err verb_correct_session(struct verb *v)
{
	CLEANUP(moving_finip) struct moving c = { .v = v };
	const struct record_error none = { .err = ERR_OK };
	struct id session_id;

	TRY(verb_need_id(v, "session_id", &session_id));
	TRY(session_need_patient(v, &c.patient_id));
	TRY(verb_need_text(v, "reason", &c.reason));
	enum err e = local_load_session(verb_local(v), verb_vault(v), &session_id, &c.fold, &c.s);
	if (e != ERR_OK) return session_fail(v, e, &none);
	TRY(check_move(&c));
	c.right_id = local_new_id(verb_local(v), v->now_ms);
	TRY(local_begin(verb_local(v)));
	TRY(verb_end_batch(v, move_all(&c)));
	v->effects.outbox = true;
	TRY(json_put_id(v->answer, "session_id", &session_id));
	TRY(json_put_id(v->answer, "right_session_id", &c.right_id));
	return json_put_id(v->answer, "patient_id", &c.patient_id);
}
