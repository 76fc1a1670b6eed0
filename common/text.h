/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A growing buffer for text and bytes.
 *
 * Starts as TEXT_INIT, is always NUL-terminated once something was put, and keeps its memory
 * over text_clear(). A put that finds no memory marks the buffer as failed; later puts do
 * nothing. Look at text_failed() once, at the end.
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"

struct text {
	char *data;
	size_t len;
	size_t room;
	bool failed;
};

#define TEXT_INIT ((struct text){ NULL, 0, 0, false })

void text_put(struct text *t, const char *string);
void text_put_span(struct text *t, struct span s);
void text_put_char(struct text *t, char c);
void text_putf(struct text *t, const char *format, ...) printf_like(2, 3);

/* As it may stand in quotes in a log: octets other than printable ASCII, quotes and backslashes as \xHH; what is longer than
 * MAX octets ends in "...". */
void text_put_escaped(struct text *t, struct span s, size_t max);

/* Appends N uninitialised bytes and returns where they begin, or NULL when there is no memory. */
void *text_extend(struct text *t, size_t n);

/* Empties the buffer but keeps its memory. */
void text_clear(struct text *t);
void text_free(struct text *t);
/* As text_free, of what nobody may find in memory later. What the buffer left behind when it grew is not known any more: give such a
 * buffer its room first (text_extend), or put it at once. */
void text_wipe(struct text *t);

static inline bool
text_failed(const struct text *t)
{
	return t->failed;
}

static inline struct span
text_span(const struct text *t)
{
	return span_from(t->data != NULL ? t->data : "", t->len);
}

/* The content as a C string, "" when nothing was put. Valid until the next put. */
static inline const char *
text_str(const struct text *t)
{
	return t->data != NULL ? t->data : "";
}
