/* Frame fields into checked values, shared by the handlers. */
#include "record/text.h"
#include "server/work/work_internal.h"

enum err work_check_name(const char *text, struct view *ret)
{
	const struct view v = view_str(text);
	ENSURE(v.len > 0, ERR_BAD_TEXT);
	ENSURE(v.len <= NAME_BYTES_MAX, ERR_TOO_BIG);
	TRY(text_check(v, TEXT_ONE_LINE));
	*ret = v;
	return ERR_OK;
}

enum err work_check_login(const char *text, struct view *ret)
{
	const struct view v = view_str(text);
	ENSURE(v.len > 0, ERR_BAD_TEXT);
	ENSURE(v.len <= LOGIN_BYTES_MAX, ERR_TOO_BIG);
	TRY(text_check(v, TEXT_ONE_LINE));
	*ret = v;
	return ERR_OK;
}

enum err work_read_signed(const Roomkeep__Signed *m, struct store_signed *ret)
{
	ENSURE(m != NULL && m->has_body && m->has_signature, ERR_BAD_FORMAT);
	ENSURE(m->body.len > 0 && m->body.len <= RECORD_BYTES_MAX, ERR_BAD_FORMAT);
	struct store_signed s = { .body = wire_view(m->body) };
	TRY(sign_sig_from_view(wire_view(m->signature), &s.signature));
	*ret = s;
	return ERR_OK;
}

static enum err work_read_optional_sig(protobuf_c_boolean has, ProtobufCBinaryData from,
				       struct sign_sig *ret)
{
	if (!has) return ERR_OK;
	return sign_sig_from_view(wire_view(from), ret);
}

enum err work_read_item(const Roomkeep__DirectoryItem *m, struct dir_signed *ret,
			struct dir_entry *ret_entry)
{
	ENSURE(m != NULL && m->has_entry && m->has_signer_signature, ERR_BAD_FORMAT);
	ENSURE(m->entry.len > 0 && m->entry.len <= DIR_ENTRY_BYTES_MAX, ERR_BAD_FORMAT);
	struct dir_signed item = { .entry = wire_view(m->entry) };
	TRY(sign_sig_from_view(wire_view(m->signer_signature), &item.by_signer));
	TRY(work_read_optional_sig(m->has_subject_signature, m->subject_signature, &item.by_new));
	TRY(work_read_optional_sig(m->has_previous_signature, m->previous_signature, &item.by_old));
	TRY(dir_entry_parse(item.entry, ret_entry));
	*ret = item;
	return ERR_OK;
}

enum err work_read_account(const Roomkeep__Account *m, const struct id *clinic_id,
			   struct store_account *ret)
{
	ENSURE(m != NULL && m->has_user_id && m->has_auth_pk && m->has_keyring_blob,
	       ERR_BAD_FORMAT);
	struct store_account account = { .keyring_blob = wire_view(m->keyring_blob) };
	TRY(wire_id(m->user_id, &account.user_id));
	TRY(work_check_login(m->login, &account.login));
	TRY(sign_pk_from_view(wire_view(m->auth_pk), &account.auth_pk));
	struct blob_head head;
	TRY(blob_parse_head(account.keyring_blob, &head));
	ENSURE(head.kind == BLOB_KIND_PASSPHRASE, ERR_BAD_VALUE);
	ENSURE(id_equal(&head.clinic_id, clinic_id), ERR_BAD_VALUE);
	ENSURE(id_equal(&head.user_id, &account.user_id), ERR_BAD_VALUE);
	TRY(kdf_params_check(&head.kdf, NULL));
	account.keyring_rev = head.keyring_rev;
	if (m->has_recovery_blob) {
		account.recovery_blob = wire_view(m->recovery_blob);
		TRY(blob_parse_head(account.recovery_blob, &head));
		ENSURE(head.kind == BLOB_KIND_RECOVERY, ERR_BAD_VALUE);
		ENSURE(id_equal(&head.clinic_id, clinic_id), ERR_BAD_VALUE);
		ENSURE(id_equal(&head.user_id, &account.user_id), ERR_BAD_VALUE);
	}
	*ret = account;
	return ERR_OK;
}
