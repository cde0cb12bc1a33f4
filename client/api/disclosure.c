#include "client/api/disclosure.h"

#include "base/check.h"
#include "client/api/export_file.h"
#include "client/api/out_file.h"
#include "client/api/record_json.h"
#include "client/api/record_more.h"
#include "record/text.h"
#include "wire/op.h"

static enum err read_basis(struct verb *v, const char *word, Roomkeep__Disclosure *m)
{
	int basis = 0;

	if (enum_parse(&roomkeep__disclosure__basis__descriptor, word, &basis) != ERR_OK) {
		return fault_set(&v->fault, ERR_BAD_VALUE, NULL,
				 "basis: consent, care, law, emergency or patient");
	}
	m->has_basis = 1;
	m->basis = (Roomkeep__Disclosure__Basis)basis;
	return ERR_OK;
}

/* The request it answers is one of this patient. */
static enum err read_request(struct verb *v, const struct disclosure_ask *ask, struct id *id,
			     Roomkeep__Disclosure *m)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *s = NULL;

	if (ask->request_id[0] == '\0') return ERR_OK;
	enum err e = id_parse(view_str(ask->request_id), id);
	if (e == ERR_OK)
		e = local_get_record(verb_local(v), verb_vault(v), KIND_REQUEST, id, &fold, &s);
	if (e == ERR_OK && id_equal(&s->patient_id, ask->patient_id)) {
		m->has_request_id = 1;
		m->request_id = wire_id_bytes(id);
		return ERR_OK;
	}
	if (e != ERR_OK && e != ERR_NOT_FOUND && e != ERR_BAD_FORMAT && e != ERR_BAD_VALUE)
		return e;
	return fault_set(&v->fault, ERR_NOT_FOUND, NULL, "request_id: no request of this patient");
}

static enum err append(struct verb *v, Roomkeep__Disclosure *m, const struct id *id)
{
	struct record_error error = { .err = ERR_OK };
	struct id op_id;

	const enum err e = local_append(verb_local(v), verb_vault(v), KIND_DISCLOSURE, &m->base,
					v->now_ms, &op_id, &error);
	if (e != ERR_OK) return record_fail(v, kind_find(KIND_DISCLOSURE), e, &error);
	v->effects.outbox = true;
	return json_put_id(v->answer, "disclosure_id", id);
}

/* Written beside its name, then the record, then the name: at no instant does a file stand there
 * whose record could still be lost. A death in between leaves a record of what was not given. */
static enum err append_and_write(struct verb *v, Roomkeep__Disclosure *m, const struct id *id,
				 struct view file)
{
	CLEANUP(out_file_finip) struct out_file f = OUT_FILE_NONE;

	TRY(export_file_begin(v, file, &f));
	TRY(local_begin(verb_local(v)));
	TRY(verb_end_batch(v, append(v, m, id)));
	return export_file_publish(v, &f);
}

enum err disclosure_write(struct verb *v, const struct disclosure_ask *ask, struct view file)
{
	CLEANUP(buf_finip) struct buf today = { 0 };
	CLEANUP(buf_finip) struct buf recipient = { 0 };
	Roomkeep__Disclosure m = ROOMKEEP__DISCLOSURE__INIT;
	const struct id id = local_new_id(verb_local(v), v->now_ms);
	struct id request = { 0 };
	const char *given_on = NULL;
	const char *to = NULL;

	if (text_normalise_name(view_str(ask->recipient), &recipient) != ERR_OK) {
		return fault_set(&v->fault, ERR_BAD_TEXT, NULL, "for: one line of clean text");
	}
	TRY(calendar_print(record_today(v), &today));
	TRY(buf_cstr(&today, &given_on));
	TRY(buf_cstr(&recipient, &to));
	m.has_disclosure_id = m.has_patient_id = 1;
	m.disclosure_id = wire_id_bytes(&id);
	m.patient_id = wire_id_bytes(ask->patient_id);
	m.recipient = wire_text_or_null(to);
	m.what = wire_text_or_null(ask->what);
	m.consent_signed_on = wire_text_or_null(ask->consent_signed_on);
	m.given_on = wire_text_or_null(given_on);
	TRY(read_basis(v, ask->basis, &m));
	TRY(read_request(v, ask, &request, &m));
	return append_and_write(v, &m, &id, file);
}
