/* Checks on a pool thread while the writer changes the directory: what the lock is for. Says most
 * under ThreadSanitizer. */
#include "work_fx.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

struct pool {
	struct box_clinic *c;
	atomic_bool stop;
	atomic_ulong rounds;
	_Atomic enum err failed;
};

static struct ask *login_ask(const char *handle)
{
	struct ask *a = ask_new();
	assert_non_null(a);
	Roomkeep__LoginStart m = ROOMKEEP__LOGIN_START__INIT;
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	f.body_case = ROOMKEEP__FRAME__BODY_LOGIN_START;
	f.login_start = &m;
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	assert_int_equal(frame_encode(&f, &bytes), ERR_OK);
	assert_int_equal(ask_decode(a, view_of(bytes.p + FRAME_HEADER_BYTES,
					       bytes.len - FRAME_HEADER_BYTES)),
			 ERR_OK);
	struct dialog_ask desc = { .ask_id = 1, .kind = ASK_LOGIN_START };
	desc.challenge.handle_len = strlen(handle);
	memcpy(desc.challenge.handle, handle, desc.challenge.handle_len);
	ask_begin(a, &desc, 1760000000000);
	return a;
}

static void *pool_run(void *arg)
{
	struct pool *p = arg;
	struct work *w = server_box_work_state(p->c->box);
	struct store_reader *r = NULL;
	atomic_store(&p->failed, store_reader_open(p->c->folder, &r));
	while (p->failed == ERR_OK && !atomic_load(&p->stop)) {
		struct ask *a = login_ask("jo");
		work_check(w, a, r);
		work_finish(w, a, ERR_OK);
		p->failed = a->result;
		ask_free(a);
		atomic_fetch_add(&p->rounds, 1);
	}
	store_reader_close(r);
	return NULL;
}

static void test_checks_beside_the_writer(void **state)
{
	(void)state;
	struct box_clinic *c = box_clinic_new_founded(1);
	box_sign_in(c, &c->room1, &c->owner);
	struct pool p = { .c = c };
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, pool_run, &p), 0);
	for (int i = 0; i < 12; i++) {
		char login[16];
		struct box_person person;
		(void)snprintf(login, sizeof(login), "person%d", i);
		box_person_init(c, &person, "Some Person", login, DIR_THERAPIST);
		box_add_person(c, &c->room1, &person);
		/* A rollback loads the directory anew under the reader's eyes. */
		server_box_fail_commits(c->box, ERR_DISK_FULL);
		Roomkeep__Frame *f = box_add_user_frame(c, &person, &c->owner);
		assert_int_equal(box_call_code(c, &c->room1, f), ERR_DISK_FULL);
		server_box_fail_commits(c->box, ERR_OK);
		box_person_fini(&person);
	}
	while (atomic_load(&p.rounds) < 50 && p.failed == ERR_OK) (void)sched_yield();
	atomic_store(&p.stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(p.failed, ERR_OK);
	assert_int_equal(status_of(c).dir_seq, 13);
	check_store(c);
	box_clinic_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_checks_beside_the_writer) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
