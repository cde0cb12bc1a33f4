/* patient_fold: ops of one patient, in any order, become what is shown. Rule, ownership, limits and
 * lifetimes: fold.h. */
#pragma once

#include "base/err.h"
#include "base/view.h"
#include "record/fold_base.h"
#include "record/payload.h"

/* The text fields of a Patient, in the order of record.proto. */
enum patient_field {
	PATIENT_NAME,
	PATIENT_NAME_USED,
	PATIENT_BORN,
	PATIENT_PHONE,
	PATIENT_EMAIL,
	PATIENT_FIELD_COUNT,
};

struct patient_value {
	struct fold_meta meta;
	struct view text;
};

struct patient_field_state {
	const char *name;                    /* as in record.proto */
	const struct patient_value *value;   /* NULL: never said */
	const struct patient_value *history; /* all values said, newest first; [0] is `value` */
	size_t history_count;
};

struct patient_state {
	struct id patient_id;
	struct patient_field_state fields[PATIENT_FIELD_COUNT];
};

struct patient_fold {
	struct id patient_id;
	struct fold_store store;
};

void patient_fold_init(struct patient_fold *f, const struct id *patient_id);
void patient_fold_fini(struct patient_fold *f);
void patient_fold_finip(struct patient_fold *f);

/* Kinds patient and tombstone; otherwise as session_fold_add. */
MUST_USE enum err patient_fold_add(struct patient_fold *f, const struct fold_meta *meta,
				   const struct payload *payload);
MUST_USE enum err patient_fold_state(struct patient_fold *f, struct patient_state *ret_state);

/* The value, or an empty view. */
struct view patient_text(const struct patient_state *s, enum patient_field field);
