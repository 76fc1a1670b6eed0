/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * ispman-saslauthd: says whether a login and its password are right, from the cache.
 */
#include <config.h>

#include "common/server_daemon.h"
#include "saslauth/control.h"
#include "saslauth/serve.h"
#include "saslauth/work.h"

enum {
	REPLY_TIMEOUT_S = 60, /* the longest hold, the longest check, and some more */
};

struct saslauthd {
	struct server_daemon daemon;
	struct serve serve;
	struct work work;
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

static int
run(struct server_daemon *daemon)
{
	struct saslauthd *d = (struct saslauthd *)daemon;
	int r;

	d->serve.answer = (struct secret_answer)SECRET_ANSWER_INIT;
	r = server_daemon_listen(daemon);
	if (r == 0)
		r = work_make_tables(&d->work, settings_of(daemon));
	if (r == 0)
		r = server_daemon_become(daemon);
	if (r == 0)
		r = work_start(&d->work, settings_of(daemon), server_base(daemon->server));
	if (r == 0)
		r = server_daemon_serve(daemon);
	work_unwatch(&d->work);
	server_daemon_stop(daemon); /* withdraws what waits in the pools */
	work_end(&d->work);
	serve_end(&d->serve);
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
	struct saslauthd d = {
		.daemon = { .kind = &kind, .meaning = &d.serve.self },
		.serve = { .self = &d.serve },
		.work = { .serve = &d.serve },
	};

	return server_daemon_main(&d.daemon, argc, argv);
}
