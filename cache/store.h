/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * One LMDB environment: tables of byte keys (at most 511 octets) and byte values.
 *
 * store*.c are the only files that know <lmdb.h>. Errors are negative errno: -EIO for what LMDB calls corrupted or
 * invalid, -ENOSPC for a full map or disk, -ENOENT for an environment that does not exist yet, -EBUSY for no free
 * reader slot, -ESTALE for a file that was replaced (close and open again), -ENOTRECOVERABLE after a write that failed
 * half-way (the same). store_error_text() says more.
 *
 * Values returned by get and cursor calls lie in the transaction's pages: valid until it ends, in a write
 * transaction until the next write.
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"

#include <sys/types.h>

struct store;
struct store_txn;
struct store_cursor;

enum { STORE_KEY_MAX = 511, STORE_TABLES_MAX = 16, STORE_READERS = 1024 };

struct store_options {
	/* Names of the tables: the one that is called 0, 1, ... NULL for "the unnamed one only" (table 0: what a query
	 * needs should be there, it saves a look-up a transaction). */
	const char *const *tables;
	size_t table_count;
	/* The rest is for the writer. */
	size_t map_size; /* octets of address space, sparse; readers take the file's */
	mode_t file_mode; /* data.mdb; lock.mdb always also gets group write */
	gid_t group;      /* (gid_t)-1 leaves it */
};

/* PATH is the folder that holds data.mdb and lock.mdb; the writer creates it and what is missing above it
 * (0750 | setgid). -EBUSY when this process has it open already. Opening begins a transaction under the lock of the list of
 * open stores, so no store is opened or closed by who has a write transaction. */
must_check int store_open_writer(const char *path, const struct store_options *options, struct store **out);

/* Only the folder, for what must stand in it before the environment does. */
must_check int store_make_folder(const char *path, gid_t group);

/* Opens for reading, shared in the process: the same file (device and inode) is opened once however often this is
 * called, and closed after the last store_close. Creates nothing: -ENOENT when data, lock or a table is missing.
 * OPTIONS may be NULL for the unnamed table. */
must_check int store_open_reader(const char *path, const struct store_options *options, struct store **out);
/* One more holder of STORE, for store_close to let go. */
struct store *store_share(struct store *store);
void store_close(struct store *store);
void store_closep(struct store **store);

/* -ESTALE when PATH now holds other files than those open, 0 when they are the same or gone. Two stat(). */
must_check int store_check_replaced(const struct store *store);

/* Whether an environment that is open in this process can only be used when it has been closed and opened anew. */
bool store_any_is_spoilt(void);

/* The folder it was opened from. */
const char *store_path(const struct store *store);

/* Why the last call on STORE in this thread failed, in LMDB's words and with the path; never NULL. */
const char *store_error_text(void);

must_check int store_begin_read(struct store *store, struct store_txn **out);
must_check int store_begin_write(struct store *store, struct store_txn **out);
must_check int store_commit(struct store_txn *txn); /* frees TXN in any case */
void store_abort(struct store_txn *txn);            /* ends a read or drops a write; NULL is fine */
void store_abortp(struct store_txn **txn);

/* A kept reader: reset gives the snapshot back but keeps the slot, renew takes the newest. */
void store_reset(struct store_txn *txn);
must_check int store_renew(struct store_txn *txn);

/* Changes with every commit; two read transactions with equal ids see equal data. */
uint64_t store_txn_id(const struct store_txn *txn);

/* 1 found, 0 absent, or negative. */
must_check int store_get(struct store_txn *txn, unsigned table, struct span key, struct span *out_value);
must_check int store_put(struct store_txn *txn, unsigned table, struct span key, struct span value);
/* KEY sorts after every key of the table (checked): full pages, no search. -EEXIST when it does not. */
must_check int store_append(struct store_txn *txn, unsigned table, struct span key, struct span value);
/* 1 removed, 0 was not there. */
must_check int store_delete(struct store_txn *txn, unsigned table, struct span key);

/* Cursors die with their transaction; a cursor of a kept reader is renewed with it by store_cursor_renew. */
must_check int store_cursor_open(struct store_txn *txn, unsigned table, struct store_cursor **out);
must_check int store_cursor_renew(struct store_txn *txn, struct store_cursor *cursor);
void store_cursor_close(struct store_cursor *cursor);
void store_cursor_closep(struct store_cursor **cursor);
/* Each returns 1 and the pair it stands on, 0 at the end, or negative. seek: the first key >= KEY. */
must_check int store_cursor_seek(struct store_cursor *cursor, struct span key, struct span *out_key, struct span *out_value);
must_check int store_cursor_next(struct store_cursor *cursor, struct span *out_key, struct span *out_value);
must_check int store_cursor_prev(struct store_cursor *cursor, struct span *out_key, struct span *out_value);
must_check int store_cursor_last(struct store_cursor *cursor, struct span *out_key, struct span *out_value);

/* Rows of TABLE. */
must_check int store_count(struct store_txn *txn, unsigned table, uint64_t *out_rows);

/* Pages this write transaction has dirtied, about: commit when it nears what memory allows. */
size_t store_dirty_pages(const struct store_txn *txn);

/* Commits without fsync from now on (a first load behind a durable mark) or with it again; ON to OFF syncs. */
must_check int store_set_nosync(struct store *store, bool on);
must_check int store_sync(struct store *store);

/* Frees reader slots of dead processes; the number freed or negative. */
must_check int store_check_readers(struct store *store);

struct store_figures {
	uint64_t map_size, used_octets; /* the file's used part */
	unsigned readers, readers_max;
	uint64_t oldest_reader_lag; /* transactions between the oldest snapshot in use and the newest */
};
must_check int store_figures(struct store *store, struct store_figures *out);
