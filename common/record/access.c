#include "record/access.h"

#include "base/check.h"

static const struct access_role {
	uint64_t bit;
	const char *name;
} access_roles[] = {
	{ ROLE_OWNER, "owner" }, { ROLE_THERAPIST, "therapist" }, { ROLE_DESK, "desk" },
	{ ROLE_ADMIN, "admin" }, { ROLE_LEAD, "lead" },           { ROLE_STUDENT, "student" },
};

const char *access_role_name(uint64_t role)
{
	for (size_t i = 0; i < COUNT_OF(access_roles); i++) {
		if (access_roles[i].bit == role) return access_roles[i].name;
	}
	return NULL;
}

enum err access_role_parse(struct view name, uint64_t *ret_role)
{
	for (size_t i = 0; i < COUNT_OF(access_roles); i++) {
		if (!view_equal(view_str(access_roles[i].name), name)) continue;
		*ret_role = access_roles[i].bit;
		return ERR_OK;
	}
	return ERR_BAD_VALUE;
}

static bool access_has(uint64_t roles, uint64_t any_of)
{
	return (roles & any_of) != 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* The class is the outer bound, whatever a row says (SECURITY 3.4): the desk sees nothing clinical,
 * admin and owner see no patient's record by that role alone. */
static uint64_t access_bound(const struct kind_info *info)
{
	const uint64_t care = ROLE_THERAPIST | ROLE_LEAD | ROLE_STUDENT;
	switch (info->class) {
	case KIND_CLASS_STAFF:
		/* How the house works is its owner's to say: no patient is in it. */
		return care | ROLE_DESK | (info->patient_field == NULL ? ROLE_OWNER : 0);
	case KIND_CLASS_CLINICAL:
	case KIND_CLASS_SEALED: return care;
	case KIND_CLASS_SYSTEM: break;
	}
	return 0;
}

static bool access_row_reads(const struct kind_info *info, uint64_t roles)
{
	return access_has(roles, info->read & access_bound(info));
}

bool access_may_read(const struct access_read *q)
{
	/* A tombstone says what went and why: it follows its target. */
	const struct kind_info *info =
		kind_find(q->kind == KIND_TOMBSTONE ? q->target_kind : q->kind);
	if (info == NULL) return q->is_author; /* unknown kinds: bytes for their author */
	if (info->read == 0) return q->is_author;
	return access_row_reads(info, q->roles);
}

bool access_may_read_patients(uint64_t roles)
{
	return access_row_reads(kind_find(KIND_PATIENT), roles);
}

bool access_may_read_sessions(uint64_t roles)
{
	return access_row_reads(kind_find(KIND_SESSION_TEXT), roles);
}

/* ---- writing --------------------------------------------------------------------------------- */

static bool access_may_import(uint64_t roles)
{
	return access_has(roles, ROLE_OWNER) && access_has(roles, ROLE_THERAPIST);
}

/* Own session, or one that was brought in, by who may bring in. */
static bool access_owns_session(const struct access_write *q)
{
	if (id_equal(&q->author_id, &q->session_therapist)) return true;
	return q->session_imported && access_may_import(q->roles);
}

/* A student's session is somebody else's to answer for. */
static bool access_needs_supervisor(const struct access_write *q)
{
	return access_has(q->roles, ROLE_STUDENT) && !access_has(q->roles, ROLE_THERAPIST);
}

static enum err access_write_new_frame(const struct access_write *q)
{
	ENSURE(q->frame_has_therapist, ERR_BAD_VALUE);
	ENSURE(q->frame_has_supervisor || !access_needs_supervisor(q), ERR_BAD_VALUE);
	ENSURE(!q->frame_has_supervisor || !id_equal(&q->frame_supervisor, &q->author_id),
	       ERR_BAD_VALUE);
	if (q->frame_has_imported && q->frame_imported) {
		return access_may_import(q->roles) ? ERR_OK : ERR_DENIED;
	}
	return id_equal(&q->author_id, &q->frame_therapist) ? ERR_OK : ERR_DENIED;
}

/* Who, about whom and where it came from are fixed by the first op: otherwise an op could give its
 * author rights over a session that is not his. */
static enum err access_write_frame(const struct access_write *q)
{
	if (!q->session_exists) return access_write_new_frame(q);
	ENSURE(access_owns_session(q), ERR_DENIED);
	ENSURE(id_equal(&q->frame_patient, &q->session_patient), ERR_BAD_VALUE);
	ENSURE(!q->frame_has_therapist || id_equal(&q->frame_therapist, &q->session_therapist),
	       ERR_BAD_VALUE);
	ENSURE(!q->frame_has_supervisor || id_equal(&q->frame_supervisor, &q->session_supervisor),
	       ERR_BAD_VALUE);
	ENSURE(!q->frame_has_imported || q->frame_imported == q->session_imported, ERR_BAD_VALUE);
	return ERR_OK;
}

static enum err access_write_own_session(const struct access_write *q)
{
	ENSURE(q->session_exists, ERR_NOT_FOUND);
	ENSURE(access_owns_session(q), ERR_DENIED);
	return ERR_OK;
}

/* A hold is lifted and a directive is ended, so that both stay seen; what was opened is answered
 * for. */
static bool access_is_never_erased(uint64_t kind)
{
	return kind == KIND_LEGAL_HOLD || kind == KIND_DIRECTIVE || kind == KIND_DIRECTIVE_END ||
	       kind == KIND_OVERRIDE || kind == KIND_REVIEW_MARK;
}

/* The author of the target, or an owner for what the server can read (SECURITY 3.8). */
static enum err access_write_tombstone(const struct access_write *q)
{
	ENSURE(q->target_exists, ERR_NOT_FOUND);
	/* An erased tombstone would bring nothing back; erasing erasure only hides the reason. */
	ENSURE(q->target_kind != KIND_TOMBSTONE && q->target_kind != KIND_SEALED_TOMBSTONE,
	       ERR_DENIED);
	/* A register that forgets is none (BC4, CA1, ON7). */
	ENSURE(!q->target_kept && !access_is_never_erased(q->target_kind), ERR_DENIED);
	/* A chart tombstone is seen by others: a sealed target has a kind of its own. */
	const struct kind_info *target = kind_find(q->target_kind);
	ENSURE(target == NULL || target->lane == LANE_CHART, ERR_DENIED);
	const bool owner = target != NULL && access_has(q->roles, ROLE_OWNER);
	ENSURE(owner || id_equal(&q->author_id, &q->target_author), ERR_DENIED);
	/* Signed content goes by retention, which is an owner's doing, never by its author's. */
	ENSURE(owner || (!q->target_signed && q->target_kind != KIND_SIGN), ERR_SIGNED);
	return ERR_OK;
}

static enum err access_write_sealed_tombstone(const struct access_write *q)
{
	ENSURE(q->target_exists, ERR_NOT_FOUND);
	ENSURE(q->target_kind == KIND_NOTE, ERR_DENIED);
	return id_equal(&q->author_id, &q->target_author) ? ERR_OK : ERR_DENIED;
}

enum err access_may_write(const struct access_write *q)
{
	const struct kind_info *info = kind_find(q->kind);
	ENSURE(q->roles != 0, ERR_DENIED);
	if (info == NULL) return ERR_OK; /* bytes that only their author will see */
	if (info->kind == KIND_TOMBSTONE) return access_write_tombstone(q);

	ENSURE(access_has(q->roles, info->write & access_bound(info)), ERR_DENIED);
	switch (info->kind) {
	case KIND_SESSION_FRAME: return access_write_frame(q);
	case KIND_SESSION_TEXT:
	case KIND_MEASURE:
	case KIND_SIGN: return access_write_own_session(q);
	case KIND_ADDENDUM: return q->session_exists ? ERR_OK : ERR_NOT_FOUND;
	case KIND_SEALED_TOMBSTONE: return access_write_sealed_tombstone(q);
	case KIND_ANY_PLAIN: return info->own_session ? access_write_own_session(q) : ERR_OK;
	case KIND_PATIENT:
	case KIND_OPENED:
	case KIND_NOTE:
	case KIND_TOMBSTONE: break;
	}
	return ERR_OK;
}
