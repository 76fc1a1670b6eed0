/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The mnemonics of named 9.18. They are few and asked for rarely, so the table is searched from
 * its start; a record's type travels as a number everywhere else.
 */
#include <config.h>

#include "cache/rrtype.h"

#include <errno.h>
#include <stdio.h>

struct mnemonic {
	uint16_t type;
	bool meta; /* asked for or sent, never stored in a zone */
	const char *text;
};

static const struct mnemonic mnemonics[] = {
	{ 1, false, "A" },
	{ 2, false, "NS" },
	{ 3, false, "MD" },
	{ 4, false, "MF" },
	{ 5, false, "CNAME" },
	{ 6, false, "SOA" },
	{ 7, false, "MB" },
	{ 8, false, "MG" },
	{ 9, false, "MR" },
	{ 10, false, "NULL" },
	{ 11, false, "WKS" },
	{ 12, false, "PTR" },
	{ 13, false, "HINFO" },
	{ 14, false, "MINFO" },
	{ 15, false, "MX" },
	{ 16, false, "TXT" },
	{ 17, false, "RP" },
	{ 18, false, "AFSDB" },
	{ 19, false, "X25" },
	{ 20, false, "ISDN" },
	{ 21, false, "RT" },
	{ 22, false, "NSAP" },
	{ 23, false, "NSAP-PTR" },
	{ 24, false, "SIG" },
	{ 25, false, "KEY" },
	{ 26, false, "PX" },
	{ 27, false, "GPOS" },
	{ 28, false, "AAAA" },
	{ 29, false, "LOC" },
	{ 30, false, "NXT" },
	{ 31, false, "EID" },
	{ 32, false, "NIMLOC" },
	{ 33, false, "SRV" },
	{ 34, false, "ATMA" },
	{ 35, false, "NAPTR" },
	{ 36, false, "KX" },
	{ 37, false, "CERT" },
	{ 38, false, "A6" },
	{ 39, false, "DNAME" },
	{ 40, false, "SINK" },
	{ 41, true, "OPT" },
	{ 42, false, "APL" },
	{ 43, false, "DS" },
	{ 44, false, "SSHFP" },
	{ 45, false, "IPSECKEY" },
	{ 46, false, "RRSIG" },
	{ 47, false, "NSEC" },
	{ 48, false, "DNSKEY" },
	{ 49, false, "DHCID" },
	{ 50, false, "NSEC3" },
	{ 51, false, "NSEC3PARAM" },
	{ 52, false, "TLSA" },
	{ 53, false, "SMIMEA" },
	{ 55, false, "HIP" },
	{ 56, false, "NINFO" },
	{ 57, false, "RKEY" },
	{ 58, false, "TALINK" },
	{ 59, false, "CDS" },
	{ 60, false, "CDNSKEY" },
	{ 61, false, "OPENPGPKEY" },
	{ 62, false, "CSYNC" },
	{ 63, false, "ZONEMD" },
	{ 64, false, "SVCB" },
	{ 65, false, "HTTPS" },
	{ 66, false, "DSYNC" },
	{ 67, false, "HHIT" },
	{ 68, false, "BRID" },
	{ 99, false, "SPF" },
	{ 100, false, "UINFO" },
	{ 101, false, "UID" },
	{ 102, false, "GID" },
	{ 103, false, "UNSPEC" },
	{ 104, false, "NID" },
	{ 105, false, "L32" },
	{ 106, false, "L64" },
	{ 107, false, "LP" },
	{ 108, false, "EUI48" },
	{ 109, false, "EUI64" },
	{ 249, true, "TKEY" },
	{ 250, true, "TSIG" },
	{ 251, true, "IXFR" },
	{ 252, true, "AXFR" },
	{ 253, true, "MAILB" },
	{ 254, true, "MAILA" },
	{ 255, true, "ANY" },
	{ 256, false, "URI" },
	{ 257, false, "CAA" },
	{ 258, false, "AVC" },
	{ 259, false, "DOA" },
	{ 260, false, "AMTRELAY" },
	{ 261, false, "RESINFO" },
	{ 262, false, "WALLET" },
	{ 32768, false, "TA" },
	{ 32769, false, "DLV" },
};

/* named's own bookkeeping type: it reads the mnemonic but prints TYPE65533. */
enum { KEYDATA = 65533 };

static const struct mnemonic *
find_type(uint16_t type)
{
	for (size_t i = 0; i < array_size(mnemonics); i++)
		if (mnemonics[i].type == type)
			return &mnemonics[i];
	return NULL;
}

/* Types that cannot stand in a zone: RFC 6895 sets 128 to 255 aside for questions and meta data. */
static bool
is_meta(uint16_t type)
{
	const struct mnemonic *m = find_type(type);

	return type == 0 || (type >= 128 && type <= 255) || (m != NULL && m->meta);
}

int
rrtype_from_text(struct span text, uint16_t *out_type)
{
	uint64_t number;
	uint64_t max = UINT16_MAX;

	for (size_t i = 0; i < array_size(mnemonics); i++) {
		if (span_is_nocase(text, span_of(mnemonics[i].text))) {
			*out_type = mnemonics[i].type;
			return 0;
		}
	}
	if (span_is_nocase(text, SPAN("KEYDATA"))) {
		*out_type = KEYDATA;
		return 0;
	}
	/* named looks at no more than five characters after TYPE. */
	if (!span_starts_nocase(text, SPAN("TYPE")) || text.len > 9)
		return -EINVAL;
	text = span_skip(text, 4);
	/* named reads the number with strtoul(), which lets blanks and one sign pass. */
	while (text.len > 0 && (text.data[0] == '\v' || text.data[0] == '\f'))
		text = span_skip(text, 1);
	if (text.len > 0 && (text.data[0] == '+' || text.data[0] == '-')) {
		max = text.data[0] == '-' ? 0 : UINT16_MAX;
		text = span_skip(text, 1);
	}
	if (span_to_u64(text, max, &number) < 0)
		return -EINVAL;
	*out_type = (uint16_t)number;
	return 0;
}

const char *
rrtype_text(uint16_t type, char room[RRTYPE_TEXT_MAX])
{
	const struct mnemonic *m = find_type(type);

	if (m != NULL)
		return m->text;
	snprintf(room, RRTYPE_TEXT_MAX, "TYPE%u", type);
	return room;
}

int
rrtype_from_attribute(struct span attribute, uint16_t *out_type)
{
	static const struct span suffix = SPAN("Record");
	uint16_t type;

	if (!span_ends_nocase(attribute, suffix))
		return -ENOENT;
	attribute.len -= suffix.len;
	/* What rrtype_from_text lets pass beside these is no LDAP attribute name. */
	for (size_t i = 0; i < attribute.len; i++)
		if (strchr("+\v\f", attribute.data[i]) != NULL)
			return -ENOENT;
	if (rrtype_from_text(attribute, &type) < 0 || is_meta(type))
		return -ENOENT;
	*out_type = type;
	return 0;
}

void
rrtype_each_attribute(void (*each)(void *context, const char *attribute), void *context)
{
	char attribute[RRTYPE_TEXT_MAX + sizeof("Record")];

	for (size_t i = 0; i < array_size(mnemonics); i++) {
		if (mnemonics[i].meta)
			continue;
		snprintf(attribute, sizeof(attribute), "%c%sRecord",
		         ascii_lower(mnemonics[i].text[0]), mnemonics[i].text + 1);
		each(context, attribute);
	}
}
