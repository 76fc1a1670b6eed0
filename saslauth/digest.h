/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A keyed digest of a few strings, under a random key that this process makes and never shows.
 *
 * What is remembered of passwords (saslauth/verified.h, saslauth/throttle.h) is remembered as such a digest. Two of SipHash-2-4 with 128
 * bits each, side by side under keys of their own: a pseudo-random function made for short inputs under a secret key, so that who does not
 * have the key can neither make a digest nor find two inputs with the same one. It costs a tenth of a microsecond where HMAC-SHA-256 of
 * OpenSSL costs a quarter (most of it not for hashing), and each login has two. Neither is slow, nor has to be: digests never leave
 * the process, and who reads its memory reads passwords.
 *
 * What is hashed: of each string its length and its octets, filled up with zeroes to words of 8; ("ab", "c") is not ("a", "bc").
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"

enum { DIGEST_OCTETS = 32 };

struct digest;

/* 0 or a negative errno. */
must_check int digest_new(struct digest **out);
void digest_free(struct digest *digest);

/* By any thread. */
void digest_of(const struct digest *digest, const struct span *parts, size_t count, unsigned char out[DIGEST_OCTETS]);

/* The same under a given KEY. */
void digest_with(const unsigned char key[DIGEST_OCTETS], const struct span *parts, size_t count, unsigned char out[DIGEST_OCTETS]);
