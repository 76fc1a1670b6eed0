/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "agent/plan.h"

#include <errno.h>

static struct plan_rules rules;
static struct account_entry entry;
static struct plan_have have;
static struct plan_step step;

static void
begin(void)
{
	static const struct span names[] = { SPAN("files.isp.example"), SPAN("files") }, roots[] = { SPAN("/ispman/domains"), SPAN("/srv") };
	static const struct span user_folders[] = { SPAN("public_html") }, domain_folders[] = { SPAN("vhosts"), SPAN("users") };

	rules = (struct plan_rules){
		.name_count = 2, .names = names,
		.root_count = 2, .roots = roots,
		.user_folder_count = 1, .user_folders = user_folders,
		.domain_folder_count = 2, .domain_folders = domain_folders,
		.directories = true, .mailboxes = true,
		.settle = 60,
		.uid_min = 1000,
	};
	entry = (struct account_entry){
		.kind = LOGIN_USER,
		.home = SPAN("/ispman/domains/tern.example/users/ada"),
		.posix_uid = 10006, .posix_gid = 10001,
		.file_hosts = SPAN("files.isp.example"),
		.mail_host = SPAN("Files.isp.example."),
		.domain = SPAN("tern.example"),
		.address = SPAN("Ada@Tern.example"),
		.uid_value = SPAN("ada_tern_example"),
		.mail_quota = 51200,
	};
	have = (struct plan_have){ 0 };
}

static struct plan_have
made(void)
{
	return (struct plan_have){ .exists = true, .place = entry.home, .uid = 10006, .gid = 10001 };
}

static enum plan_act
directory(bool complete, uint64_t now)
{
	plan_directory(&rules, &entry, &have, complete, now, &step);
	return step.act;
}

static enum plan_act
mailbox(bool complete)
{
	plan_mailbox(&rules, &entry, &have, complete, 1000, &step);
	return step.act;
}

static void
hosts(void **state)
{
	(void)state;
	begin();
	assert_true(plan_is_here(&rules, SPAN("FILES.isp.example"), false));
	assert_true(plan_is_here(&rules, SPAN("files.isp.example."), false));
	assert_true(plan_is_here(&rules, SPAN("files"), false));
	assert_false(plan_is_here(&rules, SPAN("other"), true));
	assert_false(plan_is_here(&rules, SPAN("undefined"), false));
	assert_true(plan_is_here(&rules, SPAN(""), true));
	assert_true(plan_is_here(&rules, SPAN("undefined"), true));
	rules.everything = true;
	assert_true(plan_is_here(&rules, SPAN("other"), false));
}

static void
a_directory_lives(void **state)
{
	(void)state;
	begin();
	assert_int_equal(directory(false, 1000), PLAN_MAKE);
	assert_string_equal(text_str(&step.place), "/ispman/domains/tern.example/users/ada");
	assert_int_equal(step.uid, 10006);
	assert_int_equal(step.folder_count, 1);
	assert_true(step.is_home);
	have = made();
	assert_int_equal(directory(false, 1000), PLAN_NOTHING);
	assert_int_equal(directory(true, 1000), PLAN_CHECK);
	entry.posix_uid = 10007;
	assert_int_equal(directory(false, 1000), PLAN_CHECK);
	entry.posix_uid = 10006;
	entry.home = SPAN("/ispman/domains/tern.example/users/ada/");
	assert_int_equal(directory(false, 1000), PLAN_NOTHING);
	entry.home = SPAN("/ispman/domains/tern.example/./users/ada");
	assert_int_equal(directory(false, 1000), PLAN_NOTHING);
	entry.home = SPAN("/ispman/domains/tern.example/users/ada2");
	assert_int_equal(directory(false, 1000), PLAN_MOVE);
}

static void
a_directory_goes(void **state)
{
	(void)state;
	begin();
	plan_directory(&rules, NULL, &have, false, 1000, &step);
	assert_int_equal(step.act, PLAN_NOTHING);
	have = made();
	plan_directory(&rules, NULL, &have, false, 1000, &step);
	assert_int_equal(step.act, PLAN_NOTE_GONE);
	assert_int_equal(step.wake, 1060);
	have.gone_since = 1000;
	plan_directory(&rules, NULL, &have, false, 1059, &step);
	assert_int_equal(step.act, PLAN_NOTHING);
	assert_int_equal(step.wake, 1060);
	plan_directory(&rules, NULL, &have, false, 1060, &step);
	assert_int_equal(step.act, PLAN_REMOVE);
	assert_string_equal(text_str(&step.place), "/ispman/domains/tern.example/users/ada");
	plan_directory(&rules, NULL, &have, false, 900, &step);
	assert_int_equal(step.act, PLAN_NOTE_GONE);
	assert_int_equal(directory(false, 1060), PLAN_NOTE_BACK);
}

static void
hosts_change(void **state)
{
	(void)state;
	begin();
	entry.file_hosts = SPAN("other");
	assert_int_equal(directory(true, 1000), PLAN_NOTHING);
	have = made();
	assert_int_equal(directory(true, 1000), PLAN_KEEP);
	have.kept = true;
	assert_int_equal(directory(true, 1000), PLAN_NOTHING);
	entry.file_hosts = SPAN("other files");
	assert_int_equal(directory(true, 1000), PLAN_UNKEEP);
	have = (struct plan_have){ 0 };
	entry.file_hosts = SPAN("");
	assert_int_equal(directory(false, 1000), PLAN_NOTHING);
	rules.is_default_file_host = true;
	assert_int_equal(directory(false, 1000), PLAN_MAKE);
	rules.directories = false;
	assert_int_equal(directory(false, 1000), PLAN_NOTHING);
}

static void
kinds_have_folders(void **state)
{
	(void)state;
	begin();
	entry.kind = LOGIN_DOMAIN;
	entry.quota_octets = 26214400;
	assert_int_equal(directory(false, 1000), PLAN_MAKE);
	assert_int_equal(step.folder_count, 2);
	assert_false(step.is_home);
	assert_int_equal(step.quota, 0);
	rules.project_quota = true;
	have = made();
	assert_int_equal(directory(false, 1000), PLAN_SET_QUOTA);
	assert_int_equal(step.quota, 26214400);
	have.quota = 26214400;
	assert_int_equal(directory(false, 1000), PLAN_NOTHING);

	begin();
	entry.kind = LOGIN_VHOST;
	entry.folders = SPAN("htdocs\0/ispman/domains/tern.example/users/ada/logs/\0/etc\0../evil\0a/../../b\0a//b\0.\0");
	assert_int_equal(directory(false, 1000), PLAN_MAKE);
	assert_int_equal(step.folder_count, 2);
	assert_true(span_is(step.folders[0], SPAN("htdocs")));
	assert_true(span_is(step.folders[1], SPAN("logs")));
	entry.kind = LOGIN_ADMIN;
	assert_int_equal(directory(false, 1000), PLAN_NOTHING);
}

static void
paths(void **state)
{
	static const char *const good[] = { "/srv/a", "/ispman/domains/a/b/c", "/srv/..a", "/srv/a b", "/srv/.hidden" };
	static const char *const bad[] = { "", "srv/a", "/srv", "/srv/", "/srv/../etc", "/srv/a/..", "/srv/./a", "/srv//a", "/etc/passwd",
		                           "/srvx/a", "/srv/a\nb", "/srv/.ispman/trash", "/srv/a/.ispman", "/", "/srv/a/" };
	char reason[256], longest[300];

	(void)state;
	begin();
	for (size_t i = 0; i < array_size(good); i++)
		assert_int_equal(plan_path_is_good(&rules, span_of(good[i]), reason), 1);
	for (size_t i = 0; i < array_size(bad); i++)
		if (plan_path_is_good(&rules, span_of(bad[i]), reason) != 0)
			fail_msg("%s is taken", bad[i]);
	assert_int_equal(plan_path_is_good(&rules, span_from("/srv/a\0b", 8), reason), 0);
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "/srv/", 5);
	assert_int_equal(plan_path_is_good(&rules, span_from(longest, 5 + 255), reason), 1);
	assert_int_equal(plan_path_is_good(&rules, span_from(longest, 5 + 256), reason), 0);
	entry.home = SPAN("/srv/../etc");
	assert_int_equal(directory(false, 1000), PLAN_REFUSE);
	assert_true(step.reason[0] != '\0');
	begin();
	entry.domain = SPAN("other.example");
	assert_int_equal(directory(false, 1000), PLAN_REFUSE);
	rules.any_path = true;
	assert_int_equal(directory(false, 1000), PLAN_MAKE);
	begin();
	entry.home = SPAN("/ispman/domains/xtern.example/TERN.example/ada");
	assert_int_equal(directory(false, 1000), PLAN_MAKE);
	begin();
	entry.posix_uid = 0;
	assert_int_equal(directory(false, 1000), PLAN_REFUSE);
	begin();
	entry.posix_gid = 999;
	assert_int_equal(directory(false, 1000), PLAN_REFUSE);
}

static void
mailboxes(void **state)
{
	static const char *const bad[] = { "", "a b", "a/b", "a*", "a%", "\"a", ".a", "a.", "@a", "a@", "a\x80", "a\n" };
	char reason[256];

	(void)state;
	begin();
	assert_int_equal(mailbox(false), PLAN_MAKE);
	assert_string_equal(text_str(&step.place), "ada@tern.example");
	assert_int_equal(step.quota, 51200);
	have = (struct plan_have){ .exists = true, .place = SPAN("ada@tern.example"), .quota = 51200 };
	assert_int_equal(mailbox(false), PLAN_NOTHING);
	assert_int_equal(mailbox(true), PLAN_CHECK);
	entry.mail_quota = -1;
	assert_int_equal(mailbox(false), PLAN_SET_QUOTA);
	entry.mail_quota = 51200;
	rules.naming = PLAN_BY_UID;
	assert_int_equal(mailbox(false), PLAN_MOVE);
	assert_string_equal(text_str(&step.place), "ada_tern_example");
	entry.mail_host = SPAN("mail2");
	assert_int_equal(mailbox(false), PLAN_KEEP);
	have.exists = false;
	assert_int_equal(mailbox(false), PLAN_NOTHING);
	entry.mail_host = SPAN("");
	rules.everything = true;
	assert_int_equal(mailbox(false), PLAN_NOTHING);
	for (size_t i = 0; i < array_size(bad); i++)
		if (plan_mailbox_is_good(span_of(bad[i]), reason) != 0)
			fail_msg("%s is taken", bad[i]);
	assert_int_equal(plan_mailbox_is_good(SPAN("a+b@c.d"), reason), 1);
}

static void
lines_of_the_book(void **state)
{
	const struct plan_have given = { true, true, 12345, SPAN("/srv/a b"), -1, 1, 2, 3, 4, 5 };
	struct plan_have got;
	struct text line = TEXT_INIT;

	(void)state;
	plan_have_put(&line, &given);
	assert_int_equal(plan_have_read(text_span(&line), &got), 0);
	assert_true(got.exists && got.kept && got.gone_since == 12345 && got.quota == -1 && got.device == 1 && got.inode == 2 &&
	            got.born == 3 && got.uid == 4 && got.gid == 5 && span_is(got.place, SPAN("/srv/a b")));
	for (size_t n = 0; n < 20; n++)
		assert_true(plan_have_read(span_from(line.data, n), &got) < 0);
	assert_int_equal(plan_have_read(SPAN("2 x"), &got), -EPROTO);
	text_free(&line);
}

static void
brakes(void **state)
{
	(void)state;
	assert_int_equal(plan_brake(0, 5), 5);
	assert_int_equal(plan_brake(99, 5), 5);
	assert_int_equal(plan_brake(1000, 5), 50);
	assert_int_equal(plan_brake(1000000, 5), 500);
	assert_int_equal(plan_brake(1000, 100), 500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts),
		cmocka_unit_test(a_directory_lives),
		cmocka_unit_test(a_directory_goes),
		cmocka_unit_test(hosts_change),
		cmocka_unit_test(kinds_have_folders),
		cmocka_unit_test(paths),
		cmocka_unit_test(mailboxes),
		cmocka_unit_test(lines_of_the_book),
		cmocka_unit_test(brakes),
	};
	int failed = RUN_TESTS(tests);

	text_free(&step.place);
	return failed;
}
