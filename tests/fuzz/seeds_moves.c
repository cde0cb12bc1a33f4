/* seeds_moves: inputs that are lists of what to do: merges, and what happens to a TLS
 * connection. */
#include "base/rand.h"
#include "fuzz/seeds.h"

#include <stdio.h>

/* Any bytes are ops to fuzz_merge and fuzz_records, so they begin with some of every length. */
static void seeds_of_any_bytes(const char *target, size_t step)
{
	struct rand_seeded seeded;
	const struct rand_source r = rand_seeded_init(&seeded, 7);

	for (unsigned i = 0; i < 8; i++) {
		uint8_t bytes[512];
		char name[16];
		const size_t len = 12u + step * i;
		INSIST(len <= sizeof(bytes));
		rand_fill(&r, bytes, len);
		INSIST(snprintf(name, sizeof(name), "random_%u", i) > 0);
		seed_write(target, name, view_of(bytes, len));
	}
}

/* fuzz_tls_feed.c: low half what, top bit who. */
#define ROOM_CARRY 0x00
#define ROOM_CARRY_SOME 0x02
#define ROOM_WRITE 0x03
#define ROOM_END 0x04
#define ROOM_EOF 0x05
#define ROOM_RELEASE 0x06
#define ROOM_FLIP 0x07
#define ROOM_PUT 0x08
#define ROOM_DROP 0x09
#define ROOM_REPEAT 0x0a
#define ROOM_RAW 0x0b
#define ROOM_REFLECT 0x0c
#define BY_SERVER 0x80

static void seeds_tls(void)
{
	static const uint8_t handshake[] = { 0,          ROOM_CARRY, BY_SERVER | ROOM_CARRY,
					     ROOM_CARRY, ROOM_WRITE, 9,
					     ROOM_CARRY };
	static const uint8_t in_parts[] = {
		0,    ROOM_CARRY_SOME, 4,         ROOM_CARRY, BY_SERVER | ROOM_CARRY_SOME,
		0xff, BY_SERVER,       ROOM_CARRY
	};
	static const uint8_t talk[] = {
		1,         ROOM_WRITE, 40,         BY_SERVER | ROOM_WRITE, 3,         ROOM_CARRY,
		BY_SERVER, ROOM_END,   ROOM_CARRY, BY_SERVER | ROOM_END,   BY_SERVER, ROOM_EOF
	};
	static const uint8_t flip_hello[] = { 0, ROOM_FLIP, 0, 40, 3, ROOM_CARRY };
	static const uint8_t flip_cert[] = { 0,         ROOM_CARRY, BY_SERVER | ROOM_FLIP, 1, 0, 3,
					     BY_SERVER, ROOM_CARRY };
	static const uint8_t flip_word[] = { 1, ROOM_WRITE, 40, ROOM_FLIP, 0, 9, 1, ROOM_CARRY };
	static const uint8_t replay[] = { 1, ROOM_WRITE, 5,          ROOM_REPEAT,
					  0, 0xff,       ROOM_CARRY, ROOM_CARRY };
	static const uint8_t drop[] = { 1,         ROOM_WRITE, 5,  ROOM_WRITE, 6,
					ROOM_DROP, 0,          28, ROOM_CARRY };
	static const uint8_t cut[] = {
		1, ROOM_WRITE, 50, ROOM_CARRY_SOME, 20, BY_SERVER | ROOM_EOF
	};
	static const uint8_t reflect[] = { 0, ROOM_CARRY, BY_SERVER | ROOM_REFLECT };
	static const uint8_t reflect_word[] = { 1, ROOM_WRITE, 5, ROOM_REFLECT };
	static const uint8_t raw[] = { 0, ROOM_RAW, 20, 0x16, 3, 1, 0, 20, 1, 0, 0, 16, 3, 3 };
	static const uint8_t alert[] = { 1, ROOM_PUT, 0, 0, 6, 0x15, 3, 3, 0, 2, 1, 0, ROOM_CARRY };
	static const uint8_t idle[] = { 1, ROOM_RELEASE, BY_SERVER | ROOM_RELEASE, ROOM_WRITE,
					8, ROOM_CARRY };

	seed_write("tls_feed", "handshake", VIEW_OF(handshake));
	seed_write("tls_feed", "in_parts", VIEW_OF(in_parts));
	seed_write("tls_feed", "talk", VIEW_OF(talk));
	seed_write("tls_feed", "flip_hello", VIEW_OF(flip_hello));
	seed_write("tls_feed", "flip_cert", VIEW_OF(flip_cert));
	seed_write("tls_feed", "flip_word", VIEW_OF(flip_word));
	seed_write("tls_feed", "replay", VIEW_OF(replay));
	seed_write("tls_feed", "drop", VIEW_OF(drop));
	seed_write("tls_feed", "cut", VIEW_OF(cut));
	seed_write("tls_feed", "reflect", VIEW_OF(reflect));
	seed_write("tls_feed", "reflect_word", VIEW_OF(reflect_word));
	seed_write("tls_feed", "raw", VIEW_OF(raw));
	seed_write("tls_feed", "alert", VIEW_OF(alert));
	seed_write("tls_feed", "idle", VIEW_OF(idle));
}

void seeds_moves(void)
{
	seeds_of_any_bytes("merge", 16);
	seeds_of_any_bytes("records", 64);
	seeds_tls();
}
