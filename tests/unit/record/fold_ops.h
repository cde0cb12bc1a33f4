/* fold_ops: ops of a session as plain values, for tests of the fold, and their way into a fold. */
#pragma once

#include "base/cleanup.h"
#include "base/rand.h"
#include "record/fold.h"
#include "unit/record/samples.h"

#include <stdarg.h>
#include <stdio.h>

#define OPS_MAX 16
#define LINKS_MAX 6

/* One op; every id is known by its first byte. */
struct test_op {
	enum kind kind;
	uint8_t op_id;
	uint8_t author; /* 3 is the therapist of the sample frame */
	uint64_t seq;
	uint64_t local_order;
	int field;                /* text */
	char text[32];            /* text, addendum */
	uint8_t row_id;           /* measure, addendum */
	int64_t value;            /* measure */
	uint64_t at_ms;           /* measure */
	uint8_t links[LINKS_MAX]; /* parents, covered, or the target */
	size_t link_count;
	uint8_t hash; /* sign: first byte */
	uint8_t room; /* frame; 0 = not said */
	uint64_t started_ms;
	uint64_t ended_ms;
	uint8_t patient; /* frame */
	bool imported;
};

/* A hash that is no secret: FNV-1a of the bytes, four times with other starts. */
static inline void test_hash(void *ctx, struct view bytes, uint8_t ret_hash[FOLD_HASH_BYTES])
{
	(void)ctx;
	for (unsigned part = 0; part < 4; part++) {
		uint64_t h = 0xcbf29ce484222325u + part;
		for (size_t i = 0; i < bytes.len; i++) h = (h ^ bytes.p[i]) * 0x100000001b3u;
		store_be64(ret_hash + 8 * part, h);
	}
}

static inline struct fold_hasher test_hasher(void)
{
	return (struct fold_hasher){ test_hash, NULL };
}

static inline struct id id_of(uint8_t n)
{
	return (struct id){ { n } };
}

static inline struct fold_meta meta_of(const struct test_op *op)
{
	return (struct fold_meta){ .op_id = id_of(op->op_id),
				   .author_id = id_of(op->author),
				   .room_id = id_of(4),
				   .seq = op->seq,
				   .local_order = op->local_order,
				   .client_time_ms = 1700000000000u + op->op_id };
}

static inline void link_ids(const struct test_op *op, ProtobufCBinaryData *to)
{
	for (size_t i = 0; i < op->link_count; i++) to[i] = sample_id(op->links[i]);
}

static inline void fill_frame(const struct test_op *op, Roomkeep__SessionFrame *m)
{
	m->patient_id = sample_id(op->patient == 0 ? 1 : op->patient);
	m->has_room_id = op->room != 0;
	m->room_id = sample_id(op->room);
	m->has_started_ms = op->started_ms != 0;
	m->started_ms = op->started_ms;
	m->has_ended_ms = op->ended_ms != 0;
	m->ended_ms = op->ended_ms;
	m->imported = op->imported;
}

/* Builds the message and adds it; the message dies here, so the fold must have copied it. */
static inline enum err add_op(struct session_fold *f, const struct test_op *op)
{
	union sample s = sample_of(op->kind);
	ProtobufCBinaryData links[LINKS_MAX];
	char text[32];
	memcpy(text, op->text, sizeof(text));
	uint8_t hash[32] = { op->hash };
	link_ids(op, links);
	switch (op->kind) {
	case KIND_SESSION_FRAME: fill_frame(op, &s.session_frame); break;
	case KIND_SESSION_TEXT:
		s.session_text.field = (Roomkeep__TextField)op->field;
		s.session_text.text = text;
		s.session_text.parents = links;
		s.session_text.n_parents = op->link_count;
		break;
	case KIND_MEASURE:
		s.measure.measure_id = sample_id(op->row_id);
		s.measure.value_milli = op->value;
		s.measure.at_ms = op->at_ms;
		break;
	case KIND_SIGN:
		s.sign.covered = links;
		s.sign.n_covered = op->link_count;
		s.sign.values_hash = (ProtobufCBinaryData){ 32, hash };
		break;
	case KIND_ADDENDUM:
		s.addendum.addendum_id = sample_id(op->row_id);
		s.addendum.text = text;
		break;
	case KIND_TOMBSTONE: s.tombstone.target = sample_id(op->links[0]); break;
	case KIND_PATIENT:
	case KIND_OPENED:
	case KIND_NOTE:
	case KIND_SEALED_TOMBSTONE:
	case KIND_ANY_PLAIN: break;
	}
	const struct payload p = { .info = kind_find((uint64_t)op->kind), .is.any = &s.any };
	const struct fold_meta meta = meta_of(op);
	const enum err e = session_fold_add(f, &meta, &p);
	for (size_t i = 0; i < sizeof(text); i++) text[i] = '#';
	return e;
}

/* ---- a state as one text, to compare states -------------------------------------------------- */

static inline void say(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline void say(struct buf *b, const char *fmt, ...)
{
	char line[256];
	va_list args;
	va_start(args, fmt);
	const int n = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	INSIST(n >= 0 && (size_t)n < sizeof(line));
	INSIST(buf_append(b, view_of(line, (size_t)n)) == ERR_OK);
}

static inline void say_late(struct buf *b, const struct fold_late *l)
{
	INSIST((l->text != NULL) + (l->measure != NULL) + (l->frame != NULL) == 1);
	if (l->text != NULL) {
		INSIST(id_equal(&l->meta->op_id, &l->text->meta.op_id));
		say(b, "late text %u field %d\n", l->meta->op_id.b[0], (int)l->text->field);
	}
	if (l->measure != NULL) {
		INSIST(id_equal(&l->meta->op_id, &l->measure->meta.op_id));
		say(b, "late measure %u\n", l->meta->op_id.b[0]);
	}
	if (l->frame != NULL) {
		INSIST(id_equal(&l->meta->op_id, &l->frame->meta.op_id));
		say(b, "late frame %u\n", l->meta->op_id.b[0]);
	}
}

static inline void say_state(struct buf *b, const struct session_state *s)
{
	if (s->has_frame) {
		say(b, "frame patient %u therapist %u imported %d\n", s->patient_id.b[0],
		    s->therapist_id.b[0], s->imported);
		say(b, "room %u started %llu ended %llu\n", s->room_id.b[0],
		    (unsigned long long)s->started_ms, (unsigned long long)s->ended_ms);
	}
	if (s->sign != NULL) say(b, "signed by %u\n", s->sign->meta.op_id.b[0]);
	for (size_t i = 0; i < FOLD_TEXT_FIELDS; i++) {
		const struct fold_field *f = &s->text[i];
		INSIST((f->value != NULL) == (f->head_count == 1));
		for (size_t j = 0; j < f->head_count; j++) {
			const struct fold_text *t = f->heads[j];
			say(b, "field %zu head %u '%.*s'%s\n", i + 1, t->meta.op_id.b[0],
			    (int)t->text.len, (const char *)t->text.p, t->erased ? " erased" : "");
		}
	}
	for (size_t i = 0; i < s->measure_count; i++) {
		say(b, "measure op %u row %u value %lld\n", s->measures[i]->meta.op_id.b[0],
		    s->measures[i]->measure_id.b[0], (long long)s->measures[i]->value_milli);
	}
	for (size_t i = 0; i < s->addendum_count; i++) {
		say(b, "addendum op %u '%.*s'\n", s->addenda[i]->meta.op_id.b[0],
		    (int)s->addenda[i]->text.len, (const char *)s->addenda[i]->text.p);
	}
	for (size_t i = 0; i < s->late_count; i++) say_late(b, &s->late[i]);
	say(b, "conflict %d\n", s->has_conflict);
}
