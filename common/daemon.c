/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "common/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

enum { LOOKUP_ROOM = 65536 };

/* --- options ----------------------------------------------------------------------------------------- */

static void
put_help(const struct daemon_about *about)
{
	printf("%s: %s\n\n"
	       "usage: %s [-tv] [-c FILE] [-o SECTION.KEY=VALUE]...\n"
	       "       %s -h | -V\n\n"
	       "  -c FILE               configuration (%s)\n"
	       "  -o SECTION.KEY=VALUE  overrides the configuration; may be given several times\n"
	       "  -t                    check the configuration and exit\n"
	       "  -v                    log more; twice for everything\n"
	       "  -V                    print the version and exit\n"
	       "  -h                    print this and exit\n\n"
	       "It stays in the foreground, stops on TERM and INT, and reloads on HUP.\n"
	       "Exit status: 0 fine, 1 failure, 2 usage or configuration.\n",
	       about->program, about->summary, about->program, about->program,
	       SYSCONFDIR "/ispman/ispman.conf");
}

static int
add_override(struct daemon_options *options, const char *override)
{
	const char **more =
		realloc(options->overrides, (options->override_count + 1) * sizeof(*options->overrides));

	if (more == NULL)
		return -ENOMEM;
	options->overrides = more;
	options->overrides[options->override_count++] = override;
	return 0;
}

/* 1 goes on, 0 ends with *OUT_STATUS. */
static int
take_option(int option, const struct daemon_about *about, struct daemon_options *options,
            int *out_status)
{
	switch (option) {
	case 'c':
		options->conf_path = optarg;
		options->conf_given = true;
		return 1;
	case 'o':
		if (add_override(options, optarg) == 0)
			return 1;
		*out_status = DAEMON_FAILURE;
		return 0;
	case 't':
		options->check_only = true;
		return 1;
	case 'v':
		options->verbose++;
		return 1;
	case 'V':
		printf("%s %s\n", about->program, PACKAGE_VERSION);
		*out_status = DAEMON_OK;
		return 0;
	case 'h':
		put_help(about);
		*out_status = DAEMON_OK;
		return 0;
	default:
		fprintf(stderr, "%s: %s; %s -h tells the options\n", about->program,
		        option == ':' ? "an option lacks its value" : "unknown option", about->program);
		*out_status = DAEMON_USAGE;
		return 0;
	}
}

int
daemon_options(int argc, char **argv, const struct daemon_about *about,
               struct daemon_options *out, int *out_status)
{
	struct daemon_options options = { .conf_path = SYSCONFDIR "/ispman/ispman.conf" };
	int option, go_on = 1;

	log_open(about->program);
	opterr = 0;
	while (go_on && (option = getopt(argc, argv, ":c:o:tvVh")) != -1)
		go_on = take_option(option, about, &options, out_status);
	if (go_on && optind < argc) {
		fprintf(stderr, "%s: unexpected argument %s; %s -h tells the options\n",
		        about->program, argv[optind], about->program);
		*out_status = DAEMON_USAGE;
		go_on = 0;
	}
	if (!go_on) {
		daemon_options_free(&options);
		return 0;
	}
	*out = options;
	return 1;
}

void
daemon_options_free(struct daemon_options *options)
{
	free(options->overrides);
	options->overrides = NULL;
	options->override_count = 0;
}

enum log_level
daemon_log_level(const struct daemon_options *options, enum log_level level)
{
	if (options->verbose > 0 && level < LOG_INFO)
		level = LOG_INFO;
	else if (options->verbose > 0)
		level = LOG_DEBUG;
	return options->verbose > 1 ? LOG_DEBUG : level;
}

void
daemon_log_lines(const struct text *why)
{
	struct span rest = text_span(why);

	while (rest.len > 0) {
		const char *end = memchr(rest.data, '\n', rest.len);
		size_t n = end != NULL ? (size_t)(end - rest.data) : rest.len;

		log_error("%.*s", (int)(n < INT_MAX ? n : INT_MAX), rest.data);
		rest = span_skip(rest, end != NULL ? n + 1 : n);
	}
}

/* --- signals ------------------------------------------------------------------------------------------ */

int
daemon_signals_open(void)
{
	sigset_t set;
	int fd, r;

	signal(SIGPIPE, SIG_IGN);
	/* A file that reached its limit is an error of that write. */
	signal(SIGXFSZ, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	r = pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (r != 0)
		return -r;
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

enum daemon_signal
daemon_signals_take(int fd)
{
	enum daemon_signal result = DAEMON_NOTHING;
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			result = DAEMON_STOP;
		else if (result == DAEMON_NOTHING)
			result = DAEMON_RELOAD;
	}
	return result;
}

/* --- privileges --------------------------------------------------------------------------------------- */

int
daemon_group_id(const char *name, gid_t *out_gid)
{
	cleanup(free_charp) char *room = malloc(LOOKUP_ROOM);
	struct group group, *found = NULL;
	int r;

	if (room == NULL)
		return -ENOMEM;
	r = getgrnam_r(name, &group, room, LOOKUP_ROOM, &found);
	if (found == NULL)
		return r == 0 ? -ENOENT : -r;
	*out_gid = found->gr_gid;
	return 0;
}

struct identity {
	uid_t uid;
	gid_t gid;
};

static int
find_identity(const char *user, const char *group, struct identity *out, struct text *why)
{
	cleanup(free_charp) char *room = malloc(LOOKUP_ROOM);
	struct passwd passwd, *found = NULL;
	int r;

	if (room == NULL)
		return -ENOMEM;
	r = getpwnam_r(user, &passwd, room, LOOKUP_ROOM, &found);
	if (found == NULL) {
		text_putf(why, "user %s: %s\n", user, r == 0 ? "no such user" : strerror(r));
		return r == 0 ? -ENOENT : -r;
	}
	out->uid = found->pw_uid;
	out->gid = found->pw_gid;
	if (group == NULL)
		return 0;
	r = daemon_group_id(group, &out->gid);
	if (r < 0)
		text_putf(why, "group %s: %s\n", group, r == -ENOENT ? "no such group" : strerror(-r));
	return r;
}

static int
change_to(const char *user, const struct identity *to, struct text *why)
{
	if (initgroups(user, to->gid) < 0 || setresgid(to->gid, to->gid, to->gid) < 0 ||
	    setresuid(to->uid, to->uid, to->uid) < 0) {
		int r = -errno;

		text_putf(why, "cannot become user %s: %s\n", user, strerror(-r));
		return r;
	}
	if (to->uid != 0 && (setuid(0) == 0 || geteuid() == 0)) {
		text_putf(why, "cannot give up root for user %s\n", user);
		return -EPERM;
	}
	return 0;
}

int
daemon_become(const char *user, const char *group, struct text *why)
{
	struct identity to;
	int r = 0;

	umask(027);
	if (geteuid() == 0 && user != NULL) {
		r = find_identity(user, group, &to, why);
		if (r == 0)
			r = change_to(user, &to, why);
	}
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		r = -errno;
		text_putf(why, "cannot renounce new privileges: %s\n", strerror(-r));
	}
	return r;
}

void
daemon_hide(void)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		log_warning("core dumps cannot be prevented: %s", strerror(errno));
}

size_t
daemon_want_files(size_t wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	if (limit.rlim_cur < wanted) {
		limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
		setrlimit(RLIMIT_NOFILE, &limit);
		if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
			return 0;
	}
	return (size_t)limit.rlim_cur;
}

int
daemon_listen_fds(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	uint64_t wanted_pid = 0, count = 0;

	if (pid == NULL || fds == NULL || span_to_u64(span_of(pid), INT32_MAX, &wanted_pid) < 0 ||
	    wanted_pid != (uint64_t)getpid() ||
	    span_to_u64(span_of(fds), INT16_MAX, &count) < 0)
		count = 0;
	for (int fd = DAEMON_LISTEN_FIRST; fd < DAEMON_LISTEN_FIRST + (int)count; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return (int)count;
}
