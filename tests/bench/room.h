/* room: a room's end of a connection, played by the bench: TLS key, frames, no store.
 *
 * Several rooms share one loop and one thread. room_call drives the loop until the answer is there;
 * in timed parts room_send and an `on_frame` of the caller do without.
 * Owns:    key, connection, the newest answer.   Threads: one.
 * Errors:  none; what must work does, or the process stops. */
#pragma once

#include "net/tcp.h"
#include "net/tls_stream.h"
#include "support/box_clinic.h"

struct room {
	struct loop *loop; /* borrowed */
	struct tls_identity key;
	struct tls_ctx tls;
	struct tcp_dial dial;
	struct tls_stream stream;
	struct buf in;      /* plain bytes that are no whole frame yet */
	struct arena arena; /* of `reply` */
	Roomkeep__Frame *reply;
	uint64_t request; /* last one used */
	uint64_t scope_version;
	struct box_room who; /* id and name; its conn is not used */
	unsigned parts_open;
	bool ready;
	/* Gets each frame and when its last byte had come; NULL outside timed parts. */
	void (*on_frame)(struct room *r, struct view body, uint64_t at_ns);
	void *ctx;
};

/* Makes a key, connects, finishes the handshake. */
void room_open(struct room *r, struct loop *loop, struct box_clinic *c, const char *name,
	       const char *address);
void room_close(struct room *r);

/* Asks and waits. The answer lives until the next call on this room. */
Roomkeep__Frame *room_call(struct room *r, Roomkeep__Frame *frame);
/* The same where the answer is a Result, which must be good. */
void room_must(struct room *r, Roomkeep__Frame *frame);
/* Encodes with the next request number, behind what is in `out`. */
void room_encode(struct room *r, Roomkeep__Frame *frame, struct buf *out);
void room_send(struct room *r, struct view frames);
/* Any frame, into the room's arena. */
Roomkeep__Frame *room_decode(struct room *r, struct view body);

/* ---- what a room does before it can work --------------------------------------------------- */

/* A clinic that is only here: keys and directory, to be founded at the server with this code. */
void clinic_init(struct box_clinic *c, const char *setup_code);
void clinic_fini(struct box_clinic *c);

void room_hello(struct box_clinic *c, struct room *r);
void room_found(struct box_clinic *c, struct room *r);
void room_enrol(struct box_clinic *c, struct room *via, struct room *r);
void room_sign_in(struct box_clinic *c, struct room *r, const struct box_person *p);
void room_sign_out(struct box_clinic *c, struct room *r);
void room_add_person(struct box_clinic *c, struct room *via, struct box_person *p);
/* From `seq` on; waits until the feed is live. */
void room_pull(struct box_clinic *c, struct room *r, uint64_t seq);
