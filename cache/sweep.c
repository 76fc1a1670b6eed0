/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What a complete refresh did not mention is gone; but not before the brake has weighed it.
 *
 * An admin who loses a read right, or a provider that came up half empty, must not empty name servers, or let mail be refused. A sweep
 * that would end more than max(5, min(P %, 500)) zones or mail domains, or take as many addresses or accounts from domains that stay,
 * or more than max(5, P %) of the records from zones that stay, waits until someone says go. What the provider announced one by one
 * never comes here.
 */
#include <config.h>

#include "cache/apply_internal.h"

#include "cache/project_dns_payload.h"

#include <errno.h>

enum { BRAKE_FREE = 5, BRAKE_MAX = 500, SWEEP_BATCH = 1000 };

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

/* Fragments are sorted by subject, so a zone's stand together. Zones that go, by their reversed names one after
 * another, each behind its length; no more than the brake would let go. */
struct weighing {
	struct apply *apply;
	struct brake_figures figures;
	struct reduced reduced;
	struct text going, masters; /* masters: of each replica that stays */
	size_t going_count;
	struct key zone;              /* the one that is being weighed, its key with the letter */
	uint64_t lost, gained, count; /* its fragments */
	struct text kept, all;        /* struct held_fragment each */
};

static void
no_dn(void *context, uint64_t entry_id, struct text *out_dn)
{
	(void)context;
	(void)entry_id;
	text_clear(out_dn);
}

/* Whether the zone would be served with FRAGMENTS: 1 and its record, which is in W until the next call, 0 or negative. */
static int
is_served(struct weighing *w, const struct text *fragments, struct zone_record *out_zone)
{
	const struct reduce_input input = {
		.subject = key_span(&w->zone),
		.count = fragments->len / sizeof(struct held_fragment),
		.fragments = (const struct held_fragment *)(const void *)fragments->data,
		.served = SPAN(""),
		.dn_of = no_dn,
	};
	struct zone_record zone;
	int r = text_failed(fragments) ? -ENOMEM : project_dns_reduce(w->apply->options.project->dns, &input, &w->reduced);

	if (r < 0 || !w->reduced.present)
		return r;
	r = zone_record_read(text_span(&w->reduced.value), &zone);
	if (r < 0)
		return r;
	*out_zone = zone;
	return zone.kind == ZONE_REPLICA || (zone.kind == ZONE_PRIMARY && zone.has_soa);
}

/* Puts the octets of a zone's key, without the letter, behind their length. */
static void
note_zone(struct text *out, const struct key *zone)
{
	uint8_t len = (uint8_t)(zone->len - 1);

	text_put_span(out, span_from(&len, 1));
	text_put_span(out, span_skip(key_span(zone), 1));
}

static int
note_replica(struct weighing *w, struct span master)
{
	struct dname name;
	struct key zone;

	if (dname_from_wire(master, &name) < 0)
		return -EBADMSG;
	key_zone(&zone, &name);
	note_zone(&w->masters, &zone);
	return 0;
}

/* What is served only counts: a domain without DNS makes no zone more bearable to lose. */
static int
end_zone(struct weighing *w)
{
	struct zone_record zone;
	int r = is_served(w, &w->all, &zone);

	if (r <= 0)
		return r;
	w->figures.zones_total++;
	if (w->lost > 0) {
		r = is_served(w, &w->kept, &zone);
		if (r < 0)
			return r;
	}
	if (r == 1)
		return zone.kind == ZONE_REPLICA ? note_replica(w, zone.master) : 0;
	w->figures.zones++;
	if (w->going_count++ < 2 * BRAKE_MAX)
		note_zone(&w->going, &w->zone);
	return 0;
}

/* Replicas whose master goes are served no more either. */
static void
count_orphans(struct weighing *w)
{
	for (struct span masters = text_span(&w->masters); w->going.len > 0 && masters.len > 0;) {
		struct span master = span_from(masters.data, 1u + (uint8_t)masters.data[0]);

		for (struct span going = text_span(&w->going); going.len > 0;) {
			struct span zone = span_from(going.data, 1u + (uint8_t)going.data[0]);

			if (zone.len == master.len && memcmp(zone.data, master.data, zone.len) == 0) {
				w->figures.zones++;
				break;
			}
			going = span_skip(going, zone.len);
		}
		masters = span_skip(masters, master.len);
	}
}

static void
add_zone_fragment(struct weighing *w, const struct held_fragment *fragment)
{
	struct span octets = span_from(fragment, sizeof(*fragment));

	text_put_span(&w->all, octets);
	if (seen_has(&w->apply->seen, fragment->entry_id))
		text_put_span(&w->kept, octets);
}

/* Whether the zone that was weighed goes itself; zones come in the order in which they were noted. */
static bool
is_going(struct weighing *w, struct span *going)
{
	struct span zone = span_skip(key_span(&w->zone), 1);

	while (going->len > 0) {
		struct span first = span_from(going->data + 1, (uint8_t)going->data[0]);
		size_t n = first.len < zone.len ? first.len : zone.len;
		int order = memcmp(first.data, zone.data, n);

		if (order > 0 || (order == 0 && first.len > zone.len))
			return false;
		if (order == 0 && first.len == zone.len)
			return true;
		*going = span_skip(*going, 1 + first.len);
	}
	return false;
}

static void
end_nodes(struct weighing *w, struct span *going)
{
	w->figures.records_total += w->count;
	/* What is rewritten by delete and add is not lost. */
	if (w->lost > w->gained && !is_going(w, going))
		w->figures.records += w->lost - w->gained;
}

/* The part of SUBJECT that names the zone, with the letter. */
static struct span
zone_part(struct span subject)
{
	size_t n = 1;

	/* No label has a zero length, so the first zero that stands for a length ends the zone's name. */
	while (n < subject.len && subject.data[n] != 0)
		n += 1 + (uint8_t)subject.data[n];
	return span_from(subject.data, n < subject.len ? n : subject.len);
}

/* Weighs all zones (LETTER z) or the records of all zones (n). */
static int
weigh_fragments(struct weighing *w, char letter)
{
	cleanup(store_cursor_closep) struct store_cursor *cursor = NULL;
	struct span key, value = SPAN(""), going = text_span(&w->going);
	int r = store_cursor_open(w->apply->txn, REPLICA_FRAGMENT, &cursor);

	w->zone.len = 0;
	if (r == 0)
		r = store_cursor_seek(cursor, span_from(&letter, 1), &key, &value);
	for (;;) {
		struct held_fragment fragment = { .payload = value };
		struct span subject = { "", 0 }, zone;
		bool more = r == 1 && key.data[0] == letter;

		if (r < 0 || (more && replica_fragment_split(key, &subject, &fragment.entry_id) < 0))
			return r < 0 ? r : -EBADMSG;
		zone = zone_part(subject);
		if (w->zone.len > 0 && (!more || !span_is(zone, key_span(&w->zone)))) {
			if (letter == 'n')
				end_nodes(w, &going);
			else if ((r = end_zone(w)) < 0)
				return r;
			w->zone.len = 0;
		}
		if (!more)
			return 0;
		if (w->zone.len == 0) {
			memcpy(w->zone.octets, zone.data, zone.len);
			w->zone.len = zone.len;
			w->lost = w->gained = w->count = 0;
			text_clear(&w->all);
			text_clear(&w->kept);
		}
		w->count++;
		w->lost += !seen_has(&w->apply->seen, fragment.entry_id);
		w->gained += fragment.entry_id >= w->apply->first_new_id;
		if (letter == 'z')
			add_zone_fragment(w, &fragment);
		r = store_cursor_next(cursor, &key, &value);
	}
}

/* Whether the name that a computed PTR record points to goes with its zone. */
static bool
points_to_going(const struct weighing *w, struct span payload)
{
	struct span rest, own;
	struct dname name;
	struct key key;

	if (payload_open(payload, &rest) < 0 || payload_next_target(&rest, &name) <= 0)
		return false;
	key_zone(&key, &name);
	own = span_skip(key_span(&key), 1);
	for (struct span going = text_span(&w->going); going.len > 0;) {
		struct span zone = span_from(going.data + 1, (uint8_t)going.data[0]);

		/* Labels have their lengths before them: what begins alike is the same name, or above. */
		if (zone.len <= own.len && memcmp(zone.data, own.data, zone.len) == 0)
			return true;
		going = span_skip(going, 1 + zone.len);
	}
	return false;
}

/* Weighs the computed PTR records: they belong to no zone that has fragments of its own. */
static int
weigh_reverse(struct weighing *w)
{
	cleanup(store_cursor_closep) struct store_cursor *cursor = NULL;
	uint64_t lost = 0, gained = 0;
	struct span key, value;
	int r = store_cursor_open(w->apply->txn, REPLICA_FRAGMENT, &cursor);

	if (r == 0)
		r = store_cursor_seek(cursor, SPAN("r"), &key, &value);
	while (r == 1 && key.data[0] == 'r') {
		struct span subject;
		uint64_t id;

		if (replica_fragment_split(key, &subject, &id) < 0)
			return -EBADMSG;
		w->figures.records_total++;
		lost += !seen_has(&w->apply->seen, id) && !points_to_going(w, value);
		gained += id >= w->apply->first_new_id;
		r = store_cursor_next(cursor, &key, &value);
	}
	if (lost > gained)
		w->figures.records += lost - gained;
	return r < 0 ? r : 0;
}

static int
count_unseen(struct apply *apply, const struct replica_node *node, void *context)
{
	uint64_t *count = context;

	*count += !seen_has(&apply->seen, node->id);
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
	struct weighing w = { .apply = apply, .reduced = { .value = TEXT_INIT, .problems = TEXT_INIT } };
	const struct brake_figures *figures = &w.figures;
	unsigned percent = apply->options.brake_percent;
	uint64_t from = 0;
	int r = apply_begin(apply);

	if (r == 0)
		r = each_entry(apply, &from, count_unseen, &w.figures.entries);
	if (r == 0 && w.figures.entries > 0)
		r = weigh_fragments(&w, 'z');
	if (r == 0)
		count_orphans(&w);
	if (r == 0 && w.figures.entries > 0)
		r = weigh_fragments(&w, 'n');
	if (r == 0 && w.figures.entries > 0)
		r = weigh_reverse(&w);
	if (r == 0 && w.figures.entries > 0)
		r = sweep_weigh_mail(apply, &w.figures);
	if (r == 0 && (text_failed(&w.going) || text_failed(&w.masters)))
		r = -ENOMEM;
	if (r == 0) {
		*out = *figures;
		r = figures->zones > brake_limit(figures->zones_total, percent, BRAKE_MAX) ||
		    figures->records > brake_limit(figures->records_total, percent, UINT64_MAX) ||
		    figures->mail_domains > brake_limit(figures->mail_domains_total, percent, BRAKE_MAX) ||
		    figures->addresses > brake_limit(figures->addresses_total, percent, BRAKE_MAX) ||
		    figures->accounts > brake_limit(figures->accounts_total, percent, BRAKE_MAX);
	}
	text_free(&w.reduced.value);
	text_free(&w.reduced.problems);
	text_free(&w.going);
	text_free(&w.masters);
	text_free(&w.all);
	text_free(&w.kept);
	return r;
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
sweep_some(struct apply *apply, uint64_t *from)
{
	int r = apply_begin(apply);

	for (size_t removed = 0; r == 0; removed++) {
		if (removed == SWEEP_BATCH || store_dirty_pages(apply->txn) >= APPLY_DIRTY_MAX) {
			r = apply_commit(apply);
			return r < 0 ? r : 1;
		}
		r = each_entry(apply, from, find_unseen, NULL);
		if (r <= 0)
			break;
		r = sweep_remove(apply, *from);
		if (r == 0)
			r = touch_finish(apply, 0);
		arena_reset(&apply->arena);
	}
	return r;
}

int
sweep_run(struct apply *apply)
{
	uint64_t from = 0;
	int r;

	do
		r = sweep_some(apply, &from);
	while (r == 1);
	return r;
}
