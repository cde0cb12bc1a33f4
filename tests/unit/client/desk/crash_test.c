/* The room dies at each named point; what it said was saved is there, once, and its lanes go on. */
#include "support/rooms_world.h"

#include "base/crashpoint.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static struct id made_patient; /* the same in parent and child */

struct scene {
	struct world *w;
	struct room *r2;
	struct buf feed; /* a Feed with another person's op, not applied yet */
	struct buf ack;  /* receipts, not applied yet */
};

static bool keep_feed(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	(void)a;
	if (f->body_case != ROOMKEEP__FRAME__BODY_FEED || f->feed->n_ops == 0) return true;
	OK(body_encode(f, &r->kept));
	r->tampered++;
	return false;
}

static bool keep_ack(struct room *r, Roomkeep__Frame *f, struct arena *a)
{
	(void)a;
	/* No feed either: what comes after the one that was kept would raise the cursor over it. */
	if (f->body_case == ROOMKEEP__FRAME__BODY_FEED) return false;
	if (f->body_case != ROOMKEEP__FRAME__BODY_ACK) return true;
	buf_clear(&r->kept);
	OK(body_encode(f, &r->kept));
	r->tampered++;
	return false;
}

static void take_kept(struct room *r, struct buf *to)
{
	assert_true(r->tampered > 0);
	*to = r->kept;
	r->kept = (struct buf){ 0 };
	r->tampered = 0;
}

/* Room 2: Mara has two committed ops; a third whose receipt is in scene.ack; Jo's op in
 * scene.feed. */
static void scene_set(struct scene *s)
{
	s->w = world_clinic();
	s->r2 = &s->w->rooms[1];
	struct room *r1 = &s->w->rooms[0];
	OK(room_sign_in(s->r2, "mara", MARA_PASS));
	made_patient = room_add_patient(s->r2, "Maya Rosen", "1984-05-06");
	(void)room_start_session(s->r2, &made_patient);
	room_saved(s->r2);
	s->r2->tamper = keep_feed;
	(void)room_add_patient(r1, "Omar Said", "1970-01-02");
	room_saved(r1);
	take_kept(s->r2, &s->feed);
	s->r2->tamper = keep_ack;
	(void)room_add_patient(s->r2, "Third One", "1970-01-02");
	room_saved(s->r2);
	take_kept(s->r2, &s->ack);
	s->r2->tamper = NULL;
	assert_int_equal(room_queued(s->r2), 1);
	s->r2->cut = true;
	room_close(s->r2);
	s->r2->cut = true;
}

static void scene_fini(struct scene *s)
{
	buf_fini(&s->feed);
	buf_fini(&s->ack);
	world_free(s->w);
}

/* In the child: everything up to the end, unless the point strikes. 0: it did not. */
static void child_acts(struct scene *s, const char *point)
{
	struct room *r = s->r2;
	struct local_cursor c = { 0 };
	struct feed_ack ack = { 0 };
	bool live = false;
	OK(local_open(r->folder, s->w->rand, &r->local));
	desk_init(&r->desk, r->local);
	OK(crashpoint_arm(point, 1));
	struct sign_in *in = NULL;
	struct buf frame = { 0 };
	uint64_t wait = 0;
	OK(desk_sign_in_begin(&r->desk, "mara", view_str(MARA_PASS), &in, &frame));
	OK(desk_sign_in_offline(&r->desk, in, s->w->wall, &wait));
	struct id op_id;
	Roomkeep__Patient m = ROOMKEEP__PATIENT__INIT;
	char phone[] = "0170 1234567";
	m.has_patient_id = true;
	m.patient_id = wire_id_bytes(&made_patient);
	m.phone = phone;
	OK(local_append(r->local, &r->desk.vault, KIND_PATIENT, &m.base, s->w->wall, &op_id, NULL));
	OK(feed_apply_ack(r->local, buf_view(&s->ack), s->w->wall, &ack));
	OK(feed_apply(r->local, &r->desk.vault, buf_view(&s->feed), s->w->wall, &c, &live));
}

static bool child_dies_at(struct scene *s, const char *point)
{
	(void)fflush(NULL);
	const pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		child_acts(s, point);
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void check_after(struct scene *s, const char *point)
{
	struct room *r = s->r2;
	struct room *r1 = &s->w->rooms[0];
	room_start(r); /* still without network */
	OK(room_sign_in(r, "mara", MARA_PASS));
	struct local_patient p;
	OK(local_get_patient(r->local, &r->desk.vault, &made_patient, &p));
	const bool saved = p.phone[0] != '\0';
	const bool after_commit = strcmp(point, "local.commit_after") == 0 ||
				  strncmp(point, "local.ack", 9) == 0 ||
				  strncmp(point, "local.feed", 10) == 0;
	assert_int_equal(saved, after_commit);
	const bool ack_held = strcmp(point, "local.ack_after") == 0 ||
			      strncmp(point, "local.feed", 10) == 0;
	const uint64_t acked = ack_held ? 1 : 0;
	assert_int_equal(room_queued(r), 1u + (saved ? 1u : 0u) - acked);
	/* The lane goes on from where it stands, and everything arrives once. */
	(void)room_add_patient(r, "After Crash", "1999-09-09");
	r->cut = false;
	room_event(r, SYNC_EV_NOW);
	world_run(s->w);
	world_wait(s->w, 3000);
	assert_int_equal(room_queued(r), 0);
	size_t at = 0;
	size_t count = 0;
	while (local_find_patient(r1->local, &r1->desk.vault, VIEW_EMPTY, &at, &p) == ERR_OK)
		count++;
	assert_int_equal(count, 4);
	at = count = 0;
	while (local_find_patient(r->local, &r->desk.vault, VIEW_EMPTY, &at, &p) == ERR_OK) count++;
	assert_int_equal(count, 4);
	assert_int_equal(local_alarms(r->local) | local_alarms(r1->local), 0);
}

static void test_every_point(void **state)
{
	(void)state;
	static const char *const points[] = {
		"local.sign_in_try",         "local.append_before", "local.append_after_row",
		"local.append_after_outbox", "local.commit_before", "local.commit_after",
		"local.ack_before",          "local.ack_after",     "local.feed_before",
		"local.feed_after_rows",     "local.feed_after",
	};
	for (size_t i = 0; i < COUNT_OF(points); i++) {
		struct scene s = { 0 };
		scene_set(&s);
		assert_true(child_dies_at(&s, points[i]));
		check_after(&s, points[i]);
		scene_fini(&s);
	}
}

/* A try that was cut short is counted: the plug does not give it back. */
static void test_counted_before_tried(void **state)
{
	(void)state;
	struct scene s = { 0 };
	scene_set(&s);
	for (unsigned i = 0; i < 3; i++) assert_true(child_dies_at(&s, "local.sign_in_try"));
	OK(local_open(s.r2->folder, s.w->rand, &s.r2->local));
	struct account acc = { 0 };
	OK(account_by_login(s.r2->local, "mara", &acc));
	assert_int_equal(acc.tries, 3);
	account_fini(&acc);
	desk_init(&s.r2->desk, s.r2->local);
	scene_fini(&s);
}

/* Founding: the machine dies after its keys are on its disk and before the server has heard of
 * them. */
static void found_in_child(struct world *w)
{
	OK(crashpoint_arm("local.found_after", 1));
	world_found(w);
}

static void test_founding_can_be_done_again(void **state)
{
	(void)state;
	struct world *w = world_new();
	server_box_close(w->box);
	w->box = NULL;
	(void)fflush(NULL);
	const pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		world_server_open(w);
		found_in_child(w);
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	struct room *r = &w->rooms[0];
	OK(local_open(r->folder, w->rand, &r->local));
	assert_int_equal(local_room(r->local)->state, LOCAL_FOUNDING);
	local_close(r->local);
	r->local = NULL;
	world_server_open(w);
	world_found(w);
	OK(room_sign_in(r, "jo", JO_PASS));
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_point),
		cmocka_unit_test(test_counted_before_tried),
		cmocka_unit_test(test_founding_can_be_done_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
