/* chart_model: everything of one patient that the person who is signed in may read, as one JSON
 * object:
 * schema roomkeep.patient_export/1. The PDF and the FHIR bundle are made of it and of nothing else.
 *
 *	{"schema","made_at","made_by","clinic","clinic_id","room","partial","for",
 *	 "patient":{identity,"history":[{"field","value","by","at"}]},
 *	 "records":{KIND:[{fields,"added_by","added_at","changed_by","changed_at","history"}]},
 *	 "sessions":[as show session],"notes":[{"note_id","session_id","text","written_at"}],
 *	 "notes_line","retention","people":{LOGIN:{"name","user_id","registration_number"}},
 *	 "withheld":[{"kind","record_id","field","count","reason","words"}],"withheld_line",
 *	 "counts":[{"kind","read","printed","withheld"}]}
 *
 * Of each kind: records read = records printed + records withheld, or it is a bug. A row of
 * withheld
 * with a field is a gap in a record that is printed. What a person's role may not read is a row
 * too,
 * with count 0 and nulls in its counts, because nobody here knows how many there are.
 *
 * Owns:    nothing; it lives in the object.   Threads: the desk thread.
 * Errors:  with the verb's fault; ERR_BUG when the counts do not reconcile. */
#pragma once

#include "client/api/verb.h"

#define CHART_SCHEMA "roomkeep.patient_export/1"
#define CHART_NOTES_LINE "Confidential notes, if any, are with their authors."

struct chart_ask {
	struct id patient_id;
	const char *recipient; /* who else than the patient it goes to; NULL: the patient */
	bool partial;          /* this room may not hold everything */
};

/* Fills `chart`, an empty object. "notes" and "names" of the request are read too. */
MUST_USE enum err chart_model_make(struct verb *v, const struct chart_ask *ask, json_t *chart);

/* Of "people" by what stands at `login`; the login itself when it is not there. */
const char *chart_person_name(const json_t *chart, const char *login);
