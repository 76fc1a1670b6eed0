/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Distinguished names: RFC 4514, and the older forms (RFC 2253 4, RFC 1779) that people write.
 *
 * One pass over the text, and three pieces of arena a DN: this runs for every entry of a first
 * load, and for every parent of every entry.
 */
#include <config.h>

#include "cache/entry.h"

#include <errno.h>

enum {
	RDN_PAIRS_MAX = 16,
	ESCAPED_MAX = 3, /* octets that one octet of a value may take in the normalised form */
};

struct reader {
	const char *at, *end;
	const char *significant; /* behind the last octet that is no blank around a separator */
	char *value; /* where the next unescaped value goes */
	char *out;   /* where the next normalised octet goes */
};

struct pair {
	struct span type, value, normalised;
};

/* The names of RFC 4519 that a DN may spell in three ways; the first is the one slapd prints. */
static const struct {
	struct span name, other;
} type_aliases[] = {
	{ SPAN("cn"), SPAN("commonname") },
	{ SPAN("cn"), SPAN("2.5.4.3") },
	{ SPAN("l"), SPAN("localityname") },
	{ SPAN("l"), SPAN("2.5.4.7") },
	{ SPAN("st"), SPAN("stateorprovincename") },
	{ SPAN("st"), SPAN("2.5.4.8") },
	{ SPAN("street"), SPAN("streetaddress") },
	{ SPAN("street"), SPAN("2.5.4.9") },
	{ SPAN("o"), SPAN("organizationname") },
	{ SPAN("o"), SPAN("2.5.4.10") },
	{ SPAN("ou"), SPAN("organizationalunitname") },
	{ SPAN("ou"), SPAN("2.5.4.11") },
	{ SPAN("c"), SPAN("countryname") },
	{ SPAN("c"), SPAN("2.5.4.6") },
	{ SPAN("dc"), SPAN("domaincomponent") },
	{ SPAN("dc"), SPAN("0.9.2342.19200300.100.1.25") },
	{ SPAN("uid"), SPAN("userid") },
	{ SPAN("uid"), SPAN("0.9.2342.19200300.100.1.1") },
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
skip_blanks(struct reader *r)
{
	while (r->at < r->end && is_blank(*r->at))
		r->at++;
}

/* Two hexadecimal digits at AT, or -1. */
static int
hex_octet(const char *at, const char *end)
{
	int high, low;

	if (end - at < 2)
		return -1;
	high = ascii_hex(at[0]);
	low = ascii_hex(at[1]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_type_char(char c)
{
	return is_digit(c) || c == '-' || c == '_' || c == '.' ||
	       (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

/* A name that begins with a letter, or an object identifier. */
static bool
is_type(struct span type)
{
	bool identifier = type.len > 0 && is_digit(type.data[0]);

	if (type.len == 0 || (!identifier && !(type.data[0] >= 'a' && type.data[0] <= 'z')))
		return false;
	for (size_t i = 1; i < type.len; i++) {
		bool in_identifier = is_digit(type.data[i]) || type.data[i] == '.';

		if (identifier ? !in_identifier : type.data[i] == '.')
			return false;
	}
	return true;
}

/* Reads "type =" and writes the type and "=" to the normalised form. */
static int
read_type(struct reader *r, struct span *out_type)
{
	char *start = r->out;
	struct span type;

	skip_blanks(r);
	while (r->at < r->end && is_type_char(*r->at))
		*r->out++ = ascii_lower(*r->at++);
	skip_blanks(r);
	if (r->at == r->end || *r->at != '=')
		return -EINVAL;
	r->significant = ++r->at;
	type = span_from(start, (size_t)(r->out - start));
	if (type.len > 4 && memcmp(start, "oid.", 4) == 0 && is_digit(start[4])) {
		type.len -= 4;
		memmove(start, start + 4, type.len);
	}
	if (!is_type(type))
		return -EINVAL;
	if (type.len > 5)
		for (size_t i = 0; i < array_size(type_aliases); i++)
			if (span_is(type, type_aliases[i].other)) {
				type.len = type_aliases[i].name.len;
				memcpy(start, type_aliases[i].name.data, type.len);
				break;
			}
	r->out = start + type.len;
	*r->out++ = '=';
	*out_type = type;
	return 0;
}

/* "#" and the BER encoding of the value in hexadecimal. Of the string types the content is the
 * value; anything else is compared as it is encoded. */
static int
read_hex_value(struct reader *r, struct span *out_value)
{
	uint8_t *start = (uint8_t *)r->value;
	size_t len = 0, content, head;
	int octet;

	r->at++;
	while ((octet = hex_octet(r->at, r->end)) >= 0) {
		start[len++] = (uint8_t)octet;
		r->at += 2;
	}
	if (len < 2)
		return -EINVAL;
	head = 2;
	content = start[1];
	if (content & 0x80) {
		size_t octets = content & 0x7f;

		if (octets == 0 || octets > 4 || len < 2 + octets)
			return -EINVAL;
		content = 0;
		for (size_t i = 0; i < octets; i++)
			content = content << 8 | start[2 + i];
		head += octets;
	}
	if (len - head != content)
		return -EINVAL;
	switch (start[0]) {
	case 0x04: /* OCTET STRING */
	case 0x0c: /* UTF8String */
	case 0x12: /* NumericString */
	case 0x13: /* PrintableString */
	case 0x14: /* TeletexString */
	case 0x16: /* IA5String */
	case 0x1a: /* VisibleString */
		break;
	default:
		head = 0;
		content = len;
	}
	*out_value = span_from(start + head, content);
	r->value += len;
	r->significant = r->at;
	return 0;
}

/* What follows a backslash. */
static int
read_escape(struct reader *r, char *out_octet)
{
	int octet;

	r->at++;
	octet = hex_octet(r->at, r->end);
	if (octet >= 0) {
		*out_octet = (char)octet;
		r->at += 2;
		return 0;
	}
	if (r->at < r->end && *r->at != '\0' && strchr(" \"#+,;<=>\\", *r->at) != NULL) {
		*out_octet = *r->at++;
		return 0;
	}
	return -EINVAL;
}

static int
read_quoted_value(struct reader *r, struct span *out_value)
{
	char *start = r->value;

	r->at++;
	for (;;) {
		if (r->at == r->end || *r->at == '\0')
			return -EINVAL;
		if (*r->at == '"')
			break;
		if (*r->at == '\\') {
			if (read_escape(r, r->value) < 0)
				return -EINVAL;
			r->value++;
		} else {
			*r->value++ = *r->at++;
		}
	}
	r->significant = ++r->at;
	*out_value = span_from(start, (size_t)(r->value - start));
	return 0;
}

/* Octets of a plain value that need a second look. */
static bool
is_special(char c)
{
	switch (c) {
	case '\\':
	case ',':
	case ';':
	case '+':
	case '"':
	case '\0':
		return true;
	default:
		return false;
	}
}

/* A value with a backslash, of which the part before AT was read already (it began at FROM). */
static int
read_escaped_value(struct reader *r, const char *from, struct span *out_value)
{
	char *start = r->value;
	char *end = start; /* blanks after this are not the value's */

	memcpy(r->value, from, (size_t)(r->at - from));
	r->value += r->at - from;
	while (r->at < r->end && *r->at != ',' && *r->at != ';' && *r->at != '+') {
		bool plain = *r->at != '\\';

		if (plain && is_special(*r->at))
			return -EINVAL;
		if (!plain && read_escape(r, r->value) < 0)
			return -EINVAL;
		if (plain)
			*r->value = *r->at++;
		r->value++;
		if (!plain || !is_blank(r->value[-1])) {
			end = r->value;
			r->significant = r->at;
		}
	}
	*out_value = span_from(start, (size_t)(end - start));
	return 0;
}

static int
read_plain_value(struct reader *r, struct span *out_value)
{
	const char *from = r->at, *end;

	while (r->at < r->end && !is_special(*r->at))
		r->at++;
	if (r->at < r->end && *r->at == '\\')
		return read_escaped_value(r, from, out_value);
	/* The usual value stands as it is in the copy of the DN. */
	for (end = r->at; end > from && is_blank(end[-1]);)
		end--;
	*out_value = span_from(from, (size_t)(end - from));
	r->significant = end;
	return 0;
}

/* What the normalised form escapes, so that it is a DN again and separators are unmistakable. */
static bool
needs_escape(unsigned char c)
{
	switch (c) {
	case '\\':
	case ',':
	case ';':
	case '+':
	case '"':
	case '#':
	case 0x7f:
		return true;
	default:
		return c < 0x20;
	}
}

/* Appends VALUE as values are compared: lower case, one blank for several, none at the ends. */
static void
put_normalised(struct reader *r, struct span value)
{
	static const char digits[] = "0123456789abcdef";
	char *out = r->out;
	bool blank = false, any = false;

	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)ascii_lower(value.data[i]);

		if (c == ' ') {
			blank = any;
			continue;
		}
		if (blank)
			*out++ = ' ';
		blank = false;
		any = true;
		if (needs_escape(c)) {
			*out++ = '\\';
			*out++ = digits[c >> 4];
			*out++ = digits[c & 15];
		} else {
			*out++ = (char)c;
		}
	}
	r->out = out;
}

static int
read_pair(struct reader *r, struct pair *out)
{
	const char *start = r->out;
	int result;

	result = read_type(r, &out->type);
	if (result < 0)
		return result;
	skip_blanks(r);
	if (r->at < r->end && *r->at == '#')
		result = read_hex_value(r, &out->value);
	else if (r->at < r->end && *r->at == '"')
		result = read_quoted_value(r, &out->value);
	else
		result = read_plain_value(r, &out->value);
	if (result < 0)
		return result;
	put_normalised(r, out->value);
	out->normalised = span_from(start, (size_t)(r->out - start));
	skip_blanks(r);
	return r->at == r->end || *r->at == ',' || *r->at == ';' || *r->at == '+' ? 0 : -EINVAL;
}

static int
compare_spans(struct span a, struct span b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n > 0 ? memcmp(a.data, b.data, n) : 0;

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Sorts the pairs of an RDN with several, and joins their normalised forms with "+". */
static int
join_pairs(struct pair *pairs, size_t count, struct arena *arena, struct span *out_normalised)
{
	size_t len = count - 1;
	char *joined, *out;

	for (size_t i = 0; i < count; i++) {
		struct pair pair = pairs[i];
		size_t at = i;

		for (; at > 0 && compare_spans(pairs[at - 1].normalised, pair.normalised) > 0; at--)
			pairs[at] = pairs[at - 1];
		pairs[at] = pair;
		len += pair.normalised.len;
	}
	out = joined = arena_alloc(arena, len);
	if (joined == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			*out++ = '+';
		memcpy(out, pairs[i].normalised.data, pairs[i].normalised.len);
		out += pairs[i].normalised.len;
	}
	*out_normalised = span_from(joined, len);
	return 0;
}

static int
read_rdn(struct reader *r, struct arena *arena, struct rdn *out)
{
	struct pair pairs[RDN_PAIRS_MAX] unfilled;
	const char *start;
	size_t count = 0;
	int result;

	skip_blanks(r);
	start = r->at;
	for (;;) {
		if (count == RDN_PAIRS_MAX)
			return -EINVAL;
		result = read_pair(r, &pairs[count++]);
		if (result < 0)
			return result;
		if (r->at == r->end || *r->at != '+')
			break;
		r->at++;
	}
	out->text = span_from(start, (size_t)(r->significant - start));
	out->single = count == 1;
	if (count == 1) {
		out->normalised = pairs[0].normalised;
	} else {
		result = join_pairs(pairs, count, arena, &out->normalised);
		if (result < 0)
			return result;
	}
	out->type = pairs[0].type;
	out->value = pairs[0].value;
	return 0;
}

/* Reads the RDNs of DN, of which there are at most ROOM, up to the first that begins a rest of which KNOWN (unless it is NULL)
 * holds true. */
static int
read_rdns(struct span dn, struct arena *arena, struct rdn *rdns, size_t room,
          bool (*known)(void *context, struct span rest, size_t count), void *context, size_t *out_count)
{
	struct reader r = { .at = dn.data, .end = dn.data + dn.len };
	size_t count = 0;

	r.value = arena_alloc(arena, dn.len);
	r.out = arena_alloc(arena, dn.len * ESCAPED_MAX);
	if (r.value == NULL || r.out == NULL)
		return -ENOMEM;
	skip_blanks(&r);
	while (r.at < r.end) {
		int result;

		if (known != NULL && known(context, span_from(r.at, (size_t)(r.end - r.at)), count))
			break;
		if (count == room)
			return -E2BIG;
		result = read_rdn(&r, arena, &rdns[count++]);
		if (result < 0)
			return result;
		if (r.at == r.end)
			break;
		/* A separator promises another RDN. */
		r.at++;
		skip_blanks(&r);
		if (r.at == r.end)
			return -EINVAL;
	}
	*out_count = count;
	return 0;
}

int
dn_split(struct span dn, struct arena *arena, struct rdn **out_rdns, size_t *out_count)
{
	struct rdn *rdns;
	struct span copy;
	size_t room = 1;
	int r;

	for (size_t i = 0; i < dn.len; i++)
		room += dn.data[i] == ',' || dn.data[i] == ';';
	copy = arena_copy(arena, dn);
	rdns = arena_alloc(arena, room * sizeof(*rdns));
	if (copy.data == NULL || rdns == NULL)
		return -ENOMEM;
	r = read_rdns(copy, arena, rdns, room, NULL, NULL, out_count);
	if (r == 0)
		*out_rdns = rdns;
	return r;
}

/* --- a trail of DNs -------------------------------------------------------------------------------- */

struct comparing {
	struct dn_trail *trail;
	size_t at;                   /* the first RDN of the trail that may begin what is the same */
	bool found;                  /* it does */
	size_t tails[DN_TRAIL_ROOM]; /* of the RDNs that are read */
};

/* Whether REST was read before, from comparing->at on. */
static bool
is_known(void *context, struct span rest, size_t count)
{
	struct comparing *c = context;
	const struct dn_trail *trail = c->trail;

	while (c->at < DN_TRAIL_ROOM && trail->tails[c->at] > rest.len)
		c->at++;
	if (c->at < DN_TRAIL_ROOM && trail->tails[c->at] == rest.len &&
	    memcmp(trail->dn.data + trail->dn.len - rest.len, rest.data, rest.len) == 0)
		c->found = true;
	else if (count < DN_TRAIL_ROOM)
		c->tails[count] = rest.len;
	return c->found;
}

/* A copy of OCTETS at *AT, which moves on. */
static struct span
put_octets(char **at, struct span octets)
{
	char *start = *at;

	if (octets.len > 0)
		memcpy(start, octets.data, octets.len);
	*at += octets.len;
	return span_from(start, octets.len);
}

/* Makes SLOT of the trail what was read. */
static bool
keep_rdn(struct dn_trail *trail, size_t slot, const struct rdn *rdn, size_t tail)
{
	struct text *octets = &trail->octets[slot];
	struct rdn *out = &trail->rdns[slot];
	char *at;

	text_clear(octets);
	at = text_extend(octets, rdn->text.len + rdn->value.len + rdn->type.len + rdn->normalised.len);
	if (at == NULL)
		return false;
	out->text = put_octets(&at, rdn->text);
	out->value = put_octets(&at, rdn->value);
	out->type = put_octets(&at, rdn->type);
	out->normalised = put_octets(&at, rdn->normalised);
	out->single = rdn->single;
	trail->tails[slot] = tail;
	return true;
}

int
dn_trail_split(struct dn_trail *trail, struct span dn, struct arena *scratch, struct rdn **out_rdns, size_t *out_count)
{
	struct comparing c unfilled;
	struct rdn rdns[DN_TRAIL_ROOM] unfilled;
	size_t count, kept;
	bool complete = true;
	int r;

	c.trail = trail;
	c.at = DN_TRAIL_ROOM - trail->count;
	c.found = false;
	r = read_rdns(dn, scratch, rdns, DN_TRAIL_ROOM, is_known, &c, &count);
	if (r < 0 && r != -E2BIG)
		return r;
	kept = c.found ? DN_TRAIL_ROOM - c.at : 0;
	if (r < 0 || count + kept > DN_TRAIL_ROOM)
		return dn_split(dn, scratch, out_rdns, out_count);
	trail->count = 0;
	for (size_t i = 0; i < count; i++)
		complete &= keep_rdn(trail, DN_TRAIL_ROOM - kept - count + i, &rdns[i], c.tails[i]);
	text_clear(&trail->dn);
	text_put_span(&trail->dn, dn);
	if (!complete || text_failed(&trail->dn))
		return -ENOMEM;
	trail->count = kept + count;
	*out_rdns = &trail->rdns[DN_TRAIL_ROOM - trail->count];
	*out_count = trail->count;
	return 0;
}

void
dn_trail_free(struct dn_trail *trail)
{
	text_free(&trail->dn);
	for (size_t i = 0; i < DN_TRAIL_ROOM; i++)
		text_free(&trail->octets[i]);
	trail->count = 0;
}

int
dn_normalise(struct span dn, struct arena *arena, struct span *out_normalised)
{
	struct rdn *rdns;
	size_t count;
	int result;

	result = dn_split(dn, arena, &rdns, &count);
	return result < 0 ? result : dn_join(rdns, count, arena, out_normalised);
}

int
dn_join(const struct rdn *rdns, size_t count, struct arena *arena, struct span *out_normalised)
{
	size_t len = 0;
	char *whole, *out;

	for (size_t i = 0; i < count; i++)
		len += rdns[i].normalised.len + 1;
	out = whole = arena_alloc(arena, len);
	if (whole == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			*out++ = ',';
		memcpy(out, rdns[i].normalised.data, rdns[i].normalised.len);
		out += rdns[i].normalised.len;
	}
	*out_normalised = span_from(whole, (size_t)(out - whole));
	return 0;
}
