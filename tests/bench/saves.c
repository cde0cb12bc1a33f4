#include "bench/saves.h"

#include "base/check.h"
#include "bench/peers.h"
#include "record/payload.h"
#include "wire/frame.h"

#include <stdio.h>
#include <stdlib.h>

#define MUST(call) INSIST((call) == ERR_OK)

/* ---- plans --------------------------------------------------------------------------------- */

static void plan_fini(struct plan *p)
{
	buf_fini(&p->bytes);
	free(p->ends);
	*p = (struct plan){ 0 };
}

static struct view plan_take(struct plan *p)
{
	INSIST(p->next < p->count);
	const size_t from = p->next == 0 ? 0 : p->ends[p->next - 1];
	const size_t to = p->ends[p->next++];
	return view_of(p->bytes.p + from, to - from);
}

static Roomkeep__Op *next_text(struct saves *s, struct writer *w, const struct id *session_id,
			       struct id *parent)
{
	/* Blind, session, field and parent take the rest. */
	char text[PEER_BYTES - OP_BLIND_BYTES - 42];
	static const char words[] = "Neck stiff since Monday, worse when turning left. ";
	for (size_t i = 0; i < sizeof(text) - 1; i++) text[i] = words[i % (sizeof(words) - 1)];
	text[sizeof(text) - 1] = '\0';
	Roomkeep__Op *op = box_op_text(&s->clinic, &s->clinic.owner, &w->lane, session_id, text,
				       id_is_zero(parent) ? NULL : parent);
	*parent = box_op_id(op);
	return op;
}

static void push_untimed(struct saves *s, struct room *r, Roomkeep__Op **ops, size_t count)
{
	const Roomkeep__Frame *f = room_call(r, box_push_frame(&s->clinic, ops, count));
	INSIST(f->body_case == ROOMKEEP__FRAME__BODY_ACK && f->ack->n_results == count);
	for (size_t i = 0; i < count; i++) {
		INSIST(f->ack->results[i]->status == ROOMKEEP__OP_STATUS__COMMITTED);
		s->newest_seq = f->ack->results[i]->seq;
	}
}

/* Sessions first, sent now and not timed; then the texts, as frames. */
static void plan_make(struct saves *s, struct writer *w, size_t count)
{
	struct box_clinic *c = &s->clinic;
	plan_fini(&w->plan);
	arena_reset(&c->arena);
	c->wall_ms = loop_wall_ms();
	const size_t sessions = (count + SAVES_PER_SESSION - 1) / SAVES_PER_SESSION;
	INSIST(sessions <= BATCH_OPS_MAX);
	struct id ids[BATCH_OPS_MAX];
	Roomkeep__Op *frames[BATCH_OPS_MAX];
	for (size_t i = 0; i < sessions; i++) {
		ids[i] = box_make_id(c);
		frames[i] =
			box_op_frame(c, &c->owner, &w->lane, &ids[i], &s->patient_id, c->wall_ms);
	}
	push_untimed(s, &w->room, frames, sessions);
	w->plan.ends = calloc(count, sizeof(*w->plan.ends));
	INSIST(w->plan.ends != NULL);
	struct id parent = { { 0 } };
	for (size_t i = 0; i < count; i++) {
		if (i % SAVES_PER_SESSION == 0) parent = (struct id){ { 0 } };
		Roomkeep__Op *op = next_text(s, w, &ids[i / SAVES_PER_SESSION], &parent);
		room_encode(&w->room, box_push_frame(c, &op, 1), &w->plan.bytes);
		w->plan.ends[i] = w->plan.bytes.len;
	}
	w->plan.count = count;
}

/* ---- the clinic ---------------------------------------------------------------------------- */

static void writers_open(struct saves *s, const char *address)
{
	for (size_t i = 0; i < s->writer_count; i++) {
		struct writer *w = &s->writers[i];
		(void)snprintf(w->name, sizeof(w->name), "Writer %u", (unsigned)i + 1);
		room_open(&w->room, s->loop, &s->clinic, w->name, address);
		room_enrol(&s->clinic, &s->desk, &w->room);
		room_sign_in(&s->clinic, &w->room, &s->clinic.owner);
		box_lane_init(&s->clinic, &w->lane, &s->clinic.owner, &w->room.who, OP_LANE_CHART);
	}
}

void saves_open(struct saves *s, struct loop *loop, const char *address, const char *setup_code,
		pid_t server)
{
	*s = (struct saves){ .loop = loop, .server = server, .writer_count = SAVES_ROOMS };
	clinic_init(&s->clinic, setup_code);
	room_open(&s->desk, loop, &s->clinic, "Room 1", address);
	room_found(&s->clinic, &s->desk);
	room_sign_in(&s->clinic, &s->desk, &s->clinic.owner);
	box_person_init(&s->clinic, &s->mara, "Mara Lind", "mara", DIR_THERAPIST);
	room_add_person(&s->clinic, &s->desk, &s->mara);
	room_open(&s->reader, loop, &s->clinic, "Room 2", address);
	room_enrol(&s->clinic, &s->desk, &s->reader);
	s->writers = calloc(s->writer_count, sizeof(*s->writers));
	INSIST(s->writers != NULL);
	writers_open(s, address);
	room_sign_out(&s->clinic, &s->desk);
	s->patient_id = box_make_id(&s->clinic);
	struct writer *first = &s->writers[0];
	Roomkeep__Op *op = box_op_patient(&s->clinic, &s->clinic.owner, &first->lane,
					  &s->patient_id, "Maya Rowe");
	push_untimed(s, &first->room, &op, 1);
}

void saves_close(struct saves *s)
{
	for (size_t i = 0; i < s->writer_count; i++) {
		room_close(&s->writers[i].room);
		plan_fini(&s->writers[i].plan);
	}
	free(s->writers);
	room_close(&s->reader);
	room_close(&s->desk);
	box_person_fini(&s->mara);
	clinic_fini(&s->clinic);
}

/* ---- timed parts --------------------------------------------------------------------------- */

struct saves_run {
	struct saves *saves;
	struct samples *acks;
	uint64_t ack_ns; /* when it came; 0: not yet */
	uint64_t feed_ns;
	uint64_t ack_seq;
	uint64_t feed_seq;
	size_t running; /* writers that are not through */
};

static uint64_t ack_seq(struct room *r, struct view body)
{
	const Roomkeep__Frame *f = room_decode(r, body);
	INSIST(f->body_case == ROOMKEEP__FRAME__BODY_ACK && f->ack->n_results == 1);
	INSIST(f->ack->results[0]->status == ROOMKEEP__OP_STATUS__COMMITTED);
	return f->ack->results[0]->seq;
}

static void writer_on_ack(struct room *r, struct view body, uint64_t at_ns)
{
	struct saves_run *run = r->ctx;
	run->ack_ns = at_ns;
	run->ack_seq = ack_seq(r, body);
}

static void reader_on_feed(struct room *r, struct view body, uint64_t at_ns)
{
	struct saves_run *run = r->ctx;
	const Roomkeep__Frame *f = room_decode(r, body);
	INSIST(f->body_case == ROOMKEEP__FRAME__BODY_FEED && f->feed->n_ops == 1);
	run->feed_ns = at_ns;
	run->feed_seq = f->feed->ops[0]->seq;
}

void saves_run_alone(struct saves *s, size_t count, struct samples *acks, bool keep)
{
	struct writer *w = &s->writers[0];
	struct saves_run run = { .saves = s };
	plan_make(s, w, count);
	w->room.on_frame = writer_on_ack;
	w->room.ctx = &run;
	samples_begin_round(acks, s->server);
	for (size_t i = 0; i < count; i++) {
		run.ack_ns = 0;
		const uint64_t from = now_ns();
		room_send(&w->room, plan_take(&w->plan));
		while (run.ack_ns == 0) INSIST(loop_run_once(s->loop));
		samples_add(acks, run.ack_ns - from);
	}
	samples_end_round(acks, s->server, keep);
	s->newest_seq = run.ack_seq;
	w->room.on_frame = NULL;
}

static void reader_confirm(struct saves *s, uint64_t seq)
{
	Roomkeep__Frame *f = box_frame(&s->clinic, ROOMKEEP__FRAME__BODY_FEED_ACK);
	f->feed_ack->has_up_to_seq = 1;
	f->feed_ack->up_to_seq = seq;
	CLEANUP(buf_finip) struct buf bytes = { 0 };
	room_encode(&s->reader, f, &bytes);
	room_send(&s->reader, buf_view(&bytes));
}

void saves_run_read(struct saves *s, size_t count, struct samples *acks, struct samples *feeds,
		    bool keep)
{
	struct writer *w = &s->writers[0];
	struct saves_run run = { .saves = s };
	plan_make(s, w, count);
	room_sign_in(&s->clinic, &s->reader, &s->mara);
	room_pull(&s->clinic, &s->reader, s->newest_seq);
	w->room.on_frame = writer_on_ack;
	s->reader.on_frame = reader_on_feed;
	w->room.ctx = s->reader.ctx = &run;
	samples_begin_round(acks, s->server);
	samples_begin_round(feeds, s->server);
	for (size_t i = 0; i < count; i++) {
		run.ack_ns = run.feed_ns = 0;
		const uint64_t from = now_ns();
		room_send(&w->room, plan_take(&w->plan));
		while (run.ack_ns == 0 || run.feed_ns == 0) INSIST(loop_run_once(s->loop));
		INSIST(run.ack_seq == run.feed_seq);
		samples_add(acks, run.ack_ns - from);
		samples_add(feeds, run.feed_ns - from);
		reader_confirm(s, run.feed_seq);
	}
	samples_end_round(acks, s->server, keep);
	samples_end_round(feeds, s->server, keep);
	s->newest_seq = run.ack_seq;
	w->room.on_frame = s->reader.on_frame = NULL;
	room_sign_out(&s->clinic, &s->reader);
}

static void all_on_ack(struct room *r, struct view body, uint64_t at_ns)
{
	struct writer *w = CONTAINER_OF(r, struct writer, room);
	struct saves_run *run = r->ctx;
	const uint64_t seq = ack_seq(r, body);
	if (seq > run->ack_seq) run->ack_seq = seq;
	samples_add(run->acks, at_ns - w->sent_ns);
	if (w->plan.next == w->plan.count) {
		run->running--;
		return;
	}
	w->sent_ns = now_ns();
	room_send(r, plan_take(&w->plan));
}

void saves_run_all(struct saves *s, size_t count, struct samples *acks, bool keep)
{
	struct saves_run run = { .saves = s, .acks = acks, .running = s->writer_count };
	for (size_t i = 0; i < s->writer_count; i++) plan_make(s, &s->writers[i], count);
	samples_begin_round(acks, s->server);
	for (size_t i = 0; i < s->writer_count; i++) {
		struct writer *w = &s->writers[i];
		w->room.on_frame = all_on_ack;
		w->room.ctx = &run;
		w->sent_ns = now_ns();
		room_send(&w->room, plan_take(&w->plan));
	}
	while (run.running > 0) INSIST(loop_run_once(s->loop));
	samples_end_round(acks, s->server, keep);
	s->newest_seq = run.ack_seq;
	for (size_t i = 0; i < s->writer_count; i++) s->writers[i].room.on_frame = NULL;
}
