/* Recomputes the vectors of tests/data/vectors that tests/tools/vectors.py made without our
 * code. */
#include "crypt/aead.h"
#include "crypt/audit.h"
#include "crypt/codes.h"
#include "crypt/courier.h"
#include "crypt/directory.h"
#include "crypt/hmac.h"
#include "crypt/join_blob.h"
#include "crypt/op.h"
#include "crypt/pass_keys.h"
#include "crypt/passphrase.h"
#include "crypt/proof.h"
#include "crypt/records.h"
#include "unit/crypt/helpers.h"
#include "unit/crypt/vector_file.h"

static struct sign_key vector_sign_key(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *seed = vector_secret(v, "seed");
	struct sign_key k = { 0 };
	assert_ok(sign_key_from_seed(seed, &k));
	return k;
}

static struct sign_sig vector_sig(const struct vector *v, const char *name)
{
	struct sign_sig sig = { { 0 } };
	vector_copy(v, name, sig.b, sizeof(sig.b));
	return sig;
}

static void vector_add_fields(const struct vector *v, struct enc *e)
{
	struct view field;
	for (size_t i = 0; vector_nth(v, "field", i, &field); i++) enc_add_bytes(e, field);
}

/* ---- primitives ---- */

static void check_enc(const struct vector *v)
{
	CLEANUP(enc_finip) struct enc e;
	enc_begin(&e, vector_text(v, "label"));
	vector_add_fields(v, &e);
	struct view bytes;
	struct hash32 h;
	assert_ok(enc_end(&e, &bytes));
	assert_ok(hash_enc(&e, &h));
	vector_expect(v, "enc", bytes);
	vector_expect(v, "hash", hash_view(&h));
}

static void check_hash(const struct vector *v)
{
	const struct hash32 blake = hash_bytes(vector_bytes(v, "data"));
	const struct hash32 sha = hash_spki(vector_bytes(v, "data"));
	vector_expect(v, "blake2b", hash_view(&blake));
	vector_expect(v, "sha256", hash_view(&sha));
}

static void check_hmac(const struct vector *v)
{
	const struct hmac mac = hmac_sha512(vector_bytes(v, "key"), vector_bytes(v, "data"));
	vector_expect(v, "mac", VIEW_OF(mac.b));
	assert_ok(hmac_verify(vector_bytes(v, "key"), vector_bytes(v, "data"),
			      vector_bytes(v, "mac")));
}

static void check_hkdf(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *prk = NULL;
	CLEANUP(secret_freep) struct secret *okm = NULL;
	CLEANUP(enc_finip) struct enc info;
	enc_begin(&info, vector_text(v, "label"));
	vector_add_fields(v, &info);
	assert_ok(kdf_extract(vector_bytes(v, "salt"), vector_bytes(v, "ikm"), &prk));
	vector_expect(v, "prk", secret_view(prk));
	assert_ok(kdf_expand(prk, &info, vector_bytes(v, "okm").len, &okm));
	vector_expect(v, "okm", secret_view(okm));
}

static void check_aead(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *key = vector_secret(v, "key");
	CLEANUP(buf_finip) struct buf out = { 0 };
	const struct view aad = vector_bytes(v, "aad"), plain = vector_bytes(v, "plain");
	assert_ok(aead_seal_with_nonce(key, vector_bytes(v, "nonce"), aad, plain, &out));
	vector_expect(v, "sealed", buf_view(&out));
	buf_clear(&out);
	assert_ok(aead_seal_once(key, aad, plain, &out));
	vector_expect(v, "once", buf_view(&out));
	buf_clear(&out);
	assert_ok(aead_open_buf(key, aad, vector_bytes(v, "sealed"), &out));
	vector_expect(v, "plain", buf_view(&out));
}

static void check_box(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *e = vector_secret(v, "e");
	CLEANUP(secret_freep) struct secret *sk = vector_secret(v, "sk");
	CLEANUP(box_key_finip) struct box_key key = { 0 };
	CLEANUP(buf_finip) struct buf out = { 0 };
	CLEANUP(enc_finip) struct enc info;
	sealed_box_begin(&info, vector_text(v, "label"));
	vector_add_fields(v, &info);
	assert_ok(box_key_from_sk(sk, &key));
	vector_expect(v, "pk", box_pk_view(&key.pk));
	assert_ok(sealed_box_seal_with(e, &key.pk, &info, vector_bytes(v, "plain"), &out));
	vector_expect(v, "sealed", buf_view(&out));
	buf_clear(&out);
	assert_ok(sealed_box_open_buf(&key, &info, vector_bytes(v, "sealed"), &out));
	vector_expect(v, "plain", buf_view(&out));
}

static void check_sign(const struct vector *v)
{
	CLEANUP(sign_key_finip) struct sign_key k = vector_sign_key(v);
	vector_expect(v, "pk", sign_pk_view(&k.pk));
	const struct sign_sig sig = sign_bytes(&k, vector_bytes(v, "message"));
	vector_expect(v, "sig", sign_sig_view(&sig));
	assert_ok(sign_verify(&k.pk, vector_bytes(v, "message"), &sig));
}

static void check_nfkc(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *p = NULL;
	assert_ok(passphrase_normalize(vector_bytes(v, "raw"), &p, NULL));
	vector_expect(v, "p", secret_view(p));
}

/* ---- people and machines ---- */

static void check_pass_keys(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *a = vector_secret(v, "a");
	CLEANUP(secret_freep) struct secret *cs = vector_secret(v, "cs");
	CLEANUP(pass_keys_finip) struct pass_keys k = { 0 };
	const struct id clinic = vector_id(v, "clinic"), user = vector_id(v, "user");
	assert_ok(pass_keys_from_a(a, cs, &clinic, &user, &k));
	vector_expect(v, "uwk", secret_view(k.uwk));
	vector_expect(v, "ucm", hash_view(&k.ucm));
	vector_expect(v, "ask", secret_view(k.ask));
	vector_expect(v, "auth_pk", sign_pk_view(&k.auth.pk));
}

static void check_login(const struct vector *v)
{
	CLEANUP(sign_key_finip) struct sign_key auth = vector_sign_key(v);
	CLEANUP(buf_finip) struct buf message = { 0 };
	struct login_proof p = { .clinic_id = vector_id(v, "clinic"),
				 .user_id = vector_id(v, "user"),
				 .room_spki = vector_hash(v, "spki") };
	vector_copy(v, "cn", p.cn, sizeof(p.cn));
	vector_copy(v, "sn", p.sn, sizeof(p.sn));
	vector_copy(v, "exporter", p.exporter, sizeof(p.exporter));
	struct sign_sig sig;
	assert_ok(login_proof_message(&p, &message));
	vector_expect(v, "message", buf_view(&message));
	assert_ok(login_proof_sign(&p, &auth, &sig));
	vector_expect(v, "sig", sign_sig_view(&sig));
	assert_ok(login_proof_verify(&p, &auth.pk, &sig));
}

static void check_fake(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *key = vector_secret(v, "key");
	struct id user;
	uint8_t salt[KDF_SALT_BYTES];
	assert_ok(login_fake_params(key, vector_bytes(v, "handle"), &user, salt));
	vector_expect(v, "user", id_view(&user));
	vector_expect(v, "salt", VIEW_OF(salt));
}

static void check_passphrase_change(const struct vector *v)
{
	CLEANUP(sign_key_finip) struct sign_key key = vector_sign_key(v);
	struct passphrase_change c = { .clinic_id = vector_id(v, "clinic"),
				       .user_id = vector_id(v, "user"),
				       .keyring_rev = vector_u64(v, "rev"),
				       .blob = vector_bytes(v, "blob") };
	vector_copy(v, "auth_pk", c.auth_pk.b, SIGN_PK_BYTES);
	struct sign_sig sig;
	assert_ok(passphrase_change_sign(&c, &key, &sig));
	vector_expect(v, "sig", sign_sig_view(&sig));
	assert_ok(passphrase_change_verify(&c, &key.pk, &sig));
}

static void check_setup(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *s = vector_secret(v, "s");
	CLEANUP(secret_freep) struct secret *mac_key = NULL;
	assert_ok(setup_mac_derive(s, &mac_key));
	vector_expect(v, "setup_mac", secret_view(mac_key));
	const struct hmac proof = setup_proof_make(mac_key, vector_bytes(v, "exporter"));
	vector_expect(v, "proof", VIEW_OF(proof.b));
	assert_ok(setup_proof_verify(mac_key, vector_bytes(v, "exporter"), VIEW_OF(proof.b)));
}

static void check_enrol(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *j = vector_secret(v, "j");
	CLEANUP(join_keys_finip) struct join_keys k = { 0 };
	const struct hash32 spki = vector_hash(v, "spki");
	struct hmac proof;
	assert_ok(join_keys_derive(j, &k));
	vector_expect(v, "join_id", id_view(&k.join_id));
	vector_expect(v, "join_wrap", secret_view(k.wrap));
	vector_expect(v, "join_mac", secret_view(k.mac));
	assert_ok(enrol_proof_make(k.mac, &spki, vector_bytes(v, "exporter"), &proof));
	vector_expect(v, "proof", VIEW_OF(proof.b));
	assert_ok(enrol_proof_verify(k.mac, &spki, vector_bytes(v, "exporter"), VIEW_OF(proof.b)));
}

static void check_setup_code(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *s = vector_secret(v, "s");
	CLEANUP(secret_freep) struct secret *text = NULL;
	CLEANUP(setup_code_finip) struct setup_code code = { 0 };
	const struct hash32 spki = vector_hash(v, "spki");
	assert_ok(setup_code_print(s, &spki, &text));
	vector_expect(v, "text", secret_view(text));
	assert_ok(setup_code_parse(vector_bytes(v, "text"), &code, NULL));
	vector_expect(v, "s", secret_view(code.s));
	assert_true(setup_code_names(&code, &spki));
}

static void check_join_code(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *j = vector_secret(v, "j");
	CLEANUP(secret_freep) struct secret *text = NULL;
	CLEANUP(secret_freep) struct secret *back = NULL;
	assert_ok(join_code_print(j, &text));
	vector_expect(v, "text", secret_view(text));
	assert_ok(join_code_parse(vector_bytes(v, "text"), &back, NULL));
	vector_expect(v, "j", secret_view(back));
}

static void check_code(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *text = NULL;
	CLEANUP(secret_freep) struct secret *plain = NULL;
	CLEANUP(secret_freep) struct secret *back = NULL;
	const struct view data = vector_bytes(v, "data");
	assert_ok(code_print(vector_text(v, "kind"), data, &text));
	vector_expect(v, "text", secret_view(text));
	assert_ok(base32_print(data, &plain));
	vector_expect(v, "plain", secret_view(plain));
	assert_ok(code_parse(vector_text(v, "kind"), data.len, secret_view(text), &back, NULL));
	vector_expect(v, "data", secret_view(back));
}

/* ---- ops, directory, records ---- */

static void check_op(const struct vector *v)
{
	CLEANUP(sign_key_finip) struct sign_key key = vector_sign_key(v);
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	const struct op_core op = {
		.clinic_id = vector_id(v, "clinic"),
		.op_id = vector_id(v, "op"),
		.kind = vector_u64(v, "kind"),
		.author_id = vector_id(v, "author"),
		.author_gen = vector_u64(v, "author_gen"),
		.lane_id = vector_hash(v, "lane"),
		.lane_seq = vector_u64(v, "lane_seq"),
		.prev_hash = vector_hash(v, "prev"),
		.seen_heads_hash = vector_hash(v, "heads"),
		.client_time_ms = vector_u64(v, "time"),
		.payload_hash = vector_hash(v, "payload_hash"),
	};
	struct op_core back;
	assert_ok(op_core_encode(&op, &bytes));
	vector_expect(v, "core", buf_view(&bytes));
	assert_ok(op_core_parse(vector_bytes(v, "core"), &back));
	assert_int_equal(back.kind, op.kind);
	assert_ok(op_check_payload(&back, vector_bytes(v, "payload")));
	const struct hash32 h = op_hash(buf_view(&bytes));
	vector_expect(v, "hash", hash_view(&h));
	const struct sign_sig sig = op_sign(&key, buf_view(&bytes));
	vector_expect(v, "sig", sign_sig_view(&sig));
}

static void check_lane(const struct vector *v)
{
	const struct id user = vector_id(v, "user"), room = vector_id(v, "room");
	struct hash32 lane;
	assert_ok(lane_id_make(&user, &room, (enum op_lane_class)vector_u64(v, "class"),
			       vector_bytes(v, "random").p, &lane));
	vector_expect(v, "lane", hash_view(&lane));
}

static void check_heads(const struct vector *v)
{
	struct op_head heads[8];
	size_t count = 0;
	struct view lane = VIEW_EMPTY, op = VIEW_EMPTY;
	while (vector_nth(v, "lane", count, &lane)) {
		assert_true(vector_nth(v, "op", count, &op));
		assert_ok(hash_from_view(lane, &heads[count].lane_id));
		assert_ok(hash_from_view(op, &heads[count].op_hash));
		heads[count].lane_seq = vector_find(v, "seq", count)->number;
		count++;
	}
	struct hash32 h;
	op_heads_sort(heads, count);
	assert_ok(op_heads_hash(heads, count, &h));
	vector_expect(v, "hash", hash_view(&h));
}

static void check_dir(const struct vector *v)
{
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	struct dir_entry e = {
		.clinic_id = vector_id(v, "clinic"),
		.dir_seq = vector_u64(v, "seq"),
		.prev_hash = vector_hash(v, "prev"),
		.user_id = vector_id(v, "user"),
		.g = vector_u64(v, "g"),
		.name = vector_bytes(v, "name"),
		.roles = vector_u64(v, "roles"),
		.status = (enum dir_status)vector_u64(v, "status"),
		.signer_id = vector_id(v, "signer"),
		.signer_g = vector_u64(v, "signer_g"),
	};
	vector_copy(v, "sign_pk", e.sign_pk.b, SIGN_PK_BYTES);
	vector_copy(v, "box_pk", e.box_pk.b, BOX_PK_BYTES);
	struct dir_entry back;
	assert_ok(dir_entry_encode(&e, &bytes));
	vector_expect(v, "entry", buf_view(&bytes));
	const struct hash32 h = hash_bytes(buf_view(&bytes));
	vector_expect(v, "hash", hash_view(&h));
	assert_ok(dir_entry_parse(vector_bytes(v, "entry"), &back));
	vector_expect(v, "name", back.name);
}

static void check_fingerprint(const struct vector *v)
{
	const struct id clinic = vector_id(v, "clinic"), user = vector_id(v, "user");
	struct sign_pk sign_pk;
	struct box_pk box_pk;
	char text[FINGERPRINT_TEXT_BYTES];
	vector_copy(v, "sign_pk", sign_pk.b, SIGN_PK_BYTES);
	vector_copy(v, "box_pk", box_pk.b, BOX_PK_BYTES);
	assert_ok(fingerprint_print(&clinic, &user, vector_u64(v, "g"), &sign_pk, &box_pk, text));
	vector_expect(v, "text", view_str(text));
}

static void check_record_sig(const struct vector *v)
{
	CLEANUP(sign_key_finip) struct sign_key key = vector_sign_key(v);
	const struct sign_sig sig = sign_bytes(&key, vector_bytes(v, "record"));
	vector_expect(v, "sig", sign_sig_view(&sig));
}

static void check_server_record(const struct vector *v)
{
	CLEANUP(sign_key_finip) struct sign_key key = vector_sign_key(v);
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	struct server_record r = { .clinic_id = vector_id(v, "clinic"),
				   .seq = vector_u64(v, "seq") };
	struct view spki = VIEW_EMPTY;
	while (vector_nth(v, "spki", r.spki_count, &spki)) {
		assert_ok(hash_from_view(spki, &r.spki[r.spki_count++]));
	}
	vector_copy(v, "ingest", r.ingest_pk.b, BOX_PK_BYTES);
	vector_copy(v, "log", r.log_pk.b, SIGN_PK_BYTES);
	assert_ok(server_record_encode(&r, &bytes));
	vector_expect(v, "record", buf_view(&bytes));
	check_record_sig(v);
	struct server_record back;
	const struct sign_sig sig = vector_sig(v, "sig");
	assert_ok(server_record_verify(buf_view(&bytes), &sig, &r.clinic_id, &key.pk, &back));
	assert_int_equal(back.spki_count, r.spki_count);
	assert_true(server_record_has_spki(&back, &r.spki[r.spki_count - 1]));
}

static void check_policy(const struct vector *v)
{
	CLEANUP(sign_key_finip) struct sign_key key = vector_sign_key(v);
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	struct policy p = { .clinic_id = vector_id(v, "clinic"),
			    .version = vector_u64(v, "version"),
			    .clinic_name = vector_bytes(v, "name"),
			    .k = vector_u64(v, "k"),
			    .n = vector_u64(v, "n") };
	vector_copy(v, "crk", p.crk_pk.b, BOX_PK_BYTES);
	assert_ok(policy_encode(&p, &bytes));
	vector_expect(v, "record", buf_view(&bytes));
	check_record_sig(v);
	struct policy back;
	const struct sign_sig sig = vector_sig(v, "sig");
	assert_ok(policy_verify(buf_view(&bytes), &sig, &p.clinic_id, &key.pk, &back));
	assert_int_equal(back.k, p.k);
}

static void check_epoch(const struct vector *v)
{
	CLEANUP(sign_key_finip) struct sign_key key = vector_sign_key(v);
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	const struct epoch_record r = { .clinic_id = vector_id(v, "clinic"),
					.epoch = vector_id(v, "epoch"),
					.n = vector_u64(v, "n"),
					.restored_seq = vector_u64(v, "restored_seq"),
					.reason = vector_bytes(v, "reason"),
					.signer_id = vector_id(v, "signer"),
					.signer_g = vector_u64(v, "signer_g") };
	assert_ok(epoch_record_encode(&r, &bytes));
	vector_expect(v, "record", buf_view(&bytes));
	check_record_sig(v);
	struct epoch_record back;
	const struct sign_sig sig = vector_sig(v, "sig");
	assert_ok(epoch_record_verify(buf_view(&bytes), &sig, &r.clinic_id, &key.pk, &back));
	assert_int_equal(back.restored_seq, r.restored_seq);
}

static void check_log(const struct vector *v)
{
	const struct audit_entry e = { .epoch = vector_id(v, "epoch"),
				       .seq = vector_u64(v, "seq"),
				       .prev = vector_hash(v, "prev"),
				       .row_hash = vector_hash(v, "row"),
				       .time_ms = vector_u64(v, "time") };
	struct hash32 h;
	assert_ok(audit_entry_hash(&e, &h));
	vector_expect(v, "hash", hash_view(&h));
}

static void check_head(const struct vector *v)
{
	CLEANUP(sign_key_finip) struct sign_key key = vector_sign_key(v);
	const struct audit_head h = { .clinic_id = vector_id(v, "clinic"),
				      .epoch = vector_id(v, "epoch"),
				      .seq = vector_u64(v, "seq"),
				      .entry = vector_hash(v, "entry"),
				      .time_ms = vector_u64(v, "time") };
	struct sign_sig sig;
	assert_ok(audit_head_sign(&h, &key, &sig));
	vector_expect(v, "sig", sign_sig_view(&sig));
	assert_ok(audit_head_verify(&h, &key.pk, &sig));
}

/* ---- courier and join ---- */

static void check_boot_key(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *sk = vector_secret(v, "ingest_sk");
	CLEANUP(box_key_finip) struct box_key ingest = { 0 };
	CLEANUP(boot_key_finip) struct boot_key boot = { 0 };
	const struct id room = vector_id(v, "room"), boot_id = vector_id(v, "boot");
	assert_ok(box_key_from_sk(sk, &ingest));
	assert_ok(boot_key_open(&ingest, &room, &boot_id, vector_bytes(v, "sealed"), &boot));
	vector_expect(v, "key", secret_view(boot.key));
}

static void check_outbox(const struct vector *v)
{
	CLEANUP(boot_key_finip)
	struct boot_key boot = { .boot_id = vector_id(v, "boot"), .key = vector_secret(v, "key") };
	CLEANUP(buf_finip) struct buf out = { 0 };
	const struct outbox_row row = { .room_id = vector_id(v, "room"),
					.op_id = vector_id(v, "op"),
					.lane_id = vector_hash(v, "lane"),
					.lane_seq = vector_u64(v, "lane_seq") };
	assert_ok(outbox_row_open(&boot, &row, vector_bytes(v, "sealed"), &out));
	vector_expect(v, "plain", buf_view(&out));
}

static void check_join_blob(const struct vector *v)
{
	CLEANUP(secret_freep) struct secret *j = vector_secret(v, "j");
	CLEANUP(join_keys_finip) struct join_keys keys = { 0 };
	CLEANUP(join_blob_finip) struct join_blob b = { 0 };
	const struct id clinic = vector_id(v, "clinic");
	assert_ok(join_keys_derive(j, &keys));
	assert_ok(join_blob_open(&keys, &clinic, vector_u64(v, "expires"),
				 vector_bytes(v, "sealed"), &b));
	assert_int_equal(b.cs_id, vector_u64(v, "cs_id"));
	assert_int_equal(b.prev_cs_id, vector_u64(v, "prev_cs_id"));
	vector_expect(v, "cs", secret_view(b.cs));
	vector_expect(v, "prev_cs", b.prev_cs == NULL ? VIEW_EMPTY : secret_view(b.prev_cs));
	vector_expect(v, "root_pk", sign_pk_view(&b.root_pk));
	vector_expect(v, "server_record", buf_view(&b.server_record));
	vector_expect(v, "epoch_record", buf_view(&b.epoch_record));
	vector_expect(v, "epoch_sig", sign_sig_view(&b.epoch_record_sig));
	vector_expect(v, "dir_hash", hash_view(&b.dir_hash));
	vector_expect(v, "policy", buf_view(&b.policy));
	assert_int_equal(b.dir_seq, vector_u64(v, "dir_seq"));
}

static void test_primitives(void **state)
{
	(void)state;
	static const struct vector_kind kinds[] = {
		{ "enc", check_enc, 5 },   { "hash", check_hash, 5 }, { "hmac", check_hmac, 5 },
		{ "hkdf", check_hkdf, 5 }, { "aead", check_aead, 6 }, { "box", check_box, 4 },
		{ "sign", check_sign, 4 }, { "nfkc", check_nfkc, 9 },
	};
	vector_run_file("primitives.txt", kinds, COUNT_OF(kinds));
}

static void test_formats(void **state)
{
	(void)state;
	static const struct vector_kind kinds[] = {
		{ "pass-keys", check_pass_keys, 4 },
		{ "login", check_login, 2 },
		{ "fake", check_fake, 3 },
		{ "passphrase", check_passphrase_change, 1 },
		{ "setup", check_setup, 2 },
		{ "enrol", check_enrol, 2 },
		{ "setup-code", check_setup_code, 3 },
		{ "join-code", check_join_code, 3 },
		{ "code", check_code, 4 },
		{ "op", check_op, 4 },
		{ "lane", check_lane, 2 },
		{ "heads", check_heads, 3 },
		{ "dir", check_dir, 4 },
		{ "fingerprint", check_fingerprint, 3 },
		{ "server-record", check_server_record, 3 },
		{ "policy", check_policy, 3 },
		{ "epoch", check_epoch, 2 },
		{ "log", check_log, 2 },
		{ "head", check_head, 2 },
		{ "boot-key", check_boot_key, 2 },
		{ "outbox", check_outbox, 2 },
		{ "join-blob", check_join_blob, 2 },
	};
	vector_run_file("formats.txt", kinds, COUNT_OF(kinds));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_primitives),
		cmocka_unit_test(test_formats),
	};
	return cmocka_run_group_tests(tests, test_start_crypt, NULL);
}
