#include "client/api/agent_priv.h"
#include "client/api/verbs.h"

#include "base/log.h"

#include <stdlib.h>

static const struct verb_row learn_row = { "learn", "roomkeep.learn/1", verb_learn,
					   .needs_person = true };

static void call_submit(struct agent_call *c);
static void sign_ins_start(struct agent *a);

void agent_learn_names(struct agent *a)
{
	agent_call_self(a, &learn_row, false);
}

/* ---- answers -------------------------------------------------------------------------------- */

static unsigned http_status_of(int exit_code)
{
	switch (exit_code) {
	case EXIT_DONE: return 200;
	case EXIT_FAILED: return 409;
	case EXIT_USAGE: return 400;
	case EXIT_BAD_DATA: return 422;
	case EXIT_NO_SUCH: return 404;
	case EXIT_UNREACHABLE:
	case EXIT_LATER: return 503;
	case EXIT_NOT_ALLOWED: return 403;
	default: return 500;
	}
}

static void text_free(void *text)
{
	json_text_free(text);
}

static void nothing_to_free(void *text)
{
	(void)text;
}

static void answer_text(struct http_request *r, unsigned status, char *text)
{
	static char no_memory[] = "{\"error\":{\"code\":\"nomem\",\"message\":\"memory ran out\","
				  "\"hint\":null,\"exit\":70}}";

	if (text == NULL) {
		http_answer(r, 500, no_memory, sizeof(no_memory) - 1, nothing_to_free);
		return;
	}
	http_answer(r, status, text, strlen(text), text_free);
}

static void answer_fault(struct http_request *r, const struct fault *fault)
{
	json_t *object = fault_to_json(fault);
	char *text = NULL;

	if (object != NULL) err_ignore(json_text_dump(object, &text)); /* NULL says it */
	json_decref(object);
	answer_text(r, http_status_of(fault->exit), text);
}

/* ---- a call's life -------------------------------------------------------------------------- */

void agent_call_free(struct agent_call *c)
{
	list_remove(&c->link);
	c->base.agent->call_count--;
	json_text_free(c->text);
	verb_fini(&c->verb);
	free(c);
}

/* Desk thread: one step, and its answer as text when it was the last. */
static void call_run(struct worker_job *job, void *ctx)
{
	struct agent_call *c = CONTAINER_OF(job, struct agent_call, base.job);
	struct agent *a = ctx;
	struct verb *v = &c->verb;

	v->desk = &a->desk;
	v->room_names = &a->room_names;
	v->now_ms = loop_wall_ms();
	c->result = verb_run(v);
	if (c->result == ERR_OK && v->ask.len == 0 && c->http != NULL) {
		json_text_free(c->text);
		c->text = NULL;
		c->result = json_text_dump(v->answer, &c->text);
		if (c->result != ERR_OK) fault_default(&v->fault, c->result);
	}
	agent_copy_facts(a, &c->base.facts);
}

static void call_person_in(struct agent *a, const struct verb_effects *fx)
{
	const struct sync_event ev = { .type = SYNC_EV_PERSON_IN,
				       .person = fx->person,
				       .login = fx->login,
				       .serial = fx->serial,
				       .cursor = fx->cursor };

	timer_start(&a->idle_timer, a->idle_ms);
	timer_start(&a->day_timer, AGENT_DAY_MS);
	agent_sync_event(a, &ev);
}

static void call_person_out(struct agent *a, const struct verb_effects *fx)
{
	const struct sync_event ev = { .type = SYNC_EV_PERSON_OUT,
				       .frame = buf_view(&fx->farewell) };

	timer_stop(&a->idle_timer);
	timer_stop(&a->day_timer);
	agent_sync_event(a, &ev);
}

static void call_effects(struct agent *a, const struct verb_effects *fx)
{
	if (fx->person_out) call_person_out(a, fx);
	if (fx->person_in) call_person_in(a, fx);
	if (fx->outbox) agent_sync_event(a, &(struct sync_event){ .type = SYNC_EV_OUTBOX });
	if (fx->redial) agent_sync_event(a, &(struct sync_event){ .type = SYNC_EV_REDIAL });
	if (fx->now) agent_sync_event(a, &(struct sync_event){ .type = SYNC_EV_NOW });
}

/* Sends what the verb asked; the reply comes to agent_call_reply, perhaps before this returns. */
static void call_ask(struct agent_call *c)
{
	struct agent *a = c->base.agent;
	const struct verb *v = &c->verb;
	const bool online = sync_link_now(a->sync) == SYNC_LINK_ONLINE;
	uint64_t timeout_ms = v->ask_timeout_ms != 0 ? v->ask_timeout_ms : SYNC_REQUEST_MS_MAX;

	if (!online && timeout_ms > AGENT_ASK_OFFLINE_MS) timeout_ms = AGENT_ASK_OFFLINE_MS;
	if (!online) agent_sync_event(a, &(struct sync_event){ .type = SYNC_EV_NOW });
	c->request_id = ++a->next_request_id;
	const struct sync_event ev = {
		.type = SYNC_EV_REQUEST,
		.request = { .id = c->request_id,
			     .needs = v->ask_needs,
			     .timeout_ms = timeout_ms,
			     .serial = v->ask_serial,
			     .frame = buf_view(&v->ask) },
	};
	agent_sync_event(a, &ev);
}

/* `sync --wait`: is anything still without a receipt? Then the call goes on waiting. */
static enum agent_wait sync_waits(struct agent_call *c)
{
	struct agent *a = c->base.agent;
	const json_t *outbox = json_object_get(c->verb.answer, "outbox");
	const json_int_t queued = json_integer_value(json_object_get(outbox, "queued"));

	if (queued == 0) return AGENT_WAIT_NOTHING;
	if (loop_now_ms(&a->loop) < c->wait_until_ms) return AGENT_WAIT_OUTBOX;
	c->result = fault_set(&c->verb.fault, ERR_TIMEOUT, "still_queued",
			      "%lld changes are still waiting", (long long)queued);
	if (sync_link_now(a->sync) != SYNC_LINK_ONLINE) {
		err_ignore(fault_hint(&c->verb.fault,
				      "The server cannot be reached; nothing is lost"));
	}
	return AGENT_WAIT_NOTHING;
}

static enum agent_wait feed_waits(struct agent_call *c)
{
	const struct agent *a = c->base.agent;
	const bool coming = sync_link_now(a->sync) == SYNC_LINK_ONLINE && !sync_is_live(a->sync);

	if (!coming || loop_now_ms(&a->loop) >= c->wait_until_ms) return AGENT_WAIT_NOTHING;
	return AGENT_WAIT_FEED;
}

static enum agent_wait call_waits(struct agent_call *c)
{
	if (c->result != ERR_OK) return AGENT_WAIT_NOTHING;
	if (c->verb.row->run == verb_sync) return sync_waits(c);
	if (c->verb.row->run != verb_sign_in) return AGENT_WAIT_NOTHING;
	c->wait_until_ms = loop_now_ms(&c->base.agent->loop) + AGENT_FEED_MS;
	return feed_waits(c);
}

/* Arms the timer for the call that gives up first. */
static void calls_arm(struct agent *a)
{
	uint64_t first_ms = UINT64_MAX;

	LIST_FOREACH(it, &a->calls) {
		const struct agent_call *c = CONTAINER_OF(it, struct agent_call, link);
		if (c->waiting != AGENT_WAIT_NOTHING && c->wait_until_ms < first_ms)
			first_ms = c->wait_until_ms;
	}
	const uint64_t now_ms = loop_now_ms(&a->loop);
	if (first_ms == UINT64_MAX) {
		timer_stop(&a->wait_timer);
	} else {
		timer_start(&a->wait_timer, first_ms > now_ms ? first_ms - now_ms : 0);
	}
}

static void call_answer(struct agent_call *c)
{
	struct agent *a = c->base.agent;
	const bool then_stop = c->then_stop;
	const enum err e = c->result;

	if (c->http != NULL && e == ERR_OK) {
		answer_text(c->http, 200, TAKE(c->text));
	} else if (c->http != NULL) {
		answer_fault(c->http, &c->verb.fault);
	}
	agent_call_free(c);
	if (e == ERR_IO || e == ERR_DISK_FULL) {
		log_error("desk", "the disk failed err=%s, ending", err_name(e));
		agent_stop(a, e);
	}
	if (then_stop) agent_close(a);
}

static void call_done(struct worker_job *job)
{
	struct agent_call *c = CONTAINER_OF(job, struct agent_call, base.job);
	struct agent *a = c->base.agent;

	agent_take_facts(a, &c->base.facts);
	if (a->closing) {
		agent_call_free(c); /* http_close has answered for it */
		return;
	}
	call_effects(a, &c->verb.effects);
	if (a->closing) return; /* agent_close frees what is left */
	if (c->result == ERR_OK && c->verb.ask.len > 0) {
		call_ask(c);
		return;
	}
	c->waiting = call_waits(c);
	if (c->waiting == AGENT_WAIT_NOTHING) {
		call_answer(c);
	} else {
		calls_arm(a);
	}
	sign_ins_start(a);
}

static void call_submit(struct agent_call *c)
{
	struct agent *a = c->base.agent;

	c->verb.link = agent_link_now(a);
	const enum err e = worker_submit(&a->worker, &c->base.job);
	if (e == ERR_OK) return;
	c->result = e;
	fault_default(&c->verb.fault, e == ERR_FULL ? ERR_BUSY : e);
	call_answer(c);
}

/* ---- one sign-in at a time ------------------------------------------------------------------ */

/* The server has one challenge per connection: two sign-ins at once would take it from each other,
 * and a right passphrase would count as a wrong one. */
static bool someone_signs_in(const struct agent *a)
{
	LIST_FOREACH(it, &a->calls) {
		const struct agent_call *c = CONTAINER_OF(it, struct agent_call, link);
		const bool signs_in = c->verb.row->run == verb_sign_in && !c->held;
		if (signs_in && c->waiting == AGENT_WAIT_NOTHING) return true;
	}
	return false;
}

static struct agent_call *first_held(const struct agent *a)
{
	LIST_FOREACH(it, &a->calls) {
		struct agent_call *c = CONTAINER_OF(it, struct agent_call, link);
		if (c->held) return c;
	}
	return NULL;
}

/* The next one begins, in the order in which they came. */
static void sign_ins_start(struct agent *a)
{
	struct agent_call *c = first_held(a);

	while (!a->closing && c != NULL && !someone_signs_in(a)) {
		c->held = false;
		call_submit(c);
		c = first_held(a);
	}
}

/* ---- a call's beginning --------------------------------------------------------------------- */

/* Takes the request, also on failure. */
static struct agent_call *call_new(struct agent *a, const struct verb_row *row, json_t *request)
{
	struct agent_call *c = a->call_count < AGENT_CALLS_MAX ? calloc(1, sizeof(*c)) : NULL;

	if (c == NULL) {
		json_decref(request);
		return NULL;
	}
	c->base.agent = a;
	c->base.job.run = call_run;
	c->base.job.done = call_done;
	list_init(&c->link);
	list_append(&a->calls, &c->link);
	a->call_count++;
	if (verb_init(&c->verb, row, request) != ERR_OK) {
		agent_call_free(c);
		return NULL;
	}
	return c;
}

void agent_call_reply(struct agent *a, uint64_t request_id, enum err e, struct view reply,
		      const struct sync_conn *conn)
{
	LIST_FOREACH(it, &a->calls) {
		struct agent_call *c = CONTAINER_OF(it, struct agent_call, link);
		if (c->request_id != request_id) continue;
		c->request_id = 0;
		c->verb.reply_err = e;
		c->verb.reply_conn = *conn;
		buf_clear(&c->verb.reply);
		const enum err kept = buf_append(&c->verb.reply, reply);
		if (kept != ERR_OK) c->verb.reply_err = kept;
		call_submit(c);
		sign_ins_start(a);
		return;
	}
}

void agent_calls_wake(struct agent *a)
{
	LIST_FOREACH_SAFE(it, &a->calls) {
		struct agent_call *c = CONTAINER_OF(it, struct agent_call, link);
		if (c->waiting == AGENT_WAIT_OUTBOX) {
			c->waiting = AGENT_WAIT_NOTHING;
			call_submit(c);
		} else if (c->waiting == AGENT_WAIT_FEED) {
			c->waiting = feed_waits(c);
			if (c->waiting == AGENT_WAIT_NOTHING) call_answer(c);
		}
		if (a->closing) return;
	}
	calls_arm(a);
}

void agent_call_self(struct agent *a, const struct verb_row *row, bool then_stop)
{
	json_t *request = json_object();
	struct agent_call *c = request != NULL ? call_new(a, row, request) : NULL;

	INSIST(row != NULL);
	if (c == NULL) {
		/* Without memory for a lock, ending the process locks as well. */
		if (then_stop || row->run == verb_lock_room) agent_close(a);
		return;
	}
	c->then_stop = then_stop;
	call_submit(c);
}

/* ---- calls from outside ---------------------------------------------------------------------- */

static void refuse(struct http_request *r, enum err e, const char *code, const char *message)
{
	struct fault fault;

	err_ignore(fault_set(&fault, e, code, "%s", message)); /* only its fields are wanted */
	answer_fault(r, &fault);
}

static uint64_t wait_ms_of(const json_t *request)
{
	const json_int_t seconds = json_integer_value(json_object_get(request, "wait_s"));

	if (seconds <= 0) return 0;
	return (seconds > 86400 ? 86400u : (uint64_t)seconds) * 1000u;
}

void agent_on_http(void *ctx, struct http_request *r)
{
	struct agent *a = ctx;
	json_t *request = NULL;

	const struct verb_row *row = strncmp(r->path, "/1/", 3) == 0 ? verb_find(r->path + 3)
								     : NULL;
	if (row == NULL) {
		refuse(r, ERR_USAGE, "no_such_verb", "the agent has no such verb");
		return;
	}
	if (json_object_read(r->body, &request) != ERR_OK) {
		refuse(r, ERR_USAGE, "bad_json", "the body is not one JSON object");
		return;
	}
	const uint64_t wait_until_ms = loop_now_ms(&a->loop) + wait_ms_of(request);
	struct agent_call *c = call_new(a, row, request);
	if (c == NULL) {
		refuse(r, ERR_BUSY, NULL, "the agent has too many calls under way");
		return;
	}
	if (row->is_presence && timer_is_running(&a->idle_timer)) {
		timer_start(&a->idle_timer, a->idle_ms);
	}
	c->http = r;
	c->wait_until_ms = wait_until_ms;
	if (row->run != verb_sign_in) {
		call_submit(c);
		return;
	}
	c->held = true;
	sign_ins_start(a);
}
