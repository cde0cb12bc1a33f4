/* same: charts of one person, which are read as one (record/merge_record.h). The merges of a clinic
 * are few; they are in memory while somebody is signed in, and read again after any op that may
 * have changed them. */
#include "client/store/local_priv.h"

#include "record/merge_record.h"

#include <stdlib.h>

void same_forget(struct local *l)
{
	free(l->merges);
	l->merges = NULL;
	l->merge_count = 0;
	l->merges_read = false;
}

void same_on_op(struct local *l, uint64_t kind)
{
	if (kind == KIND_PATIENT_MERGE || kind == KIND_TOMBSTONE) l->merges_read = false;
}

static enum err same_fill(struct local *l, const struct record_state *records, size_t count)
{
	struct merge_pair *pairs = calloc(count + 1, sizeof(*pairs));
	ENSURE(pairs != NULL, ERR_NOMEM);
	same_forget(l);
	l->merges = pairs;
	for (size_t i = 0; i < count; i++) {
		const void *m = records[i].message;
		if (merge_record_read(m, &pairs[l->merge_count])) l->merge_count++;
	}
	l->merges_read = true;
	return ERR_OK;
}

static enum err same_read(struct local *l, const struct vault *v)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	size_t count = 0;
	if (l->merges_read) return ERR_OK;
	const enum err e = record_list_all(l, v, KIND_PATIENT_MERGE, &fold, &records, &count);
	if (e != ERR_OK && e != ERR_DENIED) return e;
	return same_fill(l, records, count); /* who may not read them reads one chart at a time */
}

enum err local_same_person(struct local *l, const struct vault *v, const struct id *patient_id,
			   struct id ret_ids[MERGE_SAME_MAX], size_t *ret_count)
{
	TRY(person_check(l, v));
	TRY(same_read(l, v));
	*ret_count = merge_same(l->merges, l->merge_count, patient_id, ret_ids);
	return ERR_OK;
}

enum err local_chart_of(struct local *l, const struct vault *v, const struct id *patient_id,
			struct id *ret_id)
{
	TRY(person_check(l, v));
	TRY(same_read(l, v));
	const struct id stays = merge_stays(l->merges, l->merge_count, patient_id);
	*ret_id = patients_have(l, &stays) ? stays : *patient_id;
	return ERR_OK;
}
