/* account: sign-in data of the people this room knows, for client/desk and people.c.
 *
 * Threads: the desk thread only.  Each call is one committed transaction (fsync).
 * Sources: SECURITY 2.7 "Offline". */
#pragma once

#include "client/store/local.h"

struct account {
	struct id user_id;
	char login[LOGIN_BYTES_MAX + 1];
	bool have_blob;   /* false: it was deleted after LOCAL_TRIES_MAX or a change elsewhere */
	struct buf blob;  /* owned; keyring blob kind 1 */
	uint64_t rev_min; /* highest keyring_rev seen */
	struct kdf_params pinned; /* highest parameters seen; zeros: none */
	uint64_t vault_rev;       /* highest seen or sent */
	uint64_t online_ms;       /* last sign-in through the server, here */
	uint64_t tries;           /* offline ones since the last success */
	uint64_t next_try_ms;
};

void account_fini(struct account *a); /* { 0 } is fine */
static inline void account_finip(struct account *a)
{
	account_fini(a);
}

/* ERR_NOT_FOUND. */
MUST_USE enum err account_by_login(struct local *l, const char *login, struct account *ret);
MUST_USE enum err account_by_id(struct local *l, const struct id *user_id, struct account *ret);

/* After a sign-in through the server: blob, pins (which only rise), time; tries back to 0. */
MUST_USE enum err account_store_online(struct local *l, const struct account *a);
/* The copy of the keyring goes; pins stay. */
MUST_USE enum err account_drop_blob(struct local *l, const struct id *user_id);
/* Before the try: counted on disk when this returns. Sets next_try_ms. */
MUST_USE enum err account_count_try(struct local *l, struct account *a, uint64_t now_ms);
MUST_USE enum err account_clear_tries(struct local *l, const struct id *user_id);
MUST_USE enum err account_set_vault_rev(struct local *l, const struct id *user_id, uint64_t rev);

/* The clinic secret of this id: the current or the previous one. NULL: not known here. */
const struct secret *account_cs(const struct local *l, uint32_t cs_id);
/* This machine's clock when the server was last reached. */
uint64_t account_server_ms(const struct local *l);
