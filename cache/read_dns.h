/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A thread's view of the dns environment, between read_dns.c (what is stored), known_dns.c (what is
 * known of it already), reverse_dns.c (address names), resolve_dns.c (what is answered) and transfer_dns.c (whole zones).
 */
#pragma once

#include "cache/dns.h"

enum {
	KNOWN_ZONES = 512,
	KNOWN_NODES_A_SET = 4, /* which make one line of the processor's cache */
	KNOWN_NODES_SETS = 32768,
};

/* What each search in a zone would find out again. */
struct dns_hints {
	bool knows_apex, knows_wildcard;
	uint8_t apex_flags;  /* enum node_flag */
	bool has_wildcard;   /* something exists at `*` right below the apex */
};

/* A zone that was found in this snapshot and has no other zone below it. It points into the snapshot's pages: these stay as
 * they are for as long as no newer snapshot is taken, also while none is held. */
struct known_zone {
	uint32_t epoch; /* the view's, when it was found */
	struct span reversed;
	struct dns_zone zone;
	struct dns_hints hints;
};

/* A node that was found in this snapshot; its value follows its key in the page. */
struct known_node {
	uint32_t epoch;
	uint16_t tag; /* the key's length and some bits of its hash */
	uint16_t value_len;
	const char *key;
};

struct dns_view {
	struct cache_view *base;
	uint32_t epoch; /* counts snapshots; never 0 */

	/* Decoded of the snapshot's settings record. */
	struct settings_record settings;
	struct text settings_octets; /* what SETTINGS was read from and points into */
	bool has_catch_all;
	struct dns_question catch_all; /* its owner, relative: as if it were absolute */
	struct text catch_all_node;    /* the node that stands at `*` */
	bool computes_reverse;
	struct text reverse_head, reverse_apex; /* SOA text and apex node of computed zones */

	struct known_zone known_zones[KNOWN_ZONES];
	struct known_node (*known_nodes)[KNOWN_NODES_A_SET];

	/* Room for the keys of a search. */
	uint8_t stored_key[KEY_MAX];
	uint8_t computed_key[KEY_MAX];

	void (*say)(void *context, const char *sentence);
	void *say_context;
};

/* Whether ZONE, whose nodes' keys begin with NODES_KEY, has an address at the catch-all's target, which makes `* CNAME` stand in
 * it where nothing else does. 1, 0 or negative. */
must_check int dns_has_catch_all(struct dns_view *view, const struct dns_zone *zone, struct span nodes_key);

/* A name below in-addr.arpa or ip6.arpa. */
bool dns_is_reverse(const struct dns_question *question);
/* The labels of the computed zone that such a name falls into; 0: into none. The most specific prefix decides. */
unsigned dns_reverse_labels(const struct dns_view *view, const struct dns_question *question);

/* What was known is void. */
void dns_begin_epoch(struct dns_view *view);

/* A zone that encloses the question and was found before in this snapshot, or NULL. */
const struct known_zone *dns_known_zone(struct dns_view *view, const struct dns_question *question);
/* FOLLOWING is the key after the zone's own. */
void dns_remember_zone(struct dns_view *view, const struct dns_question *question, struct span own, struct span following,
                       struct dns_zone *zone);

/* A number for a name in reversed form, or for a key. */
uint64_t dns_hash(struct span octets);

void *dns_known_nodes_new(void);

/* Has the processor fetch what may be known under HASH. */
void dns_expect_node(const struct dns_view *view, uint64_t hash);

/* 1 and the value when the node of this key was found before in this snapshot, else 0. HASH is that of its name, or of its key:
 * the same each time. */
int dns_known_node(struct dns_view *view, uint64_t hash, struct span key, struct span *out_value);
void dns_remember_node(struct dns_view *view, uint64_t hash, struct span key, struct span value);

/* Tells the trace a sentence about the name that the last LABELS labels of QUESTION are: BEFORE name AFTER. */
void dns_say_name(const struct dns_view *view, const struct dns_question *question, unsigned labels, const char *before,
                  const char *after);

static inline void
dns_say(const struct dns_view *view, const struct dns_question *question, unsigned labels, const char *before,
        const char *after)
{
	if (view->say != NULL)
		dns_say_name(view, question, labels, before, after);
}
