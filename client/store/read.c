/* read: a session, a patient and pending ops, folded from op rows when asked for; nothing of it is
 * kept. */
#include "client/store/local_priv.h"

#include <stdlib.h>

/* ---- one session ----------------------------------------------------------------------------- */

struct load {
	struct local *l;
	const struct vault *v;
	struct session_fold *session;
	struct patient_fold *patient;
	bool any;
	uint64_t first_ms; /* the least row_taken_ms */
};

enum err row_tombstone_holds(struct local *l, const struct vault *v, const struct op_row *row,
			     const struct payload *p, bool *ret)
{
	*ret = false;
	struct id target = { 0 };
	if (!payload_subject_id(p, &target)) return ERR_OK;
	CLEANUP(op_row_finip) struct op_row t = { 0 };
	const enum err e = row_find(l, v, &target, &t);
	if (e == ERR_NOT_FOUND) return ERR_OK;
	TRY(e);
	/* It was allowed or not when it was written: who is no owner any more, or was dismissed,
	 * brings nothing back that was erased before. */
	const struct dir_user *author = dir_user(&l->dir, &row->core.author_id);
	const struct access_write q = { .kind = row->core.kind,
					.roles = author == NULL ? 0 : author->roles_ever,
					.author_id = row->core.author_id,
					.target_exists = true,
					.target_kind = t.core.kind,
					.target_author = t.core.author_id };
	*ret = access_may_write(&q) == ERR_OK;
	return ERR_OK;
}

enum err row_shown(struct local *l, const struct vault *v, struct op_row *row, struct payload *ret,
		   bool *ret_shown)
{
	*ret_shown = false;
	if (!row_counts(row)) return ERR_OK;
	const enum err e = row_payload(row, ret);
	if (e == ERR_NOT_FOUND) return ERR_OK; /* erased: the tombstone beside it says so */
	ENSURE(e == ERR_OK, e == ERR_NOMEM ? e : ERR_CORRUPT);
	*ret_shown = true;
	return row->core.kind == KIND_TOMBSTONE ? row_tombstone_holds(l, v, row, ret, ret_shown)
						: ERR_OK;
}

static enum err load_row(void *ctx, struct op_row *row)
{
	struct load *c = ctx;
	struct payload p = { 0 };
	bool shown = false;
	TRY(row_shown(c->l, c->v, row, &p, &shown));
	if (!shown) return ERR_OK;
	const struct fold_meta meta = row_meta(row);
	const uint64_t taken_ms = row_taken_ms(row);
	if (!c->any || taken_ms < c->first_ms) c->first_ms = taken_ms;
	c->any = true;
	if (c->session != NULL) return session_fold_add(c->session, &meta, &p);
	return patient_fold_add(c->patient, &meta, &p);
}

static enum err session_load(struct local *l, const struct vault *v, const struct id *id,
			     struct session_fold *fold, struct session_state *ret_state)
{
	uint8_t tag[VAULT_TAG_BYTES];
	vault_tag(v, TAG_SESSION, id, tag);
	struct load c = { .l = l, .v = v, .session = fold };
	TRY(row_each_subject(l, v, tag, (struct row_visitor){ load_row, &c }));
	ENSURE(c.any, ERR_NOT_FOUND);
	TRY(session_fold_state(fold, ret_state));
	withheld_from_state(l, ret_state, c.first_ms);
	return ERR_OK;
}

enum err local_load_session(struct local *l, const struct vault *v, const struct id *id,
			    struct session_fold *ret_fold, struct session_state *ret_state)
{
	TRY(person_check(l, v));
	ENSURE(access_may_read_sessions(person_roles(l, &v->user_id)), ERR_DENIED);
	session_fold_init(ret_fold, id, local_hasher());
	struct session_state s = { 0 };
	enum err e = session_load(l, v, id, ret_fold, &s);
	if (e == ERR_OK && s.sign != NULL && s.sign->check == FOLD_SIGN_DIFFERS)
		e = local_raise(l, LOCAL_ALARM_SIGN_DIFFERS, l->floor_ms);
	if (e != ERR_OK) {
		session_fold_fini(ret_fold);
		*ret_fold = (struct session_fold){ 0 };
		return e;
	}
	*ret_state = s;
	return ERR_OK;
}

enum err local_load_patient(struct local *l, const struct vault *v, const struct id *id,
			    struct patient_fold *ret_fold, struct patient_state *ret_state)
{
	TRY(person_check(l, v));
	uint8_t tag[VAULT_TAG_BYTES];
	vault_tag(v, TAG_PATIENT, id, tag);
	patient_fold_init(ret_fold, id);
	struct load c = { .l = l, .v = v, .patient = ret_fold };
	enum err e = row_each_patient(l, v, tag, (struct row_visitor){ load_row, &c });
	if (e == ERR_OK && !c.any) e = ERR_NOT_FOUND;
	if (e == ERR_OK) e = patient_fold_state(ret_fold, ret_state);
	if (e != ERR_OK) {
		patient_fold_fini(ret_fold);
		*ret_fold = (struct patient_fold){ 0 };
	}
	return e;
}

/* ---- pending --------------------------------------------------------------------------------- */

struct pending_list {
	struct local_pending *rows; /* owned */
	size_t count, cap;
};

void local_pending_free(struct local_pending *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (rows[i].text == NULL) continue;
		secret_wipe(rows[i].text, strlen(rows[i].text));
		free(rows[i].text);
	}
	free(rows);
}

static void pending_list_finip(struct pending_list *list)
{
	local_pending_free(list->rows, list->count);
}

static const char *pending_typed(const struct payload *p)
{
	if (p->info->kind == KIND_SESSION_TEXT) return p->is.session_text->text;
	if (p->info->kind == KIND_ADDENDUM) return p->is.addendum->text;
	if (p->info->kind == KIND_TOMBSTONE) return p->is.tombstone->reason;
	return NULL;
}

static enum err pending_fill(struct op_row *row, struct local_pending *out)
{
	*out = (struct local_pending){ .op_id = row->op_id,
				       .kind = row->core.kind,
				       .state = row->state,
				       .code = row->code,
				       .made_ms = row->core.client_time_ms };
	struct payload p = { 0 };
	const enum err e = row_payload(row, &p);
	if (e == ERR_NOT_FOUND) return ERR_OK;
	TRY(e);
	(void)payload_session_id(&p, &out->session_id);
	if (kind_is_plain(p.info)) return record_typed(&p, &out->text);
	const char *typed = pending_typed(&p);
	if (typed == NULL) return ERR_OK;
	out->text = strdup(typed);
	return out->text != NULL ? ERR_OK : ERR_NOMEM;
}

static enum err pending_add(void *ctx, struct op_row *row)
{
	struct pending_list *list = ctx;
	if (list->count == list->cap) {
		const size_t cap = list->cap == 0 ? 32 : list->cap * 2;
		struct local_pending *more = realloc(list->rows, cap * sizeof(*more));
		ENSURE(more != NULL, ERR_NOMEM);
		list->rows = more;
		list->cap = cap;
	}
	TRY(pending_fill(row, &list->rows[list->count]));
	list->count++;
	return ERR_OK;
}

enum err local_list_pending(struct local *l, const struct vault *v, size_t committed_max,
			    struct local_pending **ret_rows, size_t *ret_count)
{
	TRY(person_check(l, v));
	CLEANUP(pending_list_finip) struct pending_list list = { 0 };
	TRY(row_each_pending(l, v, (struct row_visitor){ pending_add, &list }));
	TRY(row_each_refused(l, v, (struct row_visitor){ pending_add, &list }));
	TRY(row_each_committed(l, v, committed_max, (struct row_visitor){ pending_add, &list }));
	*ret_rows = TAKE(list.rows);
	*ret_count = list.count;
	list.count = 0;
	return ERR_OK;
}
