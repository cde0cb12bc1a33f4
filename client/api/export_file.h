/* export_file: what this room made becomes a file of the person who asked for it.
 *
 * Owns:    nothing.   Threads: the desk thread.   Errors: with the verb's fault. */
#pragma once

#include "client/api/verb.h"

/* The file that the request names: a whole path. ERR_USAGE, ERR_BAD_VALUE. */
MUST_USE enum err export_file_need(struct verb *v);
/* Writes it (out_file.h) and answers with its path; `overwrite` of the request replaces one that is
 * there. ERR_EXISTS (code file_exists), ERR_NOT_FOUND, ERR_DENIED, ERR_FULL. */
MUST_USE enum err export_file_write(struct verb *v, struct view bytes);

struct out_file;
/* The same in the two steps of out_file.h; the answer names it after the second. */
MUST_USE enum err export_file_begin(struct verb *v, struct view bytes, struct out_file *ret);
MUST_USE enum err export_file_publish(struct verb *v, struct out_file *f);

/* Appends text with <, >, & and " as HTML wants them. */
MUST_USE enum err export_add_html(struct buf *out, const char *text);
