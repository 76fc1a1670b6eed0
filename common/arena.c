/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "common/arena.h"

#include <stdalign.h>

enum { BLOCK_ROOM = 16 * 1024 };

struct arena_block {
	struct arena_block *next;
	size_t used;
	size_t room;
	alignas(max_align_t) char data[];
};

void *
arena_alloc(struct arena *arena, size_t n)
{
	struct arena_block *block = arena->blocks;
	void *place;

	if (n > SIZE_MAX / 2)
		return NULL;
	n = (n + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (block == NULL || block->room - block->used < n) {
		size_t room = n > BLOCK_ROOM ? n : BLOCK_ROOM;

		block = malloc(sizeof(*block) + room);
		if (block == NULL)
			return NULL;
		block->next = arena->blocks;
		block->used = 0;
		block->room = room;
		arena->blocks = block;
	}
	place = block->data + block->used;
	block->used += n;
	return place;
}

struct span
arena_copy(struct arena *arena, struct span s)
{
	char *copy = arena_alloc(arena, s.len + 1);

	if (copy == NULL)
		return span_from(NULL, 0);
	if (s.len > 0)
		memcpy(copy, s.data, s.len);
	copy[s.len] = '\0';
	return span_from(copy, s.len);
}

void
arena_reset(struct arena *arena)
{
	struct arena_block *keep = NULL;

	while (arena->blocks != NULL) {
		struct arena_block *block = arena->blocks;

		arena->blocks = block->next;
		if (keep == NULL && block->room == BLOCK_ROOM)
			keep = block;
		else
			free(block);
	}
	if (keep != NULL) {
		keep->next = NULL;
		keep->used = 0;
		arena->blocks = keep;
	}
}

void
arena_free(struct arena *arena)
{
	while (arena->blocks != NULL) {
		struct arena_block *block = arena->blocks;

		arena->blocks = block->next;
		free(block);
	}
}
