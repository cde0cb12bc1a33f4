#include "record/proof_report.h"

#include "base/check.h"

#include <string.h>

static struct proof_tally *group_of(struct proof_report *r, const char *name)
{
	for (size_t i = 0; i < r->group_count; i++)
		if (strcmp(r->groups[i].name, name) == 0) return &r->groups[i].tally;
	INSIST(r->group_count < PROOF_REPORT_GROUPS_MAX);
	r->groups[r->group_count] = (struct proof_report_group){ .name = name };
	return &r->groups[r->group_count++].tally;
}

static void tally_add(struct proof_tally *t, const struct proof_set *set)
{
	t->tested++;
	if (set->post == NULL || set->post->skipped_reason != 0) return;
	t->again++;
	switch (set->delta.state) {
	case PROOF_IMPROVED: t->improved++; return;
	case PROOF_WITHIN: t->within++; return;
	case PROOF_WORSE: t->worse++; return;
	case PROOF_NOT_COMPARABLE: t->not_comparable++; return;
	}
}

void proof_report_add(struct proof_report *r, const struct proof_set *sets, size_t count)
{
	r->visits++;
	if (proof_count(sets, count).tested >= PROOF_TESTS_WANTED) r->visits_enough++;
	for (size_t i = 0; i < count; i++) {
		if (!proof_set_counts(&sets[i])) continue;
		tally_add(&r->all, &sets[i]);
		tally_add(group_of(r, sets[i].pre->entry->group), &sets[i]);
	}
}
