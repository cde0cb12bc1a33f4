/* Ops on their way out: feed pages, what was just committed, and fetched records (SECURITY 3.4). */
#include "base/check.h"
#include "base/cleanup.h"
#include "record/access.h"
#include "server/store/store_lockbox.h"
#include "server/work/work_handlers.h"

/* One page of the store at a time stands in memory beside what goes out. */
#define SCRATCH_BYTES_MAX (8u * MIB)
/* Rows looked at for one feed page; then the page goes out as it is and the feed asks again. */
#define SCAN_ROWS_MAX 16384u

/* Field 1, length delimited: `ops` of Feed and of FetchPage. */
#define OPS_TAG 0x0Au

/* ---- one op as it travels ---------------------------------------------------------------- */

static enum err row_copy_heads(struct arena *arena, const struct store_row *row, struct wire_op *op)
{
	if (!row->has_heads || row->head_count == 0) return ERR_OK;
	struct wire_head *heads = arena_alloc(arena, row->head_count * sizeof(*heads));
	ENSURE(heads != NULL, ERR_NOMEM);
	for (size_t i = 0; i < row->head_count; i++) {
		memcpy(heads[i].lane_id, row->heads[i].lane_id.b, sizeof(heads[i].lane_id));
		heads[i].lane_seq = row->heads[i].lane_seq;
		memcpy(heads[i].op_hash, row->heads[i].op_hash.b, sizeof(heads[i].op_hash));
	}
	op->heads = heads;
	op->head_count = row->head_count;
	return ERR_OK;
}

/* `own`: for its author, with the heads it was written beside. */
static enum err row_build(struct arena *arena, const struct store_row *row, bool own,
			  Roomkeep__FeedOp **ret)
{
	struct wire_op op = { .core = row->core,
			      .signature = sign_sig_view(&row->signature),
			      .has_payload = row->payload.len > 0 && !row->hidden,
			      .has_intro = row->has_intro };
	if (op.has_payload) op.payload = row->payload;
	if (row->has_intro) {
		op.intro.user_id = row->intro.user_id;
		op.intro.room_id = row->intro.room_id;
		op.intro.lane_class = row->intro.lane_class;
		memcpy(op.intro.random16.b, row->intro.random16, ID_BYTES);
	}
	if (own) TRY(row_copy_heads(arena, row, &op));
	Roomkeep__FeedOp *feed_op = arena_alloc(arena, sizeof(*feed_op));
	ENSURE(feed_op != NULL, ERR_NOMEM);
	roomkeep__feed_op__init(feed_op);
	TRY(wire_op_write(arena, &op, &feed_op->op));
	feed_op->has_seq = 1;
	feed_op->seq = row->seq;
	feed_op->has_received_ms = 1;
	feed_op->received_ms = row->received_ms;
	if (row->lane_class == OP_LANE_CHART) {
		feed_op->has_room_id = 1;
		feed_op->room_id = wire_id_bytes(&row->room_id);
	}
	feed_op->has_code = row->code != ERR_OK;
	feed_op->code = row->code;
	*ret = feed_op;
	return ERR_OK;
}

/* The same as bytes of the enclosing message. */
static enum err row_pack(struct arena *arena, const Roomkeep__FeedOp *feed_op, struct view *ret)
{
	const size_t len = roomkeep__feed_op__get_packed_size(feed_op);
	uint8_t *p = arena_alloc(arena, len + 11);
	ENSURE(p != NULL, ERR_NOMEM);
	size_t at = 0;
	p[at++] = OPS_TAG;
	size_t rest = len;
	while (rest >= 0x80u) {
		p[at++] = (uint8_t)(rest | 0x80u);
		rest >>= 7;
	}
	p[at++] = (uint8_t)rest;
	INSIST(roomkeep__feed_op__pack(feed_op, p + at) == len);
	*ret = view_of(p, at + len);
	return ERR_OK;
}

static struct feed_row row_facts(const struct store_row *row)
{
	return (struct feed_row){ .seq = row->seq,
				  .kind = row->kind,
				  .target_kind = row->target_kind,
				  .target_author = row->target_author,
				  .author_id = row->author_id,
				  .author_only = row->code != ERR_OK,
				  .subject_ms = row->started_ms,
				  .patient_id = row->patient_id,
				  .session_id = row->session_id,
				  .record_id = row->record_id,
				  .therapist_id = row->therapist_id,
				  .session_signed = row->is_signed,
				  .written_ms = row->received_ms,
				  .against_user = row->against_user,
				  .against_role = row->against_role };
}

/* Of one's own lanes the cores always come, the payloads as the access rules and the patient allow
 * (SECURITY 2.13): a therapist who became a desk reads the sessions he wrote no more. */
static struct store_row row_for(const struct feed_eyes *eyes, const struct store_row *row)
{
	struct store_row seen = *row;
	const struct feed_row facts = row_facts(row);
	const struct access_read q = { .kind = row->kind,
				       .target_kind = row->target_kind,
				       .roles = eyes->roles,
				       .is_author = id_equal(&eyes->user_id, &row->author_id) };
	if (!access_may_read(&q) || feed_withholds(eyes, &facts)) seen.payload = VIEW_EMPTY;
	return seen;
}

/* ---- pages ------------------------------------------------------------------------------- */

struct page_builder {
	struct arena *arena;          /* what goes out */
	struct arena *scratch;        /* protobuf structs on the way */
	const struct feed_eyes *eyes; /* NULL: for everybody */
	struct feed_row *rows;        /* BATCH_OPS_MAX */
	size_t count;
	size_t bytes;
	uint64_t to_seq;
	bool full;
};

static enum err page_begin(struct page_builder *b, uint64_t after_seq, size_t rows_max)
{
	b->rows = arena_alloc(b->arena, rows_max * sizeof(*b->rows));
	ENSURE(b->rows != NULL, ERR_NOMEM);
	b->to_seq = after_seq;
	return ERR_OK;
}

static enum err page_add(struct page_builder *b, const struct store_row *row)
{
	struct feed_row to = row_facts(row);
	if (b->eyes != NULL && !feed_may_see(b->eyes, &to, false)) {
		b->to_seq = row->seq;
		return ERR_OK;
	}
	Roomkeep__FeedOp *feed_op = NULL;
	const struct store_row seen = b->eyes != NULL ? row_for(b->eyes, row) : *row;
	TRY(row_build(b->scratch, &seen, true, &feed_op));
	TRY(row_pack(b->arena, feed_op, &to.own_field));
	to.field = to.own_field;
	if (feed_op->op->n_seen_heads > 0) {
		TRY(row_build(b->scratch, &seen, false, &feed_op));
		TRY(row_pack(b->arena, feed_op, &to.field));
	}
	/* The first always fits: one op is smaller than a batch. */
	if (b->count == BATCH_OPS_MAX ||
	    (b->count > 0 && b->bytes + to.own_field.len > BATCH_BYTES_MAX)) {
		b->full = true;
		return ERR_OK;
	}
	b->rows[b->count++] = to;
	b->bytes += to.own_field.len;
	b->to_seq = row->seq;
	return ERR_OK;
}

static enum err page_add_all(struct page_builder *b, const struct store_page *page)
{
	for (size_t i = 0; i < page->count && !b->full; i++) TRY(page_add(b, &page->rows[i]));
	if (!b->full) b->to_seq = page->up_to_seq;
	return ERR_OK;
}

/* Reads on until a frame is full or nothing is left. */
static enum err page_read(struct page_builder *b, struct store_reader *r)
{
	size_t scanned = 0;
	bool more = true;
	while (more && !b->full && scanned < SCAN_ROWS_MAX) {
		struct store_page page;
		arena_reset(b->scratch);
		TRY(store_feed_page(r, b->to_seq, BATCH_OPS_MAX, BATCH_BYTES_MAX, b->scratch,
				    &page));
		TRY(page_add_all(b, &page));
		more = page.more;
		scanned += page.count + 1;
	}
	return ERR_OK;
}

static struct feed_page page_end(const struct page_builder *b, uint64_t from_seq)
{
	return (struct feed_page){
		.rows = b->rows, .count = b->count, .from_seq = from_seq, .to_seq = b->to_seq
	};
}

static enum err eyes_of(struct ask *a, struct store_reader *r, struct feed_eyes *ret)
{
	*ret = (struct feed_eyes){ .user_id = a->desc.who.user_id,
				   .roles = a->desc.who.roles,
				   .wall_ms = a->wall_ms };
	return store_lockbox_load(r, a->wall_ms, &a->arena, &ret->box);
}

enum err work_check_feed_page(struct work *w, struct ask *a, struct store_reader *r)
{
	(void)w;
	struct feed_eyes eyes;
	TRY(eyes_of(a, r, &eyes));
	CLEANUP(arena_finip) struct arena scratch;
	arena_init(&scratch, SCRATCH_BYTES_MAX);
	struct page_builder b = { .arena = &a->arena, .scratch = &scratch, .eyes = &eyes };
	TRY(page_begin(&b, a->desc.page_after_seq, BATCH_OPS_MAX));
	TRY(page_read(&b, r));
	a->page = page_end(&b, a->desc.page_after_seq);
	return ERR_OK;
}

enum err work_publish(struct work *w, struct store *store, struct work_published *ret)
{
	*ret = (struct work_published){ 0 };
	arena_init(&ret->arena, ASK_ARENA_BYTES_MAX);
	ret->page.from_seq = ret->page.to_seq = w->published_seq;
	/* Only this thread changes either number. Numbers have no holes here: each is one row. */
	REQUIRE(w->published_seq <= w->now.seq);
	const uint64_t waiting = w->now.seq - w->published_seq;
	if (waiting == 0) return ERR_OK;
	const size_t rows_max = waiting < BATCH_OPS_MAX ? (size_t)waiting : BATCH_OPS_MAX;

	CLEANUP(arena_finip) struct arena scratch;
	arena_init(&scratch, SCRATCH_BYTES_MAX);
	struct page_builder b = { .arena = &ret->arena, .scratch = &scratch };
	TRY(page_begin(&b, w->published_seq, rows_max));
	struct store_page page;
	TRY(store_feed_page(store_as_reader(store), w->published_seq, rows_max, BATCH_BYTES_MAX,
			    &scratch, &page));
	TRY(page_add_all(&b, &page));
	ret->page = page_end(&b, w->published_seq);
	w->published_seq = ret->page.to_seq;
	return ERR_OK;
}

void work_published_fini(struct work_published *p)
{
	arena_fini(&p->arena);
	*p = (struct work_published){ 0 };
}

/* ---- fetch ------------------------------------------------------------------------------- */

static enum err fetch_read_chart(struct ask *a, const Roomkeep__Fetch *m, struct store_reader *r,
				 struct store_page *page)
{
	struct fetch_checked *c = &a->checked->is.fetch;
	const struct store_chart chart = { .patient_id = c->subject_id,
					   .before_ms = m->has_before_ms ? m->before_ms
									 : UINT64_MAX,
					   .sessions_max = m->sessions_max };
	uint64_t sessions = 0;
	TRY(store_chart_page(r, &chart, m->has_after_seq ? m->after_seq : 0, BATCH_OPS_MAX,
			     BATCH_BYTES_MAX, &a->arena, page, &sessions));
	c->sessions = sessions < UINT32_MAX ? (uint32_t)sessions : UINT32_MAX;
	return ERR_OK;
}

/* Rights come before existence: who may not read learns nothing about what is there. */
static enum err fetch_read(struct ask *a, const Roomkeep__Fetch *m, struct store_reader *r,
			   struct store_page *page)
{
	struct fetch_checked *c = &a->checked->is.fetch;
	const uint64_t after = m->has_after_seq ? m->after_seq : 0;
	if (m->has_session_id) {
		TRY(wire_id(m->session_id, &c->subject_id));
		ENSURE(access_may_read_sessions(a->desc.who.roles), ERR_DENIED);
		struct store_session_ref ref;
		TRY(store_session_ref(r, &c->subject_id, &ref));
		return store_session_page(r, &c->subject_id, after, BATCH_OPS_MAX, BATCH_BYTES_MAX,
					  &a->arena, page);
	}
	TRY(wire_id(m->patient_id, &c->subject_id));
	ENSURE(access_may_read_patients(a->desc.who.roles), ERR_DENIED);
	ENSURE(!m->has_sessions_max || access_may_read_sessions(a->desc.who.roles), ERR_DENIED);
	TRY(store_patient_exists(r, &c->subject_id));
	if (m->has_sessions_max) return fetch_read_chart(a, m, r, page);
	return store_patient_page(r, &c->subject_id, after, BATCH_OPS_MAX, BATCH_BYTES_MAX,
				  &a->arena, page);
}

static enum err fetch_build(struct ask *a, struct store_reader *r, const struct store_page *page)
{
	struct fetch_checked *c = &a->checked->is.fetch;
	Roomkeep__FetchPage *out = &c->page;
	struct feed_eyes eyes;
	roomkeep__fetch_page__init(out);
	TRY(eyes_of(a, r, &eyes));
	if (page->count > 0) {
		out->ops = arena_alloc(&a->arena, page->count * sizeof(*out->ops));
		ENSURE(out->ops != NULL, ERR_NOMEM);
	}
	for (size_t i = 0; i < page->count; i++) {
		const struct feed_row facts = row_facts(&page->rows[i]);
		if (feed_withholds(&eyes, &facts)) {
			c->withheld = true;
			c->withheld_patient = facts.patient_id;
		}
		if (!feed_may_see(&eyes, &facts, true)) continue;
		/* In the arena: the message borrows signature and ids until it is packed. */
		struct store_row *seen = arena_alloc(&a->arena, sizeof(*seen));
		ENSURE(seen != NULL, ERR_NOMEM);
		*seen = row_for(&eyes, &page->rows[i]);
		TRY(row_build(&a->arena, seen, false, &out->ops[out->n_ops++]));
	}
	out->has_last_seq = 1;
	out->last_seq = page->up_to_seq;
	out->has_more = 1;
	out->more = page->more;
	out->has_sessions = a->frame->fetch->has_sessions_max;
	out->sessions = a->checked->is.fetch.sessions;
	return ERR_OK;
}

/* What the fields say together, whatever is there. */
static bool fetch_fits(const Roomkeep__Fetch *m)
{
	if (m->has_patient_id == m->has_session_id) return false;
	if (!m->has_sessions_max) return !m->has_before_ms;
	return m->has_patient_id && m->sessions_max <= FETCH_SESSIONS_MAX;
}

enum err work_check_fetch(struct work *w, struct ask *a, struct store_reader *r)
{
	(void)w;
	const Roomkeep__Fetch *m = a->frame->fetch;
	ENSURE(fetch_fits(m), ERR_BAD_VALUE);
	struct store_page page;
	const enum err e = fetch_read(a, m, r, &page);
	if (e == ERR_DENIED) {
		a->desc.denied = true; /* to be written down */
		return ERR_OK;
	}
	TRY(e);
	return fetch_build(a, r, &page);
}

/* Every page is written down before it leaves, whatever seq it begins at. */
enum err work_write_fetch(struct work *w, struct ask *a, struct store *s)
{
	TRY(work_check_who(w, a, s));
	const struct fetch_checked *c = &a->checked->is.fetch;
	if (c->withheld)
		TRY(work_audit(a, s, STORE_EVENT_DIRECTIVE_HIT, &c->withheld_patient, ERR_OK));
	return work_audit(a, s, STORE_EVENT_FETCHED, &c->subject_id, ERR_OK);
}

enum err work_reply_fetch(struct work *w, struct ask *a)
{
	(void)w;
	Roomkeep__Frame frame = reply_frame(a, ROOMKEEP__FRAME__BODY_FETCH_PAGE);
	frame.fetch_page = &a->checked->is.fetch.page;
	return reply_send(a, &frame);
}
