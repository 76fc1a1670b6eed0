/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What server.c (listeners, signals, stopping) and server_turn.c (octets in, answers out) share.
 */
#pragma once

#include "common/seldom.h"
#include "common/server.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <sys/queue.h>

struct server_connection {
	TAILQ_ENTRY(server_connection) by_use; /* of server->connections: the one that was used last is the last */
	struct server *server;
	const struct server_protocol *protocol;
	const void *meaning;
	int fd;
	short io_wanted;  /* EV_READ, EV_WRITE or 0: what IO waits for */
	bool waiting;     /* for wake() */
	bool in_request;  /* a request has begun and is not complete */
	bool finishing;   /* ends when everything is sent */
	bool asked;       /* has had an answer */
	bool said;        /* some of it was sent */
	bool blocked;     /* counted among those that do not read */
	uint64_t since;   /* when the oldest octet of the present request came */
	uint64_t read_at; /* when octets came last */
	uint64_t used_at;
	uint64_t wake_at, deadline; /* 0: none */
	uint64_t armed_for;         /* what TIMER waits for, 0: it does not */
	struct event io, timer;
	struct text kept, unsent; /* half a request; what the peer has not read yet */
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} peer;
	max_align_t state[];
};

struct server_listener {
	TAILQ_ENTRY(server_listener) next;
	struct server *server;
	struct listener listener;
	const struct server_protocol *protocol;
	const void *meaning;
	struct event events[LISTENER_SOCKETS_MAX];
};

TAILQ_HEAD(server_connections, server_connection);
TAILQ_HEAD(server_listeners, server_listener);

struct server {
	struct event_base *base;
	struct server_limits limits;
	struct allow_prefix *allow;
	size_t allow_count;
	struct counters *counters;
	void (*say)(void *context, enum log_level level, const char *sentence);
	void (*reload)(void *context);
	void *context;
	int signals, tick_fd;
	struct event signal_event, tick, pause, stop_timer;
	struct server_listeners listeners;
	struct server_connections connections;
	size_t connection_count;
	bool paused, stopping, stop_fresh_over;
	uint64_t now, stop_at;
	uint64_t ticked_at; /* the clock when the loop was last seen to run */
	char *input;
	size_t input_room;
	struct text output;
	struct seldom seldom;
};

/* Reads the clock. */
void server_look_at_clock(struct server *server);

/* Whether the loop did not run for so long that what waits in the sockets may be too old to be answered. Then that was dropped;
 * it may have been any connection. */
bool server_was_away(struct server *server);
/* server.c: a connection has gone. */
void server_connection_gone(struct server *server);
void server_count(struct server *server, unsigned index);

/* server_turn.c */
/* Sends the last words of PROTOCOL to FD, if it has any. */
void server_part(const struct server_protocol *protocol, int fd, bool said);
int server_connection_new(struct server *server, const struct server_listener *listener, int fd,
                          const struct sockaddr *peer, socklen_t peer_len);
void server_connection_free(struct server_connection *connection);
/* Nothing of a request has come, nothing is to be sent. */
bool server_connection_is_idle(const struct server_connection *connection);
/* The process did not run for so long that what waits here may be too old to be answered: then it is dropped. */
void server_connection_drop_old(struct server_connection *connection);
/* The server stops: what has come is answered, who is idle goes. */
void server_connection_stop(struct server_connection *connection);
