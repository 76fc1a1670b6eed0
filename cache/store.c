/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * An LMDB environment is opened, shared and closed here, with the traps of that fenced off:
 *
 * An environment opened twice in one process loses its lock file's locks when either is closed. named opens one for
 * each view and opens the new ones of a reload before it closes the old ones; so open environments stand in a list
 * and are shared.
 *
 * A reader that creates the lock file would own it, with its own mode, and shut out everybody else. So only the
 * writer creates files.
 */
#include <config.h>

#include "cache/store_internal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum { PATH_ROOM = 4096 };

static pthread_mutex_t open_stores_lock = PTHREAD_MUTEX_INITIALIZER;
static struct store *open_stores;

static _Thread_local char error_text[512];

const char *
store_error_text(void)
{
	return error_text;
}

static int
errno_of(int rc)
{
	switch (rc) {
	case MDB_KEYEXIST:
		return -EEXIST;
	case MDB_MAP_FULL:
		return -ENOSPC;
	case MDB_TXN_FULL:
		return -EFBIG;
	case MDB_READERS_FULL:
	case MDB_MAP_RESIZED:
		return -EBUSY;
	case MDB_BAD_VALSIZE:
		return -EINVAL;
	case MDB_PANIC:
		return -ENOTRECOVERABLE;
	default:
		return rc > 0 ? -rc : -EIO;
	}
}

/* In LMDB's words, or in such that say what to do. */
static const char *
text_of(int rc)
{
	switch (rc) {
	case MDB_MAP_FULL:
		return "it has grown to its map size; set a larger [cached] map-size and restart ispman-cached";
	case MDB_PANIC:
		return "an earlier write failed half-way; it must be opened anew";
	case ENOSPC:
		return "no space left on the disk; it goes on when there is room again";
	case EIO:
		return "Input/output error: the disk fails, or a quota or limit of file sizes is reached";
	default:
		return mdb_strerror(rc);
	}
}

int
store_failed(int rc, const char *path, const char *what)
{
	snprintf(error_text, sizeof(error_text), "%s: %s: %s", path, what, text_of(rc));
	return errno_of(rc);
}

/* --- opening ------------------------------------------------------------------------------------ */

static int
find_file(const char *path, const char *name, struct file_id *out)
{
	char file[PATH_ROOM];
	struct stat st;

	if (snprintf(file, sizeof(file), "%s/%s", path, name) >= (int)sizeof(file))
		return store_failed(ENAMETOOLONG, path, "open");
	if (stat(file, &st) < 0)
		return store_failed(errno, file, "open");
	*out = (struct file_id){ st.st_dev, st.st_ino };
	return 0;
}

static int
find_files(const char *path, struct file_id *out_data, struct file_id *out_lock)
{
	int r = find_file(path, "data.mdb", out_data);

	return r < 0 ? r : find_file(path, "lock.mdb", out_lock);
}

static bool
same_file(struct file_id a, struct file_id b)
{
	return a.device == b.device && a.inode == b.inode;
}

static struct store *
find_open(struct file_id data, struct file_id lock)
{
	for (struct store *s = open_stores; s != NULL; s = s->next)
		if (same_file(s->data, data) && same_file(s->lock, lock))
			return s;
	return NULL;
}

static void
store_destroy(struct store *s)
{
	if (s->env != NULL)
		mdb_env_close(s->env);
	pthread_mutex_destroy(&s->readers_lock);
	free(s);
}

static void
store_destroyp(struct store **s)
{
	if (*s != NULL)
		store_destroy(*s);
}

static int
store_new(const char *path, bool writable, struct store **out)
{
	size_t room = strlen(path) + 1;
	struct store *s = calloc(1, sizeof(*s) + room);

	if (s == NULL)
		return store_failed(ENOMEM, path, "open");
	memcpy(s->path, path, room);
	s->references = 1;
	s->writable = writable;
	pthread_mutex_init(&s->readers_lock, NULL);
	atomic_init(&s->resizing, false);
	atomic_init(&s->spoilt, false);
	*out = s;
	return 0;
}

static int
open_tables(struct store *s, const struct store_options *options)
{
	static const char *const unnamed[] = { NULL };
	const char *const *names = unnamed;
	size_t count = 1;
	MDB_txn *txn;
	int rc;

	if (options != NULL && options->tables != NULL) {
		names = options->tables;
		count = options->table_count;
	}
	if (count > STORE_TABLES_MAX)
		return store_failed(EINVAL, s->path, "more tables than STORE_TABLES_MAX");
	rc = mdb_txn_begin(s->env, NULL, s->writable ? 0 : MDB_RDONLY, &txn);
	if (rc != 0)
		return store_failed(rc, s->path, "open");
	for (size_t i = 0; i < count; i++) {
		rc = mdb_dbi_open(txn, names[i], s->writable ? MDB_CREATE : 0, &s->tables[i]);
		if (rc != 0) {
			mdb_txn_abort(txn);
			/* A table that is not there yet is the same to a reader as no environment. */
			return store_failed(rc == MDB_NOTFOUND ? ENOENT : rc, s->path, names[i] != NULL ? names[i] : "table");
		}
	}
	/* Also of a read transaction: an abort would close the tables again. */
	rc = mdb_txn_commit(txn);
	if (rc != 0)
		return store_failed(rc, s->path, "open");
	s->table_count = count;
	return 0;
}

static int
open_env(struct store *s, const struct store_options *options, unsigned flags, mode_t mode)
{
	int rc = mdb_env_create(&s->env);

	if (rc != 0)
		return store_failed(rc, s->path, "open");
	rc = mdb_env_set_maxreaders(s->env, STORE_READERS);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(s->env, STORE_TABLES_MAX);
	if (rc == 0 && s->writable && options->map_size != 0)
		rc = mdb_env_set_mapsize(s->env, options->map_size);
	if (rc == 0)
		rc = mdb_env_open(s->env, s->path, flags | MDB_NOTLS, mode);
	return rc != 0 ? store_failed(rc, s->path, "open") : 0;
}

/* Gives PATH the wanted owner group and mode; what is right already is left alone, so that a process that owns
 * nothing here can open what was set up for it. */
static int
set_access(const char *path, mode_t mode, gid_t group)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return store_failed(errno, path, "open");
	if (group != (gid_t)-1 && st.st_gid != group && chown(path, (uid_t)-1, group) < 0)
		return store_failed(errno, path, "cannot give it to its readers' group");
	if ((st.st_mode & 07777) != mode && chmod(path, mode) < 0)
		return store_failed(errno, path, "cannot set its mode");
	return 0;
}

static int
set_file_access(const struct store *s, const char *name, mode_t mode, gid_t group)
{
	char file[PATH_ROOM];

	if (snprintf(file, sizeof(file), "%s/%s", s->path, name) >= (int)sizeof(file))
		return store_failed(ENAMETOOLONG, s->path, "open");
	return set_access(file, mode, group);
}

int
store_make_folder(const char *path, gid_t group)
{
	char folder[PATH_ROOM];
	size_t n = strlen(path);

	if (n >= sizeof(folder))
		return store_failed(ENAMETOOLONG, path, "create");
	memcpy(folder, path, n + 1);
	for (size_t i = 1; i <= n; i++) {
		if (folder[i] != '/' && folder[i] != '\0')
			continue;
		folder[i] = '\0';
		if (mkdir(folder, 0750) == 0) {
			int r = set_access(folder, 0750 | S_ISGID, group);

			if (r < 0)
				return r;
		} else if (errno != EEXIST) {
			return store_failed(errno, folder, "create");
		}
		folder[i] = path[i];
	}
	return 0;
}

static void
open_stores_unlock(pthread_mutex_t **lock)
{
	pthread_mutex_unlock(*lock);
}

static pthread_mutex_t *
open_stores_locked(void)
{
	pthread_mutex_lock(&open_stores_lock);
	return &open_stores_lock;
}

int
store_open_writer(const char *path, const struct store_options *options, struct store **out)
{
	cleanup(open_stores_unlock) unused pthread_mutex_t *locked = open_stores_locked();
	cleanup(store_destroyp) struct store *s = NULL;
	struct file_id data, lock;
	int r;

	r = store_make_folder(path, options->group);
	if (r < 0)
		return r;
	if (find_files(path, &data, &lock) == 0 && find_open(data, lock) != NULL)
		return store_failed(EBUSY, path, "open for writing");
	r = store_new(path, true, &s);
	if (r < 0)
		return r;
	r = open_env(s, options, 0, options->file_mode);
	if (r < 0)
		return r;
	r = set_file_access(s, "data.mdb", options->file_mode, options->group);
	if (r < 0)
		return r;
	r = set_file_access(s, "lock.mdb", options->file_mode | S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP, options->group);
	if (r < 0)
		return r;
	r = open_tables(s, options);
	if (r < 0)
		return r;
	r = find_files(path, &s->data, &s->lock);
	if (r < 0)
		return r;
	s->next = open_stores;
	open_stores = s;
	*out = take(s);
	return 0;
}

int
store_open_reader(const char *path, const struct store_options *options, struct store **out)
{
	cleanup(open_stores_unlock) unused pthread_mutex_t *locked = open_stores_locked();
	cleanup(store_destroyp) struct store *s = NULL;
	struct file_id data, lock;
	struct store *shared;
	int r;

	r = find_files(path, &data, &lock);
	if (r < 0)
		return r;
	shared = find_open(data, lock);
	if (shared != NULL) {
		shared->references++;
		*out = shared;
		return 0;
	}
	r = store_new(path, false, &s);
	if (r < 0)
		return r;
	/* Queries come in any order: reading ahead would only fill the page cache. */
	r = open_env(s, options, MDB_RDONLY | MDB_NORDAHEAD, 0640);
	if (r < 0)
		return r;
	r = open_tables(s, options);
	if (r < 0)
		return r;
	r = find_files(path, &s->data, &s->lock);
	if (r < 0)
		return r;
	if (!same_file(s->data, data) || !same_file(s->lock, lock))
		return store_failed(ESTALE, path, "replaced while it was opened");
	s->next = open_stores;
	open_stores = s;
	*out = take(s);
	return 0;
}

struct store *
store_share(struct store *store)
{
	pthread_mutex_lock(&open_stores_lock);
	store->references++;
	pthread_mutex_unlock(&open_stores_lock);
	return store;
}

void
store_close(struct store *store)
{
	if (store == NULL)
		return;
	pthread_mutex_lock(&open_stores_lock);
	if (--store->references == 0) {
		for (struct store **s = &open_stores; *s != NULL; s = &(*s)->next) {
			if (*s == store) {
				*s = store->next;
				break;
			}
		}
		store_destroy(store);
	}
	pthread_mutex_unlock(&open_stores_lock);
}

void
store_closep(struct store **store)
{
	store_close(*store);
}

int
store_check_replaced(const struct store *store)
{
	struct file_id data, lock;

	/* Missing files are about to come back, or never will: what is open is the best there is. */
	if (find_files(store->path, &data, &lock) < 0)
		return 0;
	/* A lock file of its own means a writer that does not see our snapshots. */
	if (!same_file(store->data, data) || !same_file(store->lock, lock))
		return store_failed(ESTALE, store->path, "replaced");
	return 0;
}

bool
store_any_is_spoilt(void)
{
	bool is_spoilt = false;

	pthread_mutex_lock(&open_stores_lock);
	for (const struct store *s = open_stores; s != NULL; s = s->next)
		is_spoilt |= atomic_load(&s->spoilt);
	pthread_mutex_unlock(&open_stores_lock);
	return is_spoilt;
}

const char *
store_path(const struct store *store)
{
	return store->path;
}

/* --- the whole environment ---------------------------------------------------------------------- */

int
store_set_nosync(struct store *store, bool on)
{
	int rc = mdb_env_set_flags(store->env, MDB_NOSYNC, on ? 1 : 0);

	if (rc != 0)
		return store_failed(rc, store->path, "change durability");
	return on ? 0 : store_sync(store);
}

int
store_sync(struct store *store)
{
	int rc = mdb_env_sync(store->env, 1);

	return rc != 0 ? store_failed(rc, store->path, "sync") : 0;
}

int
store_check_readers(struct store *store)
{
	int dead = 0;
	int rc = mdb_reader_check(store->env, &dead);

	return rc != 0 ? store_failed(rc, store->path, "check readers") : dead;
}

struct reader_count {
	unsigned readers;
	uint64_t oldest;
};

/* LMDB lists its readers as lines "pid thread transaction", "-" for one that holds no snapshot. */
static int
count_reader(const char *line, void *context)
{
	struct reader_count *count = context;
	unsigned long long snapshot;
	int pid;

	if (sscanf(line, " %d %*s %llu", &pid, &snapshot) == 2 && snapshot < count->oldest)
		count->oldest = snapshot;
	if (sscanf(line, " %d", &pid) == 1)
		count->readers++;
	return 0;
}

int
store_figures(struct store *store, struct store_figures *out)
{
	struct reader_count count = { 0, UINT64_MAX };
	MDB_envinfo info;
	MDB_stat stat;
	int rc;

	rc = mdb_env_info(store->env, &info);
	if (rc == 0)
		rc = mdb_env_stat(store->env, &stat);
	if (rc != 0)
		return store_failed(rc, store->path, "read");
	rc = mdb_reader_list(store->env, count_reader, &count);
	if (rc < 0)
		return store_failed(EIO, store->path, "list readers");
	*out = (struct store_figures){
		.map_size = info.me_mapsize,
		.used_octets = (uint64_t)(info.me_last_pgno + 1) * stat.ms_psize,
		.readers = count.readers,
		.readers_max = info.me_maxreaders,
		.oldest_reader_lag = count.oldest < info.me_last_txnid ? info.me_last_txnid - count.oldest : 0,
	};
	return 0;
}
