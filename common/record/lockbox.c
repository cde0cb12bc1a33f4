#include "record/lockbox.h"

#include "base/check.h"
#include "record/kinds.h"

bool lockbox_names(const struct id *user_id, uint64_t role, const struct lockbox_reader *reader)
{
	if (!id_is_zero(user_id)) return id_equal(user_id, &reader->user_id);
	return (role & reader->roles) != 0;
}

bool lockbox_opening_holds(const struct lockbox_opening *o, const struct lockbox_reader *reader)
{
	return id_equal(&o->user_id, &reader->user_id) && reader->now_ms < o->until_ms;
}

static bool lockbox_is_open(const struct lockbox *box, const struct id *patient_id,
			    const struct lockbox_reader *reader)
{
	for (size_t i = 0; i < box->opening_count; i++) {
		const struct lockbox_opening *o = &box->openings[i];
		if (id_equal(&o->patient_id, patient_id) && lockbox_opening_holds(o, reader))
			return true;
	}
	return false;
}

bool lockbox_bar_stands(const struct lockbox_bar *bar, const struct lockbox_reader *reader)
{
	return lockbox_names(&bar->user_id, bar->role, reader) && reader->now_ms >= bar->from_ms &&
	       reader->now_ms < bar->until_ms;
}

bool lockbox_bar_holds(const struct lockbox *box, const struct lockbox_bar *bar,
		       const struct lockbox_reader *reader)
{
	return lockbox_bar_stands(bar, reader) && !lockbox_is_open(box, &bar->patient_id, reader);
}

/* Does the bar reach this, whoever reads? */
static bool lockbox_covers(const struct lockbox_bar *bar, const struct lockbox_item *item)
{
	if (!id_equal(&bar->patient_id, &item->patient_id)) return false;
	switch (bar->scope) {
	case LOCKBOX_RECORD: return true;
	case LOCKBOX_SESSIONS: return !id_is_zero(&item->session_id);
	case LOCKBOX_ITEM: break;
	}
	if (id_is_zero(&bar->item_id)) return false;
	return id_equal(&bar->item_id, &item->session_id) ||
	       id_equal(&bar->item_id, &item->record_id);
}

/* A family link guards somebody else too: who may not read the record still has to mind it. */
static bool lockbox_is_clinical(uint64_t kind)
{
	const struct kind_info *info = kind_find(kind);
	if (kind == KIND_FAMILY_LINK) return false;
	return info != NULL && info->class == KIND_CLASS_CLINICAL;
}

bool lockbox_withholds(const struct lockbox *box, const struct lockbox_reader *reader,
		       const struct lockbox_item *item)
{
	if (box->bar_count == 0 || !lockbox_is_clinical(item->kind)) return false;
	if (item->own && item->own_draft) return false;
	for (size_t i = 0; i < box->bar_count; i++) {
		const struct lockbox_bar *bar = &box->bars[i];
		if (!lockbox_covers(bar, item)) continue;
		if (item->own && item->written_ms >= bar->from_ms) continue;
		if (lockbox_bar_holds(box, bar, reader)) return true;
	}
	return false;
}

bool lockbox_withholds_any(const struct lockbox *box, const struct lockbox_reader *reader,
			   const struct id *patient_id)
{
	for (size_t i = 0; i < box->bar_count; i++) {
		const struct lockbox_bar *bar = &box->bars[i];
		if (!id_equal(&bar->patient_id, patient_id)) continue;
		if (lockbox_bar_holds(box, bar, reader)) return true;
	}
	return false;
}

/* ---- version --------------------------------------------------------------------------------- */

/* FNV-1a: it tells states apart, and keeps nothing secret. */
#define FNV_START 0xcbf29ce484222325u
#define FNV_STEP 0x100000001b3u

static uint64_t fnv_bytes(uint64_t h, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) h = (h ^ p[i]) * FNV_STEP;
	return h;
}

static uint64_t fnv_u64(uint64_t h, uint64_t v)
{
	uint8_t bytes[8];
	store_be64(bytes, v);
	return fnv_bytes(h, bytes, sizeof(bytes));
}

uint64_t lockbox_version(const struct lockbox *box, const struct lockbox_reader *reader,
			 uint64_t base)
{
	uint64_t h = fnv_u64(FNV_START, base);
	bool any = false;
	for (size_t i = 0; i < box->bar_count; i++) {
		const struct lockbox_bar *bar = &box->bars[i];
		if (!lockbox_bar_holds(box, bar, reader)) continue;
		any = true;
		h = fnv_bytes(h, bar->directive_id.b, ID_BYTES);
	}
	for (size_t i = 0; i < box->opening_count; i++) {
		const struct lockbox_opening *o = &box->openings[i];
		if (!lockbox_opening_holds(o, reader)) continue;
		any = true;
		h = fnv_u64(fnv_bytes(h, o->patient_id.b, ID_BYTES), o->until_ms);
	}
	/* Above every number of the directory, below the sign. */
	return any ? (h >> 2 | 1ull << 61) : base;
}
