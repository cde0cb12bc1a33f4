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

/* ---- the table of SECURITY 3.4 until issue 03: who of other people may see a kind ------------ */

static const struct access_row {
	enum kind kind;
	uint64_t read;  /* roles that see it whoever wrote it */
	uint64_t write; /* roles that may write one, other conditions apart */
	bool to_author; /* the author sees it without any role */
} access_rows[] = {
	{ KIND_PATIENT, ROLE_THERAPIST | ROLE_DESK, ROLE_THERAPIST | ROLE_DESK, false },
	{ KIND_SESSION_FRAME, ROLE_THERAPIST, ROLE_THERAPIST, false },
	{ KIND_SESSION_TEXT, ROLE_THERAPIST, ROLE_THERAPIST, false },
	{ KIND_MEASURE, ROLE_THERAPIST, ROLE_THERAPIST, false },
	{ KIND_SIGN, ROLE_THERAPIST, ROLE_THERAPIST, false },
	{ KIND_ADDENDUM, ROLE_THERAPIST, ROLE_THERAPIST, false },
	{ KIND_OPENED, 0, ROLE_THERAPIST | ROLE_DESK, true },
	{ KIND_NOTE, 0, ROLE_THERAPIST, true },
	{ KIND_SEALED_TOMBSTONE, 0, ROLE_THERAPIST, true },
};

static const struct access_row *access_find(uint64_t kind)
{
	for (size_t i = 0; i < COUNT_OF(access_rows); i++) {
		if ((uint64_t)access_rows[i].kind == kind) return &access_rows[i];
	}
	return NULL;
}

bool access_may_read(const struct access_read *q)
{
	/* A tombstone says what went and why: it follows its target. */
	const uint64_t kind = q->kind == KIND_TOMBSTONE ? q->target_kind : q->kind;
	const struct access_row *row = access_find(kind);
	if (row == NULL) return q->is_author; /* unknown kinds: bytes for their author */
	if (row->to_author) return q->is_author;
	return access_has(q->roles, row->read);
}

bool access_may_read_patients(uint64_t roles)
{
	return access_has(roles, access_find(KIND_PATIENT)->read);
}

bool access_may_read_sessions(uint64_t roles)
{
	return access_has(roles, access_find(KIND_SESSION_TEXT)->read);
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

static enum err access_write_new_frame(const struct access_write *q)
{
	ENSURE(q->frame_has_therapist, ERR_BAD_VALUE);
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
	ENSURE(!q->frame_has_imported || q->frame_imported == q->session_imported, ERR_BAD_VALUE);
	return ERR_OK;
}

static enum err access_write_own_session(const struct access_write *q)
{
	ENSURE(q->session_exists, ERR_NOT_FOUND);
	ENSURE(access_owns_session(q), ERR_DENIED);
	return ERR_OK;
}

/* The author of the target, or an owner for what the server can read (SECURITY 3.8). */
static enum err access_write_tombstone(const struct access_write *q)
{
	ENSURE(q->target_exists, ERR_NOT_FOUND);
	/* An erased tombstone would bring nothing back; erasing erasure only hides the reason. */
	ENSURE(q->target_kind != KIND_TOMBSTONE && q->target_kind != KIND_SEALED_TOMBSTONE,
	       ERR_DENIED);
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

	const struct access_row *row = access_find(q->kind);
	INSIST(row != NULL);
	ENSURE(access_has(q->roles, row->write), ERR_DENIED);
	switch (info->kind) {
	case KIND_SESSION_FRAME: return access_write_frame(q);
	case KIND_SESSION_TEXT:
	case KIND_MEASURE:
	case KIND_SIGN: return access_write_own_session(q);
	case KIND_ADDENDUM: return q->session_exists ? ERR_OK : ERR_NOT_FOUND;
	case KIND_SEALED_TOMBSTONE: return access_write_sealed_tombstone(q);
	case KIND_PATIENT:
	case KIND_OPENED:
	case KIND_NOTE:
	case KIND_TOMBSTONE: break;
	}
	return ERR_OK;
}
