/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Writes an ISPMan tree of users with passwords, and logins into it, for the benchmarks.
 *
 *	makelogins tree USERS BCRYPT_EACH HOMES            LDIF, parents first
 *	makelogins logins USERS BCRYPT_EACH KIND COUNT     lines of login, tab, password, tab, "ok" or "no"
 *
 * A hundred users a domain, who log in by their address. Of each BCRYPT_EACH users the last has {CRYPT}$2b$10$..., the others
 * {SSHA}. HOMES is a folder's path; homes are HOMES/DOMAIN/USER.
 *
 * KIND: ssha, bcrypt (with the right password), wrong (of ssha users) and unknown. Users come in an order that is far from that of
 * the tree.
 *
 * A bcrypt of cost 10 takes as long as a hundred thousand logins by SSHA, so there are only a few different ones, which
 * many users share, and their passwords with them. Whoever remembers what was verified must tell users apart all the same.
 */
#include <config.h>

#include <crypt.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USERS_A_DOMAIN = 100, BCRYPTS = 8, SALT_SIZE = 8, PASSWORD_ROOM = 32 };

static const char base[] = "o=ispman";
static uint64_t users, bcrypt_each;
static char bcrypts[BCRYPTS][CRYPT_OUTPUT_SIZE];

static bool
has_bcrypt(uint64_t number)
{
	return number % bcrypt_each == bcrypt_each - 1;
}

static void
password_of(uint64_t number, char *out)
{
	if (has_bcrypt(number))
		snprintf(out, PASSWORD_ROOM, "slow-%" PRIu64 "-secret", number / bcrypt_each % BCRYPTS);
	else
		snprintf(out, PASSWORD_ROOM, "pass-%" PRIu64 "-word", number * 7919 % 1000003);
}

static void
make_bcrypts(void)
{
	static struct crypt_data data;

	for (uint64_t i = 0; i < BCRYPTS; i++) {
		char password[PASSWORD_ROOM], setting[] = "$2b$10$abcdefghijklmnopqrstuu";

		password_of(i * bcrypt_each + bcrypt_each - 1, password);
		setting[10] = (char)('A' + i);
		if (crypt_rn(password, setting, &data, sizeof(data)) == NULL) {
			perror("makelogins: bcrypt");
			exit(1);
		}
		snprintf(bcrypts[i], sizeof(bcrypts[i]), "%s", data.output);
	}
}

static void
print_stored(uint64_t number)
{
	unsigned char salted[PASSWORD_ROOM + SALT_SIZE], value[SHA_DIGEST_LENGTH + SALT_SIZE], encoded[2 * sizeof(value)];
	unsigned char *salt = value + SHA_DIGEST_LENGTH;
	char password[PASSWORD_ROOM];
	size_t len;

	if (has_bcrypt(number)) {
		printf("userPassword: {CRYPT}%s\n", bcrypts[number / bcrypt_each % BCRYPTS]);
		return;
	}
	password_of(number, password);
	len = strlen(password);
	for (unsigned i = 0; i < SALT_SIZE; i++)
		salt[i] = (unsigned char)((number * 2654435761u) >> (4 * i));
	memcpy(salted, password, len);
	memcpy(salted + len, salt, SALT_SIZE);
	SHA1(salted, len + SALT_SIZE, value);
	EVP_EncodeBlock(encoded, value, sizeof(value));
	printf("userPassword: {SSHA}%s\n", encoded);
}

static void
print_domain(uint64_t domain, const char *homes)
{
	printf("dn: ispmanDomain=firm%" PRIu64 ".example,%s\nobjectClass: ispmanDomain\nobjectClass: PureFTPdUser\n"
	       "objectClass: posixAccount\nispmanDomain: firm%" PRIu64 ".example\nispmanDomainType: nodns\n"
	       "ispmanDomainMailDeliveryMethod: local\nispmanStatus: active\ncn: firm%" PRIu64 ".example\n"
	       "uid: firm%" PRIu64 ".example\nuidNumber: %" PRIu64 "\ngidNumber: %" PRIu64 "\n"
	       "homeDirectory: %s/firm%" PRIu64 ".example\nloginShell: /bin/false\nuserPassword: noEntry\n\n",
	       domain, base, domain, domain, domain, 10000 + domain, 10000 + domain, homes, domain);
	printf("dn: ou=users,ispmanDomain=firm%" PRIu64 ".example,%s\nobjectClass: ispmanBranch\nou: users\n\n", domain, base);
}

static void
print_user(uint64_t number, const char *homes)
{
	uint64_t domain = number / USERS_A_DOMAIN;

	printf("dn: uid=user%" PRIu64 "_firm%" PRIu64 "_example,ou=users,ispmanDomain=firm%" PRIu64 ".example,%s\n"
	       "objectClass: posixAccount\nobjectClass: ispmanDomainUser\nobjectClass: radiusprofile\n"
	       "uid: user%" PRIu64 "_firm%" PRIu64 "_example\nuid: user%" PRIu64 "@firm%" PRIu64 ".example\n",
	       number, domain, domain, base, number, domain, number, domain);
	printf("ispmanUserId: user%" PRIu64 "\nispmanDomain: firm%" PRIu64 ".example\ngivenName: User\nsn: Number%" PRIu64 "\n"
	       "cn: User Number%" PRIu64 "\nuidNumber: %" PRIu64 "\ngidNumber: %" PRIu64 "\n"
	       "homeDirectory: %s/firm%" PRIu64 ".example/user%" PRIu64 "\nloginShell: /bin/false\nispmanStatus: active\n",
	       number, domain, number, number, 2000000 + number, 10000 + domain, homes, domain, number);
	printf("ispmanCreateTimestamp: 1700000000\nmailQuota: 102400\nmailHost: mail1.isp.example\n"
	       "mailLocalAddress: user%" PRIu64 "@firm%" PRIu64 ".example\n"
	       "mailRoutingAddress: user%" PRIu64 "@firm%" PRIu64 ".example\n",
	       number, domain, number, domain);
	print_stored(number);
	printf("\n");
}

static void
tree(const char *homes)
{
	make_bcrypts();
	printf("dn: %s\nobjectClass: organization\no: ispman\n\n", base);
	for (uint64_t i = 0; i < users; i++) {
		if (i % USERS_A_DOMAIN == 0)
			print_domain(i / USERS_A_DOMAIN, homes);
		print_user(i, homes);
	}
}

/* The SEQUENCE-th of TOTAL things in an order without neighbours. */
static uint64_t
scattered(uint64_t sequence, uint64_t total)
{
	const uint64_t prime = 2654435761;

	return sequence % total * (prime % total) % total;
}

/* Of the users of that kind the SEQUENCE-th. */
static uint64_t
user_of(bool bcrypt, uint64_t sequence)
{
	uint64_t slow = users / bcrypt_each, fast = users - slow, at;

	if (bcrypt)
		return scattered(sequence, slow) * bcrypt_each + bcrypt_each - 1;
	at = scattered(sequence, fast);
	return at / (bcrypt_each - 1) * bcrypt_each + at % (bcrypt_each - 1);
}

static int
print_login(const char *kind, uint64_t sequence)
{
	bool is_unknown = strcmp(kind, "unknown") == 0, is_wrong = strcmp(kind, "wrong") == 0;
	uint64_t number = user_of(strcmp(kind, "bcrypt") == 0, sequence);
	char password[PASSWORD_ROOM];

	if (!is_unknown && !is_wrong && strcmp(kind, "ssha") != 0 && strcmp(kind, "bcrypt") != 0)
		return -1;
	password_of(number, password);
	printf("%s%" PRIu64 "@firm%" PRIu64 ".example\t%s%s\t%s\n", is_unknown ? "nobody" : "user", number,
	       number / USERS_A_DOMAIN, password, is_wrong ? "x" : "", is_unknown || is_wrong ? "no" : "ok");
	return 0;
}

int
main(int argc, char **argv)
{
	users = argc > 3 ? strtoull(argv[2], NULL, 10) : 0;
	bcrypt_each = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
	if (bcrypt_each < 2 || users < bcrypt_each)
		argc = 0;
	if (argc == 5 && strcmp(argv[1], "tree") == 0) {
		tree(argv[4]);
	} else if (argc == 6 && strcmp(argv[1], "logins") == 0) {
		for (uint64_t i = 0, count = strtoull(argv[5], NULL, 10); i < count; i++)
			if (print_login(argv[4], i) < 0) {
				fprintf(stderr, "makelogins: there are no logins of kind %s\n", argv[4]);
				return 2;
			}
	} else {
		fprintf(stderr, "usage: makelogins tree USERS BCRYPT_EACH HOMES | logins USERS BCRYPT_EACH KIND COUNT\n");
		return 2;
	}
	if (fflush(stdout) != 0) {
		perror("makelogins");
		return 1;
	}
	return 0;
}
