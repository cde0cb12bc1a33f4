#include "base/check.h"
#include "record/fold_store.h"
#include "wire/op.h"

static const char *const patient_names[PATIENT_FIELD_COUNT] = {
	[PATIENT_NAME] = "name",   [PATIENT_NAME_USED] = "name_used", [PATIENT_BORN] = "born",
	[PATIENT_PHONE] = "phone", [PATIENT_EMAIL] = "email",
};

void patient_fold_init(struct patient_fold *f, const struct id *patient_id)
{
	*f = (struct patient_fold){ .patient_id = *patient_id };
	fold_store_init(&f->store);
}

void patient_fold_fini(struct patient_fold *f)
{
	fold_store_fini(&f->store);
}

void patient_fold_finip(struct patient_fold *f)
{
	patient_fold_fini(f);
}

static enum err patient_fold_fill(struct patient_fold *f, struct fold_entry *e,
				  const struct payload *payload)
{
	if (e->kind == KIND_TOMBSTONE) {
		return wire_id(payload->is.tombstone->target, &e->as.target);
	}
	const Roomkeep__Patient *p = payload->is.patient;
	const char *const from[PATIENT_FIELD_COUNT] = {
		[PATIENT_NAME] = p->name,   [PATIENT_NAME_USED] = p->name_used,
		[PATIENT_BORN] = p->born,   [PATIENT_PHONE] = p->phone,
		[PATIENT_EMAIL] = p->email,
	};
	for (size_t i = 0; i < PATIENT_FIELD_COUNT; i++) {
		if (from[i] == NULL) continue;
		TRY(fold_store_copy(&f->store, view_str(from[i]), &e->as.patient.value[i]));
		e->as.patient.has[i] = true;
	}
	return ERR_OK;
}

enum err patient_fold_add(struct patient_fold *f, const struct fold_meta *meta,
			  const struct payload *payload)
{
	const enum kind kind = payload->info->kind;
	if (kind != KIND_TOMBSTONE) {
		struct id patient;
		ENSURE(kind == KIND_PATIENT, ERR_BAD_VALUE);
		ENSURE(payload_patient_id(payload, &patient), ERR_BAD_VALUE);
		ENSURE(id_equal(&patient, &f->patient_id), ERR_BAD_VALUE);
	}
	struct fold_entry *entry;
	TRY(fold_store_add(&f->store, meta, kind, &entry));
	if (entry == NULL) return ERR_OK;
	const enum err e = patient_fold_fill(f, entry, payload);
	if (e != ERR_OK) fold_store_drop(&f->store, entry);
	return e;
}

static enum err patient_fold_field(struct patient_fold *f, struct fold_entry *const *by_age,
				   size_t field, struct patient_field_state *ret_field)
{
	struct patient_value *values;
	TRY(fold_store_show(&f->store, f->store.count, sizeof(*values), &values));
	size_t count = 0;
	for (size_t i = f->store.count; i-- > 0;) {
		const struct fold_entry *e = by_age[i];
		if (e->kind != KIND_PATIENT || e->erased || !e->as.patient.has[field]) continue;
		values[count++] = (struct patient_value){ e->meta, e->as.patient.value[field] };
	}
	*ret_field = (struct patient_field_state){
		.name = patient_names[field],
		.value = count == 0 ? NULL : &values[0],
		.history = values,
		.history_count = count,
	};
	return ERR_OK;
}

enum err patient_fold_state(struct patient_fold *f, struct patient_state *ret_state)
{
	struct fold_entry **by_age;
	TRY(fold_store_begin(&f->store, &by_age));
	struct patient_state state = { .patient_id = f->patient_id };
	for (size_t i = 0; i < PATIENT_FIELD_COUNT; i++) {
		TRY(patient_fold_field(f, by_age, i, &state.fields[i]));
	}
	*ret_state = state;
	return ERR_OK;
}

struct view patient_text(const struct patient_state *s, enum patient_field field)
{
	REQUIRE(field < PATIENT_FIELD_COUNT);
	const struct patient_value *value = s->fields[field].value;
	return value == NULL ? VIEW_EMPTY : value->text;
}
