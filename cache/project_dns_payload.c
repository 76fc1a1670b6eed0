/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Each item's layout stands above its writer.
 */
#include <config.h>

#include "cache/project_dns_payload.h"

#include "cache/record.h"

#include <errno.h>

static void
put_u32(struct text *out, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		text_put_char(out, (char)(n >> 8 * i));
}

/* Length as a base-128 number, the low bits first, then the octets. */
static void
put_string(struct text *out, struct span s)
{
	size_t n = s.len;

	if (n > UINT32_MAX) {
		out->failed = true;
		return;
	}
	for (; n >= 0x80; n >>= 7)
		text_put_char(out, (char)(n | 0x80));
	text_put_char(out, (char)n);
	text_put_span(out, s);
}

/* Reads from the front; once something is missing everything reads as zero and FAILED stays set. */
struct cursor {
	struct span rest;
	bool failed;
};

static struct span
take_octets(struct cursor *c, size_t n)
{
	struct span taken = { "", 0 };

	if (c->failed || c->rest.len < n) {
		c->failed = true;
		return taken;
	}
	taken = span_from(c->rest.data, n);
	c->rest = span_skip(c->rest, n);
	return taken;
}

static uint8_t
take_u8(struct cursor *c)
{
	struct span s = take_octets(c, 1);

	return c->failed ? 0 : (uint8_t)s.data[0];
}

static uint16_t
take_u16(struct cursor *c)
{
	unsigned low = take_u8(c);

	return (uint16_t)(low | (unsigned)take_u8(c) << 8);
}

static uint32_t
take_u32(struct cursor *c)
{
	uint32_t low = take_u16(c);

	return low | (uint32_t)take_u16(c) << 16;
}

static struct span
take_string(struct cursor *c)
{
	uint64_t n = 0;
	unsigned octet, shift = 0;

	do {
		octet = take_u8(c);
		n |= (uint64_t)(octet & 0x7f) << shift;
		shift += 7;
	} while ((octet & 0x80) != 0 && shift < 35);
	if ((octet & 0x80) != 0 || n > UINT32_MAX)
		c->failed = true;
	return take_octets(c, c->failed ? 0 : (size_t)n);
}

static void
take_name(struct cursor *c, struct dname *out)
{
	int n = c->failed ? -EBADMSG : dname_from_wire(c->rest, out);

	if (n < 0) {
		*out = (struct dname){ .len = 1 };
		c->failed = true;
	} else {
		c->rest = span_skip(c->rest, (size_t)n);
	}
}

static void
put_name(struct text *out, const struct dname *name)
{
	text_put_span(out, span_from(name->wire, name->len));
}

/* Ends the reading of an item. */
static int
taken(const struct cursor *c, struct span *rest)
{
	if (c->failed)
		return -EBADMSG;
	*rest = c->rest;
	return 1;
}

void
payload_begin(struct text *out)
{
	text_put_char(out, PAYLOAD_VERSION);
}

int
payload_open(struct span payload, struct span *out_rest)
{
	if (payload.len == 0 || payload.data[0] != PAYLOAD_VERSION)
		return -EBADMSG;
	*out_rest = span_skip(payload, 1);
	return 0;
}

/* --- records: what is present, type (2), [ttl (4)], [relative], text ----------------------------- */

enum { HAS_TTL = 1, HAS_RELATIVE = 2 };

void
payload_put_record(struct text *out, const struct payload_record *record)
{
	unsigned present = (record->ttl != RECORD_TTL_DEFAULT ? HAS_TTL : 0) |
	                   (record->relative != 0 ? HAS_RELATIVE : 0);

	text_put_char(out, (char)present);
	text_put_char(out, (char)record->type);
	text_put_char(out, (char)(record->type >> 8));
	if (present & HAS_TTL)
		put_u32(out, record->ttl);
	if (present & HAS_RELATIVE)
		text_put_char(out, (char)record->relative);
	put_string(out, record->text);
}

int
payload_next_record(struct span *rest, struct payload_record *out)
{
	struct cursor c = { *rest, false };
	struct payload_record record;
	unsigned present;

	if (rest->len == 0)
		return 0;
	present = take_u8(&c);
	record.type = take_u16(&c);
	record.ttl = present & HAS_TTL ? take_u32(&c) : RECORD_TTL_DEFAULT;
	record.relative = present & HAS_RELATIVE ? take_u8(&c) : 0;
	record.text = take_string(&c);
	if (present > (HAS_TTL | HAS_RELATIVE))
		c.failed = true;
	*out = record;
	return taken(&c, rest);
}

/* --- zones: the item, then for a domain: kind, master; for a SOA: whether the serial is usable, serial,
 *     ttl, minimum (4 each), head, tail ----------------------------------------------------------- */

void
payload_put_zone(struct text *out, const struct payload_zone *zone)
{
	text_put_char(out, (char)zone->item);
	switch (zone->item) {
	case PAYLOAD_DOMAIN:
		text_put_char(out, (char)zone->kind);
		put_name(out, &zone->master);
		break;
	case PAYLOAD_SOA:
		text_put_char(out, zone->serial_usable);
		put_u32(out, zone->serial);
		put_u32(out, zone->ttl);
		put_u32(out, zone->minimum);
		put_string(out, zone->head);
		put_string(out, zone->tail);
		break;
	default:
		break;
	}
}

int
payload_next_zone(struct span *rest, struct payload_zone *out)
{
	struct cursor c = { *rest, false };
	struct payload_zone zone = { .master = { .len = 1 }, .head = { "", 0 }, .tail = { "", 0 } };

	if (rest->len == 0)
		return 0;
	zone.item = take_u8(&c);
	switch (zone.item) {
	case PAYLOAD_DOMAIN:
		zone.kind = take_u8(&c);
		take_name(&c, &zone.master);
		if (zone.kind > ZONE_REPLICA)
			c.failed = true;
		break;
	case PAYLOAD_SOA:
		zone.serial_usable = take_u8(&c) != 0;
		zone.serial = take_u32(&c);
		zone.ttl = take_u32(&c);
		zone.minimum = take_u32(&c);
		zone.head = take_string(&c);
		zone.tail = take_string(&c);
		break;
	case PAYLOAD_BAD_SOA:
		break;
	default:
		c.failed = true;
	}
	*out = zone;
	return taken(&c, rest);
}

/* --- variables: id, text ------------------------------------------------------------------------- */

void
payload_put_variable(struct text *out, const struct payload_variable *variable)
{
	text_put_char(out, (char)variable->id);
	put_string(out, variable->text);
}

int
payload_next_variable(struct span *rest, struct payload_variable *out)
{
	struct cursor c = { *rest, false };
	struct payload_variable variable;

	if (rest->len == 0)
		return 0;
	variable.id = take_u8(&c);
	variable.text = take_string(&c);
	if (variable.id == 0 || variable.id >= PAYLOAD_VARIABLES)
		c.failed = true;
	*out = variable;
	return taken(&c, rest);
}

/* --- targets: the name in wire form ----------------------------------------------------------------- */

void
payload_put_target(struct text *out, const struct dname *target)
{
	put_name(out, target);
}

int
payload_next_target(struct span *rest, struct dname *out)
{
	struct cursor c = { *rest, false };

	if (rest->len == 0)
		return 0;
	take_name(&c, out);
	return taken(&c, rest);
}
