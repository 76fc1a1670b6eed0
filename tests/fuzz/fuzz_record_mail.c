/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Values and keys of the mail environment: the first octet chooses the decoder. It stays within the rest, and what it accepts is written
 * back as the same octets.
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

static void
try_list(struct mail_list list, struct span value)
{
	struct text again = TEXT_INIT;
	struct mail_list copy = list;
	struct span string;
	int r;

	while ((r = mail_list_next(&list, &string)) > 0) {
		is_within(string, value);
		mail_list_put(&again, string);
	}
	if (r == 0)
		require(mail_list_of(&again).count == copy.count && span_is(text_span(&again), copy.octets));
	text_free(&again);
}

static void
try_address(struct span value, struct text *again)
{
	struct mail_address address;
	struct mail_claim claim;
	int r;

	if (mail_address_read(value, &address) < 0)
		return;
	mail_address_begin(again);
	while ((r = mail_address_next(&address, &claim)) > 0) {
		is_within(claim.claimer, value);
		is_within(claim.primary, value);
		is_within(claim.mail_host, value);
		is_within(claim.relocated, value);
		try_list(claim.routing, value);
		try_list(claim.forwarding, value);
		try_list(claim.logins, value);
		mail_address_put(again, 0, &claim);
	}
	require(!text_failed(again));
	if (r == 0)
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
