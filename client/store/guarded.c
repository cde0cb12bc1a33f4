#include "client/store/guarded.h"

#include "base/check.h"
#include "crypt/secret.h"

#include <sys/mman.h>

enum err guarded_open(struct guarded *g, size_t bytes)
{
	REQUIRE(g->p == NULL && bytes > 0);
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ENSURE(p != MAP_FAILED, ERR_NOMEM);
	if (madvise(p, bytes, MADV_DONTDUMP) != 0) {
		(void)munmap(p, bytes);
		return ERR_NOMEM;
	}
	g->locked = mlock(p, bytes) == 0;
	g->p = p;
	g->cap = bytes;
	return ERR_OK;
}

void guarded_wipe(struct guarded *g)
{
	if (g->p != NULL) secret_wipe(g->p, g->cap);
}

void guarded_close(struct guarded *g)
{
	if (g->p == NULL) return;
	guarded_wipe(g);
	(void)munmap(g->p, g->cap);
	*g = (struct guarded){ 0 };
}
