/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Bytes that somebody else owns: a pointer and a length, never NUL-terminated, never freed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct span {
	const char *data;
	size_t len;
};

/* A span over a string literal; also usable in static tables. */
#define SPAN(literal) ((struct span){ "" literal, sizeof(literal) - 1 })

static inline struct span
span_of(const char *string)
{
	return (struct span){ string, strlen(string) };
}

static inline struct span
span_from(const void *data, size_t len)
{
	return (struct span){ data, len };
}

/* Drops the first N bytes; N may not exceed the length. */
static inline struct span
span_skip(struct span s, size_t n)
{
	return (struct span){ s.data + n, s.len - n };
}

static inline bool
span_is(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* ASCII case is ignored, whatever the locale. */
bool span_is_nocase(struct span a, struct span b);
bool span_starts_nocase(struct span s, struct span prefix);
bool span_ends_nocase(struct span s, struct span suffix);

/* Without the blanks, tabs, CR and LF at both ends. */
struct span span_trim(struct span s);

/* Reads the whole of S as a decimal number of at most MAX.
 * Returns 0, -EINVAL when S is not only digits, -ERANGE when it is too large. */
int span_to_u64(struct span s, uint64_t max, uint64_t *out_number);

/* Splits the next word (blanks and tabs separate) off *REST; false when none is left. */
bool span_next_word(struct span *rest, struct span *out_word);

static inline char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* The value of a hexadecimal digit, -1 for any other octet. */
static inline int
ascii_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
