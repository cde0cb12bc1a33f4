/* files: each child's own copy of the scene's folder, under the same name.
 *
 * Before a fork the parent moves the folder aside and leaves a copy in its place; the child gives
 * its open descriptors and mappings the copies; after the child the parent's own comes back. So the
 * parent's open databases stay as they are, however often they are forked. */
#pragma once

void files_make(void);      /* the folder, empty, on a memory disk if there is one */
void files_remove(void);    /* with what is in it */
void files_lend(void);      /* parent, before the fork */
void files_take_over(void); /* child, first of all */
void files_take_back(void); /* parent, when the child is gone */
