/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * One of the two servers that are compared: its sockets, and a question asked in the plain way.
 */
#pragma once

#include "tests/diff/message.h"

#include <netinet/in.h>

/* Several sockets, so that the kernel spreads the questions over all of named's threads. */
enum { PEER_SOCKETS = 4, QUERY_MAX = 12 + NAME_MAX_OCTETS + 4 + 11 };

struct peer {
	const char *name;
	struct sockaddr_in address, source;
	int udp[PEER_SOCKETS]; /* connected, non-blocking */
	int plain;             /* connected, with a timeout */
	int tcp;               /* -1 until it is needed */
	uint16_t next_id;
};

/* TEXT is "HOST:PORT", SOURCE an address to ask from. Returns 0 or a negative errno. */
int peer_open(struct peer *peer, const char *name, const char *text, const char *source);
void peer_close(struct peer *peer);

/* Writes a question; returns its length. */
size_t query_write(uint8_t out[QUERY_MAX], uint16_t id, const struct name *name, uint16_t type);

/* Asks and waits: over UDP, and over TCP when the answer was cut or TCP is set.
 * Returns 0, -ETIMEDOUT, -EBADMSG, or another negative errno. */
int peer_ask(struct peer *peer, const struct name *name, uint16_t type, bool tcp, struct message *out);
