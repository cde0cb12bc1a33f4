#include "net/tls_pipe.h"

#include "base/check.h"
#include "base/limits.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>

#define PIPE_RECORD_EXTRA_BYTES 22u         /* header 5, content type 1, tag 16 (RFC 8446 5.2) */
#define PIPE_OUT_RESERVE_BYTES (64u * KIB)  /* for answers of TLS itself: alerts, key updates */
#define PIPE_CERT_LIST_BYTES_MAX (8u * KIB) /* one self-signed P-256 certificate takes 400 */
#define PIPE_EXPORT_BYTES 32
#define PIPE_ALPN_EXTENSION 16 /* RFC 7301 6 */

#define PIPE_BIO_FAILED (-1) /* BIO_read(3), BIO_write(3) */

static const unsigned char pipe_alpn[] = { 5, 'c', 'r', 's', '/', '1' };

/* ---- what all pipes share ---- */

static int pipe_on_verify(X509_STORE_CTX *store, void *arg)
{
	(void)arg;
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_pipe *p = SSL_get_app_data(ssl);
	X509 *cert = X509_STORE_CTX_get0_cert(store);
	if (cert == NULL || tls_spki_of_cert(cert, &p->peer_spki) != ERR_OK) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
		return 0;
	}
	p->peer_known = true;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

/* OpenSSL asks for a choice only when the room names any protocol, so its absence is found here. */
static int pipe_on_hello(SSL *ssl, int *ret_alert, void *arg)
{
	(void)arg;
	const unsigned char *ext;
	size_t len;
	if (SSL_client_hello_get0_ext(ssl, PIPE_ALPN_EXTENSION, &ext, &len) == 1) {
		return SSL_CLIENT_HELLO_SUCCESS;
	}
	*ret_alert = SSL_AD_NO_APPLICATION_PROTOCOL;
	return SSL_CLIENT_HELLO_ERROR;
}

static int pipe_on_alpn(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_len,
			const unsigned char *offered, unsigned int offered_len, void *arg)
{
	(void)ssl;
	(void)arg;
	unsigned char *name = NULL;
	const int found = SSL_select_next_proto(&name, ret_len, pipe_alpn, sizeof(pipe_alpn),
						offered, offered_len);
	if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
	*ret_name = name;
	return SSL_TLSEXT_ERR_OK;
}

static bool ctx_set_versions(SSL_CTX *ctx)
{
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
					       SSL_OP_NO_RENEGOTIATION);
	(void)SSL_CTX_clear_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	(void)SSL_CTX_set_mode(ctx,
			       SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_max_cert_list(ctx, PIPE_CERT_LIST_BYTES_MAX);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_num_tickets(ctx, 0) == 1 && SSL_CTX_set_max_early_data(ctx, 0) == 1 &&
	       SSL_CTX_set_recv_max_early_data(ctx, 0) == 1 &&
	       SSL_CTX_set1_groups_list(ctx, "X25519:P-256") == 1 &&
	       SSL_CTX_set1_sigalgs_list(ctx, "ecdsa_secp256r1_sha256") == 1;
}

static bool ctx_set_identity(SSL_CTX *ctx, const struct tls_identity *id)
{
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, pipe_on_verify, NULL);
	return SSL_CTX_use_certificate(ctx, id->cert) == 1 &&
	       SSL_CTX_use_PrivateKey(ctx, id->key) == 1 && SSL_CTX_check_private_key(ctx) == 1;
}

static bool ctx_set_alpn(SSL_CTX *ctx, enum tls_role role)
{
	if (role == TLS_ROLE_ROOM) {
		/* 0 is success here, unlike everywhere else (SSL_CTX_set_alpn_protos(3)). */
		return SSL_CTX_set_alpn_protos(ctx, pipe_alpn, sizeof(pipe_alpn)) == 0;
	}
	SSL_CTX_set_client_hello_cb(ctx, pipe_on_hello, NULL);
	SSL_CTX_set_alpn_select_cb(ctx, pipe_on_alpn, NULL);
	return true;
}

/* ---- the BIO: OpenSSL reads and writes the pipe's buffers ---- */

static int pipe_bio_write(BIO *bio, const char *bytes, int len)
{
	struct tls_pipe *p = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (len <= 0) return 0;
	const size_t count = (size_t)len;
	enum err e = ERR_FULL;
	if (count <= TLS_PIPE_OUT_BYTES_MAX && p->out.len <= TLS_PIPE_OUT_BYTES_MAX - count) {
		e = buf_append(&p->out, view_of(bytes, count));
	}
	if (e == ERR_OK) return len;
	p->bio_failed = e;
	return PIPE_BIO_FAILED;
}

static int pipe_bio_read(BIO *bio, char *ret_bytes, int cap)
{
	struct tls_pipe *p = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	const size_t have = p->in.len - p->in_at;
	if (cap <= 0) return 0;
	if (have == 0) {
		if (p->eof) return 0;
		BIO_set_retry_read(bio);
		return PIPE_BIO_FAILED;
	}
	const size_t count = have < (size_t)cap ? have : (size_t)cap;
	memcpy(ret_bytes, p->in.p + p->in_at, count);
	p->in_at += count;
	if (p->in_at == p->in.len) {
		buf_clear(&p->in);
		p->in_at = 0;
	}
	return (int)count;
}

static long pipe_bio_ctrl(BIO *bio, int command, long number, void *arg)
{
	(void)number;
	(void)arg;
	const struct tls_pipe *p = BIO_get_data(bio);
	if (command == BIO_CTRL_FLUSH) return 1;
	if (command == BIO_CTRL_EOF) return p->eof && p->in_at == p->in.len;
	return 0;
}

static bool ctx_make_bio_method(struct tls_ctx *c)
{
	const int index = BIO_get_new_index();
	if (index <= 0) return false;
	c->bio_method = BIO_meth_new(index | BIO_TYPE_SOURCE_SINK, "tls_pipe");
	return c->bio_method != NULL && BIO_meth_set_write(c->bio_method, pipe_bio_write) == 1 &&
	       BIO_meth_set_read(c->bio_method, pipe_bio_read) == 1 &&
	       BIO_meth_set_ctrl(c->bio_method, pipe_bio_ctrl) == 1;
}

enum err tls_ctx_init(struct tls_ctx *c, enum tls_role role, const struct tls_identity *id)
{
	REQUIRE(id->key != NULL && id->cert != NULL);
	TRY(tls_library_init());
	*c = (struct tls_ctx){ .role = role };
	c->plain = malloc(TLS_PLAIN_BYTES_MAX);
	c->ssl_ctx =
		SSL_CTX_new(role == TLS_ROLE_SERVER ? TLS_server_method() : TLS_client_method());
	enum err e = ERR_NOMEM;
	if (c->plain != NULL && c->ssl_ctx != NULL) {
		const bool set = ctx_set_versions(c->ssl_ctx) && ctx_set_identity(c->ssl_ctx, id) &&
				 ctx_set_alpn(c->ssl_ctx, role) && ctx_make_bio_method(c);
		e = set ? ERR_OK : ERR_TLS;
	}
	ERR_clear_error();
	if (e != ERR_OK) tls_ctx_fini(c);
	return e;
}

void tls_ctx_fini(struct tls_ctx *c)
{
	SSL_CTX_free(c->ssl_ctx);
	BIO_meth_free(c->bio_method);
	if (c->plain != NULL) explicit_bzero(c->plain, TLS_PLAIN_BYTES_MAX);
	free(c->plain);
	*c = (struct tls_ctx){ 0 };
}

/* ---- one pipe ---- */

static enum err pipe_attach(struct tls_pipe *p, BIO *bio)
{
	BIO_set_data(bio, p);
	BIO_set_init(bio, 1);
	SSL_set_bio(p->ssl, bio, bio); /* takes it, once for both directions */
	ENSURE(SSL_set_app_data(p->ssl, p) == 1, ERR_NOMEM);
	if (p->ctx->role == TLS_ROLE_SERVER) {
		SSL_set_accept_state(p->ssl);
	} else {
		SSL_set_connect_state(p->ssl);
	}
	return ERR_OK;
}

enum err tls_pipe_init(struct tls_pipe *p, struct tls_ctx *ctx)
{
	REQUIRE(ctx->ssl_ctx != NULL);
	ERR_clear_error();
	*p = (struct tls_pipe){ .ctx = ctx, .ssl = SSL_new(ctx->ssl_ctx) };
	BIO *bio = BIO_new(ctx->bio_method);
	enum err e = ERR_NOMEM;
	if (p->ssl != NULL && bio != NULL) {
		e = pipe_attach(p, bio);
	} else {
		(void)BIO_free(bio); /* fails on NULL only */
	}
	if (e != ERR_OK) {
		tls_pipe_fini(p);
		ERR_clear_error();
	}
	return e;
}

void tls_pipe_fini(struct tls_pipe *p)
{
	SSL_free(p->ssl);
	buf_fini(&p->in);
	buf_fini(&p->out);
	*p = (struct tls_pipe){ 0 };
}

/* The only translator of OpenSSL's errors. `kind` is SSL_get_error's, `code` the oldest queued. */
static enum err err_from_ssl(int kind, unsigned long code)
{
	switch (kind) {
	case SSL_ERROR_NONE: return ERR_OK;
	case SSL_ERROR_WANT_READ: return ERR_MORE;
	case SSL_ERROR_ZERO_RETURN: return ERR_CLOSED;
	default: break;
	}
	if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE) return ERR_NOMEM;
	if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
	    ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
		return ERR_TRUNCATED;
	}
	return ERR_TLS;
}

/* After a call that did not succeed. Anything but ERR_MORE is final. */
static enum err pipe_result(struct tls_pipe *p, int status)
{
	const int kind = SSL_get_error(p->ssl, status);
	const unsigned long code = ERR_peek_error();
	enum err e = err_from_ssl(kind, code);
	if (p->bio_failed != ERR_OK) e = p->bio_failed;
	INSIST(e != ERR_OK);
	if (e == ERR_MORE) return e;
	p->failed = e;
	p->reason = ERR_reason_error_string(code);
	ERR_clear_error();
	return e;
}

enum err tls_pipe_feed(struct tls_pipe *p, struct view cipher)
{
	REQUIRE(p->ssl != NULL && !p->eof);
	if (p->failed != ERR_OK) return p->failed;
	const size_t waiting = p->in.len - p->in_at;
	ENSURE(cipher.len <= TLS_PIPE_IN_BYTES_MAX && waiting <= TLS_PIPE_IN_BYTES_MAX - cipher.len,
	       ERR_FULL);
	buf_consume(&p->in, p->in_at);
	p->in_at = 0;
	return buf_append(&p->in, cipher);
}

void tls_pipe_feed_eof(struct tls_pipe *p)
{
	REQUIRE(p->ssl != NULL);
	p->eof = true;
}

static bool pipe_alpn_agreed(const struct tls_pipe *p)
{
	const unsigned char *name = NULL;
	unsigned len = 0;
	SSL_get0_alpn_selected(p->ssl, &name, &len);
	return view_equal(view_of(name, len), view_of(pipe_alpn + 1, sizeof(pipe_alpn) - 1));
}

enum err tls_pipe_step(struct tls_pipe *p)
{
	REQUIRE(p->ssl != NULL);
	if (p->failed != ERR_OK) return p->failed;
	if (p->ready) return ERR_OK;
	ERR_clear_error();
	const int status = SSL_do_handshake(p->ssl);
	if (status != 1) return pipe_result(p, status);

	INSIST(p->peer_known);
	if (!pipe_alpn_agreed(p)) {
		/* Only a room comes here; its last flight must not tell this server who it is. */
		buf_clear(&p->out);
		p->failed = ERR_TLS;
		p->reason = "no application protocol";
		return p->failed;
	}
	p->ready = true;
	return ERR_OK;
}

enum err tls_pipe_read(struct tls_pipe *p, struct view *ret_plain)
{
	REQUIRE(p->ssl != NULL && p->ready);
	if (p->failed != ERR_OK) return p->failed;
	ERR_clear_error();
	size_t len = 0;
	const int status = SSL_read_ex(p->ssl, p->ctx->plain, TLS_PLAIN_BYTES_MAX, &len);
	if (status != 1) return pipe_result(p, status);
	*ret_plain = view_of(p->ctx->plain, len);
	return ERR_OK;
}

void tls_pipe_forget(struct tls_pipe *p, struct view plain)
{
	REQUIRE(plain.p == p->ctx->plain && plain.len <= TLS_PLAIN_BYTES_MAX);
	explicit_bzero(p->ctx->plain, plain.len);
}

/* The change is announced before the next record. */
static enum err pipe_renew_key(struct tls_pipe *p)
{
	if (p->key_records < TLS_KEY_RECORDS_MAX) return ERR_OK;
	const int status = SSL_key_update(p->ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
	if (status != 1) return pipe_result(p, status);
	p->key_records = 0;
	return ERR_OK;
}

static enum err pipe_write_some(struct tls_pipe *p, struct view plain, size_t *ret_wrote)
{
	ERR_clear_error();
	TRY(pipe_renew_key(p));
	const int status = SSL_write_ex(p->ssl, plain.p, plain.len, ret_wrote);
	if (status == 1) {
		p->key_records++;
		return ERR_OK;
	}
	const enum err e = pipe_result(p, status);
	/* The BIO takes all or fails, and TLS 1.3 never has to read before it can write. */
	INSIST(e != ERR_MORE);
	return e;
}

enum err tls_pipe_write(struct tls_pipe *p, struct view plain)
{
	REQUIRE(p->ssl != NULL && p->ready && !p->ended);
	if (p->failed != ERR_OK) return p->failed;
	const size_t room_max = TLS_PIPE_OUT_BYTES_MAX - PIPE_OUT_RESERVE_BYTES;
	ENSURE(plain.len <= room_max, ERR_FULL);
	const size_t records = plain.len / TLS_PLAIN_BYTES_MAX + 1;
	const size_t need = plain.len + records * PIPE_RECORD_EXTRA_BYTES;
	ENSURE(need <= room_max && p->out.len <= room_max - need, ERR_FULL);
	TRY(buf_reserve(&p->out, need));

	while (plain.len > 0) {
		size_t wrote = 0;
		TRY(pipe_write_some(p, plain, &wrote));
		plain.p += wrote;
		plain.len -= wrote;
	}
	return ERR_OK;
}

enum err tls_pipe_drain(struct tls_pipe *p, struct buf *to)
{
	if (p->out.len == 0) return ERR_OK;
	if (to->len == 0) {
		const struct buf empty = *to;
		*to = p->out;
		p->out = empty;
		return ERR_OK;
	}
	TRY(buf_append(to, buf_view(&p->out)));
	buf_clear(&p->out);
	return ERR_OK;
}

size_t tls_pipe_pending_out(const struct tls_pipe *p)
{
	return p->out.len;
}

void tls_pipe_end(struct tls_pipe *p)
{
	REQUIRE(p->ssl != NULL);
	if (!p->ready || p->ended) return;
	if (p->failed != ERR_OK && p->failed != ERR_CLOSED) return;
	p->ended = true;
	ERR_clear_error();
	(void)SSL_shutdown(
		p->ssl); /* 0: ours is out, the peer's has not come; nobody waits for it */
	ERR_clear_error();
}

enum err tls_pipe_export(struct tls_pipe *p, const char *label, uint8_t ret_key[32])
{
	REQUIRE(p->ssl != NULL && p->ready);
	ERR_clear_error();
	const int status = SSL_export_keying_material(p->ssl, ret_key, PIPE_EXPORT_BYTES, label,
						      strlen(label), NULL, 0, 0);
	ERR_clear_error();
	return status == 1 ? ERR_OK : ERR_TLS;
}

const struct tls_spki *tls_pipe_peer_spki(const struct tls_pipe *p)
{
	REQUIRE(p->ready && p->peer_known);
	return &p->peer_spki;
}

void tls_pipe_release_idle(struct tls_pipe *p)
{
	REQUIRE(p->ssl != NULL);
	if (!p->ready || p->in.len > 0 || p->out.len > 0) return;
	(void)SSL_free_buffers(p->ssl); /* 0: half a record is in there, so it stays */
	buf_fini(&p->in);
	buf_fini(&p->out);
}

const char *tls_pipe_reason(const struct tls_pipe *p)
{
	return p->reason != NULL ? p->reason : "none";
}
