/* schema: the tables of room.db. Steps are never changed once released, only added. */
#include "client/store/local_priv.h"

/* op: every op this room wrote or pulled, once per person who may read it here, sealed for that
 *     person. `subject` and `patient` are keyed tags (vault_tag). `ord` is the order of arrival.
 * outbox: what this room made; sealed to the server. `day` only: sealed lanes hide the time.
 * lane: heads of the person's own lanes, of all rooms; sealed but for the id.
 * odd_op: a second op that claims the id of a stored one: kept for a person to look at. */
static const char step_1[] =
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE dir_entry (dir_seq INTEGER PRIMARY KEY, entry BLOB NOT NULL,"
	" by_signer BLOB NOT NULL, by_new BLOB NOT NULL, by_old BLOB NOT NULL,"
	" login TEXT NOT NULL) STRICT;"
	"CREATE TABLE account (user_id BLOB PRIMARY KEY, login TEXT NOT NULL UNIQUE,"
	" blob BLOB, rev_min INTEGER NOT NULL, kdf_t INTEGER NOT NULL, kdf_m_kib INTEGER NOT NULL,"
	" vault_rev INTEGER NOT NULL, online_ms INTEGER NOT NULL, tries INTEGER NOT NULL,"
	" next_try_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE lane (user_id BLOB NOT NULL, lane_id BLOB NOT NULL, rev INTEGER NOT NULL,"
	" sealed BLOB NOT NULL, PRIMARY KEY (user_id, lane_id)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE op (ord INTEGER PRIMARY KEY, user_id BLOB NOT NULL, op_id BLOB NOT NULL,"
	" seq INTEGER, subject BLOB, patient BLOB, sealed BLOB NOT NULL,"
	" UNIQUE (user_id, op_id)) STRICT;"
	"CREATE INDEX op_by_subject ON op (user_id, subject);"
	"CREATE INDEX op_by_patient ON op (user_id, patient) WHERE patient IS NOT NULL;"
	"CREATE INDEX op_by_id ON op (op_id);"
	"CREATE TABLE odd_op (ord INTEGER PRIMARY KEY, user_id BLOB NOT NULL, op_id BLOB NOT NULL,"
	" sealed BLOB NOT NULL) STRICT;"
	"CREATE TABLE boot (boot_id BLOB PRIMARY KEY, sealed_key BLOB NOT NULL) STRICT, WITHOUT "
	"ROWID;"
	"CREATE TABLE outbox (ord INTEGER PRIMARY KEY, op_id BLOB NOT NULL UNIQUE,"
	" user_id BLOB NOT NULL, lane_id BLOB NOT NULL, lane_seq INTEGER NOT NULL,"
	" boot_id BLOB NOT NULL REFERENCES boot (boot_id), state INTEGER NOT NULL,"
	" code INTEGER NOT NULL, epoch BLOB, seq INTEGER, day INTEGER NOT NULL,"
	" sealed BLOB NOT NULL, UNIQUE (lane_id, lane_seq)) STRICT;"
	"CREATE INDEX outbox_by_state ON outbox (state, ord);"
	"CREATE TABLE cursor (user_id BLOB PRIMARY KEY, epoch BLOB NOT NULL, seq INTEGER NOT NULL,"
	" scope_version INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE fetched (user_id BLOB NOT NULL, patient BLOB NOT NULL, at_ms INTEGER NOT "
	"NULL,"
	" PRIMARY KEY (user_id, patient)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE log_head (epoch BLOB NOT NULL, seq INTEGER NOT NULL, entry BLOB NOT NULL,"
	" time_ms INTEGER NOT NULL, signature BLOB NOT NULL, PRIMARY KEY (epoch, seq))"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE alarm (alarm INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL) STRICT;";

/* code: not 0 for an own op that came by the feed and that the server had refused. */
static const char step_2[] = "ALTER TABLE op ADD COLUMN code INTEGER NOT NULL DEFAULT 0;"
			     "CREATE INDEX op_refused ON op (user_id, ord) WHERE code <> 0;";

/* found: a third keyed tag, for what is listed across patients: appointments by day, and others of
 *     their kind all together. */
static const char step_3[] = "ALTER TABLE op ADD COLUMN found BLOB;"
			     "CREATE INDEX op_by_found ON op (user_id, found)"
			     " WHERE found IS NOT NULL;";

/* withheld: what patients withhold from the person, sealed: a ScopeChange of wire.proto. */
static const char step_4[] = "ALTER TABLE cursor ADD COLUMN withheld BLOB;";

/* fetched: all of the patient, up to `seq` of `epoch` (NULL, 0: an older build did not keep them).
 * fetched_part: of the patient's sessions that began before `before_ms` only the newest. */
static const char step_5[] =
	"ALTER TABLE fetched ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE fetched ADD COLUMN epoch BLOB;"
	"CREATE TABLE fetched_part (user_id BLOB NOT NULL, patient BLOB NOT NULL,"
	" at_ms INTEGER NOT NULL, before_ms INTEGER NOT NULL, sessions INTEGER NOT NULL,"
	" newest INTEGER NOT NULL, PRIMARY KEY (user_id, patient)) STRICT, WITHOUT ROWID;";

static const char *const steps[] = { step_1, step_2, step_3, step_4, step_5 };

const struct db_schema local_schema = {
	.application_id = 0x43525352u, /* "CRSR" */
	.steps = steps,
	.step_count = COUNT_OF(steps),
};
