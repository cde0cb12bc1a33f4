#include "record/record_fold.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "record/fold_store.h"
#include "record/reflect.h"
#include "wire/scan.h"

#include <stdlib.h>

void record_fold_init(struct record_fold *f, const struct kind_info *info)
{
	REQUIRE(kind_is_plain(info));
	*f = (struct record_fold){ .info = info };
	fold_store_init(&f->store);
}

void record_fold_fini(struct record_fold *f)
{
	fold_store_fini(&f->store);
}

void record_fold_finip(struct record_fold *f)
{
	record_fold_fini(f);
}

/* ---- adding ---------------------------------------------------------------------------------- */

/* A deep copy that the fold keeps: written and read again, as the op itself was. */
static enum err record_fold_keep(struct record_fold *f, const ProtobufCMessage *message,
				 const ProtobufCMessage **ret_copy)
{
	struct view packed;
	ProtobufCMessage *copy;
	TRY(fold_store_pack(&f->store, message, &packed));
	const enum err e = scan_unpack(&f->store.kept, f->info->message, packed, &copy, NULL, NULL);
	if (e != ERR_OK) return e == ERR_TOO_BIG ? ERR_FULL : e;
	*ret_copy = copy;
	return ERR_OK;
}

static enum err record_fold_fill(struct record_fold *f, struct fold_entry *e,
				 const struct payload *payload)
{
	if (e->kind == KIND_TOMBSTONE) {
		return payload_subject_id(payload, &e->as.target) ? ERR_OK : ERR_BAD_VALUE;
	}
	ENSURE(payload_subject_id(payload, &e->as.record.record_id), ERR_BAD_VALUE);
	if (f->info->patient_field != NULL) {
		ENSURE(payload_patient_id(payload, &e->as.record.patient_id), ERR_BAD_VALUE);
	}
	return record_fold_keep(f, payload->is.any, &e->as.record.message);
}

enum err record_fold_add(struct record_fold *f, const struct fold_meta *meta,
			 const struct payload *payload)
{
	const enum kind kind = payload->info->kind;
	ENSURE(kind == KIND_TOMBSTONE || kind == f->info->kind, ERR_BAD_VALUE);
	struct fold_entry *entry;
	TRY(fold_store_add(&f->store, meta, kind, &entry));
	if (entry == NULL) return ERR_OK;
	const enum err e = record_fold_fill(f, entry, payload);
	if (e != ERR_OK) fold_store_drop(&f->store, entry);
	return e;
}

/* ---- merging --------------------------------------------------------------------------------- */

static bool record_clears(const ProtobufCMessage *op, const ProtobufCFieldDescriptor *clears,
			  uint32_t number)
{
	const void *list;
	const size_t count = reflect_list(op, clears, &list);
	const uint32_t *numbers = list;
	for (size_t i = 0; i < count; i++)
		if (numbers[i] == number) return true;
	return false;
}

static const ProtobufCFieldDescriptor *record_clears_field(const struct kind_info *info)
{
	for (size_t i = 0; i < info->field_count; i++) {
		const struct field_rule *rule = &info->fields[i];
		if (rule->format == FIELD_CLEARS) return reflect_field(info->message, rule->name);
	}
	return NULL;
}

void record_apply(const struct kind_info *info, ProtobufCMessage *into, bool is_first,
		  const ProtobufCMessage *op)
{
	if (info->merge == KIND_MERGE_FIRST && !is_first) return;
	const ProtobufCFieldDescriptor *clears = record_clears_field(info);
	for (unsigned i = 0; i < info->message->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &info->message->fields[i];
		if (field == clears) continue;
		if (reflect_is_set(op, field)) {
			reflect_copy(into, op, field);
		} else if (clears != NULL && record_clears(op, clears, field->id)) {
			reflect_clear(into, field);
		}
	}
}

enum err record_check_change(const struct kind_info *info, const ProtobufCMessage *before,
			     const ProtobufCMessage *op, unsigned jurisdictions,
			     struct record_error *ret_error)
{
	if (info->check_change == NULL) return ERR_OK;
	/* The rule may rely on good fields. */
	TRY(field_check_all(info->fields, info->field_count, op, before == NULL, ret_error));
	struct record_error error = { ERR_OK, NULL, NULL };
	CLEANUP(freep) ProtobufCMessage *whole = calloc(1, info->message->sizeof_message);
	ENSURE(whole != NULL, ERR_NOMEM);
	protobuf_c_message_init(info->message, whole);
	if (before != NULL) record_apply(info, whole, true, before);
	record_apply(info, whole, before == NULL, op);
	const struct kind_change change = { .before = before,
					    .after = whole,
					    .jurisdictions = jurisdictions };
	const enum err e = info->check_change(&change, &error);
	if (e != ERR_OK && ret_error != NULL) *ret_error = error;
	return e;
}

/* The ops of one record, oldest first, become its state. */
static enum err record_fold_one(struct record_fold *f, struct fold_entry *const *ops, size_t count,
				struct record_state *ret)
{
	struct record_change *changes;
	ProtobufCMessage *merged;
	const struct fold_entry *oldest = ops[0];
	size_t used = 0;
	TRY(fold_store_show(&f->store, count, sizeof(*changes), &changes));
	TRY(fold_store_show(&f->store, f->info->message->sizeof_message, 1, &merged));
	protobuf_c_message_init(f->info->message, merged);
	*ret = (struct record_state){ .record_id = oldest->as.record.record_id,
				      .patient_id = oldest->as.record.patient_id,
				      .message = merged,
				      .first = &oldest->meta,
				      .newest = &oldest->meta,
				      .changes = changes };
	for (size_t i = 0; i < count; i++) {
		const struct fold_entry *e = ops[i];
		if (!id_equal(&e->as.record.patient_id, &ret->patient_id)) continue;
		const bool late = f->info->merge == KIND_MERGE_FIRST && used > 0;
		record_apply(f->info, merged, used == 0, e->as.record.message);
		if (!late) ret->newest = &e->meta;
		changes[used++] = (struct record_change){ e->meta, e->as.record.message, late };
	}
	ret->change_count = used;
	return ERR_OK;
}

static int record_compare_entries(const void *a, const void *b)
{
	const struct fold_entry *const *x = a;
	const struct fold_entry *const *y = b;
	const int by_id =
		memcmp((*x)->as.record.record_id.b, (*y)->as.record.record_id.b, ID_BYTES);
	return by_id != 0 ? by_id : fold_compare_age(&(*x)->meta, &(*y)->meta);
}

static int record_compare_states(const void *a, const void *b)
{
	const struct record_state *x = a;
	const struct record_state *y = b;
	return fold_compare_age(x->first, y->first);
}

enum err record_fold_state(struct record_fold *f, const struct record_state **ret_records,
			   size_t *ret_count)
{
	struct fold_entry **ops;
	struct record_state *records;
	size_t op_count = 0;
	size_t count = 0;
	TRY(fold_store_begin(&f->store, &ops));
	for (size_t i = 0; i < f->store.count; i++) {
		if (ops[i]->kind != KIND_TOMBSTONE && !ops[i]->erased) ops[op_count++] = ops[i];
	}
	if (op_count > 1) {
		qsort(ops, op_count, sizeof(struct fold_entry *), record_compare_entries);
	}
	TRY(fold_store_show(&f->store, op_count, sizeof(*records), &records));
	for (size_t at = 0, end; at < op_count; at = end) {
		const struct id *id = &ops[at]->as.record.record_id;
		for (end = at + 1; end < op_count; end++)
			if (!id_equal(&ops[end]->as.record.record_id, id)) break;
		TRY(record_fold_one(f, &ops[at], end - at, &records[count++]));
	}
	if (count > 1) qsort(records, count, sizeof(*records), record_compare_states);
	*ret_records = records;
	*ret_count = count;
	return ERR_OK;
}
