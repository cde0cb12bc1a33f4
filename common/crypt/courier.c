#include "crypt/courier.h"

#include "base/check.h"
#include "crypt/aead.h"
#include "crypt/enc.h"

#include <sodium.h>

enum err boot_key_new(struct boot_key *ret)
{
	struct boot_key k = { 0 };
	randombytes_buf(k.boot_id.b, sizeof(k.boot_id.b));
	TRY(secret_new_random(KEY_BYTES, &k.key));
	*ret = k;
	return ERR_OK;
}

void boot_key_fini(struct boot_key *k)
{
	secret_free(k->key);
	*k = (struct boot_key){ 0 };
}

void boot_key_finip(struct boot_key *k)
{
	boot_key_fini(k);
}

static void boot_key_info(struct enc *info, const struct id *room_id, const struct id *boot_id)
{
	sealed_box_begin(info, "outbox-key");
	enc_add_id(info, room_id);
	enc_add_id(info, boot_id);
}

enum err boot_key_seal(const struct boot_key *k, const struct box_pk *ingest_pk,
		       const struct id *room_id, struct buf *out)
{
	REQUIRE(k->key != NULL);
	CLEANUP(enc_finip) struct enc info;
	boot_key_info(&info, room_id, &k->boot_id);
	return sealed_box_seal(ingest_pk, &info, secret_view(k->key), out);
}

enum err boot_key_open(const struct box_key *ingest, const struct id *room_id,
		       const struct id *boot_id, struct view sealed, struct boot_key *ret)
{
	ENSURE(sealed.len == BOOT_KEY_SEALED_BYTES, ERR_BAD_FORMAT);
	CLEANUP(enc_finip) struct enc info;
	boot_key_info(&info, room_id, boot_id);
	struct boot_key k = { .boot_id = *boot_id };
	TRY(sealed_box_open_secret(ingest, &info, sealed, &k.key));
	*ret = k;
	return ERR_OK;
}

static void outbox_row_aad(struct enc *aad, const struct id *boot_id, const struct outbox_row *row)
{
	enc_begin(aad, "crs1/outbox");
	enc_add_id(aad, &row->room_id);
	enc_add_id(aad, boot_id);
	enc_add_id(aad, &row->op_id);
	enc_add_hash(aad, &row->lane_id);
	enc_add_u64(aad, row->lane_seq);
}

enum err outbox_row_seal(const struct boot_key *k, const struct outbox_row *row, struct view op,
			 struct buf *out)
{
	REQUIRE(k->key != NULL);
	ENSURE(op.len <= OP_BYTES_MAX, ERR_TOO_BIG);
	CLEANUP(enc_finip) struct enc aad;
	outbox_row_aad(&aad, &k->boot_id, row);
	return aead_seal_enc(k->key, &aad, op, out);
}

enum err outbox_row_open(const struct boot_key *k, const struct outbox_row *row, struct view sealed,
			 struct buf *out)
{
	REQUIRE(k->key != NULL);
	ENSURE(sealed.len <= OP_BYTES_MAX + AEAD_OVERHEAD_BYTES, ERR_TOO_BIG);
	CLEANUP(enc_finip) struct enc aad;
	outbox_row_aad(&aad, &k->boot_id, row);
	return aead_open_enc(k->key, &aad, sealed, out);
}
