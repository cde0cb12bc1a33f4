/* log: one line per event, `key=value`, to stderr; the last LOG_RING_EVENTS kept for a crash dump.
 *
 * Never in a line: names or text of patients, notes, passphrases, keys, tokens, a peer's own text.
 * Ids, counts, states and err_name() only. Libraries return errors and do not log; net, ops, web,
 * cli and main log once, where the decision is.
 * Under systemd (JOURNAL_STREAM set) lines carry a <level> prefix (sd-daemon(3)).
 * Threads: any; lines never mix. errno is left as it was. */
#pragma once

#include <stdio.h>

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARN = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

/* Default LOG_LEVEL_WARN. Events below the level still enter the ring. */
void log_set_level(enum log_level level);

/* area: short word ("conn", "writer"); fmt: "what happened key=value ...". */
__attribute__((format(printf, 3, 4))) void log_event(enum log_level level, const char *area,
						     const char *fmt, ...);

/* Called by check_fail; also useful in tests. Async-signal-unsafe. */
void log_dump_ring(FILE *to);

#define log_error(area, ...) log_event(LOG_LEVEL_ERROR, area, __VA_ARGS__)
#define log_warn(area, ...) log_event(LOG_LEVEL_WARN, area, __VA_ARGS__)
#define log_info(area, ...) log_event(LOG_LEVEL_INFO, area, __VA_ARGS__)
#define log_debug(area, ...) log_event(LOG_LEVEL_DEBUG, area, __VA_ARGS__)
