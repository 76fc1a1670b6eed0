/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "ftpauth/question.h"
#include "saslauth/mux.h"

#include <errno.h>

static void
the_server_understands_the_question(void **state)
{
	static char many[QUESTION_PASSWORD_MAX + 1];
	static const struct {
		struct span login, password, peer;
		int want;
		struct span client;
	} rows[] = {
		{ SPAN("ada@tern.example"), SPAN("adapw"), SPAN("192.0.2.1"), 0, SPAN("192.0.2.1;0") },
		{ SPAN("www.tern.example:8080"), SPAN("a:b"), SPAN("2001:db8::1"), 0, SPAN("2001:db8::1;0") },
		{ SPAN("a"), SPAN("b"), SPAN("fe80::1%eth0"), 0, SPAN("fe80::1%eth0;0") },
		{ SPAN("a"), SPAN("b"), SPAN(""), 0, SPAN("") },
		{ SPAN("a"), SPAN("b"), SPAN("1;2"), 0, SPAN("") },
		{ SPAN("a"), SPAN("b"), { many, 65 }, 0, SPAN("") },
		{ { many, QUESTION_LOGIN_MAX }, { many, QUESTION_PASSWORD_MAX }, SPAN(""), 0, SPAN("") },
		{ { many, QUESTION_LOGIN_MAX + 1 }, SPAN("b"), SPAN(""), -EMSGSIZE, SPAN("") },
		{ SPAN("a"), { many, QUESTION_PASSWORD_MAX + 1 }, SPAN(""), -EMSGSIZE, SPAN("") },
	};
	struct text out = TEXT_INIT;

	(void)state;
	memset(many, 'x', sizeof(many));
	for (size_t i = 0; i < array_size(rows); i++) {
		struct mux_request request;
		int r;

		text_clear(&out);
		r = question_put(&out, rows[i].login, rows[i].password, rows[i].peer);
		if (r != rows[i].want)
			fail_msg("row %zu: %d", i, r);
		if (r < 0)
			continue;
		assert_int_equal(mux_take_request(text_span(&out), &request), 1);
		if (!span_is(request.login, rows[i].login) || !span_is(request.password, rows[i].password) ||
		    !span_is(request.service, SPAN("ftp")) || request.realm.len != 0 || !span_is(request.client, rows[i].client))
			fail_msg("row %zu: other strings", i);
	}
	text_free(&out);
}

#define UUID "01234567-89ab-cdef-3031-323334353637"
#define OCTETS "\x01\x23\x45\x67\x89\xab\xcd\xef" "01234567"

static void
answers_are_read(void **state)
{
	static const struct {
		struct span given;
		bool ended;
		enum question_word want;
		bool has_uuid;
	} rows[] = {
		{ SPAN("\0\2OK"), false, QUESTION_ACCEPTED, false },
		{ SPAN("\0\2OK"), true, QUESTION_ACCEPTED, false },
		{ SPAN("\0\2NO"), false, QUESTION_REFUSED, false },
		{ SPAN("\0\11NO reason"), false, QUESTION_REFUSED, false },
		{ SPAN("\0\4OKAY"), false, QUESTION_ACCEPTED, false },
		{ SPAN("\0\7OK fine"), false, QUESTION_ACCEPTED, false },
		{ SPAN("\0\47OK " UUID), false, QUESTION_ACCEPTED, true },
		{ SPAN("\0\47OK\t" UUID), false, QUESTION_ACCEPTED, false },
		{ SPAN("\0\47NO " UUID), false, QUESTION_REFUSED, false },
		{ SPAN("\0\46OK 01234567-89ab-cdef-3031-32333435363"), false, QUESTION_ACCEPTED, false },
		{ SPAN("\0\47OK 01234567-89ab-cdef-3031-32333435363g"), false, QUESTION_ACCEPTED, false },
		{ SPAN("\0\47OK 0123456789ab--cdef-3031-323334353637"), false, QUESTION_ACCEPTED, false },
		{ SPAN(""), false, QUESTION_MORE, false },
		{ SPAN("\0"), false, QUESTION_MORE, false },
		{ SPAN("\0\2O"), false, QUESTION_MORE, false },
		/* No reply means "cannot tell", and so does what is none. */
		{ SPAN(""), true, QUESTION_CANNOT_TELL, false },
		{ SPAN("\0\2O"), true, QUESTION_CANNOT_TELL, false },
		{ SPAN("\0\0"), false, QUESTION_CANNOT_TELL, false },
		{ SPAN("\0\1O"), false, QUESTION_CANNOT_TELL, false },
		{ SPAN("\0\2ok"), false, QUESTION_CANNOT_TELL, false },
		{ SPAN("\0\3 OK"), false, QUESTION_CANNOT_TELL, false },
		{ SPAN("\4\1"), false, QUESTION_CANNOT_TELL, false },
		{ SPAN("HTTP/1.0 400"), false, QUESTION_CANNOT_TELL, false },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct question_answer answer;

		question_read_answer(rows[i].given, rows[i].ended, &answer);
		if (answer.word != rows[i].want || answer.has_uuid != rows[i].has_uuid)
			fail_msg("row %zu: %d", i, answer.word);
		if (answer.has_uuid)
			assert_memory_equal(answer.uuid, OCTETS, QUESTION_UUID_LEN);
	}
}

static void
the_servers_answer_names_the_account(void **state)
{
	struct text out = TEXT_INIT;
	struct question_answer answer;

	(void)state;
	mux_put_accepted(&out, (const uint8_t *)OCTETS);
	for (size_t n = 0; n < out.len; n++) {
		question_read_answer(span_from(out.data, n), false, &answer);
		assert_int_equal(answer.word, QUESTION_MORE);
	}
	question_read_answer(text_span(&out), false, &answer);
	assert_int_equal(answer.word, QUESTION_ACCEPTED);
	assert_true(answer.has_uuid);
	assert_memory_equal(answer.uuid, OCTETS, QUESTION_UUID_LEN);
	text_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_server_understands_the_question),
		cmocka_unit_test(answers_are_read),
		cmocka_unit_test(the_servers_answer_names_the_account),
	};

	return RUN_TESTS(tests);
}
