/* secret: guarded memory that is zeroed, comparable in constant time, and never in a core dump. */
#include "unit/crypt/helpers.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* The sanitizers replace mlock by a function that does nothing and says it worked. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LOCK_IS_A_STUB true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LOCK_IS_A_STUB true
#else
#define LOCK_IS_A_STUB false
#endif
#else
#define LOCK_IS_A_STUB false
#endif

static void test_new_is_zeroed_and_ends_as_text(void **state)
{
	(void)state;
	static const size_t sizes[] = { 1, 15, 16, 32, 64, 1000, SECRET_BYTES_MAX };
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		CLEANUP(secret_freep) struct secret *s = NULL;
		assert_ok(secret_new(sizes[i], &s));
		assert_int_equal(s->len, sizes[i]);
		for (size_t at = 0; at <= sizes[i]; at++) assert_int_equal(s->p[at], 0);
		assert_int_equal((uintptr_t)s % 8, 0);
	}
}

static void test_copies_are_independent(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *a = NULL;
	CLEANUP(secret_freep) struct secret *b = NULL;
	assert_ok(secret_new_copy(view_str("open sesame"), &a));
	assert_ok(secret_dup(a, &b));
	assert_string_equal(secret_text(b), "open sesame");
	assert_true(secret_equal(a, b));
	b->p[10] ^= 1;
	assert_false(secret_equal(a, b));
	assert_string_equal(secret_text(a), "open sesame");
}

static void test_random_ones_differ(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *a = NULL;
	CLEANUP(secret_freep) struct secret *b = NULL;
	assert_ok(secret_new_random(KEY_BYTES, &a));
	assert_ok(secret_new_random(KEY_BYTES, &b));
	assert_false(secret_equal(a, b));
}

static void test_equal_looks_at_length_and_every_byte(void **state)
{
	(void)state;
	uint8_t a[32] = { 0 }, b[32] = { 0 };
	assert_true(secret_equal_view(VIEW_OF(a), VIEW_OF(b)));
	assert_false(secret_equal_view(VIEW_OF(a), view_of(b, 31)));
	assert_true(secret_equal_view(VIEW_EMPTY, VIEW_EMPTY));
	for (size_t i = 0; i < sizeof(b); i++) {
		b[i] = 1;
		assert_false(secret_equal_view(VIEW_OF(a), VIEW_OF(b)));
		b[i] = 0;
	}
}

static void test_free_forgets_the_pointer(void **state)
{
	(void)state;
	struct secret *s = NULL;
	secret_free(s);
	secret_freep(&s);
	assert_ok(secret_new(1, &s));
	secret_freep(&s);
	assert_null(s);
	uint8_t bytes[4] = { 1, 2, 3, 4 };
	secret_wipe(bytes, 3);
	assert_int_equal(load_be32(bytes), 4);
}

/* Writing behind the end must stop the process (a guard page or the canary), not corrupt. */
static void test_overrun_stops_the_process(void **state)
{
	(void)state;
	const pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		err_ignore(secret_harden_process());               /* no core file from the test */
		if (signal(SIGSEGV, SIG_DFL) == SIG_ERR) _exit(0); /* cmocka has its own */
		struct secret *s = NULL;
		if (secret_new(KEY_BYTES, &s) != ERR_OK) _exit(0);
		volatile uint8_t *p = s->p;
		for (size_t i = 0; i < 64; i++) p[KEY_BYTES + i] = 1;
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void test_harden_forbids_core_dumps(void **state)
{
	(void)state;
	const pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct rlimit limit = { 1, 1 };
		const bool ok = secret_harden_process() == ERR_OK &&
				getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0 &&
				prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
		_exit(ok ? 0 : 1);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_locking_is_reported(void **state)
{
	(void)state;
	const pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const struct rlimit none = { 0, 0 };
		if (getuid() == 0 && setuid(65534) != 0) _exit(2); /* root locks without limit */
		if (setrlimit(RLIMIT_MEMLOCK, &none) != 0) _exit(3);
		_exit(secret_memory_locks() == LOCK_IS_A_STUB ? 0 : 1);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_is_zeroed_and_ends_as_text),
		cmocka_unit_test(test_copies_are_independent),
		cmocka_unit_test(test_random_ones_differ),
		cmocka_unit_test(test_equal_looks_at_length_and_every_byte),
		cmocka_unit_test(test_free_forgets_the_pointer),
		cmocka_unit_test(test_overrun_stops_the_process),
		cmocka_unit_test(test_harden_forbids_core_dumps),
		cmocka_unit_test(test_locking_is_reported),
	};
	return cmocka_run_group_tests(tests, test_start_crypt, NULL);
}
