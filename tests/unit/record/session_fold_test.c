#include "record/fold.h"

#include "base/limits.h"

#include <stdarg.h>

#include "unit/record/session_model_say.h"

#include <setjmp.h>

#include <cmocka.h>

static const struct id session = { { 2 } };

/* ---- scenes that a person would tell --------------------------------------------------------- */

struct scene {
	struct session_fold fold;
	struct session_state s;
};

static void scene_begin(struct scene *c)
{
	session_fold_init(&c->fold, &session, test_hasher());
}

static void scene_add(struct scene *c, struct test_op op)
{
	if (op.author == 0) op.author = 3;
	assert_int_equal(add_op(&c->fold, &op), ERR_OK);
	assert_int_equal(session_fold_state(&c->fold, &c->s), ERR_OK);
}

static struct test_op frame_op(uint8_t op_id, uint64_t seq)
{
	return (struct test_op){ .kind = KIND_SESSION_FRAME,
				 .op_id = op_id,
				 .seq = seq,
				 .room = 4,
				 .started_ms = 1700000000000u };
}

static struct test_op text_op(uint8_t op_id, uint64_t seq, int field, const char *text,
			      uint8_t parent)
{
	struct test_op op = {
		.kind = KIND_SESSION_TEXT, .op_id = op_id, .seq = seq, .field = field
	};
	const int n = snprintf(op.text, sizeof(op.text), "%s", text);
	assert_true(n >= 0 && (size_t)n < sizeof(op.text));
	op.links[0] = parent;
	op.link_count = parent == 0 ? 0 : 1;
	return op;
}

static struct test_op measure_op(uint8_t op_id, uint64_t seq, uint8_t row, int64_t value)
{
	return (struct test_op){ .kind = KIND_MEASURE,
				 .op_id = op_id,
				 .seq = seq,
				 .row_id = row,
				 .value = value,
				 .at_ms = 1700000000000u + op_id };
}

static bool field_is(const struct scene *c, int field, const char *text)
{
	const struct fold_text *value = c->s.text[field - 1].value;
	return value != NULL && view_equal(value->text, view_str(text));
}

/* What the room would sign now, as an op. */
static enum err add_sign(struct scene *c, uint8_t op_id, uint64_t seq, uint8_t author)
{
	union sample m = sample_of(KIND_SIGN);
	ProtobufCBinaryData covered[64];
	assert_true(c->s.cover_count > 0 && c->s.cover_count <= 64);
	uint8_t hash[32];
	memcpy(hash, c->s.values_hash, 32);
	for (size_t i = 0; i < c->s.cover_count; i++) covered[i] = sample_id(c->s.covers[i].b[0]);
	m.sign.covered = covered;
	m.sign.n_covered = c->s.cover_count;
	m.sign.values_hash = (ProtobufCBinaryData){ 32, hash };
	const struct payload p = { .info = kind_find(KIND_SIGN), .is.any = &m.any };
	const struct test_op op = { .op_id = op_id, .author = author, .seq = seq };
	const struct fold_meta meta = meta_of(&op);
	TRY(session_fold_add(&c->fold, &meta, &p));
	return session_fold_state(&c->fold, &c->s);
}

static void test_an_empty_fold_shows_nothing(void **state)
{
	(void)state;
	struct scene c;
	scene_begin(&c);
	assert_int_equal(session_fold_state(&c.fold, &c.s), ERR_OK);
	assert_false(c.s.has_frame);
	assert_null(c.s.sign);
	assert_false(c.s.has_conflict);
	assert_int_equal(c.s.cover_count, 0);
	assert_int_equal(c.s.text[3].field, ROOMKEEP__TEXT_FIELD__PLAN);
	session_fold_fini(&c.fold);
	session_fold_fini(&c.fold);
}

static void test_an_edit_replaces_what_it_saw(void **state)
{
	(void)state;
	struct scene c;
	scene_begin(&c);
	scene_add(&c, frame_op(10, 1));
	scene_add(&c, text_op(11, 2, 1, "first", 0));
	assert_true(field_is(&c, 1, "first"));
	scene_add(&c, text_op(12, 3, 1, "second", 11));
	assert_true(field_is(&c, 1, "second"));
	assert_int_equal(c.s.text[0].heads[0]->meta.op_id.b[0], 12);
	assert_null(c.s.text[1].value);
	assert_int_equal(c.s.cover_count, 2); /* frame and the head, not what it replaced */
	session_fold_fini(&c.fold);
}

static void test_two_edits_that_did_not_see_each_other_conflict_until_a_third_saw_both(void **state)
{
	(void)state;
	struct scene c;
	scene_begin(&c);
	scene_add(&c, frame_op(10, 1));
	scene_add(&c, text_op(11, 2, 4, "base", 0));
	scene_add(&c, text_op(12, 3, 4, "room one", 11));
	scene_add(&c, text_op(13, 4, 4, "room two", 11));
	assert_true(c.s.has_conflict);
	assert_null(c.s.text[3].value);
	assert_int_equal(c.s.text[3].head_count, 2);
	assert_int_equal(c.s.cover_count, 0); /* signing waits */
	struct test_op both = text_op(14, 5, 4, "agreed", 12);
	both.links[1] = 13;
	both.link_count = 2;
	scene_add(&c, both);
	assert_false(c.s.has_conflict);
	assert_true(field_is(&c, 4, "agreed"));
	session_fold_fini(&c.fold);
}

static void test_a_parent_of_another_field_replaces_nothing(void **state)
{
	(void)state;
	struct scene c;
	scene_begin(&c);
	scene_add(&c, text_op(11, 1, 1, "subjective", 0));
	scene_add(&c, text_op(12, 2, 2, "objective", 11));
	assert_true(field_is(&c, 1, "subjective"));
	assert_true(field_is(&c, 2, "objective"));
	session_fold_fini(&c.fold);
}

static void test_a_ring_of_forged_parents_hides_no_text(void **state)
{
	(void)state;
	struct scene c;
	scene_begin(&c);
	scene_add(&c, text_op(11, 1, 1, "one", 12));
	scene_add(&c, text_op(12, 2, 1, "two", 11));
	assert_int_equal(c.s.text[0].head_count, 2);
	assert_true(c.s.has_conflict);
	scene_add(&c, text_op(13, 3, 1, "itself", 13));
	assert_true(field_is(&c, 1, "itself"));
	session_fold_fini(&c.fold);
}

static void test_a_signed_session_is_what_was_covered(void **state)
{
	(void)state;
	struct scene c;
	scene_begin(&c);
	scene_add(&c, frame_op(10, 1));
	scene_add(&c, text_op(11, 2, 1, "before", 0));
	scene_add(&c, text_op(12, 3, 1, "signed", 11));
	scene_add(&c, measure_op(13, 4, 50, 52000));
	assert_int_equal(c.s.cover_count, 3);
	assert_int_equal(add_sign(&c, 14, 5, 3), ERR_OK);
	assert_non_null(c.s.sign);
	assert_int_equal(c.s.sign->check, FOLD_SIGN_HOLDS);
	assert_int_equal(c.s.late_count, 0);
	assert_int_equal(c.s.cover_count, 0);

	/* From a room that was offline: it saw the text before, or the one that was signed. */
	scene_add(&c, text_op(15, 6, 1, "offline edit", 11));
	scene_add(&c, text_op(16, 7, 1, "edit of signed", 12));
	scene_add(&c, measure_op(17, 8, 51, 60000));
	struct test_op ended = frame_op(18, 9);
	ended.ended_ms = 1700000360000u;
	scene_add(&c, ended);
	assert_true(field_is(&c, 1, "signed"));
	assert_int_equal(c.s.measure_count, 1);
	assert_int_equal(c.s.ended_ms, 0);
	assert_int_equal(c.s.late_count, 4);
	assert_int_equal(c.s.late[0].meta->op_id.b[0], 15);
	assert_non_null(c.s.late[0].text);
	assert_non_null(c.s.late[2].measure);
	assert_non_null(c.s.late[3].frame);
	assert_int_equal(c.s.sign->check, FOLD_SIGN_HOLDS);
	assert_false(c.s.has_conflict);

	struct test_op addendum = { .kind = KIND_ADDENDUM, .op_id = 19, .seq = 10, .row_id = 60 };
	memcpy(addendum.text, "more", 5);
	scene_add(&c, addendum);
	assert_int_equal(c.s.addendum_count, 1);
	assert_int_equal(c.s.late_count, 4);
	session_fold_fini(&c.fold);
}

static void test_of_two_signs_the_older_holds(void **state)
{
	(void)state;
	struct scene c;
	scene_begin(&c);
	scene_add(&c, frame_op(10, 1));
	scene_add(&c, text_op(11, 2, 1, "a", 0));
	assert_int_equal(add_sign(&c, 12, 0, 3), ERR_OK); /* not confirmed yet */
	assert_int_equal(c.s.sign->meta.op_id.b[0], 12);
	struct test_op other = { .kind = KIND_SIGN, .op_id = 13, .seq = 9, .author = 3 };
	other.links[0] = 10;
	other.link_count = 1;
	scene_add(&c, other);
	assert_int_equal(c.s.sign->meta.op_id.b[0], 13);
	assert_null(c.s.text[0].value);
	assert_int_equal(c.s.late_count, 1);
	assert_int_equal(c.s.sign->check, FOLD_SIGN_DIFFERS); /* its hash is made up */
	session_fold_fini(&c.fold);
}

static void test_only_the_therapist_signs_unless_imported(void **state)
{
	(void)state;
	for (int imported = 0; imported < 2; imported++) {
		struct scene c;
		scene_begin(&c);
		struct test_op frame = frame_op(10, 1);
		frame.imported = imported == 1;
		scene_add(&c, frame);
		assert_int_equal(add_sign(&c, 12, 2, 99), ERR_OK);
		assert_int_equal(c.s.sign != NULL, imported == 1);
		session_fold_fini(&c.fold);
	}
}

static void test_a_sign_over_ops_we_lack_is_incomplete_and_over_others_differs(void **state)
{
	(void)state;
	struct scene c;
	scene_begin(&c);
	scene_add(&c, frame_op(10, 1));
	struct test_op sign = { .kind = KIND_SIGN, .op_id = 13, .seq = 9 };
	sign.links[0] = 10;
	sign.links[1] = 77; /* not here */
	sign.link_count = 2;
	scene_add(&c, sign);
	assert_int_equal(c.s.sign->check, FOLD_SIGN_INCOMPLETE);
	session_fold_fini(&c.fold);
}

static void test_an_erased_text_stays_in_its_place(void **state)
{
	(void)state;
	struct scene c;
	scene_begin(&c);
	scene_add(&c, frame_op(10, 1));
	scene_add(&c, text_op(11, 2, 1, "old", 0));
	scene_add(&c, text_op(12, 3, 1, "new", 11));
	scene_add(&c, measure_op(13, 4, 50, 1000));
	struct test_op gone = { .kind = KIND_TOMBSTONE, .op_id = 14, .seq = 5, .links = { 12 } };
	scene_add(&c, gone);
	assert_int_equal(c.s.text[0].head_count, 1); /* the old one does not come back */
	assert_true(c.s.text[0].value->erased);
	assert_int_equal(c.s.text[0].value->text.len, 0);
	gone.op_id = 15;
	gone.links[0] = 13;
	scene_add(&c, gone);
	assert_int_equal(c.s.measure_count, 0);
	session_fold_fini(&c.fold);
}

static void test_the_same_op_again_only_learns_its_number(void **state)
{
	(void)state;
	struct scene c;
	scene_begin(&c);
	scene_add(&c, text_op(11, 0, 1, "mine", 0));
	scene_add(&c, text_op(11, 7, 1, "changed on the way", 0));
	assert_true(field_is(&c, 1, "mine"));
	assert_int_equal(c.s.text[0].value->meta.seq, 7);
	scene_add(&c, text_op(11, 0, 1, "mine", 0));
	assert_int_equal(c.s.text[0].value->meta.seq, 7);
	session_fold_fini(&c.fold);
}

static void test_the_frame_keeps_who_and_moves_when(void **state)
{
	(void)state;
	struct scene c;
	scene_begin(&c);
	struct test_op later = frame_op(11, 5);
	later.room = 8;
	later.started_ms = 1700000005000u;
	later.patient = 9; /* forged: another patient */
	later.imported = true;
	scene_add(&c, later);
	assert_int_equal(c.s.patient_id.b[0], 9);
	scene_add(&c, frame_op(10, 1));
	assert_int_equal(c.s.patient_id.b[0], 1);
	assert_false(c.s.imported);
	assert_int_equal(c.s.room_id.b[0], 8);
	assert_int_equal(c.s.started_ms, 1700000005000u);
	session_fold_fini(&c.fold);
}

static void test_ops_of_other_records_are_refused(void **state)
{
	(void)state;
	const struct id other = id_of(99);
	struct session_fold f;
	session_fold_init(&f, &other, test_hasher());
	const enum kind kinds[] = { KIND_SESSION_FRAME, KIND_SESSION_TEXT, KIND_MEASURE, KIND_SIGN,
				    KIND_ADDENDUM };
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		const struct test_op op = { .kind = kinds[i], .op_id = 1, .field = 1 };
		assert_int_equal(add_op(&f, &op), ERR_BAD_VALUE);
	}
	session_fold_fini(&f);
	session_fold_init(&f, &session, test_hasher());
	const enum kind wrong[] = { KIND_PATIENT, KIND_OPENED, KIND_NOTE, KIND_SEALED_TOMBSTONE };
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		const struct test_op op = { .kind = wrong[i], .op_id = 1 };
		assert_int_equal(add_op(&f, &op), ERR_BAD_VALUE);
	}
	struct session_state s;
	assert_int_equal(session_fold_state(&f, &s), ERR_OK);
	assert_int_equal(s.late_count + s.measure_count, 0);
	session_fold_fini(&f);
}

static void test_the_fold_is_bounded(void **state)
{
	(void)state;
	struct session_fold f;
	session_fold_init(&f, &session, test_hasher());
	union sample m = sample_of(KIND_MEASURE);
	const struct payload p = { .info = kind_find(KIND_MEASURE), .is.any = &m.any };
	struct fold_meta meta = { .author_id = id_of(3), .seq = 1 };
	for (uint32_t i = 0; i <= FOLD_OPS_MAX; i++) {
		store_be32(meta.op_id.b, i + 1);
		assert_int_equal(session_fold_add(&f, &meta, &p),
				 i < FOLD_OPS_MAX ? ERR_OK : ERR_FULL);
	}
	struct session_state s;
	assert_int_equal(session_fold_state(&f, &s), ERR_OK);
	assert_int_equal(s.measure_count, 1); /* they all have one measure_id */
	session_fold_fini(&f);

	/* Texts of the largest size, until the fold is full; what is there is still shown. */
	session_fold_init(&f, &session, test_hasher());
	static char text[TEXT_BYTES_MAX + 1];
	for (size_t i = 0; i < TEXT_BYTES_MAX; i++) text[i] = 'a';
	m = sample_of(KIND_SESSION_TEXT);
	m.session_text.text = text;
	m.session_text.n_parents = 0;
	const struct payload big = { .info = kind_find(KIND_SESSION_TEXT), .is.any = &m.any };
	uint32_t added = 0;
	enum err e = ERR_OK;
	while (e == ERR_OK) {
		store_be32(meta.op_id.b, added + 1);
		e = session_fold_add(&f, &meta, &big);
		if (e == ERR_OK) added++;
	}
	assert_int_equal(e, ERR_FULL);
	assert_true(added > 400 && added < 512);
	assert_int_equal(session_fold_state(&f, &s), ERR_OK);
	assert_int_equal(s.text[3].head_count, added);
	session_fold_fini(&f);
}

/* A dense graph at the limit must not take minutes: every text names the PARENTS_MAX before it. */
static void test_a_long_history_is_folded_in_time(void **state)
{
	(void)state;
	struct session_fold f;
	session_fold_init(&f, &session, test_hasher());
	static uint8_t ids[4000][16];
	static ProtobufCBinaryData parents[4000];
	for (uint32_t i = 0; i < 4000; i++) {
		store_be32(ids[i], i + 1);
		parents[i] = (ProtobufCBinaryData){ 16, ids[i] };
	}
	union sample m = sample_of(KIND_SESSION_TEXT);
	const struct payload p = { .info = kind_find(KIND_SESSION_TEXT), .is.any = &m.any };
	for (uint32_t i = 0; i < 4000; i++) {
		const uint32_t from = i > PARENTS_MAX ? i - PARENTS_MAX : 0;
		m.session_text.parents = parents + from;
		m.session_text.n_parents = i - from;
		struct fold_meta meta = { .seq = i + 1 };
		memcpy(meta.op_id.b, ids[i], 16);
		assert_int_equal(session_fold_add(&f, &meta, &p), ERR_OK);
	}
	struct session_state s;
	assert_int_equal(session_fold_state(&f, &s), ERR_OK);
	assert_int_equal(s.text[3].head_count, 1);
	assert_int_equal(s.text[3].value->meta.seq, 4000);
	session_fold_fini(&f);
}

static void test_field_names(void **state)
{
	(void)state;
	const char *names[] = { "subjective", "objective", "assessment", "plan" };
	for (int i = 0; i < 4; i++) {
		assert_string_equal(fold_field_name((Roomkeep__TextField)(i + 1)), names[i]);
		assert_int_equal(fold_field_parse(view_str(names[i])), i + 1);
	}
	assert_null(fold_field_name((Roomkeep__TextField)0));
	assert_null(fold_field_name((Roomkeep__TextField)5));
	assert_int_equal(fold_field_parse(view_str("notes")), 0);
}

/* ---- against the model, in every order ------------------------------------------------------- */

static void fold_say(const struct test_op *const *order, size_t count, struct buf *b,
		     uint8_t ret_hash[FOLD_HASH_BYTES])
{
	struct session_fold f;
	session_fold_init(&f, &session, test_hasher());
	for (size_t i = 0; i < count; i++) assert_int_equal(add_op(&f, order[i]), ERR_OK);
	struct session_state s;
	assert_int_equal(session_fold_state(&f, &s), ERR_OK);
	buf_clear(b);
	say_state(b, &s);
	memcpy(ret_hash, s.values_hash, FOLD_HASH_BYTES);
	/* Computing twice changes nothing. */
	CLEANUP(buf_finip) struct buf again = { 0 };
	assert_int_equal(session_fold_state(&f, &s), ERR_OK);
	say_state(&again, &s);
	assert_true(view_equal(buf_view(b), buf_view(&again)));
	session_fold_fini(&f);
}

static void random_links(const struct rand_source *r, struct test_op *op, size_t count, size_t max)
{
	const size_t want = (size_t)rand_below(r, max + 1);
	for (size_t i = 0; i < want; i++) {
		const uint8_t id =
			(uint8_t)(100 + rand_below(r, count + 1)); /* one may not exist */
		bool twice = false;
		for (size_t j = 0; j < op->link_count; j++) twice = twice || op->links[j] == id;
		if (!twice) op->links[op->link_count++] = id;
	}
}

static struct test_op random_op(const struct rand_source *r, size_t index, size_t count)
{
	static const enum kind kinds[] = { KIND_SESSION_FRAME, KIND_SESSION_TEXT, KIND_SESSION_TEXT,
					   KIND_SESSION_TEXT,  KIND_SESSION_TEXT, KIND_MEASURE,
					   KIND_MEASURE,       KIND_SIGN,         KIND_ADDENDUM,
					   KIND_TOMBSTONE };
	struct test_op op = {
		.kind = kinds[rand_below(r, COUNT_OF(kinds))],
		.op_id = (uint8_t)(100 + index),
		.author = rand_below(r, 4) == 0 ? 9 : 3,
		.seq = rand_below(r, 3) == 0 ? 0 : 1 + rand_below(r, 1000) * 16 + index,
		.local_order = rand_below(r, 4),
		.field = 1 + (int)rand_below(r, 2),
		.row_id = (uint8_t)(30 + rand_below(r, 3)),
		.value = (int64_t)rand_below(r, 100),
		.at_ms = 1700000000000u + rand_below(r, 3),
		.hash = 1,
		.room = (uint8_t)rand_below(r, 4),
		.started_ms = rand_below(r, 2) * (1700000000000u + index),
		.ended_ms = rand_below(r, 2) * (1700000900000u + index),
		.patient = (uint8_t)(1 + rand_below(r, 2)),
		.imported = rand_below(r, 4) == 0,
	};
	const int n = snprintf(op.text, sizeof(op.text), "text %zu", index);
	assert_true(n > 0);
	if (op.kind == KIND_SESSION_TEXT) random_links(r, &op, count, 3);
	if (op.kind == KIND_SIGN) random_links(r, &op, count, LINKS_MAX);
	if (op.kind == KIND_TOMBSTONE) op.links[0] = (uint8_t)(100 + rand_below(r, count));
	return op;
}

static void shuffle(const struct rand_source *r, const struct test_op **order, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		const size_t j = (size_t)rand_below(r, i);
		const struct test_op *keep = order[i - 1];
		order[i - 1] = order[j];
		order[j] = keep;
	}
}

static void check_same(const struct test_op *const *order, size_t count, const struct buf *want,
		       const uint8_t *want_hash, uint64_t seed)
{
	CLEANUP(buf_finip) struct buf got = { 0 };
	uint8_t hash[FOLD_HASH_BYTES];
	fold_say(order, count, &got, hash);
	if (!view_equal(buf_view(&got), buf_view(want))) {
		fail_msg("seed %llu:\nwant\n%.*sgot\n%.*s", (unsigned long long)seed,
			 (int)want->len, (const char *)want->p, (int)got.len, (const char *)got.p);
	}
	assert_memory_equal(hash, want_hash, FOLD_HASH_BYTES);
}

/* Heap's algorithm, all orders of a few ops. */
static void check_all_orders(const struct test_op **order, size_t count, size_t k,
			     const struct buf *want, const uint8_t *hash, uint64_t seed)
{
	if (k <= 1) {
		check_same(order, count, want, hash, seed);
		return;
	}
	for (size_t i = 0; i < k; i++) {
		check_all_orders(order, count, k - 1, want, hash, seed);
		const size_t j = k % 2 == 0 ? i : 0;
		const struct test_op *keep = order[j];
		order[j] = order[k - 1];
		order[k - 1] = keep;
	}
}

struct seen {
	unsigned signs, conflicts, late, erased;
};

static void run_seed(uint64_t seed, struct seen *seen)
{
	struct rand_seeded seeded;
	const struct rand_source r = rand_seeded_init(&seeded, seed);
	struct test_op ops[OPS_MAX];
	const struct test_op *order[OPS_MAX];
	const size_t count = 1 + (size_t)rand_below(&r, seed % 4 == 0 ? 5 : OPS_MAX);
	for (size_t i = 0; i < count; i++) {
		ops[i] = random_op(&r, i, count);
		order[i] = &ops[i];
	}
	CLEANUP(buf_finip) struct buf want = { 0 };
	const struct model m = { ops, count };
	model_say(&m, &want);
	CLEANUP(buf_finip) struct buf first = { 0 };
	uint8_t hash[FOLD_HASH_BYTES];
	fold_say(order, count, &first, hash);
	if (count <= 5) {
		check_all_orders(order, count, count, &want, hash, seed);
	} else {
		for (int i = 0; i < 4; i++) {
			check_same(order, count, &want, hash, seed);
			shuffle(&r, order, count);
		}
	}
	seen->signs += memmem(want.p, want.len, "signed", 6) != NULL;
	seen->conflicts += memmem(want.p, want.len, "conflict 1", 10) != NULL;
	seen->late += memmem(want.p, want.len, "late", 4) != NULL;
	seen->erased += memmem(want.p, want.len, "erased", 6) != NULL;
}

static void test_the_order_of_adding_never_matters_and_the_model_agrees(void **state)
{
	(void)state;
	struct seen seen = { 0 };
	for (uint64_t seed = 1; seed <= 4000; seed++) run_seed(seed, &seen);
	/* The seeds must have visited what they are for. */
	assert_true(seen.signs > 400 && seen.conflicts > 400 && seen.late > 200 &&
		    seen.erased > 50);
}

/* Two rooms and a server: each edits what it sees, a sign is made from what is shown. Whatever
 * happened, a Sign that a room made over its own view holds in every fold that has its ops. */
static void test_signs_made_from_a_view_hold_everywhere(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct rand_seeded seeded;
		const struct rand_source r = rand_seeded_init(&seeded, seed);
		struct scene c;
		scene_begin(&c);
		scene_add(&c, frame_op(100, 1));
		uint8_t next = 101;
		for (int i = 0; i < 6; i++) {
			const int field = 1 + (int)rand_below(&r, 4);
			const struct fold_field *f = &c.s.text[field - 1];
			struct test_op op = text_op(next, next, field, "t", 0);
			for (size_t h = 0; h < f->head_count; h++) {
				op.links[op.link_count++] = f->heads[h]->meta.op_id.b[0];
			}
			if (rand_below(&r, 3) == 0) op = measure_op(next, next, next, (int64_t)i);
			scene_add(&c, op);
			next++;
		}
		assert_false(c.s.has_conflict);
		assert_int_equal(add_sign(&c, next, next, 3), ERR_OK);
		assert_int_equal(c.s.sign->check, FOLD_SIGN_HOLDS);
		assert_int_equal(c.s.late_count, 0);
		next++;
		for (int i = 0; i < 4; i++) {
			const uint8_t parent = (uint8_t)(101 + rand_below(&r, 6));
			const uint64_t seq = rand_below(&r, 2) * next;
			scene_add(&c,
				  text_op(next, seq, 1 + (int)rand_below(&r, 4), "late", parent));
			next++;
		}
		assert_int_equal(c.s.sign->check, FOLD_SIGN_HOLDS);
		assert_int_equal(c.s.late_count, 4);
		session_fold_fini(&c.fold);
	}
}

static void test_the_signed_bytes_name_every_value(void **state)
{
	(void)state;
	struct scene c;
	scene_begin(&c);
	scene_add(&c, frame_op(10, 1));
	scene_add(&c, text_op(11, 2, 2, "obj", 0));
	scene_add(&c, measure_op(13, 4, 50, -52000));
	CLEANUP(buf_finip) struct buf got = { 0 };
	assert_int_equal(session_values_encode(&c.s, &got), ERR_OK);

	CLEANUP(buf_finip) struct buf want = { 0 };
	const struct id ids[] = { session, id_of(1), id_of(3), id_of(4) };
	assert_int_equal(buf_append_be32(&want, 13), ERR_OK);
	assert_int_equal(buf_append_str(&want, "crs1/values-2"), ERR_OK);
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		assert_int_equal(buf_append_be32(&want, 16), ERR_OK);
		assert_int_equal(buf_append(&want, id_view(&ids[i])), ERR_OK);
	}
	/* started, ended, imported, fields with counts of heads, count of measures */
	const uint64_t numbers[] = { 1700000000000u, 0, 0, 0, 1 };
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		assert_int_equal(buf_append_be32(&want, 8), ERR_OK);
		assert_int_equal(buf_append_be64(&want, numbers[i]), ERR_OK);
	}
	assert_int_equal(buf_append_be32(&want, 3), ERR_OK);
	assert_int_equal(buf_append_str(&want, "obj"), ERR_OK);
	const uint64_t rest[] = { 0, 0, 1 };
	for (size_t i = 0; i < COUNT_OF(rest); i++) {
		assert_int_equal(buf_append_be32(&want, 8), ERR_OK);
		assert_int_equal(buf_append_be64(&want, rest[i]), ERR_OK);
	}
	const struct id row = id_of(50);
	assert_int_equal(buf_append_be32(&want, 16), ERR_OK);
	assert_int_equal(buf_append(&want, id_view(&row)), ERR_OK);
	assert_int_equal(buf_append_be32(&want, 6), ERR_OK);
	assert_int_equal(buf_append_str(&want, "cx_rot"), ERR_OK);
	const uint64_t measure[] = { 1, 3, 1, 1, (uint64_t)-52000 };
	for (size_t i = 0; i < COUNT_OF(measure); i++) {
		assert_int_equal(buf_append_be32(&want, 8), ERR_OK);
		assert_int_equal(buf_append_be64(&want, measure[i]), ERR_OK);
	}
	assert_int_equal(buf_append_be32(&want, 3), ERR_OK);
	assert_int_equal(buf_append_str(&want, "deg"), ERR_OK);
	/* result, at, mode, position, method, end feel, skipped, has pain, pain */
	const uint64_t last[] = { 0, 1700000000013u, 1, 4, 1, 2, 0, 1, 3 };
	for (size_t i = 0; i < COUNT_OF(last); i++) {
		assert_int_equal(buf_append_be32(&want, 8), ERR_OK);
		assert_int_equal(buf_append_be64(&want, last[i]), ERR_OK);
	}
	assert_int_equal(buf_append_be32(&want, 16), ERR_OK);
	assert_int_equal(buf_append_str(&want, "pull on the left"), ERR_OK);
	const struct id rater_and_pair[] = { id_of(9), id_of(10) };
	for (size_t i = 0; i < COUNT_OF(rater_and_pair); i++) {
		assert_int_equal(buf_append_be32(&want, 16), ERR_OK);
		assert_int_equal(buf_append(&want, id_view(&rater_and_pair[i])), ERR_OK);
	}
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.p, want.p, want.len);
	uint8_t hash[FOLD_HASH_BYTES];
	test_hash(NULL, buf_view(&want), hash);
	assert_memory_equal(hash, c.s.values_hash, FOLD_HASH_BYTES);
	session_fold_fini(&c.fold);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_empty_fold_shows_nothing),
		cmocka_unit_test(test_an_edit_replaces_what_it_saw),
		cmocka_unit_test(
			test_two_edits_that_did_not_see_each_other_conflict_until_a_third_saw_both),
		cmocka_unit_test(test_a_parent_of_another_field_replaces_nothing),
		cmocka_unit_test(test_a_ring_of_forged_parents_hides_no_text),
		cmocka_unit_test(test_a_signed_session_is_what_was_covered),
		cmocka_unit_test(test_of_two_signs_the_older_holds),
		cmocka_unit_test(test_only_the_therapist_signs_unless_imported),
		cmocka_unit_test(
			test_a_sign_over_ops_we_lack_is_incomplete_and_over_others_differs),
		cmocka_unit_test(test_an_erased_text_stays_in_its_place),
		cmocka_unit_test(test_the_same_op_again_only_learns_its_number),
		cmocka_unit_test(test_the_frame_keeps_who_and_moves_when),
		cmocka_unit_test(test_ops_of_other_records_are_refused),
		cmocka_unit_test(test_the_fold_is_bounded),
		cmocka_unit_test(test_a_long_history_is_folded_in_time),
		cmocka_unit_test(test_field_names),
		cmocka_unit_test(test_the_order_of_adding_never_matters_and_the_model_agrees),
		cmocka_unit_test(test_signs_made_from_a_view_hold_everywhere),
		cmocka_unit_test(test_the_signed_bytes_name_every_value),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
