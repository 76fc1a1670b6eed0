/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "common/macro.h"
#include "common/utf8.h"

static void
utf8_is_told_from_other_octets(void **state)
{
	static const struct {
		struct span given;
		bool want;
	} rows[] = {
		{ SPAN(""), true },
		{ SPAN("plain"), true },
		{ SPAN("a\0b"), true },
		{ SPAN("\xc3\xa4"), true },
		{ SPAN("\xe2\x82\xac"), true },
		{ SPAN("\xef\xbf\xbf"), true },
		{ SPAN("\xf0\x9f\x98\x80 x"), true },
		{ SPAN("\xf4\x8f\xbf\xbf"), true },
		{ SPAN("\xc3"), false },
		{ SPAN("\xc3x"), false },
		{ SPAN("\x80"), false },
		{ SPAN("\xc0\x80"), false },
		{ SPAN("\xc1\xbf"), false },
		{ SPAN("\xe0\x9f\xbf"), false },
		{ SPAN("\xe2\x82"), false },
		{ SPAN("\xe2\x82x"), false },
		{ SPAN("\xed\xa0\x80"), false },
		{ SPAN("\xf0\x8f\xbf\xbf"), false },
		{ SPAN("\xf4\x90\x80\x80"), false },
		{ SPAN("\xf5\x80\x80\x80"), false },
		{ SPAN("\xff"), false },
		{ SPAN("M\xfcller"), false },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		if (utf8_is_valid(rows[i].given) != rows[i].want)
			fail_msg("row %zu", i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_is_told_from_other_octets),
	};

	return RUN_TESTS(tests);
}
