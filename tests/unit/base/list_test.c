#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct item {
	char name;
	struct list link;
};

static struct item items[5];

static void setup_items(struct list *head, int count)
{
	list_init(head);
	for (int i = 0; i < 5; i++) {
		items[i].name = (char)('a' + i);
		list_init(&items[i].link);
		if (i < count) list_append(head, &items[i].link);
	}
}

/* The names in order, and the same ring backwards must agree. */
static void assert_names(struct list *head, const char *want)
{
	char forward[8] = { 0 };
	char backward[8] = { 0 };
	size_t n = 0;
	LIST_FOREACH(it, head) {
		assert_true(n < 7);
		forward[n++] = CONTAINER_OF(it, struct item, link)->name;
	}
	size_t m = n;
	for (struct list *it = head->prev; it != head; it = it->prev) {
		assert_true(m > 0);
		backward[--m] = CONTAINER_OF(it, struct item, link)->name;
	}
	assert_int_equal(m, 0);
	assert_string_equal(forward, want);
	assert_string_equal(backward, want);
}

static void test_append_keeps_order(void **state)
{
	(void)state;
	struct list head;
	setup_items(&head, 0);
	assert_true(list_empty(&head));
	assert_names(&head, "");
	setup_items(&head, 5);
	assert_false(list_empty(&head));
	assert_names(&head, "abcde");
}

static void test_remove_first_middle_last_and_again(void **state)
{
	(void)state;
	struct list head;
	setup_items(&head, 5);
	list_remove(&items[2].link);
	assert_names(&head, "abde");
	list_remove(&items[2].link); /* harmless */
	assert_names(&head, "abde");
	list_remove(&items[0].link);
	list_remove(&items[4].link);
	assert_names(&head, "bd");
	assert_true(list_empty(&items[2].link));
	list_append(&head, &items[2].link);
	assert_names(&head, "bdc");
}

static void test_take_first_until_empty(void **state)
{
	(void)state;
	struct list head;
	setup_items(&head, 3);
	for (int i = 0; i < 3; i++) {
		struct list *first = list_take_first(&head);
		assert_ptr_equal(first, &items[i].link);
		assert_true(list_empty(first));
	}
	assert_null(list_take_first(&head));
	assert_true(list_empty(&head));
}

static void test_splice_moves_all_to_the_end(void **state)
{
	(void)state;
	struct list to, from;
	setup_items(&to, 2);
	list_init(&from);
	for (int i = 2; i < 5; i++) list_append(&from, &items[i].link);
	list_splice(&to, &from);
	assert_names(&to, "abcde");
	assert_true(list_empty(&from));
	assert_names(&from, "");

	list_splice(&to, &from); /* nothing to move */
	assert_names(&to, "abcde");
	list_splice(&from, &to); /* into an empty one */
	assert_names(&from, "abcde");
	assert_true(list_empty(&to));
}

static void test_the_current_member_may_go_inside_the_safe_loop(void **state)
{
	(void)state;
	struct list head;
	setup_items(&head, 5);
	int seen = 0;
	LIST_FOREACH_SAFE(it, &head) {
		seen++;
		struct item *item = CONTAINER_OF(it, struct item, link);
		if (item->name % 2 == 0) {
			list_remove(it);
			it->next = NULL; /* as a freed member would be */
			it->prev = NULL;
		}
	}
	assert_int_equal(seen, 5);
	assert_names(&head, "ace");
	LIST_FOREACH_SAFE(it, &head) list_remove(it);
	assert_true(list_empty(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append_keeps_order),
		cmocka_unit_test(test_remove_first_middle_last_and_again),
		cmocka_unit_test(test_take_first_until_empty),
		cmocka_unit_test(test_splice_moves_all_to_the_end),
		cmocka_unit_test(test_the_current_member_may_go_inside_the_safe_loop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
