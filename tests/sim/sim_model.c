#include "sim/sim_model.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "crypt/hash.h"
#include "crypt/op.h"
#include "sim/sim_outbox.h"
#include "sim/sim_reference.h"
#include "sim/sim_server.h"
#include "wire/frame.h"
#include "wire/op.h"

#include <stdlib.h>

#define PAGE_BYTES (4u * MIB)
#define ARENA_BYTES (64u * MIB)

/* One op, by its id. */
struct model_op {
	struct id op_id;
	bool saved, sure; /* a room called it saved */
	bool acked;       /* a room has booked a receipt of commit */
	bool seen;        /* a row of the server */
	uint64_t seq;
	struct hash32 hash;
	enum err code;
	unsigned room;
};

struct model_lane {
	struct hash32 lane_id;
	struct id author_id;
	uint64_t seq;
	struct hash32 hash;
};

struct model_text {
	struct id note_id;
	struct hash32 hash;
};

struct model_signed {
	struct id session_id;
	uint64_t digest;
};

struct model_dirty {
	struct id session_id;
	bool erases;
};

struct vec {
	void *p; /* owned */
	size_t count, cap;
};

struct sim_model {
	struct vec ops;                  /* struct model_op */
	size_t *table;                   /* open addressing: index + 1 into ops; owned */
	size_t table_size;               /* a power of two */
	struct vec rows;                 /* size_t: index into ops, in seq order */
	struct vec lanes;                /* struct model_lane */
	struct vec texts;                /* struct model_text */
	struct vec signs;                /* struct model_signed */
	struct vec dirty;                /* struct model_dirty: of this commit */
	struct vec shelves[SIM_SHELVES]; /* struct sim_thing */
	uint64_t last_seq;
	uint64_t doubts[SIM_ROOMS_MAX]; /* sim_model_on_doubt */
};

static void *vec_add(struct vec *v, size_t size)
{
	if (v->count == v->cap) {
		v->cap = v->cap == 0 ? 64 : 2 * v->cap;
		v->p = realloc(v->p, v->cap * size);
		INSIST(v->p != NULL);
	}
	return (char *)v->p + v->count++ * size;
}

#define VEC_AT(vec, type, at) (&((type *)(vec).p)[at])

struct sim_model *sim_model_new(void)
{
	struct sim_model *m = calloc(1, sizeof(*m));
	INSIST(m != NULL);
	m->table_size = 1024;
	m->table = calloc(m->table_size, sizeof(*m->table));
	INSIST(m->table != NULL);
	return m;
}

void sim_model_free(struct sim_model *m)
{
	if (m == NULL) return;
	free(m->ops.p);
	free(m->rows.p);
	free(m->lanes.p);
	free(m->texts.p);
	free(m->signs.p);
	free(m->dirty.p);
	for (size_t i = 0; i < SIM_SHELVES; i++) free(m->shelves[i].p);
	free(m->table);
	free(m);
}

/* ---- ops by id ----------------------------------------------------------------------- */

static size_t *table_slot(const struct sim_model *m, const struct id *op_id)
{
	/* The end of an id is random in both forms. */
	size_t at = (size_t)load_be64(op_id->b + 8) & (m->table_size - 1);
	while (m->table[at] != 0 &&
	       !id_equal(&VEC_AT(m->ops, struct model_op, m->table[at] - 1)->op_id, op_id)) {
		at = (at + 1) & (m->table_size - 1);
	}
	return &m->table[at];
}

static void table_grow(struct sim_model *m)
{
	free(m->table);
	m->table_size *= 2;
	m->table = calloc(m->table_size, sizeof(*m->table));
	INSIST(m->table != NULL);
	for (size_t i = 0; i < m->ops.count; i++) {
		*table_slot(m, &VEC_AT(m->ops, struct model_op, i)->op_id) = i + 1;
	}
}

/* Made when it is new; the pointer dies at the next call. */
static struct model_op *op_of(struct sim_model *m, const struct id *op_id)
{
	if (2 * m->ops.count >= m->table_size) table_grow(m);
	size_t *slot = table_slot(m, op_id);
	if (*slot == 0) {
		struct model_op *op = vec_add(&m->ops, sizeof(*op));
		*op = (struct model_op){ .op_id = *op_id };
		*slot = m->ops.count;
	}
	return VEC_AT(m->ops, struct model_op, *slot - 1);
}

static const char *short_id(const struct id *id)
{
	static char text[ID_TEXT_BYTES];
	id_print(id, text);
	return text;
}

void sim_model_on_saved(struct sim *s, const struct sim_room *r, const struct id *op_id, bool sure)
{
	struct model_op *op = op_of(s->model, op_id);
	op->saved = true;
	op->sure = op->sure || sure;
	op->room = r->index;
	sim_trace(s, "room %u saved op %s%s", r->index, short_id(op_id), sure ? "" : ", perhaps");
}

void sim_model_on_doubt(struct sim *s, const struct sim_room *r)
{
	s->model->doubts[r->index]++;
}

/* Set aside are ops of people who were dismissed, and nothing else; what is rejected stands at the
 * server with that verdict. */
static void check_not_taken(struct sim *s, const struct sim_room *r, const struct id *op_id,
			    const Roomkeep__OpResult *res)
{
	const enum err code = err_from_wire(res->code);
	const struct model_op *op = op_of(s->model, op_id);
	if (res->status == ROOMKEEP__OP_STATUS__QUARANTINED) {
		SIM_CHECK(s, sim_reference_is_aside(s, op_id, code),
			  "room %u: op %s was quarantined: %s", r->index, short_id(op_id),
			  err_name(code));
	} else if (res->status == ROOMKEEP__OP_STATUS__REJECTED) {
		SIM_CHECK(s, op->seen && op->seq == res->seq && op->code == code,
			  "room %u: op %s was rejected (%s) and is no such row", r->index,
			  short_id(op_id), err_name(code));
	}
}

void sim_model_on_ack(struct sim *s, const struct sim_room *r, struct view body)
{
	CLEANUP(arena_finip) struct arena arena;
	Roomkeep__Frame *f = NULL;
	arena_init(&arena, FRAME_PARSE_BYTES_MAX);
	if (frame_decode(&arena, body, &f) != ERR_OK || f->body_case != ROOMKEEP__FRAME__BODY_ACK)
		return;
	for (size_t i = 0; i < f->ack->n_results; i++) {
		const Roomkeep__OpResult *res = f->ack->results[i];
		struct id op_id;
		if (wire_id(res->op_id, &op_id) != ERR_OK) continue;
		sim_trace(s, "room %u: op %s: status %d code %s seq %llu", r->index,
			  short_id(&op_id), (int)res->status, err_name(err_from_wire(res->code)),
			  (unsigned long long)res->seq);
		check_not_taken(s, r, &op_id, res);
		if (res->status != ROOMKEEP__OP_STATUS__COMMITTED &&
		    res->status != ROOMKEEP__OP_STATUS__DUPLICATE)
			continue;
		struct model_op *op = op_of(s->model, &op_id);
		op->acked = true;
		SIM_CHECK(s, op->seen, "room %u: op %s was acknowledged and is not at the server",
			  r->index, short_id(&op_id));
		SIM_CHECK(s, op->seq == res->seq,
			  "room %u: op %s was acknowledged as %llu and is %llu", r->index,
			  short_id(&op_id), (unsigned long long)res->seq,
			  (unsigned long long)op->seq);
	}
}

/* ---- rows of the server -------------------------------------------------------------- */

static struct model_lane *lane_of(struct sim_model *m, const struct hash32 *lane_id)
{
	for (size_t i = 0; i < m->lanes.count; i++) {
		struct model_lane *lane = VEC_AT(m->lanes, struct model_lane, i);
		if (hash_equal(&lane->lane_id, lane_id)) return lane;
	}
	return NULL;
}

static void check_lane(struct sim *s, const struct store_row *row, const struct op_core *core,
		       const struct hash32 *hash)
{
	struct model_lane *lane = lane_of(s->model, &core->lane_id);
	SIM_CHECK(s, row->has_intro == (core->lane_seq == 1), "op %s: intro at place %llu",
		  short_id(&row->op_id), (unsigned long long)core->lane_seq);
	if (lane == NULL) {
		lane = vec_add(&s->model->lanes, sizeof(*lane));
		*lane = (struct model_lane){ .lane_id = core->lane_id,
					     .author_id = core->author_id };
		struct hash32 made = { { 0 } };
		const enum err e = !row->has_intro
					   ? ERR_NOT_FOUND
					   : lane_id_make(&row->intro.user_id, &row->intro.room_id,
							  row->intro.lane_class,
							  row->intro.random16, &made);
		SIM_CHECK(s,
			  e == ERR_OK && hash_equal(&made, &core->lane_id) &&
				  id_equal(&row->intro.user_id, &core->author_id),
			  "op %s begins a lane that its intro does not give",
			  short_id(&row->op_id));
	}
	SIM_CHECK(s, core->lane_seq == lane->seq + 1 && hash_equal(&core->prev_hash, &lane->hash),
		  "op %s: lane place %llu after %llu, or not linked", short_id(&row->op_id),
		  (unsigned long long)core->lane_seq, (unsigned long long)lane->seq);
	SIM_CHECK(s, id_equal(&core->author_id, &lane->author_id), "op %s: a lane of two people",
		  short_id(&row->op_id));
	lane->seq = core->lane_seq;
	lane->hash = *hash;
}

static bool made_without_id(uint64_t kind)
{
	return kind == KIND_OPENED; /* local.h gives no op id for these */
}

/* One of those that a room could not call saved. */
static bool take_doubt(struct sim *s, const struct id *room_id)
{
	for (unsigned i = 0; i < s->swarm.room_count; i++) {
		if (!id_equal(&s->rooms[i]->id, room_id)) continue;
		if (s->model->doubts[i] == 0) return false;
		s->model->doubts[i]--;
		return true;
	}
	return false;
}

static void take_row(struct sim *s, const struct store_row *row)
{
	struct sim_model *m = s->model;
	struct op_core core;
	const enum err e = op_core_parse(row->core, &core);
	SIM_CHECK(s, e == ERR_OK && id_equal(&core.op_id, &row->op_id), "row %llu has no good core",
		  (unsigned long long)row->seq);
	if (e != ERR_OK) return;
	const struct hash32 hash = op_hash(row->core);
	struct model_op *op = op_of(m, &row->op_id);
	SIM_CHECK(s, !op->seen, "op %s is there twice: %llu and %llu", short_id(&row->op_id),
		  (unsigned long long)op->seq, (unsigned long long)row->seq);
	SIM_CHECK(s, op->saved || made_without_id(row->kind) || take_doubt(s, &row->room_id),
		  "op %s of kind %llu was made by nobody", short_id(&row->op_id),
		  (unsigned long long)row->kind);
	SIM_CHECK(s, row->seq > m->last_seq, "seq %llu after %llu", (unsigned long long)row->seq,
		  (unsigned long long)m->last_seq);
	op->seen = true;
	op->seq = row->seq;
	op->hash = hash;
	op->code = row->code;
	m->last_seq = row->seq;
	*(size_t *)vec_add(&m->rows, sizeof(size_t)) = (size_t)(op - (struct model_op *)m->ops.p);
	sim_trace(s, "server has op %s: seq %llu kind %llu code %s", short_id(&row->op_id),
		  (unsigned long long)row->seq, (unsigned long long)row->kind, err_name(row->code));
	check_lane(s, row, &core, &hash);
	sim_reference_on_row(s, row);
}

/* The views stand at the end of the commit, with all its rows: each session is looked at then. */
static void note_session(struct sim *s, const struct store_row *row)
{
	if (id_is_zero(&row->session_id) || row->code != ERR_OK) return;
	const bool erases = row->kind == KIND_TOMBSTONE;
	for (size_t i = 0; i < s->model->dirty.count; i++) {
		struct model_dirty *known = VEC_AT(s->model->dirty, struct model_dirty, i);
		if (!id_equal(&known->session_id, &row->session_id)) continue;
		known->erases = known->erases || erases;
		return;
	}
	struct model_dirty *d = vec_add(&s->model->dirty, sizeof(*d));
	*d = (struct model_dirty){ .session_id = row->session_id, .erases = erases };
}

/* Content under a Sign is what it was when the Sign came. */
static void check_signed(struct sim *s, const struct model_dirty *d)
{
	uint64_t digest = 0;
	const enum err e = sim_reference_signed(s, &d->session_id, &digest);
	SIM_CHECK(s, e == ERR_OK || e == ERR_NOT_FOUND, "session %s cannot be read: %s",
		  short_id(&d->session_id), err_name(e));
	for (size_t i = 0; i < s->model->signs.count; i++) {
		struct model_signed *known = VEC_AT(s->model->signs, struct model_signed, i);
		if (!id_equal(&known->session_id, &d->session_id)) continue;
		/* Only a tombstone, whose effect the reference knows, may take words away. */
		if (e == ERR_OK && d->erases) known->digest = digest;
		SIM_CHECK(s, e == ERR_OK && known->digest == digest, "signed session %s changed",
			  short_id(&d->session_id));
		return;
	}
	if (e != ERR_OK) return;
	struct model_signed *known = vec_add(&s->model->signs, sizeof(*known));
	*known = (struct model_signed){ .session_id = d->session_id, .digest = digest };
}

/* A row that was shown before is the same row. */
static void check_known(struct sim *s, const struct store_row *row, size_t at)
{
	const size_t index = *VEC_AT(s->model->rows, size_t, at);
	const struct model_op *op = VEC_AT(s->model->ops, struct model_op, index);
	const struct hash32 hash = op_hash(row->core);
	SIM_CHECK(s,
		  id_equal(&op->op_id, &row->op_id) && op->seq == row->seq &&
			  hash_equal(&op->hash, &hash) && op->code == row->code,
		  "row %llu is another one than before", (unsigned long long)row->seq);
}

/* Reads rows above `after`; the first `known` of them must be those known from place `at` on. */
static void read_rows(struct sim *s, uint64_t after, size_t at)
{
	struct store_reader *reader = sim_server_reader(s->server);
	for (bool more = true; more && !s->failed;) {
		CLEANUP(arena_finip) struct arena arena;
		struct store_page page;
		arena_init(&arena, ARENA_BYTES);
		const enum err e =
			store_feed_page(reader, after, BATCH_OPS_MAX, PAGE_BYTES, &arena, &page);
		SIM_CHECK(s, e == ERR_OK, "the server's rows cannot be read: %s", err_name(e));
		if (e != ERR_OK) return;
		for (size_t i = 0; i < page.count && !s->failed; i++) {
			if (at < s->model->rows.count) {
				check_known(s, &page.rows[i], at++);
				continue;
			}
			take_row(s, &page.rows[i]);
			note_session(s, &page.rows[i]);
			at = s->model->rows.count;
		}
		after = page.up_to_seq;
		more = page.more;
	}
	SIM_CHECK(s, at == s->model->rows.count, "the server lost %zu of %zu rows",
		  s->model->rows.count - at, s->model->rows.count);
}

static void look_at_rows(struct sim *s, uint64_t after, size_t at)
{
	sim_reference_on_commit(s);
	s->model->dirty.count = 0;
	read_rows(s, after, at);
	if (!s->failed) sim_reference_check_touched(s);
	for (size_t i = 0; i < s->model->dirty.count && !s->failed; i++)
		check_signed(s, VEC_AT(s->model->dirty, struct model_dirty, i));
}

void sim_model_on_commit(struct sim *s)
{
	look_at_rows(s, s->model->last_seq, s->model->rows.count);
}

void sim_model_on_server_start(struct sim *s)
{
	look_at_rows(s, 0, 0);
}

/* ---- what leaves the server ---------------------------------------------------------- */

static void check_sent_op(struct sim *s, const struct dialog *d, const Roomkeep__FeedOp *op)
{
	struct op_core core;
	if (op->op == NULL || op_core_parse(wire_view(op->op->core), &core) != ERR_OK) {
		sim_fail(s, "the server sends an op without a core");
		return;
	}
	SIM_CHECK(s, d->fsm.now == DIALOG_SIGNED_IN, "an op goes to a room with nobody signed in");
	SIM_CHECK(s,
		  sim_reference_may_be_sent(s, &d->user_id, &core.op_id, core.kind,
					    id_equal(&core.author_id, &d->user_id)),
		  "op %s of kind %llu goes to somebody who may not have it", short_id(&core.op_id),
		  (unsigned long long)core.kind);
	SIM_CHECK(s, !op->op->has_payload || !sim_reference_words_are_gone(s, &core.op_id),
		  "the words of op %s were erased and are sent", short_id(&core.op_id));
}

void sim_model_on_send(struct sim *s, const struct dialog *d, struct view frames)
{
	while (frames.len > 0) {
		CLEANUP(arena_finip) struct arena arena;
		struct view body;
		Roomkeep__Frame *f = NULL;
		arena_init(&arena, FRAME_PARSE_BYTES_MAX);
		enum err e = frame_peek(frames, FRAME_BODY_BYTES_MAX, &body);
		if (e == ERR_OK) e = frame_decode(&arena, body, &f);
		SIM_CHECK(s, e == ERR_OK, "the server sends a bad frame: %s", err_name(e));
		if (e != ERR_OK) return;
		sim_trace(s, "server says %s (%zu)", frame_body_name(f), body.len);
		if (f->body_case == ROOMKEEP__FRAME__BODY_FEED) {
			for (size_t i = 0; i < f->feed->n_ops; i++)
				check_sent_op(s, d, f->feed->ops[i]);
		} else if (f->body_case == ROOMKEEP__FRAME__BODY_FETCH_PAGE) {
			for (size_t i = 0; i < f->fetch_page->n_ops; i++) {
				check_sent_op(s, d, f->fetch_page->ops[i]);
			}
		}
		const size_t used = FRAME_HEADER_BYTES + body.len;
		frames = view_of(frames.p + used, frames.len - used);
	}
}

/* ---- things -------------------------------------------------------------------------- */

void sim_model_add(struct sim *s, enum sim_shelf shelf, struct sim_thing thing)
{
	struct sim_thing *t = vec_add(&s->model->shelves[shelf], sizeof(*t));
	*t = thing;
}

size_t sim_model_count(const struct sim *s, enum sim_shelf shelf)
{
	return s->model->shelves[shelf].count;
}

const struct sim_thing *sim_model_at(const struct sim *s, enum sim_shelf shelf, size_t at)
{
	return VEC_AT(s->model->shelves[shelf], struct sim_thing, at);
}

const struct sim_thing *sim_model_find(const struct sim *s, enum sim_shelf shelf,
				       const struct id *id)
{
	for (size_t i = 0; i < sim_model_count(s, shelf); i++) {
		if (id_equal(&sim_model_at(s, shelf, i)->id, id)) return sim_model_at(s, shelf, i);
	}
	return NULL;
}

/* Mostly what is new and one's own: that is where edits meet. */
const struct sim_thing *sim_model_pick(struct sim *s, enum sim_shelf shelf, unsigned user)
{
	const size_t count = sim_model_count(s, shelf);
	if (count == 0) return NULL;
	const bool hot = sim_chance(&s->rand, s->swarm.hot_percent);
	const bool own = shelf != SIM_PATIENTS && sim_chance(&s->rand, 90);
	const size_t from = hot ? count - 1 : (size_t)rand_below(&s->rand, count);
	for (size_t i = 0; own && i < count; i++) {
		const struct sim_thing *t = sim_model_at(s, shelf, (from + count - i) % count);
		if (t->user == user) return t;
	}
	return sim_model_at(s, shelf, from);
}

void sim_model_note_text(struct sim *s, const struct id *note_id, struct view text)
{
	struct model_text *t = vec_add(&s->model->texts, sizeof(*t));
	*t = (struct model_text){ .note_id = *note_id, .hash = hash_bytes(text) };
}

bool sim_model_row(const struct sim *s, const struct id *op_id, uint64_t *ret_seq,
		   enum err *ret_code)
{
	const size_t *slot = table_slot(s->model, op_id);
	if (*slot == 0) return false;
	const struct model_op *op = VEC_AT(s->model->ops, struct model_op, *slot - 1);
	*ret_seq = op->seq;
	*ret_code = op->code;
	return op->seen;
}

bool sim_model_is_at_server(const struct sim *s, const struct id *op_id)
{
	uint64_t seq = 0;
	enum err code = ERR_OK;
	return sim_model_row(s, op_id, &seq, &code) && code == ERR_OK;
}

void sim_model_note_erased(struct sim *s, const struct id *note_id)
{
	for (size_t i = 0; i < sim_model_count(s, SIM_NOTES); i++) {
		struct sim_thing *t = VEC_AT(s->model->shelves[SIM_NOTES], struct sim_thing, i);
		t->erased = t->erased || id_equal(&t->id, note_id);
	}
}

bool sim_model_note_may_say(const struct sim *s, const struct id *note_id, struct view text)
{
	const struct hash32 hash = hash_bytes(text);
	for (size_t i = 0; i < s->model->texts.count; i++) {
		const struct model_text *t = VEC_AT(s->model->texts, struct model_text, i);
		if (id_equal(&t->note_id, note_id) && hash_equal(&t->hash, &hash)) return true;
	}
	return false;
}

uint64_t sim_model_ops(const struct sim *s)
{
	return s->model->rows.count;
}

void sim_model_end(struct sim *s)
{
	for (size_t i = 0; i < s->model->ops.count; i++) {
		const struct model_op *op = VEC_AT(s->model->ops, struct model_op, i);
		SIM_CHECK(s, op->seen || !op->sure || sim_outbox_may_keep(s, op->room, &op->op_id),
			  "op %s was saved in room %u and never arrived", short_id(&op->op_id),
			  op->room);
		SIM_CHECK(s, op->seen || !op->acked, "op %s was acknowledged and is gone",
			  short_id(&op->op_id));
	}
}
