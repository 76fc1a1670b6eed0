/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Mail addresses, as data and as questions, in the one form in which they are compared.
 *
 * Postfix hands over what was typed: any case, quoted or not, with an extension, an address literal, a bare word, or nothing that
 * is an address at all. Folding is the same for what the directory holds and for what is asked:
 *
 *   - the address is split at its last @; quotes around the local part and backslashes in it are taken away;
 *   - the local part is folded: ASCII to lower case; with other octets, which must be UTF-8, normalised (NFC) and case-folded;
 *   - the domain is in lower case, without a dot at its end, each U-label as its A-label (IDNA 2008).
 *
 * Pure, total: whatever the octets are, there is an answer, and it is 0 or -EINVAL ("no record can have this").
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

/* Octets after folding; RFC 5321 4.5.3.1 allows 64 and 255. Together they fit into a key. */
enum { ADDRESS_LOCAL_MAX = 240, ADDRESS_DOMAIN_MAX = 253 };

enum address_kind {
	ADDRESS_FULL,      /* local@domain */
	ADDRESS_CATCH_ALL, /* @domain */
	ADDRESS_WORD,      /* no @: a domain, a bare user, "*", "" */
};

struct address {
	enum address_kind kind;
	size_t local_len, domain_len;
	char local[ADDRESS_LOCAL_MAX];
	char domain[ADDRESS_DOMAIN_MAX]; /* ADDRESS_WORD: the word, folded as a domain */
	bool literal;                    /* the domain is [192.0.2.1] or [IPv6:...] */
	struct span typed_local;         /* as it stands in the text it was read from, quotes included */
};

/* 0, or -EINVAL: too long, a NUL, not UTF-8, not IDNA, an empty domain behind an @. The null sender (empty, <>, "<>") is -EINVAL. */
must_check int address_read(struct span text, struct address *out);

/* A domain's name alone, folded as above into OUT (ADDRESS_DOMAIN_MAX octets). 0 or -EINVAL. A dot at the front is kept. */
must_check int address_domain(struct span text, char *out, size_t *out_len);

/* Where the extension of a local part (folded or typed, quotes included) begins: the index of its delimiter, or LOCAL.len when there
 * is none. As Postfix splits (split_addr.c): at the first of the DELIMITERS, never at the front, never the names postmaster,
 * mailer-daemon and double-bounce; with - among DELIMITERS, owner-LIST and LIST-request are not split. */
size_t address_extension(struct span local, struct span delimiters);

/* Appends ADDRESS (a result, as spelled in the directory) with EXTENSION (its delimiter included; may be empty) at the end of its
 * local part, inside the quotes if it has any. */
void address_put_extended(struct text *out, struct span address, struct span extension);

/* Appends LOCAL@DOMAIN so that Postfix reads it back as such: a local part that needs quotes gets them (RFC 5321 4.1.2). */
void address_put(struct text *out, struct span local, struct span domain);
