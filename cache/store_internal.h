/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What store.c (environments), store_txn.c (transactions) and store_rows.c (pairs and cursors) share. They alone include
 * it, and so they alone know LMDB.
 */
#pragma once

#include "cache/store.h"

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>

enum { STORE_RECENT_PAGES = 512 }; /* of a write transaction, to tell new dirty pages from known ones */

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
	atomic_bool spoilt; /* a write of what says where everything is failed: LMDB takes no transaction any more */
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

/* Remembers what went wrong at PATH and returns it, LMDB's code RC, as a negative errno. */
int store_failed(int rc, const char *path, const char *what);

static inline struct span
store_span(const MDB_val *val)
{
	return span_from(val->mv_data, val->mv_size);
}

static inline MDB_val
store_val(struct span s)
{
	/* LMDB does not write to what it is given here, but has no const. */
	return (MDB_val){ s.len, (void *)(uintptr_t)s.data };
}
