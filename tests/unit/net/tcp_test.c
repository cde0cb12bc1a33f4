#include "net/tcp.h"

#include "base/limits.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define FDS_MAX 128

static struct loop loop;
static struct tcp_listener listener;
static struct tcp_dial dial;
static int accepted_fds[FDS_MAX];
static unsigned accepted_count;
static struct tcp_address accepted_peer;
static unsigned close_listener_at; /* inside this accept; 0: never */
static unsigned dialled_count;
static enum err dialled_result;
static int dialled_fd;
static bool close_dial_in_done;
static unsigned closed_count;

static void on_closed(void *owner)
{
	(void)owner;
	closed_count++;
}

static void on_accept(struct tcp_listener *l, int fd, const struct tcp_address *peer)
{
	assert_ptr_equal(l, &listener);
	assert_true(accepted_count < FDS_MAX);
	accepted_fds[accepted_count++] = fd;
	accepted_peer = *peer;
	if (accepted_count == close_listener_at) tcp_listener_close(l, on_closed, NULL);
}

static void on_done(struct tcp_dial *d, enum err result, int fd)
{
	assert_ptr_equal(d, &dial);
	dialled_count++;
	dialled_result = result;
	dialled_fd = fd;
	if (close_dial_in_done) tcp_dial_close(d, on_closed, NULL);
}

static int setup(void **state)
{
	(void)state;
	accepted_count = 0;
	close_listener_at = 0;
	dialled_count = 0;
	dialled_result = ERR_BUG;
	dialled_fd = -1;
	close_dial_in_done = false;
	closed_count = 0;
	return loop_init(&loop) == ERR_OK ? 0 : 1;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < accepted_count; i++) close(accepted_fds[i]);
	if (dialled_fd >= 0) close(dialled_fd);
	return loop_close(&loop) == ERR_OK ? 0 : 1;
}

static void listen_on(const char *address, char *ret_text)
{
	assert_int_equal(tcp_listener_open(&listener, &loop, address, on_accept), ERR_OK);
	assert_true(listener.local.port != 0);
	tcp_address_print(&listener.local, ret_text);
}

static void close_all(unsigned parts)
{
	tcp_listener_close(&listener, on_closed, NULL);
	if (parts > 1) tcp_dial_close(&dial, on_closed, NULL);
	loop_run(&loop);
	assert_int_equal(closed_count, parts);
}

static void check_connects(const char *listen_address, const char *dial_host)
{
	char text[TCP_ADDRESS_TEXT_MAX], target[TCP_ADDRESS_TEXT_MAX];
	listen_on(listen_address, text);
	snprintf(target, sizeof(target), "%s:%u", dial_host, (unsigned)listener.local.port);
	assert_int_equal(tcp_dial_open(&dial, &loop, target, 20000, on_done), ERR_OK);
	assert_int_equal(dialled_count, 0); /* never inside the call */
	while (dialled_count == 0 || accepted_count == 0) assert_true(loop_run_once(&loop));
	assert_int_equal(dialled_result, ERR_OK);
	assert_true(tcp_address_is_loopback(&accepted_peer));
	assert_true((fcntl(accepted_fds[0], F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(accepted_fds[0], F_GETFD) & FD_CLOEXEC) != 0);
	assert_true((fcntl(dialled_fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_int_equal(write(dialled_fd, "x", 1), 1);
	char got = 0;
	while (read(accepted_fds[0], &got, 1) != 1) continue;
	assert_int_equal(got, 'x');
	close_all(2);
	assert_int_equal(dialled_count, 1);
}

static void test_ipv4(void **state)
{
	(void)state;
	check_connects("127.0.0.1:0", "127.0.0.1");
}

static bool has_ipv6(void)
{
	const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) return false;
	const struct sockaddr_in6 at = { .sin6_family = AF_INET6,
					 .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	const bool ok = bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;
	close(fd);
	return ok;
}

static void test_ipv6(void **state)
{
	(void)state;
	if (!has_ipv6()) skip();
	check_connects("[::1]:0", "[::1]");
}

/* A name may have several addresses (::1 first); those that refuse are passed over. */
static void test_a_name(void **state)
{
	(void)state;
	check_connects("127.0.0.1:0", "localhost");
}

static void test_malformed_addresses(void **state)
{
	(void)state;
	assert_int_equal(tcp_dial_open(&dial, &loop, "nowhere", 1, on_done), ERR_BAD_VALUE);
	assert_int_equal(tcp_dial_open(&dial, &loop, "127.0.0.1:0", 1, on_done), ERR_BAD_VALUE);
	assert_int_equal(tcp_listener_open(&listener, &loop, "nowhere", on_accept), ERR_BAD_VALUE);
	assert_int_equal(tcp_listener_open(&listener, &loop, "localhost:1", on_accept),
			 ERR_BAD_VALUE);
	/* 192.0.2.0/24 is nobody's (RFC 5737). */
	assert_int_equal(tcp_listener_open(&listener, &loop, "192.0.2.1:0", on_accept),
			 ERR_BAD_VALUE);
}

static void test_a_port_in_use(void **state)
{
	(void)state;
	char text[TCP_ADDRESS_TEXT_MAX];
	struct tcp_listener second;
	listen_on("127.0.0.1:0", text);
	assert_int_equal(tcp_listener_open(&second, &loop, text, on_accept), ERR_BUSY);
	close_all(1);
}

static void test_nobody_listens(void **state)
{
	(void)state;
	char text[TCP_ADDRESS_TEXT_MAX];
	listen_on("127.0.0.1:0", text); /* a port that is surely free afterwards */
	close_all(1);
	close_dial_in_done = true;
	assert_int_equal(tcp_dial_open(&dial, &loop, text, 20000, on_done), ERR_OK);
	loop_run(&loop);
	assert_int_equal(dialled_count, 1);
	assert_int_equal(dialled_result, ERR_OFFLINE);
	assert_int_equal(dialled_fd, -1);
	assert_int_equal(closed_count, 2);
}

/* A listener whose queue is full drops what comes: the dialler sees only silence. */
static void test_silence_ends_in_a_timeout(void **state)
{
	(void)state;
	const int quiet = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);
	assert_int_equal(bind(quiet, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(quiet, 0), 0);
	assert_int_equal(getsockname(quiet, (struct sockaddr *)&at, &len), 0);
	int fillers[4];
	for (int i = 0; i < 4; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(fillers[i], (const struct sockaddr *)&at, sizeof(at));
	}
	char text[TCP_ADDRESS_TEXT_MAX];
	snprintf(text, sizeof(text), "127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
	close_dial_in_done = true;
	assert_int_equal(tcp_dial_open(&dial, &loop, text, 30, on_done), ERR_OK);
	loop_run(&loop);
	assert_int_equal(dialled_count, 1);
	assert_int_equal(dialled_result, ERR_TIMEOUT);
	assert_int_equal(closed_count, 1);
	for (int i = 0; i < 4; i++) close(fillers[i]);
	close(quiet);
}

static void test_close_before_anything_happened(void **state)
{
	(void)state;
	const char *targets[] = { "127.0.0.1:9", "localhost:9", "no-such-host.invalid:9" };
	for (size_t i = 0; i < COUNT_OF(targets); i++) {
		closed_count = 0;
		assert_int_equal(tcp_dial_open(&dial, &loop, targets[i], 20000, on_done), ERR_OK);
		if (i > 0) assert_true(loop_run_once(&loop)); /* the lookup has begun */
		if (dialled_count > 0) dialled_count = 0;     /* it was quicker than us */
		tcp_dial_close(&dial, on_closed, NULL);
		tcp_dial_close(&dial, on_closed, NULL);
		loop_run(&loop);
		assert_int_equal(dialled_count, 0);
		assert_int_equal(closed_count, 1);
	}
}

static void test_an_unknown_name(void **state)
{
	(void)state;
	close_dial_in_done = true;
	assert_int_equal(tcp_dial_open(&dial, &loop, "no-such-host.invalid:9", 20000, on_done),
			 ERR_OK);
	loop_run(&loop);
	assert_int_equal(dialled_count, 1);
	assert_true(dialled_result == ERR_OFFLINE || dialled_result == ERR_TIMEOUT);
	assert_int_equal(closed_count, 1);
}

static int connect_plain(void)
{
	const struct sockaddr_in at = { .sin_family = AF_INET,
					.sin_port = htons(listener.local.port),
					.sin_addr = { htonl(INADDR_LOOPBACK) } };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void test_many_at_once_and_close_inside_accept(void **state)
{
	(void)state;
	char text[TCP_ADDRESS_TEXT_MAX];
	int fds[20];
	listen_on("127.0.0.1:0", text);
	for (int i = 0; i < 20; i++) fds[i] = connect_plain();
	close_listener_at = 20;
	loop_run(&loop); /* ends: nothing is accepted after the close */
	assert_int_equal(accepted_count, 20);
	assert_int_equal(closed_count, 1);
	for (int i = 0; i < 20; i++) close(fds[i]);
}

/* Without descriptors the listener pauses instead of spinning, and comes back by itself. */
static void test_out_of_descriptors(void **state)
{
	(void)state;
	char text[TCP_ADDRESS_TEXT_MAX];
	listen_on("127.0.0.1:0", text);
	const int waiting = connect_plain();
	struct rlimit before, none;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	while (listener.accept_fail_count == 0) assert_true(loop_run_once(&loop));
	assert_int_equal(accepted_count, 0);
	assert_true(timer_is_running(&listener.pause));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	const int second = connect_plain(); /* under valgrind the first one is lost */
	while (accepted_count == 0) assert_true(loop_run_once(&loop));
	assert_int_equal(listener.accept_fail_count, 1);
	close_all(1);
	close(waiting);
	close(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_ipv4),
		T(test_ipv6),
		T(test_a_name),
		T(test_malformed_addresses),
		T(test_a_port_in_use),
		T(test_nobody_listens),
		T(test_silence_ends_in_a_timeout),
		T(test_close_before_anything_happened),
		T(test_an_unknown_name),
		T(test_many_at_once_and_close_inside_accept),
		T(test_out_of_descriptors),
	};
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);
	uv_library_shutdown(); /* joins the threads that looked names up: valgrind counts them */
	return failed;
}
