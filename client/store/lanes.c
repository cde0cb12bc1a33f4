/* lanes: heads of the signed-in person's own lanes, of this room and all others (SECURITY 2.13). */
#include "client/store/local_priv.h"

#include "crypt/enc.h"
#include "seal/local_row.h"

#include <stdlib.h>

static struct row_context lane_context(const struct vault *v, const struct local_lane *lane)
{
	return (struct row_context){ .room_id = v->room_id,
				     .user_id = v->user_id,
				     .table = "lane",
				     .row_id = hash_view(&lane->lane_id),
				     .row_rev = lane->rev };
}

static enum err lane_encode(const struct local_lane *lane, struct enc *e)
{
	enc_begin(e, "roomkeep/lane");
	enc_add_u64(e, lane->class);
	enc_add_u64(e, lane->mine ? 1 : 0);
	enc_add_bytes(e, VIEW_OF(lane->random16));
	enc_add_u64(e, lane->seq);
	enc_add_hash(e, &lane->hash);
	enc_add_hash(e, &lane->heads_hash);
	enc_add_u64(e, lane->seen_seq);
	enc_add_hash(e, &lane->seen_hash);
	struct view bytes;
	return enc_end(e, &bytes);
}

static enum err lane_decode(struct view plain, struct local_lane *lane)
{
	struct enc_reader r;
	enc_read_begin(&r, plain, "roomkeep/lane");
	lane->class = (uint32_t)enc_read_u64(&r);
	lane->mine = enc_read_u64(&r) == 1;
	enc_read_exact(&r, lane->random16, sizeof(lane->random16));
	lane->seq = enc_read_u64(&r);
	lane->hash = enc_read_hash(&r);
	lane->heads_hash = enc_read_hash(&r);
	lane->seen_seq = enc_read_u64(&r);
	lane->seen_hash = enc_read_hash(&r);
	return enc_read_end(&r) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

enum err lane_store(struct local *l, const struct vault *v, struct local_lane *lane)
{
	lane->rev++;
	CLEANUP(enc_finip) struct enc e = { 0 };
	TRY(lane_encode(lane, &e));
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	const struct row_context c = lane_context(v, lane);
	TRY(row_seal(v->local_key, &c, buf_view(&e.buf), &sealed));
	return db_run(l->db,
		      "INSERT INTO lane (user_id, lane_id, rev, sealed) VALUES (?1, ?2, ?3, ?4)"
		      " ON CONFLICT (user_id, lane_id) DO UPDATE SET rev = ?3, sealed = ?4",
		      DB_ARGS(db_id(&v->user_id), db_blob(hash_view(&lane->lane_id)),
			      db_u64(lane->rev), db_blob(buf_view(&sealed))));
}

static enum err lane_load(struct local *l, const struct vault *v, struct db_stmt *stmt)
{
	ENSURE(l->lane_count < LOCAL_LANES_MAX, ERR_FULL);
	struct local_lane lane = { .rev = db_col_u64(stmt, 1) };
	TRY(db_col_bytes(stmt, 0, lane.lane_id.b, sizeof(lane.lane_id.b)));
	CLEANUP(buf_finip) struct buf plain = { 0 };
	const struct row_context c = lane_context(v, &lane);
	const enum err e = row_open(v->local_key, &c, db_col_view(stmt, 2), &plain);
	ENSURE(e == ERR_OK, e == ERR_NOMEM ? e : ERR_CORRUPT);
	TRY(lane_decode(buf_view(&plain), &lane));
	l->lanes[l->lane_count++] = lane;
	return ERR_OK;
}

enum err lanes_load(struct local *l, const struct vault *v)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(l->db, "SELECT lane_id, rev, sealed FROM lane WHERE user_id = ?1",
		     DB_ARGS(db_id(&v->user_id)), &stmt));
	l->lane_count = 0;
	for (;;) {
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		TRY(lane_load(l, v, stmt));
	}
}

struct local_lane *lane_find(struct local *l, const struct hash32 *lane_id)
{
	for (size_t i = 0; i < l->lane_count; i++)
		if (hash_equal(&l->lanes[i].lane_id, lane_id)) return &l->lanes[i];
	return NULL;
}

enum err lane_add(struct local *l, const struct hash32 *lane_id, uint32_t class,
		  struct local_lane **ret)
{
	ENSURE(l->lane_count < LOCAL_LANES_MAX, ERR_FULL);
	struct local_lane *lane = &l->lanes[l->lane_count++];
	*lane = (struct local_lane){ .lane_id = *lane_id, .class = class };
	*ret = lane;
	return ERR_OK;
}

enum err lane_mine(struct local *l, const struct vault *v, uint32_t class, struct local_lane **ret)
{
	for (size_t i = 0; i < l->lane_count; i++) {
		if (!l->lanes[i].mine || l->lanes[i].class != class) continue;
		*ret = &l->lanes[i];
		return ERR_OK;
	}
	uint8_t random16[LANE_RANDOM_BYTES];
	rand_fill(&l->rand, random16, sizeof(random16));
	struct hash32 id;
	TRY(lane_id_make(&v->user_id, &v->room_id, (enum op_lane_class) class, random16, &id));
	struct local_lane *lane = NULL;
	TRY(lane_add(l, &id, class, &lane));
	lane->mine = true;
	memcpy(lane->random16, random16, sizeof(random16));
	*ret = lane;
	return ERR_OK;
}

size_t lane_other_heads(const struct local *l, const struct local_lane *mine,
			struct op_head heads[HEADS_MAX])
{
	size_t count = 0;
	for (size_t i = 0; i < l->lane_count && count < HEADS_MAX; i++) {
		const struct local_lane *o = &l->lanes[i];
		if (o == mine || o->class != mine->class || o->seq == 0) continue;
		heads[count++] = (struct op_head){ .lane_id = o->lane_id,
						   .lane_seq = o->seq,
						   .op_hash = o->hash };
	}
	op_heads_sort(heads, count);
	return count;
}
