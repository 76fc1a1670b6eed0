/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/ispmanctl.h"

#include "common/line.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

/* An answer's line; a status with long errors in it is a few thousand octets. */
enum { ANSWER_MAX = 1 << 20, ENTRIES_TIMEOUT = 10000 };

struct ask {
	int fd;
	const char *whom; /* "ispman-cached" */
	struct line_buffer lines;
};

static int
say_why(struct text *why, const char *whom, int error, const char *path)
{
	if (error == -ENOENT || error == -ECONNREFUSED)
		text_putf(why, "%s does not answer: nobody listens at %s", whom, path);
	else if (error == -EACCES)
		text_putf(why, "no right to ask %s: %s is for root, its user and its group", whom, path);
	else
		text_putf(why, "%s does not answer: %s: %s", whom, path, strerror(-error));
	return error;
}

int
ask_open(const char *run_dir, struct ask **out, struct text *why)
{
	return ask_open_other(run_dir, "control", "ispman-cached", out, why);
}

int
ask_open_other(const char *run_dir, const char *socket_name, const char *whom, struct ask **out, struct text *why)
{
	cleanup(ask_freep) struct ask *ask = calloc(1, sizeof(*ask));
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	cleanup(free_charp) char *path = NULL;

	if (ask == NULL)
		return -ENOMEM;
	ask->fd = -1;
	ask->whom = whom;
	if (asprintf(&path, "%s/%s", run_dir, socket_name) < 0)
		return -ENOMEM;
	ask->lines = line_buffer_of(ANSWER_MAX);
	if (strlen(path) >= sizeof(address.sun_path))
		return say_why(why, whom, -ENAMETOOLONG, path);
	memcpy(address.sun_path, path, strlen(path));
	ask->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (ask->fd < 0 ||
	    connect(ask->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return say_why(why, whom, -errno, path);
	*out = take(ask);
	return 0;
}

void
ask_free(struct ask *ask)
{
	if (ask == NULL)
		return;
	if (ask->fd >= 0)
		close(ask->fd);
	line_buffer_free(&ask->lines);
	free(ask);
}

void
ask_freep(struct ask **ask)
{
	ask_free(*ask);
}

int
ask_send(struct ask *ask, json_t *request, int64_t timeout, struct text *why)
{
	cleanup(free_charp) char *line = request != NULL ? json_dumps(request, JSON_COMPACT) : NULL;
	struct timeval limit = { .tv_sec = timeout / 1000, .tv_usec = timeout % 1000 * 1000 };
	char end[] = "\n";
	struct iovec parts[] = { { line, line != NULL ? strlen(line) : 0 }, { end, 1 } };
	const struct msghdr message = { .msg_iov = parts, .msg_iovlen = array_size(parts) };

	json_decref(request);
	if (line == NULL)
		return -ENOMEM;
	if (timeout >= 0 && setsockopt(ask->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		return -errno;
	/* Short enough for the socket's buffer: it goes at once or not at all. */
	if (sendmsg(ask->fd, &message, MSG_NOSIGNAL) < 0 && errno != EPIPE) {
		int r = -errno;

		text_putf(why, "%s cannot be asked: %s", ask->whom, strerror(-r));
		return r;
	}
	return 0;
}

static int
read_more(struct ask *ask, struct text *why)
{
	char room[16384];
	ssize_t n = read(ask->fd, room, sizeof(room));

	if (n < 0 && errno == EINTR)
		return 0;
	if (n < 0) {
		int r = errno == EAGAIN ? -ETIMEDOUT : -errno;

		text_putf(why, "%s does not answer: %s", ask->whom, strerror(-r));
		return r;
	}
	if (n == 0) {
		text_putf(why, "%s ended before its answer did", ask->whom);
		return -ECONNRESET;
	}
	return line_put(&ask->lines, span_from(room, (size_t)n));
}

int
ask_next(struct ask *ask, json_t **out_line, struct text *why)
{
	json_t *line;
	struct span text;
	const char *error;
	int r;

	while ((r = line_take(&ask->lines, &text)) == 0) {
		r = read_more(ask, why);
		if (r < 0)
			return r;
	}
	line = r > 0 ? json_loadb(text.data, text.len, 0, NULL) : NULL;
	if (!json_is_object(line)) {
		text_putf(why, "%s's answer makes no sense", ask->whom);
		json_decref(line);
		return -EPROTO;
	}
	r = !json_is_true(json_object_get(line, "done"));
	error = r == 0 ? json_string_value(json_object_get(line, "error")) : NULL;
	/* A status has an "error" of its own, the source's last one. */
	if (error != NULL && json_object_size(line) == 2) {
		text_put(why, error);
		json_decref(line);
		return -ECANCELED;
	}
	json_object_del(line, "done");
	*out_line = line;
	return r;
}

int
ask_for(const char *run_dir, json_t *request, int64_t timeout, void (*each)(void *context, const json_t *line),
        void *context, json_t **out_last, struct text *why)
{
	cleanup(ask_freep) struct ask *ask = NULL;
	int r = ask_open(run_dir, &ask, why);

	if (r == 0)
		r = ask_send(ask, request, timeout, why);
	else
		json_decref(request);
	if (r < 0)
		return r;
	for (;;) {
		json_t *line;

		r = ask_next(ask, &line, why);
		if (r < 0)
			return r;
		if (r == 0) {
			*out_last = line;
			return 0;
		}
		if (each != NULL)
			each(context, line);
		json_decref(line);
	}
}

int
ask_once(const char *run_dir, const char *command, int64_t timeout,
         void (*each)(void *context, const json_t *line), void *context, json_t **out_last,
         struct text *why)
{
	return ask_for(run_dir, json_pack("{s:s}", "command", command), timeout, each, context, out_last, why);
}

void
ask_put_subject(struct text *out, struct span subject)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < subject.len; i++) {
		text_put_char(out, digits[(uint8_t)subject.data[i] >> 4]);
		text_put_char(out, digits[(uint8_t)subject.data[i] & 15]);
	}
}

int
ask_entries(struct ask *ask, const char *subject, json_t **out_dns, struct text *why)
{
	json_t *answer = NULL;
	int r = ask_send(ask, json_pack("{s:s, s:s}", "command", "entries", "subject", subject), ENTRIES_TIMEOUT, why);

	if (r == 0)
		r = ask_next(ask, &answer, why);
	if (r == 0)
		*out_dns = json_incref(json_object_get(answer, "entries"));
	json_decref(answer);
	return r < 0 ? r : 0;
}
