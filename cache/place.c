/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The tree of directory/ while it is changed: finding the place of an entry, moving, merging and pruning.
 */
#include <config.h>

#include "cache/apply_internal.h"

#include <errno.h>

int
place_split(struct apply *apply, struct span dn, struct rdn **out_rdns, size_t *out_depth)
{
	const struct replica *replica = apply->replica;
	struct rdn *rdns;
	size_t count;
	int r = dn_split(dn, &apply->arena, &rdns, &count);

	if (r < 0)
		return r;
	if (count < replica->base_count)
		return -EXDEV;
	for (size_t i = 0; i < replica->base_count; i++)
		if (!span_is(rdns[count - replica->base_count + i].normalised, replica->base[i].normalised))
			return -EXDEV;
	if (count - replica->base_count > REPLICA_DEPTH_MAX)
		return -ELOOP;
	*out_rdns = rdns;
	*out_depth = count - replica->base_count;
	return 0;
}

void
place_forget(struct apply *apply)
{
	apply->memo.depth = 0;
}

/* LEVEL 0 is a child of the base. */
static void
remember(struct memo *memo, size_t level, struct span normalised, uint64_t id)
{
	if (level >= MEMO_DEPTH || level > memo->depth)
		return;
	text_clear(&memo->names[level]);
	text_put_span(&memo->names[level], normalised);
	memo->ids[level] = id;
	memo->depth = text_failed(&memo->names[level]) ? level : level + 1;
}

void
place_remember(struct apply *apply, const struct rdn *rdns, size_t depth, uint64_t id)
{
	if (depth > 0)
		remember(&apply->memo, depth - 1, rdns[0].normalised, id);
}

uint64_t
place_new_id(struct apply *apply)
{
	return apply->next_id++;
}

/* A node without an entry, at PARENT as RDN. */
static int
make_node(struct apply *apply, uint64_t parent, const struct rdn *rdn, uint64_t *out_id)
{
	uint64_t id = place_new_id(apply);
	uint8_t key[REPLICA_ID_LEN];
	int r;

	replica_id_put(key, id);
	text_clear(&apply->row);
	replica_node_put(&apply->row, parent, rdn->text, NULL);
	r = store_put(apply->txn, REPLICA_NODE, span_from(key, sizeof(key)), text_span(&apply->row));
	if (r == 0)
		r = replica_child_put(apply->txn, parent, rdn->normalised, id);
	if (r == 0)
		*out_id = id;
	return r;
}

int
place_parent(struct apply *apply, const struct rdn *rdns, size_t depth, uint64_t *out_parent)
{
	struct memo *memo = &apply->memo;
	uint64_t parent = REPLICA_ROOT;
	bool known = true;

	for (size_t level = 0; level + 1 < depth; level++) {
		const struct rdn *rdn = &rdns[depth - 1 - level];
		uint64_t id;
		int r;

		if (known && level < memo->depth && span_is(text_span(&memo->names[level]), rdn->normalised)) {
			parent = memo->ids[level];
			continue;
		}
		if (known && memo->depth > level)
			memo->depth = level;
		known = false;
		r = replica_child(apply->txn, parent, rdn->normalised, &id);
		if (r == 0)
			r = make_node(apply, parent, rdn, &id);
		if (r < 0)
			return r;
		remember(memo, level, rdn->normalised, id);
		parent = id;
	}
	if (depth > 0 && known && memo->depth > depth - 1)
		memo->depth = depth - 1;
	*out_parent = parent;
	return 0;
}

/* --- moving -------------------------------------------------------------------------------------- */

static int
collect_child(void *context, uint64_t id)
{
	struct text *ids = context;

	text_put_span(ids, span_from(&id, sizeof(id)));
	return text_failed(ids) ? -ENOMEM : 0;
}

static uint64_t
collected(const struct text *ids, size_t i)
{
	uint64_t id;

	memcpy(&id, ids->data + i * sizeof(id), sizeof(id));
	return id;
}

/* The numbers of all nodes below ID, each after its parent. */
static int
collect_below(struct apply *apply, uint64_t id, struct text *ids)
{
	int r = replica_each_child(apply->txn, id, collect_child, ids);

	for (size_t i = 0; r == 0 && i < ids->len / sizeof(id); i++)
		r = replica_each_child(apply->txn, collected(ids, i), collect_child, ids);
	return r;
}

/* Takes away (APPEAR false) or adds what the nodes IDS contribute at the places where they stand now. */
static int
contribute(struct apply *apply, const struct text *ids, bool appear)
{
	struct arena arena = ARENA_INIT;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ids->len / sizeof(uint64_t); i++) {
		const struct mapped nothing = { .problems = TEXT_INIT };
		cleanup(mapped_free) struct mapped mapped;

		r = touch_map_stored(apply, collected(ids, i), &arena, &mapped);
		if (r == 0)
			r = touch_replace(apply, collected(ids, i), appear ? &nothing : &mapped, appear ? &mapped : &nothing);
		arena_reset(&arena);
	}
	arena_free(&arena);
	return r < 0 ? r : 0;
}

/* How a node is named below PARENT: in limbo by its number. */
static struct span
name_below(uint64_t parent, uint64_t id, struct span normalised, uint8_t room[REPLICA_ID_LEN])
{
	if (parent != REPLICA_LIMBO)
		return normalised;
	replica_id_put(room, id);
	return span_from(room, REPLICA_ID_LEN);
}

/* Writes node ID's row and its place below its parent anew. */
static int
replant(struct apply *apply, uint64_t id, uint64_t parent, struct span text, struct span normalised)
{
	uint8_t key[REPLICA_ID_LEN], limbo[REPLICA_ID_LEN];
	struct rdn *old = NULL;
	struct replica_node node;
	struct entry entry;
	size_t count;
	int r = replica_node(apply->txn, id, &node);

	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	r = dn_split(node.rdn, &apply->arena, &old, &count);
	if (r < 0)
		return r;
	text_clear(&apply->row);
	if (node.has_entry) {
		r = replica_node_entry(&node, &apply->arena, &entry);
		if (r < 0)
			return r;
	}
	replica_node_put(&apply->row, parent, text, node.has_entry ? &entry : NULL);
	r = replica_child_delete(apply->txn, node.parent,
	                         name_below(node.parent, id, count == 1 ? old[0].normalised : SPAN(""), limbo), id);
	if (r < 0)
		return r;
	replica_id_put(key, id);
	r = store_put(apply->txn, REPLICA_NODE, span_from(key, sizeof(key)), text_span(&apply->row));
	if (r < 0)
		return r;
	return replica_child_put(apply->txn, parent, name_below(parent, id, normalised, limbo), id);
}

int
place_doubt(struct apply *apply, uint64_t id)
{
	cleanup(text_free) struct text ids = TEXT_INIT;
	int r;

	if (!apply->refreshing || apply->doubt)
		return 0;
	r = collect_below(apply, id, &ids);
	for (size_t i = 0; r == 0 && i < ids.len / sizeof(id); i++)
		apply->doubt |= seen_has(&apply->told, collected(&ids, i));
	return r;
}

int
place_move(struct apply *apply, uint64_t id, uint64_t parent, const struct rdn *rdn)
{
	cleanup(text_free) struct text ids = TEXT_INIT;
	int r = collect_below(apply, id, &ids);

	place_forget(apply);
	if (r == 0)
		r = contribute(apply, &ids, false);
	if (r == 0)
		r = replant(apply, id, parent, rdn != NULL ? rdn->text : SPAN(""), rdn != NULL ? rdn->normalised : SPAN(""));
	if (r == 0)
		r = contribute(apply, &ids, true);
	return r;
}

int
place_displace(struct apply *apply, uint64_t id)
{
	cleanup(text_free) struct text own = TEXT_INIT;
	int r = place_doubt(apply, id);

	apply->doubt |= apply->refreshing && seen_has(&apply->told, id);
	if (r == 0)
		r = collect_child(&own, id);
	if (r == 0)
		r = contribute(apply, &own, false);
	if (r == 0)
		r = place_move(apply, id, REPLICA_LIMBO, NULL);
	return r;
}

int
place_is_within(struct apply *apply, uint64_t id, uint64_t above)
{
	while (id != above) {
		struct replica_node node;
		int r;

		if (id == REPLICA_ROOT || id == REPLICA_LIMBO)
			return 0;
		r = replica_node(apply->txn, id, &node);
		if (r <= 0)
			return r < 0 ? r : -EBADMSG;
		id = node.parent;
	}
	return 1;
}

/* Removes node ID if it holds no entry and nothing is below it: 1 and its parent, or 0. */
static int
prune_one(struct apply *apply, uint64_t id, uint64_t *out_parent)
{
	uint8_t key[REPLICA_ID_LEN], limbo[REPLICA_ID_LEN];
	struct replica_node node;
	struct rdn *rdns;
	size_t count;
	int r = replica_node(apply->txn, id, &node);

	if (r <= 0 || node.has_entry)
		return r < 0 ? r : 0;
	r = replica_has_children(apply->txn, id);
	if (r != 0)
		return r < 0 ? r : 0;
	r = dn_split(node.rdn, &apply->arena, &rdns, &count);
	if (r < 0)
		return r;
	r = replica_child_delete(apply->txn, node.parent,
	                         name_below(node.parent, id, count == 1 ? rdns[0].normalised : SPAN(""), limbo), id);
	if (r < 0)
		return r;
	replica_id_put(key, id);
	r = store_delete(apply->txn, REPLICA_NODE, span_from(key, sizeof(key)));
	if (r < 0)
		return r;
	place_forget(apply);
	*out_parent = node.parent;
	return 1;
}

/* NODE comes to the place of TAKEN: 0 when the way is free for it, 1 when it is gone or waits in the limbo. */
static int
unite(struct apply *apply, const struct replica_node *node, uint64_t taken)
{
	struct replica_node there;
	int r = replica_node(apply->txn, taken, &there);

	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	if (!there.has_entry && node->has_entry)
		return place_merge(apply, taken, node->id);
	r = there.has_entry && node->has_entry ? place_displace(apply, node->id) : place_merge(apply, node->id, taken);
	return r < 0 ? r : 1;
}

int
place_merge(struct apply *apply, uint64_t from, uint64_t to)
{
	cleanup(text_free) struct text ids = TEXT_INIT;
	uint64_t parent;
	int r = replica_each_child(apply->txn, from, collect_child, &ids);

	for (size_t i = 0; r == 0 && i < ids.len / sizeof(uint64_t); i++) {
		struct replica_node node;
		struct rdn *rdns;
		size_t count;
		uint64_t taken;

		r = replica_node(apply->txn, collected(&ids, i), &node);
		if (r <= 0)
			return r < 0 ? r : -ENOENT;
		r = dn_split(span_from(arena_copy(&apply->arena, node.rdn).data, node.rdn.len), &apply->arena, &rdns, &count);
		if (r < 0 || count != 1)
			return r < 0 ? r : -EBADMSG;
		r = replica_child(apply->txn, to, rdns[0].normalised, &taken);
		if (r == 1)
			r = unite(apply, &node, taken);
		if (r == 0)
			r = place_move(apply, collected(&ids, i), to, &rdns[0]);
		if (r == 1)
			r = 0;
	}
	/* Not its ancestors: TO is about to stand there. */
	r = r < 0 ? r : prune_one(apply, from, &parent);
	return r < 0 ? r : 0;
}

int
place_prune(struct apply *apply, uint64_t id)
{
	int r = 1;

	while (r == 1 && id >= REPLICA_FIRST)
		r = prune_one(apply, id, &id);
	return r < 0 ? r : 0;
}
