#include "base/check.h"
#include "base/cleanup.h"
#include "client/store/feed.h"
#include "client/store/people_priv.h"
#include "sim/sim_model.h"
#include "sim/sim_outbox.h"
#include "sim/sim_reference.h"
#include "sim/sim_room.h"
#include "wire/frame.h"
#include "wire/op.h"

#include <stdlib.h>

#define SIGN_IN_ONLINE_MS 15000u
#define SIGN_IN_OFFLINE_MS 2500u
#define FETCH_MS 5000u
#define LOOK_STEPS 4u
#define PASSPHRASE_SETTLE_MS 180000u /* longer than any black hole and any wait for a reply */

void sim_done_free(struct sim_done *d)
{
	if (d == NULL) return;
	if (d->has_result) sync_result_fini(&d->result);
	buf_fini(&d->farewell);
	buf_fini(&d->request);
	free(d);
}

/* ---- talks --------------------------------------------------------------------------- */

bool sim_talk_begin(struct sim *s, struct sim_room *r, enum sim_talk_kind kind, unsigned user)
{
	if (!r->up || r->talk.kind != SIM_TALK_NONE) return false;
	secret_free(r->talk.code);
	r->talk = (struct sim_talk){ .kind = kind, .user = user };
	sim_room_post_job(s, r, SIM_JOB_TALK);
	return true;
}

void sim_talk_end(struct sim_room *r, enum err result)
{
	struct sim_talk *t = &r->talk;
	desk_sign_in_free(t->sign_in);
	t->sign_in = NULL;
	passphrase_swap_free(t->swap);
	t->swap = NULL;
	buf_fini(&t->sent);
	if (result != ERR_OK) {
		secret_free(t->code);
		t->code = NULL;
	}
	t->kind = SIM_TALK_NONE;
	t->request_id = 0;
	t->result = result;
}

/* The request in d->request goes out; its reply is the next step. */
static void talk_ask(struct sim_room *r, struct sim_done *d, enum sync_needs needs,
		     uint64_t timeout_ms, uint64_t serial)
{
	d->needs = needs;
	d->timeout_ms = timeout_ms;
	d->request_serial = serial;
	r->talk.request_id = r->next_request++;
	r->talk.step++;
}

static bool vault_is_empty(const struct vault *v)
{
	return !v->open && v->keyring == NULL && v->local_key == NULL && v->tag_key == NULL;
}

static bool local_is_forgotten(const struct local *l)
{
	return !l->loaded && l->patients == NULL && l->patient_count == 0 && l->notes == NULL &&
	       l->note_count == 0 && l->lane_count == 0;
}

static void room_lock(struct sim *s, struct sim_room *r, struct sim_done *d)
{
	if (desk_person(&r->desk) == NULL) return;
	sim_trace(s, "room %u locks", r->index);
	desk_lock(&r->desk, sim_room_wall_ms(s, r), &d->farewell);
	SIM_CHECK(s, desk_person(&r->desk) == NULL && vault_is_empty(&r->desk.vault),
		  "room %u: keys are left after a lock", r->index);
	SIM_CHECK(s, local_is_forgotten(r->local), "room %u: names are left after a lock",
		  r->index);
	d->person_out = true;
	r->person = SIM_USERS_MAX;
}

static bool is_link_trouble(enum err e)
{
	return e == ERR_OFFLINE || e == ERR_TIMEOUT || e == ERR_REFUSED || e == ERR_CLOSED ||
	       e == ERR_TLS || e == ERR_TRUNCATED;
}

/* The server let this passphrase in: now it is known which one it has. */
static void passphrase_settle(const struct sim *s, const struct sim_room *r, struct sim_user *u)
{
	if (u->other[0] == '\0' || s->now_ms < u->decided_ms) return;
	if (strcmp(r->talk.tried, u->other) == 0) {
		memcpy(u->passphrase, u->other, sizeof(u->passphrase));
	}
	u->other[0] = '\0';
}

static void signed_in(struct sim *s, struct sim_room *r, struct sim_done *d, bool online)
{
	d->person_in = true;
	d->person = r->desk.vault.user_id;
	memcpy(d->login, r->desk.vault.login, sizeof(d->login));
	r->person = r->talk.user;
	struct sim_user *u = &s->users[r->talk.user];
	if (id_is_zero(&u->id)) u->id = d->person;
	SIM_CHECK(s, id_equal(&u->id, &d->person), "room %u: %s has another id now", r->index,
		  u->login);
	SIM_CHECK(s, !r->talk.wrong, "room %u: %s signed in with a wrong passphrase", r->index,
		  u->login);
	if (online) passphrase_settle(s, r, u);
	sim_trace(s, "room %u: %s is in, %s", r->index, d->login, online ? "online" : "offline");
}

static enum err sign_in_begin(struct sim *s, struct sim_room *r, struct sim_done *d)
{
	struct sim_user *u = &s->users[r->talk.user];
	const char *passphrase = r->talk.wrong ? "not the one that was chosen" : u->passphrase;
	if (!r->talk.wrong && u->other[0] != '\0') {
		if (u->try_other) passphrase = u->other;
		u->try_other = !u->try_other;
	}
	(void)snprintf(r->talk.tried, sizeof(r->talk.tried), "%s", passphrase);
	room_lock(s, r, d);
	TRY(desk_sign_in_begin(&r->desk, u->login, view_str(passphrase), &r->talk.sign_in,
			       &d->request));
	const bool online = sync_link_now(r->sync) == SYNC_LINK_ONLINE;
	d->now = !online;
	talk_ask(r, d, SYNC_NEEDS_LINK, online ? SIGN_IN_ONLINE_MS : SIGN_IN_OFFLINE_MS, 0);
	return ERR_MORE;
}

static enum err sign_in_step(struct sim *s, struct sim_room *r, struct sim_job *j,
			     struct sim_done *d)
{
	struct sim_talk *t = &r->talk;
	const uint64_t wall_ms = sim_room_wall_ms(s, r);
	uint64_t wait_ms = 0;
	if (t->step == 0) return sign_in_begin(s, r, d);
	if (is_link_trouble(j->reply_err)) {
		TRY(desk_sign_in_offline(&r->desk, t->sign_in, wall_ms, &wait_ms));
		signed_in(s, r, d, false);
		return ERR_OK;
	}
	TRY(j->reply_err);
	if (t->step == 1) {
		TRY(desk_sign_in_prove(&r->desk, t->sign_in, buf_view(&j->reply), &j->reply_conn,
				       &d->request));
		talk_ask(r, d, SYNC_NEEDS_LINK, SIGN_IN_ONLINE_MS, j->reply_conn.serial);
		return ERR_MORE;
	}
	room_lock(s, r, d);
	TRY(desk_sign_in_finish(&r->desk, t->sign_in, buf_view(&j->reply), wall_ms, &d->cursor));
	d->serial = j->reply_conn.serial;
	signed_in(s, r, d, true);
	return ERR_OK;
}

/* Added, now or by a try whose answer was lost: the id is learned at the first sign-in. */
static void user_is_there(struct sim *s, const struct sim_room *r)
{
	if (s->wild && r->talk.user == s->swarm.user_count) s->swarm.user_count++;
}

static enum err add_user_step(struct sim *s, struct sim_room *r, struct sim_job *j,
			      struct sim_done *d)
{
	struct sim_user *u = &s->users[r->talk.user];
	struct id user_id;
	if (r->talk.step > 0) {
		if (j->reply_err == ERR_OK || j->reply_err == ERR_EXISTS) user_is_there(s, r);
		TRY(j->reply_err);
		u->id = r->talk.subject;
		return people_sent(r->local, buf_view(&r->talk.sent), sim_room_wall_ms(s, r));
	}
	const struct new_user new_user = { .name = u->name,
					   .login = u->login,
					   .roles = u->roles,
					   .passphrase = view_str(u->passphrase) };
	enum passphrase_fault fault = PASSPHRASE_NONE;
	struct record_error error = { .err = ERR_OK };
	const enum err e = people_add(r->local, &r->desk.vault, &new_user, &d->request, &user_id,
				      &fault, &error);
	if (e == ERR_EXISTS) user_is_there(s, r);
	TRY(e);
	r->talk.subject = user_id;
	TRY(buf_append(&r->talk.sent, buf_view(&d->request)));
	talk_ask(r, d, SYNC_NEEDS_PERSON, SYNC_REQUEST_MS_MAX, 0);
	return ERR_MORE;
}

/* talk.user is the number of the new room, which has its name already. */
static enum err invite_step(struct sim *s, struct sim_room *r, struct sim_job *j,
			    struct sim_done *d)
{
	if (r->talk.step > 0) return j->reply_err;
	TRY(people_invite(r->local, &r->desk.vault, s->rooms[r->talk.user]->name, "treatment",
			  sim_room_wall_ms(s, r), &d->request, &r->talk.code));
	talk_ask(r, d, SYNC_NEEDS_PERSON, SYNC_REQUEST_MS_MAX, 0);
	return ERR_MORE;
}

/* No verb changes roles yet: the entry is made as people_disable makes one. */
static enum err roles_frame(struct sim *s, struct sim_room *r, struct buf *out)
{
	CLEANUP(buf_finip) struct buf entry = { 0 };
	const struct directory *dir = local_directory(r->local);
	const struct vault *v = &r->desk.vault;
	const struct dir_user *u = dir_user(dir, &s->users[r->talk.user].id);
	ENSURE(u != NULL && u->active, ERR_NOT_FOUND);
	ENSURE(dir_user_has(dir, &v->user_id, DIR_OWNER), ERR_DENIED);
	const struct dir_key *key = dir_key(dir, &u->id, u->g);
	struct dir_entry e = { .user_id = u->id,
			       .g = u->g,
			       .name = view_str(u->name),
			       .roles = r->talk.roles,
			       .sign_pk = key->sign_pk,
			       .box_pk = key->box_pk,
			       .status = DIR_ACTIVE,
			       .signer_id = v->user_id,
			       .signer_g = v->g };
	const struct dir_signers signers = { .by_signer = &v->sign };
	struct dir_signed made = { 0 };
	Roomkeep__PutDirectory m = ROOMKEEP__PUT_DIRECTORY__INIT;
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	TRY(dir_entry_make(dir, &e, &signers, &entry, &made));
	Roomkeep__DirectoryItem item = people_item(&made, NULL);
	m.item = &item;
	f.body_case = ROOMKEEP__FRAME__BODY_PUT_DIRECTORY;
	f.put_directory = &m;
	return body_encode(&f, out);
}

static enum err directory_step(struct sim *s, struct sim_room *r, struct sim_job *j,
			       struct sim_done *d)
{
	if (desk_person(&r->desk) == NULL) return ERR_SIGNED_OUT;
	if (r->talk.step > 0) {
		TRY(j->reply_err);
		return people_sent(r->local, buf_view(&r->talk.sent), sim_room_wall_ms(s, r));
	}
	if (r->talk.roles == 0)
		TRY(people_disable(r->local, &r->desk.vault, &s->users[r->talk.user].id,
				   &d->request));
	else
		TRY(roles_frame(s, r, &d->request));
	TRY(buf_append(&r->talk.sent, buf_view(&d->request)));
	talk_ask(r, d, SYNC_NEEDS_PERSON, SYNC_REQUEST_MS_MAX, 0);
	return ERR_MORE;
}

static enum err retire_step(struct sim *s, struct sim_room *r, struct sim_job *j,
			    struct sim_done *d)
{
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__RetireRoom m = ROOMKEEP__RETIRE_ROOM__INIT;
	if (r->talk.step > 0) return j->reply_err;
	struct sim_room *other = s->rooms[r->talk.user];
	m.name = other->name;
	f.body_case = ROOMKEEP__FRAME__BODY_RETIRE_ROOM;
	f.retire_room = &m;
	TRY(body_encode(&f, &d->request));
	other->retire_asked = true;
	talk_ask(r, d, SYNC_NEEDS_PERSON, SYNC_REQUEST_MS_MAX, 0);
	return ERR_MORE;
}

/* Of every second patient only the newest session is asked for, of every fourth out of the old. */
static struct feed_fetch fetch_what(const struct sim *s, const struct sim_room *r)
{
	const uint8_t draw = r->talk.subject.b[ID_BYTES - 1];
	return (struct feed_fetch){ .patient_id = r->talk.subject,
				    .is_part = draw % 2 == 1,
				    .sessions_max = 1,
				    .before_ms = draw % 4 == 1 ? sim_room_wall_ms(s, r) : 0 };
}

static enum err fetch_ask(struct sim *s, struct sim_room *r, struct sim_done *d, uint64_t after_seq)
{
	CLEANUP(buf_finip) struct buf framed = { 0 };
	Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;
	Roomkeep__Fetch fetch = ROOMKEEP__FETCH__INIT;
	fetch.has_patient_id = fetch.has_after_seq = 1;
	fetch.patient_id = wire_id_bytes(&r->talk.subject);
	fetch.after_seq = after_seq;
	const struct feed_fetch what = fetch_what(s, r);
	fetch.has_sessions_max = what.is_part;
	fetch.sessions_max = what.sessions_max;
	fetch.has_before_ms = what.is_part && what.before_ms > 0;
	fetch.before_ms = what.before_ms;
	frame.body_case = ROOMKEEP__FRAME__BODY_FETCH;
	frame.fetch = &fetch;
	TRY(frame_encode(&frame, &framed));
	TRY(buf_append(&d->request,
		       view_of(framed.p + FRAME_HEADER_BYTES, framed.len - FRAME_HEADER_BYTES)));
	talk_ask(r, d, SYNC_NEEDS_PERSON, FETCH_MS, 0);
	return ERR_MORE;
}

static enum err fetch_step(struct sim *s, struct sim_room *r, struct sim_job *j, struct sim_done *d)
{
	uint64_t after_seq = 0;
	bool more = false;
	if (desk_person(&r->desk) == NULL) return ERR_SIGNED_OUT;
	if (r->talk.step == 0) return fetch_ask(s, r, d, 0);
	TRY(j->reply_err);
	const struct feed_fetch what = fetch_what(s, r);
	TRY(feed_apply_page(r->local, &r->desk.vault, &what, buf_view(&j->reply),
			    sim_room_wall_ms(s, r), &after_seq, &more));
	return more ? fetch_ask(s, r, d, after_seq) : ERR_OK;
}

static enum err passphrase_begin(struct sim *s, struct sim_room *r, struct sim_done *d)
{
	struct sim_user *u = &s->users[r->talk.user];
	char chosen[sizeof(u->other)];
	enum passphrase_fault fault = PASSPHRASE_NONE;
	if (u->other[0] != '\0') return ERR_OK; /* one at a time */
	(void)snprintf(chosen, sizeof(chosen), "another %016llx for the harbour",
		       (unsigned long long)rand_u64(&s->rand));
	TRY(people_passphrase(r->local, &r->desk.vault, view_str(u->passphrase), view_str(chosen),
			      &d->request, &r->talk.swap, &fault));
	memcpy(u->other, chosen, sizeof(u->other));
	u->changed = true;
	u->decided_ms = s->now_ms + PASSPHRASE_SETTLE_MS;
	talk_ask(r, d, SYNC_NEEDS_PERSON, SYNC_REQUEST_MS_MAX, 0);
	return ERR_MORE;
}

static enum err passphrase_step(struct sim *s, struct sim_room *r, struct sim_job *j,
				struct sim_done *d)
{
	struct sim_user *u = &s->users[r->talk.user];
	if (desk_person(&r->desk) == NULL || r->person != r->talk.user) return ERR_SIGNED_OUT;
	if (r->talk.step == 0) return passphrase_begin(s, r, d);
	TRY(j->reply_err);
	memcpy(u->passphrase, u->other, sizeof(u->passphrase));
	u->other[0] = '\0';
	return people_passphrase_done(r->local, &r->desk.vault, r->talk.swap);
}

static enum err talk_step(struct sim *s, struct sim_room *r, struct sim_job *j, struct sim_done *d)
{
	switch (r->talk.kind) {
	case SIM_TALK_NONE: return ERR_OK;
	case SIM_TALK_SIGN_IN: return sign_in_step(s, r, j, d);
	case SIM_TALK_ADD_USER: return add_user_step(s, r, j, d);
	case SIM_TALK_INVITE: return invite_step(s, r, j, d);
	case SIM_TALK_FETCH: return fetch_step(s, r, j, d);
	case SIM_TALK_PASSPHRASE: return passphrase_step(s, r, j, d);
	case SIM_TALK_DIRECTORY: return directory_step(s, r, j, d);
	case SIM_TALK_RETIRE: return retire_step(s, r, j, d);
	}
	return ERR_BUG;
}

/* What may come of a talk when nobody is at fault. */
static bool talk_may_end(const struct sim *s, const struct sim_room *r, enum err e)
{
	if (e == ERR_OK || is_link_trouble(e)) return true;
	const struct sim_user *u = &s->users[r->talk.user];
	switch (r->talk.kind) {
	case SIM_TALK_SIGN_IN:
		/* Offline before the first time here; too many wrong tries. */
		if (e == ERR_NOT_FOUND || e == ERR_THROTTLED || e == ERR_EXPIRED) return true;
		if (e == ERR_DENIED) return sim_reference_user_was_ever_out(s, u);
		return e == ERR_AUTH &&
		       (r->talk.wrong || u->changed || sim_reference_user_was_ever_out(s, u));
	case SIM_TALK_FETCH: return e == ERR_SIGNED_OUT || e == ERR_DENIED || e == ERR_NOT_FOUND;
	case SIM_TALK_PASSPHRASE:
		/* Changed in another room meanwhile, or no copy of the keyring here. */
		return e == ERR_SIGNED_OUT || e == ERR_AUTH || e == ERR_CONFLICT ||
		       e == ERR_NOT_FOUND;
	case SIM_TALK_INVITE:
		/* Its end is told by the room's clock, and the server allows an hour. */
		if (s->wild && (e == ERR_BAD_VALUE || e == ERR_EXPIRED)) return true;
		return s->wild && (e == ERR_SIGNED_OUT || e == ERR_DENIED || e == ERR_EXISTS);
	case SIM_TALK_ADD_USER:
	case SIM_TALK_DIRECTORY:
	case SIM_TALK_RETIRE:
		/* Another owner was first, or this one is none any more. */
		return s->wild && (e == ERR_SIGNED_OUT || e == ERR_DENIED || e == ERR_EXISTS ||
				   e == ERR_FORK || e == ERR_LANE_GAP || e == ERR_NOT_FOUND);
	case SIM_TALK_NONE: break;
	}
	return false;
}

static void talk_run(struct sim *s, struct sim_room *r, struct sim_job *j, struct sim_done *d)
{
	const unsigned kind = r->talk.kind;
	const unsigned step = r->talk.step;
	if (kind == SIM_TALK_NONE) return;
	const enum err e = talk_step(s, r, j, d);
	sim_trace(s, "room %u: talk %u step %u: %s", r->index, kind, step, err_name(e));
	if (e == ERR_MORE && d->request.len > 0) return;
	buf_clear(&d->request);
	SIM_CHECK(s,
		  sim_disk_struck(&r->disk) || sim_disk_excuses(&r->disk, e) ||
			  talk_may_end(s, r, e),
		  "room %u: talk %u step %u ended with %s", r->index, kind, step, err_name(e));
	r->exit_due = sim_disk_excuses(&r->disk, e);
	sim_talk_end(r, e);
}

/* ---- jobs ---------------------------------------------------------------------------- */

static const char *const ask_names[SYNC_ASK_COUNT] = {
	"welcome", "directory", "login proof", "login ok", "login refused", "push",
	"courier", "ack",       "feed",        "scope",    "backed up",
};

static void ask_run(struct sim *s, struct sim_room *r, struct sim_job *j, struct sim_done *d)
{
	desk_run(&r->desk, sim_room_wall_ms(s, r), &j->ask, &d->result);
	d->has_result = true;
	const enum err e = d->result.err;
	sim_trace(s, "room %u: %s: %s, queued %llu", r->index, ask_names[j->ask.type], err_name(e),
		  (unsigned long long)d->result.queued);
	if (sim_disk_struck(&r->disk)) return;
	if (sim_disk_excuses(&r->disk, e)) {
		r->exit_due = true;
		return;
	}
	SIM_CHECK(s,
		  e != ERR_IO && e != ERR_DISK_FULL && e != ERR_CORRUPT && e != ERR_STORE &&
			  e != ERR_BUG && e != ERR_NOMEM,
		  "room %u: %s failed: %s", r->index, ask_names[j->ask.type], err_name(e));
	SIM_CHECK(s, d->result.reason == SYNC_REASON_NONE, "room %u: %s: refuses the server: %s",
		  r->index, ask_names[j->ask.type], sync_reason_name(d->result.reason));
	if (j->ask.type == SYNC_ASK_ACK && e == ERR_OK) {
		sim_model_on_ack(s, r, buf_view(&j->ask.frame));
	}
}

void sim_desk_run(struct sim *s, struct sim_room *r, struct sim_job *j, struct sim_done *d)
{
	enum err e = ERR_OK;
	switch (j->type) {
	case SIM_JOB_ASK: ask_run(s, r, j, d); break;
	case SIM_JOB_TALK: talk_run(s, r, j, d); break;
	case SIM_JOB_DOING: sim_do(s, r, d); break;
	case SIM_JOB_LOCK: room_lock(s, r, d); break;
	case SIM_JOB_TIDY: e = local_tidy(r->local, sim_room_wall_ms(s, r)); break;
	}
	r->exit_due = r->exit_due || sim_disk_excuses(&r->disk, e);
	SIM_CHECK(s, e == ERR_OK || r->exit_due, "room %u: tidying failed: %s", r->index,
		  err_name(e));
}

void sim_desk_look(struct sim *s, struct sim_room *r)
{
	if (s->step % LOOK_STEPS == 0) sim_outbox_check(s, r);
	const uint64_t quiet = 1ull << LOCAL_ALARM_CLOCK; /* clocks are wrong on purpose */
	const uint64_t alarms = local_alarms(r->local) & ~quiet;
	for (int a = 1; a < LOCAL_ALARM_COUNT; a++) {
		SIM_CHECK(s, (alarms >> a & 1u) == 0,
			  "room %u raised alarm %s against an honest server", r->index,
			  local_alarm_name((enum local_alarm)a));
	}
	if (r->person >= SIM_USERS_MAX || desk_person(&r->desk) == NULL) return;
	struct local_cursor c;
	const enum err e = local_cursor(r->local, &r->desk.vault, &c);
	SIM_CHECK(s, e == ERR_OK, "room %u: no cursor: %s", r->index, err_name(e));
	if (e != ERR_OK) return;
	/* It only rises, but for a change of access or of what is withheld, after which all is
	 * pulled again: another number, not a larger one (wire.proto). */
	struct sim_cursor *seen = &r->cursor_seen[r->person];
	SIM_CHECK(s, c.seq >= seen->seq || c.scope_version != seen->scope_version,
		  "room %u: cursor fell from %llu to %llu", r->index, (unsigned long long)seen->seq,
		  (unsigned long long)c.seq);
	const bool first = id_is_zero(&c.epoch) && c.seq == 0;
	SIM_CHECK(s, first || id_equal(&c.epoch, &local_room(r->local)->epoch.epoch),
		  "room %u: a cursor of another epoch", r->index);
	*seen = (struct sim_cursor){ .seq = c.seq, .scope_version = c.scope_version };
	/* The more rooms, the less each: a look opens every row of a record. */
	if (s->step % LOOK_STEPS == 0) (void)sim_reference_look(s, r, false);
}
