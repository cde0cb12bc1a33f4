-- What patients withhold (lockbox.c) is asked for with every page that leaves, and who must not meet with
-- every booking: few rows, by their kind.

CREATE INDEX plain_lockbox ON plain (kind) WHERE kind >= 58;
CREATE INDEX plain_family_link ON plain (kind) WHERE kind = 47;
CREATE INDEX plain_desk_family_link ON plain (kind) WHERE kind = 56;

-- Who co-signs a student's session, of the oldest frame op.
ALTER TABLE session ADD COLUMN supervisor_id BLOB;
