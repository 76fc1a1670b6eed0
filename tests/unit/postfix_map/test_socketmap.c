/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "postfix_map/socketmap.h"

static void
requests_are_split_at_the_first_blank(void **state)
{
	static const struct {
		struct span given, name, key;
	} rows[] = {
		{ SPAN("virtual joe@tern.example"), SPAN("virtual"), SPAN("joe@tern.example") },
		{ SPAN("virtual \"a b\"@tern.example"), SPAN("virtual"), SPAN("\"a b\"@tern.example") },
		{ SPAN("virtual a b"), SPAN("virtual"), SPAN("a b") },
		{ SPAN("virtual  a"), SPAN("virtual"), SPAN(" a") },
		{ SPAN("virtual "), SPAN("virtual"), SPAN("") },
		{ SPAN("virtual"), SPAN("virtual"), SPAN("") },
		{ SPAN(" a"), SPAN(""), SPAN("a") },
		{ SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("m\0 k\0"), SPAN("m\0"), SPAN("k\0") },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct span name, key;

		socketmap_request(rows[i].given, &name, &key);
		if (!span_is(name, rows[i].name) || !span_is(key, rows[i].key))
			fail_msg("row %zu: \"%.*s\" \"%.*s\"", i, (int)name.len, name.data, (int)key.len, key.data);
	}
}

static void
replies_are_spelled_as_postfix_wants_them(void **state)
{
	static const struct {
		struct reply given;
		const char *want;
	} rows[] = {
		{ { REPLY_FOUND, SPAN("joe@tern.example") }, "19:OK joe@tern.example," },
		{ { REPLY_ABSENT, SPAN("") }, "9:NOTFOUND ," },
		{ { REPLY_ABSENT, SPAN("whatever") }, "9:NOTFOUND ," },
		{ { REPLY_LATER, SPAN("not loaded") }, "15:TEMP not loaded," },
		{ { REPLY_NONSENSE, SPAN("no map") }, "11:PERM no map," },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct text out = TEXT_INIT;

		socketmap_put_reply(&out, &rows[i].given);
		assert_string_equal(text_str(&out), rows[i].want);
		text_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_split_at_the_first_blank),
		cmocka_unit_test(replies_are_spelled_as_postfix_wants_them),
	};

	return RUN_TESTS(tests);
}
