#include "client/cli/print_proof.h"

#include "base/check.h"
#include "client/api/json.h"

#include <stdio.h>
#include <string.h>

static const char *text_or(const json_t *object, const char *key, const char *other)
{
	const char *text = json_text_of(object, key);

	return text != NULL ? text : other;
}

static void print_texts(const json_t *list, FILE *to, const char *before)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		(void)fprintf(to, "%s%s\n", before, text_or(json_array_get(list, i), "text", ""));
	}
}

void print_proof_remarks(const json_t *answer)
{
	const char *change = json_text_of(json_object_get(answer, "change"), "text");

	if (change != NULL) (void)fprintf(stderr, "%s\n", change);
	print_texts(json_object_get(answer, "prompts"), stderr, "ALERT: ");
	print_texts(json_object_get(answer, "warnings"), stderr, "Note: ");
}

static long long count_of(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

/* "Measure again now (mid): neck rotation left, pain". */
static void print_retest(const json_t *retest)
{
	const char *due = json_text_of(retest, "due");
	const json_t *rows = due != NULL ? json_object_get(retest, due) : NULL;

	for (size_t i = 0; i < json_array_size(rows); i++) {
		if (i == 0) (void)printf("Measure again now (%s): ", due);
		(void)printf("%s%s", i > 0 ? ", " : "",
			     text_or(json_array_get(rows, i), "title", "?"));
	}
	if (json_array_size(rows) > 0) (void)printf("\n");
}

enum err print_session_proof(const json_t *answer)
{
	const json_t *changes = json_object_get(answer, "changes");
	const json_t *assessments = json_object_get(answer, "assessments");
	bool first = true;

	for (size_t i = 0; i < json_array_size(changes); i++) {
		const json_t *c = json_array_get(changes, i);
		const char *text = json_text_of(json_object_get(c, "post"), "text");
		if (text == NULL) continue;
		(void)printf("%s  %s: %s\n", first ? "Changes\n" : "", text_or(c, "title", "?"),
			     text);
		first = false;
	}
	if (json_is_object(assessments)) {
		(void)printf("Assessments %lld (%lld wanted), measured again %lld\n",
			     count_of(assessments, "tested"), count_of(assessments, "wanted"),
			     count_of(assessments, "again"));
	}
	print_retest(json_object_get(answer, "retest"));
	if (strcmp(text_or(answer, "state", ""), "draft") == 0) {
		print_texts(json_object_get(answer, "warnings"), stdout, "  note: ");
	}
	return ERR_OK;
}

/* ---- progress ------------------------------------------------------------------------------ */

/* "before 50", with the number as it stands in the answer. */
static void print_point(const json_t *visit, const char *key, const char *word)
{
	const json_t *row = json_object_get(visit, key);
	const json_t *value = json_object_get(row, "value");

	if (!json_is_object(row)) return;
	if (json_is_number(value)) {
		(void)printf("  %s %.10g", word, json_number_value(value));
	} else {
		(void)printf("  %s %s", word,
			     text_or(row, "result", text_or(row, "skipped_reason", "-")));
	}
}

/* "within_error" as people read it. */
static void print_state(const char *state)
{
	(void)fputs("  ", stdout);
	for (; *state != '\0'; state++) (void)putchar(*state == '_' ? ' ' : *state);
}

static void print_visit(const json_t *visit)
{
	const json_t *kept = json_object_get(visit, "kept_percent");
	const json_t *change = json_object_get(visit, "change");
	const json_t *delta = json_object_get(change, "delta");

	(void)printf("  %.10s", text_or(visit, "started_at", "?"));
	print_point(visit, "pre", "before");
	print_point(visit, "mid", "between");
	print_point(visit, "post", "after");
	if (json_is_number(delta)) (void)printf("  %+.10g", json_number_value(delta));
	if (json_is_object(change)) print_state(text_or(change, "state", ""));
	if (json_is_integer(kept)) {
		(void)printf("  (began with %lld %% of the last gain)",
			     (long long)json_integer_value(kept));
	}
	(void)puts("");
}

enum err print_progress(const json_t *answer)
{
	const json_t *series = json_object_get(answer, "series");
	const json_t *published = json_object_get(answer, "kept_published");

	if (json_array_size(series) == 0) (void)puts("Nothing was measured yet.");
	for (size_t i = 0; i < json_array_size(series); i++) {
		const json_t *s = json_array_get(series, i);
		const json_t *visits = json_object_get(s, "visits");
		const char *how = text_or(s, "how", "");
		const char *whole = json_text_of(json_object_get(s, "whole"), "text");
		(void)printf("%s%s%s\n", text_or(s, "title", "?"), how[0] != '\0' ? ", " : "", how);
		for (size_t j = 0; j < json_array_size(visits); j++) {
			print_visit(json_array_get(visits, j));
		}
		if (whole != NULL && json_array_size(visits) > 1) {
			(void)printf("  since the first visit: %s\n", whole);
		}
	}
	if (json_is_object(published) && json_array_size(series) > 0) {
		(void)printf("Published for %s: the next visit begins with %lld to %lld %% of the "
			     "gain (%s).\n",
			     text_or(published, "of", "?"), count_of(published, "low"),
			     count_of(published, "high"), text_or(published, "source", "?"));
	}
	if (json_is_true(json_object_get(answer, "partial"))) {
		(void)fputs("Working offline: this is what this room holds.\n", stderr);
	}
	return ERR_OK;
}

/* ---- report -------------------------------------------------------------------------------- */

void print_report_head(const json_t *answer)
{
	const json_t *all = json_object_get(answer, "all");

	(void)printf("%s to %s, sessions of yours that this room holds: %lld, with %lld "
		     "assessments or more: %lld\n",
		     text_or(answer, "from", "?"), text_or(answer, "to", "?"),
		     count_of(answer, "visits"), count_of(answer, "wanted"),
		     count_of(answer, "visits_enough"));
	if (count_of(all, "before") == 0) return;
	(void)printf("%lld measured before, %lld again (%lld %%)", count_of(all, "before"),
		     count_of(all, "again"), count_of(all, "again_percent"));
	if (count_of(all, "again") > 0) {
		(void)printf(": %lld better beyond error (%lld %%), %lld within it, %lld worse",
			     count_of(all, "improved"), count_of(all, "improved_percent"),
			     count_of(all, "within_error"), count_of(all, "worse"));
	}
	(void)puts("");
}
