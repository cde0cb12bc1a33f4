/* A receipt of one session: who paid what to whom for which time. No complaint, no notes,
 * whoever it
 * goes to (DOMAIN 4.8 rule 6). */
#include "client/api/care.h"
#include "client/api/clinic_words.h"
#include "client/api/export_file.h"
#include "client/api/outgoing.h"
#include "client/api/page_words.h"
#include "client/api/session_calls.h"
#include "client/api/show.h"
#include "client/api/staff_words.h"
#include "client/api/verbs.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "client/print/document.h"
#include "record/access.h"

#include <stdio.h>
#include <string.h>

#define AMOUNT_MILLI_MAX 100000000000
#define MINUTES_MAX 1440
#define NUMBER_BYTES 32u

struct receipt {
	struct local_patient patient; /* borrows from the store */
	struct id therapist_id;
	uint64_t started_ms;
	json_int_t minutes;
	int64_t cents;
	const char *currency;
	const char *service;
	char number[NUMBER_BYTES];
	char registration[NAME_BYTES_MAX + 1];
};

/* ---- what is typed ------------------------------------------------------------------------- */

static enum err read_amount(struct verb *v, struct receipt *r)
{
	const json_t *amount = json_object_get(v->request, "amount");
	int64_t milli = 0;

	if (amount == NULL) return fault_set(&v->fault, ERR_USAGE, "usage", "amount is missing");
	if (json_milli_read(amount, &milli) != ERR_OK || milli < 0 || milli > AMOUNT_MILLI_MAX ||
	    milli % 10 != 0) {
		return fault_set(
			&v->fault, ERR_BAD_VALUE, NULL,
			"amount: a number like 95.00, at most two digits behind the point");
	}
	r->cents = milli / 10;
	return ERR_OK;
}

static enum err read_currency(struct verb *v, struct receipt *r)
{
	TRY(verb_need_text(v, "currency", &r->currency));
	bool is_code = strlen(r->currency) == 3;
	for (size_t i = 0; is_code && i < 3; i++)
		is_code = r->currency[i] >= 'A' && r->currency[i] <= 'Z';
	if (is_code) return ERR_OK;
	return fault_set(&v->fault, ERR_BAD_VALUE, NULL, "currency: three capitals, like CAD");
}

/* The same session has the same number, so a copy is a copy. */
static enum err read_number(struct verb *v, const struct id *session_id, struct receipt *r)
{
	const char *typed = verb_text(v, "number");
	char id[ID_TEXT_BYTES];

	if (strlen(typed) >= NUMBER_BYTES) {
		return fault_set(&v->fault, ERR_TOO_BIG, NULL, "number: at most %u bytes",
				 NUMBER_BYTES - 1);
	}
	id_print(session_id, id);
	(void)snprintf(r->number, sizeof(r->number), "%s%s", typed[0] != '\0' ? typed : "R-",
		       typed[0] != '\0' ? "" : id + 24);
	return ERR_OK;
}

static enum err read_minutes(struct verb *v, const struct session_state *s, struct receipt *r)
{
	const json_t *typed = json_object_get(v->request, "minutes");

	r->minutes = json_integer_value(typed);
	if (typed == NULL && s->ended_ms > s->started_ms)
		r->minutes = (json_int_t)((s->ended_ms - s->started_ms) / 60000u);
	if (r->minutes > 0 && r->minutes <= MINUTES_MAX) return ERR_OK;
	return fault_set(&v->fault, ERR_BAD_VALUE, NULL,
			 "minutes: the session does not say how long it was; 1 to %d", MINUTES_MAX);
}

/* What is typed leaves the clinic like any other text. */
static enum err check_words(struct verb *v, const struct receipt *r)
{
	CLEANUP(json_decrefp) json_t *withheld = json_array();
	CLEANUP(json_decrefp) json_t *typed = json_object();
	CLEANUP(outgoing_finip) struct outgoing o = { .v = NULL };

	ENSURE(withheld != NULL && typed != NULL, ERR_NOMEM);
	TRY(json_put(typed, "service", json_string(r->service)));
	TRY(outgoing_init(&o, v, &r->patient.id, NULL, withheld));
	TRY(outgoing_text(&o, "receipt", NULL, typed, "service"));
	return outgoing_end(&o);
}

/* ---- the paper ----------------------------------------------------------------------------- */

static enum err add_field(struct document *d, const char *label, struct buf *text)
{
	const char *words = NULL;

	TRY(buf_cstr(text, &words));
	TRY(document_add_field(d, label, words));
	buf_clear(text);
	return ERR_OK;
}

static enum err add_session(struct verb *v, const struct receipt *r, struct document *d)
{
	CLEANUP(buf_finip) struct buf text = { 0 };

	TRY(document_add(d, DOCUMENT_SECTION, "For"));
	TRY(document_add_field(d, "Service", r->service));
	TRY(page_put_day(&text, r->started_ms));
	TRY(add_field(d, "Date of the session", &text));
	TRY(buf_append_fmt(&text, "%lld minutes", (long long)r->minutes));
	TRY(add_field(d, "Time", &text));
	TRY(document_add_field(d, "Therapist", staff_name(v, &r->therapist_id)));
	return document_add_field(d, "Registration number", r->registration);
}

static enum err add_money(struct verb *v, const struct receipt *r,
			  const Roomkeep__ClinicProfile *clinic, struct document *d)
{
	CLEANUP(buf_finip) struct buf text = { 0 };
	const char *payer = verb_text(v, "payer");

	TRY(document_add(d, DOCUMENT_SECTION, "Paid"));
	TRY(buf_append_fmt(&text, "%lld.%02lld %s", (long long)(r->cents / 100),
			   (long long)(r->cents % 100), r->currency));
	TRY(add_field(d, "Amount", &text));
	if (clinic != NULL && clinic->tax_number != NULL)
		TRY(document_add_field(d, "Tax number", clinic->tax_number));
	return document_add_field(d, "Received from", payer[0] != '\0' ? payer : r->patient.name);
}

/* Who claims the money back needs them on the paper. */
static enum err add_insurers(struct verb *v, const struct receipt *r, struct document *d)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const Roomkeep__PatientDetail *detail = NULL;

	TRY(care_load_detail(v, &r->patient.id, &fold, &detail));
	for (size_t i = 0; detail != NULL && i < detail->n_insurer_numbers; i++)
		TRY(document_add_field(d, "Insurer", detail->insurer_numbers[i]));
	return ERR_OK;
}

static enum err fill(struct verb *v, const struct receipt *r, struct document *d)
{
	CLEANUP(buf_finip) struct buf text = { 0 };
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const Roomkeep__ClinicProfile *clinic = NULL;

	TRY(clinic_words_load(v, &fold, &clinic));
	TRY(document_add(d, DOCUMENT_TITLE, "Receipt"));
	TRY(document_add(d, DOCUMENT_LINE, d->head.clinic));
	if (clinic != NULL) TRY(clinic_words_draw(clinic, d));
	TRY(document_add_gap(d));
	TRY(document_add_field(d, "Receipt number", r->number));
	TRY(page_put_day(&text, v->now_ms));
	TRY(add_field(d, "Written on", &text));
	TRY(document_add_field(d, "Patient", r->patient.name));
	TRY(add_insurers(v, r, d));
	TRY(add_session(v, r, d));
	return add_money(v, r, clinic, d);
}

static enum err write_receipt(struct verb *v, const struct receipt *r)
{
	CLEANUP(document_finip) struct document d = { 0 };
	CLEANUP(buf_finip) struct buf pdf = { 0 };
	const struct document_head head = {
		.title = "Receipt",
		.clinic = local_room(verb_local(v))->clinic_name,
		.subject = r->patient.name,
	};
	unsigned pages = 0;

	document_init(&d, &head);
	TRY(fill(v, r, &d));
	enum err e = document_draw(&d, &pdf, &pages);
	if (e == ERR_OK) e = export_file_write(v, buf_view(&pdf));
	buf_wipe(&pdf);
	return e;
}

/* ---- the verb ------------------------------------------------------------------------------ */

static enum err need_reader(struct verb *v)
{
	const struct dir_user *user =
		dir_user(local_directory(verb_local(v)), desk_person(v->desk));

	if (user != NULL && user->active && access_may_read_patients(user->roles)) return ERR_OK;
	return fault_set(&v->fault, ERR_DENIED, NULL, "you may not write receipts");
}

static enum err read_session(struct verb *v, const struct id *session_id, struct receipt *r)
{
	struct session_fold fold;
	struct session_state s;
	bool is_misfiled = false;

	TRY(local_is_misfiled(verb_local(v), verb_vault(v), session_id, &is_misfiled));
	if (is_misfiled) {
		return fault_set(&v->fault, ERR_BAD_VALUE, "entered_in_error",
				 "session_id: it was entered in error; the session on the "
				 "right chart has the receipt");
	}
	TRY(local_load_session(verb_local(v), verb_vault(v), session_id, &fold, &s));
	const struct id patient_id = s.patient_id;
	r->therapist_id = s.therapist_id;
	r->started_ms = s.started_ms;
	const enum err e = read_minutes(v, &s, r);
	session_fold_fini(&fold);
	TRY(e);
	return local_get_patient(verb_local(v), verb_vault(v), &patient_id, &r->patient);
}

static enum err put_answer(struct verb *v, const struct id *session_id, const struct receipt *r)
{
	TRY(json_put_id(v->answer, "session_id", session_id));
	TRY(json_put_id(v->answer, "patient_id", &r->patient.id));
	TRY(json_put(v->answer, "minutes", json_integer(r->minutes)));
	return json_put(v->answer, "number", json_string(r->number));
}

enum err verb_export_receipt(struct verb *v)
{
	struct receipt r = { .service = "Massage therapy" };
	struct id session_id;

	TRY(verb_need_id(v, "session_id", &session_id));
	TRY(export_file_need(v));
	TRY(need_reader(v));
	TRY(read_amount(v, &r));
	TRY(read_currency(v, &r));
	TRY(read_number(v, &session_id, &r));
	if (verb_has(v, "service")) r.service = verb_text(v, "service");
	TRY(read_session(v, &session_id, &r));
	TRY(staff_registration(v, &r.therapist_id, r.registration));
	if (r.registration[0] == '\0') {
		err_ignore(fault_set(&v->fault, ERR_BAD_VALUE, "no_registration",
				     "the therapist has no registration number"));
		return fault_hint(&v->fault, "roomkeep add staff-profile --user ID "
					     "--registration-number -");
	}
	TRY(check_words(v, &r));
	TRY(write_receipt(v, &r));
	return put_answer(v, &session_id, &r);
}
