#include "record/fold_store.h"

#include "base/check.h"

#include <stdlib.h>

#define FOLD_CAP_MIN 64u

void fold_store_init(struct fold_store *s)
{
	*s = (struct fold_store){ 0 };
	arena_init(&s->kept, FOLD_BYTES_MAX);
	arena_init(&s->shown, FOLD_BYTES_MAX);
}

void fold_store_fini(struct fold_store *s)
{
	arena_fini(&s->kept);
	arena_fini(&s->shown);
	free(s->entries);
	*s = (struct fold_store){ 0 };
}

/* The first place whose id is not below op_id. */
static size_t fold_store_place(const struct fold_store *s, const struct id *op_id)
{
	size_t low = 0;
	size_t high = s->count;
	while (low < high) {
		const size_t mid = low + (high - low) / 2;
		if (memcmp(s->entries[mid]->meta.op_id.b, op_id->b, ID_BYTES) < 0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return low;
}

struct fold_entry *fold_store_find(const struct fold_store *s, const struct id *op_id)
{
	const size_t at = fold_store_place(s, op_id);
	if (at == s->count || !id_equal(&s->entries[at]->meta.op_id, op_id)) return NULL;
	return s->entries[at];
}

static enum err fold_store_grow(struct fold_store *s)
{
	if (s->count < s->cap) return ERR_OK;
	const size_t cap = s->cap == 0 ? FOLD_CAP_MIN : s->cap * 2;
	struct fold_entry **entries = realloc(s->entries, cap * sizeof(struct fold_entry *));
	ENSURE(entries != NULL, ERR_NOMEM);
	s->entries = entries;
	s->cap = cap;
	return ERR_OK;
}

static void *fold_alloc(struct arena *a, size_t bytes, enum err *ret_err)
{
	void *p = arena_alloc(a, bytes);
	if (p == NULL) *ret_err = arena_fits(a, bytes) ? ERR_NOMEM : ERR_FULL;
	return p;
}

enum err fold_store_add(struct fold_store *s, const struct fold_meta *meta, enum kind kind,
			struct fold_entry **ret_entry)
{
	struct fold_entry *known = fold_store_find(s, &meta->op_id);
	if (known != NULL) {
		if (known->meta.seq == 0) known->meta.seq = meta->seq;
		if (id_is_zero(&known->meta.room_id)) known->meta.room_id = meta->room_id;
		*ret_entry = NULL;
		return ERR_OK;
	}
	ENSURE(s->count < FOLD_OPS_MAX, ERR_FULL);
	TRY(fold_store_grow(s));
	enum err e = ERR_OK;
	struct fold_entry *entry = fold_alloc(&s->kept, sizeof(*entry), &e);
	if (entry == NULL) return e;

	entry->meta = *meta;
	entry->kind = kind;
	const size_t at = fold_store_place(s, &meta->op_id);
	memmove(&s->entries[at + 1], &s->entries[at],
		(s->count - at) * sizeof(struct fold_entry *));
	s->entries[at] = entry;
	s->count++;
	*ret_entry = entry;
	return ERR_OK;
}

void fold_store_drop(struct fold_store *s, const struct fold_entry *entry)
{
	const size_t at = fold_store_place(s, &entry->meta.op_id);
	REQUIRE(at < s->count && s->entries[at] == entry);
	s->count--;
	memmove(&s->entries[at], &s->entries[at + 1],
		(s->count - at) * sizeof(struct fold_entry *));
}

enum err fold_store_copy(struct fold_store *s, struct view from, struct view *ret_copy)
{
	enum err e = ERR_OK;
	uint8_t *p = fold_alloc(&s->kept, from.len + 1, &e);
	if (p == NULL) return e;
	if (from.len > 0) memcpy(p, from.p, from.len);
	*ret_copy = view_of(p, from.len);
	return ERR_OK;
}

enum err fold_store_copy_ids(struct fold_store *s, const ProtobufCBinaryData *from, size_t count,
			     const struct id **ret_ids)
{
	*ret_ids = NULL;
	if (count == 0) return ERR_OK;
	REQUIRE(count <= COVERED_MAX); /* payload_decode has looked */
	enum err e = ERR_OK;
	struct id *ids = fold_alloc(&s->kept, count * sizeof(*ids), &e);
	if (ids == NULL) return e;
	for (size_t i = 0; i < count; i++) {
		TRY(id_from_view(view_of(from[i].data, from[i].len), &ids[i]));
	}
	*ret_ids = ids;
	return ERR_OK;
}

enum err fold_store_pack(struct fold_store *s, const ProtobufCMessage *message,
			 struct view *ret_packed)
{
	const size_t len = protobuf_c_message_get_packed_size(message);
	enum err e = ERR_OK;
	uint8_t *p = fold_alloc(&s->kept, len + 1, &e);
	if (p == NULL) return e;
	INSIST(protobuf_c_message_pack(message, p) == len);
	*ret_packed = view_of(p, len);
	return ERR_OK;
}

enum err fold_store_show(struct fold_store *s, size_t count, size_t bytes, void *ret_p)
{
	REQUIRE(count <= FOLD_OPS_MAX * FOLD_TEXT_FIELDS && bytes <= KIB);
	enum err e = ERR_OK;
	void *p = fold_alloc(&s->shown, count == 0 ? 1 : count * bytes, &e);
	if (p == NULL) return e;
	memcpy(ret_p, &p, sizeof(p));
	return ERR_OK;
}

int fold_compare_age(const struct fold_meta *a, const struct fold_meta *b)
{
	/* No number yet: after all that have one. */
	const uint64_t x = a->seq == 0 ? UINT64_MAX : a->seq;
	const uint64_t y = b->seq == 0 ? UINT64_MAX : b->seq;
	if (x != y) return x < y ? -1 : 1;
	if (a->seq == 0 && a->local_order != b->local_order) {
		return a->local_order < b->local_order ? -1 : 1;
	}
	return memcmp(a->op_id.b, b->op_id.b, ID_BYTES);
}

static int fold_compare_entries(const void *a, const void *b)
{
	const struct fold_entry *const *x = a;
	const struct fold_entry *const *y = b;
	return fold_compare_age(&(*x)->meta, &(*y)->meta);
}

static void fold_store_erase(const struct fold_store *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct fold_entry *t = s->entries[i];
		if (t->kind != KIND_TOMBSTONE) continue;
		struct fold_entry *target = fold_store_find(s, &t->as.target);
		if (target != NULL) target->erased = true;
	}
}

enum err fold_store_begin(struct fold_store *s, struct fold_entry ***ret_by_age)
{
	arena_reset(&s->shown);
	struct fold_entry **by_age;
	TRY(fold_store_show(s, s->count, sizeof(struct fold_entry *), &by_age));
	for (size_t i = 0; i < s->count; i++) {
		struct fold_entry *e = s->entries[i];
		e->erased = e->covered = e->replaced = e->named = e->late = false;
		by_age[i] = e;
	}
	fold_store_erase(s);
	if (s->count > 1) {
		qsort(by_age, s->count, sizeof(struct fold_entry *), fold_compare_entries);
	}
	*ret_by_age = by_age;
	return ERR_OK;
}
