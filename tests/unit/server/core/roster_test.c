/* What the loop knows by heart: rooms by key, rights, bad frames. */
#include "server/core/roster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int setup(void **state)
{
	struct roster *r = malloc(sizeof(*r));
	if (r == NULL) return 1;
	roster_init(r);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static struct roster_room make_room(unsigned n, enum roster_room_state state)
{
	struct roster_room room = { .state = state, .expires_ms = 5000 };
	(void)snprintf(room.name, sizeof(room.name), "Room %u", n);
	(void)snprintf(room.kind, sizeof(room.kind), "treatment");
	if (state == ROSTER_INVITED) return room;
	room.spki[0] = (uint8_t)n;
	room.spki[1] = (uint8_t)(n >> 8);
	room.spki[31] = 1;
	room.room_id.b[0] = (uint8_t)n;
	room.room_id.b[15] = 1;
	return room;
}

static void test_unknown_key_is_no_room(void **state)
{
	struct roster *r = *state;
	const uint8_t zeros[ROSTER_SPKI_BYTES] = { 0 };
	const struct roster_room invited = make_room(1, ROSTER_INVITED);
	assert_int_equal(roster_put_room(r, &invited), ERR_OK);
	/* An invitation has no key: the zero key must not find it. */
	assert_null(roster_room_by_spki(r, zeros));
	assert_non_null(roster_room_by_name(r, view_str("Room 1")));
	assert_null(roster_room_by_name(r, view_str("Room 2")));
}

static void test_invitation_becomes_room(void **state)
{
	struct roster *r = *state;
	const struct roster_room invited = make_room(1, ROSTER_INVITED);
	const struct roster_room active = make_room(1, ROSTER_ACTIVE);
	assert_int_equal(roster_put_room(r, &invited), ERR_OK);
	assert_int_equal(roster_put_room(r, &active), ERR_OK);
	assert_int_equal(r->room_count, 1);
	struct roster_room *room = roster_room_by_spki(r, active.spki);
	assert_non_null(room);
	assert_int_equal(room->state, ROSTER_ACTIVE);
}

static void test_one_key_is_one_room(void **state)
{
	struct roster *r = *state;
	const struct roster_room one = make_room(1, ROSTER_ACTIVE);
	struct roster_room two = make_room(2, ROSTER_ACTIVE);
	memcpy(two.spki, one.spki, sizeof(two.spki));
	assert_int_equal(roster_put_room(r, &one), ERR_OK);
	assert_int_equal(roster_put_room(r, &two), ERR_EXISTS);
	assert_int_equal(r->room_count, 1);
}

static void test_name_lives_again_after_retiring(void **state)
{
	struct roster *r = *state;
	const struct roster_room one = make_room(1, ROSTER_ACTIVE);
	assert_int_equal(roster_put_room(r, &one), ERR_OK);
	assert_int_equal(roster_retire_room(r, view_str("Room 1")), ERR_OK);
	assert_int_equal(roster_retire_room(r, view_str("Room 1")), ERR_NOT_FOUND);
	/* The same name with the same key stays out, with a new key it is another room. */
	assert_int_equal(roster_put_room(r, &one), ERR_EXISTS);
	struct roster_room again = make_room(9, ROSTER_ACTIVE);
	memcpy(again.name, one.name, sizeof(again.name));
	assert_int_equal(roster_put_room(r, &again), ERR_OK);
	assert_int_equal(r->room_count, 2);
	assert_int_equal(roster_room_by_spki(r, one.spki)->state, ROSTER_RETIRED);
	assert_int_equal(roster_room_by_name(r, view_str("Room 1"))->state, ROSTER_ACTIVE);
}

static void test_room_limits(void **state)
{
	struct roster *r = *state;
	for (unsigned i = 0; i < ROOMS_MAX; i++) {
		const struct roster_room room = make_room(i, ROSTER_ACTIVE);
		assert_int_equal(roster_put_room(r, &room), ERR_OK);
	}
	const struct roster_room more = make_room(1000, ROSTER_ACTIVE);
	assert_int_equal(roster_put_room(r, &more), ERR_FULL);
	/* Invited and retired ones do not count; a full table forgets the oldest of them. */
	for (unsigned i = ROOMS_MAX; i < ROSTER_ROOMS_MAX; i++) {
		const struct roster_room room =
			make_room(i, i % 2 == 0 ? ROSTER_RETIRED : ROSTER_INVITED);
		assert_int_equal(roster_put_room(r, &room), ERR_OK);
	}
	const struct roster_room oldest = make_room(ROOMS_MAX, ROSTER_RETIRED);
	assert_non_null(roster_room_by_spki(r, oldest.spki));
	const struct roster_room last = make_room(1001, ROSTER_INVITED);
	assert_int_equal(roster_put_room(r, &last), ERR_OK);
	assert_int_equal(r->room_count, ROSTER_ROOMS_MAX);
	assert_null(roster_room_by_spki(r, oldest.spki));
	assert_non_null(roster_room_by_name(r, view_str("Room 1001")));
	for (unsigned i = 0; i < ROOMS_MAX; i++) {
		const struct roster_room room = make_room(i, ROSTER_ACTIVE);
		assert_non_null(roster_room_by_spki(r, room.spki));
	}
	/* An invitation cannot become a room too many either, nor replace a room. */
	const struct roster_room late = make_room(1001, ROSTER_ACTIVE);
	assert_int_equal(roster_put_room(r, &late), ERR_FULL);
	const struct roster_room over = make_room(1, ROSTER_INVITED);
	assert_int_equal(roster_put_room(r, &over), ERR_EXISTS);
	assert_int_equal(roster_retire_room(r, view_str("Room 0")), ERR_OK);
	assert_int_equal(roster_put_room(r, &late), ERR_OK);
}

static void test_withdrawn_invitation_is_forgotten(void **state)
{
	struct roster *r = *state;
	for (unsigned i = 0; i < 2 * ROSTER_ROOMS_MAX; i++) {
		const struct roster_room invited = make_room(i, ROSTER_INVITED);
		assert_int_equal(roster_put_room(r, &invited), ERR_OK);
		assert_int_equal(roster_retire_room(r, view_str(invited.name)), ERR_OK);
		assert_int_equal(r->room_count, 0);
	}
}

static void test_newer_conn_wins(void **state)
{
	struct roster *r = *state;
	const struct roster_room one = make_room(1, ROSTER_ACTIVE);
	assert_int_equal(roster_put_room(r, &one), ERR_OK);
	struct roster_room *room = roster_room_by_spki(r, one.spki);
	assert_string_equal(roster_room_state_text(room, 0), "offline");
	assert_int_equal(roster_room_connect(room, 7), 0);
	assert_string_equal(roster_room_state_text(room, 0), "online");
	assert_int_equal(roster_room_connect(room, 7), 0);
	room->user_id.b[0] = 1;
	assert_int_equal(roster_room_connect(room, 8), 7);
	assert_true(id_is_zero(&room->user_id));
	roster_room_disconnect(room, 7); /* the old one leaves late: nothing changes */
	assert_int_equal(room->conn_id, 8);
	roster_room_disconnect(room, 8);
	assert_string_equal(roster_room_state_text(room, 0), "offline");
}

static void test_state_texts(void **state)
{
	(void)state;
	const struct roster_room invited = make_room(1, ROSTER_INVITED);
	assert_string_equal(roster_room_state_text(&invited, 4999), "invited");
	assert_string_equal(roster_room_state_text(&invited, 5000), "retired");
	const struct roster_room retired = make_room(1, ROSTER_RETIRED);
	assert_string_equal(roster_room_state_text(&retired, 0), "retired");
}

static void test_third_bad_frame_within_a_minute(void **state)
{
	(void)state;
	struct roster_room room = make_room(1, ROSTER_ACTIVE);
	assert_false(roster_room_count_bad(&room, 0));
	assert_false(roster_room_count_bad(&room, 10));
	assert_true(roster_room_count_bad(&room, 59999));
	assert_true(roster_room_count_bad(&room, 60009)); /* 10, 59999, 60009 */
	struct roster_room calm = make_room(2, ROSTER_ACTIVE);
	assert_false(roster_room_count_bad(&calm, 0));
	assert_false(roster_room_count_bad(&calm, 1));
	assert_false(roster_room_count_bad(&calm, 60000));
	assert_true(roster_room_count_bad(&calm, 60000));   /* 1, 60000, 60000 */
	assert_false(roster_room_count_bad(&calm, 120000)); /* 60000, 60000, 120000 */
}

static struct roster_user make_user(unsigned n)
{
	struct roster_user u = { .roles = 2, .active = true, .scope_version = n };
	u.user_id.b[0] = (uint8_t)n;
	u.user_id.b[1] = (uint8_t)(n >> 8);
	u.user_id.b[15] = 1;
	return u;
}

static void test_block_stands_for_good(void **state)
{
	struct roster *r = *state;
	struct roster_user u = make_user(1);
	assert_false(roster_user_may_sign_in(r, &u.user_id));
	assert_int_equal(roster_block_user(r, &u.user_id), ERR_NOT_FOUND);
	assert_int_equal(roster_put_user(r, &u), ERR_OK);
	assert_true(roster_user_may_sign_in(r, &u.user_id));
	assert_int_equal(roster_block_user(r, &u.user_id), ERR_OK);
	assert_false(roster_user_may_sign_in(r, &u.user_id));
	u.roles = 3;
	assert_int_equal(roster_put_user(r, &u), ERR_OK); /* a later entry does not lift it */
	assert_int_equal(roster_user(r, &u.user_id)->roles, 3);
	assert_false(roster_user_may_sign_in(r, &u.user_id));
}

static void test_disabled_may_not_sign_in(void **state)
{
	struct roster *r = *state;
	struct roster_user u = make_user(1);
	u.active = false;
	assert_int_equal(roster_put_user(r, &u), ERR_OK);
	assert_false(roster_user_may_sign_in(r, &u.user_id));
}

static void test_user_limit(void **state)
{
	struct roster *r = *state;
	for (unsigned i = 0; i < ROSTER_USERS_MAX; i++) {
		const struct roster_user u = make_user(i);
		assert_int_equal(roster_put_user(r, &u), ERR_OK);
	}
	const struct roster_user more = make_user(ROSTER_USERS_MAX);
	assert_int_equal(roster_put_user(r, &more), ERR_FULL);
	const struct roster_user known = make_user(5);
	assert_int_equal(roster_put_user(r, &known), ERR_OK);
}

static void test_signed_record_limits(void **state)
{
	(void)state;
	struct roster_signed s = { 0 };
	uint8_t body[ROSTER_RECORD_BYTES_MAX + 1] = { 1 };
	uint8_t sig[ROSTER_SIG_BYTES] = { 2 };
	assert_int_equal(roster_set_signed(&s, VIEW_EMPTY, VIEW_OF(sig)), ERR_TOO_BIG);
	assert_int_equal(roster_set_signed(&s, VIEW_OF(body), VIEW_OF(sig)), ERR_TOO_BIG);
	assert_int_equal(roster_set_signed(&s, view_of(body, 10), view_of(sig, 63)),
			 ERR_BAD_FORMAT);
	assert_int_equal(s.body_len, 0);
	assert_int_equal(
		roster_set_signed(&s, view_of(body, ROSTER_RECORD_BYTES_MAX), VIEW_OF(sig)),
		ERR_OK);
	assert_int_equal(s.body_len, ROSTER_RECORD_BYTES_MAX);
}

static void test_accounts_version_tells_every_change(void **state)
{
	struct roster *r = *state;
	struct roster_user jo = { .user_id = { { 1 } }, .roles = 1, .active = true };
	const struct roster_user mara = { .user_id = { { 2 } }, .roles = 2, .active = true };
	assert_int_equal(roster_put_user(r, &jo), ERR_OK);
	assert_int_equal(roster_put_user(r, &mara), ERR_OK);
	const uint64_t first = roster_accounts_version(r);
	assert_int_not_equal(first, 0); /* 0 is a room that knows nothing yet */
	assert_int_equal(roster_set_keyring_rev(r, &jo.user_id, 1), ERR_OK);
	assert_int_equal(roster_accounts_version(r), first); /* as after a restart */
	assert_int_equal(roster_set_keyring_rev(r, &jo.user_id, 2), ERR_OK);
	assert_int_equal(roster_accounts_version(r), first + 1);
	assert_int_equal(roster_block_user(r, &mara.user_id), ERR_OK);
	assert_int_equal(roster_accounts_version(r), first + 2);
	assert_int_equal(roster_block_user(r, &mara.user_id), ERR_OK);
	assert_int_equal(roster_accounts_version(r), first + 2);
	/* A directory entry does not know of passphrases and takes nothing back. */
	jo.roles = 3;
	assert_int_equal(roster_put_user(r, &jo), ERR_OK);
	assert_int_equal(roster_user(r, &jo.user_id)->keyring_rev, 2);
	const struct id nobody = { { 9 } };
	assert_int_equal(roster_set_keyring_rev(r, &nobody, 2), ERR_NOT_FOUND);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_unknown_key_is_no_room),
		T(test_invitation_becomes_room),
		T(test_one_key_is_one_room),
		T(test_name_lives_again_after_retiring),
		T(test_room_limits),
		T(test_withdrawn_invitation_is_forgotten),
		T(test_newer_conn_wins),
		T(test_state_texts),
		T(test_third_bad_frame_within_a_minute),
		T(test_block_stands_for_good),
		T(test_disabled_may_not_sign_in),
		T(test_user_limit),
		T(test_accounts_version_tells_every_change),
		T(test_signed_record_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
