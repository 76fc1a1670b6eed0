/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * One struct cache an environment and process, one view of it a thread.
 *
 * A thread's view holds the environment it reads: when the files are replaced, each thread changes over at its next
 * begin, and the last one closes the old files. So nobody ever waits, and nothing is closed under a reader.
 */
#include <config.h>

#include "cache/cache.h"
#include "cache/load_mark.h"
#include "cache/record.h"
#include "common/counters.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

enum { ERROR_ROOM = 512 };

struct cache {
	struct cache *next;
	unsigned references; /* of cache_open and of the threads' views */
	char *path, *run_dir;
	char contact_labels[COUNTERS_LABELS_ROOM]; /* of the environment's own counter */

	atomic_uint checked;    /* the second in which somebody last looked after it */
	atomic_uint generation; /* counts the environments that were opened; 0 before the first */

	atomic_ullong contact;      /* microseconds since 1970 */
	atomic_llong contact_read;  /* the second in which that was looked up */

	pthread_mutex_t lock; /* what follows */
	struct store *store;
	int error; /* why STORE is NULL */
	char error_text[ERROR_ROOM];
};

static pthread_mutex_t caches_lock = PTHREAD_MUTEX_INITIALIZER;
static struct cache *caches;

static pthread_once_t views_once = PTHREAD_ONCE_INIT;
static pthread_key_t views_key;
static _Thread_local struct cache_view *views;
static _Thread_local char thread_error[ERROR_ROOM];

const char *
cache_error_text(void)
{
	return thread_error;
}

static int
failed(int error, const char *sentence)
{
	snprintf(thread_error, sizeof(thread_error), "%s", sentence);
	return error;
}

static int
failed_at(int error, const struct cache *cache, const char *what)
{
	snprintf(thread_error, sizeof(thread_error), "%s: %s", cache->path, what);
	return error;
}

/* --- open and close ----------------------------------------------------------------------------- */

static bool
same_string(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void
release(struct cache *cache)
{
	bool is_last;

	pthread_mutex_lock(&caches_lock);
	is_last = --cache->references == 0;
	for (struct cache **c = &caches; is_last && *c != NULL; c = &(*c)->next) {
		if (*c == cache) {
			*c = cache->next;
			break;
		}
	}
	pthread_mutex_unlock(&caches_lock);
	if (!is_last)
		return;
	store_close(cache->store);
	pthread_mutex_destroy(&cache->lock);
	free(cache->path);
	free(cache->run_dir);
	free(cache);
}

static int
cache_new(const struct cache_options *options, const char *path, struct cache **out)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	c->path = strdup(path);
	c->run_dir = options->run_dir != NULL ? strdup(options->run_dir) : NULL;
	if (c->path == NULL || (options->run_dir != NULL && c->run_dir == NULL)) {
		free(c->path);
		free(c->run_dir);
		free(c);
		return -ENOMEM;
	}
	snprintf(c->contact_labels, sizeof(c->contact_labels), CACHE_CONTACT_LABELS, options->audience);
	pthread_mutex_init(&c->lock, NULL);
	atomic_init(&c->checked, 0);
	atomic_init(&c->generation, 0);
	atomic_init(&c->contact, 0);
	atomic_init(&c->contact_read, 0);
	c->references = 1;
	c->error = -ENOENT;
	*out = c;
	return 0;
}

int
cache_open(const struct cache_options *options, struct cache **out)
{
	cleanup(free_charp) char *path = NULL;
	struct cache *c;
	int r = 0;

	if (asprintf(&path, "%s/%s/%u", options->cache_dir, options->audience, options->format) < 0) {
		path = NULL;
		return failed(-ENOMEM, "out of memory");
	}
	pthread_mutex_lock(&caches_lock);
	for (c = caches; c != NULL; c = c->next)
		if (strcmp(c->path, path) == 0 && same_string(c->run_dir, options->run_dir))
			break;
	if (c != NULL) {
		c->references++;
	} else {
		r = cache_new(options, path, &c);
		if (r == 0) {
			c->next = caches;
			caches = c;
		}
	}
	pthread_mutex_unlock(&caches_lock);
	if (r < 0)
		return failed(r, "out of memory");
	*out = c;
	return 0;
}

void
cache_close(struct cache *cache)
{
	if (cache != NULL)
		release(cache);
}

void
cache_closep(struct cache **cache)
{
	cache_close(*cache);
}

const char *
cache_path(const struct cache *cache)
{
	return cache->path;
}

/* --- looking after it, once a second -------------------------------------------------------------- */

/* 0 when the snapshot holds everything of one load, -ENODATA when the first load is not through. */
static int
check_state(struct store_txn *txn)
{
	struct state_record state;
	struct span value;
	int r = store_get(txn, 0, SPAN("m"), &value);

	if (r < 0)
		return failed(r, store_error_text());
	if (r > 0)
		r = state_record_read(value, &state);
	else
		state.complete = false;
	if (r == -EPROTO)
		return failed(r, "the cache was written in another version's layout");
	if (r < 0)
		return failed(r, "the cache's state record is damaged");
	if (!state.complete)
		return failed(-ENODATA, "the cache has never been loaded completely; ispman-cached does that");
	return 0;
}

static bool
is_complete(struct store *store)
{
	struct store_txn *txn;
	bool complete;

	if (store_begin_read(store, &txn) < 0)
		return false;
	complete = check_state(txn) == 0;
	store_abort(txn);
	return complete;
}

/* Opens what is there when nothing is open, or when what is open was replaced by something not worse. */
static void
look_for_files(struct cache *cache)
{
	struct store *store = NULL;
	int r;

	if (cache->store != NULL && store_check_replaced(cache->store) == 0)
		return;
	/* The power failed in the first load: named would read any octets as a tree of pages. */
	if (load_mark_is_stale(cache->path)) {
		cache->error = -ENODATA;
		snprintf(cache->error_text, sizeof(cache->error_text),
		         "%s: the machine went down in the first load; ispman-cached begins it again", cache->path);
		return;
	}
	r = store_open_reader(cache->path, NULL, &store);
	if (r < 0) {
		cache->error = r;
		snprintf(cache->error_text, sizeof(cache->error_text), "%s", store_error_text());
		return;
	}
	/* Complete old data is better than a new file that is still being filled. */
	if (cache->store != NULL && !is_complete(store) && is_complete(cache->store)) {
		store_close(store);
		return;
	}
	store_close(cache->store);
	cache->store = store;
	atomic_fetch_add(&cache->generation, 1);
}

/* The first to come in each second does it; the others go on with what there is. Returns the second. */
static uint32_t
look_after(struct cache *cache)
{
	struct timespec now;
	unsigned second, last;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	second = (unsigned)now.tv_sec + 1; /* 0 is "never" */
	last = atomic_load_explicit(&cache->checked, memory_order_relaxed);
	if (last != second && atomic_compare_exchange_strong(&cache->checked, &last, second)) {
		pthread_mutex_lock(&cache->lock);
		look_for_files(cache);
		pthread_mutex_unlock(&cache->lock);
	}
	return (uint32_t)now.tv_sec;
}

/* --- views -------------------------------------------------------------------------------------- */

/* Lets go of the environment that VIEW reads. */
static void
detach(struct cache_view *view)
{
	store_cursor_close(view->cursor);
	store_abort(view->txn);
	store_close(view->store);
	view->cursor = NULL;
	view->txn = NULL;
	view->store = NULL;
	view->is_loaded = false;
}

static void
free_views(void *list)
{
	struct cache_view *next;

	for (struct cache_view *v = list; v != NULL; v = next) {
		next = v->next;
		detach(v);
		if (v->free_decoded != NULL)
			v->free_decoded(v->decoded);
		release(v->cache);
		free(v);
	}
	views = NULL;
}

static void
make_views_key(void)
{
	/* Without a key views live as long as the process: nothing worse. */
	(void)pthread_key_create(&views_key, free_views);
}

static struct cache_view *
new_view(struct cache *cache)
{
	struct cache_view *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return NULL;
	pthread_once(&views_once, make_views_key);
	pthread_mutex_lock(&caches_lock);
	cache->references++;
	pthread_mutex_unlock(&caches_lock);
	v->cache = cache;
	v->next = views;
	views = v;
	pthread_setspecific(views_key, views);
	return v;
}

struct cache_view *
cache_view_of_thread(const struct cache *cache)
{
	for (struct cache_view *v = views; v != NULL; v = v->next)
		if (v->cache == cache)
			return v;
	return NULL;
}

/* Begins to read what CACHE has open now. On success the snapshot is taken. */
static int
attach(struct cache_view *view)
{
	struct cache *cache = view->cache;
	int r = 0;

	detach(view);
	pthread_mutex_lock(&cache->lock);
	view->generation = atomic_load(&cache->generation);
	if (cache->store != NULL)
		view->store = store_share(cache->store);
	else
		r = failed(cache->error, cache->error_text);
	pthread_mutex_unlock(&cache->lock);
	if (view->store == NULL)
		return r;
	r = store_begin_read(view->store, &view->txn);
	/* Slots of processes that were killed may be all that is missing. */
	if (r == -EBUSY && store_check_readers(view->store) > 0)
		r = store_begin_read(view->store, &view->txn);
	if (r == 0)
		r = store_cursor_open(view->txn, 0, &view->cursor);
	if (r < 0) {
		failed(r, store_error_text());
		detach(view);
	}
	return r;
}

static int
renew(struct cache_view *view)
{
	int r = store_renew(view->txn);

	if (r < 0)
		return failed(r, store_error_text());
	r = store_cursor_renew(view->txn, view->cursor);
	if (r < 0) {
		store_reset(view->txn);
		return failed(r, store_error_text());
	}
	return 0;
}

int
cache_begin(struct cache *cache, struct cache_view **out)
{
	struct cache_view *view = cache_view_of_thread(cache);
	uint64_t id;
	int r;

	if (view == NULL)
		view = new_view(cache);
	if (view == NULL)
		return failed(-ENOMEM, "out of memory");
	view->second = look_after(cache);
	if (view->txn != NULL && view->generation == atomic_load_explicit(&cache->generation, memory_order_acquire))
		r = renew(view);
	else
		r = attach(view);
	if (r < 0)
		return r;
	id = store_txn_id(view->txn);
	view->is_new = !view->is_loaded || id != view->txn_id;
	if (view->is_new) {
		view->txn_id = id;
		view->is_loaded = false;
		r = check_state(view->txn);
		if (r < 0) {
			store_reset(view->txn);
			return r;
		}
		view->is_loaded = true;
	}
	*out = view;
	return 0;
}

void
cache_end(struct cache_view *view)
{
	store_reset(view->txn);
}

/* --- age ---------------------------------------------------------------------------------------- */

/* What ispman-cached published, in microseconds since 1970; 0 when there is nothing. */
static uint64_t
read_contact(const struct cache *cache)
{
	struct counters_reading *readings;
	uint64_t contact = 0;
	int count;

	if (cache->run_dir == NULL)
		return 0;
	count = counters_read_own(cache->run_dir, &readings);
	for (int i = 0; i < count; i++) {
		const struct counters_value *value;

		if (strcmp(readings[i].program, CACHE_CONTACT_PROGRAM) != 0)
			continue;
		value = counters_find(&readings[i], CACHE_CONTACT_COUNTER_EACH, cache->contact_labels);
		if (value == NULL)
			value = counters_find(&readings[i], CACHE_CONTACT_COUNTER, NULL);
		if (value != NULL && value->value > contact)
			contact = value->value;
	}
	if (count >= 0)
		counters_reading_free(readings, count);
	return contact;
}

/* The last commit: the cache was equal to the directory at that time at the latest, or became so. */
static uint64_t
last_commit(const struct cache *cache)
{
	cleanup(free_charp) char *file = NULL;
	struct stat st;

	if (asprintf(&file, "%s/data.mdb", cache->path) < 0) {
		file = NULL;
		return 0;
	}
	if (stat(file, &st) < 0)
		return 0;
	return (uint64_t)st.st_mtim.tv_sec * 1000000 + (uint64_t)st.st_mtim.tv_nsec / 1000;
}

uint64_t
cache_last_contact(const struct cache *cache)
{
	uint64_t contact = read_contact(cache);

	return contact != 0 ? contact : last_commit(cache);
}

int
cache_age(struct cache *cache, uint64_t *out_seconds)
{
	struct timespec now;
	uint64_t contact, present;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	present = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	contact = atomic_load(&cache->contact);
	if (atomic_load(&cache->contact_read) != now.tv_sec &&
	    atomic_exchange(&cache->contact_read, now.tv_sec) != now.tv_sec) {
		contact = cache_last_contact(cache);
		atomic_store(&cache->contact, contact);
	}
	if (contact == 0)
		return failed_at(-ENODATA, cache, "nothing tells its age");
	*out_seconds = present > contact ? (present - contact) / 1000000 : 0;
	return 0;
}

int
cache_check_age(struct cache *cache, uint64_t max_age)
{
	uint64_t age;

	if (max_age == 0)
		return 0;
	if (cache_age(cache, &age) < 0)
		return failed_at(-ESTALE, cache, "nothing tells its age, and max-age is set");
	if (age > max_age) {
		snprintf(thread_error, sizeof(thread_error),
		         "%s: last known to be right %llu s ago, max-age is %llu s", cache->path,
		         (unsigned long long)age, (unsigned long long)max_age);
		return -ESTALE;
	}
	return 0;
}
