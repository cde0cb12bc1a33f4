/* day: dates as people write them, for tables in tests.   Threads: any. */
#pragma once

#include "record/fields.h"

/* Days since 1970-01-01 of YYYY-MM-DD. A text that is no date is a mistake in the test: 1 January
 * of the year 1, which no expectation meets. */
static inline int64_t day_of(const char *text)
{
	struct date d = { 1, 1, 1 };
	if (date_parse(view_str(text), &d) != ERR_OK) d = (struct date){ 1, 1, 1 };
	return date_days(&d);
}
