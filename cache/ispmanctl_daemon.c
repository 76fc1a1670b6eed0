/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The commands that ispman-cached carries out, and the counters.
 */
#include <config.h>

#include "cache/ispmanctl.h"

#include "common/counters.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>

enum {
	ANSWER_TIMEOUT = 10000,
	CONNECT_PAUSE = 50, /* milliseconds between attempts while the daemon is not there yet */
};

static int
cannot(struct text *why, int code)
{
	ctl_complain("%s", text_str(why));
	text_free(why);
	return code;
}

/* --- wait ------------------------------------------------------------------------------------------- */

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static json_t *
wait_request(int64_t left)
{
	return left < 0 ? json_pack("{s:s}", "command", "wait")
	                : json_pack("{s:s, s:f}", "command", "wait", "timeout", (double)left / 1000);
}

/* LEFT: milliseconds, -1 for ever. 1 synchronised, 0 not in time, or negative. */
static int
wait_once(const char *run_dir, int64_t left, struct text *why)
{
	cleanup(ask_freep) struct ask *ask = NULL;
	json_t *answer;
	int r = ask_open(run_dir, &ask, why);

	if (r == 0)
		r = ask_send(ask, wait_request(left), left < 0 ? -1 : left + ANSWER_TIMEOUT, why);
	if (r == 0)
		r = ask_next(ask, &answer, why);
	if (r < 0)
		return r;
	r = json_is_true(json_object_get(answer, "synchronised"));
	json_decref(answer);
	return r;
}

int
ctl_wait(const struct ctl *ctl)
{
	int64_t end = ctl->timeout < 0 ? INT64_MAX : now_ms() + ctl->timeout;
	struct text why = TEXT_INIT;
	int r;

	/* A daemon that is being started, or restarted, is waited for like one that is loading. */
	for (;;) {
		int64_t now = now_ms();

		text_clear(&why);
		r = wait_once(ctl->settings->run_dir, ctl->timeout < 0 ? -1 : end > now ? end - now : 0, &why);
		if ((r != -ENOENT && r != -ECONNREFUSED && r != -ECONNRESET) || now >= end)
			break;
		poll(NULL, 0, CONNECT_PAUSE);
	}
	if (r < 0)
		return cannot(&why, CTL_CANNOT_TELL);
	text_free(&why);
	if (ctl->json)
		ctl_print_json(json_pack("{s:b}", "synchronised", r));
	else if (r == 0)
		ctl_complain("not synchronised in time; \"ispmanctl status\" says why");
	return r > 0 ? CTL_FINE : CTL_ABSENT;
}

/* --- verify, rebuild, release-brake ------------------------------------------------------------------ */

static void
print_difference(void *context, const json_t *line)
{
	const struct ctl *ctl = context;

	if (ctl->json) {
		ctl_print_json(json_incref((json_t *)(uintptr_t)line));
		return;
	}
	ctl_print_foreign(ctl_member(line, "difference"));
	putchar('\n');
}

static uint64_t
figure(const json_t *last, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(last, key));

	return n > 0 ? (uint64_t)n : 0;
}

int
ctl_verify(const struct ctl *ctl)
{
	static const struct {
		const char *key, *words;
		bool always; /* also when the daemon does not say */
	} kinds[] = {
		{ "missing", "missing", true },
		{ "different", "different", true },
		{ "extra", "extra", true },
		{ "dns", "DNS records differ", true },
		{ "mail", "mail records differ", false },
		{ "secret", "secret records differ", false },
		{ "account", "account records differ", false },
	};
	struct text why = TEXT_INIT, out = TEXT_INIT;
	struct ctl copy = *ctl;
	json_t *last = NULL;
	uint64_t differences = 0;

	if (ask_once(ctl->settings->run_dir, "verify", -1, print_difference, &copy, &last, &why) < 0)
		return cannot(&why, CTL_CANNOT_TELL);
	ctl_put_count(&out, figure(last, "entries"));
	text_put(&out, " entries compared: ");
	for (size_t i = 0; i < array_size(kinds); i++) {
		uint64_t n = figure(last, kinds[i].key);

		differences += n;
		if (!kinds[i].always && json_object_get(last, kinds[i].key) == NULL)
			continue;
		text_put(&out, i > 0 ? ", " : "");
		ctl_put_count(&out, n);
		text_putf(&out, " %s", kinds[i].words);
	}
	if (ctl->json) {
		ctl_print_json(last);
	} else {
		printf("%s\n", text_str(&out));
		json_decref(last);
	}
	text_free(&out);
	text_free(&why);
	return differences == 0 ? CTL_FINE : CTL_ABSENT;
}

int
ctl_rebuild(const struct ctl *ctl)
{
	struct text why = TEXT_INIT, out = TEXT_INIT;
	json_t *request, *last = NULL;

	if (ctl->argc > 1) {
		ctl_complain("rebuild takes one environment at most: dns, mail, secret or account");
		return CTL_USAGE;
	}
	request = json_pack("{s:s}", "command", "rebuild");
	if (ctl->argc == 1)
		json_object_set_new(request, "environment", json_string(ctl->argv[0]));
	if (ask_for(ctl->settings->run_dir, request, -1, NULL, NULL, &last, &why) < 0)
		return cannot(&why, CTL_CANNOT_TELL);
	if (ctl->json) {
		ctl_print_json(last);
	} else {
		ctl_put_count(&out, figure(last, "fragments"));
		printf("rebuilt from the replica; %s fragments differed\n", text_str(&out));
		json_decref(last);
	}
	text_free(&out);
	text_free(&why);
	return CTL_FINE;
}

int
ctl_release_brake(const struct ctl *ctl)
{
	struct text why = TEXT_INIT;
	json_t *last = NULL;
	int r = ask_once(ctl->settings->run_dir, "release-brake", -1, NULL, NULL, &last, &why);

	/* It may be that there was nothing to release. */
	if (r < 0)
		return cannot(&why, r == -ECANCELED ? CTL_ABSENT : CTL_CANNOT_TELL);
	if (ctl->json) {
		ctl_print_json(last);
	} else {
		printf("%s\n", ctl_member(last, "said"));
		json_decref(last);
	}
	text_free(&why);
	return CTL_FINE;
}

/* --- metrics -------------------------------------------------------------------------------------------- */

int
ctl_metrics(const struct ctl *ctl)
{
	struct counters_reading *readings = NULL;
	struct text out = TEXT_INIT;
	int count = counters_read_all(ctl->settings->run_dir, &readings);

	if (count < 0) {
		ctl_complain("%s/metrics cannot be read: %s", ctl->settings->run_dir, strerror(-count));
		return CTL_CANNOT_TELL;
	}
	counters_put_openmetrics(&out, readings, count);
	counters_reading_free(readings, count);
	if (text_failed(&out)) {
		ctl_complain("%s", strerror(ENOMEM));
		return CTL_CANNOT_TELL;
	}
	fputs(text_str(&out), stdout);
	text_free(&out);
	return CTL_FINE;
}
