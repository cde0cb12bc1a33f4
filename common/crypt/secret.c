#include "crypt/secret.h"

#include "base/check.h"

#include <sodium.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* sodium_malloc aligns only sizes that are multiples of the alignment. */
#define SECRET_ALIGN 16u
#define LOCK_PROBE_BYTES 4096u

enum err crypt_init(void)
{
	ENSURE(sodium_init() >= 0, ERR_IO);
	return ERR_OK;
}

enum err secret_harden_process(void)
{
	const struct rlimit no_core = { 0 };
	ENSURE(setrlimit(RLIMIT_CORE, &no_core) == 0, ERR_IO);
	ENSURE(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0, ERR_IO);
	return ERR_OK;
}

bool secret_memory_locks(void)
{
	void *probe = aligned_alloc(LOCK_PROBE_BYTES, LOCK_PROBE_BYTES);
	if (probe == NULL) return false;
	const bool locked = sodium_mlock(probe, LOCK_PROBE_BYTES) == 0;
	if (locked) (void)sodium_munlock(probe, LOCK_PROBE_BYTES);
	free(probe);
	return locked;
}

enum err secret_new(size_t len, struct secret **ret)
{
	REQUIRE(len > 0 && len <= SECRET_BYTES_MAX);
	size_t bytes = sizeof(struct secret) + len + 1; /* the NUL */
	bytes = (bytes + SECRET_ALIGN - 1) / SECRET_ALIGN * SECRET_ALIGN;
	struct secret *s = sodium_malloc(bytes);
	ENSURE(s != NULL, ERR_NOMEM);

	sodium_memzero(s, bytes);
	s->len = len;
	*ret = s;
	return ERR_OK;
}

enum err secret_new_random(size_t len, struct secret **ret)
{
	struct secret *s = NULL;
	TRY(secret_new(len, &s));
	randombytes_buf(s->p, len);
	*ret = s;
	return ERR_OK;
}

enum err secret_new_copy(struct view v, struct secret **ret)
{
	struct secret *s = NULL;
	TRY(secret_new(v.len, &s));
	memcpy(s->p, v.p, v.len);
	*ret = s;
	return ERR_OK;
}

enum err secret_dup(const struct secret *s, struct secret **ret)
{
	REQUIRE(s != NULL);
	return secret_new_copy(secret_view(s), ret);
}

void secret_free(struct secret *s)
{
	sodium_free(s); /* wipes first; NULL is fine */
}

void secret_freep(struct secret **s)
{
	secret_free(*s);
	*s = NULL;
}

bool secret_equal_view(struct view a, struct view b)
{
	if (a.len != b.len) return false;
	return a.len == 0 || sodium_memcmp(a.p, b.p, a.len) == 0;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
	REQUIRE(a != NULL && b != NULL);
	return secret_equal_view(secret_view(a), secret_view(b));
}

void secret_wipe(void *p, size_t len)
{
	if (len > 0) sodium_memzero(p, len);
}
