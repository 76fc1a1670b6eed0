/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * ispman-cached: keeps the cache what the directory says.
 *
 * Threads: the source's (LDAP or LDIF, and directory/'s writer), a publisher's for each environment (its writer), one for a job an admin
 * asked for, and this one, which answers on the control socket, tells the time of contact and looks after the others. None
 * waits for another while it holds anything, but the source for a publisher that is far behind.
 */
#include <config.h>

#include "cache/apply.h"
#include "cache/cache.h"
#include "cache/cached_counters.h"
#include "cache/ldif_base.h"
#include "cache/publish.h"
#include "cache/service.h"
#include "cache/settings.h"
#include "cache/source.h"
#include "cache/store.h"
#include "common/counters.h"
#include "common/daemon.h"
#include "common/log.h"
#include "common/notify.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <time.h>

enum {
	TICK_MILLISECONDS = 1000,
	READER_CHECK_TICKS = 10,
	REOPEN_TICKS = 10,        /* between attempts, after a write that failed half-way */
	QUEUE_MAX = 200,          /* commits that the publisher may be behind before the source waits */
	QUEUE_WAIT_MAX = 5000,    /* milliseconds of that */
	QUEUE_BUSY_MAX = 500,     /* ... that one of its transactions may take: a reader holds it up */
	SECRET_WAIT_MAX = 1000,   /* milliseconds that account/ waits for secret/ */
};

/* Everything that lives between two readings of the configuration. */
struct cached {
	struct settings *settings;
	struct replica replica;
	struct service service;
	struct feed feed;
	struct cached_counters *counters;
	int listener; /* of the control socket, when the service manager opened it; else -1 */
	bool ready;
	unsigned ticks;
	bool said_stuck[PROJECT_ENVIRONMENTS];
	bool said_missing;
	atomic_bool stopping;
};

static void
say_level(void *context, int level, const char *sentence)
{
	log_sentence(context, (enum log_level)level, sentence);
}

/* --- between the threads ------------------------------------------------------------------------------- */

/* Whether PUBLISH is far behind SEQUENCE and comes on: one that stands still must not hold up what the others show. */
static bool
is_worth_waiting_for(struct publish *publish, uint64_t sequence)
{
	struct publish_status status;

	publish_status(publish, &status);
	return status.complete && status.applied + QUEUE_MAX < sequence && !status.rebuilding && status.error[0] == '\0' &&
	       publish_busy_for(&status) < QUEUE_BUSY_MAX;
}

/* In the source's thread, or a job's, never in the main one: apply's mutex is held. A publisher that is far behind is waited
 * for a little: what is not visible is of no use, and pending rows are not free. */
static void
on_committed(void *context, uint64_t sequence)
{
	struct cached *cached = context;

	for (size_t i = 0; i < PROJECT_ENVIRONMENTS; i++)
		publish_wanted(cached->service.publish[i], sequence);
	for (int waited = 0; waited < QUEUE_WAIT_MAX && !atomic_load(&cached->stopping); waited++) {
		bool behind = false;

		for (size_t i = 0; i < PROJECT_ENVIRONMENTS; i++)
			behind |= is_worth_waiting_for(cached->service.publish[i], sequence);
		if (!behind)
			return;
		poll(NULL, 0, 1);
	}
}

/* In account/'s thread. Who asks one and then the other must not find there what the first does not show: secret/ comes first. But when it
 * does not come on, account/ is not held up for ever. */
static void
before_account(void *context, uint64_t sequence)
{
	struct cached *cached = context;
	struct publish *secret = cached->service.publish[PROJECT_SECRET];

	for (int waited = 0; waited < SECRET_WAIT_MAX && !atomic_load(&cached->stopping); waited++) {
		struct publish_status status;

		publish_status(secret, &status);
		if (!status.complete || status.rebuilding || status.applied >= sequence || status.error[0] != '\0' ||
		    publish_busy_for(&status) >= QUEUE_BUSY_MAX)
			return;
		poll(NULL, 0, 1);
	}
}

static void
on_completed(void *context)
{
	struct cached *cached = context;

	for (size_t i = 0; i < PROJECT_ENVIRONMENTS; i++)
		publish_rebuild(cached->service.publish[i]);
}

static uint64_t
on_published(void *context)
{
	struct cached *cached = context;
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < PROJECT_ENVIRONMENTS; i++) {
		uint64_t applied = publish_applied(cached->service.publish[i]);

		if (applied < least)
			least = applied;
	}
	return least;
}

/* In a publisher's thread. */
static int
on_ready(void *context)
{
	struct cached *cached = context;

	return apply_is_derived(cached->service.apply);
}

static int
on_served(void *context, uint32_t *out_base, uint32_t *out_epoch,
          int (*each)(void *context, struct span reversed, uint32_t serial), void *each_context)
{
	struct cached *cached = context;

	return publish_served(cached->service.publish[PROJECT_DNS], out_base, out_epoch, each, each_context);
}

/* What someone waits for may have happened. */
static void
wake_control(void *context)
{
	struct cached *cached = context;

	if (cached->service.control != NULL)
		control_wake(cached->service.control);
}

/* --- starting and stopping ------------------------------------------------------------------------------ */

static int
make_folder(const char *path, mode_t mode, gid_t group, struct text *why)
{
	int r;

	if (mkdir(path, mode) < 0 && errno != EEXIST) {
		r = -errno;
		text_putf(why, "%s cannot be created: %s", path, strerror(-r));
		return r;
	}
	if (group != (gid_t)-1 && chown(path, (uid_t)-1, group) < 0) {
		r = -errno;
		text_putf(why, "%s cannot be given to its group: %s", path, strerror(-r));
		return r;
	}
	return 0;
}

/* The group that reads environment I. */
static int
group_of(const struct settings *settings, enum project_environment i, gid_t *out, struct text *why)
{
	const char *const names[PROJECT_ENVIRONMENTS] = {
		[PROJECT_DNS] = settings->dns_group,
		[PROJECT_MAIL] = settings->mail_group,
		[PROJECT_SECRET] = settings->secret_group,
		[PROJECT_ACCOUNT] = settings->account_group,
	};
	const char *name = names[i];
	int r;

	*out = (gid_t)-1;
	if (name == NULL)
		return 0;
	r = daemon_group_id(name, out);
	if (r < 0)
		text_putf(why, "[cached] %s-group: there is no group \"%s\"", projections[i].name, name);
	return r;
}

static int
start_publishers(struct cached *cached, struct text *why)
{
	int r = 0;

	for (enum project_environment i = 0; i < PROJECT_ENVIRONMENTS && r == 0; i++) {
		struct publish_options options = {
			.environment = i,
			.cache_dir = cached->settings->cache_dir,
			.settings = &cached->settings->project,
			.map_size = cached->settings->map_size,
			.ready = projections[i].since > 1 ? on_ready : NULL,
			.before = i == PROJECT_ACCOUNT ? before_account : NULL,
			.say = say_level,
			.caught_up = wake_control,
			.context = cached,
		};

		r = group_of(cached->settings, i, &options.group, why);
		if (r == 0)
			r = publish_open(&cached->replica, &options, &cached->service.publish[i], why);
	}
	return r;
}

static int
start_storage(struct cached *cached, struct text *why)
{
	struct settings *settings = cached->settings;
	struct apply_options apply = {
		.project = &settings->project,
		.by_dn = settings->ldif_path != NULL,
		.brake_percent = (unsigned)settings->brake_percent,
		.committed = on_committed,
		.completed = on_completed,
		.published = on_published,
		.served = on_served,
		.say = say_level,
		.context = cached,
	};
	const char *binding = settings_source_identity(settings);
	bool wiped;
	int r;

	if (binding == NULL)
		return -ENOMEM;
	apply.binding = span_of(binding);
	r = replica_open(settings->cache_dir, span_of(settings->ldap_base), settings->map_size, &cached->replica, &wiped, why);
	if (r < 0)
		return r;
	if (wiped)
		log_notice("a first load was cut short: it begins again from nothing");
	r = start_publishers(cached, why);
	if (r == 0)
		r = apply_new(&cached->replica, &apply, &cached->service.apply);
	return r;
}

/* Being started makes no data newer. */
static uint64_t
contact_before(const struct settings *settings, enum project_environment i)
{
	const struct cache_options options = {
		.cache_dir = settings->cache_dir,
		.audience = projections[i].name,
		.format = projections[i].format,
		.run_dir = settings->run_dir,
	};
	cleanup(cache_closep) struct cache *cache = NULL;

	return cache_open(&options, &cache) == 0 ? cache_last_contact(cache) : 0;
}

/* A file says itself where its tree begins. */
static int
take_base(struct settings *settings, struct text *why)
{
	cleanup(text_free) struct text base = TEXT_INIT;
	struct span kept;
	int r;

	if (settings->ldap_base != NULL || settings->ldif_path == NULL)
		return 0;
	r = ldif_base(settings->ldif_path, &base, why);
	if (r < 0)
		return r;
	text_put_char(&base, '\0');
	kept = text_failed(&base) ? (struct span){ NULL, 0 } : arena_copy(&settings->arena, text_span(&base));
	settings->ldap_base = kept.data;
	return kept.data != NULL ? 0 : -ENOMEM;
}

static int
start(struct cached *cached, struct text *why)
{
	struct settings *settings = cached->settings;
	gid_t group;
	int r = make_folder(settings->cache_dir, 0755, (gid_t)-1, why);

	if (r == 0)
		r = make_folder(settings->run_dir, 0755, (gid_t)-1, why);
	for (enum project_environment i = 0; i < PROJECT_ENVIRONMENTS; i++)
		cached->service.contact[i] = contact_before(settings, i);
	if (r == 0)
		r = take_base(settings, why);
	if (r == 0)
		r = start_storage(cached, why);
	if (r < 0)
		return r;
	for (enum project_environment i = 0; i < PROJECT_ENVIRONMENTS; i++) {
		r = group_of(settings, i, &group, why);
		if (r < 0)
			return r;
		r = counters_prepare(settings->run_dir, projections[i].name, group);
		if (r < 0)
			log_warning("%s/metrics/%s cannot be made, its readers will have no counters: %s", settings->run_dir,
			            projections[i].name, strerror(-r));
	}
	counters_remove_dead(settings->run_dir, NULL);
	cached->counters = cached_counters_open(settings->run_dir);
	cached->service.settings = settings;
	cached->service.replica = &cached->replica;
	cached->service.started = (int64_t)time(NULL);
	return 0;
}

/* 1 when what was derived from the entries must be derived again; an empty replica is only marked. */
static int
needs_remap(struct cached *cached)
{
	struct apply_status status;
	int r = apply_needs_remap(cached->service.apply);

	apply_status(cached->service.apply, &status);
	if (r <= 0 || status.entries > 0)
		return r;
	return apply_mark_derived(cached->service.apply);
}

/* The control socket and the threads, when all that they use is there. */
static int
start_threads(struct cached *cached, const struct control_actions *actions, struct text *why)
{
	const struct source_listener listener = { .say = log_sentence, .changed = wake_control, .context = cached };
	cleanup(text_free) struct text path = TEXT_INIT;
	int r;

	text_putf(&path, "%s/control", cached->settings->run_dir);
	if (cached->listener >= 0)
		r = control_adopt(cached->listener, actions, &cached->service.control);
	else
		r = control_open(text_str(&path), (gid_t)-1, actions, &cached->service.control);
	if (r < 0) {
		text_putf(why, "%s: %s", text_str(&path),
		          r == -EADDRINUSE ? "another ispman-cached answers there" : strerror(-r));
		return r;
	}
	r = 0;
	for (size_t i = 0; i < PROJECT_ENVIRONMENTS && r == 0; i++)
		r = publish_start(cached->service.publish[i]);
	if (r == 0)
		r = needs_remap(cached);
	if (r >= 0) {
		atomic_store(&cached->service.remap_due, r == 1);
		apply_feed(cached->service.apply, &cached->feed);
		r = source_start(cached->settings, &cached->feed, &listener, &cached->service.source);
	}
	if (r == 0)
		service_remap(&cached->service);
	else
		text_putf(why, "cannot start: %s", strerror(-r));
	return r;
}

static void
stop(struct cached *cached)
{
	atomic_store(&cached->stopping, true);
	service_stop_job(&cached->service);
	source_stop(cached->service.source);
	/* The last one first: it looks at those before it. */
	for (size_t i = PROJECT_ENVIRONMENTS; i-- > 0;)
		publish_free(take(cached->service.publish[i]));
	control_free(take(cached->service.control));
	apply_free(cached->service.apply);
	if (cached->replica.store != NULL)
		replica_close(&cached->replica);
	cached_counters_leave(cached->counters);
}

/* --- the main thread ------------------------------------------------------------------------------------ */

/* A reader that was taken over can hold the writer's lock for ever. It holds up its own environment only; but someone must
 * say so. */
static void
watch(struct cached *cached, enum project_environment i)
{
	const char *name = projections[i].name;
	struct publish_status status;
	bool stuck;

	publish_status(cached->service.publish[i], &status);
	stuck = publish_is_stuck(&status);
	if (stuck && !cached->said_stuck[i])
		log_error("a change of %s/ does not come to its end: does a reader of %s/%s hold its lock?", name,
		          cached->settings->cache_dir, name);
	else if (!stuck && cached->said_stuck[i])
		log_notice("%s/ is written again", name);
	cached->said_stuck[i] = stuck;
}

static void
watch_passwords(struct cached *cached)
{
	cleanup(text_free) struct text missing = TEXT_INIT;
	bool is_missing = service_missing_passwords(&cached->service, &missing) == 1;

	if (is_missing && !cached->said_missing)
		log_warning("%s", text_str(&missing));
	else if (!is_missing && cached->said_missing)
		log_notice("stored passwords can be read again");
	cached->said_missing = is_missing;
}

static void
tick(struct cached *cached)
{
	bool synchronised = service_is_synchronised(&cached->service);

	cached_counters_set(cached->counters, &cached->service);
	for (enum project_environment i = 0; i < PROJECT_ENVIRONMENTS; i++) {
		watch(cached, i);
		if (cached->ticks % READER_CHECK_TICKS == 0)
			publish_check_readers(cached->service.publish[i]);
	}
	watch_passwords(cached);
	cached->ticks++;
	service_remap(&cached->service);
	if (synchronised && !cached->ready) {
		log_info("synchronised");
		notify_status("synchronised");
	}
	cached->ready |= synchronised;
	notify_watchdog();
}

/* Until a signal ends it, or DAEMON_NOTHING when all is to be closed and opened anew. */
static enum daemon_signal
serve(struct cached *cached, int signals)
{
	struct pollfd fds[] = { { signals, POLLIN, 0 }, { control_fd(cached->service.control), POLLIN, 0 } };
	int64_t next_tick = 0;

	for (;;) {
		enum daemon_signal signal;
		struct timespec now;
		int64_t milliseconds;
		int timeout;

		clock_gettime(CLOCK_MONOTONIC, &now);
		milliseconds = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
		if (milliseconds >= next_tick) {
			tick(cached);
			next_tick = milliseconds + TICK_MILLISECONDS;
			if (cached->ticks >= REOPEN_TICKS && store_any_is_spoilt()) {
				log_notice("a write failed half-way: everything is opened anew");
				return DAEMON_NOTHING;
			}
		}
		timeout = control_timeout(cached->service.control);
		if (timeout < 0 || timeout > next_tick - milliseconds)
			timeout = (int)(next_tick - milliseconds);
		if (poll(fds, array_size(fds), timeout) < 0 && errno != EINTR) {
			log_error("poll: %s", strerror(errno));
			return DAEMON_STOP;
		}
		control_handle(cached->service.control);
		if (!cached->ready && service_is_synchronised(&cached->service))
			tick(cached);
		signal = daemon_signals_take(signals);
		if (signal != DAEMON_NOTHING)
			return signal;
	}
}

static int
run_once(struct settings *settings, int listener, int signals, enum daemon_signal *out_signal)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	struct cached cached = { .settings = settings, .listener = listener };
	struct control_actions actions;
	int r = start(&cached, &why);

	if (r == 0) {
		service_actions(&cached.service, &actions);
		r = start_threads(&cached, &actions, &why);
	}
	if (r == 0) {
		notify_ready();
		*out_signal = serve(&cached, signals);
		if (*out_signal == DAEMON_STOP)
			notify_stopping();
		else if (*out_signal == DAEMON_RELOAD)
			notify_reloading();
	} else {
		daemon_log_lines(&why);
	}
	stop(&cached);
	return r;
}

static void
warn(void *context, const char *sentence)
{
	(void)context;
	log_warning("%s", sentence);
}

static struct settings *
load(const struct daemon_options *options)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	struct settings *settings = NULL;

	if (settings_load(options->conf_path, options->overrides, options->override_count, &settings, &why) < 0) {
		daemon_log_lines(&why);
		return NULL;
	}
	log_set_level(daemon_log_level(options, settings->log_level));
	settings_warn(settings, warn, NULL);
	return settings;
}

int
main(int argc, char **argv)
{
	static const struct daemon_about about = { "ispman-cached", "keeps the ISPMan cache what the directory says" };
	cleanup(settings_freep) struct settings *settings = NULL;
	cleanup(text_free) struct text why = TEXT_INIT;
	struct daemon_options options;
	enum daemon_signal signal = DAEMON_RELOAD;
	int listener = daemon_listen_fds() > 0 ? DAEMON_LISTEN_FIRST : -1;
	int status, signals, r = 0;

	if (daemon_options(argc, argv, &about, &options, &status) == 0)
		return status;
	settings = load(&options);
	if (settings == NULL || options.check_only) {
		daemon_options_free(&options);
		return settings == NULL ? DAEMON_USAGE : DAEMON_OK;
	}
	signals = daemon_signals_open();
	if (signals < 0 || daemon_become(settings->user, settings->group, &why) < 0) {
		daemon_log_lines(&why);
		daemon_options_free(&options);
		return DAEMON_FAILURE;
	}
	/* Whatever the settings say: others may come with the next reload. */
	daemon_hide();
	while (r == 0 && signal != DAEMON_STOP) {
		r = run_once(settings, listener, signals, &signal);
		if (r == 0 && signal == DAEMON_RELOAD) {
			struct settings *fresh = load(&options);

			if (fresh == NULL) {
				log_error("the configuration stays what it was");
			} else {
				settings_free(settings);
				settings = fresh;
			}
		}
	}
	close(signals);
	daemon_options_free(&options);
	return r < 0 ? DAEMON_FAILURE : DAEMON_OK;
}
