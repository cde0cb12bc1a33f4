/* sim_server: the server's node: real dialogs, stages and store; threads are events.
 *
 * Finer than tests/support/server_box: each ask is checked at its own moment, the writer's batch
 * is what gathered meanwhile, replies leave later than the commit, and a crash can come between
 * any two. Mirrors server/net/conn.c and engine_jobs.c. */
#pragma once

#include "crypt/secret.h"
#include "server/store/store.h"
#include "sim/sim.h"
#include "sim/sim_crash.h"

struct sim_link;

struct sim_server *sim_server_new(struct sim *s);
void sim_server_free(struct sim *s, struct sim_server *v);
/* Opens the store and loads; after a crash too. */
void sim_server_start(struct sim *s);
/* Throws memory away; `silent` as in sim_net_die. Starts again after `down_ms`. */
void sim_server_crash(struct sim *s, enum sim_death death, uint64_t down_ms, bool silent);
/* In good order: every dialog says SHUTTING_DOWN. */
void sim_server_stop(struct sim *s, uint64_t down_ms);
struct sim_disk *sim_server_disk(struct sim_server *v);
bool sim_server_is_up(const struct sim_server *v);
uint64_t sim_server_life(const struct sim_server *v);
const uint8_t *sim_server_spki(const struct sim_server *v);
struct store *sim_server_store(struct sim_server *v);
struct store_reader *sim_server_reader(struct sim_server *v);
/* `roomkeepd block user`, by the admin, between two batches. */
void sim_server_block(struct sim *s, const char *login);
/* No ask is on its way. */
bool sim_server_is_idle(const struct sim_server *v);

void sim_server_on_up(struct sim *s, struct sim_link *l, const uint8_t room_spki[32]);
void sim_server_on_bytes(struct sim *s, struct sim_link *l, struct view bytes);
void sim_server_on_end(struct sim *s, struct sim_link *l);
void sim_server_on_event(struct sim *s, struct sim_event *e);
uint64_t sim_server_deadline_ms(const struct sim *s);
void sim_server_tick(struct sim *s);
