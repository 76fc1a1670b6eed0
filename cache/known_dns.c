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

#include <sys/mman.h>

/* --- zones -------------------------------------------------------------------------------------- */

static bool
starts_with(struct span s, struct span prefix)
{
	return s.len >= prefix.len && memcmp(s.data, prefix.data, prefix.len) == 0;
}

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

const struct known_zone *
dns_known_zone(struct dns_view *view, const struct dns_question *question)
{
	uint32_t hash = 2166136261u;

	for (unsigned labels = 1; labels <= question->labels; labels++) {
		struct span name = span_from(question->reversed, question->ends[labels]);
		const struct known_zone *known;

		hash = hash_label(hash, question->reversed + question->ends[labels - 1]);
		known = place_of(view, hash);
		if (known->epoch == view->epoch && span_is(known->reversed, name))
			return known;
	}
	return NULL;
}

void
dns_remember_zone(struct dns_view *view, const struct dns_question *question, struct span own, struct span following,
                  struct dns_zone *zone)
{
	uint32_t hash = 2166136261u;
	struct known_zone *known;

	zone->hints = NULL;
	/* With a zone below it, a longer one might have to be found. */
	if (starts_with(following, own))
		return;
	for (unsigned labels = 1; labels <= zone->labels; labels++)
		hash = hash_label(hash, question->reversed + question->ends[labels - 1]);
	known = place_of(view, hash);
	zone->hints = &known->hints;
	known->epoch = view->epoch;
	known->reversed = span_skip(own, 1);
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
void *
dns_known_nodes_new(void)
{
	size_t size = KNOWN_NODES_SETS * sizeof(struct known_node[KNOWN_NODES_A_SET]);
	void *nodes = aligned_alloc(size, size);

	if (nodes == NULL)
		return NULL;
	(void)madvise(nodes, size, MADV_HUGEPAGE);
	memset(nodes, 0, size);
	return nodes;
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

/* --- epochs ------------------------------------------------------------------------------------- */

void
dns_begin_epoch(struct dns_view *view)
{
	if (++view->epoch != 0)
		return;
	view->epoch = 1;
	memset(view->known_zones, 0, sizeof(view->known_zones));
	if (view->known_nodes != NULL)
		memset(view->known_nodes, 0, KNOWN_NODES_SETS * sizeof(*view->known_nodes));
}
