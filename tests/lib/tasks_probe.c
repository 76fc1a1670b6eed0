/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The agent's queue from a test: tasks_probe URI[,URI] BASE BIND-DN PASSWORD-FILE NAME[,NAME] [timeout=N] [lease=N] [tries=N] [ca=FILE]
 * with one command a line on stdin, one answer a line.
 *
 *	poll                  PID:TRIES of each, with blanks between
 *	subjects              poll, and what each is about
 *	claim                 poll, and claim each: PID=RESULT of each; they are held
 *	done | failed REASON | retry REASON     for all that are held: PID=RESULT of each
 *	work                  poll, claim each, and delete what was claimed
 *	unclaimed SECONDS     HOST:COUNT:ours|others of each
 *
 * An error is "ERROR NUMBER sentence".
 */
#include <config.h>

#include "agent/tasks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { HELD_MAX = 4096 };

static struct tasks *tasks;
static struct text why;
static size_t held_count;
static struct held {
	struct task task;
	struct tasks_claim claim;
} held[HELD_MAX];

static void
tell_pid(const struct task *task)
{
	if (task->pid == UINT64_MAX)
		printf("none");
	else
		printf("%llu", (unsigned long long)task->pid);
}

static int
tell_task(void *context, const struct task *task)
{
	(void)context;
	tell_pid(task);
	printf(":%u ", task->tries);
	return 0;
}

static int
tell_subject(void *context, const struct task *task)
{
	struct task_subject subject;
	struct text sentence = TEXT_INIT;
	int r = task_subject(task, &subject, &sentence);

	(void)context;
	tell_pid(task);
	if (r > 0)
		printf("=%d %.*s %lld|", subject.kind, (int)subject.place.len, subject.place.data, (long long)subject.quota);
	else
		printf("=%s|", r == 0 ? "obsolete" : text_str(&sentence));
	text_free(&sentence);
	return 0;
}

static int
claim_task(void *context, const struct task *task)
{
	struct held *h = &held[held_count];
	int r;

	(void)context;
	if (held_count == HELD_MAX)
		return 0;
	r = tasks_claim(tasks, task, &h->claim, &why);
	if (r < 0)
		return r;
	tell_pid(task);
	printf("=%d ", r);
	h->task = *task;
	held_count += r > 0;
	return 0;
}

static int
work_task(void *context, const struct task *task)
{
	struct tasks_claim claim;
	int r = tasks_claim(tasks, task, &claim, &why);

	(void)context;
	if (r > 0)
		r = tasks_done(tasks, task, &claim, &why);
	if (r < 0)
		return r;
	if (r > 0) {
		tell_pid(task);
		printf(" ");
	}
	return 0;
}

static int
tell_waiting(void *context, const struct tasks_unclaimed *waiting)
{
	(void)context;
	printf("%.*s:%zu:%s ", (int)waiting->host.len, waiting->host.data, waiting->count, waiting->ours ? "ours" : "others");
	return 0;
}

static int
end_held(struct span word, struct span reason)
{
	for (size_t i = 0; i < held_count; i++) {
		const struct task *task = &held[i].task;
		int r = span_is(word, SPAN("done"))     ? tasks_done(tasks, task, &held[i].claim, &why)
		        : span_is(word, SPAN("failed")) ? tasks_failed(tasks, task, &held[i].claim, reason, &why)
		                                        : tasks_retry(tasks, task, &held[i].claim, reason, &why);

		if (r < 0)
			return r;
		tell_pid(task);
		printf("=%d ", r);
	}
	held_count = 0;
	return 0;
}

static int
do_line(struct span line)
{
	struct span word = SPAN("");
	uint64_t seconds = 0;

	(void)span_next_word(&line, &word);
	line = span_trim(line);
	if (span_is(word, SPAN("poll")))
		return tasks_poll(tasks, tell_task, NULL, &why);
	if (span_is(word, SPAN("subjects")))
		return tasks_poll(tasks, tell_subject, NULL, &why);
	if (span_is(word, SPAN("work")))
		return tasks_poll(tasks, work_task, NULL, &why);
	if (span_is(word, SPAN("claim"))) {
		held_count = 0;
		return tasks_poll(tasks, claim_task, NULL, &why);
	}
	if (span_is(word, SPAN("unclaimed")) && span_to_u64(line, UINT32_MAX, &seconds) == 0)
		return tasks_unclaimed(tasks, seconds, tell_waiting, NULL, &why);
	return end_held(word, line);
}

/* Splits a list at its commas; COUNT at most. */
static size_t
split(char *list, char **out, size_t count)
{
	size_t n = 0;

	for (char *rest = NULL, *part = strtok_r(list, ",", &rest); part != NULL && n < count; part = strtok_r(NULL, ",", &rest))
		out[n++] = part;
	return n;
}

int
main(int argc, char **argv)
{
	char *uris[8], *words[8], line[1024];
	struct span names[8];
	struct tasks_options options = { .names = names };
	const char *const *read_uris = (const char *const *)uris;

	if (argc < 6)
		return 2;
	options.uris = read_uris;
	options.uri_count = split(argv[1], uris, array_size(uris));
	options.base = argv[2];
	options.bind_dn = argv[3];
	options.bind_password_file = argv[4];
	options.name_count = split(argv[5], words, array_size(words));
	for (size_t i = 0; i < options.name_count; i++)
		names[i] = span_of(words[i]);
	for (int i = 6; i < argc; i++) {
		(void)sscanf(argv[i], "timeout=%u", &options.timeout);
		(void)sscanf(argv[i], "lease=%u", &options.lease);
		(void)sscanf(argv[i], "tries=%u", &options.tries);
		if (strncmp(argv[i], "ca=", 3) == 0) {
			options.starttls = true;
			options.ca_file = argv[i] + 3;
		}
	}
	if (tasks_open(&options, &tasks) < 0)
		return 1;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		int r;

		text_clear(&why);
		r = do_line(span_trim(span_of(line)));
		if (r < 0)
			printf("ERROR %d %s", -r, text_str(&why));
		printf("\n");
		fflush(stdout);
	}
	tasks_close(tasks);
	text_free(&why);
	return 0;
}
