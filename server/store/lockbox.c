/* lockbox: directives, their ends and openings out of the views of plain records. There are few, so
 * they are read from their messages when somebody asks. */
#include "base/check.h"
#include "record/lockbox_record.h"
#include "server/store/store_lockbox.h"
#include "server/store/store_priv.h"
#include "wire/op.h"

#include <stdlib.h>

/* The kinds' numbers, so that the index of 0005.sql is used. */
#define OF_KIND(number) " r.kind >= 58 AND r.kind = " number " AND r.message IS NOT NULL"
#define OF_DIRECTIVES OF_KIND("58")
#define OF_ENDS OF_KIND("59")
#define OF_OVERRIDES OF_KIND("60")
_Static_assert(KIND_DIRECTIVE == 58 && KIND_DIRECTIVE_END == 59 && KIND_OVERRIDE == 60,
	       "the numbers in the statements are those of the kinds");

/* The op that a record began with. */
#define FIRST_OP " JOIN op o ON o.seq = (SELECT min(q.seq) FROM plain_op q WHERE q.plain = r.plain)"

/* ---- the box --------------------------------------------------------------------------------- */

struct ends {
	struct id *ids; /* in the arena */
	size_t count;
};

static bool ends_have(const struct ends *ends, const struct id *directive_id)
{
	for (size_t i = 0; i < ends->count; i++)
		if (id_equal(&ends->ids[i], directive_id)) return true;
	return false;
}

static enum err ends_load(struct db *db, struct arena *arena, struct ends *ret)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	uint64_t most = 0;
	TRY(db_get_u64(db, "SELECT count(*) FROM plain r WHERE" OF_ENDS, DB_NO_ARGS, &most));
	TRY(store_array(arena, most, sizeof(*ret->ids), &ret->ids));
	TRY(db_query(db, "SELECT r.message FROM plain r WHERE" OF_ENDS, DB_NO_ARGS, &stmt));
	for (ret->count = 0; ret->count < most; ret->count++) {
		CLEANUP(store_message_freep) ProtobufCMessage *any = NULL;
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		TRY(store_message_unpack(kind_find(KIND_DIRECTIVE_END), db_col_view(stmt, 0),
					 &any));
		const Roomkeep__DirectiveEnd *m = (const Roomkeep__DirectiveEnd *)(void *)any;
		if (wire_id(m->directive_id, &ret->ids[ret->count]) != ERR_OK) return ERR_CORRUPT;
	}
	return ERR_OK;
}

static enum err bars_load(struct db *db, uint64_t now_ms, struct arena *arena, struct lockbox *ret)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	struct lockbox_bar *bars = NULL;
	struct ends ends = { .count = 0 };
	uint64_t most = 0;
	TRY(db_get_u64(db, "SELECT count(*) FROM plain r WHERE" OF_DIRECTIVES, DB_NO_ARGS, &most));
	if (most == 0) return ERR_OK;
	if (most > LOCKBOX_BARS_MAX) most = LOCKBOX_BARS_MAX; /* none was taken beyond it */
	TRY(store_array(arena, most, sizeof(*bars), &bars));
	TRY(ends_load(db, arena, &ends));
	TRY(db_query(db,
		     "SELECT r.message, o.received_ms FROM plain r" FIRST_OP " WHERE" OF_DIRECTIVES
		     " ORDER BY r.plain LIMIT ?1",
		     DB_ARGS(db_u64(most)), &stmt));
	for (;;) {
		CLEANUP(store_message_freep) ProtobufCMessage *any = NULL;
		struct lockbox_bar *bar = &bars[ret->bar_count];
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) break;
		TRY(store_message_unpack(kind_find(KIND_DIRECTIVE), db_col_view(stmt, 0), &any));
		const Roomkeep__Directive *m = (const Roomkeep__Directive *)(void *)any;
		if (!lockbox_bar_read(m, db_col_u64(stmt, 1), bar)) continue;
		if (bar->until_ms <= now_ms || ends_have(&ends, &bar->directive_id)) continue;
		ret->bar_count++;
	}
	ret->bars = bars;
	return ERR_OK;
}

/* By the clock of the room too: what lay in an outbox for a day opens nothing. */
static enum err opening_until(const struct db_stmt *stmt, uint64_t *ret_ms)
{
	struct op_core core;
	TRY(op_core_parse(db_col_view(stmt, 3), &core));
	const uint64_t taken_ms = db_col_u64(stmt, 2);
	const uint64_t from = core.client_time_ms < taken_ms ? core.client_time_ms : taken_ms;
	*ret_ms = from + LOCKBOX_OPEN_MS;
	return ERR_OK;
}

static enum err openings_load(struct db *db, uint64_t now_ms, struct arena *arena,
			      struct lockbox *ret)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	struct lockbox_opening *openings = NULL;
	const uint64_t since = now_ms > LOCKBOX_OPEN_MS ? now_ms - LOCKBOX_OPEN_MS : 0;
	TRY(store_array(arena, LOCKBOX_OPENINGS_MAX, sizeof(*openings), &openings));
	TRY(db_query(db,
		     "SELECT o.author_id, o.patient_id, o.received_ms, o.core FROM plain r" FIRST_OP
		     " WHERE" OF_OVERRIDES " AND o.received_ms > ?1 ORDER BY o.seq DESC LIMIT ?2",
		     DB_ARGS(db_u64(since), db_u64(LOCKBOX_OPENINGS_MAX)), &stmt));
	for (;;) {
		struct lockbox_opening *o = &openings[ret->opening_count];
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) break;
		TRY(db_col_id(stmt, 0, &o->user_id));
		TRY(db_col_id(stmt, 1, &o->patient_id));
		TRY(opening_until(stmt, &o->until_ms));
		if (o->until_ms > now_ms) ret->opening_count++;
	}
	ret->openings = openings;
	return ERR_OK;
}

enum err store_lockbox_load(struct store_reader *r, uint64_t now_ms, struct arena *arena,
			    struct lockbox *ret)
{
	struct lockbox box = { .bar_count = 0 };
	TRY(bars_load(r->db, now_ms, arena, &box));
	if (box.bar_count > 0) TRY(openings_load(r->db, now_ms, arena, &box));
	*ret = box;
	return ERR_OK;
}

/* ---- rows of directives ---------------------------------------------------------------------- */

static enum err directive_find(struct db *db, const struct id *directive_id, ProtobufCMessage **ret,
			       struct id *ret_author)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query_row(db,
			 "SELECT r.message, o.author_id FROM plain r" FIRST_OP
			 " WHERE r.record_id = ?1 AND r.kind = ?2 AND r.message IS NOT NULL",
			 DB_ARGS(db_id(directive_id), db_u64(KIND_DIRECTIVE)), &stmt));
	TRY(db_col_id(stmt, 1, ret_author));
	return store_message_unpack(kind_find(KIND_DIRECTIVE), db_col_view(stmt, 0), ret);
}

/* The directive that an end names. */
static enum err end_read(struct db *db, const struct id *record_id, struct id *ret_directive_id)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	CLEANUP(store_message_freep) ProtobufCMessage *any = NULL;
	TRY(db_query_row(db,
			 "SELECT message FROM plain WHERE record_id = ?1 AND kind = ?2"
			 " AND message IS NOT NULL",
			 DB_ARGS(db_id(record_id), db_u64(KIND_DIRECTIVE_END)), &stmt));
	TRY(store_message_unpack(kind_find(KIND_DIRECTIVE_END), db_col_view(stmt, 0), &any));
	return wire_id(((const Roomkeep__DirectiveEnd *)(void *)any)->directive_id,
		       ret_directive_id);
}

enum err lockbox_read_against(struct db *db, struct store_row *row)
{
	CLEANUP(store_message_freep) ProtobufCMessage *any = NULL;
	struct lockbox_bar bar;
	struct id directive_id = row->record_id;
	struct id author_id;
	enum err e = ERR_OK;
	if (row->kind != KIND_DIRECTIVE && row->kind != KIND_DIRECTIVE_END) return ERR_OK;
	if (id_is_zero(&row->record_id)) return ERR_OK; /* refused: its author's alone */
	if (row->kind == KIND_DIRECTIVE_END) e = end_read(db, &row->record_id, &directive_id);
	if (e == ERR_OK) e = directive_find(db, &directive_id, &any, &author_id);
	if (e == ERR_NOT_FOUND) return ERR_OK;
	TRY(e);
	if (!lockbox_bar_read((const Roomkeep__Directive *)(void *)any, 0, &bar)) return ERR_OK;
	row->against_user = bar.user_id;
	row->against_role = bar.role;
	return ERR_OK;
}

/* ---- may it be taken? ------------------------------------------------------------------------ */

static enum err judge_count(struct db *db)
{
	uint64_t count = 0;
	TRY(db_get_u64(db, "SELECT count(*) FROM plain r WHERE" OF_DIRECTIVES, DB_NO_ARGS, &count));
	return count < LOCKBOX_BARS_MAX ? ERR_OK : ERR_FULL;
}

/* Nobody ends a directive that is against him, but one that he wrote down himself; to him there is
 * none. */
static enum err judge_end(struct db *db, const Roomkeep__DirectiveEnd *m,
			  const struct lockbox_asks *asks)
{
	CLEANUP(store_message_freep) ProtobufCMessage *any = NULL;
	const struct lockbox_reader author = { .user_id = asks->author_id,
					       .roles = asks->author_roles };
	struct lockbox_bar bar;
	struct id directive_id;
	struct id owner;
	struct id writer;
	TRY(wire_id(m->directive_id, &directive_id));
	TRY(directive_find(db, &directive_id, &any, &writer));
	const Roomkeep__Directive *directive = (const Roomkeep__Directive *)(void *)any;
	TRY(wire_id(directive->patient_id, &owner));
	ENSURE(id_equal(&owner, &asks->patient_id), ERR_BAD_VALUE);
	if (id_equal(&writer, &asks->author_id)) return ERR_OK;
	if (!lockbox_bar_read(directive, 0, &bar)) return ERR_OK;
	return lockbox_names(&bar.user_id, bar.role, &author) ? ERR_NOT_FOUND : ERR_OK;
}

/* Nobody reviews himself. */
static enum err judge_mark(struct db *db, const Roomkeep__ReviewMark *m,
			   const struct lockbox_asks *asks)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	struct id override_id;
	struct id maker;
	TRY(wire_id(m->override_id, &override_id));
	TRY(db_query_row(db,
			 "SELECT o.author_id FROM plain r" FIRST_OP
			 " WHERE r.record_id = ?1 AND r.kind = ?2",
			 DB_ARGS(db_id(&override_id), db_u64(KIND_OVERRIDE)), &stmt));
	TRY(db_col_id(stmt, 0, &maker));
	return id_equal(&maker, &asks->author_id) ? ERR_DENIED : ERR_OK;
}

enum err lockbox_judge(struct db *db, const struct payload *payload,
		       const struct lockbox_asks *asks)
{
	const void *any = payload->is.any;
	switch ((int)payload->info->kind) {
	case KIND_DIRECTIVE: return judge_count(db);
	case KIND_DIRECTIVE_END: return judge_end(db, any, asks);
	case KIND_REVIEW_MARK: return judge_mark(db, any, asks);
	default: return ERR_OK;
	}
}
