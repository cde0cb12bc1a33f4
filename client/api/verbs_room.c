#include "client/api/verbs.h"

#include "base/check.h"
#include "net/tcp.h"
#include "record/access.h"
#include "seal/kit.h"
#include "seal/shares.h"
#include "wire/frame.h"
#include "wire/op.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SIGN_IN_ONLINE_MS 15000u
/* With the link down: long enough for a dial that is under way, short enough for a person. */
#define SIGN_IN_OFFLINE_MS 2500u
#define SIGN_IN_STEPS 2u /* begin, prove, finish; what comes behind is learning names */
#define LEARN_MS 2000u

/* ---- status -------------------------------------------------------------------------------- */

static const char *kit_name(enum local_kit kit)
{
	switch (kit) {
	case LOCAL_KIT_NONE: break;
	case LOCAL_KIT_ON_DISK: return "on_disk";
	case LOCAL_KIT_CONFIRMED: return "confirmed";
	}
	return "none";
}

static enum err put_cursor(struct verb *v)
{
	struct local_cursor cursor = { .epoch = local_room(verb_local(v))->epoch.epoch };
	json_t *object = json_object();

	TRY(json_put(v->answer, "cursor", object));
	if (desk_person(v->desk) != NULL) {
		TRY(local_cursor(verb_local(v), verb_vault(v), &cursor));
	}
	if (id_is_zero(&cursor.epoch)) cursor.epoch = local_room(verb_local(v))->epoch.epoch;
	TRY(json_put_id(object, "epoch", &cursor.epoch));
	return json_put(object, "seq", json_integer((json_int_t)cursor.seq));
}

static enum err put_outbox(struct verb *v)
{
	struct local_counts counts;

	TRY(local_counts(verb_local(v), &counts));
	return json_put(v->answer, "outbox",
			json_pack("{s:I, s:I, s:I, s:I}", "queued", (json_int_t)counts.queued,
				  "committed", (json_int_t)counts.committed, "rejected",
				  (json_int_t)counts.rejected, "quarantined",
				  (json_int_t)counts.quarantined));
}

static enum err put_alarms(struct verb *v)
{
	const uint64_t raised = local_alarms(verb_local(v));
	json_t *list = json_array();

	TRY(json_put(v->answer, "alarms", list));
	for (int a = 1; a < LOCAL_ALARM_COUNT; a++) {
		if ((raised >> a & 1u) == 0) continue;
		const char *name = local_alarm_name((enum local_alarm)a);
		ENSURE(json_array_append_new(list, json_string(name)) == 0, ERR_NOMEM);
	}
	return ERR_OK;
}

enum err verb_status(struct verb *v)
{
	const struct local_room *room = local_room(verb_local(v));
	const bool someone = desk_person(v->desk) != NULL;

	TRY(json_put(v->answer, "link", json_string(sync_link_name(v->link.link))));
	TRY(json_put(v->answer, "reason",
		     v->link.reason == SYNC_REASON_NONE
			     ? json_null()
			     : json_string(sync_reason_name(v->link.reason))));
	TRY(json_put_time(v->answer, "since", v->link.changed_ms));
	TRY(json_put(v->answer, "mode", json_string(someone ? "signed_in" : "courier")));
	TRY(json_put(v->answer, "user", someone ? json_string(verb_vault(v)->login) : json_null()));
	TRY(put_outbox(v));
	TRY(put_cursor(v));
	TRY(json_put(v->answer, "room", json_string(room->name)));
	TRY(json_put(v->answer, "clinic", json_string(room->clinic_name)));
	TRY(json_put(v->answer, "server", json_string(room->address)));
	TRY(json_put(v->answer, "kit",
		     room->kit == LOCAL_KIT_NONE ? json_null() : json_string(kit_name(room->kit))));
	TRY(json_put(v->answer, "locks_memory", json_boolean(secret_memory_locks())));
	return put_alarms(v);
}

/* The agent waits around this one: it runs it again when something was sent (agent.h). */
enum err verb_sync(struct verb *v)
{
	v->effects.now = v->link.link != SYNC_LINK_ONLINE || v->step == 0;
	return put_outbox(v);
}

/* ---- learning names -------------------------------------------------------------------------- */

enum err verb_learn_begin(struct verb *v)
{
	Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;
	Roomkeep__ListRooms list = ROOMKEEP__LIST_ROOMS__INIT;

	frame.body_case = ROOMKEEP__FRAME__BODY_LIST_ROOMS;
	frame.list_rooms = &list;
	return verb_ask(v, &frame, SYNC_NEEDS_PERSON, LEARN_MS);
}

static enum err ask_directory(struct verb *v, uint64_t after_seq)
{
	Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;
	Roomkeep__GetDirectory get = ROOMKEEP__GET_DIRECTORY__INIT;

	get.has_after_dir_seq = 1;
	get.after_dir_seq = after_seq;
	frame.body_case = ROOMKEEP__FRAME__BODY_GET_DIRECTORY;
	frame.get_directory = &get;
	return verb_ask(v, &frame, SYNC_NEEDS_PERSON, LEARN_MS);
}

static bool logins_are_known(struct verb *v)
{
	const struct directory *dir = local_directory(verb_local(v));

	for (size_t i = 0; i < dir->user_count; i++) {
		if (local_login_of(verb_local(v), &dir->users[i].id)[0] == '\0') return false;
	}
	return true;
}

static enum err learn_logins(struct verb *v, const Roomkeep__Directory *page)
{
	struct dir_entry last;
	bool more = false;

	TRY(feed_apply_directory(verb_local(v), buf_view(&v->reply), v->now_ms, &more));
	if (page->n_items == 0 || v->step > VERB_STEPS_MAX) return ERR_OK;
	TRY(dir_entry_parse(wire_view(page->items[page->n_items - 1]->entry), &last));
	return ask_directory(v, last.dir_seq);
}

static enum err learn_reply(struct verb *v)
{
	CLEANUP(arena_finip) struct arena arena;
	Roomkeep__Frame *frame = NULL;

	arena_init(&arena, FRAME_PARSE_BYTES_MAX);
	TRY(frame_decode(&arena, buf_view(&v->reply), &frame));
	if (frame->body_case == ROOMKEEP__FRAME__BODY_DIRECTORY) {
		return learn_logins(v, frame->directory);
	}
	TRY(verb_learn_rooms(v, buf_view(&v->reply)));
	return logins_are_known(v) ? ERR_OK : ask_directory(v, 0);
}

enum err verb_learn_more(struct verb *v)
{
	if (v->reply_err != ERR_OK) return ERR_OK;
	const enum err e = learn_reply(v);
	return e == ERR_IO || e == ERR_DISK_FULL ? e : ERR_OK;
}

enum err verb_learn(struct verb *v)
{
	return v->step == 0 ? verb_learn_begin(v) : verb_learn_more(v);
}

/* ---- signing in and out -------------------------------------------------------------------- */

static void sign_in_state_free(void *state)
{
	desk_sign_in_free(state);
}

static enum err sign_in_begin(struct verb *v)
{
	const char *login = NULL;
	const char *passphrase = NULL;
	struct sign_in *state = NULL;

	TRY(verb_need_text(v, "login", &login));
	TRY(verb_need_text(v, "passphrase", &passphrase));
	verb_lock(v); /* sign-in over another person signs that one out first */
	const enum err e =
		desk_sign_in_begin(v->desk, login, view_str(passphrase), &state, &v->ask);
	if (e == ERR_BAD_VALUE || e == ERR_BAD_TEXT || e == ERR_TOO_BIG) {
		/* Not what any passphrase or login looks like: the answer is that of a wrong
		 * one. */
		return fault_set(&v->fault, ERR_AUTH, "login_failed",
				 "that name and passphrase do not match");
	}
	TRY(e);
	v->state = state;
	v->state_free = sign_in_state_free;
	v->ask_needs = SYNC_NEEDS_LINK;
	v->ask_timeout_ms = SIGN_IN_ONLINE_MS;
	if (v->link.link != SYNC_LINK_ONLINE) {
		v->ask_timeout_ms = SIGN_IN_OFFLINE_MS;
		v->effects.now = true;
	}
	return ERR_OK;
}

static enum err sign_in_done(struct verb *v, bool online)
{
	const struct vault *vault = verb_vault(v);
	const struct dir_user *user = dir_user(local_directory(verb_local(v)), &vault->user_id);

	v->effects.person_in = true;
	v->effects.person = vault->user_id;
	memcpy(v->effects.login, vault->login, sizeof(v->effects.login));
	TRY(json_put(v->answer, "user", json_string(vault->login)));
	TRY(json_put_id(v->answer, "user_id", &vault->user_id));
	TRY(json_put(v->answer, "name", user != NULL ? json_string(user->name) : json_null()));
	TRY(verb_put_roles(v->answer, "roles", user != NULL ? user->roles : 0));
	return json_put(v->answer, "online", json_boolean(online));
}

static enum err sign_in_failed(struct verb *v, enum err e, uint64_t wait_ms)
{
	if (e == ERR_AUTH || e == ERR_DENIED) {
		return fault_set(&v->fault, ERR_AUTH, "login_failed",
				 "that name and passphrase do not match");
	}
	if (e == ERR_THROTTLED) {
		err_ignore(fault_set(&v->fault, e, NULL, "too many tries"));
		return fault_hint(&v->fault, "Wait %llu seconds",
				  (unsigned long long)((wait_ms + 999) / 1000));
	}
	if (e == ERR_NOT_FOUND || e == ERR_EXPIRED) {
		err_ignore(fault_set(&v->fault, ERR_DENIED, "needs_server",
				     "the first sign-in on this machine needs the server"));
		return fault_hint(&v->fault, "Who signed in here online in the last 30 days can "
					     "sign in without it, for 14 days");
	}
	if (e == ERR_KDF_FLOOR) {
		return fault_set(
			&v->fault, e, NULL,
			"the server asked for weaker passphrase hashing; nothing was sent");
	}
	return e;
}

static enum err sign_in_offline(struct verb *v)
{
	uint64_t wait_ms = 0;
	const enum err e = desk_sign_in_offline(v->desk, v->state, v->now_ms, &wait_ms);

	if (e != ERR_OK) return sign_in_failed(v, e, wait_ms);
	return sign_in_done(v, false);
}

static enum err sign_in_prove(struct verb *v)
{
	const enum err e =
		desk_sign_in_prove(v->desk, v->state, buf_view(&v->reply), &v->reply_conn, &v->ask);
	if (e != ERR_OK) return sign_in_failed(v, e, 0);
	v->ask_needs = SYNC_NEEDS_LINK;
	v->ask_timeout_ms = SIGN_IN_ONLINE_MS;
	v->ask_serial = v->reply_conn.serial;
	return ERR_OK;
}

static enum err sign_in_finish(struct verb *v)
{
	verb_lock(v); /* somebody else may have been faster */
	const enum err e = desk_sign_in_finish(v->desk, v->state, buf_view(&v->reply), v->now_ms,
					       &v->effects.cursor);
	if (e != ERR_OK) {
		v->effects.person_out = true; /* the server took the sign-in: undo it there */
		return sign_in_failed(v, e, 0);
	}
	v->effects.serial = v->reply_conn.serial;
	TRY(sign_in_done(v, true));
	return verb_learn_begin(v);
}

static bool is_link_trouble(enum err e)
{
	return e == ERR_OFFLINE || e == ERR_TIMEOUT || e == ERR_REFUSED || e == ERR_CLOSED ||
	       e == ERR_TLS || e == ERR_TRUNCATED;
}

enum err verb_sign_in(struct verb *v)
{
	if (v->step == 0) return sign_in_begin(v);
	if (v->step > SIGN_IN_STEPS) return verb_learn_more(v); /* signed in; names are a nicety */
	if (is_link_trouble(v->reply_err)) return sign_in_offline(v);
	if (v->reply_err == ERR_THROTTLED) return verb_fail_server(v);
	if (v->reply_err != ERR_OK) return sign_in_failed(v, v->reply_err, 0);
	return v->step == 1 ? sign_in_prove(v) : sign_in_finish(v);
}

enum err verb_lock_room(struct verb *v)
{
	const bool someone = desk_person(v->desk) != NULL;

	verb_lock(v);
	TRY(json_put(v->answer, "locked", json_boolean(someone)));
	return json_put(v->answer, "user", json_null());
}

enum err verb_set_server(struct verb *v)
{
	const char *address = NULL;

	TRY(verb_need_text(v, "address", &address));
	if (tcp_address_check(address) != ERR_OK || strlen(address) > LOCAL_ADDRESS_BYTES_MAX) {
		return fault_set(&v->fault, ERR_USAGE, "usage", "an address is HOST:PORT");
	}
	TRY(local_set_address(verb_local(v), address));
	v->effects.redial = true;
	return json_put(v->answer, "address", json_string(address));
}

/* ---- the paper kit ------------------------------------------------------------------------- */

struct typed_shares {
	struct share shares[RECOVERY_SHARES_MAX];
	size_t count;
};

static void typed_shares_finip(struct typed_shares *t)
{
	for (size_t i = 0; i < t->count; i++) share_fini(&t->shares[i]);
}

/* One typed text: a share, or a whole page of the kit with a share in it. */
static enum err read_share(struct verb *v, const char *text, struct typed_shares *t)
{
	struct view code = view_str(text);
	enum code_fault fault = CODE_NONE;

	if (t->count == RECOVERY_SHARES_MAX) return ERR_FULL;
	if (kit_page_find(code, KIT_RECOVERY_SHARE, &code) != ERR_OK) code = view_str(text);
	const enum err e = share_parse(code, &t->shares[t->count], &fault);
	if (e == ERR_BAD_VALUE || e == ERR_VERSION) {
		return fault_set(
			&v->fault, ERR_BAD_VALUE, "bad_share", "share %zu: %s", t->count + 1,
			fault == CODE_NONE ? "this is no recovery share" : code_fault_text(fault));
	}
	TRY(e);
	t->count++;
	return ERR_OK;
}

static enum err check_shares(struct verb *v, const struct typed_shares *t)
{
	const struct policy *policy = &local_room(verb_local(v))->policy;
	CLEANUP(secret_freep) struct secret *key = NULL;
	size_t bad = 0;

	const enum err e = shares_combine(t->shares, t->count, SHARE_X25519,
					  box_pk_view(&policy->crk_pk), &key, &bad);
	if (e == ERR_MORE) {
		err_ignore(fault_set(&v->fault, ERR_BAD_VALUE, "more_shares",
				     "%zu different shares are not enough", t->count));
		return fault_hint(&v->fault, "%llu of %llu are needed",
				  (unsigned long long)policy->k, (unsigned long long)policy->n);
	}
	if (e == ERR_CONFLICT || e == ERR_EXISTS || e == ERR_AUTH) {
		return fault_set(&v->fault, ERR_BAD_VALUE, "bad_share",
				 "share %zu is not right: %s", bad + 1,
				 e == ERR_EXISTS     ? "it was given before"
				 : e == ERR_CONFLICT ? "it belongs to another kit"
						     : "it does not give this clinic's key");
	}
	return e;
}

/* Is a file of the kit still in the folder it was written to? A folder that is gone is fine: it was
 * on a stick, or it was deleted. */
static enum err check_files_gone(struct verb *v, const char *folder)
{
	DIR *dir = opendir(folder);
	unsigned left = 0;

	if (dir == NULL) return errno == ENOENT || errno == ENOTDIR ? ERR_OK : ERR_DENIED;
	/* glibc's readdir is safe on a stream that one thread has. */
	/* cppcheck-suppress readdirCalled */
	for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
		if (strncmp(entry->d_name, "roomkeep-kit-", 13) == 0) left++;
	}
	if (closedir(dir) != 0) return ERR_DENIED;
	if (left == 0) return ERR_OK;
	err_ignore(fault_set(&v->fault, ERR_EXISTS, "kit_on_disk",
			     "the shares are right, but %u files of the kit are still on disk",
			     left));
	return fault_hint(&v->fault, "Print them, hand them out, delete them, then confirm again");
}

enum err verb_confirm_kit(struct verb *v)
{
	CLEANUP(typed_shares_finip) struct typed_shares typed = { 0 };
	const json_t *list = json_object_get(v->request, "shares");
	const struct local_room *room = local_room(verb_local(v));

	if (room->kit == LOCAL_KIT_NONE) {
		return fault_set(&v->fault, ERR_NOT_FOUND, NULL,
				 "the kit was not made in this room");
	}
	if (!json_is_array(list)) {
		return fault_set(&v->fault, ERR_USAGE, "usage", "shares are missing");
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		ENSURE(text != NULL, ERR_USAGE);
		TRY(read_share(v, text, &typed));
	}
	TRY(check_shares(v, &typed));
	TRY(check_files_gone(v, room->kit_folder));
	TRY(local_set_kit(verb_local(v), LOCAL_KIT_CONFIRMED));
	return json_put(v->answer, "kit", json_string("confirmed"));
}
