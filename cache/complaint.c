/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Problems end in terminals and in JSON, so what is quoted from an entry is always valid, printable UTF-8.
 */
#include <config.h>

#include "cache/complaint.h"

/* The length of the printable UTF-8 character at the start of S (RFC 3629), 0 when there is none. */
static size_t
printable_length(struct span s)
{
	const uint8_t *p = (const uint8_t *)s.data;
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	if (n == 1)
		return p[0] >= ' ' && p[0] != 0x7f ? 1 : 0;
	if (n == 0 || s.len < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, what lies beyond Unicode, and the control characters of Latin-1. */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90) ||
	    (p[0] == 0xc2 && p[1] < 0xa0))
		return 0;
	return n;
}

bool
complaint_is_printable(struct span value)
{
	while (value.len > 0) {
		size_t n = printable_length(value);

		if (n == 0)
			return false;
		value = span_skip(value, n);
	}
	return true;
}

/* Appends what fits of VALUE; false when something was left out. */
static bool
put_printable(struct text *out, struct span value, size_t max)
{
	size_t used = 0;

	while (value.len > 0) {
		size_t n = printable_length(value);
		size_t needs = n > 0 ? n : 4;

		if (used + needs > max)
			return false;
		if (n > 0)
			text_put_span(out, span_from(value.data, n));
		else
			text_putf(out, "\\%03u", (unsigned)(uint8_t)value.data[0]);
		used += needs;
		value = span_skip(value, n > 0 ? n : 1);
	}
	return true;
}

void
complaint_quote_max(struct text *out, struct span value, size_t max)
{
	bool whole;

	text_put_char(out, '"');
	whole = put_printable(out, value, max);
	text_put(out, whole ? "\"" : "...\"");
}

void
complaint_quote(struct text *out, struct span value)
{
	complaint_quote_max(out, value, COMPLAINT_QUOTE_MAX);
}

struct text *
complaint_begin(struct complaints *complaints)
{
	text_clear(&complaints->sentence);
	return &complaints->sentence;
}

void
complaint_end(struct complaints *complaints, const char *kind, struct span dn)
{
	cleanup(text_free) struct text name = TEXT_INIT;
	struct problem problem;

	if (complaints->count > COMPLAINTS_MAX)
		return;
	if (complaints->count++ == COMPLAINTS_MAX) {
		kind = "more-problems";
		complaint_begin(complaints);
		text_put(&complaints->sentence, "There are more problems here than are listed.");
	}
	if (!put_printable(&name, dn, COMPLAINT_DN_MAX))
		text_put(&name, "...");
	problem.kind = span_of(kind);
	problem.dn = text_span(&name);
	problem.sentence = text_span(&complaints->sentence);
	problem_put(complaints->list, &problem);
	if (text_failed(&name) || text_failed(&complaints->sentence))
		complaints->list->failed = true;
}

void
complaints_free(struct complaints *complaints)
{
	text_free(&complaints->sentence);
}
