/* Ops that carry a right signature and are wrong all the same: a person's key in a broken or stolen
 * machine, and a server that plays such ops into the person's room. What can be kept is kept and
 * flagged, what cannot be genuine is refused whole (SECURITY 2.13). */
#include "support/rooms_world.h"

#include "client/store/feed.h"
#include "client/store/local_priv.h"
#include "seal/local_row.h"

#define OPS_MAX (BATCH_OPS_MAX + 1)

struct fixture {
	struct world *w;
	struct local *l; /* of room 2, where Mara is signed in */
	struct vault *v;
	const struct vault *jo; /* signed in in room 1 */
	uint64_t seq;
};

static struct fixture fx;

static int setup(void **state)
{
	(void)state;
	fx = (struct fixture){ .w = world_clinic(), .seq = 1000 };
	OK(room_sign_in(&fx.w->rooms[1], "mara", MARA_PASS));
	fx.l = fx.w->rooms[1].local;
	fx.v = &fx.w->rooms[1].desk.vault;
	fx.jo = &fx.w->rooms[0].desk.vault;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_free(fx.w);
	return 0;
}

/* ---- a machine that signs what it likes ------------------------------------------------------ */

struct lane {
	const struct vault *author;
	struct wire_intro intro;
	struct hash32 id;
	uint64_t seq;
	struct hash32 prev;
};

/* One op as a feed brings it; all of it may be changed before it is signed (forge_sign). */
struct forged {
	struct op_core core;
	struct buf core_bytes, payload;
	struct sign_sig sig;
	Roomkeep__LaneIntro intro;
	Roomkeep__Op op;
	Roomkeep__FeedOp feed;
};

static struct lane lane_new(const struct vault *author, enum op_lane_class class)
{
	struct lane lane = { .author = author };
	lane.intro.user_id = author->user_id;
	lane.intro.room_id = local_new_id(fx.l, fx.w->wall);
	lane.intro.lane_class = class;
	rand_fill(&fx.w->rand, lane.intro.random16.b, ID_BYTES);
	OK(lane_id_make(&author->user_id, &lane.intro.room_id, class, lane.intro.random16.b,
			&lane.id));
	return lane;
}

static void forge_sign(const struct lane *lane, struct forged *f)
{
	f->core.payload_hash = op_payload_hash(buf_view(&f->payload));
	buf_clear(&f->core_bytes);
	OK(op_core_encode(&f->core, &f->core_bytes));
	f->sig = op_sign(&lane->author->sign, buf_view(&f->core_bytes));
	f->op.core = wire_bytes(buf_view(&f->core_bytes));
	f->op.signature = wire_bytes(sign_sig_view(&f->sig));
	f->op.payload = wire_bytes(buf_view(&f->payload));
}

/* The next op of the lane, of bytes; the lane moves on. */
static void forge_raw(struct lane *lane, uint64_t kind, struct view payload, struct forged *f)
{
	*f = (struct forged){ .intro = ROOMKEEP__LANE_INTRO__INIT,
			      .op = ROOMKEEP__OP__INIT,
			      .feed = ROOMKEEP__FEED_OP__INIT };
	f->core = (struct op_core){ .clinic_id = fx.l->room.clinic_id,
				    .op_id = local_new_id(fx.l, fx.w->wall),
				    .kind = kind,
				    .author_id = lane->author->user_id,
				    .author_gen = lane->author->g,
				    .lane_id = lane->id,
				    .lane_seq = lane->seq + 1,
				    .prev_hash = lane->prev,
				    .client_time_ms = fx.w->wall };
	OK(buf_append(&f->payload, payload));
	f->op.has_core = f->op.has_signature = f->op.has_payload = true;
	if (lane->seq == 0) {
		f->intro.has_user_id = f->intro.has_room_id = f->intro.has_random16 = true;
		f->intro.has_lane_class = true;
		f->intro.user_id = wire_id_bytes(&lane->intro.user_id);
		f->intro.room_id = wire_id_bytes(&lane->intro.room_id);
		f->intro.random16 = wire_id_bytes(&lane->intro.random16);
		f->intro.lane_class = lane->intro.lane_class;
		f->op.intro = &f->intro;
	}
	f->feed.op = &f->op;
	f->feed.has_seq = true;
	f->feed.seq = ++fx.seq;
	forge_sign(lane, f);
	lane->seq++;
	lane->prev = op_hash(buf_view(&f->core_bytes));
}

static void forge(struct lane *lane, enum kind kind, const ProtobufCMessage *m, struct forged *f)
{
	CLEANUP(buf_finip) struct buf payload = { 0 };
	uint8_t blind[PAYLOAD_BLIND_BYTES] = { 1 };
	OK(payload_encode(kind, m, false, blind, &payload, NULL));
	forge_raw(lane, kind, buf_view(&payload), f);
}

static void forge_patient(struct lane *lane, const struct id *id, const char *name,
			  struct forged *f)
{
	Roomkeep__Patient m = ROOMKEEP__PATIENT__INIT;
	char words[32];
	char born[] = "1984-05-06";
	snprintf(words, sizeof(words), "%s", name);
	m.has_patient_id = true;
	m.patient_id = wire_id_bytes(id);
	m.name = words;
	m.born = born;
	forge(lane, KIND_PATIENT, &m.base, f);
}

static void forge_tombstone(struct lane *lane, enum kind kind, const struct id *target,
			    struct forged *f)
{
	Roomkeep__Tombstone m = ROOMKEEP__TOMBSTONE__INIT;
	char reason[] = "asked for";
	m.has_target = true;
	m.target = wire_id_bytes(target);
	m.reason = reason;
	forge(lane, kind, &m.base, f);
}

static void forged_fini(struct forged *f)
{
	buf_fini(&f->core_bytes);
	buf_fini(&f->payload);
}

/* ---- and a server that brings it ------------------------------------------------------------- */

static void alarms_off(void)
{
	OK(db_run(fx.l->db, "DELETE FROM alarm", DB_NO_ARGS));
	fx.l->alarms = 0;
}

static enum err give(struct forged *const *ops, size_t count)
{
	CLEANUP(buf_finip) struct buf body = { 0 };
	Roomkeep__FeedOp *list[OPS_MAX];
	Roomkeep__Feed m = ROOMKEEP__FEED__INIT;
	Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;
	struct local_cursor cursor;
	bool live = false;
	for (size_t i = 0; i < count; i++) list[i] = &ops[i]->feed;
	m.has_epoch = m.has_up_to_seq = true;
	m.epoch = wire_id_bytes(&fx.l->room.epoch.epoch);
	m.up_to_seq = fx.seq;
	m.ops = list;
	m.n_ops = count;
	frame.body_case = ROOMKEEP__FRAME__BODY_FEED;
	frame.feed = &m;
	OK(body_encode(&frame, &body));
	alarms_off();
	return feed_apply(fx.l, fx.v, buf_view(&body), fx.w->wall, &cursor, &live);
}

static enum err give_one(struct forged *f)
{
	return give(&f, 1);
}

#define ALARM(name) (1ull << LOCAL_ALARM_##name)
#define GIVEN(f, want, alarms)                                                                     \
	do {                                                                                       \
		assert_string_equal(err_name(give_one(f)), err_name(want));                        \
		assert_int_equal(local_alarms(fx.l), alarms);                                      \
	} while (0)

static uint64_t rows_of(const char *table_where, const struct id *op_id)
{
	uint64_t count = 0;
	OK(db_get_u64(fx.l->db, table_where, DB_ARGS(db_id(op_id)), &count));
	return count;
}

static bool is_stored(const struct forged *f)
{
	return rows_of("SELECT count(*) FROM op WHERE op_id = ?1", &f->core.op_id) == 1;
}

static bool patient_is(const struct id *id, const char *name)
{
	struct local_patient p;
	return local_get_patient(fx.l, fx.v, id, &p) == ERR_OK && strcmp(p.name, name) == 0;
}

/* ---- one's own lanes ------------------------------------------------------------------------- */

static void test_a_sound_op_of_another_room_is_taken(void **state)
{
	(void)state;
	struct lane lane = lane_new(fx.v, OP_LANE_CHART);
	const struct id id = local_new_id(fx.l, fx.w->wall);
	struct forged f;
	forge_patient(&lane, &id, "Maya Rosen", &f);
	f.feed.has_code = true; /* "nothing was wrong", in words */
	f.feed.code = ERR_OK;
	GIVEN(&f, ERR_OK, 0);
	assert_true(is_stored(&f));
	assert_true(patient_is(&id, "Maya Rosen"));
	GIVEN(&f, ERR_OK, 0); /* again */
	forged_fini(&f);
}

static void test_a_lane_is_its_authors(void **state)
{
	(void)state;
	const struct id id = local_new_id(fx.l, fx.w->wall);
	struct forged f;
	/* Another room than the lane was made for. */
	struct lane lane = lane_new(fx.v, OP_LANE_CHART);
	lane.intro.room_id = id;
	forge_patient(&lane, &id, "Maya Rosen", &f);
	GIVEN(&f, ERR_AUTH, ALARM(FORGED));
	assert_false(is_stored(&f));
	forged_fini(&f);
	/* A lane that was made for Jo, in her name. */
	lane = lane_new(fx.jo, OP_LANE_CHART);
	lane.author = fx.v;
	forge_patient(&lane, &id, "Maya Rosen", &f);
	GIVEN(&f, ERR_AUTH, ALARM(FORGED));
	forged_fini(&f);
	/* A patient in a lane for notes. */
	lane = lane_new(fx.v, OP_LANE_SEALED);
	forge_patient(&lane, &id, "Maya Rosen", &f);
	GIVEN(&f, ERR_AUTH, ALARM(FORGED));
	forged_fini(&f);
}

static void test_a_lane_without_a_beginning_is_followed(void **state)
{
	(void)state;
	struct lane lane = lane_new(fx.v, OP_LANE_CHART);
	const struct id id = local_new_id(fx.l, fx.w->wall);
	struct forged f;
	forge_patient(&lane, &id, "Maya Rosen", &f);
	f.op.intro = NULL;
	GIVEN(&f, ERR_OK, 0);
	assert_true(is_stored(&f));
	forged_fini(&f);
	/* Of a kind that only a newer program knows: kept, shown to nobody. */
	lane = lane_new(fx.v, OP_LANE_CHART);
	forge_raw(&lane, 4711, view_str("a later invention, sealed"), &f);
	f.op.intro = NULL;
	GIVEN(&f, ERR_OK, 0);
	assert_true(is_stored(&f));
	forged_fini(&f);
}

static void test_gaps_and_forks_are_flagged_and_kept(void **state)
{
	(void)state;
	struct lane lane = lane_new(fx.v, OP_LANE_CHART);
	const struct id id = local_new_id(fx.l, fx.w->wall);
	struct forged f[5];
	forge_patient(&lane, &id, "Maya Rosen", &f[0]);
	forge_patient(&lane, &id, "Maya Rose", &f[1]);
	struct lane branch = lane;
	forge_patient(&lane, &id, "Maya Ros", &f[2]);
	forge_patient(&branch, &id, "Maya Roth", &f[3]);
	GIVEN(&f[0], ERR_OK, 0);
	GIVEN(&f[2], ERR_OK, ALARM(LANE_GAP)); /* the second is hidden */
	assert_true(is_stored(&f[2]));
	GIVEN(&f[1], ERR_OK, ALARM(LANE_FORK)); /* and comes late: a place that was passed */
	assert_true(is_stored(&f[1]));
	GIVEN(&f[3], ERR_OK, ALARM(LANE_FORK)); /* another one at a place that is taken */
	assert_true(is_stored(&f[3]));
	lane.prev.b[0] ^= 1;
	forge_patient(&lane, &id, "Maya R", &f[4]); /* follows what nobody has */
	GIVEN(&f[4], ERR_OK, ALARM(LANE_FORK));
	assert_true(is_stored(&f[4]));
	for (size_t i = 0; i < COUNT_OF(f); i++) forged_fini(&f[i]);
}

static void test_what_another_room_had_seen_is_compared(void **state)
{
	(void)state;
	struct lane lane = lane_new(fx.v, OP_LANE_CHART);
	const struct id id = local_new_id(fx.l, fx.w->wall);
	struct forged f[2];
	forge_patient(&lane, &id, "Maya Rosen", &f[0]);
	forge_patient(&lane, &id, "Maya Rose", &f[1]);
	GIVEN(&f[0], ERR_OK, 0);
	struct local_lane *known = lane_find(fx.l, &lane.id);
	assert_non_null(known);
	known->seen_seq = 2;
	known->seen_hash = (struct hash32){ { 9 } };
	GIVEN(&f[1], ERR_OK, ALARM(LANE_FORK));
	for (size_t i = 0; i < COUNT_OF(f); i++) forged_fini(&f[i]);
}

static void test_one_id_two_ops(void **state)
{
	(void)state;
	struct lane lane = lane_new(fx.v, OP_LANE_CHART);
	const struct id id = local_new_id(fx.l, fx.w->wall);
	struct forged f[2];
	forge_patient(&lane, &id, "Maya Rosen", &f[0]);
	forge_patient(&lane, &id, "Maya Rose", &f[1]);
	GIVEN(&f[0], ERR_OK, 0);
	f[1].core.op_id = f[0].core.op_id;
	forge_sign(&lane, &f[1]);
	GIVEN(&f[1], ERR_OK, ALARM(LANE_FORK));
	assert_int_equal(rows_of("SELECT count(*) FROM odd_op WHERE op_id = ?1", &f[0].core.op_id),
			 1);
	assert_true(patient_is(&id, "Maya Rosen"));
	for (size_t i = 0; i < COUNT_OF(f); i++) forged_fini(&f[i]);
}

static void test_more_lanes_than_anybody_has(void **state)
{
	(void)state;
	struct forged f;
	const struct id id = local_new_id(fx.l, fx.w->wall);
	(void)room_add_patient(&fx.w->rooms[1], "Ada Lee", "1970-01-02"); /* this room's lane */
	while (fx.l->lane_count < LOCAL_LANES_MAX) {
		struct local_lane *lane = NULL;
		struct hash32 lane_id = { { 0 } };
		rand_fill(&fx.w->rand, lane_id.b, HASH_BYTES);
		OK(lane_add(fx.l, &lane_id, LANE_CHART, &lane));
		lane->seq = 1;
		OK(lane_store(fx.l, fx.v, lane));
	}
	struct lane lane = lane_new(fx.v, OP_LANE_CHART);
	forge_patient(&lane, &id, "Maya Rosen", &f);
	GIVEN(&f, ERR_FULL, 0);
	assert_false(is_stored(&f));
	forged_fini(&f);
	/* An op of this room's own names as many of them as a list may hold. */
	const struct id patient = room_add_patient(&fx.w->rooms[1], "Omar Said", "1970-01-02");
	assert_true(patient_is(&patient, "Omar Said"));
	/* Another one on the disk is one too many to be read. */
	struct local_lane more = { .lane_id = { { 5 } }, .class = LANE_CHART, .seq = 1 };
	OK(lane_store(fx.l, fx.v, &more));
	assert_int_equal(local_load_person(fx.l, fx.v), ERR_FULL);
	OK(db_run(fx.l->db, "DELETE FROM lane", DB_NO_ARGS));
	OK(local_load_person(fx.l, fx.v));
}

/* ---- what cannot be genuine ------------------------------------------------------------------ */

static void test_other_clinics_and_unknown_authors(void **state)
{
	(void)state;
	struct lane lane = lane_new(fx.v, OP_LANE_CHART);
	const struct id id = local_new_id(fx.l, fx.w->wall);
	struct forged f;
	forge_patient(&lane, &id, "Maya Rosen", &f);
	f.core.clinic_id = id;
	forge_sign(&lane, &f);
	GIVEN(&f, ERR_AUTH, ALARM(FORGED));
	f.core.clinic_id = fx.l->room.clinic_id;
	f.core.author_id = id;
	forge_sign(&lane, &f);
	GIVEN(&f, ERR_NOT_FOUND, 0); /* perhaps of somebody new: the directory is asked first */
	f.core.author_id = fx.v->user_id;
	f.core.author_gen = 2;
	forge_sign(&lane, &f);
	GIVEN(&f, ERR_NOT_FOUND, 0);
	assert_false(is_stored(&f));
	forged_fini(&f);
}

static void test_more_ops_than_a_batch_holds(void **state)
{
	(void)state;
	struct forged *list[BATCH_OPS_MAX + 1];
	struct lane lane = lane_new(fx.v, OP_LANE_CHART);
	const struct id id = local_new_id(fx.l, fx.w->wall);
	struct forged f;
	forge_patient(&lane, &id, "Maya Rosen", &f);
	for (size_t i = 0; i < COUNT_OF(list); i++) list[i] = &f;
	assert_int_equal(give(list, COUNT_OF(list)), ERR_TOO_BIG);
	assert_int_equal(local_alarms(fx.l), ALARM(FORGED));
	assert_false(is_stored(&f));
	OK(give(list, BATCH_OPS_MAX));
	assert_int_equal(local_alarms(fx.l), 0);
	assert_true(is_stored(&f));
	forged_fini(&f);
}

/* ---- what comes in two pieces ---------------------------------------------------------------- */

static void test_a_payload_may_come_later(void **state)
{
	(void)state;
	struct lane lane = lane_new(fx.v, OP_LANE_CHART);
	const struct id id = local_new_id(fx.l, fx.w->wall);
	struct forged f;
	forge_patient(&lane, &id, "Maya Rosen", &f);
	f.op.has_payload = false;
	GIVEN(&f, ERR_OK, 0);
	assert_true(is_stored(&f));
	assert_false(patient_is(&id, "Maya Rosen"));
	GIVEN(&f, ERR_OK, 0); /* still without */
	/* An op without words is in no list and hides nothing. */
	OK(local_load_person(fx.l, fx.v));
	f.op.has_payload = true;
	f.feed.has_received_ms = true;
	f.feed.received_ms = fx.w->wall;
	GIVEN(&f, ERR_OK, 0);
	assert_true(patient_is(&id, "Maya Rosen"));
	forged_fini(&f);
}

/* Signed by their author, and not what their kind says: kept, shown to nobody. */
static void test_words_that_are_no_record_are_kept_aside(void **state)
{
	(void)state;
	struct lane lane = lane_new(fx.v, OP_LANE_CHART);
	struct forged f;
	forge_raw(&lane, KIND_PATIENT, view_str("sixteen bytes or more of nonsense"), &f);
	GIVEN(&f, ERR_OK, 0);
	assert_true(is_stored(&f));
	forged_fini(&f);
	lane = lane_new(fx.v, OP_LANE_SEALED);
	forge_raw(&lane, KIND_NOTE, view_str("sixteen bytes or more of nonsense"), &f);
	GIVEN(&f, ERR_OK, 0);
	assert_true(is_stored(&f));
	forged_fini(&f);
	OK(local_load_person(fx.l, fx.v));
}

/* ---- tombstones ------------------------------------------------------------------------------ */

static void test_tombstones_of_others(void **state)
{
	(void)state;
	struct lane mine = lane_new(fx.v, OP_LANE_CHART);
	struct lane jos = lane_new(fx.jo, OP_LANE_CHART);
	const struct id id = local_new_id(fx.l, fx.w->wall);
	struct forged f[3];
	forge_patient(&mine, &id, "Maya Rosen", &f[0]);
	forge_tombstone(&jos, KIND_TOMBSTONE, &f[0].core.op_id, &f[1]); /* an owner's */
	forge_tombstone(&jos, KIND_TOMBSTONE, &id, &f[2]);              /* of what nobody has */
	GIVEN(&f[2], ERR_OK, 0);
	GIVEN(&f[0], ERR_OK, 0);
	assert_true(patient_is(&id, "Maya Rosen"));
	GIVEN(&f[1], ERR_OK, 0);
	assert_false(patient_is(&id, "Maya Rosen"));
	OK(local_load_person(fx.l, fx.v));
	assert_false(patient_is(&id, "Maya Rosen"));
	for (size_t i = 0; i < COUNT_OF(f); i++) forged_fini(&f[i]);
}

/* A fetched page without the erased words comes before a page of the feed that still had them. */
static void test_a_page_from_before_the_tombstone_brings_nothing_back(void **state)
{
	(void)state;
	struct lane mine = lane_new(fx.v, OP_LANE_CHART);
	struct lane jos = lane_new(fx.jo, OP_LANE_CHART);
	const struct id id = local_new_id(fx.l, fx.w->wall);
	struct forged f[2];
	forge_patient(&mine, &id, "Maya Rosen", &f[0]);
	forge_tombstone(&jos, KIND_TOMBSTONE, &f[0].core.op_id, &f[1]);
	f[0].op.has_payload = false;
	GIVEN(&f[0], ERR_OK, 0);
	GIVEN(&f[1], ERR_OK, 0);
	f[0].op.has_payload = true;
	GIVEN(&f[0], ERR_OK, 0);
	assert_false(patient_is(&id, "Maya Rosen"));
	OK(local_load_person(fx.l, fx.v));
	assert_false(patient_is(&id, "Maya Rosen"));
	for (size_t i = 0; i < COUNT_OF(f); i++) forged_fini(&f[i]);
}

/* Who may not erase changes nothing, whether the tombstone is read alone or with all. */
static void test_tombstones_that_do_not_hold(void **state)
{
	(void)state;
	struct lane mine = lane_new(fx.v, OP_LANE_CHART);
	struct lane jos = lane_new(fx.jo, OP_LANE_CHART);
	const struct id id = local_new_id(fx.l, fx.w->wall);
	struct forged f[2];
	forge_patient(&jos, &id, "Maya Rosen", &f[0]);
	forge_tombstone(&mine, KIND_TOMBSTONE, &f[0].core.op_id, &f[1]);
	GIVEN(&f[0], ERR_OK, 0);
	GIVEN(&f[1], ERR_OK, 0);
	assert_true(patient_is(&id, "Maya Rosen"));
	OK(local_load_person(fx.l, fx.v));
	assert_true(patient_is(&id, "Maya Rosen"));
	struct patient_fold fold;
	struct patient_state s;
	OK(local_load_patient(fx.l, fx.v, &id, &fold, &s));
	patient_fold_fini(&fold);
	for (size_t i = 0; i < COUNT_OF(f); i++) forged_fini(&f[i]);
}

/* ---- what the disk says under the right seal ------------------------------------------------ */

/* The op's row with other words inside, sealed as this room seals. */
static void reseal(const struct id *op_id, struct view plain)
{
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	const struct row_context c = { .room_id = fx.v->room_id,
				       .user_id = fx.v->user_id,
				       .table = "op",
				       .row_id = id_view(op_id),
				       .row_rev = 1 };
	OK(row_seal(fx.v->local_key, &c, plain, &sealed));
	OK(db_run(fx.l->db, "UPDATE op SET sealed = ?2 WHERE op_id = ?1",
		  DB_ARGS(db_id(op_id), db_blob(buf_view(&sealed)))));
	assert_int_equal(db_changes(fx.l->db), 1);
}

static void reseal_feed_op(const struct id *op_id, const Roomkeep__FeedOp *m)
{
	CLEANUP(buf_finip) struct buf plain = { 0 };
	const size_t size = roomkeep__feed_op__get_packed_size(m);
	OK(buf_reserve(&plain, size));
	plain.len = roomkeep__feed_op__pack(m, plain.p);
	reseal(op_id, buf_view(&plain));
}

static void test_rows_that_are_sealed_and_wrong(void **state)
{
	(void)state;
	struct lane lane = lane_new(fx.v, OP_LANE_CHART);
	const struct id id = local_new_id(fx.l, fx.w->wall);
	struct forged f, other;
	forge_patient(&lane, &id, "Maya Rosen", &f);
	forge_patient(&lane, &id, "Maya Rose", &other);
	GIVEN(&f, ERR_OK, 0);
	const struct id *op_id = &f.core.op_id;
	Roomkeep__FeedOp no_op = ROOMKEEP__FEED_OP__INIT;
	Roomkeep__FeedOp bare = f.feed;
	Roomkeep__Op stub = f.op;
	Roomkeep__FeedOp short_room = f.feed;
	const ProtobufCBinaryData three = { 3, f.core_bytes.p };
	short_room.has_room_id = true;
	short_room.room_id = three;
	bare.op = &stub;

	reseal(op_id, view_str("\xff\xff"));
	assert_int_equal(local_load_person(fx.l, fx.v), ERR_CORRUPT);
	reseal_feed_op(op_id, &no_op);
	assert_int_equal(local_load_person(fx.l, fx.v), ERR_CORRUPT);
	stub.has_core = false;
	reseal_feed_op(op_id, &bare);
	assert_int_equal(local_load_person(fx.l, fx.v), ERR_CORRUPT);
	stub.has_core = true;
	stub.core = three;
	reseal_feed_op(op_id, &bare);
	assert_int_equal(local_load_person(fx.l, fx.v), ERR_CORRUPT);
	reseal_feed_op(op_id, &short_room);
	assert_int_equal(local_load_person(fx.l, fx.v), ERR_CORRUPT);
	reseal_feed_op(op_id, &other.feed); /* another op in its place */
	assert_int_equal(local_load_person(fx.l, fx.v), ERR_CORRUPT);
	reseal_feed_op(op_id, &f.feed);
	OK(local_load_person(fx.l, fx.v));
	assert_true(patient_is(&id, "Maya Rosen"));
	forged_fini(&f);
	forged_fini(&other);
}

static void test_lanes_that_are_sealed_and_wrong(void **state)
{
	(void)state;
	struct lane lane = lane_new(fx.v, OP_LANE_CHART);
	const struct id id = local_new_id(fx.l, fx.w->wall);
	CLEANUP(buf_finip) struct buf sealed = { 0 };
	struct forged f;
	forge_patient(&lane, &id, "Maya Rosen", &f);
	GIVEN(&f, ERR_OK, 0);
	const struct row_context c = { .room_id = fx.v->room_id,
				       .user_id = fx.v->user_id,
				       .table = "lane",
				       .row_id = hash_view(&lane.id),
				       .row_rev = lane_find(fx.l, &lane.id)->rev };
	OK(row_seal(fx.v->local_key, &c, view_str("no lane"), &sealed));
	OK(db_run(fx.l->db, "UPDATE lane SET sealed = ?2 WHERE lane_id = ?1",
		  DB_ARGS(db_blob(hash_view(&lane.id)), db_blob(buf_view(&sealed)))));
	assert_int_equal(db_changes(fx.l->db), 1);
	assert_int_equal(local_load_person(fx.l, fx.v), ERR_CORRUPT);
	forged_fini(&f);
}

#define FORGED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FORGED(test_a_sound_op_of_another_room_is_taken),
		FORGED(test_a_lane_is_its_authors),
		FORGED(test_a_lane_without_a_beginning_is_followed),
		FORGED(test_gaps_and_forks_are_flagged_and_kept),
		FORGED(test_what_another_room_had_seen_is_compared),
		FORGED(test_one_id_two_ops),
		FORGED(test_more_lanes_than_anybody_has),
		FORGED(test_other_clinics_and_unknown_authors),
		FORGED(test_more_ops_than_a_batch_holds),
		FORGED(test_a_payload_may_come_later),
		FORGED(test_words_that_are_no_record_are_kept_aside),
		FORGED(test_tombstones_of_others),
		FORGED(test_a_page_from_before_the_tombstone_brings_nothing_back),
		FORGED(test_tombstones_that_do_not_hold),
		FORGED(test_rows_that_are_sealed_and_wrong),
		FORGED(test_lanes_that_are_sealed_and_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
