#include "net/tcp_address.h"

#include "base/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

static const uint8_t ip_mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* Digits only, at most five, at most 65535: strtoul alone would take signs and blanks. */
static enum err tcp_port_parse(const char *text, uint16_t *ret_port)
{
	uint32_t port = 0;
	size_t digits = 0;
	for (; text[digits] != '\0'; digits++) {
		ENSURE(digits < 5 && text[digits] >= '0' && text[digits] <= '9', ERR_BAD_VALUE);
		port = port * 10 + (uint32_t)(text[digits] - '0');
	}
	ENSURE(digits > 0 && port <= UINT16_MAX, ERR_BAD_VALUE);
	*ret_port = (uint16_t)port;
	return ERR_OK;
}

static bool tcp_host_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '.' || c == '-' || c == '_';
}

/* What stands between the brackets must be IPv6; elsewhere a colon would be ambiguous. */
static enum err tcp_host_check(const char *host, bool bracketed)
{
	struct in6_addr ip;
	if (bracketed) return inet_pton(AF_INET6, host, &ip) == 1 ? ERR_OK : ERR_BAD_VALUE;
	ENSURE(host[0] != '\0' && host[0] != '-', ERR_BAD_VALUE);
	for (const char *c = host; *c != '\0'; c++) ENSURE(tcp_host_char(*c), ERR_BAD_VALUE);
	return ERR_OK;
}

enum err tcp_target_parse(const char *text, struct tcp_target *ret_target)
{
	const bool bracketed = text[0] == '[';
	const char *host = bracketed ? text + 1 : text;
	const char *host_end = strchr(host, bracketed ? ']' : ':');
	ENSURE(host_end != NULL, ERR_BAD_VALUE);
	const char *colon = bracketed ? host_end + 1 : host_end;
	ENSURE(*colon == ':', ERR_BAD_VALUE);

	struct tcp_target target = { 0 };
	const size_t host_len = (size_t)(host_end - host);
	ENSURE(host_len < sizeof(target.host), ERR_BAD_VALUE);
	memcpy(target.host, host, host_len);
	TRY(tcp_host_check(target.host, bracketed));
	TRY(tcp_port_parse(colon + 1, &target.port));
	*ret_target = target;
	return ERR_OK;
}

enum err tcp_address_check(const char *text)
{
	struct tcp_target target;
	return tcp_target_parse(text, &target);
}

enum err tcp_target_numeric(const struct tcp_target *target, struct tcp_address *ret_address)
{
	struct tcp_address a = { .port = target->port };
	struct in_addr v4;
	if (inet_pton(AF_INET, target->host, &v4) == 1) {
		memcpy(a.ip, ip_mapped_prefix, sizeof(ip_mapped_prefix));
		memcpy(a.ip + sizeof(ip_mapped_prefix), &v4, sizeof(v4));
	} else {
		ENSURE(inet_pton(AF_INET6, target->host, a.ip) == 1, ERR_BAD_VALUE);
	}
	*ret_address = a;
	return ERR_OK;
}

static bool tcp_address_is_v4(const struct tcp_address *a)
{
	return memcmp(a->ip, ip_mapped_prefix, sizeof(ip_mapped_prefix)) == 0;
}

socklen_t tcp_address_to_sock(const struct tcp_address *a, struct sockaddr_storage *ret_sock)
{
	*ret_sock = (struct sockaddr_storage){ 0 };
	if (tcp_address_is_v4(a)) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)ret_sock;
		v4->sin_family = AF_INET;
		v4->sin_port = htons(a->port);
		memcpy(&v4->sin_addr, a->ip + sizeof(ip_mapped_prefix), sizeof(v4->sin_addr));
		return sizeof(*v4);
	}
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret_sock;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(a->port);
	memcpy(&v6->sin6_addr, a->ip, sizeof(v6->sin6_addr));
	return sizeof(*v6);
}

void tcp_address_from_sock(const struct sockaddr_storage *sock, struct tcp_address *ret_address)
{
	struct tcp_address a = { 0 };
	if (sock->ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)sock;
		memcpy(a.ip, ip_mapped_prefix, sizeof(ip_mapped_prefix));
		memcpy(a.ip + sizeof(ip_mapped_prefix), &v4->sin_addr, sizeof(v4->sin_addr));
		a.port = ntohs(v4->sin_port);
	} else if (sock->ss_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sock;
		memcpy(a.ip, &v6->sin6_addr, sizeof(a.ip));
		a.port = ntohs(v6->sin6_port);
	}
	*ret_address = a;
}

void tcp_address_print(const struct tcp_address *a, char *ret_text)
{
	const bool v4 = tcp_address_is_v4(a);
	char ip[INET6_ADDRSTRLEN];
	const void *from = v4 ? a->ip + sizeof(ip_mapped_prefix) : a->ip;
	INSIST(inet_ntop(v4 ? AF_INET : AF_INET6, from, ip, sizeof(ip)) != NULL);
	const int len = snprintf(ret_text, TCP_ADDRESS_TEXT_MAX, v4 ? "%s:%u" : "[%s]:%u", ip,
				 (unsigned)a->port);
	INSIST(len > 0 && len < TCP_ADDRESS_TEXT_MAX);
}

bool tcp_address_is_loopback(const struct tcp_address *a)
{
	static const uint8_t v6_loopback[16] = { [15] = 1 };
	if (tcp_address_is_v4(a)) return a->ip[12] == 127;
	return memcmp(a->ip, v6_loopback, sizeof(v6_loopback)) == 0;
}
