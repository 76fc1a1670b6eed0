/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "agent/task_kinds.h"

#include <errno.h>

static int
subject_of(struct span process, struct span params, struct task_subject *out, struct text *why)
{
	struct task task = { .process = process, .fault = SPAN("") };

	assert_int_equal(task_params_read(params, &task.params), 0);
	text_clear(why);
	return task_subject(&task, out, why);
}

#define HOME "homeDirectory=/var/www/tern.example"
#define NUMBERS "&uidNumber=10001&gidNumber=10001"

static void
nine_tasks_point_at_a_path_or_a_mailbox(void **state)
{
	static const struct {
		struct span process, params;
		enum task_kind kind;
		struct span place;
		int64_t quota;
	} rows[] = {
		{ SPAN("createDomainDirectories"), SPAN(HOME NUMBERS), TASK_MAKE_DOMAIN, SPAN("/var/www/tern.example"), -1 },
		{ SPAN("createHomeDirectory"), SPAN("uid=ada&homeDirectory=/h/ada/" NUMBERS), TASK_MAKE_HOME, SPAN("/h/ada"), -1 },
		{ SPAN("AddVirtualHostDirectories"), SPAN("ispmanVhostName=www&" HOME NUMBERS), TASK_MAKE_VHOST,
		  SPAN("/var/www/tern.example"), -1 },
		{ SPAN("deleteHomeDirectory"), SPAN("homeDirectory=/h/ada&uidNumber=1"), TASK_DELETE_HOME, SPAN("/h/ada"), -1 },
		{ SPAN("deleteDomainDirectories"), SPAN("homeDirectory=///&gidNumber=1"), TASK_DELETE_DOMAIN, SPAN("/"), -1 },
		{ SPAN("DeleteVirtualHostDirectories"), SPAN(HOME), TASK_DELETE_VHOST, SPAN("/var/www/tern.example"), -1 },
		{ SPAN("createMailbox"), SPAN("mailbox=ada@tern.example"), TASK_MAKE_MAILBOX, SPAN("ada@tern.example"), -1 },
		{ SPAN("setMailboxQuota"), SPAN("mailbox=ada&quota=102400"), TASK_SET_QUOTA, SPAN("ada"), 102400 },
		{ SPAN("setMailboxQuota"), SPAN("quota=0&mailbox=ada"), TASK_SET_QUOTA, SPAN("ada"), 0 },
		{ SPAN("deleteMailbox"), SPAN("mailbox=ada"), TASK_DELETE_MAILBOX, SPAN("ada"), -1 },
	};
	struct task_subject subject;
	struct text why = TEXT_INIT;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		if (subject_of(rows[i].process, rows[i].params, &subject, &why) != 1)
			fail_msg("row %zu: %s", i, text_str(&why));
		assert_int_equal(subject.kind, rows[i].kind);
		assert_true(span_is(subject.place, rows[i].place));
		assert_int_equal(subject.quota, rows[i].quota);
	}
	text_free(&why);
}

static void
others_are_acknowledged_or_fail_with_a_sentence(void **state)
{
	static const struct {
		struct span process, params;
		int want;
		const char *why;
	} rows[] = {
		{ SPAN("modifyDomain"), SPAN(""), 0, "" },
		{ SPAN("AddVirtualHost"), SPAN("ispmanVhostName=www"), 0, "" },
		{ SPAN("RemoveCanonicalMapEntry"), SPAN(""), 0, "" },
		{ SPAN("modifyTransport"), SPAN(""), 0, "" },
		{ SPAN("AddDatabase"), SPAN("password=secret"), -EOPNOTSUPP, "the task \"AddDatabase\" is not done by this agent" },
		{ SPAN("execDomainActions"), SPAN(""), -EOPNOTSUPP, "the task \"execDomainActions\" is not done by this agent" },
		{ SPAN("createmailbox"), SPAN("mailbox=a"), -ENOENT, "the task \"createmailbox\" is not known" },
		{ SPAN(""), SPAN(""), -ENOENT, "the task \"\" is not known" },
		{ SPAN("rm -rf\n/"), SPAN(""), -ENOENT, "the task \"rm -rf\\x0a/\" is not known" },
		{ SPAN("createMailbox"), SPAN(""), -EINVAL, "createMailbox needs the parameter mailbox" },
		{ SPAN("createMailbox"), SPAN("mailbox= "), -EINVAL, "createMailbox needs the parameter mailbox" },
		{ SPAN("createMailbox"), SPAN("mailbox=a\nb"), -EINVAL, "mailbox is not a name: \"a\\x0ab\"" },
		{ SPAN("setMailboxQuota"), SPAN("mailbox=a"), -EINVAL, "setMailboxQuota needs the parameter quota" },
		{ SPAN("setMailboxQuota"), SPAN("mailbox=a&quota=-1"), -EINVAL, "quota is not a number of KiB: \"-1\"" },
		{ SPAN("setMailboxQuota"), SPAN("mailbox=a&quota=99999999999999999999"), -EINVAL,
		  "quota is not a number of KiB: \"99999999999999999999\"" },
		{ SPAN("createHomeDirectory"), SPAN("homeDirectory=/h&uidNumber=1"), -EINVAL, "createHomeDirectory needs the parameter gidNumber" },
		{ SPAN("deleteHomeDirectory"), SPAN("homeDirectory=/h"), -EINVAL, "deleteHomeDirectory needs the parameter uidNumber or gidNumber" },
		{ SPAN("deleteHomeDirectory"), SPAN("uidNumber=1"), -EINVAL, "deleteHomeDirectory needs the parameter homeDirectory" },
		{ SPAN("DeleteVirtualHostDirectories"), SPAN("homeDirectory=h/x"), -EINVAL, "homeDirectory is not an absolute path: \"h/x\"" },
		{ SPAN("DeleteVirtualHostDirectories"), SPAN("homeDirectory=/h\0/x"), -EINVAL, "homeDirectory is not an absolute path: \"/h\\x00/x\"" },
	};
	struct task_subject subject = { .quota = 77 };
	struct text why = TEXT_INIT;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		assert_int_equal(subject_of(rows[i].process, rows[i].params, &subject, &why), rows[i].want);
		assert_string_equal(text_str(&why), rows[i].why);
		assert_int_equal(subject.quota, 77);
	}
	text_free(&why);
}

static void
a_faulty_entry_fails_with_its_fault(void **state)
{
	struct task task = { .process = SPAN("createMailbox"), .fault = SPAN("the task has several names") };
	struct task_subject subject;
	struct text why = TEXT_INIT;

	(void)state;
	assert_int_equal(task_subject(&task, &subject, &why), -EINVAL);
	assert_string_equal(text_str(&why), "the task has several names");
	text_free(&why);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nine_tasks_point_at_a_path_or_a_mailbox),
		cmocka_unit_test(others_are_acknowledged_or_fail_with_a_sentence),
		cmocka_unit_test(a_faulty_entry_fails_with_its_fault),
	};

	return RUN_TESTS(tests);
}
