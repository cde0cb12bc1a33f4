/* run: what fault_main needs of the harness besides fault.h. */
#pragma once

void run_open(void);
void run_close(void);

/* Loads what printing a stack needs, which is not to be taken for a leak. */
void fault_print_stack_ready(void);
/* From now on each block remembers who made it. */
void fault_live_keep_stacks(void);
void fault_canaries_clear(void);
