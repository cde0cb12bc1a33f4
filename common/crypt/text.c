#include "crypt/text.h"

#include <utf8proc.h>

bool text_is_clean(struct view v)
{
	for (size_t at = 0; at < v.len;) {
		utf8proc_int32_t point = -1;
		const utf8proc_ssize_t used =
			utf8proc_iterate(v.p + at, (utf8proc_ssize_t)(v.len - at), &point);
		if (used <= 0) return false;
		if (utf8proc_category(point) == UTF8PROC_CATEGORY_CC) return false;
		at += (size_t)used;
	}
	return true;
}
