/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "common/server_daemon.h"

#include "common/notify.h"

#include <errno.h>

enum { FILES_APART = 64 }; /* descriptors for what is no connection: listeners, the cache, the log */

/* --- settings in use ------------------------------------------------------------------------------------- */

static struct server_settings *
load(const struct server_daemon *d)
{
	const struct daemon_options *options = &d->options;
	cleanup(text_free) struct text why = TEXT_INIT;
	struct server_settings *settings = NULL;

	if (d->kind->load(options->conf_path, options->overrides, options->override_count, &settings, &why) < 0) {
		daemon_log_lines(&why);
		return NULL;
	}
	return settings;
}

static struct server_limits
limits_of(const struct server_daemon *d, const struct server_settings *settings)
{
	size_t each = d->kind->files_each, wanted = settings->max_connections;
	size_t files = daemon_want_files(each * wanted + FILES_APART);
	struct server_limits limits = {
		.connections = wanted,
		.request_ms = settings->request_timeout * 1000,
		.write_ms = settings->request_timeout * 1000,
		.reply_ms = (uint64_t)d->kind->reply_timeout * 1000,
	};

	if (files < each * wanted + FILES_APART) {
		limits.connections = (files > 2 * FILES_APART ? files - FILES_APART : FILES_APART) / each;
		log_warning("[%s] max-connections: the limit of open files allows %zu instead of %zu", d->kind->section,
		            limits.connections, wanted);
	}
	return limits;
}

/* --- listening ------------------------------------------------------------------------------------------- */

static bool
is_in_settings(const struct server_settings *settings, const struct listener_socket *socket)
{
	for (size_t i = 0; i < settings->listen_count + settings->other_count; i++)
		if (listener_matches(&settings->listen[i], socket))
			return true;
	return settings->control != NULL && listener_matches(settings->control, socket);
}

/* Sockets that the service manager opened and the configuration does not mention speak the usual protocol too. */
static int
find_more(struct server_daemon *d)
{
	d->more = calloc(d->inherited.count + 1, sizeof(*d->more));
	if (d->more == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < d->inherited.count; i++) {
		const struct listener_socket *socket = &d->inherited.sockets[i];
		struct listener_address *address = &d->more[d->more_count];

		if (is_in_settings(d->settings, socket))
			continue;
		if (listener_address_of(socket->fd, address) < 0 || (d->kind->is_unix_only && address->family != LISTENER_UNIX)) {
			log_warning("descriptor %d that was handed over is no listening %s socket", socket->fd,
			            d->kind->is_unix_only ? "unix" : "stream");
			continue;
		}
		d->more_count++;
	}
	return 0;
}

static int
listen_as(struct server_daemon *d, const struct server_settings *settings, bool with_control,
          struct listener_inherited *inherited, struct text *why)
{
	const struct server_daemon_kind *kind = d->kind;
	size_t usual = settings->listen_count, count = usual + settings->other_count + d->more_count + 1, n = 0;
	struct server_listen *wanted = calloc(count, sizeof(*wanted));
	int r;

	if (wanted == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < usual; i++)
		wanted[n++] = (struct server_listen){ settings->listen[i], kind->protocol, d->meaning };
	for (size_t i = 0; i < d->more_count; i++)
		wanted[n++] = (struct server_listen){ d->more[i], kind->protocol, d->meaning };
	for (size_t i = 0; i < settings->other_count; i++)
		wanted[n++] = kind->other(d, settings, usual + i);
	if (with_control)
		wanted[n++] = (struct server_listen){ *settings->control, kind->control, d->meaning };
	r = server_listen(d->server, wanted, n, inherited, why);
	free(wanted);
	return r;
}

/* To answer matters more than to be asked how: without the control socket, if that is what fails. */
static int
listen_anyway(struct server_daemon *d, const struct server_settings *settings, struct listener_inherited *inherited)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	cleanup(text_free) struct text why_without = TEXT_INIT;
	int r = listen_as(d, settings, settings->control != NULL, inherited, &why);

	if (r < 0 && settings->control != NULL && listen_as(d, settings, false, inherited, &why_without) == 0) {
		log_warning("%s: %s", d->kind->without_control, text_str(&why));
		return 0;
	}
	daemon_log_lines(&why);
	return r;
}

/* On HUP: all of it or nothing. */
static void
reload(void *context)
{
	struct server_daemon *d = context;
	const struct server_daemon_kind *kind = d->kind;
	cleanup(server_settings_freep) struct server_settings *fresh = load(d);
	struct cache *cache = NULL;
	struct server_limits limits;

	if (fresh == NULL ||
	    (server_settings_moved(fresh, d->settings) && kind->open(fresh->cache_dir, fresh->run_dir, &cache) < 0) ||
	    listen_anyway(d, fresh, NULL) < 0) {
		kind->close(cache);
		log_error("the configuration stays what it was");
		return;
	}
	limits = limits_of(d, fresh);
	if (server_set_limits(d->server, &limits, fresh->allow, fresh->allow_count) < 0)
		log_error("no memory for the new limits");
	if (cache != NULL) {
		kind->close(d->cache);
		d->cache = cache;
	}
	kind->use(d, fresh);
	log_set_level(daemon_log_level(&d->options, fresh->log_level));
	server_settings_free(d->settings);
	d->settings = take(fresh);
	log_info("configuration read again");
}

/* --- life ------------------------------------------------------------------------------------------------ */

int
server_daemon_listen(struct server_daemon *d)
{
	const struct server_options options = {
		.limits = limits_of(d, d->settings),
		.allow = d->settings->allow,
		.allow_count = d->settings->allow_count,
		.signals = d->signals,
		.say = log_sentence,
		.reload = reload,
		.context = d,
	};
	int r = server_new(&options, &d->server);

	if (r == 0)
		r = find_more(d);
	return r == 0 ? listen_anyway(d, d->settings, &d->inherited) : r;
}

int
server_daemon_become(struct server_daemon *d)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	int r = daemon_become(d->settings->user, d->settings->group, &why);

	daemon_log_lines(&why);
	if (r < 0)
		return r;
	if (d->kind->is_secret)
		daemon_hide();
	if (geteuid() == 0)
		log_warning("running as root: [%s] user names somebody with less power", d->kind->section);
	return d->kind->open(d->settings->cache_dir, d->settings->run_dir, &d->cache);
}

int
server_daemon_open(struct server_daemon *d)
{
	int r = server_daemon_listen(d);

	return r == 0 ? server_daemon_become(d) : r;
}

int
server_daemon_serve(struct server_daemon *d)
{
	const struct server_daemon_kind *kind = d->kind;

	d->counters = counters_open(d->settings->run_dir, kind->counters, kind->about.program, kind->counter_rows,
	                            kind->counter_count);
	kind->use(d, d->settings);
	notify_status("answering");
	notify_ready();
	log_info("answering");
	return server_run(d->server, d->counters);
}

void
server_daemon_stop(struct server_daemon *d)
{
	server_free(d->server);
	d->server = NULL;
}

static int
run(struct server_daemon *d)
{
	int r;

	if (d->kind->is_secret)
		daemon_hide();
	log_set_level(daemon_log_level(&d->options, d->settings->log_level));
	r = d->kind->run(d);
	if (r < 0)
		log_error("ended: %s", strerror(-r));
	d->kind->close(d->cache);
	counters_leave(d->counters);
	free(d->more);
	return r;
}

int
server_daemon_main(struct server_daemon *d, int argc, char **argv)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	int status, r;

	if (listener_inherit(&d->inherited) < 0)
		return DAEMON_FAILURE;
	if (daemon_options(argc, argv, &d->kind->about, &d->options, &status) == 0) {
		listener_inherited_free(&d->inherited);
		return status;
	}
	status = DAEMON_USAGE;
	d->settings = load(d);
	if (d->settings != NULL && d->options.check_only) {
		r = d->kind->check(d->settings, &why);
		daemon_log_lines(&why);
		status = r == 0 ? DAEMON_OK : DAEMON_USAGE;
	} else if (d->settings != NULL) {
		d->signals = daemon_signals_open();
		status = d->signals >= 0 && run(d) == 0 ? DAEMON_OK : DAEMON_FAILURE;
		close_fdp(&d->signals);
	}
	server_settings_free(d->settings);
	listener_inherited_free(&d->inherited);
	daemon_options_free(&d->options);
	return status;
}
