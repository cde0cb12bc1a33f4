/* plain_sample: messages of plain records made from their field tables, for every test that loops
 * over the kinds. Values are good, and differ with the seed.
 *
 * Owns:    nothing: texts and lists are the arena's.   Threads: any.   No memory: aborts. */
#pragma once

#include "base/arena.h"
#include "base/id.h"
#include "record/kinds.h"

/* A record of this kind is taken whatever else there is, and changes nobody's rights and no chart:
 * what leans on another record, withholds others or merges them has tests of its own
 * (integration/test_trust.py, test_merge.py). */
bool plain_sample_stands_alone(const struct kind_info *info);
/* Every field but `clears` is set. `m` is memory of info->message->sizeof_message bytes. */
void plain_sample(const struct kind_info *info, uint64_t seed, struct arena *a,
		  ProtobufCMessage *m);
/* A change: required fields, and of the optional ones some; others are cleared, others not touched.
 * `first`: also what a first op needs. */
void plain_sample_change(const struct kind_info *info, uint64_t seed, bool first, struct arena *a,
			 ProtobufCMessage *m);
/* Sets a field that holds an id. */
void plain_sample_id(ProtobufCMessage *m, const char *field, const struct id *id, struct arena *a);
/* One field, as plain_sample would. */
void plain_sample_field(const struct kind_info *info, const struct field_rule *rule, uint64_t seed,
			struct arena *a, ProtobufCMessage *m);
