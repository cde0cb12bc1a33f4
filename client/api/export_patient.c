/* The whole chart of one patient as a file: for the patient, or for somebody else on a ground
 * that is
 * written down in the same step (DOMAIN 2.8, 3f, BC8, ON4, ON6). */
#include "client/api/chart_fhir.h"
#include "client/api/chart_model.h"
#include "client/api/chart_page.h"
#include "client/api/disclosure.h"
#include "client/api/export_file.h"
#include "client/api/session_calls.h"
#include "client/api/show.h"
#include "client/api/verbs.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

static const char *const forms[] = { "pdf", "json", "fhir" };

static enum err need_form(struct verb *v, const char **ret)
{
	const char *form = verb_has(v, "as") ? verb_text(v, "as") : "pdf";

	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		if (strcmp(forms[i], form) != 0) continue;
		*ret = forms[i];
		return ERR_OK;
	}
	return fault_set(&v->fault, ERR_USAGE, "usage", "as: pdf, json or fhir");
}

/* ---- to whom ------------------------------------------------------------------------------- */

static enum err need_grounds(struct verb *v)
{
	static const char *const keys[] = { "reason", "basis", "consent_signed_on", "request_id" };
	const char *text = NULL;

	if (verb_has(v, "for")) {
		TRY(verb_need_text(v, "reason", &text));
		return verb_need_text(v, "basis", &text);
	}
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		if (!verb_has(v, keys[i])) continue;
		return fault_set(&v->fault, ERR_USAGE, "usage",
				 "%s is said of somebody: for is missing", keys[i]);
	}
	return ERR_OK;
}

/* To the patient it goes whole. */
static bool is_to_other(struct verb *v)
{
	return verb_has(v, "for") && strcmp(verb_text(v, "basis"), "patient") != 0;
}

static enum err put_recipient(struct verb *v, json_t *chart)
{
	static const char *const keys[][2] = { { "recipient", "for" },
					       { "reason", "reason" },
					       { "basis", "basis" },
					       { "consent_signed_on", "consent_signed_on" } };
	json_t *to = json_object();

	if (!verb_has(v, "for")) {
		json_decref(to);
		return ERR_OK;
	}
	TRY(json_put(chart, "for", to));
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		const char *text = verb_text(v, keys[i][1]);
		TRY(json_put(to, keys[i][0], text[0] == '\0' ? json_null() : json_string(text)));
	}
	return ERR_OK;
}

/* ---- the file ------------------------------------------------------------------------------ */

static enum err dump(const json_t *value, struct buf *out)
{
	CLEANUP(json_text_freep) char *text = NULL;

	TRY(json_text_dump(value, &text));
	TRY(buf_append_str(out, text));
	return buf_append_str(out, "\n");
}

static enum err make_file(struct verb *v, const json_t *chart, const char *form, struct buf *out)
{
	CLEANUP(json_decrefp) json_t *bundle = NULL;
	unsigned pages = 0;

	if (strcmp(form, "json") == 0) return dump(chart, out);
	if (strcmp(form, "fhir") == 0) {
		TRY(chart_fhir_make(chart, &bundle));
		return dump(bundle, out);
	}
	TRY(chart_page_draw(chart, out, &pages));
	return json_put(v->answer, "pages", json_integer(pages));
}

static size_t sum_of(const json_t *chart, const char *key)
{
	const json_t *counts = json_object_get(chart, "counts");
	size_t sum = 0;

	for (size_t i = 0; i < json_array_size(counts); i++) {
		const json_t *n = json_object_get(json_array_get(counts, i), key);
		sum += (size_t)json_integer_value(n);
	}
	return sum;
}

static enum err put_answer(struct verb *v, const struct chart_ask *ask, const json_t *chart,
			   const char *form)
{
	json_t *withheld = json_object_get(chart, "withheld");
	json_t *counts = json_object_get(chart, "counts");

	TRY(json_put_id(v->answer, "patient_id", &ask->patient_id));
	TRY(json_put(v->answer, "as", json_string(form)));
	TRY(json_put(v->answer, "read", json_integer((json_int_t)sum_of(chart, "read"))));
	TRY(json_put(v->answer, "printed", json_integer((json_int_t)sum_of(chart, "printed"))));
	TRY(json_put(v->answer, "withheld_count",
		     json_integer((json_int_t)sum_of(chart, "withheld"))));
	TRY(json_put(v->answer, "withheld", json_incref(withheld)));
	TRY(json_put(v->answer, "counts", json_incref(counts)));
	return json_put(v->answer, "partial", json_boolean(ask->partial));
}

static enum err give(struct verb *v, const struct chart_ask *ask, const char *form,
		     const json_t *chart)
{
	CLEANUP(buf_finip) struct buf file = { 0 };
	const struct disclosure_ask given = {
		.patient_id = &ask->patient_id,
		.recipient = verb_text(v, "for"),
		.what = verb_text(v, "reason"),
		.basis = verb_text(v, "basis"),
		.consent_signed_on = verb_text(v, "consent_signed_on"),
		.request_id = verb_text(v, "request_id"),
	};

	TRY(json_put(v->answer, "disclosure_id", json_null()));
	enum err e = make_file(v, chart, form, &file);
	if (e == ERR_OK && verb_has(v, "for")) {
		e = disclosure_write(v, &given, buf_view(&file));
	} else if (e == ERR_OK) {
		e = export_file_write(v, buf_view(&file));
	}
	buf_wipe(&file);
	TRY(e);
	return put_answer(v, ask, chart, form);
}

static enum err export_patient(struct verb *v)
{
	CLEANUP(json_decrefp) json_t *chart = json_object();
	const bool *partial = v->state;
	struct chart_ask ask = { .recipient = is_to_other(v) ? verb_text(v, "for") : NULL,
				 .partial = *partial };
	const char *form = "pdf";

	ENSURE(chart != NULL, ERR_NOMEM);
	TRY(need_form(v, &form));
	TRY(session_need_patient(v, &ask.patient_id));
	TRY(chart_model_make(v, &ask, chart));
	/* A name that is missing is asked for first; then this runs again. */
	if (v->name_missing && !v->learning && v->link.link == SYNC_LINK_ONLINE) return ERR_OK;
	TRY(put_recipient(v, chart));
	/* First the mark in the audit trail, then what it speaks of. */
	TRY(local_opened(verb_local(v), verb_vault(v), &ask.patient_id, NULL, v->now_ms));
	v->effects.outbox = true;
	return give(v, &ask, form, chart);
}

static enum err remember(struct verb *v, bool partial)
{
	bool *kept = v->state != NULL ? v->state : malloc(sizeof(*kept));

	ENSURE(kept != NULL, ERR_NOMEM);
	*kept = partial;
	v->state = kept;
	v->state_free = free;
	return ERR_OK;
}

enum err verb_export_patient(struct verb *v)
{
	struct id patient_id;
	const char *form = NULL;
	bool partial = false;

	if (v->learning) return verb_show_named(v, export_patient);
	TRY(session_need_patient(v, &patient_id));
	TRY(need_form(v, &form));
	TRY(need_grounds(v));
	TRY(export_file_need(v));
	TRY(session_may_read(v));
	TRY(verb_fetch_patient(v, &patient_id, &partial));
	if (v->ask.len > 0) return ERR_OK;
	TRY(remember(v, partial));
	return verb_show_named(v, export_patient);
}
