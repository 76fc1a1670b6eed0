/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The path of a DNS server on HTTPS: a URI template (RFC 6570), judged as named judges it.
 */
#include <config.h>

#include "cache/rdata_read.h"

/* How many octets of OCTETS are one UTF-8 character (up to U+10FFFF, shortest form), or 0. */
static size_t
utf8_length(struct span octets)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = (unsigned char)octets.data[0];
	uint32_t character;
	size_t n = 0;

	if (first < 0x80)
		return 1;
	/* The first octet has as many leading ones as the character has octets. */
	while ((first << n & 0x80) != 0)
		n++;
	if (n < 2 || n > 4 || n > octets.len)
		return 0;
	character = first & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		unsigned char c = (unsigned char)octets.data[i];

		if ((c & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (c & 0x3f);
	}
	return character >= least[n] && character <= 0x10ffff ? n : 0;
}

static bool
is_alphanumeric(char c)
{
	c = ascii_lower(c);
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes "%7E" off *REST. */
static bool
take_percent(struct span *rest)
{
	if (rest->len < 3 || reader_hex_digit(rest->data[1]) < 0 ||
	    reader_hex_digit(rest->data[2]) < 0)
		return false;
	*rest = span_skip(*rest, 3);
	return true;
}

/* A variable within braces, and what came after it. */
struct variable {
	bool is_dns;
	bool is_last;
	bool has_prefix; /* ":3" */
};

/* Takes one variable and what ends it off *REST. BEFORE is the one before it, or zeros. */
static bool
take_variable(struct span *rest, const struct variable *before, struct variable *out)
{
	struct span name;
	size_t digits = 0;
	char end;

	/* An operator may come first. named 9.18 does not begin anew after a variable with a
	 * prefix: what follows may be empty, and is neither an operator nor "dns". */
	if (rest->len > 0 && !before->has_prefix && strchr("+#./;?&", rest->data[0]) != NULL)
		*rest = span_skip(*rest, 1);
	name = *rest;
	for (;;) {
		if (rest->len == 0)
			return false;
		end = rest->data[0];
		if (end == '%') {
			if (!take_percent(rest))
				return false;
		} else if (end == '_' || is_alphanumeric(end)) {
			*rest = span_skip(*rest, 1);
		} else {
			break;
		}
	}
	name.len -= rest->len;
	if (strchr("*:},", end) == NULL || (name.len == 0 && !before->has_prefix))
		return false;
	out->is_dns = span_is(name, SPAN("dns")) && !before->has_prefix;
	out->has_prefix = end == ':';
	*rest = span_skip(*rest, 1);
	if (end == ':') {
		while (digits < rest->len && is_digit(rest->data[digits]))
			digits++;
		if (digits == 0 || digits > 4 || rest->data[0] == '0')
			return false;
		*rest = span_skip(*rest, digits);
	}
	if (end == ':' || end == '*') {
		if (rest->len == 0)
			return false;
		end = rest->data[0];
		if (end != ',' && end != '}')
			return false;
		*rest = span_skip(*rest, 1);
	}
	out->is_last = end == '}';
	return true;
}

bool
reader_is_doh_path(struct span path)
{
	bool has_dns = false;

	if (path.len == 0 || path.data[0] != '/')
		return false;
	for (struct span rest = path; rest.len > 0;) {
		size_t n = utf8_length(rest);

		if (n == 0)
			return false;
		rest = span_skip(rest, n);
	}
	while (path.len > 0) {
		struct variable variable = { .is_last = path.data[0] != '{' };

		if (path.data[0] == '%') {
			if (!take_percent(&path))
				return false;
			continue;
		}
		path = span_skip(path, 1);
		while (!variable.is_last) {
			struct variable before = variable;

			if (!take_variable(&path, &before, &variable))
				return false;
			has_dns |= variable.is_dns;
		}
	}
	return has_dns;
}
