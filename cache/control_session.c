/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/control_session.h"

#include "cache/key.h"

#include <errno.h>

enum { TIMEOUT_MAX = 10 * 365 * 86400 };

void
control_session_init(struct control_session *session, const struct control_actions *actions,
                     const struct control_peer *peer)
{
	*session = (struct control_session){
		.actions = actions,
		.peer = *peer,
		.in = line_buffer_of(CONTROL_REQUEST_MAX),
		.out = TEXT_INIT,
	};
}

int
control_session_put(struct control_session *session, struct span octets)
{
	return line_put(&session->in, octets);
}

void
control_session_sent(struct control_session *session, size_t octets)
{
	session->sent += octets;
	if (session->sent == session->out.len) {
		text_clear(&session->out);
		session->sent = 0;
	} else if (session->sent >= CONTROL_BACKLOG) {
		memmove(session->out.data, session->out.data + session->sent,
		        session->out.len - session->sent);
		session->out.len -= session->sent;
		session->sent = 0;
	}
}

/* --- answers ------------------------------------------------------------------------------------ */

static int
append(const char *octets, size_t size, void *out)
{
	text_put_span(out, span_from(octets, size));
	return 0;
}

/* Takes LINE, which may be NULL when there was no memory for it. */
static void
put_line(struct control_session *session, json_t *line)
{
	if (line == NULL ||
	    json_dump_callback(line, append, &session->out,
	                       JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(15)) < 0) {
		/* Whoever reads must not take a broken answer for a whole one. */
		session->over = true;
		session->out.failed = true;
	}
	text_put_char(&session->out, '\n');
	json_decref(line);
}

static void
put_last(struct control_session *session, json_t *line)
{
	if (line == NULL)
		line = json_object();
	if (line != NULL && json_object_set_new(line, "done", json_true()) < 0) {
		json_decref(line);
		line = NULL;
	}
	put_line(session, line);
}

static void
put_error(struct control_session *session, const char *sentence)
{
	json_t *line = json_object();

	if (line != NULL && json_object_set_new(line, "error", control_text(span_of(sentence))) < 0) {
		json_decref(line);
		line = NULL;
	}
	put_last(session, line);
}

static void
put_failure(struct control_session *session, int error, const struct text *why)
{
	put_error(session, why->len > 0 ? text_str(why) : strerror(-error));
}

json_t *
control_text(struct span s)
{
	json_t *string = json_stringn(s.data, s.len);
	struct text escaped = TEXT_INIT;

	if (string != NULL && (s.len == 0 || memchr(s.data, '\0', s.len) == NULL))
		return string;
	json_decref(string);
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];

		if (c >= ' ' && c < 0x7f)
			text_put_char(&escaped, (char)c);
		else
			text_putf(&escaped, "\\x%02x", c);
	}
	string = text_failed(&escaped) ? NULL : json_stringn(text_str(&escaped), escaped.len);
	text_free(&escaped);
	return string;
}

/* --- commands ----------------------------------------------------------------------------------- */

static void
start_status(struct control_session *session, const json_t *request, int64_t now)
{
	(void)request;
	(void)now;
	put_last(session, session->actions->status(session->actions->context));
}

static void
start_stream(struct control_session *session, int result, const struct text *why)
{
	if (result < 0) {
		put_failure(session, result, why);
		return;
	}
	session->streaming = true;
	session->stalled = false;
}

static void
start_problems(struct control_session *session, const json_t *request, int64_t now)
{
	struct text why = TEXT_INIT;

	(void)request;
	(void)now;
	start_stream(session,
	             session->actions->problems(session->actions->context, &session->stream, &why),
	             &why);
	text_free(&why);
}

static void
start_verify(struct control_session *session, const json_t *request, int64_t now)
{
	struct text why = TEXT_INIT;

	(void)request;
	(void)now;
	start_stream(session,
	             session->actions->verify(session->actions->context, &session->peer,
	                                      &session->stream, &why),
	             &why);
	text_free(&why);
}

static void
start_rebuild(struct control_session *session, const json_t *request, int64_t now)
{
	const json_t *environment = json_object_get(request, "environment");
	struct text why = TEXT_INIT;

	(void)now;
	if (environment != NULL && !json_is_string(environment)) {
		put_error(session, "environment must be a name");
		return;
	}
	start_stream(session,
	             session->actions->rebuild(session->actions->context, &session->peer,
	                                       json_string_value(environment), &session->stream, &why),
	             &why);
	text_free(&why);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int
read_hex(const json_t *value, struct key *out)
{
	const char *hex = json_string_value(value);
	size_t len = json_string_length(value);

	if (hex == NULL || len == 0 || len % 2 != 0 || len / 2 > KEY_MAX)
		return -EINVAL;
	for (size_t i = 0; i < len; i += 2) {
		int high = hex_digit(hex[i]), low = hex_digit(hex[i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		out->octets[i / 2] = (uint8_t)(high << 4 | low);
	}
	out->len = len / 2;
	return 0;
}

static void
start_entries(struct control_session *session, const json_t *request, int64_t now)
{
	struct text why = TEXT_INIT;
	json_t *dns = NULL;
	struct key subject;
	int r = -ENOSYS;

	(void)now;
	if (read_hex(json_object_get(request, "subject"), &subject) < 0) {
		put_error(session, "subject must be a key in hexadecimal digits");
		return;
	}
	if (session->actions->entries != NULL)
		r = session->actions->entries(session->actions->context, key_span(&subject), &dns, &why);
	if (r < 0)
		put_failure(session, r, &why);
	else
		put_last(session, json_pack("{s:o}", "entries", dns));
	text_free(&why);
}

static void
start_release_brake(struct control_session *session, const json_t *request, int64_t now)
{
	struct text why = TEXT_INIT;

	(void)request;
	(void)now;
	start_stream(session,
	             session->actions->release_brake(session->actions->context, &session->peer,
	                                             &session->stream, &why),
	             &why);
	text_free(&why);
}

static void
start_wait(struct control_session *session, const json_t *request, int64_t now)
{
	const json_t *timeout = json_object_get(request, "timeout");
	double seconds = json_is_number(timeout) ? json_number_value(timeout) : 0;

	if (timeout != NULL && !json_is_null(timeout) &&
	    !(json_is_number(timeout) && seconds >= 0 && seconds <= TIMEOUT_MAX)) {
		put_error(session, "timeout must be a number of seconds");
		return;
	}
	session->deadline = INT64_MAX;
	if (json_is_number(timeout))
		session->deadline = now + (int64_t)(seconds * 1000 + 0.999);
	session->wait = session->actions->begin_wait(session->actions->context);
	session->waiting = true;
	session->stalled = false;
}

static const struct {
	const char *name;
	void (*start)(struct control_session *session, const json_t *request, int64_t now);
} commands[] = {
	{ "entries", start_entries },
	{ "problems", start_problems },
	{ "rebuild", start_rebuild },
	{ "release-brake", start_release_brake },
	{ "status", start_status },
	{ "verify", start_verify },
	{ "wait", start_wait },
};

static void
refuse_command(struct control_session *session, const char *name)
{
	struct text sentence = TEXT_INIT;

	text_putf(&sentence, "unknown command %.40s; known:", name);
	for (size_t i = 0; i < array_size(commands); i++)
		text_putf(&sentence, " %s", commands[i].name);
	put_error(session, text_str(&sentence));
	text_free(&sentence);
}

static void
start(struct control_session *session, struct span line, int64_t now)
{
	json_t *request = json_loadb(line.data, line.len, JSON_REJECT_DUPLICATES, NULL);
	const char *name = json_string_value(json_object_get(request, "command"));
	size_t i;

	if (name == NULL) {
		put_error(session, "a request is {\"command\": NAME, ...} in one line");
		json_decref(request);
		return;
	}
	for (i = 0; i < array_size(commands); i++)
		if (strcmp(name, commands[i].name) == 0)
			break;
	if (i < array_size(commands))
		commands[i].start(session, request, now);
	else
		refuse_command(session, name);
	json_decref(request);
}

/* --- going on ------------------------------------------------------------------------------------- */

static void
end_stream(struct control_session *session)
{
	if (session->streaming && session->stream.close != NULL)
		session->stream.close(session->stream.context);
	session->streaming = false;
	session->stream = (struct control_stream){ NULL, NULL, NULL };
}

static void
go_on_streaming(struct control_session *session)
{
	struct text why = TEXT_INIT;
	json_t *line = NULL;
	int r = session->stream.next(session->stream.context, &line, &why);

	if (r == -EAGAIN) {
		session->stalled = true;
	} else if (r > 0) {
		put_line(session, line);
	} else {
		if (r < 0)
			put_failure(session, r, &why);
		else
			put_last(session, line);
		end_stream(session);
	}
	text_free(&why);
}

static void
go_on_waiting(struct control_session *session, int64_t now)
{
	bool synchronised = session->actions->synchronised(session->actions->context, session->wait);

	if (!synchronised && now < session->deadline) {
		session->stalled = true;
		return;
	}
	put_last(session, json_pack("{s:b}", "synchronised", synchronised));
	session->waiting = false;
}

static bool
take_request(struct control_session *session, int64_t now)
{
	struct span line;
	int r;

	if (session->over)
		return false;
	r = line_take(&session->in, &line);
	if (r > 0) {
		start(session, line, now);
		return true;
	}
	if (r < 0) {
		put_error(session, "the request is too long");
		session->over = true;
	}
	return false;
}

bool
control_session_run(struct control_session *session, int64_t now)
{
	if (session->waiting && now >= session->deadline)
		session->stalled = false;
	for (int i = 0; i < CONTROL_LINES_A_RUN; i++) {
		if (control_session_pending(session).len >= CONTROL_BACKLOG || text_failed(&session->out))
			return false;
		if (control_session_is_busy(session) && session->stalled)
			return false;
		if (session->streaming)
			go_on_streaming(session);
		else if (session->waiting)
			go_on_waiting(session, now);
		else if (!take_request(session, now))
			return false;
	}
	return true;
}

void
control_session_free(struct control_session *session)
{
	end_stream(session);
	line_buffer_free(&session->in);
	text_free(&session->out);
}
