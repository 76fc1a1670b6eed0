/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A client of the control socket: whatever it sends, in whatever pieces (the first octet says how large), all it
 * hears are lines of JSON, and every request is answered by one last line.
 */
#include <config.h>

#include "cache/control_session.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *
status(void *context)
{
	(void)context;
	return json_pack("{s:s}", "state", "fine");
}

static uint64_t
begin_wait(void *context)
{
	(void)context;
	return 7;
}

static bool
synchronised(void *context, uint64_t wait)
{
	int *asked = context;

	if (wait != 7)
		abort();
	return ++*asked % 3 == 0;
}

static int
next(void *context, json_t **out_line, struct text *why)
{
	int *asked = context;

	(void)why;
	if (++*asked % 5 == 0)
		return 0;
	if (*asked % 3 == 0)
		return -EAGAIN;
	*out_line = json_pack("{s:i}", "line", *asked);
	return 1;
}

static int
problems(void *context, struct control_stream *out, struct text *why)
{
	(void)why;
	*out = (struct control_stream){ context, next, NULL };
	return 0;
}

static int
by_peer(void *context, const struct control_peer *peer, struct control_stream *out, struct text *why)
{
	(void)peer;
	return problems(context, out, why);
}

static int
rebuild(void *context, const struct control_peer *peer, const char *environment, struct control_stream *out, struct text *why)
{
	(void)peer;
	(void)environment;
	return problems(context, out, why);
}

static int
entries(void *context, struct span subject, json_t **out_dns, struct text *why)
{
	(void)context;
	(void)why;
	*out_dns = json_pack("[i]", (int)subject.len);
	return 0;
}

static int
release(void *context, const struct control_peer *peer, struct control_stream *out, struct text *why)
{
	(void)context;
	(void)peer;
	(void)out;
	(void)why;
	return -EALREADY;
}

static void
check(struct control_session *session)
{
	struct line_buffer lines = line_buffer_of(SIZE_MAX - 1);
	struct span line;

	if (line_put(&lines, control_session_pending(session)) < 0)
		abort();
	while (line_take(&lines, &line) > 0) {
		json_t *object = json_loadb(line.data, line.len, 0, NULL);

		if (!json_is_object(object))
			abort();
		json_decref(object);
	}
	if (lines.taken != lines.octets.len)
		abort();
	line_buffer_free(&lines);
	control_session_sent(session, control_session_pending(session).len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int asked = 0;
	const struct control_actions actions = { &asked,  status,  begin_wait, synchronised, problems,
		                               by_peer, rebuild, entries,    release };
	const struct control_peer peer = { 0, 1 };
	struct control_session session;
	size_t step = size > 0 ? (size_t)data[0] + 1 : 1;
	int64_t now = 0;

	control_session_init(&session, &actions, &peer);
	for (size_t at = 1; at < size; at += step) {
		size_t n = size - at < step ? size - at : step;

		if (control_session_put(&session, span_from(data + at, n)) < 0)
			abort();
		for (int i = 0; i < 1000 && control_session_run(&session, now); i++)
			check(&session);
		check(&session);
		session.stalled = false;
		now += 100;
	}
	control_session_free(&session);
	return 0;
}
