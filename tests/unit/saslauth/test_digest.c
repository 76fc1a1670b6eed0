/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

/* Before ours: OpenSSL's headers spell out attributes that macro.h has short names for. */
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "tests/unit/test.h"

#include "saslauth/digest.h"

enum { LONGEST = 300, HALF = DIGEST_OCTETS / 2 };

/* What stands in digest.h: lengths, and words of 8. */
static size_t
spell_out(const struct span *parts, size_t count, unsigned char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		for (unsigned shift = 0; shift < 64; shift += 8)
			out[n++] = (unsigned char)((uint64_t)parts[i].len >> shift);
		memcpy(out + n, parts[i].data, parts[i].len);
		n += parts[i].len;
		while (n % 8 != 0)
			out[n++] = 0;
	}
	return n;
}

static void
siphash_of_openssl(const unsigned char *key, const unsigned char *data, size_t len, unsigned char *out)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
	size_t n;

	assert_non_null(context);
	assert_int_equal(EVP_MAC_init(context, key, HALF, NULL), 1);
	assert_int_equal(EVP_MAC_update(context, data, len), 1);
	assert_int_equal(EVP_MAC_final(context, out, &n, HALF), 1);
	assert_int_equal(n, HALF);
	EVP_MAC_CTX_free(context);
	EVP_MAC_free(mac);
}

static void
both_halves_are_siphash_as_openssl_has_it(void **state)
{
	unsigned char key[DIGEST_OCTETS], text[LONGEST], spelt[4 * LONGEST], got[DIGEST_OCTETS], want[DIGEST_OCTETS];

	(void)state;
	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = (unsigned char)(i * 7 + 1);
	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (unsigned char)(i * 31 + 5);
	for (size_t len = 0; len <= LONGEST; len++) {
		const struct span parts[] = { span_from(text, len), span_from(text, LONGEST - len), SPAN("x") };
		size_t n = spell_out(parts, array_size(parts), spelt);

		digest_with(key, parts, array_size(parts), got);
		siphash_of_openssl(key, spelt, n, want);
		siphash_of_openssl(key + HALF, spelt, n, want + HALF);
		if (memcmp(got, want, sizeof(got)) != 0)
			fail_msg("another digest, with %zu octets in the first string", len);
	}
}

static void
where_strings_end_matters(void **state)
{
	static const struct {
		struct span parts[2];
	} rows[] = {
		{ { SPAN("ab"), SPAN("c") } },   { { SPAN("a"), SPAN("bc") } },     { { SPAN("abc"), SPAN("") } },
		{ { SPAN(""), SPAN("abc") } },   { { SPAN("abc\0"), SPAN("") } },   { { SPAN("abc"), SPAN("\0") } },
		{ { SPAN("abc\0\0\0\0\0"), SPAN("") } }, { { SPAN(""), SPAN("") } },
	};
	unsigned char digests[array_size(rows)][DIGEST_OCTETS];
	const unsigned char key[DIGEST_OCTETS] = { 0 };

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		digest_with(key, rows[i].parts, 2, digests[i]);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(digests[i], digests[j], DIGEST_OCTETS);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_halves_are_siphash_as_openssl_has_it),
		cmocka_unit_test(where_strings_end_matters),
	};

	return RUN_TESTS(tests);
}
