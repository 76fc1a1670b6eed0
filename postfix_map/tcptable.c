/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "postfix_map/tcptable.h"

#include <errno.h>

static bool
decode(struct span s, struct text *out)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];

		if (c == '%') {
			int high = s.len - i > 2 ? ascii_hex(s.data[i + 1]) : -1;
			int low = s.len - i > 2 ? ascii_hex(s.data[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		text_put_char(out, c);
	}
	return true;
}

static void
encode(struct text *out, struct span s)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];
		char quoted[3] = { '%', digits[c >> 4], digits[c & 15] };

		if (c <= 0x20 || c >= 0x7f || c == '%')
			text_put_span(out, span_from(quoted, sizeof(quoted)));
		else
			text_put_char(out, (char)c);
	}
}

enum tcptable_request
tcptable_request(struct span line, struct text *out_key)
{
	static const struct span get = { "get ", 4 }, put = { "put ", 4 };

	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	if (line.len >= put.len && memcmp(line.data, put.data, put.len) == 0)
		return TCPTABLE_PUT;
	if (line.len < get.len || memcmp(line.data, get.data, get.len) != 0)
		return TCPTABLE_NONSENSE;
	return decode(span_skip(line, get.len), out_key) ? TCPTABLE_GET : TCPTABLE_NONSENSE;
}

int
tcptable_put_reply(struct text *out, const struct reply *reply)
{
	static const char *const heads[REPLY_WORDS] = {
		[REPLY_FOUND] = "200 ",
		[REPLY_ABSENT] = "500 not found",
		[REPLY_LATER] = "400 ",
		[REPLY_NONSENSE] = "500 ",
	};
	size_t before = out->len;

	text_put(out, heads[reply->word]);
	if (reply->word != REPLY_ABSENT)
		encode(out, reply->text);
	text_put_char(out, '\n');
	if (text_failed(out) || out->len - before <= TCPTABLE_REPLY_MAX)
		return 0;
	out->len = before;
	out->data[before] = '\0';
	return -E2BIG;
}
