/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Lines out of a stream of octets, each of bounded length.
 *
 * Octets are put in as they come, lines are taken out; nothing here reads or waits.
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

struct line_buffer {
	struct text octets;
	size_t taken; /* octets before are done with */
	size_t seen;  /* octets before hold no line end */
	size_t max;   /* of a line, its end not counted */
};

static inline struct line_buffer
line_buffer_of(size_t max)
{
	return (struct line_buffer){ .octets = TEXT_INIT, .max = max };
}

/* Returns 0 or -ENOMEM. */
must_check int line_put(struct line_buffer *lines, struct span octets);

/* 1 and the next line without its end (LF or CRLF), valid until the next put; 0 when none is complete; -EMSGSIZE
 * when a line is longer than MAX. */
must_check int line_take(struct line_buffer *lines, struct span *out_line);

void line_buffer_free(struct line_buffer *lines);
