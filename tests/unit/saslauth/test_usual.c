/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "saslauth/usual.h"

#include <stdio.h>

static void
note(struct usual *usual, const char *stored, const char *scheme, uint64_t cost, unsigned times)
{
	const struct password_value value = { .scheme = scheme, .cost = cost };

	while (times-- > 0)
		usual_note(usual, span_of(stored), &value);
}

static void
want(const struct usual *usual, const char *stored)
{
	struct span got = usual_stored(usual);

	if (!span_is(got, span_of(stored)))
		fail_msg("got %.*s, want %s", (int)got.len, got.data, stored);
}

static void
what_is_checked_most_is_usual(void **state)
{
	static const char ssha[] = "SSHA", bcrypt[] = "CRYPT bcrypt";
	struct usual usual = { .forms = { { .scheme = NULL } } };

	(void)state;
	note(&usual, "one", ssha, 0, 1);
	want(&usual, "one");
	note(&usual, "two", bcrypt, 10, 2);
	want(&usual, "two");
	note(&usual, "three", bcrypt, 12, 3);
	want(&usual, "three");
	/* The sample is the first one of its form. */
	note(&usual, "four", ssha, 0, 4);
	want(&usual, "one");
	/* What was usual once gives way. */
	note(&usual, "one", ssha, 0, 5000);
	note(&usual, "two", bcrypt, 10, 1500);
	want(&usual, "two");
	usual_wipe(&usual);
}

static void
before_anything_is_known_it_is_something_that_can_be_checked(void **state)
{
	struct usual usual = { .forms = { { .scheme = NULL } } };
	struct password_value value;

	(void)state;
	password_inspect(usual_stored(&usual), NULL, &value);
	assert_int_equal(value.kind, PASSWORD_VERIFIABLE);
	assert_false(value.costly);
}

static void
more_forms_than_there_is_room_for(void **state)
{
	static const char scheme[] = "x";
	struct usual usual = { .forms = { { .scheme = NULL } } };
	char stored[16];

	(void)state;
	note(&usual, "usual", scheme, 1000, 20);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(stored, sizeof(stored), "%u", i);
		note(&usual, stored, scheme, i, 1);
	}
	want(&usual, "usual");
	usual_wipe(&usual);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_checked_most_is_usual),
		cmocka_unit_test(before_anything_is_known_it_is_something_that_can_be_checked),
		cmocka_unit_test(more_forms_than_there_is_room_for),
	};

	return RUN_TESTS(tests);
}
