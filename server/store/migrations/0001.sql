-- The first form of clinic.db. Never changed once released: the next step is 0002.sql.
-- Ids are 16 byte blobs in an index; primary keys are integers. Times: milliseconds since 1970 UTC.

-- ---- the clinic --------------------------------------------------------------------------------

CREATE TABLE setting (
	name TEXT PRIMARY KEY,
	value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE setup (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	mac BLOB NOT NULL CHECK (length(mac) = 32),
	expires_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE clinic (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	clinic_id BLOB NOT NULL CHECK (length(clinic_id) = 16),
	name TEXT NOT NULL,
	root_pk BLOB NOT NULL CHECK (length(root_pk) = 32),
	epoch BLOB NOT NULL CHECK (length(epoch) = 16),
	epoch_n INTEGER NOT NULL,
	backed_up_seq INTEGER NOT NULL
) STRICT;

-- Every signed record the clinic ever had: an old head needs the log key of its time.
CREATE TABLE record (
	kind INTEGER NOT NULL,    -- 1 policy, 2 server record, 3 epoch record
	number INTEGER NOT NULL,  -- version, seq, n
	body BLOB NOT NULL,
	signature BLOB NOT NULL CHECK (length(signature) = 64),
	PRIMARY KEY (kind, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE room (
	room INTEGER PRIMARY KEY,
	room_id BLOB NOT NULL UNIQUE CHECK (length(room_id) = 16),
	name TEXT NOT NULL,
	kind TEXT NOT NULL,
	spki BLOB NOT NULL UNIQUE CHECK (length(spki) = 32),
	state INTEGER NOT NULL CHECK (state IN (1, 2)),  -- active, retired
	enrolled_ms INTEGER NOT NULL,
	retired_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX room_active_name ON room (name) WHERE state = 1;

CREATE TABLE invite (
	invite INTEGER PRIMARY KEY,
	join_id BLOB NOT NULL UNIQUE CHECK (length(join_id) = 16),
	join_mac BLOB NOT NULL,  -- empty once used
	join_blob BLOB NOT NULL, -- empty once used
	name TEXT NOT NULL,
	kind TEXT NOT NULL,
	invited_by BLOB,
	expires_ms INTEGER NOT NULL,
	used_ms INTEGER          -- enrolled, withdrawn, or a wrong proof
) STRICT;

CREATE TABLE account (
	account INTEGER PRIMARY KEY,
	user_id BLOB NOT NULL UNIQUE CHECK (length(user_id) = 16),
	login TEXT NOT NULL UNIQUE,
	auth_pk BLOB NOT NULL CHECK (length(auth_pk) = 32),
	keyring_rev INTEGER NOT NULL,
	keyring_blob BLOB NOT NULL,
	recovery_blob BLOB,
	vault_rev INTEGER NOT NULL DEFAULT 0,
	vault_blob BLOB,
	created_ms INTEGER NOT NULL,
	blocked_ms INTEGER
) STRICT;

CREATE TABLE directory (
	dir_seq INTEGER PRIMARY KEY,
	user_id BLOB NOT NULL CHECK (length(user_id) = 16),
	entry BLOB NOT NULL,
	by_signer BLOB NOT NULL CHECK (length(by_signer) = 64),
	by_new BLOB NOT NULL CHECK (length(by_new) = 64),
	by_old BLOB NOT NULL CHECK (length(by_old) = 64)
) STRICT;
CREATE INDEX directory_user ON directory (user_id, dir_seq);

CREATE TABLE throttle (
	throttle INTEGER PRIMARY KEY,
	handle BLOB NOT NULL,
	room_id BLOB NOT NULL,  -- empty: the handle over all rooms
	failures INTEGER NOT NULL,
	last_ms INTEGER NOT NULL,
	UNIQUE (handle, room_id)
) STRICT;

-- ---- the log -----------------------------------------------------------------------------------

CREATE TABLE audit (
	seq INTEGER PRIMARY KEY,
	epoch BLOB NOT NULL CHECK (length(epoch) = 16),
	time_ms INTEGER NOT NULL,
	body BLOB NOT NULL,     -- enc("crs1/audit-row", ...): what row_hash is the hash of
	entry BLOB NOT NULL CHECK (length(entry) = 32)
) STRICT;

CREATE TABLE audit_head (
	seq INTEGER PRIMARY KEY,
	time_ms INTEGER NOT NULL,
	signature BLOB NOT NULL CHECK (length(signature) = 64)
) STRICT;

-- ---- ops: the truth ----------------------------------------------------------------------------

CREATE TABLE lane (
	lane INTEGER PRIMARY KEY,
	lane_id BLOB NOT NULL UNIQUE CHECK (length(lane_id) = 32),
	user_id BLOB NOT NULL CHECK (length(user_id) = 16),
	room_id BLOB NOT NULL CHECK (length(room_id) = 16),
	class INTEGER NOT NULL CHECK (class IN (1, 2)),
	random16 BLOB NOT NULL CHECK (length(random16) = 16),
	head_seq INTEGER NOT NULL,
	head_hash BLOB NOT NULL CHECK (length(head_hash) = 32)
) STRICT;
CREATE INDEX lane_user ON lane (user_id, class);

CREATE TABLE op (
	seq INTEGER PRIMARY KEY,
	op_id BLOB NOT NULL UNIQUE CHECK (length(op_id) = 16),
	op_hash BLOB NOT NULL CHECK (length(op_hash) = 32),
	lane INTEGER NOT NULL REFERENCES lane,
	lane_seq INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	author_id BLOB NOT NULL CHECK (length(author_id) = 16),
	received_ms INTEGER NOT NULL,
	state INTEGER NOT NULL CHECK (state IN (1, 3, 4)), -- committed, rejected, quarantined
	code INTEGER NOT NULL,                             -- an err value, 0 when committed
	patient_id BLOB,
	session_id BLOB,
	target_kind INTEGER NOT NULL,                      -- of a tombstone
	hidden_by INTEGER REFERENCES op,                   -- the tombstone that names it
	core BLOB NOT NULL,
	signature BLOB NOT NULL CHECK (length(signature) = 64),
	heads BLOB,                                        -- 72 bytes each, as they travelled
	UNIQUE (lane, lane_seq)
) STRICT;
CREATE INDEX op_patient ON op (patient_id, seq) WHERE patient_id IS NOT NULL;
CREATE INDEX op_session ON op (session_id, seq) WHERE session_id IS NOT NULL;
CREATE INDEX op_hidden ON op (hidden_by) WHERE hidden_by IS NOT NULL;

CREATE TABLE op_payload (
	seq INTEGER PRIMARY KEY REFERENCES op,
	bytes BLOB NOT NULL
) STRICT;

-- What stays of an erased payload: the same message without its words, so that the merge of what is
-- left does not change.
CREATE TABLE op_skeleton (
	seq INTEGER PRIMARY KEY REFERENCES op,
	bytes BLOB NOT NULL
) STRICT;

CREATE TABLE quarantine (
	quarantine INTEGER PRIMARY KEY,
	op_hash BLOB NOT NULL CHECK (length(op_hash) = 32),
	op_id BLOB NOT NULL,
	lane_id BLOB NOT NULL,
	lane_seq INTEGER NOT NULL,
	author_id BLOB NOT NULL,
	received_ms INTEGER NOT NULL,
	code INTEGER NOT NULL,
	core BLOB NOT NULL,
	signature BLOB NOT NULL,
	payload BLOB NOT NULL,
	UNIQUE (op_hash, signature)
) STRICT;
CREATE INDEX quarantine_lane ON quarantine (lane_id);

-- ---- views: what the ops say, made again from them at any time ---------------------------------
-- `seq` and `op_id` are the op's. No view refers to the op table, so that they can be built apart.

CREATE TABLE patient (
	patient INTEGER PRIMARY KEY,
	patient_id BLOB NOT NULL UNIQUE CHECK (length(patient_id) = 16),
	name TEXT,
	name_used TEXT,
	born TEXT,
	phone TEXT,
	email TEXT
) STRICT;

CREATE TABLE patient_history (
	patient INTEGER NOT NULL REFERENCES patient,
	field INTEGER NOT NULL,  -- enum patient_field of record/fold.h
	seq INTEGER NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (patient, field, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
	session INTEGER PRIMARY KEY,
	session_id BLOB NOT NULL UNIQUE CHECK (length(session_id) = 16),
	patient INTEGER NOT NULL REFERENCES patient,
	therapist_id BLOB NOT NULL CHECK (length(therapist_id) = 16),
	imported INTEGER NOT NULL CHECK (imported IN (0, 1)),
	first_started_ms INTEGER NOT NULL,  -- of the oldest frame op: for access, whatever is signed
	room_id BLOB,
	started_ms INTEGER,
	ended_ms INTEGER,
	sign_seq INTEGER                    -- the Sign that holds; NULL: draft
) STRICT;
CREATE INDEX session_patient ON session (patient);

-- In the tables of a session:
--   covered   the Sign that holds names it
--   late      it came beside a Sign that does not cover it: shown, never applied
--   erased    a tombstone took its words
--   head      a text that stands; two of one field are a conflict
--   stands    a measure or addendum that is shown

CREATE TABLE session_frame (
	seq INTEGER PRIMARY KEY,
	session INTEGER NOT NULL REFERENCES session,
	op_id BLOB NOT NULL,
	room_id BLOB,
	started_ms INTEGER,
	ended_ms INTEGER,
	covered INTEGER NOT NULL DEFAULT 0,
	late INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX session_frame_session ON session_frame (session);

CREATE TABLE session_text (
	seq INTEGER PRIMARY KEY,
	session INTEGER NOT NULL REFERENCES session,
	op_id BLOB NOT NULL UNIQUE,
	field INTEGER NOT NULL,
	text TEXT NOT NULL,
	erased INTEGER NOT NULL DEFAULT 0,
	covered INTEGER NOT NULL DEFAULT 0,
	replaced INTEGER NOT NULL DEFAULT 0,  -- an ancestor of a covered one
	head INTEGER NOT NULL DEFAULT 0,
	late INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX session_text_session ON session_text (session, field);
CREATE INDEX session_text_head ON session_text (session, field) WHERE head = 1;

CREATE TABLE session_text_parent (
	seq INTEGER NOT NULL REFERENCES session_text,
	parent BLOB NOT NULL,
	PRIMARY KEY (seq, parent)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_text_parent_parent ON session_text_parent (parent);

CREATE TABLE measure (
	seq INTEGER PRIMARY KEY,
	session INTEGER NOT NULL REFERENCES session,
	op_id BLOB NOT NULL,
	measure_id BLOB NOT NULL,
	ref TEXT NOT NULL,
	catalogue INTEGER NOT NULL,
	phase INTEGER NOT NULL,
	side INTEGER,
	value_milli INTEGER,
	unit TEXT,
	result INTEGER,
	at_ms INTEGER NOT NULL,
	mode INTEGER,
	position INTEGER,
	method INTEGER,
	end_feel INTEGER,
	skipped_reason INTEGER,
	pain_at_end INTEGER,
	limited_by TEXT,
	rater_id BLOB,
	pair_id BLOB,
	erased INTEGER NOT NULL DEFAULT 0,
	covered INTEGER NOT NULL DEFAULT 0,
	stands INTEGER NOT NULL DEFAULT 0,
	late INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX measure_session ON measure (session);
CREATE INDEX measure_id ON measure (measure_id);

CREATE TABLE addendum (
	seq INTEGER PRIMARY KEY,
	session INTEGER NOT NULL REFERENCES session,
	op_id BLOB NOT NULL,
	addendum_id BLOB NOT NULL,
	text TEXT NOT NULL,
	erased INTEGER NOT NULL DEFAULT 0,
	covered INTEGER NOT NULL DEFAULT 0,
	stands INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX addendum_session ON addendum (session);

CREATE TABLE sign (
	seq INTEGER PRIMARY KEY,
	session INTEGER NOT NULL REFERENCES session,
	op_id BLOB NOT NULL UNIQUE,
	author_id BLOB NOT NULL,
	values_hash BLOB NOT NULL CHECK (length(values_hash) = 32)
) STRICT;
CREATE INDEX sign_session ON sign (session);

CREATE TABLE sign_covered (
	seq INTEGER NOT NULL REFERENCES sign,
	op_id BLOB NOT NULL,
	PRIMARY KEY (seq, op_id)
) STRICT, WITHOUT ROWID;
