#include "base/log.h"

#include "base/limits.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>

#define LOG_LINE_BYTES 256

static struct {
	pthread_mutex_t lock;
	enum log_level level;
	char ring[LOG_RING_EVENTS][LOG_LINE_BYTES];
	size_t next; /* where the next event goes */
} log_state = { .lock = PTHREAD_MUTEX_INITIALIZER, .level = LOG_LEVEL_WARN };

void log_set_level(enum log_level level)
{
	pthread_mutex_lock(&log_state.lock);
	log_state.level = level;
	pthread_mutex_unlock(&log_state.lock);
}

static const char *log_level_name(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR: return "error";
	case LOG_LEVEL_WARN: return "warn";
	case LOG_LEVEL_INFO: return "info";
	case LOG_LEVEL_DEBUG: return "debug";
	}
	return "?";
}

/* One event stays one line, whatever stood in an argument. */
static void log_clean(char *text)
{
	for (char *at = text; *at != '\0'; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f) *at = '?';
	}
}

void log_event(enum log_level level, const char *area, const char *fmt, ...)
{
	const int saved_errno = errno; /* the caller may still want to look at it */
	char text[LOG_LINE_BYTES];
	va_list args;
	va_start(args, fmt);
	const int wrote = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (wrote < 0) return;
	log_clean(text);

	pthread_mutex_lock(&log_state.lock);
	char *line = log_state.ring[log_state.next];
	log_state.next = (log_state.next + 1) % LOG_RING_EVENTS;
	const int made =
		snprintf(line, LOG_LINE_BYTES, "%s %s: %s", log_level_name(level), area, text);
	if (made > 0 && level <= log_state.level) {
		if (getenv("JOURNAL_STREAM") != NULL) {
			fprintf(stderr, "<%d>%s\n", (int)level, line);
		} else {
			fprintf(stderr, "%s\n", line);
		}
	}
	pthread_mutex_unlock(&log_state.lock);
	errno = saved_errno;
}

void log_dump_ring(FILE *to)
{
	/* No lock: the thread that failed may hold it, and the process is about to end. */
	for (size_t i = 0; i < LOG_RING_EVENTS; i++) {
		const char *line = log_state.ring[(log_state.next + i) % LOG_RING_EVENTS];
		if (line[0] != '\0') fprintf(to, "  %s\n", line);
	}
}
