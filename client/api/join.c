#include "client/api/join.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "client/api/home.h"
#include "client/api/kit_files.h"
#include "client/core/sync.h"
#include "client/net/call.h"
#include "client/store/people.h"
#include "net/loop.h"
#include "net/tcp.h"
#include "wire/frame.h"
#include "wire/op.h"

#include <stdlib.h>
#include <string.h>

/* One joining under way. */
struct join {
	struct fault *fault; /* borrowed */
	const char *address; /* borrowed from the request */
	struct home home;
	struct tls_identity id; /* owned */
	struct local *local;    /* owned */
	struct call *call;      /* owned */
	struct hash32 server;   /* SPKI of the TLS peer */
	struct buf reply;       /* owned */
};

static void join_finip(struct join *j)
{
	call_close(j->call);
	local_close(j->local);
	tls_identity_fini(&j->id);
	home_close(&j->home);
	buf_fini(&j->reply);
}

/* ---- failing in words ---------------------------------------------------------------------- */

static enum err fail_connect(struct join *j, enum err e)
{
	if (e == ERR_BAD_VALUE) {
		return fault_set(j->fault, ERR_USAGE, "usage", "an address is HOST:PORT");
	}
	if (e == ERR_NOMEM) return e;
	err_ignore(fault_set(j->fault, ERR_OFFLINE, "offline", "the server cannot be reached%s%s",
			     e == ERR_OFFLINE ? "" : ": ", e == ERR_OFFLINE ? "" : err_text(e)));
	return fault_hint(j->fault, "Is roomkeepd serving at that address?");
}

static const char *refusal_text(Roomkeep__RefuseReason reason)
{
	switch (reason) {
	case ROOMKEEP__REFUSE_REASON__TOO_OLD: return "this program is too old for the server";
	case ROOMKEEP__REFUSE_REASON__TOO_NEW: return "this program is too new for the server";
	case ROOMKEEP__REFUSE_REASON__WRONG_CLINIC: return "this room belongs to another clinic";
	case ROOMKEEP__REFUSE_REASON__NOT_ENROLLED: return "the server does not know this room";
	case ROOMKEEP__REFUSE_REASON__RETIRED: return "this room was retired";
	case ROOMKEEP__REFUSE_REASON__TOO_MANY: return "the server has too many connections";
	case ROOMKEEP__REFUSE_REASON__SHUTTING_DOWN: return "the server is shutting down";
	case ROOMKEEP__REFUSE_REASON__REFUSE_UNKNOWN:
	case ROOMKEEP__REFUSE_REASON__WRONG_EPOCH:
	case ROOMKEEP__REFUSE_REASON__BAD_FRAME:
	case ROOMKEEP__REFUSE_REASON__FRAME_TOO_BIG:
	case ROOMKEEP__REFUSE_REASON__STALLED:
	case _ROOMKEEP__REFUSE_REASON_IS_INT_SIZE: break;
	}
	return "the server refused the talk";
}

/* What the server said no to, or why the talk ended. */
static enum err fail_talk(struct join *j, enum err e)
{
	if (e == ERR_NOMEM) return e;
	if (e == ERR_REFUSED) {
		return fault_set(j->fault, ERR_DENIED, "refused", "%s",
				 refusal_text(call_refused(j->call)));
	}
	if (e == ERR_AUTH || e == ERR_DENIED || e == ERR_NOT_FOUND || e == ERR_USED ||
	    e == ERR_EXPIRED) {
		err_ignore(fault_set(j->fault, ERR_DENIED, "code_refused",
				     "the server does not take this code"));
		return fault_hint(j->fault,
				  "A code is good once and not for long; a wrong try burns "
				  "it. Ask for a new one");
	}
	if (e == ERR_OFFLINE || e == ERR_TIMEOUT || e == ERR_CLOSED || e == ERR_TRUNCATED ||
	    e == ERR_TLS || e == ERR_PROTO || e == ERR_CANCELED) {
		return fail_connect(j, e);
	}
	return fault_set(j->fault, e, NULL, "the server said no: %s", err_text(e));
}

static enum err fail_code(struct join *j, enum err e, enum code_fault why)
{
	if (e != ERR_BAD_VALUE) return e;
	return fault_set(j->fault, e, "bad_code", "%s", code_fault_text(why));
}

static enum err fail_home(struct join *j, enum err e)
{
	if (e == ERR_BUSY) {
		j->fault->err = ERR_OK;
		err_ignore(
			fault_set(j->fault, e, "home_in_use", "an agent is running in this home"));
		j->fault->exit = EXIT_UNREACHABLE;
		return e;
	}
	if (e == ERR_DENIED) {
		return fault_set(j->fault, ERR_CONFIG, "home_not_private",
				 "the home or a file in it is open to others, or not ours");
	}
	return e;
}

/* ---- the talk ------------------------------------------------------------------------------ */

static const char *text_of(const json_t *request, const char *key)
{
	const char *text = json_text_of(request, key);

	return text != NULL ? text : "";
}

/* Before a folder is made for it: a wrong call changes nothing. */
static enum err join_address(struct join *j)
{
	return tcp_address_check(j->address) == ERR_OK ? ERR_OK : fail_connect(j, ERR_BAD_VALUE);
}

static enum err join_home(struct join *j, const char *path)
{
	enum err e = home_open(path, true, &j->home);

	if (e == ERR_OK) e = home_identity(&j->home, true, &j->id);
	if (e == ERR_OK) e = local_open(path, rand_system(), &j->local);
	if (e != ERR_OK) return fail_home(j, e);
	if (local_room(j->local)->state != LOCAL_READY) return ERR_OK;
	return fault_set(j->fault, ERR_EXISTS, "joined_already",
			 "this home belongs to a clinic already");
}

static enum err join_connect(struct join *j)
{
	const enum err e = call_open(j->address, &j->id, &j->call);

	if (e != ERR_OK) return fail_connect(j, e);
	memcpy(j->server.b, call_peer(j->call)->b, sizeof(j->server.b));
	return ERR_OK;
}

static enum err join_ask(struct join *j, struct view body)
{
	const enum err e = call_ask(j->call, body, &j->reply);

	return e == ERR_OK ? ERR_OK : fail_talk(j, e);
}

static enum err pack(const Roomkeep__Frame *frame, struct buf *out)
{
	const size_t len = roomkeep__frame__get_packed_size(frame);

	TRY(buf_reserve(out, len));
	INSIST(roomkeep__frame__pack(frame, out->p) == len);
	out->len = len;
	return ERR_OK;
}

/* Hello; with ids when this room was half joined. `*ret_known`: the server has this room. */
static enum err say_hello(struct join *j, bool with_ids, bool *ret_known)
{
	CLEANUP(arena_finip) struct arena arena;
	CLEANUP(buf_finip) struct buf body = { 0 };
	const struct local_room *room = local_room(j->local);
	Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;
	Roomkeep__Hello hello = ROOMKEEP__HELLO__INIT;
	char build[] = "roomkeep";

	arena_init(&arena, FRAME_PARSE_BYTES_MAX);
	hello.has_proto_min = hello.has_proto_max = 1;
	hello.proto_min = SYNC_PROTO_MIN;
	hello.proto_max = SYNC_PROTO_MAX;
	hello.build = build;
	if (with_ids) {
		hello.has_clinic_id = hello.has_room_id = hello.has_epoch = 1;
		hello.clinic_id = wire_id_bytes(&room->clinic_id);
		hello.room_id = wire_id_bytes(&room->room_id);
		hello.epoch = wire_id_bytes(&room->epoch.epoch);
	}
	frame.body_case = ROOMKEEP__FRAME__BODY_HELLO;
	frame.hello = &hello;
	TRY(pack(&frame, &body));
	TRY(join_ask(j, buf_view(&body)));
	Roomkeep__Frame *reply = NULL;
	TRY(frame_decode(&arena, buf_view(&j->reply), &reply));
	ENSURE(reply->body_case == ROOMKEEP__FRAME__BODY_WELCOME, ERR_PROTO);
	*ret_known = reply->welcome->has_enrolled && reply->welcome->enrolled;
	return ERR_OK;
}

/* Did an earlier try get through, only its answer was lost? Without an answer to this nothing is
 * done: a second founding would make the first one's kit worthless. */
static enum err was_taken(struct join *j, bool *ret_taken)
{
	bool known = false;

	TRY(join_connect(j));
	if (!people_server_is_pinned(j->local, &j->server)) {
		return fault_set(j->fault, ERR_AUTH, "foreign_server",
				 "this is not the server of the try before");
	}
	const enum err e = say_hello(j, true, &known);
	if (e == ERR_DENIED) *j->fault = (struct fault){ 0 }; /* it does not know us: not taken */
	ENSURE(e == ERR_OK || e == ERR_DENIED, e);
	*ret_taken = known;
	if (known) return ERR_OK;
	call_close(j->call);
	j->call = NULL;
	return ERR_OK;
}

static enum err join_exporter(struct join *j, const char *label, uint8_t ret[EXPORTER_BYTES])
{
	const enum err e = call_export(j->call, label, ret);

	return e == ERR_OK ? ERR_OK : fail_talk(j, e);
}

/* ---- founding ------------------------------------------------------------------------------ */

struct founder {
	struct join j;
	struct found_options options;
	struct founding founding;
	struct setup_code code;
	char *kit_path; /* owned; real path */
};

static void founder_finip(struct founder *f)
{
	founding_fini(&f->founding);
	setup_code_fini(&f->code);
	free(f->kit_path);
	join_finip(&f->j);
}

static enum err founder_check(struct founder *f, const char *code)
{
	enum passphrase_fault weak = PASSPHRASE_NONE;
	enum code_fault typo = CODE_NONE;
	struct record_error error = { .err = ERR_OK };

	enum err e = setup_code_parse(view_str(code), &f->code, &typo);
	if (e != ERR_OK) return fail_code(&f->j, e, typo);
	e = found_check(&f->options, &weak, &error);
	if (e == ERR_OK) return ERR_OK;
	if (weak != PASSPHRASE_NONE) {
		return fault_set(f->j.fault, e, "bad_passphrase", "%s",
				 passphrase_fault_text(weak));
	}
	if (error.err == ERR_OK) return e;
	return fault_set(f->j.fault, e, NULL, "%s: %s", error.field != NULL ? error.field : "found",
			 error.allowed);
}

static enum err fail_kit_folder(struct founder *f, enum err e, const char *folder)
{
	if (e == ERR_OK || e == ERR_NOMEM) return e;
	if (e == ERR_USAGE) {
		err_ignore(fault_set(f->j.fault, e, "usage",
				     "the kit's folder must be outside the home"));
		return fault_hint(f->j.fault, "--kit /media/usb/kit, or any folder elsewhere");
	}
	err_ignore(fault_set(f->j.fault, e, NULL, "the kit's folder %.160s cannot be used: %s",
			     folder, err_text(e)));
	return fault_hint(f->j.fault, "The folder above it must exist and be yours to write");
}

static enum err founder_kit_folder(struct founder *f, const char *folder)
{
	return fail_kit_folder(f, kit_folder_prepare(folder, f->j.home.path, &f->kit_path), folder);
}

static enum err founder_write_kit(struct founder *f)
{
	for (unsigned i = 0; i < f->founding.kit_count; i++) {
		const enum err e = kit_file_write(f->kit_path, i, f->founding.kit_pages[i]);
		if (e == ERR_OK) continue;
		kit_files_remove(f->kit_path, i);
		if (e == ERR_EXISTS) {
			err_ignore(fault_set(f->j.fault, e, "kit_exists",
					     "a kit lies in that folder already"));
			return fault_hint(f->j.fault, "Delete it if it is from a try that failed");
		}
		return fault_set(f->j.fault, e, NULL, "the kit cannot be written: %s", err_text(e));
	}
	return ERR_OK;
}

/* Is the server that answered the one whose terminal printed the code? Before anything is sent. */
static enum err founder_connect(struct founder *f)
{
	TRY(join_connect(&f->j));
	if (setup_code_names(&f->code, &f->j.server)) return ERR_OK;
	return fault_set(f->j.fault, ERR_AUTH, "foreign_server",
			 "this is not the server that printed the code");
}

static enum err founder_talk(struct founder *f, const char *code, uint64_t now_ms)
{
	CLEANUP(buf_finip) struct buf body = { 0 };
	uint8_t exporter[EXPORTER_BYTES];
	Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;
	Roomkeep__FoundStart start = ROOMKEEP__FOUND_START__INIT;
	bool known = false;

	TRY(founder_connect(f));
	TRY(say_hello(&f->j, false, &known));
	frame.body_case = ROOMKEEP__FRAME__BODY_FOUND_START;
	frame.found_start = &start;
	TRY(pack(&frame, &body));
	TRY(join_ask(&f->j, buf_view(&body)));
	TRY(join_exporter(&f->j, EXPORTER_LABEL_SETUP, exporter));
	const struct found_server server = {
		.setup_code = view_str(code),
		.spki = f->j.server,
		.exporter = VIEW_OF(exporter),
		.found_info = buf_view(&f->j.reply),
	};
	TRY(found_make(f->j.local, &f->options, &server, now_ms, &f->founding));
	TRY(founder_write_kit(f));
	const enum err e = join_ask(&f->j, buf_view(&f->founding.frame));
	/* Without a clear no the server may have taken it: then the kit is needed. */
	if (e == ERR_DENIED || e == ERR_BAD_VALUE || e == ERR_EXISTS || e == ERR_BAD_TEXT) {
		kit_files_remove(f->kit_path, f->founding.kit_count);
	}
	return e;
}

/* After a try that was cut off. The kit of a try that the server did not take opens nothing. */
static enum err founder_again(struct founder *f, bool *ret_taken)
{
	const struct local_room *room = local_room(f->j.local);

	TRY(was_taken(&f->j, ret_taken));
	if (!*ret_taken) kit_files_remove(room->kit_folder, (unsigned)room->policy.n);
	return ERR_OK;
}

static enum err founder_answer(struct founder *f, json_t *answer)
{
	const struct local_room *room = local_room(f->j.local);
	const struct directory *dir = local_directory(f->j.local);
	json_t *files = json_array();

	TRY(json_put(answer, "kit_files", files));
	for (unsigned i = 0; i < (unsigned)room->policy.n; i++) {
		char name[KIT_FILE_NAME_BYTES];
		kit_file_name(i, name);
		json_t *path = json_sprintf("%s/%s", f->kit_path, name);
		ENSURE(json_array_append_new(files, path) == 0, ERR_NOMEM);
	}
	TRY(json_put(answer, "kit", json_string(f->kit_path)));
	TRY(json_put(answer, "holders", json_integer((json_int_t)room->policy.n)));
	TRY(json_put(answer, "needed", json_integer((json_int_t)room->policy.k)));
	TRY(json_put(answer, "clinic", json_string(room->clinic_name)));
	TRY(json_put_id(answer, "clinic_id", &room->clinic_id));
	TRY(json_put(answer, "room", json_string(room->name)));
	TRY(json_put_id(answer, "room_id", &room->room_id));
	TRY(json_put_id(answer, "user_id", dir->user_count > 0 ? &dir->users[0].id : NULL));
	return json_put(answer, "login", json_string(f->options.login));
}

enum err join_found(const char *home_path, const json_t *request, json_t *answer,
		    struct fault *fault)
{
	CLEANUP(founder_finip) struct founder f = { .j = { .fault = fault, .home = { .fd = -1 } } };
	const char *code = text_of(request, "code");
	const char *kit = text_of(request, "kit");
	const uint64_t now_ms = loop_wall_ms();

	f.j.address = text_of(request, "server");
	f.options = (struct found_options){
		.clinic_name = text_of(request, "clinic"),
		.owner_name = text_of(request, "owner"),
		.login = text_of(request, "login"),
		.room_name = text_of(request, "room"),
		.address = f.j.address,
		.kit_folder = kit, /* its real path once it exists */
		.passphrase = view_str(text_of(request, "passphrase")),
		.k = 2,
		.n = 3,
	};
	TRY(founder_check(&f, code));
	TRY(join_address(&f.j));
	/* Before a home is made for a call that cannot go through. */
	TRY(fail_kit_folder(&f, kit_folder_check(kit, home_path), kit));
	TRY(join_home(&f.j, home_path));
	TRY(founder_kit_folder(&f, kit));
	f.options.kit_folder = f.kit_path;
	bool taken = false;
	if (local_room(f.j.local)->state == LOCAL_FOUNDING) TRY(founder_again(&f, &taken));
	if (!taken) TRY(founder_talk(&f, code, now_ms));
	TRY(found_done(f.j.local, now_ms));
	return founder_answer(&f, answer);
}

/* ---- enrolling ----------------------------------------------------------------------------- */

static void enrolment_freep(struct enrolment **e)
{
	enrolment_free(*e);
	*e = NULL;
}

static enum err enrol_talk(struct join *j, struct enrolment *e, struct view start, uint64_t now_ms)
{
	CLEANUP(buf_finip) struct buf proof = { 0 };
	uint8_t exporter[EXPORTER_BYTES];
	struct hash32 own;
	bool known = false;

	memcpy(own.b, j->id.spki.b, sizeof(own.b));
	TRY(join_connect(j));
	TRY(say_hello(j, false, &known));
	TRY(join_ask(j, start));
	TRY(join_exporter(j, EXPORTER_LABEL_ENROL, exporter));
	const enum err proved = enrol_prove(j->local, e, buf_view(&j->reply), &j->server, &own,
					    VIEW_OF(exporter), j->address, now_ms, &proof);
	if (proved == ERR_AUTH) {
		return fault_set(j->fault, proved, "foreign_server",
				 "this is not the clinic's server, or the code is not its code");
	}
	if (proved == ERR_EXPIRED) return fail_talk(j, proved);
	TRY(proved);
	return join_ask(j, buf_view(&proof));
}

enum err join_enrol(const char *home_path, const json_t *request, json_t *answer,
		    struct fault *fault)
{
	CLEANUP(join_finip) struct join j = { .fault = fault, .home = { .fd = -1 } };
	CLEANUP(enrolment_freep) struct enrolment *e = NULL;
	CLEANUP(buf_finip) struct buf start = { 0 };
	enum code_fault typo = CODE_NONE;
	const uint64_t now_ms = loop_wall_ms();

	j.address = text_of(request, "server");
	const enum err read = enrol_start(view_str(text_of(request, "code")), &typo, &e, &start);
	if (read != ERR_OK) return fail_code(&j, read, typo);
	TRY(join_address(&j));
	TRY(join_home(&j, home_path));
	bool taken = false;
	if (local_room(j.local)->state == LOCAL_ENROLLING) TRY(was_taken(&j, &taken));
	if (!taken) TRY(enrol_talk(&j, e, buf_view(&start), now_ms));
	TRY(enrol_done(j.local, now_ms));
	const struct local_room *room = local_room(j.local);
	TRY(json_put(answer, "room", json_string(room->name)));
	TRY(json_put_id(answer, "room_id", &room->room_id));
	TRY(json_put(answer, "kind", json_string(room->kind)));
	TRY(json_put(answer, "clinic", json_string(room->clinic_name)));
	return json_put_id(answer, "clinic_id", &room->clinic_id);
}
