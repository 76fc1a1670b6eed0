/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "postfix_map/tcptable.h"

#include <errno.h>

static void
lines_are_read(void **state)
{
	static const struct {
		struct span given;
		enum tcptable_request want;
		struct span key;
	} rows[] = {
		{ SPAN("get joe@tern.example"), TCPTABLE_GET, SPAN("joe@tern.example") },
		{ SPAN("get joe@tern.example\r"), TCPTABLE_GET, SPAN("joe@tern.example") },
		{ SPAN("get a%20b%25%0a%C3%a4"), TCPTABLE_GET, SPAN("a b%\n\xc3\xa4") },
		{ SPAN("get a b"), TCPTABLE_GET, SPAN("a b") },
		{ SPAN("get "), TCPTABLE_GET, SPAN("") },
		{ SPAN("get %00"), TCPTABLE_GET, SPAN("\0") },
		{ SPAN("put a b"), TCPTABLE_PUT, SPAN("") },
		{ SPAN("put "), TCPTABLE_PUT, SPAN("") },
		{ SPAN("get"), TCPTABLE_NONSENSE, SPAN("") },
		{ SPAN("GET / HTTP/1.0"), TCPTABLE_NONSENSE, SPAN("") },
		{ SPAN(""), TCPTABLE_NONSENSE, SPAN("") },
		{ SPAN("\r"), TCPTABLE_NONSENSE, SPAN("") },
		{ SPAN("getx"), TCPTABLE_NONSENSE, SPAN("") },
		{ SPAN("get %"), TCPTABLE_NONSENSE, SPAN("") },
		{ SPAN("get %4"), TCPTABLE_NONSENSE, SPAN("") },
		{ SPAN("get %4g"), TCPTABLE_NONSENSE, SPAN("") },
		{ SPAN("get %41"), TCPTABLE_GET, SPAN("A") },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct text key = TEXT_INIT;
		enum tcptable_request r = tcptable_request(rows[i].given, &key);

		if (r != rows[i].want || (r == TCPTABLE_GET && !span_is(text_span(&key), rows[i].key)))
			fail_msg("row %zu: %d \"%s\"", i, (int)r, text_str(&key));
		text_free(&key);
	}
}

static void
replies_are_encoded(void **state)
{
	static const struct {
		struct reply given;
		const char *want;
	} rows[] = {
		{ { REPLY_FOUND, SPAN("a@b,c@d") }, "200 a@b,c@d\n" },
		{ { REPLY_FOUND, SPAN("100% \"x y\"\n\xc3\xa4") }, "200 100%25%20\"x%20y\"%0A%C3%A4\n" },
		{ { REPLY_ABSENT, SPAN("x") }, "500 not found\n" },
		{ { REPLY_LATER, SPAN("not loaded") }, "400 not%20loaded\n" },
		{ { REPLY_NONSENSE, SPAN("no") }, "500 no\n" },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct text out = TEXT_INIT;

		assert_int_equal(tcptable_put_reply(&out, &rows[i].given), 0);
		assert_string_equal(text_str(&out), rows[i].want);
		text_free(&out);
	}
}

/* Postfix reads 4096 octets, LF included. */
static void
a_reply_that_postfix_would_not_take_is_not_made(void **state)
{
	static char data[TCPTABLE_REPLY_MAX];
	struct text out = TEXT_INIT;
	struct reply reply = { REPLY_FOUND, span_from(data, TCPTABLE_REPLY_MAX - 5) };

	(void)state;
	memset(data, 'x', sizeof(data));
	text_put(&out, "before");
	assert_int_equal(tcptable_put_reply(&out, &reply), 0);
	assert_int_equal(out.len, 6 + TCPTABLE_REPLY_MAX);
	out.len = 6;
	reply.text.len++;
	assert_int_equal(tcptable_put_reply(&out, &reply), -E2BIG);
	assert_string_equal(text_str(&out), "before");
	data[0] = ' ';
	reply.text.len--;
	assert_int_equal(tcptable_put_reply(&out, &reply), -E2BIG);
	text_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read),
		cmocka_unit_test(replies_are_encoded),
		cmocka_unit_test(a_reply_that_postfix_would_not_take_is_not_made),
	};

	return RUN_TESTS(tests);
}
