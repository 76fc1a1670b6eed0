/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Names to keys.
 *
 * A DNS name is written reversed: its labels from the last to the first, each as its length octet
 * and its octets in lower case, without the root. So a name's key is a prefix of the keys of all names below it, a
 * subtree is contiguous, and an empty non-terminal is a seek that lands on a longer key.
 *
 * Keys of the dns environment (its only table):
 *
 *   'm'                                          the state of the environment (record.h, state_record)
 *   's'                                          settings that answers depend on (settings_record)
 *   'n' reversed(zone)                           a zone (zone_record)
 *   'n' reversed(zone) 0 reversed(owner in zone) a node of a zone (node_record); the apex has an empty owner
 *   'r' reversed(name)                           computed PTR records of an address name (node_record)
 *   'p' subject-key                              what is wrong with that subject (problem_record); not for readers of DNS
 *   'h' reversed(zone)                           a zone whose SOA is held until a time
 *
 * So a zone's record stands right before its nodes, and these before the zones below it: what a query needs of a small zone
 * lies in one page, and the row before a name's place tells the longest zone that may hold it.
 *
 * A *subject* is named by the same bytes: the key of the record that is made of its fragments
 * ('s', 'n'..., 'r'...). Only a zone has a letter of its own there: 'z' reversed(zone).
 *
 * A change to any of this is a new DNS_FORMAT.
 */
#pragma once

#include "cache/dname.h"
#include "common/macro.h"
#include "common/span.h"

enum {
	KEY_MAX = 511,
	DNS_FORMAT = 2, /* of the dns environment: its keys and its values */
};

struct key {
	size_t len;
	uint8_t octets[KEY_MAX];
};

static inline struct span
key_span(const struct key *key)
{
	return span_from(key->octets, key->len);
}

/* Appends NAME reversed, or only its first LABELS labels reversed. */
void key_put_name(struct key *key, const struct dname *name);
void key_put_labels(struct key *key, const struct dname *name, unsigned labels);

void key_zone(struct key *out, const struct dname *zone);
/* NAME lies within ZONE. */
void key_node(struct key *out, const struct dname *zone, const struct dname *name);
void key_reverse(struct key *out, const struct dname *name);

/* The name that reversed octets spell. Returns 0 or -EINVAL. */
must_check int key_to_name(struct span reversed, struct dname *out);

/* Takes a subject key apart: its letter, and for 'n' the zone and the owner's absolute name, for 'z' and 'r' the
 * name in *OUT_NAME. Returns 0 or -EINVAL. */
must_check int key_split(struct span key, char *out_letter, struct dname *out_zone, struct dname *out_name);

/* From a subject to the key of its record, and back. */
void key_row(struct key *out, struct span subject);
void key_subject(struct key *out, struct span row);

/* Whether KEY is that of a zone's record. */
bool key_is_zone(struct span row);

/* How many octets the zone's reversed name takes in what follows the letter of an 'n' or 'z' key. */
size_t key_zone_len(struct span after_letter);

/* Octets of whole labels that A and B have in common from their start. */
size_t key_common_labels(struct span a, struct span b, unsigned *out_labels);
