/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "ftpauth/verification.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

enum { RETRY_FIRST_MS = 10, RETRY_MAX_MS = 200 };

struct verification {
	struct verification_order order;
	struct sockaddr_un name;
	struct text question; /* what is still to be sent of it, from SENT on */
	size_t sent;
	char reply[2 + QUESTION_REPLY_MAX];
	size_t reply_len;
	int fd; /* -1: not connected */
	uint64_t begun, retry_ms;
	struct event io, deadline, retry;
};

static void try_connect(struct verification *v);

static uint64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct timeval
time_of(uint64_t ms)
{
	return (struct timeval){ .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000) };
}

void
verification_cancel(struct verification *v)
{
	if (v == NULL)
		return;
	event_del(&v->deadline);
	event_del(&v->retry);
	if (v->fd >= 0) {
		event_del(&v->io);
		close(v->fd);
	}
	text_wipe(&v->question);
	free(v);
}

static void
finish(struct verification *v, const struct question_answer *answer, const char *why)
{
	void (*done)(void *, const struct question_answer *, const char *) = v->order.done;
	void *context = v->order.context;

	verification_cancel(v);
	done(context, answer, why);
}

static void
fail(struct verification *v, const char *why)
{
	static const struct question_answer cannot_tell = { .word = QUESTION_CANNOT_TELL };

	finish(v, &cannot_tell, why);
}

/* --- the answer ------------------------------------------------------------------------------------------ */

static void
take_reply(struct verification *v)
{
	struct question_answer answer;
	bool ended = false;
	ssize_t n = recv(v->fd, v->reply + v->reply_len, sizeof(v->reply) - v->reply_len, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		ended = true;
	else
		v->reply_len += (size_t)n;
	question_read_answer(span_from(v->reply, v->reply_len), ended, &answer);
	if (answer.word != QUESTION_MORE)
		finish(v, &answer, v->reply_len == 0 ? "it closed the connection without a reply" : "its reply is none");
}

static void
on_io(evutil_socket_t fd, short what, void *context);

static void
want(struct verification *v, short what)
{
	event_assign(&v->io, v->order.base, v->fd, (short)(what | EV_PERSIST), on_io, v);
	event_add(&v->io, NULL);
}

/* Sends what is left: true when all of it went. A peer that is gone shows when the reply is read. */
static bool
send_question(struct verification *v)
{
	while (v->sent < v->question.len) {
		ssize_t n = send(v->fd, v->question.data + v->sent, v->question.len - v->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n < 0)
			break;
		v->sent += (size_t)n;
	}
	text_wipe(&v->question);
	return true;
}

static void
on_io(evutil_socket_t fd, short what, void *context)
{
	struct verification *v = context;

	(void)fd;
	if ((what & EV_READ) != 0) {
		take_reply(v);
	} else if (send_question(v)) {
		event_del(&v->io);
		want(v, EV_READ);
	}
}

/* --- beginning ------------------------------------------------------------------------------------------- */

static void
on_deadline(evutil_socket_t fd, short what, void *context)
{
	struct verification *v = context;

	(void)fd;
	(void)what;
	fail(v, v->fd < 0 ? "nobody listens there, or too many wait" : "its answer does not come");
}

static void
on_retry(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	try_connect(context);
}

static bool
is_passing(const struct verification *v, int error)
{
	if (error == EAGAIN)
		return true;
	return (error == ECONNREFUSED || error == ENOENT) && now_ms() - v->begun < VERIFICATION_HOLD_MS;
}

/* The connection exists, or it is tried again, or all is over by the next turn of the loop: never in here. */
static void
try_connect(struct verification *v)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct timeval wait = { 0, 0 };

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&v->name, sizeof(v->name)) == 0) {
		v->fd = fd;
		want(v, send_question(v) ? EV_READ : EV_WRITE);
		return;
	}
	if (is_passing(v, errno)) {
		wait = time_of(v->retry_ms);
		v->retry_ms = v->retry_ms * 2 < RETRY_MAX_MS ? v->retry_ms * 2 : RETRY_MAX_MS;
		evtimer_add(&v->retry, &wait);
	} else {
		evtimer_add(&v->deadline, &wait);
	}
	if (fd >= 0)
		close(fd);
}

struct verification *
verification_begin(const struct verification_order *order, struct text *question)
{
	struct verification *v = calloc(1, sizeof(*v));
	struct timeval timeout = time_of(order->timeout_ms);
	size_t n = strlen(order->path);

	if (v == NULL)
		return NULL;
	v->order = *order;
	v->order.path = NULL;
	v->name.sun_family = AF_UNIX;
	memcpy(v->name.sun_path, order->path, n < sizeof(v->name.sun_path) ? n : sizeof(v->name.sun_path) - 1);
	v->fd = -1;
	v->begun = now_ms();
	v->retry_ms = RETRY_FIRST_MS;
	v->question = *question;
	*question = TEXT_INIT;
	evtimer_assign(&v->deadline, order->base, on_deadline, v);
	evtimer_assign(&v->retry, order->base, on_retry, v);
	evtimer_add(&v->deadline, &timeout);
	try_connect(v);
	return v;
}
