#include "base/rand.h"

#include "base/check.h"

#include "death.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_one_seed_gives_one_sequence(void **state)
{
	(void)state;
	struct rand_seeded s1, s2, s3;
	const struct rand_source a = rand_seeded_init(&s1, 7);
	const struct rand_source b = rand_seeded_init(&s2, 7);
	const struct rand_source c = rand_seeded_init(&s3, 8);
	int differ = 0;
	for (int i = 0; i < 100; i++) {
		const uint64_t va = rand_u64(&a);
		assert_int_equal(va, rand_u64(&b));
		if (va != rand_u64(&c)) differ++;
	}
	assert_true(differ > 95);
}

/* The published first outputs of splitmix64 for seed 1234567 (rosettacode.org lists the same). */
static void test_it_is_splitmix64(void **state)
{
	(void)state;
	const uint64_t want[] = { 6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
				  4593380528125082431u, 16408922859458223821u };
	struct rand_seeded s;
	const struct rand_source r = rand_seeded_init(&s, 1234567);
	for (size_t i = 0; i < COUNT_OF(want); i++) assert_int_equal(rand_u64(&r), want[i]);
}

/* Every byte of the asked length is written, none behind it. */
static void assert_fills_exactly(const struct rand_source *r)
{
	for (size_t len = 0; len <= 40; len++) {
		uint8_t seen[48] = { 0 };
		for (int round = 0; round < 40; round++) {
			uint8_t p[48] = { 0 };
			rand_fill(r, p, len);
			for (size_t i = 0; i < sizeof(p); i++) seen[i] |= p[i];
		}
		/* 40 random bytes are all zero once in 2^320 times. */
		for (size_t i = 0; i < len; i++) assert_int_not_equal(seen[i], 0);
		for (size_t i = len; i < sizeof(seen); i++) assert_int_equal(seen[i], 0);
	}
}

static void test_fill_writes_all_and_no_more(void **state)
{
	(void)state;
	struct rand_seeded s;
	const struct rand_source seeded = rand_seeded_init(&s, 1);
	const struct rand_source system = rand_system();
	assert_fills_exactly(&seeded);
	assert_fills_exactly(&system);
}

static void test_system_fills_more_than_one_call_gives(void **state)
{
	(void)state;
	/* getrandom(2) may be cut at 256 bytes by a signal and at 32 MiB always. */
	static uint8_t big[40000];
	const struct rand_source r = rand_system();
	rand_fill(&r, big, sizeof(big));
	size_t zeros = 0;
	for (size_t i = 0; i < sizeof(big); i++) zeros += big[i] == 0;
	assert_in_range(zeros, 50, 300); /* about 156 */
}

static void test_below_stays_below_and_reaches_all(void **state)
{
	(void)state;
	struct rand_seeded s;
	const struct rand_source r = rand_seeded_init(&s, 42);
	for (uint64_t below = 1; below < 20; below++) {
		uint64_t seen = 0;
		for (int i = 0; i < 2000; i++) {
			const uint64_t v = rand_below(&r, below);
			assert_true(v < below);
			seen |= 1ull << v;
		}
		assert_int_equal(seen, (1ull << below) - 1);
	}
	for (int i = 0; i < 100; i++) assert_true(rand_below(&r, UINT64_MAX) < UINT64_MAX);
}

/* A source that plays values, to see what rand_below refuses. */
struct played {
	const uint64_t *values;
	size_t at;
};

static void played_fill(void *ctx, void *p, size_t len)
{
	struct played *d = ctx;
	assert_int_equal(len, 8);
	memcpy(p, &d->values[d->at++], len);
}

static void test_below_rejects_the_uneven_rest(void **state)
{
	(void)state;
	/* 2^64 mod 3 = 1: only 0 is refused. 2^64 mod (2^63 + 1) = 2^63 - 1: what is below is. */
	const uint64_t three[] = { 0, 0, 1 };
	struct played d = { three, 0 };
	struct rand_source r = { played_fill, &d };
	assert_int_equal(rand_below(&r, 3), 1);
	assert_int_equal(d.at, 3);

	const uint64_t half = 1ull << 63;
	const uint64_t large[] = { 5, half - 2, half - 1 };
	d = (struct played){ large, 0 };
	assert_int_equal(rand_below(&r, half + 1), half - 1);
	assert_int_equal(d.at, 3);

	const uint64_t even[] = { 0, 99 };
	d = (struct played){ even, 0 };
	assert_int_equal(rand_below(&r, 1ull << 32), 0); /* nothing to refuse */
	assert_int_equal(d.at, 1);
}

static void below_zero(void *arg)
{
	(void)rand_below(arg, 0);
}

static void test_below_zero_is_our_bug(void **state)
{
	(void)state;
	struct rand_source r = rand_system();
	assert_int_equal(death_of(below_zero, &r).signal, SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_seed_gives_one_sequence),
		cmocka_unit_test(test_it_is_splitmix64),
		cmocka_unit_test(test_fill_writes_all_and_no_more),
		cmocka_unit_test(test_system_fills_more_than_one_call_gives),
		cmocka_unit_test(test_below_stays_below_and_reaches_all),
		cmocka_unit_test(test_below_rejects_the_uneven_rest),
		cmocka_unit_test(test_below_zero_is_our_bug),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
