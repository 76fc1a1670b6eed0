/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Writes a mail hoster's ISPMan tree, and questions about it with their answers, for the benchmarks.
 *
 *	makemail tree USERS             LDIF, parents first
 *	makemail virtual USERS          the same as lines of a virtual alias table: key, blank, addresses
 *	makemail keys USERS KIND COUNT  lines of key, tab, answer of the alias map (nothing: absent)
 *
 * A hundred users a domain. Of the users every fourth has an alias, every eighth forwards a copy, every sixteenth has
 * no mailbox and only forwards; each domain has a group; each fourth has a catch-all, each fifth a replica.
 * Domains have no DNS data (their type says so): only mail is measured.
 *
 * KIND: hit (as stored), case (as typed in odd case), ext (with +extension), alias, group, replica, catch-all,
 * deep (catch-all, with an extension) and unknown. Users come in an order that is far from that of the tree.
 */
#include <config.h>

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USERS_A_DOMAIN = 100, CATCH_ALL_EACH = 4, REPLICA_EACH = 5, NAME_SIZE = 96 };

static const char *const first_names[] = { "anna", "boris", "carla", "dinesh", "elena", "farid", "greta",
	                                   "hiro", "ines", "jonas", "katja", "liam", "mona", "nils",
	                                   "olga", "pavel", "rosa", "sven", "tara", "yusuf" };
static const char *const last_names[] = { "keller", "brandt", "moreau", "novak", "lindqvist", "okafor", "santos",
	                                  "tanaka", "weiss", "zeman", "abbott", "castro", "dubois", "eriksen",
	                                  "fischer", "gallo", "horvat", "ivanova", "jansen", "kowalski" };
enum { FIRST_NAMES = sizeof(first_names) / sizeof(*first_names), LAST_NAMES = sizeof(last_names) / sizeof(*last_names) };
_Static_assert((int)FIRST_NAMES * (int)LAST_NAMES >= (int)USERS_A_DOMAIN, "a domain's local parts are unique");

static const char base[] = "o=ispman";

/* A user, in all spellings. */
struct user {
	uint64_t domain_number;
	unsigned place; /* in the domain */
	char first[16], last[16], local[40], domain[NAME_SIZE];
};

static struct user
user_number(uint64_t number)
{
	struct user u = { .domain_number = number / USERS_A_DOMAIN, .place = (unsigned)(number % USERS_A_DOMAIN) };

	snprintf(u.first, sizeof(u.first), "%s", first_names[(u.place + u.domain_number) % FIRST_NAMES]);
	snprintf(u.last, sizeof(u.last), "%s", last_names[(u.place / FIRST_NAMES + u.domain_number) % LAST_NAMES]);
	snprintf(u.local, sizeof(u.local), "%s.%s", u.first, u.last);
	snprintf(u.domain, sizeof(u.domain), "firm%" PRIu64 ".example", u.domain_number);
	return u;
}

static int
has_alias(const struct user *u)
{
	return u->place % 4 == 0;
}

static int
has_mailbox(const struct user *u)
{
	return u->place % 16 != 3;
}

static int
forwards(const struct user *u)
{
	return u->place % 8 == 1 || !has_mailbox(u);
}

static int
has_catch_all(uint64_t domain)
{
	return domain % CATCH_ALL_EACH == 0;
}

static int
has_replica(uint64_t domain)
{
	return domain % REPLICA_EACH == 0;
}

/* What the alias map answers for U. EXTENSION stands at the end of a local part; addresses elsewhere get none. */
static void
print_targets(const struct user *u, const char *extension)
{
	if (has_mailbox(u))
		printf("%s%s@%s", u->local, extension, u->domain);
	if (forwards(u))
		printf("%s%s.%s@away.example", has_mailbox(u) ? "," : "", u->last, u->first);
}

static void
print_members(uint64_t domain, uint64_t users, const char *before, const char *between)
{
	for (unsigned i = 0; i < 5 && domain * USERS_A_DOMAIN + i < users; i++) {
		struct user u = user_number(domain * USERS_A_DOMAIN + i);

		printf("%s%s@%s%s", before, u.local, u.domain, between);
	}
	printf("%soutsider@away.example", before);
}

static uint64_t
print_domain(uint64_t number, const char *domain)
{
	printf("dn: ispmanDomain=%s,%s\nobjectClass: ispmanDomain\nobjectClass: PureFTPdUser\nobjectClass: posixAccount\n"
	       "ispmanDomain: %s\nispmanDomainType: nodns\nispmanDomainMailDeliveryMethod: local\nispmanStatus: active\n"
	       "cn: %s\nuid: %s\nuidNumber: %" PRIu64 "\ngidNumber: %" PRIu64 "\nhomeDirectory: /var/www/%s\n"
	       "loginShell: /bin/false\n\n",
	       domain, base, domain, domain, domain, 10000 + number, 10000 + number, domain);
	printf("dn: ou=users,ispmanDomain=%s,%s\nobjectClass: ispmanBranch\nou: users\n\n", domain, base);
	printf("dn: ou=ispmanMailGroup,ispmanDomain=%s,%s\nobjectClass: ispmanBranch\nou: ispmanMailGroup\n\n", domain, base);
	return 3;
}

static uint64_t
print_replica(uint64_t number, const char *domain)
{
	printf("dn: ispmanDomain=old-firm%" PRIu64 ".example,%s\nobjectClass: ispmanDomain\nobjectClass: ispmanBranch\n"
	       "ispmanDomain: old-firm%" PRIu64 ".example\nispmanDomainType: replica\nispmanReplicaMaster: %s\n"
	       "ispmanDomainMailDeliveryMethod: local\nispmanStatus: active\nmailLocalAddress: @old-firm%" PRIu64 ".example\n"
	       "mailForwardingAddress: @%s\n\n",
	       number, base, number, domain, number, domain);
	return 1;
}

/* Returns how many addresses. */
static uint64_t
print_user(uint64_t number, const struct user *u)
{
	char login[2 * NAME_SIZE];
	uint64_t addresses = 1;

	snprintf(login, sizeof(login), "%s_%s_firm%" PRIu64 "_example", u->first, u->last, u->domain_number);
	printf("dn: uid=%s,ou=users,ispmanDomain=%s,%s\nobjectClass: posixAccount\nobjectClass: ispmanDomainUser\n"
	       "objectClass: radiusprofile\nuid: %s\nuid: %s@%s\nispmanUserId: %s\nispmanDomain: %s\ngivenName: %s\nsn: %s\n"
	       "cn: %s %s\nuidNumber: %" PRIu64 "\ngidNumber: %" PRIu64 "\nhomeDirectory: /var/www/%s/users/%s\n"
	       "loginShell: /bin/false\nispmanStatus: active\nispmanCreateTimestamp: 1700000000\nmailQuota: 102400\n"
	       "mailLocalAddress: %s@%s\n",
	       login, u->domain, base, login, u->local, u->domain, u->local, u->domain, u->first, u->last, u->first, u->last,
	       2000000 + number, 10000 + u->domain_number, u->domain, login, u->local, u->domain);
	if (has_mailbox(u))
		printf("mailHost: mail%u.isp.example\nmailRoutingAddress: %s@%s\n", (unsigned)(u->domain_number % 4), u->local,
		       u->domain);
	if (forwards(u))
		printf("mailForwardingAddress: %s.%s@away.example\n", u->last, u->first);
	if (has_alias(u)) {
		printf("mailAlias: desk%u@%s\n", u->place, u->domain);
		addresses++;
	}
	if (u->place == 0 && has_catch_all(u->domain_number)) {
		printf("mailAlias: @%s\n", u->domain);
		addresses++;
	}
	printf("\n");
	return addresses;
}

static void
tree(uint64_t users)
{
	uint64_t entries = 1, addresses = 0, domains = 0;

	printf("dn: %s\nobjectClass: organization\no: ispman\n\n", base);
	for (uint64_t i = 0; i < users; i++) {
		struct user u = user_number(i);

		if (u.place == 0) {
			entries += print_domain(u.domain_number, u.domain);
			domains++;
			if (has_replica(u.domain_number)) {
				entries += print_replica(u.domain_number, u.domain);
				domains++;
			}
			printf("dn: cn=staff,ou=ispmanMailGroup,ispmanDomain=%s,%s\nobjectClass: ispmanMailGroup\ncn: staff\n"
			       "ispmanDomain: %s\nmailLocalAddress: staff@%s\nmailAlias: crew@%s\n",
			       u.domain, base, u.domain, u.domain, u.domain);
			print_members(u.domain_number, users, "mailForwardingAddress: ", "\n");
			printf("\n\n");
			entries++;
			addresses += 2;
		}
		addresses += print_user(i, &u);
		entries++;
	}
	fprintf(stderr, "%" PRIu64 " users, %" PRIu64 " domains, %" PRIu64 " addresses, %" PRIu64 " entries\n", users, domains,
	        addresses, entries);
}

static void
virtual_table(uint64_t users)
{
	for (uint64_t i = 0; i < users; i++) {
		struct user u = user_number(i);

		if (u.place == 0) {
			if (has_replica(u.domain_number))
				printf("@old-%s @%s\n", u.domain, u.domain);
			for (int alias = 0; alias < 2; alias++) {
				printf("%s@%s ", alias ? "crew" : "staff", u.domain);
				print_members(u.domain_number, users, "", ",");
				printf("\n");
			}
			if (has_catch_all(u.domain_number)) {
				printf("@%s ", u.domain);
				print_targets(&u, "");
				printf("\n");
			}
		}
		printf("%s@%s ", u.local, u.domain);
		print_targets(&u, "");
		printf("\n");
		if (has_alias(&u)) {
			printf("desk%u@%s ", u.place, u.domain);
			print_targets(&u, "");
			printf("\n");
		}
	}
}

/* "anna.keller" as "Anna.Keller" */
static void
capitals(char *text)
{
	for (char *p = text; *p != '\0'; p++)
		if (p == text || p[-1] == '.' || p[-1] == '@')
			*p = (char)toupper((unsigned char)*p);
}

/* The SEQUENCE-th of TOTAL things in an order without neighbours. */
static uint64_t
scattered(uint64_t sequence, uint64_t total)
{
	const uint64_t prime = 2654435761;

	return sequence % total * (prime % total) % total;
}

static int
key(const char *kind, uint64_t users, uint64_t sequence)
{
	uint64_t domains = (users + USERS_A_DOMAIN - 1) / USERS_A_DOMAIN, domain = scattered(sequence, domains);
	struct user u = user_number(scattered(sequence, users));
	char typed[2 * NAME_SIZE], extension[32];

	snprintf(extension, sizeof(extension), "+shop%u", (unsigned)(sequence % 1000));
	if (strcmp(kind, "hit") == 0) {
		printf("%s@%s\t", u.local, u.domain);
		print_targets(&u, "");
	} else if (strcmp(kind, "case") == 0) {
		snprintf(typed, sizeof(typed), "%s@%s", u.local, u.domain);
		capitals(typed);
		printf("%s\t", typed);
		print_targets(&u, "");
	} else if (strcmp(kind, "ext") == 0) {
		printf("%s%s@%s\t", u.local, extension, u.domain);
		print_targets(&u, extension);
	} else if (strcmp(kind, "alias") == 0) {
		u = user_number(domain * USERS_A_DOMAIN);
		printf("desk0@%s\t", u.domain);
		print_targets(&u, "");
	} else if (strcmp(kind, "group") == 0) {
		printf("staff@firm%" PRIu64 ".example\t", domain);
		print_members(domain, users, "", ",");
	} else if (strcmp(kind, "replica") == 0) {
		uint64_t master = scattered(sequence, (domains + REPLICA_EACH - 1) / REPLICA_EACH) * REPLICA_EACH;
		uint64_t place = sequence % USERS_A_DOMAIN;

		u = user_number(master * USERS_A_DOMAIN + (master * USERS_A_DOMAIN + place < users ? place : 0));
		printf("%s@old-%s\t", u.local, u.domain);
		print_targets(&u, "");
	} else if (strcmp(kind, "catch-all") == 0 || strcmp(kind, "deep") == 0) {
		u = user_number(scattered(sequence, (domains + CATCH_ALL_EACH - 1) / CATCH_ALL_EACH) * CATCH_ALL_EACH *
		                USERS_A_DOMAIN);
		printf("nobody%" PRIu64 "%s@%s\t", sequence, *kind == 'd' ? extension : "", u.domain);
		print_targets(&u, "");
	} else if (strcmp(kind, "unknown") == 0) {
		printf("nobody%" PRIu64 "@%s%" PRIu64 ".example\t", sequence, has_catch_all(domain) ? "nowhere" : "firm", domain);
	} else {
		return -1;
	}
	printf("\n");
	return 0;
}

int
main(int argc, char **argv)
{
	uint64_t users = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;

	if (users == 0)
		argc = 0;
	if (argc == 3 && strcmp(argv[1], "tree") == 0) {
		tree(users);
	} else if (argc == 3 && strcmp(argv[1], "virtual") == 0) {
		virtual_table(users);
	} else if (argc == 5 && strcmp(argv[1], "keys") == 0) {
		for (uint64_t i = 0, count = strtoull(argv[4], NULL, 10); i < count; i++)
			if (key(argv[3], users, i) < 0) {
				fprintf(stderr, "makemail: there are no keys of kind %s\n", argv[3]);
				return 2;
			}
	} else {
		fprintf(stderr, "usage: makemail tree USERS | virtual USERS | keys USERS KIND COUNT\n");
		return 2;
	}
	if (fflush(stdout) != 0) {
		perror("makemail");
		return 1;
	}
	return 0;
}
