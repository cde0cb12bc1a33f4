/* Sessions on paper: what was said, measured and done, who wrote and who signed it, what was added
 * later, and where the patient disagrees. */
#include "client/api/chart_draw.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "client/api/chart_model.h"
#include "record/fold.h"
#include "record/law_duty.h"

#include <string.h>

/* ---- the head of one ----------------------------------------------------------------------- */

static enum err time_of(const json_t *session, const char *key, uint64_t *ret_ms)
{
	const char *text = json_text_of(session, key);

	*ret_ms = 0;
	return text == NULL ? ERR_OK : json_time_parse(text, ret_ms);
}

static enum err draw_head(struct chart_draw *c, const json_t *session)
{
	const char *started = json_text_of(session, "started_at");
	const char *supervisor = json_text_of(session, "supervisor");

	TRY(buf_append_str(&c->text, "Session"));
	if (started != NULL) {
		TRY(buf_append_str(&c->text, ", "));
		TRY(page_put_date_text(&c->text, started, true));
	}
	TRY(chart_draw_text(c, DOCUMENT_SECTION));
	TRY(buf_append_str(&c->text, chart_person_name(c->chart, json_text_of(session, "author"))));
	if (supervisor != NULL)
		TRY(buf_append_fmt(&c->text, ", supervised by %s",
				   chart_person_name(c->chart, supervisor)));
	if (json_text_of(session, "room") != NULL)
		TRY(buf_append_fmt(&c->text, ", %s", json_text_of(session, "room")));
	if (json_text_of(session, "ended_at") != NULL) {
		TRY(buf_append_str(&c->text, ", until "));
		TRY(page_put_date_text(&c->text, json_text_of(session, "ended_at"), true));
	}
	return chart_draw_text(c, DOCUMENT_LINE);
}

/* A student's session is signed when the supervisor stands by it. */
static enum err put_supervised(struct chart_draw *c, const json_t *session)
{
	const char *supervisor = json_text_of(session, "supervisor");
	const char *state = json_text_of(session, "state");

	if (supervisor == NULL) return ERR_OK;
	return buf_append_fmt(&c->text, "; %s %s", chart_person_name(c->chart, supervisor),
			      state != NULL && strcmp(state, "to_cosign") == 0
				      ? "has not stood by it yet"
				      : "stands by it");
}

static enum err draw_signature(struct chart_draw *c, const json_t *session)
{
	uint64_t ended_ms = 0;
	uint64_t signed_ms = 0;

	if (json_text_of(session, "signed_at") == NULL) {
		return document_add(c->d, DOCUMENT_LINE, "A draft: not signed.");
	}
	TRY(time_of(session, "ended_at", &ended_ms));
	TRY(time_of(session, "signed_at", &signed_ms));
	TRY(buf_append_str(&c->text, "Signed "));
	TRY(page_put_moment(&c->text, signed_ms));
	TRY(buf_append_fmt(&c->text, "; the signature %s", json_text_of(session, "signature")));
	if (ended_ms > 0 && law_late_hours(ended_ms, signed_ms) > 0) {
		TRY(buf_append_str(&c->text, "; "));
		TRY(law_late_print(ended_ms, signed_ms, &c->text));
	}
	TRY(put_supervised(c, session));
	if (json_is_true(json_object_get(session, "imported")))
		TRY(buf_append_str(&c->text, "; brought in from another record"));
	TRY(buf_append_str(&c->text, "."));
	return chart_draw_text(c, DOCUMENT_LINE);
}

/* ---- texts --------------------------------------------------------------------------------- */

static enum err draw_texts(struct chart_draw *c, const json_t *session)
{
	const json_t *conflicts = chart_draw_list(session, "conflicts");

	TRY(document_add_gap(c->d));
	for (int i = 0; i < (int)FOLD_TEXT_FIELDS; i++) {
		const char *name = fold_field_name((Roomkeep__TextField)(i + 1));
		const char *text = json_text_of(session, name);
		if (text == NULL || text[0] == '\0') continue;
		TRY(buf_append_str(&c->text, text));
		TRY(chart_draw_field(c, name));
	}
	for (size_t i = 0; i < json_array_size(conflicts); i++) {
		const json_t *one = json_array_get(conflicts, i);
		const json_t *values = chart_draw_list(one, "values");
		TRY(buf_append_str(&c->text, "Two versions stand of the "));
		TRY(buf_append_fmt(&c->text, "%s:", json_text_of(one, "field")));
		TRY(chart_draw_text(c, DOCUMENT_NOTICE));
		for (size_t k = 0; k < json_array_size(values); k++) {
			const json_t *value = json_array_get(values, k);
			const char *text = json_text_of(value, "text");
			TRY(buf_append_str(&c->text, text == NULL ? "(erased)" : text));
			TRY(chart_draw_text(c, DOCUMENT_TEXT));
			TRY(chart_draw_by(c, "Written", json_text_of(value, "at"),
					  json_text_of(value, "by")));
			TRY(chart_draw_text(c, DOCUMENT_SMALL));
		}
	}
	return ERR_OK;
}

/* ---- measures ------------------------------------------------------------------------------ */

/* Words, never a score on paper (DOMAIN 4.5). */
static bool is_mood(const json_t *m)
{
	const char *ref = json_text_of(m, "ref");

	return ref != NULL && strcmp(ref, "mood") == 0;
}

static enum err put_mood(struct buf *out, const json_t *m)
{
	static const char *const words[] = { "very low", "low", "even", "bright", "very bright" };
	const json_int_t step = json_integer_value(json_object_get(m, "value"));

	if (step < 1 || step > (json_int_t)COUNT_OF(words)) return ERR_OK;
	return buf_append_str(out, words[step - 1]);
}

static enum err put_result(struct buf *out, const json_t *m)
{
	static const char *const results[][2] = { { "pos", "positive" }, { "neg", "negative" } };
	const char *result = json_text_of(m, "result");
	const char *skipped = json_text_of(m, "skipped_reason");
	const json_t *pain = json_object_get(m, "pain_at_end");

	if (skipped != NULL) return buf_append_fmt(out, "not measured: %s", skipped);
	if (result != NULL) {
		for (size_t i = 0; i < COUNT_OF(results); i++)
			if (strcmp(results[i][0], result) == 0) result = results[i][1];
		return buf_append_str(out, result);
	}
	if (is_mood(m)) return put_mood(out, m);
	TRY(page_put_number(out, json_object_get(m, "value")));
	if (json_text_of(m, "unit") != NULL)
		TRY(buf_append_fmt(out, " %s", json_text_of(m, "unit")));
	if (json_is_integer(pain))
		TRY(buf_append_fmt(out, ", pain %lld", (long long)json_integer_value(pain)));
	return ERR_OK;
}

static enum err put_how(struct buf *out, const json_t *m)
{
	static const char *const keys[] = { "method", "mode", "position", "end_feel",
					    "limited_by" };

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		const char *text = json_text_of(m, keys[i]);
		if (text == NULL) continue;
		if (out->len > 0) TRY(buf_append_str(out, ", "));
		if (i == 3) TRY(buf_append_str(out, "end feel "));
		if (i == 4) TRY(buf_append_str(out, "limited by "));
		TRY(i == 4 ? buf_append_str(out, text) : page_put_word(out, text));
	}
	return ERR_OK;
}

static const char *side_words(const char *side)
{
	if (side == NULL) return "";
	if (strcmp(side, "L") == 0) return ", left";
	if (strcmp(side, "R") == 0) return ", right";
	return strcmp(side, "both") == 0 ? ", both sides" : ", midline";
}

static const char *phase_words(const char *phase)
{
	if (phase == NULL) return "";
	if (strcmp(phase, "pre") == 0) return "before";
	return strcmp(phase, "mid") == 0 ? "during" : "after";
}

static const unsigned measure_widths[] = { 31, 9, 20, 24, 16 };

static enum err draw_measure(struct chart_draw *c, const json_t *m)
{
	CLEANUP(buf_finip) struct buf what = { 0 };
	CLEANUP(buf_finip) struct buf result = { 0 };
	const char *cells[COUNT_OF(measure_widths)] = { NULL };
	const char *name = json_text_of(m, "name");

	TRY(page_put_label(&what, name != NULL ? name : json_text_of(m, "ref")));
	TRY(buf_append_str(&what, side_words(json_text_of(m, "side"))));
	TRY(put_result(&result, m));
	TRY(put_how(&c->text, m));
	TRY(buf_cstr(&what, &cells[0]));
	cells[1] = phase_words(json_text_of(m, "phase"));
	TRY(buf_cstr(&result, &cells[2]));
	TRY(buf_cstr(&c->text, &cells[3]));
	cells[4] = chart_person_name(c->chart, json_text_of(m, "rater"));
	TRY(document_add_row(c->d, false, cells, measure_widths, COUNT_OF(cells)));
	buf_clear(&c->text);
	return chart_draw_count(c, "measure", json_text_of(m, "measure_id"));
}

static enum err draw_measures(struct chart_draw *c, const json_t *session)
{
	static const char *const titles[] = { "Measure", "When", "Result", "How", "By" };
	const json_t *measures = chart_draw_list(session, "measures");
	const json_t *changes = chart_draw_list(session, "changes");

	if (json_array_size(measures) == 0) return ERR_OK;
	TRY(document_add_gap(c->d));
	TRY(document_add_row(c->d, true, titles, measure_widths, COUNT_OF(titles)));
	for (size_t i = 0; i < json_array_size(measures); i++)
		TRY(draw_measure(c, json_array_get(measures, i)));
	for (size_t i = 0; i < json_array_size(changes); i++) {
		const json_t *one = json_array_get(changes, i);
		const char *text = json_text_of(json_object_get(one, "post"), "text");
		if (text == NULL) continue;
		TRY(buf_append_fmt(&c->text, "%s: %s", json_text_of(one, "title"), text));
		TRY(chart_draw_text(c, DOCUMENT_LINE));
	}
	return ERR_OK;
}

/* ---- what came later ----------------------------------------------------------------------- */

static enum err draw_addenda(struct chart_draw *c, const json_t *session)
{
	const json_t *list = chart_draw_list(session, "addenda");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		TRY(chart_draw_by(c, "Addendum, written", json_text_of(one, "at"),
				  json_text_of(one, "by")));
		TRY(chart_draw_text(c, DOCUMENT_HEADING));
		TRY(document_add(c->d, DOCUMENT_TEXT, json_text_of(one, "text")));
		TRY(chart_draw_count(c, "addendum", json_text_of(one, "addendum_id")));
	}
	return ERR_OK;
}

static enum err draw_late(struct chart_draw *c, const json_t *session)
{
	const json_t *list = chart_draw_list(session, "late_changes");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		const char *text = json_text_of(one, "text");
		const char *field = json_text_of(one, "field");
		const char *name = json_text_of(one, "name");
		TRY(chart_draw_by(c, "Changed after signing, not part of what was signed:",
				  json_text_of(one, "at"), json_text_of(one, "by")));
		TRY(chart_draw_text(c, DOCUMENT_HEADING));
		TRY(page_put_word(&c->text, json_text_of(one, "kind")));
		if (field != NULL) TRY(buf_append_fmt(&c->text, ", %s", field));
		if (text != NULL) TRY(buf_append_fmt(&c->text, ": %s", text));
		if (name != NULL) {
			TRY(buf_append_fmt(&c->text, ", %s%s: ", name,
					   side_words(json_text_of(one, "side"))));
			TRY(put_result(&c->text, one));
		}
		TRY(chart_draw_text(c, DOCUMENT_TEXT));
		TRY(chart_draw_count(c, "late_change", json_text_of(one, "op_id")));
	}
	return ERR_OK;
}

static enum err draw_session(struct chart_draw *c, const json_t *session)
{
	TRY(draw_head(c, session));
	TRY(draw_signature(c, session));
	TRY(draw_texts(c, session));
	TRY(draw_measures(c, session));
	TRY(draw_late(c, session));
	TRY(draw_addenda(c, session));
	TRY(chart_draw_statements(c, session));
	return chart_draw_count(c, "session", json_text_of(session, "session_id"));
}

enum err chart_draw_sessions(struct chart_draw *c)
{
	const json_t *list = chart_draw_list(c->chart, "sessions");

	for (size_t i = 0; i < json_array_size(list); i++)
		TRY(draw_session(c, json_array_get(list, i)));
	return ERR_OK;
}
