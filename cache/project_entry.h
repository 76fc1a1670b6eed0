/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What several projections read of an entry, and so in the same way.
 */
#pragma once

#include "cache/address.h"
#include "cache/profile.h"
#include "common/arena.h"
#include "common/macro.h"

/* The values of an attribute without the blanks around them, sorted, each once and none empty. In ARENA; 0 or -ENOMEM. */
struct project_values {
	size_t count;
	struct span *values;
};
must_check int project_values_of(const struct entry *entry, struct span attribute, struct arena *arena, struct project_values *out);

/* Octet by octet; of two that begin alike the shorter comes first. */
int project_compare(struct span a, struct span b);

bool project_is_suspended(const struct profile *profile, const struct entry *entry);

/* The master of the domain entry ENTRY, folded into ROOM; empty when the domain OWN (folded) is no replica or says no master that can be
 * used. 0 or -ENOMEM. */
must_check int project_master_of(const struct profile *profile, const struct entry *entry, struct span own, struct arena *arena,
                                 char room[ADDRESS_DOMAIN_MAX], struct span *out);

/* Entries of CLAIMER may speak for DOMAIN; both folded, "*" is any. */
struct cross_claim {
	struct span claimer, domain;
};
bool project_is_allowed(const struct cross_claim *cross, size_t count, struct span claimer, struct span domain);
