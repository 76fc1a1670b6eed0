/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Values and keys of the mail environment: the first octet chooses the decoder. It stays within the rest, and what it accepts is written
 * back as the same octets; of an address's record, as what reads the same.
 */
#include <config.h>

#include "cache/record_mail.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool truth)
{
	if (!truth)
		abort();
}

static void
is_within(struct span part, struct span value)
{
	require(part.len == 0 || (part.data >= value.data && part.data + part.len <= value.data + value.len));
}

/* In the record, in the key, or made of them. */
static void
is_readable(struct span part)
{
	size_t sum = 0;

	for (size_t i = 0; i < part.len; i++)
		sum += (uint8_t)part.data[i];
	require(sum <= 255 * part.len);
}

static bool
list_is_readable(struct mail_list list)
{
	struct span string;
	int r;

	while ((r = mail_list_next(&list, &string)) > 0)
		is_readable(string);
	return r == 0;
}

static void
lists_are_equal(struct mail_list a, struct mail_list b)
{
	struct span x, y;

	require(a.count == b.count);
	while (mail_list_next(&a, &x) > 0)
		require(mail_list_next(&b, &y) > 0 && span_is(x, y));
	require(mail_list_next(&b, &y) == 0);
}

static void
claims_are_equal(const struct mail_claim *a, const struct mail_claim *b)
{
	require(a->holder == b->holder && a->flags == b->flags);
	require(span_is(a->claimer, b->claimer) && span_is(a->primary, b->primary));
	require(span_is(a->mail_host, b->mail_host) && span_is(a->relocated, b->relocated));
	lists_are_equal(a->routing, b->routing);
	lists_are_equal(a->forwarding, b->forwarding);
	lists_are_equal(a->logins, b->logins);
}

/* DOMAIN, an @, LOCAL and a zero stand in front. */
static void
try_address(struct span value, struct text *again)
{
	const char *end = value.len > 0 ? memchr(value.data, 0, value.len) : NULL;
	const char *at = end != NULL ? memchr(value.data, '@', (size_t)(end - value.data)) : NULL;
	struct mail_address address, second;
	struct mail_claim claim, other;
	struct mail_room room, other_room;
	struct span domain, local;
	bool sound = true;
	int r;

	if (at == NULL || at == value.data || at - value.data > ADDRESS_DOMAIN_MAX || end - at - 1 > ADDRESS_LOCAL_MAX)
		return;
	domain = span_from(value.data, (size_t)(at - value.data));
	local = span_from(at + 1, (size_t)(end - at - 1));
	value = span_skip(value, (size_t)(end - value.data) + 1);
	if (mail_address_read(value, domain, local, &address) < 0)
		return;
	second = address;
	mail_address_begin(again);
	while ((r = mail_address_next(&address, &room, &claim)) > 0) {
		is_readable(claim.claimer);
		is_readable(claim.primary);
		is_readable(claim.mail_host);
		is_readable(claim.relocated);
		sound &= list_is_readable(claim.routing);
		sound &= list_is_readable(claim.forwarding);
		sound &= list_is_readable(claim.logins);
		if (sound)
			mail_address_put(again, domain, local, &claim);
	}
	/* A length may take more octets than it needs, and a string be spelled out that need not be: so it is read again. */
	if (r < 0 || !sound || text_failed(again))
		return;
	require(again->len <= value.len);
	require(mail_address_read(text_span(again), domain, local, &address) == 0);
	while (mail_address_next(&second, &room, &claim) > 0) {
		require(mail_address_next(&address, &other_room, &other) > 0);
		claims_are_equal(&claim, &other);
	}
	require(mail_address_next(&address, &other_room, &other) == 0);
}

static void
try_claim(struct span value, struct text *again)
{
	struct mail_claim claim;

	if (mail_claim_read(value, &claim) < 0)
		return;
	is_within(claim.claimer, value);
	is_within(claim.primary, value);
	is_within(claim.mail_host, value);
	is_within(claim.relocated, value);
	is_within(claim.routing.octets, value);
	is_within(claim.forwarding.octets, value);
	is_within(claim.logins.octets, value);
	list_is_readable(claim.routing);
	list_is_readable(claim.forwarding);
	list_is_readable(claim.logins);
	mail_claim_put(again, &claim);
	require(span_is(text_span(again), value));
}

static void
try_domain(struct span value, struct text *again)
{
	struct mail_domain domain;
	struct span login;
	int r;

	if (mail_domain_read(value, &domain) < 0)
		return;
	mail_domain_begin(again, &domain);
	while ((r = mail_list_next(&domain.logins, &login)) > 0) {
		is_within(login, value);
		mail_domain_put_login(again, 0, login);
	}
	require(!text_failed(again));
	/* Bits that mean nothing are dropped. */
	if (r == 0)
		require(again->len == value.len && memcmp(again->data + 3, value.data + 3, value.len - 3) == 0);
}

static void
try_key(struct span value)
{
	struct span domain, rest;
	struct key key;
	char letter;

	if (key_mail_split(value, &letter, &domain, &rest) < 0)
		return;
	if (letter == 'd')
		key_mail_domain(&key, domain);
	else if (letter == 'a')
		key_mail_address(&key, domain, rest);
	else
		key_mail_foreign(&key, domain, rest);
	require(key.len < KEY_MAX && span_is(key_span(&key), value));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text again = TEXT_INIT;
	struct span value;

	if (size == 0)
		return 0;
	value = span_from(data + 1, size - 1);
	switch (data[0]) {
	case 'a':
		try_address(value, &again);
		break;
	case 'c':
		try_claim(value, &again);
		break;
	case 'd':
		try_domain(value, &again);
		break;
	default:
		try_key(value);
		break;
	}
	text_free(&again);
	return 0;
}
