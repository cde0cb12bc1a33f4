/* `roomkeepd init`: an empty clinic, its keys, and the code that founds it. The code goes to this
 * terminal and nowhere else: never to a file, the journal or `serve`. */
#include "server/cli/cli.h"

#include "base/cleanup.h"
#include "net/loop.h"
#include "net/tcp.h"
#include "server/ops/admin.h"
#include "server/store/store.h"
#include "server/work/secrets.h"
#include "server/work/setup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define INIT_LISTEN_DEFAULT "127.0.0.1:7340"
#define INIT_KEY_FILE "server.key"

struct init {
	struct cli_args *args;
	struct server_secrets secrets;
	struct tls_identity identity;
	struct store *store;
	char address[TCP_ADDRESS_TEXT_MAX];
	struct secret *code;
};

static void init_fini(struct init *init)
{
	secret_free(init->code);
	store_close(init->store);
	tls_identity_fini(&init->identity);
	secrets_fini(&init->secrets);
}

static enum err init_folder(struct cli_args *args)
{
	if (mkdir(args->data, 0700) == 0 || errno == EEXIST) return ERR_OK;
	const enum err e = err_from_errno(errno);
	err_ignore(
		fault_set(&args->fault, e, NULL, "%s cannot be made: %s", args->data,
			  e == ERR_NOT_FOUND ? "the folder above it does not exist" : err_text(e)));
	return e;
}

/* Keys are made once; an init that was interrupted goes on with what it finds. */
static enum err init_keys(struct init *init)
{
	const char *folder = init->args->data;
	enum err e = secrets_read(folder, &init->secrets);
	if (e == ERR_NOT_FOUND) {
		TRY(secrets_new(&init->secrets));
		e = secrets_write(&init->secrets, folder);
	}
	TRY(e);
	CLEANUP(closep) int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ENSURE(dir >= 0, err_from_errno(errno));
	e = tls_identity_load_file(dir, INIT_KEY_FILE, &init->identity);
	if (e == ERR_NOT_FOUND) {
		TRY(tls_identity_make(&init->identity));
		e = tls_identity_save_file(&init->identity, dir, INIT_KEY_FILE);
	}
	return e;
}

/* Port 0 means "any free one", decided now, because rooms will be told the address. */
static enum err init_pick_port(char *address)
{
	char *port = strrchr(address, ':');
	if (port == NULL || strcmp(port, ":0") != 0) return ERR_OK;
	CLEANUP(closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ENSURE(fd >= 0, err_from_errno(errno));
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	ENSURE(bind(fd, (struct sockaddr *)&in, len) == 0, err_from_errno(errno));
	ENSURE(getsockname(fd, (struct sockaddr *)&in, &len) == 0, err_from_errno(errno));
	const int room = (int)(TCP_ADDRESS_TEXT_MAX - (port - address));
	(void)snprintf(port, (size_t)room, ":%u", (unsigned)ntohs(in.sin_port));
	return ERR_OK;
}

static const char *init_listen(const struct cli_args *args)
{
	return args->listen == NULL ? INIT_LISTEN_DEFAULT : args->listen;
}

static enum err init_address(struct init *init)
{
	const char *listen = init_listen(init->args);
	memcpy(init->address, listen, strlen(listen) + 1);
	return init_pick_port(init->address);
}

/* Looked at before anything is made: a wrong call changes nothing. */
static enum err init_check_call(struct cli_args *args)
{
	const char *listen = init_listen(args);
	if (strlen(listen) + 8 > TCP_ADDRESS_TEXT_MAX || tcp_address_check(listen) != ERR_OK) {
		const enum err e =
			fault_set(&args->fault, ERR_USAGE, "usage", "--listen wants ADDRESS:PORT");
		(void)fault_hint(&args->fault, "For example --listen 192.168.1.10:7340");
		return e;
	}
	return ERR_OK;
}

static enum err init_refuse_founded(struct cli_args *args)
{
	err_ignore(fault_set(&args->fault, ERR_EXISTS, "exists",
			     "this clinic has an owner already; nothing was changed"));
	return fault_hint(&args->fault, "roomkeepd init --data DIR makes another one elsewhere");
}

static enum err init_refuse_existing(struct cli_args *args, struct store_reader *reader)
{
	struct store_status status = { 0 };
	TRY(store_status(reader, &status));
	if (status.founded) return init_refuse_founded(args);
	uint8_t mac[SETUP_MAC_BYTES] = { 0 };
	const enum err e = store_setup_get(reader, loop_wall_ms(), mac);
	explicit_bzero(mac, sizeof(mac));
	if (e != ERR_OK || args->renew_code) return ERR_OK;
	err_ignore(fault_set(&args->fault, ERR_EXISTS, "exists",
			     "a setup code for this folder is still good; nothing was changed"));
	return fault_hint(&args->fault, "roomkeepd init --renew-code makes a new one");
}

/* Looked at through a reader: not even a lost key is made anew for a clinic that has one. */
static enum err init_check_folder(struct cli_args *args)
{
	CLEANUP(store_reader_closep) struct store_reader *reader = NULL;
	const enum err e = store_reader_open(args->data, &reader);
	if (e == ERR_OK) return init_refuse_existing(args, reader);
	/* Nothing is there yet, or what an init that was cut off has left: the writer goes on. */
	return args->renew_code ? cli_fail_folder(args, e) : ERR_OK;
}

static enum err init_remember_address(struct init *init)
{
	TRY(store_begin(init->store, loop_wall_ms()));
	const enum err e = store_setting_put(init->store, "listen", view_str(init->address));
	if (e != ERR_OK) {
		store_rollback(init->store);
		return e;
	}
	return store_commit(init->store);
}

static enum err init_known_address(struct init *init)
{
	CLEANUP(arena_finip) struct arena arena = { 0 };
	arena_init(&arena, 4096);
	struct view value = VIEW_EMPTY;
	const enum err e =
		store_setting_get(store_as_reader(init->store), "listen", &arena, &value);
	if (e == ERR_NOT_FOUND || init->args->listen != NULL) {
		TRY(init_address(init));
		return init_remember_address(init);
	}
	TRY(e);
	ENSURE(value.len < sizeof(init->address), ERR_CORRUPT);
	memcpy(init->address, value.p, value.len);
	init->address[value.len] = '\0';
	return ERR_OK;
}

static enum err init_print(const struct init *init, const char *code)
{
	const struct cli_args *args = init->args;
	if (args->json) {
		return cli_print_json(json_pack("{s:s, s:s, s:s}", "schema", "roomkeep.init/1",
						"setup_code", code, "address", init->address));
	}
	printf("%s %s (0700). It has no owner yet.\n"
	       "Setup code, good once, for 24 hours:\n  %s\n"
	       "Next: roomkeepd serve --data %s     then, on the owner's room machine:\n"
	       "      roomkeep found - --server %s --clinic NAME --owner NAME --login LOGIN --room "
	       "NAME --kit DIR\n",
	       args->renew_code ? "Made a new setup code for the clinic in"
				: "Made an empty clinic in",
	       args->data, code, args->data, init->address);
	return fflush(stdout) == 0 ? ERR_OK : ERR_IO;
}

/* A server runs here: it makes the code, we print it. */
static enum err init_renew_running(struct init *init)
{
	json_t *request = json_pack("{s:s}", "verb", "renew_code");
	json_t *answer = NULL;
	enum err e = request == NULL ? ERR_NOMEM : admin_call(init->args->data, request, &answer);
	json_decref(request);
	if (e == ERR_EXISTS) return init_refuse_founded(init->args);
	TRY(e);
	CLEANUP(store_reader_closep) struct store_reader *reader = NULL;
	e = store_reader_open(init->args->data, &reader);
	CLEANUP(arena_finip) struct arena arena = { 0 };
	arena_init(&arena, 4096);
	struct view value = VIEW_EMPTY;
	if (e == ERR_OK) e = store_setting_get(reader, "listen", &arena, &value);
	if (e == ERR_OK && value.len < sizeof(init->address)) {
		memcpy(init->address, value.p, value.len);
		init->address[value.len] = '\0';
		e = init_print(init, json_string_value(json_object_get(answer, "setup_code")));
	}
	json_decref(answer);
	return e;
}

static enum err init_run(struct init *init)
{
	TRY(init_check_call(init->args));
	TRY(init_check_folder(init->args));
	TRY(init_folder(init->args));
	const struct store_options options = { .folder = init->args->data,
					       .log_key = &init->secrets.log };
	if (init->args->renew_code) {
		const enum err e = init_renew_running(init);
		if (e != ERR_OFFLINE && e != ERR_NOT_FOUND) return e;
	}
	TRY(init_keys(init));
	const enum err e = store_open(&options, &init->store);
	if (e == ERR_BUSY) {
		return fault_set(&init->args->fault, e, "busy",
				 "a server runs on this folder; nothing was changed");
	}
	TRY(cli_fail_folder(init->args, e));
	/* Again, now that nobody else can write: two may have begun at once. */
	TRY(init_refuse_existing(init->args, store_as_reader(init->store)));
	TRY(init_known_address(init));
	struct hash32 spki = { { 0 } };
	memcpy(spki.b, init->identity.spki.b, sizeof(spki.b));
	TRY(setup_new_code(init->store, &spki, loop_wall_ms(), &init->code));
	return init_print(init, secret_text(init->code));
}

enum err cli_init(struct cli_args *args, int *ret_exit)
{
	struct init init = { .args = args };
	const enum err e = init_run(&init);
	init_fini(&init);
	*ret_exit = EXIT_DONE;
	return e;
}
