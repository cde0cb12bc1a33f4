/* booking_view: which appointments hold their time, by index, and whether one more may stand beside
 * them. The rule is record/booking.h; it is asked in the transaction that stores the op, so two
 * rooms that book one time cannot both be taken. */
#include "base/check.h"
#include "record/appointment.h"
#include "record/guard_record.h"
#include "server/store/store_priv.h"
#include "wire/op.h"

/* ---- the views ------------------------------------------------------------------------------- */

static enum err booking_store(struct db *db, uint64_t plain, const Roomkeep__Appointment *m)
{
	struct booking b;
	if (!appointment_holds_time(m) || appointment_booking(m, &b, NULL) != ERR_OK) return ERR_OK;
	return db_run(db,
		      "INSERT INTO booking (plain, room_id, therapist_id, patient_id, start_ms,"
		      " end_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		      DB_ARGS(db_u64(plain), db_id(&b.room), db_id(&b.therapist), db_id(&b.patient),
			      db_u64(b.start_ms), db_u64(b.end_ms)));
}

static enum err turnover_store(struct db *db, uint64_t plain, bool has_id, ProtobufCBinaryData of,
			       uint32_t minutes)
{
	struct id of_id;
	if (!has_id || wire_id(of, &of_id) != ERR_OK) return ERR_OK;
	return db_run(db, "INSERT INTO turnover (plain, of_id, minutes) VALUES (?1, ?2, ?3)",
		      DB_ARGS(db_u64(plain), db_id(&of_id), db_u64(minutes)));
}

enum err booking_view_update(struct db *db, const struct kind_info *info, uint64_t plain,
			     bool is_there, struct view state)
{
	CLEANUP(store_message_freep) ProtobufCMessage *any = NULL;
	const bool books = info->kind == KIND_APPOINTMENT;
	const bool turns = info->kind == KIND_ROOM_SETTING || info->kind == KIND_STAFF_PROFILE;
	if (!books && !turns) return ERR_OK;
	TRY(db_run(db,
		   books ? "DELETE FROM booking WHERE plain = ?1"
			 : "DELETE FROM turnover WHERE plain = ?1",
		   DB_ARGS(db_u64(plain))));
	if (!is_there) return ERR_OK;
	TRY(store_message_unpack(info, state, &any));
	INSIST(any != NULL);
	if (books) return booking_store(db, plain, (const Roomkeep__Appointment *)(void *)any);
	if (info->kind == KIND_ROOM_SETTING) {
		const Roomkeep__RoomSetting *room = (const Roomkeep__RoomSetting *)(void *)any;
		return turnover_store(db, plain, room->has_room_id, room->room_id,
				      room->turnover_minutes);
	}
	const Roomkeep__StaffProfile *staff = (const Roomkeep__StaffProfile *)(void *)any;
	return turnover_store(db, plain, staff->has_user_id, staff->user_id,
			      staff->turnover_minutes);
}

/* ---- may it stand? --------------------------------------------------------------------------- */

static enum err turnover_of(struct db *db, const struct id *of, uint32_t *ret_ms)
{
	uint64_t minutes = 0;
	const enum err e = db_get_u64(
		db, "SELECT minutes FROM turnover WHERE of_id = ?1 ORDER BY plain DESC LIMIT 1",
		DB_ARGS(db_id(of)), &minutes);
	if (e != ERR_NOT_FOUND) TRY(e);
	*ret_ms = (uint32_t)minutes * CALENDAR_MINUTE_MS;
	return ERR_OK;
}

static enum err clash_with_row(const struct db_stmt *stmt, const struct booking *b,
			       const struct booking_turnover *turnover, unsigned *clash)
{
	struct booking other = { .start_ms = db_col_u64(stmt, 3), .end_ms = db_col_u64(stmt, 4) };
	TRY(db_col_id(stmt, 0, &other.room));
	TRY(db_col_id(stmt, 1, &other.therapist));
	TRY(db_col_id(stmt, 2, &other.patient));
	*clash |= booking_clash(b, &other, turnover);
	return ERR_OK;
}

/* What begins earlier than the longest one and the longest turnover allow cannot reach it. */
#define BOOKING_REACH_MS (BOOKING_MS_MAX + BOOKING_TURNOVER_MS_MAX)
#define BOOKING_NEAR " AND start_ms > ?2 AND start_ms < ?3 AND plain <> ?4"

static enum err clash_find(struct db *db, const struct booking *b, uint64_t plain,
			   unsigned *ret_clash)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	struct booking_turnover turnover = { 0 };
	*ret_clash = 0;
	TRY(turnover_of(db, &b->room, &turnover.room_ms));
	TRY(turnover_of(db, &b->therapist, &turnover.therapist_ms));
	TRY(db_query(db,
		     "SELECT room_id, therapist_id, patient_id, start_ms, end_ms FROM booking"
		     " WHERE plain IN (SELECT plain FROM booking WHERE room_id = ?1" BOOKING_NEAR
		     " UNION SELECT plain FROM booking WHERE therapist_id = ?5" BOOKING_NEAR
		     " UNION SELECT plain FROM booking WHERE patient_id = ?6" BOOKING_NEAR ")",
		     DB_ARGS(db_id(&b->room), db_u64(b->start_ms - BOOKING_REACH_MS),
			     db_u64(b->end_ms + BOOKING_TURNOVER_MS_MAX), db_u64(plain),
			     db_id(&b->therapist), db_id(&b->patient)),
		     &stmt));
	for (;;) {
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		TRY(clash_with_row(stmt, b, &turnover, ret_clash));
	}
}

/* ---- who must not meet (DOMAIN 4.8 rule 8) --------------------------------------------------- */

static enum err split_clash_at(struct db *db, const struct guard_link *link,
			       const struct booking *b, bool *ret_clash)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	const uint64_t reach = BOOKING_MS_MAX + GUARD_SPLIT_GAP_MS;
	TRY(db_query(db,
		     "SELECT start_ms, end_ms FROM booking WHERE patient_id = ?1"
		     " AND start_ms > ?2 AND start_ms < ?3",
		     DB_ARGS(db_id(&link->relative), db_u64(b->start_ms - reach),
			     db_u64(b->end_ms + GUARD_SPLIT_GAP_MS)),
		     &stmt));
	for (;;) {
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		*ret_clash = *ret_clash ||
			     guard_split_clash(link, b->start_ms, b->end_ms, db_col_u64(stmt, 0),
					       db_col_u64(stmt, 1));
	}
}

/* Links of one kind that name this patient; `sql` has the kind's number, for its index. */
static enum err split_look(struct db *db, enum kind kind, const char *sql, const struct booking *b,
			   bool *ret_clash)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(db, sql, DB_ARGS(db_blob(id_view(&b->patient))), &stmt));
	for (;;) {
		CLEANUP(store_message_freep) ProtobufCMessage *any = NULL;
		struct guard_link link;
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		TRY(store_message_unpack(kind_find((uint64_t)kind), db_col_view(stmt, 0), &any));
		if (!guard_link_read(any, &b->patient, &link) || !link.split) continue;
		TRY(split_clash_at(db, &link, b, ret_clash));
	}
}

/* Whoever books, and whether or not he may know of the two: it is said as any other clash. */
static enum err split_check(struct db *db, const struct booking *b)
{
	bool clash = false;
	_Static_assert(KIND_FAMILY_LINK == 47 && KIND_DESK_FAMILY_LINK == 56, "as in 0005.sql");
	TRY(split_look(db, KIND_FAMILY_LINK,
		       "SELECT message FROM plain WHERE kind = 47 AND message IS NOT NULL"
		       " AND instr(message, ?1) > 0",
		       b, &clash));
	TRY(split_look(db, KIND_DESK_FAMILY_LINK,
		       "SELECT message FROM plain WHERE kind = 56 AND message IS NOT NULL"
		       " AND instr(message, ?1) > 0",
		       b, &clash));
	return clash ? ERR_CLASH : ERR_OK;
}

static bool booking_is_same(const struct booking *a, const struct booking *b)
{
	return id_equal(&a->room, &b->room) && id_equal(&a->therapist, &b->therapist) &&
	       a->start_ms == b->start_ms && a->end_ms == b->end_ms;
}

/* A change that leaves time and place as they are asks for nothing new: a patient who arrives is
 * not refused because another was put beside them. Taking back the reason does ask. */
static bool asks_for_nothing_new(const Roomkeep__Appointment *before,
				 const Roomkeep__Appointment *after, const struct booking *b)
{
	struct booking was;
	if (before == NULL || !appointment_holds_time(before)) return false;
	if (appointment_booking(before, &was, NULL) != ERR_OK) return false;
	return booking_is_same(&was, b) &&
	       (before->overlap_reason == NULL || after->overlap_reason != NULL);
}

static enum err booking_judge_change(struct db *db, uint64_t plain,
				     const Roomkeep__Appointment *before,
				     const Roomkeep__Appointment *after)
{
	struct booking b;
	unsigned clash = 0;
	if (!appointment_holds_time(after)) return ERR_OK;
	const enum err e = appointment_booking(after, &b, NULL);
	if (e != ERR_OK) {
		/* What a tombstone took a part of has no time to hold. One that begins or is moved
		 * to where no time is has a bad value. */
		const bool was_whole = before != NULL &&
				       appointment_booking(before, &b, NULL) == ERR_OK;
		return plain == 0 || was_whole ? e : ERR_OK;
	}
	if (asks_for_nothing_new(before, after, &b)) return ERR_OK;
	TRY(split_check(db, &b));
	TRY(clash_find(db, &b, plain, &clash));
	return booking_place_check(clash, view_str(after->overlap_reason), NULL);
}

enum err booking_judge(struct db *db, const struct payload *payload)
{
	CLEANUP(buf_finip) struct buf before = { 0 };
	CLEANUP(buf_finip) struct buf after = { 0 };
	CLEANUP(store_message_freep) ProtobufCMessage *was = NULL;
	CLEANUP(store_message_freep) ProtobufCMessage *is = NULL;
	uint64_t plain = 0;
	bool is_first = false;
	if (payload->info->kind != KIND_APPOINTMENT) return ERR_OK;
	TRY(record_view_after(db, payload, &plain, &is_first, &before, &after));
	if (!is_first) TRY(store_message_unpack(payload->info, buf_view(&before), &was));
	TRY(store_message_unpack(payload->info, buf_view(&after), &is));
	return booking_judge_change(db, plain, (const Roomkeep__Appointment *)(const void *)was,
				    (const Roomkeep__Appointment *)(const void *)is);
}

enum err booking_judge_erased(struct db *db, uint64_t target_kind, uint64_t target_seq)
{
	CLEANUP(buf_finip) struct buf before = { 0 };
	CLEANUP(buf_finip) struct buf after = { 0 };
	CLEANUP(store_message_freep) ProtobufCMessage *was = NULL;
	CLEANUP(store_message_freep) ProtobufCMessage *is = NULL;
	const struct kind_info *info = kind_find(KIND_APPOINTMENT);
	uint64_t plain = 0;
	bool was_there = false;
	bool is_there = false;
	if (target_kind != KIND_APPOINTMENT) return ERR_OK;
	TRY(record_view_without(db, info, target_seq, &plain, &was_there, &before, &is_there,
				&after));
	if (!was_there || !is_there) return ERR_OK;
	TRY(store_message_unpack(info, buf_view(&before), &was));
	TRY(store_message_unpack(info, buf_view(&after), &is));
	const Roomkeep__Appointment *left = (const Roomkeep__Appointment *)(const void *)is;
	struct booking b;
	if (appointment_booking(left, &b, NULL) != ERR_OK) return ERR_OK; /* half of it: no time */
	return booking_judge_change(db, plain, (const Roomkeep__Appointment *)(const void *)was,
				    left);
}
