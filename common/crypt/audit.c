#include "crypt/audit.h"

#include "crypt/enc.h"

enum err audit_entry_hash(const struct audit_entry *a, struct hash32 *ret)
{
	CLEANUP(enc_finip) struct enc e;
	enc_begin(&e, "crs1/log");
	enc_add_id(&e, &a->epoch);
	enc_add_u64(&e, a->seq);
	enc_add_hash(&e, &a->prev);
	enc_add_hash(&e, &a->row_hash);
	enc_add_u64(&e, a->time_ms);
	return hash_enc(&e, ret);
}

static void audit_head_enc(const struct audit_head *h, struct enc *e)
{
	enc_begin(e, "crs1/head");
	enc_add_id(e, &h->clinic_id);
	enc_add_id(e, &h->epoch);
	enc_add_u64(e, h->seq);
	enc_add_hash(e, &h->entry);
	enc_add_u64(e, h->time_ms);
}

enum err audit_head_sign(const struct audit_head *h, const struct sign_key *log_key,
			 struct sign_sig *ret)
{
	CLEANUP(enc_finip) struct enc e;
	audit_head_enc(h, &e);
	return sign_enc(log_key, &e, ret);
}

enum err audit_head_verify(const struct audit_head *h, const struct sign_pk *log_pk,
			   const struct sign_sig *sig)
{
	CLEANUP(enc_finip) struct enc e;
	audit_head_enc(h, &e);
	return sign_verify_enc(log_pk, &e, sig);
}
