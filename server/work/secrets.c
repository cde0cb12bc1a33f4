#include "server/work/secrets.h"

#include "base/cleanup.h"
#include "base/new_file.h"
#include "crypt/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRETS_HEAD_BYTES 8u
#define SECRETS_BODY_BYTES (SECRETS_HEAD_BYTES + 3u * KEY_BYTES)
#define SECRETS_FILE_BYTES (SECRETS_BODY_BYTES + HASH_BYTES)
#define SECRETS_PATH_BYTES_MAX 4096

static const uint8_t secrets_head[SECRETS_HEAD_BYTES] = { 'C', 'R', 'S', 'V', 1, 0, 0, 0 };

enum err secrets_new(struct server_secrets *ret)
{
	CLEANUP(secrets_finip) struct server_secrets s = { 0 };
	TRY(box_key_new(&s.ingest));
	TRY(sign_key_new(&s.log));
	TRY(secret_new_random(KEY_BYTES, &s.enum_key));
	*ret = s;
	s = (struct server_secrets){ 0 };
	return ERR_OK;
}

void secrets_fini(struct server_secrets *s)
{
	box_key_fini(&s->ingest);
	sign_key_fini(&s->log);
	secret_freep(&s->enum_key);
}

void secrets_finip(struct server_secrets *s)
{
	secrets_fini(s);
}

/* The file's bytes, in guarded memory. */
static enum err secrets_encode(const struct server_secrets *s, struct secret **ret)
{
	CLEANUP(secret_freep) struct secret *log_seed = NULL;
	TRY(sign_key_seed(&s->log, &log_seed));
	CLEANUP(secret_freep) struct secret *bytes = NULL;
	TRY(secret_new(SECRETS_FILE_BYTES, &bytes));
	uint8_t *p = bytes->p;
	memcpy(p, secrets_head, SECRETS_HEAD_BYTES);
	memcpy(p + SECRETS_HEAD_BYTES, s->ingest.sk->p, KEY_BYTES);
	memcpy(p + SECRETS_HEAD_BYTES + KEY_BYTES, log_seed->p, KEY_BYTES);
	memcpy(p + SECRETS_HEAD_BYTES + 2u * KEY_BYTES, s->enum_key->p, KEY_BYTES);
	const struct hash32 sum = hash_bytes(view_of(p, SECRETS_BODY_BYTES));
	memcpy(p + SECRETS_BODY_BYTES, sum.b, HASH_BYTES);
	*ret = TAKE(bytes);
	return ERR_OK;
}

enum err secrets_write(const struct server_secrets *s, const char *dir)
{
	CLEANUP(closep) int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ENSURE(dir_fd >= 0, err_from_errno(errno));
	CLEANUP(secret_freep) struct secret *bytes = NULL;
	TRY(secrets_encode(s, &bytes));
	return new_file_write(dir_fd, SECRETS_FILE, secret_view(bytes));
}

static enum err secrets_decode(const struct secret *bytes, struct server_secrets *ret)
{
	const uint8_t *p = bytes->p;
	ENSURE(view_equal(view_of(p, SECRETS_HEAD_BYTES), VIEW_OF(secrets_head)), ERR_CORRUPT);
	const struct hash32 sum = hash_bytes(view_of(p, SECRETS_BODY_BYTES));
	ENSURE(secret_equal_view(hash_view(&sum), view_of(p + SECRETS_BODY_BYTES, HASH_BYTES)),
	       ERR_CORRUPT);
	CLEANUP(secrets_finip) struct server_secrets s = { 0 };
	CLEANUP(secret_freep) struct secret *ingest = NULL;
	CLEANUP(secret_freep) struct secret *log_seed = NULL;
	TRY(secret_new_copy(view_of(p + SECRETS_HEAD_BYTES, KEY_BYTES), &ingest));
	TRY(secret_new_copy(view_of(p + SECRETS_HEAD_BYTES + KEY_BYTES, KEY_BYTES), &log_seed));
	TRY(secret_new_copy(view_of(p + SECRETS_HEAD_BYTES + 2u * KEY_BYTES, KEY_BYTES),
			    &s.enum_key));
	TRY(box_key_from_sk(ingest, &s.ingest));
	TRY(sign_key_from_seed(log_seed, &s.log));
	*ret = s;
	s = (struct server_secrets){ 0 };
	return ERR_OK;
}

enum err secrets_read(const char *dir, struct server_secrets *ret)
{
	char path[SECRETS_PATH_BYTES_MAX];
	const int len = snprintf(path, sizeof(path), "%s/%s", dir, SECRETS_FILE);
	ENSURE(len > 0 && len < SECRETS_PATH_BYTES_MAX, ERR_TOO_BIG);
	CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ENSURE(fd >= 0, err_from_errno(errno));
	struct stat st;
	ENSURE(fstat(fd, &st) == 0, err_from_errno(errno));
	ENSURE(S_ISREG(st.st_mode) && (st.st_mode & 0777) == 0600 && st.st_uid == geteuid(),
	       ERR_CONFIG);
	ENSURE(st.st_size == SECRETS_FILE_BYTES, ERR_CORRUPT);
	CLEANUP(secret_freep) struct secret *bytes = NULL;
	TRY(secret_new(SECRETS_FILE_BYTES, &bytes));
	size_t done = 0;
	while (done < bytes->len) {
		const ssize_t n = read(fd, bytes->p + done, bytes->len - done);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return err_from_errno(errno);
		ENSURE(n > 0, ERR_CORRUPT);
		done += (size_t)n;
	}
	return secrets_decode(bytes, ret);
}
