/* sim_sweep: the long looks: every byte of every file, the server's own check, what people see. */
#include "base/check.h"
#include "base/cleanup.h"
#include "sim/sim_end.h"
#include "sim/sim_model.h"
#include "sim/sim_reference.h"
#include "sim/sim_server.h"
#include "sim/sim_vfs.h"

/* ---- canaries ------------------------------------------------------------------------ */

static void search_drive(struct sim *s, const struct sim_disk *d, const char *word,
			 const char *what)
{
	const char *found = drive_search(d->drive, word);
	SIM_CHECK(s, found == NULL, "%s stands in clear in %s of %s", what, found,
		  drive_folder(d->drive));
}

static void search_canaries(struct sim *s)
{
	search_drive(s, sim_server_disk(s->server), s->canary, "a note");
	for (unsigned i = 0; i < s->swarm.room_count; i++) {
		search_drive(s, &s->rooms[i]->disk, s->canary, "a note");
		search_drive(s, &s->rooms[i]->disk, s->chart, "a name or a session's text");
	}
	SIM_CHECK(s, sim_vfs_temp_files() == 0, "SQLite asked for a temporary file");
}

/* ---- the server's own check ---------------------------------------------------------- */

static void check_store(struct sim *s)
{
	struct store_check_report report = { 0 };
	const enum err e = store_check(sim_server_reader(s->server), &report);
	SIM_CHECK(s, e == ERR_OK, "check database could not run: %s", err_name(e));
	if (e != ERR_OK) return;
	for (int i = 0; i < STORE_CHECK_COUNT; i++) {
		const struct store_check_result *item = &report.items[i];
		SIM_CHECK(s, item->bad == 0, "check database: %s: %llu bad, first %llu: %s",
			  store_check_name((enum store_check_item)i), (unsigned long long)item->bad,
			  (unsigned long long)item->first_bad,
			  item->what == NULL ? "" : item->what);
	}
	SIM_CHECK(s, report.ok, "check database is not content");
	sim_trace_bytes(s, report.logical_digest.b, sizeof(report.logical_digest.b));
	sim_trace(s, "check database: digest %08x", load_be32(report.logical_digest.b));
}

void sim_model_sweep(struct sim *s)
{
	search_canaries(s);
	if (!sim_server_is_up(s->server)) return;
	sim_model_on_server_start(s); /* every row again */
	check_store(s);
	if (!s->failed) sim_reference_check_all(s);
}

/* ---- notes, with their author's keys ------------------------------------------------- */

static void check_note(struct sim *s, struct sim_room *r, const struct local_note *n)
{
	struct view text;
	const struct sim_thing *t = sim_model_find(s, SIM_NOTES, &n->note_id);
	static const struct id nameless;
	const struct id op_id = n->op_id;
	const struct id note_id = t == NULL ? nameless : n->note_id;
	SIM_CHECK(s, t == NULL || t->user == r->person, "room %u: %s sees a note of somebody else",
		  r->index, s->users[r->person].login);
	const enum err e = local_note_text(r->local, &r->desk.vault, &op_id, &text);
	SIM_CHECK(s, e == ERR_OK, "room %u: a note does not open for its author: %s", r->index,
		  err_name(e));
	if (e != ERR_OK) return;
	SIM_CHECK(s, sim_model_note_may_say(s, &note_id, text),
		  "room %u: a note says what was never written", r->index);
}

static void check_notes(struct sim *s, struct sim_room *r)
{
	CLEANUP(buf_finip) struct buf seen = { 0 };
	struct local_note n;
	size_t at = 0;
	enum err e;
	while ((e = local_next_note(r->local, &r->desk.vault, NULL, &at, &n)) == ERR_OK) {
		const struct id note_id = n.note_id;
		check_note(s, r, &n);
		INSIST(buf_append(&seen, id_view(&note_id)) == ERR_OK);
	}
	SIM_CHECK(s, e == ERR_NOT_FOUND, "room %u: notes cannot be listed: %s", r->index,
		  err_name(e));
	for (size_t i = 0; i < sim_model_count(s, SIM_NOTES); i++) {
		const struct sim_thing *t = sim_model_at(s, SIM_NOTES, i);
		bool found = false;
		for (size_t k = 0; k + ID_BYTES <= seen.len; k += ID_BYTES) {
			found = found || view_equal(view_of(seen.p + k, ID_BYTES), id_view(&t->id));
		}
		SIM_CHECK(s,
			  found || !t->sure || t->erased || t->user != r->person ||
				  !sim_model_is_at_server(s, &t->op_id),
			  "room %u: a note of %s is missing", r->index, s->users[r->person].login);
	}
}

/* ---- the same person sees the same everywhere ---------------------------------------- */

static bool room_is_settled(struct sim *s, void *ctx)
{
	(void)s;
	const struct sim_room *r = ctx;
	return sim_room_is_quiet(r) && (r->person >= SIM_USERS_MAX || sim_room_is_live(r));
}

/* A wrong try may have to be waited for: 15 minutes at most (SECURITY 2.7). */
static bool sign_in_at_last(struct sim *s, struct sim_room *r, unsigned user)
{
	for (int tries = 0; tries < 12 && !s->failed; tries++) {
		if (!sim_talk_begin(s, r, SIM_TALK_SIGN_IN, user)) return false;
		(void)sim_run_until(s, 120000, room_is_settled, r);
		if (r->person == user && sync_is_live(r->sync)) return true;
		const bool throttled = r->talk.result == ERR_THROTTLED;
		/* It was not looked at: of two that may hold, the same one is tried again. */
		if (throttled) s->users[user].try_other = !s->users[user].try_other;
		(void)sim_run_until(s, throttled ? THROTTLE_MS_MAX : 30000, NULL, NULL);
	}
	sim_fail(s, "room %u: %s cannot sign in on a healed network: %s", r->index,
		 s->users[user].login, err_name(r->talk.result));
	return false;
}

/* Whoever was disabled or blocked is let in nowhere. */
static void stays_out(struct sim *s, struct sim_room *r, unsigned user)
{
	if (id_is_zero(&s->users[user].id) || !sim_talk_begin(s, r, SIM_TALK_SIGN_IN, user)) return;
	(void)sim_run_until(s, 120000, room_is_settled, r);
	SIM_CHECK(s, r->person == SIM_USERS_MAX, "room %u: %s was dismissed and is let in",
		  r->index, s->users[user].login);
}

static void look_as(struct sim *s, struct sim_room *r, unsigned user)
{
	if (id_is_zero(&s->users[user].id)) return; /* came, and was never seen */
	if (!sim_reference_may_act(s, &s->users[user].id)) {
		stays_out(s, r, user);
		return;
	}
	if (!sign_in_at_last(s, r, user)) return;
	SIM_CHECK(s, sim_reference_look(s, r, true),
		  "room %u: %s has not all that the server has, on a healed network", r->index,
		  s->users[user].login);
	if (s->failed) return;
	sim_trace(s, "room %u: %s sees what the reference says", r->index, s->users[user].login);
	check_notes(s, r);
	sim_room_post_job(s, r, SIM_JOB_LOCK);
	SIM_CHECK(s, sim_run_until(s, 60000, room_is_settled, r),
		  "room %u does not settle after a lock", r->index);
}

void sim_end_look(struct sim *s)
{
	for (unsigned i = 0; i < s->swarm.room_count; i++) {
		if (sim_reference_is_retired(s, s->rooms[i])) continue;
		for (unsigned u = 0; u < s->swarm.user_count && !s->failed; u++) {
			look_as(s, s->rooms[i], u);
		}
	}
}
