/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The life of a daemon on stream sockets: what common/server.h serves, from main() to the exit code.
 *
 *	options, settings      -t ends here
 *	server_daemon_open     listens, gives up root, opens the cache
 *	server_daemon_serve    ready; answers until a signal ends it. HUP: new settings, all of them or nothing
 *
 * main() is server_daemon_main(), and says what is special in a struct server_daemon_kind. Its run() calls the two others, with what
 * the program needs besides before, between and after them:
 *
 *	r = server_daemon_open(daemon);
 *	if (r == 0)
 *		r = server_daemon_serve(daemon);
 *	server_daemon_stop(daemon);
 *	... the program's own
 *	return r;
 */
#pragma once

#include "common/daemon.h"
#include "common/server.h"
#include "common/server_settings.h"

struct cache; /* the program's: opened, handed on and closed here, never looked into */
struct server_daemon;

struct server_daemon_kind {
	struct daemon_about about;
	const char *section;                     /* of ispman.conf */
	const struct server_protocol *protocol;  /* spoken at listen, and at sockets that were handed over and are not in the settings */
	bool is_unix_only;                       /* the latter are unix sockets */
	bool is_secret;                          /* no core dumps */
	unsigned files_each;                     /* descriptors that a connection takes */
	unsigned reply_timeout;                  /* seconds */
	const char *counters;                    /* the name of their file */
	const struct counters_row *counter_rows;
	size_t counter_count;

	/* 0 and *OUT, the first member of the program's settings; or negative with sentences in WHY. */
	int (*load)(const char *path, const char *const *overrides, size_t override_count, struct server_settings **out,
	            struct text *why);
	/* For -t: 0, or negative with sentences in WHY. */
	int (*check)(const struct server_settings *settings, struct text *why);
	int (*open)(const char *cache_dir, const char *run_dir, struct cache **out);
	void (*close)(struct cache *cache);
	/* What is spoken at the address settings->listen[I], where that is one of the others. NULL where there are none. */
	struct server_listen (*other)(struct server_daemon *daemon, const struct server_settings *settings, size_t i);
	/* Of the control socket, and what is said when the daemon has to go on without it. */
	const struct server_protocol *control;
	const char *without_control;
	/* FRESH, daemon->cache and the log level are what is right from now on. The old ones are still in daemon->settings. */
	void (*use)(struct server_daemon *daemon, struct server_settings *fresh);
	/* 0 or a negative errno. */
	int (*run)(struct server_daemon *daemon);
};

/* The first member of the program's state. */
struct server_daemon {
	const struct server_daemon_kind *kind;
	const void *meaning; /* of connections; server_meaning() */

	/* The rest is set here. */
	struct daemon_options options;
	struct server_settings *settings;
	struct server *server;
	struct cache *cache;
	struct counters *counters;
	int signals;
	struct listener_inherited inherited;
	struct listener_address *more; /* handed over, and not in the settings */
	size_t more_count;
};

/* Returns the exit code. */
must_check int server_daemon_main(struct server_daemon *daemon, int argc, char **argv);

/* --- in run() ------------------------------------------------------------------------------------------- */

/* 0, or a negative errno after the log has it: server_daemon_listen() and server_daemon_become(), for who needs nothing in between. */
must_check int server_daemon_open(struct server_daemon *daemon);
/* Listens, while there may be the right to. */
must_check int server_daemon_listen(struct server_daemon *daemon);
/* Gives up root and opens the cache. */
must_check int server_daemon_become(struct server_daemon *daemon);
/* Calls use(), is ready, and answers until the end. */
must_check int server_daemon_serve(struct server_daemon *daemon);
/* Ends all connections. The cache and the counters stay until run() is over. */
void server_daemon_stop(struct server_daemon *daemon);
