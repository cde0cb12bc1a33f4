/* Founding and joining when the other side is not what it should be, and what people may be
 * called. */
#include "support/rooms_world.h"

#include "client/store/feed.h"
#include "client/store/local_priv.h"
#include "client/store/people_priv.h"

/* ---- founding -------------------------------------------------------------------------------- */

struct info {
	Roomkeep__Frame frame;
	Roomkeep__FoundInfo info;
	uint8_t ingest[32], log[32];
};

static void info_init(struct info *i)
{
	CLEANUP(box_key_finip) struct box_key box = { 0 };
	CLEANUP(sign_key_finip) struct sign_key sign = { 0 };

	OK(box_key_new(&box));
	OK(sign_key_new(&sign));
	memcpy(i->ingest, box.pk.b, sizeof(i->ingest));
	memcpy(i->log, sign.pk.b, sizeof(i->log));
	roomkeep__frame__init(&i->frame);
	roomkeep__found_info__init(&i->info);
	i->info.has_ingest_pk = i->info.has_log_pk = true;
	i->info.ingest_pk = (ProtobufCBinaryData){ sizeof(i->ingest), i->ingest };
	i->info.log_pk = (ProtobufCBinaryData){ sizeof(i->log), i->log };
	i->frame.body_case = ROOMKEEP__FRAME__BODY_FOUND_INFO;
	i->frame.found_info = &i->info;
}

static enum err try_found(struct room *r, const struct secret *code, struct hash32 spki,
			  struct view exporter, const struct info *i)
{
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	struct founding founding = { 0 };
	const struct found_options o = found_words();

	OK(body_encode(&i->frame, &bytes));
	const struct found_server s = { .setup_code = secret_view(code),
					.spki = spki,
					.exporter = exporter,
					.found_info = buf_view(&bytes) };
	const enum err e = found_make(r->local, &o, &s, r->w->wall, &founding);
	if (e != ERR_OK) assert_null(founding.kit_pages);
	founding_fini(&founding);
	return e;
}

/* Nothing is kept of a founding that cannot be finished: the machine stays nobody's. */
static void test_founding_with_a_wrong_server(void **state)
{
	(void)state;
	struct world *w = world_new();
	struct room *r = &w->rooms[0];
	const struct hash32 spki = { { 77 } };
	const struct hash32 other = { { 66 } };
	static const uint8_t exporter[EXPORTER_BYTES] = { 5 };
	Roomkeep__Ping ping = ROOMKEEP__PING__INIT;
	struct info i;

	OK(setup_new_code(server_box_store(w->box), &spki, w->wall, &w->setup));
	OK(local_open(r->folder, w->rand, &r->local));
	info_init(&i);
	assert_int_equal(try_found(r, w->setup, other, VIEW_OF(exporter), &i), ERR_AUTH);
	assert_int_equal(try_found(r, w->setup, spki, view_of(exporter, 31), &i), ERR_BAD_VALUE);
	i.info.has_ingest_pk = false;
	assert_int_equal(try_found(r, w->setup, spki, VIEW_OF(exporter), &i), ERR_PROTO);
	info_init(&i);
	i.info.has_log_pk = false;
	assert_int_equal(try_found(r, w->setup, spki, VIEW_OF(exporter), &i), ERR_PROTO);
	info_init(&i);
	i.info.ingest_pk.len = 31;
	assert_int_equal(try_found(r, w->setup, spki, VIEW_OF(exporter), &i), ERR_BAD_FORMAT);
	info_init(&i);
	i.frame.body_case = ROOMKEEP__FRAME__BODY_PING;
	i.frame.ping = &ping;
	assert_int_equal(try_found(r, w->setup, spki, VIEW_OF(exporter), &i), ERR_PROTO);
	assert_int_equal(local_room(r->local)->state, LOCAL_EMPTY);
	info_init(&i);
	OK(try_found(r, w->setup, spki, VIEW_OF(exporter), &i));
	assert_int_equal(local_room(r->local)->state, LOCAL_FOUNDING);
	local_closep(&r->local); /* no desk was started over it */
	world_free(w);
}

static void test_founding_limits(void **state)
{
	(void)state;
	static char longest[LOCAL_ADDRESS_BYTES_MAX + 2];
	struct found_options o = found_words();

	OK(crypt_init());
	for (size_t i = 0; i < LOCAL_ADDRESS_BYTES_MAX; i++) longest[i] = 'a';
	o.address = o.kit_folder = longest;
	OK(found_check(&o, NULL, NULL));
	longest[LOCAL_ADDRESS_BYTES_MAX] = 'a';
	assert_int_equal(found_check(&o, NULL, NULL), ERR_TOO_BIG);
	o.address = "127.0.0.1:4711";
	assert_int_equal(found_check(&o, NULL, NULL), ERR_TOO_BIG);
	o = found_words();
	o.n = o.k = RECOVERY_SHARES_MAX;
	OK(found_check(&o, NULL, NULL));
	o.n = RECOVERY_SHARES_MAX + 1;
	assert_int_equal(found_check(&o, NULL, NULL), ERR_BAD_VALUE);
	o = found_words();
	o.owner_name = "";
	assert_int_equal(found_check(&o, NULL, NULL), ERR_BAD_VALUE);
	o = found_words();
	o.room_name = "";
	assert_int_equal(found_check(&o, NULL, NULL), ERR_BAD_VALUE);
}

/* ---- joining --------------------------------------------------------------------------------- */

struct joining {
	struct world *w;
	struct room *r;
	struct enrolment *e;
	struct secret *code;
	struct buf blob; /* the join blob as the owner's room made it */
	uint64_t expires_ms;
};

/* Room 2 has typed a true code; the answer is up to each test. */
static void joining_begin(struct joining *j)
{
	CLEANUP(buf_finip) struct buf frame = { 0 };
	CLEANUP(arena_finip) struct arena a;
	Roomkeep__Frame *f = NULL;

	*j = (struct joining){ .w = world_new() };
	world_found(j->w);
	struct room *owner = &j->w->rooms[0];
	OK(room_sign_in(owner, "jo", JO_PASS));
	OK(people_invite(owner->local, &owner->desk.vault, "Room 2", "treatment", j->w->wall,
			 &frame, &j->code));
	arena_init(&a, FRAME_PARSE_BYTES_MAX);
	OK(frame_decode(&a, buf_view(&frame), &f));
	OK(buf_append(&j->blob, wire_view(f->invite_room->join_blob)));
	j->expires_ms = f->invite_room->expires_ms;
	j->r = &j->w->rooms[1];
	OK(local_open(j->r->folder, j->w->rand, &j->r->local));
	buf_clear(&frame);
	OK(enrol_start(secret_view(j->code), NULL, &j->e, &frame));
}

static void joining_end(struct joining *j)
{
	enrolment_free(j->e);
	secret_free(j->code);
	buf_fini(&j->blob);
	local_closep(&j->r->local); /* no desk was started over it */
	world_free(j->w);
}

static void answer_init(const struct joining *j, Roomkeep__EnrolBlob *m)
{
	static char name[] = "Room 2";
	static char kind[] = "treatment";

	roomkeep__enrol_blob__init(m);
	m->has_join_blob = m->has_expires_ms = true;
	m->join_blob = wire_bytes(buf_view(&j->blob));
	m->expires_ms = j->expires_ms;
	m->room_name = name;
	m->room_kind = kind;
}

static enum err try_join(struct joining *j, Roomkeep__EnrolBlob *m, size_t exporter_len,
			 uint8_t server)
{
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	CLEANUP(buf_finip) struct buf proof = { 0 };
	static const uint8_t exporter[EXPORTER_BYTES] = { 5 };
	const struct hash32 server_spki = { { server } };
	const struct hash32 own = { { 1 } };
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Ping ping = ROOMKEEP__PING__INIT;

	f.body_case = m != NULL ? ROOMKEEP__FRAME__BODY_ENROL_BLOB : ROOMKEEP__FRAME__BODY_PING;
	if (m != NULL)
		f.enrol_blob = m;
	else
		f.ping = &ping;
	OK(body_encode(&f, &bytes));
	return enrol_prove(j->r->local, j->e, buf_view(&bytes), &server_spki, &own,
			   view_of(exporter, exporter_len), "127.0.0.1:1", j->w->wall, &proof);
}

static void test_joining_a_wrong_server(void **state)
{
	(void)state;
	static char two_lines[] = "Room\n2";
	Roomkeep__EnrolBlob m;
	struct joining j;

	joining_begin(&j);
	assert_int_equal(try_join(&j, NULL, EXPORTER_BYTES, 77), ERR_PROTO);
	answer_init(&j, &m);
	m.has_join_blob = false;
	assert_int_equal(try_join(&j, &m, EXPORTER_BYTES, 77), ERR_BAD_FORMAT);
	answer_init(&j, &m);
	m.has_expires_ms = false;
	assert_int_equal(try_join(&j, &m, EXPORTER_BYTES, 77), ERR_BAD_FORMAT);
	answer_init(&j, &m);
	m.join_blob.len = ID_BYTES;
	assert_int_equal(try_join(&j, &m, EXPORTER_BYTES, 77), ERR_BAD_FORMAT);
	answer_init(&j, &m);
	m.room_name = two_lines;
	assert_int_equal(try_join(&j, &m, EXPORTER_BYTES, 77), ERR_BAD_VALUE);
	answer_init(&j, &m);
	m.room_kind = two_lines;
	assert_int_equal(try_join(&j, &m, EXPORTER_BYTES, 77), ERR_BAD_VALUE);
	answer_init(&j, &m);
	m.expires_ms++; /* it is sealed in: nobody makes an invitation last longer */
	assert_int_equal(try_join(&j, &m, EXPORTER_BYTES, 77), ERR_AUTH);
	answer_init(&j, &m);
	j.blob.p[0] ^= 1; /* another clinic's id in front */
	assert_int_equal(try_join(&j, &m, EXPORTER_BYTES, 77), ERR_AUTH);
	j.blob.p[0] ^= 1;
	/* The true blob from a server that is not in the clinic's record. */
	assert_int_equal(try_join(&j, &m, EXPORTER_BYTES, 66), ERR_AUTH);
	assert_int_equal(try_join(&j, &m, EXPORTER_BYTES - 1, 77), ERR_BAD_VALUE);
	assert_int_equal(local_room(j.r->local)->state, LOCAL_EMPTY);
	OK(try_join(&j, &m, EXPORTER_BYTES, 77));
	assert_int_equal(local_room(j.r->local)->state, LOCAL_ENROLLING);
	joining_end(&j);
}

/* ---- people ---------------------------------------------------------------------------------- */

static void test_logins(void **state)
{
	(void)state;
	static const char *const good[] = { "a", "0", "z9", "jo.park", "jo-p", "jo_p", "a.-_" };
	static const char *const bad[] = { "",    "Jo",  ".jo", "-jo", "_jo",      "jo park",
					   "jo/", "jo:", "jo{", "`jo", "\xc3\xa9", "jo\x7f" };
	char text[LOGIN_BYTES_MAX + 2] = { 0 };
	struct record_error error = { .err = ERR_OK };

	for (size_t i = 0; i < COUNT_OF(good); i++) OK(people_check_login(good[i], &error));
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		error = (struct record_error){ .err = ERR_OK };
		assert_int_equal(people_check_login(bad[i], &error), ERR_BAD_VALUE);
		assert_string_equal(error.field, "login");
	}
	assert_int_equal(people_check_login(NULL, &error), ERR_BAD_VALUE);
	for (size_t i = 0; i < LOGIN_BYTES_MAX; i++) text[i] = 'a';
	OK(people_check_login(text, &error));
	text[LOGIN_BYTES_MAX] = 'a';
	assert_int_equal(people_check_login(text, &error), ERR_BAD_VALUE);
}

static void test_people_that_are_not_there(void **state)
{
	(void)state;
	CLEANUP(buf_finip) struct buf frame = { 0 };
	struct world *w = world_clinic();
	struct room *r = &w->rooms[0];
	struct vault *v = &r->desk.vault;
	const struct id nobody = { { 0xee } };
	struct new_user u = {
		.name = "Ida Berg", .login = "ida", .roles = 0, .passphrase = view_str(MARA_PASS)
	};
	struct record_error error = { .err = ERR_OK };
	struct id id;

	assert_int_equal(people_disable(r->local, v, &nobody, &frame), ERR_NOT_FOUND);
	assert_int_equal(people_add(r->local, v, &u, &frame, &id, NULL, &error), ERR_BAD_VALUE);
	assert_string_equal(error.field, "role");
	assert_int_equal(frame.len, 0);
	assert_string_equal(local_login_of(r->local, &nobody), "");
	assert_int_equal(person_roles(r->local, &nobody), 0);
	room_lock(r);
	assert_int_equal(people_disable(r->local, v, &nobody, &frame), ERR_SIGNED_OUT);
	world_free(w);
}

/* ---- small things that only the store says --------------------------------------------------- */

static void test_signs_are_searched_as_they_are(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r = &w->rooms[0];
	struct local_patient p;
	size_t at = 0;

	(void)room_add_patient(r, "Maya \xe2\x9c\xbf Rosen", "1984-05-06");
	(void)room_add_patient(r, "Omar Said", "1970-01-02");
	OK(local_find_patient(r->local, &r->desk.vault, view_str("\xe2\x9c\xbf"), &at, &p));
	assert_string_equal(p.born, "1984-05-06");
	assert_int_equal(
		local_find_patient(r->local, &r->desk.vault, view_str("\xe2\x9c\xbf"), &at, &p),
		ERR_NOT_FOUND);
	at = 0;
	assert_int_equal(
		local_find_patient(r->local, &r->desk.vault, view_str("\xe2\x98\x85"), &at, &p),
		ERR_NOT_FOUND);
	world_free(w);
}

static void test_notes_and_texts_of_what_is_not_there(void **state)
{
	(void)state;
	struct world *w = world_clinic();
	struct room *r = &w->rooms[0];
	struct vault *v = &r->desk.vault;
	const struct id nobody = { { 0xee } };
	const struct id one = room_add_patient(r, "Maya Rosen", "1984-05-06");
	const struct id two = room_add_patient(r, "Omar Said", "1970-01-02");
	const struct id session = room_start_session(r, &one);
	const struct view text = view_str("x");
	struct id id;

	OK(local_add_note(r->local, v, &one, &session, text, w->wall, &id, NULL));
	/* A note about one patient never hangs on another's session. */
	assert_int_equal(local_add_note(r->local, v, &two, &session, text, w->wall, &id, NULL),
			 ERR_NOT_FOUND);
	assert_int_equal(local_add_note(r->local, v, &nobody, NULL, text, w->wall, &id, NULL),
			 ERR_NOT_FOUND);
	assert_int_equal(local_add_note(r->local, v, &one, &nobody, text, w->wall, &id, NULL),
			 ERR_NOT_FOUND);
	for (int field = -1; field <= 5; field += 6) {
		struct record_error error = { .err = ERR_OK };
		assert_int_equal(local_set_text(r->local, v, &session, (Roomkeep__TextField)field,
						text, w->wall, &id, &error),
				 ERR_BAD_VALUE);
	}
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_founding_with_a_wrong_server),
		cmocka_unit_test(test_founding_limits),
		cmocka_unit_test(test_joining_a_wrong_server),
		cmocka_unit_test(test_logins),
		cmocka_unit_test(test_people_that_are_not_there),
		cmocka_unit_test(test_signs_are_searched_as_they_are),
		cmocka_unit_test(test_notes_and_texts_of_what_is_not_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
