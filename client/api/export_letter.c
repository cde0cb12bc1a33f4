/* The letter of a referral: what is asked, the history, what was measured, to a provider of the
 * directory (DOMAIN 4.9). The patient has agreed, on a day that still counts (ON4). Never from a
 * note, never mood, never the therapist's own doubts; what is withheld is said. */
#include "client/api/clinic_words.h"
#include "client/api/disclosure.h"
#include "client/api/export_file.h"
#include "client/api/letter_history.h"
#include "client/api/misfiled.h"
#include "client/api/record_more.h"
#include "client/api/session_calls.h"
#include "client/api/staff_words.h"
#include "client/api/verbs.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "record/duty_record.h"

#include <string.h>

struct letter {
	struct id referral_id;
	struct id patient_id;
	struct record_fold referral_fold; /* owned, with the next */
	struct record_fold provider_fold; /* owned, when has_provider */
	bool has_referral, has_provider;
	const Roomkeep__Referral *referral; /* in its fold */
	const Roomkeep__Provider *provider; /* in its fold */
	struct id author_id;                /* who noticed it */
};

static void letter_finip(struct letter *l)
{
	if (l->has_referral) record_fold_fini(&l->referral_fold);
	if (l->has_provider) record_fold_fini(&l->provider_fold);
}

/* ---- what it is made of -------------------------------------------------------------------- */

static enum err load_referral(struct verb *v, struct letter *l)
{
	const struct record_state *s = NULL;

	TRY(verb_need_id(v, "referral_id", &l->referral_id));
	const enum err e = local_get_record(verb_local(v), verb_vault(v), KIND_REFERRAL,
					    &l->referral_id, &l->referral_fold, &s);
	if (e == ERR_NOT_FOUND) return verb_fail_unknown(v, "referral", "referral_id");
	if (e == ERR_DENIED) return fault_set(&v->fault, e, NULL, "you may not read referrals");
	TRY(e);
	const void *any = s->message;
	l->has_referral = true;
	l->referral = any;
	l->patient_id = s->patient_id;
	l->author_id = s->first->author_id;
	bool is_misfiled = false;
	TRY(misfiled_is_record(v, kind_find(KIND_REFERRAL), s->message, &is_misfiled));
	if (!is_misfiled) return ERR_OK;
	return fault_set(&v->fault, ERR_BAD_VALUE, "entered_in_error",
			 "referral_id: its session was entered in error on this chart");
}

static enum err load_provider(struct verb *v, struct letter *l)
{
	const struct record_state *s = NULL;
	struct id id;

	if (!l->referral->has_provider_id) {
		return fault_set(&v->fault, ERR_BAD_VALUE, "no_provider",
				 "provider_id: the referral does not say to whom");
	}
	TRY(id_from_view(view_of(l->referral->provider_id.data, l->referral->provider_id.len),
			 &id));
	TRY(local_get_record(verb_local(v), verb_vault(v), KIND_PROVIDER, &id, &l->provider_fold,
			     &s));
	const void *any = s->message;
	l->has_provider = true;
	l->provider = any;
	return ERR_OK;
}

/* ON4: the day counts as long as the patient's law says. */
static enum err check_consent(struct verb *v, const struct letter *l)
{
	unsigned bits = 0;
	int64_t day = 0;

	if (!duty_day(l->referral->consent_on, &day)) {
		return fault_set(&v->fault, ERR_BAD_VALUE, "no_consent",
				 "consent_on: the patient has not agreed to this letter yet");
	}
	TRY(local_jurisdictions(verb_local(v), verb_vault(v), &l->patient_id, &bits));
	const enum err e = law_release_consent_check(bits, day, record_today(v));
	if (e == ERR_OK) return ERR_OK;
	if (e != ERR_EXPIRED && e != ERR_BAD_VALUE) return e;
	return fault_set(&v->fault, ERR_BAD_VALUE, "consent_too_old",
			 "consent_on: within 183 days before the letter, and not after it (ON4)");
}

/* ---- the paper ----------------------------------------------------------------------------- */

static enum err add_text(struct document *d, struct buf *text, enum document_piece piece)
{
	const char *words = NULL;

	TRY(buf_cstr(text, &words));
	TRY(document_add(d, piece, words));
	buf_clear(text);
	return ERR_OK;
}

static enum err add_head(struct verb *v, const struct letter *l, const struct local_patient *p,
			 struct document *d)
{
	CLEANUP(buf_finip) struct buf text = { 0 };
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const Roomkeep__ClinicProfile *clinic = NULL;
	const Roomkeep__Provider *to = l->provider;

	TRY(clinic_words_load(v, &fold, &clinic));
	TRY(document_add(d, DOCUMENT_TITLE, "Referral"));
	TRY(buf_append_fmt(&text, "%s, ", d->head.clinic));
	TRY(page_put_day(&text, v->now_ms));
	TRY(add_text(d, &text, DOCUMENT_LINE));
	if (clinic != NULL) TRY(clinic_words_draw(clinic, d));
	TRY(document_add_gap(d));
	TRY(buf_append_fmt(&text, "%s%s%s", to->name == NULL ? "" : to->name,
			   to->discipline == NULL ? "" : ", ",
			   to->discipline == NULL ? "" : to->discipline));
	if (to->address != NULL) TRY(buf_append_fmt(&text, "\n%s", to->address));
	if (to->fax != NULL) TRY(buf_append_fmt(&text, "\nFax %s", to->fax));
	TRY(add_text(d, &text, DOCUMENT_TEXT));
	TRY(buf_append_fmt(&text, "%s, born ", p->name));
	TRY(page_put_date_text(&text, p->born, false));
	if (p->phone[0] != '\0') TRY(buf_append_fmt(&text, ", telephone %s", p->phone));
	return add_text(d, &text, DOCUMENT_HEADING);
}

static enum err add_end(struct verb *v, const struct letter *l, const struct outgoing *o,
			struct document *d)
{
	CLEANUP(buf_finip) struct buf text = { 0 };
	char number[NAME_BYTES_MAX + 1];
	const char *withheld = outgoing_sentence(o);

	TRY(document_add(d, DOCUMENT_SECTION, "About this letter"));
	TRY(buf_append_str(&text, "The patient agreed to it on "));
	TRY(page_put_date_text(&text, l->referral->consent_on, false));
	TRY(buf_append_str(&text, "."));
	TRY(add_text(d, &text, DOCUMENT_TEXT));
	if (withheld != NULL) TRY(document_add(d, DOCUMENT_NOTICE, withheld));
	TRY(document_add(d, DOCUMENT_TEXT,
			 "These are findings of massage therapy: measures and "
			 "signs, not a diagnosis."));
	TRY(document_add_gap(d));
	TRY(staff_registration(v, &l->author_id, number));
	TRY(buf_append_str(&text, staff_name(v, &l->author_id)));
	if (number[0] != '\0') TRY(buf_append_fmt(&text, ", registration number %s", number));
	return add_text(d, &text, DOCUMENT_TEXT);
}

static enum err fill(struct verb *v, const struct letter *l, const struct local_patient *p,
		     struct outgoing *o, struct document *d)
{
	CLEANUP(json_decrefp) json_t *facts = json_object();

	ENSURE(facts != NULL, ERR_NOMEM);
	TRY(letter_history_read(v, o, &l->patient_id, l->referral->ask, facts));
	TRY(outgoing_end(o));
	TRY(add_head(v, l, p, d));
	TRY(document_add(d, DOCUMENT_SECTION,
			 l->referral->red_flag ? "What we ask, urgently" : "What we ask"));
	TRY(document_add(d, DOCUMENT_TEXT, json_text_of(facts, "ask")));
	TRY(letter_history_draw(facts, d));
	return add_end(v, l, o, d);
}

static enum err give(struct verb *v, const struct letter *l, struct view pdf)
{
	const struct disclosure_ask given = {
		.patient_id = &l->patient_id,
		.recipient = l->provider->name,
		.what = "Referral letter: history, measures, what is asked",
		.basis = "consent",
		.consent_signed_on = l->referral->consent_on,
		.request_id = "",
	};

	TRY(json_put(v->answer, "disclosure_id", json_null()));
	if (json_is_true(json_object_get(v->request, "given")))
		return disclosure_write(v, &given, pdf);
	return export_file_write(v, pdf);
}

static enum err draw(struct verb *v, const struct letter *l, json_t *withheld, struct buf *pdf)
{
	CLEANUP(document_finip) struct document d = { 0 };
	struct local_patient p;
	CLEANUP(outgoing_finip) struct outgoing o = { .v = NULL };
	unsigned pages = 0;

	TRY(outgoing_init(&o, v, &l->patient_id, l->provider->name, withheld));
	TRY(local_get_patient(verb_local(v), verb_vault(v), &l->patient_id, &p));
	const struct document_head head = { .title = "Referral",
					    .clinic = local_room(verb_local(v))->clinic_name,
					    .subject = p.name };
	document_init(&d, &head);
	TRY(fill(v, l, &p, &o, &d));
	return document_draw(&d, pdf, &pages);
}

static enum err write_letter(struct verb *v, const struct letter *l, bool partial)
{
	CLEANUP(buf_finip) struct buf pdf = { 0 };
	json_t *withheld = json_array();

	TRY(json_put(v->answer, "withheld", withheld));
	enum err e = draw(v, l, withheld, &pdf);
	/* First the mark in the audit trail, then what it speaks of. */
	if (e == ERR_OK)
		e = local_opened(verb_local(v), verb_vault(v), &l->patient_id, NULL, v->now_ms);
	v->effects.outbox = true;
	if (e == ERR_OK) e = give(v, l, buf_view(&pdf));
	buf_wipe(&pdf);
	TRY(e);
	TRY(json_put_id(v->answer, "referral_id", &l->referral_id));
	TRY(json_put_id(v->answer, "patient_id", &l->patient_id));
	TRY(json_put(v->answer, "recipient", json_string(l->provider->name)));
	return json_put(v->answer, "partial", json_boolean(partial));
}

enum err verb_export_letter(struct verb *v)
{
	CLEANUP(letter_finip) struct letter l = { .has_referral = false };
	bool partial = false;

	TRY(export_file_need(v));
	TRY(session_may_read(v));
	TRY(load_referral(v, &l));
	TRY(check_consent(v, &l));
	TRY(load_provider(v, &l));
	TRY(verb_fetch_patient(v, &l.patient_id, &partial));
	return v->ask.len > 0 ? ERR_OK : write_letter(v, &l, partial);
}
