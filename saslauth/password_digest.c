/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Schemes that are one pass of a digest over the password and a salt, and the digests themselves.
 */
#include <config.h>

/* Before ours: OpenSSL's headers spell out attributes that macro.h has short names for. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "saslauth/password_internal.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>
#include <pthread.h>

static const struct {
	const char *name;
	size_t size;
} digests[PASSWORD_DIGESTS] = {
	[PASSWORD_MD4] = { "MD4", 16 },       [PASSWORD_MD5] = { "MD5", 16 },       [PASSWORD_SHA1] = { "SHA1", 20 },
	[PASSWORD_SHA256] = { "SHA256", 32 }, [PASSWORD_SHA384] = { "SHA384", 48 }, [PASSWORD_SHA512] = { "SHA512", 64 },
};

/* Fetched once, for all threads and for as long as the process lives: a fetch costs more than the digest. */
static const EVP_MD *fetched[PASSWORD_DIGESTS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* MD4 stands in OpenSSL's legacy provider. It is loaded into a context of its own: nothing else in the process shall find it. */
static const EVP_MD *
fetch_legacy(const char *name)
{
	OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
	OSSL_PROVIDER *provider = context != NULL ? OSSL_PROVIDER_load(context, "legacy") : NULL;
	EVP_MD *md = provider != NULL ? EVP_MD_fetch(context, name, NULL) : NULL;

	if (md == NULL) {
		if (provider != NULL)
			OSSL_PROVIDER_unload(provider);
		OSSL_LIB_CTX_free(context);
	}
	return md;
}

static void
fetch_all(void)
{
	for (int i = 0; i < PASSWORD_DIGESTS; i++)
		fetched[i] = i == PASSWORD_MD4 ? fetch_legacy(digests[i].name) : EVP_MD_fetch(NULL, digests[i].name, NULL);
}

void
password_prepare(void)
{
	pthread_once(&once, fetch_all);
}

const EVP_MD *
password_digest_of(enum password_digest digest)
{
	password_prepare();
	return fetched[digest];
}

size_t
password_digest_size(enum password_digest digest)
{
	return digests[digest].size;
}

/* What most passwords are, with the functions that need no memory from the heap: those cost more than the digest. */
static void
sha1_of(struct span password, const uint8_t *salt, size_t salt_len, uint8_t *out)
{
	SHA_CTX state;

	SHA1_Init(&state);
	SHA1_Update(&state, password.data, password.len);
	SHA1_Update(&state, salt, salt_len);
	SHA1_Final(out, &state);
	explicit_bzero(&state, sizeof(state));
}

static int
generic_digest_of(enum password_digest digest, struct span password, const uint8_t *salt, size_t salt_len, uint8_t *out)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool done = context != NULL && EVP_DigestInit_ex(context, password_digest_of(digest), NULL) == 1 &&
		    EVP_DigestUpdate(context, password.data, password.len) == 1 &&
		    EVP_DigestUpdate(context, salt, salt_len) == 1 && EVP_DigestFinal_ex(context, out, NULL) == 1;

	/* Wipes its state. */
	EVP_MD_CTX_free(context);
	return done ? 0 : -ENOMEM;
}

/* DIGEST of PASSWORD and SALT; 0 or -ENOMEM. */
static int
digest_of(enum password_digest digest, struct span password, const uint8_t *salt, size_t salt_len, uint8_t *out)
{
	if (digest != PASSWORD_SHA1)
		return generic_digest_of(digest, password, salt, salt_len, out);
	sha1_of(password, salt, salt_len, out);
	return 0;
}

/* Returns the number of octets, -1 when BODY is not of this scheme. Without a salt hexadecimal digits are as good: no base64 of a
 * digest is as long. */
static int
read_octets(const struct password_body *body, uint8_t *out, size_t room)
{
	size_t size = password_digest_size(body->scheme->digest);
	bool is_hex = body->is_hex || (!body->scheme->salted && body->text.len == 2 * size);
	int n = is_hex ? password_decode_hex(body->text, out, room) : password_decode_base64(body->text, out, room);

	if (n < 0 || (size_t)n < size || (!body->scheme->salted && (size_t)n > size))
		return -1;
	return n;
}

/* Dovecot's {MD5} is mostly MD5-CRYPT. */
static bool
is_md5_crypt(const struct password_body *body)
{
	return body->scheme->digest == PASSWORD_MD5 && span_starts_nocase(body->text, SPAN("$1$"));
}

static void
inspect(const struct password_body *body, const struct password_limits *limits, struct password_value *out)
{
	enum password_digest digest = body->scheme->digest;
	unfilled uint8_t octets[PASSWORD_STORED_MAX];
	int n;

	if (is_md5_crypt(body)) {
		password_family_crypt.inspect(body, limits, out);
		return;
	}
	n = read_octets(body, octets, sizeof(octets));
	if (n < 0)
		return;
	OPENSSL_cleanse(octets, (size_t)n);
	out->weak = (size_t)n == password_digest_size(digest) || digest == PASSWORD_MD5 || digest == PASSWORD_MD4;
	out->kind = password_digest_of(digest) != NULL ? PASSWORD_VERIFIABLE : PASSWORD_UNKNOWN;
}

static int
verify(const struct password_body *body, struct span password)
{
	size_t size = password_digest_size(body->scheme->digest);
	unfilled uint8_t octets[PASSWORD_STORED_MAX];
	uint8_t computed[EVP_MAX_MD_SIZE];
	int n, r;

	if (is_md5_crypt(body))
		return password_family_crypt.verify(body, password);
	n = read_octets(body, octets, sizeof(octets));
	if (n < 0)
		return 0;
	r = digest_of(body->scheme->digest, password, octets + size, (size_t)n - size, computed);
	if (r == 0)
		r = CRYPTO_memcmp(computed, octets, size) == 0;
	OPENSSL_cleanse(computed, sizeof(computed));
	OPENSSL_cleanse(octets, (size_t)n);
	return r;
}

const struct password_family password_family_digest = { .inspect = inspect, .verify = verify, .takes_octets = true };

static void
put_utf16(uint8_t *out, size_t *len, uint32_t unit)
{
	out[(*len)++] = (uint8_t)unit;
	out[(*len)++] = (uint8_t)(unit >> 8);
}

/* Writes PASSWORD, which is UTF-8, as UTF-16LE. Returns the number of octets, at most twice those of PASSWORD; -1 when it is not UTF-8. */
static long
utf16_of(struct span password, uint8_t *out)
{
	size_t len = 0;

	for (size_t i = 0; i < password.len;) {
		unsigned char first = (unsigned char)password.data[i];
		int more = first < 0x80 ? 0 : first < 0xc2 ? -1 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : -1;
		uint32_t c = more <= 0 ? first : first & (0x3fU >> more);

		if (more < 0 || password.len - i <= (size_t)more)
			return -1;
		for (int k = 1; k <= more; k++) {
			unsigned char next = (unsigned char)password.data[i + k];

			if ((next & 0xc0) != 0x80)
				return -1;
			c = c << 6 | (next & 0x3f);
		}
		i += (size_t)more + 1;
		if ((more == 2 && c < 0x800) || (more == 3 && (c < 0x10000 || c > 0x10ffff)) || (c >= 0xd800 && c < 0xe000))
			return -1;
		if (c < 0x10000) {
			put_utf16(out, &len, c);
		} else {
			put_utf16(out, &len, 0xd800 + ((c - 0x10000) >> 10));
			put_utf16(out, &len, 0xdc00 + ((c - 0x10000) & 0x3ff));
		}
	}
	return (long)len;
}

static int
verify_nt(const struct password_body *body, struct span password)
{
	uint8_t *wide = OPENSSL_malloc(2 * password.len);
	long len;
	int r = 0;

	if (wide == NULL)
		return -ENOMEM;
	len = utf16_of(password, wide);
	if (len >= 0)
		r = verify(body, span_from(wide, (size_t)len));
	OPENSSL_clear_free(wide, 2 * password.len);
	return r;
}

const struct password_family password_family_nt = { .inspect = inspect, .verify = verify_nt, .takes_octets = true };
