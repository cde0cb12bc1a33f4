/* history: which sessions of a patient are held here, and what is known of the others. */
#include "client/store/feed.h"
#include "client/store/local_priv.h"

#include <stdlib.h>

/* ---- starts ---------------------------------------------------------------------------------- */

/* One frame op. */
struct frame_seen {
	struct id session_id;
	uint64_t started_ms;
	bool at_server;
};

struct frame_list {
	struct frame_seen *rows; /* owned */
	size_t count, cap;
};

static void frame_list_finip(struct frame_list *list)
{
	if (list->rows != NULL) secret_wipe(list->rows, list->cap * sizeof(*list->rows));
	free(list->rows);
}

/* Old memory is wiped: growing leaves no copies. */
static enum err frame_list_grow(struct frame_list *list)
{
	const size_t cap = list->cap == 0 ? 256 : list->cap * 2;
	struct frame_seen *more = calloc(cap, sizeof(*more));
	ENSURE(more != NULL, ERR_NOMEM);
	if (list->count > 0) memcpy(more, list->rows, list->count * sizeof(*more));
	struct frame_list old = *list;
	frame_list_finip(&old);
	list->rows = more;
	list->cap = cap;
	return ERR_OK;
}

static enum err collect_frame(void *ctx, struct op_row *row)
{
	struct frame_list *list = ctx;
	struct payload p = { 0 };
	struct frame_seen seen = { .at_server = row->state == LOCAL_OP_COMMITTED };
	if (!row_counts(row)) return ERR_OK;
	const enum err e = row_payload(row, &p);
	if (e == ERR_NOT_FOUND) return ERR_OK; /* erased: a tombstone may stand beside it */
	TRY(e);
	if (p.info->kind != KIND_SESSION_FRAME || !payload_session_id(&p, &seen.session_id))
		return ERR_OK;
	seen.started_ms = p.is.session_frame->started_ms;
	if (list->count == list->cap) TRY(frame_list_grow(list));
	list->rows[list->count++] = seen;
	return ERR_OK;
}

static int frame_compare(const void *a, const void *b)
{
	const struct frame_seen *x = a;
	const struct frame_seen *y = b;
	return memcmp(x->session_id.b, y->session_id.b, ID_BYTES);
}

static int start_compare(const void *a, const void *b)
{
	const struct local_session_start *x = a;
	const struct local_session_start *y = b;
	if (x->started_ms != y->started_ms) return x->started_ms < y->started_ms ? -1 : 1;
	return memcmp(x->session_id.b, y->session_id.b, ID_BYTES);
}

/* Which frames count is decided by the Sign (record/fold.h): of several the whole session says. */
static enum err start_folded(struct local *l, const struct vault *v, struct local_session_start *to)
{
	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	struct session_state s = { 0 };
	TRY(local_load_session(l, v, &to->session_id, &fold, &s));
	to->started_ms = s.started_ms;
	return ERR_OK;
}

/* `frames` is sorted by session. */
static enum err starts_of(struct local *l, const struct vault *v, const struct frame_list *frames,
			  struct local_sessions *ret)
{
	for (size_t i = 0; i < frames->count;) {
		struct local_session_start *to = &ret->held[ret->count++];
		*to = (struct local_session_start){ .session_id = frames->rows[i].session_id,
						    .started_ms = frames->rows[i].started_ms };
		size_t of_it = 0;
		for (; i + of_it < frames->count; of_it++) {
			const struct frame_seen *f = &frames->rows[i + of_it];
			if (!id_equal(&f->session_id, &to->session_id)) break;
			to->at_server = to->at_server || f->at_server;
		}
		if (of_it > 1) TRY(start_folded(l, v, to));
		i += of_it;
	}
	return ERR_OK;
}

void local_sessions_fini(struct local_sessions *s)
{
	if (s->held != NULL) secret_wipe(s->held, s->count * sizeof(*s->held));
	free(s->held);
	*s = (struct local_sessions){ 0 };
}

void local_sessions_finip(struct local_sessions *s)
{
	local_sessions_fini(s);
}

/* Out of those that the server counted the ones that are held are no rest. */
static void sessions_put_rest(const struct local_history *h, struct local_sessions *s)
{
	s->knows_rest = h->whole_ms > 0 || h->part_ms > 0;
	if (h->whole_ms > 0 || h->part_ms == 0) return;
	uint64_t held = 0;
	for (size_t i = 0; i < s->count; i++) {
		const bool counted = h->before_ms == 0 || s->held[i].started_ms < h->before_ms;
		if (counted && s->held[i].at_server) held++;
	}
	s->rest = h->sessions > held ? h->sessions - held : 0;
}

/* Of one chart. */
static enum err sessions_of(struct local *l, const struct vault *v, const struct id *patient_id,
			    struct local_sessions *ret)
{
	uint8_t tag[VAULT_TAG_BYTES];
	vault_tag(v, TAG_FRAMES, patient_id, tag);
	CLEANUP(frame_list_finip) struct frame_list frames = { 0 };
	TRY(row_each_patient(l, v, tag, (struct row_visitor){ collect_frame, &frames }));
	if (frames.count > 1) qsort(frames.rows, frames.count, sizeof(*frames.rows), frame_compare);
	CLEANUP(local_sessions_finip) struct local_sessions s = { 0 };
	s.held = calloc(frames.count + 1, sizeof(*s.held));
	ENSURE(s.held != NULL, ERR_NOMEM);
	TRY(starts_of(l, v, &frames, &s));
	struct local_history h = { 0 };
	TRY(local_history(l, v, patient_id, &h));
	sessions_put_rest(&h, &s);
	*ret = s;
	s = (struct local_sessions){ 0 };
	return ERR_OK;
}

/* Old memory is wiped: growing leaves no copies. */
static enum err sessions_join(struct local_sessions *s, const struct local_sessions *more)
{
	struct local_sessions both = { .count = s->count + more->count,
				       .knows_rest = s->knows_rest && more->knows_rest,
				       .rest = s->rest + more->rest };
	both.held = calloc(both.count + 1, sizeof(*both.held));
	ENSURE(both.held != NULL, ERR_NOMEM);
	memcpy(both.held, s->held, s->count * sizeof(*s->held));
	memcpy(both.held + s->count, more->held, more->count * sizeof(*s->held));
	local_sessions_fini(s);
	*s = both;
	return ERR_OK;
}

enum err local_find_sessions(struct local *l, const struct vault *v, const struct id *patient_id,
			     struct local_sessions *ret)
{
	struct id ids[MERGE_SAME_MAX];
	size_t count = 0;
	TRY(person_check(l, v));
	ENSURE(patients_have(l, patient_id), ERR_NOT_FOUND);
	ENSURE(access_may_read_sessions(person_roles(l, &v->user_id)), ERR_DENIED);
	TRY(local_same_person(l, v, patient_id, ids, &count));
	CLEANUP(local_sessions_finip) struct local_sessions s = { 0 };
	TRY(sessions_of(l, v, &ids[0], &s));
	for (size_t i = 1; i < count; i++) {
		CLEANUP(local_sessions_finip) struct local_sessions more = { 0 };
		TRY(sessions_of(l, v, &ids[i], &more));
		TRY(sessions_join(&s, &more));
	}
	qsort(s.held, s.count, sizeof(*s.held), start_compare);
	*ret = s;
	s = (struct local_sessions){ 0 };
	return ERR_OK;
}

/* ---- on the wrong chart ---------------------------------------------------------------------- */

enum err local_is_misfiled(struct local *l, const struct vault *v, const struct id *session_id,
			   bool *ret)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *mark = NULL;
	const enum err e = local_get_record(l, v, KIND_MISFILING, session_id, &fold, &mark);
	if (e != ERR_OK && e != ERR_NOT_FOUND) return e;
	*ret = e == ERR_OK;
	return ERR_OK;
}

enum err local_drop_misfiled(struct local *l, const struct vault *v, const struct id *patient_id,
			     struct local_sessions *s)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *marks = NULL;
	size_t count = 0;
	size_t kept = 0;
	TRY(local_list_records(l, v, KIND_MISFILING, patient_id, &fold, &marks, &count));
	for (size_t i = 0; i < s->count; i++) {
		bool is_misfiled = false;
		for (size_t k = 0; k < count; k++)
			if (id_equal(&marks[k].record_id, &s->held[i].session_id))
				is_misfiled = true;
		if (!is_misfiled) s->held[kept++] = s->held[i];
	}
	s->count = kept;
	return ERR_OK;
}

/* ---- rows of a list -------------------------------------------------------------------------- */

static enum err session_summary(struct local *l, const struct vault *v, const struct id *id,
				struct local_session_row *ret)
{
	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	struct session_state s = { 0 };
	TRY(local_load_session(l, v, id, &fold, &s));
	*ret = (struct local_session_row){ .session_id = *id,
					   .therapist_id = s.therapist_id,
					   .started_ms = s.started_ms,
					   .ended_ms = s.ended_ms,
					   .signed_ms =
						   s.sign == NULL ? 0 : s.sign->meta.client_time_ms,
					   .is_signed = s.sign != NULL,
					   .has_conflict = s.has_conflict,
					   .withheld = s.withheld,
					   .supervisor_id = s.supervisor_id };
	return local_is_misfiled(l, v, id, &ret->is_misfiled);
}

enum err local_list_sessions(struct local *l, const struct vault *v,
			     const struct local_sessions *sessions, size_t limit,
			     struct local_session_row **ret_rows, size_t *ret_count)
{
	const size_t count = sessions->count < limit ? sessions->count : limit;
	const struct local_session_start *from = sessions->held + (sessions->count - count);
	CLEANUP(freep) struct local_session_row *rows = calloc(count + 1, sizeof(*rows));
	ENSURE(rows != NULL, ERR_NOMEM);
	for (size_t i = 0; i < count; i++)
		TRY(session_summary(l, v, &from[i].session_id, &rows[i]));
	*ret_rows = TAKE(rows);
	*ret_count = count;
	return ERR_OK;
}

enum err local_all_sessions(struct local *l, const struct vault *v, const struct id *patient_id,
			    struct local_session_row **ret_rows, size_t *ret_count)
{
	CLEANUP(local_sessions_finip) struct local_sessions s = { 0 };
	TRY(local_find_sessions(l, v, patient_id, &s));
	return local_list_sessions(l, v, &s, SIZE_MAX, ret_rows, ret_count);
}

size_t local_rows_that_stand(struct local_session_row *rows, size_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++)
		if (!rows[i].is_misfiled) rows[kept++] = rows[i];
	return kept;
}

/* ---- what was fetched ------------------------------------------------------------------------ */

static void patient_tag(const struct vault *v, const struct id *patient_id,
			uint8_t ret_tag[VAULT_TAG_BYTES])
{
	vault_tag(v, TAG_PATIENT, patient_id, ret_tag);
}

static enum err history_whole(struct local *l, struct db_arg user, struct db_arg patient,
			      struct local_history *ret)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	/* Without an epoch: of an older build, which did not keep the number. Numbers of another
	 * epoch are other numbers. */
	const enum err e = db_query_row(l->db,
					"SELECT at_ms, seq FROM fetched WHERE user_id = ?1 AND"
					" patient = ?2 AND (epoch IS NULL OR epoch = ?3)",
					DB_ARGS(user, patient, db_id(&l->room.epoch.epoch)), &stmt);
	if (e == ERR_NOT_FOUND) return ERR_OK;
	TRY(e);
	ret->whole_ms = db_col_u64(stmt, 0);
	ret->whole_seq = db_col_u64(stmt, 1);
	return ERR_OK;
}

enum err local_history(struct local *l, const struct vault *v, const struct id *patient_id,
		       struct local_history *ret)
{
	TRY(person_check(l, v));
	uint8_t tag[VAULT_TAG_BYTES];
	patient_tag(v, patient_id, tag);
	struct local_history h = { 0 };
	TRY(history_whole(l, db_id(&v->user_id), db_blob(VIEW_OF(tag)), &h));
	*ret = h;
	if (h.whole_ms > 0) return ERR_OK;
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	const enum err e =
		db_query_row(l->db,
			     "SELECT at_ms, before_ms, sessions, newest FROM fetched_part"
			     " WHERE user_id = ?1 AND patient = ?2",
			     DB_ARGS(db_id(&v->user_id), db_blob(VIEW_OF(tag))), &stmt);
	if (e == ERR_NOT_FOUND) return ERR_OK;
	TRY(e);
	ret->part_ms = db_col_u64(stmt, 0);
	ret->before_ms = db_col_u64(stmt, 1);
	ret->sessions = db_col_u64(stmt, 2);
	ret->newest = db_col_u64(stmt, 3);
	return ERR_OK;
}

enum err history_set_whole(struct local *l, const struct vault *v, const struct id *patient_id,
			   uint64_t now_ms, uint64_t seq)
{
	uint8_t tag[VAULT_TAG_BYTES];
	patient_tag(v, patient_id, tag);
	TRY(db_run(l->db, "DELETE FROM fetched_part WHERE user_id = ?1 AND patient = ?2",
		   DB_ARGS(db_id(&v->user_id), db_blob(VIEW_OF(tag)))));
	return db_run(l->db,
		      "INSERT INTO fetched (user_id, patient, at_ms, seq, epoch)"
		      " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (user_id, patient)"
		      " DO UPDATE SET at_ms = ?3, seq = ?4, epoch = ?5",
		      DB_ARGS(db_id(&v->user_id), db_blob(VIEW_OF(tag)), db_u64(now_ms),
			      db_u64(seq), db_id(&l->room.epoch.epoch)));
}

enum err history_set_part(struct local *l, const struct vault *v, const struct feed_fetch *what,
			  uint64_t now_ms, uint64_t sessions)
{
	uint8_t tag[VAULT_TAG_BYTES];
	patient_tag(v, &what->patient_id, tag);
	return db_run(l->db,
		      "INSERT INTO fetched_part (user_id, patient, at_ms, before_ms, sessions,"
		      " newest) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (user_id, patient)"
		      " DO UPDATE SET at_ms = ?3, before_ms = ?4, sessions = ?5, newest = ?6",
		      DB_ARGS(db_id(&v->user_id), db_blob(VIEW_OF(tag)), db_u64(now_ms),
			      db_u64(what->before_ms), db_u64(sessions),
			      db_u64(what->sessions_max < sessions ? what->newest : UINT32_MAX)));
}

enum err history_forget(struct local *l, const struct id *user_id)
{
	TRY(db_run(l->db, "DELETE FROM fetched WHERE user_id = ?1", DB_ARGS(db_id(user_id))));
	return db_run(l->db, "DELETE FROM fetched_part WHERE user_id = ?1",
		      DB_ARGS(db_id(user_id)));
}
