/* sim_views: the server's view tables, in the words of reference_say.h. */
#pragma once

#include "base/buf.h"
#include "server/store/store.h"

/* Nothing is appended when there is no such record. `content`: only what a Sign fixes. */
MUST_USE enum err sim_views_say_session(struct store_reader *r, const struct id *session_id,
					bool content, struct buf *out);
MUST_USE enum err sim_views_say_patient(struct store_reader *r, const struct id *patient_id,
					struct buf *out);
MUST_USE enum err sim_views_say_plain(struct store_reader *r, uint64_t kind,
				      const struct id *record_id, struct buf *out);
