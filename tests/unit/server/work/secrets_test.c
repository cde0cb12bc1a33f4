/* The server's own keys on disk, and the heads of keyring blobs. */
#include "server/work/blob.h"
#include "server/work/secrets.h"
#include "unit/base/death.h"
#include "work_fx.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct dir_fx {
	char dir[64];
	char path[128];
};

static int setup(void **state)
{
	struct dir_fx *x = calloc(1, sizeof(*x));
	if (x == NULL || crypt_init() != ERR_OK) return 1;
	(void)snprintf(x->dir, sizeof(x->dir), "/tmp/rk-secrets-XXXXXX");
	if (mkdtemp(x->dir) == NULL) return 1;
	(void)snprintf(x->path, sizeof(x->path), "%s/%s", x->dir, SECRETS_FILE);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct dir_fx *x = *state;
	(void)unlink(x->path);
	const int rc = rmdir(x->dir);
	free(x);
	return rc;
}

static void test_write_and_read(void **state)
{
	const struct dir_fx *x = *state;
	CLEANUP(secrets_finip) struct server_secrets a = { 0 };
	CLEANUP(secrets_finip) struct server_secrets b = { 0 };
	assert_int_equal(secrets_read(x->dir, &b), ERR_NOT_FOUND);
	assert_int_equal(secrets_new(&a), ERR_OK);
	assert_int_equal(secrets_write(&a, x->dir), ERR_OK);
	assert_int_equal(secrets_write(&a, x->dir), ERR_EXISTS);
	assert_int_equal(secrets_read(x->dir, &b), ERR_OK);
	assert_true(box_pk_equal(&a.ingest.pk, &b.ingest.pk));
	assert_true(sign_pk_equal(&a.log.pk, &b.log.pk));
	assert_true(secret_equal(a.ingest.sk, b.ingest.sk));
	assert_true(secret_equal(a.log.sk, b.log.sk));
	assert_true(secret_equal(a.enum_key, b.enum_key));
	struct stat st;
	assert_int_equal(stat(x->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_modes_are_looked_at(void **state)
{
	const struct dir_fx *x = *state;
	CLEANUP(secrets_finip) struct server_secrets a = { 0 };
	assert_int_equal(secrets_new(&a), ERR_OK);
	assert_int_equal(secrets_write(&a, x->dir), ERR_OK);
	static const mode_t bad[] = { 0640, 0604, 0660, 0700, 0400, 0777 };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		CLEANUP(secrets_finip) struct server_secrets b = { 0 };
		assert_int_equal(chmod(x->path, bad[i]), 0);
		assert_int_equal(secrets_read(x->dir, &b), ERR_CONFIG);
	}
}

static void overwrite(const char *path, size_t at, uint8_t value)
{
	const int fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &value, 1, (off_t)at), 1);
	assert_int_equal(close(fd), 0);
}

static void test_every_byte_counts(void **state)
{
	const struct dir_fx *x = *state;
	CLEANUP(secrets_finip) struct server_secrets a = { 0 };
	assert_int_equal(secrets_new(&a), ERR_OK);
	assert_int_equal(secrets_write(&a, x->dir), ERR_OK);
	struct stat st;
	assert_int_equal(stat(x->path, &st), 0);
	uint8_t bytes[512];
	assert_true((size_t)st.st_size < sizeof(bytes));
	const int fd = open(x->path, O_RDONLY);
	assert_int_equal(read(fd, bytes, sizeof(bytes)), st.st_size);
	assert_int_equal(close(fd), 0);
	for (size_t i = 0; i < (size_t)st.st_size; i++) {
		CLEANUP(secrets_finip) struct server_secrets b = { 0 };
		overwrite(x->path, i, bytes[i] ^ 0x10);
		assert_int_equal(secrets_read(x->dir, &b), ERR_CORRUPT);
		overwrite(x->path, i, bytes[i]);
	}
	for (off_t len = 0; len < st.st_size; len += 9) {
		CLEANUP(secrets_finip) struct server_secrets b = { 0 };
		assert_int_equal(truncate(x->path, len), 0);
		assert_int_equal(secrets_read(x->dir, &b), ERR_CORRUPT);
	}
}

static void test_a_link_is_not_followed(void **state)
{
	const struct dir_fx *x = *state;
	CLEANUP(secrets_finip) struct server_secrets a = { 0 };
	assert_int_equal(symlink("/dev/null", x->path), 0);
	assert_int_not_equal(secrets_read(x->dir, &a), ERR_OK);
	assert_int_equal(secrets_new(&a), ERR_OK);
	assert_int_equal(secrets_write(&a, x->dir), ERR_EXISTS);
}

static void write_until_killed(void *arg)
{
	const struct dir_fx *x = arg;
	CLEANUP(secrets_finip) struct server_secrets a = { 0 };
	const struct rlimit half = { 60, 60 };
	if (secrets_new(&a) != ERR_OK || setrlimit(RLIMIT_FSIZE, &half) != 0) _exit(3);
	if (secrets_write(&a, x->dir) == ERR_OK) _exit(3);
}

/* `init` goes on with what it finds: half a file would stop it for ever. */
static void test_a_write_that_was_cut_off_is_done_again(void **state)
{
	struct dir_fx *x = *state;
	CLEANUP(secrets_finip) struct server_secrets a = { 0 };
	CLEANUP(secrets_finip) struct server_secrets b = { 0 };
	assert_int_equal(death_of(write_until_killed, x).signal, SIGXFSZ);
	assert_int_equal(secrets_read(x->dir, &a), ERR_NOT_FOUND);
	assert_int_equal(secrets_new(&a), ERR_OK);
	assert_int_equal(secrets_write(&a, x->dir), ERR_OK);
	assert_int_equal(secrets_read(x->dir, &b), ERR_OK);
	assert_true(secret_equal(a.ingest.sk, b.ingest.sk));
}

/* ---- blobs -------------------------------------------------------------------------------- */

static void make_blob(uint8_t blob[200], uint8_t kind)
{
	for (size_t i = 0; i < 200; i++) blob[i] = (uint8_t)(i + 1);
	const uint8_t head[8] = { 'C', 'R', 'S', 'K', 1, kind, 1, 0 };
	memcpy(blob, head, sizeof(head));
}

static void test_blob_heads(void **state)
{
	(void)state;
	uint8_t blob[200];
	struct blob_head h;
	make_blob(blob, BLOB_KIND_PASSPHRASE);
	assert_int_equal(blob_parse_head(VIEW_OF(blob), &h), ERR_OK);
	assert_int_equal(h.kind, BLOB_KIND_PASSPHRASE);
	assert_memory_equal(h.clinic_id.b, blob + 8, 16);
	assert_memory_equal(h.user_id.b, blob + 24, 16);
	assert_int_equal(h.keyring_rev, load_be64(blob + 40));
	assert_int_equal(h.kdf.t, load_be32(blob + 48));
	assert_int_equal(h.kdf.m_kib, load_be32(blob + 52));
	assert_memory_equal(h.salt, blob + 56, 16);
	assert_int_equal(h.cs_id, load_be32(blob + 72));
	make_blob(blob, BLOB_KIND_RECOVERY);
	assert_int_equal(blob_parse_head(view_of(blob, 48 + 17), &h), ERR_OK);
	assert_int_equal(h.kdf.t, 0);
	assert_int_equal(blob_parse_head(view_of(blob, 48 + 16), &h), ERR_BAD_FORMAT);
}

static void test_blob_heads_that_are_none(void **state)
{
	(void)state;
	uint8_t blob[200];
	struct blob_head h = { .cs_id = 77 };
	make_blob(blob, BLOB_KIND_PASSPHRASE);
	for (size_t len = 0; len <= 132 + 16; len++)
		assert_int_equal(blob_parse_head(view_of(blob, len), &h), ERR_BAD_FORMAT);
	assert_int_equal(blob_parse_head(view_of(blob, 132 + 17), &h), ERR_OK);
	for (size_t i = 0; i < 8; i++) {
		make_blob(blob, BLOB_KIND_PASSPHRASE);
		blob[i] ^= 0x40;
		assert_int_not_equal(blob_parse_head(VIEW_OF(blob), &h), ERR_OK);
	}
	make_blob(blob, 3);
	assert_int_equal(blob_parse_head(VIEW_OF(blob), &h), ERR_VERSION);
	make_blob(blob, BLOB_KIND_PASSPHRASE);
	for (size_t i = 40; i < 48; i++) blob[i] = 0; /* revisions begin at 1 */
	assert_int_equal(blob_parse_head(VIEW_OF(blob), &h), ERR_BAD_FORMAT);
	static uint8_t big[BLOB_BYTES_MAX + 1];
	memcpy(big, blob, sizeof(blob));
	big[47] = 1;
	assert_int_equal(blob_parse_head(VIEW_OF(big), &h), ERR_TOO_BIG);
	assert_int_equal(blob_parse_head(view_of(big, BLOB_BYTES_MAX), &h), ERR_OK);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_write_and_read),
		T(test_modes_are_looked_at),
		T(test_every_byte_counts),
		T(test_a_link_is_not_followed),
		T(test_a_write_that_was_cut_off_is_done_again),
		cmocka_unit_test(test_blob_heads),
		cmocka_unit_test(test_blob_heads_that_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
