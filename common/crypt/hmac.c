#include "crypt/hmac.h"

#include "crypt/secret.h"

#include <sodium.h>

struct hmac hmac_sha512(struct view key, struct view msg)
{
	crypto_auth_hmacsha512_state state;
	struct hmac mac;
	(void)crypto_auth_hmacsha512_init(&state, key.p, key.len); /* these three always return 0 */
	(void)crypto_auth_hmacsha512_update(&state, msg.p, msg.len);
	(void)crypto_auth_hmacsha512_final(&state, mac.b);
	sodium_memzero(&state, sizeof(state));
	return mac;
}

enum err hmac_verify(struct view key, struct view msg, struct view mac)
{
	struct hmac want = hmac_sha512(key, msg);
	const bool same = secret_equal_view(VIEW_OF(want.b), mac);
	sodium_memzero(&want, sizeof(want));
	return same ? ERR_OK : ERR_AUTH;
}
