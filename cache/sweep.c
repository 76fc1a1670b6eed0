/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What a complete refresh did not mention is gone; but not before the brake has weighed it.
 *
 * An admin who loses a read right, or a provider that came up half empty, must not empty name servers. A
 * sweep that would remove more than max(5, min(P %, 500)) zones, or more than max(5, P %) of the records, waits until
 * someone says go. What the provider announced one by one never comes here.
 */
#include <config.h>

#include "cache/apply_internal.h"

#include <errno.h>

enum { BRAKE_FREE = 5, BRAKE_ZONES_MAX = 500, SWEEP_BATCH = 1000 };

/* --- the entries that were mentioned -------------------------------------------------------------- */

int
seen_mark(struct seen *seen, uint64_t id)
{
	if (id >= seen->room) {
		uint64_t room = seen->room != 0 ? seen->room : 1 << 16;
		uint8_t *bits;

		while (room <= id)
			room *= 2;
		bits = realloc(seen->bits, room / 8);
		if (bits == NULL)
			return -ENOMEM;
		memset(bits + seen->room / 8, 0, (room - seen->room) / 8);
		seen->bits = bits;
		seen->room = room;
	}
	seen->bits[id / 8] |= (uint8_t)(1u << (id % 8));
	return 0;
}

bool
seen_has(const struct seen *seen, uint64_t id)
{
	return id < seen->room && (seen->bits[id / 8] & 1u << (id % 8)) != 0;
}

void
seen_clear(struct seen *seen)
{
	free(seen->bits);
	*seen = (struct seen){ NULL, 0 };
}

/* --- weighing -------------------------------------------------------------------------------------- */

struct kinds {
	bool zone, record;
};

static bool
has_class(const struct entry *entry, struct span class)
{
	const struct attribute *classes = entry_find(entry, SPAN("objectClass"));

	for (size_t i = 0; classes != NULL && i < classes->count; i++)
		if (span_is_nocase(classes->values[i], class))
			return true;
	return false;
}

static int
kinds_of(struct apply *apply, const struct replica_node *node, struct kinds *out)
{
	const struct profile *profile = apply->options.dns->profile;
	struct entry entry;
	int r = replica_node_entry(node, &apply->arena, &entry);

	if (r == 0) {
		out->record = has_class(&entry, profile->record_class);
		out->zone = has_class(&entry, profile->domain_class) && node->parent == REPLICA_ROOT;
		/* A zone without its SOA is no zone either. */
		if (out->record && entry_find(&entry, SPAN("sOARecord")) != NULL)
			out->zone = true;
	}
	arena_reset(&apply->arena);
	return r;
}

/* Calls EACH for every node that holds an entry, with the number of the last one in *FROM, until it returns nonzero. */
static int
each_entry(struct apply *apply, uint64_t *from, int (*each)(struct apply *, const struct replica_node *, void *),
           void *context)
{
	cleanup(store_cursor_closep) struct store_cursor *cursor = NULL;
	uint8_t start[REPLICA_ID_LEN];
	struct span key, value;
	int r = store_cursor_open(apply->txn, REPLICA_NODE, &cursor);

	if (r < 0)
		return r;
	replica_id_put(start, *from);
	r = store_cursor_seek(cursor, span_from(start, sizeof(start)), &key, &value);
	while (r == 1) {
		struct replica_node node;

		*from = replica_id_get((const uint8_t *)key.data);
		r = replica_node(apply->txn, *from, &node);
		if (r < 0)
			return r;
		if (node.has_entry) {
			r = each(apply, &node, context);
			if (r != 0)
				return r;
		}
		r = store_cursor_next(cursor, &key, &value);
	}
	return r;
}

static int
find_unseen(struct apply *apply, const struct replica_node *node, void *context)
{
	(void)context;
	return !seen_has(&apply->seen, node->id);
}

static int
weigh_entry(struct apply *apply, const struct replica_node *node, void *context)
{
	struct brake_figures *figures = context;
	bool goes = !seen_has(&apply->seen, node->id);
	struct kinds kinds = { false, false };
	int r = kinds_of(apply, node, &kinds);

	if (r < 0)
		return r;
	figures->zones_total += kinds.zone;
	figures->records_total += kinds.record;
	figures->entries += goes;
	figures->zones += goes && kinds.zone;
	figures->records += goes && kinds.record;
	return 0;
}

static uint64_t
brake_limit(uint64_t total, unsigned percent, uint64_t most)
{
	uint64_t limit = total * percent / 100;

	if (limit > most)
		limit = most;
	return limit > BRAKE_FREE ? limit : BRAKE_FREE;
}

int
sweep_weigh(struct apply *apply, struct brake_figures *out)
{
	struct brake_figures figures = { 0 };
	unsigned percent = apply->options.brake_percent;
	uint64_t from = 0;
	int r = apply_begin(apply);

	if (r == 0)
		r = each_entry(apply, &from, find_unseen, NULL);
	if (r < 0)
		return r;
	if (r == 1) {
		from = 0;
		r = each_entry(apply, &from, weigh_entry, &figures);
		if (r < 0)
			return r;
	}
	*out = figures;
	/* A zone leaves as two entries: its domain and its SOA. */
	return figures.zones > 2 * brake_limit(figures.zones_total / 2, percent, BRAKE_ZONES_MAX) ||
	       figures.records > brake_limit(figures.records_total, percent, UINT64_MAX);
}

/* --- removal --------------------------------------------------------------------------------------- */

int
sweep_remove(struct apply *apply, uint64_t id)
{
	const struct mapped nothing = { .problems = TEXT_INIT };
	cleanup(mapped_free) struct mapped before = { .problems = TEXT_INIT };
	uint8_t key[REPLICA_ID_LEN], uuid[ENTRY_UUID_LEN];
	struct replica_node node;
	uint64_t indexed;
	int r = replica_node(apply->txn, id, &node);

	if (r <= 0 || !node.has_entry)
		return r < 0 ? r : 0;
	memcpy(uuid, node.uuid, sizeof(uuid));
	text_clear(&apply->row);
	replica_node_put(&apply->row, node.parent, node.rdn, NULL);
	r = touch_map_stored(apply, id, &apply->arena, &before);
	if (r == 0)
		r = touch_replace(apply, id, &before, &nothing);
	if (r < 0)
		return r;
	r = replica_uuid(apply->txn, uuid, &indexed);
	if (r == 1 && indexed == id)
		r = replica_uuid_delete(apply->txn, uuid);
	if (r < 0)
		return r;
	replica_id_put(key, id);
	r = store_put(apply->txn, REPLICA_NODE, span_from(key, sizeof(key)), text_span(&apply->row));
	if (r < 0)
		return r;
	apply->entries--;
	return place_prune(apply, id);
}

int
sweep_run(struct apply *apply)
{
	uint64_t from = 0;
	int r = 0;

	for (size_t removed = 0; r == 0; removed++) {
		r = apply_begin(apply);
		if (r == 0)
			r = each_entry(apply, &from, find_unseen, NULL);
		if (r <= 0)
			break;
		r = sweep_remove(apply, from);
		if (r == 0)
			r = touch_finish(apply, 0);
		arena_reset(&apply->arena);
		if (r == 0 && removed % SWEEP_BATCH == SWEEP_BATCH - 1)
			r = apply_commit(apply);
	}
	return r;
}
