/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Mail addresses, as data and as questions, in the one form in which they are compared.
 *
 * Postfix hands over what was typed: any case, quoted or not, with an extension, an address literal, a bare word, or nothing that
 * is an address at all. Folding is the same for what the directory holds and for what is asked:
 *
 *   - the address is split at its last @; a local part that is a quoted string ("a b"@...) loses its quotes and backslashes, any
 *     other one is taken as it is: Postfix asks for both forms;
 *   - the local part is folded: ASCII to lower case; with other octets, which must be UTF-8, normalised (NFC) and case-folded;
 *   - the domain is in lower case, without a dot at its end, each U-label as its A-label (IDNA 2008, after the mapping of UTS 46
 *     that browsers and Postfix do: case, width, the dots of other scripts). Only letters, digits, - and _ are left in it.
 *
 * Pure, total: whatever the octets are, there is an answer, and it is 0 or -EINVAL ("no record can have this"). Only where there are
 * octets above ASCII, which need memory, it may be -ENOMEM.
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

/* Octets after folding; RFC 5321 4.5.3.1 allows 64 and 255. Together they fit into a key. Before: what is longer is no address. */
enum { ADDRESS_LOCAL_MAX = 240, ADDRESS_DOMAIN_MAX = 253, ADDRESS_TEXT_MAX = 2048 };

enum address_kind {
	ADDRESS_FULL,      /* local@domain */
	ADDRESS_CATCH_ALL, /* @domain */
	ADDRESS_WORD,      /* no @, but what may be a domain, or a user of ours */
};

struct address {
	enum address_kind kind;
	bool literal;                    /* the domain is [192.0.2.1] or [IPv6:...] */
	size_t local_len, domain_len;
	char local[ADDRESS_LOCAL_MAX];   /* without quotes; empty but for ADDRESS_FULL */
	char domain[ADDRESS_DOMAIN_MAX]; /* ADDRESS_WORD: the word, folded as a domain */
	struct span typed_local;         /* as it stands in the text it was read from, quotes included */
};

static inline struct span
address_local_span(const struct address *address)
{
	return span_from(address->local, address->local_len);
}

static inline struct span
address_domain_span(const struct address *address)
{
	return span_from(address->domain, address->domain_len);
}

/* -EINVAL is: too long, a control character (NUL and line ends are), not UTF-8, no domain behind an @ or one that is none, a quoted
 * string with nothing in it, a word that could not be a domain: "*", "a b", the null sender ("", <>, "<>"). *OUT may be changed then. */
must_check int address_read(struct span text, struct address *out);

/* Whether TEXT is plainly the address of LOCAL (not empty) and DOMAIN, which are folded, when it is read: false also for what would
 * have to be read to know it (quotes, octets above ASCII). */
bool address_stands_for(struct span text, struct span local, struct span domain);

/* A domain's name alone, folded as above into OUT (ADDRESS_DOMAIN_MAX octets). 0, -EINVAL or -ENOMEM: then
 * OUT may be changed. A dot at the front is kept. */
must_check int address_domain(struct span text, char *out, size_t *out_len);

/* A local part alone, without quotes, or any other name that is compared as one: folded as above into OUT (ADDRESS_LOCAL_MAX octets).
 * 0, -EINVAL or -ENOMEM: then OUT may be changed. */
must_check int address_local(struct span text, char *out, size_t *out_len);

/* Where the extension of a local part (without quotes: a folded one) begins: the index of its delimiter, or LOCAL.len when there is
 * none. As Postfix splits (split_addr.c): at the first of the DELIMITERS, never at the front, never the names postmaster,
 * mailer-daemon and double-bounce; with - among DELIMITERS, owner-LIST and LIST-request are not split. Delimiters are ASCII, others
 * do nothing. */
size_t address_extension(struct span local, struct span delimiters);

/* Appends the extension of ADDRESS, its delimiter included, in the case in which it was typed, without quotes. Nothing when there is
 * none. The text that ADDRESS was read from must still be there. */
void address_put_typed_extension(struct text *out, const struct address *address, struct span delimiters);

/* Appends ADDRESS (a result, as spelled in the directory) with EXTENSION (its delimiter included, without quotes; may be empty) at
 * the end of its local part, in quotes where it needs them; without EXTENSION when that would be longer than any address that is read:
 * nobody would have it. "@domain" is appended as it is: Postfix puts the whole local part that it asked for in front. */
void address_put_extended(struct text *out, struct span address, struct span extension);

/* Appends LOCAL@DOMAIN so that Postfix reads it back as such: a local part that needs quotes gets them (RFC 5321 4.1.2). An empty
 * local part gives @DOMAIN. */
void address_put(struct text *out, struct span local, struct span domain);
