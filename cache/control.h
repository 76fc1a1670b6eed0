/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The server side of RUN-DIR/control: a unix stream socket, one JSON object a line.
 *
 *   > {"command": "status" | "problems" | "wait" | "verify" | "rebuild" | "release-brake" | "entries",
 *      "timeout": SECONDS (wait only; none: for ever), "subject": HEX (entries only),
 *      "environment": NAME (rebuild only; none: all)}
 *   < {...}                          any number of lines, one a problem, difference or step
 *   < {..., "done": true}            the last one; with "error": SENTENCE when the command failed
 *
 * A connection serves one request after another. Everything runs in the thread that calls control_handle();
 * other threads only call control_wake(). Whoever may connect is root, the daemon's own user, or a
 * member of the socket's group. Clients that are slow, silent or too many are dropped: nothing a client
 * does holds the daemon up or makes it keep more than CONTROL_BACKLOG octets for it.
 */
#pragma once

#include "common/macro.h"
#include "common/text.h"

#include <jansson.h>
#include <sys/types.h>

enum {
	CONTROL_REQUEST_MAX = 4096,      /* octets of a request line */
	CONTROL_BACKLOG = 256 << 10,     /* a stream is not asked for more while this much waits for its client */
	CONTROL_CLIENTS_MAX = 64,
	CONTROL_DNS_MAX = 1000,
	CONTROL_IDLE_SECONDS = 30,       /* without a request, or without taking what waits for it */
};

struct control_peer {
	uid_t uid;
	pid_t pid;
};

/* The answer to a command as it is made: control asks for line after line, as fast as the client takes
 * them. */
struct control_stream {
	void *context;
	/* 1 and a line (a new reference) in *OUT_LINE; 0 at the end, where *OUT_LINE may be one last object, to
	 * which "done" is added; -EAGAIN: nothing yet, ask again after control_wake(); another negative
	 * errno ends the answer with WHY as its error. */
	int (*next)(void *context, json_t **out_line, struct text *why);
	/* Called once, at the end or when the client is gone. May be NULL. */
	void (*close)(void *context);
};

/* What ispman-cached does when asked. The streams' functions are called in the same thread as these. A negative
 * errno refuses the command with WHY as its sentence. */
struct control_actions {
	void *context;
	/* A new reference; "done" is added. */
	json_t *(*status)(void *context);
	/* A wait begins: a number for it. */
	uint64_t (*begin_wait)(void *context);
	/* Whether all that the source had when WAIT began is applied. Asked at first and after each control_wake(). */
	bool (*synchronised)(void *context, uint64_t wait);
	int (*problems)(void *context, struct control_stream *out, struct text *why);
	int (*verify)(void *context, const struct control_peer *peer, struct control_stream *out,
	              struct text *why);
	/* ENVIRONMENT names the one that is meant; NULL: all. */
	int (*rebuild)(void *context, const struct control_peer *peer, const char *environment,
	               struct control_stream *out, struct text *why);
	/* An array of the DNs of the entries whose fragments SUBJECT (cache/key.h) has, CONTROL_DNS_MAX at most. Not
	 * there when NULL. */
	int (*entries)(void *context, struct span subject, json_t **out_dns, struct text *why);
	int (*release_brake)(void *context, const struct control_peer *peer, struct control_stream *out,
	                     struct text *why);
};

/* A JSON string of S; where that is not UTF-8, everything but printable ASCII is shown as \xNN. NULL without
 * memory. */
json_t *control_text(struct span s);

struct control;

/* Binds PATH (mode 0660, GROUP unless it is (gid_t)-1) and listens. A socket that a dead daemon left is replaced;
 * -EADDRINUSE when one answers there. ACTIONS stays the caller's and must outlive the result. */
must_check int control_open(const char *path, gid_t group, const struct control_actions *actions,
                            struct control **out);

/* Listens at FD, a listening unix socket that the service manager opened and that stays the caller's. -ENOTSOCK
 * when it is something else. */
must_check int control_adopt(int fd, const struct control_actions *actions, struct control **out);

/* Becomes readable when control_handle() has something to do: one descriptor for the caller's poll(). */
int control_fd(const struct control *control);
/* Milliseconds after which control_handle() is to be called anyway, -1 for none: poll()'s timeout. */
int control_timeout(const struct control *control);
/* Does what can be done without waiting. */
void control_handle(struct control *control);

/* From any thread: ask the streams and synchronised() again. */
void control_wake(struct control *control);

/* Closes all and removes the socket. NULL is fine. */
void control_free(struct control *control);
void control_freep(struct control **control);
