/* watch: the time the relationship watch takes over ten years of a clinic, beside what SQLite alone
 * takes to read the same rows.
 *
 * Owns: a database in the current folder.   Threads: one. */
#pragma once

#include <jansson.h>
#include <stdint.h>

/* {"patients","sessions","read_ms":[...],"watch_ms":[...],"steps":{...}} */
json_t *watch_measure(uint64_t patients, unsigned rounds);
