/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Directory entries to DNS data, in two pure steps.
 *
 * map: one entry at its place in the tree becomes fragments, each for a subject (key.h), and says what is wrong
 * with it. reduce: all fragments of one subject become one record of the dns environment, or none, and say
 * what is wrong between them.
 *
 * Neither step does I/O or keeps state: the same input gives the same octets.
 */
#pragma once

#include "cache/entry.h"
#include "cache/key.h"
#include "cache/profile.h"
#include "cache/record.h"
#include "common/arena.h"
#include "common/text.h"

/* An entry and the RDNs from its own up to, not including, the base: rdns[0] is its own; depth 0 is the base
 * entry itself. */
struct placed_entry {
	const struct entry *entry;
	size_t depth;
	const struct rdn *rdns;
};

struct dns_settings {
	const struct profile *profile;
	size_t prefix_count; /* where reverse zones are computed; a pTRRecord elsewhere is a problem */
	struct reverse_prefix prefixes[REVERSE_PREFIXES_MAX];
	bool serial_stored;
	uint32_t soa_hold; /* seconds */
};

struct fragment {
	struct key subject;
	struct span payload;
	struct fragment *next;
};

struct mapped {
	struct fragment *fragments; /* sorted by subject, payloads of one subject in one fragment each; in the arena */
	struct text problems;       /* a list for problem_next; starts as TEXT_INIT */
};

/* Everything lies in ARENA, but problems, which are cleared first, keep their memory, and are the caller's to free.
 * Returns 0 or -ENOMEM. */
must_check int project_dns_map(const struct dns_settings *settings, const struct placed_entry *placed,
                               struct arena *arena, struct mapped *out);

/* One fragment as stored: the entry it came from and its payload. */
struct held_fragment {
	uint64_t entry_id;
	struct span payload;
};

/* What reduce knows besides the fragments. */
struct reduce_input {
	const struct dns_settings *settings;
	struct span subject;
	size_t count;
	const struct held_fragment *fragments; /* sorted by entry_id */
	/* For 'z' subjects: the serial state that the directory keeps, and the record that is now served (empty when none). */
	uint32_t serial, epoch;
	struct span served;
	/* For 's': the base serial and the epoch that the directory keeps. */
	uint32_t base_serial;
	/* Until when a SOA that went missing is held, seconds since 1970; 0 when it is not held yet. NOW likewise. */
	uint64_t now, hold_until;
	/* The DN of an entry, for problems. */
	void (*dn_of)(void *context, uint64_t entry_id, struct text *out_dn);
	void *context;
};

struct reduced {
	bool present;         /* false: the record is removed */
	struct text value;
	struct text problems; /* a list for problem_next */
	uint64_t hold_until;  /* 'z': nonzero while a SOA is held because it went missing: reduce again at that time */
};

/* OUT's texts are cleared first and keep their memory. Returns 0, -ENOMEM, -EBADMSG for fragments that make no sense. */
must_check int project_dns_reduce(const struct reduce_input *input, struct reduced *out);

/* The serial that a SOA fragment of a zone subject states; 1, 0 when there is none usable. Used when a zone's
 * serial is advanced. */
int project_dns_stored_serial(const struct held_fragment *fragments, size_t count, uint32_t *out_serial);

/* Whether a zone subject's fragments hold a domain entry that makes it a zone of ours. */
bool project_dns_is_hosted(const struct held_fragment *fragments, size_t count);

/* The computed reverse zone that an address name falls into; false outside every prefix. */
bool project_dns_reverse_zone(const struct dns_settings *settings, const struct dname *name, struct dname *out_zone);
