#include "base/id.h"

#include <stdio.h>

#define ID_COUNTER_MAX 0x0fffu

void id_source_init(struct id_source *s, struct rand_source rand)
{
	*s = (struct id_source){ .rand = rand };
}

struct id id_make_v7(struct id_source *s, uint64_t now_ms)
{
	if (now_ms > s->last_ms) {
		s->last_ms = now_ms;
		/* The top bit stays free so that the counter has room to rise. */
		s->counter = (uint16_t)rand_below(&s->rand, 0x800);
	} else if (s->counter == ID_COUNTER_MAX) {
		s->last_ms++; /* borrow from the next millisecond, as RFC 9562 allows */
		s->counter = 0;
	} else {
		s->counter++;
	}

	struct id id = { { 0 } };
	rand_fill(&s->rand, id.b, ID_BYTES);
	for (int i = 0; i < 6; i++) id.b[i] = (uint8_t)(s->last_ms >> (40 - 8 * i));
	id.b[6] = (uint8_t)(0x70 | (s->counter >> 8));
	id.b[7] = (uint8_t)(s->counter & 0xff);
	id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3f));
	return id;
}

struct id id_make_random(const struct rand_source *rand)
{
	struct id id = { { 0 } };
	rand_fill(rand, id.b, ID_BYTES);
	return id;
}

void id_print(const struct id *id, char *ret_text)
{
	static const char hex[] = "0123456789abcdef";
	char *at = ret_text;
	for (int i = 0; i < ID_BYTES; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
		*at++ = hex[id->b[i] >> 4];
		*at++ = hex[id->b[i] & 15];
	}
	*at = '\0';
}

#define ID_HEX_BAD 16u

static unsigned id_hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9') return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f') return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F') return (unsigned)(c - 'A') + 10;
	return ID_HEX_BAD;
}

enum err id_parse(struct view text, struct id *ret_id)
{
	ENSURE(text.len == ID_TEXT_BYTES - 1, ERR_BAD_VALUE);
	struct id id = { { 0 } };
	size_t at = 0;
	for (int i = 0; i < ID_BYTES; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10) {
			ENSURE(text.p[at++] == '-', ERR_BAD_VALUE);
		}
		const unsigned high = id_hex_value(text.p[at]);
		const unsigned low = id_hex_value(text.p[at + 1]);
		ENSURE(high < ID_HEX_BAD && low < ID_HEX_BAD, ERR_BAD_VALUE);
		id.b[i] = (uint8_t)(high << 4 | low);
		at += 2;
	}
	*ret_id = id;
	return ERR_OK;
}

enum err id_from_view(struct view v, struct id *ret_id)
{
	ENSURE(v.len == ID_BYTES, ERR_BAD_FORMAT);
	memcpy(ret_id->b, v.p, ID_BYTES);
	return ERR_OK;
}
