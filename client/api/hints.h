/* hints: words in a shared text that may belong in a confidential note, or that call for the safety
 * card (record/guard_words.h). A question to who typed it, never a refusal: the text is saved.
 *
 * Found here and told to the caller alone: nothing is sent, stored or logged, and the answer names
 * the field and the code, never the words.   Owns: nothing.   Threads: the desk thread. */
#pragma once

#include "client/api/verb.h"

/* Puts "hints" into the answer: [{"field","code","asks_note","asks_safety"}] over these texts of
 * the request, each code once a field. Keys that are absent or no text are passed over. */
MUST_USE enum err hints_put(struct verb *v, const char *const *keys, size_t count);
/* The same over the texts of a kind. */
MUST_USE enum err hints_put_record(struct verb *v, const struct kind_info *info);
