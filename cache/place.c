/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The tree of directory/ while it is changed: finding the place of an entry, moving, merging and pruning.
 */
#include <config.h>

#include "cache/apply_internal.h"

#include <errno.h>

enum { PLACE_STEPS_MAX = 1000 }; /* a path that is longer is a circle */

int
place_split(struct apply *apply, struct span dn, struct rdn **out_rdns, size_t *out_depth)
{
	const struct replica *replica = apply->replica;
	struct rdn *rdns;
	size_t count;
	int r = dn_trail_split(&apply->trail, dn, &apply->arena, &rdns, &count);

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
replant(struct apply *apply, uint64_t id, uint64_t parent, struct span text, struct span normalised,
        uint64_t *out_old_parent)
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
	*out_old_parent = node.parent;
	return replica_child_put(apply->txn, parent, name_below(parent, id, normalised, limbo), id);
}

int
place_move(struct apply *apply, uint64_t id, uint64_t parent, const struct rdn *rdn)
{
	cleanup(text_free) struct text ids = TEXT_INIT;
	uint64_t old_parent = parent;
	int r = collect_below(apply, id, &ids);

	place_forget(apply);
	if (r == 0)
		r = contribute(apply, &ids, false);
	if (r == 0)
		r = replant(apply, id, parent, rdn != NULL ? rdn->text : SPAN(""), rdn != NULL ? rdn->normalised : SPAN(""),
		            &old_parent);
	if (r == 0)
		r = contribute(apply, &ids, true);
	if (r == 0 && old_parent != parent)
		r = place_prune(apply, old_parent);
	return r;
}

int
place_displace(struct apply *apply, uint64_t id)
{
	cleanup(text_free) struct text own = TEXT_INIT;
	int r = collect_child(&own, id);

	if (r == 0)
		r = contribute(apply, &own, false);
	if (r == 0)
		r = place_move(apply, id, REPLICA_LIMBO, NULL);
	return r;
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

static int
is_told(const struct apply *apply, uint64_t id)
{
	return apply->refreshing && seen_has(&apply->told, id);
}

/* The RDN of node ID, in the event's arena. */
static int
own_rdn(struct apply *apply, uint64_t id, struct rdn *out, bool *out_has_entry)
{
	struct replica_node node;
	struct rdn *rdns;
	size_t count;
	int r = replica_node(apply->txn, id, &node);

	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	r = dn_split(node.rdn, &apply->arena, &rdns, &count);
	if (r < 0 || count != 1)
		return r < 0 ? r : -EBADMSG;
	*out = rdns[0];
	*out_has_entry = node.has_entry;
	return 0;
}

static int
first_child(void *context, uint64_t id)
{
	*(uint64_t *)context = id;
	return 1;
}

/* place_move with the fragments of the node's own entry. */
static int
carry(struct apply *apply, uint64_t id, uint64_t parent, const struct rdn *rdn)
{
	cleanup(text_free) struct text own = TEXT_INIT;
	int r = collect_child(&own, id);

	if (r == 0)
		r = contribute(apply, &own, false);
	if (r == 0)
		r = place_move(apply, id, parent, rdn);
	return r < 0 ? r : contribute(apply, &own, true);
}

static int displace(struct apply *apply, uint64_t id);

/* Gives CHILD, which stands below a place that TO is to take, to TO. */
static int
merge_child(struct apply *apply, uint64_t child, uint64_t to)
{
	struct rdn rdn, other;
	bool has_entry, taken_has_entry;
	uint64_t taken;
	int r = own_rdn(apply, child, &rdn, &has_entry);

	if (r == 0)
		r = replica_child(apply->txn, to, rdn.normalised, &taken);
	if (r <= 0)
		return r < 0 ? r : carry(apply, child, to, &rdn);
	if (!has_entry)
		return place_merge(apply, child, taken);
	r = own_rdn(apply, taken, &other, &taken_has_entry);
	if (r < 0)
		return r;
	if (!taken_has_entry)
		r = place_merge(apply, taken, child);
	else if (is_told(apply, child))
		r = displace(apply, taken);
	else
		return displace(apply, child);
	return r < 0 ? r : carry(apply, child, to, &rdn);
}

int
place_merge(struct apply *apply, uint64_t from, uint64_t to)
{
	uint64_t child, parent;
	int r;

	while ((r = replica_each_child(apply->txn, from, first_child, &child)) == 1) {
		r = merge_child(apply, child, to);
		if (r < 0)
			return r;
	}
	/* Not its ancestors: TO is about to stand there. */
	r = r < 0 ? r : prune_one(apply, from, &parent);
	return r < 0 ? r : 0;
}

/* --- finding ------------------------------------------------------------------------------------- */

/* Whether node ID is TOP or stands below it. */
static int
is_within(struct apply *apply, uint64_t id, uint64_t top)
{
	struct replica_node node;
	size_t steps = 0;

	while (id != top) {
		int r = id < REPLICA_FIRST ? 0 : replica_node(apply->txn, id, &node);

		if (r <= 0)
			return r;
		if (steps++ == PLACE_STEPS_MAX)
			return -ELOOP;
		id = node.parent;
	}
	return 1;
}

/* Whether a refresh has told the place of something below node ID. */
static int
has_told(struct apply *apply, uint64_t id)
{
	cleanup(text_free) struct text ids = TEXT_INIT;
	int r = apply->refreshing && !apply->loading ? collect_below(apply, id, &ids) : 0;

	for (size_t i = 0; r == 0 && i < ids.len / sizeof(id); i++)
		r = is_told(apply, collected(&ids, i));
	return r;
}

/* Moves what a refresh has told below node ID to below node TO, under the same names. */
static int
split(struct apply *apply, uint64_t id, uint64_t to)
{
	cleanup(text_free) struct text children = TEXT_INIT;
	int r = replica_each_child(apply->txn, id, collect_child, &children);

	for (size_t i = 0; r == 0 && i < children.len / sizeof(id); i++) {
		uint64_t child = collected(&children, i), place;
		struct rdn rdn;
		bool has_entry;

		r = own_rdn(apply, child, &rdn, &has_entry);
		if (r < 0)
			break;
		if (is_told(apply, child)) {
			r = carry(apply, child, to, &rdn);
			continue;
		}
		r = has_told(apply, child);
		if (r == 1) {
			r = make_node(apply, to, &rdn, &place);
			if (r == 0)
				r = split(apply, child, place);
		}
	}
	return r;
}

/* Node ID leaves its place. What a refresh has told to stand below that place stays there: it may be another's by now. */
static int
displace(struct apply *apply, uint64_t id)
{
	struct arena arena = ARENA_INIT;
	struct rdn *rdns = NULL;
	size_t depth = 0;
	uint64_t parent, place;
	bool limbo = false;
	int stays = has_told(apply, id);
	int r = stays < 0 ? stays : replica_path(apply->txn, id, &arena, &rdns, &depth, &limbo);

	if (r == -ELOOP) {
		r = 0;
		limbo = true;
	}
	if (r == 0)
		r = place_displace(apply, id);
	if (r == 0 && stays == 1 && !limbo) {
		r = place_parent(apply, rdns, depth, &parent);
		if (r == 0)
			r = make_node(apply, parent, &rdns[0], &place);
		if (r == 0)
			r = split(apply, id, place);
		place_forget(apply);
	}
	arena_free(&arena);
	return r;
}

/* AT stands where ENTRY is to stand, which is node ID (0: unknown). 1 when ENTRY is to be AT, 0 when AT made room. */
static int
make_room(struct apply *apply, const struct entry *entry, uint64_t at, uint64_t id)
{
	struct replica_node there;
	uint64_t indexed = 0;
	int r = replica_node(apply->txn, at, &there);

	if (r <= 0)
		return r < 0 ? r : -EBADMSG;
	if (!there.has_entry) {
		/* A place that waited for its entry. */
		if (id == 0)
			return 1;
		r = is_within(apply, id, at);
		if (r == 1)
			r = displace(apply, id);
		return r < 0 ? r : place_merge(apply, at, id);
	}
	if (apply->options.by_dn)
		return apply->refreshing && seen_has(&apply->seen, at) ? -EEXIST : 1;
	if (memcmp(there.uuid, entry->uuid, ENTRY_UUID_LEN) == 0)
		return 1;
	/* What came from a file is known by its DN only: it is this entry. */
	r = replica_uuid(apply->txn, there.uuid, &indexed);
	if (r < 0 || (indexed != at && id == 0))
		return r < 0 ? r : 1;
	return displace(apply, at);
}

int
place_find(struct apply *apply, const struct entry *entry, const struct rdn *rdns, size_t depth, uint64_t *out_parent,
           uint64_t *out_id)
{
	uint64_t id = 0, at = 0, parent = 0, before = 0;
	bool leaves = false;
	int r = 0;

	if (!apply->options.by_dn)
		r = replica_uuid(apply->txn, entry->uuid, &id);
	if (r >= 0 && depth == 0)
		id = REPLICA_ROOT;
	while (r >= 0 && depth > 0) {
		/* Anew each time: what makes room may take the way to that place along. */
		r = place_parent(apply, rdns, depth, &parent);
		if (r == 0 && before != parent && before != 0)
			r = place_prune(apply, before);
		before = parent;
		if (r == 0)
			r = replica_child(apply->txn, parent, rdns[0].normalised, &at);
		if (r < 0 || (r == 1 && at == id))
			break;
		if (id != 0 && !leaves) {
			int inside = is_within(apply, parent, id);

			leaves = true;
			if (inside == 0)
				inside = has_told(apply, id);
			r = inside == 1 ? displace(apply, id) : inside;
			if (r < 0)
				break;
			continue;
		}
		if (r == 0)
			break;
		r = make_room(apply, entry, at, id);
		if (r == 1) {
			id = at;
			break;
		}
	}
	if (r < 0)
		return r;
	*out_parent = parent;
	*out_id = id;
	return 0;
}

static int
is_lost(void *context, uint64_t id)
{
	const struct apply *apply = context;

	return !seen_has(&apply->told, id);
}

int
place_has_lost(struct apply *apply)
{
	int r = apply_begin(apply);

	return r < 0 ? r : replica_each_child(apply->txn, REPLICA_LIMBO, is_lost, apply);
}

int
place_prune(struct apply *apply, uint64_t id)
{
	int r = 1;

	while (r == 1 && id >= REPLICA_FIRST)
		r = prune_one(apply, id, &id);
	return r < 0 ? r : 0;
}
