/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "postfix_map/maps.h"

#include "common/utf8.h"

#include <errno.h>

enum { NAME_SHOWN = 64 };

/* Whether eight octets are printable ASCII. */
static inline bool
is_plain(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101ULL, high = 0x80 * ones;
	uint64_t control, del;

	/* No octet borrows from the next: the high bits are set first, and only count where they were not. */
	control = ~((word | high) - 0x20 * ones);
	del = ~(((word ^ (0x7f * ones)) | high) - ones);
	return ((word | control | del) & high) == 0;
}

/* Postfix ends a value at a NUL, and says 451 for what is not UTF-8. */
static bool
is_printable(struct span s)
{
	uint64_t word;
	size_t i;

	for (i = 0; i + sizeof(word) <= s.len; i += sizeof(word)) {
		memcpy(&word, s.data + i, sizeof(word));
		if (!is_plain(word))
			break;
	}
	while (i < s.len && s.data[i] >= ' ' && s.data[i] < 0x7f)
		i++;
	if (i == s.len)
		return true;
	for (; i < s.len; i++)
		if ((unsigned char)s.data[i] < 0x20 || s.data[i] == 0x7f)
			return false;
	return utf8_is_valid(s);
}

static bool
is_list(enum mail_map map)
{
	return map == MAIL_VIRTUAL || map == MAIL_SENDER_LOGIN;
}

/* Length of the item at the beginning of S: up to a comma that stands outside of quotes. */
static size_t
item_length(struct span s)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < s.len && (quoted || s.data[i] != ','); i++) {
		if (s.data[i] == '"')
			quoted = !quoted;
		else if (s.data[i] == '\\' && i + 1 < s.len)
			i++;
	}
	return i;
}

static void
leave_out_unprintable(struct text *list)
{
	struct span rest = text_span(list);
	size_t kept = 0;

	while (rest.len > 0) {
		size_t n = item_length(rest);
		struct span item = span_from(rest.data, n);

		rest = span_skip(rest, n < rest.len ? n + 1 : n);
		if (n == 0 || !is_printable(item))
			continue;
		if (kept > 0)
			list->data[kept++] = ',';
		memmove(list->data + kept, item.data, n);
		kept += n;
	}
	list->len = kept;
}

enum maps_flaw
maps_reply(enum mail_map map, int r, struct text *value, const char *error, struct reply *out)
{
	enum maps_flaw flaw = MAPS_SOUND;

	if (r < 0) {
		bool too_long = r == -E2BIG;

		*out = (struct reply){ REPLY_LATER, too_long ? SPAN("the answer is too long") : span_of(error) };
		return too_long ? MAPS_TOO_LONG : MAPS_SOUND;
	}
	if (r > 0 && !is_printable(text_span(value))) {
		flaw = MAPS_UNPRINTABLE;
		if (is_list(map))
			leave_out_unprintable(value);
		else
			value->len = 0;
	}
	/* Postfix takes an empty value for a failure. */
	if (r == 0 || value->len == 0)
		*out = (struct reply){ REPLY_ABSENT, SPAN("") };
	else
		*out = (struct reply){ REPLY_FOUND, text_span(value) };
	return flaw;
}

void
maps_unknown(struct span name, struct text *sentence, struct reply *out)
{
	text_put(sentence, "there is no map \"");
	text_put_escaped(sentence, name, NAME_SHOWN);
	text_put(sentence, "\"; there are");
	for (unsigned map = 0; map < MAIL_MAPS; map++)
		text_putf(sentence, " %s", mail_map_name((enum mail_map)map));
	*out = (struct reply){ REPLY_NONSENSE, text_span(sentence) };
}
