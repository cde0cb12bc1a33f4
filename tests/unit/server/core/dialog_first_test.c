/* 64 malformed first frames: each ends its conn, none leaves a trace. */
#include "dialog_talk.h"

/* What the caller does with the first bytes of a peer: limit, decode, step. */
static void first_bytes(struct fx *x, struct view bytes)
{
	struct view body;
	const enum err e = frame_peek(bytes, dialog_frame_bytes_max(&x->d), &body);
	if (e == ERR_MORE) {
		fx_tick(x, FIRST_FRAME_MS_MAX);
		return;
	}
	if (e == ERR_TOO_BIG) {
		fx_step(x, &(struct dialog_event){ .type = DIALOG_EV_TOO_BIG });
		return;
	}
	Roomkeep__Frame *f = NULL;
	const enum err decoded = e == ERR_OK ? frame_decode(&x->arena, body, &f) : e;
	fx_step(x, &(struct dialog_event){ .type = DIALOG_EV_FRAME,
					   .frame = decoded == ERR_OK ? f : NULL,
					   .frame_bytes = e == ERR_OK ? body.len : 0,
					   .frame_err = decoded });
}

/* The n-th of 64 kinds of nonsense; the first 40 are cuts and flips of a good Hello. */
static size_t nonsense(unsigned n, struct view good, uint8_t *p, size_t cap)
{
	INSIST(good.len < cap);
	memcpy(p, good.p, good.len);
	if (n < 12) return n; /* torn in or behind the length */
	if (n < 40) {         /* a byte of the body turned round */
		const size_t at = FRAME_HEADER_BYTES + (n - 12) % (good.len - FRAME_HEADER_BYTES);
		p[at] = (uint8_t)~p[at];
		return good.len;
	}
	static const uint8_t heads[][8] = {
		{ 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0 },     /* 4 GiB */
		{ 0x80, 0, 0, 0, 0, 0, 0, 0 },              /* 2 GiB */
		{ 0, 0x10, 0, 1, 0, 0, 0, 0 },              /* 1 MiB and one */
		{ 0, 0, 0x10, 1, 0, 0, 0, 0 },              /* 4 KiB and one */
		{ 0, 0, 0, 0, 0, 0, 0, 0 },                 /* empty */
		{ 'G', 'E', 'T', ' ', '/', ' ', 'H', 'T' }, /* another language */
		{ 'S', 'S', 'H', '-', '2', '.', '0', '-' },
		{ 0x16, 0x03, 0x01, 0x02, 0, 1, 0, 1 },
		{ 0, 0, 0, 4, 0x08, 0x01, 0x08, 0x02 }, /* request twice */
		{ 0, 0, 0, 2, 0x08, 0x01, 0, 0 },       /* no body at all */
		{ 0, 0, 0, 4, 0xFA, 0x01, 0x00, 0x00 }, /* Ping first */
		{ 0, 0, 0, 4, 0x92, 0x03, 0x00, 0x00 }, /* a server's frame */
		{ 0, 0, 0, 4, 0x82, 0x01, 0x00, 0x00 },
		{ 0, 0, 0, 4, 0x52, 0x00, 0x5A, 0x00 }, /* two bodies */
		{ 0, 0, 0, 2, 0x52, 0x7F, 0, 0 },       /* length beyond the end */
		{ 0, 0, 0, 2, 0x52, 0x00, 0, 0 },       /* an empty Hello */
		{ 0, 0, 0, 4, 0x52, 0x02, 0x08, 0xFF }, /* varint without end */
		{ 0, 0, 0, 4, 0x53, 0x54, 0x53, 0x54 }, /* groups */
		{ 0, 0, 0, 1, 0x00, 0, 0, 0 },          /* field 0 */
		{ 0, 0, 0, 4, 0x50, 0x01, 0x00, 0x00 }, /* wrong wire type */
		{ 0, 0, 0, 4, 0x52, 0x02, 0x1A, 0x05 },
		{ 0, 0, 0, 4, 0x07, 0x07, 0x07, 0x07 },
		{ 0, 0, 0, 4, 0xFF, 0xFF, 0xFF, 0xFF },
		{ 0, 0, 0, 4, 0x52, 0x02, 0x1A, 0x00 }, /* Hello with a build and nothing else */
	};
	const uint8_t *head = heads[n - 40];
	memcpy(p, head, sizeof(heads[0]));
	return sizeof(heads[0]);
}

static void test_64_malformed_first_frames(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 64; n++) {
		struct fx x;
		fx_init(&x, true, true);
		CLEANUP(buf_finip) struct buf good = { 0 };
		assert_int_equal(frame_encode(fx_hello_frame(&x, true), &good), ERR_OK);
		uint8_t bytes[256];
		const size_t len = nonsense(n, buf_view(&good), bytes, sizeof(bytes));
		first_bytes(&x, view_of(bytes, len));
		if (!x.out.close) print_message("kind %u was let in\n", n);
		assert_true(x.out.close);
		assert_int_equal(dialog_state(&x.d), DIALOG_CLOSED);
		assert_int_equal(x.out.ask_count, 0);
		assert_int_equal(x.roster->rooms[0].conn_id, 0);
		/* At most a Refuse went out. */
		assert_null(fx_sent(&x, 1));
		fx_fini(&x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_64_malformed_first_frames),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
