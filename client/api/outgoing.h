/* outgoing: what is looked at before a text of a chart leaves the clinic (DOMAIN 4.8 rule 5,
 * BC8, ON7).
 *
 * Names of relatives who are patients too are looked for. Whoever makes the paper says what becomes
 * of them: a labelled gap in place of the sentence, or that it is somebody of the same name; until
 * then nothing leaves. Words that were marked as about another person (third_party_span) are a gap
 * in every paper, whoever gets it. What the patient asked not to be given on, and was granted,
 * stays here when the paper is for somebody else, and so does what a directive keeps from this very
 * recipient; the paper says that something does. With a directive over the whole record nothing
 * leaves.
 *
 * Owns:    the marks, until outgoing_finip; `withheld` is its caller's.   Threads: the desk thread.
 * Errors:  ERR_DENIED with the verb's fault (code names_relative, which says where and never whom;
 *          code withheld); ERR_USAGE; ERR_NOMEM; what the store returns. */
#pragma once

#include "client/api/chart_guard.h"
#include "client/api/withheld.h"

enum outgoing_reason {
	OUTGOING_OTHER_PERSON,
	OUTGOING_PATIENT_REQUEST,
	OUTGOING_ROLE,
	OUTGOING_WRONG_CHART, /* 3g: it is somebody else's */
};
/* "other_person"; "about another person". Static. */
const char *outgoing_reason_name(enum outgoing_reason reason);
const char *outgoing_reason_words(enum outgoing_reason reason);

enum outgoing_how {
	OUTGOING_REFUSE, /* a name that nobody looked at yet */
	OUTGOING_GAP,
	OUTGOING_NOT_THEM,
};

struct outgoing {
	struct verb *v;     /* borrowed */
	json_t *withheld;   /* borrowed; a list */
	bool to_other;      /* not for the patient, but for a recipient */
	bool is_restricted; /* the patient asked to withhold something from others */
	enum outgoing_how how;
	size_t places; /* in which a relative is named */
	size_t gaps;
	char where[96]; /* the first of them */
	struct guard_name names[CHART_GUARD_NAMES_MAX];
	size_t name_count;
	json_t *marks;             /* owned; texts */
	struct withheld_from from; /* what is not given to the recipient */
};

/* Reads "names" of the request: gap or not_them. `recipient` NULL: it goes to the patient. Declare
 * it as CLEANUP(outgoing_finip) struct outgoing o = { .v = NULL }; */
MUST_USE enum err outgoing_init(struct outgoing *o, struct verb *v, const struct id *patient_id,
				const char *recipient, json_t *withheld);

void outgoing_finip(struct outgoing *o); /* for CLEANUP */

/* Does it stay here? Of a record: because it does, because its session does, or because it says
 * what the patient withholds. */
bool outgoing_keeps_session(const struct outgoing *o, const struct id *session_id);
bool outgoing_keeps_record(const struct outgoing *o, const struct kind_info *info,
			   const struct record_state *record);

/* Looks at the text `key` of `object`, and of its list; puts the gaps in. `kind` and
 * `record_id` say
 * whose it is. Not a text: nothing. */
MUST_USE enum err outgoing_text(struct outgoing *o, const char *kind, const char *record_id,
				json_t *object, const char *key);
/* Adds a row: {"kind","record_id","field","count","reason","words"}. */
MUST_USE enum err outgoing_withhold(struct outgoing *o, const char *kind, const char *record_id,
				    const char *field, size_t count, enum outgoing_reason reason);

/* When all was looked at: ERR_DENIED while a name stands that nobody decided about. */
MUST_USE enum err outgoing_end(struct outgoing *o);

/* What a paper for somebody else must say, or NULL: "Information was withheld at the patient's
 * request." Static. */
const char *outgoing_sentence(const struct outgoing *o);
