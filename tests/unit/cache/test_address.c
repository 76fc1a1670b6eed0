/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/address.h"

#include <errno.h>

#define T10 "aaaaaaaaaa"
#define T60 T10 T10 T10 T10 T10 T10
#define T63 T60 "aaa"
#define T240 T60 T60 T60 T60
#define LONGEST_DOMAIN T63 "." T63 "." T63 "." T60 "a"

enum { NONE = -1 };

static const struct {
	struct span text;
	int kind;
	struct span local, domain;
} rows[] = {
	{ SPAN("ada@tern.example"), ADDRESS_FULL, SPAN("ada"), SPAN("tern.example") },
	{ SPAN("ADA@Tern.EXAMPLE"), ADDRESS_FULL, SPAN("ada"), SPAN("tern.example") },
	{ SPAN("Ada+Lists@tern.example."), ADDRESS_FULL, SPAN("ada+lists"), SPAN("tern.example") },
	{ SPAN("@tern.example"), ADDRESS_CATCH_ALL, SPAN(""), SPAN("tern.example") },
	{ SPAN("tern.example"), ADDRESS_WORD, SPAN(""), SPAN("tern.example") },
	{ SPAN(".Tern.example"), ADDRESS_WORD, SPAN(""), SPAN(".tern.example") },
	{ SPAN("root"), ADDRESS_WORD, SPAN(""), SPAN("root") },
	{ SPAN("unknown"), ADDRESS_WORD, SPAN(""), SPAN("unknown") },
	{ SPAN("192.0.2.1"), ADDRESS_WORD, SPAN(""), SPAN("192.0.2.1") },
	{ SPAN("a_b@x_y.example"), ADDRESS_FULL, SPAN("a_b"), SPAN("x_y.example") },

	/* quoted: both forms that Postfix asks for are one */
	{ SPAN("\"a b\"@tern.example"), ADDRESS_FULL, SPAN("a b"), SPAN("tern.example") },
	{ SPAN("a b@tern.example"), ADDRESS_FULL, SPAN("a b"), SPAN("tern.example") },
	{ SPAN("\"Ada\"@tern.example"), ADDRESS_FULL, SPAN("ada"), SPAN("tern.example") },
	{ SPAN("\"a\\\"b\"@tern.example"), ADDRESS_FULL, SPAN("a\"b"), SPAN("tern.example") },
	{ SPAN("a\"b@tern.example"), ADDRESS_FULL, SPAN("a\"b"), SPAN("tern.example") },
	{ SPAN("\"a\\\\b\"@tern.example"), ADDRESS_FULL, SPAN("a\\b"), SPAN("tern.example") },
	{ SPAN("a\\b@tern.example"), ADDRESS_FULL, SPAN("a\\b"), SPAN("tern.example") },
	{ SPAN("\"a@b\"@tern.example"), ADDRESS_FULL, SPAN("a@b"), SPAN("tern.example") },
	{ SPAN("a@b@tern.example"), ADDRESS_FULL, SPAN("a@b"), SPAN("tern.example") },
	{ SPAN("@a@tern.example"), ADDRESS_FULL, SPAN("@a"), SPAN("tern.example") },
	{ SPAN("\"a\"b\"@tern.example"), ADDRESS_FULL, SPAN("\"a\"b\""), SPAN("tern.example") },
	{ SPAN("\"a\\\"@tern.example"), ADDRESS_FULL, SPAN("\"a\\\""), SPAN("tern.example") },
	{ SPAN("\"@tern.example"), ADDRESS_FULL, SPAN("\""), SPAN("tern.example") },
	{ SPAN("\"\"@tern.example"), NONE, SPAN(""), SPAN("") },

	/* literals */
	{ SPAN("ada@[192.0.2.1]"), ADDRESS_FULL, SPAN("ada"), SPAN("[192.0.2.1]") },
	{ SPAN("ada@[IPv6:2001:DB8::1]"), ADDRESS_FULL, SPAN("ada"), SPAN("[ipv6:2001:db8::1]") },
	{ SPAN("[192.0.2.1]"), ADDRESS_WORD, SPAN(""), SPAN("[192.0.2.1]") },
	{ SPAN("ada@[]"), NONE, SPAN(""), SPAN("") },
	{ SPAN("ada@[192.0.2.1"), NONE, SPAN(""), SPAN("") },
	{ SPAN("ada@[a[b]"), NONE, SPAN(""), SPAN("") },
	{ SPAN("ada@[192.0.2.1]."), NONE, SPAN(""), SPAN("") },

	/* no record can have these */
	{ SPAN(""), NONE, SPAN(""), SPAN("") },
	{ SPAN("<>"), NONE, SPAN(""), SPAN("") },
	{ SPAN("\"<>\""), NONE, SPAN(""), SPAN("") },
	{ SPAN("\"\""), NONE, SPAN(""), SPAN("") },
	{ SPAN("*"), NONE, SPAN(""), SPAN("") },
	{ SPAN("@"), NONE, SPAN(""), SPAN("") },
	{ SPAN("@@"), NONE, SPAN(""), SPAN("") },
	{ SPAN("ada@"), NONE, SPAN(""), SPAN("") },
	{ SPAN("ada@."), NONE, SPAN(""), SPAN("") },
	{ SPAN("ada@.tern.example"), NONE, SPAN(""), SPAN("") },
	{ SPAN("ada@tern..example"), NONE, SPAN(""), SPAN("") },
	{ SPAN("ada@tern.example.."), NONE, SPAN(""), SPAN("") },
	{ SPAN("ada@tern example"), NONE, SPAN(""), SPAN("") },
	{ SPAN("<ada@tern.example>"), NONE, SPAN(""), SPAN("") },
	{ SPAN("\"ada@tern.example\""), NONE, SPAN(""), SPAN("") },
	{ SPAN("a b"), NONE, SPAN(""), SPAN("") },
	{ SPAN("..tern.example"), NONE, SPAN(""), SPAN("") },
	{ SPAN("."), NONE, SPAN(""), SPAN("") },
	{ SPAN("ada\0@tern.example"), NONE, SPAN(""), SPAN("") },
	{ SPAN("ada@tern.example\0"), NONE, SPAN(""), SPAN("") },
	{ SPAN("ada@t\xc3\xa9rn\0.example"), NONE, SPAN(""), SPAN("") },
	{ SPAN("ada\r\n@tern.example"), NONE, SPAN(""), SPAN("") },
	{ SPAN("a\tb@tern.example"), NONE, SPAN(""), SPAN("") },

	/* lengths */
	{ SPAN(T240 "@" LONGEST_DOMAIN), ADDRESS_FULL, SPAN(T240), SPAN(LONGEST_DOMAIN) },
	{ SPAN(T240 "@" LONGEST_DOMAIN "."), ADDRESS_FULL, SPAN(T240), SPAN(LONGEST_DOMAIN) },
	{ SPAN(T240 "a@tern.example"), NONE, SPAN(""), SPAN("") },
	{ SPAN("ada@" LONGEST_DOMAIN "a"), NONE, SPAN(""), SPAN("") },
	{ SPAN("." LONGEST_DOMAIN), NONE, SPAN(""), SPAN("") },
	{ SPAN("ada@" T63 "a.example"), NONE, SPAN(""), SPAN("") },
	{ SPAN(T240 T240 T240 T240 T240 T240 T240 T240 T240 "@tern.example"), NONE, SPAN(""), SPAN("") },

	/* UTF-8: case, composed or not, of any length */
	{ SPAN("J\xc3\x96RG@tern.example"), ADDRESS_FULL, SPAN("j\xc3\xb6rg"), SPAN("tern.example") },
	{ SPAN("jo\xcc\x88rg@tern.example"), ADDRESS_FULL, SPAN("j\xc3\xb6rg"), SPAN("tern.example") },
	{ SPAN("\"J\xc3\x96 RG\"@tern.example"), ADDRESS_FULL, SPAN("j\xc3\xb6 rg"), SPAN("tern.example") },
	{ SPAN("stra\xc3\x9f" "e@tern.example"), ADDRESS_FULL, SPAN("strasse"), SPAN("tern.example") },
	{ SPAN("\xce\xa3\xce\x9f\xce\xa6\xce\x8c\xce\xa3@tern.example"), ADDRESS_FULL,
	  SPAN("\xcf\x83\xce\xbf\xcf\x86\xcf\x8c\xcf\x83"), SPAN("tern.example") },
	{ SPAN("\xe7\x94\xa8\xe6\x88\xb7@tern.example"), ADDRESS_FULL, SPAN("\xe7\x94\xa8\xe6\x88\xb7"), SPAN("tern.example") },
	{ SPAN("J\xd6RG@tern.example"), NONE, SPAN(""), SPAN("") },
	{ SPAN("\xed\xa0\x80@tern.example"), NONE, SPAN(""), SPAN("") },
	{ SPAN("\xc0\x80@tern.example"), NONE, SPAN(""), SPAN("") },

	/* IDNA */
	{ SPAN("ada@m\xc3\xbcnchen.example"), ADDRESS_FULL, SPAN("ada"), SPAN("xn--mnchen-3ya.example") },
	{ SPAN("ada@M\xc3\x9cNCHEN.Example"), ADDRESS_FULL, SPAN("ada"), SPAN("xn--mnchen-3ya.example") },
	{ SPAN("ada@mu\xcc\x88nchen.example."), ADDRESS_FULL, SPAN("ada"), SPAN("xn--mnchen-3ya.example") },
	{ SPAN("ada@XN--Mnchen-3YA.example"), ADDRESS_FULL, SPAN("ada"), SPAN("xn--mnchen-3ya.example") },
	{ SPAN("ada@fa\xc3\x9f.example"), ADDRESS_FULL, SPAN("ada"), SPAN("xn--fa-hia.example") },
	{ SPAN("ada@tern\xe3\x80\x82" "example"), ADDRESS_FULL, SPAN("ada"), SPAN("tern.example") },
	{ SPAN("ada@tern\xe3\x80\x82" "example\xe3\x80\x82"), ADDRESS_FULL, SPAN("ada"), SPAN("tern.example") },
	{ SPAN("ada@\xef\xbc\xb4\xef\xbc\xa5rn.example"), ADDRESS_FULL, SPAN("ada"), SPAN("tern.example") },
	{ SPAN("ada@m\xc3\xbcn_chen.example"), ADDRESS_FULL, SPAN("ada"), SPAN("xn--mn_chen-n2a.example") },
	{ SPAN(".m\xc3\xbcnchen.example"), ADDRESS_WORD, SPAN(""), SPAN(".xn--mnchen-3ya.example") },
	{ SPAN("ada@m\xfcnchen.example"), NONE, SPAN(""), SPAN("") },
	{ SPAN("ada@\xe2\x80\x8d.example"), NONE, SPAN(""), SPAN("") },
	{ SPAN("ada@m\xc3\xbcn chen.example"), NONE, SPAN(""), SPAN("") },
	{ SPAN("ada@\xe3\x80\x82m\xc3\xbcnchen.example"), NONE, SPAN(""), SPAN("") },
};

static void
addresses_are_folded(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct address got;
		int r = address_read(rows[i].text, &got);

		if ((r < 0 ? r : (int)got.kind) != (rows[i].kind == NONE ? -EINVAL : rows[i].kind))
			fail_msg("row %zu (%s): got %d", i, rows[i].text.data, r < 0 ? r : (int)got.kind);
		if (r < 0)
			continue;
		if (!span_is(address_local_span(&got), rows[i].local) || !span_is(address_domain_span(&got), rows[i].domain))
			fail_msg("row %zu (%s): got %.*s at %.*s", i, rows[i].text.data, (int)got.local_len, got.local,
			         (int)got.domain_len, got.domain);
		assert_int_equal(got.literal, got.domain[0] == '[');
	}
}

static void
what_is_written_is_read_as_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		cleanup(text_free) struct text text = TEXT_INIT;
		struct address got, again;

		if (rows[i].kind == NONE || rows[i].kind == ADDRESS_WORD || address_read(rows[i].text, &got) < 0)
			continue;
		address_put(&text, address_local_span(&got), address_domain_span(&got));
		assert_int_equal(address_read(text_span(&text), &again), 0);
		assert_int_equal(again.kind, got.kind);
		assert_true(span_is(address_local_span(&again), address_local_span(&got)));
		assert_true(span_is(address_domain_span(&again), address_domain_span(&got)));
	}
}

static void
extensions_begin_where_postfix_says(void **state)
{
	static const struct {
		const char *local, *delimiters;
		int at; /* -1: there is none */
	} splits[] = {
		{ "ada", "+", -1 },
		{ "ada+x", "+", 3 },
		{ "ada+x+y", "+", 3 },
		{ "ada-x+y", "+-", 3 },
		{ "ada-x+y", "+", 5 },
		{ "ada+", "+", 3 },
		{ "+x", "+", -1 },
		{ "+", "+", -1 },
		{ "", "+", -1 },
		{ "ada+x", "", -1 },
		{ "foo bar+x", "+", 7 },
		{ "postmaster", "m", -1 },
		{ "postmaster+x", "+", 10 },
		{ "mailer-daemon", "-", -1 },
		{ "MAILER-DAEMON", "+-", -1 },
		{ "double-bounce", "-", -1 },
		{ "owner-list", "-", -1 },
		{ "Owner-list", "-", -1 },
		{ "owner-list+x", "+-", -1 },
		{ "owner-list+x", "+", 10 },
		{ "list-request", "-", -1 },
		{ "list-Request", "-+", -1 },
		{ "-request", "-", -1 },
		{ "list-requests", "-", 4 },
		{ "owners-list", "-", 6 },
	};

	(void)state;
	for (size_t i = 0; i < array_size(splits); i++) {
		struct span local = span_of(splits[i].local);
		size_t got = address_extension(local, span_of(splits[i].delimiters));

		if (got != (splits[i].at < 0 ? local.len : (size_t)splits[i].at))
			fail_msg("%s with %s: got %zu", splits[i].local, splits[i].delimiters, got);
	}
}

static void
what_is_not_plain_stands_for_nothing(void **state)
{
	static const struct {
		const char *text, *local, *domain;
		bool want;
	} texts[] = {
		{ "ada@tern.example", "ada", "tern.example", true },
		{ "Ada@Tern.EXAMPLE", "ada", "tern.example", true },
		{ "a@b@tern.example", "a@b", "tern.example", true },
		{ "ada@tern.example.", "ada", "tern.example", false },
		{ "bda@tern.example", "ada", "tern.example", false },
		{ "ada+tern.example", "ada", "tern.example", false },
		{ "ada@tern.exampl", "ada", "tern.example", false },
		{ "\"a\"@tern.example", "\"a\"", "tern.example", false },
		{ "\"a\"@tern.example", "a", "tern.example", false },
		{ "\xc3\xa4@tern.example", "\xc3\xa4", "tern.example", false },
		{ "ada@[192.0.2.1]", "ada", "[192.0.2.1]", false },
		{ "@tern.example", "", "tern.example", false },
		{ "", "", "", false },
	};

	(void)state;
	for (size_t i = 0; i < array_size(texts); i++)
		if (address_stands_for(span_of(texts[i].text), span_of(texts[i].local), span_of(texts[i].domain)) != texts[i].want)
			fail_msg("%s for %s at %s: want %d", texts[i].text, texts[i].local, texts[i].domain, texts[i].want);
}

static void
extensions_are_put_back_as_typed(void **state)
{
	static const struct {
		const char *asked, *result, *want;
	} puts[] = {
		{ "Ada+Lists@tern.example", "ada@mail.example", "ada+Lists@mail.example" },
		{ "ada@tern.example", "ada@mail.example", "ada@mail.example" },
		{ "ada+x@tern.example", "\"a b\"@mail.example", "\"a b+x\"@mail.example" },
		{ "\"ada+X y\"@tern.example", "ada@mail.example", "\"ada+X y\"@mail.example" },
		{ "ada+X y@tern.example", "ada@mail.example", "\"ada+X y\"@mail.example" },
		{ "\"ada+\\\"\"@tern.example", "ada@mail.example", "\"ada+\\\"\"@mail.example" },
		{ "ada+J\xc3\x96@tern.example", "ada@mail.example", "ada+J\xc3\x96@mail.example" },
		{ "ada+x@tern.example", "@mail.example", "@mail.example" },
		{ "ada+x@tern.example", "ada", "ada+x" },
		{ "ada+x.@tern.example", "ada@mail.example", "\"ada+x.\"@mail.example" },
		{ "@tern.example", "ada@mail.example", "ada@mail.example" },
		{ "tern+example", "ada@mail.example", NULL },
	};

	(void)state;
	for (size_t i = 0; i < array_size(puts); i++) {
		cleanup(text_free) struct text extension = TEXT_INIT, got = TEXT_INIT;
		struct address address;
		int r = address_read(span_of(puts[i].asked), &address);

		assert_int_equal(r, puts[i].want != NULL ? 0 : -EINVAL);
		if (r < 0)
			continue;
		address_put_typed_extension(&extension, &address, SPAN("+"));
		address_put_extended(&got, span_of(puts[i].result), text_span(&extension));
		assert_string_equal(text_str(&got), puts[i].want);
	}
}

/* Neither what was asked nor the result is too long, but together they would be. */
static void
extensions_that_would_be_too_long_are_left_off(void **state)
{
	static const struct {
		const char *octet;  /* of the extension, */
		size_t repeated;    /* so often */
		const char *result, *want_front, *want_end;
	} puts[] = {
		{ "x", 238, "a@mail.example", "a+", "@mail.example" },
		{ "x", 237, "ab@mail.example", "ab+", "@mail.example" },
		{ "x", 238, "ab@mail.example", "ab@mail.example", NULL },
		{ "x", 238, "\"a b\"@mail.example", "\"a b\"@mail.example", NULL },
		{ "x", 238, "@mail.example", "@mail.example", NULL },
		/* U+1D160 has four octets, and twelve when it is folded. */
		{ "\xf0\x9d\x85\xa0", 19, "abcdefghijk@mail.example", "abcdefghijk+", "@mail.example" },
		{ "\xf0\x9d\x85\xa0", 19, "abcdefghijkl@mail.example", "abcdefghijkl@mail.example", NULL },
	};

	(void)state;
	for (size_t i = 0; i < array_size(puts); i++) {
		cleanup(text_free) struct text asked = TEXT_INIT, extension = TEXT_INIT, got = TEXT_INIT, want = TEXT_INIT;
		struct address address;

		text_put(&asked, "a+");
		text_put(&want, puts[i].want_front);
		for (size_t j = 0; j < puts[i].repeated; j++) {
			text_put(&asked, puts[i].octet);
			if (puts[i].want_end != NULL)
				text_put(&want, puts[i].octet);
		}
		text_put(&asked, "@tern.example");
		text_put(&want, puts[i].want_end != NULL ? puts[i].want_end : "");
		assert_int_equal(address_read(text_span(&asked), &address), 0);
		address_put_typed_extension(&extension, &address, SPAN("+"));
		address_put_extended(&got, span_of(puts[i].result), text_span(&extension));
		assert_string_equal(text_str(&got), text_str(&want));
		assert_int_equal(address_read(text_span(&got), &address), 0);
	}
}

static void
local_parts_get_the_quotes_they_need(void **state)
{
	static const struct {
		const char *local, *want;
	} puts[] = {
		{ "ada", "ada@d" },         { "a.b", "a.b@d" },       { "a b", "\"a b\"@d" },     { ".a", "\".a\"@d" },
		{ "a.", "\"a.\"@d" },       { "a..b", "\"a..b\"@d" }, { "a@b", "\"a@b\"@d" },     { "a\"b", "\"a\\\"b\"@d" },
		{ "a\\b", "\"a\\\\b\"@d" }, { "a,b", "\"a,b\"@d" },   { "a!#$%&'*+/=?^_`{|}~-b", "a!#$%&'*+/=?^_`{|}~-b@d" },
		{ "j\xc3\xb6", "j\xc3\xb6@d" }, { "", "@d" },
	};

	(void)state;
	for (size_t i = 0; i < array_size(puts); i++) {
		cleanup(text_free) struct text got = TEXT_INIT;

		address_put(&got, span_of(puts[i].local), SPAN("d"));
		assert_string_equal(text_str(&got), puts[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_folded),
		cmocka_unit_test(what_is_written_is_read_as_the_same),
		cmocka_unit_test(extensions_begin_where_postfix_says),
		cmocka_unit_test(what_is_not_plain_stands_for_nothing),
		cmocka_unit_test(extensions_are_put_back_as_typed),
		cmocka_unit_test(extensions_that_would_be_too_long_are_left_off),
		cmocka_unit_test(local_parts_get_the_quotes_they_need),
	};

	return RUN_TESTS(tests);
}
