/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/lines.h"

#include <errno.h>

enum { READ_ROOM = 256 * 1024 };

int
lines_open(struct lines *lines, int fd, size_t max)
{
	char *buffer = malloc(READ_ROOM);

	if (buffer == NULL)
		return -ENOMEM;
	*lines = (struct lines){ .fd = fd, .buffer = buffer, .room = READ_ROOM, .max = max };
	return 0;
}

void
lines_close(struct lines *lines)
{
	free(lines->buffer);
	lines->buffer = NULL;
}

/* Reads more behind what is held. */
static int
fill(struct lines *lines)
{
	ssize_t n;

	if (lines->at > 0) {
		memmove(lines->buffer, lines->buffer + lines->at, lines->end - lines->at);
		lines->end -= lines->at;
		lines->at = 0;
	}
	if (lines->end == lines->room) {
		char *buffer = realloc(lines->buffer, lines->room * 2);

		if (buffer == NULL)
			return -ENOMEM;
		lines->buffer = buffer;
		lines->room *= 2;
	}
	do {
		n = read(lines->fd, lines->buffer + lines->end, lines->room - lines->end);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	lines->at_end = n == 0;
	if (!lines->has_nul && n > 0)
		lines->has_nul = memchr(lines->buffer + lines->end, '\0', (size_t)n) != NULL;
	lines->end += (size_t)n;
	return 0;
}

int
lines_next(struct lines *lines, struct span *out_line, bool *out_folded)
{
	size_t looked_at = 0, len, next;

	/* The octet after the line end must be held too: it tells whether the line goes on. */
	for (;;) {
		const char *start = lines->buffer + lines->at;
		size_t held = lines->end - lines->at;
		const char *end = NULL;
		int r;

		if (held > looked_at)
			end = memchr(start + looked_at, '\n', held - looked_at);
		len = end != NULL ? (size_t)(end - start) : held;
		next = end != NULL ? len + 1 : held;
		if ((end != NULL && next < held) || lines->at_end)
			break;
		if (len > lines->max) {
			lines->number++;
			return -EMSGSIZE;
		}
		looked_at = len;
		r = fill(lines);
		if (r < 0) {
			lines->number++;
			return r;
		}
	}
	if (next == 0)
		return 0;
	lines->number++;
	*out_line = span_from(lines->buffer + lines->at, len);
	lines->at += next;
	*out_folded = lines->at < lines->end && lines->buffer[lines->at] == ' ';
	if (len > lines->max)
		return -EMSGSIZE;
	if (lines->has_nul && memchr(out_line->data, '\0', len) != NULL)
		return -EBADMSG;
	if (len > 0 && out_line->data[len - 1] == '\r')
		out_line->len--;
	return 1;
}
