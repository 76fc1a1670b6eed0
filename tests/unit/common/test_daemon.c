/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "common/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const struct daemon_about about = { "test-daemon", "tests" };

/* COMMAND is split at blanks, in place: what is parsed points into it. */
static int
options_of(char *command, struct daemon_options *out, int *out_status)
{
	char *argv[16], *rest = NULL;
	int argc = 0;

	for (char *word = strtok_r(command, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
		argv[argc++] = word;
	argv[argc] = NULL;
	optind = 0;
	return daemon_options(argc, argv, &about, out, out_status);
}

static void
options_are_the_same_for_every_daemon(void **state)
{
	char argv[] = "x -c /f -o a.b=c -tvv -o d.e=f";
	char none[] = "x";
	struct daemon_options options;
	int status = -1;

	(void)state;
	assert_int_equal(options_of(argv, &options, &status), 1);
	assert_string_equal(options.conf_path, "/f");
	assert_true(options.conf_given);
	assert_true(options.check_only);
	assert_int_equal(options.verbose, 2);
	assert_int_equal(options.override_count, 2);
	assert_string_equal(options.overrides[1], "d.e=f");
	assert_int_equal(daemon_log_level(&options, LOG_ERROR), LOG_DEBUG);
	daemon_options_free(&options);

	assert_int_equal(options_of(none, &options, &status), 1);
	assert_string_equal(options.conf_path, SYSCONFDIR "/ispman/ispman.conf");
	assert_false(options.conf_given);
	assert_int_equal(daemon_log_level(&options, LOG_NOTICE), LOG_NOTICE);
	daemon_options_free(&options);
}

static void
wrong_options_are_usage(void **state)
{
	static const struct {
		const char *given;
		int want;
	} rows[] = {
		{ "x -z", DAEMON_USAGE },
		{ "x -c", DAEMON_USAGE },
		{ "x extra", DAEMON_USAGE },
		{ "x -t extra", DAEMON_USAGE },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct daemon_options options;
		char *command = strdup(rows[i].given);
		int status = -1;

		assert_int_equal(options_of(command, &options, &status), 0);
		assert_int_equal(status, rows[i].want);
		free(command);
	}
}

static void
signals_are_taken_in_order_of_weight(void **state)
{
	int fd = daemon_signals_open();

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(daemon_signals_take(fd), DAEMON_NOTHING);
	raise(SIGHUP);
	assert_int_equal(daemon_signals_take(fd), DAEMON_RELOAD);
	raise(SIGTERM);
	raise(SIGHUP);
	assert_int_equal(daemon_signals_take(fd), DAEMON_STOP);
	assert_int_equal(daemon_signals_take(fd), DAEMON_NOTHING);
	raise(SIGPIPE);
	close(fd);
}

static void
handed_sockets_are_for_our_pid_only(void **state)
{
	char pid[32];

	(void)state;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	assert_int_equal(daemon_listen_fds(), 0);
	setenv("LISTEN_PID", "1", 1);
	setenv("LISTEN_FDS", "2", 1);
	assert_int_equal(daemon_listen_fds(), 0);
	assert_null(getenv("LISTEN_FDS"));
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	assert_int_equal(daemon_listen_fds(), 1);
	assert_null(getenv("LISTEN_PID"));
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "nonsense", 1);
	assert_int_equal(daemon_listen_fds(), 0);
}

static void
unknown_users_are_named(void **state)
{
	struct text why = TEXT_INIT;
	gid_t gid;

	(void)state;
	assert_int_equal(daemon_group_id("no-such-group-here", &gid), -ENOENT);
	assert_int_equal(daemon_group_id("root", &gid), 0);
	assert_int_equal(gid, 0);
	if (geteuid() == 0) {
		assert_int_equal(daemon_become("no-such-user-here", NULL, &why), -ENOENT);
		assert_string_equal(text_str(&why), "user no-such-user-here: no such user\n");
	}
	text_free(&why);
}

static void
root_is_given_up_for_good(void **state)
{
	pid_t child;
	int status;

	(void)state;
	if (geteuid() != 0)
		skip();
	child = fork();
	if (child == 0) {
		struct text why = TEXT_INIT;

		if (daemon_become("nobody", "daemon", &why) < 0)
			_exit(1);
		if (geteuid() == 0 || getegid() == 0 || setuid(0) == 0)
			_exit(2);
		_exit(umask(0) == 027 ? 0 : 3);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_the_same_for_every_daemon),
		cmocka_unit_test(wrong_options_are_usage),
		cmocka_unit_test(signals_are_taken_in_order_of_weight),
		cmocka_unit_test(handed_sockets_are_for_our_pid_only),
		cmocka_unit_test(unknown_users_are_named),
		cmocka_unit_test(root_is_given_up_for_good),
	};

	return RUN_TESTS(tests);
}
