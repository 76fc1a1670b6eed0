/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "saslauth/work.h"

#include "common/daemon.h"
#include "saslauth/bind.h"

#include <errno.h>
#include <event2/event.h>

enum {
	WORKER_NICE = 5,
	MEASURE_SECONDS = 5,
};

static void
on_hashes_over(evutil_socket_t fd, short what, void *context)
{
	struct work *work = context;

	(void)fd;
	(void)what;
	pool_collect(work->serve->hashes, serve_finished, NULL);
}

static void
on_binds_over(evutil_socket_t fd, short what, void *context)
{
	struct work *work = context;

	(void)fd;
	(void)what;
	pool_collect(work->serve->binds, serve_finished, NULL);
}

static void
on_measure(evutil_socket_t fd, short what, void *context)
{
	struct work *work = context;

	(void)fd;
	(void)what;
	serve_measure(work->serve);
}

int
work_make_tables(struct work *work, const struct saslauthd_settings *s)
{
	const struct throttle_rules rules = { .decay = 1 };
	int r = digest_new(&work->serve->digest);

	if (r == 0)
		r = verified_new(s->verified_cache_size, s->verified_cache_life * 1000, &work->serve->verified);
	if (r == 0 && verified_can_be_swapped(work->serve->verified))
		log_notice("the memory of remembered credentials could not be locked: raise the limit (LimitMEMLOCK) or let nothing be swapped");
	if (r == 0)
		r = throttle_new(s->throttle_size, &rules, &work->serve->throttle);
	return r;
}

static int
make_pools(struct work *work, const struct saslauthd_settings *s)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct pool_options options = {
		.workers = s->workers > 0 ? (unsigned)s->workers : processors > 0 ? (unsigned)processors : 1,
		.queue = s->queue,
		.memory = s->hash_memory,
		.nice = WORKER_NICE,
		.check = serve_check_hash,
		.context = &work->hash_limits,
	};
	cleanup(text_free) struct text why = TEXT_INIT;
	int r;

	work->hash_limits = password_limits_default;
	work->hash_limits.memory_max = s->hash_memory;
	if (options.workers > POOL_WORKERS_MAX)
		options.workers = POOL_WORKERS_MAX;
	password_prepare();
	r = pool_new(&options, &work->serve->hashes);
	if (r < 0 || (s->verify != LOGIN_VERIFY_BIND && s->verify != LOGIN_VERIFY_HASH_THEN_BIND))
		return r;
	r = bind_new(s, &work->bind, &why);
	daemon_log_lines(&why);
	options.workers = (unsigned)s->bind_workers;
	options.nice = 0;
	options.check = bind_check;
	options.context = work->bind;
	return r == 0 ? pool_new(&options, &work->serve->binds) : r;
}

static int
make_events(struct work *work, struct event_base *base)
{
	const struct timeval interval = { MEASURE_SECONDS, 0 };

	work->hashes_over = event_new(base, pool_fd(work->serve->hashes), EV_READ | EV_PERSIST, on_hashes_over, work);
	work->measure = event_new(base, -1, EV_PERSIST, on_measure, work);
	if (work->hashes_over == NULL || work->measure == NULL || event_add(work->hashes_over, NULL) < 0 ||
	    event_add(work->measure, &interval) < 0)
		return -ENOMEM;
	if (work->serve->binds == NULL)
		return 0;
	work->binds_over = event_new(base, pool_fd(work->serve->binds), EV_READ | EV_PERSIST, on_binds_over, work);
	return work->binds_over != NULL && event_add(work->binds_over, NULL) == 0 ? 0 : -ENOMEM;
}

static void
free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

int
work_start(struct work *work, const struct saslauthd_settings *settings, struct event_base *base)
{
	int r = make_pools(work, settings);

	return r == 0 ? make_events(work, base) : r;
}

void
work_unwatch(struct work *work)
{
	free_event(work->hashes_over);
	free_event(work->binds_over);
	free_event(work->measure);
}

void
work_end(struct work *work)
{
	pool_free(work->serve->hashes);
	pool_free(work->serve->binds);
	bind_free(work->bind);
	verified_free(work->serve->verified);
	throttle_free(work->serve->throttle);
	digest_free(work->serve->digest);
}
