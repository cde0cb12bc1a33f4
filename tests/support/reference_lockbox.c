/* reference_lockbox: what a patient withholds, from the ops alone (DOMAIN 3b ON7): each directive
 * is looked at for each op. */
#include "support/reference_priv.h"

static const Roomkeep__Directive *directive_of(const struct entry *e)
{
	const void *any = e->payload.is.any;
	return e->kind == KIND_DIRECTIVE && !e->erased ? any : NULL;
}

static uint64_t role_bit(const Roomkeep__Directive *m)
{
	if (m->role == ROOMKEEP__DIRECTIVE__ROLE__THERAPIST) return 2;
	return m->role == ROOMKEEP__DIRECTIVE__ROLE__LEAD ? 16 : 32;
}

bool reference_is_against(const struct entry *directive, const struct id *user_id, uint64_t roles)
{
	const Roomkeep__Directive *m = directive_of(directive);
	if (m == NULL) return false;
	const struct id named = reference_id(m->user_id);
	if (m->against == ROOMKEEP__DIRECTIVE__AGAINST__PERSON) return id_equal(&named, user_id);
	return m->against == ROOMKEEP__DIRECTIVE__AGAINST__ROLE && (role_bit(m) & roles) != 0;
}

static bool is_ended(const struct reference *r, const struct id *directive_id)
{
	for (size_t i = 0; i < r->count; i++) {
		const void *any = r->ops[i].payload.is.any;
		const Roomkeep__DirectiveEnd *m = any;
		if (r->ops[i].kind != KIND_DIRECTIVE_END || r->ops[i].erased) continue;
		const struct id of = reference_id(m->directive_id);
		if (id_equal(&of, directive_id)) return true;
	}
	return false;
}

/* Of one id the oldest is the directive; what came later under it says nothing. */
static bool is_oldest(const struct reference *r, const struct entry *e)
{
	return reference_first_plain(r, KIND_DIRECTIVE, &e->record_id) == e;
}

static bool is_in_force(const struct reference *r, const struct entry *e, uint64_t now_ms)
{
	const Roomkeep__Directive *m = directive_of(e);
	if (!is_oldest(r, e) || is_ended(r, &e->record_id)) return false;
	if (m->has_from_ms && now_ms < m->from_ms) return false;
	return !m->has_until_ms || now_ms < m->until_ms;
}

/* Texts, measures, signing, addenda, and every record that is not the desk's or the house's. */
static bool is_clinical(const struct entry *e)
{
	if (e->kind >= KIND_SESSION_TEXT && e->kind <= KIND_ADDENDUM) return true;
	return reference_is_plain(e->kind) && !reference_is_desk_work(e->kind) &&
	       !reference_is_of_the_house(e->kind) && e->kind != KIND_REVIEW_MARK &&
	       e->kind != KIND_FAMILY_LINK;
}

static bool reaches(const Roomkeep__Directive *m, const struct entry *e)
{
	const struct id patient_id = reference_id(m->patient_id);
	const struct id item_id = reference_id(m->item_id);
	if (!id_equal(&patient_id, &e->patient_id)) return false;
	if (m->scope == ROOMKEEP__DIRECTIVE__SCOPE__RECORD) return true;
	if (m->scope == ROOMKEEP__DIRECTIVE__SCOPE__SESSIONS) return !id_is_zero(&e->session_id);
	return id_equal(&item_id, &e->session_id) || id_equal(&item_id, &e->record_id);
}

/* Whom a directive is against does not see it, nor its end. */
static bool is_hidden(const struct reference *r, const struct entry *e, const struct id *user_id,
		      uint64_t roles)
{
	const void *any = e->payload.is.any;
	const Roomkeep__DirectiveEnd *m = any;
	if (e->kind == KIND_DIRECTIVE) {
		const struct entry *first = reference_first_plain(r, KIND_DIRECTIVE, &e->record_id);
		return reference_is_against(first, user_id, roles);
	}
	if (e->kind != KIND_DIRECTIVE_END) return false;
	const struct id of = reference_id(m->directive_id);
	const struct entry *directive = reference_first_plain(r, KIND_DIRECTIVE, &of);
	return directive != NULL && reference_is_against(directive, user_id, roles);
}

bool reference_withholds(const struct reference *r, const struct id *op_id,
			 const struct id *user_id, uint64_t roles, uint64_t now_ms, size_t count)
{
	const struct entry *e = reference_find(r, op_id);
	if (e != NULL && e->target != SIZE_MAX) {
		/* Who holds what was erased hears of it. */
		e = &r->ops[e->target];
		if (id_equal(&e->author_id, user_id)) return false;
	}
	if (e == NULL || !e->known) return false;
	if (is_hidden(r, e, user_id, roles)) return true;
	if (!is_clinical(e)) return false;
	for (size_t i = 0; i < r->count && i < count; i++) {
		const struct entry *d = &r->ops[i];
		if (!reference_is_against(d, user_id, roles)) continue;
		if (reaches(directive_of(d), e) && is_in_force(r, d, now_ms)) return true;
	}
	return false;
}

bool reference_withholds_any(const struct reference *r, const struct id *patient_id,
			     const struct id *user_id, uint64_t roles)
{
	for (size_t i = 0; i < r->count; i++) {
		if (r->ops[i].kind != KIND_DIRECTIVE) continue;
		if (!id_equal(&r->ops[i].patient_id, patient_id)) continue;
		if (reference_is_against(&r->ops[i], user_id, roles)) return true;
	}
	return false;
}

bool reference_was_opened(const struct reference *r, const struct id *patient_id,
			  const struct id *user_id)
{
	for (size_t i = 0; i < r->count; i++) {
		if (r->ops[i].kind == KIND_OVERRIDE &&
		    id_equal(&r->ops[i].patient_id, patient_id) &&
		    id_equal(&r->ops[i].author_id, user_id))
			return true;
	}
	return false;
}

size_t reference_count(const struct reference *r)
{
	return r->count;
}
