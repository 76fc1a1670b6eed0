/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Parsing and canonical form; see message.h.
 */
#include <config.h>

#include "tests/diff/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where names stand in the data of the types that may hold them: a digit skips octets, 'n' is a
 * name, 's' a counted string. Types that are not here compare as they are. */
static const char *
layout_of(uint16_t type)
{
	switch (type) {
	case 2: case 3: case 4: case 5: case 7: case 8: case 9: case 12: case 23: case 39:
		return "n";
	case 6:
		return "nn4"; /* and the serial, which is blanked */
	case 14: case 17: case 58:
		return "nn";
	case 15: case 18: case 21: case 36: case 64: case 65: case 107:
		return "2n";
	case 26:
		return "2nn";
	case 33:
		return "6n";
	case 35:
		return "4sssn";
	default:
		return "";
	}
}

static uint8_t
lowered(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

int
name_read(const uint8_t *wire, size_t len, size_t *at, struct name *out)
{
	size_t from = *at, behind = 0;
	unsigned jumps = 0;
	struct name name = { 0 };

	for (;;) {
		if (from >= len)
			return -EBADMSG;
		uint8_t n = wire[from];
		if (n >= 0xc0) {
			if (from + 1 >= len || ++jumps > 127)
				return -EBADMSG;
			if (behind == 0)
				behind = from + 2;
			from = get16(wire + from) & 0x3fff;
			continue;
		}
		if (n > 63 || from + 1 + n > len || name.len + 1u + n > NAME_MAX_OCTETS)
			return -EBADMSG;
		name.wire[name.len++] = n;
		for (unsigned i = 0; i < n; i++)
			name.wire[name.len++] = lowered(wire[from + 1 + i]);
		from += 1u + n;
		if (n == 0)
			break;
	}
	*at = behind ? behind : from;
	*out = name;
	return 0;
}

bool
name_is(const struct name *a, const struct name *b)
{
	return a->len == b->len && memcmp(a->wire, b->wire, a->len) == 0;
}

size_t
name_below(const struct name *name, const struct name *ancestor)
{
	size_t at = 0;

	while (name->len - at > ancestor->len)
		at += 1u + name->wire[at];
	if (at == 0 || name->len - at != ancestor->len ||
	    memcmp(name->wire + at, ancestor->wire, ancestor->len) != 0)
		return 0;
	return at;
}

static int
put(struct message *m, const uint8_t *octets, size_t len)
{
	if (m->used + len > m->room) {
		size_t room = (m->used + len) * 2 + 4096;
		uint8_t *grown = realloc(m->octets, room);
		if (grown == NULL)
			return -ENOMEM;
		m->octets = grown;
		m->room = room;
	}
	if (len > 0)
		memcpy(m->octets + m->used, octets, len);
	m->used += len;
	return 0;
}

static int
put_rr(struct section *s, const struct rr *rr)
{
	if (s->count == s->room) {
		size_t room = s->room * 2 + 16;
		struct rr *grown = realloc(s->rrs, room * sizeof(*grown));
		if (grown == NULL)
			return -ENOMEM;
		s->rrs = grown;
		s->room = room;
	}
	s->rrs[s->count++] = *rr;
	return 0;
}

/* Where the name begins in data that says itself whether there is one; END when there is none. */
static size_t
find_name(const uint8_t *wire, uint16_t type, size_t at, size_t end)
{
	size_t skip;

	switch (type) {
	case 38: /* A6: prefix length, as many octets of address as that leaves, name */
		skip = at < end && wire[at] > 0 && wire[at] <= 128 ? 1u + (128u - wire[at] + 7) / 8 : SIZE_MAX;
		break;
	case 45: /* IPSECKEY: the gateway is a name when its kind is 3 */
		skip = at + 1 < end && wire[at + 1] == 3 ? 3 : SIZE_MAX;
		break;
	case 55: /* HIP: two lengths, then names up to the end; one is enough here */
		skip = at + 3 < end ? 4u + wire[at] + get16(wire + at + 2) : SIZE_MAX;
		break;
	case 260: /* AMTRELAY */
		skip = at + 1 < end && (wire[at + 1] & 0x7f) == 3 ? 2 : SIZE_MAX;
		break;
	default:
		skip = SIZE_MAX;
	}
	return skip < end - at ? at + skip : end;
}

/* Writes the data of a record, END being where it ends in the message. */
static int
put_data(struct message *m, uint16_t type, size_t at, size_t end)
{
	const uint8_t *wire = m->wire;
	size_t name_at = find_name(wire, type, at, end);
	int r;

	if (name_at < end) {
		struct name name;

		r = put(m, wire + at, name_at - at);
		if (r == 0)
			r = name_read(wire, end, &name_at, &name);
		if (r == 0)
			r = put(m, name.wire, name.len);
		if (r < 0)
			return r;
		at = name_at;
	}
	for (const char *c = layout_of(type); *c != '\0'; c++) {
		struct name name;
		size_t n;

		if (*c == 'n') {
			r = name_read(wire, end, &at, &name);
			if (r < 0)
				return r;
			r = put(m, name.wire, name.len);
		} else {
			n = *c == 's' ? (at < end ? 1u + wire[at] : 1) : (size_t)(*c - '0');
			if (at + n > end)
				return -EBADMSG;
			r = put(m, type == TYPE_SOA ? (const uint8_t *)"\0\0\0" : wire + at, n);
			at += n;
		}
		if (r < 0)
			return r;
	}
	if (at > end)
		return -EBADMSG;
	return put(m, wire + at, end - at);
}

static int
read_section(struct message *m, size_t *at, unsigned count, struct section *s)
{
	s->count = 0;
	for (unsigned i = 0; i < count; i++) {
		struct name owner;
		struct rr rr = { .at = m->used };
		int r = name_read(m->wire, m->wire_len, at, &owner);

		if (r < 0)
			return r;
		if (*at + 10 > m->wire_len)
			return -EBADMSG;
		const uint8_t *fixed = m->wire + *at;
		size_t end = *at + 10 + get16(fixed + 8);
		if (end > m->wire_len)
			return -EBADMSG;
		rr.type = get16(fixed);
		rr.owner_len = owner.len;
		if ((r = put(m, owner.wire, owner.len)) < 0 || (r = put(m, fixed, 2)) < 0 ||
		    (r = put(m, fixed + 4, 4)) < 0 || (r = put_data(m, rr.type, *at + 10, end)) < 0)
			return r;
		rr.len = (uint32_t)(m->used - rr.at);
		if (rr.type != TYPE_OPT && (r = put_rr(s, &rr)) < 0)
			return r;
		*at = end;
	}
	return 0;
}

static int
compare_rr(const void *a, const void *b, void *context)
{
	const struct message *m = context;
	const struct rr *x = a, *y = b;
	int c = memcmp(m->octets + x->at, m->octets + y->at, x->len < y->len ? x->len : y->len);

	return c != 0 ? c : (x->len > y->len) - (x->len < y->len);
}

static void
sort_section(struct message *m, struct section *s)
{
	if (s->count > 1)
		qsort_r(s->rrs, s->count, sizeof(*s->rrs), compare_rr, m);
}

int
message_read(struct message *m)
{
	size_t at = 12;
	struct name question;
	int r;

	m->used = 0;
	section_clear(&m->answer);
	section_clear(&m->authority);
	section_clear(&m->additional);
	if (m->wire_len < 12)
		return -EBADMSG;
	m->id = get16(m->wire);
	m->flags = get16(m->wire + 2);
	for (unsigned i = 0; i < get16(m->wire + 4); i++) {
		r = name_read(m->wire, m->wire_len, &at, &question);
		if (r < 0)
			return r;
		at += 4;
	}
	if ((r = read_section(m, &at, get16(m->wire + 6), &m->answer)) < 0 ||
	    (r = read_section(m, &at, get16(m->wire + 8), &m->authority)) < 0 ||
	    (r = read_section(m, &at, get16(m->wire + 10), &m->additional)) < 0)
		return r;
	sort_section(m, &m->answer);
	sort_section(m, &m->authority);
	sort_section(m, &m->additional);
	return 0;
}

void
message_done(struct message *m)
{
	free(m->octets);
	free(m->answer.rrs);
	free(m->authority.rrs);
	free(m->additional.rrs);
	memset(m, 0, sizeof(*m));
}

void
section_clear(struct section *s)
{
	s->count = 0;
}

const uint8_t *
rr_octets(const struct message *m, const struct rr *rr)
{
	return m->octets + rr->at;
}

const uint8_t *
rr_data(const struct message *m, const struct rr *rr, size_t *out_len)
{
	*out_len = rr->len - rr->owner_len - 6u;
	return m->octets + rr->at + rr->owner_len + 6;
}

bool
rr_owner_is(const struct message *m, const struct rr *rr, const struct name *name)
{
	return rr->owner_len == name->len && memcmp(m->octets + rr->at, name->wire, name->len) == 0;
}

void
rr_target(const struct message *m, const struct rr *rr, struct name *out)
{
	size_t len;
	const uint8_t *data = rr_data(m, rr, &len);

	out->len = (uint8_t)(len < NAME_MAX_OCTETS ? len : NAME_MAX_OCTETS);
	memcpy(out->wire, data, out->len);
}

static bool
rr_is(const struct message *a, const struct rr *x, const struct message *b, const struct rr *y)
{
	return x->len == y->len && memcmp(rr_octets(a, x), rr_octets(b, y), x->len) == 0;
}

bool
section_is(const struct message *a, const struct section *as, const struct message *b,
           const struct section *bs)
{
	if (as->count != bs->count)
		return false;
	for (size_t i = 0; i < as->count; i++) {
		if (!rr_is(a, &as->rrs[i], b, &bs->rrs[i]))
			return false;
	}
	return true;
}

bool
section_has(const struct message *m, const struct section *s, uint16_t type,
            const struct name *owner)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->rrs[i].type == type && (owner == NULL || rr_owner_is(m, &s->rrs[i], owner)))
			return true;
	}
	return false;
}

bool
section_holds(const struct message *m, const struct section *s, const struct message *of,
              const struct rr *rr)
{
	for (size_t i = 0; i < s->count; i++) {
		if (rr_is(m, &s->rrs[i], of, rr))
			return true;
	}
	return false;
}

int
section_merge(struct message *to, struct section *to_section, const struct message *from,
              const struct section *from_section)
{
	for (size_t i = 0; i < from_section->count; i++) {
		struct rr rr = from_section->rrs[i];
		int r;

		if (section_holds(to, to_section, from, &rr))
			continue;
		rr.at = to->used;
		if ((r = put(to, rr_octets(from, &from_section->rrs[i]), rr.len)) < 0 ||
		    (r = put_rr(to_section, &rr)) < 0)
			return r;
	}
	sort_section(to, to_section);
	return 0;
}
