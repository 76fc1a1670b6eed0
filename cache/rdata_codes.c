/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Fields that are numbers in the record and may be words in its text: algorithms, record types,
 * dates, key flags. Numbers are what the normalised text carries: every named knows them.
 */
#include <config.h>

#include "cache/rdata_read.h"
#include "cache/rrtype.h"

#include <errno.h>

struct code {
	const char *text;
	unsigned number;
};

static const struct code algorithms[] = {
	{ "RSAMD5", 1 },
	{ "DH", 2 },
	{ "DSA", 3 },
	{ "RSASHA1", 5 },
	{ "NSEC3DSA", 6 },
	{ "NSEC3RSASHA1", 7 },
	{ "RSASHA256", 8 },
	{ "RSASHA512", 10 },
	{ "ECCGOST", 12 },
	{ "ECDSAP256SHA256", 13 },
	{ "ECDSA256", 13 },
	{ "ECDSAP384SHA384", 14 },
	{ "ECDSA384", 14 },
	{ "ED25519", 15 },
	{ "ED448", 16 },
	{ "INDIRECT", 252 },
	{ "PRIVATEDNS", 253 },
	{ "PRIVATEOID", 254 },
	{ NULL, 0 },
};

static const struct code digest_types[] = {
	{ "SHA-1", 1 }, { "SHA1", 1 },    { "SHA-256", 2 }, { "SHA256", 2 },
	{ "GOST", 3 },  { "SHA-384", 4 }, { "SHA384", 4 },  { NULL, 0 },
};

static const struct code cert_types[] = {
	{ "PKIX", 1 },   { "SPKI", 2 },    { "PGP", 3 },   { "IPKIX", 4 }, { "ISPKI", 5 }, { "IPGP", 6 },
	{ "ACPKIX", 7 }, { "IACPKIX", 8 }, { "URI", 253 }, { "OID", 254 }, { NULL, 0 },
};

static const struct code protocols[] = {
	{ "NONE", 0 },   { "TLS", 1 },   { "EMAIL", 2 }, { "DNSSEC", 3 },
	{ "IPSEC", 4 },  { "ALL", 255 }, { NULL, 0 },
};

static const struct code hash_algorithms[] = { { "SHA-1", 1 }, { NULL, 0 } };

static const struct code sync_schemes[] = { { "NOTIFY", 1 }, { NULL, 0 } };

/* named looks at numbers of at most twelve characters. */
enum { NUMBER_WORD_MAX = 12 };

int
reader_parse_number(struct span word, int base, uint32_t max, uint32_t *out_number)
{
	char digits[NUMBER_WORD_MAX + 1];
	unsigned long number;
	char *end;

	if (word.len == 0 || word.len > NUMBER_WORD_MAX || word.data[0] < '0' || word.data[0] > '9')
		return -EINVAL;
	memcpy(digits, word.data, word.len);
	digits[word.len] = '\0';
	number = strtoul(digits, &end, base);
	if (*end != '\0')
		return -EINVAL;
	if (number > max)
		return -ERANGE;
	*out_number = (uint32_t)number;
	return 0;
}

static bool
parse_code(struct span word, const struct code *codes, uint32_t max, uint32_t *out_number)
{
	int result = reader_parse_number(word, 10, max, out_number);

	if (result != -EINVAL)
		return result == 0;
	for (; codes->text != NULL; codes++) {
		if (span_is_nocase(word, span_of(codes->text))) {
			*out_number = codes->number;
			return true;
		}
	}
	return false;
}

/* Reads a code and puts it into the text, not yet into the wire form. */
static int
read_code(struct reader *r, const struct field *field, const struct code *codes, uint32_t max,
          const char *wanted, uint32_t *out_number)
{
	int result = reader_next(r, field, TOKENS_PLAIN);

	if (result < 0)
		return result;
	if (!parse_code(reader_word(r), codes, max, out_number))
		return reader_refuse(r, field, wanted);
	text_putf(reader_text(r), "%u", *out_number);
	return 0;
}

static int
read_short_code(struct reader *r, const struct field *field, const struct code *codes,
                const char *wanted)
{
	uint32_t number;
	int result = read_code(r, field, codes, UINT8_MAX, wanted, &number);

	if (result == 0)
		reader_put_u8(r, (uint8_t)number);
	return result;
}

int
reader_algorithm(struct reader *r, const struct field *field, uint32_t *out_number)
{
	return read_code(r, field, algorithms, UINT8_MAX,
	                 "an algorithm number or name (13, ECDSAP256SHA256)", out_number);
}

int
reader_protocol(struct reader *r, const struct field *field, uint32_t *out_number)
{
	return read_code(r, field, protocols, UINT8_MAX,
	                 "a protocol number or name (3, DNSSEC)", out_number);
}

int
reader_digest_type(struct reader *r, const struct field *field, uint32_t *out_number)
{
	return read_code(r, field, digest_types, UINT8_MAX,
	                 "a digest type number or name (2, SHA-256)", out_number);
}

static int
read_algorithm(struct reader *r, const struct field *field)
{
	uint32_t number;
	int result = reader_algorithm(r, field, &number);

	if (result == 0)
		reader_put_u8(r, (uint8_t)number);
	return result;
}

const struct field_kind field_algorithm = { read_algorithm, reader_check_u8 };

static int
read_cert_type(struct reader *r, const struct field *field)
{
	uint32_t number;
	int result = read_code(r, field, cert_types, UINT16_MAX,
	                       "a certificate type number or name (1, PKIX)", &number);

	if (result == 0)
		reader_put_u16(r, (uint16_t)number);
	return result;
}

const struct field_kind field_cert_type = { read_cert_type, reader_check_u16 };

static int
read_hash_algorithm(struct reader *r, const struct field *field)
{
	return read_short_code(r, field, hash_algorithms, "a number from 0 to 255 or SHA-1");
}

const struct field_kind field_hash_algorithm = { read_hash_algorithm, reader_check_u8 };

static int
read_sync_scheme(struct reader *r, const struct field *field)
{
	return read_short_code(r, field, sync_schemes, "a number from 0 to 255 or NOTIFY");
}

const struct field_kind field_sync_scheme = { read_sync_scheme, reader_check_u8 };

/* A mnemonic, TYPE731 or a bare number. */
static int
read_type(struct reader *r, const struct field *field)
{
	char room[RRTYPE_TEXT_MAX];
	uint16_t type;
	int result = reader_next(r, field, TOKENS_PLAIN);

	if (result < 0)
		return result;
	if (rrtype_from_text(reader_word(r), &type) < 0) {
		char *end;
		long number = strtol(text_str(&r->tokens.word), &end, 10);

		if (*end != '\0' || number < 0 || number > UINT16_MAX)
			return reader_refuse(r, field, "a record type");
		type = (uint16_t)number;
	}
	text_put(reader_text(r), rrtype_text(type, room));
	reader_put_u16(r, type);
	return 0;
}

const struct field_kind field_type = { read_type, reader_check_u16 };

/* Reads "1w2d" or plain seconds as named reads the times of a SOA. */
static bool
parse_period(struct span word, uint32_t *out_seconds)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} units[] = { { 'w', 604800 }, { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };
	enum { PERIOD_WORD_MAX = 63 };
	uint64_t total = 0;

	if (word.len == 0 || word.len > PERIOD_WORD_MAX)
		return false;
	while (word.len > 0) {
		size_t digits = 0;
		uint64_t number;
		size_t i = 0;

		while (digits < word.len && word.data[digits] >= '0' && word.data[digits] <= '9')
			digits++;
		if (span_to_u64(span_from(word.data, digits), UINT32_MAX, &number) < 0)
			return false;
		word = span_skip(word, digits);
		if (word.len == 0) {
			/* A number without a unit stands alone. */
			if (total != 0)
				return false;
			total = number;
			break;
		}
		while (i < array_size(units) && units[i].unit != ascii_lower(word.data[0]))
			i++;
		if (i == array_size(units))
			return false;
		total += number * units[i].seconds;
		word = span_skip(word, 1);
	}
	if (total > UINT32_MAX)
		return false;
	*out_seconds = (uint32_t)total;
	return true;
}

int
reader_period(struct reader *r, const struct field *field, uint32_t *out_seconds)
{
	int result = reader_next(r, field, TOKENS_PLAIN);

	if (result < 0)
		return result;
	if (!parse_period(reader_word(r), out_seconds))
		return reader_refuse(r, field, "seconds, or weeks to seconds such as 1w2d3h4m5s");
	return 0;
}

static int
read_period(struct reader *r, const struct field *field)
{
	uint32_t seconds;
	int result = reader_period(r, field, &seconds);

	if (result < 0)
		return result;
	text_putf(reader_text(r), "%u", seconds);
	reader_put_u32(r, seconds);
	return 0;
}

const struct field_kind field_period = { read_period, reader_check_u32 };

static bool
is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
days_in(int month, int year)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1970-01-01 to the first of January of YEAR, in the proleptic Gregorian calendar. */
static int64_t
days_to(int year)
{
	/* Leap days are counted up to the end of the year before; 400 years keep it positive. */
	int past = year + 399;

	return (int64_t)365 * (year - 1970) + past / 4 - past / 100 + past / 400 -
	       (2369 / 4 - 2369 / 100 + 2369 / 400);
}

/* Reads YYYYMMDDHHMMSS; seconds since 1970 modulo 2^32, as signatures carry them. */
static bool
parse_date(struct span word, uint32_t *out_seconds)
{
	static const size_t widths[] = { 4, 2, 2, 2, 2, 2 };
	int parts[array_size(widths)];
	int64_t day;

	if (word.len != 14)
		return false;
	for (size_t i = 0; i < array_size(widths); i++) {
		uint64_t number;

		if (span_to_u64(span_from(word.data, widths[i]), 9999, &number) < 0)
			return false;
		parts[i] = (int)number;
		word = span_skip(word, widths[i]);
	}
	if (parts[1] < 1 || parts[1] > 12 || parts[2] < 1 || parts[2] > days_in(parts[1], parts[0]) ||
	    parts[3] > 23 || parts[4] > 59 || parts[5] > 60)
		return false;
	day = days_to(parts[0]) + parts[2] - 1;
	for (int month = 1; month < parts[1]; month++)
		day += days_in(month, parts[0]);
	*out_seconds = (uint32_t)(day * 86400 + parts[3] * 3600 + parts[4] * 60 + parts[5]);
	return true;
}

static void
put_date(struct text *text, uint32_t seconds)
{
	int day = (int)(seconds / 86400);
	int year = 1970, month = 1;

	seconds %= 86400;
	while (day >= (is_leap(year) ? 366 : 365))
		day -= is_leap(year++) ? 366 : 365;
	while (day >= days_in(month, year))
		day -= days_in(month++, year);
	text_putf(text, "%04d%02d%02d%02u%02u%02u", year, month, day + 1, seconds / 3600,
	          seconds / 60 % 60, seconds % 60);
}

static int
put_moment(struct reader *r, uint32_t seconds)
{
	put_date(reader_text(r), seconds);
	reader_put_u32(r, seconds);
	return 0;
}

static int
read_date(struct reader *r, const struct field *field)
{
	uint32_t seconds;
	int result = reader_next(r, field, TOKENS_PLAIN);

	if (result < 0)
		return result;
	if (!parse_date(reader_word(r), &seconds))
		return reader_refuse(r, field, "a date such as 20301231235959");
	return put_moment(r, seconds);
}

const struct field_kind field_date = { read_date, reader_check_u32 };

/* RRSIG takes seconds since 1970 too. */
static int
read_moment(struct reader *r, const struct field *field)
{
	static const char wanted[] = "a date such as 20301231235959, or seconds since 1970";
	struct span word;
	uint32_t seconds;
	unsigned long number;
	char *end;
	int result;

	result = reader_next(r, field, TOKENS_PLAIN);
	if (result < 0)
		return result;
	word = reader_word(r);
	if (word.len <= 10 && word.data[0] != '-' && word.data[0] != '+') {
		number = strtoul(word.data, &end, 10);
		if (*end != '\0' || number > UINT32_MAX)
			return reader_refuse(r, field, wanted);
		return put_moment(r, (uint32_t)number);
	}
	if (!parse_date(word, &seconds))
		return reader_refuse(r, field, wanted);
	return put_moment(r, seconds);
}

const struct field_kind field_moment = { read_moment, reader_check_u32 };

/* The bit map of all types, as NSEC has it (RFC 4034 4.1.2). */
enum { TYPE_MAP = 8192, WINDOW = 32 };

static void
put_types(struct text *text, const uint8_t *map, size_t n, unsigned first_type)
{
	char room[RRTYPE_TEXT_MAX];

	for (size_t i = 0; i < n; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			if ((map[i] & 0x80 >> bit) == 0)
				continue;
			if (text->len > 0)
				text_put_char(text, ' ');
			text_put(text,
			         rrtype_text((uint16_t)(first_type + 8 * i + bit), room));
		}
	}
}

static int
read_types(struct reader *r, const struct field *field)
{
	uint8_t map[TYPE_MAP] = { 0 };
	size_t count = 0;
	uint16_t type;
	int result;

	for (;; count++) {
		result = reader_next_or_end(r, field, TOKENS_PLAIN);
		if (result < 0)
			return result;
		if (result == 0)
			break;
		if (rrtype_from_text(reader_word(r), &type) < 0)
			return reader_refuse(r, field, "record types");
		map[type / 8] |= (uint8_t)(0x80 >> type % 8);
	}
	if (count < field->limit)
		return reader_refuse_field(r, field, "are missing");
	for (size_t window = 0; window < TYPE_MAP / WINDOW; window++) {
		const uint8_t *part = map + window * WINDOW;
		size_t n = WINDOW;

		while (n > 0 && part[n - 1] == 0)
			n--;
		if (n == 0)
			continue;
		reader_put_u8(r, (uint8_t)window);
		reader_put_u8(r, (uint8_t)n);
		reader_put_octets(r, span_from(part, n));
		put_types(&r->out->text, part, n, (unsigned)(window * 256));
	}
	return 0;
}

static int
check_types(struct reader *r, const struct field *field, struct span *rest)
{
	int last = -1;
	int result;

	if (rest->len == 0 && field->limit > 0)
		return reader_refuse_field(r, field, "are missing");
	while (rest->len > 0) {
		int window = (unsigned char)rest->data[0];
		size_t n = rest->len > 1 ? (unsigned char)rest->data[1] : 0;
		struct span part;

		if (window <= last || n < 1 || n > WINDOW)
			return reader_refuse_field(r, field, "are no valid type bit map");
		result = reader_take(r, field, rest, 2 + n, &part);
		if (result < 0)
			return result;
		if (part.data[part.len - 1] == 0)
			return reader_refuse_field(r, field, "end a bit map with zero bits");
		last = window;
	}
	return 0;
}

const struct field_kind field_types = { read_types, check_types };

/* NXT's map has no windows and ends at type 127. */
static int
read_old_types(struct reader *r, const struct field *field)
{
	uint8_t map[16] = { 0 };
	size_t n = sizeof(map);
	int result;

	for (;;) {
		uint16_t type;
		char *end;
		long number;

		result = reader_next_or_end(r, field, TOKENS_PLAIN);
		if (result < 0)
			return result;
		if (result == 0)
			break;
		number = strtol(text_str(&r->tokens.word), &end, 10);
		if (*end == '\0' && end != r->tokens.word.data)
			type = (uint16_t)number; /* named cuts it the same way */
		else if (rrtype_from_text(reader_word(r), &type) < 0)
			return reader_refuse(r, field, "record types");
		if (type < 1 || type > 127)
			return reader_refuse(r, field, "record types from 1 to 127");
		map[type / 8] |= (uint8_t)(0x80 >> type % 8);
	}
	while (n > 0 && map[n - 1] == 0)
		n--;
	reader_put_octets(r, span_from(map, n));
	put_types(&r->out->text, map, n, 0);
	return 0;
}

static int
check_old_types(struct reader *r, const struct field *field, struct span *rest)
{
	if (rest->len > 0 && ((rest->data[0] & 0x80) != 0 || rest->len > 16 ||
	                      rest->data[rest->len - 1] == 0))
		return reader_refuse_field(r, field, "are no valid type bit map");
	return reader_take(r, field, rest, rest->len, NULL);
}

const struct field_kind field_old_types = { read_old_types, check_old_types };
