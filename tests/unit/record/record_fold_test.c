/* The fold of plain records: the two rules by hand on an alert and an answer, then over every kind
 * that the order in which ops are added changes nothing. */
#include "record/record_fold.h"

#include "base/cleanup.h"
#include "base/rand.h"
#include "record/reflect.h"
#include "unit/record/samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define OK(call) assert_int_equal(call, ERR_OK)

static struct fold_meta meta_of(uint8_t op_id, uint64_t seq, uint64_t local_order)
{
	return (struct fold_meta){ .op_id = { { op_id } },
				   .author_id = { { 3 } },
				   .seq = seq,
				   .local_order = local_order };
}

static enum err add(struct record_fold *f, uint8_t op_id, uint64_t seq, const ProtobufCMessage *m)
{
	const struct payload p = { .info = f->info, .is.any = (ProtobufCMessage *)(uintptr_t)m };
	const struct fold_meta meta = meta_of(op_id, seq, op_id);
	return record_fold_add(f, &meta, &p);
}

static enum err erase(struct record_fold *f, uint8_t op_id, uint8_t target)
{
	union sample s = sample_of(KIND_TOMBSTONE);
	s.tombstone.target = sample_id(target);
	const struct payload p = { .info = kind_find(KIND_TOMBSTONE), .is.any = &s.any };
	const struct fold_meta meta = meta_of(op_id, 900, 0);
	return record_fold_add(f, &meta, &p);
}

static const struct record_state *only(struct record_fold *f)
{
	const struct record_state *records;
	size_t count;
	OK(record_fold_state(f, &records, &count));
	assert_int_equal(count, 1);
	return records;
}

static Roomkeep__Alert alert_of(uint8_t alert, const char *text, const char *ended)
{
	Roomkeep__Alert m = ROOMKEEP__ALERT__INIT;
	SAMPLE_SET(&m, alert_id, sample_id(alert));
	SAMPLE_SET(&m, patient_id, sample_id(1));
	m.text = wire_text(text);
	m.ended = wire_text(ended);
	return m;
}

static const Roomkeep__Alert *alert(const struct record_state *s)
{
	return (const Roomkeep__Alert *)(const void *)s->message;
}

static void test_of_each_field_the_newest_value_holds(void **state)
{
	(void)state;
	CLEANUP(record_fold_finip) struct record_fold f;
	record_fold_init(&f, kind_find(KIND_ALERT));
	const Roomkeep__Alert made = alert_of(9, "nuts", NULL);
	const Roomkeep__Alert ended = alert_of(9, NULL, "2026-11-30");
	const Roomkeep__Alert words = alert_of(9, "all nuts", NULL);
	const Roomkeep__Alert mine = alert_of(9, "tree nuts", NULL);
	OK(add(&f, 12, 7, &words.base));
	OK(add(&f, 11, 5, &ended.base));
	OK(add(&f, 10, 3, &made.base));
	const struct record_state *s = only(&f);
	assert_string_equal(alert(s)->text, "all nuts");
	assert_string_equal(alert(s)->ended, "2026-11-30");
	assert_int_equal(s->change_count, 3);
	assert_int_equal(s->first->op_id.b[0], 10);
	assert_int_equal(s->newest->op_id.b[0], 12);
	assert_null(alert(s)->reason);
	OK(add(&f, 13, 0, &mine.base));  /* not confirmed yet: newer than all that is */
	OK(add(&f, 12, 7, &words.base)); /* again */
	s = only(&f);
	assert_string_equal(alert(s)->text, "tree nuts");
	assert_int_equal(s->change_count, 4);
	OK(erase(&f, 20, 13));
	OK(erase(&f, 21, 11));
	s = only(&f);
	assert_string_equal(alert(s)->text, "all nuts");
	assert_null(alert(s)->ended);
	assert_int_equal(s->change_count, 2);
}

static void test_what_a_change_clears_is_empty_until_it_is_said_again(void **state)
{
	(void)state;
	CLEANUP(record_fold_finip) struct record_fold f;
	record_fold_init(&f, kind_find(KIND_ALERT));
	uint32_t numbers[] = { 6 };
	const Roomkeep__Alert made = alert_of(9, "nuts", "2026-11-30");
	Roomkeep__Alert stands = alert_of(9, NULL, NULL);
	stands.clears = numbers;
	stands.n_clears = 1;
	const Roomkeep__Alert again = alert_of(9, NULL, "2026-12-24");
	OK(add(&f, 10, 1, &made.base));
	OK(add(&f, 11, 2, &stands.base));
	assert_null(alert(only(&f))->ended);
	assert_int_equal(alert(only(&f))->n_clears, 0);
	assert_string_equal(alert(only(&f))->text, "nuts");
	OK(add(&f, 12, 3, &again.base));
	assert_string_equal(alert(only(&f))->ended, "2026-12-24");
}

/* SECURITY 3.5, add wins: ending one alert takes back none that another room added meanwhile. */
static void test_adding_is_never_lost_by_a_concurrent_end(void **state)
{
	(void)state;
	CLEANUP(record_fold_finip) struct record_fold f;
	record_fold_init(&f, kind_find(KIND_ALERT));
	const Roomkeep__Alert made = alert_of(9, "latex", NULL);
	const Roomkeep__Alert ended = alert_of(9, NULL, "2026-11-30");
	const Roomkeep__Alert added = alert_of(8, "latex", NULL);
	OK(add(&f, 10, 1, &made.base));
	OK(add(&f, 12, 2, &added.base));
	OK(add(&f, 11, 3, &ended.base));
	const struct record_state *records;
	size_t count;
	OK(record_fold_state(&f, &records, &count));
	assert_int_equal(count, 2);
	assert_int_equal(records[1].record_id.b[0], 8); /* by age */
	assert_non_null(alert(&records[0])->ended);
	assert_null(alert(&records[1])->ended);
}

static void test_what_is_written_once_stays_and_the_late_are_listed(void **state)
{
	(void)state;
	CLEANUP(record_fold_finip) struct record_fold f;
	record_fold_init(&f, kind_find(KIND_HEALTH_ANSWER));
	union sample first = sample_of(KIND_HEALTH_ANSWER);
	union sample late = sample_of(KIND_HEALTH_ANSWER);
	Roomkeep__HealthAnswer *m = (Roomkeep__HealthAnswer *)&late.any;
	m->detail = wire_text("something else");
	OK(add(&f, 11, 4, &late.any));
	OK(add(&f, 10, 3, &first.any));
	const struct record_state *s = only(&f);
	const Roomkeep__HealthAnswer *shown = (const Roomkeep__HealthAnswer *)s->message;
	assert_string_not_equal(shown->detail, "something else");
	assert_int_equal(s->newest->op_id.b[0], 10);
	assert_int_equal(s->change_count, 2);
	assert_false(s->changes[0].late);
	assert_true(s->changes[1].late);
	/* Without the first one it is the oldest that is left. */
	OK(erase(&f, 20, 10));
	s = only(&f);
	shown = (const Roomkeep__HealthAnswer *)s->message;
	assert_string_equal(shown->detail, "something else");
	OK(erase(&f, 21, 11));
	const struct record_state *records;
	size_t count;
	OK(record_fold_state(&f, &records, &count));
	assert_int_equal(count, 0);
}

static void test_a_record_stays_with_its_patient(void **state)
{
	(void)state;
	CLEANUP(record_fold_finip) struct record_fold f;
	record_fold_init(&f, kind_find(KIND_ALERT));
	const Roomkeep__Alert made = alert_of(9, "nuts", NULL);
	Roomkeep__Alert other = alert_of(9, "of somebody else", NULL);
	other.patient_id = sample_id(5);
	OK(add(&f, 11, 2, &other.base));
	OK(add(&f, 10, 1, &made.base));
	const struct record_state *s = only(&f);
	assert_string_equal(alert(s)->text, "nuts");
	assert_int_equal(s->patient_id.b[0], 1);
	assert_int_equal(s->change_count, 1);
	union sample patient = sample_of(KIND_PATIENT);
	const struct payload p = { .info = kind_find(KIND_PATIENT), .is.any = &patient.any };
	const struct fold_meta meta = meta_of(30, 9, 0);
	assert_int_equal(record_fold_add(&f, &meta, &p), ERR_BAD_VALUE);
}

/* ---- every kind, any order ------------------------------------------------------------------- */

#define OPS 12u
#define RECORDS 3u
#define SEEDS 150u

static void say_all(struct record_fold *f, struct buf *out)
{
	const struct record_state *records;
	size_t count;
	OK(record_fold_state(f, &records, &count));
	for (size_t i = 0; i < count; i++) {
		const struct record_state *s = &records[i];
		OK(buf_append_fmt(out,
				  "record %u patient %u first %u newest %u:", s->record_id.b[0],
				  s->patient_id.b[0], s->first->op_id.b[0], s->newest->op_id.b[0]));
		uint8_t packed[4096];
		const size_t len = protobuf_c_message_pack(s->message, packed);
		OK(buf_append(out, view_of(packed, len)));
		for (size_t k = 0; k < s->change_count; k++)
			OK(buf_append_fmt(out, " %u%s", s->changes[k].meta.op_id.b[0],
					  s->changes[k].late ? " late" : ""));
		OK(buf_append_str(out, "\n"));
	}
}

static void fold_in_order(const struct kind_info *info, const uint8_t *order,
			  const union sample *ops, const uint64_t *seqs, uint8_t erased,
			  struct buf *out)
{
	CLEANUP(record_fold_finip) struct record_fold f;
	record_fold_init(&f, info);
	for (size_t i = 0; i <= OPS; i++) {
		const uint8_t at = order[i];
		if (at == OPS) {
			OK(erase(&f, 200, (uint8_t)(100 + erased)));
		} else {
			OK(add(&f, (uint8_t)(100 + at), seqs[at], &ops[at].any));
		}
	}
	say_all(&f, out);
}

static void make_ops(const struct kind_info *info, uint64_t seed, struct arena *a,
		     union sample *ops, uint64_t *seqs)
{
	for (size_t i = 0; i < OPS; i++) {
		const struct id record = { { (uint8_t)(1 + (seed + i) % RECORDS) } };
		plain_sample_change(info, seed * OPS + i, i < RECORDS, a, &ops[i].any);
		plain_sample_id(&ops[i].any, info->subject_field, &record, a);
		/* Some are not confirmed yet, and confirmed ones came in another order. */
		seqs[i] = i % 5 == 4 ? 0 : 1 + (i * 7 + seed) % 13;
		if (info->patient_field != NULL && !kind_is_one_per_patient(info))
			plain_sample_id(&ops[i].any, info->patient_field, &(struct id){ { 1 } }, a);
	}
}

static void test_no_order_of_arrival_changes_what_is_shown(void **state)
{
	(void)state;
	struct rand_seeded seeded;
	const struct rand_source r = rand_seeded_init(&seeded, 7);
	for (size_t k = 0; k < kind_count(); k++) {
		const struct kind_info *info = kind_at(k);
		if (!kind_is_plain(info)) continue;
		for (uint64_t seed = 0; seed < SEEDS; seed++) {
			CLEANUP(arena_finip) struct arena a;
			CLEANUP(buf_finip) struct buf straight = { 0 };
			CLEANUP(buf_finip) struct buf mixed = { 0 };
			union sample ops[OPS];
			uint64_t seqs[OPS];
			uint8_t order[OPS + 1];
			arena_init(&a, MIB);
			make_ops(info, seed, &a, ops, seqs);
			for (size_t i = 0; i <= OPS; i++) order[i] = (uint8_t)i;
			fold_in_order(info, order, ops, seqs, (uint8_t)(seed % OPS), &straight);
			for (size_t i = OPS; i > 0; i--) {
				const size_t j = (size_t)rand_below(&r, i + 1);
				const uint8_t t = order[i];
				order[i] = order[j];
				order[j] = t;
			}
			fold_in_order(info, order, ops, seqs, (uint8_t)(seed % OPS), &mixed);
			assert_true(straight.len > 0);
			assert_true(view_equal(buf_view(&straight), buf_view(&mixed)));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_each_field_the_newest_value_holds),
		cmocka_unit_test(test_what_a_change_clears_is_empty_until_it_is_said_again),
		cmocka_unit_test(test_adding_is_never_lost_by_a_concurrent_end),
		cmocka_unit_test(test_what_is_written_once_stays_and_the_late_are_listed),
		cmocka_unit_test(test_a_record_stays_with_its_patient),
		cmocka_unit_test(test_no_order_of_arrival_changes_what_is_shown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
