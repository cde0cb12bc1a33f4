/* err: the one set of error values, and the two macros that move them upward.
 *
 * 0 is success, every other value is negative. A value is returned, never thrown away: fallible
 * functions are MUST_USE and give their results by `ret_` parameters, untouched on failure.
 * Threads: any. The X-macro form (value, name, sentence) follows libuv's UV_ERRNO_MAP. */
#pragma once

#define MUST_USE __attribute__((warn_unused_result))

/* X(NAME, value, sentence for a person who reads a log or a terminal) */
#define ERR_MAP(X)                                                                                 \
	X(MORE, -1, "more bytes are needed")                                                       \
	X(NOMEM, -2, "memory ran out")                                                             \
	X(PROTO, -3, "the peer broke the protocol")                                                \
	X(TOO_BIG, -4, "larger than the limit")                                                    \
	X(FULL, -5, "no room is left in a bounded queue")                                          \
	X(BAD_VALUE, -6, "a value is outside what is allowed")                                     \
	X(BAD_TEXT, -7, "text is not clean UTF-8")                                                 \
	X(BAD_FORMAT, -8, "bytes do not have the expected form")                                   \
	X(AUTH, -9, "a signature, seal or proof does not hold")                                    \
	X(KDF_FLOOR, -10, "passphrase parameters are outside what this program accepts")           \
	X(NOT_FOUND, -11, "no such thing")                                                         \
	X(EXISTS, -12, "it exists already")                                                        \
	X(DENIED, -13, "not allowed")                                                              \
	X(SIGNED_OUT, -14, "nobody is signed in")                                                  \
	X(SIGNED, -15, "the session is signed and cannot change")                                  \
	X(CONFLICT, -16, "two versions stand side by side")                                        \
	X(IO, -17, "the disk or the network failed")                                               \
	X(DISK_FULL, -18, "the disk is full")                                                      \
	X(STORE, -19, "the database failed")                                                       \
	X(CORRUPT, -20, "stored data does not check out")                                          \
	X(BUSY, -21, "somebody else holds it")                                                     \
	X(TIMEOUT, -22, "time ran out")                                                            \
	X(OFFLINE, -23, "the server cannot be reached")                                            \
	X(CLOSED, -24, "the other side closed")                                                    \
	X(TRUNCATED, -25, "the stream ended in the middle")                                        \
	X(TLS, -26, "the encrypted connection failed")                                             \
	X(REFUSED, -27, "the server refused this room")                                            \
	X(VERSION, -28, "made by a version this program does not know")                            \
	X(THROTTLED, -29, "too many tries, wait")                                                  \
	X(EXPIRED, -30, "it is no longer valid")                                                   \
	X(USED, -31, "it was used already")                                                        \
	X(CANCELED, -32, "canceled")                                                               \
	X(USAGE, -33, "called in the wrong way")                                                   \
	X(CONFIG, -34, "the configuration is wrong")                                               \
	X(LANE_GAP, -35, "an op is missing before this one")                                       \
	X(FORK, -36, "two different things claim the same place in a chain")                       \
	X(BUG, -37, "an internal error")                                                           \
	X(CLASH, -38, "another appointment is there at that time")

enum err {
	ERR_OK = 0,
#define ERR_ENUM(name, value, text) ERR_##name = value,
	ERR_MAP(ERR_ENUM)
#undef ERR_ENUM
};

/* Lower-case name ("too_big"), for logs and JSON codes; never NULL, static storage. */
const char *err_name(enum err e);

/* One sentence without a full stop, static storage. */
const char *err_text(enum err e);

/* The wire carries the number as it is; a value this build does not know becomes ERR_PROTO. */
enum err err_from_wire(int value);

/* errno of a failed system call. ENOSPC and EDQUOT become ERR_DISK_FULL, ENOMEM ERR_NOMEM,
 * ENOENT ERR_NOT_FOUND, EEXIST ERR_EXISTS, EACCES and EPERM ERR_DENIED, all others ERR_IO, 0 too:
 * a call that failed did not succeed, whatever errno says. Never ERR_OK. */
enum err err_find_errno(int saved_errno);
static inline enum err err_from_errno(int saved_errno)
{
	const enum err e = err_find_errno(saved_errno);
	if (e == ERR_OK) __builtin_unreachable(); /* tells analyzers what the contract says */
	return e;
}

/* A result that is ignored on purpose; the reason stands in a comment at the call. */
static inline void err_ignore(enum err e)
{
	(void)e;
}

#define TRY(call)                                                                                  \
	do {                                                                                       \
		const enum err try_err_ = (call);                                                  \
		if (__builtin_expect(try_err_ != ERR_OK, 0)) return try_err_;                      \
	} while (0)

#define ENSURE(cond, error)                                                                        \
	do {                                                                                       \
		if (__builtin_expect(!(cond), 0)) return (error);                                  \
	} while (0)
