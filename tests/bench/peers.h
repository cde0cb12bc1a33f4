/* peers: what this machine and bare parts do with the same bytes, measured beside the product
 * (GOALS: every figure is a ratio to something of the same run).
 *
 *   disk     1 KiB appended to a file, then fdatasync
 *   echo     TLS 1.3 over loopback, our TLS and loop and nothing else, another process answers
 *   raw      SQLite as the product opens it (WAL, synchronous=FULL), one table, rows of 1 KiB
 *
 * Owns:    files in the folder, the echo's process.   Threads: one.
 * Errors:  none; what must work does, or the process stops. */
#pragma once

#include "bench/samples.h"
#include "net/tcp.h"
#include "net/tls_stream.h"

#define PEER_BYTES 1024u

struct disk {
	int fd;
};
void disk_open(struct disk *d, const char *folder);
void disk_close(struct disk *d);
void disk_run(struct disk *d, size_t count, struct samples *s);

struct raw {
	struct sqlite3 *db;
	struct sqlite3_stmt *begin;
	struct sqlite3_stmt *insert;
	struct sqlite3_stmt *commit;
};
void raw_open(struct raw *r, const char *folder);
void raw_close(struct raw *r);
/* `count` commits of `rows` each; one sample is one commit. */
void raw_run(struct raw *r, size_t count, unsigned rows, struct samples *s);

struct echo {
	pid_t pid;
	int alive; /* closed: the process ends */
	char address[TCP_ADDRESS_TEXT_MAX];
	struct loop *loop; /* borrowed */
	struct tls_identity key;
	struct tls_ctx tls;
	struct tcp_dial dial;
	struct tls_stream stream;
	unsigned parts_open;
	size_t got;
	bool ready;
};
/* Starts the process that answers; before any thread, loop or connection of this one. */
void echo_fork(struct echo *e);
void echo_open(struct echo *e, struct loop *loop);
void echo_close(struct echo *e);
void echo_run(struct echo *e, size_t count, struct samples *s);
