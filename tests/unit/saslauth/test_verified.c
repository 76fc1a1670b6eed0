/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "saslauth/verified.h"

enum { LIFE = 300000, START = 1000 };

/* What a verdict depends on: entry, stored values, policy, password. */
static void
digest_parts(struct digest *digest, const char *uuid, const char *stored, const char *policy, const char *password, unsigned char *out)
{
	const struct span parts[] = { span_of(uuid), span_of(stored), span_of(policy), span_of(password) };

	digest_of(digest, parts, array_size(parts), out);
}

static void
what_was_right_is_known_until_anything_of_it_changes(void **state)
{
	static const struct {
		const char *uuid, *stored, *policy, *password;
		bool want;
	} rows[] = {
		{ "u1", "{SSHA}x", "p", "secret", true },
		{ "u2", "{SSHA}x", "p", "secret", false },
		{ "u1", "{SSHA}y", "p", "secret", false },
		{ "u1", "{SSHA}x", "q", "secret", false },
		{ "u1", "{SSHA}x", "p", "Secret", false },
		{ "u1", "{SSHA}x", "p", "secret ", false },
		{ "u1", "{SSHA}x", "p", "", false },
		/* Lengths are part of it. */
		{ "u1", "{SSHA}xp", "", "secret", false },
		{ "u", "1{SSHA}x", "p", "secret", false },
		{ "u1", "{SSHA}x", "psecret", "", false },
	};
	unsigned char octets[DIGEST_OCTETS];
	struct verified *verified;
	struct digest *digest;

	(void)state;
	assert_int_equal(digest_new(&digest), 0);
	assert_int_equal(verified_new(1000, LIFE, &verified), 0);
	digest_parts(digest, "u1", "{SSHA}x", "p", "secret", octets);
	assert_false(verified_has(verified, octets, START));
	verified_put(verified, octets, START);
	for (size_t i = 0; i < array_size(rows); i++) {
		digest_parts(digest, rows[i].uuid, rows[i].stored, rows[i].policy, rows[i].password, octets);
		if (verified_has(verified, octets, START + 1) != rows[i].want)
			fail_msg("row %zu: want %d", i, rows[i].want);
	}
	verified_free(verified);
	digest_free(digest);
}

static void
a_row_lives_for_its_life_and_no_longer(void **state)
{
	unsigned char octets[DIGEST_OCTETS] = { 1, 2, 3 };
	struct verified *verified;

	(void)state;
	assert_int_equal(verified_new(8, LIFE, &verified), 0);
	verified_put(verified, octets, START);
	assert_true(verified_has(verified, octets, START));
	assert_true(verified_has(verified, octets, START + LIFE - 1));
	assert_false(verified_has(verified, octets, START + LIFE));
	/* Being asked for does not make it live longer, being checked again does. */
	verified_put(verified, octets, START + LIFE);
	assert_true(verified_has(verified, octets, START + LIFE + LIFE / 2));
	verified_set_life(verified, 1000);
	assert_false(verified_has(verified, octets, START + LIFE + LIFE / 2));
	verified_free(verified);
}

static void
nothing_is_remembered_without_rows_or_life(void **state)
{
	static const struct {
		size_t rows;
		uint64_t life;
	} rows[] = { { 0, LIFE }, { 0, 0 }, { 100, 0 } };
	unsigned char octets[DIGEST_OCTETS] = { 0 };
	struct verified *verified;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		assert_int_equal(verified_new(rows[i].rows, rows[i].life, &verified), 0);
		verified_put(verified, octets, START);
		assert_false(verified_has(verified, octets, START));
		verified_free(verified);
	}
	verified_free(NULL);
}

static void
an_empty_table_knows_nothing_not_even_zeroes(void **state)
{
	unsigned char octets[DIGEST_OCTETS] = { 0 };
	struct verified *verified;

	(void)state;
	assert_int_equal(verified_new(8, LIFE, &verified), 0);
	for (uint64_t now = 0; now < 2000; now += 50)
		assert_false(verified_has(verified, octets, now));
	verified_free(verified);
}

static void
the_newest_stay_when_it_is_full(void **state)
{
	enum { ROWS = 1024, MANY = 20 * ROWS };
	unsigned char octets[DIGEST_OCTETS];
	struct verified *verified;
	struct digest *digest;
	unsigned known = 0, known_old = 0;

	(void)state;
	assert_int_equal(digest_new(&digest), 0);
	assert_int_equal(verified_new(ROWS, LIFE, &verified), 0);
	for (unsigned i = 0; i < MANY; i++) {
		const struct span part = span_from(&i, sizeof(i));

		digest_of(digest, &part, 1, octets);
		verified_put(verified, octets, START + i * 10);
	}
	for (unsigned i = 0; i < MANY; i++) {
		const struct span part = span_from(&i, sizeof(i));
		bool has;

		digest_of(digest, &part, 1, octets);
		has = verified_has(verified, octets, START + MANY * 10);
		if (i >= MANY - ROWS / 2)
			known += has;
		else if (i < MANY - 4 * ROWS)
			known_old += has;
	}
	assert_in_range(known, ROWS / 2 * 9 / 10, ROWS / 2);
	assert_int_equal(known_old, 0);
	verified_free(verified);
	digest_free(digest);
}

static void
accounts_are_known_for_as_long(void **state)
{
	/* As slapd makes them: one half differs a little, the other not at all. */
	const uint64_t account = 0x10f1e2d3c4b5a697;
	struct verified *verified;

	(void)state;
	assert_int_equal(verified_new(1000, LIFE, &verified), 0);
	assert_false(verified_has_account(verified, 0, START));
	verified_put_account(verified, account, START);
	assert_true(verified_has_account(verified, account, START + LIFE - 1));
	assert_false(verified_has_account(verified, account, START + LIFE));
	assert_false(verified_has_account(verified, account + 1, START));
	verified_free(verified);
	assert_int_equal(verified_new(0, LIFE, &verified), 0);
	verified_put_account(verified, account, START);
	assert_false(verified_has_account(verified, account, START));
	verified_free(verified);
}

static void
every_process_has_a_key_of_its_own(void **state)
{
	const struct span part = SPAN("secret");
	unsigned char one[DIGEST_OCTETS], two[DIGEST_OCTETS], again[DIGEST_OCTETS];
	struct digest *a, *b;

	(void)state;
	assert_int_equal(digest_new(&a), 0);
	assert_int_equal(digest_new(&b), 0);
	digest_of(a, &part, 1, one);
	digest_of(b, &part, 1, two);
	digest_of(a, &part, 1, again);
	assert_memory_equal(one, again, DIGEST_OCTETS);
	assert_memory_not_equal(one, two, DIGEST_OCTETS);
	digest_free(a);
	digest_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_right_is_known_until_anything_of_it_changes),
		cmocka_unit_test(a_row_lives_for_its_life_and_no_longer),
		cmocka_unit_test(nothing_is_remembered_without_rows_or_life),
		cmocka_unit_test(an_empty_table_knows_nothing_not_even_zeroes),
		cmocka_unit_test(the_newest_stay_when_it_is_full),
		cmocka_unit_test(accounts_are_known_for_as_long),
		cmocka_unit_test(every_process_has_a_key_of_its_own),
	};

	return RUN_TESTS(tests);
}
