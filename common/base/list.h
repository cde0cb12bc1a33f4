/* list: an intrusive ring. A head and its members are the same struct; an unlinked member points to
 * itself. No allocation; the container owns the memory. Threads: as the container. */
#pragma once

#include "base/check.h"

#include <stdbool.h>

struct list {
	struct list *next;
	struct list *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l;
	l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_append(struct list *head, struct list *item)
{
	item->prev = head->prev;
	item->next = head;
	head->prev->next = item;
	head->prev = item;
}

/* Unlinking an unlinked member is harmless. */
static inline void list_remove(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}

/* First member, unlinked, or NULL when empty. */
static inline struct list *list_take_first(struct list *head)
{
	if (list_empty(head)) return NULL;
	struct list *first = head->next;
	list_remove(first);
	return first;
}

/* Moves all members of `from` to the end of `to`. */
static inline void list_splice(struct list *to, struct list *from)
{
	if (list_empty(from)) return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#define LIST_FOREACH(it, head) for (struct list *it = (head)->next; it != (head); it = it->next)

/* The current member may be removed inside the loop. */
#define LIST_FOREACH_SAFE(it, head)                                                                \
	for (struct list *it = (head)->next, *it##_next = it->next; it != (head);                  \
	     it = it##_next, it##_next = it->next)
