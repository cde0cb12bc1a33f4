#include "net/tls_identity.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static char dir_path[64];
static int dir_fd = -1;

static int setup(void **state)
{
	(void)state;
	snprintf(dir_path, sizeof(dir_path), "/tmp/rk-identity-XXXXXX");
	assert_non_null(mkdtemp(dir_path));
	dir_fd = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir_fd >= 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)unlinkat(dir_fd, "tls.pem", 0);
	(void)unlinkat(dir_fd, "tls.pem.new", 0);
	closep(&dir_fd);
	return rmdir(dir_path);
}

static void write_file(const char *name, const char *text, size_t len, mode_t mode)
{
	const int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	close(fd);
}

static void test_two_keys_differ(void **state)
{
	(void)state;
	struct tls_identity a, b;
	assert_int_equal(tls_identity_make(&a), ERR_OK);
	assert_int_equal(tls_identity_make(&b), ERR_OK);
	assert_true(tls_spki_equal(&a.spki, &a.spki));
	assert_false(tls_spki_equal(&a.spki, &b.spki));
	struct tls_spki of_cert;
	assert_int_equal(tls_spki_of_cert(a.cert, &of_cert), ERR_OK);
	assert_true(tls_spki_equal(&a.spki, &of_cert));
	tls_identity_fini(&a);
	tls_identity_fini(&b);
	tls_identity_fini(&b); /* fine on an empty one */
}

static void test_the_key_alone_brings_the_identity_back(void **state)
{
	(void)state;
	struct tls_identity a, b;
	uint8_t key[TLS_KEY_BYTES_MAX], again[TLS_KEY_BYTES_MAX];
	size_t len = 0, again_len = 0;
	assert_int_equal(tls_identity_make(&a), ERR_OK);
	assert_int_equal(tls_identity_key_write(&a, key, sizeof(key), &len), ERR_OK);
	assert_int_equal(len, 138);
	assert_int_equal(tls_identity_from_key(view_of(key, len), &b), ERR_OK);
	assert_true(tls_spki_equal(&a.spki, &b.spki));
	assert_int_equal(tls_identity_key_write(&b, again, sizeof(again), &again_len), ERR_OK);
	assert_int_equal(again_len, len);
	assert_memory_equal(again, key, len);
	tls_identity_fini(&a);
	tls_identity_fini(&b);
}

static void test_a_cut_or_longer_key_is_refused(void **state)
{
	(void)state;
	struct tls_identity a, b = { 0 };
	uint8_t key[TLS_KEY_BYTES_MAX + 1] = { 0 };
	size_t len = 0;
	assert_int_equal(tls_identity_make(&a), ERR_OK);
	assert_int_equal(tls_identity_key_write(&a, key, sizeof(key), &len), ERR_OK);
	for (size_t cut = 0; cut < len; cut++) {
		assert_int_equal(tls_identity_from_key(view_of(key, cut), &b), ERR_BAD_FORMAT);
	}
	for (size_t more = len + 1; more <= sizeof(key); more++) {
		assert_int_equal(tls_identity_from_key(view_of(key, more), &b), ERR_BAD_FORMAT);
	}
	assert_null(b.key); /* untouched on failure */
	tls_identity_fini(&a);
}

/* A flip in the private number leaves a key that does not fit its public half; one in the shell
 * leaves no key. Either way it must not come back as an identity. */
static void test_a_flipped_key_is_refused(void **state)
{
	(void)state;
	struct tls_identity a, b;
	uint8_t key[TLS_KEY_BYTES_MAX];
	size_t len = 0;
	assert_int_equal(tls_identity_make(&a), ERR_OK);
	assert_int_equal(tls_identity_key_write(&a, key, sizeof(key), &len), ERR_OK);
	for (size_t at = 0; at < len; at++) {
		key[at] ^= 0x10;
		assert_int_equal(tls_identity_from_key(view_of(key, len), &b), ERR_BAD_FORMAT);
		key[at] ^= 0x10;
	}
	tls_identity_fini(&a);
}

static void test_file_round_trip(void **state)
{
	(void)state;
	struct tls_identity a, b;
	assert_int_equal(tls_identity_make(&a), ERR_OK);
	write_file("tls.pem.new", "left by a crash", 15, 0600);
	assert_int_equal(tls_identity_save_file(&a, dir_fd, "tls.pem"), ERR_OK);
	struct stat st;
	assert_int_equal(fstatat(dir_fd, "tls.pem", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(fstatat(dir_fd, "tls.pem.new", &st, 0), -1);
	assert_int_equal(tls_identity_load_file(dir_fd, "tls.pem", &b), ERR_OK);
	assert_true(tls_spki_equal(&a.spki, &b.spki));
	/* An existing key is never replaced. */
	assert_int_equal(tls_identity_save_file(&b, dir_fd, "tls.pem"), ERR_EXISTS);
	assert_int_equal(fstatat(dir_fd, "tls.pem.new", &st, 0), -1);
	tls_identity_fini(&a);
	tls_identity_fini(&b);
}

static void test_files_that_are_no_key_of_ours(void **state)
{
	(void)state;
	struct tls_identity a, b;
	assert_int_equal(tls_identity_load_file(dir_fd, "tls.pem", &b), ERR_NOT_FOUND);
	write_file("tls.pem", "", 0, 0600);
	assert_int_equal(tls_identity_load_file(dir_fd, "tls.pem", &b), ERR_BAD_FORMAT);
	write_file("tls.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n", 33, 0600);
	assert_int_equal(tls_identity_load_file(dir_fd, "tls.pem", &b), ERR_BAD_FORMAT);
	char large[5000];
	for (size_t i = 0; i < sizeof(large); i++) large[i] = 'x';
	write_file("tls.pem", large, sizeof(large), 0600);
	assert_int_equal(tls_identity_load_file(dir_fd, "tls.pem", &b), ERR_BAD_FORMAT);
	assert_int_equal(unlinkat(dir_fd, "tls.pem", 0), 0);

	assert_int_equal(mkdirat(dir_fd, "tls.pem", 0700), 0);
	assert_int_equal(tls_identity_load_file(dir_fd, "tls.pem", &b), ERR_BAD_FORMAT);
	assert_int_equal(unlinkat(dir_fd, "tls.pem", AT_REMOVEDIR), 0);
	assert_int_equal(mkfifoat(dir_fd, "tls.pem", 0600), 0);
	assert_int_equal(tls_identity_load_file(dir_fd, "tls.pem", &b), ERR_BAD_FORMAT);
	assert_int_equal(unlinkat(dir_fd, "tls.pem", 0), 0);

	assert_int_equal(tls_identity_make(&a), ERR_OK);
	assert_int_equal(tls_identity_save_file(&a, dir_fd, "tls.pem"), ERR_OK);
	assert_int_equal(fchmodat(dir_fd, "tls.pem", 0640, 0), 0);
	assert_int_equal(tls_identity_load_file(dir_fd, "tls.pem", &b), ERR_DENIED);
	assert_int_equal(fchmodat(dir_fd, "tls.pem", 0604, 0), 0);
	assert_int_equal(tls_identity_load_file(dir_fd, "tls.pem", &b), ERR_DENIED);
	tls_identity_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_keys_differ),
		cmocka_unit_test(test_the_key_alone_brings_the_identity_back),
		cmocka_unit_test(test_a_cut_or_longer_key_is_refused),
		cmocka_unit_test(test_a_flipped_key_is_refused),
		cmocka_unit_test_setup_teardown(test_file_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_files_that_are_no_key_of_ours, setup,
						teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
