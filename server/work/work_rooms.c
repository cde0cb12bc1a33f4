/* Rooms: joining by a code, inviting, retiring (SECURITY 2.8). */
#include "base/check.h"
#include "base/cleanup.h"
#include "crypt/join_blob.h"
#include "server/work/work_handlers.h"

/* A code lives 15 minutes by its room's clock; ours may differ by this much more. */
#define INVITE_MS_MAX (60ull * 60u * 1000u)

static enum err enrol_find(struct ask *a, struct store_reader *r, protobuf_c_boolean has_id,
			   ProtobufCBinaryData join_id, struct enrol_checked *c)
{
	ENSURE(has_id, ERR_BAD_FORMAT);
	TRY(wire_id(join_id, &c->join_id));
	const enum err e = store_invite_find(r, &c->join_id, a->wall_ms, &a->arena, &c->invite);
	if (e == ERR_NOT_FOUND || e == ERR_EXPIRED || e == ERR_USED) a->bad = true;
	return e;
}

enum err work_check_enrol_start(struct work *w, struct ask *a, struct store_reader *r)
{
	(void)w;
	const Roomkeep__EnrolStart *m = a->frame->enrol_start;
	return enrol_find(a, r, m->has_join_id, m->join_id, &a->checked->is.enrol);
}

enum err work_reply_enrol_start(struct work *w, struct ask *a)
{
	(void)w;
	const struct store_invite *invite = &a->checked->is.enrol.invite;
	Roomkeep__EnrolBlob blob = ROOMKEEP__ENROL_BLOB__INIT;
	blob.has_join_blob = 1;
	blob.join_blob = wire_bytes(invite->join_blob);
	blob.has_expires_ms = 1;
	blob.expires_ms = invite->expires_ms;
	blob.room_name = reply_text(&a->arena, invite->name);
	blob.room_kind = reply_text(&a->arena, invite->kind);
	ENSURE(blob.room_name != NULL && blob.room_kind != NULL, ERR_NOMEM);
	Roomkeep__Frame frame = reply_frame(a, ROOMKEEP__FRAME__BODY_ENROL_BLOB);
	frame.enrol_blob = &blob;
	return reply_send(a, &frame);
}

enum err work_check_enrol_proof(struct work *w, struct ask *a, struct store_reader *r)
{
	(void)w;
	const Roomkeep__EnrolProof *m = a->frame->enrol_proof;
	struct enrol_checked *c = &a->checked->is.enrol;
	ENSURE(m->has_mac && m->has_room_id, ERR_BAD_FORMAT);
	TRY(wire_id(m->room_id, &c->room_id));
	ENSURE(!id_is_zero(&c->room_id), ERR_BAD_VALUE);
	TRY(enrol_find(a, r, m->has_join_id, m->join_id, c));
	CLEANUP(secret_freep) struct secret *join_mac = NULL;
	TRY(secret_new_copy(VIEW_OF(c->invite.join_mac), &join_mac));
	struct hash32 spki;
	memcpy(spki.b, a->desc.who.peer.spki, sizeof(spki.b));
	const enum err e = enrol_proof_verify(
		join_mac, &spki, VIEW_OF(a->desc.who.peer.exporter_enrol), wire_view(m->mac));
	c->proof_ok = e == ERR_OK;
	return c->proof_ok || e == ERR_AUTH ? ERR_OK : e;
}

static void room_effect(struct ask *a, enum roster_room_state state, struct view name,
			struct view kind)
{
	INSIST(a->effect_count < ASK_EFFECTS_MAX);
	struct ask_effect *f = &a->effects[a->effect_count++];
	*f = (struct ask_effect){ .type = ASK_EFFECT_ROOM };
	f->room.state = state;
	INSIST(name.len < sizeof(f->room.name) && kind.len < sizeof(f->room.kind));
	memcpy(f->room.name, name.p, name.len);
	memcpy(f->room.kind, kind.p, kind.len);
}

/* The list in memory that the write stage trusts; a rollback loads it anew. */
static enum err room_put(struct work *w, const struct id *room_id, bool active)
{
	REQUIRE(pthread_rwlock_wrlock(&w->lock) == 0);
	size_t i = 0;
	while (i < w->room_count && !id_equal(&w->rooms[i].room_id, room_id)) i++;
	if (i == COUNT_OF(w->rooms)) /* a retired one's place: it is as unknown as any other */
		for (i = 0; i < w->room_count && w->rooms[i].active;) i++;
	const bool fits = i < COUNT_OF(w->rooms);
	if (fits) {
		w->rooms[i] = (struct work_room){ .room_id = *room_id, .active = active };
		if (i == w->room_count) w->room_count++;
	}
	REQUIRE(pthread_rwlock_unlock(&w->lock) == 0);
	return fits ? ERR_OK : ERR_FULL;
}

enum err work_write_enrol_proof(struct work *w, struct ask *a, struct store *s)
{
	struct enrol_checked *c = &a->checked->is.enrol;
	if (!c->proof_ok) {
		TRY(store_invite_burn(s, &c->join_id));
		TRY(work_audit(a, s, STORE_EVENT_ROOM_ENROL_FAILED, &c->join_id, ERR_AUTH));
		a->result = ERR_AUTH;
		a->bad = true;
		return ERR_OK;
	}
	struct hash32 spki;
	memcpy(spki.b, a->desc.who.peer.spki, sizeof(spki.b));
	TRY(store_room_enrol(s, &c->join_id, &c->room_id, &spki));
	TRY(work_audit(a, s, STORE_EVENT_ROOM_ENROLLED, &c->room_id, ERR_OK));
	room_effect(a, ROSTER_ACTIVE, c->invite.name, c->invite.kind);
	struct roster_room *room = &a->effects[a->effect_count - 1].room;
	room->room_id = c->room_id;
	memcpy(room->spki, spki.b, sizeof(room->spki));
	return room_put(w, &c->room_id, true);
}

enum err work_check_invite(struct work *w, struct ask *a, struct store_reader *r)
{
	(void)w;
	(void)r;
	const Roomkeep__InviteRoom *m = a->frame->invite_room;
	struct store_invite *invite = &a->checked->is.invite;
	ENSURE(m->has_join_id && m->has_join_mac && m->has_expires_ms && m->has_join_blob,
	       ERR_BAD_FORMAT);
	TRY(work_check_name(m->name, &invite->name));
	invite->kind = view_str(m->kind == NULL ? "treatment" : m->kind);
	ENSURE(view_equal(invite->kind, view_str("treatment")) ||
		       view_equal(invite->kind, view_str("desk")),
	       ERR_BAD_VALUE);
	TRY(wire_id(m->join_id, &invite->join_id));
	ENSURE(m->join_mac.len == sizeof(invite->join_mac), ERR_BAD_FORMAT);
	memcpy(invite->join_mac, m->join_mac.data, sizeof(invite->join_mac));
	ENSURE(m->expires_ms > a->wall_ms, ERR_EXPIRED);
	ENSURE(m->expires_ms - a->wall_ms <= INVITE_MS_MAX, ERR_BAD_VALUE);
	invite->expires_ms = m->expires_ms;
	ENSURE(m->join_blob.len > 0 && m->join_blob.len <= JOIN_BLOB_BYTES_MAX, ERR_TOO_BIG);
	invite->join_blob = wire_view(m->join_blob);
	invite->invited_by = a->desc.who.user_id;
	return ERR_OK;
}

enum err work_write_invite(struct work *w, struct ask *a, struct store *s)
{
	const struct store_invite *invite = &a->checked->is.invite;
	TRY(work_check_who(w, a, s));
	ENSURE((a->desc.who.roles & DIR_OWNER) != 0, ERR_DENIED);
	TRY(store_invite_put(s, invite));
	TRY(work_audit(a, s, STORE_EVENT_ROOM_INVITED, &invite->join_id, ERR_OK));
	room_effect(a, ROSTER_INVITED, invite->name, invite->kind);
	a->effects[a->effect_count - 1].room.expires_ms = invite->expires_ms;
	return ERR_OK;
}

enum err work_check_retire(struct work *w, struct ask *a, struct store_reader *r)
{
	(void)w;
	(void)r;
	struct view name;
	return work_check_name(a->frame->retire_room->name, &name);
}

enum err work_write_retire(struct work *w, struct ask *a, struct store *s)
{
	const struct view name = view_str(a->frame->retire_room->name);
	TRY(work_check_who(w, a, s));
	ENSURE((a->desc.who.roles & DIR_OWNER) != 0, ERR_DENIED);
	struct id room_id;
	TRY(store_room_retire(s, name, &room_id));
	TRY(work_audit(a, s, STORE_EVENT_ROOM_RETIRED, &room_id, ERR_OK));
	struct ask_effect *f = &a->effects[a->effect_count++];
	*f = (struct ask_effect){ .type = ASK_EFFECT_RETIRED };
	memcpy(f->room.name, name.p, name.len);
	if (id_is_zero(&room_id)) return ERR_OK; /* only an invitation */
	return room_put(w, &room_id, false);
}
