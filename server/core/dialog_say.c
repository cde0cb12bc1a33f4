#include "base/check.h"
#include "base/cleanup.h"
#include "server/core/dialog_internal.h"
#include "wire/frame.h"
#include "wire/op.h"

#include <stdlib.h>

static void dialog_say(struct dialog *d, const Roomkeep__Frame *frame, struct dialog_actions *out)
{
	if (frame_encode(frame, &out->send) != ERR_OK) dialog_drop(d, out);
}

static Roomkeep__Frame dialog_frame(uint64_t request)
{
	Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;
	frame.has_request = 1;
	frame.request = request;
	return frame;
}

void dialog_say_result(struct dialog *d, uint64_t request, enum err err, struct dialog_actions *out)
{
	Roomkeep__Result result = ROOMKEEP__RESULT__INIT;
	result.has_code = 1;
	result.code = err;
	Roomkeep__Frame frame = dialog_frame(request);
	frame.body_case = ROOMKEEP__FRAME__BODY_RESULT;
	frame.result = &result;
	dialog_say(d, &frame, out);
}

/* Whose sealed keyring a room may have a copy of that is good no more (SECURITY 2.6, 2.7). */
struct dialog_accounts {
	Roomkeep__AccountState states[ROSTER_USERS_MAX];
	Roomkeep__AccountState *list[ROSTER_USERS_MAX];
	size_t count;
};

/* `*ret` stays NULL for a room that knows them by this number already. */
static enum err dialog_list_accounts(const struct roster *r, uint64_t known,
				     struct dialog_accounts **ret)
{
	if (known == roster_accounts_version(r)) return ERR_OK;
	struct dialog_accounts *a = calloc(1, sizeof(*a));
	ENSURE(a != NULL, ERR_NOMEM);
	for (size_t i = 0; i < r->user_count; i++) {
		const struct roster_user *user = &r->users[i];
		if (user->keyring_rev <= 1 && !user->blocked) continue;
		Roomkeep__AccountState *state = &a->states[a->count];
		roomkeep__account_state__init(state);
		state->has_user_id = 1;
		state->user_id = wire_id_bytes(&user->user_id);
		state->has_keyring_rev = 1;
		state->keyring_rev = user->keyring_rev;
		state->has_blocked = 1;
		state->blocked = user->blocked;
		a->list[a->count++] = state;
	}
	*ret = a;
	return ERR_OK;
}

void dialog_say_pong(struct dialog *d, uint64_t request, const Roomkeep__Ping *ping,
		     uint64_t wall_ms, struct dialog_actions *out)
{
	CLEANUP(freep) struct dialog_accounts *accounts = NULL;
	if (dialog_list_accounts(d->roster, ping->accounts, &accounts) != ERR_OK) {
		dialog_drop(d, out);
		return;
	}
	Roomkeep__Pong pong = ROOMKEEP__PONG__INIT;
	pong.has_time_ms = 1;
	pong.time_ms = wall_ms;
	pong.has_backed_up_seq = 1;
	pong.backed_up_seq = d->roster->backed_up_seq;
	pong.has_dir_seq = 1;
	pong.dir_seq = d->roster->dir_seq;
	pong.has_accounts = 1;
	pong.accounts = roster_accounts_version(d->roster);
	if (accounts != NULL) {
		pong.n_account = accounts->count;
		pong.account = accounts->list;
	}
	Roomkeep__Frame frame = dialog_frame(request);
	frame.body_case = ROOMKEEP__FRAME__BODY_PONG;
	frame.pong = &pong;
	dialog_say(d, &frame, out);
}

/* What a ScopeChange says of the lock-box; ids are borrowed from the roster until it is packed. */
struct dialog_withheld {
	Roomkeep__Withheld bars[LOCKBOX_BARS_MAX];
	Roomkeep__Withheld *bar_list[LOCKBOX_BARS_MAX];
	Roomkeep__WithheldOpen opens[LOCKBOX_OPENINGS_MAX];
	Roomkeep__WithheldOpen *open_list[LOCKBOX_OPENINGS_MAX];
};

static void dialog_fill_bars(const struct dialog *d, const struct lockbox_reader *reader,
			     struct dialog_withheld *w, Roomkeep__ScopeChange *change)
{
	const struct lockbox box = roster_lockbox(d->roster);
	change->withheld = w->bar_list;
	for (size_t i = 0; i < box.bar_count; i++) {
		const struct lockbox_bar *bar = &box.bars[i];
		if (!lockbox_bar_stands(bar, reader)) continue;
		Roomkeep__Withheld *to = &w->bars[change->n_withheld];
		roomkeep__withheld__init(to);
		to->has_patient_id = to->has_scope = to->has_since_ms = 1;
		to->patient_id = wire_id_bytes(&bar->patient_id);
		to->scope = (uint32_t)bar->scope;
		to->since_ms = bar->from_ms;
		to->has_item_id = !id_is_zero(&bar->item_id);
		if (to->has_item_id) to->item_id = wire_id_bytes(&bar->item_id);
		w->bar_list[change->n_withheld++] = to;
	}
}

static void dialog_fill_opens(const struct dialog *d, const struct lockbox_reader *reader,
			      struct dialog_withheld *w, Roomkeep__ScopeChange *change)
{
	const struct lockbox box = roster_lockbox(d->roster);
	change->open = w->open_list;
	for (size_t i = 0; i < box.opening_count; i++) {
		const struct lockbox_opening *o = &box.openings[i];
		if (!lockbox_opening_holds(o, reader)) continue;
		Roomkeep__WithheldOpen *to = &w->opens[change->n_open];
		roomkeep__withheld_open__init(to);
		to->has_patient_id = to->has_until_ms = 1;
		to->patient_id = wire_id_bytes(&o->patient_id);
		to->until_ms = o->until_ms;
		w->open_list[change->n_open++] = to;
	}
}

void dialog_say_scope_change(struct dialog *d, uint64_t wall_ms, struct dialog_actions *out)
{
	Roomkeep__ScopeChange change = ROOMKEEP__SCOPE_CHANGE__INIT;
	const struct lockbox_reader reader = { .user_id = d->user_id,
					       .roles = d->roles,
					       .now_ms = wall_ms };
	struct dialog_withheld *w = NULL;
	change.has_scope_version = 1;
	change.scope_version = d->scope_version;
	if (d->roster->bar_count > 0) {
		w = calloc(1, sizeof(*w));
		if (w == NULL) {
			dialog_drop(d, out);
			return;
		}
		dialog_fill_bars(d, &reader, w, &change);
		dialog_fill_opens(d, &reader, w, &change);
	}
	Roomkeep__Frame frame = dialog_frame(0);
	frame.body_case = ROOMKEEP__FRAME__BODY_SCOPE_CHANGE;
	frame.scope_change = &change;
	dialog_say(d, &frame, out);
	free(w);
}

static void dialog_fill_signed(const struct roster_signed *from, Roomkeep__Signed *to)
{
	roomkeep__signed__init(to);
	to->has_body = 1;
	to->body = wire_bytes(view_of(from->body, from->body_len));
	to->has_signature = 1;
	to->signature = wire_bytes(VIEW_OF(from->signature));
}

static void dialog_fill_head(const struct roster_head *from, Roomkeep__SignedHead *to)
{
	roomkeep__signed_head__init(to);
	to->has_epoch = 1;
	to->epoch = wire_id_bytes(&from->epoch);
	to->has_seq = 1;
	to->seq = from->seq;
	to->has_entry = 1;
	to->entry = wire_bytes(VIEW_OF(from->entry));
	to->has_time_ms = 1;
	to->time_ms = from->time_ms;
	to->has_signature = 1;
	to->signature = wire_bytes(VIEW_OF(from->signature));
}

/* A machine that is no room learns whether it may found or join, and which clinic it is. */
void dialog_say_welcome(struct dialog *d, uint64_t request, const Roomkeep__Hello *hello,
			uint32_t proto, uint64_t wall_ms, struct dialog_actions *out)
{
	const struct roster *r = d->roster;
	CLEANUP(freep) struct dialog_accounts *accounts = NULL;
	if (dialog_list_accounts(r, hello->accounts, &accounts) != ERR_OK) {
		dialog_drop(d, out);
		return;
	}
	Roomkeep__Welcome welcome = ROOMKEEP__WELCOME__INIT;
	Roomkeep__Signed epoch_record;
	Roomkeep__Signed server_record;
	Roomkeep__SignedHead head;
	welcome.has_proto = 1;
	welcome.proto = proto;
	welcome.has_time_ms = 1;
	welcome.time_ms = wall_ms;
	welcome.has_founded = 1;
	welcome.founded = r->founded;
	welcome.has_enrolled = 1;
	welcome.enrolled = dialog_state(d) == DIALOG_COURIER;
	if (r->founded) {
		welcome.has_clinic_id = 1; /* a join blob is bound to it */
		welcome.clinic_id = wire_id_bytes(&r->clinic_id);
	}
	if (welcome.enrolled) {
		dialog_fill_signed(&r->epoch_record, &epoch_record);
		dialog_fill_signed(&r->server_record, &server_record);
		welcome.epoch_record = &epoch_record;
		welcome.server_record = &server_record;
		welcome.has_backed_up_seq = 1;
		welcome.backed_up_seq = r->backed_up_seq;
		welcome.has_dir_seq = 1;
		welcome.dir_seq = r->dir_seq;
		welcome.has_dir_hash = 1;
		welcome.dir_hash = wire_bytes(VIEW_OF(r->dir_hash));
		welcome.has_accounts = 1;
		welcome.accounts = roster_accounts_version(r);
		if (accounts != NULL) {
			welcome.n_account = accounts->count;
			welcome.account = accounts->list;
		}
		if (r->head.present) {
			dialog_fill_head(&r->head, &head);
			welcome.head = &head;
		}
	}
	Roomkeep__Frame frame = dialog_frame(request);
	frame.body_case = ROOMKEEP__FRAME__BODY_WELCOME;
	frame.welcome = &welcome;
	dialog_say(d, &frame, out);
}

void dialog_say_rooms(struct dialog *d, uint64_t request, uint64_t wall_ms,
		      struct dialog_actions *out)
{
	const struct roster *r = d->roster;
	Roomkeep__RoomInfo info[ROSTER_ROOMS_MAX];
	Roomkeep__RoomInfo *list[ROSTER_ROOMS_MAX];
	for (size_t i = 0; i < r->room_count; i++) {
		const struct roster_room *room = &r->rooms[i];
		roomkeep__room_info__init(&info[i]);
		if (room->state != ROSTER_INVITED) {
			info[i].has_room_id = 1;
			info[i].room_id = wire_id_bytes(&room->room_id);
		}
		info[i].name = wire_text(room->name);
		info[i].kind = wire_text(room->kind);
		info[i].state = wire_text(roster_room_state_text(room, wall_ms));
		list[i] = &info[i];
	}
	Roomkeep__Rooms rooms = ROOMKEEP__ROOMS__INIT;
	rooms.n_rooms = r->room_count;
	rooms.rooms = list;
	Roomkeep__Frame frame = dialog_frame(request);
	frame.body_case = ROOMKEEP__FRAME__BODY_ROOMS;
	frame.rooms = &rooms;
	dialog_say(d, &frame, out);
}

void dialog_drop(struct dialog *d, struct dialog_actions *out)
{
	dialog_leave(d);
	out->close = true;
}

void dialog_refuse(struct dialog *d, Roomkeep__RefuseReason reason, struct dialog_actions *out)
{
	Roomkeep__Refuse refuse = ROOMKEEP__REFUSE__INIT;
	refuse.has_reason = 1;
	refuse.reason = reason;
	Roomkeep__Frame frame = dialog_frame(0);
	frame.body_case = ROOMKEEP__FRAME__BODY_REFUSE;
	frame.refuse = &refuse;
	/* Without memory it closes all the same, only without saying why. */
	err_ignore(frame_encode(&frame, &out->send));
	d->metrics->refused++;
	dialog_leave(d);
	out->close = true;
	out->reason = reason;
}
