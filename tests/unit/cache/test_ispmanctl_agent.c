/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/ispmanctl.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOW = 1790000100 };

static char folder[64], file[96];

static int
make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_agent.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/agent-status", folder);
	return 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	unlink(file);
	return rmdir(folder);
}

static void
write_file(const char *octets, size_t n)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(octets, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* --- text -------------------------------------------------------------------------------------------------- */

static const struct text_row {
	const char *given, *want;
	bool fine;
} text_rows[] = {
	{ "{\"running\": true, \"directories\": 1234, \"mailboxes\": 5678, \"waiting\": 3, \"failures\": 2, \"last-complete\": 1790000080,"
	  " \"last-seconds\": 1.2, \"brake\": false, \"is-adopted\": true, \"failed\": ["
	  "{\"kind\": \"directory\", \"account\": \"ada\", \"reason\": \"is there already\"},"
	  "{\"kind\": \"mailbox\", \"account\": \"\", \"reason\": \"two\\nlines\"}]}",
	  "  agent        1,234 directories, 5,678 mailboxes, 3 wait for removal, 2 failures, last pass 20 s ago (1.2 s)\n"
	  "    ada (directory): is there already\n"
	  "    (no account) (mailbox): two lines\n",
	  true },
	{ "{\"running\": true, \"directories\": 1, \"mailboxes\": 1, \"waiting\": 1, \"failures\": 1, \"is-adopted\": true}",
	  "  agent        1 directory, 1 mailbox, 1 waits for removal, 1 failure, no pass yet\n", true },
	{ "{\"running\": true, \"directories\": 900, \"mailboxes\": 100, \"waiting\": 60, \"brake\": true, \"held\": 60,"
	  " \"last-complete\": 1790000100, \"last-seconds\": 0, \"is-adopted\": true}",
	  "\nTHE BRAKE OF THE AGENT HOLDS: it would remove 60 of 1,000 directories and mailboxes.\n"
	  "Nothing is removed; everything else goes on. Repair the directory, or let it happen with\n"
	  "\"ispman-agent --release-brake\".\n\n"
	  "  agent        900 directories, 100 mailboxes, 60 wait for removal, last pass 0.0 s ago (0.0 s)\n",
	  false },
	{ "{\"running\": false, \"is-adopted\": false}",
	  "  agent        NOT RUNNING, 0 directories, 0 mailboxes, no pass yet\n"
	  "               nothing is removed before \"ispman-agent --adopt\"\n",
	  false },
	/* A clock that went back. */
	{ "{\"running\": true, \"last-complete\": 1790009999, \"last-seconds\": 3}",
	  "  agent        0 directories, 0 mailboxes, last pass 0.0 s ago (3.0 s)\n", true },
	/* Of the wrong kinds, all of it. */
	{ "{\"running\": 1, \"directories\": \"x\", \"mailboxes\": -5, \"waiting\": [], \"failures\": {}, \"last-complete\": 1.5,"
	  " \"last-seconds\": \"x\", \"brake\": \"yes\", \"is-adopted\": 0, \"failed\": [1, null, [], {\"account\": 5}]}",
	  "  agent        0 directories, 0 mailboxes, no pass yet\n"
	  "    (no account) (): \n    (no account) (): \n    (no account) (): \n    (no account) (): \n",
	  true },
	{ "{\"error\": \"it\\nbroke\"}", "  agent        its status cannot be read: it broke\n", false },
};

static void
status_as_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(text_rows); i++) {
		const struct text_row *row = &text_rows[i];
		struct text out = TEXT_INIT;
		json_t *agent = json_loads(row->given, 0, NULL);

		assert_non_null(agent);
		ctl_put_agent(&out, agent, NOW, ", ");
		assert_string_equal(text_str(&out), row->want);
		assert_int_equal(ctl_agent_is_fine(agent), row->fine);
		text_free(&out);
		json_decref(agent);
	}
}

static void
ten_failures_are_shown(void **state)
{
	json_t *failed = json_array(), *agent;
	struct text out = TEXT_INIT;

	(void)state;
	for (int i = 0; i < 12; i++)
		json_array_append_new(failed, json_pack("{s:s, s:s, s:s}", "kind", "mailbox", "account", "a", "reason", "r"));
	agent = json_pack("{s:i, s:o}", "failures", 5000, "failed", failed);
	ctl_put_agent(&out, agent, NOW, ", ");
	assert_non_null(strstr(text_str(&out), "    a (mailbox): r\n    and 4,990 more\n"));
	text_free(&out);
	json_decref(agent);
}

/* --- the file ------------------------------------------------------------------------------------------------ */

static void
no_file_no_agent(void **state)
{
	(void)state;
	assert_null(ctl_read_agent(folder));
	assert_null(ctl_read_agent("/nonexistent"));
}

static void
a_file_is_read(void **state)
{
	char octets[128];
	json_t *agent;

	(void)state;
	write_file(octets, (size_t)snprintf(octets, sizeof(octets), "{\"program\": \"ispman-agent\", \"pid\": %d}", (int)getpid()));
	agent = ctl_read_agent(folder);
	assert_true(json_is_true(json_object_get(agent, "running")));
	json_decref(agent);
	/* No process has such a number. */
	write_file(octets, (size_t)snprintf(octets, sizeof(octets), "{\"program\": \"ispman-agent\", \"pid\": 2147483647}"));
	agent = ctl_read_agent(folder);
	assert_true(json_is_false(json_object_get(agent, "running")));
	json_decref(agent);
}

static void
garbage_is_told(void **state)
{
	static const struct {
		const char *octets;
		size_t len;
	} rows[] = {
#define ROW(literal) { literal, sizeof(literal) - 1 }
		ROW(""), ROW("nonsense"), ROW("[]"), ROW("5"), ROW("{}"), ROW("{\"program\": 5}"), ROW("{\"program\": \"other\"}"),
		ROW("{\"program\": \"ispman-agent\""), ROW("\xff\0\xfe"), ROW("{\"program\": \"ispman-agent\"} x"),
#undef ROW
	};
	json_t *agent;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		write_file(rows[i].octets, rows[i].len);
		agent = ctl_read_agent(folder);
		assert_non_null(strstr(ctl_member(agent, "error"), "/agent-status: that is no status"));
		assert_false(ctl_agent_is_fine(agent));
		json_decref(agent);
	}
	unlink(file);
	assert_int_equal(mkfifo(file, 0600), 0);
	agent = ctl_read_agent(folder);
	assert_non_null(strstr(ctl_member(agent, "error"), "that is no status"));
	json_decref(agent);
	unlink(file);
	assert_int_equal(symlink("/etc/passwd", file), 0);
	agent = ctl_read_agent(folder);
	assert_true(ctl_member(agent, "error")[0] != '\0');
	json_decref(agent);
	unlink(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_as_text),
		cmocka_unit_test(ten_failures_are_shown),
		cmocka_unit_test(no_file_no_agent),
		cmocka_unit_test(a_file_is_read),
		cmocka_unit_test(garbage_is_told),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
