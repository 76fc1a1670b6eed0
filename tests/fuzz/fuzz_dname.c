/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Names read from text and from wire form are valid, and survive being written and read again.
 */
#include <config.h>

#include "cache/dname.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool truth)
{
	if (!truth)
		abort();
}

static bool
is_same(const struct dname *a, const struct dname *b)
{
	return a->len == b->len && memcmp(a->wire, b->wire, a->len) == 0;
}

static void
survives(const struct dname *name, const struct dname *origin)
{
	struct text text = TEXT_INIT;
	struct dname again, lower, stripped, joined;
	unsigned labels = dname_labels(name);

	require(name->len >= 1 && dname_from_wire(span_from(name->wire, name->len), &again) ==
	                                  name->len);
	require(is_same(name, &again));

	dname_put_text(&text, name);
	require(dname_from_text(text_span(&text), NULL, &again) == 0 && is_same(name, &again));
	require(dname_from_text(text_span(&text), origin, &again) == 0 && is_same(name, &again));

	text_clear(&text);
	dname_put_labels(&text, name, labels);
	if (labels > 0) {
		require(dname_from_text(text_span(&text), NULL, &again) == 0);
		require(is_same(name, &again));
	}
	if (dname_join(name, origin, &joined) == 0) {
		require(dname_from_text(text_span(&text), origin, &again) == 0);
		require(is_same(&joined, &again));
		require(dname_is_within(&joined, origin));
		dname_strip(&joined, labels, &stripped);
		require(is_same(&stripped, origin));
	} else {
		require(dname_from_text(text_span(&text), origin, &again) < 0);
	}

	lower = *name;
	dname_lower(&lower);
	require(dname_is(&lower, name));
	for (unsigned n = 0; n <= labels; n++) {
		dname_strip(name, n, &stripped);
		require(dname_labels(&stripped) == labels - n);
		require(dname_is_within(&lower, &stripped));
	}
	text_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = span_from(data, size);
	struct dname origin, name;

	require(dname_from_text(SPAN("Mixed.example."), NULL, &origin) == 0);
	if (dname_from_text(input, &origin, &name) == 0)
		survives(&name, &origin);
	if (dname_from_text(input, NULL, &name) == 0)
		survives(&name, &origin);
	if (dname_from_wire(input, &name) >= 0)
		survives(&name, &origin);
	return 0;
}
