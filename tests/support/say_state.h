/* say_state: what a room folds, in the words of reference_say.h. Threads: any. */
#pragma once

#include "base/buf.h"
#include "record/fold.h"
#include "record/record_fold.h"

void say_session_state(const struct session_state *st, struct buf *out);
void say_record_state(const struct kind_info *info, const struct record_state *st, struct buf *out);
void say_patient_state(const struct patient_state *st, struct buf *out);
