#include "server/work/work.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "server/store/store_lockbox.h"
#include "server/work/work_handlers.h"

#include <stdlib.h>

struct work_row {
	enum err (*check)(struct work *w, struct ask *a, struct store_reader *r);
	enum err (*write)(struct work *w, struct ask *a, struct store *s); /* NULL: only reads */
	enum err (*reply)(struct work *w, struct ask *a); /* NULL: Result(ERR_OK) */
};

static const struct work_row work_rows[DIALOG_ASK_KINDS] = {
	[ASK_FOUND_START] = { work_check_found_start, NULL, work_reply_found_start },
	[ASK_FOUND] = { work_check_found, work_write_found, NULL },
	[ASK_ENROL_START] = { work_check_enrol_start, NULL, work_reply_enrol_start },
	[ASK_ENROL_PROOF] = { work_check_enrol_proof, work_write_enrol_proof, NULL },
	[ASK_LOGIN_START] = { work_check_login_start, NULL, work_reply_login_start },
	[ASK_LOGIN_PROOF] = { work_check_login_proof, work_write_login_proof,
			      work_reply_login_proof },
	[ASK_LOGOUT] = { NULL, work_write_logout, NULL },
	[ASK_PUSH] = { work_check_push, work_write_push, work_reply_push },
	[ASK_COURIER_PUSH] = { work_check_courier, work_write_push, work_reply_push },
	[ASK_FETCH] = { work_check_fetch, work_write_fetch, work_reply_fetch },
	[ASK_GET_DIRECTORY] = { work_check_get_directory, NULL, work_reply_get_directory },
	[ASK_ADD_USER] = { work_check_add_user, work_write_add_user, NULL },
	[ASK_PUT_DIRECTORY] = { work_check_put_directory, work_write_put_directory, NULL },
	[ASK_PASSPHRASE_CHANGE] = { work_check_passphrase, work_write_passphrase, NULL },
	[ASK_PUT_VAULT] = { work_check_vault, work_write_vault, NULL },
	[ASK_INVITE_ROOM] = { work_check_invite, work_write_invite, NULL },
	[ASK_RETIRE_ROOM] = { work_check_retire, work_write_retire, NULL },
	[ASK_UNLOCK_LOGIN] = { work_check_unlock, work_write_unlock, NULL },
	[ASK_WATCH_GET] = { work_check_watch, work_write_watch, work_reply_watch },
	[ASK_REVIEW_GET] = { work_check_review, work_write_review, work_reply_review },
	[ASK_OPENINGS_GET] = { work_check_openings, work_write_openings, work_reply_openings },
	[ASK_FEED_PAGE] = { work_check_feed_page, NULL, NULL },
};

/* ---- state ------------------------------------------------------------------------------- */

static enum err work_load_rooms(struct work *w, struct store_reader *r, struct arena *arena)
{
	struct store_room *rooms = NULL;
	size_t count = 0;
	TRY(store_rooms_list(r, 0, arena, &rooms, &count));
	w->room_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (rooms[i].state != STORE_ROOM_ACTIVE) continue;
		ENSURE(w->room_count < COUNT_OF(w->rooms), ERR_FULL);
		w->rooms[w->room_count++] =
			(struct work_room){ .room_id = rooms[i].room_id, .active = true };
	}
	return ERR_OK;
}

/* What an unknown login is answered with must look like everybody's. */
static enum err work_load_accounts(struct work *w, struct store_reader *r, struct arena *arena)
{
	struct store_account *accounts = NULL;
	size_t count = 0;
	TRY(store_accounts_list(r, arena, &accounts, &count));
	ENSURE(count > 0, ERR_CORRUPT);
	w->decoy_id = accounts[0].user_id;
	w->cs_id = 0;
	for (size_t i = 0; i < count; i++) {
		struct blob_head head;
		TRY(blob_parse_head(accounts[i].keyring_blob, &head));
		if (head.cs_id > w->cs_id) w->cs_id = head.cs_id;
	}
	return ERR_OK;
}

static enum err work_load_locked(struct work *w, struct store_reader *r, struct arena *arena)
{
	struct store_clinic clinic;
	const enum err e = store_clinic_get(r, arena, &clinic);
	if (e == ERR_NOT_FOUND) {
		if (w->founded) dir_fini(&w->dir); /* a founding that was rolled back */
		w->founded = false;
		return ERR_OK;
	}
	TRY(e);
	struct directory dir;
	TRY(store_directory_load(r, &dir));
	if (w->founded) dir_fini(&w->dir);
	w->dir = dir;
	w->founded = true;
	w->clinic_id = clinic.clinic_id;
	w->epoch = clinic.epoch;
	TRY(work_load_rooms(w, r, arena));
	return work_load_accounts(w, r, arena);
}

enum err work_load(struct work *w, struct store_reader *r)
{
	CLEANUP(arena_finip) struct arena arena;
	arena_init(&arena, ASK_ARENA_BYTES_MAX);
	REQUIRE(pthread_rwlock_wrlock(&w->lock) == 0);
	const enum err e = work_load_locked(w, r, &arena);
	REQUIRE(pthread_rwlock_unlock(&w->lock) == 0);
	return e;
}

static void work_set_now(struct work *w, const struct store_now *from)
{
	struct ask_now now = { .seq = from->seq, .backed_up_seq = from->backed_up_seq };
	if (from->has_head) {
		const struct audit_head *head = &from->head.head;
		now.head.present = true;
		now.head.epoch = head->epoch;
		now.head.seq = head->seq;
		now.head.time_ms = head->time_ms;
		memcpy(now.head.entry, head->entry.b, sizeof(now.head.entry));
		memcpy(now.head.signature, from->head.signature.b, sizeof(now.head.signature));
	}
	REQUIRE(pthread_rwlock_wrlock(&w->lock) == 0);
	w->now = now;
	REQUIRE(pthread_rwlock_unlock(&w->lock) == 0);
}

enum err work_open(const struct work_options *options, struct store_reader *reader,
		   struct work **ret_work)
{
	CLEANUP(work_closep) struct work *w = calloc(1, sizeof(*w));
	ENSURE(w != NULL, ERR_NOMEM);
	REQUIRE(pthread_rwlock_init(&w->lock, NULL) == 0);
	w->secrets = options->secrets;
	memcpy(w->spki.b, options->server_spki, sizeof(w->spki.b));
	atomic_init(&w->disk_low, false);
	TRY(work_load(w, reader));
	struct store_now now;
	TRY(store_now_read(reader, &now));
	work_set_now(w, &now);
	w->published_seq = w->now.seq;
	*ret_work = TAKE(w);
	return ERR_OK;
}

void work_close(struct work *w)
{
	if (w == NULL) return;
	if (w->founded) dir_fini(&w->dir);
	REQUIRE(pthread_rwlock_destroy(&w->lock) == 0);
	free(w);
}

void work_closep(struct work **w)
{
	work_close(*w);
	*w = NULL;
}

void work_set_disk_low(struct work *w, bool low)
{
	atomic_store(&w->disk_low, low);
}

/* ---- roster ------------------------------------------------------------------------------ */

static enum err work_fill_room(const struct store_room *from, struct roster_room *to)
{
	*to = (struct roster_room){ .room_id = from->room_id };
	ENSURE(from->name.len < sizeof(to->name) && from->kind.len < sizeof(to->kind), ERR_CORRUPT);
	if (from->name.len > 0) memcpy(to->name, from->name.p, from->name.len);
	if (from->kind.len > 0) memcpy(to->kind, from->kind.p, from->kind.len);
	memcpy(to->spki, from->spki.b, sizeof(to->spki));
	switch (from->state) {
	case STORE_ROOM_INVITED:
		to->state = ROSTER_INVITED;
		to->expires_ms = UINT64_MAX; /* alive at start; forgotten at the next one */
		break;
	case STORE_ROOM_ACTIVE: to->state = ROSTER_ACTIVE; break;
	case STORE_ROOM_RETIRED: to->state = ROSTER_RETIRED; break;
	}
	return ERR_OK;
}

static enum err work_roster_rooms(struct store_reader *r, uint64_t wall_ms, struct arena *arena,
				  struct roster *roster)
{
	struct store_room *rooms = NULL;
	size_t count = 0;
	TRY(store_rooms_list(r, wall_ms, arena, &rooms, &count));
	for (size_t i = 0; i < count; i++) {
		struct roster_room room;
		TRY(work_fill_room(&rooms[i], &room));
		TRY(roster_put_room(roster, &room));
	}
	return ERR_OK;
}

static enum err work_roster_people(const struct directory *dir, struct store_reader *r,
				   struct arena *arena, struct roster *roster)
{
	for (size_t i = 0; i < dir->user_count; i++) {
		const struct dir_user *u = &dir->users[i];
		const struct roster_user user = { .user_id = u->id,
						  .roles = u->roles,
						  .active = u->active,
						  .scope_version = u->dir_seq };
		TRY(roster_put_user(roster, &user));
	}
	struct store_account *accounts = NULL;
	size_t count = 0;
	TRY(store_accounts_list(r, arena, &accounts, &count));
	for (size_t i = 0; i < count; i++) {
		const struct store_account *a = &accounts[i];
		TRY(roster_set_keyring_rev(roster, &a->user_id, a->keyring_rev));
		if (a->blocked) TRY(roster_block_user(roster, &a->user_id));
	}
	return ERR_OK;
}

enum err work_load_roster(struct work *w, struct store_reader *reader, uint64_t wall_ms,
			  struct roster *roster)
{
	roster->seq = w->now.seq;
	roster->backed_up_seq = w->now.backed_up_seq;
	roster->head = w->now.head;
	if (!w->founded) return ERR_OK;
	CLEANUP(arena_finip) struct arena arena;
	arena_init(&arena, ASK_ARENA_BYTES_MAX);
	struct store_clinic clinic;
	TRY(store_clinic_get(reader, &arena, &clinic));
	roster->founded = true;
	roster->clinic_id = clinic.clinic_id;
	roster->epoch = clinic.epoch;
	TRY(roster_set_signed(&roster->epoch_record, clinic.epoch_record.body,
			      sign_sig_view(&clinic.epoch_record.signature)));
	TRY(roster_set_signed(&roster->server_record, clinic.server_record.body,
			      sign_sig_view(&clinic.server_record.signature)));
	struct hash32 dir_hash;
	roster->dir_seq = dir_head(&w->dir, &dir_hash);
	memcpy(roster->dir_hash, dir_hash.b, sizeof(roster->dir_hash));
	TRY(work_roster_rooms(reader, wall_ms, &arena, roster));
	struct lockbox box;
	TRY(store_lockbox_load(reader, wall_ms, &arena, &box));
	roster_set_lockbox(roster, &box);
	return work_roster_people(&w->dir, reader, &arena, roster);
}

static void work_apply_founded(const struct ask *a, struct roster *r)
{
	r->founded = true;
	r->clinic_id = a->clinic->clinic_id;
	r->epoch = a->clinic->epoch;
	r->epoch_record = a->clinic->epoch_record;
	r->server_record = a->clinic->server_record;
}

/* The roster's limits are the store's and the directory's: what was committed fits. */
static void work_apply_effect(const struct ask *a, const struct ask_effect *f, struct roster *r)
{
	switch (f->type) {
	case ASK_EFFECT_FOUNDED: work_apply_founded(a, r); break;
	case ASK_EFFECT_ROOM: INSIST(roster_put_room(r, &f->room) == ERR_OK); break;
	case ASK_EFFECT_RETIRED:
		err_ignore(roster_retire_room(r, view_str(f->room.name))); /* gone is gone */
		break;
	case ASK_EFFECT_USER:
		INSIST(roster_put_user(r, &f->user) == ERR_OK);
		if (f->dir_seq > r->dir_seq) {
			r->dir_seq = f->dir_seq;
			memcpy(r->dir_hash, f->dir_hash, sizeof(r->dir_hash));
		}
		break;
	case ASK_EFFECT_KEYRING:
		INSIST(roster_set_keyring_rev(r, &f->user.user_id, f->user.keyring_rev) == ERR_OK);
		break;
	case ASK_EFFECT_LOCKBOX: roster_set_lockbox(r, &a->box); break;
	}
}

bool work_apply(struct ask *a, struct roster *r)
{
	if (!a->committed) return false;
	if (a->now.seq >= r->seq) {
		r->seq = a->now.seq;
		r->head = a->now.head;
		r->backed_up_seq = a->now.backed_up_seq;
	}
	for (size_t i = 0; i < a->effect_count; i++) work_apply_effect(a, &a->effects[i], r);
	return a->effect_count > 0;
}

void work_effect_user(const struct directory *d, const struct id *user_id, struct ask *a)
{
	const struct dir_user *u = dir_user(d, user_id);
	INSIST(u != NULL && a->effect_count < ASK_EFFECTS_MAX);
	struct ask_effect *f = &a->effects[a->effect_count++];
	*f = (struct ask_effect){ .type = ASK_EFFECT_USER };
	f->user = (struct roster_user){ .user_id = u->id,
					.roles = u->roles,
					.active = u->active,
					.scope_version = u->dir_seq };
	struct hash32 hash;
	f->dir_seq = dir_head(d, &hash);
	memcpy(f->dir_hash, hash.b, sizeof(f->dir_hash));
}

struct id work_clinic_id(struct work *w)
{
	REQUIRE(pthread_rwlock_rdlock(&w->lock) == 0);
	const struct id clinic_id = w->clinic_id;
	REQUIRE(pthread_rwlock_unlock(&w->lock) == 0);
	return clinic_id;
}

bool work_find_key(struct work *w, const struct id *user_id, uint64_t g, struct sign_pk *ret_pk)
{
	REQUIRE(pthread_rwlock_rdlock(&w->lock) == 0);
	const struct dir_key *key = w->founded ? dir_key(&w->dir, user_id, g) : NULL;
	if (key != NULL) *ret_pk = key->sign_pk;
	REQUIRE(pthread_rwlock_unlock(&w->lock) == 0);
	return key != NULL;
}

/* ---- who asks ---------------------------------------------------------------------------- */

enum err work_user_may_act(struct work *w, struct store_reader *r, struct arena *arena,
			   const struct id *user_id, bool *ret_may, uint64_t *ret_roles)
{
	*ret_may = false;
	const struct dir_user *u = dir_user(&w->dir, user_id);
	if (u == NULL || !u->active) return ERR_OK;
	struct store_account account;
	const enum err e = store_account_by_id(r, user_id, arena, &account);
	if (e == ERR_NOT_FOUND) return ERR_OK;
	TRY(e);
	if (account.blocked) return ERR_OK;
	*ret_may = true;
	*ret_roles = u->roles;
	return ERR_OK;
}

static bool work_room_is_active(const struct work *w, const struct id *room_id)
{
	for (size_t i = 0; i < w->room_count; i++)
		if (id_equal(&w->rooms[i].room_id, room_id)) return w->rooms[i].active;
	return false;
}

enum err work_check_who(struct work *w, struct ask *a, struct store *s)
{
	const struct dialog_who *who = &a->desc.who;
	if (!who->enrolled || !work_room_is_active(w, &who->room_id)) {
		a->refuse = true;
		a->reason = ROOMKEEP__REFUSE_REASON__RETIRED;
		return ERR_REFUSED;
	}
	if (!who->signed_in) return ERR_OK;
	bool may = false;
	uint64_t roles = 0;
	TRY(work_user_may_act(w, store_as_reader(s), &a->arena, &who->user_id, &may, &roles));
	ENSURE(may, ERR_SIGNED_OUT);
	a->desc.who.roles = roles;
	return ERR_OK;
}

enum err work_audit(struct ask *a, struct store *s, enum store_event_kind kind,
		    const struct id *subject, enum err code)
{
	struct store_event event = { .kind = kind, .code = code };
	if (a->desc.who.signed_in) event.user_id = a->desc.who.user_id;
	if (a->desc.who.enrolled) event.room_id = a->desc.who.room_id;
	if (subject != NULL) event.subject_id = *subject;
	return store_audit(s, &event);
}

/* ---- stages ------------------------------------------------------------------------------ */

void work_check(struct work *w, struct ask *a, struct store_reader *reader)
{
	REQUIRE(a->desc.kind < DIALOG_ASK_KINDS);
	const struct work_row *row = &work_rows[a->desc.kind];
	a->checked = arena_alloc(&a->arena, sizeof(*a->checked));
	if (a->checked == NULL) {
		a->result = ERR_NOMEM;
		return;
	}
	if (a->desc.denied) {
		a->result = ERR_DENIED;
		a->needs_write = true;
		return;
	}
	a->needs_write = row->write != NULL;
	if (row->check == NULL) return;
	a->result = row->check(w, a, reader);
	if (a->result != ERR_OK) a->needs_write = false;
}

/* Undoes the request. What ran out (disk, memory) may have made SQLite give up the whole batch:
 * then it fails for that reason, not for a broken database, and nothing has to stop. */
static enum err work_undo(struct store *store, enum err why)
{
	const enum err e = store_undo(store);
	const bool ran_out = why == ERR_DISK_FULL || why == ERR_NOMEM;
	return e == ERR_STORE && ran_out ? why : e;
}

/* Our own trouble, not the request's: the batch cannot go on. */
static bool work_is_fatal(enum err e)
{
	return e == ERR_IO || e == ERR_STORE || e == ERR_CORRUPT || e == ERR_BUG;
}

enum err work_write(struct work *w, struct ask *a, struct store *store)
{
	REQUIRE(a->needs_write);
	const struct work_row *row = &work_rows[a->desc.kind];
	const bool was_founded = w->founded;
	TRY(store_mark(store));
	enum err e = ERR_OK;
	if (a->desc.denied) {
		a->result = ERR_DENIED;
		e = work_audit(a, store, STORE_EVENT_REFUSED, NULL, ERR_DENIED);
	} else {
		e = row->write(w, a, store);
	}
	if (e == ERR_OK) return ERR_OK;
	a->result = e;
	a->effect_count = 0;
	if (work_is_fatal(e)) return e;
	TRY(work_undo(store, e));
	/* A founding that failed late has loaded what is undone now. */
	return w->founded == was_founded ? ERR_OK : work_load(w, store_as_reader(store));
}

static void work_reply(struct work *w, struct ask *a)
{
	const struct work_row *row = &work_rows[a->desc.kind];
	if (a->desc.kind == ASK_FEED_PAGE || a->desc.kind == ASK_LOGOUT) return;
	enum err e = ERR_OK;
	const bool push = row->reply == work_reply_push;
	if (a->result == ERR_OK || (push && a->result == ERR_DISK_FULL)) {
		e = row->reply != NULL ? row->reply(w, a) : reply_result(a, ERR_OK, 0);
	} else if (a->result == ERR_THROTTLED) {
		e = reply_result(a, a->result, a->checked->is.login.retry_ms);
	} else {
		e = reply_result(a, a->result, 0);
	}
	if (e != ERR_OK && a->result == ERR_OK) {
		a->result = e;
		e = reply_result(a, a->result, 0);
	}
	if (e != ERR_OK) {
		/* Not even an error fits: the room comes back and asks again. */
		buf_clear(&a->reply);
		a->refuse = true;
		a->reason = ROOMKEEP__REFUSE_REASON__REFUSE_UNKNOWN;
	}
}

void work_finish(struct work *w, struct ask *a, enum err commit_err)
{
	if (commit_err != ERR_OK) {
		a->result = commit_err;
		a->effect_count = 0;
	} else {
		REQUIRE(pthread_rwlock_rdlock(&w->lock) == 0);
		a->now = w->now;
		REQUIRE(pthread_rwlock_unlock(&w->lock) == 0);
		a->committed = a->needs_write;
	}
	work_reply(w, a);
}

enum err work_committed(struct work *w, struct store *store)
{
	struct store_now now;
	store_now(store, &now);
	work_set_now(w, &now);
	return ERR_OK;
}

enum err work_rolled_back(struct work *w, struct store *store)
{
	return work_load(w, store_as_reader(store));
}
