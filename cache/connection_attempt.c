/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Attempts: a thread each, waited for or abandoned.
 */
#include <config.h>

#include "cache/connection.h"

#include "cache/connection_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

enum {
	STEPS_MAX = 6, /* an attempt may take this many timeouts */
	ABANDONED_MAX = 32,
	SETTLE_MS = 2000,
};

/* Attempts that nobody waits for. Their threads are joined when they have ended. */
static struct {
	pthread_mutex_t lock;
	struct connection_attempt *first;
	size_t count;
} abandoned = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
attempt_free(struct connection_attempt *a)
{
	connection_close(a->connection);
	if (a->guard >= 0)
		close(a->guard);
	if (a->done_fd >= 0)
		close(a->done_fd);
	text_free(&a->why);
	free(a->uri);
	free(a->ca_file);
	free(a->cert_file);
	free(a->key_file);
	free(a->bind_dn);
	free(a->password_file);
	free(a->sasl_mech);
	free(a->base);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

static void *
attempt_run(void *argument)
{
	struct connection_attempt *a = argument;

	a->error = connection_set_up(a);
	(void)eventfd_write(a->done_fd, 1);
	return NULL;
}

/* Copies a string; an empty one becomes NULL. */
static bool
copy_string(const char *string, char **out)
{
	if (string == NULL || *string == '\0')
		return true;
	*out = strdup(string);
	return *out != NULL;
}

static int
spawn(struct connection_attempt *a)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&a->thread, NULL, attempt_run, a);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

/* Frees the abandoned attempts that have ended, or end within MS milliseconds. Returns how many are left. */
static size_t
reap(int ms)
{
	size_t left;

	pthread_mutex_lock(&abandoned.lock);
	for (struct connection_attempt **at = &abandoned.first; *at != NULL;) {
		struct connection_attempt *a = *at;
		struct pollfd done = { .fd = a->done_fd, .events = POLLIN };

		if (poll(&done, 1, ms) > 0) {
			*at = a->next;
			abandoned.count--;
			pthread_join(a->thread, NULL);
			attempt_free(a);
		} else {
			at = &a->next;
			/* Patience is for all of them together. */
			ms = 0;
		}
	}
	left = abandoned.count;
	pthread_mutex_unlock(&abandoned.lock);
	return left;
}

void
connection_settle(void)
{
	(void)reap(SETTLE_MS);
}

int
connection_attempt_start(const struct connection_config *config, size_t uri,
                         const struct connection_wish *wish,
                         struct connection_attempt **out_attempt)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct connection_attempt *a;
	int r = -ENOMEM;

	if (reap(0) >= ABANDONED_MAX)
		return -EBUSY;
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return -ENOMEM;
	pthread_once(&once, connection_wake_libldap);
	pthread_mutex_init(&a->lock, NULL);
	a->guard = -1;
	a->starttls = config->starttls;
	a->sync = wish->sync;
	a->timeout = config->timeout > 0 ? config->timeout : 1;
	a->uri_number = uri;
	a->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (a->done_fd < 0)
		r = -errno;
	else if (copy_string(config->uris[uri], &a->uri) && copy_string(config->ca_file, &a->ca_file) &&
	         copy_string(config->cert_file, &a->cert_file) &&
	         copy_string(config->key_file, &a->key_file) &&
	         copy_string(config->bind_dn, &a->bind_dn) &&
	         copy_string(config->bind_password_file, &a->password_file) &&
	         copy_string(config->sasl_mech, &a->sasl_mech) &&
	         (a->base = strdup(wish->base)) != NULL)
		r = a->uri != NULL ? spawn(a) : -EINVAL;
	if (r < 0) {
		attempt_free(a);
		return r;
	}
	*out_attempt = a;
	return 0;
}

int
connection_attempt_fd(const struct connection_attempt *attempt)
{
	return attempt->done_fd;
}

int
connection_attempt_finish(struct connection_attempt *a, struct connection **out_connection,
                          struct text *why)
{
	int r;

	pthread_join(a->thread, NULL);
	r = a->error;
	if (r < 0) {
		text_put_span(why, text_span(&a->why));
	} else {
		*out_connection = take(a->connection);
		/* libldap leaves it blocking after a TLS handshake, and would wait for the rest of a message for ever. */
		(void)fcntl((*out_connection)->fd, F_SETFL, fcntl((*out_connection)->fd, F_GETFL) | O_NONBLOCK);
	}
	attempt_free(a);
	return r;
}

void
connection_attempt_abandon(struct connection_attempt *a)
{
	if (a == NULL)
		return;
	pthread_mutex_lock(&a->lock);
	a->abandoned = true;
	if (a->guard >= 0)
		shutdown(a->guard, SHUT_RDWR);
	pthread_mutex_unlock(&a->lock);
	pthread_mutex_lock(&abandoned.lock);
	a->next = abandoned.first;
	abandoned.first = a;
	abandoned.count++;
	pthread_mutex_unlock(&abandoned.lock);
}

int
connection_open(const struct connection_config *config, size_t uri,
                const struct connection_wish *wish, int stop_fd,
                struct connection **out_connection, struct text *why)
{
	struct connection_attempt *a = NULL;
	int r = connection_attempt_start(config, uri, wish, &a);
	struct timespec now, end;

	if (r < 0) {
		text_putf(why, "%s: no connection: %s", config->uris[uri], strerror(-r));
		return r;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += (time_t)config->timeout * STEPS_MAX + 1;
	for (;;) {
		struct pollfd wait[] = {
			{ .fd = connection_attempt_fd(a), .events = POLLIN },
			{ .fd = stop_fd, .events = POLLIN },
		};

		clock_gettime(CLOCK_MONOTONIC, &now);
		if (poll(wait, array_size(wait), 1000) < 0 && errno != EINTR)
			wait[0].revents = 0;
		if (wait[1].revents != 0) {
			connection_attempt_abandon(a);
			return -ECANCELED;
		}
		if (wait[0].revents != 0)
			return connection_attempt_finish(a, out_connection, why);
		if (now.tv_sec > end.tv_sec) {
			connection_attempt_abandon(a);
			text_putf(why, "%s: no connection in time", config->uris[uri]);
			return -ETIMEDOUT;
		}
	}
}
