#include "fuzz/dialog_world.h"

#include "base/cleanup.h"
#include "record/access.h"
#include "record/kinds.h"
#include "wire/op.h"

#include <stdio.h>
#include <stdlib.h>

#define WORLD_WALL_MS 1760000000000u
#define FOR_OTHERS 1u /* FeedOp.received_ms says for whom it was encoded */
#define FOR_AUTHOR 2u

static const struct id world_clinic = { { 0xc1, [15] = 1 } };
static const struct id world_epoch = { { 0xe1, [15] = 1 } };
static const struct id world_room_id = { { 0x11, [15] = 1 } };

/* ---- the clinic ---- */

void world_begin(struct world *w)
{
	*w = (struct world){ .now_ms = 1000 };
	w->roster = calloc(1, sizeof(*w->roster));
	INSIST(w->roster != NULL);
	roster_init(w->roster);
	w->rand = rand_seeded_init(&w->seeded, 42);
	dialog_actions_init(&w->out);
	w->peer = (struct dialog_peer){ .spki = { 7 } };
}

void world_end(struct world *w)
{
	if (w->dialled) dialog_fini(&w->d);
	dialog_actions_fini(&w->out);
	free(w->roster);
}

struct id world_person(uint8_t n)
{
	return (struct id){ { (uint8_t)(0x22 + n), [15] = 1 } };
}

void world_found(struct world *w)
{
	const uint8_t body[] = { 1, 2, 3 };
	const uint8_t sig[ROSTER_SIG_BYTES] = { 4 };

	w->roster->founded = true;
	w->roster->clinic_id = world_clinic;
	w->roster->epoch = world_epoch;
	INSIST(roster_set_signed(&w->roster->epoch_record, VIEW_OF(body), VIEW_OF(sig)) == ERR_OK);
	INSIST(roster_set_signed(&w->roster->server_record, VIEW_OF(body), VIEW_OF(sig)) == ERR_OK);
}

void world_put_room(struct world *w, enum roster_room_state state)
{
	struct roster_room room = { .room_id = world_room_id, .state = ROSTER_ACTIVE };

	memcpy(room.spki, w->peer.spki, sizeof(room.spki));
	INSIST(snprintf(room.name, sizeof(room.name), "Room 1") > 0);
	INSIST(snprintf(room.kind, sizeof(room.kind), "treatment") > 0);
	if (state == ROSTER_RETIRED) {
		err_ignore(
			roster_retire_room(w->roster, view_str("Room 1"))); /* or there is none */
		return;
	}
	err_ignore(roster_put_room(w->roster, &room)); /* ERR_EXISTS: retired with the same key */
}

void world_put_person(struct world *w, uint8_t n, uint64_t roles, bool active)
{
	const struct roster_user u = { .user_id = world_person(n),
				       .roles = roles,
				       .active = active,
				       .scope_version = ++w->scope_version };
	INSIST(roster_put_user(w->roster, &u) == ERR_OK);
}

/* ---- its log ---- */

void world_commit(struct world *w, uint8_t what, uint8_t author)
{
	static const uint64_t kinds[] = { KIND_PATIENT,
					  KIND_SESSION_FRAME,
					  KIND_SESSION_TEXT,
					  KIND_MEASURE,
					  KIND_SIGN,
					  KIND_ADDENDUM,
					  KIND_OPENED,
					  KIND_TOMBSTONE,
					  KIND_NOTE,
					  KIND_SEALED_TOMBSTONE,
					  66,
					  200 };

	if (w->log_count == LOG_OPS_MAX) return;
	w->log[w->log_count++] = (struct log_op){ .kind = kinds[what % COUNT_OF(kinds)],
						  .target_kind = kinds[author / 16u % 12u],
						  .author = author % PEOPLE,
						  .author_only = author >= 0xe0u,
						  .old = what >= 0xc0u };
	w->roster->seq = w->log_count;
}

/* One element of Feed.ops: tag, length, FeedOp { seq, received_ms }. */
static struct view write_field(uint64_t seq, uint64_t for_whom, uint8_t *p)
{
	Roomkeep__FeedOp op = ROOMKEEP__FEED_OP__INIT;

	op.has_seq = op.has_received_ms = 1;
	op.seq = seq;
	op.received_ms = for_whom;
	const size_t len = roomkeep__feed_op__pack(&op, p + 2);
	p[0] = 1u << 3 | 2u;
	p[1] = (uint8_t)len;
	return view_of(p, len + 2);
}

void world_read_page(const struct world *w, uint64_t after_seq, size_t count, struct page_rows *ret)
{
	*ret = (struct page_rows){ .page = { .rows = ret->rows, .from_seq = after_seq } };
	uint64_t seq = after_seq;
	while (seq < w->log_count && ret->page.count < count && ret->page.count < PAGE_ROWS_MAX) {
		const struct log_op *op = &w->log[seq++];
		uint8_t(*fields)[16] = ret->fields[ret->page.count];
		ret->rows[ret->page.count++] = (struct feed_row){
			.seq = seq,
			.kind = op->kind,
			.target_kind = op->target_kind,
			.author_id = world_person(op->author),
			.author_only = op->author_only,
			.subject_ms = op->old ? 1000000000000u : 0,
			.field = write_field(seq, FOR_OTHERS, fields[0]),
			.own_field = write_field(seq, FOR_AUTHOR, fields[1]),
		};
	}
	ret->page.to_seq = seq;
}

/* ---- what came out ---- */

static void check_feed_op(struct world *w, const Roomkeep__FeedOp *sent)
{
	INSIST(sent->has_seq && sent->seq >= 1 && sent->seq <= w->log_count);
	INSIST(sent->seq > w->fed_seq);
	w->fed_seq = sent->seq;
	const struct log_op *op = &w->log[sent->seq - 1];
	const struct id author = world_person(op->author);
	const bool own = id_equal(&author, &w->d.user_id);
	INSIST(sent->received_ms == (own ? FOR_AUTHOR : FOR_OTHERS));
	if (own) return;
	const struct access_read q = { .kind = op->kind,
				       .target_kind = op->target_kind,
				       .roles = roster_user(w->roster, &w->d.user_id)->roles,
				       .is_author = false };
	INSIST(!op->author_only && !op->old && access_may_read(&q));
	/* Said once more, without the table: what only its author can open goes nowhere else. */
	INSIST(op->kind != KIND_NOTE && op->kind != KIND_SEALED_TOMBSTONE);
	INSIST(op->kind != KIND_OPENED && kind_find(op->kind) != NULL);
}

static void check_feed(struct world *w, const Roomkeep__Feed *feed)
{
	INSIST(dialog_state(&w->d) == DIALOG_SIGNED_IN);
	INSIST(roster_user_may_sign_in(w->roster, &w->d.user_id));
	for (size_t i = 0; i < feed->n_ops; i++) check_feed_op(w, feed->ops[i]);
	INSIST(feed->has_up_to_seq && feed->up_to_seq <= w->log_count);
	INSIST(feed->n_ops == 0 || feed->up_to_seq >= w->fed_seq);
}

static void check_frame(struct world *w, const Roomkeep__Frame *f, enum dialog_state before,
			bool last)
{
	const int body = (int)f->body_case;
	if (body == ROOMKEEP__FRAME__BODY_WELCOME)
		INSIST(before == DIALOG_CONNECTED);
	else if (body == ROOMKEEP__FRAME__BODY_REFUSE)
		INSIST(last && w->out.close);
	else if (body == ROOMKEEP__FRAME__BODY_FEED)
		check_feed(w, f->feed);
	else if (body == ROOMKEEP__FRAME__BODY_SCOPE_CHANGE || body == ROOMKEEP__FRAME__BODY_ROOMS)
		INSIST(before == DIALOG_SIGNED_IN);
	else /* the dialog itself says nothing else */
		INSIST(body == ROOMKEEP__FRAME__BODY_RESULT || body == ROOMKEEP__FRAME__BODY_PONG);
}

static void check_sent(struct world *w, enum dialog_state before)
{
	struct view rest = buf_view(&w->out.send);

	while (rest.len > 0) {
		CLEANUP(arena_finip) struct arena a = { 0 };
		struct view body;
		Roomkeep__Frame *f = NULL;
		arena_init(&a, FRAME_PARSE_BYTES_MAX);
		INSIST(frame_peek(rest, FRAME_BODY_BYTES_MAX, &body) == ERR_OK);
		INSIST(frame_decode(&a, body, &f) == ERR_OK);
		const size_t bytes = FRAME_HEADER_BYTES + body.len;
		check_frame(w, f, before, bytes == rest.len);
		rest = view_of(rest.p + bytes, rest.len - bytes);
	}
}

static bool needs_owner(enum dialog_ask_kind kind)
{
	return kind == ASK_ADD_USER || kind == ASK_PUT_DIRECTORY || kind == ASK_INVITE_ROOM ||
	       kind == ASK_RETIRE_ROOM;
}

static bool needs_person(enum dialog_ask_kind kind)
{
	return needs_owner(kind) || kind == ASK_PUSH || kind == ASK_FETCH || kind == ASK_LOGOUT ||
	       kind == ASK_PASSPHRASE_CHANGE || kind == ASK_PUT_VAULT || kind == ASK_FEED_PAGE;
}

static void take_ask(struct world *w, const struct dialog_ask *ask)
{
	const struct dialog_who *who = &ask->who;

	INSIST(who->conn_id == w->conn_id && (!who->signed_in || who->enrolled));
	INSIST(who->signed_in == !id_is_zero(&who->user_id));
	INSIST(who->signed_in || !needs_person(ask->kind));
	INSIST(!needs_owner(ask->kind) || ask->denied == ((who->roles & ROLE_OWNER) == 0));
	if (ask->kind == ASK_FEED_PAGE) {
		if (w->page_count < PAGES_MAX) w->pages[w->page_count++] = *ask;
		return;
	}
	INSIST(ask->held == (w->ask_count > 0));
	INSIST(w->ask_count < DIALOG_ASKS_MAX);
	w->asks[w->ask_count++] = *ask;
}

static void check_asks(struct world *w)
{
	bool ended = false;

	for (size_t i = 0; i < w->out.ask_count; i++) take_ask(w, &w->out.ask[i]);
	INSIST(w->d.ask_count <= w->ask_count);
	while (w->ask_count > w->d.ask_count) {
		INSIST(!ended && w->asks[0].ask_id == w->answered);
		ended = true;
		w->ask_count--;
		for (size_t i = 0; i < w->ask_count; i++) w->asks[i] = w->asks[i + 1];
	}
	INSIST(w->out.start_ask_id == (ended && w->ask_count > 0 ? w->asks[0].ask_id : 0));
}

/* ---- the conn ---- */

void world_dial(struct world *w)
{
	if (w->dialled) dialog_fini(&w->d);
	w->dialled = true;
	w->closed = false;
	w->ask_count = w->page_count = 0;
	w->answered = 0;
	dialog_init(&w->d, w->roster, w->rand, &w->metrics, ++w->conn_id, &w->peer, w->now_ms);
}

void world_step(struct world *w, const struct dialog_event *ev)
{
	struct dialog_event timed = *ev;
	const enum dialog_state before = dialog_state(&w->d);

	timed.wall_ms = WORLD_WALL_MS + w->now_ms;
	dialog_step(&w->d, w->now_ms, &timed, &w->out);
	check_sent(w, before);
	INSIST(w->out.close_conn_id == 0); /* there is no other conn of this room */
	w->closed = dialog_state(&w->d) == DIALOG_CLOSED;
	INSIST(w->closed == w->out.close);
	if (!w->closed) check_asks(w);
}
