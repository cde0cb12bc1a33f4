#include "net/tls_identity.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#define IDENTITY_SERIAL_BYTES 16
#define IDENTITY_FILE_BYTES_MAX 4096 /* a PEM of this key takes 241 */

/* Nobody looks at names and dates, so they say nothing: no clinic, no moment of making. */
#define IDENTITY_SUBJECT "roomkeep"
#define IDENTITY_NOT_BEFORE "20200101000000Z"
#define IDENTITY_NOT_AFTER "99991231235959Z" /* "no expiration", RFC 5280 4.1.2.5 */

/* SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING { 0x04, x, y } } (RFC 5480 2). */
#define SPKI_DER_BYTES 91
static const uint8_t spki_prefix[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
				       0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
				       0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 };

/* PKCS#8 of such a key (RFC 5208, RFC 5915): this, the private number, that, x, y. */
#define KEY_DER_BYTES 138
#define KEY_NUMBER_BYTES 32
static const uint8_t key_prefix[] = { 0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06,
				      0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
				      0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
				      0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20 };
static const uint8_t key_middle[] = { 0xa1, 0x44, 0x03, 0x42, 0x00, 0x04 };
_Static_assert(sizeof(key_prefix) + KEY_NUMBER_BYTES + sizeof(key_middle) + 64 == KEY_DER_BYTES,
	       "the parts make the whole");
_Static_assert(KEY_DER_BYTES <= TLS_KEY_BYTES_MAX, "callers give enough memory");

enum err tls_library_init(void)
{
	ENSURE(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1, ERR_TLS);
	ERR_clear_error();
	return ERR_OK;
}

static void x509_freep(X509 **cert)
{
	X509_free(*cert);
}

static void bio_freep(BIO **bio)
{
	(void)BIO_free(*bio); /* fails on NULL only */
}

static void pkcs8_freep(PKCS8_PRIV_KEY_INFO **p8)
{
	PKCS8_PRIV_KEY_INFO_free(*p8);
}

/* What is left in OpenSSL's queue must not be taken for the error of a later call. A key that could
 * not be read for want of memory is no damaged one. */
static enum err identity_fail(enum err e)
{
	bool starved = false;
	for (unsigned long code = ERR_get_error(); code != 0; code = ERR_get_error())
		if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE) starved = true;
	return starved ? ERR_NOMEM : e;
}

/* DER of a public key, only if it is in the one form we accept. */
static enum err spki_encode(EVP_PKEY *key, uint8_t ret_der[SPKI_DER_BYTES])
{
	ENSURE(i2d_PUBKEY(key, NULL) == SPKI_DER_BYTES, identity_fail(ERR_BAD_FORMAT));
	uint8_t *at = ret_der;
	ENSURE(i2d_PUBKEY(key, &at) == SPKI_DER_BYTES, identity_fail(ERR_NOMEM));
	ENSURE(memcmp(ret_der, spki_prefix, sizeof(spki_prefix)) == 0, ERR_BAD_FORMAT);
	return ERR_OK;
}

static enum err spki_of_key(EVP_PKEY *key, struct tls_spki *ret_spki)
{
	uint8_t der[SPKI_DER_BYTES];
	TRY(spki_encode(key, der));
	ENSURE(SHA256(der, sizeof(der), ret_spki->b) != NULL, identity_fail(ERR_TLS));
	return ERR_OK;
}

enum err tls_spki_of_cert(struct x509_st *cert, struct tls_spki *ret_spki)
{
	/* The bytes as they came: a peer's odd spelling of a key is refused, not tidied up. */
	uint8_t *der = NULL;
	const int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	ENSURE(len > 0, identity_fail(ERR_BAD_FORMAT));
	uint8_t came[SPKI_DER_BYTES] = { 0 };
	if (len == SPKI_DER_BYTES) memcpy(came, der, sizeof(came));
	OPENSSL_free(der);
	ENSURE(memcmp(came, spki_prefix, sizeof(spki_prefix)) == 0, ERR_BAD_FORMAT);

	/* Decoding proves that the point is on the curve. */
	EVP_PKEY *key = X509_get0_pubkey(cert);
	ENSURE(key != NULL, identity_fail(ERR_BAD_FORMAT));
	uint8_t decoded[SPKI_DER_BYTES];
	TRY(spki_encode(key, decoded));
	ENSURE(memcmp(came, decoded, sizeof(came)) == 0, ERR_BAD_FORMAT);
	ENSURE(SHA256(came, sizeof(came), ret_spki->b) != NULL, identity_fail(ERR_TLS));
	return ERR_OK;
}

static enum err cert_set_serial(X509 *cert)
{
	uint8_t serial[IDENTITY_SERIAL_BYTES];
	ENSURE(RAND_bytes(serial, sizeof(serial)) == 1, identity_fail(ERR_TLS));
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, full length */
	BIGNUM *number = BN_bin2bn(serial, sizeof(serial), NULL);
	ENSURE(number != NULL, identity_fail(ERR_NOMEM));
	const ASN1_INTEGER *set = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
	BN_free(number);
	ENSURE(set != NULL, identity_fail(ERR_NOMEM));
	return ERR_OK;
}

static enum err cert_make(EVP_PKEY *key, X509 **ret_cert)
{
	CLEANUP(x509_freep) X509 *cert = X509_new();
	ENSURE(cert != NULL, identity_fail(ERR_NOMEM));
	TRY(cert_set_serial(cert));
	X509_NAME *name = X509_get_subject_name(cert);
	const bool made =
		X509_set_version(cert, X509_VERSION_3) == 1 &&
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					   (const unsigned char *)IDENTITY_SUBJECT, -1, -1,
					   0) == 1 &&
		X509_set_issuer_name(cert, name) == 1 &&
		ASN1_TIME_set_string_X509(X509_getm_notBefore(cert), IDENTITY_NOT_BEFORE) == 1 &&
		ASN1_TIME_set_string_X509(X509_getm_notAfter(cert), IDENTITY_NOT_AFTER) == 1 &&
		X509_set_pubkey(cert, key) == 1 && X509_sign(cert, key, EVP_sha256()) > 0;
	ENSURE(made, identity_fail(ERR_TLS));
	*ret_cert = TAKE(cert);
	return ERR_OK;
}

/* Takes the key, whatever happens. */
static enum err identity_adopt(EVP_PKEY *key, struct tls_identity *ret_id)
{
	struct tls_identity id = { .key = key };
	enum err e = spki_of_key(key, &id.spki);
	if (e == ERR_OK) e = cert_make(key, &id.cert);
	if (e != ERR_OK) {
		tls_identity_fini(&id);
		return e;
	}
	*ret_id = id;
	return ERR_OK;
}

enum err tls_identity_make(struct tls_identity *ret_id)
{
	TRY(tls_library_init());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	ENSURE(key != NULL, identity_fail(ERR_TLS));
	return identity_adopt(key, ret_id);
}

void tls_identity_fini(struct tls_identity *id)
{
	X509_free(id->cert);
	EVP_PKEY_free(id->key); /* OpenSSL clears the private number */
	*id = (struct tls_identity){ 0 };
}

void tls_identity_finip(struct tls_identity *id)
{
	tls_identity_fini(id);
}

enum err tls_identity_key_write(const struct tls_identity *id, uint8_t *ret_key, size_t cap,
				size_t *ret_len)
{
	REQUIRE(id->key != NULL);
	REQUIRE(cap >= TLS_KEY_BYTES_MAX);
	ERR_clear_error();
	CLEANUP(pkcs8_freep) PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(id->key);
	ENSURE(p8 != NULL, identity_fail(ERR_TLS));
	const int need = i2d_PKCS8_PRIV_KEY_INFO(p8, NULL);
	ENSURE(need == KEY_DER_BYTES, identity_fail(ERR_TLS));
	uint8_t *at = ret_key;
	ENSURE(i2d_PKCS8_PRIV_KEY_INFO(p8, &at) == need, identity_fail(ERR_TLS));
	*ret_len = (size_t)need;
	return ERR_OK;
}

/* A key whose two halves do not belong together would fail only at the first handshake. */
static enum err identity_check_pair(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	ENSURE(ctx != NULL, identity_fail(ERR_NOMEM));
	const int status = EVP_PKEY_pairwise_check(ctx);
	EVP_PKEY_CTX_free(ctx);
	ENSURE(status == 1, identity_fail(ERR_BAD_FORMAT));
	return ERR_OK;
}

static enum err identity_adopt_stored(EVP_PKEY *key, struct tls_identity *ret_id)
{
	struct tls_spki spki;
	enum err e = spki_of_key(key, &spki);
	if (e == ERR_OK) e = identity_check_pair(key);
	if (e != ERR_OK) {
		EVP_PKEY_free(key);
		return e;
	}
	return identity_adopt(key, ret_id);
}

/* OpenSSL reads more than it writes (other versions, attributes); we take back our form only. */
static bool identity_form_is_ours(struct view key)
{
	return key.len == KEY_DER_BYTES && memcmp(key.p, key_prefix, sizeof(key_prefix)) == 0 &&
	       memcmp(key.p + sizeof(key_prefix) + KEY_NUMBER_BYTES, key_middle,
		      sizeof(key_middle)) == 0;
}

enum err tls_identity_from_key(struct view key, struct tls_identity *ret_id)
{
	ENSURE(identity_form_is_ours(key), ERR_BAD_FORMAT);
	TRY(tls_library_init());
	const uint8_t *at = key.p;
	PKCS8_PRIV_KEY_INFO *p8 = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)key.len);
	ENSURE(p8 != NULL, identity_fail(ERR_BAD_FORMAT));
	EVP_PKEY *pkey = at == key.p + key.len ? EVP_PKCS82PKEY(p8) : NULL;
	PKCS8_PRIV_KEY_INFO_free(p8);
	ENSURE(pkey != NULL, identity_fail(ERR_BAD_FORMAT));
	return identity_adopt_stored(pkey, ret_id);
}

enum err tls_identity_save_file(const struct tls_identity *id, int dir_fd, const char *name)
{
	REQUIRE(id->key != NULL);
	ERR_clear_error();
	/* A secure BIO clears its memory when it is freed. */
	CLEANUP(bio_freep) BIO *bio = BIO_new(BIO_s_secmem());
	ENSURE(bio != NULL, identity_fail(ERR_NOMEM));
	ENSURE(PEM_write_bio_PKCS8PrivateKey(bio, id->key, NULL, NULL, 0, NULL, NULL) == 1,
	       identity_fail(ERR_TLS));
	char *pem = NULL;
	const long len = BIO_get_mem_data(bio, &pem);
	ENSURE(len > 0 && pem != NULL, identity_fail(ERR_TLS));

	return new_file_write(dir_fd, name, view_of(pem, (size_t)len));
}

static enum err identity_read(int fd, char *pem, size_t cap, size_t *ret_len)
{
	size_t len = 0;
	while (len < cap) {
		const ssize_t got = read(fd, pem + len, cap - len);
		if (got < 0 && errno == EINTR) continue;
		ENSURE(got >= 0, err_from_errno(errno));
		if (got == 0) break;
		len += (size_t)got;
	}
	ENSURE(len < cap, ERR_BAD_FORMAT);
	*ret_len = len;
	return ERR_OK;
}

/* Never a prompt: an encrypted PEM is simply not ours. */
static int identity_no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return 0;
}

static enum err identity_parse_pem(const char *pem, size_t len, struct tls_identity *ret_id)
{
	TRY(tls_library_init());
	CLEANUP(bio_freep) BIO *bio = BIO_new_mem_buf(pem, (int)len);
	ENSURE(bio != NULL, identity_fail(ERR_NOMEM));
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, identity_no_passphrase, NULL);
	ENSURE(key != NULL, identity_fail(ERR_BAD_FORMAT));
	return identity_adopt_stored(key, ret_id);
}

enum err tls_identity_load_file(int dir_fd, const char *name, struct tls_identity *ret_id)
{
	CLEANUP(closep)
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ENSURE(fd >= 0, err_from_errno(errno));
	struct stat st;
	ENSURE(fstat(fd, &st) == 0, err_from_errno(errno));
	ENSURE(S_ISREG(st.st_mode), ERR_BAD_FORMAT);
	ENSURE((st.st_mode & (S_IRWXG | S_IRWXO)) == 0, ERR_DENIED);

	char pem[IDENTITY_FILE_BYTES_MAX];
	size_t len = 0;
	enum err e = identity_read(fd, pem, sizeof(pem), &len);
	if (e == ERR_OK) e = identity_parse_pem(pem, len, ret_id);
	explicit_bzero(pem, sizeof(pem));
	return e;
}
