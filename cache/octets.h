/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Numbers and strings in the values of the environments: little-endian, unaligned, lengths in front.
 *
 * A cursor reads from the front; once something is missing everything reads as zero and FAILED stays set, so that many fields are
 * read and looked at once.
 */
#pragma once

#include "common/span.h"
#include "common/text.h"

static inline void
octets_put_u16(struct text *out, uint16_t n)
{
	text_put_char(out, (char)n);
	text_put_char(out, (char)(n >> 8));
}

static inline void
octets_put_u32(struct text *out, uint32_t n)
{
	octets_put_u16(out, (uint16_t)n);
	octets_put_u16(out, (uint16_t)(n >> 16));
}

static inline void
octets_put_u64(struct text *out, uint64_t n)
{
	octets_put_u32(out, (uint32_t)n);
	octets_put_u32(out, (uint32_t)(n >> 32));
}

/* The length (2) in front. A string that is longer marks OUT as failed. */
static inline void
octets_put_string(struct text *out, struct span s)
{
	if (s.len > UINT16_MAX)
		out->failed = true;
	octets_put_u16(out, (uint16_t)s.len);
	text_put_span(out, s);
}

static inline uint32_t
octets_u16(const void *from)
{
	const uint8_t *p = from;

	return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static inline uint32_t
octets_u32(const void *from)
{
	const uint8_t *p = from;

	return octets_u16(p) | octets_u16(p + 2) << 16;
}

struct cursor {
	struct span rest;
	bool failed;
};

static inline struct span
cursor_take(struct cursor *c, size_t n)
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

static inline uint8_t
cursor_u8(struct cursor *c)
{
	struct span s = cursor_take(c, 1);

	return c->failed ? 0 : (uint8_t)s.data[0];
}

static inline uint16_t
cursor_u16(struct cursor *c)
{
	struct span s = cursor_take(c, 2);

	return c->failed ? 0 : (uint16_t)octets_u16(s.data);
}

static inline uint32_t
cursor_u32(struct cursor *c)
{
	struct span s = cursor_take(c, 4);

	return c->failed ? 0 : octets_u32(s.data);
}

static inline uint64_t
cursor_u64(struct cursor *c)
{
	uint64_t low = cursor_u32(c);

	return low | (uint64_t)cursor_u32(c) << 32;
}

static inline struct span
cursor_string(struct cursor *c)
{
	return cursor_take(c, cursor_u16(c));
}
