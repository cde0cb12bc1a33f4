/* work_openings: who opened a patient's chart, for who treats or answers for the clinic: the
 * patient asks them. Whom the patient withholds something from is not told who else reads it. */
#include "base/check.h"
#include "record/lockbox.h"
#include "server/store/store_lockbox.h"
#include "server/store/store_openings.h"
#include "server/work/work_handlers.h"

static enum err row_build_opening(struct ask *a, const struct store_opening *o,
				  Roomkeep__OpeningRow **ret)
{
	Roomkeep__OpeningRow *row = arena_alloc(&a->arena, sizeof(*row));
	ENSURE(row != NULL, ERR_NOMEM);
	roomkeep__opening_row__init(row);
	row->has_kind = row->has_user_id = row->has_room_id = row->has_at_ms = 1;
	row->kind = (uint32_t)o->kind;
	row->user_id = wire_id_bytes(&o->user_id); /* the arena's, until the frame is packed */
	row->room_id = wire_id_bytes(&o->room_id);
	row->at_ms = o->at_ms;
	*ret = row;
	return ERR_OK;
}

static enum err reply_build_openings(struct ask *a, struct store_reader *r)
{
	struct openings_checked *c = &a->checked->is.openings;
	struct store_opening *list = NULL;
	uint64_t left_out = 0;
	size_t count = 0;
	roomkeep__openings_reply__init(&c->reply);
	TRY(store_openings_list(r, &c->patient_id, &a->arena, &list, &count, &left_out));
	c->reply.rows = arena_alloc(&a->arena, (count + 1) * sizeof(*c->reply.rows));
	ENSURE(c->reply.rows != NULL, ERR_NOMEM);
	for (size_t i = 0; i < count; i++) {
		TRY(row_build_opening(a, &list[i], &c->reply.rows[i]));
		c->reply.n_rows++;
	}
	c->reply.has_left_out = 1;
	c->reply.left_out = left_out;
	return ERR_OK;
}

enum err work_check_openings(struct work *w, struct ask *a, struct store_reader *r)
{
	(void)w;
	struct openings_checked *c = &a->checked->is.openings;
	struct lockbox box;
	const struct lockbox_reader reader = { .user_id = a->desc.who.user_id,
					       .roles = a->desc.who.roles,
					       .now_ms = a->wall_ms };
	TRY(wire_id(a->frame->openings_get->patient_id, &c->patient_id));
	TRY(store_lockbox_load(r, a->wall_ms, &a->arena, &box));
	if (lockbox_withholds_any(&box, &reader, &c->patient_id)) {
		a->desc.denied = true; /* to be written down */
		return ERR_OK;
	}
	return reply_build_openings(a, r);
}

enum err work_write_openings(struct work *w, struct ask *a, struct store *s)
{
	TRY(work_check_who(w, a, s));
	return work_audit(a, s, STORE_EVENT_OPENINGS, &a->checked->is.openings.patient_id, ERR_OK);
}

enum err work_reply_openings(struct work *w, struct ask *a)
{
	(void)w;
	Roomkeep__Frame frame = reply_frame(a, ROOMKEEP__FRAME__BODY_OPENINGS_REPLY);
	frame.openings_reply = &a->checked->is.openings.reply;
	return reply_send(a, &frame);
}
