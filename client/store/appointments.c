/* appointments: those of a day, across patients, folded from op rows when asked for. */
#include "client/store/local_priv.h"

#include "record/appointment.h"

#include <stdlib.h>

/* ---- which ones ------------------------------------------------------------------------------ */

struct id_set {
	struct id *ids; /* owned */
	size_t count, cap;
};

static void id_set_finip(struct id_set *s)
{
	if (s->ids != NULL) secret_wipe(s->ids, s->cap * sizeof(*s->ids));
	free(s->ids);
}

static enum err id_set_add(struct id_set *s, const struct id *id)
{
	for (size_t i = 0; i < s->count; i++)
		if (id_equal(&s->ids[i], id)) return ERR_OK;
	if (s->count == s->cap) {
		const size_t cap = s->cap == 0 ? 64 : s->cap * 2;
		struct id *more = realloc(s->ids, cap * sizeof(*more));
		ENSURE(more != NULL, ERR_NOMEM);
		s->ids = more;
		s->cap = cap;
	}
	s->ids[s->count++] = *id;
	return ERR_OK;
}

static enum err collect_id(void *ctx, struct op_row *row)
{
	struct payload p = { 0 };
	struct id id = { 0 };
	const enum err e = row_payload(row, &p);
	if (e == ERR_NOT_FOUND) return ERR_OK;
	TRY(e);
	return payload_subject_id(&p, &id) ? id_set_add(ctx, &id) : ERR_OK;
}

/* ---- one of them ----------------------------------------------------------------------------- */

/* Its ops: those that count, and the newest that the server refused because of a clash. */
struct one {
	struct local *l;
	const struct vault *v;
	struct record_fold fold;
	bool refused;
	struct id refused_op;
	struct fold_meta refused_meta;
};

static enum err one_row(void *ctx, struct op_row *row)
{
	struct one *c = ctx;
	if (row->state == LOCAL_OP_REJECTED && row->code == ERR_CLASH) {
		c->refused = true;
		c->refused_op = row->op_id;
		c->refused_meta = row_meta(row);
	}
	return record_add_row(c->l, c->v, row, &c->fold);
}

static void one_finip(struct one *c)
{
	record_fold_fini(&c->fold);
}

static enum err one_load(struct one *c, const struct id *id)
{
	const struct kind_info *info = kind_find(KIND_APPOINTMENT);
	uint8_t tag[VAULT_TAG_BYTES];
	record_fold_init(&c->fold, info);
	record_tag(c->v, TAG_RECORD, info, id, tag);
	return row_each_subject(c->l, c->v, tag, (struct row_visitor){ one_row, c });
}

struct list {
	struct local_appointment *rows; /* owned */
	size_t count, cap;
	uint64_t from_ms, to_ms;
};

static void list_finip(struct list *list)
{
	free(list->rows);
}

/* Not what names no whole time, or another. */
static enum err list_add(struct list *list, const struct id *id, const Roomkeep__Appointment *m,
			 enum booking_state state)
{
	struct booking b;
	if (appointment_booking(m, &b, NULL) != ERR_OK) return ERR_OK;
	if (b.start_ms < list->from_ms || b.start_ms >= list->to_ms) return ERR_OK;
	if (list->count == list->cap) {
		const size_t cap = list->cap == 0 ? 32 : list->cap * 2;
		struct local_appointment *more = realloc(list->rows, cap * sizeof(*more));
		ENSURE(more != NULL, ERR_NOMEM);
		list->rows = more;
		list->cap = cap;
	}
	list->rows[list->count++] = (struct local_appointment){
		.appointment_id = *id,
		.booking = b,
		.booking_state = state,
		.state = appointment_state(m),
		.holds_time = appointment_holds_time(m) && state != BOOKING_CLASHED,
		.walk_in = m->has_walk_in && m->walk_in,
		.has_reason = m->overlap_reason != NULL,
		.has_type = m->has_type,
		.has_desk_tag = m->has_desk_tag,
		.type = m->type,
		.desk_tag = m->desk_tag,
	};
	return ERR_OK;
}

/* The server has taken every op that says it. */
static bool server_agreed(const struct record_state *s)
{
	for (size_t i = 0; i < s->change_count; i++)
		if (s->changes[i].meta.seq == 0) return false;
	return true;
}

static const Roomkeep__Appointment *appointment_of(const ProtobufCMessage *m)
{
	return (const Roomkeep__Appointment *)(const void *)m;
}

/* As it would be if the server had taken the op that it refused. */
static enum err list_add_refused(struct list *list, struct one *c, const struct id *id,
				 const struct record_state *now)
{
	CLEANUP(op_row_finip) struct op_row row = { 0 };
	Roomkeep__Appointment would = ROOMKEEP__APPOINTMENT__INIT;
	struct payload p = { 0 };
	TRY(row_find(c->l, c->v, &c->refused_op, &row));
	const enum err e = row_payload(&row, &p);
	if (e == ERR_NOT_FOUND) return ERR_OK;
	TRY(e);
	if (now != NULL) record_apply(p.info, &would.base, true, now->message);
	record_apply(p.info, &would.base, now == NULL, p.is.any);
	return list_add(list, id, &would, BOOKING_CLASHED);
}

static enum err list_add_one(struct local *l, const struct vault *v, const struct id *id,
			     struct list *list)
{
	const struct record_state *now = NULL;
	size_t count = 0;
	CLEANUP(one_finip) struct one c = { .l = l, .v = v };
	TRY(one_load(&c, id));
	TRY(record_fold_state(&c.fold, &now, &count));
	if (count > 0) {
		TRY(list_add(list, id, appointment_of(now->message),
			     booking_state_first(server_agreed(now))));
	}
	/* Whoever changed it since has chosen. */
	const bool chosen = count > 0 &&
			    now->newest->client_time_ms > c.refused_meta.client_time_ms;
	return c.refused && !chosen ? list_add_refused(list, &c, id, count > 0 ? now : NULL)
				    : ERR_OK;
}

static int compare_rows(const void *a, const void *b)
{
	const struct local_appointment *x = a;
	const struct local_appointment *y = b;
	if (x->booking.start_ms != y->booking.start_ms)
		return x->booking.start_ms < y->booking.start_ms ? -1 : 1;
	return memcmp(x->appointment_id.b, y->appointment_id.b, ID_BYTES);
}

enum err local_list_appointments(struct local *l, const struct vault *v, uint64_t from_ms,
				 uint64_t to_ms, struct local_appointment **ret_rows,
				 size_t *ret_count)
{
	const struct kind_info *info = kind_find(KIND_APPOINTMENT);
	CLEANUP(id_set_finip) struct id_set ids = { 0 };
	CLEANUP(list_finip) struct list list = { .from_ms = from_ms, .to_ms = to_ms };
	REQUIRE(from_ms <= to_ms && to_ms <= TIME_MS_END);
	TRY(record_may_read(l, v, KIND_APPOINTMENT));
	for (uint64_t day = from_ms / CALENDAR_DAY_MS; day <= to_ms / CALENDAR_DAY_MS; day++) {
		uint8_t tag[VAULT_TAG_BYTES];
		record_tag_found(v, info, day, tag);
		TRY(row_each_found(l, v, tag, (struct row_visitor){ collect_id, &ids }));
	}
	for (size_t i = 0; i < ids.count; i++) TRY(list_add_one(l, v, &ids.ids[i], &list));
	if (list.count > 1) qsort(list.rows, list.count, sizeof(*list.rows), compare_rows);
	*ret_rows = TAKE(list.rows);
	*ret_count = list.count;
	return ERR_OK;
}

static enum err clashed_state(struct one *c, struct record_fold *fold,
			      const struct record_state **ret)
{
	CLEANUP(op_row_finip) struct op_row row = { 0 };
	struct payload p = { 0 };
	size_t count = 0;
	TRY(row_find(c->l, c->v, &c->refused_op, &row));
	TRY(row_payload(&row, &p)); /* ERR_NOT_FOUND: erased */
	TRY(record_fold_add(fold, &c->refused_meta, &p));
	TRY(record_fold_state(fold, ret, &count));
	return count > 0 ? ERR_OK : ERR_NOT_FOUND;
}

enum err local_get_clashed(struct local *l, const struct vault *v, const struct id *id,
			   struct record_fold *ret_fold, const struct record_state **ret)
{
	CLEANUP(one_finip) struct one c = { .l = l, .v = v };
	TRY(record_may_read(l, v, KIND_APPOINTMENT));
	TRY(one_load(&c, id));
	ENSURE(c.refused, ERR_NOT_FOUND);
	record_fold_init(ret_fold, c.fold.info);
	const enum err e = clashed_state(&c, ret_fold, ret);
	if (e != ERR_OK) record_fold_fini(ret_fold);
	return e;
}

/* ---- the waiting list ------------------------------------------------------------------------ */

struct waiting {
	struct local *l;
	const struct vault *v;
	struct record_fold *fold;
};

static enum err waiting_row(void *ctx, struct op_row *row)
{
	struct waiting *c = ctx;
	return record_add_row(c->l, c->v, row, c->fold);
}

enum err local_list_waiting(struct local *l, const struct vault *v, struct record_fold *ret_fold,
			    const struct record_state **ret_records, size_t *ret_count)
{
	const struct kind_info *info = kind_find(KIND_WAITLIST_ITEM);
	CLEANUP(id_set_finip) struct id_set ids = { 0 };
	uint8_t tag[VAULT_TAG_BYTES];
	TRY(record_may_read(l, v, KIND_WAITLIST_ITEM));
	record_tag_found(v, info, 0, tag);
	TRY(row_each_found(l, v, tag, (struct row_visitor){ collect_id, &ids }));
	record_fold_init(ret_fold, info);
	struct waiting c = { l, v, ret_fold };
	enum err e = ERR_OK;
	for (size_t i = 0; i < ids.count && e == ERR_OK; i++) {
		record_tag(v, TAG_RECORD, info, &ids.ids[i], tag); /* its tombstones too */
		e = row_each_subject(l, v, tag, (struct row_visitor){ waiting_row, &c });
	}
	if (e == ERR_OK) e = record_fold_state(ret_fold, ret_records, ret_count);
	if (e != ERR_OK) record_fold_fini(ret_fold);
	return e;
}
