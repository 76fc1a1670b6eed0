/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What an event touches: fragments, the subjects that must be combined again, the serials of zones.
 */
#include <config.h>

#include "cache/apply_internal.h"

#include <errno.h>

void
mapped_free(struct mapped *mapped)
{
	text_free(&mapped->problems);
	mapped->fragments = NULL;
}

int
touch_map_stored(struct apply *apply, uint64_t id, struct arena *arena, struct mapped *out)
{
	cleanup(text_free) struct text dn = TEXT_INIT;
	struct placed_entry placed = { .depth = 0 };
	struct replica_node node;
	struct entry entry;
	struct rdn *rdns = NULL;
	bool limbo = false;
	int r = replica_node(apply->txn, id, &node);

	*out = (struct mapped){ .problems = TEXT_INIT };
	if (r <= 0)
		return r;
	if (!node.has_entry)
		return 0;
	r = replica_node_entry(&node, arena, &entry);
	if (r < 0)
		return r;
	r = replica_path(apply->txn, id, arena, &rdns, &placed.depth, &limbo);
	if (r == -ELOOP) /* moved too deep, with what it stands below */
		return 0;
	if (r < 0 || limbo)
		return r;
	r = replica_dn(apply->replica, apply->txn, id, &dn);
	if (r < 0)
		return r;
	entry.dn = text_span(&dn);
	placed.entry = &entry;
	placed.rdns = rdns;
	return project_map(apply->options.project, &placed, arena, out);
}

static int
touch_zone(struct apply *apply, struct span reversed)
{
	struct key *zone;

	for (size_t i = 0; i < apply->zone_count; i++)
		if (span_is(key_span(&apply->zones[i]), reversed))
			return 0;
	if (apply->zone_count == TOUCHED_ZONES) {
		/* Only the rename of a large subtree comes here; its serials may move more than once. */
		int r = touch_finish(apply, 0);

		if (r < 0)
			return r;
	}
	zone = &apply->zones[apply->zone_count++];
	memcpy(zone->octets, reversed.data, reversed.len);
	zone->len = reversed.len;
	return 0;
}

static int
touch_zone_name(struct apply *apply, const struct dname *name)
{
	struct key reversed = { .len = 0 };

	key_put_name(&reversed, name);
	return touch_zone(apply, key_span(&reversed));
}

/* The fragments of the zone subject REVERSED. */
static int
zone_fragments(struct apply *apply, struct span reversed, struct arena *arena, struct held_fragment **out, size_t *out_count)
{
	struct key subject = { .len = 1, .octets = { 'z' } };

	memcpy(subject.octets + 1, reversed.data, reversed.len);
	subject.len += reversed.len;
	return replica_fragments(apply->txn, key_span(&subject), arena, out, out_count);
}

/* A computed PTR record shows in the computed zone and in hosted zones at or above its name. */
static int
touch_reverse(struct apply *apply, struct span subject)
{
	struct dname zone, name;
	char letter;
	int r = key_split(subject, &letter, &zone, &name);

	if (r < 0)
		return r;
	if (project_dns_reverse_zone(apply->options.project->dns, &name, &zone)) {
		r = touch_zone_name(apply, &zone);
		if (r < 0)
			return r;
	}
	for (unsigned up = 0; up + 2 < dname_labels(&name); up++) {
		struct held_fragment *fragments;
		struct key reversed = { .len = 0 };
		size_t count;

		dname_strip(&name, up, &zone);
		key_put_name(&reversed, &zone);
		r = zone_fragments(apply, key_span(&reversed), &apply->arena, &fragments, &count);
		if (r == 0 && project_dns_is_hosted(fragments, count))
			r = touch_zone(apply, key_span(&reversed));
		if (r < 0)
			return r;
	}
	return 0;
}

static int
put_pending(struct apply *apply, struct span subject)
{
	struct key key = { .len = REPLICA_ID_LEN };

	replica_id_put(key.octets, apply->sequence + 1);
	memcpy(key.octets + key.len, subject.data, subject.len);
	key.len += subject.len;
	apply->pending_made = true;
	return store_put(apply->txn, REPLICA_PENDING, key_span(&key), SPAN(""));
}

int
touch_subject(struct apply *apply, struct span subject)
{
	const char *end;
	int r;

	/* Everything is combined when the first load is complete. */
	if (apply->loading)
		return 0;
	r = put_pending(apply, subject);
	/* Others have no serials. */
	if (r < 0 || project_of(subject) != PROJECT_DNS)
		return r;
	switch (subject.data[0]) {
	case 's':
		apply->settings_touched = true;
		return 0;
	case 'z':
		return touch_zone(apply, span_skip(subject, 1));
	case 'n':
		/* No label has a zero length, so the first zero that stands for a length ends the zone's name. */
		for (end = subject.data + 1; end < subject.data + subject.len && *end != 0;)
			end += 1 + (uint8_t)*end;
		return touch_zone(apply, span_from(subject.data + 1, (size_t)(end - subject.data - 1)));
	case 'r':
		return touch_reverse(apply, subject);
	default:
		return -EINVAL;
	}
}

/* As record.h's zone_serial, for a zone that has not changed since the load. */
static uint32_t
served_since_load(uint32_t stored, uint32_t base)
{
	if (stored == 0)
		return base != 0 ? base : 1;
	return base != 0 ? serial_later(stored, base) : stored;
}

static int
advance_serial(struct apply *apply, struct span reversed, uint32_t seconds)
{
	struct key subject = { .len = 1, .octets = { 'z' } };
	struct held_fragment *fragments;
	struct zone_state state;
	uint32_t stored = 0, serial;
	size_t count;
	int r = zone_fragments(apply, reversed, &apply->arena, &fragments, &count);

	if (r < 0)
		return r;
	if (project_dns_stored_serial(fragments, count, &stored) != 1)
		stored = 0;
	r = replica_zone(apply->txn, reversed, &state);
	if (r < 0)
		return r;
	if (r == 1)
		serial = state.serial + (apply->epoch - state.epoch);
	else
		serial = served_since_load(stored, apply->base_serial) + apply->epoch;
	serial++;
	if (stored != 0)
		serial = serial_later(serial, stored);
	if (seconds != 0)
		serial = serial_later(serial, seconds);
	state.serial = serial != 0 ? serial : 1;
	state.epoch = apply->epoch;
	r = replica_zone_put(apply->txn, reversed, &state);
	if (r < 0)
		return r;
	memcpy(subject.octets + 1, reversed.data, reversed.len);
	subject.len += reversed.len;
	return put_pending(apply, key_span(&subject));
}

int
touch_keep_serial(struct apply *apply, struct span reversed, uint32_t served)
{
	struct held_fragment *fragments;
	struct zone_state state;
	uint32_t stored = 0;
	size_t count;
	int r = zone_fragments(apply, reversed, &apply->arena, &fragments, &count);

	if (r == 0)
		r = replica_zone(apply->txn, reversed, &state);
	if (r != 0)
		return r < 0 ? r : 0;
	if (project_dns_stored_serial(fragments, count, &stored) != 1)
		stored = 0;
	/* Nobody knows whether the content is the same: only a later serial will do. */
	if ((int32_t)(served_since_load(stored, apply->base_serial) + apply->epoch - served) > 0)
		return 0;
	state.serial = served + 1 != 0 ? served + 1 : 1;
	state.epoch = apply->epoch;
	return replica_zone_put(apply->txn, reversed, &state);
}

int
touch_finish(struct apply *apply, uint32_t seconds)
{
	int r = 0;

	if (apply->settings_touched) {
		apply->epoch++;
		r = replica_meta_put_number(apply->txn, "epoch", apply->epoch);
		apply->settings_touched = false;
	}
	for (size_t i = 0; i < apply->zone_count && r == 0; i++)
		r = advance_serial(apply, key_span(&apply->zones[i]), seconds);
	apply->zone_count = 0;
	return r;
}

static int
compare_subjects(const struct key *a, const struct key *b)
{
	size_t n = a->len < b->len ? a->len : b->len;
	int order = memcmp(a->octets, b->octets, n);

	return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

static int
replace_problems(struct apply *apply, uint64_t id, const struct mapped *before, const struct mapped *after)
{
	uint8_t key[REPLICA_ID_LEN];
	int r;

	if (span_is(text_span(&before->problems), text_span(&after->problems)))
		return 0;
	replica_id_put(key, id);
	if (after->problems.len > 0)
		return store_put(apply->txn, REPLICA_PROBLEM, span_from(key, sizeof(key)), text_span(&after->problems));
	r = store_delete(apply->txn, REPLICA_PROBLEM, span_from(key, sizeof(key)));
	return r < 0 ? r : 0;
}

int
touch_replace(struct apply *apply, uint64_t id, const struct mapped *before, const struct mapped *after)
{
	const struct fragment *old = before->fragments;
	const struct fragment *new = after->fragments;
	int differ = 0;

	while (old != NULL || new != NULL) {
		int order = old == NULL ? 1 : new == NULL ? -1 : compare_subjects(&old->subject, &new->subject);
		const struct fragment *one = order < 0 ? old : new;
		bool same = order == 0 && span_is(old->payload, new->payload);
		struct key key unfilled;
		int r;

		if (order <= 0)
			old = old->next;
		if (order >= 0)
			new = new->next;
		if (same)
			continue;
		replica_fragment_key(&key, key_span(&one->subject), id);
		r = order < 0 ? store_delete(apply->txn, REPLICA_FRAGMENT, key_span(&key))
		              : store_put(apply->txn, REPLICA_FRAGMENT, key_span(&key), one->payload);
		if (r >= 0)
			r = touch_subject(apply, key_span(&one->subject));
		if (r < 0)
			return r;
		differ++;
	}
	int r = replace_problems(apply, id, before, after);

	return r < 0 ? r : differ;
}
