/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The socket is made here and handed to libldap, which then knows nothing of names and addresses:
 * so a refused connection is told from an unknown name, and shutting the socket down wakes libldap
 * from whatever it waits for.
 */
#include <config.h>

#include "cache/connection.h"

#include "cache/connection_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
	KEEPALIVE_IDLE = 60,
	KEEPALIVE_INTERVAL = 15,
	KEEPALIVE_COUNT = 4,
};

/* Lets connection_attempt_abandon reach the socket. False when nobody waits any more. */
static bool
guard_socket(struct connection_attempt *a, int fd)
{
	bool wanted;

	pthread_mutex_lock(&a->lock);
	if (a->guard >= 0)
		close(a->guard);
	a->guard = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	wanted = !a->abandoned;
	pthread_mutex_unlock(&a->lock);
	return wanted;
}

static int
connect_socket(struct connection_attempt *a, int fd, const struct sockaddr *address, socklen_t len)
{
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	int error = 0;
	socklen_t error_len = sizeof(error);

	if (!guard_socket(a, fd))
		return -ECANCELED;
	if (connect(fd, address, len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	for (;;) {
		int n = poll(&wait, 1, (int)a->timeout * 1000);

		if (n > 0)
			break;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len) < 0)
		return -errno;
	return -error;
}

/* A server that vanished without a word is noticed by the kernel too, not only by the questions that the
 * caller asks now and then. */
static void
set_keepalive(int fd, unsigned timeout)
{
	static const int on = 1, idle = KEEPALIVE_IDLE, interval = KEEPALIVE_INTERVAL,
	                 count = KEEPALIVE_COUNT;
	unsigned patience = timeout * 2 * 1000;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof(patience));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

int
connection_socket_unix(struct connection_attempt *a, const char *path)
{
	cleanup(close_fdp) int fd = -1;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int r;

	if (strlen(path) >= sizeof(address.sun_path)) {
		text_putf(&a->why, "%s: the path of the socket is too long", a->uri);
		return -ENAMETOOLONG;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		r = -errno;
		text_putf(&a->why, "%s: no socket: %s", a->uri, strerror(-r));
		return r;
	}
	r = connect_socket(a, fd, (const struct sockaddr *)&address, sizeof(address));
	if (r < 0) {
		text_putf(&a->why, "%s: cannot connect to %s: %s", a->uri, path, strerror(-r));
		return r;
	}
	r = fd;
	fd = -1;
	return r;
}

static int
connect_address(struct connection_attempt *a, const struct addrinfo *address)
{
	cleanup(close_fdp) int fd = socket(address->ai_family,
	                                   SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";
	int r;

	getnameinfo(address->ai_addr, address->ai_addrlen, host, sizeof(host), port, sizeof(port),
	            NI_NUMERICHOST | NI_NUMERICSERV);
	r = fd < 0 ? -errno : connect_socket(a, fd, address->ai_addr, address->ai_addrlen);
	if (r < 0) {
		text_putf(&a->why, "%s%s port %s: %s", a->why.len > 0 ? ", " : "", host, port,
		          strerror(-r));
		return r;
	}
	set_keepalive(fd, a->timeout);
	r = fd;
	fd = -1;
	return r;
}

int
connection_socket_host(struct connection_attempt *a, const char *host, unsigned port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	struct addrinfo *addresses = NULL;
	struct text reasons = TEXT_INIT;
	char service[16];
	int r;

	snprintf(service, sizeof(service), "%u", port);
	r = getaddrinfo(host, service, &hints, &addresses);
	if (r != 0) {
		text_putf(&a->why, "%s: the name \"%s\" cannot be resolved: %s", a->uri, host,
		          r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
		return -EHOSTUNREACH;
	}
	r = -EHOSTUNREACH;
	for (struct addrinfo *at = addresses; at != NULL && r < 0 && r != -ECANCELED; at = at->ai_next)
		r = connect_address(a, at);
	freeaddrinfo(addresses);
	if (r < 0) {
		reasons = a->why;
		a->why = TEXT_INIT;
		text_putf(&a->why, "%s: cannot connect to %s", a->uri, text_str(&reasons));
		text_free(&reasons);
	} else {
		text_clear(&a->why);
	}
	return r;
}
