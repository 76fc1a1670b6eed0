/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "saslauth/control.h"

#include "cache/secret_json.h"
#include "saslauth/serve.h"

#include <jansson.h>
#include <time.h>

enum { REQUEST_MAX = 8192 };

static void
scheme_of(void *context, struct span stored, struct secret_scheme *out)
{
	const struct serve *serve = context;
	struct password_value value;

	password_inspect(stored, &serve->limits, &value);
	out->name = value.scheme;
	out->weak = value.weak;
	out->usable = value.kind == PASSWORD_VERIFIABLE;
}

/* A member that is a string, or DEFAULT when it is not there. */
static struct span
member(const json_t *request, const char *name, struct span def)
{
	const json_t *value = json_object_get(request, name);

	return json_is_string(value) ? span_from(json_string_value(value), json_string_length(value)) : def;
}

static json_t *
answer(struct serve *serve, struct span line)
{
	json_t *request = json_loadb(line.data, line.len, JSON_ALLOW_NUL, NULL), *out;
	const struct login_question question = {
		.login = member(request, "login", SPAN("")),
		.realm = member(request, "realm", SPAN("")),
		.service = member(request, "service", SPAN("smtp")),
		.now = (uint64_t)time(NULL),
	};
	struct span command = member(request, "command", SPAN(""));
	bool explains = span_is(command, SPAN("explain"));

	if (explains || span_is(command, SPAN("lookup")))
		out = secret_json(serve->cache, &serve->settings->login, &question, explains, scheme_of, serve);
	else
		out = json_pack("{s:s}", "error", "the command is none of: lookup, explain");
	json_decref(request);
	if (out != NULL)
		json_object_set_new(out, "done", json_true());
	return out;
}

static enum server_step
look(struct server_connection *c, struct span input, size_t *out_taken)
{
	struct serve *serve = *(struct serve *const *)server_meaning(c);
	const char *end = memchr(input.data, '\n', input.len);
	json_t *out;
	char *line;

	if (end == NULL)
		return SERVER_MORE;
	*out_taken = (size_t)(end - input.data) + 1;
	out = answer(serve, span_from(input.data, *out_taken - 1));
	line = out != NULL ? json_dumps(out, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(out);
	if (line == NULL)
		return SERVER_DROP;
	text_put(server_output(c), line);
	text_put_char(server_output(c), '\n');
	free(line);
	return SERVER_NEXT;
}

const struct server_protocol control_protocol = {
	.name = "control",
	.request_max = REQUEST_MAX,
	.look = look,
};
