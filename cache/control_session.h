/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * One client of the control socket, without the socket: octets in, octets out. For control.c only.
 */
#pragma once

#include "cache/control.h"
#include "common/line.h"

#include <stdint.h>

enum { CONTROL_LINES_A_RUN = 64 };

struct control_session {
	const struct control_actions *actions;
	struct control_peer peer;
	struct line_buffer in;
	struct text out;
	size_t sent; /* octets of OUT that the client has */

	bool streaming, waiting;
	struct control_stream stream;
	uint64_t wait;    /* its number */
	int64_t deadline; /* of a wait, in milliseconds of the caller's clock; INT64_MAX: none */
	bool stalled;     /* nothing more before control_wake() or the deadline */
	bool over;        /* no request is taken any more */
};

void control_session_init(struct control_session *session, const struct control_actions *actions,
                          const struct control_peer *peer);

/* What the client sent. 0 or -ENOMEM. */
must_check int control_session_put(struct control_session *session, struct span octets);

/* Answers as much as can be answered; true when it only stopped to let others have their turn. */
bool control_session_run(struct control_session *session, int64_t now);

/* A command is being answered. */
static inline bool
control_session_is_busy(const struct control_session *session)
{
	return session->streaming || session->waiting;
}

/* What waits to be sent; say how much of it was. */
static inline struct span
control_session_pending(const struct control_session *session)
{
	return span_skip(text_span(&session->out), session->sent);
}
void control_session_sent(struct control_session *session, size_t octets);

void control_session_free(struct control_session *session);
