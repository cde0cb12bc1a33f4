#include "client/api/chart_guard.h"
#include "client/api/cosign.h"
#include "client/api/hints.h"
#include "client/api/same_person.h"
#include "client/api/session_calls.h"
#include "client/api/session_chart.h"
#include "client/api/show_proof.h"
#include "client/api/verbs.h"

#include "base/check.h"
#include "record/access.h"
#include "record/calendar.h"
#include "wire/op.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum err session_fail(struct verb *v, enum err e, const struct record_error *error)
{
	if (e == ERR_DENIED) {
		return fault_set(&v->fault, e, NULL, "you may not write this session");
	}
	return verb_fail_record(v, e, error);
}

enum err session_append(struct verb *v, enum kind kind, const ProtobufCMessage *message)
{
	struct record_error error = { .err = ERR_OK };
	struct id op_id;

	const enum err e = local_append(verb_local(v), verb_vault(v), kind, message, v->now_ms,
					&op_id, &error);
	if (e != ERR_OK) return session_fail(v, e, &error);
	v->effects.outbox = true;
	return json_put_id(v->answer, "op_id", &op_id);
}

enum err session_need_patient(struct verb *v, struct id *ret_patient_id)
{
	struct local_patient p;

	TRY(verb_need_id(v, "patient_id", ret_patient_id));
	const enum err e = local_get_patient(verb_local(v), verb_vault(v), ret_patient_id, &p);
	return e == ERR_NOT_FOUND ? verb_fail_unknown(v, "patient", "patient_id") : e;
}

/* Who co-signs: a student has to name somebody who treats; zeros for nobody. */
static enum err find_supervisor(struct verb *v, struct id *ret)
{
	const struct directory *dir = local_directory(verb_local(v));
	const struct dir_user *me = dir_user(dir, desk_person(v->desk));
	const bool student = me != NULL && (me->roles & ROLE_STUDENT) != 0 &&
			     (me->roles & ROLE_THERAPIST) == 0;

	*ret = (struct id){ 0 };
	if (!verb_has(v, "supervisor_id")) {
		if (!student) return ERR_OK;
		return fault_set(&v->fault, ERR_BAD_VALUE, NULL,
				 "supervisor_id: who co-signs this student's session");
	}
	TRY(verb_need_id(v, "supervisor_id", ret));
	const struct dir_user *other = dir_user(dir, ret);
	const bool treats = other != NULL && other->active &&
			    (other->roles & (ROLE_THERAPIST | ROLE_LEAD)) != 0;
	if (treats && other != me) return ERR_OK;
	return fault_set(&v->fault, ERR_BAD_VALUE, NULL,
			 "supervisor_id: a therapist or lead of this clinic, and somebody else");
}

enum err verb_start_session(struct verb *v)
{
	Roomkeep__SessionFrame frame = ROOMKEEP__SESSION_FRAME__INIT;
	const struct local_room *room = local_room(verb_local(v));
	struct id patient_id;
	struct id supervisor_id;

	TRY(session_need_patient(v, &patient_id));
	TRY(same_person_need_chart(v, &patient_id));
	TRY(find_supervisor(v, &supervisor_id));
	frame.has_supervisor_id = !id_is_zero(&supervisor_id);
	frame.supervisor_id = wire_id_bytes(&supervisor_id);
	const struct id session_id = local_new_id(verb_local(v), v->now_ms);
	frame.has_session_id = frame.has_patient_id = frame.has_therapist_id = 1;
	frame.session_id = wire_id_bytes(&session_id);
	frame.patient_id = wire_id_bytes(&patient_id);
	frame.therapist_id = wire_id_bytes(desk_person(v->desk));
	frame.has_room_id = frame.has_started_ms = 1;
	frame.room_id = wire_id_bytes(&room->room_id);
	frame.started_ms = v->now_ms;
	TRY(session_append(v, KIND_SESSION_FRAME, &frame.base));
	TRY(json_put_id(v->answer, "session_id", &session_id));
	TRY(json_put_id(v->answer, "patient_id", &patient_id));
	return json_put_time(v->answer, "started_at", v->now_ms);
}

/* ---- signing and addenda ------------------------------------------------------------------- */

#define SET_SESSION "set session SID "

/* "not signed yet, missing: ..." and what to type for each; all at once (BC2). */
static enum err fail_gaps(struct verb *v, const struct session_gap *gaps, size_t count)
{
	CLEANUP(buf_finip) struct buf fields = { 0 };
	CLEANUP(buf_finip) struct buf flags = { 0 };
	CLEANUP(buf_finip) struct buf others = { 0 };
	const size_t prefix = strlen(SET_SESSION);
	const char *text = NULL;

	for (size_t i = 0; i < count; i++) {
		const bool is_set = strncmp(gaps[i].say, SET_SESSION, prefix) == 0;
		struct buf *to = is_set ? &flags : &others;
		TRY(buf_append_fmt(&fields, "%s%s", i > 0 ? ", " : "", gaps[i].field));
		TRY(buf_append_fmt(to, "%s%s", to->len == 0 ? "" : "; ",
				   is_set ? gaps[i].say + prefix : gaps[i].say));
	}
	TRY(buf_cstr(&fields, &text));
	err_ignore(
		fault_set(&v->fault, ERR_CONFLICT, "incomplete", "not signed, missing: %s", text));
	if (flags.len > 0 && others.len > 0) TRY(buf_append_str(&flags, "; and roomkeep "));
	const bool has_flags = flags.len > 0;
	TRY(buf_append(&flags, buf_view(&others)));
	TRY(buf_cstr(&flags, &text));
	return fault_hint(&v->fault, "roomkeep %s%s", has_flags ? SET_SESSION : "", text);
}

/* What is not there is asked for before anything is signed. Whether the person may sign at all, and
 * whether it is signed, is for the store to say. */
static enum err check_gaps(struct verb *v, const struct id *session_id)
{
	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	struct session_gap gaps[SESSION_GAPS_MAX];
	struct session_state s = { 0 };
	size_t count = 0;

	TRY(local_load_session(verb_local(v), verb_vault(v), session_id, &fold, &s));
	if (s.sign != NULL || s.has_conflict || s.imported) return ERR_OK;
	if (!id_equal(&s.therapist_id, desk_person(v->desk))) return ERR_OK;
	TRY(session_chart_gaps(v, &s, gaps, &count));
	return count == 0 ? ERR_OK : fail_gaps(v, gaps, count);
}

static enum err put_signed_state(struct verb *v, const struct id *session_id)
{
	struct session_fold fold;
	struct session_state s;

	TRY(local_load_session(verb_local(v), verb_vault(v), session_id, &fold, &s));
	const struct id supervisor_id = s.supervisor_id;
	const struct id patient_id = s.patient_id;
	session_fold_fini(&fold);
	return cosign_put_state(v, v->answer, false, true, &supervisor_id, &patient_id, session_id);
}

enum err verb_sign_session(struct verb *v)
{
	const struct record_error none = { .err = ERR_OK };
	struct id session_id;
	struct id op_id;

	TRY(verb_need_id(v, "session_id", &session_id));
	TRY(check_gaps(v, &session_id));
	TRY(show_sign_warnings(v, &session_id));
	const enum err e =
		local_sign_session(verb_local(v), verb_vault(v), &session_id, v->now_ms, &op_id);
	if (e == ERR_CONFLICT) {
		err_ignore(fault_set(&v->fault, e, NULL,
				     "two versions of a field stand side by side"));
		return fault_hint(&v->fault, "roomkeep show session SID, then set session SID with "
					     "the words that shall stand");
	}
	if (e == ERR_DENIED) {
		return fault_set(&v->fault, e, NULL, "only the session's therapist signs it");
	}
	if (e != ERR_OK) return session_fail(v, e, &none);
	v->effects.outbox = true;
	TRY(json_put_id(v->answer, "session_id", &session_id));
	TRY(put_signed_state(v, &session_id));
	return json_put_id(v->answer, "op_id", &op_id);
}

enum err verb_add_addendum(struct verb *v)
{
	Roomkeep__Addendum a = ROOMKEEP__ADDENDUM__INIT;
	struct id session_id;
	const char *text = NULL;

	TRY(verb_need_id(v, "session_id", &session_id));
	TRY(verb_need_text(v, "text", &text));
	char *copy = strdup(text);
	ENSURE(copy != NULL, ERR_NOMEM);
	const struct id addendum_id = local_new_id(verb_local(v), v->now_ms);
	a.has_addendum_id = a.has_session_id = 1;
	a.addendum_id = wire_id_bytes(&addendum_id);
	a.session_id = wire_id_bytes(&session_id);
	a.text = copy;
	const enum err e = session_append(v, KIND_ADDENDUM, &a.base);
	secret_wipe(copy, strlen(copy));
	free(copy);
	TRY(e);
	TRY(hints_put(v, &(const char *){ "text" }, 1));
	TRY(json_put_id(v->answer, "addendum_id", &addendum_id));
	return json_put_id(v->answer, "session_id", &session_id);
}

/* ---- listing ------------------------------------------------------------------------------- */

static enum err put_row(struct verb *v, const struct id *patient_id,
			const struct local_session_row *row, json_t *object)
{
	TRY(json_put_id(object, "session_id", &row->session_id));
	if (row->is_misfiled) {
		TRY(json_put(object, "state", json_string("entered_in_error")));
	} else {
		TRY(cosign_put_state(v, object, row->withheld, row->is_signed, &row->supervisor_id,
				     patient_id, &row->session_id));
	}
	TRY(json_put_time(object, "started_at", row->started_ms));
	TRY(verb_put_login(v, object, "author", &row->therapist_id));
	TRY(session_put_late(object, row->started_ms, row->ended_ms, row->signed_ms));
	return json_put(object, "conflict", json_boolean(row->has_conflict));
}

#define LIST_SESSIONS 50u /* unless more are asked for */
#define LIST_SESSIONS_MAX 65536u

static enum err read_limit(struct verb *v, size_t *ret_limit)
{
	const json_t *value = json_object_get(v->request, "limit");
	const json_t *all = json_object_get(v->request, "all");
	const bool has_limit = verb_has(v, "limit");
	const json_int_t limit = has_limit ? json_integer_value(value) : LIST_SESSIONS;

	if (verb_has(v, "all") && !json_is_boolean(all)) {
		return fault_set(&v->fault, ERR_USAGE, "usage", "all: true or false");
	}
	if (has_limit && json_is_true(all)) {
		return fault_set(&v->fault, ERR_USAGE, "usage", "limit and all: one of the two");
	}
	if ((has_limit && !json_is_integer(value)) || limit < 1 || limit > LIST_SESSIONS_MAX) {
		return fault_set(&v->fault, ERR_BAD_VALUE, NULL,
				 "limit: a whole number from 1 to %u", LIST_SESSIONS_MAX);
	}
	*ret_limit = json_is_true(all) ? SIZE_MAX : (size_t)limit;
	return ERR_OK;
}

static enum err put_rows(struct verb *v, const struct id *patient_id, size_t limit)
{
	CLEANUP(local_sessions_finip) struct local_sessions all = { 0 };
	CLEANUP(freep) struct local_session_row *session_rows = NULL;
	json_t *list = json_array();
	size_t count = 0;

	TRY(json_put(v->answer, "sessions", list));
	TRY(local_find_sessions(verb_local(v), verb_vault(v), patient_id, &all));
	TRY(local_list_sessions(verb_local(v), verb_vault(v), &all, limit, &session_rows, &count));
	const uint64_t more = all.count - count + all.rest;
	TRY(json_put(v->answer, "more",
		     all.knows_rest ? json_integer((json_int_t)more) : json_null()));
	for (size_t i = 0; i < count; i++) {
		json_t *object = json_object();
		ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
		TRY(put_row(v, patient_id, &session_rows[i], object));
	}
	return ERR_OK;
}

static enum err answer_list(struct verb *v, const struct id *patient_id, size_t limit, bool partial)
{
	struct local_patient p;
	const enum err e = local_get_patient(verb_local(v), verb_vault(v), patient_id, &p);

	if (e == ERR_NOT_FOUND) return verb_fail_unknown(v, "patient", "patient_id");
	TRY(e);
	TRY(json_put_id(v->answer, "patient_id", patient_id));
	TRY(put_rows(v, patient_id, limit));
	TRY(chart_guard_put(v, patient_id, v->answer));
	return json_put(v->answer, "partial", json_boolean(partial));
}

enum err session_may_read(struct verb *v)
{
	const struct dir_user *user =
		dir_user(local_directory(verb_local(v)), desk_person(v->desk));

	if (user != NULL && user->active && access_may_read_sessions(user->roles)) return ERR_OK;
	return fault_set(&v->fault, ERR_DENIED, NULL, "you may not read sessions");
}

/* ---- the worklist -------------------------------------------------------------------------- */

struct open_session {
	struct local_session_row row;
	struct id patient_id;
};

struct worklist {
	struct open_session *rows; /* owned */
	size_t count, cap;
};

static void worklist_finip(struct worklist *w)
{
	free(w->rows);
}

static enum err worklist_add(struct worklist *w, const struct local_session_row *row,
			     const struct id *patient_id)
{
	if (w->count == w->cap) {
		const size_t cap = w->cap == 0 ? 16 : w->cap * 2;
		struct open_session *more = realloc(w->rows, cap * sizeof(*more));
		ENSURE(more != NULL, ERR_NOMEM);
		w->rows = more;
		w->cap = cap;
	}
	w->rows[w->count++] = (struct open_session){ *row, *patient_id };
	return ERR_OK;
}

static enum err worklist_of(struct verb *v, void *ctx, const struct local_patient *p)
{
	struct worklist *w = ctx;
	const struct id patient_id = p->id;
	CLEANUP(freep) struct local_session_row *rows = NULL;
	size_t count = 0;

	TRY(local_all_sessions(verb_local(v), verb_vault(v), &patient_id, &rows, &count));
	count = local_rows_that_stand(rows, count);
	for (size_t i = 0; i < count; i++) {
		bool waits = !rows[i].is_signed &&
			     id_equal(&rows[i].therapist_id, desk_person(v->desk));
		if (!waits) TRY(cosign_waits(v, &rows[i], &patient_id, &waits));
		if (waits) TRY(worklist_add(w, &rows[i], &patient_id));
	}
	return ERR_OK;
}

static int compare_open(const void *a, const void *b)
{
	const struct open_session *x = a;
	const struct open_session *y = b;

	if (x->row.started_ms != y->row.started_ms)
		return x->row.started_ms < y->row.started_ms ? -1 : 1;
	return memcmp(x->row.session_id.b, y->row.session_id.b, ID_BYTES);
}

static enum err put_open(struct verb *v, const struct open_session *open, json_t *object)
{
	struct local_patient p;
	const uint64_t age_ms = v->now_ms > open->row.started_ms ? v->now_ms - open->row.started_ms
								 : 0;

	TRY(put_row(v, &open->patient_id, &open->row, object));
	TRY(local_get_patient(verb_local(v), verb_vault(v), &open->patient_id, &p));
	TRY(json_put_id(object, "patient_id", &open->patient_id));
	TRY(json_put(object, "patient", json_string(p.name)));
	return json_put(object, "age_hours", json_integer((json_int_t)(age_ms / CALENDAR_HOUR_MS)));
}

/* The person's own, and what students signed for the person to stand by, of all patients, the
 * oldest first: a list of work that nothing falls from. */
static enum err answer_unsigned(struct verb *v)
{
	CLEANUP(worklist_finip) struct worklist w = { 0 };
	json_t *list = json_array();

	TRY(json_put(v->answer, "sessions", list));
	TRY(verb_each_patient(v, (struct verb_patient_visitor){ worklist_of, &w }));
	if (w.count > 1) qsort(w.rows, w.count, sizeof(*w.rows), compare_open);
	for (size_t i = 0; i < w.count; i++) {
		json_t *object = json_object();
		ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
		TRY(put_open(v, &w.rows[i], object));
	}
	return json_put(v->answer, "partial", json_false());
}

/* What this room does not hold is fetched; without the server it answers with what it holds. */
enum err verb_list_sessions(struct verb *v)
{
	struct id patient_id;
	size_t limit = 0;
	bool partial = false;

	if (json_is_true(json_object_get(v->request, "unsigned"))) {
		if (verb_has(v, "patient_id")) {
			return fault_set(&v->fault, ERR_USAGE, "usage",
					 "unsigned is of all patients: leave patient_id out");
		}
		TRY(session_may_read(v));
		return answer_unsigned(v);
	}
	TRY(verb_need_id(v, "patient_id", &patient_id));
	TRY(session_may_read(v));
	TRY(read_limit(v, &limit));
	TRY(verb_fetch_chart(v, &patient_id, limit, &partial));
	return v->ask.len > 0 ? ERR_OK : answer_list(v, &patient_id, limit, partial);
}
