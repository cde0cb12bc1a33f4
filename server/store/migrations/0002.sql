-- Plain records (common/record/record_fold.h): one pair of views for all kinds that are merged by the
-- general rule. Messages stand as bytes of the kind's message in record.proto.

CREATE TABLE plain (
	plain INTEGER PRIMARY KEY,
	kind INTEGER NOT NULL,
	record_id BLOB NOT NULL CHECK (length(record_id) = 16),
	patient INTEGER REFERENCES patient,  -- of its first op, for ever; NULL: the kind has none
	message BLOB,                        -- merged; NULL: all of it was erased
	UNIQUE (record_id, kind)             -- one per patient: the id is the patient's
) STRICT;
CREATE INDEX plain_patient ON plain (patient, kind);

CREATE TABLE plain_op (
	seq INTEGER PRIMARY KEY,
	plain INTEGER NOT NULL REFERENCES plain,
	op_id BLOB NOT NULL,
	author_id BLOB NOT NULL,
	message BLOB                         -- as it was said; NULL: a tombstone took it
) STRICT;
CREATE INDEX plain_op_plain ON plain_op (plain);
