/* note: opened only with its key, at its place, after its parents; sizes tell only the step. */
#include "seal/note.h"

#include "crypt/enc.h"
#include "crypt/kdf.h"
#include "unit/crypt/helpers.h"

static uint8_t text[NOTE_PLAIN_BYTES_MAX + 1];
static uint8_t opened[NOTE_PADDED_BYTES_MAX];

struct note_case {
	struct secret *nk;
	struct id parents[2];
	struct note_head head;
	struct hash32 commitment;
	struct buf sealed;
};

static int note_setup(void **state)
{
	struct note_case *c = calloc(1, sizeof(*c));
	if (c == NULL) return 1;
	for (size_t i = 0; i < sizeof(text); i++) text[i] = (uint8_t)('a' + i % 26);
	c->nk = test_secret(1, KEY_BYTES);
	c->parents[0] = test_id(0x20);
	c->parents[1] = test_id(0x10);
	c->head = (struct note_head){ .clinic_id = test_id(1),
				      .note_id = test_id(2),
				      .note_gen = 1,
				      .author_id = test_id(3),
				      .author_gen = 1,
				      .lane_id = test_hash(4),
				      .lane_seq = 5,
				      .parents = c->parents,
				      .parent_count = 2 };
	assert_ok(note_seal(c->nk, &c->head, view_of(text, 100), &c->commitment, &c->sealed));
	*state = c;
	return 0;
}

static int note_teardown(void **state)
{
	struct note_case *c = *state;
	secret_free(c->nk);
	buf_fini(&c->sealed);
	free(c);
	return 0;
}

static enum err note_try(const struct note_case *c, struct view sealed)
{
	size_t len = 0;
	return note_open(c->nk, &c->head, &c->commitment, sealed, opened, sizeof(opened), &len);
}

static void test_goes_round_and_hides_the_length(void **state)
{
	struct note_case *c = *state;
	static const struct {
		size_t plain, padded;
	} sizes[] = {
		{ 1, 1024 },
		{ 511, 1024 },
		{ 512, 1024 },
		{ 1023, 1024 },
		{ 1024, 1536 },
		{ 1535, 1536 },
		{ 1536, 2048 },
		{ NOTE_PLAIN_BYTES_MAX - 1, NOTE_PLAIN_BYTES_MAX },
		{ NOTE_PLAIN_BYTES_MAX, NOTE_PADDED_BYTES_MAX },
	};
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		size_t len = 0;
		buf_clear(&c->sealed);
		assert_ok(note_seal(c->nk, &c->head, view_of(text, sizes[i].plain), &c->commitment,
				    &c->sealed));
		assert_int_equal(note_open_bytes(buf_view(&c->sealed)), sizes[i].padded);
		assert_ok(note_open(c->nk, &c->head, &c->commitment, buf_view(&c->sealed), opened,
				    sizes[i].padded, &len));
		assert_int_equal(len, sizes[i].plain);
		assert_memory_equal(opened, text, len);
	}
}

static void test_limits(void **state)
{
	struct note_case *c = *state;
	buf_clear(&c->sealed);
	assert_err(note_seal(c->nk, &c->head, VIEW_EMPTY, &c->commitment, &c->sealed),
		   ERR_BAD_VALUE);
	assert_err(note_seal(c->nk, &c->head, VIEW_OF(text), &c->commitment, &c->sealed),
		   ERR_TOO_BIG);
	assert_int_equal(c->sealed.len, 0);
	assert_ok(note_seal(c->nk, &c->head, view_of(text, 10), &c->commitment, &c->sealed));
	size_t len = 77;
	assert_err(note_open(c->nk, &c->head, &c->commitment, buf_view(&c->sealed), opened, 1023,
			     &len),
		   ERR_TOO_BIG);
	assert_int_equal(len, 77);
	c->head.parent_count = PARENTS_MAX + 1;
	assert_err(note_try(c, buf_view(&c->sealed)), ERR_TOO_BIG);
}

/* SECURITY 6.1 C4. */
static void refuse_note(struct view bad, void *ctx)
{
	const struct note_case *c = ctx;
	const enum err e = note_try(c, bad);
	assert_err(e, bad.len == c->sealed.len ? ERR_AUTH : ERR_BAD_FORMAT);
}

static void test_every_flipped_byte_is_refused(void **state)
{
	struct note_case *c = *state;
	test_each_damage(buf_view(&c->sealed), refuse_note, c);
	for (size_t i = 0; i < HASH_BYTES; i++) {
		c->commitment.b[i] ^= 1;
		refuse_note(buf_view(&c->sealed), c);
		c->commitment.b[i] ^= 1;
	}
	assert_ok(note_try(c, buf_view(&c->sealed)));
}

/* SECURITY 6.1 C5: the same bytes anywhere else. */
static void test_other_places_are_refused(void **state)
{
	struct note_case *c = *state;
	const struct note_head good = c->head;
	for (int i = 0; i < 9; i++) {
		c->head = good;
		if (i == 0) c->head.clinic_id = test_id(9);
		if (i == 1) c->head.note_id = test_id(9);
		if (i == 2) c->head.note_gen = 2;
		if (i == 3) c->head.author_id = test_id(9);
		if (i == 4) c->head.author_gen = 2;
		if (i == 5) c->head.lane_id = test_hash(9);
		if (i == 6) c->head.lane_seq = 6;
		if (i == 7) c->head.parent_count = 1;
		if (i == 8) c->head.parent_count = 0;
		assert_err(note_try(c, buf_view(&c->sealed)), ERR_AUTH);
	}
	c->head = good;
	c->parents[0].b[15] ^= 1;
	assert_err(note_try(c, buf_view(&c->sealed)), ERR_AUTH);
}

static void test_order_of_parents_means_nothing(void **state)
{
	struct note_case *c = *state;
	const struct id first = c->parents[0];
	c->parents[0] = c->parents[1];
	c->parents[1] = first;
	assert_ok(note_try(c, buf_view(&c->sealed)));
}

static void test_other_key_is_refused_and_memory_is_clean(void **state)
{
	struct note_case *c = *state;
	secret_freep(&c->nk);
	c->nk = test_secret(2, KEY_BYTES);
	assert_err(note_try(c, buf_view(&c->sealed)), ERR_AUTH);
}

/* Seals bytes as they are, by somebody who has the key; no parents. */
static struct buf seal_unpadded(struct note_case *c, struct view plain)
{
	struct buf out = { 0 };
	struct hash32 parents_hash;
	CLEANUP(secret_freep) struct secret *body = NULL;
	CLEANUP(enc_finip) struct enc info = { 0 };
	CLEANUP(enc_finip) struct enc parents = { 0 };
	CLEANUP(enc_finip) struct enc aad = { 0 };
	enc_begin(&info, "crs1/note-body");
	enc_add_id(&info, &c->head.note_id);
	enc_add_u64(&info, c->head.note_gen);
	assert_ok(kdf_derive(VIEW_EMPTY, secret_view(c->nk), &info, &body));
	enc_begin(&parents, "crs1/parents");
	assert_ok(hash_enc(&parents, &parents_hash));
	c->head.parent_count = 0;
	enc_begin(&aad, "crs1/note");
	enc_add_id(&aad, &c->head.clinic_id);
	enc_add_id(&aad, &c->head.note_id);
	enc_add_u64(&aad, c->head.note_gen);
	enc_add_id(&aad, &c->head.author_id);
	enc_add_u64(&aad, c->head.author_gen);
	enc_add_hash(&aad, &c->head.lane_id);
	enc_add_u64(&aad, c->head.lane_seq);
	enc_add_hash(&aad, &parents_hash);
	enc_add_hash(&aad, &c->commitment);
	assert_ok(aead_seal_enc(body, &aad, plain, &out));
	return out;
}

/* One plaintext has one form; of what is refused nothing stays in the caller's memory. */
static void test_foreign_padding_is_refused(void **state)
{
	struct note_case *c = *state;
	static const size_t marks[] = { 600, 1000, 1023, 1024, 1100, 1535 };
	for (size_t i = 0; i < COUNT_OF(marks); i++) {
		uint8_t plain[1536] = { 1 };
		size_t len = 77;
		plain[marks[i]] = 0x80;
		CLEANUP(buf_finip) struct buf sealed = seal_unpadded(c, VIEW_OF(plain));
		const enum err e = note_open(c->nk, &c->head, &c->commitment, buf_view(&sealed),
					     opened, sizeof(opened), &len);
		if (marks[i] >= 1024) { /* what our own seal makes */
			assert_ok(e);
			assert_int_equal(len, marks[i]);
			continue;
		}
		assert_err(e, ERR_BAD_FORMAT);
		assert_int_equal(len, 77);
		for (size_t at = 0; at < sizeof(plain); at++) assert_int_equal(opened[at], 0);
	}
	static const uint8_t no_mark[1024] = { 1 };
	CLEANUP(buf_finip) struct buf sealed = seal_unpadded(c, VIEW_OF(no_mark));
	assert_err(note_try(c, buf_view(&sealed)), ERR_BAD_FORMAT);
}

static void test_impossible_lengths(void **state)
{
	(void)state;
	assert_int_equal(note_open_bytes(VIEW_EMPTY), 0);
	static uint8_t bytes[NOTE_SEALED_BYTES_MAX + 1];
	static const size_t bad[] = { AEAD_OVERHEAD_BYTES + 512, AEAD_OVERHEAD_BYTES + 1023,
				      AEAD_OVERHEAD_BYTES + 1025, NOTE_SEALED_BYTES_MAX + 1 };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(note_open_bytes(view_of(bytes, bad[i])), 0);
	}
	assert_int_equal(note_open_bytes(view_of(bytes, AEAD_OVERHEAD_BYTES + 1024)), 1024);
	assert_int_equal(note_open_bytes(view_of(bytes, NOTE_SEALED_BYTES_MAX)),
			 NOTE_PADDED_BYTES_MAX);
}

/* ---- wraps and grants ---- */

struct wrap_case {
	struct secret *kek;
	struct note_wrap_context context;
};

static void refuse_wrap(struct view bad, void *ctx)
{
	const struct wrap_case *c = ctx;
	struct secret *nk = NULL;
	assert_err(note_key_unwrap(c->kek, &c->context, bad, &nk),
		   bad.len == NOTE_KEY_WRAPPED_BYTES ? ERR_AUTH : ERR_BAD_FORMAT);
	assert_null(nk);
}

static void test_wrap_is_bound_to_author_and_note(void **state)
{
	struct note_case *note = *state;
	struct wrap_case c = { .kek = test_secret(9, KEY_BYTES),
			       .context = { test_id(1), test_id(2), 1, test_id(3), 1 } };
	CLEANUP(buf_finip) struct buf wrapped = { 0 };
	CLEANUP(secret_freep) struct secret *nk = NULL;
	assert_ok(note_key_wrap(c.kek, &c.context, note->nk, &wrapped));
	assert_int_equal(wrapped.len, NOTE_KEY_WRAPPED_BYTES);
	assert_ok(note_key_unwrap(c.kek, &c.context, buf_view(&wrapped), &nk));
	assert_true(secret_equal(nk, note->nk));
	test_each_damage(buf_view(&wrapped), refuse_wrap, &c);
	const struct wrap_case good = c;
	for (int i = 0; i < 5; i++) {
		c = good;
		if (i == 0) c.context.clinic_id = test_id(9);
		if (i == 1) c.context.user_id = test_id(9);
		if (i == 2) c.context.g = 2;
		if (i == 3) c.context.note_id = test_id(9);
		if (i == 4) c.context.note_gen = 2;
		refuse_wrap(buf_view(&wrapped), &c);
	}
	secret_free(good.kek);
}

struct grant_case {
	struct box_key rcpt;
	struct grant_context context;
};

static void refuse_grant(struct view bad, void *ctx)
{
	const struct grant_case *c = ctx;
	struct secret *nk = NULL;
	const enum err e = grant_open(&c->rcpt, &c->context, bad, &nk);
	if (bad.len != GRANT_SEALED_BYTES)
		assert_err(e, ERR_BAD_FORMAT);
	else
		assert_err(e, bad.p[0] == 1 ? ERR_AUTH : ERR_VERSION);
	assert_null(nk);
}

static void test_grant_is_bound_to_everything(void **state)
{
	struct note_case *note = *state;
	struct grant_case c = { .rcpt = test_box_key(1),
				.context = { test_id(1), test_id(2), test_id(3), 1, test_id(4), 1,
					     test_id(5), 1, test_hash(6) } };
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	CLEANUP(secret_freep) struct secret *nk = NULL;
	assert_ok(grant_seal(&c.rcpt.pk, &c.context, note->nk, &sealed));
	assert_int_equal(sealed.len, GRANT_SEALED_BYTES);
	assert_ok(grant_open(&c.rcpt, &c.context, buf_view(&sealed), &nk));
	assert_true(secret_equal(nk, note->nk));
	test_each_damage(buf_view(&sealed), refuse_grant, &c);
	const struct grant_case good = c;
	for (int i = 0; i < 9; i++) {
		c = good;
		if (i == 0) c.context.clinic_id = test_id(9);
		if (i == 1) c.context.grant_id = test_id(9);
		if (i == 2) c.context.note_id = test_id(9);
		if (i == 3) c.context.note_gen = 2;
		if (i == 4) c.context.author_id = test_id(9);
		if (i == 5) c.context.author_gen = 2;
		if (i == 6) c.context.rcpt_id = test_id(9);
		if (i == 7) c.context.rcpt_gen = 2;
		if (i == 8) c.context.consent_hash = test_hash(9);
		refuse_grant(buf_view(&sealed), &c);
	}
	c.context = good.context;
	CLEANUP(box_key_finip) struct box_key other = test_box_key(2);
	c.rcpt = other;
	refuse_grant(buf_view(&sealed), &c);
	c = good;
	box_key_fini(&c.rcpt);
}

static void test_note_keys_are_random(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *a = NULL;
	CLEANUP(secret_freep) struct secret *b = NULL;
	assert_ok(note_key_new(&a));
	assert_ok(note_key_new(&b));
	assert_int_equal(a->len, KEY_BYTES);
	assert_false(secret_equal(a, b));
}

#define note_unit_test(f) cmocka_unit_test_setup_teardown(f, note_setup, note_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		note_unit_test(test_goes_round_and_hides_the_length),
		note_unit_test(test_limits),
		note_unit_test(test_every_flipped_byte_is_refused),
		note_unit_test(test_other_places_are_refused),
		note_unit_test(test_order_of_parents_means_nothing),
		note_unit_test(test_other_key_is_refused_and_memory_is_clean),
		note_unit_test(test_foreign_padding_is_refused),
		note_unit_test(test_impossible_lengths),
		note_unit_test(test_wrap_is_bound_to_author_and_note),
		note_unit_test(test_grant_is_bound_to_everything),
		note_unit_test(test_note_keys_are_random),
	};
	return cmocka_run_group_tests(tests, test_start_crypt, NULL);
}
