/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Saying the same thing once a minute: what a peer can provoke at will must not fill the log.
 *
 *	if (seldom_now(&seldom, span_of(peer), now, &left_out))
 *		log_warning("%s: ... (%u like it before)", peer, left_out);
 *
 * Memory and the rate in total are bounded: subjects share SELDOM_SLOTS slots, and who finds a slot taken is silent too.
 */
#pragma once

#include "common/span.h"

enum { SELDOM_SLOTS = 64, SELDOM_MILLISECONDS = 60000 };

struct seldom {
	struct seldom_slot {
		uint64_t until; /* milliseconds; 0: never used */
		unsigned left_out;
	} slots[SELDOM_SLOTS];
};

/* Whether SUBJECT may be spoken of at NOW (milliseconds of a clock that does not go back), and how often it was not
 * since the last time. */
bool seldom_now(struct seldom *seldom, struct span subject, uint64_t now, unsigned *out_left_out);
