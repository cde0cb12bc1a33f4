#include "client/api/agent_priv.h"

#include "base/log.h"
#include "crypt/proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <time.h>

/* ---- asks: sync's work for the desk --------------------------------------------------------- */

static void ask_run(struct worker_job *job, void *ctx)
{
	struct agent_ask *ask = CONTAINER_OF(job, struct agent_ask, base.job);
	struct agent *a = ctx;

	desk_run(&a->desk, loop_wall_ms(), &ask->ask, &ask->result);
	agent_copy_facts(a, &ask->base.facts);
}

static void ask_free(struct agent_ask *ask)
{
	sync_ask_fini(&ask->ask);
	sync_result_fini(&ask->result);
	free(ask);
}

static void ask_done(struct worker_job *job)
{
	struct agent_ask *ask = CONTAINER_OF(job, struct agent_ask, base.job);
	struct agent *a = ask->base.agent;
	const enum err e = ask->result.err;
	const bool wakes = ask->result.type == SYNC_ASK_ACK || ask->result.type == SYNC_ASK_FEED;

	agent_take_facts(a, &ask->base.facts);
	if (!a->closing) {
		const struct sync_event ev = { .type = SYNC_EV_DESK, .result = &ask->result };
		agent_sync_event(a, &ev);
		if (wakes) agent_calls_wake(a);
	}
	ask_free(ask);
	/* After a failed write nothing is acknowledged any more: end, start again, look (SECURITY
	 * 3.3). */
	if (e == ERR_IO || e == ERR_DISK_FULL) {
		log_error("desk", "the disk failed err=%s, ending", err_name(e));
		agent_stop(a, e);
	}
}

static void ask_submit(struct agent *a, struct sync_ask *from)
{
	struct agent_ask *ask = calloc(1, sizeof(*ask));

	INSIST(ask != NULL); /* a few bytes: without them the process cannot go on */
	ask->base.agent = a;
	ask->base.job.run = ask_run;
	ask->base.job.done = ask_done;
	ask->ask = *from;
	from->frame = (struct buf){ 0 };
	const enum err e = worker_submit(&a->worker, &ask->base.job);
	if (e == ERR_OK) return;
	INSIST(e == ERR_CLOSED); /* sync has a handful of asks under way at most */
	ask_free(ask);
}

/* ---- actions -------------------------------------------------------------------------------- */

struct verb_link agent_link_now(const struct agent *a)
{
	return (struct verb_link){
		.link = sync_link_now(a->sync),
		.reason = sync_reason_now(a->sync),
		.live = sync_is_live(a->sync),
		.quiet = sync_is_quiet(a->sync),
		.changed_ms = a->link_changed_ms,
	};
}

static void agent_on_link_changed(struct agent *a)
{
	const char *link = sync_link_name(sync_link_now(a->sync));
	const char *reason = sync_reason_name(sync_reason_now(a->sync));

	a->link_changed_ms = loop_wall_ms();
	log_info("sync", "link state=%s reason=%s", link, reason);
	(void)sd_notifyf(0, "STATUS=%s%s%s", link,
			 sync_reason_now(a->sync) == SYNC_REASON_NONE ? "" : ": ",
			 sync_reason_now(a->sync) == SYNC_REASON_NONE ? "" : reason);
	agent_calls_wake(a);
	if (sync_link_now(a->sync) == SYNC_LINK_ONLINE && a->facts.someone) agent_learn_names(a);
}

static void agent_act(struct agent *a, struct sync_action *act)
{
	switch (act->type) {
	case SYNC_ACT_DIAL: link_dial(&a->link, a->facts.address); break;
	case SYNC_ACT_CLOSE: link_drop(&a->link, ERR_CANCELED); break;
	case SYNC_ACT_SEND:
		/* A link that fails says so by on_down. */
		err_ignore(link_send(&a->link, buf_view(&act->bytes)));
		break;
	case SYNC_ACT_DESK: ask_submit(a, &act->ask); break;
	case SYNC_ACT_REPLY:
		agent_call_reply(a, act->request_id, act->err, buf_view(&act->bytes), &act->conn);
		break;
	case SYNC_ACT_LINK: agent_on_link_changed(a); break;
	case SYNC_ACT_PERSON_REFUSED:
		log_warn("sync", "the server refused the person's keys, locking");
		agent_call_self(a, verb_find("lock"), false);
		break;
	}
}

void agent_sync_event(struct agent *a, const struct sync_event *ev)
{
	if (a->closing) return;
	/* No action calls back into sync, so one set of actions is enough. */
	INSIST(a->actions.count == 0);
	sync_step(a->sync, loop_now_ms(&a->loop), ev, &a->actions);
	for (size_t i = 0; i < a->actions.count && !a->closing; i++) {
		agent_act(a, &a->actions.a[i]);
	}
	sync_actions_clear(&a->actions);
	if (a->closing) return;
	const uint64_t now_ms = loop_now_ms(&a->loop);
	const uint64_t due_ms = sync_deadline_ms(a->sync);
	if (due_ms == UINT64_MAX) {
		timer_stop(&a->sync_timer);
	} else {
		timer_start(&a->sync_timer, due_ms > now_ms ? due_ms - now_ms : 0);
	}
}

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec now = { 0 };

	INSIST(clock_gettime(clock, &now) == 0);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

uint64_t agent_slept_ms(void)
{
	const uint64_t awake_ms = clock_ms(CLOCK_MONOTONIC);
	const uint64_t all_ms = clock_ms(CLOCK_BOOTTIME);

	return all_ms > awake_ms ? all_ms - awake_ms : 0;
}

/* A machine that slept may have been carried away: who was signed in is not any more. */
static void agent_look_for_sleep(struct agent *a)
{
	const uint64_t slept_ms = agent_slept_ms();
	const bool slept = slept_ms > a->slept_ms + AGENT_SLEEP_MS;

	a->slept_ms = slept_ms;
	if (!slept || !a->facts.someone) return;
	log_info("agent", "the machine slept, locking");
	agent_call_self(a, verb_find("lock"), false);
}

void agent_sync_on_timer(struct timer *t)
{
	struct agent *a = CONTAINER_OF(t, struct agent, sync_timer);
	const struct sync_event ev = { .type = SYNC_EV_TICK };

	agent_look_for_sleep(a);
	agent_sync_event(a, &ev);
}

/* ---- the link's events ---------------------------------------------------------------------- */

static bool on_is_server(struct link *l, const struct tls_spki *peer)
{
	const struct agent *a = l->owner;
	struct hash32 key;

	memcpy(key.b, peer->b, sizeof(key.b));
	for (size_t i = 0; i < a->facts.spki_count; i++) {
		if (hash_equal(&a->facts.spki[i], &key)) return true;
	}
	return false;
}

static void on_up(struct link *l)
{
	struct agent *a = l->owner;
	struct sync_event ev = { .type = SYNC_EV_LINK_UP };

	if (link_export(l, EXPORTER_LABEL_LOGIN, ev.conn.exporter) != ERR_OK) {
		link_drop(l, ERR_TLS);
		return;
	}
	memcpy(ev.conn.room_spki, l->spki.b, sizeof(ev.conn.room_spki));
	agent_sync_event(a, &ev);
}

static void on_frame(struct link *l, struct view body)
{
	const struct sync_event ev = { .type = SYNC_EV_FRAME, .frame = body };

	agent_sync_event(l->owner, &ev);
}

static void on_bytes(struct link *l)
{
	const struct sync_event ev = { .type = SYNC_EV_BYTES };

	agent_sync_event(l->owner, &ev);
}

static void on_down(struct link *l, enum err why)
{
	const struct sync_event ev = { .type = SYNC_EV_LINK_DOWN, .err = why };

	log_info("link", "down err=%s", err_name(why));
	agent_sync_event(l->owner, &ev);
}

const struct link_events agent_link_events = {
	.is_server = on_is_server,
	.on_up = on_up,
	.on_frame = on_frame,
	.on_bytes = on_bytes,
	.on_down = on_down,
};
