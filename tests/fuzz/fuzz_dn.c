/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * DNs: what is read normalises to a DN, and that one to itself. Lines read as a trail of DNs are read as each alone.
 */
#include <config.h>

#include "cache/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
follow(struct dn_trail *trail, struct span dn, struct arena *arena)
{
	struct rdn *rdns, *alone;
	size_t count, alone_count;
	int r = dn_trail_split(trail, dn, arena, &rdns, &count);

	if (r != dn_split(dn, arena, &alone, &alone_count) || (r == 0 && count != alone_count))
		abort();
	for (size_t i = 0; r == 0 && i < count; i++)
		if (!span_is(rdns[i].text, alone[i].text) || !span_is(rdns[i].normalised, alone[i].normalised) ||
		    !span_is(rdns[i].type, alone[i].type) || !span_is(rdns[i].value, alone[i].value) ||
		    rdns[i].single != alone[i].single)
			abort();
}

static void
follow_lines(struct span lines, struct arena *arena)
{
	struct dn_trail trail = { .count = 0 };

	while (lines.len > 0) {
		const char *end = memchr(lines.data, '\n', lines.len);
		size_t n = end != NULL ? (size_t)(end - lines.data) : lines.len;

		follow(&trail, span_from(lines.data, n), arena);
		lines = span_skip(lines, end != NULL ? n + 1 : n);
	}
	dn_trail_free(&trail);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(arena_free) struct arena arena = ARENA_INIT;
	struct span dn = span_from(data, size), first, second;
	struct rdn *rdns;
	size_t count;
	uint8_t uuid[ENTRY_UUID_LEN];

	follow_lines(dn, &arena);
	(void)csn_seconds(dn);
	(void)!uuid_from_text(dn, uuid);
	if (dn_split(dn, &arena, &rdns, &count) < 0)
		return 0;
	for (size_t i = 0; i < count; i++)
		if (rdns[i].type.len == 0 || rdns[i].text.len == 0 ||
		    rdns[i].normalised.len <= rdns[i].type.len)
			abort();
	if (dn_normalise(dn, &arena, &first) < 0 || dn_normalise(first, &arena, &second) < 0 ||
	    !span_is(first, second))
		abort();
	return 0;
}
