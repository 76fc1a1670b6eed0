/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Any octets as a stored value: something is said of it, within the limits, and it is not the password itself.
 *
 * The limits are low, so that what is costly takes a millisecond. With ISPMAN_FUZZ_CHEAP in the environment only what is not costly
 * is computed at all: for many runs.
 */
#include <config.h>

#include "saslauth/password.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool truth)
{
	if (!truth)
		abort();
}

static const struct password_limits low = {
	.password_max = 512,
	.memory_max = 1 << 20,
	.bcrypt_cost = 4,
	.sha_crypt_rounds = 5000,
	.sha1_crypt_rounds = 1000,
	.sun_md5_rounds = 4096,
	.des_rounds = 1000,
	.pbkdf2_iterations = 1000,
	.argon2_work = 256,
	.scrypt_work = 1024,
};

static bool
is_same(const struct password_value *a, const struct password_value *b)
{
	return a->kind == b->kind && a->scheme == b->scheme && a->costly == b->costly && a->weak == b->weak && a->cost == b->cost &&
	       a->memory == b->memory;
}

/* Everything that is not verifiable is wrong for every password, and nothing is the password of its own text. */
static void
never_knows_itself(struct span stored, const struct password_limits *limits)
{
	const char *end = stored.len > 0 ? memchr(stored.data, '}', stored.len) : NULL;

	require(password_verify(stored, stored, limits) != 1);
	require(password_verify(stored, SPAN(""), limits) == 0);
	require(password_verify(stored, SPAN("Correct horse"), limits) != 1);
	require(password_dummy(stored, stored, limits) <= 0);
	if (end != NULL)
		require(password_verify(stored, span_skip(stored, (size_t)(end - stored.data) + 1), limits) != 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span stored = span_from(data, size);
	struct password_limits clear = low;
	struct password_value value, again, generous;

	memset(&value, 0x5a, sizeof(value));
	memset(&again, 0xa5, sizeof(again));
	password_inspect(stored, &low, &value);
	password_inspect(stored, &low, &again);
	require(is_same(&value, &again));
	require(value.scheme != NULL && value.kind <= PASSWORD_TOO_COSTLY);
	require(value.kind != PASSWORD_VERIFIABLE || value.memory <= low.memory_max);

	/* The limits decide only whether it is too costly. */
	password_inspect(stored, NULL, &generous);
	require(generous.kind == value.kind || (value.kind == PASSWORD_TOO_COSTLY && generous.kind == PASSWORD_VERIFIABLE));
	require(generous.memory == value.memory && generous.cost == value.cost && generous.scheme == value.scheme);

	if (value.kind != PASSWORD_VERIFIABLE || !value.costly || getenv("ISPMAN_FUZZ_CHEAP") == NULL)
		never_knows_itself(stored, &low);

	/* Clear text is its own password, and only that. */
	clear.allow_clear = true;
	password_inspect(stored, &clear, &again);
	require((value.kind == PASSWORD_CLEAR_REFUSED) == (again.kind == PASSWORD_VERIFIABLE && value.kind != PASSWORD_VERIFIABLE));
	if (value.kind == PASSWORD_CLEAR_REFUSED && stored.data[0] != '{' && size <= low.password_max)
		require(password_verify(stored, stored, &clear) == 1);
	else if (value.kind != PASSWORD_CLEAR_REFUSED && value.kind != PASSWORD_VERIFIABLE)
		require(password_verify(stored, stored, &clear) == 0);
	return 0;
}
