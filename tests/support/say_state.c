#include "support/say_state.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "support/reference.h"
#include "support/reference_say.h"

static void measure_say(const struct fold_measure *m, struct buf *out)
{
	const struct say_measure say = {
		.op_id = m->meta.op_id,
		.measure_id = m->measure_id,
		.ref = m->ref,
		.catalogue = m->catalogue,
		.phase = (int)m->phase,
		.side = m->has_side ? (int)m->side : 0,
		.has_value = m->has_value,
		.value_milli = m->value_milli,
		.unit = m->unit,
		.result = (int)m->result,
		.at_ms = m->at_ms,
		.how = { (int)m->mode, (int)m->position, (int)m->method, (int)m->end_feel,
			 (int)m->skipped_reason },
		.pain = m->has_pain ? (int)m->pain_at_end : -1,
		.limited_by = m->limited_by,
		.rater_id = m->has_rater ? id_view(&m->rater_id) : VIEW_EMPTY,
		.pair_id = m->has_pair ? id_view(&m->pair_id) : VIEW_EMPTY
	};
	say_measure(out, &say);
}

void say_session_state(const struct session_state *st, struct buf *out)
{
	if (st->has_frame) {
		const struct say_frame f = { .patient_id = st->patient_id,
					     .therapist_id = st->therapist_id,
					     .room_id = st->room_id,
					     .imported = st->imported,
					     .started_ms = st->started_ms,
					     .ended_ms = st->ended_ms };
		say_session_frame(out, &f);
	}
	if (st->sign != NULL) say_signed(out, &st->sign->meta.op_id);
	for (size_t f = 0; f < FOLD_TEXT_FIELDS; f++) {
		for (size_t i = 0; i < st->text[f].head_count; i++) {
			const struct fold_text *t = st->text[f].heads[i];
			say_head(out, (int)f + 1, &t->meta.op_id, t->text, t->erased);
		}
	}
	for (size_t i = 0; i < st->measure_count; i++) measure_say(st->measures[i], out);
	for (size_t i = 0; i < st->addendum_count; i++) {
		const struct fold_addendum *a = st->addenda[i];
		say_addendum(out, &a->meta.op_id, &a->addendum_id, a->text);
	}
	for (size_t i = 0; i < st->late_count; i++) {
		const struct fold_late *l = &st->late[i];
		const char *what = l->text != NULL ? "text " : "measure ";
		say_late_op(out, &l->meta->op_id, l->frame != NULL ? "frame " : what);
	}
}

void say_patient_state(const struct patient_state *st, struct buf *out)
{
	for (int field = 0; field < (int)PATIENT_FIELD_COUNT; field++) {
		const struct patient_field_state *f = &st->fields[field];
		if (f->value != NULL) say_patient(out, field, f->value->text);
		for (size_t i = 0; i < f->history_count; i++) {
			say_patient_value(out, field, &f->history[i].meta.op_id,
					  f->history[i].text);
		}
	}
}

void say_record_state(const struct kind_info *info, const struct record_state *st, struct buf *out)
{
	CLEANUP(buf_finip) struct buf packed = { 0 };
	const size_t len = protobuf_c_message_get_packed_size(st->message);
	INSIST(buf_reserve(&packed, len) == ERR_OK);
	packed.len = protobuf_c_message_pack(st->message, packed.p);
	reference_say_message((uint64_t)info->kind, &st->record_id, buf_view(&packed), out);
	for (size_t i = 0; i < st->change_count; i++) {
		say_plain_change(out, &st->changes[i].meta.op_id);
	}
}
