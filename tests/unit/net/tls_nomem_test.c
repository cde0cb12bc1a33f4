/* Allocation n of OpenSSL fails, for n = 0, 1, 2, ... until a whole conversation passes unharmed:
 * each run ends in success or in an error value, never in a crash or in a false success. */
#include "net/tls_pipe.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "tls_pair.h"

#define NEVER (-1L)

static long fail_in = NEVER; /* allocations left before the one that fails */
static bool failed_once;

static bool must_fail(void)
{
	if (fail_in == NEVER) return false;
	if (fail_in-- > 0) return false;
	fail_in = NEVER;
	failed_once = true;
	return true;
}

static void *count_malloc(size_t bytes, const char *file, int line)
{
	(void)file;
	(void)line;
	return must_fail() ? NULL : malloc(bytes);
}

static void *count_realloc(void *p, size_t bytes, const char *file, int line)
{
	(void)file;
	(void)line;
	if (bytes == 0) {
		free(p);
		return NULL;
	}
	return must_fail() ? NULL : realloc(p, bytes);
}

static void count_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

static enum err talk(struct tls_pipe *from, struct tls_pipe *to)
{
	struct buf cipher = { 0 };
	enum err e = tls_pipe_write(from, view_str("hello"));
	if (e == ERR_OK) e = tls_pipe_drain(from, &cipher);
	if (e == ERR_OK) e = tls_pipe_feed(to, buf_view(&cipher));
	struct view plain = VIEW_EMPTY;
	if (e == ERR_OK) e = tls_pipe_read(to, &plain);
	if (e == ERR_OK) assert_true(view_equal(plain, view_str("hello")));
	buf_fini(&cipher);
	return e;
}

/* Alternates the two sides until both are done or one has failed for good. */
static enum err shake_hands(struct tls_pipe *room, struct tls_pipe *server)
{
	struct tls_pipe *from = room, *to = server;
	for (int turn = 0; turn < 6; turn++) {
		const enum err e = tls_pipe_step(from);
		if (e != ERR_OK && e != ERR_MORE) return e;
		struct buf bytes = { 0 };
		assert_int_equal(tls_pipe_drain(from, &bytes), ERR_OK);
		assert_int_equal(tls_pipe_feed(to, buf_view(&bytes)), ERR_OK);
		buf_fini(&bytes);
		struct tls_pipe *other = from;
		from = to;
		to = other;
	}
	return room->ready && server->ready ? ERR_OK : ERR_TLS;
}

static enum err converse(struct tls_pair *t)
{
	TRY(tls_pipe_init(&t->server, &t->server_ctx));
	TRY(tls_pipe_init(&t->room, &t->room_ctx));
	TRY(shake_hands(&t->room, &t->server));
	TRY(talk(&t->room, &t->server));
	tls_pipe_release_idle(&t->server);
	tls_pipe_release_idle(&t->room);
	TRY(talk(&t->server, &t->room));
	uint8_t key[32];
	return tls_pipe_export(&t->room, "EXPORTER-crs1-login", key);
}

/* 1, unless TLS_NOMEM_STEP says otherwise: with ASan each of thousands of conversations takes a
 * hundredth of a second, and the last one must come, in which nothing fails. */
static long nomem_step(void)
{
	const char *text = getenv("TLS_NOMEM_STEP");
	const long n = text == NULL ? 1 : strtol(text, NULL, 10);
	return n < 1 ? 1 : n;
}

static void test_every_allocation_of_a_conversation_fails_once(void **state)
{
	(void)state;
	struct tls_pair t;
	pair_open_ctxs(&t);
	long n = 0;
	unsigned refused = 0;
	do {
		failed_once = false;
		fail_in = n;
		n += nomem_step();
		const enum err e = converse(&t);
		fail_in = NEVER;
		if (e != ERR_OK) {
			assert_true(failed_once);
			assert_true(e == ERR_NOMEM || e == ERR_TLS);
			refused++;
		}
		pair_close_pipes(&t);
	} while (failed_once);
	assert_true(refused > 100);
	pair_close(&t);
}

static void test_every_allocation_of_a_context_fails_once(void **state)
{
	(void)state;
	struct tls_identity id;
	assert_int_equal(tls_identity_make(&id), ERR_OK);
	long n = 0;
	do {
		struct tls_ctx ctx = { 0 };
		failed_once = false;
		fail_in = n++;
		const enum err e = tls_ctx_init(&ctx, TLS_ROLE_SERVER, &id);
		fail_in = NEVER;
		if (e != ERR_OK) {
			assert_true(failed_once);
			assert_null(ctx.ssl_ctx);
		}
		tls_ctx_fini(&ctx);
	} while (failed_once);
	assert_true(n > 50);
	tls_identity_fini(&id);
}

static void test_every_allocation_of_a_new_key_fails_once(void **state)
{
	(void)state;
	long n = 0;
	do {
		struct tls_identity id = { 0 };
		failed_once = false;
		fail_in = n++;
		const enum err e = tls_identity_make(&id);
		fail_in = NEVER;
		if (e != ERR_OK) {
			assert_true(failed_once);
			assert_null(id.key);
		}
		tls_identity_fini(&id);
	} while (failed_once);
	assert_true(n > 50);
}

int main(void)
{
	if (CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free) != 1) return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_allocation_of_a_conversation_fails_once),
		cmocka_unit_test(test_every_allocation_of_a_context_fails_once),
		cmocka_unit_test(test_every_allocation_of_a_new_key_fails_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
