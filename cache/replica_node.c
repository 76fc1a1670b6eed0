/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The row of a node: version, flags, parent, RDN; of one that holds an entry also UUID, CSN and attributes. Numbers are little-endian, and
 * what has a length stands behind it.
 *
 * A first load writes a million of them: a row is measured, then written in one go.
 */
#include <config.h>

#include "cache/replica.h"

#include <errno.h>

enum { NODE_HAS_ENTRY = 1 };

/* Reads fields off a stored value; after the first field that does not fit all are zero and bad is set. */
struct reading {
	struct span rest;
	bool bad;
};

static struct span
get_octets(struct reading *from, size_t n)
{
	struct span field;

	if (from->bad || from->rest.len < n) {
		from->bad = true;
		return span_from("", 0);
	}
	field = span_from(from->rest.data, n);
	from->rest = span_skip(from->rest, n);
	return field;
}

static uint64_t
get_number(struct reading *from, int octets)
{
	struct span field = get_octets(from, (size_t)octets);
	uint64_t number = 0;

	for (size_t i = field.len; i > 0; i--)
		number = number << 8 | (uint8_t)field.data[i - 1];
	return number;
}

int
replica_node(struct store_txn *txn, uint64_t id, struct replica_node *out)
{
	uint8_t key[REPLICA_ID_LEN];
	struct reading from = { .bad = false };
	struct replica_node node = { .id = id };
	unsigned version, flags;
	int r;

	replica_id_put(key, id);
	r = store_get(txn, REPLICA_NODE, span_from(key, sizeof(key)), &from.rest);
	if (r <= 0)
		return r;
	version = (unsigned)get_number(&from, 1);
	flags = (unsigned)get_number(&from, 1);
	node.parent = get_number(&from, 8);
	node.rdn = get_octets(&from, get_number(&from, 2));
	node.has_entry = (flags & NODE_HAS_ENTRY) != 0;
	if (node.has_entry) {
		struct span uuid = get_octets(&from, ENTRY_UUID_LEN);

		if (!from.bad)
			memcpy(node.uuid, uuid.data, ENTRY_UUID_LEN);
		node.csn = get_octets(&from, get_number(&from, 1));
		node.attributes = from.rest;
	}
	if (from.bad || version != REPLICA_VERSION)
		return -EBADMSG;
	*out = node;
	return 1;
}

/* Each writes a field at *TO and moves on. */
static void
set_number(uint8_t **to, uint64_t number, int octets)
{
	for (int i = 0; i < octets; i++) {
		*(*to)++ = (uint8_t)number;
		number >>= 8;
	}
}

static void
set_octets(uint8_t **to, struct span octets)
{
	if (octets.len > 0)
		memcpy(*to, octets.data, octets.len);
	*to += octets.len;
}

static bool
is_stored(const struct attribute *attribute)
{
	return attribute->name.len <= UINT8_MAX;
}

static size_t
attributes_room(const struct entry *entry)
{
	size_t room = 0;

	for (size_t i = 0; i < entry->attribute_count; i++) {
		const struct attribute *attribute = &entry->attributes[i];

		if (!is_stored(attribute))
			continue;
		room += 1 + attribute->name.len + 4;
		for (size_t v = 0; v < attribute->count; v++)
			room += 4 + attribute->values[v].len;
	}
	return room;
}

void
replica_node_put(struct text *out, uint64_t parent, struct span rdn, const struct entry *entry)
{
	size_t csn_len = entry != NULL && entry->csn.len <= UINT8_MAX ? entry->csn.len : 0;
	size_t room = 1 + 1 + 8 + 2 + rdn.len;
	uint8_t *to;

	if (entry != NULL)
		room += ENTRY_UUID_LEN + 1 + csn_len + attributes_room(entry);
	to = text_extend(out, room);
	if (to == NULL)
		return;
	set_number(&to, REPLICA_VERSION, 1);
	set_number(&to, entry != NULL ? NODE_HAS_ENTRY : 0, 1);
	set_number(&to, parent, 8);
	set_number(&to, rdn.len, 2);
	set_octets(&to, rdn);
	if (entry == NULL)
		return;
	set_octets(&to, span_from(entry->uuid, ENTRY_UUID_LEN));
	set_number(&to, csn_len, 1);
	set_octets(&to, span_from(entry->csn.data, csn_len));
	for (size_t i = 0; i < entry->attribute_count; i++) {
		const struct attribute *attribute = &entry->attributes[i];

		if (!is_stored(attribute))
			continue;
		set_number(&to, attribute->name.len, 1);
		set_octets(&to, attribute->name);
		set_number(&to, attribute->count, 4);
		for (size_t v = 0; v < attribute->count; v++) {
			set_number(&to, attribute->values[v].len, 4);
			set_octets(&to, attribute->values[v]);
		}
	}
}

int
replica_node_entry(const struct replica_node *node, struct arena *arena, struct entry *out)
{
	struct entry entry = { .csn = node->csn };
	struct reading from = { node->attributes, false };
	size_t count = 0;

	memcpy(entry.uuid, node->uuid, ENTRY_UUID_LEN);
	/* Once to count, once to fill. */
	while (from.rest.len > 0 && !from.bad) {
		get_octets(&from, get_number(&from, 1));
		for (uint64_t n = get_number(&from, 4); n > 0 && !from.bad; n--)
			get_octets(&from, get_number(&from, 4));
		count++;
	}
	if (from.bad)
		return -EBADMSG;
	entry.attributes = arena_alloc(arena, (count + 1) * sizeof(*entry.attributes));
	if (entry.attributes == NULL)
		return -ENOMEM;
	from.rest = node->attributes;
	for (; entry.attribute_count < count; entry.attribute_count++) {
		struct attribute *attribute = &entry.attributes[entry.attribute_count];

		attribute->name = get_octets(&from, get_number(&from, 1));
		attribute->count = get_number(&from, 4);
		attribute->values = arena_alloc(arena, (attribute->count + 1) * sizeof(*attribute->values));
		if (attribute->values == NULL)
			return -ENOMEM;
		for (size_t v = 0; v < attribute->count; v++)
			attribute->values[v] = get_octets(&from, get_number(&from, 4));
	}
	*out = entry;
	return 0;
}
