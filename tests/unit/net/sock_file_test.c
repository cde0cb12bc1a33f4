#include "net/sock_file.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NAME "agent.sock"
#define LONG_PART "a-folder-with-a-rather-long-name-to-pass-the-limit-of-sun-path-quickly"

static char top[64];
static int top_fd = -1;
static int dir_fd = -1;

static int setup(void **state)
{
	(void)state;
	snprintf(top, sizeof(top), "/tmp/rk-sock-XXXXXX");
	assert_non_null(mkdtemp(top));
	top_fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(top_fd >= 0);
	/* Two long folders: 150 bytes, more than a socket address holds. */
	assert_int_equal(mkdirat(top_fd, LONG_PART, 0700), 0);
	assert_int_equal(mkdirat(top_fd, LONG_PART "/" LONG_PART, 0700), 0);
	dir_fd = openat(top_fd, LONG_PART "/" LONG_PART, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir_fd >= 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)unlinkat(dir_fd, NAME, 0);
	closep(&dir_fd);
	assert_int_equal(unlinkat(top_fd, LONG_PART "/" LONG_PART, AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(top_fd, LONG_PART, AT_REMOVEDIR), 0);
	closep(&top_fd);
	return rmdir(top);
}

static void test_listen_and_connect_in_a_deep_folder(void **state)
{
	(void)state;
	int listening = -1, client = -1;
	assert_int_equal(sock_file_listen(dir_fd, NAME, &listening), ERR_OK);
	struct stat st;
	assert_int_equal(fstatat(dir_fd, NAME, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true((fcntl(listening, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(listening, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(sock_file_connect(dir_fd, NAME, &client), ERR_OK);
	const int server = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	assert_true(server >= 0);
	assert_int_equal(write(client, "x", 1), 1);
	char got = 0;
	assert_int_equal(read(server, &got, 1), 1);
	assert_int_equal(got, 'x');
	close(server);
	close(client);
	close(listening);
}

static void test_the_mode_does_not_depend_on_the_umask(void **state)
{
	(void)state;
	int listening = -1;
	const mode_t before = umask(0);
	assert_int_equal(sock_file_listen(dir_fd, NAME, &listening), ERR_OK);
	umask(before);
	struct stat st;
	assert_int_equal(fstatat(dir_fd, NAME, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	close(listening);
}

static void test_a_live_socket_is_busy_and_a_dead_one_replaced(void **state)
{
	(void)state;
	int first = -1, second = -1, client = -1;
	assert_int_equal(sock_file_listen(dir_fd, NAME, &first), ERR_OK);
	assert_int_equal(sock_file_listen(dir_fd, NAME, &second), ERR_BUSY);
	assert_int_equal(second, -1);
	close(first); /* as after kill -9: the file stays */
	assert_int_equal(sock_file_connect(dir_fd, NAME, &client), ERR_OFFLINE);
	assert_int_equal(sock_file_listen(dir_fd, NAME, &second), ERR_OK);
	assert_int_equal(sock_file_connect(dir_fd, NAME, &client), ERR_OK);
	close(client);
	close(second);
}

static void test_no_socket_and_not_a_socket(void **state)
{
	(void)state;
	int fd = -1;
	assert_int_equal(sock_file_connect(dir_fd, NAME, &fd), ERR_NOT_FOUND);
	assert_int_equal(sock_file_remove(dir_fd, NAME), ERR_OK);
	const int file = openat(dir_fd, NAME, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(file >= 0);
	close(file);
	assert_int_equal(sock_file_listen(dir_fd, NAME, &fd), ERR_EXISTS);
	struct stat st;
	assert_int_equal(fstatat(dir_fd, NAME, &st, 0), 0); /* it is still there */
	assert_int_equal(unlinkat(dir_fd, NAME, 0), 0);
	/* A link is not followed: it might lead out of the folder. */
	assert_int_equal(symlinkat("/tmp", dir_fd, NAME), 0);
	assert_int_equal(sock_file_listen(dir_fd, NAME, &fd), ERR_EXISTS);
	assert_int_equal(fd, -1);
}

static void test_names(void **state)
{
	(void)state;
	int fd = -1;
	char name[SOCK_NAME_BYTES_MAX + 2];
	assert_int_equal(sock_file_listen(dir_fd, "", &fd), ERR_BAD_VALUE);
	assert_int_equal(sock_file_listen(dir_fd, "a/b", &fd), ERR_BAD_VALUE);
	for (size_t len = SOCK_NAME_BYTES_MAX - 1; len <= SOCK_NAME_BYTES_MAX + 1; len++) {
		for (size_t i = 0; i < len; i++) name[i] = 'n';
		name[len] = '\0';
		if (len > SOCK_NAME_BYTES_MAX) {
			assert_int_equal(sock_file_listen(dir_fd, name, &fd), ERR_BAD_VALUE);
			assert_int_equal(sock_file_connect(dir_fd, name, &fd), ERR_BAD_VALUE);
			assert_int_equal(sock_file_remove(dir_fd, name), ERR_BAD_VALUE);
			continue;
		}
		assert_int_equal(sock_file_listen(dir_fd, name, &fd), ERR_OK);
		close(fd);
		assert_int_equal(sock_file_remove(dir_fd, name), ERR_OK);
		assert_int_equal(sock_file_remove(dir_fd, name), ERR_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_listen_and_connect_in_a_deep_folder),
		T(test_the_mode_does_not_depend_on_the_umask),
		T(test_a_live_socket_is_busy_and_a_dead_one_replaced),
		T(test_no_socket_and_not_a_socket),
		T(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
