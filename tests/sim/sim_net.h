/* sim_net: links between rooms and the server. Bytes stay in order until a cut, as TCP's do.
 *
 * A link is a handshake, then two directions. It can end (the sender's bytes arrive first), be cut
 * (some of the bytes on the way arrive, then nothing, both ends are told or never learn), or lose
 * one direction silently. While a room is in a black hole nothing moves, and what was sent comes
 * after it.
 *
 * Owns:    the links. Threads: one. Addressed by number: a link can go while events name it. */
#pragma once

#include "sim/sim.h"

struct sim_direction {
	uint64_t last_ms; /* arrival of the newest bytes: order is kept */
	size_t pending;   /* bytes on the way */
	bool cut;
	size_t keep; /* of the pending bytes that still arrive, after a cut */
	bool dead;   /* swallows what is sent, tells nobody */
};

struct sim_link {
	struct list link;
	uint64_t id;
	unsigned room;
	uint64_t room_life, server_life;
	bool room_in, server_in;    /* that end is attached */
	bool up;                    /* the handshake is through */
	uint64_t linger_until_ms;   /* nothing reaches the server before */
	uint8_t exporters[3][32];   /* login, setup, enrol: the same at both ends */
	struct sim_direction to[2]; /* [1]: to the server */
};

struct sim_net *sim_net_new(void);
void sim_net_free(struct sim_net *n);

/* A handshake begins; SIM_EV_DIALLED follows. */
struct sim_link *sim_net_dial(struct sim *s, unsigned room, uint64_t room_life);
struct sim_link *sim_net_find(struct sim *s, uint64_t id);
void sim_net_send(struct sim *s, struct sim_link *l, bool to_server, struct view bytes);
/* This end is closed in good order: the other end learns after the bytes. */
void sim_net_end(struct sim *s, struct sim_link *l, bool by_server);
/* The process at this end died. `silent`: its machine too, so nobody says so to the other end. */
void sim_net_die(struct sim *s, struct sim_link *l, bool of_server, bool silent);
void sim_net_cut(struct sim *s, struct sim_link *l);
/* The room learns at once that the conn is gone; what it sent arrives some seconds later, when it
 * may long be back by another conn. */
void sim_net_linger(struct sim *s, struct sim_link *l);
void sim_net_half_open(struct sim *s, struct sim_link *l, bool to_server);
/* Nothing between this room and the server moves for so long. `refuse`: dials fail at once. */
void sim_net_isolate(struct sim *s, unsigned room, uint64_t ms, bool refuse);
void sim_net_heal(struct sim *s);
/* A link of this room with both ends attached, or NULL. */
struct sim_link *sim_net_of_room(struct sim *s, unsigned room);

/* Handlers of SIM_EV_BYTES, SIM_EV_DIALLED, SIM_EV_END. */
void sim_net_on_bytes(struct sim *s, struct sim_event *e);
void sim_net_on_dialled(struct sim *s, struct sim_event *e);
void sim_net_on_end(struct sim *s, struct sim_event *e);
