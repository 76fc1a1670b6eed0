/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The loop is: refresh the watches, look at the file, take the events, decide, wait. Events only
 * say when to look and whether a writer is at work; what is decided rests on what stat() says.
 */
#include <config.h>

#include "cache/source_ldif.h"

#include "cache/ldif_load.h"
#include "common/log.h"
#include "common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>

enum {
	SETTLE_MS = 300,
	WRITER_MS = 5000,
	LOOK_MS = 3000,
	RETRY_MS = 1000,
	RETRY_DOUBLINGS = 6,
	FILE_EVENTS = IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF,
	FOLDER_EVENTS = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF |
	                IN_MOVE_SELF | IN_ONLYDIR,
};

/* The file's content and place at one moment. */
struct look {
	int error; /* a positive errno when there is nothing to see */
	struct stat stat;
};

struct source_ldif {
	struct source_ldif_config config;
	char *folder;
	int stop_fd;

	/* Of the thread. */
	int inotify, file_watch, folder_watch;
	bool writing;       /* it was written to, and not closed since */
	int64_t quiet_from; /* nothing happened to it since */
	struct look seen;   /* the last one */
	struct look tried;  /* the one that was loaded, or failed to; error is -1 for none */
	int64_t retry_at;   /* 0: only when it changes */
	unsigned retries;

	pthread_mutex_t lock; /* of what follows */
	struct source_ldif_state state;
	struct look loaded; /* what was, when the phase is FOLLOWING */
};

static unsigned
or_default(unsigned given, unsigned otherwise)
{
	return given != 0 ? given : otherwise;
}

int
source_ldif_new(const struct source_ldif_config *config, struct source_ldif **out)
{
	cleanup(source_ldif_freep) struct source_ldif *source = calloc(1, sizeof(*source));
	const char *slash = strrchr(config->path, '/');

	if (source == NULL)
		return -ENOMEM;
	pthread_mutex_init(&source->lock, NULL);
	source->inotify = source->file_watch = source->folder_watch = -1;
	source->tried.error = source->seen.error = -1;
	source->config = *config;
	source->config.settle_ms = or_default(config->settle_ms, SETTLE_MS);
	source->config.writer_ms = or_default(config->writer_ms, WRITER_MS);
	source->config.look_ms = or_default(config->look_ms, LOOK_MS);
	source->config.retry_ms = or_default(config->retry_ms, RETRY_MS);
	source->folder = slash == NULL ? strdup(".")
	                 : slash == config->path
	                         ? strdup("/")
	                         : strndup(config->path, (size_t)(slash - config->path));
	if (source->folder == NULL)
		return -ENOMEM;
	*out = take(source);
	return 0;
}

void
source_ldif_free(struct source_ldif *source)
{
	if (source == NULL)
		return;
	close_fdp(&source->inotify);
	pthread_mutex_destroy(&source->lock);
	free(source->folder);
	free(source);
}

void
source_ldif_freep(struct source_ldif **source)
{
	source_ldif_free(*source);
}

void
source_ldif_state(struct source_ldif *source, struct source_ldif_state *out)
{
	pthread_mutex_lock(&source->lock);
	*out = source->state;
	pthread_mutex_unlock(&source->lock);
}

const char *
source_ldif_phase_name(enum source_ldif_phase phase)
{
	switch (phase) {
	case SOURCE_LDIF_STARTING:
		return "starting";
	case SOURCE_LDIF_MISSING:
		return "missing";
	case SOURCE_LDIF_SETTLING:
		return "settling";
	case SOURCE_LDIF_READING:
		return "reading";
	case SOURCE_LDIF_APPLYING:
		return "applying";
	case SOURCE_LDIF_FOLLOWING:
		return "following";
	case SOURCE_LDIF_FAILED:
		return "failed";
	case SOURCE_LDIF_STOPPED:
		return "stopped";
	}
	return "unknown";
}

/* --- telling ------------------------------------------------------------------------------------- */

static void
say(struct source_ldif *source, int level, const struct text *sentence)
{
	if (source->config.say != NULL && !text_failed(sentence))
		source->config.say(source->config.context, level, text_str(sentence));
}

static void
tell_changed(struct source_ldif *source)
{
	if (source->config.changed != NULL)
		source->config.changed(source->config.context);
}

static void
set_phase(struct source_ldif *source, enum source_ldif_phase phase)
{
	bool other;

	pthread_mutex_lock(&source->lock);
	other = source->state.phase != phase;
	source->state.phase = phase;
	pthread_mutex_unlock(&source->lock);
	if (other)
		tell_changed(source);
}

/* The file cannot be used: SENTENCE says why, and what is cached stays. */
static void
set_failed(struct source_ldif *source, enum source_ldif_phase phase, const char *sentence)
{
	struct text whole = TEXT_INIT;
	bool news;

	text_putf(&whole, "%s: %s", source->config.path, sentence);
	pthread_mutex_lock(&source->lock);
	news = phase == SOURCE_LDIF_FAILED || source->state.phase != phase;
	source->state.phase = phase;
	if (phase == SOURCE_LDIF_FAILED)
		source->state.failures++;
	snprintf(source->state.error, sizeof(source->state.error), "%s", text_str(&whole));
	pthread_mutex_unlock(&source->lock);
	if (news) {
		say(source, phase == SOURCE_LDIF_FAILED ? LOG_ERROR : LOG_WARNING, &whole);
		tell_changed(source);
	}
	text_free(&whole);
}

static void
set_loaded(struct source_ldif *source, const struct ldif_load *load, const char *how)
{
	struct text sentence = TEXT_INIT;

	pthread_mutex_lock(&source->lock);
	source->state.phase = SOURCE_LDIF_FOLLOWING;
	source->loaded = source->seen;
	source->state.loads++;
	source->state.entries = load->entries;
	source->state.seconds = load->seconds;
	source->state.loaded_at = time(NULL);
	source->state.written_at = source->seen.stat.st_mtim.tv_sec;
	source->state.error[0] = '\0';
	pthread_mutex_unlock(&source->lock);
	text_putf(&sentence, "%s: %" PRIu64 " entries %s", source->config.path, load->entries, how);
	say(source, LOG_INFO, &sentence);
	tell_changed(source);
	text_free(&sentence);
}

/* --- looking -------------------------------------------------------------------------------------- */

static int64_t
now_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool
is_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The same file with the same content, and as far as one can tell nothing happened to it. */
static bool
is_same(const struct look *a, const struct look *b)
{
	if (a->error != 0 || b->error != 0)
		return a->error == b->error;
	return is_same_file(&a->stat, &b->stat) && a->stat.st_size == b->stat.st_size &&
	       is_time(a->stat.st_mtim, b->stat.st_mtim) && is_time(a->stat.st_ctim, b->stat.st_ctim);
}

bool
source_ldif_is_current(struct source_ldif *source)
{
	struct look now = { 0 };
	bool current;

	if (stat(source->config.path, &now.stat) < 0)
		now.error = errno;
	pthread_mutex_lock(&source->lock);
	current = source->state.phase == SOURCE_LDIF_FOLLOWING && is_same(&now, &source->loaded);
	pthread_mutex_unlock(&source->lock);
	return current;
}

/* Makes *WATCH that of what PATH is now. The same file has the same number. */
static void
refresh_watch(int inotify, const char *path, int events, int *watch)
{
	int new = inotify_add_watch(inotify, path, (uint32_t)events);

	if (*watch >= 0 && *watch != new)
		inotify_rm_watch(inotify, *watch);
	*watch = new;
}

/* Watches the folder and the file as they are now; without inotify looking now and then must do. */
static void
refresh_watches(struct source_ldif *source)
{
	if (source->inotify < 0)
		return;
	refresh_watch(source->inotify, source->folder, FOLDER_EVENTS, &source->folder_watch);
	refresh_watch(source->inotify, source->config.path, FILE_EVENTS, &source->file_watch);
}

/* Takes all events that wait. */
static void
take_events(struct source_ldif *source, int64_t now)
{
	union {
		struct inotify_event event;
		char octets[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
	} buffer;
	ssize_t n;

	if (source->inotify < 0)
		return;
	while ((n = read(source->inotify, &buffer, sizeof(buffer))) > 0) {
		for (size_t at = 0; at < (size_t)n;) {
			struct inotify_event event;

			memcpy(&event, buffer.octets + at, sizeof(event));
			at += sizeof(event) + event.len;
			if (event.mask & IN_Q_OVERFLOW)
				source->quiet_from = now;
			if (event.wd != source->file_watch)
				continue;
			if (event.mask & (IN_MODIFY | IN_CLOSE_WRITE)) {
				source->writing = (event.mask & IN_CLOSE_WRITE) == 0;
				source->quiet_from = now;
			}
		}
	}
}

/* Since when a file that came into view just now has been as it is, as its time of change has it. */
static int64_t
quiet_since(const struct stat *stat, int64_t now)
{
	int64_t changed = (int64_t)stat->st_mtim.tv_sec * 1000 + stat->st_mtim.tv_nsec / 1000000;
	int64_t age = now_ms(CLOCK_REALTIME) - changed;

	return age > 0 ? now - age : now;
}

static void
look(struct source_ldif *source, int64_t now)
{
	struct look new = { 0 };

	if (stat(source->config.path, &new.stat) < 0)
		new.error = errno;
	if (is_same(&new, &source->seen))
		return;
	if (new.error != 0 || source->seen.error != 0 ||
	    !is_same_file(&new.stat, &source->seen.stat)) {
		/* Another file. It may have been written elsewhere and be whole already. */
		source->writing = false;
		source->quiet_from = new.error == 0 ? quiet_since(&new.stat, now) : now;
	} else {
		source->quiet_from = now;
	}
	source->seen = new;
}

/* --- loading -------------------------------------------------------------------------------------- */

static bool
is_stopped(const struct source_ldif *source)
{
	struct pollfd stop = { .fd = source->stop_fd, .events = POLLIN };

	return poll(&stop, 1, 0) > 0;
}

static bool
on_progress(void *context, bool applying, uint64_t entries)
{
	struct source_ldif *source = context;

	pthread_mutex_lock(&source->lock);
	source->state.progress = entries;
	pthread_mutex_unlock(&source->lock);
	set_phase(source, applying ? SOURCE_LDIF_APPLYING : SOURCE_LDIF_READING);
	return !is_stopped(source);
}

/* The cookie tells after a restart that the file is still the one that was loaded. */
static void
put_identity(struct text *out, const struct stat *stat)
{
	text_putf(out, "ldif %jx %jx %jd %jd.%09ld %jd.%09ld", (uintmax_t)stat->st_dev,
	          (uintmax_t)stat->st_ino, (intmax_t)stat->st_size, (intmax_t)stat->st_mtim.tv_sec,
	          stat->st_mtim.tv_nsec, (intmax_t)stat->st_ctim.tv_sec, stat->st_ctim.tv_nsec);
}

static void
on_cookie(void *context, const struct ldif_load *load, struct text *out)
{
	const struct source_ldif *source = context;

	put_identity(out, &source->seen.stat);
	text_putf(out, " %" PRIu64 " %" PRIu32, load->entries, load->seconds);
}

/* Whether the stored cookie is this file's; then also what was found in it. */
static bool
is_loaded_already(const struct source_ldif *source, struct ldif_load *out)
{
	const struct feed *feed = source->config.feed;
	cleanup(arena_free) struct arena arena = ARENA_INIT;
	struct text identity = TEXT_INIT;
	struct span cookie, word;
	uint64_t entries, seconds;
	bool found = false;

	put_identity(&identity, &source->seen.stat);
	if (!text_failed(&identity) && feed->is_empty(feed->context) == 0 &&
	    feed->stored_cookie(feed->context, &arena, &cookie) == 0 &&
	    span_starts_nocase(cookie, text_span(&identity))) {
		cookie = span_skip(cookie, identity.len);
		found = span_next_word(&cookie, &word) && span_to_u64(word, UINT64_MAX, &entries) == 0 &&
		        span_next_word(&cookie, &word) && span_to_u64(word, UINT32_MAX, &seconds) == 0;
		if (found) {
			out->entries = entries;
			out->seconds = (uint32_t)seconds;
		}
	}
	text_free(&identity);
	return found;
}

/* Tells the feed that nothing happened since its cookie. */
static int
confirm(struct source_ldif *source, const struct ldif_load *load, struct text *why)
{
	const struct feed *feed = source->config.feed;
	struct text cookie = TEXT_INIT;
	int r;

	on_cookie(source, load, &cookie);
	r = text_failed(&cookie) ? -ENOMEM : feed->begin_refresh(feed->context, false);
	if (r == 0)
		r = feed->refresh_done(feed->context, false, text_span(&cookie), load->seconds);
	if (r == 0)
		r = feed->flush(feed->context);
	if (r < 0)
		text_putf(why, "the cache cannot be written: %s", strerror(-r));
	text_free(&cookie);
	return r;
}

/* Loads the file that was seen. 0, -EAGAIN to look again, -ECANCELED, or another error and WHY. */
static int
load_seen(struct source_ldif *source, struct ldif_load *load, const char **out_how, struct text *why)
{
	cleanup(close_fdp) int fd =
		open(source->config.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct look opened = { 0 };

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return -EAGAIN;
	if (fd < 0 || fstat(fd, &opened.stat) < 0) {
		int r = -errno;

		text_putf(why, "cannot be opened: %s", strerror(-r));
		return r == -EACCES || r == -EPERM ? -EINVAL : r;
	}
	if (!is_same(&opened, &source->seen))
		return -EAGAIN;
	*out_how = "are those already loaded";
	if (source->tried.error == -1 && is_loaded_already(source, load))
		return confirm(source, load, why);
	*out_how = "loaded";
	set_phase(source, SOURCE_LDIF_READING);
	return ldif_load(load, fd, &opened.stat, why);
}

/* Loads, and says how it went. False when it is time to stop. */
static bool
load(struct source_ldif *source)
{
	struct ldif_load load = {
		.feed = source->config.feed,
		.spool_dir = source->config.spool_dir,
		.wanted = source->config.wanted,
		.secret = source->config.secret,
		.context = source->config.context,
		.progress = on_progress,
		.progress_context = source,
		.cookie = on_cookie,
		.cookie_context = source,
	};
	struct text why = TEXT_INIT;
	const char *how = "";
	int r = load_seen(source, &load, &how, &why);

	pthread_mutex_lock(&source->lock);
	source->state.progress = 0;
	pthread_mutex_unlock(&source->lock);
	if (r == -EAGAIN) {
		/* Somebody is at it: with another look the quiet time begins anew. */
		source->quiet_from = now_ms(CLOCK_MONOTONIC);
		set_phase(source, SOURCE_LDIF_SETTLING);
	} else if (r != -ECANCELED) {
		source->tried = source->seen;
		source->retry_at = 0;
		if (r == 0 || r == -EINVAL) {
			source->retries = 0;
		} else {
			source->retry_at =
				now_ms(CLOCK_MONOTONIC) + ((int64_t)source->config.retry_ms << source->retries);
			if (source->retries < RETRY_DOUBLINGS)
				source->retries++;
		}
		if (r == 0)
			set_loaded(source, &load, how);
		else
			set_failed(source, SOURCE_LDIF_FAILED, text_str(&why));
	}
	text_free(&why);
	return r != -ECANCELED;
}

/* --- following ------------------------------------------------------------------------------------ */

/* What to do about the file as it was seen. Returns the milliseconds to wait, or -1 to stop. */
static int64_t
step(struct source_ldif *source, int64_t now)
{
	int64_t due;

	if (source->seen.error == ENOENT || source->seen.error == ENOTDIR) {
		set_failed(source, SOURCE_LDIF_MISSING,
		           "the file does not exist; what is cached stays until it does");
		source->tried = source->seen;
		return source->config.look_ms;
	}
	if (source->seen.error != 0) {
		if (!is_same(&source->seen, &source->tried))
			set_failed(source, SOURCE_LDIF_FAILED, strerror(source->seen.error));
		source->tried = source->seen;
		return source->config.look_ms;
	}
	if (is_same(&source->seen, &source->tried)) {
		if (source->retry_at == 0)
			return source->config.look_ms;
		if (source->retry_at > now)
			return source->retry_at - now;
	}
	due = source->quiet_from +
	      (source->writing ? source->config.writer_ms : source->config.settle_ms);
	if (due > now) {
		set_phase(source, SOURCE_LDIF_SETTLING);
		/* A writer may close the file long before. */
		return due - now < source->config.settle_ms ? due - now : source->config.settle_ms;
	}
	source->writing = false;
	return load(source) ? 0 : -1;
}

void
source_ldif_run(struct source_ldif *source, int stop_fd)
{
	source->stop_fd = stop_fd;
	source->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	for (;;) {
		struct pollfd fds[2] = { { .fd = stop_fd, .events = POLLIN },
			                 { .fd = source->inotify, .events = POLLIN } };
		int64_t now = now_ms(CLOCK_MONOTONIC), wait;
		bool settling;

		/* In this order nothing that happens in between is missed. */
		refresh_watches(source);
		look(source, now);
		take_events(source, now);
		wait = step(source, now);
		if (wait < 0)
			break;
		/* While a file is being written each write is an event: they are not worth waking for. */
		settling = source->state.phase == SOURCE_LDIF_SETTLING;
		if (poll(fds, settling ? 1 : 2, wait > INT_MAX ? INT_MAX : (int)wait) < 0 &&
		    errno != EINTR)
			break;
		if (fds[0].revents != 0)
			break;
	}
	close_fdp(&source->inotify);
	source->inotify = source->file_watch = source->folder_watch = -1;
	set_phase(source, SOURCE_LDIF_STOPPED);
}
