/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Whether any of many keys comes twice, in little memory: some 2 MB for a million keys, 10 MB for ten
 * million; the rest lies in a file without a name.
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"

enum { REPEATS_KEY_LEN = 16 };

struct repeats;

must_check int repeats_open(const char *dir, struct repeats **out);

/* KEY is a digest, or something else whose first octets are evenly distributed. LINE is not 0, and grows. */
must_check int repeats_add(struct repeats *repeats, const uint8_t key[REPEATS_KEY_LEN], size_t line);

/* 1 and the lines of a key that came twice (of several the one whose second line comes first), 0 when there is
 * none, or a negative errno. */
must_check int repeats_find(struct repeats *repeats, size_t *out_first, size_t *out_second);

void repeats_free(struct repeats *repeats);
void repeats_freep(struct repeats **repeats);
