/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A server of logins that gives everybody the same answer: the ceiling beside which ispman-saslauthd and ispman-ftpauthd are
 * measured.
 *
 *	constant_login mux PATH ANSWER       saslauthd's protocol; ANSWER such as "OK"
 *	constant_login extauth PATH ANSWER   Pure-FTPd's; ANSWER is the whole reply, with \n for an end of line
 *
 * It looks at nothing but where a request ends. Both protocols have one request a connection, which costs five system calls
 * at least where one thread waits for many: wait, accept, receive, send, close. What a client sends after it has connected
 * is mostly there when it is accepted; only who is slower than that is waited for. No limits on time or connections: this is
 * not a server to copy.
 */
#include <config.h>

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { EVENTS = 64, REQUEST_MAX = 8192, REPLY_MAX = 1024, MUX_STRINGS = 4 };

struct connection {
	int fd;
	size_t have;
	char part[REQUEST_MAX];
};

struct protocol {
	const char *name;
	bool (*is_complete)(const char *text, size_t have);
	size_t (*put_reply)(const char *answer);
};

static char reply[REPLY_MAX];
static size_t reply_len;
static const struct protocol *spoken;

/* --- protocols ------------------------------------------------------------------------------------------- */

/* Login, password, service and realm, each after its length. */
static bool
mux_is_complete(const char *text, size_t have)
{
	size_t at = 0;

	for (int i = 0; i < MUX_STRINGS; i++) {
		if (have - at < 2)
			return false;
		at += 2 + ((size_t)(uint8_t)text[at] << 8 | (uint8_t)text[at + 1]);
		if (at > have)
			return false;
	}
	return true;
}

static size_t
mux_put_reply(const char *answer)
{
	size_t len = strlen(answer);

	if (len > REPLY_MAX - 2)
		return 0;
	reply[0] = (char)(len >> 8);
	reply[1] = (char)len;
	memcpy(reply + 2, answer, len);
	return len + 2;
}

static bool
extauth_is_complete(const char *text, size_t have)
{
	return have >= 4 && memcmp(text + have - 4, "end\n", 4) == 0;
}

static size_t
extauth_put_reply(const char *answer)
{
	size_t len = 0;

	for (; *answer != '\0' && len < REPLY_MAX; answer++) {
		bool is_end = answer[0] == '\\' && answer[1] == 'n';

		reply[len++] = is_end ? '\n' : *answer;
		answer += is_end;
	}
	return *answer == '\0' ? len : 0;
}

static const struct protocol protocols[] = {
	{ "mux", mux_is_complete, mux_put_reply },
	{ "extauth", extauth_is_complete, extauth_put_reply },
};

/* --- connections ----------------------------------------------------------------------------------------- */

/* Whether there is nothing left to do with FD but to close it; else its request, of which HAVE is there, is not complete. */
static bool
serve(int fd, char *text, size_t *have)
{
	ssize_t n = recv(fd, text + *have, REQUEST_MAX - *have, 0);

	if (n <= 0)
		return n == 0 || (errno != EAGAIN && errno != EINTR);
	*have += (size_t)n;
	if (!spoken->is_complete(text, *have))
		return *have == REQUEST_MAX;
	if (send(fd, reply, reply_len, MSG_NOSIGNAL) != (ssize_t)reply_len)
		perror("send");
	return true;
}

/* For who has not asked yet. */
static bool
wait_for(int epoll, int fd, const char *text, size_t have)
{
	struct connection *c = malloc(sizeof(*c));
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };

	if (c == NULL)
		return false;
	c->fd = fd;
	c->have = have;
	memcpy(c->part, text, have);
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0)
		return true;
	free(c);
	return false;
}

static void
greet(int epoll, int listener)
{
	static char text[REQUEST_MAX];
	size_t have = 0;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (serve(fd, text, &have) || !wait_for(epoll, fd, text, have))
		close(fd);
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

int
main(int argc, char **argv)
{
	struct epoll_event events[EVENTS] = { { .events = EPOLLIN } };
	int epoll = epoll_create1(EPOLL_CLOEXEC), listener, n;

	for (size_t i = 0; argc == 4 && i < sizeof(protocols) / sizeof(*protocols); i++)
		if (strcmp(argv[1], protocols[i].name) == 0)
			spoken = &protocols[i];
	if (spoken != NULL)
		reply_len = spoken->put_reply(argv[3]);
	if (reply_len == 0) {
		fprintf(stderr, "usage: constant_login mux|extauth PATH ANSWER\n");
		return 2;
	}
	listener = listen_on(argv[2]);
	if (epoll < 0 || listener < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &events[0]) < 0) {
		perror(argv[2]);
		return 1;
	}
	for (;;) {
		n = epoll_wait(epoll, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;

			if (c == NULL) {
				greet(epoll, listener);
			} else if (serve(c->fd, c->part, &c->have)) {
				close(c->fd);
				free(c);
			}
		}
	}
}
