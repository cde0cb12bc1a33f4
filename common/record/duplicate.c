#include "record/duplicate.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "record/guard.h"
#include "record/text.h"

/* ---- names ----------------------------------------------------------------------------------- */

/* The first word of a search form, and what follows it. */
static struct view word_take(struct view *rest)
{
	size_t len = 0;
	if (rest->len == 0) return VIEW_EMPTY;
	while (len < rest->len && rest->p[len] != ' ') len++;
	const struct view word = view_of(rest->p, len);
	const size_t skip = len < rest->len ? len + 1 : len;
	*rest = view_of(rest->p + skip, rest->len - skip);
	return word;
}

static size_t word_count_of(struct view key, struct view word)
{
	size_t count = 0;
	while (key.len > 0) count += view_equal(word_take(&key), word) ? 1 : 0;
	return count;
}

static bool same_words(struct view a, struct view b)
{
	if (a.len != b.len || a.len == 0) return false;
	for (struct view rest = a; rest.len > 0;) {
		const struct view word = word_take(&rest);
		if (word_count_of(a, word) != word_count_of(b, word)) return false;
	}
	return true;
}

static bool shares_word(struct view a, struct view b)
{
	while (a.len > 0) {
		if (word_count_of(b, word_take(&a)) > 0) return true;
	}
	return false;
}

struct name_keys {
	struct buf name, used;
};

static void name_keys_finip(struct name_keys *k)
{
	buf_wipe(&k->name);
	buf_fini(&k->name);
	buf_wipe(&k->used);
	buf_fini(&k->used);
}

static enum err name_keys_make(const struct duplicate_person *p, struct name_keys *ret)
{
	TRY(text_search_key(p->name, &ret->name));
	return text_search_key(p->name_used, &ret->used);
}

static bool same_name(const struct name_keys *a, const struct name_keys *b)
{
	return same_words(buf_view(&a->name), buf_view(&b->name)) ||
	       same_words(buf_view(&a->name), buf_view(&b->used)) ||
	       same_words(buf_view(&a->used), buf_view(&b->name));
}

static bool near_name(const struct name_keys *a, const struct name_keys *b)
{
	struct view rest = buf_view(&a->name);
	/* The first word: relatives share the last one. */
	const struct view first = word_take(&rest);
	const struct view of_b = buf_view(&b->name);
	return word_count_of(of_b, first) > 0 || shares_word(buf_view(&a->used), of_b) ||
	       shares_word(buf_view(&b->used), buf_view(&a->name)) ||
	       shares_word(buf_view(&a->used), buf_view(&b->used));
}

/* ---------------------------------------------------------------------------------------------- */

enum err duplicate_compare(const struct duplicate_person *a, const struct duplicate_person *b,
			   unsigned *ret_same)
{
	CLEANUP(name_keys_finip) struct name_keys keys_a = { 0 };
	CLEANUP(name_keys_finip) struct name_keys keys_b = { 0 };
	unsigned same = 0;
	*ret_same = 0;
	if (a->born.len > 0 && view_equal(a->born, b->born)) same |= DUPLICATE_BORN;
	if (guard_contact_is_shared(a->phone, b->phone)) same |= DUPLICATE_PHONE;
	if (same == 0) return ERR_OK; /* a name alone is no sign */
	TRY(name_keys_make(a, &keys_a));
	TRY(name_keys_make(b, &keys_b));
	if (same_name(&keys_a, &keys_b)) {
		*ret_same = same | DUPLICATE_NAME;
	} else if (same == (DUPLICATE_BORN | DUPLICATE_PHONE) && near_name(&keys_a, &keys_b)) {
		*ret_same = same;
	}
	return ERR_OK;
}
