#include "record/fold.h"

#include "base/cleanup.h"
#include "base/rand.h"
#include "unit/record/samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct id someone = { { 1 } };

struct change {
	uint8_t op_id;
	uint64_t seq;
	uint64_t local_order;
	const char *value[PATIENT_FIELD_COUNT]; /* NULL: not touched */
};

static enum err add(struct patient_fold *f, const struct change *c)
{
	union sample s = sample_of(KIND_PATIENT);
	s.patient.name = wire_text(c->value[PATIENT_NAME]);
	s.patient.name_used = wire_text(c->value[PATIENT_NAME_USED]);
	s.patient.born = wire_text(c->value[PATIENT_BORN]);
	s.patient.phone = wire_text(c->value[PATIENT_PHONE]);
	s.patient.email = wire_text(c->value[PATIENT_EMAIL]);
	const struct payload p = { .info = kind_find(KIND_PATIENT), .is.any = &s.any };
	const struct fold_meta meta = { .op_id = { { c->op_id } },
					.author_id = { { 3 } },
					.seq = c->seq,
					.local_order = c->local_order };
	return patient_fold_add(f, &meta, &p);
}

static bool is(const struct patient_state *s, enum patient_field field, const char *want)
{
	return view_equal(patient_text(s, field), view_str(want));
}

static void test_the_newest_value_of_each_field_holds_and_the_others_are_kept(void **state)
{
	(void)state;
	struct patient_fold f;
	patient_fold_init(&f, &someone);
	const struct change first = { 10, 1, 0, { "Ana Silva", NULL, "1980-01-01", "111", NULL } };
	const struct change phone = { 11, 5, 0, { NULL, NULL, NULL, "222", NULL } };
	const struct change name = { 12, 3, 0, { "Ana Silva-Reis", NULL, NULL, NULL, NULL } };
	const struct change mine = { 13, 0, 1, { NULL, NULL, NULL, "333", NULL } };
	const struct change cleared = { 14, 0, 2, { NULL, NULL, NULL, "", NULL } };
	struct patient_state s;
	assert_int_equal(add(&f, &phone), ERR_OK);
	assert_int_equal(add(&f, &first), ERR_OK);
	assert_int_equal(add(&f, &name), ERR_OK);
	assert_int_equal(patient_fold_state(&f, &s), ERR_OK);
	assert_true(is(&s, PATIENT_NAME, "Ana Silva-Reis"));
	assert_true(is(&s, PATIENT_BORN, "1980-01-01"));
	assert_true(is(&s, PATIENT_PHONE, "222"));
	assert_null(s.fields[PATIENT_EMAIL].value);
	assert_int_equal(patient_text(&s, PATIENT_EMAIL).len, 0);
	assert_string_equal(s.fields[PATIENT_NAME_USED].name, "name_used");
	assert_int_equal(s.fields[PATIENT_PHONE].history_count, 2);
	assert_true(view_equal(s.fields[PATIENT_PHONE].history[1].text, view_str("111")));

	assert_int_equal(add(&f, &cleared), ERR_OK);
	assert_int_equal(add(&f, &mine), ERR_OK);
	assert_int_equal(patient_fold_state(&f, &s), ERR_OK);
	assert_true(is(&s, PATIENT_PHONE, "")); /* the last one typed here */
	assert_non_null(s.fields[PATIENT_PHONE].value);
	assert_int_equal(s.fields[PATIENT_PHONE].history_count, 4);
	patient_fold_fini(&f);
}

static void test_an_erased_op_gives_back_what_was_before(void **state)
{
	(void)state;
	struct patient_fold f;
	patient_fold_init(&f, &someone);
	const struct change first = { 10, 1, 0, { "Ana", NULL, "1980-01-01", NULL, NULL } };
	const struct change second = { 11, 2, 0, { "Wrong person", NULL, NULL, NULL, NULL } };
	assert_int_equal(add(&f, &first), ERR_OK);
	assert_int_equal(add(&f, &second), ERR_OK);
	union sample s = sample_of(KIND_TOMBSTONE);
	s.tombstone.target = sample_id(11);
	const struct payload p = { .info = kind_find(KIND_TOMBSTONE), .is.any = &s.any };
	const struct fold_meta meta = { .op_id = { { 12 } }, .seq = 3 };
	assert_int_equal(patient_fold_add(&f, &meta, &p), ERR_OK);
	struct patient_state state_now;
	assert_int_equal(patient_fold_state(&f, &state_now), ERR_OK);
	assert_true(is(&state_now, PATIENT_NAME, "Ana"));
	patient_fold_fini(&f);
}

static void test_ops_of_others_are_refused(void **state)
{
	(void)state;
	struct patient_fold f;
	const struct id other = { { 2 } };
	patient_fold_init(&f, &other);
	const struct change c = { 10, 1, 0, { "Ana", NULL, NULL, NULL, NULL } };
	assert_int_equal(add(&f, &c), ERR_BAD_VALUE);
	union sample s = sample_of(KIND_OPENED);
	const struct payload p = { .info = kind_find(KIND_OPENED), .is.any = &s.any };
	const struct fold_meta meta = { .op_id = { { 12 } }, .seq = 3 };
	assert_int_equal(patient_fold_add(&f, &meta, &p), ERR_BAD_VALUE);
	patient_fold_fini(&f);
	patient_fold_fini(&f);
}

/* For each field: the value whose op is newest by the plain rule. */
static void check_against_model(const struct change *c, size_t count, const struct patient_state *s)
{
	for (size_t field = 0; field < PATIENT_FIELD_COUNT; field++) {
		const struct change *best = NULL;
		size_t said = 0;
		for (size_t i = 0; i < count; i++) {
			if (c[i].value[field] == NULL) continue;
			said++;
			const uint64_t seq = c[i].seq == 0 ? UINT64_MAX : c[i].seq;
			const uint64_t best_seq = best == NULL     ? 0
						  : best->seq == 0 ? UINT64_MAX
								   : best->seq;
			bool newer = best == NULL || seq > best_seq;
			if (best != NULL && seq == best_seq) {
				newer = c[i].local_order > best->local_order ||
					(c[i].local_order == best->local_order &&
					 c[i].op_id > best->op_id);
			}
			if (newer) best = &c[i];
		}
		assert_int_equal(s->fields[field].history_count, said);
		assert_int_equal(s->fields[field].value != NULL, best != NULL);
		if (best == NULL) continue;
		assert_true(is(s, (enum patient_field)field, best->value[field]));
		assert_int_equal(s->fields[field].value->meta.op_id.b[0], best->op_id);
	}
}

static void test_any_order_gives_the_models_state(void **state)
{
	(void)state;
	static const char *const values[] = { NULL, "a", "b", "c", "d", "" };
	for (uint64_t seed = 1; seed <= 500; seed++) {
		struct rand_seeded seeded;
		const struct rand_source r = rand_seeded_init(&seeded, seed);
		struct change c[8];
		const size_t count = 1 + (size_t)rand_below(&r, 8);
		for (size_t i = 0; i < count; i++) {
			c[i] = (struct change){ .op_id = (uint8_t)(50 + i) };
			c[i].seq = rand_below(&r, 2) * (1 + rand_below(&r, 100) * 8 + i);
			c[i].local_order = rand_below(&r, 3) * (c[i].seq == 0);
			for (size_t j = 0; j < PATIENT_FIELD_COUNT; j++) {
				c[i].value[j] = values[rand_below(&r, COUNT_OF(values))];
			}
		}
		for (int order = 0; order < 4; order++) {
			struct patient_fold f;
			patient_fold_init(&f, &someone);
			const size_t from = (size_t)rand_below(&r, count);
			for (size_t i = 0; i < count; i++) {
				const size_t at = order % 2 == 0 ? (from + i) % count
								 : (from + count - i) % count;
				assert_int_equal(add(&f, &c[at]), ERR_OK);
			}
			struct patient_state s;
			assert_int_equal(patient_fold_state(&f, &s), ERR_OK);
			check_against_model(c, count, &s);
			patient_fold_fini(&f);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_newest_value_of_each_field_holds_and_the_others_are_kept),
		cmocka_unit_test(test_an_erased_op_gives_back_what_was_before),
		cmocka_unit_test(test_ops_of_others_are_refused),
		cmocka_unit_test(test_any_order_gives_the_models_state),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
