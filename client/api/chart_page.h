/* chart_page: a chart (chart_model.h) as a PDF for people.
 *
 * Every record of the model is drawn and counted again; a count that is not the model's is ERR_BUG,
 * so a record that is forgotten here cannot leave in silence.
 *
 * Owns:    nothing.   Threads: the desk thread.   Errors: ERR_NOMEM, ERR_FULL, ERR_BAD_TEXT,
 * ERR_BUG. */
#pragma once

#include "base/buf.h"
#include "client/api/json.h"

/* Appends the PDF. */
MUST_USE enum err chart_page_draw(const json_t *chart, struct buf *out, unsigned *ret_pages);
