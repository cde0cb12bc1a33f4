/* work_fx: what the tests of this folder share. */
#pragma once

#include "base/check.h"
#include "base/cleanup.h"
#include "server/work/setup.h"
#include "support/box_clinic.h"
#include "wire/op.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static inline enum err reply_code(const Roomkeep__Frame *f)
{
	assert_non_null(f);
	assert_int_equal(f->body_case, ROOMKEEP__FRAME__BODY_RESULT);
	return err_from_wire(f->result->code);
}

static inline struct store_status status_of(struct box_clinic *c)
{
	struct store_status s;
	assert_int_equal(store_status(store_as_reader(server_box_store(c->box)), &s), ERR_OK);
	return s;
}

/* The database holds together after all that was done to it. */
static inline void check_store(struct box_clinic *c)
{
	struct store_check_report report;
	struct store_reader *r = NULL;
	assert_int_equal(store_reader_open(c->folder, &r), ERR_OK);
	assert_int_equal(store_check(r, &report), ERR_OK);
	for (enum store_check_item i = 0; i < STORE_CHECK_COUNT; i++)
		if (report.items[i].bad > 0)
			print_message("check %s: %s at %llu\n", store_check_name(i),
				      report.items[i].what,
				      (unsigned long long)report.items[i].first_bad);
	assert_true(report.ok);
	store_reader_close(r);
}

static inline void assert_op(const Roomkeep__Ack *ack, size_t i, Roomkeep__OpStatus status,
			     enum err code)
{
	assert_true(i < ack->n_results);
	assert_int_equal(ack->results[i]->status, status);
	assert_int_equal(ack->results[i]->code, code);
}

/* Jo signed in in room 1, Mara in room 2. */
struct two {
	struct box_clinic *c;
	struct box_person mara; /* therapist */
	struct box_person dee;  /* desk */
	struct box_room room2;
	struct box_lane chart; /* Mara's in room 2 */
	struct box_lane sealed;
};

static inline void two_init(struct two *t, uint64_t seed)
{
	t->c = box_clinic_new_founded(seed);
	box_sign_in(t->c, &t->c->room1, &t->c->owner);
	box_person_init(t->c, &t->mara, "Mara Lind", "mara", DIR_THERAPIST);
	box_add_person(t->c, &t->c->room1, &t->mara);
	box_person_init(t->c, &t->dee, "Dee Moss", "dee", DIR_DESK);
	box_add_person(t->c, &t->c->room1, &t->dee);
	box_room_init(t->c, &t->room2, "Room 2");
	box_enrol(t->c, &t->c->room1, &t->room2);
	box_sign_in(t->c, &t->room2, &t->mara);
	box_lane_init(t->c, &t->chart, &t->mara, &t->room2, OP_LANE_CHART);
	box_lane_init(t->c, &t->sealed, &t->mara, &t->room2, OP_LANE_SEALED);
}

static inline void two_fini(struct two *t)
{
	check_store(t->c);
	box_room_hang_up(t->c, &t->room2);
	box_person_fini(&t->mara);
	box_person_fini(&t->dee);
	box_clinic_free(t->c);
}
