#include "crypt/passphrase.h"

#include "base/check.h"
#include "base/limits.h"
#include "crypt/passphrase_list.h"

#include <sodium.h>
#include <utf8proc.h>

/* One code point becomes at most 18 under NFKC (U+FDFA, 3 bytes): the worst of 1024 bytes. */
#define PASSPHRASE_WORK_POINTS (PASSPHRASE_BYTES_MAX * 18u / 3u + 18u)

_Static_assert(PASSPHRASE_WORK_POINTS * 4u + 1u <= SECRET_BYTES_MAX, "the work area fits a secret");

const char *passphrase_fault_text(enum passphrase_fault f)
{
	switch (f) {
#define PASSPHRASE_FAULT_CASE(name, text)                                                          \
	case PASSPHRASE_##name: return text;
		PASSPHRASE_FAULT_MAP(PASSPHRASE_FAULT_CASE)
#undef PASSPHRASE_FAULT_CASE
	}
	return "the passphrase is not accepted";
}

struct view passphrase_trim_newline(struct view raw)
{
	if (raw.len > 0 && raw.p[raw.len - 1] == '\n') {
		raw.len--;
		if (raw.len > 0 && raw.p[raw.len - 1] == '\r') raw.len--;
	}
	return raw;
}

static enum err passphrase_refuse(enum passphrase_fault fault, enum passphrase_fault *ret_fault)
{
	if (ret_fault != NULL) *ret_fault = fault;
	return ERR_BAD_VALUE;
}

/* NFKC, with `extra` options, in guarded memory from beginning to end: utf8proc_map would leave
 * copies behind in the heap. PASSPHRASE_NONE: *ret_text is set. */
static enum err passphrase_map(struct view raw, unsigned extra, struct secret **ret_text,
			       enum passphrase_fault *fault)
{
	const utf8proc_option_t options =
		(utf8proc_option_t)((unsigned)UTF8PROC_STABLE | (unsigned)UTF8PROC_COMPAT |
				    (unsigned)UTF8PROC_COMPOSE | extra);
	*fault = PASSPHRASE_NONE;
	if (raw.len > PASSPHRASE_BYTES_MAX) {
		*fault = PASSPHRASE_TOO_LONG;
		return ERR_OK;
	}
	CLEANUP(secret_freep) struct secret *work = NULL;
	TRY(secret_new(PASSPHRASE_WORK_POINTS * sizeof(utf8proc_int32_t) + 1, &work));
	utf8proc_int32_t *points = (utf8proc_int32_t *)(void *)work->p;
	utf8proc_ssize_t n = utf8proc_decompose(raw.p, (utf8proc_ssize_t)raw.len, points,
						PASSPHRASE_WORK_POINTS, options);
	if (n == UTF8PROC_ERROR_NOTASSIGNED)
		*fault = PASSPHRASE_UNASSIGNED;
	else if (n < 0)
		*fault = PASSPHRASE_NOT_UTF8;
	if (n < 0) return ERR_OK;
	INSIST(n <= (utf8proc_ssize_t)PASSPHRASE_WORK_POINTS);

	n = utf8proc_reencode(points, n, options);
	INSIST(n >= 0);
	if (n == 0)
		*fault = PASSPHRASE_EMPTY;
	else if (n > (utf8proc_ssize_t)PASSPHRASE_BYTES_MAX)
		*fault = PASSPHRASE_TOO_LONG;
	if (*fault != PASSPHRASE_NONE) return ERR_OK;
	return secret_new_copy(view_of(work->p, (size_t)n), ret_text);
}

enum err passphrase_normalize(struct view raw, struct secret **ret_p,
			      enum passphrase_fault *ret_fault)
{
	if (raw.len == 0) return passphrase_refuse(PASSPHRASE_EMPTY, ret_fault);
	enum passphrase_fault fault = PASSPHRASE_NONE;
	TRY(passphrase_map(raw, (unsigned)UTF8PROC_REJECTNA, ret_p, &fault));
	return fault == PASSPHRASE_NONE ? ERR_OK : passphrase_refuse(fault, ret_fault);
}

static size_t passphrase_points(struct view p)
{
	size_t count = 0;
	for (size_t i = 0; i < p.len; i++) count += (p.p[i] & 0xc0u) != 0x80u;
	return count;
}

/* The whole of it is one piece, twice or more; the last may be cut ("abcabcab"), and with a
 * separator behind each piece but the last it is one byte short of two ("password password"). */
static bool passphrase_repeats(struct view p)
{
	for (size_t unit = 1; 2 * unit <= p.len + 1 && unit < p.len; unit++) {
		if (secret_equal_view(view_of(p.p + unit, p.len - unit),
				      view_of(p.p, p.len - unit))) {
			return true;
		}
	}
	return false;
}

/* Is `text` the same as the case-folded passphrase? A name that is no clean text is not. */
static enum err passphrase_is(const struct secret *folded, struct view text, bool *ret)
{
	CLEANUP(secret_freep) struct secret *other = NULL;
	enum passphrase_fault fault = PASSPHRASE_NONE;
	*ret = false;
	if (text.len == 0) return ERR_OK;
	TRY(passphrase_map(text, (unsigned)UTF8PROC_CASEFOLD, &other, &fault));
	if (fault == PASSPHRASE_NONE) *ret = secret_equal(folded, other);
	return ERR_OK;
}

enum err passphrase_check_new(const struct secret *p, const struct passphrase_owner *who,
			      enum passphrase_fault *ret_fault)
{
	if (passphrase_points(secret_view(p)) < PASSPHRASE_POINTS_MIN) {
		return passphrase_refuse(PASSPHRASE_TOO_SHORT, ret_fault);
	}
	CLEANUP(secret_freep) struct secret *folded = NULL;
	enum passphrase_fault fault = PASSPHRASE_NONE;
	TRY(passphrase_map(secret_view(p), (unsigned)UTF8PROC_CASEFOLD, &folded, &fault));
	if (fault != PASSPHRASE_NONE) return passphrase_refuse(fault, ret_fault);

	bool same = false;
	TRY(passphrase_is(folded, who->login, &same));
	if (same) return passphrase_refuse(PASSPHRASE_IS_LOGIN, ret_fault);
	TRY(passphrase_is(folded, who->name, &same));
	if (same) return passphrase_refuse(PASSPHRASE_IS_NAME, ret_fault);
	TRY(passphrase_is(folded, who->clinic_name, &same));
	if (same) return passphrase_refuse(PASSPHRASE_IS_CLINIC, ret_fault);
	if (passphrase_repeats(secret_view(folded))) {
		return passphrase_refuse(PASSPHRASE_REPEATED, ret_fault);
	}
	if (passphrase_is_common(secret_view(folded))) {
		return passphrase_refuse(PASSPHRASE_COMMON, ret_fault);
	}
	return ERR_OK;
}
