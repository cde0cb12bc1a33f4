#include "seal/local_row.h"

#include "base/check.h"
#include "crypt/aead.h"
#include "crypt/enc.h"

#define ROW_TABLE_BYTES_MAX 63u

static void row_aad(struct enc *aad, const struct row_context *c)
{
	const size_t table_len = view_str(c->table).len;
	REQUIRE(table_len >= 1 && table_len <= ROW_TABLE_BYTES_MAX);
	REQUIRE(c->row_id.len >= 1 && c->row_id.len <= ROW_ID_BYTES_MAX);
	enc_begin(aad, "crs1/row");
	enc_add_id(aad, &c->room_id);
	enc_add_id(aad, &c->user_id);
	enc_add_text(aad, c->table);
	enc_add_bytes(aad, c->row_id);
	enc_add_u64(aad, c->row_rev);
}

enum err row_seal(const struct secret *local_key, const struct row_context *c, struct view plain,
		  struct buf *out)
{
	ENSURE(plain.len <= ROW_PLAIN_BYTES_MAX, ERR_TOO_BIG);
	CLEANUP(enc_finip) struct enc aad;
	row_aad(&aad, c);
	return aead_seal_enc(local_key, &aad, plain, out);
}

enum err row_open(const struct secret *local_key, const struct row_context *c, struct view sealed,
		  struct buf *out)
{
	ENSURE(sealed.len <= ROW_PLAIN_BYTES_MAX + AEAD_OVERHEAD_BYTES, ERR_TOO_BIG);
	CLEANUP(enc_finip) struct enc aad;
	row_aad(&aad, c);
	return aead_open_enc(local_key, &aad, sealed, out);
}
