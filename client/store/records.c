/* records: plain records in a room, folded from op rows when asked for; nothing of it is kept. */
#include "client/store/local_priv.h"

#include "record/calendar.h"
#include "record/duty_record.h"
#include "record/reflect.h"

#include <stdio.h>
#include <stdlib.h>

#define TAG_NAME_BYTES 64u

/* Ops of one record, and all of a kind of one patient (zeros: of the clinic, or of two). */
void record_tag(const struct vault *v, const char *what, const struct kind_info *info,
		const struct id *id, uint8_t ret_tag[VAULT_TAG_BYTES])
{
	char name[TAG_NAME_BYTES];
	const int len = snprintf(name, sizeof(name), "%s %s", what, info->name);
	INSIST(len > 0 && (size_t)len < sizeof(name));
	vault_tag(v, name, id, ret_tag);
}

void record_tag_found(const struct vault *v, const struct kind_info *info, uint64_t day,
		      uint8_t ret_tag[VAULT_TAG_BYTES])
{
	struct id id = { 0 };
	store_be64(id.b, day);
	record_tag(v, TAG_FOUND, info, &id, ret_tag);
}

static void record_found(const struct vault *v, const struct payload *p, struct op_tags *ret)
{
	uint64_t day = 0;
	struct id session_id = { 0 };
	if (p->info->own_session && payload_session_id(p, &session_id)) {
		record_tag(v, TAG_FOUND, p->info, &session_id, ret->found);
		ret->has_found = true;
		return;
	}
	if (p->info->kind == KIND_APPOINTMENT) {
		const Roomkeep__Appointment *m =
			(const Roomkeep__Appointment *)(const void *)p->is.any;
		INSIST(m != NULL);
		if (!m->has_starts_ms) return;
		day = m->starts_ms / CALENDAR_DAY_MS;
	} else if (p->info->kind != KIND_WAITLIST_ITEM) {
		return;
	}
	record_tag_found(v, p->info, day, ret->found);
	ret->has_found = true;
}

void record_tags(const struct vault *v, const struct payload *p, struct op_tags *ret)
{
	struct id record_id = { 0 };
	struct id patient_id = { 0 };
	if (!payload_subject_id(p, &record_id)) return;
	record_tag(v, TAG_RECORD, p->info, &record_id, ret->subject);
	ret->has_subject = true;
	/* Zeros when the kind has none, and where a patient is not all: two are listed by it. */
	if (p->info->relative_field == NULL) (void)payload_patient_id(p, &patient_id);
	record_tag(v, TAG_RECORDS, p->info, &patient_id, ret->patient);
	ret->has_patient = true;
	record_found(v, p, ret);
}

/* ---- reading --------------------------------------------------------------------------------- */

struct record_load {
	struct local *l;
	const struct vault *v;
	struct record_fold *fold;
	const struct id *of;          /* of records that are listed for two: whose; NULL: all */
	size_t of_count;              /* charts of one person */
	const struct fold_sign *sign; /* only ops that it names; NULL: all */
};

static bool record_is_of(const struct payload *p, const struct record_load *c)
{
	struct id a = { 0 };
	struct id b = { 0 };
	if (!payload_relative_id(p, &b) || !payload_patient_id(p, &a)) return false;
	for (size_t i = 0; i < c->of_count; i++)
		if (id_equal(&a, &c->of[i]) || id_equal(&b, &c->of[i])) return true;
	return false;
}

static bool record_was_seen(const struct fold_sign *sign, const struct id *op_id)
{
	if (sign == NULL) return true;
	for (size_t i = 0; i < sign->record_count; i++)
		if (id_equal(&sign->records[i], op_id)) return true;
	return false;
}

static enum err record_add_row_of(const struct record_load *c, struct op_row *row)
{
	struct payload p = { 0 };
	bool shown = false;
	TRY(row_shown(c->l, c->v, row, &p, &shown));
	if (!shown) return ERR_OK;
	bool withheld = false;
	TRY(withheld_row(c->l, c->v, row, &p, &(struct id){ 0 }, &withheld));
	if (withheld) return ERR_OK;
	const bool of_all = row->core.kind == KIND_TOMBSTONE || c->of == NULL;
	if (!of_all && !record_is_of(&p, c)) return ERR_OK;
	if (row->core.kind != KIND_TOMBSTONE && !record_was_seen(c->sign, &row->op_id))
		return ERR_OK;
	const struct fold_meta meta = row_meta(row);
	return record_fold_add(c->fold, &meta, &p);
}

enum err record_add_row(struct local *l, const struct vault *v, struct op_row *row,
			struct record_fold *fold)
{
	const struct record_load c = { .l = l, .v = v, .fold = fold };
	return record_add_row_of(&c, row);
}

static enum err record_load_row(void *ctx, struct op_row *row)
{
	return record_add_row_of(ctx, row);
}

enum err record_may_read(struct local *l, const struct vault *v, enum kind kind)
{
	const struct access_read q = { .kind = (uint64_t)kind,
				       .roles = person_roles(l, &v->user_id) };
	TRY(person_check(l, v));
	return access_may_read(&q) ? ERR_OK : ERR_DENIED;
}

/* All of a kind; of these charts where the kind has a patient and `count` is not 0. */
static enum err record_list(struct local *l, const struct vault *v, enum kind kind,
			    const struct id *ids, size_t count, struct record_fold *ret_fold,
			    const struct record_state **ret_records, size_t *ret_count)
{
	const struct kind_info *info = kind_find((uint64_t)kind);
	const struct id nobody = { 0 };
	const bool by_patient = info->patient_field != NULL && info->relative_field == NULL;
	uint8_t tag[VAULT_TAG_BYTES];
	enum err e = ERR_OK;
	TRY(record_may_read(l, v, kind));
	record_fold_init(ret_fold, info);
	struct record_load c = { .l = l, .v = v, .fold = ret_fold };
	if (info->relative_field != NULL && count > 0) {
		c.of = ids;
		c.of_count = count;
	}
	for (size_t i = 0; i < (by_patient ? count : 1) && e == ERR_OK; i++) {
		record_tag(v, TAG_RECORDS, info, by_patient ? &ids[i] : &nobody, tag);
		e = row_each_patient(l, v, tag, (struct row_visitor){ record_load_row, &c });
	}
	if (e == ERR_OK) e = record_fold_state(ret_fold, ret_records, ret_count);
	if (e != ERR_OK) record_fold_fini(ret_fold);
	return e;
}

enum err record_list_all(struct local *l, const struct vault *v, enum kind kind,
			 struct record_fold *ret_fold, const struct record_state **ret_records,
			 size_t *ret_count)
{
	return record_list(l, v, kind, NULL, 0, ret_fold, ret_records, ret_count);
}

enum err local_list_records(struct local *l, const struct vault *v, enum kind kind,
			    const struct id *patient_id, struct record_fold *ret_fold,
			    const struct record_state **ret_records, size_t *ret_count)
{
	const struct kind_info *info = kind_find((uint64_t)kind);
	struct id ids[MERGE_SAME_MAX];
	size_t count = 0;
	REQUIRE(info != NULL && kind_is_plain(info));
	/* A merge is listed with the two charts that it names. */
	if (kind == KIND_PATIENT_MERGE)
		ids[count++] = *patient_id;
	else if (info->patient_field != NULL)
		TRY(local_same_person(l, v, patient_id, ids, &count));
	return record_list(l, v, kind, ids, count, ret_fold, ret_records, ret_count);
}

enum err local_list_session_records(struct local *l, const struct vault *v, enum kind kind,
				    const struct id *session_id, const struct fold_sign *sign,
				    struct record_fold *ret_fold,
				    const struct record_state **ret_records, size_t *ret_count)
{
	const struct kind_info *info = kind_find((uint64_t)kind);
	uint8_t tag[VAULT_TAG_BYTES];
	REQUIRE(info != NULL && info->own_session);
	TRY(record_may_read(l, v, kind));
	record_tag(v, TAG_FOUND, info, session_id, tag);
	record_fold_init(ret_fold, info);
	struct record_load c = { .l = l, .v = v, .fold = ret_fold, .sign = sign };
	enum err e = row_each_found(l, v, tag, (struct row_visitor){ record_load_row, &c });
	if (e == ERR_OK) e = record_fold_state(ret_fold, ret_records, ret_count);
	if (e != ERR_OK) record_fold_fini(ret_fold);
	return e;
}

enum err local_get_record(struct local *l, const struct vault *v, enum kind kind,
			  const struct id *record_id, struct record_fold *ret_fold,
			  const struct record_state **ret_record)
{
	const struct kind_info *info = kind_find((uint64_t)kind);
	uint8_t tag[VAULT_TAG_BYTES];
	size_t count = 0;
	REQUIRE(info != NULL && kind_is_plain(info));
	TRY(record_may_read(l, v, kind));
	record_tag(v, TAG_RECORD, info, record_id, tag);
	record_fold_init(ret_fold, info);
	struct record_load c = { .l = l, .v = v, .fold = ret_fold };
	enum err e = row_each_subject(l, v, tag, (struct row_visitor){ record_load_row, &c });
	if (e == ERR_OK) e = record_fold_state(ret_fold, ret_record, &count);
	if (e == ERR_OK && count == 0) e = ERR_NOT_FOUND;
	if (e != ERR_OK) record_fold_fini(ret_fold);
	return e;
}

/* A line for each text of a field. */
static enum err typed_add(struct buf *out, const char *name, char *const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (texts[i] == NULL) continue;
		TRY(buf_append_fmt(out, "%s%s: ", out->len > 0 ? "\n" : "", name));
		TRY(buf_append_str(out, texts[i]));
	}
	return ERR_OK;
}

enum err record_typed(const struct payload *p, char **ret_text)
{
	CLEANUP(buf_finip) struct buf out = { 0 };
	const char *all = NULL;
	*ret_text = NULL;
	TRY(buf_reserve(&out, OP_BYTES_MAX)); /* at once: growing leaves copies */
	for (size_t i = 0; i < p->info->field_count; i++) {
		const struct field_rule *rule = &p->info->fields[i];
		const ProtobufCFieldDescriptor *f = reflect_field(p->info->message, rule->name);
		if (f->type != PROTOBUF_C_TYPE_STRING) continue;
		if (f->label == PROTOBUF_C_LABEL_REPEATED) {
			const void *texts = NULL;
			const size_t count = reflect_list(p->is.any, f, &texts);
			TRY(typed_add(&out, rule->name, texts, count));
		} else {
			char *text = NULL;
			reflect_get(p->is.any, f, &text, sizeof(text));
			TRY(typed_add(&out, rule->name, &text, 1));
		}
	}
	if (out.len == 0) return ERR_OK;
	TRY(buf_cstr(&out, &all));
	*ret_text = strdup(all);
	buf_wipe(&out);
	return *ret_text != NULL ? ERR_OK : ERR_NOMEM;
}

/* A person who may not read it plans by the default. */
static enum err clinic_jurisdictions(struct local *l, const struct vault *v, unsigned *ret_bits)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	size_t count = 0;
	const enum err e =
		local_list_records(l, v, KIND_CLINIC_PROFILE, NULL, &fold, &records, &count);
	if (e == ERR_DENIED) return ERR_OK;
	TRY(e);
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < records[i].change_count; k++) {
			const void *m = records[i].changes[k].message;
			*ret_bits |= duty_clinic_bit((const Roomkeep__ClinicProfile *)m);
		}
	}
	return ERR_OK;
}

enum err local_jurisdictions(struct local *l, const struct vault *v, const struct id *patient_id,
			     unsigned *ret_bits)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *now = NULL;
	unsigned bits = 0;
	const enum err e = patient_id == NULL ? ERR_NOT_FOUND
					      : local_get_record(l, v, KIND_PATIENT_DETAIL,
								 patient_id, &fold, &now);
	if (e != ERR_OK && e != ERR_NOT_FOUND) return e;
	for (size_t i = 0; e == ERR_OK && i < now->change_count; i++) {
		const void *m = now->changes[i].message;
		bits |= duty_jurisdiction_bit((const Roomkeep__PatientDetail *)m);
	}
	if (bits == 0) TRY(clinic_jurisdictions(l, v, &bits));
	*ret_bits = bits != 0 ? bits : LAW_BIT(LAW_DEFAULT);
	return ERR_OK;
}

/* ---- may it be written? ---------------------------------------------------------------------- */

static enum err record_check_ids(const struct payload *p, struct id *ret_record_id,
				 struct id *ret_patient_id, struct record_error *ret_error)
{
	const char *const patient_field = p->info->patient_field;
	if (!payload_subject_id(p, ret_record_id)) {
		return field_fail(ret_error, ERR_BAD_VALUE, p->info->subject_field, "an id");
	}
	if (patient_field != NULL && !payload_patient_id(p, ret_patient_id)) {
		return field_fail(ret_error, ERR_BAD_VALUE, patient_field, "an id of a patient");
	}
	return ERR_OK;
}

static enum err record_check_session(struct local *l, const struct vault *v,
				     const struct kind_info *rules, const struct id *session_id,
				     const struct id *patient_id, struct record_error *ret_error)
{
	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	struct session_state s = { 0 };
	const enum err e = local_load_session(l, v, session_id, &fold, &s);
	/* Who reads no sessions holds none; the server looks. */
	if (e == ERR_DENIED) return ERR_OK;
	TRY(e);
	ENSURE(s.has_frame, ERR_NOT_FOUND);
	if (!id_equal(&s.patient_id, patient_id)) {
		return field_fail(ret_error, ERR_BAD_VALUE, "session_id",
				  "a session of this patient");
	}
	ENSURE(!rules->closed_by_sign || s.sign == NULL, ERR_SIGNED);
	if (rules->kind != KIND_COSIGN) return ERR_OK;
	if (!id_equal(&s.supervisor_id, &l->user_id)) {
		return field_fail(ret_error, ERR_DENIED, "session_id",
				  "a session that names you as its supervisor");
	}
	if (s.sign != NULL) return ERR_OK;
	return field_fail(ret_error, ERR_BAD_VALUE, "session_id", "a session that is signed");
}

/* What the record would be after this change: the kind's own rule is about the whole. */
static enum err record_check_whole(const struct kind_info *info, const struct record_state *now,
				   const ProtobufCMessage *msg, struct record_error *ret_error)
{
	CLEANUP(freep) ProtobufCMessage *whole = calloc(1, info->message->sizeof_message);
	ENSURE(whole != NULL, ERR_NOMEM);
	protobuf_c_message_init(info->message, whole);
	record_apply(info, whole, true, now->message);
	record_apply(info, whole, false, msg);
	return info->check == NULL ? ERR_OK : info->check(whole, ret_error);
}

/* What may follow what. */
static enum err record_check_steps(struct local *l, const struct vault *v, const struct payload *p,
				   const ProtobufCMessage *before, const struct id *patient_id,
				   struct record_error *ret_error)
{
	unsigned bits = 0;
	if (p->info->check_change == NULL) return ERR_OK;
	TRY(local_jurisdictions(l, v, patient_id, &bits));
	return record_check_change(p->info, before, p->is.any, bits, ret_error);
}

enum err record_check_write(struct local *l, const struct vault *v, const struct payload *p,
			    bool *ret_first, struct record_error *ret_error)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *now = NULL;
	struct id record_id = { 0 };
	struct id patient_id = { 0 };
	struct id session_id = { 0 };
	TRY(record_check_ids(p, &record_id, &patient_id, ret_error));
	ENSURE(id_is_zero(&patient_id) || patients_have(l, &patient_id), ERR_NOT_FOUND);
	if (payload_session_id(p, &session_id)) {
		TRY(record_check_session(l, v, p->info, &session_id, &patient_id, ret_error));
	}
	if (p->info->kind == KIND_COSIGN && id_is_zero(&session_id)) {
		return field_fail(ret_error, ERR_BAD_VALUE, "session_id", "the session it is for");
	}
	const enum err e = local_get_record(l, v, p->info->kind, &record_id, &fold, &now);
	*ret_first = e == ERR_NOT_FOUND;
	if (e == ERR_NOT_FOUND) return record_check_steps(l, v, p, NULL, &patient_id, ret_error);
	TRY(e);
	ENSURE(p->info->merge != KIND_MERGE_FIRST, ERR_EXISTS);
	if (!id_equal(&now->patient_id, &patient_id)) {
		return field_fail(ret_error, ERR_BAD_VALUE, p->info->patient_field,
				  "the patient whose record it is");
	}
	TRY(record_check_whole(p->info, now, p->is.any, ret_error));
	return record_check_steps(l, v, p, now->message, &patient_id, ret_error);
}

/* ---- which charts were open ------------------------------------------------------------------ */

struct opened_look {
	const struct vault *v;
	const struct id *patient_id;
	uint64_t since_ms;
	uint64_t found_ms;
};

static enum err opened_row(void *ctx, struct op_row *row)
{
	struct opened_look *c = ctx;
	struct payload p = { 0 };
	struct id patient_id = { 0 };
	if (row->core.client_time_ms < c->since_ms) return ERR_NOT_FOUND; /* enough */
	const enum err e = row_payload(row, &p);
	if (e == ERR_NOT_FOUND) return ERR_OK; /* erased */
	TRY(e);
	if (!id_equal(&row->room_id, &c->v->room_id)) return ERR_OK;
	if (!payload_patient_id(&p, &patient_id) || !id_equal(&patient_id, c->patient_id))
		return ERR_OK;
	c->found_ms = row->core.client_time_ms;
	return ERR_NOT_FOUND; /* the newest */
}

enum err local_last_opened(struct local *l, const struct vault *v, const struct id *patient_id,
			   uint64_t since_ms, uint64_t *ret_ms)
{
	uint8_t tag[VAULT_TAG_BYTES];
	struct opened_look c = { .v = v, .patient_id = patient_id, .since_ms = since_ms };
	TRY(person_check(l, v));
	vault_tag(v, TAG_OPENED, &(struct id){ 0 }, tag);
	TRY(row_each_newest(l, v, tag, (struct row_visitor){ opened_row, &c }));
	*ret_ms = c.found_ms;
	return ERR_OK;
}
