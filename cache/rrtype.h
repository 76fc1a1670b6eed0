/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Record types: numbers, mnemonics as named 9.18 prints them, LDAP attribute names.
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"

enum {
	RRTYPE_A = 1, RRTYPE_NS = 2, RRTYPE_CNAME = 5, RRTYPE_SOA = 6, RRTYPE_PTR = 12, RRTYPE_MX = 15,
	RRTYPE_TXT = 16, RRTYPE_AAAA = 28, RRTYPE_SRV = 33, RRTYPE_DNAME = 39, RRTYPE_DS = 43, RRTYPE_SPF = 99,
	RRTYPE_ANY = 255,
};

enum { RRTYPE_TEXT_MAX = 16 }; /* bytes for any name, the NUL included */

/* "MX", "TYPE65280", any case. Returns 0 or -EINVAL. */
must_check int rrtype_from_text(struct span text, uint16_t *out_type);

/* The mnemonic, a static string; "TYPE731" written into ROOM for a number without one, and for
 * the types that the first releases of named 9.18 do not know (DSYNC, HHIT, BRID, RESINFO,
 * WALLET): every named reads what is returned. */
const char *rrtype_text(uint16_t type, char room[RRTYPE_TEXT_MAX]);

/* Types that cannot stand in a zone (ANY, AXFR, TSIG, OPT, and other meta types). */
bool rrtype_is_meta(uint16_t type);

/* The type that an LDAP attribute "<type>Record" holds ("mXRecord", "tYPE65280Record"; any case).
 * Returns 0, or -ENOENT for an attribute that is no record attribute or names a meta type. */
must_check int rrtype_from_attribute(struct span attribute, uint16_t *out_type);

/* Calls EACH with the attribute name ("aAAARecord") of every type with a mnemonic, for the list
 * of attributes to ask LDAP for. */
void rrtype_each_attribute(void (*each)(void *context, const char *attribute), void *context);
