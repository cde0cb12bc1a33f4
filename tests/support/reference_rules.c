/* reference_rules: who may read and write what (SECURITY 3.4, 3.8), from the ops alone. */
#include "base/cleanup.h"
#include "base/limits.h"
#include "support/reference_priv.h"

#define OWNER 1u
#define THERAPIST 2u
#define DESK 4u
#define LEAD 16u
#define STUDENT 32u
#define CARE (THERAPIST | LEAD | STUDENT)

static bool same_bytes(ProtobufCBinaryData a, ProtobufCBinaryData b)
{
	return view_equal(view_of(a.data, a.len), view_of(b.data, b.len));
}

/* Plain records that the desk works with; all others are for who treats. */
bool reference_is_desk_work(uint64_t kind)
{
	return kind == KIND_PATIENT_DETAIL || kind == KIND_COMFORT || kind == KIND_PROVIDER ||
	       kind == KIND_APPOINTMENT || kind == KIND_WAITLIST_ITEM || kind == KIND_INCIDENT ||
	       kind == KIND_DESK_FAMILY_LINK || kind == KIND_SHARING_GRANT ||
	       kind == KIND_PATIENT_MERGE;
}

/* How the house works: about no patient. */
bool reference_is_of_the_house(uint64_t kind)
{
	return kind == KIND_SHIFT || kind == KIND_CLOSED_DAY || kind == KIND_ROOM_SETTING ||
	       kind == KIND_STAFF_PROFILE || kind == KIND_CLINIC_PROFILE;
}

/* Written by who treats in the session, and by nobody else. */
static bool is_of_one_session(uint64_t kind)
{
	return kind >= KIND_SESSION_CHART && kind <= KIND_MISFILING;
}

/* What is signed with the session; the mark of the wrong chart comes after. */
static bool is_signed_with_session(uint64_t kind)
{
	return is_of_one_session(kind) && kind != KIND_MISFILING;
}

static bool is_sealed(uint64_t kind)
{
	return kind == KIND_NOTE || kind == KIND_SEALED_TOMBSTONE;
}

bool reference_may_read(uint64_t kind, uint64_t target_kind, uint64_t roles, bool is_author)
{
	if (kind == KIND_TOMBSTONE) kind = target_kind;
	if (kind_find(kind) == NULL || kind == KIND_TOMBSTONE) return is_author;
	if (is_sealed(kind) || kind == KIND_OPENED) return is_author;
	if (kind == KIND_PATIENT || reference_is_desk_work(kind))
		return (roles & (CARE | DESK)) != 0;
	if (reference_is_of_the_house(kind)) return (roles & (OWNER | CARE | DESK)) != 0;
	if (kind == KIND_REVIEW_MARK) return (roles & (OWNER | LEAD)) != 0;
	return (roles & CARE) != 0; /* everything of a session, and clinical records */
}

/* ---- writing ------------------------------------------------------------------------- */

struct judging {
	const struct reference *r;
	const struct reference_op *op;
	uint64_t roles;
	struct payload p;
};

static bool has_patient(const struct reference *r, const struct id *patient_id)
{
	for (size_t i = 0; i < r->count; i++) {
		if (r->ops[i].kind == KIND_PATIENT && id_equal(&r->ops[i].patient_id, patient_id))
			return true;
	}
	return false;
}

static bool may_import(uint64_t roles)
{
	return (roles & OWNER) != 0 && (roles & THERAPIST) != 0;
}

/* Is it the author's session, or one brought in by somebody who may bring in? */
static bool owns(const struct judging *j, const struct entry *frame)
{
	const Roomkeep__SessionFrame *m = frame->payload.is.session_frame;
	const struct id therapist = reference_id(m->therapist_id);
	if (id_equal(&therapist, &j->op->author_id)) return true;
	return m->has_imported && m->imported && may_import(j->roles);
}

static enum err judge_frame_again(const struct judging *j, const struct entry *frame)
{
	const Roomkeep__SessionFrame *was = frame->payload.is.session_frame;
	const Roomkeep__SessionFrame *m = j->p.is.session_frame;
	const bool same_patient = same_bytes(was->patient_id, m->patient_id);
	const bool same_therapist = !m->has_therapist_id ||
				    same_bytes(was->therapist_id, m->therapist_id);
	const bool was_imported = was->has_imported && was->imported;
	const bool same_supervisor = !m->has_supervisor_id ||
				     same_bytes(was->supervisor_id, m->supervisor_id);
	const bool same_import = !m->has_imported || (m->imported != 0) == was_imported;
	if (!owns(j, frame)) return ERR_DENIED;
	return same_patient && same_therapist && same_supervisor && same_import ? ERR_OK
										: ERR_BAD_VALUE;
}

static enum err judge_frame(const struct judging *j)
{
	const Roomkeep__SessionFrame *m = j->p.is.session_frame;
	const struct id session_id = reference_id(m->session_id);
	const struct id patient_id = reference_id(m->patient_id);
	const struct id therapist_id = reference_id(m->therapist_id);
	const struct entry *frame = reference_first_frame(j->r, &session_id);
	if ((j->roles & CARE) == 0) return ERR_DENIED;
	if (frame != NULL) return judge_frame_again(j, frame);
	if (!m->has_therapist_id) return ERR_BAD_VALUE;
	const bool student = (j->roles & STUDENT) != 0 && (j->roles & THERAPIST) == 0;
	const struct id supervisor_id = reference_id(m->supervisor_id);
	if (student && !m->has_supervisor_id) return ERR_BAD_VALUE;
	if (m->has_supervisor_id && id_equal(&supervisor_id, &j->op->author_id))
		return ERR_BAD_VALUE;
	const bool own = id_equal(&therapist_id, &j->op->author_id);
	const bool imported = m->has_imported && m->imported;
	if (imported ? !may_import(j->roles) : !own) return ERR_DENIED;
	if (!has_patient(j->r, &patient_id)) return ERR_NOT_FOUND;
	return m->has_room_id && m->has_started_ms ? ERR_OK : ERR_BAD_VALUE;
}

static enum err judge_in_session(const struct judging *j, ProtobufCBinaryData session, bool own)
{
	const struct id session_id = reference_id(session);
	const struct entry *frame = reference_first_frame(j->r, &session_id);
	if ((j->roles & CARE) == 0) return ERR_DENIED;
	if (frame == NULL) return ERR_NOT_FOUND;
	return !own || owns(j, frame) ? ERR_OK : ERR_DENIED;
}

/* Who names a Sign as what is replaced has seen that the session is signed. */
static enum err judge_text(const struct judging *j)
{
	const Roomkeep__SessionText *m = j->p.is.session_text;
	TRY(judge_in_session(j, m->session_id, true));
	for (size_t i = 0; i < m->n_parents; i++) {
		const struct id parent = reference_id(m->parents[i]);
		const struct entry *e = reference_find(j->r, &parent);
		if (e != NULL && e->kind == KIND_SIGN) return ERR_SIGNED;
	}
	return ERR_OK;
}

static enum err judge_opened(const struct judging *j)
{
	const Roomkeep__Opened *m = j->p.is.opened;
	const struct id patient_id = reference_id(m->patient_id);
	if ((j->roles & (CARE | DESK)) == 0) return ERR_DENIED;
	if (!has_patient(j->r, &patient_id)) return ERR_NOT_FOUND;
	if (!m->has_session_id) return ERR_OK;
	const struct id session_id = reference_id(m->session_id);
	const struct entry *frame = reference_first_frame(j->r, &session_id);
	if (frame == NULL) return ERR_NOT_FOUND;
	return same_bytes(frame->payload.is.session_frame->patient_id, m->patient_id)
		       ? ERR_OK
		       : ERR_BAD_VALUE;
}

static bool is_signed_content(const struct judging *j, const struct entry *e)
{
	struct id session_id;
	if (e->kind == KIND_SIGN) return true;
	if (is_signed_with_session(e->kind) && payload_session_id(&e->payload, &session_id))
		return reference_sign(j->r, &session_id) != NULL;
	if (id_is_zero(&e->session_id)) return false;
	const struct entry *sign = reference_sign(j->r, &e->session_id);
	if (sign == NULL || e->kind == KIND_ADDENDUM) return false;
	if (e == reference_first_frame(j->r, &e->session_id)) return true;
	const Roomkeep__Sign *m = sign->payload.is.sign;
	return reference_lists(m->covered, m->n_covered, &e->op_id);
}

static enum err judge_tombstone(const struct judging *j)
{
	const struct id target = reference_id(j->p.is.tombstone->target);
	const struct entry *e = reference_find(j->r, &target);
	const bool sealed = j->op->kind == KIND_SEALED_TOMBSTONE;
	if (sealed && (j->roles & (THERAPIST | STUDENT)) == 0) return ERR_DENIED;
	if (j->roles == 0) return ERR_DENIED;
	if (e == NULL) return ERR_NOT_FOUND;
	const bool own = id_equal(&e->author_id, &j->op->author_id);
	if (sealed) return e->kind == KIND_NOTE && own ? ERR_OK : ERR_DENIED;
	if (e->kind == KIND_TOMBSTONE || is_sealed(e->kind)) return ERR_DENIED;
	/* No run is as long as the law keeps an incident. */
	if (e->kind == KIND_INCIDENT || e->kind == KIND_LEGAL_HOLD) return ERR_DENIED;
	if (e->kind >= KIND_DIRECTIVE && e->kind <= KIND_REVIEW_MARK) return ERR_DENIED;
	const bool owner = kind_find(e->kind) != NULL && (j->roles & OWNER) != 0;
	if (!owner && !own) return ERR_DENIED;
	if (!owner && is_signed_content(j, e)) return ERR_SIGNED;
	return reference_judge_unbooking(j->r, e);
}

static enum err judge_patient(const struct judging *j)
{
	const Roomkeep__Patient *m = j->p.is.patient;
	const struct id patient_id = reference_id(m->patient_id);
	if ((j->roles & (CARE | DESK)) == 0) return ERR_DENIED;
	if (has_patient(j->r, &patient_id)) return ERR_OK;
	return m->name != NULL && m->born != NULL ? ERR_OK : ERR_BAD_VALUE;
}

/* What a record must say from the start, beside ids and what every op says. */
static bool says_enough(const struct judging *j)
{
	const union {
		const ProtobufCMessage *any;
		const Roomkeep__Alert *alert;
		const Roomkeep__Episode *episode;
		const Roomkeep__Provider *provider;
		const Roomkeep__Appointment *appointment;
		const Roomkeep__Shift *shift;
		const Roomkeep__ClosedDay *closed;
		const Roomkeep__RoomSetting *room;
		const Roomkeep__WaitlistItem *waiting;
		const Roomkeep__StaffProfile *staff;
		const Roomkeep__Discomfort *discomfort;
		const Roomkeep__Palpation *palpation;
		const Roomkeep__Treatment *treatment;
		const Roomkeep__HomecareItem *homecare;
		const Roomkeep__AdverseEvent *adverse;
	} m = { .any = j->p.is.any };
	if (j->op->kind == KIND_ALERT) return m.alert->has_kind && m.alert->text != NULL;
	if (j->op->kind == KIND_EPISODE)
		return m.episode->complaint != NULL && m.episode->started != NULL;
	if (j->op->kind == KIND_PROVIDER)
		return m.provider->name != NULL && m.provider->discipline != NULL;
	if (j->op->kind == KIND_APPOINTMENT)
		return m.appointment->has_room_id && m.appointment->has_therapist_id &&
		       m.appointment->has_starts_ms && m.appointment->has_minutes;
	if (j->op->kind == KIND_SHIFT)
		return m.shift->has_weekday && m.shift->opens != NULL && m.shift->closes != NULL;
	if (j->op->kind == KIND_CLOSED_DAY) return m.closed->day != NULL;
	if (j->op->kind == KIND_ROOM_SETTING) return m.room->has_room_id;
	if (j->op->kind == KIND_WAITLIST_ITEM) return m.waiting->wishes != NULL;
	if (j->op->kind == KIND_STAFF_PROFILE) return m.staff->has_user_id;
	if (j->op->kind == KIND_DISCOMFORT)
		return m.discomfort->has_region && m.discomfort->n_quality > 0;
	if (j->op->kind == KIND_PALPATION) return m.palpation->has_region;
	if (j->op->kind == KIND_TREATMENT)
		return m.treatment->has_region && m.treatment->has_pressure;
	if (j->op->kind == KIND_HOMECARE_ITEM) return m.homecare->what != NULL;
	if (j->op->kind == KIND_ADVERSE_EVENT)
		return m.adverse->has_kind && m.adverse->has_severity;
	return true;
}

/* An id is of one kind for ever; what is one per patient or session has that one's. */
static bool is_of_another_kind(const struct judging *j, const struct id *record_id,
			       const struct id *patient_id)
{
	for (size_t i = 0; i < j->r->count; i++) {
		const struct entry *e = &j->r->ops[i];
		if (!reference_is_plain(e->kind) || e->kind == j->op->kind) continue;
		if (!id_equal(&e->record_id, record_id)) continue;
		const bool of_session = j->op->kind == KIND_SESSION_CHART ||
					j->op->kind == KIND_MISFILING;
		return !of_session && !id_equal(record_id, patient_id);
	}
	return false;
}

static uint64_t plain_writers(uint64_t kind)
{
	if (kind == KIND_STAFF_PROFILE || kind == KIND_CLINIC_PROFILE)
		return THERAPIST | LEAD | OWNER;
	if (reference_is_of_the_house(kind)) return THERAPIST | DESK | LEAD | OWNER;
	if (kind == KIND_REVIEW_MARK) return OWNER | LEAD;
	if (kind == KIND_COSIGN) return THERAPIST | LEAD;
	return reference_is_desk_work(kind) ? CARE | DESK : CARE;
}

static enum err judge_time(const struct judging *j, const struct id *record_id)
{
	const union {
		const ProtobufCMessage *any;
		const Roomkeep__Appointment *appointment;
	} m = { .any = j->p.is.any };
	if (j->op->kind != KIND_APPOINTMENT) return ERR_OK;
	return reference_judge_booking(j->r, record_id, m.appointment);
}

/* It stays where it was made; what is left of it says where that was. */
static bool leaves_its_session(const struct judging *j, const struct id *record_id,
			       const struct id *session_id)
{
	for (size_t i = 0; i < j->r->count; i++) {
		const struct entry *e = &j->r->ops[i];
		struct id was;
		if (e->kind != j->op->kind || e->erased || !id_equal(&e->record_id, record_id))
			continue;
		return payload_session_id(&e->payload, &was) && !id_equal(&was, session_id);
	}
	return false;
}

/* Is it the session of who writes? */
static enum err judge_writer(const struct judging *j)
{
	struct id session_id;
	if (!is_of_one_session(j->op->kind)) return ERR_OK;
	if (!payload_session_id(&j->p, &session_id)) return ERR_NOT_FOUND;
	const struct entry *frame = reference_first_frame(j->r, &session_id);
	if (frame == NULL) return ERR_NOT_FOUND;
	return owns(j, frame) ? ERR_OK : ERR_DENIED;
}

/* What stands by another record: an end by its directive, a mark by the override that somebody else
 * made, a co-signature by the session of a student. */
static enum err judge_beside(const struct judging *j, const struct id *patient_id)
{
	const union {
		const ProtobufCMessage *any;
		const Roomkeep__DirectiveEnd *end;
		const Roomkeep__ReviewMark *mark;
		const Roomkeep__Cosign *cosign;
	} m = { .any = j->p.is.any };
	if (j->op->kind == KIND_DIRECTIVE_END) {
		const struct id directive_id = reference_id(m.end->directive_id);
		const struct entry *e = reference_first_plain(j->r, KIND_DIRECTIVE, &directive_id);
		if (e == NULL) return ERR_NOT_FOUND;
		if (!id_equal(&e->patient_id, patient_id)) return ERR_BAD_VALUE;
		if (id_equal(&e->author_id, &j->op->author_id)) return ERR_OK;
		return reference_is_against(e, &j->op->author_id, j->roles) ? ERR_NOT_FOUND
									    : ERR_OK;
	}
	if (j->op->kind == KIND_REVIEW_MARK) {
		const struct id override_id = reference_id(m.mark->override_id);
		const struct entry *e = reference_first_plain(j->r, KIND_OVERRIDE, &override_id);
		if (e == NULL) return ERR_NOT_FOUND;
		return id_equal(&e->author_id, &j->op->author_id) ? ERR_DENIED : ERR_OK;
	}
	if (j->op->kind == KIND_COSIGN) {
		const struct id session_id = reference_id(m.cosign->session_id);
		const struct entry *frame = reference_first_frame(j->r, &session_id);
		if (frame == NULL) return ERR_NOT_FOUND;
		const struct id supervisor =
			reference_id(frame->payload.is.session_frame->supervisor_id);
		if (!id_equal(&supervisor, &j->op->author_id)) return ERR_DENIED;
		return reference_sign(j->r, &session_id) != NULL ? ERR_OK : ERR_BAD_VALUE;
	}
	return ERR_OK;
}

static enum err judge_plain(const struct judging *j)
{
	struct id record_id, session_id;
	struct id patient_id = { { 0 } }; /* records of the clinic have none */
	if ((j->roles & plain_writers(j->op->kind)) == 0) return ERR_DENIED;
	TRY(judge_writer(j));
	if (!payload_subject_id(&j->p, &record_id)) return ERR_BAD_VALUE;
	const bool of_patient = payload_patient_id(&j->p, &patient_id);
	if (of_patient && !has_patient(j->r, &patient_id)) return ERR_NOT_FOUND;
	if (payload_session_id(&j->p, &session_id)) {
		const struct entry *frame = reference_first_frame(j->r, &session_id);
		if (frame == NULL) return ERR_NOT_FOUND;
		const struct id of = reference_id(frame->payload.is.session_frame->patient_id);
		if (!id_equal(&of, &patient_id)) return ERR_BAD_VALUE;
		if (is_signed_with_session(j->op->kind) &&
		    reference_sign(j->r, &session_id) != NULL)
			return ERR_SIGNED;
	}
	if (j->op->kind == KIND_COSIGN) TRY(judge_beside(j, &patient_id));
	const struct entry *first = reference_first_plain(j->r, j->op->kind, &record_id);
	if (first != NULL && !id_equal(&first->patient_id, &patient_id)) return ERR_BAD_VALUE;
	if (first == NULL && is_of_another_kind(j, &record_id, &patient_id)) return ERR_BAD_VALUE;
	if (first == NULL && !says_enough(j)) return ERR_BAD_VALUE;
	if (is_of_one_session(j->op->kind) && leaves_its_session(j, &record_id, &session_id))
		return ERR_BAD_VALUE;
	if (j->op->kind != KIND_COSIGN) TRY(judge_beside(j, &patient_id));
	return judge_time(j, &record_id);
}

enum err reference_judge(const struct reference *r, const struct reference_op *op, uint64_t roles)
{
	CLEANUP(arena_finip) struct arena arena;
	struct judging j = { .r = r, .op = op, .roles = roles };
	arena_init(&arena, 16u * MIB);
	if (roles == 0) return ERR_DENIED;
	if (kind_find(op->kind) == NULL) return ERR_OK; /* bytes that only their author sees */
	TRY(payload_decode(&arena, op->kind, op->payload, &j.p, NULL));
	switch (j.p.info->kind) {
	case KIND_PATIENT: return judge_patient(&j);
	case KIND_SESSION_FRAME: return judge_frame(&j);
	case KIND_SESSION_TEXT: return judge_text(&j);
	case KIND_MEASURE: return judge_in_session(&j, j.p.is.measure->session_id, true);
	case KIND_SIGN: return judge_in_session(&j, j.p.is.sign->session_id, true);
	case KIND_ADDENDUM: return judge_in_session(&j, j.p.is.addendum->session_id, false);
	case KIND_OPENED: return judge_opened(&j);
	case KIND_TOMBSTONE:
	case KIND_SEALED_TOMBSTONE: return judge_tombstone(&j);
	case KIND_NOTE: return (roles & (THERAPIST | STUDENT)) != 0 ? ERR_OK : ERR_DENIED;
	case KIND_ANY_PLAIN: return judge_plain(&j);
	}
	return ERR_BUG;
}
