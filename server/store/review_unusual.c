/* review_unusual: opens of some days held against hours and last names. */
#include "base/check.h"
#include "crypt/directory.h"
#include "record/calendar.h"
#include "record/house_record.h"
#include "record/text.h"
#include "server/store/store_openings.h"
#include "server/store/store_people.h"
#include "server/store/store_priv.h"
#include "server/store/store_review.h"

#include <stdlib.h>

struct unusual_shift {
	struct id therapist; /* zeros: of the house */
	struct booking_hours hours;
};

struct unusual_open {
	enum store_unusual_kind kind;
	struct id user_id;
	struct id patient_id;
	int32_t day;
};

struct unusual_look {
	struct db *db;
	int32_t offset_minutes;
	struct directory directory;
	struct unusual_shift *shifts; /* owned, as the next two */
	size_t shift_count;
	int64_t *closed;
	size_t closed_count;
	struct unusual_open *opens;
	size_t open_count, open_cap;
	bool has_hours; /* the house says some */
};

static void unusual_look_finip(struct unusual_look *l)
{
	dir_fini(&l->directory);
	free(l->shifts);
	free(l->closed);
	free(l->opens);
}

/* ---- hours ----------------------------------------------------------------------------------- */

static void shift_add(struct unusual_look *l, const Roomkeep__Shift *m)
{
	struct unusual_shift *shift = &l->shifts[l->shift_count];
	if (!house_record_shift(m, &shift->therapist, &shift->hours)) return;
	l->shift_count++;
	l->has_hours = l->has_hours || id_is_zero(&shift->therapist);
}

static enum err hours_make_room(struct unusual_look *l)
{
	uint64_t count = 0;
	TRY(db_get_u64(l->db, "SELECT count(*) FROM plain WHERE kind IN (?1, ?2)",
		       DB_ARGS(db_u64(KIND_SHIFT), db_u64(KIND_CLOSED_DAY)), &count));
	l->shifts = calloc(count + 1, sizeof(*l->shifts));
	l->closed = calloc(count + 1, sizeof(*l->closed));
	return l->shifts != NULL && l->closed != NULL ? ERR_OK : ERR_NOMEM;
}

static enum err hours_load(struct unusual_look *l)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(hours_make_room(l));
	TRY(db_query(l->db,
		     "SELECT kind, message FROM plain WHERE kind IN (?1, ?2)"
		     " AND message IS NOT NULL",
		     DB_ARGS(db_u64(KIND_SHIFT), db_u64(KIND_CLOSED_DAY)), &stmt));
	for (;;) {
		CLEANUP(store_message_freep) ProtobufCMessage *any = NULL;
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		const struct kind_info *info = kind_find(db_col_u64(stmt, 0));
		INSIST(info != NULL);
		TRY(store_message_unpack(info, db_col_view(stmt, 1), &any));
		const void *m = any;
		if (info->kind == KIND_SHIFT)
			shift_add(l, m);
		else if (house_record_closed_day(m, &l->closed[l->closed_count]))
			l->closed_count++;
	}
}

static bool is_after_hours(const struct unusual_look *l, const struct store_open *open)
{
	const int64_t day = calendar_day_of(open->at_ms, l->offset_minutes);
	const uint32_t minute = calendar_minute_of(open->at_ms, l->offset_minutes);
	const enum weekday weekday = calendar_weekday(day);
	if (!l->has_hours) return false;
	for (size_t i = 0; i < l->closed_count; i++)
		if (l->closed[i] == day) return true;
	for (size_t i = 0; i < l->shift_count; i++) {
		const struct unusual_shift *s = &l->shifts[i];
		if (s->hours.weekday != weekday || minute < s->hours.from || minute >= s->hours.to)
			continue;
		if (id_is_zero(&s->therapist) || id_equal(&s->therapist, &open->user_id))
			return false;
	}
	return true;
}

/* ---- last names ------------------------------------------------------------------------------ */

/* The search form of the last word (record/text.h); empty for a name of one word. */
static enum err last_name(struct view name, struct buf *out)
{
	CLEANUP(buf_finip) struct buf key = { 0 };
	size_t at = 0;
	TRY(text_search_key(name, &key));
	for (size_t i = 0; i < key.len; i++)
		if (key.p[i] == ' ') at = i + 1;
	return at == 0 ? ERR_OK : buf_append(out, view_of(key.p + at, key.len - at));
}

static enum err is_namesake(const struct unusual_look *l, const struct store_open *open, bool *ret)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	CLEANUP(buf_finip) struct buf theirs = { 0 };
	CLEANUP(buf_finip) struct buf own = { 0 };
	const struct dir_user *user = dir_user(&l->directory, &open->user_id);
	*ret = false;
	if (user == NULL) return ERR_OK;
	const enum err e = db_query_row(l->db, "SELECT name FROM patient WHERE patient_id = ?1",
					DB_ARGS(db_id(&open->patient_id)), &stmt);
	if (e == ERR_NOT_FOUND) return ERR_OK;
	TRY(e);
	TRY(last_name(view_str(user->name), &own));
	TRY(last_name(db_col_view(stmt, 0), &theirs));
	*ret = own.len > 0 && view_equal(buf_view(&own), buf_view(&theirs));
	return ERR_OK;
}

/* ---- all ------------------------------------------------------------------------------------- */

static enum err opens_make_room(struct unusual_look *l)
{
	if (l->open_count < l->open_cap) return ERR_OK;
	const size_t cap = l->open_cap == 0 ? 64 : 2 * l->open_cap;
	struct unusual_open *more = reallocarray(l->opens, cap, sizeof(*more));
	ENSURE(more != NULL, ERR_NOMEM);
	l->opens = more;
	l->open_cap = cap;
	return ERR_OK;
}

static enum err unusual_add(struct unusual_look *l, const struct store_open *open,
			    enum store_unusual_kind kind)
{
	TRY(opens_make_room(l));
	l->opens[l->open_count++] = (struct unusual_open){
		.kind = kind,
		.user_id = open->user_id,
		.patient_id = open->patient_id,
		.day = (int32_t)calendar_day_of(open->at_ms, l->offset_minutes),
	};
	return ERR_OK;
}

static enum err unusual_open(void *ctx, const struct store_open *open)
{
	struct unusual_look *l = ctx;
	bool namesake = false;
	if (is_after_hours(l, open)) TRY(unusual_add(l, open, STORE_UNUSUAL_HOURS));
	TRY(is_namesake(l, open, &namesake));
	return namesake ? unusual_add(l, open, STORE_UNUSUAL_NAMESAKE) : ERR_OK;
}

/* What is one row of the review; by patients within it. */
static int unusual_row_compare(const struct unusual_open *a, const struct unusual_open *b)
{
	if (a->day != b->day) return a->day < b->day ? -1 : 1;
	const int user = memcmp(a->user_id.b, b->user_id.b, ID_BYTES);
	return user != 0 ? user : (int)a->kind - (int)b->kind;
}

static int unusual_compare(const void *x, const void *y)
{
	const struct unusual_open *a = x;
	const struct unusual_open *b = y;
	const int row = unusual_row_compare(a, b);
	return row != 0 ? row : memcmp(a->patient_id.b, b->patient_id.b, ID_BYTES);
}

static size_t unusual_count(struct unusual_look *l, struct store_unusual *list)
{
	size_t count = 0;
	if (l->open_count > 0) qsort(l->opens, l->open_count, sizeof(*l->opens), unusual_compare);
	for (size_t i = 0; i < l->open_count; i++) {
		const struct unusual_open *o = &l->opens[i];
		const bool new_row = i == 0 || unusual_row_compare(o, o - 1) != 0;
		if (new_row && count == REVIEW_ROWS_MAX) break;
		if (new_row)
			list[count++] = (struct store_unusual){ .kind = o->kind,
								.user_id = o->user_id,
								.day = o->day };
		if (new_row || unusual_compare(o, o - 1) != 0) list[count - 1].charts++;
	}
	return count;
}

enum err store_review_unusual(struct store_reader *r, uint64_t from_ms, uint64_t to_ms,
			      int32_t offset_minutes, struct arena *arena,
			      struct store_unusual **ret, size_t *ret_count)
{
	CLEANUP(unusual_look_finip)
	struct unusual_look l = { .db = r->db, .offset_minutes = offset_minutes };
	struct store_unusual *list = NULL;
	TRY(store_array(arena, REVIEW_ROWS_MAX, sizeof(*list), &list));
	TRY(store_directory_load(r, &l.directory));
	TRY(hours_load(&l));
	TRY(store_opens_each(r, from_ms, to_ms, (struct store_open_visitor){ unusual_open, &l }));
	*ret_count = unusual_count(&l, list);
	*ret = list;
	return ERR_OK;
}
