#include "support/rooms_world.h"

#include "client/store/people_priv.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void room_step(struct room *r, const struct sync_event *ev)
{
	struct sync_actions out = { 0 };
	sync_step(r->sync, r->w->now, ev, &out);
	for (size_t i = 0; i < out.count; i++) {
		assert_true(r->queue_len < COUNT_OF(r->queue));
		r->queue[r->queue_len++] = out.a[i];
	}
}

void room_event(struct room *r, enum sync_event_type type)
{
	room_step(r, &(struct sync_event){ .type = type, .err = ERR_IO });
}

static void room_act(struct room *r, struct sync_action *a)
{
	struct sync_result res = { 0 };
	switch (a->type) {
	case SYNC_ACT_DIAL:
		if (r->cut || r->w->box == NULL) {
			room_event(r, SYNC_EV_LINK_DOWN);
			break;
		}
		r->conn = server_box_connect(r->w->box, r->spki);
		if (r->conn == NULL) {
			room_event(r, SYNC_EV_LINK_DOWN);
			break;
		}
		struct sync_event up = { .type = SYNC_EV_LINK_UP };
		memcpy(up.conn.exporter, box_conn_peer(r->conn)->exporter_login, 32);
		memcpy(up.conn.room_spki, r->spki, 32);
		room_step(r, &up);
		break;
	case SYNC_ACT_CLOSE:
		if (r->conn != NULL) server_box_disconnect(r->w->box, r->conn);
		r->conn = NULL;
		room_event(r, SYNC_EV_LINK_DOWN);
		break;
	case SYNC_ACT_SEND:
		if (r->conn == NULL) break;
		err_ignore(box_conn_send(r->w->box, r->conn,
					 view_of(a->bytes.p + 4, a->bytes.len - 4)));
		break;
	case SYNC_ACT_DESK:
		desk_run(&r->desk, r->w->wall, &a->ask, &res);
		if (res.err == ERR_IO || res.err == ERR_DISK_FULL) r->disk_failed = true;
		room_step(r, &(struct sync_event){ .type = SYNC_EV_DESK, .result = &res });
		sync_result_fini(&res);
		break;
	case SYNC_ACT_REPLY:
		buf_fini(&r->reply.body);
		r->reply = (struct reply){ .have = true,
					   .id = a->request_id,
					   .err = a->err,
					   .body = a->bytes,
					   .conn = a->conn };
		a->bytes = (struct buf){ 0 };
		break;
	case SYNC_ACT_LINK: break;
	case SYNC_ACT_PERSON_REFUSED: r->must_lock = true; break;
	}
	buf_fini(&a->bytes);
	sync_ask_fini(&a->ask);
}

static void room_receive(struct room *r, struct view body)
{
	if (r->tamper == NULL) {
		room_step(r, &(struct sync_event){ .type = SYNC_EV_FRAME, .frame = body });
		return;
	}
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, 64u * MIB);
	CLEANUP(buf_finip) struct buf changed = { 0 };
	Roomkeep__Frame *f = NULL;
	OK(frame_decode(&a, body, &f));
	if (!r->tamper(r, f, &a)) return;
	OK(body_encode(f, &changed));
	room_step(r, &(struct sync_event){ .type = SYNC_EV_FRAME, .frame = buf_view(&changed) });
}

bool room_run(struct room *r)
{
	bool any = false;
	if (r->sync == NULL) return false;
	for (unsigned i = 0; r->queue_len > 0 && i < 100000; i++) {
		struct sync_action a = r->queue[0];
		r->queue_len--;
		memmove(r->queue, r->queue + 1, r->queue_len * sizeof(r->queue[0]));
		room_act(r, &a);
		any = true;
	}
	struct view body;
	if (r->conn != NULL && box_conn_receive(r->conn, &body)) {
		room_receive(r, body);
		return true;
	}
	if (r->conn != NULL && box_conn_is_closed(r->conn)) {
		server_box_disconnect(r->w->box, r->conn);
		r->conn = NULL;
		room_event(r, SYNC_EV_LINK_DOWN);
		return true;
	}
	return any;
}

/* Until nothing moves. */
void world_run(struct world *w)
{
	for (unsigned i = 0; i < 100000; i++) {
		bool any = w->box != NULL && server_box_work(w->box);
		for (size_t k = 0; k < WORLD_ROOMS; k++) any |= room_run(&w->rooms[k]);
		if (!any) return;
	}
	fail_msg("the world does not come to rest");
}

void world_wait(struct world *w, uint64_t ms)
{
	for (uint64_t step = 0; step < ms; step += 250) {
		w->now += 250;
		w->wall += 250;
		if (w->box != NULL) server_box_set_time(w->box, w->now, w->wall);
		for (size_t k = 0; k < WORLD_ROOMS; k++)
			if (w->rooms[k].sync != NULL) room_event(&w->rooms[k], SYNC_EV_TICK);
		world_run(w);
	}
}

void world_server_open(struct world *w)
{
	struct server_box_options o = {
		.folder = w->server_folder, .rand = w->rand, .now_ms = w->now, .wall_ms = w->wall
	};
	o.server_spki[0] = 77;
	OK(server_box_open(&o, &w->box));
}

struct world *world_new(void)
{
	return world_new_in("/tmp");
}

struct world *world_new_in(const char *parent)
{
	OK(crypt_init());
	struct world *w = calloc(1, sizeof(*w));
	assert_non_null(w);
	snprintf(w->folder, sizeof(w->folder), "%s/roomkeep-desk-XXXXXX", parent);
	assert_non_null(mkdtemp(w->folder));
	snprintf(w->server_folder, sizeof(w->server_folder), "%s/s", w->folder);
	assert_int_equal(mkdir(w->server_folder, 0700), 0);
	w->rand = rand_seeded_init(&w->seeded, 4711);
	w->now = 5000;
	w->wall = 1764000000000u;
	world_server_open(w);
	for (size_t k = 0; k < WORLD_ROOMS; k++) {
		struct room *r = &w->rooms[k];
		r->w = w;
		r->spki[0] = (uint8_t)(k + 1);
		snprintf(r->folder, sizeof(r->folder), "%s/r%zu", w->folder, k + 1);
	}
	return w;
}

void room_close(struct room *r)
{
	for (size_t i = 0; i < r->queue_len; i++) {
		buf_fini(&r->queue[i].bytes);
		sync_ask_fini(&r->queue[i].ask);
	}
	r->queue_len = 0;
	if (r->conn != NULL && r->w->box != NULL) server_box_disconnect(r->w->box, r->conn);
	r->conn = NULL;
	if (r->local != NULL) desk_fini(&r->desk);
	sync_free(r->sync);
	r->sync = NULL;
	local_close(r->local);
	r->local = NULL;
	buf_fini(&r->reply.body);
	r->reply = (struct reply){ 0 };
	buf_fini(&r->kept);
	r->must_lock = false;
	r->disk_failed = false;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void folder_remove(const char *path)
{
	assert_int_equal(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void world_free(struct world *w)
{
	for (size_t k = 0; k < WORLD_ROOMS; k++) room_close(&w->rooms[k]);
	server_box_close(w->box);
	secret_free(w->setup);
	folder_remove(w->folder);
	free(w);
}

/* A one-off frame on a connection of its own, as found and enrol do. */
static struct view raw_talk(struct world *w, struct box_conn *c, struct view body)
{
	struct view reply;
	if (body.len > 0) OK(box_conn_send(w->box, c, body));
	while (server_box_work(w->box)) {
	}
	assert_true(box_conn_receive(c, &reply));
	return reply;
}

static struct buf frame_body(Roomkeep__Frame *f)
{
	struct buf b = { 0 };
	f->has_request = true;
	f->request = 1;
	OK(body_encode(f, &b));
	return b;
}

static void raw_hello(struct world *w, struct box_conn *c)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Hello h = ROOMKEEP__HELLO__INIT;
	h.has_proto_min = h.has_proto_max = true;
	h.proto_min = h.proto_max = 1;
	f.body_case = ROOMKEEP__FRAME__BODY_HELLO;
	f.hello = &h;
	struct buf b = frame_body(&f);
	(void)raw_talk(w, c, buf_view(&b));
	buf_fini(&b);
}

static void expect_result_ok(struct view body)
{
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, MIB);
	Roomkeep__Frame *f = NULL;
	OK(frame_decode(&a, body, &f));
	assert_int_equal(f->body_case, ROOMKEEP__FRAME__BODY_RESULT);
	assert_int_equal(f->result->code, 0);
}

/* The agent of a room that belongs to the clinic. */
void room_start(struct room *r)
{
	if (r->local == NULL) OK(local_open(r->folder, r->w->rand, &r->local));
	desk_init(&r->desk, r->local);
	const struct local_room *info = local_room(r->local);
	const struct sync_config c = { .build = "test",
				       .clinic_id = info->clinic_id,
				       .room_id = info->room_id,
				       .epoch = info->epoch.epoch,
				       .rand = r->w->rand };
	OK(sync_new(&c, r->w->now, &r->sync));
	room_event(r, SYNC_EV_TICK);
	world_run(r->w);
}

struct found_options found_words(void)
{
	return (struct found_options){ .clinic_name = "Harbour Street",
				       .owner_name = "Jo Park",
				       .login = "jo",
				       .room_name = "Room 1",
				       .address = "127.0.0.1:4711",
				       .kit_folder = "/media/usb/kit",
				       .passphrase = view_str(JO_PASS),
				       .k = 2,
				       .n = 3 };
}

void world_found(struct world *w)
{
	struct room *r = &w->rooms[0];
	struct hash32 spki = { { 77 } };
	OK(setup_new_code(server_box_store(w->box), &spki, w->wall, &w->setup));
	OK(local_open(r->folder, w->rand, &r->local));
	struct box_conn *c = server_box_connect(w->box, r->spki);
	raw_hello(w, c);
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__FoundStart start = ROOMKEEP__FOUND_START__INIT;
	f.body_case = ROOMKEEP__FRAME__BODY_FOUND_START;
	f.found_start = &start;
	struct buf b = frame_body(&f);
	struct buf info = { 0 };
	OK(buf_append(&info, raw_talk(w, c, buf_view(&b))));
	const struct found_options o = found_words();
	const struct found_server s = { .setup_code = secret_view(w->setup),
					.spki = spki,
					.exporter = VIEW_OF(box_conn_peer(c)->exporter_setup),
					.found_info = buf_view(&info) };
	struct founding founding = { 0 };
	OK(found_make(r->local, &o, &s, w->wall, &founding));
	assert_int_equal(founding.kit_count, 3);
	expect_result_ok(raw_talk(w, c, buf_view(&founding.frame)));
	OK(found_done(r->local, w->wall));
	founding_fini(&founding);
	buf_fini(&b);
	buf_fini(&info);
	server_box_disconnect(w->box, c);
	room_start(r);
	assert_int_equal(sync_link_now(r->sync), SYNC_LINK_ONLINE);
}

/* A request through sync; the reply stands in r->reply. */
enum err room_ask_since(struct room *r, enum sync_needs needs, uint64_t serial, struct view frame)
{
	r->reply.have = false;
	room_step(r, &(struct sync_event){ .type = SYNC_EV_REQUEST,
					   .request = { .id = ++r->next_request,
							.needs = needs,
							.timeout_ms = 4000,
							.serial = serial,
							.frame = frame } });
	world_run(r->w);
	for (unsigned i = 0; i < 40 && !r->reply.have; i++) world_wait(r->w, 250);
	assert_true(r->reply.have);
	assert_int_equal(r->reply.id, r->next_request);
	return r->reply.err;
}

enum err room_ask(struct room *r, struct view frame)
{
	return room_ask_since(r, SYNC_NEEDS_PERSON, 0, frame);
}

void room_lock(struct room *r)
{
	struct buf farewell = { 0 };
	desk_lock(&r->desk, r->w->wall, &farewell);
	room_step(r,
		  &(struct sync_event){ .type = SYNC_EV_PERSON_OUT, .frame = buf_view(&farewell) });
	buf_fini(&farewell);
	r->must_lock = false;
	world_run(r->w);
}

static void room_person_in(struct room *r, uint64_t serial, struct sync_cursor cursor)
{
	room_step(r, &(struct sync_event){ .type = SYNC_EV_PERSON_IN,
					   .person = *desk_person(&r->desk),
					   .login = r->desk.vault.login,
					   .serial = serial,
					   .cursor = cursor });
	world_run(r->w);
}

static enum err room_sign_in_online(struct room *r, struct sign_in *s, struct buf *frame)
{
	TRY(room_ask_since(r, SYNC_NEEDS_LINK, 0, buf_view(frame)));
	const struct sync_conn conn = r->reply.conn;
	buf_clear(frame);
	TRY(desk_sign_in_prove(&r->desk, s, buf_view(&r->reply.body), &conn, frame));
	TRY(room_ask_since(r, SYNC_NEEDS_LINK, conn.serial, buf_view(frame)));
	struct sync_cursor cursor = { 0 };
	const enum err e =
		desk_sign_in_finish(&r->desk, s, buf_view(&r->reply.body), r->w->wall, &cursor);
	if (e != ERR_OK) {
		room_event(r, SYNC_EV_PERSON_OUT);
		world_run(r->w);
		return e;
	}
	room_person_in(r, conn.serial, cursor);
	return ERR_OK;
}

static enum err room_sign_in_offline(struct room *r, struct sign_in *s)
{
	uint64_t wait = 0;
	TRY(desk_sign_in_offline(&r->desk, s, r->w->wall, &wait));
	room_person_in(r, 0, (struct sync_cursor){ 0 });
	return ERR_OK;
}

enum err room_sign_in(struct room *r, const char *login, const char *pass)
{
	if (desk_person(&r->desk) != NULL) room_lock(r);
	struct sign_in *s = NULL;
	struct buf frame = { 0 };
	enum err e = desk_sign_in_begin(&r->desk, login, view_str(pass), &s, &frame);
	if (e == ERR_OK) e = room_sign_in_online(r, s, &frame);
	if (e == ERR_OFFLINE || e == ERR_TIMEOUT) e = room_sign_in_offline(r, s);
	desk_sign_in_free(s);
	buf_fini(&frame);
	return e;
}

struct id room_add_user(struct room *r, const char *name, const char *login, uint64_t roles,
			const char *pass)
{
	struct buf frame = { 0 };
	struct id id = { 0 };
	const struct new_user u = {
		.name = name, .login = login, .roles = roles, .passphrase = view_str(pass)
	};
	OK(people_add(r->local, &r->desk.vault, &u, &frame, &id, NULL, NULL));
	OK(room_ask(r, buf_view(&frame)));
	OK(people_sent(r->local, buf_view(&frame), r->w->wall));
	buf_fini(&frame);
	return id;
}

void room_set_roles(struct room *r, const char *login, uint64_t roles)
{
	struct id user_id;
	OK(local_user_by_login(r->local, login, &user_id));
	const struct directory *dir = local_directory(r->local);
	const struct dir_user *u = dir_user(dir, &user_id);
	const struct dir_key *key = dir_key(dir, &user_id, u->g);
	struct dir_entry e = { .user_id = user_id,
			       .g = u->g,
			       .name = view_str(u->name),
			       .roles = roles,
			       .sign_pk = key->sign_pk,
			       .box_pk = key->box_pk,
			       .status = DIR_ACTIVE,
			       .signer_id = r->desk.vault.user_id,
			       .signer_g = r->desk.vault.g };
	const struct dir_signers signers = { .by_signer = &r->desk.vault.sign };
	struct buf entry = { 0 };
	struct buf body = { 0 };
	struct dir_signed made = { 0 };
	OK(dir_entry_make(dir, &e, &signers, &entry, &made));
	Roomkeep__DirectoryItem item = people_item(&made, NULL);
	Roomkeep__PutDirectory put = ROOMKEEP__PUT_DIRECTORY__INIT;
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	put.item = &item;
	f.body_case = ROOMKEEP__FRAME__BODY_PUT_DIRECTORY;
	f.put_directory = &put;
	OK(body_encode(&f, &body));
	OK(room_ask(r, buf_view(&body)));
	OK(people_sent(r->local, buf_view(&body), r->w->wall));
	buf_fini(&entry);
	buf_fini(&body);
	world_wait(r->w, 1000);
}

/* Room k joins by a code of room 1, where an owner is signed in. */
void world_enrol(struct world *w, size_t k, const char *name)
{
	struct room *owner = &w->rooms[0];
	struct room *r = &w->rooms[k];
	struct buf frame = { 0 };
	struct secret *code = NULL;
	OK(people_invite(owner->local, &owner->desk.vault, name, "treatment", w->wall, &frame,
			 &code));
	OK(room_ask(owner, buf_view(&frame)));
	buf_clear(&frame);

	OK(local_open(r->folder, w->rand, &r->local));
	struct enrolment *e = NULL;
	OK(enrol_start(secret_view(code), NULL, &e, &frame));
	struct box_conn *c = server_box_connect(w->box, r->spki);
	raw_hello(w, c);
	struct buf blob = { 0 };
	OK(buf_append(&blob, raw_talk(w, c, buf_view(&frame))));
	buf_clear(&frame);
	struct hash32 server = { { 78 } };
	struct hash32 own;
	memcpy(own.b, r->spki, 32);
	const struct view exporter = VIEW_OF(box_conn_peer(c)->exporter_enrol);
	assert_int_equal(enrol_prove(r->local, e, buf_view(&blob), &server, &own, exporter,
				     "127.0.0.1:4711", w->wall, &frame),
			 ERR_AUTH); /* another server's key */
	buf_clear(&frame);
	server.b[0] = 77;
	OK(enrol_prove(r->local, e, buf_view(&blob), &server, &own, exporter, "127.0.0.1:4711",
		       w->wall, &frame));
	expect_result_ok(raw_talk(w, c, buf_view(&frame)));
	OK(enrol_done(r->local, w->wall));
	enrolment_free(e);
	secret_free(code);
	buf_fini(&frame);
	buf_fini(&blob);
	server_box_disconnect(w->box, c);
	room_start(r);
	assert_int_equal(sync_link_now(r->sync), SYNC_LINK_ONLINE);
}

void room_cut(struct room *r, bool cut)
{
	r->cut = cut;
	if (cut && r->conn != NULL) {
		server_box_disconnect(r->w->box, r->conn);
		r->conn = NULL;
		room_event(r, SYNC_EV_LINK_DOWN);
	}
	if (!cut) room_event(r, SYNC_EV_NOW);
	world_run(r->w);
}

void room_saved(struct room *r)
{
	room_event(r, SYNC_EV_OUTBOX);
	world_run(r->w);
}

/* ---- records --------------------------------------------------------------------------------- */

struct id room_add_patient(struct room *r, const char *name, const char *born)
{
	const struct id id = local_new_id(r->local, r->w->wall);
	Roomkeep__Patient m = ROOMKEEP__PATIENT__INIT;
	m.has_patient_id = true;
	m.patient_id = wire_id_bytes(&id);
	m.name = wire_text(name);
	m.born = wire_text(born);
	struct id op_id;
	OK(local_append(r->local, &r->desk.vault, KIND_PATIENT, &m.base, r->w->wall, &op_id, NULL));
	return id;
}

enum err room_put_frame(struct room *r, const struct id *session_id, const struct id *patient_id,
			const struct id *therapist)
{
	Roomkeep__SessionFrame m = ROOMKEEP__SESSION_FRAME__INIT;
	m.has_session_id = m.has_patient_id = m.has_therapist_id = m.has_room_id = true;
	m.has_started_ms = true;
	m.session_id = wire_id_bytes(session_id);
	m.patient_id = wire_id_bytes(patient_id);
	m.therapist_id = wire_id_bytes(therapist);
	m.room_id = wire_id_bytes(&local_room(r->local)->room_id);
	m.started_ms = r->w->wall;
	struct id op_id;
	return local_append(r->local, &r->desk.vault, KIND_SESSION_FRAME, &m.base, r->w->wall,
			    &op_id, NULL);
}

struct id room_start_session(struct room *r, const struct id *patient_id)
{
	const struct id id = local_new_id(r->local, r->w->wall);
	OK(room_put_frame(r, &id, patient_id, desk_person(&r->desk)));
	return id;
}

enum err room_text(struct room *r, const struct id *session_id, Roomkeep__TextField field,
		   const char *text)
{
	struct id op_id;
	return local_set_text(r->local, &r->desk.vault, session_id, field, view_str(text),
			      r->w->wall, &op_id, NULL);
}

enum err room_measure(struct room *r, const struct id *session_id, int64_t value)
{
	const struct id id = local_new_id(r->local, r->w->wall);
	Roomkeep__Measure m = ROOMKEEP__MEASURE__INIT;
	char ref[] = "cx_rot";
	char unit[] = "deg";
	m.has_measure_id = m.has_session_id = m.has_catalogue = m.has_phase = m.has_side = true;
	m.has_value_milli = m.has_at_ms = true;
	m.measure_id = wire_id_bytes(&id);
	m.session_id = wire_id_bytes(session_id);
	m.ref = ref;
	m.catalogue = 1;
	m.phase = ROOMKEEP__PHASE__PRE;
	m.side = ROOMKEEP__SIDE__LEFT;
	m.value_milli = value;
	m.unit = unit;
	m.at_ms = r->w->wall;
	struct id op_id;
	return local_append(r->local, &r->desk.vault, KIND_MEASURE, &m.base, r->w->wall, &op_id,
			    NULL);
}

enum err room_load(struct room *r, const struct id *id, struct session_fold *fold,
		   struct session_state *s)
{
	return local_load_session(r->local, &r->desk.vault, id, fold, s);
}

uint64_t room_queued(struct room *r)
{
	struct local_counts c = { 0 };
	OK(local_counts(r->local, &c));
	return c.queued;
}

/* Room 1 with Jo (owner, therapist), room 2, Mara (therapist). Jo is signed in in room 1. */
struct world *world_clinic(void)
{
	return world_clinic_in("/tmp");
}

struct world *world_clinic_in(const char *parent)
{
	struct world *w = world_new_in(parent);
	world_found(w);
	OK(room_sign_in(&w->rooms[0], "jo", JO_PASS));
	(void)room_add_user(&w->rooms[0], "Mara Lind", "mara", DIR_THERAPIST, MARA_PASS);
	world_enrol(w, 1, "Room 2");
	return w;
}
