/* passphrase: from what a person typed to the bytes P that are hashed, and the rules for a new one.
 *
 * P = NFKC of the text (utf8proc), unassigned code points refused, nothing trimmed (SECURITY 2.3,
 * NIST SP 800-63B-4). The blocklist compares the WHOLE passphrase, case-folded, never parts of it.
 * Owns: nothing; `*ret_p` is the caller's.  Threads: any.  Errors: ERR_NOMEM; ERR_BAD_VALUE with
 *       the
 * reason in `*ret_fault` (written only then). */
#pragma once

#include "base/err.h"
#include "base/view.h"
#include "crypt/secret.h"

/* X(NAME, "sentence for the screen") */
#define PASSPHRASE_FAULT_MAP(X)                                                                    \
	X(NONE, "the passphrase is fine")                                                          \
	X(EMPTY, "the passphrase is empty")                                                        \
	X(NOT_UTF8, "the passphrase is not clean UTF-8 text")                                      \
	X(UNASSIGNED, "the passphrase has a character that Unicode has not assigned")              \
	X(TOO_LONG, "the passphrase is longer than 1024 bytes")                                    \
	X(TOO_SHORT, "the passphrase has fewer than 15 characters")                                \
	X(COMMON, "the passphrase is one that many people use")                                    \
	X(IS_LOGIN, "the passphrase is the login")                                                 \
	X(IS_NAME, "the passphrase is the person's name")                                          \
	X(IS_CLINIC, "the passphrase is the clinic's name")                                        \
	X(REPEATED, "the passphrase repeats one short piece")

enum passphrase_fault {
#define PASSPHRASE_FAULT_ENUM(name, text) PASSPHRASE_##name,
	PASSPHRASE_FAULT_MAP(PASSPHRASE_FAULT_ENUM)
#undef PASSPHRASE_FAULT_ENUM
};

/* One sentence without a full stop; never NULL, static storage. */
const char *passphrase_fault_text(enum passphrase_fault f);

/* Drops exactly one trailing "\n" or "\r\n"; for what came from a file or a pipe. */
struct view passphrase_trim_newline(struct view raw);

/* P for signing in: normalised, bounded, no further rules (an old passphrase stays valid). */
MUST_USE enum err passphrase_normalize(struct view raw, struct secret **ret_p,
				       enum passphrase_fault *ret_fault);

struct passphrase_owner {
	struct view login; /* UTF-8; any may be empty */
	struct view name;  /* the person's, as the directory has it */
	struct view clinic_name;
};

/* The rules for a newly chosen one, on P. */
MUST_USE enum err passphrase_check_new(const struct secret *p, const struct passphrase_owner *who,
				       enum passphrase_fault *ret_fault);
