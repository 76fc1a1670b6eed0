/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Pairs in a transaction of an LMDB environment, by their key or by cursors.
 */
#include <config.h>

#include "cache/store_internal.h"

#include <errno.h>

enum { LEARN_LAST_AFTER = 32 }; /* uses of a table in a transaction */

/* --- pairs -------------------------------------------------------------------------------------- */

static bool
is_key(struct span key)
{
	return key.len > 0 && key.len <= STORE_KEY_MAX;
}

/* The place of TABLE in the write transaction TXN, its cursor open. */
static int
find_place(struct store_txn *txn, unsigned table, struct store_place **out)
{
	struct store_place *place = &txn->writer->places[table];
	MDB_val key, value;
	int rc = 0;

	if (place->cursor == NULL)
		rc = mdb_cursor_open(txn->mdb, txn->store->tables[table], &place->cursor);
	/* Not for a few rows. */
	if (rc == 0 && !place->last_known && ++place->uses == LEARN_LAST_AFTER) {
		rc = mdb_cursor_get(place->cursor, &key, &value, MDB_LAST);
		if (rc == 0) {
			place->last_len = key.mv_size;
			memcpy(place->last, key.mv_data, key.mv_size);
		}
		place->last_known = rc == 0 || rc == MDB_NOTFOUND;
		rc = rc == MDB_NOTFOUND ? 0 : rc;
	}
	*out = place;
	return rc;
}

static bool
sorts_last(const struct store_place *place, struct span key)
{
	size_t n = key.len < place->last_len ? key.len : place->last_len;
	int order;

	if (!place->last_known)
		return false;
	order = memcmp(key.data, place->last, n);
	return order != 0 ? order > 0 : key.len > place->last_len;
}

static int
get_near(struct store_txn *txn, unsigned table, struct span key, MDB_val *out_value)
{
	MDB_val k = store_val(key);
	struct store_place *place;
	int rc = find_place(txn, table, &place);

	if (rc != 0)
		return rc;
	return sorts_last(place, key) ? MDB_NOTFOUND : mdb_cursor_get(place->cursor, &k, out_value, MDB_SET);
}

int
store_get(struct store_txn *txn, unsigned table, struct span key, struct span *out_value)
{
	MDB_val k = store_val(key);
	MDB_val v;
	int rc;

	if (!is_key(key))
		return 0;
	rc = txn->writer != NULL ? get_near(txn, table, key, &v) : mdb_get(txn->mdb, txn->store->tables[table], &k, &v);
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc != 0)
		return store_failed(rc, txn->store->path, "read");
	*out_value = store_span(&v);
	return 1;
}

/* LMDB does not say which pages it has dirtied, but the place of a value just written lies in one. */
static void
count_dirty(struct store_txn *txn, const MDB_val *written)
{
	uintptr_t page = (uintptr_t)written->mv_data >> 12;
	uintptr_t *slot = &txn->writer->recent_pages[page % STORE_RECENT_PAGES];

	if (*slot != page) {
		*slot = page;
		txn->writer->dirty_pages += 1 + (written->mv_size >> 12);
	}
}

static int
put(struct store_txn *txn, unsigned table, struct span key, struct span value, unsigned flags)
{
	MDB_val k = store_val(key);
	MDB_val v = { value.len, NULL };
	struct store_place *place;
	int rc = !is_key(key) ? MDB_BAD_VALSIZE : txn->writer == NULL ? EACCES : find_place(txn, table, &place);

	if (rc != 0)
		return store_failed(rc, txn->store->path, "write");
	/* Before the key, which may lie in a page, can move; no harm if it comes to nothing. */
	if (sorts_last(place, key)) {
		memcpy(place->last, key.data, key.len);
		place->last_len = key.len;
	}
	rc = mdb_cursor_put(place->cursor, &k, &v, flags | MDB_RESERVE);
	if (rc != 0)
		return store_failed(rc, txn->store->path, "write");
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
		return store_failed(rc, txn->store->path, "read");
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
	MDB_val k = store_val(key);
	int rc;

	if (!is_key(key))
		return 0;
	if (txn->writer == NULL)
		return store_failed(EACCES, txn->store->path, "delete");
	rc = mdb_del(txn->mdb, txn->store->tables[table], &k, NULL);
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc != 0)
		return store_failed(rc, txn->store->path, "delete");
	txn->writer->dirty_pages++;
	return 1;
}

size_t
store_dirty_pages(const struct store_txn *txn)
{
	return txn->writer != NULL ? txn->writer->dirty_pages : 0;
}

/* --- cursors ------------------------------------------------------------------------------------ */

int
store_cursor_open(struct store_txn *txn, unsigned table, struct store_cursor **out)
{
	struct store_cursor *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return store_failed(ENOMEM, txn->store->path, "read");
	rc = mdb_cursor_open(txn->mdb, txn->store->tables[table], &c->mdb);
	if (rc != 0) {
		free(c);
		return store_failed(rc, txn->store->path, "read");
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
	return rc != 0 ? store_failed(rc, txn->store->path, "read") : 0;
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
		return store_failed(rc, cursor->txn->store->path, "read");
	*out_key = store_span(key);
	*out_value = store_span(&value);
	return 1;
}

int
store_cursor_seek(struct store_cursor *cursor, struct span key, struct span *out_key, struct span *out_value)
{
	MDB_val k = store_val(key);

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
