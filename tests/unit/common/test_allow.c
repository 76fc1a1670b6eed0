/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "common/allow.h"

#include <arpa/inet.h>
#include <errno.h>

static bool
has(const char *prefix, const char *address)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct text why = TEXT_INIT;
	struct allow_prefix parsed;

	assert_int_equal(allow_parse(prefix, &parsed, &why), 0);
	text_free(&why);
	if (inet_pton(AF_INET, address, &in.sin_addr) == 1)
		return allow_has(&parsed, 1, (const struct sockaddr *)&in);
	assert_int_equal(inet_pton(AF_INET6, address, &in6.sin6_addr), 1);
	return allow_has(&parsed, 1, (const struct sockaddr *)&in6);
}

static void
prefixes_hold_addresses(void **state)
{
	static const struct {
		const char *prefix, *address;
		bool want;
	} rows[] = {
		{ "127.0.0.1", "127.0.0.1", true },       { "127.0.0.1", "127.0.0.2", false },
		{ "127.0.0.0/8", "127.255.0.1", true },   { "127.0.0.0/8", "128.0.0.1", false },
		{ "192.0.2.128/25", "192.0.2.200", true }, { "192.0.2.128/25", "192.0.2.127", false },
		{ "0.0.0.0/0", "203.0.113.9", true },     { "0.0.0.0/0", "2001:db8::1", false },
		{ "::/0", "2001:db8::1", true },          { "::/0", "127.0.0.1", true },
		{ "::1", "::1", true },                   { "::1", "::2", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true }, { "2001:db8::/33", "2001:db8:8000::1", false },
		{ "127.0.0.0/8", "::ffff:127.0.0.1", true }, { "::ffff:127.0.0.0/104", "127.0.0.1", true },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		if (has(rows[i].prefix, rows[i].address) != rows[i].want)
			fail_msg("%s %s", rows[i].prefix, rows[i].address);
}

static void
what_is_no_prefix_is_refused(void **state)
{
	static const char *const rows[] = { "",          "localhost", "127.0.0.1/33", "127.0.0.1/8", "::1/129", "1.2.3",
		                            "1.2.3.4/",  "/8",        "1.2.3.4/x",    "1.2.3.4/-1",  "2001:db8::1/32",
		                            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	const struct sockaddr local = { .sa_family = AF_UNIX };

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct text why = TEXT_INIT;
		struct allow_prefix parsed;

		if (allow_parse(rows[i], &parsed, &why) != -EINVAL || why.len == 0)
			fail_msg("\"%s\" was taken", rows[i]);
		text_free(&why);
	}
	assert_false(allow_has(NULL, 0, &local));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes_hold_addresses),
		cmocka_unit_test(what_is_no_prefix_is_refused),
	};

	return RUN_TESTS(tests);
}
