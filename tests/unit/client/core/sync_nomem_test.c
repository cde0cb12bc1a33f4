/* Memory runs out in any step of a whole day of the engine, at each allocation of that step: it
 * hangs up or answers so, its table of states holds, and with the link there again it goes on. */
#include "rig_talk.h"

#include "support/nomem.h"

static uint64_t fail_at; /* of the next step; 0: none */
static bool failed;      /* one did in that step */

void __real_sync_step(struct sync *s, uint64_t now_ms, const struct sync_event *ev,
		      struct sync_actions *out);
void __wrap_sync_step(struct sync *s, uint64_t now_ms, const struct sync_event *ev,
		      struct sync_actions *out);

/* Only the engine's own allocations are short, not those of the rig around it. */
void __wrap_sync_step(struct sync *s, uint64_t now_ms, const struct sync_event *ev,
		      struct sync_actions *out)
{
	nomem_arm(fail_at);
	__real_sync_step(s, now_ms, ev, out);
	if (nomem_disarm()) failed = true;
	fail_at = 0;
}

/* ---- the steps, each from where the one before leaves the machine ---------------------------- */

static void step_dial(struct rig *r)
{
	r->now = sync_deadline_ms(r->s);
	rig_event(r, SYNC_EV_TICK);
}

static void step_link_up(struct rig *r)
{
	rig_event(r, SYNC_EV_LINK_UP);
}

static void step_welcome_checked(struct rig *r)
{
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_WELCOME, .dir_seq = 1 });
}

static void step_params(struct rig *r)
{
	rig_login_params(r, rig_number(r, ROOMKEEP__FRAME__BODY_LOGIN_START));
}

static void step_proof(struct rig *r)
{
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_LOGIN_PROOF,
					  .frame = rig_body(ROOMKEEP__FRAME__BODY_LOGIN_PROOF) });
}

static void step_login_ok(struct rig *r)
{
	rig_login_ok(r, rig_number(r, ROOMKEEP__FRAME__BODY_LOGIN_PROOF));
}

static void step_directory(struct rig *r)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Directory d = ROOMKEEP__DIRECTORY__INIT;
	f.body_case = ROOMKEEP__FRAME__BODY_DIRECTORY;
	f.directory = &d;
	rig_frame(r, &f, rig_number(r, ROOMKEEP__FRAME__BODY_GET_DIRECTORY));
}

static void step_directory_done(struct rig *r)
{
	rig_done(r, (struct sync_result){ .type = SYNC_ASK_DIRECTORY, .dir_seq = 1 });
}

static void step_in(struct rig *r)
{
	rig_done(r, (struct sync_result){
			    .type = SYNC_ASK_LOGIN_OK,
			    .cursor = { .epoch = rig_epoch, .seq = 5, .scope_version = 1 } });
}

static void step_feed(struct rig *r)
{
	rig_feed(r, 6, true);
}

static void step_request(struct rig *r)
{
	rig_request(r, 1, SYNC_NEEDS_PERSON, 60000, 0);
}

static void step_scope(struct rig *r)
{
	rig_scope(r);
}

static void step_outbox(struct rig *r)
{
	rig_event(r, SYNC_EV_OUTBOX);
}

static void step_person_out(struct rig *r)
{
	rig_event(r, SYNC_EV_PERSON_OUT);
}

static void (*const steps[])(struct rig *r) = {
	step_dial,      step_link_up,        rig_welcome, step_welcome_checked,
	rig_person_in,  step_params,         step_proof,  step_login_ok,
	step_directory, step_directory_done, step_in,     step_feed,
	step_request,   step_scope,          step_outbox, step_person_out,
};

/* False: the step has no n-th allocation. */
static bool run_day(size_t short_step, uint64_t n)
{
	struct rig *r = rig_new(3);
	failed = false;
	for (size_t i = 0; i <= short_step; i++) {
		if (i == short_step) fail_at = n;
		steps[i](r);
	}
	fail_at = 0;
	/* Whatever was lost with it: the link breaks, and comes back. */
	rig_event(r, SYNC_EV_LINK_DOWN);
	rig_to_courier(r);
	rig_free(r);
	return failed;
}

static void test_any_step_may_run_out(void **state)
{
	(void)state;
	unsigned count = 0;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		for (uint64_t n = 1; run_day(i, n); n++) count++;
	assert_true(count > 10); /* the day has steps that take memory */
}

static void test_an_engine_needs_its_memory(void **state)
{
	(void)state;
	struct rand_seeded seeded;
	const struct sync_config c = { .rand = rand_seeded_init(&seeded, 1) };
	struct sync *s = NULL;
	nomem_arm(1);
	const enum err e = sync_new(&c, 0, &s);
	assert_true(nomem_disarm());
	assert_int_equal(e, ERR_NOMEM);
	assert_null(s);
	assert_int_equal(sync_new(&c, 0, &s), ERR_OK); /* a build without a name */
	sync_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_step_may_run_out),
		cmocka_unit_test(test_an_engine_needs_its_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
