/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "common/macro.h"
#include "common/seldom.h"

static void
a_subject_is_spoken_of_once_a_minute(void **state)
{
	struct seldom seldom = { 0 };
	unsigned left_out = 7;

	(void)state;
	assert_true(seldom_now(&seldom, SPAN("a"), 1000, &left_out));
	assert_int_equal(left_out, 0);
	assert_false(seldom_now(&seldom, SPAN("a"), 1000, &left_out));
	assert_false(seldom_now(&seldom, SPAN("a"), 60999, &left_out));
	assert_true(seldom_now(&seldom, SPAN("a"), 61000, &left_out));
	assert_int_equal(left_out, 2);
	assert_true(seldom_now(&seldom, SPAN("a"), 200000, &left_out));
	assert_int_equal(left_out, 0);
}

static void
many_subjects_are_bounded_together(void **state)
{
	struct seldom seldom = { 0 };
	unsigned said = 0, left_out;

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		said += seldom_now(&seldom, span_from(&i, sizeof(i)), 5, &left_out);
	assert_in_range(said, SELDOM_SLOTS / 2, SELDOM_SLOTS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_subject_is_spoken_of_once_a_minute),
		cmocka_unit_test(many_subjects_are_bounded_together),
	};

	return RUN_TESTS(tests);
}
