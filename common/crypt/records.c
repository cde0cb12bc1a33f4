#include "crypt/records.h"

#include "base/check.h"
#include "crypt/enc.h"
#include "crypt/text.h"

#define SERVER_RECORD_LABEL "crs1/server-record"
#define POLICY_LABEL "crs1/policy"
#define EPOCH_LABEL "crs1/epoch"

static enum err enc_finish(const struct enc *e, struct buf *out)
{
	struct view bytes;
	TRY(enc_end(e, &bytes));
	return buf_append(out, bytes);
}

/* One rule for encoders and parsers, so that neither makes what the other refuses. */
static enum err server_record_check(const struct server_record *r)
{
	ENSURE(r->seq >= 1, ERR_BAD_VALUE);
	ENSURE(r->spki_count >= 1 && r->spki_count <= SERVER_SPKI_MAX, ERR_BAD_VALUE);
	return ERR_OK;
}

static enum err policy_check(const struct policy *p)
{
	static const struct box_pk none = { { 0 } };
	ENSURE(p->version >= 1, ERR_BAD_VALUE);
	ENSURE(p->clinic_name.len >= 1 && p->clinic_name.len <= NAME_BYTES_MAX, ERR_BAD_VALUE);
	ENSURE(text_is_clean(p->clinic_name), ERR_BAD_VALUE);
	if (p->k == 0) {
		ENSURE(p->n == 0 && box_pk_equal(&p->crk_pk, &none), ERR_BAD_VALUE);
		return ERR_OK;
	}
	ENSURE(p->k >= 2 && p->k <= p->n && p->n <= RECOVERY_SHARES_MAX, ERR_BAD_VALUE);
	ENSURE(!box_pk_equal(&p->crk_pk, &none), ERR_BAD_VALUE);
	return ERR_OK;
}

static enum err epoch_record_check(const struct epoch_record *r)
{
	ENSURE(r->n >= 1 && !id_is_zero(&r->epoch), ERR_BAD_VALUE);
	ENSURE(r->n > 1 || r->restored_seq == 0, ERR_BAD_VALUE);
	ENSURE(r->reason.len <= EPOCH_REASON_BYTES_MAX, ERR_BAD_VALUE);
	ENSURE(text_is_clean(r->reason), ERR_BAD_VALUE);
	ENSURE(!id_is_zero(&r->signer_id) && r->signer_g >= 1, ERR_BAD_VALUE);
	return ERR_OK;
}

enum err server_record_encode(const struct server_record *r, struct buf *out)
{
	TRY(server_record_check(r));
	CLEANUP(enc_finip) struct enc e;
	enc_begin(&e, SERVER_RECORD_LABEL);
	enc_add_id(&e, &r->clinic_id);
	enc_add_u64(&e, r->seq);
	for (size_t i = 0; i < r->spki_count; i++) enc_add_hash(&e, &r->spki[i]);
	enc_add_bytes(&e, box_pk_view(&r->ingest_pk));
	enc_add_bytes(&e, sign_pk_view(&r->log_pk));
	return enc_finish(&e, out);
}

enum err server_record_parse(struct view bytes, struct server_record *ret)
{
	struct enc_reader r;
	struct server_record s = { 0 };
	enc_read_begin(&r, bytes, SERVER_RECORD_LABEL);
	s.clinic_id = enc_read_id(&r);
	s.seq = enc_read_u64(&r);
	/* The list ends where the two keys begin: nothing follows them. */
	const size_t left = enc_read_left(&r);
	ENSURE(left >= 3 && left <= SERVER_SPKI_MAX + 2, ERR_BAD_FORMAT);
	s.spki_count = left - 2;
	for (size_t i = 0; i < s.spki_count; i++) s.spki[i] = enc_read_hash(&r);
	enc_read_exact(&r, s.ingest_pk.b, BOX_PK_BYTES);
	enc_read_exact(&r, s.log_pk.b, SIGN_PK_BYTES);
	TRY(enc_read_end(&r));
	TRY(server_record_check(&s));
	*ret = s;
	return ERR_OK;
}

enum err server_record_verify(struct view bytes, const struct sign_sig *sig,
			      const struct id *clinic_id, const struct sign_pk *root_pk,
			      struct server_record *ret)
{
	struct server_record s;
	TRY(sign_verify(root_pk, bytes, sig));
	TRY(server_record_parse(bytes, &s));
	ENSURE(id_equal(&s.clinic_id, clinic_id), ERR_AUTH);
	*ret = s;
	return ERR_OK;
}

bool server_record_has_spki(const struct server_record *r, const struct hash32 *spki)
{
	REQUIRE(r->spki_count <= SERVER_SPKI_MAX);
	for (size_t i = 0; i < r->spki_count; i++) {
		if (hash_equal(&r->spki[i], spki)) return true;
	}
	return false;
}

enum err policy_encode(const struct policy *p, struct buf *out)
{
	TRY(policy_check(p));
	CLEANUP(enc_finip) struct enc e;
	enc_begin(&e, POLICY_LABEL);
	enc_add_id(&e, &p->clinic_id);
	enc_add_u64(&e, p->version);
	enc_add_bytes(&e, p->clinic_name);
	enc_add_bytes(&e, box_pk_view(&p->crk_pk));
	enc_add_u64(&e, p->k);
	enc_add_u64(&e, p->n);
	return enc_finish(&e, out);
}

enum err policy_parse(struct view bytes, struct policy *ret)
{
	struct enc_reader r;
	struct policy p = { 0 };
	enc_read_begin(&r, bytes, POLICY_LABEL);
	p.clinic_id = enc_read_id(&r);
	p.version = enc_read_u64(&r);
	p.clinic_name = enc_read_bytes(&r, 1, NAME_BYTES_MAX);
	enc_read_exact(&r, p.crk_pk.b, BOX_PK_BYTES);
	p.k = enc_read_u64(&r);
	p.n = enc_read_u64(&r);
	TRY(enc_read_end(&r));
	TRY(policy_check(&p));
	*ret = p;
	return ERR_OK;
}

enum err policy_verify(struct view bytes, const struct sign_sig *sig, const struct id *clinic_id,
		       const struct sign_pk *root_pk, struct policy *ret)
{
	struct policy p;
	TRY(sign_verify(root_pk, bytes, sig));
	TRY(policy_parse(bytes, &p));
	ENSURE(id_equal(&p.clinic_id, clinic_id), ERR_AUTH);
	*ret = p;
	return ERR_OK;
}

enum err epoch_record_encode(const struct epoch_record *r, struct buf *out)
{
	TRY(epoch_record_check(r));
	CLEANUP(enc_finip) struct enc e;
	enc_begin(&e, EPOCH_LABEL);
	enc_add_id(&e, &r->clinic_id);
	enc_add_id(&e, &r->epoch);
	enc_add_u64(&e, r->n);
	enc_add_u64(&e, r->restored_seq);
	enc_add_bytes(&e, r->reason);
	enc_add_id(&e, &r->signer_id);
	enc_add_u64(&e, r->signer_g);
	return enc_finish(&e, out);
}

enum err epoch_record_parse(struct view bytes, struct epoch_record *ret)
{
	struct enc_reader r;
	struct epoch_record p = { 0 };
	enc_read_begin(&r, bytes, EPOCH_LABEL);
	p.clinic_id = enc_read_id(&r);
	p.epoch = enc_read_id(&r);
	p.n = enc_read_u64(&r);
	p.restored_seq = enc_read_u64(&r);
	p.reason = enc_read_bytes(&r, 0, EPOCH_REASON_BYTES_MAX);
	p.signer_id = enc_read_id(&r);
	p.signer_g = enc_read_u64(&r);
	TRY(enc_read_end(&r));
	TRY(epoch_record_check(&p));
	*ret = p;
	return ERR_OK;
}

enum err epoch_record_verify(struct view bytes, const struct sign_sig *sig,
			     const struct id *clinic_id, const struct sign_pk *signer_pk,
			     struct epoch_record *ret)
{
	struct epoch_record p;
	TRY(sign_verify(signer_pk, bytes, sig));
	TRY(epoch_record_parse(bytes, &p));
	ENSURE(id_equal(&p.clinic_id, clinic_id), ERR_AUTH);
	*ret = p;
	return ERR_OK;
}
