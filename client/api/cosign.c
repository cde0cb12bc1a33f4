#include "client/api/cosign.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "record/record_fold.h"
#include "wire/op.h"

static enum err is_cosigned(struct verb *v, const struct id *supervisor_id,
			    const struct id *patient_id, const struct id *session_id, bool *ret)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	size_t count = 0;

	*ret = false;
	TRY(local_list_records(verb_local(v), verb_vault(v), KIND_COSIGN, patient_id, &fold,
			       &records, &count));
	for (size_t i = 0; i < count; i++) {
		const void *any = records[i].message;
		const Roomkeep__Cosign *m = any;
		struct id of;
		if (wire_id(m->session_id, &of) != ERR_OK || !id_equal(&of, session_id)) continue;
		if (id_equal(&records[i].first->author_id, supervisor_id)) *ret = true;
	}
	return ERR_OK;
}

enum err cosign_put_state(struct verb *v, json_t *object, bool withheld, bool is_signed,
			  const struct id *supervisor_id, const struct id *patient_id,
			  const struct id *session_id)
{
	const char *state = is_signed ? "signed" : "draft";
	bool cosigned = true;

	if (is_signed && !withheld && !id_is_zero(supervisor_id)) {
		TRY(is_cosigned(v, supervisor_id, patient_id, session_id, &cosigned));
	}
	if (!cosigned) state = "to_cosign";
	return json_put(object, "state", json_string(withheld ? "withheld" : state));
}

enum err cosign_waits(struct verb *v, const struct local_session_row *row,
		      const struct id *patient_id, bool *ret)
{
	bool cosigned = true;

	*ret = false;
	if (!row->is_signed || row->withheld) return ERR_OK;
	if (!id_equal(&row->supervisor_id, desk_person(v->desk))) return ERR_OK;
	TRY(is_cosigned(v, &row->supervisor_id, patient_id, &row->session_id, &cosigned));
	*ret = !cosigned;
	return ERR_OK;
}
