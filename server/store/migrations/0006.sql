-- Charts of one person (merges.c) are asked for with the relationship watch and "who opened my chart":
-- few rows, by their kind.

CREATE INDEX plain_patient_merge ON plain (kind) WHERE kind = 29;
