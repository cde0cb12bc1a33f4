/* fuzz_json: the body of a request to a room's local door.
 * Targets: json_object_read, json_text_dump, json_text_of, json_time_parse, json_time_print.
 * Holds:   what was read and is written reads the same again; so do times. */
#include "base/cleanup.h"
#include "client/api/json.h"
#include "fuzz/fuzz.h"

#define YEAR_10000_MS 253402300800000u

static void check_time(const char *text)
{
	uint64_t ms = 0;
	uint64_t again = 0;
	char printed[JSON_TIME_BYTES];

	if (json_time_parse(text, &ms) != ERR_OK) return;
	json_time_print(ms, printed);
	INSIST(strlen(printed) == JSON_TIME_BYTES - 1);
	INSIST(json_time_parse(printed, &again) == ERR_OK);
	INSIST(ms == again || ms >= YEAR_10000_MS);
}

static void check_again(const json_t *object)
{
	CLEANUP(json_text_freep) char *text = NULL;
	json_t *again = NULL;

	INSIST(json_text_dump(object, &text) == ERR_OK);
	INSIST(json_object_read(view_str(text), &again) == ERR_OK);
	INSIST(json_equal(object, again) == 1);
	json_decref(again);
}

static void check_texts(json_t *object)
{
	const char *key = NULL;
	json_t *value = NULL;

	json_object_foreach(object, key, value)
	{
		const char *text = json_text_of(object, key);
		INSIST((text != NULL) == json_is_string(value));
		if (text != NULL) INSIST(strlen(text) == json_string_length(value));
		if (text != NULL) check_time(text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	json_t *object = NULL;

	if (!started) json_start();
	started = true;
	if (json_object_read(view_of(data, size), &object) != ERR_OK) return 0;
	check_texts(object);
	check_again(object);
	json_decref(object);
	return 0;
}
