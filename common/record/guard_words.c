#include "record/guard_words.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "record/text.h"

#include <utf8proc.h>

#define WORD_BYTES_MAX 96u   /* folded; a longer word matches nothing */
#define ELIDED_BYTES_MAX 2u  /* "qu" */
#define FOLDED_POINTS_MAX 20 /* of one code point (the longest in Unicode is 18) */

/* ---- folding --------------------------------------------------------------------------------- */

/* One word of a text: where it stands and what it is compared as. */
struct guard_token {
	size_t start;
	size_t end;
	uint8_t key[WORD_BYTES_MAX];
	size_t len;
	size_t stem_len; /* without a possessive s; = len without one */
	size_t head_len; /* of what is elided in front: d'Anna, qu'Anna; 0 = nothing */
	bool too_long;
};

/* The text may be a confidential one: no word of it stays behind on the stack. */
static void guard_token_wipe(struct guard_token *t)
{
	explicit_bzero(t, sizeof(*t));
}

static enum err guard_point_at(struct view text, size_t at, utf8proc_int32_t *ret_point,
			       size_t *ret_bytes)
{
	REQUIRE(at < text.len);
	const utf8proc_ssize_t took =
		utf8proc_iterate(text.p + at, (utf8proc_ssize_t)(text.len - at), ret_point);
	ENSURE(took > 0 && *ret_point >= 0, ERR_BAD_TEXT);
	*ret_bytes = (size_t)took;
	return ERR_OK;
}

static bool guard_is_letter(utf8proc_int32_t point)
{
	const utf8proc_category_t c = utf8proc_category(point);
	return (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO) ||
	       (c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO);
}

/* Accents that stand alone, and what only steers letters (soft hyphen, joiners). */
static bool guard_is_mark(utf8proc_int32_t point)
{
	const utf8proc_category_t c = utf8proc_category(point);
	return (c >= UTF8PROC_CATEGORY_MN && c <= UTF8PROC_CATEGORY_ME) ||
	       c == UTF8PROC_CATEGORY_CF;
}

static bool guard_is_apostrophe(utf8proc_int32_t point)
{
	return point == '\'' || point == 0x2019 || point == 0x2018 || point == 0x02bc ||
	       point == 0xff07;
}

static void guard_token_append(struct guard_token *t, const uint8_t *p, size_t len)
{
	if (t->too_long || WORD_BYTES_MAX - t->len < len) {
		t->too_long = true;
		return;
	}
	memcpy(t->key + t->len, p, len);
	t->len += len;
}

/* What text_search_key makes of one letter, without its memory. */
static void guard_token_fold(struct guard_token *t, utf8proc_int32_t point)
{
	utf8proc_int32_t folded[FOLDED_POINTS_MAX];
	int last_class = 0;
	const utf8proc_ssize_t count = utf8proc_decompose_char(
		point, folded, FOLDED_POINTS_MAX,
		(utf8proc_option_t)(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT |
				    UTF8PROC_CASEFOLD | UTF8PROC_STRIPMARK | UTF8PROC_IGNORE),
		&last_class);
	INSIST(count >= 0 && count <= FOLDED_POINTS_MAX);
	for (utf8proc_ssize_t i = 0; i < count; i++) {
		if (!guard_is_letter(folded[i])) continue;
		const char *plain = text_plain_letter(folded[i]);
		if (plain != NULL) {
			guard_token_append(t, (const uint8_t *)plain, strlen(plain));
			continue;
		}
		utf8proc_uint8_t bytes[4];
		const utf8proc_ssize_t len = utf8proc_encode_char(folded[i], bytes);
		INSIST(len > 0 && len <= 4);
		guard_token_append(t, bytes, (size_t)len);
	}
}

/* From the first letter at `t->start` to the end of the word. */
static enum err guard_token_read(struct view text, struct guard_token *t)
{
	size_t at = t->start;
	bool apostrophe = false;
	size_t len_before = 0;
	utf8proc_int32_t point = 0;
	size_t bytes = 0;
	for (; at < text.len; at += bytes) {
		TRY(guard_point_at(text, at, &point, &bytes));
		if (guard_is_apostrophe(point)) {
			if (!apostrophe && t->len <= ELIDED_BYTES_MAX) t->head_len = t->len;
			apostrophe = true;
			len_before = t->len;
			continue;
		}
		if (!guard_is_letter(point) && !guard_is_mark(point)) break;
		guard_token_fold(t, point);
		t->end = at + bytes;
	}
	const bool possessive = apostrophe && len_before > 0 && t->len == len_before + 1 &&
				t->key[len_before] == 's';
	t->stem_len = possessive ? len_before : t->len;
	return ERR_OK;
}

/* The next word at or after `from`; *ret_found is false at the end of the text. */
static enum err guard_token_next(struct view text, size_t from, struct guard_token *ret_token,
				 bool *ret_found)
{
	*ret_found = false;
	for (size_t at = from; at < text.len;) {
		utf8proc_int32_t point;
		size_t bytes;
		TRY(guard_point_at(text, at, &point, &bytes));
		if (guard_is_letter(point) && !guard_is_apostrophe(point)) {
			ret_token->start = at;
			ret_token->end = at;
			ret_token->len = 0;
			ret_token->head_len = 0;
			ret_token->too_long = false;
			*ret_found = true;
			return guard_token_read(text, ret_token);
		}
		at += bytes;
	}
	return ERR_OK;
}

/* ---- matching -------------------------------------------------------------------------------- */

/* Takes the first word off a key. */
static struct view guard_key_word(struct view *key)
{
	const uint8_t *stop = memchr(key->p, ' ', key->len);
	const struct view word = view_of(key->p, stop == NULL ? key->len : (size_t)(stop - key->p));
	const size_t took = stop == NULL ? key->len : word.len + 1;
	*key = view_of(key->p + took, key->len - took);
	return word;
}

static bool guard_token_is(const struct guard_token *t, struct view word, bool any_ending)
{
	if (t->too_long || t->len == 0) return false;
	if (view_equal(view_of(t->key, t->len), word)) return true;
	if (view_equal(view_of(t->key, t->stem_len), word)) return true;
	const uint8_t *tail = t->key + t->head_len;
	if (view_equal(view_of(tail, t->len - t->head_len), word)) return true;
	if (t->head_len < t->stem_len &&
	    view_equal(view_of(tail, t->stem_len - t->head_len), word)) {
		return true;
	}
	return any_ending && t->len > word.len && memcmp(t->key, word.p, word.len) == 0;
}

/* Does the key's sequence of words stand here? A key that ends in * fits any ending. */
static enum err guard_key_matches(struct view text, const struct guard_token *first,
				  struct view key, size_t *ret_end, bool *ret_yes)
{
	*ret_yes = false;
	const bool any_ending = key.len > 0 && key.p[key.len - 1] == '*';
	if (any_ending) key.len--;
	struct view word = guard_key_word(&key);
	if (!guard_token_is(first, word, any_ending && key.len == 0)) return ERR_OK;

	size_t end = first->end;
	while (key.len > 0) {
		CLEANUP(guard_token_wipe) struct guard_token next;
		bool found;
		TRY(guard_token_next(text, end, &next, &found));
		word = guard_key_word(&key);
		if (!found || !guard_token_is(&next, word, any_ending && key.len == 0)) {
			return ERR_OK;
		}
		end = next.end;
	}
	*ret_end = end;
	*ret_yes = true;
	return ERR_OK;
}

struct guard_finds {
	struct guard_span *spans;
	size_t cap;
	size_t count;
};

static enum err guard_find_key(struct view text, const struct guard_token *first, struct view key,
			       unsigned code, struct guard_finds *finds)
{
	size_t end;
	bool yes;
	TRY(guard_key_matches(text, first, key, &end, &yes));
	if (!yes) return ERR_OK;
	if (finds->count < finds->cap) {
		finds->spans[finds->count] = (struct guard_span){ first->start, end, code };
	}
	finds->count++;
	return ERR_OK;
}

/* ---- names ----------------------------------------------------------------------------------- */

enum err guard_name_make(struct view name, struct guard_name *ret_name)
{
	struct guard_name made = { .len = 0 };
	size_t letters = 0;
	size_t at = 0;
	for (;;) {
		CLEANUP(guard_token_wipe) struct guard_token t;
		bool found;
		TRY(guard_token_next(name, at, &t, &found));
		if (!found) break;
		const size_t blank = made.len > 0 ? 1 : 0;
		ENSURE(!t.too_long && GUARD_NAME_KEY_BYTES - made.len >= t.len + blank,
		       ERR_TOO_BIG);
		if (blank > 0) made.key[made.len++] = ' ';
		memcpy(made.key + made.len, t.key, t.len);
		made.len += t.len;
		letters += t.len;
		at = t.end;
	}
	ENSURE(letters >= GUARD_NAME_LETTERS_MIN, ERR_BAD_VALUE);
	*ret_name = made;
	return ERR_OK;
}

enum err guard_names_find(struct view text, const struct guard_name *names, size_t name_count,
			  struct guard_span *ret_spans, size_t cap, size_t *ret_count)
{
	struct guard_finds finds = { ret_spans, cap, 0 };
	size_t at = 0;
	for (;;) {
		CLEANUP(guard_token_wipe) struct guard_token t;
		bool found;
		TRY(guard_token_next(text, at, &t, &found));
		if (!found) break;
		for (size_t i = 0; i < name_count; i++) {
			const struct view key = view_of(names[i].key, names[i].len);
			TRY(guard_find_key(text, &t, key, (unsigned)i, &finds));
		}
		at = t.end;
	}
	*ret_count = finds.count;
	return ERR_OK;
}

/* ---- trust and safety words ------------------------------------------------------------------ */

/* Folded already: lower case, no accents, no apostrophes (a test looks). */
static const struct guard_phrase guard_list[] = {
	{ GUARD_WORD_AFFAIR, "affair" },
	{ GUARD_WORD_AFFAIR, "affairs" },
	{ GUARD_WORD_AFFAIR, "cheating on" },
	{ GUARD_WORD_AFFAIR, "cheated on" },
	{ GUARD_WORD_AFFAIR, "unfaithful" },
	{ GUARD_WORD_AFFAIR, "infidel*" },
	{ GUARD_WORD_AFFAIR, "mistress" },
	{ GUARD_WORD_AFFAIR, "seeing someone else" },
	{ GUARD_WORD_AFFAIR, "adulter*" },
	{ GUARD_WORD_DIVORCE, "divorc*" },
	{ GUARD_WORD_DIVORCE, "separating from" },
	{ GUARD_WORD_DIVORCE, "separated from" },
	{ GUARD_WORD_DIVORCE, "leaving him" },
	{ GUARD_WORD_DIVORCE, "leaving her" },
	{ GUARD_WORD_DIVORCE, "leave him" },
	{ GUARD_WORD_DIVORCE, "leave her" },
	{ GUARD_WORD_DIVORCE, "split up" },
	{ GUARD_WORD_SECRET, "dont tell" },
	{ GUARD_WORD_SECRET, "do not tell" },
	{ GUARD_WORD_SECRET, "didnt tell" },
	{ GUARD_WORD_SECRET, "doesnt know" },
	{ GUARD_WORD_SECRET, "does not know about" },
	{ GUARD_WORD_SECRET, "between us" },
	{ GUARD_WORD_SECRET, "between you and me" },
	{ GUARD_WORD_SECRET, "in confidence" },
	{ GUARD_WORD_SECRET, "off the record" },
	{ GUARD_WORD_SECRET, "secret*" },
	{ GUARD_WORD_SECRET, "ne dites rien" },
	{ GUARD_WORD_SECRET, "ne le dites pas" },
	{ GUARD_WORD_SECRET, "entre nous" },
	{ GUARD_WORD_PREGNANCY, "miscarr*" },
	{ GUARD_WORD_PREGNANCY, "abortion" },
	{ GUARD_WORD_PREGNANCY, "fausse couche" },
	{ GUARD_WORD_ADDICTION, "alcoholi*" },
	{ GUARD_WORD_ADDICTION, "drinking again" },
	{ GUARD_WORD_ADDICTION, "relapsed" },
	{ GUARD_WORD_ADDICTION, "in rehab" },
	{ GUARD_WORD_LAW, "custody" },
	{ GUARD_WORD_LAW, "lawsuit" },
	{ GUARD_WORD_LAW, "restraining order" },
	{ GUARD_WORD_LAW, "arrested" },
	{ GUARD_WORD_ABUSE, "abuse" },
	{ GUARD_WORD_ABUSE, "abused" },
	{ GUARD_WORD_ABUSE, "abuses" },
	{ GUARD_WORD_ABUSE, "abuser" },
	{ GUARD_WORD_ABUSE, "abusing" },
	{ GUARD_WORD_ABUSE, "abusive" },
	{ GUARD_WORD_ABUSE, "molest*" },
	{ GUARD_WORD_ABUSE, "raped" },
	{ GUARD_WORD_ABUSE, "rape" },
	{ GUARD_WORD_ABUSE, "incest" },
	{ GUARD_WORD_ABUSE, "maltrait*" },
	{ GUARD_WORD_VIOLENCE, "assault*" },
	{ GUARD_WORD_VIOLENCE, "hits me" },
	{ GUARD_WORD_VIOLENCE, "hit me" },
	{ GUARD_WORD_VIOLENCE, "hits her" },
	{ GUARD_WORD_VIOLENCE, "hits him" },
	{ GUARD_WORD_VIOLENCE, "beats me" },
	{ GUARD_WORD_VIOLENCE, "beats her" },
	{ GUARD_WORD_VIOLENCE, "beats him" },
	{ GUARD_WORD_VIOLENCE, "chokes me" },
	{ GUARD_WORD_VIOLENCE, "choked me" },
	{ GUARD_WORD_VIOLENCE, "strangl*" },
	{ GUARD_WORD_VIOLENCE, "afraid of her husband" },
	{ GUARD_WORD_VIOLENCE, "afraid of his wife" },
	{ GUARD_WORD_VIOLENCE, "afraid to go home" },
	{ GUARD_WORD_VIOLENCE, "scared to go home" },
	{ GUARD_WORD_VIOLENCE, "threatened me" },
	{ GUARD_WORD_VIOLENCE, "threatens me" },
	{ GUARD_WORD_VIOLENCE, "me frappe" },
	{ GUARD_WORD_SELF_HARM, "suicid*" },
	{ GUARD_WORD_SELF_HARM, "kill myself" },
	{ GUARD_WORD_SELF_HARM, "kill herself" },
	{ GUARD_WORD_SELF_HARM, "kill himself" },
	{ GUARD_WORD_SELF_HARM, "kill themselves" },
	{ GUARD_WORD_SELF_HARM, "end my life" },
	{ GUARD_WORD_SELF_HARM, "end her life" },
	{ GUARD_WORD_SELF_HARM, "end his life" },
	{ GUARD_WORD_SELF_HARM, "end it all" },
	{ GUARD_WORD_SELF_HARM, "self harm*" },
	{ GUARD_WORD_SELF_HARM, "selfharm*" },
	{ GUARD_WORD_SELF_HARM, "harm myself" },
	{ GUARD_WORD_SELF_HARM, "harm herself" },
	{ GUARD_WORD_SELF_HARM, "harm himself" },
	{ GUARD_WORD_SELF_HARM, "harm themselves" },
	{ GUARD_WORD_SELF_HARM, "wants to hurt herself" },
	{ GUARD_WORD_SELF_HARM, "wants to hurt himself" },
	{ GUARD_WORD_SELF_HARM, "hurt myself" },
	{ GUARD_WORD_SELF_HARM, "cut myself" },
	{ GUARD_WORD_SELF_HARM, "cutting myself" },
	{ GUARD_WORD_SELF_HARM, "want to die" },
	{ GUARD_WORD_SELF_HARM, "wants to die" },
	{ GUARD_WORD_SELF_HARM, "wish i was dead" },
	{ GUARD_WORD_SELF_HARM, "better off dead" },
	{ GUARD_WORD_SELF_HARM, "better off without me" },
	{ GUARD_WORD_SELF_HARM, "no reason to live" },
	{ GUARD_WORD_SELF_HARM, "overdos*" },
	{ GUARD_WORD_SELF_HARM, "envie de mourir" },
};

static const struct guard_word_row {
	const char *name;
	bool seal;
	bool safety;
} guard_word_rows[GUARD_WORD_COUNT + 1] = {
	[GUARD_WORD_AFFAIR] = { "affair", true, false },
	[GUARD_WORD_DIVORCE] = { "divorce", true, false },
	[GUARD_WORD_SECRET] = { "secret", true, false },
	[GUARD_WORD_PREGNANCY] = { "pregnancy", true, false },
	[GUARD_WORD_ADDICTION] = { "addiction", true, false },
	[GUARD_WORD_LAW] = { "law", true, false },
	[GUARD_WORD_ABUSE] = { "abuse", true, true },
	[GUARD_WORD_VIOLENCE] = { "violence", true, true },
	[GUARD_WORD_SELF_HARM] = { "self_harm", true, true },
};

static const struct guard_word_row *guard_word_get(enum guard_word word)
{
	REQUIRE(word >= GUARD_WORD_AFFAIR && word <= GUARD_WORD_SELF_HARM);
	return &guard_word_rows[word];
}

bool guard_word_asks_seal(enum guard_word word)
{
	return guard_word_get(word)->seal;
}

bool guard_word_asks_safety(enum guard_word word)
{
	return guard_word_get(word)->safety;
}

const char *guard_word_name(enum guard_word word)
{
	return guard_word_get(word)->name;
}

const struct guard_phrase *guard_phrases(size_t *ret_count)
{
	*ret_count = COUNT_OF(guard_list);
	return guard_list;
}

enum err guard_words_find(struct view text, struct guard_span *ret_spans, size_t cap,
			  size_t *ret_count)
{
	struct guard_finds finds = { ret_spans, cap, 0 };
	size_t at = 0;
	for (;;) {
		CLEANUP(guard_token_wipe) struct guard_token t;
		bool found;
		TRY(guard_token_next(text, at, &t, &found));
		if (!found) break;
		for (size_t i = 0; i < COUNT_OF(guard_list); i++) {
			TRY(guard_find_key(text, &t, view_str(guard_list[i].text),
					   (unsigned)guard_list[i].word, &finds));
		}
		at = t.end;
	}
	*ret_count = finds.count;
	return ERR_OK;
}
