#include "support/box_clinic.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "server/work/setup.h"
#include "support/scratch.h"
#include "wire/frame.h"
#include "wire/op.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MUST(call) INSIST((call) == ERR_OK)
#define BOX_ARENA_BYTES_MAX (256u * MIB)

/* ---- life -------------------------------------------------------------------------------- */

static void box_clinic_open(struct box_clinic *c)
{
	struct server_box_options o = {
		.folder = c->folder, .rand = c->rand, .now_ms = c->now_ms, .wall_ms = c->wall_ms
	};
	memcpy(o.server_spki, c->server_spki, sizeof(o.server_spki));
	MUST(server_box_open(&o, &c->box));
}

static void box_clinic_setup(struct box_clinic *c)
{
	struct hash32 spki;
	memcpy(spki.b, c->server_spki, sizeof(spki.b));
	CLEANUP(secret_freep) struct secret *code = NULL;
	MUST(setup_new_code(server_box_store(c->box), &spki, c->wall_ms, &code));
	CLEANUP(setup_code_finip) struct setup_code parsed = { 0 };
	MUST(setup_code_parse(secret_view(code), &parsed, NULL));
	INSIST(setup_code_names(&parsed, &spki));
	secret_free(c->setup);
	c->setup = TAKE(parsed.s);
}

struct box_clinic *box_clinic_new(uint64_t seed)
{
	MUST(crypt_init());
	struct box_clinic *c = calloc(1, sizeof(*c));
	INSIST(c != NULL);
	arena_init(&c->arena, BOX_ARENA_BYTES_MAX);
	c->rand = rand_seeded_init(&c->seeded, seed);
	id_source_init(&c->ids, c->rand);
	INSIST(scratch_make(c->folder, sizeof(c->folder), "box"));
	c->now_ms = 1000;
	c->wall_ms = 1760000000000; /* October 2025 */
	rand_fill(&c->rand, c->server_spki, sizeof(c->server_spki));
	c->clinic_id = id_make_random(&c->rand);
	c->epoch = id_make_random(&c->rand);
	MUST(sign_key_new(&c->root));
	dir_init(&c->dir, &c->clinic_id, &c->root.pk);
	box_clinic_open(c);
	box_clinic_setup(c);
	box_person_init(c, &c->owner, "Jo Park", "jo", DIR_OWNER | DIR_THERAPIST);
	box_room_init(c, &c->room1, "Room 1");
	return c;
}

struct box_clinic *box_clinic_new_founded(uint64_t seed)
{
	struct box_clinic *c = box_clinic_new(seed);
	const Roomkeep__Frame *welcome = box_room_hello(c, &c->room1, false);
	INSIST(welcome != NULL && !welcome->welcome->founded);
	Roomkeep__Frame *found = box_found_frame(c, &c->owner, &c->room1);
	MUST(box_call_code(c, &c->room1, found));
	box_dir_take(c, found->found->first_owner);
	return c;
}

static int box_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void box_clinic_free(struct box_clinic *c)
{
	server_box_close(c->box);
	box_person_fini(&c->owner);
	sign_key_fini(&c->root);
	dir_fini(&c->dir);
	secret_free(c->setup);
	arena_fini(&c->arena);
	INSIST(nftw(c->folder, box_remove, 8, FTW_DEPTH | FTW_PHYS) == 0);
	free(c);
}

void box_clinic_restart(struct box_clinic *c)
{
	server_box_crash(c->box);
	c->room1.conn = NULL;
	box_clinic_open(c);
}

void box_clinic_advance(struct box_clinic *c, uint64_t ms)
{
	c->now_ms += ms;
	c->wall_ms += ms;
	server_box_set_time(c->box, c->now_ms, c->wall_ms);
}

void box_clinic_settle(struct box_clinic *c)
{
	for (int i = 0; server_box_work(c->box); i++) INSIST(i < 10000);
}

/* ---- frames ------------------------------------------------------------------------------ */

void *box_alloc(struct box_clinic *c, size_t bytes)
{
	void *p = arena_alloc(&c->arena, bytes);
	INSIST(p != NULL);
	return p;
}

ProtobufCBinaryData box_bytes(struct box_clinic *c, struct view v)
{
	const struct view copy = arena_dup(&c->arena, v);
	INSIST(copy.p != NULL);
	return wire_bytes(copy);
}

char *box_text(struct box_clinic *c, const char *text)
{
	const struct view v = view_str(text);
	char *copy = box_alloc(c, v.len + 1);
	memcpy(copy, v.p, v.len);
	return copy;
}

Roomkeep__Frame *box_frame(struct box_clinic *c, Roomkeep__Frame__BodyCase body)
{
	Roomkeep__Frame *f = box_alloc(c, sizeof(*f));
	roomkeep__frame__init(f);
	f->body_case = body;
	/* An empty message of the body's type: the oneof's members are pointers to messages. */
	const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(
		&roomkeep__frame__descriptor, (unsigned)body);
	INSIST(field != NULL);
	const ProtobufCMessageDescriptor *type = field->descriptor;
	ProtobufCMessage *m = box_alloc(c, type->sizeof_message);
	type->message_init(m);
	memcpy((char *)f + field->offset, &m, sizeof(void *));
	return f;
}

enum err box_send(struct box_clinic *c, struct box_room *room, Roomkeep__Frame *frame)
{
	frame->has_request = 1;
	frame->request = ++room->request;
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	MUST(frame_encode(frame, &bytes));
	return box_conn_send(c->box, room->conn,
			     view_of(bytes.p + FRAME_HEADER_BYTES, bytes.len - FRAME_HEADER_BYTES));
}

Roomkeep__Frame *box_collect(struct box_clinic *c, struct box_room *room, uint64_t request)
{
	Roomkeep__Frame *reply = NULL;
	struct view body;
	while (box_conn_receive(room->conn, &body)) {
		Roomkeep__Frame *f = NULL;
		MUST(frame_decode(&c->arena, body, &f));
		if (request != 0 && f->request == request && reply == NULL) {
			reply = f;
			continue;
		}
		INSIST(room->pushed_count < BOX_PUSHED_MAX);
		room->pushed[room->pushed_count++] = f;
	}
	return reply;
}

Roomkeep__Frame *box_call(struct box_clinic *c, struct box_room *room, Roomkeep__Frame *frame)
{
	const enum err e = box_send(c, room, frame);
	if (e != ERR_OK) return NULL;
	box_clinic_settle(c);
	return box_collect(c, room, room->request);
}

enum err box_call_code(struct box_clinic *c, struct box_room *room, Roomkeep__Frame *frame)
{
	const Roomkeep__Frame *reply = box_call(c, room, frame);
	if (reply == NULL) return ERR_CLOSED;
	INSIST(reply->body_case == ROOMKEEP__FRAME__BODY_RESULT);
	return err_from_wire(reply->result->code);
}

Roomkeep__RefuseReason box_refused(const struct box_room *room)
{
	for (size_t i = room->pushed_count; i > 0; i--)
		if (room->pushed[i - 1]->body_case == ROOMKEEP__FRAME__BODY_REFUSE)
			return room->pushed[i - 1]->refuse->reason;
	return ROOMKEEP__REFUSE_REASON__REFUSE_UNKNOWN;
}

void box_forget_pushed(struct box_room *room)
{
	room->pushed_count = 0;
}

/* ---- rooms ------------------------------------------------------------------------------- */

void box_room_init(struct box_clinic *c, struct box_room *room, const char *name)
{
	*room = (struct box_room){ .room_id = id_make_random(&c->rand), .name = name };
	rand_fill(&c->rand, room->spki, sizeof(room->spki));
}

void box_room_dial(struct box_clinic *c, struct box_room *room)
{
	box_room_hang_up(c, room);
	room->conn = server_box_connect(c->box, room->spki);
	INSIST(room->conn != NULL);
	box_forget_pushed(room);
}

Roomkeep__Frame *box_room_hello(struct box_clinic *c, struct box_room *room, bool joined)
{
	box_room_dial(c, room);
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_HELLO);
	f->hello->has_proto_min = 1;
	f->hello->proto_min = DIALOG_PROTO_MIN;
	f->hello->has_proto_max = 1;
	f->hello->proto_max = DIALOG_PROTO_MAX;
	f->hello->build = box_text(c, "test");
	if (joined) {
		f->hello->has_clinic_id = 1;
		f->hello->clinic_id = box_bytes(c, id_view(&c->clinic_id));
		f->hello->has_room_id = 1;
		f->hello->room_id = box_bytes(c, id_view(&room->room_id));
		f->hello->has_epoch = 1;
		f->hello->epoch = box_bytes(c, id_view(&c->epoch));
	}
	return box_call(c, room, f);
}

void box_room_hang_up(struct box_clinic *c, struct box_room *room)
{
	if (room->conn != NULL) server_box_disconnect(c->box, room->conn);
	room->conn = NULL;
}

/* ---- people ------------------------------------------------------------------------------ */

void box_person_make_blob(struct box_clinic *c, struct box_person *p)
{
	const struct kdf_params kdf = kdf_params_default();
	uint8_t noise[120];
	rand_fill(&c->rand, noise, sizeof(noise));
	buf_clear(&p->blob);
	MUST(buf_append_str(&p->blob, "CRSK"));
	MUST(buf_append_be32(&p->blob, 0x01010100)); /* version 1, kind 1, suite 1, zero */
	MUST(buf_append(&p->blob, id_view(&c->clinic_id)));
	MUST(buf_append(&p->blob, id_view(&p->id)));
	MUST(buf_append_be64(&p->blob, p->keyring_rev));
	MUST(buf_append_be32(&p->blob, kdf.t));
	MUST(buf_append_be32(&p->blob, kdf.m_kib));
	MUST(buf_append(&p->blob, VIEW_OF(p->salt)));
	MUST(buf_append_be32(&p->blob, 1)); /* cs_id */
	MUST(buf_append(&p->blob, VIEW_OF(noise)));
}

void box_person_init(struct box_clinic *c, struct box_person *p, const char *name,
		     const char *login, uint64_t roles)
{
	*p = (struct box_person){ .id = id_make_random(&c->rand),
				  .name = name,
				  .login = login,
				  .roles = roles,
				  .keyring_rev = 1 };
	MUST(sign_key_new(&p->sign));
	MUST(sign_key_new(&p->auth));
	MUST(box_key_new(&p->box));
	rand_fill(&c->rand, p->salt, sizeof(p->salt));
	box_person_make_blob(c, p);
}

void box_person_fini(struct box_person *p)
{
	sign_key_fini(&p->sign);
	sign_key_fini(&p->auth);
	box_key_fini(&p->box);
	buf_fini(&p->blob);
}

Roomkeep__Account *box_account(struct box_clinic *c, const struct box_person *p)
{
	Roomkeep__Account *a = box_alloc(c, sizeof(*a));
	roomkeep__account__init(a);
	a->has_user_id = 1;
	a->user_id = box_bytes(c, id_view(&p->id));
	a->login = box_text(c, p->login);
	a->has_auth_pk = 1;
	a->auth_pk = box_bytes(c, sign_pk_view(&p->auth.pk));
	a->has_keyring_blob = 1;
	a->keyring_blob = box_bytes(c, buf_view(&p->blob));
	return a;
}

Roomkeep__DirectoryItem *box_dir_item(struct box_clinic *c, const struct box_person *p,
				      enum dir_status status, const struct box_person *signer,
				      const struct sign_key *key, bool new_keys)
{
	struct dir_entry e = { .user_id = p->id,
			       .g = 1,
			       .name = view_str(p->name),
			       .roles = p->roles,
			       .sign_pk = p->sign.pk,
			       .box_pk = p->box.pk,
			       .status = status };
	if (signer != NULL) {
		e.signer_id = signer->id;
		e.signer_g = 1;
	}
	const struct sign_key *own = signer == NULL ? &c->root : &signer->sign;
	const struct dir_signers signers = { .by_signer = key != NULL ? key : own,
					     .by_new = new_keys ? &p->sign : NULL };
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	struct dir_signed s;
	MUST(dir_entry_make(&c->dir, &e, &signers, &bytes, &s));
	Roomkeep__DirectoryItem *item = box_alloc(c, sizeof(*item));
	roomkeep__directory_item__init(item);
	item->has_entry = 1;
	item->entry = box_bytes(c, s.entry);
	item->has_signer_signature = 1;
	item->signer_signature = box_bytes(c, sign_sig_view(&s.by_signer));
	if (new_keys) {
		item->has_subject_signature = 1;
		item->subject_signature = box_bytes(c, sign_sig_view(&s.by_new));
	}
	return item;
}

void box_dir_take(struct box_clinic *c, const Roomkeep__DirectoryItem *item)
{
	struct dir_signed s = { .entry = wire_view(item->entry) };
	MUST(sign_sig_from_view(wire_view(item->signer_signature), &s.by_signer));
	if (item->has_subject_signature)
		MUST(sign_sig_from_view(wire_view(item->subject_signature), &s.by_new));
	MUST(dir_apply(&c->dir, &s));
}

static Roomkeep__Signed *box_signed(struct box_clinic *c, const struct sign_key *key,
				    struct view body)
{
	const struct sign_sig sig = sign_bytes(key, body);
	Roomkeep__Signed *s = box_alloc(c, sizeof(*s));
	roomkeep__signed__init(s);
	s->has_body = 1;
	s->body = box_bytes(c, body);
	s->has_signature = 1;
	s->signature = box_bytes(c, sign_sig_view(&sig));
	return s;
}

static void box_found_records(struct box_clinic *c, const struct box_person *p, Roomkeep__Found *m)
{
	const struct server_secrets *secrets = server_box_secrets(c->box);
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	struct server_record server = { .clinic_id = c->clinic_id,
					.seq = 1,
					.spki_count = 1,
					.ingest_pk = secrets->ingest.pk,
					.log_pk = secrets->log.pk };
	memcpy(server.spki[0].b, c->server_spki, HASH_BYTES);
	MUST(server_record_encode(&server, &bytes));
	m->server_record = box_signed(c, &c->root, buf_view(&bytes));
	buf_clear(&bytes);
	const struct policy policy = { .clinic_id = c->clinic_id,
				       .version = 1,
				       .clinic_name = view_str("Harbour Massage") };
	MUST(policy_encode(&policy, &bytes));
	m->policy = box_signed(c, &c->root, buf_view(&bytes));
	buf_clear(&bytes);
	const struct epoch_record epoch = { .clinic_id = c->clinic_id,
					    .epoch = c->epoch,
					    .n = 1,
					    .reason = view_str("founded"),
					    .signer_id = p->id,
					    .signer_g = 1 };
	MUST(epoch_record_encode(&epoch, &bytes));
	m->epoch_record = box_signed(c, &p->sign, buf_view(&bytes));
}

Roomkeep__Frame *box_found_frame(struct box_clinic *c, struct box_person *p, struct box_room *room)
{
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_FOUND);
	Roomkeep__Found *m = f->found;
	CLEANUP(secret_freep) struct secret *mac = NULL;
	MUST(setup_mac_derive(c->setup, &mac));
	const struct hmac proof =
		setup_proof_make(mac, VIEW_OF(box_conn_peer(room->conn)->exporter_setup));
	m->has_proof = 1;
	m->proof = box_bytes(c, VIEW_OF(proof.b));
	m->has_clinic_id = 1;
	m->clinic_id = box_bytes(c, id_view(&c->clinic_id));
	m->clinic_name = box_text(c, "Harbour Massage");
	m->has_root_pk = 1;
	m->root_pk = box_bytes(c, sign_pk_view(&c->root.pk));
	box_found_records(c, p, m);
	m->first_owner = box_dir_item(c, p, DIR_ACTIVE, NULL, NULL, true);
	m->account = box_account(c, p);
	m->has_room_id = 1;
	m->room_id = box_bytes(c, id_view(&room->room_id));
	m->room_name = box_text(c, room->name);
	return f;
}

Roomkeep__Frame *box_login_start(struct box_clinic *c, struct box_room *room, const char *login,
				 uint8_t ret_cn[PROOF_NONCE_BYTES])
{
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_LOGIN_START);
	rand_fill(&c->rand, ret_cn, PROOF_NONCE_BYTES);
	f->login_start->handle = box_text(c, login);
	f->login_start->has_cn = 1;
	f->login_start->cn = box_bytes(c, view_of(ret_cn, PROOF_NONCE_BYTES));
	return box_call(c, room, f);
}

Roomkeep__Frame *box_login_proof_frame(struct box_clinic *c, struct box_room *room,
				       const struct box_person *p, const uint8_t *cn,
				       const Roomkeep__LoginParams *params)
{
	const struct dialog_peer *peer = box_conn_peer(room->conn);
	struct login_proof proof = { .clinic_id = c->clinic_id };
	MUST(wire_id(params->user_id, &proof.user_id));
	memcpy(proof.cn, cn, sizeof(proof.cn));
	memcpy(proof.sn, params->sn.data, sizeof(proof.sn));
	memcpy(proof.exporter, peer->exporter_login, sizeof(proof.exporter));
	memcpy(proof.room_spki.b, peer->spki, sizeof(proof.room_spki.b));
	struct sign_sig sig;
	MUST(login_proof_sign(&proof, &p->auth, &sig));
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_LOGIN_PROOF);
	f->login_proof->has_sig = 1;
	f->login_proof->sig = box_bytes(c, sign_sig_view(&sig));
	return f;
}

Roomkeep__Frame *box_try_sign_in(struct box_clinic *c, struct box_room *room,
				 const struct box_person *p)
{
	uint8_t cn[PROOF_NONCE_BYTES];
	Roomkeep__Frame *params = box_login_start(c, room, p->login, cn);
	if (params == NULL || params->body_case != ROOMKEEP__FRAME__BODY_LOGIN_PARAMS)
		return params;
	Roomkeep__Frame *reply =
		box_call(c, room, box_login_proof_frame(c, room, p, cn, params->login_params));
	if (reply != NULL) return reply;
	box_clinic_advance(c, LOGIN_FAIL_MS_MIN);
	return box_collect(c, room, room->request);
}

void box_sign_in(struct box_clinic *c, struct box_room *room, const struct box_person *p)
{
	const Roomkeep__Frame *reply = box_try_sign_in(c, room, p);
	INSIST(reply != NULL && reply->body_case == ROOMKEEP__FRAME__BODY_LOGIN_OK);
}

Roomkeep__Frame *box_add_user_frame(struct box_clinic *c, const struct box_person *p,
				    const struct box_person *signer)
{
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_ADD_USER);
	f->add_user->item = box_dir_item(c, p, DIR_ACTIVE, signer, NULL, true);
	f->add_user->account = box_account(c, p);
	return f;
}

void box_add_person(struct box_clinic *c, struct box_room *via, struct box_person *p)
{
	Roomkeep__Frame *f = box_add_user_frame(c, p, &c->owner);
	MUST(box_call_code(c, via, f));
	box_dir_take(c, f->add_user->item);
}

void box_disable_person(struct box_clinic *c, struct box_room *via, const struct box_person *p)
{
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_PUT_DIRECTORY);
	f->put_directory->item = box_dir_item(c, p, DIR_DISABLED, &c->owner, NULL, false);
	MUST(box_call_code(c, via, f));
	box_dir_take(c, f->put_directory->item);
}

/* ---- joining ----------------------------------------------------------------------------- */

Roomkeep__Frame *box_invite_frame(struct box_clinic *c, const char *name, struct box_join *ret)
{
	*ret = (struct box_join){ 0 };
	MUST(secret_new_random(CODE_SECRET_BYTES, &ret->j));
	MUST(join_keys_derive(ret->j, &ret->keys));
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_INVITE_ROOM);
	Roomkeep__InviteRoom *m = f->invite_room;
	m->name = box_text(c, name);
	m->kind = box_text(c, "treatment");
	m->has_join_id = 1;
	m->join_id = box_bytes(c, id_view(&ret->keys.join_id));
	m->has_join_mac = 1;
	m->join_mac = box_bytes(c, secret_view(ret->keys.mac));
	m->has_expires_ms = 1;
	m->expires_ms = c->wall_ms + 15 * 60 * 1000;
	m->has_join_blob = 1;
	m->join_blob = box_bytes(c, view_str("sealed under the join code"));
	return f;
}

void box_join_fini(struct box_join *j)
{
	secret_free(j->j);
	join_keys_fini(&j->keys);
}

Roomkeep__Frame *box_enrol_proof_frame(struct box_clinic *c, struct box_room *room,
				       const struct box_join *j)
{
	const struct dialog_peer *peer = box_conn_peer(room->conn);
	struct hash32 spki;
	memcpy(spki.b, peer->spki, sizeof(spki.b));
	struct hmac mac;
	MUST(enrol_proof_make(j->keys.mac, &spki, VIEW_OF(peer->exporter_enrol), &mac));
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_ENROL_PROOF);
	f->enrol_proof->has_join_id = 1;
	f->enrol_proof->join_id = box_bytes(c, id_view(&j->keys.join_id));
	f->enrol_proof->has_mac = 1;
	f->enrol_proof->mac = box_bytes(c, VIEW_OF(mac.b));
	f->enrol_proof->has_room_id = 1;
	f->enrol_proof->room_id = box_bytes(c, id_view(&room->room_id));
	return f;
}

void box_enrol(struct box_clinic *c, struct box_room *via, struct box_room *room)
{
	struct box_join j;
	MUST(box_call_code(c, via, box_invite_frame(c, room->name, &j)));
	const Roomkeep__Frame *welcome = box_room_hello(c, room, false);
	INSIST(welcome != NULL && !welcome->welcome->enrolled);
	MUST(box_call_code(c, room, box_enrol_proof_frame(c, room, &j)));
	box_join_fini(&j);
}
