/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "agent/imap.h"

#include "common/utf8.h"

#include <errno.h>

enum { QUOTED_MAX = 1000 };

/* --- responses -------------------------------------------------------------------------------------------------------- */

/* The literal that a line ends with ("{123}", "{123+}"): 1 and its octets, 0 when there is none, -EMSGSIZE. */
static int
literal_of(struct span line, size_t *out_octets)
{
	size_t end = line.len, begin;
	uint64_t octets;

	if (end < 3 || line.data[end - 1] != '}')
		return 0;
	end--;
	if (line.data[end - 1] == '+')
		end--;
	for (begin = end; begin > 0 && line.data[begin - 1] >= '0' && line.data[begin - 1] <= '9';)
		begin--;
	if (begin == end || begin == 0 || line.data[begin - 1] != '{')
		return 0;
	if (span_to_u64(span_from(line.data + begin, end - begin), IMAP_RESPONSE_MAX, &octets) < 0)
		return -EMSGSIZE;
	*out_octets = (size_t)octets;
	return 1;
}

/* The line at AT: 1 with its length and where the next one begins. */
static int
line_at(struct span input, size_t at, size_t *out_len, size_t *out_next)
{
	const char *feed = memchr(input.data + at, '\n', input.len - at);
	size_t end;

	if (feed == NULL)
		return input.len - at > IMAP_RESPONSE_MAX ? -EMSGSIZE : 0;
	end = (size_t)(feed - input.data);
	*out_next = end + 1;
	if (end > at && input.data[end - 1] == '\r')
		end--;
	*out_len = end - at;
	return memchr(input.data + at, '\0', *out_len) != NULL ? -EBADMSG : 1;
}

static int
split_tag(struct span whole, struct imap_response *out)
{
	const char *blank = memchr(whole.data, ' ', whole.len);
	size_t n = blank != NULL ? (size_t)(blank - whole.data) : whole.len;

	/* "+" may stand alone. */
	if (n == 0 || (blank == NULL && !span_is(whole, SPAN("+"))))
		return -EBADMSG;
	out->tag = span_from(whole.data, n);
	out->rest = span_skip(whole, blank != NULL ? n + 1 : n);
	out->kind = span_is(out->tag, SPAN("*")) ? IMAP_UNTAGGED : span_is(out->tag, SPAN("+")) ? IMAP_CONTINUE : IMAP_TAGGED;
	return 1;
}

int
imap_take(struct span input, struct imap_response *out)
{
	struct imap_response response = { .taken = 0 };
	size_t at = 0, len, next, octets;
	int r;

	for (;;) {
		r = line_at(input, at, &len, &next);
		if (r <= 0)
			return r;
		r = literal_of(span_from(input.data + at, len), &octets);
		if (r < 0)
			return r;
		if (r == 0)
			break;
		at = next + octets;
		if (at > IMAP_RESPONSE_MAX)
			return -EMSGSIZE;
		if (at > input.len)
			return 0;
	}
	r = split_tag(span_from(input.data, at + len), &response);
	if (r < 0)
		return r;
	response.taken = next;
	*out = response;
	return 1;
}

/* --- status ----------------------------------------------------------------------------------------------------------- */

void
imap_status(struct span rest, struct imap_status *out)
{
	static const struct {
		struct span word;
		enum imap_condition condition;
	} words[] = {
		{ SPAN("OK"), IMAP_OK },           { SPAN("NO"), IMAP_NO },   { SPAN("BAD"), IMAP_BAD },
		{ SPAN("PREAUTH"), IMAP_PREAUTH }, { SPAN("BYE"), IMAP_BYE },
	};
	struct span word;
	const char *end;

	*out = (struct imap_status){ IMAP_NONE, SPAN(""), SPAN("") };
	if (!span_next_word(&rest, &word))
		return;
	for (size_t i = 0; i < array_size(words); i++)
		if (span_is_nocase(word, words[i].word))
			out->condition = words[i].condition;
	if (out->condition == IMAP_NONE)
		return;
	rest = span_trim(rest);
	end = rest.len > 0 && rest.data[0] == '[' ? memchr(rest.data, ']', rest.len) : NULL;
	if (end != NULL) {
		out->code = span_from(rest.data + 1, (size_t)(end - rest.data) - 1);
		rest = span_trim(span_skip(rest, out->code.len + 2));
	}
	out->text = rest;
}

bool
imap_code_is(const struct imap_status *status, const char *name)
{
	struct span code = status->code, word;

	return span_next_word(&code, &word) && span_is_nocase(word, span_of(name));
}

/* --- data ------------------------------------------------------------------------------------------------------------- */

static int
next_quoted(struct span *rest, struct imap_token *out)
{
	size_t i = 1;

	while (i < rest->len && rest->data[i] != '"')
		i += rest->data[i] == '\\' ? 2 : 1;
	if (i >= rest->len)
		return -EBADMSG;
	out->kind = IMAP_QUOTED;
	out->value = span_from(rest->data + 1, i - 1);
	*rest = span_skip(*rest, i + 1);
	return 1;
}

static int
next_literal(struct span *rest, struct imap_token *out)
{
	const char *feed = memchr(rest->data, '\n', rest->len);
	size_t n = feed != NULL ? (size_t)(feed - rest->data) : 0, octets, line = n;

	if (line > 0 && rest->data[line - 1] == '\r')
		line--;
	if (feed == NULL || literal_of(span_from(rest->data, line), &octets) != 1 || octets > rest->len - n - 1)
		return -EBADMSG;
	out->kind = IMAP_LITERAL;
	out->value = span_from(feed + 1, octets);
	*rest = span_skip(*rest, n + 1 + octets);
	return 1;
}

static int
next_atom(struct span *rest, struct imap_token *out)
{
	size_t n = 0, depth = 0;

	/* "BODY[HEADER (x)]" is one. */
	while (n < rest->len && (depth > 0 || strchr(" ()\"{\r\n", rest->data[n]) == NULL)) {
		depth += rest->data[n] == '[';
		depth -= rest->data[n] == ']' && depth > 0;
		n++;
	}
	if (n == 0)
		return -EBADMSG;
	out->value = span_from(rest->data, n);
	out->kind = span_is_nocase(out->value, SPAN("NIL")) ? IMAP_NIL : IMAP_ATOM;
	*rest = span_skip(*rest, n);
	return 1;
}

int
imap_next(struct span *rest, struct imap_token *out)
{
	while (rest->len > 0 && rest->data[0] == ' ')
		*rest = span_skip(*rest, 1);
	if (rest->len == 0)
		return 0;
	switch (rest->data[0]) {
	case '(':
	case ')':
		out->kind = rest->data[0] == '(' ? IMAP_OPEN : IMAP_CLOSE;
		out->value = span_from(rest->data, 1);
		*rest = span_skip(*rest, 1);
		return 1;
	case '"':
		return next_quoted(rest, out);
	case '{':
		return next_literal(rest, out);
	default:
		return next_atom(rest, out);
	}
}

bool
imap_is_atom(const struct imap_token *token, const char *name)
{
	return token->kind == IMAP_ATOM && span_is_nocase(token->value, span_of(name));
}

void
imap_put_value(struct text *out, const struct imap_token *token)
{
	if (token->kind != IMAP_QUOTED) {
		text_put_span(out, token->value);
		return;
	}
	for (size_t i = 0; i < token->value.len; i++) {
		if (token->value.data[i] == '\\' && i + 1 < token->value.len)
			i++;
		text_put_char(out, token->value.data[i]);
	}
}

/* --- commands --------------------------------------------------------------------------------------------------------- */

bool
imap_put_quoted(struct text *out, struct span string)
{
	if (string.len > QUOTED_MAX)
		return false;
	for (size_t i = 0; i < string.len; i++)
		if ((unsigned char)string.data[i] >= 0x80 || string.data[i] == '\0' || string.data[i] == '\r' || string.data[i] == '\n')
			return false;
	text_put_char(out, '"');
	for (size_t i = 0; i < string.len; i++) {
		if (string.data[i] == '"' || string.data[i] == '\\')
			text_put_char(out, '\\');
		text_put_char(out, string.data[i]);
	}
	text_put_char(out, '"');
	return true;
}

/* The next code point of valid UTF-8. */
static uint32_t
next_point(struct span *rest)
{
	const unsigned char *p = (const unsigned char *)rest->data;
	unsigned more = p[0] < 0x80 ? 0 : p[0] < 0xe0 ? 1 : p[0] < 0xf0 ? 2 : 3;
	uint32_t point = more == 0 ? p[0] : p[0] & (0x3fU >> more);

	for (unsigned i = 1; i <= more; i++)
		point = point << 6 | (p[i] & 0x3fU);
	*rest = span_skip(*rest, more + 1);
	return point;
}

/* Bits that are not yet a whole digit of base64. */
struct base64 {
	struct text *out;
	uint32_t bits;
	unsigned count;
};

static void
put_bits(struct base64 *b, uint32_t bits, unsigned count)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

	b->bits = b->bits << count | bits;
	b->count += count;
	while (b->count >= 6) {
		b->count -= 6;
		text_put_char(b->out, digits[b->bits >> b->count & 63]);
	}
}

/* In UTF-16. */
static void
put_point(struct base64 *b, uint32_t point)
{
	if (point >= 0x10000) {
		put_bits(b, 0xd800 + ((point - 0x10000) >> 10), 16);
		point = 0xdc00 + ((point - 0x10000) & 0x3ff);
	}
	put_bits(b, point, 16);
}

int
imap_put_utf7(struct text *out, struct span name)
{
	struct base64 b = { out, 0, 0 };
	bool shifted = false;

	if (!utf8_is_valid(name))
		return -EINVAL;
	while (name.len > 0) {
		uint32_t point = next_point(&name);
		bool plain = point >= 0x20 && point < 0x7f;

		if (shifted && plain) {
			put_bits(&b, 0, b.count > 0 ? 6 - b.count : 0);
			text_put_char(out, '-');
			shifted = false;
		} else if (!shifted && !plain) {
			text_put_char(out, '&');
			b = (struct base64){ out, 0, 0 };
			shifted = true;
		}
		if (shifted) {
			put_point(&b, point);
			continue;
		}
		text_put_char(out, (char)point);
		if (point == '&')
			text_put_char(out, '-');
	}
	if (shifted) {
		put_bits(&b, 0, b.count > 0 ? 6 - b.count : 0);
		text_put_char(out, '-');
	}
	return 0;
}
