/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * ispman-saslauthd: says whether a login and its password are right, from the cache.
 */
#include <config.h>

#include "common/server_daemon.h"
#include "saslauth/bind.h"
#include "saslauth/control.h"
#include "saslauth/serve.h"

#include <errno.h>
#include <event2/event.h>

enum {
	REPLY_TIMEOUT_S = 60, /* the longest hold, the longest check, and some more */
	WORKER_NICE = 5,
	MEASURE_SECONDS = 5,
};

struct saslauthd {
	struct server_daemon daemon;
	struct serve serve;
	struct password_limits hash_limits; /* the threads': they do not change */
	struct bind *bind;
	struct event *hashes_over, *binds_over, *measure;
};

/* --- settings in use ------------------------------------------------------------------------------------- */

static const struct saslauthd_settings *
settings_of(const struct server_daemon *daemon)
{
	return (const struct saslauthd_settings *)daemon->settings;
}

static bool
is_other_list(const struct conf_list *a, const struct conf_list *b)
{
	if (a->count != b->count)
		return true;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return true;
	return false;
}

/* What threads and tables were made with. */
static bool
needs_restart(const struct saslauthd_settings *a, const struct saslauthd_settings *b)
{
	return a->workers != b->workers || a->queue != b->queue || a->hash_memory != b->hash_memory ||
	       a->verified_cache_size != b->verified_cache_size || a->throttle_size != b->throttle_size ||
	       a->bind_workers != b->bind_workers || a->verify != b->verify || is_other_list(&a->ldap_uri, &b->ldap_uri) ||
	       a->ldap_starttls != b->ldap_starttls || a->ldap_timeout != b->ldap_timeout;
}

static void
use(struct server_daemon *daemon, struct server_settings *server)
{
	struct saslauthd_settings *fresh = (struct saslauthd_settings *)server;
	const struct saslauthd_settings *old = settings_of(daemon);
	struct serve *serve = &((struct saslauthd *)daemon)->serve;

	if (needs_restart(fresh, old))
		log_warning("verify, [ldap], workers, queue, memory and sizes are what they were until the next start");
	/* Threads and tables are the old ones. */
	fresh->verify = old->verify;
	fresh->hash_memory = old->hash_memory;
	serve->cache = daemon->cache;
	serve->counters = daemon->counters;
	serve_use(serve, fresh);
	serve->tells_all = daemon_log_level(&daemon->options, server->log_level) >= LOG_DEBUG;
}

/* --- life ------------------------------------------------------------------------------------------------ */

static void
on_hashes_over(evutil_socket_t fd, short what, void *context)
{
	struct saslauthd *d = context;

	(void)fd;
	(void)what;
	pool_collect(d->serve.hashes, serve_finished, NULL);
}

static void
on_binds_over(evutil_socket_t fd, short what, void *context)
{
	struct saslauthd *d = context;

	(void)fd;
	(void)what;
	pool_collect(d->serve.binds, serve_finished, NULL);
}

static void
on_measure(evutil_socket_t fd, short what, void *context)
{
	struct saslauthd *d = context;

	(void)fd;
	(void)what;
	serve_measure(&d->serve);
}

/* What must not be swapped, while there may be the right to lock it. */
static int
make_tables(struct saslauthd *d)
{
	const struct saslauthd_settings *s = settings_of(&d->daemon);
	const struct throttle_rules rules = { .decay = 1 };
	int r = digest_new(&d->serve.digest);

	if (r == 0)
		r = verified_new(s->verified_cache_size, s->verified_cache_life * 1000, &d->serve.verified);
	if (r == 0 && verified_can_be_swapped(d->serve.verified))
		log_notice("the memory of remembered credentials could not be locked: raise the limit (LimitMEMLOCK) or let nothing be swapped");
	if (r == 0)
		r = throttle_new(s->throttle_size, &rules, &d->serve.throttle);
	return r;
}

static int
make_pools(struct saslauthd *d)
{
	const struct saslauthd_settings *s = settings_of(&d->daemon);
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct pool_options options = {
		.workers = s->workers > 0 ? (unsigned)s->workers : processors > 0 ? (unsigned)processors : 1,
		.queue = s->queue,
		.memory = s->hash_memory,
		.nice = WORKER_NICE,
		.check = serve_check_hash,
		.context = &d->hash_limits,
	};
	cleanup(text_free) struct text why = TEXT_INIT;
	int r;

	d->hash_limits = password_limits_default;
	d->hash_limits.memory_max = s->hash_memory;
	if (options.workers > POOL_WORKERS_MAX)
		options.workers = POOL_WORKERS_MAX;
	password_prepare();
	r = pool_new(&options, &d->serve.hashes);
	if (r < 0 || (s->verify != LOGIN_VERIFY_BIND && s->verify != LOGIN_VERIFY_HASH_THEN_BIND))
		return r;
	r = bind_new(s, &d->bind, &why);
	daemon_log_lines(&why);
	options.workers = (unsigned)s->bind_workers;
	options.nice = 0;
	options.check = bind_check;
	options.context = d->bind;
	return r == 0 ? pool_new(&options, &d->serve.binds) : r;
}

static int
make_events(struct saslauthd *d)
{
	const struct timeval interval = { MEASURE_SECONDS, 0 };
	struct event_base *base = server_base(d->daemon.server);

	d->hashes_over = event_new(base, pool_fd(d->serve.hashes), EV_READ | EV_PERSIST, on_hashes_over, d);
	d->measure = event_new(base, -1, EV_PERSIST, on_measure, d);
	if (d->hashes_over == NULL || d->measure == NULL || event_add(d->hashes_over, NULL) < 0 ||
	    event_add(d->measure, &interval) < 0)
		return -ENOMEM;
	if (d->serve.binds == NULL)
		return 0;
	d->binds_over = event_new(base, pool_fd(d->serve.binds), EV_READ | EV_PERSIST, on_binds_over, d);
	return d->binds_over != NULL && event_add(d->binds_over, NULL) == 0 ? 0 : -ENOMEM;
}

static void
free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

static void
end(struct saslauthd *d)
{
	free_event(d->hashes_over);
	free_event(d->binds_over);
	free_event(d->measure);
	server_daemon_stop(&d->daemon); /* withdraws what waits in the pools */
	pool_free(d->serve.hashes);
	pool_free(d->serve.binds);
	bind_free(d->bind);
	serve_end(&d->serve);
	verified_free(d->serve.verified);
	throttle_free(d->serve.throttle);
	digest_free(d->serve.digest);
}

static int
run(struct server_daemon *daemon)
{
	struct saslauthd *d = (struct saslauthd *)daemon;
	int r;

	d->serve.answer = (struct secret_answer)SECRET_ANSWER_INIT;
	r = server_daemon_listen(daemon);
	if (r == 0)
		r = make_tables(d);
	if (r == 0)
		r = server_daemon_become(daemon);
	if (r == 0)
		r = make_pools(d);
	if (r == 0)
		r = make_events(d);
	if (r == 0)
		r = server_daemon_serve(daemon);
	end(d);
	return r;
}

int
main(int argc, char **argv)
{
	static const struct server_daemon_kind kind = {
		.about = { SERVE_PROGRAM, "checks logins and passwords from the ISPMan cache" },
		.section = "saslauth",
		.protocol = &serve_mux,
		.is_unix_only = true,
		.is_secret = true,
		.files_each = 1,
		.reply_timeout = REPLY_TIMEOUT_S,
		.counters = "secret",
		.counter_rows = serve_counter_rows,
		.counter_count = SERVE_COUNTS,
		.load = saslauthd_settings_load,
		.check = saslauthd_settings_check,
		.open = secret_open,
		.close = cache_close,
		.control = &control_protocol,
		.without_control = "ispmanctl cannot ask about accounts",
		.use = use,
		.run = run,
	};
	struct saslauthd d = { .daemon = { .kind = &kind, .meaning = &d.serve.self }, .serve = { .self = &d.serve } };

	return server_daemon_main(&d.daemon, argc, argv);
}
