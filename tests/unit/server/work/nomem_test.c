/* Memory runs out in the server, at each of its own allocations in turn: that is told as what it is
 * and is never a verdict on what the room asked. */
#include "work_fx.h"

#include "support/nomem.h"

static void test_a_server_starts_or_says_that_memory_ran_out(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new_founded(33);
	struct server_box_options o = {
		.folder = c->folder, .rand = c->rand, .now_ms = c->now_ms, .wall_ms = c->wall_ms
	};
	bool struck = true;
	memcpy(o.server_spki, c->server_spki, sizeof(o.server_spki));
	box_room_hang_up(c, &c->room1);
	for (uint64_t n = 1; struck; n++) {
		server_box_close(c->box);
		c->box = NULL;
		nomem_arm(n);
		const enum err e = server_box_open(&o, &c->box);
		struck = nomem_disarm();
		assert_int_equal(e, struck ? ERR_NOMEM : ERR_OK);
	}
	box_clinic_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_server_starts_or_says_that_memory_ran_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
