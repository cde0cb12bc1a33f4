#include "client/api/chart_page.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "client/api/chart_draw.h"
#include "client/api/chart_model.h"
#include "record/kinds.h"

#include <stdio.h>
#include <string.h>

/* ---- what both files draw with ------------------------------------------------------------- */

const json_t *chart_draw_list(const json_t *object, const char *key)
{
	return json_object_get(object, key);
}

enum err chart_draw_text(struct chart_draw *c, enum document_piece piece)
{
	const char *text = NULL;

	if (c->text.len == 0) return ERR_OK;
	TRY(buf_cstr(&c->text, &text));
	TRY(document_add(c->d, piece, text));
	buf_clear(&c->text);
	return ERR_OK;
}

enum err chart_draw_field(struct chart_draw *c, const char *key)
{
	CLEANUP(buf_finip) struct buf label = { 0 };
	const char *label_text = NULL;
	const char *text = NULL;

	TRY(page_put_label(&label, key));
	TRY(buf_cstr(&label, &label_text));
	TRY(buf_cstr(&c->text, &text));
	TRY(document_add_field(c->d, label_text, text));
	buf_clear(&c->text);
	return ERR_OK;
}

enum err chart_draw_count(struct chart_draw *c, const char *kind, const char *id)
{
	json_t *ids = json_object_get(c->drawn, kind);

	ENSURE(id != NULL, ERR_BUG);
	if (ids == NULL) {
		ids = json_object();
		TRY(json_put(c->drawn, kind, ids));
	}
	return json_put(ids, id, json_true());
}

enum err chart_draw_by(struct chart_draw *c, const char *verb, const char *at, const char *login)
{
	TRY(buf_append_fmt(&c->text, "%s ", verb));
	if (at != NULL) TRY(page_put_date_text(&c->text, at, true));
	return buf_append_fmt(&c->text, " by %s", chart_person_name(c->chart, login));
}

enum err chart_draw_statements(struct chart_draw *c, const json_t *entry)
{
	const json_t *list = chart_draw_list(entry, "statements");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		TRY(buf_append_str(&c->text, "Statement of disagreement, "));
		TRY(page_put_date_text(&c->text, json_text_of(one, "written_on"), false));
		TRY(buf_append_fmt(&c->text, ": %s", json_text_of(one, "text")));
		TRY(chart_draw_text(c, DOCUMENT_NOTICE));
		TRY(chart_draw_count(c, "statement", json_text_of(one, "statement_id")));
	}
	return ERR_OK;
}

/* ---- one record ---------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
	const size_t len = strlen(text);
	const size_t end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* How the text at this key is read: as a time, a word, or as it was written. */
static enum err put_text(struct chart_draw *c, const struct kind_info *info, const char *key,
			 const char *text)
{
	const struct field_rule *rule = field_find(info->fields, info->field_count, key);

	if (rule != NULL && rule->format == FIELD_ENUM) return page_put_word(&c->text, text);
	if (rule != NULL && rule->format != FIELD_DATE) return buf_append_str(&c->text, text);
	return page_put_date_text(&c->text, text, true);
}

static enum err put_value(struct chart_draw *c, const struct kind_info *info, const char *key,
			  const json_t *value)
{
	if (json_is_string(value)) return put_text(c, info, key, json_string_value(value));
	if (json_is_number(value)) return page_put_number(&c->text, value);
	if (json_is_boolean(value))
		return buf_append_str(&c->text, json_is_true(value) ? "yes" : "no");
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (i > 0) TRY(buf_append_str(&c->text, ", "));
		const char *word = json_string_value(json_array_get(value, i));
		if (word != NULL) TRY(page_put_word(&c->text, word));
	}
	return ERR_OK;
}

/* Ids say nothing to a reader; what is not said, and what is told elsewhere, is left out. */
static bool is_shown(const char *key, const json_t *value)
{
	static const char *const elsewhere[] = { "history",      "statements", "added_by",
						 "added_at",     "changed_by", "changed_at",
						 "cleared",      "light",      "waiting",
						 "overdue",      "rule",       "rule_is_verified",
						 "overdue_since" };
	for (size_t i = 0; i < COUNT_OF(elsewhere); i++)
		if (strcmp(elsewhere[i], key) == 0) return false;
	if (json_is_null(value) || ends_with(key, "_id")) return false;
	return !json_is_array(value) || json_array_size(value) > 0;
}

static enum err draw_fields(struct chart_draw *c, const struct kind_info *info,
			    const json_t *record)
{
	union {
		const json_t *in;
		json_t *out;
	} cast = { .in = record }; /* the walk only reads */
	const json_t *value;
	const char *key;

	json_object_foreach(cast.out, key, value)
	{
		if (!is_shown(key, value)) continue;
		TRY(put_value(c, info, key, value));
		TRY(chart_draw_field(c, key));
	}
	return ERR_OK;
}

/* What a later change said: "state: discussed; discussed on: 30 Nov 2026". */
static enum err draw_change(struct chart_draw *c, const struct kind_info *info,
			    const json_t *change)
{
	union {
		const json_t *in;
		json_t *out;
	} cast = { .in = json_object_get(change, "said") };
	const bool late = json_is_true(json_object_get(change, "late"));
	const char *between = ": ";
	const json_t *value;
	const char *key;

	TRY(chart_draw_by(c, late ? "Said again" : "Said", json_text_of(change, "at"),
			  json_text_of(change, "by")));
	json_object_foreach(cast.out, key, value)
	{
		if (!is_shown(key, value)) continue;
		TRY(buf_append_str(&c->text, between));
		TRY(page_put_word(&c->text, key));
		TRY(buf_append_str(&c->text, " "));
		TRY(put_value(c, info, key, value));
		between = "; ";
	}
	const json_t *cleared = json_object_get(cast.out, "cleared");
	for (size_t i = 0; i < json_array_size(cleared); i++) {
		TRY(buf_append_str(&c->text, between));
		TRY(page_put_word(&c->text, json_string_value(json_array_get(cleared, i))));
		TRY(buf_append_str(&c->text, " taken back"));
		between = "; ";
	}
	return chart_draw_text(c, DOCUMENT_SMALL);
}

/* With more than one change each is told, the oldest first: what was said stays to be read. */
static enum err draw_who(struct chart_draw *c, const struct kind_info *info, const json_t *record)
{
	const json_t *history = chart_draw_list(record, "history");

	if (json_array_size(history) > 1) {
		for (size_t i = 0; i < json_array_size(history); i++)
			TRY(draw_change(c, info, json_array_get(history, i)));
		return ERR_OK;
	}
	TRY(chart_draw_by(c, "Written", json_text_of(record, "added_at"),
			  json_text_of(record, "added_by")));
	return chart_draw_text(c, DOCUMENT_SMALL);
}

/* A request is printed with the patient's words about it, a statement where its entry is. */
static enum err draw_record(struct chart_draw *c, const struct kind_info *info,
			    const json_t *record, size_t number, size_t count)
{
	if (count > 1) {
		TRY(page_put_label(&c->text, info->name));
		TRY(buf_append_fmt(&c->text, " %zu of %zu", number, count));
		TRY(chart_draw_text(c, DOCUMENT_HEADING));
	}
	TRY(draw_fields(c, info, record));
	TRY(chart_draw_statements(c, record));
	TRY(draw_who(c, info, record));
	return chart_draw_count(c, info->name, json_text_of(record, info->subject_field));
}

/* Dozens of short answers: a table. */
static enum err draw_answer(struct chart_draw *c, const json_t *record)
{
	static const unsigned widths[] = { 27, 33, 40 };
	const char *detail = json_text_of(record, "detail");
	const char *cells[COUNT_OF(widths)] = { NULL };
	CLEANUP(buf_finip) struct buf asked = { 0 };
	CLEANUP(buf_finip) struct buf question = { 0 };

	TRY(page_put_label(&question, json_text_of(record, "question")));
	TRY(buf_cstr(&question, &cells[0]));
	TRY(page_put_date_text(&asked, json_text_of(record, "asked_on"), true));
	TRY(buf_append_fmt(&asked, ", said by %s, written by %s", json_text_of(record, "source"),
			   chart_person_name(c->chart, json_text_of(record, "added_by"))));
	TRY(buf_cstr(&asked, &cells[2]));
	TRY(page_put_word(&c->text, json_text_of(record, "answer") == NULL
					    ? ""
					    : json_text_of(record, "answer")));
	if (detail != NULL)
		TRY(buf_append_fmt(&c->text, "%s%s", c->text.len > 0 ? ": " : "", detail));
	TRY(buf_cstr(&c->text, &cells[1]));
	TRY(document_add_row(c->d, false, cells, widths, COUNT_OF(cells)));
	buf_clear(&c->text);
	return chart_draw_count(c, "health_answer", json_text_of(record, "health_answer_id"));
}

static bool is_with_its_entry(const struct chart_draw *c, const json_t *record)
{
	const json_t *drawn = json_object_get(c->drawn, "statement");
	const char *id = json_text_of(record, "statement_id");

	return id != NULL && json_object_get(drawn, id) != NULL;
}

static enum err draw_kind(struct chart_draw *c, const struct kind_info *info)
{
	const json_t *list = chart_draw_list(json_object_get(c->chart, "records"), info->name);
	const size_t count = json_array_size(list);
	size_t alone = 0;

	for (size_t i = 0; i < count; i++)
		if (!is_with_its_entry(c, json_array_get(list, i))) alone++;
	if (alone == 0) return ERR_OK;
	TRY(page_put_label(&c->text, info->many != NULL ? info->many : info->name));
	TRY(chart_draw_text(c, DOCUMENT_SECTION));
	for (size_t i = 0, at = 0; i < count; i++) {
		if (is_with_its_entry(c, json_array_get(list, i))) continue;
		const json_t *record = json_array_get(list, i);
		TRY(info->kind == KIND_HEALTH_ANSWER ? draw_answer(c, record)
						     : draw_record(c, info, record, ++at, alone));
	}
	return ERR_OK;
}

/* ---- the beginning ------------------------------------------------------------------------- */

static enum err draw_recipient(struct chart_draw *c)
{
	const json_t *to = json_object_get(c->chart, "for");

	if (!json_is_object(to)) return ERR_OK;
	TRY(buf_append_fmt(&c->text, "For %s, %s. Ground: ", json_text_of(to, "recipient"),
			   json_text_of(to, "reason")));
	TRY(page_put_word(&c->text, json_text_of(to, "basis")));
	const char *signed_on = json_text_of(to, "consent_signed_on");
	if (signed_on != NULL) {
		TRY(buf_append_str(&c->text, ", signed "));
		TRY(page_put_date_text(&c->text, signed_on, false));
	}
	TRY(buf_append_str(&c->text, "."));
	return chart_draw_text(c, DOCUMENT_LINE);
}

static enum err draw_title(struct chart_draw *c)
{
	const json_t *patient = json_object_get(c->chart, "patient");
	const char *line = json_text_of(c->chart, "withheld_line");

	TRY(document_add(c->d, DOCUMENT_TITLE, json_text_of(patient, "name")));
	TRY(buf_append_fmt(&c->text, "The whole record at %s. Made ",
			   json_text_of(c->chart, "clinic")));
	TRY(page_put_date_text(&c->text, json_text_of(c->chart, "made_at"), true));
	TRY(buf_append_fmt(&c->text, " in %s by %s.", json_text_of(c->chart, "room"),
			   chart_person_name(c->chart, json_text_of(c->chart, "made_by"))));
	TRY(chart_draw_text(c, DOCUMENT_LINE));
	TRY(draw_recipient(c));
	if (json_is_true(json_object_get(c->chart, "partial"))) {
		TRY(document_add(c->d, DOCUMENT_NOTICE,
				 "Made without the clinic's server: sessions of long ago may be "
				 "missing."));
	}
	if (line != NULL) TRY(document_add(c->d, DOCUMENT_NOTICE, line));
	return ERR_OK;
}

static enum err draw_identity(struct chart_draw *c)
{
	static const char *const keys[] = { "name", "name_used", "born", "phone", "email" };
	const json_t *patient = json_object_get(c->chart, "patient");
	const json_t *history = chart_draw_list(patient, "history");
	const json_t *merged = chart_draw_list(patient, "merged");

	TRY(document_add(c->d, DOCUMENT_SECTION, "Who it is about"));
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		const char *text = json_text_of(patient, keys[i]);
		if (text == NULL) continue;
		TRY(strcmp(keys[i], "born") == 0 ? page_put_date_text(&c->text, text, false)
						 : buf_append_str(&c->text, text));
		TRY(chart_draw_field(c, keys[i]));
	}
	for (size_t i = 0; i < json_array_size(merged); i++) {
		const json_t *other = json_array_get(merged, i);
		const char *born = json_text_of(other, "born");
		TRY(buf_append_str(&c->text, json_text_of(other, "name")));
		if (born != NULL) TRY(buf_append_str(&c->text, ", born "));
		if (born != NULL) TRY(page_put_date_text(&c->text, born, false));
		TRY(chart_draw_field(c, "also_entered_as"));
	}
	for (size_t i = 0; i < json_array_size(history); i++) {
		const json_t *row = json_array_get(history, i);
		TRY(page_put_label(&c->text, json_text_of(row, "field")));
		TRY(buf_append_fmt(&c->text, ": %s. ", json_text_of(row, "value")));
		TRY(chart_draw_by(c, "Written", json_text_of(row, "at"), json_text_of(row, "by")));
		TRY(chart_draw_text(c, DOCUMENT_SMALL));
	}
	return chart_draw_count(c, "patient", json_text_of(patient, "patient_id"));
}

/* ---- the end ------------------------------------------------------------------------------- */

static enum err draw_notes(struct chart_draw *c)
{
	const json_t *notes = chart_draw_list(c->chart, "notes");

	TRY(document_add(c->d, DOCUMENT_SECTION, "Confidential notes"));
	for (size_t i = 0; i < json_array_size(notes); i++) {
		const json_t *note = json_array_get(notes, i);
		TRY(document_add(c->d, DOCUMENT_TEXT, json_text_of(note, "text")));
		TRY(chart_draw_by(c, "Written", json_text_of(note, "written_at"),
				  json_text_of(note, "by")));
		TRY(buf_append_str(&c->text, ", who gave it out here"));
		TRY(chart_draw_text(c, DOCUMENT_SMALL));
	}
	return document_add(c->d, DOCUMENT_TEXT, json_text_of(c->chart, "notes_line"));
}

static enum err draw_retention(struct chart_draw *c)
{
	const json_t *r = json_object_get(c->chart, "retention");
	const json_t *holds = chart_draw_list(r, "holds");

	TRY(document_add(c->d, DOCUMENT_SECTION, "How long this record is kept"));
	TRY(page_put_date_text(&c->text, json_text_of(r, "last_entry"), false));
	TRY(chart_draw_field(c, "last_entry"));
	TRY(page_put_date_text(&c->text, json_text_of(r, "retention_until"), false));
	TRY(buf_append_fmt(&c->text, " at least (rule %s)", json_text_of(r, "rule")));
	TRY(chart_draw_field(c, "kept_until"));
	if (json_array_size(holds) == 0) return ERR_OK;
	TRY(page_put_count(&c->text, json_array_size(holds), "stands: nothing of it may go",
			   "stand: nothing of it may go"));
	return chart_draw_field(c, "legal_holds");
}

/* "1 item withheld: family link, about another person". */
static enum err draw_withheld(struct chart_draw *c)
{
	const json_t *list = chart_draw_list(c->chart, "withheld");

	TRY(document_add(c->d, DOCUMENT_SECTION, "What is withheld"));
	if (json_array_size(list) == 0)
		TRY(document_add(c->d, DOCUMENT_TEXT,
				 "Nothing that the clinic's server can read."));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		const char *field = json_text_of(row, "field");
		const size_t count = (size_t)json_integer_value(json_object_get(row, "count"));
		if (count == 0) {
			TRY(page_put_label(&c->text, json_text_of(row, "kind")));
			TRY(buf_append_fmt(&c->text, ": %s", json_text_of(row, "words")));
		} else {
			TRY(page_put_count(&c->text, count, "item", "items"));
			TRY(buf_append_str(&c->text, " withheld: "));
			TRY(page_put_word(&c->text, json_text_of(row, "kind")));
			if (field != NULL) {
				TRY(buf_append_str(&c->text, ", a part of "));
				TRY(page_put_word(&c->text, field));
			}
			TRY(buf_append_fmt(&c->text, ", %s", json_text_of(row, "words")));
		}
		TRY(chart_draw_text(c, DOCUMENT_TEXT));
	}
	return document_add(c->d, DOCUMENT_TEXT, json_text_of(c->chart, "notes_line"));
}

/* Counted here and there; nothing is dropped in silence. */
static enum err check_drawn(const struct chart_draw *c, const char *kind, size_t printed)
{
	const json_t *ids = json_object_get(c->drawn, kind);

	if (strcmp(kind, "note") == 0) return ERR_OK; /* two versions of one have one id */
	ENSURE(json_object_size(ids) == printed, ERR_BUG);
	return ERR_OK;
}

static enum err draw_counts(struct chart_draw *c)
{
	static const unsigned widths[] = { 40, 20, 20, 20 };
	static const char *const titles[] = { "Kind of record", "Read", "Printed", "Withheld" };
	const json_t *counts = chart_draw_list(c->chart, "counts");

	TRY(document_add(c->d, DOCUMENT_SECTION, "Every record, counted"));
	TRY(document_add(c->d, DOCUMENT_TEXT,
			 "Of each kind, what was read is what is printed and what is withheld."));
	TRY(document_add_row(c->d, true, titles, widths, COUNT_OF(titles)));
	for (size_t i = 0; i < json_array_size(counts); i++) {
		const json_t *row = json_array_get(counts, i);
		static const char *const keys[] = { "read", "printed", "withheld" };
		const char *cells[COUNT_OF(titles)] = { NULL };
		char numbers[COUNT_OF(keys)][24];
		const size_t printed = (size_t)json_integer_value(json_object_get(row, "printed"));
		TRY(check_drawn(c, json_text_of(row, "kind"), printed));
		TRY(page_put_label(&c->text, json_text_of(row, "kind")));
		TRY(buf_cstr(&c->text, &cells[0]));
		for (size_t k = 0; k < COUNT_OF(keys); k++) {
			const json_t *n = json_object_get(row, keys[k]);
			(void)snprintf(numbers[k], sizeof(numbers[k]), "%lld",
				       (long long)json_integer_value(n));
			cells[k + 1] = json_is_null(n) ? "not known here" : numbers[k];
		}
		TRY(document_add_row(c->d, false, cells, widths, COUNT_OF(cells)));
		buf_clear(&c->text);
	}
	return ERR_OK;
}

static enum err draw_kinds(struct chart_draw *c, unsigned first, unsigned last)
{
	for (size_t k = 0; k < kind_count(); k++) {
		const struct kind_info *info = kind_at(k);
		if (!kind_is_plain(info) || info->kind < first || info->kind > last) continue;
		TRY(draw_kind(c, info));
	}
	return ERR_OK;
}

static enum err draw_all(struct chart_draw *c)
{
	TRY(draw_title(c));
	TRY(draw_identity(c));
	TRY(draw_kinds(c, KIND_PATIENT_DETAIL, KIND_EPISODE));
	/* Sessions before statements: those are printed where their entry is. */
	TRY(chart_draw_sessions(c));
	TRY(draw_kinds(c, KIND_EPISODE + 1, KIND_NOTE));
	TRY(draw_notes(c));
	TRY(draw_retention(c));
	TRY(draw_withheld(c));
	return draw_counts(c);
}

enum err chart_page_draw(const json_t *chart, struct buf *out, unsigned *ret_pages)
{
	CLEANUP(document_finip) struct document d = { 0 };
	CLEANUP(json_decrefp) json_t *drawn = json_object();
	const struct document_head head = {
		.title = "Patient record",
		.clinic = json_text_of(chart, "clinic"),
		.subject = json_text_of(json_object_get(chart, "patient"), "name"),
	};
	struct chart_draw c = { .chart = chart, .d = &d, .drawn = drawn };

	ENSURE(drawn != NULL, ERR_NOMEM);
	document_init(&d, &head);
	enum err e = draw_all(&c);
	buf_wipe(&c.text);
	buf_fini(&c.text);
	if (e == ERR_OK) e = document_draw(&d, out, ret_pages);
	return e;
}
