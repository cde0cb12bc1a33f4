/* fhir_bundle: the parts that every resource of a bundle is made with.
 *
 * Owns:    the bundle, until it is taken.   Threads: any.   Errors: ERR_NOMEM (NULL values are
 * taken as
 *          memory that ran out, as json_put does). */
#pragma once

#include "client/api/json.h"

#define FHIR_REFERENCE_BYTES 64u

struct fhir {
	const json_t *chart; /* borrowed */
	json_t *bundle;      /* owned until taken */
	json_t *entries;     /* its list */
	const char *patient; /* id; borrowed */
};

/* Adds a resource with this id (a UUID text); the object is the bundle's. */
MUST_USE enum err fhir_add(struct fhir *f, const char *type, const char *id, json_t **ret_resource);
/* An id for what the chart has none for: made of another id and a number, always the same. */
void fhir_id_of(const char *id, unsigned number, char ret_id[37]);

/* {"reference":"urn:uuid:ID"}. */
MUST_USE enum err fhir_put_reference(json_t *object, const char *key, const char *id);
/* {"text":...}: a CodeableConcept in words. */
MUST_USE enum err fhir_put_words(json_t *object, const char *key, const char *words);
/* With a code of a system as well; `words` may be NULL. */
MUST_USE enum err fhir_put_code(json_t *object, const char *key, const char *system,
				const char *code, const char *words);
/* The text, when there is one. */
MUST_USE enum err fhir_put_text(json_t *object, const char *key, const char *text);
/* A list of one. */
MUST_USE enum err fhir_put_list(json_t *object, const char *key, json_t *only);

/* The Practitioner whom the chart calls so; nothing when it knows none. */
MUST_USE enum err fhir_put_person(const struct fhir *f, json_t *object, const char *key,
				  const char *login);
/* Provenance of `id`: who wrote it and when. */
MUST_USE enum err fhir_add_provenance(struct fhir *f, const char *id, const char *login,
				      const char *at);
