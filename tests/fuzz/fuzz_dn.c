/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * DNs: what is read normalises to a DN, and that one to itself.
 */
#include <config.h>

#include "cache/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(arena_free) struct arena arena = ARENA_INIT;
	struct span dn = span_from(data, size), first, second;
	struct rdn *rdns;
	size_t count;
	uint8_t uuid[ENTRY_UUID_LEN];

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
