/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * ispman-ftpauthd: tells Pure-FTPd who may log in, and as whom.
 */
#include <config.h>

#include "common/server_daemon.h"
#include "ftpauth/ftpauthd_settings.h"
#include "ftpauth/serve.h"

enum {
	/* Pure-FTPd waits for as long as its session may be idle, and a refusal is all that could be said instead. */
	REPLY_TIMEOUT_S = 900,
};

struct ftpauthd {
	struct server_daemon daemon;
	struct serve serve, *meaning; /* what connections know */
};

/* Logins that are judged at the moment end by the new rules. */
static void
use(struct server_daemon *daemon, struct server_settings *fresh)
{
	const struct ftpauthd_settings *settings = (const struct ftpauthd_settings *)fresh;
	struct serve *serve = &((struct ftpauthd *)daemon)->serve;

	serve->server = daemon->server;
	serve->cache = daemon->cache;
	serve->counters = daemon->counters;
	serve->login = settings->login;
	serve->rules = settings->rules;
	serve->saslauth_socket = settings->saslauth_socket;
	serve->timeout_ms = settings->timeout * 1000;
}

static int
run(struct server_daemon *daemon)
{
	int r = server_daemon_open(daemon);

	if (r == 0)
		r = server_daemon_serve(daemon);
	server_daemon_stop(daemon);
	serve_end(&((struct ftpauthd *)daemon)->serve);
	return r;
}

int
main(int argc, char **argv)
{
	static const struct server_daemon_kind kind = {
		.about = { SERVE_PROGRAM, "tells Pure-FTPd who may log in, from the ISPMan cache" },
		.section = "ftpauth",
		.protocol = &serve_extauth,
		.is_unix_only = true,
		.is_secret = true,
		.files_each = 2, /* Pure-FTPd's and ispman-saslauthd's */
		.reply_timeout = REPLY_TIMEOUT_S,
		.counters = "account",
		.counter_rows = serve_counter_rows,
		.counter_count = SERVE_COUNTS,
		.load = ftpauthd_settings_load,
		.check = server_settings_check,
		.open = account_open,
		.close = cache_close,
		.use = use,
		.run = run,
	};
	struct ftpauthd d = { .daemon = { .kind = &kind, .meaning = &d.meaning }, .meaning = &d.serve };

	return server_daemon_main(&d.daemon, argc, argv);
}
