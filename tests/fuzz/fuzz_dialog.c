/* fuzz_dialog: what a room says and what else happens to the server's half of one conn, as a
 * list of events: frames, answers of the work behind, commits, changed rights, time, ends.
 * Targets: dialog_*, feed_*, roster_* behind frame_decode.
 * Holds:   all that is sent are whole frames of the server's; nothing after a Refuse; a Feed
 *          goes to a signed-in person only, with ops this person may read now, in rising order,
 *          and never with what the server says to authors alone; asks run one after the other,
 *          at most DIALOG_ASKS_MAX; what only owners may ask comes marked as denied from
 *          others; a tick leaves no deadline behind. */
#include "base/cleanup.h"
#include "fuzz/dialog_world.h"

#include <stdlib.h>

#define EVENTS_MAX 96u

/* ---- events ---- */

static void on_frame(struct world *w, struct fuzz_in *in)
{
	CLEANUP(arena_finip) struct arena a = { 0 };
	const struct view body = fuzz_take(in, fuzz_u16(in));
	struct dialog_event ev = { .type = DIALOG_EV_FRAME, .frame_bytes = body.len };
	Roomkeep__Frame *frame = NULL;

	if (!dialog_may_read(&w->d)) return;
	arena_init(&a, FRAME_PARSE_BYTES_MAX);
	ev.frame_err = frame_decode(&a, body, &frame);
	ev.frame = frame;
	if (body.len > dialog_frame_bytes_max(&w->d)) ev.type = DIALOG_EV_TOO_BIG;
	if (frame != NULL && frame->body_case == ROOMKEEP__FRAME__BODY_PULL)
		w->fed_seq = frame->pull->has_seq ? frame->pull->seq : 0;
	world_step(w, &ev);
}

/* The work behind makes a room or a clinic before it says that it did (work_apply). */
static void apply_joined(struct world *w, enum dialog_ask_kind kind, uint8_t flags)
{
	if ((flags & 1u) != 0) return; /* it went wrong in a way the dialog must survive */
	if (kind == ASK_FOUND) world_found(w);
	world_put_room(w, ROSTER_ACTIVE);
}

static void make_result(uint64_t request, enum err e, struct buf *out)
{
	Roomkeep__Result result = ROOMKEEP__RESULT__INIT;
	Roomkeep__Frame frame = ROOMKEEP__FRAME__INIT;

	result.has_code = 1;
	result.code = e;
	frame.has_request = 1;
	frame.request = request;
	frame.body_case = ROOMKEEP__FRAME__BODY_RESULT;
	frame.result = &result;
	INSIST(frame_encode(&frame, out) == ERR_OK);
}

static void on_done(struct world *w, struct fuzz_in *in)
{
	static const enum err errs[] = { ERR_OK,        ERR_OK,        ERR_AUTH, ERR_DENIED,
					 ERR_BAD_VALUE, ERR_THROTTLED, ERR_BUSY, ERR_BAD_FORMAT };
	const uint8_t flags = fuzz_u8(in);
	CLEANUP(buf_finip) struct buf reply = { 0 };

	if (w->ask_count == 0 || w->answered == w->asks[0].ask_id) return;
	const struct dialog_ask ask = w->asks[0];
	struct dialog_done done = { .ask_id = ask.ask_id,
				    .err = errs[flags >> 5],
				    .bad = (flags & 6u) == 6u,
				    .refuse = (flags & 24u) == 24u,
				    .reason = ROOMKEEP__REFUSE_REASON__TOO_MANY,
				    .user_id = world_person(fuzz_below(in, PEOPLE + 1)) };
	if (done.err == ERR_OK && (ask.kind == ASK_FOUND || ask.kind == ASK_ENROL_PROOF))
		apply_joined(w, ask.kind, flags);
	make_result(ask.request, done.err, &reply);
	done.reply = buf_view(&reply);
	w->answered = ask.ask_id;
	world_step(w, &(struct dialog_event){ .type = DIALOG_EV_ASK_DONE, .done = &done });
	if (!w->closed) world_step(w, &(struct dialog_event){ .type = DIALOG_EV_ROSTER });
}

static void on_page(struct world *w, struct fuzz_in *in)
{
	const uint8_t which = fuzz_u8(in);
	struct page_rows rows;

	if (w->page_count == 0) return;
	const size_t at = which % w->page_count;
	const struct dialog_ask ask = w->pages[at];
	w->pages[at] = w->pages[--w->page_count];
	world_read_page(w, ask.page_after_seq, 1u + which / 64u, &rows);
	const struct dialog_done done = { .ask_id = ask.ask_id, .page = &rows.page };
	world_step(w, &(struct dialog_event){ .type = DIALOG_EV_ASK_DONE, .done = &done });
}

static void on_commit(struct world *w, struct fuzz_in *in)
{
	const uint64_t before = w->roster->seq;
	const size_t count = 1u + fuzz_below(in, 3);
	struct page_rows rows;

	for (size_t i = 0; i < count; i++) {
		const uint8_t what = fuzz_u8(in);
		world_commit(w, what, fuzz_u8(in));
	}
	world_read_page(w, before, count, &rows);
	if (rows.page.count == 0) return; /* the log is full */
	world_step(w, &(struct dialog_event){ .type = DIALOG_EV_PUBLISHED, .page = &rows.page });
}

static void on_roster(struct world *w, struct fuzz_in *in)
{
	const uint8_t what = fuzz_u8(in);
	const struct id who = world_person(what % PEOPLE);

	if ((what & 0xc0u) == 0xc0u) {
		world_put_room(w, ROSTER_RETIRED);
	} else if ((what & 0xc0u) == 0x80u) {
		err_ignore(roster_block_user(w->roster, &who)); /* nobody to block is fine too */
	} else {
		world_put_person(w, what % PEOPLE, fuzz_u8(in) & 63u, (what & 0x40u) == 0);
	}
	world_step(w, &(struct dialog_event){ .type = DIALOG_EV_ROSTER });
}

static void on_tick(struct world *w, struct fuzz_in *in)
{
	w->now_ms += (uint64_t)fuzz_u16(in) * 2u;
	world_step(w, &(struct dialog_event){ .type = DIALOG_EV_TICK });
	INSIST(w->closed || dialog_deadline_ms(&w->d) > w->now_ms);
}

static void on_other(struct world *w, struct fuzz_in *in)
{
	static const enum dialog_event_type types[] = { DIALOG_EV_TOO_BIG, DIALOG_EV_REPLACED,
							DIALOG_EV_SHUTDOWN, DIALOG_EV_LOST,
							DIALOG_EV_FRAME };
	static const enum err errs[] = { ERR_PROTO, ERR_TOO_BIG };
	struct dialog_event ev = { .type = types[fuzz_below(in, COUNT_OF(types))],
				   .frame_bytes = 10 };

	ev.frame_err = errs[fuzz_below(in, COUNT_OF(errs))];
	world_step(w, &ev);
	INSIST(w->closed || ev.type == DIALOG_EV_FRAME);
}

static void event(struct world *w, struct fuzz_in *in)
{
	const uint8_t what = fuzz_u8(in);

	if (w->closed) world_dial(w);
	switch (what % 8u) {
	case 0:
	case 1: on_frame(w, in); break;
	case 2: on_done(w, in); break;
	case 3: on_page(w, in); break;
	case 4: on_commit(w, in); break;
	case 5: on_roster(w, in); break;
	case 6: on_tick(w, in); break;
	default: on_other(w, in); break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { view_of(data, size) };
	const uint8_t start = fuzz_u8(&in);
	struct world *w = calloc(1, sizeof(*w));

	INSIST(w != NULL);
	world_begin(w);
	if ((start & 1u) != 0) world_found(w);
	if ((start & 2u) != 0) world_put_room(w, ROSTER_ACTIVE);
	if ((start & 4u) != 0) world_put_person(w, 0, fuzz_u8(&in) & 63u, true);
	world_dial(w);
	for (size_t i = 0; i < EVENTS_MAX && fuzz_has(&in); i++) event(w, &in);
	world_end(w);
	free(w);
	return 0;
}
