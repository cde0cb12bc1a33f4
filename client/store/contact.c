/* contact: the server's records, directory and sign-in answer, checked against what is pinned
 * here. */
#include "client/store/feed.h"
#include "client/store/local_priv.h"

#include "crypt/audit.h"
#include "crypt/enc.h"

#define CONTACT_DIR_PIN "dir_pin" /* from the join blob: seq, hash */
#define VAULT_LABEL "crs1/vault-plain"
#define VAULT_FORMAT 1u

static enum err frame_read(struct arena *a, struct view frame, Roomkeep__Frame__BodyCase want,
			   Roomkeep__Frame **ret)
{
	arena_init(a, 2 * FRAME_PARSE_BYTES_MAX);
	TRY(frame_decode(a, frame, ret));
	return (*ret)->body_case == want ? ERR_OK : ERR_PROTO;
}

/* ---- signed heads of the audit log ----------------------------------------------------------- */

static enum err head_store(struct local *l, const struct audit_head *h, const struct sign_sig *sig)
{
	TRY(db_run(l->db,
		   "INSERT OR IGNORE INTO log_head (epoch, seq, entry, time_ms, signature)"
		   " VALUES (?1, ?2, ?3, ?4, ?5)",
		   DB_ARGS(db_blob(id_view(&h->epoch)), db_u64(h->seq),
			   db_blob(hash_view(&h->entry)), db_u64(h->time_ms),
			   db_blob(sign_sig_view(sig)))));
	return db_run(l->db,
		      "DELETE FROM log_head WHERE (epoch, seq) IN (SELECT epoch, seq FROM log_head"
		      " ORDER BY time_ms DESC, seq DESC LIMIT -1 OFFSET ?1)",
		      DB_ARGS(db_u64(LOCAL_HEADS_KEPT)));
}

enum err head_keep(struct local *l, const Roomkeep__SignedHead *head, uint64_t now_ms)
{
	if (head == NULL) return ERR_OK;
	struct audit_head h = { .clinic_id = l->room.clinic_id,
				.seq = head->seq,
				.time_ms = head->time_ms };
	struct sign_sig sig;
	TRY(wire_id(head->epoch, &h.epoch));
	TRY(hash_from_view(wire_view(head->entry), &h.entry));
	TRY(sign_sig_from_view(wire_view(head->signature), &sig));
	TRY(audit_head_verify(&h, &l->room.server.log_pk, &sig));

	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	const enum err e = db_query_row(l->db,
					"SELECT entry FROM log_head WHERE epoch = ?1 AND seq = ?2",
					DB_ARGS(db_blob(id_view(&h.epoch)), db_u64(h.seq)), &stmt);
	if (e == ERR_NOT_FOUND) return head_store(l, &h, &sig);
	TRY(e);
	if (view_equal(db_col_view(stmt, 0), hash_view(&h.entry))) return ERR_OK;
	return local_raise(l, LOCAL_ALARM_LOG_HEAD, now_ms);
}

/* ---- Welcome --------------------------------------------------------------------------------- */

static enum err welcome_epoch(struct local *l, const Roomkeep__Welcome *w, uint64_t now_ms)
{
	ENSURE(w->epoch_record != NULL && w->epoch_record->has_body, ERR_AUTH);
	if (view_equal(wire_view(w->epoch_record->body), buf_view(&l->epoch_bytes))) return ERR_OK;
	/* A restore, or another server's past: nothing is pushed or pulled until an owner's room
	 * has looked (SECURITY 4.6). */
	TRY(local_raise(l, LOCAL_ALARM_EPOCH, now_ms));
	return ERR_VERSION;
}

static enum err welcome_server_record(struct local *l, const Roomkeep__Welcome *w, uint64_t now_ms)
{
	ENSURE(w->server_record != NULL, ERR_AUTH);
	const struct view body = wire_view(w->server_record->body);
	struct sign_sig sig;
	struct server_record r = { 0 };
	enum err e = sign_sig_from_view(wire_view(w->server_record->signature), &sig);
	if (e == ERR_OK)
		e = server_record_verify(body, &sig, &l->room.clinic_id, &l->room.root_pk, &r);
	if (e == ERR_OK && r.seq < l->room.server.seq) e = ERR_AUTH;
	if (e == ERR_OK && r.seq == l->room.server.seq &&
	    !view_equal(body, buf_view(&l->server_bytes)))
		e = ERR_AUTH;
	if (e == ERR_NOMEM) return e;
	if (e != ERR_OK) {
		TRY(local_raise(l, LOCAL_ALARM_SERVER_RECORD, now_ms));
		return ERR_AUTH;
	}
	if (r.seq == l->room.server.seq) return ERR_OK;
	TRY(meta_set_signed(l, "server_record", body, &sig));
	buf_clear(&l->server_bytes);
	TRY(buf_append(&l->server_bytes, body));
	l->server_sig = sig;
	l->room.server = r;
	return ERR_OK;
}

static enum err welcome_clock(struct local *l, const Roomkeep__Welcome *w, uint64_t now_ms)
{
	if (w->time_ms > l->floor_ms) {
		TRY(meta_set_u64(l, "floor_ms", w->time_ms));
		l->floor_ms = w->time_ms;
	}
	TRY(meta_set_u64(l, "server_ms", now_ms));
	l->server_ms = now_ms;
	const uint64_t skew = w->time_ms > now_ms ? w->time_ms - now_ms : now_ms - w->time_ms;
	return skew > LOCAL_SKEW_MS_MAX ? local_raise(l, LOCAL_ALARM_CLOCK, now_ms) : ERR_OK;
}

static enum err directory_alarm(struct local *l, uint64_t now_ms)
{
	TRY(local_raise(l, LOCAL_ALARM_DIRECTORY, now_ms));
	return ERR_FORK;
}

static enum err welcome_directory(struct local *l, const Roomkeep__Welcome *w, uint64_t now_ms,
				  bool *ret_more)
{
	struct hash32 ours;
	struct hash32 theirs;
	const uint64_t seq = dir_head(&l->dir, &ours);
	ENSURE(w->has_dir_seq && hash_from_view(wire_view(w->dir_hash), &theirs) == ERR_OK,
	       ERR_AUTH);
	if (w->dir_seq < seq) return directory_alarm(l, now_ms);
	if (w->dir_seq == seq && !hash_equal(&ours, &theirs)) return directory_alarm(l, now_ms);
	*ret_more = w->dir_seq > seq;
	return ERR_OK;
}

/* ---- copies of keyrings that are good no more ------------------------------------------------ */

static enum err account_apply(struct local *l, const Roomkeep__AccountState *state)
{
	CLEANUP(account_finip) struct account acc = { 0 };
	struct keyring_head head = { 0 };
	struct id user_id = { 0 };
	TRY(wire_id(state->user_id, &user_id));
	const enum err e = account_by_id(l, &user_id, &acc);
	if (e == ERR_NOT_FOUND) return ERR_OK; /* nobody who signed in here */
	TRY(e);
	if (!acc.have_blob) return ERR_OK;
	const bool newest = keyring_read_head(buf_view(&acc.blob), &head) == ERR_OK &&
			    head.rev >= state->keyring_rev;
	if (newest && !state->blocked) return ERR_OK;
	return account_drop_blob(l, &user_id);
}

static enum err accounts_apply(struct local *l, Roomkeep__AccountState *const *states, size_t count)
{
	for (size_t i = 0; i < count; i++) TRY(account_apply(l, states[i]));
	return ERR_OK;
}

enum err feed_apply_pong(struct local *l, struct view frame)
{
	CLEANUP(arena_finip) struct arena a;
	Roomkeep__Frame *f = NULL;
	TRY(frame_read(&a, frame, ROOMKEEP__FRAME__BODY_PONG, &f));
	return accounts_apply(l, f->pong->account, f->pong->n_account);
}

enum err feed_apply_welcome(struct local *l, struct view frame, uint64_t now_ms, bool *ret_dir_more)
{
	ENSURE(l->room.state != LOCAL_EMPTY, ERR_CONFIG);
	CLEANUP(arena_finip) struct arena a;
	Roomkeep__Frame *f = NULL;
	TRY(frame_read(&a, frame, ROOMKEEP__FRAME__BODY_WELCOME, &f));
	const Roomkeep__Welcome *w = f->welcome;
	struct id clinic = { 0 };
	ENSURE(w->has_clinic_id && wire_id(w->clinic_id, &clinic) == ERR_OK, ERR_CONFLICT);
	ENSURE(id_equal(&clinic, &l->room.clinic_id), ERR_CONFLICT);
	TRY(welcome_epoch(l, w, now_ms));
	TRY(welcome_server_record(l, w, now_ms));
	if (w->head != NULL) {
		const enum err e = head_keep(l, w->head, now_ms);
		ENSURE(e != ERR_BAD_FORMAT, ERR_AUTH);
		TRY(e);
	}
	bool more = false;
	TRY(welcome_directory(l, w, now_ms, &more));
	TRY(welcome_clock(l, w, now_ms));
	TRY(feed_backed_up(l, w->backed_up_seq));
	TRY(accounts_apply(l, w->account, w->n_account));
	*ret_dir_more = more;
	return ERR_OK;
}

enum err feed_backed_up(struct local *l, uint64_t seq)
{
	if (seq <= l->backed_up_seq) return ERR_OK;
	TRY(meta_set_u64(l, "backed_up_seq", seq));
	l->backed_up_seq = seq;
	return ERR_OK;
}

/* ---- Directory ------------------------------------------------------------------------------- */

static enum err directory_pin(struct local *l)
{
	CLEANUP(buf_finip) struct buf pin = { 0 };
	const enum err e = meta_get(l, CONTACT_DIR_PIN, &pin);
	if (e == ERR_NOT_FOUND) return ERR_OK;
	TRY(e);
	ENSURE(pin.len == 8 + HASH_BYTES, ERR_CORRUPT);
	struct hash32 hash;
	memcpy(hash.b, pin.p + 8, HASH_BYTES);
	return dir_check_pin(&l->dir, load_be64(pin.p), &hash);
}

bool feed_err_is_ours(enum err e)
{
	return e == ERR_NOMEM || e == ERR_IO || e == ERR_DISK_FULL || e == ERR_STORE ||
	       e == ERR_BUSY || e == ERR_CORRUPT;
}

enum err feed_apply_directory(struct local *l, struct view frame, uint64_t now_ms, bool *ret_more)
{
	CLEANUP(arena_finip) struct arena a;
	Roomkeep__Frame *f = NULL;
	TRY(frame_read(&a, frame, ROOMKEEP__FRAME__BODY_DIRECTORY, &f));
	const size_t before = l->dir.entry_count;
	enum err e = ERR_OK;
	for (size_t i = 0; i < f->directory->n_items && e == ERR_OK; i++)
		e = dir_store_apply(l, f->directory->items[i]);
	const bool more = l->dir.entry_count > before;
	if (e == ERR_OK && !more) {
		/* That was all of it: now what was pinned elsewhere must be part of it. */
		e = directory_pin(l);
		if (e == ERR_OK) e = dir_check_epoch(l);
		if (e == ERR_MORE) e = ERR_FORK;
	}
	if (feed_err_is_ours(e)) return e;
	if (e != ERR_OK) {
		TRY(local_raise(l, LOCAL_ALARM_DIRECTORY, now_ms));
		return e;
	}
	*ret_more = more;
	return ERR_OK;
}

/* ---- the person's vault blob: heads and pins kept where the server cannot read them ---------- */

void feed_login_begins(struct local *l)
{
	l->late_ord = 0;
}

/* How far the server must have this lane, as far as this room knows: not what waits. With
 * `since_ord` (0: none) as of an earlier moment: not what got its receipt from that outbox row on
 * either. */
static enum err lane_known(struct local *l, const struct local_lane *lane, uint64_t since_ord,
			   uint64_t *ret)
{
	uint64_t first_queued = 0;
	*ret = lane->seq;
	if (!lane->mine) return ERR_OK;
	TRY(db_get_u64(l->db,
		       "SELECT min(lane_seq) FROM outbox WHERE lane_id = ?1"
		       " AND (state = 0 OR (?2 > 0 AND ord >= ?2))",
		       DB_ARGS(db_blob(hash_view(&lane->lane_id)), db_u64(since_ord)),
		       &first_queued));
	if (first_queued > 0) *ret = first_queued - 1;
	return ERR_OK;
}

/* The newest op of a lane that the server has confirmed here, seq 0 for none. What still waits in
 * the outbox must not be in the vault: another room would take its absence for a rollback. */
static enum err lane_confirmed(struct local *l, const struct vault *v,
			       const struct local_lane *lane, uint64_t *ret_seq,
			       struct hash32 *ret_hash)
{
	uint64_t known = 0;
	*ret_seq = lane->seq;
	*ret_hash = lane->hash;
	TRY(lane_known(l, lane, 0, &known));
	if (known == lane->seq) return ERR_OK;
	*ret_seq = 0;
	CLEANUP(db_stmt_donep) struct db_stmt *stmt = NULL;
	const enum err e =
		db_query_row(l->db, "SELECT op_id FROM outbox WHERE lane_id = ?1 AND lane_seq = ?2",
			     DB_ARGS(db_blob(hash_view(&lane->lane_id)), db_u64(known)), &stmt);
	if (e == ERR_NOT_FOUND)
		return ERR_OK; /* the first of the lane waits, or it was tidied away */
	TRY(e);
	struct id op_id;
	TRY(db_col_id(stmt, 0, &op_id));
	CLEANUP(op_row_finip) struct op_row row = { 0 };
	TRY(row_find(l, v, &op_id, &row));
	*ret_seq = known;
	*ret_hash = row.hash;
	return ERR_OK;
}

static enum err vault_plain(struct local *l, const struct vault *v, struct enc *e)
{
	struct hash32 dir_hash;
	const uint64_t dir_seq = dir_head(&l->dir, &dir_hash);
	enc_begin(e, VAULT_LABEL);
	enc_add_u64(e, VAULT_FORMAT);
	enc_add_u64(e, v->keyring_rev);
	enc_add_u64(e, dir_seq);
	enc_add_hash(e, &dir_hash);
	for (size_t i = 0; i < l->lane_count; i++) {
		const struct local_lane *lane = &l->lanes[i];
		uint64_t seq = 0;
		struct hash32 hash;
		TRY(lane_confirmed(l, v, lane, &seq, &hash));
		if (lane->seen_seq > seq) {
			seq = lane->seen_seq;
			hash = lane->seen_hash;
		}
		if (seq == 0) continue;
		enc_add_u64(e, lane->class);
		enc_add_hash(e, &lane->lane_id);
		enc_add_u64(e, seq);
		enc_add_hash(e, &hash);
	}
	struct view bytes;
	return enc_end(e, &bytes);
}

enum err vault_blob_make(struct local *l, const struct vault *v, uint64_t *ret_rev, struct buf *out)
{
	TRY(person_check(l, v));
	struct account acc = { 0 };
	TRY(account_by_id(l, &v->user_id, &acc));
	const uint64_t rev = acc.vault_rev + 1;
	account_fini(&acc);
	CLEANUP(enc_finip) struct enc e = { 0 };
	TRY(vault_plain(l, v, &e));
	TRY(vault_seal_blob(v, rev, buf_view(&e.buf), out));
	*ret_rev = rev;
	return ERR_OK;
}

static enum err seen_add(struct local *l, const struct vault *v, uint32_t class,
			 const struct op_head *head, uint64_t *alarms)
{
	struct local_lane *lane = lane_find(l, &head->lane_id);
	if (lane == NULL) TRY(lane_add(l, &head->lane_id, class, &lane));
	if (lane->seq == head->lane_seq && !hash_equal(&lane->hash, &head->op_hash))
		*alarms |= 1ull << LOCAL_ALARM_LANE_FORK;
	if (head->lane_seq <= lane->seen_seq) return ERR_OK;
	lane->seen_seq = head->lane_seq;
	lane->seen_hash = head->op_hash;
	return lane_store(l, v, lane);
}

static enum err vault_read(struct local *l, const struct vault *v, struct view plain,
			   uint64_t *alarms)
{
	struct enc_reader r;
	enc_read_begin(&r, plain, VAULT_LABEL);
	if (enc_read_u64(&r) != VAULT_FORMAT)
		return ERR_OK; /* a newer program's: not ours to read */
	if (enc_read_u64(&r) > v->keyring_rev) *alarms |= 1ull << LOCAL_ALARM_VAULT;
	const uint64_t dir_seq = enc_read_u64(&r);
	const struct hash32 dir_hash = enc_read_hash(&r);
	if (r.failed == ERR_OK && dir_check_pin(&l->dir, dir_seq, &dir_hash) != ERR_OK)
		*alarms |= 1ull << LOCAL_ALARM_DIRECTORY;
	while (enc_read_left(&r) > 0) {
		const uint32_t class = (uint32_t)enc_read_u64(&r);
		struct op_head head = { .lane_id = enc_read_hash(&r) };
		head.lane_seq = enc_read_u64(&r);
		head.op_hash = enc_read_hash(&r);
		if (r.failed != ERR_OK) break;
		TRY(seen_add(l, v, class, &head, alarms));
	}
	return enc_read_end(&r);
}

/* ---- LoginOk --------------------------------------------------------------------------------- */

static enum err login_vault(struct local *l, const struct vault *v, const Roomkeep__LoginOk *ok,
			    const struct account *acc, uint64_t *alarms)
{
	if (!ok->has_vault_blob || ok->vault_blob.len == 0) {
		if (acc->vault_rev > 0) *alarms |= 1ull << LOCAL_ALARM_VAULT;
		return ERR_OK;
	}
	CLEANUP(buf_finip) struct buf plain = { 0 };
	uint64_t rev = 0;
	const enum err e =
		vault_open_vault_blob(v, acc->vault_rev, wire_view(ok->vault_blob), &rev, &plain);
	if (e == ERR_NOMEM) return e;
	if (e != ERR_OK) {
		*alarms |= 1ull << LOCAL_ALARM_VAULT; /* older than seen, or not this person's */
		return ERR_OK;
	}
	TRY(vault_read(l, v, buf_view(&plain), alarms));
	return account_set_vault_rev(l, &v->user_id, rev);
}

static enum err login_lanes(struct local *l, const Roomkeep__LoginOk *ok, uint64_t *alarms)
{
	for (size_t i = 0; i < l->lane_count; i++) {
		const struct local_lane *lane = &l->lanes[i];
		uint64_t known = 0;
		uint64_t have = 0;
		/* LoginOk was made when the proof came: receipts may have overtaken it. */
		TRY(lane_known(l, lane, l->late_ord, &known));
		for (size_t k = 0; k < ok->n_own_lanes; k++) {
			const Roomkeep__Head *h = ok->own_lanes[k];
			if (!view_equal(wire_view(h->lane_id), hash_view(&lane->lane_id))) continue;
			have = h->lane_seq;
			if (have == lane->seq &&
			    !view_equal(wire_view(h->op_hash), hash_view(&lane->hash)))
				*alarms |= 1ull << LOCAL_ALARM_LANE_FORK;
		}
		if (have < known || have < lane->seen_seq)
			*alarms |= 1ull << LOCAL_ALARM_LANE_ROLLBACK;
	}
	return ERR_OK;
}

static enum err login_keyring(struct local *l, const struct vault *v, const Roomkeep__LoginOk *ok,
			      struct account *acc, uint64_t *alarms)
{
	struct keyring_head head = { 0 };
	if (keyring_read_head(wire_view(ok->keyring_blob), &head) != ERR_OK ||
	    head.rev < acc->rev_min) {
		*alarms |= 1ull << LOCAL_ALARM_VAULT;
		return ERR_OK;
	}
	/* Changed in another room: the copy here opens with what is not the passphrase any more. */
	if (acc->have_blob && !view_equal(wire_view(ok->keyring_blob), buf_view(&acc->blob)))
		return account_drop_blob(l, &v->user_id);
	return ERR_OK;
}

static enum err login_apply(struct local *l, struct vault *v, const Roomkeep__LoginOk *ok,
			    struct account *acc, uint64_t now_ms)
{
	uint64_t alarms = 0;
	TRY(login_keyring(l, v, ok, acc, &alarms));
	TRY(login_vault(l, v, ok, acc, &alarms));
	TRY(login_lanes(l, ok, &alarms));
	if (ok->head != NULL) TRY(head_keep(l, ok->head, now_ms));
	for (unsigned a = 1; a < LOCAL_ALARM_COUNT; a++)
		if ((alarms & 1ull << a) != 0) TRY(local_raise(l, (enum local_alarm)a, now_ms));
	return ERR_OK;
}

enum err feed_apply_login(struct local *l, struct vault *v, struct view frame, uint64_t now_ms,
			  struct local_cursor *ret_cursor)
{
	TRY(person_check(l, v));
	CLEANUP(arena_finip) struct arena a;
	Roomkeep__Frame *f = NULL;
	TRY(frame_read(&a, frame, ROOMKEEP__FRAME__BODY_LOGIN_OK, &f));
	CLEANUP(account_finip) struct account acc = { 0 };
	TRY(account_by_id(l, &v->user_id, &acc));
	TRY(login_apply(l, v, f->login_ok, &acc, now_ms));
	l->late_ord = 0;
	v->by_server = true;
	struct local_cursor c = { 0 };
	TRY(local_cursor(l, v, &c));
	if (!id_equal(&c.epoch, &l->room.epoch.epoch)) c = (struct local_cursor){ 0 };
	*ret_cursor = c;
	return ERR_OK;
}
