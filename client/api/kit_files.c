#include "client/api/kit_files.h"

#include "base/check.h"
#include "seal/kit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <qrencode.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_BYTES_MAX SECRET_BYTES_MAX

static const char page_head[] =
	"<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<title>Roomkeep recovery kit</title>\n<style>\n"
	"@page { margin: 15mm }\n"
	"body { font: 11pt/1.4 monospace; color: #000; background: #fff }\n"
	"pre { font: inherit; white-space: pre-wrap; margin: 0 0 6mm }\n"
	"figure { display: inline-block; margin: 0 8mm 6mm 0; break-inside: avoid }\n"
	"figure svg { width: 42mm; height: 42mm; display: block }\n"
	"</style>\n</head>\n<body>\n<pre>\n";

/* The page under construction, in guarded memory; errors stick. */
struct page {
	struct secret *bytes; /* owned */
	size_t len;
	enum err failed;
};

static void page_finip(struct page *p)
{
	secret_freep(&p->bytes);
}

static void page_add(struct page *p, struct view v)
{
	if (p->failed != ERR_OK) return;
	if (v.len > p->bytes->len - p->len) {
		p->failed = ERR_TOO_BIG;
		return;
	}
	if (v.len > 0) memcpy(p->bytes->p + p->len, v.p, v.len);
	p->len += v.len;
}

static void page_add_text(struct page *p, const char *text)
{
	page_add(p, view_str(text));
}

static void page_add_escaped(struct page *p, const char *text)
{
	for (const char *at = text; *at != '\0';) {
		const size_t plain = strcspn(at, "<>&");
		page_add(p, view_of(at, plain));
		at += plain;
		if (*at == '\0') return;
		page_add_text(p, *at == '<' ? "&lt;" : *at == '>' ? "&gt;" : "&amp;");
		at++;
	}
}

/* Runs of dark modules as one path, a row at a time. */
static void page_add_qr_path(struct page *p, const QRcode *qr)
{
	char step[64];
	const int width = qr->width;

	for (int y = 0; y < width; y++) {
		for (int x = 0; x < width; x++) {
			int run = 0;
			while (x + run < width && (qr->data[y * width + x + run] & 1) != 0) run++;
			if (run == 0) continue;
			(void)snprintf(step, sizeof(step), "M%d %dh%dv1h-%dz", x, y, run, run);
			page_add_text(p, step);
			secret_wipe(step, sizeof(step));
			x += run;
		}
	}
}

/* The code behind "name:" as a QR code, without the blanks that break it into lines. */
static enum err page_add_qr(struct page *p, const struct secret *text, const char *name)
{
	CLEANUP(secret_freep) struct secret *packed = NULL;
	struct view code;
	size_t len = 0;

	const enum err found = kit_page_find(secret_view(text), name, &code);
	if (found == ERR_NOT_FOUND) return ERR_OK; /* not every page has every code */
	TRY(found);
	TRY(secret_new(code.len + 1, &packed));
	for (size_t i = 0; i < code.len; i++) {
		if (code.p[i] > ' ') packed->p[len++] = code.p[i];
	}
	QRcode *qr = QRcode_encodeString8bit(secret_text(packed), 0, QR_ECLEVEL_M);
	ENSURE(qr != NULL, errno == ENOMEM ? ERR_NOMEM : ERR_TOO_BIG);
	char box[96];
	(void)snprintf(box, sizeof(box), "<svg viewBox=\"-4 -4 %d %d\" role=\"img\"><path d=\"",
		       qr->width + 8, qr->width + 8);
	page_add_text(p, "<figure>\n");
	page_add_text(p, box);
	page_add_qr_path(p, qr);
	page_add_text(p, "\"/></svg>\n<figcaption>");
	page_add_text(p, name);
	page_add_text(p, "</figcaption>\n</figure>\n");
	secret_wipe(qr->data, (size_t)qr->width * (size_t)qr->width);
	QRcode_free(qr);
	return p->failed;
}

static enum err page_build(struct page *p, const struct secret *text)
{
	static const char *const codes[] = { KIT_RECOVERY_SHARE, KIT_ROOT_SHARE, KIT_BACKUP_SHARE,
					     KIT_CLINIC_SECRET, KIT_BACKUP_KEY };

	TRY(secret_new(PAGE_BYTES_MAX, &p->bytes));
	page_add_text(p, page_head);
	page_add_escaped(p, secret_text(text));
	page_add_text(p, "</pre>\n");
	for (size_t i = 0; i < COUNT_OF(codes); i++) TRY(page_add_qr(p, text, codes[i]));
	page_add_text(p, "</body>\n</html>\n");
	return p->failed;
}

void kit_file_name(unsigned index, char ret_name[KIT_FILE_NAME_BYTES])
{
	const int len = snprintf(ret_name, KIT_FILE_NAME_BYTES, KIT_FILE_PREFIX "%u.html",
				 index % 1000u + 1u);
	INSIST(len > 0 && len < (int)KIT_FILE_NAME_BYTES);
}

static enum err write_all(int fd, struct view v)
{
	while (v.len > 0) {
		const ssize_t n = write(fd, v.p, v.len);
		if (n < 0 && errno == EINTR) continue;
		ENSURE(n > 0, err_from_errno(errno));
		v = view_of(v.p + n, v.len - (size_t)n);
	}
	return ERR_OK;
}

enum err kit_file_write(const char *folder, unsigned index, const struct secret *text)
{
	CLEANUP(page_finip) struct page page = { 0 };
	CLEANUP(closep) int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[KIT_FILE_NAME_BYTES];

	ENSURE(dir >= 0, err_from_errno(errno));
	TRY(page_build(&page, text));
	kit_file_name(index, name);
	CLEANUP(closep)
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	ENSURE(fd >= 0, err_from_errno(errno));
	enum err e = write_all(fd, view_of(page.bytes->p, page.len));
	if (e == ERR_OK && fsync(fd) != 0) e = err_from_errno(errno);
	if (e == ERR_OK && fsync(dir) != 0) e = err_from_errno(errno);
	if (e != ERR_OK) (void)unlinkat(dir, name, 0);
	return e;
}

void kit_files_remove(const char *folder, unsigned count)
{
	const int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0) return;
	for (unsigned i = 0; i < count; i++) {
		char name[KIT_FILE_NAME_BYTES];
		kit_file_name(i, name);
		(void)unlinkat(dir, name, 0);
	}
	(void)close(dir);
}

/* Is `path` the folder `home` or something in it? Both are real paths. */
static bool is_inside(const char *path, const char *home)
{
	const size_t len = strlen(home);

	if (strncmp(path, home, len) != 0) return false;
	return path[len] == '\0' || path[len] == '/' || len == 1;
}

/* The real path of what exists of `path`, and behind it the rest as it was typed. */
static enum err path_resolve(const char *path, char **ret)
{
	CLEANUP(freep) char *known = strdup(path);

	ENSURE(known != NULL, ERR_NOMEM);
	for (;;) {
		CLEANUP(freep) char *real = realpath(known[0] != '\0' ? known : "/", NULL);
		if (real != NULL) {
			const char *rest = path + strlen(known);
			const bool is_root = strcmp(real, "/") == 0;
			ENSURE(asprintf(ret, "%s%s", is_root ? "" : real, rest) >= 0, ERR_NOMEM);
			return ERR_OK;
		}
		char *slash = strrchr(known, '/');
		ENSURE(slash != NULL && errno == ENOENT, err_from_errno(errno));
		*slash = '\0';
	}
}

enum err kit_folder_check(const char *folder, const char *home)
{
	CLEANUP(freep) char *path = NULL;
	CLEANUP(freep) char *home_path = NULL;

	TRY(path_resolve(folder, &path));
	TRY(path_resolve(home, &home_path));
	return is_inside(path, home_path) ? ERR_USAGE : ERR_OK;
}

enum err kit_folder_prepare(const char *folder, const char *home, char **ret_path)
{
	const bool made = mkdir(folder, 0700) == 0;

	ENSURE(made || errno == EEXIST, err_from_errno(errno));
	CLEANUP(freep) char *path = realpath(folder, NULL);
	CLEANUP(freep) char *real_home = realpath(home, NULL);
	ENSURE(path != NULL && real_home != NULL, err_from_errno(errno));
	if (is_inside(path, real_home)) {
		if (made) (void)rmdir(path);
		return ERR_USAGE;
	}
	*ret_path = TAKE(path);
	return ERR_OK;
}
