/* Which ops go to one conn, in which batches. */
#include "server/core/feed.h"

#include "base/check.h"
#include "record/access.h"
#include "record/kinds.h"
#include "wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define WALL_MS 1760000000000ull

static const struct id mara = { { 1, [15] = 1 } };
static const struct id jo = { { 2, [15] = 1 } };
static const struct id sam = { { 3, [15] = 1 } };
static const struct id epoch = { { 9 } };

static struct feed_eyes eyes_of(const struct id *who, uint64_t roles)
{
	return (struct feed_eyes){
		.user_id = *who, .roles = roles, .epoch = epoch, .wall_ms = WALL_MS
	};
}

/* A FeedOp that carries only its seq, as an element of Feed.ops. */
static const uint8_t field_7[] = { 0x0A, 2, 0x08, 7 };
static const uint8_t own_field_7[] = { 0x0A, 4, 0x08, 7, 0x10, 1 };

static struct feed_row row_of(uint64_t seq, uint64_t kind, const struct id *author)
{
	return (struct feed_row){ .seq = seq,
				  .kind = kind,
				  .author_id = *author,
				  .field = VIEW_OF(field_7),
				  .own_field = VIEW_OF(own_field_7) };
}

/* Exactly one Feed frame in `out`, or none. */
static Roomkeep__Feed *read_feed(struct arena *a, struct buf *out)
{
	if (out->len == 0) return NULL;
	struct view body;
	assert_int_equal(frame_peek(buf_view(out), FRAME_BODY_BYTES_MAX, &body), ERR_OK);
	assert_int_equal(out->len, FRAME_HEADER_BYTES + body.len);
	Roomkeep__Frame *f = NULL;
	assert_int_equal(frame_decode(a, body, &f), ERR_OK);
	assert_int_equal(f->body_case, ROOMKEEP__FRAME__BODY_FEED);
	assert_int_equal(f->request, 0);
	assert_memory_equal(f->feed->epoch.data, epoch.b, ID_BYTES);
	buf_clear(out);
	return f->feed;
}

struct fx {
	struct feed feed;
	struct buf out;
	struct arena arena;
	struct feed_eyes eyes;
};

static void fx_init(struct fx *x, uint64_t roles)
{
	*x = (struct fx){ .eyes = eyes_of(&jo, roles) };
	arena_init(&x->arena, MIB);
	feed_init(&x->feed);
}

static void fx_fini(struct fx *x)
{
	buf_fini(&x->out);
	arena_fini(&x->arena);
}

static Roomkeep__Feed *fx_page(struct fx *x, const struct feed_row *rows, size_t count,
			       uint64_t from, uint64_t to)
{
	const struct feed_page page = {
		.rows = rows, .count = count, .from_seq = from, .to_seq = to
	};
	assert_int_equal(feed_on_page(&x->feed, &x->eyes, &page, &x->out), ERR_OK);
	return read_feed(&x->arena, &x->out);
}

static Roomkeep__Feed *fx_publish(struct fx *x, const struct feed_row *rows, size_t count,
				  uint64_t from, uint64_t to)
{
	const struct feed_page page = {
		.rows = rows, .count = count, .from_seq = from, .to_seq = to
	};
	assert_int_equal(feed_on_published(&x->feed, &x->eyes, &page, &x->out), ERR_OK);
	return read_feed(&x->arena, &x->out);
}

static void fx_go_live(struct fx *x, uint64_t seq)
{
	assert_int_equal(feed_start(&x->feed, seq, seq), ERR_OK);
	assert_true(feed_take_page_wish(&x->feed));
	const Roomkeep__Feed *f = fx_page(x, NULL, 0, seq, seq);
	assert_non_null(f);
	assert_true(f->live);
	assert_int_equal(feed_on_ack(&x->feed, seq), ERR_OK);
	assert_int_equal(x->feed.state, FEED_LIVE);
}

/* ---- who sees what ------------------------------------------------------------------------ */

static void test_access_at_send_time(void **state)
{
	(void)state;
	static const struct {
		uint64_t kind, roles;
		bool seen;
	} table[] = {
		{ KIND_PATIENT, ROLE_THERAPIST, true },
		{ KIND_PATIENT, ROLE_DESK, true },
		{ KIND_PATIENT, ROLE_OWNER, false },
		{ KIND_PATIENT, ROLE_ADMIN, false },
		{ KIND_SESSION_FRAME, ROLE_THERAPIST, true },
		{ KIND_SESSION_FRAME, ROLE_DESK, false },
		{ KIND_SESSION_TEXT, ROLE_THERAPIST, true },
		{ KIND_SESSION_TEXT, ROLE_DESK, false },
		{ KIND_SESSION_TEXT, ROLE_OWNER, false },
		{ KIND_SESSION_TEXT, ROLE_OWNER | ROLE_THERAPIST, true },
		{ KIND_MEASURE, ROLE_THERAPIST, true },
		{ KIND_SIGN, ROLE_THERAPIST, true },
		{ KIND_ADDENDUM, ROLE_THERAPIST, true },
		{ KIND_ADDENDUM, ROLE_LEAD, true },
		{ KIND_ADDENDUM, ROLE_STUDENT, true },
		{ KIND_OPENED, ROLE_THERAPIST | ROLE_OWNER, false },
		{ KIND_NOTE, ROLE_THERAPIST | ROLE_OWNER | ROLE_ADMIN | ROLE_DESK, false },
		{ KIND_SEALED_TOMBSTONE, ROLE_THERAPIST | ROLE_OWNER, false },
		{ 65, ROLE_THERAPIST | ROLE_OWNER, false },
		{ 9999, ROLE_THERAPIST | ROLE_OWNER, false },
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct feed_row row = row_of(1, table[i].kind, &mara);
		const struct feed_eyes other = eyes_of(&jo, table[i].roles);
		const struct feed_eyes author = eyes_of(&mara, 0);
		assert_int_equal(feed_may_see(&other, &row, false), table[i].seen);
		assert_int_equal(feed_may_see(&other, &row, true), table[i].seen);
		assert_true(feed_may_see(&author, &row, false));
	}
}

static void test_refused_ops_go_to_their_author_only(void **state)
{
	(void)state;
	struct feed_row row = row_of(1, KIND_SESSION_TEXT, &mara);
	row.author_only = true;
	const struct feed_eyes other = eyes_of(&jo, ROLE_THERAPIST);
	const struct feed_eyes author = eyes_of(&mara, ROLE_THERAPIST);
	assert_false(feed_may_see(&other, &row, false));
	assert_false(feed_may_see(&other, &row, true));
	assert_true(feed_may_see(&author, &row, false));
}

static void test_eighteen_months(void **state)
{
	(void)state;
	const struct feed_eyes other = eyes_of(&jo, ROLE_THERAPIST);
	const struct feed_eyes author = eyes_of(&mara, ROLE_THERAPIST);
	struct feed_row row = row_of(1, KIND_SESSION_TEXT, &mara);
	row.subject_ms = WALL_MS - FEED_SCOPE_MS;
	assert_true(feed_may_see(&other, &row, false));
	row.subject_ms--;
	assert_false(feed_may_see(&other, &row, false));
	assert_true(feed_may_see(&other, &row, true));
	assert_true(feed_may_see(&author, &row, false)); /* own lanes have no gaps */
	row.subject_ms = 0;
	assert_true(feed_may_see(&other, &row, false));
}

/* Who wrote what an owner erased holds it: its erasure comes whatever is withheld since, and
 * however old it is. */
static void test_what_erased_ones_own_is_not_withheld(void **state)
{
	(void)state;
	const struct id maya = { { 7 } };
	const struct lockbox_bar bars[] = {
		{ .patient_id = maya,
		  .scope = LOCKBOX_RECORD,
		  .role = ROLE_THERAPIST,
		  .from_ms = 1,
		  .until_ms = UINT64_MAX },
	};
	struct feed_eyes author = eyes_of(&mara, ROLE_THERAPIST);
	struct feed_eyes other = eyes_of(&sam, ROLE_THERAPIST);
	struct feed_row row = row_of(1, KIND_TOMBSTONE, &jo);
	row.target_kind = KIND_SESSION_TEXT;
	row.target_author = mara;
	row.patient_id = maya;
	row.subject_ms = WALL_MS - FEED_SCOPE_MS - 1;
	assert_true(feed_may_see(&author, &row, false));
	assert_false(feed_may_see(&other, &row, false));
	author.box = other.box = (struct lockbox){ .bars = bars, .bar_count = COUNT_OF(bars) };
	assert_true(feed_may_see(&author, &row, true));
	assert_false(feed_withholds(&author, &row));
	assert_false(feed_may_see(&other, &row, true));
	row.kind = KIND_SESSION_TEXT; /* of somebody else's */
	assert_false(feed_may_see(&author, &row, true));
	row.kind = KIND_TOMBSTONE;
	author.roles = ROLE_DESK; /* who may not read what was erased */
	assert_false(feed_may_see(&author, &row, true));
}

/* ---- cursor and batches ------------------------------------------------------------------- */

static void test_empty_clinic_is_live_at_once(void **state)
{
	(void)state;
	struct fx x;
	fx_init(&x, ROLE_THERAPIST);
	assert_false(feed_take_page_wish(&x.feed));
	assert_int_equal(feed_start(&x.feed, 0, 0), ERR_OK);
	assert_true(feed_take_page_wish(&x.feed));
	assert_false(feed_take_page_wish(&x.feed)); /* one page at a time */
	const Roomkeep__Feed *f = fx_page(&x, NULL, 0, 0, 0);
	assert_non_null(f);
	assert_int_equal(f->n_ops, 0);
	assert_true(f->live);
	assert_int_equal(f->up_to_seq, 0);
	fx_fini(&x);
}

static void test_cursor_from_the_future(void **state)
{
	(void)state;
	struct fx x;
	fx_init(&x, ROLE_THERAPIST);
	assert_int_equal(feed_start(&x.feed, 11, 10), ERR_BAD_VALUE);
	assert_int_equal(x.feed.state, FEED_OFF);
	fx_fini(&x);
}

static void test_author_gets_heads_others_do_not(void **state)
{
	(void)state;
	struct fx x;
	fx_init(&x, ROLE_THERAPIST);
	fx_go_live(&x, 6);
	const struct feed_row row = row_of(7, KIND_PATIENT, &mara);
	const struct feed_page page = { .rows = &row, .count = 1, .from_seq = 6, .to_seq = 7 };
	assert_int_equal(feed_on_published(&x.feed, &x.eyes, &page, &x.out), ERR_OK);
	const size_t other_len = x.out.len;
	const Roomkeep__Feed *f = read_feed(&x.arena, &x.out);
	assert_int_equal(f->n_ops, 1);
	assert_int_equal(f->ops[0]->seq, 7);
	assert_false(f->ops[0]->has_received_ms);

	fx_fini(&x);
	fx_init(&x, ROLE_THERAPIST);
	x.eyes.user_id = mara;
	fx_go_live(&x, 6);
	assert_int_equal(feed_on_published(&x.feed, &x.eyes, &page, &x.out), ERR_OK);
	assert_int_equal(x.out.len, other_len + sizeof(own_field_7) - sizeof(field_7));
	f = read_feed(&x.arena, &x.out);
	assert_true(f->ops[0]->has_received_ms);
	fx_fini(&x);
}

static void test_unreadable_commits_make_no_frame(void **state)
{
	(void)state;
	struct fx x;
	fx_init(&x, ROLE_THERAPIST);
	fx_go_live(&x, 10);
	/* Fifty notes of somebody else: not one byte, and the cursor goes on. */
	for (uint64_t seq = 11; seq <= 60; seq++) {
		const struct feed_row note = row_of(seq, KIND_NOTE, &mara);
		assert_null(fx_publish(&x, &note, 1, seq - 1, seq));
	}
	assert_int_equal(x.feed.cursor, 60);
	assert_int_equal(x.feed.unconfirmed_count, 0);
	const struct feed_row seen = row_of(61, KIND_PATIENT, &mara);
	const Roomkeep__Feed *f = fx_publish(&x, &seen, 1, 60, 61);
	assert_non_null(f);
	assert_int_equal(f->up_to_seq, 61);
	assert_true(f->live);
	fx_fini(&x);
}

/* The same stream with and without another author's notes differs in seq values only. */
static void test_hidden_notes_leave_the_same_bytes(void **state)
{
	(void)state;
	struct fx with;
	struct fx without;
	fx_init(&with, ROLE_THERAPIST);
	fx_init(&without, ROLE_THERAPIST);
	fx_go_live(&with, 10);
	fx_go_live(&without, 10);
	uint64_t a = 10;
	uint64_t b = 10;
	for (int i = 0; i < 20; i++) {
		const struct feed_row note = row_of(a + 1, KIND_NOTE, &mara);
		assert_null(fx_publish(&with, &note, 1, a, a + 1));
		a++;
		const struct feed_row pair[2] = { row_of(a + 1, KIND_PATIENT, &mara),
						  row_of(a + 2, KIND_NOTE, &mara) };
		const struct feed_page page_a = {
			.rows = pair, .count = 2, .from_seq = a, .to_seq = a + 2
		};
		const struct feed_row shown = row_of(b + 1, KIND_PATIENT, &mara);
		const struct feed_page page_b = {
			.rows = &shown, .count = 1, .from_seq = b, .to_seq = b + 1
		};
		assert_int_equal(feed_on_published(&with.feed, &with.eyes, &page_a, &with.out),
				 ERR_OK);
		assert_int_equal(
			feed_on_published(&without.feed, &without.eyes, &page_b, &without.out),
			ERR_OK);
		a += 2;
		b += 1;
		assert_int_equal(with.out.len, without.out.len);
		const Roomkeep__Feed *fa = read_feed(&with.arena, &with.out);
		const Roomkeep__Feed *fb = read_feed(&without.arena, &without.out);
		assert_int_equal(fa->n_ops, fb->n_ops);
		assert_int_equal(feed_on_ack(&with.feed, fa->up_to_seq), ERR_OK);
		assert_int_equal(feed_on_ack(&without.feed, fb->up_to_seq), ERR_OK);
	}
	fx_fini(&with);
	fx_fini(&without);
}

static void test_at_most_four_unconfirmed(void **state)
{
	(void)state;
	struct fx x;
	fx_init(&x, ROLE_THERAPIST);
	assert_int_equal(feed_start(&x.feed, 0, 100), ERR_OK);
	for (uint64_t i = 1; i <= FEED_BATCHES_MAX; i++) {
		assert_true(feed_take_page_wish(&x.feed));
		const struct feed_row row = row_of(i, KIND_PATIENT, &mara);
		const Roomkeep__Feed *f = fx_page(&x, &row, 1, i - 1, i);
		assert_non_null(f);
		assert_false(f->live);
	}
	assert_int_equal(x.feed.state, FEED_WAITING);
	assert_false(feed_take_page_wish(&x.feed));
	/* Commits are only heard of meanwhile. */
	const struct feed_row late = row_of(101, KIND_PATIENT, &mara);
	assert_null(fx_publish(&x, &late, 1, 100, 101));
	assert_int_equal(feed_on_ack(&x.feed, 1), ERR_OK);
	assert_int_equal(x.feed.unconfirmed_count, FEED_BATCHES_MAX - 1);
	assert_true(feed_take_page_wish(&x.feed));
	const struct feed_row rest[2] = { row_of(50, KIND_PATIENT, &mara),
					  row_of(101, KIND_PATIENT, &mara) };
	const Roomkeep__Feed *f = fx_page(&x, rest, 2, 4, 101);
	assert_non_null(f);
	assert_true(f->live);
	assert_int_equal(x.feed.state, FEED_LIVE);
	assert_int_equal(feed_on_ack(&x.feed, 101), ERR_OK);
	assert_int_equal(x.feed.unconfirmed_count, 0);
	fx_fini(&x);
}

static void test_live_feed_falls_behind_and_catches_up(void **state)
{
	(void)state;
	struct fx x;
	fx_init(&x, ROLE_THERAPIST);
	fx_go_live(&x, 0);
	for (uint64_t i = 1; i <= FEED_BATCHES_MAX; i++) {
		const struct feed_row row = row_of(i, KIND_PATIENT, &mara);
		assert_non_null(fx_publish(&x, &row, 1, i - 1, i));
	}
	/* Full: what is readable waits, what is not passes. */
	const struct feed_row note = row_of(5, KIND_NOTE, &mara);
	assert_null(fx_publish(&x, &note, 1, 4, 5));
	assert_int_equal(x.feed.state, FEED_LIVE);
	const struct feed_row row = row_of(6, KIND_PATIENT, &mara);
	assert_null(fx_publish(&x, &row, 1, 5, 6));
	assert_int_equal(x.feed.state, FEED_WAITING);
	assert_int_equal(x.feed.cursor, 5);
	assert_int_equal(feed_on_ack(&x.feed, 2), ERR_OK);
	assert_true(feed_take_page_wish(&x.feed));
	const Roomkeep__Feed *f = fx_page(&x, &row, 1, 5, 6);
	assert_non_null(f);
	assert_true(f->live);
	fx_fini(&x);
}

static void test_page_and_commit_overlap(void **state)
{
	(void)state;
	struct fx x;
	fx_init(&x, ROLE_THERAPIST);
	assert_int_equal(feed_start(&x.feed, 0, 1), ERR_OK);
	assert_true(feed_take_page_wish(&x.feed));
	/* The page was read after a commit whose news comes later: nothing twice. */
	const struct feed_row rows[2] = { row_of(1, KIND_PATIENT, &mara),
					  row_of(2, KIND_PATIENT, &mara) };
	const Roomkeep__Feed *f = fx_page(&x, rows, 2, 0, 2);
	assert_int_equal(f->n_ops, 2);
	assert_true(f->live);
	assert_null(fx_publish(&x, &rows[1], 1, 1, 2));
	const struct feed_row both[2] = { row_of(2, KIND_PATIENT, &mara),
					  row_of(3, KIND_PATIENT, &mara) };
	f = fx_publish(&x, both, 2, 1, 3);
	assert_non_null(f);
	assert_int_equal(f->n_ops, 1); /* seq 3 alone */
	fx_fini(&x);
}

static void test_missed_commit_is_read(void **state)
{
	(void)state;
	struct fx x;
	fx_init(&x, ROLE_THERAPIST);
	fx_go_live(&x, 5);
	const struct feed_row row = row_of(8, KIND_PATIENT, &mara);
	assert_null(fx_publish(&x, &row, 1, 7, 8)); /* 6 and 7 were never told */
	assert_int_equal(x.feed.state, FEED_READING);
	assert_true(feed_take_page_wish(&x.feed));
	assert_int_equal(x.feed.cursor, 5);
	fx_fini(&x);
}

static void test_page_of_an_earlier_start_is_dropped(void **state)
{
	(void)state;
	struct fx x;
	fx_init(&x, ROLE_THERAPIST);
	assert_int_equal(feed_start(&x.feed, 0, 9), ERR_OK);
	assert_true(feed_take_page_wish(&x.feed));
	assert_int_equal(feed_start(&x.feed, 5, 9), ERR_OK);
	const struct feed_row row = row_of(1, KIND_PATIENT, &mara);
	assert_null(fx_page(&x, &row, 1, 0, 9));
	assert_int_equal(x.feed.cursor, 5);
	assert_true(feed_take_page_wish(&x.feed));
	feed_stop(&x.feed);
	assert_null(fx_page(&x, &row, 1, 5, 9));
	fx_fini(&x);
}

static void test_confirmation_of_what_was_not_sent(void **state)
{
	(void)state;
	struct fx x;
	fx_init(&x, ROLE_THERAPIST);
	assert_int_equal(feed_on_ack(&x.feed, 99), ERR_OK); /* off: late word */
	fx_go_live(&x, 5);
	assert_int_equal(feed_on_ack(&x.feed, 6), ERR_BAD_VALUE);
	assert_int_equal(feed_on_ack(&x.feed, 5), ERR_OK); /* twice is harmless */
	const struct feed_row row = row_of(6, KIND_PATIENT, &mara);
	assert_non_null(fx_publish(&x, &row, 1, 5, 6));
	assert_int_equal(feed_on_ack(&x.feed, 7), ERR_BAD_VALUE);
	assert_int_equal(x.feed.unconfirmed_count, 1);
	assert_int_equal(feed_on_ack(&x.feed, 6), ERR_OK);
	assert_int_equal(x.feed.unconfirmed_count, 0);
	fx_fini(&x);
}

static void test_largest_batch_fits_one_frame(void **state)
{
	(void)state;
	struct fx x;
	fx_init(&x, ROLE_THERAPIST);
	fx_go_live(&x, 0);
	const size_t len = BATCH_BYTES_MAX;
	uint8_t *big = calloc(1, len);
	assert_non_null(big);
	struct feed_row row = row_of(1, KIND_PATIENT, &mara);
	row.field = view_of(big, len);
	const struct feed_page page = { .rows = &row, .count = 1, .from_seq = 0, .to_seq = 1 };
	assert_int_equal(feed_on_published(&x.feed, &x.eyes, &page, &x.out), ERR_OK);
	assert_true(x.out.len > len && x.out.len <= FRAME_HEADER_BYTES + FRAME_BODY_BYTES_MAX);
	assert_int_equal(load_be32(x.out.p), x.out.len - FRAME_HEADER_BYTES);
	/* More than a frame is our own mistake and never leaves half. */
	buf_clear(&x.out);
	row.seq = 2;
	row.field = view_of(big, len);
	const struct feed_row two[2] = { row, row };
	const struct feed_page over = { .rows = two, .count = 2, .from_seq = 1, .to_seq = 3 };
	assert_int_equal(feed_on_published(&x.feed, &x.eyes, &over, &x.out), ERR_TOO_BIG);
	assert_int_equal(x.out.len, 0);
	free(big);
	fx_fini(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_access_at_send_time),
		cmocka_unit_test(test_refused_ops_go_to_their_author_only),
		cmocka_unit_test(test_eighteen_months),
		cmocka_unit_test(test_what_erased_ones_own_is_not_withheld),
		cmocka_unit_test(test_empty_clinic_is_live_at_once),
		cmocka_unit_test(test_cursor_from_the_future),
		cmocka_unit_test(test_author_gets_heads_others_do_not),
		cmocka_unit_test(test_unreadable_commits_make_no_frame),
		cmocka_unit_test(test_hidden_notes_leave_the_same_bytes),
		cmocka_unit_test(test_at_most_four_unconfirmed),
		cmocka_unit_test(test_live_feed_falls_behind_and_catches_up),
		cmocka_unit_test(test_page_and_commit_overlap),
		cmocka_unit_test(test_missed_commit_is_read),
		cmocka_unit_test(test_page_of_an_earlier_start_is_dropped),
		cmocka_unit_test(test_confirmation_of_what_was_not_sent),
		cmocka_unit_test(test_largest_batch_fits_one_frame),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
