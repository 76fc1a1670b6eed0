/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Record text, checked as strictly as named's own parser (BIND 9.18) checks it.
 *
 * What is accepted here never fails in named; what named would refuse never reaches the cache.
 * Pure: no I/O, no state.
 */
#pragma once

#include "cache/dname.h"
#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

/* One record value, read. */
struct rdata {
	/* One line of master-file text that named parses to the same octets with any origin: tokens
	 * separated by single blanks, no comment, no parentheses, strings quoted, relative names kept
	 * relative. */
	struct text text;
	/* Wire form, names expanded with the origin, and in lower case for the types that named
	 * compares so (not in SVCB, NSEC, IPSECKEY...): two records of one name and type are
	 * duplicates when these are equal. */
	struct text wire;
	/* The length in octets (1 to 254, root's octet not counted) of the longest relative name in
	 * TEXT, 0 when there is none. With another origin (a replica's) this record is unusable when
	 * relative + length of that origin exceeds 255. */
	uint8_t relative;
};

void rdata_clear(struct rdata *rdata);
void rdata_free(struct rdata *rdata);

/* Reads TEXT as the data of a TYPE record in the zone ORIGIN. RFC 3597 generic form ("\# n hex") is
 * accepted for every type where named accepts it. A line feed or a NUL in TEXT is an error wherever
 * it stands, a carriage return outside quotes.
 * Returns 0, -EINVAL with a sentence in WHY that names what is wrong and what was expected
 * ("MX preference must be a number from 0 to 65535, not \"x\""), or -ENOMEM. */
must_check int rdata_parse(uint16_t type, struct span text, const struct dname *origin, struct rdata *out,
                           struct text *why);

/* The data of a TXT or SPF record from an LDAP value, which is bare text (any octets): split into
 * strings of at most 255 octets and quoted. A value that is wholly a sequence of quoted strings ("a" "b") is
 * taken as master-file text instead. Same returns as rdata_parse. */
must_check int rdata_parse_txt(uint16_t type, struct span value, struct rdata *out, struct text *why);

/* The parts of a SOA value. Times may carry BIND's unit suffixes. Targets as rdata_parse, but
 * mname and rname are made absolute when the dot is missing (reference to ISPMan's practice).
 * SERIAL is a span because ISPMan writes numbers that exceed 32 bits: it is digits, any length. */
struct soa_text {
	struct text mname; /* absolute, with final dot */
	struct text rname;
	struct span serial; /* inside the given text */
	uint32_t refresh, retry, expire, minimum;
};
must_check int rdata_parse_soa(struct span text, struct soa_text *out, struct text *why);
void soa_text_free(struct soa_text *soa);

/* Only one record of the type may stand at a name (CNAME, DNAME, SOA, ...), as in BIND. */
bool rdata_type_is_singleton(uint16_t type);
