/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Many logins at once, without the cost of the mail server that would ask.
 *
 *	auth_load PROTOCOL ADDRESS LOGINS START CLIENTS SECONDS [PID...]
 *
 *	mux       saslauthd's protocol at the unix socket ADDRESS: connect, send, receive, close
 *	dovecot   that of Dovecot's auth service, one connection a client
 *	ftp       a whole session at HOST:PORT: connect, USER, PASS, QUIT
 *	crypt     no server: each client is a thread that computes bcrypt of cost 10, which is all that a server could at best do
 *
 * Each of CLIENTS takes the next line of the file LOGINS, from number START on, as soon as it has its answer. A line is the login,
 * a tab, the password, a tab, and "ok" or "no"; another answer than that is counted as wrong, a connection that ends without one as
 * none. Prints one JSON object: logins a second, answers, how many logins were used, latency in microseconds, and microseconds of
 * CPU a login: the client's own, and that of the processes PID (to the nanosecond, all of their threads).
 *
 * With SECONDS 0 every login of the file is tried once, and how long it took is not reported.
 *
 * Of a login that was on its way when measuring began or ended, the part of its time that lies in between counts.
 */
#include <config.h>

#include "tests/bench/latency.h"

#include <arpa/inet.h>
#include <crypt.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	CLIENTS_MAX = 1024,
	PIDS_MAX = 64,
	LINE_LENGTH_MAX = 500,
	WIRE_MAX = 2 * LINE_LENGTH_MAX + 64,
	REPLY_MAX = 8192,
};

enum answer { ANSWER_OK, ANSWER_NO, ANSWER_NONE, ANSWERS };

struct login {
	char *name, *password;
	char *wire; /* what is sent, as far as it is the same each time */
	size_t wire_len;
	enum answer wanted;
};

struct client {
	pthread_t thread;
	unsigned number;
	int fd; /* of a protocol that keeps it */
	uint64_t asked;
	struct latency latency;
	double logins;
	uint64_t answers[ANSWERS], wrong;
	struct crypt_data crypt;
	char reply[REPLY_MAX];
};

struct protocol {
	const char *name;
	void (*prepare)(struct login *login);
	void (*begin)(struct client *client); /* may be NULL */
	enum answer (*ask)(struct client *client, const struct login *login);
};

static struct login *logins;
static size_t login_count;
static atomic_size_t next_login;
static const char *address;
static const struct protocol *spoken;
static pthread_barrier_t barrier;
static bool only_once;
static uint64_t measure_from, measure_until;

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "auth_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- sockets --------------------------------------------------------------------------------------------- */

static union {
	struct sockaddr any;
	struct sockaddr_un un;
	struct sockaddr_in in;
} peer;
static socklen_t peer_len;

static void
find_peer(void)
{
	const char *colon = strrchr(address, ':');
	char host[64] = "";

	if (address[0] == '/') {
		peer.un.sun_family = AF_UNIX;
		peer_len = sizeof(peer.un);
		if (strlen(address) < sizeof(peer.un.sun_path)) {
			strcpy(peer.un.sun_path, address);
			return;
		}
	} else if (colon != NULL && (size_t)(colon - address) < sizeof(host)) {
		memcpy(host, address, (size_t)(colon - address));
		peer.in.sin_family = AF_INET;
		peer.in.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
		peer_len = sizeof(peer.in);
		if (inet_pton(AF_INET, host, &peer.in.sin_addr) == 1)
			return;
	}
	errno = EINVAL;
	die(address);
}

static int
connect_to_peer(void)
{
	int fd = socket(peer.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, &peer.any, peer_len) < 0)
		die(address);
	return fd;
}

static void
send_all(int fd, const char *octets, size_t len)
{
	if (send(fd, octets, len, MSG_NOSIGNAL) != (ssize_t)len && errno != EPIPE && errno != ECONNRESET)
		die("send");
}

/* Receives until the reply's end is END; false when the connection ends before. */
static bool
receive_until(struct client *c, int fd, const char *end)
{
	size_t have = 0, end_len = strlen(end);

	while (have < end_len || memcmp(c->reply + have - end_len, end, end_len) != 0) {
		ssize_t n = recv(fd, c->reply + have, sizeof(c->reply) - 1 - have, 0);

		if (n <= 0)
			return false;
		have += (size_t)n;
	}
	c->reply[have] = '\0';
	return true;
}

/* --- protocols ------------------------------------------------------------------------------------------- */

static void
wire_put(struct login *login, const void *octets, size_t len)
{
	if (login->wire_len + len > WIRE_MAX) {
		errno = EMSGSIZE;
		die(login->name);
	}
	memcpy(login->wire + login->wire_len, octets, len);
	login->wire_len += len;
}

static void
mux_put(struct login *login, const char *text, size_t len)
{
	char head[2] = { (char)(len >> 8), (char)len };

	wire_put(login, head, 2);
	wire_put(login, text, len);
}

/* As libsasl2 does: what stands behind the last @ is the realm. */
static void
mux_prepare(struct login *login)
{
	const char *at = strrchr(login->name, '@');
	size_t len = at != NULL ? (size_t)(at - login->name) : strlen(login->name);

	mux_put(login, login->name, len);
	mux_put(login, login->password, strlen(login->password));
	mux_put(login, "imap", 4);
	mux_put(login, at != NULL ? at + 1 : "", at != NULL ? strlen(at + 1) : 0);
}

static enum answer
mux_ask(struct client *c, const struct login *login)
{
	int fd = connect_to_peer();
	size_t have = 0;
	ssize_t n;

	send_all(fd, login->wire, login->wire_len);
	do {
		n = recv(fd, c->reply + have, sizeof(c->reply) - have, 0);
		if (n > 0)
			have += (size_t)n;
	} while (n > 0 && (have < 2 || have < 2 + ((size_t)(uint8_t)c->reply[0] << 8 | (uint8_t)c->reply[1])));
	close(fd);
	if (have < 4)
		return ANSWER_NONE;
	return memcmp(c->reply + 2, "OK", 2) == 0 ? ANSWER_OK : ANSWER_NO;
}

static void
dovecot_prepare(struct login *login)
{
	char plain[WIRE_MAX], encoded[2 * WIRE_MAX];
	size_t name_len = strlen(login->name), password_len = strlen(login->password);
	int len;

	plain[0] = '\0';
	memcpy(plain + 1, login->name, name_len + 1);
	memcpy(plain + name_len + 2, login->password, password_len);
	len = EVP_EncodeBlock((unsigned char *)encoded, (unsigned char *)plain, (int)(name_len + password_len + 2));
	wire_put(login, "\tPLAIN\tservice=imap\tnologin\tresp=", 33);
	wire_put(login, encoded, (size_t)len);
	wire_put(login, "\n", 1);
}

static void
dovecot_begin(struct client *c)
{
	char hello[64];

	c->fd = connect_to_peer();
	snprintf(hello, sizeof(hello), "VERSION\t1\t1\nCPID\t%u\n", (unsigned)getpid() * CLIENTS_MAX + c->number);
	send_all(c->fd, hello, strlen(hello));
	if (!receive_until(c, c->fd, "\nDONE\n"))
		die("Dovecot's greeting");
}

static enum answer
dovecot_ask(struct client *c, const struct login *login)
{
	char request[WIRE_MAX + 32];
	static _Thread_local unsigned id;
	int head = snprintf(request, sizeof(request), "AUTH\t%u", ++id);

	memcpy(request + head, login->wire, login->wire_len);
	send_all(c->fd, request, (size_t)head + login->wire_len);
	if (!receive_until(c, c->fd, "\n"))
		die("Dovecot's answer");
	if (strncmp(c->reply, "OK\t", 3) == 0)
		return ANSWER_OK;
	return strstr(c->reply, "\ttemp") != NULL ? ANSWER_NONE : ANSWER_NO;
}

static void
ftp_prepare(struct login *login)
{
	wire_put(login, "USER ", 5);
	wire_put(login, login->name, strlen(login->name));
	wire_put(login, "\r\n", 2);
}

/* The code of a reply; 0: the connection has ended. */
static int
ftp_reply(struct client *c, int fd)
{
	for (;;) {
		const char *last;

		if (!receive_until(c, fd, "\r\n"))
			return 0;
		c->reply[strlen(c->reply) - 2] = '\0';
		last = strrchr(c->reply, '\n');
		last = last != NULL ? last + 1 : c->reply;
		if (strlen(last) >= 4 && last[3] == ' ')
			return atoi(last);
	}
}

static enum answer
ftp_ask(struct client *c, const struct login *login)
{
	char pass[LINE_LENGTH_MAX + 16];
	int fd = connect_to_peer(), code = ftp_reply(c, fd);
	enum answer answer = ANSWER_NONE;

	if (code == 220) {
		send_all(fd, login->wire, login->wire_len);
		code = ftp_reply(c, fd);
	}
	if (code == 331) {
		snprintf(pass, sizeof(pass), "PASS %s\r\n", login->password);
		send_all(fd, pass, strlen(pass));
		code = ftp_reply(c, fd);
		answer = code == 230 ? ANSWER_OK : code == 530 ? ANSWER_NO : ANSWER_NONE;
		send_all(fd, "QUIT\r\n", 6);
		ftp_reply(c, fd);
	}
	close(fd);
	return answer;
}

static void
crypt_prepare(struct login *login)
{
	(void)login;
}

static enum answer
crypt_ask(struct client *c, const struct login *login)
{
	const char *got = crypt_rn(login->password, "$2b$10$abcdefghijklmnopqrstuu", &c->crypt, sizeof(c->crypt));

	return got != NULL ? ANSWER_OK : ANSWER_NONE;
}

static const struct protocol protocols[] = {
	{ "mux", mux_prepare, NULL, mux_ask },
	{ "dovecot", dovecot_prepare, dovecot_begin, dovecot_ask },
	{ "ftp", ftp_prepare, NULL, ftp_ask },
	{ "crypt", crypt_prepare, NULL, crypt_ask },
};

/* --- logins ---------------------------------------------------------------------------------------------- */

static void
add_login(char *line)
{
	static size_t allocated;
	char *password = strchr(line, '\t'), *wanted = password != NULL ? strchr(password + 1, '\t') : NULL;
	struct login *login;

	if (wanted == NULL) {
		errno = EINVAL;
		die(line);
	}
	*password++ = '\0';
	*wanted++ = '\0';
	if (login_count == allocated) {
		allocated = 2 * allocated + 1024;
		logins = realloc(logins, allocated * sizeof(*logins));
		if (logins == NULL)
			die("logins");
	}
	login = &logins[login_count++];
	*login = (struct login){ strdup(line), strdup(password), malloc(WIRE_MAX), 0,
		                 strcmp(wanted, "ok") == 0 ? ANSWER_OK : ANSWER_NO };
	if (login->name == NULL || login->password == NULL || login->wire == NULL)
		die("logins");
	spoken->prepare(login);
	login->wire = realloc(login->wire, login->wire_len + 1);
}

static void
read_logins(const char *path)
{
	char line[LINE_LENGTH_MAX + 2];
	FILE *f = fopen(path, "r");

	if (f == NULL)
		die(path);
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		add_login(line);
	}
	fclose(f);
	if (login_count == 0) {
		errno = ENODATA;
		die(path);
	}
}

/* --- measuring ------------------------------------------------------------------------------------------- */

/* The part of [FROM, UNTIL] that is measured. */
static double
part_measured(uint64_t from, uint64_t until)
{
	uint64_t first = from > measure_from ? from : measure_from, last = until < measure_until ? until : measure_until;

	return first < last ? (double)(last - first) / (double)(until - from) : 0;
}

static void *
run_client(void *context)
{
	struct client *c = context;
	uint64_t now;

	if (spoken->begin != NULL)
		spoken->begin(c);
	pthread_barrier_wait(&barrier); /* all are ready, */
	pthread_barrier_wait(&barrier); /* and know until when */
	now = clock_of(CLOCK_MONOTONIC);
	while (now < measure_until) {
		size_t number = atomic_fetch_add(&next_login, 1);
		const struct login *login = &logins[number % login_count];
		uint64_t asked = now;
		enum answer answer;

		if (only_once && number >= login_count)
			break;
		answer = spoken->ask(c, login);
		now = clock_of(CLOCK_MONOTONIC);
		c->logins += part_measured(asked, now);
		c->answers[answer]++;
		c->wrong += answer != ANSWER_NONE && answer != login->wanted;
		if (now > measure_from && now <= measure_until)
			latency_add(&c->latency, now - asked);
	}
	return NULL;
}

struct usage {
	uint64_t client, server;
};

static struct usage
usage_at(uint64_t when, const clockid_t *servers, unsigned count)
{
	const struct timespec t = { (time_t)(when / 1000000000), (long)(when % 1000000000) };
	struct usage u = { 0, 0 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
	u.client = clock_of(CLOCK_PROCESS_CPUTIME_ID);
	for (unsigned i = 0; i < count; i++)
		u.server += clock_of(servers[i]);
	return u;
}

static void
report(const struct client *all, unsigned clients, const struct usage *before, const struct usage *after, size_t start)
{
	struct latency latency = { 0 };
	uint64_t answers[ANSWERS] = { 0 }, wrong = 0;
	double done = 0, seconds = only_once ? 1 : (double)(measure_until - measure_from) / 1e9;

	for (unsigned i = 0; i < clients; i++) {
		latency_join(&latency, &all[i].latency);
		for (int a = 0; a < ANSWERS; a++)
			answers[a] += all[i].answers[a];
		wrong += all[i].wrong;
		done += all[i].logins;
	}
	printf("{\"rate\": %.2f, \"seconds\": %.6f, \"used\": %zu, \"ok\": %llu, \"no\": %llu, \"none\": %llu, \"wrong\": %llu, ",
	       done / seconds, seconds, atomic_load(&next_login) - start, (unsigned long long)answers[ANSWER_OK],
	       (unsigned long long)answers[ANSWER_NO], (unsigned long long)answers[ANSWER_NONE], (unsigned long long)wrong);
	printf("\"p50\": %.2f, \"p90\": %.2f, \"p99\": %.2f, \"p999\": %.2f, ", latency_percentile(&latency, 0.5),
	       latency_percentile(&latency, 0.9), latency_percentile(&latency, 0.99), latency_percentile(&latency, 0.999));
	printf("\"client_cpu\": %.4f, \"server_cpu\": %.4f}\n", (double)(after->client - before->client) / done / 1e3,
	       (double)(after->server - before->server) / done / 1e3);
}

int
main(int argc, char **argv)
{
	unsigned clients = argc > 6 ? (unsigned)strtoul(argv[5], NULL, 10) : 0, servers = 0;
	double seconds = argc > 6 ? strtod(argv[6], NULL) : 0;
	clockid_t clocks[PIDS_MAX];
	struct usage before, after;
	struct client *all;
	size_t start;

	for (size_t i = 0; argc > 6 && i < sizeof(protocols) / sizeof(*protocols); i++)
		if (strcmp(argv[1], protocols[i].name) == 0)
			spoken = &protocols[i];
	if (spoken == NULL || clients == 0 || clients > CLIENTS_MAX || seconds < 0 || argc > 7 + PIDS_MAX) {
		fprintf(stderr, "usage: auth_load mux|dovecot|ftp|crypt ADDRESS LOGINS START CLIENTS SECONDS [PID...]\n");
		return 2;
	}
	for (int i = 7; i < argc; i++) {
		errno = clock_getcpuclockid((pid_t)strtol(argv[i], NULL, 10), &clocks[servers++]);
		if (errno != 0)
			die(argv[i]);
	}
	address = argv[2];
	if (spoken->ask != crypt_ask)
		find_peer();
	read_logins(argv[3]);
	start = (size_t)strtoul(argv[4], NULL, 10);
	atomic_store(&next_login, start);
	all = calloc(clients, sizeof(*all));
	if (all == NULL || pthread_barrier_init(&barrier, NULL, clients + 1) != 0)
		die("clients");
	for (unsigned i = 0; i < clients; i++) {
		all[i].number = i;
		errno = pthread_create(&all[i].thread, NULL, run_client, &all[i]);
		if (errno != 0)
			die("threads");
	}
	pthread_barrier_wait(&barrier);
	/* The first tenth is not counted: what is touched for the first time is touched now. */
	measure_from = clock_of(CLOCK_MONOTONIC) + (uint64_t)(seconds * 1e8);
	measure_until = measure_from + (uint64_t)(seconds * 1e9);
	only_once = seconds == 0;
	if (only_once)
		measure_until = UINT64_MAX;
	pthread_barrier_wait(&barrier);
	before = after = usage_at(measure_from, clocks, servers);
	if (!only_once)
		after = usage_at(measure_until, clocks, servers);
	for (unsigned i = 0; i < clients; i++)
		pthread_join(all[i].thread, NULL);
	report(all, clients, &before, &after, start);
	for (size_t i = 0; i < login_count; i++) {
		free(logins[i].name);
		free(logins[i].password);
		free(logins[i].wire);
	}
	free(logins);
	free(all);
	return 0;
}
