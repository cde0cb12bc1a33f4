#include "client/cli/print_session.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "client/api/json.h"
#include "client/cli/print.h"
#include "client/cli/record_table.h"

#include <stdio.h>
#include <string.h>

#define TITLE_BYTES 64u

static const char *text_or(const json_t *object, const char *key, const char *other)
{
	const char *text = json_text_of(object, key);

	return text != NULL ? text : other;
}

void print_session_marks(const json_t *answer)
{
	const json_t *error = json_object_get(answer, "entered_in_error");
	const char *late = json_text_of(answer, "late_entry");

	if (json_is_object(error)) {
		(void)printf("ENTERED IN ERROR by %s, at %s\n", text_or(error, "by", "?"),
			     text_or(error, "at", "?"));
		if (json_text_of(error, "reason") != NULL) {
			(void)printf("  %s\n  See session %s\n", text_or(error, "reason", ""),
				     text_or(error, "right_session_id", "?"));
		}
	}
	if (late != NULL) (void)printf("%s\n", late);
}

static bool is_said(const json_t *value)
{
	return !json_is_null(value) && !(json_is_array(value) && json_array_size(value) == 0);
}

static bool is_id(const char *key)
{
	const size_t len = strlen(key);

	return len > 3 && strcmp(key + len - 3, "_id") == 0;
}

/* "  Pain now             4" for each field that says something. */
static enum err print_fields(const char *title, const json_t *object)
{
	bool is_first = true;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		CLEANUP(buf_finip) struct buf cell = { 0 };
		char name[TITLE_BYTES];
		const char *text = NULL;
		if (!is_said(value) || json_is_object(json_array_get(value, 0))) continue;
		cli_record_title(key, name, sizeof(name));
		TRY(print_add_cell(&cell, key, value));
		TRY(buf_cstr(&cell, &text));
		if (is_first) (void)printf("%s\n", title);
		(void)printf("  %-28s %s\n", name, text);
		buf_wipe(&cell);
		is_first = false;
	}
	return ERR_OK;
}

/* One line a record: "  neck, left, 3, petrissage". */
static enum err print_list(const char *title, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		CLEANUP(buf_finip) struct buf line = { 0 };
		const char *text = NULL;
		const char *key;
		json_t *value;
		json_object_foreach(json_array_get(list, i), key, value)
		{
			char name[TITLE_BYTES];
			if (is_id(key) || !is_said(value)) continue;
			cli_record_title(key, name, sizeof(name));
			TRY(buf_append_fmt(&line, "%s%s: ", line.len > 0 ? ", " : "", name));
			TRY(print_add_cell(&line, key, value));
		}
		TRY(buf_cstr(&line, &text));
		if (i == 0) (void)printf("%s\n", title);
		(void)printf("  %s\n", text);
		buf_wipe(&line);
	}
	return ERR_OK;
}

/* Said last time; counts for nothing until it is confirmed. */
static enum err print_proposed(const json_t *proposed)
{
	TRY(print_fields("Proposed from last time (set session SID --confirm FIELD or all)",
			 proposed));
	return print_list("Proposed treatments (--confirm treatments)",
			  json_object_get(proposed, "treatments"));
}

enum err print_session_chart(const json_t *answer)
{
	const json_t *missing = json_object_get(answer, "missing");

	TRY(print_fields("Fields", json_object_get(answer, "chart")));
	TRY(print_list("Discomfort", json_object_get(answer, "discomforts")));
	TRY(print_list("Palpation", json_object_get(answer, "palpations")));
	TRY(print_list("Treatment", json_object_get(answer, "treatments")));
	TRY(print_list("Adverse events", json_object_get(answer, "adverse_events")));
	TRY(print_list("Homecare", json_object_get(answer, "homecare_items")));
	TRY(print_proposed(json_object_get(answer, "proposed")));
	for (size_t i = 0; i < json_array_size(missing); i++) {
		const json_t *gap = json_array_get(missing, i);
		(void)printf("%s  %s: roomkeep %s\n",
			     i == 0 ? "Missing before it can be signed\n" : "",
			     text_or(gap, "field", "?"), text_or(gap, "say", ""));
	}
	return ERR_OK;
}
