/* saves: rooms without a store that push signed ops to a real server and wait for what comes back.
 *
 * One clinic: the owner in "Room 1" founds it, enrols the others, adds Mara. Saved is the text of a
 * session, PEER_BYTES of payload, each an edit of the one before; every SAVES_PER_SESSION of them a
 * new session begins, as in a working day. All is signed and encoded before the clock starts.
 * Owns:    the rooms.   Threads: one. */
#pragma once

#include "bench/room.h"
#include "bench/samples.h"

#define SAVES_ROOMS 62u /* ROOMS_MAX but for the owner's and Mara's */
#define SAVES_PER_SESSION 8u

/* Frames ready to be sent. */
struct plan {
	struct buf bytes;
	size_t *ends; /* owned */
	size_t count;
	size_t next;
};

struct writer {
	struct room room;
	struct box_lane lane;
	struct plan plan;
	char name[16];
	uint64_t sent_ns;
};

struct saves {
	struct loop *loop; /* borrowed */
	struct box_clinic clinic;
	struct room desk;   /* "Room 1", the owner's: founds, then rests in courier mode */
	struct room reader; /* Mara's, pulls */
	struct box_person mara;
	struct writer *writers; /* owned; [0] also saves alone; all are the owner's */
	size_t writer_count;
	struct id patient_id;
	uint64_t newest_seq;
	pid_t server; /* its process */
};

void saves_open(struct saves *s, struct loop *loop, const char *address, const char *setup_code,
		pid_t server);
void saves_close(struct saves *s);

/* Each makes one round of its samples; what is made ready before is outside of it.
 * One room, one op at a time, nobody else there: until the durable acknowledgement. */
void saves_run_alone(struct saves *s, size_t count, struct samples *acks, bool keep);
/* The same while Mara's room reads along: until its Feed frame is there, and until the Ack. */
void saves_run_read(struct saves *s, size_t count, struct samples *acks, struct samples *feeds,
		    bool keep);
/* All writers with one op in flight each, `count` ops per writer. One sample is one op. */
void saves_run_all(struct saves *s, size_t count, struct samples *acks, bool keep);
