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
		(void)printf("Assessments %lld of %lld, measured again %lld\n",
			     count_of(assessments, "tested"), count_of(assessments, "wanted"),
			     count_of(assessments, "again"));
	}
	if (strcmp(text_or(answer, "state", ""), "draft") == 0) {
		print_texts(json_object_get(answer, "warnings"), stdout, "  note: ");
	}
	return ERR_OK;
}
