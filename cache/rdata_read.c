/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What every kind of field is built from: taking tokens and octets, refusing them with a sentence,
 * writing the normalised text and the wire form.
 */
#include <config.h>

#include "cache/rdata_read.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

/* The most of a bad token that is worth repeating. */
enum { SHOWN_MAX = 60 };

static void
put_shown(struct text *why, struct span word)
{
	bool cut = word.len > SHOWN_MAX;

	if (cut)
		word.len = SHOWN_MAX;
	text_put_char(why, '"');
	for (size_t i = 0; i < word.len; i++) {
		unsigned char c = (unsigned char)word.data[i];

		if (c < ' ' || c >= 0x7f)
			text_putf(why, "\\%03u", c);
		else
			text_put_char(why, (char)c);
	}
	text_put(why, cut ? "...\"" : "\"");
}

int
reader_refuse(struct reader *r, const struct field *field, const char *wanted)
{
	text_putf(r->why, "%s %s must be %s, not ", r->type_text, field->name, wanted);
	put_shown(r->why, reader_word(r));
	return -EINVAL;
}

int
reader_refuse_more(struct reader *r)
{
	text_putf(r->why, "%s data is complete before ", r->type_text);
	put_shown(r->why, reader_word(r));
	return -EINVAL;
}

int
reader_refuse_field(struct reader *r, const struct field *field, const char *sentence)
{
	text_putf(r->why, "%s %s %s", r->type_text, field->name, sentence);
	return -EINVAL;
}

int
reader_next_or_end(struct reader *r, const struct field *field, enum token_mode mode)
{
	int result = tokens_next(&r->tokens, mode, r->why);

	if (result < 0)
		return result;
	if (r->tokens.kind == TOKEN_STRAY)
		return reader_refuse_field(r, field, "must not be quoted");
	return r->tokens.kind != TOKEN_END;
}

int
reader_next(struct reader *r, const struct field *field, enum token_mode mode)
{
	int result = reader_next_or_end(r, field, mode);

	if (result == 0)
		return reader_refuse_field(r, field, "is missing");
	return result < 0 ? result : 0;
}

int
reader_number(struct reader *r, const struct field *field, uint32_t *out_number)
{
	char wanted[64];
	uint64_t number;
	int result = reader_next(r, field, TOKENS_PLAIN);

	if (result < 0)
		return result;
	if (span_to_u64(reader_word(r), field->limit, &number) < 0) {
		snprintf(wanted, sizeof(wanted), "a number from 0 to %u", field->limit);
		return reader_refuse(r, field, wanted);
	}
	*out_number = (uint32_t)number;
	return 0;
}

struct text *
reader_text(struct reader *r)
{
	if (r->out->text.len > 0)
		text_put_char(&r->out->text, ' ');
	return &r->out->text;
}

void
reader_put_quoted(struct text *text, struct span octets)
{
	text_put_char(text, '"');
	for (size_t i = 0; i < octets.len; i++) {
		unsigned char c = (unsigned char)octets.data[i];

		if (c < ' ' || c >= 0x7f) {
			text_putf(text, "\\%03u", c);
			continue;
		}
		if (c == '"' || c == '\\')
			text_put_char(text, '\\');
		text_put_char(text, (char)c);
	}
	text_put_char(text, '"');
}

void
reader_put_hex(struct text *text, struct span octets)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < octets.len; i++) {
		unsigned char c = (unsigned char)octets.data[i];

		text_put_char(text, digits[c >> 4]);
		text_put_char(text, digits[c & 15]);
	}
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
reader_put_base64(struct text *text, struct span octets)
{
	const unsigned char *in = (const unsigned char *)octets.data;

	for (size_t i = 0; i < octets.len; i += 3) {
		size_t n = octets.len - i < 3 ? octets.len - i : 3;
		unsigned bits = (unsigned)in[i] << 16;

		if (n > 1)
			bits |= (unsigned)in[i + 1] << 8;
		if (n > 2)
			bits |= in[i + 2];
		text_put_char(text, base64_digits[bits >> 18]);
		text_put_char(text, base64_digits[bits >> 12 & 63]);
		text_put_char(text, n > 1 ? base64_digits[bits >> 6 & 63] : '=');
		text_put_char(text, n > 2 ? base64_digits[bits & 63] : '=');
	}
}

void
reader_put_u8(struct reader *r, uint8_t number)
{
	text_put_char(&r->out->wire, (char)number);
}

void
reader_put_u16(struct reader *r, uint16_t number)
{
	reader_put_u8(r, (uint8_t)(number >> 8));
	reader_put_u8(r, (uint8_t)number);
}

void
reader_put_u32(struct reader *r, uint32_t number)
{
	reader_put_u16(r, (uint16_t)(number >> 16));
	reader_put_u16(r, (uint16_t)number);
}

void
reader_put_octets(struct reader *r, struct span octets)
{
	text_put_span(&r->out->wire, octets);
}

int
reader_take(struct reader *r, const struct field *field, struct span *rest, size_t n,
            struct span *out_octets)
{
	struct span octets;

	if (rest->len < n)
		return reader_refuse_field(r, field, "is cut short");
	octets = span_from(rest->data, n);
	*rest = span_skip(*rest, n);
	reader_put_octets(r, octets);
	if (out_octets != NULL)
		*out_octets = octets;
	return 0;
}

int
reader_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
reader_decode_hex(struct span word, struct text *out)
{
	if (word.len % 2 != 0)
		return false;
	for (size_t i = 0; i < word.len; i += 2) {
		int high = reader_hex_digit(word.data[i]);
		int low = reader_hex_digit(word.data[i + 1]);

		if (high < 0 || low < 0)
			return false;
		text_put_char(out, (char)(high << 4 | low));
	}
	return true;
}

static int
base64_digit(char c)
{
	const char *place = c != '\0' ? strchr(base64_digits, c) : NULL;

	return place != NULL ? (int)(place - base64_digits) : -1;
}

/* Every group of four is complete, padding only ends the last, unused bits are zero. */
bool
reader_decode_base64(struct span word, struct text *out)
{
	if (word.len % 4 != 0)
		return false;
	for (size_t i = 0; i < word.len; i += 4) {
		const char *group = word.data + i;
		size_t pad = group[3] != '=' ? 0 : group[2] != '=' ? 1 : 2;
		unsigned bits = 0;

		if (pad > 0 && i + 4 < word.len)
			return false;
		for (size_t n = 0; n < 4; n++) {
			int digit = n < 4 - pad ? base64_digit(group[n]) : 0;

			if (digit < 0)
				return false;
			bits = bits << 6 | (unsigned)digit;
		}
		if ((pad == 1 && (bits & 0xff) != 0) || (pad == 2 && (bits & 0xffff) != 0))
			return false;
		text_put_char(out, (char)(bits >> 16));
		if (pad < 2)
			text_put_char(out, (char)(bits >> 8));
		if (pad < 1)
			text_put_char(out, (char)bits);
	}
	return true;
}

bool
reader_decode_escapes(struct span word, struct text *out)
{
	for (size_t i = 0; i < word.len; i++) {
		char c = word.data[i];
		unsigned value = 0;

		if (c != '\\') {
			text_put_char(out, c);
			continue;
		}
		if (++i == word.len)
			return false;
		c = word.data[i];
		if (c < '0' || c > '9') {
			text_put_char(out, c);
			continue;
		}
		if (word.len - i < 3)
			return false;
		for (size_t end = i + 3; i < end; i++) {
			c = word.data[i];
			if (c < '0' || c > '9')
				return false;
			value = value * 10 + (unsigned)(c - '0');
		}
		i--;
		if (value > 255)
			return false;
		text_put_char(out, (char)value);
	}
	return true;
}

/* Appends the words up to the end of the line to ALL, or fewer when DONE says that is all. */
static int
gather(struct reader *r, const struct field *field, struct text *all,
       bool (*done)(const struct text *all, size_t wanted), size_t wanted)
{
	int result;

	while (!done(all, wanted)) {
		result = reader_next_or_end(r, field, TOKENS_PLAIN);
		if (result <= 0)
			return result;
		text_put_span(all, reader_word(r));
	}
	return 0;
}

static bool
has_digits(const struct text *all, size_t wanted)
{
	return all->len >= wanted;
}

static bool
ends_in_padding(const struct text *all, size_t wanted)
{
	(void)wanted;
	/* Padding completes a group; what follows it is a token too many. */
	return all->len > 0 && all->len % 4 == 0 && all->data[all->len - 1] == '=';
}

int
reader_read_hex(struct reader *r, const struct field *field, int length)
{
	cleanup(text_free) struct text all = TEXT_INIT;
	size_t before = r->out->wire.len;
	char sentence[64];
	int result;

	result = gather(r, field, &all, has_digits, length < 0 ? SIZE_MAX : 2 * (size_t)length);
	if (result < 0)
		return result;
	if (!reader_decode_hex(text_span(&all), &r->out->wire))
		return reader_refuse_field(r, field, "must be pairs of hexadecimal digits");
	if (length >= 0 && r->out->wire.len - before != (size_t)length) {
		snprintf(sentence, sizeof(sentence), "must be %d octets in hexadecimal", length);
		return reader_refuse_field(r, field, sentence);
	}
	if (r->out->wire.len - before < field->limit)
		return reader_refuse_field(r, field, all.len == 0 ? "is missing" : "is too short");
	if (all.len > 0)
		reader_put_hex(reader_text(r),
		               span_from(r->out->wire.data + before, r->out->wire.len - before));
	return 0;
}

int
reader_read_base64(struct reader *r, const struct field *field)
{
	cleanup(text_free) struct text all = TEXT_INIT;
	size_t before = r->out->wire.len;
	int result;

	result = gather(r, field, &all, ends_in_padding, 0);
	if (result < 0)
		return result;
	if (!reader_decode_base64(text_span(&all), &r->out->wire))
		return reader_refuse_field(r, field, "must be base64");
	if (r->out->wire.len - before < field->limit)
		return reader_refuse_field(r, field, "is missing");
	if (all.len > 0)
		reader_put_base64(reader_text(r),
		                  span_from(r->out->wire.data + before, r->out->wire.len - before));
	return 0;
}

/* The final dot is one that no backslash escapes. */
static bool
is_absolute(struct span word)
{
	size_t backslashes = 0;

	if (word.len == 0 || word.data[word.len - 1] != '.')
		return false;
	while (backslashes + 1 < word.len && word.data[word.len - 2 - backslashes] == '\\')
		backslashes++;
	return backslashes % 2 == 0;
}

int
reader_read_name(struct reader *r, const struct field *field, enum token_mode mode)
{
	struct dname name, bare;
	struct text *text;
	struct span word;
	int result;

	result = reader_next(r, field, mode);
	if (result < 0)
		return result;
	word = reader_word(r);
	result = dname_from_text(word, r->origin, &name);
	if (result == -ENAMETOOLONG)
		return reader_refuse_field(r, field, "is a name over 255 octets");
	if (result < 0)
		return reader_refuse(r, field, "a domain name");
	text = reader_text(r);
	r->needs_origin |= !is_absolute(word);
	if (span_is(word, SPAN("@"))) {
		text_put_char(text, '@');
	} else if (is_absolute(word)) {
		dname_put_text(text, &name);
	} else {
		result = dname_from_text(word, NULL, &bare);
		if (result < 0)
			return result;
		dname_put_labels(text, &bare, DNAME_LABELS_MAX);
		if (bare.len - 1 > r->out->relative)
			r->out->relative = (uint8_t)(bare.len - 1);
	}
	if (r->fold)
		dname_lower(&name);
	reader_put_octets(r, span_from(name.wire, name.len));
	return 0;
}

static int
read_address(struct reader *r, const struct field *field, int family, size_t n, const char *wanted)
{
	char address[sizeof(struct in6_addr)];
	char shown[INET6_ADDRSTRLEN];
	int result;

	result = reader_next(r, field, TOKENS_PLAIN);
	if (result < 0)
		return result;
	if (inet_pton(family, text_str(&r->tokens.word), address) != 1)
		return reader_refuse(r, field, wanted);
	if (inet_ntop(family, address, shown, sizeof(shown)) == NULL)
		return -errno;
	text_put(reader_text(r), shown);
	reader_put_octets(r, span_from(address, n));
	return 0;
}

int
reader_read_ipv4(struct reader *r, const struct field *field)
{
	return read_address(r, field, AF_INET, 4, "an IPv4 address (192.0.2.1)");
}

int
reader_read_ipv6(struct reader *r, const struct field *field)
{
	return read_address(r, field, AF_INET6, 16, "an IPv6 address (2001:db8::1)");
}
