/* people_priv: small parts that found.c, enrol.c and people.c share. */
#pragma once

#include "client/store/local_priv.h"
#include "client/store/people.h"

/* What every room keeps of its clinic. All borrowed. */
struct people_joined {
	enum local_state state;
	const struct id *clinic_id;
	const struct id *room_id;
	const struct sign_pk *root_pk;
	const char *room_name;
	const char *room_kind;
	const char *address;
	const struct secret *cs;
	uint32_t cs_id;
	const struct secret *prev_cs; /* NULL: none */
	uint32_t prev_cs_id;
	struct view server, policy, epoch;
	const struct sign_sig *server_sig, *policy_sig, *epoch_sig;
};
/* In the caller's transaction. */
MUST_USE enum err people_store_joined(struct local *l, const struct people_joined *j);
/* Reads room and directory again. */
MUST_USE enum err people_reload(struct local *l);

MUST_USE enum err people_check_name(const char *name, const char *field,
				    struct record_error *ret_error);
/* a-z 0-9 . - _, starting with a letter or digit, LOGIN_BYTES_MAX. */
MUST_USE enum err people_check_login(const char *login, struct record_error *ret_error);
/* Normalised and checked against the rules for a new one. */
MUST_USE enum err people_new_passphrase(struct view raw, const char *login, const char *name,
					const char *clinic, struct secret **ret_p,
					enum passphrase_fault *ret_fault);

/* Messages that borrow. protobuf-c's structs are not const but packing only reads. */
Roomkeep__Signed people_signed(struct view body, const struct sign_sig *sig);
/* `s` and `login` (may be NULL) must outlive the item. */
Roomkeep__DirectoryItem people_item(const struct dir_signed *s, const char *login);
