/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Keys are dealt into buckets by their first octet; a bucket's full chunks go to the file. At the
 * end each bucket alone is small enough for a hash table.
 */
#include <config.h>

#include "cache/repeats.h"

#include "cache/scratch_file.h"

#include <errno.h>

enum { BUCKETS = 256, CHUNK_RECORDS = 256 };

struct record {
	uint8_t key[REPEATS_KEY_LEN];
	uint64_t line;
};

struct bucket {
	uint32_t held; /* records in chunk */
	uint32_t chunk_count, chunk_room;
	uint32_t *chunks; /* their places in the file */
	struct record chunk[CHUNK_RECORDS];
};

struct repeats {
	int fd; /* -1 until it is needed */
	uint32_t chunks;
	char *dir;
	struct bucket buckets[BUCKETS];
};

int
repeats_open(const char *dir, struct repeats **out)
{
	cleanup(repeats_freep) struct repeats *repeats = calloc(1, sizeof(*repeats));

	if (repeats == NULL)
		return -ENOMEM;
	repeats->fd = -1;
	repeats->dir = strdup(dir);
	if (repeats->dir == NULL)
		return -ENOMEM;
	*out = take(repeats);
	return 0;
}

void
repeats_free(struct repeats *repeats)
{
	if (repeats == NULL)
		return;
	close_fdp(&repeats->fd);
	free(repeats->dir);
	for (size_t i = 0; i < BUCKETS; i++)
		free(repeats->buckets[i].chunks);
	free(repeats);
}

void
repeats_freep(struct repeats **repeats)
{
	repeats_free(*repeats);
}

static off_t
place_of(uint32_t chunk)
{
	return (off_t)chunk * (off_t)sizeof(((struct bucket *)NULL)->chunk);
}

static int
write_chunk(struct repeats *repeats, struct bucket *bucket)
{
	int r;

	if (repeats->fd < 0) {
		r = scratch_file_open(repeats->dir);
		if (r < 0)
			return r;
		repeats->fd = r;
	}
	if (bucket->chunk_count == bucket->chunk_room) {
		uint32_t room = bucket->chunk_room > 0 ? bucket->chunk_room * 2 : 16;
		uint32_t *chunks = reallocarray(bucket->chunks, room, sizeof(*chunks));

		if (chunks == NULL)
			return -ENOMEM;
		bucket->chunks = chunks;
		bucket->chunk_room = room;
	}
	r = scratch_file_write(repeats->fd, span_from(bucket->chunk, sizeof(bucket->chunk)),
	                       place_of(repeats->chunks));
	if (r < 0)
		return r;
	bucket->chunks[bucket->chunk_count++] = repeats->chunks++;
	bucket->held = 0;
	return 0;
}

int
repeats_add(struct repeats *repeats, const uint8_t key[REPEATS_KEY_LEN], size_t line)
{
	struct bucket *bucket = &repeats->buckets[key[0]];
	struct record *record;

	if (bucket->held == CHUNK_RECORDS) {
		int r = write_chunk(repeats, bucket);

		if (r < 0)
			return r;
	}
	record = &bucket->chunk[bucket->held++];
	memcpy(record->key, key, REPEATS_KEY_LEN);
	record->line = line;
	return 0;
}

/* Puts RECORDS into TABLE of MASK + 1 slots (a free one has line 0), and remembers the repeat whose
 * second line is the smallest in *FIRST and *SECOND (0: none yet). */
static void
fill_table(struct record *table, size_t mask, const struct record *records, size_t count,
           size_t *first, size_t *second)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t hash;
		size_t slot;

		/* The first octet is the same in all of the bucket. */
		memcpy(&hash, records[i].key + 1, sizeof(hash));
		slot = hash & mask;
		while (table[slot].line != 0 &&
		       memcmp(table[slot].key, records[i].key, REPEATS_KEY_LEN) != 0)
			slot = (slot + 1) & mask;
		if (table[slot].line == 0) {
			table[slot] = records[i];
		} else if (*second == 0 || records[i].line < *second) {
			*first = table[slot].line;
			*second = records[i].line;
		}
	}
}

static int
search_bucket(struct repeats *repeats, const struct bucket *bucket, size_t *first, size_t *second)
{
	size_t count = (size_t)bucket->chunk_count * CHUNK_RECORDS + bucket->held;
	struct record *table, *chunk;
	size_t slots = 16;
	int r = 0;

	while (slots < count * 2)
		slots *= 2;
	table = calloc(slots, sizeof(*table));
	chunk = malloc(sizeof(bucket->chunk));
	if (table == NULL || chunk == NULL)
		r = -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < bucket->chunk_count; i++) {
		r = scratch_file_read(repeats->fd, chunk, sizeof(bucket->chunk),
		                      place_of(bucket->chunks[i]));
		if (r == 0)
			fill_table(table, slots - 1, chunk, CHUNK_RECORDS, first, second);
	}
	if (r == 0)
		fill_table(table, slots - 1, bucket->chunk, bucket->held, first, second);
	free(table);
	free(chunk);
	return r;
}

int
repeats_find(struct repeats *repeats, size_t *out_first, size_t *out_second)
{
	size_t first = 0, second = 0;

	for (size_t i = 0; i < BUCKETS; i++) {
		int r = search_bucket(repeats, &repeats->buckets[i], &first, &second);

		if (r < 0)
			return r;
	}
	if (second == 0)
		return 0;
	*out_first = first;
	*out_second = second;
	return 1;
}
