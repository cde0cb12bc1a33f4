/* proof: what can honestly be said about two measures of one thing.
 *
 * Pure: no clock, no files, no allocation. Numbers are thousandths of the measure's unit.
 *
 *   pairing     like with like: a mid or post row belongs to the pre row it names, else to the
 *               newest pre row before it that was taken the same way (ref, side, mode, position,
 *               method), else to the newest of the same ref and side, and is then not comparable.
 *   delta       after less before, turned so that plus is better for the person (catalogue: higher
 *               or lower is better). There is one only when the two rows are comparable.
 *   error       smallest change beyond what the measure itself varies by. Looked for by exact ref,
 *               then the joint (`cx_any`; for passive movements `sh_any_passive` first), then
 *               `any`; a row of the table fits when its method is this one or `any`, and its rater
 *               is the same or other as here. Scales: the pain scales have 2 points as the mark,
 *               others their smallest detectable change, else their smallest worthwhile one.
 *   method      not said: counted as the plainest that gives this unit (by eye, tape), which is
 *               never the most exact.
 *   two raters  comparable only where an error between two raters is known.
 *   states      improved or worse: the delta is at least the error. Within: smaller, which is
 *               neither. Not comparable: taken another way, no number, no known error, or what is
 *               never proof (mood, sleep, stress, rating of change).
 *
 * Owns: nothing; rows point to static catalogue entries.   Threads: any.
 * Source: DOMAIN 4.3, 4.6, 5f; the tables of catalogue.h. */
#pragma once

#include "base/err.h"
#include "record/catalogue.h"
#include "record/fold.h"

#define PROOF_TESTS_WANTED 3u

/* One measure, as proof looks at it. It outlives the fold it came from. */
struct proof_row {
	struct id measure_id;
	const struct catalogue_entry *entry; /* never NULL */
	Roomkeep__Phase phase;
	Roomkeep__Side side; /* 0 = not said, here and below */
	Roomkeep__Mode mode;
	Roomkeep__Position position;
	Roomkeep__Method method;
	bool has_value;
	int64_t value_milli;
	Roomkeep__TestResult result;
	Roomkeep__SkippedReason skipped_reason;
	bool has_pain;
	uint32_t pain_at_end; /* 0 to 10 */
	struct id rater_id;   /* who measured: the author when the row does not say */
	bool has_pair;
	struct id pair_id;
	uint64_t at_ms;
};

/* False for a ref of a newer catalogue than this build's: such a row proves nothing here. */
bool proof_row_of(const struct fold_measure *m, struct proof_row *ret_row);

/* Were both taken the same way (ref, side, mode, position, method)? */
bool proof_alike(const struct proof_row *a, const struct proof_row *b);

/* ---- one change ------------------------------------------------------------------------------ */

enum proof_state {
	PROOF_NOT_COMPARABLE,
	PROOF_IMPROVED, /* beyond error */
	PROOF_WITHIN,   /* within error: neither better nor worse */
	PROOF_WORSE,    /* beyond error */
};

/* Why two rows are not comparable. */
enum proof_why {
	PROOF_WHY_COMPARED, /* they are */
	PROOF_WHY_NO_PRE,   /* nothing to compare with */
	PROOF_WHY_REF,
	PROOF_WHY_SIDE,
	PROOF_WHY_MODE,
	PROOF_WHY_POSITION,
	PROOF_WHY_METHOD,
	PROOF_WHY_NO_NUMBER, /* a test's result, unable, or skipped */
	PROOF_WHY_RATER,     /* two people measured, and the error between two is not known */
	PROOF_WHY_NO_ERROR,  /* this measure's error is not known */
	PROOF_WHY_NEVER,     /* a scale that is never called proof */
};

struct proof_error {
	int64_t milli; /* above 0 */
	const char *unit;
	const char *source; /* author and year; "" when none is named */
	bool verified;      /* false: own knowledge */
};

struct proof_delta {
	enum proof_state state;
	enum proof_why why;
	int64_t delta_milli;      /* plus is better; 0 when not comparable */
	struct proof_error error; /* zeroed when not comparable */
	bool same_rater;
	/* Pain at the end of the movement: points, plus is less pain; 2 points are the mark. */
	bool has_pain;
	int32_t pain_delta;
	enum proof_state pain_state;
};

/* False when no error is known. */
bool proof_error_find(const struct catalogue_entry *entry, Roomkeep__Mode mode,
		      Roomkeep__Method method, bool same_rater, struct proof_error *ret_error);

struct proof_delta proof_compare(const struct proof_row *before, const struct proof_row *after);

/* "improved", "within_error", "worse", "not_comparable". */
const char *proof_state_name(enum proof_state state);
/* "method", "rater", ...; NULL when compared. */
const char *proof_why_name(enum proof_why why);

/* ---- one visit ------------------------------------------------------------------------------- */

/* A pre row and the newest mid and post rows that belong to it. */
struct proof_set {
	const struct proof_row *pre;  /* NULL: a mid or post row without a pre row */
	const struct proof_row *mid;  /* NULL: none */
	const struct proof_row *post; /* NULL: none */
	struct proof_delta mid_delta; /* pre to mid; state not comparable without one of them */
	struct proof_delta delta;     /* pre to post, likewise */
};

/* What the set is about: its pre row, else what there is. */
const struct proof_row *proof_set_row(const struct proof_set *set);
/* The newest value in it: post, mid or pre; NULL when it has no number. */
const struct proof_row *proof_set_last(const struct proof_set *set);

/* Rows of one session, oldest first, into sets in the order of their pre rows. `ret_sets` has room
 * for `count`; returns how many. Sets point into `rows`. */
size_t proof_pair(const struct proof_row *rows, size_t count, struct proof_set *ret_sets);

/* Published share of the range of neck movements that was kept to the next visit, in percent
 * (Tuttle 2005). */
#define PROOF_KEPT_LOW 42
#define PROOF_KEPT_HIGH 63

/* Share of the gain of one visit that the next one began with, in percent (below 0: lost more than
 * was gained). False when the gain was not beyond error, or the rows were not taken alike. */
bool proof_kept(const struct proof_set *visit, const struct proof_row *next_pre, int *ret_percent);

/* Is it an assessment: measured before treatment, of something that can be proof? */
bool proof_set_counts(const struct proof_set *set);

struct proof_counter {
	unsigned tested; /* distinct refs measured before treatment, not counting own_eyes */
	unsigned again;  /* of those, how many have a post row, or a reason for none */
};
struct proof_counter proof_count(const struct proof_set *sets, size_t count);

/* ---- signing --------------------------------------------------------------------------------- */

enum proof_warning_code {
	PROOF_WARN_FEW_TESTS,    /* fewer than PROOF_TESTS_WANTED before treatment, and no reason */
	PROOF_WARN_NOT_AGAIN,    /* a pre row without its post row */
	PROOF_WARN_OTHER_RATER,  /* measured again by somebody else */
	PROOF_WARN_FLAG_NO_PLAN, /* a positive test that asks for a referral, and no plan */
};

/* Never blocks anything. */
struct proof_warning {
	enum proof_warning_code code;
	const struct proof_row *row; /* which; NULL for PROOF_WARN_FEW_TESTS */
};

/* At most this many for `count` rows. */
#define PROOF_WARNINGS_MAX(count) (2u * (count) + 1u)

/* Warnings of a session that is about to be signed; `ret_warnings` has room for
 * PROOF_WARNINGS_MAX(row_count). Returns how many. */
size_t proof_warnings(const struct proof_row *rows, size_t row_count, const struct proof_set *sets,
		      size_t set_count, bool has_plan, struct proof_warning *ret_warnings);

/* "few_tests", "not_again", "other_rater", "flag_without_plan". */
const char *proof_warning_name(enum proof_warning_code code);

/* A positive result of a test whose entry says refer (or caution, when `caution`). */
bool proof_is_flag(const struct proof_row *row, bool caution);
