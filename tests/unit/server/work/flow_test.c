/* Ops on their way out: live feed, catching up, scope, fetch. */
#include "work_fx.h"

#define OPS_SEEN_MAX 1024u

struct seen {
	const Roomkeep__FeedOp *ops[OPS_SEEN_MAX];
	size_t count;
};

static void look(struct two *t, struct box_room *room, struct seen *s)
{
	(void)box_collect(t->c, room, 0);
	s->count = box_feed_ops(room, s->ops, OPS_SEEN_MAX);
	assert_true(s->count <= OPS_SEEN_MAX);
}

static bool saw(const struct seen *s, const Roomkeep__Op *op)
{
	for (size_t i = 0; i < s->count; i++)
		if (view_equal(wire_view(s->ops[i]->op->core), wire_view(op->core))) return true;
	return false;
}

/* The last Feed frame that came. */
static const Roomkeep__Feed *last_feed(const struct box_room *room)
{
	for (size_t i = room->pushed_count; i > 0; i--)
		if (room->pushed[i - 1]->body_case == ROOMKEEP__FRAME__BODY_FEED)
			return room->pushed[i - 1]->feed;
	return NULL;
}

static void test_other_room_sees_it_at_once(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 1);
	box_pull(t.c, &t.c->room1, 0);
	assert_true(last_feed(&t.c->room1)->live);
	const struct id patient = box_make_id(t.c);
	const struct id session = box_make_id(t.c);
	Roomkeep__Op *ops[3];
	ops[0] = box_op_patient(t.c, &t.mara, &t.chart, &patient, "Ada Lee");
	ops[1] = box_op_frame(t.c, &t.mara, &t.chart, &session, &patient, t.c->wall_ms);
	ops[2] = box_op_text(t.c, &t.mara, &t.chart, &session, "stiff neck", NULL);
	(void)box_push(t.c, &t.room2, ops, 3);
	struct seen s;
	look(&t, &t.c->room1, &s);
	assert_int_equal(s.count, 3);
	for (size_t i = 0; i < 3; i++) {
		const Roomkeep__FeedOp *f = s.ops[i];
		assert_int_equal(f->seq, i + 1);
		assert_int_equal(f->received_ms, t.c->wall_ms);
		assert_memory_equal(f->room_id.data, t.room2.room_id.b, ID_BYTES);
		assert_true(view_equal(wire_view(f->op->core), wire_view(ops[i]->core)));
		assert_true(view_equal(wire_view(f->op->signature), wire_view(ops[i]->signature)));
		assert_true(view_equal(wire_view(f->op->payload), wire_view(ops[i]->payload)));
	}
	assert_non_null(s.ops[0]->op->intro);
	assert_null(s.ops[1]->op->intro);
	assert_int_equal(last_feed(&t.c->room1)->up_to_seq, 3);
	two_fini(&t);
}

/* Notes and their lane reach their author alone; nobody else gets so much as an empty frame. */
static void test_sealed_lane_is_its_authors(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 2);
	struct box_room room3;
	box_room_init(t.c, &room3, "Room 3");
	box_enrol(t.c, &t.c->room1, &room3);
	box_sign_in(t.c, &room3, &t.mara); /* the author, in another room */
	box_pull(t.c, &room3, 0);
	box_pull(t.c, &t.c->room1, 0);
	box_feed_ack(t.c, &t.c->room1, 0);
	box_forget_pushed(&t.c->room1);
	Roomkeep__Op *notes[50];
	for (size_t i = 0; i < COUNT_OF(notes); i++)
		notes[i] = box_op_note(t.c, &t.mara, &t.sealed);
	(void)box_push(t.c, &t.room2, notes, COUNT_OF(notes));
	(void)box_collect(t.c, &t.c->room1, 0);
	assert_int_equal(t.c->room1.pushed_count, 0);
	struct seen s;
	look(&t, &room3, &s);
	assert_int_equal(s.count, COUNT_OF(notes));
	for (size_t i = 0; i < s.count; i++) {
		assert_true(saw(&s, notes[i]));
		assert_false(
			s.ops[i]->has_room_id); /* where she wrote stays with her lane's intro */
	}
	/* Reading from the beginning tells no more. */
	box_pull(t.c, &t.c->room1, 0);
	look(&t, &t.c->room1, &s);
	assert_int_equal(s.count, 0);
	assert_int_equal(t.c->room1.pushed_count, 1);
	assert_int_equal(last_feed(&t.c->room1)->up_to_seq, COUNT_OF(notes));
	box_room_hang_up(t.c, &room3);
	two_fini(&t);
}

struct trace {
	size_t words[512];
	size_t count;
};

/* What a listener at the colleague's room could count: frames, their kinds, ops and their sizes. */
static void trace_room(struct two *t, struct box_room *room, struct trace *to)
{
	(void)box_collect(t->c, room, 0);
	for (size_t i = 0; i < room->pushed_count; i++) {
		const Roomkeep__Frame *f = room->pushed[i];
		assert_true(to->count + 40 < COUNT_OF(to->words));
		to->words[to->count++] = (size_t)f->body_case;
		if (f->body_case != ROOMKEEP__FRAME__BODY_FEED) continue;
		to->words[to->count++] = f->feed->n_ops;
		to->words[to->count++] = (size_t)f->feed->live;
		for (size_t k = 0; k < f->feed->n_ops; k++)
			to->words[to->count++] = roomkeep__op__get_packed_size(f->feed->ops[k]->op);
	}
	box_forget_pushed(room);
}

static void play_day(uint64_t seed, size_t notes, struct trace *to)
{
	struct two t;
	two_init(&t, seed);
	box_pull(t.c, &t.c->room1, 0);
	for (size_t i = 0; i < 10; i++) {
		const struct id patient = box_make_id(t.c);
		Roomkeep__Op *ops[32];
		size_t count = 0;
		while (count < notes) ops[count++] = box_op_note(t.c, &t.mara, &t.sealed);
		ops[count++] = box_op_patient(t.c, &t.mara, &t.chart, &patient, "Ada Lee");
		(void)box_push(t.c, &t.room2, ops, count);
		if (notes > 0) (void)box_push(t.c, &t.room2, ops, notes); /* again, alone */
		trace_room(&t, &t.c->room1, to);
		box_feed_ack(t.c, &t.c->room1, status_of(t.c).seq);
	}
	box_pull(t.c, &t.c->room1, 0);
	trace_room(&t, &t.c->room1, to);
	two_fini(&t);
}

/* SECURITY 6.1 C8, the colleague's half. */
static void test_a_day_with_notes_looks_like_one_without(void **state)
{
	(void)state;
	static struct trace with;
	static struct trace without;
	play_day(20, 5, &with);
	play_day(20, 0, &without);
	assert_true(with.count > 30);
	assert_int_equal(with.count, without.count);
	assert_memory_equal(with.words, without.words, with.count * sizeof(with.words[0]));
}

static void test_desk_sees_patients_only(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 3);
	const struct id patient = box_make_id(t.c);
	const struct id session = box_make_id(t.c);
	Roomkeep__Op *ops[5];
	ops[0] = box_op_patient(t.c, &t.mara, &t.chart, &patient, "Ada Lee");
	ops[1] = box_op_frame(t.c, &t.mara, &t.chart, &session, &patient, t.c->wall_ms);
	ops[2] = box_op_text(t.c, &t.mara, &t.chart, &session, "stiff neck", NULL);
	ops[3] = box_op_note(t.c, &t.mara, &t.sealed);
	ops[4] = box_op_raw(t.c, &t.mara, &t.chart, 4711, view_str("unknown kind"));
	(void)box_push(t.c, &t.room2, ops, 5);
	struct box_room desk;
	box_room_init(t.c, &desk, "Desk");
	box_enrol(t.c, &t.c->room1, &desk);
	box_sign_in(t.c, &desk, &t.dee);
	box_pull(t.c, &desk, 0);
	struct seen s;
	look(&t, &desk, &s);
	assert_int_equal(s.count, 1);
	assert_true(saw(&s, ops[0]));
	assert_int_equal(last_feed(&desk)->up_to_seq, 5);
	/* Asking for more by name: refused, and written down. */
	const uint64_t before = status_of(t.c).audit_seq;
	Roomkeep__Frame *f = box_frame(t.c, ROOMKEEP__FRAME__BODY_FETCH);
	f->fetch->has_session_id = 1;
	f->fetch->session_id = wire_id_bytes(&session);
	assert_int_equal(reply_code(box_call(t.c, &desk, f)), ERR_DENIED);
	const struct id nothing = box_make_id(t.c);
	f->fetch->session_id = wire_id_bytes(&nothing); /* the same for what is not there */
	assert_int_equal(reply_code(box_call(t.c, &desk, f)), ERR_DENIED);
	assert_int_equal(status_of(t.c).audit_seq, before + 2);
	f = box_frame(t.c, ROOMKEEP__FRAME__BODY_FETCH);
	f->fetch->has_patient_id = 1;
	f->fetch->patient_id = wire_id_bytes(&patient);
	const Roomkeep__FetchPage *page = box_call(t.c, &desk, f)->fetch_page;
	assert_int_equal(page->n_ops, 1);
	assert_false(page->more);
	box_room_hang_up(t.c, &desk);
	two_fini(&t);
}

/* An op that was refused is shown to its author and to nobody else. */
static void test_refused_op_stays_with_its_author(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 4);
	box_pull(t.c, &t.c->room1, 0);
	box_pull(t.c, &t.room2, 0);
	const struct id session = box_make_id(t.c); /* of no frame */
	Roomkeep__Op *op = box_op_text(t.c, &t.mara, &t.chart, &session, "lost", NULL);
	const Roomkeep__Ack *ack = box_push(t.c, &t.room2, &op, 1);
	assert_op(ack, 0, ROOMKEEP__OP_STATUS__REJECTED, ERR_NOT_FOUND);
	struct seen s;
	look(&t, &t.c->room1, &s);
	assert_int_equal(s.count, 0);
	look(&t, &t.room2, &s);
	assert_int_equal(s.count, 1);
	two_fini(&t);
}

static void test_catching_up_over_many_pages(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 5);
	Roomkeep__Op *ops[BATCH_OPS_MAX];
	const unsigned batches = 7;
	for (unsigned b = 0; b < batches; b++) {
		for (size_t i = 0; i < COUNT_OF(ops); i++) {
			const struct id patient = box_make_id(t.c);
			ops[i] = box_op_patient(t.c, &t.mara, &t.chart, &patient, "Ada Lee");
		}
		(void)box_push(t.c, &t.room2, ops, COUNT_OF(ops));
	}
	box_pull(t.c, &t.c->room1, 0);
	uint64_t seq = 0;
	unsigned frames = 0;
	while (seq < batches * BATCH_OPS_MAX) {
		/* Four at most stand unconfirmed. */
		assert_true(t.c->room1.pushed_count > 0);
		assert_true(t.c->room1.pushed_count <= FEED_BATCHES_MAX);
		for (size_t i = 0; i < t.c->room1.pushed_count; i++) {
			const Roomkeep__Feed *f = t.c->room1.pushed[i]->feed;
			for (size_t k = 0; k < f->n_ops; k++)
				assert_int_equal(f->ops[k]->seq, ++seq);
			assert_int_equal(f->up_to_seq, seq);
			assert_int_equal(f->live, seq == batches * BATCH_OPS_MAX);
			frames++;
		}
		box_forget_pushed(&t.c->room1);
		box_feed_ack(t.c, &t.c->room1, seq);
	}
	assert_int_equal(frames, batches);
	two_fini(&t);
}

static void test_resume_from_the_cursor(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 6);
	const struct id a = box_make_id(t.c);
	const struct id b = box_make_id(t.c);
	Roomkeep__Op *one = box_op_patient(t.c, &t.mara, &t.chart, &a, "Ada Lee");
	Roomkeep__Op *two = box_op_patient(t.c, &t.mara, &t.chart, &b, "Bo Kim");
	(void)box_push_one(t.c, &t.room2, one);
	box_pull(t.c, &t.c->room1, 0);
	box_room_hang_up(t.c, &t.c->room1);
	(void)box_push_one(t.c, &t.room2, two);
	(void)box_room_hello(t.c, &t.c->room1, true);
	box_sign_in(t.c, &t.c->room1, &t.c->owner);
	box_pull(t.c, &t.c->room1, 1);
	struct seen s;
	look(&t, &t.c->room1, &s);
	assert_int_equal(s.count, 1);
	assert_true(saw(&s, two));
	two_fini(&t);
}

static void test_large_ops_fit_their_frames(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 7);
	box_pull(t.c, &t.c->room1, 0);
	/* Sealed bytes nobody reads, as large as an op may be; three make a batch. */
	const size_t len = OP_BYTES_MAX - OP_CORE_BYTES - SIGN_SIG_BYTES - OP_BLIND_BYTES;
	uint8_t *big = box_alloc(t.c, len);
	struct box_room room3;
	box_room_init(t.c, &room3, "Room 3");
	box_enrol(t.c, &t.c->room1, &room3);
	box_sign_in(t.c, &room3, &t.mara);
	box_pull(t.c, &room3, 0);
	box_feed_ack(t.c, &room3, 0);
	for (int i = 0; i < 5; i++) {
		Roomkeep__Op *op = box_op_raw(t.c, &t.mara, &t.chart, 4711, view_of(big, len));
		(void)box_push_one(t.c, &t.room2, op);
	}
	/* Live until four are unconfirmed, the fifth by a page. */
	struct seen s;
	look(&t, &room3, &s);
	assert_int_equal(s.count, FEED_BATCHES_MAX);
	box_feed_ack(t.c, &room3, 4);
	look(&t, &room3, &s);
	assert_int_equal(s.count, 5);
	box_forget_pushed(&room3);
	box_pull(t.c, &room3, 0);
	look(&t, &room3, &s);
	assert_int_equal(s.count, 5);
	assert_true(room3.pushed_count >= 2); /* two of them do not fit with a third */
	box_room_hang_up(t.c, &room3);
	two_fini(&t);
}

/* ---- scope and fetch ---------------------------------------------------------------------- */

static void test_eighteen_months_and_fetch(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 8);
	const struct id patient = box_make_id(t.c);
	const struct id old = box_make_id(t.c);
	const struct id fresh = box_make_id(t.c);
	const uint64_t edge_ms = t.c->wall_ms - FEED_SCOPE_MS;
	Roomkeep__Op *ops[5];
	ops[0] = box_op_patient(t.c, &t.mara, &t.chart, &patient, "Ada Lee");
	ops[1] = box_op_frame(t.c, &t.mara, &t.chart, &old, &patient, edge_ms - 1);
	ops[2] = box_op_text(t.c, &t.mara, &t.chart, &old, "long ago", NULL);
	ops[3] = box_op_frame(t.c, &t.mara, &t.chart, &fresh, &patient, edge_ms);
	ops[4] = box_op_text(t.c, &t.mara, &t.chart, &fresh, "in time", NULL);
	box_pull(t.c, &t.c->room1, 0);
	const Roomkeep__Ack *ack = box_push(t.c, &t.room2, ops, 5);
	for (size_t i = 0; i < 5; i++) assert_op(ack, i, ROOMKEEP__OP_STATUS__COMMITTED, ERR_OK);
	struct seen s;
	look(&t, &t.c->room1, &s); /* live */
	assert_int_equal(s.count, 3);
	assert_false(saw(&s, ops[1]));
	assert_false(saw(&s, ops[2]));
	box_forget_pushed(&t.c->room1);
	box_pull(t.c, &t.c->room1, 0); /* catching up */
	look(&t, &t.c->room1, &s);
	assert_int_equal(s.count, 3);
	box_pull(t.c, &t.room2, 0); /* the author has them all */
	look(&t, &t.room2, &s);
	assert_int_equal(s.count, 5);
	/* The rest comes on request, and that is written down. */
	const uint64_t before = status_of(t.c).audit_seq;
	Roomkeep__Frame *f = box_frame(t.c, ROOMKEEP__FRAME__BODY_FETCH);
	f->fetch->has_session_id = 1;
	f->fetch->session_id = wire_id_bytes(&old);
	const Roomkeep__FetchPage *page = box_call(t.c, &t.c->room1, f)->fetch_page;
	assert_int_equal(page->n_ops, 2);
	assert_false(page->more);
	assert_int_equal(status_of(t.c).audit_seq, before + 1);
	f = box_frame(t.c, ROOMKEEP__FRAME__BODY_FETCH);
	f->fetch->has_patient_id = 1;
	f->fetch->patient_id = wire_id_bytes(&patient);
	page = box_call(t.c, &t.c->room1, f)->fetch_page;
	assert_int_equal(page->n_ops, 5);
	two_fini(&t);
}

static void test_fetch_that_names_nothing(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 9);
	const struct id nothing = box_make_id(t.c);
	Roomkeep__Frame *f = box_frame(t.c, ROOMKEEP__FRAME__BODY_FETCH);
	assert_int_equal(reply_code(box_call(t.c, &t.room2, f)), ERR_BAD_VALUE);
	f->fetch->has_session_id = 1;
	f->fetch->session_id = wire_id_bytes(&nothing);
	assert_int_equal(reply_code(box_call(t.c, &t.room2, f)), ERR_NOT_FOUND);
	f->fetch->has_patient_id = 1;
	f->fetch->patient_id = wire_id_bytes(&nothing);
	assert_int_equal(reply_code(box_call(t.c, &t.room2, f)), ERR_BAD_VALUE);
	f->fetch->has_session_id = 0;
	assert_int_equal(reply_code(box_call(t.c, &t.room2, f)), ERR_NOT_FOUND);
	f->fetch->patient_id.len = 15;
	assert_int_equal(reply_code(box_call(t.c, &t.room2, f)), ERR_BAD_FORMAT);
	two_fini(&t);
}

static void test_fetch_pages_reach_the_end(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 10);
	const struct id patient = box_make_id(t.c);
	Roomkeep__Op *op = box_op_patient(t.c, &t.mara, &t.chart, &patient, "Ada Lee");
	(void)box_push_one(t.c, &t.room2, op);
	struct id session = { { 0 } };
	for (unsigned n = 0; n < 2; n++) {
		Roomkeep__Op *ops[BATCH_OPS_MAX];
		for (size_t i = 0; i < COUNT_OF(ops); i++) {
			if (i % 16 == 0) {
				session = box_make_id(t.c);
				ops[i] = box_op_frame(t.c, &t.mara, &t.chart, &session, &patient,
						      t.c->wall_ms);
			} else {
				ops[i] =
					box_op_text(t.c, &t.mara, &t.chart, &session, "more", NULL);
			}
		}
		(void)box_push(t.c, &t.room2, ops, COUNT_OF(ops));
	}
	size_t count = 0;
	uint64_t after = 0;
	bool more = true;
	for (int i = 0; more; i++) {
		assert_true(i < 10);
		Roomkeep__Frame *f = box_frame(t.c, ROOMKEEP__FRAME__BODY_FETCH);
		f->fetch->has_patient_id = 1;
		f->fetch->patient_id = wire_id_bytes(&patient);
		f->fetch->has_after_seq = 1;
		f->fetch->after_seq = after;
		const Roomkeep__FetchPage *page = box_call(t.c, &t.c->room1, f)->fetch_page;
		assert_true(page->last_seq >= after);
		count += page->n_ops;
		after = page->last_seq;
		more = page->more;
	}
	assert_int_equal(count, 1 + 2 * BATCH_OPS_MAX);
	two_fini(&t);
}

static Roomkeep__Frame *ask_chart(struct two *t, const struct id *patient, uint32_t sessions_max)
{
	Roomkeep__Frame *f = box_frame(t->c, ROOMKEEP__FRAME__BODY_FETCH);
	f->fetch->has_patient_id = f->fetch->has_sessions_max = 1;
	f->fetch->patient_id = wire_id_bytes(patient);
	f->fetch->sessions_max = sessions_max;
	return f;
}

/* The newest sessions and how many there are, for who may read sessions; written down. */
static void test_fetch_for_a_chart_that_opens_at_once(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 20);
	const struct id patient = box_make_id(t.c);
	Roomkeep__Op *ops[7];
	ops[0] = box_op_patient(t.c, &t.mara, &t.chart, &patient, "Ada Lee");
	for (size_t i = 0; i < 3; i++) {
		const struct id session = box_make_id(t.c);
		ops[1 + 2 * i] = box_op_frame(t.c, &t.mara, &t.chart, &session, &patient,
					      t.c->wall_ms - (3 - i) * FEED_SCOPE_MS);
		ops[2 + 2 * i] = box_op_text(t.c, &t.mara, &t.chart, &session, "then", NULL);
	}
	(void)box_push(t.c, &t.room2, ops, COUNT_OF(ops));
	const uint64_t before = status_of(t.c).audit_seq;
	const Roomkeep__FetchPage *page =
		box_call(t.c, &t.c->room1, ask_chart(&t, &patient, 1))->fetch_page;
	assert_int_equal(page->n_ops, 3);
	assert_true(page->has_sessions);
	assert_int_equal(page->sessions, 3);
	assert_false(page->more);
	assert_int_equal(status_of(t.c).audit_seq, before + 1);
	for (size_t i = 0; i < 2; i++) {
		const struct view core = wire_view(page->ops[1 + i]->op->core);
		assert_true(view_equal(core, wire_view(ops[5 + i]->core)));
	}
	Roomkeep__Frame *f = ask_chart(&t, &patient, FETCH_SESSIONS_MAX);
	f->fetch->has_before_ms = 1;
	f->fetch->before_ms = t.c->wall_ms - FEED_SCOPE_MS;
	page = box_call(t.c, &t.c->room1, f)->fetch_page;
	assert_int_equal(page->n_ops, 4);
	assert_int_equal(page->sessions, 2);
	/* Everything is still everything, and counts nothing. */
	f = ask_chart(&t, &patient, 0);
	f->fetch->has_sessions_max = 0;
	page = box_call(t.c, &t.c->room1, f)->fetch_page;
	assert_int_equal(page->n_ops, COUNT_OF(ops));
	assert_false(page->has_sessions);
	two_fini(&t);
}

static void test_fetch_for_a_chart_says_no(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 21);
	const struct id patient = box_make_id(t.c);
	const struct id session = box_make_id(t.c);
	Roomkeep__Op *ops[2];
	ops[0] = box_op_patient(t.c, &t.mara, &t.chart, &patient, "Ada Lee");
	ops[1] = box_op_frame(t.c, &t.mara, &t.chart, &session, &patient, t.c->wall_ms);
	(void)box_push(t.c, &t.room2, ops, 2);
	Roomkeep__Frame *f = ask_chart(&t, &patient, FETCH_SESSIONS_MAX + 1);
	assert_int_equal(reply_code(box_call(t.c, &t.c->room1, f)), ERR_BAD_VALUE);
	f = ask_chart(&t, &session, 1);
	f->fetch->has_patient_id = 0;
	f->fetch->has_session_id = 1;
	f->fetch->session_id = wire_id_bytes(&session);
	assert_int_equal(reply_code(box_call(t.c, &t.c->room1, f)), ERR_BAD_VALUE);
	f = ask_chart(&t, &patient, 1);
	f->fetch->has_sessions_max = 0;
	f->fetch->has_before_ms = 1;
	assert_int_equal(reply_code(box_call(t.c, &t.c->room1, f)), ERR_BAD_VALUE);
	f = ask_chart(&t, &session, 1); /* no patient */
	assert_int_equal(reply_code(box_call(t.c, &t.c->room1, f)), ERR_NOT_FOUND);
	/* A desk reads who the patients are, and not how often they came. */
	struct box_person changed = t.mara;
	changed.roles = DIR_DESK;
	f = box_frame(t.c, ROOMKEEP__FRAME__BODY_PUT_DIRECTORY);
	f->put_directory->item = box_dir_item(t.c, &changed, DIR_ACTIVE, &t.c->owner, NULL, false);
	assert_int_equal(box_call_code(t.c, &t.c->room1, f), ERR_OK);
	f = ask_chart(&t, &patient, 1);
	assert_int_equal(reply_code(box_call(t.c, &t.room2, f)), ERR_DENIED);
	two_fini(&t);
}

/* No word about sealed ops in a fetched record, whoever asks by whatever id. */
static void test_fetch_never_brings_notes(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 11);
	const struct id patient = box_make_id(t.c);
	Roomkeep__Op *ops[2];
	ops[0] = box_op_patient(t.c, &t.mara, &t.chart, &patient, "Ada Lee");
	ops[1] = box_op_note(t.c, &t.mara, &t.sealed);
	(void)box_push(t.c, &t.room2, ops, 2);
	const struct id note_op = box_op_id(ops[1]);
	Roomkeep__Frame *f = box_frame(t.c, ROOMKEEP__FRAME__BODY_FETCH);
	f->fetch->has_patient_id = 1;
	f->fetch->patient_id = wire_id_bytes(&patient);
	assert_int_equal(box_call(t.c, &t.c->room1, f)->fetch_page->n_ops, 1);
	f->fetch->patient_id = wire_id_bytes(&note_op);
	assert_int_equal(reply_code(box_call(t.c, &t.c->room1, f)), ERR_NOT_FOUND);
	two_fini(&t);
}

static void test_changed_role_ends_the_feed(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 12);
	box_pull(t.c, &t.room2, 0);
	box_feed_ack(t.c, &t.room2, 0);
	box_forget_pushed(&t.room2);
	struct box_person changed = t.mara;
	changed.roles = DIR_DESK;
	Roomkeep__Frame *f = box_frame(t.c, ROOMKEEP__FRAME__BODY_PUT_DIRECTORY);
	f->put_directory->item = box_dir_item(t.c, &changed, DIR_ACTIVE, &t.c->owner, NULL, false);
	assert_int_equal(box_call_code(t.c, &t.c->room1, f), ERR_OK);
	(void)box_collect(t.c, &t.room2, 0);
	assert_int_equal(t.room2.pushed_count, 1);
	assert_int_equal(t.room2.pushed[0]->body_case, ROOMKEEP__FRAME__BODY_SCOPE_CHANGE);
	assert_int_equal(t.room2.pushed[0]->scope_change->scope_version, 4);
	/* From the commit on, not one clinical frame more. */
	box_pull(t.c, &t.room2, 0);
	box_forget_pushed(&t.room2);
	struct box_lane jos;
	box_lane_init(t.c, &jos, &t.c->owner, &t.c->room1, OP_LANE_CHART);
	const struct id patient = box_make_id(t.c);
	const struct id session = box_make_id(t.c);
	Roomkeep__Op *ops[2];
	ops[0] = box_op_patient(t.c, &t.c->owner, &jos, &patient, "Ada Lee");
	ops[1] = box_op_frame(t.c, &t.c->owner, &jos, &session, &patient, t.c->wall_ms);
	(void)box_push(t.c, &t.c->room1, ops, 2);
	struct seen s;
	look(&t, &t.room2, &s);
	assert_int_equal(s.count, 1);
	assert_true(saw(&s, ops[0]));
	two_fini(&t);
}

/* Own lanes come without gaps, but what was clinical is no more to be read by who is a desk now. */
static void test_own_lane_without_the_right_to_read(void **state)
{
	(void)state;
	struct two t;
	two_init(&t, 13);
	const struct id patient = box_make_id(t.c);
	const struct id session = box_make_id(t.c);
	Roomkeep__Op *ops[4];
	ops[0] = box_op_patient(t.c, &t.mara, &t.chart, &patient, "Ada Lee");
	ops[1] = box_op_frame(t.c, &t.mara, &t.chart, &session, &patient, t.c->wall_ms);
	ops[2] = box_op_text(t.c, &t.mara, &t.chart, &session, "stiff neck", NULL);
	ops[3] = box_op_note(t.c, &t.mara, &t.sealed);
	const Roomkeep__Ack *ack = box_push(t.c, &t.room2, ops, 4);
	for (size_t i = 0; i < 4; i++) assert_op(ack, i, ROOMKEEP__OP_STATUS__COMMITTED, ERR_OK);
	struct box_person changed = t.mara;
	changed.roles = DIR_DESK;
	Roomkeep__Frame *f = box_frame(t.c, ROOMKEEP__FRAME__BODY_PUT_DIRECTORY);
	f->put_directory->item = box_dir_item(t.c, &changed, DIR_ACTIVE, &t.c->owner, NULL, false);
	assert_int_equal(box_call_code(t.c, &t.c->room1, f), ERR_OK);
	box_pull(t.c, &t.room2, 0);
	struct seen s;
	look(&t, &t.room2, &s);
	assert_int_equal(s.count, 4);
	static const bool readable[] = { true, false, false, true };
	for (size_t i = 0; i < 4; i++) {
		assert_true(view_equal(wire_view(s.ops[i]->op->core), wire_view(ops[i]->core)));
		assert_int_equal(s.ops[i]->op->has_payload, readable[i]);
	}
	f = box_frame(t.c, ROOMKEEP__FRAME__BODY_FETCH);
	f->fetch->has_patient_id = 1;
	f->fetch->patient_id = wire_id_bytes(&patient);
	const Roomkeep__FetchPage *page = box_call(t.c, &t.room2, f)->fetch_page;
	for (size_t i = 0; i < page->n_ops; i++)
		assert_int_equal(page->ops[i]->op->has_payload, i == 0);
	two_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_other_room_sees_it_at_once),
		cmocka_unit_test(test_sealed_lane_is_its_authors),
		cmocka_unit_test(test_a_day_with_notes_looks_like_one_without),
		cmocka_unit_test(test_desk_sees_patients_only),
		cmocka_unit_test(test_refused_op_stays_with_its_author),
		cmocka_unit_test(test_catching_up_over_many_pages),
		cmocka_unit_test(test_resume_from_the_cursor),
		cmocka_unit_test(test_large_ops_fit_their_frames),
		cmocka_unit_test(test_eighteen_months_and_fetch),
		cmocka_unit_test(test_fetch_that_names_nothing),
		cmocka_unit_test(test_fetch_pages_reach_the_end),
		cmocka_unit_test(test_fetch_for_a_chart_that_opens_at_once),
		cmocka_unit_test(test_fetch_for_a_chart_says_no),
		cmocka_unit_test(test_fetch_never_brings_notes),
		cmocka_unit_test(test_own_lane_without_the_right_to_read),
		cmocka_unit_test(test_changed_role_ends_the_feed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
