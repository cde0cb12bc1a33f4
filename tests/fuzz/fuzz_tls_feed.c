/* fuzz_tls_feed: a room and a server joined by a wire that somebody else holds. The input is
 * what he does: carries bytes, cuts, flips, repeats, drops, invents, sends them back, ends the
 * connection.
 * Targets: tls_pipe_* on both sides.
 * Holds:   what one side reads is the beginning of what the other wrote, whatever happened between;
 *          an orderly end comes only after all of it; an error is final; if both sides say that
 *          they are connected, they are connected with each other.
 * OpenSSL's random bytes are replaced by replayable ones, so the same input makes the same
 * bytes. */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_set_rand_method: the simplest way that 3.0 has */

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/rand.h"
#include "fuzz/fuzz.h"
#include "net/tls_pipe.h"

#include <openssl/rand.h>

#define MOVES_MAX 64u
#define WIRE_BYTES_MAX (128u * KIB)

enum { ROOM, SERVER, SIDES };

struct side {
	struct tls_pipe pipe;
	struct buf wire; /* made by this side, not yet with the other */
	struct buf said; /* plain bytes this side wrote */
	size_t heard;    /* of the other's `said`, read here */
	bool ready;
	bool ended; /* by tls_pipe_end */
	enum err over;
};

static struct rand_seeded seeded;
static struct rand_source source;
static struct tls_identity ids[SIDES];
static struct tls_ctx ctxs[SIDES];

/* ---- the same random bytes in every run ---- */

static int random_bytes(unsigned char *p, int len)
{
	rand_fill(&source, p, (size_t)len);
	return 1;
}

static int random_status(void)
{
	return 1;
}

static void start_once(void)
{
	static bool started;
	static const RAND_METHOD method = { .bytes = random_bytes,
					    .pseudorand = random_bytes,
					    .status = random_status };

	if (started) return;
	started = true;
	source = rand_seeded_init(&seeded, 1);
	INSIST(tls_library_init() == ERR_OK);
	INSIST(RAND_set_rand_method(&method) == 1);
	for (int i = 0; i < SIDES; i++) {
		INSIST(tls_identity_make(&ids[i]) == ERR_OK);
		INSIST(tls_ctx_init(&ctxs[i], i == ROOM ? TLS_ROLE_ROOM : TLS_ROLE_SERVER,
				    &ids[i]) == ERR_OK);
	}
}

/* ---- one side ---- */

static void side_drain(struct side *s)
{
	INSIST(tls_pipe_drain(&s->pipe, &s->wire) == ERR_OK);
	INSIST(tls_pipe_pending_out(&s->pipe) == 0);
	INSIST(tls_pipe_reason(&s->pipe) != NULL);
}

static void side_hear(struct side *s, const struct side *other, struct view plain)
{
	INSIST(plain.len > 0 && plain.len <= other->said.len - s->heard);
	INSIST(view_equal(plain, view_of(other->said.p + s->heard, plain.len)));
	s->heard += plain.len;
}

/* A final error is said again and again. */
static void side_fail(struct side *s, const struct side *other, enum err e)
{
	INSIST(e == ERR_CLOSED || e == ERR_TRUNCATED || e == ERR_TLS);
	INSIST(s->over == ERR_OK || s->over == e);
	if (e == ERR_CLOSED) INSIST(other->ended && s->heard == other->said.len);
	s->over = e;
}

static void side_read(struct side *s, const struct side *other)
{
	struct view plain;
	enum err e = ERR_OK;

	while ((e = tls_pipe_read(&s->pipe, &plain)) == ERR_OK) side_hear(s, other, plain);
	if (e != ERR_MORE) side_fail(s, other, e);
}

static void side_pump(struct side *s, const struct side *other)
{
	if (!s->ready) {
		const enum err e = tls_pipe_step(&s->pipe);
		if (e == ERR_OK) s->ready = true;
		if (e != ERR_OK && e != ERR_MORE) side_fail(s, other, e);
	}
	if (s->ready) side_read(s, other);
	side_drain(s);
}

static void side_feed(struct side *s, const struct side *other, struct view bytes)
{
	if (s->pipe.eof) return;
	const enum err e = tls_pipe_feed(&s->pipe, bytes);
	INSIST(e == ERR_OK || e == ERR_FULL || e == s->over);
	side_pump(s, other);
}

static void side_write(struct side *s, size_t len)
{
	uint8_t plain[256];

	if (!s->ready || s->ended) return;
	for (size_t i = 0; i < len; i++) plain[i] = (uint8_t)(s->said.len + i);
	const enum err e = tls_pipe_write(&s->pipe, view_of(plain, len));
	INSIST(e == ERR_OK || e == s->over);
	if (e == ERR_OK) INSIST(buf_append(&s->said, view_of(plain, len)) == ERR_OK);
	side_drain(s);
}

static void side_end(struct side *s)
{
	if (!s->ready) return;
	tls_pipe_end(&s->pipe);
	s->ended = s->ended || s->pipe.ended;
	side_drain(s);
}

static void side_eof(struct side *s, const struct side *other)
{
	tls_pipe_feed_eof(&s->pipe);
	side_pump(s, other);
	INSIST(s->over != ERR_OK);
}

/* ---- the wire ---- */

static void carry(struct side *from, struct side *to, size_t len)
{
	CLEANUP(buf_finip) struct buf part = { 0 };
	const size_t count = len < from->wire.len ? len : from->wire.len;

	INSIST(buf_append(&part, view_of(from->wire.p, count)) == ERR_OK);
	buf_consume(&from->wire, count);
	side_feed(to, from, buf_view(&part));
}

static void put_in(struct side *s, size_t at, struct view bytes)
{
	CLEANUP(buf_finip) struct buf made = { 0 };

	if (s->wire.len + bytes.len > WIRE_BYTES_MAX) return;
	INSIST(buf_append(&made, view_of(s->wire.p, at)) == ERR_OK);
	INSIST(buf_append(&made, bytes) == ERR_OK);
	if (at < s->wire.len) {
		const struct view tail = view_of(s->wire.p + at, s->wire.len - at);
		INSIST(buf_append(&made, tail) == ERR_OK);
	}
	buf_clear(&s->wire);
	INSIST(buf_append(&s->wire, buf_view(&made)) == ERR_OK);
}

static void repeat(struct side *s, size_t len)
{
	CLEANUP(buf_finip) struct buf copy = { 0 };
	const size_t count = len < s->wire.len ? len : s->wire.len;

	INSIST(buf_append(&copy, view_of(s->wire.p, count)) == ERR_OK);
	put_in(s, count, buf_view(&copy));
}

static void tamper(struct fuzz_in *in, struct side *s, struct side *other, unsigned what)
{
	const size_t at = s->wire.len > 0 ? fuzz_u16(in) % s->wire.len : 0;

	if (what == 0 && s->wire.len > 0) {
		s->wire.p[at] ^= (uint8_t)(1u << fuzz_below(in, 8));
	} else if (what == 1) {
		put_in(s, at, fuzz_take(in, 1u + fuzz_below(in, 64)));
	} else if (what == 2) {
		buf_consume(&s->wire, at);
	} else if (what == 3) {
		repeat(s, at);
	} else if (what == 4) {
		side_feed(other, s, fuzz_take(in, 1u + fuzz_u8(in)));
	} else {
		CLEANUP(buf_finip) struct buf own = s->wire; /* back to who sent it */
		s->wire = (struct buf){ 0 };
		side_feed(s, other, buf_view(&own));
	}
}

static void move(struct fuzz_in *in, struct side sides[SIDES])
{
	const uint8_t what = fuzz_u8(in);
	struct side *s = &sides[(what & 0x80u) != 0 ? SERVER : ROOM];
	struct side *other = &sides[(what & 0x80u) != 0 ? ROOM : SERVER];

	switch (what & 0x0fu) {
	case 0:
	case 1: carry(s, other, s->wire.len); break;
	case 2: carry(s, other, 1u + fuzz_u8(in)); break;
	case 3: side_write(s, 1u + fuzz_u8(in)); break;
	case 4: side_end(s); break;
	case 5: side_eof(s, other); break;
	case 6: tls_pipe_release_idle(&s->pipe); break;
	default: tamper(in, s, other, (what & 0x0fu) - 7u); break;
	}
}

static void check_connected(struct side sides[SIDES])
{
	uint8_t keys[SIDES][32];

	if (!sides[ROOM].ready || !sides[SERVER].ready) return;
	for (int i = 0; i < SIDES; i++) {
		INSIST(tls_pipe_export(&sides[i].pipe, "EXPORTER-crs1-fuzz", keys[i]) == ERR_OK);
		INSIST(tls_spki_equal(tls_pipe_peer_spki(&sides[i].pipe),
				      &ids[SIDES - 1 - i].spki));
	}
	INSIST(view_equal(VIEW_OF(keys[ROOM]), VIEW_OF(keys[SERVER])));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { view_of(data, size) };
	struct side sides[SIDES] = { { .heard = 0 } };

	start_once();
	source = rand_seeded_init(&seeded, 2);
	for (int i = 0; i < SIDES; i++) INSIST(tls_pipe_init(&sides[i].pipe, &ctxs[i]) == ERR_OK);
	const bool joined = (fuzz_u8(&in) & 1u) != 0;
	side_pump(&sides[ROOM], &sides[SERVER]);
	for (int i = 0; joined && i < 2; i++) {
		carry(&sides[ROOM], &sides[SERVER], sides[ROOM].wire.len);
		carry(&sides[SERVER], &sides[ROOM], sides[SERVER].wire.len);
	}
	INSIST(sides[ROOM].ready == joined && sides[SERVER].ready == joined);
	for (size_t i = 0; i < MOVES_MAX && fuzz_has(&in); i++) move(&in, sides);
	check_connected(sides);
	for (int i = 0; i < SIDES; i++) {
		tls_pipe_fini(&sides[i].pipe);
		buf_fini(&sides[i].wire);
		buf_fini(&sides[i].said);
	}
	return 0;
}
