/* When and where: what rows of sessions and of appointments say alike. */
#include "client/api/import_priv.h"

#include "base/check.h"
#include "record/fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum err import_find_room(struct import *m, const char *name, struct id *ret_id)
{
	const struct local_room *own = local_room(verb_local(m->v));

	if (strcmp(name, own->name) == 0) {
		*ret_id = own->room_id;
		return ERR_OK;
	}
	for (size_t i = 0; i < m->v->room_names->count; i++) {
		if (strcmp(m->v->room_names->rooms[i].name, name) != 0) continue;
		*ret_id = m->v->room_names->rooms[i].id;
		return ERR_OK;
	}
	return ERR_NOT_FOUND;
}

static enum err read_count(const char *text, long max, long *ret)
{
	char *end = NULL;

	ENSURE(text[0] >= '0' && text[0] <= '9', ERR_BAD_VALUE);
	errno = 0;
	const long number = strtol(text, &end, 10);
	ENSURE(errno == 0 && *end == '\0' && number <= max, ERR_BAD_VALUE);
	*ret = number;
	return ERR_OK;
}

/* "09:05", both digits always. */
static enum err read_clock(const char *text, int *ret_hour, int *ret_minute)
{
	ENSURE(strlen(text) == 5 && text[2] == ':', ERR_BAD_VALUE);
	for (size_t i = 0; i < 5; i++) {
		ENSURE(i == 2 || (text[i] >= '0' && text[i] <= '9'), ERR_BAD_VALUE);
	}
	const int hour = (text[0] - '0') * 10 + (text[1] - '0');
	const int minute = (text[3] - '0') * 10 + (text[4] - '0');
	ENSURE(hour < 24 && minute < 60, ERR_BAD_VALUE);
	*ret_hour = hour;
	*ret_minute = minute;
	return ERR_OK;
}

/* Days ago, so that a demo never ages, or a date as other programs write it. */
static enum err read_day(const struct import *m, const char *text, struct tm *tm)
{
	struct date d;
	long days = 0;

	if (date_parse(view_str(text), &d) == ERR_OK) {
		*tm = (struct tm){ .tm_year = (int)d.year - 1900,
				   .tm_mon = (int)d.month - 1,
				   .tm_mday = (int)d.day };
		return ERR_OK;
	}
	TRY(read_count(text, 36525, &days));
	ENSURE(localtime_r(&m->today, tm) != NULL, ERR_BUG);
	tm->tm_mday -= (int)days;
	return ERR_OK;
}

static enum err fail(enum import_when_field field, const char *allowed,
		     enum import_when_field *ret_field, const char **ret_allowed)
{
	*ret_field = field;
	*ret_allowed = allowed;
	return ERR_BAD_VALUE;
}

enum err import_read_when(const struct import *m, const struct import_when *when,
			  uint64_t *ret_start_ms, long *ret_minutes,
			  enum import_when_field *ret_field, const char **ret_allowed)
{
	long minutes = 0;
	struct tm tm;
	int hour = 0;
	int minute = 0;

	if (read_day(m, when->day, &tm) != ERR_OK) {
		return fail(IMPORT_WHEN_DAY, "a whole number of days ago, or YYYY-MM-DD", ret_field,
			    ret_allowed);
	}
	if (read_count(when->minutes, 1440, &minutes) != ERR_OK) {
		return fail(IMPORT_WHEN_MINUTES, "a whole number of minutes", ret_field,
			    ret_allowed);
	}
	if (read_clock(when->clock, &hour, &minute) != ERR_OK) {
		return fail(IMPORT_WHEN_CLOCK, "HH:MM", ret_field, ret_allowed);
	}
	tm.tm_hour = hour;
	tm.tm_min = minute;
	tm.tm_isdst = -1; /* the zone's own rule for that day */
	const time_t start = mktime(&tm);
	if (start <= 0) return fail(IMPORT_WHEN_DAY, "not so long ago", ret_field, ret_allowed);
	*ret_start_ms = (uint64_t)start * 1000u;
	*ret_minutes = minutes;
	return ERR_OK;
}
