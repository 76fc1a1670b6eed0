/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * PBKDF2 as several programs write it, and SCRAM, which is PBKDF2 and two digests.
 *
 *	{PBKDF2-SHA256}10000$salt$key         OpenLDAP, passlib, 389-DS: base64 with . for + or the usual one
 *	{PBKDF2}$1$salt$5000$key              Dovecot: the salt is text, the key hexadecimal
 *	{PBKDF2_SHA256}...                    389-DS before: base64 of 4 octets of iterations, 64 of salt, 256 of key
 *	{PKCS5S2}...                          Atlassian: base64 of 16 octets of salt, 32 of key; 10000 iterations
 *	{SCRAM-SHA-256}4096,salt,stored,server  Dovecot
 *	{SCRAM-SHA-256}4096:salt$stored:server  RFC 5803, PostgreSQL (with SCRAM-SHA-256$ in front)
 */
#include <config.h>

#include "saslauth/password_internal.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>

enum { SALT_MAX = 512, KEY_MAX = 512 };

struct derived {
	uint64_t iterations;
	size_t salt_len, key_len;
	uint8_t salt[SALT_MAX];
	uint8_t key[KEY_MAX]; /* what the derived key must be; of SCRAM the stored key */
};

static bool
read_base64(struct span text, uint8_t *out, size_t room, size_t *out_len)
{
	int n = password_decode_base64(text, out, room);

	*out_len = n > 0 ? (size_t)n : 0;
	return n >= 0;
}

/* The time of one block is that of the iterations; longer keys have several. */
static void
settle(const struct password_body *body, const struct derived *derived, size_t key_len, const struct password_limits *limits,
       struct password_value *out)
{
	size_t size = password_digest_size(body->scheme->digest);
	uint64_t blocks = (key_len + size - 1) / size;

	out->costly = derived->iterations > PASSWORD_COSTLY_ROUNDS;
	/* OpenSSL counts iterations in an int. */
	if (derived->iterations > INT_MAX / 64)
		out->kind = PASSWORD_TOO_COSTLY;
	else
		password_settle(out, derived->iterations * blocks, limits->pbkdf2_iterations, limits);
	if (out->kind == PASSWORD_VERIFIABLE && password_digest_of(body->scheme->digest) == NULL)
		out->kind = PASSWORD_UNKNOWN;
}

static int
derive(const struct password_body *body, const struct derived *derived, struct span password, uint8_t *out, size_t len)
{
	if (PKCS5_PBKDF2_HMAC(password.data, (int)password.len, derived->salt, (int)derived->salt_len, (int)derived->iterations,
			      password_digest_of(body->scheme->digest), (int)len, out) != 1)
		return -ENOMEM;
	return 0;
}

static int
verify_derived(const struct password_body *body, const struct derived *derived, struct span password)
{
	uint8_t computed[KEY_MAX];
	int r = derive(body, derived, password, computed, derived->key_len);

	if (r == 0)
		r = CRYPTO_memcmp(computed, derived->key, derived->key_len) == 0;
	OPENSSL_cleanse(computed, sizeof(computed));
	return r;
}

static bool
read_dovecot(struct span text, struct derived *out)
{
	struct span salt, rounds;
	int n;

	text = span_skip(text, 3);
	if (!password_next_field(&text, '$', &salt) || salt.len > sizeof(out->salt) || !password_next_field(&text, '$', &rounds) ||
	    !password_read_number(rounds, &out->iterations))
		return false;
	memcpy(out->salt, salt.data, salt.len);
	out->salt_len = salt.len;
	n = password_decode_hex(text, out->key, sizeof(out->key));
	out->key_len = n > 0 ? (size_t)n : 0;
	return n > 0;
}

static bool
read_blob(struct span text, struct derived *out)
{
	enum { ITERATIONS = 4, SALT = 64, KEY = 256 };
	uint8_t octets[ITERATIONS + SALT + KEY];

	if (password_decode_base64(text, octets, sizeof(octets)) != (int)sizeof(octets))
		return false;
	out->iterations = (uint64_t)octets[0] << 24 | (uint64_t)octets[1] << 16 | (uint64_t)octets[2] << 8 | octets[3];
	out->salt_len = SALT;
	memcpy(out->salt, octets + ITERATIONS, SALT);
	out->key_len = KEY;
	memcpy(out->key, octets + ITERATIONS + SALT, KEY);
	return true;
}

static bool
read_fields(struct span text, struct derived *out)
{
	struct span number, salt;

	return password_next_field(&text, '$', &number) && password_read_number(number, &out->iterations) &&
	       password_next_field(&text, '$', &salt) && read_base64(salt, out->salt, sizeof(out->salt), &out->salt_len) &&
	       read_base64(text, out->key, sizeof(out->key), &out->key_len);
}

static bool
read_pbkdf2(const struct password_body *body, struct derived *out)
{
	bool is_read;

	if (span_starts_nocase(body->text, SPAN("$1$")))
		is_read = body->scheme->digest == PASSWORD_SHA1 && read_dovecot(body->text, out);
	else if (memchr(body->text.data, '$', body->text.len) == NULL)
		is_read = body->scheme->digest == PASSWORD_SHA256 && read_blob(body->text, out);
	else
		is_read = read_fields(body->text, out);
	/* A shorter key would match too, with less certainty: it was cut off. */
	return is_read && out->iterations > 0 && out->key_len >= password_digest_size(body->scheme->digest);
}

static void
inspect_pbkdf2(const struct password_body *body, const struct password_limits *limits, struct password_value *out)
{
	unfilled struct derived derived;

	if (read_pbkdf2(body, &derived))
		settle(body, &derived, derived.key_len, limits, out);
	OPENSSL_cleanse(&derived, sizeof(derived));
}

static int
verify_pbkdf2(const struct password_body *body, struct span password)
{
	unfilled struct derived derived;
	int r = read_pbkdf2(body, &derived) ? verify_derived(body, &derived, password) : 0;

	OPENSSL_cleanse(&derived, sizeof(derived));
	return r;
}

const struct password_family password_family_pbkdf2 = { .inspect = inspect_pbkdf2, .verify = verify_pbkdf2 };

static bool
read_pkcs5s2(const struct password_body *body, struct derived *out)
{
	enum { SALT = 16, KEY = 32 };
	uint8_t octets[SALT + KEY];

	if (password_decode_base64(body->text, octets, sizeof(octets)) != (int)sizeof(octets))
		return false;
	out->iterations = 10000;
	out->salt_len = SALT;
	memcpy(out->salt, octets, SALT);
	out->key_len = KEY;
	memcpy(out->key, octets + SALT, KEY);
	return true;
}

static void
inspect_pkcs5s2(const struct password_body *body, const struct password_limits *limits, struct password_value *out)
{
	unfilled struct derived derived;

	if (read_pkcs5s2(body, &derived))
		settle(body, &derived, derived.key_len, limits, out);
	OPENSSL_cleanse(&derived, sizeof(derived));
}

static int
verify_pkcs5s2(const struct password_body *body, struct span password)
{
	unfilled struct derived derived;
	int r = read_pkcs5s2(body, &derived) ? verify_derived(body, &derived, password) : 0;

	OPENSSL_cleanse(&derived, sizeof(derived));
	return r;
}

const struct password_family password_family_pkcs5s2 = { .inspect = inspect_pkcs5s2, .verify = verify_pkcs5s2 };

/* The separators are , three times, or : $ and : */
static bool
read_scram(const struct password_body *body, struct derived *out)
{
	size_t size = password_digest_size(body->scheme->digest);
	struct span text = body->text;
	struct span name = span_of(body->scheme->name);
	struct span number, salt, stored;
	uint8_t server[EVP_MAX_MD_SIZE];
	size_t server_len;
	bool has_commas;

	if (span_starts_nocase(text, name) && text.len > name.len && text.data[name.len] == '$')
		text = span_skip(text, name.len + 1);
	has_commas = memchr(text.data, ',', text.len) != NULL;
	return password_next_field(&text, has_commas ? ',' : ':', &number) && password_read_number(number, &out->iterations) &&
	       out->iterations > 0 && password_next_field(&text, has_commas ? ',' : '$', &salt) &&
	       read_base64(salt, out->salt, sizeof(out->salt), &out->salt_len) &&
	       password_next_field(&text, has_commas ? ',' : ':', &stored) &&
	       read_base64(stored, out->key, sizeof(out->key), &out->key_len) && out->key_len == size &&
	       read_base64(text, server, sizeof(server), &server_len) && server_len == size;
}

static void
inspect_scram(const struct password_body *body, const struct password_limits *limits, struct password_value *out)
{
	unfilled struct derived derived;

	if (read_scram(body, &derived))
		settle(body, &derived, derived.key_len, limits, out);
	OPENSSL_cleanse(&derived, sizeof(derived));
}

/* H(HMAC(derived key, "Client Key")), RFC 5802. */
static int
verify_scram(const struct password_body *body, struct span password)
{
	static const uint8_t words[] = "Client Key";
	const EVP_MD *md = password_digest_of(body->scheme->digest);
	size_t size = password_digest_size(body->scheme->digest);
	unfilled struct derived derived;
	uint8_t salted[EVP_MAX_MD_SIZE], client[EVP_MAX_MD_SIZE], computed[EVP_MAX_MD_SIZE];
	int r;

	if (!read_scram(body, &derived))
		return 0;
	r = derive(body, &derived, password, salted, size);
	if (r == 0 && (HMAC(md, salted, (int)size, words, sizeof(words) - 1, client, NULL) == NULL ||
		       EVP_Digest(client, size, computed, NULL, md, NULL) != 1))
		r = -ENOMEM;
	if (r == 0)
		r = CRYPTO_memcmp(computed, derived.key, size) == 0;
	OPENSSL_cleanse(salted, sizeof(salted));
	OPENSSL_cleanse(client, sizeof(client));
	OPENSSL_cleanse(&derived, sizeof(derived));
	OPENSSL_cleanse(computed, sizeof(computed));
	return r;
}

const struct password_family password_family_scram = { .inspect = inspect_scram, .verify = verify_scram };
