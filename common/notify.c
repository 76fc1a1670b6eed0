/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "common/notify.h"
#include "common/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

enum { STATUS_ROOM = 512 };

bool
notify_wanted(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	return path != NULL && (path[0] == '/' || path[0] == '@') && path[1] != '\0';
}

int
notify_send(const char *lines)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	cleanup(close_fdp) int fd = -1;
	socklen_t len;

	if (!notify_wanted())
		return 0;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, lines, strlen(lines), MSG_NOSIGNAL | MSG_DONTWAIT,
	           (const struct sockaddr *)&address, len) < 0)
		return -errno;
	return 1;
}

void
notify_status(const char *format, ...)
{
	char lines[STATUS_ROOM] = "STATUS=";
	const size_t n = sizeof("STATUS=") - 1;
	va_list args;

	if (!notify_wanted())
		return;
	va_start(args, format);
	vsnprintf(lines + n, sizeof(lines) - n, format, args);
	va_end(args);
	/* A line break would begin another assignment. */
	for (char *c = lines; *c != '\0'; c++)
		if (*c == '\n')
			*c = ' ';
	notify_send(lines);
}

void
notify_ready(void)
{
	notify_send("READY=1");
}

void
notify_reloading(void)
{
	struct timespec now;
	char lines[64];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(lines, sizeof(lines), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
	         (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
	notify_send(lines);
}

void
notify_stopping(void)
{
	notify_send("STOPPING=1");
}

uint64_t
notify_watchdog_interval(void)
{
	const char *interval = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t n, wanted_pid;

	if (interval == NULL || span_to_u64(span_of(interval), UINT64_MAX, &n) < 0)
		return 0;
	if (pid != NULL && (span_to_u64(span_of(pid), UINT32_MAX, &wanted_pid) < 0 ||
	                    wanted_pid != (uint64_t)getpid()))
		return 0;
	return n;
}

void
notify_watchdog(void)
{
	notify_send("WATCHDOG=1");
}
