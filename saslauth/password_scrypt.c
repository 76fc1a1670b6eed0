/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * {SCRYPT}: either crypt(3)'s $7$, which libsodium and Pure-FTPd write too, or $scrypt$ln=16,r=8,p=1$salt$key, passlib's.
 */
#include <config.h>

#include "saslauth/password_internal.h"

#include <errno.h>
#include <openssl/crypto.h>

/* What everybody writes has 32 octets or more; a shorter key was cut off. */
enum { KEY_MIN = 32 };

struct scrypt_text {
	uint64_t log_n, r, p;
	size_t salt_len, key_len;
	uint8_t salt[256];
	uint8_t key[128];
};

static bool
read_parameter(struct span *rest, struct span name, char separator, uint64_t *out)
{
	struct span field;

	return password_next_field(rest, separator, &field) && field.len >= name.len &&
	       span_is(span_from(field.data, name.len), name) && password_read_number(span_skip(field, name.len), out) && *out > 0;
}

static bool
is_crypt(const struct password_body *body)
{
	return !span_starts_nocase(body->text, SPAN("$scrypt$"));
}

static bool
read_text(struct span text, struct scrypt_text *out)
{
	struct span salt;
	int n;

	text = span_skip(text, sizeof("$scrypt$") - 1);
	if (!read_parameter(&text, SPAN("ln="), ',', &out->log_n) || !read_parameter(&text, SPAN("r="), ',', &out->r) ||
	    !read_parameter(&text, SPAN("p="), '$', &out->p) || !password_next_field(&text, '$', &salt))
		return false;
	n = password_decode_base64(salt, out->salt, sizeof(out->salt));
	if (n < 0)
		return false;
	out->salt_len = (size_t)n;
	n = password_decode_base64(text, out->key, sizeof(out->key));
	if (n < KEY_MIN)
		return false;
	out->key_len = (size_t)n;
	return true;
}

static void
settle(const struct scrypt_text *text, const struct password_limits *limits, struct password_value *out)
{
	uint64_t n;

	out->costly = true;
	/* Larger ones are beyond any limit, and would overflow below; RFC 7914 has r * p < 2^30. */
	if (text->log_n > 30 || text->r > 1 << 20 || text->p > 1 << 20 || text->r * text->p >= 1 << 30) {
		out->kind = PASSWORD_TOO_COSTLY;
		return;
	}
	n = UINT64_C(1) << text->log_n;
	out->memory = 128 * text->r * (n + text->p + 2);
	password_settle(out, n * text->r * text->p, limits->scrypt_work, limits);
}

static void
inspect(const struct password_body *body, const struct password_limits *limits, struct password_value *out)
{
	unfilled struct scrypt_text text;

	if (is_crypt(body)) {
		if (span_starts_nocase(body->text, SPAN("$7$")))
			password_family_crypt.inspect(body, limits, out);
		return;
	}
	if (read_text(body->text, &text))
		settle(&text, limits, out);
	OPENSSL_cleanse(&text, sizeof(text));
}

static int
verify(const struct password_body *body, struct span password)
{
	unfilled struct scrypt_text text;
	uint8_t computed[sizeof(text.key)];
	int r;

	if (is_crypt(body))
		return password_family_crypt.verify(body, password);
	if (!read_text(body->text, &text))
		return 0;
	if (EVP_PBE_scrypt(password.data, password.len, text.salt, text.salt_len, UINT64_C(1) << text.log_n, text.r, text.p, UINT64_MAX,
			   computed, text.key_len) != 1)
		r = -ENOMEM;
	else
		r = CRYPTO_memcmp(computed, text.key, text.key_len) == 0;
	OPENSSL_cleanse(computed, sizeof(computed));
	OPENSSL_cleanse(&text, sizeof(text));
	return r;
}

const struct password_family password_family_scrypt = { .inspect = inspect, .verify = verify };
