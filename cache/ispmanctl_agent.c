/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What `ispmanctl status` says of ispman-agent: it leaves a file of JSON in the run folder (agent/status.h). Whatever stands in that
 * file, there is something to say.
 */
#include <config.h>

#include "cache/ispmanctl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define AGENT_STATUS "agent-status"

enum { FILE_MAX = 4 << 20, FAILURES_SHOWN = 10 };

/* --- the file ------------------------------------------------------------------------------------ */

static json_t *
cannot_be_read(const char *path, const char *why)
{
	cleanup(text_free) struct text sentence = TEXT_INIT;

	text_putf(&sentence, "%s: %s", path, why);
	return json_pack("{s:o}", "error", ctl_foreign_json(text_span(&sentence)));
}

/* 0, or a negative errno; -EMEDIUMTYPE: it is no file of that kind. */
static int
read_octets(const char *path, struct text *out)
{
	cleanup(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat stat;
	char room[8192];
	ssize_t n;

	if (fd < 0 || fstat(fd, &stat) < 0)
		return -errno;
	if (!S_ISREG(stat.st_mode) || stat.st_size > FILE_MAX)
		return -EMEDIUMTYPE;
	while ((n = read(fd, room, sizeof(room))) > 0 && out->len <= FILE_MAX)
		text_put_span(out, span_from(room, (size_t)n));
	if (n < 0)
		return -errno;
	return text_failed(out) ? -ENOMEM : 0;
}

/* Also one of another user. */
static bool
is_running(json_int_t pid)
{
	return pid > 0 && pid <= INT32_MAX && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

json_t *
ctl_read_agent(const char *run_dir)
{
	cleanup(text_free) struct text path = TEXT_INIT, octets = TEXT_INIT;
	const char *program;
	json_t *agent;
	int r;

	text_putf(&path, "%s/" AGENT_STATUS, run_dir);
	r = text_failed(&path) ? -ENOMEM : read_octets(text_str(&path), &octets);
	if (r == -ENOENT || r == -ENOTDIR)
		return NULL;
	if (r < 0)
		return cannot_be_read(text_str(&path), r == -EMEDIUMTYPE ? "that is no status" : strerror(-r));
	agent = json_loadb(text_span(&octets).data, octets.len, 0, NULL);
	program = json_string_value(json_object_get(agent, "program"));
	if (program == NULL || strcmp(program, "ispman-agent") != 0) {
		json_decref(agent);
		return cannot_be_read(text_str(&path), "that is no status");
	}
	json_object_set_new(agent, "running", json_boolean(is_running(json_integer_value(json_object_get(agent, "pid")))));
	return agent;
}

/* --- text ---------------------------------------------------------------------------------------- */

static uint64_t
number(const json_t *agent, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(agent, key));

	return n > 0 ? (uint64_t)n : 0;
}

static void
put_number_of(struct text *out, const char *before, uint64_t n, const char *one, const char *many)
{
	text_put(out, before);
	ctl_put_count(out, n);
	text_putf(out, " %s", n == 1 ? one : many);
}

static void
put_last_pass(struct text *out, const json_t *agent, time_t now, const char *dot)
{
	uint64_t last = number(agent, "last-complete");

	text_put(out, dot);
	if (last == 0) {
		text_put(out, "no pass yet");
		return;
	}
	text_put(out, "last pass ");
	ctl_put_seconds(out, now > 0 && (uint64_t)now > last ? (double)((uint64_t)now - last) : 0);
	text_put(out, " ago (");
	ctl_put_seconds(out, json_number_value(json_object_get(agent, "last-seconds")));
	text_put_char(out, ')');
}

static void
put_brake(struct text *out, const json_t *agent)
{
	if (!json_is_true(json_object_get(agent, "brake")))
		return;
	text_put(out, "\nTHE BRAKE OF THE AGENT HOLDS: it would remove ");
	ctl_put_count(out, number(agent, "held"));
	text_put(out, " of ");
	ctl_put_count(out, number(agent, "directories") + number(agent, "mailboxes"));
	text_put(out, " directories and mailboxes.\nNothing is removed; everything else goes on. Repair the directory, or let it happen "
	              "with\n\"ispman-agent --release-brake\".\n\n");
}

/* One line, whatever stands in it. */
static void
put_line_of(struct text *out, const char *string)
{
	for (; *string != '\0'; string++)
		text_put_char(out, (unsigned char)*string < ' ' ? ' ' : *string);
}

static void
put_failures(struct text *out, const json_t *agent)
{
	const json_t *failed = json_object_get(agent, "failed");
	uint64_t all = number(agent, "failures"), shown = 0;
	const json_t *failure;
	size_t i;

	json_array_foreach(failed, i, failure)
	{
		const char *account = ctl_member(failure, "account");

		if (shown == FAILURES_SHOWN)
			break;
		text_put(out, "    ");
		put_line_of(out, account[0] != '\0' ? account : "(no account)");
		text_put(out, " (");
		put_line_of(out, ctl_member(failure, "kind"));
		text_put(out, "): ");
		put_line_of(out, ctl_member(failure, "reason"));
		text_put_char(out, '\n');
		shown++;
	}
	if (shown > 0 && all > shown) {
		text_put(out, "    and ");
		ctl_put_count(out, all - shown);
		text_put(out, " more\n");
	}
}

void
ctl_put_agent(struct text *out, const json_t *agent, time_t now, const char *dot)
{
	const char *error = ctl_member(agent, "error");

	if (error[0] != '\0') {
		text_put(out, "  agent        its status cannot be read: ");
		put_line_of(out, error);
		text_put_char(out, '\n');
		return;
	}
	put_brake(out, agent);
	text_put(out, "  agent        ");
	if (json_is_false(json_object_get(agent, "running")))
		text_putf(out, "NOT RUNNING%s", dot);
	put_number_of(out, "", number(agent, "directories"), "directory", "directories");
	put_number_of(out, ", ", number(agent, "mailboxes"), "mailbox", "mailboxes");
	if (number(agent, "waiting") > 0)
		put_number_of(out, dot, number(agent, "waiting"), "waits for removal", "wait for removal");
	if (number(agent, "failures") > 0)
		put_number_of(out, dot, number(agent, "failures"), "failure", "failures");
	put_last_pass(out, agent, now, dot);
	text_put_char(out, '\n');
	if (json_is_false(json_object_get(agent, "is-adopted")))
		text_put(out, "               nothing is removed before \"ispman-agent --adopt\"\n");
	put_failures(out, agent);
}

bool
ctl_agent_is_fine(const json_t *agent)
{
	return ctl_member(agent, "error")[0] == '\0' && !json_is_false(json_object_get(agent, "running")) &&
	       !json_is_true(json_object_get(agent, "brake"));
}
