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

enum kind {
	DATA,
	META,  /* asked for or sent, never stored in a zone */
	YOUNG, /* not known to the first releases of 9.18: read, but printed as TYPE731 */
};

struct mnemonic {
	uint16_t type;
	enum kind kind;
	const char *text;
};

static const struct mnemonic mnemonics[] = {
	{ 1, DATA, "A" },
	{ 2, DATA, "NS" },
	{ 3, DATA, "MD" },
	{ 4, DATA, "MF" },
	{ 5, DATA, "CNAME" },
	{ 6, DATA, "SOA" },
	{ 7, DATA, "MB" },
	{ 8, DATA, "MG" },
	{ 9, DATA, "MR" },
	{ 10, DATA, "NULL" },
	{ 11, DATA, "WKS" },
	{ 12, DATA, "PTR" },
	{ 13, DATA, "HINFO" },
	{ 14, DATA, "MINFO" },
	{ 15, DATA, "MX" },
	{ 16, DATA, "TXT" },
	{ 17, DATA, "RP" },
	{ 18, DATA, "AFSDB" },
	{ 19, DATA, "X25" },
	{ 20, DATA, "ISDN" },
	{ 21, DATA, "RT" },
	{ 22, DATA, "NSAP" },
	{ 23, DATA, "NSAP-PTR" },
	{ 24, DATA, "SIG" },
	{ 25, DATA, "KEY" },
	{ 26, DATA, "PX" },
	{ 27, DATA, "GPOS" },
	{ 28, DATA, "AAAA" },
	{ 29, DATA, "LOC" },
	{ 30, DATA, "NXT" },
	{ 31, DATA, "EID" },
	{ 32, DATA, "NIMLOC" },
	{ 33, DATA, "SRV" },
	{ 34, DATA, "ATMA" },
	{ 35, DATA, "NAPTR" },
	{ 36, DATA, "KX" },
	{ 37, DATA, "CERT" },
	{ 38, DATA, "A6" },
	{ 39, DATA, "DNAME" },
	{ 40, DATA, "SINK" },
	{ 41, META, "OPT" },
	{ 42, DATA, "APL" },
	{ 43, DATA, "DS" },
	{ 44, DATA, "SSHFP" },
	{ 45, DATA, "IPSECKEY" },
	{ 46, DATA, "RRSIG" },
	{ 47, DATA, "NSEC" },
	{ 48, DATA, "DNSKEY" },
	{ 49, DATA, "DHCID" },
	{ 50, DATA, "NSEC3" },
	{ 51, DATA, "NSEC3PARAM" },
	{ 52, DATA, "TLSA" },
	{ 53, DATA, "SMIMEA" },
	{ 55, DATA, "HIP" },
	{ 56, DATA, "NINFO" },
	{ 57, DATA, "RKEY" },
	{ 58, DATA, "TALINK" },
	{ 59, DATA, "CDS" },
	{ 60, DATA, "CDNSKEY" },
	{ 61, DATA, "OPENPGPKEY" },
	{ 62, DATA, "CSYNC" },
	{ 63, DATA, "ZONEMD" },
	{ 64, DATA, "SVCB" },
	{ 65, DATA, "HTTPS" },
	{ 66, YOUNG, "DSYNC" },
	{ 67, YOUNG, "HHIT" },
	{ 68, YOUNG, "BRID" },
	{ 99, DATA, "SPF" },
	{ 100, DATA, "UINFO" },
	{ 101, DATA, "UID" },
	{ 102, DATA, "GID" },
	{ 103, DATA, "UNSPEC" },
	{ 104, DATA, "NID" },
	{ 105, DATA, "L32" },
	{ 106, DATA, "L64" },
	{ 107, DATA, "LP" },
	{ 108, DATA, "EUI48" },
	{ 109, DATA, "EUI64" },
	{ 249, META, "TKEY" },
	{ 250, META, "TSIG" },
	{ 251, META, "IXFR" },
	{ 252, META, "AXFR" },
	{ 253, META, "MAILB" },
	{ 254, META, "MAILA" },
	{ 255, META, "ANY" },
	{ 256, DATA, "URI" },
	{ 257, DATA, "CAA" },
	{ 258, DATA, "AVC" },
	{ 259, DATA, "DOA" },
	{ 260, DATA, "AMTRELAY" },
	{ 261, YOUNG, "RESINFO" },
	{ 262, YOUNG, "WALLET" },
	{ 32768, DATA, "TA" },
	{ 32769, DATA, "DLV" },
	{ 65533, YOUNG, "KEYDATA" }, /* old, but named never prints its name */
};

static const struct mnemonic *
find_type(uint16_t type)
{
	for (size_t i = 0; i < array_size(mnemonics); i++)
		if (mnemonics[i].type == type)
			return &mnemonics[i];
	return NULL;
}

bool
rrtype_is_meta(uint16_t type)
{
	const struct mnemonic *m = find_type(type);

	/* RFC 6895 sets 128 to 255 aside for questions and meta data. */
	return type == 0 || (type >= 128 && type <= 255) || (m != NULL && m->kind == META);
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

	if (m != NULL && m->kind != YOUNG)
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
	if (rrtype_from_text(attribute, &type) < 0 || rrtype_is_meta(type))
		return -ENOENT;
	*out_type = type;
	return 0;
}

void
rrtype_each_attribute(void (*each)(void *context, const char *attribute), void *context)
{
	char attribute[RRTYPE_TEXT_MAX + sizeof("Record")];

	for (size_t i = 0; i < array_size(mnemonics); i++) {
		if (mnemonics[i].kind == META)
			continue;
		snprintf(attribute, sizeof(attribute), "%c%sRecord",
		         ascii_lower(mnemonics[i].text[0]), mnemonics[i].text + 1);
		each(context, attribute);
	}
}
