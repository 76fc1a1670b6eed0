/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Stored values that other programs have written, the right password and wrong ones; values that nothing can be done with, and
 * some that want too much done.
 */
#include <config.h>

#include "saslauth/password.h"
#include "tests/unit/saslauth/password_vectors.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static const struct password_limits clear_allowed = {
	.allow_clear = true,
	.password_max = 1024,
	.memory_max = UINT64_C(288) << 20,
	.bcrypt_cost = 14,
	.sha_crypt_rounds = 1000000,
	.sha1_crypt_rounds = 1000000,
	.sun_md5_rounds = 500000,
	.des_rounds = 5000000,
	.pbkdf2_iterations = 2000000,
	.argon2_work = 1 << 20,
	.scrypt_work = 1 << 22,
};

static int
check(const char *stored, const char *password)
{
	return password_verify(span_of(stored), span_of(password), &clear_allowed);
}

static struct password_value
value_of(const char *stored)
{
	struct password_value value;

	memset(&value, 0x5a, sizeof(value));
	password_inspect(span_of(stored), NULL, &value);
	return value;
}

static const char *
password_of(const struct vector *vector)
{
	return vector->password != NULL ? vector->password : HORSE;
}

/* Checked once only, and with valgrind not at all: these take up to a seventh of a second. */
static bool
is_slow(const char *stored)
{
	return value_of(stored).cost >= 50000;
}

static bool
is_slowed_down(void)
{
	const char *preloaded = getenv("LD_PRELOAD");

	return preloaded != NULL && strstr(preloaded, "valgrind") != NULL;
}

/* A value that is not what was wanted is named before the test fails. */
static void
want(const char *stored, const char *what, long got, long wanted)
{
	if (got != wanted)
		fail_msg("%s: %s: got %ld, want %ld", stored, what, got, wanted);
}

static void
each_scheme_knows_its_password(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct password_value value = value_of(v->stored);

		want(v->stored, "kind", value.kind, PASSWORD_VERIFIABLE);
		if (is_slow(v->stored) && is_slowed_down())
			continue;
		want(v->stored, "right password", check(v->stored, password_of(v)), 1);
		want(v->stored, "wrong password", check(v->stored, "Correct horse"), 0);
	}
}

static void
values_are_described(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct password_value value = value_of(v->stored);

		if (strcmp(value.scheme, v->scheme) != 0)
			fail_msg("%s: got %s, want %s", v->stored, value.scheme, v->scheme);
		want(v->stored, "weak", value.weak, v->weak);
		want(v->stored, "costly", value.costly, !v->cheap);
		assert_true(value.memory <= password_limits_default.memory_max);
	}
}

/* The stored value, or what follows its tag, is nobody's password. */
static void
the_stored_text_is_not_the_password(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(vectors); i++) {
		const char *stored = vectors[i].stored;

		want(stored, "no password", check(stored, ""), 0);
		if (is_slow(stored))
			continue;
		want(stored, "the value itself", check(stored, stored), 0);
		want(stored, "without its tag", check(stored, strchr(stored, '}') + 1), 0);
	}
}

static void
copy_case(char *out, const char *stored, bool upper)
{
	char *end;

	strcpy(out, stored);
	end = strchr(out, '}');
	for (char *c = out; c < end; c++) {
		if (upper ? *c >= 'a' && *c <= 'z' : *c >= 'A' && *c <= 'Z')
			*c ^= 0x20;
	}
}

static void
tags_have_no_case_and_blanks_at_the_end_do_not_count(void **state)
{
	char stored[1024];

	(void)state;
	for (size_t i = 0; i < array_size(vectors); i++) {
		const struct vector *v = &vectors[i];

		if (is_slow(v->stored))
			continue;
		copy_case(stored, v->stored, false);
		want(stored, "lower case", check(stored, password_of(v)), 1);
		copy_case(stored, v->stored, true);
		strcat(stored, " \r\n");
		want(stored, "blanks at the end", check(stored, password_of(v)), 1);
	}
}

/* A prefix of a value is no value, whether it lacks one octet or many. */
static void
a_value_that_was_cut_off_has_no_password(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct password_value whole = value_of(v->stored);
		size_t n = strlen(v->stored);

		for (size_t len = 0; len < n; len++) {
			struct password_value value;

			password_inspect(span_from(v->stored, len), NULL, &value);
			assert_non_null(value.scheme);
			/* Only the last octets: the cost may be that of other values than the first digits say. */
			if (value.kind != PASSWORD_VERIFIABLE || (whole.costly && len + 2 < n) || is_slow(v->stored))
				continue;
			/* The first 13 characters of a longer DES value are the DES value of the password's first eight. */
			if (strcmp(value.scheme, "CRYPT des") == 0)
				continue;
			/* Without its padding base64 is whole, also that inside of base64. */
			if (v->stored[len] != '=' && strstr(v->stored, "SCRAM-SHA-256.b64") == NULL)
				want(v->stored, "cut off", password_verify(span_from(v->stored, len), span_of(password_of(v)), NULL), 0);
		}
	}
}

static const struct {
	const char *stored;
	enum password_kind kind;
} others[] = {
	{ "", PASSWORD_NONE },
	{ " ", PASSWORD_NONE },
	{ "noEntry", PASSWORD_NONE },
	{ "NOENTRY", PASSWORD_NONE },
	{ "{CRYPT}", PASSWORD_NONE },
	{ "{SSHA} ", PASSWORD_NONE },
	{ "{CLEARTEXT}", PASSWORD_NONE },
	{ "{SASL}ada@example.org", PASSWORD_DELEGATED },
	{ "{sasl}", PASSWORD_DELEGATED },
	{ "{KERBEROS}ada@EXAMPLE.ORG", PASSWORD_DELEGATED },
	{ "{UNIX}ada", PASSWORD_DELEGATED },
	{ "{OPENLDAP}x", PASSWORD_DELEGATED },
	{ "{OPENLDAP remoteauth}x", PASSWORD_DELEGATED },
	{ "!", PASSWORD_LOCKED },
	{ "*", PASSWORD_LOCKED },
	{ "!!", PASSWORD_LOCKED },
	{ "!{SSHA}5dbuDQu+qTLNQI4RW/fC3l3Up44NlYXA", PASSWORD_LOCKED },
	{ "{SSHA}!5dbuDQu+qTLNQI4RW/fC3l3Up44NlYXA", PASSWORD_LOCKED },
	{ "{CRYPT}!$6$abcdefgh$yIZAF3gQPvtKZO/9qOJKffAKKbtS3ef3qmwyugk4uWVjX8YZf/GV3A8SkFxEPY0T56CcilGrHKLffBsp6dLMG.", PASSWORD_LOCKED },
	{ "{CRYPT}*", PASSWORD_LOCKED },
	{ "{CRYPT}*LK*", PASSWORD_LOCKED },
	{ "{crypt}!", PASSWORD_LOCKED },
	{ "secret", PASSWORD_CLEAR_REFUSED },
	{ "{secret", PASSWORD_CLEAR_REFUSED },
	{ "{CLEARTEXT}secret", PASSWORD_CLEAR_REFUSED },
	{ "{PLAIN}secret", PASSWORD_CLEAR_REFUSED },
	{ "{CLEAR}{SSHA}5dbuDQu+qTLNQI4RW/fC3l3Up44NlYXA", PASSWORD_CLEAR_REFUSED },
	{ "{NONSENSE}secret", PASSWORD_UNKNOWN },
	{ "{}secret", PASSWORD_UNKNOWN },
	{ "{ SSHA}5dbuDQu+qTLNQI4RW/fC3l3Up44NlYXA", PASSWORD_UNKNOWN },
	{ " {SSHA}5dbuDQu+qTLNQI4RW/fC3l3Up44NlYXA", PASSWORD_UNKNOWN },
	{ "{LANMAN}0182bd0bd4444bf836077a718ccdf409", PASSWORD_UNKNOWN },
	{ "{CRAM-MD5}38b57fd1a0c4b46c814aa05f20318edd71c455380655f2c0ac35c5b359528d29", PASSWORD_UNKNOWN },
	{ "{CRYPT}$apr1$abcdefgh$sIQmFnT1CuEXAsyjuXjUX/", PASSWORD_UNKNOWN },
	{ "{CRYPT}$sm3$abcdefgh$abcdefgh", PASSWORD_UNKNOWN },
	/* a hash whose tag was forgotten */
	{ "$6$abcdefgh$yIZAF3gQPvtKZO/9qOJKffAKKbtS3ef3qmwyugk4uWVjX8YZf/GV3A8SkFxEPY0T56CcilGrHKLffBsp6dLMG.", PASSWORD_UNKNOWN },
	{ "$argon2i$v=19$m=1024,t=2,p=2$c2FsdHlzYWx0$n93QtYOGuZpg9f46eMYrwzN8JkR00CjQPHSchbpXHMU", PASSWORD_UNKNOWN },
	{ "$2y$05$zsBHKTyIkXLZ0iifbovu.eS/IfWYn88a0BWjBsgaAkK1.KHabZEzO", PASSWORD_UNKNOWN },
	{ "{SSHA}", PASSWORD_NONE },
	{ "{SSHA}L55TUjtiq8FBorTWAZ0jy6g1", PASSWORD_MALFORMED },
	{ "{SSHA}5dbuDQu+qTLNQI4RW/fC3l3Up44NlYXA5", PASSWORD_MALFORMED },
	{ "{SSHA}5dbuDQu+qTLNQI4RW\nfC3l3Up44NlYXA", PASSWORD_MALFORMED },
	{ "{SHA}L55TUjtiq8FBorTWAZ0jy6g129AA", PASSWORD_MALFORMED },
	{ "{SHA}====", PASSWORD_MALFORMED },
	{ "{SSHA.HEX}5dbuDQu+qTLNQI4RW/fC3l3Up44NlYXA", PASSWORD_MALFORMED },
	{ "{MD5-CRYPT.B64}*", PASSWORD_MALFORMED },
	{ "{NT}cfc43211ba8dc470832267827cac14070", PASSWORD_MALFORMED },
	{ "{CRYPT}x", PASSWORD_MALFORMED },
	{ "{CRYPT}abcdefghijkl", PASSWORD_MALFORMED },
	{ "{CRYPT}ab:defghijklm", PASSWORD_MALFORMED },
	{ "{CRYPT}$6$abcdefgh", PASSWORD_MALFORMED },
	{ "{CRYPT}$2b$03$t9AMMjmZL/VLTmhqutOqLOqUQ0Lmcn6r2rjN4kqYRCUAtt5yS0kGa", PASSWORD_MALFORMED },
	{ "{CRYPT}$2b$xx$t9AMMjmZL/VLTmhqutOqLOqUQ0Lmcn6r2rjN4kqYRCUAtt5yS0kGa", PASSWORD_MALFORMED },
	{ "{CRYPT}$2b$99$t9AMMjmZL/VLTmhqutOqLOqUQ0Lmcn6r2rjN4kqYRCUAtt5yS0kGa", PASSWORD_MALFORMED },
	{ "{ARGON2}$argon2id$v=19$m=1024,t=2,p=0$c2FsdHlzYWx0$4PVga3UhL3sVTH88MjKg5jlpley8NIKsMb5yLw18aAw", PASSWORD_MALFORMED },
	{ "{ARGON2}$argon2id$v=19$m=1024,t=0,p=1$c2FsdHlzYWx0$4PVga3UhL3sVTH88MjKg5jlpley8NIKsMb5yLw18aAw", PASSWORD_MALFORMED },
	{ "{ARGON2}$argon2id$v=19$m=8,t=1,p=2$c2FsdHlzYWx0$4PVga3UhL3sVTH88MjKg5jlpley8NIKsMb5yLw18aAw", PASSWORD_MALFORMED },
	{ "{ARGON2}$argon2id$v=20$m=1024,t=2,p=1$c2FsdHlzYWx0$4PVga3UhL3sVTH88MjKg5jlpley8NIKsMb5yLw18aAw", PASSWORD_MALFORMED },
	{ "{ARGON2}$argon2x$v=19$m=1024,t=2,p=1$c2FsdHlzYWx0$4PVga3UhL3sVTH88MjKg5jlpley8NIKsMb5yLw18aAw", PASSWORD_MALFORMED },
	{ "{ARGON2}$argon2id$v=19$m=1024,t=2,p=1$c2FsdHk$4PVga3UhL3sVTH88MjKg5jlpley8NIKsMb5yLw18aAw", PASSWORD_MALFORMED },
	{ "{ARGON2}$argon2id$v=19$m=1024,t=2,p=1$c2FsdHlzYWx0$4PVg", PASSWORD_MALFORMED },
	{ "{PBKDF2}0$cqxZQ58w3Pa1o5I1Ig8epg$fpwrIjuzsrh020D2DxHM.O1onkU", PASSWORD_MALFORMED },
	{ "{PBKDF2}-1$cqxZQ58w3Pa1o5I1Ig8epg$fpwrIjuzsrh020D2DxHM.O1onkU", PASSWORD_MALFORMED },
	{ "{PBKDF2}10000$cqxZQ58w3Pa1o5I1Ig8epg$", PASSWORD_MALFORMED },
	{ "{PBKDF2_SHA256}AAAnEGTxXtnR", PASSWORD_MALFORMED },
	{ "{SCRAM-SHA-1}4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=", PASSWORD_MALFORMED },
	{ "{SCRAM-SHA-256}4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=", PASSWORD_MALFORMED },
	{ "{SCRYPT}$6$abc", PASSWORD_MALFORMED },
	{ "{SCRYPT}$scrypt$ln=0,r=8,p=1$wVir1RpDCCFEiLG2dm4NQQ$g0/klmUX+hJv+vYrZlutAOvrCXP5IF3HhUFam3LISkk", PASSWORD_MALFORMED },

	{ "{CRYPT}$y$69T$xKwAtTONJGSpUav9dTDQl0$u7mBHd9b2mvE8NbYzf9eACkSfVFPGJvr8xYQecKUWC4", PASSWORD_UNKNOWN },
	{ "{CRYPT}$y$j9T5.$xKwAtTONJGSpUav9dTDQl0$u7mBHd9b2mvE8NbYzf9eACkSfVFPGJvr8xYQecKUWC4", PASSWORD_UNKNOWN },

	/* costs that nobody has */
	{ "{CRYPT}$6$rounds=999999999$abcdefgh$yIZAF3gQPvtKZO/9qOJKffAKKbtS3ef3qmwyugk4uWVjX8YZf/GV3A8SkFxEPY0T56CcilGrHKLffBsp6dLMG.",
	  PASSWORD_TOO_COSTLY },
	{ "{CRYPT}$6$rounds=99999999999999999999999$abcdefgh$yIZAF3gQPvtKZO/"
	  "9qOJKffAKKbtS3ef3qmwyugk4uWVjX8YZf/GV3A8SkFxEPY0T56CcilGrHKLffBsp6dLMG.",
	  PASSWORD_TOO_COSTLY },
	{ "{CRYPT}$5$rounds=1000001$3vYzVndma4xuqYGd$o6gkCtal2f6RV8lE290nZDX.4Eit0cHb4kID6TQ/o18", PASSWORD_TOO_COSTLY },
	{ "{CRYPT}$2b$31$t9AMMjmZL/VLTmhqutOqLOqUQ0Lmcn6r2rjN4kqYRCUAtt5yS0kGa", PASSWORD_TOO_COSTLY },
	{ "{CRYPT}$2b$15$t9AMMjmZL/VLTmhqutOqLOqUQ0Lmcn6r2rjN4kqYRCUAtt5yS0kGa", PASSWORD_TOO_COSTLY },
	{ "{CRYPT}_zzzzxcY3LJgQW8hFMKE", PASSWORD_TOO_COSTLY },
	{ "{CRYPT}$sha1$4294967295$abcdefgh$LpGT5uib.TPY6JU14eMS/Z58xRQB", PASSWORD_TOO_COSTLY },
	{ "{CRYPT}$md5,rounds=4294963199$abcdefgh$$ULR13CRu747f5lNXTC4oa0", PASSWORD_TOO_COSTLY },
	{ "{CRYPT}$y$jFT$xKwAtTONJGSpUav9dTDQl0$u7mBHd9b2mvE8NbYzf9eACkSfVFPGJvr8xYQecKUWC4", PASSWORD_TOO_COSTLY },
	{ "{CRYPT}$y$jzz$xKwAtTONJGSpUav9dTDQl0$u7mBHd9b2mvE8NbYzf9eACkSfVFPGJvr8xYQecKUWC4", PASSWORD_MALFORMED },
	{ "{CRYPT}$y$jjT$xKwAtTONJGSpUav9dTDQl0$u7mBHd9b2mvE8NbYzf9eACkSfVFPGJvr8xYQecKUWC4", PASSWORD_TOO_COSTLY },
	/* p, and t */
	{ "{CRYPT}$y$j9T.xzzz$xKwAtTONJGSpUav9dTDQl0$u7mBHd9b2mvE8NbYzf9eACkSfVFPGJvr8xYQecKUWC4", PASSWORD_TOO_COSTLY },
	{ "{CRYPT}$y$j9T/xzzz$xKwAtTONJGSpUav9dTDQl0$u7mBHd9b2mvE8NbYzf9eACkSfVFPGJvr8xYQecKUWC4", PASSWORD_TOO_COSTLY },
	{ "{CRYPT}$7$zzzzzzzzzzzabcd$lxlsahPtu0KrPLpxWnioUU5lgNtsKCYthoejEV4.Ls/", PASSWORD_TOO_COSTLY },
	{ "{CRYPT}$7$KU..../....abcd$lxlsahPtu0KrPLpxWnioUU5lgNtsKCYthoejEV4.Ls/", PASSWORD_TOO_COSTLY },
	{ "{CRYPT}$7$/U....zzzzzabcd$lxlsahPtu0KrPLpxWnioUU5lgNtsKCYthoejEV4.Ls/", PASSWORD_TOO_COSTLY },
	{ "{PBKDF2}4294967295$cqxZQ58w3Pa1o5I1Ig8epg$fpwrIjuzsrh020D2DxHM.O1onkU", PASSWORD_TOO_COSTLY },
	{ "{PBKDF2}4294967296$cqxZQ58w3Pa1o5I1Ig8epg$fpwrIjuzsrh020D2DxHM.O1onkU", PASSWORD_TOO_COSTLY },
	{ "{PBKDF2}2000001$cqxZQ58w3Pa1o5I1Ig8epg$fpwrIjuzsrh020D2DxHM.O1onkU", PASSWORD_TOO_COSTLY },
	{ "{PBKDF2}$1$aavlAByQizGDct.z$5000000$adab4612235fee36d0744b2165baf89ab9920d26", PASSWORD_TOO_COSTLY },
	{ "{SCRAM-SHA-1}4294967295,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=", PASSWORD_TOO_COSTLY },
	{ "{ARGON2}$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHlzYWx0$4PVga3UhL3sVTH88MjKg5jlpley8NIKsMb5yLw18aAw", PASSWORD_TOO_COSTLY },
	{ "{ARGON2}$argon2id$v=19$m=4294967296,t=1,p=1$c2FsdHlzYWx0$4PVga3UhL3sVTH88MjKg5jlpley8NIKsMb5yLw18aAw", PASSWORD_TOO_COSTLY },
	{ "{ARGON2}$argon2id$v=19$m=1024,t=4294967295,p=1$c2FsdHlzYWx0$4PVga3UhL3sVTH88MjKg5jlpley8NIKsMb5yLw18aAw", PASSWORD_TOO_COSTLY },
	{ "{SCRYPT}$scrypt$ln=63,r=8,p=1$wVir1RpDCCFEiLG2dm4NQQ$g0/klmUX+hJv+vYrZlutAOvrCXP5IF3HhUFam3LISkk", PASSWORD_TOO_COSTLY },
	{ "{SCRYPT}$scrypt$ln=1,r=8,p=99999999$wVir1RpDCCFEiLG2dm4NQQ$g0/klmUX+hJv+vYrZlutAOvrCXP5IF3HhUFam3LISkk", PASSWORD_TOO_COSTLY },
	{ "{SCRYPT}$scrypt$ln=20,r=8,p=1$wVir1RpDCCFEiLG2dm4NQQ$g0/klmUX+hJv+vYrZlutAOvrCXP5IF3HhUFam3LISkk", PASSWORD_TOO_COSTLY },
};

static void
what_is_not_verifiable_is_named_and_always_wrong(void **state)
{
	struct timespec begin, end;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (size_t i = 0; i < array_size(others); i++) {
		const char *stored = others[i].stored;
		const char *body = strchr(stored, '}');

		want(stored, "kind", value_of(stored).kind, others[i].kind);
		want(stored, "itself", password_verify(span_of(stored), span_of(stored), NULL), 0);
		want(stored, HORSE, password_verify(span_of(stored), SPAN(HORSE), NULL), 0);
		if (others[i].kind != PASSWORD_CLEAR_REFUSED) {
			want(stored, "itself, clear text allowed", check(stored, stored), 0);
			want(stored, "its body, clear text allowed", body != NULL ? check(stored, body + 1) : 0, 0);
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	/* Nothing was computed. */
	assert_true(end.tv_sec - begin.tv_sec <= 2);
}

/* Each limit, one below what a value needs and exactly it. */
static void
limits_hold_exactly(void **state)
{
	static const struct {
		const char *stored;
		size_t limit;
		uint64_t needs;
		bool is_wide;
	} rows[] = {
#define LIMIT(field) offsetof(struct password_limits, field)
		{ "{CRYPT}$2b$05$t9AMMjmZL/VLTmhqutOqLOqUQ0Lmcn6r2rjN4kqYRCUAtt5yS0kGa", LIMIT(bcrypt_cost), 5, false },
		{ "{CRYPT}$5$3vYzVndma4xuqYGd$o6gkCtal2f6RV8lE290nZDX.4Eit0cHb4kID6TQ/o18", LIMIT(sha_crypt_rounds), 5000, false },
		{ "{CRYPT}$sha1$1000$abcdefgh$LpGT5uib.TPY6JU14eMS/Z58xRQB", LIMIT(sha1_crypt_rounds), 1000, false },
		{ "{CRYPT}$md5$abcdefgh$.zlef4wB7Ywt0S2xBOo6h.", LIMIT(sun_md5_rounds), 4096, false },
		{ "{CRYPT}_J9..xcY3LJgQW8hFMKE", LIMIT(des_rounds), 725, false },
		{ "{PBKDF2-SHA1}10000$OiA2.6MIxNPh5EbubT75KA$JcfSm4d7hwqjlk27zIDYTbiaaD4", LIMIT(pbkdf2_iterations), 10000, false },
		/* 32 octets of key are two blocks of SHA-1 */
		{ "{PKCS5S2}AAECAwQFBgcICQoLDA0OD/wLRC7YJrDwyPC1hivcdA1lVJ0iA8EV8Zotwnsqu+eY", LIMIT(pbkdf2_iterations), 20000, false },
		{ "{ARGON2I}$argon2i$v=19$m=1024,t=2,p=2$c2FsdHlzYWx0$n93QtYOGuZpg9f46eMYrwzN8JkR00CjQPHSchbpXHMU", LIMIT(argon2_work), 2048,
		  true },
		{ "{ARGON2I}$argon2i$v=19$m=1024,t=2,p=2$c2FsdHlzYWx0$n93QtYOGuZpg9f46eMYrwzN8JkR00CjQPHSchbpXHMU", LIMIT(memory_max), 1 << 20,
		  true },
		{ "{SCRYPT}$scrypt$ln=10,r=8,p=1$wVir1RpDCCFEiLG2dm4NQQ$g0/klmUX+hJv+vYrZlutAOvrCXP5IF3HhUFam3LISkk", LIMIT(scrypt_work), 8192,
		  true },
		{ "{SCRYPT}$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D", LIMIT(scrypt_work), 16384 * 8, true },
		{ "{CRYPT}$y$j75$.S3ckS08f7bQUAtQbrSVm/$IBQjt.uxj96bYs6JymJ51qsvbrR9x.nRSTsTgAuNEh5", LIMIT(scrypt_work), 1024 * 8, true },
#undef LIMIT
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		for (uint64_t less = 0; less < 2; less++) {
			struct password_limits limits = password_limits_default;
			uint64_t value = rows[i].needs - less;
			struct password_value got;

			if (rows[i].is_wide)
				memcpy((char *)&limits + rows[i].limit, &value, sizeof(value));
			else
				memcpy((char *)&limits + rows[i].limit, &(uint32_t){ (uint32_t)value }, sizeof(uint32_t));
			password_inspect(span_of(rows[i].stored), &limits, &got);
			want(rows[i].stored, "kind at the limit", got.kind, less ? PASSWORD_TOO_COSTLY : PASSWORD_VERIFIABLE);
		}
	}
}

static void
clear_text_is_compared_where_it_is_allowed(void **state)
{
	static const struct {
		const char *stored, *password;
		int right;
	} rows[] = {
		{ "secret", "secret", 1 },
		{ "secret", "Secret", 0 },
		{ "secret", "secre", 0 },
		{ "secret", "secrets", 0 },
		{ "secretsecret", "secret", 0 },
		{ "secret ", "secret", 0 },
		{ "secret ", "secret ", 1 },
		{ "{CLEARTEXT}secret", "secret", 1 },
		{ "{plain}secret", "secret", 1 },
		{ "{Clear}secret", "{Clear}secret", 0 },
		{ "{CLEARTEXT} !secret", " !secret", 1 },
		{ "{CLEARTEXT}{SSHA}x", "{SSHA}x", 1 },
		{ "{CLEAR.B64}c2VjcmV0", "secret", 1 },
		{ "{PLAIN.HEX}736563726574", "secret", 1 },
		{ "{PLAIN.HEX}736563726574", "736563726574", 0 },
		{ "{brace", "{brace", 1 },
		{ "$5 a day", "$5 a day", 1 },
		{ "noEntry", "noEntry", 0 },
		{ "!secret", "!secret", 0 },
		{ "{CLEARTEXT}", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		want(rows[i].stored, rows[i].password, check(rows[i].stored, rows[i].password), rows[i].right);
		want(rows[i].stored, "not allowed", password_verify(span_of(rows[i].stored), span_of(rows[i].password), NULL), 0);
	}
	assert_int_equal(value_of("secret").weak, true);
}

/* "correct horse" and a NUL, and more behind it: crypt(3) would see only what stands before. */
static void
passwords_are_octets(void **state)
{
	static const char with_nul[] = HORSE "\0battery";

	(void)state;
	for (size_t i = 0; i < array_size(vectors); i++) {
		if (vectors[i].password != NULL || strstr(vectors[i].scheme, "des") != NULL || is_slow(vectors[i].stored))
			continue;
		want(vectors[i].stored, "NUL", password_verify(span_of(vectors[i].stored), span_from(with_nul, sizeof(with_nul) - 1), NULL), 0);
		/* HMAC's keys are filled up with zeroes: with one more it is the same key. */
		if (strstr(vectors[i].stored, "PBKDF2") != NULL || strstr(vectors[i].stored, "PKCS5S2") != NULL ||
		    strstr(vectors[i].stored, "SCRAM") != NULL || strstr(vectors[i].stored, "$scrypt$") != NULL)
			continue;
		want(vectors[i].stored, "NUL at the end", password_verify(span_of(vectors[i].stored), SPAN(HORSE "\0"), NULL), 0);
	}
	assert_int_equal(check("{CRYPT}JPlxdSv6Rb0cg", HORSE), 1);
	assert_int_equal(password_verify(SPAN("{CRYPT}JPlxdSv6Rb0cg"), SPAN("correct horse\0"), NULL), 0);
	/* Not UTF-8, where the scheme needs it. */
	assert_int_equal(check("{NT}cfc43211ba8dc470832267827cac1407", "correct horse\xff"), 0);
}

static void
long_passwords_are_wrong_and_not_shortened(void **state)
{
	static char password[4096];
	struct password_limits limits = password_limits_default;
	/* echo -n of 1024 x's, hashlib.sha1 */
	const struct span stored = SPAN("{SHA}1aPJvX50bJi0rqDpGU+5VVs8Iq0=");
	struct password_value value;

	(void)state;
	memset(password, 'x', sizeof(password));
	password_inspect(stored, NULL, &value);
	assert_int_equal(value.kind, PASSWORD_VERIFIABLE);
	assert_int_equal(password_verify(stored, span_from(password, 1024), NULL), 1);
	limits.password_max = 1023;
	assert_int_equal(password_verify(stored, span_from(password, 1024), &limits), 0);
	limits.password_max = 4096;
	for (size_t i = 0; i < array_size(vectors); i++) {
		if (strncmp(vectors[i].scheme, "CRYPT", 5) == 0)
			want(vectors[i].stored, "long", password_verify(span_of(vectors[i].stored), span_from(password, 512), &limits), 0);
	}
}

static void
a_stored_value_has_a_largest_size(void **state)
{
	static char stored[100000] = "{SSHA}";
	struct password_value value;

	(void)state;
	memset(stored + 6, 'A', sizeof(stored) - 6);
	password_inspect(span_from(stored, sizeof(stored)), NULL, &value);
	assert_int_equal(value.kind, PASSWORD_MALFORMED);
	assert_int_equal(password_verify(span_from(stored, sizeof(stored)), SPAN(HORSE), NULL), 0);
	password_inspect((struct span){ NULL, 0 }, NULL, &value);
	assert_int_equal(value.kind, PASSWORD_NONE);
	assert_int_equal(password_verify((struct span){ NULL, 0 }, (struct span){ NULL, 0 }, NULL), 0);
	assert_int_equal(password_verify((struct span){ NULL, 0 }, SPAN(HORSE), NULL), 0);
	assert_int_equal(password_verify(SPAN("{SSHA}5dbuDQu+qTLNQI4RW/fC3l3Up44NlYXA"), (struct span){ NULL, 0 }, NULL), 0);
	/* A salt of two kilobytes is one. */
	password_inspect(span_from(stored, 3006), NULL, &value);
	assert_int_equal(value.kind, PASSWORD_VERIFIABLE);
}

static double
cpu_of(int (*work)(struct span, struct span, const struct password_limits *), const char *stored, const char *password, int n)
{
	struct timespec begin, end;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
	for (int i = 0; i < n; i++)
		assert_true(work(span_of(stored), span_of(password), NULL) >= 0);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
	return (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
}

static void
a_dummy_check_costs_as_much_and_is_never_right(void **state)
{
	static const char stored[] = "{CRYPT}$2b$05$t9AMMjmZL/VLTmhqutOqLOqUQ0Lmcn6r2rjN4kqYRCUAtt5yS0kGa";
	double check_time = 1e9, dummy_time = 1e9;

	(void)state;
	assert_int_equal(password_dummy(span_of(stored), SPAN(HORSE), NULL), 0);
	/* The least of several: others use the machine too. */
	for (int i = 0; i < 5; i++) {
		double a = cpu_of(password_verify, stored, "wrong", 4);
		double b = cpu_of(password_dummy, stored, "wrong", 4);

		check_time = a < check_time ? a : check_time;
		dummy_time = b < dummy_time ? b : dummy_time;
	}
	assert_true(dummy_time > check_time * 0.7 && dummy_time < check_time * 1.4);
}

static void
equality_is_that_of_octets(void **state)
{
	(void)state;
	assert_true(password_equal(SPAN("abc"), SPAN("abc")));
	assert_false(password_equal(SPAN("abc"), SPAN("abd")));
	assert_false(password_equal(SPAN("abc"), SPAN("abcabc")));
	assert_false(password_equal(SPAN("abcabc"), SPAN("abc")));
	assert_false(password_equal(SPAN(""), SPAN("a")));
	assert_false(password_equal(SPAN("a"), SPAN("")));
	assert_true(password_equal(SPAN(""), SPAN("")));
}

static void *
check_all(void *arg)
{
	size_t *failures = arg;

	for (int round = 0; round < (is_slowed_down() ? 1 : 3); round++) {
		for (size_t i = 0; i < array_size(vectors); i++) {
			const struct vector *v = &vectors[i];

			if (is_slow(v->stored))
				continue;
			*failures += check(v->stored, password_of(v)) != 1;
			*failures += check(v->stored, "wrong") != 0;
		}
	}
	return NULL;
}

static void
threads_do_not_disturb_each_other(void **state)
{
	pthread_t threads[4];
	size_t failures[array_size(threads)] = { 0 };

	(void)state;
	for (size_t i = 0; i < array_size(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, check_all, &failures[i]), 0);
	for (size_t i = 0; i < array_size(threads); i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(failures[i], 0);
	}
}

/* Sanitizers and valgrind die without memory. */
static bool
needs_its_memory(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return true;
#elif defined(__has_feature)
	if (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer))
		return true;
#endif
	return is_slowed_down();
}

/* No memory is neither yes nor no. */
static void
want_of_memory_is_cannot_tell(void **state)
{
	static const char *const stored[] = {
		"{ARGON2}$argon2id$v=19$m=65536,t=2,p=1$IyTQMsvzB2JHDiWx8fq7Ew$VhYOA7AL0kbRXI5g2kOyyp8St1epkNj7WZyUY4pAIQQ",
		"{CRYPT}$y$jCT$xKwAtTONJGSpUav9dTDQl0$u7mBHd9b2mvE8NbYzf9eACkSfVFPGJvr8xYQecKUWC4",
		"{SCRYPT}$7$DU..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D",
		"{SCRYPT}$scrypt$ln=16,r=8,p=1$wVir1RpDCCFEiLG2dm4NQQ$g0/klmUX+hJv+vYrZlutAOvrCXP5IF3HhUFam3LISkk",
	};
	struct rlimit before, none;

	(void)state;
	if (needs_its_memory())
		return;
	assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
	password_prepare();
	none = before;
	none.rlim_cur = 1 << 20; /* less than is in use: nothing new is given */
	for (size_t i = 0; i < array_size(stored); i++) {
		int r;

		assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
		r = password_verify(span_of(stored[i]), SPAN("password"), NULL);
		assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
		want(stored[i], "without memory", r, -ENOMEM);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_scheme_knows_its_password),
		cmocka_unit_test(values_are_described),
		cmocka_unit_test(the_stored_text_is_not_the_password),
		cmocka_unit_test(tags_have_no_case_and_blanks_at_the_end_do_not_count),
		cmocka_unit_test(a_value_that_was_cut_off_has_no_password),
		cmocka_unit_test(what_is_not_verifiable_is_named_and_always_wrong),
		cmocka_unit_test(limits_hold_exactly),
		cmocka_unit_test(clear_text_is_compared_where_it_is_allowed),
		cmocka_unit_test(passwords_are_octets),
		cmocka_unit_test(long_passwords_are_wrong_and_not_shortened),
		cmocka_unit_test(a_stored_value_has_a_largest_size),
		cmocka_unit_test(a_dummy_check_costs_as_much_and_is_never_right),
		cmocka_unit_test(equality_is_that_of_octets),
		cmocka_unit_test(threads_do_not_disturb_each_other),
		cmocka_unit_test(want_of_memory_is_cannot_tell),
	};

	return RUN_TESTS(tests);
}
