/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A thread's view of the dns environment, between read_dns.c (what is stored) and resolve_dns.c (what is answered).
 */
#pragma once

#include "cache/dns.h"

struct dns_view {
	struct cache_view *base;

	/* Decoded of the snapshot's settings record. */
	struct settings_record settings;
	struct text settings_octets; /* what SETTINGS was read from and points into */
	bool has_catch_all;
	struct dns_question catch_all; /* its owner, relative: as if it were absolute */
	struct text catch_all_node;    /* the node that stands at `*` */
	bool computes_reverse;
	struct text reverse_head, reverse_apex; /* SOA text and apex node of computed zones */

	void (*say)(void *context, const char *sentence);
	void *say_context;
};

/* Whether ZONE, whose nodes' keys begin with NODES_KEY, has an address at the catch-all's target, which makes `* CNAME` stand in
 * it where nothing else does. 1, 0 or negative. */
must_check int dns_has_catch_all(struct dns_view *view, const struct dns_zone *zone, struct span nodes_key);

/* Tells the trace a sentence about the name that the last LABELS labels of QUESTION are: BEFORE name AFTER. */
void dns_say(const struct dns_view *view, const struct dns_question *question, unsigned labels, const char *before,
             const char *after);
