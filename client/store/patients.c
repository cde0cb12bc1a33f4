/* patients: who the clinic's patients are, in memory while somebody is signed in, wiped at lock.
 *
 * All of them: names are searched as they are typed, and what is sealed row by row cannot be
 * searched on disk. 2,000 patients are about 1 MiB. */
#include "client/store/local_priv.h"

#include "record/text.h"

#include <stdlib.h>

#define PATIENTS_MAX 200000u

static void entry_free(struct local_patient_entry *e)
{
	INSIST(e->block != NULL); /* entry_make gave it */
	secret_wipe(e->block, e->block_bytes);
	free(e->block);
	*e = (struct local_patient_entry){ 0 };
}

void patients_forget(struct local *l)
{
	for (size_t i = 0; i < l->patient_count; i++) entry_free(&l->patients[i]);
	if (l->patients != NULL) secret_wipe(l->patients, l->patient_cap * sizeof(*l->patients));
	free(l->patients);
	l->patients = NULL;
	l->patient_count = l->patient_cap = 0;
	l->patients_sorted = false;
}

static struct local_patient_entry *entry_find(const struct local *l, const struct id *id)
{
	for (size_t i = 0; i < l->patient_count; i++)
		if (id_equal(&l->patients[i].p.id, id)) return &l->patients[i];
	return NULL;
}

bool patients_have(const struct local *l, const struct id *id)
{
	return entry_find(l, id) != NULL;
}

/* Copies one text into the block and returns where it stands. */
static const char *block_put(char **at, struct view text)
{
	char *p = *at;
	if (text.len > 0) memcpy(p, text.p, text.len);
	p[text.len] = '\0';
	*at = p + text.len + 1;
	return p;
}

static enum err entry_make(const struct patient_state *s, struct local_patient_entry *ret)
{
	struct view text[PATIENT_FIELD_COUNT];
	size_t bytes = 0;
	for (unsigned f = 0; f < PATIENT_FIELD_COUNT; f++) {
		text[f] = patient_text(s, (enum patient_field)f);
		bytes += text[f].len + 1;
	}
	/* The key holds what a person is asked for: both names, birth date, phone number. */
	struct buf key = { 0 };
	static const enum patient_field asked[] = { PATIENT_NAME, PATIENT_NAME_USED, PATIENT_BORN,
						    PATIENT_PHONE };
	enum err e = buf_reserve(&key, 8 * (2 * NAME_BYTES_MAX + PHONE_BYTES_MAX));
	for (unsigned i = 0; i < COUNT_OF(asked) && e == ERR_OK; i++) {
		if (i > 0) e = buf_append_str(&key, " ");
		if (e == ERR_OK) e = text_search_key(text[asked[i]], &key);
	}
	char *block = e == ERR_OK ? calloc(1, bytes + key.len + 1) : NULL;
	if (e == ERR_OK && block == NULL) e = ERR_NOMEM;
	if (e == ERR_OK) {
		char *at = block;
		*ret = (struct local_patient_entry){ .block = block,
						     .block_bytes = bytes + key.len + 1 };
		ret->p.id = s->patient_id;
		ret->p.name = block_put(&at, text[PATIENT_NAME]);
		ret->p.name_used = block_put(&at, text[PATIENT_NAME_USED]);
		ret->p.born = block_put(&at, text[PATIENT_BORN]);
		ret->p.phone = block_put(&at, text[PATIENT_PHONE]);
		ret->p.email = block_put(&at, text[PATIENT_EMAIL]);
		ret->key = block_put(&at, buf_view(&key));
	}
	buf_wipe(&key);
	buf_fini(&key);
	return e;
}

static enum err entry_put(struct local *l, struct local_patient_entry *entry)
{
	struct local_patient_entry *at = entry_find(l, &entry->p.id);
	l->patients_sorted = false;
	if (at != NULL) {
		entry_free(at);
		*at = *entry;
		return ERR_OK;
	}
	if (l->patient_count == l->patient_cap) {
		ENSURE(l->patient_cap < PATIENTS_MAX, ERR_FULL);
		const size_t cap = l->patient_cap == 0 ? 64 : l->patient_cap * 2;
		struct local_patient_entry *more = realloc(l->patients, cap * sizeof(*more));
		ENSURE(more != NULL, ERR_NOMEM);
		l->patients = more;
		l->patient_cap = cap;
	}
	l->patients[l->patient_count++] = *entry;
	return ERR_OK;
}

static void entry_drop(struct local *l, const struct id *id)
{
	struct local_patient_entry *at = entry_find(l, id);
	if (at == NULL) return;
	entry_free(at);
	*at = l->patients[--l->patient_count];
	l->patients_sorted = false;
}

static bool state_says_nothing(const struct patient_state *s)
{
	for (unsigned f = 0; f < PATIENT_FIELD_COUNT; f++)
		if (s->fields[f].value != NULL) return false;
	return true;
}

static enum err put_state(struct local *l, struct patient_fold *fold)
{
	struct patient_state s = { 0 };
	struct local_patient_entry entry = { 0 };
	TRY(patient_fold_state(fold, &s));
	if (state_says_nothing(&s)) { /* all of it was erased */
		entry_drop(l, &s.patient_id);
		return ERR_OK;
	}
	TRY(entry_make(&s, &entry));
	const enum err e = entry_put(l, &entry);
	if (e != ERR_OK) entry_free(&entry);
	return e;
}

enum err patients_refresh(struct local *l, const struct vault *v, const struct id *id)
{
	CLEANUP(patient_fold_finip) struct patient_fold fold = { 0 };
	struct patient_state s = { 0 };
	const enum err e = local_load_patient(l, v, id, &fold, &s);
	if (e == ERR_OK) return put_state(l, &fold);
	if (e != ERR_NOT_FOUND) return e;
	entry_drop(l, id);
	return ERR_OK;
}

/* The patient a patient op is about; ERR_NOT_FOUND for another kind, or without its payload. */
static enum err patient_of_op(struct local *l, const struct vault *v, const struct id *op_id,
			      struct id *ret_patient_id)
{
	CLEANUP(op_row_finip) struct op_row row = { 0 };
	struct payload p = { 0 };
	TRY(row_find(l, v, op_id, &row));
	ENSURE(row.core.kind == KIND_PATIENT, ERR_NOT_FOUND);
	TRY(row_payload(&row, &p));
	return payload_patient_id(&p, ret_patient_id) ? ERR_OK : ERR_CORRUPT;
}

enum err patients_refresh_target(struct local *l, const struct vault *v, const struct id *op_id)
{
	struct id patient_id = { 0 };
	const enum err e = patient_of_op(l, v, op_id, &patient_id);
	if (e == ERR_NOT_FOUND) return ERR_OK;
	TRY(e);
	return patients_refresh(l, v, &patient_id);
}

/* ---- all of them, at sign-in ----------------------------------------------------------------- */

struct group {
	struct local *l;
	const struct vault *v;
	struct patient_fold fold;
	struct id id;
	bool open;
};

static enum err group_close(struct group *g)
{
	if (!g->open) return ERR_OK;
	g->open = false;
	const enum err e = put_state(g->l, &g->fold);
	patient_fold_fini(&g->fold);
	return e;
}

static enum err group_open(struct group *g, const struct id *id)
{
	if (g->open && id_equal(&g->id, id)) return ERR_OK;
	TRY(group_close(g));
	patient_fold_init(&g->fold, id);
	g->id = *id;
	g->open = true;
	return ERR_OK;
}

/* Among the ops of its target's patient, before or behind the target. */
static enum err group_add_tombstone(struct group *g, struct op_row *row, const struct payload *p)
{
	bool holds = false;
	struct id target = { 0 }, patient_id = { 0 };
	TRY(row_tombstone_holds(g->l, g->v, row, p, &holds));
	if (!holds || !payload_subject_id(p, &target)) return ERR_OK;
	const enum err e = patient_of_op(g->l, g->v, &target, &patient_id);
	if (e == ERR_NOT_FOUND) return ERR_OK; /* its words never came here */
	TRY(e);
	TRY(group_open(g, &patient_id));
	const struct fold_meta meta = row_meta(row);
	return patient_fold_add(&g->fold, &meta, p);
}

static enum err group_add(void *ctx, struct op_row *row)
{
	struct group *g = ctx;
	struct payload p = { 0 };
	if (!row_counts(row)) return ERR_OK;
	const enum err e = row_payload(row, &p);
	if (e == ERR_NOT_FOUND) return ERR_OK;
	TRY(e);
	if (row->core.kind == KIND_TOMBSTONE) return group_add_tombstone(g, row, &p);
	struct id id = { 0 };
	ENSURE(row->core.kind == KIND_PATIENT && payload_patient_id(&p, &id), ERR_CORRUPT);
	TRY(group_open(g, &id));
	const struct fold_meta meta = row_meta(row);
	return patient_fold_add(&g->fold, &meta, &p);
}

enum err patients_load(struct local *l, const struct vault *v)
{
	struct group g = { .l = l, .v = v };
	enum err e = row_each_of_patients(l, v, (struct row_visitor){ group_add, &g });
	if (e == ERR_OK)
		e = group_close(&g);
	else if (g.open)
		patient_fold_fini(&g.fold);
	return e;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static int entry_compare(const void *a, const void *b)
{
	const struct local_patient_entry *x = a;
	const struct local_patient_entry *y = b;
	const int by_key = strcmp(x->key, y->key);
	return by_key != 0 ? by_key : memcmp(x->p.id.b, y->p.id.b, ID_BYTES);
}

/* A query of signs only, such as an emoji, has no search form; it is looked for as it is. */
static bool entry_matches(const struct local_patient_entry *e, struct view typed, struct view key)
{
	if (typed.len == 0 || key.len > 0) return text_key_matches(view_str(e->key), key);
	return memmem(e->p.name, strlen(e->p.name), typed.p, typed.len) != NULL ||
	       memmem(e->p.name_used, strlen(e->p.name_used), typed.p, typed.len) != NULL;
}

enum err local_find_patient(struct local *l, const struct vault *v, struct view text, size_t *at,
			    struct local_patient *ret)
{
	TRY(person_check(l, v));
	ENSURE(access_may_read_patients(person_roles(l, &v->user_id)), ERR_DENIED);
	if (!l->patients_sorted && l->patient_count > 0) {
		qsort(l->patients, l->patient_count, sizeof(*l->patients), entry_compare);
		l->patients_sorted = true;
	}
	struct buf query = { 0 };
	enum err e = buf_reserve(&query, 8 * text.len + 64);
	if (e == ERR_OK) e = text_search_key(text, &query);
	while (e == ERR_OK) {
		if (*at >= l->patient_count) {
			e = ERR_NOT_FOUND;
			break;
		}
		const struct local_patient_entry *entry = &l->patients[(*at)++];
		if (!entry_matches(entry, text, buf_view(&query))) continue;
		*ret = entry->p;
		break;
	}
	buf_wipe(&query);
	buf_fini(&query);
	return e;
}

enum err local_get_patient(struct local *l, const struct vault *v, const struct id *id,
			   struct local_patient *ret)
{
	TRY(person_check(l, v));
	ENSURE(access_may_read_patients(person_roles(l, &v->user_id)), ERR_DENIED);
	const struct local_patient_entry *e = entry_find(l, id);
	ENSURE(e != NULL, ERR_NOT_FOUND);
	*ret = e->p;
	return ERR_OK;
}
