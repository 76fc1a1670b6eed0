/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Memory that is given back all at once: what one entry, one event or one request needs.
 *
 * What an arena hands out lives until arena_reset() or arena_free(). Reset keeps one block, so
 * that a loop over a million entries allocates a handful of times.
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;
};

#define ARENA_INIT ((struct arena){ NULL })

/* N bytes, aligned for any type, not cleared; NULL when there is no memory. */
must_check void *arena_alloc(struct arena *arena, size_t n);

/* Copies S; the copy is followed by a NUL that does not count. data is NULL without memory. */
must_check struct span arena_copy(struct arena *arena, struct span s);

void arena_reset(struct arena *arena);
void arena_free(struct arena *arena);
