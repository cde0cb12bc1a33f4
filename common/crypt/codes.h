/* codes: secrets that a person types: Crockford base32 in groups of four, with two check
 * characters.
 *
 * Reading takes either case, O as 0, I and L as 1, and skips spaces, dashes and line ends. The
 * check is the first 10 bits of BLAKE2b-256 over enc("crs1/code", type, bytes): it finds typing
 * errors, it is no proof. Each 16 bytes become 26 characters (the last two bits are zero and must
 * be). Owns: nothing; secrets returned are the caller's.  Threads: any.
 * Errors: ERR_BAD_VALUE with the reason in `*ret_fault` (written only then; NULL is fine);
 *         ERR_NOMEM. */
#pragma once

#include "base/buf.h"
#include "crypt/hash.h"
#include "crypt/secret.h"

#define CODE_SPKI_BYTES 16u      /* of the server's SPKI hash in a setup code */
#define CODE_BYTES_MAX 64u       /* bytes in one code */
#define CODE_TEXT_BYTES_MAX 256u /* typed characters that are looked at, separators included */

/* X(NAME, "sentence for the screen") */
#define CODE_FAULT_MAP(X)                                                                          \
	X(NONE, "the code is fine")                                                                \
	X(TOO_SHORT, "the code is too short, something is missing")                                \
	X(TOO_LONG, "the code is too long")                                                        \
	X(BAD_CHARACTER, "the code has a character that no code uses")                             \
	X(BAD_CHECK, "the code has a typing error, its check characters do not fit")

enum code_fault {
#define CODE_FAULT_ENUM(name, text) CODE_##name,
	CODE_FAULT_MAP(CODE_FAULT_ENUM)
#undef CODE_FAULT_ENUM
};

/* One sentence without a full stop; never NULL, static storage. */
const char *code_fault_text(enum code_fault f);

/* Setup code: S and the first 16 bytes of the server's SPKI hash; 26 + 26 + 2 characters. */
struct setup_code {
	struct secret *s;              /* owned, 16 bytes */
	uint8_t spki[CODE_SPKI_BYTES]; /* the TLS peer must match this */
};

MUST_USE enum err setup_code_print(const struct secret *s, const struct hash32 *server_spki,
				   struct secret **ret_text);
MUST_USE enum err setup_code_parse(struct view text, struct setup_code *ret,
				   enum code_fault *ret_fault);
/* Constant time: is this TLS peer the server that printed the code? */
bool setup_code_names(const struct setup_code *c, const struct hash32 *peer_spki);
void setup_code_fini(struct setup_code *c);  /* { 0 } is fine */
void setup_code_finip(struct setup_code *c); /* for CLEANUP */

/* Join code: J; 26 + 2 characters, seven groups. */
MUST_USE enum err join_code_print(const struct secret *j, struct secret **ret_text);
MUST_USE enum err join_code_parse(struct view text, struct secret **ret_j,
				  enum code_fault *ret_fault);

/* Any other 1..CODE_BYTES_MAX secret bytes under a type name ("seed", "kit"): base32 of all of them
 * in one run, then the check. `bytes` tells the reader how long it must be. */
MUST_USE enum err code_print(const char *type, struct view bytes, struct secret **ret_text);
MUST_USE enum err code_parse(const char *type, size_t bytes, struct view text,
			     struct secret **ret_bytes, enum code_fault *ret_fault);

/* Plain base32 in groups of four, without a check of its own (shares carry one inside). */
MUST_USE enum err base32_print(struct view bytes, struct secret **ret_text);
MUST_USE enum err base32_parse(struct view text, size_t bytes, struct secret **ret_bytes,
			       enum code_fault *ret_fault);
