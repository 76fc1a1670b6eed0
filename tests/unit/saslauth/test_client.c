/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "saslauth/client.h"

static void
an_address_is_read_with_its_port_and_without(void **state)
{
	static const struct {
		struct span given;
		const char *want; /* NULL: it is none */
	} rows[] = {
		{ SPAN("192.0.2.1;4711"), "192.0.2.1" },
		{ SPAN("192.0.2.1"), "192.0.2.1" },
		{ SPAN("::ffff:192.0.2.1;1"), "192.0.2.1" },
		{ SPAN("2001:DB8::1;4711"), "2001:db8::1" },
		{ SPAN("::1"), "::1" },
		{ SPAN("192.0.2.1;"), "192.0.2.1" },
		{ SPAN(";4711"), NULL },
		{ SPAN(""), NULL },
		{ SPAN("mail.example;25"), NULL },
		{ SPAN("192.0.2.1 ;25"), NULL },
		{ SPAN("192.0.2"), NULL },
		{ SPAN("192.0.2.1\0;1"), NULL },
		{ SPAN("2001:db8:2001:db8:2001:db8:2001:db8:2001:db8:2001:db8:2001:db8;1"), NULL },
	};
	uint8_t address[CLIENT_OCTETS];

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		cleanup(text_free) struct text shown = TEXT_INIT;

		if (client_address(rows[i].given, address) != (rows[i].want != NULL))
			fail_msg("row %zu: want %s", i, rows[i].want != NULL ? rows[i].want : "none");
		if (rows[i].want == NULL)
			continue;
		client_put(&shown, address);
		assert_string_equal(text_str(&shown), rows[i].want);
	}
}

static void
prefixes_hold_addresses_of_either_kind(void **state)
{
	static const struct {
		struct span address;
		const char *prefix;
		bool want;
	} rows[] = {
		{ SPAN("192.0.2.7"), "192.0.2.0/24", true },
		{ SPAN("192.0.3.7"), "192.0.2.0/24", false },
		{ SPAN("2001:db8::7"), "2001:db8::/32", true },
		{ SPAN("2001:db9::7"), "2001:db8::/32", false },
	};
	cleanup(text_free) struct text why = TEXT_INIT;
	uint8_t address[CLIENT_OCTETS];
	struct allow_prefix prefix;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		assert_int_equal(allow_parse(rows[i].prefix, &prefix, &why), 0);
		assert_int_equal(client_address(rows[i].address, address), 1);
		assert_int_equal(client_is_within(address, &prefix, 1), rows[i].want);
		assert_false(client_is_within(address, NULL, 0));
	}
}

static void
a_word_in_the_log_cannot_end_before_its_end(void **state)
{
	static const struct {
		struct span given;
		const char *want;
	} rows[] = {
		{ SPAN("ada@tern.example"), "ada@tern.example" },
		{ SPAN(""), "" },
		{ SPAN("a b"), "a\\x20b" },
		{ SPAN("x> rip=<192.0.2.1"), "x\\x3E\\x20rip=\\x3C192.0.2.1" },
		{ SPAN("a\nb\0c\\"), "a\\x0Ab\\x00c\\x5C" },
		{ SPAN("\xc3\xa9"), "\\xC3\\xA9" },
		{ SPAN("012345678901234567890123"), "01234567890123456789..." },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		cleanup(text_free) struct text shown = TEXT_INIT;

		client_put_word(&shown, rows[i].given, 20);
		assert_string_equal(text_str(&shown), rows[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_read_with_its_port_and_without),
		cmocka_unit_test(prefixes_hold_addresses_of_either_kind),
		cmocka_unit_test(a_word_in_the_log_cannot_end_before_its_end),
	};

	return RUN_TESTS(tests);
}
