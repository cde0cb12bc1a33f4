/* limits: every bound of the product in one place, with the relations between them asserted.
 * Source of the wire limits: our protocol (proto/README.md, table of limits). */
#pragma once

#define KIB 1024u
#define MIB (1024u * KIB)

/* wire */
#define FRAME_HEADER_BYTES 4u
#define FRAME_BODY_BYTES_MAX MIB          /* FRAME_TOO_BIG above, before allocating */
#define HELLO_BYTES_MAX (4u * KIB)        /* any frame of a peer that is not READY, but Found */
#define FOUND_BYTES_MAX (64u * KIB)       /* the one large frame before an owner exists */
#define FRAME_PARSE_FACTOR 8u             /* parse memory per frame: factor x frame ... */
#define FRAME_PARSE_BYTES_MAX (16u * MIB) /* ... with this hard cap */
#define BATCH_OPS_MAX 256u
#define BATCH_BYTES_MAX (768u * KIB) /* op bytes in one Push or Feed, leaves room for framing */
#define FETCH_SESSIONS_MAX 64u       /* sessions of a Fetch for a chart that opens at once */
/* Sessions that began longer ago are fetched on request (SECURITY 3.4): 18 months of 30.44 days. */
#define FEED_SCOPE_MS (548ull * 24u * 60u * 60u * 1000u)
#define UNACKED_BYTES_MAX (4u * MIB)     /* above: the server stops reading that conn */
#define WRITE_QUEUE_BYTES_MAX (4u * MIB) /* above: stop reading; twice that: close */

/* records */
#define OP_BYTES_MAX (256u * KIB)  /* core + signature + payload */
#define TEXT_BYTES_MAX (64u * KIB) /* one text field, and the text of a note */
#define NAME_BYTES_MAX 200u        /* names of people, rooms, the clinic */
#define LOGIN_BYTES_MAX 64u
#define PHONE_BYTES_MAX 40u
#define EMAIL_BYTES_MAX 254u /* RFC 5321 4.5.3.1.3 */
#define PARENTS_MAX 64u      /* revisions one edit may name */
#define COVERED_MAX 4096u    /* revisions one Sign may name, and plain records' ops beside */
#define HEADS_MAX 256u       /* an author's other lanes: rooms x machines lost */

/* people and connections */
#define ROOMS_MAX 64u
#define CONNS_MAX 256u
#define CONNS_UNKNOWN_MAX 16u /* peers that are not on the allow-list */
#define CONNS_UNKNOWN_PER_ADDRESS_MAX 4u

/* times, milliseconds */
#define HANDSHAKE_MS_MAX 10000u
#define FIRST_FRAME_MS_MAX 5000u
#define PING_MS 2000u
#define OFFLINE_MS 5000u      /* a room calls the link offline after this silence */
#define STALLED_MS_MAX 60000u /* the server closes a conn without progress */
#define FRAME_MS_MAX 10000u   /* a begun frame must end within this (1 byte/s peers) */
#define RETRY_MS_MIN 250u
#define RETRY_MS_MAX_BUSY 5000u /* while the outbox holds anything */
#define RETRY_MS_IDLE 30000u
#define LOGIN_CHALLENGE_MS 60000u
#define LOGIN_FAIL_MS_MIN 250u /* a failed sign-in never answers faster */

/* net */
#define TLS_PIPE_IN_BYTES_MAX (256u * KIB) /* cipher bytes fed to a tls_pipe and not yet read */
#define TLS_PIPE_OUT_BYTES_MAX (2u * WRITE_QUEUE_BYTES_MAX + MIB) /* made and not yet drained */
#define TLS_DRAINED_BYTES (64u * KIB) /* on_drained comes at this many queued bytes */
#define TLS_LINGER_MS 500u            /* how long an ending stream waits for its peer */
#define POOL_THREADS_MAX 16u
#define ACCEPTS_PER_TURN_MAX 64u /* then the loop serves its other sockets */
#define ACCEPT_PAUSE_MS 100u     /* after descriptors ran out */

/* other */
#define BUF_BYTES_MAX (64u * MIB)
#define LOG_RING_EVENTS 1024u
#define PASSPHRASE_BYTES_MAX 1024u
#define PASSPHRASE_POINTS_MIN 15u /* NIST SP 800-63B-4, single factor */

_Static_assert(BATCH_BYTES_MAX + 4u * OP_BYTES_MAX / 4u <= FRAME_BODY_BYTES_MAX,
	       "a full batch and its framing fit a frame");
_Static_assert(OP_BYTES_MAX <= BATCH_BYTES_MAX, "any op fits a batch");
_Static_assert(TEXT_BYTES_MAX * 2u <= OP_BYTES_MAX, "any text fits an op, padding included");
_Static_assert(2u * COVERED_MAX * 24u <= OP_BYTES_MAX, "a Sign fits an op");
_Static_assert(FRAME_BODY_BYTES_MAX <= FRAME_PARSE_BYTES_MAX / FRAME_PARSE_FACTOR,
	       "the parse cap admits the largest frame");
_Static_assert(2u * PING_MS < OFFLINE_MS, "two pings fit before a room calls itself offline");
