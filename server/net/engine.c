#include "server/net/engine.h"

#include "base/log.h"
#include "server/net/conn.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#define ENGINE_KEY_FILE "server.key"

/* ---- disk space, idle conns and audit heads -------------------------------------------------- */

static void engine_head_sign(struct engine *e, struct store *store)
{
	if (e->writer_failed != ERR_OK || !store_head_is_due(store, loop_wall_ms())) return;
	enum err result = store_begin(store, loop_wall_ms());
	if (result == ERR_OK) result = store_commit(store);
	if (result != ERR_OK && result != ERR_DISK_FULL) e->writer_failed = result;
}

static void engine_head_run(struct engine_call *call, struct store *store)
{
	struct engine *e = CONTAINER_OF(call, struct engine, head);
	engine_head_sign(e, store);
	e->head_failed = e->writer_failed;
}

/* Also where a checkpoint in a gap is found to have failed: no room has to ask for that. */
static void engine_head_done(struct engine_call *call)
{
	struct engine *e = CONTAINER_OF(call, struct engine, head);
	e->head_busy = false;
	if (e->head_failed != ERR_OK) engine_fail(e, e->head_failed);
}

/* Buffers of quiet conns go back to the C library, and what it has to spare to the kernel. The
 * library looks through all its memory for that, so not while most rooms are busy. */
static void engine_release_idle(struct engine *e)
{
	size_t idle = 0;
	LIST_FOREACH(l, &e->conns) {
		if (conn_release_idle(conn_of_link(l))) idle++;
	}
	if (idle > e->conn_count / 2) (void)malloc_trim(0);
}

/* One look reads a number from the kernel and no file: short enough for the loop. */
static void engine_look_at_space(struct engine *e)
{
	const bool low = store_check_space(e->store) == ERR_DISK_FULL;
	if (low) log_error("engine", "disk almost full, refusing new changes until there is room");
	work_set_disk_low(e->work, low);
}

static void engine_on_space(struct timer *timer)
{
	struct engine *e = CONTAINER_OF(timer, struct engine, space);
	engine_look_at_space(e);
	engine_release_idle(e);
	if (e->head_busy) return;
	e->head = (struct engine_call){ .run = engine_head_run, .done = engine_head_done };
	e->head_busy = engine_submit_call(e, &e->head) == ERR_OK;
}

/* ---- open ------------------------------------------------------------------------------------ */

static enum err engine_open_keys(struct engine *e)
{
	TRY(secrets_read(e->options.folder, &e->secrets));
	CLEANUP(closep) int dir = open(e->options.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ENSURE(dir >= 0, ERR_NOT_FOUND);
	TRY(tls_identity_load_file(dir, ENGINE_KEY_FILE, &e->identity));
	return tls_ctx_init(&e->tls, TLS_ROLE_SERVER, &e->identity);
}

static enum err engine_open_store(struct engine *e)
{
	TRY(store_open(
		&(struct store_options){ .folder = e->options.folder, .log_key = &e->secrets.log },
		&e->store));
	CLEANUP(store_reader_closep) struct store_reader *reader = NULL;
	TRY(store_reader_open(e->options.folder, &reader));
	TRY(work_open(
		&(struct work_options){ .secrets = &e->secrets, .server_spki = e->identity.spki.b },
		reader, &e->work));
	engine_look_at_space(e); /* the first change may come before the timer */
	e->roster = calloc(1, sizeof(*e->roster));
	ENSURE(e->roster != NULL, ERR_NOMEM);
	roster_init(e->roster);
	return work_load_roster(e->work, reader, loop_wall_ms(), e->roster);
}

static void engine_on_accept(struct tcp_listener *l, int fd, const struct tcp_address *peer)
{
	conn_accept(CONTAINER_OF(l, struct engine, listener), fd, peer);
}

static enum err engine_open_parts(struct engine *e)
{
	TRY(engine_open_keys(e));
	TRY(engine_open_store(e));
	TRY(engine_jobs_open(e));
	TRY(tcp_listener_open(&e->listener, e->loop, e->options.address, engine_on_accept));
	e->listener_open = true;
	e->parts_open++;
	timer_init(&e->space, e->loop, engine_on_space);
	e->space_open = true;
	e->parts_open++;
	timer_start_repeating(&e->space, ENGINE_SPACE_MS);
	return ERR_OK;
}

enum err engine_open(struct engine *e, struct loop *loop, const struct engine_options *options)
{
	*e = (struct engine){ .loop = loop, .options = *options };
	list_init(&e->conns);
	return engine_open_parts(e);
}

void engine_address(const struct engine *e, char *ret_text)
{
	tcp_address_print(&e->listener.local, ret_text);
}

/* ---- close ----------------------------------------------------------------------------------- */

void engine_maybe_finish(struct engine *e)
{
	if (!e->closing || e->parts_open > 0 || e->conn_count > 0) return;
	work_close(e->work);
	e->work = NULL;
	store_close(e->store); /* NULL once the writer ran */
	e->store = NULL;
	free(e->roster);
	e->roster = NULL;
	tls_ctx_fini(&e->tls);
	tls_identity_fini(&e->identity);
	secrets_fini(&e->secrets);
	if (e->on_closed == NULL) return;
	const loop_closed_fn on_closed = e->on_closed;
	e->on_closed = NULL;
	on_closed(e->closed_owner);
}

void engine_part_closed(void *engine)
{
	struct engine *e = engine;
	INSIST(e->parts_open > 0);
	e->parts_open--;
	engine_maybe_finish(e);
}

void engine_close(struct engine *e, loop_closed_fn on_closed, void *owner)
{
	if (e->closing) return;
	e->closing = true;
	e->on_closed = on_closed;
	e->closed_owner = owner;
	if (e->listener_open) tcp_listener_close(&e->listener, engine_part_closed, e);
	if (e->space_open) timer_close(&e->space, engine_part_closed, e);
	LIST_FOREACH_SAFE(l, &e->conns) {
		conn_shut_down(conn_of_link(l));
	}
	engine_jobs_close(e);
	engine_maybe_finish(e);
}

void engine_fail(struct engine *e, enum err why)
{
	if (e->failed != ERR_OK) return;
	e->failed = why;
	log_error("engine", "the store failed err=%s, stopping; nothing unsaved was acknowledged",
		  err_name(why));
	if (e->on_failed != NULL) e->on_failed(e);
}

/* ---- to every dialog ------------------------------------------------------------------------- */

static void engine_step_all(struct engine *e, const struct dialog_event *ev)
{
	LIST_FOREACH_SAFE(l, &e->conns) {
		conn_step(conn_of_link(l), ev);
	}
}

void engine_roster_changed(struct engine *e)
{
	engine_step_all(
		e, &(struct dialog_event){ .type = DIALOG_EV_ROSTER, .wall_ms = loop_wall_ms() });
}

void engine_publish(struct engine *e, const struct feed_page *page)
{
	engine_step_all(e, &(struct dialog_event){ .type = DIALOG_EV_PUBLISHED,
						   .wall_ms = loop_wall_ms(),
						   .page = page });
}
