#include "server/store/merges.h"

#include "server/store/store_priv.h"

#include <stdlib.h>

_Static_assert(KIND_PATIENT_MERGE == 29, "as in 0006.sql and below");

void merges_fini(struct merges *m)
{
	free(m->pairs);
	*m = (struct merges){ .count = 0 };
}

void merges_finip(struct merges *m)
{
	merges_fini(m);
}

enum err merges_load(struct db *db, struct merges *ret)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	CLEANUP(merges_finip) struct merges m = { .count = 0 };
	uint64_t most = 0;
	TRY(db_get_u64(db, "SELECT count(*) FROM plain WHERE kind = 29 AND message IS NOT NULL",
		       DB_NO_ARGS, &most));
	m.pairs = calloc(most + 1, sizeof(*m.pairs));
	ENSURE(m.pairs != NULL, ERR_NOMEM);
	TRY(db_query(db,
		     "SELECT message FROM plain WHERE kind = 29 AND message IS NOT NULL"
		     " ORDER BY plain",
		     DB_NO_ARGS, &stmt));
	while (m.count < most) {
		CLEANUP(store_message_freep) ProtobufCMessage *any = NULL;
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) break;
		TRY(store_message_unpack(kind_find(KIND_PATIENT_MERGE), db_col_view(stmt, 0),
					 &any));
		if (merge_record_read((const Roomkeep__PatientMerge *)(void *)any,
				      &m.pairs[m.count]))
			m.count++;
	}
	*ret = m;
	m = (struct merges){ .count = 0 };
	return ERR_OK;
}
