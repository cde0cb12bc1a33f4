#include "sim/sim_room.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "sim/sim_net.h"
#include "wire/frame.h"

#include <stdlib.h>

#define JOBS_MAX 64u

/* ---- life ---------------------------------------------------------------------------- */

struct sim_room *sim_room_new(struct sim *s, unsigned index)
{
	char name[16];
	struct sim_room *r = calloc(1, sizeof(*r));
	INSIST(r != NULL);
	r->index = index;
	(void)snprintf(name, sizeof(name), "room%u", index);
	sim_disk_init(s, &r->disk, name);
	rand_fill(&s->keys, r->spki, sizeof(r->spki));
	r->rand = rand_seeded_init(&r->seed, rand_u64(&s->rand));
	sim_room_draw_clock(r, &s->swarm, &s->rand);
	r->next_request = 1;
	r->person = SIM_USERS_MAX;
	list_init(&r->jobs);
	sync_actions_init(&r->acts);
	return r;
}

void sim_room_draw_clock(struct sim_room *r, const struct sim_swarm *w,
			 const struct rand_source *rand)
{
	const int64_t most = w->clock_off_ms_max;
	r->clock_off_ms = (int64_t)sim_upto(rand, 2 * (uint64_t)most) - most;
}

static void job_free(struct sim_job *j)
{
	sync_ask_fini(&j->ask);
	buf_fini(&j->reply);
	free(j);
}

static void room_forget(struct sim_room *r)
{
	sim_talk_end(r, ERR_CANCELED);
	for (struct list *l = list_take_first(&r->jobs); l != NULL; l = list_take_first(&r->jobs)) {
		job_free(CONTAINER_OF(l, struct sim_job, link));
	}
	r->job_count = 0;
	sim_done_free(r->done);
	r->done = NULL;
	sync_actions_clear(&r->acts);
	sync_free(r->sync);
	r->sync = NULL;
	if (r->up) {
		desk_fini(&r->desk);
		local_close(r->local);
	}
	r->local = NULL;
	buf_fini(&r->in);
	buf_fini(&r->call_reply);
	r->link_id = 0;
	r->up = r->desk_busy = r->calling = r->exit_due = false;
	r->person = SIM_USERS_MAX;
	r->life++;
}

void sim_room_free(struct sim *s, struct sim_room *r)
{
	(void)s;
	if (r == NULL) return;
	room_forget(r);
	sim_disk_fini(&r->disk);
	free(r);
}

void sim_room_go(struct sim *s, struct sim_room *r)
{
	const struct local_room *here = local_room(r->local);
	const struct sync_config config = { .build = "sim",
					    .clinic_id = here->clinic_id,
					    .room_id = here->room_id,
					    .epoch = here->epoch.epoch,
					    .rand = r->rand };
	INSIST(here->state == LOCAL_READY && r->sync == NULL);
	r->id = here->room_id;
	INSIST(sync_new(&config, sim_loop_ms(s), &r->sync) == ERR_OK);
}

/* False: it does not come up, and is tried again while its disk is to blame. */
static bool room_open(struct sim *s, struct sim_room *r)
{
	sim_crash_enter(&r->disk);
	const enum err e = local_open(drive_folder(r->disk.drive), r->rand, &r->local);
	const bool struck = sim_crash_leave(&r->disk);
	sim_trace(s, "room %u starts: %s", r->index, err_name(e));
	if (e == ERR_OK && !struck) return true;
	SIM_CHECK(s,
		  struck || (e == ERR_IO && sim_disk_was_hit(&r->disk)) ||
			  sim_disk_excuses(&r->disk, e),
		  "room %u does not start: %s", r->index, err_name(e));
	if (e == ERR_OK) local_close(r->local);
	r->local = NULL;
	sim_disk_switch(&r->disk);
	(void)sim_post(s, 1000 + sim_upto(&s->faults, 5000), SIM_EV_START, r->index, 0);
	return false;
}

void sim_room_start(struct sim *s, struct sim_room *r)
{
	INSIST(!r->up);
	r->life++;
	if (!room_open(s, r)) return;
	desk_init(&r->desk, r->local);
	r->up = true;
	if (local_room(r->local)->state == LOCAL_READY) sim_room_go(s, r);
	if (s->wild) {
		(void)sim_post(s, sim_upto(&s->rand, s->swarm.gap_ms), SIM_EV_PERSON, r->index,
			       r->life);
	}
}

void sim_room_crash(struct sim *s, struct sim_room *r, enum sim_death death, uint64_t down_ms,
		    bool silent)
{
	if (!r->up) return;
	s->crashes++;
	sim_disk_strike(s, &r->disk, death);
	struct sim_link *l = sim_net_find(s, r->link_id);
	if (l != NULL && l->room_in) sim_net_die(s, l, false, silent);
	room_forget(r);
	sim_disk_switch(&r->disk);
	(void)sim_post(s, down_ms, SIM_EV_START, r->index, 0);
}

const uint8_t *sim_room_spki(const struct sim_room *r)
{
	return r->spki;
}

uint64_t sim_room_wall_ms(const struct sim *s, const struct sim_room *r)
{
	/* Clocks go wrong when the clinic stands: a join code is good for 15 minutes only. */
	return (uint64_t)((int64_t)sim_server_wall_ms(s) + (s->founded ? r->clock_off_ms : 0));
}

bool sim_room_is_quiet(const struct sim_room *r)
{
	return r->up && r->sync != NULL && r->job_count == 0 && !r->desk_busy &&
	       r->talk.kind == SIM_TALK_NONE && sync_link_now(r->sync) == SYNC_LINK_ONLINE &&
	       sync_is_quiet(r->sync);
}

bool sim_room_is_live(const struct sim_room *r)
{
	return sim_room_is_quiet(r) && sync_is_live(r->sync);
}

/* ---- the loop ------------------------------------------------------------------------ */

static void post_desk(struct sim *s, struct sim_room *r)
{
	if (r->desk_busy || list_empty(&r->jobs)) return;
	r->desk_busy = true;
	(void)sim_post(s, sim_upto(&s->rand, s->swarm.desk_ms_max), SIM_EV_DESK, r->index, r->life);
}

static struct sim_job *job_add(struct sim *s, struct sim_room *r, enum sim_job_type type)
{
	struct sim_job *j = calloc(1, sizeof(*j));
	INSIST(j != NULL);
	j->type = type;
	list_append(&r->jobs, &j->link);
	r->job_count++;
	post_desk(s, r);
	return j;
}

void sim_room_post_job(struct sim *s, struct sim_room *r, enum sim_job_type type)
{
	if (r->job_count < JOBS_MAX) (void)job_add(s, r, type);
}

static void room_close_link(struct sim *s, struct sim_room *r)
{
	struct sim_link *l = sim_net_find(s, r->link_id);
	const uint64_t link_id = r->link_id;
	if (l != NULL && l->room_in) sim_net_end(s, l, false);
	/* LINK_DOWN follows, as from the stream. */
	struct sim_event *e = sim_post(s, sim_upto(&s->rand, 2), SIM_EV_END, r->index, r->life);
	e->link_id = link_id;
	e->ptr = r; /* tells it from the network's */
}

static void act_reply(struct sim *s, struct sim_room *r, struct sync_action *a)
{
	if (a->request_id != r->talk.request_id || r->talk.kind == SIM_TALK_NONE) return;
	r->talk.request_id = 0;
	struct sim_job *j = job_add(s, r, SIM_JOB_TALK);
	j->reply_err = a->err;
	j->reply = a->bytes;
	a->bytes = (struct buf){ 0 };
	j->reply_conn = a->conn;
}

static void room_act(struct sim *s, struct sim_room *r, struct sync_action *a)
{
	struct sim_link *l = sim_net_find(s, r->link_id);
	switch (a->type) {
	case SYNC_ACT_DIAL:
		INSIST(r->link_id == 0);
		buf_clear(&r->in);
		r->link_id = sim_net_dial(s, r->index, r->life)->id;
		break;
	case SYNC_ACT_CLOSE: room_close_link(s, r); break;
	case SYNC_ACT_SEND:
		if (l != NULL && l->room_in && l->up) sim_net_send(s, l, true, buf_view(&a->bytes));
		break;
	case SYNC_ACT_DESK: {
		struct sim_job *j = job_add(s, r, SIM_JOB_ASK);
		j->ask = a->ask;
		a->ask = (struct sync_ask){ 0 };
		break;
	}
	case SYNC_ACT_REPLY: act_reply(s, r, a); break;
	case SYNC_ACT_LINK:
		sim_trace(s, "room %u is %s (%s)", r->index, sync_link_name(sync_link_now(r->sync)),
			  sync_reason_name(sync_reason_now(r->sync)));
		SIM_CHECK(s,
			  sync_link_now(r->sync) != SYNC_LINK_REFUSED ||
				  (r->retire_asked &&
				   sync_reason_now(r->sync) == SYNC_REASON_RETIRED),
			  "room %u is refused: %s", r->index,
			  sync_reason_name(sync_reason_now(r->sync)));
		break;
	case SYNC_ACT_PERSON_REFUSED:
		sim_trace(s, "room %u: person refused", r->index);
		(void)job_add(s, r, SIM_JOB_LOCK);
		break;
	}
}

static void room_step(struct sim *s, struct sim_room *r, const struct sync_event *ev)
{
	if (r->sync == NULL) return;
	sync_step(r->sync, sim_loop_ms(s), ev, &r->acts);
	for (size_t i = 0; i < r->acts.count; i++) room_act(s, r, &r->acts.a[i]);
	sync_actions_clear(&r->acts);
}

/* ---- the network --------------------------------------------------------------------- */

void sim_room_on_up(struct sim *s, struct sim_link *l)
{
	struct sim_room *r = s->rooms[l->room];
	if (!r->up || l->id != r->link_id) return;
	if (r->calling) {
		r->call_done = true;
		return;
	}
	struct sync_event ev = { .type = SYNC_EV_LINK_UP };
	memcpy(ev.conn.exporter, l->exporters[0], sizeof(ev.conn.exporter));
	memcpy(ev.conn.room_spki, r->spki, sizeof(ev.conn.room_spki));
	room_step(s, r, &ev);
}

static void room_on_frame(struct sim *s, struct sim_room *r, struct view body)
{
	if (r->calling) {
		buf_clear(&r->call_reply);
		INSIST(buf_append(&r->call_reply, body) == ERR_OK);
		r->call_done = true;
		return;
	}
	const struct sync_event ev = { .type = SYNC_EV_FRAME, .frame = body };
	room_step(s, r, &ev);
}

void sim_room_on_bytes(struct sim *s, struct sim_link *l, struct view bytes)
{
	struct sim_room *r = s->rooms[l->room];
	const uint64_t link_id = l->id; /* the link may go while frames are handled */
	size_t at = 0;
	if (!r->up || r->link_id != link_id) return;
	INSIST(buf_append(&r->in, bytes) == ERR_OK);
	while (r->link_id == link_id) {
		struct view body = VIEW_EMPTY;
		const enum err e = frame_peek(view_of(r->in.p + at, r->in.len - at),
					      FRAME_BODY_BYTES_MAX, &body);
		if (e == ERR_MORE) break;
		SIM_CHECK(s, e == ERR_OK, "the server sent a bad frame: %s", err_name(e));
		if (e != ERR_OK) break;
		at += FRAME_HEADER_BYTES + body.len;
		room_on_frame(s, r, body);
	}
	if (at > 0)
		buf_consume(&r->in, at);
	else
		room_step(s, r, &(struct sync_event){ .type = SYNC_EV_BYTES });
}

void sim_room_on_down(struct sim *s, unsigned room, uint64_t link_id)
{
	struct sim_room *r = s->rooms[room];
	if (!r->up || r->link_id != link_id || link_id == 0) return;
	r->link_id = 0;
	r->call_failed = true;
	if (r->calling) return;
	room_step(s, r, &(struct sync_event){ .type = SYNC_EV_LINK_DOWN, .err = ERR_CLOSED });
}

/* ---- jobs ---------------------------------------------------------------------------- */

static void on_desk(struct sim *s, struct sim_room *r)
{
	struct list *l = list_take_first(&r->jobs);
	INSIST(l != NULL && r->done == NULL);
	struct sim_job *j = CONTAINER_OF(l, struct sim_job, link);
	struct sim_done *d = calloc(1, sizeof(*d));
	INSIST(d != NULL);
	r->job_count--;
	sim_crash_enter(&r->disk);
	sim_desk_run(s, r, j, d);
	const bool struck = sim_crash_leave(&r->disk);
	job_free(j);
	r->done = d;
	if (struck || r->exit_due) {
		const bool silent = sim_chance(&s->faults, 30);
		const enum sim_death death = sim_chance(&s->faults, 50) ? SIM_DEATH_EXIT
									: SIM_DEATH_KILL;
		sim_room_crash(s, r, death, 100 + sim_upto(&s->faults, 8000), silent);
		return;
	}
	sim_desk_look(s, r);
	(void)sim_post(s, sim_upto(&s->rand, s->swarm.desk_ms_max), SIM_EV_DESK_DONE, r->index,
		       r->life);
}

static void done_request(struct sim *s, struct sim_room *r, struct sim_done *d)
{
	const struct sync_event ev = { .type = SYNC_EV_REQUEST,
				       .request = { .id = r->talk.request_id,
						    .needs = d->needs,
						    .timeout_ms = d->timeout_ms,
						    .serial = d->request_serial,
						    .frame = buf_view(&d->request) } };
	room_step(s, r, &ev);
}

static void on_desk_done(struct sim *s, struct sim_room *r)
{
	struct sim_done *d = r->done;
	INSIST(d != NULL);
	r->done = NULL;
	r->desk_busy = false;
	if (d->has_result) {
		room_step(s, r, &(struct sync_event){ .type = SYNC_EV_DESK, .result = &d->result });
	}
	if (d->person_out) {
		room_step(s, r,
			  &(struct sync_event){ .type = SYNC_EV_PERSON_OUT,
						.frame = buf_view(&d->farewell) });
	}
	if (d->person_in) {
		room_step(s, r,
			  &(struct sync_event){ .type = SYNC_EV_PERSON_IN,
						.person = d->person,
						.login = d->login,
						.serial = d->serial,
						.cursor = d->cursor });
	}
	if (d->outbox) room_step(s, r, &(struct sync_event){ .type = SYNC_EV_OUTBOX });
	if (d->now) room_step(s, r, &(struct sync_event){ .type = SYNC_EV_NOW });
	if (d->request.len > 0) done_request(s, r, d);
	sim_done_free(d);
	post_desk(s, r);
}

static void on_person(struct sim *s, struct sim_room *r)
{
	if (!s->wild) return;
	if (r->job_count < 8 && r->sync != NULL) (void)job_add(s, r, SIM_JOB_DOING);
	(void)sim_post(s, 1 + sim_upto(&s->rand, 2 * s->swarm.gap_ms), SIM_EV_PERSON, r->index,
		       r->life);
}

void sim_room_on_event(struct sim *s, struct sim_event *e)
{
	struct sim_room *r = s->rooms[e->room];
	if (e->type == SIM_EV_START) {
		if (!r->up) sim_room_start(s, r);
		return;
	}
	if (!r->up || e->life != r->life) return;
	if (e->type == SIM_EV_DESK)
		on_desk(s, r);
	else if (e->type == SIM_EV_DESK_DONE)
		on_desk_done(s, r);
	else if (e->type == SIM_EV_PERSON)
		on_person(s, r);
	else if (e->type == SIM_EV_END)
		sim_room_on_down(s, r->index, e->link_id);
}

uint64_t sim_room_deadline_ms(const struct sim_room *r)
{
	return r->up && r->sync != NULL ? sync_deadline_ms(r->sync) : UINT64_MAX;
}

void sim_room_tick(struct sim *s, struct sim_room *r)
{
	room_step(s, r, &(struct sync_event){ .type = SYNC_EV_TICK });
}
