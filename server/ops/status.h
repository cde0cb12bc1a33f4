/* status: what `roomkeepd status` says, from the running server or from its folder.
 *
 * Shape, roomkeep.server-status/1: {"schema","state":"running|unfounded|reconcile|stopped",
 * "epoch","seq","rooms":[{"name","state":"online|offline|invited|retired"}],"sqlite_version"};
 * epoch is null while there is none. No patient data: the server's admin is shown none.
 * Threads: status_of_engine on the loop; status_of_folder any.   Result: a new json object. */
#pragma once

#include "base/err.h"

#include <jansson.h>

struct engine;

MUST_USE enum err status_of_engine(const struct engine *e, json_t **ret_json);

/* ERR_NOT_FOUND: there is no clinic in this folder. */
MUST_USE enum err status_of_folder(const char *folder, json_t **ret_json);
