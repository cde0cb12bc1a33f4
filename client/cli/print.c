#include "client/cli/print.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "client/api/json.h"
#include "client/cli/print_card.h"
#include "client/cli/print_proof.h"
#include "client/cli/print_session.h"
#include "client/cli/record_table.h"

#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CELL_BYTES 64u

/* ---- one line ------------------------------------------------------------------------------ */

/* A value as people read it; a list joined by commas. Appends. */
static enum err add_value(struct buf *out, const json_t *value)
{
	if (json_is_string(value)) return buf_append_str(out, json_string_value(value));
	if (json_is_integer(value)) {
		return buf_append_fmt(out, "%lld", (long long)json_integer_value(value));
	}
	if (json_is_real(value)) return buf_append_fmt(out, "%.10g", json_real_value(value));
	if (json_is_boolean(value)) return buf_append_str(out, json_is_true(value) ? "yes" : "no");
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (i > 0) TRY(buf_append_str(out, ", "));
		TRY(add_value(out, json_array_get(value, i)));
	}
	return ERR_OK;
}

static enum err fill(struct buf *out, const char *text, const json_t *answer, const json_t *request)
{
	while (*text != '\0') {
		const size_t plain = strcspn(text, "{");
		TRY(buf_append(out, view_of(text, plain)));
		text += plain;
		if (*text == '\0') break;
		const size_t len = strcspn(text, "}");
		char key[CELL_BYTES] = { 0 };
		INSIST(text[len] == '}' && len - 1 < sizeof(key)); /* the table's own text */
		memcpy(key, text + 1, len - 1);
		const json_t *value = json_object_get(answer, key);
		if (value == NULL) value = json_object_get(request, key);
		TRY(add_value(out, value));
		text += len + 1;
	}
	return ERR_OK;
}

char *print_fill(const char *text, const json_t *answer, const json_t *request)
{
	struct buf out = { 0 };
	const char *line = NULL;

	if (fill(&out, text, answer, request) != ERR_OK || buf_cstr(&out, &line) != ERR_OK) {
		buf_fini(&out);
		return NULL;
	}
	size_t len = 0;
	return (char *)buf_take(&out, &len);
}

/* ---- tables -------------------------------------------------------------------------------- */

/* The next "key:Title" of the columns; returns where the one after it begins. */
static const char *next_column(const char *at, char key[CELL_BYTES], char title[CELL_BYTES])
{
	const size_t key_len = strcspn(at, ":");
	const size_t title_len = strcspn(at + key_len + 1, ",");

	INSIST(key_len < CELL_BYTES && title_len < CELL_BYTES);
	memcpy(key, at, key_len);
	key[key_len] = '\0';
	memcpy(title, at + key_len + 1, title_len);
	title[title_len] = '\0';
	at += key_len + 1 + title_len;
	return *at == ',' ? at + 1 : at;
}

enum err print_add_cell(struct buf *out, const char *key, const json_t *value)
{
	const size_t len = strlen(key);
	uint64_t ms = 0;

	if (len > 3 && strcmp(key + len - 3, "_at") == 0 && json_is_string(value) &&
	    json_time_parse(json_string_value(value), &ms) == ERR_OK) {
		const time_t seconds = (time_t)(ms / 1000u);
		char text[32];
		struct tm tm;
		if (localtime_r(&seconds, &tm) != NULL &&
		    strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm) > 0) {
			return buf_append_str(out, text);
		}
	}
	return add_value(out, value);
}

static enum err add_line(struct libscols_table *table, const char *columns, const json_t *row)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	char key[CELL_BYTES];
	char title[CELL_BYTES];
	size_t index = 0;

	ENSURE(line != NULL, ERR_NOMEM);
	for (const char *at = columns; *at != '\0'; index++) {
		CLEANUP(buf_finip) struct buf cell = { 0 };
		const char *text = NULL;
		at = next_column(at, key, title);
		TRY(print_add_cell(&cell, key, json_object_get(row, key)));
		TRY(buf_cstr(&cell, &text));
		ENSURE(scols_line_set_data(line, index, text) == 0, ERR_NOMEM);
		buf_wipe(&cell);
	}
	return ERR_OK;
}

static enum err fill_table(struct libscols_table *table, const char *columns, const json_t *rows)
{
	char key[CELL_BYTES];
	char title[CELL_BYTES];

	for (const char *at = columns; *at != '\0';) {
		at = next_column(at, key, title);
		/* The last column, an id or a long text, wraps rather than being cut. */
		const int flags = *at == '\0' && strcmp(key, "text") == 0 ? SCOLS_FL_WRAP : 0;
		ENSURE(scols_table_new_column(table, title, 0, flags) != NULL, ERR_NOMEM);
	}
	for (size_t i = 0; i < json_array_size(rows); i++) {
		TRY(add_line(table, columns, json_array_get(rows, i)));
	}
	return ERR_OK;
}

static bool wants_color(const struct cli_call *call)
{
	const char *term = getenv("TERM");
	const char *no_color = getenv("NO_COLOR");

	if (call->color == CLI_COLOR_ALWAYS) return true;
	if (call->color == CLI_COLOR_NEVER || isatty(STDOUT_FILENO) != 1) return false;
	if (no_color != NULL && no_color[0] != '\0') return false;
	return term != NULL && strcmp(term, "dumb") != 0;
}

static enum err print_table(const struct cli_call *call, const json_t *answer)
{
	const struct cli_command *c = call->command;
	const json_t *rows = json_object_get(answer, c->list);

	if (json_array_size(rows) == 0) {
		(void)puts(c->empty);
		return ERR_OK;
	}
	struct libscols_table *table = scols_new_table();
	ENSURE(table != NULL, ERR_NOMEM);
	enum err e = fill_table(table, c->columns, rows);
	if (e == ERR_OK && wants_color(call)) {
		e = scols_table_enable_colors(table, 1) == 0 ? ERR_OK : ERR_NOMEM;
	}
	/* A pipe gets whole lines, however long. */
	if (e == ERR_OK && isatty(STDOUT_FILENO) != 1 && getenv("COLUMNS") == NULL) {
		e = scols_table_enable_nowrap(table, 1) == 0 ? ERR_OK : ERR_NOMEM;
	}
	if (e == ERR_OK && scols_print_table(table) != 0) e = ERR_IO;
	scols_unref_table(table);
	const json_int_t more = json_integer_value(json_object_get(answer, "more"));
	if (e == ERR_OK && more > 0)
		(void)printf("%lld older; --all lists them too.\n", (long long)more);
	if (e == ERR_OK && json_is_true(json_object_get(answer, "partial"))) {
		(void)fputs("Working offline: this is what this room holds.\n", stderr);
	}
	return e;
}

/* Who stays away, and the choice that is the therapist's alone (DOMAIN 4.10). */
static enum err print_watch(const struct cli_call *call, const json_t *answer)
{
	const json_int_t left_out = json_integer_value(json_object_get(answer, "left_out"));

	TRY(print_table(call, answer));
	if (json_array_size(json_object_get(answer, "patients")) == 0) return ERR_OK;
	if (left_out > 0) (void)printf("%lld more, gone for longer\n", (long long)left_out);
	(void)puts("Look back: roomkeep show card --patient ID\n"
		   "Then choose, or let it be: roomkeep add touch --patient ID --on DAY --what "
		   "personal_call,\n  short_message, ask_to_return, refer_on, closed_with_thanks "
		   "or leave_in_peace");
	return ERR_OK;
}

/* ---- status and show ----------------------------------------------------------------------- */

static void print_text_of(const json_t *object, const char *key, const char *title)
{
	const char *text = json_text_of(object, key);

	if (text != NULL) (void)printf("%s\n  %s\n", title, text);
}

static long long count_of(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static const char *text_or(const json_t *object, const char *key, const char *other)
{
	const char *text = json_text_of(object, key);

	return text != NULL ? text : other;
}

static enum err print_status(const json_t *answer)
{
	const json_t *outbox = json_object_get(answer, "outbox");
	const long long queued = count_of(outbox, "queued");
	const long long refused = count_of(outbox, "rejected") + count_of(outbox, "quarantined");
	const char *link = text_or(answer, "link", "offline");
	const json_t *alarms = json_object_get(answer, "alarms");

	(void)printf("%s   %s\n", text_or(answer, "room", "?"),
		     strcmp(link, "online") == 0    ? "online"
		     : strcmp(link, "refused") == 0 ? "needs you: the server and this room disagree"
						    : "working offline");
	if (json_text_of(answer, "reason") != NULL) {
		(void)printf("  reason       %s\n", json_text_of(answer, "reason"));
	}
	(void)printf("  clinic       %s, server %s\n", text_or(answer, "clinic", "?"),
		     text_or(answer, "server", "?"));
	(void)printf("  signed in    %s\n", text_or(answer, "user", "nobody"));
	if (queued == 0) {
		(void)printf("  kept here    nothing, all saved at the clinic\n");
	} else {
		(void)printf("  kept here    %lld %s, all on disk\n", queued,
			     queued == 1 ? "change" : "changes");
	}
	if (refused > 0) (void)printf("  refused      %lld, see roomkeep list pending\n", refused);
	if (strcmp(text_or(answer, "kit", ""), "on_disk") == 0) {
		(void)printf(
			"  kit          on disk; print it, hand it out, roomkeep confirm kit\n");
	}
	for (size_t i = 0; i < json_array_size(alarms); i++) {
		(void)printf("  ALARM        %s\n", json_string_value(json_array_get(alarms, i)));
	}
	return ERR_OK;
}

static enum err print_measures(const json_t *answer)
{
	CLEANUP(buf_finip) struct buf line = { 0 };
	const json_t *list = json_object_get(answer, "measures");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *m = json_array_get(list, i);
		const char *text = NULL;
		buf_clear(&line);
		TRY(buf_append_fmt(&line, "  %-5s %-10s %-5s ", text_or(m, "phase", ""),
				   text_or(m, "ref", ""), text_or(m, "side", "")));
		TRY(add_value(&line, json_object_get(m, "value")));
		TRY(buf_append_fmt(&line, " %s%s", text_or(m, "unit", ""),
				   text_or(m, "result", "")));
		if (json_text_of(m, "skipped_reason") != NULL) {
			TRY(buf_append_fmt(&line, "skipped: %s", text_or(m, "skipped_reason", "")));
		}
		TRY(buf_cstr(&line, &text));
		(void)printf("%s%s\n", i == 0 ? "Measures\n" : "", text);
	}
	return ERR_OK;
}

static void print_values(const json_t *values)
{
	for (size_t i = 0; i < json_array_size(values); i++) {
		const json_t *v = json_array_get(values, i);
		(void)printf("  %s, %s: %s\n", text_or(v, "by", "?"), text_or(v, "room", "?"),
			     text_or(v, "text", "(erased)"));
	}
}

/* Beside the entry that they are about, never away from it (ON6). */
static void print_statements(const json_t *answer)
{
	const json_t *list = json_object_get(answer, "statements");

	if (json_array_size(list) > 0) (void)printf("The patient disagrees\n");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *s = json_array_get(list, i);
		(void)printf("  %s: %s\n", text_or(s, "written_on", "?"), text_or(s, "text", ""));
	}
}

/* Before anything else of a chart. */
static void print_guard(const json_t *answer)
{
	const json_t *guard = json_object_get(answer, "guard");
	const char *band = text_or(guard, "band", "");
	const char *wall = text_or(guard, "wall_words", "");

	if (band[0] != '\0') (void)printf("%s\n", band);
	if (wall[0] != '\0') (void)printf("%s\n", wall);
	if (json_text_of(guard, "reminder_words") != NULL)
		(void)printf("%s\n", json_text_of(guard, "reminder_words"));
	if (json_text_of(guard, "receipt_words") != NULL)
		(void)printf("%s\n", json_text_of(guard, "receipt_words"));
}

static enum err print_session(const json_t *answer)
{
	const json_t *conflicts = json_object_get(answer, "conflicts");

	print_guard(answer);
	(void)printf("Session %s, %s, by %s\n", text_or(answer, "session_id", "?"),
		     text_or(answer, "state", "?"), text_or(answer, "author", "?"));
	print_session_marks(answer);
	print_text_of(answer, "subjective", "Subjective");
	print_text_of(answer, "objective", "Objective");
	print_text_of(answer, "assessment", "Assessment");
	print_text_of(answer, "plan", "Plan");
	TRY(print_session_chart(answer));
	TRY(print_measures(answer));
	TRY(print_session_proof(answer));
	for (size_t i = 0; i < json_array_size(conflicts); i++) {
		const json_t *c = json_array_get(conflicts, i);
		(void)printf("Two versions of %s; set session with the words that shall stand\n",
			     text_or(c, "field", "?"));
		print_values(json_object_get(c, "values"));
	}
	if (json_array_size(json_object_get(answer, "late_changes")) > 0) {
		(void)printf("Changes that came after signing\n");
		print_values(json_object_get(answer, "late_changes"));
	}
	if (json_array_size(json_object_get(answer, "addenda")) > 0) {
		(void)printf("Addenda\n");
		print_values(json_object_get(answer, "addenda"));
	}
	print_statements(answer);
	return ERR_OK;
}

/* ---- a plain record ------------------------------------------------------------------------ */

/* "Asked on       2026-11-30"; nothing for what was not said. */
static enum err print_field(const char *indent, const char *key, const json_t *value)
{
	CLEANUP(buf_finip) struct buf cell = { 0 };
	char title[CELL_BYTES];
	const char *text = NULL;

	if (json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0) ||
	    json_is_object(json_array_get(value, 0))) {
		return ERR_OK; /* a list of objects has lines of its own */
	}
	cli_record_title(key, title, sizeof(title));
	TRY(print_add_cell(&cell, key, value));
	TRY(buf_cstr(&cell, &text));
	(void)printf("%s%-20s %s\n", indent, title, text);
	buf_wipe(&cell);
	return ERR_OK;
}

static enum err print_change(const json_t *change)
{
	CLEANUP(buf_finip) struct buf at = { 0 };
	const char *text = NULL;
	const char *key;
	json_t *value;

	TRY(print_add_cell(&at, "made_at", json_object_get(change, "at")));
	TRY(buf_cstr(&at, &text));
	(void)printf("  %s, %s, %s%s\n", text, text_or(change, "by", "?"),
		     text_or(change, "room", "?"),
		     json_is_true(json_object_get(change, "late")) ? ", too late" : "");
	json_object_foreach(json_object_get(change, "said"), key, value)
	{
		const size_t len = strlen(key);
		if (len > 3 && strcmp(key + len - 3, "_id") == 0) continue;
		TRY(print_field("    ", key, value));
	}
	return ERR_OK;
}

static enum err print_record(const json_t *answer)
{
	const json_t *history = json_object_get(answer, "history");
	const char *key;
	json_t *value;

	print_guard(answer);
	json_object_foreach((json_t *)(uintptr_t)answer, key, value)
	{
		if (!json_is_object(value) && strcmp(key, "schema") != 0 &&
		    strcmp(key, "history") != 0)
			TRY(print_field("", key, value));
	}
	print_statements(answer);
	if (json_array_size(history) > 0) (void)printf("History\n");
	for (size_t i = 0; i < json_array_size(history); i++) {
		TRY(print_change(json_array_get(history, i)));
	}
	return ERR_OK;
}

/* ---- the answer ---------------------------------------------------------------------------- */

/* Questions to who typed it (client/api/hints.h): beside the answer, also when it is quiet. */
static void print_hints(const json_t *answer)
{
	const json_t *hints = json_object_get(answer, "hints");

	for (size_t i = 0; i < json_array_size(hints); i++) {
		const json_t *h = json_array_get(hints, i);
		char code[CELL_BYTES];
		char field[CELL_BYTES];
		cli_record_title(text_or(h, "code", "?"), code, sizeof(code));
		cli_record_title(text_or(h, "field", "?"), field, sizeof(field));
		if (json_object_get(h, "words") != NULL) { /* names a relative */
			(void)fprintf(stderr, "%s: %s\n", field, text_or(h, "words", ""));
			continue;
		}
		(void)fprintf(stderr, "%s, %s:%s%s\n", field, code,
			      json_is_true(json_object_get(h, "asks_note"))
				      ? " does it belong in a confidential note?"
				      : "",
			      json_is_true(json_object_get(h, "asks_safety"))
				      ? " see roomkeep show safety-card."
				      : "");
	}
}

static enum err print_done(const struct cli_call *call, const json_t *answer)
{
	print_proof_remarks(answer);
	print_hints(answer);
	if (json_text_of(answer, "reminder_words") != NULL)
		(void)fprintf(stderr, "%s\n", json_text_of(answer, "reminder_words"));
	if (call->quiet) return ERR_OK;
	char *line = print_fill(call->command->done, answer, call->request);
	ENSURE(line != NULL, ERR_NOMEM);
	(void)puts(line);
	free(line);
	return ERR_OK;
}

static enum err print_json(const json_t *answer)
{
	char *text = NULL;

	TRY(json_text_dump(answer, &text));
	(void)puts(text);
	json_text_free(text);
	return ERR_OK;
}

static enum err print_for_person(const struct cli_call *call, const json_t *answer)
{
	const struct cli_command *c = call->command;

	if (c->path != NULL && strcmp(c->path, "list/watch") == 0) return print_watch(call, answer);
	if (c->path != NULL && strcmp(c->path, "show/report") == 0) print_report_head(answer);
	if (c->list != NULL) return print_table(call, answer);
	if (c->done != NULL) return print_done(call, answer);
	if (strcmp(c->verb, "status") == 0) return print_status(answer);
	if (c->path != NULL && strcmp(c->path, "show/progress") == 0) {
		print_guard(answer);
		return print_progress(answer);
	}
	if (c->kind != NULL) return print_record(answer);
	if (c->path != NULL && strcmp(c->path, "show/card") == 0) {
		print_guard(answer);
		return print_card(answer);
	}
	if (c->path != NULL && strcmp(c->path, "show/session") == 0) return print_session(answer);
	if (strcmp(c->verb, "show") == 0) return print_record(answer);
	return print_json(answer);
}

/* Where something is missing it is said, whatever was asked for (client/api/withheld.h). */
static void print_withheld(const json_t *answer)
{
	const json_t *withheld = json_object_get(answer, "withheld");

	if (withheld == NULL) return;
	(void)printf("Withheld: %s (%lld%s)\n", text_or(withheld, "words", "?"),
		     count_of(withheld, "count"),
		     json_is_true(json_object_get(withheld, "whole")) ? ", the whole record" : "");
}

static enum err print_all(const struct cli_call *call, const json_t *answer)
{
	if (call->json) return print_json(answer);
	TRY(print_for_person(call, answer));
	print_withheld(answer);
	return ERR_OK;
}

int print_answer(const struct cli_call *call, const json_t *answer)
{
	enum err e = print_all(call, answer);

	if (e == ERR_OK && (fflush(stdout) != 0 || ferror(stdout) != 0)) e = ERR_IO;
	if (e == ERR_OK) return EXIT_DONE;
	struct fault fault = { .err = ERR_OK };
	fault_default(&fault, e);
	return print_fault(call, &fault);
}

int print_fault(const struct cli_call *call, const struct fault *fault)
{
	if (!call->json) {
		(void)fprintf(stderr, "roomkeep: %s%s\n", fault->message,
			      fault->hint[0] != '\0' ? "." : "");
		if (fault->hint[0] != '\0') (void)fprintf(stderr, "%s\n", fault->hint);
		return fault->exit;
	}
	json_t *object = fault_to_json(fault);
	char *text = NULL;
	if (object != NULL && json_text_dump(object, &text) == ERR_OK) {
		(void)fprintf(stderr, "%s\n", text);
	}
	json_text_free(text);
	json_decref(object);
	return fault->exit;
}
