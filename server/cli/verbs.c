/* The short commands: status, check database, block user, show. */
#include "server/cli/cli.h"

#include "base/cleanup.h"
#include "net/loop.h"
#include "server/net/engine.h"
#include "server/ops/admin.h"
#include "server/ops/status.h"
#include "server/store/store.h"
#include "server/work/setup.h"

#include <fcntl.h>
#include <stdio.h>

static void verbs_jsonp(json_t **json)
{
	json_decref(*json);
}

/* Nobody answers on admin.sock: the server does not run. */
static bool verbs_is_stopped(enum err e)
{
	return e == ERR_OFFLINE || e == ERR_NOT_FOUND;
}

/* ---- status ---------------------------------------------------------------------------------- */

static void status_print(const json_t *status)
{
	const char *state = json_string_value(json_object_get(status, "state"));
	printf("server   %-9s change %lld\n", state,
	       (long long)json_integer_value(json_object_get(status, "seq")));
	size_t i = 0;
	const json_t *room = NULL;
	json_array_foreach(json_object_get(status, "rooms"), i, room)
	{
		printf("  %-24s %s\n", json_string_value(json_object_get(room, "name")),
		       json_string_value(json_object_get(room, "state")));
	}
	if (json_is_true(json_object_get(status, "sqlite_wal_reset_bug"))) {
		printf("  SQLite %s has the WAL-reset bug: never open clinic.db with another "
		       "program "
		       "while the server runs\n",
		       json_string_value(json_object_get(status, "sqlite_version")));
	}
}

enum err cli_status(struct cli_args *args, int *ret_exit)
{
	CLEANUP(verbs_jsonp) json_t *request = json_pack("{s:s}", "verb", "status");
	ENSURE(request != NULL, ERR_NOMEM);
	CLEANUP(verbs_jsonp) json_t *status = NULL;
	enum err e = admin_call(args->data, request, &status);
	if (verbs_is_stopped(e)) e = cli_fail_folder(args, status_of_folder(args->data, &status));
	TRY(e);
	*ret_exit = EXIT_DONE;
	if (args->json) return cli_print_json(TAKE(status));
	status_print(status);
	return ERR_OK;
}

/* ---- check ----------------------------------------------------------------------------------- */

static json_t *check_item_json(const struct store_check_report *report, enum store_check_item item)
{
	const struct store_check_result *r = &report->items[item];
	return json_pack("{s:s, s:b, s:I, s:I, s:o, s:s?}", "name", store_check_name(item), "ok",
			 r->done && r->bad == 0, "looked_at", (json_int_t)r->looked_at, "bad",
			 (json_int_t)r->bad, "first_bad",
			 r->first_bad == 0 ? json_null() : json_integer((json_int_t)r->first_bad),
			 "what", r->bad == 0 ? NULL : r->what);
}

static enum err check_print_json(const struct store_check_report *report)
{
	json_t *items = json_array();
	for (unsigned i = 0; i < STORE_CHECK_COUNT; i++) {
		if (json_array_append_new(items, check_item_json(report, i)) == 0) continue;
		json_decref(items);
		return ERR_NOMEM;
	}
	return cli_print_json(json_pack("{s:s, s:b, s:o}", "schema", "roomkeep.check-database/1",
					"ok", report->ok, "checks", items));
}

static void check_print(const struct store_check_report *report)
{
	for (unsigned i = 0; i < STORE_CHECK_COUNT; i++) {
		const struct store_check_result *r = &report->items[i];
		if (r->done && r->bad == 0) {
			printf("  %-14s good   %llu looked at\n", store_check_name(i),
			       (unsigned long long)r->looked_at);
		} else if (r->done) {
			printf("  %-14s BAD    %llu of %llu, first %llu: %s\n", store_check_name(i),
			       (unsigned long long)r->bad, (unsigned long long)r->looked_at,
			       (unsigned long long)r->first_bad, r->what);
		} else {
			printf("  %-14s not reached\n", store_check_name(i));
		}
	}
	printf("%s\n", report->ok
			       ? "All of it holds."
			       : "Something does not hold. Stop the server, keep this folder as it "
				 "is, and restore a backup beside it.");
}

/* Errors that are a finding about the files, not about this call. */
static bool check_is_finding(enum err e)
{
	return e == ERR_CORRUPT || e == ERR_STORE || e == ERR_IO || e == ERR_VERSION ||
	       e == ERR_BAD_FORMAT || e == ERR_TRUNCATED;
}

static enum err check_folder(struct cli_args *args,
			     enum err (*open)(const char *folder, struct store_reader **ret),
			     struct store_check_report *report)
{
	CLEANUP(store_reader_closep) struct store_reader *reader = NULL;
	*report = (struct store_check_report){ 0 };
	TRY(cli_fail_folder(args, open(args->data, &reader)));
	return store_check(reader, report);
}

enum err cli_check_database(struct cli_args *args, int *ret_exit)
{
	struct store_check_report report = { 0 };
	enum err e = check_folder(args, store_reader_open_onlooker, &report);
	/* Before anybody is alarmed: once more as every reader looks. */
	if (e != ERR_OK || !report.ok) e = check_folder(args, store_reader_open, &report);
	if (e != ERR_OK && !check_is_finding(e)) return e;
	if (e != ERR_OK) {
		report = (struct store_check_report){ 0 };
		report.items[STORE_CHECK_INTEGRITY] = (struct store_check_result){
			.done = true, .bad = 1, .what = "the file cannot be read as a database"
		};
	}
	*ret_exit = report.ok ? EXIT_DONE : EXIT_NEEDS_PERSON;
	if (args->json) return check_print_json(&report);
	check_print(&report);
	return ERR_OK;
}

/* ---- block ----------------------------------------------------------------------------------- */

static enum err block_stopped(struct cli_args *args)
{
	CLEANUP(secrets_finip) struct server_secrets secrets = { 0 };
	TRY(cli_fail_keys(args, secrets_read(args->data, &secrets)));
	CLEANUP(store_closep) struct store *store = NULL;
	TRY(store_open(&(struct store_options){ .folder = args->data, .log_key = &secrets.log },
		       &store));
	struct id user_id = { { 0 } };
	return setup_block_user(store, view_str(args->words[0]), loop_wall_ms(), &user_id);
}

enum err cli_block_user(struct cli_args *args, int *ret_exit)
{
	CLEANUP(verbs_jsonp)
	json_t *request = json_pack("{s:s, s:s}", "verb", "block", "login", args->words[0]);
	if (request == NULL) {
		return fault_set(&args->fault, ERR_USAGE, "usage", "the login is not UTF-8");
	}
	CLEANUP(verbs_jsonp) json_t *answer = NULL;
	enum err e = admin_call(args->data, request, &answer);
	/* A running server says NOT_FOUND for the login, the same as no socket; only a stopped one
	 * lets its store be opened. */
	if (verbs_is_stopped(e)) {
		CLEANUP(store_reader_closep) struct store_reader *probe = NULL;
		TRY(cli_fail_folder(args, store_reader_open(args->data, &probe)));
		const enum err stopped = block_stopped(args);
		if (stopped != ERR_BUSY) e = stopped;
	}
	if (e == ERR_NOT_FOUND) {
		err_ignore(fault_set(&args->fault, e, "no_such_login", "nobody has this login"));
		return fault_hint(&args->fault, "roomkeep list users shows the logins");
	}
	TRY(e);
	*ret_exit = EXIT_DONE;
	if (args->json) {
		return cli_print_json(json_pack("{s:s, s:s}", "schema", "roomkeep.blocked/1",
						"login", args->words[0]));
	}
	if (!args->quiet) {
		printf("Blocked %s. An owner makes it final: roomkeep disable user %s\n",
		       args->words[0], args->words[0]);
	}
	return ERR_OK;
}

/* ---- show ------------------------------------------------------------------------------------ */

enum err cli_show_paths(struct cli_args *args, int *ret_exit)
{
	*ret_exit = EXIT_DONE;
	if (args->json) {
		return cli_print_json(json_pack("{s:s, s:s, s:s+, s:s+}", "schema",
						"roomkeep.paths/1", "data", args->data, "database",
						args->data, "/" STORE_FILE_NAME, "admin_socket",
						args->data, "/" ADMIN_SOCKET));
	}
	printf("data          %s\ndatabase      %s/%s\nadmin socket  %s/%s\n", args->data,
	       args->data, STORE_FILE_NAME, args->data, ADMIN_SOCKET);
	return ERR_OK;
}

enum err cli_show_fingerprint(struct cli_args *args, int *ret_exit)
{
	CLEANUP(closep) int dir = open(args->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) return cli_fail_folder(args, ERR_NOT_FOUND);
	CLEANUP(tls_identity_finip) struct tls_identity identity = { 0 };
	TRY(cli_fail_keys(args, tls_identity_load_file(dir, "server.key", &identity)));
	char hex[2 * TLS_SPKI_BYTES + 1] = { 0 };
	for (unsigned i = 0; i < TLS_SPKI_BYTES; i++) {
		(void)snprintf(hex + 2 * i, 3, "%02x", identity.spki.b[i]);
	}
	*ret_exit = EXIT_DONE;
	if (args->json) {
		return cli_print_json(json_pack("{s:s, s:s}", "schema", "roomkeep.fingerprint/1",
						"spki_sha256", hex));
	}
	printf("%s\n", hex);
	return ERR_OK;
}
