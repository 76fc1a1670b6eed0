/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "agent/imap.h"

#include <errno.h>

static void
responses(void **state)
{
	static const struct {
		struct span input;
		int want;
		enum imap_kind kind;
		const char *tag, *rest;
		size_t taken;
	} rows[] = {
		{ SPAN("* OK hello\r\n* more"), 1, IMAP_UNTAGGED, "*", "OK hello", 12 },
		{ SPAN("a1 NO [TRYCREATE] x\n"), 1, IMAP_TAGGED, "a1", "NO [TRYCREATE] x", 20 },
		{ SPAN("+ go on\r\n"), 1, IMAP_CONTINUE, "+", "go on", 9 },
		{ SPAN("+\r\n"), 1, IMAP_CONTINUE, "+", "", 3 },
		{ SPAN("* LIST () \"/\" {3}\r\na\r\n x\r\n"), 1, IMAP_UNTAGGED, "*", "LIST () \"/\" {3}\r\na\r\n x", 26 },
		{ SPAN("* X {0}\r\n\r\n"), 1, IMAP_UNTAGGED, "*", "X {0}\r\n", 11 },
		{ SPAN("* X {3}\r\nab"), 0, 0, NULL, NULL, 0 },
		{ SPAN("* X {3}\r\nabc"), 0, 0, NULL, NULL, 0 },
		{ SPAN("* X"), 0, 0, NULL, NULL, 0 },
		{ SPAN(""), 0, 0, NULL, NULL, 0 },
		{ SPAN("\r\n"), -EBADMSG, 0, NULL, NULL, 0 },
		{ SPAN("OK\r\n"), -EBADMSG, 0, NULL, NULL, 0 },
		{ SPAN("* a\0b\r\n"), -EBADMSG, 0, NULL, NULL, 0 },
		{ SPAN("* X {99999999999999999999}\r\n"), -EMSGSIZE, 0, NULL, NULL, 0 },
		{ SPAN("* X {1048577}\r\n"), -EMSGSIZE, 0, NULL, NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct imap_response got;
		int r = imap_take(rows[i].input, &got);

		if (r != rows[i].want)
			fail_msg("row %zu: got %d", i, r);
		if (r <= 0)
			continue;
		assert_int_equal(got.kind, rows[i].kind);
		assert_true(span_is(got.tag, span_of(rows[i].tag)));
		if (!span_is(got.rest, span_of(rows[i].rest)))
			fail_msg("row %zu: got \"%.*s\"", i, (int)got.rest.len, got.rest.data);
		assert_int_equal(got.taken, rows[i].taken);
		/* Cut anywhere it is not complete. */
		for (size_t n = 0; n < rows[i].taken; n++)
			assert_int_equal(imap_take(span_from(rows[i].input.data, n), &got), 0);
	}
}

static void
statuses(void **state)
{
	struct imap_status got;

	(void)state;
	imap_status(SPAN("no [NONEXISTENT x] Mailbox does not exist"), &got);
	assert_int_equal(got.condition, IMAP_NO);
	assert_true(imap_code_is(&got, "nonexistent"));
	assert_false(imap_code_is(&got, "NON"));
	assert_true(span_is(got.text, SPAN("Mailbox does not exist")));
	imap_status(SPAN("BYE"), &got);
	assert_int_equal(got.condition, IMAP_BYE);
	assert_int_equal(got.text.len, 0);
	imap_status(SPAN("OK [broken"), &got);
	assert_int_equal(got.condition, IMAP_OK);
	assert_true(span_is(got.text, SPAN("[broken")));
	imap_status(SPAN("LIST () x"), &got);
	assert_int_equal(got.condition, IMAP_NONE);
}

static void
tokens(void **state)
{
	static const struct {
		enum imap_token_kind kind;
		const char *value;
	} want[] = {
		{ IMAP_ATOM, "LIST" },   { IMAP_OPEN, "(" }, { IMAP_ATOM, "\\HasNoChildren" }, { IMAP_CLOSE, ")" }, { IMAP_QUOTED, "/" },
		{ IMAP_LITERAL, "a (b" }, { IMAP_NIL, "NIL" }, { IMAP_QUOTED, "a\"b\\" },       { IMAP_ATOM, "BODY[X (y)]" },
	};
	struct span rest = SPAN("LIST (\\HasNoChildren) \"/\" {4}\r\na (b NIL \"a\\\"b\\\\\" BODY[X (y)]");
	cleanup(text_free) struct text value = TEXT_INIT;
	struct imap_token got;

	(void)state;
	for (size_t i = 0; i < array_size(want); i++) {
		assert_int_equal(imap_next(&rest, &got), 1);
		text_clear(&value);
		imap_put_value(&value, &got);
		assert_int_equal(got.kind, want[i].kind);
		assert_string_equal(text_str(&value), want[i].value);
	}
	assert_int_equal(imap_next(&rest, &got), 0);
	rest = SPAN("\"open");
	assert_int_equal(imap_next(&rest, &got), -EBADMSG);
	rest = SPAN("\"open\\");
	assert_int_equal(imap_next(&rest, &got), -EBADMSG);
	rest = SPAN("{9}\r\nx");
	assert_int_equal(imap_next(&rest, &got), -EBADMSG);
	rest = SPAN("{x}");
	assert_int_equal(imap_next(&rest, &got), -EBADMSG);
}

static void
names_in_utf7(void **state)
{
	static const struct {
		const char *given, *want; /* RFC 3501 5.1.3 */
	} rows[] = {
		{ "Sent", "Sent" },
		{ "a&b", "a&-b" },
		{ "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "~peter/mail/&U,BTFw-/&ZeVnLIqe-" },
		{ "Entw\xc3\xbcrfe", "Entw&APw-rfe" },
		{ "\xf0\x9f\x98\x80", "&2D3eAA-" },
		{ "", "" },
	};
	cleanup(text_free) struct text got = TEXT_INIT;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		text_clear(&got);
		assert_int_equal(imap_put_utf7(&got, span_of(rows[i].given)), 0);
		assert_string_equal(text_str(&got), rows[i].want);
	}
	assert_int_equal(imap_put_utf7(&got, SPAN("\xff")), -EINVAL);
}

static void
quoted_strings(void **state)
{
	cleanup(text_free) struct text got = TEXT_INIT;

	(void)state;
	assert_true(imap_put_quoted(&got, SPAN("a\"b\\c")));
	assert_string_equal(text_str(&got), "\"a\\\"b\\\\c\"");
	assert_false(imap_put_quoted(&got, SPAN("a\nb")));
	assert_false(imap_put_quoted(&got, SPAN("a\0b")));
	assert_false(imap_put_quoted(&got, SPAN("\xc3\xbc")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(responses),
		cmocka_unit_test(statuses),
		cmocka_unit_test(tokens),
		cmocka_unit_test(names_in_utf7),
		cmocka_unit_test(quoted_strings),
	};

	return RUN_TESTS(tests);
}
