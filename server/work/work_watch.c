/* work_watch: who stays away, as far as the asking person may know it (DOMAIN 4.10). A therapist
 * is told of the patients whose last visit was hers; the desk of all, without a clinical reason; a
 * lead of all. */
#include "base/check.h"
#include "record/access.h"
#include "record/calendar.h"
#include "server/store/store_lockbox.h"
#include "server/store/store_watch.h"
#include "server/work/work_handlers.h"

#include <stdlib.h>

#define WATCH_ROWS_MAX 1000u
#define ROWS_KEPT_MAX (2u * WATCH_ROWS_MAX) /* sorted and cut when full */

struct watch_found {
	struct id patient_id;
	struct id therapist_id;
	int32_t last_day;
	struct watch_result result;
};

struct watch_list {
	const struct ask *ask;
	struct lockbox box;
	int32_t today;
	struct watch_found *rows; /* owned; ROWS_KEPT_MAX */
	size_t count;
	uint32_t left_out;
};

static void watch_list_finip(struct watch_list *l)
{
	free(l->rows);
}

/* ---- who may know what ----------------------------------------------------------------------- */

static bool roles_have(const struct ask *a, uint64_t any_of)
{
	return (a->desc.who.roles & any_of) != 0;
}

/* Who may not read the record is told nothing that was concluded from it. */
static bool is_withheld(const struct watch_list *l, const struct id *patient_id)
{
	const struct lockbox_reader reader = { .user_id = l->ask->desc.who.user_id,
					       .roles = l->ask->desc.who.roles,
					       .now_ms = l->ask->wall_ms };
	return lockbox_withholds_any(&l->box, &reader, patient_id);
}

static bool may_know(const struct ask *a, const struct store_watch *p)
{
	if (roles_have(a, ROLE_DESK | ROLE_LEAD)) return true;
	return id_equal(&a->desc.who.user_id, &p->therapist_id);
}

/* Said to who treats, or looks after those who do. */
static bool code_is_clinical(enum watch_code code)
{
	return code == WATCH_CODE_MOOD || code == WATCH_CODE_NO_GAIN ||
	       code == WATCH_CODE_HOMECARE || code == WATCH_CODE_COMFORT ||
	       code == WATCH_CODE_ADVERSE;
}

static bool may_know_reason(const struct ask *a, const struct watch_found *row,
			    const struct watch_reason *reason)
{
	if (!code_is_clinical(reason->code) || roles_have(a, ROLE_LEAD)) return true;
	return roles_have(a, ROLE_THERAPIST) && id_equal(&a->desc.who.user_id, &row->therapist_id);
}

/* ---- the list -------------------------------------------------------------------------------- */

/* Where a word still helps most comes first. */
static int step_rank(enum watch_step step)
{
	switch (step) {
	case WATCH_COLD: return 0;
	case WATCH_COOLING: return 1;
	case WATCH_LAPSED: return 2;
	case WATCH_WARM: break;
	}
	return 3;
}

static int found_compare(const void *x, const void *y)
{
	const struct watch_found *a = x;
	const struct watch_found *b = y;
	const int rank = step_rank(a->result.step) - step_rank(b->result.step);
	if (rank != 0) return rank;
	if (a->last_day != b->last_day) return a->last_day > b->last_day ? -1 : 1;
	return memcmp(a->patient_id.b, b->patient_id.b, ID_BYTES);
}

static void list_cut(struct watch_list *l)
{
	qsort(l->rows, l->count, sizeof(*l->rows), found_compare);
	if (l->count <= WATCH_ROWS_MAX) return;
	l->left_out += (uint32_t)(l->count - WATCH_ROWS_MAX);
	l->count = WATCH_ROWS_MAX;
}

static enum err list_visit(void *ctx, const struct store_watch *p)
{
	struct watch_list *l = ctx;
	struct watch_found *row = &l->rows[l->count];
	if (!may_know(l->ask, p) || is_withheld(l, &p->patient_id)) return ERR_OK;
	*row = (struct watch_found){ .patient_id = p->patient_id,
				     .therapist_id = p->therapist_id,
				     .last_day = p->last_day };
	watch_judge(&p->facts, l->today, &row->result);
	if (row->result.silent || row->result.step == WATCH_WARM) return ERR_OK;
	if (++l->count == ROWS_KEPT_MAX) list_cut(l);
	return ERR_OK;
}

/* ---- the reply ------------------------------------------------------------------------------- */

static enum err row_reasons(struct ask *a, const struct watch_found *row, Roomkeep__WatchRow *out)
{
	Roomkeep__WatchReason *reasons =
		arena_alloc(&a->arena, WATCH_REASONS_MAX * sizeof(*reasons));
	out->reasons = arena_alloc(&a->arena, WATCH_REASONS_MAX * sizeof(*out->reasons));
	ENSURE(reasons != NULL && out->reasons != NULL, ERR_NOMEM);
	for (size_t i = 0; i < row->result.reason_count; i++) {
		const struct watch_reason *from = &row->result.reasons[i];
		Roomkeep__WatchReason *to = &reasons[out->n_reasons];
		if (!may_know_reason(a, row, from)) continue;
		roomkeep__watch_reason__init(to);
		to->has_code = to->has_a = to->has_b = 1;
		to->code = (uint32_t)from->code;
		to->a = from->a;
		to->b = from->b;
		out->reasons[out->n_reasons++] = to;
	}
	return ERR_OK;
}

static enum err row_build_watch(struct ask *a, const struct watch_found *from,
				Roomkeep__WatchRow **ret)
{
	struct watch_found *kept = arena_alloc(&a->arena, sizeof(*kept));
	Roomkeep__WatchRow *row = arena_alloc(&a->arena, sizeof(*row));
	ENSURE(kept != NULL && row != NULL, ERR_NOMEM);
	*kept = *from; /* ids are borrowed from it until the frame is packed */
	roomkeep__watch_row__init(row);
	row->has_patient_id = row->has_therapist_id = row->has_step = 1;
	row->patient_id = wire_id_bytes(&kept->patient_id);
	row->therapist_id = wire_id_bytes(&kept->therapist_id);
	row->step = (uint32_t)kept->result.step;
	row->has_last_day = row->has_may_touch = 1;
	row->last_day = kept->last_day;
	row->may_touch = kept->result.may_touch;
	*ret = row;
	return row_reasons(a, kept, row);
}

static enum err reply_build(struct ask *a, struct watch_list *l)
{
	Roomkeep__WatchReply *out = &a->checked->is.watch.reply;
	roomkeep__watch_reply__init(out);
	list_cut(l);
	out->rows = arena_alloc(&a->arena, (l->count + 1) * sizeof(*out->rows));
	ENSURE(out->rows != NULL, ERR_NOMEM);
	for (size_t i = 0; i < l->count; i++) {
		TRY(row_build_watch(a, &l->rows[i], &out->rows[i]));
		out->n_rows++;
	}
	out->has_left_out = 1;
	out->left_out = l->left_out;
	return ERR_OK;
}

enum err work_check_watch(struct work *w, struct ask *a, struct store_reader *r)
{
	(void)w;
	CLEANUP(watch_list_finip) struct watch_list l = { .ask = a };
	const int32_t offset =
		a->frame->watch_get->has_offset_minutes ? a->frame->watch_get->offset_minutes : 0;
	ENSURE(offset >= -CALENDAR_OFFSET_MINUTES_MAX && offset <= CALENDAR_OFFSET_MINUTES_MAX,
	       ERR_BAD_VALUE);
	if (!roles_have(a, ROLE_THERAPIST | ROLE_DESK | ROLE_LEAD)) {
		a->desc.denied = true; /* to be written down */
		return ERR_OK;
	}
	TRY(store_lockbox_load(r, a->wall_ms, &a->arena, &l.box));
	l.rows = calloc(ROWS_KEPT_MAX, sizeof(*l.rows));
	ENSURE(l.rows != NULL, ERR_NOMEM);

	const struct store_watch_visitor visitor = { list_visit, &l };
	ENSURE(a->wall_ms < TIME_MS_END, ERR_BAD_VALUE); /* a clock from nowhere */
	l.today = (int32_t)calendar_day_of(a->wall_ms, offset);
	TRY(store_watch_each(r, a->wall_ms, offset, visitor));
	return reply_build(a, &l);
}

/* One row in the log however many names were told: it is one look at one list. */
enum err work_write_watch(struct work *w, struct ask *a, struct store *s)
{
	const struct id nobody = { 0 };
	TRY(work_check_who(w, a, s));
	return work_audit(a, s, STORE_EVENT_WATCHED, &nobody, ERR_OK);
}

enum err work_reply_watch(struct work *w, struct ask *a)
{
	(void)w;
	Roomkeep__Frame frame = reply_frame(a, ROOMKEEP__FRAME__BODY_WATCH_REPLY);
	frame.watch_reply = &a->checked->is.watch.reply;
	return reply_send(a, &frame);
}
