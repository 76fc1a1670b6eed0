/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The records of one name, one after the other as they are served: stored and computed ones, with the TTL of their set, and
 * at a replica's origin without those that are the same there.
 */
#include <config.h>

#include "cache/dns.h"

#include <errno.h>

/* A replica leaves out what would become too long. */
static bool
has_room(const struct dns_records *records, const struct rr *rr)
{
	return !records->replica || rr->relative == 0 || rr->relative + records->origin_len <= DNAME_MAX;
}

/* The next record, twins among them: they are the same record at the zone's own origin, and others at a replica's. */
static int
next_stated(struct dns_records *records, struct rr *out)
{
	for (;;) {
		int r = node_next(&records->node, out);

		if (r < 0)
			return r;
		if (r > 0) {
			if (!has_room(records, out))
				continue;
			if (out->ttl == RECORD_TTL_DEFAULT)
				out->ttl = records->minimum;
			return 1;
		}
		if (records->computed.len == 0)
			return 0;
		r = node_read(records->computed, &records->node);
		if (r < 0)
			return r;
		records->computed.len = 0;
	}
}

/* The next record that is served. */
static int
next_served(struct dns_records *records, struct rr *out)
{
	int r;

	do
		r = next_stated(records, out);
	while (r > 0 && !records->replica && (out->flags & RR_TWIN) != 0);
	return r;
}

/* --- equal at a replica's origin ---------------------------------------------------------------------- */

/* Whether a word of TEXT may be an absolute name. */
static bool
has_absolute(struct span text)
{
	return text.len > 0 && (text.data[text.len - 1] == '.' || memmem(text.data, text.len, ". ", 2) != NULL);
}

/* The next word of canonical record text, a string with its quotes. */
static bool
next_part(struct span *rest, struct span *out)
{
	bool quoted = false;
	size_t n = 0;

	for (; n < rest->len && (quoted || rest->data[n] != ' '); n++) {
		if (rest->data[n] == '"')
			quoted = !quoted;
		else if (rest->data[n] == '\\' && n + 1 < rest->len)
			n++;
	}
	*out = span_from(rest->data, n);
	*rest = span_skip(*rest, n < rest->len ? n + 1 : n);
	return n > 0;
}

/* Whether A and B are one record at ORIGIN. What does not differ by more than how a name is written does not differ. */
static bool
is_equal_at(const struct dname *origin, struct span a, struct span b)
{
	struct span part_a, part_b;

	for (;;) {
		bool more_a = next_part(&a, &part_a), more_b = next_part(&b, &part_b);
		struct dname name_a, name_b;

		if (!more_a || !more_b)
			return more_a == more_b;
		if (span_is(part_a, part_b))
			continue;
		/* Numbers have no dot at their end, strings have a quote there. */
		if ((part_a.data[part_a.len - 1] == '.') == (part_b.data[part_b.len - 1] == '.'))
			return false;
		if (dname_from_text(part_a, origin, &name_a) < 0 || dname_from_text(part_b, origin, &name_b) < 0)
			return false;
		dname_lower(&name_a);
		dname_lower(&name_b);
		if (!dname_is(&name_a, &name_b))
			return false;
	}
}

/* Whether a record that was served before RR is the same at this replica's origin: 1, 0 or negative. The master knows no replica's
 * name, so this shows only here. */
static int
is_repeated(const struct dns_records *records, const struct rr *rr)
{
	struct dns_records earlier = *records;
	struct dname origin = { .len = records->origin_len };
	struct rr before;
	int r;

	memcpy(origin.wire, records->origin, records->origin_len);
	r = node_read(records->stored, &earlier.node);
	while (r >= 0 && (r = next_stated(&earlier, &before)) > 0 && before.text.data != rr->text.data)
		if (before.type == rr->type && is_equal_at(&origin, before.text, rr->text))
			return 1;
	return r < 0 ? r : 0;
}

/* What is true of the set that begins with FIRST: its lowest TTL (what is stated twice counts with the lower one), and
 * for a replica whether some of it may be equal there. */
static int
look_at_set(struct dns_records *records, const struct rr *first)
{
	bool relative = first->relative > 0, absolute = records->replica && has_absolute(first->text);
	struct dns_records ahead;
	struct rr rr;
	int r;

	records->ttl = first->ttl;
	records->mixed = false;
	if (records->node.count == 0 && records->computed.len == 0)
		return 0;
	ahead = *records;
	while ((r = next_stated(&ahead, &rr)) > 0 && rr.type == first->type) {
		if (rr.ttl < records->ttl)
			records->ttl = rr.ttl;
		relative |= rr.relative > 0;
		absolute |= records->replica && has_absolute(rr.text);
	}
	records->mixed = relative && absolute && records->stored.len > 0;
	return r < 0 ? r : 0;
}

int
dns_records_next(struct dns_records *records, struct rr *out)
{
	struct rr rr;
	int r;

	if (!records->begun) {
		records->node = (struct node){ 0 };
		if (records->stored.len > 0) {
			r = node_read(records->stored, &records->node);
			if (r < 0)
				return r;
		}
		records->begun = true;
		records->type = 0;
	}
	do {
		r = next_served(records, &rr);
		if (r <= 0)
			return r;
		if (rr.type != records->type) {
			r = look_at_set(records, &rr);
			if (r < 0)
				return r;
			records->type = rr.type;
		}
		r = records->mixed ? is_repeated(records, &rr) : 0;
	} while (r > 0);
	if (r < 0)
		return r;
	rr.ttl = records->ttl;
	*out = rr;
	return 1;
}
