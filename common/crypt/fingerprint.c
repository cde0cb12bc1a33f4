#include "base/check.h"
#include "crypt/directory.h"
#include "crypt/enc.h"

#include <sodium.h>
#include <stdio.h>

#define FP_ROUNDS 16384u /* 2^14: makes searching for a key with the same digits that much dearer */
#define FP_BYTES 64u
#define FP_GROUPS 6u
#define FP_GROUP_BYTES 5u
#define FP_GROUP_CHARS 6u /* five digits and a space or the NUL */

static void fingerprint_hash(uint8_t d[FP_BYTES], struct view a, struct view b, struct view c)
{
	crypto_generichash_state state;
	INSIST(crypto_generichash_init(&state, NULL, 0, FP_BYTES) == 0);
	INSIST(crypto_generichash_update(&state, a.p, a.len) == 0);
	INSIST(crypto_generichash_update(&state, b.p, b.len) == 0);
	INSIST(crypto_generichash_update(&state, c.p, c.len) == 0);
	INSIST(crypto_generichash_final(&state, d, FP_BYTES) == 0);
}

enum err fingerprint_print(const struct id *clinic_id, const struct id *user_id, uint64_t g,
			   const struct sign_pk *sign_pk, const struct box_pk *box_pk,
			   char ret_text[FINGERPRINT_TEXT_BYTES])
{
	CLEANUP(enc_finip) struct enc e;
	enc_begin(&e, "crs1/fp");
	enc_add_id(&e, clinic_id);
	enc_add_id(&e, user_id);
	enc_add_u64(&e, g);
	enc_add_bytes(&e, sign_pk_view(sign_pk));
	enc_add_bytes(&e, box_pk_view(box_pk));
	struct view first;
	TRY(enc_end(&e, &first));

	uint8_t d[FP_BYTES];
	fingerprint_hash(d, first, VIEW_EMPTY, VIEW_EMPTY);
	for (unsigned i = 0; i < FP_ROUNDS; i++) {
		fingerprint_hash(d, VIEW_OF(d), sign_pk_view(sign_pk), box_pk_view(box_pk));
	}
	for (unsigned i = 0; i < FP_GROUPS; i++) {
		const uint8_t *p = d + FP_GROUP_BYTES * i;
		const uint64_t v = (uint64_t)p[0] << 32 | load_be32(p + 1);
		char *at = ret_text + FP_GROUP_CHARS * i;
		const int n = snprintf(at, FP_GROUP_CHARS, "%05u", (unsigned)(v % 100000u));
		INSIST(n == (int)FP_GROUP_CHARS - 1);
		at[FP_GROUP_CHARS - 1] = i + 1 < FP_GROUPS ? ' ' : '\0';
	}
	return ERR_OK;
}
