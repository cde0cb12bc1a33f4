/* kit: the text of one holder's page of the paper kit (SECURITY 2.6).
 *
 * Each page holds one share of the recovery key, of the clinic root and of the kit's backup key,
 * plus the clinic secret, clinic_id and root_pk; the first holder's also a second backup key whole.
 * Only the text is made here, in memory that is wiped; writing files and drawing QR codes is the
 * caller's. Each code stands in its page on lines of its own, after a line "NAME:", so that it can
 * be found by a program: kit_page_find.
 * Threads: any.  Errors: ERR_BAD_VALUE, ERR_NOMEM, ERR_NOT_FOUND. */
#pragma once

#include "base/id.h"
#include "crypt/codes.h"
#include "crypt/sealed_box.h"
#include "crypt/sign.h"
#include "seal/shares.h"

/* Names of the codes on a page. */
#define KIT_RECOVERY_SHARE "recovery share"
#define KIT_ROOT_SHARE "root share"
#define KIT_BACKUP_SHARE "backup share"
#define KIT_CLINIC_SECRET "clinic secret"
#define KIT_BACKUP_KEY "second backup key"
#define KIT_CODE_TYPE_CS "clinic-secret"
#define KIT_CODE_TYPE_BACKUP "backup-key"

struct kit {
	struct view clinic_name; /* UTF-8; borrowed */
	struct id clinic_id;
	struct sign_pk root_pk;
	uint32_t cs_id;
	const struct secret *cs; /* borrowed */
	unsigned k, n;
	const struct share *recovery_shares; /* n of each; borrowed */
	const struct share *root_shares;
	const struct share *backup_shares;
	struct box_pk backup_pk; /* of the shared backup key */
	struct box_pk second_backup_pk;
	const struct secret
		*second_backup_sk; /* whole, on the first holder's page only; borrowed */
	struct view created;       /* date as text, YYYY-MM-DD; borrowed */
};

/* Page of holder 0..n-1, as UTF-8 text. */
MUST_USE enum err kit_page_make(const struct kit *kit, unsigned holder, struct secret **ret_text);
/* The code behind "NAME:" on a page, separators included; a view into `page`. For QR codes and for
 * the shares that are typed back. */
MUST_USE enum err kit_page_find(struct view page, const char *name, struct view *ret_code);
