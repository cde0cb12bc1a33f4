#include "client/api/outgoing.h"

#include "base/check.h"
#include "record/record_fold.h"
#include "record/reflect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPANS_MAX 128u /* of one text; more are left out, so the text is one gap */

static const char gap_words[] = "[withheld: about another person]";

static const struct {
	const char *name;
	const char *words;
} reasons[] = {
	[OUTGOING_OTHER_PERSON] = { "other_person", "about another person" },
	[OUTGOING_PATIENT_REQUEST] = { "patient_request", "at the patient's request" },
	[OUTGOING_ROLE] = { "role", "not for the role of who made this export" },
	[OUTGOING_WRONG_CHART] = { "entered_in_error", "entered in error on this chart" },
};

const char *outgoing_reason_name(enum outgoing_reason reason)
{
	return reasons[reason].name;
}

const char *outgoing_reason_words(enum outgoing_reason reason)
{
	return reasons[reason].words;
}

/* ---- what the patient asked to withhold ---------------------------------------------------- */

static enum err read_restrictions(struct outgoing *o, const struct id *patient_id)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	size_t count = 0;

	const enum err e = local_list_records(verb_local(o->v), verb_vault(o->v), KIND_REQUEST,
					      patient_id, &fold, &records, &count);
	if (e == ERR_DENIED) return ERR_OK; /* who may not read requests may write no letter */
	TRY(e);
	for (size_t i = 0; i < count; i++) {
		const void *any = records[i].message;
		const Roomkeep__Request *m = any;
		struct id session = { 0 };
		if (!m->has_kind || m->kind != ROOMKEEP__REQUEST__KIND__RESTRICTION) continue;
		if (!m->has_decision || m->decision != ROOMKEEP__REQUEST__DECISION__GRANTED)
			continue;
		o->is_restricted = true;
		if (!m->has_session_id) continue;
		TRY(id_from_view(view_of(m->session_id.data, m->session_id.len), &session));
		TRY(withheld_add_item(&o->from, &session));
	}
	return ERR_OK;
}

static enum err read_directives(struct outgoing *o, const struct id *patient_id,
				const char *recipient)
{
	TRY(withheld_from_recipient(o->v, patient_id, view_str(recipient), &o->from));
	o->is_restricted = o->from.sessions || o->from.item_count > 0;
	if (!o->from.record) return ERR_OK;
	err_ignore(fault_set(&o->v->fault, ERR_DENIED, "withheld",
			     "the patient does not want anything to be given to this recipient"));
	return fault_hint(&o->v->fault, "If the patient takes that back: roomkeep add "
					"directive-end --directive ID");
}

static bool keeps_item(const struct outgoing *o, const struct id *id)
{
	for (size_t i = 0; i < o->from.item_count; i++)
		if (id_equal(&o->from.items[i], id)) return true;
	return false;
}

bool outgoing_keeps_session(const struct outgoing *o, const struct id *session_id)
{
	return o->from.sessions || keeps_item(o, session_id);
}

bool outgoing_keeps_record(const struct outgoing *o, const struct kind_info *info,
			   const struct record_state *record)
{
	ProtobufCBinaryData bytes = { 0 };
	struct id session;

	if (!o->to_other) return false;
	if (info->kind == KIND_DIRECTIVE || info->kind == KIND_DIRECTIVE_END ||
	    info->kind == KIND_OVERRIDE)
		return true;
	if (keeps_item(o, &record->record_id)) return true;
	if (info->session_field == NULL) return false;
	reflect_get(record->message, reflect_field(info->message, info->session_field), &bytes,
		    sizeof(bytes));
	return id_from_view(view_of(bytes.data, bytes.len), &session) == ERR_OK &&
	       outgoing_keeps_session(o, &session);
}

/* Words that somebody marked as about another person; who may not read them has none to give. */
static enum err read_marks(struct outgoing *o, const struct id *patient_id)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	size_t count = 0;

	o->marks = json_array();
	ENSURE(o->marks != NULL, ERR_NOMEM);
	const enum err e = local_list_records(verb_local(o->v), verb_vault(o->v),
					      KIND_THIRD_PARTY_SPAN, patient_id, &fold, &records,
					      &count);
	if (e == ERR_DENIED) return ERR_OK;
	TRY(e);
	for (size_t i = 0; i < count; i++) {
		const void *any = records[i].message;
		const Roomkeep__ThirdPartySpan *m = any;
		if (m->ended_on != NULL || m->text == NULL || m->text[0] == '\0') continue;
		ENSURE(json_array_append_new(o->marks, json_string(m->text)) == 0, ERR_NOMEM);
	}
	return ERR_OK;
}

void outgoing_finip(struct outgoing *o)
{
	json_decref(o->marks);
	o->marks = NULL;
}

enum err outgoing_init(struct outgoing *o, struct verb *v, const struct id *patient_id,
		       const char *recipient, json_t *withheld)
{
	const char *names = verb_text(v, "names");

	*o = (struct outgoing){ .v = v, .withheld = withheld, .to_other = recipient != NULL };
	if (strcmp(names, "gap") == 0) {
		o->how = OUTGOING_GAP;
	} else if (strcmp(names, "not_them") == 0) {
		o->how = OUTGOING_NOT_THEM;
	} else if (names[0] != '\0') {
		return fault_set(&v->fault, ERR_USAGE, "usage", "names: gap or not_them");
	}
	TRY(chart_guard_names(v, patient_id, o->names, &o->name_count));
	TRY(read_marks(o, patient_id));
	if (recipient == NULL) return ERR_OK;
	TRY(read_directives(o, patient_id, recipient));
	return read_restrictions(o, patient_id);
}

enum err outgoing_withhold(struct outgoing *o, const char *kind, const char *record_id,
			   const char *field, size_t count, enum outgoing_reason reason)
{
	json_t *row = json_object();

	ENSURE(json_array_append_new(o->withheld, row) == 0, ERR_NOMEM);
	TRY(json_put(row, "kind", json_string(kind)));
	TRY(json_put(row, "record_id", record_id == NULL ? json_null() : json_string(record_id)));
	TRY(json_put(row, "field", field == NULL ? json_null() : json_string(field)));
	TRY(json_put(row, "count", json_integer((json_int_t)count)));
	TRY(json_put(row, "reason", json_string(outgoing_reason_name(reason))));
	return json_put(row, "words", json_string(outgoing_reason_words(reason)));
}

/* ---- names in a text ----------------------------------------------------------------------- */

static bool ends_sentence(char c)
{
	return c == '.' || c == '!' || c == '?' || c == '\n';
}

/* The sentence around [start, end): what is said of a person is in it. */
static void widen(struct view text, struct guard_span *span)
{
	while (span->start > 0 && !ends_sentence((char)text.p[span->start - 1])) span->start--;
	while (span->start < span->end && text.p[span->start] == ' ') span->start++;
	while (span->end < text.len && !ends_sentence((char)text.p[span->end])) span->end++;
	if (span->end < text.len && text.p[span->end] != '\n') span->end++;
}

/* Every place of words that somebody marked, as far as there is room. */
static size_t find_marks(const struct outgoing *o, struct view text, struct guard_span *ret,
			 size_t cap)
{
	size_t count = 0;

	for (size_t i = 0; i < json_array_size(o->marks); i++) {
		const json_t *mark = json_array_get(o->marks, i);
		const size_t len = json_string_length(mark);
		for (size_t at = 0; at < text.len && count < cap;) {
			const uint8_t *found =
				memmem(text.p + at, text.len - at, json_string_value(mark), len);
			if (found == NULL) break;
			ret[count].start = (size_t)(found - text.p);
			at = ret[count].start + len;
			ret[count++].end = at;
		}
	}
	return count;
}

static int compare_spans(const void *a, const void *b)
{
	const struct guard_span *x = a;
	const struct guard_span *y = b;

	if (x->start != y->start) return x->start < y->start ? -1 : 1;
	return x->end < y->end ? -1 : x->end > y->end;
}

/* Spans in the order of the text; those that overlap are one gap. */
static enum err cut(struct view text, const struct guard_span *spans, size_t count, struct buf *out,
		    size_t *ret_gaps)
{
	size_t done = 0;

	for (size_t i = 0; i < count; i++) {
		const size_t start = spans[i].start < done ? done : spans[i].start;
		if (spans[i].end <= done) continue; /* in words that went already */
		TRY(buf_append(out, view_of(text.p + done, start - done)));
		if (spans[i].start >= done) {
			TRY(buf_append_str(out, gap_words));
			(*ret_gaps)++;
		}
		done = spans[i].end;
	}
	return buf_append(out, view_of(text.p + done, text.len - done));
}

static enum err look(struct outgoing *o, struct view text, struct buf *out, size_t *ret_gaps)
{
	struct guard_span spans[2 * SPANS_MAX];
	size_t names = 0;

	const size_t marks = find_marks(o, text, spans, SPANS_MAX);
	TRY(guard_names_find(text, o->names, o->name_count, spans + marks, SPANS_MAX, &names));
	if (names > 0) o->places++;
	if (o->how != OUTGOING_GAP) names = 0; /* decided otherwise, or not yet */
	if (marks + names == 0) return ERR_OK;
	if (marks == SPANS_MAX || names > SPANS_MAX) {
		(*ret_gaps)++;
		return buf_append_str(out, gap_words);
	}
	for (size_t i = 0; i < names; i++) widen(text, &spans[marks + i]);
	qsort(spans, marks + names, sizeof(spans[0]), compare_spans);
	return cut(text, spans, marks + names, out, ret_gaps);
}

static enum err look_at_one(struct outgoing *o, const json_t *value, json_t **ret_new,
			    size_t *ret_gaps)
{
	CLEANUP(buf_finip) struct buf out = { 0 };
	const size_t before = *ret_gaps;

	enum err e = look(o, view_of(json_string_value(value), json_string_length(value)), &out,
			  ret_gaps);
	if (e == ERR_OK && *ret_gaps > before) {
		*ret_new = json_stringn((const char *)out.p, out.len);
		if (*ret_new == NULL) e = ERR_NOMEM;
	}
	buf_wipe(&out);
	return e;
}

static enum err look_at_list(struct outgoing *o, json_t *list, size_t *ret_gaps)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *changed = NULL;
		if (!json_is_string(json_array_get(list, i))) continue;
		TRY(look_at_one(o, json_array_get(list, i), &changed, ret_gaps));
		if (changed == NULL) continue;
		ENSURE(json_array_set_new(list, i, changed) == 0, ERR_NOMEM);
	}
	return ERR_OK;
}

enum err outgoing_text(struct outgoing *o, const char *kind, const char *record_id, json_t *object,
		       const char *key)
{
	json_t *value = json_object_get(object, key);
	json_t *changed = NULL;
	const size_t places = o->places;
	size_t gaps = 0;

	if (o->name_count == 0 && json_array_size(o->marks) == 0) return ERR_OK;
	if (json_is_array(value)) {
		TRY(look_at_list(o, value, &gaps));
	} else if (json_is_string(value)) {
		TRY(look_at_one(o, value, &changed, &gaps));
		if (changed != NULL) TRY(json_put(object, key, changed));
	}
	if (places == 0 && o->places > 0) {
		(void)snprintf(o->where, sizeof(o->where), "%.40s, %.40s", kind, key);
	}
	o->gaps += gaps;
	if (gaps == 0) return ERR_OK;
	return outgoing_withhold(o, kind, record_id, key, gaps, OUTGOING_OTHER_PERSON);
}

enum err outgoing_end(struct outgoing *o)
{
	if (o->places == 0 || o->how != OUTGOING_REFUSE) return ERR_OK;
	err_ignore(fault_set(&o->v->fault, ERR_DENIED, "names_relative",
			     "%zu %s a relative who is a patient too (the first: %s)", o->places,
			     o->places == 1 ? "text names" : "texts name", o->where));
	return fault_hint(&o->v->fault, "--names gap leaves those sentences out and says so; "
					"--names not_them: they are about somebody else");
}

const char *outgoing_sentence(const struct outgoing *o)
{
	if (o->is_restricted) return "Information was withheld at the patient's request.";
	if (o->gaps > 0) return "Information about another person was withheld.";
	return NULL;
}
