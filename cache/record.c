/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * How each value is laid out stands above its writer; a reader checks every length before it believes it.
 */
#include <config.h>

#include "cache/record.h"

#include "cache/octets.h"

#include <errno.h>

/* As octets_put_string, with a NUL that does not count behind. */
static void
put_string(struct text *out, struct span s)
{
	octets_put_string(out, s);
	text_put_char(out, '\0');
}

static struct span
take_string(struct cursor *c)
{
	size_t n = cursor_u16(c);
	struct span s = cursor_take(c, n + 1);

	if (c->failed || s.data[n] != '\0') {
		c->failed = true;
		return (struct span){ "", 0 };
	}
	return span_from(s.data, n);
}

/* Begins to read VALUE: 0, -EPROTO for another version, -EBADMSG for nothing at all. */
static int
begin(struct cursor *c, struct span value)
{
	if (value.len == 0)
		return -EBADMSG;
	if (value.data[0] != RECORD_VERSION)
		return -EPROTO;
	*c = (struct cursor){ span_skip(value, 1), false };
	return 0;
}

/* --- nodes: version, flags, count (2), then a record after the other:
 *     type (2), flags, relative, ttl (4), length of the text (4), text, NUL ------------------------ */

enum { NODE_HEAD = 4, RR_HEAD = 12 };

void
node_begin(struct node_writer *writer, struct text *out)
{
	*writer = (struct node_writer){ out, out->len };
	text_put_char(out, RECORD_VERSION);
	text_put_char(out, 0);
	octets_put_u16(out, 0);
}

void
node_put(struct node_writer *writer, const struct rr *rr)
{
	struct text *out = writer->out;
	uint32_t count;

	octets_put_u16(out, rr->type);
	text_put_char(out, (char)rr->flags);
	text_put_char(out, (char)rr->relative);
	octets_put_u32(out, rr->ttl);
	octets_put_u32(out, (uint32_t)rr->text.len);
	text_put_span(out, rr->text);
	text_put_char(out, '\0');
	if (text_failed(out))
		return;
	count = octets_u16(out->data + writer->start + 2) + 1;
	if (count > UINT16_MAX || rr->text.len > UINT32_MAX) {
		out->failed = true;
		return;
	}
	out->data[writer->start + 2] = (char)count;
	out->data[writer->start + 3] = (char)(count >> 8);
}

void
node_end(struct node_writer *writer, uint8_t node_flags)
{
	if (!text_failed(writer->out))
		writer->out->data[writer->start + 1] = (char)node_flags;
}

int
node_read(struct span value, struct node *out)
{
	if (value.len < NODE_HEAD)
		return -EBADMSG;
	if (value.data[0] != RECORD_VERSION)
		return -EPROTO;
	*out = (struct node){
		.flags = (uint8_t)value.data[1],
		.count = (uint16_t)octets_u16(value.data + 2),
		.rest = span_skip(value, NODE_HEAD),
	};
	return 0;
}

int
node_next(struct node *node, struct rr *out)
{
	struct span rest = node->rest;
	size_t n;

	if (node->count == 0)
		return rest.len == 0 ? 0 : -EBADMSG;
	if (rest.len < RR_HEAD)
		return -EBADMSG;
	n = octets_u32(rest.data + 8);
	if (n >= rest.len - RR_HEAD || rest.data[RR_HEAD + n] != '\0')
		return -EBADMSG;
	*out = (struct rr){
		.type = (uint16_t)octets_u16(rest.data),
		.flags = (uint8_t)rest.data[2],
		.relative = (uint8_t)rest.data[3],
		.ttl = octets_u32(rest.data + 4),
		.text = span_from(rest.data + RR_HEAD, n),
	};
	node->rest = span_skip(rest, RR_HEAD + n + 1);
	node->count--;
	return 1;
}

/* --- zones: version, kind, bits, five numbers (4 each), three strings ------------------------------ */

enum { ZONE_BIT_SOA = 1, ZONE_BIT_HELD = 2, ZONE_BIT_STORED = 4 };

void
zone_record_put(struct text *out, const struct zone_record *zone)
{
	text_put_char(out, RECORD_VERSION);
	text_put_char(out, (char)zone->kind);
	text_put_char(out, (char)((zone->has_soa ? ZONE_BIT_SOA : 0) | (zone->held ? ZONE_BIT_HELD : 0) |
	                          (zone->stored_usable ? ZONE_BIT_STORED : 0)));
	octets_put_u32(out, zone->serial);
	octets_put_u32(out, zone->stored_serial);
	octets_put_u32(out, zone->epoch);
	octets_put_u32(out, zone->soa_ttl);
	octets_put_u32(out, zone->minimum);
	put_string(out, zone->master);
	put_string(out, zone->soa_head);
	put_string(out, zone->soa_tail);
}

int
zone_record_read(struct span value, struct zone_record *out)
{
	struct zone_record zone = { 0 };
	struct cursor c;
	uint8_t bits;
	int r = begin(&c, value);

	if (r < 0)
		return r;
	zone.kind = cursor_u8(&c);
	bits = cursor_u8(&c);
	zone.has_soa = (bits & ZONE_BIT_SOA) != 0;
	zone.held = (bits & ZONE_BIT_HELD) != 0;
	zone.stored_usable = (bits & ZONE_BIT_STORED) != 0;
	zone.serial = cursor_u32(&c);
	zone.stored_serial = cursor_u32(&c);
	zone.epoch = cursor_u32(&c);
	zone.soa_ttl = cursor_u32(&c);
	zone.minimum = cursor_u32(&c);
	zone.master = take_string(&c);
	zone.soa_head = take_string(&c);
	zone.soa_tail = take_string(&c);
	if (c.failed || c.rest.len != 0 || zone.kind > ZONE_REPLICA)
		return -EBADMSG;
	*out = zone;
	return 0;
}

/* --- settings: version, bits, two numbers (4 each), four strings, count of prefixes (2), the prefixes --- */

enum { SETTINGS_BIT_STORED = 1 };

void
settings_record_put(struct text *out, const struct settings_record *settings)
{
	text_put_char(out, RECORD_VERSION);
	text_put_char(out, settings->serial_stored ? SETTINGS_BIT_STORED : 0);
	octets_put_u32(out, settings->base_serial);
	octets_put_u32(out, settings->epoch);
	put_string(out, settings->primary_ns);
	put_string(out, settings->secondary_ns);
	put_string(out, settings->rname);
	put_string(out, settings->catch_all);
	octets_put_u16(out, (uint16_t)settings->prefix_count);
	for (size_t i = 0; i < settings->prefix_count; i++) {
		const struct reverse_prefix *prefix = &settings->prefixes[i];

		text_put_char(out, (char)prefix->family);
		text_put_char(out, (char)prefix->length);
		text_put_char(out, (char)prefix->cut);
		text_put_span(out, span_from(prefix->address, sizeof(prefix->address)));
	}
}

static bool
prefix_makes_sense(const struct reverse_prefix *prefix)
{
	unsigned bits = prefix->family == 4 ? 32 : 128;
	unsigned step = prefix->family == 4 ? 8 : 4;

	return (prefix->family == 4 || prefix->family == 6) && prefix->cut >= prefix->length &&
	       prefix->cut <= bits && prefix->cut % step == 0;
}

int
settings_record_read(struct span value, struct settings_record *out)
{
	struct settings_record settings = { 0 };
	struct cursor c;
	int r = begin(&c, value);

	if (r < 0)
		return r;
	settings.serial_stored = (cursor_u8(&c) & SETTINGS_BIT_STORED) != 0;
	settings.base_serial = cursor_u32(&c);
	settings.epoch = cursor_u32(&c);
	settings.primary_ns = take_string(&c);
	settings.secondary_ns = take_string(&c);
	settings.rname = take_string(&c);
	settings.catch_all = take_string(&c);
	settings.prefix_count = cursor_u16(&c);
	if (c.failed || settings.prefix_count > REVERSE_PREFIXES_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < settings.prefix_count; i++) {
		struct reverse_prefix *prefix = &settings.prefixes[i];
		struct span address;

		prefix->family = cursor_u8(&c);
		prefix->length = cursor_u8(&c);
		prefix->cut = cursor_u8(&c);
		address = cursor_take(&c, sizeof(prefix->address));
		if (c.failed || !prefix_makes_sense(prefix))
			return -EBADMSG;
		memcpy(prefix->address, address.data, sizeof(prefix->address));
	}
	if (c.rest.len != 0)
		return -EBADMSG;
	*out = settings;
	return 0;
}

uint32_t
serial_later(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0 ? a : b;
}

uint32_t
zone_serial(const struct zone_record *zone, const struct settings_record *settings)
{
	uint32_t serial = zone->serial != 0 ? zone->serial : settings->base_serial;

	if (settings->serial_stored && zone->stored_usable)
		return zone->stored_serial;
	/* 0 is no time: a source without CSNs. */
	if (zone->stored_usable)
		serial = serial != 0 ? serial_later(zone->stored_serial, serial) : zone->stored_serial;
	else if (serial == 0)
		serial = 1;
	/* A changed setting changes what every zone holds, but rewrites no zone. */
	return serial + (settings->epoch - zone->epoch);
}

/* --- state: version, complete, applied (8), source (16) ---------------------------------------------- */

void
state_record_put(struct text *out, const struct state_record *state)
{
	text_put_char(out, RECORD_VERSION);
	text_put_char(out, state->complete ? 1 : 0);
	octets_put_u64(out, state->applied);
	text_put_span(out, span_from(state->source, sizeof(state->source)));
}

int
state_record_read(struct span value, struct state_record *out)
{
	struct state_record state = { 0 };
	struct span source;
	struct cursor c;
	int r = begin(&c, value);

	if (r < 0)
		return r;
	state.complete = cursor_u8(&c) != 0;
	state.applied = cursor_u64(&c);
	source = cursor_take(&c, sizeof(state.source));
	if (c.failed || c.rest.len != 0)
		return -EBADMSG;
	memcpy(state.source, source.data, sizeof(state.source));
	*out = state;
	return 0;
}

/* --- problems: each is version, length of all that follows (4), three strings; lists are put end to end --- */

enum { PROBLEM_HEAD = 5, PROBLEM_PART_MAX = 8192 };

static struct span
shortened(struct span s)
{
	return span_from(s.data, s.len < PROBLEM_PART_MAX ? s.len : PROBLEM_PART_MAX);
}

void
problem_put(struct text *out, const struct problem *problem)
{
	/* A DN may be of any length; what does not fit is not worth losing the sentence for. */
	struct span kind = shortened(problem->kind);
	struct span dn = shortened(problem->dn);
	struct span sentence = shortened(problem->sentence);

	text_put_char(out, RECORD_VERSION);
	octets_put_u32(out, (uint32_t)(3 * 3 + kind.len + dn.len + sentence.len));
	put_string(out, kind);
	put_string(out, dn);
	put_string(out, sentence);
}

int
problem_next(struct span *rest, struct problem *out)
{
	struct problem problem;
	struct cursor c;
	size_t n;
	int r;

	if (rest->len == 0)
		return 0;
	r = begin(&c, *rest);
	if (r < 0)
		return r;
	n = cursor_u32(&c);
	if (c.failed || c.rest.len < n)
		return -EBADMSG;
	c.rest.len = n;
	problem.kind = take_string(&c);
	problem.dn = take_string(&c);
	problem.sentence = take_string(&c);
	if (c.failed || c.rest.len != 0)
		return -EBADMSG;
	*rest = span_skip(*rest, PROBLEM_HEAD + n);
	*out = problem;
	return 1;
}
