/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Reads "TYPE TAB TEXT" lines and prints what cache/rdata.c makes of each, for rdata_named.py:
 * "ok TAB normalised text TAB relative TAB wire" or "no TAB why". The origin is the argument.
 */
#include <config.h>

#include "cache/rdata.h"
#include "cache/rrtype.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void
check_line(struct span line, const struct dname *origin)
{
	struct rdata rdata = { TEXT_INIT, TEXT_INIT, 0 };
	struct text why = TEXT_INIT;
	const char *tab = memchr(line.data, '\t', line.len);
	uint16_t type;
	int r;

	if (tab == NULL ||
	    rrtype_from_text(span_from(line.data, (size_t)(tab - line.data)), &type) < 0) {
		puts("no\tunknown type");
		return;
	}
	line = span_skip(line, (size_t)(tab - line.data) + 1);
	r = rdata_parse(type, line, origin, &rdata, &why);
	if (r < 0) {
		printf("no\t%s\n", r == -EINVAL && why.len > 0 ? text_str(&why) : strerror(-r));
	} else {
		printf("ok\t%s\t%u\t", text_str(&rdata.text), rdata.relative);
		for (size_t i = 0; i < rdata.wire.len; i++)
			printf("%02x", (unsigned char)rdata.wire.data[i]);
		putchar('\n');
	}
	rdata_free(&rdata);
	text_free(&why);
}

int
main(int argc, char **argv)
{
	struct dname origin;
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	if (argc != 2 || dname_from_text(span_of(argv[1]), NULL, &origin) < 0) {
		fputs("usage: rdata_check ORIGIN < LINES\n", stderr);
		return 2;
	}
	while ((n = getline(&line, &room, stdin)) > 0) {
		struct span s = span_from(line, (size_t)n);

		if (s.data[s.len - 1] == '\n')
			s.len--;
		check_line(s, &origin);
	}
	free(line);
	return 0;
}
