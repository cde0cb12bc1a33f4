/* text: is this clean UTF-8, as names and reasons inside signed records must be? Threads: any. */
#pragma once

#include "base/view.h"

/* Valid UTF-8 (RFC 3629) without control characters (C0, DEL, C1); empty is clean. */
bool text_is_clean(struct view v);
