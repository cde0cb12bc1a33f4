/* catalogue_tables: what data/make_catalogue.py generates; for catalogue.c only. Threads: any. */
#pragma once

#include "record/catalogue.h"

extern const struct catalogue_entry catalogue_entries[]; /* sorted by ref */
extern const size_t catalogue_entries_count;
extern const struct catalogue_rom catalogue_rom_rows[]; /* sorted by ref */
extern const size_t catalogue_rom_rows_count;
extern const struct catalogue_grade catalogue_grade_rows[];
extern const size_t catalogue_grade_rows_count;
extern const struct catalogue_mdc catalogue_mdc_rows[];
extern const size_t catalogue_mdc_rows_count;
extern const struct catalogue_flag catalogue_flag_rows[];
extern const size_t catalogue_flag_rows_count;
extern const struct catalogue_suggestion catalogue_suggestion_rows[]; /* by region */
extern const size_t catalogue_suggestion_rows_count;
extern const struct catalogue_scale catalogue_scale_rows[];
extern const size_t catalogue_scale_rows_count;
