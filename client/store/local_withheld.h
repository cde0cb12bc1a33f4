/* local_withheld: what patients withhold from who is signed in, as the server said it last; part of
 * local.h (withheld.c; rules: record/lockbox.h).
 *
 * Owns, threads, errors, lifetimes: as local.h. Everything here needs a person who is signed in:
 * ERR_SIGNED_OUT otherwise. */
#pragma once

#include "client/store/local.h"

struct local_withheld {
	bool any;               /* something of this patient is withheld from the person now */
	bool whole;             /* everything clinical */
	size_t sessions;        /* that are held here and withheld */
	size_t records;         /* single ones, and sessions that are not held here */
	uint64_t open_until_ms; /* it is opened to the person until then; 0: it is not */
};
MUST_USE enum err local_withheld(struct local *l, const struct vault *v,
				 const struct id *patient_id, struct local_withheld *ret);
/* Is this session or record withheld from the person now, named by itself? What goes with a whole
 * record or with its session is not known by its id. */
MUST_USE enum err local_withheld_item(struct local *l, const struct vault *v,
				      const struct id *item_id, bool *ret);
/* Patients of whom something is withheld from the person now. */
MUST_USE enum err local_withheld_patients(struct local *l, const struct vault *v,
					  size_t *ret_count);
