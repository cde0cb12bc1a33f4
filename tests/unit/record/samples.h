/* samples: one good message of every kind, for tests. Static memory, fresh at each call. */
#pragma once

#include "base/check.h"
#include "base/id.h"
#include "base/limits.h"
#include "record/payload.h"
#include "support/plain_sample.h"
#include "wire/op.h"

union sample {
	ProtobufCMessage any;
	Roomkeep__Patient patient;
	Roomkeep__SessionFrame session_frame;
	Roomkeep__SessionText session_text;
	Roomkeep__Measure measure;
	Roomkeep__Sign sign;
	Roomkeep__Addendum addendum;
	Roomkeep__Opened opened;
	Roomkeep__Tombstone tombstone;
	Roomkeep__Note note;
	uint64_t plain[96]; /* room for a plain record of any kind */
};

static uint8_t sample_bytes[128] = { 1 };
static uint8_t sample_ids[2][16] = { { 21 }, { 22 } };

static inline ProtobufCBinaryData sample_id(uint8_t n)
{
	static uint8_t ids[256][16];
	ids[n][0] = n;
	return (ProtobufCBinaryData){ 16, ids[n] };
}

static inline ProtobufCBinaryData sample_blob(size_t len)
{
	return (ProtobufCBinaryData){ len, sample_bytes };
}

static inline ProtobufCBinaryData *sample_id_list(void)
{
	static ProtobufCBinaryData list[2];
	list[0] = (ProtobufCBinaryData){ 16, sample_ids[0] };
	list[1] = (ProtobufCBinaryData){ 16, sample_ids[1] };
	return list;
}

#define SAMPLE_SET(m, field, v) ((m)->has_##field = true, (m)->field = (v))

static inline void sample_fill_frame(Roomkeep__SessionFrame *m)
{
	roomkeep__session_frame__init(m);
	SAMPLE_SET(m, session_id, sample_id(2));
	SAMPLE_SET(m, patient_id, sample_id(1));
	SAMPLE_SET(m, therapist_id, sample_id(3));
	SAMPLE_SET(m, room_id, sample_id(4));
	SAMPLE_SET(m, started_ms, 1700000000000u);
	SAMPLE_SET(m, ended_ms, 1700000360000u);
	SAMPLE_SET(m, imported, false);
}

static inline void sample_fill_measure(Roomkeep__Measure *m)
{
	roomkeep__measure__init(m);
	SAMPLE_SET(m, measure_id, sample_id(5));
	SAMPLE_SET(m, session_id, sample_id(2));
	m->ref = wire_text("cx_rot");
	SAMPLE_SET(m, catalogue, 1);
	SAMPLE_SET(m, phase, ROOMKEEP__PHASE__POST);
	SAMPLE_SET(m, side, ROOMKEEP__SIDE__LEFT);
	SAMPLE_SET(m, value_milli, 52000);
	m->unit = wire_text("deg");
	SAMPLE_SET(m, at_ms, 1700000001000u);
	SAMPLE_SET(m, mode, ROOMKEEP__MODE__MODE_ACTIVE);
	SAMPLE_SET(m, position, ROOMKEEP__POSITION__POSITION_SEATED);
	SAMPLE_SET(m, method, ROOMKEEP__METHOD__METHOD_GONIOMETER);
	SAMPLE_SET(m, pain_at_end, 3);
	SAMPLE_SET(m, end_feel, ROOMKEEP__END_FEEL__END_FEEL_FIRM);
	m->limited_by = wire_text("pull on the left");
	SAMPLE_SET(m, rater_id, sample_id(9));
	SAMPLE_SET(m, pair_id, sample_id(10));
}

static inline void sample_fill_note(Roomkeep__Note *m)
{
	roomkeep__note__init(m);
	SAMPLE_SET(m, note_id, sample_id(6));
	SAMPLE_SET(m, note_gen, 1);
	m->n_parents = 2;
	m->parents = sample_id_list();
	SAMPLE_SET(m, commitment, sample_blob(32));
	SAMPLE_SET(m, ciphertext, sample_blob(100));
	SAMPLE_SET(m, author_wrap, sample_blob(72));
}

static inline void sample_fill_patient(Roomkeep__Patient *m)
{
	roomkeep__patient__init(m);
	SAMPLE_SET(m, patient_id, sample_id(1));
	m->name = wire_text("Jos\xc3\xa9 \xc3\x81lvarez");
	m->name_used = wire_text("Pepe");
	m->born = wire_text("1980-02-29");
	m->phone = wire_text("+49 30 5550100");
	m->email = wire_text("pepe@example.org");
}

static inline void sample_fill_text(Roomkeep__SessionText *m)
{
	roomkeep__session_text__init(m);
	SAMPLE_SET(m, session_id, sample_id(2));
	SAMPLE_SET(m, field, ROOMKEEP__TEXT_FIELD__PLAN);
	m->text = wire_text("twice a week\n\tthen see");
	m->n_parents = 2;
	m->parents = sample_id_list();
}

/* Ids as those above; the record's own, if it has one, is 9. */
static inline void sample_fill_plain(enum kind kind, union sample *s)
{
	static struct arena arena;
	const struct kind_info *info = kind_find((uint64_t)kind);
	if (arena.cap == 0) arena_init(&arena, 64u * MIB);
	INSIST(info->message->sizeof_message <= sizeof(*s));
	plain_sample(info, 0, &arena, &s->any);
	plain_sample_id(&s->any, info->subject_field, &(struct id){ { 9 } }, &arena);
	if (info->session_field != NULL)
		plain_sample_id(&s->any, info->session_field, &(struct id){ { 2 } }, &arena);
	if (info->patient_field != NULL)
		plain_sample_id(&s->any, info->patient_field, &(struct id){ { 1 } }, &arena);
}

static inline union sample sample_of(enum kind kind)
{
	union sample s = { .any = { NULL, 0, NULL } };
	switch (kind) {
	case KIND_PATIENT: sample_fill_patient(&s.patient); break;
	case KIND_SESSION_FRAME: sample_fill_frame(&s.session_frame); break;
	case KIND_SESSION_TEXT: sample_fill_text(&s.session_text); break;
	case KIND_MEASURE: sample_fill_measure(&s.measure); break;
	case KIND_SIGN:
		roomkeep__sign__init(&s.sign);
		SAMPLE_SET(&s.sign, session_id, sample_id(2));
		s.sign.n_covered = 2;
		s.sign.covered = sample_id_list();
		SAMPLE_SET(&s.sign, values_hash, sample_blob(32));
		break;
	case KIND_ADDENDUM:
		roomkeep__addendum__init(&s.addendum);
		SAMPLE_SET(&s.addendum, addendum_id, sample_id(7));
		SAMPLE_SET(&s.addendum, session_id, sample_id(2));
		s.addendum.text = wire_text("also the left side");
		break;
	case KIND_OPENED:
		roomkeep__opened__init(&s.opened);
		SAMPLE_SET(&s.opened, patient_id, sample_id(1));
		SAMPLE_SET(&s.opened, session_id, sample_id(2));
		break;
	case KIND_TOMBSTONE:
	case KIND_SEALED_TOMBSTONE:
		roomkeep__tombstone__init(&s.tombstone);
		SAMPLE_SET(&s.tombstone, target, sample_id(8));
		s.tombstone.reason = wire_text("typed twice");
		break;
	case KIND_NOTE: sample_fill_note(&s.note); break;
	case KIND_ANY_PLAIN: sample_fill_plain(kind, &s); break;
	}
	return s;
}
