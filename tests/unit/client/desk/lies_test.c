/* Frames of a server that lies or is broken, one lie at a time, given to the room's store itself:
 * each has its error and its alarm, and the honest frame is taken again afterwards. What the room
 * as a whole makes of such servers is in hostile_test.c. */
#include "support/rooms_world.h"

#include "client/store/feed.h"
#include "client/store/local_priv.h"
#include "crypt/enc.h"

struct fixture {
	struct world *w;
	struct room *r;       /* room 2, Mara signed in */
	struct buf kept[128]; /* newest honest frame of each kind */
};

static struct fixture *now; /* of the running test: tampers have no context */

struct lie {
	const char *name;
	void (*tell)(Roomkeep__Frame *f); /* NULL: the truth */
	enum err want;
	enum local_alarm alarm; /* 0: none */
};

static bool keep_frame(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	(void)r;
	(void)a;
	assert_true((size_t)f->body_case < COUNT_OF(now->kept));
	if (f->body_case == ROOMKEEP__FRAME__BODY_DIRECTORY && f->directory->n_items == 0)
		return true; /* the end of it */
	buf_clear(&now->kept[f->body_case]);
	OK(body_encode(f, &now->kept[f->body_case]));
	return true;
}

/* Room 2 has seen Jo's patient and two sign-ins of Mara, the server has signed a head. */
static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	now = f;
	f->w = world_clinic();
	f->r = &f->w->rooms[1];
	world_wait(f->w, 61000);
	OK(room_sign_in(f->r, "mara", MARA_PASS));
	room_lock(f->r); /* her vault is at the server */
	f->r->tamper = keep_frame;
	room_cut(f->r, true);
	room_cut(f->r, false);
	OK(room_sign_in(f->r, "mara", MARA_PASS));
	(void)room_add_patient(f->r, "Omar Said", "1970-01-02");
	room_saved(f->r);
	(void)room_add_patient(&f->w->rooms[0], "Maya Rosen", "1984-05-06");
	room_saved(&f->w->rooms[0]);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	for (size_t i = 0; i < COUNT_OF(f->kept); i++) buf_fini(&f->kept[i]);
	world_free(f->w);
	free(f);
	return 0;
}

static void alarms_off(struct local *l)
{
	OK(db_run(l->db, "DELETE FROM alarm", DB_NO_ARGS));
	l->alarms = 0;
}

/* The store's answer to a frame of this kind. */
static enum err give(struct fixture *f, Roomkeep__Frame__BodyCase kind, struct view frame)
{
	struct local *l = f->r->local;
	struct vault *v = &f->r->desk.vault;
	struct local_cursor cursor;
	struct feed_ack ack;
	uint64_t seq = 0;
	bool flag = false;

	switch ((unsigned)kind) {
	case ROOMKEEP__FRAME__BODY_WELCOME: return feed_apply_welcome(l, frame, f->w->wall, &flag);
	case ROOMKEEP__FRAME__BODY_DIRECTORY:
		return feed_apply_directory(l, frame, f->w->wall, &flag);
	case ROOMKEEP__FRAME__BODY_LOGIN_OK:
		return feed_apply_login(l, v, frame, f->w->wall, &cursor);
	case ROOMKEEP__FRAME__BODY_FEED: return feed_apply(l, v, frame, f->w->wall, &cursor, &flag);
	case ROOMKEEP__FRAME__BODY_FETCH_PAGE:
		return feed_apply_page(l, v, NULL, frame, f->w->wall, &seq, &flag);
	case ROOMKEEP__FRAME__BODY_SCOPE_CHANGE: return feed_apply_scope(l, v, frame, &cursor);
	default: return feed_apply_ack(l, frame, f->w->wall, &ack);
	}
}

static void check_one(struct fixture *f, Roomkeep__Frame__BodyCase kind, const struct lie *lie)
{
	CLEANUP(arena_finip) struct arena a;
	CLEANUP(buf_finip) struct buf told = { 0 };
	Roomkeep__Frame *frame = NULL;

	arena_init(&a, 64u * MIB);
	OK(frame_decode(&a, buf_view(&f->kept[kind]), &frame));
	if (lie->tell != NULL) lie->tell(frame);
	OK(body_encode(frame, &told));
	alarms_off(f->r->local);
	const enum err e = give(f, kind, buf_view(&told));
	const uint64_t alarms = lie->alarm == 0 ? 0 : 1ull << lie->alarm;
	if (e != lie->want || local_alarms(f->r->local) != alarms)
		fail_msg("%s: %s, alarms %llx", lie->name, err_name(e),
			 (unsigned long long)local_alarms(f->r->local));
}

static void check_all(struct fixture *f, Roomkeep__Frame__BodyCase kind, const struct lie *lies,
		      size_t count)
{
	const struct lie truth = { "the truth", NULL, ERR_OK, 0 };

	assert_true(f->kept[kind].len > 0);
	for (size_t i = 0; i < count; i++) {
		check_one(f, kind, &lies[i]);
		if (lies[i].want != ERR_OK) check_one(f, kind, &truth);
	}
}

static void flip(ProtobufCBinaryData *bytes)
{
	assert_true(bytes->len > 0);
	bytes->data[bytes->len - 1] ^= 1;
}

static void cut(ProtobufCBinaryData *bytes)
{
	assert_true(bytes->len > 3);
	bytes->len = 3;
}

/* ---- Welcome --------------------------------------------------------------------------------- */

#define TELL(name, lie)                                                                            \
	static void name(Roomkeep__Frame *f)                                                       \
	{                                                                                          \
		lie;                                                                               \
	}

TELL(no_clinic, f->welcome->has_clinic_id = false)
TELL(short_clinic, cut(&f->welcome->clinic_id))
TELL(other_clinic, flip(&f->welcome->clinic_id))
TELL(no_epoch_record, f->welcome->epoch_record = NULL)
TELL(empty_epoch_record, f->welcome->epoch_record->has_body = false)
TELL(other_epoch, flip(&f->welcome->epoch_record->body))
TELL(no_server_record, f->welcome->server_record = NULL)
TELL(short_signature, cut(&f->welcome->server_record->signature))
TELL(forged_record, flip(&f->welcome->server_record->body))
TELL(short_head, cut(&f->welcome->head->entry))
TELL(short_head_signature, cut(&f->welcome->head->signature))
TELL(forged_head, flip(&f->welcome->head->entry))
TELL(no_dir_seq, f->welcome->has_dir_seq = false)
TELL(short_dir_hash, cut(&f->welcome->dir_hash))
TELL(other_dir_hash, flip(&f->welcome->dir_hash))
TELL(older_directory, f->welcome->dir_seq--)
TELL(clock_ahead, f->welcome->time_ms += 2 * LOCAL_SKEW_MS_MAX)
TELL(no_head, f->welcome->head = NULL)

static void test_welcome(void **state)
{
	static const struct lie lies[] = {
		{ "no clinic", no_clinic, ERR_CONFLICT, 0 },
		{ "short clinic", short_clinic, ERR_CONFLICT, 0 },
		{ "other clinic", other_clinic, ERR_CONFLICT, 0 },
		{ "no epoch record", no_epoch_record, ERR_AUTH, 0 },
		{ "empty epoch record", empty_epoch_record, ERR_AUTH, 0 },
		{ "other epoch", other_epoch, ERR_VERSION, LOCAL_ALARM_EPOCH },
		{ "no server record", no_server_record, ERR_AUTH, 0 },
		{ "short signature", short_signature, ERR_AUTH, LOCAL_ALARM_SERVER_RECORD },
		{ "forged record", forged_record, ERR_AUTH, LOCAL_ALARM_SERVER_RECORD },
		{ "short head", short_head, ERR_AUTH, 0 },
		{ "short head signature", short_head_signature, ERR_AUTH, 0 },
		{ "forged head", forged_head, ERR_AUTH, 0 },
		{ "no directory number", no_dir_seq, ERR_AUTH, 0 },
		{ "short directory hash", short_dir_hash, ERR_AUTH, 0 },
		{ "other directory", other_dir_hash, ERR_FORK, LOCAL_ALARM_DIRECTORY },
		{ "older directory", older_directory, ERR_FORK, LOCAL_ALARM_DIRECTORY },
		{ "no head", no_head, ERR_OK, 0 },
		{ "clock", clock_ahead, ERR_OK, LOCAL_ALARM_CLOCK },
	};
	check_all(*state, ROOMKEEP__FRAME__BODY_WELCOME, lies, COUNT_OF(lies));
}

/* Two true signatures of the log's key on different heads of one place: the log was forked. */
static void test_two_heads_of_one_place(void **state)
{
	struct fixture *f = *state;
	struct local *l = f->r->local;
	const struct lie truth = { "the truth", NULL, ERR_OK, 0 };
	const struct lie forked = { "forked", NULL, ERR_OK, LOCAL_ALARM_LOG_HEAD };

	check_one(f, ROOMKEEP__FRAME__BODY_WELCOME, &truth);
	OK(db_run(l->db, "UPDATE log_head SET entry = zeroblob(32)", DB_NO_ARGS));
	check_one(f, ROOMKEEP__FRAME__BODY_WELCOME, &forked);
}

static struct buf record_told;
static struct sign_sig record_sig;

static void record_tell(Roomkeep__Frame *f)
{
	f->welcome->server_record->body = wire_bytes(buf_view(&record_told));
	f->welcome->server_record->signature = wire_bytes(sign_sig_view(&record_sig));
}

/* A new record of the server, signed by the clinic's root: followed up, never down. */
static void test_server_records(void **state)
{
	struct fixture *f = *state;
	struct local *l = f->r->local;
	CLEANUP(sign_key_finip) struct sign_key root = { 0 };
	const uint64_t pinned = l->room.server.seq;
	struct server_record r = l->room.server;
	OK(sign_key_new(&root)); /* the true one is in the kit's shares only */
	l->room.root_pk = root.pk;
	static const struct {
		unsigned step; /* from the pinned number */
		enum err want;
		enum local_alarm alarm;
	} cases[] = {
		{ 1, ERR_OK, 0 },
		{ 1, ERR_OK, 0 }, /* the same bytes */
		{ 0, ERR_AUTH, LOCAL_ALARM_SERVER_RECORD },
		{ 3, ERR_OK, 0 },
		{ 2, ERR_AUTH, LOCAL_ALARM_SERVER_RECORD },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char name[32];
		snprintf(name, sizeof(name), "record %u", (unsigned)i);
		const struct lie lie = { name, record_tell, cases[i].want, cases[i].alarm };
		r.seq = pinned + cases[i].step;
		buf_clear(&record_told);
		OK(server_record_encode(&r, &record_told));
		record_sig = sign_bytes(&root, buf_view(&record_told));
		check_one(f, ROOMKEEP__FRAME__BODY_WELCOME, &lie);
	}
	assert_int_equal(l->room.server.seq, pinned + 3);
	/* Two records of one number: somebody signs for two servers. */
	const struct lie two = { "two of one number", record_tell, ERR_AUTH,
				 LOCAL_ALARM_SERVER_RECORD };
	r.seq = pinned + 3;
	r.spki[0].b[0] ^= 1;
	buf_clear(&record_told);
	OK(server_record_encode(&r, &record_told));
	record_sig = sign_bytes(&root, buf_view(&record_told));
	check_one(f, ROOMKEEP__FRAME__BODY_WELCOME, &two);
	buf_fini(&record_told);
}

/* ---- LoginOk --------------------------------------------------------------------------------- */

TELL(no_vault, f->login_ok->has_vault_blob = false)
TELL(empty_vault, f->login_ok->vault_blob.len = 0)
TELL(forged_vault, flip(&f->login_ok->vault_blob))
TELL(short_keyring, cut(&f->login_ok->keyring_blob))
TELL(no_lanes, f->login_ok->n_own_lanes = 0)
TELL(forked_lane, flip(&f->login_ok->own_lanes[0]->op_hash))
TELL(login_head, flip(&f->login_ok->head->entry))
TELL(changed_keyring, flip(&f->login_ok->keyring_blob))

static void test_login(void **state)
{
	static const struct lie lies[] = {
		{ "no vault", no_vault, ERR_OK, LOCAL_ALARM_VAULT },
		{ "empty vault", empty_vault, ERR_OK, LOCAL_ALARM_VAULT },
		{ "forged vault", forged_vault, ERR_OK, LOCAL_ALARM_VAULT },
		{ "short keyring", short_keyring, ERR_OK, LOCAL_ALARM_VAULT },
		{ "forged head", login_head, ERR_AUTH, 0 },
	};
	struct fixture *f = *state;
	struct account a = { 0 };
	const struct lie changed = { "changed keyring", changed_keyring, ERR_OK, 0 };

	/* She has written nothing when she signed in: what came later is not in that answer. */
	feed_login_begins(f->r->local);
	room_lock(f->r);
	OK(room_sign_in(f->r, "mara", MARA_PASS));
	check_all(f, ROOMKEEP__FRAME__BODY_LOGIN_OK, lies, COUNT_OF(lies));
	/* A new passphrase elsewhere: the copy here must not open any more. */
	OK(account_by_login(f->r->local, "mara", &a));
	assert_true(a.have_blob);
	account_fini(&a);
	check_one(f, ROOMKEEP__FRAME__BODY_LOGIN_OK, &changed);
	OK(account_by_login(f->r->local, "mara", &a));
	assert_false(a.have_blob);
	account_fini(&a);
}

static void test_login_lanes(void **state)
{
	static const struct lie lies[] = {
		{ "no lanes", no_lanes, ERR_OK, LOCAL_ALARM_LANE_ROLLBACK },
		{ "forked lane", forked_lane, ERR_OK, LOCAL_ALARM_LANE_FORK },
	};
	struct fixture *f = *state;

	room_lock(f->r);
	OK(room_sign_in(f->r, "mara", MARA_PASS));
	check_all(f, ROOMKEEP__FRAME__BODY_LOGIN_OK, lies, COUNT_OF(lies));
}

/* ---- the vault that comes with it ------------------------------------------------------------ */

struct vault_words {
	uint64_t format, keyring_rev, dir_seq;
	bool other_dir; /* another hash of the directory's head */
	const struct op_head *head;
	size_t cut; /* 1: no lanes and no directory, 2: half a lane */
	enum err want;
	enum local_alarm alarm;
};

static struct buf vault_told;

static void vault_tell(Roomkeep__Frame *f)
{
	f->login_ok->has_vault_blob = true;
	f->login_ok->vault_blob = wire_bytes(buf_view(&vault_told));
}

/* Sealed as this person's own rooms seal it, above every revision so far. */
static void vault_write(struct fixture *f, const struct vault_words *w)
{
	static uint64_t rev = 100;
	CLEANUP(enc_finip) struct enc e;
	struct hash32 dir_hash;
	struct view plain;
	(void)dir_head(&f->r->local->dir, &dir_hash);
	if (w->other_dir) dir_hash.b[0] ^= 1;
	enc_begin(&e, "crs1/vault-plain");
	enc_add_u64(&e, w->format);
	enc_add_u64(&e, w->keyring_rev);
	if (w->cut != 1) {
		enc_add_u64(&e, w->dir_seq);
		enc_add_hash(&e, &dir_hash);
	}
	if (w->head != NULL) {
		enc_add_u64(&e, OP_LANE_CHART);
		enc_add_hash(&e, &w->head->lane_id);
		if (w->cut != 2) enc_add_u64(&e, w->head->lane_seq);
		if (w->cut != 2) enc_add_hash(&e, &w->head->op_hash);
	}
	OK(enc_end(&e, &plain));
	buf_clear(&vault_told);
	OK(vault_seal_blob(&f->r->desk.vault, rev++, plain, &vault_told));
}

static void test_vaults_of_a_broken_room(void **state)
{
	struct fixture *f = *state;
	room_lock(f->r);
	OK(room_sign_in(f->r, "mara", MARA_PASS));
	const struct local *l = f->r->local;
	assert_true(l->lane_count > 0);
	const struct op_head same = { l->lanes[0].lane_id, l->lanes[0].seq, l->lanes[0].hash };
	const struct op_head other = { l->lanes[0].lane_id, l->lanes[0].seq, { { 9 } } };
	const uint64_t dir = dir_head(&l->dir, &(struct hash32){ { 0 } });
	const uint64_t rev = f->r->desk.vault.keyring_rev;
	const struct vault_words words[] = {
		{ 1, rev, dir, false, NULL, 0, ERR_OK, 0 },
		{ 1, rev, dir, false, &same, 0, ERR_OK, 0 },
		{ 2, rev, dir, false, NULL, 1, ERR_OK, 0 }, /* a newer program's */
		{ 1, rev + 1, dir, false, NULL, 0, ERR_OK, LOCAL_ALARM_VAULT },
		{ 1, rev, dir, true, NULL, 0, ERR_OK, LOCAL_ALARM_DIRECTORY },
		{ 1, rev, dir + 1, false, NULL, 0, ERR_OK, LOCAL_ALARM_DIRECTORY },
		{ 1, rev, dir, false, NULL, 1, ERR_BAD_FORMAT, 0 },
		{ 1, rev, dir, false, &same, 2, ERR_BAD_FORMAT, 0 },
		{ 1, rev, dir, false, &other, 0, ERR_OK, LOCAL_ALARM_LANE_FORK },
	};
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		char name[32];
		snprintf(name, sizeof(name), "vault %u", (unsigned)i);
		const struct lie lie = { name, vault_tell, words[i].want, words[i].alarm };
		vault_write(f, &words[i]);
		check_one(f, ROOMKEEP__FRAME__BODY_LOGIN_OK, &lie);
	}
	/* Of a key that this person does not have yet, or that nobody ever had. */
	static const uint64_t gens[] = { 0, 2 };
	for (size_t i = 0; i < COUNT_OF(gens); i++) {
		const struct lie lie = { "generation", vault_tell, ERR_OK, LOCAL_ALARM_VAULT };
		vault_write(f, &words[0]);
		store_be64(vault_told.p + 40, gens[i]);
		check_one(f, ROOMKEEP__FRAME__BODY_LOGIN_OK, &lie);
	}
	buf_fini(&vault_told);
}

static void test_an_older_keyring(void **state)
{
	struct fixture *f = *state;
	const struct lie older = { "older keyring", NULL, ERR_OK, LOCAL_ALARM_VAULT };
	room_lock(f->r);
	OK(room_sign_in(f->r, "mara", MARA_PASS));
	OK(db_run(f->r->local->db, "UPDATE account SET rev_min = 99 WHERE login = 'mara'",
		  DB_NO_ARGS));
	check_one(f, ROOMKEEP__FRAME__BODY_LOGIN_OK, &older);
	/* Where no copy is kept, there is none to compare with. */
	const struct lie truth = { "the truth", NULL, ERR_OK, 0 };
	OK(db_run(f->r->local->db, "UPDATE account SET rev_min = 1 WHERE login = 'mara'",
		  DB_NO_ARGS));
	OK(account_drop_blob(f->r->local, &f->r->desk.vault.user_id));
	check_one(f, ROOMKEEP__FRAME__BODY_LOGIN_OK, &truth);
}

/* A copy that is no keyring any more is of no use to anybody. */
static void test_a_damaged_copy_goes(void **state)
{
	struct fixture *f = *state;
	struct local *l = f->r->local;
	CLEANUP(buf_finip) struct buf frame = { 0 };
	Roomkeep__AccountState account = ROOMKEEP__ACCOUNT_STATE__INIT;
	Roomkeep__AccountState *list[1] = { &account };
	Roomkeep__Pong m = ROOMKEEP__PONG__INIT;
	Roomkeep__Frame pong = ROOMKEEP__FRAME__INIT;
	struct account a = { 0 };
	account.has_user_id = account.has_keyring_rev = true;
	account.user_id = wire_id_bytes(&f->r->desk.vault.user_id);
	account.keyring_rev = 1;
	m.account = list;
	m.n_account = 1;
	pong.body_case = ROOMKEEP__FRAME__BODY_PONG;
	pong.pong = &m;
	OK(body_encode(&pong, &frame));
	OK(feed_apply_pong(l, buf_view(&frame)));
	OK(account_by_login(l, "mara", &a));
	assert_true(a.have_blob);
	account_fini(&a);
	OK(db_run(l->db, "UPDATE account SET blob = x'00' WHERE login = 'mara'", DB_NO_ARGS));
	OK(feed_apply_pong(l, buf_view(&frame)));
	OK(account_by_login(l, "mara", &a));
	assert_false(a.have_blob);
	account_fini(&a);
	OK(feed_apply_pong(l, buf_view(&frame))); /* nothing is left to drop */
	account.user_id.len = 3;
	buf_clear(&frame);
	OK(body_encode(&pong, &frame));
	assert_int_equal(feed_apply_pong(l, buf_view(&frame)), ERR_BAD_FORMAT);
}

/* While the records could not be read again, nothing is written about them. */
static void test_no_vault_without_records(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_finip) struct buf out = { 0 };
	uint64_t rev = 0;
	local_forget(f->r->local);
	assert_int_equal(vault_blob_make(f->r->local, &f->r->desk.vault, &rev, &out),
			 ERR_SIGNED_OUT);
	assert_int_equal(out.len, 0);
	OK(local_load_person(f->r->local, &f->r->desk.vault));
	OK(vault_blob_make(f->r->local, &f->r->desk.vault, &rev, &out));
}

/* ---- Feed, FetchPage, ScopeChange ------------------------------------------------------------ */

TELL(feed_no_epoch, f->feed->has_epoch = false)
TELL(feed_no_end, f->feed->has_up_to_seq = false)
TELL(feed_short_epoch, cut(&f->feed->epoch))
TELL(feed_other_epoch, flip(&f->feed->epoch))
TELL(feed_no_op, f->feed->ops[0]->op = NULL)
TELL(feed_no_seq, f->feed->ops[0]->has_seq = false)
TELL(feed_seq_zero, f->feed->ops[0]->seq = 0)
TELL(feed_short_room, cut(&f->feed->ops[0]->room_id))
TELL(feed_forged, flip(&f->feed->ops[0]->op->signature))
TELL(feed_short_signature, cut(&f->feed->ops[0]->op->signature))
TELL(feed_other_payload, flip(&f->feed->ops[0]->op->payload))
TELL(feed_told_refused, (f->feed->ops[0]->has_code = true, f->feed->ops[0]->code = ERR_DENIED))

static void test_feed(void **state)
{
	static const struct lie lies[] = {
		{ "no epoch", feed_no_epoch, ERR_BAD_FORMAT, LOCAL_ALARM_FORGED },
		{ "no end", feed_no_end, ERR_BAD_FORMAT, LOCAL_ALARM_FORGED },
		{ "short epoch", feed_short_epoch, ERR_BAD_FORMAT, LOCAL_ALARM_FORGED },
		{ "other epoch", feed_other_epoch, ERR_VERSION, LOCAL_ALARM_EPOCH },
		{ "no op", feed_no_op, ERR_BAD_FORMAT, LOCAL_ALARM_FORGED },
		{ "no number", feed_no_seq, ERR_BAD_FORMAT, LOCAL_ALARM_FORGED },
		{ "number 0", feed_seq_zero, ERR_BAD_FORMAT, LOCAL_ALARM_FORGED },
		{ "short room", feed_short_room, ERR_BAD_FORMAT, LOCAL_ALARM_FORGED },
		{ "forged", feed_forged, ERR_AUTH, LOCAL_ALARM_FORGED },
		{ "short signature", feed_short_signature, ERR_BAD_FORMAT, LOCAL_ALARM_FORGED },
		{ "other payload", feed_other_payload, ERR_AUTH, LOCAL_ALARM_FORGED },
		{ "called refused", feed_told_refused, ERR_BAD_VALUE, LOCAL_ALARM_FORGED },
	};
	check_all(*state, ROOMKEEP__FRAME__BODY_FEED, lies, COUNT_OF(lies));
}

/* The newest feed as a page of a Fetch. */
static void page_from_feed(struct fixture *f, bool more)
{
	CLEANUP(arena_finip) struct arena a;
	Roomkeep__Frame *from = NULL;
	Roomkeep__Frame to = ROOMKEEP__FRAME__INIT;
	Roomkeep__FetchPage page = ROOMKEEP__FETCH_PAGE__INIT;

	arena_init(&a, 64u * MIB);
	OK(frame_decode(&a, buf_view(&f->kept[ROOMKEEP__FRAME__BODY_FEED]), &from));
	page.ops = from->feed->ops;
	page.n_ops = from->feed->n_ops;
	page.has_more = page.has_last_seq = true;
	page.more = more;
	page.last_seq = 77;
	to.body_case = ROOMKEEP__FRAME__BODY_FETCH_PAGE;
	to.fetch_page = &page;
	buf_clear(&f->kept[to.body_case]);
	OK(body_encode(&to, &f->kept[to.body_case]));
}

TELL(page_forged, flip(&f->fetch_page->ops[0]->op->signature))

static void test_pages(void **state)
{
	static const struct lie lies[] = {
		{ "forged", page_forged, ERR_AUTH, LOCAL_ALARM_FORGED },
	};
	struct fixture *f = *state;
	struct local *l = f->r->local;
	const struct vault *v = &f->r->desk.vault;
	struct local_patient p;
	uint64_t after = 0;
	struct local_history h = { 0 };
	size_t at = 0;
	bool more = false;

	OK(local_find_patient(l, v, view_str("Maya"), &at, &p));
	const struct id patient = p.id;
	page_from_feed(f, true);
	check_all(f, ROOMKEEP__FRAME__BODY_FETCH_PAGE, lies, COUNT_OF(lies));
	/* Only the last page says that all of a patient is here. */
	for (int i = 0; i < 2; i++) {
		page_from_feed(f, i == 0);
		OK(feed_apply_page(
			l, &f->r->desk.vault, &(struct feed_fetch){ .patient_id = patient },
			buf_view(&f->kept[ROOMKEEP__FRAME__BODY_FETCH_PAGE]), 1234, &after, &more));
		assert_int_equal(after, 77);
		assert_int_equal(more, i == 0);
		OK(local_history(l, v, &patient, &h));
		assert_int_equal(h.whole_ms, i == 0 ? 0 : 1234);
		assert_int_equal(h.whole_seq, i == 0 ? 0 : 77);
	}
}

/* Each call takes its own kind of frame, bytes that are one, and a person who is signed in. */
static void test_other_frames(void **state)
{
	static const Roomkeep__Frame__BodyCase kinds[] = {
		ROOMKEEP__FRAME__BODY_WELCOME,      ROOMKEEP__FRAME__BODY_DIRECTORY,
		ROOMKEEP__FRAME__BODY_LOGIN_OK,     ROOMKEEP__FRAME__BODY_FEED,
		ROOMKEEP__FRAME__BODY_FETCH_PAGE,   ROOMKEEP__FRAME__BODY_ACK,
		ROOMKEEP__FRAME__BODY_SCOPE_CHANGE,
	};
	struct fixture *f = *state;
	const struct view welcome = buf_view(&f->kept[ROOMKEEP__FRAME__BODY_WELCOME]);
	const struct view feed = buf_view(&f->kept[ROOMKEEP__FRAME__BODY_FEED]);

	alarms_off(f->r->local);
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		const struct view other = kinds[i] == ROOMKEEP__FRAME__BODY_WELCOME ? feed
										    : welcome;
		assert_int_equal(give(f, kinds[i], other), ERR_PROTO);
		assert_int_equal(give(f, kinds[i], view_str("\xff\xff")), ERR_PROTO);
	}
	assert_int_equal(local_alarms(f->r->local), 0);
	room_lock(f->r);
	assert_int_equal(give(f, ROOMKEEP__FRAME__BODY_FEED, feed), ERR_SIGNED_OUT);
	assert_int_equal(give(f, ROOMKEEP__FRAME__BODY_FETCH_PAGE, feed), ERR_SIGNED_OUT);
	assert_int_equal(give(f, ROOMKEEP__FRAME__BODY_SCOPE_CHANGE, feed), ERR_SIGNED_OUT);
	assert_int_equal(give(f, ROOMKEEP__FRAME__BODY_LOGIN_OK, feed), ERR_SIGNED_OUT);
}

/* ---- Directory ------------------------------------------------------------------------------- */

TELL(dir_no_entry, f->directory->items[0]->has_entry = false)
TELL(dir_no_signature, f->directory->items[0]->has_signer_signature = false)
TELL(dir_short_signature, cut(&f->directory->items[0]->signer_signature))
TELL(dir_no_status, flip(&f->directory->items[0]->entry))

/* Room 3 joins: what it is told is the whole directory, and the join blob has pinned its head. */
static void test_directory(void **state)
{
	static const struct lie lies[] = {
		{ "no entry", dir_no_entry, ERR_BAD_FORMAT, LOCAL_ALARM_DIRECTORY },
		{ "no signature", dir_no_signature, ERR_BAD_FORMAT, LOCAL_ALARM_DIRECTORY },
		{ "short signature", dir_short_signature, ERR_BAD_FORMAT, LOCAL_ALARM_DIRECTORY },
	};
	struct fixture *f = *state;
	const struct lie truth = { "the truth", NULL, ERR_OK, 0 };
	const struct lie no_status = { "status", dir_no_status, ERR_BAD_VALUE,
				       LOCAL_ALARM_DIRECTORY };
	const struct lie damaged = { "pin", NULL, ERR_CORRUPT, 0 };

	f->r = &f->w->rooms[2];
	f->r->tamper = keep_frame;
	world_enrol(f->w, 2, "Room 3");
	check_all(f, ROOMKEEP__FRAME__BODY_DIRECTORY, lies, COUNT_OF(lies));
	check_one(f, ROOMKEEP__FRAME__BODY_DIRECTORY, &no_status);
	check_one(f, ROOMKEEP__FRAME__BODY_DIRECTORY, &truth);
	/* All of it is here, and nobody in it may have signed the epoch that is pinned. */
	const struct lie nobody = { "epoch", NULL, ERR_FORK, LOCAL_ALARM_DIRECTORY };
	const struct id signer = f->r->local->room.epoch.signer_id;
	f->r->local->room.epoch.signer_id = (struct id){ { 9 } };
	check_one(f, ROOMKEEP__FRAME__BODY_DIRECTORY, &nobody);
	f->r->local->room.epoch.signer_id = signer;
	OK(meta_set(f->r->local, "dir_pin", view_str("short")));
	check_one(f, ROOMKEEP__FRAME__BODY_DIRECTORY, &damaged);
	f->r = &f->w->rooms[1];
}

/* ---- Ack ------------------------------------------------------------------------------------- */

struct ack {
	Roomkeep__Frame frame;
	Roomkeep__Ack ack;
	Roomkeep__OpResult result;
	Roomkeep__OpResult *results[1];
	struct id epoch, op_id;
};

/* COMMITTED 50 for the op that waits. */
static void ack_init(struct fixture *f, const struct id *op_id, struct ack *a)
{
	roomkeep__frame__init(&a->frame);
	roomkeep__ack__init(&a->ack);
	roomkeep__op_result__init(&a->result);
	a->epoch = f->r->local->room.epoch.epoch;
	a->op_id = *op_id;
	a->result.has_op_id = a->result.has_status = a->result.has_seq = true;
	a->result.op_id = wire_id_bytes(&a->op_id);
	a->result.status = ROOMKEEP__OP_STATUS__COMMITTED;
	a->result.seq = 50;
	a->results[0] = &a->result;
	a->ack.results = a->results;
	a->ack.n_results = 1;
	a->ack.has_epoch = true;
	a->ack.epoch = wire_id_bytes(&a->epoch);
	a->frame.body_case = ROOMKEEP__FRAME__BODY_ACK;
	a->frame.ack = &a->ack;
}

static enum err ack_give(struct fixture *f, const struct ack *a, struct feed_ack *ret)
{
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	OK(body_encode(&a->frame, &bytes));
	*ret = (struct feed_ack){ 0 };
	return feed_apply_ack(f->r->local, buf_view(&bytes), f->w->wall, ret);
}

static struct id queue_one(struct fixture *f)
{
	struct local_pending *rows = NULL;
	size_t count = 0;

	f->r->tamper = NULL;
	room_cut(f->r, true);
	(void)room_add_patient(f->r, "Ann Reed", "1980-02-29");
	OK(local_list_pending(f->r->local, &f->r->desk.vault, 0, &rows, &count));
	assert_int_equal(count, 1);
	const struct id op_id = rows[0].op_id;
	local_pending_free(rows, count);
	alarms_off(f->r->local);
	return op_id;
}

static void test_receipts_that_do_not_count(void **state)
{
	struct fixture *f = *state;
	const struct id op_id = queue_one(f);
	const struct id unknown = { { 0xee } };
	struct feed_ack got;
	struct ack a;

	ack_init(f, &op_id, &a);
	a.ack.has_epoch = false;
	assert_int_equal(ack_give(f, &a, &got), ERR_PROTO);
	ack_init(f, &op_id, &a);
	a.ack.epoch.len = 3;
	assert_int_equal(ack_give(f, &a, &got), ERR_PROTO);
	ack_init(f, &op_id, &a);
	a.result.seq = 0;
	assert_int_equal(ack_give(f, &a, &got), ERR_PROTO);
	ack_init(f, &op_id, &a);
	a.result.status = ROOMKEEP__OP_STATUS__OP_STATUS_UNKNOWN;
	assert_int_equal(ack_give(f, &a, &got), ERR_PROTO);
	ack_init(f, &op_id, &a);
	a.result.op_id.len = 3;
	assert_int_equal(ack_give(f, &a, &got), ERR_BAD_FORMAT);
	ack_init(f, &op_id, &a);
	a.result.status = ROOMKEEP__OP_STATUS__BUSY_DISK;
	OK(ack_give(f, &a, &got));
	assert_true(got.busy && got.receipts == 0);
	ack_init(f, &unknown, &a);
	OK(ack_give(f, &a, &got)); /* of an op that was tidied away */
	assert_int_equal(room_queued(f->r), 1);
	assert_int_equal(local_alarms(f->r->local), 0);
	ack_init(f, &op_id, &a);
	a.epoch.b[0] ^= 1;
	assert_int_equal(ack_give(f, &a, &got), ERR_VERSION);
	assert_int_equal(local_alarms(f->r->local), 1ull << LOCAL_ALARM_EPOCH);
	assert_int_equal(room_queued(f->r), 1);
	ack_init(f, &op_id, &a);
	OK(ack_give(f, &a, &got));
	assert_int_equal(got.receipts, 1);
	assert_int_equal(room_queued(f->r), 0);
}

static void test_gaps_and_verdicts(void **state)
{
	struct fixture *f = *state;
	const struct id op_id = queue_one(f);
	const struct id unknown = { { 0xee } };
	struct local_counts counts;
	struct feed_ack got;
	struct ack a;

	ack_init(f, &unknown, &a);
	a.result.status = ROOMKEEP__OP_STATUS__LANE_GAP;
	a.result.has_expected_seq = true;
	a.result.expected_seq = 1;
	OK(ack_give(f, &a, &got)); /* of no lane of ours: nothing to send again */
	assert_true(got.gap && local_alarms(f->r->local) == 0);
	assert_int_equal(room_queued(f->r), 1);
	ack_init(f, &op_id, &a);
	a.result.status = ROOMKEEP__OP_STATUS__LANE_GAP;
	a.result.has_expected_seq = true;
	a.result.expected_seq = 1; /* the patient of the setup, committed long ago */
	OK(ack_give(f, &a, &got));
	assert_int_equal(room_queued(f->r), 2);
	a.result.expected_seq = 900; /* a place that this room never had */
	OK(ack_give(f, &a, &got));
	assert_int_equal(local_alarms(f->r->local), 1ull << LOCAL_ALARM_LANE_GAP);
	ack_init(f, &op_id, &a);
	a.result.status = ROOMKEEP__OP_STATUS__QUARANTINED;
	a.result.has_code = true;
	a.result.code = ERR_FORK;
	OK(ack_give(f, &a, &got));
	assert_true(got.refused);
	OK(local_counts(f->r->local, &counts));
	assert_int_equal(counts.quarantined, 1);
	assert_int_equal(counts.queued, 1);
}

static void test_heads_and_backups_in_receipts(void **state)
{
	struct fixture *f = *state;
	const struct id op_id = queue_one(f);
	Roomkeep__SignedHead head = ROOMKEEP__SIGNED_HEAD__INIT;
	struct feed_ack got;
	struct ack a;

	ack_init(f, &op_id, &a);
	a.ack.head = &head; /* without an epoch: no head */
	assert_int_equal(ack_give(f, &a, &got), ERR_BAD_FORMAT);
	assert_int_equal(room_queued(f->r), 0); /* the receipt stands: it was stored before */
	ack_init(f, &op_id, &a);
	a.ack.has_backed_up_seq = true;
	a.ack.backed_up_seq = 40;
	OK(ack_give(f, &a, &got));
	assert_int_equal(f->r->local->backed_up_seq, 40);
	a.ack.backed_up_seq = 30; /* never back */
	OK(ack_give(f, &a, &got));
	assert_int_equal(f->r->local->backed_up_seq, 40);
}

#define LIES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIES(test_welcome),
		LIES(test_two_heads_of_one_place),
		LIES(test_server_records),
		LIES(test_login),
		LIES(test_login_lanes),
		LIES(test_vaults_of_a_broken_room),
		LIES(test_an_older_keyring),
		LIES(test_a_damaged_copy_goes),
		LIES(test_no_vault_without_records),
		LIES(test_feed),
		LIES(test_pages),
		LIES(test_other_frames),
		LIES(test_directory),
		LIES(test_receipts_that_do_not_count),
		LIES(test_gaps_and_verdicts),
		LIES(test_heads_and_backups_in_receipts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
