/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Netstrings: length in decimal, ":", octets, ",".
 *
 * What is read is what Postfix's netstring.c reads: leading zeroes and a missing length (":,") are taken. Lengths beyond
 * NETSTRING_LENGTH_MAX are nonsense: nobody has such a question.
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

enum {
	NETSTRING_DIGITS_MAX = 20,
	NETSTRING_LENGTH_MAX = 16 << 20,
	NETSTRING_FRAME_MAX = NETSTRING_DIGITS_MAX + 2, /* what stands around the octets */
};

/* Takes the netstring at the beginning of INPUT. 1 and its octets (in INPUT) in *OUT, *OUT_TAKEN with the frame; 0 when it is
 * not complete; -EBADMSG when it is none. -EMSGSIZE when it is longer than MAX: *OUT_TAKEN is then the length of its head, and
 * *OUT_REST the number of octets that follow, "," included. */
must_check int netstring_take(struct span input, size_t max, struct span *out, size_t *out_taken, size_t *out_rest);

/* Appends HEAD and DATA as one netstring. */
void netstring_put(struct text *out, struct span head, struct span data);
