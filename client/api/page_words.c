#include "client/api/page_words.h"

#include "base/check.h"
#include "record/calendar.h"
#include "record/fields.h"
#include "record/proof_words.h"

#include <string.h>
#include <time.h>

#define DATE_BYTES 40u

static enum err put_tm(struct buf *out, const struct tm *tm, const char *form)
{
	char text[DATE_BYTES];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	ENSURE(strftime(text, sizeof(text), form, tm) > 0, ERR_BUG);
#pragma GCC diagnostic pop
	return buf_append_str(out, text);
}

static enum err put_ms(struct buf *out, uint64_t ms, const char *form)
{
	const time_t seconds = (time_t)(ms / 1000u);
	struct tm tm;

	if (ms == 0 || localtime_r(&seconds, &tm) == NULL) return ERR_OK;
	return put_tm(out, &tm, form);
}

enum err page_put_day(struct buf *out, uint64_t ms)
{
	return put_ms(out, ms, "%-d %B %Y");
}

enum err page_put_moment(struct buf *out, uint64_t ms)
{
	return put_ms(out, ms, "%-d %b %Y, %H:%M");
}

enum err page_put_date_text(struct buf *out, const char *text, bool with_time)
{
	struct date d;
	uint64_t ms = 0;

	if (json_time_parse(text, &ms) == ERR_OK) {
		return with_time ? page_put_moment(out, ms) : page_put_day(out, ms);
	}
	if (date_parse(view_str(text), &d) != ERR_OK) return buf_append_str(out, text);
	const struct tm tm = { .tm_year = (int)d.year - 1900,
			       .tm_mon = (int)d.month - 1,
			       .tm_mday = (int)d.day };
	return put_tm(out, &tm, with_time ? "%-d %b %Y" : "%-d %B %Y");
}

enum err page_put_word(struct buf *out, const char *word)
{
	for (const char *at = word; *at != '\0'; at++)
		TRY(buf_append_u8(out, *at == '_' ? (uint8_t)' ' : (uint8_t)*at));
	return ERR_OK;
}

enum err page_put_label(struct buf *out, const char *key)
{
	const size_t begin = out->len;

	TRY(page_put_word(out, key));
	if (out->len > begin && out->p[begin] >= 'a' && out->p[begin] <= 'z')
		out->p[begin] = (uint8_t)(out->p[begin] - 'a' + 'A');
	return ERR_OK;
}

enum err page_put_number(struct buf *out, const json_t *value)
{
	int64_t milli = 0;

	if (json_milli_read(value, &milli) == ERR_OK) return proof_put_number(out, milli);
	return buf_append_fmt(out, "%.10g", json_number_value(value));
}

enum err page_put_count(struct buf *out, size_t count, const char *one, const char *many)
{
	return buf_append_fmt(out, "%zu %s", count, count == 1 ? one : many);
}
