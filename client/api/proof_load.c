#include "client/api/proof_load.h"

#include "base/check.h"

#include <stdlib.h>

static enum err rows_of(const struct session_state *s, struct proof_row **ret_rows,
			size_t *ret_count)
{
	struct proof_row *rows = calloc(s->measure_count + 1, sizeof(*rows));
	size_t count = 0;

	ENSURE(rows != NULL, ERR_NOMEM);
	for (size_t i = 0; i < s->measure_count; i++) {
		const struct fold_measure *m = s->measures[i];
		if (!proof_row_of(m, &rows[count])) continue;
		/* The one who brought it in did not measure it. */
		if (s->imported && !m->has_rater) rows[count].rater_id = s->therapist_id;
		count++;
	}
	*ret_rows = rows;
	*ret_count = count;
	return ERR_OK;
}

void proof_session_fini(struct proof_session *p)
{
	free(p->rows);
	free(p->sets);
	*p = (struct proof_session){ 0 };
}

void proof_session_finip(struct proof_session *p)
{
	proof_session_fini(p);
}

enum err proof_session_of(const struct session_state *s, struct proof_session *ret)
{
	CLEANUP(proof_session_finip) struct proof_session p = { 0 };

	TRY(rows_of(s, &p.rows, &p.row_count));
	p.sets = calloc(p.row_count + 1, sizeof(*p.sets));
	ENSURE(p.sets != NULL, ERR_NOMEM);
	p.set_count = proof_pair(p.rows, p.row_count, p.sets);
	*ret = p;
	p = (struct proof_session){ 0 };
	return ERR_OK;
}

static void proof_visits_drop(struct proof_visits *p)
{
	for (size_t i = 0; i < p->count; i++) {
		union {
			const struct proof_row *in;
			struct proof_row *out;
		} rows = { .in = p->visits[i].rows };
		free(rows.out);
	}
	p->count = 0;
}

void proof_visits_fini(struct proof_visits *p)
{
	proof_visits_drop(p);
	free(p->visits);
	*p = (struct proof_visits){ 0 };
}

void proof_visits_finip(struct proof_visits *p)
{
	proof_visits_fini(p);
}

static enum err load_visit(struct verb *v, const struct id *session_id, struct proof_visit *visit)
{
	struct session_fold fold;
	struct session_state s;
	struct proof_row *rows = NULL;

	TRY(local_load_session(verb_local(v), verb_vault(v), session_id, &fold, &s));
	const enum err e = rows_of(&s, &rows, &visit->row_count);
	visit->session_id = *session_id;
	visit->started_ms = s.started_ms;
	visit->rows = rows;
	session_fold_fini(&fold);
	return e;
}

enum err proof_visits_load(struct verb *v, const struct id *patient_id, struct proof_visits *ret)
{
	CLEANUP(proof_visits_finip) struct proof_visits p = { 0 };
	CLEANUP(local_sessions_finip) struct local_sessions s = { 0 };

	TRY(local_find_sessions(verb_local(v), verb_vault(v), patient_id, &s));
	TRY(local_drop_misfiled(verb_local(v), verb_vault(v), patient_id, &s));
	p.visits = calloc(s.count + 1, sizeof(*p.visits));
	ENSURE(p.visits != NULL, ERR_NOMEM);
	for (size_t i = 0; i < s.count; i++) {
		TRY(load_visit(v, &s.held[i].session_id, &p.visits[p.count]));
		p.count++;
	}
	*ret = p;
	p = (struct proof_visits){ 0 };
	return ERR_OK;
}

enum err proof_visits_load_last(struct verb *v, const struct id *patient_id,
				struct proof_visits *ret)
{
	CLEANUP(proof_visits_finip) struct proof_visits p = { 0 };
	CLEANUP(local_sessions_finip) struct local_sessions s = { 0 };

	TRY(local_find_sessions(verb_local(v), verb_vault(v), patient_id, &s));
	p.visits = calloc(1, sizeof(*p.visits));
	ENSURE(p.visits != NULL, ERR_NOMEM);
	for (size_t i = s.count; i > 0 && p.visits[0].row_count == 0; i--) {
		proof_visits_drop(&p);
		TRY(load_visit(v, &s.held[i - 1].session_id, &p.visits[0]));
		p.count = 1;
	}
	if (p.count > 0 && p.visits[0].row_count == 0) proof_visits_drop(&p);
	*ret = p;
	p = (struct proof_visits){ 0 };
	return ERR_OK;
}
