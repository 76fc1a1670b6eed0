/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * ispman-saslauthd: says whether a login and its password are right, from the cache.
 */
#include <config.h>

#include "common/daemon.h"
#include "common/notify.h"
#include "saslauth/bind.h"
#include "saslauth/control.h"
#include "saslauth/serve.h"

#include <errno.h>
#include <event2/event.h>

enum {
	FILES_APART = 64,    /* descriptors for what is no connection: listeners, the cache, the log */
	REPLY_TIMEOUT_S = 60, /* the longest hold, the longest check, and some more */
	WORKER_NICE = 5,
	MEASURE_SECONDS = 5,
};

struct saslauthd {
	struct daemon_options options;
	struct saslauthd_settings *settings;
	struct listener_inherited inherited;
	/* Handed over, and not in listen. */
	struct listener_address *more;
	size_t more_count;
	struct server *server;
	struct serve serve;
	struct password_limits hash_limits; /* the threads': they do not change */
	struct bind *bind;
	struct event *hashes_over, *binds_over, *measure;
};

/* --- settings in use ------------------------------------------------------------------------------------- */

static struct saslauthd_settings *
load(const struct daemon_options *options)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	struct saslauthd_settings *settings = NULL;

	if (saslauthd_settings_load(options->conf_path, options->overrides, options->override_count, &settings, &why) < 0) {
		daemon_log_lines(&why);
		return NULL;
	}
	return settings;
}

static struct server_limits
limits_of(const struct saslauthd_settings *settings)
{
	size_t wanted = settings->max_connections, files = daemon_want_files(wanted + FILES_APART);
	struct server_limits limits = {
		.connections = wanted,
		.request_ms = settings->request_timeout * 1000,
		.write_ms = settings->request_timeout * 1000,
		.reply_ms = REPLY_TIMEOUT_S * 1000,
	};

	if (files < wanted + FILES_APART) {
		limits.connections = files > 2 * FILES_APART ? files - FILES_APART : FILES_APART;
		log_warning("[saslauth] max-connections: the limit of open files allows %zu instead of %zu", limits.connections,
		            wanted);
	}
	return limits;
}

/* Sockets that the service manager opened and the configuration does not mention speak saslauthd's protocol. */
static int
find_more(struct saslauthd *d, const struct saslauthd_settings *settings)
{
	d->more = calloc(d->inherited.count + 1, sizeof(*d->more));
	if (d->more == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < d->inherited.count; i++) {
		const struct listener_socket *socket = &d->inherited.sockets[i];
		struct listener_address *address = &d->more[d->more_count];
		bool known = listener_matches(&settings->control, socket);

		for (size_t j = 0; j < settings->listen_count && !known; j++)
			known = listener_matches(&settings->listen[j], socket);
		if (known)
			continue;
		if (listener_address_of(socket->fd, address) < 0 || address->family != LISTENER_UNIX) {
			log_warning("descriptor %d that was handed over is no listening unix socket", socket->fd);
			continue;
		}
		d->more_count++;
	}
	return 0;
}

static int
listen_as(struct saslauthd *d, const struct saslauthd_settings *settings, bool with_control, struct listener_inherited *inherited,
          struct text *why)
{
	size_t count = settings->listen_count + d->more_count + 1, n = 0;
	struct server_listen *wanted = calloc(count, sizeof(*wanted));
	int r;

	if (wanted == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < settings->listen_count; i++)
		wanted[n++] = (struct server_listen){ settings->listen[i], &serve_mux, &d->serve.self };
	for (size_t i = 0; i < d->more_count; i++)
		wanted[n++] = (struct server_listen){ d->more[i], &serve_mux, &d->serve.self };
	if (with_control)
		wanted[n++] = (struct server_listen){ settings->control, &control_protocol, &d->serve.self };
	r = server_listen(d->server, wanted, n, inherited, why);
	free(wanted);
	return r;
}

/* Logins matter more than questions about them: without the control socket, if that is what fails. */
static int
listen_anyway(struct saslauthd *d, const struct saslauthd_settings *settings, struct listener_inherited *inherited)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	cleanup(text_free) struct text why_without = TEXT_INIT;
	int r = listen_as(d, settings, true, inherited, &why);

	if (r == 0)
		return 0;
	if (listen_as(d, settings, false, inherited, &why_without) == 0) {
		log_warning("ispmanctl cannot ask about accounts: %s", text_str(&why));
		return 0;
	}
	daemon_log_lines(&why);
	return r;
}

static void
use_rules(struct saslauthd *d, const struct saslauthd_settings *settings)
{
	enum log_level level = daemon_log_level(&d->options, settings->log_level);

	serve_use(&d->serve, settings);
	d->serve.tells_all = level >= LOG_DEBUG;
	log_set_level(level);
}

static bool
is_other_cache(const struct saslauthd_settings *a, const struct saslauthd_settings *b)
{
	return strcmp(a->cache_dir, b->cache_dir) != 0 || strcmp(a->run_dir, b->run_dir) != 0;
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

/* On HUP: all of it or nothing. */
static void
reload(void *context)
{
	struct saslauthd *d = context;
	cleanup(saslauthd_settings_freep) struct saslauthd_settings *fresh = load(&d->options);
	struct cache *cache = NULL;
	struct server_limits limits;

	if (fresh == NULL ||
	    (is_other_cache(fresh, d->settings) && secret_open(fresh->cache_dir, fresh->run_dir, &cache) < 0) ||
	    listen_anyway(d, fresh, NULL) < 0) {
		cache_close(cache);
		log_error("the configuration stays what it was");
		return;
	}
	limits = limits_of(fresh);
	if (server_set_limits(d->server, &limits, NULL, 0) < 0)
		log_error("no memory for the new limits");
	if (cache != NULL) {
		cache_close(d->serve.cache);
		d->serve.cache = cache;
	}
	if (needs_restart(fresh, d->settings))
		log_warning("verify, [ldap], workers, queue, memory and sizes are what they were until the next start");
	/* Threads and tables are the old ones. */
	fresh->verify = d->settings->verify;
	fresh->hash_memory = d->settings->hash_memory;
	use_rules(d, fresh);
	saslauthd_settings_free(d->settings);
	d->settings = take(fresh);
	log_info("configuration read again");
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
	const struct saslauthd_settings *s = d->settings;
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
	const struct saslauthd_settings *s = d->settings;
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
	struct event_base *base = server_base(d->server);

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

static int
start(struct saslauthd *d, int signals)
{
	const struct server_options options = {
		.limits = limits_of(d->settings),
		.signals = signals,
		.say = log_sentence,
		.reload = reload,
		.context = d,
	};
	cleanup(text_free) struct text why = TEXT_INIT;
	int r = server_new(&options, &d->server);

	if (r == 0)
		r = find_more(d, d->settings);
	if (r == 0)
		r = listen_anyway(d, d->settings, &d->inherited);
	if (r == 0)
		r = make_tables(d);
	if (r < 0)
		return r;
	r = daemon_become(d->settings->user, d->settings->group, &why);
	daemon_log_lines(&why);
	daemon_hide();
	if (r < 0)
		return r;
	if (geteuid() == 0)
		log_warning("running as root: [saslauth] user names somebody with less power");
	r = secret_open(d->settings->cache_dir, d->settings->run_dir, &d->serve.cache);
	if (r == 0)
		r = make_pools(d);
	return r == 0 ? make_events(d) : r;
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
	server_free(d->server); /* withdraws what waits in the pools */
	pool_free(d->serve.hashes);
	pool_free(d->serve.binds);
	bind_free(d->bind);
	serve_end(&d->serve);
	cache_close(d->serve.cache);
	verified_free(d->serve.verified);
	throttle_free(d->serve.throttle);
	digest_free(d->serve.digest);
	counters_leave(d->serve.counters);
	free(d->more);
}

static int
run(struct saslauthd *d, int signals)
{
	int r;

	daemon_hide();
	d->serve.self = &d->serve;
	d->serve.answer = (struct secret_answer)SECRET_ANSWER_INIT;
	r = start(d, signals);
	if (r == 0) {
		use_rules(d, d->settings);
		d->serve.counters = counters_open(d->settings->run_dir, "secret", SERVE_PROGRAM, serve_counter_rows, SERVE_COUNTS);
		notify_status("answering");
		notify_ready();
		log_info("answering");
		r = server_run(d->server, d->serve.counters);
	}
	if (r < 0)
		log_error("ended: %s", strerror(-r));
	end(d);
	return r;
}

int
main(int argc, char **argv)
{
	static const struct daemon_about about = { SERVE_PROGRAM, "checks logins and passwords from the ISPMan cache" };
	cleanup(text_free) struct text why = TEXT_INIT;
	struct saslauthd d = { .settings = NULL };
	int status, signals, r;

	if (listener_inherit(&d.inherited) < 0)
		return DAEMON_FAILURE;
	if (daemon_options(argc, argv, &about, &d.options, &status) == 0) {
		listener_inherited_free(&d.inherited);
		return status;
	}
	status = DAEMON_USAGE;
	d.settings = load(&d.options);
	if (d.settings != NULL && d.options.check_only) {
		r = saslauthd_settings_check(d.settings, &why);
		daemon_log_lines(&why);
		status = r == 0 ? DAEMON_OK : DAEMON_USAGE;
	} else if (d.settings != NULL) {
		signals = daemon_signals_open();
		status = signals >= 0 && run(&d, signals) == 0 ? DAEMON_OK : DAEMON_FAILURE;
		close_fdp(&signals);
	}
	saslauthd_settings_free(d.settings);
	listener_inherited_free(&d.inherited);
	daemon_options_free(&d.options);
	return status;
}
