/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Many Postfix processes at once, as a socketmap server sees them, without the cost of Postfix.
 *
 *	mail_load PATH QUESTIONS CONNECTIONS SECONDS [PID...]
 *
 * Each of CONNECTIONS asks the next line of the file QUESTIONS ("virtual ada@tern.example") as soon as it has its answer. Prints one
 * JSON object: lookups, seconds, how many answers were of which kind, latency in microseconds, and microseconds of CPU a lookup: the
 * client's own, and that of the processes PID (to the nanosecond, all of their threads).
 */
#include <config.h>

#include "tests/bench/latency.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	EVENTS = 64,
	REPLY_MAX = 128 * 1024,
	PIDS_MAX = 16,
	LINE_LENGTH_MAX = 1000,
};

struct question {
	uint32_t at, len;
};

static char *octets; /* all questions, as they go over the wire */
static struct question *questions;
static size_t question_count, next_question;

struct connection {
	int fd;
	uint64_t asked; /* when */
	size_t have;
	char *part; /* of a reply that has not come as a whole */
};

static char reply[REPLY_MAX];

static struct latency latency;
static struct {
	uint64_t ok, notfound, temp, other;
} answers;

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "mail_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- the protocol -------------------------------------------------------------------------------------- */

static void
read_questions(const char *path)
{
	size_t room = 0, used = 0, allocated = 0;
	char line[LINE_LENGTH_MAX + 2], question[LINE_LENGTH_MAX + 16];
	FILE *f = fopen(path, "r");

	if (f == NULL)
		die(path);
	while (fgets(line, sizeof(line), f) != NULL) {
		int len;

		line[strcspn(line, "\n")] = '\0';
		len = snprintf(question, sizeof(question), "%zu:%s,", strlen(line), line);
		if (used + (size_t)len > room) {
			room = 2 * room + sizeof(question);
			octets = realloc(octets, room);
		}
		if (question_count == allocated) {
			allocated = 2 * allocated + 1024;
			questions = realloc(questions, allocated * sizeof(*questions));
		}
		if (octets == NULL || questions == NULL)
			die(path);
		memcpy(octets + used, question, (size_t)len);
		questions[question_count++] = (struct question){ (uint32_t)used, (uint32_t)len };
		used += (size_t)len;
	}
	fclose(f);
	if (question_count == 0) {
		errno = ENODATA;
		die(path);
	}
}

static void
ask(struct connection *c, uint64_t now)
{
	const struct question *q = &questions[next_question];

	next_question = next_question + 1 == question_count ? 0 : next_question + 1;
	c->asked = now;
	if (send(c->fd, octets + q->at, q->len, MSG_NOSIGNAL) != (ssize_t)q->len)
		die("send");
}

/* Octets of the netstring in the first HAVE of the reply, 0 when there is more to come. WORD is what it holds, of LENGTH. */
static size_t
netstring(size_t have, const char **out_word, size_t *out_length)
{
	size_t length = 0, i = 0, end;

	while (i < have && reply[i] >= '0' && reply[i] <= '9')
		length = length * 10 + (size_t)(reply[i++] - '0');
	end = i + length + 2;
	if (i == have || have < end)
		return 0;
	if (reply[i] != ':' || have > end || reply[end - 1] != ',') {
		errno = EPROTO;
		die("reply");
	}
	*out_word = reply + i + 1;
	*out_length = length;
	return end;
}

/* Whether the reply is complete; what it is has been counted then. */
static bool
receive(struct connection *c)
{
	const char *word;
	size_t length;
	ssize_t n;

	if (c->have > 0)
		memcpy(reply, c->part, c->have);
	n = recv(c->fd, reply + c->have, sizeof(reply) - c->have, 0);
	if (n <= 0) {
		if (n == 0)
			errno = ECONNRESET;
		die("recv");
	}
	c->have += (size_t)n;
	if (netstring(c->have, &word, &length) == 0) {
		c->part = realloc(c->part, c->have);
		if (c->part == NULL)
			die("reply");
		memcpy(c->part, reply, c->have);
		return false;
	}
	c->have = 0;
	if (length > 3 && memcmp(word, "OK ", 3) == 0)
		answers.ok++;
	else if (length >= 8 && memcmp(word, "NOTFOUND", 8) == 0)
		answers.notfound++;
	else if (length >= 4 && memcmp(word, "TEMP", 4) == 0)
		answers.temp++;
	else
		answers.other++;
	return true;
}

static int
connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		errno = ENAMETOOLONG;
	else if (fd >= 0)
		strcpy(address.sun_path, path);
	if (fd < 0 || address.sun_path[0] == '\0' || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die(path);
	return fd;
}

/* --- measuring ------------------------------------------------------------------------------------------- */

struct usage {
	uint64_t time, client, server;
};

static struct usage
usage_now(const clockid_t *servers, unsigned count)
{
	struct usage u = { clock_of(CLOCK_MONOTONIC), clock_of(CLOCK_PROCESS_CPUTIME_ID), 0 };

	for (unsigned i = 0; i < count; i++)
		u.server += clock_of(servers[i]);
	return u;
}

/* Until the time UNTIL; what was outstanding stays outstanding. Returns lookups. */
static uint64_t
load_until(int epoll, uint64_t until)
{
	struct epoll_event events[EVENTS];
	uint64_t lookups = 0, now = 0;

	while (now < until) {
		int n = epoll_wait(epoll, events, EVENTS, 10000);

		if (n <= 0) {
			if (n < 0 && errno == EINTR)
				continue;
			if (n == 0)
				errno = ETIMEDOUT;
			die("no answer");
		}
		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;

			if (!receive(c))
				continue;
			now = clock_of(CLOCK_MONOTONIC);
			latency_add(&latency, now - c->asked);
			lookups++;
			ask(c, now);
		}
	}
	return lookups;
}

static void
report(uint64_t lookups, const struct usage *before, const struct usage *after, unsigned servers)
{
	double each = 1e3 * (double)lookups, seconds = (double)(after->time - before->time) / 1e9;

	printf("{\"lookups\": %llu, \"seconds\": %.6f, \"rate\": %.1f, ", (unsigned long long)lookups, seconds,
	       (double)lookups / seconds);
	printf("\"ok\": %llu, \"notfound\": %llu, \"temp\": %llu, \"other\": %llu, ", (unsigned long long)answers.ok,
	       (unsigned long long)answers.notfound, (unsigned long long)answers.temp, (unsigned long long)answers.other);
	printf("\"p50\": %.2f, \"p90\": %.2f, \"p99\": %.2f, \"p999\": %.2f, ", latency_percentile(&latency, 0.5),
	       latency_percentile(&latency, 0.9), latency_percentile(&latency, 0.99), latency_percentile(&latency, 0.999));
	printf("\"client_cpu\": %.4f", (double)(after->client - before->client) / each);
	if (servers > 0)
		printf(", \"server_cpu\": %.4f", (double)(after->server - before->server) / each);
	printf("}\n");
}

int
main(int argc, char **argv)
{
	unsigned connections = argc > 4 ? (unsigned)strtoul(argv[3], NULL, 10) : 0, servers = 0;
	double seconds = argc > 4 ? strtod(argv[4], NULL) : 0;
	clockid_t clocks[PIDS_MAX];
	struct usage before, after;
	struct connection *all;
	uint64_t lookups;
	int epoll;

	if (connections == 0 || seconds <= 0 || argc > 5 + PIDS_MAX) {
		fprintf(stderr, "usage: mail_load PATH QUESTIONS CONNECTIONS SECONDS [PID...]\n");
		return 2;
	}
	for (int i = 5; i < argc; i++) {
		errno = clock_getcpuclockid((pid_t)strtol(argv[i], NULL, 10), &clocks[servers++]);
		if (errno != 0)
			die(argv[i]);
	}
	read_questions(argv[2]);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	all = calloc(connections, sizeof(*all));
	if (epoll < 0 || all == NULL)
		die("start");
	for (unsigned i = 0; i < connections; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = &all[i] };

		all[i].fd = connect_to(argv[1]);
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &event) < 0)
			die("epoll_ctl");
		ask(&all[i], clock_of(CLOCK_MONOTONIC));
	}
	/* The first tenth is not counted: what is touched for the first time is touched now. */
	load_until(epoll, clock_of(CLOCK_MONOTONIC) + (uint64_t)(seconds * 1e8));
	memset(&latency, 0, sizeof(latency));
	memset(&answers, 0, sizeof(answers));
	before = usage_now(clocks, servers);
	lookups = load_until(epoll, before.time + (uint64_t)(seconds * 1e9));
	after = usage_now(clocks, servers);
	report(lookups, &before, &after, servers);
	for (unsigned i = 0; i < connections; i++)
		free(all[i].part);
	free(all);
	free(questions);
	free(octets);
	close(epoll);
	return 0;
}
