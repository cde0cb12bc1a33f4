/* reference_say: the words in which the reference, the server's views and a room's view of a record
 * are compared. Appends one line each; memory that runs out aborts.
 *
 * Threads: any.   A text is given by its length and bytes, so that no two texts make one line. */
#pragma once

#include "base/buf.h"
#include "base/id.h"

struct say_frame {
	struct id patient_id, therapist_id, room_id;
	bool imported;
	uint64_t started_ms, ended_ms;
};

struct say_measure {
	struct id op_id, measure_id;
	struct view ref;
	uint32_t catalogue;
	int phase;
	int side; /* 0: not said */
	bool has_value;
	int64_t value_milli;
	struct view unit;
	int result; /* 0: not said */
	uint64_t at_ms;
	int how[5];             /* mode, position, method, end_feel, skipped_reason; 0: not said */
	int pain;               /* -1: not said */
	struct view limited_by; /* empty: not said */
	struct view rater_id;   /* likewise */
	struct view pair_id;    /* likewise */
};

/* The order of a session: frame, sign, heads by field, measures, addenda, late ones. */
void say_session_frame(struct buf *out, const struct say_frame *f);
void say_signed(struct buf *out, const struct id *sign_op_id);
void say_head(struct buf *out, int field, const struct id *op_id, struct view text, bool erased);
void say_measure(struct buf *out, const struct say_measure *m);
void say_addendum(struct buf *out, const struct id *op_id, const struct id *addendum_id,
		  struct view text);
/* `what`: "text", "measure", "frame". */
void say_late_op(struct buf *out, const struct id *op_id, const char *what);
/* A value of a patient's field, 0 to 4 in the order of record.proto. */
void say_patient(struct buf *out, int field, struct view text);
void say_patient_value(struct buf *out, int field, const struct id *op_id, struct view text);

/* A plain record: its head, each field's bytes as they are on the wire, the ops that said it. */
void say_plain(struct buf *out, uint64_t kind, const struct id *record_id);
void say_plain_value(struct buf *out, unsigned number, struct view bytes);
void say_plain_change(struct buf *out, const struct id *op_id);

/* The first line in which two texts differ, for a message: "A | B". */
void say_difference(const struct buf *a, const struct buf *b, char *out, size_t cap);
