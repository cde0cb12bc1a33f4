#include "sim/sim_reference.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "client/store/local_priv.h"
#include "crypt/directory.h"
#include "crypt/hash.h"
#include "record/access.h"
#include "server/store/store_priv.h"
#include "sim/sim_model.h"
#include "sim/sim_server.h"
#include "sim/sim_views.h"
#include "support/reference_say.h"
#include "support/say_state.h"

#include <stdlib.h>

#define SEEN_MAX 8u /* states of one person's rights between two commits */
#define TOUCHED_MAX 1024u
#define ON_ITS_WAY_MS 5000u /* what was read before a commit may leave so long after it */
#define ROOMS_SEEN_MAX 64u
#define DIR_ARENA_BYTES (4u * MIB)
#define CARE (ROLE_THERAPIST | ROLE_LEAD | ROLE_STUDENT)

/* What one person may do, by the server's rows. Roles 0: may not act at all. */
struct right {
	struct id user_id;
	uint64_t roles;
	bool active, blocked;
	bool was_out;            /* ever: disabled or blocked */
	uint64_t seen[SEEN_MAX]; /* roles in force at some time since the commit before the last */
	size_t seen_count;
};

struct row {
	struct id op_id;
	struct id author_id;
	uint64_t seq;
	uint64_t kind;
	uint64_t target_kind;
	enum err code;
	uint64_t erased_ms; /* when a tombstone for it was committed; 0: none */
};

struct touched {
	uint64_t kind; /* KIND_PATIENT, KIND_SESSION_FRAME for a session, a plain record's */
	struct id id;
};

struct sim_reference {
	struct reference *model;
	struct right rights[64];
	size_t right_count;
	uint64_t dir_seq;
	struct row *rows; /* owned, by seq */
	size_t row_count, row_cap;
	struct id retired[ROOMS_SEEN_MAX]; /* rooms, by the last commit */
	size_t retired_count, retired_before;
	size_t ops_before; /* of the model, at the commit before the last */
	size_t ops_last;
	struct touched touched[TOUCHED_MAX];
	size_t touched_count;
	size_t turn; /* which record a room is asked for next */
};

struct sim_reference *sim_reference_new(void)
{
	struct sim_reference *m = calloc(1, sizeof(*m));
	INSIST(m != NULL);
	m->model = reference_new();
	return m;
}

void sim_reference_free(struct sim_reference *m)
{
	if (m == NULL) return;
	reference_free(m->model);
	free(m->rows);
	free(m);
}

const struct reference *sim_reference_model(const struct sim *s)
{
	return s->reference->model;
}

/* ---- rights -------------------------------------------------------------------------- */

static struct right *right_of(struct sim_reference *m, const struct id *user_id)
{
	for (size_t i = 0; i < m->right_count; i++) {
		if (id_equal(&m->rights[i].user_id, user_id)) return &m->rights[i];
	}
	return NULL;
}

static uint64_t roles_in_force(const struct right *right)
{
	return right->active && !right->blocked ? right->roles : 0;
}

static void right_seen(struct right *right)
{
	INSIST(right->seen_count < SEEN_MAX);
	right->seen[right->seen_count++] = roles_in_force(right);
	right->was_out = right->was_out || roles_in_force(right) == 0;
}

static enum err load_directory(struct sim_reference *m, struct store_reader *r)
{
	CLEANUP(arena_finip) struct arena arena;
	struct store_dir_item *items = NULL;
	size_t count = 0;
	arena_init(&arena, DIR_ARENA_BYTES);
	TRY(store_directory_list(r, m->dir_seq, COUNT_OF(m->rights), &arena, &items, &count));
	for (size_t i = 0; i < count; i++) {
		struct dir_entry entry;
		TRY(dir_entry_parse(items[i].item.entry, &entry));
		struct right *right = right_of(m, &entry.user_id);
		if (right == NULL) {
			INSIST(m->right_count < COUNT_OF(m->rights));
			right = &m->rights[m->right_count++];
			*right = (struct right){ .user_id = entry.user_id };
		}
		right->roles = entry.roles;
		right->active = entry.status != DIR_DISABLED;
		right_seen(right);
		m->dir_seq = entry.dir_seq;
	}
	return ERR_OK;
}

static enum err load_blocked(struct sim_reference *m, struct store_reader *r)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(r->db, "SELECT user_id FROM account WHERE blocked_ms IS NOT NULL", DB_NO_ARGS,
		     &stmt));
	for (;;) {
		struct id user_id;
		bool row = false;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		TRY(db_col_id(stmt, 0, &user_id));
		struct right *right = right_of(m, &user_id);
		if (right == NULL || right->blocked) continue;
		right->blocked = true;
		right_seen(right);
	}
}

/* By age of their retiring, so that the first ones are those of before. */
static enum err load_retired(struct sim_reference *m, struct store_reader *r)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	TRY(db_query(r->db, "SELECT room_id FROM room WHERE state = 2", DB_NO_ARGS, &stmt));
	for (;;) {
		struct id room_id;
		bool row = false, known = false;
		TRY(db_step(stmt, &row));
		if (!row) return ERR_OK;
		TRY(db_col_id(stmt, 0, &room_id));
		for (size_t i = 0; i < m->retired_count; i++)
			known = known || id_equal(&m->retired[i], &room_id);
		INSIST(known || m->retired_count < ROOMS_SEEN_MAX);
		if (!known) m->retired[m->retired_count++] = room_id;
	}
}

bool sim_reference_is_retired(const struct sim *s, const struct sim_room *r)
{
	const struct sim_reference *m = s->reference;
	if (!r->up) return false;
	for (size_t i = 0; i < m->retired_count; i++) {
		if (id_equal(&m->retired[i], &local_room(r->local)->room_id)) return true;
	}
	return false;
}

void sim_reference_on_commit(struct sim *s)
{
	struct sim_reference *m = s->reference;
	struct store_reader *r = sim_server_reader(s->server);
	for (size_t i = 0; i < m->right_count; i++) {
		m->rights[i].seen_count = 0;
		right_seen(&m->rights[i]);
	}
	m->retired_before = m->retired_count;
	m->ops_before = m->ops_last;
	m->ops_last = reference_count(m->model);
	enum err e = load_directory(m, r);
	if (e == ERR_OK) e = load_blocked(m, r);
	if (e == ERR_OK) e = load_retired(m, r);
	SIM_CHECK(s, e == ERR_OK, "the server's rights cannot be read: %s", err_name(e));
}

bool sim_reference_may_act(const struct sim *s, const struct id *user_id)
{
	const struct right *right = right_of(s->reference, user_id);
	bool may = false;
	for (size_t i = 0; right != NULL && i < right->seen_count; i++)
		may = may || right->seen[i] != 0;
	return may;
}

bool sim_reference_was_ever_out(const struct sim *s, const struct id *user_id)
{
	const struct right *right = right_of(s->reference, user_id);
	return right != NULL && right->was_out;
}

bool sim_reference_user_was_ever_out(const struct sim *s, const struct sim_user *user)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	struct id user_id = user->id;
	if (id_is_zero(&user_id)) {
		const struct store_reader *r = sim_server_reader(s->server);
		if (r == NULL) return true; /* it is down: who could say? */
		if (db_query_row(r->db, "SELECT user_id FROM account WHERE login = ?1",
				 DB_ARGS(db_text(view_str(user->login))), &stmt) != ERR_OK ||
		    db_col_id(stmt, 0, &user_id) != ERR_OK)
			return false;
	}
	return sim_reference_was_ever_out(s, &user_id);
}

bool sim_reference_is_aside(const struct sim *s, const struct id *op_id, enum err code)
{
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	struct store_reader *r = sim_server_reader(s->server);
	struct id author_id;
	if (r == NULL) return code == ERR_DENIED; /* it is down: asked again at the end */
	if (db_query_row(r->db, "SELECT author_id, code FROM quarantine WHERE op_id = ?1",
			 DB_ARGS(db_id(op_id)), &stmt) != ERR_OK)
		return false;
	return db_col_id(stmt, 0, &author_id) == ERR_OK && db_col_i64(stmt, 1) == (int64_t)code &&
	       code == ERR_DENIED && sim_reference_was_ever_out(s, &author_id);
}

uint64_t sim_reference_roles(const struct sim *s, const struct id *user_id)
{
	const struct right *right = right_of(s->reference, user_id);
	return right == NULL ? 0 : roles_in_force(right);
}

/* By directives that the server has had for a while, and nothing was opened. */
static bool is_withheld(const struct sim *s, const struct id *user_id, const struct id *op_id)
{
	const struct sim_reference *m = s->reference;
	const struct right *right = right_of(s->reference, user_id);
	struct id session_id, patient_id;
	reference_record_of(m->model, op_id, &session_id, &patient_id);
	if (right == NULL || right->seen_count > 1) return false; /* roles are changing */
	if (reference_was_opened(m->model, &patient_id, user_id)) return false;
	return reference_withholds(m->model, op_id, user_id, roles_in_force(right),
				   sim_server_wall_ms(s), m->ops_before);
}

/* Something of this patient may be withheld, or may have been. */
static bool is_touched(const struct sim *s, const struct sim_room *r, const struct id *patient_id)
{
	const struct id *user_id = &s->users[r->person].id;
	return reference_withholds_any(s->reference->model, patient_id, user_id,
				       sim_reference_roles(s, user_id));
}

bool sim_reference_may_be_sent(const struct sim *s, const struct id *user_id,
			       const struct id *op_id, uint64_t kind, bool is_author)
{
	const struct sim_reference *m = s->reference;
	const struct right *right = right_of(s->reference, user_id);
	const uint64_t target_kind = reference_target_kind(m->model, op_id);
	if (right == NULL || !sim_reference_may_act(s, user_id)) return false;
	if (is_author) return true; /* one's own lanes come without gaps */
	if (is_withheld(s, user_id, op_id)) return false;
	for (size_t i = 0; i < right->seen_count; i++) {
		if (reference_may_read(kind, target_kind, right->seen[i], false)) return true;
	}
	return false;
}

/* ---- rows ---------------------------------------------------------------------------- */

static void touch(struct sim_reference *m, uint64_t kind, const struct id *id)
{
	if (id_is_zero(id)) return;
	for (size_t i = 0; i < m->touched_count; i++) {
		if (m->touched[i].kind == kind && id_equal(&m->touched[i].id, id)) return;
	}
	INSIST(m->touched_count < TOUCHED_MAX);
	m->touched[m->touched_count++] = (struct touched){ kind, *id };
}

static void touch_records(struct sim_reference *m, const struct id *op_id)
{
	struct id session_id, patient_id, record_id;
	uint64_t kind = 0;
	reference_record_of(m->model, op_id, &session_id, &patient_id);
	touch(m, KIND_SESSION_FRAME, &session_id);
	touch(m, KIND_PATIENT, &patient_id);
	if (reference_plain_of(m->model, op_id, &kind, &record_id)) touch(m, kind, &record_id);
}

static void check_verdict(struct sim *s, const struct store_row *row, const struct reference_op *op)
{
	const struct right *right = right_of(s->reference, &op->author_id);
	enum err said = ERR_DENIED;
	SIM_CHECK(s, right != NULL && sim_reference_may_act(s, &op->author_id),
		  "seq %llu is an op of somebody who may not act", (unsigned long long)row->seq);
	for (size_t i = 0; right != NULL && i < right->seen_count; i++) {
		if (right->seen[i] == 0) continue;
		said = reference_judge(s->reference->model, op, right->seen[i]);
		if (said == row->code) return;
	}
	sim_fail(s, "seq %llu, kind %llu: the server says %s, the reference %s",
		 (unsigned long long)row->seq, (unsigned long long)row->kind, err_name(row->code),
		 err_name(said));
}

/* Whatever is erased now and was not before. */
static void mark_erased(struct sim *s)
{
	struct sim_reference *m = s->reference;
	const struct row *last = &m->rows[m->row_count - 1];
	if (last->target_kind == 0) return;
	for (size_t i = 0; i < m->row_count; i++) {
		struct row *row = &m->rows[i];
		if (row->erased_ms == 0 && reference_is_erased(m->model, &row->op_id))
			row->erased_ms = s->now_ms;
	}
}

bool sim_reference_words_are_gone(const struct sim *s, const struct id *op_id)
{
	const struct sim_reference *m = s->reference;
	for (size_t i = 0; i < m->row_count; i++) {
		if (!id_equal(&m->rows[i].op_id, op_id)) continue;
		const uint64_t at = m->rows[i].erased_ms;
		return at != 0 && s->now_ms > at + ON_ITS_WAY_MS;
	}
	return false;
}

void sim_reference_on_row(struct sim *s, const struct store_row *row)
{
	struct sim_reference *m = s->reference;
	const struct reference_op op = { .op_id = row->op_id,
					 .author_id = row->author_id,
					 .kind = row->kind,
					 .payload = row->payload };
	check_verdict(s, row, &op);
	for (size_t i = 0; i < m->retired_before; i++) {
		SIM_CHECK(s, !id_equal(&m->retired[i], &row->room_id),
			  "seq %llu was accepted from a retired room",
			  (unsigned long long)row->seq);
	}
	if (m->row_count == m->row_cap) {
		m->row_cap = m->row_cap == 0 ? 256 : 2 * m->row_cap;
		m->rows = realloc(m->rows, m->row_cap * sizeof(*m->rows));
		INSIST(m->rows != NULL);
	}
	struct row *kept = &m->rows[m->row_count++];
	*kept = (struct row){ .op_id = row->op_id,
			      .author_id = row->author_id,
			      .seq = row->seq,
			      .kind = row->kind,
			      .code = row->code };
	if (row->code != ERR_OK) return;
	const enum err e = reference_add(m->model, &op);
	SIM_CHECK(s, e == ERR_OK, "seq %llu was committed and is no good op: %s",
		  (unsigned long long)row->seq, err_name(e));
	kept->target_kind = reference_target_kind(m->model, &row->op_id);
	mark_erased(s);
	touch_records(m, &row->op_id);
}

bool sim_reference_pick(struct sim *s, struct id *ret_op_id)
{
	const struct sim_reference *m = s->reference;
	const size_t from = m->row_count == 0 ? 0 : (size_t)rand_below(&s->rand, m->row_count);
	for (size_t i = 0; i < m->row_count; i++) {
		const struct row *row = &m->rows[(from + i) % m->row_count];
		const struct kind_info *info = kind_find(row->kind);
		const bool words = row->kind == KIND_PATIENT || row->kind == KIND_SESSION_TEXT ||
				   row->kind == KIND_MEASURE || row->kind == KIND_ADDENDUM ||
				   (info != NULL && kind_is_plain(info));
		if (row->code != ERR_OK || !words) continue;
		*ret_op_id = row->op_id;
		return true;
	}
	return false;
}

bool sim_reference_pick_plain(struct sim *s, uint64_t kind, struct id *ret_record_id,
			      struct id *ret_patient_id)
{
	uint64_t found = 0;
	size_t count = 0, at = 0;
	struct id record_id, patient_id;
	while (reference_plain_at(s->reference->model, at++, &found, &record_id, &patient_id)) {
		if (found != kind || rand_below(&s->rand, ++count) != 0) continue;
		*ret_record_id = record_id;
		*ret_patient_id = patient_id;
	}
	return count > 0;
}

/* ---- the server's views -------------------------------------------------------------- */

static void compare(struct sim *s, const char *who, const struct id *id, const struct buf *shown,
		    const struct buf *want)
{
	char line[400], text[ID_TEXT_BYTES];
	if (view_equal(buf_view(shown), buf_view(want))) return;
	say_difference(shown, want, line, sizeof(line));
	id_print(id, text);
	sim_fail(s, "%s: record %.8s is not what the reference says: %s", who, text, line);
}

static void check_view(struct sim *s, uint64_t kind, const struct id *id)
{
	CLEANUP(buf_finip) struct buf shown = { 0 };
	CLEANUP(buf_finip) struct buf want = { 0 };
	struct store_reader *r = sim_server_reader(s->server);
	const struct reference *model = s->reference->model;
	enum err e;
	if (kind == KIND_PATIENT) {
		e = sim_views_say_patient(r, id, &shown);
		reference_say_patient(model, id, true, &want);
	} else if (kind == KIND_SESSION_FRAME) {
		e = sim_views_say_session(r, id, false, &shown);
		reference_say_session(model, id, &want);
	} else {
		e = sim_views_say_plain(r, kind, id, &shown);
		reference_say_plain(model, kind, id, &want);
	}
	SIM_CHECK(s, e == ERR_OK, "the server's views cannot be read: %s", err_name(e));
	compare(s, "the server's views", id, &shown, &want);
}

void sim_reference_check_touched(struct sim *s)
{
	struct sim_reference *m = s->reference;
	for (size_t i = 0; i < m->touched_count && !s->failed; i++)
		check_view(s, m->touched[i].kind, &m->touched[i].id);
	m->touched_count = 0;
}

void sim_reference_check_all(struct sim *s)
{
	for (size_t i = 0; i < sim_model_count(s, SIM_PATIENTS) && !s->failed; i++)
		check_view(s, KIND_PATIENT, &sim_model_at(s, SIM_PATIENTS, i)->id);
	for (size_t i = 0; i < sim_model_count(s, SIM_SESSIONS) && !s->failed; i++)
		check_view(s, KIND_SESSION_FRAME, &sim_model_at(s, SIM_SESSIONS, i)->id);
	SIM_CHECK(s, !reference_has_clash(s->reference->model), "two appointments hold one time");
	uint64_t kind = 0;
	struct id record_id, patient_id;
	for (size_t i = 0; !s->failed; i++) {
		if (!reference_plain_at(s->reference->model, i, &kind, &record_id, &patient_id))
			return;
		check_view(s, kind, &record_id);
	}
}

enum err sim_reference_signed(struct sim *s, const struct id *session_id, uint64_t *ret_digest)
{
	CLEANUP(buf_finip) struct buf text = { 0 };
	struct store_reader *r = sim_server_reader(s->server);
	struct store_session_ref ref;
	TRY(store_session_ref(r, session_id, &ref));
	ENSURE(ref.is_signed, ERR_NOT_FOUND);
	TRY(sim_views_say_session(r, session_id, true, &text));
	const struct hash32 h = hash_bytes(buf_view(&text));
	*ret_digest = load_be64(h.b);
	return ERR_OK;
}

/* ---- what a room shows --------------------------------------------------------------- */

/* Has this room all that its person may read, by numbers and by the directory? */
static bool room_has_all(struct sim *s, struct sim_room *r)
{
	const struct sim_reference *m = s->reference;
	const struct id *user_id = &s->users[r->person].id;
	struct local_cursor c;
	struct hash32 hash;
	if (local_cursor(r->local, &r->desk.vault, &c) != ERR_OK) return false;
	if (dir_head(local_directory(r->local), &hash) != m->dir_seq) return false;
	for (size_t i = m->row_count; i-- > 0 && m->rows[i].seq > c.seq;) {
		const struct row *row = &m->rows[i];
		const bool own = id_equal(&row->author_id, user_id);
		const bool sent =
			row->code == ERR_OK &&
			sim_reference_may_be_sent(s, user_id, &row->op_id, row->kind, own);
		if (own || sent) return false;
	}
	return true;
}

static void look_patient(struct sim *s, struct sim_room *r, const struct id *id)
{
	CLEANUP(buf_finip) struct buf shown = { 0 };
	CLEANUP(buf_finip) struct buf want = { 0 };
	CLEANUP(patient_fold_finip) struct patient_fold fold = { 0 };
	struct patient_state st;
	char who[48];
	const enum err e = local_load_patient(r->local, &r->desk.vault, id, &fold, &st);
	SIM_CHECK(s, e == ERR_OK || e == ERR_NOT_FOUND, "room %u: a patient cannot be read: %s",
		  r->index, err_name(e));
	if (e == ERR_OK) say_patient_state(&st, &shown);
	reference_say_patient(s->reference->model, id, true, &want);
	(void)snprintf(who, sizeof(who), "room %u, %s", r->index, s->users[r->person].login);
	compare(s, who, id, &shown, &want);
}

/* The list of patients is kept apart, in memory. */
static void look_listed(struct sim *s, struct sim_room *r, const struct id *id)
{
	CLEANUP(buf_finip) struct buf shown = { 0 };
	CLEANUP(buf_finip) struct buf want = { 0 };
	struct local_patient p;
	char who[48];
	const enum err e = local_get_patient(r->local, &r->desk.vault, id, &p);
	SIM_CHECK(s, e == ERR_OK || e == ERR_NOT_FOUND, "room %u: no list of patients: %s",
		  r->index, err_name(e));
	if (e == ERR_OK) {
		const char *const words[] = { p.name, p.name_used, p.born, p.phone, p.email };
		for (int i = 0; i < (int)COUNT_OF(words); i++) {
			if (words[i][0] != '\0') say_patient(&shown, i, view_str(words[i]));
		}
	}
	reference_say_patient(s->reference->model, id, false, &want);
	(void)snprintf(who, sizeof(who), "room %u, list of %s", r->index,
		       s->users[r->person].login);
	compare(s, who, id, &shown, &want);
}

/* A room that pulls an erased text later gets its core alone: it does not know which field it stood
 * in and what it replaced, so such a session may show other heads there (tests/sim/README.md). */
static bool lacks_erased_text(struct sim *s, struct sim_room *r, const struct id *session_id)
{
	const struct sim_reference *m = s->reference;
	for (size_t i = 0; i < m->row_count; i++) {
		CLEANUP(op_row_finip) struct op_row row = { 0 };
		struct id session, patient;
		const struct id *op_id = &m->rows[i].op_id;
		if (m->rows[i].kind != KIND_SESSION_TEXT || !reference_is_erased(m->model, op_id))
			continue;
		reference_record_of(m->model, op_id, &session, &patient);
		if (!id_equal(&session, session_id)) continue;
		if (row_find(r->local, &r->desk.vault, op_id, &row) != ERR_OK ||
		    !row.op.has_payload)
			return true;
	}
	return false;
}

static void look_session(struct sim *s, struct sim_room *r, const struct id *id)
{
	CLEANUP(buf_finip) struct buf shown = { 0 };
	CLEANUP(buf_finip) struct buf want = { 0 };
	CLEANUP(session_fold_finip) struct session_fold fold = { 0 };
	struct session_state st;
	char who[48];
	const uint64_t roles = sim_reference_roles(s, &s->users[r->person].id);
	const enum err e = local_load_session(r->local, &r->desk.vault, id, &fold, &st);
	if ((roles & CARE) == 0) {
		SIM_CHECK(s, e == ERR_DENIED, "room %u: %s is shown a session: %s", r->index,
			  s->users[r->person].login, err_name(e));
		return;
	}
	SIM_CHECK(s, e == ERR_OK || e == ERR_NOT_FOUND, "room %u: a session cannot be read: %s",
		  r->index, err_name(e));
	if (e == ERR_OK) {
		say_session_state(&st, &shown);
		SIM_CHECK(s, st.sign == NULL || st.sign->check != FOLD_SIGN_DIFFERS,
			  "room %u: a signed session hashes to something else", r->index);
	}
	if (e == ERR_OK && is_touched(s, r, &st.patient_id)) return; /* look_rows looks at it */
	if (lacks_erased_text(s, r, id)) return;
	reference_say_session(s->reference->model, id, &want);
	(void)snprintf(who, sizeof(who), "room %u, %s", r->index, s->users[r->person].login);
	compare(s, who, id, &shown, &want);
}

static void look_patients(struct sim *s, struct sim_room *r, size_t from, size_t count)
{
	const uint64_t roles = sim_reference_roles(s, &s->users[r->person].id);
	struct local_patient p;
	for (size_t i = from; i < from + count && !s->failed; i++) {
		const struct id *id = &sim_model_at(s, SIM_PATIENTS, i)->id;
		if ((roles & (CARE | ROLE_DESK)) == 0) {
			const enum err e = local_get_patient(r->local, &r->desk.vault, id, &p);
			SIM_CHECK(s, e == ERR_DENIED, "room %u: %s is shown a patient: %s",
				  r->index, s->users[r->person].login, err_name(e));
			continue;
		}
		look_patient(s, r, id);
		look_listed(s, r, id);
	}
}

static void look_plain(struct sim *s, struct sim_room *r, uint64_t kind, const struct id *id,
		       const struct id *patient_id)
{
	CLEANUP(buf_finip) struct buf shown = { 0 };
	CLEANUP(buf_finip) struct buf want = { 0 };
	CLEANUP(record_fold_finip) struct record_fold fold = { 0 };
	const struct record_state *st = NULL;
	char who[48];
	const uint64_t roles = sim_reference_roles(s, &s->users[r->person].id);
	const enum err e =
		local_get_record(r->local, &r->desk.vault, (enum kind)kind, id, &fold, &st);
	if (!reference_may_read(kind, 0, roles, false)) {
		SIM_CHECK(s, e == ERR_DENIED, "room %u: %s is shown a record of kind %llu: %s",
			  r->index, s->users[r->person].login, (unsigned long long)kind,
			  err_name(e));
		return;
	}
	SIM_CHECK(s, e == ERR_OK || e == ERR_NOT_FOUND, "room %u: a record cannot be read: %s",
		  r->index, err_name(e));
	if (is_touched(s, r, patient_id)) return; /* look_rows looks at it */
	if (e == ERR_OK) say_record_state(kind_find(kind), st, &shown);
	reference_say_plain(s->reference->model, kind, id, &want);
	(void)snprintf(who, sizeof(who), "room %u, %s", r->index, s->users[r->person].login);
	compare(s, who, id, &shown, &want);
}

/* All plain records, or one by turns. */
static void look_plains(struct sim *s, struct sim_room *r, bool all, size_t turn)
{
	const struct reference *model = s->reference->model;
	struct id record_id, patient_id;
	uint64_t kind = 0;
	size_t count = 0;
	while (reference_plain_at(model, count, &kind, &record_id, &patient_id)) count++;
	for (size_t i = 0; i < count && !s->failed; i++) {
		if (!all && i != turn % count) continue;
		INSIST(reference_plain_at(model, i, &kind, &record_id, &patient_id));
		look_plain(s, r, kind, &record_id, &patient_id);
	}
}

static enum err count_shown(struct sim *s, struct sim_room *r, bool sessions, size_t *ret_count)
{
	struct local_patient p;
	size_t at = 0, count = 0;
	enum err e;
	while ((e = local_find_patient(r->local, &r->desk.vault, VIEW_EMPTY, &at, &p)) == ERR_OK)
		count++;
	ENSURE(e == ERR_NOT_FOUND, e);
	if (!sessions) *ret_count = count;
	for (size_t i = 0; sessions && i < sim_model_count(s, SIM_PATIENTS); i++) {
		CLEANUP(local_sessions_finip) struct local_sessions found = { 0 };
		e = local_find_sessions(r->local, &r->desk.vault,
					&sim_model_at(s, SIM_PATIENTS, i)->id, &found);
		ENSURE(e == ERR_OK || e == ERR_NOT_FOUND, e);
		*ret_count += found.count;
	}
	return ERR_OK;
}

/* Sessions of a patient whose every word was erased are in no list. */
static size_t listed_sessions(const struct reference *model)
{
	size_t count = 0;
	for (size_t i = 0; i < reference_session_count(model); i++) {
		CLEANUP(buf_finip) struct buf text = { 0 };
		struct id patient_id;
		(void)reference_session_at(model, i, &patient_id);
		reference_say_patient(model, &patient_id, false, &text);
		count += text.len > 0;
	}
	return count;
}

/* No more records than there are, and each in its list. */
static void look_counts(struct sim *s, struct sim_room *r)
{
	const struct reference *model = s->reference->model;
	const uint64_t roles = sim_reference_roles(s, &s->users[r->person].id);
	size_t shown = 0, want = 0;
	if ((roles & (CARE | ROLE_DESK)) == 0) return;
	for (size_t i = 0; i < sim_model_count(s, SIM_PATIENTS); i++) {
		CLEANUP(buf_finip) struct buf text = { 0 };
		reference_say_patient(model, &sim_model_at(s, SIM_PATIENTS, i)->id, false, &text);
		want += text.len > 0;
	}
	enum err e = count_shown(s, r, false, &shown);
	SIM_CHECK(s, e == ERR_OK && shown == want, "room %u: %zu patients of %zu are listed (%s)",
		  r->index, shown, want, err_name(e));
	if ((roles & CARE) == 0) return;
	shown = 0;
	want = listed_sessions(model);
	e = count_shown(s, r, true, &shown);
	SIM_CHECK(s, e == ERR_OK && shown == want, "room %u: %zu sessions of %zu are listed (%s)",
		  r->index, shown, want, err_name(e));
}

struct looking {
	struct sim *s;
	const struct sim_room *r;
};

/* Purged is what may not be read any more; one's own stay. */
static enum err look_row(void *ctx, struct op_row *row)
{
	const struct looking *look = ctx;
	struct sim *s = look->s;
	const struct id *user_id = &s->users[look->r->person].id;
	const uint64_t target_kind = reference_target_kind(s->reference->model, &row->op_id);
	const bool own = id_equal(&row->core.author_id, user_id);
	SIM_CHECK(s, own || !is_withheld(s, user_id, &row->op_id),
		  "room %u: kind %llu is withheld from %s, and it is still there", look->r->index,
		  (unsigned long long)row->core.kind, s->users[look->r->person].login);
	SIM_CHECK(s,
		  own || reference_may_read(row->core.kind, target_kind,
					    sim_reference_roles(s, user_id), false),
		  "room %u: %s may not read kind %llu any more, and it is still there",
		  look->r->index, s->users[look->r->person].login,
		  (unsigned long long)row->core.kind);
	return ERR_OK;
}

static void look_rows(struct sim *s, struct sim_room *r)
{
	struct looking look = { s, r };
	const enum err e =
		row_each_all(r->local, &r->desk.vault, (struct row_visitor){ look_row, &look });
	SIM_CHECK(s, e == ERR_OK, "room %u: its rows cannot be read: %s", r->index, err_name(e));
}

bool sim_reference_look(struct sim *s, struct sim_room *r, bool all)
{
	const size_t patients = sim_model_count(s, SIM_PATIENTS);
	const size_t sessions = sim_model_count(s, SIM_SESSIONS);
	if (r->person >= SIM_USERS_MAX || !sim_server_is_up(s->server)) return false;
	if (!sim_room_is_live(r) || !room_has_all(s, r)) return false;
	const size_t turn = all ? 0 : s->reference->turn++;
	if (patients > 0) look_patients(s, r, all ? 0 : turn % patients, all ? patients : 1);
	for (size_t i = 0; i < sessions && !s->failed; i++) {
		if (all || i == turn % sessions)
			look_session(s, r, &sim_model_at(s, SIM_SESSIONS, i)->id);
	}
	look_plains(s, r, all, turn);
	if (all) look_counts(s, r);
	if (all) look_rows(s, r);
	s->looks++;
	return true;
}
