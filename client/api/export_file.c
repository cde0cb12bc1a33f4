#include "client/api/export_file.h"

#include "base/check.h"
#include "client/api/out_file.h"

static const struct {
	enum err err;
	const char *code; /* NULL: the error's own */
	const char *message;
} file_faults[] = {
	{ ERR_EXISTS, "file_exists", "file: there is one already" },
	{ ERR_NOT_FOUND, NULL, "file: no such folder" },
	{ ERR_BAD_VALUE, NULL, "file: a file name" },
	{ ERR_FULL, NULL, "file: the disk is full or fails" },
	{ ERR_DENIED, NULL, "file: it cannot be written there" },
};

static enum err fail_file(struct verb *v, enum err e)
{
	for (size_t i = 0; i < COUNT_OF(file_faults); i++) {
		if (file_faults[i].err != e) continue;
		err_ignore(
			fault_set(&v->fault, e, file_faults[i].code, "%s", file_faults[i].message));
		return e == ERR_EXISTS ? fault_hint(&v->fault, "--overwrite replaces it") : e;
	}
	return e;
}

enum err export_file_need(struct verb *v)
{
	const char *file = NULL;

	TRY(verb_need_text(v, "file", &file));
	if (file[0] == '/') return ERR_OK;
	return fault_set(&v->fault, ERR_BAD_VALUE, NULL, "file: a whole path");
}

enum err export_file_begin(struct verb *v, struct view bytes, struct out_file *ret)
{
	const bool overwrite = json_is_true(json_object_get(v->request, "overwrite"));

	*ret = (struct out_file)OUT_FILE_NONE;
	TRY(export_file_need(v));
	const enum err e = out_file_begin(verb_text(v, "file"), bytes, overwrite, ret);
	return e == ERR_OK ? e : fail_file(v, e);
}

enum err export_file_publish(struct verb *v, struct out_file *f)
{
	const enum err e = out_file_publish(f);

	if (e != ERR_OK) return fail_file(v, e);
	return json_put(v->answer, "file", json_string(verb_text(v, "file")));
}

enum err export_file_write(struct verb *v, struct view bytes)
{
	CLEANUP(out_file_finip) struct out_file f = OUT_FILE_NONE;

	TRY(export_file_begin(v, bytes, &f));
	return export_file_publish(v, &f);
}

enum err export_add_html(struct buf *out, const char *text)
{
	for (const char *at = text; *at != '\0'; at++) {
		switch (*at) {
		case '<': TRY(buf_append_str(out, "&lt;")); break;
		case '>': TRY(buf_append_str(out, "&gt;")); break;
		case '&': TRY(buf_append_str(out, "&amp;")); break;
		case '"': TRY(buf_append_str(out, "&quot;")); break;
		default: TRY(buf_append(out, view_of(at, 1))); break;
		}
	}
	return ERR_OK;
}
