#include "crypt/join_blob.h"

#include "base/check.h"
#include "crypt/aead.h"
#include "crypt/enc.h"

#define JOIN_PLAIN_LABEL "crs1/join-plain"
#define JOIN_MAGIC_BYTES 8u

/* "CRSJ", version 1, suite 1, two zero bytes. */
static const uint8_t join_magic[JOIN_MAGIC_BYTES] = { 'C', 'R', 'S', 'J', 1, 1, 0, 0 };

_Static_assert(JOIN_BLOB_BYTES_MAX > 3 * RECORD_BYTES_MAX + 1024, "three records and the rest fit");

void join_blob_fini(struct join_blob *b)
{
	secret_free(b->cs);
	secret_free(b->prev_cs);
	buf_fini(&b->server_record);
	buf_fini(&b->epoch_record);
	buf_fini(&b->policy);
	*b = (struct join_blob){ 0 };
}

void join_blob_finip(struct join_blob *b)
{
	join_blob_fini(b);
}

static enum err join_blob_check(const struct join_blob *b)
{
	ENSURE(b->cs_id >= 1 && b->cs != NULL && b->cs->len == KEY_BYTES, ERR_BAD_VALUE);
	ENSURE((b->prev_cs_id == 0) == (b->prev_cs == NULL), ERR_BAD_VALUE);
	ENSURE(b->prev_cs == NULL || b->prev_cs->len == KEY_BYTES, ERR_BAD_VALUE);
	ENSURE(b->prev_cs_id < b->cs_id, ERR_BAD_VALUE);
	return ERR_OK;
}

static void join_blob_add_record(struct enc *e, const struct buf *record,
				 const struct sign_sig *sig)
{
	enc_add_bytes(e, buf_view(record));
	enc_add_bytes(e, sign_sig_view(sig));
}

static void join_blob_enc(const struct join_blob *b, struct enc *e)
{
	const struct view prev = b->prev_cs == NULL ? VIEW_EMPTY : secret_view(b->prev_cs);
	enc_begin_secret(e, JOIN_PLAIN_LABEL, JOIN_BLOB_BYTES_MAX);
	enc_add_id(e, &b->clinic_id);
	enc_add_u64(e, b->cs_id);
	enc_add_bytes(e, secret_view(b->cs));
	enc_add_u64(e, b->prev_cs_id);
	enc_add_bytes(e, prev);
	enc_add_bytes(e, sign_pk_view(&b->root_pk));
	join_blob_add_record(e, &b->server_record, &b->server_record_sig);
	join_blob_add_record(e, &b->epoch_record, &b->epoch_record_sig);
	enc_add_u64(e, b->dir_seq);
	enc_add_hash(e, &b->dir_hash);
	join_blob_add_record(e, &b->policy, &b->policy_sig);
}

static void join_blob_aad(struct enc *e, const struct id *clinic_id, const struct id *join_id,
			  uint64_t expires_ms)
{
	enc_begin(e, "crs1/join");
	enc_add_id(e, clinic_id);
	enc_add_id(e, join_id);
	enc_add_u64(e, expires_ms);
}

enum err join_blob_seal(const struct join_keys *keys, const struct join_blob *b,
			uint64_t expires_ms, struct buf *out)
{
	TRY(join_blob_check(b));
	CLEANUP(enc_finip) struct enc plain = { 0 };
	CLEANUP(enc_finip) struct enc aad = { 0 };
	join_blob_enc(b, &plain);
	join_blob_aad(&aad, &b->clinic_id, &keys->join_id, expires_ms);
	struct view bytes;
	TRY(enc_end(&plain, &bytes));
	TRY(buf_reserve(out, JOIN_MAGIC_BYTES + bytes.len + AEAD_OVERHEAD_BYTES));
	const size_t start = out->len;
	TRY(buf_append(out, VIEW_OF(join_magic)));
	const enum err e = aead_seal_enc(keys->wrap, &aad, bytes, out);
	if (e != ERR_OK) out->len = start;
	return e;
}

static enum err join_read_u32(struct enc_reader *r, uint32_t *ret)
{
	const uint64_t v = enc_read_u64(r);
	ENSURE(v <= UINT32_MAX, ERR_BAD_VALUE);
	*ret = (uint32_t)v;
	return ERR_OK;
}

static enum err join_read_record(struct enc_reader *r, struct buf *record, struct sign_sig *sig)
{
	const struct view bytes = enc_read_bytes(r, 1, RECORD_BYTES_MAX);
	enc_read_exact(r, sig->b, SIGN_SIG_BYTES);
	return buf_append(record, bytes);
}

static enum err join_read_secrets(struct enc_reader *r, struct join_blob *b)
{
	b->clinic_id = enc_read_id(r);
	TRY(join_read_u32(r, &b->cs_id));
	const struct view cs = enc_read_bytes(r, KEY_BYTES, KEY_BYTES);
	TRY(join_read_u32(r, &b->prev_cs_id));
	const struct view prev = enc_read_bytes(r, 0, KEY_BYTES);
	ENSURE(r->failed == ERR_OK, r->failed);
	TRY(secret_new_copy(cs, &b->cs));
	if (prev.len > 0) TRY(secret_new_copy(prev, &b->prev_cs));
	return ERR_OK;
}

/* On failure the caller's join_blob_fini cleans up what was read. */
static enum err join_blob_parse(struct view plain, struct join_blob *b)
{
	struct enc_reader r;
	enc_read_begin(&r, plain, JOIN_PLAIN_LABEL);
	TRY(join_read_secrets(&r, b));
	enc_read_exact(&r, b->root_pk.b, SIGN_PK_BYTES);
	TRY(join_read_record(&r, &b->server_record, &b->server_record_sig));
	TRY(join_read_record(&r, &b->epoch_record, &b->epoch_record_sig));
	b->dir_seq = enc_read_u64(&r);
	b->dir_hash = enc_read_hash(&r);
	TRY(join_read_record(&r, &b->policy, &b->policy_sig));
	TRY(enc_read_end(&r));
	return join_blob_check(b);
}

static enum err join_blob_verify(const struct join_blob *b, const struct id *clinic_id)
{
	struct server_record server;
	struct policy policy;
	struct epoch_record epoch;
	ENSURE(id_equal(&b->clinic_id, clinic_id), ERR_AUTH);
	TRY(server_record_verify(buf_view(&b->server_record), &b->server_record_sig, clinic_id,
				 &b->root_pk, &server));
	TRY(policy_verify(buf_view(&b->policy), &b->policy_sig, clinic_id, &b->root_pk, &policy));
	TRY(epoch_record_parse(buf_view(&b->epoch_record), &epoch));
	ENSURE(id_equal(&epoch.clinic_id, clinic_id), ERR_AUTH);
	return ERR_OK;
}

enum err join_blob_open(const struct join_keys *keys, const struct id *clinic_id,
			uint64_t expires_ms, struct view sealed, struct join_blob *ret)
{
	ENSURE(sealed.len > JOIN_MAGIC_BYTES && sealed.len <= JOIN_BLOB_BYTES_MAX + 64,
	       ERR_BAD_FORMAT);
	ENSURE(view_equal(view_of(sealed.p, 4), view_of(join_magic, 4)), ERR_BAD_FORMAT);
	ENSURE(view_equal(view_of(sealed.p, JOIN_MAGIC_BYTES), VIEW_OF(join_magic)), ERR_VERSION);
	CLEANUP(enc_finip) struct enc aad;
	join_blob_aad(&aad, clinic_id, &keys->join_id, expires_ms);
	struct view aad_bytes;
	TRY(enc_end(&aad, &aad_bytes));

	const struct view body =
		view_of(sealed.p + JOIN_MAGIC_BYTES, sealed.len - JOIN_MAGIC_BYTES);
	CLEANUP(secret_freep) struct secret *plain = NULL;
	TRY(aead_open_secret(keys->wrap, aad_bytes, body, &plain));
	CLEANUP(join_blob_finip) struct join_blob b = { 0 };
	TRY(join_blob_parse(secret_view(plain), &b));
	TRY(join_blob_verify(&b, clinic_id));
	*ret = b;
	b = (struct join_blob){ 0 };
	return ERR_OK;
}
