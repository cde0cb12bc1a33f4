#include "client/api/agent_priv.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "client/print/page.h"
#include "crypt/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

/* ---- the desk thread ------------------------------------------------------------------------- */

void agent_copy_facts(struct agent *a, struct agent_facts *ret)
{
	const struct local_room *room = local_room(a->local);

	*ret = (struct agent_facts){
		.clinic_id = room->clinic_id,
		.room_id = room->room_id,
		.epoch = room->epoch.epoch,
		.state = room->state,
		.spki_count = room->server.spki_count,
		.someone = a->desk.vault.open,
		.signed_in_ms = a->desk.vault.signed_in_ms,
	};
	(void)snprintf(ret->address, sizeof(ret->address), "%s", room->address);
	for (size_t i = 0; i < room->server.spki_count; i++) ret->spki[i] = room->server.spki[i];
}

void agent_take_facts(struct agent *a, const struct agent_facts *facts)
{
	a->facts = *facts;
}

static enum err desk_setup(void *ctx)
{
	struct agent *a = ctx;

	TRY(local_open(a->home.path, rand_system(), &a->local));
	if (local_room(a->local)->state != LOCAL_READY) {
		local_close(a->local);
		a->local = NULL;
		return ERR_CONFIG;
	}
	desk_init(&a->desk, a->local);
	agent_copy_facts(a, &a->first_facts);
	return ERR_OK;
}

static void desk_teardown(void *ctx)
{
	struct agent *a = ctx;

	desk_fini(&a->desk);
	local_close(a->local);
	a->local = NULL;
}

static void desk_idle(void *ctx)
{
	struct agent *a = ctx;
	const enum err e = local_tidy(a->local, loop_wall_ms());

	/* The next write meets the same trouble and ends the process; nothing was promised here. */
	if (e != ERR_OK) log_warn("desk", "tidying failed err=%s, going on", err_name(e));
}

/* ---- timers ---------------------------------------------------------------------------------- */

static void on_idle(struct timer *t)
{
	struct agent *a = CONTAINER_OF(t, struct agent, idle_timer);

	log_info("agent", "nobody was here for a while, locking");
	agent_call_self(a, verb_find("lock"), false);
}

static void on_day(struct timer *t)
{
	struct agent *a = CONTAINER_OF(t, struct agent, day_timer);

	log_info("agent", "signed in for 12 hours, locking");
	agent_call_self(a, verb_find("lock"), false);
}

static void on_wait(struct timer *t)
{
	agent_calls_wake(CONTAINER_OF(t, struct agent, wait_timer));
}

static void on_signal(void *ctx, int signal_number)
{
	(void)signal_number;
	agent_stop(ctx, ERR_OK);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void on_part_closed(void *owner)
{
	struct agent *a = owner;

	INSIST(a->parts_open > 0);
	if (--a->parts_open == 0) loop_stop(&a->loop);
}

/* A wish to end locks first, so that what the vault has for the server still leaves. */
void agent_stop(struct agent *a, enum err e)
{
	if (a->failed == ERR_OK) a->failed = e;
	if (a->closing || (a->stop_asked && e == ERR_OK)) return;
	a->stop_asked = true;
	(void)sd_notify(0, "STOPPING=1");
	if (e == ERR_OK) {
		agent_call_self(a, verb_find("lock"), true);
	} else {
		agent_close(a);
	}
}

void agent_close(struct agent *a)
{
	if (a->closing) return;
	a->closing = true;
	a->parts_open = 7;
	http_close(&a->http, on_part_closed, a);
	timer_close(&a->sync_timer, on_part_closed, a);
	timer_close(&a->idle_timer, on_part_closed, a);
	timer_close(&a->day_timer, on_part_closed, a);
	timer_close(&a->wait_timer, on_part_closed, a);
	link_close(&a->link, on_part_closed, a);
	worker_close(&a->worker, on_part_closed,
		     a); /* runs what is queued, then locks and closes */
}

/* ---- the start ------------------------------------------------------------------------------- */

static enum err fail_start(struct agent *a, enum err e)
{
	struct fault *f = a->fault;

	if (e == ERR_BUSY) {
		err_ignore(fault_set(f, e, "home_in_use", "another agent runs in this home"));
		f->exit = EXIT_UNREACHABLE;
		return e;
	}
	if (e == ERR_CONFIG || e == ERR_NOT_FOUND) {
		err_ignore(fault_set(f, ERR_CONFIG, "no_room", "this home is no room yet"));
		err_ignore(fault_hint(f, "roomkeep found (the first room) or roomkeep enrol CODE"));
		return ERR_CONFIG;
	}
	if (e == ERR_DENIED) {
		return fault_set(f, ERR_CONFIG, "home_not_private",
				 "the home or a file in it is open to others, or not ours");
	}
	if (e == ERR_BAD_FORMAT || e == ERR_CORRUPT || e == ERR_STORE) {
		err_ignore(fault_set(f, ERR_CORRUPT, "home_damaged", "%s in the home is damaged",
				     e == ERR_BAD_FORMAT ? HOME_KEY : "room.db"));
		return fault_hint(f, "Keep the folder; roomkeep enrol CODE in an empty home makes "
				     "this machine a new room");
	}
	fault_default(f, e);
	return e;
}

static enum err open_worker(struct agent *a)
{
	const struct worker_options options = {
		.queue_max = AGENT_JOBS_MAX,
		.batch_max = 1, /* a job's done runs before the next job waits for it */
		.idle_ms = AGENT_TIDY_MS,
		.run_batch = worker_run_each,
		.run_idle = desk_idle,
		.setup = desk_setup,
		.teardown = desk_teardown,
		.ctx = a,
	};

	return worker_open(&a->worker, &a->loop, &options);
}

static enum err open_sync(struct agent *a)
{
	const struct sync_config config = {
		.build = "roomkeep",
		.clinic_id = a->facts.clinic_id,
		.room_id = a->facts.room_id,
		.epoch = a->facts.epoch,
		.rand = rand_system(),
	};

	sync_actions_init(&a->actions);
	return sync_new(&config, loop_now_ms(&a->loop), &a->sync);
}

/* What needs no loop handle, so that a failure has little to take back. */
static enum err open_home(struct agent *a, const struct agent_options *options)
{
	TRY(home_open(options->home_path, false, &a->home));
	return home_identity(&a->home, false, &a->id);
}

static void start_parts(struct agent *a)
{
	a->slept_ms = agent_slept_ms();
	timer_init(&a->sync_timer, &a->loop, agent_sync_on_timer);
	timer_init(&a->idle_timer, &a->loop, on_idle);
	timer_init(&a->day_timer, &a->loop, on_day);
	timer_init(&a->wait_timer, &a->loop, on_wait);
	const struct sync_event tick = { .type = SYNC_EV_TICK };
	agent_sync_event(a, &tick); /* the first dial */
	(void)sd_notify(0, "READY=1\nSTATUS=starting");
	(void)puts("READY");
	(void)fflush(stdout);
}

static void on_worker_gone(void *owner)
{
	loop_stop(owner);
}

/* The worker runs; when one of the next steps fails it must go again. */
static enum err open_parts(struct agent *a)
{
	a->facts = a->first_facts;
	TRY(open_sync(a));
	enum err e = link_init(&a->link, &a->loop, &a->id, &agent_link_events, a);
	if (e == ERR_OK) {
		e = http_open(&a->http, &a->loop, a->home.fd, HOME_SOCKET, agent_on_http, a);
		if (e != ERR_OK) link_close(&a->link, NULL, NULL);
	}
	return e;
}

static enum err run(struct agent *a, const struct agent_options *options)
{
	TRY(open_home(a, options));
	TRY(open_worker(a));
	const enum err e = open_parts(a);
	if (e != ERR_OK) {
		worker_close(&a->worker, on_worker_gone, &a->loop);
		loop_run(&a->loop);
		return e;
	}
	TRY(loop_on_signals(&a->loop, on_signal, a));
	start_parts(a);
	loop_run(&a->loop);
	INSIST(a->closing && a->parts_open == 0);
	return a->failed;
}

static void agent_fini(struct agent *a)
{
	LIST_FOREACH_SAFE(it, &a->calls) {
		agent_call_free(CONTAINER_OF(it, struct agent_call, link));
	}
	sync_free(a->sync);
	tls_identity_fini(&a->id);
	home_close(&a->home);
	free(a);
}

enum err agent_serve(const struct agent_options *options, struct fault *fault)
{
	struct agent *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		fault_default(fault, ERR_NOMEM);
		return ERR_NOMEM;
	}
	a->fault = fault;
	a->home.fd = -1;
	a->idle_ms = options->idle_ms != 0 ? options->idle_ms : AGENT_IDLE_MS;
	list_init(&a->calls);
	enum err e = loop_init(&a->loop);
	if (e == ERR_OK) {
		e = run(a, options);
		if (e != ERR_OK) e = fail_start(a, e);
		INSIST(loop_close(&a->loop) == ERR_OK);
	}
	if (e != ERR_OK) fault_default(fault, e);
	agent_fini(a);
	return e;
}
