/* failing_ways: a call of the store with each of its calls to SQLite failing in turn, and with each
 * of its own allocations. For programs that are linked as nosql.h and nomem.h say; included once in
 * a program. */
#pragma once

#include "store_fixture.h"

#include "support/nomem.h"
#include "support/nosql.h"

struct verb {
	const char *name;
	enum err (*run)(struct fx *fx);
};

enum way { WAY_STEP, WAY_PREPARE, WAY_MEMORY, WAYS };

static inline void arm(enum way way, uint64_t n)
{
	if (way == WAY_MEMORY)
		nomem_arm(n);
	else
		nosql_arm(way == WAY_STEP ? NOSQL_STEP : NOSQL_PREPARE, n);
}

static inline bool disarm(enum way way)
{
	return way == WAY_MEMORY ? nomem_disarm() : nosql_disarm();
}

static inline void check_verb(struct fx *fx, struct arena *arena, const struct verb *v,
			      enum way way, bool writes)
{
	bool struck = true;
	for (uint64_t n = 1; struck; n++) {
		if (way == WAY_PREPARE) {
			fx_close(fx); /* with the statements it keeps */
			fx_open(fx);
		}
		if (writes) fx_begin(fx);
		arena_reset(arena);
		arm(way, n);
		const enum err e = v->run(fx);
		struck = disarm(way);
		const enum err want = way == WAY_MEMORY ? ERR_NOMEM : ERR_IO;
		if (e != (struck ? want : ERR_OK))
			fail_msg("%s, way %d, call %llu: %s", v->name, way, (unsigned long long)n,
				 err_name(e));
		if (writes) store_rollback(fx->store);
	}
}
