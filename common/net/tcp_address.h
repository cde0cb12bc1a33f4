/* tcp_address: "ADDRESS:PORT" as text, as bytes and as the system's structs.
 *
 * 127.0.0.1:7001, [::1]:7001 or, for dialling, name:7001.   Threads: any, values only.
 * Errors:  ERR_BAD_VALUE for anything else. */
#pragma once

#include "base/err.h"
#include "base/view.h"

#include <sys/socket.h>

#define TCP_ADDRESS_TEXT_MAX 300 /* a host name of 253 (RFC 1035 2.3.4), brackets, port, NUL */
#define TCP_HOST_TEXT_MAX 256

struct tcp_address {
	uint8_t ip[16]; /* IPv6, or IPv4 mapped into it (RFC 4291 2.5.5.2): good for counting */
	uint16_t port;
};

/* An address as somebody wrote it; the host may be a name. */
struct tcp_target {
	char host[TCP_HOST_TEXT_MAX];
	uint16_t port;
};

MUST_USE enum err tcp_target_parse(const char *text, struct tcp_target *ret_target);

/* Well-formed or ERR_BAD_VALUE; nothing is looked up. */
MUST_USE enum err tcp_address_check(const char *text);

/* ERR_BAD_VALUE for a name. */
MUST_USE enum err tcp_target_numeric(const struct tcp_target *target,
				     struct tcp_address *ret_address);

/* "127.0.0.1:7001" or "[::1]:7001"; room for TCP_ADDRESS_TEXT_MAX, NUL included. */
void tcp_address_print(const struct tcp_address *a, char *ret_text);
bool tcp_address_is_loopback(const struct tcp_address *a);

socklen_t tcp_address_to_sock(const struct tcp_address *a, struct sockaddr_storage *ret_sock);
/* All zero for a family that is neither IPv4 nor IPv6. */
void tcp_address_from_sock(const struct sockaddr_storage *sock, struct tcp_address *ret_address);
