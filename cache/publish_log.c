/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The log of an environment: which records changed, in order, for who keeps something else equal to them (record_login.h has the
 * rows). In the transaction that changes them, so it tells neither more nor less than what its readers see.
 */
#include <config.h>

#include "cache/publish_internal.h"

#include "cache/home.h"

#include <errno.h>
#include <sys/random.h>

enum { EPOCH_OCTETS = 16 };

static bool
has_log(const struct publish *publish)
{
	return publish->projection->logged_letters != NULL;
}

static void
key_of(struct key *out, uint64_t number)
{
	out->octets[0] = 'c';
	replica_id_put(out->octets + 1, number);
	out->len = 1 + REPLICA_ID_LEN;
}

/* The number behind the last one in the log. */
static int
find_next(struct store_txn *records, uint64_t *out)
{
	cleanup(store_cursor_closep) struct store_cursor *cursor = NULL;
	struct span key, value;
	int r = store_cursor_open(records, 0, &cursor);

	if (r == 0)
		r = store_cursor_seek(cursor, SPAN("d"), &key, &value);
	/* Behind the log there may be nothing: then its last row is the table's. */
	if (r >= 0)
		r = r > 0 ? store_cursor_prev(cursor, &key, &value) : store_cursor_last(cursor, &key, &value);
	if (r < 0)
		return r;
	*out = r > 0 && key.len == 1 + REPLICA_ID_LEN && key.data[0] == 'c' ? replica_id_get((const uint8_t *)key.data + 1) + 1 : 1;
	return 0;
}

int
publish_log(struct publish *publish, struct store_txn *records, struct span subject)
{
	struct key key;
	int r = 0;

	/* What nobody can read yet, nobody has read otherwise. */
	if (!has_log(publish) || !publish->complete || strchr(publish->projection->logged_letters, subject.data[0]) == NULL)
		return 0;
	if (publish->log_next == 0)
		r = find_next(records, &publish->log_next);
	if (r < 0)
		return r;
	key_of(&key, publish->log_next);
	r = store_put(records, 0, key_span(&key), subject);
	if (r == 0 && publish->log_next > HOME_LOG_MAX) {
		key_of(&key, publish->log_next - HOME_LOG_MAX);
		r = store_delete(records, 0, key_span(&key));
	}
	publish->log_next++;
	return r < 0 ? r : 0;
}

int
publish_log_begin(struct publish *publish, struct store_txn *records)
{
	uint8_t epoch[EPOCH_OCTETS];
	struct span value;
	int r;

	if (!has_log(publish) || publish->complete)
		return 0;
	r = store_get(records, 0, SPAN("i"), &value);
	if (r != 0)
		return r < 0 ? r : 0;
	if (getrandom(epoch, sizeof(epoch), 0) != (ssize_t)sizeof(epoch))
		return -EIO;
	return store_put(records, 0, SPAN("i"), span_from(epoch, sizeof(epoch)));
}
