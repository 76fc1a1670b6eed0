/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Counted strings: two octets of length, the higher one first, then that many octets. Nothing ends them.
 */
#pragma once

#include "common/macro.h"
#include "common/text.h"

enum {
	COUNTED_HEAD = 2,        /* octets in front of a string */
	COUNTED_LENGTH_MAX = 65535,
};

/* Takes the string at the beginning of *INPUT off it. 1 and its octets (they lie in the input) in *OUT; 0 when it is not complete;
 * -EMSGSIZE when its length is more than MAX, which is said as soon as the length is there. *INPUT moves on only with 1. */
must_check int counted_take(struct span *input, size_t max, struct span *out);

/* Appends DATA as a counted string. 0, or -EMSGSIZE and nothing appended. */
must_check int counted_put(struct text *out, struct span data);
