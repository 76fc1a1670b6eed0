/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Transactions of an LMDB environment.
 *
 * A map that the writer made larger must be mapped anew while no transaction of the process reads it. Each
 * transaction says in a flag of its own whether it is reading, which costs a query one uncontended exchange.
 */
#include <config.h>

#include "cache/store_internal.h"

#include <errno.h>
#include <sys/statvfs.h>
#include <time.h>

enum {
	RESIZE_WAIT_MS = 200, /* for readers to finish; a transfer may take longer, then the next try gets it */
	FULL_OCTETS = 256 << 10,
};

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
	atomic_init(&txn->busy, false);
	if (writes) {
		txn->writer = calloc(1, sizeof(*txn->writer));
		if (txn->writer == NULL) {
			free(txn);
			return NULL;
		}
	}
	return txn;
}

static int
begin_failed(struct store *store, int rc, const char *what)
{
	if (rc == MDB_PANIC)
		atomic_store(&store->spoilt, true);
	return store_failed(rc, store->path, what);
}

int
store_begin_read(struct store *store, struct store_txn **out)
{
	struct store_txn *txn = txn_new(store, false);
	int rc;

	if (txn == NULL)
		return store_failed(ENOMEM, store->path, "read");
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
		return begin_failed(store, rc, "read");
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
		return store_failed(EROFS, store->path, "write");
	txn = txn_new(store, true);
	if (txn == NULL)
		return store_failed(ENOMEM, store->path, "write");
	rc = mdb_txn_begin(store->env, NULL, 0, &txn->mdb);
	if (rc != 0) {
		txn->mdb = NULL;
		store_abort(txn);
		return begin_failed(store, rc, "write");
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
	if (txn->writer == NULL) {
		pthread_mutex_lock(&txn->store->readers_lock);
		if (txn->prev != NULL)
			txn->prev->next = txn->next;
		else
			txn->store->readers = txn->next;
		if (txn->next != NULL)
			txn->next->prev = txn->prev;
		pthread_mutex_unlock(&txn->store->readers_lock);
	}
	free(txn->writer);
	free(txn);
}

/* LMDB frees the cursors of a write transaction with it, those of a read transaction never. */
static void
close_cursors(struct store_txn *txn)
{
	for (struct store_cursor *c = txn->cursors; c != NULL; c = c->next)
		mdb_cursor_close(c->mdb);
	for (size_t i = 0; txn->writer != NULL && i < STORE_TABLES_MAX; i++)
		if (txn->writer->places[i].cursor != NULL)
			mdb_cursor_close(txn->writer->places[i].cursor);
}

/* Whether the file system is all but full. */
static bool
is_full(const char *path)
{
	struct statvfs fs;

	return statvfs(path, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < FULL_OCTETS;
}

int
store_commit(struct store_txn *txn)
{
	int rc;

	if (txn->writer == NULL) {
		store_abort(txn);
		return 0;
	}
	close_cursors(txn);
	rc = mdb_txn_commit(txn->mdb);
	/* LMDB calls it an error of the disk when only a part of a page could be written. */
	if (rc == EIO && is_full(txn->store->path))
		rc = ENOSPC;
	if (rc != 0)
		rc = store_failed(rc, txn->store->path, "commit");
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
		return begin_failed(txn->store, rc, "read");
	}
	return 0;
}

uint64_t
store_txn_id(const struct store_txn *txn)
{
	return mdb_txn_id(txn->mdb);
}
