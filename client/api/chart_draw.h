/* chart_draw: what chart_page.c and chart_page_session.c share while a chart is drawn.
 *
 * Owns:    nothing; `text` is room for one text at a time.   Threads: the desk thread. */
#pragma once

#include "client/api/json.h"
#include "client/api/page_words.h"
#include "client/print/document.h"

struct chart_draw {
	const json_t *chart; /* borrowed */
	struct document *d;  /* borrowed */
	struct buf text;     /* wiped by chart_page_draw */
	json_t *drawn;       /* owned; {kind: {record id: true}} */
};

/* `list` of `object`, or NULL. */
const json_t *chart_draw_list(const json_t *object, const char *key);

/* What was put together in d->text, as a piece; nothing when it is empty. */
MUST_USE enum err chart_draw_text(struct chart_draw *c, enum document_piece piece);
/* A label and what was put together in c->text. */
MUST_USE enum err chart_draw_field(struct chart_draw *c, const char *key);
/* Remembers that it stands on paper. */
MUST_USE enum err chart_draw_count(struct chart_draw *c, const char *kind, const char *id);
/* "Added 30 Nov 2026, 10:05 by Mara Lind". Appends to c->text. */
MUST_USE enum err chart_draw_by(struct chart_draw *c, const char *verb, const char *at,
				const char *login);
/* "statements" of a session or a request: the patient's words beside the entry. */
MUST_USE enum err chart_draw_statements(struct chart_draw *c, const json_t *entry);

/* chart_page_session.c */
MUST_USE enum err chart_draw_sessions(struct chart_draw *c);
