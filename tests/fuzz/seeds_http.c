/* seeds_http: callers at a room's local door, as moves of fuzz_http.c. */
#include "fuzz/seeds.h"

#include <string.h>

enum { CONNECT, WRITE, WRITE_LONG = 4, STOP, LEAVE, ANSWER_IT };

static void put_move(struct buf *b, unsigned caller, unsigned what)
{
	seed_put_u8(b, (uint8_t)(caller << 4 | what));
}

static void put_write(struct buf *b, unsigned caller, const char *text)
{
	const size_t len = strlen(text);

	INSIST(len < 256);
	put_move(b, caller, WRITE);
	seed_put_u8(b, (uint8_t)len);
	seed_put(b, view_str(text));
}

static void put_caller(struct buf *b, unsigned caller, const char *text)
{
	put_move(b, caller, CONNECT);
	put_write(b, caller, text);
}

static void write_one(const char *name, const char *text)
{
	CLEANUP(buf_finip) struct buf b = { 0 };

	put_caller(&b, 0, text);
	put_move(&b, 0, ANSWER_IT);
	seed_write("http", name, buf_view(&b));
}

static void seeds_several(void)
{
	static const char head[] = "POST /1/lock HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n";
	CLEANUP(buf_finip) struct buf pieces = { 0 };
	CLEANUP(buf_finip) struct buf gone = { 0 };

	put_caller(&pieces, 0, head);
	put_caller(&pieces, 1, "POST /1/st");
	put_write(&pieces, 0, "{}");
	put_write(&pieces, 1, "atus HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
	put_write(&pieces, 0, "\r\n");
	put_move(&pieces, 1, ANSWER_IT);
	put_move(&pieces, 0, ANSWER_IT);
	seed_write("http", "pieces", buf_view(&pieces));

	for (unsigned caller = 0; caller < 4; caller++) put_caller(&gone, caller, head);
	for (unsigned caller = 1; caller < 4; caller++) put_write(&gone, caller, "{  }");
	put_move(&gone, 0, STOP);
	put_move(&gone, 1, LEAVE);
	put_move(&gone, 1, ANSWER_IT);
	seed_write("http", "gone", buf_view(&gone));
}

/* In two pieces, so that the room's buffer for it must grow while it holds something. */
static void seeds_long(void)
{
	CLEANUP(buf_finip) struct buf b = { 0 };
	const size_t len = 900;

	put_caller(&b, 0, "POST /1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1800\r\n\r\n");
	for (int piece = 0; piece < 2; piece++) {
		put_move(&b, 0, WRITE_LONG);
		seed_put_u8(&b, (uint8_t)(len >> 8));
		seed_put_u8(&b, (uint8_t)(len & 0xff));
		for (size_t i = 0; i < len; i++) seed_put_u8(&b, (uint8_t)('a' + i % 26));
	}
	put_move(&b, 0, ANSWER_IT);
	seed_write("http", "long", buf_view(&b));
}

void seeds_http(void)
{
	write_one("post", "POST /1/status HTTP/1.1\r\nHost: localhost\r\n"
			  "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
	write_one("get", "GET /1/status HTTP/1.1\r\nHost: localhost\r\n\r\n");
	write_one("no_length", "POST /1/status HTTP/1.1\r\nHost: x\r\n\r\n{}");
	write_one("chunked",
		  "POST /1/status HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
		  "2\r\n{}\r\n0\r\n\r\n");
	write_one("both", "POST /1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
			  "Transfer-Encoding: chunked\r\n\r\n{}");
	write_one("too_long", "POST /1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n{}");
	write_one("bad_length", "POST /1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2x\r\n\r\n{}");
	write_one("two", "POST /1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
			 "POST /1/y HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
	write_one("expect", "POST /1/x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
			    "Content-Length: 2\r\n\r\n{}");
	seeds_several();
	seeds_long();
}
