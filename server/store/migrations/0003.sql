-- Which appointments hold their time, and how long a room or a therapist needs after each: taken from
-- plain records, so that a clash is found by an index (booking_view.c).

CREATE TABLE booking (
	plain INTEGER PRIMARY KEY REFERENCES plain,
	room_id BLOB NOT NULL CHECK (length(room_id) = 16),
	therapist_id BLOB NOT NULL CHECK (length(therapist_id) = 16),
	patient_id BLOB NOT NULL CHECK (length(patient_id) = 16),
	start_ms INTEGER NOT NULL,
	end_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX booking_room ON booking (room_id, start_ms);
CREATE INDEX booking_therapist ON booking (therapist_id, start_ms);
CREATE INDEX booking_patient ON booking (patient_id, start_ms);

-- Of several for one room or person the one that was made last holds: the greatest `plain`.
CREATE TABLE turnover (
	plain INTEGER PRIMARY KEY REFERENCES plain,
	of_id BLOB NOT NULL CHECK (length(of_id) = 16),  -- room or therapist
	minutes INTEGER NOT NULL
) STRICT;
CREATE INDEX turnover_of ON turnover (of_id);
