/* reference_priv: shared by reference.c and reference_plain.c (what is shown) and
 * reference_rules.c (what may be). */
#pragma once

#include "base/arena.h"
#include "record/payload.h"
#include "support/reference.h"

/* One op that counts. Its place in the list is its age. */
struct entry {
	struct id op_id;
	struct id author_id;
	uint64_t kind;
	bool known;             /* of a kind that is decoded */
	struct payload payload; /* in the arena */
	struct view bytes;      /* of the payload, in the arena */
	struct id record_id;    /* of a plain record; zeros: none */
	struct id session_id;   /* the record it belongs to; zeros: none */
	struct id patient_id;
	size_t target; /* of a tombstone: place of its target; SIZE_MAX: none */
	bool erased;   /* a tombstone names it */
};

struct reference {
	struct arena arena;
	struct entry *ops; /* owned, oldest first */
	size_t count, cap;
};

struct id reference_id(ProtobufCBinaryData from);
const struct entry *reference_find(const struct reference *r, const struct id *op_id);
/* The oldest frame op of the session, NULL for none. */
const struct entry *reference_first_frame(const struct reference *r, const struct id *session_id);
/* The Sign that holds, NULL for none. */
const struct entry *reference_sign(const struct reference *r, const struct id *session_id);
/* The oldest op of a plain record, NULL for none. */
const struct entry *reference_first_plain(const struct reference *r, uint64_t kind,
					  const struct id *record_id);
bool reference_is_plain(uint64_t kind);
/* Plain records that the desk works with; of the house: about no patient. */
bool reference_is_desk_work(uint64_t kind);
bool reference_is_of_the_house(uint64_t kind);
/* Is this directive against this person, whatever the time is? */
bool reference_is_against(const struct entry *directive, const struct id *user_id, uint64_t roles);
/* ERR_CLASH: it would stand where another appointment does (reference_booking.c). */
enum err reference_judge_booking(const struct reference *r, const struct id *record_id,
				 const Roomkeep__Appointment *m);
enum err reference_judge_unbooking(const struct reference *r, const struct entry *target);
bool reference_lists(const ProtobufCBinaryData *ids, size_t count, const struct id *id);
