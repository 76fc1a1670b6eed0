/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "common/span.h"

#include <errno.h>

bool
span_is_nocase(struct span a, struct span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (ascii_lower(a.data[i]) != ascii_lower(b.data[i]))
			return false;
	return true;
}

bool
span_starts_nocase(struct span s, struct span prefix)
{
	return s.len >= prefix.len && span_is_nocase(span_from(s.data, prefix.len), prefix);
}

bool
span_ends_nocase(struct span s, struct span suffix)
{
	return s.len >= suffix.len && span_is_nocase(span_skip(s, s.len - suffix.len), suffix);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span
span_trim(struct span s)
{
	while (s.len > 0 && is_blank(s.data[0]))
		s = span_skip(s, 1);
	while (s.len > 0 && is_blank(s.data[s.len - 1]))
		s.len--;
	return s;
}

int
span_to_u64(struct span s, uint64_t max, uint64_t *out_number)
{
	uint64_t n = 0;

	if (s.len == 0)
		return -EINVAL;
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] < '0' || s.data[i] > '9')
			return -EINVAL;
	for (size_t i = 0; i < s.len; i++) {
		uint64_t digit = (uint64_t)(s.data[i] - '0');

		if (n > (UINT64_MAX - digit) / 10)
			return -ERANGE;
		n = n * 10 + digit;
	}
	if (n > max)
		return -ERANGE;
	*out_number = n;
	return 0;
}

bool
span_next_word(struct span *rest, struct span *out_word)
{
	struct span s = *rest;
	size_t n = 0;

	while (s.len > 0 && is_blank(s.data[0]))
		s = span_skip(s, 1);
	while (n < s.len && !is_blank(s.data[n]))
		n++;
	*rest = span_skip(s, n);
	*out_word = span_from(s.data, n);
	return n > 0;
}
