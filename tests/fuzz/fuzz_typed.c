/* fuzz_typed: what people type or scan: codes, shares, kit pages, passphrases, names, dates,
 * addresses. The first byte chooses the reader.
 * Targets: setup_code_parse, join_code_parse, code_parse, base32_parse, share_parse,
 *          shares_combine, kit_page_find, passphrase_normalize, passphrase_check_new, text_*,
 *          date_parse, id_parse, access_role_parse, catalogue_find, catalogue_suggest,
 *          tcp_target_parse.
 * Holds:   what was read and is printed reads the same again; what was normalised stays as it
 *          is. */
#include "base/cleanup.h"
#include "crypt/passphrase.h"
#include "fuzz/fuzz_keys.h"
#include "net/tcp_address.h"
#include "record/access.h"
#include "record/catalogue.h"
#include "record/text.h"
#include "seal/kit.h"
#include "seal/shares.h"

#define SHARE_CHECKED_BYTES (SHARE_BYTES - 4u)
#define TYPED_SHARES_MAX 5u

/* ---- codes ---- */

static void run_setup_code(struct view in)
{
	CLEANUP(setup_code_finip) struct setup_code c = { 0 };
	CLEANUP(setup_code_finip) struct setup_code again = { 0 };
	CLEANUP(secret_freep) struct secret *text = NULL;
	enum code_fault fault = CODE_NONE;
	struct hash32 spki = { { 0 } };

	if (setup_code_parse(in, &c, &fault) != ERR_OK) {
		INSIST(fault != CODE_NONE);
		return;
	}
	memcpy(spki.b, c.spki, CODE_SPKI_BYTES);
	INSIST(setup_code_names(&c, &spki));
	INSIST(setup_code_print(c.s, &spki, &text) == ERR_OK);
	INSIST(setup_code_parse(secret_view(text), &again, &fault) == ERR_OK);
	INSIST(secret_equal(c.s, again.s) && setup_code_names(&again, &spki));
}

static void run_join_code(struct view in)
{
	CLEANUP(secret_freep) struct secret *j = NULL;
	CLEANUP(secret_freep) struct secret *again = NULL;
	CLEANUP(secret_freep) struct secret *text = NULL;
	enum code_fault fault = CODE_NONE;

	if (join_code_parse(in, &j, &fault) != ERR_OK) {
		INSIST(fault != CODE_NONE);
		return;
	}
	INSIST(join_code_print(j, &text) == ERR_OK);
	INSIST(join_code_parse(secret_view(text), &again, &fault) == ERR_OK);
	INSIST(secret_equal(j, again));
}

static void run_code(struct view in)
{
	CLEANUP(secret_freep) struct secret *s = NULL;
	CLEANUP(secret_freep) struct secret *again = NULL;
	CLEANUP(secret_freep) struct secret *text = NULL;
	struct fuzz_in at = { in };
	const size_t bytes = 1u + fuzz_below(&at, CODE_BYTES_MAX);

	if (code_parse(KIT_CODE_TYPE_CS, bytes, at.rest, &s, NULL) == ERR_OK) {
		INSIST(code_print(KIT_CODE_TYPE_CS, secret_view(s), &text) == ERR_OK);
		return;
	}
	if (base32_parse(at.rest, bytes, &s, NULL) != ERR_OK) return;
	INSIST(base32_print(secret_view(s), &text) == ERR_OK);
	INSIST(base32_parse(secret_view(text), bytes, &again, NULL) == ERR_OK);
	INSIST(secret_equal(s, again));
}

/* ---- shares ---- */

static void run_share(struct view in)
{
	CLEANUP(share_finip) struct share s = { 0 };
	CLEANUP(share_finip) struct share again = { 0 };
	CLEANUP(secret_freep) struct secret *text = NULL;
	enum code_fault fault = CODE_NONE;

	if (share_parse(in, &s, &fault) != ERR_OK) return;
	INSIST(s.k >= 2 && s.k <= s.n && s.n <= RECOVERY_SHARES_MAX && s.x >= 1 && s.x <= s.n);
	INSIST(share_print(&s, &text) == ERR_OK);
	INSIST(share_parse(secret_view(text), &again, &fault) == ERR_OK);
	INSIST(secret_equal(s.y, again.y) && s.x == again.x);
}

/* A share whose check value is right, around bytes of the input. */
static enum err make_share(struct view body, struct share *ret)
{
	uint8_t bytes[SHARE_BYTES] = { 'C', 'R', 'S', 'S' };
	CLEANUP(enc_finip) struct enc e;
	CLEANUP(secret_freep) struct secret *text = NULL;
	struct hash32 check;

	memcpy(bytes + 4, body.p, body.len);
	enc_begin(&e, "crs1/share");
	enc_add_bytes(&e, view_of(bytes, SHARE_CHECKED_BYTES));
	INSIST(hash_enc(&e, &check) == ERR_OK);
	memcpy(bytes + SHARE_CHECKED_BYTES, check.b, 4);
	INSIST(base32_print(VIEW_OF(bytes), &text) == ERR_OK);
	return share_parse(secret_view(text), ret, NULL);
}

static void run_shares(struct view in)
{
	struct share shares[TYPED_SHARES_MAX] = { { 0 } };
	CLEANUP(secret_freep) struct secret *key = NULL;
	struct fuzz_in at = { in };
	size_t count = 0;
	size_t bad = SIZE_MAX;

	for (size_t i = 0; i < TYPED_SHARES_MAX && fuzz_has(&at); i++) {
		const struct view body = fuzz_take(&at, SHARE_CHECKED_BYTES - 4);
		if (make_share(body, &shares[count]) == ERR_OK) count++;
	}
	const struct view pk = box_pk_view(&fuzz_keys()->box.pk);
	const enum err e = shares_combine(shares, count, SHARE_X25519, pk, &key, &bad);
	INSIST((e == ERR_OK) == (key != NULL));
	if (e == ERR_OK) {
		CLEANUP(box_key_finip) struct box_key again = { 0 };
		INSIST(box_key_from_sk(key, &again) == ERR_OK);
		INSIST(view_equal(box_pk_view(&again.pk), pk));
	}
	if (e == ERR_CONFLICT || e == ERR_EXISTS) INSIST(bad < count);
	if (e == ERR_AUTH) INSIST(bad <= count);
	for (size_t i = 0; i < count; i++) share_fini(&shares[i]);
}

static void run_kit_page(struct view in)
{
	static const char *const names[] = { KIT_RECOVERY_SHARE, KIT_ROOT_SHARE, KIT_BACKUP_SHARE,
					     KIT_CLINIC_SECRET, KIT_BACKUP_KEY };

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct view code;
		if (kit_page_find(in, names[i], &code) != ERR_OK) continue;
		INSIST(code.p >= in.p && code.p + code.len <= in.p + in.len);
		run_share(code);
	}
}

/* ---- texts ---- */

static void run_passphrase(struct view in)
{
	CLEANUP(secret_freep) struct secret *p = NULL;
	CLEANUP(secret_freep) struct secret *again = NULL;
	enum passphrase_fault fault = PASSPHRASE_NONE;
	const struct passphrase_owner who = { view_str("jo"), view_str("Jo Ng"), view_str("Bay") };

	if (passphrase_normalize(passphrase_trim_newline(in), &p, &fault) != ERR_OK) {
		INSIST(fault != PASSPHRASE_NONE);
		return;
	}
	INSIST(p->len <= PASSPHRASE_BYTES_MAX);
	INSIST(passphrase_check_new(p, &who, &fault) == ERR_OK || fault != PASSPHRASE_NONE);
	INSIST(passphrase_normalize(secret_view(p), &again, &fault) == ERR_OK);
	INSIST(secret_equal(p, again));
}

static void run_name(struct view in)
{
	CLEANUP(buf_finip) struct buf name = { 0 };
	CLEANUP(buf_finip) struct buf twice = { 0 };
	CLEANUP(buf_finip) struct buf key = { 0 };
	CLEANUP(buf_finip) struct buf key_twice = { 0 };

	if (text_normalise_name(in, &name) != ERR_OK) {
		INSIST(name.len == 0);
		return;
	}
	INSIST(text_check(buf_view(&name), TEXT_ONE_LINE) == ERR_OK);
	INSIST(text_is_trimmed(buf_view(&name)));
	INSIST(text_normalise_name(buf_view(&name), &twice) == ERR_OK);
	INSIST(view_equal(buf_view(&name), buf_view(&twice)));
	INSIST(text_search_key(buf_view(&name), &key) == ERR_OK);
	INSIST(text_key_matches(buf_view(&key), buf_view(&key)));
	INSIST(text_search_key(buf_view(&key), &key_twice) == ERR_OK);
	INSIST(view_equal(buf_view(&key), buf_view(&key_twice)));
}

static void run_words(struct view in)
{
	struct id id;
	struct date d;
	uint64_t role = 0;
	char text[ID_TEXT_BYTES];
	const char *near[CATALOGUE_NEAR_MAX];

	if (id_parse(in, &id) == ERR_OK) {
		struct id again;
		id_print(&id, text);
		INSIST(id_parse(view_str(text), &again) == ERR_OK && id_equal(&id, &again));
	}
	if (date_parse(in, &d) == ERR_OK) {
		INSIST(d.month >= 1 && d.month <= 12 && d.day >= 1 && d.day <= 31);
		INSIST(date_days(&d) > -33000 && date_days(&d) < 48000);
	}
	if (access_role_parse(in, &role) == ERR_OK)
		INSIST(view_equal(view_str(access_role_name(role)), in));
	const struct catalogue_entry *found = catalogue_find(in);
	INSIST(found == NULL || view_equal(view_str(found->ref), in));
	INSIST(catalogue_suggest(in, near) <= CATALOGUE_NEAR_MAX);
}

static void run_address(struct view in)
{
	char text[TCP_ADDRESS_TEXT_MAX + 16];
	struct tcp_target target;
	struct tcp_address address;
	struct tcp_address again;
	char printed[TCP_ADDRESS_TEXT_MAX];

	const size_t len = in.len < sizeof(text) - 1 ? in.len : sizeof(text) - 1;
	if (len > 0) memcpy(text, in.p, len);
	text[len] = '\0';
	if (tcp_target_parse(text, &target) != ERR_OK) return;
	INSIST(tcp_address_check(text) == ERR_OK);
	if (tcp_target_numeric(&target, &address) != ERR_OK) return;
	tcp_address_print(&address, printed);
	INSIST(tcp_target_parse(printed, &target) == ERR_OK);
	INSIST(tcp_target_numeric(&target, &again) == ERR_OK);
	INSIST(view_equal(VIEW_OF(address.ip), VIEW_OF(again.ip)) && address.port == again.port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(struct view) = {
		run_setup_code, run_join_code,  run_code, run_share, run_shares,
		run_kit_page,   run_passphrase, run_name, run_words, run_address,
	};
	struct fuzz_in in = { view_of(data, size) };

	fuzz_keys_reset();
	readers[fuzz_below(&in, COUNT_OF(readers))](in.rest);
	return 0;
}
