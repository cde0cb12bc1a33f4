/* base, wire, crypt, seal, JSON: code without files, strictly: what runs out is said to run out. */
#include "scenes.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/rand.h"
#include "client/api/json.h"
#include "crypt/codes.h"
#include "crypt/courier.h"
#include "crypt/join_blob.h"
#include "crypt/kdf.h"
#include "crypt/pass_keys.h"
#include "crypt/passphrase.h"
#include "seal/keyring.h"
#include "seal/local_row.h"
#include "seal/note.h"
#include "seal/shares.h"
#include "wire/frame.h"
#include "wire/op.h"

#include <string.h>

static struct id some_id(uint8_t fill)
{
	struct id id;
	for (size_t i = 0; i < ID_BYTES; i++) id.b[i] = fill;
	return id;
}

static void set_crypt(void)
{
	FAULT_OK(crypt_init());
}

/* ---- base -------------------------------------------------------------------------------- */

static enum err run_buf(void)
{
	CLEANUP(buf_finip) struct buf b = { 0 };
	TRY(buf_append_str(&b, "one two three four five"));
	for (unsigned i = 0; i < 40; i++) {
		const size_t before = b.len;
		const enum err e = buf_append_fmt(&b, "line %u of a text that grows\n", i);
		if (e != ERR_OK) FAULT_CHECK(b.len == before);
		TRY(e);
	}
	const char *text = NULL;
	TRY(buf_cstr(&b, &text));
	FAULT_CHECK(strlen(text) == b.len);
	return ERR_OK;
}

static enum err run_arena(void)
{
	CLEANUP(arena_finip) struct arena a;
	arena_init(&a, MIB);
	for (size_t bytes = 1; bytes < 20000; bytes *= 3) {
		ENSURE(arena_alloc(&a, bytes) != NULL, ERR_NOMEM);
		ENSURE(arena_dup(&a, view_str("some words")).p != NULL, ERR_NOMEM);
	}
	arena_reset(&a);
	ENSURE(arena_alloc(&a, 100) != NULL, ERR_NOMEM);
	return ERR_OK;
}

static enum err run_rand(void)
{
	const struct rand_source r = rand_system();
	uint64_t all = 0;
	for (unsigned i = 0; i < 16; i++) all |= rand_u64(&r);
	FAULT_CHECK(all != 0);
	return ERR_OK;
}

/* ---- wire -------------------------------------------------------------------------------- */

static enum err push_encode(struct arena *a, struct buf *out)
{
	static const uint8_t bytes[200];
	struct wire_head heads[3] = { { .lane_seq = 1 }, { .lane_seq = 2 }, { .lane_seq = 3 } };
	for (size_t i = 0; i < 3; i++) heads[i].lane_id[0] = (uint8_t)(i + 1);
	const struct wire_op op = { .core = VIEW_OF(bytes),
				    .signature = view_of(bytes, WIRE_SIGNATURE_BYTES),
				    .payload = VIEW_OF(bytes),
				    .has_payload = true,
				    .has_intro = true,
				    .intro = { .lane_class = 1 },
				    .heads = heads,
				    .head_count = 3 };
	Roomkeep__Op *ops[2] = { NULL, NULL };
	Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;
	Roomkeep__Push push = ROOMKEEP__PUSH__INIT;
	TRY(wire_op_write(a, &op, &ops[0]));
	TRY(wire_op_write(a, &op, &ops[1]));
	push.n_ops = 2;
	push.ops = ops;
	frame.has_request = true;
	frame.request = 7;
	frame.body_case = ROOMKEEP__FRAME__BODY_PUSH;
	frame.push = &push;
	return frame_encode(&frame, out);
}

static enum err run_wire(void)
{
	CLEANUP(arena_finip) struct arena a;
	CLEANUP(buf_finip) struct buf out = { 0 };
	arena_init(&a, FRAME_PARSE_BYTES_MAX);
	TRY(push_encode(&a, &out));
	struct view body;
	TRY(frame_peek(buf_view(&out), FRAME_BODY_BYTES_MAX, &body));
	Roomkeep__Frame *frame = NULL;
	TRY(frame_decode(&a, body, &frame));
	FAULT_CHECK(frame->body_case == ROOMKEEP__FRAME__BODY_PUSH && frame->push->n_ops == 2);
	struct wire_op op = { 0 };
	TRY(wire_op_read(&a, frame->push->ops[1], &op));
	FAULT_CHECK(op.head_count == 3 && op.heads[2].lane_seq == 3);
	CLEANUP(buf_finip) struct buf alone = { 0 };
	TRY(wire_op_encode(&op, &alone));
	return wire_op_decode(&a, buf_view(&alone), &op);
}

/* ---- crypt ------------------------------------------------------------------------------- */

static enum err run_codes(void)
{
	CLEANUP(secret_freep) struct secret *s = NULL;
	CLEANUP(secret_freep) struct secret *text = NULL;
	CLEANUP(setup_code_finip) struct setup_code code = { 0 };
	const struct hash32 spki = { { 5 } };
	enum code_fault typo = CODE_NONE;
	TRY(secret_new_random(16, &s));
	TRY(setup_code_print(s, &spki, &text));
	TRY(setup_code_parse(secret_view(text), &code, &typo));
	FAULT_CHECK(secret_equal(code.s, s) && setup_code_names(&code, &spki));
	return ERR_OK;
}

static enum err run_pass(void)
{
	CLEANUP(secret_freep) struct secret *p = NULL;
	CLEANUP(secret_freep) struct secret *cs = NULL;
	CLEANUP(pass_keys_finip) struct pass_keys keys = { 0 };
	const struct kdf_params params = kdf_params_default();
	static const uint8_t salt[KDF_SALT_BYTES];
	const struct id clinic = some_id(1);
	const struct id user = some_id(2);
	enum passphrase_fault weak = PASSPHRASE_NONE;
	const struct passphrase_owner who = { .login = view_str("jo"),
					      .name = view_str("Jo Park"),
					      .clinic_name = view_str("Harbour Street") };
	TRY(passphrase_normalize(view_str(FAULT_PASS), &p, &weak));
	TRY(passphrase_check_new(p, &who, &weak));
	TRY(secret_new_random(KEY_BYTES, &cs));
	return pass_keys_derive(p, VIEW_OF(salt), &params, cs, &clinic, &user, &keys);
}

static enum err run_courier(void)
{
	CLEANUP(box_key_finip) struct box_key ingest = { 0 };
	CLEANUP(boot_key_finip) struct boot_key boot = { 0 };
	CLEANUP(boot_key_finip) struct boot_key again = { 0 };
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	CLEANUP(buf_finip) struct buf row = { 0 };
	CLEANUP(buf_finip) struct buf plain = { 0 };
	const struct outbox_row at = { .room_id = some_id(3), .op_id = some_id(4), .lane_seq = 1 };
	TRY(box_key_new(&ingest));
	TRY(boot_key_new(&boot));
	TRY(boot_key_seal(&boot, &ingest.pk, &at.room_id, &sealed));
	TRY(boot_key_open(&ingest, &at.room_id, &boot.boot_id, buf_view(&sealed), &again));
	TRY(outbox_row_seal(&boot, &at, view_str("an op"), &row));
	TRY(outbox_row_open(&again, &at, buf_view(&row), &plain));
	FAULT_CHECK(view_equal(buf_view(&plain), view_str("an op")));
	return ERR_OK;
}

/* ---- seal -------------------------------------------------------------------------------- */

static enum err keyring_both_ways(const struct pass_keys *keys)
{
	CLEANUP(keyring_freep) struct keyring *k = NULL;
	CLEANUP(keyring_freep) struct keyring *again = NULL;
	CLEANUP(buf_finip) struct buf blob = { 0 };
	static const uint8_t salt[KDF_SALT_BYTES];
	const struct kdf_params params = { .t = 3, .m_kib = 256 * 1024 };
	const struct keyring_expect expect = { .clinic_id = some_id(1), .user_id = some_id(2) };
	TRY(keyring_new(&expect.clinic_id, &expect.user_id, &k));
	TRY(keyring_add_gen(k));
	TRY(keyring_seal(k, keys, 5, &params, salt, 1, &blob));
	TRY(keyring_open(buf_view(&blob), &expect, keys, &again));
	CLEANUP(sign_key_finip) struct sign_key sign = { 0 };
	CLEANUP(box_key_finip) struct box_key box = { 0 };
	CLEANUP(secret_freep) struct secret *local = NULL;
	const struct id room = some_id(9);
	TRY(keyring_sign_key(again, 2, &sign));
	TRY(keyring_box_key(again, 1, &box));
	return keyring_local_key(again, 2, &room, &local);
}

static enum err run_keyring(void)
{
	CLEANUP(secret_freep) struct secret *a = NULL;
	CLEANUP(secret_freep) struct secret *cs = NULL;
	CLEANUP(pass_keys_finip) struct pass_keys keys = { 0 };
	const struct id clinic = some_id(1);
	const struct id user = some_id(2);
	TRY(secret_new_random(KEY_BYTES, &a));
	TRY(secret_new_random(KEY_BYTES, &cs));
	TRY(pass_keys_from_a(a, cs, &clinic, &user, &keys));
	return keyring_both_ways(&keys);
}

static enum err run_note(void)
{
	CLEANUP(secret_freep) struct secret *kek = NULL;
	CLEANUP(secret_freep) struct secret *nk = NULL;
	CLEANUP(secret_freep) struct secret *again = NULL;
	CLEANUP(buf_finip) struct buf wrapped = { 0 };
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	const struct note_wrap_context c = { .g = 1, .note_gen = 1 };
	const struct note_head head = { .note_gen = 1, .author_gen = 1, .lane_seq = 1 };
	struct hash32 commitment;
	static uint8_t plain[NOTE_PADDED_BYTES_MAX];
	size_t len = 0;
	TRY(secret_new_random(KEY_BYTES, &kek));
	TRY(note_key_new(&nk));
	TRY(note_key_wrap(kek, &c, nk, &wrapped));
	TRY(note_key_unwrap(kek, &c, buf_view(&wrapped), &again));
	TRY(note_seal(nk, &head, view_str(FAULT_NOTE), &commitment, &sealed));
	TRY(note_open(again, &head, &commitment, buf_view(&sealed), plain, sizeof(plain), &len));
	FAULT_CHECK(view_equal(view_of(plain, len), view_str(FAULT_NOTE)));
	return ERR_OK;
}

static enum err run_row(void)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	CLEANUP(buf_finip) struct buf plain = { 0 };
	const struct row_context c = { .table = "op", .row_id = view_str("row"), .row_rev = 1 };
	TRY(secret_new_random(KEY_BYTES, &key));
	TRY(row_seal(key, &c, view_str("a row"), &sealed));
	return row_open(key, &c, buf_view(&sealed), &plain);
}

#define SHARES 3u

static void shares_finip(struct share (*s)[SHARES])
{
	for (size_t i = 0; i < SHARES; i++) share_fini(&(*s)[i]);
}

static enum err run_shares(void)
{
	CLEANUP(secret_freep) struct secret *sk = NULL;
	CLEANUP(box_key_finip) struct box_key key = { 0 };
	CLEANUP(shares_finip) struct share all[SHARES] = { { 0 } };
	CLEANUP(secret_freep) struct secret *text = NULL;
	CLEANUP(share_finip) struct share typed = { 0 };
	CLEANUP(secret_freep) struct secret *back = NULL;
	size_t bad = 0;
	TRY(secret_new_random(KEY_BYTES, &sk));
	TRY(box_key_from_sk(sk, &key));
	TRY(shares_split(sk, SHARE_X25519, 2, SHARES, all));
	TRY(share_print(&all[2], &text));
	TRY(share_parse(secret_view(text), &typed, NULL));
	TRY(shares_combine(all, 2, SHARE_X25519, box_pk_view(&key.pk), &back, &bad));
	FAULT_CHECK(secret_equal(sk, back));
	return ERR_OK;
}

/* ---- JSON -------------------------------------------------------------------------------- */

static void json_freep(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}

static enum err run_json(void)
{
	CLEANUP(json_freep) json_t *in = NULL;
	CLEANUP(json_freep) json_t *out = NULL;
	CLEANUP(json_text_freep) char *text = NULL;
	const struct id id = some_id(7);
	TRY(json_object_read(view_str("{\"verb\":\"add patient\",\"name\":\"Maya Rosen\","
				      "\"list\":[1,2,{\"deep\":[true,null,1.5]}],\"born\":\"\"}"),
			     &in));
	out = json_object();
	ENSURE(out != NULL, ERR_NOMEM);
	TRY(json_put_text(out, "name", view_str(json_text_of(in, "name"))));
	TRY(json_put_id(out, "id", &id));
	TRY(json_put_time(out, "at", 951782399999));
	TRY(json_put(out, "list", json_deep_copy(json_object_get(in, "list"))));
	TRY(json_text_dump(out, &text));
	FAULT_CHECK(strstr(text, "Maya Rosen") != NULL);
	return ERR_OK;
}

static void set_json(void)
{
	json_start();
}

#define SMALL(id, label, what, before, go)                                                         \
	const struct fault_scene scene_##id = {                                                    \
		.name = label, .says = what, .set = before, .run = go, .strict = true              \
	}

SMALL(buf, "base.buf", "a buffer grows", NULL, run_buf);
SMALL(arena, "base.arena", "an arena fills, twice", NULL, run_arena);
SMALL(rand, "base.rand", "random numbers of the system", NULL, run_rand);
SMALL(wire, "wire.push", "a Push and its ops, to bytes and back", NULL, run_wire);
SMALL(codes, "crypt.codes", "a setup code, printed and typed", set_crypt, run_codes);
SMALL(pass, "crypt.pass", "a passphrase becomes keys", set_crypt, run_pass);
SMALL(courier, "crypt.courier", "an outbox row and its boot key", set_crypt, run_courier);
SMALL(keyring, "seal.keyring", "a keyring, sealed and opened", set_crypt, run_keyring);
SMALL(note, "seal.note", "a note and its key", set_crypt, run_note);
SMALL(row, "seal.row", "a local row", set_crypt, run_row);
SMALL(shares, "seal.shares", "a key in shares and back", set_crypt, run_shares);
SMALL(json, "api.json", "a request read, an answer made", set_json, run_json);
