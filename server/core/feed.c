#include "server/core/feed.h"

#include "base/check.h"
#include "record/access.h"
#include "roomkeep/wire.pb-c.h"
#include "wire/frame.h"

/* Protobuf wire format: a tag is (field number << 3 | wire type), lengths and numbers are
 * varints. */
#define WIRE_LENGTH_DELIMITED 2u
#define FRAME_FIELD_FEED 57u

void feed_init(struct feed *f)
{
	*f = (struct feed){ .state = FEED_OFF };
}

enum err feed_start(struct feed *f, uint64_t seq, uint64_t newest)
{
	ENSURE(seq <= newest, ERR_BAD_VALUE);
	*f = (struct feed){ .state = FEED_READING, .cursor = seq, .newest = newest };
	return ERR_OK;
}

void feed_stop(struct feed *f)
{
	feed_init(f);
}

bool feed_take_page_wish(struct feed *f)
{
	if (f->state != FEED_READING || f->page_asked) return false;
	f->page_asked = true;
	return true;
}

static bool feed_erases_own(const struct feed_eyes *eyes, const struct feed_row *row)
{
	return row->kind == KIND_TOMBSTONE && id_equal(&row->target_author, &eyes->user_id);
}

bool feed_withholds(const struct feed_eyes *eyes, const struct feed_row *row)
{
	if (feed_erases_own(eyes, row)) return false;
	const bool own = id_equal(&eyes->user_id, &row->author_id);
	const struct lockbox_reader reader = { .user_id = eyes->user_id,
					       .roles = eyes->roles,
					       .now_ms = eyes->wall_ms };
	const struct lockbox_item item = {
		.kind = row->kind == KIND_TOMBSTONE ? row->target_kind : row->kind,
		.patient_id = row->patient_id,
		.session_id = row->session_id,
		.record_id = row->record_id,
		.own = own,
		.own_draft = !row->session_signed && !id_is_zero(&row->session_id) &&
			     id_equal(&row->therapist_id, &eyes->user_id),
		.written_ms = row->written_ms,
	};
	if (!own && lockbox_names(&row->against_user, row->against_role, &reader)) return true;
	return lockbox_withholds(&eyes->box, &reader, &item);
}

bool feed_may_see(const struct feed_eyes *eyes, const struct feed_row *row, bool fetch)
{
	const bool is_author = id_equal(&eyes->user_id, &row->author_id);
	if (is_author) return true; /* one's own lanes are served without gaps (SECURITY 2.13) */
	if (row->author_only) return false;
	const struct access_read q = {
		.kind = row->kind,
		.target_kind = row->target_kind,
		.roles = eyes->roles,
		.is_author = false,
	};
	if (!access_may_read(&q) || feed_withholds(eyes, row)) return false;
	if (fetch || row->subject_ms == 0 || feed_erases_own(eyes, row)) return true;
	return row->subject_ms + FEED_SCOPE_MS >= eyes->wall_ms;
}

/* To be sent now: readable, and not sent already (a commit that a page has read before it was
 * told). */
static bool feed_row_goes(const struct feed *f, const struct feed_eyes *eyes,
			  const struct feed_row *row)
{
	return row->seq > f->cursor && feed_may_see(eyes, row, false);
}

static const struct view *feed_field_for(const struct feed_eyes *eyes, const struct feed_row *row)
{
	return id_equal(&eyes->user_id, &row->author_id) ? &row->own_field : &row->field;
}

static size_t feed_put_varint(uint8_t *p, uint64_t v)
{
	size_t n = 0;
	while (v >= 0x80u) {
		p[n++] = (uint8_t)(v | 0x80u);
		v >>= 7;
	}
	p[n++] = (uint8_t)v;
	return n;
}

/* Length prefix, Frame tag and Feed length, so that the ops, encoded once for all rooms, follow as
 * they are. The rest of the Feed (epoch, cursor, live) stands behind them: fields have no order. */
static enum err feed_write_frame(const struct feed *f, const struct feed_eyes *eyes,
				 const struct feed_page *page, bool live, struct buf *out)
{
	Roomkeep__Feed rest = ROOMKEEP__FEED__INIT;
	struct id epoch = eyes->epoch;
	rest.has_epoch = 1;
	rest.epoch = (ProtobufCBinaryData){ .len = ID_BYTES, .data = epoch.b };
	rest.has_up_to_seq = 1;
	rest.up_to_seq = page->to_seq;
	rest.has_live = 1;
	rest.live = live;
	uint8_t tail[64];
	INSIST(roomkeep__feed__get_packed_size(&rest) <= sizeof(tail));
	const size_t tail_len = roomkeep__feed__pack(&rest, tail);

	size_t feed_len = tail_len;
	for (size_t i = 0; i < page->count; i++)
		if (feed_row_goes(f, eyes, &page->rows[i]))
			feed_len += feed_field_for(eyes, &page->rows[i])->len;
	uint8_t head[24];
	size_t head_len = feed_put_varint(head, FRAME_FIELD_FEED << 3 | WIRE_LENGTH_DELIMITED);
	head_len += feed_put_varint(head + head_len, feed_len);
	const size_t body_len = head_len + feed_len;
	ENSURE(body_len <= FRAME_BODY_BYTES_MAX, ERR_TOO_BIG);

	TRY(buf_reserve(out, FRAME_HEADER_BYTES + body_len)); /* nothing below can fail then */
	TRY(buf_append_be32(out, (uint32_t)body_len));
	TRY(buf_append(out, view_of(head, head_len)));
	for (size_t i = 0; i < page->count; i++)
		if (feed_row_goes(f, eyes, &page->rows[i]))
			TRY(buf_append(out, *feed_field_for(eyes, &page->rows[i])));
	return buf_append(out, view_of(tail, tail_len));
}

static size_t feed_count_going(const struct feed *f, const struct feed_eyes *eyes,
			       const struct feed_page *page)
{
	size_t count = 0;
	for (size_t i = 0; i < page->count; i++)
		if (feed_row_goes(f, eyes, &page->rows[i])) count++;
	return count;
}

/* Moves the cursor over the page, with a frame if there is something to say. */
static enum err feed_pass(struct feed *f, const struct feed_eyes *eyes,
			  const struct feed_page *page, struct buf *out)
{
	const bool live = page->to_seq >= f->newest;
	const bool news = feed_count_going(f, eyes, page) > 0 || (live && !f->told_live);
	if (news) {
		INSIST(f->unconfirmed_count < FEED_BATCHES_MAX);
		TRY(feed_write_frame(f, eyes, page, live, out));
		f->unconfirmed[f->unconfirmed_count++] = page->to_seq;
		f->told_live = live;
	}
	f->cursor = page->to_seq;
	if (live)
		f->state = FEED_LIVE;
	else if (f->unconfirmed_count < FEED_BATCHES_MAX)
		f->state = FEED_READING;
	else
		f->state = FEED_WAITING;
	return ERR_OK;
}

enum err feed_on_page(struct feed *f, const struct feed_eyes *eyes, const struct feed_page *page,
		      struct buf *out)
{
	f->page_asked = false;
	if (f->state != FEED_READING || page->from_seq != f->cursor) return ERR_OK;
	if (page->to_seq > f->newest) f->newest = page->to_seq;
	return feed_pass(f, eyes, page, out);
}

enum err feed_on_published(struct feed *f, const struct feed_eyes *eyes,
			   const struct feed_page *page, struct buf *out)
{
	if (page->to_seq > f->newest) f->newest = page->to_seq;
	if (f->state != FEED_LIVE || f->cursor >= page->to_seq) return ERR_OK;
	const bool gap = f->cursor < page->from_seq;
	const bool full = f->unconfirmed_count == FEED_BATCHES_MAX;
	if (gap || (full && feed_count_going(f, eyes, page) > 0)) {
		f->state = f->unconfirmed_count < FEED_BATCHES_MAX ? FEED_READING : FEED_WAITING;
		return ERR_OK;
	}
	return feed_pass(f, eyes, page, out);
}

enum err feed_on_ack(struct feed *f, uint64_t up_to_seq)
{
	if (f->state == FEED_OFF) return ERR_OK; /* late word about a feed that was stopped */
	ENSURE(f->unconfirmed_count == 0 || up_to_seq <= f->unconfirmed[f->unconfirmed_count - 1],
	       ERR_BAD_VALUE);
	ENSURE(up_to_seq <= f->cursor, ERR_BAD_VALUE);
	unsigned done = 0;
	while (done < f->unconfirmed_count && f->unconfirmed[done] <= up_to_seq) done++;
	for (unsigned i = done; i < f->unconfirmed_count; i++)
		f->unconfirmed[i - done] = f->unconfirmed[i];
	f->unconfirmed_count -= done;
	if (f->state == FEED_WAITING && f->unconfirmed_count < FEED_BATCHES_MAX)
		f->state = FEED_READING;
	return ERR_OK;
}
