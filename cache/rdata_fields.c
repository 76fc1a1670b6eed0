/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The kinds of field that many types share.
 */
#include <config.h>

#include "cache/rdata_read.h"

#include <errno.h>
#include <stdio.h>

/* Reads a number of WIDTH octets. */
static int
read_number(struct reader *r, const struct field *field, unsigned width)
{
	const uint32_t most = width == 4 ? UINT32_MAX : (1u << 8 * width) - 1;
	struct field limited = *field;
	uint32_t number;
	int result;

	if (limited.limit == 0)
		limited.limit = most;
	result = reader_number(r, &limited, &number);
	if (result < 0)
		return result;
	text_putf(reader_text(r), "%u", number);
	for (unsigned shift = 8 * width; shift > 0; shift -= 8)
		reader_put_u8(r, (uint8_t)(number >> (shift - 8)));
	return 0;
}

static int
read_u8(struct reader *r, const struct field *field)
{
	return read_number(r, field, 1);
}

int
reader_check_u8(struct reader *r, const struct field *field, struct span *rest)
{
	return reader_take(r, field, rest, 1, NULL);
}

const struct field_kind field_u8 = { read_u8, reader_check_u8 };

static int
read_u16(struct reader *r, const struct field *field)
{
	return read_number(r, field, 2);
}

int
reader_check_u16(struct reader *r, const struct field *field, struct span *rest)
{
	return reader_take(r, field, rest, 2, NULL);
}

const struct field_kind field_u16 = { read_u16, reader_check_u16 };

static int
read_u32(struct reader *r, const struct field *field)
{
	return read_number(r, field, 4);
}

int
reader_check_u32(struct reader *r, const struct field *field, struct span *rest)
{
	return reader_take(r, field, rest, 4, NULL);
}

const struct field_kind field_u32 = { read_u32, reader_check_u32 };

static int
read_name(struct reader *r, const struct field *field)
{
	return reader_read_name(r, field, TOKENS_PLAIN);
}

static int
check_name(struct reader *r, const struct field *field, struct span *rest)
{
	struct dname name;
	int n = dname_from_wire(*rest, &name);

	if (n < 0)
		return reader_refuse_field(r, field, "is no complete domain name");
	*rest = span_skip(*rest, (size_t)n);
	if (r->fold)
		dname_lower(&name);
	reader_put_octets(r, span_from(name.wire, name.len));
	return 0;
}

const struct field_kind field_name = { read_name, check_name };

/* SvcParams' target may be quoted, no other name may. */
static int
read_quoted_name(struct reader *r, const struct field *field)
{
	return reader_read_name(r, field, TOKENS_QUOTED);
}

const struct field_kind field_quoted_name = { read_quoted_name, check_name };

/* Appends the token last read as a string of at most 255 octets. */
static int
put_string(struct reader *r, const struct field *field)
{
	struct text *wire = &r->out->wire;
	size_t before = wire->len;
	size_t n;

	reader_put_u8(r, 0);
	if (!reader_decode_escapes(reader_word(r), wire))
		return reader_refuse(r, field, "free of incomplete escapes (\\DDD, 000 to 255)");
	if (text_failed(wire))
		return -ENOMEM;
	n = wire->len - before - 1;
	if (n > 255)
		return reader_refuse_field(r, field, "is over 255 octets");
	wire->data[before] = (char)n;
	reader_put_quoted(reader_text(r), span_from(wire->data + before + 1, n));
	return 0;
}

static int
read_string(struct reader *r, const struct field *field)
{
	int result = reader_next(r, field, TOKENS_QUOTED);

	return result < 0 ? result : put_string(r, field);
}

static int
check_string(struct reader *r, const struct field *field, struct span *rest)
{
	size_t n = rest->len > 0 ? 1 + (size_t)(unsigned char)rest->data[0] : 1;

	return reader_take(r, field, rest, n, NULL);
}

const struct field_kind field_string = { read_string, check_string };

static int
read_optional_string(struct reader *r, const struct field *field)
{
	int result = reader_next_or_end(r, field, TOKENS_QUOTED);

	return result <= 0 ? result : put_string(r, field);
}

static int
check_optional_string(struct reader *r, const struct field *field, struct span *rest)
{
	return rest->len > 0 ? check_string(r, field, rest) : 0;
}

const struct field_kind field_optional_string = { read_optional_string, check_optional_string };

static int
read_strings(struct reader *r, const struct field *field)
{
	size_t n = 0;
	int result;

	if (r->escaped_number_sign) {
		reader_put_octets(r, SPAN("\1#"));
		text_put(reader_text(r), "\"#\"");
		n++;
	}
	for (;; n++) {
		result = reader_next_or_end(r, field, TOKENS_QUOTED);
		if (result < 0)
			return result;
		if (result == 0)
			break;
		result = put_string(r, field);
		if (result < 0)
			return result;
	}
	return n > 0 ? 0 : reader_refuse_field(r, field, "is missing");
}

static int
check_strings(struct reader *r, const struct field *field, struct span *rest)
{
	int result;

	do {
		result = check_string(r, field, rest);
	} while (result == 0 && rest->len > 0);
	return result;
}

const struct field_kind field_strings = { read_strings, check_strings };

static bool
is_digits(struct span word)
{
	for (size_t i = 0; i < word.len; i++)
		if (word.data[i] < '0' || word.data[i] > '9')
			return false;
	return word.len >= 4;
}

static int
read_digits(struct reader *r, const struct field *field)
{
	int result = reader_next(r, field, TOKENS_QUOTED);

	if (result < 0)
		return result;
	if (!is_digits(reader_word(r)))
		return reader_refuse(r, field, "at least four digits");
	return put_string(r, field);
}

static int
check_digits(struct reader *r, const struct field *field, struct span *rest)
{
	struct span octets;
	int result;

	if (rest->len == 0 || rest->len != 1 + (size_t)(unsigned char)rest->data[0] ||
	    !is_digits(span_skip(*rest, 1)))
		return reader_refuse_field(r, field, "must be at least four digits");
	result = reader_take(r, field, rest, rest->len, &octets);
	return result;
}

const struct field_kind field_digits = { read_digits, check_digits };

static bool
is_alphanumeric(struct span word)
{
	for (size_t i = 0; i < word.len; i++) {
		char c = ascii_lower(word.data[i]);

		if ((c < '0' || c > '9') && (c < 'a' || c > 'z'))
			return false;
	}
	return word.len > 0 && word.len <= 255;
}

static int
read_tag(struct reader *r, const struct field *field)
{
	int result = reader_next(r, field, TOKENS_PLAIN);

	if (result < 0)
		return result;
	if (!is_alphanumeric(reader_word(r)))
		return reader_refuse(r, field, "1 to 255 letters and digits");
	reader_put_u8(r, (uint8_t)reader_word(r).len);
	reader_put_octets(r, reader_word(r));
	text_put_span(reader_text(r), reader_word(r));
	return 0;
}

static int
check_tag(struct reader *r, const struct field *field, struct span *rest)
{
	size_t n = rest->len > 0 ? (unsigned char)rest->data[0] : 0;

	if (n == 0 || rest->len < 1 + n || !is_alphanumeric(span_from(rest->data + 1, n)))
		return reader_refuse_field(r, field, "must be 1 to 255 letters and digits");
	return reader_take(r, field, rest, 1 + n, NULL);
}

const struct field_kind field_tag = { read_tag, check_tag };

static int
put_long_string(struct reader *r, const struct field *field)
{
	struct text *wire = &r->out->wire;
	size_t before = wire->len;

	if (!reader_decode_escapes(reader_word(r), wire))
		return reader_refuse(r, field, "free of incomplete escapes (\\DDD, 000 to 255)");
	if (text_failed(wire))
		return -ENOMEM;
	reader_put_quoted(reader_text(r), span_skip(text_span(wire), before));
	return 0;
}

static int
read_long_string(struct reader *r, const struct field *field)
{
	int result = reader_next(r, field, TOKENS_QUOTED);

	return result < 0 ? result : put_long_string(r, field);
}

int
reader_check_rest(struct reader *r, const struct field *field, struct span *rest)
{
	if (rest->len < field->limit)
		return reader_refuse_field(r, field, "is missing or too short");
	return reader_take(r, field, rest, rest->len, NULL);
}

const struct field_kind field_long_string = { read_long_string, reader_check_rest };

static int
read_quoted_uri(struct reader *r, const struct field *field)
{
	int result = reader_next(r, field, TOKENS_QUOTED);

	if (result < 0)
		return result;
	if (r->tokens.kind != TOKEN_QUOTED)
		return reader_refuse(r, field, "in quotes");
	return put_long_string(r, field);
}

const struct field_kind field_quoted_uri = { read_quoted_uri, reader_check_rest };

static int
check_ipv4(struct reader *r, const struct field *field, struct span *rest)
{
	return reader_take(r, field, rest, 4, NULL);
}

const struct field_kind field_ipv4 = { reader_read_ipv4, check_ipv4 };

static int
check_ipv6(struct reader *r, const struct field *field, struct span *rest)
{
	return reader_take(r, field, rest, 16, NULL);
}

const struct field_kind field_ipv6 = { reader_read_ipv6, check_ipv6 };

static int
read_hex(struct reader *r, const struct field *field)
{
	return reader_read_hex(r, field, -1);
}

const struct field_kind field_hex = { read_hex, reader_check_rest };
const struct field_kind field_base64 = { reader_read_base64, reader_check_rest };

enum { LOCATOR_GROUPS = 4 };

/* named lets a colon end the last group. */
static bool
decode_locator(struct span word, uint8_t out[2 * LOCATOR_GROUPS])
{
	for (size_t group = 0; group < LOCATOR_GROUPS; group++) {
		unsigned value = 0;
		size_t digits = 0;

		for (; digits < word.len && word.data[digits] != ':'; digits++) {
			int digit = reader_hex_digit(word.data[digits]);

			if (digit < 0 || digits == 4)
				return false;
			value = value << 4 | (unsigned)digit;
		}
		if (digits == 0)
			return false;
		out[2 * group] = (uint8_t)(value >> 8);
		out[2 * group + 1] = (uint8_t)value;
		word = span_skip(word, digits);
		if (word.len > 0)
			word = span_skip(word, 1);
		else if (group + 1 < LOCATOR_GROUPS)
			return false;
	}
	return word.len == 0;
}

static int
read_locator(struct reader *r, const struct field *field)
{
	uint8_t octets[2 * LOCATOR_GROUPS];
	int result = reader_next(r, field, TOKENS_PLAIN);

	if (result < 0)
		return result;
	if (!decode_locator(reader_word(r), octets))
		return reader_refuse(r, field, "four groups of hexadecimal digits (2001:db8:0:1)");
	text_putf(reader_text(r), "%x:%x:%x:%x", octets[0] << 8 | octets[1],
	          octets[2] << 8 | octets[3], octets[4] << 8 | octets[5], octets[6] << 8 | octets[7]);
	reader_put_octets(r, span_from(octets, sizeof(octets)));
	return 0;
}

static int
check_locator(struct reader *r, const struct field *field, struct span *rest)
{
	return reader_take(r, field, rest, 2 * LOCATOR_GROUPS, NULL);
}

const struct field_kind field_locator = { read_locator, check_locator };

enum { EUI_MAX = 8 };

static int
read_eui(struct reader *r, const struct field *field)
{
	static const char wanted[] = "pairs of hexadecimal digits with \"-\" between";
	unsigned parts[EUI_MAX];
	const char *word;
	struct text *text;
	int n, result;

	result = reader_next(r, field, TOKENS_PLAIN);
	if (result < 0)
		return result;
	word = text_str(&r->tokens.word);
	/* Read with the very call that named makes: it overlooks what follows the last pair. */
	if (field->limit == EUI_MAX)
		n = sscanf(word, "%2x-%2x-%2x-%2x-%2x-%2x-%2x-%2x", &parts[0], &parts[1], &parts[2],
		           &parts[3], &parts[4], &parts[5], &parts[6], &parts[7]);
	else
		n = sscanf(word, "%2x-%2x-%2x-%2x-%2x-%2x", &parts[0], &parts[1], &parts[2],
		           &parts[3], &parts[4], &parts[5]);
	if (n != (int)field->limit)
		return reader_refuse(r, field, wanted);
	text = reader_text(r);
	for (int i = 0; i < n; i++) {
		if (parts[i] > 255)
			return reader_refuse(r, field, wanted);
		text_putf(text, "%s%02x", i == 0 ? "" : "-", parts[i]);
		reader_put_u8(r, (uint8_t)parts[i]);
	}
	return 0;
}

static int
check_eui(struct reader *r, const struct field *field, struct span *rest)
{
	return reader_take(r, field, rest, field->limit, NULL);
}

const struct field_kind field_eui = { read_eui, check_eui };
