/* new_file: a file that is whole under its name or not there at all, for keys made only once: half
 * a key file that a power cut left could neither be used nor replaced.
 *
 * Threads: any, not two for one name.    Owns: nothing. */
#pragma once

#include "base/err.h"
#include "base/view.h"

#define NEW_FILE_NAME_BYTES_MAX 200

/* Makes `name` in the folder (0600) by way of `name`.new, and syncs file and folder; `dir_fd` may
 * be O_PATH. ERR_EXISTS: the name is taken, and stays as it is. ERR_BAD_VALUE: a longer name. */
MUST_USE enum err new_file_write(int dir_fd, const char *name, struct view bytes);
