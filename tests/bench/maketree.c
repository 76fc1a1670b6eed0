/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Writes an ISPMan tree of many small zones as LDIF, parents first, for the benchmarks.
 *
 *	maketree ZONES [RECORDS] [BASE]
 *
 * A zone has SOA, two NS and RECORDS - 3 addresses (5 records in all unless given): the apex, www, and h3, h4, ...
 * in the layout that ISPMan writes: a branch a type, a branch a value, an entry a record. Zone number N is
 * zN.bench.example's sibling "zN.example", so that all hang below dc=example as an ISP's customers hang below a few
 * top-level domains. The figures go to stderr.
 */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *base = "o=ispman";
static uint64_t entries;

static void
branch(const char *dn, const char *attribute, const char *value)
{
	printf("dn: %s,%s\nobjectClass: ispmanBranch\n%s: %s\n\n", dn, base, attribute, value);
	entries++;
}

/* One record below the branches of its type and its value; escaped differs from value where a DN needs it. */
static void
record(const char *zone, const char *zone_dn, const char *attribute, const char *value, const char *escaped,
       const char *owner, int with_value_branch)
{
	char dn[512];

	if (with_value_branch) {
		snprintf(dn, sizeof(dn), "%s=%s,ou=%s,%s", attribute, escaped, attribute, zone_dn);
		branch(dn, attribute, value);
	}
	printf("dn: relativeDomainName=%s,%s=%s,ou=%s,%s,%s\nobjectClass: dNSZone\nzoneName: %s\n"
	       "relativeDomainName: %s\n%s: %s\n\n",
	       owner, attribute, escaped, attribute, zone_dn, base, zone, owner, attribute, value);
	entries++;
}

static void
type_branch(const char *zone_dn, const char *attribute)
{
	char dn[256];

	snprintf(dn, sizeof(dn), "ou=%s,%s", attribute, zone_dn);
	branch(dn, "ou", attribute);
}

static void
zone(uint64_t number, unsigned records)
{
	char name[64], label[48], dn[128];

	snprintf(label, sizeof(label), "z%" PRIu64, number);
	snprintf(name, sizeof(name), "%s.example", label);
	snprintf(dn, sizeof(dn), "dc=%s,dc=example,ou=DNS", label);
	printf("dn: ispmanDomain=%s,%s\nobjectClass: ispmanDomain\nobjectClass: PureFTPdUser\nobjectClass: posixAccount\n"
	       "ispmanDomain: %s\nispmanDomainType: primary\nispmanDomainMailDeliveryMethod: local\nispmanStatus: active\n"
	       "cn: %s\nuid: %s\nuidNumber: %" PRIu64 "\ngidNumber: %" PRIu64 "\nhomeDirectory: /var/www/%s\n"
	       "loginShell: /bin/false\n\n",
	       name, base, name, name, name, 10000 + number, 10000 + number, name);
	entries++;
	branch(dn, "dc", label);
	type_branch(dn, "sOARecord");
	record(name, dn, "sOARecord", "ns1.isp.example. hostmaster.isp.example. 2026010101 3H 30M 1W 1D",
	       "ns1.isp.example. hostmaster.isp.example. 2026010101 3H 30M 1W 1D", "@", 1);
	type_branch(dn, "nSRecord");
	record(name, dn, "nSRecord", "ns1.isp.example.", "ns1.isp.example.", "@", 1);
	record(name, dn, "nSRecord", "ns2.isp.example.", "ns2.isp.example.", "@", 1);
	type_branch(dn, "aRecord");
	for (unsigned i = 0; i + 3 < records; i++) {
		uint64_t address = number * 7 + i;
		char value[32], owner[16];

		snprintf(value, sizeof(value), "198.%u.%u.%u", (unsigned)(18 + (address >> 16 & 1)),
		         (unsigned)(address >> 8 & 255), (unsigned)(address & 255));
		if (i < 2)
			snprintf(owner, sizeof(owner), "%s", i == 0 ? "@" : "www");
		else
			snprintf(owner, sizeof(owner), "h%u", i + 1);
		record(name, dn, "aRecord", value, value, owner, 1);
	}
}

int
main(int argc, char **argv)
{
	uint64_t zones = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	unsigned records = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 5;

	if (zones == 0 || records < 3) {
		fprintf(stderr, "usage: maketree ZONES [RECORDS >= 3] [BASE]\n");
		return 2;
	}
	if (argc > 3)
		base = argv[3];
	printf("dn: %s\nobjectClass: organization\no: ispman\n\n", base);
	entries++;
	branch("ou=DNS", "ou", "DNS");
	branch("dc=example,ou=DNS", "dc", "example");
	for (uint64_t i = 0; i < zones; i++)
		zone(i, records);
	if (fflush(stdout) != 0) {
		perror("maketree");
		return 1;
	}
	fprintf(stderr, "%" PRIu64 " zones of %u records: %" PRIu64 " entries\n", zones, records, entries);
	return 0;
}
