#include "client/cli/print_card.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "client/api/json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LABEL_COLUMNS 14
#define TEXT_COLUMNS 62

/* ---- lines --------------------------------------------------------------------------------- */

/* Bytes of the text that fit into one line: whole words, unless one is longer than the line. */
static size_t line_bytes(const char *text)
{
	size_t fits = 0;
	size_t at = 0;

	for (size_t columns = 0; text[at] != '\0' && text[at] != '\n'; at++) {
		if (((unsigned char)text[at] & 0xc0u) == 0x80u) continue; /* inside a character */
		if (text[at] == ' ') fits = at;
		if (columns++ == TEXT_COLUMNS) return fits > 0 ? fits : at;
	}
	return at;
}

/* "PROMISED      We look at the left rotation"; the label stands on the first line only. */
static void print_part(const char *label, const char *text)
{
	do {
		const size_t len = line_bytes(text);
		(void)printf("  %-*s%.*s\n", LABEL_COLUMNS, label, (int)len, text);
		label = "";
		text += len;
		while (*text == ' ' || *text == '\n') text++;
	} while (*text != '\0');
}

static const char *text_or(const json_t *object, const char *key, const char *other)
{
	const char *text = json_text_of(object, key);

	return text != NULL ? text : other;
}

static enum err add_spaced(struct buf *out, const char *word)
{
	for (; *word != '\0'; word++) TRY(buf_append_fmt(out, "%c", *word == '_' ? ' ' : *word));
	return ERR_OK;
}

/* The day of an RFC 3339 time, where the room is. */
static enum err add_day(struct buf *out, const char *time_text)
{
	char day[sizeof("YYYY-MM-DD")];
	uint64_t ms = 0;
	struct tm tm;

	TRY(json_time_parse(time_text, &ms));
	const time_t seconds = (time_t)(ms / 1000u);
	if (localtime_r(&seconds, &tm) == NULL || strftime(day, sizeof(day), "%F", &tm) == 0)
		return ERR_OK;
	return buf_append_str(out, day);
}

/* What was gathered, under its label; then the buffer is empty again. */
static enum err flush(struct buf *line, const char *label)
{
	const char *text = NULL;

	if (line->len == 0) return ERR_OK;
	TRY(buf_cstr(line, &text));
	print_part(label, text);
	buf_wipe(line);
	buf_clear(line);
	return ERR_OK;
}

/* ---- parts --------------------------------------------------------------------------------- */

static enum err print_name(const json_t *a, struct buf *line)
{
	const char *used = json_text_of(a, "name_used");

	TRY(buf_append_str(line, used != NULL ? used : text_or(a, "name", "?")));
	if (used != NULL) TRY(buf_append_fmt(line, " (%s)", text_or(a, "name", "?")));
	if (json_text_of(a, "pronounced_as") != NULL)
		TRY(buf_append_fmt(line, ", say %s", json_text_of(a, "pronounced_as")));
	if (json_text_of(a, "pronouns") != NULL)
		TRY(buf_append_fmt(line, ", %s", json_text_of(a, "pronouns")));
	return flush(line, "WELCOME");
}

static enum err print_visit(const json_t *a, struct buf *line)
{
	const json_t *last = json_object_get(a, "last_visit");
	const json_t *first = json_object_get(a, "first_visit");

	if (json_is_true(first)) print_part("", "*** FIRST IMPRESSION: never here before ***");
	if (json_is_null(first)) print_part("VISIT", "No visit is known in this room");
	if (!json_is_object(last)) return ERR_OK;
	TRY(buf_append_fmt(line, "%lld, last on ",
			   (long long)json_integer_value(json_object_get(a, "visit"))));
	TRY(add_day(line, text_or(last, "started_at", "")));
	TRY(buf_append_fmt(line, " with %s", text_or(last, "author", "?")));
	TRY(flush(line, "VISIT"));
	if (json_text_of(last, "subjective") != NULL)
		print_part("CAME FOR", json_text_of(last, "subjective"));
	if (json_text_of(last, "plan") != NULL) print_part("PLAN", json_text_of(last, "plan"));
	return ERR_OK;
}

/* "Neck rotation, left 52 -> 66 deg: improved" */
static enum err print_proof(const json_t *list, struct buf *line)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		const json_t *change = json_object_get(row, "change");
		TRY(buf_append_fmt(line, "%s %.10g -> %.10g %s: ", text_or(row, "title", "?"),
				   json_number_value(json_object_get(row, "from")),
				   json_number_value(json_object_get(row, "to")),
				   text_or(change, "unit", "")));
		TRY(add_spaced(line, text_or(change, "state", "?")));
		TRY(flush(line, i == 0 ? "PROOF" : ""));
	}
	return ERR_OK;
}

static enum err print_alerts(const json_t *list, struct buf *line)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		const bool allergy = strcmp(text_or(row, "kind", ""), "allergy") == 0;
		TRY(buf_append_fmt(line, "%s: %s", allergy ? "Allergy" : "Do not treat",
				   text_or(row, "text", "?")));
		TRY(flush(line, i == 0 ? "TAKE CARE" : ""));
	}
	return ERR_OK;
}

static enum err print_consents(const json_t *list, struct buf *line)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		TRY(add_spaced(line, text_or(row, "area", "?")));
		TRY(buf_append_str(line, ": "));
		TRY(add_spaced(line, text_or(row, "state", "?")));
		TRY(buf_append_str(line, ", "));
		TRY(add_day(line, text_or(row, "at", "")));
		TRY(flush(line, i == 0 ? "CONSENT" : ""));
	}
	return ERR_OK;
}

static enum err print_promises(const json_t *list, struct buf *line)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		TRY(buf_append_str(line, text_or(row, "text", "?")));
		if (json_text_of(row, "due") != NULL)
			TRY(buf_append_fmt(line, " (by %s)", json_text_of(row, "due")));
		TRY(flush(line, i == 0 ? "PROMISED" : ""));
	}
	return ERR_OK;
}

static enum err print_talks(const json_t *list, struct buf *line)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		TRY(buf_append_fmt(line, "%s (%s, %s)", text_or(row, "text", "?"),
				   text_or(row, "heard_on", "?"), text_or(row, "by", "?")));
		TRY(flush(line, i == 0 ? "ASK ABOUT" : ""));
	}
	return ERR_OK;
}

static enum err add_wish(struct buf *out, const json_t *value)
{
	if (json_is_string(value)) return add_spaced(out, json_string_value(value));
	if (json_is_integer(value))
		return buf_append_fmt(out, "%lld", (long long)json_integer_value(value));
	if (json_is_boolean(value)) return buf_append_str(out, json_is_true(value) ? "yes" : "no");
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (i > 0) TRY(buf_append_str(out, ", "));
		TRY(add_wish(out, json_array_get(value, i)));
	}
	return ERR_OK;
}

/* "pressure 3; talk quiet" */
static enum err add_wishes(struct buf *line, json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		if (json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0))
			continue;
		if (line->len > 0) TRY(buf_append_str(line, "; "));
		TRY(add_spaced(line, key));
		TRY(buf_append_str(line, " "));
		TRY(add_wish(line, value));
	}
	return ERR_OK;
}

static enum err print_mood(const json_t *a, struct buf *line)
{
	const json_t *mood = json_object_get(a, "last_mood");
	const json_t *prompts = json_object_get(a, "mood_prompts");

	if (json_is_object(mood)) {
		const char *spirits = json_text_of(mood, "spirits");
		const char *energy = json_text_of(mood, "energy");
		if (spirits != NULL) TRY(buf_append_fmt(line, "%s in spirits", spirits));
		if (energy != NULL)
			TRY(buf_append_fmt(line, "%s%s", line->len > 0 ? ", " : "", energy));
		TRY(flush(line, "LAST LEFT"));
	}
	if (json_text_of(a, "mood_flag") != NULL) print_part("", json_text_of(a, "mood_flag"));
	for (size_t i = 0; i < json_array_size(prompts); i++) {
		print_part(i == 0 ? "TODAY" : "", json_string_value(json_array_get(prompts, i)));
	}
	return ERR_OK;
}

static enum err print_notes(const json_t *a, struct buf *line)
{
	const long long count = (long long)json_integer_value(json_object_get(a, "own_notes"));

	if (count == 0) return ERR_OK;
	TRY(buf_append_fmt(line, "%lld confidential of your own", count));
	return flush(line, "NOTES");
}

static void print_family(const json_t *guard)
{
	if (text_or(guard, "band", "")[0] != '\0') print_part("FAMILY", text_or(guard, "band", ""));
	if (text_or(guard, "wall_words", "")[0] != '\0')
		print_part("", text_or(guard, "wall_words", ""));
}

/* "turn the head, 3 times a day" */
static enum err print_homecare(const json_t *list, struct buf *line)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		const char *dose = json_text_of(item, "dose");
		TRY(buf_append_str(line, json_text_of(item, "what")));
		if (dose != NULL) TRY(buf_append_fmt(line, ", %s", dose));
		TRY(flush(line, i == 0 ? "HOMECARE" : ""));
	}
	return ERR_OK;
}

enum err print_card(const json_t *answer)
{
	CLEANUP(buf_finip) struct buf line = { 0 };
	const json_t *complaints = json_object_get(answer, "complaints");

	TRY(print_name(answer, &line));
	print_family(json_object_get(answer, "guard"));
	TRY(print_alerts(json_object_get(answer, "take_care"), &line));
	TRY(print_consents(json_object_get(answer, "consent"), &line));
	TRY(print_visit(answer, &line));
	for (size_t i = 0; i < json_array_size(complaints); i++) {
		print_part(i == 0 ? "COMPLAINT" : "",
			   json_string_value(json_array_get(complaints, i)));
	}
	TRY(print_proof(json_object_get(answer, "proof"), &line));
	TRY(print_homecare(json_object_get(answer, "homecare"), &line));
	TRY(print_promises(json_object_get(answer, "promises"), &line));
	TRY(print_talks(json_object_get(answer, "talk_about"), &line));
	TRY(add_wishes(&line, json_object_get(answer, "comfort")));
	TRY(add_wishes(&line, json_object_get(answer, "preference")));
	TRY(flush(&line, "COMFORT"));
	TRY(print_mood(answer, &line));
	TRY(print_notes(answer, &line));
	if (json_is_true(json_object_get(answer, "partial")))
		(void)fputs("Working offline: this is what this room holds.\n", stderr);
	return ERR_OK;
}
