/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A socketmap server that gives every question the same answer: the ceiling beside which ispman-socketmapd is measured.
 *
 *	constant_socketmap PATH ANSWER
 *
 * It looks at nothing but where a question ends, and makes no system call that a server with an event loop could do
 * without: wait, read, write. No limits on time or connections: this is not a server to copy.
 */
#include <config.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { EVENTS = 64, BUFFER_SIZE = 4096 };

struct connection {
	int fd;
	size_t have;
	char part[BUFFER_SIZE]; /* of a question that has not come as a whole */
};

static char octets[2 * BUFFER_SIZE];
static char reply[1024];
static size_t reply_len;

/* The length of the netstring at the front; 0: there is more to come; -1: it is none, or too long. */
static long
netstring(const char *text, size_t have)
{
	size_t length = 0, i = 0;

	while (i < have && text[i] >= '0' && text[i] <= '9' && i < 5)
		length = length * 10 + (size_t)(text[i++] - '0');
	if (i == have)
		return 0;
	if (i == 0 || text[i] != ':' || i + length + 2 > BUFFER_SIZE)
		return -1;
	return have < i + length + 2 ? 0 : (long)(i + length + 2);
}

static bool
serve(struct connection *c)
{
	size_t at = 0, have = c->have;
	ssize_t n;

	if (have > 0)
		memcpy(octets, c->part, have);
	n = recv(c->fd, octets + have, BUFFER_SIZE, 0);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	have += (size_t)n;
	while (at < have) {
		long len = netstring(octets + at, have - at);

		if (len < 0)
			return false;
		if (len == 0)
			break;
		at += (size_t)len;
		if (send(c->fd, reply, reply_len, MSG_NOSIGNAL) != (ssize_t)reply_len)
			return false;
	}
	c->have = have - at;
	if (c->have > sizeof(c->part))
		return false;
	memcpy(c->part, octets + at, c->have);
	return true;
}

static int
listen_on(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return -1;
	strcpy(address.sun_path, path);
	unlink(path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, SOMAXCONN) < 0)
		return -1;
	return fd;
}

static void
greet(int epoll, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct connection *c;
	struct epoll_event event = { .events = EPOLLIN };

	if (fd < 0)
		return;
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		close(fd);
		return;
	}
	c->fd = fd;
	event.data.ptr = c;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		close(fd);
		free(c);
	}
}

int
main(int argc, char **argv)
{
	struct epoll_event events[EVENTS] = { { .events = EPOLLIN } };
	int epoll = epoll_create1(EPOLL_CLOEXEC), listener, n;

	if (argc != 3 || strlen(argv[2]) > sizeof(reply) - 16) {
		fprintf(stderr, "usage: constant_socketmap PATH ANSWER\n");
		return 2;
	}
	reply_len = (size_t)snprintf(reply, sizeof(reply), "%zu:OK %s,", strlen(argv[2]) + 3, argv[2]);
	listener = listen_on(argv[1]);
	if (epoll < 0 || listener < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &events[0]) < 0) {
		perror(argv[1]);
		return 1;
	}
	for (;;) {
		n = epoll_wait(epoll, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;

			if (c == NULL) {
				greet(epoll, listener);
			} else if (!serve(c)) {
				close(c->fd);
				free(c);
			}
		}
	}
}
