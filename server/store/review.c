/* review: overrides with what became of them, and opens of linked charts, out of views and log. */
#include "base/check.h"
#include "record/calendar.h"
#include "record/guard_record.h"
#include "server/store/store_openings.h"
#include "server/store/store_priv.h"
#include "server/store/store_review.h"
#include "wire/op.h"

#include <stdlib.h>

/* ---- overrides ------------------------------------------------------------------------------- */

static enum err override_read(struct db_stmt *stmt, struct store_override *ret)
{
	CLEANUP(store_message_freep) ProtobufCMessage *now = NULL;
	CLEANUP(store_message_freep) ProtobufCMessage *first = NULL;
	struct store_override o = { .at_ms = db_col_u64(stmt, 2) };
	TRY(db_col_id(stmt, 0, &o.override_id));
	TRY(db_col_id(stmt, 1, &o.user_id));
	TRY(store_message_unpack(kind_find(KIND_OVERRIDE), db_col_view(stmt, 3), &now));
	TRY(store_message_unpack(kind_find(KIND_OVERRIDE), db_col_view(stmt, 4), &first));
	o.told = ((const Roomkeep__Override *)(void *)now)->told_on != NULL;
	/* As it was given: a reason that was changed later is in the record's history. */
	o.reason = (uint32_t)((const Roomkeep__Override *)(void *)first)->reason;
	*ret = o;
	return ERR_OK;
}

static enum err marks_apply(struct db *db, struct store_override *overrides, size_t count)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(db,
		     "SELECT r.message FROM plain r WHERE r.kind >= 58 AND r.kind = 61"
		     " AND r.message IS NOT NULL ORDER BY r.plain",
		     DB_NO_ARGS, &stmt));
	for (;;) {
		CLEANUP(store_message_freep) ProtobufCMessage *any = NULL;
		struct id override_id;
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		TRY(store_message_unpack(kind_find(KIND_REVIEW_MARK), db_col_view(stmt, 0), &any));
		const Roomkeep__ReviewMark *m = (const Roomkeep__ReviewMark *)(void *)any;
		if (wire_id(m->override_id, &override_id) != ERR_OK) return ERR_CORRUPT;
		for (size_t i = 0; i < count; i++)
			if (id_equal(&overrides[i].override_id, &override_id))
				overrides[i].outcome = (uint32_t)m->outcome;
	}
}

enum err store_review_overrides(struct store_reader *r, uint64_t from_ms, uint64_t to_ms,
				struct arena *arena, struct store_override **ret, size_t *ret_count)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	struct store_override *list = NULL;
	size_t count = 0;
	_Static_assert(KIND_OVERRIDE == 60 && KIND_REVIEW_MARK == 61, "as in the statements");
	TRY(store_array(arena, REVIEW_ROWS_MAX, sizeof(*list), &list));
	TRY(db_query(r->db,
		     "SELECT r.record_id, o.author_id, o.received_ms, r.message, f.message"
		     " FROM plain r JOIN plain_op f ON f.seq ="
		     " (SELECT min(q.seq) FROM plain_op q WHERE q.plain = r.plain)"
		     " JOIN op o ON o.seq = f.seq WHERE r.kind >= 58 AND r.kind = 60"
		     " AND r.message IS NOT NULL AND f.message IS NOT NULL"
		     " AND o.received_ms >= ?1 AND o.received_ms < ?2 ORDER BY o.seq LIMIT ?3",
		     DB_ARGS(db_u64(from_ms), db_u64(to_ms), db_u64(REVIEW_ROWS_MAX)), &stmt));
	for (;;) {
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) break;
		TRY(override_read(stmt, &list[count]));
		count++;
	}
	TRY(marks_apply(r->db, list, count));
	*ret = list;
	*ret_count = count;
	return ERR_OK;
}

/* ---- families -------------------------------------------------------------------------------- */

struct family_look {
	struct db *db;
	struct guard_link *links; /* owned */
	size_t link_count, link_cap;
	struct guard_open *opens; /* owned: of linked charts only, by day and person, once each */
	size_t open_count, open_cap;
	int32_t offset_minutes;
};

static void family_look_finip(struct family_look *f)
{
	free(f->links);
	free(f->opens);
}

/* One more place in each. */
static enum err links_grow(struct family_look *f)
{
	if (f->link_count < f->link_cap) return ERR_OK;
	const size_t cap = f->link_cap == 0 ? 64 : 2 * f->link_cap;
	struct guard_link *more = realloc(f->links, cap * sizeof(*more));
	ENSURE(more != NULL, ERR_NOMEM);
	f->links = more;
	f->link_cap = cap;
	return ERR_OK;
}

static enum err opens_grow(struct family_look *f)
{
	if (f->open_count < f->open_cap) return ERR_OK;
	const size_t cap = f->open_cap == 0 ? 64 : 2 * f->open_cap;
	struct guard_open *more = realloc(f->opens, cap * sizeof(*more));
	ENSURE(more != NULL, ERR_NOMEM);
	f->opens = more;
	f->open_cap = cap;
	return ERR_OK;
}

static enum err links_load(struct family_look *f)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(f->db,
		     "SELECT r.kind, r.message, p.patient_id FROM plain r JOIN patient p"
		     " USING (patient) WHERE r.kind = 47 AND r.message IS NOT NULL UNION ALL"
		     " SELECT r.kind, r.message, p.patient_id FROM plain r JOIN patient p"
		     " USING (patient) WHERE r.kind = 56 AND r.message IS NOT NULL",
		     DB_NO_ARGS, &stmt));
	for (;;) {
		CLEANUP(store_message_freep) ProtobufCMessage *any = NULL;
		struct id patient_id;
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		TRY(store_message_unpack(kind_find(db_col_u64(stmt, 0)), db_col_view(stmt, 1),
					 &any));
		TRY(db_col_id(stmt, 2, &patient_id));
		TRY(links_grow(f));
		if (guard_link_read(any, &patient_id, &f->links[f->link_count])) f->link_count++;
	}
}

static bool is_linked(const struct family_look *f, const struct id *patient_id)
{
	for (size_t i = 0; i < f->link_count; i++)
		if (id_equal(&f->links[i].patient, patient_id) ||
		    id_equal(&f->links[i].relative, patient_id))
			return true;
	return false;
}

static enum err family_open(void *ctx, const struct store_open *at)
{
	struct family_look *f = ctx;
	if (!is_linked(f, &at->patient_id)) return ERR_OK;
	TRY(opens_grow(f));
	f->opens[f->open_count++] =
		(struct guard_open){ .user = at->user_id,
				     .patient = at->patient_id,
				     .day = calendar_day_of(at->at_ms, f->offset_minutes) };
	return ERR_OK;
}

static int open_compare(const void *x, const void *y)
{
	const struct guard_open *a = x;
	const struct guard_open *b = y;
	if (a->day != b->day) return a->day < b->day ? -1 : 1;
	const int user = memcmp(a->user.b, b->user.b, ID_BYTES);
	return user != 0 ? user : memcmp(a->patient.b, b->patient.b, ID_BYTES);
}

static void opens_once(struct family_look *f)
{
	size_t kept = 0;
	if (f->open_count == 0) return;
	qsort(f->opens, f->open_count, sizeof(*f->opens), open_compare);
	for (size_t i = 1; i < f->open_count; i++)
		if (open_compare(&f->opens[kept], &f->opens[i]) != 0)
			f->opens[++kept] = f->opens[i];
	f->open_count = kept + 1;
}

/* Opens [from, to) are of one person on one day. */
static size_t run_end(const struct family_look *f, size_t from)
{
	size_t to = from + 1;
	while (to < f->open_count && f->opens[to].day == f->opens[from].day &&
	       id_equal(&f->opens[to].user, &f->opens[from].user))
		to++;
	return to;
}

enum err store_review_families(struct store_reader *r, uint64_t from_ms, uint64_t to_ms,
			       int32_t offset_minutes, struct arena *arena,
			       struct store_family_day **ret, size_t *ret_count)
{
	CLEANUP(family_look_finip)
	struct family_look f = { .db = r->db, .offset_minutes = offset_minutes };
	struct store_family_day *list = NULL;
	size_t count = 0;
	TRY(store_array(arena, REVIEW_ROWS_MAX, sizeof(*list), &list));
	TRY(links_load(&f));
	if (f.link_count > 0)
		TRY(store_opens_each(r, from_ms, to_ms,
				     (struct store_open_visitor){ family_open, &f }));
	opens_once(&f);
	for (size_t i = 0; i < f.open_count && count < REVIEW_ROWS_MAX;) {
		const size_t end = run_end(&f, i);
		const size_t pairs = guard_find_double_opens(f.links, f.link_count, &f.opens[i],
							     end - i, NULL, 0);
		if (pairs > 0)
			list[count++] = (struct store_family_day){ .user_id = f.opens[i].user,
								   .day = (int32_t)f.opens[i].day,
								   .pairs = (uint32_t)pairs };
		i = end;
	}
	*ret = list;
	*ret_count = count;
	return ERR_OK;
}
