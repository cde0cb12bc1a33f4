#include "fault.h"
#include "run.h"

#include <errno.h>
#include <execinfo.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#define DISK (FAULT_MAY(IO) | FAULT_MAY(STORE))

const struct fault_kind fault_kinds[] = {
	{ .name = "alloc", .call = FAULT_ALLOC, .code = ENOMEM, .expect = FAULT_MAY(NOMEM) },
	{ .name = "own", .call = FAULT_OWN, .code = ENOMEM, .expect = FAULT_MAY(NOMEM) },
	{ .name = "mmap", .call = FAULT_MMAP, .code = ENOMEM, .expect = FAULT_MAY(NOMEM) | DISK },
	{ .name = "mlock", .call = FAULT_MLOCK, .code = EAGAIN },
	{ .name = "random-again", .call = FAULT_RANDOM, .code = EINTR, .once = true },
	/* Linux never answers short below 256 bytes, so libsodium may stop when it does. */
	{ .name = "random-short",
	  .call = FAULT_RANDOM,
	  .code = FAULT_SHORT,
	  .once = true,
	  .dies = true },
	{ .name = "random-dead",
	  .call = FAULT_RANDOM,
	  .code = ENOSYS,
	  .once = true,
	  .dies = true,
	  .expect = DISK },
	{ .name = "open", .call = FAULT_OPEN, .code = EMFILE, .expect = DISK },
	/* SQLite calls a database damaged when the disk cannot read it (SQLITE_IOERR_CORRUPTFS). */
	{ .name = "read", .call = FAULT_READ, .code = EIO, .expect = DISK | FAULT_MAY(CORRUPT) },
	{ .name = "read-short", .call = FAULT_READ, .code = FAULT_SHORT, .expect = DISK },
	{ .name = "write", .call = FAULT_WRITE, .code = EIO, .expect = DISK },
	{ .name = "write-full",
	  .call = FAULT_WRITE,
	  .code = ENOSPC,
	  .expect = FAULT_MAY(DISK_FULL) | FAULT_MAY(STORE) },
	{ .name = "write-short", .call = FAULT_WRITE, .code = FAULT_SHORT, .expect = DISK },
	{ .name = "sync", .call = FAULT_SYNC, .code = EIO, .expect = DISK },
	{ .name = "name", .call = FAULT_NAME, .code = EIO, .expect = DISK },
	{ .name = "truncate", .call = FAULT_TRUNCATE, .code = EIO, .expect = DISK },
	{ .name = "stat", .call = FAULT_STAT, .code = EIO, .expect = DISK },
	{ .name = "lock", .call = FAULT_LOCK, .code = EIO, .expect = DISK | FAULT_MAY(BUSY) },
	{ .name = "step-io", .call = FAULT_STEP, .code = SQLITE_IOERR, .expect = DISK },
	{ .name = "step-full",
	  .call = FAULT_STEP,
	  .code = SQLITE_FULL,
	  .expect = FAULT_MAY(DISK_FULL) | FAULT_MAY(STORE) },
	{ .name = "step-nomem",
	  .call = FAULT_STEP,
	  .code = SQLITE_NOMEM,
	  .expect = FAULT_MAY(NOMEM) },
	{ .name = "step-busy", .call = FAULT_STEP, .code = SQLITE_BUSY, .expect = FAULT_MAY(BUSY) },
	{ .name = "prepare", .call = FAULT_PREPARE, .code = SQLITE_IOERR, .expect = DISK },
	{ .name = "ssl", .call = FAULT_SSL, .expect = FAULT_MAY(TLS) | FAULT_MAY(NOMEM) },
};
const size_t fault_kind_count = sizeof(fault_kinds) / sizeof(fault_kinds[0]);

static struct {
	const struct fault_kind *kind; /* NULL: disarmed */
	uint64_t at;
	bool on;
	uint64_t counted[FAULT_CALL_COUNT];
	uint64_t struck;
	unsigned paused;
	bool trace;
} armed;

void fault_arm(const struct fault_kind *kind, uint64_t at, bool on)
{
	armed.at = at;
	armed.on = on;
	for (size_t i = 0; i < FAULT_CALL_COUNT; i++) armed.counted[i] = 0;
	armed.struck = 0;
	armed.paused = 0;
	armed.kind = kind;
}

void fault_disarm(void)
{
	armed.kind = NULL;
}

void fault_trace(bool on)
{
	armed.trace = on;
}

uint64_t fault_struck(void)
{
	return armed.struck;
}

uint64_t fault_counted(enum fault_call call)
{
	return armed.counted[call];
}

void fault_pause(void)
{
	armed.paused++;
}

void fault_resume(void)
{
	armed.paused--;
}

void fault_print_stack_ready(void)
{
	void *frames[2];
	(void)backtrace(frames, 2);
}

void fault_print_stack(void)
{
	void *frames[32];
	const int count = backtrace(frames, 32);
	backtrace_symbols_fd(frames + 1, count - 1, STDERR_FILENO);
}

bool fault_called_by_us(const void *caller)
{
	extern const char __executable_start, etext;
	const uintptr_t at = (uintptr_t)caller;
	return at >= (uintptr_t)&__executable_start && at < (uintptr_t)&etext;
}

bool fault_strike(enum fault_call call, int *ret_code)
{
	const struct fault_kind *kind = armed.kind;
	if (kind == NULL || armed.paused > 0) return false;
	const uint64_t count = ++armed.counted[call];
	if (kind->call != call || armed.at == 0) return false;
	if (armed.on ? count < armed.at : count != armed.at) return false;
	armed.struck++;
	if (armed.trace && armed.struck == 1) {
		armed.paused++;
		fault_print_stack();
		armed.paused--;
	}
	*ret_code = kind->code;
	return true;
}
