/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The attributes of an entry on the wire. This runs a million times in a first load: nothing is copied,
 * and nothing allocated but two arrays.
 */
#include <config.h>

#include "cache/message.h"
#include "cache/tlv.h"

#include <errno.h>

/* How many elements CONTENT holds, or -EPROTO. */
static ssize_t
count_elements(struct span content)
{
	struct tlv element;
	ssize_t n = 0;

	for (; content.len > 0; n++)
		if (tlv_take(&content, &element) < 0)
			return -EPROTO;
	return n;
}

static int
read_values(struct span set, struct arena *arena, struct attribute *out)
{
	struct span first = { "", 0 };
	size_t known = 0;
	ssize_t more;

	/* Most have one. */
	if (set.len > 0) {
		if (tlv_expect(&set, TLV_OCTET_STRING, &first) < 0)
			return -EPROTO;
		known = 1;
	}
	more = count_elements(set);
	if (more < 0)
		return -EPROTO;
	out->count = known + (size_t)more;
	out->values = arena_alloc(arena, out->count * sizeof(*out->values));
	if (out->values == NULL)
		return -ENOMEM;
	if (known > 0)
		out->values[0] = first;
	for (size_t i = known; i < out->count; i++)
		if (tlv_expect(&set, TLV_OCTET_STRING, &out->values[i]) < 0)
			return -EPROTO;
	return 0;
}

/* Drops ";binary"; false for a name with another option. */
static bool
strip_option(struct span *name)
{
	const char *option = memchr(name->data, ';', name->len);

	if (option == NULL)
		return true;
	if (!span_is_nocase(span_from(option, name->len - (size_t)(option - name->data)), SPAN(";binary")))
		return false;
	name->len = (size_t)(option - name->data);
	return true;
}

/* "x" and "x;binary" in one entry: their values together. */
static int
merge(struct arena *arena, struct attribute *into, const struct attribute *more)
{
	size_t n = into->count + more->count;
	struct span *values = arena_alloc(arena, n * sizeof(*values));

	if (values == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		values[i] = i < into->count ? into->values[i] : more->values[i - into->count];
	into->values = values;
	into->count = n;
	return 0;
}

static struct attribute *
find(struct entry *entry, struct span name)
{
	for (size_t i = 0; i < entry->attribute_count; i++)
		if (span_is_nocase(entry->attributes[i].name, name))
			return &entry->attributes[i];
	return NULL;
}

static int
read_attribute(struct span content, struct arena *arena, struct entry *out, bool *has_uuid)
{
	struct attribute attribute = { 0 };
	struct attribute *same = NULL;
	struct span set;
	size_t len;
	int r;

	if (tlv_expect(&content, TLV_OCTET_STRING, &attribute.name) < 0 ||
	    tlv_expect(&content, TLV_SET, &set) < 0 || attribute.name.len == 0)
		return -EPROTO;
	len = attribute.name.len;
	if (!strip_option(&attribute.name))
		return 0;
	r = read_values(set, arena, &attribute);
	if (r < 0)
		return r;
	if (span_is_nocase(attribute.name, SPAN("entryUUID"))) {
		*has_uuid = attribute.count == 1 && uuid_from_text(attribute.values[0], out->uuid) == 0;
		return 0;
	}
	if (span_is_nocase(attribute.name, SPAN("entryCSN"))) {
		if (attribute.count == 1)
			out->csn = attribute.values[0];
		return 0;
	}
	if (len != attribute.name.len)
		same = find(out, attribute.name);
	if (same != NULL)
		return merge(arena, same, &attribute);
	out->attributes[out->attribute_count++] = attribute;
	return 0;
}

int
message_read_attributes(struct span attributes, struct arena *arena, struct entry *out,
                        bool *out_has_uuid)
{
	ssize_t n = count_elements(attributes);
	struct entry entry = { .dn = out->dn };
	bool has_uuid = false;

	if (n < 0)
		return -EPROTO;
	entry.attributes = arena_alloc(arena, (size_t)n * sizeof(*entry.attributes));
	if (entry.attributes == NULL)
		return -ENOMEM;
	while (attributes.len > 0) {
		struct span content;
		int r = tlv_expect(&attributes, TLV_SEQUENCE, &content);

		if (r == 0)
			r = read_attribute(content, arena, &entry, &has_uuid);
		if (r < 0)
			return r;
	}
	*out = entry;
	*out_has_uuid = has_uuid;
	return 0;
}
