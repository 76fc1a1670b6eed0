/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "ftpauth/session.h"

static const char *two_roots[] = { "/var/www", "//srv/./ftp/" };
static const struct session_rules shut = { .chroot = true }, open_rules = { .chroot = false },
                                  bound = { .chroot = true, .roots = { 2, two_roots } };

static void
homes_become_directories(void **state)
{
	static const struct {
		const struct session_rules *rules;
		struct span home;
		enum session_flaw flaw;
		const char *dir;
	} rows[] = {
		{ &shut, SPAN("/var/www/x"), SESSION_SOUND, "/var/www/x/./" },
		{ &shut, SPAN("/var/www/x/"), SESSION_SOUND, "/var/www/x/./" },
		{ &shut, SPAN("/var/www/x/."), SESSION_SOUND, "/var/www/x/./" },
		{ &shut, SPAN("/var/www/x/./"), SESSION_SOUND, "/var/www/x/./" },
		{ &shut, SPAN("/var/www/x/./htdocs"), SESSION_SOUND, "/var/www/x/./htdocs" },
		{ &shut, SPAN("/var/www/.x"), SESSION_SOUND, "/var/www/.x/./" },
		{ &shut, SPAN("/"), SESSION_SOUND, "/./" },
		{ &shut, SPAN("/var/www/vhosts/www:8080"), SESSION_SOUND, "/var/www/vhosts/www:8080/./" },
		{ &shut, SPAN("/home/\303\244 b"), SESSION_SOUND, "/home/\303\244 b/./" },
		{ &shut, SPAN("/home/a..b/..."), SESSION_SOUND, "/home/a..b/..././" },
		{ &open_rules, SPAN("/var/www/x"), SESSION_SOUND, "/var/www/x" },
		{ &open_rules, SPAN("/var/www/./x"), SESSION_SOUND, "/var/www/./x" },
		{ &shut, SPAN(""), SESSION_NO_HOME, NULL },
		{ &shut, SPAN("var/www"), SESSION_RELATIVE_HOME, NULL },
		{ &shut, SPAN("./var"), SESSION_RELATIVE_HOME, NULL },
		{ &shut, SPAN(" /var"), SESSION_RELATIVE_HOME, NULL },
		{ &shut, SPAN("/var\nuid:0"), SESSION_ODD_HOME, NULL },
		{ &shut, SPAN("/var\0"), SESSION_ODD_HOME, NULL },
		{ &shut, SPAN("/var\r"), SESSION_ODD_HOME, NULL },
		{ &shut, SPAN("/var/../etc"), SESSION_ODD_HOME, NULL },
		{ &shut, SPAN("/.."), SESSION_ODD_HOME, NULL },
		{ &bound, SPAN("/var/www/x"), SESSION_SOUND, "/var/www/x/./" },
		{ &bound, SPAN("//var/./www//x/./y"), SESSION_FOREIGN_HOME, NULL },
		{ &bound, SPAN("/var//www//x/./y"), SESSION_SOUND, "/var//www//x/./y" },
		{ &bound, SPAN("/srv/ftp/x"), SESSION_SOUND, "/srv/ftp/x/./" },
		{ &bound, SPAN("/var/www"), SESSION_FOREIGN_HOME, NULL },
		{ &bound, SPAN("/var/www/"), SESSION_FOREIGN_HOME, NULL },
		{ &bound, SPAN("/var/www/."), SESSION_FOREIGN_HOME, NULL },
		{ &bound, SPAN("/var/wwwx"), SESSION_FOREIGN_HOME, NULL },
		{ &bound, SPAN("/"), SESSION_FOREIGN_HOME, NULL },
		{ &bound, SPAN("/etc"), SESSION_FOREIGN_HOME, NULL },
		{ &bound, SPAN("/./var/www/x"), SESSION_FOREIGN_HOME, NULL },
		{ &bound, SPAN("/var/www/./x"), SESSION_FOREIGN_HOME, NULL },
		{ &bound, SPAN("/var/www/../../etc/x"), SESSION_ODD_HOME, NULL },
	};
	struct text dir = TEXT_INIT;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		const struct account_entry entry = { .uid = 10006, .gid = 10001, .home = rows[i].home };
		struct extauth_reply reply;
		enum session_flaw flaw = session_reply(rows[i].rules, &entry, false, &dir, &reply);

		if (flaw != rows[i].flaw || (reply.verdict == EXTAUTH_ACCEPTED) != (rows[i].dir != NULL))
			fail_msg("row %zu: %s", i, session_flaw_sentence(flaw));
		if (rows[i].dir != NULL && !span_is(reply.dir, span_of(rows[i].dir)))
			fail_msg("row %zu: %.*s", i, (int)reply.dir.len, reply.dir.data);
		if (rows[i].dir == NULL)
			assert_int_equal(reply.verdict, EXTAUTH_REFUSED);
	}
	text_free(&dir);
}

static void
what_an_account_lacks_is_said(void **state)
{
	static const struct {
		struct account_entry entry;
		bool suspended_may;
		enum session_flaw want;
	} rows[] = {
		{ { .uid = 1, .gid = 1, .home = SPAN("/h") }, false, SESSION_SOUND },
		{ { .uid = 0, .gid = 1, .home = SPAN("/h") }, false, SESSION_NO_UID },
		{ { .uid = 1, .gid = 0, .home = SPAN("/h") }, false, SESSION_NO_GID },
		{ { .uid = 1, .gid = 1, .home = SPAN("/h"), .flags = ACCOUNT_SUSPENDED }, false, SESSION_SUSPENDED },
		{ { .uid = 1, .gid = 1, .home = SPAN("/h"), .flags = ACCOUNT_SUSPENDED }, true, SESSION_SOUND },
		{ { .uid = 1, .gid = 1, .home = SPAN("/h"), .flags = ACCOUNT_FTP_REFUSED }, true, SESSION_FTP_REFUSED },
	};
	struct text dir = TEXT_INIT;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct extauth_reply reply;

		if (session_reply(&shut, &rows[i].entry, rows[i].suspended_may, &dir, &reply) != rows[i].want)
			fail_msg("row %zu", i);
		assert_int_equal(reply.verdict, rows[i].want == SESSION_SOUND ? EXTAUTH_ACCEPTED : EXTAUTH_REFUSED);
	}
	text_free(&dir);
	for (unsigned flaw = 0; flaw < SESSION_FLAWS; flaw++)
		assert_non_null(session_flaw_sentence((enum session_flaw)flaw));
}

static void
limits_are_handed_on(void **state)
{
	static const struct account_entry entry = {
		.uid = 5, .gid = 6, .home = SPAN("/h"), .quota_octets = 26214400, .quota_files = 9, .upload = 1024, .download = 2048,
		.upload_ratio = 1, .download_ratio = 3,
	};
	struct text dir = TEXT_INIT;
	struct extauth_reply reply;

	(void)state;
	assert_int_equal(session_reply(&open_rules, &entry, false, &dir, &reply), SESSION_SOUND);
	assert_true(reply.uid == 5 && reply.gid == 6 && reply.quota_size == 26214400 && reply.quota_files == 9);
	assert_true(reply.upload == 1024 && reply.download == 2048 && reply.upload_ratio == 1 && reply.download_ratio == 3);
	text_free(&dir);
}

static void
roots_are_absolute(void **state)
{
	struct text why = TEXT_INIT;

	(void)state;
	assert_int_equal(session_check_root("/var/www", &why), 0);
	assert_true(session_check_root("var/www", &why) < 0);
	assert_true(session_check_root("", &why) < 0);
	assert_true(session_check_root("/var/../www", &why) < 0);
	text_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(homes_become_directories),
		cmocka_unit_test(what_an_account_lacks_is_said),
		cmocka_unit_test(limits_are_handed_on),
		cmocka_unit_test(roots_are_absolute),
	};

	return RUN_TESTS(tests);
}
