/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Entries that wait on disk until all of them are known to be good.
 *
 * First every spool_put, then every spool_next; they come back in the order they went in.
 */
#pragma once

#include "cache/entry.h"

struct spool;

/* The entries lie in a file without a name in DIR. */
must_check int spool_open(const char *dir, struct spool **out);
must_check int spool_put(struct spool *spool, const struct entry *entry, size_t line);

/* The next entry and the line it came with, valid until the next call; its list of attributes is in ARENA.
 * Returns 1, 0 at the end, or a negative errno. */
must_check int spool_next(struct spool *spool, struct arena *arena, struct entry *out_entry, size_t *out_line);

void spool_free(struct spool *spool);
void spool_freep(struct spool **spool);
