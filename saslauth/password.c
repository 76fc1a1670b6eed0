/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The schemes and their tags, and what is the same for all of them. A scheme is a row of schemes[]; a family of its own
 * has a file of its own.
 */
#include <config.h>

#include "saslauth/password_internal.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

const struct password_limits password_limits_default = {
	.allow_clear = false,
	.password_max = 4096,
	.memory_max = UINT64_C(288) << 20, /* 256 MiB of argon2 or scrypt, and what they need besides */
	.bcrypt_cost = 14,
	.sha_crypt_rounds = 1000000,
	.sha1_crypt_rounds = 1000000,
	.sun_md5_rounds = 500000,
	.des_rounds = 5000000,
	.pbkdf2_iterations = 2000000,
	.argon2_work = UINT64_C(1) << 20,
	.scrypt_work = UINT64_C(1) << 22,
};

/* The usual ones first: the tag is looked for from the beginning. */
static const struct password_scheme schemes[] = {
	{ "SSHA", "SSHA", .family = &password_family_digest, .digest = PASSWORD_SHA1, .salted = true },
	{ "CRYPT", "CRYPT", .family = &password_family_crypt },
	{ "SHA", "SHA", .family = &password_family_digest, .digest = PASSWORD_SHA1 },
	{ "MD5", "MD5", .family = &password_family_digest, .digest = PASSWORD_MD5 },
	{ "SMD5", "SMD5", .family = &password_family_digest, .digest = PASSWORD_MD5, .salted = true },
	{ "SSHA256", "SSHA256", .family = &password_family_digest, .digest = PASSWORD_SHA256, .salted = true },
	{ "SSHA512", "SSHA512", .family = &password_family_digest, .digest = PASSWORD_SHA512, .salted = true },
	{ "SSHA384", "SSHA384", .family = &password_family_digest, .digest = PASSWORD_SHA384, .salted = true },
	{ "SHA1", "SHA", .family = &password_family_digest, .digest = PASSWORD_SHA1 },
	{ "SHA256", "SHA256", .family = &password_family_digest, .digest = PASSWORD_SHA256 },
	{ "SHA384", "SHA384", .family = &password_family_digest, .digest = PASSWORD_SHA384 },
	{ "SHA512", "SHA512", .family = &password_family_digest, .digest = PASSWORD_SHA512 },
	{ "LDAP-MD5", "MD5", .family = &password_family_digest, .digest = PASSWORD_MD5 },
	{ "PLAIN-MD5", "MD5", .family = &password_family_digest, .digest = PASSWORD_MD5 },
	{ "PLAIN-MD4", "MD4", .family = &password_family_digest, .digest = PASSWORD_MD4 },
	{ "NT", "NT", .family = &password_family_nt, .digest = PASSWORD_MD4 },
	{ "NTLM", "NT", .family = &password_family_nt, .digest = PASSWORD_MD4 },

	{ "ARGON2", "ARGON2", .family = &password_family_argon2 },
	{ "ARGON2I", "ARGON2", .family = &password_family_argon2 },
	{ "ARGON2D", "ARGON2", .family = &password_family_argon2 },
	{ "ARGON2ID", "ARGON2", .family = &password_family_argon2 },
	{ "PBKDF2", "PBKDF2-SHA1", .family = &password_family_pbkdf2, .digest = PASSWORD_SHA1 },
	{ "PBKDF2-SHA1", "PBKDF2-SHA1", .family = &password_family_pbkdf2, .digest = PASSWORD_SHA1 },
	{ "PBKDF2-SHA256", "PBKDF2-SHA256", .family = &password_family_pbkdf2, .digest = PASSWORD_SHA256 },
	{ "PBKDF2-SHA512", "PBKDF2-SHA512", .family = &password_family_pbkdf2, .digest = PASSWORD_SHA512 },
	{ "PBKDF2_SHA1", "PBKDF2-SHA1", .family = &password_family_pbkdf2, .digest = PASSWORD_SHA1 },
	{ "PBKDF2_SHA256", "PBKDF2-SHA256", .family = &password_family_pbkdf2, .digest = PASSWORD_SHA256 },
	{ "PBKDF2_SHA512", "PBKDF2-SHA512", .family = &password_family_pbkdf2, .digest = PASSWORD_SHA512 },
	{ "PKCS5S2", "PBKDF2-SHA1", .family = &password_family_pkcs5s2, .digest = PASSWORD_SHA1 },
	{ "SCRYPT", "SCRYPT", .family = &password_family_scrypt },
	{ "SCRAM-SHA-1", "SCRAM-SHA-1", .family = &password_family_scram, .digest = PASSWORD_SHA1 },
	{ "SCRAM-SHA-256", "SCRAM-SHA-256", .family = &password_family_scram, .digest = PASSWORD_SHA256 },
	{ "SCRAM-SHA-512", "SCRAM-SHA-512", .family = &password_family_scram, .digest = PASSWORD_SHA512 },

	/* Which method it is, the value itself says. */
	{ "BLF-CRYPT", "CRYPT", .family = &password_family_crypt },
	{ "BCRYPT", "CRYPT", .family = &password_family_crypt },
	{ "SHA512-CRYPT", "CRYPT", .family = &password_family_crypt },
	{ "SHA256-CRYPT", "CRYPT", .family = &password_family_crypt },
	{ "MD5-CRYPT", "CRYPT", .family = &password_family_crypt },
	{ "DES-CRYPT", "CRYPT", .family = &password_family_crypt },
	{ "CRYPT-SHA512", "CRYPT", .family = &password_family_crypt },
	{ "CRYPT-SHA256", "CRYPT", .family = &password_family_crypt },
	{ "CRYPT-MD5", "CRYPT", .family = &password_family_crypt },
	{ "GOST_YESCRYPT", "CRYPT", .family = &password_family_crypt },

	{ "CLEARTEXT", "clear text", .family = &password_family_clear },
	{ "CLEAR", "clear text", .family = &password_family_clear },
	{ "PLAIN", "clear text", .family = &password_family_clear },

	{ "SASL", "SASL", .kind = PASSWORD_DELEGATED },
	{ "KERBEROS", "KERBEROS", .kind = PASSWORD_DELEGATED },
	{ "UNIX", "UNIX", .kind = PASSWORD_DELEGATED },
	{ "OPENLDAP", "OPENLDAP", .kind = PASSWORD_DELEGATED },
	{ "RADIUS", "RADIUS", .kind = PASSWORD_DELEGATED },
	{ "K5KEY", "K5KEY", .kind = PASSWORD_DELEGATED },

	/* Known by name, so that a log can say it. */
	{ "LANMAN", "LANMAN", .kind = PASSWORD_UNKNOWN },
	{ "LM", "LANMAN", .kind = PASSWORD_UNKNOWN },
	{ "CRAM-MD5", "CRAM-MD5", .kind = PASSWORD_UNKNOWN },
	{ "HMAC-MD5", "CRAM-MD5", .kind = PASSWORD_UNKNOWN },
	{ "DIGEST-MD5", "DIGEST-MD5", .kind = PASSWORD_UNKNOWN },
	{ "OTP", "OTP", .kind = PASSWORD_UNKNOWN },
};

static const struct password_scheme none = { "", "no password", .kind = PASSWORD_NONE };
static const struct password_scheme locked = { "", "no tag", .kind = PASSWORD_LOCKED };
static const struct password_scheme no_tag = { "", "clear text", .family = &password_family_clear };
static const struct password_scheme hash_without_tag = { "", "a hash without a tag", .kind = PASSWORD_UNKNOWN };
static const struct password_scheme unknown = { "", "unknown scheme", .kind = PASSWORD_UNKNOWN };

/* How the octets of a value are written, when the tag says it. */
enum encoding { ENCODING_USUAL, ENCODING_BASE64, ENCODING_HEX };

static const struct {
	struct span suffix;
	enum encoding encoding;
} suffixes[] = {
	{ { ".HEX", 4 }, ENCODING_HEX },
	{ { ".B64", 4 }, ENCODING_BASE64 },
	{ { ".BASE64", 7 }, ENCODING_BASE64 },
};

/* A stored value, taken apart; text that had to be decoded stands in own. */
struct reading {
	struct password_body body;
	size_t own_len;
	uint8_t own[PASSWORD_STORED_MAX];
};

const char *
password_kind_name(enum password_kind kind)
{
	static const char *const names[] = {
		[PASSWORD_VERIFIABLE] = "verifiable", [PASSWORD_DELEGATED] = "checked elsewhere",
		[PASSWORD_LOCKED] = "locked",         [PASSWORD_NONE] = "no password set",
		[PASSWORD_CLEAR_REFUSED] = "clear text, which is not allowed",
		[PASSWORD_UNKNOWN] = "unknown scheme", [PASSWORD_MALFORMED] = "malformed",
		[PASSWORD_TOO_COSTLY] = "too costly",
	};

	return (size_t)kind < array_size(names) ? names[kind] : "unknown";
}

static const struct password_scheme *
scheme_of(struct span tag)
{
	for (size_t i = 0; i < array_size(schemes); i++) {
		if (span_is_nocase(tag, span_of(schemes[i].tag)))
			return &schemes[i];
	}
	return NULL;
}

/* Whether text without a tag looks like what a tag was forgotten for: it would otherwise be a password that everybody knows who
 * has seen the hash. */
static bool
looks_like_a_hash(struct span s)
{
	static const struct span beginnings[] = {
		{ "$1$", 3 },   { "$2", 2 },       { "$3$", 3 },      { "$5$", 3 },    { "$6$", 3 },     { "$7$", 3 },
		{ "$y$", 3 },   { "$gy$", 4 },     { "$md5", 4 },     { "$sha1$", 6 }, { "$sm3", 4 },    { "$apr1$", 6 },
		{ "$argon", 6 }, { "$scrypt$", 8 }, { "$pbkdf2", 7 }, { "SCRAM-SHA-", 10 }, { "pbkdf2_", 7 },
	};

	if (s.len > 0 && s.data[0] == '{')
		return memchr(s.data, '}', s.len) != NULL;
	for (size_t i = 0; i < array_size(beginnings); i++) {
		if (s.len > beginnings[i].len + 8 && span_starts_nocase(s, beginnings[i]))
			return true;
	}
	return false;
}

/* What a value without a tag is. */
static const struct password_scheme *
untagged(struct span stored)
{
	struct span text = span_trim(stored);

	if (text.len == 0 || span_is_nocase(text, SPAN("noEntry")))
		return &none;
	if (text.data[0] == '!' || text.data[0] == '*')
		return &locked;
	if (looks_like_a_hash(text))
		return &hash_without_tag;
	return &no_tag;
}

/* Splits the suffix off *TAG. */
static enum encoding
encoding_of(struct span *tag)
{
	for (size_t i = 0; i < array_size(suffixes); i++) {
		if (span_ends_nocase(*tag, suffixes[i].suffix)) {
			tag->len -= suffixes[i].suffix.len;
			return suffixes[i].encoding;
		}
	}
	return ENCODING_USUAL;
}

/* Undoes what ENCODING says, unless the family does that. False when the text is not so encoded. */
static bool
decode_text(struct reading *reading, enum encoding encoding)
{
	struct span text = span_trim(reading->body.text);
	int n;

	if (encoding == ENCODING_USUAL)
		return true;
	if (reading->body.scheme->family->takes_octets) {
		reading->body.is_hex = encoding == ENCODING_HEX;
		return true;
	}
	if (encoding == ENCODING_HEX)
		n = password_decode_hex(text, reading->own, sizeof(reading->own));
	else
		n = password_decode_base64(text, reading->own, sizeof(reading->own));
	if (n < 0)
		return false;
	reading->own_len = (size_t)n;
	reading->body.text = span_from(reading->own, reading->own_len);
	return true;
}

static bool
is_lock(struct span text)
{
	return text.len > 0 && (text.data[0] == '!' || text.data[0] == '*');
}

/* Takes STORED apart; the kind is settled unless it is PASSWORD_VERIFIABLE, which means: ask the family. */
static enum password_kind
read_value(struct span stored, struct reading *out)
{
	enum encoding encoding = ENCODING_USUAL;
	const struct password_scheme *scheme;
	struct span tag;
	const char *end;

	out->own_len = 0;
	out->body.is_hex = false;
	out->body.text = stored;
	out->body.scheme = &unknown;
	if (stored.len > PASSWORD_STORED_MAX)
		return PASSWORD_MALFORMED;
	end = stored.len > 0 && stored.data[0] == '{' ? memchr(stored.data, '}', stored.len) : NULL;
	if (end == NULL) {
		out->body.scheme = untagged(stored);
		return out->body.scheme->family != NULL ? PASSWORD_VERIFIABLE : out->body.scheme->kind;
	}

	tag = span_from(stored.data + 1, (size_t)(end - stored.data) - 1);
	out->body.text = span_skip(stored, tag.len + 2);
	/* {OPENLDAP remoteauth} says more behind a blank. */
	scheme = scheme_of(tag);
	if (scheme == NULL && tag.len > 0 && memchr(tag.data, ' ', tag.len) != NULL) {
		struct span rest = tag;
		struct span word;

		if (span_next_word(&rest, &word) && (scheme = scheme_of(word)) != NULL && scheme->kind != PASSWORD_DELEGATED)
			scheme = NULL;
	}
	if (scheme == NULL) {
		encoding = encoding_of(&tag);
		scheme = encoding != ENCODING_USUAL ? scheme_of(tag) : NULL;
	}
	if (scheme == NULL)
		return PASSWORD_UNKNOWN;
	out->body.scheme = scheme;
	if (scheme->family == NULL)
		return scheme->kind;
	if (!decode_text(out, encoding))
		return PASSWORD_MALFORMED;
	if (scheme->family->is_clear)
		return PASSWORD_VERIFIABLE;
	out->body.text = span_trim(out->body.text);
	if (out->body.text.len == 0)
		return PASSWORD_NONE;
	return is_lock(out->body.text) ? PASSWORD_LOCKED : PASSWORD_VERIFIABLE;
}

static void
inspect_reading(const struct reading *reading, enum password_kind kind, const struct password_limits *limits,
		struct password_value *out)
{
	*out = (struct password_value){ .kind = kind, .scheme = reading->body.scheme->name };
	if (kind == PASSWORD_VERIFIABLE) {
		out->kind = PASSWORD_MALFORMED;
		reading->body.scheme->family->inspect(&reading->body, limits, out);
	}
}

void
password_inspect(struct span stored, const struct password_limits *limits, struct password_value *out_value)
{
	unfilled struct reading reading;
	enum password_kind kind = read_value(stored, &reading);

	if (limits == NULL)
		limits = &password_limits_default;
	inspect_reading(&reading, kind, limits, out_value);
	OPENSSL_cleanse(reading.own, reading.own_len);
}

/* COSTLY: also what is. */
static int
verify(struct span stored, struct span password, const struct password_limits *limits, bool costly, struct password_value *out_value)
{
	unfilled struct reading reading;
	enum password_kind kind;
	int r = 0;

	if (limits == NULL)
		limits = &password_limits_default;
	kind = read_value(stored, &reading);
	inspect_reading(&reading, kind, limits, out_value);
	/* The libraries count in ints. */
	if (out_value->kind == PASSWORD_VERIFIABLE && (costly || !out_value->costly) && password.len > 0 &&
	    password.len <= limits->password_max && password.len <= PASSWORD_OCTETS_MAX)
		r = reading.body.scheme->family->verify(&reading.body, password);
	OPENSSL_cleanse(reading.own, reading.own_len);
	return r;
}

int
password_verify(struct span stored, struct span password, const struct password_limits *limits)
{
	struct password_value value;

	return verify(stored, password, limits, true, &value);
}

int
password_verify_cheap(struct span stored, struct span password, const struct password_limits *limits, struct password_value *out_value)
{
	return verify(stored, password, limits, false, out_value);
}

int
password_dummy(struct span stored, struct span password, const struct password_limits *limits)
{
	int r = password_verify(stored, password, limits);

	return r < 0 ? r : 0;
}

bool
password_equal(struct span a, struct span b)
{
	/* volatile: the compiler may not stop at the first difference. */
	volatile unsigned char difference = a.len != b.len;

	for (size_t i = 0; i < b.len; i++)
		difference |= (unsigned char)((a.len > 0 ? a.data[i % a.len] : 0) ^ b.data[i]);
	return difference == 0;
}

bool
password_next_field(struct span *rest, char separator, struct span *out_field)
{
	const char *end = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;

	if (end == NULL)
		return false;
	*out_field = span_from(rest->data, (size_t)(end - rest->data));
	*rest = span_skip(*rest, out_field->len + 1);
	return true;
}

bool
password_read_number(struct span s, uint64_t *out_number)
{
	const uint64_t max = UINT64_C(1) << 63;
	int r;

	if (s.len == 0 || (s.len > 1 && s.data[0] == '0'))
		return false;
	r = span_to_u64(s, max, out_number);
	if (r == -ERANGE)
		*out_number = max;
	return r == 0 || r == -ERANGE;
}

void
password_settle(struct password_value *out, uint64_t cost, uint64_t cost_max, const struct password_limits *limits)
{
	out->cost = cost;
	out->kind = cost <= cost_max && out->memory <= limits->memory_max ? PASSWORD_VERIFIABLE : PASSWORD_TOO_COSTLY;
}

static void
inspect_clear(const struct password_body *body, const struct password_limits *limits, struct password_value *out)
{
	out->weak = true;
	if (body->text.len == 0)
		out->kind = PASSWORD_NONE;
	else
		out->kind = limits->allow_clear ? PASSWORD_VERIFIABLE : PASSWORD_CLEAR_REFUSED;
}

static int
verify_clear(const struct password_body *body, struct span password)
{
	return password_equal(body->text, password);
}

const struct password_family password_family_clear = {
	.inspect = inspect_clear,
	.verify = verify_clear,
	.is_clear = true,
};
