/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What each type of record holds, in the order of its text. Types that are not here (NULL, UINFO,
 * unknown ones) can only be written as "\# length hex" and hold any octets.
 */
#include <config.h>

#include "cache/rdata_read.h"

#define NAME(name) { &field_name, name, 0 }
#define U8(name) { &field_u8, name, 0 }
#define U16(name) { &field_u16, name, 0 }
#define U32(name) { &field_u32, name, 0 }
#define STRING(name) { &field_string, name, 0 }
#define STRINGS(name) { &field_strings, name, 0 }
#define HEX(name) { &field_hex, name, 1 }
#define BASE64(name) { &field_base64, name, 1 }
#define ONE_NAME(number, name) { number, FOLD, { NAME(name) } }
#define SIGNATURE(number, time, name)                                                                   \
	{                                                                                          \
		number, FOLD,                                                                      \
		{                                                                                  \
			{ &field_type, "type covered", 0 }, { &field_algorithm, "algorithm", 0 },  \
			U8("labels"), U32("original TTL"), { &(time), "expiration", 0 },           \
			{ &(time), "inception", 0 }, U16("key tag"), { &(name), "signer", 0 },               \
			BASE64("signature")                                                        \
		}                                                                                  \
	}
#define KEY(number) { number, EXACT, { { &field_key, "key", 1 } } }
#define DIGEST(number)                                                                             \
	{                                                                                          \
		number, EXACT, { U16("key tag"), { &field_algorithm, "algorithm", 0 },             \
			         { &field_ds, "digest", 1 } }                                      \
	}
#define SERVICE(number)                                                                            \
	{                                                                                          \
		number, EXACT, { U16("priority"), { &field_quoted_name, "target", 0 },             \
			         { &field_service_parameters, "parameters", 0 } }                  \
	}
#define CERTIFICATE(number)                                                                        \
	{                                                                                          \
		number, EXACT,                                                                     \
		{ U8("usage"), U8("selector"), U8("matching type"), HEX("certificate data") }      \
	}

static const struct rdata_type types[] = {
	{ 1, EXACT, { { &field_ipv4, "address", 0 } } },                    /* A */
	ONE_NAME(2, "server"),                                              /* NS */
	ONE_NAME(5, "target"),                                              /* CNAME */
	{ 6, FOLD,                                                          /* SOA */
	  { NAME("primary server"), NAME("mailbox"), U32("serial"), { &field_period, "refresh", 0 },
	    { &field_period, "retry", 0 }, { &field_period, "expire", 0 },
	    { &field_period, "minimum", 0 } } },
	ONE_NAME(7, "mail host"),                                           /* MB */
	ONE_NAME(8, "member"),                                              /* MG */
	ONE_NAME(9, "mailbox"),                                             /* MR */
	{ 11, EXACT, { { &field_wks, "ports", 0 } } },                      /* WKS */
	ONE_NAME(12, "target"),                                             /* PTR */
	{ 13, EXACT, { STRING("cpu"), STRING("os") } },                     /* HINFO */
	{ 14, FOLD, { NAME("responsible mailbox"), NAME("error mailbox") } }, /* MINFO */
	{ 15, FOLD, { U16("preference"), NAME("exchange") } },              /* MX */
	{ 16, EXACT, { STRINGS("text") } },                                 /* TXT */
	{ 17, FOLD, { NAME("mailbox"), NAME("text name") } },               /* RP */
	{ 18, FOLD, { U16("subtype"), NAME("host") } },                     /* AFSDB */
	{ 19, EXACT, { { &field_digits, "address", 0 } } },                 /* X25 */
	{ 20, EXACT, { STRING("address"), { &field_optional_string, "subaddress", 0 } } }, /* ISDN */
	{ 21, FOLD, { U16("preference"), NAME("host") } },                  /* RT */
	{ 22, EXACT, { { &field_nsap, "address", 1 } } },                   /* NSAP */
	ONE_NAME(23, "target"),                                             /* NSAP-PTR */
	SIGNATURE(24, field_date, field_name),                                          /* SIG */
	KEY(25),                                                            /* KEY */
	{ 26, FOLD, { U16("preference"), NAME("RFC 822 name"), NAME("X.400 name") } }, /* PX */
	{ 27, EXACT, { STRING("longitude"), STRING("latitude"), STRING("altitude") } }, /* GPOS */
	{ 28, EXACT, { { &field_ipv6, "address", 0 } } },                   /* AAAA */
	{ 29, EXACT, { { &field_location, "location", 0 } } },              /* LOC */
	{ 30, FOLD, { NAME("next name"), { &field_old_types, "types", 0 } } }, /* NXT */
	{ 31, EXACT, { HEX("endpoint") } },                                 /* EID */
	{ 32, EXACT, { HEX("locator") } },                                  /* NIMLOC */
	{ 33, FOLD, { U16("priority"), U16("weight"), U16("port"), NAME("target") } }, /* SRV */
	{ 34, EXACT, { { &field_atma, "address", 0 } } },                   /* ATMA */
	{ 35, FOLD,                                                         /* NAPTR */
	  { U16("order"), U16("preference"), STRING("flags"), STRING("service"),
	    { &field_regexp, "regexp", 0 }, NAME("replacement") } },
	{ 36, FOLD, { U16("preference"), NAME("exchanger") } },             /* KX */
	{ 37, EXACT,                                                        /* CERT */
	  { { &field_cert_type, "type", 0 }, U16("key tag"), { &field_algorithm, "algorithm", 0 },
	    BASE64("certificate") } },
	{ 38, FOLD, { { &field_a6, "suffix", 0 } } },                       /* A6 */
	ONE_NAME(39, "target"),                                             /* DNAME */
	{ 40, EXACT,                                                        /* SINK */
	  { U8("meaning"), U8("coding"), U8("subcoding"), { &field_base64, "data", 0 } } },
	{ 42, EXACT, { { &field_apl, "prefixes", 0 } } },                   /* APL */
	DIGEST(43),                                                         /* DS */
	{ 44, EXACT, { U8("algorithm"), { &field_fingerprint, "fingerprint", 0 } } }, /* SSHFP */
	{ 45, EXACT,                                                        /* IPSECKEY */
	  { U8("precedence"), { &field_ipseckey, "gateway", 0 }, BASE64("public key") } },
	SIGNATURE(46, field_moment, field_signer),                                        /* RRSIG */
	{ 47, EXACT, { NAME("next name"), { &field_types, "types", 1 } } }, /* NSEC */
	KEY(48),                                                            /* DNSKEY */
	{ 49, EXACT, { BASE64("identifier") } },                            /* DHCID */
	{ 50, EXACT,                                                        /* NSEC3 */
	  { { &field_hash_algorithm, "hash algorithm", 0 }, U8("flags"), U16("iterations"),
	    { &field_salt, "salt", 0 }, { &field_next_hash, "next hash", 0 },
	    { &field_types, "types", 0 } } },
	{ 51, EXACT,                                                        /* NSEC3PARAM */
	  { { &field_hash_algorithm, "hash algorithm", 0 }, U8("flags"), U16("iterations"),
	    { &field_salt, "salt", 0 } } },
	CERTIFICATE(52),                                                    /* TLSA */
	CERTIFICATE(53),                                                    /* SMIMEA */
	{ 55, EXACT, { { &field_hip, "host identity tag", 0 } } },          /* HIP */
	{ 56, EXACT, { STRINGS("text") } },                                 /* NINFO */
	KEY(57),                                                            /* RKEY */
	{ 58, EXACT, { NAME("start"), NAME("end") } },                      /* TALINK */
	DIGEST(59),                                                         /* CDS */
	KEY(60),                                                            /* CDNSKEY */
	{ 61, EXACT, { BASE64("key") } },                                   /* OPENPGPKEY */
	{ 62, EXACT, { U32("serial"), U16("flags"), { &field_types, "types", 0 } } }, /* CSYNC */
	{ 63, EXACT,                                                        /* ZONEMD */
	  { U32("serial"), U8("scheme"), { &field_zone_digest, "digest", 12 } } },
	SERVICE(64),                                                        /* SVCB */
	SERVICE(65),                                                        /* HTTPS */
	{ 66, EXACT,                                                        /* DSYNC */
	  { { &field_type, "type", 0 }, { &field_sync_scheme, "scheme", 0 }, U16("port"),
	    NAME("target") } },
	{ 67, GENERIC, { BASE64("data") } },                                  /* HHIT */
	{ 68, GENERIC, { BASE64("data") } },                                  /* BRID */
	{ 99, EXACT, { STRINGS("text") } },                                 /* SPF */
	{ 104, EXACT, { U16("preference"), { &field_locator, "node", 0 } } }, /* NID */
	{ 105, EXACT, { U16("preference"), { &field_ipv4, "locator", 0 } } }, /* L32 */
	{ 106, EXACT, { U16("preference"), { &field_locator, "locator", 0 } } }, /* L64 */
	{ 107, EXACT, { U16("preference"), NAME("target") } },              /* LP */
	{ 108, EXACT, { { &field_eui, "address", 6 } } },                   /* EUI48 */
	{ 109, EXACT, { { &field_eui, "address", 8 } } },                   /* EUI64 */
	{ 256, EXACT,                                                       /* URI */
	  { U16("priority"), U16("weight"), { &field_quoted_uri, "target", 0 } } },
	{ 257, EXACT,                                                       /* CAA */
	  { U8("flags"), { &field_tag, "tag", 0 }, { &field_long_string, "value", 0 } } },
	{ 258, EXACT, { STRINGS("text") } },                                /* AVC */
	{ 259, EXACT,                                                       /* DOA */
	  { U32("enterprise"), U32("type"), U8("location"), STRING("media type"),
	    { &field_doa_data, "data", 0 } } },
	{ 260, EXACT, { U8("precedence"), { &field_amtrelay, "relay", 0 } } }, /* AMTRELAY */
	{ 261, GENERIC, { STRINGS("text") } },                                /* RESINFO */
	{ 262, GENERIC, { STRINGS("text") } },                                /* WALLET */
	DIGEST(32768),                                                      /* TA */
	DIGEST(32769),                                                      /* DLV */
	{ 65533, EXACT, { { &field_keydata, "key data", 0 } } },            /* KEYDATA */
};

const struct rdata_type *
rdata_type_find(uint16_t type)
{
	size_t low = 0, high = array_size(types);

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (types[middle].type == type)
			return &types[middle];
		if (types[middle].type < type)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
