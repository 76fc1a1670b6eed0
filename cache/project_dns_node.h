/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A node under reduction: the records of all entries, of which some are dropped before the rest is written.
 */
#pragma once

#include "cache/project_dns_parts.h"

struct item {
	struct payload_record record;
	uint64_t entry_id;
	struct span wire; /* at the zone's own origin; only while a type's records are compared */
	bool dropped, twin;
};

struct node_reducing {
	struct reducing *r;
	const struct dname *zone, *name;
	struct item *items; /* sorted by type, then by text */
	size_t count;
};

/* Starts a problem: 'The MX record "10 mail" of www.example.org.'. */
struct text *node_complain(struct node_reducing *n, const struct item *item);

/* What may not stand at a zone's own name besides a CNAME. Returns 0 or -ENOMEM. */
must_check int settle_apex(struct node_reducing *n);
