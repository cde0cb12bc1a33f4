/* The one-page proof of a patient, as a file that the person asked for. */
#include "client/api/chart_guard.h"
#include "client/api/export_file.h"
#include "client/api/proof_load.h"
#include "client/api/proof_sheet.h"
#include "client/api/session_calls.h"
#include "client/api/verbs.h"
#include "client/api/withheld.h"

#include "base/check.h"
#include "client/print/proof_page.h"
#include "record/lockbox.h"

#include <string.h>

static enum err draw(struct verb *v, const struct id *patient_id, struct proof_sheet *sheet,
		     struct buf *pdf)
{
	struct local_patient patient;

	TRY(local_get_patient(verb_local(v), verb_vault(v), patient_id, &patient));
	sheet->page.clinic = local_room(verb_local(v))->clinic_name;
	sheet->page.patient = patient.name_used[0] != '\0' ? patient.name_used : patient.name;
	return proof_page_draw(&sheet->page, pdf);
}

static enum err make_sheet(struct verb *v, const struct id *patient_id, struct proof_sheet *ret)
{
	CLEANUP(proof_visits_finip) struct proof_visits visits = { 0 };

	TRY(proof_visits_load(v, patient_id, &visits));
	const enum err e = proof_sheet_make(&visits, v->now_ms, ret);
	if (e != ERR_NOT_FOUND) return e;
	struct local_withheld w;
	TRY(local_withheld(verb_local(v), verb_vault(v), patient_id, &w));
	if (w.any) {
		return fault_set(&v->fault, e, "nothing_measured",
				 "no measure can be shown: " LOCKBOX_WORDS);
	}
	return fault_set(&v->fault, e, "nothing_measured",
			 "no visit has a measure before and after treatment");
}

/* On the page too, before what else there is to say of the whole. */
static enum err say_withheld(struct verb *v, const struct id *patient_id, struct proof_sheet *sheet,
			     struct buf *note)
{
	TRY(withheld_print(v, patient_id, note));
	if (note->len == 0) return ERR_OK;
	TRY(buf_append_str(note, sheet->page.whole.note));
	return buf_cstr(note, &sheet->page.whole.note);
}

/* Everything on the page that somebody might have typed, and what we typed ourselves. */
static enum err check_panel(struct verb *v, const struct id *patient_id,
			    const struct proof_page_panel *panel)
{
	for (size_t i = 0; i < panel->count; i++) {
		const struct view texts[] = { view_str(panel->tests[i].title),
					      view_str(panel->tests[i].how),
					      view_str(panel->tests[i].sentence) };
		TRY(chart_guard_output(v, patient_id, texts, COUNT_OF(texts)));
	}
	const struct view note = view_str(panel->note);
	return chart_guard_output(v, patient_id, &note, 1);
}

static enum err check_output(struct verb *v, const struct id *patient_id,
			     const struct proof_page *page)
{
	TRY(check_panel(v, patient_id, &page->today));
	return check_panel(v, patient_id, &page->whole);
}

static enum err write_page(struct verb *v, const struct id *patient_id, bool partial)
{
	CLEANUP(proof_sheet_finip) struct proof_sheet sheet = { 0 };
	CLEANUP(buf_finip) struct buf note = { 0 };
	CLEANUP(buf_finip) struct buf pdf = { 0 };

	TRY(make_sheet(v, patient_id, &sheet));
	TRY(say_withheld(v, patient_id, &sheet, &note));
	TRY(check_output(v, patient_id, &sheet.page));
	TRY(draw(v, patient_id, &sheet, &pdf));
	/* First the mark in the audit trail, then what it speaks of. */
	TRY(local_opened(verb_local(v), verb_vault(v), patient_id, &sheet.session_id, v->now_ms));
	v->effects.outbox = true;
	TRY(export_file_write(v, buf_view(&pdf)));
	TRY(json_put_id(v->answer, "patient_id", patient_id));
	TRY(json_put_id(v->answer, "session_id", &sheet.session_id));
	TRY(json_put(v->answer, "measures", json_integer((json_int_t)sheet.page.today.count)));
	return json_put(v->answer, "partial", json_boolean(partial));
}

enum err verb_export_proof(struct verb *v)
{
	struct id patient_id;
	bool partial = false;

	TRY(session_need_patient(v, &patient_id));
	TRY(export_file_need(v));
	TRY(session_may_read(v));
	TRY(verb_fetch_patient(v, &patient_id, &partial));
	return v->ask.len > 0 ? ERR_OK : write_page(v, &patient_id, partial);
}
