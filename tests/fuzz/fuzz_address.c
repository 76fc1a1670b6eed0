/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Any octets are an address or none; one that is read is in folded form, survives being written and read again, and its extension is
 * within it. What stands behind the first NUL of the input are the delimiters.
 */
#include <config.h>

#include "cache/address.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool truth)
{
	if (!truth)
		abort();
}

static bool
is_same(const struct address *a, const struct address *b)
{
	return a->kind == b->kind && a->literal == b->literal && span_is(address_local_span(a), address_local_span(b)) &&
	       span_is(address_domain_span(a), address_domain_span(b));
}

static void
try_extension(const struct address *address, struct span delimiters)
{
	struct text extension = TEXT_INIT, extended = TEXT_INIT;
	struct span local = address_local_span(address);
	size_t n = address_extension(local, delimiters);
	struct address again;

	require(n <= local.len && (n > 0 || local.len == 0));
	require(n == local.len || memchr(delimiters.data, local.data[n], delimiters.len) != NULL);
	address_put_typed_extension(&extension, address, delimiters);
	if (address->kind == ADDRESS_FULL) {
		address_put_extended(&extended, SPAN("Al\"pha@dest.example"), text_span(&extension));
		require(!text_failed(&extended));
		if (address_read(text_span(&extended), &again) == 0) {
			require(span_is(address_domain_span(&again), SPAN("dest.example")));
			require(span_starts_nocase(address_local_span(&again), SPAN("al\"pha")));
		}
	}
	text_free(&extension);
	text_free(&extended);
}

/* What plainly stands for an address is read as that one, also when it is not written as it should be. */
static void
try_plain(struct span input, const struct address *address)
{
	struct span local = address_local_span(address), domain = address_domain_span(address);
	struct text text = TEXT_INIT;
	struct address again;

	text_put_span(&text, local);
	text_put_char(&text, '@');
	text_put_span(&text, domain);
	require(!text_failed(&text));
	if (address_stands_for(text_span(&text), local, domain))
		require(address_read(text_span(&text), &again) == 0 && is_same(address, &again));
	if (address_stands_for(input, local, domain))
		require(address->kind == ADDRESS_FULL);
	text_free(&text);
}

static void
try_address(struct span input, struct span delimiters)
{
	struct text text = TEXT_INIT;
	struct address address, again;

	if (address_read(input, &address) < 0)
		return;
	require(address.local_len <= ADDRESS_LOCAL_MAX && address.domain_len <= ADDRESS_DOMAIN_MAX && address.domain_len > 0);
	require((address.local_len > 0) == (address.kind == ADDRESS_FULL));
	if (address.kind == ADDRESS_WORD)
		text_put_span(&text, address_domain_span(&address));
	else
		address_put(&text, address_local_span(&address), address_domain_span(&address));
	require(!text_failed(&text));
	require(address_read(text_span(&text), &again) == 0 && is_same(&address, &again));
	try_extension(&address, delimiters);
	try_plain(input, &address);
	text_free(&text);
}

static void
try_domain(struct span input)
{
	char domain[ADDRESS_DOMAIN_MAX], again[ADDRESS_DOMAIN_MAX];
	size_t n, m;

	if (address_domain(input, domain, &n) < 0)
		return;
	require(n > 0 && n <= ADDRESS_DOMAIN_MAX);
	require(address_domain(span_from(domain, n), again, &m) == 0 && span_is(span_from(domain, n), span_from(again, m)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *zero = size > 0 ? memchr(data, 0, size) : NULL;
	struct span input = span_from(data, zero != NULL ? (size_t)(zero - data) : size);
	struct span delimiters = zero != NULL ? span_from(zero + 1, size - input.len - 1) : SPAN("+-");

	try_address(input, delimiters);
	try_address(span_from(data, size), delimiters);
	try_domain(input);
	return 0;
}
