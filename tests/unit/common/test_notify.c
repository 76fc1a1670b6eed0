/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "common/notify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static int
listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	size_t n = strlen(path);

	memcpy(address.sun_path, path, n);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
	                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
	                 0);
	return fd;
}

static void
expect(int fd, const char *want)
{
	char got[600];
	ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);

	assert_true(n >= 0);
	got[n] = '\0';
	assert_memory_equal(got, want, strlen(want));
}

static void
datagrams_reach_files_and_abstract_sockets(void **state)
{
	char path[2][64];

	(void)state;
	snprintf(path[0], sizeof(path[0]), "/tmp/ispman-notify-%ld", (long)getpid());
	snprintf(path[1], sizeof(path[1]), "@ispman-notify-%ld", (long)getpid());
	for (int i = 0; i < 2; i++) {
		int fd = listen_at(path[i]);

		setenv("NOTIFY_SOCKET", path[i], 1);
		assert_true(notify_wanted());
		notify_ready();
		expect(fd, "READY=1");
		notify_status("%d zones\nREADY=1", 7);
		expect(fd, "STATUS=7 zones READY=1");
		notify_reloading();
		expect(fd, "RELOADING=1\nMONOTONIC_USEC=");
		notify_watchdog();
		expect(fd, "WATCHDOG=1");
		notify_stopping();
		expect(fd, "STOPPING=1");
		close(fd);
	}
	unlink(path[0]);
}

static void
nobody_listening_is_no_failure(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_false(notify_wanted());
	assert_int_equal(notify_send("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "relative", 1);
	assert_int_equal(notify_send("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	assert_int_equal(notify_send("READY=1"), -ENOENT);
	notify_ready();
}

static void
the_watchdog_is_for_its_pid(void **state)
{
	char pid[32];

	(void)state;
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	assert_int_equal(notify_watchdog_interval(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(notify_watchdog_interval(), 30000000);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(notify_watchdog_interval(), 0);
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_watchdog_interval(), 30000000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams_reach_files_and_abstract_sockets),
		cmocka_unit_test(nobody_listening_is_no_failure),
		cmocka_unit_test(the_watchdog_is_for_its_pid),
	};

	return RUN_TESTS(tests);
}
