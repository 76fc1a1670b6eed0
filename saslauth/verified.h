/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Which credentials were right lately, so that a costly hash is not computed for each of a mail program's connections.
 *
 * A row is a digest (saslauth/digest.h) of everything that the verdict depended on: the entry, its stored values, its policy state, and
 * the password. So nothing has to be invalidated: once the entry changes, the same password makes another digest, and the old row is
 * never found again. Only passwords that were right are remembered, for LIFE at most after they were checked, in a number of rows
 * that is given once, in memory that is neither swapped (as far as the limit allows) nor dumped nor inherited by children.
 *
 *	if (verified_has(verified, digest, now))
 *		accept();
 */
#pragma once

#include "common/macro.h"
#include "saslauth/digest.h"

#include <stdbool.h>
#include <stdint.h>

struct verified;

/* ROWS 0: nothing is remembered. Times are milliseconds of a clock that does not go back. 0 or a negative errno. */
must_check int verified_new(size_t rows, uint64_t life, struct verified **out);
void verified_free(struct verified *verified);

/* A shorter life also ends rows that are there. */
void verified_set_life(struct verified *verified, uint64_t life);

bool verified_has(const struct verified *verified, const unsigned char digest[DIGEST_OCTETS], uint64_t now);
void verified_put(struct verified *verified, const unsigned char digest[DIGEST_OCTETS], uint64_t now);

/* The same of accounts whose passwords are so cheap to check that nothing else is worth remembering: 64 bits of what tells them apart,
 * and when one was right. Who is mistaken for another one by it is still checked. */
bool verified_has_account(const struct verified *verified, uint64_t account, uint64_t now);
void verified_put_account(struct verified *verified, uint64_t account, uint64_t now);

/* Whether its memory can be swapped: the limit for locked memory was too low. */
bool verified_can_be_swapped(const struct verified *verified);
