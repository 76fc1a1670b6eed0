/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What a snapshot has told once: zones and nodes, found again without a search.
 *
 * Most questions are about few names, and between two commits of the writer they all see the same pages. What is kept here are
 * places in those pages, good for one snapshot: a new one begins a new epoch.
 */
#include <config.h>

#include "cache/read_dns.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- zones -------------------------------------------------------------------------------------- */

/* The place where the zone that so many labels spell is remembered, or another one with that hash. */
static struct known_zone *
place_of(struct dns_view *view, uint32_t hash)
{
	return &view->known_zones[(hash ^ hash >> 15) % KNOWN_ZONES];
}

/* One label more of a reversed name. */
static uint32_t
hash_label(uint32_t hash, const uint8_t *label)
{
	for (unsigned i = 0; i <= label[0]; i++)
		hash = (hash ^ label[i]) * 16777619u;
	return hash;
}

struct known_zone *
dns_known_zone(struct dns_view *view, const struct dns_question *question)
{
	uint32_t hash = 2166136261u;

	for (unsigned labels = 1; labels <= question->labels; labels++) {
		struct span name = span_from(question->reversed, question->ends[labels]);
		struct known_zone *known;

		hash = hash_label(hash, question->reversed + question->ends[labels - 1]);
		known = place_of(view, hash);
		if (known->epoch == view->epoch && known->below != BELOW_SOME && span_is(known->reversed, name))
			return known;
	}
	return NULL;
}

void
dns_remember_zone(struct dns_view *view, const struct dns_question *question, struct span row, struct dns_zone *zone)
{
	struct span reversed = span_skip(row, 1);
	uint32_t hash = 2166136261u;
	struct known_zone *known;

	for (unsigned labels = 1; labels <= zone->labels; labels++)
		hash = hash_label(hash, question->reversed + question->ends[labels - 1]);
	known = place_of(view, hash);
	zone->hints = &known->hints;
	if (known->epoch == view->epoch && span_is(known->reversed, reversed))
		return;
	known->epoch = view->epoch;
	known->below = BELOW_UNKNOWN;
	known->reversed = reversed;
	known->zone = *zone;
	known->hints = (struct dns_hints){ 0 };
}

/* --- nodes -------------------------------------------------------------------------------------- */

static uint64_t
mix(uint64_t hash, uint64_t octets)
{
	hash = (hash ^ octets) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 32;
}

uint64_t
dns_hash(struct span octets)
{
	uint64_t hash = octets.len, eight;
	size_t i = 0;

	for (; i + 8 <= octets.len; i += 8) {
		memcpy(&eight, octets.data + i, 8);
		hash = mix(hash, eight);
	}
	eight = 0;
	memcpy(&eight, octets.data + i, octets.len - i);
	return mix(hash, eight);
}

/* Pages of the usual size would each need a place in the processor's table of pages. */
static void *
table_new(size_t size)
{
	static const size_t huge = 2 << 20;
	void *table = aligned_alloc(size < huge ? size : huge, size);

	if (table == NULL)
		return NULL;
	(void)madvise(table, size, MADV_HUGEPAGE);
	memset(table, 0, size);
	return table;
}

/* A power of two, so that all threads of a machine with many processors take no more together. */
static size_t
count_name_sets(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t sets = KNOWN_NAMES_SETS_MAX;

	while (sets > 1024 && sets * sizeof(struct known_name[KNOWN_NAMES_A_SET]) * (size_t)processors > KNOWN_NAMES_OCTETS)
		sets /= 2;
	return sets;
}

void
dns_known_begin(struct dns_view *view)
{
	view->known_nodes = table_new(KNOWN_NODES_SETS * sizeof(*view->known_nodes));
}

/* Only where many zones are asked for is this worth its memory. */
static void
make_known_names(struct dns_view *view)
{
	view->known_name_sets = count_name_sets();
	view->known_names = table_new(view->known_name_sets * sizeof(*view->known_names));
}

void
dns_known_end(struct dns_view *view)
{
	free(view->known_nodes);
	free(view->known_names);
}

static uint16_t
tag_of(uint64_t hash, struct span key)
{
	_Static_assert(KEY_MAX < 1 << 9, "a key's length takes nine bits");
	return (uint16_t)(key.len << 7 | hash >> 57);
}

void
dns_expect(struct cache *cache, const struct dns_question *question)
{
	const struct cache_view *base = cache_view_of_thread(cache);
	const struct dns_view *view = base != NULL ? base->decoded : NULL;

	if (view != NULL && view->known_nodes != NULL)
		__builtin_prefetch(view->known_nodes[question->hash % KNOWN_NODES_SETS]);
	/* Where few zones are asked for, these stay in their own table. */
	if (view != NULL && view->known_names != NULL && view->names_known > KNOWN_ZONES) {
		const struct known_name *set = view->known_names[question->hash & (view->known_name_sets - 1)];

		__builtin_prefetch(set);
		__builtin_prefetch(set + 2);
	}
}

void
dns_expect_node(const struct dns_view *view, uint64_t hash)
{
	const struct known_node *set;

	if (view->known_nodes == NULL)
		return;
	set = view->known_nodes[hash % KNOWN_NODES_SETS];
	for (unsigned i = 0; i < KNOWN_NODES_A_SET; i++)
		if (set[i].epoch == view->epoch && ((set[i].tag ^ hash >> 57) & 0x7f) == 0)
			__builtin_prefetch(set[i].key);
}

int
dns_known_node(struct dns_view *view, uint64_t hash, struct span key, struct span *out_value)
{
	uint16_t tag = tag_of(hash, key);
	const struct known_node *set;

	if (view->known_nodes == NULL)
		return 0;
	set = view->known_nodes[hash % KNOWN_NODES_SETS];
	for (unsigned i = 0; i < KNOWN_NODES_A_SET; i++) {
		if (set[i].epoch != view->epoch || set[i].tag != tag)
			continue;
		if (memcmp(set[i].key, key.data, key.len) == 0) {
			*out_value = span_from(set[i].key + key.len, set[i].value_len);
			return 1;
		}
	}
	return 0;
}

void
dns_remember_node(struct dns_view *view, uint64_t hash, struct span key, struct span value)
{
	struct known_node *set;
	unsigned place = (unsigned)(hash >> 40) % KNOWN_NODES_A_SET;

	/* A large value lies in pages of its own. */
	if (view->known_nodes == NULL || value.data != key.data + key.len || value.len > UINT16_MAX)
		return;
	set = view->known_nodes[hash % KNOWN_NODES_SETS];
	for (unsigned i = 0; i < KNOWN_NODES_A_SET; i++) {
		if (set[i].epoch != view->epoch) {
			place = i;
			break;
		}
	}
	set[place] = (struct known_node){
		.epoch = view->epoch,
		.tag = tag_of(hash, key),
		.value_len = (uint16_t)value.len,
		.key = key.data,
	};
}

/* --- names -------------------------------------------------------------------------------------- */

static uint16_t
tag_of_name(const struct dns_question *question)
{
	return (uint16_t)(question->reversed_len << 8 | question->hash >> 56);
}

/* NODE begins with the key of a node: whether it is the question's. The tag has told that they are equally long. */
static bool
is_node_of(const char *node, const struct dns_question *question, unsigned zone_labels)
{
	size_t zone_len = question->ends[zone_labels];

	return memcmp(node + 1, question->reversed, zone_len) == 0 && node[1 + zone_len] == 0 &&
	       memcmp(node + 2 + zone_len, question->reversed + zone_len, question->reversed_len - zone_len) == 0;
}

const struct known_name *
dns_known_name(const struct dns_view *view, const struct dns_question *question)
{
	uint16_t tag = tag_of_name(question);
	const struct known_name *set;

	if (view->known_names == NULL)
		return NULL;
	set = view->known_names[question->hash & (view->known_name_sets - 1)];
	for (unsigned i = 0; i < KNOWN_NAMES_A_SET; i++)
		if (set[i].epoch == view->epoch && set[i].tag == tag && set[i].zone_labels < question->labels &&
		    is_node_of(set[i].node, question, set[i].zone_labels))
			return &set[i];
	return NULL;
}

void
dns_remember_name(struct dns_view *view, const struct dns_question *question, unsigned zone_labels, struct near_row node)
{
	struct near_row zone = view->zone_row;
	unsigned place = (unsigned)(question->hash >> 40) % KNOWN_NAMES_A_SET;
	struct known_name *set;

	view->names_known += view->names_known < UINT32_MAX;
	if (view->known_names == NULL && view->names_known == KNOWN_ZONES)
		make_known_names(view);
	if (view->known_names == NULL || node.value.data != node.key.data + node.key.len ||
	    zone.value.data != zone.key.data + zone.key.len || node.value.len > UINT16_MAX || zone.value.len > UINT16_MAX)
		return;
	set = view->known_names[question->hash & (view->known_name_sets - 1)];
	for (unsigned i = 0; i < KNOWN_NAMES_A_SET; i++) {
		if (set[i].epoch != view->epoch) {
			place = i;
			break;
		}
	}
	set[place] = (struct known_name){
		.epoch = view->epoch,
		.tag = tag_of_name(question),
		.node_len = (uint16_t)node.value.len,
		.zone_len = (uint16_t)zone.value.len,
		.zone_labels = (uint8_t)zone_labels,
		.node = node.key.data,
		.zone = zone.key.data,
	};
}

/* --- epochs ------------------------------------------------------------------------------------- */

void
dns_begin_epoch(struct dns_view *view)
{
	static atomic_ullong process_epoch;

	view->process_epoch = atomic_fetch_add(&process_epoch, 1) + 1;
	view->names_known = 0;
	if (++view->epoch != 0)
		return;
	view->epoch = 1;
	memset(view->known_zones, 0, sizeof(view->known_zones));
	if (view->known_nodes != NULL)
		memset(view->known_nodes, 0, KNOWN_NODES_SETS * sizeof(*view->known_nodes));
	if (view->known_names != NULL)
		memset(view->known_names, 0, view->known_name_sets * sizeof(*view->known_names));
}
