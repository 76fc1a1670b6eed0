/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/rdata.h"

#include "cache/rdata_read.h"
#include "cache/rrtype.h"

#include <errno.h>

enum { TYPE_MD = 3, TYPE_MF = 4, TYPE_RESINFO = 261 };

void
rdata_clear(struct rdata *rdata)
{
	text_clear(&rdata->text);
	text_clear(&rdata->wire);
	rdata->relative = 0;
}

void
rdata_free(struct rdata *rdata)
{
	text_free(&rdata->text);
	text_free(&rdata->wire);
	rdata->relative = 0;
}

bool
rdata_type_is_singleton(uint16_t type)
{
	return type == RRTYPE_CNAME || type == RRTYPE_SOA || type == RRTYPE_DNAME ||
	       type == TYPE_RESINFO;
}

/* No line of text can carry these, in quotes or not. */
static int
check_line(struct span text, struct text *why)
{
	if (text.len > 0 && memchr(text.data, '\n', text.len) != NULL) {
		text_put(why, "a line break stands inside");
		return -EINVAL;
	}
	if (text.len > 0 && memchr(text.data, '\0', text.len) != NULL) {
		text_put(why, "a NUL octet stands inside");
		return -EINVAL;
	}
	return 0;
}

static int
check_type(uint16_t type, const char *type_text, struct text *why)
{
	if (rrtype_is_meta(type)) {
		text_putf(why, "%s records cannot stand in a zone", type_text);
		return -EINVAL;
	}
	if (type == TYPE_MD || type == TYPE_MF) {
		text_putf(why, "%s records are obsolete and refused by named (use MX)", type_text);
		return -EINVAL;
	}
	return 0;
}

static void
put_generic(struct text *text, struct span octets)
{
	text_clear(text);
	text_putf(text, "\\# %zu", octets.len);
	if (octets.len > 0) {
		text_put_char(text, ' ');
		reader_put_hex(text, octets);
	}
}

/* Reads "length hex" after "\#". Known types are checked as if they came from the network. */
static int
read_generic(struct reader *r, const struct rdata_type *row)
{
	static const struct field length_field = { NULL, "length", RDATA_MAX };
	static const struct field data_field = { NULL, "data", 0 };
	cleanup(text_free) struct text octets = TEXT_INIT;
	struct span rest;
	uint32_t length;
	int result;

	result = reader_number(r, &length_field, &length);
	if (result < 0)
		return result;
	result = reader_read_hex(r, &data_field, (int)length);
	if (result < 0)
		return result;
	text_put_span(&octets, text_span(&r->out->wire));
	if (text_failed(&octets))
		return -ENOMEM;
	put_generic(&r->out->text, text_span(&octets));
	if (row == NULL)
		return 0;
	text_clear(&r->out->wire);
	rest = text_span(&octets);
	for (size_t i = 0; i < RDATA_FIELDS_MAX && row->fields[i].kind != NULL; i++) {
		result = row->fields[i].kind->check(r, &row->fields[i], &rest);
		if (result < 0)
			return result;
	}
	return rest.len == 0 ? 0 : reader_refuse_field(r, &data_field, "has octets too many");
}

/* Looks whether the first token is "\#". Returns 1, 0 or an error. In a TXT record it may be an
 * escaped "#": named looks for a number after it. */
static int
read_generic_mark(struct reader *r)
{
	uint64_t number;
	int result;

	result = tokens_next(&r->tokens, TOKENS_QUOTED, r->why);
	if (result < 0)
		return result;
	if (r->tokens.kind != TOKEN_WORD || !span_is(reader_word(r), SPAN("\\#"))) {
		tokens_back(&r->tokens);
		return 0;
	}
	if (r->type != RRTYPE_TXT)
		return 1;
	result = tokens_next(&r->tokens, TOKENS_PLAIN, r->why);
	if (result == -ENOMEM)
		return result;
	if (result == 0) {
		tokens_back(&r->tokens);
		if (r->tokens.kind == TOKEN_WORD &&
		    span_to_u64(reader_word(r), UINT32_MAX, &number) == 0)
			return 1;
	}
	/* A stray parenthesis was no number either, and named does not come back to it. */
	text_clear(r->why);
	r->escaped_number_sign = true;
	return 0;
}

static int
read_fields(struct reader *r, const struct rdata_type *row)
{
	int result;

	if (row == NULL) {
		text_putf(r->why, "%s data can only be written as \"\\# length hex\"", r->type_text);
		return -EINVAL;
	}
	for (size_t i = 0; i < RDATA_FIELDS_MAX && row->fields[i].kind != NULL; i++) {
		result = row->fields[i].kind->read(r, &row->fields[i]);
		if (result < 0)
			return result;
	}
	return 0;
}

static int
read_end(struct reader *r)
{
	int result = tokens_next(&r->tokens, TOKENS_PLAIN, r->why);

	if (result < 0)
		return result;
	return r->tokens.kind == TOKEN_END ? 0 : reader_refuse_more(r);
}

static int
read_record(struct reader *r)
{
	const struct rdata_type *row = rdata_type_find(r->type);
	bool generic;
	int result;

	r->fold = row != NULL && row->form == FOLD;
	result = read_generic_mark(r);
	if (result < 0)
		return result;
	generic = result > 0;
	result = generic ? read_generic(r, row) : read_fields(r, row);
	if (result < 0)
		return result;
	result = read_end(r);
	if (result < 0)
		return result;
	if (r->out->wire.len > RDATA_MAX) {
		text_putf(r->why, "%s data is over 65535 octets", r->type_text);
		return -EINVAL;
	}
	/* Nothing at all would be no line. */
	if (!generic && (r->out->text.len == 0 || row->form == GENERIC))
		put_generic(&r->out->text, text_span(&r->out->wire));
	return text_failed(&r->out->text) || text_failed(&r->out->wire) ? -ENOMEM : 0;
}

/* Replaces *OUT by NEW. */
static void
move_rdata(struct rdata *new, struct rdata *out)
{
	struct rdata old = *out;

	*out = *new;
	*new = old;
}

int
rdata_parse(uint16_t type, struct span text, const struct dname *origin, struct rdata *out,
            struct text *why)
{
	char room[RRTYPE_TEXT_MAX];
	cleanup(rdata_free) struct rdata rdata = { TEXT_INIT, TEXT_INIT, 0 };
	struct reader r = { .origin = origin, .type = type, .out = &rdata, .why = why };
	int result;

	r.type_text = rrtype_text(type, room);
	result = check_type(type, r.type_text, why);
	if (result == 0)
		result = check_line(text, why);
	if (result < 0)
		return result;
	tokens_open(&r.tokens, text);
	result = read_record(&r);
	tokens_free(&r.tokens);
	if (result == 0)
		move_rdata(&rdata, out);
	return result;
}

/* "a" "b", with or without blanks between and around. */
static bool
is_all_quoted(struct span value)
{
	size_t i = 0, strings = 0;

	for (; i < value.len; i++) {
		if (value.data[i] == ' ' || value.data[i] == '\t')
			continue;
		if (value.data[i] != '"')
			return false;
		for (i++; i < value.len && value.data[i] != '"'; i++)
			if (value.data[i] == '\\')
				i++;
		if (i >= value.len)
			return false;
		strings++;
	}
	return strings > 0;
}

int
rdata_parse_txt(uint16_t type, struct span value, struct rdata *out, struct text *why)
{
	static const struct dname root = { 1, { 0 } };
	cleanup(rdata_free) struct rdata rdata = { TEXT_INIT, TEXT_INIT, 0 };

	if (is_all_quoted(value))
		return rdata_parse(type, value, &root, out, why);
	if (value.len > RDATA_MAX - RDATA_MAX / 256 - 1) {
		text_put(why, "the text does not fit into a record of 65535 octets");
		return -EINVAL;
	}
	do {
		struct span part = value;

		if (part.len > 255)
			part.len = 255;
		value = span_skip(value, part.len);
		if (rdata.text.len > 0)
			text_put_char(&rdata.text, ' ');
		reader_put_quoted(&rdata.text, part);
		text_put_char(&rdata.wire, (char)part.len);
		text_put_span(&rdata.wire, part);
	} while (value.len > 0);
	if (text_failed(&rdata.text) || text_failed(&rdata.wire))
		return -ENOMEM;
	move_rdata(&rdata, out);
	return 0;
}

/* Reads a name that is absolute, with its final dot or without. */
static int
read_absolute(struct reader *r, const struct field *field, struct text *out)
{
	struct dname name;
	int result = reader_next(r, field, TOKENS_PLAIN);

	if (result < 0)
		return result;
	if (dname_from_text(reader_word(r), NULL, &name) < 0)
		return reader_refuse(r, field, "a domain name");
	dname_put_text(out, &name);
	return text_failed(out) ? -ENOMEM : 0;
}

static int
read_soa(struct reader *r, struct soa_text *out)
{
	static const struct field mname_field = { NULL, "primary server", 0 };
	static const struct field rname_field = { NULL, "mailbox", 0 };
	static const struct field serial_field = { NULL, "serial", 0 };
	static const char *const period_names[] = { "refresh", "retry", "expire", "minimum" };
	uint32_t *const periods[] = { &out->refresh, &out->retry, &out->expire, &out->minimum };
	uint64_t number;
	int result;

	result = read_absolute(r, &mname_field, &out->mname);
	if (result < 0)
		return result;
	result = read_absolute(r, &rname_field, &out->rname);
	if (result < 0)
		return result;
	result = reader_next(r, &serial_field, TOKENS_PLAIN);
	if (result < 0)
		return result;
	if (span_to_u64(reader_word(r), UINT64_MAX, &number) == -EINVAL)
		return reader_refuse(r, &serial_field, "a number");
	out->serial = span_from(r->tokens.line.data + r->tokens.start, reader_word(r).len);
	for (size_t i = 0; i < array_size(periods); i++) {
		struct field field = { NULL, period_names[i], 0 };

		result = reader_period(r, &field, periods[i]);
		if (result < 0)
			return result;
	}
	return read_end(r);
}

int
rdata_parse_soa(struct span text, struct soa_text *out, struct text *why)
{
	cleanup(soa_text_free) struct soa_text soa = { .mname = TEXT_INIT, .rname = TEXT_INIT };
	struct reader r = { .type = RRTYPE_SOA, .type_text = "SOA", .why = why };
	int result;

	result = check_line(text, why);
	if (result < 0)
		return result;
	tokens_open(&r.tokens, text);
	result = read_soa(&r, &soa);
	tokens_free(&r.tokens);
	if (result == 0) {
		struct soa_text old = *out;

		*out = soa;
		soa = old;
	}
	return result;
}

void
soa_text_free(struct soa_text *soa)
{
	text_free(&soa->mname);
	text_free(&soa->rname);
}
