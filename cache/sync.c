/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Which server, and when again.
 *
 * A round tries every server, beginning with the preferred one; when a round finds none, there is a pause that
 * doubles. A server that is behind the cache ("lagging") is passed over for lag-timeout: only when nobody has
 * caught up by then is it believed, and the cache brought back to what it has.
 */
#include <config.h>

#include "cache/sync.h"

#include "cache/sync_serve.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>

enum {
	PAUSE_MIN = 1000,         /* ms */
	PAUSE_MAX = 60 * 1000,
	PAUSE_LAGGING_MAX = 5000, /* a replica usually catches up soon */
	STEADY_AFTER = 10 * 1000, /* a connection that lasted this long was a good one */
	STALL_PROBES = 5,         /* a server may show for so long that it has more than it sent */
};

uint64_t
sync_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- telling ---- */

const char *
sync_phase_name(enum sync_phase phase)
{
	switch (phase) {
	case SYNC_CONNECTING:
		return "connecting";
	case SYNC_REFRESHING:
		return "refreshing";
	case SYNC_PERSIST:
		return "synchronised";
	case SYNC_WAITING:
		return "waiting";
	case SYNC_LAGGING:
		return "lagging";
	case SYNC_HELD:
		return "held";
	case SYNC_STOPPED:
		return "stopped";
	}
	return "";
}

void
sync_status_read(struct sync_status *status, struct sync_view *out)
{
	pthread_mutex_lock(&status->lock);
	*out = status->view;
	pthread_mutex_unlock(&status->lock);
}

uint64_t
sync_ask(struct sync_status *status)
{
	uint64_t number;

	pthread_mutex_lock(&status->lock);
	number = ++status->asked;
	pthread_mutex_unlock(&status->lock);
	/* An eventfd that is full is readable already. */
	if (status->ask_fd >= 0)
		while (eventfd_write(status->ask_fd, 1) < 0 && errno == EINTR)
			;
	return number;
}

void
sync_take_questions(struct sync_run *run)
{
	eventfd_t count;

	if (run->status->ask_fd >= 0)
		while (eventfd_read(run->status->ask_fd, &count) < 0 && errno == EINTR)
			;
}

void
sync_set_phase(struct sync_run *run, enum sync_phase phase)
{
	struct sync_view *view = &run->status->view;

	pthread_mutex_lock(&run->status->lock);
	if (view->phase != phase || view->phase_since == 0) {
		view->phase = phase;
		view->phase_since = time(NULL);
	}
	pthread_mutex_unlock(&run->status->lock);
}

static void
set_uri(struct sync_run *run, size_t uri)
{
	struct sync_view *view = &run->status->view;

	pthread_mutex_lock(&run->status->lock);
	snprintf(view->uri, sizeof(view->uri), "%s", run->config->server.uris[uri]);
	pthread_mutex_unlock(&run->status->lock);
}

static void
count(struct sync_run *run, uint64_t *counter)
{
	pthread_mutex_lock(&run->status->lock);
	++*counter;
	pthread_mutex_unlock(&run->status->lock);
}

void
sync_tell(struct sync_run *run, enum log_level level, const char *sentence)
{
	if (run->config->say != NULL)
		run->config->say(run->config->say_context, level, sentence);
}

void
sync_tell_failure(struct sync_run *run, size_t uri, enum log_level level)
{
	struct sync_view *view = &run->status->view;
	struct text *told = &run->told[uri];

	if (run->why.len == 0)
		return;
	pthread_mutex_lock(&run->status->lock);
	snprintf(view->error, sizeof(view->error), "%s", text_str(&run->why));
	view->error_at = time(NULL);
	pthread_mutex_unlock(&run->status->lock);
	if (!span_is(text_span(told), text_span(&run->why))) {
		sync_tell(run, level, text_str(&run->why));
		text_clear(told);
		text_put_span(told, text_span(&run->why));
	}
	text_clear(&run->why);
}

/* ---- pauses ---- */

/* The pause after the FAILURES-th round without success. Spread, so that many caches that lost one server do
 * not come back at one instant. */
static uint64_t
pause_after(unsigned failures)
{
	uint64_t pause = PAUSE_MIN;
	uint32_t random = 0;

	while (failures-- > 1 && pause < PAUSE_MAX)
		pause *= 2;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		random = (uint32_t)sync_now();
	pause += random % (pause / 2);
	return pause < PAUSE_MAX ? pause : PAUSE_MAX;
}

/* Returns false when it is time to stop. With PROMPT, a question makes it short: someone waits for the answer. */
static bool
wait_for(struct sync_run *run, uint64_t ms, bool prompt)
{
	uint64_t begin = sync_now(), end = begin + ms;

	for (;;) {
		struct pollfd wait[] = {
			{ .fd = run->stop_fd, .events = POLLIN },
			{ .fd = prompt ? run->status->ask_fd : -1, .events = POLLIN },
		};
		uint64_t now = sync_now();
		int left = now < end ? (int)(end - now) : 0;

		if (poll(wait, array_size(wait), left) > 0) {
			if (wait[0].revents != 0)
				return false;
			sync_take_questions(run);
			if (end > begin + PAUSE_MIN)
				end = begin + PAUSE_MIN;
		}
		if (left == 0)
			return true;
	}
}

/* ---- a server ---- */

/* Decides what a server that is behind means: wait for it, or believe it. */
static enum sync_end
judge_lag(struct sync_run *run)
{
	uint64_t now = sync_now();
	uint64_t patience = (uint64_t)run->config->lag_timeout * 1000;

	if (run->lagging_since == 0)
		run->lagging_since = now;
	if (now - run->lagging_since >= patience) {
		text_putf(&run->why, "; nobody has newer data after %u s, so it is taken for the true state (a restored "
		                     "backup) and everything is read anew", run->config->lag_timeout);
		run->believes = true;
		return SYNC_END_ANEW;
	}
	text_putf(&run->why, "; it has %u s to catch up before that counts as the true state (a restored backup)",
	          run->config->lag_timeout);
	return SYNC_END_LAGGING;
}

static enum sync_end
try_server(struct sync_run *run, size_t uri)
{
	struct connection_wish wish = { .base = run->config->base, .sync = true };
	cleanup(connection_closep) struct connection *c = take(run->candidate);
	bool was_full = run->without_cookie;
	enum sync_end end;
	int r;

	set_uri(run, uri);
	if (c == NULL) {
		sync_set_phase(run, SYNC_CONNECTING);
		count(run, &run->status->view.attempts);
		r = connection_open(&run->config->server, uri, &wish, run->stop_fd, &c, &run->why);
		if (r == -ECANCELED)
			return SYNC_END_STOP;
		if (r < 0)
			return SYNC_END_FAILED;
	}
	count(run, &run->status->view.connections);
	end = sync_serve(run, c);
	/* Once is enough: a server that wants a full refresh again while it is given one is broken. */
	if (end == SYNC_END_ANEW && was_full)
		end = SYNC_END_FAILED;
	return end == SYNC_END_LAGGING ? judge_lag(run) : end;
}

static enum log_level
level_of(enum sync_end end)
{
	switch (end) {
	case SYNC_END_SWITCH:
		return LOG_INFO;
	case SYNC_END_LOST:
	case SYNC_END_ANEW:
	case SYNC_END_LAGGING:
		return LOG_WARNING;
	case SYNC_END_NONE:
	case SYNC_END_STOP:
	case SYNC_END_FAILED:
	case SYNC_END_HELD:
	case SYNC_END_FEED:
		break;
	}
	return LOG_ERROR;
}

/* The phase while waiting for the next round. */
static enum sync_phase
waiting_phase(const struct sync_run *run, enum sync_end end)
{
	if (end == SYNC_END_HELD)
		return SYNC_HELD;
	if (run->lagging_since != 0)
		return SYNC_LAGGING;
	return SYNC_WAITING;
}

static int
follow_servers(struct sync_run *run)
{
	size_t count = run->config->server.uri_count;
	size_t uri = 0, tried = 0;
	unsigned failures = 0;

	for (;;) {
		uint64_t began = sync_now();
		enum sync_end end = try_server(run, uri);
		bool was_good = run->synchronised && sync_now() - began >= STEADY_AFTER;
		uint64_t pause;

		run->synchronised = false;
		sync_tell_failure(run, uri, level_of(end));
		if (was_good)
			failures = 0;
		/* A connection that works, but not for long, is better than none. */
		else if (end == SYNC_END_LOST && failures > 1)
			failures = 1;
		switch (end) {
		case SYNC_END_STOP:
			return 0;
		case SYNC_END_SWITCH:
			uri = 0;
			tried = 0;
			continue;
		case SYNC_END_ANEW:
			run->without_cookie = true;
			continue;
		case SYNC_END_LOST:
			/* The others first: what just went away may take its time to refuse us. */
			tried = was_good ? 0 : tried + 1;
			break;
		case SYNC_END_FEED:
			tried = count;
			break;
		case SYNC_END_HELD:
			/* The next answer is only believed when it comes from the beginning. */
			run->without_cookie = true;
			tried++;
			break;
		case SYNC_END_NONE:
		case SYNC_END_FAILED:
		case SYNC_END_LAGGING:
			tried++;
			break;
		}
		uri = (uri + 1) % count;
		if (tried < count)
			continue;
		pause = pause_after(++failures);
		if (run->lagging_since != 0 && pause > PAUSE_LAGGING_MAX)
			pause = PAUSE_LAGGING_MAX;
		sync_set_phase(run, waiting_phase(run, end));
		if (!wait_for(run, pause, end != SYNC_END_HELD && end != SYNC_END_FEED))
			return 0;
		uri = 0;
		tried = 0;
	}
}

int
sync_run(const struct sync_config *config, const struct feed *feed, int stop_fd,
         struct sync_status *status)
{
	struct sync_run run = {
		.config = config,
		.feed = feed,
		.stop_fd = stop_fd,
		.status = status,
		.stall_patience = (uint64_t)config->probe_interval * 1000 * STALL_PROBES,
	};
	int r;

	if (config->server.uri_count == 0 || config->base == NULL)
		return -EINVAL;
	run.told = calloc(config->server.uri_count, sizeof(*run.told));
	if (run.told == NULL)
		return -ENOMEM;
	r = follow_servers(&run);
	sync_set_phase(&run, SYNC_STOPPED);
	connection_close(run.candidate);
	connection_settle();
	for (size_t i = 0; i < config->server.uri_count; i++)
		text_free(&run.told[i]);
	free(run.told);
	text_free(&run.why);
	return r;
}
