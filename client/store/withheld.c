/* withheld: what patients withhold from the signed-in person, as the server said it last. The
 * server sends none of it; here it is purged when the word comes, and what must stay (one's own
 * rows, which the lane is followed by) is not shown. */
#include "client/store/local_priv.h"

#include "seal/local_row.h"

#include <stdlib.h>

#define WITHHELD_REV 1u

void local_tell_time(struct local *l, uint64_t now_ms)
{
	if (now_ms > l->now_ms) l->now_ms = now_ms;
}

/* ---- on disk --------------------------------------------------------------------------------- */

static struct row_context withheld_context(const struct vault *v)
{
	return (struct row_context){ .room_id = v->room_id,
				     .user_id = v->user_id,
				     .table = "withheld",
				     .row_id = id_view(&v->user_id),
				     .row_rev = WITHHELD_REV };
}

enum err withheld_store(struct local *l, const struct vault *v, const Roomkeep__ScopeChange *m)
{
	CLEANUP(buf_finip) struct buf plain = { 0 };
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	const struct row_context c = withheld_context(v);
	const size_t size = roomkeep__scope_change__get_packed_size(m);
	TRY(buf_reserve(&plain, size));
	plain.len = roomkeep__scope_change__pack(m, plain.p);
	TRY(row_seal(v->local_key, &c, buf_view(&plain), &sealed));
	return db_run(l->db, "UPDATE cursor SET withheld = ?2 WHERE user_id = ?1",
		      DB_ARGS(db_id(&v->user_id),
			      db_maybe(m->n_withheld > 0, db_blob(buf_view(&sealed)))));
}

void withheld_forget(struct local *l)
{
	free(l->bars);
	free(l->openings);
	l->bars = NULL;
	l->openings = NULL;
	l->bar_count = l->opening_count = 0;
}

static enum err bar_read(const struct vault *v, const Roomkeep__Withheld *m,
			 struct lockbox_bar *ret)
{
	struct lockbox_bar bar = { .scope = (enum lockbox_scope)m->scope,
				   .user_id = v->user_id,
				   .from_ms = m->since_ms,
				   .until_ms = UINT64_MAX };
	TRY(wire_id(m->patient_id, &bar.patient_id));
	if (m->has_item_id) TRY(wire_id(m->item_id, &bar.item_id));
	/* A scope that this build does not know withholds everything. */
	if (bar.scope != LOCKBOX_SESSIONS && bar.scope != LOCKBOX_ITEM) bar.scope = LOCKBOX_RECORD;
	*ret = bar;
	return ERR_OK;
}

static enum err withheld_read(struct local *l, const struct vault *v,
			      const Roomkeep__ScopeChange *m)
{
	l->bars = calloc(m->n_withheld + 1, sizeof(*l->bars));
	l->openings = calloc(m->n_open + 1, sizeof(*l->openings));
	ENSURE(l->bars != NULL && l->openings != NULL, ERR_NOMEM);
	for (; l->bar_count < m->n_withheld; l->bar_count++)
		TRY(bar_read(v, m->withheld[l->bar_count], &l->bars[l->bar_count]));
	for (; l->opening_count < m->n_open; l->opening_count++) {
		struct lockbox_opening *o = &l->openings[l->opening_count];
		*o = (struct lockbox_opening){ .user_id = v->user_id,
					       .until_ms = m->open[l->opening_count]->until_ms };
		TRY(wire_id(m->open[l->opening_count]->patient_id, &o->patient_id));
	}
	return ERR_OK;
}

enum err withheld_load(struct local *l, const struct vault *v)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	CLEANUP(buf_finip) struct buf plain = { 0 };
	CLEANUP(arena_finip) struct arena a;
	const struct row_context c = withheld_context(v);
	ProtobufCMessage *any = NULL;
	arena_init(&a, FRAME_PARSE_BYTES_MAX);
	withheld_forget(l);
	enum err e = db_query_row(l->db, "SELECT withheld FROM cursor WHERE user_id = ?1",
				  DB_ARGS(db_id(&v->user_id)), &stmt);
	if (e == ERR_NOT_FOUND || (e == ERR_OK && db_col_is_null(stmt, 0))) return ERR_OK;
	TRY(e);
	e = row_open(v->local_key, &c, db_col_view(stmt, 0), &plain);
	ENSURE(e == ERR_OK, e == ERR_NOMEM ? e : ERR_CORRUPT);
	e = scan_unpack(&a, &roomkeep__scope_change__descriptor, buf_view(&plain), &any, NULL,
			NULL);
	ENSURE(e == ERR_OK, e == ERR_NOMEM ? e : ERR_CORRUPT);
	e = withheld_read(l, v, (const Roomkeep__ScopeChange *)(const void *)any);
	if (e != ERR_OK) withheld_forget(l);
	return e;
}

/* ---- deciding -------------------------------------------------------------------------------- */

static struct lockbox box_of(const struct local *l)
{
	return (struct lockbox){ .bars = l->bars,
				 .bar_count = l->bar_count,
				 .openings = l->openings,
				 .opening_count = l->opening_count };
}

/* The newest time that anybody told: a clock that was set back opens nothing for longer. What the
 * server says is withheld is so already. */
static struct lockbox_reader reader_of(const struct local *l)
{
	struct lockbox_reader r = { .user_id = l->user_id,
				    .now_ms = l->now_ms > l->floor_ms ? l->now_ms : l->floor_ms };
	for (size_t i = 0; i < l->bar_count; i++)
		if (l->bars[i].from_ms > r.now_ms) r.now_ms = l->bars[i].from_ms;
	return r;
}

void withheld_from_state(struct local *l, struct session_state *s, uint64_t begun_ms)
{
	const struct lockbox box = box_of(l);
	const struct lockbox_reader reader = reader_of(l);
	const bool own = id_equal(&s->therapist_id, &l->user_id);
	const struct lockbox_item item = { .kind = KIND_SESSION_TEXT,
					   .patient_id = s->patient_id,
					   .session_id = s->session_id,
					   .own = own,
					   .own_draft = own && s->sign == NULL,
					   .written_ms = begun_ms };
	if (!lockbox_withholds(&box, &reader, &item)) return;
	s->withheld = true;
	s->has_conflict = false;
	for (size_t i = 0; i < FOLD_TEXT_FIELDS; i++)
		s->text[i] = (struct fold_field){ .field = s->text[i].field };
	s->measure_count = s->addendum_count = s->late_count = s->cover_count = 0;
}

/* Is it one of the person's sessions that is not signed? What stands in it is theirs to finish. */
static enum err is_own_draft(struct local *l, const struct vault *v, const struct id *session_id,
			     bool *ret)
{
	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	struct session_state s = { 0 };
	*ret = false;
	if (id_is_zero(session_id)) return ERR_OK;
	const enum err e = local_load_session(l, v, session_id, &fold, &s);
	if (e == ERR_NOT_FOUND || e == ERR_DENIED) return ERR_OK;
	TRY(e);
	*ret = s.has_frame && s.sign == NULL && id_equal(&s.therapist_id, &l->user_id);
	return ERR_OK;
}

enum err withheld_row(struct local *l, const struct vault *v, const struct op_row *row,
		      const struct payload *p, const struct id *session_patient, bool *ret_withheld)
{
	const struct lockbox box = box_of(l);
	const struct lockbox_reader reader = reader_of(l);
	struct lockbox_item item = { .kind = row->core.kind,
				     .patient_id = *session_patient,
				     .own = id_equal(&row->core.author_id, &l->user_id),
				     .written_ms = row_taken_ms(row) };
	*ret_withheld = false;
	if (l->bar_count == 0) return ERR_OK;
	(void)payload_patient_id(p, &item.patient_id);
	(void)payload_session_id(p, &item.session_id);
	if (kind_is_plain(p->info)) (void)payload_subject_id(p, &item.record_id);
	if (!lockbox_withholds(&box, &reader, &item)) return ERR_OK;
	if (item.own) TRY(is_own_draft(l, v, &item.session_id, &item.own_draft));
	*ret_withheld = !item.own_draft;
	return ERR_OK;
}

/* ---- saying it ------------------------------------------------------------------------------- */

static void count_bars(const struct local *l, const struct id *patient_id,
		       struct local_withheld *ret)
{
	const struct lockbox box = box_of(l);
	const struct lockbox_reader reader = reader_of(l);
	for (size_t i = 0; i < l->bar_count; i++) {
		const struct lockbox_bar *bar = &l->bars[i];
		if (!id_equal(&bar->patient_id, patient_id)) continue;
		if (!lockbox_bar_holds(&box, bar, &reader)) continue;
		ret->any = true;
		ret->whole = ret->whole || bar->scope == LOCKBOX_RECORD;
		ret->records += bar->scope == LOCKBOX_ITEM;
	}
	for (size_t i = 0; i < l->opening_count; i++) {
		const struct lockbox_opening *o = &l->openings[i];
		if (id_equal(&o->patient_id, patient_id) && lockbox_opening_holds(o, &reader) &&
		    o->until_ms > ret->open_until_ms)
			ret->open_until_ms = o->until_ms;
	}
}

/* A session or record that is withheld by itself. */
static bool is_item(const struct local *l, const struct id *item_id)
{
	const struct lockbox box = box_of(l);
	const struct lockbox_reader reader = reader_of(l);
	for (size_t i = 0; i < l->bar_count; i++) {
		const struct lockbox_bar *bar = &l->bars[i];
		if (bar->scope != LOCKBOX_ITEM || !id_equal(&bar->item_id, item_id)) continue;
		if (lockbox_bar_holds(&box, bar, &reader)) return true;
	}
	return false;
}

enum err local_withheld(struct local *l, const struct vault *v, const struct id *patient_id,
			struct local_withheld *ret)
{
	CLEANUP(freep) struct local_session_row *rows = NULL;
	struct local_withheld w = { .any = false };
	struct id ids[MERGE_SAME_MAX];
	size_t same = 0, count = 0;
	TRY(local_same_person(l, v, patient_id, ids, &same));
	for (size_t i = 0; i < same; i++) count_bars(l, &ids[i], &w);
	if (w.any) {
		const enum err e = local_all_sessions(l, v, patient_id, &rows, &count);
		if (e != ERR_NOT_FOUND && e != ERR_DENIED) TRY(e);
	}
	for (size_t i = 0; i < count; i++) {
		if (!rows[i].withheld) continue;
		w.sessions++;
		if (is_item(l, &rows[i].session_id)) w.records--;
	}
	*ret = w;
	return ERR_OK;
}

enum err local_withheld_item(struct local *l, const struct vault *v, const struct id *item_id,
			     bool *ret)
{
	TRY(person_check(l, v));
	*ret = is_item(l, item_id);
	return ERR_OK;
}

enum err local_withheld_patients(struct local *l, const struct vault *v, size_t *ret_count)
{
	const struct lockbox box = box_of(l);
	const struct lockbox_reader reader = reader_of(l);
	size_t count = 0;
	TRY(person_check(l, v));
	for (size_t i = 0; i < l->bar_count; i++) {
		bool again = false;
		if (!lockbox_bar_holds(&box, &l->bars[i], &reader)) continue;
		for (size_t k = 0; k < i; k++)
			again = again || id_equal(&l->bars[k].patient_id, &l->bars[i].patient_id);
		count += !again;
	}
	*ret_count = count;
	return ERR_OK;
}
