/* Founding: the owner's first room gives the clinic its public parts (SECURITY 2.6). */
#include "base/check.h"
#include "base/cleanup.h"
#include "server/work/work_handlers.h"

enum err work_check_found_start(struct work *w, struct ask *a, struct store_reader *r)
{
	(void)w;
	(void)a;
	(void)r;
	return ERR_OK;
}

enum err work_reply_found_start(struct work *w, struct ask *a)
{
	Roomkeep__FoundInfo info = ROOMKEEP__FOUND_INFO__INIT;
	info.has_ingest_pk = 1;
	info.ingest_pk = wire_bytes(box_pk_view(&w->secrets->ingest.pk));
	info.has_log_pk = 1;
	info.log_pk = wire_bytes(sign_pk_view(&w->secrets->log.pk));
	Roomkeep__Frame frame = reply_frame(a, ROOMKEEP__FRAME__BODY_FOUND_INFO);
	frame.found_info = &info;
	return reply_send(a, &frame);
}

/* The code's proof, bound to this TLS conn. Whoever fails it spoils the code: it is typed once,
 * from paper, with check characters, so a wrong proof is no typing error. */
static enum err found_check_proof(const struct ask *a, const Roomkeep__Found *m,
				  struct store_reader *r, enum err *ret_proof)
{
	uint8_t mac_bytes[SETUP_MAC_BYTES];
	TRY(store_setup_get(r, a->wall_ms, mac_bytes));
	CLEANUP(secret_freep) struct secret *mac = NULL;
	const enum err e = secret_new_copy(VIEW_OF(mac_bytes), &mac);
	secret_wipe(mac_bytes, sizeof(mac_bytes));
	TRY(e);
	*ret_proof = setup_proof_verify(mac, VIEW_OF(a->desc.who.peer.exporter_setup),
					wire_view(m->proof));
	return ERR_OK;
}

static enum err found_read(const Roomkeep__Found *m, struct store_founding *f)
{
	ENSURE(m->has_clinic_id && m->has_root_pk && m->has_room_id, ERR_BAD_FORMAT);
	TRY(wire_id(m->clinic_id, &f->clinic_id));
	ENSURE(!id_is_zero(&f->clinic_id), ERR_BAD_VALUE);
	TRY(work_check_name(m->clinic_name, &f->clinic_name));
	TRY(sign_pk_from_view(wire_view(m->root_pk), &f->root_pk));
	TRY(work_read_signed(m->policy, &f->policy));
	TRY(work_read_signed(m->server_record, &f->server_record));
	TRY(work_read_signed(m->epoch_record, &f->epoch_record));
	TRY(work_read_account(m->account, &f->clinic_id, &f->account));
	TRY(wire_id(m->room_id, &f->room.room_id));
	ENSURE(!id_is_zero(&f->room.room_id), ERR_BAD_VALUE);
	TRY(work_check_name(m->room_name, &f->room.name));
	f->room.kind = view_str("treatment");
	return ERR_OK;
}

/* The records name this server: a room that was led to another one finds out later, we now. */
static enum err found_check_server(const struct work *w, const struct store_founding *f)
{
	struct server_record record;
	TRY(server_record_verify(f->server_record.body, &f->server_record.signature, &f->clinic_id,
				 &f->root_pk, &record));
	ENSURE(server_record_has_spki(&record, &w->spki), ERR_BAD_VALUE);
	ENSURE(box_pk_equal(&record.ingest_pk, &w->secrets->ingest.pk), ERR_BAD_VALUE);
	ENSURE(sign_pk_equal(&record.log_pk, &w->secrets->log.pk), ERR_BAD_VALUE);
	return ERR_OK;
}

static enum err found_check_records(const struct work *w, const struct store_founding *f)
{
	struct policy policy;
	TRY(policy_verify(f->policy.body, &f->policy.signature, &f->clinic_id, &f->root_pk,
			  &policy));
	ENSURE(view_equal(policy.clinic_name, f->clinic_name), ERR_BAD_VALUE);
	TRY(found_check_server(w, f));
	CLEANUP(dir_finip) struct directory dir;
	dir_init(&dir, &f->clinic_id, &f->root_pk);
	TRY(dir_apply(&dir, &f->first_owner));
	ENSURE(dir_user_has(&dir, &f->account.user_id, DIR_OWNER), ERR_BAD_VALUE);
	const struct dir_key *key = dir_key(&dir, &f->account.user_id, 1);
	ENSURE(key != NULL, ERR_BAD_VALUE);
	struct epoch_record epoch;
	TRY(epoch_record_verify(f->epoch_record.body, &f->epoch_record.signature, &f->clinic_id,
				&key->sign_pk, &epoch));
	ENSURE(epoch.n == 1 && epoch.restored_seq == 0, ERR_BAD_VALUE);
	ENSURE(id_equal(&epoch.signer_id, &f->account.user_id), ERR_BAD_VALUE);
	return ERR_OK;
}

enum err work_check_found(struct work *w, struct ask *a, struct store_reader *r)
{
	struct found_checked *c = &a->checked->is.found;
	const Roomkeep__Found *m = a->frame->found;
	ENSURE(m->has_proof, ERR_BAD_FORMAT);
	TRY(found_check_proof(a, m, r, &c->proof_err));
	if (c->proof_err != ERR_OK) return ERR_OK; /* to be written down */
	struct store_founding *f = &c->founding;
	TRY(found_read(m, f));
	memcpy(f->room.spki.b, a->desc.who.peer.spki, sizeof(f->room.spki.b));
	struct dir_entry entry;
	TRY(work_read_item(m->first_owner, &f->first_owner, &entry));
	ENSURE(id_equal(&entry.user_id, &f->account.user_id), ERR_BAD_VALUE);
	return found_check_records(w, f);
}

static enum err found_effects(const struct work *w, const struct store_founding *f, struct ask *a)
{
	a->clinic = arena_alloc(&a->arena, sizeof(*a->clinic));
	ENSURE(a->clinic != NULL, ERR_NOMEM);
	a->clinic->clinic_id = f->clinic_id;
	a->clinic->epoch = w->epoch;
	TRY(roster_set_signed(&a->clinic->epoch_record, f->epoch_record.body,
			      sign_sig_view(&f->epoch_record.signature)));
	TRY(roster_set_signed(&a->clinic->server_record, f->server_record.body,
			      sign_sig_view(&f->server_record.signature)));
	a->effects[0].type = ASK_EFFECT_FOUNDED;
	struct ask_effect *room = &a->effects[1];
	*room = (struct ask_effect){ .type = ASK_EFFECT_ROOM };
	room->room.room_id = f->room.room_id;
	room->room.state = ROSTER_ACTIVE;
	memcpy(room->room.spki, f->room.spki.b, sizeof(room->room.spki));
	memcpy(room->room.name, f->room.name.p, f->room.name.len);
	memcpy(room->room.kind, f->room.kind.p, f->room.kind.len);
	a->effect_count = 2;
	work_effect_user(&w->dir, &f->account.user_id, a);
	return ERR_OK;
}

enum err work_write_found(struct work *w, struct ask *a, struct store *s)
{
	struct found_checked *c = &a->checked->is.found;
	ENSURE(!w->founded, ERR_EXISTS);
	if (c->proof_err != ERR_OK) {
		TRY(store_setup_burn(s));
		TRY(work_audit(a, s, STORE_EVENT_SETUP_FAILED, NULL, c->proof_err));
		a->result = c->proof_err;
		a->bad = true;
		return ERR_OK;
	}
	/* Burnt since it was looked at: another conn failed with it, or founded. */
	uint8_t mac[SETUP_MAC_BYTES];
	const enum err e = store_setup_get(store_as_reader(s), a->wall_ms, mac);
	secret_wipe(mac, sizeof(mac));
	TRY(e);
	TRY(store_found(s, &c->founding));
	TRY(work_load(w, store_as_reader(s)));
	INSIST(w->founded);
	return found_effects(w, &c->founding, a);
}
