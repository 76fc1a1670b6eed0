/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What the files of the password schemes share: a scheme is a tag and a family, a family is how a value is read and checked.
 */
#pragma once

/* Before ours: it uses "unused", which common/macro.h defines, as a name. */
#include <openssl/evp.h>

#include "saslauth/password.h"

enum {
	PASSWORD_STORED_MAX = 4096,   /* octets of a stored value; the longest real ones have some 500 */
	PASSWORD_OCTETS_MAX = 1 << 20,
	PASSWORD_COSTLY_ROUNDS = 100, /* iterations of a hash that are still cheap */
};

enum password_digest {
	PASSWORD_MD4,
	PASSWORD_MD5,
	PASSWORD_SHA1,
	PASSWORD_SHA256,
	PASSWORD_SHA384,
	PASSWORD_SHA512,
	PASSWORD_DIGESTS,
};

struct password_scheme {
	const char *tag;  /* upper case, without braces */
	const char *name; /* for logs */
	const struct password_family *family;
	enum password_kind kind; /* when there is no family */
	enum password_digest digest;
	bool salted;
};

/* A stored value without its tag. */
struct password_body {
	const struct password_scheme *scheme;
	struct span text;
	bool is_hex; /* the tag ended in .HEX; only for families that take octets */
};

struct password_family {
	/* Reads BODY. *OUT is filled with PASSWORD_MALFORMED and the scheme's name before. */
	void (*inspect)(const struct password_body *body, const struct password_limits *limits, struct password_value *out);
	/* As password_verify(); inspect() has found BODY verifiable. */
	int (*verify)(const struct password_body *body, struct span password);
	bool takes_octets; /* what is stored are octets: .HEX and .B64 say how they are written. Otherwise the text itself was encoded */
	bool is_clear;     /* blanks at the end count, and so do ! and * in front */
};

extern const struct password_family password_family_clear;  /* password.c */
extern const struct password_family password_family_digest; /* password_digest.c */
extern const struct password_family password_family_nt;
extern const struct password_family password_family_crypt;  /* password_crypt.c */
extern const struct password_family password_family_argon2; /* password_argon2.c */
extern const struct password_family password_family_pbkdf2; /* password_kdf.c */
extern const struct password_family password_family_pkcs5s2;
extern const struct password_family password_family_scram;
extern const struct password_family password_family_scrypt; /* password_scrypt.c */

/* The digest, NULL when this machine has none of it. Lives as long as the process. */
const EVP_MD *password_digest_of(enum password_digest digest);
size_t password_digest_size(enum password_digest digest);

/* Reads base64, in any of its alphabets (+/, -_, and . for +), with or without padding, or hexadecimal digits, into OUT. Returns the
 * number of octets, -1 when S is not that or has more than ROOM of them. */
int password_decode_base64(struct span s, uint8_t *out, size_t room);
int password_decode_hex(struct span s, uint8_t *out, size_t room);

/* Splits what stands before SEPARATOR off *REST, and the separator; false when there is none. */
bool password_next_field(struct span *rest, char separator, struct span *out_field);

/* Reads a decimal number without leading zeroes; one beyond 2^63 is 2^63. */
bool password_read_number(struct span s, uint64_t *out_number);

/* Settles the verdict for a value that was understood. */
void password_settle(struct password_value *out, uint64_t cost, uint64_t cost_max, const struct password_limits *limits);
