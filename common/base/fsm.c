#include "base/fsm.h"

#include "base/check.h"

void fsm_init(struct fsm *m, const struct fsm_state *table, unsigned count, unsigned first)
{
	REQUIRE(count > 0 && count <= 32);
	REQUIRE(first < count);
	REQUIRE((table[first].flags & FSM_INITIAL) != 0);
	*m = (struct fsm){ .table = table, .count = count, .now = first };
}

bool fsm_may_move(const struct fsm *m, unsigned next)
{
	return next < m->count && (m->table[m->now].allowed & FSM_TO(next)) != 0;
}

void fsm_move(struct fsm *m, unsigned next)
{
	REQUIRE(fsm_may_move(m, next));
	m->now = next;
}

const char *fsm_name(const struct fsm *m)
{
	return m->table[m->now].name;
}
