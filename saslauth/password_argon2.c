/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * argon2 in its usual text form: $argon2id$v=19$m=65536,t=3,p=4$salt$hash. libargon2 could read it itself, but it allocates what the
 * text asks for before it has looked at all of it, and starts p threads.
 */
#include <config.h>

#include "saslauth/password_internal.h"

#include <argon2.h>
#include <errno.h>
#include <openssl/crypto.h>

/* Octets of the hash: with fewer, guessing would do. */
enum { KEY_MIN = 12 };

struct argon2_text {
	argon2_type type;
	uint32_t version, memory, passes, lanes;
	size_t salt_len, hash_len;
	uint8_t salt[256];
	uint8_t hash[256];
};

static const struct {
	struct span name;
	argon2_type type;
	const char *label;
} types[] = {
	{ { "argon2id", 8 }, Argon2_id, "ARGON2id" },
	{ { "argon2i", 7 }, Argon2_i, "ARGON2i" },
	{ { "argon2d", 7 }, Argon2_d, "ARGON2d" },
};

static const char *
label_of(argon2_type type)
{
	for (size_t i = 0; i < array_size(types); i++) {
		if (types[i].type == type)
			return types[i].label;
	}
	return "ARGON2";
}

/* NAME=number from *REST, up to SEPARATOR. */
static bool
read_parameter(struct span *rest, struct span name, char separator, uint32_t *out)
{
	struct span field;
	uint64_t number;

	if (!password_next_field(rest, separator, &field) || field.len < name.len || !span_is(span_from(field.data, name.len), name) ||
	    !password_read_number(span_skip(field, name.len), &number))
		return false;
	/* The largest number is beyond every limit. */
	*out = number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
	return true;
}

static bool
read_text(struct span text, struct argon2_text *out)
{
	bool has_type = false;
	struct span field;
	int n;

	if (!password_next_field(&text, '$', &field) || field.len > 0 || !password_next_field(&text, '$', &field))
		return false;
	for (size_t i = 0; i < array_size(types); i++) {
		if (span_is(field, types[i].name)) {
			out->type = types[i].type;
			has_type = true;
		}
	}
	if (!has_type)
		return false;

	/* Without a version it is the first one. */
	out->version = ARGON2_VERSION_10;
	if (span_starts_nocase(text, SPAN("v=")) && !read_parameter(&text, SPAN("v="), '$', &out->version))
		return false;
	if (out->version != ARGON2_VERSION_10 && out->version != ARGON2_VERSION_13)
		return false;
	if (!read_parameter(&text, SPAN("m="), ',', &out->memory) || !read_parameter(&text, SPAN("t="), ',', &out->passes) ||
	    !read_parameter(&text, SPAN("p="), '$', &out->lanes) || !password_next_field(&text, '$', &field))
		return false;
	n = password_decode_base64(field, out->salt, sizeof(out->salt));
	if (n < (int)ARGON2_MIN_SALT_LENGTH)
		return false;
	out->salt_len = (size_t)n;
	n = password_decode_base64(text, out->hash, sizeof(out->hash));
	if (n < KEY_MIN)
		return false;
	out->hash_len = (size_t)n;
	return out->passes >= ARGON2_MIN_TIME && out->lanes >= ARGON2_MIN_LANES && out->lanes <= ARGON2_MAX_LANES &&
	       out->memory >= 8 * (uint64_t)out->lanes;
}

static void
inspect(const struct password_body *body, const struct password_limits *limits, struct password_value *out)
{
	unfilled struct argon2_text text;

	if (read_text(body->text, &text)) {
		out->scheme = label_of(text.type);
		out->costly = true;
		out->memory = (uint64_t)text.memory << 10;
		password_settle(out, (uint64_t)text.memory * text.passes, limits->argon2_work, limits);
	}
	OPENSSL_cleanse(&text, sizeof(text));
}

static int
verify(const struct password_body *body, struct span password)
{
	unfilled struct argon2_text text;
	uint8_t computed[sizeof(text.hash)];
	argon2_context context;
	int r;

	if (!read_text(body->text, &text))
		return 0;
	context = (argon2_context){
		.out = computed,
		.outlen = (uint32_t)text.hash_len,
		.pwd = (uint8_t *)(uintptr_t)password.data,
		.pwdlen = (uint32_t)password.len,
		.salt = text.salt,
		.saltlen = (uint32_t)text.salt_len,
		.t_cost = text.passes,
		.m_cost = text.memory,
		.lanes = text.lanes,
		.threads = 1, /* the result is the same, and the caller has threads of its own */
		.version = text.version,
		.flags = ARGON2_DEFAULT_FLAGS, /* does not touch the password; the memory is wiped */
	};
	r = argon2_ctx(&context, text.type);
	if (r == ARGON2_OK)
		r = CRYPTO_memcmp(computed, text.hash, text.hash_len) == 0;
	else
		r = r == ARGON2_MEMORY_ALLOCATION_ERROR ? -ENOMEM : 0;
	OPENSSL_cleanse(computed, sizeof(computed));
	OPENSSL_cleanse(&text, sizeof(text));
	return r;
}

const struct password_family password_family_argon2 = { .inspect = inspect, .verify = verify };
