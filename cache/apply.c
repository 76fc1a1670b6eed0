/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * See apply.h. Here: the feed's functions, one batch of events in one transaction.
 */
#include <config.h>

#include "cache/apply_internal.h"

#include "cache/load_mark.h"
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

/* Removes what dns/ durably shows. */
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
apply_lock_idle(struct apply *apply)
{
	pthread_mutex_lock(&apply->lock);
	while (apply->txn != NULL)
		pthread_cond_wait(&apply->idle, &apply->lock);
}

void
apply_drop(struct apply *apply)
{
	store_abort(take(apply->txn));
	pthread_cond_broadcast(&apply->idle);
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
	pthread_cond_broadcast(&apply->idle);
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

/* What a write of directory/ failed for is said once, until one succeeds. */
static int
tell_failure(struct apply *apply, int r)
{
	if ((r == -ENOSPC || r == -EIO || r == -EDQUOT || r == -EFBIG || r == -ENOMEM) && !apply->failure_told) {
		apply->failure_told = true;
		apply_say(apply, LOG_ERROR, "directory/ cannot be written, what is served stays as it is: %s",
		          r == -ENOMEM ? "out of memory" : store_error_text());
	}
	return r;
}

/* --- one entry ------------------------------------------------------------------------------------- */

static int
mention(struct apply *apply, uint64_t id)
{
	if (!apply->refreshing && !apply->held)
		return 0;
	if (apply->refreshing)
		apply->mentioned++;
	return seen_mark(&apply->seen, id);
}

static int
is_moved(struct apply *apply, const struct replica_node *node, uint64_t parent, const struct rdn *rdn)
{
	struct rdn *old;
	size_t count;
	int r;

	if (rdn == NULL)
		return 0;
	if (node->parent != parent)
		return 1;
	if (span_is(node->rdn, rdn->text))
		return 0;
	r = dn_split(node->rdn, &apply->arena, &old, &count);
	return r < 0 ? r : count != 1 || !span_is(old[0].normalised, rdn->normalised);
}

static int
index_uuid(struct apply *apply, uint64_t id, const struct replica_node *node, const struct entry *entry)
{
	uint64_t indexed = 0;
	int r;

	if (node != NULL && node->has_entry && memcmp(node->uuid, entry->uuid, ENTRY_UUID_LEN) != 0) {
		r = replica_uuid(apply->txn, node->uuid, &indexed);
		if (r == 1 && indexed == id)
			r = replica_uuid_delete(apply->txn, node->uuid);
		if (r < 0)
			return r;
	}
	if (apply->options.by_dn)
		return 0;
	r = replica_uuid(apply->txn, entry->uuid, &indexed);
	if (r < 0 || (r == 1 && indexed == id))
		return r < 0 ? r : 0;
	return replica_uuid_put(apply->txn, entry->uuid, id);
}

/* Writes node ID's row, and its place below PARENT when it is new. */
static int
write_node(struct apply *apply, uint64_t id, bool is_new, uint64_t parent, const struct rdn *rdn)
{
	uint8_t key[REPLICA_ID_LEN];
	int r;

	replica_id_put(key, id);
	if (!is_new || id < REPLICA_FIRST)
		return store_put(apply->txn, REPLICA_NODE, span_from(key, sizeof(key)), text_span(&apply->old_row));
	r = store_append(apply->txn, REPLICA_NODE, span_from(key, sizeof(key)), text_span(&apply->old_row));
	if (r == 0)
		r = replica_child_put(apply->txn, parent, rdn->normalised, id);
	return r;
}

/* 1 and the node's number, 0 for an entry that is passed over. */
static int
apply_one(struct apply *apply, const struct entry *entry, uint64_t *out_id)
{
	cleanup(mapped_free) struct mapped before = { .problems = TEXT_INIT };
	cleanup(mapped_free) struct mapped after = { .problems = TEXT_INIT };
	struct placed_entry placed = { .entry = entry };
	struct replica_node node = { .has_entry = false };
	const struct rdn *own = NULL;
	struct rdn *rdns = NULL;
	uint64_t id, parent = 0;
	bool exists = false;
	int r = place_split(apply, entry->dn, &rdns, &placed.depth);

	if (r < 0) {
		apply_say(apply, LOG_WARNING, "entry \"%.*s\" is passed over: %s", (int)entry->dn.len, entry->dn.data,
		          r == -EXDEV ? "it is not below the base" : r == -ELOOP ? "it lies too deep" : "its DN cannot be read");
		return r == -ENOMEM ? r : 0;
	}
	placed.rdns = rdns;
	if (placed.depth > 0)
		own = &rdns[0];
	r = place_find(apply, entry, rdns, placed.depth, &parent, &id);
	if (r < 0)
		return r;
	if (id != 0) {
		r = replica_node(apply->txn, id, &node);
		if (r < 0)
			return r;
		exists = r == 1;
	}
	if (exists) {
		int moved = is_moved(apply, &node, parent, own);

		if (moved < 0)
			return moved;
		/* What it contributed where it was, before anything is written. */
		r = touch_map_stored(apply, id, &apply->arena, &before);
		if (r == 0 && moved == 1)
			r = place_move(apply, id, parent, own);
		if (r < 0)
			return r;
		r = replica_node(apply->txn, id, &node);
		if (r <= 0)
			return r < 0 ? r : -EBADMSG;
	}
	text_clear(&apply->old_row);
	replica_node_put(&apply->old_row, parent, own != NULL ? own->text : SPAN(""), entry);
	if (id == 0)
		id = place_new_id(apply);
	if (!node.has_entry)
		apply->entries++;
	r = index_uuid(apply, id, exists ? &node : NULL, entry);
	if (r == 0)
		r = write_node(apply, id, !exists, parent, own);
	if (r == 0)
		r = project_dns_map(apply->options.dns, &placed, &apply->arena, &after);
	if (r == 0)
		r = touch_replace(apply, id, &before, &after);
	if (r >= 0)
		r = touch_finish(apply, csn_seconds(entry->csn));
	if (r < 0)
		return r;
	place_remember(apply, rdns, placed.depth, id);
	*out_id = id;
	return 1;
}

/* Whether the row that is stored for ENTRY is the one that it would get: nothing has changed. */
static int
is_unchanged(struct apply *apply, const struct entry *entry, uint64_t *out_id)
{
	struct rdn *rdns;
	struct replica_node node;
	size_t depth;
	struct span stored;
	uint8_t key[REPLICA_ID_LEN];
	uint64_t id;
	int r;

	if (apply->loading)
		return 0;
	r = place_split(apply, entry->dn, &rdns, &depth);
	if (r < 0)
		return 0;
	if (depth == 0) {
		id = REPLICA_ROOT;
	} else {
		uint64_t parent;

		r = place_parent(apply, rdns, depth, &parent);
		if (r == 0)
			r = replica_child(apply->txn, parent, rdns[0].normalised, &id);
		if (r <= 0)
			return r;
	}
	if (apply->options.by_dn && apply->refreshing && seen_has(&apply->seen, id))
		return -EEXIST;
	r = replica_node(apply->txn, id, &node);
	if (r <= 0 || !node.has_entry)
		return r < 0 ? r : 0;
	if (!apply->options.by_dn) {
		uint64_t indexed;

		r = replica_uuid(apply->txn, entry->uuid, &indexed);
		if (r < 0 || r == 0 || indexed != id)
			return r < 0 ? r : 0;
	}
	text_clear(&apply->old_row);
	replica_node_put(&apply->old_row, node.parent, depth > 0 ? rdns[0].text : SPAN(""), entry);
	replica_id_put(key, id);
	r = store_get(apply->txn, REPLICA_NODE, span_from(key, sizeof(key)), &stored);
	if (r <= 0 || !span_is(stored, text_span(&apply->old_row)))
		return r < 0 ? r : 0;
	place_remember(apply, rdns, depth, id);
	*out_id = id;
	return 1;
}

/* --- the feed --------------------------------------------------------------------------------------- */

/* After an error nothing of the batch stays; the source starts again from the last durable cookie. */
static int
end_event(struct apply *apply, int r)
{
	arena_reset(&apply->arena);
	if (r == 0)
		r = apply_commit_if_large(apply);
	if (r < 0 && r != -EEXIST)
		apply_drop(apply);
	r = tell_failure(apply, r);
	pthread_mutex_unlock(&apply->lock);
	return r;
}

static int
on_is_empty(void *context)
{
	struct apply *apply = context;
	struct apply_status status;

	apply_status(apply, &status);
	return !status.complete;
}

static int
on_entry(void *context, const struct entry *entry)
{
	struct apply *apply = context;
	struct attribute room[PROFILE_ATTRIBUTES_MAX];
	struct entry kept;
	uint64_t id = 0;
	int r;

	pthread_mutex_lock(&apply->lock);
	r = apply_begin(apply);
	if (r == 0) {
		profile_filter(apply->options.dns->profile, entry, room, &kept);
		r = is_unchanged(apply, &kept, &id);
		if (r == 0)
			r = apply_one(apply, &kept, &id);
		if (r == 1)
			r = mention(apply, id);
		if (r == 0 && apply->refreshing && !apply->loading && id != 0)
			r = seen_mark(&apply->told, id);
	}
	return end_event(apply, r);
}

static int
on_present(void *context, const uint8_t uuid[ENTRY_UUID_LEN])
{
	struct apply *apply = context;
	uint64_t id;
	int r;

	pthread_mutex_lock(&apply->lock);
	r = apply_begin(apply);
	if (r == 0)
		r = replica_uuid(apply->txn, uuid, &id);
	if (r == 1)
		r = mention(apply, id);
	return end_event(apply, r);
}

static int
on_gone(void *context, const uint8_t uuid[ENTRY_UUID_LEN])
{
	struct apply *apply = context;
	uint64_t id;
	int r;

	pthread_mutex_lock(&apply->lock);
	r = apply_begin(apply);
	if (r == 0)
		r = replica_uuid(apply->txn, uuid, &id);
	if (r == 1) {
		r = sweep_remove(apply, id);
		if (r == 0)
			r = touch_finish(apply, 0);
	}
	return end_event(apply, r);
}

static void
forget_mentions(struct apply *apply)
{
	seen_clear(&apply->seen);
	seen_clear(&apply->told);
}

static int
on_begin_refresh(void *context, bool complete)
{
	struct apply *apply = context;
	int r;

	pthread_mutex_lock(&apply->lock);
	r = apply_commit(apply);
	if (r == 0 && !apply->complete && !apply->loading) {
		r = load_mark_set(apply->replica->store);
		apply->loading = r == 0;
	}
	if (r == 0) {
		forget_mentions(apply);
		apply->named_all = complete;
		apply->first_new_id = apply->next_id;
		apply->refreshing = true;
		apply->mentioned = 0;
		apply->held = false;
		apply->release_wanted = false;
		apply_publish_status(apply);
	}
	r = tell_failure(apply, r);
	pthread_mutex_unlock(&apply->lock);
	return r;
}

static int
keep_serial(void *context, struct span reversed, uint32_t serial)
{
	struct apply *apply = context;
	int r = apply_begin(apply);

	if (r == 0)
		r = touch_keep_serial(apply, reversed, serial);
	arena_reset(&apply->arena);
	return r == 0 ? apply_commit_if_large(apply) : r;
}

/* The serials of a directory that was just loaded from nothing begin at SECONDS, or later where later ones were served. */
static int
begin_serials(struct apply *apply, uint32_t seconds)
{
	uint32_t base = 0, epoch = 0;
	int known = apply->options.served == NULL
	                    ? 0
	                    : apply->options.served(apply->options.context, &base, &epoch, NULL, NULL);
	int r = known < 0 ? known : apply_begin(apply);

	if (r < 0)
		return r;
	apply->base_serial = base == 0 ? seconds : seconds == 0 ? base : serial_later(seconds, base);
	apply->epoch = epoch;
	r = replica_meta_put_number(apply->txn, "base-serial", apply->base_serial);
	if (r == 0)
		r = replica_meta_put_number(apply->txn, "epoch", apply->epoch);
	if (r == 0 && known == 1 && !apply->options.dns->serial_stored)
		r = apply->options.served(apply->options.context, &base, &epoch, keep_serial, apply);
	return r < 0 ? r : 0;
}

/* Records that the replica is what COOKIE says. */
static int
finish_refresh(struct apply *apply, struct span cookie, uint32_t seconds)
{
	bool first = apply->loading, held = apply->held;
	int r = first ? begin_serials(apply, seconds) : 0;

	if (r == 0)
		r = apply_begin(apply);
	if (r < 0) {
		apply_drop(apply);
		return r;
	}
	r = replica_meta_put(apply->txn, "cookie", cookie);
	if (r == 0)
		r = replica_meta_put(apply->txn, "binding", text_span(&apply->binding));
	if (r == 0 && first)
		r = replica_meta_put_number(apply->txn, "complete", 1);
	if (r < 0) {
		apply_drop(apply);
		return r;
	}
	apply->complete = true;
	apply->refreshing = false;
	apply->held = false;
	r = apply_commit(apply);
	if (r < 0) {
		/* The sweep is still to come, and no cookie may be stored before it. */
		apply->held = held;
		return r;
	}
	forget_mentions(apply);
	if (first) {
		r = load_mark_clear(apply->replica->store);
		if (r == 0) {
			apply->loading = false;
			apply_publish_status(apply);
			if (apply->options.completed != NULL)
				apply->options.completed(apply->options.context);
		}
	}
	return r;
}

static void
say_held(struct apply *apply)
{
	const struct brake_figures *brake = &apply->brake;

	apply_say(apply, LOG_ERROR,
	          "BRAKE: the refresh would end %llu of %llu zones, and remove %llu of %llu records from others; nothing is "
	          "removed until `ispmanctl release-brake`. Changes go on being applied. If this is not what was meant, look at the "
	          "provider's data and at the read rights of the bind DN.",
	          (unsigned long long)brake->zones, (unsigned long long)brake->zones_total,
	          (unsigned long long)brake->records, (unsigned long long)brake->records_total);
}

/* An entry that nothing was said of lost its place to another one: changes came in an order that does not tell where it
 * is now. -EAGAIN asks for everything. */
static int
read_again(struct apply *apply)
{
	int r = replica_meta_put(apply->txn, "cookie", SPAN(""));

	if (r == 0)
		r = apply_commit(apply);
	return r < 0 ? r : -EAGAIN;
}

static int
on_refresh_done(void *context, bool sweep, struct span cookie, uint32_t seconds)
{
	struct apply *apply = context;
	int r;

	pthread_mutex_lock(&apply->lock);
	r = apply_commit(apply);
	if (r == 0 && sweep) {
		if (apply->mentioned == 0) {
			apply_say(apply, LOG_ERROR,
			          "the refresh named no entry at all: an empty answer never empties the cache; what is cached stays");
			r = -ENODATA;
		} else {
			r = sweep_weigh(apply, &apply->brake);
		}
		if (r == 1) {
			apply_drop(apply);
			apply->held = true;
			apply->refreshing = false;
			text_clear(&apply->held_cookie);
			text_put_span(&apply->held_cookie, cookie);
			apply->held_seconds = seconds;
			say_held(apply);
			apply_publish_status(apply);
			pthread_mutex_unlock(&apply->lock);
			return text_failed(&apply->held_cookie) ? -ENOMEM : 0;
		}
		if (r == 0)
			r = sweep_run(apply);
	}
	if (r == 0 && !apply->named_all && !apply->loading) {
		r = place_has_lost(apply);
		if (r == 1)
			r = read_again(apply);
	}
	if (r == 0)
		r = finish_refresh(apply, cookie, seconds);
	if (r < 0) {
		apply_drop(apply);
		apply->refreshing = false;
		apply_publish_status(apply);
	}
	r = tell_failure(apply, r);
	pthread_mutex_unlock(&apply->lock);
	return r;
}

static int
on_abort_refresh(void *context)
{
	struct apply *apply = context;
	int r;

	pthread_mutex_lock(&apply->lock);
	r = apply_commit(apply);
	apply->refreshing = false;
	forget_mentions(apply);
	apply_publish_status(apply);
	r = tell_failure(apply, r);
	pthread_mutex_unlock(&apply->lock);
	return r;
}

static int
on_cookie(void *context, struct span cookie)
{
	struct apply *apply = context;
	int r;

	pthread_mutex_lock(&apply->lock);
	if (apply->held) {
		/* Not stored: a restart must come to the same sweep again. */
		text_clear(&apply->held_cookie);
		text_put_span(&apply->held_cookie, cookie);
		r = text_failed(&apply->held_cookie) ? -ENOMEM : 0;
	} else {
		r = apply_begin(apply);
		if (r == 0)
			r = replica_meta_put(apply->txn, "cookie", cookie);
	}
	return end_event(apply, r);
}

static int
run_held_sweep(struct apply *apply)
{
	int r;

	apply->release_wanted = false;
	apply_say(apply, LOG_NOTICE, "the brake is released: the held sweep runs");
	r = sweep_run(apply);
	if (r == 0)
		r = finish_refresh(apply, text_span(&apply->held_cookie), apply->held_seconds);
	if (r < 0)
		apply_drop(apply);
	return r;
}

static int
on_flush(void *context)
{
	struct apply *apply = context;
	int r;

	pthread_mutex_lock(&apply->lock);
	r = apply_commit(apply);
	if (r == 0 && apply->release_wanted && apply->held)
		r = run_held_sweep(apply);
	r = tell_failure(apply, r);
	pthread_mutex_unlock(&apply->lock);
	return r;
}

int
apply_release_brake(struct apply *apply)
{
	int r = 0;

	pthread_mutex_lock(&apply->lock);
	if (!apply->held)
		r = -ENOENT;
	else if (apply->txn != NULL)
		/* The source is in the middle of a batch: it runs the sweep when it flushes. */
		apply->release_wanted = true;
	else
		r = run_held_sweep(apply);
	pthread_mutex_unlock(&apply->lock);
	return r;
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
		.begin_refresh = on_begin_refresh,
		.is_empty = on_is_empty,
		.entry = on_entry,
		.present = on_present,
		.gone = on_gone,
		.refresh_done = on_refresh_done,
		.abort_refresh = on_abort_refresh,
		.cookie = on_cookie,
		.flush = on_flush,
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
	forget_mentions(apply);
	arena_free(&apply->arena);
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
