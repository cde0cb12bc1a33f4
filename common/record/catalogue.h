/* catalogue: the reference data of assessments, compiled in from common/record/data (CSV).
 *
 * A measure names an entry and the version it was taken from, so old rows keep their meaning.
 * Threads: any; all data is static and constant.  Source of the facts: the CSV files' own columns,
 * explained in data/README.md. `verified` is false for own knowledge that nobody has looked up
 * (conf K there): whoever shows such a fact says so.
 *
 * What an entry allows (the CSV does not say it, we decide):
 *   range of motion  value in the entry's unit, or result `unable`. side "both" in the CSV means
 *                    the joint is there twice: left or right is required, each side is a row of its
 *                    own. side "mid": midline or no side. Degrees -60..220 (an extension deficit is
 *                    negative), cm -30..150, mm 0..200, `level` counts vertebrae below C7: 0..20.
 *   special test     result only. Limb regions need left, right or both; spine, jaw, neural and
 *                    general tests take any side or none.
 *   scale            value in min..max of the CSV, or `unable`; any side or none. Unit `mm` for the
 *                    visual analogue scale, `percent` for Oswestry, else `points`.
 *   muscle test      ref `mmt` (muscle named in the text) or `mmt_` and the id of a joint movement
 *                    (`mmt_sh_abd`). Value is one of the grades' codes (0, 1, 1.7 ... 5, unit
 *                    `grade`), or `unable` for not tested; side as the movement's. */
#pragma once

#include "base/err.h"
#include "base/view.h"
#include "record/fields.h"
#include "roomkeep/record.pb-c.h"

#define CATALOGUE_VERSION 1u
#define CATALOGUE_REF_BYTES_MAX 32u
#define CATALOGUE_UNIT_BYTES_MAX 16u
#define CATALOGUE_NEAR_MAX 3u

enum catalogue_kind {
	CATALOGUE_ROM,
	CATALOGUE_TEST,
	CATALOGUE_SCALE,
	CATALOGUE_MMT,
};

/* Bits of `sides` and `results`: 1 << the enum's value. */
#define CATALOGUE_BIT(value) (1u << (unsigned)(value))

struct catalogue_entry {
	const char *ref;
	const char *name;  /* for a person: "shoulder abduction" */
	const char *group; /* joint or region */
	const char *unit;  /* "" when it takes no value */
	const char *hint;  /* positive when, test position or the scale's note; may be "" */
	const char *alert; /* "", "caution" or "refer" */
	const char *about; /* movement, or the structure that a special test looks at */
	enum catalogue_kind kind;
	unsigned sides;   /* allowed ROOMKEEP__SIDE__ values as bits */
	unsigned results; /* allowed ROOMKEEP__TEST_RESULT__ values as bits */
	bool side_required;
	bool takes_value;
	int32_t min_milli;
	int32_t max_milli;
	bool higher_is_better; /* false too where it means nothing: a special test */
	bool verified;
};

/* NULL when there is none. */
const struct catalogue_entry *catalogue_find(struct view ref);

/* All entries, sorted by ref. */
const struct catalogue_entry *catalogue_table(size_t *ret_count);

/* The nearest refs to one that does not exist, best first; returns how many (0 when none is near).
 */
size_t catalogue_suggest(struct view ref, const char *ret_refs[CATALOGUE_NEAR_MAX]);

/* Checks a measure against its entry: ref, unit, value range, result, side. Entries are never taken
 * away and ranges never narrowed, so that what was accepted once stays readable.
 * Returns: ERR_OK; ERR_BAD_VALUE with the field; ERR_VERSION (field "ref") for a ref that a newer
 * catalogue than ours may know. `ret_error` may be NULL. */
MUST_USE enum err catalogue_check(const Roomkeep__Measure *m, struct record_error *ret_error);

/* ---- tables for proof and for screens -------------------------------------------------------- */

#define CATALOGUE_NO_NORMAL INT32_MIN

/* Normal range of a movement: a guide, for it falls with age; the other side and the person's own
 * earlier value come first. */
struct catalogue_rom {
	const char *ref;
	int32_t aaos_milli;   /* CATALOGUE_NO_NORMAL: that source gives none */
	int32_t ama_milli;    /* likewise */
	const char *typical;  /* what else is reported, in words; may be "" */
	const char *position; /* of the person tested */
	const char *source;   /* keys of data/README.md; "": none named */
	bool verified;
};

struct catalogue_grade {
	const char *grade; /* "3+" */
	int32_t code_milli;
	bool tested; /* false for NT, which has no code */
	const char *meaning;
	bool verified;
};

/* Smallest change larger than the measure's own error. */
struct catalogue_mdc {
	const char *ref;    /* exact, `joint_any`, or `any` */
	const char *method; /* `any` fits all */
	const char *rater;  /* same | other | any | patient */
	int32_t mdc_milli;
	const char *unit;
	const char *measure;
	const char *source;
	bool verified;
};

struct catalogue_flag {
	const char *id;
	const char *group;
	const char *flag;
	const char *action;
	bool verified;
};

struct catalogue_scale {
	const char *ref;
	bool higher_is_better;
	int32_t mcid_milli; /* 0 = not known */
	int32_t mdc_milli;  /* 0 = not known */
	bool is_proof;      /* false: never called proof, never on a patient's page */
	const char *source;
	const char *note;
	bool verified;
};

/* What to test when somebody is not sure; for suggest.h. Refs of the catalogue. */
struct catalogue_suggestion {
	const char *region;
	const char *complaint;
	const char *rom;
	const char *test;     /* a special test or strength */
	const char *function; /* a scale: function or pain */
};
const struct catalogue_suggestion *catalogue_suggestions(size_t *ret_count);

/* NULL for what is no range of motion. */
const struct catalogue_rom *catalogue_rom_find(struct view ref);
/* NULL for what is no scale. */
const struct catalogue_scale *catalogue_scale_find(struct view ref);

const struct catalogue_rom *catalogue_roms(size_t *ret_count);
const struct catalogue_grade *catalogue_grades(size_t *ret_count);
const struct catalogue_mdc *catalogue_mdcs(size_t *ret_count);
const struct catalogue_flag *catalogue_flags(size_t *ret_count);
const struct catalogue_scale *catalogue_scales(size_t *ret_count);
