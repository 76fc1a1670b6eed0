/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Where something is: the data of LOC records (RFC 1876).
 */
#include <config.h>

#include "cache/rdata_read.h"

#include <errno.h>
#include <stdio.h>

enum {
	DEGREE = 3600000, /* in thousandths of a second */
	MINUTE = 60000,
	GROUND = 10000000, /* how far below the reference altitudes begin, in centimetres */
};

/* Latitude and longitude count from here in both directions. */
static const uint32_t origin = 0x80000000;

/* Reads "12.34" with an optional unit after it (0 for none) as WHOLE * 10^PLACES. */
static bool
parse_decimal(const char *word, unsigned long max, unsigned places, char unit,
              unsigned long *out_value)
{
	char *end;
	const char *c;
	unsigned long value = strtoul(word, &end, 10);
	bool has_digits = end != word;

	c = end;
	if ((*c != '\0' && *c != '.' && *c != unit) || value > max)
		return false;
	if (*c == '.') {
		c++;
		for (; places > 0 && *c != '\0' && *c != unit; places--, c++) {
			if (*c < '0' || *c > '9')
				return false;
			value = value * 10 + (unsigned long)(*c - '0');
			has_digits = true;
		}
	}
	for (; places > 0; places--)
		value *= 10;
	if (*c != '\0' && *c == unit)
		c++;
	if (!has_digits || *c != '\0')
		return false;
	*out_value = value;
	return true;
}

/* A size in the form of RFC 1876: one digit, and the power of ten of centimetres. */
static bool
parse_size(const char *word, uint8_t *out_size)
{
	enum { SIZE_MAX_METRES = 90000000 };
	unsigned long size;
	unsigned power = 0;

	if (!parse_decimal(word, SIZE_MAX_METRES, 2, 'm', &size))
		return false;
	for (; size >= 10; size /= 10)
		power++;
	*out_size = (uint8_t)(size << 4 | power);
	return true;
}

static void
put_size(struct text *text, uint8_t size)
{
	unsigned long value = size >> 4;

	for (unsigned power = size & 15; power > 0; power--)
		value *= 10;
	text_putf(text, "%lu.%02lum", value / 100, value % 100);
}

/* Reads one of the two letters of DIRECTIONS. Returns 1; 0 when the token is something else,
 * which is then read again; or an error. */
static int
read_direction(struct reader *r, const struct field *field, const char *directions, char *out)
{
	struct span word;
	int result = reader_next(r, field, TOKENS_PLAIN);

	if (result < 0)
		return result;
	word = reader_word(r);
	if (word.len == 1 && (word.data[0] == directions[0] || word.data[0] == directions[1])) {
		*out = word.data[0];
		return 1;
	}
	tokens_back(&r->tokens);
	return 0;
}

struct coordinate {
	const char *directions; /* the positive one first */
	const char *out_of_range;
	unsigned long max;
};

static int
read_coordinate(struct reader *r, const struct field *field, const struct coordinate *c)
{
	static const struct field minutes_field = { NULL, "minutes", 59 };
	static const struct field seconds_field = { NULL, "seconds", 59 };
	struct field degrees_field = { NULL, field->name, (uint32_t)c->max };
	uint32_t degrees, minutes = 0;
	unsigned long seconds = 0, value;
	char direction = '\0';
	int result;

	result = reader_number(r, &degrees_field, &degrees);
	if (result < 0)
		return result;
	result = read_direction(r, field, c->directions, &direction);
	if (result == 0) {
		result = reader_number(r, &minutes_field, &minutes);
		if (result == 0)
			result = read_direction(r, field, c->directions, &direction);
	}
	if (result == 0) {
		result = reader_next(r, &seconds_field, TOKENS_PLAIN);
		if (result < 0)
			return result;
		if (!parse_decimal(text_str(&r->tokens.word), 59, 3, '\0', &seconds))
			return reader_refuse(r, &seconds_field, "a number from 0 to 59.999");
		result = read_direction(r, field, c->directions, &direction);
		if (result == 0)
			return reader_refuse_field(r, field, "has no direction (N, S, E or W)");
	}
	if (result < 0)
		return result;
	value = (unsigned long)degrees * DEGREE + (unsigned long)minutes * MINUTE + seconds;
	if (value > c->max * DEGREE)
		return reader_refuse_field(r, field, c->out_of_range);
	text_putf(reader_text(r), "%u %u %lu.%03lu %c", degrees, minutes, seconds / 1000,
	          seconds % 1000, direction);
	reader_put_u32(r, direction == c->directions[0] ? (uint32_t)(origin + value)
	                                                : (uint32_t)(origin - value));
	return 0;
}

static int
read_altitude(struct reader *r)
{
	static const struct field field = { NULL, "altitude", 0 };
	const char *word;
	unsigned long value;
	bool below;
	int result;

	result = reader_next(r, &field, TOKENS_PLAIN);
	if (result < 0)
		return result;
	word = text_str(&r->tokens.word);
	below = word[0] == '-';
	if (!parse_decimal(below ? word + 1 : word, below ? 100000 : 42849672, 2, 'm', &value) ||
	    value > (below ? GROUND : UINT32_MAX - GROUND))
		return reader_refuse(r, &field, "metres from -100000.00 to 42849672.95");
	text_putf(reader_text(r), "%s%lu.%02lum", below ? "-" : "", value / 100, value % 100);
	reader_put_u32(r, (uint32_t)(below ? GROUND - value : GROUND + value));
	return 0;
}

static int
read_location(struct reader *r, const struct field *field)
{
	static const struct field latitude_field = { NULL, "latitude", 0 };
	static const struct field longitude_field = { NULL, "longitude", 0 };
	static const struct coordinate latitude = { "NS", "must be at most 90 degrees", 90 };
	static const struct coordinate longitude = { "EW", "must be at most 180 degrees", 180 };
	static const struct field size_field = { NULL, "size or precision", 0 };
	/* 1 m large, known to 10 km horizontally and 10 m vertically. */
	uint8_t sizes[3] = { 0x12, 0x16, 0x13 };
	int result;

	(void)field;
	reader_put_u32(r, 0); /* version and sizes, which come last in the text */
	result = read_coordinate(r, &latitude_field, &latitude);
	if (result < 0)
		return result;
	result = read_coordinate(r, &longitude_field, &longitude);
	if (result < 0)
		return result;
	result = read_altitude(r);
	if (result < 0)
		return result;
	for (size_t i = 0; i < array_size(sizes); i++) {
		result = reader_next_or_end(r, &size_field, TOKENS_PLAIN);
		if (result < 0)
			return result;
		if (result == 0)
			break;
		if (!parse_size(text_str(&r->tokens.word), &sizes[i]))
			return reader_refuse(r, &size_field, "metres from 0.00 to 90000000.00");
	}
	if (text_failed(&r->out->wire))
		return -ENOMEM;
	memcpy(r->out->wire.data + 1, sizes, sizeof(sizes));
	for (size_t i = 0; i < array_size(sizes); i++)
		put_size(reader_text(r), sizes[i]);
	return 0;
}

static bool
is_size(unsigned char size)
{
	return size == 0 || ((size & 15) <= 9 && size >> 4 <= 9 && size >> 4 >= 1);
}

static uint32_t
u32_at(struct span octets, size_t at)
{
	const unsigned char *o = (const unsigned char *)octets.data + at;

	return (uint32_t)o[0] << 24 | (uint32_t)o[1] << 16 | (uint32_t)o[2] << 8 | o[3];
}

static bool
is_coordinate(uint32_t value, unsigned max)
{
	int64_t distance = (int64_t)value - (int64_t)origin;

	return distance >= -(int64_t)max * DEGREE && distance <= (int64_t)max * DEGREE;
}

static int
check_location(struct reader *r, const struct field *field, struct span *rest)
{
	struct span octets;
	int result;

	/* Versions of the future are let pass. */
	if (rest->len > 0 && rest->data[0] != 0)
		return reader_take(r, field, rest, rest->len, NULL);
	result = reader_take(r, field, rest, 16, &octets);
	if (result < 0)
		return result;
	for (size_t i = 1; i <= 3; i++)
		if (!is_size((unsigned char)octets.data[i]))
			return reader_refuse_field(r, field, "has an impossible size or precision");
	if (!is_coordinate(u32_at(octets, 4), 90) || !is_coordinate(u32_at(octets, 8), 180))
		return reader_refuse_field(r, field, "is out of range");
	return 0;
}

const struct field_kind field_location = { read_location, check_location };
