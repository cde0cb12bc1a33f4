/* reference_plain: plain records, from the bytes of the ops as they stand: no descriptor, no
 * field table. A message is a row of numbered values; a later op's value of a number takes the
 * place of the earlier one's, a list included, and what it clears is gone. */
#include "base/check.h"
#include "support/reference_priv.h"
#include "support/reference_say.h"

#define NUMBERS 128u
#define CLEARS 100u

/* Of each number the bytes of its values, tags included. */
struct values {
	struct buf of[NUMBERS];
};

static uint64_t take_varint(struct view *rest)
{
	uint64_t value = 0;
	for (unsigned shift = 0;; shift += 7) {
		INSIST(rest->len > 0 && shift < 64);
		const uint8_t byte = *rest->p;
		*rest = view_of(rest->p + 1, rest->len - 1);
		value |= (uint64_t)(byte & 0x7fu) << shift;
		if (byte < 0x80u) return value;
	}
}

/* One numbered value; `*ret_number_value` of a varint. */
static unsigned take_value(struct view *rest, struct view *ret_raw, uint64_t *ret_number_value)
{
	const struct view from = *rest;
	const uint64_t tag = take_varint(rest);
	*ret_number_value = take_varint(rest); /* a number, or the length of what follows */
	if ((tag & 7u) == 2) {
		INSIST(*ret_number_value <= rest->len);
		*rest = view_of(rest->p + *ret_number_value, rest->len - (size_t)*ret_number_value);
	}
	INSIST((tag & 7u) == 0 || (tag & 7u) == 2);
	*ret_raw = view_of(from.p, from.len - rest->len);
	INSIST(tag >> 3 < NUMBERS);
	return (unsigned)(tag >> 3);
}

static void values_take(struct values *v, struct view message)
{
	bool begun[NUMBERS] = { false };
	while (message.len > 0) {
		struct view raw;
		uint64_t number = 0;
		const unsigned at = take_value(&message, &raw, &number);
		if (at == CLEARS) {
			INSIST(number < NUMBERS);
			buf_clear(&v->of[number]);
			continue;
		}
		if (!begun[at]) buf_clear(&v->of[at]);
		begun[at] = true;
		INSIST(buf_append(&v->of[at], raw) == ERR_OK);
	}
}

static void values_say(struct values *v, struct buf *out)
{
	for (unsigned i = 0; i < NUMBERS; i++) {
		if (v->of[i].len > 0) say_plain_value(out, i, buf_view(&v->of[i]));
		buf_fini(&v->of[i]);
	}
}

void reference_say_message(uint64_t kind, const struct id *record_id, struct view message,
			   struct buf *out)
{
	struct values v = { 0 };
	say_plain(out, kind, record_id);
	values_take(&v, message);
	values_say(&v, out);
}

static struct view message_of(const struct entry *e)
{
	return view_of(e->bytes.p + PAYLOAD_BLIND_BYTES, e->bytes.len - PAYLOAD_BLIND_BYTES);
}

static bool is_of(const struct entry *e, uint64_t kind, const struct id *record_id)
{
	return e->kind == kind && id_equal(&e->record_id, record_id);
}

bool reference_is_plain(uint64_t kind)
{
	return kind >= 16 && kind <= 62 && kind_find(kind) != NULL;
}

/* What is written once is never written again: the oldest stands. */
static bool is_written_once(uint64_t kind)
{
	return kind == KIND_HEALTH_ANSWER || kind == KIND_MISFILING || kind == KIND_DISCLOSURE ||
	       kind == KIND_STATEMENT || kind == KIND_DIRECTIVE || kind == KIND_DIRECTIVE_END ||
	       kind == KIND_REVIEW_MARK || kind == KIND_COSIGN;
}

void reference_say_plain(const struct reference *r, uint64_t kind, const struct id *record_id,
			 struct buf *out)
{
	struct values v = { 0 };
	bool there = false;
	for (size_t i = 0; i < r->count; i++) {
		const struct entry *e = &r->ops[i];
		if (!is_of(e, kind, record_id) || e->erased) continue;
		if (!there) say_plain(out, kind, record_id);
		if (!there || !is_written_once(kind)) values_take(&v, message_of(e));
		there = true;
	}
	values_say(&v, out);
	for (size_t i = 0; i < r->count; i++) {
		const struct entry *e = &r->ops[i];
		if (is_of(e, kind, record_id) && !e->erased) say_plain_change(out, &e->op_id);
	}
}

/* ---- looking up ---------------------------------------------------------------------- */

const struct entry *reference_first_plain(const struct reference *r, uint64_t kind,
					  const struct id *record_id)
{
	for (size_t i = 0; i < r->count; i++) {
		if (is_of(&r->ops[i], kind, record_id)) return &r->ops[i];
	}
	return NULL;
}

bool reference_plain_of(const struct reference *r, const struct id *op_id, uint64_t *ret_kind,
			struct id *ret_record_id)
{
	const struct entry *e = reference_find(r, op_id);
	if (e != NULL && e->target != SIZE_MAX) e = &r->ops[e->target];
	if (e == NULL || !reference_is_plain(e->kind)) return false;
	*ret_kind = e->kind;
	*ret_record_id = e->record_id;
	return true;
}

bool reference_plain_at(const struct reference *r, size_t at, uint64_t *ret_kind,
			struct id *ret_record_id, struct id *ret_patient_id)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct entry *e = &r->ops[i];
		if (!reference_is_plain(e->kind)) continue;
		if (reference_first_plain(r, e->kind, &e->record_id) != e || at-- > 0) continue;
		*ret_kind = e->kind;
		*ret_record_id = e->record_id;
		*ret_patient_id = e->patient_id;
		return true;
	}
	return false;
}
