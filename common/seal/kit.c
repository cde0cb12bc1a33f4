#include "seal/kit.h"

#include "base/check.h"
#include "crypt/text.h"

#include <stdio.h>

#define KIT_PAGE_BYTES_MAX 8192u
#define KIT_LINE_GROUPS 8u
#define KIT_GROUP_BYTES 5u /* four characters and the dash */
#define KIT_NAME_BYTES_MAX 64u

/* A page on its way: text in guarded memory, errors stick. */
struct kit_page {
	struct secret *text; /* owned */
	size_t len;
	enum err failed;
};

static void kit_page_finip(struct kit_page *page)
{
	secret_freep(&page->text);
}

static void kit_add_view(struct kit_page *page, struct view v)
{
	if (page->failed != ERR_OK) return;
	if (v.len > page->text->len - page->len) {
		page->failed = ERR_TOO_BIG;
		return;
	}
	if (v.len > 0) memcpy(page->text->p + page->len, v.p, v.len);
	page->len += v.len;
}

static void kit_add(struct kit_page *page, const char *text)
{
	kit_add_view(page, view_str(text));
}

static void kit_add_number(struct kit_page *page, unsigned v)
{
	char digits[16];
	const int n = snprintf(digits, sizeof(digits), "%u", v);
	INSIST(n > 0 && n < (int)sizeof(digits));
	kit_add(page, digits);
}

static void kit_add_hex(struct kit_page *page, struct view v)
{
	static const char hex[] = "0123456789abcdef";
	for (size_t i = 0; i < v.len; i++) {
		const char two[2] = { hex[v.p[i] >> 4], hex[v.p[i] & 15] };
		kit_add_view(page, VIEW_OF(two));
	}
}

static void kit_add_field(struct kit_page *page, const char *name, struct view value)
{
	kit_add(page, name);
	kit_add_view(page, value);
	kit_add(page, "\n");
}

/* "NAME:", then the code in lines of eight groups, then an empty line. */
static void kit_add_code(struct kit_page *page, const char *name, const struct secret *code)
{
	const struct view all = secret_view(code);
	kit_add(page, name);
	kit_add(page, ":\n");
	for (size_t at = 0; at < all.len; at += KIT_LINE_GROUPS * KIT_GROUP_BYTES) {
		size_t len = all.len - at;
		if (len > KIT_LINE_GROUPS * KIT_GROUP_BYTES) {
			len = KIT_LINE_GROUPS * KIT_GROUP_BYTES;
		}
		kit_add(page, "  ");
		kit_add_view(page, view_of(all.p + at, len));
		kit_add(page, "\n");
	}
	kit_add(page, "\n");
}

static enum err kit_add_share(struct kit_page *page, const char *name, const struct share *s)
{
	CLEANUP(secret_freep) struct secret *text = NULL;
	TRY(share_print(s, &text));
	kit_add_code(page, name, text);
	return ERR_OK;
}

static enum err kit_add_key(struct kit_page *page, const char *name, const char *type,
			    const struct secret *key)
{
	CLEANUP(secret_freep) struct secret *text = NULL;
	TRY(code_print(type, secret_view(key), &text));
	kit_add_code(page, name, text);
	return ERR_OK;
}

static void kit_add_head(struct kit_page *page, const struct kit *kit, unsigned holder)
{
	char id_text[ID_TEXT_BYTES];
	id_print(&kit->clinic_id, id_text);
	kit_add(page, "ROOMKEEP RECOVERY KIT, PAGE ");
	kit_add_number(page, holder + 1);
	kit_add(page, " OF ");
	kit_add_number(page, kit->n);
	kit_add(page, "\n\nPrint this page, hand it to its holder, delete the file.\n"
		      "Never mail it, never keep it on a computer. Any ");
	kit_add_number(page, kit->k);
	kit_add(page,
		" holders together\ncan open what all of the clinic has written, so each page "
		"belongs to\na different person.\n\n");
	kit_add_field(page, "clinic: ", kit->clinic_name);
	kit_add_field(page, "clinic id: ", view_str(id_text));
	kit_add_field(page, "made on: ", kit->created);
	kit_add(page, "root public key: ");
	kit_add_hex(page, sign_pk_view(&kit->root_pk));
	kit_add(page, "\nbackup public key: ");
	kit_add_hex(page, box_pk_view(&kit->backup_pk));
	kit_add(page, "\nsecond backup public key: ");
	kit_add_hex(page, box_pk_view(&kit->second_backup_pk));
	kit_add(page, "\nclinic secret number: ");
	kit_add_number(page, kit->cs_id);
	kit_add(page, "\n\n");
}

static enum err kit_check(const struct kit *kit, unsigned holder)
{
	ENSURE(kit->k >= 2 && kit->k <= kit->n && kit->n <= RECOVERY_SHARES_MAX, ERR_BAD_VALUE);
	ENSURE(holder < kit->n && kit->cs_id >= 1, ERR_BAD_VALUE);
	/* A line end in the name could make a second "recovery share:". */
	ENSURE(text_is_clean(kit->clinic_name) && text_is_clean(kit->created), ERR_BAD_VALUE);
	ENSURE(kit->cs->len == KEY_BYTES && kit->second_backup_sk->len == KEY_BYTES, ERR_BAD_VALUE);
	return ERR_OK;
}

static enum err kit_fill(struct kit_page *page, const struct kit *kit, unsigned holder)
{
	kit_add_head(page, kit, holder);
	TRY(kit_add_share(page, KIT_RECOVERY_SHARE, &kit->recovery_shares[holder]));
	TRY(kit_add_share(page, KIT_ROOT_SHARE, &kit->root_shares[holder]));
	TRY(kit_add_share(page, KIT_BACKUP_SHARE, &kit->backup_shares[holder]));
	TRY(kit_add_key(page, KIT_CLINIC_SECRET, KIT_CODE_TYPE_CS, kit->cs));
	if (holder == 0) {
		TRY(kit_add_key(page, KIT_BACKUP_KEY, KIT_CODE_TYPE_BACKUP, kit->second_backup_sk));
	}
	return page->failed;
}

enum err kit_page_make(const struct kit *kit, unsigned holder, struct secret **ret_text)
{
	TRY(kit_check(kit, holder));
	CLEANUP(kit_page_finip) struct kit_page page = { .failed = ERR_OK };
	TRY(secret_new(KIT_PAGE_BYTES_MAX, &page.text));
	TRY(kit_fill(&page, kit, holder));
	return secret_new_copy(view_of(page.text->p, page.len), ret_text);
}

enum err kit_page_find(struct view page, const char *name, struct view *ret_code)
{
	char head[KIT_NAME_BYTES_MAX + 4];
	const int n = snprintf(head, sizeof(head), "\n%s:\n", name);
	REQUIRE(n > 0 && n < (int)sizeof(head));
	const uint8_t *start = memmem(page.p, page.len, head, (size_t)n);
	ENSURE(start != NULL, ERR_NOT_FOUND);
	start += n;
	const size_t left = page.len - (size_t)(start - page.p);
	const uint8_t *end = memmem(start, left, "\n\n", 2);
	ENSURE(end != NULL, ERR_BAD_VALUE);
	*ret_code = view_of(start, (size_t)(end - start));
	return ERR_OK;
}
