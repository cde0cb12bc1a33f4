#include "client/api/misfiled.h"

#include "base/check.h"
#include "record/access.h"
#include "record/reflect.h"

#include <stdlib.h>

/* Who treated, and a lead. */
static enum err may_read(struct verb *v, const struct id *session_id, bool *ret)
{
	const struct dir_user *user =
		dir_user(local_directory(verb_local(v)), desk_person(v->desk));
	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	struct session_state s = { 0 };

	const enum err e = local_load_session(verb_local(v), verb_vault(v), session_id, &fold, &s);
	if (e != ERR_OK && e != ERR_NOT_FOUND) return e;
	*ret = e == ERR_OK && (id_equal(&s.therapist_id, desk_person(v->desk)) ||
			       (user != NULL && (user->roles & ROLE_LEAD) != 0));
	return ERR_OK;
}

/* What the patient says about a session is no part of what was said in it. */
static bool is_part(const struct kind_info *info)
{
	return info->session_field != NULL && info->kind != KIND_REQUEST &&
	       info->kind != KIND_STATEMENT;
}

enum err misfiled_look(struct verb *v, const struct id *session_id, bool *ret_is, bool *ret_hidden)
{
	bool readable = true;

	TRY(local_is_misfiled(verb_local(v), verb_vault(v), session_id, ret_is));
	if (*ret_is) TRY(may_read(v, session_id, &readable));
	*ret_hidden = !readable;
	return ERR_OK;
}

/* `*ret_has` false: it is part of none. */
static enum err session_of(const struct kind_info *info, const ProtobufCMessage *m, struct id *ret,
			   bool *ret_has)
{
	ProtobufCBinaryData bytes;

	*ret_has = false;
	if (!is_part(info)) return ERR_OK;
	const ProtobufCFieldDescriptor *f = reflect_field(info->message, info->session_field);
	if (!reflect_is_set(m, f)) return ERR_OK;
	reflect_get(m, f, &bytes, sizeof(bytes));
	TRY(id_from_view(view_of(bytes.data, bytes.len), ret));
	*ret_has = true;
	return ERR_OK;
}

enum err misfiled_look_record(struct verb *v, const struct kind_info *info,
			      const ProtobufCMessage *m, bool *ret_is, bool *ret_hidden)
{
	struct id session_id;
	bool has = false;

	*ret_is = *ret_hidden = false;
	TRY(session_of(info, m, &session_id, &has));
	return has ? misfiled_look(v, &session_id, ret_is, ret_hidden) : ERR_OK;
}

enum err misfiled_is_record(struct verb *v, const struct kind_info *info, const ProtobufCMessage *m,
			    bool *ret)
{
	struct id session_id;
	bool has = false;

	*ret = false;
	TRY(session_of(info, m, &session_id, &has));
	return has ? local_is_misfiled(verb_local(v), verb_vault(v), &session_id, ret) : ERR_OK;
}

enum err misfiled_drop(struct verb *v, enum kind kind, const struct record_state *records,
		       size_t *count, struct record_state **ret_stand)
{
	CLEANUP(freep) struct record_state *stand = calloc(*count + 1, sizeof(*stand));
	const struct kind_info *info = kind_find((uint64_t)kind);
	size_t kept = 0;

	ENSURE(stand != NULL, ERR_NOMEM);
	for (size_t i = 0; i < *count; i++) {
		bool is_misfiled = false;
		TRY(misfiled_is_record(v, info, records[i].message, &is_misfiled));
		if (!is_misfiled) stand[kept++] = records[i];
	}
	*count = kept;
	*ret_stand = TAKE(stand);
	return ERR_OK;
}

enum err misfiled_put(struct verb *v, const struct id *session_id, bool is_hidden)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *mark = NULL;
	struct id right_id;

	const enum err e = local_get_record(verb_local(v), verb_vault(v), KIND_MISFILING,
					    session_id, &fold, &mark);
	if (e == ERR_NOT_FOUND) return json_put(v->answer, "entered_in_error", json_null());
	TRY(e);
	const void *any = mark->message;
	const Roomkeep__Misfiling *m = any;
	json_t *object = json_object();
	TRY(json_put(v->answer, "entered_in_error", object));
	TRY(verb_put_login(v, object, "by", &mark->first->author_id));
	TRY(json_put_time(object, "at", mark->first->client_time_ms));
	TRY(id_from_view(view_of(m->right_session_id.data, m->right_session_id.len), &right_id));
	TRY(json_put_id(object, "right_session_id", is_hidden ? NULL : &right_id));
	return json_put(object, "reason", is_hidden ? json_null() : json_string(m->reason));
}
