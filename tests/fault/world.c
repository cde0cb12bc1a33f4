#include "world.h"

#include "base/check.h"

#include <sqlite3.h>
#include <string.h>

#define SETTLE_MS 40000u /* longer than any pause of sync's that a short fault causes */

struct fault_world fw;

struct room *fw_room(size_t k)
{
	return &fw.w->rooms[k];
}

void fw_note_saved(const struct id *op_id)
{
	FAULT_CHECK(fw.saved_count < FAULT_SAVED_MAX);
	fw.saved[fw.saved_count++] = *op_id;
}

/* ---- set ------------------------------------------------------------------------------------- */

void fw_set_empty(void)
{
	fw = (struct fault_world){ .w = world_new_in(fault_folder()) };
}

void fw_set_clinic(void)
{
	fw = (struct fault_world){ .w = world_clinic_in(fault_folder()) };
	FAULT_OK(room_sign_in(fw_room(1), "mara", MARA_PASS));
	FAULT_OK(fw_save_patient(0));
	FAULT_OK(fw_save_session(0));
	FAULT_OK(fw_save_text(0, "as it was before"));
	room_saved(fw_room(0));
	FAULT_OK(fw_delivered(0));
	fault_canary(FAULT_NOTE);
}

void fw_end(void)
{
	world_free(fw.w);
	fw = (struct fault_world){ 0 };
}

/* ---- run ------------------------------------------------------------------------------------- */

enum err fw_delivered(size_t k)
{
	struct local_counts c = { 0 };
	fault_pause();
	const enum err e = local_counts(fw_room(k)->local, &c);
	fault_resume();
	TRY(e);
	return c.queued == 0 ? ERR_OK : ERR_OFFLINE;
}

static enum err save(size_t k, enum kind kind, const ProtobufCMessage *m)
{
	struct room *r = fw_room(k);
	struct id op_id;
	TRY(local_append(r->local, &r->desk.vault, kind, m, fw.w->wall, &op_id, NULL));
	fw_note_saved(&op_id);
	return ERR_OK;
}

enum err fw_save_patient(size_t k)
{
	const struct id id = local_new_id(fw_room(k)->local, fw.w->wall);
	Roomkeep__Patient m = ROOMKEEP__PATIENT__INIT;
	char name[] = "Maya Rosen";
	char born[] = "1984-05-06";
	m.has_patient_id = true;
	m.patient_id = wire_id_bytes(&id);
	m.name = name;
	m.born = born;
	TRY(save(k, KIND_PATIENT, &m.base));
	fw.patient = id;
	return ERR_OK;
}

enum err fw_save_session(size_t k)
{
	struct room *r = fw_room(k);
	const struct id id = local_new_id(r->local, fw.w->wall);
	Roomkeep__SessionFrame m = ROOMKEEP__SESSION_FRAME__INIT;
	m.has_session_id = m.has_patient_id = m.has_therapist_id = m.has_room_id = true;
	m.has_started_ms = true;
	m.session_id = wire_id_bytes(&id);
	m.patient_id = wire_id_bytes(&fw.patient);
	m.therapist_id = wire_id_bytes(desk_person(&r->desk));
	m.room_id = wire_id_bytes(&local_room(r->local)->room_id);
	m.started_ms = fw.w->wall;
	TRY(save(k, KIND_SESSION_FRAME, &m.base));
	fw.session = id;
	fw.text = NULL;
	return ERR_OK;
}

enum err fw_save_measure(size_t k)
{
	const struct id id = local_new_id(fw_room(k)->local, fw.w->wall);
	Roomkeep__Measure m = ROOMKEEP__MEASURE__INIT;
	char ref[] = "cx_rot";
	char unit[] = "deg";
	m.has_measure_id = m.has_session_id = m.has_catalogue = m.has_phase = m.has_side = true;
	m.has_value_milli = m.has_at_ms = true;
	m.measure_id = wire_id_bytes(&id);
	m.session_id = wire_id_bytes(&fw.session);
	m.ref = ref;
	m.catalogue = 1;
	m.phase = ROOMKEEP__PHASE__PRE;
	m.side = ROOMKEEP__SIDE__LEFT;
	m.value_milli = 45000;
	m.unit = unit;
	m.at_ms = fw.w->wall;
	return save(k, KIND_MEASURE, &m.base);
}

enum err fw_save_text(size_t k, const char *text)
{
	struct room *r = fw_room(k);
	struct id op_id;
	TRY(local_set_text(r->local, &r->desk.vault, &fw.session, FW_FIELD, view_str(text),
			   fw.w->wall, &op_id, NULL));
	fw_note_saved(&op_id);
	fw.text = text;
	return ERR_OK;
}

enum err fw_save_note(size_t k)
{
	struct room *r = fw_room(k);
	struct id note_id;
	return local_add_note(r->local, &r->desk.vault, &fw.patient, &fw.session,
			      view_str(FAULT_NOTE), fw.w->wall, &note_id, NULL);
}

/* The error that a Result says, or that a Refuse is; ERR_OK for any other answer. */
static enum err answer_err(struct view body)
{
	CLEANUP(arena_finip) struct arena a;
	Roomkeep__Frame *f = NULL;
	arena_init(&a, MIB);
	TRY(frame_decode(&a, body, &f));
	if (f->body_case == ROOMKEEP__FRAME__BODY_REFUSE)
		return f->refuse->reason == ROOMKEEP__REFUSE_REASON__WRONG_CLINIC ||
				       f->refuse->reason == ROOMKEEP__REFUSE_REASON__NOT_ENROLLED
			       ? ERR_DENIED
			       : ERR_CLOSED;
	return f->body_case == ROOMKEEP__FRAME__BODY_RESULT ? err_from_wire(f->result->code)
							    : ERR_OK;
}

enum err fw_talk(struct box_conn *c, struct view body, struct buf *ret_reply)
{
	struct view reply;
	buf_clear(ret_reply);
	TRY(box_conn_send(fw.w->box, c, body));
	while (server_box_work(fw.w->box)) {
	}
	if (!box_conn_receive(c, &reply)) return ERR_CLOSED;
	TRY(buf_append(ret_reply, reply));
	return answer_err(reply);
}

enum err fw_hello(struct box_conn *c, const struct local_room *who, bool *ret_known)
{
	CLEANUP(buf_finip) struct buf body = { 0 };
	CLEANUP(buf_finip) struct buf reply = { 0 };
	CLEANUP(arena_finip) struct arena a;
	Roomkeep__Frame f = ROOMKEEP__FRAME__INIT;
	Roomkeep__Hello h = ROOMKEEP__HELLO__INIT;
	arena_init(&a, MIB);
	f.has_request = true;
	f.request = 1;
	h.has_proto_min = h.has_proto_max = true;
	h.proto_min = h.proto_max = 1;
	f.body_case = ROOMKEEP__FRAME__BODY_HELLO;
	f.hello = &h;
	if (who != NULL) {
		h.has_clinic_id = h.has_room_id = h.has_epoch = true;
		h.clinic_id = wire_id_bytes(&who->clinic_id);
		h.room_id = wire_id_bytes(&who->room_id);
		h.epoch = wire_id_bytes(&who->epoch.epoch);
	}
	TRY(body_encode(&f, &body));
	TRY(fw_talk(c, buf_view(&body), &reply));
	Roomkeep__Frame *got = NULL;
	TRY(frame_decode(&a, buf_view(&reply), &got));
	*ret_known = got->body_case == ROOMKEEP__FRAME__BODY_WELCOME &&
		     got->welcome->has_enrolled && got->welcome->enrolled;
	return ERR_OK;
}

/* ---- check ----------------------------------------------------------------------------------- */

static void server_restart(void)
{
	for (size_t k = 0; k < WORLD_ROOMS; k++) {
		struct room *r = fw_room(k);
		if (r->conn == NULL) continue;
		server_box_disconnect(fw.w->box, r->conn);
		r->conn = NULL;
		room_event(r, SYNC_EV_LINK_DOWN);
	}
	server_box_close(fw.w->box);
	fw.w->box = NULL;
	world_server_open(fw.w);
}

/* Nobody is in, or the room could not read its records again after a fault and says so to every
 * verb (local_cancel): a person then locks and signs in. */
static bool signed_out(struct room *r)
{
	struct local_patient p;
	size_t at = 0;
	return desk_person(&r->desk) == NULL ||
	       local_find_patient(r->local, &r->desk.vault, VIEW_EMPTY, &at, &p) == ERR_SIGNED_OUT;
}

static bool belongs(const struct room *r)
{
	return r->local != NULL && local_room(r->local)->state == LOCAL_READY;
}

void fw_recover(void)
{
	static const char *const logins[] = { "jo", "mara" };
	static const char *const words[] = { JO_PASS, MARA_PASS };
	if (fw.w->box == NULL || server_box_broken(fw.w->box)) server_restart();
	for (size_t k = 0; k < 2; k++) {
		struct room *r = fw_room(k);
		r->cut = false;
		if (r->disk_failed || r->sync == NULL) {
			room_close(r);
			room_start(r);
		}
	}
	world_wait(fw.w, SETTLE_MS);
	for (size_t k = 0; k < 2; k++) {
		struct room *r = fw_room(k);
		if (!belongs(r)) continue;
		if (signed_out(r)) FAULT_OK(room_sign_in(r, logins[k], words[k]));
		room_saved(r);
	}
	world_wait(fw.w, SETTLE_MS);
}

/* The server's own file, past all our code. */
static bool server_has(const struct id *op_id)
{
	char path[256];
	sqlite3 *raw = NULL;
	sqlite3_stmt *stmt = NULL;
	(void)snprintf(path, sizeof(path), "%s/clinic.db", fw.w->server_folder);
	FAULT_CHECK(sqlite3_open_v2(path, &raw, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK);
	FAULT_CHECK(sqlite3_prepare_v2(raw, "SELECT count(*) FROM op WHERE op_id=?1", -1, &stmt,
				       NULL) == SQLITE_OK);
	FAULT_CHECK(sqlite3_bind_blob(stmt, 1, op_id->b, ID_BYTES, SQLITE_STATIC) == SQLITE_OK);
	FAULT_CHECK(sqlite3_step(stmt) == SQLITE_ROW);
	const bool there = sqlite3_column_int(stmt, 0) == 1;
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(raw);
	return there;
}

static void look_at_session(struct room *r)
{
	struct session_fold fold;
	struct session_state s;
	if (fw.text == NULL) return;
	FAULT_OK(room_load(r, &fw.session, &fold, &s));
	const struct fold_field *plan = &s.text[FW_FIELD - 1];
	FAULT_CHECK(plan->head_count == 1);
	FAULT_CHECK(view_equal(plan->heads[0]->text, view_str(fw.text)));
	session_fold_fini(&fold);
}

void fw_look(void)
{
	for (size_t k = 0; k < 2; k++) {
		struct room *r = fw_room(k);
		struct local_counts c = { 0 };
		FAULT_OK(local_counts(r->local, &c));
		FAULT_CHECK(c.queued == 0);
		FAULT_CHECK(c.rejected == 0 && c.quarantined == 0);
		FAULT_CHECK(local_alarms(r->local) == 0);
		FAULT_CHECK(sync_link_now(r->sync) == SYNC_LINK_ONLINE);
		look_at_session(r);
	}
	for (size_t i = 0; i < fw.saved_count; i++) FAULT_CHECK(server_has(&fw.saved[i]));
}

static void server_check(void)
{
	struct store_check_report report = { 0 };
	FAULT_OK(store_check(store_as_reader(server_box_store(fw.w->box)), &report));
	FAULT_CHECK(report.ok);
}

void fw_restart(void)
{
	for (size_t k = 0; k < 2; k++) room_close(fw_room(k));
	server_restart();
	fw_recover();
	server_check();
	fw_look();
}
