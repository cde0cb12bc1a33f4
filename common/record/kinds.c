#include "record/kinds_priv.h"

static const struct kind_area {
	const struct kind_info *rows;
	const size_t *count;
} kind_areas[] = {
	{ kinds_chart, &kinds_chart_count },     { kinds_intake, &kinds_intake_count },
	{ kinds_session, &kinds_session_count }, { kinds_person, &kinds_person_count },
	{ kinds_care, &kinds_care_count },       { kinds_referral, &kinds_referral_count },
	{ kinds_duty, &kinds_duty_count },       { kinds_trust, &kinds_trust_count },
	{ kinds_clinic, &kinds_clinic_count },   { kinds_grant, &kinds_grant_count },
	{ kinds_booking, &kinds_booking_count }, { kinds_desk_trust, &kinds_desk_trust_count },
	{ kinds_profile, &kinds_profile_count }, { kinds_lockbox, &kinds_lockbox_count },
	{ kinds_sealed, &kinds_sealed_count },
};

size_t kind_count(void)
{
	size_t count = 0;
	for (size_t i = 0; i < COUNT_OF(kind_areas); i++) count += *kind_areas[i].count;
	return count;
}

const struct kind_info *kind_at(size_t index)
{
	for (size_t i = 0; i < COUNT_OF(kind_areas); i++) {
		if (index < *kind_areas[i].count) return &kind_areas[i].rows[index];
		index -= *kind_areas[i].count;
	}
	const bool is_in_table = false;
	REQUIRE(is_in_table);
	return NULL;
}

const struct kind_info *kind_find(uint64_t number)
{
	for (size_t i = 0; i < COUNT_OF(kind_areas); i++) {
		const struct kind_area *area = &kind_areas[i];
		for (size_t k = 0; k < *area->count; k++) {
			if ((uint64_t)area->rows[k].kind == number) return &area->rows[k];
		}
	}
	return NULL;
}

const struct kind_info *kind_find_name(struct view name)
{
	for (size_t i = 0; i < kind_count(); i++) {
		if (view_equal(view_str(kind_at(i)->name), name)) return kind_at(i);
	}
	return NULL;
}

const char *kind_name(uint64_t number)
{
	const struct kind_info *info = kind_find(number);
	return info == NULL ? "unknown" : info->name;
}

bool kind_fits_lane(uint64_t number, uint32_t lane_class)
{
	if (lane_class != LANE_CHART && lane_class != LANE_SEALED) return false;
	const struct kind_info *info = kind_find(number);
	return info == NULL || (uint32_t)info->lane == lane_class;
}

bool kind_is_plain(const struct kind_info *info)
{
	return info->merge != KIND_MERGE_OWN;
}

const char *kind_plural_end(const struct kind_info *info)
{
	const size_t len = strlen(info->name);
	return len > 2 && strcmp(info->name + len - 2, "ch") == 0 ? "es" : "s";
}

bool kind_is_one_per_patient(const struct kind_info *info)
{
	return kind_is_plain(info) && info->patient_field != NULL &&
	       strcmp(info->subject_field, info->patient_field) == 0;
}

bool kind_is_one_per_session(const struct kind_info *info)
{
	return kind_is_plain(info) && info->session_field != NULL &&
	       strcmp(info->subject_field, info->session_field) == 0;
}
