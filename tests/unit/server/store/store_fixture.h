/* store_fixture: a founded clinic on a real file, three people, and rooms that make signed ops.
 *
 * Everything is deterministic but for the keys. Functions abort the test on failure. */
#pragma once

#include "fixture_records.h"

/* store_check through a reader of its own. */
static inline struct store_check_report fx_check(struct fx *fx)
{
	CLEANUP(store_reader_closep) struct store_reader *r = NULL;
	struct store_check_report report;
	OK(store_reader_open(fx->folder, &r));
	OK(store_check(r, &report));
	return report;
}

/* The same; fails the test with what is wrong. */
static inline struct store_check_report fx_check_ok(struct fx *fx)
{
	const struct store_check_report report = fx_check(fx);
	for (int i = 0; i < STORE_CHECK_COUNT; i++) {
		const struct store_check_result *item = &report.items[i];
		if (item->done && item->bad == 0) continue;
		fail_msg("%s: %s at %llu", store_check_name((enum store_check_item)i),
			 item->what == NULL ? "not done" : item->what,
			 (unsigned long long)item->first_bad);
	}
	assert_true(report.ok);
	return report;
}
