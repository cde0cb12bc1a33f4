/* passphrase_list: the part of the blocklist that is the same for everybody; see passphrase.h.
 * Threads: any. */
#pragma once

#include "base/view.h"

/* Is the WHOLE of it a passphrase that many people use? `folded` is NFKC and case-folded. */
bool passphrase_is_common(struct view folded);
