/* enc: one byte form per value, and a reader that takes nothing else. */
#include "crypt/enc.h"
#include "unit/crypt/helpers.h"

static void test_builds_label_and_fields(void **state)
{
	(void)state;
	CLEANUP(enc_finip) struct enc e;
	enc_begin(&e, "ab");
	enc_add_u64(&e, 258);
	enc_add_bytes(&e, VIEW_EMPTY);
	enc_add_text(&e, "x");
	struct view bytes;
	assert_ok(enc_end(&e, &bytes));
	test_expect_hex(bytes, "0000000261620000000800000000000001020000000000000001"
			       "78");
}

/* Moving a byte between neighbours must change the bytes: that is what the lengths are for. */
static void test_boundaries_matter(void **state)
{
	(void)state;
	CLEANUP(enc_finip) struct enc a = { 0 };
	CLEANUP(enc_finip) struct enc b = { 0 };
	enc_begin(&a, "l");
	enc_add_text(&a, "ab");
	enc_add_text(&a, "c");
	enc_begin(&b, "l");
	enc_add_text(&b, "a");
	enc_add_text(&b, "bc");
	struct hash32 ha, hb;
	assert_ok(hash_enc(&a, &ha));
	assert_ok(hash_enc(&b, &hb));
	assert_false(hash_equal(&ha, &hb));
}

static void test_too_big_sticks(void **state)
{
	(void)state;
	static uint8_t big[ENC_BYTES_MAX];
	CLEANUP(enc_finip) struct enc e;
	enc_begin(&e, "l"); /* 5 bytes */
	enc_add_bytes(&e, view_of(big, sizeof(big) - 9));
	struct view bytes;
	struct hash32 h = test_hash(7);
	assert_ok(enc_end(&e, &bytes));
	assert_int_equal(bytes.len, ENC_BYTES_MAX);
	enc_add_bytes(&e, VIEW_EMPTY);
	assert_err(enc_end(&e, &bytes), ERR_TOO_BIG);
	assert_err(hash_enc(&e, &h), ERR_TOO_BIG);
	assert_int_equal(h.b[0], 7); /* untouched */
}

static void test_secret_one_never_grows(void **state)
{
	(void)state;
	CLEANUP(enc_finip) struct enc e;
	enc_begin_secret(&e, "l", 200);
	const uint8_t *before = e.buf.p;
	static const uint8_t field[64] = { 1 };
	enc_add_bytes(&e, VIEW_OF(field));
	enc_add_bytes(&e, VIEW_OF(field));
	struct view bytes;
	assert_ok(enc_end(&e, &bytes));
	assert_ptr_equal(bytes.p, before);
	for (int i = 0; i < 4; i++) enc_add_bytes(&e, VIEW_OF(field));
	assert_err(enc_end(&e, &bytes), ERR_TOO_BIG);
	assert_ptr_equal(e.buf.p, before);
}

static struct buf sample(void)
{
	const struct id id = test_id(9);
	const struct hash32 h = test_hash(8);
	struct buf out = { 0 };
	struct enc e;
	enc_begin(&e, "crs1/sample");
	enc_add_id(&e, &id);
	enc_add_u64(&e, 77);
	enc_add_hash(&e, &h);
	enc_add_text(&e, "tail");
	struct view bytes;
	assert_ok(enc_end(&e, &bytes));
	assert_ok(buf_append(&out, bytes));
	enc_fini(&e);
	return out;
}

static enum err read_sample(struct view in, uint64_t *ret)
{
	struct enc_reader r;
	enc_read_begin(&r, in, "crs1/sample");
	(void)enc_read_id(&r);
	*ret = enc_read_u64(&r);
	(void)enc_read_hash(&r);
	(void)enc_read_bytes(&r, 1, 4);
	return enc_read_end(&r);
}

static void refuse_sample(struct view bad, void *ctx)
{
	(void)ctx;
	uint64_t v = 0;
	/* A changed byte inside a field is another value, not another form: only form is judged. */
	const enum err e = read_sample(bad, &v);
	assert_true(e == ERR_BAD_FORMAT || e == ERR_OK);
	if (bad.len != 91) assert_err(e, ERR_BAD_FORMAT);
}

static void test_reader_takes_exactly_one_form(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = sample();
	uint64_t v = 0;
	assert_ok(read_sample(buf_view(&b), &v));
	assert_int_equal(v, 77);
	assert_int_equal(b.len, 91);
	test_each_damage(buf_view(&b), refuse_sample, NULL);
	for (size_t i = 0; i < 15; i++) { /* the label and its length: every bit counts */
		b.p[i] ^= 1;
		assert_err(read_sample(buf_view(&b), &v), ERR_BAD_FORMAT);
		b.p[i] ^= 1;
	}
}

static void test_reader_errors_stick(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = sample();
	struct enc_reader r;
	enc_read_begin(&r, buf_view(&b), "crs1/other1");
	assert_int_equal(enc_read_left(&r), 0);
	const struct id id = enc_read_id(&r);
	assert_true(id_is_zero(&id));
	assert_int_equal(enc_read_u64(&r), 0);
	assert_int_equal(enc_read_bytes(&r, 0, 100).len, 0);
	assert_err(enc_read_end(&r), ERR_BAD_FORMAT);
}

static void test_reader_bounds_field_lengths(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf b = sample();
	static const struct {
		size_t min, max;
		enum err want;
	} cases[] = { { 4, 4, ERR_OK }, { 0, 3, ERR_BAD_FORMAT }, { 5, 9, ERR_BAD_FORMAT } };
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct enc_reader r;
		enc_read_begin(&r, buf_view(&b), "crs1/sample");
		assert_int_equal(enc_read_left(&r), 4);
		(void)enc_read_id(&r);
		(void)enc_read_u64(&r);
		(void)enc_read_hash(&r);
		assert_int_equal(enc_read_left(&r), 1);
		(void)enc_read_bytes(&r, cases[i].min, cases[i].max);
		assert_err(enc_read_end(&r), cases[i].want);
	}
}

static void test_reader_survives_a_huge_length(void **state)
{
	(void)state;
	static const uint8_t bytes[] = { 0, 0, 0, 1, 'l', 0xff, 0xff, 0xff, 0xff, 1, 2, 3 };
	struct enc_reader r;
	enc_read_begin(&r, VIEW_OF(bytes), "l");
	assert_int_equal(enc_read_left(&r), 0);
	(void)enc_read_bytes(&r, 0, SIZE_MAX);
	assert_err(enc_read_end(&r), ERR_BAD_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_builds_label_and_fields),
		cmocka_unit_test(test_boundaries_matter),
		cmocka_unit_test(test_too_big_sticks),
		cmocka_unit_test(test_secret_one_never_grows),
		cmocka_unit_test(test_reader_takes_exactly_one_form),
		cmocka_unit_test(test_reader_errors_stick),
		cmocka_unit_test(test_reader_bounds_field_lengths),
		cmocka_unit_test(test_reader_survives_a_huge_length),
	};
	return cmocka_run_group_tests(tests, test_start_crypt, NULL);
}
