/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "common/counted.h"
#include "saslauth/mux.h"

#include <errno.h>

#define LOGIN "\0\3ada"
#define PASSWORD "\0\5adapw"
#define SERVICE "\0\4smtp"
#define REALM "\0\14tern.example"
#define CLIENT "\0\16" "192.0.2.1;4711"

static void
four_or_five_strings_are_a_request(void **state)
{
	static const struct {
		struct span given;
		int want;
		struct span login, password, service, realm, client;
	} rows[] = {
		{ SPAN(LOGIN PASSWORD SERVICE REALM), 1, SPAN("ada"), SPAN("adapw"), SPAN("smtp"), SPAN("tern.example"), SPAN("") },
		{ SPAN(LOGIN PASSWORD SERVICE REALM CLIENT), 1, SPAN("ada"), SPAN("adapw"), SPAN("smtp"), SPAN("tern.example"),
		  SPAN("192.0.2.1;4711") },
		{ SPAN(LOGIN PASSWORD SERVICE REALM "\0\0"), 1, SPAN("ada"), SPAN("adapw"), SPAN("smtp"), SPAN("tern.example"),
		  SPAN("") },
		{ SPAN(LOGIN PASSWORD "\0\0\0\0"), 1, SPAN("ada"), SPAN("adapw"), SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("\0\3a b\0\1 " SERVICE REALM), 1, SPAN("a b"), SPAN(" "), SPAN("smtp"), SPAN("tern.example"), SPAN("") },
		/* More than five belongs to nothing. */
		{ SPAN(LOGIN PASSWORD SERVICE REALM CLIENT "x"), 1, SPAN("ada"), SPAN("adapw"), SPAN("smtp"), SPAN("tern.example"),
		  SPAN("192.0.2.1;4711") },
		/* A fifth that has begun is waited for. */
		{ SPAN(LOGIN PASSWORD SERVICE REALM "\0"), 0, SPAN(""), SPAN(""), SPAN(""), SPAN(""), SPAN("") },
		{ SPAN(LOGIN PASSWORD SERVICE REALM "\0\5"), 0, SPAN(""), SPAN(""), SPAN(""), SPAN(""), SPAN("") },
		{ SPAN(LOGIN PASSWORD SERVICE REALM "\0\5x"), 0, SPAN(""), SPAN(""), SPAN(""), SPAN(""), SPAN("") },
		{ SPAN(""), 0, SPAN(""), SPAN(""), SPAN(""), SPAN(""), SPAN("") },
		{ SPAN(LOGIN PASSWORD SERVICE), 0, SPAN(""), SPAN(""), SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("\0\0" PASSWORD SERVICE REALM), -EINVAL, SPAN(""), SPAN(""), SPAN(""), SPAN(""), SPAN("") },
		{ SPAN(LOGIN "\0\0" SERVICE REALM), -EINVAL, SPAN(""), SPAN(""), SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("\0\0\0\0\0\0\0\0"), -EINVAL, SPAN(""), SPAN(""), SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("\0\4ada\0" PASSWORD SERVICE REALM), -EBADMSG, SPAN(""), SPAN(""), SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("\0\1\0" PASSWORD SERVICE REALM), -EBADMSG, SPAN(""), SPAN(""), SPAN(""), SPAN(""), SPAN("") },
		{ SPAN(LOGIN "\0\5ad\0pw" SERVICE REALM), -EBADMSG, SPAN(""), SPAN(""), SPAN(""), SPAN(""), SPAN("") },
		{ SPAN(LOGIN PASSWORD "\0\1\0" REALM), -EBADMSG, SPAN(""), SPAN(""), SPAN(""), SPAN(""), SPAN("") },
		{ SPAN(LOGIN PASSWORD SERVICE "\0\1\0"), -EBADMSG, SPAN(""), SPAN(""), SPAN(""), SPAN(""), SPAN("") },
		{ SPAN(LOGIN PASSWORD SERVICE REALM "\0\1\0"), -EBADMSG, SPAN(""), SPAN(""), SPAN(""), SPAN(""), SPAN("") },
		/* Said before the octets have come. */
		{ SPAN("\4\1"), -EMSGSIZE, SPAN(""), SPAN(""), SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("\377\377"), -EMSGSIZE, SPAN(""), SPAN(""), SPAN(""), SPAN(""), SPAN("") },
		{ SPAN(LOGIN "\20\1"), -EMSGSIZE, SPAN(""), SPAN(""), SPAN(""), SPAN(""), SPAN("") },
		{ SPAN(LOGIN PASSWORD "\4\1"), -EMSGSIZE, SPAN(""), SPAN(""), SPAN(""), SPAN(""), SPAN("") },
		{ SPAN(LOGIN PASSWORD SERVICE "\4\1"), -EMSGSIZE, SPAN(""), SPAN(""), SPAN(""), SPAN(""), SPAN("") },
		{ SPAN(LOGIN PASSWORD SERVICE REALM "\4\1"), -EMSGSIZE, SPAN(""), SPAN(""), SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("GET / HTTP/1.0\r\n\r\n"), -EMSGSIZE, SPAN(""), SPAN(""), SPAN(""), SPAN(""), SPAN("") },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct mux_request request = { .login = SPAN(""), .password = SPAN("") };
		int r = mux_take_request(rows[i].given, &request);

		if (r != rows[i].want)
			fail_msg("row %zu: %d instead of %d", i, r, rows[i].want);
		if (!span_is(request.login, rows[i].login) || !span_is(request.password, rows[i].password) ||
		    !span_is(request.service, rows[i].service) || !span_is(request.realm, rows[i].realm) ||
		    !span_is(request.client, rows[i].client))
			fail_msg("row %zu: other strings", i);
	}
}

static void
split_writes_are_waited_for(void **state)
{
	static const struct span given = SPAN(LOGIN PASSWORD SERVICE REALM CLIENT);
	enum { FOUR = sizeof(LOGIN PASSWORD SERVICE REALM) - 1 };
	struct mux_request request;

	(void)state;
	for (size_t n = 0; n < given.len; n++) {
		int r = mux_take_request(span_from(given.data, n), &request);

		if (r != (n == FOUR))
			fail_msg("%zu octets: %d", n, r);
	}
}

static void
the_longest_request_is_taken(void **state)
{
	static const size_t lengths[] = { MUX_FIELD_MAX, MUX_PASSWORD_MAX, MUX_FIELD_MAX, MUX_FIELD_MAX, MUX_FIELD_MAX };
	static char octets[MUX_PASSWORD_MAX];
	struct text out = TEXT_INIT;
	struct mux_request request;

	(void)state;
	memset(octets, 'x', sizeof(octets));
	for (size_t i = 0; i < array_size(lengths); i++)
		assert_int_equal(counted_put(&out, span_from(octets, lengths[i])), 0);
	assert_int_equal(out.len, MUX_REQUEST_MAX);
	assert_int_equal(mux_take_request(span_from(out.data, out.len - 1), &request), 0);
	assert_int_equal(mux_take_request(text_span(&out), &request), 1);
	assert_int_equal(request.password.len, MUX_PASSWORD_MAX);
	assert_int_equal(request.client.len, MUX_FIELD_MAX);
	text_free(&out);
}

static void
replies_are_two_words(void **state)
{
	struct text out = TEXT_INIT;

	(void)state;
	mux_put_reply(&out, true);
	mux_put_reply(&out, false);
	assert_true(span_is(text_span(&out), SPAN("\0\2OK\0\2NO")));
	text_clear(&out);
	mux_put_accepted(&out, (const uint8_t *)"\x01\x23\x45\x67\x89\xab\xcd\xef" "01234567");
	assert_true(span_is(text_span(&out), SPAN("\0\47OK 01234567-89ab-cdef-3031-323334353637")));
	text_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_or_five_strings_are_a_request),
		cmocka_unit_test(split_writes_are_waited_for),
		cmocka_unit_test(the_longest_request_is_taken),
		cmocka_unit_test(replies_are_two_words),
	};

	return RUN_TESTS(tests);
}
