/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Reversed names: pure, no allocation, no failure. KEY_MAX holds any two names and the octets between them.
 */
#include <config.h>

#include "cache/key.h"

#include <errno.h>

_Static_assert(KEY_MAX >= 2 * (DNAME_MAX - 1) + 2, "a node's key holds two names");

static void
put_octet(struct key *key, uint8_t octet)
{
	key->octets[key->len++] = octet;
}

void
key_put_labels(struct key *key, const struct dname *name, unsigned labels)
{
	uint8_t starts[DNAME_LABELS_MAX];
	unsigned n = 0;

	for (size_t i = 0; n < labels && name->wire[i] != 0; i += 1u + name->wire[i])
		starts[n++] = (uint8_t)i;
	while (n > 0) {
		const uint8_t *label = name->wire + starts[--n];

		put_octet(key, label[0]);
		for (unsigned i = 1; i <= label[0]; i++)
			put_octet(key, (uint8_t)ascii_lower((char)label[i]));
	}
}

void
key_put_name(struct key *key, const struct dname *name)
{
	key_put_labels(key, name, DNAME_LABELS_MAX);
}

void
key_zone(struct key *out, const struct dname *zone)
{
	out->len = 0;
	put_octet(out, 'z');
	key_put_name(out, zone);
}

void
key_node(struct key *out, const struct dname *zone, const struct dname *name)
{
	out->len = 0;
	put_octet(out, 'n');
	key_put_name(out, zone);
	put_octet(out, 0);
	key_put_labels(out, name, dname_labels(name) - dname_labels(zone));
}

void
key_reverse(struct key *out, const struct dname *name)
{
	out->len = 0;
	put_octet(out, 'r');
	key_put_name(out, name);
}

int
key_to_name(struct span reversed, struct dname *out)
{
	const uint8_t *octets = (const uint8_t *)reversed.data;
	size_t end = reversed.len; /* in the name being written, from its back */

	if (reversed.len > DNAME_MAX - 1)
		return -EINVAL;
	for (size_t i = 0; i < reversed.len; i += 1u + octets[i])
		if (octets[i] == 0 || octets[i] > DNAME_LABEL_MAX || i + 1 + octets[i] > reversed.len)
			return -EINVAL;
	out->wire[end] = 0;
	out->len = (uint8_t)(end + 1);
	for (size_t i = 0; i < reversed.len; i += 1u + octets[i]) {
		end -= 1u + octets[i];
		memcpy(out->wire + end, octets + i, 1u + octets[i]);
	}
	return 0;
}

int
key_split(struct span key, char *out_letter, struct dname *out_zone, struct dname *out_name)
{
	struct dname zone, owner;
	struct span rest;
	size_t i = 0;
	int r;

	if (key.len == 0)
		return -EINVAL;
	rest = span_skip(key, 1);
	switch (key.data[0]) {
	case 's':
	case 'm':
		if (rest.len != 0)
			return -EINVAL;
		break;
	case 'z':
	case 'r':
	case 'h':
		r = key_to_name(rest, &owner);
		if (r < 0)
			return r;
		*out_name = owner;
		break;
	case 'n':
		i = key_zone_len(rest);
		if (i >= rest.len)
			return -EINVAL;
		r = key_to_name(span_from(rest.data, i), &zone);
		if (r < 0)
			return r;
		r = key_to_name(span_skip(rest, i + 1), &owner);
		if (r < 0)
			return r;
		if (dname_join(&owner, &zone, &owner) < 0)
			return -EINVAL;
		*out_zone = zone;
		*out_name = owner;
		break;
	default:
		return -EINVAL;
	}
	*out_letter = key.data[0];
	return 0;
}

size_t
key_zone_len(struct span after_letter)
{
	size_t i = 0;

	while (i < after_letter.len && after_letter.data[i] != 0)
		i += 1u + (uint8_t)after_letter.data[i];
	return i < after_letter.len ? i : after_letter.len;
}

static void
copy(struct key *out, struct span key)
{
	memcpy(out->octets, key.data, key.len);
	out->len = key.len;
}

void
key_row(struct key *out, struct span subject)
{
	copy(out, subject);
	if (out->octets[0] == 'z')
		out->octets[0] = 'n';
}

bool
key_is_zone(struct span row)
{
	return row.len > 0 && row.data[0] == 'n' && key_zone_len(span_skip(row, 1)) == row.len - 1;
}

void
key_subject(struct key *out, struct span row)
{
	copy(out, row);
	if (key_is_zone(row))
		out->octets[0] = 'z';
}

size_t
key_common_labels(struct span a, struct span b, unsigned *out_labels)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	unsigned labels = 0;
	size_t i = 0;

	while (i < shorter) {
		size_t n = 1u + (uint8_t)a.data[i];

		if (n == 1 || i + n > shorter || memcmp(a.data + i, b.data + i, n) != 0)
			break;
		i += n;
		labels++;
	}
	*out_labels = labels;
	return i;
}
