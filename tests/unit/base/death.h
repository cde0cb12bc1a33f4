/* death: runs a piece of code in a child that must abort, and keeps what it said on stderr.
 *
 * Threads: call before starting any, because it forks. */
#pragma once

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct death {
	int signal; /* that ended the child; 0 when it returned */
	char said[4096];
};

static inline struct death death_of(void (*fn)(void *), void *arg)
{
	struct death d = { 0 };
	int ends[2];
	if (pipe(ends) != 0) abort();
	const pid_t child = fork();
	if (child < 0) abort();
	if (child == 0) {
		const struct rlimit none = { 0, 0 };
		if (setrlimit(RLIMIT_CORE, &none) != 0) _exit(2);
		if (dup2(ends[1], STDERR_FILENO) < 0) _exit(2);
		close(ends[0]);
		close(ends[1]);
		fn(arg);
		_exit(0);
	}
	close(ends[1]);
	size_t at = 0;
	ssize_t got = 0;
	while ((got = read(ends[0], d.said + at, sizeof(d.said) - 1 - at)) > 0) at += (size_t)got;
	close(ends[0]);
	int status = 0;
	if (waitpid(child, &status, 0) != child) abort();
	if (WIFSIGNALED(status)) d.signal = WTERMSIG(status);
	return d;
}
