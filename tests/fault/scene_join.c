/* Founding, enrolling, adding a person: done as their verbs do, again after each fault. */
#include "world.h"

#include "crypt/proof.h"

#include <string.h>

static bool said_done; /* the verb reported success */

/* ---- founding ------------------------------------------------------------------------------ */

static enum err found_frame(struct box_conn *c, struct founding *f)
{
	CLEANUP(buf_finip) struct buf body = { 0 };
	CLEANUP(buf_finip) struct buf info = { 0 };
	Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;
	Roomkeep__FoundStart start = ROOMKEEP__FOUND_START__INIT;
	const struct found_options o = found_words();
	bool known = false;
	frame.has_request = true;
	frame.request = 2;
	frame.body_case = ROOMKEEP__FRAME__BODY_FOUND_START;
	frame.found_start = &start;
	TRY(fw_hello(c, NULL, &known));
	TRY(body_encode(&frame, &body));
	TRY(fw_talk(c, buf_view(&body), &info));
	const struct found_server s = { .setup_code = secret_view(fw.w->setup),
					.spki = { { 77 } },
					.exporter = VIEW_OF(box_conn_peer(c)->exporter_setup),
					.found_info = buf_view(&info) };
	return found_make(fw_room(0)->local, &o, &s, fw.w->wall, f);
}

static enum err found_talk(struct box_conn *c)
{
	CLEANUP(buf_finip) struct buf reply = { 0 };
	struct founding f = { 0 };
	enum err e = found_frame(c, &f);
	if (e == ERR_OK) e = fw_talk(c, buf_view(&f.frame), &reply);
	founding_fini(&f);
	return e;
}

/* As client/api/join: a half-done founding asks first whether it got through. */
static enum err was_taken(size_t k, bool *ret_taken)
{
	struct room *r = fw_room(k);
	struct box_conn *c = server_box_connect(fw.w->box, r->spki);
	ENSURE(c != NULL, ERR_NOMEM);
	const enum err e = fw_hello(c, local_room(r->local), ret_taken);
	server_box_disconnect(fw.w->box, c);
	return e == ERR_DENIED ? ERR_OK : e; /* it does not know us: not taken */
}

static enum err found(void)
{
	struct room *r = fw_room(0);
	const struct hash32 spki = { { 77 } };
	bool taken = false;
	if (fw.w->setup == NULL)
		TRY(setup_new_code(server_box_store(fw.w->box), &spki, fw.w->wall, &fw.w->setup));
	if (r->local == NULL) TRY(local_open(r->folder, fw.w->rand, &r->local));
	if (local_room(r->local)->state == LOCAL_FOUNDING) TRY(was_taken(0, &taken));
	if (!taken) {
		struct box_conn *c = server_box_connect(fw.w->box, r->spki);
		ENSURE(c != NULL, ERR_NOMEM);
		const enum err e = found_talk(c);
		server_box_disconnect(fw.w->box, c);
		TRY(e);
	}
	TRY(found_done(r->local, fw.w->wall));
	said_done = true;
	return ERR_OK;
}

/* The verb is run again by a new process, if it did not succeed; a server that broke starts. */
static void room_forget(struct room *r)
{
	local_close(r->local);
	r->local = NULL;
	if (!server_box_broken(fw.w->box)) return;
	server_box_close(fw.w->box);
	fw.w->box = NULL;
	world_server_open(fw.w);
}

/* A verb that failed may have got to the end all the same: then the room belongs to the clinic. */
static void join_again(size_t k, enum err (*join)(void))
{
	struct room *r = fw_room(k);
	if (r->local == NULL) FAULT_OK(local_open(r->folder, fw.w->rand, &r->local));
	FAULT_CHECK(!said_done || local_room(r->local)->state == LOCAL_READY);
	if (local_room(r->local)->state != LOCAL_READY) FAULT_OK(join());
}

static void check_found(enum err e)
{
	struct room *r = fw_room(0);
	(void)e;
	room_forget(r);
	join_again(0, found);
	room_start(r);
	FAULT_CHECK(sync_link_now(r->sync) == SYNC_LINK_ONLINE);
	FAULT_OK(room_sign_in(r, "jo", JO_PASS));
	FAULT_CHECK(local_alarms(r->local) == 0);
}

static void set_found(void)
{
	said_done = false;
	fw_set_empty();
}

/* ---- enrolling ----------------------------------------------------------------------------- */

static struct secret *join_code;

static void set_enrol(void)
{
	CLEANUP(buf_finip) struct buf frame = { 0 };
	said_done = false;
	fw_set_clinic();
	struct room *owner = fw_room(0);
	FAULT_OK(people_invite(owner->local, &owner->desk.vault, "Room 3", "treatment", fw.w->wall,
			       &frame, &join_code));
	FAULT_OK(room_ask(owner, buf_view(&frame)));
}

static enum err enrol_talk(struct box_conn *c)
{
	CLEANUP(buf_finip) struct buf frame = { 0 };
	CLEANUP(buf_finip) struct buf reply = { 0 };
	struct room *r = fw_room(2);
	struct enrolment *en = NULL;
	const struct hash32 server = { { 77 } };
	struct hash32 own;
	bool known = false;
	memcpy(own.b, r->spki, sizeof(own.b));
	TRY(enrol_start(secret_view(join_code), NULL, &en, &frame));
	enum err e = fw_hello(c, NULL, &known);
	if (e == ERR_OK) e = fw_talk(c, buf_view(&frame), &reply);
	buf_clear(&frame);
	if (e == ERR_OK)
		e = enrol_prove(r->local, en, buf_view(&reply), &server, &own,
				VIEW_OF(box_conn_peer(c)->exporter_enrol), "127.0.0.1:4711",
				fw.w->wall, &frame);
	if (e == ERR_OK) e = fw_talk(c, buf_view(&frame), &reply);
	enrolment_free(en);
	return e;
}

static enum err enrol(void)
{
	struct room *r = fw_room(2);
	bool taken = false;
	if (r->local == NULL) TRY(local_open(r->folder, fw.w->rand, &r->local));
	if (local_room(r->local)->state == LOCAL_ENROLLING) TRY(was_taken(2, &taken));
	if (!taken) {
		struct box_conn *c = server_box_connect(fw.w->box, r->spki);
		ENSURE(c != NULL, ERR_NOMEM);
		const enum err e = enrol_talk(c);
		server_box_disconnect(fw.w->box, c);
		TRY(e);
	}
	TRY(enrol_done(r->local, fw.w->wall));
	said_done = true;
	return ERR_OK;
}

static void check_enrol(enum err e)
{
	struct room *r = fw_room(2);
	(void)e;
	local_close(r->local);
	r->local = NULL;
	fw_recover();
	join_again(2, enrol);
	room_start(r);
	world_wait(fw.w, 1000);
	FAULT_CHECK(sync_link_now(r->sync) == SYNC_LINK_ONLINE);
	FAULT_OK(room_sign_in(r, "jo", JO_PASS));
	FAULT_CHECK(local_alarms(r->local) == 0);
}

static void end_enrol(void)
{
	secret_free(join_code);
	join_code = NULL;
	fw_end();
}

/* ---- people -------------------------------------------------------------------------------- */

#define NEW_PASS "a third person's long phrase"

static enum err add_person(const char *name, const char *login)
{
	CLEANUP(buf_finip) struct buf frame = { 0 };
	struct room *r = fw_room(0);
	struct id id;
	const struct new_user u = { .name = name,
				    .login = login,
				    .roles = DIR_THERAPIST,
				    .passphrase = view_str(NEW_PASS) };
	TRY(people_add(r->local, &r->desk.vault, &u, &frame, &id, NULL, NULL));
	TRY(room_ask(r, buf_view(&frame)));
	said_done = true; /* the server has the person, whatever becomes of our copy */
	return people_sent(r->local, buf_view(&frame), fw.w->wall);
}

static enum err add_user(void)
{
	return add_person("Eva Sand", "eva");
}

static void set_user(void)
{
	said_done = false;
	fw_set_clinic();
}

static void check_user(enum err e)
{
	struct room *r = fw_room(0);
	fw_recover();
	if (e != ERR_OK && !said_done) {
		/* Lost on the way back: then the server says that the login is taken. */
		const enum err again = add_user();
		FAULT_CHECK(again == ERR_OK || again == ERR_EXISTS);
	}
	world_wait(fw.w, 2000);
	FAULT_OK(room_sign_in(r, "eva", NEW_PASS));
	FAULT_OK(room_sign_in(r, "jo", JO_PASS));
	fw_look();
	/* The chain goes on from where it stands, on the disk too. */
	FAULT_OK(add_person("Tom Reed", "tom"));
	fw_restart();
}

const struct fault_scene scene_found = { .name = "world.found",
					 .says = "a setup code and the founding of a clinic",
					 .set = set_found,
					 .run = found,
					 .check = check_found,
					 .end = fw_end,
					 .slow = true };
const struct fault_scene scene_enrol = { .name = "world.enrol",
					 .says = "a third room joins",
					 .set = set_enrol,
					 .run = enrol,
					 .check = check_enrol,
					 .end = end_enrol,
					 .slow = true };
const struct fault_scene scene_user = { .name = "world.user",
					.says = "a person is added",
					.set = set_user,
					.run = add_user,
					.check = check_user,
					.end = fw_end,
					.slow = true };
