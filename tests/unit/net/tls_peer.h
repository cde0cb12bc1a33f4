/* tls_peer: a plain OpenSSL peer that can be wrong in many ways, joined to a tls_pipe in memory. */
#pragma once

#include "tls_pair.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

enum peer_cert {
	PEER_CERT_NONE,
	PEER_CERT_P256,
	PEER_CERT_P256_EXPIRED,
	PEER_CERT_P256_COMPRESSED, /* the point in its short form */
	PEER_CERT_P256_EXPLICIT,   /* the curve spelled out instead of named */
	PEER_CERT_P384,
	PEER_CERT_ED25519,
	PEER_CERT_RSA,
};

struct peer_options {
	bool is_server;
	enum peer_cert cert;
	int version_max;  /* 0: TLS 1.3 */
	const char *alpn; /* wire form, NULL: none */
};

struct tls_peer {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in;
	BIO *out;
	const char *alpn;
	uint8_t spki[32];
};

static inline EVP_PKEY *peer_make_key(enum peer_cert cert)
{
	EVP_PKEY *key = NULL;
	if (cert == PEER_CERT_P384) {
		key = EVP_EC_gen("P-384");
	} else if (cert == PEER_CERT_ED25519) {
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	} else if (cert == PEER_CERT_RSA) {
		key = EVP_RSA_gen(2048);
	} else {
		key = EVP_EC_gen("P-256");
	}
	assert_non_null(key);
	if (cert == PEER_CERT_P256_COMPRESSED) {
		assert_int_equal(
			EVP_PKEY_set_utf8_string_param(
				key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed"),
			1);
	}
	if (cert == PEER_CERT_P256_EXPLICIT) {
		assert_int_equal(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING,
								"explicit"),
				 1);
	}
	return key;
}

static inline X509 *peer_make_cert(EVP_PKEY *key, enum peer_cert kind)
{
	X509 *cert = X509_new();
	assert_non_null(cert);
	const bool expired = kind == PEER_CERT_P256_EXPIRED;
	assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 7), 1);
	assert_int_equal(ASN1_TIME_set_string(X509_getm_notBefore(cert), "20000101000000Z"), 1);
	assert_int_equal(ASN1_TIME_set_string(X509_getm_notAfter(cert),
					      expired ? "20010101000000Z" : "20490101000000Z"),
			 1);
	assert_int_equal(X509_set_pubkey(cert, key), 1);
	assert_true(X509_sign(cert, key, kind == PEER_CERT_ED25519 ? NULL : EVP_sha256()) > 0);
	return cert;
}

static inline int peer_on_alpn(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_len,
			       const unsigned char *offered, unsigned int offered_len, void *arg)
{
	(void)ssl;
	(void)offered;
	(void)offered_len;
	const struct tls_peer *p = arg;
	if (p->alpn == NULL) return SSL_TLSEXT_ERR_NOACK;
	*ret_name = (const unsigned char *)p->alpn + 1;
	*ret_len = (unsigned char)p->alpn[0];
	return SSL_TLSEXT_ERR_OK;
}

static inline int peer_accept_all(X509_STORE_CTX *store, void *arg)
{
	(void)store;
	(void)arg;
	return 1;
}

static inline void peer_set_cert(struct tls_peer *p, enum peer_cert kind)
{
	if (kind == PEER_CERT_NONE) return;
	EVP_PKEY *key = peer_make_key(kind);
	X509 *cert = peer_make_cert(key, kind);
	assert_int_equal(SSL_CTX_use_certificate(p->ctx, cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(p->ctx, key), 1);
	uint8_t *der = NULL;
	const int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	assert_true(len > 0);
	assert_non_null(SHA256(der, (size_t)len, p->spki));
	OPENSSL_free(der);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static inline void peer_open(struct tls_peer *p, const struct peer_options *o)
{
	*p = (struct tls_peer){ .alpn = o->alpn };
	p->ctx = SSL_CTX_new(o->is_server ? TLS_server_method() : TLS_client_method());
	assert_non_null(p->ctx);
	if (o->version_max != 0) {
		assert_int_equal(SSL_CTX_set_max_proto_version(p->ctx, o->version_max), 1);
	}
	SSL_CTX_set_verify(p->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(p->ctx, peer_accept_all, NULL);
	if (o->is_server) SSL_CTX_set_alpn_select_cb(p->ctx, peer_on_alpn, p);
	if (!o->is_server && o->alpn != NULL) {
		assert_int_equal(SSL_CTX_set_alpn_protos(p->ctx, (const unsigned char *)o->alpn,
							 (unsigned)strlen(o->alpn)),
				 0);
	}
	peer_set_cert(p, o->cert);
	p->ssl = SSL_new(p->ctx);
	p->in = BIO_new(BIO_s_mem());
	p->out = BIO_new(BIO_s_mem());
	assert_true(p->ssl != NULL && p->in != NULL && p->out != NULL);
	SSL_set_bio(p->ssl, p->in, p->out);
	if (o->is_server) {
		SSL_set_accept_state(p->ssl);
	} else {
		SSL_set_connect_state(p->ssl);
	}
}

static inline void peer_close(struct tls_peer *p)
{
	SSL_free(p->ssl);
	SSL_CTX_free(p->ctx);
	ERR_clear_error();
}

static inline void peer_take(struct tls_peer *p, struct tls_pipe *from)
{
	struct buf bytes = { 0 };
	assert_int_equal(tls_pipe_drain(from, &bytes), ERR_OK);
	if (bytes.len > 0) {
		assert_int_equal(BIO_write(p->in, bytes.p, (int)bytes.len), (int)bytes.len);
	}
	buf_fini(&bytes);
}

static inline void peer_give(struct tls_peer *p, struct tls_pipe *to)
{
	uint8_t bytes[65536];
	const int len = BIO_read(p->out, bytes, sizeof(bytes));
	if (len <= 0 || to->failed != ERR_OK) return;
	assert_int_equal(tls_pipe_feed(to, view_of(bytes, (size_t)len)), ERR_OK);
}

/* Steps both sides until nothing moves; returns what the pipe's side came to. */
static inline enum err peer_run(struct tls_peer *p, struct tls_pipe *pipe)
{
	enum err e = ERR_MORE;
	for (int turn = 0; turn < 6; turn++) {
		e = tls_pipe_step(pipe);
		peer_take(p, pipe);
		ERR_clear_error();
		(void)SSL_do_handshake(p->ssl);
		peer_give(p, pipe);
	}
	return e;
}
