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

/* A table in a write transaction. What is asked for and written lies mostly near what was last, or behind everything: a cursor
 * that stays where it was finds the one without a way down the tree, the last key the other without a look. */
struct store_place {
	MDB_cursor *cursor;
	unsigned uses;
	bool last_known;
	size_t last_len; /* no key of the table sorts behind these octets, if known */
	uint8_t last[STORE_KEY_MAX];
};

struct store_writer {
	size_t dirty_pages;
	uintptr_t recent_pages[STORE_RECENT_PAGES];
	struct store_place places[STORE_TABLES_MAX];
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
	atomic_bool spoilt; /* a write of what says where everything is failed: LMDB takes no transaction any more */
	char path[];
};

struct store_txn {
	struct store *store;
	MDB_txn *mdb;
	struct store_writer *writer; /* NULL: it reads */
	atomic_bool busy;
	struct store_txn *prev, *next; /* among the store's readers */
	struct store_cursor *cursors;
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
