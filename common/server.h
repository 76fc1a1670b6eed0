/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What a daemon that answers requests on stream sockets is made of: listeners, connections with bounds in time and memory,
 * signals, readiness. A protocol is one callback that looks at octets and says what they were.
 *
 *	static enum server_step
 *	take_line(struct server_connection *connection, struct span input, size_t *out_taken)
 *	{
 *		end = memchr(input.data, '\n', input.len);
 *		if (end == NULL)
 *			return SERVER_MORE;
 *		*out_taken = end + 1 - input.data;
 *		text_put(server_output(connection), "hello\n");
 *		return SERVER_NEXT;
 *	}
 *
 * One thread, one libevent loop. In the usual case a request costs three system calls (epoll_wait, recv, send) and no
 * allocation: octets are read into a buffer of the server's, answered out of it, and sent from another one; a connection has
 * memory of its own only for half a request or for what its peer has not read yet. A connection that is there for one
 * request, and has sent it when it is accepted, costs five (epoll_wait, accept, recv, send, close).
 *
 * Bounds: a request must be complete REQUEST_MS after its first octet and fit into request_max; requests of one peer are
 * answered one at a time and in order, and while one waits or an answer is unread, nothing more is read; who does not read
 * for WRITE_MS is dropped; an answer that would come later than REPLY_MS after its request is not sent, the connection is
 * closed instead. Idle connections may stay for ever. When there are CONNECTIONS of them, the one that has been idle for the
 * longest makes room for a new one; when all are busy, new ones wait in the backlog.
 */
#pragma once

#include "common/allow.h"
#include "common/counters.h"
#include "common/listener.h"
#include "common/log.h"
#include "common/span.h"
#include "common/text.h"

#include <sys/types.h>

struct event_base;
struct server;
struct server_connection;

enum server_step {
	SERVER_MORE,   /* the request is not complete. What was taken of it is done with */
	SERVER_NEXT,   /* a request was taken and answered */
	SERVER_WAIT,   /* a request was taken; the answer comes in wake() */
	SERVER_FINISH, /* as SERVER_NEXT, but the connection ends when the answer is sent */
	SERVER_DROP,   /* the connection ends now */
};

struct server_protocol {
	const char *name;   /* for the log: "socketmap" */
	size_t state_size;  /* a connection's state, zeroes at first */
	size_t request_max; /* octets that may be there without look() taking any */
	/* Looks at what has come, at least one octet. Called again for the rest, until it is taken or SERVER_MORE. */
	enum server_step (*look)(struct server_connection *connection, struct span input, size_t *out_taken);
	/* After SERVER_WAIT, when the time of server_wake_after() has come or server_wake() was called; also once when the
	 * server stops. May be NULL. */
	enum server_step (*wake)(struct server_connection *connection);
	/* The connection is about to be freed. May be NULL. */
	void (*closed)(struct server_connection *connection);
	/* Where a close says something else than "cannot tell": what a connection gets that ends without an answer, whatever ended it.
	 * What the peer has sent is then read first: unread octets would turn the words into an error. */
	struct span last_words;
	bool is_secret; /* octets of requests are overwritten when they are done with */
};

/* Rows of the program's counters, from index 0 on; PREFIX is a literal such as "socketmap". */
enum {
	SERVER_COUNT_ACCEPTED,
	SERVER_COUNT_OPEN,
	SERVER_COUNT_FORBIDDEN,
	SERVER_COUNT_EVICTED,
	SERVER_COUNT_PAUSED,
	SERVER_COUNT_TOO_SLOW,
	SERVER_COUNT_TOO_LATE,
	SERVER_COUNT_BROKEN,
	SERVER_COUNTS
};
#define SERVER_COUNTER_ROWS(prefix)                                                                                            \
	[SERVER_COUNT_ACCEPTED] = { prefix "_connections", NULL, "Connections accepted.", COUNTERS_COUNT },                    \
	[SERVER_COUNT_OPEN] = { prefix "_connections_open", NULL, "Connections there are now.", COUNTERS_GAUGE },              \
	[SERVER_COUNT_FORBIDDEN] = { prefix "_forbidden", NULL, "Connections from addresses that are not allowed.",            \
	                             COUNTERS_COUNT },                                                                         \
	[SERVER_COUNT_EVICTED] = { prefix "_evicted", NULL, "Idle connections that made room.", COUNTERS_COUNT },              \
	[SERVER_COUNT_PAUSED] = { prefix "_paused", NULL, "Times that new connections had to wait.", COUNTERS_COUNT },         \
	[SERVER_COUNT_TOO_SLOW] = { prefix "_dropped", "why=\"slow\"", "Connections ended by us.", COUNTERS_COUNT },           \
	[SERVER_COUNT_TOO_LATE] = { prefix "_dropped", "why=\"late\"", "Connections ended by us.", COUNTERS_COUNT },           \
	[SERVER_COUNT_BROKEN] = { prefix "_dropped", "why=\"broken\"", "Connections ended by us.", COUNTERS_COUNT }

struct server_limits {
	size_t connections;
	uint64_t request_ms, write_ms, reply_ms;
};

struct server_options {
	struct server_limits limits;
	const struct allow_prefix *allow; /* of inet peers; copied */
	size_t allow_count;
	int signals; /* of daemon_signals_open(); -1: none */
	void (*say)(void *context, enum log_level level, const char *sentence);
	void (*reload)(void *context); /* on HUP */
	void *context;
};

struct server_listen {
	struct listener_address address;
	const struct server_protocol *protocol;
	const void *meaning; /* what its connections are for: server_meaning() */
};

/* 0 or a negative errno. */
must_check int server_new(const struct server_options *options, struct server **out);
void server_free(struct server *server);

/* Listens on all of WANTED and on nothing else; connections stay. INHERITED may be NULL. 0, or negative with sentences in WHY
 * and everything as it was. */
must_check int server_listen(struct server *server, const struct server_listen *wanted, size_t count,
                             struct listener_inherited *inherited, struct text *why);

/* Other limits and allowed addresses, from now on. 0 or -ENOMEM. */
must_check int server_set_limits(struct server *server, const struct server_limits *limits,
                                 const struct allow_prefix *allow, size_t allow_count);

/* Serves until a signal or server_stop() ends it: 0, or a negative errno. COUNTERS may be NULL. */
must_check int server_run(struct server *server, struct counters *counters);

/* Accepts nothing more, answers what has been asked, and ends server_run(), within SERVER_STOP_MS. */
void server_stop(struct server *server);
bool server_is_stopping(const struct server *server);
enum { SERVER_STOP_MS = 5000, SERVER_STOP_FRESH_MS = 1000 };

/* For events of the program's own. */
struct event_base *server_base(struct server *server);
size_t server_connections(const struct server *server);
/* Milliseconds of a clock that does not go back, as of the present turn. */
uint64_t server_now(const struct server *server);

/* --- in the callbacks of a protocol --------------------------------------------------------------------- */

/* The connection's state; NULL when the protocol has none. */
void *server_state(struct server_connection *connection);
const void *server_meaning(const struct server_connection *connection);
struct server *server_of(struct server_connection *connection);
/* Where answers are put. Valid during the callback. */
struct text *server_output(struct server_connection *connection);

/* wake() after this time, which the next call replaces. */
void server_wake_after(struct server_connection *connection, uint64_t milliseconds);
/* wake() now; not from a callback of the protocol. */
void server_wake(struct server_connection *connection);

/* "user 101, process 4711" or "192.0.2.1 port 4711". */
void server_put_peer(struct text *out, struct server_connection *connection);
/* The credentials of a unix peer: 1, or 0 for others. */
int server_credentials(struct server_connection *connection, uid_t *out_uid, gid_t *out_gid, pid_t *out_pid);

/* Says SENTENCE of the peer, once a minute for a peer and a kind. */
void server_complain(struct server_connection *connection, const char *kind, const char *sentence);
