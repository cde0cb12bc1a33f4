/* kinds_priv: the tables that kinds.c puts together, one file per area; for kinds*.c only. */
#pragma once

#include "base/check.h"
#include "base/limits.h"
#include "record/access.h"
#include "record/kinds.h"
#include "roomkeep/record.pb-c.h"

/* Message and field table of a row. */
#define KIND_MESSAGE(message_, rules)                                                              \
	.message = &roomkeep__##message_##__descriptor, .fields = (rules),                         \
	.field_count = COUNT_OF(rules)

/* Who treats, learns to, or looks after those who do; and with them who sits at the desk. */
#define ROLES_CARE (ROLE_THERAPIST | ROLE_LEAD | ROLE_STUDENT)
#define ROLES_STAFF (ROLES_CARE | ROLE_DESK)
#define ROLES_HOUSE (ROLES_STAFF | ROLE_OWNER) /* how the house works is for all but the admin */

/* Fields that many plain records have. */
#define FIELD_OWN_ID(name)                                                                         \
	{                                                                                          \
		name, FIELD_ID, FIELD_REQUIRED, 0, 0, "which one"                                  \
	}
#define FIELD_OF_PATIENT                                                                           \
	{                                                                                          \
		"patient_id", FIELD_ID, FIELD_REQUIRED, 0, 0, "which patient"                      \
	}
#define FIELD_OF_SESSION                                                                           \
	{                                                                                          \
		"session_id", FIELD_ID, FIELD_OPTIONAL, 0, 0, "during which session"               \
	}
#define FIELD_TAKES_BACK                                                                           \
	{                                                                                          \
		"clears", FIELD_CLEARS, FIELD_OPTIONAL, 0, FIELDS_MAX, "take back what was said"   \
	}
#define FIELDS_MAX 64u /* of one message: wire/scan.h */

/* Rows in rising order of kind; the areas rise too. */
extern const struct kind_info kinds_chart[];
extern const size_t kinds_chart_count;
extern const struct kind_info kinds_intake[];
extern const size_t kinds_intake_count;
extern const struct kind_info kinds_session[];
extern const size_t kinds_session_count;
extern const struct kind_info kinds_person[];
extern const size_t kinds_person_count;
extern const struct kind_info kinds_care[];
extern const size_t kinds_care_count;
extern const struct kind_info kinds_clinic[];
extern const size_t kinds_clinic_count;
extern const struct kind_info kinds_booking[];
extern const size_t kinds_booking_count;
extern const struct kind_info kinds_referral[];
extern const size_t kinds_referral_count;
extern const struct kind_info kinds_duty[];
extern const size_t kinds_duty_count;
extern const struct kind_info kinds_trust[];
extern const size_t kinds_trust_count;
extern const struct kind_info kinds_grant[];
extern const size_t kinds_grant_count;
extern const struct kind_info kinds_desk_trust[];
extern const size_t kinds_desk_trust_count;
extern const struct kind_info kinds_profile[];
extern const size_t kinds_profile_count;
extern const struct kind_info kinds_lockbox[];
extern const size_t kinds_lockbox_count;
extern const struct kind_info kinds_sealed[];
extern const size_t kinds_sealed_count;
