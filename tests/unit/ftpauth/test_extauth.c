/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "ftpauth/extauth.h"

#include <errno.h>

#define USUAL                                                                                                                  \
	"account:ada@tern.example\npassword:adapw\nlocalhost:192.0.2.1\nlocalport:21\npeer:198.51.100.7\nsni_name:\nencrypted:0\nend\n"

static void
requests_are_read(void **state)
{
	static const struct {
		struct span given;
		int want;
		struct span account, password, peer;
	} rows[] = {
		{ SPAN(USUAL), 1, SPAN("ada@tern.example"), SPAN("adapw"), SPAN("198.51.100.7") },
		{ SPAN("account:a\npassword:b\nend\n"), 1, SPAN("a"), SPAN("b"), SPAN("") },
		{ SPAN("password:b\npeer:::1\naccount:a\nend\n"), 1, SPAN("a"), SPAN("b"), SPAN("::1") },
		{ SPAN("account:w.d:8080\npassword::p:w:\nend\n"), 1, SPAN("w.d:8080"), SPAN(":p:w:"), SPAN("") },
		{ SPAN("account: a \npassword: \nend\n"), 1, SPAN(" a "), SPAN(" "), SPAN("") },
		{ SPAN("account:end\npassword:end\nend\n"), 1, SPAN("end"), SPAN("end"), SPAN("") },
		{ SPAN("account:\303\244\npassword:\377\nend\n"), 1, SPAN("\303\244"), SPAN("\377"), SPAN("") },
		/* What newer servers may say, and what is no line of ours. */
		{ SPAN("account:a\npassword:b\ncolour:blue\nnothing\n\n:\nend:\n end\nend\n"), 1, SPAN("a"), SPAN("b"), SPAN("") },
		{ SPAN("Account:x\naccount:a\npassword:b\nend\n"), 1, SPAN("a"), SPAN("b"), SPAN("") },
		{ SPAN(""), 0, SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("account:a\npassword:b\nend"), 0, SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("account:a\npassword:b\nend\r\n"), 0, SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("end"), 0, SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("\0\0\0"), 0, SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("end\n"), -EINVAL, SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("account:a\nend\n"), -EINVAL, SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("password:b\nend\n"), -EINVAL, SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("account:\npassword:b\nend\n"), -EINVAL, SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("account:a\npassword:\nend\n"), -EINVAL, SPAN(""), SPAN(""), SPAN("") },
		/* A line feed in a value, which would be somebody's attempt to say more than he may. */
		{ SPAN("account:a\nend\n" USUAL), -EBADMSG, SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("account:a\npassword:b\npeer:192.0.2.9\n" USUAL), -EBADMSG, SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("account:a\naccount:a\npassword:b\nend\n"), -EBADMSG, SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("account:\naccount:a\npassword:b\nend\n"), -EBADMSG, SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("account:a\npassword:b\npassword:c\nend\n"), -EBADMSG, SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("account:a\npassword:b\npeer:c\npeer:\nend\n"), -EBADMSG, SPAN(""), SPAN(""), SPAN("") },
		{ SPAN(USUAL "x"), -EBADMSG, SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("account:a\0b\npassword:b\nend\n"), -EBADMSG, SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("account:a\npassword:b\0\nend\n"), -EBADMSG, SPAN(""), SPAN(""), SPAN("") },
		{ SPAN("account:a\npassword:b\nx:\0\nend\n"), -EBADMSG, SPAN(""), SPAN(""), SPAN("") },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct extauth_request request = { .account = SPAN("") };
		int r = extauth_take_request(rows[i].given, &request);

		if (r != rows[i].want || !span_is(request.account, rows[i].account) || !span_is(request.password, rows[i].password) ||
		    !span_is(request.peer, rows[i].peer))
			fail_msg("row %zu: %d", i, r);
	}
}

static void
split_writes_are_waited_for(void **state)
{
	static const struct span usual = SPAN(USUAL);
	struct extauth_request request;

	(void)state;
	for (size_t n = 0; n < usual.len; n++)
		assert_int_equal(extauth_take_request(span_from(usual.data, n), &request), 0);
}

static void
requests_have_a_longest_length(void **state)
{
	static const struct span head = SPAN("account:a\npassword:"), tail = SPAN("\nend\n");
	static char room[EXTAUTH_REQUEST_MAX + 1];
	struct extauth_request request;

	(void)state;
	memset(room, 'x', sizeof(room));
	memcpy(room, head.data, head.len);
	assert_int_equal(extauth_take_request(span_from(room, EXTAUTH_REQUEST_MAX), &request), 0);
	assert_int_equal(extauth_take_request(span_from(room, EXTAUTH_REQUEST_MAX + 1), &request), -EMSGSIZE);
	memcpy(room + sizeof(room) - tail.len, tail.data, tail.len);
	assert_int_equal(extauth_take_request(span_from(room, EXTAUTH_REQUEST_MAX + 1), &request), -EMSGSIZE);
	memcpy(room + sizeof(room) - 1 - tail.len, tail.data, tail.len);
	assert_int_equal(extauth_take_request(span_from(room, EXTAUTH_REQUEST_MAX), &request), 1);
}

static void
replies_are_lines(void **state)
{
	static char home[5000];
	struct span long_home = { home, sizeof(home) };
	const struct {
		struct extauth_reply given;
		const char *want;
	} rows[] = {
		{ { .verdict = EXTAUTH_UNKNOWN }, "auth_ok:0\nend\n" },
		{ { .verdict = EXTAUTH_REFUSED }, "auth_ok:-1\nend\n" },
		{ { .verdict = EXTAUTH_UNKNOWN, .uid = 1, .gid = 2, .dir = SPAN("/h") }, "auth_ok:0\nend\n" },
		{ { .verdict = EXTAUTH_ACCEPTED, .uid = 10006, .gid = 10001, .dir = SPAN("/h/./") },
		  "auth_ok:1\nuid:10006\ngid:10001\ndir:/h/./\nend\n" },
		{ { .verdict = EXTAUTH_ACCEPTED, .uid = 4294967295u, .gid = 4294967294u, .dir = SPAN("/"), .upload = 20480,
		    .download = 10240, .quota_size = 10485760, .quota_files = 7, .upload_ratio = 1, .download_ratio = 5 },
		  "auth_ok:1\nuid:4294967295\ngid:4294967294\ndir:/\nthrottling_bandwidth_ul:20480\nthrottling_bandwidth_dl:10240\n"
		  "user_quota_size:10485760\nuser_quota_files:7\nratio_upload:1\nratio_download:5\nend\n" },
		{ { .verdict = EXTAUTH_ACCEPTED, .uid = 1, .gid = 1, .dir = SPAN("/\303\244 b") },
		  "auth_ok:1\nuid:1\ngid:1\ndir:/\303\244 b\nend\n" },
		{ { .verdict = EXTAUTH_ACCEPTED, .uid = 1, .gid = 1, .dir = SPAN("/"), .quota_size = UINT64_MAX },
		  "auth_ok:1\nuid:1\ngid:1\ndir:/\nuser_quota_size:18446744073709551615\nend\n" },
		/* What would be read otherwise than it is meant. */
		{ { .verdict = EXTAUTH_ACCEPTED, .uid = 0, .gid = 1, .dir = SPAN("/h") }, "auth_ok:-1\nend\n" },
		{ { .verdict = EXTAUTH_ACCEPTED, .uid = 1, .gid = 0, .dir = SPAN("/h") }, "auth_ok:-1\nend\n" },
		{ { .verdict = EXTAUTH_ACCEPTED, .uid = 1, .gid = 1, .dir = SPAN("") }, "auth_ok:-1\nend\n" },
		{ { .verdict = EXTAUTH_ACCEPTED, .uid = 1, .gid = 1, .dir = SPAN("h") }, "auth_ok:-1\nend\n" },
		{ { .verdict = EXTAUTH_ACCEPTED, .uid = 1, .gid = 1, .dir = SPAN("/h\nuid:0") }, "auth_ok:-1\nend\n" },
		{ { .verdict = EXTAUTH_ACCEPTED, .uid = 1, .gid = 1, .dir = SPAN("/h\0x") }, "auth_ok:-1\nend\n" },
		{ { .verdict = EXTAUTH_ACCEPTED, .uid = 1, .gid = 1, .dir = long_home }, "auth_ok:-1\nend\n" },
	};
	struct text out = TEXT_INIT;

	(void)state;
	memset(home, '/', sizeof(home));
	for (size_t i = 0; i < array_size(rows); i++) {
		text_clear(&out);
		extauth_put_reply(&out, &rows[i].given);
		if (strcmp(text_str(&out), rows[i].want) != 0)
			fail_msg("row %zu: %s", i, text_str(&out));
	}
	text_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_read),
		cmocka_unit_test(split_writes_are_waited_for),
		cmocka_unit_test(requests_have_a_longest_length),
		cmocka_unit_test(replies_are_lines),
	};

	return RUN_TESTS(tests);
}
