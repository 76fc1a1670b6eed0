/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What the files of the DNS projection share: the map of one entry, and the reduce of each kind of subject.
 */
#pragma once

#include "cache/complaint.h"
#include "cache/project_dns.h"
#include "cache/project_dns_payload.h"

/* --- map (project_dns_map.c, project_dns_map_record.c) ------------------------------------------- */

/* The entry being mapped, and where its fragments and problems go. */
struct mapping {
	const struct dns_settings *settings;
	const struct placed_entry *placed;
	struct arena *arena;
	struct mapped *out;
	struct complaints complaints;
};

/* A new fragment with no subject and no payload yet; NULL without memory. */
must_check struct fragment *mapping_fragment(const struct mapping *m);

/* Adds FRAGMENT, whose payload is PAYLOAD copied into the arena. Returns 0 or -ENOMEM. */
must_check int mapping_add(struct mapping *m, struct fragment *fragment, struct span payload);

/* The same with a payload that lies in the arena already. */
void mapping_insert(struct mapping *m, struct fragment *fragment);

/* Appends the problem begun with complaint_begin, with the entry's DN. */
void mapping_complain(struct mapping *m, const char *kind);

/* Whether a name as written ends with a dot that is not escaped, or has one anywhere. */
bool name_is_absolute(struct span text);
bool name_has_dot(struct span text);

/* An entry of the record class. Returns 0 or -ENOMEM. */
must_check int map_record_entry(struct mapping *m);

/* --- reverse names (project_dns_reverse.c) ---------------------------------------------------------- */

struct address {
	uint8_t family; /* 4 or 6 */
	uint8_t octets[16];
};

/* Reads an IPv4 or IPv6 address, and nothing else. */
bool address_from_text(struct span text, struct address *out);

/* "4.3.2.1.in-addr.arpa." or the nibbles below ip6.arpa. */
void address_reverse_name(const struct address *address, struct dname *out);

bool address_is_within(const struct address *address, const struct reverse_prefix *prefix);
void address_put_prefix(struct text *out, const struct reverse_prefix *prefix);

/* Octet by octet; of two that begin alike the shorter comes first. */
static inline int
compare_spans(struct span a, struct span b)
{
	int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* --- reduce ----------------------------------------------------------------------------------------- */

/* A reduce under way: problems name entries by their DN. */
struct reducing {
	const struct dns_settings *settings;
	const struct reduce_input *input;
	struct reduced *out;
	struct complaints complaints;
};

/* Appends the problem begun with complaint_begin, with the DN of the entry. */
void reducing_complain(struct reducing *r, const char *kind, uint64_t entry_id);

/* Appends the DN of the entry, quoted. */
void reducing_quote_dn(const struct reducing *r, struct text *say, uint64_t entry_id);

/* Each returns 0, -ENOMEM or -EBADMSG. */
must_check int reduce_node(struct reducing *r, const struct dname *zone, const struct dname *name);
must_check int reduce_zone(struct reducing *r, const struct dname *zone);
must_check int reduce_reverse(struct reducing *r);
must_check int reduce_settings(struct reducing *r);
