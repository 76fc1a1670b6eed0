/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "common/line.h"

#include <errno.h>

int
line_put(struct line_buffer *lines, struct span octets)
{
	struct text *t = &lines->octets;

	if (lines->taken > 0) {
		memmove(t->data, t->data + lines->taken, t->len - lines->taken);
		t->len -= lines->taken;
		lines->seen -= lines->taken;
		lines->taken = 0;
	}
	text_put_span(t, octets);
	return text_failed(t) ? -ENOMEM : 0;
}

int
line_take(struct line_buffer *lines, struct span *out_line)
{
	struct span all = text_span(&lines->octets);
	struct span rest = span_skip(all, lines->seen);
	const char *end = rest.len > 0 ? memchr(rest.data, '\n', rest.len) : NULL;
	struct span line;

	if (end == NULL) {
		lines->seen = all.len;
		/* One more may be the CR of a line that is just long enough. */
		return all.len - lines->taken > lines->max + 1 ? -EMSGSIZE : 0;
	}
	line = span_from(all.data + lines->taken, (size_t)(end - all.data) - lines->taken);
	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	if (line.len > lines->max)
		return -EMSGSIZE;
	lines->taken = lines->seen = (size_t)(end - all.data) + 1;
	*out_line = line;
	return 1;
}

void
line_buffer_free(struct line_buffer *lines)
{
	text_free(&lines->octets);
	lines->taken = lines->seen = 0;
}
