/* duplicate: do two patients look like one person who was entered twice (DOMAIN 4.1)?
 *
 * A warning, never a verdict: relatives share telephones, twins share birthdays, and strangers
 * share names. So two of the three must be the same, and where telephone and birth date are, a part
 * of the name too. Names are compared as they are searched (text.h): without accents, in any order
 * of their words, and by the name used as well as the full one; telephone numbers as the guard
 * compares them (guard.h): a country's prefix does not matter.
 *
 * Threads: any, pure.   Errors: ERR_NOMEM, ERR_BAD_TEXT. */
#pragma once

#include "base/err.h"
#include "base/view.h"

#include <stdbool.h>

/* Borrowed; what is not known is empty. */
struct duplicate_person {
	struct view name;
	struct view name_used;
	struct view born; /* YYYY-MM-DD */
	struct view phone;
};

enum {
	DUPLICATE_NAME = 1 << 0,
	DUPLICATE_BORN = 1 << 1,
	DUPLICATE_PHONE = 1 << 2,
};

/* *ret_same: what is the same of both (DUPLICATE_ bits), 0 when they look like two persons. */
MUST_USE enum err duplicate_compare(const struct duplicate_person *a,
				    const struct duplicate_person *b, unsigned *ret_same);
