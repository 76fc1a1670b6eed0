/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "common/seldom.h"

/* FNV-1a. */
static uint64_t
hash_of(struct span s)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < s.len; i++)
		hash = (hash ^ (unsigned char)s.data[i]) * 0x100000001b3ULL;
	return hash ^ (hash >> 32);
}

bool
seldom_now(struct seldom *seldom, struct span subject, uint64_t now, unsigned *out_left_out)
{
	struct seldom_slot *slot = &seldom->slots[hash_of(subject) % SELDOM_SLOTS];

	if (now < slot->until) {
		slot->left_out++;
		return false;
	}
	*out_left_out = slot->left_out;
	slot->left_out = 0;
	slot->until = now + SELDOM_MILLISECONDS;
	return true;
}
