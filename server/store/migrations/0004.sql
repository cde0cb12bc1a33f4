-- Ops of a patient that a chart shows at any time, however old their session: for a chart that is to
-- open at once (feed.c, which asks with the same words).
CREATE INDEX op_apart ON op (patient_id, seq) WHERE patient_id IS NOT NULL
	AND kind NOT IN (2, 3, 4, 5, 6, 7, 22, 23, 24, 25, 26, 27, 32, 50)
	AND target_kind NOT IN (2, 3, 4, 5, 6, 7, 22, 23, 24, 25, 26, 27, 32, 50);
