/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * See apply.h. Here: one batch of events in one transaction. What an event does stands in apply_entry.c and
 * apply_refresh.c.
 */
#include <config.h>

#include "cache/apply_internal.h"

#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

enum { PENDING_CLEAN_MAX = 4000 };

void
apply_say(struct apply *apply, int level, const char *format, ...)
{
	char sentence[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	if (apply->options.say != NULL)
		apply->options.say(apply->options.context, level, sentence);
}

/* --- transactions ---------------------------------------------------------------------------------- */

static int
read_meta(struct apply *apply, struct store_txn *txn)
{
	uint64_t next, entries, epoch, base, complete;
	int r = replica_meta_number(txn, "next", &next);

	if (r == 0)
		r = replica_meta_number(txn, "sequence", &apply->sequence);
	if (r == 0)
		r = replica_meta_number(txn, "entries", &entries);
	if (r == 0)
		r = replica_meta_number(txn, "epoch", &epoch);
	if (r == 0)
		r = replica_meta_number(txn, "base-serial", &base);
	if (r == 0)
		r = replica_meta_number(txn, "complete", &complete);
	if (r < 0)
		return r;
	apply->next_id = next != 0 ? next : REPLICA_FIRST;
	apply->entries = entries;
	apply->epoch = (uint32_t)epoch;
	apply->base_serial = (uint32_t)base;
	apply->complete = complete != 0;
	return 0;
}

/* Removes what all environments durably show. */
static int
clean_pending(struct apply *apply)
{
	cleanup(store_cursor_closep) struct store_cursor *cursor = NULL;
	uint64_t done = apply->options.published != NULL ? apply->options.published(apply->options.context) : 0;
	struct span key, value;
	int r = store_cursor_open(apply->txn, REPLICA_PENDING, &cursor);

	if (r < 0)
		return r;
	for (int n = 0; n < PENDING_CLEAN_MAX; n++) {
		struct key row;

		r = store_cursor_seek(cursor, SPAN("\0"), &key, &value);
		if (r <= 0)
			return r;
		if (key.len < REPLICA_ID_LEN || key.len > KEY_MAX)
			return -EBADMSG;
		if (replica_id_get((const uint8_t *)key.data) > done)
			return 0;
		memcpy(row.octets, key.data, key.len);
		row.len = key.len;
		r = store_delete(apply->txn, REPLICA_PENDING, key_span(&row));
		if (r < 0)
			return r;
	}
	return 0;
}

int
apply_begin(struct apply *apply)
{
	int r;

	if (apply->txn != NULL)
		return 0;
	r = store_begin_write(apply->replica->store, &apply->txn);
	if (r < 0)
		return r;
	apply->pending_made = false;
	apply->zone_count = 0;
	apply->settings_touched = false;
	r = read_meta(apply, apply->txn);
	if (r == 0 && !apply->loading)
		r = clean_pending(apply);
	if (r < 0)
		apply_drop(apply);
	return r;
}

void
apply_lock(struct apply *apply)
{
	if (apply->batch_goes_on)
		return;
	atomic_fetch_add(&apply->source_wants, 1);
	pthread_mutex_lock(&apply->lock);
	atomic_fetch_sub(&apply->source_wants, 1);
}

void
apply_unlock(struct apply *apply)
{
	/* Given back between two events and taken again, it would be waited for within the transaction. */
	if (apply->txn != NULL) {
		apply->batch_goes_on = true;
		return;
	}
	/* Only the source's thread reads it without the lock, so a job, for whom it is always false, does not write it. */
	if (apply->batch_goes_on)
		apply->batch_goes_on = false;
	pthread_cond_broadcast(&apply->idle);
	pthread_mutex_unlock(&apply->lock);
}

void
apply_lock_idle(struct apply *apply)
{
	pthread_mutex_lock(&apply->lock);
	/* A mutex does not ask who has waited longest: a job that goes on and on would keep the source out. */
	while (atomic_load(&apply->source_wants) > 0)
		pthread_cond_wait(&apply->idle, &apply->lock);
}

void
apply_drop(struct apply *apply)
{
	store_abort(take(apply->txn));
	place_forget(apply);
	arena_reset(&apply->arena);
}

int
apply_commit(struct apply *apply)
{
	uint64_t sequence;
	bool tell;
	int r;

	if (apply->txn == NULL)
		return 0;
	sequence = apply->sequence + 1;
	/* Also when there is nothing to publish: the publisher then says that it is up to this sequence. */
	tell = apply->pending_made || !apply->loading;
	r = replica_meta_put_number(apply->txn, "sequence", sequence);
	if (r == 0)
		r = replica_meta_put_number(apply->txn, "next", apply->next_id);
	if (r == 0)
		r = replica_meta_put_number(apply->txn, "entries", apply->entries);
	if (r < 0) {
		apply_drop(apply);
		return r;
	}
	r = store_commit(take(apply->txn));
	if (r < 0) {
		place_forget(apply);
		return r;
	}
	apply->sequence = sequence;
	apply->failure_told = false;
	apply_publish_status(apply);
	if (tell && apply->options.committed != NULL)
		apply->options.committed(apply->options.context, sequence);
	return 0;
}

int
apply_commit_if_large(struct apply *apply)
{
	if (apply->txn == NULL || store_dirty_pages(apply->txn) < APPLY_DIRTY_MAX)
		return 0;
	return apply_commit(apply);
}

void
apply_publish_status(struct apply *apply)
{
	pthread_mutex_lock(&apply->status_lock);
	apply->status = (struct apply_status){
		.complete = apply->complete,
		.loading = apply->loading,
		.refreshing = apply->refreshing,
		.held = apply->held,
		.brake = apply->brake,
		.entries = apply->entries,
		.sequence = apply->sequence,
		.mentioned = apply->mentioned,
	};
	pthread_mutex_unlock(&apply->status_lock);
}

void
apply_status(struct apply *apply, struct apply_status *out)
{
	pthread_mutex_lock(&apply->status_lock);
	*out = apply->status;
	pthread_mutex_unlock(&apply->status_lock);
}

int
apply_tell_failure(struct apply *apply, int r)
{
	if ((r == -ENOSPC || r == -EIO || r == -EDQUOT || r == -EFBIG || r == -ENOMEM ||
	     r == -ENOTRECOVERABLE) && !apply->failure_told) {
		apply->failure_told = true;
		apply_say(apply, LOG_ERROR, "directory/ cannot be written, what is served stays as it is: %s",
		          r == -ENOMEM ? "out of memory" : store_error_text());
	}
	return r;
}

int
apply_end_event(struct apply *apply, int r)
{
	arena_reset(&apply->arena);
	if (r == 0)
		r = apply_commit_if_large(apply);
	if (r < 0 && r != -EEXIST)
		apply_drop(apply);
	r = apply_tell_failure(apply, r);
	apply_unlock(apply);
	return r;
}

/* --- the feed --------------------------------------------------------------------------------------- */

static int
on_is_empty(void *context)
{
	struct apply *apply = context;
	struct apply_status status;

	apply_status(apply, &status);
	return !status.complete;
}

static int
on_stored_cookie(void *context, struct arena *arena, struct span *out_cookie)
{
	struct apply *apply = context;
	cleanup(store_abortp) struct store_txn *txn = NULL;
	struct span value;
	int r = store_begin_read(apply->replica->store, &txn);

	if (r < 0)
		return r;
	*out_cookie = SPAN("");
	r = replica_meta(txn, "binding", &value);
	if (r <= 0 || !span_is(value, text_span(&apply->binding)))
		return r < 0 ? r : 0;
	r = replica_meta(txn, "cookie", &value);
	if (r <= 0)
		return r;
	*out_cookie = arena_copy(arena, value);
	return out_cookie->data != NULL ? 0 : -ENOMEM;
}

static int
on_suffix_uuid(void *context, uint8_t out_uuid[ENTRY_UUID_LEN])
{
	struct apply *apply = context;
	cleanup(store_abortp) struct store_txn *txn = NULL;
	struct replica_node node;
	int r = store_begin_read(apply->replica->store, &txn);

	if (r < 0)
		return r;
	r = replica_node(txn, REPLICA_ROOT, &node);
	if (r <= 0 || !node.has_entry)
		return r < 0 ? r : 0;
	memcpy(out_uuid, node.uuid, ENTRY_UUID_LEN);
	return 1;
}

void
apply_feed(struct apply *apply, struct feed *feed)
{
	*feed = (struct feed){
		.context = apply,
		.begin_refresh = apply_on_begin_refresh,
		.is_empty = on_is_empty,
		.entry = apply_on_entry,
		.present = apply_on_present,
		.gone = apply_on_gone,
		.refresh_done = apply_on_refresh_done,
		.abort_refresh = apply_on_abort_refresh,
		.cookie = apply_on_cookie,
		.flush = apply_on_flush,
		.stored_cookie = on_stored_cookie,
		.suffix_uuid = on_suffix_uuid,
	};
}

int
apply_new(struct replica *replica, const struct apply_options *options, struct apply **out)
{
	cleanup(store_abortp) struct store_txn *txn = NULL;
	struct apply *apply = calloc(1, sizeof(*apply));
	int r;

	if (apply == NULL)
		return -ENOMEM;
	pthread_mutex_init(&apply->lock, NULL);
	pthread_mutex_init(&apply->status_lock, NULL);
	pthread_cond_init(&apply->idle, NULL);
	apply->replica = replica;
	apply->options = *options;
	text_put_span(&apply->binding, options->binding);
	r = store_begin_read(replica->store, &txn);
	if (r == 0)
		r = read_meta(apply, txn);
	if (r < 0) {
		apply_free(apply);
		return r;
	}
	apply_publish_status(apply);
	*out = apply;
	return 0;
}

void
apply_free(struct apply *apply)
{
	if (apply == NULL)
		return;
	apply_drop(apply);
	if (apply->batch_goes_on)
		apply_unlock(apply);
	apply_forget_mentions(apply);
	arena_free(&apply->arena);
	dn_trail_free(&apply->trail);
	text_free(&apply->row);
	text_free(&apply->old_row);
	text_free(&apply->held_cookie);
	text_free(&apply->binding);
	for (size_t i = 0; i < MEMO_DEPTH; i++)
		text_free(&apply->memo.names[i]);
	pthread_mutex_destroy(&apply->lock);
	pthread_mutex_destroy(&apply->status_lock);
	pthread_cond_destroy(&apply->idle);
	free(apply);
}
