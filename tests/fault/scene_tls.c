/* TLS: two pipes joined in memory, a new key, a key in a file. */
#include "scenes.h"

#include "base/cleanup.h"
#include "net/tls_pipe.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <unistd.h>

static struct tls_identity server_id, room_id;
static struct tls_ctx server_ctx, room_ctx;
static struct tls_pipe server, room;

/* OpenSSL keeps one block per thread for its errors, from the first of them on. */
static void library_start(void)
{
	FAULT_OK(tls_library_init());
	ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
	ERR_clear_error();
}

/* Gives that block back with what hangs on it: the texts of errors that came in this run. */
static void library_end(void)
{
	OPENSSL_thread_stop();
}

static void set_talk(void)
{
	library_start();
	FAULT_OK(tls_identity_make(&server_id));
	FAULT_OK(tls_identity_make(&room_id));
	FAULT_OK(tls_ctx_init(&server_ctx, TLS_ROLE_SERVER, &server_id));
	FAULT_OK(tls_ctx_init(&room_ctx, TLS_ROLE_ROOM, &room_id));
}

static void pipes_close(void)
{
	tls_pipe_fini(&server);
	tls_pipe_fini(&room);
	server = room = (struct tls_pipe){ 0 };
}

static void end_talk(void)
{
	pipes_close();
	tls_ctx_fini(&server_ctx);
	tls_ctx_fini(&room_ctx);
	tls_identity_fini(&server_id);
	tls_identity_fini(&room_id);
	server_ctx = room_ctx = (struct tls_ctx){ 0 };
	server_id = room_id = (struct tls_identity){ 0 };
	library_end();
}

static enum err carry(struct tls_pipe *from, struct tls_pipe *to)
{
	CLEANUP(buf_finip) struct buf cipher = { 0 };
	TRY(tls_pipe_drain(from, &cipher));
	return tls_pipe_feed(to, buf_view(&cipher));
}

static enum err shake_hands(void)
{
	struct tls_pipe *from = &room, *to = &server;
	for (int turn = 0; turn < 6; turn++) {
		const enum err e = tls_pipe_step(from);
		if (e != ERR_MORE) TRY(e);
		TRY(carry(from, to));
		struct tls_pipe *other = from;
		from = to;
		to = other;
	}
	FAULT_CHECK(room.ready && server.ready);
	return ERR_OK;
}

static enum err say(struct tls_pipe *from, struct tls_pipe *to, const char *text)
{
	struct view plain = VIEW_EMPTY;
	TRY(tls_pipe_write(from, view_str(text)));
	TRY(carry(from, to));
	TRY(tls_pipe_read(to, &plain));
	FAULT_CHECK(view_equal(plain, view_str(text)));
	tls_pipe_forget(to, plain);
	return ERR_OK;
}

static enum err run_talk(void)
{
	uint8_t room_key[32];
	uint8_t server_key[32];
	TRY(tls_pipe_init(&server, &server_ctx));
	TRY(tls_pipe_init(&room, &room_ctx));
	TRY(shake_hands());
	TRY(say(&room, &server, FAULT_NOTE));
	tls_pipe_release_idle(&server);
	tls_pipe_release_idle(&room);
	TRY(say(&server, &room, "welcome"));
	TRY(tls_pipe_export(&room, "EXPORTER-crs1-login", room_key));
	TRY(tls_pipe_export(&server, "EXPORTER-crs1-login", server_key));
	FAULT_CHECK(view_equal(VIEW_OF(room_key), VIEW_OF(server_key)));
	FAULT_CHECK(tls_spki_equal(tls_pipe_peer_spki(&room), &server_id.spki));
	FAULT_CHECK(tls_spki_equal(tls_pipe_peer_spki(&server), &room_id.spki));
	tls_pipe_end(&room);
	return ERR_OK;
}

/* A peer is known only after a handshake, whatever failed; then everything goes again. */
static void check_talk(enum err e)
{
	(void)e;
	pipes_close();
	FAULT_OK(run_talk());
}

/* ---- keys ------------------------------------------------------------------------------------ */

static enum err run_key(void)
{
	CLEANUP(tls_identity_finip) struct tls_identity id = { 0 };
	CLEANUP(tls_identity_finip) struct tls_identity again = { 0 };
	uint8_t der[TLS_KEY_BYTES_MAX];
	size_t len = 0;
	const enum err made = tls_identity_make(&id);
	if (made != ERR_OK) FAULT_CHECK(id.key == NULL && id.cert == NULL);
	TRY(made);
	TRY(tls_identity_key_write(&id, der, sizeof(der), &len));
	TRY(tls_identity_from_key(view_of(der, len), &again));
	FAULT_CHECK(tls_spki_equal(&id.spki, &again.spki));
	return ERR_OK;
}

static struct tls_identity kept;
static bool said_saved;

static int folder_open(void)
{
	return open(fault_folder(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void set_file(void)
{
	CLEANUP(closep) int dir = folder_open();
	FAULT_CHECK(dir >= 0);
	(void)unlinkat(dir, "key.pem", 0); /* of the scene's first time */
	said_saved = false;
	library_start();
	FAULT_OK(tls_identity_make(&kept));
}

static enum err load_file(void)
{
	CLEANUP(closep) int dir = folder_open();
	CLEANUP(tls_identity_finip) struct tls_identity id = { 0 };
	ENSURE(dir >= 0, ERR_IO);
	TRY(tls_identity_load_file(dir, "key.pem", &id));
	FAULT_CHECK(tls_spki_equal(&id.spki, &kept.spki));
	return ERR_OK;
}

static enum err run_file(void)
{
	CLEANUP(closep) int dir = folder_open();
	ENSURE(dir >= 0, ERR_IO);
	TRY(tls_identity_save_file(&kept, dir, "key.pem"));
	said_saved = true;
	return load_file();
}

/* The whole key or none: what a failed save left is no half of one, and does not stop the next. */
static void check_file(enum err e)
{
	(void)e;
	const enum err there = load_file();
	FAULT_CHECK(there == ERR_OK || (there == ERR_NOT_FOUND && !said_saved));
	if (there == ERR_NOT_FOUND) FAULT_OK(run_file());
}

static void end_file(void)
{
	tls_identity_fini(&kept);
	kept = (struct tls_identity){ 0 };
	library_end();
}

const struct fault_scene scene_tls_talk = { .name = "tls.talk",
					    .says = "handshake, words both ways, exporters",
					    .set = set_talk,
					    .run = run_talk,
					    .check = check_talk,
					    .end = end_talk,
					    .strict = true,
					    .also = FAULT_MAY(TLS) };
/* OpenSSL's decoders swallow some errors, so a key that could not be read may be called damaged. */
#define TLS_ALSO (FAULT_MAY(TLS) | FAULT_MAY(BAD_FORMAT))

const struct fault_scene scene_tls_key = { .name = "tls.key",
					   .says = "a key made, written, read",
					   .set = library_start,
					   .run = run_key,
					   .end = library_end,
					   .strict = true,
					   .also = TLS_ALSO };
const struct fault_scene scene_tls_file = { .name = "tls.file",
					    .says = "a key in its file",
					    .set = set_file,
					    .run = run_file,
					    .check = check_file,
					    .end = end_file,
					    .strict = true,
					    .also = TLS_ALSO };
