/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Whether a password is the one behind a stored userPassword value.
 *
 * The stored value is data from the directory, so what a check may cost is decided before anything is computed
 * (struct password_limits): a value that asks for more is refused, not tried. What is not understood fails; a value with
 * a {SCHEME} in front is never compared as text. docs/passwords.md has the schemes, their spellings and what each costs.
 *
 * Everything here may be called by many threads at once. The functions keep nothing; what was derived from a password is
 * wiped before they return. Memory is taken for the time of one check (password_value.memory says how much).
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"

#include <stdbool.h>
#include <stdint.h>

enum password_kind {
	PASSWORD_VERIFIABLE,
	PASSWORD_DELEGATED,     /* {SASL}, {KERBEROS}, {UNIX}...: somebody else knows the password */
	PASSWORD_LOCKED,        /* ! or * in front of the value or of what follows the tag */
	PASSWORD_NONE,          /* nothing, or noEntry: no password was ever set */
	PASSWORD_CLEAR_REFUSED, /* clear text, and the limits do not allow it */
	PASSWORD_UNKNOWN,       /* a scheme that this program or this machine's libraries cannot do */
	PASSWORD_MALFORMED,     /* the scheme is known, the value is not one of it */
	PASSWORD_TOO_COSTLY,    /* more work or memory than the limits allow */
};

/* What one check may cost. A value may need as much as the limit and not more. */
struct password_limits {
	bool allow_clear;           /* clear text, with {CLEARTEXT} and the like or without a tag */
	size_t password_max;        /* octets; a longer password is wrong, whatever is stored */
	uint64_t memory_max;        /* octets */
	uint32_t bcrypt_cost;       /* 4..31; one more is twice the time */
	uint32_t sha_crypt_rounds;  /* $5$ and $6$ */
	uint32_t sha1_crypt_rounds; /* $sha1$ */
	uint32_t sun_md5_rounds;    /* $md5 */
	uint32_t des_rounds;        /* extended DES, _ */
	uint32_t pbkdf2_iterations; /* iterations times blocks of output; also of SCRAM */
	uint64_t argon2_work;       /* KiB times passes */
	uint64_t scrypt_work;       /* N times r times p; also of yescrypt, with t counted in */
};

/* Generous to what sites really have; no check of a password of usual length takes more than about a second (docs/passwords.md has
 * the figures). */
extern const struct password_limits password_limits_default;

struct password_value {
	enum password_kind kind;
	const char *scheme; /* static, for logs: "SSHA", "CRYPT bcrypt"; never a part of the value */
	bool costly;        /* takes more than some 50 microseconds: not for a thread that others wait for */
	bool weak;          /* DES, unsalted, MD4 or MD5, clear text: worth replacing */
	uint64_t cost;      /* rounds, iterations, log2 or work, whatever the scheme's limit counts; 0 when it has none */
	uint64_t memory;    /* octets that a check takes, while it runs */
};

/* What PASSWORD_TOO_COSTLY and its like are called in a log: "too costly". */
const char *password_kind_name(enum password_kind kind);

/* Says what STORED is. Fills all of *OUT_VALUE, whatever STORED holds; computes no hash. LIMITS may be NULL for the default. */
void password_inspect(struct span stored, const struct password_limits *limits, struct password_value *out_value);

/* Returns 1 when PASSWORD is the one of STORED; 0 when it is not, which includes every value that is not
 * PASSWORD_VERIFIABLE and every empty password; -ENOMEM when that cannot be told now. */
must_check int password_verify(struct span stored, struct span password, const struct password_limits *limits);

/* Both in one: says what STORED is, and whether PASSWORD is its own if that is not costly to find out; else 0. */
must_check int password_verify_cheap(struct span stored, struct span password, const struct password_limits *limits,
                                     struct password_value *out_value);

/* Takes the time that a check of STORED takes, and never finds PASSWORD right: for logins that do not exist, and those whose values are
 * not PASSWORD_VERIFIABLE, which password_verify() refuses at once. STORED is what accounts usually have. Returns 0, or -ENOMEM like
 * password_verify(). */
int password_dummy(struct span stored, struct span password, const struct password_limits *limits);

/* Compares in a time that depends on B's length only. */
must_check bool password_equal(struct span a, struct span b);

/* Loads what the schemes need from the machine (digests, OpenSSL's legacy provider). The first check does it otherwise; a program
 * that confines itself calls it before. */
void password_prepare(void);
