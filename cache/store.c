/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * LMDB, with its traps fenced off:
 *
 * An environment opened twice in one process loses its lock file's locks when either is closed. named opens one for
 * each view and opens the new ones of a reload before it closes the old ones; so open environments stand in a list
 * and are shared.
 *
 * A reader that creates the lock file would own it, with its own mode, and shut out everybody else. So only the
 * writer creates files.
 *
 * A map that the writer made larger must be mapped anew while no transaction of the process reads it. Each
 * transaction says in a flag of its own whether it is reading, which costs a query one uncontended exchange.
 */
#include <config.h>

#include "cache/store.h"

#include <errno.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

enum {
	PATH_ROOM = 4096,
	RESIZE_WAIT_MS = 200, /* for readers to finish; a transfer may take longer, then the next try gets it */
	RECENT_PAGES = 512,   /* of a write transaction, to tell new dirty pages from known ones */
};

struct file_id {
	dev_t device;
	ino_t inode;
};

struct store {
	struct store *next;
	unsigned references;
	bool writable;
	MDB_env *env;
	MDB_dbi tables[STORE_TABLES_MAX];
	size_t table_count;
	struct file_id data, lock;
	pthread_mutex_t readers_lock;
	struct store_txn *readers;
	atomic_bool resizing;
	char path[];
};

struct store_txn {
	struct store *store;
	MDB_txn *mdb;
	bool writes;
	atomic_bool busy;
	struct store_txn *prev, *next; /* among the store's readers */
	struct store_cursor *cursors;
	size_t dirty_pages;
	uintptr_t *recent_pages;
};

struct store_cursor {
	struct store_txn *txn; /* NULL once it has ended */
	MDB_cursor *mdb;
	bool past_end;
	struct store_cursor *next;
};

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
		return "an earlier write failed half-way; restart ispman-cached when the disk is well again";
	case ENOSPC:
		return "no space left on the disk; it goes on when there is room again";
	default:
		return mdb_strerror(rc);
	}
}

/* Remembers what went wrong at PATH and returns it as a negative errno. */
static int
failed(int rc, const char *path, const char *what)
{
	snprintf(error_text, sizeof(error_text), "%s: %s: %s", path, what, text_of(rc));
	return errno_of(rc);
}

static struct span
span_of_val(const MDB_val *val)
{
	return span_from(val->mv_data, val->mv_size);
}

static MDB_val
val_of_span(struct span s)
{
	/* LMDB does not write to what it is given here, but has no const. */
	return (MDB_val){ s.len, (void *)(uintptr_t)s.data };
}

/* --- opening ------------------------------------------------------------------------------------ */

static int
find_file(const char *path, const char *name, struct file_id *out)
{
	char file[PATH_ROOM];
	struct stat st;

	if (snprintf(file, sizeof(file), "%s/%s", path, name) >= (int)sizeof(file))
		return failed(ENAMETOOLONG, path, "open");
	if (stat(file, &st) < 0)
		return failed(errno, file, "open");
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
		return failed(ENOMEM, path, "open");
	memcpy(s->path, path, room);
	s->references = 1;
	s->writable = writable;
	pthread_mutex_init(&s->readers_lock, NULL);
	atomic_init(&s->resizing, false);
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
		return failed(EINVAL, s->path, "more tables than STORE_TABLES_MAX");
	rc = mdb_txn_begin(s->env, NULL, s->writable ? 0 : MDB_RDONLY, &txn);
	if (rc != 0)
		return failed(rc, s->path, "open");
	for (size_t i = 0; i < count; i++) {
		rc = mdb_dbi_open(txn, names[i], s->writable ? MDB_CREATE : 0, &s->tables[i]);
		if (rc != 0) {
			mdb_txn_abort(txn);
			/* A table that is not there yet is the same to a reader as no environment. */
			return failed(rc == MDB_NOTFOUND ? ENOENT : rc, s->path, names[i] != NULL ? names[i] : "table");
		}
	}
	/* Also of a read transaction: an abort would close the tables again. */
	rc = mdb_txn_commit(txn);
	if (rc != 0)
		return failed(rc, s->path, "open");
	s->table_count = count;
	return 0;
}

static int
open_env(struct store *s, const struct store_options *options, unsigned flags, mode_t mode)
{
	int rc = mdb_env_create(&s->env);

	if (rc != 0)
		return failed(rc, s->path, "open");
	rc = mdb_env_set_maxreaders(s->env, STORE_READERS);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(s->env, STORE_TABLES_MAX);
	if (rc == 0 && s->writable && options->map_size != 0)
		rc = mdb_env_set_mapsize(s->env, options->map_size);
	if (rc == 0)
		rc = mdb_env_open(s->env, s->path, flags | MDB_NOTLS, mode);
	return rc != 0 ? failed(rc, s->path, "open") : 0;
}

/* Gives PATH the wanted owner group and mode; what is right already is left alone, so that a process that owns
 * nothing here can open what was set up for it. */
static int
set_access(const char *path, mode_t mode, gid_t group)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return failed(errno, path, "open");
	if (group != (gid_t)-1 && st.st_gid != group && chown(path, (uid_t)-1, group) < 0)
		return failed(errno, path, "cannot give it to its readers' group");
	if ((st.st_mode & 07777) != mode && chmod(path, mode) < 0)
		return failed(errno, path, "cannot set its mode");
	return 0;
}

static int
set_file_access(const struct store *s, const char *name, mode_t mode, gid_t group)
{
	char file[PATH_ROOM];

	if (snprintf(file, sizeof(file), "%s/%s", s->path, name) >= (int)sizeof(file))
		return failed(ENAMETOOLONG, s->path, "open");
	return set_access(file, mode, group);
}

int
store_make_folder(const char *path, gid_t group)
{
	char folder[PATH_ROOM];
	size_t n = strlen(path);

	if (n >= sizeof(folder))
		return failed(ENAMETOOLONG, path, "create");
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
			return failed(errno, folder, "create");
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
		return failed(EBUSY, path, "open for writing");
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
		return failed(ESTALE, path, "replaced while it was opened");
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
		return failed(ESTALE, store->path, "replaced");
	return 0;
}

const char *
store_path(const struct store *store)
{
	return store->path;
}

/* --- transactions ------------------------------------------------------------------------------- */

/* Says that TXN is about to read; waits while the map is being mapped anew. */
static void
enter(struct store_txn *txn)
{
	for (;;) {
		atomic_store(&txn->busy, true);
		if (!atomic_load(&txn->store->resizing))
			return;
		atomic_store(&txn->busy, false);
		pthread_mutex_lock(&txn->store->readers_lock);
		pthread_mutex_unlock(&txn->store->readers_lock);
	}
}

static void
leave(struct store_txn *txn)
{
	atomic_store_explicit(&txn->busy, false, memory_order_release);
}

static bool
nobody_reads(const struct store *store)
{
	for (const struct store_txn *t = store->readers; t != NULL; t = t->next)
		if (atomic_load(&t->busy))
			return false;
	return true;
}

/* Takes over the size that the writer gave the map. The caller's transaction is not busy. */
static int
map_anew(struct store *store)
{
	static const struct timespec pause = { 0, 1000000 };
	int rc = MDB_MAP_RESIZED;

	pthread_mutex_lock(&store->readers_lock);
	atomic_store(&store->resizing, true);
	for (int i = 0; i < RESIZE_WAIT_MS; i++) {
		if (nobody_reads(store)) {
			rc = mdb_env_set_mapsize(store->env, 0);
			break;
		}
		nanosleep(&pause, NULL);
	}
	atomic_store(&store->resizing, false);
	pthread_mutex_unlock(&store->readers_lock);
	return rc;
}

static struct store_txn *
txn_new(struct store *store, bool writes)
{
	struct store_txn *txn = calloc(1, sizeof(*txn));

	if (txn == NULL)
		return NULL;
	txn->store = store;
	txn->writes = writes;
	atomic_init(&txn->busy, false);
	if (writes) {
		txn->recent_pages = calloc(RECENT_PAGES, sizeof(*txn->recent_pages));
		if (txn->recent_pages == NULL) {
			free(txn);
			return NULL;
		}
	}
	return txn;
}

int
store_begin_read(struct store *store, struct store_txn **out)
{
	struct store_txn *txn = txn_new(store, false);
	int rc;

	if (txn == NULL)
		return failed(ENOMEM, store->path, "read");
	pthread_mutex_lock(&store->readers_lock);
	txn->next = store->readers;
	if (txn->next != NULL)
		txn->next->prev = txn;
	store->readers = txn;
	pthread_mutex_unlock(&store->readers_lock);
	enter(txn);
	rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn->mdb);
	if (rc == MDB_MAP_RESIZED) {
		leave(txn);
		rc = map_anew(store);
		enter(txn);
		if (rc == 0)
			rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn->mdb);
	}
	if (rc != 0) {
		txn->mdb = NULL;
		store_abort(txn);
		return failed(rc, store->path, "read");
	}
	*out = txn;
	return 0;
}

int
store_begin_write(struct store *store, struct store_txn **out)
{
	struct store_txn *txn;
	int rc;

	if (!store->writable)
		return failed(EROFS, store->path, "write");
	txn = txn_new(store, true);
	if (txn == NULL)
		return failed(ENOMEM, store->path, "write");
	rc = mdb_txn_begin(store->env, NULL, 0, &txn->mdb);
	if (rc != 0) {
		txn->mdb = NULL;
		store_abort(txn);
		return failed(rc, store->path, "write");
	}
	*out = txn;
	return 0;
}

/* Parts TXN from its cursors and its store, and frees it. */
static void
txn_free(struct store_txn *txn)
{
	for (struct store_cursor *c = txn->cursors; c != NULL; c = c->next) {
		c->txn = NULL;
		c->mdb = NULL;
	}
	if (!txn->writes) {
		pthread_mutex_lock(&txn->store->readers_lock);
		if (txn->prev != NULL)
			txn->prev->next = txn->next;
		else
			txn->store->readers = txn->next;
		if (txn->next != NULL)
			txn->next->prev = txn->prev;
		pthread_mutex_unlock(&txn->store->readers_lock);
	}
	free(txn->recent_pages);
	free(txn);
}

/* LMDB frees the cursors of a write transaction with it, those of a read transaction never. */
static void
close_cursors(struct store_txn *txn)
{
	for (struct store_cursor *c = txn->cursors; c != NULL; c = c->next)
		mdb_cursor_close(c->mdb);
}

int
store_commit(struct store_txn *txn)
{
	int rc;

	if (!txn->writes) {
		store_abort(txn);
		return 0;
	}
	close_cursors(txn);
	rc = mdb_txn_commit(txn->mdb);
	if (rc != 0)
		rc = failed(rc, txn->store->path, "commit");
	txn_free(txn);
	return rc;
}

void
store_abort(struct store_txn *txn)
{
	if (txn == NULL)
		return;
	close_cursors(txn);
	if (txn->mdb != NULL)
		mdb_txn_abort(txn->mdb);
	leave(txn);
	txn_free(txn);
}

void
store_abortp(struct store_txn **txn)
{
	store_abort(*txn);
}

void
store_reset(struct store_txn *txn)
{
	mdb_txn_reset(txn->mdb);
	leave(txn);
}

int
store_renew(struct store_txn *txn)
{
	int rc;

	enter(txn);
	rc = mdb_txn_renew(txn->mdb);
	if (rc == MDB_MAP_RESIZED) {
		leave(txn);
		rc = map_anew(txn->store);
		enter(txn);
		if (rc == 0)
			rc = mdb_txn_renew(txn->mdb);
	}
	if (rc != 0) {
		leave(txn);
		return failed(rc, txn->store->path, "read");
	}
	return 0;
}

uint64_t
store_txn_id(const struct store_txn *txn)
{
	return mdb_txn_id(txn->mdb);
}

/* --- pairs -------------------------------------------------------------------------------------- */

static bool
is_key(struct span key)
{
	return key.len > 0 && key.len <= STORE_KEY_MAX;
}

int
store_get(struct store_txn *txn, unsigned table, struct span key, struct span *out_value)
{
	MDB_val k = val_of_span(key);
	MDB_val v;
	int rc;

	if (!is_key(key))
		return 0;
	rc = mdb_get(txn->mdb, txn->store->tables[table], &k, &v);
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc != 0)
		return failed(rc, txn->store->path, "read");
	*out_value = span_of_val(&v);
	return 1;
}

/* LMDB does not say which pages it has dirtied, but the place of a value just written lies in one. */
static void
count_dirty(struct store_txn *txn, const MDB_val *written)
{
	uintptr_t page = (uintptr_t)written->mv_data >> 12;
	uintptr_t *slot = &txn->recent_pages[page % RECENT_PAGES];

	if (*slot != page) {
		*slot = page;
		txn->dirty_pages += 1 + (written->mv_size >> 12);
	}
}

static int
put(struct store_txn *txn, unsigned table, struct span key, struct span value, unsigned flags)
{
	MDB_val k = val_of_span(key);
	MDB_val v = { value.len, NULL };
	int rc = mdb_put(txn->mdb, txn->store->tables[table], &k, &v, flags | MDB_RESERVE);

	if (rc != 0)
		return failed(rc, txn->store->path, "write");
	if (value.len > 0)
		memcpy(v.mv_data, value.data, value.len);
	count_dirty(txn, &v);
	return 0;
}

int
store_count(struct store_txn *txn, unsigned table, uint64_t *out_rows)
{
	MDB_stat stat;
	int rc = mdb_stat(txn->mdb, txn->store->tables[table], &stat);

	if (rc != 0)
		return failed(rc, txn->store->path, "read");
	*out_rows = stat.ms_entries;
	return 0;
}

int
store_put(struct store_txn *txn, unsigned table, struct span key, struct span value)
{
	return put(txn, table, key, value, 0);
}

int
store_append(struct store_txn *txn, unsigned table, struct span key, struct span value)
{
	return put(txn, table, key, value, MDB_APPEND);
}

int
store_delete(struct store_txn *txn, unsigned table, struct span key)
{
	MDB_val k = val_of_span(key);
	int rc;

	if (!is_key(key))
		return 0;
	rc = mdb_del(txn->mdb, txn->store->tables[table], &k, NULL);
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc != 0)
		return failed(rc, txn->store->path, "delete");
	txn->dirty_pages++;
	return 1;
}

size_t
store_dirty_pages(const struct store_txn *txn)
{
	return txn->dirty_pages;
}

/* --- cursors ------------------------------------------------------------------------------------ */

int
store_cursor_open(struct store_txn *txn, unsigned table, struct store_cursor **out)
{
	struct store_cursor *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return failed(ENOMEM, txn->store->path, "read");
	rc = mdb_cursor_open(txn->mdb, txn->store->tables[table], &c->mdb);
	if (rc != 0) {
		free(c);
		return failed(rc, txn->store->path, "read");
	}
	c->txn = txn;
	c->next = txn->cursors;
	txn->cursors = c;
	*out = c;
	return 0;
}

int
store_cursor_renew(struct store_txn *txn, struct store_cursor *cursor)
{
	int rc = mdb_cursor_renew(txn->mdb, cursor->mdb);

	cursor->past_end = false;
	return rc != 0 ? failed(rc, txn->store->path, "read") : 0;
}

void
store_cursor_close(struct store_cursor *cursor)
{
	if (cursor == NULL)
		return;
	if (cursor->txn != NULL) {
		for (struct store_cursor **c = &cursor->txn->cursors; *c != NULL; c = &(*c)->next) {
			if (*c == cursor) {
				*c = cursor->next;
				break;
			}
		}
		mdb_cursor_close(cursor->mdb);
	}
	free(cursor);
}

void
store_cursor_closep(struct store_cursor **cursor)
{
	store_cursor_close(*cursor);
}

static int
move(struct store_cursor *cursor, MDB_val *key, MDB_cursor_op op, struct span *out_key, struct span *out_value)
{
	MDB_val value;
	int rc = mdb_cursor_get(cursor->mdb, key, &value, op);

	cursor->past_end = rc == MDB_NOTFOUND && op != MDB_PREV && op != MDB_LAST;
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc != 0)
		return failed(rc, cursor->txn->store->path, "read");
	*out_key = span_of_val(key);
	*out_value = span_of_val(&value);
	return 1;
}

int
store_cursor_seek(struct store_cursor *cursor, struct span key, struct span *out_key, struct span *out_value)
{
	MDB_val k = val_of_span(key);

	return move(cursor, &k, key.len == 0 ? MDB_FIRST : MDB_SET_RANGE, out_key, out_value);
}

int
store_cursor_next(struct store_cursor *cursor, struct span *out_key, struct span *out_value)
{
	MDB_val k = { 0, NULL };

	return move(cursor, &k, MDB_NEXT, out_key, out_value);
}

int
store_cursor_prev(struct store_cursor *cursor, struct span *out_key, struct span *out_value)
{
	MDB_val k = { 0, NULL };

	return move(cursor, &k, cursor->past_end ? MDB_LAST : MDB_PREV, out_key, out_value);
}

int
store_cursor_last(struct store_cursor *cursor, struct span *out_key, struct span *out_value)
{
	MDB_val k = { 0, NULL };

	return move(cursor, &k, MDB_LAST, out_key, out_value);
}

/* --- the whole environment ---------------------------------------------------------------------- */

int
store_set_nosync(struct store *store, bool on)
{
	int rc = mdb_env_set_flags(store->env, MDB_NOSYNC, on ? 1 : 0);

	if (rc != 0)
		return failed(rc, store->path, "change durability");
	return on ? 0 : store_sync(store);
}

int
store_sync(struct store *store)
{
	int rc = mdb_env_sync(store->env, 1);

	return rc != 0 ? failed(rc, store->path, "sync") : 0;
}

int
store_check_readers(struct store *store)
{
	int dead = 0;
	int rc = mdb_reader_check(store->env, &dead);

	return rc != 0 ? failed(rc, store->path, "check readers") : dead;
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
		return failed(rc, store->path, "read");
	rc = mdb_reader_list(store->env, count_reader, &count);
	if (rc < 0)
		return failed(EIO, store->path, "list readers");
	*out = (struct store_figures){
		.map_size = info.me_mapsize,
		.used_octets = (uint64_t)(info.me_last_pgno + 1) * stat.ms_psize,
		.readers = count.readers,
		.readers_max = info.me_maxreaders,
		.oldest_reader_lag = count.oldest < info.me_last_txnid ? info.me_last_txnid - count.oldest : 0,
	};
	return 0;
}
