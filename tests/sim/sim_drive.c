#include "sim/sim_drive.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

#define DRIVES_MAX 16u

struct broken {
	uint64_t skip, count, until_ms;
};

struct drive {
	char folder[DRIVE_NAME_BYTES_MAX];
	struct rand_source rand;
	const uint64_t *now_ms;
	struct drive_file *files[DRIVE_FILES_MAX]; /* owned; in the order in which they were made */
	size_t file_count;
	bool exposed;
	bool stopped;
	unsigned hits;
	struct broken broken[DRIVE_OPS];
	bool filled;
	uint64_t space_left, filled_until_ms;
	void (*visit)(void *ctx);
	void *visit_ctx;
};

struct drive_image {
	struct drive_file *files[DRIVE_FILES_MAX]; /* owned */
	size_t file_count;
};

static struct drive *drives[DRIVES_MAX];

/* ---- bytes --------------------------------------------------------------------------- */

static void bytes_reserve(struct drive_bytes *b, size_t cap)
{
	if (cap <= b->cap) return;
	size_t more = b->cap == 0 ? 4096 : b->cap;
	while (more < cap) more *= 2;
	b->p = realloc(b->p, more);
	INSIST(b->p != NULL);
	b->cap = more;
}

static void bytes_resize(struct drive_bytes *b, size_t len)
{
	bytes_reserve(b, len);
	while (b->len < len) b->p[b->len++] = 0;
	b->len = len;
}

/* What lies between the end and `at` becomes zeros. */
static void bytes_put(struct drive_bytes *b, size_t at, const void *p, size_t len)
{
	if (at > b->len) bytes_resize(b, at);
	bytes_reserve(b, at + len);
	if (at + len > b->len) b->len = at + len;
	if (len > 0) memcpy(b->p + at, p, len);
}

static void bytes_copy(struct drive_bytes *to, const struct drive_bytes *from)
{
	to->len = 0;
	bytes_reserve(to, from->cap); /* it will grow as the other did */
	bytes_put(to, 0, from->p, from->len);
}

/* ---- drives and files ---------------------------------------------------------------- */

struct drive *drive_new(const char *folder, struct rand_source rand, const uint64_t *now_ms)
{
	struct drive *d = calloc(1, sizeof(*d));
	INSIST(d != NULL && strlen(folder) < sizeof(d->folder));
	memcpy(d->folder, folder, strlen(folder) + 1);
	d->rand = rand;
	d->now_ms = now_ms;
	d->space_left = DRIVE_SPACE_ALL;
	for (size_t i = 0; i < DRIVES_MAX; i++) {
		if (drives[i] != NULL) continue;
		drives[i] = d;
		return d;
	}
	INSIST(false); /* too many drives */
	return NULL;
}

static void file_free(struct drive_file *f)
{
	INSIST(f->opens == 0);
	free(f->cache.p);
	free(f->platter.p);
	free(f->changes);
	free(f->change_bytes.p);
	free(f);
}

void drive_free(struct drive *d)
{
	if (d == NULL) return;
	for (size_t i = 0; i < d->file_count; i++) file_free(d->files[i]);
	for (size_t i = 0; i < DRIVES_MAX; i++) {
		if (drives[i] == d) drives[i] = NULL;
	}
	free(d);
}

struct drive *drive_of_path(const char *path, const char **ret_name)
{
	for (size_t i = 0; i < DRIVES_MAX; i++) {
		if (drives[i] == NULL) continue;
		const size_t len = strlen(drives[i]->folder);
		if (strncmp(path, drives[i]->folder, len) != 0) continue;
		if (path[len] != '\0' && path[len] != '/') continue;
		*ret_name = path[len] == '/' ? path + len + 1 : path + len;
		return drives[i];
	}
	return NULL;
}

const char *drive_folder(const struct drive *d)
{
	return d->folder;
}

struct drive_file *drive_find(struct drive *d, const char *name)
{
	for (size_t i = 0; i < d->file_count; i++) {
		if (d->files[i]->linked && strcmp(d->files[i]->name, name) == 0) return d->files[i];
	}
	return NULL;
}

/* What can neither be found nor is open, now and after a power cut, is gone. */
static void drive_sweep(struct drive *d)
{
	size_t kept = 0;
	for (size_t i = 0; i < d->file_count; i++) {
		struct drive_file *f = d->files[i];
		if (f->linked || f->linked_platter || f->opens > 0)
			d->files[kept++] = f;
		else
			file_free(f);
	}
	d->file_count = kept;
}

static void visit(struct drive *d)
{
	if (d->exposed && d->visit != NULL) d->visit(d->visit_ctx);
}

struct drive_file *drive_create(struct drive *d, const char *name)
{
	INSIST(drive_find(d, name) == NULL && strlen(name) < DRIVE_NAME_BYTES_MAX);
	INSIST(d->file_count < DRIVE_FILES_MAX);
	visit(d);
	struct drive_file *f = calloc(1, sizeof(*f));
	INSIST(f != NULL);
	f->drive = d;
	memcpy(f->name, name, strlen(name) + 1);
	f->linked = true;
	d->files[d->file_count++] = f;
	return f;
}

void drive_open(struct drive_file *f)
{
	f->opens++;
}

void drive_close(struct drive_file *f)
{
	INSIST(f->opens > 0);
	f->opens--;
	drive_sweep(f->drive);
}

/* ---- faults -------------------------------------------------------------------------- */

static bool is_over(const struct drive *d, uint64_t until_ms)
{
	return *d->now_ms >= until_ms;
}

/* True: this operation fails. */
static bool strikes(struct drive *d, enum drive_op op)
{
	struct broken *b = &d->broken[op];
	if (d->stopped) return true;
	if (!d->exposed || b->count == 0) return false;
	if (is_over(d, b->until_ms)) {
		b->count = 0;
		return false;
	}
	if (b->skip > 0) {
		b->skip--;
		return false;
	}
	b->count--;
	d->hits |= DRIVE_HIT_IO;
	return true;
}

static void fill_ends(struct drive *d)
{
	if (!d->filled || !is_over(d, d->filled_until_ms)) return;
	d->filled = false;
	d->space_left = DRIVE_SPACE_ALL;
}

uint64_t drive_space_left(const struct drive *d)
{
	return d->filled && !is_over(d, d->filled_until_ms) ? d->space_left : DRIVE_SPACE_ALL;
}

enum drive_result drive_take_space(struct drive *d, uint64_t bytes)
{
	fill_ends(d);
	if (!d->filled || !d->exposed) return DRIVE_OK;
	if (bytes > d->space_left) {
		d->hits |= DRIVE_HIT_SPACE;
		return DRIVE_NO_SPACE;
	}
	d->space_left -= bytes;
	return DRIVE_OK;
}

void drive_give_space(struct drive *d, uint64_t bytes)
{
	fill_ends(d);
	if (d->filled) d->space_left += bytes;
}

void drive_expose(struct drive *d, bool on)
{
	d->exposed = on;
	if (on) d->hits = 0;
}

unsigned drive_hits(const struct drive *d)
{
	return d->hits;
}

void drive_break(struct drive *d, enum drive_op op, uint64_t skip, uint64_t count, uint64_t ms)
{
	d->broken[op] =
		(struct broken){ .skip = skip, .count = count, .until_ms = *d->now_ms + ms };
}

void drive_fill(struct drive *d, uint64_t bytes, uint64_t ms)
{
	d->filled = true;
	d->space_left = bytes;
	d->filled_until_ms = *d->now_ms + ms;
}

void drive_mend(struct drive *d)
{
	for (size_t i = 0; i < DRIVE_OPS; i++) d->broken[i] = (struct broken){ 0 };
	d->filled = false;
	d->space_left = DRIVE_SPACE_ALL;
}

void drive_set_visitor(struct drive *d, void (*visitor)(void *ctx), void *ctx)
{
	d->visit = visitor;
	d->visit_ctx = ctx;
}

/* ---- reading and writing ------------------------------------------------------------- */

static struct drive_change *change_add(struct drive_file *f)
{
	if (f->change_count == f->change_cap) {
		f->change_cap = f->change_cap == 0 ? 64 : 2 * f->change_cap;
		f->changes = realloc(f->changes, f->change_cap * sizeof(*f->changes));
		INSIST(f->changes != NULL);
	}
	return &f->changes[f->change_count++];
}

static void changes_clear(struct drive_file *f)
{
	f->change_count = 0;
	f->change_bytes.len = 0;
}

enum drive_result drive_read(struct drive_file *f, uint64_t at, void *p, size_t len,
			     size_t *ret_len)
{
	const size_t there = at >= f->cache.len ? 0 : f->cache.len - (size_t)at;
	*ret_len = 0;
	if (strikes(f->drive, DRIVE_READ)) return DRIVE_IO;
	*ret_len = len < there ? len : there;
	if (*ret_len > 0) memcpy(p, f->cache.p + at, *ret_len);
	return DRIVE_OK;
}

static void write_now(struct drive_file *f, uint64_t at, const void *p, size_t len)
{
	if (len == 0) return;
	bytes_put(&f->cache, (size_t)at, p, len);
	struct drive_change *c = change_add(f);
	*c = (struct drive_change){ .at = at, .len = len, .data_at = f->change_bytes.len };
	bytes_put(&f->change_bytes, f->change_bytes.len, p, len);
}

enum drive_result drive_write(struct drive_file *f, uint64_t at, const void *p, size_t len)
{
	struct drive *d = f->drive;
	visit(d);
	if (d->stopped) return DRIVE_IO;
	if (strikes(d, DRIVE_WRITE)) {
		/* The kernel says how much of it was written; SQLite does not ask. */
		write_now(f, at, p, (size_t)rand_below(&d->rand, len + 1));
		return DRIVE_IO;
	}
	const uint64_t end = at + len;
	const uint64_t grows = end > f->cache.len ? end - f->cache.len : 0;
	if (drive_take_space(d, grows) == DRIVE_OK) {
		write_now(f, at, p, len);
		return DRIVE_OK;
	}
	const uint64_t short_by = grows - d->space_left;
	if (short_by >= len) return DRIVE_NO_SPACE;
	d->space_left = 0;
	write_now(f, at, p, len - (size_t)short_by);
	return DRIVE_NO_SPACE;
}

enum drive_result drive_resize(struct drive_file *f, uint64_t len)
{
	visit(f->drive);
	if (strikes(f->drive, DRIVE_WRITE)) return DRIVE_IO;
	if (len == f->cache.len) return DRIVE_OK;
	if (len < f->cache.len) drive_give_space(f->drive, f->cache.len - len);
	bytes_resize(&f->cache, (size_t)len);
	*change_add(f) = (struct drive_change){ .resize = true, .at = len };
	return DRIVE_OK;
}

/* ---- syncing ------------------------------------------------------------------------- */

static void change_apply(const struct drive_file *f, const struct drive_change *c,
			 struct drive_bytes *to)
{
	if (c->resize)
		bytes_resize(to, (size_t)c->at);
	else
		bytes_put(to, (size_t)c->at, f->change_bytes.p + c->data_at, c->len);
}

/* Forgets what it was to write; some of it may have come through. */
static enum drive_result sync_fails(struct drive_file *f)
{
	const struct rand_source *r = &f->drive->rand;
	for (size_t i = 0; i < f->change_count; i++) {
		if (rand_below(r, 2) == 0) change_apply(f, &f->changes[i], &f->platter);
	}
	changes_clear(f);
	if (rand_below(r, 2) == 0) bytes_copy(&f->cache, &f->platter);
	return DRIVE_IO;
}

enum drive_result drive_sync(struct drive_file *f)
{
	visit(f->drive);
	if (f->drive->stopped) return DRIVE_IO;
	if (strikes(f->drive, DRIVE_SYNC)) return sync_fails(f);
	for (size_t i = 0; i < f->change_count; i++) {
		change_apply(f, &f->changes[i], &f->platter);
	}
	changes_clear(f);
	return DRIVE_OK;
}

enum drive_result drive_sync_folder(struct drive *d)
{
	visit(d);
	if (strikes(d, DRIVE_SYNC)) return DRIVE_IO;
	for (size_t i = 0; i < d->file_count; i++) {
		d->files[i]->linked_platter = d->files[i]->linked;
	}
	drive_sweep(d);
	return DRIVE_OK;
}

enum drive_result drive_unlink(struct drive *d, const char *name)
{
	struct drive_file *f = drive_find(d, name);
	if (f == NULL) return DRIVE_MISSING;
	visit(d);
	if (strikes(d, DRIVE_WRITE)) return DRIVE_IO;
	f->linked = false;
	drive_give_space(d, f->cache.len);
	drive_sweep(d);
	return DRIVE_OK;
}

/* ---- dying --------------------------------------------------------------------------- */

/* `power`: without the cache, which is lost. */
static struct drive_file *file_clone(const struct drive_file *f, bool power)
{
	struct drive_file *g = calloc(1, sizeof(*g));
	INSIST(g != NULL);
	*g = *f;
	g->opens = 0;
	g->locks = NULL;
	g->cache = g->platter = g->change_bytes = (struct drive_bytes){ 0 };
	if (!power) bytes_copy(&g->cache, &f->cache);
	bytes_copy(&g->platter, &f->platter);
	bytes_copy(&g->change_bytes, &f->change_bytes);
	g->change_cap = f->change_count;
	g->changes = NULL;
	if (f->change_count == 0) return g;
	g->changes = malloc(f->change_count * sizeof(*g->changes));
	INSIST(g->changes != NULL);
	memcpy(g->changes, f->changes, f->change_count * sizeof(*g->changes));
	return g;
}

/* Sector by sector; a sector behind the end may be there and hold anything. */
static void write_survives(struct drive_file *f, const struct drive_change *c)
{
	const struct rand_source *r = &f->drive->rand;
	const uint64_t whole = rand_below(r, 4); /* 0: nothing of it, 1: all of it, else torn */
	if (whole == 0) return;
	for (size_t done = 0; done < c->len;) {
		const uint64_t at = c->at + done;
		size_t len = DRIVE_SECTOR_BYTES - (size_t)(at % DRIVE_SECTOR_BYTES);
		if (len > c->len - done) len = c->len - done;
		const uint64_t luck = whole == 1 ? 0 : rand_below(r, 4);
		if (luck < 2) {
			bytes_put(&f->platter, (size_t)at, f->change_bytes.p + c->data_at + done,
				  len);
		} else if (luck == 2 && at >= f->platter.len) {
			bytes_resize(&f->platter, (size_t)at + len);
			if (rand_below(r, 2) == 0) rand_fill(r, f->platter.p + at, len);
		}
		done += len;
	}
}

static void power_goes(struct drive_file *f)
{
	const struct rand_source *r = &f->drive->rand;
	INSIST(f->change_count == 0 || f->changes != NULL);
	for (size_t i = 0; i < f->change_count; i++) {
		const struct drive_change *c = &f->changes[i];
		if (!c->resize)
			write_survives(f, c);
		else if (rand_below(r, 2) == 0)
			change_apply(f, c, &f->platter);
	}
	changes_clear(f);
	bytes_copy(&f->cache, &f->platter);
	/* A name that was made or deleted without a sync of the folder: either. */
	if (f->linked != f->linked_platter && rand_below(r, 2) == 0) {
		f->linked_platter = f->linked;
	}
	f->linked = f->linked_platter;
}

/* Two of one name: an old one whose end was not synced and its successor. The newer has it. */
static size_t settle_names(struct drive_file **files, size_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		struct drive_file *f = files[i];
		for (size_t k = i + 1; f->linked && k < count; k++) {
			const struct drive_file *g = files[k];
			if (g->linked && strcmp(f->name, g->name) == 0)
				f->linked = f->linked_platter = false;
		}
		if (f->linked || f->linked_platter)
			files[kept++] = f;
		else
			file_free(f);
	}
	return kept;
}

struct drive_image *drive_take_image(struct drive *d, bool power)
{
	struct drive_image *image = calloc(1, sizeof(*image));
	INSIST(image != NULL);
	for (size_t i = 0; i < d->file_count; i++) {
		struct drive_file *f = file_clone(d->files[i], power);
		if (power) power_goes(f);
		image->files[image->file_count++] = f;
	}
	image->file_count = settle_names(image->files, image->file_count);
	return image;
}

void drive_put_image(struct drive *d, struct drive_image *image)
{
	for (size_t i = 0; i < d->file_count; i++) file_free(d->files[i]);
	memcpy(d->files, image->files, sizeof(d->files));
	d->file_count = image->file_count;
	free(image);
}

void drive_image_free(struct drive_image *image)
{
	if (image == NULL) return;
	for (size_t i = 0; i < image->file_count; i++) file_free(image->files[i]);
	free(image);
}

void drive_stop(struct drive *d)
{
	d->stopped = true;
}

void drive_go_on(struct drive *d, bool power)
{
	if (!d->stopped) return;
	d->stopped = false;
	for (size_t i = 0; power && i < d->file_count; i++) power_goes(d->files[i]);
	d->file_count = settle_names(d->files, d->file_count);
}

/* ---- looking ------------------------------------------------------------------------- */

static bool bytes_hold(const struct drive_bytes *b, const char *word)
{
	return b->len > 0 && memmem(b->p, b->len, word, strlen(word)) != NULL;
}

const char *drive_search(const struct drive *d, const char *word)
{
	for (size_t i = 0; i < d->file_count; i++) {
		const struct drive_file *f = d->files[i];
		if (bytes_hold(&f->cache, word) || bytes_hold(&f->platter, word) ||
		    bytes_hold(&f->change_bytes, word))
			return f->name;
	}
	return NULL;
}
