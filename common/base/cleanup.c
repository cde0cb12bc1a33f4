#include "base/cleanup.h"

#include <errno.h>
#include <unistd.h>

void closep(int *fd)
{
	if (*fd < 0) return;
	const int saved = errno;
	(void)close(*fd); /* nothing left to do about it on a cleanup path */
	errno = saved;
	*fd = -1;
}
