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

#include <stdio.h>

enum { LDIF_LINE_MAX = 1 << 20, LDIF_ENTRY_MAX = 16 << 20 }; /* octets, unfolded */

struct ldif;

/* Reads from FD, which stays the caller's. WANTED decides whether an attribute's values are kept
 * (NULL keeps all); entryUUID, entryCSN are always read into the entry's own members. */
must_check int ldif_open(int fd, bool (*wanted)(void *context, struct span attribute), void *context,
                         struct ldif **out_ldif);

/* The next entry, in ARENA (which the caller resets between entries).
 * Returns 1, 0 at the end of the file, -EINVAL with "line 17: ..." in WHY, or another negative errno. */
must_check int ldif_next(struct ldif *ldif, struct arena *arena, struct entry *out, struct text *why);

/* Line number where the entry last returned begins. */
size_t ldif_line(const struct ldif *ldif);

void ldif_free(struct ldif *ldif);
void ldif_freep(struct ldif **ldif);
