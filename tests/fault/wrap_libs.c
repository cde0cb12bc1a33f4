/* SQLite and OpenSSL by the calls that our code makes to them. */
#include "fault.h"

#include <dlfcn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sqlite3.h>
#include <string.h>

/* The library's own function behind ours. */
static void *real_of(const char *name)
{
	fault_pause();
	void *p = dlsym(RTLD_NEXT, name);
	fault_resume();
	FAULT_CHECK(p != NULL);
	return p;
}

#define REAL_CALL(type, name, params, args)                                                        \
	static type(*real) params;                                                                 \
	if (real == NULL) *(void **)&real = real_of(#name);                                        \
	return real args

/* SQLite calls some of its own functions by their public names: those calls are not ours to fail,
 * it knows that they cannot fail so. */

int sqlite3_step(sqlite3_stmt *stmt)
{
	int code = 0;
	/* ROLLBACK is left alone: SQLite gives a transaction up whatever happens. */
	if (FAULT_CALLED_BY_US() && strcmp(sqlite3_sql(stmt), "ROLLBACK") != 0 &&
	    fault_strike(FAULT_STEP, &code))
		return code;
	REAL_CALL(int, sqlite3_step, (sqlite3_stmt *), (stmt));
}

int sqlite3_exec(sqlite3 *db, const char *sql, int (*each)(void *, int, char **, char **),
		 void *arg, char **ret_text)
{
	int code = 0;
	if (FAULT_CALLED_BY_US() && fault_strike(FAULT_STEP, &code)) return code;
	REAL_CALL(
		int, sqlite3_exec,
		(sqlite3 *, const char *, int (*)(void *, int, char **, char **), void *, char **),
		(db, sql, each, arg, ret_text));
}

int sqlite3_wal_checkpoint_v2(sqlite3 *db, const char *name, int mode, int *ret_pages,
			      int *ret_copied)
{
	int code = 0;
	if (FAULT_CALLED_BY_US() && fault_strike(FAULT_STEP, &code)) return code;
	REAL_CALL(int, sqlite3_wal_checkpoint_v2, (sqlite3 *, const char *, int, int *, int *),
		  (db, name, mode, ret_pages, ret_copied));
}

int sqlite3_prepare_v3(sqlite3 *db, const char *sql, int bytes, unsigned flags,
		       sqlite3_stmt **ret_stmt, const char **ret_tail)
{
	int code = 0;
	if (FAULT_CALLED_BY_US() && fault_strike(FAULT_PREPARE, &code)) {
		*ret_stmt = NULL;
		return code;
	}
	REAL_CALL(int, sqlite3_prepare_v3,
		  (sqlite3 *, const char *, int, unsigned, sqlite3_stmt **, const char **),
		  (db, sql, bytes, flags, ret_stmt, ret_tail));
}

/* As OpenSSL does: what failed leaves an entry in the thread's queue. */
static bool ssl_fails(void)
{
	int code = 0;
	if (!fault_strike(FAULT_SSL, &code)) return false;
	ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
	return true;
}

/* X(type, name, parameters, arguments, types, result when it fails) */
#define SSL_MAP(X)                                                                                 \
	X(SSL_CTX *, SSL_CTX_new, (const SSL_METHOD *m), (m), (const SSL_METHOD *), NULL)          \
	X(SSL *, SSL_new, (SSL_CTX * c), (c), (SSL_CTX *), NULL)                                   \
	X(int, SSL_do_handshake, (SSL * s), (s), (SSL *), 0)                                       \
	X(int, SSL_read_ex, (SSL * s, void *p, size_t n, size_t *r), (s, p, n, r),                 \
	  (SSL *, void *, size_t, size_t *), 0)                                                    \
	X(int, SSL_write_ex, (SSL * s, const void *p, size_t n, size_t *r), (s, p, n, r),          \
	  (SSL *, const void *, size_t, size_t *), 0)                                              \
	X(int, SSL_shutdown, (SSL * s), (s), (SSL *), 0)                                           \
	X(int, SSL_key_update, (SSL * s, int t), (s, t), (SSL *, int), 0)                          \
	X(int, SSL_export_keying_material,                                                         \
	  (SSL * s, unsigned char *o, size_t n, const char *l, size_t ln, const unsigned char *x,  \
	   size_t xn, int use),                                                                    \
	  (s, o, n, l, ln, x, xn, use),                                                            \
	  (SSL *, unsigned char *, size_t, const char *, size_t, const unsigned char *, size_t,    \
	   int),                                                                                   \
	  0)                                                                                       \
	X(int, SSL_CTX_use_certificate, (SSL_CTX * c, X509 * x), (c, x), (SSL_CTX *, X509 *), 0)   \
	X(int, SSL_CTX_use_PrivateKey, (SSL_CTX * c, EVP_PKEY * k), (c, k),                        \
	  (SSL_CTX *, EVP_PKEY *), 0)                                                              \
	X(int, SSL_CTX_check_private_key, (const SSL_CTX *c), (c), (const SSL_CTX *), 0)           \
	X(int, SSL_CTX_set_alpn_protos, (SSL_CTX * c, const unsigned char *p, unsigned n),         \
	  (c, p, n), (SSL_CTX *, const unsigned char *, unsigned), 1)                              \
	X(BIO_METHOD *, BIO_meth_new, (int t, const char *n), (t, n), (int, const char *), NULL)   \
	X(BIO *, BIO_new, (const BIO_METHOD *m), (m), (const BIO_METHOD *), NULL)                  \
	X(BIO *, BIO_new_mem_buf, (const void *p, int n), (p, n), (const void *, int), NULL)       \
	X(X509 *, X509_new, (void), (), (void), NULL)                                              \
	X(int, X509_set_version, (X509 * x, long v), (x, v), (X509 *, long), 0)                    \
	X(int, X509_set_pubkey, (X509 * x, EVP_PKEY * k), (x, k), (X509 *, EVP_PKEY *), 0)         \
	X(int, X509_set_issuer_name, (X509 * x, const X509_NAME *n), (x, n),                       \
	  (X509 *, const X509_NAME *), 0)                                                          \
	X(int, X509_sign, (X509 * x, EVP_PKEY * k, const EVP_MD *m), (x, k, m),                    \
	  (X509 *, EVP_PKEY *, const EVP_MD *), 0)                                                 \
	X(EVP_PKEY *, X509_get0_pubkey, (const X509 *x), (x), (const X509 *), NULL)                \
	X(EVP_PKEY_CTX *, EVP_PKEY_CTX_new_from_pkey,                                              \
	  (OSSL_LIB_CTX * l, EVP_PKEY * k, const char *q), (l, k, q),                              \
	  (OSSL_LIB_CTX *, EVP_PKEY *, const char *), NULL)                                        \
	X(int, EVP_PKEY_pairwise_check, (EVP_PKEY_CTX * c), (c), (EVP_PKEY_CTX *), 0)              \
	X(EVP_PKEY *, EVP_PKCS82PKEY, (const PKCS8_PRIV_KEY_INFO *p), (p),                         \
	  (const PKCS8_PRIV_KEY_INFO *), NULL)                                                     \
	X(PKCS8_PRIV_KEY_INFO *, EVP_PKEY2PKCS8, (const EVP_PKEY *k), (k), (const EVP_PKEY *),     \
	  NULL)                                                                                    \
	X(EVP_PKEY *, PEM_read_bio_PrivateKey,                                                     \
	  (BIO * b, EVP_PKEY * *k, pem_password_cb * p, void *u), (b, k, p, u),                    \
	  (BIO *, EVP_PKEY **, pem_password_cb *, void *), NULL)                                   \
	X(int, i2d_PUBKEY, (const EVP_PKEY *k, unsigned char **p), (k, p),                         \
	  (const EVP_PKEY *, unsigned char **), 0)                                                 \
	X(int, i2d_X509_PUBKEY, (const X509_PUBKEY *k, unsigned char **p), (k, p),                 \
	  (const X509_PUBKEY *, unsigned char **), 0)

#define SSL_WRAP(type, name, params, args, types, failed)                                          \
	type name params                                                                           \
	{                                                                                          \
		if (ssl_fails()) return failed;                                                    \
		REAL_CALL(type, name, types, args);                                                \
	}
SSL_MAP(SSL_WRAP)
