#include "bench/room.h"

#include "base/check.h"
#include "bench/samples.h"
#include "wire/frame.h"
#include "wire/op.h"

#define MUST(call) INSIST((call) == ERR_OK)
#define ROOM_ARENA_BYTES_MAX (32u * MIB)

/* ---- connection ---------------------------------------------------------------------------- */

static struct room *room_of(struct tls_stream *s)
{
	return CONTAINER_OF(s, struct room, stream);
}

static void room_on_ready(struct tls_stream *s)
{
	room_of(s)->ready = true;
}

static void room_on_plain(struct tls_stream *s, struct view plain)
{
	const uint64_t at_ns = now_ns();
	struct room *r = room_of(s);
	MUST(buf_append(&r->in, plain));
	size_t at = 0;
	struct view body;
	while (frame_peek(view_of(r->in.p + at, r->in.len - at), FRAME_BODY_BYTES_MAX, &body) ==
	       ERR_OK) {
		at += FRAME_HEADER_BYTES + body.len;
		if (r->on_frame != NULL) r->on_frame(r, body, at_ns);
	}
	buf_consume(&r->in, at);
}

static void room_on_closed(struct tls_stream *s, enum err why)
{
	(void)why;
	room_of(s)->parts_open--;
}

static const struct tls_stream_events room_events = { .on_ready = room_on_ready,
						      .on_plain = room_on_plain,
						      .on_closed = room_on_closed };

static void room_on_dial_closed(void *owner)
{
	struct room *r = owner;
	r->parts_open--;
}

static void room_on_dialed(struct tcp_dial *d, enum err result, int fd)
{
	struct room *r = CONTAINER_OF(d, struct room, dial);
	MUST(result);
	MUST(tls_stream_open(&r->stream, r->loop, &r->tls, fd,
			     &(struct tls_stream_options){ .events = &room_events }));
	r->parts_open++;
	tcp_dial_close(d, room_on_dial_closed, r);
}

void room_open(struct room *r, struct loop *loop, struct box_clinic *c, const char *name,
	       const char *address)
{
	*r = (struct room){ .loop = loop, .parts_open = 1 };
	box_room_init(c, &r->who, name);
	arena_init(&r->arena, ROOM_ARENA_BYTES_MAX);
	MUST(tls_identity_make(&r->key));
	MUST(tls_ctx_init(&r->tls, TLS_ROLE_ROOM, &r->key));
	memcpy(r->who.spki, r->key.spki.b, sizeof(r->who.spki));
	MUST(tcp_dial_open(&r->dial, loop, address, HANDSHAKE_MS_MAX, room_on_dialed));
	while (!r->ready) INSIST(loop_run_once(loop));
}

void room_close(struct room *r)
{
	tls_stream_end(&r->stream, ERR_CLOSED);
	bool more = true;
	while (r->parts_open > 0 && more) more = loop_run_once(r->loop);
	INSIST(r->parts_open == 0);
	tls_ctx_fini(&r->tls);
	tls_identity_fini(&r->key);
	buf_fini(&r->in);
	arena_fini(&r->arena);
}

/* ---- frames -------------------------------------------------------------------------------- */

void room_encode(struct room *r, Roomkeep__Frame *frame, struct buf *out)
{
	frame->has_request = 1;
	frame->request = ++r->request;
	MUST(frame_encode(frame, out));
}

void room_send(struct room *r, struct view frames)
{
	MUST(tls_stream_write(&r->stream, frames));
}

Roomkeep__Frame *room_decode(struct room *r, struct view body)
{
	Roomkeep__Frame *f = NULL;
	arena_reset(&r->arena);
	MUST(frame_decode(&r->arena, body, &f));
	return f;
}

static void room_on_reply(struct room *r, struct view body, uint64_t at_ns)
{
	(void)at_ns;
	if (r->reply != NULL) return;
	Roomkeep__Frame *f = room_decode(r, body);
	if (f->body_case == ROOMKEEP__FRAME__BODY_SCOPE_CHANGE)
		r->scope_version = f->scope_change->scope_version;
	if (f->request == r->request) r->reply = f;
}

Roomkeep__Frame *room_call(struct room *r, Roomkeep__Frame *frame)
{
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	room_encode(r, frame, &bytes);
	r->reply = NULL;
	r->on_frame = room_on_reply;
	room_send(r, buf_view(&bytes));
	while (r->reply == NULL) INSIST(loop_run_once(r->loop));
	r->on_frame = NULL;
	return r->reply;
}

void room_must(struct room *r, Roomkeep__Frame *frame)
{
	const Roomkeep__Frame *reply = room_call(r, frame);
	INSIST(reply->body_case == ROOMKEEP__FRAME__BODY_RESULT);
	INSIST(reply->result->code == 0);
}

/* ---- the clinic's own side ----------------------------------------------------------------- */

void clinic_init(struct box_clinic *c, const char *setup_code)
{
	*c = (struct box_clinic){ .wall_ms = loop_wall_ms() };
	arena_init(&c->arena, 1024u * MIB);
	c->rand = rand_seeded_init(&c->seeded, c->wall_ms);
	id_source_init(&c->ids, c->rand);
	c->clinic_id = id_make_random(&c->rand);
	c->epoch = id_make_random(&c->rand);
	MUST(sign_key_new(&c->root));
	dir_init(&c->dir, &c->clinic_id, &c->root.pk);
	CLEANUP(setup_code_finip) struct setup_code code = { 0 };
	MUST(setup_code_parse(view_str(setup_code), &code, NULL));
	c->setup = TAKE(code.s);
	box_person_init(c, &c->owner, "Jo Park", "jo", DIR_OWNER | DIR_THERAPIST);
}

void clinic_fini(struct box_clinic *c)
{
	box_person_fini(&c->owner);
	sign_key_fini(&c->root);
	dir_fini(&c->dir);
	secret_free(c->setup);
	arena_fini(&c->arena);
}

static void room_export(struct room *r, const char *label, uint8_t ret_key[EXPORTER_BYTES])
{
	MUST(tls_stream_export(&r->stream, label, ret_key));
}

void room_hello(struct box_clinic *c, struct room *r)
{
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_HELLO);
	f->hello->has_proto_min = 1;
	f->hello->proto_min = DIALOG_PROTO_MIN;
	f->hello->has_proto_max = 1;
	f->hello->proto_max = DIALOG_PROTO_MAX;
	f->hello->build = box_text(c, "bench");
	INSIST(room_call(r, f)->body_case == ROOMKEEP__FRAME__BODY_WELCOME);
	memcpy(c->server_spki, tls_stream_peer_spki(&r->stream)->b, sizeof(c->server_spki));
}

static Roomkeep__Signed *signed_by(struct box_clinic *c, const struct sign_key *key,
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

static void found_records(struct box_clinic *c, const Roomkeep__FoundInfo *info, Roomkeep__Found *m)
{
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	struct server_record server = { .clinic_id = c->clinic_id, .seq = 1, .spki_count = 1 };
	memcpy(server.spki[0].b, c->server_spki, HASH_BYTES);
	INSIST(info->ingest_pk.len == sizeof(server.ingest_pk.b));
	INSIST(info->log_pk.len == sizeof(server.log_pk.b));
	memcpy(server.ingest_pk.b, info->ingest_pk.data, sizeof(server.ingest_pk.b));
	memcpy(server.log_pk.b, info->log_pk.data, sizeof(server.log_pk.b));
	MUST(server_record_encode(&server, &bytes));
	m->server_record = signed_by(c, &c->root, buf_view(&bytes));
	buf_clear(&bytes);
	const struct policy policy = { .clinic_id = c->clinic_id,
				       .version = 1,
				       .clinic_name = view_str("Harbour Massage") };
	MUST(policy_encode(&policy, &bytes));
	m->policy = signed_by(c, &c->root, buf_view(&bytes));
	buf_clear(&bytes);
	const struct epoch_record epoch = { .clinic_id = c->clinic_id,
					    .epoch = c->epoch,
					    .n = 1,
					    .reason = view_str("founded"),
					    .signer_id = c->owner.id,
					    .signer_g = 1 };
	MUST(epoch_record_encode(&epoch, &bytes));
	m->epoch_record = signed_by(c, &c->owner.sign, buf_view(&bytes));
}

void room_found(struct box_clinic *c, struct room *r)
{
	room_hello(c, r);
	const Roomkeep__Frame *info = room_call(r, box_frame(c, ROOMKEEP__FRAME__BODY_FOUND_START));
	INSIST(info->body_case == ROOMKEEP__FRAME__BODY_FOUND_INFO);
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_FOUND);
	Roomkeep__Found *m = f->found;
	found_records(c, info->found_info, m);
	CLEANUP(secret_freep) struct secret *mac = NULL;
	MUST(setup_mac_derive(c->setup, &mac));
	uint8_t exporter[EXPORTER_BYTES];
	room_export(r, EXPORTER_LABEL_SETUP, exporter);
	const struct hmac proof = setup_proof_make(mac, VIEW_OF(exporter));
	m->has_proof = m->has_clinic_id = m->has_root_pk = m->has_room_id = 1;
	m->proof = box_bytes(c, VIEW_OF(proof.b));
	m->clinic_id = box_bytes(c, id_view(&c->clinic_id));
	m->clinic_name = box_text(c, "Harbour Massage");
	m->root_pk = box_bytes(c, sign_pk_view(&c->root.pk));
	m->first_owner = box_dir_item(c, &c->owner, DIR_ACTIVE, NULL, NULL, true);
	m->account = box_account(c, &c->owner);
	m->room_id = box_bytes(c, id_view(&r->who.room_id));
	m->room_name = box_text(c, r->who.name);
	room_must(r, f);
	box_dir_take(c, m->first_owner);
}

void room_enrol(struct box_clinic *c, struct room *via, struct room *r)
{
	struct box_join join;
	room_must(via, box_invite_frame(c, r->who.name, &join));
	room_hello(c, r);
	uint8_t exporter[EXPORTER_BYTES];
	room_export(r, EXPORTER_LABEL_ENROL, exporter);
	struct hash32 spki;
	memcpy(spki.b, r->key.spki.b, sizeof(spki.b));
	struct hmac mac;
	MUST(enrol_proof_make(join.keys.mac, &spki, VIEW_OF(exporter), &mac));
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_ENROL_PROOF);
	f->enrol_proof->has_join_id = f->enrol_proof->has_mac = f->enrol_proof->has_room_id = 1;
	f->enrol_proof->join_id = box_bytes(c, id_view(&join.keys.join_id));
	f->enrol_proof->mac = box_bytes(c, VIEW_OF(mac.b));
	f->enrol_proof->room_id = box_bytes(c, id_view(&r->who.room_id));
	room_must(r, f);
	box_join_fini(&join);
}

void room_sign_in(struct box_clinic *c, struct room *r, const struct box_person *p)
{
	Roomkeep__Frame *start = box_frame(c, ROOMKEEP__FRAME__BODY_LOGIN_START);
	struct login_proof proof = { .clinic_id = c->clinic_id };
	rand_fill(&c->rand, proof.cn, sizeof(proof.cn));
	start->login_start->handle = box_text(c, p->login);
	start->login_start->has_cn = 1;
	start->login_start->cn = box_bytes(c, VIEW_OF(proof.cn));
	const Roomkeep__Frame *params = room_call(r, start);
	INSIST(params->body_case == ROOMKEEP__FRAME__BODY_LOGIN_PARAMS);
	MUST(wire_id(params->login_params->user_id, &proof.user_id));
	INSIST(params->login_params->sn.len == sizeof(proof.sn));
	memcpy(proof.sn, params->login_params->sn.data, sizeof(proof.sn));
	room_export(r, EXPORTER_LABEL_LOGIN, proof.exporter);
	memcpy(proof.room_spki.b, r->key.spki.b, sizeof(proof.room_spki.b));
	struct sign_sig sig;
	MUST(login_proof_sign(&proof, &p->auth, &sig));
	Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_LOGIN_PROOF);
	f->login_proof->has_sig = 1;
	f->login_proof->sig = box_bytes(c, sign_sig_view(&sig));
	INSIST(room_call(r, f)->body_case == ROOMKEEP__FRAME__BODY_LOGIN_OK);
}

void room_sign_out(struct box_clinic *c, struct room *r)
{
	room_must(r, box_frame(c, ROOMKEEP__FRAME__BODY_LOGOUT));
}

void room_add_person(struct box_clinic *c, struct room *via, struct box_person *p)
{
	Roomkeep__Frame *f = box_add_user_frame(c, p, &c->owner);
	room_must(via, f);
	box_dir_take(c, f->add_user->item);
}

/* ---- feed ---------------------------------------------------------------------------------- */

struct pull_state {
	bool live;
	bool scope_changed;
};

static void pull_on_frame(struct room *r, struct view body, uint64_t at_ns)
{
	(void)at_ns;
	struct pull_state *state = r->ctx;
	const Roomkeep__Frame *f = room_decode(r, body);
	if (f->body_case == ROOMKEEP__FRAME__BODY_SCOPE_CHANGE) {
		r->scope_version = f->scope_change->scope_version;
		state->scope_changed = true;
	}
	if (f->body_case == ROOMKEEP__FRAME__BODY_FEED && f->feed->live) state->live = true;
}

void room_pull(struct box_clinic *c, struct room *r, uint64_t seq)
{
	struct pull_state state = { .scope_changed = true };
	r->on_frame = pull_on_frame;
	r->ctx = &state;
	while (!state.live) {
		if (state.scope_changed) {
			state.scope_changed = false;
			Roomkeep__Frame *f = box_frame(c, ROOMKEEP__FRAME__BODY_PULL);
			f->pull->has_epoch = f->pull->has_seq = f->pull->has_scope_version = 1;
			f->pull->epoch = box_bytes(c, id_view(&c->epoch));
			f->pull->seq = seq;
			f->pull->scope_version = r->scope_version;
			CLEANUP(buf_finip) struct buf bytes = { 0 };
			room_encode(r, f, &bytes);
			room_send(r, buf_view(&bytes));
		}
		INSIST(loop_run_once(r->loop));
	}
	r->on_frame = NULL;
	r->ctx = NULL;
}
