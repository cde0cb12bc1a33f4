/* fold_store: the ops a fold was given, copied, sorted by op id; for session_fold.c, patient_fold.c
 * and record_fold.c only.
 *
 * Owns: all it points to.   Threads: as the fold.   Limits: FOLD_OPS_MAX, FOLD_BYTES_MAX. */
#pragma once

#include "record/fold.h"

struct fold_entry {
	struct fold_meta meta;
	enum kind kind;

	/* marks of the state being computed */
	bool erased;   /* a tombstone names it */
	bool covered;  /* the Sign that holds covers it */
	bool replaced; /* an ancestor of a covered text */
	bool named;    /* another text of its field names it as parent */
	bool late;

	const struct id *parents; /* text: revisions it replaces */
	size_t parent_count;
	struct view content; /* text: what is shown unless erased */
	union {
		struct fold_text text;
		struct fold_measure measure;
		struct fold_addendum addendum;
		struct {
			struct fold_frame shown;
			struct id patient_id;
			struct id therapist_id;
			struct id supervisor_id;
			bool imported;
		} frame;
		struct {
			const struct id *covered;
			size_t covered_count;
			const struct id *records;
			size_t record_count;
			uint8_t values_hash[FOLD_HASH_BYTES];
		} sign;
		struct {
			bool has[PATIENT_FIELD_COUNT];
			struct view value[PATIENT_FIELD_COUNT];
		} patient;
		struct {
			struct id record_id;
			struct id patient_id;            /* zeros: the kind has none */
			const ProtobufCMessage *message; /* kept */
		} record;
		struct id target; /* tombstone */
	} as;
};

void fold_store_init(struct fold_store *s);
void fold_store_fini(struct fold_store *s);

/* NULL when it is not there. */
struct fold_entry *fold_store_find(const struct fold_store *s, const struct id *op_id);

/* A zeroed entry in its place, or, with *ret_entry = NULL, the news that the op is there already
 * (it then learns its seq and room). ERR_FULL, ERR_NOMEM. */
MUST_USE enum err fold_store_add(struct fold_store *s, const struct fold_meta *meta, enum kind kind,
				 struct fold_entry **ret_entry);
/* Takes back the entry that was just added and could not be filled. */
void fold_store_drop(struct fold_store *s, const struct fold_entry *entry);

/* Copies for an entry; ERR_FULL when the limit is reached. */
MUST_USE enum err fold_store_copy(struct fold_store *s, struct view from, struct view *ret_copy);
MUST_USE enum err fold_store_copy_ids(struct fold_store *s, const ProtobufCBinaryData *from,
				      size_t count, const struct id **ret_ids);

/* The message as bytes, kept; ERR_FULL when the limit is reached. */
MUST_USE enum err fold_store_pack(struct fold_store *s, const ProtobufCMessage *message,
				  struct view *ret_packed);

/* Memory of the state being computed; ERR_FULL, ERR_NOMEM. */
MUST_USE enum err fold_store_show(struct fold_store *s, size_t count, size_t bytes, void *ret_p);

/* Clears all marks, applies tombstones, and gives the entries oldest first. */
MUST_USE enum err fold_store_begin(struct fold_store *s, struct fold_entry ***ret_by_age);

/* Below 0 when a is older. */
int fold_compare_age(const struct fold_meta *a, const struct fold_meta *b);
