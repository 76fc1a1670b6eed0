/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * ispman-socketmapd: answers Postfix's lookups from the cache.
 */
#include <config.h>

#include "common/server_daemon.h"
#include "postfix_map/serve.h"
#include "postfix_map/socketmapd_settings.h"

enum {
	REPLY_TIMEOUT_S = 90, /* Postfix gives up after 100 s, and takes nothing on that connection any more */
};

struct socketmapd {
	struct server_daemon daemon;
	struct serve serve;
};

/* The address of a tcp_table. */
static struct server_listen
tcp_table(struct server_daemon *daemon, const struct server_settings *settings, size_t i)
{
	const enum mail_map *maps = ((const struct socketmapd_settings *)settings)->table_maps;
	const struct serve *serve = &((struct socketmapd *)daemon)->serve;

	return (struct server_listen){ settings->listen[i], &serve_tcptable, &serve->places[maps[i - settings->listen_count]] };
}

static void
use(struct server_daemon *daemon, struct server_settings *fresh)
{
	const struct socketmapd_settings *settings = (const struct socketmapd_settings *)fresh;
	struct serve *serve = &((struct socketmapd *)daemon)->serve;

	serve->cache = daemon->cache;
	serve->counters = daemon->counters;
	serve->options = settings->mail;
	serve->hold_ms = settings->hold * 1000;
}

static int
run(struct server_daemon *daemon)
{
	struct serve *serve = &((struct socketmapd *)daemon)->serve;
	int r;

	serve_begin(serve);
	r = server_daemon_open(daemon);
	if (r == 0)
		r = server_daemon_serve(daemon);
	server_daemon_stop(daemon);
	serve_end(serve);
	return r;
}

int
main(int argc, char **argv)
{
	static const struct server_daemon_kind kind = {
		.about = { SERVE_PROGRAM, "answers Postfix's lookups from the ISPMan cache" },
		.section = "socketmap",
		.protocol = &serve_socketmap,
		.other = tcp_table,
		.files_each = 1,
		.reply_timeout = REPLY_TIMEOUT_S,
		.counters = "mail",
		.counter_rows = serve_counter_rows,
		.counter_count = SERVE_COUNTS,
		.load = socketmapd_settings_load,
		.check = server_settings_check,
		.open = mail_open,
		.close = cache_close,
		.use = use,
		.run = run,
	};
	struct socketmapd d = { .daemon = { .kind = &kind, .meaning = &d.serve.places[MAIL_MAPS] } };

	return server_daemon_main(&d.daemon, argc, argv);
}
