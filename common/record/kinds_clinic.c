/* kinds_clinic: records of the clinic itself, which belong to no patient (DOMAIN 4.9). */
#include "record/kinds_priv.h"

#define WAIT_DAYS_MAX 730u

static const struct field_rule provider_fields[] = {
	FIELD_OWN_ID("provider_id"),
	{ "name", FIELD_NAME, FIELD_FIRST, 1, NAME_BYTES_MAX, "name" },
	{ "discipline", FIELD_NAME, FIELD_FIRST, 1, NAME_BYTES_MAX, "what they do" },
	{ "phone", FIELD_PHONE, FIELD_OPTIONAL, 1, PHONE_BYTES_MAX, "telephone" },
	{ "fax", FIELD_PHONE, FIELD_OPTIONAL, 1, PHONE_BYTES_MAX, "telefax" },
	{ "email", FIELD_EMAIL, FIELD_OPTIONAL, 1, EMAIL_BYTES_MAX, "e-mail address" },
	{ "address", FIELD_TEXT, FIELD_OPTIONAL, 1, TEXT_BYTES_MAX, "address for letters" },
	{ "good_for", FIELD_TEXT, FIELD_OPTIONAL, 1, TEXT_BYTES_MAX, "what they are good at" },
	{ "languages", FIELD_TEXTS, FIELD_OPTIONAL, 0, 8, "language they speak" },
	{ "gender", FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX, "gender" },
	{ "wait_days", FIELD_COUNT, FIELD_OPTIONAL, 0, WAIT_DAYS_MAX, "wait for a first visit" },
	{ "retired", FIELD_BOOL, FIELD_OPTIONAL, 0, 0, "do they take no patients any more?" },
	{ "last_reply", FIELD_DATE, FIELD_OPTIONAL, 10, 10,
	  "day of their last answer to a letter" },
	{ "patients_say", FIELD_TEXT, FIELD_OPTIONAL, 1, TEXT_BYTES_MAX,
	  "how patients felt there, in their words" },
	FIELD_TAKES_BACK,
};

static const struct field_rule clinic_profile_fields[] = {
	FIELD_OWN_ID("clinic_profile_id"),
	{ "jurisdiction", FIELD_ENUM, FIELD_OPTIONAL, 0, 0, "whose law the records follow" },
	{ "address", FIELD_TEXT, FIELD_OPTIONAL, 1, TEXT_BYTES_MAX, "for receipts and letters" },
	{ "phone", FIELD_PHONE, FIELD_OPTIONAL, 1, PHONE_BYTES_MAX, "telephone" },
	{ "email", FIELD_EMAIL, FIELD_OPTIONAL, 1, EMAIL_BYTES_MAX, "e-mail address" },
	{ "tax_number", FIELD_NAME, FIELD_OPTIONAL, 1, NAME_BYTES_MAX, "printed on receipts" },
	FIELD_TAKES_BACK,
};

const struct kind_info kinds_clinic[] = {
	{ .kind = KIND_PROVIDER,
	  .name = "provider",
	  .class = KIND_CLASS_STAFF,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIELDS,
	  .read = ROLES_STAFF,
	  .write = ROLES_STAFF,
	  KIND_MESSAGE(provider, provider_fields),
	  .subject_field = "provider_id",
	  .one = "a provider",
	  .many = "providers",
	  .about = "people to refer patients to",
	  .example = "--name \"Dr Ann Lee\" --discipline physician --phone 555-0142",
	  .example_set = "--good-for - --wait-days 14" },
};
const size_t kinds_clinic_count = COUNT_OF(kinds_clinic);

const struct kind_info kinds_profile[] = {
	{ .kind = KIND_CLINIC_PROFILE,
	  .name = "clinic_profile",
	  .class = KIND_CLASS_STAFF,
	  .lane = LANE_CHART,
	  .merge = KIND_MERGE_FIELDS,
	  .read = ROLES_HOUSE,
	  .write = ROLE_THERAPIST | ROLE_LEAD | ROLE_OWNER,
	  KIND_MESSAGE(clinic_profile, clinic_profile_fields),
	  .subject_field = "clinic_profile_id",
	  .one = "a profile of the clinic",
	  .many = "profiles of the clinic",
	  .about = "the clinic's law, address and numbers",
	  .example = "--jurisdiction ca_bc --phone 555-0100",
	  .example_set = "--address -" },
};
const size_t kinds_profile_count = COUNT_OF(kinds_profile);
