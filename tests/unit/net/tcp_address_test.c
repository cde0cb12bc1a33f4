#include "net/tcp_address.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_good_texts(void **state)
{
	(void)state;
	const struct {
		const char *text, *host;
		uint16_t port;
	} good[] = {
		{ "127.0.0.1:7001", "127.0.0.1", 7001 },
		{ "0.0.0.0:0", "0.0.0.0", 0 },
		{ "[::1]:65535", "::1", 65535 },
		{ "server.clinic.lan:1", "server.clinic.lan", 1 },
		{ "[fe80::1]:80", "fe80::1", 80 },
		{ "my_host-2:00080", "my_host-2", 80 },
	};
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct tcp_target t;
		assert_int_equal(tcp_target_parse(good[i].text, &t), ERR_OK);
		assert_string_equal(t.host, good[i].host);
		assert_int_equal(t.port, good[i].port);
		assert_int_equal(tcp_address_check(good[i].text), ERR_OK);
	}
}

static void test_bad_texts(void **state)
{
	(void)state;
	const char *bad[] = { "",          ":",       ":80",           "host",       "host:",
			      "host:x",    "host:-1", "host:+1",       "host: 1",    "host:65536",
			      "host:1 ",   "::1:80",  "[::1]",         "[::1]80",    "[::1:80",
			      "[host]:80", "[]:80",   "[127.0.0.1]:1", "ho st:1",    "host:000080",
			      "-host:1",   "ho/st:1", "host:1:2",      "[::1%lo]:1", "host:1\n" };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(tcp_address_check(bad[i]), ERR_BAD_VALUE);
	}
}

static void test_host_length_limit(void **state)
{
	(void)state;
	char text[TCP_HOST_TEXT_MAX + 8];
	for (size_t len = TCP_HOST_TEXT_MAX - 2; len <= TCP_HOST_TEXT_MAX; len++) {
		for (size_t i = 0; i < len; i++) text[i] = 'a';
		text[len] = ':';
		text[len + 1] = '1';
		text[len + 2] = '\0';
		assert_int_equal(tcp_address_check(text),
				 len < TCP_HOST_TEXT_MAX ? ERR_OK : ERR_BAD_VALUE);
	}
}

static void check_round_trip(const char *text, sa_family_t family, bool loopback)
{
	struct tcp_target t;
	struct tcp_address a, b;
	struct sockaddr_storage sock;
	char printed[TCP_ADDRESS_TEXT_MAX];
	assert_int_equal(tcp_target_parse(text, &t), ERR_OK);
	assert_int_equal(tcp_target_numeric(&t, &a), ERR_OK);
	assert_true(tcp_address_to_sock(&a, &sock) > 0);
	assert_int_equal(sock.ss_family, family);
	tcp_address_from_sock(&sock, &b);
	assert_memory_equal(a.ip, b.ip, sizeof(a.ip));
	assert_int_equal(a.port, b.port);
	tcp_address_print(&b, printed);
	assert_string_equal(printed, text);
	assert_int_equal(tcp_address_is_loopback(&a), loopback);
}

static void test_round_trips(void **state)
{
	(void)state;
	check_round_trip("127.0.0.1:7001", AF_INET, true);
	check_round_trip("127.9.9.9:1", AF_INET, true);
	check_round_trip("192.168.1.20:443", AF_INET, false);
	check_round_trip("[::1]:7001", AF_INET6, true);
	check_round_trip("[2001:db8::7]:65535", AF_INET6, false);
}

static void test_a_name_is_not_numeric(void **state)
{
	(void)state;
	struct tcp_target t;
	struct tcp_address a;
	assert_int_equal(tcp_target_parse("localhost:1", &t), ERR_OK);
	assert_int_equal(tcp_target_numeric(&t, &a), ERR_BAD_VALUE);
}

static void test_other_families_are_all_zero(void **state)
{
	(void)state;
	const struct sockaddr_storage sock = { .ss_family = AF_UNIX };
	const struct tcp_address zero = { 0 };
	struct tcp_address a = { .port = 1 };
	tcp_address_from_sock(&sock, &a);
	assert_memory_equal(a.ip, zero.ip, sizeof(a.ip));
	assert_int_equal(a.port, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_texts),
		cmocka_unit_test(test_bad_texts),
		cmocka_unit_test(test_host_length_limit),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_a_name_is_not_numeric),
		cmocka_unit_test(test_other_families_are_all_zero),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
