#include "server/core/roster.h"

#include "base/check.h"

#include <string.h>

void roster_init(struct roster *r)
{
	*r = (struct roster){ 0 };
}

struct roster_room *roster_room_by_spki(struct roster *r, const uint8_t spki[ROSTER_SPKI_BYTES])
{
	for (size_t i = 0; i < r->room_count; i++) {
		struct roster_room *room = &r->rooms[i];
		if (room->state == ROSTER_INVITED) continue; /* has no key yet */
		if (memcmp(room->spki, spki, ROSTER_SPKI_BYTES) == 0) return room;
	}
	return NULL;
}

struct roster_room *roster_room_by_name(struct roster *r, struct view name)
{
	/* A name can be given again after its room was retired: the living one answers to it. */
	struct roster_room *retired = NULL;
	for (size_t i = 0; i < r->room_count; i++) {
		struct roster_room *room = &r->rooms[i];
		if (!view_equal(view_str(room->name), name)) continue;
		if (room->state != ROSTER_RETIRED) return room;
		retired = room;
	}
	return retired;
}

static size_t roster_count_active(const struct roster *r)
{
	size_t count = 0;
	for (size_t i = 0; i < r->room_count; i++)
		if (r->rooms[i].state == ROSTER_ACTIVE) count++;
	return count;
}

static void roster_remove_room(struct roster *r, size_t index)
{
	r->room_count--;
	for (size_t i = index; i < r->room_count; i++) r->rooms[i] = r->rooms[i + 1];
}

/* A full table forgets its oldest invitation or retired room. What is lost is a word: a forgotten
 * retired key is refused as unknown instead of as retired. */
static void roster_make_space(struct roster *r)
{
	if (r->room_count < ROSTER_ROOMS_MAX) return;
	size_t i = 0;
	while (r->rooms[i].state == ROSTER_ACTIVE) i++;
	INSIST(i < r->room_count);
	roster_remove_room(r, i);
}

enum err roster_put_room(struct roster *r, const struct roster_room *room)
{
	REQUIRE(memchr(room->name, '\0', sizeof(room->name)) != NULL);
	REQUIRE(memchr(room->kind, '\0', sizeof(room->kind)) != NULL);
	struct roster_room *at = roster_room_by_name(r, view_str(room->name));
	if (at != NULL && (at->state == ROSTER_RETIRED || room->state == ROSTER_RETIRED)) at = NULL;
	ENSURE(at == NULL || at->state == ROSTER_INVITED || room->state != ROSTER_INVITED,
	       ERR_EXISTS);
	if (room->state != ROSTER_INVITED) {
		const struct roster_room *same_key = roster_room_by_spki(r, room->spki);
		ENSURE(same_key == NULL || same_key == at, ERR_EXISTS);
	}
	const bool one_more = room->state == ROSTER_ACTIVE &&
			      (at == NULL || at->state != ROSTER_ACTIVE);
	ENSURE(!one_more || roster_count_active(r) < ROOMS_MAX, ERR_FULL);
	if (at == NULL) {
		roster_make_space(r);
		at = &r->rooms[r->room_count++];
		*at = (struct roster_room){ 0 };
	}
	at->room_id = room->room_id;
	memcpy(at->spki, room->spki, sizeof(at->spki));
	memcpy(at->name, room->name, sizeof(at->name));
	memcpy(at->kind, room->kind, sizeof(at->kind));
	at->state = room->state;
	at->expires_ms = room->expires_ms;
	return ERR_OK;
}

enum err roster_retire_room(struct roster *r, struct view name)
{
	struct roster_room *room = roster_room_by_name(r, name);
	ENSURE(room != NULL && room->state != ROSTER_RETIRED, ERR_NOT_FOUND);
	if (room->state == ROSTER_INVITED)
		roster_remove_room(r, (size_t)(room - r->rooms)); /* it never was a room */
	else
		room->state = ROSTER_RETIRED;
	return ERR_OK;
}

uint64_t roster_room_connect(struct roster_room *room, uint64_t conn_id)
{
	REQUIRE(conn_id != 0);
	REQUIRE(room->state == ROSTER_ACTIVE);
	const uint64_t before = room->conn_id == conn_id ? 0 : room->conn_id;
	room->conn_id = conn_id;
	room->user_id = (struct id){ { 0 } };
	return before;
}

void roster_room_disconnect(struct roster_room *room, uint64_t conn_id)
{
	if (room->conn_id != conn_id) return;
	room->conn_id = 0;
	room->user_id = (struct id){ { 0 } };
}

bool roster_room_count_bad(struct roster_room *room, uint64_t now_ms)
{
	for (unsigned i = ROSTER_BAD_FRAMES_MAX - 1; i > 0; i--)
		room->bad_ms[i] = room->bad_ms[i - 1];
	room->bad_ms[0] = now_ms;
	if (room->bad_count < ROSTER_BAD_FRAMES_MAX) room->bad_count++;
	if (room->bad_count < ROSTER_BAD_FRAMES_MAX) return false;
	return now_ms - room->bad_ms[ROSTER_BAD_FRAMES_MAX - 1] < ROSTER_BAD_FRAMES_MS;
}

const char *roster_room_state_text(const struct roster_room *room, uint64_t wall_ms)
{
	switch (room->state) {
	case ROSTER_INVITED: return wall_ms < room->expires_ms ? "invited" : "retired";
	case ROSTER_ACTIVE: return room->conn_id != 0 ? "online" : "offline";
	case ROSTER_RETIRED: return "retired";
	}
	return "retired";
}

static struct roster_user *roster_find_user(struct roster *r, const struct id *user_id)
{
	for (size_t i = 0; i < r->user_count; i++)
		if (id_equal(&r->users[i].user_id, user_id)) return &r->users[i];
	return NULL;
}

const struct roster_user *roster_user(const struct roster *r, const struct id *user_id)
{
	for (size_t i = 0; i < r->user_count; i++)
		if (id_equal(&r->users[i].user_id, user_id)) return &r->users[i];
	return NULL;
}

bool roster_user_may_sign_in(const struct roster *r, const struct id *user_id)
{
	const struct roster_user *user = roster_user(r, user_id);
	return user != NULL && user->active && !user->blocked;
}

enum err roster_put_user(struct roster *r, const struct roster_user *user)
{
	struct roster_user *at = roster_find_user(r, &user->user_id);
	const bool was_blocked = at != NULL && at->blocked;
	const uint64_t known_rev = at != NULL ? at->keyring_rev : 0;
	if (at == NULL) {
		ENSURE(r->user_count < ROSTER_USERS_MAX, ERR_FULL);
		at = &r->users[r->user_count++];
	}
	*at = *user;
	at->blocked = user->blocked || was_blocked;
	if (at->keyring_rev < known_rev) at->keyring_rev = known_rev;
	return ERR_OK;
}

enum err roster_block_user(struct roster *r, const struct id *user_id)
{
	struct roster_user *user = roster_find_user(r, user_id);
	ENSURE(user != NULL, ERR_NOT_FOUND);
	user->blocked = true;
	return ERR_OK;
}

enum err roster_set_keyring_rev(struct roster *r, const struct id *user_id, uint64_t rev)
{
	struct roster_user *user = roster_find_user(r, user_id);
	ENSURE(user != NULL, ERR_NOT_FOUND);
	user->keyring_rev = rev;
	return ERR_OK;
}

uint64_t roster_accounts_version(const struct roster *r)
{
	uint64_t version = 1;
	for (size_t i = 0; i < r->user_count; i++) {
		const struct roster_user *user = &r->users[i];
		if (user->keyring_rev > 1) version += user->keyring_rev - 1;
		if (user->blocked) version++;
	}
	return version;
}

void roster_set_lockbox(struct roster *r, const struct lockbox *box)
{
	REQUIRE(box->bar_count <= LOCKBOX_BARS_MAX);
	REQUIRE(box->opening_count <= LOCKBOX_OPENINGS_MAX);
	for (size_t i = 0; i < box->bar_count; i++) r->bars[i] = box->bars[i];
	for (size_t i = 0; i < box->opening_count; i++) r->openings[i] = box->openings[i];
	r->bar_count = box->bar_count;
	r->opening_count = box->opening_count;
}

struct lockbox roster_lockbox(const struct roster *r)
{
	return (struct lockbox){ .bars = r->bars,
				 .bar_count = r->bar_count,
				 .openings = r->openings,
				 .opening_count = r->opening_count };
}

uint64_t roster_scope(const struct roster *r, const struct roster_user *user, uint64_t wall_ms)
{
	const struct lockbox box = roster_lockbox(r);
	const struct lockbox_reader reader = { .user_id = user->user_id,
					       .roles = user->roles,
					       .now_ms = wall_ms };
	return lockbox_version(&box, &reader, user->scope_version);
}

enum err roster_set_signed(struct roster_signed *s, struct view body, struct view signature)
{
	ENSURE(body.len > 0 && body.len <= sizeof(s->body), ERR_TOO_BIG);
	ENSURE(signature.len == sizeof(s->signature), ERR_BAD_FORMAT);
	memcpy(s->body, body.p, body.len);
	s->body_len = body.len;
	memcpy(s->signature, signature.p, signature.len);
	return ERR_OK;
}
