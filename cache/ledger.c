/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * An environment of one table, with one transaction that is begun at the first call after a commit.
 */
#include <config.h>

#include "cache/ledger.h"

#include "cache/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { LEDGER_KEY_MAX = STORE_KEY_MAX };

struct ledger {
	struct store *store;
	struct store_txn *txn; /* NULL: nothing was asked since the last commit */
	int lock; /* held for as long as it is open */
};

static _Thread_local char error_text[4096 + 256];

const char *
ledger_error_text(void)
{
	return error_text[0] != '\0' ? error_text : store_error_text();
}

/* 0, or -EBUSY when another process has FOLDER. */
static int
lock_folder(const char *folder, int *out_fd)
{
	char path[4096];
	int fd;

	if (snprintf(path, sizeof(path), "%s/owner", folder) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		snprintf(error_text, sizeof(error_text), "%s: %s", path, strerror(errno));
		return -errno;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		snprintf(error_text, sizeof(error_text), "%s is used by another process", folder);
		return -EBUSY;
	}
	*out_fd = fd;
	return 0;
}

int
ledger_open(const char *folder, struct ledger **out)
{
	const struct store_options options = {
		.map_size = (size_t)1 << (sizeof(size_t) > 4 ? 34 : 28),
		.file_mode = 0600,
		.group = (gid_t)-1,
	};
	cleanup(ledger_closep) struct ledger *ledger = calloc(1, sizeof(*ledger));
	int r;

	error_text[0] = '\0';
	if (ledger == NULL)
		return -ENOMEM;
	ledger->lock = -1;
	if (mkdir(folder, 0700) < 0 && errno != EEXIST) {
		snprintf(error_text, sizeof(error_text), "%s: %s", folder, strerror(errno));
		return -errno;
	}
	r = lock_folder(folder, &ledger->lock);
	if (r == 0)
		r = store_open_writer(folder, &options, &ledger->store);
	if (r == 0)
		*out = take(ledger);
	return r;
}

void
ledger_close(struct ledger *ledger)
{
	if (ledger == NULL)
		return;
	store_abort(ledger->txn);
	store_close(ledger->store);
	if (ledger->lock >= 0)
		close(ledger->lock);
	free(ledger);
}

void
ledger_closep(struct ledger **ledger)
{
	ledger_close(*ledger);
}

static int
begin(struct ledger *ledger, struct span key)
{
	error_text[0] = '\0';
	if (key.len == 0 || key.len > LEDGER_KEY_MAX)
		return -EINVAL;
	return ledger->txn != NULL ? 0 : store_begin_write(ledger->store, &ledger->txn);
}

int
ledger_get(struct ledger *ledger, struct span key, struct span *out_value)
{
	int r = begin(ledger, key);

	return r < 0 ? r : store_get(ledger->txn, 0, key, out_value);
}

/* A transaction in which a write failed is of no use: what was gathered in it is lost, as its caller is told by R. */
static int
wrote(struct ledger *ledger, int r)
{
	if (r < 0 && ledger->txn != NULL) {
		store_abort(ledger->txn);
		ledger->txn = NULL;
	}
	return r;
}

int
ledger_put(struct ledger *ledger, struct span key, struct span value)
{
	int r = begin(ledger, key);

	return r < 0 ? r : wrote(ledger, store_put(ledger->txn, 0, key, value));
}

int
ledger_delete(struct ledger *ledger, struct span key)
{
	int r = begin(ledger, key);

	return r < 0 ? r : wrote(ledger, store_delete(ledger->txn, 0, key));
}

int
ledger_next(struct ledger *ledger, struct span prefix, struct span key, bool at, struct span *out_key, struct span *out_value)
{
	cleanup(store_cursor_closep) struct store_cursor *cursor = NULL;
	int r = begin(ledger, key);

	if (r == 0)
		r = store_cursor_open(ledger->txn, 0, &cursor);
	if (r == 0)
		r = store_cursor_seek(cursor, key, out_key, out_value);
	if (r > 0 && !at && span_is(*out_key, key))
		r = store_cursor_next(cursor, out_key, out_value);
	if (r > 0 && (out_key->len < prefix.len || !span_is(span_from(out_key->data, prefix.len), prefix)))
		r = 0;
	return r;
}

int
ledger_commit(struct ledger *ledger)
{
	struct store_txn *txn = ledger->txn;

	error_text[0] = '\0';
	if (txn == NULL)
		return 0;
	ledger->txn = NULL;
	return store_commit(txn);
}
