/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Reads and writes domain names exactly as named does, so that a name which passes here means the
 * same octets there.
 */
#include <config.h>

#include "cache/dname.h"

#include <errno.h>

/* One octet of a label, or a dot that ends the label. */
struct octet {
	unsigned char value;
	bool is_dot;
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes one octet of master-file text off *REST, which may not be empty. */
static int
take_octet(struct span *rest, bool at_label_start, struct octet *out)
{
	char c = rest->data[0];
	unsigned value = 0;

	*rest = span_skip(*rest, 1);
	if (c != '\\') {
		*out = (struct octet){ (unsigned char)c, c == '.' };
		return 0;
	}
	if (rest->len == 0)
		return -EINVAL;
	c = rest->data[0];
	/* "\[" began the bit-string labels of RFC 2673, which named refuses. */
	if (at_label_start && c == '[')
		return -EINVAL;
	if (!is_digit(c)) {
		*rest = span_skip(*rest, 1);
		*out = (struct octet){ (unsigned char)c, false };
		return 0;
	}
	if (rest->len < 3)
		return -EINVAL;
	for (int i = 0; i < 3; i++) {
		if (!is_digit(rest->data[i]))
			return -EINVAL;
		value = value * 10 + (unsigned)(rest->data[i] - '0');
	}
	if (value > 255)
		return -EINVAL;
	*rest = span_skip(*rest, 3);
	*out = (struct octet){ (unsigned char)value, false };
	return 0;
}

/* Appends SUFFIX's wire form to OUT, of which USED octets are filled. */
static int
end_with(struct dname *out, size_t used, const struct dname *suffix)
{
	if (used + suffix->len > DNAME_MAX)
		return -ENAMETOOLONG;
	memcpy(out->wire + used, suffix->wire, suffix->len);
	out->len = (uint8_t)(used + suffix->len);
	return 0;
}

int
dname_from_text(struct span text, const struct dname *origin, struct dname *out)
{
	static const struct dname root = { 1, { 0 } };
	struct dname name;
	size_t used = 0;
	size_t label = 0; /* where the length of the label being read stands */
	bool absolute = false;
	int r;

	if (text.len == 0)
		return -EINVAL;
	if (span_is(text, SPAN("."))) {
		*out = root;
		return 0;
	}
	if (span_is(text, SPAN("@"))) {
		if (origin == NULL)
			return -EINVAL;
		*out = *origin;
		return 0;
	}
	used = 1;
	while (text.len > 0) {
		size_t filled = used - label - 1;
		struct octet octet;

		r = take_octet(&text, filled == 0, &octet);
		if (r < 0)
			return r;
		if (octet.is_dot) {
			if (filled == 0)
				return -EINVAL;
			name.wire[label] = (uint8_t)filled;
			label = used;
			if (text.len == 0) {
				absolute = true;
				break;
			}
			/* The next label needs its length, one octet and the root's. */
			if (used + 3 > DNAME_MAX)
				return -ENAMETOOLONG;
			used++;
		} else {
			if (filled == DNAME_LABEL_MAX)
				return -EINVAL;
			if (used + 1 >= DNAME_MAX)
				return -ENAMETOOLONG;
			name.wire[used++] = octet.value;
		}
	}
	if (!absolute)
		name.wire[label] = (uint8_t)(used - label - 1);
	r = end_with(&name, used, absolute || origin == NULL ? &root : origin);
	if (r < 0)
		return r;
	*out = name;
	return 0;
}

static void
put_label(struct text *out, const uint8_t *octets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = (char)octets[i];

		if (octets[i] <= ' ' || octets[i] >= 0x7f) {
			text_putf(out, "\\%03u", octets[i]);
			continue;
		}
		if (strchr("@$\"().;\\", c) != NULL)
			text_put_char(out, '\\');
		text_put_char(out, c);
	}
}

void
dname_put_text(struct text *out, const struct dname *name)
{
	if (name->len == 1) {
		text_put_char(out, '.');
		return;
	}
	for (size_t i = 0; name->wire[i] != 0; i += 1u + name->wire[i]) {
		put_label(out, name->wire + i + 1, name->wire[i]);
		text_put_char(out, '.');
	}
}

void
dname_put_labels(struct text *out, const struct dname *name, unsigned labels)
{
	size_t i = 0;

	if (labels == 0) {
		text_put_char(out, '@');
		return;
	}
	for (unsigned n = 0; n < labels && name->wire[i] != 0; n++, i += 1u + name->wire[i]) {
		if (n > 0)
			text_put_char(out, '.');
		put_label(out, name->wire + i + 1, name->wire[i]);
	}
}

int
dname_from_wire(struct span wire, struct dname *out)
{
	const uint8_t *octets = (const uint8_t *)wire.data;
	size_t i = 0;

	while (i < wire.len && i < DNAME_MAX) {
		size_t label = octets[i];

		if (label > DNAME_LABEL_MAX)
			return -EINVAL;
		if (label == 0) {
			memcpy(out->wire, octets, i + 1);
			out->len = (uint8_t)(i + 1);
			return out->len;
		}
		i += 1 + label;
	}
	return -EINVAL;
}

static uint8_t
lower_octet(uint8_t octet)
{
	return octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet + ('a' - 'A')) : octet;
}

void
dname_lower(struct dname *name)
{
	/* A label's length is at most 63 and so never looks like a letter. */
	for (size_t i = 0; i < name->len; i++)
		name->wire[i] = lower_octet(name->wire[i]);
}

unsigned
dname_labels(const struct dname *name)
{
	unsigned n = 0;

	for (size_t i = 0; name->wire[i] != 0; i += 1u + name->wire[i])
		n++;
	return n;
}

void
dname_strip(const struct dname *name, unsigned n, struct dname *out)
{
	size_t i = 0;

	while (n > 0 && name->wire[i] != 0) {
		i += 1u + name->wire[i];
		n--;
	}
	/* OUT may be NAME. */
	memmove(out->wire, name->wire + i, name->len - i);
	out->len = (uint8_t)(name->len - i);
}

int
dname_join(const struct dname *prefix, const struct dname *suffix, struct dname *out)
{
	struct dname name = *prefix;
	int r = end_with(&name, name.len - 1u, suffix);

	if (r < 0)
		return r;
	*out = name;
	return 0;
}

static bool
same_octets(const uint8_t *a, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (lower_octet(a[i]) != lower_octet(b[i]))
			return false;
	return true;
}

bool
dname_is(const struct dname *a, const struct dname *b)
{
	return a->len == b->len && same_octets(a->wire, b->wire, a->len);
}

bool
dname_is_within(const struct dname *name, const struct dname *ancestor)
{
	size_t i = 0;

	if (name->len < ancestor->len)
		return false;
	/* ANCESTOR must begin where a label of NAME begins. */
	while (i < (size_t)(name->len - ancestor->len))
		i += 1u + name->wire[i];
	return i == (size_t)(name->len - ancestor->len) &&
	       same_octets(name->wire + i, ancestor->wire, ancestor->len);
}
