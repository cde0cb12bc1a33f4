/* The one-page proof of a patient, as a file that the person asked for. */
#include "client/api/out_file.h"
#include "client/api/proof_load.h"
#include "client/api/proof_sheet.h"
#include "client/api/session_calls.h"
#include "client/api/verbs.h"

#include "base/check.h"
#include "client/print/proof_page.h"

#include <string.h>

static const struct {
	enum err err;
	const char *code; /* NULL: the error's own */
	const char *message;
} file_faults[] = {
	{ ERR_EXISTS, "file_exists", "file: there is one already" },
	{ ERR_NOT_FOUND, NULL, "file: no such folder" },
	{ ERR_BAD_VALUE, NULL, "file: a file name" },
	{ ERR_FULL, NULL, "file: the disk is full or fails" },
	{ ERR_DENIED, NULL, "file: it cannot be written there" },
};

static enum err fail_file(struct verb *v, enum err e)
{
	for (size_t i = 0; i < COUNT_OF(file_faults); i++) {
		if (file_faults[i].err != e) continue;
		err_ignore(
			fault_set(&v->fault, e, file_faults[i].code, "%s", file_faults[i].message));
		return e == ERR_EXISTS ? fault_hint(&v->fault, "--overwrite replaces it") : e;
	}
	return e;
}

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
	return fault_set(&v->fault, e, "nothing_measured",
			 "no visit has a measure before and after treatment");
}

static enum err write_page(struct verb *v, const struct id *patient_id, bool partial)
{
	CLEANUP(proof_sheet_finip) struct proof_sheet sheet = { 0 };
	CLEANUP(buf_finip) struct buf pdf = { 0 };
	const char *file = NULL;

	TRY(verb_need_text(v, "file", &file));
	TRY(make_sheet(v, patient_id, &sheet));
	TRY(draw(v, patient_id, &sheet, &pdf));
	/* First the mark in the audit trail, then what it speaks of. */
	TRY(local_opened(verb_local(v), verb_vault(v), patient_id, &sheet.session_id, v->now_ms));
	v->effects.outbox = true;
	const bool overwrite = json_is_true(json_object_get(v->request, "overwrite"));
	const enum err e = out_file_write(file, buf_view(&pdf), overwrite);
	if (e != ERR_OK) return fail_file(v, e);
	TRY(json_put_id(v->answer, "patient_id", patient_id));
	TRY(json_put_id(v->answer, "session_id", &sheet.session_id));
	TRY(json_put(v->answer, "file", json_string(file)));
	TRY(json_put(v->answer, "measures", json_integer((json_int_t)sheet.page.today.count)));
	return json_put(v->answer, "partial", json_boolean(partial));
}

enum err verb_export_proof(struct verb *v)
{
	struct id patient_id;
	const char *file = NULL;
	bool partial = false;

	TRY(session_need_patient(v, &patient_id));
	TRY(verb_need_text(v, "file", &file));
	if (file[0] != '/') {
		return fault_set(&v->fault, ERR_BAD_VALUE, NULL, "file: a whole path");
	}
	TRY(session_may_read(v));
	TRY(verb_fetch_patient(v, &patient_id, &partial));
	return v->ask.len > 0 ? ERR_OK : write_page(v, &patient_id, partial);
}
