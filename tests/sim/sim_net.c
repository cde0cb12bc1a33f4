#include "sim/sim_net.h"

#include "base/check.h"
#include "sim/sim_room.h"
#include "sim/sim_server.h"

#include <stdlib.h>

#define DIAL_REFUSED_MS 3u

struct sim_net {
	struct list links;
	uint64_t next_id;
	uint64_t hole_until_ms[SIM_ROOMS_MAX]; /* nothing moves before */
	bool hole_refuses[SIM_ROOMS_MAX];
};

struct sim_net *sim_net_new(void)
{
	struct sim_net *n = calloc(1, sizeof(*n));
	INSIST(n != NULL);
	list_init(&n->links);
	n->next_id = 1;
	return n;
}

void sim_net_free(struct sim_net *n)
{
	if (n == NULL) return;
	for (struct list *l = list_take_first(&n->links); l != NULL;
	     l = list_take_first(&n->links)) {
		free(CONTAINER_OF(l, struct sim_link, link));
	}
	free(n);
}

static bool in_hole(const struct sim *s, unsigned room)
{
	return s->net->hole_until_ms[room] > s->now_ms;
}

static uint64_t one_way_ms(struct sim *s)
{
	return 1 + sim_upto(&s->rand, s->swarm.delay_ms_max);
}

/* When something sent now arrives: not before what was sent earlier, nor inside a black hole. */
static uint64_t arrival_ms(struct sim *s, const struct sim_link *l, struct sim_direction *d)
{
	const uint64_t hole_ms = s->net->hole_until_ms[l->room];
	uint64_t at = (hole_ms > s->now_ms ? hole_ms : s->now_ms) + one_way_ms(s);
	if (at < d->last_ms) at = d->last_ms;
	d->last_ms = at;
	return at;
}

static struct sim_event *post_link(struct sim *s, const struct sim_link *l, uint64_t at_ms,
				   enum sim_event_type type, bool to_server)
{
	const uint64_t delay = at_ms > s->now_ms ? at_ms - s->now_ms : 0;
	struct sim_event *e = sim_post(s, delay, type, l->room, 0);
	e->link_id = l->id;
	e->to_server = to_server;
	return e;
}

struct sim_link *sim_net_find(struct sim *s, uint64_t id)
{
	LIST_FOREACH(it, &s->net->links) {
		struct sim_link *l = CONTAINER_OF(it, struct sim_link, link);
		if (l->id == id) return l;
	}
	return NULL;
}

struct sim_link *sim_net_of_room(struct sim *s, unsigned room)
{
	LIST_FOREACH(it, &s->net->links) {
		struct sim_link *l = CONTAINER_OF(it, struct sim_link, link);
		if (l->room == room && l->up && l->room_in && l->server_in) return l;
	}
	return NULL;
}

static void link_maybe_free(struct sim_link *l)
{
	if (l->room_in || l->server_in) return;
	list_remove(&l->link);
	free(l);
}

struct sim_link *sim_net_dial(struct sim *s, unsigned room, uint64_t room_life)
{
	struct sim_link *l = calloc(1, sizeof(*l));
	INSIST(l != NULL);
	l->id = s->net->next_id++;
	l->room = room;
	l->room_life = room_life;
	l->room_in = true;
	list_append(&s->net->links, &l->link);
	uint64_t delay = 2 * one_way_ms(s);
	if (in_hole(s, room)) {
		delay = s->net->hole_refuses[room]
				? DIAL_REFUSED_MS
				: s->net->hole_until_ms[room] - s->now_ms + delay;
	}
	struct sim_event *e = sim_post(s, delay, SIM_EV_DIALLED, room, 0);
	e->link_id = l->id;
	return l;
}

void sim_net_on_dialled(struct sim *s, struct sim_event *e)
{
	struct sim_link *l = sim_net_find(s, e->link_id);
	if (l == NULL || !l->room_in) return;
	const bool refused = in_hole(s, l->room) && s->net->hole_refuses[l->room];
	if (refused || !sim_server_is_up(s->server)) {
		sim_trace(s, "room %u: nobody answers", l->room);
		l->room_in = false;
		sim_room_on_down(s, l->room, l->id);
		link_maybe_free(l);
		return;
	}
	for (size_t i = 0; i < 3; i++)
		rand_fill(&s->rand, l->exporters[i], sizeof(l->exporters[i]));
	l->up = true;
	l->server_in = true;
	l->server_life = sim_server_life(s->server);
	sim_trace(s, "link %llu up: room %u", (unsigned long long)l->id, l->room);
	sim_server_on_up(s, l, sim_room_spki(s->rooms[l->room]));
	sim_room_on_up(s, l);
}

void sim_net_send(struct sim *s, struct sim_link *l, bool to_server, struct view bytes)
{
	struct sim_direction *d = &l->to[to_server];
	size_t at = 0;
	if (d->dead || d->cut) return;
	while (at < bytes.len) {
		size_t len = bytes.len - at;
		if (s->swarm.chunk_bytes > 0) {
			/* Not thousands of pieces for one large frame. */
			const size_t mean = s->swarm.chunk_bytes + bytes.len / 64;
			const size_t most = 1 + (size_t)sim_upto(&s->rand, mean);
			if (len > most) len = most;
		}
		struct sim_event *e = post_link(s, l, arrival_ms(s, l, d), SIM_EV_BYTES, to_server);
		INSIST(buf_append(&e->bytes, view_of(bytes.p + at, len)) == ERR_OK);
		d->pending += len;
		at += len;
	}
}

/* On a link that lingers: once more, later, in the same order. */
static bool lingers(struct sim *s, const struct sim_link *l, struct sim_event *e)
{
	if (!e->to_server || l->linger_until_ms <= s->now_ms) return false;
	struct sim_event *later = post_link(s, l, l->linger_until_ms, e->type, true);
	later->bytes = e->bytes;
	e->bytes = (struct buf){ 0 };
	return true;
}

void sim_net_on_bytes(struct sim *s, struct sim_event *e)
{
	struct sim_link *l = sim_net_find(s, e->link_id);
	if (l == NULL || lingers(s, l, e)) return;
	struct sim_direction *d = &l->to[e->to_server];
	size_t len = e->bytes.len;
	INSIST(d->pending >= len);
	d->pending -= len;
	if (d->cut) {
		if (len > d->keep) len = d->keep;
		d->keep -= len;
	}
	if (len == 0) return;
	const struct view bytes = view_of(e->bytes.p, len);
	sim_trace(s, "link %llu %s %zu bytes", (unsigned long long)l->id,
		  e->to_server ? "to server" : "to room", len);
	if (e->to_server && l->server_in)
		sim_server_on_bytes(s, l, bytes);
	else if (!e->to_server && l->room_in)
		sim_room_on_bytes(s, l, bytes);
}

/* Tells one end, after all that is still on its way there. */
static void post_end(struct sim *s, struct sim_link *l, bool to_server)
{
	struct sim_direction *d = &l->to[to_server];
	if (d->dead) return;
	(void)post_link(s, l, arrival_ms(s, l, d), SIM_EV_END, to_server);
}

void sim_net_end(struct sim *s, struct sim_link *l, bool by_server)
{
	if (by_server)
		l->server_in = false;
	else
		l->room_in = false;
	if (l->up) post_end(s, l, !by_server);
	link_maybe_free(l);
}

void sim_net_die(struct sim *s, struct sim_link *l, bool of_server, bool silent)
{
	struct sim_direction *d = &l->to[!of_server];
	if (of_server)
		l->server_in = false;
	else
		l->room_in = false;
	if (silent) {
		d->cut = true; /* what left the machine before may still arrive */
		d->keep = d->pending == 0 ? 0 : (size_t)sim_upto(&s->faults, d->pending);
		d->dead = true;
	} else if (l->up) {
		post_end(s, l, !of_server);
	}
	link_maybe_free(l);
}

void sim_net_cut(struct sim *s, struct sim_link *l)
{
	sim_trace(s, "link %llu is cut", (unsigned long long)l->id);
	for (int to_server = 0; to_server < 2; to_server++) {
		struct sim_direction *d = &l->to[to_server];
		d->cut = true;
		d->keep = (size_t)sim_upto(&s->faults, d->pending);
		post_end(s, l, to_server);
	}
}

void sim_net_linger(struct sim *s, struct sim_link *l)
{
	sim_trace(s, "link %llu lingers", (unsigned long long)l->id);
	l->linger_until_ms = s->now_ms + 300 + sim_upto(&s->faults, 6000);
	post_end(s, l, true);
	l->to[0].cut = true;
	l->to[0].keep = 0;
	struct sim_event *e = sim_post(s, 0, SIM_EV_END, l->room, 0);
	e->link_id = l->id;
}

void sim_net_half_open(struct sim *s, struct sim_link *l, bool to_server)
{
	sim_trace(s, "link %llu is dead %s", (unsigned long long)l->id,
		  to_server ? "to server" : "to room");
	struct sim_direction *d = &l->to[to_server];
	d->cut = true;
	d->keep = (size_t)sim_upto(&s->faults, d->pending);
	d->dead = true;
}

void sim_net_isolate(struct sim *s, unsigned room, uint64_t ms, bool refuse)
{
	sim_trace(s, "room %u %s for %llu ms", room, refuse ? "cut off" : "in a black hole",
		  (unsigned long long)ms);
	s->net->hole_until_ms[room] = s->now_ms + ms;
	s->net->hole_refuses[room] = refuse;
	struct sim_link *l = sim_net_of_room(s, room);
	if (refuse && l != NULL) sim_net_cut(s, l);
}

void sim_net_heal(struct sim *s)
{
	for (unsigned i = 0; i < SIM_ROOMS_MAX; i++) s->net->hole_until_ms[i] = 0;
}

void sim_net_on_end(struct sim *s, struct sim_event *e)
{
	struct sim_link *l = sim_net_find(s, e->link_id);
	if (l == NULL || lingers(s, l, e)) return;
	if (e->to_server && l->server_in) {
		l->server_in = false;
		sim_server_on_end(s, l);
	} else if (!e->to_server && l->room_in) {
		l->room_in = false;
		sim_room_on_down(s, l->room, l->id);
	}
	link_maybe_free(l);
}
