/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Sockets and blocking questions; see peer.h.
 */
#include <config.h>

#include "tests/diff/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { TRIES = 5, WAIT_SECONDS = 2, SOCKET_BUFFER = 8 << 20 };

static int
socket_to(const struct peer *peer, int kind, bool block)
{
	struct timeval wait = { .tv_sec = WAIT_SECONDS };
	int size = SOCKET_BUFFER, on = 1;
	int fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (kind == SOCK_DGRAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	else
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (bind(fd, (const struct sockaddr *)&peer->source, sizeof(peer->source)) < 0 ||
	    connect(fd, (const struct sockaddr *)&peer->address, sizeof(peer->address)) < 0 ||
	    (!block && fcntl(fd, F_SETFL, O_NONBLOCK) < 0)) {
		int r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int
peer_open(struct peer *peer, const char *name, const char *text, const char *source)
{
	char host[64];
	unsigned port;

	*peer = (struct peer){ .name = name, .plain = -1, .tcp = -1 };
	for (int i = 0; i < PEER_SOCKETS; i++)
		peer->udp[i] = -1;
	peer->address.sin_family = peer->source.sin_family = AF_INET;
	if (sscanf(text, "%63[0-9.]:%u", host, &port) != 2 || port > 65535 ||
	    inet_pton(AF_INET, host, &peer->address.sin_addr) != 1 ||
	    inet_pton(AF_INET, source, &peer->source.sin_addr) != 1)
		return -EINVAL;
	peer->address.sin_port = htons((uint16_t)port);
	for (int i = 0; i < PEER_SOCKETS; i++) {
		peer->udp[i] = socket_to(peer, SOCK_DGRAM, false);
		if (peer->udp[i] < 0)
			return peer->udp[i];
	}
	peer->plain = socket_to(peer, SOCK_DGRAM, true);
	return peer->plain < 0 ? peer->plain : 0;
}

void
peer_close(struct peer *peer)
{
	for (int i = 0; i < PEER_SOCKETS; i++) {
		if (peer->udp[i] >= 0)
			close(peer->udp[i]);
	}
	if (peer->plain >= 0)
		close(peer->plain);
	if (peer->tcp >= 0)
		close(peer->tcp);
}

size_t
query_write(uint8_t out[QUERY_MAX], uint16_t id, const struct name *name, uint16_t type)
{
	/* One question, one additional record; neither RD nor anything else is set. */
	static const uint8_t counts[10] = { 0, 0, 0, 1, 0, 0, 0, 0, 0, 1 };
	/* OPT: 4,096 octets of answer, no flags. */
	static const uint8_t opt[11] = { 0, 0, TYPE_OPT, 0x10, 0, 0, 0, 0, 0, 0, 0 };
	uint8_t *p = out;

	*p++ = (uint8_t)(id >> 8);
	*p++ = (uint8_t)id;
	memcpy(p, counts, sizeof(counts));
	p += sizeof(counts);
	memcpy(p, name->wire, name->len);
	p += name->len;
	*p++ = (uint8_t)(type >> 8);
	*p++ = (uint8_t)type;
	*p++ = 0;
	*p++ = 1;
	memcpy(p, opt, sizeof(opt));
	return (size_t)(p - out) + sizeof(opt);
}

static int
read_exactly(int fd, uint8_t *into, size_t len)
{
	while (len > 0) {
		ssize_t n = recv(fd, into, len, 0);
		if (n == 0)
			return -ECONNRESET;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		into += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
ask_tcp_once(struct peer *peer, const uint8_t *query, size_t len, struct message *out)
{
	uint8_t framed[2 + QUERY_MAX], size[2];
	int r;

	if (peer->tcp < 0) {
		peer->tcp = socket_to(peer, SOCK_STREAM, true);
		if (peer->tcp < 0)
			return peer->tcp;
	}
	framed[0] = (uint8_t)(len >> 8);
	framed[1] = (uint8_t)len;
	memcpy(framed + 2, query, len);
	if (send(peer->tcp, framed, len + 2, MSG_NOSIGNAL) != (ssize_t)len + 2)
		return -ECONNRESET;
	r = read_exactly(peer->tcp, size, sizeof(size));
	if (r < 0)
		return r;
	out->wire_len = (size_t)(size[0] << 8 | size[1]);
	r = read_exactly(peer->tcp, out->wire, out->wire_len);
	return r < 0 ? r : message_read(out);
}

static int
ask_tcp(struct peer *peer, const uint8_t *query, size_t len, struct message *out)
{
	int r = -ECONNRESET;

	/* named closes idle connections; the second try has a fresh one. */
	for (int i = 0; i < TRIES; i++) {
		r = ask_tcp_once(peer, query, len, out);
		if (r == 0 && out->wire[0] == query[0] && out->wire[1] == query[1])
			return 0;
		if (peer->tcp >= 0)
			close(peer->tcp);
		peer->tcp = -1;
		if (r == -EBADMSG)
			return r;
	}
	return r < 0 ? r : -EBADMSG;
}

static int
ask_udp(struct peer *peer, const uint8_t *query, size_t len, struct message *out)
{
	for (int i = 0; i < TRIES; i++) {
		if (send(peer->plain, query, len, 0) < 0)
			return -errno;
		for (;;) {
			ssize_t n = recv(peer->plain, out->wire, sizeof(out->wire), 0);
			if (n < 0 && errno == EAGAIN)
				break;
			if (n < 0)
				return -errno;
			/* Late answers to earlier questions are passed over. */
			if (n < 12 || out->wire[0] != query[0] || out->wire[1] != query[1])
				continue;
			out->wire_len = (size_t)n;
			return message_read(out);
		}
	}
	return -ETIMEDOUT;
}

int
peer_ask(struct peer *peer, const struct name *name, uint16_t type, bool tcp, struct message *out)
{
	uint8_t query[QUERY_MAX];
	size_t len = query_write(query, ++peer->next_id, name, type);

	if (!tcp) {
		int r = ask_udp(peer, query, len, out);
		if (r < 0 || !(out->flags & FLAG_TC))
			return r;
	}
	return ask_tcp(peer, query, len, out);
}
