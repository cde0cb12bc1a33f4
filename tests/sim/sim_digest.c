#include "base/check.h"
#include "base/cleanup.h"
#include "crypt/hash.h"
#include "record/fold.h"
#include "sim/sim_model.h"
#include "sim/sim_server.h"

#include <stdlib.h>

#define PAGE_BYTES (4u * MIB)
#define ARENA_BYTES (64u * MIB)

static void hash_for_fold(void *ctx, struct view bytes, uint8_t ret_hash[FOLD_HASH_BYTES])
{
	(void)ctx;
	const struct hash32 h = hash_bytes(bytes);
	memcpy(ret_hash, h.b, sizeof(h.b));
}

/* ---- one record as bytes ------------------------------------------------------------- */

static enum err add_field(struct buf *b, struct view v)
{
	TRY(buf_append_be32(b, (uint32_t)v.len));
	return buf_append(b, v);
}

static enum err add_texts(struct buf *b, const struct session_state *st)
{
	for (size_t f = 0; f < FOLD_TEXT_FIELDS; f++) {
		TRY(buf_append_be32(b, (uint32_t)st->text[f].head_count));
		for (size_t i = 0; i < st->text[f].head_count; i++) {
			TRY(add_field(b, id_view(&st->text[f].heads[i]->meta.op_id)));
			TRY(add_field(b, st->text[f].heads[i]->text));
		}
	}
	return ERR_OK;
}

static enum err add_measures(struct buf *b, const struct session_state *st)
{
	TRY(buf_append_be32(b, (uint32_t)st->measure_count));
	for (size_t i = 0; i < st->measure_count; i++) {
		const struct fold_measure *m = st->measures[i];
		TRY(add_field(b, id_view(&m->measure_id)));
		TRY(add_field(b, m->ref));
		TRY(buf_append_be32(b, (uint32_t)m->phase << 16 | (uint32_t)m->side << 8 |
					       (uint32_t)m->result));
		TRY(buf_append_be64(b, (uint64_t)m->value_milli));
		TRY(buf_append_be64(b, m->at_ms));
	}
	return ERR_OK;
}

/* What a Sign fixes, and the Sign. */
static enum err add_content(struct buf *b, const struct session_state *st)
{
	TRY(add_field(b, id_view(&st->session_id)));
	TRY(add_field(b, id_view(&st->patient_id)));
	TRY(add_field(b, id_view(&st->therapist_id)));
	TRY(add_field(b, id_view(&st->room_id)));
	TRY(buf_append_be64(b, st->started_ms));
	TRY(buf_append_be64(b, st->ended_ms));
	if (st->sign != NULL) {
		TRY(add_field(b, id_view(&st->sign->meta.op_id)));
		TRY(add_field(b, VIEW_OF(st->sign->values_hash)));
	}
	TRY(add_texts(b, st));
	return add_measures(b, st);
}

static enum err add_session(struct buf *b, const struct session_state *st)
{
	TRY(add_content(b, st));
	TRY(buf_append_be32(b, (uint32_t)st->addendum_count));
	for (size_t i = 0; i < st->addendum_count; i++) {
		TRY(add_field(b, id_view(&st->addenda[i]->meta.op_id)));
		TRY(add_field(b, st->addenda[i]->text));
	}
	TRY(buf_append_be32(b, (uint32_t)st->late_count));
	for (size_t i = 0; i < st->late_count; i++) {
		TRY(add_field(b, id_view(&st->late[i].meta->op_id)));
	}
	return ERR_OK;
}

static uint64_t number_of(const struct buf *b)
{
	const struct hash32 h = hash_bytes(buf_view(b));
	return load_be64(h.b);
}

/* With --trace, so that a difference can be found. */
static void tell(struct sim *s, const char *what, const struct id *id, uint64_t number)
{
	char text[ID_TEXT_BYTES];
	id_print(id, text);
	sim_trace(s, "  %s %s: %016llx", what, text, (unsigned long long)number);
}

static enum err count_session(struct sim *s, const struct session_state *st, struct sim_digest *ret)
{
	CLEANUP(buf_finip) struct buf b = { 0 };
	TRY(add_session(&b, st));
	tell(s, "session", &st->session_id, number_of(&b));
	ret->sum += number_of(&b);
	ret->sessions++;
	if (st->has_conflict) ret->open_conflicts++;
	if (st->sign != NULL) ret->signed_sessions++;
	ret->late += st->late_count;
	/* Values that hash to something else than was signed: nobody forges here. */
	return st->sign != NULL && st->sign->check == FOLD_SIGN_DIFFERS ? ERR_CORRUPT : ERR_OK;
}

static enum err count_patient(struct sim *s, const struct id *id,
			      const struct view fields[PATIENT_FIELD_COUNT], struct sim_digest *ret)
{
	CLEANUP(buf_finip) struct buf b = { 0 };
	TRY(add_field(&b, id_view(id)));
	for (size_t i = 0; i < PATIENT_FIELD_COUNT; i++) TRY(add_field(&b, fields[i]));
	tell(s, "patient", id, number_of(&b));
	ret->sum += number_of(&b);
	ret->patients++;
	return ERR_OK;
}

/* ---- a room -------------------------------------------------------------------------- */

static enum err room_sessions(struct sim *s, struct sim_room *r, const struct id *patient_id,
			      struct sim_digest *ret)
{
	CLEANUP(freep) struct local_session_row *rows = NULL;
	size_t count = 0;
	TRY(local_list_sessions(r->local, &r->desk.vault, patient_id, &rows, &count));
	for (size_t i = 0; i < count; i++) {
		struct session_fold fold;
		struct session_state st;
		TRY(local_load_session(r->local, &r->desk.vault, &rows[i].session_id, &fold, &st));
		const enum err e = count_session(s, &st, ret);
		session_fold_fini(&fold);
		TRY(e);
	}
	return ERR_OK;
}

enum err sim_digest_room(struct sim *s, struct sim_room *r, struct sim_digest *ret)
{
	CLEANUP(buf_finip) struct buf ids = { 0 };
	struct local_patient p;
	size_t at = 0;
	enum err e;

	*ret = (struct sim_digest){ 0 };
	while ((e = local_find_patient(r->local, &r->desk.vault, VIEW_EMPTY, &at, &p)) == ERR_OK) {
		const struct view fields[PATIENT_FIELD_COUNT] = {
			view_str(p.name), view_str(p.name_used), view_str(p.born),
			view_str(p.phone), view_str(p.email)
		};
		TRY(count_patient(s, &p.id, fields, ret));
		TRY(buf_append(&ids, id_view(&p.id)));
	}
	ENSURE(e == ERR_NOT_FOUND, e);
	for (size_t i = 0; i + ID_BYTES <= ids.len; i += ID_BYTES) {
		struct id id;
		TRY(id_from_view(view_of(ids.p + i, ID_BYTES), &id));
		TRY(room_sessions(s, r, &id, ret));
	}
	return ERR_OK;
}

/* ---- the server ---------------------------------------------------------------------- */

static enum err row_meta(const struct store_row *row, struct fold_meta *ret)
{
	struct op_core core;
	TRY(op_core_parse(row->core, &core));
	*ret = (struct fold_meta){ .op_id = row->op_id,
				   .author_id = row->author_id,
				   .room_id = row->room_id,
				   .seq = row->seq,
				   .client_time_ms = core.client_time_ms };
	return ERR_OK;
}

static enum err fold_rows(struct session_fold *sf, struct patient_fold *pf,
			  const struct store_page *page, struct arena *arena)
{
	for (size_t i = 0; i < page->count; i++) {
		const struct store_row *row = &page->rows[i];
		struct fold_meta meta;
		struct payload payload;
		if (row->code != ERR_OK || row->payload.len == 0) continue;
		const bool of_patient = row->kind == KIND_PATIENT;
		if (row->kind == KIND_OPENED || row->kind >= KIND_NOTE) continue;
		if (of_patient != (pf != NULL)) continue;
		TRY(row_meta(row, &meta));
		TRY(payload_decode(arena, row->kind, row->payload, &payload, NULL));
		if (pf != NULL)
			TRY(patient_fold_add(pf, &meta, &payload));
		else
			TRY(session_fold_add(sf, &meta, &payload));
	}
	return ERR_OK;
}

static enum err fold_all(struct sim *s, const struct id *id, struct session_fold *sf,
			 struct patient_fold *pf)
{
	struct store_reader *reader = sim_server_reader(s->server);
	uint64_t after = 0;
	for (bool more = true; more;) {
		CLEANUP(arena_finip) struct arena arena;
		struct store_page page;
		arena_init(&arena, ARENA_BYTES);
		if (pf != NULL) {
			TRY(store_patient_page(reader, id, after, BATCH_OPS_MAX, PAGE_BYTES, &arena,
					       &page));
		} else {
			TRY(store_session_page(reader, id, after, BATCH_OPS_MAX, PAGE_BYTES, &arena,
					       &page));
		}
		TRY(fold_rows(sf, pf, &page, &arena));
		after = page.up_to_seq;
		more = page.more;
	}
	return ERR_OK;
}

static enum err server_session(struct sim *s, const struct id *id, struct sim_digest *ret)
{
	CLEANUP(session_fold_finip) struct session_fold fold;
	struct session_state st;
	session_fold_init(&fold, id, (struct fold_hasher){ .hash = hash_for_fold });
	TRY(fold_all(s, id, &fold, NULL));
	TRY(session_fold_state(&fold, &st));
	return st.has_frame ? count_session(s, &st, ret) : ERR_OK;
}

static enum err server_patient(struct sim *s, const struct id *id, struct sim_digest *ret)
{
	CLEANUP(patient_fold_finip) struct patient_fold fold;
	struct patient_state st;
	struct view fields[PATIENT_FIELD_COUNT];
	patient_fold_init(&fold, id);
	TRY(fold_all(s, id, NULL, &fold));
	TRY(patient_fold_state(&fold, &st));
	for (size_t i = 0; i < PATIENT_FIELD_COUNT; i++) {
		fields[i] = patient_text(&st, (enum patient_field)i);
	}
	return count_patient(s, id, fields, ret);
}

enum err sim_digest_server(struct sim *s, bool clinical, struct sim_digest *ret)
{
	struct store_reader *reader = sim_server_reader(s->server);
	struct store_session_ref ref;

	*ret = (struct sim_digest){ 0 };
	for (size_t i = 0; i < sim_model_count(s, SIM_PATIENTS); i++) {
		const struct id *id = &sim_model_at(s, SIM_PATIENTS, i)->id;
		if (store_patient_exists(reader, id) == ERR_OK) TRY(server_patient(s, id, ret));
	}
	for (size_t i = 0; clinical && i < sim_model_count(s, SIM_SESSIONS); i++) {
		const struct id *id = &sim_model_at(s, SIM_SESSIONS, i)->id;
		if (store_session_ref(reader, id, &ref) == ERR_OK) TRY(server_session(s, id, ret));
	}
	return ERR_OK;
}

enum err sim_digest_signed(struct sim *s, const struct id *session_id, uint64_t *ret)
{
	CLEANUP(session_fold_finip) struct session_fold fold;
	CLEANUP(buf_finip) struct buf b = { 0 };
	struct session_state st;
	session_fold_init(&fold, session_id, (struct fold_hasher){ .hash = hash_for_fold });
	TRY(fold_all(s, session_id, &fold, NULL));
	TRY(session_fold_state(&fold, &st));
	ENSURE(st.sign != NULL, ERR_NOT_FOUND);
	TRY(add_content(&b, &st));
	*ret = number_of(&b);
	return ERR_OK;
}
