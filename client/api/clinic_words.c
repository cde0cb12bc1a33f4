#include "client/api/clinic_words.h"

#include "base/check.h"

enum err clinic_words_load(struct verb *v, struct record_fold *fold,
			   const Roomkeep__ClinicProfile **ret)
{
	const struct record_state *records = NULL;
	size_t count = 0;

	*ret = NULL;
	const enum err e = local_list_records(verb_local(v), verb_vault(v), KIND_CLINIC_PROFILE,
					      NULL, fold, &records, &count);
	if (e == ERR_DENIED) return ERR_OK;
	TRY(e);
	if (count > 0) {
		const void *any = records[count - 1].message;
		*ret = any;
	}
	return ERR_OK;
}

enum err clinic_words_draw(const Roomkeep__ClinicProfile *m, struct document *d)
{
	const char *const lines[] = { m->address, m->phone, m->email };

	for (size_t i = 0; i < COUNT_OF(lines); i++)
		if (lines[i] != NULL) TRY(document_add(d, DOCUMENT_LINE, lines[i]));
	return ERR_OK;
}
