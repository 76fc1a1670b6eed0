/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * How a record is read: a type is a list of fields, a field has a kind, and a kind knows how its
 * part is written in text and how it lies in wire form.
 *
 * A new type is a row in cache/rdata_types.c; a field that no kind can read gets one of its own.
 */
#pragma once

#include "cache/rdata.h"
#include "cache/rdata_token.h"

enum { RDATA_MAX = 65535 };

/* One record being read. Text and wire form are appended to OUT field by field. */
struct reader {
	struct tokens tokens;
	const struct dname *origin;
	uint16_t type;
	const char *type_text;
	bool fold; /* names go into the wire form in lower case */
	bool escaped_number_sign; /* a TXT record that begins with an escaped "#" */
	bool needs_origin;        /* a name so far was relative, or "@" */
	struct rdata *out;
	struct text *why;
};

struct field {
	const struct field_kind *kind;
	const char *name;
	uint32_t limit; /* what it limits is up to the kind */
};

struct field_kind {
	/* Reads the field from the tokens. */
	int (*read)(struct reader *r, const struct field *field);
	/* Takes the field off *REST, the octets of a "\# length hex" form. */
	int (*check)(struct reader *r, const struct field *field, struct span *rest);
};

enum { RDATA_FIELDS_MAX = 9 };

enum rdata_form {
	EXACT,
	FOLD,    /* named compares names without case when it removes duplicates */
	GENERIC, /* early releases of named 9.18 do not know the type, but any reads "\\# length hex" */
};

struct rdata_type {
	uint16_t type;
	enum rdata_form form;
	struct field fields[RDATA_FIELDS_MAX];
};

/* The row of TYPE, or NULL for a type that has no text form but the generic one. */
const struct rdata_type *rdata_type_find(uint16_t type);

/* Rejects the token last read: "MX preference must be WANTED, not \"token\"". Returns -EINVAL. */
int reader_refuse(struct reader *r, const struct field *field, const char *wanted);
/* "MX preference SENTENCE". Returns -EINVAL. */
int reader_refuse_field(struct reader *r, const struct field *field, const char *sentence);

/* The token last read is one too many. Returns -EINVAL. */
int reader_refuse_more(struct reader *r);

/* Reads a token that must be there. A stray quote is refused. */
must_check int reader_next(struct reader *r, const struct field *field, enum token_mode mode);
/* Returns 1, 0 at the end of the line, -EINVAL, -ENOMEM. */
must_check int reader_next_or_end(struct reader *r, const struct field *field, enum token_mode mode);
/* Reads a decimal number of at most FIELD's limit. */
must_check int reader_number(struct reader *r, const struct field *field, uint32_t *out_number);

static inline struct span
reader_word(const struct reader *r)
{
	return text_span(&r->tokens.word);
}

/* Appends to the normalised text, after a blank where one is needed. */
struct text *reader_text(struct reader *r);
void reader_put_quoted(struct text *text, struct span octets);
void reader_put_hex(struct text *text, struct span octets);
void reader_put_base64(struct text *text, struct span octets);
/* Append to the wire form. */
void reader_put_u8(struct reader *r, uint8_t number);
void reader_put_u16(struct reader *r, uint16_t number);
void reader_put_u32(struct reader *r, uint32_t number);
void reader_put_octets(struct reader *r, struct span octets);

/* Takes N octets off *REST and appends them to the wire form. Returns 0 or -EINVAL with a
 * sentence. *OUT_OCTETS may be NULL. */
must_check int reader_take(struct reader *r, const struct field *field, struct span *rest, size_t n,
                           struct span *out_octets);

/* The value of a hexadecimal digit, or -1. */
int reader_hex_digit(char c);

/* Decode WORD and append the octets to OUT; false when it is no such text. */
bool reader_decode_hex(struct span word, struct text *out);
bool reader_decode_base64(struct span word, struct text *out);
/* Decodes master-file escapes (\X, \DDD). */
bool reader_decode_escapes(struct span word, struct text *out);

/* One word of hexadecimal digits or base64 may be spread over several tokens. LENGTH octets are
 * wanted, or any number when it is negative. */
must_check int reader_read_hex(struct reader *r, const struct field *field, int length);
must_check int reader_read_base64(struct reader *r, const struct field *field);

must_check int reader_read_name(struct reader *r, const struct field *field, enum token_mode mode);
must_check int reader_read_ipv4(struct reader *r, const struct field *field);
must_check int reader_read_ipv6(struct reader *r, const struct field *field);

/* A relative URI template (RFC 6570) that has a variable "dns" (RFC 9461 5). */
bool reader_is_doh_path(struct span path);

/* Reads "1h30m". */
must_check int reader_period(struct reader *r, const struct field *field, uint32_t *out_seconds);

/* Reads WORD as a number in BASE, as named reads what may also be a mnemonic. Returns 0, -EINVAL
 * when it is no number, -ERANGE. */
must_check int reader_parse_number(struct span word, int base, uint32_t max, uint32_t *out_number);

/* Read numbers of one octet that have mnemonics and put them into the text only. */
must_check int reader_algorithm(struct reader *r, const struct field *field, uint32_t *out_number);
must_check int reader_protocol(struct reader *r, const struct field *field, uint32_t *out_number);
must_check int reader_digest_type(struct reader *r, const struct field *field, uint32_t *out_number);

/* The check halves of kinds: so many octets; all the rest, at least the field's limit. */
int reader_check_u8(struct reader *r, const struct field *field, struct span *rest);
int reader_check_u16(struct reader *r, const struct field *field, struct span *rest);
int reader_check_u32(struct reader *r, const struct field *field, struct span *rest);
int reader_check_rest(struct reader *r, const struct field *field, struct span *rest);

/* Plain kinds (cache/rdata_fields.c). */
extern const struct field_kind field_u8, field_u16, field_u32; /* limit 0: what the width holds */
extern const struct field_kind field_name;
extern const struct field_kind field_string;          /* at most 255 octets, quoted or a word */
extern const struct field_kind field_optional_string; /* the same at the end, or nothing */
extern const struct field_kind field_strings;         /* one or more, to the end */
extern const struct field_kind field_digits;          /* a string of at least four digits */
extern const struct field_kind field_tag;             /* CAA's: letters and digits */
extern const struct field_kind field_long_string;     /* any length, to the end of the record */
extern const struct field_kind field_quoted_uri;      /* the same, but only in quotes */
extern const struct field_kind field_ipv4, field_ipv6;
extern const struct field_kind field_hex, field_base64; /* to the end, limit octets at least */
extern const struct field_kind field_locator;           /* four groups of hex digits */
extern const struct field_kind field_eui;               /* limit octets, "-" between */

/* Numbers that have mnemonics, dates, type lists (cache/rdata_codes.c). */
extern const struct field_kind field_algorithm, field_cert_type;
extern const struct field_kind field_hash_algorithm, field_sync_scheme;
extern const struct field_kind field_type;
extern const struct field_kind field_period;            /* "1h30m" */
extern const struct field_kind field_date, field_moment; /* 14 digits; or a number too */
extern const struct field_kind field_types; /* limit: at least so many */
extern const struct field_kind field_old_types;

/* DNSSEC and relatives (cache/rdata_dnssec.c). */
extern const struct field_kind field_key;     /* flags, protocol, algorithm, key */
extern const struct field_kind field_keydata;
extern const struct field_kind field_ds;          /* digest type and digest */
extern const struct field_kind field_fingerprint; /* SSHFP: the same */
extern const struct field_kind field_zone_digest;
extern const struct field_kind field_salt, field_next_hash;
extern const struct field_kind field_signer;

/* Kinds of one type each (cache/rdata_special.c, rdata_loc.c, rdata_naptr.c, rdata_svcb.c). */
extern const struct field_kind field_wks, field_nsap, field_atma, field_apl, field_a6;
extern const struct field_kind field_ipseckey, field_amtrelay, field_hip, field_doa_data;
extern const struct field_kind field_location;
extern const struct field_kind field_regexp;
extern const struct field_kind field_service_parameters, field_quoted_name;
