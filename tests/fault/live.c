/* What lives: every block and mapping by its address, in a table of its own. */
#include "fault.h"
#include "run.h"

#include <execinfo.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIVE_BITS 15
#define LIVE_SLOTS (1u << LIVE_BITS) /* each page of it is copied in each child: not too many */
#define LIVE_FRAMES 14
#define CANARIES_MAX 8u

struct live {
	const void *p; /* NULL: empty slot */
	size_t bytes;
	uint64_t serial;
};

static struct live table[LIVE_SLOTS];
static void *stacks[LIVE_SLOTS][LIVE_FRAMES]; /* touched while tracing only */
static size_t live_count;
static uint64_t next_serial = 1;
static uint64_t marked_serial;
static bool tracing; /* stacks are kept: from the mark on, when asked */
static bool inside;  /* backtrace allocates the first time */
static const char *canaries[CANARIES_MAX];
static size_t canary_count;
static uint64_t canaries_freed;

static size_t slot_of(const void *p)
{
	uint64_t x = (uint64_t)(uintptr_t)p >> 4;
	x *= UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(x >> (64 - LIVE_BITS));
}

static size_t slot_find(const void *p)
{
	size_t i = slot_of(p);
	while (table[i].p != NULL && table[i].p != p) i = (i + 1) & (LIVE_SLOTS - 1);
	return i;
}

void fault_live_add(const void *p, size_t bytes)
{
	if (live_count > LIVE_SLOTS - LIVE_SLOTS / 4) abort(); /* LIVE_BITS is too small */
	const size_t i = slot_find(p);
	if (table[i].p == NULL) live_count++;
	table[i] = (struct live){ .p = p, .bytes = bytes, .serial = next_serial++ };
	if (!tracing || inside) return;
	inside = true;
	fault_pause();
	const int depth = backtrace(stacks[i], LIVE_FRAMES);
	for (int k = depth; k < LIVE_FRAMES; k++) stacks[i][k] = NULL;
	fault_resume();
	inside = false;
}

static void canaries_look(const struct live *l)
{
	for (size_t k = 0; k < canary_count; k++) {
		if (memmem(l->p, l->bytes, canaries[k], strlen(canaries[k])) == NULL) continue;
		canaries_freed++;
		if (tracing) {
			(void)dprintf(STDERR_FILENO, "freed with \"%s\" in it:\n", canaries[k]);
			fault_pause();
			fault_print_stack();
			fault_resume();
		}
	}
}

/* Empties a slot and moves up what stands behind it, so that no search stops too early. */
static void slot_clear(size_t i)
{
	size_t hole = i;
	for (size_t k = (i + 1) & (LIVE_SLOTS - 1); table[k].p != NULL;
	     k = (k + 1) & (LIVE_SLOTS - 1)) {
		const size_t home = slot_of(table[k].p);
		const size_t from_home = (k - home) & (LIVE_SLOTS - 1);
		const size_t from_hole = (k - hole) & (LIVE_SLOTS - 1);
		if (from_home < from_hole) continue;
		table[hole] = table[k];
		if (tracing) memcpy(stacks[hole], stacks[k], sizeof(stacks[k]));
		hole = k;
	}
	table[hole].p = NULL;
	live_count--;
}

void fault_live_remove(const void *p)
{
	if (p == NULL) return;
	const size_t i = slot_find(p);
	if (table[i].p == NULL) return; /* made by somebody who did not come through here */
	if (canary_count > 0) canaries_look(&table[i]);
	slot_clear(i);
}

uint64_t fault_live_count(void)
{
	return live_count;
}

void fault_live_mark(void)
{
	marked_serial = next_serial;
	canaries_freed = 0;
}

uint64_t fault_live_new(void)
{
	uint64_t count = 0;
	for (size_t i = 0; i < LIVE_SLOTS; i++)
		if (table[i].p != NULL && table[i].serial >= marked_serial) count++;
	return count;
}

void fault_live_print(FILE *to)
{
	unsigned shown = 0;
	(void)fflush(to);
	for (size_t i = 0; i < LIVE_SLOTS && shown < 10; i++) {
		if (table[i].p == NULL || table[i].serial < marked_serial) continue;
		shown++;
		const unsigned long long number = table[i].serial - marked_serial + 1;
		(void)dprintf(fileno(to), "lives: %zu bytes, allocation %llu since the fork\n",
			      table[i].bytes, number);
		int depth = 0;
		while (depth < LIVE_FRAMES && stacks[i][depth] != NULL) depth++;
		if (depth > 2) backtrace_symbols_fd(stacks[i] + 2, depth - 2, fileno(to));
	}
}

void fault_live_keep_stacks(void)
{
	tracing = true;
}

void fault_canary(const char *text)
{
	if (canary_count < CANARIES_MAX) canaries[canary_count++] = text;
}

void fault_canaries_clear(void)
{
	canary_count = 0;
}

uint64_t fault_canaries_freed(void)
{
	return canaries_freed;
}

unsigned fault_open_files(void)
{
	unsigned count = 0;
	for (int fd = 0; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) >= 0) count++;
	return count;
}
