#include "fuzz/fuzz_keys.h"

#include "base/rand.h"
#include "seal/keyring.h"

#include <sodium.h>

static struct rand_seeded fuzz_seeded;
static struct rand_source fuzz_rand;
static uint8_t keyring_head[FUZZ_KEYRING_HEAD_BYTES];

static const char *random_name(void)
{
	return "replayable";
}

static uint32_t random_u32(void)
{
	return (uint32_t)rand_u64(&fuzz_rand);
}

static void random_fill(void *const p, const size_t len)
{
	rand_fill(&fuzz_rand, p, len);
}

static struct randombytes_implementation replayable = {
	.implementation_name = random_name,
	.random = random_u32,
	.buf = random_fill,
};

void fuzz_keys_reset(void)
{
	static bool started;

	(void)fuzz_keys();
	if (!started) INSIST(randombytes_set_implementation(&replayable) == 0);
	started = true;
	fuzz_rand = rand_seeded_init(&fuzz_seeded, 1);
}

static struct secret *secret_up(uint8_t first, size_t len)
{
	struct secret *s = NULL;
	INSIST(secret_new(len, &s) == ERR_OK);
	for (size_t i = 0; i < len; i++) s->p[i] = (uint8_t)(first + i);
	return s;
}

static void make_sign_keys(struct fuzz_keys *k)
{
	for (size_t i = 0; i < FUZZ_SIGN_KEYS; i++) {
		struct secret *seed = secret_up((uint8_t)(16 * i), KEY_BYTES);
		INSIST(sign_key_from_seed(seed, &k->sign[i]) == ERR_OK);
		secret_free(seed);
	}
}

/* As the server has it: commitment and parameters in clear. */
static void make_keyring_head(const struct fuzz_keys *k)
{
	static const struct kdf_params kdf = { .t = KDF_T_MAX, .m_kib = KDF_M_KIB_MAX };
	static const uint8_t salt[KDF_SALT_BYTES] = { 1 };
	struct buf blob = { 0 };
	struct keyring *ring = NULL;

	INSIST(keyring_from_seed(&k->clinic, &k->user, k->secret, &ring) == ERR_OK);
	INSIST(keyring_seal(ring, &k->pass, 1, &kdf, salt, 1, &blob) == ERR_OK);
	memcpy(keyring_head, blob.p, sizeof(keyring_head));
	keyring_free(ring);
	buf_fini(&blob);
}

static void make_keys(struct fuzz_keys *k)
{
	INSIST(crypt_init() == ERR_OK);
	k->clinic = (struct id){ { 0xc1, [15] = 1 } };
	k->user = (struct id){ { 0x22, [15] = 1 } };
	k->secret = secret_up(0x40, KEY_BYTES);
	struct secret *j = secret_up(0x60, CODE_SECRET_BYTES);
	struct secret *a = secret_up(0x80, KEY_BYTES);
	INSIST(join_keys_derive(j, &k->join) == ERR_OK);
	INSIST(pass_keys_from_a(a, k->secret, &k->clinic, &k->user, &k->pass) == ERR_OK);
	INSIST(box_key_from_sk(k->secret, &k->box) == ERR_OK);
	make_sign_keys(k);
	make_keyring_head(k);
	secret_free(a);
	secret_free(j);
}

const struct fuzz_keys *fuzz_keys(void)
{
	static struct fuzz_keys keys;

	if (keys.secret == NULL) make_keys(&keys);
	return &keys;
}

struct view fuzz_keyring_head(void)
{
	(void)fuzz_keys();
	return VIEW_OF(keyring_head);
}
