#include "client/api/chart_guard.h"

#include "base/check.h"
#include "client/api/chart_contact.h"
#include "record/access.h"
#include "record/guard_record.h"
#include "record/guard_words.h"
#include "record/record_fold.h"

#include <string.h>

#define HINTS_MAX 32u /* of one text */

/* Of any chart of this person, as a link of this one; two charts of one person are no relatives. */
static enum err add_link(struct verb *v, const struct id *patient_id, const ProtobufCMessage *m,
			 struct chart_links *links)
{
	struct id ids[MERGE_SAME_MAX];
	size_t count = 0;

	TRY(local_same_person(verb_local(v), verb_vault(v), patient_id, ids, &count));
	for (size_t i = 0; i < count && links->count < CHART_LINKS_MAX; i++) {
		struct guard_link *link = &links->list[links->count];
		bool is_self = false;
		if (!guard_link_read(m, &ids[i], link)) continue;
		for (size_t k = 0; k < count; k++)
			is_self = is_self || id_equal(&link->relative, &ids[k]);
		link->patient = *patient_id;
		if (!is_self) links->count++;
	}
	return ERR_OK;
}

static enum err add_links(struct verb *v, enum kind kind, const struct id *patient_id,
			  struct chart_links *links)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	size_t count = 0;

	const enum err e = local_list_records(verb_local(v), verb_vault(v), kind, patient_id, &fold,
					      &records, &count);
	if (e == ERR_DENIED) return ERR_OK; /* as if there were none */
	TRY(e);
	for (size_t i = 0; i < count; i++) TRY(add_link(v, patient_id, records[i].message, links));
	return ERR_OK;
}

enum err chart_links_load(struct verb *v, const struct id *patient_id, struct chart_links *links)
{
	links->count = 0;
	TRY(add_links(v, KIND_FAMILY_LINK, patient_id, links));
	return add_links(v, KIND_DESK_FAMILY_LINK, patient_id, links);
}

static enum guard_side side_of(struct verb *v)
{
	const struct dir_user *user =
		dir_user(local_directory(verb_local(v)), desk_person(v->desk));
	const uint64_t roles = user == NULL || !user->active ? 0 : user->roles;

	if ((roles & (ROLE_THERAPIST | ROLE_LEAD | ROLE_STUDENT)) != 0) return GUARD_SIDE_THERAPIST;
	return (roles & ROLE_DESK) != 0 ? GUARD_SIDE_DESK : GUARD_SIDE_NONE;
}

/* The first wall between this chart and a relative's that was open lately. */
static enum err find_wall(struct verb *v, const struct chart_links *links,
			  const struct id *patient_id, struct guard_wall *ret)
{
	const uint64_t since_ms =
		v->now_ms > GUARD_WALL_WITHIN_MS ? v->now_ms - GUARD_WALL_WITHIN_MS : 0;

	*ret = (struct guard_wall){ 0 };
	for (size_t i = 0; i < links->count && ret->ms == 0; i++) {
		const struct id *from = &links->list[i].relative;
		uint64_t from_ms = 0;
		TRY(local_last_opened(verb_local(v), verb_vault(v), from, since_ms, &from_ms));
		if (from_ms == 0) continue;
		*ret = guard_switch_wall(links->list, links->count, from, from_ms, patient_id,
					 v->now_ms);
	}
	return ERR_OK;
}

static json_t *words_or_null(const char *words)
{
	return words == NULL ? json_null() : json_string(words);
}

/* What a receipt for whoever pays may not show (rule 6), where there is somebody to pay for. */
static const char *receipt_words(const struct guard_link *link)
{
	if (link == NULL || guard_receipt_may_show(GUARD_RECEIPT_COMPLAINT, true)) return NULL;
	return "A receipt for somebody else who pays names no complaint and no notes.";
}

enum err chart_guard_put(struct verb *v, const struct id *patient_id, json_t *object)
{
	const enum guard_side side = side_of(v);
	json_t *guard = json_object();
	struct chart_links links;
	struct guard_wall wall;

	TRY(json_put(object, "guard", guard));
	TRY(chart_links_load(v, patient_id, &links));
	TRY(find_wall(v, &links, patient_id, &wall));
	const struct guard_link *link = guard_band_find(links.list, links.count, patient_id, side);
	const char *band = link == NULL ? NULL : guard_band_words(link, side);
	TRY(json_put(guard, "band", words_or_null(band)));
	TRY(json_put(guard, "wall", json_boolean(wall.ms > 0)));
	TRY(json_put(guard, "wall_ms", json_integer((json_int_t)wall.ms)));
	TRY(json_put(guard, "wall_words", words_or_null(wall.words)));
	TRY(json_put(guard, "receipt_words", words_or_null(receipt_words(link))));
	return chart_contact_put(v, patient_id, &links, guard);
}

/* ---- names in a text ----------------------------------------------------------------------- */

struct names {
	struct guard_name list[CHART_GUARD_NAMES_MAX];
	size_t count;
};
_Static_assert(CHART_GUARD_NAMES_MAX == 2 * CHART_LINKS_MAX, "two names of each relative");

/* What is too short to be looked for, or too long, is left out. */
static void add_name(struct names *names, struct view name)
{
	if (names->count == COUNT_OF(names->list) || name.len == 0) return;
	if (guard_name_make(name, &names->list[names->count]) == ERR_OK) names->count++;
}

static struct view first_word(const char *name)
{
	return view_of(name, strcspn(name, " "));
}

static enum err add_hint(const char *field, const struct guard_span *span, json_t *hints)
{
	json_t *hint = json_object();

	ENSURE(json_array_append_new(hints, hint) == 0, ERR_NOMEM);
	TRY(json_put(hint, "kind", json_string("relative")));
	TRY(json_put(hint, "field", json_string(field)));
	TRY(json_put(hint, "start", json_integer((json_int_t)span->start)));
	TRY(json_put(hint, "end", json_integer((json_int_t)span->end)));
	return json_put(hint, "words",
			json_string("a relative who is a patient: belongs in a sealed note?"));
}

/* Names of relatives whom the person may know of. */
static enum err load_names(struct verb *v, const struct id *patient_id, struct names *names)
{
	struct chart_links links;

	names->count = 0;
	TRY(chart_links_load(v, patient_id, &links));
	for (size_t i = 0; i < links.count; i++) {
		struct local_patient p;
		const enum err e = local_get_patient(verb_local(v), verb_vault(v),
						     &links.list[i].relative, &p);
		if (e == ERR_NOT_FOUND) continue;
		TRY(e);
		add_name(names, first_word(p.name));
		add_name(names, view_str(p.name_used));
	}
	return ERR_OK;
}

enum err chart_guard_names(struct verb *v, const struct id *patient_id,
			   struct guard_name ret_names[CHART_GUARD_NAMES_MAX], size_t *ret_count)
{
	struct names names;

	TRY(load_names(v, patient_id, &names));
	memcpy(ret_names, names.list, names.count * sizeof(names.list[0]));
	*ret_count = names.count;
	return ERR_OK;
}

enum err chart_guard_hint(struct verb *v, const struct id *patient_id, const char *field,
			  struct view text, json_t *hints)
{
	struct guard_span spans[HINTS_MAX];
	struct names names;
	size_t count = 0;

	TRY(load_names(v, patient_id, &names));
	if (names.count == 0) return ERR_OK;
	TRY(guard_names_find(text, names.list, names.count, spans, HINTS_MAX, &count));
	for (size_t i = 0; i < count && i < HINTS_MAX; i++) TRY(add_hint(field, &spans[i], hints));
	return ERR_OK;
}

/* ---- what leaves (rule 5) ------------------------------------------------------------------ */

static bool is_same_name(const struct guard_name *a, const struct guard_name *b)
{
	return view_equal(view_of(a->key, a->len), view_of(b->key, b->len));
}

/* Father and son: what the patient is called is said of the patient. */
static enum err drop_own_names(struct verb *v, const struct id *patient_id, struct names *names)
{
	struct names own = { .count = 0 };
	struct local_patient p;
	size_t kept = 0;

	TRY(local_get_patient(verb_local(v), verb_vault(v), patient_id, &p));
	add_name(&own, first_word(p.name));
	add_name(&own, view_str(p.name_used));
	for (size_t i = 0; i < names->count; i++) {
		bool mine = false;
		for (size_t k = 0; k < own.count; k++)
			mine = mine || is_same_name(&names->list[i], &own.list[k]);
		if (!mine) names->list[kept++] = names->list[i];
	}
	names->count = kept;
	return ERR_OK;
}

enum err chart_guard_output(struct verb *v, const struct id *patient_id, const struct view *texts,
			    size_t count)
{
	struct record_error error = { .err = ERR_OK };
	struct names names = { .count = 0 };
	/* What was removed or rephrased is not found any more: one that is found is neither. */
	const enum guard_resolution said = strcmp(verb_text(v, "third_party"), "not_them") == 0
						   ? GUARD_NOT_THEM
						   : GUARD_UNRESOLVED;

	TRY(load_names(v, patient_id, &names));
	TRY(drop_own_names(v, patient_id, &names));
	if (names.count == 0) return ERR_OK;
	for (size_t i = 0; i < count; i++) {
		size_t found = 0;
		TRY(guard_names_find(texts[i], names.list, names.count, NULL, 0, &found));
		if (found == 0) continue;
		const enum err e = guard_output_check(&said, 1, &error);
		if (e == ERR_OK) continue;
		err_ignore(fault_set(&v->fault, e, "third_party",
				     "a relative who is a patient is named: %s", error.allowed));
		return fault_hint(&v->fault, "Change the text, or say --third-party not_them when "
					     "it is somebody else");
	}
	return ERR_OK;
}
