/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The fields of DNSSEC and of its relatives: keys, digests, hashed names.
 */
#include <config.h>

#include "cache/rdata_read.h"

#include <errno.h>

enum { ALGORITHM_PRIVATEDNS = 253 };

struct key_flag {
	const char *text;
	unsigned number;
};

/* In this order: an abbreviation stands for the first that it fits. */
static const struct key_flag key_flags[] = {
	{ "NOCONF", 0x4000 }, { "NOAUTH", 0x8000 }, { "NOKEY", 0xc000 },  { "FLAG2", 0x2000 },
	{ "EXTEND", 0x1000 }, { "FLAG4", 0x0800 },  { "FLAG5", 0x0400 },  { "USER", 0x0000 },
	{ "ZONE", 0x0100 },   { "HOST", 0x0200 },   { "NTYP3", 0x0300 },  { "FLAG8", 0x0080 },
	{ "FLAG9", 0x0040 },  { "FLAG10", 0x0020 }, { "FLAG11", 0x0010 }, { "SIG0", 0x0 },
	{ "SIG1", 0x1 },      { "SIG2", 0x2 },      { "SIG3", 0x3 },      { "SIG4", 0x4 },
	{ "SIG5", 0x5 },      { "SIG6", 0x6 },      { "SIG7", 0x7 },      { "SIG8", 0x8 },
	{ "SIG9", 0x9 },      { "SIG10", 0xa },     { "SIG11", 0xb },     { "SIG12", 0xc },
	{ "SIG13", 0xd },     { "SIG14", 0xe },     { "SIG15", 0xf },     { "KSK", 0x1 },
	{ NULL, 0 },
};

/* A part between bars may abbreviate a flag, to nothing even. */
static bool
parse_key_flags(struct span word, uint32_t *out_flags)
{
	uint32_t flags = 0;
	int result;

	result = reader_parse_number(word, 10, UINT16_MAX, out_flags);
	if (result == -EINVAL)
		result = reader_parse_number(word, 16, UINT16_MAX, out_flags);
	if (result != -EINVAL)
		return result == 0;
	while (word.len > 0) {
		const char *bar = memchr(word.data, '|', word.len);
		size_t n = bar != NULL ? (size_t)(bar - word.data) : word.len;
		const struct key_flag *flag = key_flags;

		while (flag->text != NULL &&
		       !span_starts_nocase(span_of(flag->text), span_from(word.data, n)))
			flag++;
		if (flag->text == NULL)
			return false;
		flags |= flag->number;
		word = span_skip(word, bar != NULL ? n + 1 : n);
	}
	*out_flags = flags;
	return true;
}

/* KEY alone can say by its flags that there is no key. */
static bool
has_no_key(const struct reader *r, uint32_t flags)
{
	enum { TYPE_KEY = 25, TYPE_KEYDATA = 65533, FLAGS_NOKEY = 0xc000 };

	return (r->type == TYPE_KEY || r->type == TYPE_KEYDATA) &&
	       (flags & FLAGS_NOKEY) == FLAGS_NOKEY;
}

enum { TYPE_RKEY = 57 };

static int
read_key_parts(struct reader *r, uint32_t *out_flags, uint32_t *out_protocol,
               uint32_t *out_algorithm)
{
	static const struct field flags_field = { NULL, "flags", 0 };
	static const struct field protocol_field = { NULL, "protocol", 0 };
	static const struct field algorithm_field = { NULL, "algorithm", 0 };
	int result;

	result = reader_next(r, &flags_field, TOKENS_PLAIN);
	if (result < 0)
		return result;
	if (!parse_key_flags(reader_word(r), out_flags))
		return reader_refuse(r, &flags_field, "a number from 0 to 65535 or flag names");
	if (r->type == TYPE_RKEY && *out_flags != 0)
		return reader_refuse(r, &flags_field, "0");
	text_putf(reader_text(r), "%u", *out_flags);
	reader_put_u16(r, (uint16_t)*out_flags);
	result = reader_protocol(r, &protocol_field, out_protocol);
	if (result < 0)
		return result;
	reader_put_u8(r, (uint8_t)*out_protocol);
	result = reader_algorithm(r, &algorithm_field, out_algorithm);
	if (result < 0)
		return result;
	reader_put_u8(r, (uint8_t)*out_algorithm);
	return 0;
}

static int
read_key(struct reader *r, const struct field *field)
{
	uint32_t flags, protocol, algorithm;
	int result = read_key_parts(r, &flags, &protocol, &algorithm);

	if (result < 0 || has_no_key(r, flags))
		return result;
	return reader_read_base64(r, field);
}

static int
check_key(struct reader *r, const struct field *field, struct span *rest)
{
	struct span head;
	struct dname name;
	unsigned flags;
	int result;

	result = reader_take(r, field, rest, 4, &head);
	if (result < 0)
		return result;
	flags = (unsigned)(unsigned char)head.data[0] << 8 | (unsigned char)head.data[1];
	if (r->type == TYPE_RKEY && flags != 0)
		return reader_refuse_field(r, field, "flags must be 0");
	if (has_no_key(r, flags))
		return 0;
	if ((unsigned char)head.data[3] == ALGORITHM_PRIVATEDNS) {
		/* A private algorithm's key begins with the name of who owns it. */
		int n = dname_from_wire(*rest, &name);

		if (n < 0)
			return reader_refuse_field(r, field, "must begin with a domain name");
		result = reader_take(r, field, rest, (size_t)n, NULL);
		return result < 0 ? result : reader_take(r, field, rest, rest->len, NULL);
	}
	return reader_check_rest(r, field, rest);
}

const struct field_kind field_key = { read_key, check_key };

/* Three dates and a key, which may be missing as in an empty place holder. */
static int
read_keydata(struct reader *r, const struct field *field)
{
	static const struct field dates[] = { { &field_date, "refresh time", 0 },
		                              { &field_date, "add time", 0 },
		                              { &field_date, "remove time", 0 } };
	static const struct field key_field = { NULL, "key", 1 };
	uint32_t flags, protocol, algorithm;
	int result = 0;

	(void)field;
	for (size_t i = 0; result == 0 && i < array_size(dates); i++)
		result = field_date.read(r, &dates[i]);
	if (result < 0)
		return result;
	result = read_key_parts(r, &flags, &protocol, &algorithm);
	if (result < 0 || has_no_key(r, flags) || (flags == 0 && protocol == 0 && algorithm == 0))
		return result;
	return reader_read_base64(r, &key_field);
}

const struct field_kind field_keydata = { read_keydata, reader_check_rest };

/* Digests whose length is known must have it. */
struct digest {
	uint8_t type;
	uint8_t length;
};

static int
digest_length(const struct digest *digests, size_t n, uint32_t type)
{
	for (size_t i = 0; i < n; i++)
		if (digests[i].type == type)
			return digests[i].length;
	return -1;
}

static int
check_digest(struct reader *r, const struct field *field, struct span *rest,
             const struct digest *digests, size_t n)
{
	struct span type;
	int length;
	int result = reader_take(r, field, rest, 1, &type);

	if (result < 0)
		return result;
	length = digest_length(digests, n, (unsigned char)type.data[0]);
	if (length >= 0 && rest->len != (size_t)length)
		return reader_refuse_field(r, field, "has the wrong length for its type");
	return reader_check_rest(r, field, rest);
}

static const struct digest ds_digests[] = { { 1, 20 }, { 2, 32 }, { 4, 48 } };

static int
read_ds(struct reader *r, const struct field *field)
{
	static const struct field type_field = { NULL, "digest type", 0 };
	uint32_t type;
	int result = reader_digest_type(r, &type_field, &type);

	if (result < 0)
		return result;
	reader_put_u8(r, (uint8_t)type);
	return reader_read_hex(r, field, digest_length(ds_digests, array_size(ds_digests), type));
}

static int
check_ds(struct reader *r, const struct field *field, struct span *rest)
{
	return check_digest(r, field, rest, ds_digests, array_size(ds_digests));
}

const struct field_kind field_ds = { read_ds, check_ds };

static int
read_digest(struct reader *r, const struct field *field, const struct digest *digests, size_t n)
{
	static const struct field type_field = { NULL, "digest type", UINT8_MAX };
	uint32_t type;
	int result = reader_number(r, &type_field, &type);

	if (result < 0)
		return result;
	text_putf(reader_text(r), "%u", type);
	reader_put_u8(r, (uint8_t)type);
	return reader_read_hex(r, field, digest_length(digests, n, type));
}

static const struct digest fingerprints[] = { { 1, 20 }, { 2, 32 } };

static int
read_fingerprint(struct reader *r, const struct field *field)
{
	return read_digest(r, field, fingerprints, array_size(fingerprints));
}

static int
check_fingerprint(struct reader *r, const struct field *field, struct span *rest)
{
	return check_digest(r, field, rest, fingerprints, array_size(fingerprints));
}

const struct field_kind field_fingerprint = { read_fingerprint, check_fingerprint };

static const struct digest zone_digests[] = { { 1, 48 }, { 2, 64 } };

static int
read_zone_digest(struct reader *r, const struct field *field)
{
	return read_digest(r, field, zone_digests, array_size(zone_digests));
}

static int
check_zone_digest(struct reader *r, const struct field *field, struct span *rest)
{
	return check_digest(r, field, rest, zone_digests, array_size(zone_digests));
}

const struct field_kind field_zone_digest = { read_zone_digest, check_zone_digest };

static int
read_salt(struct reader *r, const struct field *field)
{
	struct text *wire = &r->out->wire;
	size_t before = wire->len;
	int result = reader_next(r, field, TOKENS_PLAIN);

	if (result < 0)
		return result;
	reader_put_u8(r, 0);
	if (span_is(reader_word(r), SPAN("-"))) {
		text_put(reader_text(r), "-");
		return 0;
	}
	if (reader_word(r).len > 2 * 255 || !reader_decode_hex(reader_word(r), wire))
		return reader_refuse(r, field, "\"-\" or up to 255 octets in hexadecimal");
	if (text_failed(wire))
		return -ENOMEM;
	wire->data[before] = (char)(wire->len - before - 1);
	reader_put_hex(reader_text(r), span_skip(text_span(wire), before + 1));
	return 0;
}

/* A length octet and so many octets. */
static int
check_counted(struct reader *r, const struct field *field, struct span *rest)
{
	size_t n = rest->len > 0 ? 1 + (size_t)(unsigned char)rest->data[0] : 1;

	return reader_take(r, field, rest, n, NULL);
}

const struct field_kind field_salt = { read_salt, check_counted };

/* Base32hex (RFC 4648 7) without padding, either case. */
static bool
decode_base32(struct span word, struct text *out)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	unsigned bits = 0;
	unsigned count = 0;

	for (size_t i = 0; i < word.len; i++) {
		const char *place = strchr(digits, ascii_lower(word.data[i]));

		if (word.data[i] == '\0' || place == NULL)
			return false;
		bits = bits << 5 | (unsigned)(place - digits);
		count += 5;
		if (count >= 8) {
			count -= 8;
			text_put_char(out, (char)(bits >> count));
			bits &= (1u << count) - 1;
		}
	}
	/* What remains fills up the last digit: less than a digit, and zero. */
	return count < 5 && bits == 0;
}

static void
put_base32(struct text *text, struct span octets)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
	unsigned bits = 0;
	unsigned count = 0;

	for (size_t i = 0; i < octets.len; i++) {
		bits = bits << 8 | (unsigned char)octets.data[i];
		for (count += 8; count >= 5; count -= 5)
			text_put_char(text, digits[bits >> (count - 5) & 31]);
		bits &= (1u << count) - 1;
	}
	if (count > 0)
		text_put_char(text, digits[bits << (5 - count) & 31]);
}

/* Whether a hash of N octets fits the algorithm that the record began with. */
static bool
is_hash_length(const struct reader *r, size_t n)
{
	enum { HASH_SHA1 = 1, SHA1_LENGTH = 20, HASH_MAX = 39 };

	return r->out->wire.data[0] == HASH_SHA1 ? n == SHA1_LENGTH : n >= 1 && n <= HASH_MAX;
}

static int
read_next_hash(struct reader *r, const struct field *field)
{
	struct text *wire = &r->out->wire;
	size_t before = wire->len;
	size_t n;
	int result = reader_next(r, field, TOKENS_PLAIN);

	if (result < 0)
		return result;
	reader_put_u8(r, 0);
	if (!decode_base32(reader_word(r), wire))
		return reader_refuse(r, field, "base32hex without padding");
	if (text_failed(wire))
		return -ENOMEM;
	n = wire->len - before - 1;
	if (!is_hash_length(r, n))
		return reader_refuse_field(r, field, "has the wrong length for its algorithm");
	wire->data[before] = (char)n;
	put_base32(reader_text(r), span_skip(text_span(wire), before + 1));
	return 0;
}

static int
check_next_hash(struct reader *r, const struct field *field, struct span *rest)
{
	if (rest->len == 0 || text_failed(&r->out->wire) ||
	    !is_hash_length(r, (unsigned char)rest->data[0]))
		return reader_refuse_field(r, field, "has the wrong length for its algorithm");
	return check_counted(r, field, rest);
}

const struct field_kind field_next_hash = { read_next_hash, check_next_hash };

/* RRSIG's signer can have no more labels than the owner, whose number is the record's fourth
 * octet. */
static int
check_signer_labels(struct reader *r, const struct field *field, size_t before)
{
	const struct text *wire = &r->out->wire;
	struct dname signer;

	if (text_failed(wire))
		return -ENOMEM;
	if (dname_from_wire(span_skip(text_span(wire), before), &signer) < 0)
		return reader_refuse_field(r, field, "is no complete domain name");
	if (dname_labels(&signer) > (unsigned char)wire->data[3])
		return reader_refuse_field(r, field, "has more labels than the record says it covers");
	return 0;
}

static int
read_signer(struct reader *r, const struct field *field)
{
	size_t before = r->out->wire.len;
	int result = field_name.read(r, field);

	return result < 0 ? result : check_signer_labels(r, field, before);
}

static int
check_signer(struct reader *r, const struct field *field, struct span *rest)
{
	size_t before = r->out->wire.len;
	int result = field_name.check(r, field, rest);

	return result < 0 ? result : check_signer_labels(r, field, before);
}

const struct field_kind field_signer = { read_signer, check_signer };
