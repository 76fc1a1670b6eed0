/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * ispman-agent: makes the disk and the mail store look as the directory says.
 *
 * One thread and one loop. Without options it is a daemon; the others look, or tell the daemon something, which it finds as a file in its
 * folder: that works whether it runs or not.
 */
#include <config.h>

#include "agent/agent_settings.h"
#include "agent/confine.h"
#include "agent/status.h"
#include "common/daemon.h"
#include "common/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

enum {
	TURN_MILLISECONDS = 50,   /* between looks at the log of changes */
	DUE_MILLISECONDS = 1000,
};

enum mode { MODE_DAEMON, MODE_ONCE, MODE_DRY_RUN, MODE_ADOPT, MODE_RELEASE, MODE_AUDIT, MODE_LIST, MODE_RESTORE };

struct agent {
	struct daemon_options options;
	enum mode mode;
	struct span restore; /* a UUID */
	struct agent_settings *settings;
	struct engine_parts parts;
	struct engine *engine;
	struct queue *queue; /* NULL: there is none */
	int signals;         /* -1: none are waited for */
	bool said_cannot_tell, said_status;
	uint64_t next_complete; /* seconds since 1970 */
	uint64_t next_queue;    /* milliseconds */
};

#define REQUEST_ADOPT "adopt.request"
#define REQUEST_RELEASE "release-brake.request"
#define REQUEST_AUDIT "audit.request"

/* --- parts -------------------------------------------------------------------------------------------------------------------- */

static int
open_book(struct agent *a, struct text *why)
{
	cleanup(text_free) struct text path = TEXT_INIT;
	int r;

	if (mkdir(a->settings->state_dir, 0700) < 0 && errno != EEXIST) {
		text_putf(why, "%s: %s\n", a->settings->state_dir, strerror(errno));
		return -errno;
	}
	text_putf(&path, "%s/book", a->settings->state_dir);
	r = text_failed(&path) ? -ENOMEM : ledger_open(text_str(&path), &a->parts.book);
	if (r < 0)
		text_putf(why, "%s%s\n", ledger_error_text(), r == -EBUSY ? ": ispman-agent runs already" : "");
	return r;
}

static int
open_parts(struct agent *a, struct text *why)
{
	int r = agent_settings_read_password(a->settings, why);

	if (r == 0)
		r = home_open(a->settings->cache_dir, a->settings->run_dir, &a->parts.cache);
	if (r == 0 && a->settings->engine.rules.directories) {
		r = disk_open(&a->settings->disk, &a->parts.disk, why);
		if (r < 0)
			text_put_char(why, '\n');
	}
	if (r == 0 && a->settings->mailboxes)
		r = mailbox_session_new(&a->settings->mail, &a->parts.mailboxes);
	return r;
}

static void
close_parts(struct agent *a)
{
	queue_free(a->queue);
	engine_free(a->engine);
	mailbox_session_free(a->parts.mailboxes);
	disk_close(a->parts.disk);
	ledger_close(a->parts.book);
	cache_close(a->parts.cache);
	a->engine = NULL;
	a->queue = NULL;
	a->parts = (struct engine_parts){ .cache = NULL };
}

/* A signal waits to be taken: a pass ends early. */
static bool
is_signalled(void *context)
{
	const struct agent *a = context;
	struct pollfd pollfd = { .fd = a->signals, .events = POLLIN };

	return a->signals >= 0 && poll(&pollfd, 1, 0) > 0;
}

static int
open_engine(struct agent *a, struct text *why)
{
	struct engine_options options = a->settings->engine;
	int r = open_parts(a, why);

	options.dry_run = a->mode == MODE_DRY_RUN;
	options.should_stop = is_signalled;
	options.context = a;
	if (r == 0)
		r = open_book(a, why);
	if (r == 0)
		r = engine_new(&options, &a->parts, &a->engine, why);
	if (r == 0 && a->settings->queue && a->mode == MODE_DAEMON)
		r = queue_new(&a->settings->tasks, &a->queue);
	return r;
}

/* --- requests ------------------------------------------------------------------------------------------------------------------- */

static void
put_request(const struct agent *a, const char *name, struct text *out)
{
	text_putf(out, "%s/%s", a->settings->state_dir, name);
}

/* Leaves a request for the daemon. */
static int
request(const struct agent *a, const char *name, const char *meaning)
{
	cleanup(text_free) struct text path = TEXT_INIT;
	cleanup(close_fdp) int fd = -1;

	if (mkdir(a->settings->state_dir, 0700) < 0 && errno != EEXIST) {
		log_error("%s: %s", a->settings->state_dir, strerror(errno));
		return -errno;
	}
	put_request(a, name, &path);
	fd = open(text_str(&path), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		log_error("%s: %s", text_str(&path), strerror(errno));
		return -errno;
	}
	printf("%s\n", meaning);
	return 0;
}

static bool
has_request(const struct agent *a, const char *name)
{
	cleanup(text_free) struct text path = TEXT_INIT;

	put_request(a, name, &path);
	return access(text_str(&path), F_OK) == 0;
}

static bool
take_request(const struct agent *a, const char *name)
{
	cleanup(text_free) struct text path = TEXT_INIT;

	put_request(a, name, &path);
	return unlink(text_str(&path)) == 0;
}

/* A store that is away is said to be, and is no reason to end. */
static void
audit(struct agent *a)
{
	struct engine_audit audit;
	int r = engine_audit(a->engine, &audit);

	if (r == -EINTR)
		return;
	if (r < 0)
		log_warning("the audit of the mail store ended early: %s",
		            r == -EAGAIN || r == -EPERM || r == -EPROTO ? "it does not answer as it should" : ledger_error_text());
	log_notice("audit of the mail store: %llu mailboxes, %llu things set right, %llu mailboxes that are not as they should be",
	           (unsigned long long)audit.looked_at, (unsigned long long)audit.corrected, (unsigned long long)audit.wrong);
	(void)take_request(a, REQUEST_AUDIT);
}

static int
take_requests(struct agent *a)
{
	int r = 0;

	/* Noted first: a request that is lost would have to be made again. */
	if (has_request(a, REQUEST_ADOPT)) {
		log_notice("what is gone from the directory is removed from now on (--adopt)");
		r = engine_adopt(a->engine);
		if (r == 0)
			(void)take_request(a, REQUEST_ADOPT);
	}
	if (r == 0 && take_request(a, REQUEST_RELEASE)) {
		log_notice("the removals that the brake holds are allowed, once (--release-brake)");
		engine_release_brake(a->engine);
	}
	if (r == 0 && has_request(a, REQUEST_AUDIT))
		audit(a);
	return r;
}

/* --- the loop --------------------------------------------------------------------------------------------------------------------- */

static uint64_t
now_seconds(void)
{
	return (uint64_t)time(NULL);
}

static uint64_t
now_milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* What a pass said: a cache that cannot tell is waited for, a book that cannot be written ends the agent. */
static int
judge(struct agent *a, int r)
{
	if (r >= 0) {
		if (a->said_cannot_tell)
			log_notice("the cache answers again");
		a->said_cannot_tell = false;
		return 0;
	}
	if (r == -EINTR)
		return 0;
	if (r == -ENOSPC || r == -EIO || r == -ENOTRECOVERABLE || r == -EBADMSG) {
		log_error("the agent's book: %s", ledger_error_text());
		return r;
	}
	if (!a->said_cannot_tell)
		log_warning("the cache cannot tell what belongs here, and nothing is changed: %s", cache_error_text());
	a->said_cannot_tell = true;
	return 0;
}

static int
take_pass(struct agent *a)
{
	uint64_t now = now_seconds();
	int r;

	if (now < a->next_complete)
		return judge(a, engine_follow(a->engine));
	r = engine_complete(a->engine);
	/* Which is tried again soon when it was not possible. */
	a->next_complete = now + (r == 0 ? a->settings->interval : 1);
	return judge(a, r);
}

static int
take_due(struct agent *a)
{
	int r = take_requests(a);

	if (r == 0 && cache_check_age(a->parts.cache, a->settings->max_age) == 0)
		r = judge(a, engine_due(a->engine));
	if (r == 0 && status_write(a->settings->run_dir, a->engine) < 0 && !a->said_status) {
		log_warning("%s/" STATUS_FILE " cannot be written: %s", a->settings->run_dir, strerror(errno));
		a->said_status = true;
	}
	return r;
}

static int
take_queue(struct agent *a)
{
	if (a->queue == NULL || now_milliseconds() < a->next_queue)
		return 0;
	a->next_queue = now_milliseconds() + a->settings->queue_interval * 1000;
	return judge(a, queue_turn(a->queue, a->engine));
}

/* Until a signal comes: DAEMON_STOP, DAEMON_RELOAD, or negative. */
static int
serve(struct agent *a, int signals)
{
	uint64_t next_due = 0;
	int r = 0;

	notify_status("keeping what belongs on this host");
	notify_ready();
	while (r == 0) {
		struct pollfd pollfd = { .fd = signals, .events = POLLIN };
		enum daemon_signal signal = daemon_signals_take(signals);

		if (signal != DAEMON_NOTHING)
			return (int)signal;
		r = take_pass(a);
		if (r == 0 && now_milliseconds() >= next_due) {
			r = take_due(a);
			next_due = now_milliseconds() + DUE_MILLISECONDS;
		}
		if (r == 0)
			r = take_queue(a);
		if (r == 0)
			(void)poll(&pollfd, 1, TURN_MILLISECONDS);
	}
	return r;
}

static struct agent_settings *
load(const struct daemon_options *options)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	struct agent_settings *settings = NULL;

	if (agent_settings_load(options->conf_path, options->overrides, options->override_count, &settings, &why) < 0) {
		daemon_log_lines(&why);
		return NULL;
	}
	return settings;
}

static int
run_daemon(struct agent *a)
{
	cleanup(close_fdp) int signals = daemon_signals_open();
	int r = signals;

	a->signals = signals;

	while (r >= 0) {
		cleanup(text_free) struct text why = TEXT_INIT;
		struct agent_settings *fresh;

		log_set_level(daemon_log_level(&a->options, a->settings->log_level));
		r = open_engine(a, &why);
		daemon_log_lines(&why);
		a->next_complete = 0;
		if (r == 0)
			r = serve(a, signals);
		close_parts(a);
		if (r == (int)DAEMON_STOP)
			return 0;
		if (r != (int)DAEMON_RELOAD)
			break;
		fresh = load(&a->options);
		if (fresh == NULL) {
			log_error("the configuration stays what it was");
			continue;
		}
		agent_settings_free(a->settings);
		a->settings = fresh;
		log_info("configuration read again");
	}
	log_error("ended: %s", strerror(-r));
	return r;
}

/* --- other modes ------------------------------------------------------------------------------------------------------------------- */

static int
run_once(struct agent *a)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	struct engine_figures figures;
	int r = open_engine(a, &why);

	daemon_log_lines(&why);
	if (r == 0 && a->mode == MODE_ONCE)
		r = take_requests(a);
	if (r == 0)
		r = engine_complete(a->engine);
	if (r == 0 && a->mode == MODE_ONCE)
		r = engine_due(a->engine);
	if (r < 0)
		log_error("%s", why.len > 0 ? "nothing was done" : cache_error_text());
	if (r == 0 && a->mode == MODE_ONCE)
		(void)!status_write(a->settings->run_dir, a->engine);
	if (r == 0) {
		engine_figures(a->engine, &figures);
		r = figures.failures > 0 ? 1 : 0;
	}
	close_parts(a);
	return r;
}

static int
print_trashed(void *context, const struct disk_trashed *trashed)
{
	time_t since = (time_t)trashed->since;
	struct tm tm;
	char when[32];

	(void)context;
	localtime_r(&since, &tm);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	for (size_t i = 0; i < DISK_UUID_LEN; i++)
		printf(i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", trashed->uuid[i]);
	printf("  %s  ", when);
	for (size_t i = 0; i < trashed->origin.len; i++)
		printf((unsigned char)trashed->origin.data[i] < ' ' || trashed->origin.data[i] == 0x7f ? "\\x%02x" : "%c",
		       (unsigned char)trashed->origin.data[i]);
	putchar('\n');
	return 0;
}

static bool
read_uuid(struct span text, uint8_t uuid[DISK_UUID_LEN])
{
	size_t digits = 0;

	for (size_t i = 0; i < text.len; i++) {
		int digit = ascii_hex(text.data[i]);

		if (text.data[i] == '-')
			continue;
		if (digit < 0 || digits == (size_t)2 * DISK_UUID_LEN)
			return false;
		uuid[digits / 2] = (uint8_t)(digits % 2 == 0 ? digit << 4 : uuid[digits / 2] | digit);
		digits++;
	}
	return digits == (size_t)2 * DISK_UUID_LEN;
}

/* The mailbox too, if the account is there again: its name is in the directory. 1, 0 or negative. */
static int
restore_mailbox(struct agent *a, const uint8_t uuid[DISK_UUID_LEN], struct text *why)
{
	struct home_account account = HOME_ACCOUNT_INIT;
	cleanup(text_free) struct text name = TEXT_INIT;
	struct mailbox_want want = { .quota = MAILBOX_QUOTA_NONE };
	int r = a->parts.mailboxes != NULL ? home_get(a->parts.cache, uuid, &account) : 0;

	if (r > 0) {
		struct span from = a->settings->mail.virtual_domains ? account.entry.address : account.entry.uid_value;

		for (size_t i = 0; i < from.len; i++)
			text_put_char(&name, ascii_lower(from.data[i]));
		want.name = text_span(&name);
		want.quota = account.entry.mail_quota;
		memcpy(want.uuid, uuid, sizeof(want.uuid));
		r = mailbox_restore(a->parts.mailboxes, &want, why);
		if (r > 0)
			printf("mailbox %s\n", text_str(&name));
	}
	home_account_free(&account);
	return r;
}

static int
restore(struct agent *a)
{
	cleanup(text_free) struct text why = TEXT_INIT, path = TEXT_INIT;
	uint8_t uuid[DISK_UUID_LEN];
	int disk = 0, mailbox = 0, r;

	if (!read_uuid(a->restore, uuid)) {
		log_error("--restore wants an entryUUID, as --list-trash prints it");
		return -EINVAL;
	}
	r = open_parts(a, &why);
	if (r == 0 && a->parts.disk != NULL)
		disk = disk_restore(a->parts.disk, uuid, SPAN(""), &path, &why);
	if (disk > 0)
		printf("%s\n", text_str(&path));
	if (r == 0 && disk >= 0)
		mailbox = restore_mailbox(a, uuid, &why);
	if (r < 0 || disk < 0 || mailbox < 0) {
		log_error("%s", text_str(&why));
		return -EIO;
	}
	if (disk == 0 && mailbox == 0)
		log_error("there is nothing of it in the trash");
	return disk == 0 && mailbox == 0 ? 1 : 0;
}

static int
list_trash(struct agent *a)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	int r = open_parts(a, &why);

	if (r == 0 && a->parts.disk != NULL)
		r = disk_each_trashed(a->parts.disk, print_trashed, NULL, &why);
	if (r < 0)
		log_error("%s", text_str(&why));
	return r;
}

static int
run(struct agent *a)
{
	int r = 0;

	switch (a->mode) {
	case MODE_DAEMON:
		return run_daemon(a);
	case MODE_ONCE:
	case MODE_DRY_RUN:
		return run_once(a);
	case MODE_ADOPT:
		return request(a, REQUEST_ADOPT, "what is gone from the directory is removed from now on");
	case MODE_RELEASE:
		return request(a, REQUEST_RELEASE, "the removals that the brake holds are allowed, once");
	case MODE_AUDIT:
		return request(a, REQUEST_AUDIT, "every mailbox is looked at by the agent; its log says what it found");
	case MODE_LIST:
		r = list_trash(a);
		break;
	case MODE_RESTORE:
		r = restore(a);
		break;
	}
	close_parts(a);
	return r;
}

/* --- options ---------------------------------------------------------------------------------------------------------------------- */

/* Takes what is ours out of ARGV; the rest is for daemon_options. */
static int
take_options(struct agent *a, int *argc, char **argv)
{
	static const struct {
		const char *name;
		enum mode mode;
	} ours[] = {
		{ "--once", MODE_ONCE },           { "--dry-run", MODE_DRY_RUN },   { "--adopt", MODE_ADOPT },
		{ "--release-brake", MODE_RELEASE }, { "--audit", MODE_AUDIT },     { "--list-trash", MODE_LIST },
		{ "--restore", MODE_RESTORE },
	};
	int kept = 1;

	for (int i = 1; i < *argc; i++) {
		size_t which = 0;

		while (which < array_size(ours) && strcmp(argv[i], ours[which].name) != 0)
			which++;
		if (which == array_size(ours)) {
			argv[kept++] = argv[i];
			continue;
		}
		if (a->mode != MODE_DAEMON) {
			log_error("%s: only one thing at a time", argv[i]);
			return -EINVAL;
		}
		a->mode = ours[which].mode;
		if (a->mode != MODE_RESTORE)
			continue;
		if (i + 1 == *argc) {
			log_error("--restore wants an entryUUID, as --list-trash prints it");
			return -EINVAL;
		}
		a->restore = span_of(argv[++i]);
	}
	argv[kept] = NULL;
	*argc = kept;
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct daemon_about about = {
		"ispman-agent",
		"makes the disk and the mail store look as the directory says\n\n"
		"  --once            one complete comparison, then ends\n"
		"  --dry-run         says what would be done, and does nothing\n"
		"  --adopt           what is gone from the directory is removed from now on\n"
		"  --release-brake   lets the removals happen that the brake holds, once\n"
		"  --audit           looks at every mailbox: stamp, quota, rights\n"
		"  --list-trash      what was removed and is kept\n"
		"  --restore UUID    puts it back",
	};
	cleanup(text_free) struct text why = TEXT_INIT;
	struct agent agent = { .mode = MODE_DAEMON, .signals = -1 };
	int status, r;

	if (take_options(&agent, &argc, argv) < 0)
		return DAEMON_USAGE;
	if (daemon_options(argc, argv, &about, &agent.options, &status) == 0)
		return status;
	status = DAEMON_USAGE;
	agent.settings = load(&agent.options);
	if (agent.settings != NULL && agent.options.check_only) {
		r = agent_settings_read_password(agent.settings, &why);
		daemon_log_lines(&why);
		status = r == 0 ? DAEMON_OK : DAEMON_USAGE;
	} else if (agent.settings != NULL) {
		confine(agent.settings->project_quota);
		status = run(&agent) == 0 ? DAEMON_OK : DAEMON_FAILURE;
	}
	agent_settings_free(agent.settings);
	daemon_options_free(&agent.options);
	return status;
}
