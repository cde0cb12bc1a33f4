/* chart_fhir: a chart (chart_model.h) as a FHIR R4 bundle of type collection, for another system.
 *
 * What FHIR has a resource for becomes one: Patient, Organization, Practitioner, Encounter,
 * Observation, EpisodeOfCare with its Condition, AllergyIntolerance, Flag, Consent, CarePlan,
 * ServiceRequest, Appointment. Everything else is a Basic whose extensions hold the fields, so that
 * every record of the model is in the bundle. A Provenance says who wrote each and when. Ids of
 * records are the ids of resources.
 *
 * Owns:    nothing; the bundle is the caller's.   Threads: any.   Errors: ERR_NOMEM.
 * Checked: tests/integration/test_export.py, by the npm package fhir. */
#pragma once

#include "client/api/json.h"

#define FHIR_KIND_SYSTEM "urn:roomkeep:kind"
#define FHIR_FIELD_URL "urn:roomkeep:field:"
#define FHIR_CATALOGUE_SYSTEM "urn:roomkeep:catalogue"

MUST_USE enum err chart_fhir_make(const json_t *chart, json_t **ret_bundle);
