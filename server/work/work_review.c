/* work_review: the monthly review (US5, DOMAIN 4.8 rule 9): names of staff, days and counts, for
 * who answers for the clinic. No patient is named. */
#include "base/check.h"
#include "record/calendar.h"
#include "server/store/store_review.h"
#include "server/work/work_handlers.h"

static enum err review_span(const Roomkeep__ReviewGet *m, int32_t *ret_offset, uint64_t *ret_from,
			    uint64_t *ret_to)
{
	const int32_t offset = m->has_offset_minutes ? m->offset_minutes : 0;
	ENSURE(offset >= -CALENDAR_OFFSET_MINUTES_MAX && offset <= CALENDAR_OFFSET_MINUTES_MAX,
	       ERR_BAD_VALUE);
	ENSURE(m->has_from_day && m->has_to_day && m->from_day <= m->to_day, ERR_BAD_VALUE);
	ENSURE((int64_t)m->to_day - m->from_day < (int64_t)REVIEW_DAYS_MAX, ERR_BAD_VALUE);
	const int64_t shift = (int64_t)offset * CALENDAR_MINUTE_MS;
	const int64_t from = (int64_t)m->from_day * (int64_t)CALENDAR_DAY_MS - shift;
	const int64_t to = ((int64_t)m->to_day + 1) * (int64_t)CALENDAR_DAY_MS - shift;
	ENSURE(from >= (int64_t)TIME_MS_MIN && to < (int64_t)TIME_MS_END, ERR_BAD_VALUE);
	*ret_offset = offset;
	*ret_from = (uint64_t)from;
	*ret_to = (uint64_t)to;
	return ERR_OK;
}

static enum err row_new(struct ask *a, const struct id *user_id, Roomkeep__ReviewRow **ret)
{
	Roomkeep__ReviewReply *out = &a->checked->is.review.reply;
	Roomkeep__ReviewRow *row = arena_alloc(&a->arena, sizeof(*row));
	ENSURE(row != NULL, ERR_NOMEM);
	roomkeep__review_row__init(row);
	row->has_kind = row->has_user_id = row->has_day = 1;
	row->user_id = wire_id_bytes(user_id); /* the arena's, until the frame is packed */
	out->rows[out->n_rows++] = row;
	*ret = row;
	return ERR_OK;
}

static enum err put_override(struct ask *a, const struct store_override *o, int32_t offset)
{
	Roomkeep__ReviewRow *row = NULL;
	TRY(row_new(a, &o->user_id, &row));
	row->kind = 1;
	row->day = (int32_t)calendar_day_of(o->at_ms, offset);
	row->has_at_ms = row->has_override_id = row->has_reason = row->has_told = 1;
	row->at_ms = o->at_ms;
	row->override_id = wire_id_bytes(&o->override_id);
	row->reason = o->reason;
	row->told = o->told;
	row->has_outcome = o->outcome != 0;
	row->outcome = o->outcome;
	return ERR_OK;
}

static enum err put_family(struct ask *a, const struct store_family_day *f)
{
	Roomkeep__ReviewRow *row = NULL;
	TRY(row_new(a, &f->user_id, &row));
	row->kind = 2;
	row->day = f->day;
	row->has_count = 1;
	row->count = f->pairs;
	return ERR_OK;
}

static enum err put_unusual(struct ask *a, const struct store_unusual *u)
{
	Roomkeep__ReviewRow *row = NULL;
	TRY(row_new(a, &u->user_id, &row));
	row->kind = (uint32_t)u->kind;
	row->day = u->day;
	row->has_count = 1;
	row->count = u->charts;
	return ERR_OK;
}

enum err work_check_review(struct work *w, struct ask *a, struct store_reader *r)
{
	(void)w;
	Roomkeep__ReviewReply *out = &a->checked->is.review.reply;
	struct store_override *overrides = NULL;
	struct store_family_day *families = NULL;
	struct store_unusual *unusual = NULL;
	size_t override_count = 0;
	size_t family_count = 0;
	size_t unusual_count = 0;
	uint64_t from_ms = 0;
	uint64_t to_ms = 0;
	int32_t offset = 0;
	roomkeep__review_reply__init(out);
	TRY(review_span(a->frame->review_get, &offset, &from_ms, &to_ms));
	TRY(store_review_overrides(r, from_ms, to_ms, &a->arena, &overrides, &override_count));
	TRY(store_review_families(r, from_ms, to_ms, offset, &a->arena, &families, &family_count));
	TRY(store_review_unusual(r, from_ms, to_ms, offset, &a->arena, &unusual, &unusual_count));
	const size_t all = override_count + family_count + unusual_count;
	out->rows = arena_alloc(&a->arena, (all + 1) * sizeof(*out->rows));
	ENSURE(out->rows != NULL, ERR_NOMEM);
	for (size_t i = 0; i < override_count; i++) TRY(put_override(a, &overrides[i], offset));
	for (size_t i = 0; i < family_count && out->n_rows < REVIEW_ROWS_MAX; i++)
		TRY(put_family(a, &families[i]));
	for (size_t i = 0; i < unusual_count && out->n_rows < REVIEW_ROWS_MAX; i++)
		TRY(put_unusual(a, &unusual[i]));
	out->has_left_out = 1;
	out->left_out = (uint32_t)(all - out->n_rows);
	return ERR_OK;
}

enum err work_write_review(struct work *w, struct ask *a, struct store *s)
{
	const struct id nobody = { 0 };
	TRY(work_check_who(w, a, s));
	return work_audit(a, s, STORE_EVENT_REVIEWED, &nobody, ERR_OK);
}

enum err work_reply_review(struct work *w, struct ask *a)
{
	(void)w;
	Roomkeep__Frame frame = reply_frame(a, ROOMKEEP__FRAME__BODY_REVIEW_REPLY);
	frame.review_reply = &a->checked->is.review.reply;
	return reply_send(a, &frame);
}
