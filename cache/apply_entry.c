/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What is said of one entry: it is there and looks like this, it is there, it is gone.
 */
#include <config.h>

#include "cache/apply_internal.h"

#include "common/log.h"

#include <errno.h>

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

/* NODE is what it was before, if it was; IS_UNKNOWN: no node has the entry's UUID. */
static int
index_uuid(struct apply *apply, uint64_t id, const struct replica_node *node, bool is_unknown, const struct entry *entry)
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
	r = is_unknown ? 0 : replica_uuid(apply->txn, entry->uuid, &indexed);
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
	bool exists = false, is_new;
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
	is_new = id == 0;
	if (is_new)
		id = place_new_id(apply);
	if (!node.has_entry)
		apply->entries++;
	r = index_uuid(apply, id, exists ? &node : NULL, is_new, entry);
	if (r == 0)
		r = write_node(apply, id, !exists, parent, own);
	if (r == 0)
		r = project_map(apply->options.project, &placed, &apply->arena, &after);
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

int
apply_on_entry(void *context, const struct entry *entry)
{
	struct apply *apply = context;
	struct entry kept;
	uint64_t id = 0;
	int r;

	apply_lock(apply);
	r = apply_begin(apply);
	if (r == 0) {
		profile_filter(apply->options.project->profile, &apply->known_names, entry, apply->kept, &kept);
		r = is_unchanged(apply, &kept, &id);
		if (r == 0)
			r = apply_one(apply, &kept, &id);
		if (r == 1)
			r = mention(apply, id);
		if (r == 0 && apply->refreshing && !apply->loading && id != 0)
			r = seen_mark(&apply->told, id);
	}
	return apply_end_event(apply, r);
}

int
apply_on_present(void *context, const uint8_t uuid[ENTRY_UUID_LEN])
{
	struct apply *apply = context;
	uint64_t id;
	int r;

	apply_lock(apply);
	r = apply_begin(apply);
	if (r == 0)
		r = replica_uuid(apply->txn, uuid, &id);
	if (r == 1)
		r = mention(apply, id);
	return apply_end_event(apply, r);
}

int
apply_on_gone(void *context, const uint8_t uuid[ENTRY_UUID_LEN])
{
	struct apply *apply = context;
	uint64_t id;
	int r;

	apply_lock(apply);
	r = apply_begin(apply);
	if (r == 0)
		r = replica_uuid(apply->txn, uuid, &id);
	if (r == 1) {
		r = sweep_remove(apply, id);
		if (r == 0)
			r = touch_finish(apply, 0);
	}
	return apply_end_event(apply, r);
}
