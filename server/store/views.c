/* views: what the ops say, kept up to date op by op. The rule is record/fold.h's; a test
 * compares the two over random schedules, and store_check compares the tables with a rebuild
 * through this file.
 *
 * After an op the marks of its session are computed again, by set: no order of arrival has to be
 * thought through. The two usual ops, an edit of a draft and a new measure, touch only their own
 * rows, so that a session's cost does not grow with its length. */
#include "base/check.h"
#include "record/fold.h"
#include "server/store/store_priv.h"

static struct db_arg bytes_of(ProtobufCBinaryData data)
{
	return db_blob(view_of(data.data, data.len));
}

static struct db_arg maybe_bytes(protobuf_c_boolean have, ProtobufCBinaryData data)
{
	return db_maybe(have != 0, bytes_of(data));
}

/* ---- patients -------------------------------------------------------------------------------- */

static enum err patient_row(struct db *db, ProtobufCBinaryData patient_id, uint64_t *ret_patient)
{
	return db_get_u64(db, "SELECT patient FROM patient WHERE patient_id = ?1",
			  DB_ARGS(bytes_of(patient_id)), ret_patient);
}

#define PATIENT_SET(column)                                                                        \
	"UPDATE patient SET " column " = (SELECT value FROM patient_history"                       \
	" WHERE patient = ?1 AND field = ?2 ORDER BY seq DESC LIMIT 1) WHERE patient = ?1"

static const char *const patient_set[PATIENT_FIELD_COUNT] = {
	[PATIENT_NAME] = PATIENT_SET("name"),   [PATIENT_NAME_USED] = PATIENT_SET("name_used"),
	[PATIENT_BORN] = PATIENT_SET("born"),   [PATIENT_PHONE] = PATIENT_SET("phone"),
	[PATIENT_EMAIL] = PATIENT_SET("email"),
};

static enum err patient_refresh(struct db *db, uint64_t patient)
{
	for (size_t i = 0; i < PATIENT_FIELD_COUNT; i++) {
		TRY(db_run(db, patient_set[i], DB_ARGS(db_u64(patient), db_u64(i))));
	}
	return ERR_OK;
}

static enum err apply_patient(struct db *db, const struct view_op *op)
{
	const struct Roomkeep__Patient *m = op->payload->is.patient;
	const char *const texts[PATIENT_FIELD_COUNT] = {
		[PATIENT_NAME] = m->name,   [PATIENT_NAME_USED] = m->name_used,
		[PATIENT_BORN] = m->born,   [PATIENT_PHONE] = m->phone,
		[PATIENT_EMAIL] = m->email,
	};
	uint64_t patient = 0;
	TRY(db_run(db, "INSERT INTO patient (patient_id) VALUES (?1) ON CONFLICT DO NOTHING",
		   DB_ARGS(bytes_of(m->patient_id))));
	TRY(patient_row(db, m->patient_id, &patient));
	for (size_t i = 0; i < PATIENT_FIELD_COUNT; i++) {
		if (texts[i] == NULL) continue;
		TRY(db_run(db,
			   "INSERT INTO patient_history (patient, field, seq, value)"
			   " VALUES (?1, ?2, ?3, ?4)",
			   DB_ARGS(db_u64(patient), db_u64(i), db_u64(op->seq),
				   db_text(view_str(texts[i])))));
	}
	return patient_refresh(db, patient);
}

static enum err erase_patient(struct db *db, uint64_t seq)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	bool row = false;
	TRY(db_query(db, "SELECT patient FROM patient_history WHERE seq = ?1", DB_ARGS(db_u64(seq)),
		     &stmt));
	TRY(db_step(stmt, &row));
	if (!row) return ERR_OK;
	const uint64_t patient = db_col_u64(stmt, 0);
	TRY(db_run(db, "DELETE FROM patient_history WHERE patient = ?1 AND seq = ?2",
		   DB_ARGS(db_u64(patient), db_u64(seq))));
	return patient_refresh(db, patient);
}

/* ---- marks of a session ---------------------------------------------------------------------- */

#define SIGN_SEQ "(SELECT sign_seq FROM session WHERE session = ?1)"
#define COVERED_BY_SIGN(row)                                                                       \
	"EXISTS (SELECT 1 FROM sign_covered c WHERE c.seq = " SIGN_SEQ " AND c.op_id = " row       \
	".op_id)"
/* Part of what is shown, as far as a Sign decides. */
#define COUNTS(row) "(" SIGN_SEQ " IS NULL OR " row ".covered = 1)"

static enum err run_on_session(struct db *db, const char *sql, uint64_t session)
{
	return db_run(db, sql, DB_ARGS(db_u64(session)));
}

static enum err refresh_frames(struct db *db, uint64_t session)
{
	/* The first frame made the session: it is covered whatever the Sign says. */
	TRY(run_on_session(
		db,
		"UPDATE session_frame SET covered = n.v FROM (SELECT f.seq, " SIGN_SEQ
		" IS NOT NULL AND (" COVERED_BY_SIGN(
			"f") " OR f.seq ="
			     " (SELECT min(seq) FROM session_frame WHERE session = ?1)) AS v"
			     " FROM session_frame f WHERE f.session = ?1) AS n"
			     " WHERE n.seq = session_frame.seq AND session_frame.covered IS NOT "
			     "n.v",
		session));
	TRY(run_on_session(db,
			   "UPDATE session_frame SET late = NOT " COUNTS(
				   "session_frame") " WHERE session = ?1 AND late IS NOT "
						    "(NOT " COUNTS("session_frame") ")",
			   session));
	return run_on_session(
		db,
		"UPDATE session SET"
		" room_id = (SELECT f.room_id FROM session_frame f WHERE f.session = ?1"
		"  AND f.room_id IS NOT NULL AND f.late = 0 ORDER BY f.seq DESC LIMIT 1),"
		" started_ms = (SELECT f.started_ms FROM session_frame f WHERE f.session = ?1"
		"  AND f.started_ms IS NOT NULL AND f.late = 0 ORDER BY f.seq DESC LIMIT 1),"
		" ended_ms = (SELECT f.ended_ms FROM session_frame f WHERE f.session = ?1"
		"  AND f.ended_ms IS NOT NULL AND f.late = 0 ORDER BY f.seq DESC LIMIT 1)"
		" WHERE session = ?1",
		session);
}

static enum err refresh_texts_signed(struct db *db, uint64_t session)
{
	TRY(run_on_session(
		db,
		"UPDATE session_text SET covered = n.v FROM (SELECT t.seq, " COVERED_BY_SIGN(
			"t") " AS v FROM session_text t WHERE t.session = ?1) AS n"
			     " WHERE n.seq = session_text.seq AND session_text.covered IS NOT n.v",
		session));
	TRY(run_on_session(
		db,
		"WITH RECURSIVE ancestor (op_id) AS ("
		" SELECT p.op_id FROM session_text t JOIN session_text_parent l ON l.seq = t.seq"
		"  JOIN session_text p ON p.op_id = l.parent AND p.session = ?1 AND p.field = "
		"t.field"
		"  WHERE t.session = ?1 AND t.covered = 1"
		" UNION"
		" SELECT p.op_id FROM ancestor a JOIN session_text t ON t.op_id = a.op_id"
		"  JOIN session_text_parent l ON l.seq = t.seq"
		"  JOIN session_text p ON p.op_id = l.parent AND p.session = ?1 AND p.field = "
		"t.field)"
		" UPDATE session_text SET replaced = n.v FROM (SELECT t.seq,"
		"  t.op_id IN (SELECT op_id FROM ancestor) AS v"
		"  FROM session_text t WHERE t.session = ?1) AS n"
		" WHERE n.seq = session_text.seq AND session_text.replaced IS NOT n.v",
		session));
	return run_on_session(db,
			      "UPDATE session_text SET late = n.v FROM (SELECT t.seq,"
			      " t.covered = 0 AND t.replaced = 0 AND t.erased = 0 AS v"
			      " FROM session_text t WHERE t.session = ?1) AS n"
			      " WHERE n.seq = session_text.seq AND session_text.late IS NOT n.v",
			      session);
}

static enum err refresh_heads(struct db *db, uint64_t session)
{
	TRY(run_on_session(
		db,
		"UPDATE session_text SET head = n.v FROM (SELECT t.seq, " COUNTS(
			"t") " AND t.replaced = 0 AND NOT EXISTS ("
			     "  SELECT 1 FROM session_text_parent l JOIN session_text e ON e.seq = "
			     "l.seq"
			     "  WHERE l.parent = t.op_id AND e.seq <> t.seq AND e.session = ?1"
			     "  AND e.field = t.field AND " COUNTS(
				     "e") ") AS v"
					  " FROM session_text t WHERE t.session = ?1) AS n"
					  " WHERE n.seq = session_text.seq AND session_text.head "
					  "IS NOT n.v",
		session));
	/* A ring of forged parents leaves no head: then all stand. */
	return run_on_session(
		db,
		"UPDATE session_text SET head = 1 FROM (SELECT t.seq FROM session_text t"
		" WHERE t.session = ?1 AND " COUNTS("t") " AND t.field NOT IN"
							 " (SELECT field FROM session_text WHERE "
							 "session = ?1 AND head = 1)) AS n"
							 " WHERE n.seq = session_text.seq",
		session);
}

static enum err refresh_texts(struct db *db, uint64_t session)
{
	uint64_t is_signed = 0;
	TRY(db_get_u64(db, "SELECT sign_seq IS NOT NULL FROM session WHERE session = ?1",
		       DB_ARGS(db_u64(session)), &is_signed));
	if (is_signed != 0) TRY(refresh_texts_signed(db, session));
	return refresh_heads(db, session);
}

static enum err session_is_draft(struct db *db, uint64_t session, bool *ret_draft)
{
	uint64_t draft = 0;
	TRY(db_get_u64(db, "SELECT sign_seq IS NULL FROM session WHERE session = ?1",
		       DB_ARGS(db_u64(session)), &draft));
	*ret_draft = draft != 0;
	return ERR_OK;
}

/* The usual edit: of a draft, by an op that nobody has named yet, over heads that nobody has named.
 * Then only the new op and its parents change their marks, however long the history is. A head that
 * is named by another op belongs to a ring (refresh_heads). */
static enum err text_is_plain_edit(struct db *db, const struct view_op *op, uint64_t session,
				   uint64_t field, bool *ret_plain)
{
	uint64_t odd = 0;
	TRY(session_is_draft(db, session, ret_plain));
	if (!*ret_plain) return ERR_OK;
	TRY(db_get_u64(db,
		       "SELECT EXISTS (SELECT 1 FROM session_text_parent WHERE parent = ?1)"
		       " OR EXISTS (SELECT 1 FROM session_text t"
		       "  JOIN session_text_parent l ON l.parent = t.op_id"
		       "  JOIN session_text e ON e.seq = l.seq AND e.seq <> ?4 AND e.seq <> t.seq"
		       "   AND e.session = t.session AND e.field = t.field"
		       "  WHERE t.session = ?2 AND t.field = ?3 AND t.head = 1)",
		       DB_ARGS(db_blob(id_view(&op->op_id)), db_u64(session), db_u64(field),
			       db_u64(op->seq)),
		       &odd));
	*ret_plain = odd == 0;
	return ERR_OK;
}

static enum err mark_plain_edit(struct db *db, const struct view_op *op, uint64_t session,
				uint64_t field)
{
	TRY(db_run(db,
		   "UPDATE session_text SET head = 0 WHERE session = ?1 AND field = ?2 AND head = 1"
		   " AND op_id IN (SELECT parent FROM session_text_parent WHERE seq = ?3)",
		   DB_ARGS(db_u64(session), db_u64(field), db_u64(op->seq))));
	return db_run(db, "UPDATE session_text SET head = 1 WHERE seq = ?1",
		      DB_ARGS(db_u64(op->seq)));
}

static enum err refresh_measures(struct db *db, uint64_t session)
{
	TRY(run_on_session(db,
			   "UPDATE measure SET covered = n.v FROM (SELECT m.seq, " COVERED_BY_SIGN(
				   "m") " AS v FROM measure m WHERE m.session = ?1) AS n"
					" WHERE n.seq = measure.seq AND measure.covered IS NOT n.v",
			   session));
	/* Of one measure_id one op is looked at: a covered one, else the oldest. */
	return run_on_session(db,
			      "UPDATE measure SET stands = n.chosen AND n.counts, late = n.chosen "
			      "AND NOT n.counts"
			      " FROM (SELECT m.seq, " COUNTS(
				      "m") " AS counts, m.erased = 0 AND 1 = row_number()"
					   "  OVER (PARTITION BY m.measure_id ORDER BY m.covered "
					   "DESC, m.seq) AS chosen"
					   "  FROM measure m WHERE m.session = ?1) AS n WHERE "
					   "n.seq = measure.seq AND"
					   " (measure.stands IS NOT (n.chosen AND n.counts)"
					   "  OR measure.late IS NOT (n.chosen AND NOT n.counts))",
			      session);
}

static enum err refresh_addenda(struct db *db, uint64_t session)
{
	TRY(run_on_session(
		db,
		"UPDATE addendum SET covered = n.v FROM (SELECT a.seq, " COVERED_BY_SIGN(
			"a") " AS v FROM addendum a WHERE a.session = ?1) AS n"
			     " WHERE n.seq = addendum.seq AND addendum.covered IS NOT n.v",
		session));
	return run_on_session(
		db,
		"UPDATE addendum SET stands = n.v FROM (SELECT a.seq, a.erased = 0 AND 1 ="
		"  row_number() OVER (PARTITION BY a.addendum_id ORDER BY a.covered DESC, a.seq) "
		"AS v"
		"  FROM addendum a WHERE a.session = ?1) AS n"
		" WHERE n.seq = addendum.seq AND addendum.stands IS NOT n.v",
		session);
}

/* ---- sessions -------------------------------------------------------------------------------- */

static enum err session_row(struct db *db, struct db_arg session_id, uint64_t *ret_session)
{
	return db_get_u64(db, "SELECT session FROM session WHERE session_id = ?1",
			  DB_ARGS(session_id), ret_session);
}

static enum err apply_frame(struct db *db, const struct view_op *op)
{
	const struct Roomkeep__SessionFrame *m = op->payload->is.session_frame;
	uint64_t patient = 0;
	uint64_t session = 0;
	TRY(patient_row(db, m->patient_id, &patient));
	/* Who, about whom and where from: the first frame says it, no later one changes it. */
	TRY(db_run(db,
		   "INSERT INTO session (session_id, patient, therapist_id, imported,"
		   " first_started_ms, supervisor_id) SELECT ?1, ?2, ?3, ?4, ?5, ?6"
		   " WHERE NOT EXISTS (SELECT 1 FROM session WHERE session_id = ?1)",
		   DB_ARGS(bytes_of(m->session_id), db_u64(patient),
			   maybe_bytes(m->has_therapist_id, m->therapist_id),
			   db_u64(m->has_imported != 0 && m->imported != 0),
			   db_maybe(m->has_started_ms != 0, db_u64(m->started_ms)),
			   maybe_bytes(m->has_supervisor_id, m->supervisor_id))));
	TRY(session_row(db, bytes_of(m->session_id), &session));
	TRY(db_run(db,
		   "INSERT INTO session_frame (seq, session, op_id, room_id, started_ms, ended_ms)"
		   " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		   DB_ARGS(db_u64(op->seq), db_u64(session), db_blob(id_view(&op->op_id)),
			   maybe_bytes(m->has_room_id, m->room_id),
			   db_maybe(m->has_started_ms != 0, db_u64(m->started_ms)),
			   db_maybe(m->has_ended_ms != 0, db_u64(m->ended_ms)))));
	return refresh_frames(db, session);
}

static enum err apply_text(struct db *db, const struct view_op *op)
{
	const struct Roomkeep__SessionText *m = op->payload->is.session_text;
	uint64_t session = 0;
	TRY(session_row(db, bytes_of(m->session_id), &session));
	TRY(db_run(db,
		   "INSERT INTO session_text (seq, session, op_id, field, text)"
		   " VALUES (?1, ?2, ?3, ?4, ?5)",
		   DB_ARGS(db_u64(op->seq), db_u64(session), db_blob(id_view(&op->op_id)),
			   db_u64(m->field), db_text(view_str(m->text)))));
	for (size_t i = 0; i < m->n_parents; i++) {
		TRY(db_run(db, "INSERT INTO session_text_parent (seq, parent) VALUES (?1, ?2)",
			   DB_ARGS(db_u64(op->seq), bytes_of(m->parents[i]))));
	}
	bool plain = false;
	TRY(text_is_plain_edit(db, op, session, m->field, &plain));
	return plain ? mark_plain_edit(db, op, session, m->field) : refresh_texts(db, session);
}

static enum err apply_measure(struct db *db, const struct view_op *op)
{
	const struct Roomkeep__Measure *m = op->payload->is.measure;
	uint64_t session = 0;
	TRY(session_row(db, bytes_of(m->session_id), &session));
	TRY(db_run(
		db,
		"INSERT INTO measure (seq, session, op_id, measure_id, ref, catalogue, phase, side,"
		" value_milli, unit, result, at_ms, mode, position, method, end_feel,"
		" skipped_reason, pain_at_end, limited_by, rater_id, pair_id)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
		" ?17, ?18, ?19, ?20, ?21)",
		DB_ARGS(db_u64(op->seq), db_u64(session), db_blob(id_view(&op->op_id)),
			bytes_of(m->measure_id), db_text(view_str(m->ref)), db_u64(m->catalogue),
			db_u64(m->phase), db_maybe(m->has_side != 0, db_u64(m->side)),
			db_maybe(m->has_value_milli != 0, db_i64(m->value_milli)),
			db_maybe(m->unit != NULL, db_text(view_str(m->unit))),
			db_maybe(m->has_result != 0, db_u64(m->result)), db_u64(m->at_ms),
			db_maybe(m->has_mode != 0, db_u64(m->mode)),
			db_maybe(m->has_position != 0, db_u64(m->position)),
			db_maybe(m->has_method != 0, db_u64(m->method)),
			db_maybe(m->has_end_feel != 0, db_u64(m->end_feel)),
			db_maybe(m->has_skipped_reason != 0, db_u64(m->skipped_reason)),
			db_maybe(m->has_pain_at_end != 0, db_u64(m->pain_at_end)),
			db_maybe(m->limited_by != NULL, db_text(view_str(m->limited_by))),
			db_maybe(m->has_rater_id != 0, bytes_of(m->rater_id)),
			db_maybe(m->has_pair_id != 0, bytes_of(m->pair_id)))));
	bool draft = false;
	uint64_t same = 0;
	TRY(session_is_draft(db, session, &draft));
	TRY(db_get_u64(db, "SELECT count(*) FROM measure WHERE measure_id = ?1 AND session = ?2",
		       DB_ARGS(bytes_of(m->measure_id), db_u64(session)), &same));
	/* The usual row: of a draft, and the only one of its id. */
	if (draft && same == 1) {
		return db_run(db, "UPDATE measure SET stands = 1 WHERE seq = ?1",
			      DB_ARGS(db_u64(op->seq)));
	}
	return refresh_measures(db, session);
}

static enum err apply_addendum(struct db *db, const struct view_op *op)
{
	const struct Roomkeep__Addendum *m = op->payload->is.addendum;
	uint64_t session = 0;
	TRY(session_row(db, bytes_of(m->session_id), &session));
	TRY(db_run(db,
		   "INSERT INTO addendum (seq, session, op_id, addendum_id, text)"
		   " VALUES (?1, ?2, ?3, ?4, ?5)",
		   DB_ARGS(db_u64(op->seq), db_u64(session), db_blob(id_view(&op->op_id)),
			   bytes_of(m->addendum_id), db_text(view_str(m->text)))));
	return refresh_addenda(db, session);
}

static enum err apply_sign(struct db *db, const struct view_op *op)
{
	const struct Roomkeep__Sign *m = op->payload->is.sign;
	uint64_t session = 0;
	TRY(session_row(db, bytes_of(m->session_id), &session));
	TRY(db_run(db,
		   "INSERT INTO sign (seq, session, op_id, author_id, values_hash)"
		   " VALUES (?1, ?2, ?3, ?4, ?5)",
		   DB_ARGS(db_u64(op->seq), db_u64(session), db_blob(id_view(&op->op_id)),
			   db_blob(id_view(&op->author_id)), bytes_of(m->values_hash))));
	for (size_t i = 0; i < m->n_covered; i++) {
		TRY(db_run(db, "INSERT INTO sign_covered (seq, op_id) VALUES (?1, ?2)",
			   DB_ARGS(db_u64(op->seq), bytes_of(m->covered[i]))));
	}
	TRY(run_on_session(db,
			   "UPDATE session SET sign_seq = (SELECT g.seq FROM sign g"
			   " WHERE g.session = ?1 AND (session.imported = 1"
			   "  OR g.author_id = session.therapist_id) ORDER BY g.seq LIMIT 1)"
			   " WHERE session = ?1",
			   session));
	TRY(refresh_frames(db, session));
	TRY(refresh_texts(db, session));
	TRY(refresh_measures(db, session));
	return refresh_addenda(db, session);
}

/* ---- tombstones ------------------------------------------------------------------------------ */

/* What is named goes from the views at once; its place in the merge stays (record/fold.h).
 * Frames and Signs hold no words: they stay as they are. */
static enum err apply_tombstone(struct db *db, const struct view_op *op)
{
	const struct db_arg seq = db_u64(op->target_seq);
	const struct kind_info *target = kind_find(op->target_kind);
	uint64_t session = 0;
	if (target != NULL && kind_is_plain(target)) {
		return record_view_erase(db, target, op->target_seq);
	}
	switch (op->target_kind) {
	case KIND_PATIENT: return erase_patient(db, op->target_seq);
	case KIND_SESSION_TEXT:
		TRY(session_row(db, db_id(&op->target_session), &session));
		TRY(db_run(db, "UPDATE session_text SET text = '', erased = 1 WHERE seq = ?1",
			   DB_ARGS(seq)));
		return refresh_texts(db, session);
	case KIND_MEASURE:
		TRY(session_row(db, db_id(&op->target_session), &session));
		TRY(db_run(
			db,
			"UPDATE measure SET ref = '', catalogue = 0, phase = 0, side = NULL,"
			" value_milli = NULL, unit = NULL, result = NULL, at_ms = 0, mode = NULL,"
			" position = NULL, method = NULL, end_feel = NULL, skipped_reason = NULL,"
			" pain_at_end = NULL, limited_by = NULL, rater_id = NULL, pair_id = NULL,"
			" erased = 1"
			" WHERE seq = ?1",
			DB_ARGS(seq)));
		return refresh_measures(db, session);
	case KIND_ADDENDUM:
		TRY(session_row(db, db_id(&op->target_session), &session));
		TRY(db_run(db, "UPDATE addendum SET text = '', erased = 1 WHERE seq = ?1",
			   DB_ARGS(seq)));
		return refresh_addenda(db, session);
	default: return ERR_OK;
	}
}

enum err views_apply(struct db *db, const struct view_op *op)
{
	switch (op->payload->info->kind) {
	case KIND_PATIENT: return apply_patient(db, op);
	case KIND_SESSION_FRAME: return apply_frame(db, op);
	case KIND_SESSION_TEXT: return apply_text(db, op);
	case KIND_MEASURE: return apply_measure(db, op);
	case KIND_SIGN: return apply_sign(db, op);
	case KIND_ADDENDUM: return apply_addendum(db, op);
	case KIND_TOMBSTONE: return apply_tombstone(db, op);
	case KIND_OPENED:
	case KIND_NOTE:
	case KIND_SEALED_TOMBSTONE: return ERR_OK;
	case KIND_ANY_PLAIN: return record_view_apply(db, op);
	}
	return ERR_OK;
}
