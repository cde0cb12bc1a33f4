/* lockbox_record: directives as plain records say them, for lockbox.h.
 *
 * Threads: any, pure functions.   No clock. */
#pragma once

#include "record/lockbox.h"
#include "roomkeep/record.pb-c.h"

/* The bar of a directive that was taken at `taken_ms`. False: against a recipient outside, who
 * reads nothing here, or not readable. */
bool lockbox_bar_read(const Roomkeep__Directive *m, uint64_t taken_ms, struct lockbox_bar *ret);

/* In force at `now_ms`, and against this recipient outside: names compared as they are searched. */
bool lockbox_is_against_recipient(const Roomkeep__Directive *m, struct view recipient,
				  uint64_t taken_ms, uint64_t now_ms);
