/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "common/span.h"

#include <errno.h>

static void
to_u64_takes_digits_only_and_minds_the_limit(void **state)
{
	static const struct {
		const char *given;
		uint64_t max;
		int want;
		uint64_t number;
	} rows[] = {
		{ "0", 10, 0, 0 },
		{ "10", 10, 0, 10 },
		{ "11", 10, -ERANGE, 0 },
		{ "", 10, -EINVAL, 0 },
		{ "+1", 10, -EINVAL, 0 },
		{ "1 ", 10, -EINVAL, 0 },
		{ "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, -ERANGE, 0 },
		{ "99999999999999999999x", UINT64_MAX, -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t got = 0;

		assert_int_equal(span_to_u64(span_of(rows[i].given), rows[i].max, &got), rows[i].want);
		assert_int_equal(got, rows[i].number);
	}
}

static void
words_are_split_at_any_run_of_blanks(void **state)
{
	struct span rest = SPAN("  10\tmail.  x ");
	struct span word;

	(void)state;
	assert_true(span_next_word(&rest, &word));
	assert_true(span_is(word, SPAN("10")));
	assert_true(span_next_word(&rest, &word));
	assert_true(span_is(word, SPAN("mail.")));
	assert_true(span_next_word(&rest, &word));
	assert_true(span_is(word, SPAN("x")));
	assert_false(span_next_word(&rest, &word));
}

static void
case_is_ignored_for_ascii_only(void **state)
{
	(void)state;
	assert_true(span_is_nocase(SPAN("dNSZone"), SPAN("DNSzone")));
	assert_false(span_is_nocase(SPAN("\xc4"), SPAN("\xe4")));
	assert_true(span_ends_nocase(SPAN("aAAARecord"), SPAN("record")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(to_u64_takes_digits_only_and_minds_the_limit),
		cmocka_unit_test(words_are_split_at_any_run_of_blanks),
		cmocka_unit_test(case_is_ignored_for_ascii_only),
	};

	return RUN_TESTS(tests);
}
