/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Values and keys of the secret and account environments, and the folding of logins: the first octet chooses. A decoder stays within
 * the rest, and what it accepts is written back as the same octets; what is folded stays as it is when it is folded again.
 */
#include <config.h>

#include "cache/record_login.h"

#include <errno.h>
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
is_rewritten(const struct text *again, struct span value)
{
	require(!text_failed(again) && span_is(text_span(again), value));
}

static void
try_claims(struct span value, struct text *again)
{
	struct login_claims claims;
	struct login_claim claim;
	int r;

	if (login_claims_read(value, &claims) < 0)
		return;
	login_claims_begin(again);
	while ((r = login_claims_next(&claims, &claim)) > 0) {
		is_within(claim.claimer, value);
		login_claims_put(again, 0, &claim);
	}
	if (r == 0)
		is_rewritten(again, value);
}

static void
try_domain(struct span value, struct text *again)
{
	struct login_domain domain;

	if (login_domain_read(value, &domain) < 0)
		return;
	is_within(domain.master, value);
	login_domain_put(again, &domain);
	/* Bits that mean nothing are dropped. */
	require(!text_failed(again) && again->len == value.len);
}

static void
try_secret(struct span value, struct text *again)
{
	struct secret_entry entry;
	struct span stored;
	int r;

	if (secret_entry_read(value, &entry) < 0)
		return;
	is_within(entry.domain, value);
	is_within(entry.dn, value);
	is_within(entry.address, value);
	is_within(entry.uid, value);
	secret_entry_begin(again, &entry);
	while ((r = secret_value_next(&entry, &stored)) > 0) {
		is_within(stored, value);
		secret_entry_put_value(again, 0, stored);
	}
	if (r == 0)
		is_rewritten(again, value);
}

static void
try_account(struct span value, struct text *again)
{
	struct account_entry entry;

	if (account_entry_read(value, &entry) < 0)
		return;
	is_within(entry.domain, value);
	is_within(entry.uid_value, value);
	is_within(entry.home, value);
	is_within(entry.file_hosts, value);
	is_within(entry.mail_host, value);
	is_within(entry.address, value);
	is_within(entry.folders, value);
	account_entry_put(again, &entry);
	is_rewritten(again, value);
}

static void
try_key(struct span value)
{
	enum login_environment environment = LOGIN_SECRET;
	struct span name, claimer;
	struct key key;
	char letter;

	if (key_login_split(value, &letter, &name, &claimer) < 0)
		return;
	is_within(name, value);
	is_within(claimer, value);
	if (letter >= 'A' && letter <= 'Z')
		environment = LOGIN_ACCOUNT;
	if (letter == 'v')
		key_login_foreign(&key, name, claimer);
	else if (ascii_lower(letter) == 'l')
		key_login(&key, environment, name);
	else if (ascii_lower(letter) == 'o')
		key_login_domain(&key, environment, name);
	else if (letter == 'G' || letter == 'H')
		key_login_host(&key, letter, name);
	else
		key_login_entry(&key, environment, (const uint8_t *)name.data);
	require(span_is(key_span(&key), value));
}

static void
try_fold(struct span value)
{
	char once[LOGIN_MAX], twice[LOGIN_MAX];
	struct span domain, again;
	size_t n, m;
	int r = login_fold(value, once, &n, &domain);

	require(r == 0 || r == -EINVAL || r == -ENOMEM);
	if (r < 0)
		return;
	require(n > 0 && n <= LOGIN_MAX && domain.len < n);
	is_within(domain, span_from(once, n));
	/* A local part that was quoted may hold what must be: folded again it is something else, or nothing. */
	if (memchr(value.data, '"', value.len) != NULL)
		return;
	r = login_fold(span_from(once, n), twice, &m, &again);
	require(r == -ENOMEM || (r == 0 && span_is(span_from(once, n), span_from(twice, m)) && domain.len == again.len));
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
	case 'l':
		try_claims(value, &again);
		break;
	case 'o':
		try_domain(value, &again);
		break;
	case 'e':
		try_secret(value, &again);
		break;
	case 'E':
		try_account(value, &again);
		break;
	case 'f':
		try_fold(value);
		break;
	default:
		try_key(value);
		break;
	}
	text_free(&again);
	return 0;
}
