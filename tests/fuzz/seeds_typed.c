/* seeds_typed: codes, shares, kit pages, names and the like, CSV files, JSON. The numbers in
 * front of those for fuzz_typed are places in its table. */
#include "crypt/hash.h"
#include "fuzz/fuzz_keys.h"
#include "fuzz/seeds.h"
#include "seal/kit.h"
#include "seal/shares.h"

enum {
	AS_SETUP_CODE,
	AS_JOIN_CODE,
	AS_CODE,
	AS_SHARE,
	AS_SHARES,
	AS_KIT_PAGE,
	AS_PASSPHRASE,
	AS_NAME,
	AS_WORDS,
	AS_ADDRESS,
};

static void seeds_codes(void)
{
	const struct view key = secret_view(fuzz_keys()->secret);
	const struct hash32 spki = hash_bytes(key);
	CLEANUP(secret_freep) struct secret *half = NULL;
	CLEANUP(secret_freep) struct secret *setup = NULL;
	CLEANUP(secret_freep) struct secret *join = NULL;
	CLEANUP(secret_freep) struct secret *code = NULL;
	CLEANUP(buf_finip) struct buf sized = { 0 };

	INSIST(secret_new_copy(view_of(key.p, CODE_SECRET_BYTES), &half) == ERR_OK);
	INSIST(setup_code_print(half, &spki, &setup) == ERR_OK);
	INSIST(join_code_print(half, &join) == ERR_OK);
	INSIST(code_print(KIT_CODE_TYPE_CS, key, &code) == ERR_OK);
	seed_write_as("typed", AS_SETUP_CODE, "setup_code", secret_view(setup));
	seed_write_as("typed", AS_JOIN_CODE, "join_code", secret_view(join));
	seed_put_u8(&sized, KEY_BYTES - 1);
	seed_put(&sized, secret_view(code));
	seed_write_as("typed", AS_CODE, "clinic_secret", buf_view(&sized));
}

/* The bytes of a share between magic and check value, as run_shares of fuzz_typed.c wants them. */
static void put_share(struct buf *b, const struct share *s)
{
	seed_put_u8(b, 1);
	seed_put_u8(b, s->k);
	seed_put_u8(b, s->n);
	seed_put_u8(b, s->x);
	seed_put(b, VIEW_OF(s->key_id));
	seed_put(b, secret_view(s->y));
}

static void seeds_shares(const struct share *shares)
{
	CLEANUP(secret_freep) struct secret *text = NULL;
	CLEANUP(buf_finip) struct buf two = { 0 };

	INSIST(share_print(&shares[0], &text) == ERR_OK);
	seed_write_as("typed", AS_SHARE, "share", secret_view(text));
	put_share(&two, &shares[0]);
	put_share(&two, &shares[2]);
	seed_write_as("typed", AS_SHARES, "two_shares", buf_view(&two));
	put_share(&two, &shares[0]);
	seed_write_as("typed", AS_SHARES, "one_twice", buf_view(&two));
}

static void seeds_kit(const struct share *shares)
{
	CLEANUP(secret_freep) struct secret *page = NULL;
	const struct kit kit = { .clinic_name = view_str("Harbour Massage"),
				 .clinic_id = fuzz_keys()->clinic,
				 .root_pk = fuzz_keys()->sign[0].pk,
				 .cs_id = 1,
				 .cs = fuzz_keys()->secret,
				 .k = 2,
				 .n = 3,
				 .recovery_shares = shares,
				 .root_shares = shares,
				 .backup_shares = shares,
				 .backup_pk = fuzz_keys()->box.pk,
				 .second_backup_pk = fuzz_keys()->box.pk,
				 .second_backup_sk = fuzz_keys()->secret,
				 .created = view_str("2026-11-24") };

	INSIST(kit_page_make(&kit, 0, &page) == ERR_OK);
	seed_write_as("typed", AS_KIT_PAGE, "kit_page", secret_view(page));
}

static void seeds_texts(void)
{
	static const struct {
		uint8_t as;
		const char *name, *text;
	} texts[] = {
		{ AS_PASSPHRASE, "passphrase", "correct horse battery staple\n" },
		{ AS_PASSPHRASE, "passphrase_nfkc", "\xef\xac\x81ve \xe2\x91\xa0 o\xcc\x88lfass" },
		{ AS_NAME, "name", "  Jos\xc3\xa9  \xc3\x81lvarez " },
		{ AS_NAME, "name_marks", "O'Brien \xc5\x81ukasz Z\xcc\x8c" },
		{ AS_NAME, "name_hangul", "\xea\xb9\x80\xeb\xaf\xbc\xec\x88\x98" },
		{ AS_WORDS, "id", "01234567-89ab-7def-8123-456789abcdef" },
		{ AS_WORDS, "date", "1980-02-29" },
		{ AS_WORDS, "role", "therapist" },
		{ AS_WORDS, "ref", "cx_rot" },
		{ AS_WORDS, "ref_near", "mmt_sh_abdu" },
		{ AS_ADDRESS, "address_name", "server.example:7001" },
		{ AS_ADDRESS, "address_v4", "127.0.0.1:7001" },
		{ AS_ADDRESS, "address_v6", "[2001:db8::1]:7001" },
	};
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		seed_write_as("typed", texts[i].as, texts[i].name, view_str(texts[i].text));
}

static void seeds_csv(void)
{
	seed_write_as("csv", 1, "header", view_str("ref,name,value\r\na,b,c\r\n"));
	seed_write_as("csv", 1, "other_header", view_str("ref,name\na,b\n"));
	seed_write_as("csv", 0, "quotes", view_str("a,\"b \"\"c\"\"\nd\",e\n\"\",,\n"));
	seed_write_as("csv", 0, "columns", view_str("a,b\n"));
	seed_write_as("csv", 0, "open_quote", view_str("a,\"b,c\n"));
	seed_write_as("csv", 0, "blanks", view_str(" a , b\t,c\r\n\r\n\nd,e,f"));
	seed_write_as("csv", 0, "not_utf8", view_str("a,\xff,c\n"));
}

static void seeds_json(void)
{
	static const struct {
		const char *name, *text;
	} texts[] = {
		{ "empty", "{}" },
		{ "patient", "{\"name\":\"Jos\\u00e9 \\ud834\\udd1e\",\"born\":\"1980-02-29\"}" },
		{ "time",
		  "{\"at\":\"2026-11-24T10:41:00.000Z\",\"to\":\"2026-11-24T10:41:00+01:00\"}" },
		{ "kinds", "{\"a\":[1,-2.5e3,true,null,{\"b\":[]}],\"c\":\"\\n\\\"\"}" },
		{ "twice", "{\"a\":1,\"a\":2}" },
		{ "nul", "{\"a\":\"\\u0000\"}" },
		{ "no_object", "[1]" },
		{ "deep", "{\"a\":[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}" },
	};
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		seed_write("json", texts[i].name, view_str(texts[i].text));
}

void seeds_typed(void)
{
	struct share shares[3] = { { 0 } };

	INSIST(shares_split(fuzz_keys()->secret, SHARE_X25519, 2, 3, shares) == ERR_OK);
	seeds_codes();
	seeds_shares(shares);
	seeds_kit(shares);
	seeds_texts();
	seeds_csv();
	seeds_json();
	for (size_t i = 0; i < COUNT_OF(shares); i++) share_fini(&shares[i]);
}
