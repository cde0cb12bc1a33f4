#include "client/api/verbs.h"

#include "base/check.h"
#include "cli/words.h"
#include "client/store/people.h"
#include "record/access.h"
#include "wire/frame.h"

#include <stdlib.h>
#include <string.h>

/* ---- own passphrase ------------------------------------------------------------------------ */

static void swap_free(void *state)
{
	passphrase_swap_free(state);
}

enum err verb_set_passphrase(struct verb *v)
{
	enum passphrase_fault fault = PASSPHRASE_NONE;
	struct passphrase_swap *swap = NULL;
	const char *old = NULL;
	const char *chosen = NULL;

	if (v->step == 0) {
		TRY(verb_need_text(v, "passphrase", &old));
		TRY(verb_need_text(v, "new_passphrase", &chosen));
		const enum err e = people_passphrase(verb_local(v), verb_vault(v), view_str(old),
						     view_str(chosen), &v->ask, &swap, &fault);
		if (e == ERR_AUTH) {
			return fault_set(&v->fault, e, "wrong_passphrase",
					 "that is not your passphrase");
		}
		if (e != ERR_OK) return verb_fail_passphrase(v, e, fault);
		v->state = swap;
		v->state_free = swap_free;
		v->ask_needs = SYNC_NEEDS_PERSON;
		return ERR_OK;
	}
	if (v->reply_err != ERR_OK) return verb_fail_server(v);
	/* The swap is used up by the call, whatever it returns. */
	TRY(people_passphrase_done(verb_local(v), verb_vault(v), v->state));
	return json_put(v->answer, "user", json_string(verb_vault(v)->login));
}

/* ---- people -------------------------------------------------------------------------------- */

/* The frame that was sent, kept so that the room applies the very bytes the server took. */
static void sent_free(void *state)
{
	struct buf *sent = state;

	buf_wipe(sent);
	buf_fini(sent);
	free(sent);
}

static enum err keep_sent(struct verb *v)
{
	struct buf *sent = calloc(1, sizeof(*sent));

	ENSURE(sent != NULL, ERR_NOMEM);
	v->state = sent;
	v->state_free = sent_free;
	v->ask_needs = SYNC_NEEDS_PERSON;
	return buf_append(sent, buf_view(&v->ask));
}

static enum err apply_sent(struct verb *v)
{
	if (v->reply_err == ERR_EXISTS) {
		return fault_set(&v->fault, ERR_EXISTS, "login_taken", "that login is taken");
	}
	if (v->reply_err != ERR_OK) return verb_fail_server(v);
	return people_sent(verb_local(v), buf_view(v->state), v->now_ms);
}

static enum err read_roles(struct verb *v, uint64_t *ret_roles)
{
	const json_t *list = json_object_get(v->request, "roles");
	uint64_t roles = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		uint64_t role = 0;
		const char *name = json_string_value(json_array_get(list, i));
		if (name == NULL || access_role_parse(view_str(name), &role) != ERR_OK) {
			return fault_set(
				&v->fault, ERR_USAGE, "usage",
				"a role is owner, therapist, desk, admin, lead or student");
		}
		roles |= role;
	}
	if (roles == 0) return fault_set(&v->fault, ERR_USAGE, "usage", "roles is missing");
	*ret_roles = roles;
	return ERR_OK;
}

static enum err put_user(struct verb *v, json_t *object, const struct dir_user *user)
{
	const char *login = local_login_of(verb_local(v), &user->id);

	TRY(json_put_id(object, "user_id", &user->id));
	TRY(json_put(object, "login", login[0] != '\0' ? json_string(login) : json_null()));
	TRY(json_put(object, "name", json_string(user->name)));
	TRY(verb_put_roles(object, "roles", user->roles));
	return json_put(object, "state", json_string(user->active ? "active" : "disabled"));
}

static enum err put_changed_user(struct verb *v, const struct id *user_id, const char *login)
{
	const struct dir_user *user = dir_user(local_directory(verb_local(v)), user_id);

	ENSURE(user != NULL, ERR_BUG);
	TRY(put_user(v, v->answer, user));
	return json_put(v->answer, "login", json_string(login));
}

enum err verb_add_user(struct verb *v)
{
	enum passphrase_fault fault = PASSPHRASE_NONE;
	struct record_error error = { .err = ERR_OK };
	struct new_user u = { 0 };
	struct id user_id = { { 0 } };
	const char *passphrase = NULL;

	TRY(verb_need_text(v, "name", &u.name));
	TRY(verb_need_text(v, "login", &u.login));
	TRY(verb_need_text(v, "new_passphrase", &passphrase));
	TRY(read_roles(v, &u.roles));
	if (v->step > 0) {
		TRY(apply_sent(v));
		TRY(id_parse(view_str(verb_text(v, "_user_id")), &user_id));
		return put_changed_user(v, &user_id, u.login);
	}
	if (local_user_by_login(verb_local(v), u.login, &user_id) == ERR_OK) {
		return fault_set(&v->fault, ERR_EXISTS, "login_taken", "that login is taken");
	}
	u.passphrase = view_str(passphrase);
	const enum err e =
		people_add(verb_local(v), verb_vault(v), &u, &v->ask, &user_id, &fault, &error);
	if (e == ERR_BAD_VALUE && fault != PASSPHRASE_NONE)
		return verb_fail_passphrase(v, e, fault);
	if (e == ERR_DENIED) {
		return fault_set(&v->fault, e, NULL, "only an owner may add people");
	}
	if (e != ERR_OK) return verb_fail_record(v, e, &error);
	TRY(json_put_id(v->request, "_user_id", &user_id)); /* for the next step */
	return keep_sent(v);
}

/* The login that was probably meant, or NULL. */
static const char *near_login(struct verb *v, const char *typed)
{
	const struct directory *dir = local_directory(verb_local(v));
	struct words_best best = WORDS_BEST_NONE;

	for (size_t i = 0; i < dir->user_count; i++)
		words_offer(&best, typed, local_login_of(verb_local(v), &dir->users[i].id));
	return best.word;
}

static enum err find_user(struct verb *v, const char *login, struct id *ret_id)
{
	const enum err e = local_user_by_login(verb_local(v), login, ret_id);

	if (e != ERR_NOT_FOUND) return e;
	err_ignore(fault_set(&v->fault, e, NULL, "nobody has that login"));
	const char *meant = near_login(v, login);
	if (meant != NULL) return fault_hint(&v->fault, "Did you mean %s?", meant);
	return fault_hint(&v->fault, "roomkeep list users shows the logins");
}

static enum err fail_disable(struct verb *v)
{
	err_ignore(fault_set(&v->fault, ERR_DENIED, NULL, "that person cannot be disabled by you"));
	return fault_hint(&v->fault, "An owner does this; the last owner cannot go");
}

enum err verb_disable_user(struct verb *v)
{
	const char *login = NULL;
	struct id user_id;

	TRY(verb_need_text(v, "login", &login));
	TRY(find_user(v, login, &user_id));
	if (v->step > 0) {
		if (v->reply_err == ERR_DENIED) return fail_disable(v);
		TRY(apply_sent(v));
		return put_changed_user(v, &user_id, login);
	}
	const enum err e = people_disable(verb_local(v), verb_vault(v), &user_id, &v->ask);
	if (e == ERR_DENIED) return fail_disable(v);
	TRY(e);
	return keep_sent(v);
}

/* The server counts the tries, so only it can forget them. */
enum err verb_unlock_user(struct verb *v)
{
	const char *login = NULL;
	struct id user_id;

	TRY(verb_need_text(v, "login", &login));
	TRY(find_user(v, login, &user_id));
	if (v->step == 0) {
		Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;
		Roomkeep__UnlockLogin unlock = ROOMKEEP__UNLOCK_LOGIN__INIT;
		CLEANUP(freep) char *copy = strdup(login);
		ENSURE(copy != NULL, ERR_NOMEM);
		unlock.handle = copy;
		frame.body_case = ROOMKEEP__FRAME__BODY_UNLOCK_LOGIN;
		frame.unlock_login = &unlock;
		return verb_ask(v, &frame, SYNC_NEEDS_PERSON, 0);
	}
	if (v->reply_err == ERR_DENIED) {
		return fault_set(&v->fault, ERR_DENIED, NULL, "only an owner may unlock a login");
	}
	if (v->reply_err != ERR_OK) return verb_fail_server(v);
	TRY(json_put_id(v->answer, "user_id", &user_id));
	return json_put(v->answer, "login", json_string(login));
}

enum err verb_list_users(struct verb *v)
{
	const struct directory *dir = local_directory(verb_local(v));
	json_t *list = json_array();

	TRY(json_put(v->answer, "users", list));
	for (size_t i = 0; i < dir->user_count; i++) {
		json_t *object = json_object();
		ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
		TRY(put_user(v, object, &dir->users[i]));
	}
	return ERR_OK;
}

/* ---- rooms --------------------------------------------------------------------------------- */

static void code_free(void *state)
{
	secret_free(state);
}

static enum err invite_begin(struct verb *v, const char *name)
{
	struct secret *code = NULL;
	const char *kind = verb_has(v, "kind") ? verb_text(v, "kind") : "treatment";

	if (strcmp(kind, "treatment") != 0 && strcmp(kind, "desk") != 0) {
		return fault_set(&v->fault, ERR_USAGE, "usage", "kind is treatment or desk");
	}
	const enum err e =
		people_invite(verb_local(v), verb_vault(v), name, kind, v->now_ms, &v->ask, &code);
	if (e == ERR_DENIED) return fault_set(&v->fault, e, NULL, "only an owner may invite rooms");
	if (e == ERR_BAD_VALUE || e == ERR_BAD_TEXT || e == ERR_TOO_BIG) {
		return fault_set(&v->fault, e, NULL, "name: one line of text, up to 200 bytes");
	}
	TRY(e);
	v->state = code;
	v->state_free = code_free;
	v->ask_needs = SYNC_NEEDS_PERSON;
	return ERR_OK;
}

enum err verb_invite_room(struct verb *v)
{
	const char *name = NULL;

	TRY(verb_need_text(v, "name", &name));
	if (v->step == 0) return invite_begin(v, name);
	if (v->reply_err == ERR_EXISTS) {
		return fault_set(&v->fault, ERR_EXISTS, "name_taken", "a room has that name");
	}
	if (v->reply_err != ERR_OK) return verb_fail_server(v);
	const struct secret *code = v->state;
	TRY(json_put(v->answer, "join_code", json_string(secret_text(code))));
	TRY(json_put(v->answer, "name", json_string(name)));
	return json_put(v->answer, "server", json_string(local_room(verb_local(v))->address));
}

/* The names are those of the last look at the server, which may be a while ago. */
static enum err fail_room_name(struct verb *v, const char *typed)
{
	struct words_best best = WORDS_BEST_NONE;

	for (size_t i = 0; i < v->room_names->count; i++) {
		const char *name = v->room_names->rooms[i].name;
		if (strcmp(typed, name) != 0) words_offer(&best, typed, name);
	}
	err_ignore(fault_set(&v->fault, ERR_NOT_FOUND, NULL, "no room has that name"));
	if (best.word != NULL) return fault_hint(&v->fault, "Did you mean \"%s\"?", best.word);
	return fault_hint(&v->fault, "roomkeep list rooms shows the names");
}

enum err verb_retire_room(struct verb *v)
{
	const char *text = NULL;

	TRY(verb_need_text(v, "name", &text));
	if (v->step == 0) {
		Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;
		Roomkeep__RetireRoom retire = ROOMKEEP__RETIRE_ROOM__INIT;
		CLEANUP(freep) char *copy = strdup(text);
		ENSURE(copy != NULL, ERR_NOMEM);
		retire.name = copy;
		frame.body_case = ROOMKEEP__FRAME__BODY_RETIRE_ROOM;
		frame.retire_room = &retire;
		return verb_ask(v, &frame, SYNC_NEEDS_PERSON, 0);
	}
	if (v->reply_err == ERR_NOT_FOUND) return fail_room_name(v, text);
	if (v->reply_err == ERR_DENIED) {
		return fault_set(&v->fault, ERR_DENIED, NULL, "only an owner may retire rooms");
	}
	if (v->reply_err != ERR_OK) return verb_fail_server(v);
	TRY(json_put(v->answer, "name", json_string(text)));
	return json_put(v->answer, "state", json_string("retired"));
}

static enum err put_room(json_t *list, const Roomkeep__RoomInfo *info)
{
	json_t *object = json_object();
	struct id id;

	ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
	const bool has_id = info->has_room_id &&
			    id_from_view(view_of(info->room_id.data, info->room_id.len), &id) ==
				    ERR_OK;
	TRY(json_put_id(object, "room_id", has_id ? &id : NULL));
	TRY(json_put(object, "name", info->name != NULL ? json_string(info->name) : json_null()));
	TRY(json_put(object, "kind", info->kind != NULL ? json_string(info->kind) : json_null()));
	return json_put(object, "state",
			info->state != NULL ? json_string(info->state) : json_null());
}

enum err verb_list_rooms(struct verb *v)
{
	CLEANUP(arena_finip) struct arena arena;
	Roomkeep__Frame *frame = NULL;

	arena_init(&arena, FRAME_PARSE_BYTES_MAX);
	if (v->step == 0) {
		Roomkeep__Frame ask = ROOMKEEP__FRAME__INIT;
		Roomkeep__ListRooms list = ROOMKEEP__LIST_ROOMS__INIT;
		ask.body_case = ROOMKEEP__FRAME__BODY_LIST_ROOMS;
		ask.list_rooms = &list;
		return verb_ask(v, &ask, SYNC_NEEDS_PERSON, 0);
	}
	if (v->reply_err != ERR_OK) return verb_fail_server(v);
	TRY(verb_learn_rooms(v, buf_view(&v->reply)));
	TRY(frame_decode(&arena, buf_view(&v->reply), &frame));
	json_t *list = json_array();
	TRY(json_put(v->answer, "rooms", list));
	for (size_t i = 0; i < frame->rooms->n_rooms; i++) {
		TRY(put_room(list, frame->rooms->rooms[i]));
	}
	return ERR_OK;
}
