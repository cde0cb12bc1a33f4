/* frame: one message between a room and the server, as bytes and as a protobuf-c struct.
 *
 * On the wire a frame is a length (u32 big-endian) and one encoded roomkeep.Frame of so many bytes.
 *
 * Owns:    nothing; a decoded frame lives in the caller's arena, an encoded one in its buf.
 * Threads: any, one at a time per arena or buf.
 * Limits:  FRAME_BODY_BYTES_MAX, or less as the caller says; parse memory FRAME_PARSE_FACTOR x the
 *          body, FRAME_PARSE_BYTES_MAX at most; WIRE_DEPTH_MAX messages inside each other;
 *          WIRE_FIELDS_MAX fields (scan.h). All are checked before protobuf-c sees the bytes.
 * Rules:   SECURITY 3.7 (limits, refusals); proto/README.md. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/view.h"
#include "roomkeep/wire.pb-c.h"

/* Looks at the bytes received so far and finds the body of the first frame in them; nothing is
 * copied or consumed: the frame's bytes end at ret_body->p + ret_body->len. `body_bytes_max` is
 * what this peer may send in its state (HELLO_BYTES_MAX, FOUND_BYTES_MAX or FRAME_BODY_BYTES_MAX).
 * Returns: ERR_OK; ERR_MORE when bytes are missing (not a failure); ERR_TOO_BIG as soon as the four
 * length bytes are there, however little follows; ERR_PROTO for an empty body. */
MUST_USE enum err frame_peek(struct view in, size_t body_bytes_max, struct view *ret_body);

/* Unpacks a body found by frame_peek. The result has exactly one body set and lives as long as what
 * is in `a`; it does not point into `body`. Unknown fields inside a known message are skipped
 * (proto/README.md, "Changing it"); texts are not checked for content here, each user checks its
 * own. Returns: ERR_OK; ERR_PROTO for bytes that are no Frame, for none or several bodies, a body
 * this build does not know, a field that stands twice, a wrong wire type, a number outside its
 * type, an unknown enum value, a text with a NUL or bad UTF-8 form, or too deep nesting;
 * ERR_TOO_BIG when the parse memory or field count is over the limit; ERR_NOMEM. */
MUST_USE enum err frame_decode(struct arena *a, struct view body, Roomkeep__Frame **ret_frame);

/* Appends length and body to `out`. Requires: one body set. On error `out` is unchanged.
 * Returns: ERR_OK; ERR_TOO_BIG above FRAME_BODY_BYTES_MAX; ERR_NOMEM. */
MUST_USE enum err frame_encode(const Roomkeep__Frame *frame, struct buf *out);

/* Bytes frame_encode would append, header included. */
size_t frame_bytes(const Roomkeep__Frame *frame);

/* "hello", "push", ...: the name of the body for logs and counters; "none" when unset.
 * Static storage. Never text a peer made. */
const char *frame_body_name(const Roomkeep__Frame *frame);
