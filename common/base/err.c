#include "base/err.h"

#include <errno.h>
#include <stddef.h>

struct err_entry {
	enum err value;
	const char *name;
	const char *text;
};

/* Names are written by the preprocessor in capitals; err_lower_ holds them once, lowered. */
#define ERR_ENTRY(name, value, text) { ERR_##name, #name, text },
/* clang-format off */
static const struct err_entry err_entries[] = {
	{ ERR_OK, "OK", "all is well" },
	ERR_MAP(ERR_ENTRY)
};
/* clang-format on */
#undef ERR_ENTRY

#define ERR_COUNT (sizeof(err_entries) / sizeof(err_entries[0]))
#define ERR_NAME_BYTES 24

static char err_lower_[ERR_COUNT][ERR_NAME_BYTES];

/* Runs before main and before any thread, so the table is read-only afterwards. */
__attribute__((constructor)) static void err_lower_names(void)
{
	for (size_t i = 0; i < ERR_COUNT; i++) {
		const char *from = err_entries[i].name;
		for (size_t j = 0; j + 1 < ERR_NAME_BYTES && from[j] != '\0'; j++) {
			const char c = from[j];
			err_lower_[i][j] = (c >= 'A' && c <= 'Z') ? (char)(c - 'A' + 'a') : c;
		}
	}
}

static size_t err_index(enum err e)
{
	/* Bounded before it is negated: the smallest int has no positive twin. */
	if ((int)e > 0 || (int)e <= -(int)ERR_COUNT) return ERR_COUNT;
	return (size_t)(-(int)e);
}

const char *err_name(enum err e)
{
	const size_t i = err_index(e);
	return i < ERR_COUNT ? err_lower_[i] : "unknown";
}

const char *err_text(enum err e)
{
	const size_t i = err_index(e);
	return i < ERR_COUNT ? err_entries[i].text : "unknown error";
}

enum err err_from_wire(int value)
{
	for (size_t i = 0; i < ERR_COUNT; i++) {
		if ((int)err_entries[i].value == value) return err_entries[i].value;
	}
	return ERR_PROTO;
}

enum err err_find_errno(int saved_errno)
{
	switch (saved_errno) {
	case ENOSPC:
	case EDQUOT: return ERR_DISK_FULL;
	case ENOMEM: return ERR_NOMEM;
	case ENOENT: return ERR_NOT_FOUND;
	case EEXIST: return ERR_EXISTS;
	case EACCES:
	case EPERM: return ERR_DENIED;
	default: return ERR_IO;
	}
}
