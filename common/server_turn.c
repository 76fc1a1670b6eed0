/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * One connection: octets in, requests to the protocol, answers out, and its deadlines.
 *
 * What runs from one event of a connection to the end of its consequences is a turn. Requests lie in the server's input buffer
 * during it, answers in the server's output buffer; at its end, what is left of either is copied to the connection.
 */
#include <config.h>

#include "common/server_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>

enum {
	FLUSH_AT = 65536,  /* octets of answers after which they are sent, whatever else has been asked */
	KEEP_ROOM = 16384, /* larger buffers are given back when they are empty */
	DRAIN_MAX = 16,    /* times 4096 octets of a peer are read that nobody looks at */
};

static void turn(struct server_connection *c, enum server_step step, struct span input);
static void on_readable(struct server_connection *c);
static void on_io(evutil_socket_t fd, short what, void *context);
static void on_timer(evutil_socket_t fd, short what, void *context);

/* --- beginning and end ---------------------------------------------------------------------------------- */

static void
want_io(struct server_connection *c, short wanted)
{
	if (c->io_wanted == wanted)
		return;
	if (c->io_wanted != 0)
		event_del(&c->io);
	c->io_wanted = wanted;
	if (wanted == 0)
		return;
	event_assign(&c->io, c->server->base, c->fd, (short)(wanted | EV_PERSIST), on_io, c);
	event_add(&c->io, NULL);
}

int
server_connection_new(struct server *server, const struct server_listener *listener, int fd,
                      const struct sockaddr *peer, socklen_t peer_len)
{
	struct server_connection *c = calloc(1, sizeof(*c) + listener->protocol->state_size);
	int on = 1;

	if (c == NULL)
		return -ENOMEM;
	c->server = server;
	c->protocol = listener->protocol;
	c->meaning = listener->meaning;
	c->fd = fd;
	c->used_at = server->now;
	if (peer_len > sizeof(c->peer))
		peer_len = sizeof(c->peer);
	memcpy(&c->peer, peer, peer_len);
	if (listener->listener.address.family == LISTENER_INET) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	}
	evtimer_assign(&c->timer, server->base, on_timer, c);
	TAILQ_INSERT_TAIL(&server->connections, c, by_use);
	server->connection_count++;
	if (server->stopping) {
		want_io(c, EV_READ);
		return 0;
	}
	/* Who has connected has mostly asked as well: to look at once saves waiting for it, and where a connection has one request,
	 * all that has to do with waiting. */
	text_clear(&server->output);
	on_readable(c);
	return 0;
}

void
server_part(const struct server_protocol *protocol, int fd, bool said)
{
	unfilled char octets[4096];

	if (protocol->last_words.len == 0)
		return;
	for (unsigned n = 0; n < DRAIN_MAX && recv(fd, octets, sizeof(octets), MSG_DONTWAIT) > 0; n++)
		;
	if (protocol->is_secret)
		explicit_bzero(octets, sizeof(octets));
	if (!said)
		(void)!send(fd, protocol->last_words.data, protocol->last_words.len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Octets that lie in the server's input buffer. */
static void
forget_input(struct server *server, bool is_secret, size_t n)
{
	if (is_secret)
		explicit_bzero(server->input, n);
}

static void
forget_kept(struct server_connection *c)
{
	if (c->protocol->is_secret)
		text_wipe(&c->kept);
	else
		text_clear(&c->kept);
}

void
server_connection_free(struct server_connection *c)
{
	struct server *server = c->server;

	if (c->protocol->closed != NULL)
		c->protocol->closed(c);
	want_io(c, 0);
	if (c->armed_for != 0)
		event_del(&c->timer);
	server_part(c->protocol, c->fd, c->said);
	close(c->fd);
	TAILQ_REMOVE(&server->connections, c, by_use);
	server->connection_count--;
	forget_kept(c);
	text_free(&c->kept);
	text_free(&c->unsent);
	free(c);
	server_connection_gone(server);
}

bool
server_connection_is_idle(const struct server_connection *c)
{
	return !c->waiting && !c->in_request && c->kept.len == 0 && c->unsent.len == 0;
}

static void
drop(struct server_connection *c, unsigned count, const char *kind, const char *sentence)
{
	server_count(c->server, count);
	if (sentence != NULL)
		server_complain(c, kind, sentence);
	server_connection_free(c);
}

/* --- time ------------------------------------------------------------------------------------------------ */

void
server_look_at_clock(struct server *server)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	server->now = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The timer is set for the earlier of what is due; one that is set too early looks again. */
static void
arm(struct server_connection *c)
{
	uint64_t due = c->wake_at == 0 || (c->deadline != 0 && c->deadline < c->wake_at) ? c->deadline : c->wake_at;
	struct timeval time;
	uint64_t wait;

	if (due == 0 || (c->armed_for != 0 && c->armed_for <= due))
		return;
	wait = due > c->server->now ? due - c->server->now : 0;
	/* The coarse clock may be a tick behind: never wake before the time. */
	wait += 5;
	time.tv_sec = (time_t)(wait / 1000);
	time.tv_usec = (suseconds_t)(wait % 1000 * 1000);
	evtimer_add(&c->timer, &time);
	c->armed_for = due;
}

static bool
is_late(const struct server_connection *c)
{
	return c->server->now - c->since >= c->server->limits.reply_ms;
}

static void
on_timer(evutil_socket_t fd, short what, void *context)
{
	struct server_connection *c = context;
	struct server *server = c->server;

	(void)fd;
	(void)what;
	server_look_at_clock(server);
	c->armed_for = 0;
	if (c->deadline != 0 && server->now >= c->deadline) {
		if (c->unsent.len > 0)
			drop(c, SERVER_COUNT_TOO_SLOW, "unread", "does not read its answers");
		else
			drop(c, SERVER_COUNT_TOO_SLOW, "slow", "did not complete its request in time");
		return;
	}
	if (c->wake_at != 0 && server->now >= c->wake_at) {
		c->wake_at = 0;
		if (c->waiting) {
			server_wake(c);
			return;
		}
	}
	arm(c);
}

/* --- answers --------------------------------------------------------------------------------------------- */

/* Sends what there is: 1 all is sent, 0 the rest is kept in unsent, negative: the peer is gone. */
static int
send_all(struct server_connection *c)
{
	struct text *output = &c->server->output;
	struct span rest = text_span(output);
	bool queued = c->unsent.len > 0;
	ssize_t n;

	if (queued) {
		text_put_span(&c->unsent, rest);
		rest = text_span(&c->unsent);
	}
	if (text_failed(output) || text_failed(&c->unsent))
		return -ENOMEM;
	while (rest.len > 0) {
		n = send(c->fd, rest.data, rest.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return -errno;
		if (n < 0)
			break;
		c->said = true;
		rest = span_skip(rest, (size_t)n);
	}
	if (queued) {
		memmove(c->unsent.data, rest.data, rest.len);
		c->unsent.len = rest.len;
	} else if (rest.len > 0) {
		text_put_span(&c->unsent, rest);
		if (text_failed(&c->unsent))
			return -ENOMEM;
	}
	text_clear(output);
	if (rest.len == 0 && c->unsent.room > KEEP_ROOM)
		text_free(&c->unsent);
	return rest.len == 0;
}

/* --- requests -------------------------------------------------------------------------------------------- */

static bool
keep(struct server_connection *c, struct span input)
{
	forget_kept(c);
	if (input.len == 0) {
		if (c->kept.room > KEEP_ROOM)
			text_free(&c->kept);
		return true;
	}
	text_put_span(&c->kept, input);
	return !text_failed(&c->kept);
}

/* How the turn leaves the connection: what it waits for, and until when. */
static void
settle(struct server_connection *c)
{
	struct server *server = c->server;

	if (c->unsent.len > 0) {
		want_io(c, EV_WRITE);
		if (!c->blocked)
			c->deadline = server->now + server->limits.write_ms;
		c->blocked = true;
	} else {
		want_io(c, c->waiting ? 0 : EV_READ);
		c->blocked = false;
		c->deadline = c->in_request && !c->waiting ? c->since + server->limits.request_ms : 0;
	}
	if (c->deadline != 0 || c->wake_at != 0)
		arm(c);
	c->used_at = server->now;
	TAILQ_REMOVE(&server->connections, c, by_use);
	TAILQ_INSERT_TAIL(&server->connections, c, by_use);
	if (server->stopping && server_connection_is_idle(c) && (c->asked || server->stop_fresh_over))
		server_connection_free(c);
}

/* Goes on after STEP with what is left of the input (which lies in the server's buffer), until there is nothing to do but
 * wait. C may be gone afterwards. */
static void
turn(struct server_connection *c, enum server_step step, struct span input)
{
	struct server *server = c->server;
	int sent = 1;

	for (;;) {
		size_t taken = 0;

		c->waiting = step == SERVER_WAIT;
		if (step == SERVER_NEXT || step == SERVER_FINISH) {
			c->asked = true;
			c->in_request = false;
			c->since = c->read_at;
		}
		if (step == SERVER_DROP) {
			send_all(c);
			server_connection_free(c);
			return;
		}
		if (step == SERVER_FINISH) {
			c->finishing = true;
			input.len = 0;
		}
		if (step == SERVER_WAIT || step == SERVER_FINISH || input.len == 0)
			break;
		if (step == SERVER_MORE && c->in_request)
			break;
		if (server->output.len >= FLUSH_AT && (sent = send_all(c)) != 1)
			break;
		if (is_late(c)) {
			if (send_all(c) >= 0)
				drop(c, SERVER_COUNT_TOO_LATE, "late", "is closed: the answer would come too late");
			else
				server_connection_free(c);
			return;
		}
		step = c->protocol->look(c, input, &taken);
		input = span_skip(input, taken);
		c->in_request = step == SERVER_MORE;
	}
	if (c->in_request && input.len >= c->protocol->request_max) {
		drop(c, SERVER_COUNT_BROKEN, "long", "sent a request that is too long");
		return;
	}
	if (sent == 1 && (server->output.len > 0 || c->unsent.len > 0))
		sent = send_all(c);
	if (sent < 0 || (c->finishing && sent == 1) || !keep(c, input)) {
		server_connection_free(c);
		return;
	}
	settle(c);
}

/* What was kept of the input, in the server's buffer. */
static struct span
kept_input(struct server_connection *c)
{
	struct span kept = text_span(&c->kept);

	memcpy(c->server->input, kept.data, kept.len);
	return span_from(c->server->input, kept.len);
}

static void
turn_kept(struct server_connection *c, enum server_step step)
{
	struct server *server = c->server;
	struct span kept = kept_input(c);
	bool is_secret = c->protocol->is_secret;

	turn(c, step, kept);
	forget_input(server, is_secret, kept.len);
}

static void
on_readable(struct server_connection *c)
{
	struct server *server = c->server;
	bool is_secret = c->protocol->is_secret;
	struct span kept = kept_input(c);
	/* Room is at least request_max, and what is kept is less. */
	ssize_t n = recv(c->fd, server->input + kept.len, server->input_room - kept.len, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		forget_input(server, is_secret, kept.len);
		want_io(c, EV_READ);
		return;
	}
	if (n <= 0) {
		forget_input(server, is_secret, kept.len);
		if (n == 0 && c->in_request)
			server_count(server, SERVER_COUNT_BROKEN);
		server_connection_free(c);
		return;
	}
	if (!c->in_request)
		c->since = server->now;
	c->read_at = server->now;
	c->in_request = false;
	turn(c, SERVER_MORE, span_from(server->input, kept.len + (size_t)n));
	forget_input(server, is_secret, kept.len + (size_t)n);
}

static void
on_writable(struct server_connection *c)
{
	int sent = send_all(c);

	if (sent < 0 || (sent == 1 && c->finishing)) {
		server_connection_free(c);
		return;
	}
	if (sent == 0 || c->waiting || c->kept.len == 0) {
		settle(c);
		return;
	}
	/* On with what was asked meanwhile. */
	c->in_request = false;
	c->blocked = false;
	turn_kept(c, SERVER_MORE);
}

static void
on_io(evutil_socket_t fd, short what, void *context)
{
	struct server_connection *c = context;

	(void)fd;
	server_look_at_clock(c->server);
	if (server_was_away(c->server))
		return;
	text_clear(&c->server->output);
	if ((what & EV_READ) != 0)
		on_readable(c);
	else
		on_writable(c);
}

static bool
has_asked_just_now(const struct server_connection *c)
{
	char octet;

	return recv(c->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void
server_connection_drop_old(struct server_connection *c)
{
	if (c->waiting || c->unsent.len > 0 || c->in_request || has_asked_just_now(c))
		drop(c, SERVER_COUNT_TOO_LATE, "late", NULL);
}

void
server_connection_stop(struct server_connection *c)
{
	if (c->waiting) {
		server_wake(c);
		return;
	}
	/* Who has asked is found by the loop, who has just come may ask yet. */
	if (server_connection_is_idle(c) && (c->asked || c->server->stop_fresh_over) && !has_asked_just_now(c))
		server_connection_free(c);
}

/* --- for protocols --------------------------------------------------------------------------------------- */

void *
server_state(struct server_connection *c)
{
	return c->protocol->state_size > 0 ? c->state : NULL;
}

const void *
server_meaning(const struct server_connection *c)
{
	return c->meaning;
}

struct server *
server_of(struct server_connection *c)
{
	return c->server;
}

struct text *
server_output(struct server_connection *c)
{
	return &c->server->output;
}

void
server_wake_after(struct server_connection *c, uint64_t milliseconds)
{
	c->wake_at = c->server->now + milliseconds;
}

void
server_wake(struct server_connection *c)
{
	c->wake_at = 0;
	if (!c->waiting || c->protocol->wake == NULL)
		return;
	server_look_at_clock(c->server);
	text_clear(&c->server->output);
	if (is_late(c)) {
		drop(c, SERVER_COUNT_TOO_LATE, "late", "is closed: the answer would come too late");
		return;
	}
	turn_kept(c, c->protocol->wake(c));
}

int
server_credentials(struct server_connection *c, uid_t *out_uid, gid_t *out_gid, pid_t *out_pid)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (c->peer.any.sa_family == AF_INET || c->peer.any.sa_family == AF_INET6 ||
	    getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
		return 0;
	*out_uid = peer.uid;
	*out_gid = peer.gid;
	*out_pid = peer.pid;
	return 1;
}

static void
put_host(struct text *out, const struct server_connection *c)
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (c->peer.any.sa_family == AF_INET)
		inet_ntop(AF_INET, &c->peer.in.sin_addr, host, sizeof(host));
	else
		inet_ntop(AF_INET6, &c->peer.in6.sin6_addr, host, sizeof(host));
	text_put(out, host);
}

void
server_put_peer(struct text *out, struct server_connection *c)
{
	uid_t uid;
	gid_t gid;
	pid_t pid;

	if (c->peer.any.sa_family == AF_INET || c->peer.any.sa_family == AF_INET6) {
		put_host(out, c);
		text_putf(out, " port %u", ntohs(c->peer.in.sin_port)); /* at the same place in both */
	} else if (server_credentials(c, &uid, &gid, &pid)) {
		text_putf(out, "user %u, process %ld", uid, (long)pid);
	} else {
		text_put(out, "a local process");
	}
}

void
server_complain(struct server_connection *c, const char *kind, const char *sentence)
{
	cleanup(text_free) struct text subject = TEXT_INIT;
	cleanup(text_free) struct text line = TEXT_INIT;
	struct server *server = c->server;
	unsigned left_out;
	uid_t uid = 0;
	gid_t gid;
	pid_t pid;

	text_putf(&subject, "%s ", kind);
	if (c->peer.any.sa_family == AF_INET || c->peer.any.sa_family == AF_INET6)
		put_host(&subject, c);
	else if (server_credentials(c, &uid, &gid, &pid))
		text_putf(&subject, "%u", uid);
	if (!seldom_now(&server->seldom, text_span(&subject), server->now, &left_out))
		return;
	text_putf(&line, "%s: ", c->protocol->name);
	server_put_peer(&line, c);
	text_putf(&line, " %s", sentence);
	if (left_out > 0)
		text_putf(&line, " (%u more since the last time)", left_out);
	server->say(server->context, LOG_WARNING, text_str(&line));
}
