/* export_day: the day sheet on paper, for the morning and for the hour without any machine. One
 * page of HTML without anything from elsewhere: times, names, rooms; nothing clinical. */
#include "client/api/day_sheet.h"
#include "client/api/export_file.h"
#include "client/api/show.h"
#include "client/api/verbs.h"

#include "base/check.h"

#define PAGE_BYTES_MAX (4u * 1024u * 1024u)

static const char page_head[] =
	"<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<title>Day sheet</title>\n<style>\n@page { size: A4; margin: 12mm }\n"
	"body { font: 11pt/1.35 sans-serif; color: #000; background: #fff }\n"
	"h1 { font-size: 15pt; margin: 0 0 2mm } h2 { font-size: 12pt; margin: 5mm 0 1mm }\n"
	"table { border-collapse: collapse; width: 100% }\n"
	"th, td { border-bottom: 1px solid #999; padding: 1.5mm 2mm; text-align: left }\n"
	"tr { break-inside: avoid }\n"
	".off { text-decoration: line-through } p { margin: 1mm 0 }\n"
	"</style>\n</head>\n<body>\n";

static enum err add_cell(struct buf *page, const json_t *row, const char *key)
{
	const char *text = json_text_of(row, key);

	TRY(buf_append_str(page, "<td>"));
	TRY(export_add_html(page, text != NULL ? text : ""));
	return buf_append_str(page, "</td>");
}

/* What somebody at the desk must see besides the time. */
static enum err add_remarks(struct buf *page, const json_t *row)
{
	const char *tag = json_text_of(row, "desk_tag");
	const char *booking = json_text_of(row, "booking");

	TRY(buf_append_str(page, "<td>"));
	TRY(export_add_html(page, json_text_of(row, "state")));
	if (strcmp(booking, "confirmed") != 0) TRY(buf_append_fmt(page, "; %s", booking));
	if (json_is_true(json_object_get(row, "walk_in"))) TRY(buf_append_str(page, "; walk-in"));
	if (json_is_true(json_object_get(row, "overlap"))) TRY(buf_append_str(page, "; overlap"));
	if (json_is_true(json_object_get(row, "outside_hours")))
		TRY(buf_append_str(page, "; outside hours"));
	if (tag != NULL) TRY(buf_append_fmt(page, "; %s", tag));
	return buf_append_str(page, "</td>");
}

static enum err add_row(struct buf *page, const json_t *row, bool holds_time)
{
	static const char *const keys[] = { "time",    "until", "free_from",
					    "patient", "room",  "therapist" };

	TRY(buf_append_str(page, holds_time ? "<tr>" : "<tr class=\"off\">"));
	for (size_t i = 0; i < COUNT_OF(keys); i++) TRY(add_cell(page, row, keys[i]));
	TRY(add_remarks(page, row));
	return buf_append_str(page, "</tr>\n");
}

static enum err add_head(struct verb *v, const struct day_sheet *s, struct buf *page)
{
	const struct local_room *room = local_room(verb_local(v));

	TRY(buf_append_str(page, page_head));
	TRY(buf_append_str(page, "<h1>"));
	TRY(export_add_html(page, room->clinic_name));
	TRY(buf_append_str(page, ": "));
	TRY(calendar_print(s->first_day, page));
	TRY(buf_append_str(page, "</h1>\n<p>Printed in "));
	TRY(export_add_html(page, room->name));
	return buf_append_fmt(page, ". %s</p>\n",
			      v->link.link == SYNC_LINK_ONLINE
				      ? "As the clinic knows it."
				      : "Without the server: what this room knew then.");
}

static enum err add_day(struct verb *v, const struct day_sheet *s, int64_t day, struct buf *page)
{
	const uint64_t from = house_day_start(day);
	const uint64_t to = house_day_start(day + 1);
	size_t shown = 0;

	TRY(buf_append_str(page, "<h2>"));
	TRY(calendar_print(day, page));
	TRY(buf_append_str(page, calendar_is_closed(&s->house.calendar, day) ? ", closed</h2>\n"
									     : "</h2>\n"));
	TRY(buf_append_str(page,
			   "<table><tr><th>From</th><th>Until</th><th>Free from</th>"
			   "<th>Patient</th><th>Room</th><th>Therapist</th><th></th></tr>\n"));
	for (size_t i = 0; i < s->count; i++) {
		CLEANUP(json_decrefp) json_t *row = json_object();
		const struct local_appointment *a = &s->rows[i];
		if (a->booking.start_ms < from || a->booking.start_ms >= to) continue;
		ENSURE(row != NULL, ERR_NOMEM);
		TRY(day_sheet_put_row(v, s, a, row));
		TRY(add_row(page, row, a->holds_time));
		shown++;
	}
	TRY(buf_append_str(page, "</table>\n"));
	return shown > 0 ? ERR_OK : buf_append_str(page, "<p>Nobody is booked.</p>\n");
}

static enum err make_page(struct verb *v, const struct day_sheet *s, struct buf *page)
{
	TRY(buf_reserve(page, PAGE_BYTES_MAX)); /* at once: growing leaves copies */
	TRY(add_head(v, s, page));
	for (uint32_t i = 0; i < s->days; i++) TRY(add_day(v, s, s->first_day + i, page));
	return buf_append_str(page, "</body>\n</html>\n");
}

static enum err export_day_sheet(struct verb *v)
{
	CLEANUP(day_sheet_finip) struct day_sheet s = { 0 };
	CLEANUP(buf_finip) struct buf page = { 0 };

	TRY(export_file_need(v));
	TRY(day_sheet_read(v, 1, &s));
	enum err e = make_page(v, &s, &page);
	/* A name that is missing is asked for first; then this runs again. */
	const bool again = v->name_missing && !v->learning && v->link.link == SYNC_LINK_ONLINE;
	if (e == ERR_OK && !again) e = export_file_write(v, buf_view(&page));
	if (e == ERR_OK) e = json_put(v->answer, "appointments", json_integer((json_int_t)s.count));
	buf_wipe(&page);
	return e;
}

enum err verb_export_day_sheet(struct verb *v)
{
	return verb_show_named(v, export_day_sheet);
}
