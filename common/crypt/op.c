#include "crypt/op.h"

#include "base/check.h"
#include "crypt/enc.h"

#include <stdlib.h>

#define OP_LABEL "crs1/op"
#define LANE_LABEL "crs1/lane"
#define HEADS_LABEL "crs1/heads"

_Static_assert(OP_CORE_BYTES == ENC_HEAD_BYTES + sizeof(OP_LABEL) - 1 + 3 * ENC_ID_BYTES +
					4 * ENC_U64_BYTES + 4 * ENC_HASH_BYTES,
	       "three ids, four numbers, four hashes");

static void op_core_enc(const struct op_core *c, struct enc *e)
{
	enc_begin(e, OP_LABEL);
	enc_add_id(e, &c->clinic_id);
	enc_add_id(e, &c->op_id);
	enc_add_u64(e, c->kind);
	enc_add_id(e, &c->author_id);
	enc_add_u64(e, c->author_gen);
	enc_add_hash(e, &c->lane_id);
	enc_add_u64(e, c->lane_seq);
	enc_add_hash(e, &c->prev_hash);
	enc_add_hash(e, &c->seen_heads_hash);
	enc_add_u64(e, c->client_time_ms);
	enc_add_hash(e, &c->payload_hash);
}

static bool op_core_is_sound(const struct op_core *c)
{
	return c->author_gen >= 1 && c->lane_seq >= 1 &&
	       (c->lane_seq == 1) == hash_is_zero(&c->prev_hash);
}

enum err op_core_encode(const struct op_core *core, struct buf *out)
{
	REQUIRE(op_core_is_sound(core));
	CLEANUP(enc_finip) struct enc e;
	op_core_enc(core, &e);
	struct view bytes;
	TRY(enc_end(&e, &bytes));
	INSIST(bytes.len == OP_CORE_BYTES);
	return buf_append(out, bytes);
}

enum err op_core_parse(struct view bytes, struct op_core *ret)
{
	struct enc_reader r;
	struct op_core c = { 0 };
	enc_read_begin(&r, bytes, OP_LABEL);
	c.clinic_id = enc_read_id(&r);
	c.op_id = enc_read_id(&r);
	c.kind = enc_read_u64(&r);
	c.author_id = enc_read_id(&r);
	c.author_gen = enc_read_u64(&r);
	c.lane_id = enc_read_hash(&r);
	c.lane_seq = enc_read_u64(&r);
	c.prev_hash = enc_read_hash(&r);
	c.seen_heads_hash = enc_read_hash(&r);
	c.client_time_ms = enc_read_u64(&r);
	c.payload_hash = enc_read_hash(&r);
	TRY(enc_read_end(&r));
	ENSURE(op_core_is_sound(&c), ERR_BAD_FORMAT);
	*ret = c;
	return ERR_OK;
}

struct hash32 op_hash(struct view core_bytes)
{
	return hash_bytes(core_bytes);
}

struct hash32 op_payload_hash(struct view payload)
{
	return hash_bytes(payload);
}

enum err op_check_payload(const struct op_core *core, struct view payload)
{
	const struct hash32 got = op_payload_hash(payload);
	ENSURE(hash_equal(&got, &core->payload_hash), ERR_AUTH);
	return ERR_OK;
}

struct sign_sig op_sign(const struct sign_key *key, struct view core_bytes)
{
	return sign_bytes(key, core_bytes);
}

enum err op_verify(const struct sign_pk *pk, struct view core_bytes, const struct sign_sig *sig)
{
	return sign_verify(pk, core_bytes, sig);
}

enum err lane_id_make(const struct id *user_id, const struct id *room_id, enum op_lane_class class,
		      const uint8_t random[LANE_RANDOM_BYTES], struct hash32 *ret)
{
	ENSURE(class == OP_LANE_CHART || class == OP_LANE_SEALED, ERR_BAD_VALUE);
	CLEANUP(enc_finip) struct enc e;
	enc_begin(&e, LANE_LABEL);
	enc_add_id(&e, user_id);
	enc_add_id(&e, room_id);
	enc_add_u64(&e, class);
	enc_add_bytes(&e, view_of(random, LANE_RANDOM_BYTES));
	return hash_enc(&e, ret);
}

static int op_head_compare(const void *a, const void *b)
{
	const struct op_head *left = a, *right = b;
	return hash_compare(&left->lane_id, &right->lane_id);
}

void op_heads_sort(struct op_head *heads, size_t count)
{
	if (count > 1) qsort(heads, count, sizeof(heads[0]), op_head_compare);
}

enum err op_heads_hash(const struct op_head *heads, size_t count, struct hash32 *ret)
{
	ENSURE(count <= HEADS_MAX, ERR_BAD_VALUE);
	if (count == 0) {
		*ret = (struct hash32){ 0 };
		return ERR_OK;
	}
	CLEANUP(enc_finip) struct enc e;
	enc_begin(&e, HEADS_LABEL);
	for (size_t i = 0; i < count; i++) {
		const bool rising = i == 0 || op_head_compare(&heads[i - 1], &heads[i]) < 0;
		ENSURE(rising && heads[i].lane_seq >= 1, ERR_BAD_VALUE);
		enc_add_hash(&e, &heads[i].lane_id);
		enc_add_u64(&e, heads[i].lane_seq);
		enc_add_hash(&e, &heads[i].op_hash);
	}
	return hash_enc(&e, ret);
}
