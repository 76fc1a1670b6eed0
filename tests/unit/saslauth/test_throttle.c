/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "saslauth/throttle.h"

#include <stdio.h>

enum { DECAY = 60000, START = 100000 };

static const struct throttle_rules rules = { .decay = DECAY, .service_free = 0, .account_free = 3, .address_free = 5 };

static struct throttle_attempt
begin(struct throttle *t, const char *account, const char *service, const char *password, const uint8_t *address, uint64_t now)
{
	const struct throttle_question question = { span_of(account), span_of(service), span_of(password), address };
	struct throttle_attempt attempt;

	throttle_begin(t, &question, now, &attempt);
	return attempt;
}

static struct throttle_attempt
wrong(struct throttle *t, const char *account, const char *service, const char *password, const uint8_t *address, uint64_t now)
{
	struct throttle_attempt attempt = begin(t, account, service, password, address, now);

	throttle_wrong(t, &attempt, now);
	return attempt;
}

static struct throttle *
new_throttle(size_t rows)
{
	struct throttle *t;

	assert_int_equal(throttle_new(rows, &rules, &t), 0);
	return t;
}

static void
each_wrong_password_makes_the_next_one_wait_longer(void **state)
{
	static const uint64_t want[] = { 0, 2000, 4000, 8000, 15000, 15000, 15000 };
	struct throttle *t = new_throttle(100);
	char password[16];

	(void)state;
	for (size_t i = 0; i < array_size(want); i++) {
		snprintf(password, sizeof(password), "guess%zu", i);
		assert_int_equal(wrong(t, "ada", "imap", password, NULL, START).delay, want[i]);
	}
	/* Others do not wait. */
	assert_int_equal(begin(t, "bob", "imap", "guess1", NULL, START).delay, 0);
	throttle_free(t);
}

static void
the_same_wrong_password_does_not_count_again(void **state)
{
	struct throttle *t = new_throttle(100);

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(wrong(t, "ada", "imap", "old", NULL, START + i).delay, 0);
	assert_int_equal(wrong(t, "ada", "imap", "other", NULL, START).delay, 2000);
	/* What the first one counted for is not held against it, what others did is. */
	assert_int_equal(begin(t, "ada", "imap", "old", NULL, START).delay, 2000);
	throttle_free(t);
}

/* One program has the new password, another one still the old one. */
static void
right_ones_in_between_do_not_make_it_count_again(void **state)
{
	struct throttle *t = new_throttle(100);
	struct throttle_attempt right;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		right = begin(t, "ada", "imap", "new", NULL, START + i);
		throttle_take_back(t, &right, START + i);
		assert_int_equal(wrong(t, "ada", "imap", "old", NULL, START + i).delay, 0);
	}
	throttle_free(t);
}

static void
only_the_last_ten_are_remembered(void **state)
{
	struct throttle *t = new_throttle(100);
	char password[16];

	(void)state;
	for (unsigned i = 0; i < THROTTLE_WRONG + 1; i++) {
		snprintf(password, sizeof(password), "guess%u", i);
		wrong(t, "ada", "imap", password, NULL, START);
	}
	assert_false(begin(t, "ada", "imap", "guess1", NULL, START).counted);
	assert_true(begin(t, "ada", "imap", "guess0", NULL, START).counted);
	throttle_free(t);
}

static void
services_have_counts_of_their_own_and_one_together(void **state)
{
	struct throttle *t = new_throttle(100);

	(void)state;
	wrong(t, "ada", "imap", "1", NULL, START);
	wrong(t, "ada", "imap", "2", NULL, START);
	/* At another service the account's own count, with its three that cost nothing. */
	assert_int_equal(wrong(t, "ada", "smtp", "3", NULL, START).delay, 0);
	assert_int_equal(begin(t, "ada", "pop", "4", NULL, START).delay, 0);
	assert_int_equal(begin(t, "ada", "sieve", "5", NULL, START).delay, 2000);
	throttle_free(t);
}

static void
what_was_right_does_not_count(void **state)
{
	struct throttle *t = new_throttle(100);
	struct throttle_attempt first, second;

	(void)state;
	/* Two connections of one program at once. */
	first = begin(t, "ada", "imap", "right", NULL, START);
	second = begin(t, "ada", "imap", "right", NULL, START);
	assert_int_equal(first.delay, 0);
	assert_int_equal(second.delay, 0);
	throttle_take_back(t, &second, START);
	throttle_take_back(t, &first, START);
	assert_int_equal(begin(t, "ada", "imap", "guess", NULL, START).delay, 0);
	throttle_free(t);
}

static void
guesses_at_once_count_before_they_are_answered(void **state)
{
	struct throttle *t = new_throttle(100);
	struct throttle_attempt last;
	char password[16];

	(void)state;
	for (unsigned i = 0; i < 30; i++) {
		snprintf(password, sizeof(password), "guess%u", i);
		last = begin(t, "ada", "imap", password, NULL, START);
		assert_int_equal(last.may_pass, i < THROTTLE_PASS_MAX);
	}
	assert_int_equal(last.delay, THROTTLE_DELAY_MAX);
	throttle_free(t);
}

static void
counts_decay(void **state)
{
	struct throttle *t = new_throttle(100);
	char password[16];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		snprintf(password, sizeof(password), "guess%u", i);
		wrong(t, "ada", "imap", password, NULL, START);
	}
	assert_int_equal(begin(t, "ada", "imap", "guess3", NULL, START + DECAY - 1).delay, 8000);
	assert_int_equal(begin(t, "ada", "imap", "guess3", NULL, START + DECAY).delay, 4000);
	assert_int_equal(begin(t, "ada", "imap", "guess3", NULL, START + 3 * DECAY).delay, 0);
	assert_int_equal(begin(t, "ada", "imap", "new", NULL, START + 4 * DECAY).delay, 0);
	throttle_free(t);
}

static void
one_address_and_many_accounts(void **state)
{
	static const uint8_t v4[16] = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 1 }, other_v4[16] = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 2 };
	static const uint8_t v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 }, near_v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 2 };
	static const uint8_t far_v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [7] = 1, [15] = 1 };
	struct throttle *t = new_throttle(10000);
	char account[16];

	(void)state;
	for (unsigned i = 0; i < 7; i++) {
		snprintf(account, sizeof(account), "user%u", i);
		wrong(t, account, "imap", "spring2026", v4, START);
		wrong(t, account, "imap", "summer2026", v6, START);
	}
	assert_int_equal(begin(t, "new", "imap", "x", v4, START).delay, 4000);
	assert_int_equal(begin(t, "new1", "imap", "x", other_v4, START).delay, 0);
	assert_int_equal(begin(t, "new2", "imap", "x", v6, START).delay, 4000);
	assert_int_equal(begin(t, "new3", "imap", "x", near_v6, START).delay, 4000);
	assert_int_equal(begin(t, "new4", "imap", "x", far_v6, START).delay, 0);
	assert_int_equal(begin(t, "new5", "imap", "x", NULL, START).delay, 0);
	throttle_free(t);
}

static void
a_flood_of_accounts_does_not_wash_out_who_is_attacked(void **state)
{
	struct throttle *t = new_throttle(64);
	char text[16];

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "guess%u", i);
		wrong(t, "ada", "imap", text, NULL, START);
	}
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(text, sizeof(text), "user%u", i);
		wrong(t, text, "imap", "x", NULL, START + i / 100);
	}
	assert_int_equal(begin(t, "ada", "imap", "more", NULL, START + 1001).delay, THROTTLE_DELAY_MAX);
	throttle_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_wrong_password_makes_the_next_one_wait_longer),
		cmocka_unit_test(the_same_wrong_password_does_not_count_again),
		cmocka_unit_test(right_ones_in_between_do_not_make_it_count_again),
		cmocka_unit_test(only_the_last_ten_are_remembered),
		cmocka_unit_test(services_have_counts_of_their_own_and_one_together),
		cmocka_unit_test(what_was_right_does_not_count),
		cmocka_unit_test(guesses_at_once_count_before_they_are_answered),
		cmocka_unit_test(counts_decay),
		cmocka_unit_test(one_address_and_many_accounts),
		cmocka_unit_test(a_flood_of_accounts_does_not_wash_out_who_is_attacked),
	};

	return RUN_TESTS(tests);
}
