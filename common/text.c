/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "common/text.h"

#include <stdarg.h>
#include <stdio.h>

/* Makes room for N more bytes and the NUL. */
static bool
make_room(struct text *t, size_t n)
{
	size_t room = t->room != 0 ? t->room : 64;
	char *data;

	if (t->failed)
		return false;
	if (n >= SIZE_MAX / 4 || t->len >= SIZE_MAX / 4) {
		t->failed = true;
		return false;
	}
	if (t->data != NULL && t->len + n < t->room)
		return true;
	while (room <= t->len + n)
		room *= 2;
	data = realloc(t->data, room);
	if (data == NULL) {
		t->failed = true;
		return false;
	}
	t->data = data;
	t->room = room;
	return true;
}

void *
text_extend(struct text *t, size_t n)
{
	char *place;

	if (!make_room(t, n))
		return NULL;
	place = t->data + t->len;
	t->len += n;
	t->data[t->len] = '\0';
	return place;
}

void
text_put_span(struct text *t, struct span s)
{
	char *place = text_extend(t, s.len);

	if (place != NULL && s.len > 0)
		memcpy(place, s.data, s.len);
}

void
text_put(struct text *t, const char *string)
{
	text_put_span(t, span_of(string));
}

void
text_put_char(struct text *t, char c)
{
	text_put_span(t, span_from(&c, 1));
}

void
text_putf(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0 || !make_room(t, (size_t)n)) {
		t->failed = true;
		return;
	}
	va_start(args, format);
	vsnprintf(t->data + t->len, (size_t)n + 1, format, args);
	va_end(args);
	t->len += (size_t)n;
}

void
text_clear(struct text *t)
{
	t->len = 0;
	t->failed = false;
	if (t->data != NULL)
		t->data[0] = '\0';
}

void
text_free(struct text *t)
{
	free(t->data);
	*t = TEXT_INIT;
}

void
text_wipe(struct text *t)
{
	if (t->data != NULL)
		explicit_bzero(t->data, t->room);
	text_free(t);
}

void
text_put_escaped(struct text *t, struct span s, size_t max)
{
	bool cut = s.len > max;

	if (cut)
		s.len = max;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];

		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			text_putf(t, "\\x%02x", c);
		else
			text_put_char(t, (char)c);
	}
	if (cut)
		text_put(t, "...");
}
