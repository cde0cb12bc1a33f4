/* judge: may an op be applied? The rules are record's (payload.h, access.h); here the state they
 * ask about is looked up. Everything that is refused has a sound signature and its place in the
 * lane: the verdict is kept with it. */
#include "base/check.h"
#include "record/access.h"
#include "record/duty_record.h"
#include "server/store/store_priv.h"

struct session_row {
	bool exists;
	struct id patient_id;
	struct id therapist_id;
	struct id supervisor_id;
	bool imported;
	bool is_signed;
};

static enum err session_find(struct db *db, const struct id *session_id, struct session_row *ret)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	struct session_row s = { 0 };
	TRY(db_query(db,
		     "SELECT p.patient_id, s.therapist_id, s.imported, s.supervisor_id,"
		     " s.sign_seq IS NOT NULL FROM session s"
		     " JOIN patient p ON p.patient = s.patient WHERE s.session_id = ?1",
		     DB_ARGS(db_id(session_id)), &stmt));
	TRY(db_step(stmt, &s.exists));
	if (s.exists) {
		TRY(db_col_id(stmt, 0, &s.patient_id));
		TRY(db_col_id(stmt, 1, &s.therapist_id));
		s.imported = db_col_u64(stmt, 2) == 1;
		TRY(db_col_id(stmt, 3, &s.supervisor_id));
		s.is_signed = db_col_u64(stmt, 4) == 1;
	}
	*ret = s;
	return ERR_OK;
}

static enum err row_exists(struct db *db, const char *sql, const struct id *id, bool *ret_exists)
{
	uint64_t count = 0;
	TRY(db_get_u64(db, sql, DB_ARGS(db_id(id)), &count));
	*ret_exists = count > 0;
	return ERR_OK;
}

static enum err patient_find(struct db *db, const struct id *patient_id, bool *ret_exists)
{
	return row_exists(db, "SELECT count(*) FROM patient WHERE patient_id = ?1", patient_id,
			  ret_exists);
}

/* ---- what the op is about -------------------------------------------------------------------- */

struct judge_facts {
	uint64_t now_ms;
	struct session_row session; /* of the op, when it names one */
	bool patient_exists;        /* of the op, when it names one */
	bool target_exists;         /* of a tombstone */
	bool target_signed;         /* the Sign that holds covers it */
	bool target_kept;           /* by law, still */
	struct id target_author;
};

/* What was signed is its author's to see, not to erase (record/access.h). */
static enum err target_is_signed(struct db *db, uint64_t seq, bool *ret_signed)
{
	uint64_t count = 0;
	TRY(db_get_u64(db,
		       "SELECT (SELECT count(*) FROM session_text WHERE seq = ?1 AND covered = 1)"
		       " + (SELECT count(*) FROM measure WHERE seq = ?1 AND covered = 1)"
		       " + (SELECT count(*) FROM session_frame WHERE seq = ?1 AND covered = 1)",
		       DB_ARGS(db_u64(seq)), &count));
	*ret_signed = count > 0;
	return ERR_OK;
}

/* So is a plain record of a session: none came after the Sign. */
static enum err target_is_closed(struct db *db, const struct store_judged *j, bool *ret_signed)
{
	const struct kind_info *info = kind_find(j->target_kind);
	struct session_row session;
	if (info == NULL || !info->closed_by_sign) return ERR_OK;
	TRY(session_find(db, &j->session_id, &session));
	if (session.is_signed) *ret_signed = true;
	return ERR_OK;
}

static enum err facts_target(struct db *db, const struct id *target, struct store_judged *j,
			     struct judge_facts *facts)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(db,
		     "SELECT seq, kind, author_id, patient_id, session_id, hidden_by IS NOT NULL,"
		     " received_ms"
		     " FROM op WHERE op_id = ?1 AND state = 1",
		     DB_ARGS(db_id(target)), &stmt));
	TRY(db_step(stmt, &facts->target_exists));
	if (!facts->target_exists) return ERR_OK;
	j->target_seq = db_col_u64(stmt, 0);
	j->target_kind = db_col_u64(stmt, 1);
	TRY(db_col_id(stmt, 2, &facts->target_author));
	TRY(db_col_id(stmt, 3, &j->patient_id));
	TRY(db_col_id(stmt, 4, &j->session_id));
	j->target_hidden = db_col_u64(stmt, 5) == 1;
	facts->target_kept = j->target_kind == KIND_INCIDENT &&
			     duty_incident_is_kept(db_col_u64(stmt, 6), facts->now_ms);
	TRY(target_is_signed(db, j->target_seq, &facts->target_signed));
	return target_is_closed(db, j, &facts->target_signed);
}

static bool kind_is_tombstone(enum kind kind)
{
	return kind == KIND_TOMBSTONE || kind == KIND_SEALED_TOMBSTONE;
}

static enum err facts_find(struct db *db, struct store_judged *j, struct judge_facts *facts)
{
	const struct payload *p = &j->payload;
	if (kind_is_tombstone(p->info->kind)) {
		struct id target;
		const struct Roomkeep__Tombstone *t = p->is.tombstone;
		TRY(id_from_view(view_of(t->target.data, t->target.len), &target));
		return facts_target(db, &target, j, facts);
	}
	if (payload_patient_id(p, &j->patient_id)) {
		TRY(patient_find(db, &j->patient_id, &facts->patient_exists));
	}
	if (!payload_session_id(p, &j->session_id)) return ERR_OK;
	TRY(session_find(db, &j->session_id, &facts->session));
	/* Everything in a session belongs to its patient, whether the op says so or not. */
	if (facts->session.exists && id_is_zero(&j->patient_id)) {
		j->patient_id = facts->session.patient_id;
	}
	return ERR_OK;
}

/* ---- the rules ------------------------------------------------------------------------------- */

static enum err frame_fill(const struct Roomkeep__SessionFrame *m, struct access_write *q)
{
	TRY(id_from_view(view_of(m->patient_id.data, m->patient_id.len), &q->frame_patient));
	q->frame_has_therapist = m->has_therapist_id != 0;
	if (q->frame_has_therapist) {
		TRY(id_from_view(view_of(m->therapist_id.data, m->therapist_id.len),
				 &q->frame_therapist));
	}
	q->frame_has_supervisor = m->has_supervisor_id != 0;
	if (q->frame_has_supervisor) {
		TRY(id_from_view(view_of(m->supervisor_id.data, m->supervisor_id.len),
				 &q->frame_supervisor));
	}
	q->frame_has_imported = m->has_imported != 0;
	q->frame_imported = m->imported != 0;
	return ERR_OK;
}

static enum err judge_access(const struct store_op *op, const struct store_judged *j,
			     const struct judge_facts *facts)
{
	struct access_write q = {
		.kind = op->core->kind,
		.roles = op->author_roles,
		.author_id = op->core->author_id,
		.session_exists = facts->session.exists,
		.session_therapist = facts->session.therapist_id,
		.session_patient = facts->session.patient_id,
		.session_supervisor = facts->session.supervisor_id,
		.session_imported = facts->session.imported,
		.target_exists = facts->target_exists,
		.target_kind = j->target_kind,
		.target_author = facts->target_author,
		.target_signed = facts->target_signed,
		.target_kept = facts->target_kept,
	};
	if (j->known && j->payload.info->kind == KIND_SESSION_FRAME) {
		TRY(frame_fill(j->payload.is.session_frame, &q));
	}
	return access_may_write(&q);
}

/* An edit that names a Sign as what it replaces has seen that the session is signed. */
static enum err judge_parents(struct db *db, const struct Roomkeep__SessionText *m)
{
	for (size_t i = 0; i < m->n_parents; i++) {
		struct id parent;
		bool is_sign = false;
		TRY(id_from_view(view_of(m->parents[i].data, m->parents[i].len), &parent));
		TRY(row_exists(db, "SELECT count(*) FROM sign WHERE op_id = ?1", &parent,
			       &is_sign));
		ENSURE(!is_sign, ERR_SIGNED);
	}
	return ERR_OK;
}

static enum err judge_opened(const struct store_judged *j, const struct judge_facts *facts)
{
	ENSURE(facts->patient_exists, ERR_NOT_FOUND);
	if (id_is_zero(&j->session_id)) return ERR_OK;
	ENSURE(facts->session.exists, ERR_NOT_FOUND);
	ENSURE(id_equal(&facts->session.patient_id, &j->patient_id), ERR_BAD_VALUE);
	return ERR_OK;
}

/* An id names one record for ever: of one kind, and of the patient that its first op named. */
static enum err judge_record(struct db *db, const struct payload *p, const struct id *patient_id)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	struct id record_id;
	ENSURE(payload_subject_id(p, &record_id), ERR_BAD_VALUE);
	TRY(db_query(db,
		     "SELECT r.kind, p.patient_id FROM plain r"
		     " LEFT JOIN patient p ON p.patient = r.patient WHERE r.record_id = ?1",
		     DB_ARGS(db_id(&record_id)), &stmt));
	for (;;) {
		bool row = false;
		struct id owner = { 0 };
		TRY(db_step(stmt, &row));
		if (!row) return payload_check_first(p, NULL);
		if (db_col_u64(stmt, 0) == (uint64_t)p->info->kind) {
			TRY(db_col_id(stmt, 1, &owner));
			return id_equal(&owner, patient_id) ? ERR_OK : ERR_BAD_VALUE;
		}
		ENSURE(kind_is_one_per_patient(p->info) || kind_is_one_per_session(p->info),
		       ERR_BAD_VALUE);
	}
}

/* Only who is named stands by it, and only by what is signed. */
static enum err judge_cosign(const struct judge_facts *facts, const struct store_op *op)
{
	ENSURE(facts->session.exists, ERR_NOT_FOUND);
	ENSURE(id_equal(&facts->session.supervisor_id, &op->core->author_id), ERR_DENIED);
	return facts->session.is_signed ? ERR_OK : ERR_BAD_VALUE;
}

static enum err judge_plain(struct db *db, const struct store_judged *j,
			    const struct judge_facts *facts, const struct store_op *op)
{
	const struct payload *p = &j->payload;
	ENSURE(p->info->patient_field == NULL || facts->patient_exists, ERR_NOT_FOUND);
	if (!id_is_zero(&j->session_id)) {
		ENSURE(facts->session.exists, ERR_NOT_FOUND);
		ENSURE(id_equal(&facts->session.patient_id, &j->patient_id), ERR_BAD_VALUE);
	}
	/* Unlike a late text it is not applied aside: it is no part of what was signed. */
	ENSURE(!p->info->closed_by_sign || !facts->session.is_signed, ERR_SIGNED);
	if (p->info->kind == KIND_COSIGN) TRY(judge_cosign(facts, op));
	TRY(judge_record(db, p, &j->patient_id));
	TRY(record_view_check(db, p, &j->patient_id));
	TRY(lockbox_judge(db, p,
			  &(struct lockbox_asks){ .patient_id = j->patient_id,
						  .author_id = op->core->author_id,
						  .author_roles = op->author_roles }));
	return booking_judge(db, p);
}

static enum err judge_domain(struct db *db, const struct store_judged *j,
			     const struct judge_facts *facts, const struct store_op *op)
{
	switch (j->payload.info->kind) {
	case KIND_PATIENT:
		return facts->patient_exists ? ERR_OK : payload_check_first(&j->payload, NULL);
	case KIND_SESSION_FRAME:
		ENSURE(facts->patient_exists, ERR_NOT_FOUND);
		return facts->session.exists ? ERR_OK : payload_check_first(&j->payload, NULL);
	case KIND_SESSION_TEXT: return judge_parents(db, j->payload.is.session_text);
	case KIND_OPENED: return judge_opened(j, facts);
	case KIND_MEASURE:
	case KIND_SIGN:
	case KIND_ADDENDUM:
	case KIND_NOTE:
	case KIND_SEALED_TOMBSTONE: return ERR_OK;
	case KIND_TOMBSTONE: return booking_judge_erased(db, j->target_kind, j->target_seq);
	case KIND_ANY_PLAIN: return judge_plain(db, j, facts, op);
	}
	return ERR_OK;
}

/* ---- verdict --------------------------------------------------------------------------------- */

/* Errors that say something about us and not about the op. */
static bool err_is_ours(enum err e)
{
	switch ((int)e) {
	case ERR_NOMEM:
	case ERR_IO:
	case ERR_DISK_FULL:
	case ERR_STORE:
	case ERR_CORRUPT:
	case ERR_BUSY: return true;
	default: return false;
	}
}

static enum err judge_give(struct store_judged *j, enum store_op_status bad, enum err e)
{
	if (err_is_ours(e)) return e;
	j->status = e == ERR_OK ? STORE_OP_COMMITTED : bad;
	j->code = e;
	return ERR_OK;
}

static enum err judge_decode(struct arena *arena, const struct store_op *op,
			     enum op_lane_class lane_class, struct store_judged *j)
{
	ENSURE(kind_fits_lane(op->core->kind, lane_class), ERR_BAD_VALUE);
	/* Hours too early or late are no reason to refuse (SECURITY 3.6), decades are. */
	const uint64_t time_ms = op->core->client_time_ms;
	ENSURE(time_ms >= TIME_MS_MIN && time_ms < TIME_MS_END, ERR_BAD_VALUE);
	if (kind_find(op->core->kind) == NULL) return ERR_OK;
	TRY(payload_decode(arena, op->core->kind, op->payload, &j->payload, NULL));
	j->known = true;
	return ERR_OK;
}

enum err store_judge(struct db *db, struct arena *arena, const struct store_op *op,
		     enum op_lane_class lane_class, uint64_t now_ms, struct store_judged *ret)
{
	struct store_judged j = { 0 };
	struct judge_facts facts = { .now_ms = now_ms };
	TRY(judge_give(&j, STORE_OP_QUARANTINED, judge_decode(arena, op, lane_class, &j)));
	if (j.status == STORE_OP_COMMITTED && j.known) TRY(facts_find(db, &j, &facts));
	if (j.status == STORE_OP_COMMITTED) {
		TRY(judge_give(&j, STORE_OP_REJECTED, judge_access(op, &j, &facts)));
	}
	if (j.status == STORE_OP_COMMITTED && j.known) {
		TRY(judge_give(&j, STORE_OP_REJECTED, judge_domain(db, &j, &facts, op)));
	}
	*ret = j;
	return ERR_OK;
}
