#include "support/reference_say.h"

#include "base/check.h"

#include <stdio.h>

static void put(struct buf *out, struct view v)
{
	INSIST(buf_append(out, v) == ERR_OK);
}

static void put_id(struct buf *out, const char *word, const struct id *id)
{
	char text[ID_TEXT_BYTES];
	id_print(id, text);
	INSIST(buf_append_fmt(out, "%s%s", word, text) == ERR_OK);
}

/* Line ends would look like lines of their own: byte 1 stands for them, which no text holds. */
static void put_text(struct buf *out, struct view text)
{
	INSIST(buf_append_fmt(out, " %zu:", text.len) == ERR_OK);
	for (size_t i = 0; i < text.len; i++) {
		const uint8_t byte = text.p[i] == '\n' ? 1 : text.p[i];
		INSIST(buf_append_u8(out, byte) == ERR_OK);
	}
}

static void put_end(struct buf *out)
{
	put(out, view_str("\n"));
}

void say_session_frame(struct buf *out, const struct say_frame *f)
{
	put_id(out, "frame patient ", &f->patient_id);
	put_id(out, " therapist ", &f->therapist_id);
	put_id(out, f->imported ? " imported room " : " room ", &f->room_id);
	INSIST(buf_append_fmt(out, " from %llu to %llu\n", (unsigned long long)f->started_ms,
			      (unsigned long long)f->ended_ms) == ERR_OK);
}

void say_signed(struct buf *out, const struct id *sign_op_id)
{
	put_id(out, "signed by ", sign_op_id);
	put_end(out);
}

void say_head(struct buf *out, int field, const struct id *op_id, struct view text, bool erased)
{
	INSIST(buf_append_fmt(out, "field %d %s", field, erased ? "erased" : "head") == ERR_OK);
	put_id(out, " ", op_id);
	put_text(out, text);
	put_end(out);
}

static void put_view_id(struct buf *out, const char *what, struct view bytes)
{
	struct id id = { 0 };
	if (bytes.len > 0) INSIST(id_from_view(bytes, &id) == ERR_OK);
	put_id(out, what, &id);
}

void say_measure(struct buf *out, const struct say_measure *m)
{
	put_id(out, "measure ", &m->measure_id);
	put_id(out, " by ", &m->op_id);
	put_text(out, m->ref);
	INSIST(buf_append_fmt(out, " of %u phase %d side %d result %d at %llu", m->catalogue,
			      m->phase, m->side, m->result,
			      (unsigned long long)m->at_ms) == ERR_OK);
	if (m->has_value) {
		INSIST(buf_append_fmt(out, " value %lld", (long long)m->value_milli) == ERR_OK);
		put_text(out, m->unit);
	}
	for (size_t i = 0; i < sizeof(m->how) / sizeof(m->how[0]); i++) {
		INSIST(buf_append_fmt(out, " %d", m->how[i]) == ERR_OK);
	}
	INSIST(buf_append_fmt(out, " pain %d", m->pain) == ERR_OK);
	put_text(out, m->limited_by);
	put_view_id(out, " rater ", m->rater_id);
	put_view_id(out, " pair ", m->pair_id);
	put_end(out);
}

void say_addendum(struct buf *out, const struct id *op_id, const struct id *addendum_id,
		  struct view text)
{
	put_id(out, "addendum ", addendum_id);
	put_id(out, " by ", op_id);
	put_text(out, text);
	put_end(out);
}

void say_late_op(struct buf *out, const struct id *op_id, const char *what)
{
	put(out, view_str("late "));
	put_id(out, what, op_id);
	put_end(out);
}

void say_patient(struct buf *out, int field, struct view text)
{
	INSIST(buf_append_fmt(out, "patient field %d", field) == ERR_OK);
	put_text(out, text);
	put_end(out);
}

void say_patient_value(struct buf *out, int field, const struct id *op_id, struct view text)
{
	INSIST(buf_append_fmt(out, "patient field %d", field) == ERR_OK);
	put_id(out, " was set by ", op_id);
	put_text(out, text);
	put_end(out);
}

void say_plain(struct buf *out, uint64_t kind, const struct id *record_id)
{
	INSIST(buf_append_fmt(out, "kind %llu", (unsigned long long)kind) == ERR_OK);
	put_id(out, " ", record_id);
	put_end(out);
}

void say_plain_value(struct buf *out, unsigned number, struct view bytes)
{
	INSIST(buf_append_fmt(out, "plain field %u", number) == ERR_OK);
	put_text(out, bytes);
	put_end(out);
}

void say_plain_change(struct buf *out, const struct id *op_id)
{
	put_id(out, "said by ", op_id);
	put_end(out);
}

/* ---- differences --------------------------------------------------------------------- */

static struct view line_at(const struct buf *b, size_t at)
{
	if (at >= b->len) return view_str("(nothing)");
	const uint8_t *end = memchr(b->p + at, '\n', b->len - at);
	return view_of(b->p + at, end == NULL ? b->len - at : (size_t)(end - (b->p + at)));
}

void say_difference(const struct buf *a, const struct buf *b, char *out, size_t cap)
{
	size_t at = 0;
	for (;;) {
		const struct view x = line_at(a, at);
		const struct view y = line_at(b, at);
		const bool over = at >= a->len && at >= b->len;
		if (!over && view_equal(x, y) && at < a->len && at < b->len) {
			at += x.len + 1;
			continue;
		}
		const int xlen = x.len > 180 ? 180 : (int)x.len;
		const int ylen = y.len > 180 ? 180 : (int)y.len;
		(void)snprintf(out, cap, "%.*s | %.*s", xlen, (const char *)x.p, ylen,
			       (const char *)y.p);
		return;
	}
}
