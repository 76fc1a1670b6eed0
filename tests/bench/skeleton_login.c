/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * As constant_login mux, but made of common/server.h as our daemons are: what the skeleton costs without what they do in it.
 *
 *	skeleton_login PATH
 */
#include <config.h>

#include "common/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { STRINGS = 4, REQUEST_MAX = 8192, CONNECTIONS = 1024, LIMIT_MS = 10000 };

static enum server_step
look(struct server_connection *connection, struct span input, size_t *out_taken)
{
	size_t at = 0;

	for (int i = 0; i < STRINGS; i++) {
		if (input.len - at < 2)
			return SERVER_MORE;
		at += 2 + ((size_t)(unsigned char)input.data[at] << 8 | (unsigned char)input.data[at + 1]);
		if (at > input.len)
			return SERVER_MORE;
	}
	*out_taken = at;
	text_put_span(server_output(connection), span_from("\0\2OK", 4));
	return SERVER_FINISH;
}

static const struct server_protocol mux = { .name = "mux", .request_max = REQUEST_MAX, .look = look };

static void
say(void *context, enum log_level level, const char *sentence)
{
	(void)context;
	(void)level;
	fprintf(stderr, "%s\n", sentence);
}

int
main(int argc, char **argv)
{
	struct server_options options = {
		.limits = { CONNECTIONS, LIMIT_MS, LIMIT_MS, LIMIT_MS },
		.signals = -1,
		.say = say,
	};
	struct server_listen wanted = { .protocol = &mux };
	cleanup(text_free) struct text why = TEXT_INIT;
	cleanup(text_free) struct text address = TEXT_INIT;
	struct server *server = NULL;
	int r;

	if (argc != 2) {
		fprintf(stderr, "usage: skeleton_login PATH\n");
		return 2;
	}
	text_putf(&address, "unix:%s", argv[1]);
	r = listener_parse(text_str(&address), &wanted.address, &why);
	if (r == 0)
		r = server_new(&options, &server);
	if (r == 0)
		r = server_listen(server, &wanted, 1, NULL, &why);
	if (r == 0)
		r = server_run(server, NULL);
	if (r < 0)
		fprintf(stderr, "skeleton_login: %s %s\n", strerror(-r), text_str(&why));
	server_free(server);
	return r < 0;
}
