/* fuzz_keys: keys that are the same in every run, and no true randomness beside them, so that an
 * input which was made yesterday (tests/tools/seed_corpus) opens today.
 *
 * Owns:    one set for the process, never given back.   Threads: one. */
#pragma once

#include "base/id.h"
#include "crypt/pass_keys.h"
#include "crypt/proof.h"
#include "crypt/sealed_box.h"
#include "crypt/secret.h"
#include "crypt/sign.h"
#include "fuzz/fuzz.h"

#define FUZZ_SIGN_KEYS 8u
#define FUZZ_KEYRING_HEAD_BYTES 108u /* of a keyring blob: all that stands before the nonce */

struct fuzz_keys {
	struct id clinic;
	struct id user;
	struct secret *secret; /* 32 bytes for whatever needs some */
	struct join_keys join;
	struct pass_keys pass;
	struct box_key box;
	struct sign_key sign[FUZZ_SIGN_KEYS]; /* [0] is the clinic's root */
};

/* Made at the first call. */
const struct fuzz_keys *fuzz_keys(void);

/* libsodium's random bytes begin anew, as at the start of every run. */
void fuzz_keys_reset(void);

/* The head of a keyring blob (kind 1) of `user`, to which pass.uwk is the key. */
struct view fuzz_keyring_head(void);
