/* proof_words: proof in plain words, for the patient and for the therapist.
 *
 * A neutral result is said as neutral; a number never stands without how exact it is. No mood, no
 * diagnosis, nobody's name.
 *
 * Owns: nothing; appends to the caller's buf.   Threads: any.   Errors: ERR_NOMEM.
 * Language: English, in the one place where another would be put beside it.
 * Source: DOMAIN 4.6 ("You turned 14 degrees further; the measure is good to about 6."). */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "record/proof.h"

/* "14", "1.5", "-0.25": thousandths without zeros at the end. */
MUST_USE enum err proof_put_number(struct buf *out, int64_t milli);
/* "14 degrees", "1 point", "1.5 cm". */
MUST_USE enum err proof_put_amount(struct buf *out, int64_t milli, const char *unit);
/* "Neck rotation, left": what a set or series is about, for a person. */
MUST_USE enum err proof_put_title(struct buf *out, const struct catalogue_entry *entry,
				  Roomkeep__Side side);
/* "by goniometer, active, seated"; nothing when nothing is known. */
MUST_USE enum err proof_put_how(struct buf *out, const struct proof_row *row);

/* The one sentence about a change. Requires: nothing of `before` or `after` may be NULL. */
MUST_USE enum err proof_put_sentence(struct buf *out, const struct proof_row *before,
				     const struct proof_row *after,
				     const struct proof_delta *delta);

/* "Neck rotation, left was not measured again." */
MUST_USE enum err proof_put_warning(struct buf *out, const struct proof_warning *warning,
				    const struct proof_counter *counter);

/* What a positive test that says refer or caution asks for; nothing for other rows. */
MUST_USE enum err proof_put_prompt(struct buf *out, const struct proof_row *row);
