/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A reader for LDIF content files (RFC 2849): slapcat's output or hand-written.
 *
 * Reads in one pass with bounded memory (one entry at a time). Change records are refused. Every error is a
 * sentence with the line number.
 */
#pragma once

#include "cache/entry.h"
#include "common/text.h"

enum { LDIF_LINE_MAX = 1 << 20, LDIF_ENTRY_MAX = 16 << 20 }; /* octets, unfolded */

struct ldif;

/* Reads from FD, which stays the caller's. WANTED decides whether an attribute's values are kept
 * (NULL keeps all): it is given the name without options, and asked at least once for each name that
 * the file holds. Values that are not kept are not looked at and have no bound.
 * entryUUID, entryCSN are always read into the entry's own members. */
must_check int ldif_open(int fd, bool (*wanted)(void *context, struct span attribute), void *context,
                         struct ldif **out_ldif);

/* The next entry, in ARENA (which the caller resets between entries). Values of one attribute are together
 * wherever they stood, with and without options. An entry that states no UUID has entry_uuid_of_dn.
 * Returns 1, 0 at the end of the file, -EINVAL with "line 17: ..." in WHY, or another negative errno. Nothing more
 * can be read after an error. */
must_check int ldif_next(struct ldif *ldif, struct arena *arena, struct entry *out, struct text *why);

/* Line number where the entry last returned begins. */
size_t ldif_line(const struct ldif *ldif);

/* What entry_uuid_of_dn() says of the DN of the entry last returned, whatever UUID the file states; until the next is read. */
const uint8_t *ldif_dn_uuid(const struct ldif *ldif);

void ldif_free(struct ldif *ldif);
void ldif_freep(struct ldif **ldif);
