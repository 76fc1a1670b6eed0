/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A stream of netstrings means the same however it is cut into pieces, and what was read can be written and read again.
 */
#include <config.h>

#include "postfix_map/netstring.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX = 64 };

static void
require(bool truth)
{
	if (!truth)
		abort();
}

static void
survives(struct span octets)
{
	struct text out = TEXT_INIT;
	size_t taken = 0, rest = 0;
	struct span again;

	netstring_put(&out, SPAN("OK "), octets);
	require(netstring_take(text_span(&out), MAX + 3, &again, &taken, &rest) == 1);
	require(taken == out.len && again.len == octets.len + 3);
	require(octets.len == 0 || memcmp(again.data + 3, octets.data, octets.len) == 0);
	text_free(&out);
}

/* With fewer octets there was nothing to say yet, or the same. */
static void
is_the_same_in_pieces(struct span input, int r, size_t taken, size_t rest)
{
	for (size_t n = 0; n < input.len && n < 2 * MAX; n++) {
		struct span octets;
		size_t early_taken = 0, early_rest = 0;
		int early = netstring_take(span_from(input.data, n), MAX, &octets, &early_taken, &early_rest);

		require(early == 0 || early == r);
		require(early == 0 || early == -EBADMSG || (early_taken == taken && early_rest == rest));
		require(early != 1 || n >= taken);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = span_from(data, size);
	bool is_first = true;

	while (input.len > 0) {
		struct span octets = SPAN("");
		size_t taken = 0, rest = 0;
		int r = netstring_take(input, MAX, &octets, &taken, &rest);

		if (is_first)
			is_the_same_in_pieces(input, r, taken, rest);
		is_first = false;
		if (r == 0 || r == -EBADMSG)
			break;
		require(taken > 0 && taken <= input.len);
		if (r == -EMSGSIZE) {
			require(rest > MAX + 1 && rest <= NETSTRING_LENGTH_MAX + 1);
			taken += rest < input.len - taken ? rest : input.len - taken;
		} else {
			require(r == 1 && octets.len <= MAX);
			require(octets.data >= input.data && octets.data + octets.len < input.data + taken);
			survives(octets);
		}
		input = span_skip(input, taken);
	}
	return 0;
}
