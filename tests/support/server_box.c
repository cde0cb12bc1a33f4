#include "support/server_box.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/list.h"
#include "crypt/enc.h"
#include "crypt/hash.h"
#include "crypt/proof.h"
#include "wire/frame.h"

#include <stdlib.h>

struct box_conn {
	struct list link;
	struct dialog dialog;
	struct dialog_actions actions;
	struct list held; /* asks that wait for an older one of this conn */
	struct buf out;   /* frames for the peer */
	size_t out_at;    /* bytes of `out` that were taken */
	size_t out_shown; /* frame that the last receive lent out */
	bool closed;      /* by the server */
	bool gone;        /* by the peer; freed when its asks are back */
	size_t asks;      /* on their way */
	Roomkeep__RefuseReason reason;
};

struct server_box {
	struct store *store;
	struct store_reader *reader;
	struct work *work;
	struct server_secrets secrets;
	struct roster roster;
	struct dialog_metrics metrics;
	struct rand_source rand;
	struct list conns;
	struct list queue; /* asks that may start */
	uint64_t now_ms;
	uint64_t wall_ms;
	uint64_t next_conn_id;
	enum err fail_commit;
	bool broken;
};

/* ---- open and close ---------------------------------------------------------------------- */

static enum err box_secrets(struct server_box *b, const char *folder)
{
	const enum err e = secrets_read(folder, &b->secrets);
	if (e != ERR_NOT_FOUND) return e;
	TRY(secrets_new(&b->secrets));
	return secrets_write(&b->secrets, folder);
}

static enum err box_open(struct server_box *b, const struct server_box_options *o)
{
	TRY(crypt_init());
	TRY(box_secrets(b, o->folder));
	/* Space limits off: tests run where they run. */
	const struct store_options store = { .folder = o->folder,
					     .log_key = &b->secrets.log,
					     .space_bytes_min = 1,
					     .space_percent_min = 0 };
	TRY(store_open(&store, &b->store));
	TRY(store_reader_open(o->folder, &b->reader));
	const struct work_options work = { .secrets = &b->secrets, .server_spki = o->server_spki };
	TRY(work_open(&work, b->reader, &b->work));
	return work_load_roster(b->work, b->reader, b->wall_ms, &b->roster);
}

enum err server_box_open(const struct server_box_options *o, struct server_box **ret_box)
{
	CLEANUP(server_box_closep) struct server_box *b = calloc(1, sizeof(*b));
	ENSURE(b != NULL, ERR_NOMEM);
	list_init(&b->conns);
	list_init(&b->queue);
	roster_init(&b->roster);
	b->rand = o->rand;
	b->now_ms = o->now_ms;
	b->wall_ms = o->wall_ms;
	b->next_conn_id = 1;
	TRY(box_open(b, o));
	*ret_box = TAKE(b);
	return ERR_OK;
}

static void box_conn_free(struct box_conn *c)
{
	for (struct list *l = list_take_first(&c->held); l != NULL; l = list_take_first(&c->held))
		ask_free(CONTAINER_OF(l, struct ask, link));
	list_remove(&c->link);
	dialog_fini(&c->dialog);
	dialog_actions_fini(&c->actions);
	buf_fini(&c->out);
	free(c);
}

void server_box_close(struct server_box *b)
{
	if (b == NULL) return;
	for (struct list *l = list_take_first(&b->queue); l != NULL; l = list_take_first(&b->queue))
		ask_free(CONTAINER_OF(l, struct ask, link));
	LIST_FOREACH_SAFE(l, &b->conns) {
		box_conn_free(CONTAINER_OF(l, struct box_conn, link));
	}
	work_close(b->work);
	store_reader_close(b->reader);
	store_close(b->store);
	secrets_fini(&b->secrets);
	free(b);
}

void server_box_closep(struct server_box **b)
{
	server_box_close(*b);
	*b = NULL;
}

void server_box_crash(struct server_box *b)
{
	/* Nothing is open between two calls: a kill differs from a close by what is not said. */
	server_box_close(b);
}

/* ---- dialogs and their asks -------------------------------------------------------------- */

static struct box_conn *box_find_conn(struct server_box *b, uint64_t conn_id)
{
	LIST_FOREACH(l, &b->conns) {
		struct box_conn *c = CONTAINER_OF(l, struct box_conn, link);
		if (c->dialog.conn_id == conn_id) return c;
	}
	return NULL;
}

static void box_step(struct server_box *b, struct box_conn *c, const struct dialog_event *ev,
		     struct ask *ask);

static void box_queue_ask(struct server_box *b, struct box_conn *c, struct ask *ask,
			  const struct dialog_ask *desc)
{
	ask_begin(ask, desc, b->wall_ms);
	ask->owner = c;
	c->asks++;
	list_append(desc->held ? &c->held : &b->queue, &ask->link);
}

static void box_start_held(struct server_box *b, struct box_conn *c, uint64_t ask_id)
{
	LIST_FOREACH_SAFE(l, &c->held) {
		struct ask *ask = CONTAINER_OF(l, struct ask, link);
		if (ask->desc.ask_id != ask_id) continue;
		list_remove(&ask->link);
		list_append(&b->queue, &ask->link);
	}
}

static void box_drop_held(struct box_conn *c)
{
	for (struct list *l = list_take_first(&c->held); l != NULL; l = list_take_first(&c->held)) {
		c->asks--;
		ask_free(CONTAINER_OF(l, struct ask, link));
	}
}

static void box_close_conn(struct box_conn *c, Roomkeep__RefuseReason reason)
{
	c->closed = true;
	c->reason = reason;
	box_drop_held(c);
}

/* Carries out what a step wants. `ask` is the frame's own, taken over or freed here. Without memory
 * the conn is closed, as server/net does. */
static void box_act(struct server_box *b, struct box_conn *c, struct ask *ask)
{
	const struct dialog_actions *act = &c->actions;
	bool starved = buf_append(&c->out, buf_view(&act->send)) != ERR_OK;
	for (size_t i = 0; i < act->ask_count && !starved; i++) {
		struct ask *to = act->ask[i].kind == ASK_FEED_PAGE ? ask_new() : TAKE(ask);
		starved = to == NULL;
		if (!starved) box_queue_ask(b, c, to, &act->ask[i]);
	}
	ask_free(ask);
	if (act->start_ask_id != 0) box_start_held(b, c, act->start_ask_id);
	const uint64_t other = act->close_conn_id;
	if (act->close) box_close_conn(c, act->reason);
	if (starved) box_close_conn(c, ROOMKEEP__REFUSE_REASON__REFUSE_UNKNOWN);
	struct box_conn *old = other == 0 ? NULL : box_find_conn(b, other);
	if (old != NULL)
		box_step(b, old, &(struct dialog_event){ .type = DIALOG_EV_REPLACED }, NULL);
}

static void box_step(struct server_box *b, struct box_conn *c, const struct dialog_event *ev,
		     struct ask *ask)
{
	if (c->closed || c->gone) {
		ask_free(ask);
		return;
	}
	struct dialog_event timed = *ev;
	timed.wall_ms = b->wall_ms;
	dialog_step(&c->dialog, b->now_ms, &timed, &c->actions);
	box_act(b, c, ask);
}

static void box_step_all(struct server_box *b, const struct dialog_event *ev)
{
	LIST_FOREACH_SAFE(l, &b->conns) {
		box_step(b, CONTAINER_OF(l, struct box_conn, link), ev, NULL);
	}
}

void server_box_tell_roster(struct server_box *b)
{
	box_step_all(b, &(struct dialog_event){ .type = DIALOG_EV_ROSTER });
}

void server_box_set_time(struct server_box *b, uint64_t now_ms, uint64_t wall_ms)
{
	REQUIRE(now_ms >= b->now_ms);
	b->now_ms = now_ms;
	b->wall_ms = wall_ms;
	LIST_FOREACH_SAFE(l, &b->conns) {
		struct box_conn *c = CONTAINER_OF(l, struct box_conn, link);
		if (c->closed || c->gone || dialog_deadline_ms(&c->dialog) > now_ms) continue;
		box_step(b, c, &(struct dialog_event){ .type = DIALOG_EV_TICK }, NULL);
	}
}

uint64_t server_box_deadline_ms(const struct server_box *b)
{
	uint64_t at_ms = UINT64_MAX;
	LIST_FOREACH(l, &b->conns) {
		const struct box_conn *c = CONTAINER_OF(l, struct box_conn, link);
		if (c->closed || c->gone) continue;
		const uint64_t own_ms = dialog_deadline_ms(&c->dialog);
		if (own_ms < at_ms) at_ms = own_ms;
	}
	return at_ms;
}

/* ---- conns ------------------------------------------------------------------------------- */

static enum err box_exporter(const char *label, uint64_t conn_id, const uint8_t spki[HASH_BYTES],
			     uint8_t ret[DIALOG_EXPORTER_BYTES])
{
	CLEANUP(enc_finip) struct enc e;
	enc_begin(&e, label);
	enc_add_u64(&e, conn_id);
	enc_add_bytes(&e, view_of(spki, HASH_BYTES));
	struct hash32 hash;
	TRY(hash_enc(&e, &hash));
	memcpy(ret, hash.b, HASH_BYTES);
	return ERR_OK;
}

/* Random in it: another run of the server must not give the same exporters. */
static enum err box_peer(struct server_box *b, uint64_t conn_id, const uint8_t spki[HASH_BYTES],
			 struct dialog_peer *peer)
{
	const uint64_t salted = conn_id ^ rand_u64(&b->rand);
	memcpy(peer->spki, spki, sizeof(peer->spki));
	TRY(box_exporter(EXPORTER_LABEL_LOGIN, salted, spki, peer->exporter_login));
	TRY(box_exporter(EXPORTER_LABEL_SETUP, salted, spki, peer->exporter_setup));
	return box_exporter(EXPORTER_LABEL_ENROL, salted, spki, peer->exporter_enrol);
}

struct box_conn *server_box_connect(struct server_box *b, const uint8_t spki[HASH_BYTES])
{
	struct box_conn *c = calloc(1, sizeof(*c));
	if (c == NULL) return NULL;
	list_init(&c->held);
	const uint64_t conn_id = b->next_conn_id++;
	struct dialog_peer peer = { 0 };
	if (box_peer(b, conn_id, spki, &peer) != ERR_OK) {
		free(c);
		return NULL;
	}
	dialog_init(&c->dialog, &b->roster, b->rand, &b->metrics, conn_id, &peer, b->now_ms);
	dialog_actions_init(&c->actions);
	list_append(&b->conns, &c->link);
	return c;
}

void server_box_disconnect(struct server_box *b, struct box_conn *c)
{
	if (!c->closed) box_step(b, c, &(struct dialog_event){ .type = DIALOG_EV_LOST }, NULL);
	c->gone = true;
	box_drop_held(c);
	if (c->asks == 0) box_conn_free(c);
}

enum err box_conn_send(struct server_box *b, struct box_conn *c, struct view body)
{
	ENSURE(!c->closed, ERR_CLOSED);
	ENSURE(dialog_may_read(&c->dialog), ERR_BUSY);
	if (body.len > dialog_frame_bytes_max(&c->dialog)) {
		box_conn_send_too_big(b, c);
		return ERR_OK;
	}
	struct ask *ask = ask_new();
	const enum err e = ask == NULL ? ERR_NOMEM : ask_decode(ask, body);
	const struct dialog_event ev = { .type = DIALOG_EV_FRAME,
					 .frame = e == ERR_OK ? ask->frame : NULL,
					 .frame_bytes = body.len,
					 .frame_err = e };
	box_step(b, c, &ev, ask);
	return ERR_OK;
}

void box_conn_send_too_big(struct server_box *b, struct box_conn *c)
{
	box_step(b, c, &(struct dialog_event){ .type = DIALOG_EV_TOO_BIG }, NULL);
}

bool box_conn_receive(struct box_conn *c, struct view *ret_body)
{
	c->out_at += c->out_shown;
	c->out_shown = 0;
	const struct view rest = view_of(c->out.p + c->out_at, c->out.len - c->out_at);
	struct view body;
	if (rest.len == 0) {
		buf_clear(&c->out);
		c->out_at = 0;
		return false;
	}
	if (frame_peek(rest, FRAME_BODY_BYTES_MAX, &body) != ERR_OK) return false;
	c->out_shown = FRAME_HEADER_BYTES + body.len;
	*ret_body = body;
	return true;
}

bool box_conn_is_closed(const struct box_conn *c)
{
	return c->closed;
}

Roomkeep__RefuseReason box_conn_reason(const struct box_conn *c)
{
	return c->reason;
}

const struct dialog_peer *box_conn_peer(const struct box_conn *c)
{
	return &c->dialog.peer;
}

const struct dialog *box_conn_dialog(const struct box_conn *c)
{
	return &c->dialog;
}

/* ---- the stages -------------------------------------------------------------------------- */

static enum err box_write_all(struct server_box *b, struct list *writes)
{
	TRY(store_begin(b->store, b->wall_ms));
	LIST_FOREACH(l, writes) {
		TRY(work_write(b->work, CONTAINER_OF(l, struct ask, link), b->store));
	}
	TRY(b->fail_commit);
	return store_commit(b->store);
}

static void box_commit(struct server_box *b, struct list *writes)
{
	const enum err e = box_write_all(b, writes);
	if (e == ERR_OK) {
		b->broken = work_committed(b->work, b->store) != ERR_OK;
	} else {
		store_rollback(b->store);
		b->broken = work_rolled_back(b->work, b->store) != ERR_OK;
	}
	LIST_FOREACH(l, writes) {
		work_finish(b->work, CONTAINER_OF(l, struct ask, link), e);
	}
}

/* To its conn, and what it changed to all others. Frees the ask. */
static void box_deliver(struct server_box *b, struct ask *ask)
{
	struct box_conn *c = ask->owner;
	const bool changed = work_apply(ask, &b->roster);
	struct dialog_done done;
	ask_done(ask, &done);
	c->asks--;
	box_step(b, c, &(struct dialog_event){ .type = DIALOG_EV_ASK_DONE, .done = &done }, NULL);
	if (changed) server_box_tell_roster(b);
	if (c->gone && c->asks == 0) box_conn_free(c);
	ask_free(ask);
}

static void box_publish(struct server_box *b)
{
	for (;;) {
		struct work_published p;
		const enum err e = work_publish(b->work, b->store, &p);
		const bool news = e == ERR_OK && p.page.to_seq > p.page.from_seq;
		if (news)
			box_step_all(b, &(struct dialog_event){ .type = DIALOG_EV_PUBLISHED,
								.page = &p.page });
		work_published_fini(&p);
		if (e != ERR_OK) b->broken = true;
		if (!news) return;
	}
}

bool server_box_work(struct server_box *b)
{
	if (b->broken || list_empty(&b->queue)) return false;
	struct list all;
	struct list writes;
	list_init(&all);
	list_init(&writes);
	list_splice(&all, &b->queue);
	struct list back;
	list_init(&back);
	for (struct list *l = list_take_first(&all); l != NULL; l = list_take_first(&all)) {
		struct ask *ask = CONTAINER_OF(l, struct ask, link);
		work_check(b->work, ask, b->reader);
		if (!ask->needs_write) {
			work_finish(b->work, ask, ERR_OK);
		}
		list_append(ask->needs_write ? &writes : &back, &ask->link);
	}
	const bool wrote = !list_empty(&writes);
	if (wrote) box_commit(b, &writes);
	list_splice(&back, &writes);
	for (struct list *l = list_take_first(&back); l != NULL; l = list_take_first(&back))
		box_deliver(b, CONTAINER_OF(l, struct ask, link));
	if (wrote && !b->broken) box_publish(b);
	return true;
}

void server_box_fail_commits(struct server_box *b, enum err err)
{
	b->fail_commit = err;
}

bool server_box_broken(const struct server_box *b)
{
	return b->broken;
}

struct roster *server_box_roster(struct server_box *b)
{
	return &b->roster;
}

struct store *server_box_store(struct server_box *b)
{
	return b->store;
}

struct work *server_box_work_state(struct server_box *b)
{
	return b->work;
}

const struct server_secrets *server_box_secrets(const struct server_box *b)
{
	return &b->secrets;
}

const struct dialog_metrics *server_box_metrics(const struct server_box *b)
{
	return &b->metrics;
}

uint64_t server_box_wall_ms(const struct server_box *b)
{
	return b->wall_ms;
}
