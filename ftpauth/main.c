/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * ispman-ftpauthd: tells Pure-FTPd who may log in, and as whom.
 */
#include <config.h>

#include "common/daemon.h"
#include "common/notify.h"
#include "ftpauth/ftpauthd_settings.h"
#include "ftpauth/serve.h"

#include <errno.h>

enum {
	FILES_APART = 64,        /* descriptors for what is no connection: listeners, the cache, the log */
	REQUEST_TIMEOUT_S = 10,  /* Pure-FTPd sends all at once */
	/* Pure-FTPd waits for as long as its session may be idle, and a refusal is all that could be said instead. */
	REPLY_TIMEOUT_S = 900,
};

struct ftpauthd {
	struct daemon_options options;
	struct ftpauthd_settings *settings;
	struct listener_inherited inherited;
	/* Handed over, and not in listen. */
	struct listener_address *more;
	size_t more_count;
	struct server *server;
	struct serve serve, *meaning; /* what connections know */
};

/* --- settings in use ------------------------------------------------------------------------------------- */

static struct ftpauthd_settings *
load(const struct daemon_options *options)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	struct ftpauthd_settings *settings = NULL;

	if (ftpauthd_settings_load(options->conf_path, options->overrides, options->override_count, &settings, &why) < 0) {
		daemon_log_lines(&why);
		return NULL;
	}
	return settings;
}

/* A login has two descriptors: Pure-FTPd's and ispman-saslauthd's. */
static struct server_limits
limits_of(const struct ftpauthd_settings *settings)
{
	size_t wanted = settings->max_connections, files = daemon_want_files(2 * wanted + FILES_APART);
	struct server_limits limits = {
		.connections = wanted,
		.request_ms = REQUEST_TIMEOUT_S * 1000,
		.write_ms = REQUEST_TIMEOUT_S * 1000,
		.reply_ms = REPLY_TIMEOUT_S * 1000,
	};

	if (files < 2 * wanted + FILES_APART) {
		limits.connections = files > 2 * FILES_APART ? (files - FILES_APART) / 2 : FILES_APART / 2;
		log_warning("[ftpauth] max-connections: the limit of open files allows %zu instead of %zu", limits.connections,
		            wanted);
	}
	return limits;
}

/* Sockets that the service manager opened and the configuration does not mention speak extauth too. */
static int
find_more(struct ftpauthd *d, const struct ftpauthd_settings *settings)
{
	d->more = calloc(d->inherited.count + 1, sizeof(*d->more));
	if (d->more == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < d->inherited.count; i++) {
		const struct listener_socket *socket = &d->inherited.sockets[i];
		struct listener_address *address = &d->more[d->more_count];
		bool known = false;

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
listen_as(struct ftpauthd *d, const struct ftpauthd_settings *settings, struct listener_inherited *inherited)
{
	size_t count = settings->listen_count + d->more_count, n = 0;
	struct server_listen *wanted = calloc(count + 1, sizeof(*wanted));
	cleanup(text_free) struct text why = TEXT_INIT;
	int r;

	if (wanted == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < settings->listen_count; i++)
		wanted[n++] = (struct server_listen){ settings->listen[i], &serve_extauth, &d->meaning };
	for (size_t i = 0; i < d->more_count; i++)
		wanted[n++] = (struct server_listen){ d->more[i], &serve_extauth, &d->meaning };
	r = server_listen(d->server, wanted, count, inherited, &why);
	free(wanted);
	daemon_log_lines(&why);
	return r;
}

static void
use_rules(struct ftpauthd *d, const struct ftpauthd_settings *settings)
{
	d->serve.login = settings->login;
	d->serve.rules = settings->rules;
	d->serve.saslauth_socket = settings->saslauth_socket;
	d->serve.timeout_ms = settings->timeout * 1000;
	log_set_level(daemon_log_level(&d->options, settings->log_level));
}

static bool
is_other_cache(const struct ftpauthd_settings *a, const struct ftpauthd_settings *b)
{
	return strcmp(a->cache_dir, b->cache_dir) != 0 || strcmp(a->run_dir, b->run_dir) != 0;
}

/* On HUP: all of it or nothing. Logins that are judged at the moment end by the new rules. */
static void
reload(void *context)
{
	struct ftpauthd *d = context;
	cleanup(ftpauthd_settings_freep) struct ftpauthd_settings *fresh = load(&d->options);
	struct cache *cache = NULL;
	struct server_limits limits;

	if (fresh == NULL ||
	    (is_other_cache(fresh, d->settings) && account_open(fresh->cache_dir, fresh->run_dir, &cache) < 0) ||
	    listen_as(d, fresh, NULL) < 0) {
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
	use_rules(d, fresh);
	ftpauthd_settings_free(d->settings);
	d->settings = take(fresh);
	log_info("configuration read again");
}

/* --- life ------------------------------------------------------------------------------------------------ */

static int
start(struct ftpauthd *d, int signals)
{
	const struct server_limits limits = limits_of(d->settings);
	const struct server_options options = {
		.limits = limits,
		.signals = signals,
		.say = log_sentence,
		.reload = reload,
		.context = d,
	};
	cleanup(text_free) struct text why = TEXT_INIT;
	int r = server_new(&options, &d->server);

	d->serve.server = d->server;
	if (r == 0)
		r = find_more(d, d->settings);
	if (r == 0)
		r = listen_as(d, d->settings, &d->inherited);
	if (r < 0)
		return r;
	r = daemon_become(d->settings->user, d->settings->group, &why);
	daemon_log_lines(&why);
	if (r < 0)
		return r;
	daemon_hide();
	if (geteuid() == 0)
		log_warning("running as root: [ftpauth] user names somebody with less power");
	return account_open(d->settings->cache_dir, d->settings->run_dir, &d->serve.cache);
}

static int
run(struct ftpauthd *d, int signals)
{
	int r;

	daemon_hide();
	d->meaning = &d->serve;
	use_rules(d, d->settings);
	r = start(d, signals);
	if (r == 0) {
		d->serve.counters = counters_open(d->settings->run_dir, "account", SERVE_PROGRAM, serve_counter_rows, SERVE_COUNTS);
		notify_status("answering");
		notify_ready();
		log_info("answering");
		r = server_run(d->server, d->serve.counters);
	}
	if (r < 0)
		log_error("ended: %s", strerror(-r));
	server_free(d->server);
	serve_end(&d->serve);
	cache_close(d->serve.cache);
	counters_leave(d->serve.counters);
	free(d->more);
	return r;
}

int
main(int argc, char **argv)
{
	static const struct daemon_about about = { SERVE_PROGRAM, "tells Pure-FTPd who may log in, from the ISPMan cache" };
	cleanup(text_free) struct text why = TEXT_INIT;
	struct ftpauthd d = { .settings = NULL };
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
		r = ftpauthd_settings_check(d.settings, &why);
		daemon_log_lines(&why);
		status = r == 0 ? DAEMON_OK : DAEMON_USAGE;
	} else if (d.settings != NULL) {
		signals = daemon_signals_open();
		status = signals >= 0 && run(&d, signals) == 0 ? DAEMON_OK : DAEMON_FAILURE;
		close_fdp(&signals);
	}
	ftpauthd_settings_free(d.settings);
	listener_inherited_free(&d.inherited);
	daemon_options_free(&d.options);
	return status;
}
