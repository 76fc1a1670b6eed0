/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Asks two DNS servers the same questions and says where their answers differ.
 *
 *   dnsdiff -a HOST:PORT -b HOST:PORT [-s SOURCE] [-w WINDOW] [-m MOST] FILE
 *
 * -a is the server under test, -b the native one. FILE holds the questions: for each an octet with the
 * length of the name, the name in wire form, two octets of type. Written in C because a full run is a
 * million questions to each server: WINDOW of them are on their way at a time over UDP.
 *
 * Prints "difference NAME TYPE MESSAGE-A MESSAGE-B" in hex for each difference, ends after MOST of them, then
 * "count WORD NUMBER" lines. Exit status: 0 no difference, 1 differences, 2 usage, 3 a server did
 * not answer.
 */
#include <config.h>

#include "tests/diff/judge.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WINDOW_MAX = 256, TRIES = 6, WAIT_MS = 1500, REPLY_ROOM = 4096 };

struct reply {
	bool here;
	size_t len;
	uint8_t wire[REPLY_ROOM];
};

/* A question on its way. Its number in the table is the low octet of its message ID, and ROUND the
 * high one, so that a late answer to its predecessor is recognised. */
struct slot {
	bool busy;
	uint8_t round;
	unsigned tries;
	uint64_t asked_ms;
	struct name name;
	uint16_t type;
	struct reply replies[2];
};

struct run {
	struct peer peers[2]; /* 0: under test, 1: native */
	struct slot *slots;
	unsigned window, busy;
	const uint8_t *questions;
	size_t len, at;
	unsigned most;
	unsigned long asked, verdicts[VERDICTS], kinds[KINDS], rcodes[16], cut;
	struct message *ours, *native;
};

static uint64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
send_to(struct run *run, unsigned number, int which)
{
	struct slot *slot = &run->slots[number];
	uint8_t query[QUERY_MAX];
	size_t len = query_write(query, (uint16_t)(slot->round << 8 | number), &slot->name, slot->type);

	/* A full socket buffer is a lost packet: the timer asks again. */
	(void)!send(run->peers[which].udp[number % PEER_SOCKETS], query, len, 0);
}

/* Takes the next question into the free slot. 1, 0 when there is none left, -EBADMSG. */
static int
start_next(struct run *run, unsigned number)
{
	struct slot *slot = &run->slots[number];
	const uint8_t *p = run->questions + run->at;
	size_t left = run->len - run->at;

	if (left == 0)
		return 0;
	if (left < 3u + p[0] || p[0] == 0)
		return -EBADMSG;
	slot->name.len = p[0];
	memcpy(slot->name.wire, p + 1, p[0]);
	slot->type = (uint16_t)(p[1 + p[0]] << 8 | p[2 + p[0]]);
	run->at += 3u + p[0];
	slot->busy = true;
	slot->round++;
	slot->tries = 1;
	slot->asked_ms = now_ms();
	slot->replies[0].here = slot->replies[1].here = false;
	run->busy++;
	run->asked++;
	send_to(run, number, 0);
	send_to(run, number, 1);
	return 1;
}

static void
print_hex(const uint8_t *octets, size_t len)
{
	putchar(' ');
	for (size_t i = 0; i < len; i++)
		printf("%02x", octets[i]);
}

static int
take_reply(struct message *into, const struct reply *reply)
{
	memcpy(into->wire, reply->wire, reply->len);
	into->wire_len = reply->len;
	return message_read(into);
}

/* Both answers are here: the verdict. */
static int
finish(struct run *run, struct slot *slot)
{
	const struct reply *a = &slot->replies[0], *b = &slot->replies[1];
	enum verdict verdict = DIFFERENT;
	struct name lowered;
	size_t at = 0;
	int r;

	slot->busy = false;
	run->busy--;
	r = take_reply(run->ours, a);
	if (r == 0)
		r = take_reply(run->native, b);
	if (r == 0)
		r = name_read(slot->name.wire, slot->name.len, &at, &lowered);
	if (r < 0)
		return r;
	verdict = judge_quickly(run->ours, run->native, &lowered, slot->type);
	if ((run->ours->flags | run->native->flags) & FLAG_TC)
		run->cut++;
	if (verdict != SAME) {
		r = judge(&run->peers[0], &run->peers[1], &lowered, slot->type, run->ours, run->native,
		          &verdict);
		if (r < 0)
			return r;
	}
	run->verdicts[verdict]++;
	run->rcodes[message_rcode(run->native)]++;
	run->kinds[message_kind(run->native, &lowered, slot->type)]++;
	if (verdict != DIFFERENT)
		return 0;
	printf("difference");
	print_hex(slot->name.wire, slot->name.len);
	printf(" %u", slot->type);
	print_hex(run->ours->wire, run->ours->wire_len);
	print_hex(run->native->wire, run->native->wire_len);
	putchar('\n');
	return 0;
}

static int
receive(struct run *run, int which, int fd)
{
	uint8_t wire[MESSAGE_MAX];

	for (;;) {
		ssize_t n = recv(fd, wire, sizeof(wire), MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (n < 12 || n > REPLY_ROOM)
			continue;
		struct slot *slot = &run->slots[wire[1] % WINDOW_MAX];
		struct reply *reply = &slot->replies[which];
		if (!slot->busy || slot->round != wire[0] || reply->here)
			continue;
		memcpy(reply->wire, wire, (size_t)n);
		reply->len = (size_t)n;
		reply->here = true;
		if (slot->replies[!which].here) {
			int r = finish(run, slot);
			if (r < 0)
				return r;
			if (run->verdicts[DIFFERENT] >= run->most)
				return 0;
			r = start_next(run, (unsigned)(slot - run->slots));
			if (r < 0)
				return r;
		}
	}
}

static int
ask_again(struct run *run)
{
	uint64_t now = now_ms();

	for (unsigned i = 0; i < run->window; i++) {
		struct slot *slot = &run->slots[i];
		if (!slot->busy || now - slot->asked_ms < WAIT_MS)
			continue;
		if (slot->tries++ >= TRIES) {
			fprintf(stderr, "dnsdiff: no answer from %s\n",
			        run->peers[slot->replies[0].here].name);
			return -ETIMEDOUT;
		}
		slot->asked_ms = now;
		for (int which = 0; which < 2; which++) {
			if (!slot->replies[which].here)
				send_to(run, i, which);
		}
	}
	return 0;
}

static int
run_all(struct run *run)
{
	struct pollfd fds[2 * PEER_SOCKETS];
	int r;

	for (unsigned i = 0; i < run->window; i++) {
		r = start_next(run, i);
		if (r < 0)
			return r;
	}
	for (int i = 0; i < 2 * PEER_SOCKETS; i++)
		fds[i] = (struct pollfd){ .fd = run->peers[i / PEER_SOCKETS].udp[i % PEER_SOCKETS],
			                  .events = POLLIN };
	while (run->busy > 0 && run->verdicts[DIFFERENT] < run->most) {
		int n = poll(fds, 2 * PEER_SOCKETS, 100);
		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; n > 0 && i < 2 * PEER_SOCKETS; i++) {
			if (fds[i].revents == 0)
				continue;
			r = receive(run, i / PEER_SOCKETS, fds[i].fd);
			if (r < 0)
				return r;
		}
		r = ask_again(run);
		if (r < 0)
			return r;
	}
	return 0;
}

static uint8_t *
read_file(const char *path, size_t *out_len)
{
	FILE *f = fopen(path, "rb");
	uint8_t *octets = NULL;
	long len;

	if (f == NULL)
		return NULL;
	if (fseek(f, 0, SEEK_END) == 0 && (len = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0) {
		octets = malloc((size_t)len + 1);
		*out_len = (size_t)len;
		if (octets != NULL && fread(octets, 1, (size_t)len, f) != (size_t)len) {
			free(octets);
			octets = NULL;
		}
	}
	fclose(f);
	return octets;
}

static int
report(const struct run *run)
{
	printf("count asked %lu\n", run->asked);
	for (int i = 0; i < VERDICTS; i++)
		printf("count %s %lu\n", verdict_text[i], run->verdicts[i]);
	for (int i = 0; i < KINDS; i++)
		printf("count native-%s %lu\n", kind_text[i], run->kinds[i]);
	for (int i = 0; i < 16; i++)
		printf("count native-rcode-%d %lu\n", i, run->rcodes[i]);
	printf("count truncated %lu\n", run->cut);
	return run->verdicts[DIFFERENT] > 0 ? 1 : 0;
}

int
main(int argc, char **argv)
{
	struct run run = { .window = 96, .most = 20 };
	const char *addresses[2] = { NULL, NULL }, *source = "127.0.0.1";
	uint8_t *questions = NULL;
	int option, r, status = 3;

	while ((option = getopt(argc, argv, "a:b:s:w:m:")) >= 0) {
		switch (option) {
		case 'a': addresses[0] = optarg; break;
		case 'b': addresses[1] = optarg; break;
		case 's': source = optarg; break;
		case 'w': run.window = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'm': run.most = (unsigned)strtoul(optarg, NULL, 10); break;
		default: return 2;
		}
	}
	if (addresses[0] == NULL || addresses[1] == NULL || optind + 1 != argc || run.window == 0 ||
	    run.window > WINDOW_MAX) {
		fprintf(stderr, "usage: dnsdiff -a HOST:PORT -b HOST:PORT [-s SOURCE] [-w WINDOW] [-m MOST] FILE\n");
		return 2;
	}
	questions = read_file(argv[optind], &run.len);
	run.questions = questions;
	run.slots = calloc(WINDOW_MAX, sizeof(*run.slots));
	run.ours = calloc(1, sizeof(*run.ours));
	run.native = calloc(1, sizeof(*run.native));
	if (questions == NULL || run.slots == NULL || run.ours == NULL || run.native == NULL) {
		fprintf(stderr, "dnsdiff: %s: %s\n", argv[optind], strerror(errno));
		goto out;
	}
	if ((r = peer_open(&run.peers[0], "the server under test", addresses[0], source)) < 0 ||
	    (r = peer_open(&run.peers[1], "the native server", addresses[1], source)) < 0) {
		fprintf(stderr, "dnsdiff: cannot open sockets: %s\n", strerror(-r));
		goto out;
	}
	r = run_all(&run);
	if (r < 0)
		fprintf(stderr, "dnsdiff: %s\n", strerror(-r));
	else
		status = report(&run);
	peer_close(&run.peers[0]);
	peer_close(&run.peers[1]);
out:
	if (run.ours != NULL)
		message_done(run.ours);
	if (run.native != NULL)
		message_done(run.native);
	free(run.ours);
	free(run.native);
	free(run.slots);
	free(questions);
	return status;
}
