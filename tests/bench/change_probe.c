/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * How long a change takes from slapd's "done" to the answer of a server of ours, and how many a second go through.
 *
 *	change_probe latency URI DN PASSWORD ENTRY NAME PORT COUNT
 *	change_probe socketmap URI DN PASSWORD ENTRY PATH MAP KEY COUNT
 *	change_probe pace URI DN PASSWORD ENTRY-FORMAT WRITERS SECONDS
 *
 * latency: replaces the aRecord of ENTRY, and asks 127.0.0.1:PORT for NAME over UDP from the same process, again and again,
 * until the new address is in the answer. Prints a line "p50 p90 p99 max" in milliseconds.
 * socketmap: the same with the mailForwardingAddress of ENTRY, and the socketmap server at PATH that is asked for KEY of MAP.
 * pace: WRITERS threads replace the aRecord of entries (the "%u" of ENTRY-FORMAT runs from 0 to 999) one after another as fast as slapd
 * accepts. Prints changes and seconds.
 */
#include <config.h>

#include <arpa/inet.h>
#include <lber.h>
#include <ldap.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
die(const char *what, int rc)
{
	fprintf(stderr, "change_probe: %s: %s\n", what, ldap_err2string(rc));
	exit(1);
}

static LDAP *
connect_to(const char *uri, const char *dn, const char *password)
{
	int version = LDAP_VERSION3;
	struct berval secret = { strlen(password), strdup(password) };
	LDAP *ldap;
	int rc = ldap_initialize(&ldap, uri);

	if (rc != LDAP_SUCCESS)
		die(uri, rc);
	ldap_set_option(ldap, LDAP_OPT_PROTOCOL_VERSION, &version);
	rc = ldap_sasl_bind_s(ldap, dn, LDAP_SASL_SIMPLE, &secret, NULL, NULL, NULL);
	if (rc != LDAP_SUCCESS)
		die("bind", rc);
	free(secret.bv_val);
	return ldap;
}

static void
replace_value(LDAP *ldap, const char *entry, const char *attribute, const char *text)
{
	char *type = strdup(attribute), *value = strdup(text);
	char *values[] = { value, NULL };
	LDAPMod mod = { .mod_op = LDAP_MOD_REPLACE, .mod_type = type, .mod_vals = { .modv_strvals = values } };
	LDAPMod *mods[] = { &mod, NULL };
	int rc = ldap_modify_ext_s(ldap, entry, mods, NULL, NULL);

	if (rc != LDAP_SUCCESS)
		die(entry, rc);
	free(type);
	free(value);
}

static size_t
make_question(const char *name, uint8_t *out)
{
	size_t n = 12;

	memset(out, 0, 12);
	out[5] = 1;
	for (const char *label = name; *label != '\0';) {
		size_t len = strcspn(label, ".");

		out[n++] = (uint8_t)len;
		memcpy(out + n, label, len);
		n += len;
		label += len + (label[len] == '.');
	}
	memcpy(out + n, "\0\0\1\0\1", 5);
	return n + 5;
}

/* Whether the answer's last four octets, the first A record's address, are ADDRESS. */
static bool
has_address(const uint8_t *answer, size_t len, const struct in_addr *address)
{
	for (size_t i = 12; i + 4 <= len; i++)
		if (memcmp(answer + i, address, 4) == 0)
			return true;
	return false;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
print_percentiles(double *took, unsigned count)
{
	qsort(took, count, sizeof(*took), compare);
	printf("%.3f %.3f %.3f %.3f\n", took[count / 2], took[count * 9 / 10], took[count * 99 / 100], took[count - 1]);
}

static int
latency(char **argv)
{
	LDAP *ldap = connect_to(argv[0], argv[1], argv[2]);
	unsigned count = (unsigned)strtoul(argv[6], NULL, 10);
	struct sockaddr_in server = { .sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(argv[5], NULL, 10)) };
	double *took = calloc(count, sizeof(*took));
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	uint8_t question[512], answer[4096];
	size_t len = make_question(argv[4], question);

	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (took == NULL || connect(fd, (struct sockaddr *)&server, sizeof(server)) < 0)
		return 1;
	for (unsigned i = 0; i < count; i++) {
		struct in_addr address;
		char text[32];
		double start;

		snprintf(text, sizeof(text), "203.%u.%u.%u", 1 + (i >> 16 & 127), i >> 8 & 255, i & 255);
		inet_pton(AF_INET, text, &address);
		replace_value(ldap, argv[3], "aRecord", text);
		start = now();
		for (;;) {
			struct pollfd wait = { fd, POLLIN, 0 };
			ssize_t n;

			question[0] = (uint8_t)(rand() & 255);
			if (send(fd, question, len, 0) < 0 || poll(&wait, 1, 1000) <= 0)
				continue;
			n = recv(fd, answer, sizeof(answer), 0);
			if (n > 12 && has_address(answer, (size_t)n, &address))
				break;
			if (now() - start > 30) {
				fprintf(stderr, "change_probe: change %u is not seen after 30 s\n", i);
				return 1;
			}
		}
		took[i] = (now() - start) * 1000;
	}
	print_percentiles(took, count);
	free(took);
	close(fd);
	ldap_unbind_ext_s(ldap, NULL, NULL);
	return 0;
}

static int
connect_to_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return -1;
	strcpy(address.sun_path, path);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -1 : fd;
}

/* Asks once; whether TEXT is in the answer. -1 when there is none. */
static int
asked_says(int fd, const char *question, const char *text)
{
	char reply[8192];
	size_t have = 0, length = 0, colon = 0;

	if (send(fd, question, strlen(question), MSG_NOSIGNAL) < 0)
		return -1;
	do {
		ssize_t n = recv(fd, reply + have, sizeof(reply) - 1 - have, 0);

		if (n <= 0)
			return -1;
		have += (size_t)n;
		reply[have] = '\0';
		colon = strcspn(reply, ":");
		length = strtoul(reply, NULL, 10);
	} while (have <= colon || have < colon + length + 2);
	return strstr(reply, text) != NULL;
}

static int
socketmap_latency(char **argv)
{
	LDAP *ldap = connect_to(argv[0], argv[1], argv[2]);
	unsigned count = (unsigned)strtoul(argv[7], NULL, 10);
	double *took = calloc(count, sizeof(*took));
	int fd = connect_to_socket(argv[4]), said;
	char question[1024];

	snprintf(question, sizeof(question), "%zu:%s %s,", strlen(argv[5]) + 1 + strlen(argv[6]), argv[5], argv[6]);
	if (took == NULL || fd < 0)
		return 1;
	for (unsigned i = 0; i < count; i++) {
		double start;
		char text[32];

		snprintf(text, sizeof(text), "change%u@away.example", i);
		replace_value(ldap, argv[3], "mailForwardingAddress", text);
		start = now();
		while ((said = asked_says(fd, question, text)) == 0 && now() - start < 30)
			;
		if (said <= 0) {
			fprintf(stderr, "change_probe: change %u is not seen after %.0f s\n", i, now() - start);
			return 1;
		}
		took[i] = (now() - start) * 1000;
	}
	print_percentiles(took, count);
	free(took);
	close(fd);
	ldap_unbind_ext_s(ldap, NULL, NULL);
	return 0;
}

struct writer {
	pthread_t thread;
	char **argv;
	unsigned number, writers;
	double until;
	unsigned long changes;
};

static void *
write_changes(void *context)
{
	struct writer *writer = context;
	LDAP *ldap = connect_to(writer->argv[0], writer->argv[1], writer->argv[2]);

	for (unsigned i = writer->number; now() < writer->until; i += writer->writers) {
		const char *mark = strstr(writer->argv[3], "%u");
		char entry[512], text[32];

		if (mark == NULL)
			break;
		snprintf(entry, sizeof(entry), "%.*s%u%s", (int)(mark - writer->argv[3]), writer->argv[3], i % 1000, mark + 2);
		snprintf(text, sizeof(text), "203.%u.%u.%u", 1 + (i >> 16 & 127), i >> 8 & 255, i & 255);
		replace_value(ldap, entry, "aRecord", text);
		writer->changes++;
	}
	ldap_unbind_ext_s(ldap, NULL, NULL);
	return NULL;
}

static int
pace(char **argv)
{
	unsigned writers = (unsigned)strtoul(argv[4], NULL, 10);
	struct writer *all = calloc(writers, sizeof(*all));
	double start = now();
	unsigned long changes = 0;

	if (all == NULL)
		return 1;
	for (unsigned i = 0; i < writers; i++) {
		all[i] = (struct writer){ .argv = argv, .number = i, .writers = writers, .until = start + strtod(argv[5], NULL) };
		if (pthread_create(&all[i].thread, NULL, write_changes, &all[i]) != 0)
			return 1;
	}
	for (unsigned i = 0; i < writers; i++) {
		pthread_join(all[i].thread, NULL);
		changes += all[i].changes;
	}
	printf("%lu %.3f\n", changes, now() - start);
	free(all);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 9 && strcmp(argv[1], "latency") == 0)
		return latency(argv + 2);
	if (argc == 10 && strcmp(argv[1], "socketmap") == 0)
		return socketmap_latency(argv + 2);
	if (argc == 8 && strcmp(argv[1], "pace") == 0)
		return pace(argv + 2);
	fprintf(stderr, "usage: change_probe latency URI DN PASSWORD ENTRY NAME PORT COUNT\n"
	                "       change_probe socketmap URI DN PASSWORD ENTRY PATH MAP KEY COUNT\n"
	                "       change_probe pace URI DN PASSWORD ENTRY-FORMAT WRITERS SECONDS\n");
	return 2;
}
