/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What crypt(3) of libxcrypt knows. The library computes; here stands what a value of each method looks like and what it costs,
 * since the library takes any cost that it is told. See crypt(5).
 */
#include <config.h>

#include "saslauth/password_internal.h"

#include <crypt.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/mman.h>

/* A method reads what stands between its prefix and the hash (for DES all of it), sets out->memory, and settles the verdict. It
 * leaves PASSWORD_MALFORMED where that is no value of the method. */
struct method {
	struct span prefix;
	const char *name;
	const char *probe; /* a setting of the method, to ask the library whether it can do it */
	size_t hash_len;   /* characters of the hash behind the last $; 0 where the method looks itself */
	void (*read)(struct span settings, const struct password_limits *limits, struct password_value *out);
	bool weak;
	bool cheap;
};

/* The value of a digit of crypt's base64, -1 for any other octet. */
static int
digit(char c)
{
	if (c == '.' || c == '/')
		return c - '.';
	if (c >= '0' && c <= '9')
		return c - '0' + 2;
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 12;
	return c >= 'a' && c <= 'z' ? c - 'a' + 38 : -1;
}

static bool
are_digits(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (digit(s.data[i]) < 0)
			return false;
	}
	return true;
}

/* The longer forms are those of "bigcrypt": eleven characters for each further eight of the password. */
static void
read_des(struct span text, const struct password_limits *limits, struct password_value *out)
{
	enum { SEGMENT = 11, SEGMENTS_MAX = 16 };

	if (text.len >= 13 && (text.len - 2) % SEGMENT == 0 && (text.len - 2) / SEGMENT <= SEGMENTS_MAX && are_digits(text))
		password_settle(out, 0, 0, limits);
}

/* _ and four digits of rounds, the least first, four of salt, eleven of hash. */
static void
read_extended_des(struct span text, const struct password_limits *limits, struct password_value *out)
{
	uint64_t rounds = 0;

	if (text.len != 19 || !are_digits(text))
		return;
	for (int i = 3; i >= 0; i--)
		rounds = rounds << 6 | (uint64_t)digit(text.data[i]);
	if (rounds > 0)
		password_settle(out, rounds, limits->des_rounds, limits);
}

static void
read_md5(struct span settings, const struct password_limits *limits, struct password_value *out)
{
	if (memchr(settings.data, '$', settings.len) == NULL)
		password_settle(out, 0, 0, limits);
}

/* [rounds=N$]salt */
static void
read_sha(struct span settings, const struct password_limits *limits, struct password_value *out)
{
	const struct span word = SPAN("rounds=");
	uint64_t rounds = 5000;

	if (span_starts_nocase(settings, word)) {
		struct span number;

		settings = span_skip(settings, word.len);
		if (!password_next_field(&settings, '$', &number) || !password_read_number(number, &rounds))
			return;
	}
	if (settings.len == 0 || memchr(settings.data, '$', settings.len) == NULL)
		password_settle(out, rounds, limits->sha_crypt_rounds, limits);
}

/* NN$ and 22 digits of salt, 31 of hash. */
static void
read_bcrypt(struct span text, const struct password_limits *limits, struct password_value *out)
{
	uint64_t cost = 0;

	if (text.len != 56 || text.data[2] != '$' || span_to_u64(span_from(text.data, 2), 31, &cost) < 0 || cost < 4 ||
	    !are_digits(span_skip(text, 3)))
		return;
	password_settle(out, cost, limits->bcrypt_cost, limits);
}

/* N$salt */
static void
read_sha1(struct span settings, const struct password_limits *limits, struct password_value *out)
{
	struct span number;
	uint64_t rounds;

	if (!password_next_field(&settings, '$', &number) || !password_read_number(number, &rounds) || settings.len == 0)
		return;
	password_settle(out, rounds, limits->sha1_crypt_rounds, limits);
}

/* $salt[$] or ,rounds=N$salt[$]: N are added to 4096. */
static void
read_sun_md5(struct span settings, const struct password_limits *limits, struct password_value *out)
{
	const struct span word = SPAN(",rounds=");
	uint64_t rounds = 0;
	struct span before;

	if (span_starts_nocase(settings, word)) {
		settings = span_skip(settings, word.len);
		if (!password_next_field(&settings, '$', &before) || !password_read_number(before, &rounds))
			return;
	} else if (!password_next_field(&settings, '$', &before) || before.len > 0) {
		return;
	}
	password_settle(out, 4096 + rounds, limits->sun_md5_rounds, limits);
}

static void
read_nt(struct span text, const struct password_limits *limits, struct password_value *out)
{
	uint8_t octets[16];

	if (text.len == 33 && text.data[0] == '$' &&
	    password_decode_hex(span_skip(text, 1), octets, sizeof(octets)) == (int)sizeof(octets))
		password_settle(out, 0, 0, limits);
}

/* The product, or the largest number. */
static uint64_t
times(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* The work and memory of scrypt with 2^LOG_N, r and p, gone through PASSES times. */
static void
settle_scrypt(uint32_t log_n, uint64_t r, uint64_t p, uint64_t passes, const struct password_limits *limits,
	      struct password_value *out)
{
	uint64_t n = UINT64_C(1) << log_n;
	uint64_t large = times(times(n, r), 128);
	uint64_t lanes = times(times(r, p), 128);

	out->memory = large > UINT64_MAX / 4 || lanes > UINT64_MAX / 4 ? UINT64_MAX : large + lanes + r * 256 + (64 << 10);
	password_settle(out, times(times(times(n, r), p), passes), limits->scrypt_work, limits);
}

/* Five digits, the least first. */
static uint64_t
thirty_bits(const char *s)
{
	uint64_t number = 0;

	for (int i = 4; i >= 0; i--)
		number = number << 6 | (uint64_t)digit(s[i]);
	return number;
}

/* One digit of log2 N, five of r, five of p, salt. */
static void
read_scrypt(struct span settings, const struct password_limits *limits, struct password_value *out)
{
	uint64_t r, p;
	int log_n;

	if (settings.len < 11 || !are_digits(span_from(settings.data, 11)))
		return;
	log_n = digit(settings.data[0]);
	r = thirty_bits(settings.data + 1);
	p = thirty_bits(settings.data + 6);
	if (log_n >= 1 && r > 0 && p > 0)
		settle_scrypt((uint32_t)log_n, r, p, 1, limits, out);
}

/* A number of yescrypt's: the first digit also says how many follow, and 0 stands for LEAST. */
static bool
variable_number(struct span *rest, uint64_t least, uint64_t *out)
{
	uint64_t number = least;
	int start = 0, end = 47, bits = 0, more = 0;
	int c = rest->len > 0 ? digit(rest->data[0]) : -1;

	if (c < 0)
		return false;
	while (c > end) {
		number += (uint64_t)(end + 1 - start) << bits;
		start = end + 1;
		end = start + (62 - end) / 2;
		more++;
		bits += 6;
	}
	number += (uint64_t)(c - start) << bits;
	*rest = span_skip(*rest, 1);
	for (; more > 0; more--) {
		c = rest->len > 0 ? digit(rest->data[0]) : -1;
		if (c < 0)
			return false;
		bits -= 6;
		number += (uint64_t)c << bits;
		*rest = span_skip(*rest, 1);
	}
	*out = number;
	return true;
}

/* The flavour that everybody writes, j; 0 and 1 are plain scrypt and a little more than that. */
enum { YESCRYPT_USUAL = 47 };

/* flavour, log2 N, r and, where they are not the usual ones, which of p, t, g and a ROM follow; then salt. */
static void
read_yescrypt(struct span settings, const struct password_limits *limits, struct password_value *out)
{
	uint64_t flavour, log_n, r, which = 0, p = 1, t = 0;
	struct span numbers;

	if (!password_next_field(&settings, '$', &numbers) || !are_digits(settings))
		return;
	if (!variable_number(&numbers, 0, &flavour) || !variable_number(&numbers, 1, &log_n) || !variable_number(&numbers, 1, &r))
		return;
	if (numbers.len > 0) {
		if (!variable_number(&numbers, 1, &which) || ((which & 1) != 0 && !variable_number(&numbers, 2, &p)) ||
		    ((which & 2) != 0 && !variable_number(&numbers, 1, &t)))
			return;
	}
	if (log_n > 63)
		return;
	if ((flavour > 1 && flavour != YESCRYPT_USUAL) || (which & ~UINT64_C(3)) != 0) {
		/* An upgraded hash, one that needs a file of many gigabytes, another inner working: libxcrypt has none of them. */
		out->kind = PASSWORD_UNKNOWN;
		return;
	}
	if (numbers.len == 0)
		settle_scrypt((uint32_t)log_n, r, p, t < 2 ? t + 1 : 2 * t, limits, out);
}

static const struct method methods[] = {
	{ { "$6$", 3 }, "CRYPT sha512", "$6$", 86, .read = read_sha },
	{ { "$5$", 3 }, "CRYPT sha256", "$5$", 43, .read = read_sha },
	{ { "$1$", 3 }, "CRYPT md5", "$1$", 22, .read = read_md5, .weak = true },
	{ { "$2b$", 4 }, "CRYPT bcrypt", "$2b$05$......................", 0, .read = read_bcrypt },
	{ { "$2y$", 4 }, "CRYPT bcrypt", "$2y$05$......................", 0, .read = read_bcrypt },
	{ { "$2a$", 4 }, "CRYPT bcrypt", "$2a$05$......................", 0, .read = read_bcrypt },
	{ { "$2x$", 4 }, "CRYPT bcrypt", "$2x$05$......................", 0, .read = read_bcrypt },
	{ { "$y$", 3 }, "CRYPT yescrypt", "$y$j9T$.", 43, .read = read_yescrypt },
	{ { "$gy$", 4 }, "CRYPT gost-yescrypt", "$gy$j9T$.", 43, .read = read_yescrypt },
	{ { "$7$", 3 }, "CRYPT scrypt", "$7$CU..../....", 43, .read = read_scrypt },
	{ { "$sha1$", 6 }, "CRYPT sha1", "$sha1$20000$........", 28, .read = read_sha1 },
	{ { "$md5", 4 }, "CRYPT sunmd5", "$md5$........", 22, .read = read_sun_md5, .weak = true },
	{ { "$3$", 3 }, "CRYPT nt", "$3$", 0, .read = read_nt, .weak = true, .cheap = true },
	{ { "_", 1 }, "CRYPT extended-des", "_J9..xxxx", 0, .read = read_extended_des, .weak = true },
	{ { "", 0 }, "CRYPT des", "..", 0, .read = read_des, .weak = true, .cheap = true },
};

static const struct method *
method_of(struct span text)
{
	for (size_t i = 0; i < array_size(methods); i++) {
		struct span prefix = methods[i].prefix;

		if (text.len >= prefix.len && memcmp(text.data, prefix.data, prefix.len) == 0)
			return &methods[i];
	}
	return NULL;
}

/* crypt(3) reads printable ASCII without these. */
static bool
is_for_crypt(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] <= ' ' || text.data[i] > '~' || strchr("!*:;\\", text.data[i]) != NULL)
			return false;
	}
	return text.len > 0 && text.len < CRYPT_OUTPUT_SIZE;
}

static void
inspect(const struct password_body *body, const struct password_limits *limits, struct password_value *out)
{
	const struct method *method = method_of(body->text);
	struct span settings = body->text;

	/* What some tools write, although no crypt(3) has it. */
	if (span_starts_nocase(body->text, SPAN("$argon2"))) {
		password_family_argon2.inspect(body, limits, out);
		return;
	}
	if (!is_for_crypt(settings))
		return;
	if (settings.data[0] == '$' && method->prefix.len == 0) {
		out->scheme = "CRYPT with an unknown method";
		out->kind = PASSWORD_UNKNOWN;
		return;
	}
	out->scheme = method->name;
	out->weak = method->weak;
	out->costly = !method->cheap;
	out->memory = sizeof(struct crypt_data);
	settings = span_skip(settings, method->prefix.len);
	if (method->hash_len > 0) {
		if (settings.len < method->hash_len + 1 || settings.data[settings.len - method->hash_len - 1] != '$' ||
		    !are_digits(span_skip(settings, settings.len - method->hash_len)))
			return;
		settings.len -= method->hash_len + 1;
	}
	method->read(settings, limits, out);
	if (out->kind == PASSWORD_VERIFIABLE && crypt_checksalt(method->probe) == CRYPT_SALT_INVALID)
		out->kind = PASSWORD_UNKNOWN;
}

/* Whether there is the memory that a check takes. The library says only "invalid" when it finds none. */
static bool
has_memory(const struct password_body *body)
{
	struct password_value value = { .kind = PASSWORD_MALFORMED };
	void *memory;

	inspect(body, &password_limits_default, &value);
	memory = mmap(NULL, value.memory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return false;
	munmap(memory, value.memory);
	return true;
}

struct workspace {
	struct crypt_data data;
	char setting[CRYPT_OUTPUT_SIZE];
	char password[CRYPT_MAX_PASSPHRASE_SIZE];
};

/* The hash, NULL when there is none. */
static const char *
compute(struct workspace *space)
{
	const char *hash = crypt_rn(space->password, space->setting, &space->data, sizeof(space->data));

	return hash != NULL && hash[0] != '*' ? hash : NULL;
}

static int
verify(const struct password_body *body, struct span password)
{
	struct workspace *space;
	const char *computed;
	int r;

	if (span_starts_nocase(body->text, SPAN("$argon2")))
		return password_family_argon2.verify(body, password);
	/* crypt(3) takes a C string of bounded length. A shorter one than was given must not do. */
	if (password.len >= CRYPT_MAX_PASSPHRASE_SIZE || memchr(password.data, '\0', password.len) != NULL ||
	    body->text.len >= CRYPT_OUTPUT_SIZE)
		return 0;
	space = calloc(1, sizeof(*space));
	if (space == NULL)
		return -ENOMEM;
	memcpy(space->setting, body->text.data, body->text.len);
	memcpy(space->password, password.data, password.len);
	errno = 0;
	computed = compute(space);
	if (computed == NULL && errno != ENOMEM) {
		/* A setting that the library does not take, which it says at once; or want of memory, then or still. */
		if (has_memory(body))
			computed = compute(space);
		else
			errno = ENOMEM;
	}
	if (computed == NULL)
		r = errno == ENOMEM ? -ENOMEM : 0;
	else
		r = password_equal(body->text, span_of(computed));
	OPENSSL_cleanse(space, sizeof(*space));
	free(space);
	return r;
}

const struct password_family password_family_crypt = { .inspect = inspect, .verify = verify };
