/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "common/counted.h"

#include <errno.h>

static void
strings_are_taken_one_after_the_other(void **state)
{
	static const struct {
		struct span given;
		size_t max;
		int want;
		struct span octets;
		size_t left;
	} rows[] = {
		{ SPAN("\0\3abc"), 8, 1, SPAN("abc"), 0 },
		{ SPAN("\0\3abc\0\1x"), 8, 1, SPAN("abc"), 3 },
		{ SPAN("\0\0"), 8, 1, SPAN(""), 0 },
		{ SPAN("\0\0\0"), 8, 1, SPAN(""), 1 },
		{ SPAN("\0\3a\0c"), 8, 1, SPAN("a\0c"), 0 },
		{ SPAN("\0\2\200\377"), 8, 1, SPAN("\200\377"), 0 },
		{ SPAN("\0\3abc"), 3, 1, SPAN("abc"), 0 },
		{ SPAN(""), 8, 0, SPAN("-"), 0 },
		{ SPAN("\0"), 8, 0, SPAN("-"), 1 },
		{ SPAN("\0\3ab"), 8, 0, SPAN("-"), 4 },
		{ SPAN("\0\3abc"), 2, -EMSGSIZE, SPAN("-"), 5 },
		{ SPAN("\0\11"), 8, -EMSGSIZE, SPAN("-"), 2 },
		{ SPAN("\377\377"), 65534, -EMSGSIZE, SPAN("-"), 2 },
		{ SPAN("\377\377"), 65535, 0, SPAN("-"), 2 },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct span input = rows[i].given, octets = SPAN("-");
		int r = counted_take(&input, rows[i].max, &octets);

		if (r != rows[i].want || !span_is(octets, rows[i].octets) || input.len != rows[i].left)
			fail_msg("row %zu: %d, %zu octets, %zu left", i, r, octets.len, input.len);
	}
}

static void
what_is_put_can_be_taken(void **state)
{
	static char many[COUNTED_LENGTH_MAX + 1];
	static const struct {
		struct span given;
		int want;
	} rows[] = {
		{ SPAN(""), 0 },
		{ SPAN("a"), 0 },
		{ SPAN("a\0b"), 0 },
		{ { many, 255 }, 0 },
		{ { many, 256 }, 0 },
		{ { many, COUNTED_LENGTH_MAX }, 0 },
		{ { many, COUNTED_LENGTH_MAX + 1 }, -EMSGSIZE },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct text out = TEXT_INIT;
		struct span input, octets;
		int r = counted_put(&out, rows[i].given);

		if (r != rows[i].want)
			fail_msg("row %zu: %d", i, r);
		input = text_span(&out);
		if (r == 0) {
			assert_int_equal(counted_take(&input, COUNTED_LENGTH_MAX, &octets), 1);
			assert_true(span_is(octets, rows[i].given));
		}
		assert_int_equal(input.len, 0);
		text_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_are_taken_one_after_the_other),
		cmocka_unit_test(what_is_put_can_be_taken),
	};

	return RUN_TESTS(tests);
}
