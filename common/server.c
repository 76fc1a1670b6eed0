/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Listeners, the loop, signals and stopping; what happens on a connection is in server_turn.c.
 */
#include <config.h>

#include "common/server_internal.h"

#include "common/daemon.h"
#include "common/notify.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

enum {
	TICK_SECONDS = 5,
	IDLE_MIN_MS = 1000,  /* a connection that is idle for less does not make room */
	EVICT_LOOK = 64,     /* connections looked at for one that can */
	PAUSE_MS = 100,      /* until it is tried again to accept */
	INPUT_MORE = 4096,   /* read beyond the longest request */
};

void
server_count(struct server *server, unsigned index)
{
	counters_add(server->counters, index, 1);
}

static void say(struct server *server, enum log_level level, const char *format, ...) printf_like(3, 4);

static void
say(struct server *server, enum log_level level, const char *format, ...)
{
	char sentence[512];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	server->say(server->context, level, sentence);
}

/* --- accepting ------------------------------------------------------------------------------------------- */

static void
listen_on(struct server *server, bool on)
{
	struct server_listener *l;

	TAILQ_FOREACH (l, &server->listeners, next) {
		for (size_t i = 0; i < l->listener.count; i++) {
			if (on)
				event_add(&l->events[i], NULL);
			else
				event_del(&l->events[i]);
		}
	}
}

/* What comes stays in the backlog for a moment. */
static void
pause_accepting(struct server *server)
{
	const struct timeval moment = { 0, PAUSE_MS * 1000 };

	if (server->paused)
		return;
	server->paused = true;
	server_count(server, SERVER_COUNT_PAUSED);
	listen_on(server, false);
	evtimer_add(&server->pause, &moment);
}

static void
go_on_accepting(struct server *server)
{
	if (!server->paused)
		return;
	server->paused = false;
	evtimer_del(&server->pause);
	if (!server->stopping)
		listen_on(server, true);
}

static void
on_pause_over(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	go_on_accepting(context);
}

/* Ends the connection that has been idle for the longest; false when none is. */
static bool
make_room(struct server *server)
{
	struct server_connection *c;
	unsigned looked = 0;

	TAILQ_FOREACH (c, &server->connections, by_use) {
		if (server->now - c->used_at < IDLE_MIN_MS || looked++ == EVICT_LOOK)
			return false;
		if (!server_connection_is_idle(c))
			continue;
		server_count(server, SERVER_COUNT_EVICTED);
		server_connection_free(c);
		return true;
	}
	return false;
}

static void
no_room(struct server *server, const char *why)
{
	unsigned left_out;

	if (seldom_now(&server->seldom, SPAN("no room"), server->now, &left_out))
		say(server, LOG_WARNING, "%s and none is idle: new connections wait", why);
	pause_accepting(server);
}

/* Takes one connection: 1, 0 when there is none or it has to wait. */
static int
accept_one(struct server *server, const struct server_listener *l, int listening)
{
	union {
		struct sockaddr any;
		struct sockaddr_storage room;
	} peer;
	socklen_t len = sizeof(peer);
	unsigned left_out;
	int fd;

	if (server->connection_count >= server->limits.connections && !make_room(server)) {
		if (!server->stopping)
			no_room(server, "there are as many connections as max-connections allows");
		return 0;
	}
	peer.any.sa_family = AF_UNSPEC;
	if (l->listener.address.family == LISTENER_UNIX) {
		/* Clients have no address there. */
		len = sizeof(peer.any.sa_family);
		fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	} else {
		fd = accept4(listening, &peer.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	}
	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
		int r = errno;

		if (make_room(server))
			return 1;
		no_room(server, strerror(r));
		return 0;
	}
	if (fd < 0)
		return errno == ECONNABORTED || errno == EINTR || errno == EPROTO ? 1 : 0;
	if (l->listener.address.family == LISTENER_INET && !allow_has(server->allow, server->allow_count, &peer.any)) {
		server_count(server, SERVER_COUNT_FORBIDDEN);
		if (seldom_now(&server->seldom, SPAN("forbidden"), server->now, &left_out))
			say(server, LOG_WARNING, "%s: a connection from an address that is not in \"allow\" was refused (%u more "
			                         "since the last time)", l->protocol->name, left_out);
		close(fd);
		return 1;
	}
	server_count(server, SERVER_COUNT_ACCEPTED);
	if (server_connection_new(server, l, fd, &peer.any, len) < 0) {
		server_part(l->protocol, fd, false);
		close(fd);
	}
	return 1;
}

static void
on_connection(evutil_socket_t fd, short what, void *context)
{
	struct server_listener *l = context;

	(void)what;
	server_look_at_clock(l->server);
	server_was_away(l->server);
	/* One at a time: when there are more, the loop says so, and when there are none, it need not be asked. */
	if (!l->server->paused)
		accept_one(l->server, l, fd);
	counters_set(l->server->counters, SERVER_COUNT_OPEN, l->server->connection_count);
}

void
server_connection_gone(struct server *server)
{
	counters_set(server->counters, SERVER_COUNT_OPEN, server->connection_count);
	go_on_accepting(server);
	if (server->stopping && server->connection_count == 0)
		event_base_loopbreak(server->base);
}

/* --- listeners ------------------------------------------------------------------------------------------- */

static void
free_listener(struct server_listener *l)
{
	if (l->server != NULL)
		for (size_t i = 0; i < l->listener.count; i++)
			event_del(&l->events[i]);
	listener_close(&l->listener);
	free(l);
}

static struct server_listener *
find_listener(struct server *server, const struct server_listen *wanted)
{
	struct server_listener *l;

	TAILQ_FOREACH (l, &server->listeners, next)
		if (listener_is_same(&l->listener.address, &wanted->address) && l->protocol == wanted->protocol)
			return l;
	return NULL;
}

static void
adopt(struct server *server, struct server_listener *l)
{
	l->server = server;
	for (size_t i = 0; i < l->listener.count; i++) {
		event_assign(&l->events[i], server->base, l->listener.fds[i], EV_READ | EV_PERSIST, on_connection, l);
		if (!server->paused)
			event_add(&l->events[i], NULL);
	}
	TAILQ_INSERT_TAIL(&server->listeners, l, next);
}

static int
open_wanted(struct server *server, const struct server_listen *wanted, size_t count, struct listener_inherited *inherited,
            struct server_listeners *fresh, struct text *why)
{
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		struct server_listener *l;

		if (find_listener(server, &wanted[i]) != NULL)
			continue;
		l = calloc(1, sizeof(*l));
		if (l == NULL)
			return -ENOMEM;
		l->protocol = wanted[i].protocol;
		l->meaning = wanted[i].meaning;
		r = listener_open(&wanted[i].address, inherited, &l->listener, why);
		if (r == 0)
			TAILQ_INSERT_TAIL(fresh, l, next);
		else
			free(l);
	}
	return r;
}

static int
make_input(struct server *server, const struct server_listen *wanted, size_t count)
{
	size_t room = server->input_room;
	char *input;

	for (size_t i = 0; i < count; i++)
		if (room < wanted[i].protocol->request_max + INPUT_MORE)
			room = wanted[i].protocol->request_max + INPUT_MORE;
	if (room == server->input_room)
		return 0;
	input = realloc(server->input, room);
	if (input == NULL)
		return -ENOMEM;
	server->input = input;
	server->input_room = room;
	return 0;
}

int
server_listen(struct server *server, const struct server_listen *wanted, size_t count,
              struct listener_inherited *inherited, struct text *why)
{
	struct server_listeners fresh = TAILQ_HEAD_INITIALIZER(fresh);
	struct server_listener *l, *next;
	int r = make_input(server, wanted, count);

	if (r == 0)
		r = open_wanted(server, wanted, count, inherited, &fresh, why);
	if (r < 0) {
		while ((l = TAILQ_FIRST(&fresh)) != NULL) {
			TAILQ_REMOVE(&fresh, l, next);
			free_listener(l);
		}
		return r;
	}
	for (l = TAILQ_FIRST(&server->listeners); l != NULL; l = next) {
		const struct server_listen *still = NULL;

		next = TAILQ_NEXT(l, next);
		for (size_t i = 0; i < count && still == NULL; i++)
			if (find_listener(server, &wanted[i]) == l)
				still = &wanted[i];
		if (still != NULL) {
			l->meaning = still->meaning;
		} else {
			TAILQ_REMOVE(&server->listeners, l, next);
			free_listener(l);
		}
	}
	while ((l = TAILQ_FIRST(&fresh)) != NULL) {
		TAILQ_REMOVE(&fresh, l, next);
		adopt(server, l);
	}
	return 0;
}

/* --- signals and time ------------------------------------------------------------------------------------ */

static void
on_signal(evutil_socket_t fd, short what, void *context)
{
	struct server *server = context;

	(void)what;
	switch (daemon_signals_take(fd)) {
	case DAEMON_STOP:
		server_stop(server);
		break;
	case DAEMON_RELOAD:
		if (server->reload != NULL && !server->stopping) {
			notify_reloading();
			server->reload(server->context);
			notify_ready();
		}
		break;
	case DAEMON_NOTHING:
		break;
	}
}

/* This process may have been stopped, or starved: how old what waits in the sockets is, only the last tick tells. */
bool
server_was_away(struct server *server)
{
	uint64_t away = server->now - server->ticked_at;
	struct server_connection *c, *next;

	if (away < 2 * TICK_SECONDS * 1000 || away < server->limits.reply_ms)
		return false;
	server->ticked_at = server->now;
	say(server, LOG_WARNING, "was not run for %llu seconds: what was asked before is not answered any more",
	    (unsigned long long)away / 1000);
	for (c = TAILQ_FIRST(&server->connections); c != NULL; c = next) {
		next = TAILQ_NEXT(c, by_use);
		server_connection_drop_old(c);
	}
	return true;
}

static void
on_tick(evutil_socket_t fd, short what, void *context)
{
	struct server *server = context;
	uint64_t ticks;

	(void)what;
	if (read(fd, &ticks, sizeof(ticks)) < 0)
		return;
	server_look_at_clock(server);
	server_was_away(server);
	server->ticked_at = server->now;
	counters_publish(server->counters);
	if (notify_watchdog_interval() > 0)
		notify_watchdog();
}

/* --- life ------------------------------------------------------------------------------------------------ */

static void
stop_connections(struct server *server)
{
	struct server_connection *c = TAILQ_FIRST(&server->connections), *next;

	/* Those that go on waiting move to the end. */
	for (size_t left = server->connection_count; left > 0 && c != NULL; left--, c = next) {
		next = TAILQ_NEXT(c, by_use);
		server_connection_stop(c);
	}
}

/* First those go that are idle and never asked, in the end all. */
static void
on_stop_timer(evutil_socket_t fd, short what, void *context)
{
	const struct timeval rest = { (SERVER_STOP_MS - SERVER_STOP_FRESH_MS) / 1000, 0 };
	struct server *server = context;

	(void)fd;
	(void)what;
	server_look_at_clock(server);
	if (server->stop_fresh_over) {
		event_base_loopbreak(server->base);
		return;
	}
	server->stop_fresh_over = true;
	evtimer_add(&server->stop_timer, &rest);
	stop_connections(server);
}

/* A socket that was handed over goes on queueing for who comes after us; one of our own dies with us, so that its backlog is
 * ours to answer. */
static void
stop_listening(struct server *server)
{
	struct server_listener *l;

	listen_on(server, false);
	TAILQ_FOREACH (l, &server->listeners, next) {
		listener_unlink(&l->listener);
		for (size_t i = 0; !l->listener.inherited && i < l->listener.count; i++)
			for (unsigned n = 0; n < SOMAXCONN && accept_one(server, l, l->listener.fds[i]) == 1; n++)
				;
	}
	while ((l = TAILQ_FIRST(&server->listeners)) != NULL) {
		TAILQ_REMOVE(&server->listeners, l, next);
		free_listener(l);
	}
}

void
server_stop(struct server *server)
{
	const struct timeval fresh = { SERVER_STOP_FRESH_MS / 1000, 0 };

	if (server->stopping)
		return;
	server_look_at_clock(server);
	server->stopping = true;
	notify_stopping();
	stop_listening(server);
	evtimer_add(&server->stop_timer, &fresh);
	stop_connections(server);
	if (server->connection_count == 0)
		event_base_loopbreak(server->base);
}

int
server_run(struct server *server, struct counters *counters)
{
	const struct itimerspec tick = { { TICK_SECONDS, 0 }, { TICK_SECONDS, 0 } };

	server->counters = counters;
	if (server->signals >= 0 && event_add(&server->signal_event, NULL) < 0)
		return -EIO;
	/* Not a timer of libevent's: it would give each wait for events a time limit, which the kernel must set and cancel. */
	if (timerfd_settime(server->tick_fd, 0, &tick, NULL) < 0)
		return -errno;
	if (event_add(&server->tick, NULL) < 0)
		return -EIO;
	server_look_at_clock(server);
	server->ticked_at = server->now;
	return event_base_dispatch(server->base) < 0 ? -EIO : 0;
}

int
server_set_limits(struct server *server, const struct server_limits *limits, const struct allow_prefix *allow,
                  size_t allow_count)
{
	struct allow_prefix *copy = calloc(allow_count + 1, sizeof(*copy));

	if (copy == NULL)
		return -ENOMEM;
	if (allow_count > 0)
		memcpy(copy, allow, allow_count * sizeof(*copy));
	free(server->allow);
	server->allow = copy;
	server->allow_count = allow_count;
	server->limits = *limits;
	return 0;
}

int
server_new(const struct server_options *options, struct server **out)
{
	struct event_config *config = event_config_new();
	struct server *server = calloc(1, sizeof(*server));
	int r = -ENOMEM;

	if (server != NULL)
		server->tick_fd = -1;
	if (config == NULL || server == NULL)
		goto out;
	TAILQ_INIT(&server->listeners);
	TAILQ_INIT(&server->connections);
	server->say = options->say;
	server->reload = options->reload;
	server->context = options->context;
	server->signals = options->signals;
	/* One thread: no locks. */
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	/* Timers are set seldom, turns are many: the loop need not look at its clock in each. */
	event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
	server->base = event_base_new_with_config(config);
	server->tick_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (server->tick_fd < 0) {
		r = -errno;
		goto out;
	}
	if (server->base == NULL || server_set_limits(server, &options->limits, options->allow, options->allow_count) < 0)
		goto out;
	event_assign(&server->signal_event, server->base, server->signals, EV_READ | EV_PERSIST, on_signal, server);
	event_assign(&server->tick, server->base, server->tick_fd, EV_READ | EV_PERSIST, on_tick, server);
	evtimer_assign(&server->pause, server->base, on_pause_over, server);
	evtimer_assign(&server->stop_timer, server->base, on_stop_timer, server);
	server_look_at_clock(server);
	*out = take(server);
	r = 0;
out:
	if (config != NULL)
		event_config_free(config);
	server_free(server);
	return r;
}

void
server_free(struct server *server)
{
	struct server_connection *c;
	struct server_listener *l;

	if (server == NULL)
		return;
	if (server->base != NULL) {
		server->stopping = true;
		while ((c = TAILQ_FIRST(&server->connections)) != NULL)
			server_connection_free(c);
		while ((l = TAILQ_FIRST(&server->listeners)) != NULL) {
			TAILQ_REMOVE(&server->listeners, l, next);
			free_listener(l);
		}
		event_base_free(server->base);
	}
	if (server->tick_fd >= 0)
		close(server->tick_fd);
	free(server->allow);
	free(server->input);
	text_free(&server->output);
	free(server);
}

bool
server_is_stopping(const struct server *server)
{
	return server->stopping;
}

struct event_base *
server_base(struct server *server)
{
	return server->base;
}

size_t
server_connections(const struct server *server)
{
	return server->connection_count;
}

uint64_t
server_now(const struct server *server)
{
	return server->now;
}
