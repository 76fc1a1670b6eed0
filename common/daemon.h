/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What every daemon here shares: options, signals, privileges, sockets handed over.
 *
 *   int main(int argc, char **argv)
 *   {
 *           if (daemon_options(argc, argv, &about, &options, &status) == 0)
 *                   return status;
 *           ... settings; if (options.check_only) return DAEMON_OK;
 *           signals = daemon_signals_open();     before any thread
 *           daemon_become(user, group, &why);
 *           ... notify_ready(), poll() on the signals' descriptor and others
 */
#pragma once

#include "common/log.h"
#include "common/macro.h"
#include "common/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Exit codes. */
enum { DAEMON_OK = 0, DAEMON_FAILURE = 1, DAEMON_USAGE = 2 };

struct daemon_about {
	const char *program; /* "ispman-cached" */
	const char *summary; /* one line: what it does */
};

struct daemon_options {
	const char *conf_path;  /* -c, or the default */
	bool conf_given;        /* -c was there */
	bool check_only;        /* -t */
	unsigned verbose;       /* -v, counted */
	const char **overrides; /* -o */
	size_t override_count;
};

/* Reads the options of all daemons; -h and -V print and wrong ones complain. Returns 1 to go on, or 0 with the
 * exit code in *OUT_STATUS. Opens the log. */
must_check int daemon_options(int argc, char **argv, const struct daemon_about *about,
                              struct daemon_options *out, int *out_status);
void daemon_options_free(struct daemon_options *options);

/* LEVEL of the configuration, or lower as -v says. */
enum log_level daemon_log_level(const struct daemon_options *options, enum log_level level);

/* Prints the sentences in WHY (a line each) to the log as errors. */
void daemon_log_lines(const struct text *why);

enum daemon_signal { DAEMON_NOTHING, DAEMON_STOP, DAEMON_RELOAD };

/* Blocks TERM, INT and HUP and ignores PIPE and XFSZ, in this thread and those it starts; returns a non-blocking
 * descriptor that becomes readable when one came, or a negative errno. */
must_check int daemon_signals_open(void);
/* The next one that came; stop wins over reload. */
enum daemon_signal daemon_signals_take(int fd);

/* When started as root and USER is set: becomes USER with GROUP (its own when NULL) and its supplementary groups,
 * for good. In any case no program that is run from here gains privileges, and new files are not for others (umask
 * 027). Returns 0 or a negative errno with a sentence in WHY. */
must_check int daemon_become(const char *user, const char *group, struct text *why);

/* The id of group NAME: 0, -ENOENT for no such group, or another negative errno. */
must_check int daemon_group_id(const char *name, gid_t *out_gid);

/* For who holds secrets: no core dumps, and nobody looks into our memory. Before anything secret is read, and once more after
 * daemon_become, which resets it. A warning in the log when that is not possible. */
void daemon_hide(void);

/* Raises the limit of open files to WANTED; returns the limit that there is now. */
size_t daemon_want_files(size_t wanted);

/* Sockets that the service manager opened for us: descriptors 3 up to, not including, 3 + the count returned. They
 * are made close-on-exec, and the variables are removed so that no child takes them. */
enum { DAEMON_LISTEN_FIRST = 3 };
int daemon_listen_fds(void);
