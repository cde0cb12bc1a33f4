/* A day's work in two rooms: signing in, saving, delivering, reading, locking, starting again. */
#include "world.h"

#include "client/store/local_records.h"

#include <stdlib.h>
#include <string.h>

/* After any of these: all that was saved is there, here and at the server, and also after all
 * programs were started again; and the same goes through now. */
static void check_again(enum err e, enum err (*run)(void))
{
	(void)e;
	fw_recover();
	fw_look();
	FAULT_OK(run());
	fw_recover();
	fw_look();
	fw_restart();
}

/* ---- signing in ------------------------------------------------------------------------------ */

static void set_signed_out(void)
{
	fw_set_clinic();
	room_lock(fw_room(0));
}

static enum err run_sign_in(void)
{
	return room_sign_in(fw_room(0), "jo", JO_PASS);
}

static void check_sign_in(enum err e)
{
	FAULT_CHECK((e == ERR_OK) == (desk_person(&fw_room(0)->desk) != NULL));
	check_again(e, run_sign_in);
}

static void set_offline(void)
{
	set_signed_out();
	room_cut(fw_room(0), true);
}

/* ---- saving ---------------------------------------------------------------------------------- */

static void set_cut(void)
{
	fw_set_clinic();
	room_cut(fw_room(0), true);
}

static enum err run_save(void)
{
	TRY(fw_save_patient(0));
	TRY(fw_save_session(0));
	TRY(fw_save_measure(0));
	TRY(fw_save_text(0, "three times a week"));
	return fw_save_note(0);
}

static void check_save(enum err e)
{
	check_again(e, run_save);
}

/* Import: many records, one transaction, all or nothing. */
static enum err run_batch(void)
{
	struct room *r = fw_room(0);
	const size_t before = fw.saved_count;
	TRY(local_begin(r->local));
	enum err e = ERR_OK;
	for (unsigned i = 0; i < 4 && e == ERR_OK; i++) e = fw_save_patient(0);
	if (e == ERR_OK) e = local_commit(r->local);
	if (e != ERR_OK) {
		local_cancel(r->local, &r->desk.vault);
		fw.saved_count = before;
	}
	return e;
}

static void check_batch(enum err e)
{
	check_again(e, run_batch);
}

static enum err run_sign(void)
{
	struct room *r = fw_room(0);
	struct id op_id;
	TRY(local_sign_session(r->local, &r->desk.vault, &fw.session, fw.w->wall, &op_id));
	fw_note_saved(&op_id);
	return ERR_OK;
}

static void check_sign(enum err e)
{
	fw_recover();
	fw_look();
	/* The word is either given or not: once it is, the text stays. */
	if (e != ERR_OK) {
		const enum err again = run_sign();
		FAULT_CHECK(again == ERR_OK || again == ERR_SIGNED);
	}
	fw_recover();
	FAULT_CHECK(fw_save_measure(0) == ERR_SIGNED);
	fw_look();
	fw_restart();
}

/* ---- delivering ------------------------------------------------------------------------------ */

static void set_full_outbox(void)
{
	set_cut();
	FAULT_OK(run_save());
	fw_room(0)->cut = false; /* it dials when time passes */
}

/* Link, sign-in by itself, Push, Ack here; Feed in room 2. */
static enum err run_deliver(void)
{
	room_cut(fw_room(0), false);
	world_wait(fw.w, 3000);
	return fw_delivered(0);
}

static void check_deliver(enum err e)
{
	check_again(e, run_deliver);
}

static void set_courier(void)
{
	set_cut();
	FAULT_OK(run_save());
	room_lock(fw_room(0));
}

static void set_feed(void)
{
	fw_set_clinic();
	room_cut(fw_room(1), true);
	FAULT_OK(run_save());
	room_saved(fw_room(0));
	FAULT_OK(fw_delivered(0));
}

static enum err run_feed(void)
{
	room_cut(fw_room(1), false);
	world_wait(fw.w, 3000);
	return sync_is_live(fw_room(1)->sync) ? ERR_OK : ERR_OFFLINE;
}

static void check_feed(enum err e)
{
	check_again(e, run_feed);
}

/* ---- locking, reading, starting -------------------------------------------------------------- */

static enum err run_lock(void)
{
	room_lock(fw_room(0));
	return ERR_OK;
}

/* Whatever failed: nobody is in and nothing can be read. */
static void check_lock(enum err e)
{
	struct room *r = fw_room(0);
	struct local_patient p;
	size_t at = 0;
	FAULT_CHECK(desk_person(&r->desk) == NULL);
	FAULT_CHECK(local_find_patient(r->local, &r->desk.vault, VIEW_EMPTY, &at, &p) ==
		    ERR_SIGNED_OUT);
	check_again(e, run_lock);
}

static void set_read(void)
{
	fw_set_clinic();
	FAULT_OK(run_save());
	room_saved(fw_room(0));
}

static enum err read_session(struct room *r)
{
	struct session_fold fold;
	struct session_state s;
	TRY(room_load(r, &fw.session, &fold, &s));
	FAULT_CHECK(s.measure_count == 1);
	session_fold_fini(&fold);
	return ERR_OK;
}

static enum err read_note(struct room *r)
{
	struct local_note n;
	struct view text;
	size_t at = 0;
	TRY(local_next_note(r->local, &r->desk.vault, &fw.patient, &at, &n));
	TRY(local_note_text(r->local, &r->desk.vault, &n.op_id, &text));
	FAULT_CHECK(view_equal(text, view_str(FAULT_NOTE)));
	return ERR_OK;
}

static enum err run_read(void)
{
	struct room *r = fw_room(0);
	struct local_patient p;
	size_t at = 0;
	TRY(local_find_patient(r->local, &r->desk.vault, view_str("maya"), &at, &p));
	FAULT_CHECK(strcmp(p.name, "Maya Rosen") == 0);
	struct local_session_row *rows = NULL;
	size_t count = 0;
	struct local_sessions all = { 0 };
	TRY(local_find_sessions(r->local, &r->desk.vault, &fw.patient, &all));
	const enum err e =
		local_list_sessions(r->local, &r->desk.vault, &all, SIZE_MAX, &rows, &count);
	local_sessions_fini(&all);
	TRY(e);
	free(rows);
	FAULT_CHECK(count == 1);
	TRY(read_session(r));
	TRY(read_note(r));
	struct local_pending *pending = NULL;
	TRY(local_list_pending(r->local, &r->desk.vault, 5, &pending, &count));
	local_pending_free(pending, count);
	return ERR_OK;
}

static void check_read(enum err e)
{
	check_again(e, run_read);
}

static void set_stopped(void)
{
	fw_set_clinic();
	FAULT_OK(run_save());
	room_close(fw_room(0));
	room_close(fw_room(1));
	server_box_close(fw.w->box);
	fw.w->box = NULL;
}

static enum err run_start(void)
{
	struct room *r = fw_room(0);
	struct server_box_options o = { .folder = fw.w->server_folder,
					.rand = fw.w->rand,
					.now_ms = fw.w->now,
					.wall_ms = fw.w->wall };
	o.server_spki[0] = 77;
	TRY(server_box_open(&o, &fw.w->box));
	TRY(local_open(r->folder, fw.w->rand, &r->local));
	return local_tidy(r->local, fw.w->wall);
}

static void check_start(enum err e)
{
	(void)e;
	local_close(fw_room(0)->local);
	fw_room(0)->local = NULL;
	fw_restart();
}

#define WORK(id, label, what, before, go, after)                                                   \
	const struct fault_scene scene_##id = { .name = "world." label,                            \
						.says = what,                                      \
						.set = before,                                     \
						.run = go,                                         \
						.check = after,                                    \
						.end = fw_end,                                     \
						.slow = true }

WORK(sign_in, "sign-in", "Jo signs in", set_signed_out, run_sign_in, check_sign_in);
WORK(offline, "offline", "Jo signs in without the server", set_offline, run_sign_in, check_sign_in);
WORK(save, "save", "patient, session, measure, text, note", set_cut, run_save, check_save);
WORK(batch, "batch", "several records in one transaction", set_cut, run_batch, check_batch);
WORK(sign, "sign", "a session is signed", set_cut, run_sign, check_sign);
WORK(deliver, "deliver", "what waited goes to the server and room 2", set_full_outbox, run_deliver,
     check_deliver);
WORK(deliver_locked, "courier", "what waited goes with nobody signed in", set_courier, run_deliver,
     check_deliver);
WORK(feed, "feed", "room 2 hears what it missed", set_feed, run_feed, check_feed);
WORK(lock, "lock", "Jo locks the room", fw_set_clinic, run_lock, check_lock);
WORK(read, "read", "list, session, note", set_read, run_read, check_read);
WORK(start, "start", "the programs start on what they left", set_stopped, run_start, check_start);
