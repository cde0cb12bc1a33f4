#include "support/long_clinic.h"

#include "base/check.h"
#include "record/kinds.h"
#include "roomkeep/record.pb-c.h"

#define DAY_MS UINT64_C(86400000)
#define INTERVAL_DAYS 73u
#define BEFORE_MILLI 50000
#define AFTER_MILLI 70000

#define MUST(call) INSIST((call) == ERR_OK)

enum of { OF_PATIENT = 1, OF_SESSION, OF_ARRIVAL, OF_DEPARTURE, OF_PRE, OF_POST, OF_STAFF };

static struct id id_of(enum of what, uint64_t n)
{
	struct id id = { { (uint8_t)what } };
	store_be64(id.b + 8, n + 1);
	return id;
}

static ProtobufCBinaryData bytes_of(struct id *id)
{
	return (ProtobufCBinaryData){ .len = ID_BYTES, .data = id->b };
}

static void put_patient(struct db *db, uint64_t patient)
{
	const struct id id = id_of(OF_PATIENT, patient);
	MUST(db_run(db, "INSERT INTO patient (patient, patient_id, name) VALUES (?1, ?2, 'A')",
		    DB_ARGS(db_u64(patient), db_id(&id))));
}

static void put_session(struct db *db, uint64_t session, uint64_t patient, uint64_t started_ms)
{
	const struct id id = id_of(OF_SESSION, session);
	const struct id therapist = id_of(OF_STAFF, 1);
	MUST(db_run(db,
		    "INSERT INTO session (session, session_id, patient, therapist_id, imported,"
		    " first_started_ms, started_ms) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?5)",
		    DB_ARGS(db_u64(session), db_id(&id), db_u64(patient), db_id(&therapist),
			    db_u64(started_ms))));
}

static void put_mood(struct db *db, uint64_t session, uint64_t patient, bool leaves)
{
	Roomkeep__MoodRead m = ROOMKEEP__MOOD_READ__INIT;
	uint8_t bytes[128];
	struct id id = id_of(leaves ? OF_DEPARTURE : OF_ARRIVAL, session);
	struct id patient_id = id_of(OF_PATIENT, patient);
	struct id session_id = id_of(OF_SESSION, session);
	m.has_mood_read_id = m.has_patient_id = m.has_session_id = true;
	m.mood_read_id = bytes_of(&id);
	m.patient_id = bytes_of(&patient_id);
	m.session_id = bytes_of(&session_id);
	m.has_when = m.has_spirits = m.has_source = true;
	m.when = leaves ? ROOMKEEP__MOOD_READ__WHEN__DEPARTURE : ROOMKEEP__MOOD_READ__WHEN__ARRIVAL;
	m.spirits = leaves ? ROOMKEEP__MOOD_READ__SPIRITS__BRIGHT
			   : ROOMKEEP__MOOD_READ__SPIRITS__EVEN;
	m.source = ROOMKEEP__MOOD_READ__SOURCE__MY_READ;
	INSIST(protobuf_c_message_get_packed_size(&m.base) <= sizeof(bytes));
	const size_t len = protobuf_c_message_pack(&m.base, bytes);
	MUST(db_run(db,
		    "INSERT INTO plain (kind, record_id, patient, message) VALUES (?1, ?2, ?3, ?4)",
		    DB_ARGS(db_u64(KIND_MOOD_READ), db_id(&id), db_u64(patient),
			    db_blob(view_of(bytes, len)))));
}

/* A turn of the neck by goniometer. */
static void put_measure(struct db *db, uint64_t session, Roomkeep__Phase phase, int64_t value_milli)
{
	const bool after = phase == ROOMKEEP__PHASE__POST;
	const struct id id = id_of(after ? OF_POST : OF_PRE, session);
	MUST(db_run(db,
		    "INSERT INTO measure (session, op_id, measure_id, ref, catalogue, phase, side,"
		    " value_milli, unit, at_ms, method, stands) VALUES (?1, ?2, ?2, 'cx_rot', 1,"
		    " ?3, ?4, ?5, 'deg', ?6, ?7, 1)",
		    DB_ARGS(db_u64(session), db_id(&id), db_u64(phase),
			    db_u64(ROOMKEEP__SIDE__LEFT), db_i64(value_milli),
			    db_u64(after ? 2 : 1), db_u64(ROOMKEEP__METHOD__METHOD_GONIOMETER))));
}

/* In the order of time, as it happened. */
void long_clinic_fill(struct db *db, uint64_t patients, uint64_t now_ms)
{
	uint64_t session = 0;
	for (uint64_t p = 1; p <= patients; p++) put_patient(db, p);
	for (uint64_t n = LONG_CLINIC_VISITS; n > 0; n--) {
		for (uint64_t p = 1; p <= patients; p++) {
			const uint64_t away = p % 7 == 0 ? p * 37 % 400 : p % 60;
			const uint64_t ago = (n - 1) * INTERVAL_DAYS + away;
			put_session(db, ++session, p, now_ms - ago * DAY_MS);
			put_mood(db, session, p, false);
			put_mood(db, session, p, true);
			put_measure(db, session, ROOMKEEP__PHASE__PRE, BEFORE_MILLI);
			put_measure(db, session, ROOMKEEP__PHASE__POST, AFTER_MILLI);
		}
	}
}
