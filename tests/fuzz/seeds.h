/* seeds: the first inputs of every fuzz target, made from valid objects; seed_corpus writes them to
 * tests/data/corpus. Each target's part stands in one of the seeds_*.c files.
 * Threads: one.   Errors: none; what fails is our own bug. */
#pragma once

#include "base/buf.h"
#include "base/cleanup.h"
#include "fuzz/fuzz.h"

/* Writes corpus/TARGET/NAME. */
void seed_write(const char *target, const char *name, struct view bytes);
/* The same with one byte in front, which chooses among a target's formats. */
void seed_write_as(const char *target, uint8_t first, const char *name, struct view bytes);

void seed_put(struct buf *b, struct view bytes);
void seed_put_u8(struct buf *b, uint8_t v);

void seeds_wire(void);    /* frame, op, payload */
void seeds_formats(void); /* formats, directory */
void seeds_typed(void);   /* typed, csv, json */
void seeds_moves(void);   /* merge, tls_feed */
void seeds_dialog(void);
void seeds_sync(void);
void seeds_verb(void);
void seeds_http(void);
void seeds_files(void); /* import, db */
