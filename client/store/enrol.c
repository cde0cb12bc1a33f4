/* enrol: a new machine becomes a room by a typed code (SECURITY 2.8). */
#include "base/crashpoint.h"
#include "client/store/feed.h"
#include "client/store/people_priv.h"
#include "crypt/join_blob.h"

#include <stdlib.h>

struct enrolment {
	struct join_keys keys; /* owned */
};

void enrolment_free(struct enrolment *e)
{
	if (e == NULL) return;
	join_keys_fini(&e->keys);
	free(e);
}

static void enrolment_freep(struct enrolment **e)
{
	enrolment_free(*e);
}

enum err enrol_start(struct view code, enum code_fault *ret_fault, struct enrolment **ret,
		     struct buf *ret_frame)
{
	CLEANUP(secret_freep) struct secret *j = NULL;
	TRY(join_code_parse(code, &j, ret_fault));
	CLEANUP(enrolment_freep) struct enrolment *e = calloc(1, sizeof(*e));
	ENSURE(e != NULL, ERR_NOMEM);
	TRY(join_keys_derive(j, &e->keys));
	Roomkeep__EnrolStart m = ROOMKEEP__ENROL_START__INIT;
	m.has_join_id = true;
	m.join_id = wire_id_bytes(&e->keys.join_id);
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	f.body_case = ROOMKEEP__FRAME__BODY_ENROL_START;
	f.enrol_start = &m;
	TRY(body_encode(&f, ret_frame));
	*ret = TAKE(e);
	return ERR_OK;
}

/* The blob as it travels: clinic_id[16], then the sealed form. The server tells a stranger nothing
 * about the clinic, and the id is part of what the seal binds. */
static enum err enrol_open(const struct enrolment *e, const Roomkeep__EnrolBlob *m,
			   struct join_blob *ret)
{
	const struct view blob = wire_view(m->join_blob);
	ENSURE(m->has_join_blob && m->has_expires_ms && blob.len > ID_BYTES, ERR_BAD_FORMAT);
	struct id clinic_id = { 0 };
	TRY(id_from_view(view_of(blob.p, ID_BYTES), &clinic_id));
	return join_blob_open(&e->keys, &clinic_id, m->expires_ms,
			      view_of(blob.p + ID_BYTES, blob.len - ID_BYTES), ret);
}

static enum err enrol_store(struct local *l, const struct join_blob *b, const struct id *room_id,
			    const Roomkeep__EnrolBlob *m, const char *address)
{
	CLEANUP(local_tx_endp) struct local_tx tx = { 0 };
	TRY(local_tx_begin(l, &tx));
	TRY(db_run(l->db, "DELETE FROM meta", DB_NO_ARGS));
	TRY(db_run(l->db, "DELETE FROM dir_entry", DB_NO_ARGS));
	const struct people_joined j = { .state = LOCAL_ENROLLING,
					 .clinic_id = &b->clinic_id,
					 .room_id = room_id,
					 .root_pk = &b->root_pk,
					 .room_name = m->room_name,
					 .room_kind = m->room_kind,
					 .address = address,
					 .cs = b->cs,
					 .cs_id = b->cs_id,
					 .prev_cs = b->prev_cs,
					 .prev_cs_id = b->prev_cs_id,
					 .server = buf_view(&b->server_record),
					 .server_sig = &b->server_record_sig,
					 .policy = buf_view(&b->policy),
					 .policy_sig = &b->policy_sig,
					 .epoch = buf_view(&b->epoch_record),
					 .epoch_sig = &b->epoch_record_sig };
	TRY(people_store_joined(l, &j));
	uint8_t pin[8 + HASH_BYTES];
	store_be64(pin, b->dir_seq);
	memcpy(pin + 8, b->dir_hash.b, HASH_BYTES);
	TRY(meta_set(l, "dir_pin", VIEW_OF(pin)));
	return local_tx_commit(&tx);
}

static enum err enrol_proof_frame(const struct enrolment *e, const struct hash32 *room_spki,
				  struct view exporter, const struct id *room_id, struct buf *out)
{
	struct hmac mac;
	ENSURE(exporter.len == EXPORTER_BYTES, ERR_BAD_VALUE);
	TRY(enrol_proof_make(e->keys.mac, room_spki, exporter, &mac));
	Roomkeep__EnrolProof m = ROOMKEEP__ENROL_PROOF__INIT;
	m.has_join_id = m.has_mac = m.has_room_id = true;
	m.join_id = wire_id_bytes(&e->keys.join_id);
	m.mac = wire_bytes(VIEW_OF(mac.b));
	m.room_id = wire_id_bytes(room_id);
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	f.body_case = ROOMKEEP__FRAME__BODY_ENROL_PROOF;
	f.enrol_proof = &m;
	return body_encode(&f, out);
}

enum err enrol_prove(struct local *l, struct enrolment *e, struct view blob_frame,
		     const struct hash32 *server_spki, const struct hash32 *room_spki,
		     struct view exporter, const char *address, uint64_t now_ms,
		     struct buf *ret_frame)
{
	REQUIRE(l->room.state == LOCAL_EMPTY || l->room.state == LOCAL_ENROLLING);
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, FRAME_PARSE_BYTES_MAX);
	Roomkeep__Frame *f = NULL;
	TRY(frame_decode(&a, blob_frame, &f));
	ENSURE(f->body_case == ROOMKEEP__FRAME__BODY_ENROL_BLOB, ERR_PROTO);
	const Roomkeep__EnrolBlob *m = f->enrol_blob;
	TRY(people_check_name(m->room_name, "room", NULL));
	TRY(people_check_name(m->room_kind, "kind", NULL));
	CLEANUP(join_blob_finip) struct join_blob b = { 0 };
	TRY(enrol_open(e, m, &b));

	/* Whoever answered so far was not verified: from here on it is the clinic's server or
	 * nobody. */
	struct server_record record = { 0 };
	TRY(server_record_verify(buf_view(&b.server_record), &b.server_record_sig, &b.clinic_id,
				 &b.root_pk, &record));
	ENSURE(server_record_has_spki(&record, server_spki), ERR_AUTH);
	const struct id room_id = id_make_random(&l->rand);
	TRY(enrol_proof_frame(e, room_spki, exporter, &room_id, ret_frame));
	TRY(enrol_store(l, &b, &room_id, m, address));
	TRY(meta_set_u64(l, "server_ms", now_ms));
	crashpoint(CRASHPOINT_LOCAL_ENROL_AFTER);
	return people_reload(l);
}

enum err enrol_done(struct local *l, uint64_t now_ms)
{
	REQUIRE(l->room.state == LOCAL_ENROLLING);
	TRY(meta_set_u64(l, "server_ms", now_ms));
	TRY(meta_set_u64(l, "state", LOCAL_READY));
	return people_reload(l);
}
