/* verbs_audit: who opened a patient's chart, asked of the server, which is told by all rooms. */
#include "client/api/verbs.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "wire/frame.h"
#include "wire/op.h"

#define AUDIT_MS 30000u

static enum err ask_openings(struct verb *v, const struct id *patient_id)
{
	Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;
	Roomkeep__OpeningsGet get = ROOMKEEP__OPENINGS_GET__INIT;

	get.has_patient_id = 1;
	get.patient_id = wire_id_bytes(patient_id);
	frame.body_case = ROOMKEEP__FRAME__BODY_OPENINGS_GET;
	frame.openings_get = &get;
	return verb_ask(v, &frame, SYNC_NEEDS_PERSON, AUDIT_MS);
}

/* A kind that this build does not know is a newer server's. */
static const char *opening_word(uint32_t kind)
{
	switch (kind) {
	case 1: return "chart";
	case 2: return "session";
	case 3: return "withheld";
	default: return "unknown";
	}
}

static enum err put_opening(struct verb *v, json_t *list, const Roomkeep__OpeningRow *row)
{
	json_t *object = json_object();
	struct id user_id;
	struct id room_id;

	ENSURE(json_array_append_new(list, object) == 0, ERR_NOMEM);
	ENSURE(wire_id(row->user_id, &user_id) == ERR_OK &&
		       wire_id(row->room_id, &room_id) == ERR_OK,
	       ERR_PROTO);
	TRY(json_put_time(object, "at", row->at_ms));
	TRY(verb_put_login(v, object, "staff", &user_id));
	TRY(verb_put_room(v, object, "room", &room_id));
	return json_put(object, "what", json_string(opening_word(row->kind)));
}

enum err verb_list_audit(struct verb *v)
{
	CLEANUP(arena_finip) struct arena arena;
	Roomkeep__Frame *frame = NULL;
	struct id patient_id;
	json_t *list = json_array();

	arena_init(&arena, FRAME_PARSE_BYTES_MAX);
	TRY(json_put(v->answer, "openings", list));
	TRY(verb_need_id(v, "patient_id", &patient_id));
	TRY(json_put_id(v->answer, "patient_id", &patient_id));
	if (v->step == 0) return ask_openings(v, &patient_id);
	if (v->reply_err == ERR_DENIED) {
		return fault_set(&v->fault, ERR_DENIED, NULL,
				 "you may not read who opened this chart");
	}
	if (v->reply_err == ERR_NOT_FOUND) return verb_fail_unknown(v, "patient", "patient_id");
	if (v->reply_err != ERR_OK) return verb_fail_server(v);
	TRY(frame_decode(&arena, buf_view(&v->reply), &frame));
	ENSURE(frame->body_case == ROOMKEEP__FRAME__BODY_OPENINGS_REPLY, ERR_PROTO);
	for (size_t i = 0; i < frame->openings_reply->n_rows; i++) {
		TRY(put_opening(v, list, frame->openings_reply->rows[i]));
	}
	return json_put(v->answer, "left_out",
			json_integer((json_int_t)frame->openings_reply->left_out));
}
