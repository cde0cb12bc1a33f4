/* shares and kit: SECURITY 6.1 K3: every k shares give the key, fewer do not, and the wrong one is
 * named. */
#include "crypt/codes.h"
#include "crypt/enc.h"
#include "seal/kit.h"
#include "seal/shares.h"
#include "unit/crypt/helpers.h"

struct split {
	struct secret *key;
	struct box_pk pk;
	struct share shares[RECOVERY_SHARES_MAX];
	size_t n;
};

static struct split split_make(uint8_t first, unsigned k, unsigned n)
{
	CLEANUP(box_key_finip) struct box_key box = test_box_key(first);
	struct split s = { .key = test_secret(first, KEY_BYTES), .pk = box.pk, .n = n };
	assert_ok(shares_split(s.key, SHARE_X25519, k, n, s.shares));
	return s;
}

static void split_finip(struct split *s)
{
	for (size_t i = 0; i < s->n; i++) share_fini(&s->shares[i]);
	secret_freep(&s->key);
}

static enum err combine(const struct split *s, const struct share *shares, size_t count,
			size_t *ret_bad)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	const enum err e =
		shares_combine(shares, count, SHARE_X25519, box_pk_view(&s->pk), &key, ret_bad);
	assert_int_equal(e == ERR_OK, key != NULL);
	if (e == ERR_OK) assert_true(secret_equal(key, s->key));
	return e;
}

static void test_every_subset_of_the_right_size(void **state)
{
	(void)state;
	static const struct {
		unsigned k, n;
	} sizes[] = { { 2, 3 }, { 3, 5 }, { 2, 2 }, { 4, 6 } };
	for (size_t t = 0; t < COUNT_OF(sizes); t++) {
		CLEANUP(split_finip)
		struct split s = split_make((uint8_t)(t + 1), sizes[t].k, sizes[t].n);
		for (unsigned mask = 1; mask < 1u << sizes[t].n; mask++) {
			struct share chosen[RECOVERY_SHARES_MAX];
			size_t count = 0, bad = 99;
			for (size_t i = sizes[t].n; i-- > 0;) { /* in any order */
				if (mask >> i & 1u) chosen[count++] = s.shares[i];
			}
			assert_err(combine(&s, chosen, count, &bad),
				   count >= sizes[t].k ? ERR_OK : ERR_MORE);
			assert_int_equal(bad, 99);
		}
	}
}

static void test_ed25519_seed(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *seed = test_secret(1, KEY_BYTES);
	CLEANUP(sign_key_finip) struct sign_key root = test_sign_key(1);
	CLEANUP(secret_freep) struct secret *back = NULL;
	struct share shares[3];
	size_t bad = 99;
	assert_ok(shares_split(seed, SHARE_ED25519_SEED, 2, 3, shares));
	assert_ok(shares_combine(shares + 1, 2, SHARE_ED25519_SEED, sign_pk_view(&root.pk), &back,
				 &bad));
	assert_true(secret_equal(seed, back));
	for (int i = 0; i < 3; i++) share_fini(&shares[i]);
}

static void test_splitting_is_random(void **state)
{
	(void)state;
	CLEANUP(split_finip) struct split a = split_make(1, 2, 3);
	CLEANUP(split_finip) struct split b = split_make(1, 2, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_false(secret_equal(a.shares[i].y, b.shares[i].y));
		assert_false(secret_equal(a.shares[i].y, a.key));
		assert_int_equal(a.shares[i].x, i + 1);
	}
}

static void test_wrong_shares_are_named(void **state)
{
	(void)state;
	CLEANUP(split_finip) struct split s = split_make(1, 2, 3);
	CLEANUP(split_finip) struct split foreign = split_make(2, 2, 3);
	CLEANUP(split_finip) struct split wider = split_make(1, 3, 5);
	size_t bad = 99;
	struct share two[2] = { s.shares[0], s.shares[0] };
	assert_err(combine(&s, two, 2, &bad), ERR_EXISTS);
	assert_int_equal(bad, 1);
	two[1] = foreign.shares[1];
	assert_err(combine(&s, two, 2, &bad), ERR_CONFLICT);
	assert_int_equal(bad, 1);
	two[0] = foreign.shares[0];
	two[1] = s.shares[1];
	assert_err(combine(&s, two, 2, &bad), ERR_CONFLICT);
	assert_int_equal(bad, 0);
	two[0] = s.shares[0];
	two[1] = wider.shares[1]; /* the same key, another splitting */
	assert_err(combine(&s, two, 2, &bad), ERR_CONFLICT);
	assert_int_equal(bad, 1);
	assert_err(combine(&s, two, 0, &bad), ERR_MORE);
}

/* Shares of an earlier splitting of the same key fit by every number on them; only the result
 * tells. */
static void test_wrong_value_is_named_when_one_is_to_spare(void **state)
{
	(void)state;
	CLEANUP(split_finip) struct split s = split_make(1, 2, 3);
	CLEANUP(split_finip) struct split earlier = split_make(1, 2, 3);
	size_t bad = 99;
	struct share three[3] = { s.shares[0], earlier.shares[1], s.shares[2] };
	assert_err(combine(&s, three, 2, &bad), ERR_AUTH);
	assert_int_equal(bad, 2); /* = count: cannot tell which */
	assert_err(combine(&s, three, 3, &bad), ERR_AUTH);
	assert_int_equal(bad, 1);
	CLEANUP(split_finip) struct split other = split_make(7, 2, 3);
	s.pk.b[0] ^= 1;
	assert_err(combine(&s, s.shares, 2, &bad), ERR_CONFLICT);
	assert_err(combine(&other, s.shares, 2, &bad), ERR_CONFLICT);
}

static void test_limits_of_splitting(void **state)
{
	(void)state;
	CLEANUP(secret_freep) struct secret *key = test_secret(1, KEY_BYTES);
	CLEANUP(secret_freep) struct secret *short_key = test_secret(1, KEY_BYTES - 1);
	struct share shares[RECOVERY_SHARES_MAX + 1] = { 0 };
	static const unsigned bad[][2] = {
		{ 1, 3 }, { 0, 0 }, { 4, 3 }, { 2, RECOVERY_SHARES_MAX + 1 }
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_err(shares_split(key, SHARE_X25519, bad[i][0], bad[i][1], shares),
			   ERR_BAD_VALUE);
		assert_null(shares[0].y);
	}
	assert_err(shares_split(short_key, SHARE_X25519, 2, 3, shares), ERR_BAD_VALUE);
	assert_ok(
		shares_split(key, SHARE_X25519, RECOVERY_SHARES_MAX, RECOVERY_SHARES_MAX, shares));
	CLEANUP(split_finip) struct split s = split_make(1, 2, 2);
	size_t bad_index = 99;
	assert_ok(combine(&s, shares, RECOVERY_SHARES_MAX, &bad_index));
	for (size_t i = 0; i < RECOVERY_SHARES_MAX; i++) share_fini(&shares[i]);
}

static void test_text_goes_round_and_finds_errors(void **state)
{
	(void)state;
	CLEANUP(split_finip) struct split s = split_make(1, 2, 3);
	CLEANUP(secret_freep) struct secret *text = NULL;
	CLEANUP(share_finip) struct share back = { 0 };
	assert_ok(share_print(&s.shares[2], &text));
	assert_int_equal(text->len, 77 + 19);
	assert_ok(share_parse(secret_view(text), &back, NULL));
	assert_int_equal(back.k, 2);
	assert_int_equal(back.n, 3);
	assert_int_equal(back.x, 3);
	assert_true(secret_equal(back.y, s.shares[2].y));
	for (size_t i = 0; i < text->len; i++) {
		const uint8_t right = text->p[i];
		enum code_fault fault = CODE_NONE;
		struct share none = { 0 };
		if (right == '-') continue;
		text->p[i] = right == 'A' ? 'B' : 'A';
		assert_err(share_parse(secret_view(text), &none, &fault), ERR_BAD_VALUE);
		assert_int_equal(fault, CODE_BAD_CHECK);
		text->p[i] = '*';
		assert_err(share_parse(secret_view(text), &none, &fault), ERR_BAD_VALUE);
		assert_int_equal(fault, CODE_BAD_CHARACTER);
		assert_null(none.y);
		text->p[i] = right;
	}
	enum code_fault fault = CODE_NONE;
	struct share none = { 0 };
	assert_err(share_parse(view_of(text->p, text->len - 1), &none, &fault), ERR_BAD_VALUE);
	assert_int_equal(fault, CODE_TOO_SHORT);
	assert_err(share_parse(VIEW_EMPTY, &none, NULL), ERR_BAD_VALUE);
}

/* ---- texts whose check is right and whose content is not ---- */

enum { AT_MAGIC = 0, AT_VERSION = 4, AT_K = 5, AT_N = 6, AT_X = 7, AT_CHECK = 44 };

static enum err parse_with_byte(const struct secret *text, size_t at, uint8_t value)
{
	CLEANUP(secret_freep) struct secret *bytes = NULL;
	CLEANUP(secret_freep) struct secret *forged = NULL;
	CLEANUP(share_finip) struct share s = { 0 };
	CLEANUP(enc_finip) struct enc e;
	struct hash32 h;
	enum code_fault fault = CODE_NONE;
	assert_ok(base32_parse(secret_view(text), SHARE_BYTES, &bytes, NULL));
	bytes->p[at] = value;
	enc_begin(&e, "crs1/share");
	enc_add_bytes(&e, view_of(bytes->p, AT_CHECK));
	assert_ok(hash_enc(&e, &h));
	memcpy(bytes->p + AT_CHECK, h.b, SHARE_BYTES - AT_CHECK);
	assert_ok(base32_print(secret_view(bytes), &forged));
	const enum err e1 = share_parse(secret_view(forged), &s, &fault);
	assert_int_equal(fault == CODE_BAD_CHECK, e1 == ERR_BAD_VALUE);
	assert_err(share_parse(secret_view(forged), &s, NULL), e1); /* where nobody asks why */
	return e1;
}

/* Another program's text, a later form of ours, and shares that no split of ours makes. */
static void test_texts_that_no_split_of_ours_made(void **state)
{
	(void)state;
	CLEANUP(split_finip) struct split s = split_make(1, 2, 3);
	CLEANUP(secret_freep) struct secret *text = NULL;
	static const struct {
		size_t at;
		uint8_t value;
		enum err want;
	} cases[] = {
		{ AT_MAGIC, 'X', ERR_VERSION },
		{ AT_VERSION, 2, ERR_VERSION },
		{ AT_K, 1, ERR_BAD_VALUE },
		{ AT_K, 4, ERR_BAD_VALUE },
		{ AT_N, 1, ERR_BAD_VALUE },
		{ AT_N, RECOVERY_SHARES_MAX + 1, ERR_BAD_VALUE },
		{ AT_X, 0, ERR_BAD_VALUE },
		{ AT_X, 4, ERR_BAD_VALUE },
		{ AT_N, RECOVERY_SHARES_MAX, ERR_OK },
	};
	assert_ok(share_print(&s.shares[0], &text));
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_err(parse_with_byte(text, cases[i].at, cases[i].value), cases[i].want);
}

/* What did not come from a text is looked at again. */
static void test_shares_that_cannot_be_are_named(void **state)
{
	(void)state;
	CLEANUP(split_finip) struct split s = split_make(1, 2, 3);
	CLEANUP(secret_freep) struct secret *stub = test_secret(9, KEY_BYTES - 1);
	struct secret *none = NULL;
	size_t bad = 99;
	struct share odd[RECOVERY_SHARES_MAX + 1] = { 0 };
	assert_err(
		shares_combine(odd, COUNT_OF(odd), SHARE_X25519, box_pk_view(&s.pk), &none, &bad),
		ERR_TOO_BIG);
#define ODD(field, value)                                                                          \
	do {                                                                                       \
		odd[0] = s.shares[0];                                                              \
		odd[1] = s.shares[1];                                                              \
		odd[1].field = value;                                                              \
		bad = 99;                                                                          \
		assert_err(combine(&s, odd, 2, &bad), ERR_CONFLICT);                               \
		assert_int_equal(bad, 1);                                                          \
	} while (0)
	ODD(k, 3);
	ODD(n, 4);
	ODD(x, 0);
	ODD(x, 4);
	ODD(y, NULL);
	ODD(y, stub);
#undef ODD
	for (unsigned k = 1; k <= 4; k += 3) { /* too few, and more than there are */
		odd[0] = s.shares[0];
		odd[0].k = (uint8_t)k;
		assert_err(combine(&s, odd, 1, &bad), ERR_CONFLICT);
		assert_int_equal(bad, 0);
	}
}

/* ---- kit ---- */

struct kit_case {
	struct split crk, backup;
	struct share root_shares[3];
	struct secret *cs, *second;
	struct sign_key root;
	struct kit kit;
};

static int kit_setup(void **state)
{
	struct kit_case *c = calloc(1, sizeof(*c));
	if (c == NULL) return 1;
	c->crk = split_make(1, 2, 3);
	c->backup = split_make(2, 2, 3);
	c->root = test_sign_key(3);
	CLEANUP(secret_freep) struct secret *root_seed = test_secret(3, KEY_BYTES);
	assert_ok(shares_split(root_seed, SHARE_ED25519_SEED, 2, 3, c->root_shares));
	c->cs = test_secret(4, KEY_BYTES);
	c->second = test_secret(5, KEY_BYTES);
	c->kit = (struct kit){ .clinic_name = view_str("Harbour Massage"),
			       .clinic_id = test_id(0xcc),
			       .root_pk = c->root.pk,
			       .cs_id = 1,
			       .cs = c->cs,
			       .k = 2,
			       .n = 3,
			       .recovery_shares = c->crk.shares,
			       .root_shares = c->root_shares,
			       .backup_shares = c->backup.shares,
			       .backup_pk = c->backup.pk,
			       .second_backup_sk = c->second,
			       .created = view_str("2026-03-01") };
	*state = c;
	return 0;
}

static int kit_teardown(void **state)
{
	struct kit_case *c = *state;
	split_finip(&c->crk);
	split_finip(&c->backup);
	for (int i = 0; i < 3; i++) share_fini(&c->root_shares[i]);
	secret_free(c->cs);
	secret_free(c->second);
	sign_key_fini(&c->root);
	free(c);
	return 0;
}

static struct share share_on(const struct secret *page, const char *name)
{
	struct view code;
	struct share s = { 0 };
	assert_ok(kit_page_find(secret_view(page), name, &code));
	assert_ok(share_parse(code, &s, NULL));
	return s;
}

/* Any two pages rebuild all three keys, as people would type them back. */
static void test_two_pages_give_everything_back(void **state)
{
	struct kit_case *c = *state;
	struct share crk[2], root[2], backup[2];
	for (unsigned i = 0; i < 2; i++) {
		CLEANUP(secret_freep) struct secret *page = NULL;
		assert_ok(kit_page_make(&c->kit, i * 2, &page));
		crk[i] = share_on(page, KIT_RECOVERY_SHARE);
		root[i] = share_on(page, KIT_ROOT_SHARE);
		backup[i] = share_on(page, KIT_BACKUP_SHARE);
		CLEANUP(secret_freep) struct secret *cs = NULL;
		struct view code;
		assert_ok(kit_page_find(secret_view(page), KIT_CLINIC_SECRET, &code));
		assert_ok(code_parse(KIT_CODE_TYPE_CS, KEY_BYTES, code, &cs, NULL));
		assert_true(secret_equal(cs, c->cs));
	}
	CLEANUP(secret_freep) struct secret *seed = NULL;
	size_t bad = 99;
	assert_ok(combine(&c->crk, crk, 2, &bad));
	assert_ok(combine(&c->backup, backup, 2, &bad));
	assert_ok(shares_combine(root, 2, SHARE_ED25519_SEED, sign_pk_view(&c->root.pk), &seed,
				 &bad));
	for (int i = 0; i < 2; i++) {
		share_fini(&crk[i]);
		share_fini(&root[i]);
		share_fini(&backup[i]);
	}
}

static void test_only_the_first_page_has_the_second_backup_key(void **state)
{
	struct kit_case *c = *state;
	for (unsigned holder = 0; holder < 3; holder++) {
		CLEANUP(secret_freep) struct secret *page = NULL;
		CLEANUP(secret_freep) struct secret *key = NULL;
		struct view code;
		assert_ok(kit_page_make(&c->kit, holder, &page));
		assert_non_null(strstr(secret_text(page), "Harbour Massage\n"));
		assert_non_null(strstr(secret_text(page), "cccccccc-cccc-cccc-cccc-cccccccccccc"));
		assert_err(kit_page_find(secret_view(page), KIT_BACKUP_KEY, &code),
			   holder == 0 ? ERR_OK : ERR_NOT_FOUND);
		if (holder > 0) continue;
		assert_ok(code_parse(KIT_CODE_TYPE_BACKUP, KEY_BYTES, code, &key, NULL));
		assert_true(secret_equal(key, c->second));
	}
	struct secret *none = NULL;
	assert_err(kit_page_make(&c->kit, 3, &none), ERR_BAD_VALUE);
	assert_null(none);
}

/* A clinic name with a line end could put a second "recovery share:" on the page. */
static void test_names_cannot_forge_lines(void **state)
{
	struct kit_case *c = *state;
	struct secret *none = NULL;
	c->kit.clinic_name = view_str("Harbour\n\nrecovery share:\n  AAAA\n\n");
	assert_err(kit_page_make(&c->kit, 0, &none), ERR_BAD_VALUE);
	c->kit.clinic_name = view_str("\xff");
	assert_err(kit_page_make(&c->kit, 0, &none), ERR_BAD_VALUE);
}

static void test_kits_that_would_not_open_anything(void **state)
{
	struct kit_case *c = *state;
	CLEANUP(secret_freep) struct secret *stub = test_secret(9, KEY_BYTES - 1);
	struct secret *none = NULL;
#define REFUSED(field, value)                                                                      \
	do {                                                                                       \
		const struct kit whole = c->kit;                                                   \
		c->kit.field = value;                                                              \
		assert_err(kit_page_make(&c->kit, 0, &none), ERR_BAD_VALUE);                       \
		assert_null(none);                                                                 \
		c->kit = whole;                                                                    \
	} while (0)
	REFUSED(k, 1);
	REFUSED(k, 4);
	REFUSED(n, 1);
	REFUSED(n, RECOVERY_SHARES_MAX + 1);
	REFUSED(cs_id, 0);
	REFUSED(cs, stub);
	REFUSED(second_backup_sk, stub);
	REFUSED(created, view_str("2026-03-01\nclinic: other"));
#undef REFUSED
}

/* A page has a size; a name that is longer than any name may be does not run over its end. */
static void test_a_page_is_not_longer_than_a_page(void **state)
{
	struct kit_case *c = *state;
	static char name[64 * 1024];
	struct secret *none = NULL;
	for (size_t i = 0; i + 1 < sizeof(name); i++) name[i] = 'a';
	c->kit.clinic_name = view_str(name);
	assert_err(kit_page_make(&c->kit, 0, &none), ERR_TOO_BIG);
	assert_null(none);
	c->kit.clinic_name = VIEW_EMPTY;
	assert_ok(kit_page_make(&c->kit, 0, &none));
	secret_free(none);
}

static void test_lines_fit_paper(void **state)
{
	struct kit_case *c = *state;
	CLEANUP(secret_freep) struct secret *page = NULL;
	assert_ok(kit_page_make(&c->kit, 0, &page));
	size_t column = 0;
	for (size_t i = 0; i < page->len; i++) {
		column = page->p[i] == '\n' ? 0 : column + 1;
		assert_true(column <= 96);
	}
}

#define kit_test(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_subset_of_the_right_size),
		cmocka_unit_test(test_ed25519_seed),
		cmocka_unit_test(test_splitting_is_random),
		cmocka_unit_test(test_wrong_shares_are_named),
		cmocka_unit_test(test_wrong_value_is_named_when_one_is_to_spare),
		cmocka_unit_test(test_limits_of_splitting),
		cmocka_unit_test(test_text_goes_round_and_finds_errors),
		cmocka_unit_test(test_texts_that_no_split_of_ours_made),
		cmocka_unit_test(test_shares_that_cannot_be_are_named),
		kit_test(test_two_pages_give_everything_back),
		kit_test(test_only_the_first_page_has_the_second_backup_key),
		kit_test(test_names_cannot_forge_lines),
		kit_test(test_kits_that_would_not_open_anything),
		kit_test(test_a_page_is_not_longer_than_a_page),
		kit_test(test_lines_fit_paper),
	};
	return cmocka_run_group_tests(tests, test_start_crypt, NULL);
}
