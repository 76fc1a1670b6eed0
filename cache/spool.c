/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * An entry is a frame: the length of its body, then numbers and octets as they lie in memory. Only
 * the process that wrote the file reads it.
 */
#include <config.h>

#include "cache/spool.h"

#include "cache/scratch_file.h"
#include "common/text.h"

#include <errno.h>

enum { BUFFER_ROOM = 256 * 1024 };

struct spool {
	int fd;
	off_t size;       /* of what lies in the file */
	struct text held; /* put, but not yet in the file */

	off_t read;  /* how much of the file was taken into the buffer */
	char *buffer;
	size_t room, at, end;
};

int
spool_open(const char *dir, struct spool **out)
{
	cleanup(spool_freep) struct spool *spool = calloc(1, sizeof(*spool));

	if (spool == NULL)
		return -ENOMEM;
	spool->fd = scratch_file_open(dir);
	if (spool->fd < 0)
		return spool->fd;
	*out = take(spool);
	return 0;
}

void
spool_free(struct spool *spool)
{
	if (spool == NULL)
		return;
	close_fdp(&spool->fd);
	text_free(&spool->held);
	free(spool->buffer);
	free(spool);
}

void
spool_freep(struct spool **spool)
{
	spool_free(*spool);
}

static void
put_number(struct text *out, uint64_t number)
{
	text_put_span(out, span_from(&number, sizeof(number)));
}

static void
put_octets(struct text *out, struct span octets)
{
	put_number(out, octets.len);
	text_put_span(out, octets);
}

static int
write_held(struct spool *spool)
{
	int r = scratch_file_write(spool->fd, text_span(&spool->held), spool->size);

	if (r < 0)
		return r;
	spool->size += (off_t)spool->held.len;
	text_clear(&spool->held);
	return 0;
}

int
spool_put(struct spool *spool, const struct entry *entry, size_t line)
{
	struct text *out = &spool->held;
	size_t start = out->len;
	uint64_t len;

	put_number(out, 0); /* the length, known at the end */
	put_number(out, line);
	text_put_span(out, span_from(entry->uuid, ENTRY_UUID_LEN));
	put_octets(out, entry->dn);
	put_octets(out, entry->csn);
	put_number(out, entry->attribute_count);
	for (size_t i = 0; i < entry->attribute_count; i++) {
		const struct attribute *attribute = &entry->attributes[i];

		put_octets(out, attribute->name);
		put_number(out, attribute->count);
		for (size_t v = 0; v < attribute->count; v++)
			put_octets(out, attribute->values[v]);
	}
	if (text_failed(out))
		return -ENOMEM;
	len = out->len - start - sizeof(len);
	memcpy(out->data + start, &len, sizeof(len));
	return out->len >= BUFFER_ROOM ? write_held(spool) : 0;
}

/* Makes N octets stand at buffer + at. */
static int
need(struct spool *spool, size_t n)
{
	size_t more;
	int r;

	if (spool->end - spool->at >= n)
		return 0;
	if (spool->at > 0)
		memmove(spool->buffer, spool->buffer + spool->at, spool->end - spool->at);
	spool->end -= spool->at;
	spool->at = 0;
	if (spool->room < n || spool->buffer == NULL) {
		size_t room = n > BUFFER_ROOM ? n : BUFFER_ROOM;
		char *buffer = realloc(spool->buffer, room);

		if (buffer == NULL)
			return -ENOMEM;
		spool->buffer = buffer;
		spool->room = room;
	}
	more = spool->room - spool->end;
	if ((uint64_t)(spool->size - spool->read) < more)
		more = (size_t)(spool->size - spool->read);
	if (spool->end + more < n)
		return -EIO;
	r = scratch_file_read(spool->fd, spool->buffer + spool->end, more, spool->read);
	if (r < 0)
		return r;
	spool->read += (off_t)more;
	spool->end += more;
	return 0;
}

/* Takes N octets off the front of *REST; false, and nothing, when there are fewer. */
static bool
take_octets(struct span *rest, size_t n, struct span *out)
{
	*out = span_from("", 0);
	if (rest->len < n) {
		*rest = span_from("", 0);
		return false;
	}
	*out = span_from(rest->data, n);
	*rest = span_skip(*rest, n);
	return true;
}

static uint64_t
take_number(struct span *rest)
{
	struct span octets;
	uint64_t number;

	if (!take_octets(rest, sizeof(number), &octets))
		return 0;
	memcpy(&number, octets.data, sizeof(number));
	return number;
}

static bool
take_text(struct span *rest, struct span *out)
{
	return take_octets(rest, take_number(rest), out);
}

/* Reads the values of an attribute. 0, -EIO for a damaged frame, -ENOMEM. */
static int
take_attribute(struct span *rest, struct arena *arena, struct attribute *out)
{
	if (!take_text(rest, &out->name))
		return -EIO;
	out->count = take_number(rest);
	if (out->count > rest->len / sizeof(uint64_t))
		return -EIO;
	out->values = arena_alloc(arena, out->count * sizeof(*out->values));
	if (out->values == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < out->count; i++)
		if (!take_text(rest, &out->values[i]))
			return -EIO;
	return 0;
}

int
spool_next(struct spool *spool, struct arena *arena, struct entry *out_entry, size_t *out_line)
{
	struct entry entry = { 0 };
	struct span rest, uuid;
	uint64_t len;
	size_t line;
	int r;

	if (spool->held.len > 0) {
		r = write_held(spool);
		if (r < 0)
			return r;
	}
	if (spool->at == spool->end && spool->read == spool->size)
		return 0;
	r = need(spool, sizeof(len));
	if (r < 0)
		return r;
	memcpy(&len, spool->buffer + spool->at, sizeof(len));
	if (len > (uint64_t)spool->size)
		return -EIO;
	r = need(spool, sizeof(len) + len);
	if (r < 0)
		return r;
	rest = span_from(spool->buffer + spool->at + sizeof(len), len);
	spool->at += sizeof(len) + len;

	line = take_number(&rest);
	if (!take_octets(&rest, ENTRY_UUID_LEN, &uuid) || !take_text(&rest, &entry.dn) ||
	    !take_text(&rest, &entry.csn))
		return -EIO;
	memcpy(entry.uuid, uuid.data, ENTRY_UUID_LEN);
	entry.attribute_count = take_number(&rest);
	if (entry.attribute_count > rest.len / sizeof(uint64_t))
		return -EIO;
	entry.attributes = arena_alloc(arena, entry.attribute_count * sizeof(*entry.attributes));
	if (entry.attributes == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < entry.attribute_count; i++) {
		r = take_attribute(&rest, arena, &entry.attributes[i]);
		if (r < 0)
			return r;
	}
	*out_entry = entry;
	*out_line = line;
	return 1;
}
