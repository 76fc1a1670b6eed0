/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "postfix_map/netstring.h"

#include <errno.h>

enum { MAX = 8 };

static void
netstrings_are_read_as_postfix_reads_them(void **state)
{
	static const struct {
		struct span given;
		int want;
		struct span octets;
		size_t taken, rest;
	} rows[] = {
		{ SPAN("3:abc,"), 1, SPAN("abc"), 6, 0 },
		{ SPAN("3:abc,4:x"), 1, SPAN("abc"), 6, 0 },
		{ SPAN("0:,"), 1, SPAN(""), 3, 0 },
		{ SPAN(":,"), 1, SPAN(""), 2, 0 },
		{ SPAN("003:abc,"), 1, SPAN("abc"), 8, 0 },
		{ SPAN("00000000000000000003:abc,"), 1, SPAN("abc"), 25, 0 },
		{ SPAN("3:a\0,,"), 1, SPAN("a\0,"), 6, 0 },
		{ SPAN("8:12345678,"), 1, SPAN("12345678"), 11, 0 },
		{ SPAN(""), 0, SPAN(""), 0, 0 },
		{ SPAN("3"), 0, SPAN(""), 0, 0 },
		{ SPAN("3:"), 0, SPAN(""), 0, 0 },
		{ SPAN("3:abc"), 0, SPAN(""), 0, 0 },
		{ SPAN("9:"), -EMSGSIZE, SPAN(""), 2, 10 },
		{ SPAN("9:123456789,"), -EMSGSIZE, SPAN(""), 2, 10 },
		{ SPAN("100000:xx"), -EMSGSIZE, SPAN(""), 7, 100001 },
		{ SPAN("16777216:"), -EMSGSIZE, SPAN(""), 9, 16777217 },
		{ SPAN("16777217:"), -EBADMSG, SPAN(""), 0, 0 },
		{ SPAN("99999999999999999999"), -EBADMSG, SPAN(""), 0, 0 },
		{ SPAN("000000000000000000003:abc,"), -EBADMSG, SPAN(""), 0, 0 },
		{ SPAN("3:abcd"), -EBADMSG, SPAN(""), 0, 0 },
		{ SPAN("-1:"), -EBADMSG, SPAN(""), 0, 0 },
		{ SPAN(" 3:abc,"), -EBADMSG, SPAN(""), 0, 0 },
		{ SPAN("GET / HTTP/1.0"), -EBADMSG, SPAN(""), 0, 0 },
		{ SPAN("\n3:abc,"), -EBADMSG, SPAN(""), 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct span octets = SPAN("");
		size_t taken = 0, rest = 0;
		int r = netstring_take(rows[i].given, MAX, &octets, &taken, &rest);

		if (r != rows[i].want || !span_is(octets, rows[i].octets) || taken != rows[i].taken || rest != rows[i].rest)
			fail_msg("row %zu: %d taken %zu rest %zu", i, r, taken, rest);
	}
}

static void
what_is_written_can_be_read(void **state)
{
	static const struct span datas[] = { SPAN(""), SPAN("a"), SPAN("0123456789"), SPAN("a,b:c\0d") };

	(void)state;
	for (size_t i = 0; i < array_size(datas); i++) {
		struct text out = TEXT_INIT;
		struct span octets;
		size_t taken, rest;

		netstring_put(&out, SPAN("OK "), datas[i]);
		assert_int_equal(netstring_take(text_span(&out), 100, &octets, &taken, &rest), 1);
		assert_int_equal(taken, out.len);
		assert_true(span_starts_nocase(octets, SPAN("OK ")));
		assert_true(span_is(span_skip(octets, 3), datas[i]));
		text_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(netstrings_are_read_as_postfix_reads_them),
		cmocka_unit_test(what_is_written_can_be_read),
	};

	return RUN_TESTS(tests);
}
