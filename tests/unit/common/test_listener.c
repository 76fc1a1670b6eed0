/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "common/listener.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

static char folder[] = "/tmp/ispman-listener-XXXXXX";

static void
values_are_read(void **state)
{
	static const struct {
		const char *given;
		const char *want; /* NULL: refused */
		mode_t mode;
		const char *group, *name;
	} rows[] = {
		{ "unix:/run/x", "unix:/run/x", 0660, "", "" },
		{ "unix:/run/x,mode=0600", "unix:/run/x", 0600, "", "" },
		{ "unix:/run/x,mode=0666,owner=a,group=postfix,name=y", "unix:/run/x", 0666, "postfix", "y" },
		{ "inet:127.0.0.1:4711", "inet:127.0.0.1:4711", 0660, "", "" },
		{ "inet:[::1]:4711", "inet:[::1]:4711", 0660, "", "" },
		{ "inet:localhost:1,name=n", "inet:localhost:1", 0660, "", "n" },
		{ "", NULL, 0, NULL, NULL },
		{ "/run/x", NULL, 0, NULL, NULL },
		{ "unix:", NULL, 0, NULL, NULL },
		{ "unix:/", NULL, 0, NULL, NULL },
		{ "unix:run/x", NULL, 0, NULL, NULL },
		{ "unix:/run/x,mode=0888", NULL, 0, NULL, NULL },
		{ "unix:/run/x,mode=", NULL, 0, NULL, NULL },
		{ "unix:/run/x,mode=7777", NULL, 0, NULL, NULL },
		{ "unix:/run/x,backlog=3", NULL, 0, NULL, NULL },
		{ "unix:/run/x,group=", NULL, 0, NULL, NULL },
		{ "inet:127.0.0.1", NULL, 0, NULL, NULL },
		{ "inet::4711", NULL, 0, NULL, NULL },
		{ "inet:127.0.0.1:0", NULL, 0, NULL, NULL },
		{ "inet:127.0.0.1:65536", NULL, 0, NULL, NULL },
		{ "inet:::1:4711", NULL, 0, NULL, NULL },
		{ "inet:[::1]4711", NULL, 0, NULL, NULL },
		{ "inet:127.0.0.1:4711,mode=0600", NULL, 0, NULL, NULL },
		{ "unix:/23456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678",
		  NULL, 0, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct text why = TEXT_INIT, shown = TEXT_INIT;
		struct listener_address address;
		int r = listener_parse(rows[i].given, &address, &why);

		if ((r == 0) != (rows[i].want != NULL) || (r != 0) != (why.len > 0))
			fail_msg("%s: %d %s", rows[i].given, r, text_str(&why));
		if (r == 0) {
			listener_put(&shown, &address);
			assert_string_equal(text_str(&shown), rows[i].want);
			assert_int_equal(address.mode, rows[i].mode);
			assert_string_equal(address.group, rows[i].group);
			assert_string_equal(address.name, rows[i].name);
		}
		text_free(&why);
		text_free(&shown);
	}
}

static void
open_at(const char *path, mode_t mode, struct listener *out, int want, const char *because)
{
	struct listener_address address = { .family = LISTENER_UNIX, .mode = mode };
	struct text why = TEXT_INIT;
	int r;

	assert_true(strlen(path) < sizeof(address.path));
	memcpy(address.path, path, strlen(path) + 1);
	r = listener_open(&address, NULL, out, &why);
	if (r != want || strstr(text_str(&why), because) == NULL)
		fail_msg("%s: %d %s", path, r, text_str(&why));
	text_free(&why);
}

static void
only_a_socket_without_a_process_is_replaced(void **state)
{
	struct listener first, second;
	char path[64], missing[64], process[64];
	struct stat st;
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/socket", folder);
	snprintf(missing, sizeof(missing), "%s/none/socket", folder);
	open_at(path, 0640, &first, 0, "");
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0640);
	/* Somebody is there, and is named; by a name that depends on what the test runs under. */
	snprintf(process, sizeof(process), " (process %d) listens there already", (int)getpid());
	open_at(path, 0640, &second, -EADDRINUSE, process);
	assert_int_equal(lstat(path, &st), 0);
	/* It dies without a word. */
	close(first.fds[0]);
	first.count = 0;
	open_at(path, 0640, &first, 0, "");
	/* Its file goes, and another one comes: that is not the first one's to remove. */
	assert_int_equal(unlink(path), 0);
	open_at(path, 0600, &second, 0, "");
	listener_close(&first);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0600);
	listener_close(&second);
	assert_int_equal(lstat(path, &st), -1);

	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	open_at(path, 0600, &second, -EEXIST, "no socket");
	unlink(path);
	open_at(missing, 0600, &second, -ENOENT, "/none: there is none");
}

static void
sockets_that_are_handed_over_are_recognised(void **state)
{
	struct listener_socket sockets[2] = { { -1, "other" }, { -1, "mine" } };
	struct listener_inherited inherited = { 2, sockets };
	struct listener_address by_address, by_name;
	struct text why = TEXT_INIT;
	struct listener first, second;
	char path[64], value[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/given", folder);
	snprintf(value, sizeof(value), "unix:%s", path);
	assert_int_equal(listener_parse(value, &by_address, &why), 0);
	assert_int_equal(listener_parse("inet:192.0.2.1:1,name=mine", &by_name, &why), 0);
	open_at(path, 0600, &first, 0, "");
	sockets[0].fd = first.fds[0];
	sockets[1].fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_false(listener_matches(&by_name, &sockets[1])); /* does not listen */
	assert_int_equal(listen(sockets[1].fd, 1), 0);
	assert_true(listener_matches(&by_name, &sockets[1]));
	assert_false(listener_matches(&by_name, &sockets[0]));
	assert_true(listener_matches(&by_address, &sockets[0]));

	assert_int_equal(listener_open(&by_address, &inherited, &second, &why), 0);
	assert_true(second.inherited && !second.made);
	assert_int_equal(second.fds[0], first.fds[0]);
	assert_int_equal(sockets[0].fd, -1);
	listener_close(&second);
	first.count = 0;
	listener_close(&first);
	close(sockets[1].fd);
	text_free(&why);
}

static int
make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL;
}

static int
remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_read),
		cmocka_unit_test(only_a_socket_without_a_process_is_replaced),
		cmocka_unit_test(sockets_that_are_handed_over_are_recognised),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
