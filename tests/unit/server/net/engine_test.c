/* The running server without a room: what it does by itself when the disk is full or fails. */
#include "base/cleanup.h"
#include "server/net/engine.h"
#include "server/work/secrets.h"
#include "server/work/work_internal.h"
#include "support/scratch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cmocka.h>

#define OK(call) assert_int_equal((call), ERR_OK)
#define PATIENCE_S 60u /* only so that a broken test ends */

struct fx {
	char folder[64];
	struct loop loop;
	struct engine engine;
	struct engine_call call;
	uint64_t failed_ms;
};

/* Free space of every file system, as the engine is told (linked with --wrap=statvfs). */
static bool disk_is_low;

int __wrap_statvfs(const char *path, struct statvfs *ret);
int __wrap_statvfs(const char *path, struct statvfs *ret)
{
	(void)path;
	*ret = (struct statvfs){ .f_frsize = 4096,
				 .f_blocks = 1u << 28,
				 .f_bavail = disk_is_low ? 1u : 1u << 27 };
	return 0;
}

/* What `roomkeepd init` makes. */
static void folder_make(struct fx *fx)
{
	assert_true(scratch_make(fx->folder, sizeof(fx->folder), "engine"));
	CLEANUP(secrets_finip) struct server_secrets secrets = { 0 };
	CLEANUP(tls_identity_finip) struct tls_identity id = { 0 };
	CLEANUP(closep) int dir = open(fx->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	OK(secrets_new(&secrets));
	OK(secrets_write(&secrets, fx->folder));
	OK(tls_identity_make(&id));
	OK(tls_identity_save_file(&id, dir, "server.key"));
	CLEANUP(store_closep) struct store *store = NULL;
	OK(store_open(&(struct store_options){ .folder = fx->folder, .log_key = &secrets.log },
		      &store));
}

static void folder_remove(const struct fx *fx)
{
	static const char *const names[] = { "clinic.db",  "clinic.db-wal", "clinic.db-shm",
					     "server.key", SECRETS_FILE,    "lock" };
	char path[128];
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", fx->folder, names[i]);
		(void)unlink(path); /* not every test leaves every file */
	}
	assert_int_equal(rmdir(fx->folder), 0);
}

static void fx_open(struct fx *fx)
{
	*fx = (struct fx){ .failed_ms = 0 };
	(void)alarm(PATIENCE_S);
	OK(crypt_init());
	folder_make(fx);
	OK(loop_init(&fx->loop));
	OK(engine_open(&fx->engine, &fx->loop,
		       &(struct engine_options){ .folder = fx->folder, .address = "127.0.0.1:0" }));
}

static void fx_close(struct fx *fx)
{
	engine_close(&fx->engine, NULL, NULL);
	loop_run(&fx->loop);
	OK(loop_close(&fx->loop));
	folder_remove(fx);
	(void)alarm(0);
}

static void test_a_low_disk_is_known_before_the_first_change(void **state)
{
	(void)state;
	struct fx fx;
	disk_is_low = true;
	fx_open(&fx);
	disk_is_low = false;
	assert_true(atomic_load(&fx.engine.work->disk_low));
	fx_close(&fx);
	fx_open(&fx);
	assert_false(atomic_load(&fx.engine.work->disk_low));
	fx_close(&fx);
}

/* What a checkpoint leaves behind whose flush failed. */
static void call_break(struct engine_call *call, struct store *store)
{
	(void)store;
	CONTAINER_OF(call, struct fx, call)->engine.writer_failed = ERR_IO;
}

static void call_done(struct engine_call *call)
{
	(void)call;
}

static void on_failed(struct engine *e)
{
	struct fx *fx = CONTAINER_OF(e, struct fx, engine);
	fx->failed_ms = loop_now_ms(&fx->loop);
	engine_close(e, NULL, NULL);
}

static void test_a_disk_that_failed_in_a_gap_stops_a_quiet_server(void **state)
{
	(void)state;
	struct fx fx;
	fx_open(&fx);
	fx.engine.on_failed = on_failed;
	fx.call = (struct engine_call){ .run = call_break, .done = call_done };
	const uint64_t began_ms = loop_now_ms(&fx.loop);
	OK(engine_submit_call(&fx.engine, &fx.call));
	loop_run(&fx.loop);
	assert_int_equal(fx.engine.failed, ERR_IO);
	assert_true(fx.failed_ms - began_ms < 3 * ENGINE_SPACE_MS);
	fx_close(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_low_disk_is_known_before_the_first_change),
		cmocka_unit_test(test_a_disk_that_failed_in_a_gap_stops_a_quiet_server),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
