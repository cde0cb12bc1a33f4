/* day_sheet: the appointments of some days as they are shown, printed and exported.
 *
 * Owns:    its rows and the house; day_sheet_fini.   Threads: the desk thread.
 * Limits:  DAY_SHEET_DAYS_MAX days.   Errors: with the verb's fault. */
#pragma once

#include "client/api/house.h"

#define DAY_SHEET_DAYS_MAX 31u

struct day_sheet {
	int64_t first_day;
	uint32_t days;
	struct id room;                 /* zeros: all */
	struct id therapist;            /* zeros: all */
	struct local_appointment *rows; /* owned, by time */
	size_t count;
	struct house house;
};

/* From the request: day (absent: today), days (absent: `days`), room_id, therapist_id. Also reads
 * that somebody may: ERR_DENIED. */
MUST_USE enum err day_sheet_read(struct verb *v, uint32_t days, struct day_sheet *ret);
void day_sheet_finip(struct day_sheet *s); /* for CLEANUP */

/* One row: ids, names, date, time, until, free_from, state, booking, walk_in, desk_tag, overlap,
 * outside_hours. */
MUST_USE enum err day_sheet_put_row(struct verb *v, const struct day_sheet *s,
				    const struct local_appointment *a, json_t *object);
