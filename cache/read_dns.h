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
	KNOWN_NAMES_A_SET = 4,
	KNOWN_NAMES_SETS_MAX = 65536,
	KNOWN_NAMES_OCTETS = 64 << 20, /* at most, of all threads together */
	NEAR_ROWS = 4,
};

/* What each search in a zone would find out again. */
struct dns_hints {
	bool knows_apex, knows_wildcard;
	uint8_t apex_flags;  /* enum node_flag */
	bool has_wildcard;   /* something exists at `*` right below the apex */
};

/* Whether other zones stand below one, so that a longer one might have to be found: it takes a search to know. */
enum below { BELOW_UNKNOWN, BELOW_NONE, BELOW_SOME };

/* A zone that was found in this snapshot. It points into the snapshot's pages: these stay as
 * they are for as long as no newer snapshot is taken, also while none is held. */
struct known_zone {
	uint32_t epoch; /* the view's, when it was found */
	enum below below;
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

/* A name right below the apex of a zone of which nothing else is known, where it takes searches to find either: its node's row
 * and its zone's. In each the value follows the key. */
struct known_name {
	uint32_t epoch;
	uint16_t tag; /* the name's length, and some bits of its hash */
	uint16_t node_len, zone_len; /* of the values */
	uint8_t zone_labels;
	const char *node, *zone;
};

/* A row that was passed on the way to its zone's record: what is asked for next may be it. */
struct near_row {
	struct span key, value;
};

struct dns_view {
	struct cache_view *base;
	uint32_t epoch; /* counts snapshots; never 0 */
	uint64_t process_epoch; /* the same, of all threads and environments */
	uint32_t names_known; /* remembered in this epoch */

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

	struct known_name (*known_names)[KNOWN_NAMES_A_SET];
	size_t known_name_sets;

	struct near_row near[NEAR_ROWS];
	unsigned near_count;
	struct near_row zone_row; /* of the zone that a search has just found, else empty; and for which name */
	uint64_t sought_hash;
	uint8_t sought_len;
	struct dns_hints quiet_apex;   /* those of a zone in KNOWN_NAMES */
	bool passing; /* the zone that is sought is not the question's: nothing is kept of it, nothing said */

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

/* A zone that encloses the question and was found before in this snapshot, and below which no other is known to stand, or NULL. */
struct known_zone *dns_known_zone(struct dns_view *view, const struct dns_question *question);
/* ROW is the zone's own key. */
void dns_remember_zone(struct dns_view *view, const struct dns_question *question, struct span row, struct dns_zone *zone);

/* As dns_find_zone, for a name that is not the question's. */
must_check int dns_pass_zone(struct dns_view *view, const struct dns_question *question, struct dns_zone *out);

/* A number for a name in reversed form, or for a key. */
uint64_t dns_hash(struct span octets);

/* Makes room for what will be known of nodes; without it everything is sought. */
void dns_known_begin(struct dns_view *view);
void dns_known_end(struct dns_view *view);

/* Has the processor fetch what may be known under HASH. */
void dns_expect_node(const struct dns_view *view, uint64_t hash);

/* 1 and the value when the node of this key was found before in this snapshot, else 0. HASH is that of its name, or of its key:
 * the same each time. */
int dns_known_node(struct dns_view *view, uint64_t hash, struct span key, struct span *out_value);
void dns_remember_node(struct dns_view *view, uint64_t hash, struct span key, struct span value);

/* The entry of the question's name if it was found before in this snapshot, or NULL. */
const struct known_name *dns_known_name(const struct dns_view *view, const struct dns_question *question);
/* The name's node is NODE. Its zone is the one of VIEW's zone_row. */
void dns_remember_name(struct dns_view *view, const struct dns_question *question, unsigned zone_labels, struct near_row node);

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
