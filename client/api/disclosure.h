/* disclosure: a file that leaves the clinic and the record of it: no file without its record
 * (BC5, ON4).
 *
 * Owns:    nothing.   Threads: the desk thread.   Errors: with the verb's fault. */
#pragma once

#include "client/api/verb.h"

/* Borrowed texts, never NULL; "" where there is none. */
struct disclosure_ask {
	const struct id *patient_id;
	const char *recipient;
	const char *what;
	const char *basis;             /* a word of record.proto */
	const char *consent_signed_on; /* needed for the basis consent */
	const char *request_id;
};

/* Adds the disclosure and writes the file that the request names (export_file.h), and answers with
 * "disclosure_id". The kind's own rules hold: a consent that is too old, or none, is refused, and
 * nothing is written. */
MUST_USE enum err disclosure_write(struct verb *v, const struct disclosure_ask *ask,
				   struct view file);
