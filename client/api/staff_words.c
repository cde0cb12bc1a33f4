#include "client/api/staff_words.h"

#include "base/check.h"

#include <stdio.h>

const char *staff_name(struct verb *v, const struct id *user_id)
{
	const struct dir_user *user = dir_user(local_directory(verb_local(v)), user_id);

	return user == NULL ? "" : user->name;
}

enum err staff_registration(struct verb *v, const struct id *user_id,
			    char ret_number[NAME_BYTES_MAX + 1])
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	size_t count = 0;

	ret_number[0] = '\0';
	const enum err e = local_list_records(verb_local(v), verb_vault(v), KIND_STAFF_PROFILE,
					      user_id, &fold, &records, &count);
	if (e == ERR_DENIED) return ERR_OK;
	TRY(e);
	for (size_t i = 0; i < count; i++) {
		const void *any = records[i].message;
		const Roomkeep__StaffProfile *m = any;
		struct id whose = { 0 };
		if (m->registration_number == NULL || !m->has_user_id) continue;
		TRY(id_from_view(view_of(m->user_id.data, m->user_id.len), &whose));
		if (!id_equal(&whose, user_id)) continue;
		(void)snprintf(ret_number, NAME_BYTES_MAX + 1, "%s", m->registration_number);
	}
	return ERR_OK;
}
