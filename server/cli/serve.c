/* `roomkeepd serve`: builds the graph and runs the loop until SIGTERM, SIGINT or a failed disk. */
#include "server/cli/cli.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "db/db.h"
#include "server/net/engine.h"
#include "server/ops/admin.h"

#include <stdio.h>
#include <systemd/sd-daemon.h>

struct serve {
	struct loop loop;
	struct engine engine;
	struct admin admin;
	char address[TCP_ADDRESS_TEXT_MAX];
	bool stopping;
};

static void serve_on_engine_closed(void *owner)
{
	(void)owner; /* nothing is left to wait for: loop_run returns */
}

static void serve_on_admin_closed(void *owner)
{
	struct serve *s = owner;
	engine_close(&s->engine, serve_on_engine_closed, s);
}

static void serve_stop(struct serve *s)
{
	if (s->stopping) return;
	s->stopping = true;
	(void)sd_notify(0, "STOPPING=1");
	admin_close(&s->admin, serve_on_admin_closed, s);
}

static void serve_on_signal(void *ctx, int signal_number)
{
	(void)signal_number;
	serve_stop(ctx);
}

static void serve_on_failed(struct engine *e)
{
	serve_stop(CONTAINER_OF(e, struct serve, engine));
}

static enum err serve_read_address(struct serve *s, const char *folder)
{
	CLEANUP(store_reader_closep) struct store_reader *reader = NULL;
	TRY(store_reader_open(folder, &reader));
	CLEANUP(arena_finip) struct arena arena = { 0 };
	arena_init(&arena, 4096);
	struct view value = VIEW_EMPTY;
	TRY(store_setting_get(reader, "listen", &arena, &value));
	ENSURE(value.len < sizeof(s->address), ERR_CORRUPT);
	memcpy(s->address, value.p, value.len);
	s->address[value.len] = '\0';
	return ERR_OK;
}

static enum err serve_explain_address(const struct serve *s, struct cli_args *args, enum err e)
{
	if (e == ERR_BUSY) {
		err_ignore(fault_set(&args->fault, e, "busy", "another program listens on %s",
				     s->address));
		return fault_hint(&args->fault, "ss -ltnp shows which one; stop it first");
	}
	if (e == ERR_DENIED) {
		err_ignore(fault_set(&args->fault, e, NULL, "this user may not listen on %s",
				     s->address));
		return fault_hint(&args->fault, "Ports below 1024 are for root");
	}
	if (e != ERR_BAD_VALUE) return e;
	err_ignore(fault_set(&args->fault, ERR_CONFIG, "no_such_address",
			     "%s is no address of this machine", s->address));
	return fault_hint(&args->fault, "ip address shows those it has");
}

/* Why it did not start. What of the engine is there says how far it came. */
static enum err serve_explain(const struct serve *s, struct cli_args *args, enum err e)
{
	if (s->engine.tls.ssl_ctx == NULL) return cli_fail_keys(args, e);
	if (s->engine.work != NULL) return serve_explain_address(s, args, e);
	if (e != ERR_BUSY) return cli_fail_folder(args, e);
	err_ignore(fault_set(&args->fault, e, "busy", "another server uses %s", args->data));
	return fault_hint(&args->fault, "roomkeepd status --data %s asks it", args->data);
}

static enum err serve_start(struct serve *s)
{
	TRY(engine_open(&s->engine, &s->loop,
			&(struct engine_options){ .folder = s->engine.options.folder,
						  .address = s->address }));
	s->engine.on_failed = serve_on_failed;
	TRY(admin_open(&s->admin, &s->engine));
	TRY(loop_on_signals(&s->loop, serve_on_signal, s));
	engine_address(&s->engine, s->address);
	ENSURE(printf("READY %s\n", s->address) > 0 && fflush(stdout) == 0, ERR_IO);
	(void)sd_notify(0, "READY=1"); /* without systemd there is nobody to tell */
	return ERR_OK;
}

static enum err serve_run(struct serve *s, struct cli_args *args)
{
	enum err e = serve_read_address(s, args->data);
	if (e != ERR_OK) return cli_fail_folder(args, e);
	log_info("serve", "sqlite=%s%s", db_library_version(),
		 db_library_has_wal_reset_bug()
			 ? ", it has the WAL-reset bug; one writing connection avoids it"
			 : "");
	TRY(loop_init(&s->loop));
	s->engine.options.folder = args->data;
	e = serve_start(s);
	if (e != ERR_OK) {
		e = serve_explain(s, args, e);
		serve_stop(s);
	}
	loop_run(&s->loop);
	const enum err left = loop_close(&s->loop);
	if (e != ERR_OK) return e;
	if (s->engine.failed != ERR_OK) return s->engine.failed;
	return left == ERR_OK ? ERR_OK : ERR_BUG;
}

enum err cli_serve(struct cli_args *args, int *ret_exit)
{
	CLEANUP(freep) struct serve *s = calloc(1, sizeof(*s));
	ENSURE(s != NULL, ERR_NOMEM);
	*ret_exit = EXIT_DONE;
	return serve_run(s, args);
}
