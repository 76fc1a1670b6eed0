/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "agent/status.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>

struct listing {
	json_t *failed;
};

static json_t *
string_of(struct span s)
{
	json_t *string = json_stringn(s.data, s.len);
	struct text shown = TEXT_INIT;

	if (string != NULL)
		return string;
	text_put_escaped(&shown, s, s.len);
	string = json_string(text_str(&shown));
	text_free(&shown);
	return string;
}

static void
add_failure(void *context, enum plan_kind kind, struct span account, const char *reason)
{
	struct listing *listing = context;

	if (json_array_size(listing->failed) < STATUS_FAILURES_MAX)
		json_array_append_new(listing->failed,
		                      json_pack("{s:s, s:o, s:o}", "kind", kind == PLAN_DIRECTORY ? "directory" : "mailbox", "account",
		                                string_of(account), "reason", string_of(span_of(reason))));
}

static json_t *
status_of(const struct engine *engine)
{
	struct listing listing = { json_array() };
	struct engine_figures figures;

	engine_figures(engine, &figures);
	engine_each_failure(engine, add_failure, &listing);
	return json_pack("{s:s, s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:b, s:I, s:b, s:I, s:o}", "program", "ispman-agent",
	                 "version", PACKAGE_VERSION, "pid", (int)getpid(), "directories", (json_int_t)figures.directories, "mailboxes",
	                 (json_int_t)figures.mailboxes, "waiting", (json_int_t)figures.waiting, "made", (json_int_t)figures.made,
	                 "removed", (json_int_t)figures.removed, "adopted", (json_int_t)figures.adopted, "last-complete",
	                 (json_int_t)figures.last_complete, "last-seconds", figures.last_seconds, "brake", figures.brake, "held",
	                 (json_int_t)figures.held, "is-adopted", figures.is_adopted, "failures", (json_int_t)figures.failures, "failed",
	                 listing.failed);
}

static int
replace_file(const char *path, const char *octets)
{
	char fresh[4096];
	size_t n = strlen(octets);
	int fd, r = 0;

	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
		return -ENAMETOOLONG;
	/* The folder is another user's: nothing that stands there is written to. */
	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	if (write(fd, octets, n) != (ssize_t)n || fchmod(fd, 0644) < 0)
		r = errno != 0 ? -errno : -EIO;
	close(fd);
	if (r == 0 && rename(fresh, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(fresh);
	return r;
}

int
status_write(const char *run_dir, const struct engine *engine)
{
	static json_t *last;
	json_t *status = status_of(engine);
	cleanup(free_charp) char *octets = NULL;
	char path[4096];
	int r;

	if (status == NULL)
		return -ENOMEM;
	if (last != NULL && json_equal(last, status)) {
		json_decref(status);
		return 0;
	}
	octets = json_dumps(status, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(6));
	if (octets == NULL || snprintf(path, sizeof(path), "%s/" STATUS_FILE, run_dir) >= (int)sizeof(path)) {
		json_decref(status);
		return -ENOMEM;
	}
	r = replace_file(path, octets);
	json_decref(last);
	last = r == 0 ? status : NULL;
	if (r < 0)
		json_decref(status);
	return r;
}
