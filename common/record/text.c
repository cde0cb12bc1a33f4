#include "record/text.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/limits.h"

#include <utf8proc.h>

/* One code point from the front of `in`. */
static enum err text_take(struct view *in, utf8proc_int32_t *ret_point)
{
	REQUIRE(in->len > 0);
	utf8proc_int32_t point = 0;
	const utf8proc_ssize_t took = utf8proc_iterate(in->p, (utf8proc_ssize_t)in->len, &point);
	ENSURE(took > 0 && point >= 0, ERR_BAD_TEXT);
	in->p += took;
	in->len -= (size_t)took;
	*ret_point = point;
	return ERR_OK;
}

/* Line and paragraph separators, and the marks that turn writing round: a name with one of these
 * can be shown as another name (Unicode Technical Report 36, 2.6). */
static bool text_is_trick(utf8proc_int32_t point)
{
	return point == 0x2028 || point == 0x2029 || (point >= 0x202a && point <= 0x202e) ||
	       (point >= 0x2066 && point <= 0x2069);
}

static bool text_is_control(utf8proc_int32_t point)
{
	return utf8proc_category(point) == UTF8PROC_CATEGORY_CC;
}

enum err text_check(struct view text, enum text_lines lines)
{
	ENSURE(text.len <= BUF_BYTES_MAX, ERR_BAD_TEXT);
	while (text.len > 0) {
		utf8proc_int32_t point;
		TRY(text_take(&text, &point));
		if (lines == TEXT_MANY_LINES) {
			const bool allowed = point == '\t' || point == '\n';
			ENSURE(allowed || !text_is_control(point), ERR_BAD_TEXT);
		} else {
			ENSURE(!text_is_control(point) && !text_is_trick(point), ERR_BAD_TEXT);
		}
	}
	return ERR_OK;
}

static bool text_is_blank(utf8proc_int32_t point)
{
	return point == '\t' || point == '\n' || point == '\r' ||
	       utf8proc_category(point) == UTF8PROC_CATEGORY_ZS;
}

bool text_is_trimmed(struct view text)
{
	bool first = true;
	utf8proc_int32_t point = 0;
	while (text.len > 0) {
		if (text_take(&text, &point) != ERR_OK) return false;
		if (first && text_is_blank(point)) return false;
		first = false;
	}
	return first || !text_is_blank(point);
}

/* utf8proc_map, its result in memory that the caller frees. */
static enum err text_map(struct view text, utf8proc_option_t options, utf8proc_uint8_t **ret_p,
			 size_t *ret_len)
{
	static const uint8_t nothing[1] = { 0 };
	ENSURE(text.len <= BUF_BYTES_MAX, ERR_BAD_TEXT);
	utf8proc_uint8_t *p = NULL;
	const utf8proc_ssize_t len = utf8proc_map(text.len == 0 ? nothing : text.p,
						  (utf8proc_ssize_t)text.len, &p, options);
	ENSURE(len != UTF8PROC_ERROR_NOMEM, ERR_NOMEM);
	ENSURE(len >= 0, ERR_BAD_TEXT);
	*ret_p = p;
	*ret_len = (size_t)len;
	return ERR_OK;
}

static enum err text_append_point(struct buf *out, utf8proc_int32_t point)
{
	utf8proc_uint8_t bytes[4];
	const utf8proc_ssize_t len = utf8proc_encode_char(point, bytes);
	INSIST(len > 0 && len <= 4);
	return buf_append(out, view_of(bytes, (size_t)len));
}

static enum err text_squeeze_blanks(struct view text, struct buf *out)
{
	const size_t start = out->len;
	bool blank = false;
	while (text.len > 0) {
		utf8proc_int32_t point;
		TRY(text_take(&text, &point));
		if (text_is_blank(point)) {
			blank = true;
			continue;
		}
		if (blank && out->len > start) TRY(buf_append_u8(out, ' '));
		blank = false;
		TRY(text_append_point(out, point));
	}
	return ERR_OK;
}

enum err text_normalise_name(struct view typed, struct buf *out)
{
	CLEANUP(buf_finip) struct buf line = { 0 };
	TRY(text_squeeze_blanks(typed, &line));
	TRY(text_check(buf_view(&line), TEXT_ONE_LINE));

	CLEANUP(freep) utf8proc_uint8_t *p = NULL;
	size_t len = 0;
	TRY(text_map(buf_view(&line), UTF8PROC_STABLE | UTF8PROC_COMPOSE, &p, &len));
	return buf_append(out, view_of(p, len));
}

/* Letters that Unicode does not decompose, in their case-folded form (sorted by code point). */
static const struct text_letter {
	int32_t point;
	const char *plain;
} text_letters[] = {
	{ 0x00e6, "ae" }, { 0x00f0, "d" }, { 0x00f8, "o" }, { 0x00fe, "th" }, { 0x0111, "d" },
	{ 0x0127, "h" },  { 0x0131, "i" }, { 0x0142, "l" }, { 0x0153, "oe" }, { 0x0167, "t" },
};

const char *text_plain_letter(int32_t point)
{
	for (size_t i = 0; i < COUNT_OF(text_letters); i++) {
		if (text_letters[i].point == point) return text_letters[i].plain;
	}
	return NULL;
}

static bool text_is_word(utf8proc_int32_t point)
{
	const utf8proc_category_t c = utf8proc_category(point);
	return (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO) ||
	       (c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO);
}

static enum err text_append_folded(struct view text, struct buf *out)
{
	const size_t start = out->len;
	bool blank = false;
	while (text.len > 0) {
		utf8proc_int32_t point;
		TRY(text_take(&text, &point));
		if (text_is_blank(point)) blank = true;
		if (!text_is_word(point)) continue;
		if (blank && out->len > start) TRY(buf_append_u8(out, ' '));
		blank = false;
		const char *plain = text_plain_letter(point);
		if (plain != NULL) {
			TRY(buf_append_str(out, plain));
		} else {
			TRY(text_append_point(out, point));
		}
	}
	return ERR_OK;
}

enum err text_search_key(struct view text, struct buf *out)
{
	CLEANUP(freep) utf8proc_uint8_t *p = NULL;
	size_t len = 0;
	TRY(text_map(text,
		     UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
			     UTF8PROC_STRIPMARK | UTF8PROC_IGNORE,
		     &p, &len));
	return text_append_folded(view_of(p, len), out);
}

bool text_key_matches(struct view name_key, struct view query_key)
{
	if (query_key.len == 0) return true;
	const uint8_t *end = query_key.p + query_key.len;
	const uint8_t *word = query_key.p;
	while (word < end) {
		const uint8_t *stop = memchr(word, ' ', (size_t)(end - word));
		const size_t len = (size_t)((stop == NULL ? end : stop) - word);
		if (len > 0 &&
		    (name_key.len < len || memmem(name_key.p, name_key.len, word, len) == NULL)) {
			return false;
		}
		if (stop == NULL) break;
		word = stop + 1;
	}
	return true;
}
