/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A directory entry as it came from LDAP or from an LDIF file, and the reading of DNs (RFC 4514).
 *
 * An entry and all that it points to lie in the arena of whoever built it.
 */
#pragma once

#include "common/arena.h"
#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

enum { ENTRY_UUID_LEN = 16 };

struct attribute {
	struct span name; /* without options; as spelled by the source */
	size_t count;
	struct span *values;
};

struct entry {
	struct span dn;
	uint8_t uuid[ENTRY_UUID_LEN];
	struct span csn; /* entryCSN, empty when the source has none */
	size_t attribute_count;
	struct attribute *attributes; /* one for each name; entryUUID and entryCSN are not among them */
};

/* The attribute NAME (case ignored), or NULL. */
const struct attribute *entry_find(const struct entry *entry, struct span name);

/* Seconds since 1970 of a CSN ("20261121115900.123456Z#000000#000#000000"), 0 when unreadable. */
uint32_t csn_seconds(struct span csn);

/* One RDN, normalised: attribute types in lower case, several pairs sorted ("a=1+b=2"), values unescaped
 * and compared as ISPMan's naming attributes compare (caseIgnoreIA5Match: letters in lower
 * case, blanks at the ends dropped, inner runs of blanks become one), so that two spellings of one
 * RDN are equal bytes. The bytes between pairs and within values are unambiguous (length-prefixed or escaped). */
struct rdn {
	struct span type;       /* of the pair that sorts first: "ispmandomain" */
	struct span value;      /* of that pair, unescaped, case kept: "Tern.Example" */
	struct span normalised; /* the whole RDN */
	struct span text;       /* as spelled in the DN */
	bool single;            /* one pair only */
};

/* Splits DN into its RDNs, first the entry's own. Everything is copied into ARENA.
 * The empty DN has 0 RDNs. Accepts RFC 4514 and the old forms that slapd and LDIF authors write (blanks
 * around = and ,; hex "#04..." values; "\2C" and "\," escapes; quoted values of RFC 2253 4).
 * Returns 0, -EINVAL for what is no DN, -ENOMEM. */
must_check int dn_split(struct span dn, struct arena *arena, struct rdn **out_rdns, size_t *out_count);

/* Splits DNs of which each has much in common with the one before, as those of a tree that is walked have: what is the same at the end
 * is not read again. Starts as zeroes. */
enum { DN_TRAIL_ROOM = 80 }; /* RDNs of a DN; a longer one is read whole */

struct dn_trail {
	struct text dn; /* the one before */
	size_t count;
	/* Its RDNs fill the end, the entry's own first: the octets of each, how many octets of the DN begin with it, what was read. */
	struct text octets[DN_TRAIL_ROOM];
	size_t tails[DN_TRAIL_ROOM];
	struct rdn rdns[DN_TRAIL_ROOM];
};

/* As dn_split; the RDNs last until the next call. SCRATCH is for what need not last. */
must_check int dn_trail_split(struct dn_trail *trail, struct span dn, struct arena *scratch, struct rdn **out_rdns,
                              size_t *out_count);
void dn_trail_free(struct dn_trail *trail);

/* The whole DN in one form: the normalised RDNs, joined by commas (which none of them holds). In ARENA.
 * Same returns as dn_split. */
must_check int dn_normalise(struct span dn, struct arena *arena, struct span *out_normalised);

/* The same of RDNs that were split already. 0 or -ENOMEM. */
must_check int dn_join(const struct rdn *rdns, size_t count, struct arena *arena, struct span *out_normalised);

/* UUIDv5 (RFC 4122 4.3) of the normalised DN, in a name space of our own: the identity of an entry of a
 * file that states none. */
must_check int entry_uuid_of_dn(struct span dn, uint8_t out_uuid[ENTRY_UUID_LEN]);

/* The same for a DN that dn_normalise has read. */
must_check int entry_uuid_of_normalised(struct span dn, uint8_t out_uuid[ENTRY_UUID_LEN]);

/* "5a1d…-…" text with or without hyphens. Returns 0 or -EINVAL. */
must_check int uuid_from_text(struct span text, uint8_t out_uuid[ENTRY_UUID_LEN]);
