/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A keyed digest of a few strings, under a random key that this process makes and never shows.
 *
 * What is remembered of passwords (saslauth/verified.h, saslauth/throttle.h) is remembered as such a digest. HMAC-SHA-256: who does
 * not have the key can neither make a digest nor find two strings with the same one, and with the processor's own instructions it costs
 * a quarter of a microsecond, so that nothing weaker would be noticed. Each string goes in with its length: ("ab", "c") is not ("a", "bc").
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"

enum { DIGEST_OCTETS = 32 };

struct digest;

/* 0 or a negative errno. */
must_check int digest_new(struct digest **out);
void digest_free(struct digest *digest);

/* One thread at a time. 0, or -EIO when the library fails. */
must_check int digest_of(struct digest *digest, const struct span *parts, size_t count, unsigned char out[DIGEST_OCTETS]);
