/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Fills a mail environment with what standard input describes (mail_text.h).
 *
 *	write_mail FOLDER < TEXT
 */
#include <config.h>

#include "tests/lib/mail_text.h"

#include "common/text.h"

#include <stdio.h>

int
main(int argc, char **argv)
{
	struct text text = TEXT_INIT;
	char piece[65536];
	size_t n;

	if (argc != 2) {
		fprintf(stderr, "usage: write_mail FOLDER < TEXT\n");
		return 2;
	}
	while ((n = fread(piece, 1, sizeof(piece), stdin)) > 0)
		text_put_span(&text, span_from(piece, n));
	if (ferror(stdin) || text_failed(&text)) {
		fprintf(stderr, "write_mail: standard input cannot be read\n");
		return 1;
	}
	mail_text_write(argv[1], text_span(&text));
	mail_text_close();
	text_free(&text);
	return 0;
}
