/* secret: key material and other bytes that must not leak, in guarded memory.
 *
 * Owns:    one sodium_malloc block per secret: guard pages around it, locked, out of core dumps,
 *          wiped when freed. Each costs four mappings, so a process keeps at most a few hundred
 *          (SECURITY 2.14: below 1 MiB in all).
 * Threads: a value; one at a time, or many readers.      Limits: SECRET_BYTES_MAX.
 * Errors:  ERR_NOMEM.  A length outside 1..SECRET_BYTES_MAX is our own bug (REQUIRE).
 * Never in a `struct buf`, a log line, an error text or argv (STYLE 1.7). */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "base/view.h"

#define SECRET_BYTES_MAX 65536u
#define KEY_BYTES 32u /* every symmetric key, seed and private key here */

struct secret {
	size_t len;  /* bytes of p; fixed for its life */
	uint8_t p[]; /* followed by one NUL that is not counted, so text can be printed */
};

/* Starts libsodium; harmless when called again. Call it first in main and in each test.
 * ERR_IO when the system gives no random bytes. */
MUST_USE enum err crypt_init(void);

/* For programs that hold keys (both): no core dumps, no ptrace by the same user, no /proc/self/mem
 * (PR_SET_DUMPABLE 0, RLIMIT_CORE 0). ERR_IO if the kernel refuses: then do not go on. */
MUST_USE enum err secret_harden_process(void);

/* False when mlock fails (RLIMIT_MEMLOCK too small): keys then might reach the swap; `check` says
 * so. */
bool secret_memory_locks(void);

/* Zeroed bytes. `*ret` is the caller's; give it to secret_free. */
MUST_USE enum err secret_new(size_t len, struct secret **ret);
MUST_USE enum err secret_new_random(size_t len, struct secret **ret);
/* A copy of v; the caller wipes the source if it was his (secret_wipe). */
MUST_USE enum err secret_new_copy(struct view v, struct secret **ret);
MUST_USE enum err secret_dup(const struct secret *s, struct secret **ret);

/* Wipes and frees; NULL is fine. */
void secret_free(struct secret *s);
void secret_freep(struct secret **s); /* for CLEANUP; leaves NULL */

static inline struct view secret_view(const struct secret *s)
{
	return view_of(s->p, s->len);
}

/* The bytes as C text; for secrets that are text (codes, kit pages). Lives as long as the
 * secret. */
static inline const char *secret_text(const struct secret *s)
{
	return (const char *)s->p;
}

/* Constant time in the content; lengths are not secret. */
bool secret_equal(const struct secret *a, const struct secret *b);
/* The same for any bytes: codes, MACs, commitments. */
bool secret_equal_view(struct view a, struct view b);

/* Overwrites memory that is not a struct secret: stack arrays, read buffers. */
void secret_wipe(void *p, size_t len);
