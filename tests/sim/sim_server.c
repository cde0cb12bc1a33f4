#include "sim/sim_server.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "server/work/setup.h"
#include "server/work/work.h"
#include "sim/sim_crash.h"
#include "sim/sim_model.h"
#include "sim/sim_net.h"
#include "wire/frame.h"

#include <stdlib.h>

#define HOUSEKEEP_MS 5000u
#define SPACE_BYTES_MIN 65536u /* less is BUSY_DISK */

struct sim_conn {
	struct list link;
	uint64_t id;
	uint64_t link_id;
	struct dialog dialog;
	struct dialog_actions actions;
	struct buf in;
	struct list held;
	bool ended; /* no more steps */
	bool pumping;
	bool frame_bad_size;
};

/* One ask on its way through the stages. */
struct sim_ask {
	struct list link; /* of server.asks: for the end */
	struct list wait; /* of server.writer */
	struct ask *ask;
	uint64_t conn_id;
	bool server_fails; /* once this is delivered */
	struct list pages; /* of sim_page.link: what the batch committed, on its last ask */
};

struct sim_page {
	struct list link;
	struct work_published work;
};

struct sim_server {
	struct sim_disk disk;
	struct server_secrets secrets;
	uint8_t spki[ROSTER_SPKI_BYTES];
	struct rand_seeded seed;
	struct rand_source rand;
	bool up;
	uint64_t life;
	struct store *store;
	struct store_reader *reader;
	struct work *work;
	struct roster *roster;
	struct dialog_metrics metrics;
	struct list conns;
	uint64_t next_conn_id;
	struct list asks;
	struct list writer;
	bool batch_posted;
	bool writer_busy;
	enum err writer_failed; /* nothing is written any more (server/net/engine_jobs.c) */
};

/* ---- life ---------------------------------------------------------------------------- */

struct sim_server *sim_server_new(struct sim *s)
{
	struct sim_server *v = calloc(1, sizeof(*v));
	INSIST(v != NULL);
	sim_disk_init(s, &v->disk, "server");
	INSIST(secrets_new(&v->secrets) == ERR_OK);
	rand_fill(&s->keys, v->spki, sizeof(v->spki));
	v->rand = rand_seeded_init(&v->seed, rand_u64(&s->rand));
	v->next_conn_id = 1;
	list_init(&v->conns);
	list_init(&v->asks);
	list_init(&v->writer);
	return v;
}

static void pages_free(struct list *pages)
{
	for (struct list *l = list_take_first(pages); l != NULL; l = list_take_first(pages)) {
		struct sim_page *p = CONTAINER_OF(l, struct sim_page, link);
		work_published_fini(&p->work);
		free(p);
	}
}

static void sim_ask_free(struct sim_ask *a)
{
	list_remove(&a->link);
	list_remove(&a->wait);
	pages_free(&a->pages);
	ask_free(a->ask);
	free(a);
}

static void conn_free(struct sim_conn *c)
{
	for (struct list *l = list_take_first(&c->held); l != NULL; l = list_take_first(&c->held)) {
		ask_free(CONTAINER_OF(l, struct ask, link));
	}
	list_remove(&c->link);
	dialog_fini(&c->dialog);
	dialog_actions_fini(&c->actions);
	buf_fini(&c->in);
	free(c);
}

static void server_forget(struct sim_server *v)
{
	LIST_FOREACH_SAFE(l, &v->asks) sim_ask_free(CONTAINER_OF(l, struct sim_ask, link));
	LIST_FOREACH_SAFE(l, &v->conns) conn_free(CONTAINER_OF(l, struct sim_conn, link));
	work_close(v->work);
	store_reader_close(v->reader);
	store_close(v->store);
	free(v->roster);
	v->work = NULL;
	v->reader = NULL;
	v->store = NULL;
	v->roster = NULL;
	v->up = v->batch_posted = v->writer_busy = false;
	v->writer_failed = ERR_OK;
	v->life++;
}

void sim_server_free(struct sim *s, struct sim_server *v)
{
	(void)s;
	if (v == NULL) return;
	server_forget(v);
	sim_disk_fini(&v->disk);
	secrets_fini(&v->secrets);
	free(v);
}

static void look_at_space(struct sim_server *v)
{
	work_set_disk_low(v->work, store_check_space(v->store) == ERR_DISK_FULL);
}

static enum err server_open(struct sim *s, struct sim_server *v)
{
	const char *folder = drive_folder(v->disk.drive);
	const struct store_options store = { .folder = folder,
					     .log_key = &v->secrets.log,
					     .space_bytes_min = SPACE_BYTES_MIN,
					     .space_percent_min = 1 };
	const struct work_options work = { .secrets = &v->secrets, .server_spki = v->spki };
	TRY(store_open(&store, &v->store));
	TRY(store_reader_open(folder, &v->reader));
	TRY(work_open(&work, v->reader, &v->work));
	v->roster = calloc(1, sizeof(*v->roster));
	ENSURE(v->roster != NULL, ERR_NOMEM);
	roster_init(v->roster);
	look_at_space(v);
	return work_load_roster(v->work, v->reader, sim_server_wall_ms(s), v->roster);
}

/* Again while the disk is to blame, as systemd does. */
void sim_server_start(struct sim *s)
{
	struct sim_server *v = s->server;
	INSIST(!v->up);
	v->life++;
	sim_crash_enter(&v->disk);
	const enum err e = server_open(s, v);
	const bool struck = sim_crash_leave(&v->disk);
	sim_trace(s, "server starts: %s", err_name(e));
	if (e != ERR_OK || struck) {
		/* SQLite says IOERR, not FULL, for a -shm that it cannot make. */
		SIM_CHECK(s,
			  struck || (e == ERR_IO && sim_disk_was_hit(&v->disk)) ||
				  sim_disk_excuses(&v->disk, e),
			  "the server does not start: %s", err_name(e));
		server_forget(v);
		sim_disk_switch(&v->disk);
		(void)sim_post(s, 1000 + sim_upto(&s->faults, 5000), SIM_EV_START, SIM_SERVER, 0);
		return;
	}
	v->up = true;
	(void)sim_post(s, HOUSEKEEP_MS, SIM_EV_HOUSEKEEP, SIM_SERVER, v->life);
	sim_model_on_server_start(s);
}

void sim_server_crash(struct sim *s, enum sim_death death, uint64_t down_ms, bool silent)
{
	struct sim_server *v = s->server;
	if (!v->up) return;
	s->crashes++;
	sim_disk_strike(s, &v->disk, death);
	LIST_FOREACH(l, &v->conns) {
		struct sim_conn *c = CONTAINER_OF(l, struct sim_conn, link);
		struct sim_link *link = sim_net_find(s, c->link_id);
		if (link != NULL && link->server_in) sim_net_die(s, link, true, silent);
	}
	server_forget(v);
	sim_disk_switch(&v->disk);
	(void)sim_post(s, down_ms, SIM_EV_START, SIM_SERVER, 0);
}

/* Dies where its last call was struck. */
static void server_was_struck(struct sim *s)
{
	const bool silent = sim_chance(&s->faults, 30);
	sim_server_crash(s, SIM_DEATH_KILL, 100 + sim_upto(&s->faults, 8000), silent);
}

struct sim_disk *sim_server_disk(struct sim_server *v)
{
	return &v->disk;
}

bool sim_server_is_up(const struct sim_server *v)
{
	return v->up;
}

uint64_t sim_server_life(const struct sim_server *v)
{
	return v->life;
}

const uint8_t *sim_server_spki(const struct sim_server *v)
{
	return v->spki;
}

struct store *sim_server_store(struct sim_server *v)
{
	return v->store;
}

struct store_reader *sim_server_reader(struct sim_server *v)
{
	return v->reader;
}

bool sim_server_is_idle(const struct sim_server *v)
{
	return v->up && list_empty(&v->asks);
}

/* ---- dialogs ------------------------------------------------------------------------- */

static struct sim_conn *conn_find(struct sim_server *v, uint64_t id)
{
	LIST_FOREACH(l, &v->conns) {
		struct sim_conn *c = CONTAINER_OF(l, struct sim_conn, link);
		if (c->id == id) return c;
	}
	return NULL;
}

static struct sim_conn *conn_of_link(struct sim_server *v, uint64_t link_id)
{
	LIST_FOREACH(l, &v->conns) {
		struct sim_conn *c = CONTAINER_OF(l, struct sim_conn, link);
		if (c->link_id == link_id) return c;
	}
	return NULL;
}

static uint64_t stage_ms(struct sim *s)
{
	return sim_upto(&s->rand, s->swarm.stage_ms_max);
}

static void ask_start(struct sim *s, struct ask *ask, uint64_t conn_id)
{
	struct sim_server *v = s->server;
	struct sim_ask *a = calloc(1, sizeof(*a));
	INSIST(a != NULL);
	a->ask = ask;
	a->conn_id = conn_id;
	list_init(&a->wait);
	list_init(&a->pages);
	list_append(&v->asks, &a->link);
	sim_post(s, stage_ms(s), SIM_EV_CHECK, SIM_SERVER, v->life)->ptr = a;
}

static void conn_start_held(struct sim *s, struct sim_conn *c, uint64_t ask_id)
{
	LIST_FOREACH_SAFE(l, &c->held) {
		struct ask *ask = CONTAINER_OF(l, struct ask, link);
		if (ask->desc.ask_id != ask_id) continue;
		list_remove(l);
		ask_start(s, ask, c->id);
		return;
	}
}

/* `ask` carries the frame of this step, or is NULL. Takes it in any case. */
static void conn_run_asks(struct sim *s, struct sim_conn *c, struct ask *ask)
{
	for (size_t i = 0; i < c->actions.ask_count; i++) {
		const struct dialog_ask *desc = &c->actions.ask[i];
		struct ask *mine = desc->kind == ASK_FEED_PAGE ? ask_new() : TAKE(ask);
		INSIST(mine != NULL);
		ask_begin(mine, desc, sim_server_wall_ms(s));
		if (desc->held)
			list_append(&c->held, &mine->link);
		else
			ask_start(s, mine, c->id);
	}
	ask_free(ask);
	if (c->actions.start_ask_id != 0) conn_start_held(s, c, c->actions.start_ask_id);
}

static void conn_step(struct sim *s, struct sim_conn *c, struct dialog_event ev, struct ask *ask)
{
	struct sim_server *v = s->server;
	if (c->ended) {
		ask_free(ask);
		return;
	}
	ev.wall_ms = sim_server_wall_ms(s);
	dialog_step(&c->dialog, sim_loop_ms(s), &ev, &c->actions);
	const uint64_t replaces = c->actions.close_conn_id;
	const bool close = c->actions.close;
	struct sim_link *link = sim_net_find(s, c->link_id);
	if (link != NULL && link->server_in && c->actions.send.len > 0) {
		sim_model_on_send(s, &c->dialog, buf_view(&c->actions.send));
		sim_net_send(s, link, false, buf_view(&c->actions.send));
	}
	conn_run_asks(s, c, ask);
	if (close) {
		sim_trace(s, "server closes conn %llu, reason %d", (unsigned long long)c->id,
			  (int)c->actions.reason);
		c->ended = true;
		if (link != NULL && link->server_in) sim_net_end(s, link, true);
	}
	struct sim_conn *old = replaces == 0 ? NULL : conn_find(v, replaces);
	if (old != NULL)
		conn_step(s, old, (struct dialog_event){ .type = DIALOG_EV_REPLACED }, NULL);
}

static void step_all(struct sim *s, struct dialog_event ev)
{
	LIST_FOREACH_SAFE(l, &s->server->conns) {
		conn_step(s, CONTAINER_OF(l, struct sim_conn, link), ev, NULL);
	}
}

/* Conns that ended are freed between events, when no loop stands on them. */
static void sweep_conns(struct sim_server *v)
{
	LIST_FOREACH_SAFE(l, &v->conns) {
		struct sim_conn *c = CONTAINER_OF(l, struct sim_conn, link);
		if (c->ended) conn_free(c);
	}
}

static void conn_on_frame(struct sim *s, struct sim_conn *c, struct view body)
{
	struct ask *ask = ask_new();
	INSIST(ask != NULL);
	const enum err e = ask_decode(ask, body);
	sim_trace(s, "conn %llu: %s (%zu)", (unsigned long long)c->id,
		  e == ERR_OK ? frame_body_name(ask->frame) : err_name(e), body.len);
	SIM_CHECK(s, e == ERR_OK, "a room sent a frame that does not decode: %s", err_name(e));
	conn_step(s, c,
		  (struct dialog_event){ .type = DIALOG_EV_FRAME,
					 .frame = e == ERR_OK ? ask->frame : NULL,
					 .frame_bytes = body.len,
					 .frame_err = e },
		  ask);
}

static void conn_pump(struct sim *s, struct sim_conn *c)
{
	size_t at = 0;
	if (c->pumping) return;
	c->pumping = true;
	while (!c->ended && !c->frame_bad_size && dialog_may_read(&c->dialog)) {
		struct view body = VIEW_EMPTY;
		const enum err e = frame_peek(view_of(c->in.p + at, c->in.len - at),
					      dialog_frame_bytes_max(&c->dialog), &body);
		if (e == ERR_MORE) break;
		if (e == ERR_OK) {
			at += FRAME_HEADER_BYTES + body.len;
			conn_on_frame(s, c, body);
		} else {
			c->frame_bad_size = true;
			conn_step(s, c, (struct dialog_event){ .type = DIALOG_EV_TOO_BIG }, NULL);
		}
	}
	buf_consume(&c->in, at);
	c->pumping = false;
}

void sim_server_on_up(struct sim *s, struct sim_link *l, const uint8_t room_spki[32])
{
	struct sim_server *v = s->server;
	struct sim_conn *c = calloc(1, sizeof(*c));
	INSIST(c != NULL);
	c->id = v->next_conn_id++;
	c->link_id = l->id;
	list_init(&c->held);
	struct dialog_peer peer = { 0 };
	memcpy(peer.spki, room_spki, sizeof(peer.spki));
	memcpy(peer.exporter_login, l->exporters[0], sizeof(peer.exporter_login));
	memcpy(peer.exporter_setup, l->exporters[1], sizeof(peer.exporter_setup));
	memcpy(peer.exporter_enrol, l->exporters[2], sizeof(peer.exporter_enrol));
	dialog_init(&c->dialog, v->roster, v->rand, &v->metrics, c->id, &peer, sim_loop_ms(s));
	dialog_actions_init(&c->actions);
	list_append(&v->conns, &c->link);
}

void sim_server_on_bytes(struct sim *s, struct sim_link *l, struct view bytes)
{
	struct sim_conn *c = conn_of_link(s->server, l->id);
	if (c == NULL || c->ended) return;
	INSIST(buf_append(&c->in, bytes) == ERR_OK);
	conn_pump(s, c);
	sweep_conns(s->server);
}

void sim_server_on_end(struct sim *s, struct sim_link *l)
{
	struct sim_conn *c = conn_of_link(s->server, l->id);
	if (c == NULL) return;
	conn_step(s, c, (struct dialog_event){ .type = DIALOG_EV_LOST }, NULL);
	c->ended = true;
	sweep_conns(s->server);
}

/* ---- stages -------------------------------------------------------------------------- */

static void post_batch(struct sim *s)
{
	struct sim_server *v = s->server;
	if (v->batch_posted || v->writer_busy || list_empty(&v->writer)) return;
	v->batch_posted = true;
	(void)sim_post(s, stage_ms(s) / 2, SIM_EV_BATCH, SIM_SERVER, v->life);
}

static void on_check(struct sim *s, struct sim_ask *a)
{
	struct sim_server *v = s->server;
	sim_crash_enter(&v->disk);
	work_check(v->work, a->ask, v->reader);
	if (sim_crash_leave(&v->disk)) {
		server_was_struck(s);
		return;
	}
	if (a->ask->needs_write) {
		list_append(&v->writer, &a->wait);
		post_batch(s);
		return;
	}
	work_finish(v->work, a->ask, ERR_OK);
	sim_post(s, stage_ms(s), SIM_EV_DELIVER, SIM_SERVER, v->life)->ptr = a;
}

static enum err batch_write(struct sim *s, struct list *asks)
{
	struct sim_server *v = s->server;
	TRY(store_begin(v->store, sim_server_wall_ms(s)));
	LIST_FOREACH(l, asks) {
		struct sim_ask *a = CONTAINER_OF(l, struct sim_ask, wait);
		const enum err e = work_write(v->work, a->ask, v->store);
		if (e != ERR_OK) {
			store_rollback(v->store);
			return e;
		}
	}
	return store_commit(v->store);
}

static enum err batch_publish(struct sim_server *v, struct list *pages)
{
	TRY(work_committed(v->work, v->store));
	for (;;) {
		struct sim_page *p = calloc(1, sizeof(*p));
		ENSURE(p != NULL, ERR_NOMEM);
		const enum err e = work_publish(v->work, v->store, &p->work);
		if (e == ERR_OK && p->work.page.to_seq > p->work.page.from_seq) {
			list_append(pages, &p->link);
			continue;
		}
		work_published_fini(&p->work);
		free(p);
		return e;
	}
}

static bool is_fatal(enum err e)
{
	return e == ERR_IO || e == ERR_CORRUPT || e == ERR_STORE;
}

static void writer_fails(struct sim *s, enum err e)
{
	struct sim_server *v = s->server;
	SIM_CHECK(s, sim_disk_struck(&v->disk) || sim_disk_excuses(&v->disk, e),
		  "the writer fails: %s", err_name(e));
	sim_trace(s, "the server's writer fails: %s", err_name(e));
	v->writer_failed = e;
}

/* As writer_run_batch_asks in server/net/engine_jobs.c. */
static enum err batch_run(struct sim *s, struct list *asks, struct list *pages)
{
	struct sim_server *v = s->server;
	if (v->writer_failed != ERR_OK) return v->writer_failed;
	const enum err e = batch_write(s, asks);
	const enum err after = e == ERR_OK ? batch_publish(v, pages)
					   : work_rolled_back(v->work, v->store);
	if (after != ERR_OK) writer_fails(s, after);
	if (is_fatal(e)) writer_fails(s, e);
	return e;
}

static void on_batch(struct sim *s)
{
	struct sim_server *v = s->server;
	struct list asks;
	v->batch_posted = false;
	if (list_empty(&v->writer)) return;
	list_init(&asks);
	list_splice(&asks, &v->writer);
	INSIST(!list_empty(&asks));
	struct sim_ask *last = CONTAINER_OF(asks.prev, struct sim_ask, wait);

	sim_crash_enter(&v->disk);
	const enum err e = batch_run(s, &asks, &last->pages);
	const bool struck = sim_crash_leave(&v->disk);
	/* What was committed stands, also when the pages of it cannot be read again. */
	SIM_CHECK(s,
		  struck || e == ERR_OK || e == v->writer_failed || sim_disk_excuses(&v->disk, e),
		  "a batch failed: %s", err_name(e));
	const uint64_t flush_ms = 1 + stage_ms(s);
	v->writer_busy = true;
	for (struct list *l = list_take_first(&asks); l != NULL; l = list_take_first(&asks)) {
		struct sim_ask *a = CONTAINER_OF(l, struct sim_ask, wait);
		work_finish(v->work, a->ask, e);
		a->server_fails = v->writer_failed != ERR_OK;
		sim_post(s, flush_ms, SIM_EV_DELIVER, SIM_SERVER, v->life)->ptr = a;
	}
	if (struck)
		server_was_struck(s);
	else if (e == ERR_OK)
		sim_model_on_commit(s);
}

static void on_deliver(struct sim *s, struct sim_ask *a)
{
	struct sim_server *v = s->server;
	if (a->ask->needs_write) v->writer_busy = false;
	const bool roster_changed = work_apply(a->ask, v->roster);
	struct sim_conn *c = conn_find(v, a->conn_id);
	if (c != NULL && !c->ended) {
		struct dialog_done done = { 0 };
		ask_done(a->ask, &done);
		conn_step(s, c, (struct dialog_event){ .type = DIALOG_EV_ASK_DONE, .done = &done },
			  NULL);
	}
	if (roster_changed) step_all(s, (struct dialog_event){ .type = DIALOG_EV_ROSTER });
	LIST_FOREACH(l, &a->pages) {
		struct sim_page *p = CONTAINER_OF(l, struct sim_page, link);
		step_all(s, (struct dialog_event){ .type = DIALOG_EV_PUBLISHED,
						   .page = &p->work.page });
	}
	if (c != NULL && !c->ended) conn_pump(s, c);
	const bool fails = a->server_fails;
	sim_ask_free(a);
	sweep_conns(v);
	if (fails)
		sim_server_stop(s, 100 + sim_upto(&s->faults, 8000)); /* engine_fail */
	else
		post_batch(s);
}

/* engine_on_space, writer_run_idle. */
static enum err housekeep(struct sim *s)
{
	struct sim_server *v = s->server;
	look_at_space(v);
	if (store_head_is_due(v->store, sim_server_wall_ms(s))) {
		TRY(store_begin(v->store, sim_server_wall_ms(s)));
		TRY(store_commit(v->store));
	}
	if (sim_chance(&s->rand, s->swarm.checkpoint_percent)) TRY(store_checkpoint(v->store));
	return ERR_OK;
}

static void on_housekeep(struct sim *s)
{
	struct sim_server *v = s->server;
	if (v->writer_failed != ERR_OK) {
		sim_server_stop(s, 100 + sim_upto(&s->faults, 8000)); /* engine_head_done */
		return;
	}
	sim_crash_enter(&v->disk);
	const enum err e = housekeep(s);
	const bool struck = sim_crash_leave(&v->disk);
	SIM_CHECK(s, e == ERR_OK || struck || sim_disk_excuses(&v->disk, e),
		  "housekeeping failed: %s", err_name(e));
	/* A full disk passes; anything else stops the server with its next batch or look. */
	if (e != ERR_OK && e != ERR_DISK_FULL) writer_fails(s, e);
	(void)sim_post(s, HOUSEKEEP_MS, SIM_EV_HOUSEKEEP, SIM_SERVER, v->life);
	if (struck) server_was_struck(s);
}

void sim_server_stop(struct sim *s, uint64_t down_ms)
{
	struct sim_server *v = s->server;
	if (!v->up) return;
	sim_trace(s, "server shuts down");
	step_all(s, (struct dialog_event){ .type = DIALOG_EV_SHUTDOWN });
	LIST_FOREACH(l, &v->conns) {
		struct sim_conn *c = CONTAINER_OF(l, struct sim_conn, link);
		struct sim_link *link = sim_net_find(s, c->link_id);
		if (link != NULL && link->server_in) sim_net_end(s, link, true);
	}
	server_forget(v);
	sim_disk_switch(&v->disk);
	(void)sim_post(s, down_ms, SIM_EV_START, SIM_SERVER, 0);
}

/* As server/ops/admin.c: a call on the writer thread, then the loop is told. */
void sim_server_block(struct sim *s, const char *login)
{
	struct sim_server *v = s->server;
	struct id user_id;
	if (!v->up || v->writer_failed != ERR_OK) return;
	const enum err e =
		setup_block_user(v->store, view_str(login), sim_server_wall_ms(s), &user_id);
	sim_trace(s, "the admin blocks %s: %s", login, err_name(e));
	SIM_CHECK(s, e == ERR_OK || e == ERR_NOT_FOUND, "%s cannot be blocked: %s", login,
		  err_name(e));
	if (e != ERR_OK) return;
	sim_model_on_commit(s);
	/* A person the roster does not know yet cannot be signed in either. */
	err_ignore(roster_block_user(v->roster, &user_id));
	step_all(s, (struct dialog_event){ .type = DIALOG_EV_ROSTER });
	sweep_conns(v);
}

void sim_server_on_event(struct sim *s, struct sim_event *e)
{
	struct sim_server *v = s->server;
	if (e->type == SIM_EV_START) {
		if (!v->up) sim_server_start(s);
		return;
	}
	if (!v->up || e->life != v->life) return;
	if (e->type == SIM_EV_CHECK)
		on_check(s, e->ptr);
	else if (e->type == SIM_EV_BATCH)
		on_batch(s);
	else if (e->type == SIM_EV_DELIVER)
		on_deliver(s, e->ptr);
	else if (e->type == SIM_EV_HOUSEKEEP)
		on_housekeep(s);
}

/* ---- time ---------------------------------------------------------------------------- */

uint64_t sim_server_deadline_ms(const struct sim *s)
{
	uint64_t at = UINT64_MAX;
	if (!s->server->up) return at;
	LIST_FOREACH(l, &s->server->conns) {
		const struct sim_conn *c = CONTAINER_OF(l, struct sim_conn, link);
		const uint64_t own = c->ended ? UINT64_MAX : dialog_deadline_ms(&c->dialog);
		if (own < at) at = own;
	}
	return at;
}

void sim_server_tick(struct sim *s)
{
	struct sim_server *v = s->server;
	LIST_FOREACH_SAFE(l, &v->conns) {
		struct sim_conn *c = CONTAINER_OF(l, struct sim_conn, link);
		if (c->ended || dialog_deadline_ms(&c->dialog) > sim_loop_ms(s)) continue;
		conn_step(s, c, (struct dialog_event){ .type = DIALOG_EV_TICK }, NULL);
		if (!c->ended) conn_pump(s, c);
	}
	sweep_conns(v);
}
