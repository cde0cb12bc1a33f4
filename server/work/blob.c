#include "server/work/blob.h"

#include "crypt/aead.h"

/* Offsets of SECURITY 2.5. */
#define BLOB_AT_VERSION 4u
#define BLOB_AT_KIND 5u
#define BLOB_AT_SUITE 6u
#define BLOB_AT_ZERO 7u
#define BLOB_AT_CLINIC 8u
#define BLOB_AT_USER 24u
#define BLOB_AT_REV 40u
#define BLOB_AT_T 48u
#define BLOB_AT_M 52u
#define BLOB_AT_SALT 56u
#define BLOB_AT_CS 72u
#define BLOB_AT_NONCE 108u
#define BLOB_CONTEXT_BYTES 48u /* common to both kinds */
#define BLOB_HEAD_BYTES (BLOB_AT_NONCE + AEAD_NONCE_BYTES)

enum err blob_parse_head(struct view blob, struct blob_head *ret)
{
	static const uint8_t magic[] = { 'C', 'R', 'S', 'K' };
	ENSURE(blob.len <= BLOB_BYTES_MAX, ERR_TOO_BIG);
	ENSURE(blob.len > BLOB_CONTEXT_BYTES + AEAD_TAG_BYTES, ERR_BAD_FORMAT);
	ENSURE(view_equal(view_of(blob.p, sizeof(magic)), VIEW_OF(magic)), ERR_BAD_FORMAT);
	ENSURE(blob.p[BLOB_AT_VERSION] == 1 && blob.p[BLOB_AT_SUITE] == 1, ERR_VERSION);
	ENSURE(blob.p[BLOB_AT_ZERO] == 0, ERR_BAD_FORMAT);
	struct blob_head head = { .kind = blob.p[BLOB_AT_KIND],
				  .keyring_rev = load_be64(blob.p + BLOB_AT_REV) };
	ENSURE(head.kind == BLOB_KIND_PASSPHRASE || head.kind == BLOB_KIND_RECOVERY, ERR_VERSION);
	ENSURE(head.keyring_rev >= 1, ERR_BAD_FORMAT);
	TRY(id_from_view(view_of(blob.p + BLOB_AT_CLINIC, ID_BYTES), &head.clinic_id));
	TRY(id_from_view(view_of(blob.p + BLOB_AT_USER, ID_BYTES), &head.user_id));
	if (head.kind == BLOB_KIND_PASSPHRASE) {
		ENSURE(blob.len > BLOB_HEAD_BYTES + AEAD_TAG_BYTES, ERR_BAD_FORMAT);
		head.kdf.t = load_be32(blob.p + BLOB_AT_T);
		head.kdf.m_kib = load_be32(blob.p + BLOB_AT_M);
		memcpy(head.salt, blob.p + BLOB_AT_SALT, sizeof(head.salt));
		head.cs_id = load_be32(blob.p + BLOB_AT_CS);
	}
	*ret = head;
	return ERR_OK;
}
