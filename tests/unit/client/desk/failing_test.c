/* Each call of a room's store with each of its calls to SQLite failing in turn, and with each of
 * its own allocations: it says so or does all that it promises, never something else, and the same
 * succeeds at once afterwards. The frames are honest ones, kept from a real sign-in. */
#include "support/rooms_world.h"

#include "client/store/feed.h"
#include "client/store/local_priv.h"
#include "client/store/people.h"
#include "client/store/people_priv.h"
#include "db/db_priv.h"
#include "record/calendar.h"
#include "support/nomem.h"
#include "support/nosql.h"

#define NEW_PASS "a kettle of tea for everybody"

struct fixture {
	struct world *w;
	struct room *r; /* room 1, Jo signed in: owner and therapist */
	struct id patient;
	struct id session;
	struct id addendum_op; /* of Jo's, kept for a tombstone */
	struct id mara;
	struct id omar;        /* a patient */
	struct id appointment; /* of Omar's, which the server has */
	uint64_t day;          /* of it; another of that day was refused */
	size_t dir_entries;
};

static struct fixture fx;
static struct buf kept[128];  /* an honest frame of each kind, for room 1 */
static struct buf page_frame; /* of a Fetch, with the ops of that feed */
static bool keeps_feeds;      /* newer ones still replace older ones */

static bool keep_frame(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	(void)r;
	(void)a;
	assert_true((size_t)f->body_case < COUNT_OF(kept));
	if (f->body_case == ROOMKEEP__FRAME__BODY_DIRECTORY && f->directory->n_items == 0)
		return true;
	if (f->body_case == ROOMKEEP__FRAME__BODY_FEED && (f->feed->n_ops == 0 || !keeps_feeds))
		return true;
	buf_clear(&kept[f->body_case]);
	OK(body_encode(f, &kept[f->body_case]));
	return true;
}

static struct id book(struct room *r)
{
	Roomkeep__Appointment m = ROOMKEEP__APPOINTMENT__INIT;
	const struct id id = local_new_id(r->local, fx.w->wall);
	char reason[] = "as they asked"; /* which splits no patient */
	struct id op_id;
	m.overlap_reason = reason;
	m.has_appointment_id = m.has_patient_id = m.has_room_id = m.has_therapist_id = true;
	m.appointment_id = wire_id_bytes(&id);
	m.patient_id = wire_id_bytes(&fx.omar);
	m.room_id = m.therapist_id = wire_id_bytes(&fx.mara);
	m.has_starts_ms = m.has_minutes = true;
	m.starts_ms = fx.day + 9 * CALENDAR_HOUR_MS;
	m.minutes = 60;
	OK(local_append(r->local, &r->desk.vault, KIND_APPOINTMENT, &m.base, fx.w->wall, &op_id,
			NULL));
	return id;
}

static enum err wait_for(struct room *r, const char *words)
{
	Roomkeep__WaitlistItem m = ROOMKEEP__WAITLIST_ITEM__INIT;
	const struct id id = local_new_id(r->local, fx.w->wall);
	char wishes[16];
	struct id op_id;
	snprintf(wishes, sizeof(wishes), "%s", words);
	m.has_waitlist_item_id = m.has_patient_id = true;
	m.waitlist_item_id = wire_id_bytes(&id);
	m.patient_id = wire_id_bytes(&fx.omar);
	m.wishes = wishes;
	return local_append(r->local, &r->desk.vault, KIND_WAITLIST_ITEM, &m.base, fx.w->wall,
			    &op_id, NULL);
}

/* Two want one hour; the server takes Mara's. */
static void make_clash(void)
{
	fx.day = (fx.w->wall / CALENDAR_DAY_MS + 1) * CALENDAR_DAY_MS;
	room_cut(fx.r, true);
	fx.appointment = book(&fx.w->rooms[1]);
	room_saved(&fx.w->rooms[1]);
	(void)book(fx.r);
	OK(wait_for(fx.r, "mornings"));
	room_cut(fx.r, false);
	room_saved(fx.r);
}

static int setup(void **state)
{
	(void)state;
	struct id note;
	fx = (struct fixture){ .w = world_clinic() };
	fx.r = &fx.w->rooms[0];
	world_wait(fx.w, 61000);
	OK(room_sign_in(&fx.w->rooms[1], "mara", MARA_PASS));
	fx.mara = *desk_person(&fx.w->rooms[1].desk);
	room_lock(fx.r);
	fx.r->tamper = keep_frame;
	keeps_feeds = true;
	room_cut(fx.r, true);
	OK(room_sign_in(&fx.w->rooms[1], "jo", JO_PASS));
	(void)room_add_user(&fx.w->rooms[1], "Ida Moss", "ida", DIR_DESK, NEW_PASS);
	room_cut(fx.r, false);
	OK(room_sign_in(fx.r, "jo", JO_PASS));
	OK(room_sign_in(&fx.w->rooms[1], "mara", MARA_PASS));
	fx.omar = room_add_patient(&fx.w->rooms[1], "Omar Said", "1970-01-02");
	room_saved(&fx.w->rooms[1]);
	keeps_feeds = false;
	make_clash();
	fx.dir_entries = fx.r->local->dir.entry_count;
	fx.patient = room_add_patient(fx.r, "Maya Rosen", "1984-05-06");
	fx.session = room_start_session(fx.r, &fx.patient);
	OK(room_text(fx.r, &fx.session, ROOMKEEP__TEXT_FIELD__PLAN, "rest"));
	OK(room_measure(fx.r, &fx.session, 45));
	OK(local_add_note(fx.r->local, &fx.r->desk.vault, &fx.patient, &fx.session,
			  view_str("between us"), fx.w->wall, &note, NULL));
	room_saved(fx.r);
	room_cut(fx.r, true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(kept); i++) buf_fini(&kept[i]);
	buf_fini(&page_frame);
	world_free(fx.w);
	return 0;
}

/* ---- one call at a time ---------------------------------------------------------------------- */

struct call {
	const char *name;
	enum err (*run)(struct local *l, struct vault *v);
	void (*before)(void); /* without failures; may be NULL */
};

static void sign_in_again(void)
{
	if (fx.r->desk.vault.open && fx.r->local->loaded) return;
	OK(room_sign_in(fx.r, "jo", JO_PASS));
}

enum way { WAY_STEP, WAY_PREPARE, WAY_MEMORY, WAYS };

static void arm(enum way way, uint64_t n)
{
	/* A statement that is kept is not made again. */
	if (way == WAY_PREPARE) db_cache_clear(fx.r->local->db);
	if (way == WAY_MEMORY)
		nomem_arm(n);
	else
		nosql_arm(way == WAY_STEP ? NOSQL_STEP : NOSQL_PREPARE, n);
}

static bool disarm(enum way way)
{
	return way == WAY_MEMORY ? nomem_disarm() : nosql_disarm();
}

static enum err way_err(enum way way)
{
	return way == WAY_MEMORY ? ERR_NOMEM : ERR_IO;
}

static void check_call(const struct call *c, enum way way)
{
	bool struck = true;
	for (uint64_t n = 1; struck; n++) {
		/* A room that could not read its records again forgets them all. */
		sign_in_again();
		if (c->before != NULL) c->before();
		arm(way, n);
		const enum err e = c->run(fx.r->local, &fx.r->desk.vault);
		struck = disarm(way);
		if (e != ERR_OK && !(struck && e == way_err(way)))
			fail_msg("%s, way %d, call %llu: %s", c->name, way, (unsigned long long)n,
				 err_name(e));
		assert_int_equal(local_alarms(fx.r->local), 0);
	}
}

static void check_calls(const struct call *calls, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (unsigned way = 0; way < WAYS; way++) check_call(&calls[i], (enum way)way);
}

/* ---- signing in ------------------------------------------------------------------------------ */

static enum err sign_in_offline(void)
{
	struct sign_in *s = NULL;
	CLEANUP(buf_finip) struct buf frame = { 0 };
	uint64_t wait = 0;
	TRY(desk_sign_in_begin(&fx.r->desk, "jo", view_str(JO_PASS), &s, &frame));
	const enum err e = desk_sign_in_offline(&fx.r->desk, s, fx.w->wall, &wait);
	desk_sign_in_free(s);
	return e;
}

static void test_signing_in_offline(void **state)
{
	(void)state;
	for (unsigned way = 0; way < WAYS; way++) {
		bool struck = true;
		for (uint64_t n = 1; struck; n++) {
			room_lock(fx.r);
			arm((enum way)way, n);
			const enum err e = sign_in_offline();
			struck = disarm((enum way)way);
			assert_int_equal(e, struck ? way_err((enum way)way) : ERR_OK);
			/* It was not the passphrase's fault. */
			struct account a = { 0 };
			OK(account_by_login(fx.r->local, "jo", &a));
			assert_true(a.tries <= 1);
			OK(account_clear_tries(fx.r->local, &a.user_id));
			account_fini(&a);
		}
	}
	room_lock(fx.r);
	OK(room_sign_in(fx.r, "jo", JO_PASS));
}

/* ---- reading --------------------------------------------------------------------------------- */

static enum err find(struct local *l, struct vault *v)
{
	struct local_patient p;
	size_t at = 0;
	TRY(local_find_patient(l, v, view_str("maya"), &at, &p));
	assert_string_equal(p.name, "Maya Rosen");
	return local_get_patient(l, v, &fx.patient, &p);
}

static enum err load_patient(struct local *l, struct vault *v)
{
	struct patient_fold fold;
	struct patient_state s;
	TRY(local_load_patient(l, v, &fx.patient, &fold, &s));
	patient_fold_fini(&fold);
	return ERR_OK;
}

static enum err load_session(struct local *l, struct vault *v)
{
	struct session_fold fold;
	struct session_state s;
	TRY(local_load_session(l, v, &fx.session, &fold, &s));
	assert_int_equal(s.measure_count, 1);
	session_fold_fini(&fold);
	return ERR_OK;
}

static enum err list_sessions(struct local *l, struct vault *v)
{
	struct local_sessions all = { 0 };
	struct local_session_row *rows = NULL;
	size_t count = 0;
	TRY(local_find_sessions(l, v, &fx.patient, &all));
	const enum err e = local_list_sessions(l, v, &all, SIZE_MAX, &rows, &count);
	local_sessions_fini(&all);
	TRY(e);
	assert_int_equal(count, 1);
	free(rows);
	return ERR_OK;
}

static enum err list_pending(struct local *l, struct vault *v)
{
	struct local_pending *rows = NULL;
	size_t count = 0;
	TRY(local_list_pending(l, v, 100, &rows, &count));
	assert_true(count >= 4);
	local_pending_free(rows, count);
	return ERR_OK;
}

static enum err read_note(struct local *l, struct vault *v)
{
	struct local_note n;
	struct view text;
	size_t at = 0;
	TRY(local_next_note(l, v, &fx.patient, &at, &n));
	return local_note_text(l, v, &n.op_id, &text);
}

static enum err list_appointments(struct local *l, struct vault *v)
{
	struct local_appointment *rows = NULL;
	size_t count = 0;
	size_t clashed = 0;
	TRY(local_list_appointments(l, v, fx.day, fx.day + CALENDAR_DAY_MS, &rows, &count));
	for (size_t i = 0; i < count; i++) clashed += rows[i].booking_state == BOOKING_CLASHED;
	free(rows);
	assert_int_equal(count, 2);
	assert_int_equal(clashed, 1);
	return ERR_OK;
}

static enum err list_waiting(struct local *l, struct vault *v)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	size_t count = 0;
	TRY(local_list_waiting(l, v, &fold, &records, &count));
	assert_int_equal(count, 1);
	return ERR_OK;
}

static enum err list_records(struct local *l, struct vault *v)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *records = NULL;
	size_t count = 0;
	TRY(local_list_records(l, v, KIND_APPOINTMENT, &fx.omar, &fold, &records, &count));
	assert_int_equal(count, 1); /* what was refused is no record */
	return ERR_OK;
}

static enum err get_record(struct local *l, struct vault *v)
{
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *record = NULL;
	unsigned bits = 0;
	TRY(local_get_record(l, v, KIND_APPOINTMENT, &fx.appointment, &fold, &record));
	assert_true(id_equal(&record->patient_id, &fx.omar));
	return local_jurisdictions(l, v, &fx.omar, &bits);
}

static enum err last_opened(struct local *l, struct vault *v)
{
	uint64_t at_ms = 0;
	return local_last_opened(l, v, &fx.patient, 0, &at_ms);
}

static enum err load_person(struct local *l, struct vault *v)
{
	return local_load_person(l, v);
}

static void test_reading(void **state)
{
	(void)state;
	static const struct call calls[] = {
		{ "find", find, NULL },
		{ "load patient", load_patient, NULL },
		{ "load session", load_session, NULL },
		{ "list sessions", list_sessions, NULL },
		{ "list pending", list_pending, NULL },
		{ "read note", read_note, NULL },
		{ "list appointments", list_appointments, NULL },
		{ "list waiting", list_waiting, NULL },
		{ "list records", list_records, NULL },
		{ "get record", get_record, NULL },
		{ "last opened", last_opened, NULL },
		{ "load person", load_person, NULL },
	};
	check_calls(calls, COUNT_OF(calls));
}

/* ---- writing --------------------------------------------------------------------------------- */

static enum err set_text(struct local *l, struct vault *v)
{
	static unsigned turn;
	char text[32];
	struct id op_id;
	snprintf(text, sizeof(text), "rest for %u days", turn++);
	return local_set_text(l, v, &fx.session, ROOMKEEP__TEXT_FIELD__PLAN, view_str(text),
			      fx.w->wall, &op_id, NULL);
}

static enum err add_addendum(struct local *l, struct vault *v)
{
	Roomkeep__Addendum m = ROOMKEEP__ADDENDUM__INIT;
	const struct id id = local_new_id(l, fx.w->wall);
	char text[] = "seen once more";
	m.has_addendum_id = m.has_session_id = true;
	m.addendum_id = wire_id_bytes(&id);
	m.session_id = wire_id_bytes(&fx.session);
	m.text = text;
	return local_append(l, v, KIND_ADDENDUM, &m.base, fx.w->wall, &fx.addendum_op, NULL);
}

static enum err erase_addendum(struct local *l, struct vault *v)
{
	Roomkeep__Tombstone m = ROOMKEEP__TOMBSTONE__INIT;
	struct id op_id;
	char reason[] = "of somebody else";
	m.has_target = true;
	m.target = wire_id_bytes(&fx.addendum_op);
	m.reason = reason;
	return local_append(l, v, KIND_TOMBSTONE, &m.base, fx.w->wall, &op_id, NULL);
}

static enum err add_note(struct local *l, struct vault *v)
{
	struct id note_id;
	TRY(local_add_note(l, v, &fx.patient, &fx.session, view_str("and more"), fx.w->wall,
			   &note_id, NULL));
	return local_set_note(l, v, &note_id, view_str("and less"), fx.w->wall, NULL);
}

static enum err opened(struct local *l, struct vault *v)
{
	fx.w->wall += LOCAL_OPENED_MS;
	return local_opened(l, v, &fx.patient, &fx.session, fx.w->wall);
}

static struct id link_id;

/* A first op, and below a change: each asks what held before, and for the patient's law. */
static enum err add_link(struct local *l, struct vault *v)
{
	Roomkeep__DeskFamilyLink m = ROOMKEEP__DESK_FAMILY_LINK__INIT;
	struct id op_id;
	link_id = local_new_id(l, fx.w->wall);
	m.has_desk_family_link_id = m.has_patient_id = m.has_relative_id = m.has_kin = true;
	m.desk_family_link_id = wire_id_bytes(&link_id);
	m.patient_id = wire_id_bytes(&fx.patient);
	m.relative_id = wire_id_bytes(&fx.omar);
	m.kin = ROOMKEEP__FAMILY_LINK__KIN__SPOUSE;
	return local_append(l, v, KIND_DESK_FAMILY_LINK, &m.base, fx.w->wall, &op_id, NULL);
}

static enum err split_link(struct local *l, struct vault *v)
{
	Roomkeep__DeskFamilyLink m = ROOMKEEP__DESK_FAMILY_LINK__INIT;
	struct id op_id;
	m.has_desk_family_link_id = m.has_patient_id = m.has_relative_id = true;
	m.desk_family_link_id = wire_id_bytes(&link_id);
	m.patient_id = wire_id_bytes(&fx.patient);
	m.relative_id = wire_id_bytes(&fx.omar);
	m.has_split = m.split = true;
	return local_append(l, v, KIND_DESK_FAMILY_LINK, &m.base, fx.w->wall, &op_id, NULL);
}

static enum err next_push(struct local *l, struct vault *v)
{
	CLEANUP(buf_finip) struct buf out = { 0 };
	TRY(feed_next_push(l, v, &out));
	assert_true(out.len > 0);
	return ERR_OK;
}

static enum err next_courier(struct local *l, struct vault *v)
{
	CLEANUP(buf_finip) struct buf out = { 0 };
	(void)v;
	TRY(feed_next_courier(l, &(struct id){ 0 }, &out));
	assert_true(out.len > 0);
	return ERR_OK;
}

static enum err vault_blob(struct local *l, struct vault *v)
{
	CLEANUP(buf_finip) struct buf out = { 0 };
	uint64_t rev = 0;
	return vault_blob_make(l, v, &rev, &out);
}

static struct id draft;

static void make_draft(void)
{
	draft = room_start_session(fx.r, &fx.patient);
	OK(room_text(fx.r, &draft, ROOMKEEP__TEXT_FIELD__PLAN, "rest"));
	OK(room_measure(fx.r, &draft, 45));
}

static enum err sign_session(struct local *l, struct vault *v)
{
	struct id op_id;
	return local_sign_session(l, v, &draft, fx.w->wall, &op_id);
}

static void test_writing(void **state)
{
	(void)state;
	static const struct call calls[] = {
		{ "set text", set_text, NULL },       { "add addendum", add_addendum, NULL },
		{ "erase it", erase_addendum, NULL }, { "add note", add_note, NULL },
		{ "opened", opened, NULL },           { "last opened", last_opened, NULL },
		{ "add link", add_link, NULL },       { "split link", split_link, NULL },
		{ "next push", next_push, NULL },     { "next courier", next_courier, NULL },
		{ "vault blob", vault_blob, NULL },   { "sign", sign_session, make_draft },
	};
	check_calls(calls, COUNT_OF(calls));
}

/* ---- people ---------------------------------------------------------------------------------- */

static enum err add_person(struct local *l, struct vault *v)
{
	CLEANUP(buf_finip) struct buf frame = { 0 };
	const struct new_user u = { .name = "Dee Moss",
				    .login = "dee",
				    .roles = DIR_DESK,
				    .passphrase = view_str(NEW_PASS) };
	struct id id;
	enum passphrase_fault fault = PASSPHRASE_NONE;
	return people_add(l, v, &u, &frame, &id, &fault, NULL);
}

static enum err disable_person(struct local *l, struct vault *v)
{
	CLEANUP(buf_finip) struct buf frame = { 0 };
	return people_disable(l, v, &fx.mara, &frame);
}

static enum err invite_room(struct local *l, struct vault *v)
{
	CLEANUP(buf_finip) struct buf frame = { 0 };
	CLEANUP(secret_freep) struct secret *code = NULL;
	return people_invite(l, v, "Room 9", "treatment", fx.w->wall, &frame, &code);
}

static enum err change_passphrase(struct local *l, struct vault *v)
{
	CLEANUP(buf_finip) struct buf frame = { 0 };
	struct passphrase_swap *swap = NULL;
	enum passphrase_fault fault = PASSPHRASE_NONE;
	TRY(people_passphrase(l, v, view_str(JO_PASS), view_str(NEW_PASS), &frame, &swap, &fault));
	passphrase_swap_free(swap);
	return ERR_OK;
}

static void test_people(void **state)
{
	(void)state;
	static const struct call calls[] = {
		{ "add person", add_person, NULL },
		{ "disable person", disable_person, NULL },
		{ "invite room", invite_room, NULL },
		{ "change passphrase", change_passphrase, NULL },
	};
	check_calls(calls, COUNT_OF(calls));
}

/* ---- what comes from the server -------------------------------------------------------------- */

static struct view frame_of(Roomkeep__Frame__BodyCase kind)
{
	assert_true(kept[kind].len > 0);
	return buf_view(&kept[kind]);
}

static enum err welcome(struct local *l, struct vault *v)
{
	bool more = false;
	(void)v;
	return feed_apply_welcome(l, frame_of(ROOMKEEP__FRAME__BODY_WELCOME), fx.w->wall, &more);
}

static enum err login_ok(struct local *l, struct vault *v)
{
	struct local_cursor c;
	l->late_ord = 1; /* as if it were of before all that was written since */
	return feed_apply_login(l, v, frame_of(ROOMKEEP__FRAME__BODY_LOGIN_OK), fx.w->wall, &c);
}

/* As if the ops of the feed had not come before. */
static void forget_feed(void)
{
	CLEANUP(arena_finip) struct arena a;
	Roomkeep__Frame *f = NULL;
	struct wire_op op;
	struct op_core core;
	arena_init(&a, 64u * MIB);
	OK(frame_decode(&a, frame_of(ROOMKEEP__FRAME__BODY_FEED), &f));
	assert_int_equal(f->feed->n_ops, 1);
	OK(wire_op_read(&a, f->feed->ops[0]->op, &op));
	OK(op_core_parse(op.core, &core));
	assert_false(id_equal(&core.author_id, desk_person(&fx.r->desk)));
	OK(db_run(fx.r->local->db, "DELETE FROM op WHERE op_id = ?1", DB_ARGS(db_id(&core.op_id))));
}

static enum err feed(struct local *l, struct vault *v)
{
	struct local_cursor c;
	bool live = false;
	return feed_apply(l, v, frame_of(ROOMKEEP__FRAME__BODY_FEED), fx.w->wall, &c, &live);
}

static void make_page(void)
{
	CLEANUP(arena_finip) struct arena a;
	Roomkeep__Frame *from = NULL;
	Roomkeep__Frame to = ROOMKEEP__FRAME__INIT;
	Roomkeep__FetchPage m = ROOMKEEP__FETCH_PAGE__INIT;
	arena_init(&a, 64u * MIB);
	OK(frame_decode(&a, frame_of(ROOMKEEP__FRAME__BODY_FEED), &from));
	m.ops = from->feed->ops;
	m.n_ops = from->feed->n_ops;
	to.body_case = ROOMKEEP__FRAME__BODY_FETCH_PAGE;
	to.fetch_page = &m;
	buf_clear(&page_frame);
	OK(body_encode(&to, &page_frame));
	forget_feed();
}

static enum err page(struct local *l, struct vault *v)
{
	uint64_t after = 0;
	bool more = false;
	const struct feed_fetch whole = { .patient_id = fx.patient };
	const struct feed_fetch part = { .patient_id = fx.patient, .is_part = true };
	struct local_history h = { 0 };
	TRY(feed_apply_page(l, v, &part, buf_view(&page_frame), fx.w->wall, &after, &more));
	TRY(feed_apply_page(l, v, &whole, buf_view(&page_frame), fx.w->wall, &after, &more));
	return local_history(l, v, &fx.patient, &h);
}

/* As if the newest entry had not come before. */
static void forget_entry(void)
{
	struct local *l = fx.r->local;
	OK(db_run(l->db, "DELETE FROM dir_entry WHERE dir_seq = ?1",
		  DB_ARGS(db_u64(fx.dir_entries))));
	OK(people_reload(l));
}

static enum err directory(struct local *l, struct vault *v)
{
	bool more = false;
	(void)v;
	TRY(feed_apply_directory(l, frame_of(ROOMKEEP__FRAME__BODY_DIRECTORY), fx.w->wall, &more));
	assert_true(more);
	/* Once more: what is there already is no news, and then the pins are looked at. */
	TRY(feed_apply_directory(l, frame_of(ROOMKEEP__FRAME__BODY_DIRECTORY), fx.w->wall, &more));
	assert_false(more);
	return ERR_OK;
}

static enum err pong(struct local *l, struct vault *v)
{
	CLEANUP(buf_finip) struct buf frame = { 0 };
	Roomkeep__AccountState state = ROOMKEEP__ACCOUNT_STATE__INIT;
	Roomkeep__AccountState *states[1] = { &state };
	Roomkeep__Pong m = ROOMKEEP__PONG__INIT;
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	state.has_user_id = state.has_keyring_rev = true;
	state.user_id = wire_id_bytes(&v->user_id);
	state.keyring_rev = 1;
	m.account = states;
	m.n_account = 1;
	f.body_case = ROOMKEEP__FRAME__BODY_PONG;
	f.pong = &m;
	TRY(body_encode(&f, &frame));
	return feed_apply_pong(l, buf_view(&frame));
}

static enum err tidy(struct local *l, struct vault *v)
{
	(void)v;
	TRY(feed_backed_up(l, l->backed_up_seq + 1));
	return local_tidy(l, fx.w->wall + 40ull * 24u * 3600u * 1000u);
}

static enum err counts(struct local *l, struct vault *v)
{
	struct local_counts c;
	uint64_t queued = 0;
	(void)v;
	TRY(local_counts(l, &c));
	TRY(local_set_address(l, "[::1]:7000"));
	TRY(local_set_kit(l, LOCAL_KIT_CONFIRMED));
	return local_queued(l, &queued);
}

static enum err ack(struct local *l, struct vault *v)
{
	struct feed_ack told;
	(void)v;
	return feed_apply_ack(l, frame_of(ROOMKEEP__FRAME__BODY_ACK), fx.w->wall, &told);
}

static enum err scope(struct local *l, struct vault *v)
{
	CLEANUP(buf_finip) struct buf frame = { 0 };
	Roomkeep__ScopeChange m = ROOMKEEP__SCOPE_CHANGE__INIT;
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	struct local_cursor c;
	m.has_scope_version = true;
	m.scope_version = 2;
	f.body_case = ROOMKEEP__FRAME__BODY_SCOPE_CHANGE;
	f.scope_change = &m;
	TRY(body_encode(&f, &frame));
	return feed_apply_scope(l, v, buf_view(&frame), &c);
}

static void test_what_the_server_says(void **state)
{
	(void)state;
	static const struct call calls[] = {
		{ "welcome", welcome, NULL },
		{ "login ok", login_ok, NULL },
		{ "feed", feed, forget_feed },
		{ "page", page, make_page },
		{ "directory", directory, forget_entry },
		{ "pong", pong, NULL },
		{ "tidy", tidy, NULL },
		{ "counts", counts, NULL },
		{ "ack", ack, NULL },
		{ "scope", scope, NULL },
	};
	check_calls(calls, COUNT_OF(calls));
}

/* ---- starting -------------------------------------------------------------------------------- */

static void test_opening(void **state)
{
	(void)state;
	struct room *r = &fx.w->rooms[1];
	room_close(r);
	for (unsigned way = 0; way < WAYS; way++) {
		bool struck = true;
		for (uint64_t n = 1; struck; n++) {
			struct local *l = NULL;
			arm((enum way)way, n);
			const enum err e = local_open(r->folder, fx.w->rand, &l);
			struck = disarm((enum way)way);
			assert_int_equal(e, struck ? way_err((enum way)way) : ERR_OK);
			assert_true((l == NULL) == struck);
			local_close(l);
		}
	}
	room_start(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signing_in_offline),
		cmocka_unit_test(test_reading),
		cmocka_unit_test(test_what_the_server_says),
		cmocka_unit_test(test_people),
		cmocka_unit_test(test_writing),
		cmocka_unit_test(test_opening),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
