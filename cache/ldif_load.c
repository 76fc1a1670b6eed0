/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/ldif_load.h"

#include "cache/ldif.h"
#include "cache/repeats.h"
#include "cache/spool.h"

#include <errno.h>
#include <string.h>

/* One load under way. */
struct loading {
	struct ldif_load *load;
	struct ldif *ldif;
	struct repeats *repeats;
	struct spool *spool; /* NULL: straight to the feed */
	struct arena arena;
	bool readable_by_others;
	bool holds_secrets;
	uint64_t sent; /* to the feed */
	struct text *why;
};

static bool
is_password(struct span attribute)
{
	static const struct span names[] = {
		SPAN("userPassword"), SPAN("ispmanControlPanelPassword"), SPAN("ispmanDBPass"),
		SPAN("authPassword"), SPAN("sambaNTPassword"), SPAN("sambaLMPassword"),
		SPAN("krbPrincipalKey"),
	};

	for (size_t i = 0; i < array_size(names); i++)
		if (span_is_nocase(attribute, names[i]))
			return true;
	return false;
}

/* The reader asks this at least once for each name in the file, wanted or not. */
static bool
on_attribute(void *context, struct span attribute)
{
	struct loading *l = context;
	const struct ldif_load *load = l->load;

	if (load->secret != NULL ? load->secret(load->context, attribute) : is_password(attribute))
		l->holds_secrets = true;
	return load->wanted == NULL || load->wanted(load->context, attribute);
}

bool
ldif_load_is_unchanged(const struct stat *a, const struct stat *b)
{
	if (a->st_size != b->st_size || a->st_mtim.tv_sec != b->st_mtim.tv_sec ||
	    a->st_mtim.tv_nsec != b->st_mtim.tv_nsec)
		return false;
	/* A writer can set the first two back, but not this one. It also changes when another file is
	 * renamed over this one, whose content then is still whole. */
	return a->st_nlink != b->st_nlink || (a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	                                      a->st_ctim.tv_nsec == b->st_ctim.tv_nsec);
}

static int
go_on(const struct loading *l, bool applying, uint64_t entries)
{
	const struct ldif_load *load = l->load;

	if (entries % LDIF_LOAD_PACE != 0 || load->progress == NULL)
		return 0;
	return load->progress(load->progress_context, applying, entries) ? 0 : -ECANCELED;
}

static int
feed_failed(struct loading *l, int r, const char *what)
{
	text_putf(l->why, "%s: %s", what, strerror(-r));
	return r;
}

/* Says which lines hold one DN, when two do. */
static int
refuse_repeats(struct loading *l)
{
	size_t first, second;
	int r = repeats_find(l->repeats, &first, &second);

	if (r < 0) {
		text_putf(l->why, "cannot look for DNs that come twice: %s", strerror(-r));
		return r;
	}
	if (r == 0)
		return 0;
	text_putf(l->why, "line %zu: an entry with the DN of the entry of line %zu", second, first);
	return -EINVAL;
}

/* Gives ENTRY, which began on LINE, to the feed. */
static int
send_entry(struct loading *l, const struct entry *entry, size_t line)
{
	const struct feed *feed = l->load->feed;
	int r = feed->entry(feed->context, entry);

	if (r == -EEXIST) {
		r = refuse_repeats(l);
		if (r < 0)
			return r;
		text_putf(l->why, "line %zu: an entry with a DN that came before", line);
		return -EINVAL;
	}
	if (r < 0) {
		text_putf(l->why, "line %zu: the cache does not take the entry: %s", line, strerror(-r));
		return r;
	}
	l->sent++;
	if (l->sent % FEED_BATCH == 0) {
		r = feed->flush(feed->context);
		if (r < 0)
			return feed_failed(l, r, "the cache cannot be written");
	}
	return 0;
}

static int
take_entry(struct loading *l, const struct entry *entry)
{
	uint32_t seconds = csn_seconds(entry->csn);
	int r;

	if (l->holds_secrets && l->readable_by_others) {
		text_put(l->why, "the file holds passwords and is readable by others; chmod 0640 it");
		return -EINVAL;
	}
	if (seconds > l->load->seconds)
		l->load->seconds = seconds;
	r = repeats_add(l->repeats, ldif_dn_uuid(l->ldif), ldif_line(l->ldif));
	if (r == 0 && l->spool != NULL)
		r = spool_put(l->spool, entry, ldif_line(l->ldif));
	if (r < 0) {
		text_putf(l->why, "cannot keep what was read in %s: %s", l->load->spool_dir,
		          strerror(-r));
		return r;
	}
	return l->spool == NULL ? send_entry(l, entry, ldif_line(l->ldif)) : 0;
}

/* Reads the whole file. */
static int
read_entries(struct loading *l)
{
	int r;

	for (;;) {
		struct entry entry;

		r = ldif_next(l->ldif, &l->arena, &entry, l->why);
		if (r < 0 && l->why->len == 0)
			text_putf(l->why, "cannot be read: %s", strerror(-r));
		if (r <= 0)
			break;
		r = take_entry(l, &entry);
		arena_reset(&l->arena);
		if (r == 0)
			r = go_on(l, false, ++l->load->entries);
		if (r < 0)
			return r;
	}
	if (r == 0 && l->load->entries == 0) {
		text_put(l->why, "the file holds no entry; an empty file never empties the cache");
		r = -EINVAL;
	}
	return r == 0 ? refuse_repeats(l) : r;
}

/* What was found in a file that changed meanwhile says nothing. */
static int
check_unchanged(struct loading *l, int fd, const struct stat *before, int r)
{
	struct stat now;

	if (r == -ECANCELED)
		return r;
	if (fstat(fd, &now) < 0 || !ldif_load_is_unchanged(before, &now)) {
		text_clear(l->why);
		return -EAGAIN;
	}
	return r;
}

static int
begin(struct loading *l)
{
	const struct feed *feed = l->load->feed;
	int r = feed->begin_refresh(feed->context, true);

	return r < 0 ? feed_failed(l, r, "the cache cannot be written") : 0;
}

static int
replay_spool(struct loading *l)
{
	struct entry entry;
	size_t line;
	int r;

	while ((r = spool_next(l->spool, &l->arena, &entry, &line)) == 1) {
		r = send_entry(l, &entry, line);
		arena_reset(&l->arena);
		if (r == 0)
			r = go_on(l, true, l->sent);
		if (r < 0)
			return r;
	}
	if (r < 0)
		text_putf(l->why, "cannot get back what was kept in %s: %s", l->load->spool_dir,
		          strerror(-r));
	return r;
}

static int
finish(struct loading *l)
{
	const struct ldif_load *load = l->load;
	const struct feed *feed = load->feed;
	struct text cookie = TEXT_INIT;
	int r;

	if (load->cookie != NULL)
		load->cookie(load->cookie_context, load, &cookie);
	if (text_failed(&cookie))
		text_clear(&cookie);
	r = feed->refresh_done(feed->context, true, text_span(&cookie), load->seconds);
	if (r == 0)
		r = feed->flush(feed->context);
	text_free(&cookie);
	if (r == -ENODATA) {
		text_put(l->why, "no entry of the file lies below the base DN");
		return -EINVAL;
	}
	return r < 0 ? feed_failed(l, r, "the cache cannot be written") : 0;
}

/* Both ways to load. Whatever begins a refresh here ends it. */
static int
run(struct loading *l, int fd, const struct stat *before)
{
	const struct feed *feed = l->load->feed;
	int r;

	if (l->spool != NULL) {
		r = check_unchanged(l, fd, before, read_entries(l));
		if (r < 0)
			return r;
	}
	r = begin(l);
	if (r < 0)
		return r;
	if (l->spool != NULL)
		r = replay_spool(l);
	else
		r = check_unchanged(l, fd, before, read_entries(l));
	if (r == 0)
		return finish(l);
	if (feed->abort_refresh(feed->context) < 0 && l->why->len == 0)
		text_put(l->why, "the cache cannot be written");
	return r;
}

int
ldif_load(struct ldif_load *load, int fd, const struct stat *before, struct text *why)
{
	struct loading l = {
		.load = load,
		.why = why,
		.readable_by_others = (before->st_mode & S_IROTH) != 0,
	};
	int r;

	load->entries = 0;
	load->seconds = 0;
	if (!S_ISREG(before->st_mode)) {
		text_put(why, "this is not a regular file");
		return -EINVAL;
	}
	if (lseek(fd, 0, SEEK_SET) < 0)
		return feed_failed(&l, -errno, "cannot be read");
	r = load->feed->is_empty(load->feed->context);
	if (r < 0)
		return feed_failed(&l, r, "the cache cannot be read");
	if (r == 0) {
		r = spool_open(load->spool_dir, &l.spool);
		if (r < 0) {
			text_putf(why, "cannot make a file in %s: %s", load->spool_dir, strerror(-r));
			return r;
		}
	}
	r = repeats_open(load->spool_dir, &l.repeats);
	if (r == 0)
		r = ldif_open(fd, on_attribute, &l, &l.ldif);
	if (r < 0)
		feed_failed(&l, r, "cannot begin to read");
	else
		r = run(&l, fd, before);
	ldif_free(l.ldif);
	repeats_free(l.repeats);
	spool_free(l.spool);
	arena_free(&l.arena);
	return r;
}
