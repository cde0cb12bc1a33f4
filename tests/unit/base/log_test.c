#include "base/log.h"

#include "base/cleanup.h"
#include "base/limits.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* stderr goes to memory while a test runs; cmocka reports on stdout and stderr after it. */
static int real_stderr = -1;
static int catcher = -1;

static int catch_stderr(void **state)
{
	(void)state;
	fflush(stderr);
	real_stderr = dup(STDERR_FILENO);
	catcher = memfd_create("stderr", MFD_CLOEXEC);
	if (real_stderr < 0 || catcher < 0) return 1;
	return dup2(catcher, STDERR_FILENO) < 0;
}

static int release_stderr(void **state)
{
	(void)state;
	fflush(stderr);
	if (dup2(real_stderr, STDERR_FILENO) < 0) return 1;
	closep(&real_stderr);
	closep(&catcher);
	log_set_level(LOG_LEVEL_WARN);
	return unsetenv("JOURNAL_STREAM");
}

static char *caught(void)
{
	fflush(stderr);
	const off_t bytes = lseek(catcher, 0, SEEK_END);
	assert_true(bytes >= 0);
	char *text = calloc(1, (size_t)bytes + 1);
	assert_non_null(text);
	assert_int_equal(pread(catcher, text, (size_t)bytes, 0), bytes);
	return text;
}

static char *dumped(void)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *to = open_memstream(&text, &bytes);
	assert_non_null(to);
	log_dump_ring(to);
	assert_int_equal(fclose(to), 0);
	return text;
}

static size_t count_lines(const char *text)
{
	size_t n = 0;
	for (; *text != '\0'; text++) n += *text == '\n';
	return n;
}

static void test_the_level_decides_what_is_printed_but_all_is_kept(void **state)
{
	(void)state;
	log_error("area", "one n=%d", 1);
	log_warn("area", "two");
	log_info("area", "three");
	log_debug("area", "four");
	CLEANUP(freep) char *printed = caught();
	assert_string_equal(printed, "error area: one n=1\nwarn area: two\n");
	CLEANUP(freep) char *ring = dumped();
	assert_non_null(strstr(ring, "  info area: three\n  debug area: four\n"));
}

static void test_the_level_can_be_moved(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("a", "shown");
	log_set_level(LOG_LEVEL_ERROR);
	log_warn("a", "hidden");
	CLEANUP(freep) char *printed = caught();
	assert_string_equal(printed, "debug a: shown\n");
}

static void test_the_journal_gets_its_prefix(void **state)
{
	(void)state;
	assert_int_equal(setenv("JOURNAL_STREAM", "8:1", 1), 0);
	log_error("a", "x");
	log_warn("a", "y");
	CLEANUP(freep) char *printed = caught();
	assert_string_equal(printed, "<3>error a: x\n<4>warn a: y\n");
}

static void test_the_ring_keeps_the_last_events_in_order(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LOG_RING_EVENTS + 7; i++) log_debug("ring", "n=%u", i);
	CLEANUP(freep) char *ring = dumped();
	assert_int_equal(count_lines(ring), LOG_RING_EVENTS);
	const char *at = ring;
	for (unsigned i = 7; i < LOG_RING_EVENTS + 7; i++) {
		char want[64];
		const int len = snprintf(want, sizeof(want), "  debug ring: n=%u\n", i);
		assert_memory_equal(at, want, (size_t)len);
		at += len;
	}
}

static void test_a_long_event_is_cut_to_one_line(void **state)
{
	(void)state;
	char text[2000];
	for (size_t i = 0; i < sizeof(text); i++) text[i] = 'x';
	text[sizeof(text) - 1] = '\0';
	log_error("a", "%s", text);
	log_error("b", "next");
	CLEANUP(freep) char *printed = caught();
	assert_int_equal(count_lines(printed), 2);
	assert_in_range(strcspn(printed, "\n"), 200, 255);
	assert_non_null(strstr(printed, "\nerror b: next\n"));
}

static void test_control_characters_cannot_make_a_second_line(void **state)
{
	(void)state;
	log_error("a", "%s", "room\nerror forged: x\r\x1b[31m\x7f");
	CLEANUP(freep) char *printed = caught();
	assert_string_equal(printed, "error a: room?error forged: x??[31m?\n");
}

static void test_errno_survives(void **state)
{
	(void)state;
	errno = ENOSPC;
	log_error("a", "write failed");
	assert_int_equal(errno, ENOSPC);
}

#define THREADS 4
#define EVENTS 500

static void *log_many(void *arg)
{
	const char *letter = arg;
	char text[101];
	for (size_t i = 0; i < 100; i++) text[i] = *letter;
	text[100] = '\0';
	for (int i = 0; i < EVENTS; i++) log_error("t", "%s", text);
	return NULL;
}

static void test_lines_of_threads_never_mix(void **state)
{
	(void)state;
	pthread_t threads[THREADS];
	char letters[THREADS];
	for (int i = 0; i < THREADS; i++) {
		letters[i] = (char)('a' + i);
		assert_int_equal(pthread_create(&threads[i], NULL, log_many, &letters[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);

	CLEANUP(freep) char *printed = caught();
	int counts[THREADS] = { 0 };
	const size_t line_len = strlen("error t: ") + 100 + 1;
	assert_int_equal(strlen(printed), line_len * THREADS * EVENTS);
	for (const char *line = printed; *line != '\0'; line += line_len) {
		const char letter = line[strlen("error t: ")];
		assert_in_range(letter, 'a', 'a' + THREADS - 1);
		counts[letter - 'a']++;
		for (size_t i = 0; i < 100; i++) {
			assert_int_equal(line[strlen("error t: ") + i], letter);
		}
		assert_int_equal(line[line_len - 1], '\n');
	}
	for (int i = 0; i < THREADS; i++) assert_int_equal(counts[i], EVENTS);
}

#define LOG_TEST(fn) cmocka_unit_test_setup_teardown(fn, catch_stderr, release_stderr)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_the_level_decides_what_is_printed_but_all_is_kept),
		LOG_TEST(test_the_level_can_be_moved),
		LOG_TEST(test_the_journal_gets_its_prefix),
		LOG_TEST(test_the_ring_keeps_the_last_events_in_order),
		LOG_TEST(test_a_long_event_is_cut_to_one_line),
		LOG_TEST(test_control_characters_cannot_make_a_second_line),
		LOG_TEST(test_errno_survives),
		LOG_TEST(test_lines_of_threads_never_mix),
	};
	/* The harness may run under systemd itself. */
	if (unsetenv("JOURNAL_STREAM") != 0) return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
